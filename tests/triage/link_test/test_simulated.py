"""Simulated vendors: exact truth, the same each time; and the page says what was counted there."""

from __future__ import annotations

import json
import runpy
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from chainwatch.addresses.assets import native
from chainwatch.errors import ArgumentError, InputError
from chainwatch.simulate.networks.simulation import SimulatedLinks, simulate_vendor_links
from chainwatch.simulate.networks.vendors import KINDS, LINKED
from chainwatch.simulate.owners.parts import TEST
from chainwatch.triage.link_test.judged import Terms
from chainwatch.triage.link_test.measured import measured, measured_on
from chainwatch.triage.link_test.rates import LinkRates, added, link_rates, ordinary
from chainwatch.triage.link_test.reach import reach
from chainwatch.triage.link_test.simulated import flows_of_simulated
from chainwatch.typologies.made_flows import make_flows

ROOT = Path(__file__).parents[3]
HONEST = "simulated vendors, honest (test part)"


@pytest.fixture(scope="module")
def made() -> SimulatedLinks:
    return simulate_vendor_links(TEST.seeds[100], part="test")


@pytest.fixture(scope="module")
def found(made: SimulatedLinks) -> LinkRates:
    return link_rates([made])


@pytest.fixture(scope="module")
def tool() -> dict[str, Any]:
    return runpy.run_path(str(ROOT / "tools" / "links.py"))["page"].__globals__


def test_a_seed_makes_the_same_payments_and_another_others(made: SimulatedLinks) -> None:
    again = simulate_vendor_links(TEST.seeds[100], part="test")
    for name in ("payer", "payee", "amount", "time"):
        assert np.array_equal(getattr(again, name), getattr(made, name))
    other = simulate_vendor_links(TEST.seeds[1], part="test")
    assert len(other.time) != len(made.time) or (other.time != made.time).any()
    with pytest.raises(ArgumentError, match="is none of the part"):
        simulate_vendor_links(TEST.seeds[100], part="fit")


def test_the_truth_is_in_the_payments(made: SimulatedLinks) -> None:
    """Each linked vendor's money reaches a collector by its hops, and by no payment fewer."""
    kinds = made.truth.group_by("kind").len().sort("kind").rows()
    assert kinds == sorted(KINDS[False])
    assert (np.diff(made.time) >= 0).all()
    assert (made.amount > 0).all()
    collectors = set(made.network.tolist())
    assert {made.roles[one] for one in collectors} == {"collector"}
    assert len(collectors & set(made.vendors.tolist())) == 0
    between = {one for one, role in enumerate(made.roles) if role == "go-between"}
    for vendor, hops in made.truth.filter("linked").select("vendor", "hops").rows():
        paid = set(made.payee[made.payer == vendor].tolist())
        assert bool(paid & collectors) == (hops == 1), vendor
        assert bool(paid & between) == (hops > 1), vendor
    plain = made.truth.filter(pl.col("kind") != LINKED)["vendor"].to_list()
    straight = np.isin(made.payer, plain) & np.isin(made.payee, made.network)
    assert not straight.any(), "nobody without a link pays the network"


def test_flows_are_those_of_the_frame(made: SimulatedLinks) -> None:
    """Of the first payments of all, for the way by the frame looks every party up."""
    fast, rows = flows_of_simulated(made), 4_000
    slow = make_flows(made.frame.head(rows), native("eth-dev"))
    ids = made.parties
    assert slow.parties.gather(slow.payee).to_list() == ids.gather(fast.payee[:rows]).to_list()
    assert slow.amount.tolist() == fast.amount[:rows].tolist()
    assert slow.clock.tolist() == fast.clock[:rows].tolist()
    shops = {number for number, role in enumerate(made.roles) if role == "shop"}
    sides = ((slow, _numbers(slow.parties)), (_head(fast, rows), range(len(ids))))
    one, two = (
        reach(flows, np.array([party in shops for party in numbers]),
              np.zeros(len(flows.parties), np.bool_))
        for flows, numbers in sides
    )  # fmt: skip
    assert one.value.tolist() == two.value.tolist()
    assert one.value.any()


def _numbers(parties: pl.Series) -> list[int]:
    return [int.from_bytes(one[:4], "big") for one in parties]


def _head(flows: Any, rows: int) -> Any:
    columns = ("payer", "payee", "amount", "clock", "time", "order", "tx", "place", "deed",
               "agreed", "payer_name", "payee_name")  # fmt: skip
    return replace(flows, **{name: getattr(flows, name)[:rows] for name in columns})


def test_the_page_says_what_was_counted(tool: dict[str, Any]) -> None:
    counted = tool["counted"]()
    assert tool["PAGE"].read_text("utf-8") == tool["page"](counted, tool["counted_ordinary"]())
    assert json.loads(tool["RATES"].read_text("utf-8")) == tool["rates"](counted)._asdict()
    assert measured() == tool["rates"](counted)
    assert measured_on(Terms()) == measured()
    assert measured_on(Terms(days=8)) is None
    for hostile, seeds in tool["SEEDS"].items():
        assert counted.of(tool["basis"](hostile))["seed"].to_list() == list(seeds)


def test_the_first_world_is_counted_again(tool: dict[str, Any], found: LinkRates) -> None:
    kept = tool["counted"]().of(HONEST).filter(seed=TEST.seeds[100])
    assert found.worlds.rows() == kept.rows()


def test_what_was_asked_for_holds_on_the_frozen_seeds(tool: dict[str, Any]) -> None:
    counted = tool["counted"]()
    false, links = counted.false_proportion(HONEST), counted.found_of(HONEST)
    worlds = counted.of(HONEST)
    assert worlds.height == 50
    assert false.mean <= false.high <= counted.rate == 0.05
    assert links.low >= 15
    for kind, _ in KINDS[False]:
        share = counted.share_of("called", basis=HONEST, kind=kind)
        assert (share.rate or 0) > 0.75 if kind == LINKED else share.count <= 1, kind
        if kind.startswith("shared"):
            assert share.count == 0, kind


def test_ordinary_wallets_are_called_no_more_than_they_should_be(tool: dict[str, Any]) -> None:
    counted = tool["counted_ordinary"]()
    assert counted.wallets == 2_000
    assert counted.called == 0
    for count, level in zip(counted[2:], (0.05, 0.01, 0.001), strict=True):
        assert count <= level * counted.wallets
    one = ordinary(simulate_vendor_links(3, part="fit"), Terms(), count=60)
    assert (one.wallets, one.called) == (60, 0)


def test_a_payment_agent_of_a_few_is_the_case_that_goes_wrong(tool: dict[str, Any]) -> None:
    """All who use it are called, and of each it is said that a processor is likely."""
    counted = tool["counted"]()
    basis = tool["basis"](True)
    assert counted.false_proportion(basis).mean > 0.2
    row = counted.row(basis=basis, kind="shared payment agent of a few, without a tag")
    assert row["explained"] == row["called"] > 0


def test_worlds_add_up(found: LinkRates) -> None:
    fit = link_rates([simulate_vendor_links(0, part="fit")])
    both = added(found, fit)
    assert both.worlds.height == 2
    assert both.frame.height == found.frame.height + fit.frame.height
    twice = added(found, found)
    assert twice.frame["vendors"].to_list() == [2 * one for one in found.frame["vendors"]]
    assert found.false_proportion(HONEST).high == 1.0, "one world bounds nothing"
    said = "\n".join(found.lines())
    assert "links found in a world" in said
    with pytest.raises(InputError, match="no called of 'x' on"):
        found.share_of("called", basis=HONEST, kind="x")
    with pytest.raises(InputError, match="no world"):
        link_rates([])
