"""What was tried while a case was open stands in its log, and what was not used in its schedule."""

from __future__ import annotations

import gc
import json
from pathlib import Path

import polars as pl
import pytest
from chainwatch.figures.case_figure import case_figure

import chainwatch as cw
from chainwatch.case.log import TRIED, Log
from chainwatch.case.schedule import schedule
from chainwatch.case.seal import verify
from chainwatch.case.trials import Trials
from chainwatch.errors import CaseError
from chainwatch.results.result import Finding


@pytest.fixture
def ledger(small_ledger):
    return small_ledger("a: coinbase -> A=50\nx: coinbase -> X=50\nb: a/0 x/0 -> B=60 C=40\n")


def follow(ledger, named, *, policy="fifo"):
    whom = pl.DataFrame({"chain": [cw.chain("btc-regtest").id], "address": [named("A")]})
    return cw.trace(ledger, whom, policy=policy)


def kinds(case: cw.Case) -> list[str]:
    return [entry.kind for entry in case.log.entries]


def test_what_was_tried_is_logged_and_what_is_used_is_not_logged_twice(ledger, named) -> None:
    case = cw.Case("c", "Whom?", mask_key=bytes(16))
    follow(ledger, named, policy="lifo")
    used = follow(ledger, named, policy="fifo")
    case.add(used)
    assert kinds(case) == ["tried", "added"]
    tried = case.log.entries[0]
    assert tried.what == "try trace"
    assert "policy=lifo" in tried.why
    (left,) = case.schedule().unused
    assert left is tried
    case.add(follow(ledger, named, policy="lifo"))
    assert case.schedule().unused == (), "it was added since"


def test_what_a_figure_is_of_is_used(ledger, named) -> None:
    case = cw.Case("c", "Whom?", mask_key=bytes(16))
    whom = pl.DataFrame({"chain": [cw.chain("btc-regtest").id], "address": [named("A")]})
    across = cw.trace_all(ledger, whom)
    case.note("looked at it first")
    assert [one.what for one in case.schedule().unused] == ["try trace_all"]
    case.add(case_figure(across, kind="range"))
    assert case.schedule().unused == ()


def test_other_cases_and_what_is_over_hear_nothing(ledger, named) -> None:
    before = cw.Case("c", "Whom?", mask_key=bytes(16))
    before.trials.stop()
    follow(ledger, named)
    case = cw.Case("d", "Whom?", mask_key=bytes(16))
    for one in (before, case):
        assert kinds(one.note("nothing tried")) == ["noted"]


def test_of_many_trials_few_hold_rows(ledger, named) -> None:
    trials = Trials()
    for _ in range(40):
        follow(ledger, named)
    heard = trials.take()
    assert len(heard) == 40
    assert len({record.content for record, _ in heard}) == 1
    del heard, trials
    gc.collect()


def test_a_plan_is_held_against_what_was_done(ledger, named, tmp_path: Path) -> None:
    case = cw.Case("c", "Whom?", mask_key=bytes(16))
    case.hypothesis("The money goes to B.", policy="fifo")
    case.add(follow(ledger, named, policy="lifo"))
    case.hypothesis("All of it goes to C.")
    assert case.schedule().departures == (
        "Planned was the policy fifo; used was lifo.",
        "What was planned was written down after 1 result was known.",
    )
    case.write(tmp_path / "out")
    verify(tmp_path / "out")
    told = json.loads((tmp_path / "out" / "unused.json").read_bytes())
    assert [one["what"] for one in told["planned"]] == [
        "hypothesis: The money goes to B.", "hypothesis: All of it goes to C."
    ]  # fmt: skip
    said = (tmp_path / "out" / "report.html").read_text("utf-8")
    assert "Planned was the policy fifo; used was lifo." in said
    with pytest.raises(CaseError, match="no policy 'fifty'"):
        case.hypothesis("x", policy="fifty")


def test_two_work_on_one_case(ledger, named, tmp_path: Path) -> None:
    ours = cw.Case("c", "Whom?", mask_key=bytes(16), investigator="Ada")
    ours.note("begun")
    theirs = ours.fork("Bo")
    for case in (ours, theirs):  # here one thread plays both
        case.trials.stop()
    ours.add(follow(ledger, named, policy="fifo"), note="first")
    theirs.add(follow(ledger, named, policy="lifo"), note="second")
    heads = {ours.log.head(), theirs.log.head()}
    ours.merge(theirs, "both are done")
    assert set(ours.log.entries[-1].parents) == heads
    assert {entry.who for entry in ours.log.entries} == {"Ada", "Bo"}
    assert [note for _, note in ours.results] == ["first", "second"]
    ours.write(tmp_path / "out")
    assert verify(tmp_path / "out").entries == len(ours.log.entries)


def test_results_that_speak_against_are_told(ledger, named) -> None:
    class Contrary(type(follow(ledger, named))):  # type: ignore[misc]
        def against(self):
            return ("nothing of it arrives.",)

    found = follow(ledger, named)
    object.__setattr__(found, "__class__", Contrary)
    case = cw.Case("c", "Whom?", mask_key=bytes(16)).add(found)
    assert [said for _, said in case.schedule().against] == ["nothing of it arrives."]
    assert "Against: nothing of it arrives." in case.schedule().finding().text


class LinksFound(Finding):
    """What two tests of significance found, corrected for as many."""

    tests = 2

    def tests_run(self) -> int:
        return 2


def test_tests_that_were_left_out_count_among_the_tests() -> None:
    log = Log()
    log.append("a", "try link_test", "hops=3; tests run: 3", "1" * 64, kind=TRIED)
    log.append("a", "add link_test", "", "2" * 64)
    found = schedule(log, [LinksFound("Links")])
    assert found.tests == (5, 2)
    assert [one.why for one in found.unused] == ["hops=3; tests run: 3"]
    (said,) = [one for one in found.finding().text if "tests of significance" in one]
    assert said == (
        "5 tests of significance were run, and the correction of those shown counts 2: it is too"
        " mild; test again with tests=5."
    )
    assert schedule(Log(), []).finding() is None
