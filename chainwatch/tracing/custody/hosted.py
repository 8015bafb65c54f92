"""``hosted``: who passes all it gets to one service, and whether the service holds its keys.

A service gives each customer a deposit address and sweeps it into its hot wallet. Whoever pays
there has paid into an account at the service; whose account it is, the service knows. A wallet of
somebody's own that cashes out there looks the same, unless something shows the service's side.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import polars as pl

from chainwatch.addresses.assets import Asset
from chainwatch.attribution.resolve import TagStatement, statements_of
from chainwatch.attribution.roles import wallets_of
from chainwatch.attribution.tags import Tags
from chainwatch.errors import TraceError
from chainwatch.heuristics.rule import Rule
from chainwatch.ledger.ledger import Ledger
from chainwatch.results.result import Finding, Result, recorded
from chainwatch.results.roles import Roles, parties_of
from chainwatch.results.table import Rows
from chainwatch.tracing.arguments import check
from chainwatch.tracing.custody.one_destination import flows_of, one_destination
from chainwatch.tracing.custody.opening import opened_said, split_opened
from chainwatch.tracing.custody.service_side import (
    MIN_FUNDED,
    MIN_PURE,
    MIN_UNRELATED,
    Bars,
)
from chainwatch.tracing.custody.sweeps import Flows, Wallets
from chainwatch.tracing.custody.tables import (
    HOSTED_ADDRESSES,
    OPENED,
    PASSED_ON,
    PROBABLE_DEPOSITS,
)
from chainwatch.tracing.stops import OPEN_CUSTODY
from chainwatch.units import counted

MIN_SHARE = 980
"""Of 1,000 units received, how many must have gone on: some dust always stays behind."""

SWEPT = 2
"""Sweeps that are the least evidence: somebody who pays out once to an exchange looks the same."""

CUSTODY = (
    "An exchange serves everybody. What arrives at a deposit address is its customer's; what the"
    " exchange pays out afterwards is not."
)


@dataclass(frozen=True, repr=False, eq=False)
class Hosted(Result):
    """Addresses that pass all they get to one service: deposit addresses, or of undecided custody.

    Attributes
    ----------
    frame : polars.DataFrame
        Rows in ``HOSTED_ADDRESSES``; amounts in base units. *Probable* ones are taken for deposit
        addresses; of *undecided* ones nothing shows whether the service holds their keys or
        somebody who cashes out there.
    asset : Asset
        What was counted.
    few : polars.DataFrame
        Rows of the same kind: addresses that passed all on too, in fewer payments than were asked
        for. Nothing is shown of them, and following goes on behind them.
    opened : polars.DataFrame
        Rows in ``OPENED``: those that a person opened, with why. Following goes on behind them.
    """

    frame: pl.DataFrame
    asset: Asset
    few: pl.DataFrame = field(default_factory=HOSTED_ADDRESSES.empty)
    opened: pl.DataFrame = field(default_factory=OPENED.empty)

    @property
    def probable(self) -> pl.DataFrame:
        """Those that something shows the service to hold."""
        return self.frame.filter(pl.col("certainty") != OPEN_CUSTODY)

    @property
    def undecided(self) -> pl.DataFrame:
        """Those of which nothing shows whether the service holds them."""
        return self.frame.filter(pl.col("certainty") == OPEN_CUSTODY)

    def open(self, *addresses: str | bytes, why: str) -> Hosted:
        """Return the same with addresses opened: a trace that stops at it goes on behind these.

        Parameters
        ----------
        *addresses : str or bytes
            As text or canonical bytes.
        why : str
            The reason, which stands beside them in every report.

        Raises
        ------
        TraceError
            If one is none of these, or no reason is given.
        AddressError
            If a text is no address.
        """
        left, more = split_opened(self.frame, addresses, why, self.asset.chain)
        return replace(self, frame=left, opened=pl.concat([self.opened, more]))

    def tables(self) -> Mapping[str, Rows]:
        """Return the tables that make up the content digest."""
        return {
            "hosted": HOSTED_ADDRESSES.rows(self.frame),
            "passed_on": PASSED_ON.rows(self.few),
            "opened": OPENED.rows(self.opened),
        }

    def findings(self, subjects: pl.DataFrame) -> Sequence[Finding]:
        """Return the deposit addresses, and those of undecided custody."""
        return (deposits_finding(self),)

    def roles(self) -> Roles:
        """Return that each of them is a customer's, and those of whom little is shown.

        A deposit address stands for one customer of a service. Who passed something on to an
        exchange once may be anybody, and so may be who holds a wallet of undecided custody.
        """
        seldom = self.frame.filter(pl.col("sweeps") < SWEPT)
        opened = self.opened.drop("why")
        return Roles(
            customers=parties_of(self.frame),
            doubtful=parties_of(pl.concat([seldom, self.undecided, self.few, opened])),
        )

    def __repr__(self) -> str:
        opened = f", {self.opened.height} opened" if self.opened.height else ""
        return (
            f"Hosted({self.probable.height} probable deposit addresses:"
            f" {by_service(self.probable) or 'none'}; custody undecided of"
            f" {self.undecided.height}: {by_service(self.undecided) or 'none'}{opened})"
        )


@recorded
def hosted(
    ledger: Ledger, services: Tags, *, asset: Asset, poisoning: Rule | None = None,
    min_share: int = MIN_SHARE, min_sweeps: int = SWEPT, min_unrelated: int = MIN_UNRELATED,
    min_funded: int = MIN_FUNDED, min_pure: int = MIN_PURE,
) -> Hosted:  # fmt: skip
    """Find addresses that pass everything they get to the tagged wallets of one service.

    One is a *probable* deposit address where something shows the service's side: a funder pays its
    gas and that of ``min_funded`` such addresses and hardly anybody else's, or it was swept twice
    with others, on account chains by a known wallet of the service; and ``min_unrelated`` of those
    have no depositor in common, so that one owner of many wallets does not look the same. Of all
    others custody is *undecided*: somebody who cashes out there looks the same.

    Every payment must go to wallets that tags give to one actor on that day, and ``min_share`` of
    1,000 units received up to the last payment must have gone: what anybody sends later undoes
    nothing, and the evidence names it. On coin chains whoever it spends together with must be
    hosted too, or a service's. All that was read counts, whatever the ledger's span. Not judged are
    addresses that moved an unknown amount, one in a transaction of which not every input and output
    was read, or of which no receipt was read; on account chains those whose history was not read.

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
    min_unrelated, min_funded, min_pure : int
        ``min_unrelated``: addresses without a common depositor in a group; ``min_funded``: fewest
        such addresses whose gas one funder pays; ``min_pure``: per mille of his that they are.

    Raises
    ------
    TraceError
        If a number is out of range.

    Fails when
    ----------
    Somebody runs wallets for many (a payment processor, a ring of many payers) and cashes all of
    them out at one service, or a service sends what its users signed: see ``CustodySide``. A tag
    names a customer's address as the service's. The native coin was not read, or is what is
    counted, so that nobody knows who paid the gas: custody stays undecided. What was not read went
    elsewhere: the evidence says where reading leaves gaps. A service that pays out of deposits, or
    sweeps with change, is missed.

    References
    ----------
    Victor, "Address Clustering Heuristics for Ethereum", FC 2020 (deposit addresses). Share, sweep
    and gas funder are practice among investigators; measured in ``docs/custody.md``.
    """
    least = (min_share, min_sweeps, Bars(min_unrelated, min_funded, min_pure))
    return custody_of(ledger, services, asset, poisoning, least).hosted


class Custody(NamedTuple):
    """Who passes all on to one service, and what that was seen in."""

    hosted: Hosted
    found: pl.DataFrame
    flows: Flows
    wallets: Wallets
    tagged: Mapping[bytes, tuple[TagStatement, ...]]


def custody_of(
    ledger: Ledger, services: Tags, asset: Asset, poisoning: Rule | None,
    least: tuple[int, int, Bars],
) -> Custody:  # fmt: skip
    """Return who passes all on to one service: share and sweeps asked for, and the bars."""
    min_share, min_sweeps, bars = least
    check(ledger=ledger, services=services, asset=asset, poisoning=poisoning)
    check(min_share=min_share, min_sweeps=min_sweeps, min_unrelated=bars.unrelated)
    check(min_funded=bars.funded, min_pure=bars.pure)
    check_range(min_share, min_sweeps, bars)
    tagged = statements_of(services.frame, asset.chain)
    wallets = wallets_of(tagged)
    flows = flows_of(ledger, asset, wallets, poisoning)
    found = one_destination(flows, wallets, tagged.keys(), asset, min_share, bars)
    swept = pl.col("sweeps") >= min_sweeps
    at = Hosted(found.filter(swept), asset, found.filter(~swept))
    return Custody(at, found, flows, wallets, tagged)


def check_range(min_share: int, min_sweeps: int, bars: Bars) -> None:
    """Refuse numbers by which one address, or none, would be shown to be a service's.

    Raises
    ------
    TraceError
        Naming the numbers, and what they can be.
    """
    if not 1 <= min_share <= 1000 or min_sweeps < SWEPT:
        raise TraceError(
            f"a share of {min_share} per mille in {min_sweeps} payments",
            remedy=f"give a share from 1 to 1,000 and at least {SWEPT} payments: one shows nothing",
        )
    if min(bars.unrelated, bars.funded) < SWEPT or not 1 <= bars.pure <= 1000:
        raise TraceError(
            f"{bars.unrelated} unrelated addresses of {bars.funded} funded, {bars.pure} per mille",
            remedy=f"give at least {SWEPT} addresses and 1 to 1,000 per mille: one is no group",
        )


def deposits_finding(at: Hosted) -> Finding:
    """Return the addresses that pass all on to one service, and what shows whose keys they are."""
    rows = at.frame.select(PROBABLE_DEPOSITS.names)
    return Finding(
        "Deposit addresses and one-destination wallets",
        tuple(filter(None, (_probable(at), _undecided(at), _few(at), opened_said(at.opened)))),
        PROBABLE_DEPOSITS.rows(rows),
        at.asset,
        (
            "A person who pays one service only, from a wallet of their own, looks the same where"
            " nothing shows the service's side.",
            "Who runs wallets for many and cashes out at one service looks like the service.",
        ),
    )


def _probable(at: Hosted) -> str:
    if at.probable.is_empty():
        return (
            "Of no address it was shown that a service holds its keys: that it passes all that came"
            " in to tagged wallets of one service, and that the service does for it what it does"
            " for many customers."
        )
    found = counted(at.probable.height, "address passes", "addresses pass")
    where = f" ({by_service(at.probable)})" if at.probable.height else ""
    return (
        f"{found} what came in to tagged wallets of one service{where}, and nothing to anybody"
        " else, and what the service does for many customers was done for each: one gas funder, or"
        " sweeps in one transaction, for many without a common depositor. That is consistent with"
        " deposit addresses: the service holds the keys and knows the customer."
    )


def _undecided(at: Hosted) -> str:
    if at.undecided.is_empty():
        return ""
    many = at.undecided.height
    return (
        f"{many} more {'does' if many == 1 else 'do'} so too ({by_service(at.undecided)}), and"
        " nothing that was read shows whether the service holds the keys or somebody who cashes"
        " out there: custody is undecided. Following ends at each, and can be opened."
    )


def _few(at: Hosted) -> str:
    if at.few.is_empty():
        return ""
    return (
        f"{counted(at.few.height, 'more address did', 'more addresses did')} so in too few"
        " payments to show anything: somebody who pays out once looks the same. Following goes on"
        " behind them."
    )


def by_service(rows: pl.DataFrame) -> str:
    """Return how many rows each service has: ``15 at binance, 1 at huobi``."""
    by = rows.group_by("service").len().sort("service")
    return ", ".join(f"{count} at {service}" for service, count in by.iter_rows())
