"""What typologies find where all is known: counted again plainly, and as the page keeps it."""

from __future__ import annotations

import runpy
from pathlib import Path

import polars as pl
import pytest

from chainwatch.errors import InputError
from chainwatch.simulate.campaigns.simulation import SimulatedCampaigns, simulate_campaigns
from chainwatch.typologies.catalogue import DEFAULT
from chainwatch.typologies.rates import TypologyRates, campaign_flows, per_thousand, typology_rates

ROOT = Path(__file__).resolve().parents[2]
HONEST = "simulated campaigns, honest (fit part)"
FEW = [one for one in DEFAULT if one.name in ("multisig_escrow", "peel_chain", "vendor_income",
                                              "structuring", "affiliate_split")]  # fmt: skip


@pytest.fixture(scope="module")
def worlds() -> list[SimulatedCampaigns]:
    return [simulate_campaigns(seed, part="fit", days=210, people=60) for seed in range(2)]


@pytest.fixture(scope="module")
def measured(worlds: list[SimulatedCampaigns]) -> TypologyRates:
    return typology_rates(worlds, FEW)


def test_it_counts_what_a_plain_count_counts(
    worlds: list[SimulatedCampaigns], measured: TypologyRates
) -> None:
    for one in FEW:
        if one.name == "peel_chain":
            continue
        alerted = right = bothered = found = due = innocent = 0
        for world in worlds:
            flows = campaign_flows(world)
            named = {flows.parties[claim.party] for claim in one.find(flows).claims}
            mine = world.truth.filter(typology=one.name)
            true = set(mine["party"])
            lawful = set(world.entities.filter(~pl.col("crime"))["party"]) - true
            alerted += len(named)
            right += len(named & true)
            bothered += len(named & lawful)
            innocent += len(lawful)
            asked = mine.filter(pl.col("due"))
            due += asked["campaign"].n_unique()
            met = mine.filter(pl.col("party").is_in(pl.Series(sorted(named), dtype=pl.Binary)
                                                    .implode()))  # fmt: skip
            found += len(set(met["campaign"]) & set(asked["campaign"]))
        row = measured.row(basis=HONEST, typology=one.name)
        assert (row["alerted"], row["right"], row["bothered"]) == (alerted, right, bothered)
        assert (row["known"] + row["new"], row["found_known"]) == (due, found)
        assert row["innocent"] == innocent
        assert row["alerted"] == row["right"] + row["other"] + row["bothered"]
        assert 0 < row["cases"] <= row["alerted"] or not alerted


def test_campaigns_are_told_by_kind_and_variant(measured: TypologyRates) -> None:
    rows = measured.campaigns.filter(typology="multisig_escrow")
    assert rows.filter(pl.col("shows"))["campaign"].unique().to_list() == [
        "market of escrow scripts"
    ]
    twins = measured.campaigns.filter(typology="structuring", campaign="saver")
    assert twins["alerted"].sum() > 0
    assert (measured.campaigns["alerted"] <= measured.campaigns["campaigns"]).all()


def test_what_lacks_a_ledger_is_not_observable_and_not_clean(measured: TypologyRates) -> None:
    row = measured.row(basis=HONEST, typology="peel_chain")
    assert (row["lacking"], row["alerted"]) == (2, 0)
    assert "not observable on 2 of them" in repr(measured)


def test_every_figure_is_told_with_its_numbers(measured: TypologyRates) -> None:
    said = repr(measured)
    for one in FEW:
        weak = " (weak)" if one.strength == "weak" else ""
        assert f"{one.name}{weak}, {HONEST} (2 worlds):" in said
    share = measured.share("bothered", basis=HONEST, typology="structuring")
    assert per_thousand(share) in said
    with pytest.raises(InputError, match="no luck of"):
        measured.share("luck", basis=HONEST, typology="structuring")
    with pytest.raises(InputError, match="no world"):
        typology_rates([])


def test_the_page_is_what_was_counted() -> None:
    tool = runpy.run_path(str(ROOT / "tools" / "typologies.py"))
    every, alone = tool["counted"]()
    page = (ROOT / "docs" / "typologies.md").read_text("utf-8")
    assert page == tool["page"](every).rstrip("\n") + "\n"
    again = tool["first"]()
    assert again.frame.equals(alone.frame)
    assert again.campaigns.equals(alone.campaigns)
