"""``policy_range``: what each policy says of each end, and what all have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from chainwatch.errors import InputError, expect
from chainwatch.figures import bars, style
from chainwatch.figures.bars import LABEL, MARGIN, WIDE, Told
from chainwatch.figures.drawing import INK, write
from chainwatch.figures.typefaces import printable
from chainwatch.privacy.edition import Edition
from chainwatch.tracing.ranges.range_result import (
    BY_KIND,
    COMMON,
    NO_INTERVAL,
    TraceRange,
    kind_in_words,
)
from chainwatch.tracing.result import NOTHING_CAME

if TYPE_CHECKING:
    from matplotlib.axes import Axes

HEAD, NAME, ROW, GAP = 40.0, 26.0, 23.0, 8.0
"""Points: height of the heading, of the name of an end, of a bar with its names, between ends."""

INDENT = 14.0
"""Points by which bars stand in behind the name of their end."""

HATCHES = {COMMON: "////", "lowest_balance": "...."}
"""Bars that are no policy of the range: their names say so too."""


class Group(NamedTuple):
    """Policies that say the same amount: their names, and whether it is an amount of the range."""

    names: tuple[str, ...]
    told: Told
    kind: str

    @property
    def tall(self) -> float:
        """Room that it takes, in points: reach has no bar."""
        return ROW if self.kind != "poison" else bars.LINE


class Kind(NamedTuple):
    """A kind of end: its name, lowest and highest in the range, and its groups of policies."""

    name: str
    low: Told
    high: Told
    groups: tuple[Group, ...]


def policy_range(
    found: TraceRange, ax: Axes | None = None, *, edition: Edition | None = None, top: int = 12
) -> Axes:
    """Draw what each policy says of each kind of end, and return the Axes.

    Policies that say the same share a bar, and their names stand above it. The line beside the
    name of an end runs from the lowest to the highest among the policies that conserve value and
    follow it: a range across methods and no confidence interval. A hatched bar is what all of them
    have in common. Reach is told in words, for it is no amount on this scale. All bars share one
    scale. What the edition of the desk rounds is drawn as it is said.

    Parameters
    ----------
    found : TraceRange
        What ``trace_all(...)`` returned.
    ax : matplotlib.axes.Axes, optional
        Where to draw; by default a new figure of fitting height.
    edition : Edition, optional
        Who is shown, and what is rounded; without one, that of the desk.
    top : int
        Kinds of end that are drawn, the largest first; the others are counted.
    """
    expect(found, TraceRange, "found", "pass what trace_all(...) returned")
    if top < 1:
        raise InputError(f"top is {top}", remedy="draw at least one kind of end")
    with bars.shown_by(edition):
        return _policy_range(found, ax, top)


def _policy_range(found: TraceRange, ax: Axes | None, top: int) -> Axes:
    kinds = _kinds(found)
    words = bars.wrapped(_words(found, len(kinds) - top))
    drawn = kinds[:top]
    groups = [group for one in drawn for group in one.groups]
    rows = sum(group.tall for group in groups)
    tall = HEAD + (NAME + GAP) * len(drawn) + rows + bars.LINE * len(words) + 2 * MARGIN
    largest = max((one.told.amount for one in groups if one.kind != "poison"), default=0) or 1
    with style.settings():
        ax = bars.page(tall, "What depends on the method of following", range_text(found), ax)
        y = bars.lines(ax, tall - HEAD + 6.0, words) - GAP
        for one in drawn:
            y = _draw(ax, one, y, largest, found)
    return ax


def range_text(found: TraceRange) -> str:
    """Return what the figure shows, in words, for those who cannot see it."""
    told = [
        f"{one.name}: {_span(one, found)}. "
        + "; ".join(f"{_names(group)} {group.told.text(found.asset)}" for group in one.groups)
        + "."
        for one in _kinds(found)
    ]
    nothing = [NOTHING_CAME] if found.kinds.is_empty() else []
    return " ".join([*nothing, NO_INTERVAL, *told])


def _words(found: TraceRange, more: int) -> list[str]:
    said = [NOTHING_CAME] if found.kinds.is_empty() else []
    said += [NO_INTERVAL, "Every one: what lies at the same places under each of"
            f" {', '.join(found.compared)}."]  # fmt: skip
    if more > 0:
        said.append(f"{more:,} smaller kinds of end are not drawn; the table has them.")
    return said


def _kinds(found: TraceRange) -> list[Kind]:
    told = bars.told_amounts(found, found.asset.chain, BY_KIND.rows(found.kinds))
    by_kind: dict[str, dict[str, Told]] = {}
    for row, one in zip(found.kinds.iter_rows(named=True), told, strict=True):
        by_kind.setdefault(kind_in_words(row), {})[row["policy"]] = one
    kinds = []
    for name, said in by_kind.items():
        among = [said[policy] for policy in found.compared]
        kinds.append(Kind(name, min(among), max(among), _groups(said, found)))
    return sorted(kinds, key=lambda one: (-one.high.amount, -one.low.amount, one.name))


def _groups(said: dict[str, Told], found: TraceRange) -> tuple[Group, ...]:
    same: dict[tuple[str, Told], list[str]] = {}
    for policy, one in said.items():
        kind = "range" if policy in found.compared else policy
        same.setdefault((kind, one), []).append(policy)
    groups = [Group(tuple(names), one, kind) for (kind, one), names in same.items()]
    within = [one for one in groups if one.kind == "range"]
    apart = [one for one in groups if one.kind != "range"]
    within.sort(key=lambda one: (-one.told.amount, one.names))
    return (*within, *sorted(apart, key=lambda one: one.kind != COMMON))


def _names(group: Group) -> str:
    if group.kind == "poison":
        return "poison, which tells reach and nobody's share:"
    if group.kind == "lowest_balance":
        return "lowest_balance, which does not follow:"
    return f"{', '.join(group.names)}:"


def _span(one: Kind, found: TraceRange) -> str:
    low, high = one.low.text(found.asset), one.high.text(found.asset)
    if one.low != one.high:
        return f"{low} to {high}"
    # What one digit is left of may still differ from policy to policy.
    return f"{high} each, to one digit" if one.high.rounded else f"{high} under each"


def _draw(ax: Axes, one: Kind, top: float, largest: int, found: TraceRange) -> float:
    """Draw a kind of end and its bars; return where they end."""
    left, room = MARGIN + INDENT, WIDE - 2 * MARGIN - INDENT
    span = printable(_span(one, found))
    wide = style.text_width(span, LABEL) + 12.0
    name = style.fit(printable(one.name), WIDE - 2 * MARGIN - wide, LABEL + 1, bold=True)
    write(ax, MARGIN, top - 8.0, name, LABEL + 1, bold=True)
    write(ax, WIDE - MARGIN, top - 8.0, span, LABEL, align="right")
    y = top - NAME
    low, high = (left + room * told.amount / largest for told in (one.low, one.high))
    if one.low != one.high:
        ax.plot([low, high], [y + 3.5, y + 3.5], color=INK, linewidth=1.6, zorder=4)
        for end in (low, high):
            ax.plot([end, end], [y + 0.5, y + 6.5], color=INK, linewidth=1.6, zorder=4)
    for group in one.groups:
        told = f"{_names(group)} {group.told.text(found.asset)}"
        write(ax, left, y - 8.0, style.fit(printable(told), room, LABEL), LABEL)
        if group.kind != "poison":
            right = left + room * group.told.amount / largest
            dotted = ":" if group.kind == "lowest_balance" else "-"
            bars.bar(ax, left, right, y - 17.5, HATCHES.get(group.kind, ""), tall=6.0, line=dotted)
        y -= group.tall
    return y - GAP
