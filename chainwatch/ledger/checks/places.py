"""Where transactions and blocks stand, as every table that names them tells it: one row a telling.

A ledger has one answer to when, at what height and at which position a transaction stands, whatever
table and source tells it. What is to be stored is held to that, and a check looks at what is.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import polars as pl

from chainwatch.chains.catalogue import all_chains
from chainwatch.ledger import schema

_HEIGHT = (pl.col("tx") // (1 << schema.POSITION_BITS)).alias("height")
_TX = [pl.col(name) for name in ("chain", "txid", "tx", "height", "time")]
_NO_HASH = pl.lit(None, pl.Binary).alias("hash")
_NO_TX = [pl.lit(None, pl.Binary).alias("txid"), pl.lit(None, pl.Int64).alias("tx")]
_LOGGED = [*_TX[:3], _HEIGHT, _TX[4], _NO_HASH]

PLACED = {
    "blocks": [_TX[0], *_NO_TX, *_TX[3:], pl.col("hash")],
    "transactions": [*_TX, pl.col("block").alias("hash")],
    "transfers": [*_TX, _NO_HASH],
    "stakes": [*_TX, _NO_HASH],
    "approvals": _LOGGED,
    "freezes": _LOGGED,
    "contract_logs": [*_TX, _NO_HASH],
}
"""What each table tells of places."""

OF_TRANSACTIONS = ("time", "height", "tx")
"""What a transaction has one of."""


def told_places(tables: Mapping[str, pl.LazyFrame]) -> pl.LazyFrame:
    """Return ``chain, txid, tx, height, time, hash`` as tables tell it; null where they do not.

    Parameters
    ----------
    tables : mapping of str to polars.LazyFrame
        Tables of the schema by name; those that tell of no place are passed over.

    Returns
    -------
    polars.LazyFrame
        ``hash`` is that of the block. The txid of a coinbase whose id may come again is null.
    """
    rows = [_empty()]
    for name, columns in PLACED.items():
        if name not in tables:
            continue
        mine = tables[name]
        if name == "transactions":
            mine = mine.with_columns(pl.when(~_may_come_again()).then("txid").alias("txid"))
        rows.append(mine.select(columns))
    return pl.concat(rows)


def _may_come_again() -> pl.Expr:
    """Tell of coinbases of before each had to name its height: two may have one id (BIP30)."""
    known = {one.id: one.consensus.bip34_height for one in all_chains() if one.consensus}
    named = pl.col("chain").replace_strict(known, default=None, return_dtype=pl.Int64)
    return pl.col("coinbase") & (named.is_null() | (pl.col("height") < named))


def _empty() -> pl.LazyFrame:
    types: dict[str, Any] = {
        "chain": pl.String, "txid": pl.Binary, "tx": pl.Int64, "height": pl.Int64,
        "time": schema.TIME, "hash": pl.Binary,
    }  # fmt: skip
    return pl.LazyFrame(schema=types)
