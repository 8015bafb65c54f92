"""Asking a rule of a whole ledger: the verdict, each condition beside it, and what was asked."""

from __future__ import annotations

import pytest

import chainwatch as cw
from chainwatch.addresses.assets import native
from chainwatch.errors import ArgumentError, RuleError
from chainwatch.heuristics.coinjoin import batch_payout, equal_outputs
from chainwatch.heuristics.poisoning import zero_value
from chainwatch.heuristics.rule import VERDICT

ETH = native("eth")

TEXT = """
    mix: A=90000 B=90000 C=90000 -> X=80000 Y=80000 Z=80000
    pay: D=90000 -> E=80000
    open: F=90000 ? ? -> X=80000 Y=80000 Z=80000
"""


@pytest.fixture
def ledger(small_ledger):
    return small_ledger(TEXT)


def test_the_verdict_and_each_condition(ledger, txid):
    rule = equal_outputs() & ~batch_payout()
    answers = cw.ask(ledger, rule)
    first, second = map(str, rule.leaves())
    assert answers.frame.columns == [
        "chain", "tx", "txid", "height", "time", VERDICT, first, second,
    ]  # fmt: skip
    assert answers.frame.select("txid", VERDICT, first, second).rows() == [
        (txid("mix"), True, True, False),
        (txid("pay"), False, False, False),
        (txid("open"), None, None, False),
    ]
    assert answers.counts() == {"yes": 1, "no": 1, "unknown": 1}
    assert answers.yes["txid"].to_list() == [txid("mix")]
    assert answers.unknown["txid"].to_list() == [txid("open")]
    assert repr(answers).startswith("Answers(1 yes, 1 no, 1 unknown to equal_outputs(")


def test_it_says_what_was_asked_and_of_what(ledger):
    one, other = cw.ask(ledger, equal_outputs()), cw.ask(ledger, equal_outputs(min_equal=4))
    assert "rule=equal_outputs(min_equal=3, one_each=False)" in one.lineage()
    assert one.digest != other.digest
    assert one.digest == cw.ask(ledger, equal_outputs()).digest
    assert one.words()["rule"] == equal_outputs().identity()


def test_people_read_ids_as_text(ledger, txid):
    assert cw.ask(ledger, equal_outputs()).plain()["txid"][0] == txid("mix")[::-1].hex()


def test_transfers_are_asked_of_one_asset(ledger):
    empty = cw.ask(cw.Ledger(), zero_value(), asset=ETH)
    assert empty.counts() == {"yes": 0, "no": 0, "unknown": 0}
    assert {"sender", "receiver", "amount", VERDICT, "zero_value()"} <= set(empty.frame.columns)
    assert list(empty.tables()) == ["answers"]
    with pytest.raises(RuleError, match="of which asset is not said"):
        cw.ask(ledger, zero_value())
    with pytest.raises(RuleError, match="reads transactions, not transfers"):
        cw.ask(ledger, equal_outputs(), asset=ETH)


@pytest.mark.parametrize("wrong", [equal_outputs, "mix", None])
def test_what_is_no_rule_is_refused(ledger, wrong):
    with pytest.raises(ArgumentError, match="rule is "):
        cw.ask(ledger, wrong)
