"""``[[counterparties]]``: who paid somebody and whom they paid, in one asset of accounts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from pydantic import Field

from chainwatch.attribution.tags import named
from chainwatch.case.file.keys import MOST_UNITS, Texts, Whole
from chainwatch.case.ground import Ground
from chainwatch.case.questions.question import Answer, OfAsset, whom
from chainwatch.chains.catalogue import chain as find_chain
from chainwatch.errors import CaseError
from chainwatch.ledger.look_alikes import TAILS
from chainwatch.tracing.counterparties import counterparties


class CounterpartiesOf(OfAsset):
    """Ask who paid somebody and whom they paid, in an asset beside that which the case follows.

    A case on an account chain tells it of what it follows anyway. Who is named as ``source`` is
    shown in every edition, as subjects are.
    """

    parties = ("source",)

    source: Annotated[
        Texts, Field(description="Whose payments; the subjects there, if not given.")
    ] = ()
    trifle: Annotated[
        Whole,
        Field(ge=0, le=MOST_UNITS, description="Most that a lure of address poisoning moves."),
    ] = 0
    head: Annotated[
        Whole, Field(ge=0, description="First characters in which look-alikes agree.")
    ] = 0
    tail: Annotated[
        Whole, Field(ge=TAILS[0], le=TAILS[-1], description="Last characters in which they agree.")
    ] = 4

    def answer(self, ground: Ground) -> Iterator[Answer]:
        """Yield the payments, and what only looks like one."""
        asset = self.what(ground)
        if find_chain(asset.chain).family == "utxo":
            raise CaseError(
                f"counterparties by transfer are a matter of chains of accounts, and"
                f" {find_chain(asset.chain).alias} is none",
                remedy="ask [[paths]] or [[traces]] there",
            )
        found = counterparties(
            ground.ledger, whom(self.source, ground, asset), asset=asset, tags=named(ground.tags),
            trifle=self.trifle, head=self.head, tail=self.tail,
        )  # fmt: skip
        yield Answer(found, self.name)
