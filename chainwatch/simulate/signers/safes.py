"""Life with Safes on a chain of accounts: who hands one to another key of his, and who to others.

Honest people keep a Safe under one key and change it now and then; couples and partners share one,
which links nobody. Beside them stand those whose Safe goes to somebody else: sold, given to the
next keeper of a firm, opened by a service for its customers. Shares are assumptions.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from itertools import accumulate
from typing import Any, NamedTuple, TypeVar

import polars as pl

from chainwatch.ledger.account_schema import APPROVALS, CONTRACT_LOGS, TRANSFERS
from chainwatch.ledger.accounts.contract_events import LOGS, SAFE, events_of, logs_unit
from chainwatch.ledger.schema import BLOCKS, COVERAGE, POSITION_BITS
from chainwatch.simulate.holders.world import CONTRACT, HolderChain
from chainwatch.simulate.services.world import COIN, FEE, NOBODY, UNIT

T = TypeVar("T")

PEOPLE, FIRMS, COUPLES, CUSTOMERS = 40, 6, 5, 12
"""People with a Safe of their own, firms with one keeper each, couples, and customers for whom a
service opens one."""

GROUPS = 5
"""Safes of three owners, of whom two must sign."""

RELAYED = 15
"""Of 100 transactions of a Safe: brought to the chain by somebody else, who pays for them."""

TOPICS = {event.text.partition("(")[0]: event.topic for event in events_of(SAFE)}
WORD = 32


@dataclass
class Safe:
    """A Safe: its address, who may sign today, how many must, and in which layout it logs."""

    address: bytes
    owners: list[bytes]
    needed: int
    whose: str
    topics: bool


@dataclass
class SafeChain(HolderChain):
    """Everything that moves, and what Safes log. A block an hour, the first of height 0."""

    logs: list[dict[str, Any]] = field(default_factory=list)

    def _place(self) -> tuple[int, int]:
        height = self.now // 3_600
        position = self.placed[height] = self.placed.get(height, -1) + 1
        return height, position

    def call(self, sender: bytes) -> None:
        """Let somebody send a transaction that pays nothing but its fee."""
        place = self._place()
        self._row(place, 0, COIN, sender, NOBODY, 0)
        self._row(place, 0, COIN, sender, NOBODY, FEE, "fee_burnt")

    def pay_together(
        self, payments: Sequence[tuple[bytes, bytes, int]], sent_by: bytes | None = None
    ) -> None:
        """Move tokens in one transaction, which is a payment of the coin, if of nothing."""
        super().pay_together(payments, sent_by)
        last = self.rows[-1]
        place = last["height"], last["tx"] & ((1 << POSITION_BITS) - 1)
        self._row(place, 0, COIN, sent_by or payments[0][0], NOBODY, 0)

    def log(self, safe: bytes, event: str, *, owner: bytes = b"", topic: bool = False) -> None:
        """Let a contract log an event about an owner in the last transaction."""
        self._log(safe, event, owner and bytes(12) + owner[1:], topic=topic)

    def set_up(self, safe: bytes, owners: Sequence[bytes], needed: int) -> None:
        """Let a contract log its setup in the last transaction."""
        words = [4 * WORD, needed, 0, 0, len(owners)]
        data = b"".join(word.to_bytes(WORD) for word in words)
        self._log(safe, "SafeSetup", data + b"".join(bytes(12) + one[1:] for one in owners))

    def _log(self, contract: bytes, event: str, data: bytes, *, topic: bool = False) -> None:
        last, row = self.rows[-1], dict.fromkeys(CONTRACT_LOGS.schema)
        self.logs.append(row | {
            "chain": self.id, "txid": last["txid"], "tx": last["tx"], "height": last["height"],
            "time": last["time"], "log_index": 100_000 + len(self.logs), "contract": contract,
            "topic0": TOPICS[event], "topic1": data if topic else None,
            "data": b"" if topic else data,
        })  # fmt: skip


@dataclass
class SafeLife:
    """Everybody, their keys and their Safes."""

    chain: SafeChain
    adversarial: bool
    keys: dict[str, list[bytes]] = field(default_factory=dict)
    safes: list[Safe] = field(default_factory=list)
    groups: list[Safe] = field(default_factory=list)
    used: dict[bytes, list[str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Let everybody open a Safe."""
        chain = self.chain
        self.pump = chain.wallet("pump", "gas seller")
        self.relayer = self._key("relayer", "relayer")
        self.service = self._key("service", "service")
        for n in range(PEOPLE):
            self._key(f"person {n}", "person")
            self._open(f"person {n}", [self.keys[f"person {n}"][0]])
        for n in range(FIRMS):
            self._open(f"firm {n}", [self._key(f"keeper {n} 0", "keeper")])
        for n in range(CUSTOMERS):
            self._open(f"customer {n}", [self.service])
            self._key(f"customer {n}", "customer")
        for n in range(COUPLES):
            both = [self._key(f"couple {n} {m}", "couple") for m in range(2)]
            self.groups.append(self._open(f"couple {n}", both, keep=False))
        for n in range(GROUPS):
            three = [self._key(f"partner {n} {m}", "partner") for m in range(3)]
            self.groups.append(self._open(f"partners {n}", three, 2, keep=False))

    def _key(self, owner: str, kind: str) -> bytes:
        """Return a new account of somebody, with gas."""
        chain = self.chain
        made = chain.wallet(owner, kind)
        with chain.at("first gas"):
            chain.gas(self.pump, made)
        self.keys.setdefault(owner, []).append(made)
        return made

    def _open(self, whose: str, owners: list[bytes], needed: int = 1, *, keep: bool = True) -> Safe:
        chain = self.chain
        chain.now += 3_600
        address = chain.address(CONTRACT, whose, whose, "safe")
        made = Safe(address, owners, needed, whose, chain.chance(50))
        with chain.at("setup"):
            chain.call(self.relayer if chain.chance(RELAYED) else owners[0])
            chain.set_up(made.address, owners, needed)
        self.used[address] = [whose]
        chain.mint(address, chain.between(2_000, 9_000) * UNIT)
        if keep:
            self.safes.append(made)
        return made

    def pick(self, items: Sequence[T]) -> T:
        """Return one of some items."""
        return items[self.chain.rng.randrange(len(items))]

    def pay(self) -> None:
        """A Safe pays somebody; one of its owners sends the transaction, or a relayer does."""
        chain, safe = self.chain, self.pick([*self.safes, *self.groups])
        held = chain.held(safe.address)
        if held < 100 * UNIT:
            chain.mint(safe.address, 2_000 * UNIT)
        to = self.pick(self.keys[f"person {chain.between(0, PEOPLE - 1)}"])
        sender = self.relayer if chain.chance(RELAYED) else self.pick(safe.owners)
        with chain.at("payment of a Safe"):
            chain.pay_together([(safe.address, to, chain.between(1, 50) * UNIT)], sent_by=sender)

    def _replace(self, safe: Safe, new: bytes, kind: str, *, slowly: bool = False) -> None:
        """Put a key in the place of the first one, by its own transaction or a relayer's."""
        chain, old = self.chain, safe.owners[0]
        with chain.at(kind):
            chain.call(self.relayer if chain.chance(RELAYED) else old)
            if slowly:
                chain.log(safe.address, "AddedOwner", owner=new, topic=safe.topics)
                chain.now += 3_600 * chain.between(1, 30)
                chain.call(self.pick([old, new]))
                chain.log(safe.address, "RemovedOwner", owner=old, topic=safe.topics)
            else:
                chain.log(safe.address, "RemovedOwner", owner=old, topic=safe.topics)
                chain.log(safe.address, "AddedOwner", owner=new, topic=safe.topics)
        safe.owners[0] = new

    def _mine(self, start: str) -> Safe:
        return self.pick([safe for safe in self.safes if safe.whose.startswith(start)])

    def change(self) -> None:
        """Somebody hands his Safe to another key of his, an old one or a new one."""
        chain, safe = self.chain, self._mine("person")
        others = [one for one in self.keys[safe.whose] if one != safe.owners[0]]
        old = bool(others) and chain.chance(30)
        new = self.pick(others) if old else self._key(safe.whose, "person")
        self._replace(safe, new, "own key", slowly=chain.chance(35))

    def next_keeper(self) -> None:
        """A firm's keeper leaves, and the next one takes over."""
        safe = self._mine("firm")
        number = safe.whose.split()[1]
        count = sum(name.startswith(f"keeper {number} ") for name in self.keys)
        self._replace(safe, self._key(f"keeper {number} {count}", "keeper"), "next keeper")

    def hand_out(self) -> None:
        """A service hands a customer the Safe that it opened for him."""
        waiting = [safe for safe in self.safes if safe.owners[0] == self.service]
        if waiting:
            safe = self.pick(waiting)
            self._replace(safe, self.keys[safe.whose][0], "opened by a service")

    def in_the_group(self) -> None:
        """One of several owners is replaced."""
        safe = self.pick(self.groups)
        owner = self.chain.truth[safe.owners[0]].holder
        self._replace(safe, self._key(owner, "partner"), "in a group")
        safe.owners.append(safe.owners.pop(0))

    def sell(self) -> None:
        """A Safe is sold, with what it holds."""
        safe = self._mine("person")
        buyer = f"person {self.chain.between(0, PEOPLE - 1)}"
        if buyer != safe.whose:
            self._replace(safe, self.keys[buyer][0], "sold")
            safe.whose = buyer
            self.used[safe.address].append(buyer)

    def rob(self) -> None:
        """Somebody is brought to sign that his Safe is another's, who empties it."""
        chain, safe = self.chain, self._mine("person")
        robber = self._key(f"robber {len(self.keys)}", "robber")
        self._replace(safe, robber, "robbed")
        chain.now += 3_600
        with chain.at("robbed"):
            amount = max(chain.held(safe.address) // 2, 1)
            chain.pay_together([(safe.address, robber, amount)], sent_by=robber)
        self.used[safe.address].append(f"robber {len(self.keys) - 1}")
        self.safes.remove(safe)
        self._open(safe.whose, [self.pick(self.keys[safe.whose])])

    def frame(self) -> None:
        """Somebody names a stranger as the owner of his Safe, or of what only logs like one."""
        chain = self.chain
        victim = self.pick(self.keys[f"person {chain.between(0, PEOPLE - 1)}"])
        attacker = self._key(f"attacker {len(self.keys)}", "attacker")
        whose = f"attacker {len(self.keys) - 1}"
        if chain.chance(50):
            safe = self._open(whose, [attacker], keep=False)
            self._replace(safe, victim, "framed")
            return
        fake = chain.address(CONTRACT, whose, whose, "no safe")
        with chain.at("framed"):
            chain.call(victim if chain.chance(30) else attacker)
            chain.set_up(fake, [victim], 1)
        self.used[fake] = [whose]


class Event(NamedTuple):
    """What happens, and how often of a hundred: among the honest, and where many try to mislead."""

    happens: Callable[[SafeLife], None]
    honest: int
    hostile: int


EVENTS = (
    Event(SafeLife.pay, 86, 83),
    Event(SafeLife.change, 7, 6),
    Event(SafeLife.next_keeper, 1, 1),
    Event(SafeLife.hand_out, 3, 3),
    Event(SafeLife.in_the_group, 2, 2),
    Event(SafeLife.sell, 1, 2),
    Event(SafeLife.rob, 0, 1),
    Event(SafeLife.frame, 0, 2),
)
"""All that happens."""


def live(life: SafeLife, count: int) -> None:
    """Let so many things happen, one after the other, each drawn by its weight."""
    sums = list(accumulate(one.hostile if life.adversarial else one.honest for one in EVENTS))
    for _ in range(count):
        life.chain.now += 3_600 * life.chain.between(1, 3)
        drawn = life.chain.rng.randrange(sums[-1])
        EVENTS[next(n for n, up_to in enumerate(sums) if drawn < up_to)].happens(life)


def all_read(chain: SafeChain) -> dict[str, pl.DataFrame]:
    """Return the tables of a ledger in which every block, its logs and all histories were read."""
    hashes = [sha256(f"{chain.label} {n}".encode()).digest() for n in range(max(chain.placed) + 1)]
    blocks, units = [], []
    for height, own in enumerate(hashes):
        time = datetime.fromtimestamp(chain.start + 3_600 * height, UTC)
        blocks.append(dict.fromkeys(BLOCKS.schema) | {
            "chain": chain.id, "height": height, "hash": own, "time": time,
            "parent": hashes[height - 1] if height else bytes(32),
            "tx_count": chain.placed.get(height, -1) + 1,
        })  # fmt: skip
        units += [
            {"kind": kind, "unit": unit, "height": height, "block": own}
            for kind, unit in (("block", f"block/{own.hex()}"), (LOGS, logs_unit(own.hex())))
        ]
    units += [{"kind": "address", "unit": f"address/{one.hex()}", "address": one}
              for one in chain.truth]  # fmt: skip
    read = {"chain": chain.id, "complete": True, "source": "simulated", "answer": bytes(32)}
    coverage = [dict.fromkeys(COVERAGE.schema) | read | unit for unit in units]
    rows = {BLOCKS: blocks, TRANSFERS: chain.rows, APPROVALS: chain.approvals,
            CONTRACT_LOGS: chain.logs, COVERAGE: coverage}  # fmt: skip
    return {
        table.name: pl.DataFrame(made, schema=table.schema, orient="row")
        for table, made in rows.items()
    }
