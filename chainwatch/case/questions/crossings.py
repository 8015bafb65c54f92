"""``[[crossings]]``: what became of deposits at bridges, and value followed across them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Annotated, Any, Literal

from pydantic import Field

from chainwatch.attribution.resolve import Framed
from chainwatch.attribution.taxonomy import BRIDGING, is_a
from chainwatch.case.ends import limits_of
from chainwatch.case.file.follow_keys import Follow
from chainwatch.case.file.keys import ChainName, Flag, Token, Whole
from chainwatch.case.ground import Ground
from chainwatch.case.questions.question import Answer, Question
from chainwatch.errors import CaseError
from chainwatch.ledger.ledger import Ledger
from chainwatch.tracing.crossings import crossings as verb
from chainwatch.tracing.crossings.across import MOST_CROSSINGS, trace_across
from chainwatch.tracing.crossings.bridges import Named
from chainwatch.tracing.crossings.messages.files import messages_in
from chainwatch.tracing.crossings.result import Crossings as Found

Bridge = dict[ChainName, tuple[str, ...]]
"""The addresses of a bridge on each chain."""


class Crossings(Question):
    """Ask of every deposit at a bridge what became of it, on all chains that the case read.

    Identifiers that both sides bear come first. A match by amount and time is a lead. Who is a
    bridge is said by tags, or by ``bridges``; nobody guesses it.
    """

    bridges: Annotated[
        dict[str, Bridge],
        Field(
            default_factory=dict,
            description="Bridges by name, then by chain, with their addresses; those of the tags,"
            " if not given.",
        ),
    ]
    assets: Annotated[
        tuple[tuple[Token, ...], ...],
        Field(
            description="What is looked at, in lists of what stands for one another; the coin of"
            " each chain, if not given."
        ),
    ] = ()
    messages: Annotated[
        str | None,
        Field(
            description="Table of what bridges logged, beside what the ledger keeps of it: chain,"
            " txid, id, side."
        ),
    ] = None
    logs: Annotated[
        dict[ChainName, str],
        Field(
            default_factory=dict,
            description="By chain a table of logs, beside those that the ledger keeps; those of"
            " bridges count.",
        ),
    ]
    within: Annotated[
        Whole, Field(ge=1, description="Minutes after a deposit in which it is paid out.")
    ] = 120
    fee_at_most: Annotated[
        str, Field(description="How much less is paid out, as a share in quotes.")
    ] = "0.01"
    trace: Annotated[
        Flag, Field(description="Also follow what the case follows across these crossings.")
    ] = False
    leads: Annotated[Flag, Field(description="Follow matches by amount and time too: leads.")] = (
        False
    )
    max_crossings: Annotated[
        Whole, Field(ge=0, description="Follow over so many crossings, one behind the other.")
    ] = MOST_CROSSINGS

    direction: Annotated[
        Literal["forward", "backward"],
        Field(description="To where it went, or to where it came from."),
    ] = "forward"

    def answer(self, ground: Ground) -> Iterator[Answer]:
        """Yield what became of the deposits, and what is behind them where that is asked."""
        ledger = self._ledger(ground)
        who = self._bridges(ground)
        logs = {chain: ground.file(path) for chain, path in self.logs.items()}
        messages = None if self.messages is None else ground.file(self.messages)
        assets = [[one.asset("assets") for one in group] for group in self.assets]
        found = verb.crossings(
            ledger, bridges=who, assets=assets or None,
            messages=messages_in(messages, logs, who),
            within=timedelta(minutes=self.within), fee_at_most=self.fee_at_most,
        )  # fmt: skip
        yield Answer(found, self.name)
        if self.trace:
            yield from self._across(ground, ledger, found)

    def _ledger(self, ground: Ground) -> Ledger:
        """Return what was read; a crossing takes two chains."""
        read = ground.ledger.chains
        if len(read) < 2:
            names = ", ".join(one.alias for one in read) or "none"
            raise CaseError(
                f"crossings lead from chain to chain, and the case read one alone ({names})",
                remedy="add the source of another chain",
            )
        for group in self.assets:
            for one in group:
                ground.chain(one.chain)
        return ground.ledger

    def _bridges(self, ground: Ground) -> Framed | Named:
        if self.bridges:
            return self.bridges
        said = ground.tags.frame["concept"].unique().drop_nulls()
        if not any(is_a(one, broad) for one in said for broad in BRIDGING):
            raise CaseError(
                f"no tag says that an address is a bridge ({', '.join(BRIDGING)})",
                remedy="tag its addresses with that concept, or name them:"
                ' bridges = { NAME = { CHAIN = ["ADDRESS"] } }',
            )
        return ground.tags

    def _across(self, ground: Ground, ledger: Ledger, found: Found) -> Iterator[Answer]:
        """Yield the value of each part, followed over the crossings that were found."""
        for part in ground.parts:
            followed = trace_across(
                ledger, part.subjects, found, policy=part.follow.policy, leads=self.leads,
                direction=self.direction, **_reach(part.follow),
                stop=[ground.tags.services(), part.held.stop], clusters=part.owners,
                asset=part.asset, poisoning=part.lure, max_crossings=self.max_crossings,
            )  # fmt: skip
            yield Answer(followed, ", ".join(filter(None, (self.name, part.called))))


def _reach(follow: Follow) -> dict[str, Any]:
    """Return the limits of ``[follow]`` that hold on every leg; one of amount is of one asset."""
    return {name: one for name, one in limits_of(follow).items() if name != "min_amount"}
