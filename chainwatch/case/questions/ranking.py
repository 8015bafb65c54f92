"""``[[ranking]]``: what to look at first, by danger to the public."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Annotated

from pydantic import Field, model_validator

from chainwatch.case.file.keys import MOST_UNITS, ChainName, Strict, Token, Whole
from chainwatch.case.ground import Ground
from chainwatch.case.questions.question import Answer, Question
from chainwatch.chains.catalogue import chain as find_chain
from chainwatch.triage.ranking.rank import rank
from chainwatch.triage.ranking.weights import FULL, Danger, Weights


class OwnWeight(Strict):
    """The danger of a concept as somebody else judges it."""

    concept: Annotated[str, Field(description="A concept of tags; narrower ones inherit.")]
    weight: Annotated[Whole, Field(ge=0, le=FULL, description="Per mille.")]
    payers: Annotated[bool, Field(description="Who pays such a party is looked at for that.")] = (
        False
    )
    source: Annotated[str, Field(min_length=1, description="Whose judgement it is.")]


class Ranking(Question):
    """Ask what to look at first: owners with a reason, by danger to the public.

    Ranked are whom tags name a danger, whom such a party pays, and who pays one whom to pay is
    itself a concern. Buying is no reason; likely consumers, small donors and victims are in no
    ranking. A rank says where to begin, and nothing of what somebody did.
    """

    small: Annotated[
        Whole | None,
        Field(
            ge=1,
            le=MOST_UNITS,
            description="Largest payment that is little, in base units; without it whoever paid"
            " seldom may be a small donor, and is not ranked.",
        ),
    ] = None
    weights: Annotated[
        tuple[OwnWeight, ...], Field(description="Dangers judged otherwise, each with its source.")
    ] = ()
    chain: Annotated[
        ChainName | None, Field(description="Where; that of [subjects], if not given.")
    ] = None
    asset: Annotated[
        Token | None,
        Field(description="In what; what the case follows there, or else the coin, if not given."),
    ] = None
    day: Annotated[
        date | None,
        Field(description="Day of the ranking: later payments do not count; the last one read,"
              " if not given."),
    ] = None  # fmt: skip

    @model_validator(mode="after")
    def _known(self) -> Ranking:
        Weights().with_dangers(**self._dangers())
        return self

    def answer(self, ground: Ground) -> Iterator[Answer]:
        """Yield the ranking, with the roles of people that it leaves out."""
        asset = ground.asset(self.asset, self.chain)
        joined = ground.owners if find_chain(asset.chain).family == "utxo" else None
        people = ground.people(asset, self.small)
        found = rank(
            ground.ledger.chain_only(find_chain(asset.chain)), ground.tags, asset,
            clusters=joined, people=people, weights=Weights().with_dangers(**self._dangers()),
            day=self.day,
        )  # fmt: skip
        yield Answer(people, self.name)
        yield Answer(found, self.name)

    def _dangers(self) -> dict[str, Danger]:
        return {one.concept: Danger(one.weight, one.payers, one.source) for one in self.weights}
