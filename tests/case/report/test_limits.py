"""What a report says of its own rules: what was measured, on what, and what was not."""

from __future__ import annotations

import json
from importlib import resources
from pathlib import Path

import polars as pl

import chainwatch as cw
from chainwatch.case.report.limits import ALWAYS, CONDITIONAL, limits
from chainwatch.heuristics.rates import Rates
from chainwatch.results.result import Finding
from chainwatch.results.table import Column, Table

LINKS = Table(
    "links", (), "Links.",
    (Column.party("a", "one"), Column.party("b", "other"), Column.kind("rule", "which")),
)  # fmt: skip


def linked(*rules: str) -> Finding:
    """Return a result with a table of links by some rules."""
    rows = pl.DataFrame([(None, None, rule) for rule in rules], schema=LINKS.schema, orient="row")
    return Finding("Links", ("Some.",), LINKS.rows(rows))


def rates(folder: Path, **rules: tuple[int, int, int]) -> Rates:
    """Return rates ``(right, of, cases)`` by rule, from a file."""
    said = {
        rule: {"right": right, "of": of, "cases": cases, "basis": "a made-up world"}
        for rule, (right, of, cases) in rules.items()
    }
    (folder / "rates.json").write_text(json.dumps({"rules": said}))
    return Rates(folder / "rates.json")


def test_what_is_measured_is_said_with_its_numbers_and_basis(tmp_path: Path) -> None:
    told = limits(
        [linked("co_spend", "odd")], rates(tmp_path, co_spend=(9, 10, 4), other=(1, 1, 1))
    )
    assert (
        "Of the links of the rule co_spend, 1 of 10 joined two owners, in 4 independent cases."
        " Counted on: a made-up world."
    ) in told
    assert "How often links of the rule odd are right has not been measured." in told
    assert CONDITIONAL in told
    assert not any("rule other" in line for line in told)


def test_a_case_without_links_speaks_of_no_rule_on_links(tmp_path: Path) -> None:
    told = limits([], rates(tmp_path, co_spend=(9, 10, 4)))
    assert told[: len(ALWAYS)] == ALWAYS
    assert not any("co_spend" in line or line == CONDITIONAL for line in told)


def test_the_report_of_the_market_says_what_the_package_was_measured_on(demo_case) -> None:
    """Read from the file that evaluation writes, not from the code that reads it."""
    text = (resources.files("chainwatch.heuristics") / "rates.json").read_text("utf-8")
    one = json.loads(text)["rules"]["co_spend"]
    for edition in ("working", "disclosure"):
        page = (demo_case.folder / edition / "report.html").read_text("utf-8")
        assert (
            f"Of the links of the rule co_spend, {one['of'] - one['right']:,} of {one['of']:,}"
            f" joined two owners, in {one['cases']:,} independent cases."
        ) in page
        assert one["basis"] in page
        assert "No error rate has been measured for co-spending" not in page


def test_links_of_the_market_are_found(otter_case) -> None:
    told = limits([cw.cluster(cw.co_spends(otter_case.ledger))])
    assert any("rule co_spend," in line for line in told)
