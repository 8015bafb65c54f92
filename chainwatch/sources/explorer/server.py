"""Explorers asked: their refusals heard, and the block up to which is read."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import msgspec

from chainwatch.chains.base import Chain
from chainwatch.errors import ChainError, SourceError
from chainwatch.net.client import Answer, Client, Refused
from chainwatch.sources.explorer.fields import LIAR, Place
from chainwatch.sources.explorer.lists import result_of

LARGEST_PAGE = 64 << 20
"""Bytes of one answer."""

_REFUSAL = 8_192
_RATE = re.compile(r"rate limit|too many|max (?:calls|daily)|busy|timeout|try again", re.IGNORECASE)
_KEY = re.compile(r"api ?key|unauthorized", re.IGNORECASE)
_NONE = re.compile(r"^no .*found", re.IGNORECASE)
_HEX = re.compile(r"0x[0-9a-fA-F]{1,16}")


def judge(status: int, body: bytes) -> Refused | None:
    """Find a refusal that the status of an answer does not tell.

    Etherscan answers *Max rate limit reached* and *Invalid API Key* with status 200, beside a
    status of its own; so it does where nothing was found, which is no refusal.
    """
    if status != 200 or len(body) > _REFUSAL:
        return None
    try:
        value = msgspec.json.decode(body)
    except (msgspec.DecodeError, RecursionError):
        return None
    if not isinstance(value, dict):
        return None
    error = value.get("error")
    if isinstance(error, dict):
        error = error.get("message")
    denied = str(value.get("status")) == "0" or error is not None
    if not denied or _NONE.match(str(value.get("message", ""))):
        return None
    words = [str(one) for one in (value.get("message"), value.get("result"), error) if one]
    said = ": ".join(dict.fromkeys(words))
    if _RATE.search(said):
        return Refused(said, "ask more slowly, or with a key")
    if _KEY.search(said):
        return Refused(said, "check the key: say where it is kept", again=False)
    return Refused(said, "check what was asked, and the chain", again=False)


@dataclass(frozen=True)
class Tip:
    """The block up to which is read."""

    hash: bytes
    height: int
    time: datetime


@dataclass
class Server:
    """An explorer.

    Attributes
    ----------
    client, chain, source, keep
        The way to it, the chain it must serve, the name in ``answers``, whether bodies are kept.
    """

    client: Client
    chain: Chain
    source: str
    keep: bool = True
    answers: list[dict[str, Any]] = field(default_factory=list)

    def take(self) -> list[dict[str, Any]]:
        """Return the rows of ``answers`` noted so far, each once, and forget them."""
        taken, self.answers = self.answers, []
        return list({(row["digest"], row["request"]): row for row in taken}.values())

    def noted(self, answer: Answer) -> Answer:
        """Note an answer on which rows rest."""
        self.answers.append(answer.row(self.source, keep=self.keep))
        return answer

    def at(self, answer: Answer) -> Place:
        """Return of what an answer is, for its fields and errors."""
        return Place(self.chain, f"{answer.host}, {answer.request}")

    @property
    def number(self) -> str:
        """The chain's id as explorers write it."""
        return self.chain.id.partition(":")[2]

    def proxied(self, confirmations: int) -> Tip:
        """Return the tip by Etherscan's module *proxy*."""
        asked = {"chainid": self.number, "module": "proxy"}
        answer = self.noted(self.client.get("", {**asked, "action": "eth_blockNumber"}))
        highest = _number(result_of(answer, self.at(answer).where), self.at(answer))
        tag = hex(max(0, highest - confirmations))
        told = {**asked, "action": "eth_getBlockByNumber", "tag": tag, "boolean": "false"}
        answer = self.noted(self.client.get("", told))
        return _block(result_of(answer, self.at(answer).where), int(tag, 16), self.at(answer))

    def by_rpc(self, confirmations: int) -> Tip:
        """Return the tip by Blockscout's JSON-RPC, which says of which chain it is too."""
        found = int(self._rpc("eth_chainId")[0])
        if str(found) != self.number:
            raise ChainError(
                f"the server is of the chain eip155:{found}, not of {self.chain.name}",
                where=self.client.host, remedy="give the server of the chain, or name the chain",
            )  # fmt: skip
        highest, _ = self._rpc("eth_blockNumber")
        height = max(0, highest - confirmations)
        answer = self._asked("eth_getBlockByNumber", [hex(height), False])
        return _block(result_of(answer, self.at(answer).where), height, self.at(answer))

    def _rpc(self, method: str) -> tuple[int, Answer]:
        answer = self._asked(method, [])
        return _number(result_of(answer, self.at(answer).where), self.at(answer)), answer

    def _asked(self, method: str, given: list[Any]) -> Answer:
        body = {"jsonrpc": "2.0", "id": 0, "method": method, "params": given}
        return self.noted(self.client.post("/eth-rpc", body))


def _number(value: object, at: Place) -> int:
    if not isinstance(value, str) or not _HEX.fullmatch(value):
        raise at.wrong("a number is none in hexadecimal")
    return int(value, 16)


def _block(value: object, height: int, at: Place) -> Tip:
    if not isinstance(value, dict) or _number(value.get("number"), at) != height:
        raise SourceError("the answer is of another block", where=at.where, remedy=LIAR)
    seconds = _number(value.get("timestamp"), at)
    if seconds >= 2**36:
        raise at.wrong("the time of the block is none")
    return Tip(at.hash(value, "hash"), height, datetime.fromtimestamp(seconds, UTC))
