"""``[[received]]``: what somebody received, by a named method and by every other."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any

from pydantic import Field

from chainwatch.case.file.keys import Flag, Texts
from chainwatch.case.ground import Ground
from chainwatch.case.questions.question import Answer, OfAsset, whom
from chainwatch.chains.catalogue import chain as find_chain
from chainwatch.clusters.recipe import owners
from chainwatch.tracing.named import parties_named, tags_named
from chainwatch.tracing.revenue.deposits import METHODS
from chainwatch.tracing.revenue.received import received


class ReceivedBy(OfAsset):
    """Ask what somebody received, by a method that is named before it is counted.

    All other methods stand beside it, with the range: what is *received* depends on the method, and
    the literature counts in several ways.
    """

    parties = ("entity", "sources")

    method: Annotated[
        str,
        Field(
            description="How it is counted.", json_schema_extra={"examples": [*METHODS]}
        ),
    ]  # fmt: skip
    entity: Annotated[
        Texts,
        Field(description="Who received: addresses or a name of tags; the subjects, if not given."),
    ] = ()
    sources: Annotated[
        Texts, Field(description="Whose value is looked for in it, under every policy.")
    ] = ()
    clusters: Annotated[
        Flag,
        Field(description="On coin chains: also count to addresses that the case joins."),
    ] = False

    def answer(self, ground: Ground) -> Iterator[Answer]:
        """Yield what was received, by every method."""
        asset, tags = self.what(ground), ground.tags
        alone = tags_named(self.entity[0], tags, asset.chain) if len(self.entity) == 1 else None
        joined: dict[str, Any] = {}
        if self.clusters and find_chain(asset.chain).family == "utxo":
            joined = {"clusters": ground.owners, "with_change": owners(ground.ledger)}
        found = received(
            ground.ledger, whom(self.entity, ground, asset) if alone is None else alone,
            method=self.method, services=tags.services(), asset=asset, **joined,
            sources=parties_named(self.sources, tags, asset.chain) if self.sources else None,
        )  # fmt: skip
        yield Answer(found, self.name)
