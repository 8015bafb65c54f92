"""The smallest and largest total of each kind of end, over the orders that were followed."""

from __future__ import annotations

import polars as pl

from chainwatch.units import AMOUNT, exact_sum


def bounds(*ends: pl.DataFrame) -> pl.DataFrame:
    """Return the smallest and largest total of each kind of end in tables of ends."""
    key = ["reason", "service"]
    sums = pl.concat(table.group_by(key).agg(exact_sum("amount")) for table in ends)
    amount, nothing = pl.col("amount"), pl.lit(0, AMOUNT)
    everywhere = pl.len() == len(ends)
    return (
        sums.group_by(key)
        .agg(
            pl.when(everywhere).then(amount.min()).otherwise(nothing).alias("low"),
            amount.max().alias("high"),
        )
        .sort(key)
    )
