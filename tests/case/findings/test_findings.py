"""Sections: a script's results say as much as a case file's, each once."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest

import chainwatch as cw
from chainwatch.case.case import Case
from chainwatch.case.record import findings_of
from chainwatch.case.report.document import ALIKE, _collapsed, document
from chainwatch.case.report.elements import CaseDocument, Section, TableBlock
from chainwatch.case.report.typeset import typeset
from chainwatch.figures import flow
from chainwatch.results.roles import NOBODY
from chainwatch.tracing import result as result_module
from chainwatch.tracing.policies import fifo


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
        "Probable deposit addresses",
        "Tagged parties that the value reached",
        "Subjects and the addresses joined to them",
    ):
        assert headings.count(words) == 1
    assert any(trace.asset.shown(trace.amount) in line for line in told.summary)
    case.write(tmp_path / "x")
    names = {path.stem for path in (tmp_path / "x" / "tables").glob("*.csv")}
    assert {"ends_by_reason", "hosting", "reached", "subjects"} <= names


def test_a_finding_that_the_case_holds_is_not_brought_again(results) -> None:
    _, _, _, trace, _ = results
    (own,) = trace.findings(NOBODY)
    assert [item.name for item in findings_of([trace])] == ["ends_by_reason"]
    assert findings_of([own, trace]) == ()


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
    said = " ".join(result_module._said(row, trace) for row in rows)
    assert "paid to a deposit address at foo (probable)" in said
    assert "paid to bar 0" in said
    assert "paid to baz (mixer)" in said
    assert "None" not in said


def test_rows_that_read_the_same_are_printed_once() -> None:
    rows, columns, covered = _collapsed([("a", "1"), ("a", "1"), ("b", "1")], ["x", "y"])
    assert rows == (("a", "1", "2"), ("b", "1", "1"))
    assert columns == ["x", "y", ALIKE]
    assert covered == 3
    assert _collapsed([("a",), ("b",)], ["x"]) == ((("a",), ("b",)), ["x"], 2)


def test_pages_turn_once() -> None:
    def part(cells: int) -> Section:
        row = tuple("w" * 30 for _ in range(cells))
        return Section("s", (), (TableBlock("t", row, (row,)),))

    whole = CaseDocument("t", "q", "working", "n", (), (part(1), part(9), part(1), part(9)))
    sheets = typeset(whole, {})["sheets"]
    assert [(sheet["wide"], len(sheet["sections"])) for sheet in sheets] == [(False, 1), (True, 3)]


def test_parameters_call_a_chain_by_its_short_name(results) -> None:
    case = make().add(results[3], results[2])
    told = document(case, case.view("working"))
    said = " ".join(value for _, value in told.parameters)
    assert "btc-regtest" in said
    assert "bip122:" not in said
