"""A simulated theft through an exchange, a mix and a peel chain, held against the thief's books."""

from __future__ import annotations

from typing import Any, NamedTuple

import polars as pl
import pytest

import chainwatch as cw
from chainwatch.heuristics import coinjoin
from chainwatch.simulate.theft import Theft, theft
from chainwatch.tracing.ranges.range_result import TraceRange

THROUGH_THE_MIX = 138_819_799
"""Of what the thief put into the mix, what no arithmetic ties to an output."""

FOUND = {
    "fifo": (79_174_626, 0, 20_000_000, 262_000_000, 0, 2_871),
    "lifo": (0, 0, 0, 262_000_000, 99_172_367, 5_130),
    "haircut": (64_357_997, 28_437_256, 9_977_984, 197_597_712, 60_800_906, 5_642),
    "seniority": (129_000_000, 0, 20_000_000, 162_000_871, 50_176_626, 0),
    "clean_first": (52_000_000, 57_000_000, 20_000_000, 110_298_000, 121_870_119, 9_378),
    "taint_in_highest_out": (
        52_000_000, 57_000_000, 20_000_000, 110_303_436, 121_870_119, 3_942,
    ),
}  # fmt: skip
"""At Harbour, the helper, Kiln, Northbank, kept by the thief, and paid as fees."""

NAMES = ("Harbour", "Helper", "Kiln", "Northbank", "Thief", "miners")


class Case(NamedTuple):
    made: Theft
    ledger: cw.Ledger
    tags: cw.Tags
    found: TraceRange


@pytest.fixture(scope="module")
def case(tmp_path_factory: pytest.TempPathFactory) -> Case:
    folder = tmp_path_factory.mktemp("theft")
    made = theft()
    files = made.write(folder / "case")
    cw.pull(folder / "ledger", cw.BlockFiles(files / "blocks.dat", chain="btc-regtest"))
    ledger, tags = cw.open_ledger(folder / "ledger"), cw.read_tags(files / "tags")
    found = cw.trace_all(ledger, made.stolen, stop=[tags.services(), coinjoin.JOINT])
    return Case(made, ledger, tags, found)


def scores(case: Case, policy: str) -> dict[str, Any]:
    rows = case.made.scored(case.found.traces[policy].ends)
    return {row["destination"]: row for row in rows.iter_rows(named=True)}


@pytest.mark.parametrize("policy", FOUND)
def test_the_amount_at_each_true_destination(case: Case, policy: str) -> None:
    of = scores(case, policy)
    assert tuple(of[name]["found"] for name in NAMES) == FOUND[policy]
    assert of["(mixer)"]["found"] == THROUGH_THE_MIX
    assert sum(row["found"] for row in of.values()) == case.made.amount
    assert sum(row["true"] for row in of.values()) == case.made.amount
    for row in of.values():
        assert row["agreed"] == min(row["true"], row["found"])


def test_how_much_each_policy_puts_where_the_books_do(case: Case) -> None:
    """The thief paid his savings in first: as far as the mix the books are those of clean first.

    Had he paid them in last, they would be another's: a policy is no finding of fact.
    """
    right = {
        policy: sum(row["agreed"] for row in scores(case, policy).values())
        for policy in case.found.compared
    }
    assert right == {
        "fifo": 261_177_099, "lifo": 261_177_099, "haircut": 325_579_387,
        "seniority": 361_176_228, "clean_first": 361_177_497,
        "taint_in_highest_out": 361_177_497,
    }  # fmt: skip
    assert max(right.values()) == case.made.amount - THROUGH_THE_MIX


def test_the_truth_may_lie_outside_the_range(case: Case) -> None:
    """At Harbour it does: what came there out of the mix no trace ties to the theft."""
    rows = case.found.summary().filter(service="harbour").row(0, named=True)
    assert int(rows["high"]) < case.made.books()["Harbour"]
    assert int(rows["high"]) + THROUGH_THE_MIX >= case.made.books()["Harbour"]


def test_every_true_destination_lies_between_the_least_and_what_the_mix_leaves_open(
    case: Case,
) -> None:
    """What entered the mix and is tied to no output may have gone anywhere behind it."""
    for name in NAMES[:-1]:
        found = [scores(case, policy)[name]["found"] for policy in case.found.compared]
        assert min(found) <= case.made.books()[name] <= max(found) + THROUGH_THE_MIX


def test_followed_through_the_mix_poison_reaches_every_true_destination(case: Case) -> None:
    """And strangers too: that a way exists is all that it says."""
    followed = cw.trace(case.ledger, case.made.stolen, policy="poison", stop=case.tags.services())
    reached = {row["destination"]: row for row in
               case.made.scored(followed.ends).iter_rows(named=True)}  # fmt: skip
    for name, amount in case.made.books().items():
        assert reached[name]["found"] >= amount, name
    strangers = reached["coinjoin maker"]
    assert strangers["found"] > 100 * strangers["true"]


def test_before_the_mix_the_books_and_a_method_can_agree(case: Case) -> None:
    """Of the first deposit the books call 1.0 rBTC loot; the range holds that."""
    first = case.made.payments.filter(purpose="deposit", beneficiary="Thief").row(0, named=True)
    here = pl.col("txid") == first["txid"]
    true = case.made.loot.filter(here, pl.col("owner") == "Northbank")["amount"].item()
    found = [
        int(one.ends.filter(here, pl.col("service") == "northbank")["amount"].sum())
        for name, one in case.found.traces.items()
        if name in case.found.compared
    ]
    assert min(found) <= true <= max(found)
