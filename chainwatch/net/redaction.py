"""The keys and passwords of one server, and how they are kept out of whatever it repeats of them.

A server that refuses a key likes to quote it: whole or in part, decoded, or as it stood in the
request. So every form that it can take on the way is looked for, in whatever case.
"""

from __future__ import annotations

import base64
import binascii
import html
import json
import re
from collections import deque
from collections.abc import Iterable, Iterator
from urllib.parse import quote, quote_plus, unquote

HIDDEN = "‹key›"
"""What stands where a key stood."""

_SHORTEST = 4
"""Characters; to hide a shorter password would garble ordinary words."""

_LONG = 12
"""Characters; a shorter key may be part of a number or a hash by chance."""

_ANYWHERE, _ALONE = "{}", "(?<![0-9A-Za-z]){}(?![0-9A-Za-z])"
_NEVER = "(?!)"

_REMEMBERED = 8
"""Passwords that changed, as a node's cookie does, and may still be quoted."""

_SCHEMES = frozenset({"basic", "bearer", "digest", "token", "apikey", "api-key", "negotiate"})
"""Words of a header that are no key."""


class Keys:
    """The secrets of one server.

    Parameters
    ----------
    secrets : iterable of str
        Passwords, and parts of the address that may be keys.
    headers : iterable of str
        Values of header fields, each a secret as a whole and in its parts.
    """

    def __init__(self, secrets: Iterable[str] = (), headers: Iterable[str] = ()) -> None:
        parts = [part for value in headers for part in _parts(value)]
        self._fixed = frozenset([*secrets, *parts])
        self._changing: deque[str] = deque(maxlen=_REMEMBERED)
        self._build()

    def __repr__(self) -> str:
        return "<keys>"

    def add_login(self, user: str, password: str) -> str:
        """Remember a login, and return its token for the header."""
        token = base64.b64encode(f"{user}:{password}".encode()).decode()
        for secret in (password, token):
            if secret not in self._fixed and secret not in self._changing:
                self._changing.append(secret)
                self._build()
        return token

    def _build(self) -> None:
        secrets = {item for item in [*self._fixed, *self._changing] if len(item) >= _SHORTEST}
        forms = {form for secret in secrets for form in _forms(secret)}
        self._text = re.compile("|".join(_patterns(forms, _ANYWHERE)), re.IGNORECASE)
        # A page may be written in Latin-1, which spells letters with accents in bytes of its own.
        raw = {form.encode(code, "ignore") for form in forms for code in ("utf-8", "latin-1")}
        raw = {form for form in raw if len(form) >= _SHORTEST}
        self._lower = tuple(form.lower() for form in raw)
        patterns = _patterns((form.decode("latin-1") for form in raw), _ALONE)
        self._bytes = re.compile("|".join(patterns).encode("latin-1"), re.IGNORECASE)

    def hide(self, text: str) -> str:
        """Return a text to be shown with a mark in the place of each key."""
        return self._text.sub(HIDDEN, text)

    def hide_in(self, body: bytes) -> bytes:
        """Return a body to be kept with a mark in the place of each key.

        A short key is hidden only where it stands by itself, so that no number and no hash that
        has its digits is altered.
        """
        low = body.lower()
        if not any(form in low for form in self._lower):
            return body
        return self._bytes.sub(HIDDEN.encode(), body)


def _patterns(forms: Iterable[str], short: str) -> list[str]:
    """Return patterns, the longest first, so that none leaves the rest of another behind."""
    ordered = sorted(forms, key=lambda form: (-len(form), form))
    found = [(short if len(form) < _LONG else _ANYWHERE, re.escape(form)) for form in ordered]
    return [frame.replace("{}", form) for frame, form in found] or [_NEVER]


def _parts(value: str) -> Iterator[str]:
    """Yield what a server may quote of a header's value: all, each word, what a word names."""
    yield value
    for word in value.split():
        part = word.strip(",;\"'")
        if part.lower() in _SCHEMES:
            continue
        yield part
        yield from (part.partition(mark)[2].strip("\"'") for mark in "=:")
        try:
            login = base64.b64decode(part, validate=True).decode()
        except (binascii.Error, ValueError):
            continue
        yield login
        yield login.partition(":")[2]


def _forms(secret: str) -> Iterator[str]:
    """Yield a secret as it may stand in an address, in JSON, in HTML, or by itself."""
    for plain in (secret, unquote(secret)):
        yield plain
        yield quote(plain)
        yield quote(plain, safe="")
        yield quote_plus(plain)
        yield html.escape(plain)
        yield html.escape(plain, quote=False)
        for ascii_only in (True, False):
            quoted = json.dumps(plain, ensure_ascii=ascii_only)[1:-1]
            yield quoted
            yield quoted.replace("/", "\\/")
