"""``simulate_swaps``: pools, routers, batches and smart accounts, with exact truth."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import Literal

from chainwatch.addresses.assets import Asset, native
from chainwatch.addresses.canonical import text
from chainwatch.errors import ArgumentError
from chainwatch.ledger.ledger import Ledger
from chainwatch.simulate.owners.parts import part_of
from chainwatch.simulate.swaps.dealing import Market, Person, Pool
from chainwatch.simulate.swaps.world import NETWORK, UNIT, WRAPPED, Chain, Truth


@dataclass(frozen=True)
class SimulatedSwaps:
    """A chain on which people deal, with the truth about what each transaction means.

    Attributes
    ----------
    part, seed, adversarial : str, int, bool
        How it was made.
    chain : Chain
        All that moved, and ``truth``.
    pools : tuple of bytes
        True pools and vaults.
    people : tuple of Person
        Who deals, the smart accounts among them.
    """

    part: str
    seed: int
    adversarial: bool
    chain: Chain
    pools: tuple[bytes, ...]
    people: tuple[Person, ...]

    @property
    def truth(self) -> tuple[Truth, ...]:
        """What was truly done, in the order of the chain."""
        return tuple(self.chain.truth)

    def ledger(self) -> Ledger:
        """Return it as a ledger of which every block was read with its calls."""
        return self.chain.ledger()

    def asset(self, contract: bytes | None) -> Asset:
        """Return one of its assets by its contract; None is the coin."""
        if contract is None:
            return native(NETWORK.id)
        return Asset(NETWORK.id, contract, text(contract, NETWORK)[:8], 6)


def simulate_swaps(
    seed: int,
    *,
    part: Literal["fit", "test"],
    adversarial: bool = False,
    deeds: int = 400,
    people: int = 40,
) -> SimulatedSwaps:
    """Simulate people who swap, wrap, pay through contracts, in batches and by smart accounts.

    Four pools, of which one is of the wrapped coin; a router, a batch sender, a vault that gives
    receipts, and a contract in which payments of several meet, so that nothing says who paid whom.
    Some swaps bring a reward beside. A fifth of the people has smart accounts, whose operations a
    bundler sends. In an adversarial chain some pay friends through contracts of their own that give
    a worthless token for it, one from one address and one from four; and one by a mule, who lets
    what he gets be taken on in the same transaction.

    Parameters
    ----------
    seed, part : int, str
        Seeds belong to a part: numbers are chosen by ``fit`` and judged on ``test``.
    adversarial : bool
        Whether some try to mislead.
    deeds, people : int
        How much is done, and by how many.

    Raises
    ------
    ArgumentError
        If the seed is not of the part, or too little is done by too few.
    """
    mine = part_of(part, seed)
    if deeds < 20 or people < 5:
        raise ArgumentError(
            f"{deeds} deeds of {people} people show no meaning", remedy="20 deeds, 5 people or more"
        )
    label = f"swaps {part} {seed} {'adversarial' if adversarial else 'honest'}"
    chain = Chain(label, Random(label), mine.start)  # noqa: S311 - repeats itself
    one, other, third = (chain.contract() for _ in range(3))
    pairs = ((one, other), (other, third), (third, WRAPPED), (one, third))
    market = Market(chain, [one, other, third], [Pool(chain.contract(), pair) for pair in pairs])
    for n in range(people):
        market.join(f"person {n}", smart=n % 5 == 4)
    liars = _liars(market) if adversarial else []
    for deed in range(deeds):
        if liars and deed % 20 == 0:
            _lie(market, liars[deed // 20 % len(liars)])
        else:
            _deed(market)
    pools = (*(pool.at for pool in market.pools), market.vault)
    return SimulatedSwaps(part, seed, adversarial, chain, pools, tuple(market.people))


def _deed(market: Market) -> None:
    """Let somebody do something."""
    one, which = market.anybody(), market.chain.between(0, 99)
    if which < 35:
        other = market.anybody().account if market.chain.chance(20) else None
        market.swap(one, other)
    elif which < 50:
        market.wrap(one)
    elif which < 70:
        market.pay(one, market.anybody().account)
    elif which < 82:
        market.batch(one)
    elif which < 92:
        market.provide(one)
    elif which < 94:
        market.redeem(one)
    else:
        market.settle()


@dataclass(frozen=True)
class Liar:
    """Somebody who pays a friend: by a shop that gives junk for it, or by a mule."""

    person: Person
    shop: bytes
    junk: bytes
    friend: bytes
    by_mule: bool = False
    alone: bool = True


def _liars(market: Market) -> list[Liar]:
    """Return one who has a shop of his own, one who deals with his from four addresses, and one who
    uses a mule."""
    found = []
    for n, addresses in enumerate((1, 4, 1)):
        shop, junk, friend = (make() for make in (
            market.chain.address if n == 2 else market.chain.contract, market.chain.contract,
            market.chain.address,
        ))  # fmt: skip
        if n < 2:
            market.chain.mint(shop, junk, 10**9 * UNIT)
        for _ in range(addresses):
            one = market.join(f"liar {n}", smart=False)
            market.people.remove(one)
            found.append(Liar(one, shop, junk, friend, n == 2, addresses == 1))
    return found


def _lie(market: Market, one: Liar) -> None:
    if one.by_mule:
        market.mule(one.person, one.shop, one.friend)
    else:
        back = not one.alone and market.chain.chance(30)
        market.disguise(one.person, one.shop, one.junk, one.friend, back=back)
