"""Events of contracts of Tron to rows: tokens moved, authority given, and what issuers froze.

What an event says is told by its contract alone: anybody's contract may log what it likes, of
anybody. What looks like an event and has not its form is counted, and gives no row.

References
----------
TRC-20 (TIP-20), TRC-721 (TIP-721); TetherToken of Tron as its issuer published it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from chainwatch.addresses import canonical
from chainwatch.chains.base import Chain
from chainwatch.sources.tron.contracts import ZERO
from chainwatch.sources.tron.fields import Log, Told, address
from chainwatch.sources.tron.rows import Rows, wide

TRANSFER = "ddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef"
"""Transfer(address,address,uint256): of a unique token its id is a fourth topic."""

APPROVAL = "8c5be1e5ebec7d5bd14f71427d1e84f3dd0314c0f7b2291e5b200ac8c7c3b925"
"""Approval(address,address,uint256)."""

APPROVAL_FOR_ALL = "17307eab39ab6107e8899845ad3d59bd9653f200f220920489ca2b5937696c31"
"""ApprovalForAll(address,address,bool)."""

FROZEN = {
    "42e160154868087d6bfdc0ca23d96a1c1cfa32f1b72ba9ba27b69b98a0d819dc": "freeze",
    "d7e9ec6e6ecd65492dce6bf513cd6867560d49544421d0783ddf06e76c24470c": "unfreeze",
    "61e6e66b0d6339b2980aecc6ccc0039736791f0ccde9ed512e789a7fbdd698c6": "destroy",
}
"""AddedBlackList(address), RemovedBlackList(address), DestroyedBlackFunds(address,uint256)."""

ISSUERS = ("TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t",)
"""Contracts whose event of destroyed funds takes them from the balance, with no Transfer: USDT."""

_ISSUERS = frozenset(canonical.parse(one, "tron") for one in ISSUERS)
_WORD = 64


@dataclass
class Events:
    """Events that were read.

    Attributes
    ----------
    rows : Rows
        Where their rows go.
    chain : Chain
        Of the contracts.
    odd : int
        Logs that bear the topic of an event and have not its form.
    """

    rows: Rows
    chain: Chain
    odd: int = 0

    def add(self, told: Told, place: int, log: Log, where: str) -> None:
        """Add the event of a log, at its place in its transaction."""
        topic = log.topics[0].lower() if log.topics else ""
        at = {**self.rows.at(told), "log_index": place,
              "contract": address(log.address, self.chain, where)}  # fmt: skip
        words = _words(log)
        if topic == TRANSFER:
            self._moved(told, at, words, len(log.topics))
        elif topic in (APPROVAL, APPROVAL_FOR_ALL):
            self._approved(at, words, len(log.topics), for_all=topic == APPROVAL_FOR_ALL)
        elif topic in FROZEN:
            self._froze(at, words, FROZEN[topic])

    def _moved(self, told: Told, at: dict[str, Any], words: list[str] | None, topics: int) -> None:
        """Three words: who, to whom, and how much or which."""
        parties = self._parties(words, 3)
        if words is None or parties is None:
            return
        value, unique = int(words[2], 16), topics == 4
        self.rows.transfer(
            at, kind="trc721" if unique else "trc20", sender=parties[0], receiver=parties[1],
            amount=1 if unique else value, token_id=str(value) if unique else None, success=True,
            contract=at["contract"], log_index=at["log_index"],
        )  # fmt: skip

    def _approved(
        self, at: dict[str, Any], words: list[str] | None, topics: int, *, for_all: bool
    ) -> None:
        parties = self._parties(words, 3)
        if words is None or parties is None:
            return
        value, unique = int(words[2], 16), topics == 4
        stated = {} if for_all or unique else wide(value)
        self.rows.event("approvals", {
            **at, "kind": "approval_for_all" if for_all else "approval", "owner": parties[0],
            "spender": parties[1], "token_id": str(value) if unique else None, **stated,
            "granted": bool(value) if for_all or not unique else None,
        })  # fmt: skip

    def _froze(self, at: dict[str, Any], words: list[str] | None, action: str) -> None:
        count = 2 if action == "destroy" else 1
        whom = self._parties(words, count, parties=1)
        if words is None or whom is None:
            return
        much = wide(int(words[1], 16)) if action == "destroy" else {}
        self.rows.event("freezes", {**at, "address": whom[0], "action": action, **much})
        if action == "destroy":
            self._destroyed(at, whom[0], int(words[1], 16))

    def _destroyed(self, at: dict[str, Any], whom: bytes, amount: int) -> None:
        """What an issuer destroyed left the balance without a movement: the event tells it."""
        if at["contract"] not in _ISSUERS:
            return
        self.rows.transfer(
            at, kind="destroy", sender=whom, receiver=ZERO, amount=amount, success=True,
            contract=at["contract"], log_index=at["log_index"],
        )  # fmt: skip

    def _parties(self, words: list[str] | None, count: int, parties: int = 2) -> list[bytes] | None:
        """Return the addresses that the first words are; None where the log has another form."""
        if words is None or len(words) != count:
            self.odd += 1
            return None
        found = []
        for word in words[:parties]:
            # The type of an address of Tron, 41, may stand before its 20 bytes.
            if word[:24].strip("0") not in ("", "41"):
                self.odd += 1
                return None
            found.append(address(word[24:], self.chain, ""))
        return found


def _words(log: Log) -> list[str] | None:
    """Return the words of a log, its topics first; None where its data are none."""
    data = log.data.removeprefix("0x")
    if len(data) % _WORD or any(one not in "0123456789abcdefABCDEF" for one in data):
        return None
    parts = [data[place : place + _WORD] for place in range(0, len(data), _WORD)]
    return [*log.topics[1:], *parts]
