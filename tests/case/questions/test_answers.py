"""Each question of a case file: what its keys do, and what it says where it cannot answer."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import many_chains as world
import polars as pl
import pytest
from pydantic import ValidationError

import chainwatch as cw
from chainwatch.case.ground import Ground
from chainwatch.case.questions.account_links import AccountLinks
from chainwatch.case.questions.alerts import Alerts
from chainwatch.case.questions.convergence import Convergence
from chainwatch.case.questions.crossings import Crossings
from chainwatch.case.questions.link_tests import LinkTest
from chainwatch.case.questions.mixes import Mixes
from chainwatch.case.questions.paths import Paths
from chainwatch.case.questions.question import Answer, Question
from chainwatch.case.questions.ranking import Ranking
from chainwatch.errors import ChainwatchError
from chainwatch.figures.case_figures import CaseFigure
from chainwatch.figures.evidence.of_subjects import MOST_CARDS
from chainwatch.heuristics.links import Links
from chainwatch.results.result import Finding, digest_result
from chainwatch.tracing.crossings.across_result import TraceAcross
from chainwatch.tracing.mixers.leads import MixLeads
from chainwatch.tracing.mixers.met import NOT_ASKED, MixesMet
from chainwatch.tracing.named import addresses_named

ANN = world.account("ann")


def answers(question: Question, ground: Ground) -> list[Answer]:
    return list(question.answer(ground))


def paths(ground: Ground, **keys: Any) -> cw.Paths:
    *_, last = answers(Paths(**keys), ground)
    assert isinstance(last.result, cw.Paths)
    return last.result


class TestPaths:
    def test_the_subjects_of_the_chain_are_the_source(self, desk: Any) -> None:
        found = paths(desk.ground, target="harbour desk")
        given = found.parties.filter(side="source")["address"].to_list()
        assert given == desk.ground.parts[0].subjects["address"].to_list()
        assert found.asset == cw.native("btc-regtest")

    def test_a_picture_is_drawn_where_there_is_a_route(self, desk: Any) -> None:
        made = answers(Paths(target="harbour", name="by value"), desk.ground)
        assert [type(one.result) for one in made] == [CaseFigure, cw.Paths]
        assert {one.called for one in made} == {"", "by value"}
        none = answers(Paths(target="harbour", end=date(2023, 6, 1)), desk.ground)
        assert [type(one.result) for one in none] == [cw.Paths]
        assert none[0].called == "the subjects to harbour"

    def test_texts_together_are_one_party_and_concepts_are_names(self, desk: Any) -> None:
        both = paths(desk.ground, source=(world.coin("K"), world.coin("B")), target="exchange")
        assert both.parties.filter(side="source").height == 2
        assert both.routes["hops"].to_list() == [1]

    def test_an_output_is_meant_alone(self, desk: Any, txid: Any) -> None:
        stolen = f"{txid('paid')[::-1].hex()}:0"
        found = paths(desk.ground, source=stolen, target="harbour")
        assert found.routes["amount"].to_list() == [590_000]
        other = f"{txid('paid')[::-1].hex()}:1"
        assert paths(desk.ground, source=other, target="harbour").routes.is_empty()

    def test_days_bound_the_payments(self, desk: Any) -> None:
        assert paths(desk.ground, target="harbour").routes.height == 1
        assert paths(desk.ground, target="harbour", start=date(2023, 6, 1)).routes.height == 1
        assert paths(desk.ground, target="harbour", start=date(2023, 6, 2)).routes.height == 0

    def test_routes_end_at_deposits_where_custody_is_asked_and_go_on_where_opened(
        self, desk: Any
    ) -> None:
        asked = {"source": ANN, "target": "shop", "chain": cw.chain("eth").id, "by": "hops"}
        assert paths(desk.ground, **asked).routes.height == 3
        held = paths(desk.ground, custody="deposits", **asked)
        assert held.routes.height == 0
        assert "hosted service" in set(held.limits["reason"])
        opened = [{"address": world.account("dep1"), "why": "its holder told of it"}]
        assert paths(desk.ground, custody="deposits", opened=opened, **asked).routes.height == 3

    def test_owners_are_those_of_the_case(self, desk: Any) -> None:
        found = paths(desk.ground, target="harbour", clusters=True, mixes=True)
        given = found.record.params["clusters"] if found.record else ""
        assert given == f"sha256:{desk.ground.parts[0].owners.record.content}"

    @pytest.mark.parametrize(
        ("keys", "said"),
        [
            ({"target": "nobody"}, "'nobody' is no address of btc-regtest, and no tag calls any"),
            ({"target": "shop", "chain": "eip155:1", "clusters": True}, "clusters on eth, a chain"),
            ({"target": "harbour", "opened": [{"address": "x", "why": "y"}]}, "opened without cus"),
            ({"target": "hop", "chain": cw.chain("base").id}, "the case has no subject on base"),
            ({"target": "x", "chain": cw.chain("ltc").id}, "nothing of the chain ltc was read"),
            (
                {"target": "x", "chain": cw.chain("base").id, "asset": {"chain": "eth"}},
                "the asset is on eth, not on base",
            ),
            ({"target": world.coin("K")}, "source and target are one party"),
        ],
    )
    def test_what_cannot_be_answered_is_said(
        self, desk: Any, keys: dict[str, Any], said: str
    ) -> None:
        with pytest.raises(ChainwatchError, match=said):
            answers(Paths(**keys), desk.ground)


class TestAlerts:
    def test_shapes_of_what_the_case_follows_on_a_chain(self, desk: Any) -> None:
        told, dollars = (
            answers(Alerts(**keys), desk.ground)[0].result
            for keys in ({}, {"chain": cw.chain("eth").id})
        )
        assert isinstance(told, cw.Alerts)
        assert isinstance(dollars, cw.Alerts)
        assert told.asset == cw.native("btc-regtest")
        assert dollars.asset == desk.ground.parts[1].asset
        assert told.clusters is not None
        assert len(told.typologies) == len(cw.typologies.__all__)
        assert answers(Alerts(clusters=False), desk.ground)[0].result.clusters is None

    def test_numbers_and_days_are_those_of_the_file(self, desk: Any) -> None:
        asked = ("fan_in:senders=2,hours=24", "fan_out:receivers=2,spread=300")
        told, *cards = answers(Alerts(typologies=asked, name="fans"), desk.ground)
        assert told.called == "fans"
        mine = told.result.on(desk.ground.subjects)
        assert len(cards) == min(mine.height, MOST_CARDS)
        for card in cards:
            assert card.result.kind == "typology_card"
            assert card.result.how["alert"] in set(mine["alert"])
            assert card.result.name.startswith("fans: ")
        alone = cw.alerts(
            desk.ground.ledger.chain_only("btc-regtest"), cw.native("btc-regtest"),
            [
                cw.typologies.fan_in(senders=2, hours=24),
                cw.typologies.fan_out(receivers=2, spread=300),
            ],
            clusters=desk.ground.owners, tags=desk.ground.tags,
        )  # fmt: skip
        assert digest_result(told.result) == digest_result(alone)
        assert told.result.typologies == alone.typologies
        late = Alerts(typologies=asked, start=date(2033, 1, 1))
        assert answers(late, desk.ground)[0].result.frame.is_empty()

    @pytest.mark.parametrize("text", ["fan", "fan_in:colour=3", "fan_in:senders=many"])
    def test_what_is_no_typology_is_said(self, text: str) -> None:
        with pytest.raises(ValidationError, match=r"is no typology|no parameter|no whole number"):
            Alerts(typologies=(text,))


class TestRanking:
    def test_whom_tags_call_a_danger_is_ranked_and_small_donors_are_not(self, desk: Any) -> None:
        people, told = (one.result for one in answers(Ranking(), desk.ground))
        assert isinstance(people, cw.PeopleRoles)
        assert isinstance(told, cw.Ranking)
        assert told.asset == cw.native("btc-regtest")
        on_eth = {"chain": cw.chain("eth").id, "day": date(2033, 1, 1)}
        _, dollars = (one.result for one in answers(Ranking(**on_eth), desk.ground))
        assert dollars.asset == desk.ground.parts[1].asset
        assert dollars.day.date() == date(2033, 1, 1)

    def test_weights_of_the_file_count_with_their_source(self, desk: Any) -> None:
        own = {"concept": "exchange", "weight": 700, "source": "the judge"}
        _, told = (one.result for one in answers(Ranking(weights=[own]), desk.ground))
        row = told.weights.filter(pl.col("name") == "exchange").row(0, named=True)
        assert (row["weight"], row["source"]) == (700, "the judge")
        with pytest.raises(ValidationError, match="no concept 'evil'"):
            Ranking(weights=[{**own, "concept": "evil"}])
        with pytest.raises(ValidationError, match="source"):
            Ranking(weights=[{"concept": "vendor", "weight": 7}])


class TestLinkTests:
    def test_the_subjects_are_tested_against_whom_tags_name(self, desk: Any) -> None:
        (told,) = answers(LinkTest(network="harbour desk", seed=7), desk.ground)
        assert isinstance(told.result, cw.LinkTests)
        alone = cw.link_test(
            desk.ground.ledger.chain_only("btc-regtest"), desk.ground.parts[0].subjects,
            addresses_named(["harbour desk"], desk.ground.tags, "btc-regtest"),
            tags=desk.ground.tags, clusters=desk.ground.owners, seed=7,
        )  # fmt: skip
        assert digest_result(told.result) == digest_result(alone)

    @pytest.mark.parametrize(
        ("keys", "said"),
        [
            ({"network": "nobody"}, "no tag calls any"),
            ({"network": "hop", "chain": cw.chain("base").id}, "has no subject on base"),
            ({"network": world.coin("K")}, "network"),
            ({"network": "harbour", "rate": "7"}, "rate is no share"),
        ],
    )
    def test_what_cannot_be_answered_is_said(
        self, desk: Any, keys: dict[str, Any], said: str
    ) -> None:
        with pytest.raises(ChainwatchError, match=said):
            answers(LinkTest(**keys), desk.ground)


class TestConvergence:
    def test_vendors_are_named_by_texts(self, desk: Any) -> None:
        whom = (world.account("ann"), world.account("dep1"))
        asked = Convergence(vendors=whom, least=2, chain=cw.chain("eth").id, hops=1)
        _, told = (one.result for one in answers(asked, desk.ground))
        assert isinstance(told, cw.Convergence)
        assert told.asset == desk.ground.parts[1].asset
        assert len(told.subjects) == 2
        assert (told.settings["least"], told.settings["hops"]) == (2, 1)

    @pytest.mark.parametrize(
        ("keys", "said"),
        [
            ({}, "1 of the vendors pay or are paid"),
            ({"vendors": "nobody"}, "'nobody' is no address of btc-regtest, and no tag calls any"),
            ({"vendors": (world.coin("K"),)}, "1 of the vendors pay"),
        ],
    )
    def test_what_cannot_be_answered_is_said(
        self, desk: Any, keys: dict[str, Any], said: str
    ) -> None:
        with pytest.raises(ChainwatchError, match=said):
            answers(Convergence(**keys), desk.ground)


class TestMixes:
    def test_those_that_value_ended_in(self, desk: Any) -> None:
        (told,) = answers(Mixes(), desk.ground)
        assert isinstance(told.result, MixesMet)
        assert told.called == "rBTC"
        assert told.result.frame["amount"].to_list() == [295_000]
        assert "stop of this case" in told.result.frame["protocols"][0]

    def test_all_that_were_read(self, desk: Any) -> None:
        (told,) = answers(Mixes(everywhere=True, name="all"), desk.ground)
        assert told.result.frame["amount"].to_list() == [None]
        assert (told.called, told.result.elsewhere) == ("all", None)

    def test_bounds_of_work_are_told(self, desk: Any) -> None:
        (none,) = answers(Mixes(most=0), desk.ground)
        assert none.result.frame["unknown"].to_list() == [NOT_ASKED]
        said = " ".join(next(iter(none.result.findings(desk.ground.subjects))).text)
        assert "Of 1 more nothing was counted" in said
        (few,) = answers(Mixes(limit=1), desk.ground)
        assert few.result.frame["interpretations"].to_list() == [None]

    def test_leads_are_listed_where_asked(self, desk: Any) -> None:
        _, leads = answers(Mixes(leads=5), desk.ground)
        assert isinstance(leads.result, MixLeads)

    @pytest.mark.parametrize(
        ("keys", "said"),
        [
            ({"chain": cw.chain("eth").id}, "mixes are a matter of coin chains, and eth is none"),
            ({"chain": cw.chain("ltc").id}, "nothing of the chain ltc was read"),
        ],
    )
    def test_what_cannot_be_answered_is_said(
        self, desk: Any, keys: dict[str, Any], said: str
    ) -> None:
        with pytest.raises(ChainwatchError, match=said):
            answers(Mixes(**keys), desk.ground)


class TestCrossings:
    def assets(self) -> list[list[dict[str, Any]]]:
        one = {"contract": world.account("token"), "symbol": "USD", "decimals": 6}
        return [[{"chain": "eth", **one}, {"chain": "base", **one}]]

    def test_bridges_are_those_of_the_tags_or_of_the_table(self, desk: Any) -> None:
        (tagged,) = answers(Crossings(assets=self.assets()), desk.ground)
        assert tagged.result.frame["bridge"].unique().to_list() == ["hop"]
        pool = world.account("pool")
        named = {"skip": {"eth": [pool], "base": [pool]}}
        (by_name,) = answers(Crossings(assets=self.assets(), bridges=named), desk.ground)
        assert by_name.result.frame["bridge"].unique().to_list() == ["skip"]

    def test_value_is_followed_across_where_asked(self, desk: Any) -> None:
        made = answers(Crossings(assets=self.assets(), trace=True, leads=True), desk.ground)
        across = [one for one in made if isinstance(one.result, TraceAcross)]
        assert [(one.called, len(one.result.legs)) for one in across] == [("rBTC", 1), ("USD", 2)]
        held = answers(Crossings(assets=self.assets(), trace=True), desk.ground)
        assert [len(one.result.legs) for one in held[1:]] == [1, 1], (
            "a lead is not followed unasked"
        )

    def test_messages_come_from_the_data_folder_alone(self, desk: Any) -> None:
        folder: Path = desk.ground.base
        ids = {"sent": world.HERE.txid("paid in"), "received": world.THERE.txid("paid out")}
        rows = [f"{chain},0x{ids[side].hex()},0:7,{side},cctp"
                for chain, side in (("eth", "sent"), ("base", "received"))]  # fmt: skip
        head = "chain,txid,id,side,scheme"
        (folder / "said.csv").write_text("\n".join([head, *rows, ""]), encoding="utf-8")
        (told,) = answers(Crossings(assets=self.assets(), messages="said.csv"), desk.ground)
        assert told.result.payouts["identifier"].to_list() == ["cctp 0:7"]
        for outside in ("../said.csv", "/etc/hostname"):
            with pytest.raises(ChainwatchError, match="inside the data folder"):
                answers(Crossings(messages=outside), desk.ground)
        with pytest.raises(ChainwatchError, match="there is no file of logs"):
            answers(Crossings(logs={"eth": "none.csv"}), desk.ground)

    def test_what_cannot_be_answered_is_said(self, desk: Any) -> None:
        with pytest.raises(ChainwatchError, match=r"the case read one alone \(btc-regtest\)"):
            answers(Crossings(), desk.coins)
        bare = Ground(desk.ground.ledger, desk.ground.tags.where(concept="vendor"),
                      desk.ground.base, desk.ground.parts)  # fmt: skip
        with pytest.raises(ChainwatchError, match="no tag says that an address is a bridge"):
            answers(Crossings(), bare)
        with pytest.raises(ChainwatchError, match="write a share"):
            answers(Crossings(assets=self.assets(), fee_at_most="all"), desk.ground)


class TestAccountLinks:
    def leads(self, desk: Any, **keys: Any) -> tuple[Finding, Links]:
        told, links = (one.result for one in answers(AccountLinks(**keys), desk.ground))
        assert isinstance(told, Finding)
        assert isinstance(links, Links)
        return told, links

    def test_custody_of_what_the_case_follows_counts(self, desk: Any) -> None:
        _, links = self.leads(desk)
        assert "deposit_reuse_known" in set(links.frame["rule"])
        assert links.counts()["joining"] == 0
        _, unjudged = self.leads(desk, hosted=[])
        assert "deposit_reuse_known" not in set(unjudged.frame["rule"])
        _, named = self.leads(desk, hosted=[desk.usd])
        assert named.digest == links.digest

    def test_pairs_of_subjects_are_told_and_the_rest_counted(self, desk: Any) -> None:
        told, links = self.leads(desk)
        whose = desk.ground.subjects["address"].to_list()
        assert told.frame.filter(pl.col("a").is_in(whose) | pl.col("b").is_in(whose)).height == (
            told.frame.height
        )
        assert links.frame.select("a", "b").n_unique() > told.frame.select("a", "b").n_unique()
        assert "In all that was read there are 4 pairs" in told.text[0]
        assert any("links were right" in line for line in told.text)

    def test_rules_and_what_is_asked_of_them(self, desk: Any) -> None:
        _, one = self.leads(desk, rules=["deposit_reuse"], at_least=0)
        assert set(one.frame["rule"]) == {"deposit_reuse"}
        assert one.counts()["joining"] == one.frame.height
        _, none = self.leads(desk, chain=cw.chain("base").id)
        assert none.frame.is_empty()

    def test_coins_have_no_accounts(self, desk: Any) -> None:
        with pytest.raises(ChainwatchError, match="rules on accounts ask chains of accounts"):
            answers(AccountLinks(), desk.coins)
