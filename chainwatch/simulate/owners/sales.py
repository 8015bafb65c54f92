"""Token sales: seller and buyer sign one transaction together; and other partial signatures.

A seller signs his input and the output that pays him, and nothing else (SINGLE, ANYONECANPAY); the
buyer fills in the rest and binds all of it. A sale that both sign in full looks like one owner's.
One owner signs so that others may add coins as well: to raise a fee later, or to collect pledges.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from chainwatch.simulate.owners.society import Person, Society
from chainwatch.simulate.transactions import (
    ALL,
    ANYONECANPAY,
    SINGLE,
    Coin,
    Lock,
    Output,
    Transaction,
)
from chainwatch.simulate.wallets import Wallet, choose, fee_for

OFFER = SINGLE | ANYONECANPAY
PLEDGE = ALL | ANYONECANPAY

PADDING = 600
"""Satoshi of the small coins that a buyer puts before an offer."""

TOKEN_VALUES = (330, 546, 10_000)
"""Satoshi of an output that carries a token."""


@dataclass(frozen=True)
class Offer:
    """A token on sale: the seller, the coin that carries it, where he wants to be paid."""

    seller: Person
    coin: Coin
    to: Lock
    price: int


def token_mint(society: Society) -> None:
    """A trader makes tokens: many outputs of one trifle, all his own; it is no mix."""
    trader = _trader(society)
    if trader is None or trader.tokens is None:
        return
    value = society.pick(TOKEN_VALUES)
    count = society.world.between(1, 12)
    world = society.world
    targets = [Output(value, world.lock(trader.tokens), "token") for _ in range(count)]
    world.pay(trader.main, targets, "token mint", trick="equal_trifles" if count > 2 else None)


def token_sale(society: Society) -> None:
    """One seller, one buyer; the seller's signature binds only what he gives and gets."""
    offers = _offers(society, 1)
    if offers:
        _sell(society, offers, OFFER, padded=society.world.chance(60))


def token_sweep(society: Society) -> None:
    """A buyer takes the tokens of several sellers in one transaction."""
    offers = _offers(society, society.world.between(2, 5))
    if len(offers) > 1:
        _sell(society, offers, OFFER, padded=society.world.chance(60))


def token_sale_all(society: Society) -> None:
    """A sale that both sign in full: nothing in the signatures tells them apart."""
    offers = _offers(society, 1)
    if offers:
        _sell(society, offers, ALL, padded=society.world.chance(60))


def _trader(society: Society) -> Person | None:
    traders = [person for person in society.people if person.tokens is not None]
    return society.pick(traders) if traders else None


def _offers(society: Society, count: int) -> list[Offer]:
    world = society.world
    found: list[Offer] = []
    for person in society.drawn(society.people):
        if len(found) == count:
            break
        coins = person.tokens.coins if person.tokens else []
        held = [coin for coin in coins if coin.value in TOKEN_VALUES]
        if held:
            to = world.lock(person.main if world.chance(70) else person.tokens or person.main)
            found.append(Offer(person, society.pick(held), to, world.between(20_000, 900_000)))
    return found


def _sell(society: Society, offers: Sequence[Offer], flag: int, *, padded: bool) -> None:
    """Build a sale: offers at such places that each input stands beside the output that pays it."""
    world = society.world
    sellers = {offer.seller.owner for offer in offers}
    buyer = _trader(society)
    if buyer is None or buyer.tokens is None or buyer.owner in sellers:
        return
    tokens, many = buyer.tokens, len(offers)
    padding = [coin for coin in tokens.coins if coin.value == PADDING][: many + 1]
    if padded and len(padding) < many + 1:
        _make_padding(society, buyer)
        return
    padding = padding if padded else []
    bought = [Output(offer.coin.value, world.lock(tokens), "token") for offer in offers]
    paid = [Output(offer.price, offer.to, "token price") for offer in offers]
    toll = Output(sum(offer.price for offer in offers) // 50 + 546,
                  world.lock(society.marketplace), "market fee")  # fmt: skip
    again = [Output(PADDING, world.lock(tokens), "padding") for _ in padding]
    merged = [Output(PADDING * len(padding), world.lock(tokens), "padding")] if padding else []
    outputs = [*merged, *bought, *paid] if padding else [*paid, *bought]
    outputs += [toll, *again]
    fixed = [*padding, *(offer.coin for offer in offers)]
    flags = [*[ALL] * len(padding), *[flag] * many]
    _complete(society, buyer.main, fixed, flags, outputs)


def _complete(
    society: Society, wallet: Wallet, fixed: Sequence[Coin], flags: Sequence[int],
    outputs: Sequence[Output],
) -> None:  # fmt: skip
    """Let the buyer pay what is missing from his wallet, with change at the end."""
    world = society.world
    policy = world.habits(wallet)
    missing = sum(out.value for out in outputs) - sum(coin.value for coin in fixed)
    missing += fee_for(policy, fixed, [out.lock for out in outputs])
    change = world.lock(wallet)
    if not world.affordable(wallet, [Output(missing, change, "")]):
        return
    coins = choose(policy, world.spendable(wallet), missing, [change], world.rng)
    rest = sum(coin.value for coin in coins) - missing - fee_for(policy, coins, [change])
    last = [Output(rest, change, "change")] if rest > 1_000 else []
    tx = Transaction(
        (*fixed, *coins), (*outputs, *last), 2, 0, 0xFFFFFFFD, (*flags, *[ALL] * len(coins))
    )
    offered = flags[-1] == OFFER
    world.submit(
        tx, "token sale", protocol="offer" if offered else "signed in full",
        trick=None if offered else "sale_signed_in_full",
    )  # fmt: skip


def _make_padding(society: Society, buyer: Person) -> None:
    """A buyer makes the small coins that sales need."""
    if buyer.tokens is not None:
        world = society.world
        targets = [Output(PADDING, world.lock(buyer.tokens), "padding") for _ in range(8)]
        world.pay(buyer.main, targets, "padding")


def fee_bump(society: Society) -> None:
    """One owner signs so that coins may be added, and adds one of his own to raise the fee."""
    world, wallet = society.world, society.pick(society.person().wallets)
    coins = society.sample(world.spendable(wallet), 2)
    if len(coins) < 2:
        return
    policy, payee = world.habits(wallet), society.person()
    if payee.owner == wallet.owner:
        return
    change = world.lock(wallet)
    value, to = coins[0].value * world.between(40, 80) // 100, society.address(payee)
    rest = sum(coin.value for coin in coins) - value - 3 * fee_for(policy, coins, [to, change])
    if min(value, rest) < 2_000:
        return
    outputs = (Output(value, to, "payment"), Output(rest, change, "change"))
    flags = (PLEDGE, PLEDGE if world.chance(50) else ALL)
    world.submit(Transaction(tuple(coins), outputs, 2, 0, 0xFFFFFFFD, flags), "fee bump")


def crowdfunding(society: Society) -> None:
    """Several owners pledge coins to one output, each open to further pledges."""
    world = society.world
    pairs = society.able(200_000, world.between(3, 8))
    fund = society.pick(society.charities)
    coins = tuple(coin for _, coin in pairs)
    if len({person.owner for person, _ in pairs}) < 3:
        return
    given = sum(coin.value for coin in coins) - world.rate * 110 * len(coins)
    output = Output(given, world.lock(fund), "pledge")
    tx = Transaction(coins, (output,), 1, 0, 0xFFFFFFFF, (PLEDGE,) * len(coins))
    world.submit(tx, "crowdfunding")
