"""What a report says of alerts: those on the subjects, with what innocently looks the same."""

from __future__ import annotations

from collections.abc import Set

import polars as pl

from chainwatch.addresses.assets import Asset
from chainwatch.results.result import Finding
from chainwatch.typologies.tables import ALERTS, OPEN
from chainwatch.typologies.typology import WEAK
from chainwatch.units import counted

ON_SUBJECTS = ALERTS.pick(
    "typology", "strength", "fatf", "entity", "first", "last", "amount", "payments", "verdict",
    "behind",
    name="alerts_on_subjects",
)  # fmt: skip

LIMITS = (
    "Each shape of payments has innocent causes, which stand below; it is a reason to look and"
    " proves nothing. That none was found says only that none of those asked for was there in what"
    " was read; signs that no chain shows are listed apart as not observable."
)


def alerts_finding(alerts: pl.DataFrame, asset: Asset, owners: Set[bytes]) -> Finding:
    """Return the alerts whose doing is some owners'.

    Parameters
    ----------
    alerts : polars.DataFrame
        Rows in ``ALERTS``.
    asset : Asset
        What was paid.
    owners : set of bytes
        Whose alerts are told.
    """
    mine = alerts.filter(
        pl.col("entity").is_in(pl.Series(sorted(owners), dtype=pl.Binary).implode())
    )
    open_ = mine.filter(pl.col("verdict") == OPEN).height
    one, many = "shape that lawful business has too was", "shapes that lawful business has too were"
    said = f"{counted(mine.height, one, many)} found in the payments of the listed addresses"
    doubt = f", of which {open_} rest on what was not read" if open_ else ""
    if weak := mine.filter(pl.col("strength") == WEAK).height:
        doubt += f"; {counted(weak, 'is', 'are')} of a weak kind"
    return Finding(
        "Shapes in the payments",
        (f"{said}{doubt}.", LIMITS),
        ON_SUBJECTS.rows(mine.select(ON_SUBJECTS.names)),
        asset,
        tuple(mine["benign"].unique().sort()),
        f"{said}{doubt}.",
    )


__all__ = ["ON_SUBJECTS", "alerts_finding"]
