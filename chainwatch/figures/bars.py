"""Bars on a common scale, each with its name and amount beside it, as the desk's edition may say.

A figure that adds up rows rounds by the rule of tables: where one to four masked parties stand
behind a sum, one digit of it is left. What is drawn is what is said, so that no length gives away
what the number beside it does not.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import ContextVar
from typing import TYPE_CHECKING, NamedTuple

from chainwatch.addresses.assets import Asset
from chainwatch.figures import style
from chainwatch.figures.drawing import INK, box, write
from chainwatch.figures.typefaces import printable
from chainwatch.privacy.edition import Edition, coarse
from chainwatch.privacy.flow_totals import two_digits
from chainwatch.privacy.mask_rows import hidden_rows, masked_names, rounded_alike
from chainwatch.privacy.roles import roles_of
from chainwatch.privacy.session import on_desk
from chainwatch.results.result import Result
from chainwatch.results.table import Rows

if TYPE_CHECKING:
    from matplotlib.axes import Axes

WIDE, MARGIN, LABEL, TITLE = 740.0, 18.0, 8.0, 10.0
"""Points: width of a figure, its margins, size of its text and of its heading. It is as wide as
what is printed on a page of A4 on its side, so that there its text is as large as here."""

TALLEST = 390.0
"""Points: a figure that is higher than this does not stand below its heading on that page, and is
made smaller."""

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


class Shown(NamedTuple):
    """For whom is drawn: the edition, what takes words out that it may not say, a note on the data
    that every figure ends with, and the sums that a table beside it gives to the last unit."""

    edition: Edition
    redact: Callable[[str], str] = str
    data: str = ""
    exact: frozenset[int] = frozenset()


_shown: ContextVar[Shown | None] = ContextVar("for whom a figure is drawn", default=None)


@contextmanager
def shown_by(
    edition: Edition,
    redact: Callable[[str], str] = str,
    data: str = "",
    exact: frozenset[int] = frozenset(),
) -> Iterator[None]:
    """Draw for an edition, as long as the block lasts; outside of it for that of the desk.

    ``redact`` takes out of strangers' words what the edition may not say; ``data`` says in a
    sentence what was read, and up to when. ``exact`` are sums that a table of the same edition
    gives to the last unit: they are not rounded for being rounded elsewhere too.
    """
    token = _shown.set(Shown(edition, redact, data, exact))
    try:
        yield
    finally:
        _shown.reset(token)


def drawn_for(edition: Edition | None, data: str = "") -> AbstractContextManager[None]:
    """Draw for an edition that is named, else for that of whoever draws, or the desk's."""
    now = _shown.get()
    if edition is not None:
        return shown_by(edition, now.redact if now else str, data or (now.data if now else ""))
    if data and now is not None:
        return shown_by(now.edition, now.redact, data, now.exact)
    return nullcontext()


def shown_edition(*results: Result) -> Edition:
    """Return the edition that is drawn for: that of a case, or the desk's with these roles."""
    now = _shown.get()
    return now.edition if now else on_desk(roles_of(results))


def redacted(text: str) -> str:
    """Return strangers' words without what the edition that is drawn for may not say."""
    now = _shown.get()
    return now.redact(text) if now else text


def actor_named(result: Result, name: str, concept: str = "") -> str:
    """Return the name that tags give, or what it is where all who bear it are masked."""
    if name in masked_names([result], shown_edition(result)):
        return f"somebody tagged {concept}" if concept else "somebody tagged"
    return redacted(name)


def told_amounts(result: Result, chain: str, *each: Rows, column: str = "amount") -> list[Told]:
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
        rounds the same sum and the table beside the figure does not give it to the last unit.
    column : str
        Where the amounts stand; null counts as nothing.
    """
    edition = shown_edition(result)
    hidden = [hidden_rows(rows, [chain] * rows.frame.height, edition) for rows in each]
    now = _shown.get()
    told = edition.rounded - edition.published - (now.exact if now else frozenset())
    amounts = [int(amount or 0) for amount in each[0].frame[column]]
    few = [
        any(of[place].party or of[place].transaction for of in hidden) or amount in told
        for place, amount in enumerate(amounts)
    ]
    rounded = rounded_alike(each[0], few)
    return [
        Told(coarse(amount) if one else amount, one)
        for amount, one in zip(amounts, rounded, strict=True)
    ]


def added(each: Sequence[Told]) -> Told:
    """Return the sum of what is said of each: to two digits where any of it was rounded.

    The other digits of such a sum would be those of its exact parts, and mean nothing.
    """
    amount, rounded = sum(one.amount for one in each), any(one.rounded for one in each)
    return Told(two_digits(amount) if rounded else amount, rounded)


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


def noted() -> tuple[str, ...]:
    """Return what is said of the data below every figure; nothing where nobody says it."""
    now = _shown.get()
    return (now.data,) if now and now.data else ()


def wrapped(texts: Sequence[str]) -> list[str]:
    """Return running text in lines that fit the width of a figure, with what was read as the last.

    What was read is said where a case draws, or whoever draws says it.
    """
    room = WIDE - 2 * MARGIN
    return [
        row
        for one in (*texts, *noted())
        for row in style.wrap(printable(one), room, LABEL, lines=6)
    ]


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
