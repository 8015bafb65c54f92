"""JSON-RPC to a node of an EVM chain: batches, refusals as sentences, ranges halved where refused.

Every question goes through :class:`chainwatch.net.client.Client`. A batch that the server takes for
too much is asked in halves; a server that takes no batches is asked one by one. Results come as
bytes: whoever asked decodes them into the form that they must have.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec
from msgspec import Struct

from chainwatch.errors import SourceError
from chainwatch.net.client import Client
from chainwatch.net.hosts import split_url
from chainwatch.net.policy import is_own_host
from chainwatch.sanitize import clipped
from chainwatch.sources.evm.blocks import Said
from chainwatch.sources.evm.fields import Log, decoded

if TYPE_CHECKING:
    import httpx2

LARGEST_ANSWER = 256 << 20
"""Bytes of one answer: nested traces of a block full of small calls are the longest."""

Call = tuple[str, list[Any]]
"""Method and parameters."""

_UNKNOWN_METHOD = -32601
_LIMIT = -32005
_REVERT = 3
_NOT_HERE = re.compile(
    r"not (found|supported|available|exist|allowed|enabled|whitelisted|implemented)|unsupported|"
    r"does not exist|unknown method|upgrade", re.I
)  # fmt: skip
_TOO_MUCH = re.compile(
    r"too (large|many results|big|wide)|more than|exceed|limit(ed)? to|range|response size|"
    r"max(imum)? |timed? ?out", re.I
)  # fmt: skip
_BUSY = re.compile(
    r"rate.?limit|too many requests|over capacity|throttl|requests per second|compute units", re.I
)
_REVERTED = re.compile(r"execution reverted|revert", re.I)
_T = TypeVar("_T")


class RpcError(Struct):
    """Why a node refuses."""

    code: int = 0
    message: str = ""


class Reply(Struct):
    """One answer of a batch."""

    id: int | None = None
    result: msgspec.Raw = msgspec.Raw(b"null")
    error: RpcError | None = None


class EvmRefused(SourceError):
    """The node's own error: ``code`` is its number, ``said`` its words, shortened and visible."""

    code: int = 0
    said: str = ""

    @property
    def reverted(self) -> bool:
        """A contract refused, in words of its own: they say nothing of the node."""
        return self.code == _REVERT or bool(_REVERTED.match(self.said))

    @property
    def unknown(self) -> bool:
        """It does not know the question, or does not answer it to us."""
        known = self.code != _UNKNOWN_METHOD and not _NOT_HERE.search(self.said)
        return not self.reverted and not known

    @property
    def too_much(self) -> bool:
        """It would answer if it were asked for less."""
        return (
            not self.busy
            and not self.reverted
            and (self.code == _LIMIT or bool(_TOO_MUCH.search(self.said)))
        )

    @property
    def busy(self) -> bool:
        """It was asked too often."""
        return not self.reverted and (self.code == 429 or bool(_BUSY.search(self.said)))


class _Busy(Exception):
    def __init__(self, refused: EvmRefused) -> None:
        self.refused = refused


class EvmRpc:
    """One node's JSON-RPC; parameters as of :class:`.source.EvmBlocks`.

    ``about`` says in the disclosure log what is asked about, where the questions do not show it.
    """

    def __init__(
        self, url: str, *, source: str, headers: Mapping[str, str] | None, own: bool | None,
        per_second: float | None, timeout: float, attempts: int,
        transport: httpx2.BaseTransport | None, about: str = "",
    ) -> None:  # fmt: skip
        mine = is_own_host(split_url(url, source).hostname or "") if own is None else own
        self._attempts, self._one_by_one, self._lock = attempts, False, threading.Lock()
        self._about = f" (about {about})" if about else ""
        self._client = Client(
            url, source=source, own=mine, per_second=per_second, headers=headers, timeout=timeout,
            attempts=attempts, max_bytes=LARGEST_ANSWER, transport=transport,
        )  # fmt: skip

    @property
    def host(self) -> str:
        """The host that is asked."""
        return self._client.host

    def __enter__(self) -> EvmRpc:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def ask(self, method: str, *params: Any) -> Said:
        """Return the answer to one question; a refusal is raised."""
        found = self.each([(method, list(params))])[0]
        if isinstance(found, EvmRefused):
            raise found
        return found

    def value(self, form: type[_T], method: str, *params: Any) -> _T:
        """Return the same in a form."""
        said = self.ask(method, *params)
        return decoded(said.raw, form, f"{said.host}, {said.request}")

    def each(self, calls: Sequence[Call]) -> list[Said | EvmRefused]:
        """Return the answers to several questions in their order, refusals in their places.

        Raises
        ------
        SourceError
            If the server refuses all, answers something else, or is asked too often and says so
            until the attempts are spent.
        """
        import stamina

        attempts = stamina.retry_context(
            on=_Busy, attempts=self._attempts, timeout=None, wait_initial=0.5, wait_max=30.0
        )
        try:
            for attempt in attempts:
                with attempt:
                    return self._once(calls)
        except _Busy as busy:
            raise busy.refused from None
        raise AssertionError("an attempt returns or raises")  # pragma: no cover

    def _once(self, calls: Sequence[Call]) -> list[Said | EvmRefused]:
        if not calls:
            return []
        if self._one_by_one and len(calls) > 1:
            return [found for call in calls for found in self._once([call])]
        body = [
            {"jsonrpc": "2.0", "id": number, "method": method, "params": params}
            for number, (method, params) in enumerate(calls)
        ]
        sent: Any = body if len(body) > 1 else body[0]
        try:
            answer = self._client.post("", sent, expect="bytes", asked=_words(calls) + self._about)
        except SourceError as error:
            if error.status == 413 or "longer than" in error.what:
                raise _less(error, calls) from None
            raise
        where = f"{self.host}, {_words(calls)[:200]}"
        if len(calls) > 1 and answer.body.lstrip()[:1] == b"{":  # of the batch as a whole
            whole = decoded(answer.body, Reply, where)
            refused = self._refusal(whole.error or RpcError(), calls)
            if refused.too_much:
                raise refused
            with self._lock:
                self._one_by_one = True
            return self._once(calls)
        form: Any = list[Reply] if len(calls) > 1 else Reply
        read = decoded(answer.body, form, where)
        return self._ordered(read if len(calls) > 1 else [read], calls, answer.time)

    def _ordered(
        self, replies: Sequence[Reply], calls: Sequence[Call], time: datetime
    ) -> list[Said | EvmRefused]:
        by_id = {reply.id: reply for reply in replies}
        if len(replies) != len(calls) or set(by_id) != set(range(len(calls))):
            raise SourceError(
                "the node's answers are not those to what was asked",
                where=f"{self.host}, {_words(calls)[:200]}",
                remedy="check that the address is that of a node's JSON-RPC",
            )
        found: list[Said | EvmRefused] = []
        for number, call in enumerate(calls):
            reply = by_id[number]
            if reply.error is not None:
                refused = self._refusal(reply.error, [call])
                if refused.busy:
                    raise _Busy(refused)
                found.append(refused)
            else:
                found.append(Said(bytes(reply.result), _words([call]), self.host, time))
        return found

    def _refusal(self, error: RpcError, calls: Sequence[Call]) -> EvmRefused:
        said = clipped(self._client.hide(error.message), 200)
        made = EvmRefused(
            f"the node refuses and says {said!r}", where=f"{self.host}, {_words(calls)[:200]}",
            remedy="check what was asked, or ask another node",
        )  # fmt: skip
        made.code, made.said = error.code, said
        made.passing = made.busy
        return made

    def logs(self, first: int, last: int, **asked: Any) -> list[Log]:
        """Return the logs of a range of heights, both included; halved where it is refused.

        Parameters
        ----------
        first, last : int
            Heights.
        asked : list
            ``address`` and ``topics``, as ``eth_getLogs`` takes them.
        """

        def read(low: int, high: int) -> list[Log]:
            filled = {"fromBlock": hex(low), "toBlock": hex(high), **asked}
            return self.value(list[Log], "eth_getLogs", filled)

        return halved(read, first, last)


def halved(read: Callable[[int, int], list[_T]], first: int, last: int) -> list[_T]:
    """Return what is read of a range of heights, in halves where it is too much for the node.

    Raises
    ------
    SourceError
        If a single height is too much.
    """
    try:
        return read(first, last)
    except EvmRefused as refused:
        if not refused.too_much or first >= last:
            raise
        middle = (first + last) // 2
    return [*halved(read, first, middle), *halved(read, middle + 1, last)]


def _less(error: SourceError, calls: Sequence[Call]) -> EvmRefused:
    """Return an answer that is too long as a refusal that less would mend."""
    made = EvmRefused(error.what, where=error.where, remedy=error.remedy)
    made.code, made.said = _LIMIT, "too large"
    return made


def _words(calls: Sequence[Call]) -> str:
    """Return what is asked with all its subjects: it is what the disclosure log must tell."""
    each = [f"{method} {' '.join(map(_word, params))}".rstrip() for method, params in calls]
    return "; ".join(each)


def _word(value: Any) -> str:
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()
