"""``routes``: the best routes between two parties, drawn side by side, a card for each payment."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from chainwatch.errors import InputError, expect
from chainwatch.figures import bars, style
from chainwatch.figures.bars import LABEL, LINE, MARGIN, TITLE, Told
from chainwatch.figures.drawing import INK, write
from chainwatch.figures.typefaces import printable
from chainwatch.privacy.edition import Edition, coarse
from chainwatch.privacy.mask_rows import Hidden, hidden_rows
from chainwatch.privacy.session import shown_in
from chainwatch.tracing.paths.result import APART, MASKED, Paths
from chainwatch.tracing.paths.tables import BEGINS, CONTROL, HOPS, ROUTES, SOME
from chainwatch.units import counted, share_text

if TYPE_CHECKING:
    from matplotlib.axes import Axes

CARD, BETWEEN, PAD = 222.0, 20.0, 7.0
"""Points: width of a card, between two columns, and from its edge to its text."""

HEAD, ARROW = 62.0, 13.0
"""Points: height of what stands above the cards of a route, and of the arrow between two cards."""

SHOWN = 8
"""Cards of a route; of a longer one the first and the last are drawn, the rest is counted."""

STEPS = {
    BEGINS: "the source pays",
    "flow": "what was paid before is paid on",
    CONTROL: "one owner is claimed: no value flows here",
}


@dataclass(frozen=True)
class Card:
    """A payment, several that are told as one, or how many are left out.

    ``lines`` are written below each other, the first bold; ``broken`` draws a broken edge, for a
    step that rests on a claim or on an open order.
    """

    lines: tuple[str, ...]
    broken: bool = False

    @property
    def tall(self) -> float:
        """Its height in points."""
        return LINE * len(self.lines) + 2 * PAD - 3.0


@dataclass(frozen=True)
class Column:
    """A route: its heading and its cards."""

    heading: tuple[str, ...]
    cards: tuple[Card, ...]

    @property
    def tall(self) -> float:
        """Its height in points."""
        return HEAD + sum(card.tall + ARROW for card in self.cards)


def routes(
    found: Paths, ax: Axes | None = None, *, edition: Edition | None = None, top: int = 3
) -> Axes:
    """Draw the best routes between two parties, and return the Axes.

    The first route stands at the left, its alternatives beside it. A card is a payment: its day and
    amount, whom it pays, what the step rests on, and what else could explain it. A card with a
    broken edge rests on a claim that two addresses are one owner's, or on an order of transfers of
    one time that nobody knows. A peel chain is one card; ``found.route(n)`` has its payments. Who
    is shown and what is rounded is as the edition of the desk has it.

    Parameters
    ----------
    found : Paths
        What ``paths(...)`` returned.
    ax : matplotlib.axes.Axes, optional
        Where to draw; by default a new figure of fitting size.
    edition : Edition, optional
        Who is shown, and what is rounded; without one, that of the desk.
    top : int
        Routes that are drawn, the best first.
    """
    expect(found, Paths, "found", "pass what paths(...) returned")
    if top < 1:
        raise InputError(f"top is {top}", remedy="draw at least one route")
    with bars.drawn_for(edition), shown_in(edition):
        return _routes(found, ax, top)


def _routes(found: Paths, ax: Axes | None, top: int) -> Axes:
    columns = _columns(found)[:top]
    wide = 2 * MARGIN + max(len(columns), 2) * (CARD + BETWEEN) - BETWEEN
    words = [
        row
        for one in (*_words(found, len(columns)), *bars.noted())
        for row in style.wrap(printable(one), wide - 2 * MARGIN, LABEL, lines=6)
    ]
    cards = max((one.tall for one in columns), default=0.0)
    tall = 2 * MARGIN + TITLE + 8.0 + LINE * len(words) + 10.0 + cards
    with style.settings():
        ax = ax or style.new_axes(wide / 72, tall / 72)
        ax.set_xlim(0, wide)
        ax.set_ylim(0, tall)
        ax.set_axis_off()
        title = "Routes from one party to the other"
        style.describe(ax, title, routes_text(found))
        write(ax, MARGIN, tall - MARGIN, title, TITLE, bold=True)
        y = bars.lines(ax, tall - MARGIN - 12.0, words) - 10.0
        for number, column in enumerate(columns):
            _draw(ax, column, MARGIN + number * (CARD + BETWEEN), y)
    return ax


def routes_text(found: Paths) -> str:
    """Return what the figure shows, in words, for those who cannot see it."""
    told = [
        " ".join([*column.heading, *(", ".join(card.lines) + "." for card in column.cards)])
        for column in _columns(found)
    ]
    return " ".join([found.answer(), APART, *told])


def _words(found: Paths, drawn: int) -> list[str]:
    said = [found.answer(), *([found.cuts_told] if found.cuts_told else []), APART]
    more = found.routes.height - drawn
    if more > 0:
        said.append(f"{counted(more, 'more route is', 'more routes are')} in the table.")
    return said


def _columns(found: Paths) -> list[Column]:
    edition, chain = bars.shown_edition(found), found.asset.chain
    hidden = hidden_rows(HOPS.rows(found.hops), [chain] * found.hops.height, edition)
    amounts = bars.told_amounts(found, chain, HOPS.rows(found.hops))
    rows: list[tuple[dict[str, Any], Hidden, str]] = [
        (row, hides, told.text(found.asset))
        for row, hides, told in zip(found.hops.iter_rows(named=True), hidden, amounts, strict=True)
    ]
    headings = _headings(found)
    return [
        Column(
            headings[n],
            tuple(_cards([one for one in rows if one[0]["route"] == n], edition, chain)),
        )
        for n in found.routes["route"].to_list()
    ]


def _headings(found: Paths) -> dict[int, tuple[str, ...]]:
    """Return for each route its three numbers, and its bound, in lines."""
    chain, shown = found.asset.chain, ROUTES.rows(found.routes)
    bounds = bars.told_amounts(found, chain, shown)
    told: dict[int, tuple[str, ...]] = {}
    for row, bound in zip(found.routes.iter_rows(named=True), bounds, strict=True):
        if row["flow"] is None:
            flow = "not known"
        else:
            exact = int(row["flow"])
            flow = Told(coarse(exact) if bound.rounded else exact, bound.rounded).text(found.asset)
        owners = "nothing claimed" if not row["owners"] else (
            "not measured" if row["control"] is None else share_text(row["control"])
        )  # fmt: skip
        names = "not tagged" if row["attribution"] is None else f"level {row['attribution']}"
        order = ", in some order of one time" if row["order"] == SOME else ""
        told[row["route"]] = (
            f"Route {row['route']}: {counted(row['hops'], 'payment', 'payments')}{order}",
            f"flow: {flow} (at most {bound.text(found.asset)})",
            f"control: {owners}; names at its ends: {names}",
        )
    return told


def _cards(
    rows: Sequence[tuple[dict[str, Any], Hidden, str]], edition: Edition, chain: str
) -> Iterator[Card]:
    """Yield the cards of a route: a peel chain is one, and of a long route the middle."""
    made: list[Card] = []
    peel: list[tuple[dict[str, Any], str]] = []
    for place, (row, hides, amount) in enumerate(rows):
        if row["peel"] is not None:
            peel.append((row, amount))
            following = rows[place + 1][0]["peel"] if place + 1 < len(rows) else None
            if following == row["peel"]:
                continue
            made.append(_peel(peel, edition, chain))
            peel = []
        else:
            made.append(_card(row, hides, amount, edition, chain))
    half = SHOWN // 2
    if len(made) <= SHOWN:
        yield from made
        return
    yield from made[:half]
    yield Card((f"{len(made) - SHOWN:,} more payments",), broken=True)
    yield from made[-half:]


def _peel(rows: list[tuple[dict[str, Any], str]], edition: Edition, chain: str) -> Card:
    (first, begin), (last, end) = rows[0], rows[-1]
    return Card((
        f"{first['hop']} to {last['hop']}. peel chain of {len(rows)} payments",
        f"{_when(first, edition, chain)} to {_when(last, edition, chain)}",
        f"{begin} at first, {end} at last",
        "each time a small part is paid and the rest goes on",
    ))  # fmt: skip


def _card(row: dict[str, Any], hides: Hidden, amount: str, edition: Edition, chain: str) -> Card:
    broken = row["step"] == CONTROL or row["order"] == SOME
    if hides.everybody:
        return Card((f"{row['hop']}. {_when(row, edition, chain)}  {amount}", MASKED), broken)
    room = CARD - 2 * PAD
    sure = "" if row["control"] is None else f" (confidence {share_text(row['control'])})"
    lines = [f"{row['hop']}. {_when(row, edition, chain)}  {amount}"]
    for side, word in (("source", "from"), ("target", "to")):
        name = edition.name_of(chain, row[side]) if row[side] else "no address"
        lines.append(style.fit(printable(f"{word} {name}"), room, LABEL))
    lines += style.wrap(printable(f"{STEPS[row['step']]}{sure}"), room, LABEL, lines=2)
    if "one owner" in row["evidence"] and not (hides.party or hides.transaction):
        lines += style.wrap(printable(row["evidence"]), room, LABEL, lines=4)
    if row["order"] == SOME:
        lines.append("only in some order of one time")
    if not (hides.party or hides.transaction):
        lines += style.wrap(printable(f"or: {row['otherwise']}"), room, LABEL, lines=3)
    return Card(tuple(lines), broken)


def _when(row: dict[str, Any], edition: Edition, chain: str) -> str:
    if row["time"] is None:
        return "at an unknown time"
    return edition.time(chain, row["time"], row["source"], row["target"])[:10]


def _draw(ax: Axes, column: Column, left: float, top: float) -> None:
    from matplotlib.patches import Rectangle

    for number, line in enumerate(column.heading):
        text = style.fit(printable(line), CARD, LABEL, bold=not number)
        write(ax, left, top - LINE * (number + 0.5), text, LABEL, bold=not number)
    y = top - HEAD + 14.0
    for number, card in enumerate(column.cards):
        if number:
            ax.annotate(
                "", (left + CARD / 2, y), (left + CARD / 2, y + ARROW),
                arrowprops={"arrowstyle": "-|>", "color": INK, "linewidth": 1.0,
                            "linestyle": "--" if card.broken else "-"},
            )  # fmt: skip
        ax.add_patch(Rectangle(
            (left, y - card.tall), CARD, card.tall, facecolor="white", edgecolor=INK,
            linewidth=1.6 if card.broken else 0.8, linestyle="--" if card.broken else "-", zorder=3,
        ))  # fmt: skip
        for place, line in enumerate(card.lines):
            middle = y - PAD - LINE * (place + 0.5) + 1.5
            fitting = style.fit(line, CARD - 2 * PAD, LABEL, bold=not place)
            write(ax, left + PAD, middle, fitting, LABEL, bold=not place)
        y -= card.tall + ARROW
