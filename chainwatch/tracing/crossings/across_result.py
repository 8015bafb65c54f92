"""``TraceAcross``: value followed over several chains, each crossing with its evidence."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from chainwatch.chains.catalogue import chain as find_chain
from chainwatch.errors import ConservationError
from chainwatch.results.deferred import Deferred
from chainwatch.results.graph import Edges
from chainwatch.results.mask import names_all, shown_tables
from chainwatch.results.result import Finding, Result, digest_rows
from chainwatch.results.roles import Roles, parties_of
from chainwatch.results.table import Rows, Table
from chainwatch.tracing.crossings.across_tables import (
    CROSSED_EDGES,
    FOLLOWED,
    LEAD,
    LEG_ENDS,
    LEGS,
)
from chainwatch.tracing.crossings.result import A_LEAD, ASSET, INNOCENT, Crossings
from chainwatch.tracing.crossings.tables import BY_AMOUNT
from chainwatch.tracing.result import Trace
from chainwatch.units import counted, to_text, total

PAID_IN, PAID_OUT = "paid in", "paid out"

APART = (
    "Amounts of several chains and assets stand side by side and are never added up: what was paid"
    " out is the bridge's money, and a leg begins where another ended."
)
FORWARD = (
    "Value was followed on one chain to a bridge, and from the bridge's payout on another chain."
)
BACKWARD = (
    "Value was followed backward on one chain to what a bridge paid out, and from what was paid in"
    " for it on another chain."
)
PARTIAL = (
    "Of a payment at a bridge only a part was traced value, or what lies on its other side is of"
    " other payments too: the other side is followed whole, and which part of it answers the traced"
    " part is not on any chain. The amounts behind it are upper bounds."
)
AGAIN_HERE = (
    "What the first leg begins with holds {amount} that crossed a bridge in this very trace, to a"
    " subject or backward from one: it is counted there again, as if it were new, and is no more"
    " money."
)
"""Said where value comes back to a subject over a bridge; {amount} is how much of the first leg."""


@dataclass(frozen=True, repr=False, eq=False)
class TraceAcross(Result):
    """Value followed from subjects over several chains, through crossings that are known.

    Attributes
    ----------
    legs : tuple of Trace
        The traces, the first from the subjects and each other from payouts. Each conserves what it
        began with.
    frame : polars.DataFrame
        Rows in ``CROSSED_EDGES``: both sides of each crossing that traced value reached.
    legs_told, ends : polars.DataFrame
        Rows in ``LEGS`` and ``LEG_ENDS``.
    crossings : Crossings
        What is known of the deposits.
    """

    trial = True

    legs: tuple[Trace, ...]
    frame: pl.DataFrame
    legs_told: pl.DataFrame
    ends: pl.DataFrame
    crossings: Crossings

    def tables(self) -> Mapping[str, Rows]:
        """Return its own tables; those of the legs are in its digest as well."""
        return {
            CROSSED_EDGES.name: CROSSED_EDGES.rows(self.frame),
            LEGS.name: LEGS.rows(self.legs_told),
            LEG_ENDS.name: LEG_ENDS.rows(self.ends),
        }

    def table_digests(self) -> Mapping[str, Deferred[str]]:
        """Return the digests of its tables and of those of every leg."""
        own = {name: digest_rows(rows) for name, rows in self.tables().items()}
        for number, leg in enumerate(self.legs):
            own |= {f"leg {number}: {name}": kept for name, kept in leg.table_digests().items()}
        return own

    def edges(self) -> Sequence[Edges]:
        """Return the crossings: each is one edge between two chains."""
        return (Edges(CROSSED_EDGES.name, "source", "target", across="crossing"),)

    def findings(self, subjects: pl.DataFrame) -> Sequence[Finding]:
        """Return where the value of each leg ends, and by what it crossed."""
        return tuple(across_findings(self))

    @property
    def came_back(self) -> int:
        """How much of what the first leg begins with is the other side of a crossing of this trace.

        It is not taken off: subjects did receive it (backward: pay it), but it is the same value.
        """
        first = self.legs[0]
        asset, known = first.asset, self.frame.filter(pl.col("done") != LEAD)
        far = known.filter(pl.col("traced").is_null())
        here = far.filter(
            pl.col("chain") == asset.chain,
            pl.col("contract").eq_missing(pl.lit(asset.contract, pl.Binary)),
        )
        again = first.origins.join(here, on=["txid", "n"], how="semi")
        return total(again["amount"])

    def _came_back(self) -> Iterator[str]:
        asset, again = self.legs[0].asset, self.came_back
        if again:
            amount = f"{to_text(again, asset.decimals, group=True)} {asset.symbol}"
            yield AGAIN_HERE.format(amount=amount)

    def followed(self) -> pl.DataFrame:
        """Return those whom the first leg follows: ``chain, address``."""
        return self.legs[0].followed()

    def roles(self) -> Roles:
        """Return what the legs say of who may be shown; only the first is of the subjects.

        Who is paid on the other side of a bridge is somebody on the way until more is known.
        """
        said = [leg.roles() for leg in self.legs]
        paid = parties_of(self.frame.select("chain", "target"), "target")
        return Roles(
            spreading=said[0].spreading,
            alone=frozenset().union(self.crossings.roles().alone, *(one.alone for one in said)),
            on_the_way=frozenset(paid).union(*(one.on_the_way for one in said)),
            spread_unstated=said[0].spread_unstated,
        )

    def check(self) -> None:
        """Raise unless each leg is even, and what was paid out is what its leg begins with.

        Raises
        ------
        ConservationError
            If value was lost or made: a defect, never to be passed over.
        """
        for number, leg in enumerate(self.legs):
            leg.check()
            ended = total(self.ends.filter(leg=number)["amount"])
            if leg.conserves and ended != leg.amount:
                raise _uneven(f"the ends of leg {number} add up to {ended}, not to {leg.amount}")
        far = self.frame.filter(pl.col("traced").is_null() & (pl.col("done") == FOLLOWED))
        for number in range(1, len(self.legs)):
            paid = total(far.filter(leg=number)["amount"])
            if self.legs[number].conserves and paid != self.legs[number].amount:
                raise _uneven(f"leg {number} begins with {self.legs[number].amount}, not {paid}")
        near = self.frame.drop_nulls(["traced", "amount"]).select("amount", "traced")
        if any(traced > amount for amount, traced in near.iter_rows()):
            raise _uneven("more is traced through a payment at a bridge than was paid")

    def lines(self) -> Sequence[str]:
        """Return legs, ends and crossings in words, a line each; addresses are in none."""
        return list(self._lines())

    def _lines(self) -> Iterator[str]:
        exact = {name: self._exact(name) for name in ("legs", "ends_by_leg")}
        for row in self.legs_told.iter_rows(named=True):
            told = _shown if row["leg"] == 0 or _key(row, LEGS) in exact["legs"] else _withheld
            begins = _begins(row, back=self.legs[0].direction == "backward")
            yield f"{_leg(row)}: {told(row)} from {begins}{_marks(row)}"
            for end in self.ends.filter(leg=row["leg"]).iter_rows(named=True):
                service = f" at {end['service']}" if end["service"] else ""
                more = f" ({end['crossing']})" if end["crossing"] else ""
                told = _shown if _key(end, LEG_ENDS) in exact["ends_by_leg"] else _withheld
                yield f"    {told(end)}  {end['reason']}{service}{more}"
        yield APART
        yield from self._came_back()
        if self.legs_told["partial"].any():
            yield PARTIAL
        if (self.frame["evidence"] == BY_AMOUNT).any():
            yield f"{A_LEAD} {self.crossings.chance.said().capitalize()}."

    def _exact(self, name: str) -> set[tuple[object, ...]]:
        """Return the keys of the rows of a table that the reader may know to the last unit.

        What the first leg begins with is the subjects'; who is paid behind a bridge is masked.
        """
        table = self.tables()[name]
        if names_all():
            return {_key(row, table.table) for row in table.frame.iter_rows(named=True)}
        _, shown = shown_tables(self)
        kept = shown[name].filter(pl.col("leg").is_not_null() & ~pl.col("rounded"))
        return {_key(row, table.table) for row in kept.iter_rows(named=True)}

    def __repr__(self) -> str:
        legs = counted(len(self.legs), "leg", "legs")
        return "\n".join([f"TraceAcross({self.legs[0].policy}, {legs})",
                          *(f"  {line}" for line in self.lines())])  # fmt: skip


def _uneven(what: str) -> ConservationError:
    return ConservationError(
        what, where="a trace across chains", remedy="report it: no figure of it may be used"
    )


def _leg(row: Mapping[str, Any]) -> str:
    return f"leg {row['leg']} on {find_chain(row['chain']).alias}"


def _shown(row: Mapping[str, Any]) -> str:
    return f"{to_text(row['amount'], row['decimals'], group=True)} {row['symbol']}"


def _key(row: Mapping[str, Any], table: Table) -> tuple[object, ...]:
    return tuple(row[name] for name in table.key)


def _withheld(row: Mapping[str, Any]) -> str:
    return f"{row['symbol']} of an amount that this edition withholds"


def _begins(row: Mapping[str, Any], *, back: bool) -> str:
    if row["leg"] == 0:
        return counted(row["begins"], "subject", "subjects")
    over = counted(row["crossings"], "crossing", "crossings")
    sides = ("deposit", "deposits") if back else ("payout", "payouts")
    return f"{counted(row['begins'], *sides)}, over {over}"


def _marks(row: Mapping[str, Any]) -> str:
    marks = [word for word in ("partial", "lead") if row[word]]
    return f" ({', '.join(marks)})" if marks else ""


def across_findings(found: TraceAcross) -> Iterator[Finding]:
    """Yield by what value crossed, and then where each leg ends, in coins of its own asset."""
    done = found.frame.filter(side=PAID_OUT, done=FOLLOWED)
    leads = done.filter(evidence=BY_AMOUNT).height
    open_ = found.ends.filter(pl.col("crossing").is_not_null() & (pl.col("crossing") != FOLLOWED))
    text = [
        f"{BACKWARD if found.legs[0].direction == 'backward' else FORWARD} {APART}",
        *([AGAIN_HERE.format(amount="value")] if found.came_back else []),
        *([PARTIAL] if found.legs_told["partial"].any() else []),
        *([f"{A_LEAD} {found.crossings.chance.said().capitalize()}."] if leads else []),
        *found.crossings.limits,
    ]
    ended = counted(int(open_["ends"].sum()), "place", "places")
    rows = CROSSED_EDGES.pick(
        "crossing", "side", "chain", "bridge", "time", "txid", "target", "evidence", "moves",
        "moves_matched", "done", name="crossings_between_chains",
    )  # fmt: skip
    yield Finding(
        "Across chains",
        tuple(text),
        rows.rows(found.frame.select(rows.names)),
        None,
        INNOCENT,
        f"Value was followed over {counted(done.height, 'crossing', 'crossings')}, of which"
        f" {leads:,} {'rests' if leads == 1 else 'rest'} on amount and time alone and"
        f" {'is a lead' if leads == 1 else 'are leads'}; at {ended} it reached a bridge and was not"
        " followed further.",
    )
    names = [name for name in LEG_ENDS.names if name not in ("leg", *ASSET)]
    for number, leg in enumerate(found.legs):
        table = LEG_ENDS.pick(*names, name=f"ends_of_leg_{number}")
        mine = found.ends.filter(leg=number).select(names)
        where = f"{leg.asset.symbol} on {find_chain(leg.asset.chain).alias}"
        marks = _marks(found.legs_told.row(number, named=True))
        title = f"Where leg {number} ends: {where}{marks}"
        yield Finding(title, (), table.rows(mine), leg.asset)
