"""The rows of a transaction that have a value, ready to be divided among parties."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import NamedTuple

from chainwatch.addresses.keyless import why_open
from chainwatch.ledger.joint.funding import PAID_PER_MILLE
from chainwatch.ledger.lookup.summaries import TransactionSummary
from chainwatch.tracing.mixers.counting import Counted, Exceeded, Work, interpretations_of
from chainwatch.units import counted

WITHOUT = "without fees between participants"
BETWEEN = "with fees between participants"
COLLECTED = "with an output that all pay for"

COLLECTORS = 10
"""Parties from which on one output may be paid for by all: mixes of Wasabi have no fewer, and most
of them pay a coordinator, who brings nothing."""

COLLECTED_PERCENT = 1
"""Most of all outputs that such an output has, in percent: coordinators ask for 0.3 % of each equal
output or less, and keep what is too little for an output of its own."""


class Run(NamedTuple):
    """One way of counting: its bounds, the outputs that all may pay for, and what was found.

    Of ``found`` and ``unknown``, which says why nothing was found, one is None.
    """

    way: str
    received: int
    paid: int
    collected: tuple[int, ...]
    found: Counted | None
    work: int
    unknown: str | None


class Row(NamedTuple):
    """An input or output of some value: its place, its address, and what it holds."""

    n: int
    address: bytes | None
    value: int


@dataclass(frozen=True)
class ValuedRows:
    """The rows of a transaction that have a value.

    ``groups`` has for each input the first one of its party. Of ``unread`` inputs the value was not
    read (it is -1 where there is a row), ``lacking`` outputs have no row at all, and ``left_out``
    rows have no value, so that they say nothing of who is who.
    """

    inputs: tuple[Row, ...]
    outputs: tuple[Row, ...]
    groups: tuple[int, ...]
    unread: int
    lacking: int
    left_out: int

    @classmethod
    def of(cls, found: TransactionSummary, stated: tuple[int, int], *, merge: bool) -> ValuedRows:
        """Return the rows of a transaction that says to have so many inputs and outputs."""
        columns = ("n", "address", "value")
        ins, outs = (
            [Row(n, address, -1 if value is None else value) for n, address, value in rows]
            for rows in (
                frame.sort("n").select(columns).iter_rows()
                for frame in (found.inputs, found.outputs)
            )
        )
        inputs, outputs = (tuple(row for row in side if row.value) for side in (ins, outs))
        first: dict[bytes | int, int] = {}
        owners = [_party(row) if merge else row.n for row in inputs]
        groups = [first.setdefault(who, row.n) for who, row in zip(owners, inputs, strict=True)]
        unread = sum(row.value < 0 for row in inputs) + stated[0] - len(ins)
        left_out = len(ins) + len(outs) - len(inputs) - len(outputs)
        return cls(inputs, outputs, tuple(groups), unread, stated[1] - len(outs), left_out)

    @property
    def fee(self) -> int:
        """What the miner gets; nothing where that is not known."""
        return 0 if self.unread else max(0, self.brought - self.taken)

    @property
    def brought(self) -> int:
        """What all inputs hold that were read."""
        return sum(row.value for row in self.inputs)

    @property
    def taken(self) -> int:
        """What all outputs hold."""
        return sum(row.value for row in self.outputs)

    def brought_by(self) -> Counter[int]:
        """Return what the inputs of one party hold together, by the first of them."""
        sums: Counter[int] = Counter()
        for row, group in zip(self.inputs, self.groups, strict=True):
            sums[group] += row.value
        return sums

    def common(self) -> tuple[int, int]:
        """Return the value that most outputs have, of several the largest, and how many have it."""
        times = Counter(row.value for row in self.outputs)
        value, many = max(times.items(), key=lambda item: (item[1], item[0]), default=(0, 0))
        return value, many

    def participants(self) -> int:
        """Return how many parties may mix: no more than bring something, or have equal outputs."""
        groups, equal = len(set(self.groups)), self.common()[1]
        return min(equal, groups) if equal > 1 else groups

    def usual_fee(self) -> int:
        """Return what a party may be paid for mixing, where the outputs look as in such a mix."""
        parties, (value, equal) = self.participants(), self.common()
        if min(parties, equal) < 2 or len(self.outputs) > 2 * parties:
            return 0
        return value * PAID_PER_MILLE // 1000

    def collected(self) -> tuple[int, ...]:
        """Return the places of outputs of which one may be paid for by all parties together."""
        times, most = Counter(row.value for row in self.outputs), COLLECTED_PERCENT * self.taken
        if len(set(self.groups)) < COLLECTORS or self.common()[1] < 2:
            return ()
        return tuple(
            row.n for row in self.outputs if times[row.value] == 1 and 100 * row.value <= most
        )

    def run(
        self, way: str, *, received: int, limit: int, until: float | None,
        collected: tuple[int, ...] = (),
    ) -> Run:  # fmt: skip
        """Count, or say why nothing was counted."""
        work = Work(limit, until)
        paid = self.fee + received * (self.participants() - 1)
        run = Run(way, received, paid, collected, None, 0, self.unknown())
        if run.unknown:
            return run
        try:
            found = self._counted(None, received, paid, work)
            for place in collected:
                found = _added(found, self._counted(place, received, paid, work))
        except Exceeded as stop:
            return run._replace(work=work.done, unknown=f"it takes {stop}")
        return run._replace(found=found, work=work.done)

    def _counted(self, collected: int | None, received: int, paid: int, work: Work) -> Counted:
        """Count, with a row for each output and a number in it for each input.

        The parties pay for the output that is ``collected`` as they pay the miner.
        """
        sums = self.brought_by()
        names = sorted(sums)
        outputs = {row.n: row.value for row in self.outputs if row.n != collected}
        more = sum(row.value for row in self.outputs if row.n == collected)
        found = interpretations_of(
            [sums[name] for name in names], list(outputs.values()),
            received=received, paid=paid + more, work=work,
        )  # fmt: skip
        links, place = (
            dict(zip(outputs, found.links, strict=True)),
            {name: k for k, name in enumerate(names)},
        )
        nothing = (0,) * len(names)
        rows = [links.get(row.n, nothing) for row in self.outputs]
        each = tuple(tuple(row[place[group]] for group in self.groups) for row in rows)
        return found._replace(links=each)

    def unknown(self) -> str | None:
        """Return why nothing can be counted; None where it can."""
        if self.unread:
            return f"{counted(self.unread, 'input was', 'inputs were')} not read"
        if self.lacking:
            return f"{counted(self.lacking, 'output was', 'outputs were')} not read"
        if not self.outputs:
            return "no output has a value"
        return "the outputs hold more than the inputs" if self.brought < self.taken else None


def _party(row: Row) -> bytes | int:
    """Return who brings an input: its address, unless it has none or anybody can spend from it."""
    if row.address is None or why_open(row.address):
        return row.n
    return row.address


def _added(one: Counted, other: Counted) -> Counted:
    """Return two counts of interpretations that exclude each other as one."""
    links = tuple(
        tuple(map(sum, zip(*rows, strict=True)))
        for rows in zip(one.links, other.links, strict=True)
    )
    return Counted(one.ways + other.ways, links, other.work)
