"""Transfers of which no source says whether they took effect: they count, and it is said.

A transfer in a transaction that failed moves nothing. The log of a token's transfer exists only
where it took effect; of the coin a table may state payments and leave the outcome out. To call none
of those failed, because none is known to have, would be a guess. Decided here alone.
"""

from __future__ import annotations

import polars as pl

from chainwatch.addresses.assets import Asset
from chainwatch.results.sentence import Sum, sentence

ROWS = ("sender", "receiver", "amount")
"""What is kept of such a transfer, beside what tells where it stands."""


def effect_unread() -> pl.Expr:
    """Return, of rows of ``transfers``, whether value moved only if they took effect, and no source
    says so.

    Payments and calls of the native coin alone; what moves nothing is left out.
    """
    coin = pl.col("contract").is_null() & pl.col("token_id").is_null()
    some = pl.col("amount_hex").is_not_null() | (pl.col("amount") > 0).fill_null(False)
    return coin & pl.col("success").is_null() & some


def effect_told(rows: pl.DataFrame, asset: Asset) -> str:
    """Return a sentence on transfers whose effect is not known, with what they move.

    Parameters
    ----------
    rows : polars.DataFrame
        ``sender, receiver, amount``, of those that are counted: each amount is known.
    asset : Asset
        What they move.

    Returns
    -------
    Sentence or str
        Empty where there are none.
    """
    if not rows.height:
        return ""
    whom = frozenset(rows["sender"].drop_nulls()) | frozenset(rows["receiver"].drop_nulls())
    each = "it took effect" if rows.height == 1 else "they took effect"
    rest = "It counts as if it had." if rows.height == 1 else "They count as if they had."
    return sentence(
        "Of ",
        Sum(rows.height, behind=whom, noun=("transfer", "transfers")),
        ", ",
        Sum(sum(map(int, rows["amount"])), asset, whom),
        f" in all, it is not known whether {each}: no source says so. {rest}",
    )
