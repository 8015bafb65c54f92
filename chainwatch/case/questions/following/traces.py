"""``[[traces]]``: value followed once more, by other policies, ways and limits."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from chainwatch.addresses.assets import Asset
from chainwatch.case.file.follow_keys import Policies
from chainwatch.case.file.keys import MOST_DAYS, MOST_UNITS, Flag, OpenedEnd, Texts, Whole
from chainwatch.case.ground import Ground
from chainwatch.case.questions.question import Answer, OfAsset, whom
from chainwatch.chains.catalogue import chain as find_chain
from chainwatch.errors import CaseError
from chainwatch.figures.case_figures import flow_figures
from chainwatch.heuristics.coinjoin import JOINT
from chainwatch.tracing.ranges.trace_all import trace_all
from chainwatch.tracing.trace import trace


class Traces(OfAsset):
    """Ask where value went, or came from, otherwise than ``[follow]`` has it.

    By other policies, backward, from single outputs, within other limits. Each policy is a trace of
    its own; with ``all_policies`` the range across all of them comes behind, which is no confidence
    interval. Who is named as ``source`` is shown in every edition, as subjects are.
    """

    parties = ("source",)

    source: Annotated[
        Texts,
        Field(
            description="Whose value: addresses, outputs and transfers TXID:N, or names of tags;"
            " the subjects there, if not given."
        ),
    ] = ()
    policies: Annotated[
        Policies,
        Field(description="By which policies; that of the case, if not given."),
    ] = ()
    all_policies: Annotated[
        Flag, Field(description="Also the range across all policies that fit the chain.")
    ] = False
    direction: Annotated[
        Literal["forward", "backward"],
        Field(description="To where it went, or to where it came from."),
    ] = "forward"
    clusters: Annotated[
        Flag, Field(description="On coin chains: whole owners, as the case joins addresses.")
    ] = True
    mixes: Annotated[
        Flag, Field(description="On coin chains: value ends at mixes, or what may be one.")
    ] = True
    custody: Annotated[
        Literal["deposits", "roles", "none"],
        Field(description="At whose addresses it ends by what they do."),
    ] = "deposits"
    opened: Annotated[
        tuple[OpenedEnd, ...], Field(description="Ends by custody behind which it goes on.")
    ] = ()
    max_hops: Annotated[Whole | None, Field(ge=1, description="Most payments from a source.")] = (
        None
    )
    max_age: Annotated[
        Whole | None,
        Field(ge=1, le=MOST_DAYS, description="Most days behind what a source received."),
    ] = None
    min_amount: Annotated[
        Whole,
        Field(ge=0, le=MOST_UNITS, description="Branches below this many base units end."),
    ] = 0
    spread_unstated: Annotated[
        Flag | None,
        Field(description="As [follow] has it, if not given: tags of which nothing is said."),
    ] = None
    graph: Annotated[Flag, Field(description="Draw who paid whom as boxes and lines too.")] = False
    start: Annotated[
        date | None, Field(description="Only payments from this day on, 00:00 UTC.")
    ] = None
    end: Annotated[date | None, Field(description="Only payments before this day, 00:00 UTC.")] = (
        None
    )

    @model_validator(mode="after")
    def _opened(self) -> Traces:
        if self.opened and self.custody == "none":
            raise ValueError('opened without custody; say which ends: custody = "deposits"')
        return self

    def answer(self, ground: Ground) -> Iterator[Answer]:
        """Yield each trace with its picture, then the range across policies."""
        asset = self.what(ground)
        ledger, source = (
            ground.ledger.between(self.start, self.end),
            whom(self.source, ground, asset),
        )
        how = self._how(ground, asset)
        for policy in self.policies or (ground.follow(asset).policy,):
            followed = trace(ledger, source, policy=policy, **how)
            named = self.name or f"{self.direction}, {policy}"
            if followed.steps.height:
                drawn = flow_figures(
                    followed, how["clusters"], ground.tags, graph=self.graph, title=named,
                    name=named, ledger=ledger,
                )  # fmt: skip
                yield from map(Answer, drawn)
            yield Answer(followed, named)
        if self.all_policies:
            yield Answer(trace_all(ledger, source, **how), self.name or self.direction)

    def _how(self, ground: Ground, asset: Asset) -> dict[str, Any]:
        """Return where following ends, and who owns what."""
        coins = find_chain(asset.chain).family == "utxo"
        follow = ground.follow(asset)
        stop: list[object] = [ground.tags.services()]
        if self.custody != "none":
            wanted = {"custody": self.custody, "opened": self.opened}
            stop.append(ground.held(asset, follow.model_copy(update=wanted)).stop)
        part = ground.part(asset)
        if coins and self.mixes:
            stop.append(JOINT if part is None or part.mixes is None else part.mixes)
        spread = follow.spread_unstated if self.spread_unstated is None else self.spread_unstated
        if not coins and self.model_fields_set & {"clusters", "mixes"}:
            raise CaseError(
                f"clusters or mixes on {find_chain(asset.chain).alias}, a chain of accounts",
                remedy="leave them out: nothing is spent together there",
            )
        return {
            "stop": stop, "clusters": ground.owners if coins and self.clusters else None,
            "asset": asset, "poisoning": ground.lure(asset), "direction": self.direction,
            "max_hops": self.max_hops, "min_amount": self.min_amount, "spread_unstated": spread,
            "max_age": None if self.max_age is None else timedelta(days=self.max_age),
        }  # fmt: skip
