"""``coverage_chart``: which blocks and histories were read, where gaps are, what was not read.

A bar is what was read; nothing is drawn where nothing was. What lies before and after is a broken
box without an end, for nobody knows how much it is.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import polars as pl

from chainwatch.addresses.assets import native
from chainwatch.chains.catalogue import chain as find_chain
from chainwatch.errors import InputError, expect
from chainwatch.figures import bars, style
from chainwatch.figures.bars import LABEL, MARGIN, WIDE
from chainwatch.figures.drawing import INK, box, write
from chainwatch.figures.typefaces import printable
from chainwatch.ledger.lookup.what_was_read import WhatWasRead
from chainwatch.privacy.edition import Edition
from chainwatch.tracing.result import Trace, ends_by_reason
from chainwatch.tracing.stops import UNREAD
from chainwatch.units import counted

if TYPE_CHECKING:
    from matplotlib.axes import Axes

HEAD, ROW, SECTION, NAMES, NUMBERS, BEYOND = 30.0, 17.0, 22.0, 190.0, 190.0, 26.0
"""Points: height of the heading, of a strip, of the heading of a chain; room for names at the left,
for words at the right, and for the box of what lies before and after."""

IN_PART = "...."
"""Hatch of histories of which the source does not claim that they are whole."""

NARROWEST = 1.2
"""Points: a run of blocks is at least as wide, so that a single block is seen."""

MOST_RUNS = 400
"""Runs of blocks that are drawn one by one; of more, those that would touch are drawn as one."""

BESIDE = ("addresses read wholly",)
"""Facts that are drawn as strips already, and say nothing of what was not read."""

NOTHING = "Nothing was read: the ledger is empty, and there is nothing to draw."


class Strip(NamedTuple):
    """A line of the chart: its name, the stretches of heights that it fills, and words beside."""

    name: str
    runs: tuple[tuple[int, int], ...]
    words: str
    open_before: bool = False
    hatch: str = ""


class Fact(NamedTuple):
    """What was not read: what, how much in words, and what that means."""

    what: str
    amount: str
    note: str


REST = Fact(
    "all else", "unknown how much",
    "no block was read whole, so that what none of these histories holds is unknown",
)  # fmt: skip


def coverage_chart(
    read: WhatWasRead, ax: Axes | None = None, *, trace: Trace | None = None,
    edition: Edition | None = None, data: str = "", top: int = 12,
) -> Axes:  # fmt: skip
    """Draw which blocks and histories were read up to when, and name what was not.

    Chain by chain a strip shows the runs of blocks that were read whole, along the heights from the
    first to the last; below it stand the histories of addresses by the block up to which they were
    read. What was not read is listed with its number and amount, and with a ``trace`` what of the
    followed value ended there.

    Parameters
    ----------
    read : WhatWasRead
        What ``what_was_read(ledger)`` returned.
    ax : matplotlib.axes.Axes, optional
        Where to draw; by default a new figure of fitting height.
    trace : Trace, optional
        What was followed, to say how much of it ended at what was not read.
    edition : Edition, optional
        Who is shown; without one, the edition of the desk.
    data : str
        A further note for the legend.
    top : int
        Lines of what was not read that are told of all chains together; others are counted.

    Raises
    ------
    InputError
        If ``top`` is none.
    """
    expect(read, WhatWasRead, "read", "pass what what_was_read(ledger) returned")
    if top < 1:
        raise InputError(f"top is {top}", remedy="tell at least one line")
    with bars.drawn_for(edition, data), style.settings():
        words = bars.wrapped(_words(read, trace))
        chains = read.extent["chain"].to_list()
        strips = {chain: _strips(read, chain) for chain in chains}
        facts = {chain: _facts(read, chain) for chain in chains}
        shown = _bounded(facts, top)
        lines = sum(len(one) for one in strips.values())
        told = sum(_lines(one) for one in shown.values())
        tall = (HEAD + (SECTION + ROW) * len(chains) + ROW * lines + bars.LINE * told
                + bars.LINE * len(words) + MARGIN + 10.0)  # fmt: skip
        ax = bars.page(
            tall, "What was read, and what was not", coverage_text(read, trace=trace), ax
        )
        y = tall - HEAD
        for chain in chains:
            y = _draw(ax, chain, strips[chain], shown[chain], len(facts[chain]), y)
        bars.lines(ax, y - 6.0, words)
    return ax


def coverage_text(read: WhatWasRead, *, trace: Trace | None = None) -> str:
    """Return what the figure shows, in words, for those who cannot see it."""
    told = []
    for chain in read.extent["chain"]:
        strips = "; ".join(f"{one.name}: {one.words}" for one in _strips(read, chain))
        facts = "; ".join(
            f"{one.what}{f' ({one.amount})' if one.amount else ''}: {one.note}"
            for one in _facts(read, chain)
        )
        told.append(f"{find_chain(chain).alias}: {strips}. Not read: {facts or 'nothing named'}.")
    return " ".join([*told, *_words(read, trace)])


def _words(read: WhatWasRead, trace: Trace | None) -> list[str]:
    if read.extent.is_empty():
        return [NOTHING]
    said = [
        "A filled bar was read, a dotted one in part; where nothing is drawn nothing was. Broken"
        " boxes at the ends are what lies before and after. What was not read is unknown: no"
        " total holds it.",
        *([_followed(trace)] if trace is not None else []),
        read.data(),
    ]
    return [bars.redacted(one) for one in said]


def _followed(trace: Trace) -> str:
    """Return how much of the value that was followed ended at what was not read."""
    rows = ends_by_reason(trace)
    told = bars.told_amounts(trace, trace.asset.chain, rows)
    unread = [one for one, reason in zip(told, rows.frame["reason"], strict=True)
              if reason in UNREAD]  # fmt: skip
    whole = trace.asset.shown(trace.amount)
    if not unread:
        return f"Of {whole} that was followed nothing ended at a history that was not read."
    sum_ = bars.added(unread)
    return f"Of {whole} that was followed {sum_.text(trace.asset)} ended at what was not read."


def _strips(read: WhatWasRead, chain: str) -> list[Strip]:
    """Return the lines of a chain: its blocks, then histories by how far they were read."""
    runs = [(low, high) for low, high in read.spans.filter(chain=chain)
            .select("from_height", "to_height").iter_rows()]  # fmt: skip
    blocks = int(read.spans.filter(chain=chain)["blocks"].sum())
    gaps = sum(max(low - high - 1, 0) for (_, high), (low, _) in _neighbours(runs))
    row = read.extent.row(by_predicate=pl.col("chain") == chain, named=True)
    strips = []
    if runs:
        words = f"{counted(blocks, 'block', 'blocks')} in {counted(len(runs), 'run', 'runs')}"
        lacking = f", {gaps:,} heights between them not read" if gaps else ""
        strips.append(Strip("Blocks read whole", tuple(runs), words + lacking))
    else:
        strips.append(Strip("Blocks read whole", (), _no_blocks(row)))
    return [*strips, *_of_addresses(read.histories.filter(chain=chain))]


def _no_blocks(row: dict[str, Any]) -> str:
    rows = f"{row['transactions']:,} transactions, {row['transfers']:,} transfers by themselves"
    if row["first"] is None:
        return f"none; {rows}"
    return f"none; {rows}, {row['first']:%Y-%m-%d} to {row['last']:%Y-%m-%d}"


def _neighbours(
    runs: Sequence[tuple[int, int]],
) -> Iterator[tuple[tuple[int, int], tuple[int, int]]]:
    """Yield each run with the next, past those that lie within what was reached before."""
    reached: tuple[int, int] | None = None
    for one in runs:
        if reached is not None:
            yield reached, one
        if reached is None or one[1] > reached[1]:
            reached = one


HISTORIES_SHOWN = 3


def _of_addresses(rows: pl.DataFrame) -> Iterator[Strip]:
    """Yield a line for each block up to which histories were read, the most addresses first."""
    listed = rows.sort("addresses", "height", "whole", descending=[True, True, True],
                       nulls_last=True)  # fmt: skip
    for row in listed[:HISTORIES_SHOWN].iter_rows(named=True):
        claim = "whole" if row["whole"] else "in part"
        many = counted(row["addresses"], "history", "histories")
        if row["height"] is None:
            yield Strip(f"Histories read {claim}", (), f"{many}, no block is stated")
        else:
            runs, words = ((0, row["height"]),), f"{many}, up to block {row['height']:,}"
            hatch = "" if row["whole"] else IN_PART
            yield Strip(f"Histories read {claim}", runs, words, open_before=True, hatch=hatch)
    rest = listed[HISTORIES_SHOWN:]
    if rest.height:
        many = counted(int(rest["addresses"].sum()), "history", "histories")
        yield Strip("Further histories", (), f"{many}, up to other blocks")


def _facts(read: WhatWasRead, chain: str) -> list[Fact]:
    """Return what was not read of a chain; what is lacking nowhere is left out."""
    coin = native(chain)
    found = []
    for row in read.not_read.filter(chain=chain).iter_rows(named=True):
        if row["what"] in BESIDE or row["count"] == 0:
            continue
        many = "" if row["count"] is None else f"{row['count']:,}"
        worth = "" if row["amount"] is None else coin.shown(int(row["amount"]))
        amount = ", ".join(filter(None, [many, worth])) or "unknown how many"
        found.append(Fact(row["what"], amount, bars.redacted(row["note"] or "")))
    return found if read.spans.filter(chain=chain).height else [REST, *found]


def _bounded(facts: dict[str, list[Fact]], top: int) -> dict[str, list[Fact]]:
    """Return as many facts of each chain as may be told, at least one of each."""
    each = max(top // max(len(facts), 1), 1)
    return {chain: listed[:each] for chain, listed in facts.items()}


def _lines(facts: Sequence[Fact]) -> int:
    return max(len(facts), 1) + 1


def _draw(
    ax: Axes, chain: str, strips: Sequence[Strip], facts: Sequence[Fact], every: int, top: float
) -> float:
    """Draw the strips of a chain and what was not read of it; return where that ends."""
    alias = style.fit(printable(find_chain(chain).alias), WIDE - 2 * MARGIN, LABEL + 1, bold=True)
    write(ax, MARGIN, top - SECTION / 2, alias, LABEL + 1, bold=True)
    low = min((run[0] for one in strips if not one.open_before for run in one.runs), default=0)
    high = max((run[1] for one in strips for run in one.runs), default=0)
    y = top - SECTION
    for one in strips:
        _strip(ax, one, low, high, y - ROW / 2)
        y -= ROW
    y = _scale(ax, low, high, y) if any(one.runs for one in strips) else y - ROW
    for fact in facts:
        y -= bars.LINE
        write(ax, MARGIN, y + bars.LINE / 2, f"Not read: {fact.what}"[:200], LABEL, bold=True)
        start = MARGIN + style.text_width(f"Not read: {fact.what}", LABEL, bold=True) + 8.0
        told = f"{fact.amount}: {fact.note}"
        write(ax, start, y + bars.LINE / 2,
              style.fit(printable(told), WIDE - MARGIN - start, LABEL), LABEL)  # fmt: skip
    more = every - len(facts)
    said = (f"{more:,} more kinds of what was not read stand in the table." if more else
            "" if facts else "Nothing that was not read is named for this chain.")  # fmt: skip
    if said:
        write(ax, MARGIN, y - bars.LINE / 2, said, LABEL)
    return top - SECTION - ROW * (len(strips) + 1) - bars.LINE * _lines(facts)


def _x(height: float, low: int, high: int) -> float:
    left, right = MARGIN + NAMES + BEYOND, WIDE - MARGIN - NUMBERS - BEYOND
    return left + (right - left) * (height - low) / max(high + 1 - low, 1)


def _strip(ax: Axes, one: Strip, low: int, high: int, y: float) -> None:
    write(ax, MARGIN, y, style.fit(printable(one.name), NAMES - 8.0, LABEL), LABEL)
    left, right = _x(low, low, high), _x(high + 1, low, high)
    if one.runs:
        if low and not one.open_before:
            box(ax, left - BEYOND, y - 4.0, BEYOND - 3.0, 8.0, "#FFFFFF", "", ":")
        box(ax, right + 3.0, y - 4.0, BEYOND - 3.0, 8.0, "#FFFFFF", "", ":")
        ax.plot([left, right], [y, y], color=INK, linewidth=0.5, zorder=1)
    for start, end in _merged(one.runs, low, high):
        begin = max(min(start, right - NARROWEST), left)
        bars.bar(ax, begin, min(max(end, begin + NARROWEST), right), y, one.hatch)
    at = WIDE - MARGIN - NUMBERS + 4.0
    rows = style.wrap(printable(one.words), NUMBERS, LABEL, lines=2)
    for number, row in enumerate(rows):
        write(ax, at, y + 4.0 * (len(rows) - 1) - 8.0 * number, row, LABEL)


def _merged(
    runs: Sequence[tuple[int, int]], low: int, high: int
) -> list[tuple[float, float]]:  # fmt: skip
    """Return runs as places on the strip; those that touch on paper as one where there are many."""
    found: list[tuple[float, float]] = []
    for first, last in runs:
        start, end = _x(first, low, high), _x(last + 1, low, high)
        if found and len(runs) > MOST_RUNS and start - found[-1][1] < NARROWEST:
            found[-1] = (found[-1][0], max(end, found[-1][1]))
        else:
            found.append((start, end))
    return found


def _scale(ax: Axes, low: int, high: int, top: float) -> float:
    """Write the first and the last height below the strips; return where that ends."""
    left, right = _x(low, low, high), _x(high + 1, low, high)
    for x in (left, right):
        ax.plot([x, x], [top, top + 3.0], color=INK, linewidth=0.6)
    first, last = f"block {low:,}", f"block {high:,}"
    write(ax, left, top - 5.0, first, LABEL)
    wide = style.text_width(first, LABEL) + style.text_width(last, LABEL)
    if high > low and wide + 8.0 < right - left:
        write(ax, right, top - 5.0, last, LABEL, align="right")
    return top - ROW
