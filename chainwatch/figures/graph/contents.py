"""What a flow graph says: a box for each node, a line for each flow, and what is only added up.

Nothing of the frame vanishes: a flow is a line, or it is counted in the remainder at a node that is
drawn, or in the one between nodes that are not.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import polars as pl

from chainwatch.figures.selection import (
    FLOW_COLUMNS,
    Node,
    Selection,
    Sum,
    node_lines,
    select,
    sum_text,
)
from chainwatch.privacy.flow_totals import Totals
from chainwatch.tracing.stops import FEE, NOT_READ, UNREAD
from chainwatch.units import counted

FEES = f"end:{FEE}"
"""The node of network fees: they were not peeled off."""


@dataclass(frozen=True)
class Box:
    """A node: its mark, its name, and the lines below it."""

    mark: str
    name: str
    lines: tuple[str, ...]
    role: str
    folded: bool

    @property
    def lost(self) -> str:
        """What a peel chain lost on the way, in a sentence; empty of all others."""
        return f"{self.mark}: {', '.join(self.lines[1:])}." if self.lines[1:] else ""


@dataclass(frozen=True)
class Line:
    """A flow that is drawn: places of its nodes, what stands at it, and how thick it is."""

    source: int
    target: int
    texts: tuple[str, ...]
    width: float


@dataclass(frozen=True)
class Rest:
    """What a node pays or is paid beside the lines that are drawn: how many flows, and how much."""

    node: int
    out: bool
    texts: tuple[str, ...]


@dataclass(frozen=True)
class Contents:
    """All that a flow graph says.

    ``chosen`` holds the sums; boxes are in the order of its nodes, lines in that of its flows.
    ``chains`` counts the peel chains that are folded among the boxes.
    """

    chosen: Selection
    boxes: tuple[Box, ...]
    lines: tuple[Line, ...]
    rests: tuple[Rest, ...]
    chains: int

    def tight(self) -> Contents:
        """Return the same with its lines broken, for a page with many columns."""
        return replace(
            self,
            boxes=tuple(replace(one, lines=_broken(one.lines)) for one in self.boxes),
            lines=tuple(replace(one, texts=_broken(one.texts)) for one in self.lines),
        )


def _broken(texts: Iterable[str]) -> tuple[str, ...]:
    """Return lines broken before a remark in brackets, and behind the first day of a span."""
    return tuple(part for text in texts for part in _BREAK.split(text))


_BREAK = re.compile(r" (?=\()|(?<=\d to) (?=\d)")

THICKNESS = ((2, 2.4), (10, 1.5), (100, 0.9))
"""A line is so many points thick from this part of the largest amount on: a half, a tenth, 1 %."""
THIN = 0.5
"""Thickness of all smaller lines, and of those whose amount is unknown, in points."""


def contents(
    flows: pl.DataFrame, *, symbol: str, decimals: int, top: int, sums: Totals | None = None
) -> Contents:
    """Return what a flow graph says of a flow frame.

    Parameters
    ----------
    flows : polars.DataFrame
        One row per pair of nodes, see `chainwatch.figures.selection.FLOW_COLUMNS`.
    symbol, decimals
        Of the whole coin.
    top : int
        Number of flows drawn singly, the largest first.
    sums : Totals, optional
        Says what several rounded flows add up to, which nodes are peel chains,
        and who was not read.
    """
    chosen = select(flows, top, sums)
    rows = {(row["source"], row["target"]): row for row in flows.select(*FLOW_COLUMNS).to_dicts()}
    write = _Writer(chosen, rows, symbol, decimals, sums)
    names = [node.name for node in chosen.nodes]
    largest = max((flow.amount or 0 for flow in chosen.flows), default=0)
    lines = tuple(
        Line(
            flow.source, flow.target, write.line(rows[names[flow.source], names[flow.target]]),
            _thickness(flow.amount, largest),
        )
        for flow in chosen.flows
    )  # fmt: skip
    boxes = tuple(map(write.box, chosen.nodes))
    chains = sum(node.name in write.rest for node in chosen.nodes)
    return Contents(chosen, boxes, lines, tuple(write.rests()), chains)


def _thickness(amount: int | None, largest: int) -> float:
    if not amount:
        return THIN
    return next((wide for part, wide in THICKNESS if amount * part >= largest), THIN)


@dataclass(frozen=True)
class _Writer:
    """Writes the texts of one graph."""

    chosen: Selection
    rows: Mapping[tuple[str, str], Mapping[str, Any]]
    symbol: str
    decimals: int
    sums: Totals | None

    @property
    def rest(self) -> Mapping[str, str]:
        return self.sums.rest if self.sums else {}

    def amount(self, rows: list[Mapping[str, Any]], node: str = "") -> str:
        """Write the sum of rows, as the edition may say it."""
        found = Sum()
        for row in rows:
            found.add(row)
        return sum_text(found.told(self.sums, node), self.symbol, self.decimals)

    def line(self, row: Mapping[str, Any]) -> tuple[str, ...]:
        """Write what stands at a line: its amount, and when."""
        when = days(row["first"], row["last"])
        one = Sum(1, row["count"] or 0, int(row["amount"] or 0), row["amount"] is None,
                  bool(row["coarse"]))  # fmt: skip
        return (sum_text(one, self.symbol, self.decimals), *([when] if when else []))

    def box(self, node: Node) -> Box:
        name, value = node_lines(node, self.chosen.entering, self.symbol, self.decimals)
        if self.sums and node.role == "unread" and node.name in self.sums.not_read:
            value = f"{NOT_READ}: {value}"
        lines = (value, *self._peeled(node.name))
        return Box(node.mark, name, lines, node.role, node.folded)

    def _peeled(self, name: str) -> tuple[str, ...]:
        """Write what a peel chain lost on the way, and what arrived at its end."""
        if name not in self.rest:
            return ()
        end = self.rest[name]
        out = {to: row for (source, to), row in self.rows.items() if source == name != to}
        off = [row for to, row in out.items() if to not in (end, FEES)]
        told = []
        if end in out and out[end]["folded"]:
            # Whom it paid on the way stand together with whom the rest was paid to.
            return (f"peeled off and arrived {self.amount([*off, out[end]], name)}",)
        if off:
            many = counted(len(off), "flow", "flows")
            told.append(f"peeled off {self.amount(off, name)} ({many})")
        if end in out:
            told.append(f"arrived {self.amount([out[end]], name)}")
        return tuple(told)

    def rests(self) -> Iterator[Rest]:
        """Yield what nodes that are drawn pay, and then what they are paid, beside the lines."""
        place = {node.name: number for number, node in enumerate(self.chosen.nodes)}
        drawn = {
            (self.chosen.nodes[flow.source].name, self.chosen.nodes[flow.target].name)
            for flow in self.chosen.flows
        }
        left = [(pair, row) for pair, row in sorted(self.rows.items())
                if pair not in drawn and pair[0] != pair[1]]  # fmt: skip
        for out in (True, False):
            found: dict[int, list[Mapping[str, Any]]] = {}
            for (source, target), row in left:
                if out and source in place:
                    found.setdefault(place[source], []).append(row)
                elif not out and target in place and source not in place:
                    found.setdefault(place[target], []).append(row)
            for node, rows in sorted(found.items()):
                many = counted(len(rows), "smaller flow", "smaller flows")
                yield Rest(node, out, (many, self.amount(rows, self.chosen.nodes[node].name)))


def days(first: datetime | None, last: datetime | None) -> str:
    """Write the days of the first and the last transfer; nothing where the edition gives none."""
    if first is None or last is None:
        return ""
    if first.date() == last.date():
        return f"{first:%Y-%m-%d}"
    end = f"{last:%m-%d}" if first.year == last.year else f"{last:%Y-%m-%d}"
    return f"{first:%Y-%m-%d} to {end}"


def says_not_read(box: Box) -> bool:
    """Return whether a box stands for what was not read."""
    return box.name in UNREAD or any(line.startswith(NOT_READ) for line in box.lines)
