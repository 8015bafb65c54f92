"""``[[paths_by_hand]]``: outputs that a person chose, one by one, and what lies behind."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from pydantic import Field

from chainwatch.case.file.follow_keys import PolicyName
from chainwatch.case.file.keys import ChainName, Strict
from chainwatch.case.ground import Ground
from chainwatch.case.questions.question import Answer, Question
from chainwatch.tracing.actions.by_hand import by_hand


class HandStep(Strict):
    """An output that a person chose, and why it goes on there."""

    output: Annotated[str, Field(description="TXID:N.")]
    why: Annotated[str, Field(min_length=1, description="The reason, which the report gives.")]


class PathsByHand(Question):
    """Ask what lies behind outputs that a person chose, with the reason for each.

    Where a transaction mixes, or an owner is known from elsewhere, a person may know better than
    any rule which output goes on. What was chosen is kept apart from what is computed.
    """

    steps: Annotated[
        tuple[HandStep, ...],
        Field(min_length=1, description="Where the path begins, then each output it goes on to."),
    ]
    policy: Annotated[
        PolicyName | None, Field(description="Follow on behind the last by this policy.")
    ] = None
    chain: Annotated[
        ChainName | None, Field(description="Where; that of [subjects], if not given.")
    ] = None

    def answer(self, ground: Ground) -> Iterator[Answer]:
        """Yield the path as it was chosen, and what was followed behind it."""
        first, *others = self.steps
        chain = ground.chain(self.chain or ground.parts[0].asset.chain)
        path = by_hand(ground.ledger, first.output, why=first.why, chain=chain.id)
        for one in others:
            path = path.step(to=one.output, why=one.why)
        yield Answer(path, self.name)
        if self.policy is not None:
            yield Answer(path.trace(policy=self.policy, stop=[ground.tags.services()]), self.name)
