"""Questions that go beside the recipe: other policies, receipts, rules, owners, pools, batches."""

from __future__ import annotations

from datetime import date
from typing import Any

import many_chains as world
import polars as pl
import pytest
from pydantic import ValidationError

import chainwatch as cw
from chainwatch.case.ground import Ground
from chainwatch.case.questions.following.action_sheets import ActionSheets
from chainwatch.case.questions.following.counterparties import CounterpartiesOf
from chainwatch.case.questions.following.exposures import Exposures
from chainwatch.case.questions.following.paths_by_hand import PathsByHand
from chainwatch.case.questions.following.received import ReceivedBy
from chainwatch.case.questions.following.taints import Taints
from chainwatch.case.questions.following.through_swaps import SwapsThrough
from chainwatch.case.questions.following.traces import Traces
from chainwatch.case.questions.looking.batched_payments import Batches
from chainwatch.case.questions.looking.identities import Identities
from chainwatch.case.questions.looking.mix_readings import MixReadings
from chainwatch.case.questions.looking.other_owners import OtherOwners
from chainwatch.case.questions.looking.peel_chains import PeelChainsOf
from chainwatch.case.questions.looking.pools import Pools
from chainwatch.case.questions.looking.rules import RuleAsked
from chainwatch.case.questions.question import Question
from chainwatch.clusters.compare import Comparison
from chainwatch.errors import ChainwatchError
from chainwatch.figures.flow_figure import FlowFigure
from chainwatch.results.result import Finding, Result
from chainwatch.results.roles import Roles
from chainwatch.tracing.ranges.range_result import TraceRange

ETH = cw.chain("eth").id
K, S, B = (world.coin(name) for name in "KSB")


def results(question: Question, ground: Ground) -> list[Result]:
    """Return what answers a question, each as it would reach the report."""
    found = []
    for answer in question.answer(ground):
        assert list(answer.told(ground.subjects))
        found.append(answer.result)
    return found


class TestTraces:
    def test_each_policy_is_a_trace_and_the_range_stands_behind(self, desk: Any) -> None:
        made = results(
            Traces(policies=["lifo", "haircut"], all_policies=True, name="again"), desk.ground
        )
        kinds = [FlowFigure, cw.Trace, FlowFigure, cw.Trace, TraceRange]
        assert [type(one) for one in made] == kinds
        assert [one.policy for one in made if isinstance(one, cw.Trace)] == ["lifo", "haircut"]
        (_, usual) = results(Traces(), desk.ground)
        assert isinstance(usual, cw.Trace)
        assert usual.policy == desk.ground.parts[0].follow.policy
        assert usual.digest == desk.ground.parts[0].trace.digest, "as [follow] has it, it is that"

    def test_backward_and_from_named_outputs(self, desk: Any, txid: Any) -> None:
        whence = results(Traces(source=S, direction="backward", custody="none"), desk.ground)[-1]
        assert isinstance(whence, cw.Trace)
        assert whence.amount == 590_000
        output = f"{txid('paid')[::-1].hex()}:1"
        alone = results(Traces(source=output), desk.ground)[-1]
        assert isinstance(alone, cw.Trace)
        assert alone.amount == 295_000

    def test_limits_days_and_accounts(self, desk: Any) -> None:
        (short,) = results(Traces(end=date(2000, 1, 1)), desk.ground)
        assert short.amount == 0
        dollars = results(Traces(chain=ETH, max_hops=1), desk.ground)[-1]
        assert isinstance(dollars, cw.Trace)
        assert dollars.asset == desk.ground.parts[1].asset

    @pytest.mark.parametrize(
        ("keys", "said"),
        [
            ({"chain": ETH, "clusters": True}, "clusters or mixes on eth"),
            ({"chain": cw.chain("base").id}, "the case has no subject on base"),
            ({"source": "nobody"}, "no tag calls anybody so"),
        ],
    )
    def test_what_cannot_be_answered_is_said(
        self, desk: Any, keys: dict[str, Any], said: str
    ) -> None:
        with pytest.raises(ChainwatchError, match=said):
            results(Traces(**keys), desk.ground)

    def test_policies_are_checked_at_once(self) -> None:
        assert Traces(policies="lifo").policies == ("lifo",)
        with pytest.raises(ValidationError, match="fifo"):
            Traces(policies=["fifth"])
        with pytest.raises(ValidationError, match="opened without custody"):
            Traces(custody="none", opened=[{"address": "x", "why": "y"}])


def test_exposure_of_every_part(desk: Any) -> None:
    coins, dollars = results(Exposures(), desk.ground)
    assert isinstance(coins, cw.Exposure)
    assert isinstance(dollars, cw.Exposure)
    assert "harbour" in coins.frame["actor"].to_list()
    in_euro, _ = results(Exposures(currency="EUR"), desk.ground)
    assert in_euro.categories["fiat"].null_count() == in_euro.categories.height, "no price was read"


def test_receipts_by_a_named_method(desk: Any) -> None:
    (found,) = results(ReceivedBy(method="DD", entity="harbour", clusters=True), desk.ground)
    assert isinstance(found, cw.Received)
    assert found.method == "DD"
    (mine,) = results(ReceivedBy(method="DD"), desk.ground)
    assert mine.frame["turnover"].max() >= 900_000
    with pytest.raises(ChainwatchError, match="method"):
        results(ReceivedBy(method="XX"), desk.ground)


def test_swaps_are_of_accounts(desk: Any) -> None:
    (found,) = results(SwapsThrough(chain=ETH, policy="fifo"), desk.ground)
    assert isinstance(found, cw.ThroughSwaps)
    with pytest.raises(ChainwatchError, match="swaps are a matter of chains of accounts"):
        results(SwapsThrough(), desk.ground)


def test_sheets_of_every_part_and_what_became_of_the_ends(desk: Any) -> None:
    assert len(results(ActionSheets(), desk.ground)) == 2
    assert len(results(ActionSheets(watch=True), desk.coins)) == 2


def test_a_path_by_hand_goes_on_by_a_policy(desk: Any, txid: Any) -> None:
    steps = [
        {"output": f"{txid('come')[::-1].hex()}:0", "why": "he told so"},
        {"output": f"{txid('paid')[::-1].hex()}:0", "why": "the other is his change"},
    ]
    path, followed = results(PathsByHand(steps=steps, policy="fifo"), desk.ground)
    (finding,) = path.findings(desk.ground.subjects)
    assert finding.frame["why"].to_list() == ["he told so", "the other is his change"]
    assert followed is not path


def test_taint_to_the_end_of_what_was_read(desk: Any) -> None:
    (found,) = results(Taints(policy="haircut"), desk.ground)
    assert isinstance(found, cw.Taint)
    with pytest.raises(ChainwatchError, match="outputs are a matter of coin chains"):
        results(Taints(policy="fifo", chain=ETH), desk.ground)


def test_counterparties_in_another_asset(desk: Any) -> None:
    asked = CounterpartiesOf(chain=ETH, source=world.account("bob"))
    (found,) = results(asked, desk.ground)
    assert found.frame.filter(pl.col("direction") == "out").height == 3
    with pytest.raises(ChainwatchError, match="a matter of chains of accounts"):
        results(CounterpartiesOf(), desk.ground)


class TestOtherOwners:
    def test_what_others_would_join_stands_beside_and_shows_nobody(self, desk: Any) -> None:
        told, found = results(OtherOwners(unless="none"), desk.ground)
        assert isinstance(told, Finding)
        assert isinstance(found, Comparison)
        assert found.frame["only_other"][0] > 0, "the payers of the mix are one owner then"
        assert told.frame["pairs"].to_list()[0] == found.frame["both"][0]
        assert found.roles() == Roles()
        assert told.roles() == Roles()

    def test_the_same_rules_join_the_same(self, desk: Any) -> None:
        _, found = results(OtherOwners(recipe="co_spends"), desk.ground)
        assert (found.frame["only_one"][0], found.frame["only_other"][0]) == (0, 0)

    def test_rules_recipes_and_rejected_evidence(self, desk: Any) -> None:
        changed = OtherOwners(change="fresh_address() & ~power_of_ten()", peel=True, large=5)
        assert len(results(changed, desk.ground)) == 2
        stated = [{"a": world.coin("Z"), "b": K, "rule": "the_court"}]
        _, told = results(OtherOwners(stated=stated), desk.ground)
        assert told.frame["only_other"][0] == 1
        apart = [{"a": world.coin("A"), "b": K, "why": "the court says so"}]
        both = OtherOwners(
            unless="none", without_rule=["co_spend"], apart=apart, apart_by_tags=True
        )
        _, cut = results(both, desk.ground)
        assert cut.frame["only_other"][0] == 0

    @pytest.mark.parametrize(
        ("keys", "said"),
        [
            ({"change": "fresh"}, "'fresh' is no rule"),
            ({"change": "JOINT"}, "is on transactions, not on outputs"),
            ({"unless": "spent()"}, "is on outputs, not on transactions"),
            ({"recipe": "best"}, "co_spends"),
            ({"change": "spent()", "change_model": "m"}, "give one of them"),
            ({"most_rounds": 2}, "none is joined"),
        ],
    )
    def test_what_does_not_fit_is_said_at_once(self, keys: dict[str, Any], said: str) -> None:
        with pytest.raises(ValidationError, match=said):
            OtherOwners(**keys)


def test_rules_count_their_answers(desk: Any) -> None:
    told, found = results(RuleAsked(rule="JOINT"), desk.ground)
    assert dict(told.frame.iter_rows())["yes"] == int(found.frame["verdict"].sum())
    assert sum(told.frame["rows"]) == found.frame.height
    transfers, _ = results(RuleAsked(rule="zero_value()", chain=ETH), desk.ground)
    assert "transfers the rule" in transfers.text[0]


def test_peel_chains_and_single_mixes(desk: Any, txid: Any) -> None:
    (found,) = results(PeelChainsOf(hops=2, percent=50), desk.ground)
    assert isinstance(found, cw.PeelChains)
    (by_habit,) = results(PeelChainsOf(hops=2, percent=50, habits=True), desk.ground)
    assert by_habit.record.params["steps"] != found.record.params["steps"]
    mix = txid("mix")[::-1].hex()
    made = results(MixReadings(txids=mix, slots=True), desk.ground)
    assert [type(one) for one in made] == [cw.Interpretations, cw.Slots]


def test_pools_and_batches(desk: Any) -> None:
    pool = {"address": world.account("pool"), "amount": "7", "asset": desk.usd}
    (found,) = results(Pools(pools=[pool], chain=ETH), desk.ground)
    assert isinstance(found, cw.PoolWithdrawals)
    (batches,) = results(Batches(chain=ETH), desk.ground)
    assert isinstance(batches, cw.BatchedPayments)
    with pytest.raises(ChainwatchError, match="batches by contracts are a matter"):
        results(Batches(), desk.coins)


def test_profiles_come_from_the_data_folder_alone(desk: Any) -> None:
    rows = ["market,handle,address", f"otter,kay,{K}", f"stoat,Kay,{K}", ""]
    (desk.ground.base / "profiles.csv").write_text("\n".join(rows), encoding="utf-8")
    (found,) = results(Identities(profiles="profiles.csv", source="a crawl"), desk.ground)
    assert isinstance(found, cw.VendorIdentities)
    with pytest.raises(ChainwatchError, match="inside the data folder"):
        results(Identities(profiles="../profiles.csv", source="x"), desk.ground)
