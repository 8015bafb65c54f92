"""Lightning channels and anchors: outputs that two owners hold together, or anybody.

A channel is a 2-of-2 of two owners. Closed by agreement it pays both, so neither output is change;
closed by one side it shows in lock time and sequence. An anchor may be spent by whoever comes.
"""

from __future__ import annotations

from chainwatch.simulate.owners.society import Person, Society
from chainwatch.simulate.owners.world import joint_wallet
from chainwatch.simulate.transactions import Coin, Lock, Output, Transaction
from chainwatch.simulate.wallets import fee_for, shuffled

ANCHOR = 240
"""Satoshi of an anchor."""

LOCK_MARK, SEQUENCE_MARK = 0x20 << 24, 0x80 << 24
"""Highest bytes of lock time and sequence of a commitment (BOLT 3)."""


def channel_open(society: Society) -> None:
    """One owner pays into a channel with another."""
    one, other = society.sample(society.people, 2)
    lock, value = _channel(society, one, other), society.world.between(1_000_000, 16_000_000)
    made = society.world.pay(one.main, [Output(value, lock, "channel")], "channel open")
    if made:
        _note(society, made, one, other)


def dual_open(society: Society) -> None:
    """Both owners pay into the channel: they spend together and are two."""
    world = society.world
    pairs = society.able(2_000_000, 2, ("p2wpkh", "p2tr", "p2sh"))
    if len(pairs) < 2:
        return
    (one, _), (other, _) = pairs
    lock = _channel(society, one, other)
    coins, changes, value = [], [], 0
    for _, coin in pairs:
        wallet = world.holders[coin.lock.script].wallet
        part = coin.value * world.between(30, 70) // 100
        value += part
        rest = coin.value - part - world.rate * 120
        changes.append(Output(rest, world.lock(wallet), "change"))
        coins.append(coin)
    outputs = shuffled([Output(value, lock, "channel"), *changes], world.rng)
    made = world.submit(Transaction(tuple(coins), tuple(outputs)), "channel open", protocol="dual")
    _note(society, made, one, other)


def _channel(society: Society, one: Person, other: Person) -> Lock:
    wallet = joint_wallet("channel", "p2wsh_pair", one.main, other.main)
    return society.world.fresh(wallet, "p2wsh_pair")


def _note(society: Society, made: Transaction, one: Person, other: Person) -> None:
    place = next(n for n, out in enumerate(made.outputs) if out.purpose == "channel")
    wallet = society.world.holders[made.outputs[place].lock.script].wallet
    coin = next(coin for coin in wallet.coins if (coin.txid, coin.n) == (made.txid, place))
    society.channels.append((coin, one, other))


def _taken(society: Society) -> tuple[Coin, Person, Person] | None:
    """Take the oldest but a few of the open channels out of the list."""
    if len(society.channels) < 4:
        return None
    return society.channels.pop(society.world.rng.randrange(len(society.channels) // 2))


def channel_close(society: Society) -> None:
    """Both agree: each gets his balance at a fresh address, in the order of BIP 69."""
    taken, world = _taken(society), society.world
    if taken is None:
        return
    coin, one, other = taken
    locks = [world.lock(one.main), world.lock(other.main)]
    left = coin.value - fee_for(world.habits(one.mixed), [coin], locks)
    part = left * world.between(0, 100) // 100
    outputs = [
        Output(value, lock, "channel balance")
        for value, lock in zip((left - part, part), locks, strict=True)
        if value > 1_000
    ]
    outputs.sort(key=lambda out: (out.value, out.lock.script))
    tx = Transaction((coin,), tuple(outputs), 2, 0, 0xFFFFFFFF)
    world.submit(tx, "channel close", protocol="cooperative")


def channel_force_close(society: Society) -> None:
    """One side closes alone: his balance waits, the other's does not; half of them have anchors."""
    taken, world = _taken(society), society.world
    if taken is None:
        return
    coin, one, other = taken
    anchored = world.chance(50)
    left = coin.value - world.rate * 200 - (ANCHOR if anchored else 0)
    part = left * world.between(10, 90) // 100
    outputs = [
        Output(part, world.fresh(one.main, "p2wsh_delay"), "channel balance"),
        Output(left - part, world.fresh(other.main, "p2wpkh"), "channel balance"),
    ]
    if anchored:
        outputs.append(Output(ANCHOR, world.anchor, "anchor"))
    outputs.sort(key=lambda out: (out.value, out.lock.script))
    hidden = world.rng.randrange(1 << 24), world.rng.randrange(1 << 24)
    tx = Transaction(
        (coin,), tuple(outputs), 3 if anchored else 2, LOCK_MARK | hidden[0],
        SEQUENCE_MARK | hidden[1],
    )  # fmt: skip
    world.submit(tx, "channel close", protocol="unilateral")


def anchor_claim(society: Society) -> None:
    """Somebody who has nothing to do with the channels collects their anchors with his own coin."""
    world, stranger = society.world, society.person()
    anchors = world.anybody.coins[:5]
    own = [coin for coin in stranger.main.coins if coin.value > 100_000]
    if len(anchors) > 1 and own:
        to = world.lock(stranger.main)
        world.gather(stranger.main, [*anchors, own[0]], to, "anchor claim")
