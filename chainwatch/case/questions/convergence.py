"""``[[convergence]]``: where the money of several vendors meets, held against chance."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from pydantic import Field

from chainwatch.case.file.keys import MOST_UNITS, ChainName, Texts, Token, Whole
from chainwatch.case.ground import Ground
from chainwatch.case.questions.question import Answer, Question
from chainwatch.chains.catalogue import chain as find_chain
from chainwatch.tracing.named import addresses_named
from chainwatch.triage.convergence.converge import HUB, converge


class Convergence(Question):
    """Ask who is reached by the money of several vendors, or pays several, more than by chance.

    Services are left out as places and as ways, and so are likely buyers. Each other place is held
    against wallets like the vendors. That vendors meet at a place shows no agreement.
    """

    parties = ("vendors",)

    vendors: Annotated[
        Texts,
        Field(
            description="Who they are: addresses, or actor, label or concept of tags; all whom tags"
            " call a vendor, if not given."
        ),
    ] = ("vendor",)
    least: Annotated[Whole, Field(ge=2, description="How many vendors meet at a place.")] = 3
    hops: Annotated[Whole, Field(ge=1, description="Most payments of a route.")] = 2
    days: Annotated[Whole, Field(ge=1, description="Most days from one payment to the next.")] = 14
    rate: Annotated[
        str, Field(description="Share of false ones among the places that are named, in quotes.")
    ] = "0.05"
    hub: Annotated[
        Whole,
        Field(ge=2, description="From so many payers or payees on one may be a service untagged."),
    ] = HUB
    small: Annotated[
        Whole | None,
        Field(
            ge=1,
            le=MOST_UNITS,
            description="Largest payment that is little, in base units; without it whoever paid"
            " seldom may be a buyer, and is no place.",
        ),
    ] = None
    chain: Annotated[
        ChainName | None, Field(description="Where; that of [subjects], if not given.")
    ] = None
    asset: Annotated[
        Token | None,
        Field(description="In what; what the case follows there, or else the coin, if not given."),
    ] = None

    def answer(self, ground: Ground) -> Iterator[Answer]:
        """Yield the places, with the roles of people who are none."""
        asset = ground.asset(self.asset, self.chain)
        joined = ground.owners if find_chain(asset.chain).family == "utxo" else None
        people = ground.people(asset, self.small)
        whom = addresses_named(list(self.vendors), ground.tags, asset.chain)
        found = converge(
            ground.ledger.chain_only(find_chain(asset.chain)), whom, tags=ground.tags,
            clusters=joined, people=people, asset=asset, least=self.least, hops=self.hops,
            days=self.days, rate=self.rate, hub=self.hub,
        )  # fmt: skip
        yield Answer(people, self.name)
        yield Answer(found, self.name)
