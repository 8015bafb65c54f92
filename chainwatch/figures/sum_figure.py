"""``sum_check``: the parts that came in beside the parts that ended, which are as much in all."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import polars as pl

from chainwatch.errors import InputError, expect
from chainwatch.figures import bars, style
from chainwatch.figures.bars import LABEL, MARGIN, WIDE, Told
from chainwatch.figures.drawing import INK, write
from chainwatch.figures.typefaces import printable
from chainwatch.privacy.edition import Edition
from chainwatch.results.table import BEHIND, DIRECTION, Column, Rows, Table, behind
from chainwatch.tracing.ends.holders import with_behind
from chainwatch.tracing.result import NOTHING_CAME, REACHES, Trace
from chainwatch.tracing.trace_tables import ENDS
from chainwatch.units import counted, exact_sum

if TYPE_CHECKING:
    from matplotlib.axes import Axes

HEAD, ROW, NAMES, NUMBERS = 40.0, 17.0, 160.0, 140.0
"""Points: height of the heading, of a part; least room for names at the left, and for amounts at
the right."""

CAME, ENDED = "came in", "ended"

PARTS = Table(
    "parts",
    (),
    "What came in by its kind, and what ended by reason and service.",
    (
        DIRECTION,
        Column.kind("part", "kind of origin, or reason for which it ends"),
        ENDS["service"],
        ENDS["amount"],
        BEHIND,
    ),
)


class Part(NamedTuple):
    """A part of either side: its name and its amount as it may be said."""

    name: str
    told: Told


def sum_check(
    trace: Trace, ax: Axes | None = None, *, edition: Edition | None = None, top: int = 7
) -> Axes:
    """Draw the parts that came in, and below them the parts that ended, and return the Axes.

    Each part begins where the one before it ends, so that both sides run to the same line: what
    came in. Names stand at the left, amounts at the right. The last line says the two sums, which
    were checked in whole base units. What the edition of the desk rounds adds up about, while the
    sums are exact: bars of rounded parts share what the exact ones leave, as they are said.

    Parameters
    ----------
    trace : Trace
        What ``trace(...)`` returned, under a policy that conserves value.
    ax : matplotlib.axes.Axes, optional
        Where to draw; by default a new figure of fitting height.
    edition : Edition, optional
        Who is shown; without one, the edition of the desk.
    top : int
        Parts of a side that are drawn one by one; the smallest others are added up.

    Raises
    ------
    InputError
        If the policy does not conserve value: its amounts add up to nothing.
    ConservationError
        If the two sides differ: a defect, never drawn over.
    """
    expect(trace, Trace, "trace", "pass what trace(...) returned")
    if not trace.conserves:
        raise InputError(
            f"{trace.policy} has no sum to check. {REACHES}",
            remedy="draw a trace under a policy that conserves value, such as haircut",
        )
    if top < 1:
        raise InputError(f"top is {top}", remedy="draw at least one part")
    trace.check()
    with bars.drawn_for(edition), style.settings():
        came, ended = _sides(trace, top)
        words = bars.wrapped(_words(trace, [*came, *ended]))
        tall = HEAD + ROW * (len(came) + len(ended) + 2) + bars.LINE * len(words) + 2 * MARGIN
        ax = bars.page(tall, f"What came in and where it ended ({trace.policy})",
                       sum_text(trace), ax)  # fmt: skip
        y = tall - HEAD
        room = bars.names_room([one.name for one in (*came, *ended)], NAMES)
        line = _x(trace.amount, trace.amount, room)
        bottom = y - ROW * (len(came) + len(ended) + 2)
        ax.plot([line, line], [bottom, y], color=INK, linewidth=0.8, linestyle="--", zorder=1)
        y = _side(ax, "Came in", came, y, trace, room)
        y = _side(ax, "Ended", ended, y, trace, room)
        bars.lines(ax, y - 6.0, words)
    return ax


def sum_text(trace: Trace) -> str:
    """Return what the figure shows, in words, for those who cannot see it."""
    came, ended = _sides(trace, top=trace.ends.height + trace.origins.height + 1)
    parts = [
        f"{side}: " + "; ".join(f"{one.told.text(trace.asset)} {one.name}" for one in listed) + "."
        for side, listed in (("Came in", came), ("Ended", ended))
        if listed
    ]
    return " ".join([*parts, *_words(trace, [*came, *ended])])


def _words(trace: Trace, parts: Sequence[Part]) -> list[str]:
    whole = trace.asset.shown(trace.amount)
    said = [f"{whole} came in and {whole} ended: the two sums are equal to the last base unit,"
            " subject by subject."]  # fmt: skip
    if not parts:
        said.insert(0, NOTHING_CAME)
    if any(one.told.rounded for one in parts):
        said.append("≈: rounded to protect others than subjects, findings and services; such parts"
                    " add up to the sum only about, and their bars share what the others"
                    " leave.")  # fmt: skip
    return said


def parts_of(trace: Trace) -> Rows:
    """Return the parts of both sides, with who stands behind each."""
    who = pl.coalesce("paid_by", "txid")  # of a coin's payer its transaction alone is known here
    came = trace.origins.with_columns(who=who).group_by("kind").agg(
        exact_sum("amount"), behind("who")
    ).select(pl.lit(CAME).alias("direction"), pl.col("kind").alias("part"),
             pl.lit(None, pl.String).alias("service"), "amount", "behind")  # fmt: skip
    kinds = ("reason", "service")
    sums = trace.ends.group_by(kinds).agg(exact_sum("amount"))
    ended = with_behind(sums, trace.ends, trace.steps, kinds).select(
        pl.lit(ENDED).alias("direction"), pl.col("reason").alias("part"), "service", "amount",
        "behind",
    )  # fmt: skip
    order = ["direction", "amount", "part", "service"]
    rows = pl.concat([came, ended]).filter(pl.col("amount") > 0)
    return PARTS.rows(rows.sort(order, descending=[False, True, False, False], nulls_last=True))


def _sides(trace: Trace, top: int) -> tuple[list[Part], list[Part]]:
    rows = parts_of(trace)
    told = bars.told_amounts(trace, trace.asset.chain, rows)
    sides: dict[str, list[Part]] = {CAME: [], ENDED: []}
    for row, one in zip(rows.frame.iter_rows(named=True), told, strict=True):
        name = f"{row['service']} ({row['part']})" if row["service"] else row["part"]
        sides[row["direction"]].append(Part(name, one))
    for parts in sides.values():
        # Alone it is the whole, which stands above it to the last unit.
        if len(parts) == 1:
            parts[0] = parts[0]._replace(told=Told(int(trace.amount), False))
    return _fold(sides[CAME], top), _fold(sides[ENDED], top)


def _fold(parts: list[Part], top: int) -> list[Part]:
    """Return parts, the smallest beyond ``top`` as one: a sum of what is said of each."""
    if len(parts) <= top:
        return parts
    rest = [one.told for one in parts[top - 1 :]]
    name = counted(len(rest), "smaller part", "smaller parts")
    return [*parts[: top - 1], Part(name, bars.added(rest))]


def _x(amount: float, whole: int, names: float) -> float:
    left, right = MARGIN + names, WIDE - MARGIN - NUMBERS
    return left + (right - left) * min(amount / whole, 1.0) if whole else left


def _lengths(parts: Sequence[Part], whole: int) -> list[float]:
    """Return the lengths of bars in base units: together the whole, whatever of it was rounded.

    The exact parts leave what the rounded ones are in truth, all together; it is shared among them
    by what is said of each, which tells nothing that is not written.
    """
    about = sum(one.told.amount for one in parts if one.told.rounded)
    left = whole - sum(one.told.amount for one in parts if not one.told.rounded)
    return [
        one.told.amount * left / about if one.told.rounded and about else float(one.told.amount)
        for one in parts
    ]


def _side(
    ax: Axes, title: str, parts: Sequence[Part], top: float, trace: Trace, names: float
) -> float:
    """Draw the parts of one side, each from where the one before it ends; return where they end."""
    write(ax, MARGIN, top - ROW / 2, title, LABEL + 1, bold=True)
    whole = printable(trace.asset.shown(trace.amount))
    write(ax, WIDE - MARGIN, top - ROW / 2, whole, LABEL, bold=True, align="right")
    at = 0.0
    for number, (one, long) in enumerate(zip(parts, _lengths(parts, trace.amount), strict=True), 1):
        y = top - ROW * (number + 0.5)
        write(ax, MARGIN + 10.0, y, style.fit(printable(one.name), names - 16.0, LABEL), LABEL)
        bars.bar(ax, _x(at, trace.amount, names), _x(at + long, trace.amount, names), y)
        write(ax, WIDE - MARGIN, y, one.told.text(trace.asset), LABEL, align="right")
        at += long
    return top - ROW * (len(parts) + 1)
