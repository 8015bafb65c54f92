"""``policy_range``: what each policy says of each end, and what all have in common."""

from __future__ import annotations

from collections.abc import Sequence
from math import inf
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
from chainwatch.units import counted

if TYPE_CHECKING:
    from matplotlib.axes import Axes

HEAD, NAME, ROW, GAP = 34.0, 30.0, 18.0, 8.0
"""Points: height of the heading, of the name of an end with its range, of a bar with its names,
between ends."""

BETWEEN = 28.0
"""Points between the two columns in which ends stand: a figure in one would be too high for print,
and be made too small to be read."""

COLUMN = (WIDE - 2 * MARGIN - BETWEEN) / 2
"""Points: width of a column."""

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

    @property
    def tall(self) -> float:
        """Room that it takes, in points."""
        return NAME + sum(group.tall for group in self.groups) + GAP


def policy_range(
    found: TraceRange,
    ax: Axes | None = None,
    *,
    edition: Edition | None = None,
    top: int | None = None,
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
        Who is shown; without one, the edition of the desk.
    top : int, optional
        Kinds of end that are drawn, the largest first; the others are counted. Without it, as many
        as can be read below a heading on a page of A4 on its side.
    """
    expect(found, TraceRange, "found", "pass what trace_all(...) returned")
    if top is not None and top < 1:
        raise InputError(f"top is {top}", remedy="draw at least one kind of end")
    with bars.drawn_for(edition):
        kinds = _kinds(found)
        words = bars.wrapped(_words(found, 1))
        room = bars.TALLEST - HEAD - 2 * MARGIN - bars.LINE * len(words)
        columns = _columns(kinds[:top], room if top is None else inf)
        drawn = sum(map(len, columns))
        words = bars.wrapped(_words(found, len(kinds) - drawn))
        rows = max((sum(one.tall for one in column) for column in columns), default=0.0)
        tall = HEAD + rows + bars.LINE * len(words) + 2 * MARGIN
        groups = [group for column in columns for one in column for group in one.groups]
        largest = max((one.told.amount for one in groups if one.kind != "poison"), default=0) or 1
        with style.settings():
            title = "What depends on the method of following"
            ax = bars.page(tall, title, range_text(found), ax)
            top_y = bars.lines(ax, tall - HEAD + 4.0, words) - GAP
            for number, column in enumerate(columns):
                y = top_y
                for one in column:
                    left = MARGIN + number * (COLUMN + BETWEEN)
                    y = _draw(ax, one, left, y, largest, found)
    return ax


def _columns(kinds: Sequence[Kind], room: float) -> tuple[list[Kind], ...]:
    """Return as many kinds of end as fit into two columns of a height, in order.

    Both are about as high as each other. The first kind is there, whatever its height.
    """
    fit = 0
    while fit < len(kinds) and _split(kinds[: fit + 1])[1] <= room:
        fit += 1
    number = max(fit, 1)
    at, _ = _split(kinds[:number])
    return list(kinds[:at]), list(kinds[at:number])


def _split(kinds: Sequence[Kind]) -> tuple[int, float]:
    """Return how many of some kinds stand in the first column, and how high the higher one is."""
    heights = [one.tall for one in kinds]
    return min(
        ((at, max(sum(heights[:at]), sum(heights[at:]))) for at in range(len(heights) + 1)),
        key=lambda one: (one[1], -one[0]),
    )


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
        kinds = counted(more, "smaller kind of end is", "smaller kinds of end are")
        said.append(f"{kinds} not drawn; the table has them.")
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
    common = next((one for one in apart if one.kind == COMMON), None)
    if len(within) == 1 and common and common.told == within[0].told and not common.told.rounded:
        # All say the same of the same places: that is one bar.
        apart[apart.index(common)] = common._replace(names=(COMMON, *within[0].names))
        within = []
    return (*within, *sorted(apart, key=lambda one: one.kind != COMMON))


def _names(group: Group) -> str:
    if group.kind == "poison":
        return "poison, which tells reach and nobody's share:"
    if group.kind == "lowest_balance":
        return "lowest_balance, which does not follow:"
    if group.kind == COMMON and len(group.names) > 1:
        return f"{COMMON}, that is {', '.join(group.names[1:])}:"
    return f"{', '.join(group.names)}:"


def _span(one: Kind, found: TraceRange) -> str:
    low, high = one.low.text(found.asset), one.high.text(found.asset)
    if one.low != one.high:
        return f"{low} to {high}"
    # What one digit is left of may still differ from policy to policy.
    return f"{high} each, to one digit" if one.high.rounded else f"{high} under each"


def _draw(ax: Axes, one: Kind, begin: float, top: float, largest: int, found: TraceRange) -> float:
    """Draw a kind of end and its bars in a column; return where they end."""
    left, room = begin + INDENT, COLUMN - INDENT
    name = style.fit(printable(one.name), COLUMN, LABEL + 1, bold=True)
    write(ax, begin, top - 6.0, name, LABEL + 1, bold=True)
    span = style.fit(printable(_span(one, found)), room, LABEL)
    write(ax, left, top - 18.0, span, LABEL)
    y = top - NAME
    low, high = (left + room * told.amount / largest for told in (one.low, one.high))
    if one.low != one.high:
        ax.plot([low, high], [y + 3.5, y + 3.5], color=INK, linewidth=1.6, zorder=4)
        for end in (low, high):
            ax.plot([end, end], [y + 1.8, y + 5.2], color=INK, linewidth=1.6, zorder=4)
    for group in one.groups:
        amount = group.told.text(found.asset)
        names = printable(_names(group))  # an amount is never cut, the names of methods may be
        names = style.fit(names, room - style.text_width(f" {amount}", LABEL), LABEL)
        write(ax, left, y - 5.0, f"{names} {amount}", LABEL)
        if group.kind != "poison":
            right = left + room * group.told.amount / largest
            dotted = ":" if group.kind == "lowest_balance" else "-"
            bars.bar(ax, left, right, y - 13.0, HATCHES.get(group.kind, ""), tall=5.0, line=dotted)
        y -= group.tall
    return y - GAP
