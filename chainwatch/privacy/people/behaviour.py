"""What payments say of who paid: like a customer's, a donor's or a victim's, or not, or not known.

A customer and a small donor pay seldom and little, and get back less than they paid: what comes
back below that is a refund, or dust. So does a victim. A customer who pays often, and little each
time, may be one all the same. Each answer is *no* only by what is known of that party alone; where
others may have paid, where a history was not read, or where it was not stated what is small, a
*yes* is *unknown*.
"""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from chainwatch.privacy.people.tables import CONSUMER, DONOR, FITS, FITS_NOT, OPEN, VICTIM
from chainwatch.units import AMOUNT, exact_sum

OFTEN = "it paid more often than a few times"
MUCH = "it paid more than what is small"
PAID_BACK = "it got no less from whom it paid than it paid"
REPAID = "it got back no less than it paid"
LIKE = {
    CONSUMER: "it paid a vendor or a market seldom and little, and got back less",
    DONOR: "it paid a campaign seldom and little, and got back less",
    VICTIM: "it paid by what a tag calls deceit, force or theft, and got back less",
}
DOUBTFUL = "others may have paid: the inputs have several owners, or were not all read"
UNREAD = "not every payment of both sides is known to have been read"
MANY_SMALL = "it paid more often than a few times, and each time little: it may be a customer"
UNSTATED = "what is small was not stated, or a price was not read"

ANCHORS = {
    "payee": pl.Binary, "payers": pl.String, "first_day": pl.Date, "last_day": pl.Date,
}  # fmt: skip
"""Owners whom one pays as a customer, a donor or a victim (``payers``), and from when to when."""


@dataclass(frozen=True)
class Few:
    """How often and how much is *seldom and little*.

    Attributes
    ----------
    often : int
        The most payments to all of one kind.
    """

    often: int


def to_anchors(rows: pl.DataFrame, anchors: pl.DataFrame) -> pl.DataFrame:
    """Return the payments to anchors on days on which they were what a tag calls them.

    A payment whose day is not known counts where the tag has no dates.
    """
    day = pl.col("time").dt.date()
    begun = pl.col("first_day").is_null() | (pl.col("first_day") <= day)
    lasts = pl.col("last_day").is_null() | (day <= pl.col("last_day"))
    paid = rows.join(anchors.unique(), on="payee").filter((begun & lasts).fill_null(False))
    return paid.drop("first_day", "last_day").unique().sort("payer", "payee", "time", "txid")


def pairs(paid: pl.DataFrame, rows: pl.DataFrame) -> pl.DataFrame:
    """Return what each party paid to each anchor, and got back from it.

    Parameters
    ----------
    paid : polars.DataFrame
        From :func:`to_anchors`, with ``small``: whether it was little, null where not known.
    rows : polars.DataFrame
        All payments to and by anchors.
    """
    back = rows.group_by(payer="payee", payee="payer").agg(
        exact_sum("amount").alias("back"), pl.col("amount").null_count().alias("back_wide")
    )
    known = pl.col("sole")
    found = paid.group_by("payer", "payee", "payers").agg(
        pl.len().cast(pl.Int64).alias("payments"),
        (~known).sum().cast(pl.Int64).alias("doubtful"),
        exact_sum("amount").alias("amount"),
        exact_sum(pl.when(known).then("amount")).alias("own"),
        (known & pl.col("amount").is_null()).any().alias("wide"),
        pl.col("amount").max().alias("largest"),
        (known & ~pl.col("small")).any().alias("much"),
        pl.col("small").is_null().any().alias("unsized"),
        pl.col("time").min().alias("first"),
        pl.col("time").max().alias("last"),
    )
    joined = found.join(back, on=["payer", "payee"], how="left")
    return joined.with_columns(
        pl.col("back").fill_null(pl.lit(0, AMOUNT)), pl.col("back_wide").fill_null(0)
    )


def judged(found: pl.DataFrame, few: Few, unread: pl.DataFrame) -> pl.DataFrame:
    """Return what the payments of each party say, by the role that they would be like.

    Parameters
    ----------
    found : polars.DataFrame
        From :func:`pairs`.
    few : Few
        What is seldom.
    unread : polars.DataFrame
        ``payer, payee`` of pairs of which a payment may be missing.

    Returns
    -------
    polars.DataFrame
        ``payer, payers, fits, why``.
    """
    marked = found.join(
        unread.with_columns(pl.lit(True).alias("unread")), on=["payer", "payee"], how="left"
    )
    by = marked.group_by("payer", "payers").agg(
        (pl.col("payments") - pl.col("doubtful")).sum().alias("certain"),
        pl.col("doubtful").sum(),
        exact_sum("own"),
        exact_sum("back"),
        (pl.col("back_wide") > 0).any().alias("back_wide"),
        pl.col("wide", "much", "unsized").any(),
        pl.col("unread").fill_null(False).any(),
    )
    victim = pl.col("payers") == VICTIM
    # One unit that comes back tells of nobody that it sells: anybody can send it to anybody.
    returned = (pl.col("doubtful") == 0) & ~pl.col("wide") & (
        pl.col("back_wide") | (pl.col("back") >= pl.col("own"))
    )  # fmt: skip
    often = pl.col("certain") > few.often
    buys = (pl.col("payers") == CONSUMER) & often
    no = (
        pl.when(returned).then(pl.when(victim).then(pl.lit(REPAID)).otherwise(pl.lit(PAID_BACK)))
        .when(victim).then(None)
        .when(pl.col("much")).then(pl.lit(MUCH))
        .when(often & ~buys).then(pl.lit(OFTEN))
    )  # fmt: skip
    open_ = (
        pl.when(pl.col("doubtful") > 0).then(pl.lit(DOUBTFUL))
        .when(pl.col("unread")).then(pl.lit(UNREAD))
        .when(~victim & pl.col("unsized")).then(pl.lit(UNSTATED))
        .when(buys).then(pl.lit(MANY_SMALL))
    )  # fmt: skip
    told = by.with_columns(no.alias("no"), open_.alias("open"))
    fits = (
        pl.when(pl.col("no").is_not_null()).then(pl.lit(FITS_NOT))
        .when(pl.col("open").is_not_null()).then(pl.lit(OPEN))
        .otherwise(pl.lit(FITS))
    )  # fmt: skip
    like = pl.col("payers").replace_strict(LIKE, return_dtype=pl.String)
    return told.select("payer", "payers", fits.alias("fits"),
                       pl.coalesce("no", "open", like).alias("why"), "unread").sort(
        "payer", "payers"
    )  # fmt: skip
