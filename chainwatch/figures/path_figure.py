"""``path``: why two addresses are one owner, drawn: each link and its evidence, weakest marked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from chainwatch.addresses.canonical import text
from chainwatch.clusters.explain import Explanation
from chainwatch.errors import expect
from chainwatch.figures import style
from chainwatch.figures.drawing import INK, write
from chainwatch.figures.typefaces import printable
from chainwatch.privacy.edition import Edition
from chainwatch.privacy.session import shown_in
from chainwatch.units import counted

if TYPE_CHECKING:
    from matplotlib.axes import Axes

WIDE, MARGIN, STEP, HEAD, LABEL = 640.0, 18.0, 40.0, 58.0, 8.0
"""Points: width of the figure, its margins, height of a link, of the heading, size of the text."""

RAIL, LINE = 26.0, 10.0
"""Points from the margin to the line that the links stand on, and between two lines of evidence."""

SHOWN = 24
"""Links drawn; of a longer path the first, the last and the weakest are, the rest is counted."""

WEAKEST, WEAKEST_MEASURED = "weakest link", "weakest of those measured"


class Link(NamedTuple):
    """A link to draw: the names of its ends, what it rests on; or how many links are left out."""

    start: str
    end: str
    evidence: str
    weakest: bool
    left_out: int = 0


def path(
    explanation: Explanation, ax: Axes | None = None, *, edition: Edition | None = None
) -> Axes:
    """Draw why two addresses are one owner, and return the Axes.

    The path runs from top to bottom: addresses are circles, links the lines between them, each
    with its rule, transaction and confidence. The weakest link is broken, thick and says so, which
    a greyscale print shows as well. Below stand its confidence and the bound, and that neither is
    the confidence of the pair. Addresses are shown as the edition allows.

    Parameters
    ----------
    explanation : Explanation
        What ``clusters.why(a, b)`` returned.
    ax : matplotlib.axes.Axes, optional
        Where to draw; by default a new figure of fitting height.
    edition : Edition, optional
        Who is shown; without one, that of the desk, which shows the two that were asked for.
    """
    expect(explanation, Explanation, "explanation", "pass what clusters.why(a, b) returned")
    with shown_in(edition):
        return _path(explanation, ax, _ends(explanation, edition))


def _ends(explanation: Explanation, edition: Edition | None) -> dict[str, str]:
    """Return what the two addresses that were asked for are called in an edition that is told.

    Whoever asked knows them, so that the desk prints them; a figure made for others masks them too.
    """
    if edition is None:
        return {}
    both = ((explanation.chain, explanation.a),
            (explanation.chain_b or explanation.chain, explanation.b))  # fmt: skip
    return {text(one, chain): edition.name_of(chain, one) for chain, one in both}


def _path(explanation: Explanation, ax: Axes | None, ends: dict[str, str]) -> Axes:
    links = [
        link._replace(start=ends.get(link.start, link.start), end=ends.get(link.end, link.end))
        for link in _links(explanation)
    ]
    words, spoken = _words(explanation), alt_text(explanation)
    for name, shown in ends.items():
        words = [line.replace(name, shown) for line in words]
        spoken = spoken.replace(name, shown)
    rows = [row for line in words for row in style.wrap(line, WIDE - 2 * MARGIN, LABEL, lines=4)]
    tall = HEAD + STEP * len(links) + 14.0 * len(rows) + 2 * MARGIN
    with style.settings():
        ax = ax or style.new_axes(WIDE / 72, tall / 72)
        ax.set_xlim(0, WIDE)
        ax.set_ylim(0, tall)
        ax.set_axis_off()
        style.describe(ax, _title(explanation), spoken)
        write(ax, MARGIN, tall - MARGIN, _title(explanation), 10.0, bold=True)
        bottom = _draw(ax, links, tall - HEAD)
        for number, row in enumerate(rows):
            write(ax, MARGIN, bottom - 14.0 * (number + 1), row, LABEL)
    return ax


def alt_text(explanation: Explanation) -> str:
    """Return what the figure shows, in words, for those who cannot see it."""
    return " ".join([_title(explanation) + ".", *explanation.told_steps(), *_words(explanation)])


def _title(explanation: Explanation) -> str:
    if not explanation.joined:
        return "Nothing joins the two addresses"
    if not explanation.length:
        return "One address"
    return f"Consistent with one owner, by {counted(explanation.length, 'link', 'links')}"


def _words(explanation: Explanation) -> Sequence[str]:
    if explanation.length:
        return explanation.reading()
    return (repr(explanation),)


def _links(explanation: Explanation) -> list[Link]:
    names, weakest = explanation.passed(), explanation.weakest
    rows = list(explanation.frame.iter_rows(named=True))
    first, last = SHOWN // 2, len(rows) - SHOWN // 2
    drawn = [
        number
        for number in range(len(rows))
        if len(rows) <= SHOWN or number < first or number >= last or number + 1 == weakest
    ]
    lacking = explanation.frame["confidence"].null_count()
    called = WEAKEST_MEASURED if lacking else WEAKEST
    found: list[Link] = []
    for place, number in enumerate(drawn):
        gap = number - (drawn[place - 1] + 1 if place else 0)
        if gap:
            found.append(Link(names[number - gap], names[number], "", False, gap))
        weak = number + 1 == weakest
        evidence = f"{number + 1}. {explanation.evidence_of(rows[number])}"
        told = f"{called}: {evidence}" if weak else evidence
        found.append(Link(names[number], names[number + 1], told, weak))
    return found


def _draw(ax: Axes, links: Sequence[Link], top: float) -> float:
    """Draw the links one below the other; return where they end."""
    x, room = MARGIN + RAIL, WIDE - 2 * MARGIN - RAIL - 14.0
    for number, link in enumerate(links):
        y = top - STEP * number
        dashed = link.weakest or link.left_out
        ax.plot(
            [x, x], [y, y - STEP], color=INK, linewidth=3.0 if link.weakest else 1.2, zorder=2,
            linestyle=(0, (1, 2)) if link.left_out else (0, (3, 1.5)) if dashed else "-",
        )  # fmt: skip
        _party(ax, x, y, link.start, room)
        told = f"{link.left_out:,} more links" if link.left_out else link.evidence
        rows = style.wrap(printable(told), room, LABEL, lines=2, bold=link.weakest)
        for place, row in enumerate(rows):
            middle = y - STEP / 2 + LINE * ((len(rows) - 1) / 2 - place)
            write(ax, x + 14.0, middle, row, LABEL, bold=link.weakest)
    if links:
        _party(ax, x, top - STEP * len(links), links[-1].end, room)
    return top - STEP * len(links) - (10.0 if links else -20.0)


def _party(ax: Axes, x: float, y: float, name: str, room: float) -> None:
    ax.plot([x], [y], marker="o", markersize=7, color="white", markeredgecolor=INK, zorder=3)
    write(ax, x + 14.0, y, style.fit(printable(name), room, LABEL), LABEL)
