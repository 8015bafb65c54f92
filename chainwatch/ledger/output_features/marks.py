"""What a wallet leaves in a transaction: version, locktime, sequences, fee rate and order.

One row per transaction. A mark that rests on inputs that were not read is null, or a bound.
"""

from __future__ import annotations

import polars as pl

from chainwatch.addresses.keyless import without_key
from chainwatch.ledger.output_features.whole import Whole
from chainwatch.ledger.schema import READ, REVEALED
from chainwatch.units import exact_sum

TX = ["chain", "tx"]

MARKS = (
    "version",
    "locktime",
    "sequence_low",
    "sequence_high",
    "fee_rate",
    "ordered",
    "input_count",
    "output_count",
)
"""What is compared between a transaction and the one that spends from it."""


def payment() -> pl.Expr:
    """Return whether an output can be somebody's: it can be spent, and asks for a key."""
    return pl.col("spendable") & ~without_key().fill_null(False)


def marks(whole: Whole) -> pl.DataFrame:
    """Return the marks of every transaction of a ledger.

    Returns
    -------
    polars.DataFrame
        ``chain, tx, txid, block, height, time, version, locktime, input_count, output_count,
        coinbase``, and

        - ``inputs_unread``: inputs whose value was not read;
        - ``input_min``: the smallest value that was read: the smallest of all is no larger;
        - ``input_kinds, input_kind, kinds_unread``: kinds of the outputs spent that were read,
          the one where there is only one, and inputs whose kind was not read;
        - ``addresses_unread``: inputs of which it is not known whom they belong to: not read, or
          read without an address;
        - ``first_input, first_basis``: the smallest address with a key among the inputs that were
          read or, where there is none, among those that only their unlocking names; and which;
        - ``sequence_low, sequence_high``: of the inputs; null unless all are there;
        - ``fee_rate``: base units per 1,000 virtual bytes, rounded down; null where an input is
          unread, and of a coinbase;
        - ``ordered``: inputs and outputs stand as BIP 69 asks; outputs of one value in any order.
          Null where nothing can stand otherwise, or inputs are missing;
        - ``payments``: outputs that can be somebody's, and ``op_returns``.
    """
    rows = (
        whole.transactions.select(
            *TX, "txid", "block", "height", "time", "version", "locktime", "weight",
            "input_count", "output_count", "output_value", "coinbase",
        )
        .join(_inputs(whole), on=TX, how="left")
        .join(_outputs(whole), on=TX, how="left")
        .join(_order(whole), on=TX, how="left")
        .with_columns(pl.col(_COUNTED).fill_null(0))
    )  # fmt: skip
    all_there = pl.col("input_rows") == pl.col("input_count")
    return (
        rows.with_columns(
            *(
                pl.when(all_there).then(name).alias(name)
                for name in ("sequence_low", "sequence_high")
            ),
            (pl.col("input_count") - pl.col("values_read")).alias("inputs_unread"),
            (pl.col("input_count") - pl.col("kinds_read")).alias("kinds_unread"),
            (pl.col("input_count") - pl.col("addresses_read")).alias("addresses_unread"),
            pl.when(pl.col("input_kinds") == 1).then("input_kind").alias("input_kind"),
            pl.when(all_there).then("ordered").alias("ordered"),
            pl.coalesce("first_read", "first_input").alias("first_input"),
            pl.when(pl.col("first_read").is_not_null())
            .then(pl.lit(READ))
            .when(pl.col("first_input").is_not_null())
            .then(pl.lit(REVEALED))
            .alias("first_basis"),
        )
        .with_columns(_fee_rate().alias("fee_rate"))
        .drop(*_PASSING)
        .collect()
    )


_PASSING = (
    "first_read", "weight", "output_value", "read_value", "values_read", "kinds_read",
    "addresses_read", "input_rows",
)  # fmt: skip
"""Columns that others are made of."""

_COUNTED = [
    "values_read", "kinds_read", "addresses_read", "input_kinds", "input_rows", "payments",
    "op_returns",
]  # fmt: skip


def _inputs(whole: Whole) -> pl.LazyFrame:
    address, kind = pl.col("address"), pl.col("script_kind")
    read = pl.col("address_basis").ne_missing(REVEALED)
    return whole.inputs.group_by(TX).agg(
        pl.len().cast(pl.Int64).alias("input_rows"),
        pl.col("value").count().cast(pl.Int64).alias("values_read"),
        exact_sum("value").alias("read_value"),
        pl.col("value").min().alias("input_min"),
        kind.count().cast(pl.Int64).alias("kinds_read"),
        kind.drop_nulls().n_unique().cast(pl.Int64).alias("input_kinds"),
        kind.min().alias("input_kind"),
        address.count().cast(pl.Int64).alias("addresses_read"),
        address.filter(~without_key() & read).min().alias("first_read"),
        address.filter(~without_key()).min().alias("first_input"),
        pl.col("sequence").min().alias("sequence_low"),
        pl.col("sequence").max().alias("sequence_high"),
    )


def _outputs(whole: Whole) -> pl.LazyFrame:
    return whole.outputs.group_by(TX).agg(
        payment().sum().cast(pl.Int64).alias("payments"),
        (pl.col("script_kind") == "null_data").sum().cast(pl.Int64).alias("op_returns"),
    )


def _fee_rate() -> pl.Expr:
    fee = pl.col("read_value").cast(pl.Int128) - pl.col("output_value").cast(pl.Int128)
    virtual = (pl.col("weight") + 3) // 4
    known = ~pl.col("coinbase") & (pl.col("inputs_unread") == 0) & (virtual > 0)
    return pl.when(known).then(fee * 1000 // virtual).cast(pl.Int64, strict=False)


def _order(whole: Whole) -> pl.LazyFrame:
    """Return whether inputs and outputs of a transaction stand as BIP 69 asks: ``ordered``."""
    # Wire order is the reverse of how ids are shown and sorted: the last bytes weigh most.
    words = [
        pl.col("prev_txid").bin.slice(start, 8).bin.reinterpret(dtype=pl.UInt64).alias(f"w{start}")
        for start in (24, 16, 8, 0)
    ]
    inputs = _falls(whole.inputs.select(*TX, "n", *words, "prev_n"), "inputs")
    outputs = _falls(whole.outputs.select(*TX, "n", "value"), "outputs")
    return inputs.join(outputs, on=TX, how="full", coalesce=True).select(
        *TX,
        pl.when(pl.sum_horizontal("inputs", "outputs") > 2)
        .then(~pl.any_horizontal("inputs_fall", "outputs_fall"))
        .alias("ordered"),
    )


def _falls(rows: pl.LazyFrame, name: str) -> pl.LazyFrame:
    """Return per transaction how many rows it has, and whether one is less than the one before."""
    keys = [one for one in rows.collect_schema().names() if one not in (*TX, "n")]
    falls, same = pl.lit(False), pl.lit(True)
    for key in keys:
        value, before = pl.col(key), pl.col(key).shift()
        falls |= same & (value < before)
        same &= value == before
    # Sorted by transaction, so that the row before is of the same one unless it is the first.
    inside = pl.all_horizontal(pl.col(key) == pl.col(key).shift() for key in TX)
    return (
        rows.sort(*TX, "n")
        .with_columns((inside & falls).fill_null(False).alias("falls"))
        .group_by(TX)
        .agg(pl.len().cast(pl.Int64).alias(name), pl.col("falls").any().alias(f"{name}_fall"))
    )
