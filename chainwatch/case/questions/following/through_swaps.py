"""``[[through_swaps]]``: value followed on in every asset that it was swapped for."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Annotated, Literal

from pydantic import Field

from chainwatch.case.file.follow_keys import PolicyName
from chainwatch.case.file.keys import MOST_DAYS, Flag, Texts, Token, Whole
from chainwatch.case.ground import Ground
from chainwatch.case.questions.question import Answer, OfAsset, whom
from chainwatch.chains.catalogue import chain as find_chain
from chainwatch.errors import CaseError
from chainwatch.tracing.meaning.meanings import meanings
from chainwatch.tracing.meaning.through_swaps import trace_through_swaps


class SwapsThrough(OfAsset):
    """Ask where value went, and on in every asset that it was swapped for, or backward.

    Contracts that only pass value on are no parties. Each asset adds up by itself; amounts of two
    are never added.
    """

    parties = ("source",)

    source: Annotated[
        Texts,
        Field(description="Whose value: addresses, transfers TXID:N; the subjects, if not given."),
    ] = ()
    policy: Annotated[
        PolicyName | None, Field(description="How balances are divided; as [follow] has it.")
    ] = None
    direction: Annotated[
        Literal["forward", "backward"],
        Field(description="To where it went, or to where it came from."),
    ] = "forward"
    assets: Annotated[
        tuple[Token, ...],
        Field(description="Which assets are followed on; all, if not given."),
    ] = ()
    min_traders: Annotated[
        Whole, Field(ge=1, description="So many traders make a contract a pool.")
    ] = 3
    no_stop: Annotated[Flag, Field(description="End at no service that tags name.")] = False
    max_hops: Annotated[Whole | None, Field(ge=1, description="Most payments from a source.")] = (
        None
    )
    max_age: Annotated[
        Whole | None,
        Field(ge=1, le=MOST_DAYS, description="Most days behind what a source received."),
    ] = None

    def answer(self, ground: Ground) -> Iterator[Answer]:
        """Yield the legs, one for each asset, and the swaps between them."""
        asset = self.what(ground)
        where = find_chain(asset.chain)
        if where.family == "utxo":
            raise CaseError(
                f"swaps are a matter of chains of accounts, and {where.alias} is none",
                remedy="name a chain of accounts",
            )
        ledger = ground.ledger.chain_only(where)
        follow = ground.follow(asset)
        found = trace_through_swaps(
            ledger, whom(self.source, ground, asset), asset=asset,
            through=meanings(ledger, ground.tags, chain=where, min_traders=self.min_traders),
            policy=self.policy or follow.policy, direction=self.direction,
            stop=[] if self.no_stop else [ground.tags.services(), ground.held(asset).stop],
            poisoning=ground.lure(asset), max_hops=self.max_hops,
            max_age=None if self.max_age is None else timedelta(days=self.max_age),
            spread_unstated=follow.spread_unstated,
            assets=[one.asset("assets") for one in self.assets],
        )  # fmt: skip
        yield Answer(found, self.name)
