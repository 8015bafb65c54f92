"""What an index holds, and the rows of the tables that it is made of.

Rows are sorted by (tx, n), so a dense number is a place in a column.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from chainwatch.addresses.unlocking import OPEN_FLAGS
from chainwatch.errors import LedgerError
from chainwatch.ledger.joint.two_of_two import perhaps_several_keys
from chainwatch.ledger.ledger import Ledger
from chainwatch.ledger.prevouts import is_resolved, resolve
from chainwatch.ledger.schema import REVEALED

NONE = 0xFFFFFFFF
"""Stands for no transaction, output, input or address in a column of dense numbers."""

KINDS = (
    "p2pkh", "p2sh", "p2wpkh", "p2wsh", "p2tr", "witness_unknown", "p2pk", "multisig", "null_data",
    "nonstandard", "p2sh32", "p2a", "mweb_hogaddr", "mweb_pegin",
)  # fmt: skip
"""Kinds of script by their code; the code after the last stands for none."""

STORED: Mapping[str, str] = {
    "tx_number": "<i8", "tx_time": "<i8", "tx_id": "|u1", "tx_inputs": "<i4", "tx_outputs": "<i4",
    "tx_version": "<i4", "tx_value": "<i8", "tx_coinbase": "|u1", "in_ptr": "<i8", "in_n": "<u4",
    "in_prev_n": "<u4", "in_val": "<i8", "in_addr": "<u4", "in_kind": "|u1", "in_marks": "|u1",
    "in_prev_tx": "<u4", "in_prev_out": "<u4", "out_ptr": "<i8", "out_n": "<u4", "out_val": "<i8",
    "out_addr": "<u4", "out_kind": "|u1", "out_spendable": "|u1", "out_spender": "<u4",
    "stray_in": "<u4", "stray_id": "|u1", "stray_tx": "<i8", "addr_ptr": "<i8",
    "addr_bytes": "|u1", "addr_order": "<u4", "addr_rank": "<u4", "id_order": "<u4",
    "addr_out_ptr": "<i8", "addr_out": "<u4", "addr_in_ptr": "<i8", "addr_in": "<u4",
    "bare_tx": "<i8", "bare_n": "<u4", "bare_size": "|u1", "bare_hash": "|u1",
}  # fmt: skip
"""Every column and its type, little-endian.

``tx_*`` has a row per transaction, ``in_*`` per input, ``out_*`` per output, ``addr_ptr`` and
``addr_bytes`` hold the addresses. ``*_ptr`` has one entry more than what it is of: the rows of
thing k are those from ``ptr[k]`` until just before ``ptr[k + 1]``. ``addr_order`` and ``id_order``
list addresses and transactions by their bytes, for binary search; ``addr_rank`` is the place of
each address in ``addr_order``. ``stray_*`` keeps the txid (and
the number, -1 if unknown) of what inputs spend that is not in the ledger. An unread value is -1.
``in_marks`` adds up what the signatures of an input show and how its address is known: 1 where
they bind the whole transaction, 2 where they leave room, 4 where the address is only revealed, 8
where two keys spend it together.
``bare_*`` has a row per P2PK output: its place, and size and hash of the key.
"""


MOST = 2**63 - 1
"""Above the number of any transaction."""

COMPRESSED = 33
"""Bytes of a compressed public key."""

_INPUTS = ["tx", "n", "prev_txid", "prev_n", "prev_tx", "value", "address", "script_kind",
           "sighash", "address_basis", "quorum"]  # fmt: skip


class Rows(NamedTuple):
    """Transactions, inputs and outputs of one chain, each sorted by (tx, n), and bare keys."""

    txs: pl.DataFrame
    ins: pl.DataFrame
    outs: pl.DataFrame
    keys: pl.DataFrame


def rows_of(whole: Ledger, begin: int, end: int) -> Rows:
    """Return the rows of the transactions from a number on, until just before another.

    ``whole`` looks at one chain and has no span.
    """
    names = ["tx", "txid", "time", "version", "input_count", "output_count", "output_value",
             "coinbase"]  # fmt: skip
    txs = whole.transactions.filter(_between(begin, end)).select(names)
    outs = whole.outputs.filter(_between(begin, end))
    return Rows(
        txs.sort("tx").collect(),
        _inputs(whole, begin, end),
        outs.select("tx", "n", "value", "address", "script_kind", "spendable")
        .sort("tx", "n")
        .collect(),
        bare_keys(whole, begin, end),
    )


def _between(begin: int, end: int) -> pl.Expr:
    return (pl.col("tx") >= begin) & (pl.col("tx") < end)


def _inputs(whole: Ledger, begin: int, end: int) -> pl.DataFrame:
    raw = whole._whole("inputs").filter(_between(begin, end))
    rows = raw.select(_INPUTS).sort("tx", "n").collect()
    if is_resolved(rows):
        return rows
    found = resolve(raw.collect().lazy(), whole.transactions, whole.outputs)
    return found.select(_INPUTS).sort("tx", "n").collect()


def bare_keys(ledger: Ledger, begin: int = 0, end: int = MOST) -> pl.DataFrame:
    """Return ``tx, n, key`` of the P2PK outputs of the transactions in a range, in order."""
    whole, inside = ledger.history, _between(begin, end)
    bare = whole.outputs.filter(inside & (pl.col("script_kind") == "p2pk")).select("tx", "n")
    keys = whole.output_keys.filter(inside).select("tx", "n", "key")
    return keys.join(bare, on=["tx", "n"], how="semi").sort("tx", "n").collect()


def codes_of(kinds: pl.Series) -> NDArray[np.uint8]:
    """Return the code of each kind of script: its place in :data:`KINDS`, or the one after."""
    codes = kinds.replace_strict(
        list(KINDS), list(range(len(KINDS))), default=None, return_dtype=pl.UInt8
    )
    if codes.null_count() != kinds.null_count():
        raise LedgerError("a kind of script is unknown", remedy="update chainwatch")
    return codes.fill_null(len(KINDS)).to_numpy()


def marks_of(ins: pl.DataFrame) -> NDArray[np.uint8]:
    """Return the marks of inputs, as ``in_marks`` holds them."""
    open_ = pl.col("sighash").str.contains(OPEN_FLAGS)
    shown = pl.col("address_basis").eq_missing(pl.lit(REVEALED))
    marks = (
        open_.fill_null(False) * 2
        + (~open_).fill_null(False) * 1
        + shown * 4
        + perhaps_several_keys() * 8
    )
    return ins.select(marks.cast(pl.UInt8)).to_series().to_numpy()
