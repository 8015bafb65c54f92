"""What dates let one say of a payment to a tagged address: before, after, or not known.

A list says that an address stands in it on a day. It seldom says since when, and a payment made
before a designation is no payment to a listed party: the sentences here keep that apart.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any

from chainwatch.attribution.taxonomy import broader, is_a
from chainwatch.errors import TagError, expect

SANCTION = "sanction"
"""The concept whose dates are designations."""


def statement(tag: Mapping[str, Any], payment_time: datetime | date) -> str:
    """Return the sentence on a tag's dates and a payment's.

    Parameters
    ----------
    tag : mapping
        A row of ``schema.TAGS``; ``concept, first_day, last_day, as_of`` are read.
    payment_time : datetime or date
        Time of the payment; without a zone it is UTC.

    Returns
    -------
    str
        Of a sanction when it was designated, of any other tag from when it holds.

    Examples
    --------
    >>> row = {"concept": "sanction", "first_day": None, "last_day": None,
    ...        "as_of": date(2024, 9, 27)}
    >>> statement(row, date(2019, 5, 2))
    'listed as of 2024-09-27; designation date unknown; payment 2019-05-02'
    >>> statement({**row, "first_day": date(2018, 11, 28)}, date(2019, 5, 2))
    'designated 2018-11-28; payment 2019-05-02 (after designation)'
    """
    concept = tag["concept"]
    listed = concept in broader() and is_a(concept, SANCTION)
    first, last, day = tag["first_day"], tag["last_day"], _utc_day(payment_time)
    parts = [_since(listed, first, tag["as_of"])]
    if last is not None:
        parts.append(f"{'listed' if listed else 'holds'} until {last}")
    return f"{'; '.join(parts)}; payment {day}{_order(listed, first, last, day)}"


def _since(listed: bool, first: date | None, as_of: date | None) -> str:
    if first is not None:
        return f"{'designated' if listed else 'holds from'} {first}"
    verb = "listed" if listed else "tagged"
    stated = f"{verb} as of {as_of}" if as_of else f"{verb}, on a day not stated"
    return f"{stated}; {'designation date' if listed else 'first valid day'} unknown"


def _order(listed: bool, first: date | None, last: date | None, day: date) -> str:
    """Return in brackets how the payment's day lies to those that are known."""
    innocent = "not a payment to a listed party" if listed else "it did not hold"
    start = "designation" if listed else "its first valid day"
    if last is not None and day > last:
        return f" (after {'delisting' if listed else 'its last valid day'}: {innocent})"
    if first is None:
        return ""
    if day < first:
        return f" (before {start}: {innocent})"
    if day == first:
        return " (on the day of designation: before or after is not known)" if listed else " (held)"
    return " (after designation)" if listed else " (held)"


def _utc_day(moment: datetime | date) -> date:
    if not isinstance(moment, datetime):
        return moment
    return (moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)).date()


def day_of(day: date | str) -> date:
    """Return a day given as one, as a time, or as ISO text.

    Raises
    ------
    TagError
        If the text is no day.
    ArgumentError
        If it is something else.
    """
    if isinstance(day, datetime):
        return day.date()
    if isinstance(day, date):
        return day
    expect(day, str, "a day", "write it as YYYY-MM-DD, or pass a datetime.date")
    try:
        return date.fromisoformat(day)
    except ValueError as error:
        raise TagError(f"{day[:40]!r} is no day", remedy="write it as YYYY-MM-DD") from error
