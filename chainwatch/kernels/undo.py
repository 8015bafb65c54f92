"""Undo data to columns: what the inputs of parsed blocks spent, checked on the way.

The loops make the same checks as :mod:`chainwatch.bitcoin.undo`, in the same order; that
module is the reference, and tests compare the two on broken data. Two things are left to the
caller: the checksum of each record, and whether a public key of which undo data keeps one
coordinate is a point of its curve.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from chainwatch.chains.base import Forms
from chainwatch.kernels import block_columns as at
from chainwatch.kernels.parse import Columns, Parsed, settled

_SMALLEST_COIN = 3


class Coins(NamedTuple):
    """What inputs spent: columns, the bytes they point into, and the first record that failed.

    Attributes
    ----------
    columns : dict of str to array
        ``coin_value``, base units; ``coin_script, coin_script_end``, bytes of ``data``;
        ``coin_kind``, as in :data:`chainwatch.kernels.block_columns.KINDS`. A row per input of each
        transaction but the coinbases, in their order. What undo data leaves out of a script is
        not in ``data`` either: its place is that of the whole one.
    data : array of uint8
        All records joined.
    half_keys : array of int64
        Rows whose script is a public key of which only one coordinate stands in ``data``.
    records : array of int64
        The record of each row.
    failure : tuple of (int, str), or None
        The record that failed, and what is wrong with it. Its rows up to there are included.
    """

    columns: Columns
    data: NDArray[np.uint8]
    half_keys: NDArray[np.int64]
    records: NDArray[np.int64]
    failure: tuple[int, str] | None


def parse_undo_records(
    records: Sequence[bytes], parsed: Parsed, *, supply: int, forms: Forms
) -> Coins:
    """Read undo data up to the first record that fails.

    Parameters
    ----------
    records : sequence of bytes
        Undo data of the first blocks of ``parsed``, in their order, without checksums.
    parsed : Parsed
        Blocks, all of which passed.
    supply : int
        Largest amount of the chain, base units.
    forms : Forms
        What the chain gives a meaning.
    """
    from chainwatch.kernels.undo_loops import scan_undo

    data = np.frombuffer(b"".join(records), np.uint8)
    sizes = np.fromiter((len(record) for record in records), np.int64, len(records))
    ends = np.cumsum(sizes)
    # Untouched memory is not taken: room for the most rows that these bytes could hold is free.
    coins = np.empty((data.size // _SMALLEST_COIN + 1, at.COIN_COLUMNS), np.int64)
    counts, filled = np.empty(data.size + 1, np.int64), np.zeros(2, np.int64)
    begun, fail = np.zeros(2, np.int64), np.zeros(3, np.int64)
    columns = parsed.columns
    inputs = np.diff(columns["tx_first_in"], append=len(columns["in_tx"]))
    passed = int(scan_undo(
        data, ends - sizes, ends, np.array((supply, int(forms)), np.int64),
        np.ascontiguousarray(columns["block_tx"]), np.ascontiguousarray(columns["block_txs"]),
        inputs, np.ascontiguousarray(columns["tx_value"]),
        np.ascontiguousarray(columns["block_extended"]), coins, counts, filled, begun, fail,
    ))  # fmt: skip
    failure = None if passed == len(records) else (passed, _said(fail, columns))
    return _named(data, coins[: filled[1]], ends, failure)


def _said(fail: NDArray[np.int64], columns: Columns) -> str:
    code, _, number = map(int, fail)
    of_tx = code in (at.UNDO_TOO_MUCH, at.UNDO_TOO_LITTLE)
    txid = columns["txid"][number].tobytes()[::-1].hex() if of_tx else ""
    return at.SENTENCES[code].format(number % 2**64, number, txid)


def _named(
    data: NDArray[np.uint8], coins: NDArray[np.int64], ends: NDArray[np.int64],
    failure: tuple[int, str] | None,
) -> Coins:  # fmt: skip
    """Name the columns of the table; a place that a short script would have is in its record."""
    starts, stops = coins[:, at.COIN_SCRIPT], coins[:, at.COIN_SCRIPT_END]
    half = np.flatnonzero(coins[:, at.COIN_KIND] == at.HALF_KEY)
    kinds = settled(data, coins[:, at.COIN_KIND], starts, stops)
    kinds[half] = at.P2PK
    columns = {
        "coin_value": coins[:, at.COIN_VALUE],
        "coin_script": starts,
        "coin_script_end": stops,
        "coin_kind": kinds,
    }
    return Coins(columns, data, half, np.searchsorted(ends, stops, "left"), failure)
