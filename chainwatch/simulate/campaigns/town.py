"""A town in the making: who pays whom on one coin chain, who is tagged, what is told outside."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from random import Random
from typing import Any, NamedTuple

from chainwatch.addresses.canonical import Kind
from chainwatch.errors import ConservationError

COIN = 10**8
"""Base units of one coin."""

BLOCK = 600
"""Seconds between two blocks: a payment has the time of the next."""

HOUR, DAY = 3_600, 86_400

BYSTANDER = "bystander"


class Pay(NamedTuple):
    """A payment: who, whom, base units, the second it was made, its transaction, the campaign whose
    it is, and what unlocked the coins."""

    payer: bytes
    payee: bytes
    amount: int
    second: int
    deed: int
    campaign: int | None
    quorum: str | None
    keys: tuple[bytes, ...]


class Campaign(NamedTuple):
    """Something that somebody runs: a crime, or the innocent business that looks like it.

    Attributes
    ----------
    number : int
        Its own.
    crime : bool
        Whether it is a crime.
    kind, variant : str
        What it is, and by which habits.
    new : bool
        Whether no chain of the fit part has the variant.
    shows : mapping of str to sequence of bytes
        By typology the parties on whom it should be claimed.
    allows : mapping of str to sequence of bytes
        By typology further parties on whom it is right to claim it, and no miss if it is not.
    """

    number: int
    crime: bool
    kind: str
    variant: str
    new: bool
    shows: Mapping[str, Sequence[bytes]]
    allows: Mapping[str, Sequence[bytes]]


@dataclass
class Shown:
    """What a campaign shows while it is run: by typology the parties, and further right ones."""

    due: dict[str, list[bytes]] = field(default_factory=dict)
    allowed: dict[str, list[bytes]] = field(default_factory=dict)

    def __setitem__(self, typology: str, parties: list[bytes]) -> None:
        """Say on whom a typology should be claimed."""
        self.due[typology] = parties


@dataclass
class Town:
    """Everything that moves. ``label`` names part and seed and is the origin of all addresses."""

    label: str
    rng: Random
    start: int
    days: int
    rows: list[Pay] = field(default_factory=list)
    entities: dict[bytes, tuple[str, int | None]] = field(default_factory=dict)
    guilty: set[bytes] = field(default_factory=set)
    tags: dict[bytes, tuple[str, str]] = field(default_factory=dict)
    reviews: list[dict[str, Any]] = field(default_factory=list)
    listings: list[dict[str, Any]] = field(default_factory=list)
    closures: list[dict[str, Any]] = field(default_factory=list)
    published: list[bytes] = field(default_factory=list)
    campaigns: list[Campaign] = field(default_factory=list)
    people: list[bytes] = field(default_factory=list)
    shops: list[bytes] = field(default_factory=list)
    exchanges: list[bytes] = field(default_factory=list)
    markets: list[bytes] = field(default_factory=list)
    board: list[bytes] = field(default_factory=list)
    brokers: dict[str, bytes] = field(default_factory=dict)
    swept: dict[bytes, bytes] = field(default_factory=dict)
    running: int | None = None
    deeds: int = 0

    def __post_init__(self) -> None:
        """Let the price of a coin go up and down, a day at a time."""
        price = self.between(2_000_000, 6_000_000)
        self.prices = [price]
        for _ in range(self.days + 1):
            price = max(500_000, price + price * self.between(-30, 31) // 1_000)
            self.prices.append(price)

    # Chance.

    def between(self, least: int, most: int) -> int:
        """Return a whole number from least to most."""
        return least + self.rng.randrange(most - least + 1)

    def chance(self, of_100: int) -> bool:
        """Say yes so many times of a hundred."""
        return self.rng.randrange(100) < of_100

    def one_of(self, some: Sequence[Any]) -> Any:
        """Return one of several."""
        return some[self.rng.randrange(len(some))]

    def some_of(self, some: Sequence[Any], count: int) -> list[Any]:
        """Return so many different ones of several."""
        return self.rng.sample(list(some), min(count, len(some)))

    def at(self, day: int, begin: int = 8, end: int = 22) -> int:
        """Return a second of a day between two hours; one beyond the span is moved into it."""
        kept = min(max(day, 0), self.days - 1)
        return kept * DAY + self.between(begin * HOUR, end * HOUR - 1)

    # Parties.

    def party(self, kind: str) -> bytes:
        """Return a new owner of one address: of the campaign that is run, or a bystander."""
        made = sha256(f"{self.label} {len(self.entities)}".encode()).digest()[:20]
        address = bytes([Kind.P2WPKH]) + made
        self.entities[address] = (kind, self.running)
        return address

    def service(self, kind: str, actor: str, concept: str) -> bytes:
        """Return a new party whom tags name, whoever runs it."""
        running, self.running = self.running, None
        found = self.party(kind)
        self.running = running
        self.tags[found] = (actor, concept)
        return found

    def person(self) -> bytes:
        """Return one of the people."""
        found: bytes = self.one_of(self.people)
        return found

    def stranger(self, second: int, cents: int) -> bytes:
        """Return somebody who is met once, and drew what he pays from an exchange before."""
        running, self.running = self.running, None
        found = self.party("stranger")
        if self.chance(70):
            self.pay(self.one_of(self.exchanges), found, cents + self.between(100, 900),
                     max(second - self.between(HOUR, 3 * DAY), 0))  # fmt: skip
        self.running = running
        return found

    def customer(self, second: int, cents: int, known: int = 40) -> bytes:
        """Return one of the people, so many times of a hundred, or a stranger."""
        return self.person() if self.chance(known) else self.stranger(second, cents)

    def account(self, exchange: bytes | None = None) -> bytes:
        """Return a new deposit address at an exchange, of who runs the campaign; nobody tags it."""
        found = self.party("deposit address")
        self.swept[found] = exchange or self.one_of(self.exchanges)
        return found

    def broker(self, concept: str) -> bytes:
        """Return the one service of a kind, such as a money exchange, which tags name."""
        if concept not in self.brokers:
            self.brokers[concept] = self.service(concept, f"the {concept}", concept)
        return self.brokers[concept]

    # Payments.

    def units(self, cents: int, second: int) -> int:
        """Return what euro cents buy at the price of the day on which the next block is found."""
        day = min((second // BLOCK + 1) * BLOCK // DAY, len(self.prices) - 1)
        return -(-cents * COIN // self.prices[day])

    def pay(
        self, payer: bytes, payee: bytes, cents: int, second: int, *, base: int = 0, deed: int = 0,
        quorum: str | None = None, keys: tuple[bytes, ...] = (),
    ) -> int:  # fmt: skip
        """Let somebody pay so many cents, or base units; return the transaction.

        Raises
        ------
        ConservationError
            If nothing is paid, or somebody pays himself: a defect of the simulation.
        """
        amount = base or self.units(cents, second)
        if amount <= 0 or payer == payee:
            raise ConservationError("a simulated payment moves nothing")
        if not deed:
            self.deeds += 1
            deed = self.deeds
        kept = min(max(second, 0), self.days * DAY - 1)
        self.rows.append(Pay(payer, payee, amount, kept, deed, self.running, quorum, keys))
        return deed

    # Campaigns.

    @contextmanager
    def run(self, kind: str, variant: str, *, crime: bool, new: bool) -> Iterator[Shown]:
        """Run a campaign: parties and payments within are its own; say whom each typology shows."""
        self.running, shown = len(self.campaigns), Shown()
        yield shown
        self.campaigns.append(
            Campaign(self.running, crime, kind, variant, new, shown.due, shown.allowed)
        )
        self.running = None


__all__ = ["BLOCK", "BYSTANDER", "COIN", "DAY", "HOUR", "Campaign", "Pay", "Shown", "Town"]
