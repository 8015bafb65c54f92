"""One row per transaction or transfer with what rules read of it: the only joins rules need.

A feature that rests on something unread is null, and where a bound is known both ends of it are
given (``input_addresses`` at least, ``input_count`` at most).
"""

from __future__ import annotations

import polars as pl

from chainwatch.addresses import text_series
from chainwatch.assets import Asset
from chainwatch.chains import chain as find_chain
from chainwatch.ledger.ledger import Ledger
from chainwatch.ledger.schema import AMOUNT

DUST = 2730
"""Satoshi. Outputs up to this value are not counted as an equal amount: BlockSci and GraphSense
leave out 546 and 2,730, the dust limits of P2PKH before and after 2013."""


def transactions(ledger: Ledger) -> pl.DataFrame:
    """Return one row per transaction of a coin chain, inputs and outputs summed up.

    Returns
    -------
    polars.DataFrame
        ``chain, tx, txid, height, time, coinbase, input_count, output_count, output_value`` and

        - ``inputs_unread``: inputs whose value was not read;
        - ``input_value, fee``: base units, null where any input is unread;
        - ``input_addresses``: distinct addresses among the inputs that were read: a lower bound;
        - ``inputs_nameless``: inputs that were read and have no address (P2PK, bare multisig);
        - ``output_addresses``: distinct addresses among the outputs;
        - ``equal_outputs, equal_value``: how many distinct addresses receive the most repeated
          value above dust, and that value.
    """
    key = ["chain", "tx"]
    spent = ledger.inputs.group_by(key).agg(
        pl.col("value").is_null().sum().cast(pl.Int64).alias("inputs_unread"),
        pl.col("value").cast(AMOUNT).sum().alias("read_value"),
        pl.col("address").drop_nulls().n_unique().cast(pl.Int64).alias("input_addresses"),
        (pl.col("value").is_not_null() & pl.col("address").is_null())
        .sum()
        .cast(pl.Int64)
        .alias("inputs_nameless"),
    )
    paid = ledger.outputs.group_by(key).agg(
        pl.col("address").drop_nulls().n_unique().cast(pl.Int64).alias("output_addresses"),
    )
    known = pl.col("inputs_unread") == 0
    joined = (
        ledger.transactions.join(spent, on=key, how="left")
        .join(paid, on=key, how="left")
        .join(_equal_outputs(ledger), on=key, how="left")
        .with_columns(
            pl.col(
                "inputs_unread",
                "input_addresses",
                "inputs_nameless",
                "output_addresses",
                "equal_outputs",
            ).fill_null(0),
            pl.when(pl.col("coinbase"))
            .then(None)
            .when(known)
            .then(pl.col("read_value"))
            .alias("input_value"),
        )
        .with_columns((pl.col("input_value") - pl.col("output_value").cast(AMOUNT)).alias("fee"))
        .drop("read_value")
        .sort(key)
    )
    return joined.collect()


def _equal_outputs(ledger: Ledger) -> pl.LazyFrame:
    key = ["chain", "tx"]
    counted = (
        ledger.outputs.filter((pl.col("value") > DUST) & pl.col("spendable"))
        .group_by([*key, "value"])
        .agg(pl.coalesce("address", "script").n_unique().cast(pl.Int64).alias("equal_outputs"))
    )
    # Ties go to the larger amount: the answer must not depend on the order of rows.
    return (
        counted.sort([*key, "equal_outputs", "value"], descending=[False, False, True, True])
        .group_by(key, maintain_order=True)
        .agg(pl.col("equal_outputs").first(), pl.col("value").first().alias("equal_value"))
    )


TWIN_TAIL = 4
"""Characters at the end of an address by which a hurried reader knows it. Two addresses of one
account's trade share four by chance once in 58**4 = 11 million pairs."""


def transfers(ledger: Ledger, asset: Asset) -> pl.DataFrame:
    """Return the transfers of one asset with what poisoning rules read.

    Returns
    -------
    polars.DataFrame
        The rows of the ledger and

        - ``from_twin``: the sender's address ends like that of another party that traded more
          with the receiver: the receiver may take the one for the other;
        - ``to_twin``: the same of the receiver's address, seen from the sender.

        The endings compared are the last ``TWIN_TAIL`` characters of the text.
    """
    rows = ledger.transfers.filter(asset.of_transfers()).collect()
    rows = rows.sort("time", "txid", "log_index", "trace_path", "occurrence")
    everyone = pl.concat([rows["sender"], rows["receiver"]]).unique()
    tails = pl.DataFrame(
        {"address": everyone, "tail": text_series(everyone, asset.chain).str.slice(-TWIN_TAIL)}
    )
    traded = rows.filter(pl.col("amount") > 0)
    genuine = (
        pl.concat(
            [
                traded.select("amount", me="receiver", other="sender"),
                traded.select("amount", me="sender", other="receiver"),
            ]
        )
        .group_by("me", "other")
        .agg(pl.col("amount").sum().alias("traded"))
        .join(tails, left_on="other", right_on="address")
    )
    return rows.with_columns(
        _twin(rows, genuine, tails, me="receiver", other="sender").alias("from_twin"),
        _twin(rows, genuine, tails, me="sender", other="receiver").alias("to_twin"),
    )


def _twin(
    rows: pl.DataFrame, genuine: pl.DataFrame, tails: pl.DataFrame, *, me: str, other: str
) -> pl.Series:
    """Return for each row whether the other party ends like one that traded more with ``me``."""
    here = rows.select(pl.col(me).alias("me"), pl.col(other).alias("party"))
    mine = genuine.select("me", pl.col("other").alias("party"), pl.col("traded").alias("own"))
    alike = (
        here.with_row_index("row")
        .join(tails, left_on="party", right_on="address")
        .join(mine, on=["me", "party"], how="left")
        .join(genuine, on=["me", "tail"])
        .filter(
            (pl.col("other") != pl.col("party")) & (pl.col("traded") > pl.col("own").fill_null(0))
        )
    )
    numbers = pl.int_range(rows.height, dtype=pl.UInt32, eager=True)
    return numbers.is_in(alike["row"].unique().implode())
