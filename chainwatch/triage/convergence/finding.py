"""What a report says of places where vendors meet, and what that does not show."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import polars as pl

from chainwatch.addresses.assets import Asset
from chainwatch.results.result import Finding
from chainwatch.triage.convergence.tables import CHANCE, MEETINGS, SHARED
from chainwatch.triage.word import SUBJECT, titled
from chainwatch.units import counted

CALLED = MEETINGS.pick(
    "entity", "direction", "concept", "vendors", "tested", "expected", "corrected", "verdict",
    "amount", "behind",
    name="meeting_places",
)  # fmt: skip

INNOCENT = (
    "A service that no tag names: a local exchange, a payment processor, a host, a shop.",
    "One person with several wallets, whose addresses no cluster joins.",
    "A supplier of something lawful, such as packing or post, who knows nothing of what it is for.",
)


def convergence_finding(
    meetings: pl.DataFrame, asset: Asset, tests: int, settings: Mapping[str, Any],
    word: str = SUBJECT,
) -> Finding:  # fmt: skip
    """Return the places that are met at more often than by chance tells, or may be a service.

    Parameters
    ----------
    meetings : polars.DataFrame
        Rows in ``MEETINGS``.
    asset : Asset
        What was paid.
    tests : int
        What the correction is for.
    settings : mapping
        How far money was followed, and the rate.
    word : str
        What those who meet are called: vendors only where tags call all of them so.
    """
    called = meetings.filter(pl.col("verdict") == CHANCE)
    shared = meetings.filter(pl.col("verdict") == SHARED).height
    said = (
        f"At {counted(called.height, 'place', 'places')} more {word}s meet than wallets like them"
        f" would by chance, of {counted(meetings.height, 'place', 'places')} where at least"
        f" {settings['least']} meet."
    )
    how = (
        f"Money was followed over at most {settings['hops']} payments and {settings['days']} days"
        f" from one to the next. Among the places that are named a share of {settings['rate']} may"
        f" be false, corrected for {counted(tests, 'party', 'parties')} that could have been one."
    )
    rest = (
        f"That {word}s meet at a place is consistent with a common supplier, broker or launderer,"
        " and with what stands below; it shows no agreement. Services that tags name are left out."
    )
    if settings["unread"] or settings["unknown"]:
        rest += (
            f" Of {settings['unread']:,} {word}s not all was read, and of"
            f" {counted(settings['unknown'], 'payment', 'payments')} the payer is not known: they"
            " may have met elsewhere."
        )
    hubs = (
        f"{counted(shared, 'place deals', 'places deal')} with so many that it may be a service"
        " which no tag names: nothing is said of it."
    )
    listed = called.select(CALLED.names).rename({"vendors": f"{word}s"})
    return Finding(
        f"Where {word}s meet", (said, how, rest, *((hubs,) if shared else ())),
        titled(CALLED, word).rows(listed), asset, INNOCENT, said,
    )  # fmt: skip
