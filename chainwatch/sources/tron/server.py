"""TronGrid or a node of Tron asked: its refusals heard, its chain and its blocks checked.

TronGrid refuses in several ways: with status 429 or 503, with 403, and with status 200 and a body
outside its usual form.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import msgspec

from chainwatch.chains.base import Chain
from chainwatch.errors import ChainError, SourceError
from chainwatch.net.client import Answer, Client, Refused
from chainwatch.sources.tron.fields import LIAR, Block, moment, typed

LARGEST_PAGE = 64 << 20
"""Bytes of one answer."""

_REFUSAL = 4_096
_RATE = re.compile(
    r"rate|frequen|too (?:many|quick|fast)|suspended|limit|quota|busy", re.IGNORECASE
)
_WAIT = re.compile(r"suspended for (\d{1,6}) ?s", re.IGNORECASE)
_KEY = re.compile(r"api.?key|unauthorized|not authorized|invalid key", re.IGNORECASE)
_MESSAGES = ("Error", "error", "message", "msg")


def judge(status: int, body: bytes) -> Refused | None:
    """Find a refusal of TronGrid that the status of its answer does not tell."""
    if len(body) > _REFUSAL or (status != 200 and status not in (401, 403)):
        return None
    said = _said(body)
    if said is None and status == 200:
        return None
    said = said or ""
    if _KEY.search(said) and not _RATE.search(said):
        return Refused(said, "check the key: say where it is kept, or ask without one", again=False)
    if _RATE.search(said):
        after = _WAIT.search(said)
        seconds = float(after[1]) if after else None
        return Refused(said, "ask more slowly, or with a key", after=seconds)
    return Refused(said, "check what was asked", again=False) if status == 200 else None


def _said(body: bytes) -> str | None:
    """Return the words of a small answer that is an error, and no page or block."""
    try:
        value = msgspec.json.decode(body)
    except (msgspec.DecodeError, RecursionError):
        return None
    if not isinstance(value, dict) or "blockID" in value or value.get("success") is True:
        return None
    for name in _MESSAGES:
        found = value.get(name)
        if isinstance(found, str) and found:
            return found
        if isinstance(found, dict) and isinstance(found.get("message"), str):
            return str(found["message"])
    return None


@dataclass(frozen=True)
class Tip:
    """A block up to which is read: one that the network calls final."""

    hash: bytes
    height: int
    time: datetime
    millis: int
    answer: bytes


@dataclass
class Server:
    """TronGrid, or a node of Tron.

    Attributes
    ----------
    client : Client
        The way to it.
    chain : Chain
        The chain that it must serve.
    source : str
        Name of the source for ``answers``.
    keep : bool
        Keep the bodies of pages.
    answers : list of dict
        Rows of ``answers`` since they were last taken.
    """

    client: Client
    chain: Chain
    source: str
    keep: bool = True
    answers: list[dict[str, Any]] = field(default_factory=list)

    @property
    def name(self) -> str:
        """Host, for errors."""
        return self.client.host

    def take(self) -> list[dict[str, Any]]:
        """Return the rows of ``answers`` noted so far, each once, and forget them."""
        taken, self.answers = self.answers, []
        return list({(row["digest"], row["request"]): row for row in taken}.values())

    def noted(self, answer: Answer) -> Answer:
        """Note an answer on which rows rest."""
        self.answers.append(answer.row(self.source, keep=self.keep))
        return answer

    def where(self, answer: Answer) -> str:
        """Return who said it, in answer to what."""
        return f"{answer.host}, {answer.request}"

    def post(self, path: str, body: dict[str, Any]) -> tuple[Any, Answer]:
        """Ask a node; its answer is noted."""
        answer = self.noted(self.client.post(path, body))
        return answer.value, answer

    def check_chain(self) -> None:
        """Refuse a server of another chain: its id ends the hash of the first block.

        Raises
        ------
        ChainError
            If it is another.
        """
        value, answer = self.post("/wallet/getblockbynum", {"num": 0})
        found = typed(value, Block, self.where(answer)).blockID[-8:].lower()
        wanted = self.chain.id.partition(":")[2].removeprefix("0x")
        if found != wanted:
            raise ChainError(
                f"the server is of the chain tron:0x{found}, not of {self.chain.name}"
                f" ({self.chain.id})",
                where=self.name, remedy="give the server of the chain, or name the chain",
            )  # fmt: skip

    def tip(self) -> Tip:
        """Return the highest block that the network calls final."""
        value, answer = self.post("/walletsolidity/getnowblock", {})
        return self.tip_of(typed(value, Block, self.where(answer)), answer)

    def tip_of(self, block: Block, answer: Answer) -> Tip:
        """Return a block as one up to which is read; its hash must begin with its height."""
        head, where = block.block_header.raw_data, self.where(answer)
        name = bytes.fromhex(block.blockID)
        if int.from_bytes(name[:8], "big") != head.number:
            raise SourceError(
                f"the hash of a block does not begin with its height {head.number:,}",
                where=where, remedy=LIAR,
            )  # fmt: skip
        when = moment(head.timestamp, where)
        return Tip(name, head.number, when, head.timestamp, answer.digest)
