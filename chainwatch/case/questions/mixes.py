"""``[[mixes]]``: what can be counted of the mixes in which followed value ends."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from pydantic import Field

from chainwatch.case.file.keys import ChainName, Flag, Whole
from chainwatch.case.ground import Ground, Part
from chainwatch.case.questions.question import Answer, Question
from chainwatch.chains.base import Chain
from chainwatch.chains.catalogue import chain as find_chain
from chainwatch.errors import CaseError
from chainwatch.heuristics.coinjoin.detectors import DETECTORS
from chainwatch.tracing.mixers.interpretations import LIMIT
from chainwatch.tracing.mixers.leads import mix_leads
from chainwatch.tracing.mixers.met import MOST, mixes_met

STOPPED = "stop of this case"
"""The name of the rule that following stopped at, among the detectors."""


class Mixes(Question):
    """Ask what can be counted of the mixes on a coin chain in which followed value ends.

    Among how many parties outputs hide and what users gave away, in how many ways each mix can be
    of several parties, and which inputs and outputs all of them link. Nothing is followed through a
    mix, and nobody is joined.
    """

    chain: Annotated[
        ChainName | None, Field(description="Which; every coin chain of the case, if not given.")
    ] = None
    everywhere: Annotated[
        Flag, Field(description="All mixes that were read, not only those that value ended in.")
    ] = False
    most: Annotated[
        Whole, Field(ge=0, description="Mixes whose interpretations are counted, by their value.")
    ] = MOST
    limit: Annotated[
        Whole,
        Field(ge=1, description="Steps of work for each; beyond, the number is unknown."),
    ] = LIMIT
    leads: Annotated[
        Whole,
        Field(ge=0, description="Pairs of spends of mixes of the same times, listed as leads."),
    ] = 0

    def answer(self, ground: Ground) -> Iterator[Answer]:
        """Yield what was counted on each chain, and of each part of the case."""
        chains = self._chains(ground)
        for chain in chains:
            parts = [one for one in ground.parts if one.asset.chain == chain.id]
            if self.everywhere:
                yield from self._counted(ground, chain, None, chain.alias if chains[1:] else "")
                continue
            if not parts:
                raise CaseError(
                    f"the case follows nothing on {chain.alias}, so that no value ends in its"
                    " mixes",
                    remedy="write everywhere = true, or leave the chain out",
                )
            for part in parts:
                yield from self._counted(ground, chain, part, part.called)

    def _chains(self, ground: Ground) -> list[Chain]:
        if self.chain is not None:
            named = [ground.chain(self.chain)]
        elif self.everywhere:
            named = list(ground.ledger.chains)
        else:
            named = [find_chain(one) for one in dict.fromkeys(p.asset.chain for p in ground.parts)]
        found = [one for one in named if one.family == "utxo"]
        if not found:
            raise CaseError(
                f"mixes are a matter of coin chains, and {', '.join(one.alias for one in named)}"
                " is none",
                remedy="leave [[mixes]] out, or name a coin chain",
            )
        return found

    def _counted(
        self, ground: Ground, chain: Chain, part: Part | None, called: str
    ) -> Iterator[Answer]:
        stopped = {} if part is None or part.mixes is None else {STOPPED: part.mixes}
        found = mixes_met(
            ground.ledger, None if part is None else part.trace, chain=chain.id,
            clusters=ground.owners, detectors={**DETECTORS, **stopped}, most=self.most,
            limit=self.limit,
        )  # fmt: skip
        yield Answer(found, ", ".join(filter(None, (self.name, called))))
        if self.leads:
            yield Answer(mix_leads(ground.ledger.chain_only(chain), found.sets, most=self.leads))
