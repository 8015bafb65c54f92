"""What came back over HTTP: read within bounds, judged, and parsed without floats."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from chainwatch.errors import SourceError
from chainwatch.sanitize import clipped

if TYPE_CHECKING:
    import httpx2

Expect = Literal["json", "text", "bytes"]

SHOWN = 200
"""Characters of a stranger's text that an error repeats."""

MOST_VALUES = 6_000_000
"""Values in one JSON answer; each takes some sixty bytes, whatever it took on the way."""

_JSON = msgspec.json.Decoder(float_hook=Decimal)


class Unbounded(Exception):
    """An answer is longer, or takes longer, than was allowed; the text says which."""


@dataclass(frozen=True)
class Answer:
    """What a server answered.

    Attributes
    ----------
    body, digest : bytes
        The body as received, and its SHA-256. Where it repeated a key, ``‹key›`` stands in the
        place of it, and the digest is of that.
    host : str
        Who answered.
    time : datetime
        When its last byte came, UTC.
    request : str
        What was asked, without keys.
    value : object
        The body as JSON (``int``, ``Decimal``, no float), text or bytes.
    status : int
        HTTP status.
    """

    body: bytes = field(repr=False)
    digest: bytes
    host: str
    time: datetime
    request: str
    value: Any = field(repr=False)
    status: int = 200

    def row(self, source: str, *, keep: bool = False) -> dict[str, Any]:
        """Return its row of ``answers``, with the body if it is to be kept."""
        return {
            "digest": self.digest, "source": source, "request": self.request, "host": self.host,
            "time": self.time, "size": len(self.body), "body": self.body if keep else None,
        }  # fmt: skip


@dataclass(frozen=True)
class Refused:
    """A refusal that stands in the body of an answer.

    Attributes
    ----------
    said : str
        What the server says.
    remedy : str
        What can be done about it.
    again : bool
        To ask the same again may be answered.
    after : float or None
        Seconds that the server asks to wait; None where it names none.
    """

    said: str
    remedy: str = "try again later, or ask for less at once"
    again: bool = True
    after: float | None = None


def read_body(response: httpx2.Response, limit: int, seconds: float) -> bytes:
    """Return the body of a response.

    Raises
    ------
    Unbounded
        If it is longer than ``limit`` bytes, or still comes after ``seconds``.
    """
    until = time.monotonic() + seconds
    if int_of(response.headers.get("content-length", "")) > limit:
        raise Unbounded(f"the answer is longer than {limit:,} bytes")
    body = bytearray()
    for piece in response.iter_bytes():
        body += piece
        if len(body) > limit:
            raise Unbounded(f"the answer is longer than {limit:,} bytes")
        if time.monotonic() > until:
            raise Unbounded(f"the answer takes longer than {seconds:,.0f} seconds")
    return bytes(body)


def int_of(text: str) -> int:
    """Return a header's whole number, or -1 where it is none."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 16 else -1


def value_of(body: bytes, expect: Expect, where: str, *, shown: str | None = None) -> Any:
    """Return a body as what it must be; ``shown`` is what an error may quote of it, if not all.

    Raises
    ------
    SourceError
        If it is not; JSON must be one whole value in UTF-8, without NaN.
    """
    try:
        if expect == "json":
            _check_count(body, where)
            return _JSON.decode(body)
        return body.decode() if expect == "text" else body
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, ArithmeticError):
        begins = clipped(body[:SHOWN].decode(errors="replace") if shown is None else shown, 60)
        raise SourceError(
            f"the answer is no {'JSON' if expect == 'json' else 'text'}; it begins {begins!r}",
            where=where,
            remedy="check that the address is that of the service, and try again",
        ) from None


def _check_count(body: bytes, where: str) -> None:
    """Refuse an answer of very many values before they are made: small on the way, huge here."""
    if sum(body.count(mark) for mark in (b",", b"[", b"{")) > MOST_VALUES:
        raise SourceError(
            f"the answer holds more than {MOST_VALUES:,} values",
            where=where,
            remedy="check that the address is that of the service, or ask for less at once",
        )


def wait_asked(headers: httpx2.Headers) -> float | None:
    """Return the seconds that Retry-After asks for, as a number or a date; None for neither."""
    text = headers.get("retry-after", "")
    if int_of(text) >= 0:
        return float(int_of(text))
    try:
        then = parsedate_to_datetime(text)
    except (TypeError, ValueError, OverflowError):
        return None
    if then.tzinfo is None:
        then = then.replace(tzinfo=UTC)
    return max(0.0, (then - datetime.now(UTC)).total_seconds())
