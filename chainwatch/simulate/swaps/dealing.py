"""What people do on a simulated chain: swap, wrap, pay many, lend, and act by smart accounts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from chainwatch.simulate.swaps.world import (
    ADDED,
    BATCH,
    COIN,
    DEPOSITED,
    ENTRY,
    MET,
    NOBODY,
    OPERATION,
    ROUTED,
    SWAP,
    UNIT,
    UNWRAP,
    WRAP,
    WRAPPED,
    Asset,
    Chain,
    Pay,
    Truth,
)


@dataclass
class Person:
    """Somebody with an account: a key of his own, or a smart account that a bundler sends for."""

    name: str
    account: bytes
    smart: bool = False


@dataclass
class Pool:
    """A pool of two assets; its own token is a share of it."""

    at: bytes
    assets: tuple[Asset, Asset]


@dataclass
class Market:
    """Everybody, and the contracts that they use."""

    chain: Chain
    tokens: list[bytes]
    pools: list[Pool]
    people: list[Person] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Open what serves all."""
        make = self.chain.contract
        self.router, self.batcher, self.settlement, self.vault = make(), make(), make(), make()
        self.bundler, self.paymaster = self.chain.address(), self.chain.contract()
        self.reward = self.chain.contract()
        for pool in self.pools:
            for asset in pool.assets:
                if asset == WRAPPED:
                    self.chain.mint(WRAPPED, COIN, 10**9 * UNIT)
                self.chain.mint(pool.at, asset, 10**9 * UNIT)
            self.chain.mint(pool.at, self.reward, 10**9 * UNIT)
        self.chain.mint(ENTRY, COIN, 10**9 * UNIT)

    def join(self, name: str, *, smart: bool) -> Person:
        """Let somebody come in with something of everything."""
        account = self.chain.contract() if smart else self.chain.address()
        one = Person(name, account, smart)
        for asset in (*self.tokens, COIN):
            self.chain.mint(account, asset, self.chain.between(2_000, 9_000) * UNIT)
        self.people.append(one)
        return one

    def anybody(self) -> Person:
        """Return one of the people."""
        return self.people[self.chain.rng.randrange(len(self.people))]

    def asset(self) -> Asset:
        """Return some asset that people hold."""
        every: list[Asset] = [*self.tokens, COIN]
        return every[self.chain.rng.randrange(len(every))]

    def some(self, one: Person, asset: Asset) -> int:
        """Return an amount that somebody can spare; 0 where he has none."""
        return min(self.chain.between(5, 400) * UNIT + self.chain.between(0, UNIT),
                   self.chain.held(one.account, asset) // 2)  # fmt: skip

    def send(self, one: Person, pays: Sequence[Pay]) -> bytes:
        """Let somebody act: by his own transaction, or by an operation that the bundler sends."""
        if not one.smart:
            return self.chain.send(one.account, pays)
        gas = Pay(ENTRY, self.bundler, COIN, self.chain.between(1, 9) * UNIT)
        sponsored = self.paymaster if self.chain.chance(40) else None
        return self.chain.send(self.bundler, [*pays, gas], account=one.account,
                               paymaster=sponsored)  # fmt: skip

    def swap(self, one: Person, to: bytes | None = None) -> None:
        """Swap over one pool or two, by a router or straight, for oneself or for somebody else."""
        path = [self.pools[self.chain.rng.randrange(len(self.pools))]]
        gave, now = _ends(path[0], first=self.chain.chance(50))
        if self.chain.chance(30):
            after = [pool for pool in self.pools if pool is not path[0] and now in pool.assets]
            if after:
                path.append(after[self.chain.rng.randrange(len(after))])
        amount, who = self.some(one, gave), to or one.account
        if amount < len(path) * 10:
            return
        pays, got_asset, got = self._over(path, one.account, who, gave, amount)
        if got_asset == gave:
            return
        if self.chain.chance(8):  # a pool that pays a reward beside: what was got for what is open
            pays.append(Pay(path[0].at, one.account, self.reward, self.chain.between(1, 9) * UNIT))
        txid = self.send(one, pays)
        self.chain.say(Truth(txid, SWAP, one.name, one.account, path[0].at, gave, amount, who,
                             got_asset, got))  # fmt: skip

    def _over(
        self, path: Sequence[Pool], payer: bytes, to: bytes, asset: Asset, amount: int
    ) -> tuple[list[Pay], Asset, int]:
        """Return the movements of a swap over pools, and what comes out."""
        routed = self.chain.chance(60)
        pays, holder = [], payer
        if routed:
            pays.append(Pay(payer, self.router, asset, amount))
            holder = self.router
        for n, pool in enumerate(path):
            pays.append(Pay(holder, pool.at, asset, amount))
            asset = pool.assets[1] if asset == pool.assets[0] else pool.assets[0]
            amount = amount * self.chain.between(300, 1_900) // 1_000
            holder = self.router if n + 1 < len(path) or routed else to
            pays.append(Pay(pool.at, holder, asset, amount))
        if holder != to:
            pays.append(Pay(holder, to, asset, amount))
        return pays, asset, amount

    def wrap(self, one: Person) -> None:
        """Wrap coins, or unwrap them where there are some."""
        back = self.chain.held(one.account, WRAPPED) > 10 and self.chain.chance(50)
        amount = self.some(one, WRAPPED if back else COIN)
        if not amount:
            return
        coins = (WRAPPED, one.account) if back else (one.account, WRAPPED)
        sides = (one.account, NOBODY) if back else (NOBODY, one.account)
        token, coin = Pay(*sides, WRAPPED, amount), Pay(*coins, COIN, amount)
        txid = self.send(one, [token, coin] if back else [coin, token])
        gave, got = (token, coin) if back else (coin, token)
        self.chain.say(Truth(txid, UNWRAP if back else WRAP, one.name, one.account, gave.receiver,
                             gave.asset, amount, one.account, got.asset, amount))  # fmt: skip

    def pay(self, one: Person, whom: bytes) -> None:
        """Pay somebody: straight, or through a contract that passes it on."""
        asset = self.asset()
        amount = self.some(one, asset)
        if not amount or whom == one.account:
            return
        routed = self.chain.chance(40)
        legs = [Pay(one.account, whom, asset, amount)]
        if routed:
            legs = [legs[0]._replace(receiver=self.router), legs[0]._replace(sender=self.router)]
        txid = self.send(one, legs)
        if routed or one.smart:
            kind = ROUTED if routed else OPERATION
            self.chain.say(Truth(txid, kind, one.name, one.account, whom, asset, amount))

    def batch(self, one: Person) -> None:
        """Pay several at once through one contract, which sends back what is left."""
        asset, count = self.asset(), self.chain.between(2, 7)
        total = self.some(one, asset)
        whom = [*dict.fromkeys(self.anybody().account for _ in range(count))]
        whom = [at for at in whom if at != one.account]
        if total < 10 * len(whom) or len(whom) < 2:
            return
        parts = [total // (len(whom) + 1) + self.chain.between(0, 5) for _ in whom]
        back = total - sum(parts)
        pays = [Pay(one.account, self.batcher, asset, total)]
        pays += [Pay(self.batcher, at, asset, part) for at, part in zip(whom, parts, strict=True)]
        pays += [Pay(self.batcher, one.account, asset, back)] if back else []
        txid = self.send(one, pays)
        self.chain.say(*(Truth(txid, BATCH, one.name, one.account, at, asset, part)
                         for at, part in zip(whom, parts, strict=True)))  # fmt: skip

    def provide(self, one: Person) -> None:
        """Give a pool both of its assets for a share of it, or a vault one for a receipt."""
        pool = self.pools[self.chain.rng.randrange(len(self.pools))]
        into, kind = (pool.at, ADDED) if self.chain.chance(50) else (self.vault, DEPOSITED)
        assets = pool.assets if kind == ADDED else (self.tokens[0],)
        amounts = [self.some(one, asset) for asset in assets]
        if not all(amounts):
            return
        pays = [Pay(one.account, into, asset, amount)
                for asset, amount in zip(assets, amounts, strict=True)]  # fmt: skip
        txid = self.send(one, [*pays, Pay(NOBODY, one.account, into, min(amounts))])
        self.chain.say(Truth(txid, kind, one.name, one.account, into, assets[0], amounts[0]))

    def redeem(self, one: Person) -> None:
        """Give a receipt of the vault back for what was deposited."""
        amount = self.chain.held(one.account, self.vault)
        if amount > 1:
            pays = [Pay(one.account, NOBODY, self.vault, amount),
                    Pay(self.vault, one.account, self.tokens[0], amount)]  # fmt: skip
            self.send(one, pays)

    def settle(self) -> None:
        """Let two pay two others through one contract: nothing on the chain says who paid whom."""
        pairs = [(self.anybody(), self.anybody()) for _ in range(2)]
        asset = self.asset()
        amounts = [self.some(one, asset) for one, _ in pairs]
        if len({one.account for pair in pairs for one in pair}) < 4 or not all(amounts):
            return
        into = [Pay(one.account, self.settlement, asset, amount)
                for (one, _), amount in zip(pairs, amounts, strict=True)]  # fmt: skip
        out = [Pay(self.settlement, other.account, asset, amount)
               for (_, other), amount in zip(pairs, amounts, strict=True)]  # fmt: skip
        allowed = [pay.sender for pay in into]
        txid = self.chain.send(self.bundler, [*into, *out], allowed=allowed)
        self.chain.say(*(
            Truth(txid, MET, one.name, one.account, other.account, asset, amount)
            for (one, other), amount in zip(pairs, amounts, strict=True)
        ))  # fmt: skip

    def mule(self, one: Person, mule: bytes, friend: bytes) -> None:
        """Pay somebody who let the payer take it on to a friend: he holds a key, and never acts."""
        asset = self.tokens[0]
        amount = self.some(one, asset)
        if amount:
            self.chain.send(one.account, [
                Pay(one.account, mule, asset, amount), Pay(mule, friend, asset, amount)
            ], allowed=[mule])  # fmt: skip

    def disguise(self, one: Person, shop: bytes, junk: bytes, friend: bytes, *, back: bool) -> None:
        """Pay a friend through one's own contract, which gives a worthless token for it."""
        asset = self.tokens[0]
        amount = self.some(one, asset)
        if not amount:
            return
        has = self.chain.held(one.account, junk)
        if back and has:  # so that it looks as if many traded both ways
            self.chain.send(friend, [Pay(friend, shop, asset, 1)])
            pays = [Pay(one.account, shop, junk, has // 2), Pay(shop, one.account, asset, 1)]
            self.chain.send(one.account, pays)
            return
        pays = [Pay(one.account, shop, asset, amount), Pay(shop, one.account, junk, amount)]
        self.chain.send(one.account, pays)
        self.chain.send(friend, [Pay(shop, friend, asset, amount)])


def _ends(pool: Pool, *, first: bool) -> tuple[Asset, Asset]:
    one, other = pool.assets
    return (one, other) if first else (other, one)
