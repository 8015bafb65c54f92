"""``service_roles``: which addresses are deposit, hot, cold and gas wallets of services."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import polars as pl

from chainwatch.addresses.assets import Asset
from chainwatch.attribution.resolve import TagStatement
from chainwatch.attribution.tags import Tags
from chainwatch.chains.catalogue import chain as find_chain
from chainwatch.errors import TraceError
from chainwatch.heuristics.accounts import deposit_address as rules
from chainwatch.heuristics.rule import Rule
from chainwatch.ledger.ledger import Ledger
from chainwatch.results.result import Finding, Result, recorded
from chainwatch.results.roles import Roles, parties_of
from chainwatch.results.table import Rows
from chainwatch.tracing.custody.hosted import MIN_SHARE, SWEPT, Hosted, by_service, custody_of
from chainwatch.tracing.custody.opening import opened_said, split_opened
from chainwatch.tracing.custody.service_side import (
    MIN_FUNDED,
    MIN_PURE,
    MIN_UNRELATED,
    Bars,
)
from chainwatch.tracing.custody.sweeps import Flows, Wallets
from chainwatch.tracing.custody.tables import FORWARDING, OPENED_ROLES, ROLES
from chainwatch.tracing.custody.wallet_roles import (
    DEPOSIT,
    GAS_WALLET,
    ONE_WAY,
    Wallet,
    cold_wallets,
    collecting_wallets,
    tagged_role,
)
from chainwatch.tracing.stops import CONFIRMED, OPEN_CUSTODY
from chainwatch.units import counted

BY_TAG, ONE = "tag", "one destination"


@dataclass(frozen=True, repr=False, eq=False)
class WalletRoles(Result):
    """Addresses of services by role, each confirmed by a tag, probable by behaviour, or undecided.

    Attributes
    ----------
    frame : polars.DataFrame
        Rows in :data:`chainwatch.tracing.custody.tables.ROLES`. Given to a trace as a stop,
        following ends at each.
    rules : polars.DataFrame
        Rows in :data:`chainwatch.tracing.custody.tables.FORWARDING`: of every address that paid a
        service what each rule says, side by side.
    asset : Asset
        What was counted.
    opened : polars.DataFrame
        Rows in ``OPENED_ROLES``: those that a person opened, with why.
    """

    frame: pl.DataFrame
    rules: pl.DataFrame
    asset: Asset
    opened: pl.DataFrame = field(default_factory=OPENED_ROLES.empty)

    def open(self, *addresses: str | bytes, why: str) -> WalletRoles:
        """Return the same with addresses opened: a trace that stops at it goes on behind these.

        Parameters
        ----------
        *addresses : str or bytes
            As text or canonical bytes: addresses that have their role by what they do. Where a tag
            names one, the tag is to be left out.
        why : str
            The reason, which stands beside them in every report.

        Raises
        ------
        TraceError
            If one is none of these, or no reason is given.
        AddressError
            If a text is no address.
        """
        by_tag = self.frame.filter(rule=BY_TAG)
        free = self.frame.filter(pl.col("rule") != BY_TAG)
        left, more = split_opened(free, addresses, why, self.asset.chain)
        kept = pl.concat([by_tag, left]).sort("address")
        return replace(self, frame=kept, opened=pl.concat([self.opened, more]))

    def tables(self) -> Mapping[str, Rows]:
        """Return the tables that make up the content digest."""
        opened = {} if self.opened.is_empty() else {"opened": OPENED_ROLES.rows(self.opened)}
        return {
            "roles": ROLES.rows(self.frame), "forwarding": FORWARDING.rows(self.rules), **opened,
        }  # fmt: skip

    def findings(self, subjects: pl.DataFrame) -> Sequence[Finding]:
        """Return the roles that were found, with how each rule counts."""
        return (roles_finding(self),)

    def roles(self) -> Roles:
        """Return that a deposit address is a customer's, and those of whom little is shown.

        Whoever passes his coins on to a service may be anybody, where nothing shows its side.
        """
        every = pl.concat([self.frame, self.opened.drop("why")])
        deposits = every.filter(pl.col("role").is_in([DEPOSIT, ONE_WAY]))
        known = self.frame.filter(pl.col("rule") != BY_TAG)
        open_ = known.filter(certainty=OPEN_CUSTODY)
        others = self.rules.join(self.frame, on="address", how="anti")
        return Roles(
            customers=parties_of(deposits),
            doubtful=parties_of(open_) | parties_of(others) | parties_of(self.opened),
        )

    def __repr__(self) -> str:
        by = self.frame.group_by("role", "certainty").len().sort("role", "certainty")
        parts = [f"  {count:>8,}  {role} ({sure})" for role, sure, count in by.iter_rows()]
        found = [f"  {self._said(name)}" for name in ("one_destination", "victor", "production")]
        head = f"WalletRoles({counted(self.frame.height, 'address', 'addresses')})"
        return "\n".join([head, *parts, *found])

    def _said(self, rule: str) -> str:
        column = self.rules[rule]
        if column.null_count() == column.len() and column.len():
            return f"{rule}: not a rule of this chain"
        return f"{rule}: {counted(int(column.sum()), 'address', 'addresses')} of {column.len():,}"


@recorded
def service_roles(
    ledger: Ledger, tags: Tags, *, asset: Asset, poisoning: Rule | None = None,
    min_share: int = MIN_SHARE, min_sweeps: int = SWEPT, min_unrelated: int = MIN_UNRELATED,
    min_funded: int = MIN_FUNDED, min_pure: int = MIN_PURE, max_hours: int = rules.MAX_HOURS,
    max_left: int | None = None, max_senders: int = rules.MAX_SENDERS,
) -> WalletRoles:  # fmt: skip
    """List the wallets of services by role: deposit, hot, cold, gas, and how sure that is.

    A tagged wallet is *confirmed* from the level of a service's own data on, and *probable* below.
    Deposit addresses are those of :func:`chainwatch.tracing.custody.hosted.hosted`; where custody
    is *undecided* the role is a one-destination wallet. On account chains a gas wallet pays the gas
    of many of these, a cold wallet moves large amounts with one service alone, and a collecting
    wallet of a service that no tag names gets all from many; each is *probable* by what it does.
    What Victor's rule and the production rule say stands beside, of every address that paid a
    tagged wallet.

    Parameters
    ----------
    ledger : Ledger
        The history that was read.
    tags : Tags
        Who is a service; of whom they say something else is not judged.
    asset : Asset
        What is counted.
    poisoning : Rule, optional
        Transfers that only look like payments are left out.
    min_share, min_sweeps, min_unrelated, min_funded, min_pure : int
        As ``hosted`` has them.
    max_hours, max_senders : int
        Victor's. ``max_hours``: from a deposit to its sweep; ``max_senders``: of one address.
    max_left : int, optional
        Victor's rule: base units that a sweep may leave; nothing of a token, a hundredth of the
        native coin (Victor's 0.01 ETH).

    Raises
    ------
    TraceError
        If a number is out of range.

    Fails when
    ----------
    Tags name no hot wallet of a service: it is found, if at all, without a name. See ``hosted``,
    and :mod:`chainwatch.heuristics.accounts.deposit_address` for what the other rules take for one.

    References
    ----------
    Victor, FC 2020; measured rates of all three rules in ``docs/custody.md``.
    """
    least = (min_share, min_sweeps, Bars(min_unrelated, min_funded, min_pure))
    times = _times(asset, max_hours, max_left, max_senders)
    at, found, flows, wallets, tagged = custody_of(ledger, tags, asset, poisoning, least)
    accounts = find_chain(asset.chain).family != "utxo"
    beside = _beside(flows, wallets, tagged, at, asset, times) if accounts else _coins(at)
    rows = [*_tagged(wallets, at), *_deposits(at), *_gas(at, tagged)]
    if accounts:
        known = {*tagged, *found["address"], *(one.address for one in rows)}
        rows += cold_wallets(ledger, asset, wallets, known, poisoning)
        rows += collecting_wallets(ledger, asset, known, poisoning, least)
    frame = ROLES.frame((asset.chain, *one) for one in _once(rows))
    return WalletRoles(frame.sort("address"), beside, asset)


def _times(asset: Asset, hours: int, left: int | None, senders: int) -> rules.Times:
    if hours < 1 or senders < 1 or (left is not None and left < 0):
        raise TraceError(
            f"{hours} hours, {senders} senders, {left} base units left",
            remedy="give at least one hour and one sender, and no amount below zero",
        )
    whole = 0 if asset.contract is not None else 10**asset.decimals // 100
    return rules.Times(hours, whole if left is None else left, senders)


def _once(rows: Sequence[Wallet]) -> Iterator[Wallet]:
    """Yield each address once: the first role that was found of it."""
    seen = set[bytes]()
    for one in rows:
        if one.address not in seen:
            seen.add(one.address)
            yield one


def _tagged(wallets: Wallets, at: Hosted) -> Iterator[Wallet]:
    """Yield the wallets that tags name, by role where a tag or what they collect says it."""
    collected = dict(at.frame.group_by("service").len().iter_rows())
    for address, said in sorted(wallets.items()):
        one = said[0]
        told = f"tagged {one.label} by {one.source} ({one.confidence}, {one.dated()})"
        sure = "confirmed" if one.level >= CONFIRMED else "probable"
        count = int(collected.get(one.actor, 0))
        yield Wallet(address, tagged_role(said), one.actor, sure, BY_TAG, told, count)


def _deposits(at: Hosted) -> Iterator[Wallet]:
    columns = ("address", "service", "certainty", "shown_by", "evidence", "sweeps")
    for address, service, certainty, shown, told, sweeps in at.frame.select(columns).iter_rows():
        role = DEPOSIT if shown else ONE_WAY
        yield Wallet(address, role, service, certainty, shown or ONE, told, sweeps)


def _gas(at: Hosted, tagged: Mapping[bytes, tuple[TagStatement, ...]]) -> Iterator[Wallet]:
    """Yield the gas wallets of services, where no tag says otherwise."""
    paid = at.probable.filter(pl.col("gas_funder").is_not_null())
    for row in (
        paid.group_by("gas_funder", "service")
        .agg(pl.col("funded").max(), pl.col("unrelated").max())
        .sort("gas_funder", "service")
        .iter_rows(named=True)
    ):
        if row["gas_funder"] in tagged:
            continue
        told = (
            f"it pays the gas of {row['funded']:,} addresses that pass all on to this service, and"
            f" hardly anybody else's; {row['unrelated']:,} of them have no depositor in common"
        )
        yield Wallet(
            row["gas_funder"], GAS_WALLET, row["service"], "probable", "shared gas funder", told,
            row["funded"],
        )  # fmt: skip


def _beside(
    flows: Flows, wallets: Wallets, tagged: Wallets, at: Hosted, asset: Asset, times: rules.Times
) -> pl.DataFrame:
    """Return what each rule says of every address that paid a service and is not tagged."""
    paid = flows.sent.filter(pl.col("service").is_not_null()).group_by("address", "service").agg(
        pl.len().cast(pl.Int64).alias("payments")
    )  # fmt: skip
    free = paid.filter(~pl.col("address").is_in(list(tagged)))
    key = ["address", "service"]
    mine = pl.concat([at.frame, at.few]).select(*key, "certainty", "sweeps")
    depositors = flows.payers.group_by("address").agg(pl.len().cast(pl.Int64).alias("depositors"))
    matched = rules.victor(flows, times)
    made = rules.production(flows).with_columns(pl.lit(True).alias("production"))
    whole = at.frame.select(*key, pl.lit(True).alias("one_destination"))
    return (
        free.join(matched, on=key, how="left")
        .join(made, on=key, how="left")
        .join(whole, on=key, how="left")
        .join(mine, on=key, how="left")
        .join(depositors, on="address", how="left")
        .with_columns(
            pl.lit(asset.chain).alias("chain"),
            pl.col("matched", "depositors").fill_null(0),
            (pl.col("matched").fill_null(0) >= rules.MATCHED).alias("victor"),
            pl.col("production", "one_destination").fill_null(False),
            pl.when(pl.col("one_destination")).then("certainty").alias("certainty"),
        )
        .select(FORWARDING.names)
        .sort(key)
    )


def _coins(at: Hosted) -> pl.DataFrame:
    """Return the same of a coin chain, where the two published rules say nothing."""
    return (
        pl.concat([at.frame, at.few])
        .with_columns(
            (pl.col("sweeps") >= SWEPT).alias("one_destination"),
            pl.lit(None, pl.Boolean).alias("victor"),
            pl.lit(None, pl.Boolean).alias("production"),
            pl.lit(0, pl.Int64).alias("matched"),
            pl.col("sweeps").alias("payments"),
        )
        .with_columns(pl.when(pl.col("one_destination")).then("certainty").alias("certainty"))
        .select(FORWARDING.names)
        .sort("address", "service")
    )


def roles_finding(found: WalletRoles) -> Finding:
    """Return the roles that were found, with how each rule counts."""
    probable = found.frame.filter((pl.col("role") == DEPOSIT) & (pl.col("rule") != BY_TAG))
    open_ = found.frame.filter(role=ONE_WAY)
    told = [
        f"{counted(probable.height, 'address is', 'addresses are')} consistent with deposit"
        f" addresses ({by_service(probable) or 'none'}); of {open_.height} that pay one service"
        f" alone ({by_service(open_) or 'none'}) custody is undecided."
    ]
    if found.rules["victor"].null_count() < found.rules.height:
        victor, made = (int(found.rules[name].sum()) for name in ("victor", "production"))
        told.append(
            f"Victor's rule calls {victor:,} of {found.rules.height:,} addresses that paid a"
            f" service its deposit addresses, the production rule {made:,}: both ask how value was"
            " forwarded, and not whose keys it was forwarded with."
        )
    return Finding(
        "Wallets of services by role",
        tuple(filter(None, (*told, opened_said(found.opened)))),
        ROLES.rows(found.frame),
        found.asset,
        ("A wallet of somebody's own that cashes out at one service forwards as a deposit address"
         " does.",),
    )  # fmt: skip
