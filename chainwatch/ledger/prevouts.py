"""What inputs spend: fills in outputs that were read only after the input was committed."""

from __future__ import annotations

import polars as pl

from chainwatch.ledger import schema
from chainwatch.ledger.spend_order import may_spend_from

_KEY = ["chain", "tx", "n"]


def basis_once_read(read: str) -> pl.Expr:
    """Return how the address of an input is known once the output was read that it spends.

    Parameters
    ----------
    read : str
        Column of the address of that output, beside ``address`` and ``address_basis``.
    """
    revealed = pl.col("address_basis").eq_missing(pl.lit(schema.REVEALED))
    differ = revealed & ~pl.col("address").eq_missing(pl.col(read))
    known = pl.when(pl.col(read).is_not_null()).then(pl.lit(schema.READ))
    return pl.when(differ).then(pl.lit(schema.DISPUTED)).otherwise(known)


def is_resolved(inputs: pl.DataFrame) -> bool:
    """Tell whether everything that inputs spend is known already."""
    return not (inputs["value"].null_count() or inputs["prev_tx"].null_count())


def resolve(
    inputs: pl.LazyFrame, transactions: pl.LazyFrame, outputs: pl.LazyFrame
) -> pl.LazyFrame:
    """Return the inputs with all that is known of what they spend; the rest stays null.

    Parameters
    ----------
    inputs, transactions, outputs : polars.LazyFrame
        Whole tables, not those of a span: what is spent may be older.

    Returns
    -------
    polars.LazyFrame
        The rows and columns of ``inputs``; where the value or number of what an input spends was
        null, both and its address and kind come from ``outputs``.
    """
    lacking = inputs.filter(pl.col("value").is_null() | pl.col("prev_tx").is_null())
    spent = lacking.select(*_KEY, "prev_txid", "prev_n")
    late = _found(spent, transactions, outputs)
    # An address that is null beside a value that was read is absent, not unread.
    found = pl.col("value").is_null() & pl.col("late_value").is_not_null()
    filled = inputs.join(late, on=_KEY, how="left").with_columns(
        pl.coalesce("prev_tx", "late_tx").alias("prev_tx"),
        pl.when(found).then("late_address").otherwise("address").alias("address"),
        pl.when(found).then("late_kind").otherwise("script_kind").alias("script_kind"),
        pl.when(found)
        .then(basis_once_read("late_address"))
        .otherwise("address_basis")
        .alias("address_basis"),
        pl.coalesce("value", "late_value").alias("value"),
    )
    return filled.select(*schema.INPUTS.schema)


def _found(spent: pl.LazyFrame, transactions: pl.LazyFrame, outputs: pl.LazyFrame) -> pl.LazyFrame:
    made = transactions.select("chain", "txid", pl.col("tx").alias("late_tx"))
    # A txid that was used twice (BIP30) means the latest transaction before the spend.
    latest = (
        spent.join(made, left_on=["chain", "prev_txid"], right_on=["chain", "txid"])
        .filter(may_spend_from("late_tx"))
        .group_by([*_KEY, "prev_n"])
        .agg(pl.col("late_tx").max())
    )
    paid = outputs.select(
        "chain",
        pl.col("tx").alias("late_tx"),
        pl.col("n").alias("prev_n"),
        pl.col("value").alias("late_value"),
        pl.col("address").alias("late_address"),
        pl.col("script_kind").alias("late_kind"),
    )
    return latest.join(paid, on=["chain", "late_tx", "prev_n"]).drop("prev_n")
