"""Questions over HTTP: permitted and logged first, bounded, retried, and never showing a key.

Whatever a server sends is hostile: its length and its time are bounded, its numbers become ``int``
or ``Decimal`` and never a float, it cannot send us elsewhere, and what fails is one sentence that
names host and question and no password. There are no cookies and no proxies of the environment.
"""

from __future__ import annotations

import hashlib
import logging
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from urllib.parse import urlencode

import msgspec

from chainwatch.errors import InputError, NetworkRefused, NoAnswer, SourceError
from chainwatch.net.hosts import split_url, target_of
from chainwatch.net.rate_limit import checked_rate
from chainwatch.net.redaction import HIDDEN, Keys
from chainwatch.net.response import (
    SHOWN,
    Answer,
    Expect,
    Refused,
    Unbounded,
    value_of,
    wait_asked,
)
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
    "Judge",
    "Refused",
]

Auth = tuple[str, str] | Callable[[], tuple[str, str]]
"""User and password, or what gives them anew for each request (a cookie file that changes)."""

Judge = Callable[[int, bytes], Refused | None]
"""Says of an answer, by its status and body, whether it is a refusal that its status does not
tell, as where a server is asked too often and answers 200."""

LARGEST_ANSWER = 64 << 20
"""Bytes of one answer, unless the source says more."""

THIRD_PARTY_PER_SECOND = 4.0
"""Requests a second to a host that is not one's own."""

LONGEST_WAIT = 120.0
"""Seconds that a server may ask us to wait before its answer counts as a refusal."""

_PLAIN = re.compile(
    r"(api|rest|rpc|json|electrs|esplora|explorer|blockbook|btc|bitcoin|bch|ltc|litecoin|doge|"
    r"dogecoin|mainnet|testnet[34]?|signet|regtest|liquid|wallet|v\d{1,2})?"
)
"""Parts of a base path that are shown; any other may be a key."""

_WAYS = frozenset({301, 302, 303, 307, 308})
_TOO_MANY = 429
_SILENT = logging.NullHandler()


class _Transient(NoAnswer):
    """What another attempt may mend; ``after`` are the seconds that the server asks for."""

    after: float | None = None


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
    secret_query : mapping of str to str, optional
        Parameters with a key in them, sent with every question and shown nowhere.
    judge : callable, optional
        Finds refusals that the status of an answer does not tell.
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
        secret_query: Mapping[str, str] | None = None, judge: Judge | None = None,
        timeout: float = 30.0, max_bytes: int = LARGEST_ANSWER, attempts: int = 5,
        transport: httpx2.BaseTransport | None = None,
    ) -> None:  # fmt: skip
        import httpx2

        from chainwatch.net.transport import Permitted

        parts = split_url(base_url, source)
        self.source, self._attempts, (self.host, port) = source, attempts, target_of(parts)
        netloc = f"[{self.host}]" if ":" in self.host else self.host
        self._server = f"{parts.scheme}://{netloc}:{port}"
        self._path = parts.path.rstrip("/")
        secrets = [part for part in self._path.split("/") if not _PLAIN.fullmatch(part)]
        self._shown = "/".join(
            HIDDEN if part in secrets else part for part in self._path.split("/")
        )
        headers = {name: _header(name, value) for name, value in (headers or {}).items()}
        if auth is None and parts.username is not None:
            auth = (parts.username, parts.password or "")
        hidden = {name: _header(name, value) for name, value in (secret_query or {}).items()}
        self._query, self._judge = urlencode(hidden), judge
        self._auth, self._keys = auth, Keys([*secrets, *hidden.values()], headers.values())
        if auth is not None and not callable(auth):
            self._keys.add_login(*auth)
        self._transport = Permitted(
            self.host, port, source=source, own=own, timeout=timeout, max_bytes=max_bytes,
            per_second=checked_rate(per_second, own=own, third_party=THIRD_PARTY_PER_SECOND),
            given=transport,
        )  # fmt: skip
        self._http = httpx2.Client(
            headers={"user-agent": "python", "accept-encoding": "gzip", **headers},
            auth=None if auth is None else self._signed, timeout=timeout, trust_env=False,
            transport=self._transport,
        )  # fmt: skip

    def hide(self, text: str) -> str:
        """Return a text of the server made visible, with ``‹key›`` in the place of each key."""
        return visible(self._keys.hide(text))

    def __repr__(self) -> str:
        return f"Client({self._server}{self._shown}, {self.source})"

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close its connections; the next question opens new ones."""
        self._transport.close()

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
        asked = f"{method} {self._shown}{path} {words}".strip()
        asked = visible(self._keys.hide_in(asked.encode(errors="replace")).decode())
        query = f"{'&' if '?' in path else '?'}{self._query}" if self._query else ""
        request = self._http.build_request(
            method, f"{self._server}{self._shown}{path}", content=body,
            headers={"content-type": "application/json"} if body is not None else None,
            extensions={"url": f"{self._server}{self._path}{path}{query}", "asked": asked},
        )  # fmt: skip
        attempts = stamina.retry_context(
            on=_wait, attempts=self._attempts, timeout=None, wait_initial=0.5, wait_max=30.0
        )
        try:
            for attempt in attempts:
                with attempt:
                    return self._once(request, expect, accept, asked)
        except _Transient as error:
            final = NoAnswer(error.what, where=error.where, remedy=error.remedy)
            final.status = error.status
            raise final from None
        raise AssertionError("an attempt returns or raises")  # pragma: no cover

    def _once(
        self, request: httpx2.Request, expect: Expect, accept: tuple[int, ...], asked: str
    ) -> Answer:
        import httpx2

        where = f"{self.host}, {clipped(asked, SHOWN)}"
        try:
            response = self._http.send(request)
        except (httpx2.HTTPError, Unbounded) as error:
            raise _failure(error, where) from None
        status = response.status_code
        if status in _WAYS and status not in accept:
            raise self._elsewhere(response, where)
        clean = self._keys.hide_in(response.content)
        said = self.hide(clean[: 10 * SHOWN].decode(errors="replace").strip())
        if self._judge and (refused := self._judge(status, response.content)):
            raise _judged(refused, self.hide(refused.said), status, where)
        if not 200 <= status < 300 and status not in accept:
            raise _refusal(status, response.headers, clipped(said, SHOWN), where)
        value = value_of(response.content, expect, where, shown=said)
        digest = hashlib.sha256(clean).digest()
        return Answer(clean, digest, self.host, datetime.now(UTC), asked, value, status)

    def _signed(self, request: httpx2.Request) -> httpx2.Request:
        login = self._auth() if callable(self._auth) else self._auth
        if login is not None:
            request.headers["authorization"] = f"Basic {self._keys.add_login(*login)}"
        return request

    def _elsewhere(self, response: httpx2.Response, where: str) -> NetworkRefused:
        led = response.extensions["location"].partition("?")[0] or "no address"
        return NetworkRefused(
            f"the server sends us on to {clipped(self.hide(led), SHOWN)}, which was not followed",
            where=where,
            remedy="give the address that it leads to, if you trust it",
        )


def _header(name: str, value: str) -> str:
    """Return the value of a header without the line end of the file it came from; show none."""
    plain = value.strip()
    if not (plain.isascii() and plain.isprintable()):
        raise InputError(
            f"the value of the header {visible(name)} holds what no header can",
            remedy="give it in ASCII and on one line, as its owner wrote it",
        )
    return plain


def _failure(error: Exception, where: str) -> SourceError:
    """Return what went wrong on the way as one of our errors, in words that hold no address."""
    import httpx2

    from chainwatch.net.transport import not_trusted

    if isinstance(error, httpx2.DecodingError | Unbounded):
        words = str(error) if isinstance(error, Unbounded) else "it cannot be decoded"
        remedy = "check that the address is that of the service, or ask for less at once"
        return SourceError(words, where=where, remedy=remedy)
    if isinstance(error, httpx2.ConnectError | httpx2.ConnectTimeout):
        if not_trusted(error):
            remedy = "check that the address is right and that nobody stands in between"
            words = "the server's certificate is not to be trusted"
            return SourceError(words, where=where, remedy=remedy)
        words = "the server cannot be reached"
    elif isinstance(error, httpx2.TimeoutException):
        words = "the server did not answer in time"
    else:
        words = f"the connection broke off ({type(error).__name__})"
    return _Transient(words, where=where, remedy="try again when it answers")


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
        error = _Transient(what, where=where, remedy="try again later")
        error.after = after
    error.status = status
    return error


def _judged(refused: Refused, said: str, status: int, where: str) -> SourceError:
    """Return a refusal in the body of an answer as an error; one that passes is asked again."""
    what = f"the server refuses and says {clipped(said, SHOWN)!r}"
    if not refused.again:
        error = SourceError(what, where=where, remedy=refused.remedy)
    elif refused.after is not None and refused.after > LONGEST_WAIT:
        remedy = f"try again later: it asks to wait {refused.after:,.0f} seconds"
        error = SourceError(what, where=where, remedy=remedy, passing=True)
    else:
        error = _Transient(what, where=where, remedy=refused.remedy)
        error.after = refused.after
    error.status = status
    return error


def _wait(error: Exception) -> bool | float:
    """Tell whether to try again, and after how many seconds where the server says so."""
    if not isinstance(error, _Transient):
        return False
    return True if error.after is None else error.after
