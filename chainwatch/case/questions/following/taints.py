"""``[[taints]]``: how much of every output of a coin chain is traced from somebody."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import Field

from chainwatch.case.file.keys import ChainName, Flag, Texts
from chainwatch.case.ground import Ground
from chainwatch.case.questions.question import Answer, Question, whom
from chainwatch.errors import CaseError
from chainwatch.tracing.whole_chain.taint import taint


class Taints(Question):
    """Ask how much of every output is traced, to the end of what was read, to rank and to count.

    Nothing stops it but what was not read: value runs through services and mixes, where it is
    another's. It is no statement about people.
    """

    parties = ("source",)

    policy: Annotated[
        Literal["haircut", "fifo", "lifo", "poison", "screen"],
        Field(description="By which policy; screen is the haircut in floating point."),
    ]
    source: Annotated[
        Texts, Field(description="Whose value; the subjects there, if not given.")
    ] = ()
    clusters: Annotated[Flag, Field(description="Whole owners, as the case joins addresses.")] = (
        False
    )
    chain: Annotated[
        ChainName | None, Field(description="Which; that of [subjects], if not given.")
    ] = None

    def answer(self, ground: Ground) -> Iterator[Answer]:
        """Yield the amounts traced in each output."""
        asset = ground.asset(None, self.chain)
        chain = ground.chain(asset.chain)
        if chain.family != "utxo":
            raise CaseError(
                f"outputs are a matter of coin chains, and {chain.alias} is none",
                remedy="name a coin chain",
            )
        yield Answer(
            taint(
                ground.ledger, whom(self.source, ground, asset), policy=self.policy,
                clusters=ground.owners if self.clusters else None, chain=chain.id,
            ), self.name,
        )  # fmt: skip
