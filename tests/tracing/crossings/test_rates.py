"""How often matches are wrong where all is known, and that the control of chance says so."""

from __future__ import annotations

import runpy
from math import isclose
from pathlib import Path
from typing import Any

import polars as pl
import pytest

import chainwatch as cw
from chainwatch.errors import InputError
from chainwatch.simulate.bridges.simulation import SimulatedBridges, simulate_bridges
from chainwatch.tracing.crossings.chance import SHIFTS, Control, shifts_for
from chainwatch.tracing.crossings.crossings import FEE, WITHIN
from chainwatch.tracing.crossings.matching import MATCHED, NONE_FITS
from chainwatch.tracing.crossings.messages.by_identifier import BY_ID
from chainwatch.tracing.crossings.rates import FIRST_THAT_FITS, CrossingRates, crossing_rates
from chainwatch.tracing.crossings.tables import BY_AMOUNT, CROSSED

ROOT = Path(__file__).resolve().parents[3]
HONEST, HOSTILE = (f"simulated bridges, {kind} (test part)" for kind in ("honest", "adversarial"))


@pytest.fixture(scope="module")
def measured() -> CrossingRates:
    return crossing_rates(
        simulate_bridges(seed, part="test", adversarial=hostile, days=8, deposits=600)
        for hostile in (False, True)
        for seed in range(1_000, 1_003)
    )


@pytest.mark.parametrize("basis", [HONEST, HOSTILE])
def test_the_share_of_false_matches_is_what_the_control_says(
    measured: CrossingRates, basis: str
) -> None:
    row = measured.frame.row(
        by_predicate=(pl.col("basis") == basis) & (pl.col("rule") == BY_AMOUNT), named=True
    )
    control = measured.controls[basis]
    assert control.matches == row["matched"]
    assert (row["false_low"], row["false_high"]) == control.interval
    assert 0 < row["false_low"] <= row["wrong"] <= row["false_high"]
    # It says something: the interval is no more than a few of a hundred matches wide.
    assert row["false_high"] < row["matched"] // 15
    assert control.tries > 10 * control.cases > 10_000


@pytest.mark.parametrize("basis", [HONEST, HOSTILE])
def test_who_takes_the_first_that_fits_is_wrong_more_often_than_the_control_allows(
    measured: CrossingRates, basis: str
) -> None:
    """The control is of the rule that abstains: one that answers always is outside of it."""
    wrong = measured.share("wrong", basis=basis, rule=FIRST_THAT_FITS)
    rare = measured.share("wrong", basis=basis, rule=BY_AMOUNT)
    assert wrong.count > measured.frame.filter(basis=basis, rule=BY_AMOUNT)["false_high"].item()
    assert wrong.interval is not None
    assert rare.interval is not None
    assert rare.interval.high < wrong.interval.low


def test_identifiers_are_never_wrong_and_find_what_is_late_and_dear(
    measured: CrossingRates,
) -> None:
    for basis in (HONEST, HOSTILE):
        wrong = measured.share("wrong", basis=basis, rule=BY_ID)
        assert (wrong.count, wrong.of > 1_000) == (0, True)
        assert measured.share("found", basis=basis, rule=BY_ID).rate == 1
        assert (measured.share("found", basis=basis, rule=BY_AMOUNT).rate or 1) < 0.9


def test_every_figure_is_told_with_its_numbers(measured: CrossingRates) -> None:
    said = repr(measured)
    for rule in (BY_ID, BY_AMOUNT, FIRST_THAT_FITS):
        assert f"{rule}, {HONEST} (3 worlds):" in said
    assert str(measured.share("wrong", basis=HONEST, rule=BY_AMOUNT)) in said
    assert measured.controls[HONEST].said() in said
    with pytest.raises(InputError, match="no luck of"):
        measured.share("luck", basis=HONEST, rule=BY_AMOUNT)
    with pytest.raises(InputError, match="no world"):
        crossing_rates([])


def slow_verdict(
    deposit: Any, when: Any, deposits: list[Any], payouts: list[Any]
) -> tuple[str, bytes | None]:
    """Return what the rule says of a deposit at a time: every pair looked at, nothing sorted."""

    def fits(made: Any, at: Any, out: Any) -> bool:
        least = made["amount"] * (1 - FEE)
        within = at <= out["time"] <= at + WITHIN
        return bool(made["chain"] != out["chain"] and within
                    and least <= out["amount"] <= made["amount"])  # fmt: skip

    found = [out for out in payouts if fits(deposit, when, out)]
    if not found:
        return NONE_FITS, None
    others = [one for one in deposits if one["txid"] != deposit["txid"]]
    claimed = any(fits(one, one["time"], found[0]) for one in others)
    alone = len(found) == 1 and not claimed
    return (MATCHED, found[0]["txid"]) if alone else ("open", None)


@pytest.fixture(scope="module")
def small() -> SimulatedBridges:
    return simulate_bridges(7, part="fit", adversarial=True, days=6, deposits=120)


def test_matches_and_control_are_those_of_a_plain_search(small: SimulatedBridges) -> None:
    found = cw.crossings(small.ledger(), bridges=small.bridges, assets=[small.assets])
    rows = [{**row, "amount": int(row["amount"])} for row in small.transfers.iter_rows(named=True)]
    deposits = [row for row in rows if row["receiver"] == small.pool]
    payouts = [row for row in rows if row["sender"] == small.pool]
    last, end = max(row["time"] for row in payouts), small.span[1]
    paid = dict(
        found.payouts.join(found.frame.select("crossing", of="txid"), on="crossing")
        .select("of", "txid").iter_rows()
    )  # fmt: skip
    first = min(row["time"] for row in payouts)
    tries = matched = none = 0
    for row in deposits:
        word, out = slow_verdict(row, row["time"], deposits, payouts)
        told = found.frame.row(by_predicate=pl.col("txid") == row["txid"], named=True)
        sure = small.span[0] + WITHIN <= row["time"] <= end - WITHIN
        if sure:
            assert (told["result"] == CROSSED) == (word == MATCHED)
            assert paid.get(row["txid"]) == out
            assert (told["reason"] == NONE_FITS) == (word == NONE_FITS)
        for shift in SHIFTS:
            at = row["time"] + shift * _MICRO
            if first <= at and at + WITHIN <= last:
                word, out = slow_verdict(row, at, deposits, payouts)
                early = word == MATCHED and next(
                    one["time"] for one in payouts if one["txid"] == out
                ) - WITHIN < small.span[0]  # fmt: skip
                tries += not early
                matched += word == MATCHED and not early
                none += word == NONE_FITS
    chance = found.chance
    assert (chance.tries, chance.matched, chance.none) == (tries, matched, none)
    assert matched > 0


class TestControl:
    def test_worked(self) -> None:
        """Of 1,000 moves 50 find one payout and 900 none; 90 deposits find none as they are."""
        control = Control(1_000, 50, 900, 950, 400, 90)
        assert isclose(control.expected or 0, 90 * 50 / 900)
        low, high = control.interval or (0, 0)
        assert low < 5 < high
        for false, inside in ((low, True), (high, True), (high + 1, False)):
            share, trials = 50 / 950, 950
            pooled = (share * trials + false) / (trials + 90 + false)
            spread = pooled * (1 - pooled) * (1 / trials + 1 / (90 + false))
            assert ((false / (90 + false) - share) ** 2 <= 1.959963984540054**2 * spread) == inside
        assert "5.0 of 400 matches are expected to be false" in control.said()

    def test_few_cases_widen_it(self) -> None:
        many, few = (Control(1_000, 50, 900, cases, 400, 90).interval for cases in (950, 60))
        assert many is not None
        assert few is not None
        assert few[0] <= many[0] < many[1] < few[1]

    def test_what_was_not_tried_is_not_testable(self) -> None:
        assert Control(matches=3).interval is None
        assert "not testable" in Control(matches=3).said()
        assert "not testable" in Control(tries=10, matches=3, unmatched=1).said()
        assert Control().said() == "nothing was matched by amount and time"

    def test_without_a_chance_match_the_most_is_not_nothing(self) -> None:
        """Three over the number of trials, about: no match in forty moves proves no zero."""
        low, high = Control(40, 0, 40, 40, 50, 40).interval or (9, 9)
        assert low == 0
        assert 1 <= high <= 6

    def test_longer_spans_move_deposits_farther(self) -> None:
        assert shifts_for(6 * 3_600_000_000) == SHIFTS
        week = 7 * 24 * 3_600_000_000
        assert min(map(abs, shifts_for(week))) > week


_MICRO = (WITHIN - WITHIN).resolution


@pytest.fixture(scope="module")
def tool() -> dict[str, Any]:
    """Return the names of the tool, which live on with their module."""
    return runpy.run_path(str(ROOT / "tools" / "crossings.py"))["page"].__globals__


def test_the_page_says_what_was_counted(tool: dict[str, Any]) -> None:
    found, _ = tool["counted"]()
    assert tool["PAGE"].read_text("utf-8") == tool["page"](found), "run: tools/crossings.py page"
    assert tool["first"]().digest == tool["counted"]()[1].digest, "run: tools/crossings.py judge"


def test_what_was_published_lies_within_its_control(tool: dict[str, Any]) -> None:
    found, _ = tool["counted"]()
    rows = found.frame.filter(rule=BY_AMOUNT)
    assert rows.height == 2
    assert (rows["false_low"] <= rows["wrong"]).all()
    assert (rows["wrong"] <= rows["false_high"]).all()
