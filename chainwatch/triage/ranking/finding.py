"""What a report says of a ranking: the first of the order, its parts, and who is not in it."""

from __future__ import annotations

import polars as pl

from chainwatch.addresses.assets import Asset
from chainwatch.results.result import Finding
from chainwatch.triage.ranking.tables import RANKING
from chainwatch.units import counted

MOST = 20
"""Rows that a report shows; all stand in the table of the ranking."""

FIRST_OF = RANKING.pick(
    "rank", "entity", "low", "high", "danger", "evidence", "value", "recency", "reachable",
    "amount", "reasons", "behind",
    name="look_at_first",
)  # fmt: skip

LIMITS = (
    "A rank says where to begin, and nothing of what somebody did. It rests on tags and on what was"
    " read; the weights are choices, which stand in the table of weights with their sources, and"
    " another order of dangers gives another ranking.",
    "Buying is no reason to be ranked. Services are left out, since they deal with everybody; so"
    " are likely buyers, donors and victims.",
)

INNOCENT = (
    "Somebody whom a seller pays may be his landlord or his cook: that he is paid shows a payment.",
    "A tag may be wrong, out of date, or of an address that has changed hands.",
)


def ranking_finding(ranked: pl.DataFrame, reasons: int, out: int, asset: Asset) -> Finding:
    """Return the first of a ranking with the parts of their scores, and its limits.

    Parameters
    ----------
    ranked : polars.DataFrame
        Rows in ``RANKING``.
    reasons, out : int
        How many reasons there are, and how many parties were left out.
    asset : Asset
        What was paid.
    """
    count = ranked.height
    said = (
        f"{counted(count, 'owner has', 'owners have')} a reason to be looked at, of"
        f" {counted(reasons, 'reason', 'reasons')} in all; {out:,} who deal with a"
        " danger or are named one were left out."
    )
    shown = f" The first {MOST} stand here." if count > MOST else ""
    return Finding(
        "What to look at first",
        (said + shown, *LIMITS),
        FIRST_OF.rows(ranked.head(MOST).select(FIRST_OF.names)),
        asset,
        INNOCENT,
        said,
    )
