"""Exposure: how much traced value reached those whom tags name, and how much of it stayed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import polars as pl

from chainwatch.addresses.assets import Asset
from chainwatch.attribution.resolve import Owners, TagStatement, unstated
from chainwatch.attribution.tags import Tags
from chainwatch.errors import TraceError, expect
from chainwatch.ledger.ledger import Ledger
from chainwatch.ledger.schema import TIME
from chainwatch.results.mask import shown_name
from chainwatch.results.plotted import Plotted
from chainwatch.results.result import Finding, Result, recorded
from chainwatch.results.roles import SUBJECT, Party, Roles, parties_of
from chainwatch.results.table import (
    FIRST,
    LAST,
    Column,
    Privacy,
    Rows,
    Table,
)
from chainwatch.results.text_frame import text_frame
from chainwatch.tracing.arguments import check, check_tags
from chainwatch.tracing.asked import Asked
from chainwatch.tracing.custody.hosted import CUSTODY
from chainwatch.tracing.ends.actors import Actors
from chainwatch.tracing.ends.categories import CATEGORIES, categories, shares
from chainwatch.tracing.ends.exposure_orders import BY_ORDER, by_order, with_possible
from chainwatch.tracing.ends.fiat import Worth
from chainwatch.tracing.result import Trace
from chainwatch.tracing.stops import BY_RULE, STAYS
from chainwatch.units import AMOUNT, counted, exact_sum, total

EXPOSURE = Table(
    "exposure",
    ("subject", "actor", "concept"),
    "One row per subject and tagged actor. Where several tags speak of the addresses reached, their"
    " concepts, sources and confidences are all listed. Where the order of transfers is open the"
    " amounts are those of one order, 0 for whoever is reached in another alone.",
    (
        Column.party("subject", "whose value it is"),
        Column("actor", pl.String, Privacy.NAME, "the tagged actor"),
        Column.word("concept", "what tags say that it is"),
        Column.amount(
            "arrived",
            "traced value, each time it enters from outside the actor; leaves, if backward",
        ),
        Column.amount("stayed", "what of it ends there"),
        Column.number("arrivals", "outputs or transfers by which it arrives"),
        Column.number("hops", "payments of the shortest way"),
        FIRST,
        LAST,
        Column.word("basis", "was the tagged address itself reached, or another of its cluster"),
        Column.text("source", "who published the tags"),
        Column.word("confidence", "confidence of the tags"),
    ),
)

REACHED = EXPOSURE.pick(
    "subject", "actor", "concept", "arrived", "stayed", "hops", "basis", name="reached"
)


@dataclass(frozen=True, repr=False, eq=False)
class Exposure(Plotted, Result):
    """Traced value that reached tagged actors, by subject.

    Attributes
    ----------
    frame : polars.DataFrame
        Rows in ``EXPOSURE``.
    asset : Asset
        What was followed.
    categories : polars.DataFrame
        Rows in ``CATEGORIES``: every end once, by category, relation, direction and entity, what
        nobody tagged and what was not read included.
    reached : set of (actor, address)
        At which addresses: an edition that masks all of an actor's says its name nowhere.
    tagged : int
        Addresses of the chain that the tags name.
    unstated : int
        Tags of clustered addresses that do not say whether they are of the whole cluster.
    spread_unstated : bool
        Whether these were taken to be.
    prices : Worth or None
        By which amounts were priced; None where that was not asked.
    by_order : polars.DataFrame
        Rows in ``BY_ORDER`` where the order of transfers is open; else none.
    order_open : str
        That it is, in a sentence; empty where it is not.
    direction : str
        ``forward``; or ``backward``: then it is those whom value came from.
    """

    frame: pl.DataFrame
    asset: Asset
    categories: pl.DataFrame = field(default_factory=CATEGORIES.empty)
    reached: frozenset[tuple[str, bytes]] = frozenset()
    tagged: int = 0
    unstated: int = 0
    spread_unstated: bool = False
    prices: Worth | None = None
    by_order: pl.DataFrame = field(default_factory=BY_ORDER.empty)
    order_open: str = ""
    direction: str = "forward"

    def names(self) -> Iterator[tuple[str, Party]]:
        """Yield the actors, each with an address at which it was reached."""
        yield from ((actor, (self.asset.chain, address)) for actor, address in sorted(self.reached))

    def tables(self) -> Mapping[str, Rows]:
        """Return the tables that make up the content digest."""
        ordered = {} if self.by_order.is_empty() else {BY_ORDER.name: BY_ORDER.rows(self.by_order)}
        return {
            "exposure": EXPOSURE.rows(self.frame),
            "categories": CATEGORIES.rows(self.categories),
            **ordered,
        }

    def spans(self, row: Mapping[str, Any]) -> tuple[str, str]:
        """Return in words what arrived and what stayed: two bounds where orders tell them apart."""
        mine = self.by_order.filter(subject=row["subject"], actor=row["actor"])
        told = mine.row(0, named=True) if mine.height else {}
        return (
            self._span(row["arrived"], told, "arrived"),
            self._span(row["stayed"], told, "stayed"),
        )

    def _span(self, amount: int, told: Mapping[str, Any], name: str) -> str:
        low, high = (int(told.get(f"{name}_{end}", amount)) for end in ("low", "high"))
        if low == high:
            return self.asset.shown(low)
        return f"between {self.asset.shown(low)} and {self.asset.shown(high)}"

    def shares(self) -> pl.DataFrame:
        """Return the categories with ``share``, parts per million of all that was traced.

        They are for the desk: a share of an exact total undoes the rounding of an amount.
        """
        return text_frame(shares(self.categories), self.asset.chain)

    def findings(self, subjects: pl.DataFrame) -> Sequence[Finding]:
        """Return the tagged parties that traced value reached."""
        return (reached_finding(self),)

    def roles(self) -> Roles:
        """Return whose value it is, and whether tags that say nothing speak of whole clusters."""
        whose = parties_of(self.frame, "subject", self.asset.chain)
        return Roles(spreading=dict.fromkeys(whose, SUBJECT), spread_unstated=self.spread_unstated)

    def __repr__(self) -> str:
        way = "came from" if self.direction == "backward" else "reached"
        rows = [
            f"  {self.spans(row)[0]:>24} {way}"
            f" {shown_name(row['actor'], row['concept'])} ({row['basis']})"
            for row in self.frame.iter_rows(named=True)
        ]
        said = [f"  {one}" for one in (self.order_open, self.unsaid(), self.again()) if one]
        return "\n".join([f"Exposure({counted(self.frame.height, 'row', 'rows')})", *rows, *said])

    def not_read(self) -> Sequence[str]:
        """Return in sentences what of worth and jurisdiction was not read."""
        rows, said = self.categories, []
        if self.order_open:
            said.append(f"{self.order_open} Amounts by category are those of one order.")
        if self.prices:
            symbol, currency = self.asset.symbol, self.prices.currency
            lacking, whole = total(rows["unpriced"]), total(rows["amount"])
            if lacking and lacking == whole:
                said.append(f"Prices of {symbol} in {currency} were not read: nothing has a worth.")
            elif lacking:
                said.append(
                    f"Worth is in {currency} by {self.prices.source}, at the {self.prices.spans} of"
                    " each payment; of some payments that price was not read: they are in no worth."
                )
            else:
                said.append(
                    f"Worth is in {currency} by {self.prices.source}, at the {self.prices.spans} of"
                    " each payment."
                )
        named = rows.filter(pl.col("entity").is_not_null())
        if named["jurisdiction"].null_count():
            said.append("Of some parties no tag says in which jurisdiction they are: that is not"
                        " known.")  # fmt: skip
        return said

    def again(self) -> str:
        """Return that value is counted more than once where more arrived than was followed."""
        followed = total(self.categories["amount"].drop_nulls())
        by_actor = self.frame.group_by("actor").agg(exact_sum("arrived"))
        if self.categories.is_empty() or not (by_actor["arrived"] > followed).any():
            return ""
        return (
            "Value that came back was counted again each time it arrived: more arrived than was"
            " followed, and nobody's share is more than what was followed."
        )

    def unsaid(self) -> str:
        """Return how many tags leave open whether their cluster is meant; nothing for none."""
        return Asked(unstated=self.unstated, spread_unstated=self.spread_unstated).unsaid()


@recorded
def exposure(
    trace: Trace, tags: Tags, *, clusters: Owners | None = None, spread_unstated: bool = False,
    ledger: Ledger | None = None, currency: str | None = None, price_source: str | None = None,
) -> Exposure:  # fmt: skip
    """Sum up the traced value that reached tagged actors.

    Parameters
    ----------
    trace : Trace
        What was followed, under its policy.
    tags : Tags
        Whom to look for. Of several tags of an address the most confident that holds on the day
        of the arrival speaks; one without dates holds always.
    clusters : Clusters, optional
        Widens an actor to the clusters of its tagged addresses where the publisher says the tag of
        the whole cluster, unless they name two actors.
    spread_unstated : bool
        Widen it also where the publisher does not say; ``unstated`` counts such tags.
    ledger, currency, price_source : Ledger, str, str, optional
        ``ledger``: whose prices give worth, at the hour of each payment, or else its day;
        ``currency``: in which (ISO 4217); ``price_source``: whose prices, where several price it.

    Returns
    -------
    Exposure
        Amounts by subject and actor; ``basis`` says whether the tagged address itself was
        reached, or another one of its cluster.

    Fails when
    ----------
    The trace stopped before the actor, or followed value through an untagged service. Exposure is
    no knowledge: who paid need not have known whom.
    """
    expect(trace, Trace, "trace", "pass a trace, then tags: exposure(trace(...), tags)")
    check_tags(tags)
    check(clusters=clusters, spread_unstated=spread_unstated)
    prices = _prices(trace.asset, ledger, currency, price_source)
    at = Actors(tags, trace.asset.chain, clusters, spread_unstated)
    own = dict(trace.subjects.select("address", "subject").iter_rows())
    found = [_found(one, at, own, trace.direction) for one in (trace, *trace.others)]
    frames, reached = [rows for rows, _ in found], set().union(*(where for _, where in found))
    back = trace.direction == "backward"
    return Exposure(
        with_possible(frames),
        trace.asset,
        categories(trace.ends, trace.steps, own, at.category, backward=back, prices=prices),
        frozenset(reached),
        len(at.tagged),
        unstated(at.tagged, clusters, trace.asset.chain),
        spread_unstated,
        prices,
        by_order(frames),
        trace.order_open(),
        trace.direction,
    )


def _found(
    trace: Trace, at: Actors, own: Mapping[bytes, bytes], direction: str
) -> tuple[pl.DataFrame, set[tuple[str, bytes]]]:
    """Return what one order of transfers leads to whom, in the rows of ``EXPOSURE``, and where."""
    arrived, reached = _arrived(trace, at, own, direction)
    return _summed(arrived, _stayed(trace, at)), reached


def _arrived(
    trace: Trace, at: Actors, own: Mapping[bytes, bytes], direction: str
) -> tuple[pl.DataFrame, set[tuple[str, bytes]]]:
    """Return each step that enters an actor from outside, and at which addresses.

    Backward those that leave it: the party that is looked for is who paid.
    """
    here, there = ("source", "target") if direction == "backward" else ("target", "source")
    rows, reached = [], set()
    for row in trace.steps.iter_rows(named=True):
        day = _day(row)
        found = at.on(row[here], day)
        if found is None or own.get(row[here]) == row["subject"]:
            continue
        beyond = at.on(row[there], day)
        if beyond is None or beyond[0].actor != found[0].actor:
            rows.append(_arrival(row, *found, at.concepts(row[here], found[0])))
            reached.add((found[0].actor, row[here]))
    return pl.DataFrame(rows, schema=_ARRIVALS, orient="row"), reached


def _prices(
    asset: Asset, ledger: Ledger | None, currency: str | None, source: str | None
) -> Worth | None:
    """Return the prices that are asked for, if any are."""
    if currency is None and ledger is None and source is None:
        return None
    if currency is None or ledger is None:
        lacks = "currency" if currency is None else "ledger"
        raise TraceError(
            f"prices were asked for without a {lacks}",
            remedy='pass ledger= that holds them and currency=, such as "USD"',
        )
    check(ledger=ledger)
    return Worth.read(ledger, asset, currency, source)


_ARRIVALS: dict[str, pl.DataType | type[pl.DataType]] = {
    "subject": pl.Binary,
    "actor": pl.String,
    "amount": AMOUNT,
    "hop": pl.Int64,
    "time": TIME,
    "txid": pl.Binary,
    "n": pl.Int64,
    "basis": pl.String,
    "concept": pl.String,
    "source": pl.String,
    "confidence": pl.String,
}


_TEXTS = ("basis", "concept", "source", "confidence")


def _arrival(
    row: dict[str, Any], one: TagStatement, basis: str, concepts: str
) -> tuple[object, ...]:
    place = tuple(row[name] for name in ("amount", "hop", "time", "txid", "n"))
    return (row["subject"], one.actor, *place, basis, concepts, one.source, one.confidence)


def _day(row: Mapping[str, Any]) -> date | None:
    return None if row["time"] is None else row["time"].date()


def _stayed(trace: Trace, at: Actors) -> pl.DataFrame:
    rows = [
        (row["subject"], found[0].actor, row["amount"])
        for row in trace.ends.iter_rows(named=True)
        if row["reason"] in STAYS
        and row["basis"] != BY_RULE
        and (found := at.on(row["address"], _day(row)))
    ]
    frame = pl.DataFrame(
        rows, orient="row", schema={"subject": pl.Binary, "actor": pl.String, "amount": AMOUNT}
    )
    return frame.group_by("subject", "actor").agg(exact_sum("amount").alias("stayed"))


def _summed(arrived: pl.DataFrame, stayed: pl.DataFrame) -> pl.DataFrame:
    rows = (
        arrived.group_by("subject", "actor")
        .agg(
            exact_sum("amount").alias("arrived"),
            pl.struct("txid", "n").n_unique().alias("arrivals"),
            pl.col("hop").min().alias("hops"),
            pl.col("time").min().alias("first"),
            pl.col("time").max().alias("last"),
            *(pl.col(name).unique().sort().str.join("; ") for name in _TEXTS),
        )
        .join(stayed, on=["subject", "actor"], how="left")
        .with_columns(pl.col("stayed").fill_null(0))
    )
    return rows.select(EXPOSURE.names).cast(EXPOSURE.schema).sort("subject", "actor")  # type: ignore[arg-type]  # polars types mix classes and instances


def reached_finding(found: Exposure) -> Finding:
    """Return the tagged parties that traced value reached, or came from."""
    back = found.direction == "backward"
    stayed = _STAYED_BACK if back else _STAYED
    return Finding(
        f"Tagged parties that the value {'came from' if back else 'reached'}",
        (
            _nobody(found) if found.frame.is_empty() else _AMOUNTS + stayed,
            *filter(None, [found.unsaid(), found.again()]),
            *found.not_read(),
        ),
        REACHED.rows(found.frame.select(REACHED.names)),
        found.asset,
        ("Whoever pays a campaign need not know whom it serves.", CUSTODY),
        " ".join(_reached_said(row, found) for row in found.frame.iter_rows(named=True))
        or _nobody(found),
    )


_AMOUNTS = (
    "Amounts are those of the policy named. Another policy gives other amounts; that a way exists"
    " does not depend on the policy. "
)
_STAYED = (
    "'Stayed' is what ends there: unspent, or with a party behind which it is not followed. The"
    " rest went on, or it was not read or not followed whether it did; it is counted where it"
    " ended."
)
_STAYED_BACK = (
    "'Stayed' is what is followed back no further than there; the rest is counted where it ended."
)


def _nobody(found: Exposure) -> str:
    """Return why nobody is listed: nobody was looked for, or nobody was reached."""
    if not found.tagged:
        return f"No tags were given on {found.asset.chain}: whom the value reached was not asked."
    back, of = found.direction == "backward", counted(found.tagged, "address", "addresses")
    if found.order_open:
        way = "come from any tagged party" if back else "reach a tagged party"
        return f"Value was not seen to {way}, of {of} tagged. {found.order_open}"
    if back:
        return f"Value came from no tagged party that was read, of {of} tagged."
    return f"No tagged party was reached, of {of} tagged."


def _reached_said(row: Mapping[str, Any], found: Exposure) -> str:
    back = found.direction == "backward"
    arrived, stayed = found.spans(row)
    confidence = row["confidence"]
    sure = "of unknown confidence" if confidence in (None, "", "unknown") else confidence
    tagged = f"tagged {row['concept']}" if row["concept"] else "tagged without a concept"
    order = ", by the order of transfers," if "between" in arrived else ""
    way, ended = (
        ("come from", "is followed back no further") if back else ("reached", "ended there")
    )
    return (
        f"On the way {arrived}{order} is consistent with having {way} {row['actor']}"
        f" ({tagged}; {sure}), {counted(row['hops'], 'hop', 'hops')} or more away"
        f" ({row['basis']}); {stayed} {ended}."
    )
