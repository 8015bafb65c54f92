"""One HTTP request on the wire: leave asked, address pinned, keys added last and kept hidden."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING
from urllib.parse import SplitResult, urlsplit

from chainwatch.errors import InputError, NoAnswer, SourceError
from chainwatch.net.deadline import Deadline
from chainwatch.net.policy import host_name, network
from chainwatch.net.rate_limit import pace
from chainwatch.net.redaction import HIDDEN, Keys
from chainwatch.net.response import Unbounded, read_body
from chainwatch.sanitize import visible

if TYPE_CHECKING:
    import httpx2

Auth = tuple[str, str] | Callable[[], tuple[str, str]]
"""User and password, or what gives them anew for each request (a cookie file that changes)."""

Reply = tuple[int, "httpx2.Headers", bytes]
"""Status, header fields, body."""

_WHOLE = 10
"""A whole answer may take this many times as long as one read."""

_PLAIN = re.compile(
    r"(api|rest|rpc|json|electrs|esplora|explorer|blockbook|btc|bitcoin|bch|ltc|litecoin|doge|"
    r"dogecoin|mainnet|testnet[34]?|signet|regtest|liquid|wallet|v\d{1,2})?"
)
"""Parts of a base path that are shown; any other may be a key."""


class Transient(NoAnswer):
    """What another attempt may mend; ``after`` are the seconds that the server asks for."""

    after: float | None = None


class Wire:
    """The way to one server: its address, its keys, its pace and its connections.

    Parameters are those of :class:`chainwatch.net.client.Client`.
    """

    def __init__(
        self, base_url: str, *, source: str, own: bool, per_second: float | None,
        headers: Mapping[str, str] | None, auth: Auth | None, timeout: float,
        max_bytes: int, transport: httpx2.BaseTransport | None,
    ) -> None:  # fmt: skip
        parts = split_url(base_url, source)
        self.scheme, (self.host, self.port) = parts.scheme, target_of(parts)
        self._source, self._own, self._per_second = source, own, per_second
        self._timeout, self._max_bytes = timeout, max_bytes
        self._path = parts.path.rstrip("/")
        self._headers = {name: _header(name, value) for name, value in (headers or {}).items()}
        if auth is None and parts.username is not None:
            auth = (parts.username, parts.password or "")
        self._auth = auth
        named = [part for part in self._path.split("/") if not _PLAIN.fullmatch(part)]
        self._keys = Keys(named, self._headers.values())
        if auth is not None and not callable(auth):
            self._keys.add_login(*auth)
        self._deadline = Deadline()
        self._given, self._transport = transport, transport
        self._addresses: tuple[str, ...] = ()

    @property
    def shown_path(self) -> str:
        """The path of the base, with what may be a key left out."""
        parts = self._path.split("/")
        return "/".join(part if _PLAIN.fullmatch(part) else HIDDEN for part in parts)

    def url(self, path: str) -> str:
        """Return the whole address of a path below the base."""
        netloc = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{netloc}:{self.port}{self._path}{path}"

    def close(self) -> None:
        """Close the connections; a transport that was given stays the one in use."""
        if self._transport is not None:
            self._transport.close()
            self._transport = self._given

    def exchange(self, method: str, path: str, body: bytes | None, asked: str, where: str) -> Reply:
        """Ask for leave, wait for our turn, send one request and read the answer.

        Raises
        ------
        NetworkRefused
            If the policy forbids it.
        Transient
            If the server could not be reached, broke off, or did not answer in time.
        SourceError
            If the answer is too long or cannot be decoded.
        """
        import httpx2

        problem = ""
        for address in self._permitted(asked):
            try:
                return self._send(method, self.url(path), body, address)
            except (httpx2.ConnectError, httpx2.ConnectTimeout) as error:
                if "certificate" in str(error).lower():
                    remedy = "check that the address is right and that nobody stands in between"
                    raise SourceError(
                        "the server's certificate is not to be trusted", where=where, remedy=remedy
                    ) from None
                problem = "the server cannot be reached"
                continue
            except httpx2.TimeoutException:
                problem = "the server did not answer in time"
            except httpx2.TransportError as error:
                problem = f"the connection broke off ({type(error).__name__})"
            except (httpx2.DecodingError, Unbounded) as error:
                words = str(error) if isinstance(error, Unbounded) else "it cannot be decoded"
                remedy = "check that the address is that of the service, or ask for less at once"
                raise SourceError(words, where=where, remedy=remedy) from None
            break
        raise Transient(problem, where=where, remedy="try again when it answers") from None

    def _permitted(self, asked: str) -> tuple[str, ...]:
        self._addresses = network().permit(
            self.host, self.port, asked, self._source, own=self._own, known=self._addresses,
            look_up=self._given is None,
        )  # fmt: skip
        if self._per_second is not None:
            pace(self.host).wait(self._per_second)
        return self._addresses or ("",)

    def _send(self, method: str, url: str, body: bytes | None, address: str) -> Reply:
        """Send one request, keys included, to an address that was permitted."""
        import httpx2

        target = httpx2.URL(url)
        headers = {"user-agent": "python", "accept-encoding": "gzip"}
        headers |= self._headers | self._authorization()
        extensions: dict[str, object] = {
            "timeout": httpx2.Timeout(self._timeout).as_dict(), "trace": self._deadline.trace,
        }  # fmt: skip
        if body is not None:
            headers["content-type"] = "application/json"
        headers["host"] = target.netloc.decode()
        if address and address != target.host:
            # The connection goes to the address that was judged; the certificate must still be
            # that of the name.
            extensions["sni_hostname"] = target.host
            target = target.copy_with(host=address)
        request = httpx2.Request(
            method, target, headers=headers, content=body, extensions=extensions
        )
        if self._transport is None:
            self._transport = httpx2.HTTPTransport(trust_env=False)
        # What ends the answer in words comes first; this ends what is no answer yet.
        with self._deadline.within((_WHOLE + 1) * self._timeout):
            response = self._transport.handle_request(request)
            try:
                data = read_body(response, self._max_bytes, _WHOLE * self._timeout)
            finally:
                response.close()
        return response.status_code, response.headers, data

    def _authorization(self) -> dict[str, str]:
        if self._auth is None:
            return {}
        login = self._auth() if callable(self._auth) else self._auth
        return {"authorization": f"Basic {self._keys.add_login(*login)}"}

    def hide(self, text: str) -> str:
        """Return a text to be shown, in which no key or password of this server stands."""
        return visible(self._keys.hide(text))

    def hide_in(self, body: bytes) -> bytes:
        """Return a body to be kept, in which no key or password of this server stands."""
        return self._keys.hide_in(body)


def _header(name: str, value: str) -> str:
    """Return the value of a header without the line end of the file it came from; show none."""
    plain = value.strip()
    if not (plain.isascii() and plain.isprintable()):
        raise InputError(
            f"the value of the header {visible(name)} holds what no header can",
            remedy="give it in ASCII and on one line, as its owner wrote it",
        )
    return plain


def split_url(url: str, source: str) -> SplitResult:
    """Return the parts of a base address.

    Raises
    ------
    InputError
        If it is no ``http`` or ``https`` address, or has a query.
    """
    try:
        parts = urlsplit(url)
        good = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        good = False
    if not good or parts.query or parts.fragment:
        raise InputError(
            f"the address given to {source} is no plain http or https address",
            remedy="write it as https://host/path, and give a key as a header",
        )
    return parts


def target_of(parts: SplitResult) -> tuple[str, int]:
    """Return host and port that an address names."""
    port = parts.port or (443 if parts.scheme == "https" else 80)
    return host_name(parts.hostname or ""), port
