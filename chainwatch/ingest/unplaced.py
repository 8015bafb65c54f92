"""Transfers that one source tells with their place in a transaction, and another without.

Lists of explorers tell no log index; blocks do. A row without a place is one of those alike that
have one, as far as they go: to keep both would count one movement twice. What is in a ledger
without its place cannot be given one later, so that the other order is refused.
"""

from __future__ import annotations

import polars as pl

from chainwatch.addresses.canonical import txid_text
from chainwatch.errors import InputError

_ALIKE = ["chain", "txid", "kind", "contract", "token_id", "sender", "receiver", "amount",
          "amount_hex"]  # fmt: skip
_PLACED = pl.col("log_index").is_not_null() | pl.col("trace_path").is_not_null()
_ALWAYS = ("native", "fee", "fee_burnt", "reward")
"""Kinds that have no place in their transaction, whoever tells them."""


def told_with_places(rows: pl.DataFrame, held: pl.LazyFrame) -> pl.DataFrame:
    """Return transfers but those that a ledger holds already with their place.

    Parameters
    ----------
    rows : polars.DataFrame
        Transfers to be stored.
    held : polars.LazyFrame
        Those of the ledger.

    Raises
    ------
    InputError
        If one comes with a place that the ledger holds without.
    """
    judged = ~pl.col("kind").is_in(_ALWAYS)
    mine = rows.filter(judged)
    if not mine.height:
        return rows
    ids = mine.lazy().select("chain", "txid").unique()
    near = _near(mine, held).filter(judged).join(ids, on=["chain", "txid"], how="semi")
    known = near.select(*_ALIKE, "occurrence", _PLACED.alias("placed")).collect()
    if not known.height:
        return rows
    _refuse_late_places(mine, known)
    counts = known.filter("placed").group_by(_ALIKE).agg(pl.len().alias("told"))
    again = ~_PLACED & judged & (pl.col("occurrence") < pl.col("told").fill_null(0))
    joined = rows.join(counts, on=_ALIKE, how="left", nulls_equal=True, maintain_order="left")
    return joined.filter(~again).drop("told")


def _near(rows: pl.DataFrame, held: pl.LazyFrame) -> pl.LazyFrame:
    """Leave out what lies at other heights: most files are then not read."""
    if rows["height"].has_nulls():
        return held
    height = pl.col("height")
    inside = height.is_between(rows["height"].min(), rows["height"].max())
    return held.filter(height.is_null() | inside)


def _refuse_late_places(rows: pl.DataFrame, known: pl.DataFrame) -> None:
    bare = known.filter(~pl.col("placed")).select(_ALIKE).unique()
    late = rows.filter(_PLACED).join(bare, on=_ALIKE, how="semi", nulls_equal=True).sort("txid")
    for chain, txid in late.select("chain", "txid").head(1).iter_rows():
        raise InputError(
            f"{late.height:,} transfers come with their place in a transaction, which the ledger"
            " holds without",
            where=f"transaction {txid_text(txid, chain)}",
            remedy="read the source that tells places first, into a new ledger",
        )
