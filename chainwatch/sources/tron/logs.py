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

from chainwatch.chains.base import Chain
from chainwatch.errors import SourceError
from chainwatch.ledger.accounts.contract_events import kept_topics
from chainwatch.sources.evm import events
from chainwatch.sources.tron.contracts import ZERO
from chainwatch.sources.tron.fields import LIAR, Log, Told, address
from chainwatch.sources.tron.rows import Rows, wide

_TRANSFER = events.topic(events.TRANSFER)
"""Of a unique token its id is a fourth topic."""

_APPROVALS = {
    events.topic(events.APPROVAL): "approval",
    events.topic(events.APPROVAL_FOR_ALL): "approval_for_all",
}
_FROZEN = {events.topic(event): action for event, action in events.FROZEN.items()}
_WORD = 64
_KEPT = frozenset(topic.hex() for topic in kept_topics())


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
        if topic == _TRANSFER:
            self._moved(told, at, words, len(log.topics))
        elif topic in _APPROVALS:
            self._approved(at, words, len(log.topics), _APPROVALS[topic])
        elif topic in _FROZEN:
            self._froze(at, words, _FROZEN[topic])
        elif topic in _KEPT:
            self._keep(at, log, where)

    def _keep(self, at: dict[str, Any], log: Log, where: str) -> None:
        """Keep a log word for word; refuse what no contract can log."""
        try:
            data = bytes.fromhex(log.data.removeprefix("0x"))
        except ValueError:
            data = None
        if data is None or len(log.topics) > 4:
            raise SourceError("a log holds what no contract can log", where=where, remedy=LIAR)
        topics = {f"topic{n}": bytes.fromhex(topic) for n, topic in enumerate(log.topics)}
        self.rows.event("contract_logs", {**at, **topics, "data": data})

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
        self, at: dict[str, Any], words: list[str] | None, topics: int, kind: str
    ) -> None:
        parties = self._parties(words, 3)
        if words is None or parties is None:
            return
        value, unique = int(words[2], 16), topics == 4
        for_all = kind == "approval_for_all"
        stated = {} if for_all or unique else wide(value)
        self.rows.event("approvals", {
            **at, "kind": kind, "owner": parties[0],
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
        if at["contract"] not in events.listed(self.chain.destroying, self.chain):
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
