"""Wallets and transactions that break the usual assumptions, each with a note in the truth."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from chainwatch.simulate.crimes import Crimes
from chainwatch.simulate.economy import Economy, affordable
from chainwatch.simulate.transactions import Lock, Output, Transaction, data_lock
from chainwatch.simulate.wallets import CORE, LEGACY, MOBILE, Policy, Wallet, fee_for
from chainwatch.simulate.world import World

DUST_BAIT = 546
"""The smallest output that nodes relay to a legacy address, in satoshi."""

LARGE_CHANGE = replace(CORE, select="largest", order="random")
ROUND_CHANGE = replace(MOBILE, round_change=100_000, order="random")
REUSE = replace(LEGACY, reuse=True)


def schedule(crimes: Crimes) -> None:
    """Write every trap into the world's schedule."""
    _habits(crimes.economy)
    _payjoin(crimes.economy)
    _sold_key(crimes.economy)
    _custodian(crimes)
    _bare_scripts(crimes.economy)
    _dust(crimes)
    _lookalikes(crimes.economy)


def _loner(
    economy: Economy, owner: str, policy: Policy, tick: int, amount: int, habit: str = ""
) -> Wallet:
    """Return the wallet of one more person, funded once by Northbank."""
    wallet = economy.world.wallet(owner, "person", policy, habit=habit)
    economy.fund(tick, economy.northbank, wallet, amount)
    return wallet


def _habits(economy: Economy) -> None:
    """One wallet with a single address, one with large change anywhere, one with round change."""
    world, shops = economy.world, economy.shops
    habits = (
        ("Alder", REUSE, "one address for everything"),
        ("Birch", LARGE_CHANGE, "change is larger than the payment, in any place"),
        ("Cedar", ROUND_CHANGE, "change is round, payments are not"),
    )
    for place, (owner, policy, habit) in enumerate(habits):
        amount = 9_000_000 + 371_993 * place
        wallet = _loner(economy, owner, policy, 6 + place, amount, habit)
        for visit in range(7):
            amount = 210_000 + 93_457 * visit + 10_007 * place
            tick = 24 + 19 * visit + place
            economy.spend(tick, wallet, shops[1 + (visit + place) % 3], amount, "purchase")
    elm = _loner(economy, "Elm", CORE, 12, 4_400_000, "moves its coin to itself")
    for tick in (30, 60, 90):
        world.at(tick, partial(move_all, world, elm))


def move_all(world: World, wallet: Wallet) -> None:
    """Move a wallet's one coin to a fresh address of its own: one input, one output."""
    if wallet.coins:
        world.sweep(wallet, wallet.coins[:1], world.lock(wallet, "moved to oneself"))


def _payjoin(economy: Economy) -> None:
    """Fir pays the shop Loom, which adds an input of its own."""
    fir = _loner(economy, "Fir", CORE, 10, 5_300_000)
    economy.world.at(74, lambda: payjoin(economy.world, fir, economy.shops[1], 1_234_567))


def payjoin(world: World, payer: Wallet, payee: Wallet, amount: int) -> Transaction:
    """Pay so that the receiver is among the spenders: shared spending is not shared ownership."""
    own, theirs = (max(world.spendable(w), key=lambda coin: coin.value) for w in (payer, payee))
    change, received = (world.lock(w, "PayJoin with the other party") for w in (payer, payee))
    fee = fee_for(payer.policy, [own, theirs], [change, received])
    outputs = (
        Output(theirs.value + amount, received, "payjoin"),
        Output(own.value - amount - fee, change, "change"),
    )
    spent = tuple(sorted((own, theirs), key=lambda coin: coin.txid))
    tx = Transaction(spent, outputs, locktime=world.height - 1, sequence=0xFFFFFFFD)
    return world.submit(tx, [(payer.owner, payee.owner, amount, "payjoin purchase")])


def _sold_key(economy: Economy) -> None:
    """Hazel empties an address and sells its key to Ivy, who is paid there and spends from it."""
    world = economy.world
    hazel = _loner(economy, "Hazel", REUSE, 8, 3_100_000)
    ivy = _loner(economy, "Ivy", MOBILE, 70, 2_700_000)
    economy.spend(26, hazel, economy.shops[2], 333_333, "purchase")
    sold: list[Lock] = []

    def hand_over() -> None:
        lock = hazel.home
        if lock is None:
            return
        world.sweep(hazel, world.spendable(hazel), economy.northbank.deposit_address("Hazel"),
                    "deposit")  # fmt: skip
        sold.append(lock)

    world.at(64, hand_over)
    world.at(66, lambda: world.sell(sold[0], ivy, "key bought from Hazel, imported by Ivy"))
    world.at(78, lambda: economy.northbank.withdraw(sold[0], 1_900_000))
    note = "holds an imported key's coins with own ones"
    world.at(96, lambda: world.sweep(ivy, world.spendable(ivy), world.lock(ivy, note)))


def _custodian(crimes: Crimes) -> None:
    """Wren keeps the coins of five customers together and pays for each from all of them."""
    economy, world = crimes.economy, crimes.economy.world
    policy = Policy(order="random", fee_rate=8)
    wren = world.wallet("Wren", "custodian", policy, "customer coins", "coins of five customers")
    customers = [f"wren-customer-{n}" for n in range(1, 6)]
    for place, customer in enumerate(customers):
        note = f"custodial: credited to {customer}"
        for tick in (9 + place, 81 + place):
            world.at(tick, partial(_credit, economy, wren, note, customer))
    for place in range(5):
        economy.spend(40 + 17 * place, wren, economy.shops[1 + place % 3], 910_000, "purchase")
    world.at(110, lambda: _donate_through(crimes, wren, customers[2]))


def _credit(economy: Economy, wren: Wallet, note: str, customer: str) -> None:
    lock = economy.world.lock(wren, note, customer=customer)
    economy.northbank.withdraw(lock, 600_000 + economy.world.rng.randrange(300_000))


def _donate_through(crimes: Crimes, wren: Wallet, customer: str) -> None:
    if affordable(crimes.economy.world, wren, 250_000):
        lock = crimes.campaign.receiving(customer)
        crimes.economy.world.pay(wren, [(lock, 250_000, "donation")])


def _bare_scripts(economy: Economy) -> None:
    """A bare 2-of-3 multisig used twice, a P2PK payment, and two data outputs, one with value."""
    world = economy.world
    juniper = _loner(economy, "Juniper", CORE, 11, 6_200_000)
    vault = world.wallet("Trio", "shared vault", Policy(kind="multisig", order="change_last"))
    old = world.wallet("Larch", "person", Policy(kind="p2pk", version=1))
    economy.spend(33, juniper, vault, 1_500_000, "into the vault")
    economy.spend(47, vault, economy.shops[2], 420_000, "purchase")
    economy.spend(55, juniper, old, 700_000, "gift")
    economy.spend(77, old, economy.shops[3], 260_000, "purchase")
    economy.spend(61, juniper, data_lock(b"simulated note"), 0, "burnt")
    economy.spend(88, juniper, data_lock(b"simulated burn"), 12_345, "burnt")


def _dust(crimes: Crimes) -> None:
    """A stranger sends 546 satoshi to known addresses, hoping that they are spent together."""
    economy, world = crimes.economy, crimes.economy.world
    duster = _loner(economy, "Duster", MOBILE, 60, 1_000_000, "sends dust as bait")

    def bait() -> None:
        known = [*crimes.adverts.values(), crimes.campaign.published]
        known += [coin.lock for buyer in economy.buyers for coin in buyer.coins[:1]][:9]
        world.pay(duster, [(lock, DUST_BAIT, "dust") for lock in known])

    world.at(76, bait)


def _lookalikes(economy: Economy) -> None:
    """Maple pays herself four equal outputs and change: it looks like a CoinJoin and is none."""
    world = economy.world
    maple = world.wallet("Maple", "person", CORE, habit="splits into equal outputs, alone")
    for place in range(4):
        economy.fund(13 + place, economy.northbank, maple, 1_310_000 + 50_021 * place)

    def split() -> None:
        coins = world.spendable(maple)
        equal = [Output(1_000_000, world.lock(maple, "equal own output"), "self") for _ in coins]
        rest = [coin.value - 1_000_000 for coin in coins]
        rest[0] -= fee_for(CORE, coins, [out.lock for out in equal] * 2)
        own = [Output(left, world.lock(maple, "change"), "change") for left in rest]
        world.submit(Transaction(tuple(coins), (*own, *equal), locktime=world.height - 1))

    world.at(52, split)
