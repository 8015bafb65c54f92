"""From the tables of one chain to the columns of its index: dense numbers, and pointers both ways.

Addresses are numbered in the order in which they are first seen, an input before the outputs of
its transaction. All columns of an index follow from the tables: built from an older index and the
rows after it, they are the same as built anew.

Rows are read some transactions at a time and put into columns of the full length, so that the
tables are never held whole, and no object is made for an address.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from chainwatch.addresses.bip32 import hash160
from chainwatch.errors import LedgerError
from chainwatch.kernels.graphs.groups import listed
from chainwatch.kernels.intern import Interner, bytes_of, order_of, series_of
from chainwatch.ledger.index.build import MOST, NONE, STORED, Rows, codes_of, marks_of, rows_of
from chainwatch.ledger.ledger import Ledger

Columns = dict[str, NDArray[Any]]

PORTION = 250_000
"""Transactions that are read at a time."""

_WIDTHS = {"tx_id": 32, "stray_id": 32, "bare_hash": 20}
"""Bytes of a row of the columns that have more than one."""

_LISTED = ("stray_in", "stray_id", "stray_tx", "bare_tx", "bare_n", "bare_size", "bare_hash")
"""Columns whose length shows only at the end."""


def columns_of(ledger: Ledger, old: Mapping[str, NDArray[Any]] | None = None) -> Columns:
    """Return the columns of an index.

    Parameters
    ----------
    ledger : Ledger
        Looks at one chain; its whole history is indexed.
    old : mapping of str to array, optional
        Columns of an index of the transactions up to a number, with all their rows; what comes
        after is added.

    Raises
    ------
    LedgerError
        If a number of a transaction is there twice, an input or output belongs to no
        transaction, or there are more rows than 32 bits can number.
    """
    whole = ledger.history
    last = int(old["tx_number"][-1]) if old is not None and len(old["tx_number"]) else -1
    added = {
        name: whole._whole(name).filter(pl.col("tx") > last)
        for name in ("transactions", "inputs", "outputs")
    }
    numbers = added["transactions"].select("tx").collect()["tx"].sort().to_numpy()
    if (np.diff(numbers) == 0).any():
        raise LedgerError("a transaction stands in the ledger twice")
    ins, outs = (
        int(added[name].select(pl.len()).collect().item()) for name in ("inputs", "outputs")
    )
    made = Growing(len(numbers), ins, outs, old or {})
    bounds = [last + 1, *numbers[PORTION::PORTION].tolist(), MOST]
    for begin, end in pairwise(bounds):
        made.add(rows_of(whole, begin, end))
    return made.finished()


class Growing:
    """The columns of an index while rows are added, in the order of transactions.

    Parameters
    ----------
    txs, ins, outs : int
        How many rows will be added.
    old : mapping of str to array
        The columns of the index that they are added to; empty where there is none.
    """

    def __init__(self, txs: int, ins: int, outs: int, old: Mapping[str, NDArray[Any]]) -> None:
        added = {"tx": txs, "in": ins, "out": outs}
        self._rows = {side: len(old.get(key, ())) for side, key in
                      (("tx", "tx_number"), ("in", "in_n"), ("out", "out_n"))}  # fmt: skip
        if any(self._rows[side] + more >= NONE for side, more in added.items()):
            raise LedgerError("more rows than an index can number")
        self._made: Columns = {}
        for name, dtype in STORED.items():
            pointer = name in ("in_ptr", "out_ptr")
            side = "tx" if pointer else name.split("_")[0]
            if side in added:
                size = self._rows[side] + added[side] + pointer
                self._made[name] = self._begun(old, name, size, dtype)
        self._lists = {name: [old[name]] if old else [] for name in _LISTED}
        self._addresses = Interner()
        if old:
            self._addresses.add(series_of(old["addr_bytes"], old["addr_ptr"]))

    @staticmethod
    def _begun(old: Mapping[str, NDArray[Any]], name: str, size: int, dtype: str) -> NDArray[Any]:
        """Return a column of full length that begins with what is there."""
        shape = (size, _WIDTHS[name]) if name in _WIDTHS else (size,)
        column = np.zeros(shape, dtype) if name.endswith("_ptr") else np.empty(shape, dtype)
        if name == "out_spender":
            column[:] = NONE
        if old:
            column[: len(old[name])] = old[name]
        return column

    def add(self, rows: Rows) -> None:
        """Add the rows of the transactions that come next."""
        owners = {
            side: _owners(rows.txs["tx"], frame["tx"], side)
            for side, frame in (("in", rows.ins), ("out", rows.outs))
        }
        begins = {side: self._rows[side] for side in self._rows}
        for name, column in _own(rows).items():
            self._put(name, column, begins[name.split("_")[0]])
        for side, owner in owners.items():
            ends = np.cumsum(np.bincount(owner, minlength=rows.txs.height))
            self._put(f"{side}_ptr", ends + begins[side], begins["tx"] + 1)
        self._rows = {
            "tx": begins["tx"] + rows.txs.height,
            "in": begins["in"] + rows.ins.height,
            "out": begins["out"] + rows.outs.height,
        }
        self._spend(rows, begins["in"])
        self._name(rows, owners, begins)
        self._note_keys(rows.keys)

    def _put(self, name: str, column: NDArray[Any], begin: int) -> None:
        self._made[name][begin : begin + len(column)] = column

    def _spend(self, rows: Rows, begin: int) -> None:
        """Write what inputs spend and who spends outputs, as places in the columns."""
        made, numbers = self._made, self._made["tx_number"][: self._rows["tx"]]
        wanted = rows.ins["prev_tx"].fill_null(-1).to_numpy()
        places = rows.ins["prev_n"].to_numpy()
        prev = _dense(numbers, wanted)
        known = np.flatnonzero(prev != NONE)
        out = np.full(len(prev), NONE, np.uint32)
        first = made["out_ptr"][prev[known]]
        end = made["out_ptr"][prev[known].astype(np.int64) + 1]
        place = first + places[known]
        inside = place < end
        exact = np.zeros(len(known), np.bool_)
        exact[inside] = made["out_n"][place[inside]] == places[known[inside]]
        out[known[exact]] = place[exact]
        for k in np.flatnonzero(~exact):  # outputs of the transaction were read in part
            row, span = known[k], made["out_n"][first[k] : end[k]]
            at = int(np.searchsorted(span, places[row]))
            if at < len(span) and span[at] == places[row]:
                out[row] = first[k] + at
        self._put("in_prev_tx", prev, begin)
        self._put("in_prev_out", out, begin)
        self._spent_by(out, begin)
        stray = np.flatnonzero(prev == NONE)
        ids = bytes_of(rows.ins["prev_txid"].gather(stray))[0].reshape(-1, 32)
        self._note(stray_in=stray + begin, stray_id=ids, stray_tx=wanted[stray])

    def _spent_by(self, out: NDArray[np.uint32], begin: int) -> None:
        """Note who spends outputs: of two that spend one output the first stands."""
        spender = self._made["out_spender"]
        rows = np.flatnonzero(out != NONE)[::-1]
        rows = rows[spender[out[rows]] == NONE]
        spender[out[rows]] = rows + begin

    def _name(self, rows: Rows, owners: Columns, begins: Mapping[str, int]) -> None:
        """Number the addresses as they are first seen."""
        ins, outs = rows.ins.height, rows.outs.height
        end = begins["tx"] + rows.txs.height + 1
        ptr = {side: self._made[f"{side}_ptr"][begins["tx"] : end] - begins[side]
               for side in ("in", "out")}  # fmt: skip
        order = np.empty(ins + outs, np.int64)
        # In the order of the chain an input stands behind all outputs of earlier transactions.
        order[np.arange(ins) + ptr["out"][owners["in"]]] = np.arange(ins)
        order[np.arange(outs) + ptr["in"][owners["out"] + 1]] = np.arange(ins, ins + outs)
        stream = pl.concat([rows.ins["address"], rows.outs["address"]]).gather(order)
        known = stream.is_not_null().to_numpy()
        ids = np.full(ins + outs, NONE, np.uint32)
        ids[order[known]] = self._addresses.add(stream.drop_nulls())
        self._put("in_addr", ids[:ins], begins["in"])
        self._put("out_addr", ids[ins:], begins["out"])

    def _note_keys(self, keys: pl.DataFrame) -> None:
        hashes = {key: hash160(key) for key in keys["key"].unique().to_list()}  # of one, many rows
        joined = b"".join(hashes[key] for key in keys["key"])
        self._note(
            bare_tx=keys["tx"].to_numpy(),
            bare_n=keys["n"].to_numpy(),
            bare_size=keys["key"].bin.size().to_numpy(),
            bare_hash=np.frombuffer(joined, np.uint8).reshape(-1, 20),
        )

    def _note(self, **columns: NDArray[Any]) -> None:
        for name, column in columns.items():
            self._lists[name].append(column.astype(STORED[name]))

    def finished(self) -> Columns:
        """Return all columns, once every row was added."""
        made = self._made
        for name, parts in self._lists.items():
            made[name] = np.concatenate(parts)
        values, starts = self._addresses.columns()
        self._addresses = Interner()  # its table is as large as what is still to be made
        count = len(starts) - 1
        order = order_of(values, starts)
        rank = np.empty(count, np.uint32)
        rank[order] = np.arange(count, dtype=np.uint32)
        made |= {
            "addr_ptr": starts, "addr_bytes": values, "addr_rank": rank,
            "addr_order": order.astype(np.uint32),
        }  # fmt: skip
        for side in ("in", "out"):
            made[f"addr_{side}_ptr"], made[f"addr_{side}"] = listed(
                made[f"{side}_addr"], NONE, count
            )
        begins = np.arange(len(made["tx_number"]) + 1, dtype=np.int64) * 32
        made["id_order"] = order_of(made["tx_id"].reshape(-1), begins)
        return {
            name: np.ascontiguousarray(made.pop(name), dtype) for name, dtype in STORED.items()
        }  # fmt: skip


def _own(rows: Rows) -> Columns:
    """Return what says nothing of other rows."""
    txs, ins, outs, _ = rows
    return {
        "tx_number": txs["tx"].to_numpy(),
        "tx_time": txs["time"].to_physical().to_numpy(),
        "tx_id": bytes_of(txs["txid"])[0].reshape(-1, 32),
        "tx_inputs": txs["input_count"].to_numpy(),
        "tx_outputs": txs["output_count"].to_numpy(),
        "tx_version": txs["version"].to_numpy(),
        "tx_value": txs["output_value"].to_numpy(),
        "tx_coinbase": txs["coinbase"].cast(pl.UInt8).to_numpy(),
        "in_n": ins["n"].to_numpy(),
        "in_prev_n": ins["prev_n"].to_numpy(),
        "in_val": ins["value"].fill_null(-1).to_numpy(),
        "in_kind": codes_of(ins["script_kind"]),
        "in_marks": marks_of(ins),
        "out_n": outs["n"].to_numpy(),
        "out_val": outs["value"].to_numpy(),
        "out_kind": codes_of(outs["script_kind"]),
        "out_spendable": outs["spendable"].cast(pl.UInt8).to_numpy(),
    }


def _owners(numbers: pl.Series, asked: pl.Series, side: str) -> NDArray[np.int64]:
    """Return the place of the transaction of each row."""
    places = _dense(numbers.to_numpy(), asked.to_numpy())
    if (places == NONE).any():
        raise LedgerError(f"an {side}put belongs to no transaction of the ledger")
    return places.astype(np.int64)


def _dense(numbers: NDArray[np.int64], asked: NDArray[np.int64]) -> NDArray[np.uint32]:
    """Return the places of numbers in a sorted column; NONE where absent."""
    if not len(numbers):
        return np.full(len(asked), NONE, np.uint32)
    place = np.minimum(np.searchsorted(numbers, asked), len(numbers) - 1)
    return np.where(numbers[place] == asked, place, NONE).astype(np.uint32)
