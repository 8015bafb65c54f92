"""Transactions whose outputs may belong to several, as their inputs say.

A channel of the Lightning network belongs to two, who close it together: what looks like payment
and change are the shares of the two. Its funding output is a 2-of-2, of which the wallet of one
owner looks the same. An escrow of two of three keys pays one party or the other. And where a
signature leaves room for the inputs or outputs of others, or is not there, others may have used it.
Of all these it is not known whose the outputs are.
"""

from __future__ import annotations

import polars as pl

from chainwatch.addresses.unlocking import OPEN_FLAGS
from chainwatch.ledger.joint.two_of_two import quorums, several_keys
from chainwatch.ledger.output_features.whole import Whole

TX = ["chain", "tx"]

_HIDING = ("p2sh", "p2sh32", "p2wsh")
"""Kinds of outputs whose script stands behind a hash until it is spent."""

_CLOSING_LOCKTIME, _CLOSING_SEQUENCE = 0x20, 0x80
"""First bytes of locktime and sequence of a commitment transaction (BOLT 3)."""


def shared(whole: Whole) -> pl.DataFrame:
    """Return the transactions whose outputs may belong to several: ``chain, tx, shared``.

    Those that spend an output of several keys or of a script that was not read, close a channel
    from one side, or have inputs of several addresses of which one is signed so that others may add
    to the transaction, or is not signed.

    Fails when
    ----------
    A channel is one of taproot, which shows one key for the keys of two: it is not among these.
    One owner signs alone so too (fee bumping, crowdfunding): it is.

    References
    ----------
    BOLT 3 for the form of commitment transactions; BIP 143 and 341 for what a signature binds.
    """
    parts = [_of_several(whole), _closing(whole), _open(whole)]
    return (
        pl.concat([part.select(TX) for part in parts])
        .unique()
        .with_columns(pl.lit(True).alias("shared"))
        .collect()
    )


def _of_several(whole: Whole) -> pl.LazyFrame:
    """Return what spends an output of several keys, or one whose script may be of several."""
    kind, quorum = pl.col("script_kind"), pl.col("quorum")
    silent = kind.is_null() & pl.col("sighash").is_null()
    hidden = quorum.is_null() & (kind.is_in(_HIDING) | silent)
    return quorums(whole).filter(several_keys(quorum).fill_null(False) | hidden)


def _closing(whole: Whole) -> pl.LazyFrame:
    one = whole.transactions.filter(
        (pl.col("input_count") == 1) & (pl.col("locktime") // (1 << 24) == _CLOSING_LOCKTIME)
    )
    marked = whole.inputs.filter(pl.col("sequence") // (1 << 24) == _CLOSING_SEQUENCE)
    return one.join(marked, on=TX, how="semi")


def _open(whole: Whole) -> pl.LazyFrame:
    alone = pl.col("sighash").str.contains(OPEN_FLAGS)
    told = whole.inputs.group_by(TX).agg(
        alone.any().alias("alone"),
        pl.len().alias("rows"),
        pl.col("address").n_unique().alias("addresses"),
        pl.col("address").is_null().any().alias("nameless"),
    )
    several = (pl.col("addresses") > 1) | ((pl.col("rows") > 1) & pl.col("nameless"))
    return told.filter(pl.col("alone") & several)
