"""The smallest and largest total of each kind of end, over the orders that were followed."""

from __future__ import annotations

import polars as pl

from chainwatch.tracing.stops import NOT_READ
from chainwatch.units import AMOUNT, exact_sum, total


def bounds(*ends: pl.DataFrame) -> pl.DataFrame:
    """Return the smallest and largest total of each kind of end in tables of ends."""
    key = ["reason", "service"]
    sums = pl.concat(table.group_by(key).agg(exact_sum("amount")) for table in ends)
    amount, nothing = pl.col("amount"), pl.lit(0, AMOUNT)
    if len(ends) == 1:
        return sums.select(*key, low=amount, high=amount).sort(key)
    everywhere = pl.len() == len(ends)
    return (
        sums.group_by(key)
        .agg(
            pl.when(everywhere).then(amount.min()).otherwise(nothing).alias("low"),
            amount.max().alias("high"),
        )
        .sort(key)
    )


def open_bounds(ends: pl.DataFrame, rounded: int = 0) -> pl.DataFrame:
    """Return the least and the most each kind of end can have once every branch has been read.

    Every policy that conserves value is monotone: if more of what enters a transaction is traced,
    no coin that leaves it holds less. So what is known to have reached an end stays there, and no
    more can be added in all than what is *not read* today. *Unspent* is final only as of its
    block; *not read* itself can become nothing.

    Parameters
    ----------
    ends : polars.DataFrame
        In the columns of :data:`chainwatch.tracing.trace_tables.ENDS`, of one conserving policy.
    rounded : int
        Steps of the trace at which shares were rounded: each may move one base unit.

    Returns
    -------
    polars.DataFrame
        ``reason, service, low, high``, in base units.

    Fails when
    ----------
    The subjects' own histories are not read: what they receive beyond is in no bound. The order
    of transfers is not known: see the trace's own bounds.
    """
    unread = pl.col("reason") == NOT_READ
    lacking = total(ends.filter(unread)["amount"])
    key = ["reason", "service"]
    sums = ends.group_by(key).agg(exact_sum("amount")).sort(key)
    amount, nothing = pl.col("amount"), pl.lit(0, AMOUNT)
    slack, more = pl.lit(rounded, AMOUNT), pl.lit(lacking + rounded, AMOUNT)
    least = pl.when(unread | (amount < slack)).then(nothing).otherwise(amount - slack)
    most = pl.when(unread).then(amount + slack).otherwise(amount + more)
    return sums.select(*key, least.alias("low"), most.alias("high"))
