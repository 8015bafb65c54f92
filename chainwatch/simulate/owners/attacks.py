"""What is done to mislead: baits, forced reuse, payments that look like change, borrowed habits."""

from __future__ import annotations

from dataclasses import replace

from chainwatch.simulate.locks import KeyLock, forged_lock
from chainwatch.simulate.owners.society import Person, Society
from chainwatch.simulate.transactions import Lock, Output
from chainwatch.simulate.wallets import choose, draft, fee_for

BAIT = 546
"""Satoshi of a bait."""

RECENT = 4_000
"""Transactions back from which an attacker takes the addresses that he baits."""


def dust(society: Society) -> None:
    """Somebody sends one trifle to many known addresses, hoping that they are spent together."""
    world = society.world
    known = _seen(society, world.between(101, 140))
    targets = [Output(BAIT, lock, "bait") for lock in known]
    world.pay(society.person().main, targets, "dust", trick="dust")


def forced_reuse(society: Society) -> None:
    """Somebody pays small sums to addresses that have spent: they are fresh no more."""
    world = society.world
    known = _seen(society, world.between(3, 30))
    targets = [Output(world.between(700, 9_000), lock, "bait") for lock in known]
    world.pay(society.person().main, targets, "dust", trick="forced_reuse")


def _seen(society: Society, count: int) -> list[Lock]:
    """Return addresses that lately spent coins, each once."""
    found: dict[bytes, Lock] = {}
    for entry in society.sample(society.world.entries[-RECENT:], count):
        lock = entry.tx.inputs[0].lock
        if society.world.holders[lock.script].wallet.owner:
            found[lock.script] = lock
    return list(found.values())


def fake_change(society: Society) -> None:
    """Somebody pays so that the payment looks like change, and the change like a payment.

    The payee is paid an odd sum, less than every input, at a fresh address of the payer's own kind;
    what is left is round, and under another kind of lock.
    """
    world, wallet = society.world, society.pick(society.person().wallets)
    kind = wallet.policy.kind
    payees = [
        person
        for person in society.people
        if person.main.policy.kind == kind and person.owner != wallet.owner
    ]
    coins = sorted(world.spendable(wallet), key=lambda coin: -coin.value)[:1]
    if not payees or not coins or coins[0].value < 3_000_000:
        return
    change = world.fresh(wallet, "p2wpkh" if kind != "p2wpkh" else "p2tr")
    to = world.fresh(society.pick(payees).main, kind)
    held = coins[0].value
    rest = held * world.between(55, 80) // 100 // 100_000 * 100_000
    paid = held - rest - fee_for(world.habits(wallet), coins, [change, to])
    policy = replace(world.habits(wallet), round_change=0)
    tx = draft(policy, coins, [Output(rest, change, "change"), Output(paid, to, "payment")], None,
               world.rng, world.lock_time(wallet))  # fmt: skip
    world.submit(tx, "payment", trick="fake_change")


def imitation(society: Society) -> None:
    """Somebody borrows the payee's habits: his own next spend will not agree, the payee's will."""
    world, wallet, payee = society.world, society.pick(society.person().wallets), society.person()
    theirs = payee.main.policy
    if payee.owner == wallet.owner:
        return
    change = world.lock(wallet, theirs.kind)
    own = world.habits(wallet)
    policy = replace(own, order=theirs.order, version=theirs.version, sequence=theirs.sequence,
                     locktime=theirs.locktime, select="random")  # fmt: skip
    target = Output(society.amount(wallet), society.address(payee), "payment")
    if not world.affordable(wallet, [target]):
        return
    coins = choose(policy, world.spendable(wallet), target.value, [target.lock, change], world.rng)
    tx = draft(policy, coins, [target], change, world.rng, world.height - 1)
    world.submit(tx, "payment", trick="imitation")


def forged_key(society: Society) -> None:
    """Somebody makes a taproot output whose spending looks like a victim's P2WPKH; later spends it.

    Where the output is read nothing is hidden; where it was not, unlocking seems to name the
    victim. No node relays it: a miner must help.
    """
    world = society.world
    baited = [person for person in society.people if person.tools.coins]
    if baited and world.chance(50):
        _spend_forged(society, society.pick(baited))
        return
    person = society.person()
    lock = society.pick(world.entries[-RECENT:]).tx.inputs[0].lock
    victim = world.holders[lock.script].wallet
    if lock.kind != "p2wpkh" or not isinstance(lock, KeyLock) or victim.owner == person.owner:
        return
    count = world.counters["forged"] = world.counters.get("forged", 0) + 1
    forged = world.hold(forged_lock(lock.keys[0], world.label, count), person.tools)
    world.pay(person.main, [Output(20_000, forged, "self")], "bait", trick="forged_key")


def _spend_forged(society: Society, person: Person) -> None:
    own = [coin for coin in person.main.coins if coin.value > 100_000][:1]
    if own:
        to = society.world.lock(person.main)
        coins = [*person.tools.coins, *own]
        society.world.gather(person.main, coins, to, "consolidation", trick="forged_key")
