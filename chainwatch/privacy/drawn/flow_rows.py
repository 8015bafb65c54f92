"""The payments and ends behind each flow of a trace, as far as an edition shows them one by one.

A flow adds up what passed between two entities. Behind it stand rows of the tables of its trace;
of these the disclosure edition gives only those that it gives in the tables, to the last unit and
with their transaction. All others are counted, and said to be withheld.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from chainwatch.privacy.edition import DISCLOSURE, Edition, moment
from chainwatch.privacy.flows import Movement, Names, Owners, Tagged, movements
from chainwatch.privacy.mask_rows import hidden_rows
from chainwatch.privacy.redact_text import TextMask
from chainwatch.tracing.result import Trace
from chainwatch.tracing.trace_tables import ENDS, STEPS

Key = tuple[bytes, int, bytes]
"""Transaction, place in it and subject: a row of the steps, or of the ends."""


UNTIMED = "no time was read"
"""In the place of the time of a payment of which none is known."""


class FlowRow(NamedTuple):
    """A payment or an end behind a flow.

    ``txid`` and ``time`` are texts, ``amount`` base units; ``sides`` are the addresses that it
    leaves and reaches, empty where it is no address of a party. ``why`` says why it is drawn.
    """

    txid: str
    time: str
    amount: int
    why: str
    sides: tuple[str, str]


@dataclass(frozen=True)
class FlowRows:
    """What stands behind the flows of a trace, by source and target.

    Attributes
    ----------
    shown : mapping
        The rows of each flow that the edition shows one by one, in order of time.
    withheld : mapping
        How many of its rows it does not show so.
    inside : mapping
        The rows that pass from an entity to itself, such as change, by entity: only those shown.
    """

    shown: Mapping[tuple[str, str], tuple[FlowRow, ...]]
    withheld: Mapping[tuple[str, str], int]
    inside: Mapping[str, tuple[FlowRow, ...]]


def flow_rows(
    trace: Trace, edition: Edition, clusters: Owners | None = None, tags: Tagged | None = None
) -> FlowRows:
    """Return what stands behind each flow of `chainwatch.privacy.flows.flows`.

    Where nobody looked who else stands in the transactions of a trace, the disclosure edition
    shows none of them: any may be of somebody who is masked.

    Parameters
    ----------
    trace, edition, clusters, tags
        As `chainwatch.privacy.flows.flows` takes them.
    """
    names, rows = movements(trace, edition, clusters, tags)
    said, told = TextMask(edition), _Told(trace, names)
    shown: dict[tuple[str, str], list[FlowRow]] = {}
    withheld: dict[tuple[str, str], int] = {}
    inside: dict[str, list[FlowRow]] = {}
    for row in rows:
        pair = (said.text(row.source), said.text(row.target))
        if told.hides(row):
            withheld[pair] = withheld.get(pair, 0) + 1
        elif row.source == row.target:
            inside.setdefault(pair[0], []).append(told.row(row))
        else:
            shown.setdefault(pair, []).append(told.row(row))
    return FlowRows(_sorted(shown), withheld, _sorted(inside))


def _sorted(found: Mapping[Any, list[FlowRow]]) -> dict[Any, tuple[FlowRow, ...]]:
    return {
        place: tuple(sorted(rows, key=lambda row: (row.time, row.txid, row.amount, row.sides)))
        for place, rows in sorted(found.items())
    }


class _Told:
    """Says of a movement what the tables of an edition say of its row."""

    def __init__(self, trace: Trace, names: Names) -> None:
        self.policy, self.edition, self.chain = trace.policy.upper(), names.edition, names.chain
        self.back = trace.direction == "backward"
        self.unlooked = self.edition.name == DISCLOSURE and not self.edition.withheld
        tables = (ENDS.rows(trace.ends), STEPS.rows(trace.steps))
        self.hidden: tuple[set[Key], ...] = tuple(
            {
                key
                for key, one in zip(
                    rows.frame.select("txid", "n", "subject").iter_rows(),
                    hidden_rows(rows, [self.chain] * rows.frame.height, self.edition),
                    strict=True,
                )
                if one.party or one.transaction
            }
            for rows in tables
        )
        self.hops = _by_key(trace.steps, "hop")
        self.ends = _by_key(trace.ends, "reason", "certainty", "basis", "detail")

    def hides(self, row: Movement) -> bool:
        """Return whether the edition does not show a row by itself."""
        return self.unlooked or row.row in self.hidden[row.step]

    def row(self, row: Movement) -> FlowRow:
        """Return a row in the texts of the edition."""
        left, reached = (
            "" if side is None else self.edition.name_of(self.chain, side) for side in row.sides
        )
        txid = self.edition.txid(self.chain, row.row[0])
        time = UNTIMED if row.time is None else moment(row.time)
        return FlowRow(txid, time, int(row.amount), self._why(row), (left, reached))

    def _why(self, row: Movement) -> str:
        """Return in words why a row is drawn: which payment it is, and why following stops."""
        said = []
        if row.step:
            (hop,) = self.hops[row.row]
            way = "before the value reached the subject" if self.back else "since the value came in"
            said.append(f"payment {hop} {way}, followed by {self.policy}")
        if end := self._end(row):
            reason, *more = end
            beside = "; ".join(str(one) for one in more if one)
            said.append(f"following stops: {reason}" + (f" ({beside})" if beside else ""))
        return "; ".join(said)

    def _end(self, row: Movement) -> Sequence[Any]:
        """Return why following stops at a row; nothing where it goes on or may not be said."""
        return () if row.row in self.hidden[0] else self.ends.get(row.row, ())


def _by_key(frame: Any, *columns: str) -> dict[Key, tuple[Any, ...]]:
    return {
        (txid, n, subject): tuple(values)
        for txid, n, subject, *values in frame.select("txid", "n", "subject", *columns).iter_rows()
    }
