"""Pools of account chains: contracts into which everybody pays one amount, and takes it out again.

What identifies a deposit is its amount, to the last unit: a transfer of another amount is none, and
is told apart, never matched.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import accumulate
from typing import Any, NamedTuple

import polars as pl

from chainwatch.addresses.assets import Asset
from chainwatch.addresses.canonical import parse
from chainwatch.errors import InputError
from chainwatch.ledger.balances import Reading, in_order
from chainwatch.ledger.balances import histories as readings_of
from chainwatch.ledger.ledger import Ledger

SIGNS = ("fee", "fee_burnt", "native")
"""Kinds of rows by which the ledger tells who signed a transaction, the surest first."""


@dataclass(frozen=True)
class MixingPool:
    """A contract that takes and gives one amount of one asset.

    *Fails when* somebody sends it just its amount without a deposit, as a token can be sent: sets
    are then larger; and when a fee is more than half of what is taken out: who got it then stands
    as the recipient.

    Attributes
    ----------
    address : str or bytes
        The contract.
    asset : Asset
        What it takes.
    amount : int
        How much of it, in base units.
    points : int, optional
        What a deposit earns there for each block that it lies there, where the pool rewards that.

    Raises
    ------
    InputError
        If the amount or the points are not above 0, or the address is none of the chain.
    """

    address: str | bytes
    asset: Asset
    amount: int
    points: int | None = None

    def __post_init__(self) -> None:
        if self.amount <= 0:
            raise InputError("a pool of nothing", remedy="give its amount in base units")
        if self.points is not None and self.points <= 0:
            raise InputError(
                "a pool that rewards with nothing", remedy="leave points out where none are given"
            )
        if isinstance(self.address, str):
            object.__setattr__(self, "address", parse(self.address, self.asset.chain))

    @property
    def key(self) -> bytes:
        """Its address as canonical bytes."""
        return self.address if isinstance(self.address, bytes) else b""

    def identity(self) -> Mapping[str, Any]:
        """Return what it is, for the record of a step."""
        rate = {} if self.points is None else {"points": self.points}
        return {"address": self.key.hex(), "asset": str(self.asset), "amount": self.amount, **rate}


class Moment(NamedTuple):
    """When a transaction took place: its number where that is known, its time and its height."""

    tx: int | None
    time: datetime | None
    height: int | None = None

    def before(self, other: Moment) -> bool | None:
        """Return whether it came before another; None where nothing tells."""
        if self.tx is not None and other.tx is not None:
            return self.tx < other.tx
        if self.time is None or other.time is None or self.time == other.time:
            return None
        return self.time < other.time


class Deposit(NamedTuple):
    """A payment of the amount into a pool, and who made it.

    ``signed`` is false where who signed was not read, so that the sender stands there, which can
    be a router.
    """

    txid: bytes
    at: Moment
    depositor: bytes
    signed: bool


class Withdrawal(NamedTuple):
    """The amount taken out of a pool by one transaction: what is left of a fee goes to one.

    ``recipient`` is None where several got as much, or the transaction holds several withdrawals
    (``times``). ``relayer`` got the rest; ``signer`` is None where it was not read.
    """

    txid: bytes
    at: Moment
    recipient: bytes | None
    relayer: bytes | None
    signer: bytes | None
    times: int


class Odd(NamedTuple):
    """What a pool got or gave that is no deposit and no withdrawal."""

    txid: bytes
    at: Moment
    direction: str
    party: bytes
    amount: int | None


class History(NamedTuple):
    """What was read of a pool, in order; ``unread`` are the spans that no source claims to have.

    A span without a start begins with the chain, and one without an end has none.
    """

    pool: MixingPool
    deposits: tuple[Deposit, ...]
    withdrawals: tuple[Withdrawal, ...]
    odd: tuple[Odd, ...]
    unread: tuple[Reading, ...]

    @property
    def whole(self) -> bool:
        """Whether sources claim to have told all of it up to its last withdrawal that was read."""
        times = [one.at.time for one in self.withdrawals]
        if None in times:
            return not self.unread
        last = max(filter(None, times), default=None)
        return not any(
            ended is not None or begun is None or (last is not None and begun < last)
            for begun, ended in self.unread
        )


def histories(ledger: Ledger, pools: Sequence[MixingPool]) -> list[History]:
    """Return what was read of each pool, whatever the span."""
    whole = ledger.history
    touched = [one.key for one in pools]
    theirs = pl.col("sender").is_in(touched) | pl.col("receiver").is_in(touched)
    chains = {one.asset.chain for one in pools}
    took = pl.col("success").fill_null(True)
    rows = whole.transfers.filter(pl.col("chain").is_in(chains) & theirs & took).collect()
    signers = _signers(whole, rows)
    assets = {one.asset for one in pools}
    claimed = {asset: readings_of(whole, asset, claimed=True) for asset in assets}
    return [
        _history(one, rows, signers, unread_of(claimed[one.asset].get(one.key, ())))
        for one in pools
    ]


def _history(
    pool: MixingPool,
    rows: pl.DataFrame,
    signers: Mapping[bytes, bytes],
    unread: tuple[Reading, ...],
) -> History:
    mine = rows.filter(pool.asset.of_transfers() & (pl.col("sender") != pl.col("receiver"))).sort(
        "tx", "time", "txid", "log_index", "trace_path", "receiver", "amount", nulls_last=True
    )
    deposits, odd, out = [], [], defaultdict(list)
    for row in mine.iter_rows(named=True):
        at, amount = Moment(row["tx"], row["time"], row["height"]), _whole(row["amount"])
        if row["sender"] == pool.key:
            out[row["txid"]].append((at, row["receiver"], amount))
        elif row["receiver"] == pool.key and amount == pool.amount:
            signer = signers.get(row["txid"])
            deposits.append(Deposit(row["txid"], at, signer or row["sender"], signer is not None))
        elif row["receiver"] == pool.key:
            odd.append(Odd(row["txid"], at, "in", row["sender"], amount))
    taken = []
    for txid, parts in out.items():
        found = _withdrawal(pool, txid, parts, signers.get(txid))
        if found is None:
            odd += [Odd(txid, at, "out", receiver, amount) for at, receiver, amount in parts]
        else:
            taken.append(found)
    return History(pool, tuple(deposits), tuple(taken), tuple(odd), unread)


def _withdrawal(
    pool: MixingPool,
    txid: bytes,
    parts: Sequence[tuple[Moment, bytes, int | None]],
    signer: bytes | None,
) -> Withdrawal | None:
    """Return the withdrawal of a transaction; None where its amounts are of none."""
    amounts = [amount for _, _, amount in parts]
    if None in amounts:
        return None
    total, at = sum(filter(None, amounts)), parts[0][0]
    if not total or total % pool.amount:
        return None
    got: dict[bytes, int] = defaultdict(int)
    for _, receiver, amount in parts:
        got[receiver] += amount or 0
    ranked = sorted(got, key=lambda who: (-got[who], who))
    times = total // pool.amount
    clear = times == 1 and (len(ranked) == 1 or got[ranked[0]] > got[ranked[1]])
    relayer = ranked[1] if clear and len(ranked) == 2 else None
    return Withdrawal(txid, at, ranked[0] if clear else None, relayer, signer, times)


def _whole(amount: Any) -> int | None:
    return None if amount is None else int(amount)


def _signers(ledger: Ledger, rows: pl.DataFrame) -> dict[bytes, bytes]:
    """Return who signed transactions, as far as payments of the coin or fees tell."""
    txids = rows["txid"].unique()
    found = ledger.transfers.filter(
        pl.col("txid").is_in(txids.implode()) & pl.col("kind").is_in(SIGNS)
    ).select("txid", "kind", "sender")
    signers: dict[bytes, bytes] = {}
    order = {kind: place for place, kind in enumerate(SIGNS)}
    told = sorted(found.collect().iter_rows(), key=lambda row: (row[0], order[row[1]], row[2]))
    for txid, _, sender in told:
        signers.setdefault(txid, sender)
    return signers


def unread_of(readings: Iterable[Reading]) -> tuple[Reading, ...]:
    """Return the spans before, between and behind what was read, in order."""
    gaps: list[Reading] = []
    until: datetime | None = None
    for first, last in in_order(readings):
        if first is not None and (until is None or first > until):
            gaps.append((until, first))
        if last is None:
            return tuple(gaps)
        until = last if until is None else max(until, last)
    return (*gaps, (until, None))


class Order:
    """How many of some moments came before another: counted at once where all are placed.

    Parameters
    ----------
    moments : iterable of (Moment, int)
        Each with how many there are of it.
    """

    def __init__(self, moments: Iterable[tuple[Moment, int]]) -> None:
        self._all = list(moments)
        placed = sorted((at.tx, times) for at, times in self._all if at.tx is not None)
        self._numbers = [number for number, _ in placed]
        self._sums = [0, *accumulate(times for _, times in placed)]

    def before(self, when: Moment) -> tuple[int, int]:
        """Return how many came before, and of how many nothing tells."""
        if when.tx is not None and len(self._numbers) == len(self._all):
            return self._sums[bisect_left(self._numbers, when.tx)], 0
        sure = perhaps = 0
        for at, times in self._all:
            before = at.before(when)
            sure += times if before else 0
            perhaps += times if before is None else 0
        return sure, perhaps


def earlier(deposits: Iterable[Deposit], when: Moment) -> tuple[list[Deposit], list[Deposit]]:
    """Return the deposits that came before a moment, and those that may have."""
    sure: list[Deposit] = []
    perhaps: list[Deposit] = []
    for one in deposits:
        before = one.at.before(when)
        if before is not False:
            (perhaps if before is None else sure).append(one)
    return sure, perhaps
