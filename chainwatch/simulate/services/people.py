"""People who pay and deposit, and those whose own wallets look like a service's deposit addresses.

A *twin* passes all that it gets to one service straight from a wallet of its holder's own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from chainwatch.simulate.services.custodians import Custodian
from chainwatch.simulate.services.world import SELF, UNIT, Chain

CASH_OUT, MERCHANT, RING, FARM, OPERATOR, BUNDLED = (
    "cashes out",
    "merchant",
    "ring",
    "airdrop farm",
    "unnamed processor",
    "bundled",
)
"""Kinds of twins: one wallet that cashes out; one that many pay; several of one owner, with a gas
wallet of their own; those of who collects airdrops; those that one runs for many; and smart
accounts of strangers, whose payments a bundler puts into one transaction."""


@dataclass
class Person:
    """Somebody with a wallet of his own and an account at each of some services."""

    name: str
    wallet: bytes
    accounts: Sequence[Custodian]


@dataclass
class Twin:
    """A wallet of somebody's own that pays one service alone, straight to its hot wallet."""

    wallet: bytes
    at: Custodian
    payers: list[bytes]
    gas: bytes
    fuelled: bool = False


@dataclass
class Crowd:
    """Everybody who is no service. ``pump`` sells gas to whoever buys, services apart."""

    chain: Chain
    people: list[Person] = field(default_factory=list)
    twins: list[Twin] = field(default_factory=list)
    bundled: list[Twin] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Open the shop for gas, and let somebody bundle."""
        self.pump = self.chain.address(SELF, "pump", "pump", "gas seller")
        self.bundler = self.chain.address(SELF, "bundler", "bundler", "bundler")

    def join(self, count: int, services: Sequence[Custodian]) -> None:
        """Add people, each with an account or two, and something to spend."""
        for _ in range(count):
            name = f"person {len(self.people)}"
            wallet = self.chain.address(SELF, name, name, "person")
            first = services[self.chain.rng.randrange(len(services))]
            second = services[self.chain.rng.randrange(len(services))]
            both = [first, second] if self.chain.chance(35) and second is not first else [first]
            self.people.append(Person(name, wallet, both))
            self.chain.mint(wallet, self.chain.between(2_000, 20_000) * UNIT)

    def anybody(self) -> Person:
        """Return one of the people."""
        return self.people[self.chain.rng.randrange(len(self.people))]

    def twin(self, kind: str, owner: str, at: Custodian, payers: list[bytes], gas: bytes) -> None:
        """Add a twin that these pay."""
        wallet = self.chain.address(SELF, owner, owner, kind)
        self.twins.append(Twin(wallet, at, payers, gas))

    def smart(self, at: Custodian) -> None:
        """Add a smart account of somebody who has nothing to do with others of its bundles."""
        owner = f"{BUNDLED} {len(self.bundled)}"
        wallet = self.chain.address(SELF, owner, owner, BUNDLED)
        self.bundled.append(Twin(wallet, at, [self.anybody().wallet], self.bundler))

    def ring(self, kind: str, size: int, at: Custodian, shells: int) -> None:
        """Add wallets of one owner, whose gas one of them pays.

        With ``shells`` every wallet is paid by an address of its own, so many payments away from
        the one that the money comes from.
        """
        owner = f"{kind} {len(self.twins)}"
        purse = self.chain.address(SELF, owner, owner, kind)
        gas = self.chain.address(SELF, owner, owner, kind)
        self.chain.mint(purse, 4_000 * size * UNIT)
        for _ in range(size):
            payer = purse
            for _ in range(shells):
                shell = self.chain.address(SELF, owner, owner, kind)
                self.chain.pay(payer, shell, min(3_500 * UNIT, self.chain.held(payer)))
                payer = shell
            self.twin(kind, owner, at, [payer], gas)

    def operator(self, size: int, at: Custodian) -> None:
        """Add wallets that one runs for many who have nothing to do with each other."""
        owner = f"{OPERATOR} {len(self.twins)}"
        gas = self.chain.address(SELF, owner, owner, OPERATOR)
        for _ in range(size):
            self.twin(OPERATOR, owner, at, [self.anybody().wallet], gas)

    def spend(self) -> None:
        """Let somebody do something: deposit, pay another or his account, or draw money out."""
        chain, one = self.chain, self.anybody()
        service = one.accounts[chain.rng.randrange(len(one.accounts))]
        amount = min(chain.between(40, 900) * UNIT, chain.held(one.wallet))
        if amount < 40 * UNIT or chain.chance(25):
            service.withdraw(one.wallet, chain.between(100, 1_500) * UNIT)
        elif chain.chance(60):
            chain.pay(one.wallet, service.deposit_address(one.name), amount)
        else:
            other = self.anybody()
            at = other.accounts[0].deposit_address(other.name)
            chain.pay(one.wallet, at if chain.chance(30) else other.wallet, amount)

    def bundle(self) -> None:
        """Let smart accounts be paid, and put into one transaction what all of them pay on."""
        chain = self.chain
        for twin in self.bundled:
            amount = min(chain.between(60, 700) * UNIT, chain.held(twin.payers[0]))
            if amount > 0:
                chain.pay(twin.payers[0], twin.wallet, amount)
        chain.now += chain.between(300, 3_000)
        due = [(one.wallet, one.at.hot, chain.held(one.wallet)) for one in self.bundled]
        chain.pay_together([one for one in due if one[2]], sent_by=self.bundler)

    def cash(self, twin: Twin) -> None:
        """Let a twin be paid, and pay all of it on, or wait for more."""
        chain = self.chain
        payer = twin.payers[chain.rng.randrange(len(twin.payers))]
        amount = min(chain.between(60, 700) * UNIT, chain.held(payer))
        if amount > 0:
            chain.pay(payer, twin.wallet, amount)
        if not twin.fuelled:
            chain.gas(twin.gas, twin.wallet)
            twin.fuelled = True
        if chain.chance(65) and chain.held(twin.wallet):
            chain.now += chain.between(300, 60_000)
            chain.pay(twin.wallet, twin.at.hot, chain.held(twin.wallet))
