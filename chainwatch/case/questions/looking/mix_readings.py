"""``[[mix_readings]]``: in how many ways a mix can be of several, and who brought what."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from pydantic import Field

from chainwatch.case.file.keys import ChainName, Flag, SomeTexts, Whole
from chainwatch.case.ground import Ground
from chainwatch.case.questions.question import Answer, Question
from chainwatch.tracing.mixers.interpretations import LIMIT, interpretations
from chainwatch.tracing.mixers.slots import slots


class MixReadings(Question):
    """Ask of single mixes in how many ways each can be of several parties, exactly.

    ``[[mixes]]`` asks it of those in which followed value ended.
    """

    txids: Annotated[SomeTexts, Field(description="Transactions.")]
    fees_between: Annotated[
        Whole | None,
        Field(
            ge=0,
            description="Most that a party may be paid by others, in base units; half a percent of"
            " the equal amount, if not given.",
        ),
    ] = None
    merge_addresses: Annotated[
        Flag, Field(description="Inputs of one address are of one party.")
    ] = True
    limit: Annotated[
        Whole, Field(ge=1, description="Steps of work for each; beyond, the number is unknown.")
    ] = LIMIT
    slots: Annotated[Flag, Field(description="Also who brought what into a mix of JoinMarket.")] = (
        False
    )
    chain: Annotated[
        ChainName | None, Field(description="Where; that of [subjects], if not given.")
    ] = None

    def answer(self, ground: Ground) -> Iterator[Answer]:
        """Yield the counts of each transaction."""
        chain = ground.chain(self.chain or ground.parts[0].asset.chain)
        for txid in self.txids:
            found = interpretations(
                ground.ledger, txid, chain, fees_between=self.fees_between,
                merge_addresses=self.merge_addresses, limit=self.limit,
            )  # fmt: skip
            yield Answer(found, self.name)
            if self.slots:
                yield Answer(slots(ground.ledger, txid, chain, limit=self.limit), self.name)
