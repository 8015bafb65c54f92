"""``[[peel_chains]]``: chains of transactions that peel small parts off one coin."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from pydantic import Field

from chainwatch.case.file.keys import ChainName, Flag, Whole
from chainwatch.case.ground import Ground
from chainwatch.case.questions.question import Answer, Question
from chainwatch.clusters.peeling.chains import Shape, peel_chains
from chainwatch.clusters.peeling.validation import peel_steps
from chainwatch.errors import CaseError

USUAL = Shape()


class PeelChainsOf(Question):
    """Ask for chains of transactions that peel small parts off one coin, by their shape alone.

    Who pays out of one large coin, as exchanges and shops do, makes the same shape.
    """

    hops: Annotated[Whole, Field(ge=2, description="Payments of the rest, at least.")] = (
        USUAL.least_hops
    )
    percent: Annotated[
        Whole, Field(ge=1, le=100, description="The small part of each is at most so much.")
    ] = USUAL.most_percent
    days: Annotated[Whole, Field(ge=1, description="Most days from one of them to the next.")] = (
        USUAL.most_days
    )
    habits: Annotated[
        Flag, Field(description="Let the habits of the owners of the case say how it goes on.")
    ] = False
    chain: Annotated[
        ChainName | None, Field(description="Which; every coin chain of the case, if not given.")
    ] = None

    def answer(self, ground: Ground) -> Iterator[Answer]:
        """Yield the chains."""
        read = ground.ledger
        if self.chain is not None:
            read = read.chain_only(ground.chain(self.chain))
        if not any(one.family == "utxo" for one in read.chains):
            raise CaseError(
                "peel chains are a matter of coin chains, and none was read",
                remedy="leave [[peel_chains]] out, or ask [[alerts]] for peel_chain",
            )
        shape = Shape(self.hops, self.percent, self.days)
        steps = peel_steps(read, ground.owners) if self.habits else None
        found = peel_chains(read, steps=steps, tags=ground.tags, shape=shape)
        yield Answer(found, self.name)
