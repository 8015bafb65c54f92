"""JSON of feeds, read as a stranger's: bounded, without floats, no key twice, and told by its form.

A feed is an event of MISP or a bundle of STIX. What is read of either are cryptocurrency addresses
and what is said of them; nothing else of it is interpreted.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

from chainwatch.attribution.files.tag_fields import day_of_text
from chainwatch.attribution.rejections import quoted
from chainwatch.attribution.taxonomy import broader, is_a
from chainwatch.errors import TagError
from chainwatch.packed import file_bytes

MISP, STIX = "MISP event", "STIX bundle"

MOST_VALUES = 10_000_000
"""Values in one file; each takes some sixty bytes, whatever it took there."""

MAX_TEXT = 100_000
"""Longest text that is taken from a feed, in characters."""

Instant: TypeAlias = tuple[datetime, str]
"""A second in UTC, and the digits of its fraction without zeros at their end: it sorts exactly."""

EARLIEST: Instant = (datetime.min.replace(tzinfo=UTC), "")
LATEST: Instant = (datetime.max.replace(tzinfo=UTC), "")

_LAST_SECOND = 253_402_300_799  # of the year 9999
_LONGEST_TIME = 64
_FRACTION = re.compile(r"([^.,]*:[0-9]{2})[.,]([0-9]+)([^.,]*)")
_TRUE = (True, 1, "1", "true", "True")


class Told(NamedTuple):
    """What a feed says of one address, and where.

    Attributes
    ----------
    place : str
        Where it stands, such as ``attribute 5a3c...``.
    address : str
        Its text, as it stands there.
    network : str or None
        Code of a currency or network, where one is stated.
    label, source : str
        Name and publisher.
    actor : str or None
        Who holds it, where that is stated.
    concepts : tuple of str
        Abuses that its publisher names by an id of the taxonomy.
    as_of, last_day : datetime.date or None
        Day on which it was said, and the last on which it holds.
    context : dict
        What else is said.
    withdrawn : str
        Why its publisher says it no more; empty where it stands.
    """

    place: str
    address: str
    network: str | None
    label: str
    source: str
    actor: str | None
    concepts: tuple[str, ...]
    as_of: date | None
    last_day: date | None
    context: Mapping[str, Any]
    withdrawn: str = ""


def load_feed(path: Path, name: str) -> tuple[str, Any]:
    """Return which feed a file holds, and its content.

    Raises
    ------
    TagError
        If it is no JSON, too large or too deep, names a key twice, or is no feed.
    """
    data = file_bytes(path, name, TagError)
    if sum(data.count(mark) for mark in (b",", b"[", b"{")) > MOST_VALUES:
        what = f"the file holds more than {MOST_VALUES:,} values"
        raise TagError(what, where=quoted(name), remedy="split it")
    try:
        said = json.loads(
            data.decode("utf-8-sig"), object_pairs_hook=_pairs, parse_float=str,
            parse_constant=_no_number,
        )  # fmt: skip
    except (ValueError, RecursionError) as error:
        why = getattr(error, "msg", None) or str(error)
        line = f" line {error.lineno}" if isinstance(error, json.JSONDecodeError) else ""
        raise _unread(f"not JSON: {quoted(why)}", f"{quoted(name)}{line}") from None
    return _kind_of(said, name), said


def _kind_of(said: Any, name: str) -> str:
    if isinstance(said, dict) and said.get("type") == "bundle":
        return STIX
    one = said[0] if isinstance(said, list) and said else said
    if isinstance(one, dict) and (
        {"Event", "response"} & one.keys() or {"Attribute"} <= one.keys()
    ):
        return MISP
    raise _unread("it is no MISP event and no STIX bundle", quoted(name))


def _unread(why: str, where: str) -> TagError:
    return TagError(
        f"tags in a .json file cannot be read ({why})", where=where,
        remedy="export a MISP event or a STIX bundle as JSON, or write a TagPack (.yaml, .yml), a"
        " table (.csv, .tsv) or a plain list, one address a line (.txt)",
    )  # fmt: skip


def _pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a key stands twice in one object")
    return found


def _no_number(text: str) -> None:
    raise ValueError(f"{text} is no number")


def objects(value: Any) -> Iterator[dict[str, Any]]:
    """Yield the objects of a list; what is no list has none."""
    if isinstance(value, list):
        yield from (one for one in value if isinstance(one, dict))


def text_at(said: Mapping[str, Any], *keys: str) -> str | None:
    """Return the text at the first of some keys that holds one that says anything."""
    for key in keys:
        value = said.get(key)
        if isinstance(value, str) and value.strip() and "\x00" not in value:
            return value[:MAX_TEXT]
    return None


def is_true(value: Any) -> bool:
    """Return whether a flag is set, however an export writes it."""
    return isinstance(value, (bool, int, str)) and value in _TRUE


def instant_of_text(said: str) -> Instant | None:
    """Return a date or time as an instant, in UTC where it states no zone; None of what is none.

    The fraction is compared as digits: instants have as many as their publisher writes.

    Examples
    --------
    >>> half, whole = (instant_of_text(f"2024-01-01T00:00:00{end}") for end in (".500Z", "Z"))
    >>> half > whole, instant_of_text("2024-01-01T05:00:00+05:00") == whole
    (True, True)
    """
    text = said.strip().upper()
    if not text.isascii() or len(text) > _LONGEST_TIME or text.isdigit():
        return None
    found = _FRACTION.fullmatch(text)
    whole, fraction = (found[1] + found[3], found[2]) if found else (text, "")
    try:
        moment = datetime.fromisoformat(whole)
        exact = moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        return None
    return exact, fraction.rstrip("0")


def instant_at(value: Any) -> Instant | None:
    """Return an instant that is written as one, or as seconds since 1970; None of what is none."""
    said = str(value).strip() if isinstance(value, (str, int)) and value is not True else ""
    if not (said.isascii() and said.isdigit()):
        return instant_of_text(said)
    seconds = int(said) if len(said) < 16 else 0
    known = 0 < seconds <= _LAST_SECOND
    return (datetime.fromtimestamp(seconds, UTC), "") if known else None


def day_at(value: Any) -> date | None:
    """Return the day, in UTC, of seconds since 1970, of a date or of a time; None of what is none.

    Examples
    --------
    >>> day_at("1465681304"), day_at("2020-10-25T16:22:00.000Z"), day_at("soon")
    (datetime.date(2016, 6, 11), datetime.date(2020, 10, 25), None)
    """
    found = instant_at(value)
    if found is not None:
        return found[0].date()
    return day_of_text(value) if isinstance(value, str) else None


def no_time(name: str, value: Any) -> str:
    """Return why a field that should say a time says none."""
    return f"{name} {quoted(value, 40)!r} is no time"


def version(instant: Instant | None, gone: bool, said: Any) -> tuple[Instant, bool, str]:
    """Return by what versions of one thing are ordered, the last of which stands.

    The later instant, then that it was withdrawn, then the content, so that the order of a file
    decides nothing. A version without a time is the first, and a withdrawal without one the last:
    nothing shows that what it withdrew was said anew.
    """
    at = instant or (LATEST if gone else EARLIEST)
    return at, gone, json.dumps(said, sort_keys=True, ensure_ascii=False, default=str)


def abuses(words: list[str]) -> tuple[str, ...]:
    """Return the abuses that some words name by their id: the last part of a tag, or a label.

    Examples
    --------
    >>> abuses(['rsit:fraud="phishing"', "Ransomware", "tlp:white", "exchange"])
    ('phishing', 'ransomware')
    """
    found: dict[str, None] = {}
    for word in words:
        bare = word.rpartition("=")[2] if "=" in word else word.rpartition(":")[2]
        one = bare.strip(' "').lower().replace(" ", "_").replace("-", "_")
        if one in broader() and is_a(one, "abuse"):
            found[one] = None
    return tuple(found)
