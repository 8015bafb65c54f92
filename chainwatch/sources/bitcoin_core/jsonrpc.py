"""Batches of JSON-RPC to a node: results in the order of the questions, refusals as sentences."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from chainwatch.bitcoin.block import LARGEST_BLOCK
from chainwatch.errors import InputError, SourceError
from chainwatch.net.client import Answer, Client
from chainwatch.net.credentials import cookie_login, password_of
from chainwatch.net.hosts import split_url
from chainwatch.net.policy import is_own_host
from chainwatch.sanitize import clipped

if TYPE_CHECKING:
    import httpx2

ASKED_AT_ONCE = 500
"""Most questions in one batch."""

NOT_FOUND = (-5, -8)
"""Codes of a block, transaction or height that the node does not have."""

LARGEST_ANSWER = 4 * LARGEST_BLOCK
"""Bytes of one answer: the largest block as hexadecimal text, twice over."""

Call = tuple[str, list[Any]]
"""Method and parameters."""

_WARMING_UP, _NO_METHOD, _FAILED = -28, -32601, -1
_LOGIN = "give the node's cookie file, or user and password (rpcauth) as the node has them"
_UNAUTHORISED, _FORBIDDEN, _NOT_A_NODE = 401, 403, (404, 405)


class RpcRefused(SourceError):
    """The node's own error: ``code`` is its number, ``said`` its words, shortened and visible."""

    code: int = 0
    said: str = ""

    @property
    def wants_boolean(self) -> bool:
        """It refuses a number where it takes a truth value only, as nodes before Core 0.15 do."""
        return "bool" in self.said.lower()

    @property
    def refuses_detail(self) -> bool:
        """It does not know the detail (verbosity) in which an answer was asked for."""
        return self.wants_boolean or "verbosity" in self.said.lower()


class JsonRpc:
    """One node's JSON-RPC; parameters as of :class:`.rpc.BitcoinRpc`."""

    def __init__(
        self, url: str, *, source: str, cookie: str | Path | None, user: str | None,
        password: str | None, own: bool | None, per_second: float | None, timeout: float,
        attempts: int, transport: httpx2.BaseTransport | None,
    ) -> None:  # fmt: skip
        parts = split_url(url, source)
        mine = is_own_host(parts.hostname or "") if own is None else own
        if cookie is not None and (user is not None or password is not None):
            raise InputError("a cookie and a password are given", remedy="give one of them")
        if (user is None) != (password is None):
            raise InputError("user and password go together", remedy="give both, or a cookie")
        self._by_cookie = cookie is not None
        self._open = cookie is None and user is None and parts.username is None
        login = cookie_login(cookie) if cookie is not None else None
        if user is not None and password is not None:
            login = _login(user, password)
        if (login or parts.password) and parts.scheme == "http" and not mine:
            raise InputError(
                "the password would cross the network in clear",
                remedy="use https or a tunnel, or say own=True if the way to the node is yours",
            )
        self._client = Client(
            url, source=source, own=mine, auth=login, per_second=per_second, timeout=timeout,
            attempts=attempts, max_bytes=LARGEST_ANSWER, transport=transport,
        )  # fmt: skip

    @property
    def host(self) -> str:
        """The host that is asked."""
        return self._client.host

    def __enter__(self) -> JsonRpc:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def where(self, what: str) -> str:
        """Return who was asked what, for errors."""
        return f"{self.host}, {what}"

    def ask(self, calls: Sequence[Call]) -> list[Any]:
        """Return the results of any number of calls, in their order."""
        found: list[Any] = []
        for low in range(0, len(calls), ASKED_AT_ONCE):
            found += self.post(calls[low : low + ASKED_AT_ONCE])[1]
        return found

    def post(self, calls: Sequence[Call]) -> tuple[Answer, list[Any]]:
        """Send one batch; return the answer as it came, and the results in the calls' order.

        Raises
        ------
        RpcRefused
            If the node refuses one of the calls.
        SourceError
            If it refuses all, or answers something else.
        """
        answer, results = self.post_all(calls)
        for found in results:
            if isinstance(found, RpcRefused):
                raise found
        return answer, results

    def post_all(self, calls: Sequence[Call]) -> tuple[Answer, list[Any]]:
        """Return the same with refusals (``RpcRefused``) in their places."""
        body = [
            {"jsonrpc": "2.0", "id": number, "method": method, "params": params}
            for number, (method, params) in enumerate(calls)
        ]
        try:
            answer = self._client.post("/", body, asked=_words(calls))
        except SourceError as error:
            raise self._explained(error) from None
        return answer, self._results(answer.value, calls)

    def _results(self, value: Any, calls: Sequence[Call]) -> list[Any]:
        if isinstance(value, dict) and value.get("error"):
            raise self._refusal(value["error"], calls[0][0])  # of the batch as a whole
        items = value if isinstance(value, list) else []
        by_id = {
            item["id"]: item
            for item in items
            if isinstance(item, dict) and type(item.get("id")) is int
        }
        if len(items) != len(calls) or set(by_id) != set(range(len(calls))):
            raise SourceError(
                "the node's answers are not those to what was asked",
                where=self.where(calls[0][0]),
                remedy="check that the address is that of a node's JSON-RPC",
            )
        return [
            by_id[number].get("result")
            if by_id[number].get("error") is None
            else self._refusal(by_id[number]["error"], _words([call]))
            for number, call in enumerate(calls)
        ]

    def _refusal(self, error: Any, asked: str) -> RpcRefused:
        code = error.get("code") if isinstance(error, dict) else None
        text = str(error.get("message", "") if isinstance(error, dict) else error)
        said = clipped(self._client.hide(text), 200)
        passing = code == _WARMING_UP
        if passing:
            what, remedy = (
                f"the node is starting and answers nothing yet ({said})",
                "try again soon",
            )
        elif code == _FAILED and "pruned" in said:
            what = "the node is pruned and lacks this block"
            remedy = "ask a node that has all blocks"
        elif code in NOT_FOUND:
            what = f"the node has no such thing ({said})"
            remedy = "check the heights asked for, and that the node has caught up"
        elif code == _NO_METHOD:
            what, remedy = f"the node does not know the question ({said})", "ask a newer node"
        else:
            what, remedy = f"the node refuses and says {said!r}", "check its settings and log"
        refused = RpcRefused(what, where=self.where(asked), remedy=remedy, passing=passing)
        refused.code, refused.said = code if type(code) is int else 0, said
        return refused

    def _explained(self, error: SourceError) -> SourceError:
        """Say what a node means by an HTTP status."""
        status, passing = error.status, False
        if status == _UNAUTHORISED:
            what, remedy = "the node refuses the user or password", _LOGIN
            if self._open:
                what = "the node asks for a user and a password, and none was given"
            # A node that starts again answers before its new cookie is written.
            passing = self._by_cookie
        elif status == _FORBIDDEN:
            what = "the node lets nobody in from here, or this user may not ask it"
            remedy = "see rpcallowip and rpcwhitelist in the node's settings"
        elif status in _NOT_A_NODE:
            what = f"this is no node's JSON-RPC (it answers {status})"
            remedy = "check the address and the port (rpcport)"
        else:
            return error
        made = SourceError(what, where=error.where, remedy=remedy, passing=passing)
        made.status = status
        return made


def _words(calls: Sequence[Call]) -> str:
    """Return what is asked with all its subjects: it is what the disclosure log must tell."""
    listed = [" ".join(map(str, params)) for _, params in calls]
    method = calls[0][0]
    if len(calls) == 1:
        return f"{method} {listed[0]}".rstrip()
    return f"{method} x {len(calls)}: {', '.join(listed)}"


class _login:  # noqa: N801  # a function with a repr that tells nothing
    def __init__(self, user: str, password: str) -> None:
        self._user, self._password = user, password

    def __repr__(self) -> str:
        return "<user and password>"

    def __call__(self) -> tuple[str, str]:
        return self._user, password_of(self._password, self._user)
