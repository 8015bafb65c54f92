"""Transactions that spend an output which several keys spend together, perhaps of several owners.

An escrow asks for two of three keys, of buyer, seller and market. A channel of the Lightning
network is a 2-of-2 of its two parties; a wallet of one owner looks the same. Closed together, a
channel pays both of them: neither output is change.
"""

from __future__ import annotations

from typing import Protocol

import polars as pl

from chainwatch.addresses.canonical import Kind
from chainwatch.addresses.unlocking import UNSIGNED

SHARED = "2-of-2"
"""Quorum of an output that two keys spend together."""

_TX = ["chain", "tx"]

_BEHIND_A_HASH = [bytes((kind,)) for kind in (Kind.P2SH, Kind.P2WSH, Kind.P2SH32)]
_OF_ONE_KEY = ("p2pk", "p2pkh", "p2wpkh")


class Spends(Protocol):
    """What has these tables: a ledger, or what was read of one."""

    @property
    def transactions(self) -> pl.LazyFrame:
        """Rows of the ledger's table."""
        ...

    @property
    def inputs(self) -> pl.LazyFrame:
        """Rows of the ledger's table."""
        ...

    @property
    def output_keys(self) -> pl.LazyFrame:
        """Rows of the ledger's table."""
        ...


def spends_two_of_two(ledger: Spends) -> pl.LazyFrame:
    """Return whether each transaction spends a 2-of-2: ``chain, tx, spends_two_of_two``.

    Only transactions with inputs have a row. Null where no input is known to be one, and an input
    may be: its output was not read, or hides a script that was not read, or is of taproot, which
    shows one key for the keys of two.

    References
    ----------
    BOLT 3 for the outputs that fund channels; the draft of simple taproot channels for the others.
    """
    said = pl.col("quorum")
    one_key = pl.col("script_kind").is_in(_OF_ONE_KEY)
    shared = pl.when(said.is_not_null()).then(said == SHARED).when(one_key).then(False)
    each = quorums(ledger).select(*_TX, shared.alias("shared")).group_by(_TX)
    found = each.agg(
        pl.col("shared").any().alias("some"),
        pl.col("shared").null_count().alias("open"),
        pl.len().cast(pl.Int64).alias("rows"),
    )
    counted = ledger.transactions.select(*_TX, "input_count")
    whole = (pl.col("open") == 0) & (pl.col("rows") == pl.col("input_count"))
    return found.join(counted, on=_TX).select(
        *_TX, spends_two_of_two=pl.when("some").then(True).when(whole).then(False)
    )


def several_keys(quorum: pl.Expr) -> pl.Expr:
    """Return whether a quorum is of two signatures or more, or of a script that is no plain one.

    Such an output is of one owner or of several. Null where no quorum showed itself.
    """
    return ~quorum.str.starts_with("1-of-")


def perhaps_several_keys() -> pl.Expr:
    """Return of rows of inputs whether several keys may have signed: true or false.

    A script says so, or stands behind a hash and did not show itself. Where no flag was read
    nothing was looked at: that is told otherwise, as flags that were not read.
    """
    signed = (pl.col("sighash") != UNSIGNED).fill_null(False)
    hidden = pl.col("address").bin.slice(0, 1).is_in(_BEHIND_A_HASH) & signed
    return several_keys(pl.col("quorum")).fill_null(hidden).fill_null(False)


def quorums(ledger: Spends) -> pl.LazyFrame:
    """Return the quorum of each input: ``chain, tx, quorum, script_kind, sighash``.

    It is what unlocks the input that shows it, or the output itself, of bare keys; else null.
    """
    keys = (
        ledger.output_keys.group_by("chain", prev_tx="tx", prev_n="n")
        .agg(pl.len().alias("keys"), pl.col("required").min())
        .with_columns(bare=pl.format("{}-of-{}", "required", "keys"))
    )
    inputs = ledger.inputs.join(keys, on=["chain", "prev_tx", "prev_n"], how="left")
    shown = pl.coalesce("quorum", "bare").alias("quorum")
    return inputs.select(*_TX, shown, "script_kind", "sighash")
