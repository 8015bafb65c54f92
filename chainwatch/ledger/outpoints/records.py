"""What an outpoint is worth: records of 48 bytes, a transaction before each of its outputs.

Every record carries a checksum, so that a file that was damaged is seen before it is believed.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from chainwatch.kernels.intern import bytes_of
from chainwatch.ledger.index.build import KINDS, codes_of
from chainwatch.ledger.outpoints.sorted_runs import Damaged, read_at

SIZE = 48
_HEAD = np.dtype([("txid", "V32"), ("tx", "<i8"), ("count", "<u4"), ("sum", "<u4")])
_LONGEST = 34
_OUTPUT = np.dtype(
    [("value", "<i8"), ("kind", "u1"), ("size", "u1"), ("address", "u1", _LONGEST), ("sum", "<u4")]
)
_LONG, _NONE = 255, 254
"""In place of the size of an address: it is longer than fits, or there is none."""

_WEIGHTS = np.arange(SIZE // 4 - 1, dtype=np.uint32) * np.uint32(0x9E3779B2) + np.uint32(1)


class NotDense(Exception):
    """Outputs of a transaction are missing: such a table has no list of outpoints."""


def records_of(txs: pl.DataFrame, outs: pl.DataFrame) -> tuple[NDArray[Any], NDArray[np.int64]]:
    """Return the records of transactions and outputs, and at which each transaction begins.

    Parameters
    ----------
    txs : polars.DataFrame
        ``tx, txid, output_count``, sorted by ``tx``.
    outs : polars.DataFrame
        ``tx, n, value, script_kind, address`` of the same transactions, sorted by ``tx, n``.

    Raises
    ------
    NotDense
        If they are not all outputs of these transactions.
    """
    counts, owners = txs["output_count"].to_numpy(), outs["tx"].to_numpy()
    begins = np.cumsum(counts) - counts
    numbers = np.arange(len(outs), dtype=np.int64) - np.repeat(begins, counts)[: len(outs)]
    same = len(outs) == int(counts.sum()) and np.array_equal(
        owners, np.repeat(txs["tx"].to_numpy(), counts)
    )
    if not same or not np.array_equal(outs["n"].to_numpy(), numbers):
        raise NotDense
    places = begins + np.arange(len(txs))
    records = np.zeros((len(txs) + len(outs), SIZE), np.uint8)
    heads = np.zeros(len(txs), _HEAD)
    heads["txid"] = bytes_of(txs["txid"])[0].view("V32")
    heads["tx"], heads["count"] = txs["tx"].to_numpy(), counts
    records[places] = heads.view(np.uint8).reshape(-1, SIZE)
    rows = np.ones(len(records), bool)
    rows[places] = False
    records[rows] = _outputs(outs).view(np.uint8).reshape(-1, SIZE)
    records.view("<u4")[:, -1] = _sums(records)
    return records, places


def _outputs(outs: pl.DataFrame) -> NDArray[Any]:
    made = np.zeros(len(outs), _OUTPUT)
    made["value"], made["kind"] = outs["value"].to_numpy(), codes_of(outs["script_kind"])
    sizes = outs["address"].bin.size().cast(pl.Int64)
    long = (sizes > _LONGEST).fill_null(value=False)
    kept = pl.when(long).then(_LONG).otherwise(sizes.fill_null(_NONE))
    made["size"] = outs.select(kept.cast(pl.UInt8)).to_series().to_numpy()
    short = outs["address"].set(long, None).fill_null(b"")
    joined, starts = bytes_of(short)
    lengths = np.diff(starts)
    columns = np.arange(len(joined)) - np.repeat(starts[:-1], lengths)
    made["address"][np.repeat(np.arange(len(outs)), lengths), columns] = joined
    return made


def _sums(records: NDArray[np.uint8]) -> NDArray[np.uint32]:
    """Return the checksum of each record: no change of a single word keeps it."""
    words = records.view("<u4")[:, :-1]
    sums: NDArray[np.uint32] = (words * (_WEIGHTS | np.uint32(1))).sum(axis=1, dtype=np.uint32)
    return sums


def read_heads(path: Path, places: Sequence[int] | NDArray[Any]) -> NDArray[Any]:
    """Return the records of transactions at different ascending places.

    Raises
    ------
    Damaged
        If a record is not as it was written.
    """
    return _read(path, np.asarray(places, np.int64)).view(_HEAD).reshape(-1)


def read_outputs(path: Path, places: NDArray[Any]) -> tuple[pl.DataFrame, NDArray[np.bool_]]:
    """Return ``value, script_kind, address`` at different ascending places; and which are long.

    The address of a long one is not in its record.

    Raises
    ------
    Damaged
        If a record is not as it was written.
    """
    made = _read(path, np.asarray(places, np.int64)).view(_OUTPUT).reshape(-1)
    sizes, texts = made["size"].tolist(), made["address"].tobytes()
    found = [
        None if size > _LONGEST else texts[_LONGEST * k : _LONGEST * k + size]
        for k, size in enumerate(sizes)
    ]
    kinds = pl.Series([*KINDS, None], dtype=pl.String).gather(made["kind"])
    columns = {
        "value": pl.Series(np.ascontiguousarray(made["value"])), "script_kind": kinds,
        "address": pl.Series(found, dtype=pl.Binary),
    }  # fmt: skip
    return pl.DataFrame(columns), made["size"] == _LONG


def _read(path: Path, places: NDArray[np.int64]) -> NDArray[np.uint8]:
    if not len(places):
        return np.empty((0, SIZE), np.uint8)
    with path.open("rb", buffering=0) as handle:
        records = read_at(handle, places, SIZE)
    if not np.array_equal(records.view("<u4")[:, -1], _sums(records)):
        raise Damaged(f"a record of {path.name} was damaged")
    return records
