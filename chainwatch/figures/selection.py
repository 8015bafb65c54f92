"""What of a flow frame is drawn singly and what is named as *others*: every unit is in one place.

A flow frame has one row per pair of nodes, aggregated and masked for its edition already; see
`FLOW_COLUMNS`. Sums are Python integers, so they are exact.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Protocol

import polars as pl

from chainwatch.errors import InputError
from chainwatch.figures.style import ROLES
from chainwatch.figures.typefaces import printable
from chainwatch.units import AMOUNT, to_text

FLOW_COLUMNS: Mapping[str, pl.DataType] = {
    "source": pl.String(),
    "target": pl.String(),
    "source_label": pl.String(),
    "target_label": pl.String(),
    "source_role": pl.String(),
    "target_role": pl.String(),
    "amount": AMOUNT,
    "coarse": pl.Boolean(),
    "folded": pl.Boolean(),
    "count": pl.Int64(),
    "first": pl.Datetime("us", "UTC"),
    "last": pl.Datetime("us", "UTC"),
}
"""Columns of a flow frame: nodes and what they are called, base units (rounded where ``coarse``),
whether the target stands for several parties (``folded``), transfers behind the flow, and the
times of the first and the last of them."""

DIGITS = 4
"""Decimals (or, below one coin, significant digits) of an amount in a figure."""


class Sums(Protocol):
    """Exact sums of flows: what of them may be said."""

    @property
    def entering(self) -> int: ...

    @property
    def order(self) -> Mapping[str, int]: ...

    def of(self, pairs: Iterable[tuple[str, str]], node: str = "") -> tuple[int, bool]: ...


@dataclass
class Sum:
    """A number of flows, the transfers behind them, and their amount."""

    flows: int = 0
    transfers: int = 0
    amount: int = 0
    unknown: int = 0
    coarse: bool = False
    pairs: list[tuple[str, str]] = field(default_factory=list, repr=False)
    exact: bool = False

    def add(self, row: Mapping[str, Any]) -> None:
        """Count one flow in."""
        self.flows += 1
        self.transfers += row["count"] or 0
        self.amount += int(row["amount"] or 0)
        self.unknown += row["amount"] is None
        self.coarse |= bool(row["coarse"])
        self.pairs.append((row["source"], row["target"]))

    def told(self, sums: Sums | None, node: str = "") -> Sum:
        """Return this with the amount that may be said of it: added up before it is rounded."""
        if sums is None or not self.coarse:
            return self
        amount, rounded = sums.of(self.pairs, node)
        return replace(self, amount=amount, coarse=rounded, exact=True)


def _larger(one: Sum, other: Sum) -> Sum:
    return max(one, other, key=lambda total: (total.amount, total.unknown))


@dataclass
class Node:
    """A node with all that goes in and out of it, drawn or not.

    ``mark`` is the letter of its role and its number among those of that role: first whoever every
    edition shows, in the order of the case, then the others that are drawn, the largest first. A
    *folded* node stands for several parties.
    """

    name: str
    label: str
    role: str
    folded: bool
    inward: Sum
    outward: Sum
    itself: Sum
    undrawn_in: int = 0
    undrawn_out: int = 0
    said: Sum | None = None
    mark: str = ""

    @property
    def through(self) -> Sum:
        """The larger of what came in and what went out."""
        return _larger(self.inward, self.outward)

    @property
    def shown(self) -> Sum:
        """What its label says, and its bar is as high as."""
        return self.said or self.through


@dataclass(frozen=True)
class Flow:
    """One band: positions of its nodes, base units (null: unknown), transfers behind it."""

    source: int
    target: int
    amount: int | None
    coarse: bool
    count: int


@dataclass(frozen=True)
class Selection:
    """Nodes and bands that are drawn, and the sums of what is not.

    Attributes
    ----------
    moved : Sum
        All flows of the frame.
    drawn : Sum
        Those with a band, or a note of a flow to itself.
    others_out : Sum
        Undrawn flows that leave a drawn node.
    others_in : Sum
        Undrawn flows that reach a drawn node from one that is not.
    elsewhere : Sum
        Undrawn flows between nodes that are not drawn.
    entering : int
        What nodes give beyond what they receive: the money that enters the figure; shares are
        of this. Where all money goes round, it is all that moved.
    """

    nodes: tuple[Node, ...]
    flows: tuple[Flow, ...]
    moved: Sum
    drawn: Sum
    others_out: Sum
    others_in: Sum
    elsewhere: Sum
    entering: int
    entering_exact: bool
    first: datetime | None
    last: datetime | None


def select(flows: pl.DataFrame, top: int, sums: Sums | None = None) -> Selection:
    """Choose the ``top`` largest flows, and sum up the others by side.

    ``sums`` gives the sums of rounded flows: added up exactly, and rounded afterwards.

    Raises
    ------
    InputError
        If a column is missing, a role has no style, an amount is negative or ``top`` below one.
    """
    rows = _rows(flows, top)
    chosen, left = rows[:top], rows[top:]
    found = _nodes(rows)
    names = list(dict.fromkeys(row[end] for row in chosen for end in ("source", "target")))
    place = {name: position for position, name in enumerate(names)}
    moved, drawn = Sum(), Sum()
    others = {"out": Sum(), "in": Sum(), "elsewhere": Sum()}
    for row in rows:
        moved.add(row)
    for row in chosen:
        drawn.add(row)
    for row in left:
        leaves, reaches = row["source"] in place, row["target"] in place
        others["out" if leaves else "in" if reaches else "elsewhere"].add(row)
        if row["source"] != row["target"]:
            found[row["source"]].undrawn_out += int(row["amount"] or 0)
            found[row["target"]].undrawn_in += int(row["amount"] or 0)
    for node in found.values():
        node.said = _larger(*(side.told(sums, node.name) for side in (node.inward, node.outward)))
    order = sums.order if sums is not None else {}
    shown = sorted(order.keys() & found.keys(), key=order.__getitem__)
    _mark(found[name] for name in dict.fromkeys([*shown, *names]))
    gained = (node.outward.amount - node.inward.amount for node in found.values())
    return Selection(
        nodes=tuple(found[name] for name in names),
        flows=tuple(_flow(row, place) for row in chosen if row["source"] != row["target"]),
        moved=moved.told(sums),
        drawn=drawn.told(sums),
        others_out=others["out"].told(sums),
        others_in=others["in"].told(sums),
        elsewhere=others["elsewhere"].told(sums),
        entering=_entering(sums, gained) or moved.amount,
        entering_exact=sums is not None or not moved.coarse,
        first=min((row["first"] for row in rows if row["first"]), default=None),
        last=max((row["last"] for row in rows if row["last"]), default=None),
    )


def _mark(nodes: Iterable[Node]) -> None:
    """Give each node its mark: the same in every layout and edition, for tables to name it by."""
    numbers: dict[str, int] = defaultdict(int)
    for node in nodes:
        letter = ROLES[node.role].letter
        numbers[letter] += 1
        node.mark = f"{letter}{numbers[letter]}"


def _entering(sums: Sums | None, gained: Iterable[int]) -> int:
    return sums.entering if sums is not None else sum(gain for gain in gained if gain > 0)


def _rows(flows: pl.DataFrame, top: int) -> list[dict[str, Any]]:
    missing = [name for name in FLOW_COLUMNS if name not in flows.columns]
    if missing:
        raise InputError(f"a flow frame lacks the columns {', '.join(missing)}")
    if top < 1:
        raise InputError(f"top is {top}", remedy="draw at least one flow")
    rows = flows.select(*FLOW_COLUMNS).sort(
        ["amount", "source", "target"], descending=[True, False, False], nulls_last=True
    )
    roles = {*rows["source_role"], *rows["target_role"]} - set(ROLES)
    if roles:
        raise InputError(f"no style for the roles {sorted(map(repr, roles))}")
    if rows["source"].null_count() or rows["target"].null_count():
        raise InputError("a flow frame has a flow without source or target")
    if (rows["amount"] < 0).any():
        raise InputError("a flow frame has a negative amount")
    return rows.to_dicts()


def _nodes(rows: list[dict[str, Any]]) -> dict[str, Node]:
    found: dict[str, Node] = {}
    sums: dict[str, dict[str, Sum]] = defaultdict(lambda: defaultdict(Sum))
    for row in rows:
        source, target = row["source"], row["target"]
        sums[source]["itself" if source == target else "outward"].add(row)
        if source != target:
            sums[target]["inward"].add(row)
        for end in ("source", "target"):
            if row[end] not in found:
                label = printable(row[f"{end}_label"] or row[end]).strip() or "(no name)"
                folded = bool(row["folded"]) and end == "target"
                role = row[f"{end}_role"]
                found[row[end]] = Node(row[end], label, role, folded, Sum(), Sum(), Sum())
    for name, node in found.items():
        kinds = sums[name]
        node.inward, node.outward, node.itself = (
            kinds[kind] for kind in ("inward", "outward", "itself")
        )
    return found


def _flow(row: Mapping[str, Any], place: Mapping[str, int]) -> Flow:
    amount = None if row["amount"] is None else int(row["amount"])
    return Flow(
        place[row["source"]], place[row["target"]], amount, bool(row["coarse"]), row["count"] or 0
    )


def short_amount(amount: int, decimals: int) -> str:
    """Write an amount for a figure: rounded to `DIGITS`, exact integers all the way.

    Examples
    --------
    >>> short_amount(123_456_789, 8), short_amount(1_234, 8), short_amount(1, 18)
    ('1.2346', '0.00001234', '<0.00000001')
    >>> short_amount(1_999_999_999_999_999_999, 6)
    '2.000e12'
    """
    whole = amount // 10**decimals
    if whole >= 10**12:
        return _as_power(amount, len(str(whole)) - 1, decimals)
    places = DIGITS
    if 0 < amount < 10**decimals:
        places = decimals - len(str(amount)) + DIGITS
        if decimals - len(str(amount)) >= 8:
            return "<0.00000001"
    places = min(places, decimals)
    unit = 10 ** (decimals - places)
    return to_text((amount + unit // 2) // unit * unit, decimals, group=True)


def _as_power(amount: int, power: int, decimals: int) -> str:
    """Write an amount of ``10**power`` coins or more with `DIGITS` digits, rounded as all are."""
    unit = 10 ** (power - 3 + decimals)
    head = str((amount + unit // 2) // unit)
    return f"{head[0]}.{head[1:4]}e{power + len(head) - 4}"


def sum_text(total: Sum, symbol: str, decimals: int) -> str:
    """Write a sum: ``≈`` where it is rounded for privacy, ``at least`` where a part is unknown."""
    if total.unknown and total.unknown == total.flows:
        return "unknown amount"
    mark = "≥ " if total.unknown else "≈ " if total.coarse else ""
    # A sum of rounded amounts has digits that mean nothing.
    amount = _two_digits(total.amount) if total.coarse and not total.exact else total.amount
    return f"{mark}{short_amount(amount, decimals)} {symbol}"


def _two_digits(amount: int) -> int:
    size: int = 10 ** max(0, len(str(amount)) - 2)
    return (amount + size // 2) // size * size


def percent(part: int, whole: int, *, rounded: bool = False) -> str:
    """Write a share with one decimal; neither 0 nor 100 % is reached by rounding.

    A share of what was *rounded* is said about, to the whole percent, and never more exactly than
    the amount beside it.
    """
    if whole <= 0:
        return "share unknown"
    if rounded:
        return f"≈ {whole_percent(part, whole)}"
    tenths = (2000 * part + whole) // (2 * whole)
    if tenths == 0 and part:
        return "<0.1 %"
    if tenths == 1000 and part < whole:
        tenths = 999
    return f"{tenths // 10}.{tenths % 10} %" if tenths % 10 else f"{tenths // 10} %"


def whole_percent(part: int, whole: int) -> str:
    """Write a share in whole percent; no part is said to be nothing or all."""
    about = (200 * part + whole) // (2 * whole)
    if 0 < 100 * part < whole:
        return "under 1 %"
    return "over 99 %" if about == 100 and part < whole else f"{about} %"


def node_lines(item: Node, entering: int, symbol: str, decimals: int) -> tuple[str, str]:
    """Return the name of a node, and its amount with its share of what enters the figure.

    A share of a sum of rounded amounts would tell more digits than are known; that of an amount
    which was rounded once is said as coarsely as the amount.
    """
    said = item.shown
    value = sum_text(said, symbol, decimals)
    rounded = said.coarse and not said.exact
    share = "" if rounded else f" ({percent(said.amount, entering, rounded=said.coarse)})"
    loop = f" ↻ {sum_text(item.itself, symbol, decimals)}" if item.itself.flows else ""
    return item.label, f"{value}{share}{loop}"
