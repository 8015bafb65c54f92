"""One row per output with what change rules read of it, its transaction and the one that spends it.

Null is *not known*, and where it depends on something unread both ends of a count are given. What
is known of spending is decided by :mod:`chainwatch.ledger.output_status` alone.
"""

from __future__ import annotations

import polars as pl

from chainwatch.ledger.ledger import Ledger
from chainwatch.ledger.output_features.appearances import appearances
from chainwatch.ledger.output_features.marks import MARKS, TX, marks, payment
from chainwatch.ledger.output_features.shared import shared
from chainwatch.ledger.output_features.whole import Whole, read_whole
from chainwatch.ledger.output_status import OutputStatus

_KEY = [*TX, "n"]


def outputs(ledger: Ledger) -> pl.DataFrame:
    """Return one row per output of a coin chain, with what rules on change read.

    Returns
    -------
    polars.DataFrame
        ``chain, tx, n, txid, time, height, value, script_kind, address``, sorted by the first
        three; of its transaction the columns of
        :func:`chainwatch.ledger.output_features.marks.marks`; and

        - ``payment``: it can be somebody's: no data, and no form that anybody may spend;
        - ``to_input``: its address is one of the inputs'; false only where all of these are known;
        - ``to_self``: some output of the transaction is so;
        - ``fresh, paid_again_after, quiet_for``: see
          :mod:`chainwatch.ledger.output_features.appearances`;
        - ``fresh_outputs, fresh_unknown``: payments of the transaction that are fresh, and of
          which it is not known; ``small_fresh_outputs, small_fresh_unknown``: the same of those
          smaller than every input;
        - ``output_min``: the smallest payment of the transaction;
        - ``spent``: true, false as of what was read, or null;
        - ``spender_...``: version, locktime, sequences, fee rate, order, and counts of inputs and
          outputs of the transaction that spends it;
        - ``peels``: the transaction has one input and two outputs, and so has the one before or
          after it;
        - ``shared``: the inputs say that the outputs may belong to several
          (:mod:`chainwatch.ledger.output_features.shared`).
    """
    whole = read_whole(ledger)
    known = {chain.id: OutputStatus.read(ledger, chain) for chain in ledger.chains}
    marked = marks(whole)
    # The address of an input is looked for once per transaction and address, not per input.
    paid = _paid(ledger).join(marked, on=TX, how="inner")
    rows = (
        paid.join(_to_inputs(whole, paid), on=_KEY, how="left")
        .join(appearances(whole, paid, known), on=[*TX, "address"], how="left")
        .join(_spends(whole, marked), on=_KEY, how="left")
        .join(shared(whole), on=TX, how="left")
        .join(_parents(whole, marked), on=TX, how="left")
        .with_columns(_to_input().alias("to_input"))
    )
    rows = rows.with_columns(
        _spent(rows, known),
        pl.col("shared").fill_null(False),
        (pl.col("fresh") & _small()).alias("small_fresh"),
    )
    return (
        rows.join(_summed(rows), on=TX, how="left")
        .with_columns(_peels().alias("peels"))
        .drop(_PASSING)
        .sort(_KEY)
    )


_PASSING = (
    "block", "script", "spendable", "hit", "spender", "small_fresh", "parent_peels", "child_peels",
    "child_unknown",
)  # fmt: skip
"""Columns that others are made of."""


def _paid(ledger: Ledger) -> pl.DataFrame:
    columns = (*_KEY, "value", "script_kind", "address", "script", "spendable")
    return ledger.outputs.select(*columns, payment().alias("payment")).collect()


def _to_inputs(whole: Whole, paid: pl.DataFrame) -> pl.DataFrame:
    """Return the outputs whose address is one of their transaction's inputs: ``hit``."""
    addresses = whole.inputs.filter(pl.col("address").is_not_null()).select(*TX, "address")
    found = paid.lazy().select(*_KEY, "address").join(addresses, on=[*TX, "address"], how="semi")
    return found.select(*_KEY, pl.lit(True).alias("hit")).collect()


def _to_input() -> pl.Expr:
    # An output without an address is none of the inputs' where each of these has one.
    return (
        pl.when(pl.col("hit"))
        .then(pl.lit(True))
        .when(pl.col("addresses_unread") == 0)
        .then(pl.lit(False))
    )


def _small() -> pl.Expr:
    """Return whether an output is smaller than every input; null where an unread one decides."""
    return (
        pl.when(pl.col("value") >= pl.col("input_min"))
        .then(pl.lit(False))
        .when((pl.col("inputs_unread") == 0) & ~pl.col("coinbase"))
        .then(pl.lit(True))
    )


def _spends(whole: Whole, marked: pl.DataFrame) -> pl.DataFrame:
    """Return who spends each output, as far as was read, with the marks of that transaction."""
    spent = (
        whole.inputs.filter(pl.col("prev_tx").is_not_null())
        .group_by("chain", tx="prev_tx", n="prev_n")
        .agg(pl.col("tx").min().alias("spender"))
        .collect()
    )
    found = marked.select("chain", spender="tx", **{f"spender_{name}": name for name in MARKS})
    return spent.join(found, on=["chain", "spender"], how="left")


def _spent(rows: pl.DataFrame, known: dict[str, OutputStatus]) -> pl.Series:
    """Return whether each output is spent: false as of what was read, null where nothing says."""
    places = rows.select("chain", "height", "block", "address", "script").with_row_index("row")
    open_ = places.filter(rows["spender"].is_null() & rows["spendable"])
    parts = [pl.DataFrame(schema={"row": pl.UInt32, "unspent": pl.Boolean})]
    for (chain,), part in open_.group_by("chain", maintain_order=True):
        unspent = known[str(chain)].unspent_rows(part).alias("unspent")
        parts.append(part.select("row").hstack([unspent]))
    found = places.select("row").join(
        pl.concat(parts), on="row", how="left", maintain_order="left"
    )["unspent"]  # fmt: skip
    spender, spendable = rows["spender"], rows["spendable"]
    frame = pl.DataFrame({"spender": spender, "spendable": spendable, "unspent": found})
    return frame.select(
        pl.when(pl.col("spender").is_not_null())
        .then(pl.lit(True))
        .when(pl.col("unspent") | ~pl.col("spendable"))
        .then(pl.lit(False))
        .alias("spent")
    )["spent"]


def _shape(prefix: str = "") -> pl.Expr:
    """Return whether a transaction has the shape of a peeling chain: one input, two outputs."""
    return (pl.col(f"{prefix}input_count") == 1) & (pl.col(f"{prefix}output_count") == 2)


def _parents(whole: Whole, marked: pl.DataFrame) -> pl.DataFrame:
    """Return of transactions with one input whether the one before has the shape of a chain."""
    one = marked.filter(_shape()).select(TX)
    before = marked.select("chain", _shape().alias("parent_peels"), prev_tx="tx")
    spent = whole.inputs.select(*TX, "prev_tx").drop_nulls("prev_tx").collect()
    return spent.join(one, on=TX, how="semi").join(before, on=["chain", "prev_tx"]).drop("prev_tx")


def _summed(rows: pl.DataFrame) -> pl.DataFrame:
    """Return what is told of all outputs of each transaction together."""
    paid = pl.col("payment")
    counts = [
        (paid & test).sum().cast(pl.Int64).alias(name)
        for name, test in {
            "fresh_outputs": pl.col("fresh"),
            "fresh_unknown": pl.col("fresh").is_null(),
            "small_fresh_outputs": pl.col("small_fresh"),
            "small_fresh_unknown": pl.col("small_fresh").is_null(),
        }.items()
    ]
    told = pl.col("to_input").filter("payment")
    return rows.group_by(TX).agg(
        *counts,
        pl.col("value").filter("payment").min().alias("output_min"),
        pl.when(told.any()).then(pl.lit(True)).when(told.count() == paid.sum())
        .then(pl.lit(False)).alias("to_self"),
        (pl.col("spent") & _shape("spender_")).any().alias("child_peels"),
        (paid & (pl.col("spent").is_null() | (pl.col("spent") & _shape("spender_").is_null())))
        .any().alias("child_unknown"),
    )  # fmt: skip


def _peels() -> pl.Expr:
    beside = pl.col("parent_peels").fill_null(False) | pl.col("child_peels")
    unread = pl.col("parent_peels").is_null() | pl.col("child_unknown")
    return (
        pl.when(~_shape() | pl.col("coinbase"))
        .then(pl.lit(False))
        .when(beside)
        .then(pl.lit(True))
        .when(~unread)
        .then(pl.lit(False))
    )
