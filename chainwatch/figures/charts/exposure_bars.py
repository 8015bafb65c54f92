"""``exposure_bars``: what of the value that came in reached whom, and what was not read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import polars as pl

from chainwatch.errors import InputError, expect
from chainwatch.figures import bars, style
from chainwatch.figures.bars import LABEL, MARGIN, WIDE, Told
from chainwatch.figures.drawing import INK, write
from chainwatch.figures.selection import whole_percent
from chainwatch.figures.typefaces import printable
from chainwatch.privacy.edition import Edition, coarse
from chainwatch.privacy.listed import listed, of_lists, short
from chainwatch.results.provenance import Record
from chainwatch.tracing.ends.categories import CATEGORIES, UNTAGGED
from chainwatch.tracing.exposure import EXPOSURE, Exposure
from chainwatch.tracing.ranges.range_result import NO_INTERVAL
from chainwatch.tracing.stops import NOT_READ, UNREAD
from chainwatch.units import counted, total

if TYPE_CHECKING:
    from matplotlib.axes import Axes

HEAD, ROW, SECTION, NAMES, NUMBERS = 28.0, 17.0, 22.0, 170.0, 236.0
"""Points: height of the heading, of a bar, of the heading of a part; least room for names at the
left, and for amounts at the right."""

BELOW = 10.0
"""Points from a line of a name to the next."""

HATCHES = {"unread": "xxxx", "stayed": "////"}
"""What was not read, and what of an amount stayed: told apart without colour, and said below."""

FEES = ("fee", "gas")

Key = tuple[str, str, str]
"""Category, entity and reason of an end; nothing where there is none."""


class Bar(NamedTuple):
    """A bar: its name, amount, the lowest and highest under other policies, and hops in words."""

    name: str
    told: Told
    low: Told
    high: Told
    hops: str
    unread: bool = False
    stayed: Told | None = None


def exposure_bars(
    found: Exposure, ax: Axes | None = None, *, across: Mapping[str, Exposure] | None = None,
    edition: Edition | None = None, data: str = "", top: int = 6,
) -> Axes:  # fmt: skip
    """Draw what of the value that came in ended with whom, and the tagged whom it reached.

    In the first part every base unit stands once, by what stands where it ends; what was not read
    has bars of its own, crosshatched and last. In the second part stands what arrived at tagged
    parties on the way, and hatched what of it stayed: these amounts may lie in each other. With
    ``across`` a line at a bar runs from the lowest to the highest among the policies. What an
    edition rounds is drawn as it is said, and so is its share.

    Parameters
    ----------
    found : Exposure
        What ``exposure(...)`` returned.
    ax : matplotlib.axes.Axes, optional
        Where to draw; by default a new figure of fitting height.
    across : mapping of str to Exposure, optional
        Exposures of the same value under policies that conserve it, by the names of these.
    edition : Edition, optional
        Who is shown; without one, the edition of the desk.
    data : str
        What was read and up to when, for the legend.
    top : int
        Bars of each part, the largest first; the others are added up and counted.

    Raises
    ------
    InputError
        If ``top`` is none.
    """
    expect(found, Exposure, "found", "pass what exposure(...) returned")
    if top < 1:
        raise InputError(f"top is {top}", remedy="draw at least one bar")
    with bars.drawn_for(edition, data), style.settings():
        whole = _parts(found, across or {})
        ended, reached = (_fold(listed, top) for listed in whole)
        words = bars.wrapped(_words(found, across or {}, [*ended, *reached]))
        parts = [(_ENDED[found.direction], ended), (_REACHED[found.direction], reached)]
        drawn = [(title, listed) for title, listed in parts if listed]
        names = bars.names_room([one.name for one in (*ended, *reached)], NAMES)
        rows = sum(SECTION + sum(_high(one, names) for one in listed) for _, listed in drawn)
        tall = HEAD + rows + bars.LINE * len(words) + MARGIN + 10.0
        ax = bars.page(tall, _TITLE, _in_words(found, across or {}, *whole), ax)
        y = tall - HEAD
        for title, listed in drawn:
            y = _draw(ax, title, listed, y, found, names)
        bars.lines(ax, y - 6.0, words)
    return ax


_TITLE = "Exposure: what of the value reached whom"
_ENDED = {
    "forward": "Where it ended: each base unit once",
    "backward": "Where it came from: each base unit once",
}
_REACHED = {
    "forward": "Tagged parties that it reached on the way (amounts may lie in each other)",
    "backward": "Tagged parties that it came through (amounts may lie in each other)",
}


def exposure_text(found: Exposure, across: Mapping[str, Exposure] | None = None) -> str:
    """Return what the figure shows, in words, for those who cannot see it."""
    return _in_words(found, across or {}, *_parts(found, across or {}))


def _in_words(
    found: Exposure, across: Mapping[str, Exposure], ended: list[Bar], reached: list[Bar]
) -> str:
    told = [
        f"{title}: " + "; ".join(f"{one.name} {_said(one, found)}" for one in listed) + "."
        for title, listed in (
            (_ENDED[found.direction], ended), (_REACHED[found.direction], reached),
        )
        if listed
    ]  # fmt: skip
    return " ".join([*told, *_words(found, across, [*ended, *reached])])


def _parts(found: Exposure, across: Mapping[str, Exposure]) -> tuple[list[Bar], list[Bar]]:
    """Return every bar of both parts, those of most value first."""
    return _ended(found, across), _reached(found, across)


def _ended(found: Exposure, across: Mapping[str, Exposure]) -> list[Bar]:
    """Return the bars of where value ends; each once, what was not read last."""
    mine = _sums(found)
    others = [_sums(one) for one in across.values()]
    hops = _hops(found)
    made = []
    for key in sorted({*mine, *(key for one in others for key in one)}):
        told, low, high = _between([one.get(key, NONE) for one in (mine, *others)])
        name, unread = _called(found, key)
        made.append(Bar(name, told, low, high, hops.get(key, ""), unread))
    return sorted(made, key=lambda one: (one.unread, -one.told.amount, -one.high.amount, one.name))


NONE = Told(0, False)


def _between(tolds: Sequence[Told]) -> tuple[Told, Told, Told]:
    """Return the first, the lowest and the highest; rounded alike, if any is: an exact one beside
    a rounded one would give it away."""
    if any(one.rounded for one in tolds):
        tolds = [Told(coarse(one.amount), True) for one in tolds]
    amounts = [one.amount for one in tolds]
    flag = tolds[0].rounded
    return tolds[0], Told(min(amounts), flag), Told(max(amounts), flag)


def _sums(found: Exposure) -> dict[Key, Told]:
    """Return the amount of each kind of end: sums of what is said of each row, and no more."""
    rows = CATEGORIES.rows(found.categories)
    sums: dict[Key, list[Told]] = {}
    for row, told in zip(
        found.categories.iter_rows(named=True),
        bars.told_amounts(found, found.asset.chain, rows),
        strict=True,
    ):
        sums.setdefault(_key(row), []).append(told)
    return {key: bars.added(listed) for key, listed in sums.items()}


def _key(row: Mapping[str, Any]) -> Key:
    return row["category"] or "", row["entity"] or "", row["reason"] or ""


def _hops(found: Exposure) -> dict[Key, str]:
    """Return of each kind of end how many payments away it is, at least and at most."""
    spans: dict[Key, tuple[int, int]] = {}
    for row in found.categories.iter_rows(named=True):
        low, high = int(row["hops"]), int(row["longest"])
        before = spans.get(key := _key(row), (low, high))
        spans[key] = (min(low, before[0]), max(high, before[1]))
    return {
        key: counted(low, "hop", "hops") if low == high else f"{low:,} to {high:,} hops"
        for key, (low, high) in spans.items()
    }


def _called(found: Exposure, key: Key) -> tuple[str, bool]:
    """Return what a kind of end is called, and whether it is what was not read."""
    category, entity, reason = key
    if category in UNREAD:
        return ("Not read" if category == NOT_READ else f"Not read: {category}"), True
    plain = category == UNTAGGED or (entity and of_lists(category))  # the name says the list
    kind = reason if plain else f"{category}, {reason}"
    if entity:
        return f"{_named(found, entity, category, key)} ({kind})", False
    beside = category == UNTAGGED and reason not in FEES
    return (f"{kind} (nobody tagged)" if beside else kind), False


def _named(found: Exposure, actor: str, concept: str, key: Key | None = None) -> str:
    """Return what an actor is called; where a list names him, that his addresses stand on it."""
    name = bars.actor_named(found, actor, concept)
    if not of_lists(concept) or name.startswith("somebody"):
        return name
    chain, edition = found.asset.chain, bars.shown_edition(found)
    if key is None:
        where = {address for one, address in found.reached if one == actor}
    else:
        rows = found.categories.iter_rows(named=True)
        theirs = ",".join(row["behind"] for row in rows if _key(row) == key)
        where = {bytes.fromhex(one) for one in theirs.split(",")}
    if len(where) == 1 and not edition.masks(chain, address := next(iter(where))):
        return listed(short(edition.name_of(chain, address)), name)
    return listed("addresses", name)


def _reached(found: Exposure, across: Mapping[str, Exposure]) -> list[Bar]:
    """Return the bars of the tagged parties that value reached, all subjects together."""
    mine = _arrived(found)
    others = [_arrived(one) for one in across.values()]
    hops: dict[str, int] = {}
    for actor, hop in found.frame.select("actor", "hops").iter_rows():
        hops[actor] = min(hop, hops.get(actor, hop))
    made = []
    concepts = _concepts((found, *across.values()))
    for actor in sorted({*mine, *(name for one in others for name in one)}):
        each = [one.get(actor, (NONE, NONE)) for one in (mine, *others)]
        told, low, high = _between([arrived for arrived, _ in each])
        stayed = _between([told, each[0][1]])[1] if told.rounded else each[0][1]
        concept = concepts.get(actor, "")
        name = _named(found, actor, concept)
        bare = name.startswith("somebody") or of_lists(concept)
        called = f"{name} ({concept})" if concept and not bare else name
        said = f"{counted(hops[actor], 'hop', 'hops')} or more" if actor in hops else ""
        made.append(Bar(called, told, low, high, said, stayed=stayed))
    return sorted(made, key=lambda one: (-one.told.amount, -one.high.amount, one.name))


def _concepts(each: Sequence[Exposure]) -> dict[str, str]:
    rows = (row for one in each for row in one.frame.select("actor", "concept").iter_rows())
    return {actor: concept for actor, concept in rows if concept}


def _arrived(found: Exposure) -> dict[str, tuple[Told, Told]]:
    """Return what arrived at each actor, and what of it stayed.

    An amount that is rounded where it ends is rounded here: said twice in two ways it is exact.
    What an actor got is said exactly where the same amount is said to have ended with him.
    """
    hidden, whole = _rounded(found), _exact(found)
    rows, chain = EXPOSURE.rows(found.frame), found.asset.chain
    sums: dict[str, list[tuple[Told, Told]]] = {}
    for actor, arrived, stayed in zip(
        found.frame["actor"],
        bars.told_amounts(found, chain, rows, column="arrived"),
        bars.told_amounts(found, chain, rows, column="stayed"),
        strict=True,
    ):
        said = (
            Told(coarse(one.amount), True) if one.amount in hidden else one
            for one in (arrived, stayed)
        )
        sums.setdefault(actor, []).append((next(said), next(said)))
    said_of = {
        actor: (bars.added([one for one, _ in each]), bars.added([one for _, one in each]))
        for actor, each in sums.items()
    }
    for actor in said_of:
        mine = found.frame.filter(pl.col("actor") == actor)
        amount = total(mine["arrived"])
        if amount == total(mine["stayed"]) and (actor, amount) in whole:
            said_of[actor] = (Told(amount, False), Told(amount, False))
    return said_of


def _exact(found: Exposure) -> set[tuple[str, int]]:
    """Return what ended with actors in one way, where it is said to the last unit."""
    return {
        (entity, told.amount)
        for (_, entity, _), told in _sums(found).items()
        if entity and not told.rounded
    }


def _rounded(found: Exposure) -> frozenset[int]:
    """Return the exact amounts of ends that are rounded."""
    told = bars.told_amounts(found, found.asset.chain, CATEGORIES.rows(found.categories))
    amounts = found.categories["amount"].to_list()
    pairs = zip(amounts, told, strict=True)
    return frozenset(int(amount) for amount, one in pairs if one.rounded)


def _fold(listed: list[Bar], top: int) -> list[Bar]:
    """Return bars, the smallest beyond ``top`` as one; what was not read is never folded away."""
    unread = [one for one in listed if one.unread]
    read = [one for one in listed if not one.unread]
    if len(read) <= top:
        return listed
    rest = read[top - 1 :]
    told = bars.added([one.told for one in rest])
    more = Bar(counted(len(rest), "smaller bar", "smaller bars"), told, told, told, "")
    return [*read[: top - 1], more, *unread]


def _words(found: Exposure, across: Mapping[str, Exposure], drawn: Sequence[Bar]) -> list[str]:
    whole = found.asset.shown(total(found.categories["amount"]))
    back = found.direction == "backward"
    if not drawn:
        return [
            "Nothing was read to come in, so that nobody was reached: there is nothing to draw."
        ]
    said = [
        f"Shares are of {whole}, all that was followed {'backward ' if back else ''}by"
        f" {policy_of(found.record)}. Crosshatched: not read, so that nobody knows where it went."
        " Hatched: what of an amount stayed there. Hops are payments from a subject.",
    ]  # fmt: skip
    if across:
        said.append(
            f"A line with two ends runs from the lowest to the highest under"
            f" {', '.join(sorted(across))}; without a line all say the same. {NO_INTERVAL}"
        )
    if found.order_open:
        said.append(found.order_open)
    if not any(one.stayed is not None for one in drawn):
        said.append(
            "Tags were given of nobody on this chain: whom it reached was not asked."
            if not found.tagged
            else f"No tagged party was reached, of {counted(found.tagged, 'address', 'addresses')}"
            " tagged."
        )
    if any(one.told.rounded for one in drawn):
        said.append(
            "≈: rounded to protect others than subjects, findings and services; such amounts and"
            " shares add up only about."
        )
    return said


def policy_of(record: Record | None) -> str:
    """Return by which policy a result was followed, as its record says."""
    if record is None:
        return "a policy that was not stated"
    policy = record.params.get("policy")
    if isinstance(policy, str):
        return policy.upper()
    named = (policy_of(one) for one in record.inputs)
    return next((one for one in named if one[0].isupper()), policy_of(None))


def _said(one: Bar, found: Exposure) -> str:
    whole = total(found.categories["amount"])
    parts = [f"{one.told.text(found.asset)}{_share(one.told, whole)}"]
    if one.low.amount != one.high.amount:
        parts.append(f"{one.low.text(found.asset)} to {one.high.text(found.asset)} by policy")
    return ", ".join([*parts, *filter(None, [one.hops])])


def _share(told: Told, whole: int) -> str:
    """Return the share of what is said, never of what was rounded."""
    if not whole:
        return ""
    return f" ({'≈ ' if told.rounded else ''}{whole_percent(told.amount, whole)})"


def _draw(
    ax: Axes, title: str, listed: Sequence[Bar], top: float, found: Exposure, names: float
) -> float:
    """Draw the bars of one part below its heading; return where they end."""
    write(ax, MARGIN, top - SECTION / 2, title, LABEL + 1, bold=True)
    left, right = MARGIN + names, WIDE - MARGIN - NUMBERS
    whole = total(found.categories["amount"])
    most = max((one.high.amount for one in listed), default=0)
    largest = max(most, whole) or 1
    scale = (right - left) / largest
    at = top - SECTION
    for one in listed:
        y = at - _high(one, names) / 2
        at -= _high(one, names)
        name = _lines(one, names)
        for number, line in enumerate(name):
            write(ax, MARGIN, y + BELOW * ((len(name) - 1) / 2 - number), line, LABEL)
        end = left + one.told.amount * scale
        bars.bar(ax, left, end, y, HATCHES["unread"] if one.unread else "",
                 colour="#FFFFFF" if one.unread else bars.PALE)  # fmt: skip
        if one.stayed is not None and one.stayed.amount:
            stays = left + min(one.stayed.amount, one.told.amount) * scale
            bars.bar(ax, left, stays, y, HATCHES["stayed"])
        if one.low.amount != one.high.amount:
            _whisker(ax, left + one.low.amount * scale, left + one.high.amount * scale, y)
        said = style.fit(printable(_beside(one, found)), NUMBERS - 8.0, LABEL)
        write(ax, right + 8.0, y, said, LABEL)
    return at


def _lines(one: Bar, names: float) -> list[str]:
    """Return the name of a bar in the lines that it needs, two at most."""
    name, room = printable(one.name), names - 8.0
    if style.fit(name, room, LABEL) == name:
        return [name]
    return style.wrap(name, room, LABEL, lines=2)


def _high(one: Bar, names: float) -> float:
    return ROW + BELOW * (len(_lines(one, names)) - 1)


def _beside(one: Bar, found: Exposure) -> str:
    """Return what stands at the right of a bar: amount, share, hops."""
    whole = total(found.categories["amount"])
    return f"{one.told.text(found.asset)}{_share(one.told, whole)}" + (
        f", {one.hops}" if one.hops else ""
    )


def _whisker(ax: Axes, low: float, high: float, y: float) -> None:
    ax.plot([low, high], [y, y], color=INK, linewidth=1.4, zorder=5)
    for end in (low, high):
        ax.plot([end, end], [y - 4.5, y + 4.5], color=INK, linewidth=1.4, zorder=5)
