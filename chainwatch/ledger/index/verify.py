"""Is an index what its tables say? Every row is given out again and compared."""

from __future__ import annotations

import numpy as np
import polars as pl

from chainwatch.addresses.bip32 import hash160
from chainwatch.errors import LedgerError
from chainwatch.ledger.index.build import bare_keys
from chainwatch.ledger.index.index import Index
from chainwatch.ledger.index.rows import INPUTS, OUTPUTS, TRANSACTIONS, rows_at
from chainwatch.ledger.ledger import Ledger


def check_index(index: Index, ledger: Ledger) -> None:
    """Compare every row that an index can give with the tables.

    Raises
    ------
    LedgerError
        If a row differs, or a look-up does not find what it should.
    """
    made = index.columns
    given = rows_at(made, np.arange(len(made["tx_number"])), index.chain)
    stated = table_rows(ledger.history.chain_only(index.chain))
    for name, ours, theirs in zip(
        ("transactions", "inputs", "outputs"), given, stated, strict=True
    ):
        if not ours.equals(theirs, null_equal=True):
            _differs(index, f"the {name} of the index are not those of the tables")
    _check_pointers(index)
    _check_keys(index, ledger)


def _check_keys(index: Index, ledger: Ledger) -> None:
    """Compare the bare keys of an index with the tables, by their hashes."""
    stated = bare_keys(ledger.history.chain_only(index.chain))
    made = index.columns
    places = list(zip(made["bare_tx"].tolist(), made["bare_n"].tolist(), strict=True))
    hashes = [row.tobytes() for row in made["bare_hash"]]
    known = {key: hash160(key) for key in stated["key"].unique().to_list()}
    keys = stated["key"].to_list()
    alike = places == stated.select("tx", "n").rows() and hashes == [known[key] for key in keys]
    if not alike or made["bare_size"].tolist() != [len(key) for key in keys]:
        _differs(index, "the bare keys of the index are not those of the tables")


def table_rows(whole: Ledger) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """Return all rows of one chain in the columns that an index gives out, from the tables."""
    inputs = whole.inputs
    spenders = (
        inputs.filter(pl.col("prev_tx").is_not_null())
        .group_by(tx=pl.col("prev_tx"), n=pl.col("prev_n"))
        .agg(spender=pl.col("tx").min())
    )
    outputs = whole.outputs.join(spenders, on=["tx", "n"], how="left").select(OUTPUTS)
    return (
        whole.transactions.select(TRANSACTIONS).sort("tx").collect(),
        inputs.select(INPUTS).sort("tx", "n").collect(),
        outputs.sort("tx", "n").collect(),
    )


def _check_pointers(index: Index) -> None:
    """Check that look-ups reach every row: both orders are sorted, both directions agree."""
    made = index.columns
    ptr, values = made["addr_ptr"], made["addr_bytes"].tobytes()
    keys = [values[ptr[one] : ptr[one + 1]] for one in made["addr_order"].tolist()]
    ids = [made["tx_id"][one].tobytes() for one in made["id_order"].tolist()]
    if len(set(keys)) != len(ptr) - 1 or keys != sorted(keys) or ids != sorted(ids):
        _differs(index, "a list for look-ups is not sorted")
    if not np.array_equal(made["addr_rank"][made["addr_order"]], np.arange(len(keys))):
        _differs(index, "the ranks of addresses are not their places in the list")
    if len(set(made["id_order"].tolist())) != len(made["tx_number"]):
        _differs(index, "a list for look-ups is not complete")
    for side in ("in", "out"):
        owners = np.repeat(np.arange(len(ptr) - 1), np.diff(made[f"addr_{side}_ptr"]))
        rows = made[f"addr_{side}"]
        named = int((made[f"{side}_addr"] != 0xFFFFFFFF).sum())
        if len(np.unique(rows)) != named or (made[f"{side}_addr"][rows] != owners).any():
            _differs(index, f"the {side}puts of an address are not those that name it")


def _differs(index: Index, what: str) -> None:
    raise LedgerError(what, where=repr(index), remedy="build it again with anew=True")
