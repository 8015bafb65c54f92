"""Sections: a script's results say as much as a case file's, each once."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest

import chainwatch as cw
from chainwatch.case.case import Case
from chainwatch.case.record import findings_of
from chainwatch.case.report.document import document
from chainwatch.case.report.printed_table import printed_table
from chainwatch.figures import flow
from chainwatch.results.roles import NOBODY
from chainwatch.tracing.end_words import in_words
from chainwatch.tracing.policies import fifo
from chainwatch.units import AMOUNT


@pytest.fixture(scope="module")
def results(otter_case):
    ledger, tags = otter_case.ledger, otter_case.tags
    clusters = cw.cluster(cw.co_spends(ledger), tags=tags)
    services = tags.where(concept="service")
    at = cw.hosted(ledger, services, asset=cw.native("btc-regtest"))
    vendor = tags.where(label="Kelp (vendor at Otter)").addresses()
    trace = cw.trace(ledger, vendor, policy=fifo, stop=[services, at], clusters=clusters)
    return tags, clusters, at, trace, cw.exposure(trace, tags, clusters=clusters)


def make() -> Case:
    return Case("x", "?", mask_key=bytes(32), clock=lambda: datetime(2023, 10, 1, tzinfo=UTC))


def test_results_bring_their_sections(results, tmp_path: Path) -> None:
    tags, clusters, at, trace, exposure = results
    case = make().add(tags, clusters, trace, flow(trace, clusters, tags), at, exposure)
    told = document(case, case.view("working"))
    headings = [section.heading for section in told.sections]
    for words in (
        "Where the value ends",
        "Deposit addresses and one-destination wallets",
        "Tagged parties that the value reached",
        "Subjects and the addresses joined to them",
    ):
        assert headings.count(words) == 1
    assert any(trace.asset.shown(trace.amount) in line for line in told.summary)
    case.write(tmp_path / "x")
    names = {path.stem for path in (tmp_path / "x" / "tables").glob("*.csv")}
    assert {"ends_by_reason", "hosting", "reached", "subjects"} <= names


def test_the_caption_of_a_figure_is_printed_once(results) -> None:
    """It stands in the picture, which is passed on alone; the report tells it to a reader aloud."""
    _, clusters, _, trace, _ = results
    figure = flow(trace, clusters)
    case = make().add(clusters, trace, figure)
    told = document(case, case.view("working"))
    (block,) = (block for section in told.sections for block in section.figures)
    words = figure.caption()
    assert block.caption == "Main routes"
    assert block.alt.startswith(f"{words} Flow figure of ")
    drawn = " ".join(part.get_text() for part in figure.plot().texts)
    assert all(word in drawn for word in words.split())


def test_a_finding_that_the_case_holds_is_not_brought_again(results) -> None:
    _, _, _, trace, _ = results
    (own,) = trace.findings(NOBODY)
    assert [item.name for item in findings_of([trace])] == ["ends_by_reason"]
    assert findings_of([own, trace]) == ()


def test_two_results_of_one_kind_bring_theirs_each(otter_case, results) -> None:
    """The sections of a second trace are as good as those of the first; the same comes once."""
    *_, trace, _ = results
    whom = otter_case.tags.where(concept="donation").addresses()
    other = cw.trace(otter_case.ledger, whom, policy=fifo)
    assert [item.name for item in findings_of([trace, other])] == ["ends_by_reason"] * 2
    assert [item.name for item in findings_of([trace, trace])] == ["ends_by_reason"]
    assert findings_of([trace, other], {trace.digest, other.digest}) == ()


def test_the_same_content_is_added_once_and_logged_twice(results, tmp_path: Path) -> None:
    _, clusters, _, trace, _ = results
    case = make().add(trace, clusters).add(trace, note="to be sure")
    assert [result for result, _ in case.results] == [trace, clusters]
    assert case.log.entries[-1].what == "add trace again: the case holds it already"
    assert case.log.entries[-1].why == "to be sure"
    one, two = flow(trace, title="a"), flow(trace, title="b")
    case.add(one, two, one)
    assert [result.title for result, _ in case.results[2:]] == ["a", "b"]


def test_a_deposit_address_is_called_one_and_nothing_is_none(results) -> None:
    trace = results[3]
    ends = pl.DataFrame(
        [
            ("hosted service", "foo", "probable", "deposit address"),
            ("hosted service", "bar", None, "tagged address"),
            ("mixer", "baz", None, "tagged address"),
        ],
        schema=["reason", "service", "certainty", "basis"],
        orient="row",
    )
    rows = [row | {"amount": 1, "ends": 1} for row in ends.iter_rows(named=True)]
    said = " ".join(in_words(row, trace.asset, "", balances=False) for row in rows)
    assert "paid to a deposit address at foo (probable)" in said
    assert "paid to bar 0" in said
    assert "paid to baz (mixer)" in said
    assert "None" not in said


def test_rows_that_read_the_same_are_printed_once() -> None:
    rows = pl.DataFrame({"x": ["a", "a", "b"], "y": ["1", "1", "1"]})
    table = printed_table("t", "file", rows, None)
    assert table.rows == (("a", "1", "2"), ("b", "1", "1"))
    assert table.columns == ("x", "y", "rows alike")
    assert table.caption == "t (3 rows)"
    assert printed_table("t", "file", rows[1:], None).columns == ("x", "y")


def test_a_column_in_which_nothing_stands_is_not_printed() -> None:
    rows = pl.DataFrame(
        {"who": ["a", "b"], "looks": [None, None], "amount": [None, None]},
        schema_overrides={"looks": pl.String, "amount": AMOUNT},
    )
    table = printed_table("t", "file", rows, cw.native("btc-regtest"))
    assert table.columns == ("who", "amount")
    assert table.rows == (("a", "unknown"), ("b", "unknown"))
    assert printed_table("t", "file", rows.clear(), None).columns == ("who", "looks", "amount")


def test_what_has_places_is_no_amount_of_the_asset() -> None:
    """A share, or worth in a currency, is printed as it stands, to its last digit."""
    rows = pl.DataFrame(
        {"share": ["0.350000000", "0.000000000"], "worth": ["7" * 36 + ".25", "10.00"]}
    ).select(pl.col("share").cast(pl.Decimal(12, 9)), pl.col("worth").cast(pl.Decimal(38, 2)))
    table = printed_table("t", "file", rows, cw.native("btc-regtest"))
    assert table.rows == (("0.35", "7" * 36 + ".25"), ("0", "10"))


def test_a_table_is_cut_by_amount_and_says_what_is_left_out() -> None:
    asset = cw.native("btc-regtest")
    amounts = [Decimal(10**8 * number) for number in (1, 5, 2, 4, 3)]
    rows = pl.DataFrame(
        {"who": list("abcde"), "amount": amounts}, schema_overrides={"amount": AMOUNT}
    )
    table = printed_table("t", "file", rows, asset, most=2)
    assert table.rows == (("b", "5 rBTC"), ("d", "4 rBTC"))
    assert table.note == (
        "Cut: the largest amounts are printed; 3 further rows are not printed here, of 6 rBTC"
        " together. The whole table, in base units: tables/file.csv and .parquet."
    )
    whole = printed_table("t", "file", rows, asset)
    assert [row[0] for row in whole.rows] == list("abcde")
    lost = pl.when(pl.col("who") == "b").then(None).otherwise("amount").alias("amount")
    unknown = rows.with_columns(lost)
    assert (
        "of 3 rBTC together and 1 of unknown amount"
        in printed_table("t", "f", unknown, asset, most=2).note
    )


def test_parameters_call_a_chain_by_its_short_name(results) -> None:
    case = make().add(results[3], results[2])
    told = document(case, case.view("working"))
    said = " ".join(value for _, value in told.parameters)
    assert "btc-regtest" in said
    assert "bip122:" not in said
