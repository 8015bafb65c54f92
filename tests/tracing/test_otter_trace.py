"""The simulated case: what following finds of the truth, and what it cannot find and why."""

from __future__ import annotations

from typing import Any, NamedTuple

import polars as pl
import pytest

from chainwatch.addresses.assets import native
from chainwatch.clusters.cluster import Clusters, cluster
from chainwatch.heuristics.co_spend import co_spends
from chainwatch.heuristics.coinjoin import equal_outputs
from chainwatch.tracing.custody.hosted import Hosted, hosted
from chainwatch.tracing.exposure import exposure
from chainwatch.tracing.policies import fifo
from chainwatch.tracing.result import Trace
from chainwatch.tracing.trace import trace
from chainwatch.units import total

MIXES = equal_outputs(min_equal=3)


class Traced(NamedTuple):
    owners: Clusters
    hosts: Hosted
    kelp: Trace
    reed: Trace


@pytest.fixture(scope="module")
def traced(otter_case: Any) -> Traced:
    ledger, tags = otter_case.ledger, otter_case.tags
    owners = cluster(co_spends(ledger, unless=MIXES), tags=tags)
    services = tags.where(concept="service")
    hosts = hosted(ledger, services, asset=native("btc-regtest"))

    def follow(actor: str) -> Trace:
        advertised = tags.where(actor=actor).addresses()
        stop = [services, hosts, MIXES]
        return trace(ledger, advertised, policy=fifo, stop=stop, clusters=owners)

    return Traced(owners, hosts, follow("kelp"), follow("reed"))


def of(payments: pl.DataFrame, **where: str) -> pl.DataFrame:
    return payments.filter(**where).select("txid", "n", "amount").sort("txid", "n")


def at(result: Trace, service: str) -> pl.DataFrame:
    """Return what a trace says arrived at a service, one row per output."""
    ends = result.ends.filter(pl.col("service") == service)
    return ends.select("txid", "n", pl.col("amount").cast(pl.Int64)).sort("txid", "n")


class TestKelp:
    @pytest.mark.parametrize(
        ("service", "owner"), [("harbour", "Harbour"), ("northbank", "Northbank")]
    )
    def test_every_deposit_to_the_satoshi(
        self, otter_case: Any, traced: Traced, service: str, owner: str
    ) -> None:
        truth = of(otter_case.otter.payments, from_owner="Kelp", to_owner=owner, purpose="deposit")
        assert at(traced.kelp, service).equals(truth)
        # Only one of the two sweeps many deposit addresses at once, which shows that it holds them.
        shown = "probable" if service == "northbank" else "undecided"
        assert set(traced.kelp.to(service)["certainty"]) == {shown}

    def test_the_totals_of_the_story(self, otter_case: Any, traced: Traced) -> None:
        told = otter_case.otter.summary()["vendors"]["Kelp"]["sent_to_exchanges"]
        found = {name: total(at(traced.kelp, name.lower())["amount"]) for name in told}
        assert found == told == {"Harbour": 14_000_000, "Northbank": 13_000_000}

    def test_the_trace_stops_at_the_coinjoin(self, otter_case: Any, traced: Traced) -> None:
        coins = otter_case.otter.coins
        mix = coins.filter(purpose="mixed")["txid"].unique().item()
        went = coins.filter(pl.col("owner") == "Kelp", pl.col("spent_by") == mix)
        ends = traced.kelp.ends.filter(pl.col("reason") == "mixer")
        ended = went.join(ends, on=["txid", "n"], how="semi")
        assert total(ends["amount"]) == total(ended["value"]) == 9_839_768
        # The other coin was paid to an address that was never spent with another one of Kelp's.
        missed = went.join(ends, on=["txid", "n"], how="anti")
        assert total(missed["value"]) == 7_794_843
        assert not set(missed["address"]) & set(traced.kelp.subjects["address"])
        assert "equal_outputs(min_equal=3, one_each=False) holds" in ends["detail"][0]
        assert mix not in set(traced.kelp.steps["txid"])

    def test_what_comes_back_from_the_mix_is_not_passed_off_as_new(
        self, otter_case: Any, traced: Traced
    ) -> None:
        """The change is in Kelp's cluster, since Kelp spends it with other coins later."""
        again = traced.kelp.origins.filter(pl.col("kind") == "received, perhaps again")
        mixed = otter_case.otter.coins.filter(owner="Kelp").filter(
            pl.col("txid").is_in(
                otter_case.otter.coins.filter(purpose="mixed")["txid"].unique().implode()
            )
        )
        assert set(again.select("txid", "n").rows()) <= set(mixed.select("txid", "n").rows())
        assert total(again["amount"]) == 7_514_200

    def test_without_the_rule_the_order_of_a_mix_would_tell_who_is_who(
        self, otter_case: Any, traced: Traced
    ) -> None:
        services = otter_case.tags.where(concept="service")
        open_ = trace(
            otter_case.ledger, otter_case.tags.where(actor="kelp").addresses(), policy=fifo,
            stop=[services, traced.hosts], clusters=traced.owners,
        )  # fmt: skip
        assert "mixer" not in open_.ends["reason"]
        mixed = traced.kelp.ends.filter(pl.col("reason") == "mixer")
        assert total(mixed["amount"]) == 9_839_768
        coins = otter_case.otter.coins.select("txid", "n", "owner")
        told = traced.kelp.ends.join(coins, on=["txid", "n"])["owner"].unique().to_list()
        assert not any(owner.startswith("maker") for owner in told if owner)

    def test_what_reaches_the_campaign_and_what_is_missed(
        self, otter_case: Any, traced: Traced
    ) -> None:
        """Of 0.2 BTC given, 0.04 is named. The misses, one by one, are below."""
        otter = otter_case.otter
        found = exposure(traced.kelp, otter_case.tags, clusters=traced.owners).frame
        assert found.select("actor", "basis").rows() == [("lantern", "cluster of a tagged address")]
        assert total(found["arrived"]) == 4_000_000
        given = otter.payments.filter(from_owner="Kelp", to_owner="Lantern")
        places = otter.coins.select("txid", "n", "address").unique()
        known = traced.owners.members(
            otter_case.tags.where(actor="lantern").addresses()["address"][0], "btc-regtest"
        )
        steps = traced.kelp.steps.select("txid", "n").unique()
        seen = given.join(steps, on=["txid", "n"], how="semi")
        named = seen.join(places, on=["txid", "n"]).filter(pl.col("address").is_in(known))
        unnamed = seen.join(places, on=["txid", "n"]).filter(~pl.col("address").is_in(known))
        unseen = given.join(steps, on=["txid", "n"], how="anti")
        assert total(named["amount"]) == 4_000_000
        # Followed to the campaign's fresh addresses, but nothing on the chain joins these to it.
        assert total(unnamed["amount"]) == 8_000_000
        # Not followed: it was mixed first.
        assert total(unseen["amount"]) == 8_000_000
        assert total(given["amount"]) == 20_000_000

    def test_what_was_received_and_what_of_it_is_missed(
        self, otter_case: Any, traced: Traced
    ) -> None:
        """Missed are payouts to addresses that Kelp never spent together with another one.

        Too much is one coin: the change of what Kelp paid out of the mix, alone, from an address
        that nothing joins to Kelp's. It looks like a stranger's payment and is counted anew.
        """
        truth = otter_case.otter.payments.filter(to_owner="Kelp").drop_nulls("n")
        received = traced.kelp.origins.filter(pl.col("kind") == "received")
        found = truth.join(received, on=["txid", "n"], how="semi")
        assert total(found["amount"]) == 65_438_480
        anew = received.join(truth, on=["txid", "n"], how="anti")
        change = otter_case.otter.coins.filter(owner="Kelp", purpose="change")
        assert anew.join(change, on=["txid", "n"], how="semi").height == anew.height == 1
        assert total(anew["amount"]) == 1_998_590
        missed = truth.join(received, on=["txid", "n"], how="anti")
        at = missed.join(otter_case.otter.coins, on=["txid", "n"])["address"]
        assert not set(at) & set(traced.kelp.subjects["address"])
        assert set(missed["purpose"]) == {"payout"}
        assert (missed.height, total(missed["amount"])) == (5, 24_605_987)

    def test_who_is_reached_is_whom_kelp_paid(self, otter_case: Any, traced: Traced) -> None:
        """Every step out of Kelp's own addresses is in truth a payment of Kelp, and equal to it."""
        coins = otter_case.otter.coins.select("txid", "n", "owner", "value")
        own = traced.kelp.subjects["address"].implode()
        out = traced.kelp.steps.filter(pl.col("source").is_in(own), ~pl.col("target").is_in(own))
        sums = out.group_by("txid", "n").agg(pl.col("amount").sum().cast(pl.Int64))
        paid = sums.join(coins, on=["txid", "n"])
        assert paid.height == sums.height
        strangers = paid.filter(pl.col("owner") != "Kelp")
        truth = otter_case.otter.payments.filter(from_owner="Kelp").select("txid", "n", "amount")
        assert strangers.select("txid", "n").join(truth, on=["txid", "n"], how="anti").is_empty()


class TestReed:
    def test_he_never_reaches_the_campaign(self, otter_case: Any, traced: Traced) -> None:
        assert exposure(traced.reed, otter_case.tags, clusters=traced.owners).frame.is_empty()
        coins = otter_case.otter.coins.select("txid", "n", "owner")
        lantern = coins.filter(owner="Lantern")
        for rows in (traced.reed.steps, traced.reed.ends):
            assert rows.join(lantern, on=["txid", "n"], how="semi").is_empty()

    def test_his_savings_to_the_satoshi(self, otter_case: Any, traced: Traced) -> None:
        truth = of(otter_case.otter.payments, from_owner="Reed", purpose="deposit")
        assert at(traced.reed, "northbank").equals(truth)
        assert total(truth["amount"]) == 22_000_000

    def test_he_and_kelp_share_nothing_but_the_exchange(
        self, otter_case: Any, traced: Traced
    ) -> None:
        """One exchange, one market, one stranger's dust: no address of one is the other's."""
        mine, other = traced.kelp.subjects["address"], traced.reed.subjects["address"]
        assert not set(mine) & set(other)
        shared = set(traced.kelp.ends["address"]) & set(traced.reed.ends["address"]) - {None}
        assert not shared

    def test_what_he_kept(self, otter_case: Any, traced: Traced) -> None:
        """Unspent at his one address; shops' unspent coins are the rest of what is unspent."""
        ends = traced.reed.ends.filter(
            pl.col("reason") == "unspent", pl.col("address") == pl.col("subject")
        )
        told = otter_case.otter.summary()["vendors"]["Reed"]["kept"]
        assert total(ends["amount"]) == told


class TestHosted:
    def test_each_is_in_truth_a_deposit_address_of_that_exchange(
        self, otter_case: Any, traced: Traced
    ) -> None:
        """No exception: none of the traps pays an exchange's hot wallet straight, and twice."""
        truth = otter_case.otter.truth.select("address", "owner", "wallet")
        found = traced.hosts.frame.join(truth, on="address", how="left")
        assert found.height == traced.hosts.frame.height == 25
        right = (pl.col("owner").str.to_lowercase() == pl.col("service")) & (
            pl.col("wallet") == pl.col("owner") + pl.lit(" deposits")
        )
        assert found.filter(~right.fill_null(False)).is_empty()

    def test_none_is_missed_but_those_swept_once(self, otter_case: Any, traced: Traced) -> None:
        deposits = otter_case.otter.truth.filter(
            pl.col("wallet").str.ends_with(" deposits"), pl.col("role") == "exchange"
        )
        missed = deposits.join(traced.hosts.frame, on="address", how="anti")
        assert sorted(missed["address"]) == sorted(traced.hosts.few["address"])
        assert traced.hosts.few["sweeps"].to_list() == [1, 1, 1]

    def test_the_evidence_is_complete(self, traced: Traced) -> None:
        """Every block was read, and every input: nothing may be hidden in a gap."""
        assert not any("unread" in told for told in traced.hosts.frame["evidence"])


def test_ends_add_up_to_origins(traced: Traced) -> None:
    for one in (traced.kelp, traced.reed):
        assert total(one.ends["amount"]) == total(one.origins["amount"]) > 0
        assert set(one.bounds["low"]) == set(one.bounds["high"])
