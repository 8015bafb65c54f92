"""Services that hold the money of many: how each gives out addresses, sweeps, stores and pays."""

from __future__ import annotations

from dataclasses import dataclass, field

from chainwatch.simulate.services.world import COLD, DEPOSIT, GAS_WALLET, HOT, UNIT, Chain

STATION, FORWARDER, PLAIN = "gas station", "one transaction", "one by one"
"""How a service sweeps: a wallet of its own pays the gas of each address first; contracts forward
many at once, when its hot wallet calls them; or the hot wallet pays the gas, as it pays everybody,
and each is swept alone."""

FLOOR = 20 * UNIT
"""Below that a deposit waits for the next."""

MOST_AT_ONCE = 12
"""Deposits that one transaction forwards."""

KEPT = 30_000 * UNIT
"""What a hot wallet keeps; the rest goes to the cold one."""


@dataclass
class Custodian:
    """A service: one deposit address for each customer, swept into its hot wallet.

    ``kind`` says what it is in the truth, ``way`` how it sweeps. ``known`` is whether tags name its
    hot wallet, ``once`` whether each deposit gets an address of its own.
    """

    chain: Chain
    name: str
    way: str
    kind: str = "exchange"
    known: bool = True
    once: bool = False
    addresses: dict[str, bytes] = field(default_factory=dict)
    given: list[bytes] = field(default_factory=list)
    fuelled: set[bytes] = field(default_factory=set)

    def __post_init__(self) -> None:
        """Make its own wallets."""
        make = self.chain.address
        self.hot = make(HOT, self.name, self.name, self.kind)
        self.cold = make(COLD, self.name, self.name, self.kind)
        self.station = make(GAS_WALLET, self.name, self.name, self.kind)

    def deposit_address(self, customer: str) -> bytes:
        """Return where a customer deposits: always the same, or a new one for each invoice."""
        if customer not in self.addresses or (self.once and self.chain.chance(60)):
            made = self.chain.address(DEPOSIT, self.name, customer, f"{self.kind}, {self.way}")
            self.addresses[customer] = made
            self.given.append(made)
        return self.addresses[customer]

    def sweep(self) -> None:
        """Move what was deposited into the hot wallet."""
        due = [one for one in self.given if self.chain.held(one) >= FLOOR]
        if self.way == FORWARDER:
            for start in range(0, len(due), MOST_AT_ONCE):
                group = due[start : start + MOST_AT_ONCE]
                swept = [(one, self.hot, self.chain.held(one)) for one in group]
                self.chain.pay_together(swept, sent_by=self.hot)
            return
        for one in due:
            if one not in self.fuelled or self.chain.chance(40):
                self.chain.gas(self.station if self.way == STATION else self.hot, one)
                self.fuelled.add(one)
            self.chain.now += self.chain.between(12, 60)
            self.chain.pay(one, self.hot, self.chain.held(one))

    def store(self) -> None:
        """Move what the hot wallet has too much of into cold storage, or fetch what it lacks."""
        held, stored = self.chain.held(self.hot), self.chain.held(self.cold)
        if held > 2 * KEPT:
            self.chain.pay(self.hot, self.cold, held - KEPT)
        elif held < KEPT // 4 and stored:
            self.chain.pay(self.cold, self.hot, min(stored, KEPT))

    def withdraw(self, to: bytes, amount: int) -> None:
        """Pay a customer out, as far as the hot wallet can; some ask for gas too."""
        amount = min(amount, self.chain.held(self.hot))
        if amount > 0:
            self.chain.pay(self.hot, to, amount)
        if self.chain.chance(25):
            self.chain.gas(self.hot, to)
