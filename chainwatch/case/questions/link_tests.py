"""``[[link_tests]]``: whether links of vendors to a network are more than chance."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from pydantic import Field

from chainwatch.case.file.keys import ChainName, SomeTexts, Texts, Token, Whole
from chainwatch.case.ground import Ground
from chainwatch.case.questions.question import Answer, Question
from chainwatch.chains.catalogue import chain as find_chain
from chainwatch.errors import CaseError
from chainwatch.tracing.named import addresses_named
from chainwatch.triage.link_test.link_test import link_test


class LinkTest(Question):
    """Ask of each vendor whether its payments reach a network more than matched wallets' do.

    Each is held against wallets of the same size, age and activity and against chance, corrected
    for all tests; innocent explanations are tried one by one. A verdict is in calibrated words, and
    never says that somebody belongs to a network. Tests that were tried and left out are counted
    with ``tests``.
    """

    parties = ("vendors", "network")

    network: Annotated[
        SomeTexts,
        Field(description="The network: addresses, or actor, label or concept of tags, as one."),
    ]
    vendors: Annotated[
        Texts,
        Field(description="Who is tested, each by itself; the subjects there, if not given."),
    ] = ()
    hops: Annotated[Whole, Field(ge=1, description="Most payments of a route.")] = 3
    days: Annotated[Whole, Field(ge=1, description="Most days from one payment to the next.")] = 7
    rate: Annotated[
        str, Field(description="Share of false ones among the links that are called, in quotes.")
    ] = "0.05"
    draws: Annotated[
        Whole | None, Field(ge=1, description="Draws of chance; as many as the rate needs, if not.")
    ] = None
    tests: Annotated[
        Whole | None,
        Field(ge=1, description="All tests that were run, those tried before with them."),
    ] = None
    least: Annotated[
        str, Field(description="Smallest share of what a vendor paid worth calling, in quotes.")
    ] = "0.01"
    crowd: Annotated[
        Whole,
        Field(ge=1, description="Paid by so many others, one may hold the money of many."),
    ] = 10
    seed: Annotated[Whole, Field(ge=0, description="What the draws follow from.")] = 0
    chain: Annotated[
        ChainName | None, Field(description="Where; that of [subjects], if not given.")
    ] = None
    asset: Annotated[
        Token | None,
        Field(description="In what; what the case follows there, or else the coin, if not given."),
    ] = None

    def answer(self, ground: Ground) -> Iterator[Answer]:
        """Yield a verdict for each vendor, with what it rests on."""
        asset = ground.asset(self.asset, self.chain)
        here = ground.subjects.filter(ground.subjects["chain"] == asset.chain)
        if not self.vendors and here.is_empty():
            raise CaseError(
                f"the case has no subject on {find_chain(asset.chain).alias}",
                remedy="name the vendors",
            )
        tags = ground.tags
        vendors = addresses_named(self.vendors, tags, asset.chain) if self.vendors else here
        found = link_test(
            ground.ledger.chain_only(find_chain(asset.chain)), vendors,
            addresses_named(self.network, tags, asset.chain), tags=tags,
            clusters=ground.owners if find_chain(asset.chain).family == "utxo" else None,
            asset=asset, hops=self.hops, days=self.days, rate=self.rate, draws=self.draws,
            tests=self.tests,
            least=self.least, crowd=self.crowd, seed=self.seed,
        )  # fmt: skip
        yield Answer(found, self.name)
