"""Mixes that strangers make together with outputs of one amount: JoinMarket and three of Wasabi.

Each follows the form that its protocol publishes: who brings how much, which outputs are equal,
who pays, in which order. Fields that a detector could learn by heart (versions, lock times) are as
the protocols have them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from chainwatch.simulate.owners.society import Person, Society
from chainwatch.simulate.transactions import Coin, Lock, Output, Transaction
from chainwatch.simulate.wallets import Wallet, fee_for, shuffled

WASABI = 10_000_000
"""Base amount of Wasabi 1, in satoshi; rounds differ from it a little."""

LEAST = 5_000
"""Satoshi of the smallest output of a mix."""

MOST = 134_375_000_000
"""Largest denomination of Wasabi 2, in satoshi."""


def denominations() -> list[int]:
    """Return the amounts of Wasabi 2 in satoshi, falling: multiples of powers."""
    families = ((2, 1), (3, 1), (3, 2), (10, 1), (10, 2), (10, 5))
    found = {times * base**power for base, times in families for power in range(40)}
    return sorted((value for value in found if LEAST <= value <= MOST), reverse=True)


DENOMINATIONS = denominations()


@dataclass(eq=False)
class Slot:
    """What one party of a mix brings and takes."""

    person: Person
    wallet: Wallet
    coins: list[Coin]
    outputs: list[Output] = field(default_factory=list)

    @property
    def held(self) -> int:
        """Satoshi that it brings."""
        return sum(coin.value for coin in self.coins)


def slots_of(
    society: Society, least: int, count: int, kinds: Sequence[str], most_coins: int = 3
) -> list[Slot]:
    """Return so many parties with coins of at least an amount, each of one wallet of its own."""
    found = []
    for person, coin in society.able(least, count, kinds):
        wallet = society.world.holders[coin.lock.script].wallet
        more = [one for one in wallet.coins if one is not coin and one.lock.kind in kinds]
        extra = society.world.rng.randrange(most_coins)
        coins = [coin, *society.sample([one for one in more if one.value > 20_000], extra)]
        found.append(Slot(person, wallet, coins))
    return found


def equal_to(society: Society, slot: Slot, value: int, kind: str = "p2wpkh") -> None:
    """Let a party take an equal output into what it keeps mixed."""
    lock = society.world.lock(slot.person.mixed, kind)
    slot.outputs.append(Output(value, lock, "mixed"))


def change_to(society: Society, slot: Slot, value: int, kind: str = "p2wpkh") -> None:
    """Let a party take what is left back to where it came from, unless that is dust."""
    if value >= LEAST:
        slot.outputs.append(Output(value, society.world.lock(slot.wallet, kind), "change"))


def joined(
    society: Society, slots: Sequence[Slot], protocol: str, *, more: Sequence[Output] = (),
    order: str = "random", version: int = 1, locktime: int = 0, trick: str | None = None,
) -> Transaction:  # fmt: skip
    """Put the transaction of all parties into the next block."""
    coins = [coin for slot in slots for coin in slot.coins]
    outputs = [*(out for slot in slots for out in slot.outputs), *more]
    if order == "random":
        coins, outputs = shuffled(coins, society.world.rng), shuffled(outputs, society.world.rng)
    else:
        coins.sort(key=lambda coin: (-coin.value, coin.txid, coin.n))
        outputs.sort(key=lambda out: (-out.value, out.lock.script))
    tx = Transaction(tuple(coins), tuple(outputs), version, locktime, 0xFFFFFFFF)
    return society.world.submit(tx, "coinjoin", protocol=protocol, trick=trick)


def joinmarket(society: Society) -> None:
    """A taker pays makers for mixing with him; sometimes his equal output is a payment."""
    join_makers(society, pays=society.world.chance(30))


def join_makers(society: Society, *, pays: bool, trick: str | None = None) -> None:
    """Mix as JoinMarket does: an equal output and change for each of a taker and makers."""
    world, value = society.world, 100_000 * society.world.between(10, 90)
    value += 0 if pays else world.between(1, 99_999)
    slots = slots_of(society, value + 60_000, world.between(4, 9), ("p2wpkh",))
    if len(slots) < 4:
        return
    taker, makers = slots[0], slots[1:]
    fees = [world.between(0, 4_000) for _ in makers]
    coins = [coin for slot in slots for coin in slot.coins]
    locks = [taker.coins[0].lock] * (2 * len(slots))
    miner = fee_for(world.habits(taker.person.mixed), coins, locks)
    for slot, fee in zip(makers, fees, strict=True):
        equal_to(society, slot, value)
        change_to(society, slot, slot.held - value + fee)
    if taker.held < value + sum(fees) + miner:
        return
    if pays:
        payee = _stranger(society, slots)
        taker.outputs.append(Output(value, payee, "payment"))
    else:
        equal_to(society, taker, value)
    change_to(society, taker, taker.held - value - sum(fees) - miner)
    joined(society, slots, "joinmarket", version=2, locktime=world.height - 1, trick=trick)


def _stranger(society: Society, slots: Sequence[Slot]) -> Lock:
    """Return a fresh address of somebody who does not take part."""
    inside = {slot.person.owner for slot in slots}
    outside = [person for person in society.people if person.owner not in inside]
    return society.world.lock(society.pick(outside).main, "p2wpkh")


def wasabi1(society: Society) -> None:
    """Mix about 0.1 coins each, with change, and a fee to the coordinator."""
    _wasabi(society, "wasabi1.0", levels=1)


def wasabi11(society: Society) -> None:
    """Mix in levels that double, each for whoever has enough."""
    _wasabi(society, "wasabi1.1", levels=4)


def _wasabi(society: Society, protocol: str, levels: int) -> None:
    world, value = society.world, WASABI + society.world.between(-400_000, 400_000)
    count = world.between(12, 28)
    slots = slots_of(society, value + 40_000, count, ("p2wpkh",))
    if len(slots) < 10:
        return
    left = {slot: slot.held - value - world.rate * 160 for slot in slots}
    for slot in slots:
        equal_to(society, slot, value)
    for level in range(1, levels):
        rich = [slot for slot in slots if left[slot] >= value << level]
        for slot in rich if len(rich) > 1 else []:
            equal_to(society, slot, value << level)
            left[slot] -= value << level
    fee = value * 3 * len(slots) // 100_000
    for slot in slots:
        left[slot] -= fee
        change_to(society, slot, left[slot])
    lock = world.lock(society.coordinator)
    toll = Output(fee * len(slots), lock, "coordinator fee")
    joined(society, slots, protocol, more=[toll], order="sorted")


def wasabi2(society: Society) -> None:
    """Mix many inputs into outputs of fixed denominations, several for each party."""
    world = society.world
    slots = slots_of(society, 300_000, 36, ("p2wpkh", "p2tr"), most_coins=5)
    if sum(len(slot.coins) for slot in slots) < 50:
        return
    for slot in slots:
        left = slot.held - world.rate * (70 * len(slot.coins) + 31 * 8)
        for value in _decomposed(left, world.between(4, 8)):
            equal_to(society, slot, value, "p2tr" if world.chance(30) else "p2wpkh")
            left -= value
        if left >= LEAST and world.chance(15):
            change_to(society, slot, left)
    joined(society, slots, "wasabi2", order="sorted", version=1)


def _decomposed(total: int, most: int) -> list[int]:
    """Return at most so many denominations within a total, largest first."""
    found: list[int] = []
    for value in DENOMINATIONS:
        while value <= total and len(found) < most:
            found.append(value)
            total -= value
    return found
