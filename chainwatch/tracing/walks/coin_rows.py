"""Places of coins as columns: out of the numbers of an index, many at a time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from chainwatch.ledger.index.build import KINDS, NONE
from chainwatch.ledger.index.rows import addresses_at
from chainwatch.ledger.schema import POSITION_BITS
from chainwatch.results.table import Table
from chainwatch.tracing.stops import End
from chainwatch.tracing.walks import coin_ends
from chainwatch.tracing.walks.utxo_graph import Coin, Coins

Array = NDArray[Any]

_AT_OUTPUT, _AT_INPUT = 0, 1
_FEE = -1


class Places:
    """The places of rows that a compiled walk left; see :mod:`chainwatch.kernels.following.rows`.

    Parameters
    ----------
    coins : Coins
        The chain.
    """

    def __init__(self, coins: Coins) -> None:
        self._coins, self._made = coins, coins.ready.index.columns

    def at(self, row: Array, tx: Array) -> dict[str, Any]:
        """Return the place of outputs, of which the transactions are known."""
        made = self._made
        return {
            "tx": made["tx_number"][tx], "txid": _ids(made["tx_id"][tx]), "n": made["out_n"][row],
            "time": made["tx_time"][tx],
        }  # fmt: skip

    def of(self, place: Array, row: Array, tx: Array) -> dict[str, Any]:
        """Return address and place of outputs, of what inputs spend, and of fees."""
        made = self._made
        outs, ins = np.flatnonzero(place == _AT_OUTPUT), np.flatnonzero(place == _AT_INPUT)
        maker = tx.copy()
        address = np.full(len(row), NONE, np.uint32)
        n = np.full(len(row), _FEE, np.int64)
        address[outs], n[outs] = made["out_addr"][row[outs]], made["out_n"][row[outs]]
        address[ins], n[ins] = made["in_addr"][row[ins]], made["in_prev_n"][row[ins]]
        prev = made["in_prev_tx"][row[ins]]
        known = prev != NONE
        maker[ins[known]] = prev[known]
        ids, number = made["tx_id"][maker], made["tx_number"][maker]
        stray = ins[~known]
        unknown = np.zeros(len(row), np.bool_)
        if len(stray):
            where = np.searchsorted(made["stray_in"], row[stray])
            ids[stray], number[stray] = made["stray_id"][where], made["stray_tx"][where]
            unknown[stray] = number[stray] < 0
        return {
            "address": addresses_at(made, address), "tx": _nulled(number, unknown),
            "txid": _ids(ids), "n": n, "time": made["tx_time"][maker],
        }  # fmt: skip

    def addresses(self, side: str, row: Array) -> pl.Series:
        """Return the addresses of outputs, or of what inputs spend."""
        return addresses_at(self._made, self._made[f"{side}_addr"][row])

    def makers(self, row: Array) -> pl.Series:
        """Return the numbers of the transactions that made what inputs spend."""
        made = self._made
        prev = made["in_prev_tx"][row]
        stray = prev == NONE
        number = made["tx_number"][np.where(stray, 0, prev)]
        if stray.any():
            number[stray] = made["stray_tx"][np.searchsorted(made["stray_in"], row[stray])]
        return _nulled(number, stray & (number < 0))

    def kind(self, row: int) -> str | None:
        """Return the kind of an output."""
        code = int(self._made["out_kind"][row])
        return KINDS[code] if code < len(KINDS) else None

    def alike_unspent(self, row: Array, tx: Array) -> Array:
        """Return numbers that are equal where one thing is said of outputs without a spender."""
        coins, made = self._coins, self._made
        if coins.ready.status.histories or len(made["stray_tx"]):
            return row  # each may be of an address, or be spent out of place
        nameless = made["out_addr"][row] == NONE
        height: Array = made["tx_number"][tx] >> POSITION_BITS
        found: Array = 2 * height + nameless
        return found

    def unspent(self, row: int, tx: int) -> End:
        """Return the end at an output without a spender."""
        coins, made = self._coins, self._made
        n = int(made["out_n"][row])
        by = coins.misplaced(tx, n)
        if by is not None:
            return coin_ends.misplaced(by)
        address = coins.address(int(made["out_addr"][row]))
        return coin_ends.unspent(coins.unspent(Coin(tx, n, None, address, None, True, None, None)))


def frame_of(table: Table, columns: Mapping[str, Any]) -> pl.DataFrame:
    """Return columns in the order and the types of a table; what is not there is null."""
    count = len(next(iter(columns.values())))
    return pl.DataFrame(
        [
            pl.Series(name, columns[name]).cast(dtype)
            if name in columns
            else pl.Series(name, [], dtype=dtype).extend_constant(None, count)
            for name, dtype in table.schema.items()
        ]
    )


def _ids(ids: Array) -> pl.Series:
    joined, width = ids.tobytes(), ids.shape[1]
    return pl.Series(
        [joined[at : at + width] for at in range(0, len(joined), width)], dtype=pl.Binary
    )


def _nulled(values: Array, unknown: Array) -> pl.Series:
    return pl.Series(values).set(pl.Series(unknown), None) if unknown.any() else pl.Series(values)
