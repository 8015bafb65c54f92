"""Simulated campaigns: the same each time, two parts that never meet, truth that payments bear."""

from __future__ import annotations

from collections import Counter
from random import Random
from typing import Any

import polars as pl
import pytest

from chainwatch.errors import ArgumentError, ConservationError
from chainwatch.simulate.campaigns.evasion import WAYS, evade
from chainwatch.simulate.campaigns.kinds import CRIMES, LAUNDRIES, TWINS, Of
from chainwatch.simulate.campaigns.population import close_the_first_market, settle, sweep
from chainwatch.simulate.campaigns.simulation import SimulatedCampaigns, simulate_campaigns
from chainwatch.simulate.campaigns.town import COIN, DAY, Town

SMALL = {"days": 210, "people": 60, "each": 1}
KINDS = (*CRIMES, *LAUNDRIES, *TWINS)


@pytest.fixture(scope="module")
def fit() -> SimulatedCampaigns:
    return simulate_campaigns(3, part="fit", **SMALL)


@pytest.fixture(scope="module")
def hostile() -> SimulatedCampaigns:
    return simulate_campaigns(1_003, part="test", adversarial=True, **SMALL)


@pytest.fixture(params=["fit", "hostile"])
def made(request: Any) -> SimulatedCampaigns:
    found: SimulatedCampaigns = request.getfixturevalue(request.param)
    return found


def test_it_repeats_itself(fit: SimulatedCampaigns) -> None:
    again = simulate_campaigns(3, part="fit", **SMALL)
    assert again.payments.equals(fit.payments)
    assert again.truth.equals(fit.truth)
    assert again.prices.digest == fit.prices.digest
    for name in ("reviews", "listings", "closures", "published", "entities"):
        assert getattr(again, name).equals(getattr(fit, name)), name


def test_parts_share_no_seed_no_day_and_nobody(
    fit: SimulatedCampaigns, hostile: SimulatedCampaigns
) -> None:
    for part, seed in (("fit", 1_003), ("test", 3), ("other", 3)):
        with pytest.raises(ArgumentError):
            simulate_campaigns(seed, part=part)  # type: ignore[arg-type]
    assert fit.payments["time"].max() < hostile.payments["time"].min()  # type: ignore[operator]
    assert not set(fit.entities["party"]) & set(hostile.entities["party"])


def test_some_habits_are_of_the_test_part_alone() -> None:
    fit = [simulate_campaigns(seed, part="fit", **SMALL) for seed in range(3)]
    test = [simulate_campaigns(1_000 + seed, part="test", **SMALL) for seed in range(3)]
    assert not any(one.new for world in fit for one in world.campaigns)
    seen = {one.variant for world in test for one in world.campaigns if one.new}
    assert len(seen) > 10
    assert not seen & {one.variant for world in fit for one in world.campaigns}


def test_every_kind_is_run_and_every_payment_is_somebodys(made: SimulatedCampaigns) -> None:
    assert Counter(one.kind for one in made.campaigns) == Counter(one.name for one in KINDS)
    rows = made.payments
    assert (rows["amount"] > 0).all()
    assert not (rows["payer"] == rows["payee"]).any()
    assert rows["time"].is_sorted()
    assert {*rows["payer"], *rows["payee"]} == set(made.entities["party"])
    assert made.entities["party"].is_unique().all()


def test_truth_is_of_parties_of_the_campaign_and_each_crime_shows_something(
    made: SimulatedCampaigns,
) -> None:
    whose = dict(made.entities.select("party", "campaign").iter_rows())
    for campaign, _, party, _ in made.truth.iter_rows():
        assert whose[party] == campaign
    due = set(made.truth.filter(pl.col("due"))["campaign"])
    assert due >= {one.number for one in made.campaigns if one.crime}
    lawful = {one.number for one in made.campaigns if not one.crime}
    named = {made.campaigns[one].kind for one in due & lawful}
    assert named <= {"lawful advertiser", "vendor at two markets"}


def test_services_are_named_and_run_no_campaign(made: SimulatedCampaigns) -> None:
    named = {
        party
        for side in ("payer", "payee")
        for party in made.payments.filter(pl.col(f"{side}_name") >= 0)[side]
    }
    rows = made.entities.filter(pl.col("party").is_in(pl.Series(sorted(named)).implode()))
    assert rows.height == len(named) > 8
    assert rows["campaign"].null_count() == rows.height
    assert not rows["crime"].any()


def test_facts_are_told_of_what_was_paid(made: SimulatedCampaigns) -> None:
    paid = set(made.payments["payee"])
    assert set(made.published["address"]) <= paid
    assert made.reviews.height
    assert set(made.listings["kind"]) == {"goods", "advertisement"}
    assert made.closures["market"].to_list() == ["bazaar"]


def town(label: str) -> Town:
    found = Town(label, Random(label), 0, 240)  # noqa: S311 - the same each time
    settle(found, 60)
    close_the_first_market(found)
    return found


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_every_variant_runs_and_pays(kind: Of) -> None:
    made = town(kind.name)
    for variant in (*kind.known, *kind.new):
        before = len(made.rows)
        with made.run(kind.name, variant, crime=True, new=False) as shows:
            kind.run(made, variant, shows)
        mine = [row for row in made.rows[before:] if row.campaign == made.campaigns[-1].number]
        assert mine, variant
        parties = {party for row in mine for party in row[:2]}
        assert {one for some in made.campaigns[-1].shows.values() for one in some} <= {
            *parties, *(row.payee for row in made.rows[before:])
        }  # fmt: skip
        assert all(0 <= row.second < 240 * DAY for row in mine)


def test_accounts_are_swept_whole_into_their_exchange() -> None:
    made = town("swept")
    sweep(made)
    for account, exchange in made.swept.items():
        out = [row for row in made.rows if row.payer == account]
        assert {row.payee for row in out} <= {exchange}
        came = sum(row.amount for row in made.rows if row.payee == account)
        assert sum(row.amount for row in out) <= came


def test_the_careful_change_their_campaign_and_nobody_elses() -> None:
    made = town("careful")
    for kind in CRIMES[:8]:
        with made.run(kind.name, kind.known[0], crime=True, new=False) as shows:
            kind.run(made, kind.known[0], shows)
    before = [row for row in made.rows if row.campaign is None]
    ways = evade(made)
    assert set(ways.values()) <= set(WAYS)
    assert len(ways) == 8
    assert [row for row in made.rows if row.campaign is None][: len(before)] == before


def test_money_is_worth_what_the_day_says_and_nothing_pays_itself() -> None:
    made = town("prices")
    price = made.prices[0]
    assert made.units(price, 0) == COIN
    assert -(-made.units(1, 0) * price // COIN) >= 1
    person = made.people[0]
    for whom, cents in ((person, 100), (made.people[1], 0)):
        with pytest.raises(ConservationError):
            made.pay(person, whom, cents, 0)


def test_too_short_or_too_few_are_refused() -> None:
    for wrong in ({"days": 209}, {"people": 59}, {"each": 0}):
        with pytest.raises(ArgumentError, match="hold no campaigns"):
            simulate_campaigns(0, part="fit", **wrong)
