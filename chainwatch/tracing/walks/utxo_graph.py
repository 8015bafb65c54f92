"""``Coins``: a coin chain as a walk asks of it: what transactions spend and make, and who spends.

It reads the columns of an index where the walk goes and nothing else. Transactions are called by
their place among all, in the order of their numbers; only :meth:`Coins.place` tells more of them.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from chainwatch.addresses.canonical import txid_text
from chainwatch.errors import LedgerError
from chainwatch.ledger.index.build import KINDS, NONE
from chainwatch.ledger.index.ready import Ready, ready
from chainwatch.ledger.ledger import Ledger
from chainwatch.ledger.output_status import AsOf, owner_key
from chainwatch.ledger.schema import POSITION_BITS
from chainwatch.ledger.spend_order import parents_first

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Coin(NamedTuple):
    """An output, as the transaction that makes it or the one that spends it knows it.

    ``tx`` is None where the transaction that makes it was not read, ``value`` where nothing says
    it. ``number`` and ``txid`` are then all that the spending input says of it.
    """

    tx: int | None
    n: int
    value: int | None
    address: bytes | None
    kind: str | None
    spendable: bool
    number: int | None
    txid: bytes | None


@dataclass(frozen=True, eq=False)
class Coins:
    """The transactions of a ledger's span on one chain.

    Attributes
    ----------
    ready : Ready
        The chain, whatever the span.
    first, last : int
        The span in microseconds since 1970, half-open.
    """

    ready: Ready
    first: int
    last: int
    _made: dict[str, NDArray[Any]] = field(repr=False)
    _addresses: dict[int, bytes] = field(default_factory=dict, repr=False)
    _depths: dict[int, int] = field(default_factory=dict, repr=False)

    @classmethod
    def read(cls, ledger: Ledger, chain: str) -> Coins:
        """Open one chain of a ledger."""
        made = ready(ledger, chain)
        first = -(1 << 62) if ledger.start is None else _micros(ledger.start)
        last = 1 << 62 if ledger.end is None else _micros(ledger.end)
        return cls(made, first, last, dict(made.index.columns))

    def inside(self, tx: int | None) -> bool:
        """Tell whether a transaction was read and lies in the span."""
        return tx is not None and self.first <= self._made["tx_time"][tx] < self.last

    def height(self, tx: int) -> int:
        """Return the height of the block that a transaction stands in."""
        return int(self._made["tx_number"][tx]) >> POSITION_BITS

    def number(self, tx: int) -> int:
        """Return the number by which everybody else knows a transaction."""
        return int(self._made["tx_number"][tx])

    def txid(self, tx: int) -> bytes:
        """Return the id of a transaction."""
        return bytes(self._made["tx_id"][tx])

    def coinbase(self, tx: int) -> bool:
        """Tell whether a transaction makes coins anew."""
        return bool(self._made["tx_coinbase"][tx])

    def time(self, tx: int) -> datetime:
        """Return the time of a transaction."""
        return EPOCH + timedelta(microseconds=int(self._made["tx_time"][tx]))

    def tx_of(self, number: int) -> int | None:
        """Return the transaction of a number, if it was read."""
        numbers = self._made["tx_number"]
        place = int(np.searchsorted(numbers, number))
        return place if place < len(numbers) and numbers[place] == number else None

    def numbers_of(self, txid: bytes) -> list[int]:
        """Return the transactions with an id: several are possible (BIP30)."""
        found = (self.tx_of(number) for number in self.ready.index.numbers_of(txid))
        return [tx for tx in found if tx is not None]

    def paying(self, addresses: Collection[bytes]) -> set[int]:
        """Return the transactions in the span that pay any of some addresses."""
        return self._with("out", addresses)

    def paid_by(self, addresses: Collection[bytes]) -> set[int]:
        """Return the transactions in the span that spend coins of any of some addresses."""
        return self._with("in", addresses)

    def opened_by(self, addresses: Collection[bytes]) -> set[int]:
        """Return the transactions in the span that spend coins of theirs which none in it made."""
        made, found = self._made, set()
        ptr, listed = made["addr_in_ptr"], made["addr_in"]
        for address in addresses:
            one = self.number_of(address)
            if one is not None:
                mine = listed[ptr[one] : ptr[one + 1]]
                makers = made["in_prev_tx"][mine]
                stray = makers == NONE
                times = made["tx_time"][np.where(stray, 0, makers)]
                opened = mine[stray | (times < self.first) | (times >= self.last)]
                found.update((np.searchsorted(made["in_ptr"], opened, side="right") - 1).tolist())
        return {tx for tx in found if self.inside(tx)}

    def _with(self, side: str, addresses: Collection[bytes]) -> set[int]:
        made, found = self._made, set()
        ptr, listed, rows = made[f"addr_{side}_ptr"], made[f"addr_{side}"], made[f"{side}_ptr"]
        for address in addresses:
            one = self.number_of(address)
            if one is not None:
                mine = listed[ptr[one] : ptr[one + 1]]
                found.update((np.searchsorted(rows, mine, side="right") - 1).tolist())
        return {tx for tx in found if self.inside(tx)}

    def size_of(self, txs: Collection[int]) -> int:
        """Return how many inputs and outputs transactions have together."""
        made = self._made
        return sum(int(made["tx_inputs"][tx]) + int(made["tx_outputs"][tx]) for tx in txs)

    def spent(self, tx: int) -> list[Coin]:
        """Return the coins that a transaction spends, in order."""
        made = self._made
        a, b = int(made["in_ptr"][tx]), int(made["in_ptr"][tx + 1])
        columns = (made[name][a:b].tolist() for name in
                   ("in_prev_tx", "in_prev_n", "in_val", "in_addr", "in_kind"))  # fmt: skip
        coins = []
        for row, (prev, n, value, address, kind) in enumerate(zip(*columns, strict=True), a):
            number, txid = self._stray(row) if prev == NONE else (None, None)
            coins.append(
                Coin(
                    None if prev == NONE else prev, n, None if value < 0 else value,
                    self.address(address), kind_of(kind), True, number, txid,
                )
            )  # fmt: skip
        return coins

    def _stray(self, row: int) -> tuple[int | None, bytes]:
        """Return what an input says of a transaction that was not read."""
        made = self._made
        place = int(np.searchsorted(made["stray_in"], row))
        number = int(made["stray_tx"][place])
        return number if number >= 0 else None, made["stray_id"][place].tobytes()

    def made(self, tx: int) -> list[Coin]:
        """Return the coins that a transaction makes, in order."""
        made = self._made
        a, b = int(made["out_ptr"][tx]), int(made["out_ptr"][tx + 1])
        columns = (made[name][a:b].tolist() for name in
                   ("out_n", "out_val", "out_addr", "out_kind", "out_spendable"))  # fmt: skip
        return [
            Coin(tx, n, value, self.address(address), kind_of(kind), bool(spendable), None, None)
            for n, value, address, kind, spendable in zip(*columns, strict=True)
        ]

    def lacking(self, tx: int) -> str:
        """Return in words what of a transaction was not read; nothing where all of it was."""
        made = self._made
        for name, side, told in (("inputs", "in", "tx_inputs"), ("outputs", "out", "tx_outputs")):
            read = int(made[f"{side}_ptr"][tx + 1] - made[f"{side}_ptr"][tx])
            if read != made[told][tx]:
                return f"{read} of {int(made[told][tx])} {name}"
        return ""

    def spender(self, tx: int, n: int) -> int | None:
        """Return the transaction that spends an output, wherever it lies; None if none was read."""
        made, row = self._made, self.row_of(tx, n)
        if row is None:
            return None
        by = int(made["out_spender"][row])
        return None if by == NONE else self.spender_of(by)

    def misplaced(self, tx: int, n: int) -> int | None:
        """Return the number of a transaction that spends an output before it was made."""
        return self.ready.misplaced.get((self.number(tx), n)) if self._has_strays else None

    @property
    def _has_strays(self) -> bool:
        return bool(len(self._made["stray_tx"]))

    def history_of(self, address: bytes) -> AsOf | None:
        """Return up to which block every payment to and by an address was read; None where not."""
        return self.ready.status.history_of(address)

    def unspent(self, coin: Coin) -> AsOf | str:
        """Return up to which block an output without a spender is unspent, or why nobody knows."""
        tx = coin.tx or 0  # a coin that was followed here was read where it was made
        height, status = self.height(tx), self.ready.status
        owner = owner_key(coin.address, self.ready.scripts.get((self.number(tx), coin.n)))
        known = status.unspent(height, self.ready.blocks.get(height), owner)
        return known or status.why_not(height, owner)

    def row_of(self, tx: int, n: int) -> int | None:
        """Return the place of an output among all, if it was read."""
        made = self._made
        a, b = int(made["out_ptr"][tx]), int(made["out_ptr"][tx + 1])
        row = a + n
        if row >= b or made["out_n"][row] != n:
            row = a + int(np.searchsorted(made["out_n"][a:b], n))
        return row if row < b and made["out_n"][row] == n else None

    def makers(self, rows: NDArray[Any] | list[int]) -> list[int]:
        """Return the transactions that make outputs, by the places of these among all."""
        places = np.searchsorted(self._made["out_ptr"], rows, side="right") - 1
        found: list[int] = places.tolist()
        return found

    def spender_of(self, row: int) -> int:
        """Return the transaction of an input, by its place among all."""
        return int(np.searchsorted(self._made["in_ptr"], row, side="right")) - 1

    def listed(self, side: str, one: int) -> NDArray[Any]:
        """Return the places of the inputs (*in*) or outputs (*out*) of an address, in order."""
        ptr = self._made[f"addr_{side}_ptr"]
        return self._made[f"addr_{side}"][ptr[one] : ptr[one + 1]].astype(np.int64)

    def number_of(self, address: bytes) -> int | None:
        """Return the dense number of an address, if it was read; it is looked up once."""
        known = self.ready.numbers
        if address not in known:
            known[address] = self.ready.index.number_of(address)
        return known[address]

    def depth(self, tx: int) -> int:
        """Return how many transactions of its own block stand one behind the other before one.

        Where the order of the block says it already, that is nothing.
        """
        if parents_first(self.ready.index.chain):
            return 0
        due, open_ = [tx], set()
        while due:
            one = due[-1]
            above = self._in_block(one)
            unknown = [prev for prev in above if prev not in self._depths]
            if unknown:
                if one in open_:
                    where = f"transaction {txid_text(self.txid(one), self.ready.index.chain)}"
                    raise LedgerError(
                        "a transaction spends from itself", where=where, remedy="run check(ledger)"
                    )
                open_.add(one)
                due += unknown
            else:
                depth = 1 + max(map(self._depths.__getitem__, above)) if above else 0
                self._depths[due.pop()] = depth
        return self._depths[tx]

    def _in_block(self, tx: int) -> list[int]:
        """Return the transactions of its own block that a transaction spends from."""
        made, height = self._made, self.height(tx)
        prevs = made["in_prev_tx"][made["in_ptr"][tx] : made["in_ptr"][tx + 1]].tolist()
        return [prev for prev in prevs if prev != NONE and self.height(prev) == height]

    def address(self, one: int) -> bytes | None:
        """Return an address by its dense number."""
        if one == NONE:
            return None
        found = self._addresses.get(one)
        if found is None:
            ptr = self._made["addr_ptr"]
            found = self._made["addr_bytes"][ptr[one] : ptr[one + 1]].tobytes()
            self._addresses[one] = found
        return found


def kind_of(code: int) -> str | None:
    """Return the kind of an output's script by its code in the columns."""
    return KINDS[code] if code < len(KINDS) else None


def _micros(moment: datetime) -> int:
    return (moment - EPOCH) // timedelta(microseconds=1)
