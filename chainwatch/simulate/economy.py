"""The honest market around the crime: miner, exchanges, people, wages, shops, and their calendar.

Agents hold wallets and put actions into the world's schedule. Two exchanges differ in one habit:
Northbank sweeps many deposit addresses in one transaction, Harbour one at a time, so that shared
spending never links Harbour's deposit addresses and only custody shows whose they are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random
from typing import TypeVar

from chainwatch.simulate.transactions import Coin, Lock
from chainwatch.simulate.wallets import PERSONAL, Policy, Wallet
from chainwatch.simulate.world import TICKS, World

T = TypeVar("T")

BATCH_OUTPUTS = 25
"""Withdrawals in one transaction at most."""

SWEEP_INPUTS = 30
"""Deposits in one sweep at most."""

BTC = 100_000_000

NORTHBANK = Policy(kind="p2wsh", select="largest", reuse=True, locktime=True, fee_rate=6)
HARBOUR = Policy(kind="p2sh", select="largest", reuse=True, version=1, sequence=0xFFFFFFFF)
POOL = Policy(kind="p2pkh", reuse=True, order="change_last", fee_rate=5)


def pick(rng: Random, items: Sequence[T]) -> T:
    """Return one item; ``randrange`` alone, so that it is the same on every Python."""
    return items[rng.randrange(len(items))]


@dataclass
class Exchange:
    """A custodian: one deposit address per customer, a hot wallet, batched withdrawals."""

    world: World
    name: str
    hot: Wallet
    deposits: Wallet
    joint_sweeps: bool
    addresses: dict[str, Lock] = field(default_factory=dict)
    queue: list[tuple[Lock, int]] = field(default_factory=list)

    def deposit_address(self, customer: str) -> Lock:
        """Return the customer's deposit address, always the same."""
        if customer not in self.addresses:
            note = f"deposit address of customer {customer}"
            self.addresses[customer] = self.world.lock(self.deposits, note, customer=customer)
        return self.addresses[customer]

    def withdraw(self, to: Lock, amount: int) -> None:
        """Take a withdrawal order for the next batch."""
        self.queue.append((to, amount))

    def pay_out(self) -> None:
        """Pay the waiting withdrawals in batches of many outputs."""
        while self.queue:
            batch, self.queue = self.queue[:BATCH_OUTPUTS], self.queue[BATCH_OUTPUTS:]
            self.world.pay(self.hot, [(lock, amount, "withdrawal") for lock, amount in batch])

    def sweep(self) -> None:
        """Move deposits into the hot wallet: many inputs at once, or one each."""
        coins = [coin for coin in self.world.spendable(self.deposits) if coin.value > 2_000]
        step = SWEEP_INPUTS if self.joint_sweeps else 1
        for group in _groups(coins, step):
            self.world.sweep(self.deposits, group, self.world.lock(self.hot))


def _groups(coins: Sequence[Coin], size: int) -> list[Sequence[Coin]]:
    return [coins[start : start + size] for start in range(0, len(coins), size)]


@dataclass
class Economy:
    """The honest agents, shared by everything else that happens."""

    world: World
    pool: Wallet
    northbank: Exchange
    harbour: Exchange
    buyers: list[Wallet]
    donors: list[Wallet]
    workers: list[Wallet]
    shops: list[Wallet]
    mill: Wallet

    def exchange_of(self, place: int) -> Exchange:
        """Return the exchange that the nth person of a crowd uses."""
        return self.harbour if place % 3 == 1 else self.northbank

    def fund(self, tick: int, exchange: Exchange, wallet: Wallet, amount: int) -> None:
        """Let a person order a withdrawal from an exchange at a tick."""
        world = self.world
        world.at(tick, lambda: exchange.withdraw(world.lock(wallet, "withdrawal"), amount))

    def spend(self, tick: int, wallet: Wallet, to: Wallet | Lock, amount: int, why: str) -> None:
        """Let a wallet pay at a tick, if it then holds enough; people do not overdraw."""
        self.world.at(tick, lambda: self._spend(wallet, to, amount, why))

    def _spend(self, wallet: Wallet, to: Wallet | Lock, amount: int, why: str) -> None:
        if not affordable(self.world, wallet, amount):
            return
        lock = to if isinstance(to, Lock) else self.world.lock(to, why)
        self.world.pay(wallet, [(lock, amount, why)])


def affordable(world: World, wallet: Wallet, amount: int) -> bool:
    """Say whether a wallet can pay an amount and any likely fee."""
    return sum(coin.value for coin in world.spendable(wallet)) >= amount + 20_000


def _exchange(world: World, name: str, policy: Policy, joint: bool) -> Exchange:
    kind = "p2wpkh" if joint else "p2pkh"
    return Exchange(
        world,
        name,
        world.wallet(name, "exchange", policy, "hot wallet"),
        world.wallet(name, "exchange", Policy(kind=kind, fee_rate=6), "deposits"),
        joint,
    )


def _crowd(world: World, role: str, count: int) -> list[Wallet]:
    """Return people with the same mix of wallet software in every crowd."""
    return [
        world.wallet(f"{role}-{place:02d}", role, PERSONAL[place % len(PERSONAL)])
        for place in range(1, count + 1)
    ]


def build(world: World, buyers: int, donors: int, workers: int) -> Economy:
    """Return the honest agents with their calendar written into the world's schedule."""
    names = ("Quay", "Loom", "Kiln", "Forge")
    economy = Economy(
        world=world,
        pool=world.wallet("Pool", "miner", POOL),
        northbank=_exchange(world, "Northbank", NORTHBANK, joint=True),
        harbour=_exchange(world, "Harbour", HARBOUR, joint=False),
        buyers=_crowd(world, "buyer", buyers),
        donors=_crowd(world, "donor", donors),
        workers=_crowd(world, "worker", workers),
        shops=[world.wallet(name, "shop", PERSONAL[i]) for i, name in enumerate(names)],
        mill=world.wallet(
            "Mill",
            "employer",
            Policy(select="largest", order="change_last"),
            habit="pays all wages in one batch",
        ),
    )
    _treasuries(economy)
    _exchange_days(economy)
    _wages(economy)
    _shopping(economy)
    _savings(economy)
    return economy


def _treasuries(economy: Economy) -> None:
    """The miner sells to both exchanges and to the employer, and once more in August."""
    world, pool = economy.world, economy.pool

    def sell(amount: int) -> None:
        for exchange in (economy.northbank, economy.harbour):
            world.pay(pool, [(exchange.deposit_address("Pool"), amount, "deposit")])

    world.at(0, lambda: sell(60 * BTC))
    world.at(0, lambda: world.pay(pool, [(world.lock(economy.mill), 20 * BTC, "sale of coins")]))
    world.at(100, lambda: sell(25 * BTC))


def _exchange_days(economy: Economy) -> None:
    """Exchanges sweep, then pay out, each on its own days."""
    for exchange, first, step in ((economy.northbank, 1, 6), (economy.harbour, 2, 5)):
        for tick in range(first, TICKS, step):
            economy.world.at(tick, exchange.sweep)
            economy.world.at(tick + 1, exchange.pay_out)


def _wages(economy: Economy) -> None:
    """The employer pays all workers in one batch every tenth tick (about weekly)."""
    world = economy.world

    def payday() -> None:
        wages = [
            (world.lock(worker, "wage"), 1_500_000 + world.rng.randrange(400_000), "wage")
            for worker in economy.workers
        ]
        world.pay(economy.mill, wages)

    for tick in range(3, TICKS, 10):
        world.at(tick, payday)


def _shopping(economy: Economy) -> None:
    """Workers buy at shops at odd amounts; the shop Quay is paid at its exchange's address."""
    rng = economy.world.rng
    quay = economy.harbour.deposit_address("Quay")
    for tick in range(5, TICKS - 2):
        if rng.randrange(100) >= 55:
            continue
        shop = pick(rng, economy.shops)
        to = quay if shop.owner == "Quay" else shop
        amount = 80_000 + rng.randrange(900_000)
        economy.spend(tick, pick(rng, economy.workers), to, amount, "purchase")


def _savings(economy: Economy) -> None:
    """Workers and shops bring what they do not need to their exchange now and then."""
    rng = economy.world.rng
    for place, wallet in enumerate([*economy.workers, *economy.shops]):
        exchange = economy.exchange_of(place)
        for month in range(3):
            tick = 30 + 50 * month + rng.randrange(30)
            amount = (1 + rng.randrange(4)) * 1_000_000
            to = exchange.deposit_address(wallet.owner)
            economy.spend(tick, wallet, to, amount, "deposit")
