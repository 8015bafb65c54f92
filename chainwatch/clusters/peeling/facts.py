"""What following a peel chain reads: the form of each transaction, and where its outputs go.

The *form* of a transaction is what its wallet left in it: version, whether it has a locktime, how
its inputs are marked, and whether it spends outputs of segregated witness. It is null where one of
these was not read.
"""

from __future__ import annotations

from typing import NamedTuple

import polars as pl

from chainwatch.heuristics.change.links import joint
from chainwatch.heuristics.rule import Rule
from chainwatch.heuristics.signing import open_spends
from chainwatch.ledger import features
from chainwatch.ledger.ledger import Ledger

TX = ["chain", "tx"]

WITNESS = ("p2wpkh", "p2wsh", "p2tr")
"""Kinds of outputs that only a witness spends; one nested behind a hash does not show it."""

_FINAL = 0xFFFF_FFFF


class Facts(NamedTuple):
    """Transactions of coin chains as far as following needs them.

    Attributes
    ----------
    txs : polars.DataFrame
        ``chain, tx, txid, time, form, payer, basis, open``: the smallest address of the inputs and
        how it is known; ``open`` where the inputs may be of several, or were not all read.
    outs : polars.DataFrame
        ``chain, tx, n, address, kind, payment, first, last, several, spent, spender``: places among
        the outputs, whether there are several, and the transaction that spends it.
    ins : polars.DataFrame
        ``chain, tx, address, kind, prev_tx, prev_n``: inputs, null where not read.
    """

    txs: pl.DataFrame
    outs: pl.DataFrame
    ins: pl.DataFrame


def read_facts(ledger: Ledger, unless: Rule | None) -> Facts:
    """Return the facts of a ledger; what ``unless`` does not rule out as a mix is open."""
    outputs = features.outputs(ledger)
    ins = (
        ledger.history.inputs.select(*TX, "address", "script_kind", "prev_tx", "prev_n")
        .collect()
        .rename({"script_kind": "kind"})
    )
    return Facts(_transactions(ledger, outputs, ins, unless), _outputs(outputs, ins), ins)


def _transactions(
    ledger: Ledger, outputs: pl.DataFrame, ins: pl.DataFrame, unless: Rule | None
) -> pl.DataFrame:
    """Return one row per transaction with its form, and whether it is open."""
    each = outputs.unique(TX, keep="first", maintain_order=True)
    witness = pl.col("kind").is_in(WITNESS)
    kinds = ins.group_by(TX).agg(
        pl.when(witness.any()).then(pl.lit(True)).when(pl.col("kind").null_count() == 0)
        .then(pl.lit(False)).alias("witness")
    )  # fmt: skip
    doubt = open_spends(ledger).with_columns(pl.lit(True).alias("doubt"))
    found = (
        each.join(kinds, on=TX, how="left")
        .join(joint(ledger, each, unless), on=TX, how="left")
        .join(doubt, on=TX, how="left")
    )
    unread = pl.col("coinbase") | pl.col("first_input").is_null() | (pl.col("addresses_unread") > 0)
    several = pl.col("veto").ne_missing(False) | pl.col("shared") | pl.col("doubt").is_not_null()
    return found.select(
        *TX, "txid", "time", _form().alias("form"), pl.col("first_input").alias("payer"),
        pl.col("first_basis").alias("basis"), (unread | several).alias("open"),
    ).sort(TX)  # fmt: skip


def _form() -> pl.Expr:
    """Return what a wallet left in a transaction, in words; null where a part was not read."""
    low = pl.col("sequence_low")
    marked = (
        pl.when(low == _FINAL).then(pl.lit("final"))
        .when(low == _FINAL - 1).then(pl.lit("not replaceable"))
        .when(low.is_not_null()).then(pl.lit("replaceable"))
    )  # fmt: skip
    timed = (
        pl.when(pl.col("locktime") > 0).then(pl.lit("locktime")).otherwise(pl.lit("no locktime"))
    )
    spends = (
        pl.when("witness").then(pl.lit("witness"))
        .when(~pl.col("witness")).then(pl.lit("no witness"))
    )  # fmt: skip
    version = pl.concat_str(pl.lit("version "), pl.col("version").cast(pl.String))
    return pl.concat_str([version, timed, marked, spends], separator=", ")


def _outputs(outputs: pl.DataFrame, ins: pl.DataFrame) -> pl.DataFrame:
    """Return one row per output with its place, and who spends it."""
    spender = (
        ins.drop_nulls("prev_tx")
        .group_by("chain", tx="prev_tx", n="prev_n")
        .agg(pl.col("tx").min().alias("spender"))
    )
    last = pl.col("n") == pl.col("output_count") - 1
    return outputs.select(
        *TX, "n", "address", pl.col("script_kind").alias("kind"), "payment",
        (pl.col("n") == 0).alias("first"), last.alias("last"),
        (pl.col("output_count") > 1).alias("several"), "spent",
    ).join(spender, on=[*TX, "n"], how="left")  # fmt: skip
