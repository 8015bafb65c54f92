"""Bars on a common scale, each with its name and amount beside it, as the desk's edition may say.

A figure that adds up rows rounds by the rule of tables: where one to four masked parties stand
behind a sum, one digit of it is left. What is drawn is what is said, so that no length gives away
what the number beside it does not.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, NamedTuple

from chainwatch.addresses.assets import Asset
from chainwatch.figures import style
from chainwatch.figures.drawing import INK, box, write
from chainwatch.figures.typefaces import printable
from chainwatch.privacy.edition import Edition, coarse
from chainwatch.privacy.mask_rows import hidden_rows, rounded_alike
from chainwatch.privacy.roles import roles_of
from chainwatch.privacy.session import on_desk
from chainwatch.results.result import Result
from chainwatch.results.table import Rows

if TYPE_CHECKING:
    from matplotlib.axes import Axes

WIDE, MARGIN, LABEL, TITLE = 640.0, 18.0, 8.0, 10.0
"""Points: width of a figure, its margins, size of its text and of its heading."""

LINE = 12.0
"""Points from one line of running text to the next."""

PALE = "#B7CFE3"
"""Fill of a bar; it means nothing, and no two bars are told apart by it."""


class Told(NamedTuple):
    """An amount as it may be said, and whether it was rounded."""

    amount: int
    rounded: bool

    def text(self, asset: Asset) -> str:
        """Return it in coins; ``≈`` where it is rounded."""
        return f"{'≈ ' if self.rounded else ''}{printable(asset.shown(self.amount))}"


_shown: ContextVar[Edition | None] = ContextVar(
    "the edition that a figure is drawn for", default=None
)


@contextmanager
def shown_by(edition: Edition | None) -> Iterator[None]:
    """Draw for an edition, as long as the block lasts; outside of it for that of the desk.

    None changes nothing: what is drawn within another block is drawn for the edition of that.
    """
    if edition is None:
        yield
        return
    token = _shown.set(edition)
    try:
        yield
    finally:
        _shown.reset(token)


def shown_edition(*results: Result) -> Edition:
    """Return the edition that is drawn for: that of a case, or the desk's with these roles."""
    return _shown.get() or on_desk(roles_of(results))


def told_amounts(result: Result, chain: str, *each: Rows) -> list[Told]:
    """Return the amounts of rows as the edition of the desk may say them.

    Parameters
    ----------
    result : Result
        What the rows are of: it says who may be shown.
    chain : str
        CAIP-2 id of the chain of all rows.
    *each : Rows
        The same rows, in the same order, each time with other parties behind them, such as who
        holds and who paid: an amount is rounded if it is for any, or if a finding of the case
        rounds the same sum.
    """
    edition = shown_edition(result)
    hidden = [hidden_rows(rows, [chain] * rows.frame.height, edition) for rows in each]
    told = edition.rounded - edition.published
    amounts = [int(amount) for amount in each[0].frame["amount"]]
    few = [
        any(of[place].party or of[place].transaction for of in hidden) or amount in told
        for place, amount in enumerate(amounts)
    ]
    rounded = rounded_alike(each[0], few)
    return [
        Told(coarse(amount) if one else amount, one)
        for amount, one in zip(amounts, rounded, strict=True)
    ]


def names_room(names: Sequence[str], least: float, *, bold: bool = False) -> float:
    """Return the room for names at the left, in points: what the longest needs, within bounds."""
    widest = max((style.text_width(printable(one), LABEL, bold=bold) for one in names), default=0.0)
    return min(max(widest + APART, least), MOST_NAMES)


APART, MOST_NAMES = 26.0, 320.0
"""Points: from the longest name to the bars with its indent, and the most that names may take."""


def page(tall: float, title: str, alt: str, ax: Axes | None) -> Axes:
    """Return Axes in points, with a heading, and a description for those who cannot see them."""
    ax = ax or style.new_axes(WIDE / 72, tall / 72)
    ax.set_xlim(0, WIDE)
    ax.set_ylim(0, tall)
    ax.set_axis_off()
    style.describe(ax, title, alt)
    heading = style.fit(printable(title), WIDE - 2 * MARGIN, TITLE, bold=True)
    write(ax, MARGIN, tall - MARGIN, heading, TITLE, bold=True)
    return ax


def wrapped(texts: Sequence[str]) -> list[str]:
    """Return running text in lines that fit the width of a figure."""
    room = WIDE - 2 * MARGIN
    return [row for one in texts for row in style.wrap(printable(one), room, LABEL, lines=6)]


def lines(ax: Axes, top: float, rows: Sequence[str]) -> float:
    """Write lines of running text below each other; return where they end."""
    for number, row in enumerate(rows):
        write(ax, MARGIN, top - LINE * (number + 0.5), row, LABEL)
    return top - LINE * len(rows)


def bar(ax: Axes, left: float, right: float, middle: float, hatch: str = "", *,
        tall: float = 8.0, line: str = "-", colour: str = PALE) -> None:  # fmt: skip
    """Draw a bar between two places; one of nothing is a line, so that it is seen to be there."""
    if right - left < 0.4:
        ax.plot([left, left], [middle - tall / 2, middle + tall / 2], color=INK, linewidth=0.8)
        return
    box(ax, left, middle - tall / 2, right - left, tall, colour, hatch, line)
