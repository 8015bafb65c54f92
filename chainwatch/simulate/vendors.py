"""What the two vendors do with their money: Kelp's peel chains and CoinJoin, Reed's plain life.

Kelp pays into the campaign, straight and after mixing. Reed sells at the same market, uses one of
the same exchanges, is dusted by the same stranger, and has nothing to do with the campaign: a
method that joins them has failed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from chainwatch.simulate.crimes import KELP, REED, Crimes
from chainwatch.simulate.economy import BTC
from chainwatch.simulate.transactions import Coin, Lock, Output, Transaction
from chainwatch.simulate.wallets import DUST, Policy, Wallet, choose, fee_for, shuffled
from chainwatch.simulate.world import Party, World

DENOMINATION = BTC // 10
"""What every participant of the CoinJoin gets back in one equal output."""

MAKERS = 9
MAKER_FEE = 12_000
"""What Kelp, who starts the CoinJoin, pays to each of the others."""

ROUND = 1_000_000
"""Kelp pays in steps of 0.01 BTC."""

MAKER = Policy(kind="p2wpkh", select="largest", fee_rate=9)

Stop = tuple[Callable[[], Lock], int, str]
"""Where a hop of a peel chain pays, what share of the coin in percent, and why."""


def schedule(crimes: Crimes) -> None:
    """Write into the world's schedule what Kelp, Reed and the CoinJoin's makers do."""
    _kelp(crimes)
    _reed(crimes)
    _mixing(crimes)


def consolidate(world: World, wallet: Wallet) -> None:
    """Bring all coins of a wallet together in one fresh address."""
    world.sweep(wallet, world.spendable(wallet), world.lock(wallet, "consolidated"))


def peel(world: World, wallet: Wallet, tick: int, stops: Sequence[Stop]) -> None:
    """Pay a row of receivers, one a tick, each from the change of the payment before."""
    coin = max(world.spendable(wallet), key=lambda coin: coin.value)
    _hop(world, wallet, tick, coin, list(stops))


def _hop(world: World, wallet: Wallet, tick: int, coin: Coin, stops: list[Stop]) -> None:
    (place, percent, purpose), *later = stops
    amount = max(1, coin.value * percent // 100 // ROUND) * ROUND
    paid = world.pay(wallet, [(place(), amount, purpose)], coins=[coin])
    left = [coin for coin in wallet.coins if coin.txid == paid.txid]
    if later and left:
        world.at(tick + 1, lambda: _hop(world, wallet, tick + 1, left[0], later))


def _kelp(crimes: Crimes) -> None:
    """Two consolidations, each followed by a peel chain past both exchanges and the campaign."""
    economy, world, kelp = crimes.economy, crimes.economy.world, crimes.kelp
    northbank = economy.northbank.deposit_address(KELP)
    harbour = economy.harbour.deposit_address(KELP)
    donation: Callable[[], Lock] = partial(crimes.campaign.receiving, KELP)
    chains: dict[int, list[Stop]] = {
        58: [
            (lambda: northbank, 15, "deposit"),
            (donation, 16, "donation"),
            (lambda: harbour, 20, "deposit"),
            (donation, 15, "donation"),
            (lambda: northbank, 20, "deposit"),
        ],
        143: [
            (lambda: harbour, 22, "deposit"),
            (donation, 20, "donation"),
            (lambda: northbank, 25, "deposit"),
        ],
    }
    for tick, stops in chains.items():
        world.at(tick - 2, partial(consolidate, world, kelp))
        world.at(tick, partial(peel, world, kelp, tick, stops))


def _reed(crimes: Crimes) -> None:
    """Reed saves at Northbank, buys at a shop, and keeps the rest."""
    economy, reed = crimes.economy, crimes.reed
    account = economy.northbank.deposit_address(REED)
    for tick, amount in ((50, 6_000_000), (85, 4_000_000), (120, 7_000_000), (160, 5_000_000)):
        economy.spend(tick, reed, account, amount, "deposit")
    for tick, amount in ((66, 743_210), (105, 1_268_400), (138, 655_070)):
        economy.spend(tick, reed, economy.shops[1], amount, "purchase")


def _mixing(crimes: Crimes) -> None:
    """Kelp mixes with strangers, then sends most of the mixed coin to the campaign."""
    economy, world = crimes.economy, crimes.economy.world
    makers = [world.wallet(f"maker-{n}", "coinjoin maker", MAKER) for n in range(1, MAKERS + 1)]
    for place, maker in enumerate(makers):
        amount = 11_500_000 + world.rng.randrange(9_000_000)
        economy.fund(20 + 4 * place, economy.exchange_of(place), maker, amount)
    mixed: list[Transaction] = []
    world.at(92, lambda: mixed.append(coinjoin(world, crimes.kelp, makers)))
    world.at(99, lambda: _after_mix(crimes, mixed[0]))
    for place, maker in enumerate(makers[:4]):
        shop = economy.shops[1 + place % 3]
        economy.spend(112 + 5 * place, maker, shop, 650_000 + 111_110 * place, "purchase")


def coinjoin(world: World, taker: Wallet, makers: Sequence[Wallet]) -> Transaction:
    """Mix coins of each: an equal output and change for everybody; the taker pays all fees."""
    coins = [max(world.spendable(wallet), key=lambda coin: coin.value) for wallet in makers]
    equal = [
        Output(DENOMINATION, world.lock(wallet, "CoinJoin output"), "mixed")
        for wallet in (taker, *makers)
    ]
    change = [
        Output(
            coin.value - DENOMINATION + MAKER_FEE, world.lock(wallet, "CoinJoin change"), "change"
        )
        for wallet, coin in zip(makers, coins, strict=True)
    ]
    rest = world.lock(taker, "CoinJoin change")
    locks = [*(out.lock for out in (*equal, *change)), rest]
    cost = DENOMINATION + MAKER_FEE * len(makers) + fee_for(MAKER, coins, [])
    own = choose(MAKER, world.spendable(taker), cost + 2 * DUST, locks)
    fee = fee_for(MAKER, [*own, *coins], locks)
    left = sum(coin.value for coin in own) - DENOMINATION - MAKER_FEE * len(makers) - fee
    spent = sorted([*own, *coins], key=lambda coin: (coin.txid, coin.n))
    outputs = shuffled([*equal, *change, Output(left, rest, "change")], world.rng)
    fees: list[Party] = [
        (taker.owner, wallet.owner, MAKER_FEE, "coinjoin fee") for wallet in makers
    ]
    return world.submit(Transaction(tuple(spent), tuple(outputs)), fees)


def _after_mix(crimes: Crimes, mixed: Transaction) -> None:
    """Send 0.08 BTC of Kelp's mixed coin, alone, to the campaign."""
    world, kelp = crimes.economy.world, crimes.kelp
    coin = next(
        coin for coin in kelp.coins if coin.txid == mixed.txid and coin.value == DENOMINATION
    )
    world.pay(kelp, [(crimes.campaign.receiving(KELP), 8 * ROUND, "donation")], coins=[coin])
