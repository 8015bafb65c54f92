"""Releases: what is counted, by whom at most, with what noise; and nothing exact that gets out."""

from __future__ import annotations

import math
from collections import Counter
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from seller_tags import tag, tags_of

import chainwatch as cw
from chainwatch.addresses.assets import native
from chainwatch.errors import InputError, ReleaseRefused
from chainwatch.privacy.edition import Edition
from chainwatch.privacy.mask_tables import mask_tables
from chainwatch.simulate.services.simulation import simulate_services
from chainwatch.triage.health import health_release as module
from chainwatch.triage.health.cells import ELSEWHERE, Grid
from chainwatch.triage.health.noise import bounded, noisy_grid, reach
from chainwatch.triage.health.seller_payments import (
    NOT_SAID,
    seller_payments,
    weeks_between,
)
from chainwatch.triage.health.unread_weeks import unread_weeks
from chainwatch.typologies.alerts import flows_of

pytest.importorskip("opendp", reason="opendp is not installed")

SPAN = {"since": "2023-06-01", "until": "2023-06-26", "who": "a desk", "why": "a bulletin"}
MONDAYS = [date(2023, 6, 5), date(2023, 6, 12), date(2023, 6, 19)]


def rows_of(market: Any, clusters: Any = None) -> pl.DataFrame:
    flows = flows_of(market.ledger, native("btc-regtest"), clusters, market.tags)
    return seller_payments(flows, market.tags, clusters, MONDAYS)


def test_what_is_counted_is_what_one_can_count_by_hand(market: Any) -> None:
    rows = rows_of(market, cw.owners(market.ledger))
    counts = Counter(rows.select("substance", "channel", "region", "week").iter_rows())
    sold = ("nitazenes", "darknet_market", "NL")
    assert counts == {
        (*sold, MONDAYS[0]): 9, (*sold, MONDAYS[1]): 7, (*sold, MONDAYS[2]): 5 + 0 + 2,
        ("tryptamines", NOT_SAID, NOT_SAID, MONDAYS[1]): 1,
        ("phenidates", NOT_SAID, NOT_SAID, MONDAYS[1]): 1,
    }  # fmt: skip


def test_a_payer_who_may_be_two_is_no_owner(market: Any) -> None:
    """Without clusters C and CC are two, and who paid is not known: the payment is in no count."""
    assert set(rows_of(market)["substance"]) == {"nitazenes"}


def test_a_tag_speaks_of_its_days_alone(market: Any) -> None:
    frame = market.tags.frame.with_columns(
        first_day=pl.lit(date(2023, 6, 13)), last_day=pl.lit(date(2023, 6, 14))
    )
    some = market._replace(tags=cw.attribution.tags.make_tags(frame))
    days = rows_of(some)
    assert days["week"].to_list() == [MONDAYS[1]] * 2


def test_noise_is_on_every_cell_of_a_grid_that_is_known_before(market: Any, releases: Path) -> None:
    found = cw.health_release(
        market.ledger, market.tags, releases=releases, epsilon="8", contributions=2,
        regions=["nl"], **SPAN,
    )  # fmt: skip
    assert found.frame.height == 19 * 6 * 3 * 3
    assert set(found.frame["region"]) == {"NL", ELSEWHERE, NOT_SAID}
    sold = found.frame.filter(substance="nitazenes", channel="darknet_market", region="NL")
    # A's 23 payments count twice at most, B's 2 twice: four in all, with a scale of a quarter.
    assert abs(sold["count"].sum() - 4) <= 8
    assert found.noise.scale == 0.25
    assert found.digest == cw.read_health_release(releases, found.entry, head=found.head).digest


def test_a_release_beyond_the_budget_is_refused_before_anything_is_read(
    market: Any, releases: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask: dict[str, Any] = {"releases": releases, "by": "week", **SPAN}
    cw.health_release(market.ledger, market.tags, epsilon=6, **ask)

    def read(*_: object) -> None:
        raise AssertionError("payments were read")

    monkeypatch.setattr(module, "flows_of", read)
    monkeypatch.setattr(module, "owners", read)
    with pytest.raises(ReleaseRefused, match=r"asks for epsilon 4\.1 and 4 is left"):
        cw.health_release(market.ledger, market.tags, epsilon="4.1", **ask)
    with pytest.raises(AssertionError):  # a crash between spending and answer
        cw.health_release(market.ledger, market.tags, epsilon=4, **ask)
    with pytest.raises(ReleaseRefused, match="and 0 is left"):
        cw.health_release(market.ledger, market.tags, epsilon="0.001", **ask)


def test_two_releases_of_one_ledger_differ_and_the_first_can_be_read_again(
    market: Any, releases: Path
) -> None:
    ask: dict[str, Any] = {"releases": releases, "epsilon": 1, **SPAN}
    one, two = (cw.health_release(market.ledger, market.tags, **ask) for _ in range(2))
    assert one.frame["count"].to_list() != two.frame["count"].to_list()
    again = cw.read_health_release(releases, one.entry)
    assert again.frame.equals(one.frame)
    assert repr(again) == repr(one)


def test_with_a_delta_cells_come_from_rows_and_small_ones_stay_out(
    market: Any, releases: Path
) -> None:
    found = cw.health_release(
        market.ledger, market.tags, releases=releases, epsilon=10, delta="1e-5", contributions=60,
        by=["substance"], **SPAN,
    )  # fmt: skip
    assert not found.whole
    assert (found.frame["count"] >= found.noise.threshold).all()
    assert set(found.frame["substance"]) <= {"nitazenes", "tryptamines", "phenidates"}


def test_nothing_that_is_kept_or_shown_holds_an_exact_count_or_a_digest_of_one(
    market: Any, releases: Path
) -> None:
    found = cw.health_release(
        market.ledger, market.tags, releases=releases, epsilon=1, by=["week"], **SPAN
    )
    assert found.record is not None
    assert found.record.inputs == ()
    assert '"owners":"by the default recipe"' in releases.read_text()
    secret = [market.tags.digest, *market.ledger.digests().values(), market.ledger.identity()]
    said = found.lineage() + repr(found) + str(found.record.as_dict()) + releases.read_text()
    assert not [one for one in secret if str(one) in said]
    assert all(address.hex() not in said for address in market.tags.frame["address"])


def test_the_noise_is_that_which_was_promised(market: Any, releases: Path) -> None:
    """Of thousands of empty cells the spread is that of the discrete Laplace distribution."""
    found = cw.health_release(
        market.ledger, market.tags, releases=releases, epsilon=1, contributions=3,
        regions=["AA", "BB", "CC"], **SPAN,
    )  # fmt: skip
    empty = found.frame.filter(pl.col("region").is_in(["AA", "BB", "CC"]))["count"]
    alpha = math.exp(-1 / 3)
    expected = 2 * alpha / (1 - alpha) ** 2
    assert empty.len() == 19 * 6 * 3 * 3
    assert abs(empty.mean()) < 5 * math.sqrt(expected / empty.len())  # type: ignore[arg-type]
    assert 0.6 < empty.var() / expected < 1.6  # type: ignore[operator]
    assert found.frame.filter("above").height < 4
    assert found.noise.variance == pytest.approx(expected)


@given(
    st.lists(st.tuples(st.integers(0, 6), st.integers(0, 2**64 - 1)), max_size=60),
    st.integers(1, 4), st.integers(0, 6),
)  # fmt: skip
def test_bounding_keeps_k_of_each_and_one_payer_more_moves_no_other(
    rows: list[tuple[int, int]], most: int, left: int
) -> None:
    """The rows of all but one payer stay the same without him: what OpenDP's bound rests on."""
    frame = pl.DataFrame(
        {"payer": [who for who, _ in rows], "at": range(len(rows))},
        schema={"payer": pl.Int64, "at": pl.Int64},
    )
    tickets = pl.Series([ticket for _, ticket in rows], dtype=pl.UInt64)
    kept = bounded(frame, most, tickets)
    counts = Counter(kept["payer"].to_list())
    assert counts == {
        who: min(most, count) for who, count in Counter(who for who, _ in rows).items()
    }
    others = frame["payer"] != left
    without = bounded(frame.filter(others), most, tickets.filter(others))
    assert without.sort("at").equals(kept.filter(pl.col("payer") != left).sort("at"))


def test_which_rows_are_kept_depends_on_no_row() -> None:
    frame = pl.DataFrame({"payer": [1] * 40, "at": range(40)})
    kept = {tuple(bounded(frame, 3)["at"].to_list()) for _ in range(20)}
    assert len(kept) > 10


@pytest.mark.parametrize("scale", [0.4, 1.0, 5.0, 31.7])
@pytest.mark.parametrize("chance", [0.1, 1e-3, 1e-7])
def test_the_threshold_is_the_least_that_keeps_its_promise(scale: float, chance: float) -> None:
    def tail(value: int) -> float:
        return math.exp(-value / scale) / (1 + math.exp(-1 / scale))

    least = reach(scale, chance)
    assert tail(least) <= chance * (1 + 1e-9)
    assert least == 1 or tail(least - 1) > chance


def test_codes_and_words_of_a_grid_agree() -> None:
    grid = Grid.of(("substance", "channel", "region", "week"), ["de"], MONDAYS)
    assert grid.codes(grid.frame()).to_list() == list(range(grid.size))
    row = grid.frame().head(1).with_columns(region=pl.lit("FR"))
    assert grid.frame()["region"][int(grid.codes(row)[0])] == ELSEWHERE


def test_whole_weeks_begin_on_monday() -> None:
    assert list(weeks_between(date(2023, 6, 1), date(2023, 6, 26))) == MONDAYS
    assert list(weeks_between(date(2023, 6, 5), date(2023, 6, 25))) == MONDAYS[:2]
    with pytest.raises(InputError, match="no whole week"):
        weeks_between(date(2023, 6, 6), date(2023, 6, 18))


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"epsilon": 0}, "epsilon is no number above zero"),
        ({"delta": 1}, "delta is 1 or more"),
        ({"contributions": 0}, "0 contributions"),
        ({"by": ["colour"]}, "by names no dimension"),
        ({"by": []}, "by names no dimension"),
        ({"delta": "1e-6", "regions": ["NL"]}, "regions are named"),
        ({"why": ""}, "why is not said"),
        ({"regions": [f"R{n}" for n in range(2_000)]}, "the grid has 684,"),
    ],
)
def test_what_has_no_meaning_costs_nothing(
    market: Any, releases: Path, more: dict[str, Any], said: str
) -> None:
    before = releases.read_bytes()
    ask: dict[str, Any] = {"releases": releases, "epsilon": Decimal("0.5"), **SPAN} | more
    with pytest.raises(InputError, match=said):
        cw.health_release(market.ledger, market.tags, **ask)
    assert releases.read_bytes() == before


def test_weeks_that_were_not_read_are_not_weeks_without_sales(
    otter_case: Any, tmp_path: Path
) -> None:
    file = tmp_path / "releases.jsonl"
    said = {"since": "2010-01-01", "until": "2040-01-01", "who": "a", "why": "b"}
    cw.set_privacy_budget(file, chains="btc-regtest", epsilon=1, **said)  # type: ignore[arg-type]
    ask: dict[str, Any] = {"releases": file, "epsilon": "0.1", "by": "week"}
    with pytest.raises(
        InputError, match=r"848 weeks of 1564 on .* the first from 2023-09-25 on: after"
    ):
        cw.health_release(otter_case.ledger, otter_case.tags, **ask, **said)
    assert cw.read_releases(file).frame.height == 1


def test_on_chains_of_accounts_an_address_is_the_unit(tmp_path: Path) -> None:
    made = simulate_services(0, part="fit", days=20, people=30)
    ledger, hot = made.ledger(), sorted(made.wallets.values())[0]
    seller = tags_of([tag(hot, made.asset.chain, {"substance": "nitazenes"})])
    span = {"since": "2022-01-01", "until": "2022-01-22"}
    rows = cw.market_activity(ledger, seller, asset=made.asset, **span).frame
    paid = made.transfers.filter(
        made.asset.of_transfers(), pl.col("receiver") == hot,
        pl.col("time").dt.date().is_between(date(2022, 1, 3), date(2022, 1, 16)),
    )  # fmt: skip
    assert rows["payments"].sum() == paid.height > 5
    file = tmp_path / "releases.jsonl"
    cw.set_privacy_budget(file, chains="eth", epsilon=50, who="a", why="b", **span)
    found = cw.health_release(
        ledger, seller, releases=file, epsilon=50, contributions=1, by="substance",
        asset=made.asset, who="a", why="b", **span,
    )  # fmt: skip
    sold = found.frame.filter(substance="nitazenes")["count"][0]
    assert abs(sold - paid["sender"].n_unique()) <= 1


def losses(contributions: int, bound: bool) -> float:
    """Return how much likelier an answer is with a payer of nine rows than without, as a logarithm.

    Of 20,000 payers, each with a cell of his own: the largest over events that are not rare.
    """
    cells = 20_000
    each = np.repeat(np.arange(cells), 9)
    rows = pl.DataFrame({"payer": each, "cell": each})
    kept = bounded(rows, contributions) if bound else rows
    answers = [
        np.array(noisy_grid(codes, cells, contributions, Decimal(1)))
        for codes in (kept["cell"].to_list(), [])
    ]
    found = [0.0]
    for least in range(-4, 8):
        there, without = ((one >= least).mean() for one in answers)
        if min(there, without) > 0.05:
            found.append(math.log(there / without))
    return max(found)


def test_an_audit_finds_no_more_loss_than_was_paid_for_and_would_find_more() -> None:
    """An epsilon of 1: with the bound on rows the loss is below it, and without it is beyond."""
    assert losses(2, bound=True) < 1.25
    assert losses(2, bound=False) > 1.4


def test_a_report_tells_the_cells_above_the_threshold_alone(market: Any, releases: Path) -> None:
    found = cw.health_release(
        market.ledger, market.tags, releases=releases, epsilon=10, contributions=30,
        by=["substance"], **SPAN,
    )  # fmt: skip
    (finding,) = found.findings(market.tags.addresses())
    assert finding.frame.height == found.above().height
    assert "within ±" in finding.text[1]
    assert (finding.frame["count"] >= found.noise.threshold).all()


def test_activity_of_few_is_rounded_outside_the_desk(market: Any) -> None:
    ask: dict[str, Any] = {"since": "2023-06-01", "until": "2023-06-26"}
    for by in ("substance", "actor"):
        found = cw.market_activity(market.ledger, market.tags, by=[by, "week"], **ask)
        seen = mask_tables(found, Edition("disclosure", b"k" * 32, {}))["market_activity"].frame
        assert seen["rounded"].all()
        assert "behind" not in seen.columns
        assert set(seen["payers"]) == {"1", "2-5"}
    assert found.frame["actor"].unique().to_list() == [NOT_SAID]
    with pytest.raises(InputError, match="by names no dimension"):
        cw.health_release(market.ledger, market.tags, releases="x", epsilon=1, by="actor", **SPAN)


def test_a_hole_in_what_was_read_is_refused_or_unread_and_never_zero(
    otter_case: Any, tmp_path: Path
) -> None:
    """Blocks of two weeks are taken out of what was read whole; the two ends are still there."""
    whole = otter_case.ledger
    names = ("blocks", "transactions", "inputs", "outputs", "coverage")
    tables = {name: whole.history.table(name).collect() for name in names}
    lost = tables["blocks"].filter(
        pl.col("time").dt.date().is_between(date(2023, 7, 5), date(2023, 7, 12))
    )
    tables["coverage"] = tables["coverage"].join(lost, left_on="block", right_on="hash", how="anti")
    holed = cw.Ledger.from_tables(tables)
    chain, weeks = whole.chains[0].id, weeks_between(date(2023, 6, 1), date(2023, 9, 1))
    assert unread_weeks(whole, chain, weeks) == ()
    lacking = unread_weeks(holed, chain, weeks)
    assert [one.week for one in lacking] == [date(2023, 7, 3), date(2023, 7, 10)]
    assert f"{lost.height:,} heights of blocks" in lacking[0].why
    with pytest.raises(InputError, match=r"2 weeks of 12 .* the first from 2023-07-03 on"):
        module.check_read(holed, chain, weeks)
    address = otter_case.tags.where(concept="vendor").frame["address"][0]
    sells = tags_of([tag(address, chain, {"substance": "nitazenes"})])
    ask: dict[str, Any] = {"since": "2023-06-01", "until": "2023-09-01"}
    found = cw.market_activity(holed, sells, **ask)
    assert found.unread["week"].to_list() == [one.week for one in lacking]
    assert not set(found.frame["week"]) & set(found.unread["week"])
    assert "unread: 2 weeks, which are not zero" in repr(found)
    pytest.importorskip("scipy", reason="scipy is not installed")
    assert cw.early_warning(found).unread.rows() == found.unread.rows()
    wider = cw.early_warning(found, since="2023-05-01", until="2023-09-01")
    assert wider.unread["week"].to_list()[:5] == [
        date(2023, 5, 1) + n * (MONDAYS[1] - MONDAYS[0]) for n in range(5)
    ]
    # A ledger that looks at a span of time has no payments outside it, which are not none.
    spanned = unread_weeks(whole.between("2023-06-14", None), chain, weeks)
    assert [one.week for one in spanned] == MONDAYS[:2]
