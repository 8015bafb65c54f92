"""What a text says in other forms: its escapes read, and what only parts its letters left out."""

from __future__ import annotations

import email
import html
import quopri
import re
from collections.abc import Iterator
from email.message import Message
from urllib.parse import unquote_to_bytes

_UNSEEN = re.compile(
    b"\xe2\x80[\x8b-\x8f\xaa-\xae]|\xe2\x81[\xa0-\xa4]|\xc2\xad|\xef\xbb\xbf|\xcd\x8f"
)
"""U+200B to U+200F, U+202A to U+202E, U+2060 to U+2064, U+00AD, U+FEFF and U+034F in UTF-8."""

_BLANK = re.compile(b"\xc2\xa0|\xe2\x80[\x80-\x8a\xa8\xa9\xaf]|\xe2\x81\x9f|\xe3\x80\x80")
"""White space of UTF-8 beside that of ASCII."""

_DASHES = re.compile(b"\xe2\x80[\x90-\x95]|\xc2\xb7|\xe2\x80\xa2")
_SPACES, _SEPARATORS = b" \t\n\v\f\r", b" \t\n\v\f\r-_.,:;|/'\"`*+\\~^()[]"
_ESCAPE = re.compile(rb"\\(?:u([0-9A-Fa-f]{4})|u\{([0-9A-Fa-f]{1,6})\}|x([0-9A-Fa-f]{2}))")
_QUOTED = re.compile(rb"=(?:\r?\n|[0-9A-F]{2})")
_MAIL = re.compile(rb"^(?:mime-version|content-transfer-encoding):", re.IGNORECASE | re.MULTILINE)


def other_forms(data: bytes) -> Iterator[tuple[str, bytes]]:
    """Yield a text in UTF-8 with its escapes read, and each without what parts its letters.

    Parameters
    ----------
    data : bytes
        The text.

    Yields
    ------
    tuple of (str, bytes)
        The form in words, and the text in it.
    """
    forms = [("", data), *_read(data)]
    for form, made in forms:
        if form:
            yield form, made
        # Twice: base64 keeps some of the characters that elsewhere only part letters.
        close = _BLANK.sub(b"", _UNSEEN.sub(b"", made)).translate(None, _SPACES)
        if close != made:
            yield f"{form} without white space".lstrip(), close
        bare = _DASHES.sub(b"", close).translate(None, _SEPARATORS)
        if bare != close:
            yield f"{form} without separators".lstrip(), bare


def _read(data: bytes) -> Iterator[tuple[str, bytes]]:
    every = data
    if b"%" in data and (made := unquote_to_bytes(data)) != data:
        yield "percent signs read", made
        every = made
    if _ESCAPE.search(data):
        yield "escapes read", _unescaped(data)
        every = _unescaped(every)
    if b"&" in data and (made := _entities(data)) != data:
        yield "entities read", made
        every = _entities(every)
    if _QUOTED.search(data):
        yield "quoted-printable read", quopri.decodestring(data)
    if every not in (data, unquote_to_bytes(data)):
        yield "all escapes read", every


def _unescaped(data: bytes) -> bytes:
    def one(found: re.Match[bytes]) -> bytes:
        code = int(found[1] or found[2] or found[3], 16)
        return chr(code).encode("utf-8", "replace") if code < 0x110000 else found[0]

    return _ESCAPE.sub(one, data)


def _entities(data: bytes) -> bytes:
    return html.unescape(data.decode("utf-8", "replace")).encode("utf-8", "replace")


def without_marks(data: bytes) -> bytes:
    """Return a page without its comments, its marks and its white space.

    Behind the last end of a mark none is looked for, so that each byte is looked at once.
    """
    for begin, end in ((rb"<!--.*?-->", b"-->"), (rb"<[^>]*>", b">")):
        last = data.rfind(end) + len(end)
        if last >= len(end):
            data = re.sub(begin, b"", data[:last], flags=re.DOTALL) + data[last:]
    return data.translate(None, _SPACES)


def mail_parts(kind: str, data: bytes) -> list[tuple[str, bytes]]:
    """Return the parts of a mail, decoded; none where it is no mail.

    Parameters
    ----------
    kind : str
        How its name ends.
    data : bytes
        The file.
    """
    if kind not in (".eml", ".mht", ".mhtml", ".mbox") and not _MAIL.search(data[:16_384]):
        return []
    found = []
    for part in email.message_from_bytes(data).walk():
        held = part.get_payload(decode=True)
        if isinstance(held, bytes) and held and held != data:
            found.append((_ending(part), held))
    return found


def _ending(part: Message) -> str:
    """Return how the name of a part ends, by its type."""
    return {"text/html": ".html", "application/json": ".json"}.get(part.get_content_type(), "")
