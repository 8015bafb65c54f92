"""``[[batched_payments]]``: payments that contracts made for somebody in one transaction."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from pydantic import Field

from chainwatch.case.file.keys import ChainName, Whole
from chainwatch.case.ground import Ground
from chainwatch.case.questions.question import Answer, Question
from chainwatch.errors import CaseError
from chainwatch.heuristics.accounts.batched_payments import batched_payments


class Batches(Question):
    """Ask which payments contracts made for somebody in one transaction, on chains of accounts.

    Those who were paid have one payer in common, and nothing else: they are not one owner.
    """

    payees: Annotated[Whole, Field(ge=2, description="Fewest who are paid at once.")] = 2
    chain: Annotated[
        ChainName | None, Field(description="Which; every chain of accounts, if not given.")
    ] = None

    def answer(self, ground: Ground) -> Iterator[Answer]:
        """Yield the payments."""
        read = ground.ledger
        if self.chain is not None:
            read = read.chain_only(ground.chain(self.chain))
        if not any(one.family != "utxo" for one in read.chains):
            raise CaseError(
                "batches by contracts are a matter of chains of accounts, and none was read",
                remedy="leave [[batched_payments]] out",
            )
        yield Answer(batched_payments(read, payees=self.payees), self.name)
