"""What every result keeps: people can read it. A new kind of result needs a line in ``MAKERS``."""

from __future__ import annotations

import importlib
import pkgutil
import typing
from collections.abc import Callable
from datetime import UTC, date, datetime
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import polars as pl
import pytest
import regtest_chain

import chainwatch as cw
from chainwatch.addresses.assets import native
from chainwatch.attribution.actors import ACTORS, Actors
from chainwatch.attribution.contact import in_context
from chainwatch.attribution.statements.statement import NOTES, Statement
from chainwatch.attribution.tags import make_tags
from chainwatch.change_models.features import NAMES
from chainwatch.change_models.measure import MEASURED
from chainwatch.change_models.model import TERMS
from chainwatch.change_models.rates import change_rates
from chainwatch.change_models.trees import LEAF, WHOLE, Thresholds, Trees, rows_of
from chainwatch.clusters.peeling.chains import Shape
from chainwatch.clusters.rounds import change_rounds
from chainwatch.evaluate.calibration import calibrate
from chainwatch.evaluate.evaluation import World, evaluate
from chainwatch.evaluate.peel_rates import peel_rates
from chainwatch.evaluate.truth import Truth
from chainwatch.figures.case_figures import case_figure
from chainwatch.heuristics import change
from chainwatch.ledger import schema
from chainwatch.ledger.ledger import Ledger
from chainwatch.ledger.prices import make_prices
from chainwatch.privacy.leaks.leaks import searched
from chainwatch.privacy.leaks.secrets import Secrets
from chainwatch.results.result import Result
from chainwatch.results.table import Privacy
from chainwatch.results.text_frame import text_frame
from chainwatch.simulate.bridges.simulation import simulate_bridges
from chainwatch.simulate.campaigns.simulation import simulate_campaigns
from chainwatch.simulate.holders.simulation import simulate_holders
from chainwatch.simulate.networks.simulation import simulate_vendor_links
from chainwatch.simulate.pools import simulate_pools
from chainwatch.simulate.services.simulation import simulate_services
from chainwatch.simulate.swaps.simulation import SimulatedSwaps, simulate_swaps
from chainwatch.tracing.crossings.rates import crossing_rates
from chainwatch.tracing.custody.rates import custody_rates, known_custody
from chainwatch.tracing.fetch import LEFT, Fetched
from chainwatch.tracing.meaning.rates import meaning_rates
from chainwatch.triage.health.warning_rates import Outcome, rates_of
from chainwatch.triage.identity.profiles import Profile
from chainwatch.triage.link_test.rates import LinkRates, link_rates
from chainwatch.typologies.rates import typology_rates

COIN = native("btc-regtest")
KEY = (
    "xpub661MyMwAqRbcFtXgS5sYJABqqG9YLmC4Q1Rdap9gSE8NqtwybGhePY2gZ29ESFjqJoCu1Rupje8Yt"
    "GqsefD265TMg7usUDFdp6W1EGMcet8"
)
"""The root key of the first test vector of BIP 32."""


def accounts() -> Ledger:
    """Return a small account chain on which people swap."""
    return swapping().ledger()


def swapping() -> SimulatedSwaps:
    return simulate_swaps(0, part="fit", deeds=60, people=10)


def through_swaps(made: SimulatedSwaps) -> cw.ThroughSwaps:
    """Return what is followed from whoever swapped first."""
    ledger, first = made.ledger(), next(one for one in made.truth if one.meaning == "swap")
    return cw.trace_through_swaps(
        ledger, [first.payer], asset=made.asset(first.asset), policy="fifo",
        through=cw.meanings(ledger),
    )  # fmt: skip


class Made:
    """The results of the made-up case, each made once."""

    def __init__(self, case: Any, pulled: Result) -> None:
        self.pulled = pulled
        self.ledger: Ledger = case.ledger
        self.tags: cw.Tags = case.tags
        self.clusters = cw.cluster(cw.co_spends(self.ledger), tags=self.tags)
        self.vendors = self.tags.where(concept="vendor")
        self.services = self.tags.where(concept="service")
        self.trace = cw.trace(
            self.ledger, self.vendors.addresses(), policy="fifo", stop=self.services,
            clusters=self.clusters,
        )  # fmt: skip

    def explained(self) -> Result:
        row = self.clusters.forest.row(0, named=True)
        return self.clusters.why(row["a"], row["b"])

    def joined(self) -> int:
        several = self.ledger.transactions.filter(pl.col("input_count") > 1)
        return int(several.head(1).collect()["tx"][0])

    def transaction(self) -> Result:
        return cw.show(self.ledger, self.joined())

    @property
    def truth(self) -> Truth:
        owned = self.clusters.frame.with_columns(pl.lit("somebody").alias("owner"))
        return Truth(owned, "a test")

    def by_hand(self) -> cw.tracing.actions.by_hand.HandPath:
        came = {"left_on": ["tx", "n"], "right_on": ["source_tx", "source_n"]}
        spent = self.trace.origins.join(self.trace.steps, how="semi", **came)
        txid, n = spent.select("txid", "n").row(0)
        return cw.by_hand(self.ledger, f"{txid[::-1].hex()}:{n}", why="it is a test").step(
            to=0, why="the first output"
        )

    def hosted(self) -> cw.Hosted:
        return cw.hosted(self.ledger, self.services, asset=COIN)

    def ranged(self) -> cw.TraceRange:
        return cw.trace_all(self.ledger, self.vendors.addresses(), stop=self.services)

    def leaks(self) -> Result:
        """Return what a text gives away of the addresses of the vendors, and what is no file."""
        chain = self.vendors.frame["chain"][0]
        secrets = Secrets(frozenset((chain, one) for one in self.vendors.frame["address"]))
        with TemporaryDirectory() as folder:
            said = self.vendors.plain()["address"][0]
            (Path(folder) / "a.txt").write_text(said)
            (Path(folder) / "b.json").write_text("{")
            return searched(Path(folder), secrets)

    def people(self) -> cw.PeopleRoles:
        return cw.roles(
            self.ledger, self.vendors.addresses(), tags=self.tags, clusters=self.clusters,
            small=1_000_000,
        )  # fmt: skip

    def counterparties(self) -> Result:
        subjects = self.vendors.addresses()
        return cw.counterparties(self.ledger, subjects, asset=COIN, tags=self.tags)


def one_tree() -> cw.ChangeModel:
    """Return a model of change written by hand: change is what stands last."""
    leaf = (LEAF, 0, LEAF, LEAF)
    nodes = rows_of([[(NAMES.index("last"), 0, 1, 2, 0), (*leaf, 0), (*leaf, WHOLE)]])
    terms = dict.fromkeys(TERMS, "a test") | {"features": list(NAMES)}
    counted = MEASURED.frame([("held out", "payments called change", 1, 9, 4, 25)])
    return cw.ChangeModel(counted, Trees(nodes), Thresholds(WHOLE, WHOLE), terms)


@cache
def judged_links() -> LinkRates:
    """Return the rates of one simulated world, which takes seconds and is made once."""
    return link_rates([simulate_vendor_links(0, part="fit")])


def _ferry(services: cw.Tags) -> dict[str, dict[str, list[bytes]]]:
    """Return a bridge of the wallets of services."""
    return {"ferry": {"btc-regtest": services.frame["address"].unique().sort().to_list()}}


def _selling(made: Made) -> cw.Tags:
    """Return the vendors with a class of substances in their contexts."""
    context = in_context(None, ["messaging"], ["nitazenes"])
    return make_tags(made.vendors.frame.with_columns(context=pl.lit(context)))


def _seen() -> cw.Tags:
    """Return tags of somebody whose listing has a day."""
    pytest.importorskip("scipy", reason="scipy is not installed")
    row = dict.fromkeys(schema.TAGS.schema) | {
        "chain": COIN.chain, "address": bytes(21), "label": "x", "source": "x", "pack": "x",
        "confidence": "unknown", "level": 5,
        "context": '{"substance": "nitazenes", "listed": ["2024-09-02", "2024-09-03"]}',
    }  # fmt: skip
    other = row | {"address": bytes(20) + b"1"}
    return make_tags(pl.DataFrame([row, other], schema=schema.TAGS.schema, orient="row"))


def _rated(found: dict[str, list[Outcome]]) -> Result:
    """Return rates of what came of alarms."""
    pytest.importorskip("scipy", reason="scipy is not installed")
    return rates_of(found)


def _released(made: Made) -> tuple[Result, Result]:
    """Return a release, and the ledger that it was paid from."""
    pytest.importorskip("opendp", reason="opendp is not installed")
    span = {"since": "2023-06-01", "until": "2023-09-01", "who": "a test", "why": "a test"}
    with TemporaryDirectory() as folder:
        file = Path(folder) / "releases.jsonl"
        cw.set_privacy_budget(file, chains="btc-regtest", epsilon=1, **span)
        found = cw.health_release(
            made.ledger, _selling(made), releases=file, epsilon=1, by=["substance", "week"], **span
        )
        return found, cw.read_releases(file)


def sellers() -> cw.VendorIdentities:
    """Return two profiles that one key joins, with an address of each."""
    held = {"fingerprint": "0123456789" * 4, "proven": True, "source": "a crawl"}
    listed = [
        Profile(market, "Kelp", addresses=((COIN.chain, bytes([1, at]) + bytes(19)),), **held)
        for at, market in enumerate(("Otter", "Seal"))
    ]
    return cw.vendor_identities(cw.Profiles(tuple(listed)))


MAKERS: dict[str, Callable[[Made], Result]] = {
    "ActionSheet": lambda made: cw.action_sheet(made.trace, tags=made.tags, ledger=made.ledger),
    "Actors": lambda _: Actors(
        ACTORS.frame([("kelp", "kelp.example", "Kelp", date(2024, 1, 2), None, "x.yaml")])
    ),
    "AddressSummary": lambda made: cw.show(made.ledger, made.vendors.frame["address"][0]),
    "AnonymitySets": lambda made: cw.anonymity_sets(made.ledger),
    "Alerts": lambda made: cw.alerts(
        made.ledger,
        typologies=[cw.typologies.fan_in(senders=3, spread=500, of_all=1, again=100)],
        clusters=made.clusters,
    ),
    "Convergence": lambda made: cw.converge(
        made.ledger,
        made.vendors,
        tags=made.tags,
        clusters=made.clusters,
        people=made.people(),
        least=2,
    ),
    "Ranking": lambda made: cw.rank(
        made.ledger, made.tags, clusters=made.clusters, people=made.people()
    ),
    "VendorIdentities": lambda _: sellers(),
    "Answers": lambda made: cw.ask(made.ledger, cw.heuristics.coinjoin.JOINT),
    "Apart": lambda made: cw.keep_apart(tags=made.tags),
    "BatchedPayments": lambda _: cw.batched_payments(
        simulate_holders(0, part="fit", days=20, people=20).ledger()
    ),
    "Calibration": lambda made: calibrate([(made.clusters.links, made.truth)]),
    "ChangeLabels": lambda made: cw.change_labels(made.ledger),
    "ChangeModel": lambda _: one_tree(),
    "ChangeVotes": lambda made: one_tree().why(
        made.ledger, made.ledger.transactions.filter(~pl.col("coinbase")).collect()["txid"][0]
    ),
    "ChangeRates": lambda made: change_rates(
        [World("otter", made.ledger, made.truth)], {"small": change.optimal_change()}
    ),
    "CheckReport": lambda made: cw.check(made.ledger),
    "ClusterGraph": lambda made: made.clusters.graph(
        made.ledger, made.clusters.frame["cluster"][0]
    ),
    "Clusters": lambda made: made.clusters,
    "Comparison": lambda made: cw.compare(
        made.clusters, made.clusters.cut(tx=made.clusters.forest["txid"][0])
    ),
    "Counterparties": Made.counterparties,
    "CrossingRates": lambda _: crossing_rates(
        [simulate_bridges(0, part="fit", days=5, deposits=40)]
    ),
    "Crossings": lambda made: cw.crossings(
        made.ledger, bridges=_ferry(made.services), assets=[COIN]
    ),
    "CustodyRates": lambda _: custody_rates(
        [known_custody(simulate_services(0, part="fit", days=10, people=20))]
    ),
    "EarlyWarning": lambda _: cw.early_warning(_seen(), since="2024-01-01", until="2024-12-30"),
    "Evaluation": lambda made: evaluate(
        [World("otter", made.ledger, made.truth)], {"default": lambda _: made.clusters}
    ),
    "Explanation": Made.explained,
    "Exposure": lambda made: cw.exposure(made.trace, made.tags),
    "Facts": lambda made: cw.make_facts(
        reviews=pl.DataFrame({"vendor": ["kelp"], "time": ["2024-03-01"], "price": [5]}),
        published=made.vendors.frame.select("chain", "address").head(1),
    ),
    "Fetched": lambda made: Fetched(
        made.ledger,
        (made.vendors.frame["address"][0],),
        1,
        1,
        pl.DataFrame(
            [(made.services.frame["address"][0], 5, 3, "budget spent")],
            schema=LEFT.schema,
            orient="row",
        ),
    ),
    "Finding": lambda made: made.trace.findings(made.vendors.addresses())[0],
    "WhatWasRead": lambda made: cw.what_was_read(made.ledger),
    "CaseFigure": lambda made: case_figure(made.trace, kind="sum_check"),
    "FlowFigure": lambda made: cw.figures.flow(made.trace, made.clusters),
    "GraphFigure": lambda made: cw.figures.flow_graph(made.trace, made.clusters),
    "InteractiveFigure": lambda made: cw.figures.interactive(made.trace, made.clusters),
    "Fragility": lambda made: made.clusters.fragility(made.clusters.frame["cluster"][0]),
    "HandPath": Made.by_hand,
    "HealthRelease": lambda made: _released(made)[0],
    "HandTrace": lambda made: made.by_hand().trace(policy="fifo", stop=made.services),
    "Hosted": Made.hosted,
    "Interpretations": lambda made: cw.interpretations(made.ledger, made.joined()),
    "KeyAddresses": lambda made: cw.addresses_of_xpub(KEY, gap=2),
    "Leaks": Made.leaks,
    "LinkRates": lambda _: judged_links(),
    "LinkTests": lambda made: cw.link_test(
        made.ledger,
        made.vendors,
        made.tags.where(concept="donation"),
        tags=made.tags,
        clusters=made.clusters,
    ),
    "Links": lambda made: made.clusters.links,
    "MeaningRates": lambda _: meaning_rates([swapping()]),
    "MarketActivity": lambda made: cw.market_activity(
        made.ledger, _selling(made), since="2023-06-01", until="2023-09-01"
    ),
    "Meanings": lambda _: cw.meanings(accounts()),
    "MixLeads": lambda made: cw.mix_leads(made.ledger, cw.anonymity_sets(made.ledger)),
    "Mixes": lambda made: cw.mixes(made.ledger),
    "MixesMet": lambda made: cw.mixes_met(made.ledger, most=0),
    "PeelChains": lambda made: cw.peel_chains(
        made.ledger, tags=made.tags, shape=Shape(least_hops=2, most_percent=50)
    ),
    "PeelRates": lambda made: peel_rates([(cw.peel_steps(made.ledger, made.clusters), made.truth)]),
    "PeelSteps": lambda made: cw.peel_steps(made.ledger, made.clusters),
    "Paths": lambda made: cw.paths(
        made.ledger, made.vendors.addresses(), made.services.addresses(), tags=made.tags
    ),
    "PeopleRoles": Made.people,
    "PoolWithdrawals": lambda _: cw.pool_withdrawals(
        (pooled := simulate_pools(0)).ledger, [cw.MixingPool(*one) for one in pooled.pools]
    ),
    "Prices": lambda _: make_prices(
        schema.PRICES.frame(
            [
                (
                    COIN.chain,
                    None,
                    "EUR",
                    "day",
                    datetime(2023, 6, 1, tzinfo=UTC),
                    "25000.5",
                    "a bank",
                )
            ]
        )
    ),
    "NetChanges": lambda _: cw.net_changes(accounts()),
    "PullReport": lambda made: made.pulled,
    "Received": lambda made: cw.received(
        made.ledger, made.vendors, method="MI-DC", clusters=made.clusters, asset=COIN
    ),
    "RoleReasons": lambda made: made.people().why(made.vendors.frame["address"][0]),
    "ReferralSheet": lambda _: cw.referral_sheet(
        pathways=[dict.fromkeys(("name", "contact", "hours", "languages"), "somebody")],
        region="here",
    ),
    "Releases": lambda made: _released(made)[1],
    "Rounds": lambda made: change_rounds(made.ledger, made.clusters.links, change.optimal_change()),
    "Slots": lambda made: cw.slots(made.ledger, made.joined()),
    "SpreadTags": lambda made: cw.spread_tags(made.tags, made.clusters, spread_unstated=True),
    "Statement": lambda _: Statement(NOTES.empty(), make_tags(schema.TAGS.empty())),
    "TagHits": lambda made: cw.hits(made.ledger, made.tags),
    "TagUses": lambda made: cw.findings_using(made.services, [made.trace]),
    "Tags": lambda made: made.tags,
    "Taint": lambda made: cw.taint(made.ledger, made.vendors.addresses(), policy="haircut"),
    "ThroughSwaps": lambda _: through_swaps(swapping()),
    "Trace": lambda made: made.trace,
    "TraceAcross": lambda made: cw.trace_across(
        made.ledger,
        made.vendors.addresses(),
        cw.crossings(made.ledger, bridges=_ferry(made.services), assets=[COIN]),
        policy="fifo",
    ),
    "TraceRange": Made.ranged,
    "TransactionSummary": Made.transaction,
    "TypologyRates": lambda _: typology_rates(
        [simulate_campaigns(0, part="fit", days=210, people=60, each=1)],
        [cw.typologies.structuring(), cw.typologies.cycle()],
    ),
    "WalletRoles": lambda made: cw.service_roles(made.ledger, made.tags, asset=COIN),
    "WarningRates": lambda _: _rated({"by hand": [Outcome((3,), (1,), 0, 92)] * 9}),
    "Watched": lambda made: cw.watch(made.trace, made.ledger),
}


def kinds() -> set[type[Result]]:
    """Return every kind of result in the package, public or not."""
    for found in pkgutil.walk_packages(cw.__path__, "chainwatch."):
        if not found.name.endswith("__main__"):
            importlib.import_module(found.name)
    known, waiting = set[type[Result]](), [Result]
    while waiting:
        waiting += (below := waiting.pop().__subclasses__())
        known |= {kind for kind in below if kind.__module__.startswith("chainwatch.")}
    return known


def frames_of(result: Result) -> dict[str, pl.DataFrame]:
    """Return the frames that a result hands out."""
    return {
        name: value
        for name, value in vars(result).items()
        if isinstance(value, pl.DataFrame) and not name.startswith("_")
    }


@pytest.fixture(scope="module")
def made(otter_case: Any, tmp_path_factory: pytest.TempPathFactory) -> Made:
    folder = tmp_path_factory.mktemp("pulled")
    (folder / "blocks.dat").write_bytes(regtest_chain.framed(regtest_chain.genesis()))
    source = cw.BlockFiles(folder / "blocks.dat", chain="btc-regtest")
    return Made(otter_case, cw.pull(folder / "ledger", source))


def test_every_kind_of_result_is_tried() -> None:
    assert {kind.__name__ for kind in kinds()} == set(MAKERS)


def test_a_public_verb_returns_what_people_can_read() -> None:
    """A result, a ledger, or a frame: each has ``plain``, as a method or as a function."""
    for name in cw.__all__:
        verb = getattr(cw, name)
        if isinstance(verb, type):
            continue
        given = typing.get_type_hints(verb).get("return")
        for kind in typing.get_args(given) or (given,):
            if isinstance(kind, type) and issubclass(kind, (Result, Ledger)):
                assert callable(kind.plain), name
    assert callable(cw.plain)


@pytest.mark.parametrize("name", sorted(MAKERS))
def test_every_table_has_a_form_for_people(name: str, made: Made) -> None:
    result = MAKERS[name](made)
    for table, rows in result.tables().items():
        plain = result.plain(table)
        assert plain.height == rows.frame.height, table
        assert pl.Binary not in plain.dtypes, table
        assert not any(isinstance(dtype, pl.Datetime) for dtype in plain.dtypes), table
        amounts = [one.name for one in rows.table.columns if one.privacy is Privacy.AMOUNT]
        for column in set(amounts) & set(plain.columns) - {"amount"}:
            if rows.frame[column].drop_nulls().len():
                assert f"{column}_coins" in plain.columns, f"{table}.{column}"


@pytest.mark.parametrize("name", sorted(MAKERS))
def test_what_is_printed_in_the_working_edition_is_text(
    name: str, made: Made, working: None
) -> None:
    result = MAKERS[name](made)
    for shown in (result, *frames_of(result).values()):
        for said in (repr(shown), str(shown), shown._repr_html_() or ""):
            assert "\\x" not in said, name


@pytest.mark.parametrize("name", sorted(MAKERS))
def test_frames_name_nobody_while_somebody_is_masked(name: str, made: Made) -> None:
    for column, frame in frames_of(MAKERS[name](made)).items():
        if pl.Binary in frame.dtypes:
            said = repr(frame) + frame._repr_html_()
            assert "\\x" not in said, column
            assert frame.is_empty() or "set_edition('working'" in said


def test_shares_of_exposure_print_nobody_either(made: Made) -> None:
    shares = cw.exposure(made.trace, made.tags).shares()
    assert "behind" in shares.columns
    assert "<th>behind</th>" not in shares._repr_html_()


@pytest.mark.parametrize("edition", ["disclosure", "working"])
@pytest.mark.parametrize("name", sorted(MAKERS))
def test_no_frame_prints_the_parties_whom_a_row_adds_up(
    name: str, edition: str, made: Made, request: pytest.FixtureRequest
) -> None:
    """They stand in a frame for editions alone: by name, in hexadecimal, also those masked."""
    result = MAKERS[name](made)
    if edition == "working":
        request.getfixturevalue("working")
    tables = [pl.DataFrame(rows.frame) for rows in result.tables().values()]
    for frame in [*frames_of(result).values(), *map(text_frame, tables)]:
        assert "<th>behind</th>" not in frame._repr_html_()
        listed = frame["behind"].drop_nulls().str.split(",") if "behind" in frame.columns else []
        for party in {one for row in listed for one in row if len(one) > 2}:
            assert edition == "working" or party not in repr(frame) + frame._repr_html_()


def test_the_tables_of_a_ledger_have_a_form_for_people(made: Made) -> None:
    outputs = made.ledger.plain("outputs", rows=5)
    assert outputs.height == 5
    assert outputs["value_coins"].to_list()[0] == "50"
    assert outputs["chain"].unique().to_list() == ["btc-regtest"]
    for table in ("blocks", "transactions", "inputs", "coverage", "tags"):
        assert pl.Binary not in made.ledger.plain(table).dtypes
    assert made.ledger.plain("outputs", rows=None).height == made.ledger.outputs.collect().height
