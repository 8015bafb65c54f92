"""``received``: what somebody was paid, by a named method, and how much of it came from sources.

What passes through a busy place is its turnover, and nobody's crime. Of a money service that turned
over 82 million in dollars, 0.45 million came from wallets known for terror: whoever calls the whole
by their name is wrong by two orders. So an amount attributed to sources is what was followed from
them, under each policy; turnover and reach are called so, and stand beside it in one row.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import polars as pl

from chainwatch.addresses.assets import Asset
from chainwatch.attribution.naming import same
from chainwatch.attribution.resolve import Framed, Owners
from chainwatch.errors import TraceError
from chainwatch.ledger.ledger import Ledger
from chainwatch.results.result import Finding, Result, recorded
from chainwatch.results.roles import SUBJECT, Roles
from chainwatch.results.sentence import Sentence, Sum, sentence
from chainwatch.results.table import BEHIND, TXID, WHEN, Column, N, Privacy, Rows, Table
from chainwatch.tracing.arguments import check
from chainwatch.tracing.revenue.deposits import (
    CO_SPENT,
    METHODS,
    WITH_CHANGE,
    Counting,
)
from chainwatch.tracing.revenue.from_sources import Count, Orders
from chainwatch.tracing.revenue.reading import PARTLY_READ, HowFar, partly_read
from chainwatch.tracing.stops import stops
from chainwatch.tracing.subjects import Named, Subjects, addresses_of, subjects_of
from chainwatch.units import counted

BY_METHOD = Table(
    "received_by_method",
    ("method",),
    "One row per method of counting. *turnover* is all that was paid, by whomever; *low* and *high*"
    " are what of it came from the sources, least and most under the policies that conserve value"
    " and the orders tried of transfers that bear one time; *reach* is every payment that holds any"
    " of theirs, in full, and nobody's share. Where *unread* is not 0, all are of what was read.",
    (
        Column("method", pl.String, Privacy.SIDE, "the method, by its parts"),
        Column.count("addresses", "addresses to which payments count"),
        Column.count("payments", "payments that count"),
        Column.count("unsure", "of these: whether an own address paid them was not read"),
        Column.count("unread", "addresses of which not every payment is known to have been read"),
        Column.amount("turnover", "all that was paid, by whomever"),
        Column.amount("low", "least that came from the sources; null where none were named"),
        Column.amount("high", "most that came from the sources"),
        Column.amount("reach", "payments that hold any of theirs under any order, in full"),
        Column.amount("open", "of theirs, most that ended *not read*: it may have come here too"),
        BEHIND,
    ),
)

BY_POLICY = Table(
    "received_by_policy",
    ("method", "policy"),
    "What came from the sources by each method of counting under each policy, least and most over"
    " the orders tried of transfers that bear one time. Under poison it is reach: payments that"
    " hold any of theirs under every order, and under any.",
    (
        BY_METHOD["method"],
        Column("policy", pl.String, Privacy.SIDE, "how balances are divided"),
        Column.amount("low", "least that came from the sources"),
        Column.amount("high", "most that came from the sources"),
        BEHIND,
    ),
)

COUNTED = Table(
    "payments_counted",
    ("txid", "n"),
    "The payments that the method named counts.",
    (
        TXID, N, WHEN, Column.party("address", "who was paid"),
        Column.amount("amount", "what was paid"),
        Column.flag("own", "did an address of its own pay it; null where a payer was not read"),
    ),
)  # fmt: skip

RANGE = (
    "A range across methods of counting is no confidence interval: none is more probable than"
    " another."
)
NOT_COMPUTED = "Not computed:"
"""How the sentence begins that lists the methods which lack something."""

TURNOVER = (
    "Turnover is what everybody paid: it says nothing of where it came from. Reach counts a payment"
    " in full where any of it came from the sources, and is nobody's share."
)


@dataclass(frozen=True, repr=False, eq=False)
class Received(Result):
    """What somebody received by a named method, and the range across the methods.

    Attributes
    ----------
    asset : Asset
        What was counted.
    method : str
        The method that was named.
    frame : polars.DataFrame
        Rows in ``BY_METHOD``: every method that could be computed.
    policies : polars.DataFrame
        Rows in ``BY_POLICY``; none where no sources were named.
    payments : polars.DataFrame
        Rows in ``COUNTED``, by the method that was named.
    lacking : mapping of str to str
        The methods that could not be computed, and why.
    seeds : tuple of bytes
        The addresses that were named.
    read, read_of_sources : HowFar
        How far payments to the addresses of the method were read, and to the sources, if any were
        named.
    orders : Orders
        The orders of transfers that bear one time which amounts of the sources are least and most
        over.
    """

    trial = True

    asset: Asset
    method: str
    frame: pl.DataFrame
    policies: pl.DataFrame
    payments: pl.DataFrame
    lacking: Mapping[str, str]
    seeds: tuple[bytes, ...]
    read: HowFar
    read_of_sources: HowFar | None = None
    orders: Orders = field(default_factory=Orders)

    @property
    def row(self) -> dict[str, Any]:
        """The row of the method that was named."""
        return self.frame.row(by_predicate=pl.col("method") == self.method, named=True)

    @property
    def turnover(self) -> int:
        """All that was paid by the method that was named, in base units."""
        return int(self.row["turnover"])

    @property
    def from_sources(self) -> tuple[int, int] | None:
        """Least and most that came from the sources, of what was read; None where none were named.

        It is over the policies that conserve value, and the orders tried."""
        low, high = self.row["low"], self.row["high"]
        return None if low is None else (int(low), int(high))

    @property
    def partly_read(self) -> pl.DataFrame:
        """Addresses of which payments may be missing, and why: rows in ``PARTLY_READ``."""
        return partly_read(self.read, self.read_of_sources)

    def tables(self) -> Mapping[str, Rows]:
        """Return the tables that make up the content digest."""
        return {
            "received_by_method": BY_METHOD.rows(self.frame),
            "received_by_policy": BY_POLICY.rows(self.policies),
            "payments_counted": COUNTED.rows(self.payments),
            "partly_read": PARTLY_READ.rows(self.partly_read),
        }

    def findings(self, subjects: pl.DataFrame) -> Sequence[Finding]:
        """Return what was received, by every method."""
        return (received_finding(self),)

    def roles(self) -> Roles:
        """Return that those asked about are subjects."""
        return Roles(spreading={(self.asset.chain, one): SUBJECT for one in self.seeds})

    def __repr__(self) -> str:
        rows = [f"  {said}" for said in map(self._said, self.frame.iter_rows(named=True))]
        left = [f"  {method}: not computed, {why}" for method, why in self.lacking.items()]
        return "\n".join([f"Received({self.method})", *rows, *left, f"  {RANGE}"])

    def _said(self, row: Mapping[str, Any]) -> str:
        shown = self.asset.shown
        least = "at least " if row["unread"] else ""
        turnover = f"turnover {'of ' if least else ''}{least}{shown(int(row['turnover']))}"
        if row["low"] is None:
            return f"{row['method']}: {turnover}"
        span = _span(int(row["low"]), int(row["high"]), self.asset)
        of = turnover.removeprefix("turnover ").removeprefix("of ")
        return f"{row['method']}: {least}{span} from the sources, of a turnover of {of}"


@recorded
def received(
    ledger: Ledger,
    entity: Subjects,
    *,
    method: str | None = None,
    sources: Subjects | None = None,
    services: object = None,
    clusters: Owners | None = None,
    with_change: Owners | None = None,
    asset: Asset | None = None,
    chain: str | None = None,
) -> Received:
    """Count what somebody received, by a named method and by every other, and from whom.

    Parameters
    ----------
    ledger : Ledger
        Its span is counted.
    entity, sources : frame with ``chain`` and ``address``, tags, or one or several addresses
        ``entity``: whose receipts are counted; ``sources``: whose value is looked for in them: it
        is followed under every policy to the first address that the method counts.
    method : str
        One of ``METHODS``, such as ``DD-OW-DC``; there is no default.
    services : tags, hosted addresses, or a list of them, optional
        Who is a service: for ``OW``, and where following ends.
    clusters, with_change : Clusters, optional
        ``clusters``: by co-spending, for MI; ``with_change``: by co-spending and change, for MICA.
    asset, chain : Asset, str, optional
        As :func:`chainwatch.trace` takes them.

    Raises
    ------
    TraceError
        If no method is named, it needs what was not given, or an address is source and receiver.

    Fails when
    ----------
    The addresses given are few of those used: most methods then count too little. A cluster holds
    strangers, or an address is at a service that no tag names: they count far too much. Payments to
    some were not read: what is counted is then the least, and is called so.

    References
    ----------
    Gomez, van Liebergen and Caballero, "Cybercrime Bitcoin Revenue Estimations: Quantifying the
    Impact of Methodology and Coverage", CCS 2023.
    """
    for given in (clusters, with_change):
        check(ledger=ledger, clusters=given)
    of = subjects_of(entity, asset, chain, ledger)
    counting = _counting(of, _names(entity), services, clusters, with_change)
    lacking = counting.lacking()
    named = _method(method, lacking)
    whose = None if sources is None else addresses_of(sources, of.asset)
    run = Count(ledger, of.asset, counting, whose, services)
    rows = BY_METHOD.frame(run.row(one) for one in METHODS if one not in lacking)
    mine, policies = run.counted(named).select(COUNTED.names), BY_POLICY.frame(run.by_policy)
    read = (run.read(named), run.read_of_sources())
    return Received(
        of.asset, named, rows, policies, mine, lacking, counting.seeds, *read, run.orders
    )


def _counting(
    of: Named,
    names: frozenset[str],
    services: object,
    clusters: Owners | None,
    with_change: Owners | None,
) -> Counting:
    """Return what methods are given; refuse what is no address."""
    known = None if services is None else stops(services, clusters, of.asset.chain)
    how = {CO_SPENT: clusters, WITH_CHANGE: with_change}
    joined = {name: one for name, one in how.items() if one is not None}
    return Counting(_addresses(of), of.asset.chain, names, joined, known)


def _method(method: str | None, lacking: Mapping[str, str]) -> str:
    """Return the method that is named; refuse none, another, and one that lacks something."""
    fit = ", ".join(one for one in METHODS if one not in lacking)
    if method is None:
        raise TraceError(
            "no method of counting was named: what somebody received depends on which addresses are"
            " called his and which payments count",
            remedy=f"write method= one of {fit}; the result has all of them",
        )
    if method not in METHODS:
        raise TraceError(
            f"there is no method of counting {str(method)[:40]!r}", remedy=f"write one of {fit}"
        )
    if method in lacking:
        raise TraceError(
            f"{method} cannot be computed: {lacking[method]}", remedy=f"write one of {fit}"
        )
    return method


def _addresses(of: Named) -> tuple[bytes, ...]:
    if of.chosen:
        raise TraceError(
            f"{of.chosen[0].shown(of.asset.chain)} is no address", remedy="give the one it pays"
        )
    return of.addresses


def _names(entity: Subjects) -> frozenset[str]:
    """Return what tags call those who are asked about, where they are given as tags."""
    frame = entity.frame if isinstance(entity, Framed) else entity
    if not isinstance(frame, pl.DataFrame) or "actor" not in frame.columns:
        return frozenset()
    return frozenset(map(same, frame["actor"].drop_nulls()))


def _span(low: int, high: int, asset: Asset) -> str:
    return asset.shown(high) if low == high else f"{asset.shown(low)} to {asset.shown(high)}"


def received_finding(found: Received) -> Finding:
    """Return what was received by every method; the headline names the one that was asked for."""
    missing = [f"{method} ({why})" for method, why in found.lacking.items()]
    unsure = int(found.row["unsure"])
    text_ = [
        f"{RANGE} {TURNOVER}",
        found.read.said(),
        *_of_sources(found),
        *([f"{NOT_COMPUTED} {', '.join(missing)}."] if missing else []),
        *([f"Of {counted(unsure, 'payment', 'payments')} an input was not read: whether it was"
           " paid from an address of the same is not known; it counts."] if unsure else []),
    ]  # fmt: skip
    return Finding(
        "What was received",
        tuple(text_),
        BY_METHOD.rows(found.frame),
        found.asset,
        ("Whoever pays somebody need not know what he does, nor who paid him before.",),
        _headline(found),
    )


def _of_sources(found: Received) -> Iterator[str]:
    """Yield what is to be said of following from the sources."""
    read, orders = found.read_of_sources, found.orders
    if read is not None and read.lacking:
        whose = counted(read.addresses, "source", "sources")
        yield (
            f"Of {len(read.lacking)} of {whose} not every payment is known to have been read: what"
            " they had beyond may have come here as well."
        )
    if orders.tried > 1:
        rest = "" if orders.all else " There are more: amounts beyond the range are possible."
        yield (
            "Transfers bear one time, and their order is not known: what came from the sources is"
            f" the least and the most over {orders.tried} orders of them.{rest}"
        )


def _headline(found: Received) -> Sentence:
    place = found.frame["method"].to_list().index(found.method)

    def told(amount: object) -> Sum:
        return Sum(int(str(amount)), found.asset, row=place)

    row = found.row
    addresses = counted(row["addresses"], "address", "addresses")
    least = "at least " if found.read.lacking else ""
    if row["low"] is None:
        return sentence(
            f"By {found.method} the turnover of {addresses} is {least}", told(row["turnover"]),
            ": where it came from was not asked, and nothing of it is attributed to anybody",
            _so_far(found), ".",
        )  # fmt: skip
    low, high = int(row["low"]), int(row["high"])
    span: list[str | Sum] = [told(low)] if low == high else [told(low), " to ", told(high)]
    over = " and the orders tried of transfers that bear one time" if found.orders.tried > 1 else ""
    parts: list[str | Sum] = [
        f"By {found.method} {addresses} received {least}", *span, " from the sources, across the"
        f" policies that conserve value{over}; of a turnover of {least}", told(row["turnover"]),
    ]  # fmt: skip
    if int(row["reach"]):
        parts += [", of which payments of ", told(row["reach"]), " hold any of theirs (reach, and"
                  " nobody's share)"]  # fmt: skip
    else:
        parts += [", of which nothing that was read holds any of theirs"]
    if int(row["open"]):
        parts += [", but up to ", told(row["open"]), " of theirs ended at what was not read"]
    return sentence(*parts, _so_far(found), ".", _across(found))


def _so_far(found: Received) -> str:
    """Return in words that payments to some may not have been read."""
    if not found.read.lacking:
        return ""
    of = counted(found.read.addresses, "address", "addresses")
    return (
        f", as far as was read: of {len(found.read.lacking)} of {of} not every payment is known to"
        " have been read"
    )


def _across(found: Received) -> Sentence:
    """Return the least and the most across the methods of counting."""
    if found.frame.height < 2:
        return sentence(" No other method was computed.")
    lows, highs = (list(map(int, found.frame[name])) for name in ("low", "high"))
    least, most = lows.index(min(lows)), highs.index(max(highs))
    so_far = ", as far as was read" if found.frame["unread"].sum() else ""
    return sentence(
        f" Across methods of counting{so_far}: ", Sum(lows[least], found.asset, row=least),
        f" ({found.frame['method'][least]}) to ", Sum(highs[most], found.asset, row=most),
        f" ({found.frame['method'][most]}).",
    )  # fmt: skip
