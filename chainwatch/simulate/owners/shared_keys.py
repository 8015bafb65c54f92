"""One key under several locks: an owner who does so, and an escrow whose key stands in many."""

from __future__ import annotations

from chainwatch.simulate.locks import lock_of, others_of
from chainwatch.simulate.owners.society import Society
from chainwatch.simulate.owners.world import joint_wallet
from chainwatch.simulate.transactions import Output, Transaction, public_key
from chainwatch.simulate.wallets import fee_for


def same_key(society: Society) -> None:
    """Somebody is paid under another kind of lock of a key that is in use already."""
    world, wallet = society.world, society.pick(society.person().wallets)
    others = [
        other
        for coin in wallet.coins
        for other in others_of(coin.lock)
        if world.holders[coin.lock.script].from_height is None  # a bought key is known to two
    ]
    payer = society.wallet()
    if not others or payer.owner == wallet.owner:
        return
    other = society.pick(others)
    if other.script not in world.holders:
        world.hold(other, wallet)
    world.pay(payer, [Output(society.amount(payer), other, "payment")], "payment")


def escrow_open(society: Society) -> None:
    """A buyer pays into two of three keys: his, the seller's, and the market's, always the same."""
    world = society.world
    buyer, seller = society.sample(society.people, 2)
    wallet = joint_wallet("escrow", "p2wsh", buyer.main, seller.main, society.marketplace)
    count = world.counters[wallet.name] = world.counters.get(wallet.name, 0) + 1
    keys = (
        public_key(world.label, wallet.name, count, "buyer"),
        public_key(world.label, wallet.name, count, "seller"),
        public_key(world.label, "marketplace escrow"),
    )
    lock = world.hold(lock_of("p2wsh", keys), wallet)
    value = world.between(100_000, 4_000_000)
    made = world.pay(buyer.main, [Output(value, lock, "escrow")], "escrow open")
    if made:
        society.escrows.append((wallet.coins[-1], buyer, seller))


def escrow_release(society: Society) -> None:
    """The market and one party sign: mostly the seller is paid, else the buyer gets it back."""
    world = society.world
    if not society.escrows:
        return
    coin, buyer, seller = society.escrows.pop(0)
    paid = seller if world.chance(85) else buyer
    toll = world.lock(society.marketplace)
    to = world.lock(paid.main)
    share = coin.value // 50
    left = coin.value - share - fee_for(world.habits(paid.mixed), [coin], [to, toll])
    outputs = (Output(left, to, "escrow"), Output(share, toll, "market fee"))
    world.submit(Transaction((coin,), outputs, 2, 0, 0xFFFFFFFD), "escrow release")
