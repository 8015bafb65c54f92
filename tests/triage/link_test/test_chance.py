"""Matched wallets, drawn receivers and the correction, each against what one would work out."""

from __future__ import annotations

import sys
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from link_world import ON, TOKEN, VENDORS, ledger, tags

from chainwatch.errors import ArgumentError, MissingExtra
from chainwatch.triage.link_test.discovery import Ratio, adjusted, draws_needed, rate_of, statistics
from chainwatch.triage.link_test.judged import Ground, Terms, ground_of
from chainwatch.triage.link_test.matching import CALIPERS
from chainwatch.triage.link_test.measured import Measured
from chainwatch.triage.link_test.permuted import FINE, LEAST, Strata
from chainwatch.typologies.alerts import flows_of

FIVE = Fraction(5, 100)


@pytest.fixture(scope="module")
def ground() -> Ground:
    flows = flows_of(ledger(), TOKEN, None, tags())
    network = np.array([ON.name(one).startswith("lantern") for one in flows.parties])
    vendors = np.array([flows.number_of(ON(one)) for one in VENDORS])
    return ground_of(flows, vendors, network, Terms())


def number(ground: Ground, name: str) -> int:
    found = ground.reach.flows.number_of(ON(name))
    assert found is not None
    return found


def test_a_lone_discovery_of_200_tests_at_5_percent_needs_23_513_in_all() -> None:
    assert draws_needed(200, FIVE) + 1 == 23_513
    assert draws_needed(1, FIVE) == 19
    for tests in (1, 2, 7, 200):
        needed = draws_needed(tests, FIVE)
        (best,), (less,) = (adjusted([1 / one], tests) for one in (needed + 1, needed))
        assert best <= 0.05 + 1e-15 < less


@settings(deadline=None)
@given(st.lists(st.floats(1e-6, 1), min_size=1, max_size=30), st.integers(0, 40))
def test_the_correction_is_benjamini_and_yekutieli_s_over_all_tests(
    values: list[float], more: int
) -> None:
    tests = len(values) + more
    found = adjusted(values, tests)
    harmonic = sum(1 / k for k in range(1, tests + 1))
    order = sorted([*values, *[1.0] * more])
    for value, told in zip(values, found, strict=True):
        steps = [tests * harmonic * one / rank for rank, one in enumerate(order, 1) if one >= value]
        assert told == pytest.approx(min(1.0, *steps))


def test_rates_are_exact_and_between_nothing_and_all() -> None:
    assert rate_of(0.05) == rate_of("0.05") == rate_of("1/20") == FIVE
    for wrong in (0, 1, "1.5", "many", "1/0", True, None):
        with pytest.raises(ArgumentError, match="between 0 and 1"):
            rate_of(wrong)  # type: ignore[arg-type]


def test_matched_wallets_are_within_the_factors_and_none_is_under_test(ground: Ground) -> None:
    kelp, sizes = number(ground, "kelp"), ground.sizes
    names = {ON.name(ground.reach.flows.parties[int(one)]) for one in ground.pool}
    assert not names & {*VENDORS, "lantern1", "lantern2", "hot"}
    for wanted in (10, 200, 10_000):
        found, caliper = sizes.matched(kelp, ground.pool, wanted)
        assert caliper in CALIPERS
        assert len(set(found.tolist())) == len(found)
        alike = [
            one for one in ground.pool.tolist()
            if abs(int(sizes.begun[one]) - int(sizes.begun[kelp])) <= caliper.days
            and all(
                int(column[one]) // factor <= int(column[kelp])
                and int(column[kelp]) // factor <= int(column[one])
                for column, factor in (
                    (sizes.payments, caliper.times), (sizes.days, caliper.times),
                    (ground.reach.flows.payees, caliper.times), (sizes.value, caliper.value),
                )
            )
        ]  # fmt: skip
        assert found.tolist() == alike
    assert sizes.matched(kelp, ground.pool, 10_000).caliper == CALIPERS[-1]


def test_draws_come_from_the_same_week_and_value(ground: Ground) -> None:
    """Each stratum is one week and one class of value, of payments of others alone."""
    strata, flows = ground.strata, ground.reach.flows
    assert int(strata.first[-1]) == len(strata.drawn)
    pool = set(ground.pool.tolist())
    count = sum(1 for one in strata.payer.tolist() if one in pool)
    assert count == len(strata.drawn)
    for stratum in range(len(strata.first) - 1):
        begin, end = strata.first[stratum], strata.first[stratum + 1]
        some = strata.drawn[begin:end]
        assert int((some > 0).sum()) == int(strata.some[stratum])
        assert not (some[int(strata.some[stratum]) :] > 0).any(), "those of nothing stand last"
    for party in (number(ground, "kelp"), number(ground, "w7")):
        mine = strata.of(party)
        total = sum(int(flows.amount[row]) for row in flows.out_of.of(party))
        assert sum(int(one) for one in strata.amount[mine]) == total
        assert (np.diff(strata.stratum[mine]) >= 0).all()


def test_draws_are_as_many_as_asked_follow_the_seed_and_tell_far_from_near(ground: Ground) -> None:
    kelp, plain = number(ground, "kelp"), number(ground, "w3")
    one, two = (ground.strata.test(kelp, 500, [1, 2]) for _ in range(2))
    assert one == two
    assert one.draws == 500
    assert one.as_far <= 2
    assert ground.strata.test(plain, 100, 3).as_far == 100, "nothing is as far as nothing"
    assert not ground.strata.scarce(kelp)


def strata_at_random(rng: np.random.Generator, payers: int, each: int) -> Strata:
    """Return payments of which each stratum's reach the network by chance alone."""
    payer = np.repeat(np.arange(payers, dtype=np.int32), each)
    stratum = np.tile(np.arange(each, dtype=np.int64) * 10, payers)
    share = np.where(rng.random(len(payer)) < 0.2, (rng.random(len(payer)) * FINE).astype(int), 0)
    order = np.lexsort((-share, stratum))
    first = np.searchsorted(stratum[order], np.arange(10 * each + 1))
    some = np.bincount(stratum[share > 0], minlength=10 * each)
    amount = (rng.random(len(payer)) * 1_000).astype(np.int64) + 1
    return Strata(payer, amount, share, stratum, first, some, share[order])


def test_p_values_of_those_without_a_link_are_no_smaller_than_they_should_be() -> None:
    """Payers whose receivers are by chance: of 400, about as many as the level, or fewer."""
    strata = strata_at_random(np.random.default_rng(5), 400, 8)
    chances = []
    for party in range(400):
        found = strata.test(party, 199, [7, party])
        chances.append((found.as_far + 1) / (found.draws + 1))
    for level in (0.05, 0.1, 0.25):
        count = sum(one <= level for one in chances)
        assert count <= 400 * level + 3 * (400 * level * (1 - level)) ** 0.5, level
    assert sum(one <= 0.25 for one in chances) > 50, "and not much larger either"


def test_a_ratio_is_the_lower_bound_over_the_upper() -> None:
    measured = Measured({}, 50, 900, 1_000, 0, 9_000)
    low, high = measured.power.interval, measured.false.interval
    assert low is not None
    assert high is not None
    assert high.high == 3 / 50, "worlds are the cases, and in none was one called"
    ratio = measured.ratio()
    assert ratio is not None
    assert low.low / high.high - 0.01 < ratio.at_least <= low.low / high.high
    assert ratio.strength == "moderate"
    said = [Ratio(one).strength for one in (0.5, 5.0, 50.0, 500.0, 5e3, 5e4)]
    assert said == ["none", "weak or limited", "moderate", "moderately strong", "strong",
                    "very strong"]  # fmt: skip


def test_without_scipy_it_is_said_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "scipy", None)
    with pytest.raises(MissingExtra, match=r"chainwatch\[statistics\]"):
        statistics()


def test_a_week_too_thin_to_draw_from_is_told(ground: Ground) -> None:
    strata = strata_at_random(np.random.default_rng(1), LEAST - 1, 3)
    assert strata.scarce(0)
    assert not strata_at_random(np.random.default_rng(1), LEAST, 3).scarce(0)
