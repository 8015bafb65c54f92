"""``[[paths]]``: the best routes by which money of one party reached another."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Annotated, Any, Literal

import polars as pl
from pydantic import AfterValidator, Field
from pydantic_core import PydanticKnownError

from chainwatch.addresses.assets import Asset
from chainwatch.case.file.keys import ChainName, Flag, OpenedEnd, SomeTexts, Texts, Token, Whole
from chainwatch.case.ground import Ground
from chainwatch.case.questions.question import Answer, Question
from chainwatch.chains.catalogue import chain as find_chain
from chainwatch.errors import CaseError
from chainwatch.figures.case_figures import case_figure
from chainwatch.heuristics.coinjoin import JOINT
from chainwatch.tracing.named import Party, parties_named
from chainwatch.tracing.paths.paths import BUDGET, paths
from chainwatch.tracing.paths.ranking import RANKINGS, VALUE


def _ranking(name: str) -> str:
    if name not in RANKINGS:
        raise PydanticKnownError("literal_error", {"expected": ", ".join(map(repr, RANKINGS))})
    return name


class Paths(Question):
    """Ask whether and how money of one party reached another, by the best routes.

    ``source`` and ``target`` are addresses of the chain, outputs and transfers as ``TXID:N``, or
    the actor, the label or the concept of tags; several texts are one party. Both are shown in
    every edition, as subjects are. No route goes on through a service that tags name. Each route
    has three numbers apart: how sure its claims on owners are, what arrives along it under the
    haircut, how sure the names at both ends are.
    """

    parties = ("source", "target")

    target: Annotated[SomeTexts, Field(description="Who may have been reached.")]
    source: Annotated[
        Texts, Field(description="Who paid; the subjects of the case, if not given.")
    ] = ()
    k: Annotated[Whole, Field(ge=1, description="How many routes.")] = 3
    by: Annotated[
        str,
        AfterValidator(_ranking),
        Field(
            description="What the best is: value, hops, time, or weakest (the surest weakest"
            " step).",
            json_schema_extra={"enum": [*RANKINGS]},
        ),
    ] = VALUE
    max_hops: Annotated[Whole | None, Field(ge=1, description="Most payments of a route.")] = None
    budget: Annotated[
        Whole, Field(ge=1, description="Edges that are looked at; what is left is told.")
    ] = BUDGET
    clusters: Annotated[
        Flag,
        Field(description="On coin chains: also steps between coins of one owner, both ends too."),
    ] = False
    mixes: Annotated[
        Flag, Field(description="On coin chains: no route through a mix, or perhaps one.")
    ] = False
    custody: Annotated[
        Literal["deposits", "roles"] | None,
        Field(description="No route through addresses that services hold, by what they do."),
    ] = None
    opened: Annotated[
        tuple[OpenedEnd, ...], Field(description="Ends by custody that routes may go through.")
    ] = ()
    chain: Annotated[
        ChainName | None, Field(description="Where; that of [subjects], if not given.")
    ] = None
    asset: Annotated[
        Token | None,
        Field(description="In what; what the case follows there, or else the coin, if not given."),
    ] = None
    spread_unstated: Annotated[
        Flag | None,
        Field(description="As [follow] has it, if not given: tags of which nothing is said."),
    ] = None
    start: Annotated[
        date | None, Field(description="Only payments from this day on, 00:00 UTC.")
    ] = None
    end: Annotated[date | None, Field(description="Only payments before this day, 00:00 UTC.")] = (
        None
    )

    def answer(self, ground: Ground) -> Iterator[Answer]:
        """Yield the picture of the routes, what is said of them, and their tables."""
        asset = ground.asset(self.asset, self.chain)
        given = self._given(ground, asset)
        spread = ground.follow(asset).spread_unstated
        found = paths(
            ground.ledger.between(self.start, self.end), *self._ends(ground, asset), k=self.k,
            by=self.by, tags=ground.tags, asset=asset, poisoning=ground.lure(asset),
            max_hops=self.max_hops, budget=self.budget,
            spread_unstated=spread if self.spread_unstated is None else self.spread_unstated,
            **given,
        )  # fmt: skip
        if found.routes.height:
            yield Answer(case_figure(found, kind="routes", name=self._called()))
        yield Answer(found, self._called())

    def _called(self) -> str:
        """Return between whom the routes are."""
        source = _shown(self.source) if self.source else "the subjects"
        return self.name or f"{source} to {_shown(self.target)}"

    def _ends(self, ground: Ground, asset: Asset) -> tuple[Party, Party]:
        """Return who paid, and who may have been reached."""
        here = ground.subjects.filter(pl.col("chain") == asset.chain)
        if not self.source and here.is_empty():
            raise CaseError(
                f"the case has no subject on {find_chain(asset.chain).alias}",
                remedy="name the source",
            )
        source, target = (parties_named(one, ground.tags, asset.chain)
                          for one in (self.source, self.target))  # fmt: skip
        return source if self.source else here, target

    def _given(self, ground: Ground, asset: Asset) -> dict[str, Any]:
        """Return where routes stop, and who owns what."""
        coins = find_chain(asset.chain).family == "utxo"
        asked = [name for name in ("clusters", "mixes") if getattr(self, name)]
        if asked and not coins:
            raise CaseError(
                f"{' and '.join(asked)} on {find_chain(asset.chain).alias}, a chain of accounts",
                remedy="leave it out: nothing is spent together there",
            )
        if self.opened and self.custody is None:
            raise CaseError("opened without custody", remedy='say which ends: custody = "deposits"')
        stop: list[object] = [ground.tags.services()]
        if self.custody is not None:
            wanted = {"custody": self.custody, "opened": self.opened}
            stop.append(ground.held(asset, ground.follow(asset).model_copy(update=wanted)).stop)
        stop += [JOINT] if self.mixes else []
        return {"stop": stop, "clusters": ground.owners if self.clusters else None}


def _shown(texts: tuple[str, ...]) -> str:
    return texts[0] if len(texts) == 1 else f"{len(texts)} named"
