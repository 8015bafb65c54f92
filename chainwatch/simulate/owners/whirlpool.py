"""Whirlpool: one owner prepares coins for a pool (Tx0), and five at a time are mixed again.

A mix has as many inputs as outputs and nothing else; who enters pays for those who come back.
"""

from __future__ import annotations

from chainwatch.simulate.owners.society import Person, Society
from chainwatch.simulate.transactions import Coin, Output, Transaction, data_lock, dummy
from chainwatch.simulate.wallets import fee_for, shuffled

POOLS = {1_000_000: 50_000, 5_000_000: 175_000}
"""Amount of a pool and what the coordinator takes for entering, in satoshi."""

PARTIES, MOST_NEW = 5, 3
TX0_OUTPUTS = 12


def tx0(society: Society) -> None:
    """Somebody splits coins for a pool: equal outputs a little above its amount, and a fee."""
    world = society.world
    pool = society.pick(sorted(POOLS))
    found = society.able(3 * pool + POOLS[pool], 1)
    if not found:
        return
    person, coin = found[0]
    wallet = world.holders[coin.lock.script].wallet
    others = [one for one in wallet.coins if one is not coin and one.value > 20_000]
    coins = [coin, *society.sample(others, world.rng.randrange(3))]
    above = pool + world.between(1_000, 20_000)
    policy = world.habits(wallet)
    head = [
        Output(0, data_lock(dummy("tx0", coin.txid) * 2), "data"),
        Output(POOLS[pool], world.lock(society.coordinator), "coordinator fee"),
    ]
    fee = fee_for(policy, coins, [coin.lock] * (TX0_OUTPUTS + 3)) + 100 * policy.fee_rate
    left = sum(one.value for one in coins) - POOLS[pool] - fee
    count = min(left // above, world.between(3, TX0_OUTPUTS))
    if count < 2:
        return
    equal = [Output(above, world.lock(person.premix), "premix") for _ in range(count)]
    rest = left - count * above
    change = [Output(rest, world.lock(wallet, "p2wpkh"), "change")] if rest > 1_000 else []
    outputs = tuple(sorted([*head, *equal, *change], key=lambda out: (out.value, out.lock.script)))
    tx = Transaction(tuple(coins), outputs, version=1, sequence=0xFFFFFFFF)
    world.submit(tx, "tx0", protocol="whirlpool")


def whirlpool(society: Society) -> None:
    """Five owners mix one amount: some enter, the others were in a mix before."""
    world, pool = society.world, society.pick(sorted(POOLS))
    people = shuffled(society.people, world.rng)
    entering = [pair for person in people for pair in _one(person, person.premix.coins, pool, 1)]
    staying = [
        pair
        for person in people
        for pair in _one(
            person, [coin for coin in person.mixed.coins if coin.txid in society.mixes], pool, 0
        )
    ]
    fresh = entering[: world.between(1, MOST_NEW)]
    inside = {person.owner for person, _ in fresh}
    back = [pair for pair in staying if pair[0].owner not in inside][: PARTIES - len(fresh)]
    taking = [*fresh, *back]
    if not back:  # the first mix of a pool: all of them enter
        taking = entering[:PARTIES]
    if not fresh or len(taking) < PARTIES:
        return
    outputs = [Output(pool, world.lock(person.mixed), "mixed") for person, _ in taking]
    tx = Transaction(
        tuple(sorted((coin for _, coin in taking), key=lambda coin: (coin.txid[::-1], coin.n))),
        tuple(sorted(outputs, key=lambda out: out.lock.script)), 1, 0, 0xFFFFFFFF,
    )  # fmt: skip
    society.mixes.add(world.submit(tx, "coinjoin", protocol="whirlpool").txid)


def _one(person: Person, coins: list[Coin], pool: int, above: int) -> list[tuple[Person, Coin]]:
    """Return one coin of somebody that fits a pool, if there is one."""
    least, most = pool + above, pool + above * 110_000
    fit = [coin for coin in coins if least <= coin.value <= most and coin.lock.kind == "p2wpkh"]
    return [(person, fit[0])] if fit else []
