"""Batches of JSON-RPC to a node: results in the order of the questions, refusals as sentences."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from chainwatch.errors import InputError, SourceError
from chainwatch.legible import clipped
from chainwatch.sources.block_parse import LARGEST_BLOCK
from chainwatch.sources.credentials import cookie_login, password_of
from chainwatch.sources.http import Answer, Client
from chainwatch.sources.network import is_own_host

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
    """The node's own error; ``code`` is its number."""

    code: int = 0

    @property
    def starting(self) -> bool:
        """True if the node is only warming up."""
        return self.code == _WARMING_UP


class JsonRpc:
    """One node's JSON-RPC; parameters as of :class:`chainwatch.sources.bitcoin_rpc.BitcoinRpc`."""

    def __init__(
        self, url: str, *, source: str, cookie: str | Path | None, user: str | None,
        password: str | None, own: bool | None, timeout: float, attempts: int,
        transport: httpx2.BaseTransport | None,
    ) -> None:  # fmt: skip
        parts = urlsplit(url)
        mine = is_own_host(parts.hostname or "") if own is None else own
        if cookie is not None and (user is not None or password is not None):
            raise InputError("a cookie and a password are given", remedy="give one of them")
        if (user is None) != (password is None):
            raise InputError("user and password go together", remedy="give both, or a cookie")
        login = cookie_login(cookie) if cookie is not None else None
        if user is not None and password is not None:
            login = _login(user, password)
        if (login or parts.password) and parts.scheme == "http" and not mine:
            raise InputError(
                "the password would cross the network in clear",
                remedy="use https or a tunnel, or say own=True if the way to the node is yours",
            )
        self._client = Client(
            url, source=source, own=mine, auth=login, timeout=timeout, attempts=attempts,
            max_bytes=LARGEST_ANSWER, transport=transport,
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

    def post(self, calls: Sequence[Call], asked: str | None = None) -> tuple[Answer, list[Any]]:
        """Send one batch; return the answer as it came, and the results in the calls' order.

        Raises
        ------
        RpcRefused
            If the node refuses one of the calls.
        SourceError
            If it refuses all, or answers something else.
        """
        body = [
            {"jsonrpc": "2.0", "id": number, "method": method, "params": params}
            for number, (method, params) in enumerate(calls)
        ]
        try:
            answer = self._client.post("/", body, asked=asked or f"{calls[0][0]} x {len(calls)}")
        except SourceError as error:
            raise _explained(error) from None
        return answer, self._results(answer.value, calls)

    def _results(self, value: Any, calls: Sequence[Call]) -> list[Any]:
        if isinstance(value, dict) and value.get("error"):
            raise _refusal(value["error"], self.where(calls[0][0]))  # of the batch as a whole
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
        for number, (method, params) in enumerate(calls):
            if by_id[number].get("error") is not None:
                what = " ".join([method, *map(str, params)])
                raise _refusal(by_id[number]["error"], self.where(what))
        return [by_id[number].get("result") for number in range(len(calls))]


class _login:  # noqa: N801  # a function with a repr that tells nothing
    def __init__(self, user: str, password: str) -> None:
        self._user, self._password = user, password

    def __repr__(self) -> str:
        return "<user and password>"

    def __call__(self) -> tuple[str, str]:
        return self._user, password_of(self._password, self._user)


def _refusal(error: Any, where: str) -> RpcRefused:
    code = error.get("code") if isinstance(error, dict) else None
    said = clipped(str(error.get("message", "") if isinstance(error, dict) else error), 200)
    if code == _WARMING_UP:
        what, remedy = f"the node is starting and answers nothing yet ({said})", "try again soon"
    elif code == _FAILED and "pruned" in said:
        what, remedy = "the node is pruned and lacks this block", "ask a node that has all blocks"
    elif code in NOT_FOUND:
        what = f"the node has no such thing ({said})"
        remedy = "check the heights asked for, and that the node has caught up"
    elif code == _NO_METHOD:
        what, remedy = f"the node does not know the question ({said})", "ask a newer node"
    else:
        what, remedy = f"the node refuses and says {said!r}", "check the node's settings and log"
    refused = RpcRefused(what, where=where, remedy=remedy)
    refused.code = code if type(code) is int else 0
    return refused


def _explained(error: SourceError) -> SourceError:
    """Say what a node means by an HTTP status."""
    status = error.status
    if status == _UNAUTHORISED:
        what, remedy = "the node refuses the user or password", _LOGIN
    elif status == _FORBIDDEN:
        what = "the node lets nobody in from here, or this user may not ask it"
        remedy = "see rpcallowip and rpcwhitelist in the node's settings"
    elif status in _NOT_A_NODE:
        what, remedy = f"this is no node's JSON-RPC (it answers {status})", "check the address"
    else:
        return error
    made = SourceError(what, where=error.where, remedy=remedy)
    made.status = status
    return made
