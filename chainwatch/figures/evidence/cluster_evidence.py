"""``cluster_evidence``: the path of links between two addresses, and what hangs on each of them.

At the left stands why: each link with its rule, transaction and confidence. At the right of a link
stands what the cluster would lose without that transaction, counted over all links; then come the
pieces of evidence on which most hangs, wherever they are.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import polars as pl

from chainwatch.clusters.explain import Explanation
from chainwatch.clusters.fragility import Fragility
from chainwatch.errors import InputError, expect
from chainwatch.figures import bars, style
from chainwatch.figures.bars import LABEL, MARGIN, WIDE
from chainwatch.figures.drawing import INK, write
from chainwatch.figures.typefaces import printable
from chainwatch.ledger.schema import REVEALED
from chainwatch.privacy.edition import WITHHELD, Edition, coarse
from chainwatch.units import counted, share_text

if TYPE_CHECKING:
    from matplotlib.axes import Axes

HEAD, STEP, ROW, SECTION = 34.0, 36.0, 17.0, 24.0
"""Points: height of the heading, of a link of the path, of a piece of evidence, and of the heading
of these."""

RAIL, EVIDENCE, BAR = 22.0, 430.0, 110.0
"""Points: from the margin to the line on which links stand, width of the words beside it, and of
the bar of all addresses of the cluster."""

SPOKEN = 40
"""Links that the description for screen readers tells."""

SPLIT = "xxxx"
"""Hatch of what would split off."""


class Link(NamedTuple):
    """A link to draw: its ends, what it rests on, what hangs on it; or how many are left out."""

    start: str
    end: str
    words: tuple[str, ...]
    weakest: bool
    hangs: Hangs | None
    left_out: int = 0


class Hangs(NamedTuple):
    """What would split off without a piece of evidence: how many of how many addresses."""

    split: int
    every: int
    rounded: bool

    def words(self) -> str:
        """Return it in words."""
        if not self.split:
            return "holds together without it"
        many = f"{'≈ ' if self.rounded else ''}{self.split:,}"
        return f"without it {many} of {counted(self.every, 'address', 'addresses')} split off"


def cluster_evidence(
    explanation: Explanation, ax: Axes | None = None, *, fragility: Fragility | None = None,
    edition: Edition | None = None, data: str = "", top: int = 4,
) -> Axes:  # fmt: skip
    """Draw why two addresses are taken for one owner's, and what hangs on each link.

    Addresses are circles, links the lines between them; of those that were measured the weakest is
    broken and thick. The bar beside a link is all of the cluster, and crosshatched in it what would
    split off if its transaction were rejected. One path is shown: others may join the two as well.

    Parameters
    ----------
    explanation : Explanation
        What ``clusters.why(a, b)`` returned.
    ax : matplotlib.axes.Axes, optional
        Where to draw; by default a new figure of fitting height.
    fragility : Fragility, optional
        What ``clusters.fragility(a)`` returned: without it nothing is said of what hangs on what.
    edition : Edition, optional
        Who is shown; without one, the edition of the desk.
    data : str
        What was read and up to when, for the legend.
    top : int
        Links of the path that are drawn, the first, the last and the weakest; and pieces of
        evidence on which most hangs. The others are counted.

    Raises
    ------
    InputError
        If ``top`` is less than 2.
    """
    expect(explanation, Explanation, "explanation", "pass what clusters.why(a, b) returned")
    expect(fragility, (Fragility, type(None)), "fragility", "pass what clusters.fragility(a) gave")
    if top < 2:
        raise InputError(f"top is {top}", remedy="draw two links at least")
    with bars.drawn_for(edition, data), style.settings():
        links = _links(explanation, fragility, top)
        pieces = _pieces(explanation, fragility, top)
        words = bars.wrapped(_words(explanation, fragility, len(pieces)))
        below = SECTION + ROW * len(pieces) if pieces else 0.0
        rail = STEP * len(links) + (16.0 if links else 0.0)
        tall = HEAD + rail + below + bars.LINE * len(words) + MARGIN + 10.0
        ax = bars.page(
            tall, _title(explanation), evidence_text(explanation, fragility=fragility), ax
        )
        y = _draw(ax, links, tall - HEAD)
        y = _draw_pieces(ax, pieces, y) if pieces else y
        bars.lines(ax, y - 6.0, words)
    return ax


def evidence_text(explanation: Explanation, *, fragility: Fragility | None = None) -> str:
    """Return what the figure shows, in words, for those who cannot see it."""
    links = _links(explanation, fragility, explanation.length + 2)
    told = [
        "; ".join([f"{one.start} and {one.end}: {' '.join(one.words)}",
                   *([one.hangs.words()] if one.hangs else [])]) + "."
        for one in links[:SPOKEN]
    ]  # fmt: skip
    pieces = [f"{words}: {hangs.words()}." for words, hangs in _pieces(explanation, fragility, 6)]
    return " ".join([f"{_title(explanation)}.", *told, *pieces,
                     *_words(explanation, fragility, len(pieces))])  # fmt: skip


def _title(explanation: Explanation) -> str:
    if not explanation.joined:
        return "Nothing joins the two addresses"
    if not explanation.length:
        return "One address: there is no link to draw"
    return f"Consistent with one owner, by {counted(explanation.length, 'link', 'links')}"


def _words(
    explanation: Explanation, fragility: Fragility | None, drawn: int
) -> list[str]:  # fmt: skip
    if not explanation.joined:
        refused = explanation.contested.height + explanation.refused.height
        touching = counted(refused, "link", "links")
        return [
            "No link that joins leads from one to the other. Refused or undecided at them:"
            f" {touching}."
        ]
    if not explanation.length:
        return ["The two are the same address."]
    said = [*explanation.reading()]
    if fragility is not None:
        said.append(_resting(fragility, drawn))
    basis = "" if explanation.weakest is None else (
        "Each confidence was measured of its rule, not of this link; the report says on what. "
    )  # fmt: skip
    said.append(f"{basis}Links that were refused join nobody and are not drawn.")
    return said


def _resting(fragility: Fragility, drawn: int) -> str:
    tied = (
        f"{counted(fragility.addresses, 'address', 'addresses')} are tied by"
        f" {counted(fragility.evidence, 'piece', 'pieces')} of evidence."
    )
    more = fragility.frame.height - drawn
    if not fragility.frame.height:
        return f"{tied} They hold together without any one of them."
    rest = (
        f" {more:,} more that would split it are not drawn; clusters.fragility(...) lists them."
        if more
        else ""
    )
    return f"{tied} Crosshatched: what would split off without one.{rest}"


def _evidence(row: Mapping[str, Any], edition: Edition) -> tuple[str, str]:
    """Return in two lines what a link rests on, as the edition may say it."""
    chain = row["chain"]
    ends = (row["a"], row.get("b"))
    said = "on no transaction"
    if row["txid"] is not None:
        when = "undated"
        if row["time"] is not None:
            hide = edition.hides(chain, row["txid"], *ends)
            when = f"{row['time']:%Y-%m}" if hide else f"{row['time']:%Y-%m-%d %H:%M} UTC"
        said = f"{_transaction(edition, chain, row['txid'], *ends)} ({when})"
    rate = row["confidence"]
    sure = "confidence not measured" if rate is None else f"confidence {share_text(rate)}"
    shown = "; an address of it is only revealed" if row["basis"] == REVEALED else ""
    return f"{row['rule']}, {sure}{shown}", said


def _transaction(edition: Edition, chain: str, txid: bytes, *ends: bytes | None) -> str:
    told = edition.txid(chain, txid, *ends)
    return "in a transaction that is withheld" if told == WITHHELD else f"in {told}"


def _links(explanation: Explanation, fragility: Fragility | None, top: int) -> list[Link]:
    edition = bars.shown_edition(explanation)
    rows = list(explanation.frame.iter_rows(named=True))
    hangs = _hanging(fragility, edition)
    first, last = (top + 1) // 2, len(rows) - top // 2
    drawn = [
        n for n in range(len(rows))
        if len(rows) <= top or n < first or n >= last or n + 1 == explanation.weakest
    ]  # fmt: skip
    lacking = explanation.frame["confidence"].null_count()
    weakest = " (weakest of those measured)" if lacking else " (weakest link)"
    found: list[Link] = []
    for place, n in enumerate(drawn):
        gap = n - (drawn[place - 1] + 1 if place else 0)
        row = rows[n]
        names = _ends(row, edition)
        if gap:
            before = _ends(rows[n - gap], edition)[0]
            found.append(Link(before, names[0], (f"{gap:,} more links",), False, None, gap))
        rule, where = _evidence(row, edition)
        weak = n + 1 == explanation.weakest
        words = (f"{n + 1}. {rule}{weakest if weak else ''}", where)
        every = fragility.addresses if fragility else 0
        whole = Hangs(0, every, False) if fragility else None
        found.append(Link(*names, words, weak,
                          hangs.get((row["chain"], row["tx"]), whole)))  # fmt: skip
    return found


def _ends(row: Mapping[str, Any], edition: Edition) -> tuple[str, str]:
    there = row.get("chain_b") or row["chain"]
    return edition.name_of(row["chain"], row["a"]), edition.name_of(there, row["b"])


def _hanging(fragility: Fragility | None, edition: Edition) -> dict[tuple[str, int | None], Hangs]:
    """Return what hangs on each transaction, as the edition may say it."""
    if fragility is None:
        return {}
    rows = fragility.frame.filter(pl.col("tx").is_not_null())
    return {
        (row["chain"], row["tx"]): _hangs(row, fragility, edition)
        for row in rows.iter_rows(named=True)
    }


def _hangs(row: Mapping[str, Any], fragility: Fragility, edition: Edition) -> Hangs:
    hide = edition.hides(row["chain"], row["txid"], row["a"])
    split = int(row["split_off"])
    return Hangs(coarse(split) if hide else split, fragility.addresses, hide)


def _pieces(
    explanation: Explanation, fragility: Fragility | None, top: int
) -> list[tuple[str, Hangs]]:
    """Return the pieces of evidence on which most hangs, in words, with what hangs on each."""
    if fragility is None or not explanation.length:
        return []
    edition = bars.shown_edition(explanation)
    found = []
    for row in fragility.frame[:top].iter_rows(named=True):
        where = "on no transaction" if row["txid"] is None else (
            _transaction(edition, row["chain"], row["txid"], row["a"])
        )  # fmt: skip
        found.append((f"{row['rules']} {where}", _hangs(row, fragility, edition)))
    return found


def _draw(ax: Axes, links: Sequence[Link], top: float) -> float:
    """Draw the path from top to bottom; return where it ends."""
    x = MARGIN + RAIL
    for number, link in enumerate(links):
        y = top - STEP * number
        ax.plot(
            [x, x], [y, y - STEP], color=INK, linewidth=3.0 if link.weakest else 1.2, zorder=2,
            linestyle=(0, (1, 2)) if link.left_out else (0, (3, 1.5)) if link.weakest else "-",
        )  # fmt: skip
        _party(ax, x, y, link.start)
        for place, row in enumerate(link.words):
            at = y - STEP / 2 + 10.0 * ((len(link.words) - 1) / 2 - place)
            bold = link.weakest and not place
            fitting = style.fit(printable(row), EVIDENCE, LABEL, bold=bold)
            write(ax, x + 14.0, at, fitting, LABEL, bold=bold)
        if link.hangs is not None:
            _bar(ax, link.hangs, y - STEP / 2)
    if links:
        _party(ax, x, top - STEP * len(links), links[-1].end)
        return top - STEP * len(links) - 16.0
    return top


def _party(ax: Axes, x: float, y: float, name: str) -> None:
    ax.plot([x], [y], marker="o", markersize=7, color="white", markeredgecolor=INK, zorder=3)
    write(ax, x + 14.0, y, style.fit(printable(name), EVIDENCE, LABEL), LABEL)


def _bar(ax: Axes, hangs: Hangs, y: float) -> None:
    """Draw all of the cluster, what would split off crosshatched, and say how much that is."""
    left = MARGIN + RAIL + EVIDENCE + 30.0
    room = WIDE - MARGIN - left
    bars.bar(ax, left, left + BAR, y + 5.0)
    if hangs.split:
        long = max(BAR * min(hangs.split / max(hangs.every, 1), 1.0), 2.0)
        bars.bar(ax, left, left + long, y + 5.0, SPLIT, colour="#FFFFFF")
    write(ax, left, y - 6.0, style.fit(printable(hangs.words()), room, LABEL), LABEL)


def _draw_pieces(ax: Axes, pieces: Sequence[tuple[str, Hangs]], top: float) -> float:
    """Draw the pieces of evidence on which most hangs; return where they end."""
    title = "On which evidence most of the cluster hangs"
    write(ax, MARGIN, top - SECTION / 2, title, LABEL + 1, bold=True)
    for number, (words, hangs) in enumerate(pieces):
        y = top - SECTION - ROW * (number + 0.5)
        write(ax, MARGIN, y, style.fit(printable(words), 330.0, LABEL), LABEL)
        left = MARGIN + 340.0
        bars.bar(ax, left, left + BAR, y)
        if hangs.split:
            long = max(BAR * min(hangs.split / max(hangs.every, 1), 1.0), 2.0)
            bars.bar(ax, left, left + long, y, SPLIT, colour="#FFFFFF")
        room = WIDE - MARGIN - left - BAR - 8.0
        write(ax, left + BAR + 8.0, y, style.fit(printable(hangs.words()), room, LABEL), LABEL)
    return top - SECTION - ROW * len(pieces)
