"""Who lives in a world: people, shops, charities, employers, exchanges, miners, and their coins."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import TypeVar

from chainwatch.simulate import blocks
from chainwatch.simulate.owners.population import Population
from chainwatch.simulate.owners.software import (
    COMPANY,
    DEPOSITS,
    HOT_WALLETS,
    MIXER,
    POOLS,
    SOFTWARE,
    TOKENS,
)
from chainwatch.simulate.owners.world import World
from chainwatch.simulate.transactions import Coin, Lock, Output
from chainwatch.simulate.wallets import Policy, Wallet

T = TypeVar("T")

BTC = 100_000_000
WARM_UP = blocks.MATURITY + 20
"""Blocks before anything happens: until then nobody has coins to spend."""

SETTLING = 6
"""Blocks over which people come to their first coins."""

SWEEP_INPUTS, BATCH_OUTPUTS = 30, 25
"""Of an exchange: most deposits in a sweep, most withdrawals in a batch."""

KEPT = 16
"""Outputs into which a treasury is split, so that several payments can be made in a block."""


@dataclass(eq=False)
class Exchange:
    """A custodian: a deposit address per customer, a hot wallet, withdrawals in batches."""

    owner: str
    hot: Wallet
    deposits: Wallet
    one_by_one: bool
    addresses: dict[str, Lock] = field(default_factory=dict)
    queue: list[Output] = field(default_factory=list)


@dataclass(eq=False)
class Person:
    """A private owner: wallets, an exchange, and addresses that others know."""

    owner: str
    wallets: list[Wallet]
    mixed: Wallet
    premix: Wallet
    tools: Wallet
    tokens: Wallet | None
    exchange: Exchange
    known: list[Lock] = field(default_factory=list)

    @property
    def main(self) -> Wallet:
        """The wallet that it uses unless it has a reason."""
        return self.wallets[0]


@dataclass
class Society:
    """Everybody, and who has open business with whom."""

    world: World
    population: Population
    people: list[Person]
    merchants: list[Wallet]
    charities: list[Wallet]
    companies: list[Wallet]
    exchanges: list[Exchange]
    pools: list[Wallet]
    coordinator: Wallet
    marketplace: Wallet
    channels: list[tuple[Coin, Person, Person]] = field(default_factory=list)
    sold_keys: list[tuple[Lock, Person]] = field(default_factory=list)
    mixes: set[bytes] = field(default_factory=set)
    escrows: list[tuple[Coin, Person, Person]] = field(default_factory=list)

    def pick(self, items: Sequence[T]) -> T:
        """Return one of some items."""
        return items[self.world.rng.randrange(len(items))]

    def sample(self, items: Sequence[T], count: int) -> list[T]:
        """Return so many different ones of some items, in random order."""
        return list(islice(self.drawn(items), count))

    def drawn(self, items: Sequence[T]) -> Iterator[T]:
        """Yield all of some items in random order, drawn only as far as they are asked for."""
        pool = list(items)
        while pool:
            place = self.world.rng.randrange(len(pool))
            pool[place], pool[-1] = pool[-1], pool[place]
            yield pool.pop()

    def person(self) -> Person:
        """Return somebody."""
        return self.pick(self.people)

    def wallet(self) -> Wallet:
        """Return a wallet of somebody, now and then the one behind a mix."""
        person = self.person()
        if person.mixed.coins and self.world.chance(20):
            return person.mixed
        return self.pick(person.wallets)

    def address(self, person: Person, kind: str | None = None) -> Lock:
        """Return where somebody is paid: mostly fresh, now and then where he was paid before."""
        if person.known and kind is None and self.world.chance(self.population.reused_payee):
            return self.pick(person.known)
        lock = self.world.lock(person.main, kind)
        person.known = [*person.known[-7:], lock]
        return lock

    def amount(self, wallet: Wallet) -> int:
        """Return what a wallet might pay: up to a third of what it holds, sometimes round."""
        most = max(wallet.balance // 3, 20_000)
        drawn = 10_000 + self.world.rng.randrange(most)
        if self.world.chance(self.population.round_amounts):
            unit = int("1" + "0" * max(len(str(drawn)) - 2, 4))
            return max(drawn - drawn % unit, unit)
        return drawn

    def deposit_address(self, exchange: Exchange, customer: str) -> Lock:
        """Return a customer's deposit address at an exchange, always the same."""
        if customer not in exchange.addresses:
            exchange.addresses[customer] = self.world.lock(exchange.deposits)
        return exchange.addresses[customer]

    def able(self, least: int, count: int, kinds: Sequence[str] = ()) -> list[tuple[Person, Coin]]:
        """Return so many people with a coin each of at least an amount; fewer where there are none.

        Parameters
        ----------
        least : int
            Satoshi that the coin holds at least.
        count : int
            How many people.
        kinds : sequence of str
            What locks the coin; any where none is named.
        """
        found: list[tuple[Person, Coin]] = []
        for person in self.drawn(self.people):
            coin = self._coin_of(person, least, kinds)
            if coin is not None:
                found.append((person, coin))
            if len(found) == count:
                break
        return found

    def _coin_of(self, person: Person, least: int, kinds: Sequence[str]) -> Coin | None:
        for wallet in (*person.wallets, person.mixed):
            fit = [
                coin
                for coin in wallet.coins
                if coin.value >= least and (not kinds or coin.lock.kind in kinds)
            ]
            if fit:
                return self.pick(fit)
        return None


def settle(world: World, population: Population) -> Society:
    """Return everybody, before anybody has coins."""
    exchanges = [_exchange(f"exchange-{n}", n) for n in range(population.exchanges)]
    weighted = [name for name, weight in population.software for _ in range(weight)]

    def software() -> Policy:
        return SOFTWARE[weighted[world.rng.randrange(len(weighted))]]

    people = [
        _person(world, n, population, software, exchanges[n % len(exchanges)])
        for n in range(population.people)
    ]
    return Society(
        world=world,
        population=population,
        people=people,
        merchants=_crowd("merchant", population.merchants, software),
        charities=_crowd("charity", population.charities, lambda: Policy(reuse=True)),
        companies=_crowd("company", population.companies, lambda: COMPANY),
        exchanges=exchanges,
        pools=[
            Wallet(f"pool-{n}", f"pool-{n} wallet", "pool", POOLS[n % len(POOLS)])
            for n in range(population.pools)
        ],
        coordinator=Wallet("coordinator", "coordinator", "mix coordinator", Policy()),
        marketplace=Wallet("marketplace", "marketplace", "marketplace", Policy(reuse=True)),
    )


def _crowd(role: str, count: int, policy: Callable[[], Policy]) -> list[Wallet]:
    return [Wallet(f"{role}-{n}", f"{role}-{n} wallet", role, policy()) for n in range(count)]


def _exchange(owner: str, place: int) -> Exchange:
    hot, deposits = HOT_WALLETS[place % len(HOT_WALLETS)], DEPOSITS[place % len(DEPOSITS)]
    return Exchange(
        owner,
        Wallet(owner, f"{owner} hot wallet", "exchange", hot),
        Wallet(owner, f"{owner} deposits", "exchange deposit", deposits),
        one_by_one=place % 3 == 2,
    )


def _person(
    world: World, n: int, population: Population, software: Callable[[], Policy], exchange: Exchange
) -> Person:
    owner = f"person-{n:04}"
    count = 2 if n % 3 == 0 else 1
    wallets = [
        Wallet(owner, f"{owner} wallet {place}", "person", software()) for place in range(count)
    ]
    trades = world.chance(population.traders)
    return Person(
        owner,
        wallets,
        Wallet(owner, f"{owner} mixed", "person", MIXER),
        Wallet(owner, f"{owner} premix", "person", MIXER),
        Wallet(owner, f"{owner} tools", "person", Policy()),
        Wallet(owner, f"{owner} tokens", "person", TOKENS) if trades else None,
        exchange,
    )


def warm_up(society: Society) -> None:
    """Mine until rewards can be spent, and let everybody come to first coins as people do."""
    world = society.world
    for n in range(WARM_UP):
        world.mine(society.pools[n % len(society.pools)])
    for pool in society.pools:
        _sell(society, pool)
    for block in range(SETTLING):
        for place, person in enumerate(society.people):
            if place % SETTLING <= block:
                _first_coins(society, person)
        for exchange in society.exchanges:
            pay_out(society, exchange)
        world.mine(society.pools[block % len(society.pools)])


def _sell(society: Society, pool: Wallet) -> None:
    """A miner sells most of what it has to exchanges and employers."""
    world = society.world
    buyers = [*(exchange.hot for exchange in society.exchanges), *society.companies]
    share = sum(coin.value for coin in world.spendable(pool)) * 9 // 10 // (len(buyers) * KEPT)
    for buyer in buyers:
        targets = [Output(share, world.lock(buyer), "sale of mined coins") for _ in range(KEPT)]
        world.pay(pool, targets, "sale of mined coins")


def _first_coins(society: Society, person: Person) -> None:
    wallet = society.pick(person.wallets)
    value = society.world.between(3_000_000, 90_000_000)
    lock = society.world.lock(wallet)
    person.known.append(lock) if wallet is person.main else None
    person.exchange.queue.append(Output(value, lock, "withdrawal"))


def pay_out(society: Society, exchange: Exchange) -> None:
    """Pay the waiting withdrawals in batches; what cannot be paid waits."""
    while exchange.queue:
        batch, rest = exchange.queue[:BATCH_OUTPUTS], exchange.queue[BATCH_OUTPUTS:]
        kind = "batch" if len(batch) > 1 else "withdrawal"
        if society.world.pay(exchange.hot, batch, kind) is None:
            return
        exchange.queue = rest


def sweep(society: Society, exchange: Exchange) -> None:
    """Move deposits into the hot wallet: many at once, or each by itself."""
    world, step = society.world, 1 if exchange.one_by_one else SWEEP_INPUTS
    coins = [coin for coin in world.spendable(exchange.deposits) if coin.value > 10_000]
    for start in range(0, len(coins), step):
        world.gather(
            exchange.deposits, coins[start : start + step], world.lock(exchange.hot), "sweep"
        )
