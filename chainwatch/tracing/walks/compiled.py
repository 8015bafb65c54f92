"""The forward walk over coins, compiled: what is asked becomes numbers, and its numbers rows.

The rows are those of :class:`chainwatch.tracing.walks.utxo.CoinWalk`, which is its reference.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import cached_property
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from chainwatch.kernels.following import walk as kernel
from chainwatch.kernels.run import available
from chainwatch.ledger.index.build import KINDS
from chainwatch.ledger.index.rows import gathered
from chainwatch.ledger.spend_order import parents_first
from chainwatch.results.table import Table
from chainwatch.tracing.policies import (
    Policy,
    clean_first,
    fifo,
    haircut,
    least,
    lifo,
    poison,
    seniority,
    taint_in_highest_out,
)
from chainwatch.tracing.stops import End
from chainwatch.tracing.trace_tables import ENDS, ORIGINS, OVERLAPS, STEPS
from chainwatch.tracing.walks import coin_ends
from chainwatch.tracing.walks.base import AGAIN, CHOSEN, HELD, OPENING, RECEIVED
from chainwatch.tracing.walks.coin_rows import Places, frame_of
from chainwatch.tracing.walks.utxo import CoinWalk
from chainwatch.tracing.walks.utxo_graph import EPOCH, Coins

Array = NDArray[Any]

WAYS: Mapping[Policy, tuple[str, str]] = {
    fifo: ("OLDEST", "AS_THEY_STAND"),
    lifo: ("NEWEST", "AS_THEY_STAND"),
    haircut: ("BLEND", "AS_THEY_STAND"),
    poison: ("REACH", "AS_THEY_STAND"),
    seniority: ("TRACED_FIRST", "AS_THEY_STAND"),
    clean_first: ("CLEAN_FIRST", "SMALLEST"),
    taint_in_highest_out: ("TRACED_FIRST", "LARGEST"),
}
"""The discipline of each policy, and the order in which it meets payments; see
:mod:`chainwatch.kernels.following.dividing`. A policy that is not here is followed in Python."""

MOST_SUBJECTS = 1 << 21
"""Subjects that a mark has room for."""

_KINDS = (RECEIVED, AGAIN, CHOSEN, HELD, OPENING)
_FAR = 1 << 62


def can_follow(walk: CoinWalk) -> bool:
    """Tell whether a walk can be made by the compiled loops.

    It goes forward on a chain whose blocks place a parent before its child, by one of ``WAYS``;
    numba is installed, numbers fit 64 bits, and no age is a limit: marks of it have no time.
    """
    return (
        isinstance(walk.coins, Coins)
        and not walk.back
        and walk.policy in WAYS
        and parents_first(walk.coins.ready.index.chain)
        and len(walk.subjects) < MOST_SUBJECTS
        and walk.min_amount < 1 << 63
        and walk.max_age is None
        and available()
    )


@dataclass
class CompiledWalk:
    """A walk made by compiled loops; its rows are frames, in the order in which they were left.

    Attributes
    ----------
    of : CoinWalk
        What was asked; it has visited nothing.
    """

    of: CoinWalk
    walked: kernel.Walked | None = None
    _mixes: list[End] = field(default_factory=list)
    _stops: list[End] = field(default_factory=list)

    def run(self, most: int | None = None) -> bool:
        """Follow, and visit at most so many; tell whether that was all.

        Raises
        ------
        OverflowError
            If sums do not fit 64 bits, or the rows contradict each other: Python is to follow it.
        """
        from chainwatch.kernels.following import rows

        self._stops.clear()
        self._mixes.clear()
        first = np.fromiter(self.of.begin(), np.int64)
        found = kernel.walk(self._made, self._asked(), first, _FAR if most is None else most)
        if found.how >= rows.TOO_MUCH:
            raise OverflowError(found.how)
        self.walked = found
        return found.how == rows.DONE

    @property
    def visits(self) -> int:
        """How many transactions were visited."""
        return 0 if self.walked is None else len(self.walked.visited)

    @property
    def entered(self) -> list[int]:
        """The numbers of the transactions that traced value went into."""
        places = self._rows("visited")
        numbers: list[int] = self._columns["tx_number"][places[places >= 0]].tolist()
        return numbers

    def frame(self, table: Table) -> pl.DataFrame:
        """Return the rows of one of the tables of a trace."""
        make = {
            ORIGINS.name: self._origins, STEPS.name: self._steps, ENDS.name: self._ends,
            OVERLAPS.name: self._overlaps,
        }  # fmt: skip
        return frame_of(table, make[table.name]())

    @property
    def _columns(self) -> Mapping[str, Array]:
        return self.of.coins.ready.index.columns

    @property
    def _made(self) -> kernel.Made:
        # The views are made once for each ledger: it keeps what is ready.
        ready = self.of.coins.ready
        return ready.ledger.kept(
            ("made", ready.index.chain.id), lambda: kernel.made_of(ready.index.columns)
        )

    def _rows(self, name: str) -> Array:
        found: Array = getattr(self.walked, name)
        return found

    @cached_property
    def _places(self) -> Places:
        return Places(self.of.coins)

    # What is asked, as numbers.

    def _asked(self) -> kernel.Asked:
        from chainwatch.kernels.following import dividing

        of, coins = self.of, self.of.coins
        how, order = (getattr(dividing, name) for name in WAYS[of.policy])
        number = coins.number_of
        subjects = {number(address): me for address, me in of.subject_of.items()}
        chosen = {coins.row_of(tx, n): me for (tx, n), me in of.chosen.items()}
        self._mixes.extend(of.joint.values())
        mixes = {coins.tx_of(tx): place for place, tx in enumerate(of.joint)}
        return kernel.Asked(
            how, order, coins.first, coins.last,
            _FAR if of.max_hops is None else of.max_hops, of.min_amount,
            np.array([KINDS.index(kind) for kind in coin_ends.POOLED], np.int64),
            *_table(subjects), *_table(chosen), *_table(mixes), *self._stop_tables(),
        )  # fmt: skip

    def _stop_tables(self) -> tuple[Array, ...]:
        """Return where value stops: by address, from when to when, and the number of the end."""
        number, chain = self.of.coins.number_of, self.of.asset.chain
        places: dict[int | None, int] = {}
        begin, first, until, ends = [0], [], [], []
        for (of_chain, address), dated in self.of.stops.by_address.items():
            one = number(address) if of_chain == chain else None
            if one is None:
                continue
            places[one] = len(places)
            for since, last, end in dated:
                first.append(-_FAR if since is None else _micros(since))
                until.append(_FAR if last in (None, date.max) else _micros(last) + _DAY)
                ends.append(len(self._stops))
                self._stops.append(end)
            begin.append(len(ends))
        return (*_table(places), *(np.array(one, np.int64) for one in (begin, first, until, ends)))

    # What it left, as columns.

    def _subjects(self, numbers: Array) -> pl.Series:
        return gathered(pl.Series(self.of.subjects, dtype=pl.Binary), numbers)

    def _origins(self) -> dict[str, Any]:
        kind, place, row, tx, me, amount = self._rows("origins").T
        return {
            "subject": self._subjects(me), "amount": amount,
            "kind": gathered(pl.Series(_KINDS), kind), **self._places.of(place, row, tx),
        }  # fmt: skip

    def _steps(self) -> dict[str, Any]:
        tx, row, source, me, amount, hop = self._rows("steps").T
        return {
            "subject": self._subjects(me), "amount": amount, "hop": hop,
            "source": self._places.addresses("in", source),
            "target": self._places.addresses("out", row),
            "source_tx": self._places.makers(source),
            "source_n": self._columns["in_prev_n"][source], **self._places.at(row, tx),
        }  # fmt: skip

    def _overlaps(self) -> dict[str, Any]:
        tx, row, me, other, amount = self._rows("overlaps").T
        return {
            "subject": self._subjects(me), "other": self._subjects(other), "amount": amount,
            **self._places.at(row, tx),
        }  # fmt: skip

    def _ends(self) -> dict[str, Any]:
        from chainwatch.kernels.following import rows as codes

        place, row, tx, me, amount, hop, why, more = self._rows("ends").T
        # What is said of the output itself, or of its transaction, is asked once for each; where
        # blocks alone speak of outputs, once for all of a height.
        by_tx = (why == codes.LACKING_IN) | (why == codes.LACKING_OUT)
        of = np.where(why == codes.BURNT, row, np.where(by_tx, tx, more))
        open_ = np.flatnonzero(why == codes.UNSPENT)
        of[open_] = self._places.alike_unspent(row[open_], tx[open_])
        order = np.lexsort((of, why))
        new = np.ones(len(order), np.bool_)
        new[1:] = (np.diff(why[order]) != 0) | (np.diff(of[order]) != 0)
        which = np.empty(len(order), np.int64)
        which[order] = np.cumsum(new) - 1
        first = order[new]
        ends = list(map(self._told, *(one[first].tolist() for one in (row, tx, why, more))))
        told = pl.DataFrame(ends, schema={name: ENDS[name].dtype for name in End._fields},
                            orient="row")[which]  # fmt: skip
        return {
            "subject": self._subjects(me), "amount": amount, "hop": hop, **told.to_dict(),
            **self._places.of(place, row, tx),
        }  # fmt: skip

    def _told(self, row: int, tx: int, why: int, more: int) -> End:
        """Return why value ends, by the number of the reason."""
        from chainwatch.kernels.following import rows as codes

        coins, of = self.of.coins, self.of
        if why >= 0:
            return self._stops[why]
        if why == codes.UNSPENT:
            return self._places.unspent(row, tx)
        if why == codes.FEE_PAID:
            return coin_ends.remaining(back=False)
        if why == codes.OUTSIDE:
            return coin_ends.outside(coins.height(more), back=False)
        if why == codes.BURNT:
            return coin_ends.burnt(self._places.kind(row))
        if why == codes.POOLED:
            return coin_ends.pooled(back=False)
        if why == codes.TOO_FAR:
            return coin_ends.too_far(of.max_hops or 0)
        if why == codes.TOO_LITTLE:
            return coin_ends.too_little(of.min_amount)
        if why == codes.UNREAD_INPUT:
            return coin_ends.unread_input(back=False)
        if why == codes.MIX:
            return self._mixes[more] if more >= 0 else self._bound(-2 - more)
        return coin_ends.lacking(coins.lacking(tx))

    def _bound(self, place: int) -> End:
        """Return the end in a mix, with what is bound to its outputs."""
        tx, marked, fee, together = self._rows("mixed")[place].tolist()
        coins = self.of.coins
        joint = self.of.joint[coins.number(tx)]
        paid = [*(coin.value or 0 for coin in coins.made(tx)), fee]
        bound = (least(marked, paid), least(together, paid))
        return coin_ends.mixed(joint, *bound, self.of.asset, back=False)


_DAY = 24 * 60 * 60 * 10**6


def _micros(day: date) -> int:
    return (day - EPOCH.date()) // timedelta(microseconds=1)


def _table(pairs: Mapping[int | None, int]) -> tuple[Array, Array]:
    return kernel.table({key: value for key, value in pairs.items() if key is not None})
