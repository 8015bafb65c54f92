"""Early warning: what is new, what grows, what only looks so; and what cannot be judged."""

from __future__ import annotations

import math
from datetime import date, timedelta
from itertools import pairwise
from typing import Any

import numpy as np
import polars as pl
import pytest
import seller_tags as made_up
from hypothesis import given
from hypothesis import strategies as st

import chainwatch as cw
from chainwatch.errors import ArgumentError, InputError
from chainwatch.privacy.edition import Edition
from chainwatch.privacy.mask_tables import mask_tables
from chainwatch.triage.health.all_others import share_bound
from chainwatch.triage.health.early_warning import (
    BESIDE_UNREAD,
    FIRST_SEEN,
    GROWTH,
    HELD,
    NO_BASELINE,
    UNDATED,
    WEAKER,
    by_week,
    episodes,
)
from chainwatch.triage.health.growth import WINDOWS, Weekly, grown
from chainwatch.triage.health.noisy_counts import HealthRelease
from chainwatch.triage.health.sightings import NO_DAY, WRITTEN

pytest.importorskip("scipy", reason="scipy is not installed")

from scipy.optimize import minimize_scalar
from scipy.stats import hypergeom

MONDAY = date(2022, 1, 3)


def frame(counts: dict[str, Any], dated_by: str | None = "payment") -> pl.DataFrame:
    """Return weekly counts of groups as a frame."""
    rows = [
        (group, MONDAY + timedelta(weeks=week), int(count), dated_by)
        for group, weekly in counts.items()
        for week, count in enumerate(weekly)
    ]
    names = {"group": pl.String, "week": pl.Date, "count": pl.Int64, "dated_by": pl.String}
    return pl.DataFrame(rows, schema=names, orient="row")


def steady(seed: int, groups: int = 12, weeks: int = 120, mean: float = 30) -> dict[str, Any]:
    rng = np.random.default_rng(seed)
    return {f"s{n:02}": rng.poisson(mean, weeks) for n in range(groups)}


def grew(found: cw.EarlyWarning) -> list[str]:
    return found.frame.filter(pl.col("kind") == GROWTH)["group"].to_list()


def test_growth_is_found_soon_after_it_begins_and_told_since_when() -> None:
    counts = steady(1)
    counts["s03"][80:] = np.random.default_rng(2).poisson(30 * 1.12 ** np.arange(40))
    found = cw.early_warning(frame(counts))
    assert grew(found) == ["s03"]
    row = found.frame.row(0, named=True)
    begun = MONDAY + timedelta(weeks=80)
    assert begun < row["week"] <= begun + timedelta(weeks=10)
    assert begun - timedelta(weeks=2) <= row["since"] <= row["week"]
    assert row["count"] > 1.3 * row["expected"]
    assert row["p"] <= row["q"] <= 1 / 104
    assert row["statistic"] == pytest.approx(-math.log(row["p"]), abs=0.06)


def test_what_looks_like_growth_and_is_none_raises_no_alarm() -> None:
    """A season of all, an outage and the return, the end of a rival, and a peak of every year."""
    rng = np.random.default_rng(3)
    weeks = np.arange(160)
    season = 1 + 0.5 * np.sin(2 * np.pi * weeks / 52)
    season[90:93] *= 0.03
    season[93:95] *= 1.6
    own = np.where(np.isin(weeks % 52, range(20, 26)), 2.2, 1.0)
    counts = {f"s{n:02}": rng.poisson(60 * season) for n in range(12)}
    counts["festival"] = rng.poisson(60 * season * own)
    counts["rival"] = np.where(weeks < 110, rng.poisson(500 * season), 0)
    found = cw.early_warning(frame(counts))
    first_peak = MONDAY + timedelta(weeks=52)
    late = found.frame.filter(pl.col("week") > first_peak)
    assert late.height == 0, late


def test_one_buyers_store_is_one_payer() -> None:
    """What is counted is payers, so that a hundred payments of one owner are one."""
    counts = steady(4)
    counts["s05"][90] += 1
    assert grew(cw.early_warning(frame(counts))) == []
    counts["s05"][90] += 100
    assert grew(cw.early_warning(frame(counts))) == ["s05"]


@pytest.mark.parametrize(("dispersion", "scale"), [(1, 0.0), (3, 0.0), (1, 8.0), (3, 8.0)])
def test_false_alarms_keep_their_promise(dispersion: int, scale: float) -> None:
    """Weeks with an alarm, where nothing grows, are no more than one in so many."""
    rng = np.random.default_rng(5)
    alarms = weeks = 0
    for _ in range(4):
        means = np.exp(rng.normal(2.5, 1, (10, 1)))
        counts = rng.poisson(means, (10, 110)).astype(float)
        if dispersion > 1:
            counts = rng.negative_binomial(
                means / (dispersion - 1), 1 / dispersion, (10, 110)
            ).astype(float)
        if scale:
            chance = 1 - math.exp(-1 / scale)
            counts += rng.geometric(chance, (10, 110)) - rng.geometric(chance, (10, 110))
        found = by_week(grown(Weekly(counts, np.full(110, scale)), 12, 52).chance)
        alarms += int((found <= 1 / 50).any(axis=0).sum())
        weeks += int((~np.isnan(found)).any(axis=0).sum())
    assert weeks == 4 * (110 - 12)
    assert alarms <= weeks / 50


def slow_chance(y: int, before: int, window: int, weeks: int) -> float:
    """Return the best bound on a Poisson excess of one window, found by minimizing."""
    ratio, rate = window / weeks, before + 1

    def exponent(step: float) -> float:
        grown = rate * (ratio * math.expm1(step) + math.expm1(-ratio * step))
        return grown - step * (y - ratio * before)

    found = minimize_scalar(exponent, bounds=(1e-9, 9), method="bounded", options={"xatol": 1e-9})
    return math.exp(min(0.0, found.fun))


@given(st.integers(0, 60), st.integers(1, 30))
def test_the_bound_is_that_of_a_slow_search_and_never_below_it(last: int, mean: int) -> None:
    counts = np.array([[mean] * 12 + [last]], float)
    found = grown(Weekly(counts, np.zeros(13)), 12, 52)
    slow = slow_chance(last, 12 * mean, 1, 12) if last > mean else 1.0
    assert found.chance[0, 12] >= slow * (1 - 1e-6)
    # 32 steps lose no more than a twentieth of the exponent.
    assert math.log(found.chance[0, 12]) <= 0.95 * math.log(slow) + 1e-9


@given(st.integers(0, 40), st.floats(0.5, 20))
def test_the_bound_holds_of_sums_that_are_counted_out(excess: int, scale: float) -> None:
    """Of a Poisson count with noise on it: the exact chance, added up, is below the bound."""
    mean, cap = 5.0, 400
    alpha = math.exp(-1 / scale)
    noise = np.array([alpha ** abs(n) for n in range(-cap, cap + 1)]) * (1 - alpha) / (1 + alpha)
    logs = np.arange(cap) * math.log(mean) - mean - np.cumsum(np.log(np.maximum(np.arange(cap), 1)))
    chance = np.convolve(noise, np.exp(logs))
    exact = chance[cap + int(mean) + excess :].sum()
    counts = np.array([[mean] * 30 + [mean + excess]], float)
    scales = np.array([0.0] * 30 + [scale])
    found = grown(Weekly(counts, scales), 30, 52)
    assert found.chance[0, 30] >= min(1.0, exact) - 1e-6


def test_noise_makes_alarms_later_and_never_more_sure() -> None:
    counts = steady(6, groups=5)
    counts["s01"][80:] += 40
    values = np.array(list(counts.values()), float)
    plain, noisy = (
        grown(Weekly(values, np.full(120, scale)), 12, 52).chance for scale in (0.0, 10.0)
    )
    there = ~np.isnan(plain)
    assert (noisy[there] >= plain[there] * (1 - 1e-9)).mean() > 0.97
    assert noisy[1, 80:].min() < 1e-3


def test_a_first_appearance_is_seen_and_one_sighting_alone_is_none() -> None:
    counts = steady(7, groups=4)
    counts |= {"new": [0] * 60 + [1, 0, 1] + [0] * 57, "once": [0] * 60 + [1] + [0] * 59}
    counts["wrong label"] = [1] + [0] * 50 + [2] + [0] * 68
    counts["rare"] = [1, *[0] * 19] * 2 + [1, 1] + [0] * 78
    found = cw.early_warning(frame(counts, "listing"))
    seen = found.frame.filter(pl.col("kind") == FIRST_SEEN)
    assert seen["group"].to_list() == ["new", "wrong label"]
    assert seen["week"].to_list() == [MONDAY + timedelta(weeks=n) for n in (62, 51)]
    assert seen["since"].to_list() == [MONDAY + timedelta(weeks=n) for n in (60, 51)]
    assert "and none in the 60 weeks that were watched" in seen["why"][0]
    assert "and one alone in the 51 weeks that were watched" in seen["why"][1]


def test_the_day_a_tag_was_written_dates_nothing() -> None:
    counts = steady(8, groups=3)
    written = frame({"burst": [0] * 80 + [50] * 40}, "tag")
    whole = pl.concat([frame(counts), written, frame({"mute": [9]}, None)])
    found = cw.early_warning(whole)
    assert found.frame.height == 0
    assert found.not_judged.filter(pl.col("what") == UNDATED).select("group", "why").rows() == [
        ("burst", WRITTEN), ("mute", WRITTEN),
    ]  # fmt: skip
    assert "2 groups undated" in repr(found)


def test_too_few_weeks_are_said_to_be_too_few() -> None:
    found = cw.early_warning(frame(steady(9, weeks=10)))
    assert found.frame.height == 0
    assert found.not_judged.row(0) == (NO_BASELINE, None, 10, "growth needs 12 weeks before it")
    assert "not enough baseline in 10 weeks" in repr(found)


def test_tags_are_seen_on_the_day_of_listing_seizure_or_report() -> None:
    chain = "bip122:000000000019d6689c085ae165831e93"
    nitazenes = {"substance": "nitazenes"}
    rows = [
        made_up.tag(b"\x00" + bytes([n]) * 20, chain, nitazenes | {"listed": f"2024-03-{n:02}"})
        for n in range(4, 8)
    ]
    rows.append(made_up.tag(b"\x00" + b"a" * 20, chain, {"substance": "phenidates"},
                            as_of=date(2024, 3, 5)))  # fmt: skip
    rows.append(made_up.tag(b"\x00" + b"b" * 20, chain, {"substance": "piperazines"}))
    rows.append(made_up.tag(b"\x00" + b"c" * 20, chain, {"substance": "tryptamines"},
                            first_day=date(2024, 3, 5), concept="seizure_order"))  # fmt: skip
    told = {"substance": "tryptamines", "reported": ["2024-03-06", "soon"]}
    rows.append(made_up.tag(b"\x00" + b"d" * 20, chain, told))
    found = cw.early_warning(made_up.tags_of(rows), since="2023-01-01", until="2024-04-01")
    seen = found.frame.filter(pl.col("kind") == FIRST_SEEN)
    assert grew(found) == ["nitazenes"]
    assert seen.select("group", "week", "count", "dated_by").rows() == [
        ("nitazenes", date(2024, 3, 4), 4, "listing"),
        ("tryptamines", date(2024, 3, 4), 2, "report; seizure"),
    ]
    undated = found.not_judged.filter(pl.col("what") == UNDATED)
    assert undated.select("group", "why").rows() == [
        ("phenidates", WRITTEN),
        ("piperazines", NO_DAY),
    ]


def test_activity_of_a_ledger_is_a_series(market: Any) -> None:
    ask: dict[str, Any] = {"since": "2023-06-01", "until": "2023-06-26"}
    found = cw.market_activity(market.ledger, market.tags, **ask)
    sold = found.frame.filter(substance="nitazenes")
    assert sold["payments"].to_list() == [9, 7, 7]
    assert sold["payers"].to_list() == [2, 1, 1]
    assert sold["behind"].str.split(",").list.len().to_list() == [2, 1, 1]
    warned = cw.early_warning(found)
    assert (warned.groups, warned.weeks) == (3, 3)
    ask["by"] = ["substance", "channel", "week"]
    more = cw.market_activity(market.ledger, market.tags, **ask)
    with pytest.raises(InputError, match="told by channel as well"):
        cw.early_warning(more)


def test_releases_week_by_week_are_a_series(market: Any, releases: Any) -> None:
    pytest.importorskip("opendp", reason="opendp is not installed")

    def week(first: str, last: str, **more: Any) -> HealthRelease:
        return cw.health_release(
            market.ledger, market.tags, releases=releases, since=first, until=last, who="a",
            why="b", **{"epsilon": 1, "by": ["substance", "week"]} | more,
        )  # fmt: skip

    one, two = week("2023-06-05", "2023-06-12"), week("2023-06-12", "2023-06-19", epsilon=2)
    found = cw.early_warning([one, two])
    assert (found.groups, found.weeks, found.exact) == (19, 2, False)
    with pytest.raises(InputError, match="releases of one week"):
        cw.early_warning([one, one])
    with pytest.raises(InputError, match="leaves cells out"):
        cw.early_warning(week("2023-06-05", "2023-06-12", delta="1e-6"))
    with pytest.raises(InputError, match="no release is of the week of 2023-06-12"):
        cw.early_warning([one, week("2023-06-19", "2023-06-26")])


def test_a_group_of_vendors_is_not_named_where_few_stand_behind() -> None:
    chain = "bip122:000000000019d6689c085ae165831e93"
    rows = [
        made_up.tag(b"\x00" + bytes([n]) * 20, chain, {"substance": "nitazenes",
                    "listed": f"2024-03-{n:02}"}, actor="kelp_traders")
        for n in range(4, 7)
    ]  # fmt: skip
    found = cw.early_warning(
        made_up.tags_of(rows), by="actor", since="2023-01-01", until="2024-04-01"
    )
    seen = mask_tables(found, Edition("disclosure", b"k" * 32, {}))["alarms"].frame
    assert found.frame["group"].unique().to_list() == ["kelp_traders"]
    assert "kelp" not in str(seen.to_dicts())
    assert seen["rounded"].all()


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"weeks_per_false_alarm": 1}, "weeks_per_false_alarm is 1"),
        ({"least": 3}, "least is 3"),
        ({"most": 10}, "most is 10"),
        ({"first_count": 0}, "first_count is 0"),
    ],
)
def test_settings_without_meaning(more: dict[str, int], said: str) -> None:
    with pytest.raises(InputError, match=said):
        cw.early_warning(frame(steady(0)), **more)


def test_what_is_no_series() -> None:
    good = frame(steady(0, groups=2))
    with pytest.raises(InputError, match="a series lacks count, dated_by"):
        cw.early_warning(good.drop("count", "dated_by"))
    with pytest.raises(InputError, match="whole numbers, 0 or more"):
        cw.early_warning(good.with_columns(count=-pl.col("count")))
    with pytest.raises(InputError, match="a count or a group is missing"):
        cw.early_warning(good.with_columns(count=pl.lit(None, pl.Int64)))
    with pytest.raises(InputError, match="week holds no days"):
        cw.early_warning(good.with_columns(week=pl.lit("soon")))
    with pytest.raises(InputError, match="whole numbers, 0 or more"):
        cw.early_warning(good.with_columns(count=pl.lit(0.5)))
    assert cw.early_warning(good.with_columns(dated_by=pl.lit(3))).groups == 0
    for wrong in (7, "a text", [good]):
        with pytest.raises(ArgumentError):
            cw.early_warning(wrong)
    assert cw.early_warning(good.clear()).frame.height == 0


@given(st.lists(st.integers(0, 80), unique=True).map(sorted))
def test_episodes_hold_every_week_once_and_lie_apart(weeks: list[int]) -> None:
    found = list(episodes(weeks))
    assert sum(number for _, number in found) == len(weeks)
    assert all(first in weeks for first, _ in found)
    firsts = [first for first, _ in found]
    assert all(two - max(one for one in weeks if one < two) > 4 for _, two in pairwise(firsts))


def test_windows_are_those_that_the_page_names() -> None:
    assert WINDOWS == (1, 2, 4, 8)


def test_a_report_tells_alarms_with_what_innocently_looks_the_same() -> None:
    counts = steady(1)
    counts["s03"][80:] += 60
    found = cw.early_warning(frame(counts))
    (finding,) = found.findings(pl.DataFrame())
    assert finding.frame["group"].to_list() == ["s03"]
    assert finding.headline == "Of 12 groups in 120 weeks 1 grew and 0 appeared."
    assert "Sellers were tagged in a burst" in finding.innocent[0]


def test_an_alarm_of_a_week_rests_on_nothing_that_came_after() -> None:
    counts = steady(11)
    counts["s02"][70:] += 30
    whole = cw.early_warning(frame(counts)).frame
    for last in (71, 75, 90):
        cut = cw.early_warning(frame({name: weekly[:last] for name, weekly in counts.items()}))
        until = MONDAY + timedelta(weeks=last)
        # Later weeks may lengthen an episode; when it began and on what does not change.
        same = [one for one in whole.columns if one != "weeks"]
        assert cut.frame.select(same).equals(whole.filter(pl.col("week") < until).select(same))


def peaked(rates: list[float], seed: int, own: bool) -> pl.DataFrame:
    """Return weekly counts, three times as many in four weeks: of all groups, or of the first."""
    rng = np.random.default_rng(seed)
    means = np.array(rates)[:, None] * np.ones(60)
    means[slice(1) if own else slice(None), 46:50] *= 3
    return frame({f"g{n}": one for n, one in enumerate(rng.poisson(means))})


def test_a_peak_of_the_whole_of_a_small_market_is_none_and_growth_of_one_is_found() -> None:
    ask = {"since": MONDAY, "until": MONDAY + timedelta(weeks=60)}
    of_all, of_one = (
        [cw.early_warning(peaked([20, 2, 2], seed, own), **ask) for seed in range(6)]  # type: ignore[arg-type]
        for own in (False, True)
    )
    assert [one.frame.filter(kind=GROWTH).height for one in of_all] == [0] * 6
    found = [one for one in of_one if grew(one) == ["g0"]]
    assert len(found) >= 5
    row = found[0].frame.row(0, named=True)
    assert row["strength"] == HELD
    assert "held against the weeks before and all others in the same weeks;" in row["why"]
    assert "not against the season, for less than a year was watched before" in row["why"]


@pytest.mark.parametrize(
    ("rates", "why"), [([20], "for there are none"), ([20, 0.1], "for they are too few: ")]
)
def test_what_was_not_held_against_the_others_is_weaker_and_says_so(
    rates: list[float], why: str
) -> None:
    ask = {"since": MONDAY, "until": MONDAY + timedelta(weeks=60)}
    found = cw.early_warning(peaked(rates, 1, own=False), **ask)  # type: ignore[arg-type]
    (row,) = found.frame.filter(kind=GROWTH, group="g0").to_dicts()
    assert row["strength"] == WEAKER
    assert f"not against the others, {why}" in row["why"]
    assert "nor the season account" not in row["why"]
    assert "1 alarm weaker: others are too few" in repr(found)
    assert "1 of the alarms are weaker" in found.findings(pl.DataFrame())[0].text[1]


@given(st.integers(0, 80), st.integers(0, 80), st.integers(0, 80), st.integers(1, 80))
def test_the_share_is_bounded_by_the_exact_test_from_above(
    now: int, before: int, others_now: int, others_before: int
) -> None:
    pairs = [(np.array([float(a)]), np.array([float(b)]))
             for a, b in ((now, before), (others_now, others_before))]  # fmt: skip
    found = share_bound(*pairs)[0]
    total = now + before + others_now + others_before
    exact = hypergeom.sf(now - 1, total, now + before, now + others_now)
    assert found >= exact * (1 - 1e-9)
    if exact < 1e-3:
        assert found <= 8 * exact


def test_weeks_without_any_row_are_unread_unless_they_were_watched() -> None:
    whole = frame({"a": [20] * 50, "b": [9] * 50})
    gap = whole.filter(~pl.col("week").is_between(MONDAY + timedelta(weeks=14),
                                                  MONDAY + timedelta(weeks=33)))  # fmt: skip
    found = cw.early_warning(gap)
    assert found.unread["week"].to_list() == [MONDAY + timedelta(weeks=n) for n in range(14, 34)]
    assert found.frame.height == 0
    assert "unread: 20 weeks, which are not zero" in repr(found)
    # Watched, they are zero, and what comes after them is growth of both.
    until = MONDAY + timedelta(weeks=50)
    zero = cw.early_warning(gap, since=MONDAY, until=until, least=12, most=12)
    assert zero.unread.height == 0
    one = cw.early_warning(pl.concat([whole[:1], whole.filter(pl.col("week") >= until
                           - timedelta(weeks=25), pl.col("group") == "a")]))  # fmt: skip
    assert one.frame.height == 0
    assert one.not_judged.row(0)[2] == 1 + 11


def test_nothing_rests_on_unread_weeks() -> None:
    """What stands in a week that was not read, and zeros least of all, changes no chance."""
    values = np.array(list(steady(12, groups=4).values()), float)
    read = np.ones(120, bool)
    read[50:60] = read[80] = False
    plain, holed = (grown(Weekly(values * mask, np.zeros(120), read=read), 12, 52)
                    for mask in (read, np.where(read, 1.0, 0.0)))  # fmt: skip
    assert np.array_equal(plain.chance, holed.chance, equal_nan=True)
    assert np.isnan(plain.chance[:, ~read]).all()
    # Without the hole taken out, the fall and the return would show.
    zero = grown(Weekly(values * read, np.zeros(120)), 12, 52)
    assert np.nanmedian(plain.expected[:, 62]) > 1.1 * np.nanmedian(zero.expected[:, 62])
    assert np.nanmin(plain.chance) > 1e-3
    assert (plain.window[:, 82] <= 2).all()


def test_what_is_first_counted_after_unread_weeks_is_not_said_to_be_new() -> None:
    old, late = [5] * 60, [0] * 40 + [5] * 20
    given = frame({"old": old, "late": late})
    gap = given.filter(~pl.col("week").is_between(MONDAY + timedelta(weeks=30),
                                                  MONDAY + timedelta(weeks=39)))  # fmt: skip
    found = cw.early_warning(gap)
    assert found.frame.filter(kind=FIRST_SEEN).height == 0
    assert found.not_judged.filter(what=BESIDE_UNREAD)["group"].to_list() == ["late"]
    assert cw.early_warning(given).frame.filter(kind=FIRST_SEEN)["group"].to_list() == ["late"]
