"""From the tables of one chain to the columns of its index: dense numbers, and pointers both ways.

Rows are sorted by (tx, n), so a dense number is a place in a column. Addresses are numbered in the
order in which they are first seen, an input before the outputs of its transaction. All columns of
an index follow from the tables: built from an older index and the rows after it, they are the
same as built anew.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from chainwatch.addresses.bip32 import hash160
from chainwatch.errors import LedgerError
from chainwatch.kernels.intern import bytes_of, intern
from chainwatch.ledger.ledger import Ledger

Columns = dict[str, NDArray[Any]]

NONE = 0xFFFFFFFF
"""Stands for no transaction, output, input or address in a column of dense numbers."""

KINDS = (
    "p2pkh", "p2sh", "p2wpkh", "p2wsh", "p2tr", "witness_unknown", "p2pk", "multisig", "null_data",
    "nonstandard", "p2sh32", "p2a", "mweb_hogaddr", "mweb_pegin",
)  # fmt: skip
"""Kinds of script by their code; the code after the last stands for none."""

STORED: Mapping[str, str] = {
    "tx_number": "<i8", "tx_time": "<i8", "tx_id": "|u1", "tx_inputs": "<i4", "tx_outputs": "<i4",
    "tx_value": "<i8", "tx_coinbase": "|u1", "in_ptr": "<i8", "in_n": "<u4", "in_prev_n": "<u4",
    "in_val": "<i8", "in_addr": "<u4", "in_kind": "|u1", "in_prev_tx": "<u4",
    "in_prev_out": "<u4", "out_ptr": "<i8", "out_n": "<u4", "out_val": "<i8", "out_addr": "<u4",
    "out_kind": "|u1", "out_spender": "<u4", "stray_in": "<u4", "stray_id": "|u1",
    "stray_tx": "<i8", "addr_ptr": "<i8", "addr_bytes": "|u1", "addr_order": "<u4",
    "addr_rank": "<u4", "id_order": "<u4", "addr_out_ptr": "<i8", "addr_out": "<u4",
    "addr_in_ptr": "<i8", "addr_in": "<u4", "bare_tx": "<i8", "bare_n": "<u4",
    "bare_size": "|u1", "bare_hash": "|u1",
}  # fmt: skip
"""Every column and its type, little-endian.

``tx_*`` has a row per transaction, ``in_*`` per input, ``out_*`` per output, ``addr_ptr`` and
``addr_bytes`` hold the addresses. ``*_ptr`` has one entry more than what it is of: the rows of
thing k are those from ``ptr[k]`` until just before ``ptr[k + 1]``. ``addr_order`` and ``id_order``
list addresses and transactions by their bytes, for binary search; ``addr_rank`` is the place of
each address in ``addr_order``. ``stray_*`` keeps the txid (and
the number, -1 if unknown) of what inputs spend that is not in the ledger. An unread value is -1.
``bare_*`` has a row per P2PK output: its place, and size and hash of the key.
"""


COMPRESSED = 33
"""Bytes of a compressed public key."""


class Rows(NamedTuple):
    """Transactions, inputs and outputs of one chain, each sorted by (tx, n), and bare keys."""

    txs: pl.DataFrame
    ins: pl.DataFrame
    outs: pl.DataFrame
    keys: pl.DataFrame


def rows_of(ledger: Ledger, after: int = -1) -> Rows:
    """Return the rows of a ledger that looks at one chain, of transactions above a number."""
    whole, new = ledger.history, pl.col("tx") > after
    names = ["tx", "txid", "time", "input_count", "output_count", "output_value", "coinbase"]
    txs = whole.transactions.filter(new).select(names)
    names = ["tx", "n", "prev_txid", "prev_n", "prev_tx", "value", "address", "script_kind"]
    ins = whole.inputs.filter(new).select(names)
    outs = whole.outputs.filter(new).select("tx", "n", "value", "address", "script_kind")
    keys = bare_keys(whole, after)
    return Rows(
        txs.sort("tx").collect(),
        ins.sort("tx", "n").collect(),
        outs.sort("tx", "n").collect(),
        keys,
    )


def bare_keys(ledger: Ledger, after: int = -1) -> pl.DataFrame:
    """Return ``tx, n, key`` of the P2PK outputs above a number of a transaction, in order."""
    whole, new = ledger.history, pl.col("tx") > after
    bare = whole.outputs.filter(new & (pl.col("script_kind") == "p2pk")).select("tx", "n")
    keys = whole.output_keys.filter(new).select("tx", "n", "key")
    return keys.join(bare, on=["tx", "n"], how="semi").sort("tx", "n").collect()


def columns_of(rows: Rows, old: Columns | None = None) -> Columns:
    """Return the columns of an index.

    Parameters
    ----------
    rows : Rows
        All rows, or those after the rows of ``old``.
    old : dict of str to array, optional
        Columns of an index of all rows before.

    Raises
    ------
    LedgerError
        If a number of a transaction is there twice, an input or output belongs to no
        transaction, or there are more rows than 32 bits can number.
    """
    made = _own(rows)
    if old is not None:
        made = {name: np.concatenate([old[name], made[name]]) for name in made}
    made |= _pointers(made)
    _check(made)
    made |= _spending(made, rows, old)
    made |= _addressed(made, rows, old)
    made["id_order"] = _order_of(made["tx_id"])
    names = {name: np.ascontiguousarray(made[name], dtype) for name, dtype in STORED.items()}
    return names


def _own(rows: Rows) -> Columns:
    """Return what says nothing of other rows; ``in_tx, out_tx, in_prev`` are not kept."""
    txs, ins, outs, keys = rows
    return {
        "tx_number": txs["tx"].to_numpy(),
        "tx_time": txs["time"].to_physical().to_numpy(),
        "tx_id": bytes_of(txs["txid"])[0].reshape(-1, 32),
        "tx_inputs": txs["input_count"].to_numpy().astype("<i4"),
        "tx_outputs": txs["output_count"].to_numpy().astype("<i4"),
        "tx_value": txs["output_value"].to_numpy(),
        "tx_coinbase": txs["coinbase"].cast(pl.UInt8).to_numpy(),
        "in_tx": ins["tx"].to_numpy(),
        "in_n": ins["n"].to_numpy().astype("<u4"),
        "in_prev": ins["prev_tx"].fill_null(-1).to_numpy(),
        "in_prev_n": ins["prev_n"].to_numpy().astype("<u4"),
        "in_val": ins["value"].fill_null(-1).to_numpy(),
        "in_kind": codes_of(ins["script_kind"]),
        "out_tx": outs["tx"].to_numpy(),
        "out_n": outs["n"].to_numpy().astype("<u4"),
        "out_val": outs["value"].to_numpy(),
        "out_kind": codes_of(outs["script_kind"]),
        "bare_tx": keys["tx"].to_numpy(),
        "bare_n": keys["n"].to_numpy().astype("<u4"),
        "bare_size": keys["key"].bin.size().cast(pl.UInt8).to_numpy(),
        "bare_hash": _hashes(keys["key"]),
    }


def _hashes(keys: pl.Series) -> NDArray[np.uint8]:
    """Return the hash of each key; of one key many outputs may be."""
    known = {key: hash160(key) for key in keys.unique().to_list()}
    return np.frombuffer(b"".join(known[key] for key in keys), np.uint8).reshape(-1, 20)


def codes_of(kinds: pl.Series) -> NDArray[np.uint8]:
    """Return the code of each kind of script: its place in :data:`KINDS`, or the one after."""
    codes = kinds.replace_strict(
        list(KINDS), list(range(len(KINDS))), default=None, return_dtype=pl.UInt8
    )
    if codes.null_count() != kinds.null_count():
        raise LedgerError("a kind of script is unknown", remedy="update chainwatch")
    return codes.fill_null(len(KINDS)).to_numpy()


def restored(old: Mapping[str, NDArray[Any]]) -> Columns:
    """Return what :func:`columns_of` continues from: kept columns and those left out of them."""
    made: Columns = dict(old)
    numbers = old["tx_number"]
    for side in ("in", "out"):
        made[f"{side}_tx"] = np.repeat(numbers, np.diff(old[f"{side}_ptr"]))
    known = old["in_prev_tx"] != NONE
    made["in_prev"] = np.full(len(known), -1, np.int64)
    made["in_prev"][known] = numbers[old["in_prev_tx"][known]]
    made["in_prev"][old["stray_in"]] = old["stray_tx"]
    return made


def _pointers(made: Columns) -> Columns:
    bounds = np.append(made["tx_number"], np.iinfo(np.int64).max)
    return {
        f"{side}_ptr": np.searchsorted(made[f"{side}_tx"], bounds).astype(np.int64)
        for side in ("in", "out")
    }


def _check(made: Columns) -> None:
    numbers = made["tx_number"]
    if any(len(made[name]) >= NONE for name in ("tx_number", "in_tx", "out_tx")):
        raise LedgerError("more rows than an index can number")
    if (np.diff(numbers) <= 0).any():
        raise LedgerError("a transaction stands in the ledger twice")
    for side in ("in", "out"):
        if len(_dense(numbers, made[f"{side}_tx"], strict=True)) != len(made[f"{side}_tx"]):
            raise LedgerError(f"an {side}put belongs to no transaction of the ledger")


def _dense(numbers: NDArray[np.int64], asked: NDArray[np.int64], *, strict: bool = False) -> Any:
    """Return the places of numbers in a sorted column; NONE where absent (left out if strict)."""
    if not len(numbers):
        return np.full(0 if strict else len(asked), NONE, np.uint32)
    place = np.minimum(np.searchsorted(numbers, asked), len(numbers) - 1)
    found = numbers[place] == asked
    return place[found] if strict else np.where(found, place, NONE).astype(np.uint32)


def _spending(made: Columns, rows: Rows, old: Columns | None) -> Columns:
    """Return what inputs spend and who spends outputs, as places in the columns."""
    prev = _dense(made["tx_number"], made["in_prev"])
    known = np.flatnonzero(prev != NONE)
    out = np.full(len(prev), NONE, np.uint32)
    first, end = made["out_ptr"][prev[known]], made["out_ptr"][prev[known] + 1]
    place = first + made["in_prev_n"][known]
    inside = place < end
    exact = np.zeros(len(known), np.bool_)
    exact[inside] = made["out_n"][place[inside]] == made["in_prev_n"][known[inside]]
    out[known[exact]] = place[exact]
    for k in np.flatnonzero(~exact):  # outputs of the transaction were read in part
        row, span = known[k], made["out_n"][first[k] : end[k]]
        at = int(np.searchsorted(span, made["in_prev_n"][row]))
        if at < len(span) and span[at] == made["in_prev_n"][row]:
            out[row] = first[k] + at
    spender = np.full(len(made["out_n"]), NONE, np.uint32)
    spends = np.flatnonzero(out != NONE)[::-1]  # of two that spend one output the first stands
    spender[out[spends]] = spends
    return {
        "in_prev_tx": prev, "in_prev_out": out, "out_spender": spender,
        **_strays(made, prev, rows, old),
    }  # fmt: skip


def _strays(made: Columns, prev: NDArray[np.uint32], rows: Rows, old: Columns | None) -> Columns:
    stray = np.flatnonzero(prev == NONE)
    before = len(prev) - rows.ins.height
    new = rows.ins["prev_txid"].gather(stray[stray >= before] - before)
    ids = bytes_of(new)[0].reshape(-1, 32)
    if old is not None:
        # Nothing that came later can be what an older input spends: the old strays are all here.
        ids = np.concatenate([old["stray_id"], ids])
    return {"stray_in": stray, "stray_id": ids, "stray_tx": made["in_prev"][stray]}


def _addressed(made: Columns, rows: Rows, old: Columns | None) -> Columns:
    """Number the addresses and point from each to its outputs and inputs."""
    ins, outs = rows.ins.height, rows.outs.height
    in_from, out_from = len(made["in_n"]) - ins, len(made["out_n"]) - outs
    owners = {side: _dense(made["tx_number"], made[f"{side}_tx"]) for side in ("in", "out")}
    order = np.empty(ins + outs, np.int64)
    # In the order of the chain an input stands behind all outputs of earlier transactions.
    before = made["out_ptr"][owners["in"][in_from:]] - out_from
    order[np.arange(ins) + before] = np.arange(ins)
    before = made["in_ptr"][owners["out"][out_from:].astype(np.int64) + 1] - in_from
    order[np.arange(outs) + before] = np.arange(ins, ins + outs)
    stream = pl.concat([rows.ins["address"], rows.outs["address"]]).gather(order)
    known = stream.is_not_null().to_numpy()
    first = _keys(old) if old is not None else pl.Series(dtype=pl.Binary)
    found = intern(pl.concat([first.alias("key"), stream.drop_nulls().alias("key")]))
    ids = np.full(ins + outs, NONE, np.uint32)
    ids[order[known]] = found.ids[len(first) :]
    made_ids = {"in_addr": ids[:ins], "out_addr": ids[ins:]}
    if old is not None:
        made_ids = {name: np.concatenate([old[name], new]) for name, new in made_ids.items()}
    values, starts = bytes_of(found.keys)
    count = len(found.keys)
    ordered = found.keys.arg_sort().to_numpy()
    rank = np.empty(count, np.uint32)
    rank[ordered] = np.arange(count, dtype=np.uint32)
    return {
        **made_ids, "addr_ptr": starts, "addr_bytes": values,
        "addr_order": ordered, "addr_rank": rank,
        **_reverse("addr_out", made_ids["out_addr"], count),
        **_reverse("addr_in", made_ids["in_addr"], count),
    }  # fmt: skip


def _keys(columns: Mapping[str, NDArray[Any]]) -> pl.Series:
    values, ptr = columns["addr_bytes"].tobytes(), columns["addr_ptr"].tolist()
    made = [values[start:end] for start, end in pairwise(ptr)]
    return pl.Series(made, dtype=pl.Binary)


def _reverse(name: str, owners: NDArray[np.uint32], count: int) -> Columns:
    """Return the rows of each owner, in order: a counting sort."""
    rows = np.flatnonzero(owners != NONE)
    named = owners[rows]
    ptr = np.zeros(count + 1, np.int64)
    np.cumsum(np.bincount(named, minlength=count), out=ptr[1:])
    return {f"{name}_ptr": ptr, name: rows[np.argsort(named, kind="stable")]}


def _order_of(ids: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Return transactions by their id, then by their number."""
    words = np.ascontiguousarray(ids).reshape(-1, 32).view(">u8")
    return np.lexsort([words[:, k] for k in (3, 2, 1, 0)])
