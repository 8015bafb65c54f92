"""Life with several keys on a chain of coins: who changes keys, and who only seems to.

Honest wallets lose a key and replace it, firms change their people. Beside them stand those who
share keys and are not one: customers of a co-signer, clients of a trustee, two ventures of the same
partners, deals in escrow. Shares are assumptions; none was measured.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from typing import NamedTuple, TypeVar

from chainwatch.simulate import blocks
from chainwatch.simulate.owners.world import World
from chainwatch.simulate.signers.groups import Group, Groups, set_lock
from chainwatch.simulate.transactions import Coin, Output
from chainwatch.simulate.wallets import Policy, Wallet

T = TypeVar("T")

SOLOS, FIRMS, CUSTOMERS, DRAWN, PARTNERS, SELLERS, PEOPLE = 14, 8, 24, 8, 3, 5, 30
"""Wallets of one person (two of three keys), of firms (three of five), of customers of one
co-signer (two keys of their own), of people who draw every key anew; pairs of partners with two
ventures each, sellers in escrow, and people without such a wallet."""

CLIENTS = (2, 3, 4, 24)
"""Clients of each trustee, who holds two keys of three."""

NEW, CLOSES = 25, 15
"""Of 100 payments between wallets that share keys: into one that was just opened, and of all that
the payer has."""

FIRST_COINS = 6
"""Coins that a wallet begins with."""

WARM_UP = blocks.MATURITY + 20
"""Blocks before anybody has coins."""

RARE = 100_000_000


@dataclass
class Life:
    """Everybody, and what they have begun and not ended."""

    world: World
    adversarial: bool
    groups: Groups = field(init=False)
    solos: list[Group] = field(default_factory=list)
    firms: list[Group] = field(default_factory=list)
    customers: list[Group] = field(default_factory=list)
    drawn: list[Group] = field(default_factory=list)
    clients: list[list[Group]] = field(default_factory=list)
    ventures: list[list[Group]] = field(default_factory=list)
    sales: list[tuple[Group, Group, int]] = field(default_factory=list)
    baits: list[Group] = field(default_factory=list)
    escrows: list[tuple[Coin, int]] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Let everybody open a wallet, and mine until there are coins to give them."""
        world, self.groups = self.world, Groups(self.world)
        self.pool = Wallet("pool", "pool wallet", "pool", Policy())
        self.people = [
            Wallet(f"person-{n}", f"person-{n} wallet", "person", Policy()) for n in range(PEOPLE)
        ]
        self.market = self.groups.key("market")
        self.sellers = [self.groups.key("seller", n) for n in range(SELLERS)]
        self._open()
        for _ in range(WARM_UP):
            world.mine(self.pool)
        for group in self.every():
            self.fund(group)
        for person in self.people:
            locks = [world.lock(person) for _ in range(FIRST_COINS)]
            self._give([Output(world.between(RARE // 20, RARE // 4), to, "first") for to in locks])
        world.mine(self.pool)

    def _open(self) -> None:
        groups, key = self.groups, self.groups.key
        self.solos = [
            groups.open(f"solo-{n}", "solo", 2, [key("solo", n) for _ in range(3)])
            for n in range(SOLOS)
        ]
        self.firms = [
            groups.open(f"firm-{n}", "firm", 3, [key("firm", n) for _ in range(5)])
            for n in range(FIRMS)
        ]
        self.drawn = [
            groups.open(f"drawn-{n}", "drawn", 2, [key("drawn", n) for _ in range(3)], fresh=True)
            for n in range(DRAWN)
        ]
        signer = key("co-signer")
        for n in range(CUSTOMERS):
            keys = [key("customer", n), key("customer", n), signer]
            self.customers.append(groups.open(f"customer-{n}", "customer", 2, keys))
        for t, count in enumerate(CLIENTS):
            held = [key("trustee", t), key("trustee", t)]
            self.clients.append([
                groups.open(f"client-{t}-{n} & trustee-{t}", "client", 2, [key("client", t), *held])
                for n in range(count)
            ])  # fmt: skip
        for n in range(PARTNERS):
            both = [key("partner", n), key("partner", n)]
            self.ventures.append([
                groups.open(f"partners-{n} & third-{n}-{v}", "venture", 2, [*both, key("third")])
                for v in range(2)
            ])  # fmt: skip

    def every(self) -> list[Group]:
        """Return all wallets of several keys that live on."""
        served = [one for clients in self.clients for one in clients]
        both = [one for pair in self.ventures for one in pair]
        return [*self.solos, *self.firms, *self.customers, *self.drawn, *served, *both]

    def _give(self, targets: Sequence[Output]) -> None:
        self.world.pay(self.pool, targets, "sale of mined coins")

    def fund(self, group: Group) -> None:
        """Give a wallet coins."""
        value = self.world.between(RARE // 10, RARE // 2)
        locks = [self.groups.home(group) for _ in range(FIRST_COINS)]
        self._give([Output(value, lock, "first coins") for lock in locks])

    def pick(self, items: Sequence[T]) -> T:
        """Return one of some items."""
        return items[self.world.rng.randrange(len(items))]

    def amount(self, wallet: Wallet) -> int:
        """Return what a wallet may pay."""
        return self.world.between(20_000, max(wallet.balance // 5, 40_000))

    def pay(self) -> None:
        """Somebody with several keys pays somebody: mostly a person, else another such wallet."""
        group = self.pick(self.every())
        to = self.world.lock(self.pick(self.people))
        if self.world.chance(25):
            other = self.pick(self.every())
            if other.wallet.owner == group.wallet.owner:
                return
            to = self.groups.home(other)
        self.groups.pay(group, to, self.amount(group.wallet), "payment")

    def change(self) -> None:
        """Somebody replaces a key that was lost, or a firm some of its people's."""
        drawn = self.world.between(0, 99)
        if drawn < 40:
            self._replace(self.pick(self.solos), 1 if self.world.chance(90) else 2)
        elif drawn < 65:
            self._replace(self.pick(self.firms), self.pick((1, 1, 1, 2, 2, 3)))
        elif drawn < 80:
            self._replace(self.pick(self.customers), 1, among=2)
        elif drawn < 92:
            self._replace(self.pick(self.pick(self.clients)), 1, among=1)
        else:
            self._grow(self.pick(self.solos))

    def _replace(self, group: Group, count: int, *, among: int = 0) -> None:
        """Give a wallet so many new keys, in place of some of the first ones that are its own."""
        keys = list(group.keys)
        places = list(range(among or len(keys)))
        for _ in range(count):
            place = places.pop(self.world.rng.randrange(len(places)))
            keys[place] = self.groups.key(group.wallet.owner)
        self.groups.change_keys(group, keys, group.required)

    def _grow(self, group: Group) -> None:
        """Let a wallet of two of three keys become one of three of five."""
        if len(group.keys) == 3:
            more = [self.groups.key(group.wallet.owner) for _ in range(2)]
            self.groups.change_keys(group, [*group.keys, *more], 3)

    def among_clients(self) -> None:
        """A client of a trustee pays another one."""
        t = self.world.between(0, len(self.clients) - 1)
        clients = self.clients[t]
        payer, payee = self.pick(clients), self.pick(clients)
        if self.world.chance(NEW):
            keys = [self.groups.key("client", t), *payer.keys[1:]]
            owner = f"client-{t}-{len(clients)} & trustee-{t}"
            payee = self.groups.open(owner, "client", 2, keys)
            clients.append(payee)
        if payer is not payee:
            self._pay_beside(payer, payee, "to another client")

    def _pay_beside(self, payer: Group, payee: Group, kind: str) -> None:
        """Pay a wallet that shares keys, now and then all there is, and close the own one."""
        to, coins = self.groups.home(payee), list(payer.wallet.coins)
        if coins and self.world.chance(CLOSES):
            self.world.gather(payer.wallet, coins, to, kind)
        else:
            self.groups.pay(payer, to, self.amount(payer.wallet), kind)

    def between_ventures(self) -> None:
        """Two partners pay from one venture to the other."""
        n = self.world.between(0, PARTNERS - 1)
        ventures = self.ventures[n]
        one, other = self.pick(ventures), self.pick(ventures)
        if self.world.chance(NEW):
            keys = [*one.keys[:2], self.groups.key("third")]
            owner = f"partners-{n} & third-{n}-{len(ventures)}"
            other = self.groups.open(owner, "venture", 2, keys)
            ventures.append(other)
        if one is not other:
            self._pay_beside(one, other, "between ventures")

    def deal(self) -> None:
        """A buyer pays into escrow: of him, a seller and the market two must sign."""
        buyer = self.pick(self.people)
        target = self._escrow(buyer.owner, self.groups.key("buyer"), self.pick(range(SELLERS)))
        self.world.pay(buyer, [target], "escrow")
        self._opened(target)

    def _escrow(self, buyer: str, key: bytes, seller: int) -> Output:
        owner = f"{buyer} & seller-{seller} & market"
        wallet = Wallet(owner, f"{owner} {self.groups.count}", "escrow", Policy(kind="p2wsh"))
        lock = set_lock("p2wsh", 2, (key, self.sellers[seller], self.market))
        self.world.hold(lock, wallet)
        self._at = seller
        return Output(self.world.between(100_000, RARE // 50), lock, "escrow")

    def _opened(self, target: Output) -> None:
        coins = self.world.holders[target.lock.script].wallet.coins
        self.escrows += [(coin, self._at) for coin in coins[-1:]]

    def release(self) -> None:
        """A deal ends: the seller is paid, now and then straight into a deal where he buys."""
        if not self.escrows:
            return
        coin, seller = self.escrows.pop(0)
        if coin not in self.world.holders[coin.lock.script].wallet.coins:
            return
        payer = self.world.holders[coin.lock.script].wallet
        if self.world.chance(10):
            other = (seller + 1) % SELLERS
            target = self._escrow(f"seller-{seller}", self.sellers[seller], other)
            self.world.gather(payer, [coin], target.lock, "from escrow to escrow")
            self._opened(target)
        else:
            to = self.world.lock(self.people[seller])
            self.world.gather(payer, [coin], to, "release")

    def sell(self) -> None:
        """A wallet is sold: its keys become the buyer's one by one, and from two on it is his."""
        if not self.sales or self.world.chance(50):
            seller = self.pick(self.solos)
            if len(seller.keys) != 3 or any(seller is one for one, _, _ in self.sales):
                return
            buyer = Group(
                Wallet(f"buyer-{self.groups.count}", f"buyer {self.groups.count}", "buyer",
                       Policy(kind=seller.form, reuse=True)), seller.form, 2, [],
            )  # fmt: skip
            self.sales.append((seller, buyer, 0))
        seller, buyer, step = self.sales.pop(0)
        holder = seller if step < 2 else buyer
        keys = list(holder.keys)
        keys[step] = self.groups.key(buyer.wallet.owner)
        self.groups.change_keys(holder, keys, 2, to=buyer if step == 1 else None)
        if step < 2:
            self.sales.append((seller, buyer, step + 1))
        if step == 1:
            self.solos = [buyer if one is seller else one for one in self.solos]

    def bait(self) -> None:
        """A shop gives an address that holds its customer's keys beside its own, and spends it."""
        for attacker in self.baits:
            to = self.world.lock(self.people[0])
            self.groups.pay(attacker, to, self.amount(attacker.wallet), "payment")
        payer = self.pick(self.solos)
        own = [self.groups.key("attacker") for _ in range(2)]
        keys, required = ([*payer.keys[:2], own[0]], 1)
        if self.world.chance(50):
            keys, required = [*payer.keys[:2], *own], 2
        attacker = self.groups.open("attacker", "attacker", required, keys)
        amount = self.amount(payer.wallet)
        if self.groups.pay(payer, self.groups.home(attacker), amount, "bait"):
            self.baits = [*self.baits[-3:], attacker]


class Event(NamedTuple):
    """What happens, and how often of a hundred: among the honest, and where many try to mislead."""

    happens: Callable[[Life], None]
    honest: int
    hostile: int


EVENTS = (
    Event(Life.pay, 56, 50),
    Event(Life.change, 16, 14),
    Event(Life.among_clients, 5, 6),
    Event(Life.between_ventures, 2, 3),
    Event(Life.deal, 10, 9),
    Event(Life.release, 11, 10),
    Event(Life.sell, 0, 5),
    Event(Life.bait, 0, 3),
)
"""All that happens."""


def live(life: Life, count: int, per_block: int) -> None:
    """Let things happen block by block, each drawn by its weight."""
    sums = list(accumulate(one.hostile if life.adversarial else one.honest for one in EVENTS))
    for _ in range(count):
        for _ in range(per_block):
            drawn = life.world.rng.randrange(sums[-1])
            EVENTS[next(n for n, up_to in enumerate(sums) if drawn < up_to)].happens(life)
        life.world.mine(life.pool)
