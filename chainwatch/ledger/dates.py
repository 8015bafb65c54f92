"""Bounds of a span as people write them: an ISO date or time, UTC where no zone is given."""

from __future__ import annotations

from datetime import UTC, date, datetime, time

from chainwatch.errors import InputError

Moment = str | date | datetime
"""A date means its midnight; without a zone, UTC."""


def moment(bound: Moment | None) -> datetime | None:
    """Return a bound of a span as a time in UTC; ``None`` stays open.

    Raises
    ------
    InputError
        If it is no time.
    """
    if bound is None:
        return None
    value: object = bound
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value.strip())
        except ValueError:
            value = None
    elif isinstance(value, date) and not isinstance(value, datetime):
        value = datetime.combine(value, time())
    if not isinstance(value, datetime):
        raise InputError(
            f"{bound!r:.60} is no time", remedy="write it as 2023-06-01 or 2023-06-01T12:30"
        )
    try:
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
    except OverflowError as error:
        raise InputError(
            f"{bound!r:.60} is out of range", remedy="give a year from 1 to 9999"
        ) from error


def bound_text(bound: datetime | None) -> str:
    """Return a bound as text; ``open`` where there is none."""
    return "open" if bound is None else bound.isoformat().replace("+00:00", "Z")
