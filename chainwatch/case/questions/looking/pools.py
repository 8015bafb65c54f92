"""``[[pools]]``: of which deposits the withdrawals from pools of one amount can be."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from pydantic import Field

from chainwatch.case.file.keys import ChainName, Strict, Token, Whole
from chainwatch.case.ground import Ground
from chainwatch.case.questions.question import Answer, Question
from chainwatch.tracing.crossings.messages.files import read_table
from chainwatch.tracing.mixers.pool_sets import pool_withdrawals
from chainwatch.tracing.mixers.pools import MixingPool
from chainwatch.units import from_text


class Pool(Strict):
    """A contract that takes and gives one amount."""

    address: Annotated[str, Field(description="The contract.")]
    amount: Annotated[str, Field(description="How much of it, in coins, in quotes: 0.1.")]
    asset: Annotated[
        Token | None, Field(description="Of which token; of the coin, if not given.")
    ] = None
    points: Annotated[
        Whole | None, Field(ge=1, description="What a deposit earns there for each block.")
    ] = None


class Pools(Question):
    """Ask of which deposits the withdrawals from pools can be, and what gives some of them away.

    What ties a withdrawal to some deposits is worth one over their number. The disclosure counts
    withdrawals: which is tied to whom stands in the working edition alone.
    """

    pools: Annotated[
        tuple[Pool, ...], Field(min_length=1, description="The pools, with their amounts.")
    ]
    gas_prices: Annotated[
        str | None, Field(description="Table of gas prices: txid, gas_price. No ledger holds them.")
    ] = None
    claims: Annotated[
        str | None, Field(description="Table of claims of rewards: txid, recipient, points.")
    ] = None
    rewards: Annotated[
        str | None, Field(description="Instead of it the contract that pays rewards, by its logs.")
    ] = None
    chain: Annotated[
        ChainName | None, Field(description="Where; that of [subjects], if not given.")
    ] = None

    def answer(self, ground: Ground) -> Iterator[Answer]:
        """Yield the withdrawals with their sets."""
        coin = ground.asset(None, self.chain)
        chain = ground.chain(coin.chain)
        made = [self._pool(one, chain.id) for one in self.pools]
        gas = self.gas_prices and read_table(ground.file(self.gas_prices), "gas prices")
        claims = self.claims and read_table(ground.file(self.claims), "claims")
        found = pool_withdrawals(
            ground.ledger.chain_only(chain), made, gas_prices=gas or None,
            claims=claims if self.claims else self.rewards,
        )  # fmt: skip
        yield Answer(found, self.name)

    @staticmethod
    def _pool(one: Pool, chain: str) -> MixingPool:
        asset = (one.asset or Token(chain=chain)).asset("[[pools.pools]] asset")
        return MixingPool(one.address, asset, from_text(one.amount, asset.decimals), one.points)
