"""One row per transaction, transfer or output with what rules read: the only joins rules need.

A feature that rests on something unread is null, and where a bound is known both ends of it are
given (``input_addresses`` at least, ``input_count`` at most).
"""

from __future__ import annotations

import polars as pl

from chainwatch.addresses.assets import Asset
from chainwatch.ledger.accounts.authority import with_authority
from chainwatch.ledger.among import Among
from chainwatch.ledger.joint import shape, whirlpool
from chainwatch.ledger.joint.funding import equal_outputs
from chainwatch.ledger.joint.tables import Tables, read_once
from chainwatch.ledger.joint.two_of_two import spends_two_of_two
from chainwatch.ledger.ledger import Ledger
from chainwatch.ledger.look_alikes import LOOKS, look_alikes
from chainwatch.ledger.output_features.outputs import outputs as outputs
from chainwatch.ledger.schema import AMOUNT, TRANSFERS
from chainwatch.units import exact_sum

FRAMES = ("transactions", "transfers", "outputs")
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
          (:func:`chainwatch.ledger.joint.funding.equal_outputs`), with ``repeated_values`` and
          ``single_values``. 0, and of the value null, without any;
        - what :mod:`chainwatch.ledger.joint.shape` says of outputs and inputs, their kinds, their
          order, and amounts of known protocols;
        - ``spends_two_of_two``: whether an input is a 2-of-2, of one owner or of two; null where it
          may be (:mod:`chainwatch.ledger.joint.two_of_two`);
        - ``premix_outputs, premix_fees, whirlpool_descent``
          (:mod:`chainwatch.ledger.joint.whirlpool`).
    """
    tables = read_once(ledger)
    equal = equal_outputs(tables)
    paid = _paid(tables)
    one_note = paid.filter(pl.col("op_returns") == 1).select(_TX)
    joined = (
        tables.transactions.join(_spent(tables), on=_TX, how="left")
        .join(paid, on=_TX, how="left")
        .join(equal.lazy(), on=_TX, how="left")
        .join(shape.of_equal(tables, equal), on=_TX, how="left")
        .join(shape.of_order(tables), on=_TX, how="left")
        .join(shape.of_levels(tables), on=_TX, how="left")
        .join(whirlpool.of_preparation(tables, one_note), on=_TX, how="left")
        .join(_descent(ledger, tables).lazy(), on=_TX, how="left")
        .join(spends_two_of_two(ledger), on=_TX, how="left")
        .with_columns(
            pl.col(*_COUNTS).fill_null(0),
            pl.col("fusion").fill_null(False),
            *_only_where(),
        )
        # Against the count that the transaction states: rows of inputs may be missing too.
        .with_columns((pl.col("input_count") - pl.col("inputs_read")).alias("inputs_unread"))
        .with_columns(
            pl.when(~pl.col("coinbase") & (pl.col("inputs_unread") == 0))
            .then("read_value")
            .alias("input_value"),
            shape.foreign_outputs(),
        )
        .with_columns((pl.col("input_value") - pl.col("output_value").cast(AMOUNT)).alias("fee"))
        .drop("read_value", "inputs_read", "whirlpool_shape", *shape.PASSING)
        .sort(_TX)
    )
    return joined.collect()


_TX = ["chain", "tx"]

_COUNTS = (
    "inputs_read",
    "input_addresses",
    "inputs_nameless",
    "output_addresses",
    "equal_outputs",
    "repeated_values",
    "single_values",
    "funded_each",
    "fundable_each",
    "fundable",
    "level_outputs",
    "level_most",
    "premix_outputs",
    "premix_fees",
    *shape.COUNTS,
)
"""Features that are 0 of a transaction without a row that counts."""


def _only_where() -> tuple[pl.Expr, pl.Expr]:
    """Return features that are *no*, whatever was read, of all but some transactions."""
    keys = pl.when("coinbase").then(False).otherwise("spends_two_of_two")
    # Null is unknown of a mix by its shape; all else is no mix of Whirlpool.
    descent = pl.when("whirlpool_shape").then("whirlpool_descent").otherwise(False)
    return keys.alias("spends_two_of_two"), descent.alias("whirlpool_descent")


def _descent(ledger: Ledger, tables: Tables) -> pl.DataFrame:
    """Return which mixes descend from Whirlpool's first: those above them may not be looked at."""
    found = whirlpool.of_descent(tables)
    if found.is_empty() or not isinstance(ledger, Among):
        return found
    return whirlpool.of_descent(ledger.wider).join(found, on=_TX, how="semi")


def _spent(tables: Tables) -> pl.LazyFrame:
    read = pl.col("value").is_not_null()
    return tables.inputs.group_by(_TX).agg(
        read.sum().cast(pl.Int64).alias("inputs_read"),
        exact_sum("value").alias("read_value"),
        pl.col("address").drop_nulls().n_unique().cast(pl.Int64).alias("input_addresses"),
        (read & pl.col("address").is_null()).sum().cast(pl.Int64).alias("inputs_nameless"),
        *shape.of_inputs(),
    )


def _paid(tables: Tables) -> pl.LazyFrame:
    return tables.outputs.group_by(_TX).agg(
        pl.col("address").drop_nulls().n_unique().cast(pl.Int64).alias("output_addresses"),
        *shape.of_outputs(),
    )


TRANSFER_FEATURES = TRANSFERS.plus(*LOOKS)
"""What :func:`transfers` returns."""


def transfers(ledger: Ledger, asset: Asset, trifle: int = 0) -> pl.DataFrame:
    """Return the transfers of one asset with what poisoning rules read.

    ``trifle`` is the largest amount that makes nobody a partner of whom it is paid to.

    Returns
    -------
    polars.DataFrame
        The rows of the ledger, with ``signed`` as all that was read tells it, and the columns of
        :data:`chainwatch.ledger.look_alikes.LOOKS`: whether the sender looks like an earlier
        partner of the receiver, and the receiver like one of the sender. Earlier trade counts
        whatever the ledger's span.
    """
    order = dict.fromkeys(["time", "txid", "log_index", "trace_path", *TRANSFERS.key])
    found = ledger.transfers.filter(asset.of_transfers()).collect().sort(list(order))
    rows = with_authority(ledger, found)
    spanned = ledger.start is not None or ledger.end is not None
    ever = rows
    if spanned:
        whole = ledger.history.transfers.filter(asset.of_transfers()).collect()
        ever = with_authority(ledger, whole)
    return rows.hstack(look_alikes(rows, ever, asset.chain, trifle))
