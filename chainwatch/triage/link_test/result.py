"""``LinkTests``: a verdict for each vendor, what it rests on, and what else could explain it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import polars as pl

from chainwatch.addresses.assets import Asset
from chainwatch.attribution.resolve import Owners
from chainwatch.attribution.tags import Tags, make_tags
from chainwatch.errors import InputError
from chainwatch.ledger.ledger import Ledger
from chainwatch.ledger.schema import TAGS
from chainwatch.results.mask import shown_address
from chainwatch.results.result import Finding, Result
from chainwatch.results.roles import FINDING, Roles
from chainwatch.results.sentence import Sentence, Sum, sentence
from chainwatch.results.table import Rows
from chainwatch.results.text_frame import text_frame
from chainwatch.tracing.paths.paths import paths
from chainwatch.tracing.paths.ranking import WEAKEST
from chainwatch.tracing.paths.result import Paths
from chainwatch.tracing.ranges.trace_all import trace_all
from chainwatch.tracing.subjects import addresses_of, widened
from chainwatch.triage.link_test.explanations import CATALOGUE, LIKELY
from chainwatch.triage.link_test.judged import AT_CROWD, CHANCE, LINK, NO_ROUTE, NOT_TESTABLE, Terms
from chainwatch.triage.link_test.measured import BASIS, measured_on
from chainwatch.triage.link_test.tables import (
    EXPLANATIONS,
    NETWORK,
    ON_VENDORS,
    STEPS,
    TESTS,
    VALUES,
)
from chainwatch.triage.word import SUBJECT, titled
from chainwatch.units import counted, exact_sum

WORDING = (
    "A verdict says what payments are consistent with, and never whose a wallet is or what its"
    " holder knew. No route is no proof that nothing was paid; consistent with chance is no proof"
    " that there is no link."
)

SAID = {
    LINK: "are consistent with a link to the network",
    CHANCE: "are consistent with chance",
    NO_ROUTE: "reached the network by no route that was found among what was read",
    AT_CROWD: "go to the network by somebody whom many pay, who may be a service: nothing is said"
    " of them",
    NOT_TESTABLE: "cannot be told from chance by what was read: not testable",
}
"""Each verdict as a sentence says it."""

PROPOSITIONS = (
    "that its holder pays the network again and again, rather than that it pays as wallets of its"
    " size, age and activity do"
)
"""What a likelihood ratio compares."""


class Basis(NamedTuple):
    """What tests were made of, for what is asked of them later."""

    ledger: Ledger | None = None
    tags: Tags | None = None
    clusters: Owners | None = None


@dataclass(frozen=True, repr=False, eq=False)
class LinkTests(Result):
    """Tests of the links of vendors to one network.

    Attributes
    ----------
    asset : Asset
        What is paid.
    frame, explanations, steps, network : polars.DataFrame
        Rows in ``TESTS``, ``EXPLANATIONS``, ``STEPS`` and ``NETWORK``.
    terms : Terms
        On what terms they were tested.
    tests, needed : int
        All tests that the correction counts, and the draws that it needs for a lone discovery.
    unknown : int
        Payments to the network whose payer is not known, or not known to have wanted them.
    unmet : int
        Addresses of the network that neither pay nor are paid in what was read.
    wish_told : bool
        Whether anything was read that says of payments that their payers wanted them.
    word : str
        What those who are tested are called: vendors only where tags call all of them so.
    basis : Basis
        Ledger, tags and owners, of which routes and values are made when they are asked for.
    """

    trial = True

    asset: Asset
    frame: pl.DataFrame
    explanations: pl.DataFrame
    steps: pl.DataFrame
    network: pl.DataFrame
    terms: Terms
    tests: int
    needed: int
    unknown: int = 0
    unmet: int = 0
    basis: Basis = field(default=Basis())
    wish_told: bool = True
    word: str = SUBJECT

    def tables(self) -> Mapping[str, Rows]:
        """Return the tables that make up the content digest."""
        rows = (
            TESTS.rows(self.frame), EXPLANATIONS.rows(self.explanations), STEPS.rows(self.steps),
            NETWORK.rows(self.network),
        )  # fmt: skip
        return {one.table.name: one for one in rows}

    def words(self) -> Mapping[str, Any]:
        """Return the terms, which are digested as well."""
        one = self.terms
        return {
            "hops": one.hops, "days": one.days, "rate": str(one.rate), "draws": one.draws,
            "tests": self.tests, "needed": self.needed, "least": str(one.least),
            "crowd": one.crowd, "seed": one.seed, "unknown": self.unknown,
            "unmet": self.unmet, "wish_told": self.wish_told, "word": self.word,
        }  # fmt: skip

    def roles(self) -> Roles:
        """Return that the called vendors and the network's given addresses are findings.

        Whoever was only tested is shown for no reason: who is a subject of the case is one by what
        follows him, and whom roles of people protect stays masked.
        """
        chain = self.asset.chain
        return Roles(
            spreading={(chain, one): FINDING for one in self.linked["vendor"]},
            single={(chain, one): FINDING for one in self.network["address"]},
        )

    @property
    def linked(self) -> pl.DataFrame:
        """The vendors whose payments are consistent with a link."""
        return text_frame(self.frame.filter(pl.col("verdict") == LINK), self.asset.chain)

    def findings(self, subjects: pl.DataFrame) -> Sequence[Finding]:
        """Return the tests, on what terms they are, and what could innocently explain them."""
        text = [self.answer(), WORDING, self._terms_told(), self._strength(), *self._not_known()]
        asked = (f"{name}: {(ask.__doc__ or '').strip()}" for name, ask in CATALOGUE)
        listed = titled(ON_VENDORS, self.word)
        rows = self.frame.select(ON_VENDORS.names).rename({"vendor": self.word})
        return (
            Finding(
                "Whether links to the network are more than chance", tuple(text),
                listed.rows(rows), self.asset, tuple(asked), self.answer(),
            ),
        )  # fmt: skip

    def _counted(self, number: int) -> str:
        return counted(number, self.word, f"{self.word}s")

    def tests_run(self) -> int:
        """Return how many vendors were tested."""
        return self.frame.height

    def against(self) -> Sequence[str]:
        """Return how many tests found no link that is more than chance."""
        rest = self.frame.height - self.linked.height
        if not rest:
            return ()
        said = f"{self._counted(rest)} {'is' if rest == 1 else 'are'}"
        return (f"payments of {said} not {LINK} to the network, of {self.frame.height:,} tested.",)

    def answer(self) -> str:
        """Return in a sentence how many vendors' payments are consistent with a link."""
        count = dict(self.frame["verdict"].value_counts().iter_rows())
        linked = f"{count.get(LINK, 0):,} {LINK} to the network{self._else()}"
        others = (
            (CHANCE, CHANCE), (NO_ROUTE, "without a route"), (NOT_TESTABLE, NOT_TESTABLE),
            (AT_CROWD, "by somebody whom many pay"),
        )  # fmt: skip
        parts = [f"{count[one]:,} {words}" for one, words in others if count.get(one)]
        of = self._counted(self.frame.height)
        unmet = self.unmet == self.network.height
        blind = " None of the network's addresses was met in what was read." if unmet else ""
        return f"Of {of}, payments of {', '.join([linked, *parts])}.{blind}"

    def _else(self) -> str:
        """Return of how many of those called an innocent explanation is likely, in words."""
        likely = self.explanations.filter(pl.col("answer") == LIKELY)
        many = self.linked.join(likely, on="vendor", how="semi").height
        return f" ({many:,} of them likely explained otherwise)" if many else ""

    def _terms_told(self) -> str:
        one = self.terms
        return (
            f"Routes have at most {counted(one.hops, 'payment', 'payments')}, each at most"
            f" {counted(one.days, 'day', 'days')} after the one before, and end at services and at"
            f" whoever is paid by {one.crowd:,} others. What is tested is the share of what a"
            f" {self.word} paid that could have reached the network, its best week left out, in"
            " proportion to what everybody on the way held and paid. The larger of two p-values"
            " counts; they are corrected by Benjamini and Yekutieli at a false discovery rate of"
            f" {float(one.rate):.3g} over {counted(self.tests, 'test', 'tests')}, for which"
            f" {self.needed:,} matched wallets and as many draws are needed."
        )

    def _strength(self) -> str:
        """Return how strong being called is, as measured on simulated vendors; nothing if not."""
        found = measured_on(self.terms)
        ratio = found.ratio() if found else None
        if found is None or ratio is None:
            return "How often such verdicts are right was not measured on these terms."
        return (
            f"On {BASIS} links were found in {found.power}, and of those without one were called"
            f" {found.false}, worlds counting as cases. So that a wallet is called supports the"
            f" proposition {PROPOSITIONS}, by a likelihood ratio of at least"
            f" {ratio.at_least:,.2f} ({ratio.strength} support), conditional on the simulator. How"
            " probable a link is depends on what else is known."
        )

    def _not_known(self) -> Iterator[str]:
        """Yield what of the network and of the vendors is not known."""
        if not self.wish_told:
            yield (
                "Of no payment was anything read that says whether its payer wanted it: all count,"
                f" and transfers that others made in a {self.word}'s name are not told from its"
                " own."
            )
        if self.unknown:
            yield (
                f"Of {counted(self.unknown, 'payment', 'payments')} to the network the payer is not"
                " known, or not known to have wanted it; no route is counted there."
            )
        if self.unmet:
            yield (
                f"{counted(self.unmet, 'address', 'addresses')} of the network neither paid nor"
                " were paid in what was read; a route to them would not be seen."
            )
        if unread := self.frame["unread"].drop_nulls().len():
            yield (
                f"Not all payments of {self._counted(unread)} were read: what they"
                " could have brought to the network is at least what is told."
            )

    # One vendor.

    def _one(self, vendor: str | bytes) -> dict[str, Any]:
        named = list(addresses_of(vendor, self.asset))
        if len(named) != 1:
            raise InputError(f"{len(named)} vendors are named", remedy="ask for one at a time")
        (address,) = named
        rows = self.frame.filter(pl.col("vendor") == address)
        if rows.is_empty():
            raise InputError("that vendor was not tested", remedy="give one of .frame['vendor']")
        return rows.row(0, named=True)

    def why(self, vendor: str | bytes) -> Sentence:
        """Return in sentences what is said of a vendor, and what it rests on.

        Raises
        ------
        InputError
            If the vendor was not tested.
        """
        row = self._one(vendor)
        asked = self.explanations.filter(pl.col("vendor") == row["vendor"])
        others = "".join(
            f" {one['explanation'].capitalize()}: {one['answer']} ({one['because']})."
            for one in asked.iter_rows(named=True)
        )
        return sentence(
            f"Payments of {shown_address(self.asset.chain, row['vendor'])} {SAID[row['verdict']]}.",
            self._reached(row), self._compared(row),
            f" {self._strength()}" if row["verdict"] == LINK else "", others,
        )  # fmt: skip

    def _reached(self, row: Mapping[str, Any]) -> Sentence:
        short = f" Of its own payments it is not known: {row['unread']}." if row["unread"] else ""
        if row["verdict"] in (NO_ROUTE, AT_CROWD):
            return sentence(short)
        mine = frozenset([row["vendor"]])
        return sentence(
            " Of ", Sum(int(row["paid"]), self.asset, mine), " that it paid, ",
            Sum(int(row["reached"]), self.asset, mine), " could have reached the network within"
            f" {counted(self.terms.hops, 'payment', 'payments')}, and without its best week ",
            Sum(int(row["again"]), self.asset, mine), f" ({100 * row['share']:.2f} %).{short}",
        )  # fmt: skip

    def _compared(self, row: Mapping[str, Any]) -> str:
        why = f" Why: {row['why']}." if row["why"] else ""
        if row["p_matched"] is None:
            return why
        least = row["ratio_low"]
        times = f", at least {least:,.1f} times the mean of theirs" if least else ""
        return (
            f" Of {row['matched']:,} matched wallets {row['as_far']:,} reach it with as large a"
            f" share{times} (p {row['p_matched']:.2g}), and of {row['draws']:,} draws of other"
            f" receivers {row['drawn_as_far']:,} (p {row['p_drawn']:.2g}); corrected for"
            f" {counted(self.tests, 'test', 'tests')}, {row['adjusted']:.2g}.{why}"
        )

    def routes(self, vendor: str | bytes, k: int = 3) -> Paths:
        """Return the best routes of a vendor to the network, by their weakest evidence.

        Raises
        ------
        InputError
            If the vendor was not tested, or the payments were not read from a ledger.
        """
        row, basis = self._one(vendor), self.basis
        return paths(
            self._ledger(), [row["vendor"]], self.network["address"].to_list(), k=k, by=WEAKEST,
            tags=basis.tags, clusters=basis.clusters, asset=self.asset, max_hops=self.terms.hops,
        )  # fmt: skip

    def values(self, vendor: str | bytes) -> pl.DataFrame:
        """Return what of a vendor's money reached the network under every policy.

        It is followed to the network, to services, and no further than the hops of the test. No
        policy knows of ``days``.

        Raises
        ------
        InputError
            If the vendor was not tested, or the payments were not read from a ledger.
        """
        row, basis = self._one(vendor), self.basis
        theirs = pl.Series(sorted(self._network()), dtype=pl.Binary)
        stop: list[Any] = [_as_tags(self.asset.chain, theirs)]
        stop += [] if basis.tags is None else [basis.tags.services()]
        found = trace_all(
            self._ledger(), [row["vendor"]], stop=stop, clusters=basis.clusters, asset=self.asset,
            max_hops=self.terms.hops,
        )  # fmt: skip
        arrived = found.destinations.filter(pl.col("address").is_in(theirs.implode()))
        by_policy = arrived.group_by("policy").agg(exact_sum("amount"))
        named = pl.DataFrame({"policy": sorted(found.traces)})
        every = named.join(by_policy, on="policy", how="left", maintain_order="left")
        told = VALUES.conform(every.with_columns(pl.col("amount").fill_null(0)))
        return text_frame(told, self.asset.chain)

    def _network(self) -> set[bytes]:
        """Return the addresses that were given as the network, and their owners' others."""
        given = tuple(self.network["address"])
        return set(widened(given, self.asset.chain, self.basis.clusters))

    def _ledger(self) -> Ledger:
        if self.basis.ledger is None:
            raise InputError(
                "these payments were not read from a ledger", remedy="ask cw.link_test(ledger, ...)"
            )
        return self.basis.ledger

    def told(self) -> Iterator[Sentence]:
        """Yield of each vendor that has a route what is said of it, links first."""
        order = {LINK: 0, NOT_TESTABLE: 1, CHANCE: 2, AT_CROWD: 3}
        rows = self.frame.filter(pl.col("verdict") != NO_ROUTE).iter_rows(named=True)
        for row in sorted(rows, key=lambda one: (order[one["verdict"]], one["vendor"])):
            yield self.why(row["vendor"])

    def __repr__(self) -> str:
        return f"LinkTests({self.answer()} {counted(self.tests, 'test', 'tests')})"


def _as_tags(chain: str, network: pl.Series) -> Tags:
    """Return a network as tags at which a trace ends."""
    given = {
        "chain": chain, "label": "network", "actor": "network", "source": "link_test",
        "confidence": "unknown", "level": 0, "pack": "link_test", "definer": False,
    }  # fmt: skip
    rows = [dict.fromkeys(TAGS.schema) | given | {"address": one} for one in network]
    return make_tags(pl.DataFrame(rows, schema=TAGS.schema))


__all__ = ["Basis", "LinkTests"]
