"""What was tried while a case was open stands in its log, and what was not used in its schedule."""

from __future__ import annotations

import gc
import json
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest

import chainwatch as cw
from chainwatch.case import trials
from chainwatch.case.log import TRIED, Log
from chainwatch.case.schedule import schedule
from chainwatch.case.seal import verify
from chainwatch.case.trials import Trials
from chainwatch.errors import CaseError
from chainwatch.figures.case_figures import case_figure
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
    tried = Trials()
    for _ in range(40):
        follow(ledger, named)
    heard = tried.take()
    assert len(heard) == 40
    assert len({record.content for record, _ in heard}) == 1
    del heard, tried
    gc.collect()


def test_of_many_trials_each_is_made_light_once(ledger, named, monkeypatch) -> None:
    """A desk that was open all day hears of the next trial as fast as of the first."""
    made, light = [], trials._light
    monkeypatch.setattr(trials, "_light", lambda record: made.append(record) or light(record))
    heard = Trials()
    for _ in range(60):
        follow(ledger, named)
    assert 40 < len({id(record) for record in made}) < 60  # other cases hear it too
    assert len(heard.take()) == 60


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


def test_a_trial_that_two_heard_of_is_one(ledger, named) -> None:
    ours = cw.Case("c", "Whom?", mask_key=bytes(16), investigator="Ada")
    ours.note("begun")
    theirs = ours.fork("Bo")
    follow(ledger, named, policy="lifo")
    ours.note("tried")
    theirs.note("tried as well")
    ours.merge(theirs, "both are done")
    assert [entry.kind for entry in ours.log.entries].count(TRIED) == 2
    assert len(ours.schedule().unused) == 1


def clock_at(hour: int):
    return lambda: datetime(2024, 9, 27, hour, tzinfo=UTC)


def stopped(*cases: cw.Case) -> None:
    for case in cases:  # here one thread plays all
        case.trials.stop()


@pytest.mark.parametrize("late", [False, True])
def test_a_plan_that_a_merge_puts_before_results_was_not_there_before(
    ledger, named, tmp_path: Path, late: bool
) -> None:
    """One plans, another finds; merged, the plan stands first in the list, whatever was when."""
    ours = cw.Case("c", "Whom?", mask_key=bytes(16), clock=clock_at(1))
    ours.note("begun")
    theirs = ours.fork("Bo")
    stopped(ours, theirs)
    ours.clock, theirs.clock = (clock_at(9 if late else 3), clock_at(5))
    ours.hypothesis("The money goes to B.")
    theirs.add(follow(ledger, named))
    ours.merge(theirs)
    kept = [one for one in kinds(ours) if one in ("planned", "added")]
    assert kept == ["planned", "added"], "the place in the list says the contrary"
    found = ours.schedule()
    assert found.first == (False,)
    counts = "1 came no later than it, 0 after" if late else "0 came no later than it, 1 after"
    assert found.departures == (
        "What was planned and 1 result stand apart, on two sides of a merge; the times say that"
        f" {counts}.",
    )
    assert "Written down before" not in repr(found)
    assert "Written down: The money goes to B." in repr(found)
    ours.add(follow(ledger, named, policy="lifo"))
    assert ours.schedule().first == (False,), "one that goes on from it does not mend the other"


def test_a_plan_came_before_if_every_result_goes_on_from_it(ledger, named) -> None:
    case = cw.Case("c", "Whom?", mask_key=bytes(16))
    stopped(case)
    case.hypothesis("The money goes to B.")
    assert "Written down before" not in repr(case.schedule()), "there is nothing that came after"
    bo = case.fork("Bo")
    stopped(bo)
    case.add(follow(ledger, named))
    bo.add(follow(ledger, named, policy="lifo"))
    case.merge(bo)
    assert case.schedule().first == (True,)
    assert case.schedule().departures == ()
    assert "Written down before: The money goes to B." in repr(case.schedule())
    assert "of a run of the case that was made earlier" in " ".join(repr(case.schedule()).split())


def test_two_notes_of_one_result_are_kept_and_silent_is_what_all_have_silent(ledger, named) -> None:
    ours = cw.Case("c", "Whom?", mask_key=bytes(16))
    ours.note("begun")
    theirs = ours.fork("Bo")
    stopped(ours, theirs)
    one, two, three = (follow(ledger, named, policy=name) for name in ("fifo", "lifo", "haircut"))
    ours.add(one, note="Ada says this.", silent=True)
    theirs.add(one, note="Bo says that.")
    ours.add(two, note="the same")
    theirs.add(two, note="the same", silent=True)
    theirs.add(three, silent=True)
    again = theirs.fork("Cy")
    stopped(again)
    ours.merge(theirs)
    assert [note for _, note in ours.results] == ["Ada says this.\nBo says that.", "the same", ""]
    assert ours.silent == {three.digest}
    again.note("more")
    ours.merge(again)
    assert ours.results[0][1] == "Ada says this.\nBo says that.", "and not three times"


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
