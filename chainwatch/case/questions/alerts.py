"""``[[alerts]]``: shapes of payments that laundering has, beside what innocently looks the same."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Annotated

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

from chainwatch.case.file.keys import ChainName, Flag, Texts, Token
from chainwatch.case.ground import Ground
from chainwatch.case.questions.question import Answer, Question
from chainwatch.chains.catalogue import chain as find_chain
from chainwatch.errors import InputError
from chainwatch.figures.evidence.of_subjects import card_figures
from chainwatch.ledger.prices import prices_of
from chainwatch.typologies.alerts import alerts
from chainwatch.typologies.catalogue import DEFAULT
from chainwatch.typologies.facts import read_facts
from chainwatch.typologies.written import typologies_written


def _readable(texts: tuple[str, ...]) -> tuple[str, ...]:
    try:
        typologies_written(texts)
    except InputError as error:
        raise PydanticCustomError(
            "typology", "{said}", {"said": f"{error.what}; {error.remedy}"}
        ) from None
    return texts


class Alerts(Question):
    """Ask which shapes of payments that laundering has stand in the payments of one asset.

    A shape is a reason to look and proves nothing: each has an innocent twin, which is told beside
    it. It makes nobody a subject: whoever is not shown for another reason stays masked. The report
    tells those of subjects. Thresholds in a currency rest on prices that the case read.
    """

    typologies: Annotated[
        Texts,
        AfterValidator(_readable),
        Field(
            description="Which, with their numbers: fan_in, or fan_in:senders=10,hours=24; all, if"
            " not given."
        ),
    ] = ()
    clusters: Annotated[
        Flag,
        Field(
            description="On coin chains: between owners, as the case joins addresses. Without,"
            " change looks like a payment to a stranger."
        ),
    ] = True
    chain: Annotated[
        ChainName | None, Field(description="Where; that of [subjects], if not given.")
    ] = None
    asset: Annotated[
        Token | None,
        Field(description="In what; what the case follows there, or else the coin, if not given."),
    ] = None
    facts: Annotated[
        str | None,
        Field(
            description="Folder of facts from outside: reviews.csv, listings.csv, closures.csv,"
            " published.csv, those that there are."
        ),
    ] = None
    start: Annotated[
        date | None, Field(description="Shapes whose last payment is on this day or later.")
    ] = None
    end: Annotated[
        date | None, Field(description="Shapes whose last payment is before this day.")
    ] = None

    def answer(self, ground: Ground) -> Iterator[Answer]:
        """Yield what was found, with its evidence, and cards of the first alerts on subjects."""
        asset = ground.asset(self.asset, self.chain)
        prices = prices_of(ground.ledger)
        joined = self.clusters and find_chain(asset.chain).family == "utxo"
        found = alerts(
            ground.ledger.chain_only(find_chain(asset.chain)), asset,
            typologies_written(self.typologies) or DEFAULT,
            clusters=ground.owners if joined else None, tags=ground.tags,
            prices=prices if len(prices) else None,
            facts=None if self.facts is None else read_facts(ground.file(self.facts)),
            since=self.start, until=self.end,
        )  # fmt: skip
        yield Answer(found, self.name)
        data = ground.read.data(asset.chain)
        for card in card_figures(found, ground.subjects, data, self.name):
            yield Answer(card)
