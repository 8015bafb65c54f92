"""What a trace cannot know of an asset whose balances move without transfers.

Where holders or the contract move any balance at any time, no lot in a balance is known: somebody
may have given up what came in and got the like elsewhere before paying on. That the subject paid
whom it paid stays a fact; what is said to have gone on through another's balance, or to be held
still, is *unknown*. It is followed all the same, as a lead, and never called more than that.
"""

from __future__ import annotations

import polars as pl

from chainwatch.addresses.assets import Asset
from chainwatch.addresses.silent_moves import silent_moves
from chainwatch.tracing.stops import UNSPENT
from chainwatch.units import total

UNKNOWN_WAY = "unknown"
"""Certainty of an end that rests on a balance which may have moved without a transfer."""


def doubted(ends: pl.DataFrame, asset: Asset) -> pl.DataFrame:
    """Return the ends of a trace, those called *unknown* that rest on a balance nobody can know.

    Parameters
    ----------
    ends : polars.DataFrame
        In the columns of :data:`chainwatch.tracing.trace_tables.ENDS`.
    asset : Asset
        What was followed.
    """
    moves = silent_moves(asset.chain, asset.contract)
    if moves is None or not moves.any_time:
        return ends
    # One hop is the subject's own payment; from there on it is a share of somebody's balance.
    rests = (pl.col("hop") > 1) | (pl.col("reason") == UNSPENT)
    why = pl.concat_str([pl.col("detail"), pl.lit(moves.caveat)], separator="; ", ignore_nulls=True)
    return ends.with_columns(
        pl.when(rests).then(why).otherwise("detail").alias("detail"),
        pl.when(rests).then(pl.lit(UNKNOWN_WAY)).otherwise("certainty").alias("certainty"),
    )


def doubt_of(asset: Asset, ends: pl.DataFrame) -> str | None:
    """Return in a sentence what is not known of a trace of this asset, or None."""
    moves = silent_moves(asset.chain, asset.contract)
    if moves is None:
        return None
    caveat = f"{moves.caveat[0].upper()}{moves.caveat[1:]} ({moves.source})."
    if not moves.any_time:
        return f"{caveat} What an address holds may differ from what its transfers add up to."
    unknown = total(ends.filter(pl.col("certainty") == UNKNOWN_WAY)["amount"])
    return (
        f"{caveat} Of what is followed, {asset.shown(unknown)} rest on balances beyond the"
        " subject's own payment, or are said to be held still: whether that is the subject's is"
        " not known."
    )
