"""``[[people]]``: one role for each party of the case, and whom its disclosure may never show."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal

import polars as pl
from pydantic import Field, model_validator

from chainwatch.case.file.keys import MOST_UNITS, ChainName, Token, Whole
from chainwatch.case.ground import Ground
from chainwatch.case.questions.question import Answer, Question
from chainwatch.chains.catalogue import chain as find_chain
from chainwatch.errors import CaseError
from chainwatch.ledger.prices import prices_of
from chainwatch.privacy.people.roles import FEW, roles
from chainwatch.privacy.people.size import SMALL_WORTH


class People(Question):
    """Ask who people are: vendor, market, service, network, donor, victim, likely consumer or
    bystander.

    The first four are those whom tags name, or subjects. Likely consumers, small donors and victims
    are masked in the disclosure, whatever a finding, a tag or a trace would show; whoever may be
    one is as well, and is called unknown. ``small`` says what is little in base units, ``currency``
    and ``worth`` by the prices of the ledger; without either nobody is called a likely consumer or
    a small donor. Ask it once for each asset in which they are paid.
    """

    role: Annotated[
        Literal["network", "vendor", "market", "service"],
        Field(description="What a subject is to whom no tag gives a role."),
    ] = "network"
    few: Annotated[Whole, Field(ge=1, description="The most payments that are seldom.")] = FEW
    small: Annotated[
        Whole | None,
        Field(
            ge=1, le=MOST_UNITS, description="The largest payment that is little, in base units."
        ),
    ] = None
    currency: Annotated[
        str | None, Field(description="By whose prices a payment is little: USD, EUR.")
    ] = None
    worth: Annotated[
        Whole, Field(ge=1, description="Worth of the largest that is, in whole units of it.")
    ] = SMALL_WORTH
    price_source: Annotated[
        str | None, Field(description="Whose prices, where several publish them.")
    ] = None
    chain: Annotated[
        ChainName | None, Field(description="Where; that of [subjects], if not given.")
    ] = None
    asset: Annotated[
        Token | None,
        Field(description="In what; what the case follows there, or else the coin, if not given."),
    ] = None

    @model_validator(mode="after")
    def _one_measure(self) -> People:
        if self.small is not None and self.currency is not None:
            raise ValueError("give small, or currency with worth, and not both")
        return self

    def answer(self, ground: Ground) -> Iterator[Answer]:
        """Yield the roles of whoever deals with the subjects of the chain, and with the tagged."""
        asset = ground.asset(self.asset, self.chain)
        here = ground.subjects.filter(pl.col("chain") == asset.chain)
        if here.is_empty():
            raise CaseError(
                f"the case has no subject on {find_chain(asset.chain).alias}",
                remedy="name the chain of its subjects",
            )
        coins = find_chain(asset.chain).family == "utxo"
        measure = {} if self.currency is None else {"currency": self.currency}
        found = roles(
            ground.ledger, here, tags=ground.tags, asset=asset, subject_role=self.role,
            clusters=ground.owners if coins else None, few=self.few, small=self.small,
            prices=None if self.currency is None else prices_of(ground.ledger),
            worth=self.worth, price_source=self.price_source, **measure,
        )  # fmt: skip
        yield Answer(found, self.name)
