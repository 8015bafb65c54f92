"""Joint transactions of two, and what one owner makes to look like them."""

from __future__ import annotations

from collections.abc import Sequence

from chainwatch.simulate.owners.coinjoins import Slot, join_makers
from chainwatch.simulate.owners.society import Society
from chainwatch.simulate.transactions import Coin, Output, Transaction
from chainwatch.simulate.wallets import Wallet, arrange, fee_for

REPLACEABLE = 0xFFFFFFFD


def payjoin(society: Society) -> None:
    """The payee adds a coin of his own: a payment that looks like one owner's."""
    world = society.world
    payer = society.pick(society.person().wallets)
    shop = society.world.chance(50)
    payee = society.pick(society.merchants) if shop else society.person().main
    if payer.owner == payee.owner or not payer.coins or not payee.coins:
        return
    own, theirs = max(payer.coins, key=_value), society.pick(payee.coins)
    amount = own.value // world.between(3, 9)
    received, change = world.lock(payee), world.lock(payer)
    fee = fee_for(world.habits(payer), [own, theirs], [received, change])
    rest = own.value - amount - fee
    if rest < 1_000:
        return
    paid = [Output(theirs.value + amount, received, "payjoin")]
    outputs = arrange(payer.policy, paid, [Output(rest, change, "change")], world.rng)
    spent = tuple(sorted((own, theirs), key=lambda coin: (coin.txid[::-1], coin.n)))
    locktime = world.lock_time(payer) if payer.policy.locktime else 0
    tx = Transaction(spent, tuple(outputs), payer.policy.version, locktime, REPLACEABLE)
    world.submit(tx, "payjoin", protocol="payjoin")


def _value(coin: Coin) -> int:
    return coin.value


def stonewall(society: Society) -> None:
    """One owner pays with two sets of coins, and pays himself the same: a mix that is none."""
    wallet = society.wallet()
    coins = sorted(wallet.coins, key=_value)[-2:]
    if len(coins) == 2 and not wallet.policy.reuse:
        _stonewall(society, (wallet, wallet), coins, "stonewall")


def stonewall_x2(society: Society) -> None:
    """The same form with two owners: one pays, the other mixes."""
    one, other = society.wallet(), society.wallet()
    if one.owner == other.owner or not one.coins or not other.coins:
        return
    coins = [max(wallet.coins, key=_value) for wallet in (one, other)]
    _stonewall(society, (one, other), coins, "stonewall_x2")


def _stonewall(
    society: Society, wallets: tuple[Wallet, Wallet], coins: Sequence[Coin], protocol: str
) -> None:
    world = society.world
    one, other = wallets
    fee = world.rate * 400
    amount = min(coin.value for coin in coins) // world.between(2, 4)
    rests = [coin.value - amount - fee // 2 for coin in coins]
    payee = society.person()
    if min(*rests, amount) < 5_000 or payee.owner in (one.owner, other.owner):
        return
    outputs = [
        Output(amount, world.lock(payee.main), "payment"),
        Output(amount, world.lock(other), "self" if one is other else "mixed"),
        Output(rests[0], world.lock(one), "change"),
        Output(rests[1], world.lock(other), "change"),
    ]
    outputs.sort(key=lambda out: (out.value, out.lock.script))
    tx = Transaction(tuple(coins), tuple(outputs), 2, world.height - 1, REPLACEABLE)
    joint = one.owner != other.owner
    world.submit(tx, "coinjoin" if joint else "payment", protocol=protocol,
                 trick=None if joint else "looks_joint")  # fmt: skip


def unequal_mix(society: Society) -> None:
    """Several owners spend together and take odd amounts: nothing equal shows it."""
    world = society.world
    slots = [
        Slot(person, world.holders[coin.lock.script].wallet, [coin])
        for person, coin in society.able(200_000, world.between(2, 4))
    ]
    if len(slots) < 2:
        return
    for slot in slots:
        left = slot.held - world.rate * 140
        part = left * world.between(20, 80) // 100
        for value in (part, left - part):
            slot.outputs.append(Output(value, world.lock(slot.wallet), "mixed"))
    coins = tuple(coin for slot in slots for coin in slot.coins)
    outputs = society.sample([out for slot in slots for out in slot.outputs], 2 * len(slots))
    world.submit(Transaction(coins, tuple(outputs)), "coinjoin", protocol="unequal",
                 trick="unequal_mix")  # fmt: skip


def hidden_spend(society: Society) -> None:
    """Somebody pays from inside a mix: the equal output is the payment."""
    join_makers(society, pays=True, trick="hidden_spend")
