"""Custody decides: who passes all it gets to one service holds a customer's deposits there.

A service gives each customer a deposit address and sweeps it into its hot wallet. Whoever pays
there has paid into an account at the service; whose account it is, the service knows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import polars as pl

from chainwatch.addresses.assets import Asset
from chainwatch.attribution.resolve import TagStatement, statements_of
from chainwatch.attribution.tags import Tags
from chainwatch.chains.catalogue import chain as find_chain
from chainwatch.errors import TraceError
from chainwatch.heuristics.rule import Rule
from chainwatch.ledger.ledger import Ledger
from chainwatch.results.result import Finding, Result, recorded
from chainwatch.results.roles import Roles, parties_of
from chainwatch.results.table import (
    CHAIN,
    FIRST,
    LAST,
    SERVICE,
    Column,
    Rows,
    Table,
)
from chainwatch.tracing.arguments import check
from chainwatch.tracing.stops import HOSTED, reason_of
from chainwatch.tracing.sweeps import Flows, account_flows, coin_flows
from chainwatch.units import counted, exact_sum

MIN_SHARE = 980
"""Of 1,000 units received, how many must have gone on: some dust always stays behind."""

SWEPT = 2
"""Sweeps that are the least evidence: somebody who pays out once to an exchange looks the same."""

HOSTED_ADDRESSES = Table(
    "hosted",
    ("chain", "address"),
    "Addresses that behave as deposit addresses of a service, each with its evidence.",
    (
        CHAIN,
        Column.party("address", "the probable deposit address"),
        SERVICE,
        Column.text("labels", "labels of the wallets that it passed everything to"),
        Column.amount("received", "what it received until its last payment to the service"),
        Column.amount("forwarded", "what of it went to the service"),
        Column.count("sweeps", "payments to the service"),
        Column.count("receipts", "payments that it received"),
        FIRST,
        LAST,
        Column.word("certainty", "always probable: whose account it is, the service knows"),
        Column.text("evidence", "what speaks for it, in a sentence"),
    ),
)

PROBABLE_DEPOSITS = HOSTED_ADDRESSES.pick(
    "chain", "address", "service", "received", "forwarded", "sweeps", "certainty", name="hosting"
)

PASSED_ON = replace(
    HOSTED_ADDRESSES,
    name="passed_on",
    meaning="Addresses that passed all on to one service, in too few payments to show anything.",
)

CUSTODY = (
    "An exchange serves everybody. What arrives at a deposit address is its customer's; what the"
    " exchange pays out afterwards is not."
)


@dataclass(frozen=True, repr=False, eq=False)
class Hosted(Result):
    """Addresses that behave as deposit addresses of a service: probable, each with its evidence.

    Attributes
    ----------
    frame : polars.DataFrame
        Rows in ``HOSTED_ADDRESSES``; amounts in base units.
    asset : Asset
        What was counted.
    few : polars.DataFrame
        Rows of the same kind: addresses that passed all on too, in fewer payments than were asked
        for. Nothing is shown of them, and following goes on behind them.
    """

    frame: pl.DataFrame
    asset: Asset
    few: pl.DataFrame = field(default_factory=HOSTED_ADDRESSES.empty)

    def tables(self) -> Mapping[str, Rows]:
        """Return the tables that make up the content digest."""
        return {
            "hosted": HOSTED_ADDRESSES.rows(self.frame),
            "passed_on": PASSED_ON.rows(self.few),
        }

    def findings(self, subjects: pl.DataFrame) -> Sequence[Finding]:
        """Return the probable deposit addresses."""
        return (deposits_finding(self),)

    def roles(self) -> Roles:
        """Return that each of them is a customer's, and those of whom little is shown.

        A deposit address stands for one customer of a service. Who passed something on to an
        exchange once may be anybody.
        """
        seldom = self.frame.filter(pl.col("sweeps") < SWEPT)
        return Roles(
            customers=parties_of(self.frame), doubtful=parties_of(pl.concat([seldom, self.few]))
        )

    def __repr__(self) -> str:
        by = self.frame.group_by("service").len().sort("service")
        parts = ", ".join(f"{count} at {service}" for service, count in by.iter_rows())
        return f"Hosted({self.frame.height} probable deposit addresses: {parts or 'none'})"


@recorded
def hosted(
    ledger: Ledger,
    services: Tags,
    *,
    asset: Asset,
    poisoning: Rule | None = None,
    min_share: int = MIN_SHARE,
    min_sweeps: int = SWEPT,
) -> Hosted:
    """Find addresses that pass everything they get to the tagged wallets of one service.

    Every payment must go to wallets that tags give to one actor on that day, and ``min_share`` of
    1,000 units received up to the last payment must have gone: what anybody sends later undoes
    nothing, and the evidence names it. On coin chains whoever it spends together with must be
    hosted too, or a service's. All that was read counts, whatever the ledger's span: a
    payment elsewhere speaks against it whenever it was made. Not judged are addresses that moved
    an unknown amount or of which no receipt was read, and on account chains those whose history
    was not read.

    Parameters
    ----------
    ledger : Ledger
        The history that was read.
    services : Tags
        Tagged wallets; who hosts nobody (mixers among them) is left out, and a wallet given to
        two actors with equal confidence is nobody's. Widen nothing: deposits are no hot wallet.
    asset : Asset
        What is counted.
    poisoning : Rule, optional
        Transfers that only look like payments are left out of both sides.
    min_share : int
        Per mille of what was received, 1 to 1,000. On coin chains the fee counts as gone on.
    min_sweeps : int
        Fewest payments to the service, 2 or more; the evidence says how many there were.

    Raises
    ------
    TraceError
        If ``min_share`` or ``min_sweeps`` is out of range.

    Fails when
    ----------
    Somebody pays one service only, several times and straight to its hot wallet, from a wallet of
    their own: it looks the same. A tag names a customer's address as the
    service's. What was not read went elsewhere: the evidence says where reading leaves gaps. The
    opposite error: a service that pays out of deposits, or sweeps with change, is missed.

    References
    ----------
    Victor, "Address Clustering Heuristics for Ethereum", FC 2020 (deposit addresses). Share and
    sweep are practice among investigators, without published error rates.
    """
    check(ledger=ledger, services=services, asset=asset, poisoning=poisoning)
    check(min_share=min_share, min_sweeps=min_sweeps)
    _check_range(min_share, min_sweeps)
    tagged = statements_of(services.frame, asset.chain)
    found = _found(ledger, tagged, asset, poisoning, min_share)
    swept = pl.col("sweeps") >= min_sweeps
    return Hosted(found.filter(swept), asset, found.filter(~swept))


def _check_range(min_share: int, min_sweeps: int) -> None:
    if not 1 <= min_share <= 1000 or min_sweeps < SWEPT:
        raise TraceError(
            f"a share of {min_share} per mille in {min_sweeps} payments",
            remedy=f"give a share from 1 to 1,000 and at least {SWEPT} payments: one shows nothing",
        )


def _found(
    ledger: Ledger,
    tagged: Mapping[bytes, tuple[TagStatement, ...]],
    asset: Asset,
    poisoning: Rule | None,
    min_share: int,
) -> pl.DataFrame:
    """Return every address that passed all on to one service, however few payments it made."""
    wallets = {address: kept for address, one in tagged.items() if (kept := _serving(one))}
    family = find_chain(asset.chain).family
    flows = (
        coin_flows(ledger.history, asset, wallets)
        if family == "utxo"
        else account_flows(ledger.history, asset, wallets, poisoning)
    )
    sent = _swept(flows.sent)
    swept = sent.join(_received(flows.got, sent), on="address").sort("address")
    rows = [
        row
        for row in swept.iter_rows(named=True)
        if row["address"] not in tagged
        and int(row["forwarded"]) * 1000 >= int(row["due"]) * min_share
    ]
    return _evidenced(_alone(rows, flows.joint, wallets), asset, flows)


def _alone(
    rows: list[dict[str, Any]], joint: pl.DataFrame, wallets: Mapping[bytes, object]
) -> list[dict[str, Any]]:
    """Leave out addresses that spend together with one that is neither swept nor a service's.

    Who holds the keys of both is one wallet, and that wallet paid elsewhere.
    """
    mates: dict[bytes, set[bytes]] = {}
    for address, other in joint.iter_rows():
        mates.setdefault(address, set()).add(other)
    kept = {row["address"] for row in rows}
    while wrong := {one for one in kept if mates.get(one, set()) - kept - wallets.keys()}:
        kept -= wrong
    return [row for row in rows if row["address"] in kept]


def _serving(rows: tuple[TagStatement, ...]) -> tuple[TagStatement, ...]:
    """Return what is said of an address's service, if it is one that hosts."""
    return tuple(
        one
        for one in rows
        if reason_of([other.concept for other in rows if other.actor == one.actor]) == HOSTED
    )


def _swept(sent: pl.DataFrame) -> pl.DataFrame:
    """Return the addresses whose every payment went to wallets of one service."""
    return (
        sent.group_by("address")
        .agg(
            pl.col("service").n_unique().alias("services"),
            pl.col("service").null_count().alias("strangers"),
            pl.col("service").first(),
            pl.col("labels").explode().unique().sort().str.join(", ").alias("labels"),
            pl.col("amount").null_count().alias("unknown"),
            exact_sum("amount").alias("forwarded"),
            pl.len().cast(pl.Int64).alias("sweeps"),
            pl.col("time").min().alias("first"),
            pl.col("time").max().alias("last"),
        )
        .filter(pl.col("services") == 1, pl.col("strangers") == 0, pl.col("unknown") == 0)
    )


def _received(got: pl.DataFrame, sent: pl.DataFrame) -> pl.DataFrame:
    """Return what addresses received; ``due`` is what had come in when they last paid."""
    # What came in at an unknown time may have been there: it counts as due.
    in_time = pl.when((pl.col("time") <= pl.col("last")).fill_null(True)).then("amount")
    return (
        got.join(sent.select("address", "last"), on="address")
        .with_columns(in_time.alias("due"))
        .group_by("address")
        .agg(
            exact_sum("due"),
            pl.col("amount").null_count().alias("unread"),
            exact_sum("amount").alias("received"),
            pl.len().cast(pl.Int64).alias("receipts"),
        )
        .filter(pl.col("unread") == 0)
    )


def _evidence(row: Mapping[str, Any], asset: Asset, flows: Flows) -> str:
    """Return why an address is taken for a deposit address, and what speaks against it."""
    forwarded, received = int(str(row["forwarded"])), int(str(row["due"]))
    unswept = int(str(row["received"])) - received
    payments = "its only payment" if row["sweeps"] == 1 else f"all {row['sweeps']} payments"
    parts = [
        f"{payments}, {asset.shown(forwarded)} of {asset.shown(received)} received, went to"
        f" {row['labels']}"
    ]
    if forwarded > received:
        parts.append(f"it paid {asset.shown(forwarded - received)} more than was read to come in")
    if unswept:
        parts.append(f"{asset.shown(unswept)} came in after the last payment and is unswept")
    gap = flows.gaps.get(row["address"], flows.gap)
    return "; ".join([*parts, gap] if gap else parts)


def _evidenced(rows: list[dict[str, Any]], asset: Asset, flows: Flows) -> pl.DataFrame:
    full = [
        row
        | {
            "chain": asset.chain,
            "certainty": "probable",
            "evidence": _evidence(row, asset, flows),
        }
        for row in rows
    ]
    cells = [tuple(row[name] for name in HOSTED_ADDRESSES.names) for row in full]
    return pl.DataFrame(cells, schema=HOSTED_ADDRESSES.schema, orient="row")


def deposits_finding(at: Hosted) -> Finding:
    """Return the addresses that behave as deposit addresses of a service."""
    rows = at.frame.select(PROBABLE_DEPOSITS.names)
    found = counted(rows.height, "address passes", "addresses pass")
    where = f" ({by_service(rows)})" if rows.height else ""
    few = counted(at.few.height, "more address did", "more addresses did")
    weak = (
        f" {few} so in too few payments to show anything: somebody who pays out once looks the"
        " same. Following goes on behind them."
    )
    return Finding(
        "Probable deposit addresses",
        (
            f"{found} what came in to tagged wallets of one service{where}, and nothing to anybody"
            " else. That is consistent with deposit addresses: the service holds the keys and knows"
            f" the customer.{weak if at.few.height else ''}",
        ),
        PROBABLE_DEPOSITS.rows(rows),
        at.asset,
        ("A person who pays one service only, from a wallet of their own, looks the same.",),
    )


def by_service(rows: pl.DataFrame) -> str:
    """Return how many rows each service has: ``15 at binance, 1 at huobi``."""
    by = rows.group_by("service").len().sort("service")
    return ", ".join(f"{count} at {service}" for service, count in by.iter_rows())
