"""How early alarms come: counted by hand, kept, and said on the page as counted."""

from __future__ import annotations

import runpy
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

import chainwatch as cw
from chainwatch.simulate.health.harms import Harm
from chainwatch.simulate.health.markets import SimulatedMarket, simulate_market
from chainwatch.triage.health.early_warning import ALARMS
from chainwatch.triage.health.warning_rates import (
    ANY,
    BEFORE,
    MISSED,
    NEW,
    Outcome,
    WarningRates,
    by_listings,
    by_payers,
    outcome,
    outcomes,
    rates_of,
    told,
)

pytest.importorskip("scipy", reason="scipy is not installed")

ROOT = Path(__file__).parents[3]
EXACT = {"buyers, exact": by_payers, "new listings, exact": by_listings}


@pytest.fixture(scope="module")
def tool() -> dict[str, Any]:
    return runpy.run_path(str(ROOT / "tools" / "health.py"))["page"].__globals__


@pytest.fixture(scope="module")
def found(tool: dict[str, Any]) -> WarningRates:
    rates: WarningRates = tool["rates"](tool["counted"]())
    return rates


def test_the_page_says_what_was_counted(tool: dict[str, Any], found: WarningRates) -> None:
    text = tool["PAGE"].read_text("utf-8")
    assert text == tool["page"](found, text), "run: python tools/health.py page"


@pytest.mark.parametrize("seed", [1_000, 1_001])
def test_a_market_comes_out_as_it_was_counted(tool: dict[str, Any], seed: int) -> None:
    again = outcomes(simulate_market(seed, part="test"), EXACT)
    kept = {name: tool["counted"]()[seed][name] for name in EXACT}
    assert again == kept, "run: python tools/health.py judge"


def test_fifty_markets_are_on_the_page_and_exact_counts_warn_before_the_report(
    found: WarningRates,
) -> None:
    row = found.frame.row(0, named=True)
    assert (row["way"], row["harm"], row["markets"]) == ("buyers, exact", ANY, 50)
    assert row["lead_low"] > 0
    assert row["warned"] > row["harms"] / 2
    # The promise: no more than one week in 104 has a false alarm of growth.
    assert row["per_year_high"] < 52 / 104


def market(*harms: Harm) -> SimulatedMarket:
    made = simulate_market(0, part="fit")
    return SimulatedMarket("fit", 0, made.weeks, made.purchases, made.listings, harms)


def alarms(made: SimulatedMarket, *said: tuple[str, int]) -> cw.EarlyWarning:
    base = by_payers(made)
    rows = [
        (group, "growth", made.weeks[week], made.weeks[week], 1, 1, 0, 1.0, 0.1, 0.1, "payment",
         "", "", None)
        for group, week in said
    ]  # fmt: skip
    return cw.EarlyWarning(
        ALARMS.frame(rows),
        base.not_judged,
        base.unread,
        base.settings,
        1,
        len(made.weeks),
        True,
        "substance",
    )


def test_leads_and_false_alarms_are_counted_as_one_would_by_hand() -> None:
    made = market(Harm("a", 40, 60, False), Harm("b", 50, 70, True), Harm("c", 60, None, True))
    said = alarms(made, ("a", 30), ("a", 47), ("a", 90), ("b", 75), ("c", 61), ("d", 20))
    # Before it began, an alarm on a is false; on d any is; c was never reported by others.
    assert outcome(made, said) == Outcome((13,), (-5,), 2, 104 - 12)
    assert outcome(made, alarms(made)) == Outcome((MISSED,), (MISSED,), 0, 92)


def test_a_miss_counts_as_the_latest_in_the_median() -> None:
    each = [Outcome((lead,), (), 1, 52) for lead in (9, 5, MISSED, 1, MISSED, MISSED, 7, 3, 2, 4)]
    row = rates_of({"way": each}).frame.row(0, named=True)
    assert (row["warned"], row["missed"], row["lead"]) == (7, 3, 2)
    assert row["lead_low"] == MISSED
    assert told(row["lead_low"]) == "none"
    assert row["per_year"] == 1.0
    assert (row["per_year_low"], row["per_year_high"]) == (1.0, 1.0)
    assert "none to 7" in repr(rates_of({"way": each}))


def test_intervals_of_a_median_hold_it_as_often_as_they_say() -> None:
    """Order statistics of 20 draws: the 6th and the 15th, whatever is drawn (binomial tables)."""
    each = [Outcome((), (lead,), 0, 52) for lead in range(1, 21)]
    frame = rates_of({"way": each}).frame
    rows = {row["harm"]: row for row in frame.to_dicts()}
    assert (rows[BEFORE]["lead_low"], rows[BEFORE]["lead_high"]) == (6, 15)
    assert (rows[NEW]["harms"], rows[NEW]["lead"]) == (0, None)
    assert rows[NEW]["per_year"] is None


def test_a_release_a_week_is_made_as_it_would_be(tmp_path: Path) -> None:
    pytest.importorskip("opendp", reason="opendp is not installed")
    from decimal import Decimal

    from chainwatch.triage.health.warning_rates import weekly_releases

    made = simulate_market(0, part="fit")
    releases = weekly_releases(made, Decimal("1000"))  # so little noise that counts show
    week = releases[20]
    buyers = made.payers().filter(week=made.weeks[20])
    seen = dict(week.frame.select("substance", "count").iter_rows())
    # One payment of each owner a week: what is counted are buyers.
    assert {name: count for name, count in seen.items() if count} == dict(
        buyers.select("group", "count").iter_rows()
    )
    assert releases[21].terms.weeks[0] - week.terms.weeks[0] == timedelta(weeks=1)
