"""A question with keys of its own is one file and one line: this file is it, from outside."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated

import many_chains as world
import polars as pl
import pytest
from pydantic import Field

import chainwatch as cw
from chainwatch.case import analyses
from chainwatch.case.file.keys import Whole
from chainwatch.case.file.model import CaseFile, parse_case
from chainwatch.case.file.schema import case_schema
from chainwatch.case.ground import Ground
from chainwatch.case.questions.question import Answer, Question
from chainwatch.case.recipes.run import run_case
from chainwatch.case.registry import Line
from chainwatch.errors import CaseError, TraceError
from chainwatch.ledger.ledger import Ledger
from chainwatch.results.result import Finding
from chainwatch.results.table import Column, Table

COUNTS = Table("counts", (), "Transactions.", (Column.count("transactions", "how many"),))

CASE = f"""
[case]
name = "counts"
title = "Counts"
question = "How many?"
[[sources]]
kind = "ledger"
path = "ledger"
[subjects]
chain = "btc-regtest"
addresses = ["{world.coin("K")}"]
[[big_counts]]
least = 1
[[big_counts]]
least = 500_000
name = "half a million"
"""


class BigCounts(Question):
    """Ask how many transactions move at least so much."""

    least: Annotated[Whole, Field(ge=1, description="What they move at least.")]

    def answer(self, ground: Ground) -> Iterator[Answer]:
        """Yield the count."""
        if self.least > 10**9:
            raise TraceError("nobody has so much", remedy="ask for less")
        rows = ground.ledger.transactions.filter(pl.col("output_value") >= self.least).collect()
        words = f"{rows.height} move {self.least} or more."
        counted = COUNTS.frame([(rows.height,)])
        yield Answer(Finding("Counts", (words,), COUNTS.rows(counted), headline=words), self.name)


@pytest.fixture
def registered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(analyses.questions, "lines", list(analyses.QUESTIONS))
    for _ in range(2):  # a notebook's cell that is run again
        analyses.register_question("big-counts", BigCounts, "How many transactions move much.")


@pytest.fixture
def folder(
    registered: None, small_ledger: Callable[[str], Ledger], tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Path:  # fmt: skip
    monkeypatch.delenv("CHAINWATCH_DATA", raising=False)
    world.write(tmp_path, small_ledger)
    (tmp_path / "case.toml").write_text(CASE, encoding="utf-8")
    return tmp_path


def test_its_answers_reach_the_case_the_log_and_the_report(folder: Path) -> None:
    said: list[str] = []
    report = run_case(folder / "case.toml", folder / "out", say=said.append)
    assert said.count("answering: big-counts") == 2
    page = (report.editions["disclosure"] / "report.html").read_text("utf-8")
    assert page.count("5 move 1 or more.") == 2, "a section, and the first page"
    assert ">Counts: half a million</h2>" in page
    assert "half a million: 4 move 500000 or more." in page
    noted = [entry for entry in report.case.log.entries if entry.what.startswith("add finding: Co")]
    assert [entry.why for entry in noted] == ["How many transactions move much."] * 2
    tables = {path.stem for path in (report.editions["disclosure"] / "tables").glob("*.csv")}
    assert {"counts", "counts_2"} <= tables


def test_what_it_cannot_answer_is_said_with_its_line(folder: Path) -> None:
    (folder / "case.toml").write_text(CASE.replace("500_000", "2_000_000_000"), encoding="utf-8")
    with pytest.raises(TraceError) as caught:
        run_case(folder / "case.toml", folder / "none")
    assert str(caught.value) == (
        f"nobody has so much at [[big_counts]] number 2 of {folder / 'case.toml'} line 14; ask for"
        " less."
    )
    assert not (folder / "none").exists()


def test_its_keys_are_in_the_schema_and_are_checked(registered: None) -> None:
    schema = case_schema()
    assert schema["properties"]["big_counts"]["description"] == "How many transactions move much."
    assert schema["$defs"]["BigCounts"]["properties"]["least"]["minimum"] == 1
    table = {
        "case": {"name": "x", "title": "X", "question": "Who?"},
        "sources": [{"kind": "ledger", "path": "l"}],
        "subjects": {"chain": "btc", "addresses": ["x"]},
        "big_counts": [{"least": 0}],
    }
    with pytest.raises(CaseError, match="'least' in \\[\\[big_counts\\]\\] number 1 is 0"):
        parse_case(table, where="x")


def test_names_that_are_taken_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(analyses.questions, "lines", list(analyses.QUESTIONS))
    with pytest.raises(CaseError, match="a question 'paths' already"):
        analyses.register_question("paths", BigCounts, "Nothing.")
    analyses.register_question("sources", BigCounts, "Nothing.")
    with pytest.raises(CaseError, match="the name of a table of every case file"):
        case_schema()


@pytest.mark.parametrize("line", analyses.QUESTIONS, ids=lambda line: line.name)
def test_each_line_leads_to_a_question_whose_keys_are_told(line: Line) -> None:
    made = line.load()
    assert str(line.target).startswith("chainwatch.case.questions.")
    assert issubclass(made, Question)
    assert analyses.table_of(line) not in CaseFile.model_fields
    assert inspect.getdoc(made)
    for name, field in made.model_fields.items():
        assert re.fullmatch(r"[A-Z\[].*\.", field.description or ""), f"{line.name}: {name}"
    assert re.fullmatch(r"[A-Z].*\.", line.sentence)


def test_the_catalogue_is_complete_and_in_order() -> None:
    folder = Path(cw.__file__).parent / "case" / "questions"
    files = {path.stem.replace("_", "-") for path in folder.rglob("*.py")}
    names = [line.name for line in analyses.QUESTIONS]
    assert names == sorted(files - {"--init--", "question"})
