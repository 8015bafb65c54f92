"""``[[exposures]]``: whom followed value reached, with what it was worth."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from pydantic import Field

from chainwatch.case.file.keys import Flag
from chainwatch.case.ground import Ground
from chainwatch.case.questions.question import Answer, Question
from chainwatch.tracing.exposure import exposure


class Exposures(Question):
    """Ask whom what the case follows reached, and what that was worth by the prices that were read.

    A case on a coin chain tells whom it reached anyway; this adds worth, and is asked on chains of
    accounts too.
    """

    currency: Annotated[
        str | None, Field(description="Also worth in this currency: EUR.")
    ] = None  # fmt: skip
    price_source: Annotated[
        str | None, Field(description="Whose prices, where several publish them.")
    ] = None
    spread_unstated: Annotated[
        Flag | None,
        Field(description="As [follow] has it, if not given: tags of which nothing is said."),
    ] = None

    def answer(self, ground: Ground) -> Iterator[Answer]:
        """Yield whom the value of each part reached."""
        for part in ground.parts:
            spread = self.spread_unstated
            found = exposure(
                part.trace, ground.tags, clusters=part.owners,
                spread_unstated=part.follow.spread_unstated if spread is None else spread,
                ledger=ground.ledger if self.currency else None, currency=self.currency,
                price_source=self.price_source,
            )  # fmt: skip
            yield Answer(found, ", ".join(filter(None, (self.name, part.called))))
