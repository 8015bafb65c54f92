"""Which side of a transfer looks like an earlier partner of the other side."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence, Set
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import polars as pl

from chainwatch.addresses.canonical import text_series
from chainwatch.chains.catalogue import chain as chain_of
from chainwatch.ledger.schema import POSITION_BITS
from chainwatch.results.table import Column
from chainwatch.units import LARGEST_AMOUNT

TAILS = (3, 4, 5, 6, 7, 8)
"""Numbers of last characters that can be asked for."""

FIXED_HEAD = {"evm": len("0x"), "tron": len("T")}
"""Characters with which every address of a family of chains begins: they make nobody alike."""

SIDES = ("from", "to")

MOST_PARTNERS = 64
"""Earlier partners of one address whose last characters are alike that are compared, the strongest
first: those that it paid, then by their largest payment. A stranger chooses how many lures there
are, and would otherwise choose how long it takes to judge them. What ends like one of the others
is *unknown*, where none of the compared settles it."""

_NONE = -1
WIDER = LARGEST_AMOUNT + 1
"""What an amount too wide to hold counts as: more than any other."""


_SURE, _PERHAPS, _WHOM = "head", "perhaps", "like"
_BEYOND = 100
"""More first characters than an address has: what was not compared may share them all."""


def _columns(side: str, who: str, other: str) -> Iterator[Column]:
    told = f"an earlier partner of the {other}"
    for tail in TAILS:
        same = f"of those whose last {tail} are the same"
        yield Column.number(
            f"{side}_{_SURE}_{tail}",
            f"first characters that the {who} shares with {told}, {same}; {_NONE} where there is"
            " none",
        )
        yield Column.number(
            f"{side}_{_PERHAPS}_{tail}",
            f"the same, of those too of whom the order of transfers leaves open whether they were"
            f" earlier; {_BEYOND} where more are alike than were compared",
        )
        yield Column.party(
            f"{side}_{_WHOM}_{tail}",
            f"{told}, {same}, whom the {who} looks like: surely one, else perhaps; of several the"
            " one that shares most first characters, then the one with the largest dealings",
        )


LOOKS: tuple[Column, ...] = (*_columns("from", "sender", "receiver"),
                             *_columns("to", "receiver", "sender"))  # fmt: skip
"""What :func:`look_alikes` returns."""


def look_alikes(
    rows: pl.DataFrame, ever: pl.DataFrame, chain: str, trifle: int = 0
) -> pl.DataFrame:
    """Return for each transfer whether one side looks like an earlier partner of the other.

    Only trade before the transfer counts, so that a lure that worked does not become the genuine
    partner, and each transfer is judged alone. P is an earlier partner of R, as S appears: before
    the transfer R paid P, or P paid R in one payment more than a trifle and more than S pays now;
    and R had not dealt with S in such a way before that. Nobody becomes a partner by an unasked
    trifle. Sums count nowhere: trifles stay trifles, however many they are. Where two transfers
    stand in one block, or bear one time, and nothing tells their places there, neither is known to
    be earlier: then a partner is one *perhaps*.

    Parameters
    ----------
    rows : polars.DataFrame
        Transfers to judge: ``sender, receiver, amount, time, height, tx, log_index``.
    ever : polars.DataFrame
        All transfers of the asset that were read, which may be more, with ``success`` and
        ``signed`` too. What took no effect, and what nobody signed, is no trade.
    chain : str
        CAIP-2 id.
    trifle : int
        Largest amount that makes nobody a partner of whom it is paid to, in base units.

    Returns
    -------
    polars.DataFrame
        The columns of ``LOOKS``, one row per transfer. Capitals and small letters are alike where
        the text is hexadecimal; ``0x`` and the ``T`` of Tron, which all addresses share, do not
        count.
    """
    sides = ("sender", "receiver")
    texts = _texts(pl.concat([frame[side] for frame in (rows, ever) for side in sides]), chain)
    traded = ever.filter(
        (pl.col("amount") > 0).fill_null(True)  # null is an amount too wide to hold
        & pl.col("success").ne_missing(False)
        & pl.col("signed").ne_missing(False)
    )
    heights = [pl.coalesce("height", "tx").is_null().any()]
    by_height = not any(frame.select(heights).item() for frame in (rows, traded))
    traded, numbered = (
        _placed(frame, chain, by_height=by_height) for frame in (traded, rows.with_row_index("row"))
    )
    groups = _groups(_both_sides(traded).with_columns(pl.lit(None, pl.UInt32).alias("row")),
                     _both_sides(numbered), texts, trifle)  # fmt: skip
    return _table(rows.height, (item for group in groups for item in group.judge()))


def _table(height: int, found: Iterable[tuple[str, int, dict[str, Any]]]) -> pl.DataFrame:
    """Return the columns of ``LOOKS``, of all rows, of what was found of single ones."""
    named: dict[str, list[dict[str, Any]]] = {side: [] for side in SIDES}
    for side, row, alike in found:
        named[side].append({"row": row} | {f"{side}_{name}": one for name, one in alike.items()})
    frame = pl.DataFrame({"row": pl.Series(range(height), dtype=pl.UInt32)})
    kinds = {column.name: column.dtype for column in LOOKS}
    for side, rows in named.items():
        mine = {name: kind for name, kind in kinds.items() if name.startswith(f"{side}_")}
        looks = pl.DataFrame(rows, schema={"row": pl.UInt32, **mine})
        frame = frame.join(looks, on="row", how="left", maintain_order="left")
    numbers = [name for name, kind in kinds.items() if kind == pl.Int64]
    return frame.select(list(kinds)).with_columns(pl.col(numbers).fill_null(_NONE))


def _texts(addresses: pl.Series, chain: str) -> pl.DataFrame:
    """Return each address with what a reader can know it by."""
    unique = addresses.unique()
    family = chain_of(chain).family
    texts = text_series(unique, chain).str.slice(FIXED_HEAD.get(family, 0))
    if family == "evm":
        texts = texts.str.to_lowercase()  # the capitals of EIP-55 are a checksum of the whole
    return pl.DataFrame({"other": unique, "text": texts})


_PLACE = ("moment", "tx", "log")


def _placed(transfers: pl.DataFrame, chain: str, *, by_height: bool) -> pl.DataFrame:
    """Add where each transfer stands: its height or time, its transaction, its log in the block."""
    height = pl.coalesce("height", pl.col("tx") // (1 << POSITION_BITS))
    # Elsewhere a log is counted in its transaction, and says nothing where that is not known.
    in_block = chain_of(chain).family == "evm"
    return transfers.with_columns(
        (height if by_height else pl.col("time").dt.epoch("us")).alias("moment"),
        pl.when(pl.col("tx").is_not_null() | pl.lit(in_block)).then("log_index").alias("log"),
    )


def _both_sides(transfers: pl.DataFrame) -> pl.DataFrame:
    """Return each transfer twice: as the receiver sees it (*from*) and as the sender (*to*)."""
    kept = [name for name in ("row", "amount", *_PLACE) if name in transfers.columns]
    others = transfers.filter(pl.col("sender") != pl.col("receiver"))
    return pl.concat(
        others.select(
            *kept, pl.col(me).alias("me"), pl.col(other).alias("other"), pl.lit(side).alias("side")
        )
        for side, me, other in (("from", "receiver", "sender"), ("to", "sender", "receiver"))
    )


class Place(NamedTuple):
    """Where a transfer stands; None is not known."""

    moment: int | None
    tx: int | None
    log: int | None

    def before(self, other: Place) -> bool | None:
        """Tell whether it stands before another; None where that is not known."""
        for mine, theirs in zip(self, other, strict=True):
            if mine is not None and theirs is not None and mine != theirs:
                # What stands in one transaction, or one block, is told apart by the next number.
                return mine < theirs
            if self.moment is None or other.moment is None:
                return None
        return None if None in self or None in other else False


class Met(NamedTuple):
    """A dealing of one address with another."""

    place: Place
    paid: bool
    amount: int


@dataclass
class Partner:
    """What one address knows of another: the dealings in order, and the largest so far."""

    address: bytes
    text: str
    met: list[Met] = field(default_factory=list)
    largest: list[int] = field(default_factory=list)
    first_paid: int | None = None
    _since: dict[int, tuple[Place, ...]] = field(default_factory=dict, init=False)

    def add(self, one: Met) -> None:
        """Note a dealing; they come in order."""
        if one.paid and self.first_paid is None:
            self.first_paid = len(self.met)
        self.largest.append(max(one.amount, self.largest[-1] if self.largest else 0))
        self.met.append(one)

    def since(self, least: int) -> tuple[Place, ...]:
        """Return where it was first paid, or first paid an amount or more.

        These are several places where nothing tells which of them is the first.
        """
        if least not in self._since:
            self._since[least] = tuple(dict.fromkeys(self._first(least)))
        return self._since[least]

    def _first(self, least: int) -> Iterator[Place]:
        received = bisect_left(self.largest, least)
        start = received if self.first_paid is None else min(received, self.first_paid)
        moment = None
        for one in self.met[start:]:
            if moment is not None and one.place.moment != moment:
                return
            if one.paid or one.amount >= least:
                yield one.place
                moment = one.place.moment

    @property
    def strength(self) -> tuple[bool, int]:
        """Whether it was paid, which beats any amount; else the largest amount that it sent."""
        return (True, 0) if self.first_paid is not None else (False, self.largest[-1])


def earlier(one: Sequence[Place], other: Sequence[Place]) -> bool | None:
    """Tell whether some place of one stands before all of another; None where it is not known."""
    told = {_all([mine.before(theirs) for theirs in other]) for mine in one}
    return True if True in told else None if None in told else False


def _all(told: Sequence[bool | None]) -> bool | None:
    return False if False in told else None if None in told else True


class _Alike(NamedTuple):
    """A partner that somebody looks like: surely an earlier one, or perhaps."""

    sure: bool
    head: int
    tail: int
    strength: tuple[bool, int]
    address: bytes


@dataclass
class _Group:
    """The dealings of one address with those that end alike, and the transfers to judge."""

    partners: dict[bytes, Partner]
    judged: list[tuple[str, int, bytes, str, int, Place]]

    def judge(self) -> Iterator[tuple[str, int, dict[str, Any]]]:
        """Yield side and row of what is alike, with the columns of its side."""
        # The strongest first: after the first that is too weak none can be a partner.
        order = sorted((one for one in self.partners.values() if one.met),
                       key=lambda one: (not one.strength[0], -one.strength[1], one.address)
                       )  # fmt: skip
        order, others = order[:MOST_PARTNERS], order[MOST_PARTNERS:]
        weakest = min((job[4] for job in self.judged), default=0)
        beyond: dict[str, set[bytes]] = {}
        for one in others:
            for tail in TAILS if one.strength >= (False, weakest) else ():
                beyond.setdefault(one.text[-tail:], set()).add(one.address)
        for side, row, other, text, amount, place in self.judged:
            alike = list(self._alike(order, other, text, amount, place))
            more = {tail for tail in TAILS if beyond.get(text[-tail:], set()) - {other}}
            if alike or more:
                yield side, row, _looks(alike, more)

    def _alike(
        self, order: Sequence[Partner], other: bytes, text: str, least: int, place: Place
    ) -> Iterator[_Alike]:
        """Yield the earlier partners that somebody looks like, with the characters they share."""
        own = self.partners[other].since(least) if other in self.partners else ()
        for one in order:
            if one.strength < (False, least):
                return
            since = one.since(least)
            if one.address == other:
                continue
            # One dealing has to stand before the transfer, and before all own dealings.
            told = earlier(since, (place, *own))
            if told is not False:
                head, tail = _shared(one.text, text), _shared(one.text[::-1], text[::-1])
                yield _Alike(told is True, head, tail, one.strength, one.address)


def _looks(alike: Sequence[_Alike], more: Set[int]) -> dict[str, Any]:
    """Return how alike somebody is, by how many last characters have to be the same."""
    made: dict[str, Any] = {}
    for tail in TAILS:
        here = [one for one in alike if one.tail >= tail]
        sure = max((one.head for one in here if one.sure), default=_NONE)
        perhaps = max((one.head for one in here), default=_NONE)
        best = max(here, key=lambda one: (one.sure, one.head, one.strength, one.address),
                   default=None)  # fmt: skip
        made |= {
            f"{_SURE}_{tail}": sure,
            f"{_PERHAPS}_{tail}": _BEYOND if tail in more else perhaps,
            f"{_WHOM}_{tail}": best and best.address,
        }
    return made


def _shared(one: str, other: str) -> int:
    """Return how many characters two texts begin with alike."""
    count = 0
    for a, b in zip(one, other, strict=False):
        if a != b:
            break
        count += 1
    return count


def _groups(
    traded: pl.DataFrame, judged: pl.DataFrame, texts: pl.DataFrame, trifle: int
) -> Iterator[_Group]:
    """Yield the dealings of each address with others whose last characters are alike."""
    columns = ["me", "other", "side", "row", "amount", *_PLACE]
    rows = pl.concat([traded.select(columns), judged.select(columns)]).join(texts, on="other")
    rows = rows.with_columns(pl.col("text").str.slice(-min(TAILS)).alias("tail"))
    several = pl.col("other").n_unique().over("me", "tail") > 1
    order = ["me", "tail", *_PLACE, "other", "side", "amount"]
    alike = rows.filter(several).sort(order, nulls_last=False)
    for _, part in alike.group_by("me", "tail", maintain_order=True):
        group = _Group({}, [])
        for other, side, row, amount, *where, text in part.select(
            "other", "side", "row", "amount", *_PLACE, "text"
        ).iter_rows():
            place = Place(*where)
            units = WIDER if amount is None else int(amount)
            if row is None:
                partner = group.partners.setdefault(other, Partner(other, text))
                partner.add(Met(place, side == "to", units))
            else:
                least = max(units, trifle) + 1 if side == "from" else trifle + 1
                group.judged.append((side, row, other, text, least, place))
        yield group
