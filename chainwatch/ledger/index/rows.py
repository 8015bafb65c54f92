"""Rows of the schema out of the columns of an index: the way back from dense numbers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from chainwatch.chains.base import Chain
from chainwatch.ledger import schema
from chainwatch.ledger.index.build import KINDS, NONE

Frames = tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]

TRANSACTIONS = ("tx", "txid", "time", "input_count", "output_value", "coinbase")
INPUTS = ("tx", "n", "prev_txid", "prev_n", "prev_tx", "value", "address", "script_kind")
STRAYS = ("tx", "n", "prev_txid", "prev_n", "value")
OUTPUTS = ("tx", "n", "value", "address", "script_kind", "spender")
"""Columns that a look-up gives out; ``spender`` is the number of the transaction that spends it."""

_TYPES = {**schema.TRANSACTIONS.schema, **schema.INPUTS.schema, "spender": pl.Int64}


def rows_at(made: Mapping[str, NDArray[Any]], txs: NDArray[np.int64], chain: Chain) -> Frames:
    """Return transactions by their places in the columns, with their inputs and outputs."""
    ins, outs = (_rows(made[f"{side}_ptr"], txs) for side in ("in", "out"))
    return _transactions(made, txs), _inputs(made, *ins), _outputs(made, *outs)


def _rows(ptr: NDArray[np.int64], owners: NDArray[np.int64]) -> tuple[Any, Any]:
    """Return the rows of several owners, and the owner of each."""
    counts = ptr[owners + 1] - ptr[owners]
    ends = np.cumsum(counts)
    inner = np.arange(int(ends[-1]) if len(ends) else 0) - np.repeat(ends - counts, counts)
    return np.repeat(ptr[owners], counts) + inner, np.repeat(owners, counts)


def _frame(names: tuple[str, ...], columns: Mapping[str, Any]) -> pl.DataFrame:
    series = [pl.Series(name, columns[name]).cast(_TYPES[name]) for name in names]
    return pl.DataFrame(series)


def inputs_at(made: Mapping[str, NDArray[Any]], rows: NDArray[np.uint32]) -> pl.DataFrame:
    """Return inputs by their places in the columns."""
    return _inputs(made, rows, np.searchsorted(made["in_ptr"], rows, side="right") - 1)


def _transactions(made: Mapping[str, NDArray[Any]], txs: NDArray[np.int64]) -> pl.DataFrame:
    ids = [row.tobytes() for row in made["tx_id"][txs]]
    return _frame(TRANSACTIONS, {
        "tx": made["tx_number"][txs], "txid": pl.Series(ids, dtype=pl.Binary),
        "time": made["tx_time"][txs], "input_count": made["tx_inputs"][txs],
        "output_value": made["tx_value"][txs], "coinbase": made["tx_coinbase"][txs] != 0,
    })  # fmt: skip


def _inputs(made: Mapping[str, NDArray[Any]], rows: Any, owners: Any) -> pl.DataFrame:
    values = pl.Series(made["in_val"][rows])
    ids, numbers = _spent(made, rows)
    return _frame(INPUTS, {
        "tx": made["tx_number"][owners], "n": made["in_n"][rows],
        "prev_txid": pl.Series(ids, dtype=pl.Binary), "prev_n": made["in_prev_n"][rows],
        "prev_tx": pl.Series(numbers, dtype=pl.Int64), "value": values.set(values < 0, None),
        "address": addresses_at(made, made["in_addr"][rows]),
        "script_kind": _kinds(made["in_kind"][rows]),
    })  # fmt: skip


def _spent(made: Mapping[str, NDArray[Any]], rows: Any) -> tuple[list[bytes], list[int | None]]:
    """Return the txid and the number of what inputs spend; the number may be unknown."""
    ids: list[bytes] = []
    numbers: list[int | None] = []
    for row, prev in zip(rows.tolist(), made["in_prev_tx"][rows].tolist(), strict=True):
        if prev != NONE:
            ids.append(made["tx_id"][prev].tobytes())
            numbers.append(int(made["tx_number"][prev]))
            continue
        stray = int(np.searchsorted(made["stray_in"], row))
        number = int(made["stray_tx"][stray])
        ids.append(made["stray_id"][stray].tobytes())
        numbers.append(number if number >= 0 else None)
    return ids, numbers


def _outputs(made: Mapping[str, NDArray[Any]], rows: Any, owners: Any) -> pl.DataFrame:
    spender = made["out_spender"][rows]
    spent = spender != NONE
    places = np.searchsorted(made["in_ptr"], spender[spent], side="right") - 1
    numbers = np.full(len(rows), -1, np.int64)
    numbers[spent] = made["tx_number"][places]
    by = pl.Series(numbers)
    return _frame(OUTPUTS, {
        "tx": made["tx_number"][owners], "n": made["out_n"][rows], "value": made["out_val"][rows],
        "address": addresses_at(made, made["out_addr"][rows]),
        "script_kind": _kinds(made["out_kind"][rows]), "spender": by.set(by < 0, None),
    })  # fmt: skip


def addresses_at(made: Mapping[str, NDArray[Any]], ids: NDArray[np.uint32]) -> pl.Series:
    """Return addresses by their dense numbers; null for none."""
    unique, places = np.unique(ids, return_inverse=True)
    known = unique[unique != NONE]  # the highest number of all: it comes last
    ptr, values = made["addr_ptr"], made["addr_bytes"]
    begin, end = ptr[known].tolist(), ptr[known + 1].tolist()
    keys: list[bytes | None] = [values[a:b].tobytes() for a, b in zip(begin, end, strict=True)]
    keys += [None] * (len(unique) - len(known))
    return gathered(pl.Series(keys, dtype=pl.Binary), places)


def gathered(series: pl.Series, places: NDArray[Any]) -> pl.Series:
    """Return what stands at some places of a column: ``gather`` costs a query of its own."""
    return series[places]


def _kinds(codes: NDArray[np.uint8]) -> pl.Series:
    return pl.Series([*KINDS, None], dtype=pl.String).gather(codes)
