"""Times as tables of transfers write them, to moments in UTC; nothing is guessed or rounded."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from fractions import Fraction

from chainwatch.addresses.diagnose import quoted
from chainwatch.errors import DumpError

# No public chain is older than Bitcoin; a time beyond 2100 is one in another unit.
_EARLIEST, _LATEST = datetime(2009, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECONDS = {"s": 1_000_000, "ms": 1_000, "us": 1}
# BigQuery's interfaces write 1.5475968E9 where they mean 1547596800.
_NUMBER = re.compile(r"[0-9]{1,18}(?:\.[0-9]{1,18})?(?:E[0-9]{1,2})?")
_ZONE = re.compile(r" ?(?:UTC|GMT|\(UTC\))$")
_SLASHED = re.compile(
    r"([0-9]{1,2})/([0-9]{1,2})/([0-9]{4}),? "
    r"([0-9]{1,2}):([0-9]{2})(?::([0-9]{2}))?(?: ?([AaPp])[Mm])?"
)


def read_time(text: str, unit: str) -> datetime:
    """Return the moment that a cell names.

    Parameters
    ----------
    text : str
        The cell.
    unit : str
        One of :data:`chainwatch.sources.transfer_dump.mapping.TimeUnit`.

    Raises
    ------
    DumpError
        If it names none between 2009 and 2100, or a day without an hour.
    """
    if unit in _MICROSECONDS:
        moment = _since_1970(text, _MICROSECONDS[unit])
    else:
        bare = _ZONE.sub("", text)
        moment = _iso(bare, bare != text) if unit == "iso" else _slashed(bare, unit)
    if moment is None or not _EARLIEST <= moment < _LATEST:
        raise DumpError(
            f"{quoted(text)} is no time between {_EARLIEST.year} and {_LATEST.year}",
            remedy=f"correct the cell, or the unit of time in the mapping ({unit})",
        )
    return moment


def _iso(text: str, zoned: bool) -> datetime | None:
    # A day alone would stand at midnight, before or after what it should not.
    if len(text) <= len("2023-01-01"):
        return None
    try:
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is not None:
            return None if zoned else moment.astimezone(UTC)
        return moment.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        return None


def _slashed(text: str, unit: str) -> datetime | None:
    found = _SLASHED.fullmatch(text)
    if found is None:
        return None
    first, second, year, hour, minute = (int(part) for part in found.groups()[:5])
    month, day = (first, second) if unit == "m/d/y" else (second, first)
    half = (found[7] or "").lower()
    if half:
        if not 1 <= hour <= 12:
            return None
        hour = hour % 12 + (12 if half == "p" else 0)
    try:
        return datetime(year, month, day, hour, minute, int(found[6] or 0), tzinfo=UTC)
    except ValueError:
        return None


def _since_1970(text: str, microseconds: int) -> datetime | None:
    if not _NUMBER.fullmatch(text):
        return None
    exact = Fraction(text) * microseconds
    if exact >= int((_LATEST - _EPOCH).total_seconds()) * 1_000_000 or exact.denominator > 1:
        return None
    return _EPOCH + timedelta(microseconds=int(exact))
