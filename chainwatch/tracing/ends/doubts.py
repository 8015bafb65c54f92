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
from chainwatch.ledger.balances import Balances
from chainwatch.tracing.stops import BY_REMAINDER, NOT_READ, UNSPENT
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


def as_known(ends: pl.DataFrame, balances: Balances) -> pl.DataFrame:
    """Return the ends of a trace, none called unspent of which that is not known.

    What :mod:`chainwatch.ledger.balances` cannot vouch for is *not read*, with its amount.

    Parameters
    ----------
    ends : polars.DataFrame
        In the columns of :data:`chainwatch.tracing.result.ENDS`.
    balances : Balances
        What is known of the balances at which they lie.
    """
    held = pl.col("reason") == UNSPENT
    whose = ends.filter(held)["address"].unique()
    told = [(address, *balances.kept(address)) for address in whose.to_list()]
    known = pl.DataFrame(
        told, schema={"address": pl.Binary, "why": pl.String, "till": ends.schema["as_of_time"]},
        orient="row",
    )  # fmt: skip
    rows = ends.join(known, on="address", how="left", maintain_order="left")
    lost, sure = held & (pl.col("why") != ""), held & (pl.col("why") == "")
    new = ~pl.col("detail").str.contains(pl.col("why"), literal=True)
    why = pl.concat_str(pl.lit("left of what was read to come in; "), "why")
    more = pl.when(new).then(why).otherwise("detail")
    return rows.with_columns(
        pl.when(lost).then(pl.lit(NOT_READ)).otherwise("reason").alias("reason"),
        pl.when(lost).then(pl.lit(BY_REMAINDER)).otherwise("basis").alias("basis"),
        pl.when(lost).then(more).otherwise("detail").alias("detail"),
        pl.when(lost)
        .then(None)
        .when(sure)
        .then("till")
        .otherwise("as_of_time")
        .alias("as_of_time"),
    ).select(ends.columns)


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
