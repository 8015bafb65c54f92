"""One row per transaction or transfer with what rules read of it: the only joins rules need.

A feature that rests on something unread is null, and where a bound is known both ends of it are
given (``input_addresses`` at least, ``input_count`` at most).
"""

from __future__ import annotations

import polars as pl

from chainwatch.addresses.assets import Asset
from chainwatch.addresses.canonical import text_series
from chainwatch.chains.catalogue import chain as chain_of
from chainwatch.ledger.funding import equal_outputs
from chainwatch.ledger.ledger import Ledger
from chainwatch.ledger.schema import AMOUNT, TRANSFERS
from chainwatch.results.table import Column
from chainwatch.units import exact_sum

FRAMES = ("transactions", "transfers")
"""The features that rules can read: each is made by the function of that name."""


def transactions(ledger: Ledger) -> pl.DataFrame:
    """Return one row per transaction of a coin chain, inputs and outputs summed up.

    Returns
    -------
    polars.DataFrame
        The columns of the ledger's ``transactions``, sorted by ``chain, tx``, and

        - ``inputs_unread``: inputs whose value was not read;
        - ``input_value, fee``: base units; null where an input is unread, and of a coinbase;
        - ``input_addresses``: distinct addresses among the inputs that were read: a lower bound;
        - ``inputs_nameless``: inputs that were read and have no address (P2PK, bare multisig);
        - ``output_addresses``: distinct addresses among the outputs;
        - ``equal_outputs, equal_value``, ``funded_each, fundable_each, fundable``: equal outputs,
          and how many parties can have funded them
          (:func:`chainwatch.ledger.funding.equal_outputs`). 0, and of the value null, without any.
    """
    joined = (
        ledger.transactions.join(_spent(ledger), on=_TX, how="left")
        .join(_paid(ledger), on=_TX, how="left")
        .join(equal_outputs(ledger).lazy(), on=_TX, how="left")
        .with_columns(
            pl.col(
                "inputs_read",
                "input_addresses",
                "inputs_nameless",
                "output_addresses",
                "equal_outputs",
                "funded_each",
                "fundable_each",
                "fundable",
            ).fill_null(0)
        )
        # Against the count that the transaction states: rows of inputs may be missing too.
        .with_columns((pl.col("input_count") - pl.col("inputs_read")).alias("inputs_unread"))
        .with_columns(
            pl.when(~pl.col("coinbase") & (pl.col("inputs_unread") == 0))
            .then("read_value")
            .alias("input_value")
        )
        .with_columns((pl.col("input_value") - pl.col("output_value").cast(AMOUNT)).alias("fee"))
        .drop("read_value", "inputs_read")
        .sort(_TX)
    )
    return joined.collect()


_TX = ["chain", "tx"]


def _spent(ledger: Ledger) -> pl.LazyFrame:
    read = pl.col("value").is_not_null()
    return ledger.inputs.group_by(_TX).agg(
        read.sum().cast(pl.Int64).alias("inputs_read"),
        exact_sum("value").alias("read_value"),
        pl.col("address").drop_nulls().n_unique().cast(pl.Int64).alias("input_addresses"),
        (read & pl.col("address").is_null()).sum().cast(pl.Int64).alias("inputs_nameless"),
    )


def _paid(ledger: Ledger) -> pl.LazyFrame:
    return ledger.outputs.group_by(_TX).agg(
        pl.col("address").drop_nulls().n_unique().cast(pl.Int64).alias("output_addresses")
    )


TWIN_TAIL = 4
"""Characters at the end of an address by which a hurried reader knows it. Two addresses share four
by chance once in 58**4 = 11 million pairs in base58, once in 16**4 = 65,536 in hexadecimal."""


TRANSFER_FEATURES = TRANSFERS.plus(
    Column.amount("sent", "all that the sender ever paid the receiver, as far as it is known"),
    Column.flag("from_twin", "does the sender end like somebody who traded more with the receiver"),
    Column.flag("to_twin", "does the receiver end like somebody who traded more with the sender"),
)
"""What :func:`transfers` returns."""


def transfers(ledger: Ledger, asset: Asset) -> pl.DataFrame:
    """Return the transfers of one asset with what poisoning rules read.

    Returns
    -------
    polars.DataFrame
        The rows of the ledger and

        - ``from_twin``: the sender's address ends like that of another party that traded more
          with the receiver: the receiver may take the one for the other;
        - ``to_twin``: the same of the receiver's address, seen from the sender;
        - ``sent``: all that the sender ever paid the receiver, as far as it is known.

        The endings compared are the last ``TWIN_TAIL`` characters of the text, capitals and small
        letters alike where the text is hexadecimal. Trade counts whatever the ledger's span;
        trade that took no effect does not.

    Raises
    ------
    ConservationError
        If what two addresses traded exceeds 38 digits.
    """
    order = dict.fromkeys(["time", "txid", "log_index", "trace_path", *TRANSFERS.key])
    rows = ledger.transfers.filter(asset.of_transfers()).collect().sort(list(order))
    spanned = ledger.start is not None or ledger.end is not None
    ever = ledger.history.transfers.filter(asset.of_transfers()).collect() if spanned else rows
    tails = _tails(pl.concat([ever["sender"], ever["receiver"]]).unique(), asset.chain)
    traded = ever.filter((pl.col("amount") > 0) & pl.col("success").ne_missing(False))
    pair = ["sender", "receiver"]
    sent = traded.group_by(pair).agg(exact_sum("amount").alias("sent"))
    genuine = (
        pl.concat(
            [
                traded.select("amount", me="receiver", other="sender"),
                traded.select("amount", me="sender", other="receiver"),
            ]
        )
        .group_by("me", "other")
        .agg(exact_sum("amount").alias("traded"))
        .join(tails, left_on="other", right_on="address")
    )
    return rows.join(sent, on=pair, how="left", maintain_order="left").with_columns(
        pl.col("sent").fill_null(0).cast(AMOUNT),
        _twin(rows, genuine, tails, me="receiver", other="sender").alias("from_twin"),
        _twin(rows, genuine, tails, me="sender", other="receiver").alias("to_twin"),
    )


def _tails(addresses: pl.Series, chain: str) -> pl.DataFrame:
    """Return the ending of each address by which a reader knows it."""
    tails = text_series(addresses, chain).str.slice(-TWIN_TAIL)
    if chain_of(chain).family == "evm":
        tails = tails.str.to_lowercase()  # the capitals of EIP-55 are a checksum of the whole
    return pl.DataFrame({"address": addresses, "tail": tails})


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
