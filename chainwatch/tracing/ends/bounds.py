"""The smallest and largest total of each kind of end, over the orders that were followed."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from chainwatch.errors import TraceError
from chainwatch.tracing.stops import THRESHOLD, UNREAD
from chainwatch.units import AMOUNT, exact_sum, total

LEAST = "min_amount"
"""The limit under which more that is traced still reaches no end with less."""


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


def open_bounds(ends: pl.DataFrame, rounded: int = 0, limits: Sequence[str] = ()) -> pl.DataFrame:
    """Return the least and the most each kind of end can have once every branch has been read.

    Every policy that conserves value is monotone: if more of what enters a transaction is traced,
    no coin that leaves it holds less. So what is known to have reached an end stays there, and no
    more can be added in all than what is *not read* today. *Unspent* is final only as of its
    block; *not read* itself can become nothing.

    A least amount keeps that so: what is below it today can grow and go on, so that *threshold* can
    become nothing too, and is added to what may reach any other end. A limit of hops or of age does
    not: value that comes a longer way ends what it joins before it gets to where it ends today. Nor
    does a least amount under the haircut, by whose rounding a coin may fall below it.

    Parameters
    ----------
    ends : polars.DataFrame
        In the columns of :data:`chainwatch.tracing.trace_tables.ENDS`, of one conserving policy.
    rounded : int
        Steps of the trace at which shares were rounded: each may move one base unit.
    limits : sequence of str
        Names of the limits of the trace, as ``trace`` has them.

    Returns
    -------
    polars.DataFrame
        ``reason, service, low, high``, in base units.

    Raises
    ------
    TraceError
        If something is open and a limit can take away what ends somewhere today.

    Fails when
    ----------
    The subjects' own histories are not read: what they receive beyond is in no bound. The order
    of transfers is not known: see the trace's own bounds.
    """
    lacking = total(ends.filter(pl.col("reason").is_in(UNREAD))["amount"])
    moving = [one for one in limits if one != LEAST or rounded]
    if lacking and moving:
        raise TraceError(
            f"what is open has no bounds under {' and '.join(moving)}: what is read later can end"
            " by the limit what ends elsewhere today",
            remedy="trace without the limit, or fetch what was not read",
        )
    # Where nothing is open nothing can come to what ended below the least amount.
    open_reasons = [*UNREAD, THRESHOLD] if lacking else [*UNREAD]
    unsettled = pl.col("reason").is_in(open_reasons)
    loose = total(ends.filter(unsettled)["amount"])
    key = ["reason", "service"]
    sums = ends.group_by(key).agg(exact_sum("amount")).sort(key)
    amount, nothing = pl.col("amount"), pl.lit(0, AMOUNT)
    slack, more = pl.lit(rounded, AMOUNT), pl.lit(loose + rounded, AMOUNT)
    least = pl.when(unsettled | (amount < slack)).then(nothing).otherwise(amount - slack)
    most = pl.when(unsettled).then(more).otherwise(amount + more)
    return sums.select(*key, least.alias("low"), most.alias("high"))
