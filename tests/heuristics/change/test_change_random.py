"""Random ledgers: every rule on change against a slow search, whatever was not read."""

from __future__ import annotations

import change_cases
import polars as pl
import pytest
from slow_change import Slow, random_ledger

from chainwatch.heuristics.rule import VERDICT, apply
from chainwatch.ledger.features import outputs
from chainwatch.ledger.ledger import Ledger

LEDGERS, SHARE = 120, 15


@pytest.mark.parametrize("start", range(0, LEDGERS, SHARE))
def test_every_rule_agrees_with_a_slow_search(small_ledger, start):
    for seed in range(start, start + SHARE):
        text, gaps = random_ledger(seed)
        ledger = change_cases.ledger_with(small_ledger, text, gaps=gaps)
        frame, slow = outputs(ledger), Slow(ledger)
        expected = [slow.answers(out) for out in slow.outs]
        for name, case in change_cases.CASES.items():
            found = apply(frame, case.rule)[VERDICT].to_list()
            assert found == [one[name] for one in expected], (seed, name, text, gaps)


def test_the_random_ledgers_try_every_answer_of_every_rule(small_ledger):
    """Otherwise agreement would say little."""
    seen: set[tuple[str, bool | None]] = set()
    for seed in range(LEDGERS):
        text, gaps = random_ledger(seed)
        slow = Slow(change_cases.ledger_with(small_ledger, text, gaps=gaps))
        seen |= {item for out in slow.outs for item in slow.answers(out).items()}
    answers = {(name, answer) for name in change_cases.CASES for answer in (True, False, None)}
    assert answers - seen == {("power_of_ten", None)}  # it reads the amount alone


@pytest.mark.parametrize("seed", range(20))
def test_reading_more_never_turns_an_answer_over_unless_the_rule_looks_ahead(small_ledger, seed):
    """Blocks that are read later may decide what was unknown."""
    text, _ = random_ledger(seed)
    whole = change_cases.ledger_with(small_ledger, text)
    lacking = Ledger.from_tables({**whole.frames, "coverage": whole.frames["coverage"].clear()})
    for name, case in change_cases.CASES.items():
        before, after = (
            apply(outputs(one), case.rule)[VERDICT].to_list() for one in (lacking, whole)
        )
        if name not in change_cases.AHEAD:
            assert all(old in (None, new) for old, new in zip(before, after, strict=True)), name


@pytest.mark.parametrize("seed", range(5))
def test_the_frame_does_not_depend_on_the_order_of_rows(small_ledger, seed):
    text, gaps = random_ledger(seed)
    ledger = change_cases.ledger_with(small_ledger, text, gaps=gaps)
    turned = Ledger.from_tables({name: rows[::-1] for name, rows in ledger.frames.items()})
    assert outputs(turned).equals(outputs(ledger))
    assert isinstance(outputs(ledger), pl.DataFrame)
