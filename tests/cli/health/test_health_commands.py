"""``chainwatch health``: the whole way on a table and on the demo's ledger, and its errors."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def asked(otter_case: Any, tmp_path: Path) -> tuple[Any, ...]:
    pack = tmp_path / "sellers.csv"
    address = otter_case.tags.where(concept="vendor").plain()["address"][0]
    pack.write_text(
        f"address,label,concept,source,substance\n{address},a seller,vendor,test,nitazenes\n"
    )
    return (
        "--ledger", otter_case.ledger.store.path, "--tags", pack, "--since", "2023-06-01",
        "--until", "2023-09-01",
    )  # fmt: skip


def test_a_release_is_paid_for_and_the_next_is_refused(
    run: Run, asked: tuple[Any, ...], tmp_path: Path
) -> None:
    pytest.importorskip("opendp", reason="opendp is not installed")
    signed = ("--who", "a desk", "--why", "a test", "--by", "substance,week")
    status, out, err = run(
        "health", "release", *asked, *signed, "--budget", "1", "--epsilon", "0.7",
        "--csv", "noisy.csv",
    )  # fmt: skip
    assert (status, err) == (0, "")
    assert "HealthRelease(" in out
    assert "budget 1: epsilon 0.3, delta 0 left" in out
    rows = (tmp_path / "noisy.csv").read_text().splitlines()
    assert rows[0] == "substance,week,count,above"
    assert len(rows) == 1 + 19 * 12
    status, _, err = run("health", "release", *asked, *signed, "--epsilon", "0.7")
    assert status == 1
    assert "asks for epsilon 0.7 and 0.3 is left of the budget of entry 1" in err
    status, out, _ = run("health", "warn", "--releases", "releases.jsonl", "--entry", "2")
    assert status == 0
    assert "EarlyWarning(19 groups over 12 weeks, noisy counts" in out


def test_activity_of_a_ledger_warns_of_nothing_in_too_few_weeks(
    run: Run, asked: tuple[Any, ...]
) -> None:
    pytest.importorskip("scipy", reason="scipy is not installed")
    status, out, err = run("health", "warn", *asked)
    assert (status, err) == (0, "")
    assert "EarlyWarning(1 group over 12 weeks, exact counts: 0 grew, 0 appeared)" in out


def test_a_table_is_watched(run: Run, tmp_path: Path) -> None:
    pytest.importorskip("scipy", reason="scipy is not installed")
    days = [date(2024, 1, 1) + timedelta(weeks=n) for n in range(60)]
    lines = [f"{group},{day},{10 + 60 * (group == 'a' and n > 50)},report"
             for group in "abc" for n, day in enumerate(days)]  # fmt: skip
    lines.append("d,2024-05-06,9,tag")
    (tmp_path / "s.csv").write_text("\n".join(["group,week,count,dated_by", *lines]))
    status, out, _ = run("health", "warn", "--series", "s.csv", "--csv", "alarms.csv")
    assert status == 0
    assert "growth: a, week of 2024-12-23, since 2024-12-23; p " in out
    assert "1 group undated" in out
    assert (tmp_path / "alarms.csv").read_text().startswith("group,kind,week,since")


def test_a_sheet_is_written_once(run: Run, tmp_path: Path) -> None:
    said = ("health", "referral", "--region", "Utrecht", "--substance", "nitazenes")
    way = ("--pathway", "Open Door; 555 0100; every day; English")
    status, out, _ = run(*said, *way)
    assert status == 0
    assert "ReferralSheet(1 pathways" in out
    assert "Open Door" in (tmp_path / "support.html").read_text("utf-8")
    assert run(*said, *way)[0] == 1
    status, _, err = run(*said, "--pathway", "an addict; x; y; z", "--out", "other.html")
    assert status == 1
    assert "keeps people from care" in err
    assert not (tmp_path / "other.html").exists()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("release", "--tags", "x"), "no --ledger is given"),
        (("warn",), "no --tags is given"),
        (("warn", "--releases", "x"), "no --entry is given"),
        (("warn", "--series", "none.csv"), "no such file"),
        (("referral", "--region", "x"), "no --pathways is given"),
        (("referral", "--region", "x", "--pathway", "a; b"), "a pathway has four parts"),
    ],
)
def test_what_is_missing_is_said(run: Run, words: tuple[str, ...], said: str) -> None:
    status, _, err = run("health", *words)
    assert status == 1
    assert said in err


def test_evaluate_measures_early_warning(run: Run) -> None:
    pytest.importorskip("scipy", reason="scipy is not installed")
    pytest.importorskip("opendp", reason="opendp is not installed")
    status, out, _ = run("evaluate", "health", "--worlds", "1", "--json")
    assert status == 0
    rows = json.loads(out)["warning_rates"]
    of_any = [row for row in rows if row["harm"] == "any"]
    assert [row["way"] for row in of_any][:2] == ["buyers, exact", "new listings, exact"]
    assert all(row["markets"] == 1 and row["harms"] in (1, 2) for row in of_any)
    assert len(rows) == 3 * len(of_any) == 12
