"""Questions over HTTP: permitted and logged first, bounded, retried, and never showing a key.

Whatever a server sends is hostile: its length and its time are bounded, its numbers become ``int``
or ``Decimal`` and never a float, it cannot send us elsewhere, and what fails is one sentence that
names host and question and no password. The transport is used without a client around it, so
there are no cookies, no proxies of the environment, and no log of addresses with keys in them.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from urllib.parse import urlencode, urljoin

import msgspec

from chainwatch.errors import NetworkRefused, NoAnswer, SourceError
from chainwatch.net.rate_limit import checked_rate
from chainwatch.net.response import SHOWN, Answer, Expect, value_of, wait_asked
from chainwatch.net.transport import Auth, Transient, Wire
from chainwatch.sanitize import clipped, visible

if TYPE_CHECKING:
    import httpx2

__all__ = [
    "LARGEST_ANSWER",
    "LONGEST_WAIT",
    "THIRD_PARTY_PER_SECOND",
    "Answer",
    "Auth",
    "Client",
    "Expect",
]

LARGEST_ANSWER = 64 << 20
"""Bytes of one answer, unless the source says more."""

THIRD_PARTY_PER_SECOND = 4.0
"""Requests a second to a host that is not one's own."""

LONGEST_WAIT = 120.0
"""Seconds that a server may ask us to wait before its answer counts as a refusal."""

_WAYS = frozenset({301, 302, 303, 307, 308})
_TOO_MANY = 429
_SILENT = logging.NullHandler()


class Client:
    """One server, asked over HTTP.

    Parameters
    ----------
    base_url : str
        ``http`` or ``https``; a user and password in it are taken out of it.
    source : str
        Name of the source that asks, for logs and errors.
    own : bool
        The user gave this host as their own: it may be private, and is asked without pause.
    per_second : float, optional
        Requests a second, over all clients of this host; 4 for third parties, else no limit.
    headers : mapping of str to str, optional
        Header fields; their values are shown nowhere.
    auth : (str, str) or callable, optional
        User and password. Where an answer repeats one of them or a key, ``‹key›`` stands in its
        place in ``Answer.body``, of which ``Answer.digest`` is: a digest of what was received
        would confirm a guess of the key.
    timeout : float
        Seconds for one connection, read or write; a whole answer has ten times as long.
    max_bytes : int
        Longest answer.
    attempts : int
        Attempts at one request. A 4xx is final, except 429.
    transport : httpx2.BaseTransport, optional
        What answers instead of the network, in tests; leave is asked all the same.
    """

    def __init__(
        self, base_url: str, *, source: str, own: bool = False, per_second: float | None = None,
        headers: Mapping[str, str] | None = None, auth: Auth | None = None,
        timeout: float = 30.0, max_bytes: int = LARGEST_ANSWER, attempts: int = 5,
        transport: httpx2.BaseTransport | None = None,
    ) -> None:  # fmt: skip
        self.source, self._attempts = source, attempts
        self._wire = Wire(
            base_url, source=source, own=own, headers=headers, auth=auth,
            per_second=checked_rate(per_second, own=own, third_party=THIRD_PARTY_PER_SECOND),
            timeout=timeout, max_bytes=max_bytes, transport=transport,
        )  # fmt: skip

    def hide(self, text: str) -> str:
        """Return a text of the server made visible, with ``‹key›`` in the place of each key."""
        return self._wire.hide(text)

    @property
    def host(self) -> str:
        """The host that is asked."""
        return self._wire.host

    def __repr__(self) -> str:
        wire = self._wire
        return f"Client({wire.scheme}://{wire.host}:{wire.port}{wire.shown_path}, {self.source})"

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close its connections; the next question opens new ones."""
        self._wire.close()

    def get(
        self, path: str, params: Mapping[str, str | int] | None = None, *,
        expect: Expect = "json", accept: tuple[int, ...] = (),
    ) -> Answer:  # fmt: skip
        """Ask for a path.

        Parameters
        ----------
        path, params : str, mapping
            Path below the base, and the query; both are shown and logged.
        expect : {"json", "text", "bytes"}
            What the answer must be.
        accept : tuple of int
            Statuses that are answers too, beside 200 to 299.

        Raises
        ------
        NetworkRefused
            If the policy forbids it, or the server sends us elsewhere.
        SourceError
            If the server refuses (``status`` says how), or its answer is too long or not of the
            form expected.
        NoAnswer
            If no attempt was answered.
        """
        query = f"?{urlencode(params)}" if params else ""
        return self._ask("GET", path + query, None, expect, accept, "")

    def post(
        self, path: str, json: object, *, expect: Expect = "json", accept: tuple[int, ...] = (),
        asked: str | None = None,
    ) -> Answer:  # fmt: skip
        """Send a JSON body to a path; ``asked`` says it in short for log and answer, else whole.

        Raises as :meth:`get` does. Ask nothing this way that must not happen twice.
        """
        body = msgspec.json.encode(json)
        return self._ask("POST", path, body, expect, accept, asked or body.decode())

    def _ask(
        self, method: str, path: str, body: bytes | None, expect: Expect,
        accept: tuple[int, ...], words: str,
    ) -> Answer:  # fmt: skip
        import stamina

        # Without a handler of its own that library's notes of retries go to the terminal.
        logging.getLogger("stamina").addHandler(_SILENT)
        asked = f"{method} {self._wire.shown_path}{path} {words}".strip()
        asked = visible(self._wire.hide_in(asked.encode(errors="replace")).decode())
        attempts = stamina.retry_context(
            on=_wait, attempts=self._attempts, timeout=None, wait_initial=0.5, wait_max=30.0
        )
        try:
            for attempt in attempts:
                with attempt:
                    return self._once(method, path, body, expect, accept, asked)
        except Transient as error:
            final = NoAnswer(error.what, where=error.where, remedy=error.remedy)
            final.status = error.status
            raise final from None
        raise AssertionError("an attempt returns or raises")  # pragma: no cover

    def _once(
        self, method: str, path: str, body: bytes | None, expect: Expect,
        accept: tuple[int, ...], asked: str,
    ) -> Answer:  # fmt: skip
        where = f"{self.host}, {clipped(asked, SHOWN)}"
        status, headers, data = self._wire.exchange(method, path, body, asked, where)
        if status in _WAYS and status not in accept:
            raise self._elsewhere(self._wire.url(path), headers.get("location", ""), where)
        clean = self._wire.hide_in(data)
        said = self._wire.hide(clean[: 10 * SHOWN].decode(errors="replace").strip())
        if not 200 <= status < 300 and status not in accept:
            raise _refusal(status, headers, clipped(said, SHOWN), where)
        value = value_of(data, expect, where, shown=said)
        digest = hashlib.sha256(clean).digest()
        return Answer(clean, digest, self.host, datetime.now(UTC), asked, value, status)

    def _elsewhere(self, url: str, location: str, where: str) -> NetworkRefused:
        led = clipped(self._wire.hide(urljoin(url, location).partition("?")[0]), SHOWN)
        return NetworkRefused(
            f"the server sends us on to {led}, which was not followed",
            where=where,
            remedy="give the address that it leads to, if you trust it",
        )


def _refusal(status: int, headers: httpx2.Headers, said: str, where: str) -> SourceError:
    what = f"the server answers {status}"
    if said:
        what += f" and says {said!r}"
    after = wait_asked(headers)
    if status != _TOO_MANY and status < 500:
        remedy = "check the address and what was asked, and that the server lets you ask it"
        error = SourceError(what, where=where, remedy=remedy)
    elif after is not None and after > LONGEST_WAIT:
        remedy = f"try again later: it asks to wait {after:,.0f} seconds"
        error = SourceError(what, where=where, remedy=remedy, passing=True)
    else:
        error = Transient(what, where=where, remedy="try again later")
        error.after = after
    error.status = status
    return error


def _wait(error: Exception) -> bool | float:
    """Tell whether to try again, and after how many seconds where the server says so."""
    if not isinstance(error, Transient):
        return False
    return True if error.after is None else error.after
