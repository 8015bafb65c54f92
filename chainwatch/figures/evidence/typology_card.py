"""``typology_card``: one alert on a card: its shape drawn small, what it means, its lawful twin.

Of a weak typology the lawful business that has the same payments comes first. A card accuses
nobody: what was counted of a typology was counted elsewhere, and stands with its basis or not at
all.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import polars as pl

from chainwatch.errors import expect
from chainwatch.figures import bars, style
from chainwatch.figures.bars import LABEL, MARGIN, WIDE, Told
from chainwatch.figures.drawing import INK, write
from chainwatch.figures.evidence.small_shape import Arrow, Shape, draw_shape
from chainwatch.figures.typefaces import printable
from chainwatch.privacy.edition import POOLED, Edition, band, coarse
from chainwatch.privacy.mask_rows import Hidden, hidden_rows
from chainwatch.typologies.alerts import Alerts
from chainwatch.typologies.rates import TypologyRates, per_thousand
from chainwatch.typologies.tables import ALERTS, EVIDENCE, OPEN
from chainwatch.typologies.typology import WEAK
from chainwatch.units import counted

if TYPE_CHECKING:
    from matplotlib.axes import Axes

HEAD, LEAST, LINE = 34.0, 150.0, 13.0
"""Points: height of the heading, of the shape at least, and of a line of its key."""

SHAPE = 300.0
"""Points: width of the shape; its key stands at the right of it."""

NOBODY = "payer not known"

NOT_COUNTED = (
    "How often such alerts are right on real chains is not known. In simulated towns it was"
    " counted; crime is as frequent there as its twin, so that those figures say nothing of this"
    " alert."
)
"""Said where no rates are given: figures of a simulator do not stand beside a real alert."""

COUNTED = (
    "That is of the typology, there; of this alert it says nothing, and where crime is rarer fewer"
    " alerts are right."
)


class Edge(NamedTuple):
    """Payments of one party to another in one role: how many, how much, from when to when."""

    payer: str
    payee: str
    role: str
    many: str
    told: Told
    when: str

    def words(self, found: Alerts) -> str:
        """Return it in words, without who pays whom."""
        many = "" if self.many == "1" else f", {self.many} payments"
        return f"{self.told.text(found.asset)}{many}, {self.when} ({self.role})"


class Card(NamedTuple):
    """An alert as an edition may say it."""

    title: str
    entity: str
    edges: tuple[Edge, ...]
    more: str
    text: tuple[tuple[str, str], ...]


def typology_card(
    found: Alerts, ax: Axes | None = None, *, alert: int = 1, rates: TypologyRates | None = None,
    edition: Edition | None = None, data: str = "", top: int = 6,
) -> Axes:  # fmt: skip
    """Draw the card of one alert: who pays whom, what that means, and what innocently looks so.

    Parties are circles with letters, the one whose doing the shape is twice ringed; numbered arrows
    are payments, told at their right with amounts and times. What the edition masks is masked, and
    payments of masked parties among themselves are counted and not drawn.

    Parameters
    ----------
    found : Alerts
        What ``alerts(...)`` returned.
    ax : matplotlib.axes.Axes, optional
        Where to draw; by default a new figure of fitting height.
    alert : int
        The number of the alert.
    rates : TypologyRates, optional
        How often the typology was right elsewhere; it is told with its basis, n and interval.
    edition : Edition, optional
        Who is shown; without one, the edition of the desk.
    data : str
        What was read and up to when, for the legend.
    top : int
        Arrows that are drawn, those of most value first; the others are counted.

    Raises
    ------
    InputError
        If there is no alert of that number.
    """
    expect(found, Alerts, "found", "pass what alerts(...) returned")
    expect(rates, (TypologyRates, type(None)), "rates", "pass what typology_rates(...) returned")
    found.of(alert)
    with bars.drawn_for(edition, data), style.settings():
        card = _card(found, alert, rates, top)
        rows = [(head, row) for head, text in card.text for row in _rows(head, text)]
        data_rows = bars.wrapped([])
        shape = _shape(card)
        lines = LINE * (len(shape.names) + len(card.edges) + 2) + 8.0
        height = max(LEAST, lines) if shape.names else lines
        words = LINE * len(rows) + bars.LINE * len(data_rows)
        tall = HEAD + height + words + MARGIN + 10.0
        ax = bars.page(tall, card.title, card_text(found, alert=alert, rates=rates), ax)
        top_y = tall - HEAD
        draw_shape(ax, shape, MARGIN, top_y - height, SHAPE, height)
        _key(ax, card, shape, found, top_y)
        _paragraphs(ax, rows, top_y - height - 4.0)
        bars.lines(ax, top_y - height - 4.0 - LINE * len(rows), data_rows)
    return ax


def card_text(found: Alerts, *, alert: int = 1, rates: TypologyRates | None = None) -> str:
    """Return what the card says, in words, for those who cannot see it."""
    card = _card(found, alert, rates, 6)
    edges = "; ".join(f"{one.payer} pays {one.payee} {one.words(found)}" for one in card.edges)
    text = " ".join(f"{head}: {said}" for head, said in card.text)
    return f"{card.title}. {edges or 'No payment may be drawn'}. {card.more} {text}"


def _card(found: Alerts, alert: int, rates: TypologyRates | None, top: int) -> Card:
    place = found.frame["alert"].to_list().index(alert)
    row = found.frame.row(place, named=True)
    edition, chain = bars.shown_edition(found), found.asset.chain
    every = ALERTS.rows(found.frame)
    hide = hidden_rows(every, [chain] * found.frame.height, edition)[place]
    told = bars.told_amounts(found, chain, every)[place]
    edges, more = _edges(found, alert, edition, top)
    weak = ", of a weak kind" if row["strength"] == WEAK else ""
    return Card(
        f"{row['typology'].replace('_', ' ')}{weak}: a reason to look, and no proof",
        edition.name_of(chain, row["entity"]),
        edges,
        more,
        tuple(_text(row, hide, told, found, rates)),
    )


def _text(
    row: dict[str, Any], hide: Hidden, told: Told, found: Alerts, rates: TypologyRates | None
) -> Iterator[tuple[str, str]]:
    """Yield what the card says: of a weak typology the lawful business first."""
    masked = hide.party or hide.transaction
    why = "told in the working edition alone" if masked else bars.redacted(row["why"])
    count = band(int(row["payments"])) if masked else f"{row['payments']:,}"
    shape = ("Found", f"{why}. {told.text(found.asset)} at stake in {count} payments.")
    twin = ("Lawful twin", row["benign"])
    yield from (twin, shape) if row["strength"] == WEAK else (shape, twin)
    if row["verdict"] == OPEN:
        lacking = "told in the working edition alone" if masked else bars.redacted(row["unknown"])
        yield "Not read", f"it rests on what was not read: {lacking}"
    else:
        yield "Not read", "nothing: all that the shape rests on was read"
    yield "How often right", _counted(row["typology"], rates)


def _counted(typology: str, rates: TypologyRates | None) -> str:
    if rates is None:
        return NOT_COUNTED
    said = []
    for basis in rates.frame.filter(pl.col("typology") == typology)["basis"]:
        of = {"basis": basis, "typology": typology}
        said.append(f"of alerted parties {rates.share('right', **of)};"
                    f" {per_thousand(rates.share('bothered', **of))} ({basis})")  # fmt: skip
    return f"{'; '.join(said)}. {COUNTED}" if said else "it was not measured"


def _edges(found: Alerts, alert: int, edition: Edition, top: int) -> tuple[tuple[Edge, ...], str]:
    """Return the payments of an alert by payer, payee and role, and what is not drawn, in words."""
    chain = found.asset.chain
    rows = EVIDENCE.rows(found.of(alert))
    hidden = hidden_rows(rows, [chain] * rows.frame.height, edition)
    tolds = bars.told_amounts(found, chain, rows)
    groups: dict[tuple[str, str, str], list[tuple[dict[str, Any], Hidden, Told]]] = {}
    between = 0
    for row, hide, told in zip(rows.frame.iter_rows(named=True), hidden, tolds, strict=True):
        if hide.everybody:
            between += 1
            continue
        names = [_named(edition, chain, row[side]) for side in ("payer", "payee")]
        groups.setdefault((names[0], names[1], row["role"]), []).append((row, hide, told))
    edges = [_edge(names, listed) for names, listed in groups.items()]
    edges.sort(key=lambda one: (-one.told.amount, one.when, one.payer, one.payee, one.role))
    drawn, rest = edges[:top], edges[top:]
    return tuple(drawn), _more(found, rest, between, edition)


def _more(found: Alerts, rest: Sequence[Edge], between: int, edition: Edition) -> str:
    said = []
    if rest:
        told = _sum([one.told for one in rest])
        said.append(f"{counted(len(rest), 'smaller arrow', 'smaller arrows')} not drawn,"
                    f" {told.text(found.asset)} in all.")  # fmt: skip
    if between:
        many = f"{between:,}" if edition.names_all() else band(between)
        said.append(f"Payments of masked parties among themselves, not drawn: {many}.")
    return " ".join(said)


def _sum(tolds: Sequence[Told]) -> Told:
    """Return the sum of what is said of amounts; one digit of it where any is rounded."""
    whole, rounded = sum(one.amount for one in tolds), any(one.rounded for one in tolds)
    return Told(coarse(whole) if rounded else whole, rounded)


def _named(edition: Edition, chain: str, party: bytes | None) -> str:
    return NOBODY if party is None else edition.name_of(chain, party)


def _edge(names: tuple[str, str, str], listed: list[tuple[dict[str, Any], Hidden, Told]]) -> Edge:
    rounded = any(hide.party or hide.transaction for _, hide, _ in listed)
    told = _sum([one for *_, one in listed])
    times = sorted(row["time"] for row, *_ in listed if row["time"] is not None)
    written = "%Y-%m" if rounded else "%Y-%m-%d %H:%M"
    ends = list(dict.fromkeys(f"{time:{written}}" for time in (times[:1] + times[-1:])))
    when = " to ".join(ends) or "undated"
    return Edge(*names, band(len(listed)) if rounded else f"{len(listed):,}", told, when)


def _shape(card: Card) -> Shape:
    """Return the parties in the order of their letters, and the arrows between them."""
    names = list(dict.fromkeys(name for one in card.edges for name in (one.payer, one.payee)))
    place = {name: number for number, name in enumerate(names)}
    arrows = [
        Arrow(place[one.payer], place[one.payee], max(one.told.amount, 1)) for one in card.edges
    ]
    ringed = frozenset({place[card.entity]}) if card.entity in place else frozenset[int]()
    return Shape(tuple(names), tuple(arrows), ringed)


def _key(ax: Axes, card: Card, shape: Shape, found: Alerts, top: float) -> None:
    """Write whom the letters stand for, and what each arrow is."""
    left = MARGIN + SHAPE + 16.0
    room = WIDE - MARGIN - left
    letters = shape.letters()
    lines = [
        (letter, f"{name}{' (whose doing it is)' if number in shape.ringed else _others(name)}")
        for number, (letter, name) in enumerate(zip(letters, shape.names, strict=True))
    ]
    lines += [
        (str(number), f"{letters[arrow.source]} to {letters[arrow.target]}: {edge.words(found)}")
        for number, (arrow, edge) in enumerate(zip(shape.arrows, card.edges, strict=True), 1)
    ]
    if not lines:
        lines = [("", "None of its payments may be drawn in this edition: all are of masked"
                      " parties.")]  # fmt: skip
    for number, (mark, said) in enumerate(lines):
        y = top - LINE * (number + 0.5)
        write(ax, left, y, mark, LABEL, bold=True)
        write(ax, left + 18.0, y, style.fit(printable(said), room - 18.0, LABEL), LABEL)
    if card.more:
        y = top - LINE * (len(lines) + 0.5)
        write(ax, left, y, style.fit(printable(card.more), room, LABEL), LABEL, colour=INK)


def _others(name: str) -> str:
    return " (one or more others)" if name == POOLED else ""


MARK = 84.0
"""Points from the margin to the words of the card: room for what each is."""


def _rows(head: str, text: str) -> list[tuple[bool, str]]:
    """Return a paragraph in lines, and of each whether it is the first."""
    wrapped = style.wrap(printable(text), WIDE - 2 * MARGIN - MARK, LABEL, lines=4)
    return [(not number, row) for number, row in enumerate(wrapped)]


def _paragraphs(ax: Axes, rows: Sequence[tuple[str, tuple[bool, str]]], top: float) -> None:
    for number, (head, (first, row)) in enumerate(rows):
        y = top - LINE * (number + 0.5)
        if first:
            write(ax, MARGIN, y, head, LABEL, bold=True)
        write(ax, MARGIN + MARK, y, row, LABEL)
