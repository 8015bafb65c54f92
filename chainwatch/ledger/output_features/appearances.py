"""When addresses appear: whether an output is the first of its address, and when the next comes.

That an address was never seen before can be said only where all that came before was read: every
block from the first on, or the whole history of that address. A lone block cannot say it.
"""

from __future__ import annotations

import polars as pl

from chainwatch.ledger.output_features.whole import Whole
from chainwatch.ledger.output_status import OutputStatus
from chainwatch.ledger.schema import REVEALED, TIME

_PLACE = ["chain", "address"]


def appearances(
    whole: Whole, outputs: pl.DataFrame, known: dict[str, OutputStatus]
) -> pl.DataFrame:
    """Return what is known of the address of each output before and after it.

    Parameters
    ----------
    whole : Whole
        What was read, whatever the span.
    outputs : polars.DataFrame
        ``chain, tx, height, time, address``.
    known : mapping of str to OutputStatus
        What was read of each chain.

    Returns
    -------
    polars.DataFrame
        ``chain, tx, address``, each once, and

        - ``fresh``: the address does not appear before the transaction; null where it was not
          seen before and not all that came before was read;
        - ``paid_again_after``: seconds until another transaction pays it, as far as one was read;
        - ``quiet_for``: seconds in which nobody else paid it, as far as every payment to it was
          read; null where that was not.

    Fails when
    ----------
    Headers state wrong times: they may run two hours ahead, and so may the seconds.
    """
    here = outputs.select("chain", "tx", "height", "time", "address").drop_nulls("address").unique()
    read = _read_until(here, known)
    rows = (
        here.join(_first(whole, here), on=_PLACE, how="left")
        .join(_next(whole, here), on=[*_PLACE, "tx"], how="left")
        .join(read, on=_PLACE, how="left")
    )
    seconds = [
        (pl.col(name) - pl.col("time")).dt.total_seconds().alias(column)
        for name, column in (("next_time", "paid_again_after"), ("until", "followed_for"))
    ]
    quiet = pl.when(pl.col("followed_for").is_not_null()).then(
        pl.min_horizontal("followed_for", "paid_again_after")
    )
    return rows.with_columns(seconds).select(
        "chain",
        "tx",
        "address",
        pl.when(pl.col("first") < pl.col("tx"))
        .then(pl.lit(False))
        .when(pl.col("height") <= pl.col("top"))
        .then(pl.lit(True))
        .alias("fresh"),
        "paid_again_after",
        quiet.alias("quiet_for"),
    )


def _first(whole: Whole, here: pl.DataFrame) -> pl.DataFrame:
    """Return the first transaction in which each address appears, as far as was read.

    What an input spends was paid before it: where that output was read, at its own place. An
    address that only the unlocking names is left out, since a miner can forge it.
    """
    addresses = here.select(_PLACE).unique().lazy()
    paid = whole.outputs.select(*_PLACE, "tx")
    read = pl.col("address").is_not_null() & pl.col("address_basis").ne_missing(REVEALED)
    before = pl.coalesce("prev_tx", pl.col("tx") - 1).alias("tx")
    spent = whole.inputs.filter(read).select(*_PLACE, before)
    rows = pl.concat([paid, spent]).join(addresses, on=_PLACE, how="semi")
    return rows.group_by(_PLACE).agg(pl.col("tx").min().alias("first")).collect()


def _next(whole: Whole, here: pl.DataFrame) -> pl.DataFrame:
    """Return the time of the next transaction that pays an address which an output pays."""
    addresses = here.select(_PLACE).unique().lazy()
    paid = whole.outputs.select(*_PLACE, "tx").join(addresses, on=_PLACE, how="semi")
    times = whole.transactions.select("chain", next="tx", next_time="time")
    after = paid.unique().sort(*_PLACE, "tx").with_columns(
        pl.col("tx").shift(-1).over(_PLACE).alias("next")
    )  # fmt: skip
    return after.drop_nulls("next").join(times, on=["chain", "next"]).drop("next").collect()


def _read_until(here: pl.DataFrame, known: dict[str, OutputStatus]) -> pl.DataFrame:
    """Return up to which height and time every payment to an address was read: ``top, until``."""
    parts = [
        pl.DataFrame(
            schema={"chain": pl.String, "address": pl.Binary, "top": pl.Int64, "until": TIME}
        )
    ]
    for (chain,), rows in here.group_by("chain", maintain_order=True):
        told = known[str(chain)].read_until(rows["address"].unique())
        parts.append(told.select(pl.lit(chain).alias("chain"), "address", "top", "until"))
    return pl.concat(parts)
