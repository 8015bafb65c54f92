"""Equal outputs, in ledgers that a reader can check by eye."""

from __future__ import annotations

import pytest

from chainwatch.errors import RuleError
from chainwatch.heuristics.coinjoin import equal_outputs, possible_mix
from chainwatch.heuristics.rule import VERDICT, apply
from chainwatch.ledger.features import transactions
from chainwatch.ledger.joint.funding import DUST

CASES = {
    "three bring and three take": ("A=90000 B=90000 C=90000 -> X=80000 Y=80000 Z=80000", True),
    "change beside": ("A=90000 B=95000 C=99000 -> X=80000 Y=80000 Z=80000 P=7000 Q=9000", True),
    "five by five": ("A=9000 B=9000 C=9000 D=9000 E=9100 -> V=9000 W=9000 X=9000 Y=9000 Z=9000",
                     True),
    "two addresses may be two parties of which one takes two": (
        "A=150000 B=150000 -> X=80000 Y=80000 Z=80000", None),
    "two inputs of dust make no parties": (
        "A=3100000000 B=1000000 C=1000000 -> X=1000000000 Y=1000000000 Z=1000000000 P=100000000",
        False),
    "nor do twenty": (
        "A=310000 " + " ".join(f"{name}=2000" for name in "BCDEFGHIJKLMNOPQRSTU")
        + " -> V=100000 W=100000 X=100000 Y=40000", False),
    "a second party who brings what it takes may": (
        "A=310000 B=101000 C=2000 -> X=100000 Y=100000 Z=100000 P=110000", None),
    "several inputs put together bring it": (
        "A=90000 B=90000 C=50000 D=35000 -> X=80000 Y=80000 Z=80000", True),
    "half of it brings nothing": (
        "A=190000 B=90000 C=40000 D=30000 -> X=90000 Y=90000 Z=90000", None),
    "a maker brings as much less as he is paid": (
        "A=190000 B=90000 C=81000 -> X=90000 Y=90000 Z=90000", True),
    "and no less": ("A=190000 B=90000 C=80999 -> X=90000 Y=90000 Z=90000", None),
    "an amount that others may have mixed beside a batch": (
        "A=990000 B=20000 C=20000 D=20000 -> P=90000 Q=90000 R=90000 S=90000 X=19000 Y=19000"
        " Z=19000", True),
    "three inputs of one address are one party": (
        "A=90000 A=90000 A=90000 -> X=80000 Y=80000 Z=80000", False),
    "an address paid thrice is one payee": ("A=90000 B=90000 C=90000 -> X=80000 X=80000 X=80000",
                                            False),
    "two equal outputs are an even split": ("A=90000 B=90000 C=90000 -> X=80000 Y=80000 Z=7000",
                                            False),
    "no two outputs alike": ("A=90000 B=90000 C=90000 -> X=80000 Y=70000 Z=60000", False),
    "an unread input may be the third": ("A=90000 B=90000 ? -> X=80000 Y=80000 Z=80000", None),
    "two unread inputs may be two more": ("A=90000 ? ? -> X=80000 Y=80000 Z=80000", None),
    "one unread input may be a second": ("A=90000 ? -> X=80000 Y=80000 Z=80000", None),
    "one that is unread is one party": ("? -> X=80000 Y=80000 Z=80000", False),
    "unread beside enough that was read": ("A=90000 B=90000 C=90000 ? -> X=80000 Y=80000 Z=80000",
                                           True),
    "a P2PK input may be the third": ("A=90000 B=90000 pk:K=90000 -> X=80000 Y=80000 Z=80000",
                                      None),
    "a multisig input may be the third": ("A=90000 B=90000 ms:K=90000 -> X=80000 Y=80000 Z=80000",
                                          None),
    "two nameless inputs may be two": ("pk:J=90000 ms:K=90000 -> X=80000 Y=80000 Z=80000", None),
    "nameless dust is nobody": (
        "A=310000 pk:J=2000 ms:K=2000 -> X=100000 Y=100000 Z=100000", False),
    "equal outputs without address": ("A=90000 B=90000 C=90000 -> pk:X=80000 pk:Y=80000 ms:Z=80000",
                                      True),
    "dust is no share": ("A=90000 B=90000 C=90000 -> X=2730 Y=2730 Z=2730 P=80000", False),
    "just above dust is": ("A=90000 B=90000 C=90000 -> X=2731 Y=2731 Z=2731 P=80000", True),
    "OP_RETURN is nobody's": ("A=90000 B=90000 C=90000 -> data=80000 data=80000 Y=80000 Z=80000",
                              False),
    "a coinbase has no parties": ("coinbase -> X=80000 Y=80000 Z=80000", False),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_three_equal_outputs(small_ledger, name):
    line, expected = CASES[name]
    answer = apply(transactions(small_ledger(f"t: {line}")), equal_outputs())
    assert answer[VERDICT].to_list() == [expected]
    assert answer["equal_outputs(min_equal=3, one_each=False)"].to_list() == [expected]


EACH = {
    "two parties for three": ("A=150000 B=150000 -> X=80000 Y=80000 Z=80000", False),
    "three for three": ("A=90000 B=90000 C=90000 -> X=80000 Y=80000 Z=80000", True),
    "an unread input may be the third": ("A=90000 B=90000 ? -> X=80000 Y=80000 Z=80000", None),
    "and cannot be two": ("A=90000 ? -> X=80000 Y=80000 Z=80000", False),
}  # fmt: skip


@pytest.mark.parametrize("name", EACH)
def test_where_the_protocol_gives_a_party_one_output(small_ledger, name):
    line, expected = EACH[name]
    answer = apply(transactions(small_ledger(f"t: {line}")), equal_outputs(one_each=True))
    assert answer[VERDICT].to_list() == [expected]


def test_min_equal_is_the_smallest_count_that_is_hit(small_ledger):
    features = transactions(small_ledger("t: A=90000 B=90000 C=90000 -> X=80000 Y=80000 Z=80000"))
    answers = {least: apply(features, equal_outputs(least))[VERDICT][0] for least in (2, 3, 4)}
    assert answers == {2: True, 3: True, 4: False}


@pytest.mark.parametrize("least", [1, 0, -3])
def test_one_output_is_equal_to_nothing(least):
    with pytest.raises(RuleError, match="cannot be equal"):
        equal_outputs(min_equal=least)


def test_dust_is_said_in_one_place():
    assert DUST == 2730


DOUBTS = {
    "two parties with change": ("A=90000 B=95000 -> X=80000 Y=80000 P=7000 Q=9000", None),
    "an even payment with change": ("A=90000 B=95000 -> X=80000 Y=80000 A=20000", None),
    "an unread input may be a second party": ("A=90000 ? -> X=80000 Y=80000 P=7000", None),
    "a P2PK input may be a second party": ("A=90000 pk:K=90000 -> X=80000 Y=80000 P=7000", None),
    "one address is one party": ("A=90000 A=90000 -> X=80000 Y=80000 P=7000", False),
    "dust is no second party": ("A=290000 B=3000 -> X=80000 Y=80000 P=70000", False),
    "nor for a batch": ("A=290000 B=3000 -> W=40000 X=40000 Y=40000 Z=40000 P=70000", False),
    "nothing but the pair": ("A=90000 B=90000 -> X=80000 Y=80000", None),
    "the pair and data": ("A=90000 B=90000 -> X=80000 Y=80000 data=0", None),
    "one of the pair brings two coins": ("A=30000 B=60000 C=90000 -> X=80000 Y=80000", None),
    "one address pays the pair": ("A=90000 A=90000 -> X=80000 Y=80000", False),
    "one party alone can pay the pair": ("A=190000 B=3000 -> X=80000 Y=80000", False),
    "three parties for three are the other rule's": (
        "A=90000 B=90000 C=90000 -> X=80000 Y=80000 Z=80000", False),
    "two parties with two equal outputs each": (
        "A=90000 B=90000 -> W=40000 X=40000 Y=40000 Z=40000", None),
    "a batch of one address": ("A=900000 -> W=40000 X=40000 Y=40000 Z=40000 A=700000", False),
    "an unread input beside one address": ("A=90000 ? -> X=40000 Y=40000 Z=40000", None),
    "no two alike": ("A=90000 B=90000 -> X=80000 Y=70000 Z=10000", False),
}  # fmt: skip


@pytest.mark.parametrize("name", DOUBTS)
def test_doubt_and_never_more(small_ledger, name):
    line, expected = DOUBTS[name]
    answer = apply(transactions(small_ledger(f"t: {line}")), possible_mix())
    assert answer[VERDICT].to_list() == [expected]


def test_as_a_second_veto_the_pair_joins_nobody(small_ledger):
    features = transactions(small_ledger("t: A=90000 B=95000 -> X=80000 Y=80000 P=7000 Q=9000"))
    assert apply(features, equal_outputs() | possible_mix())[VERDICT].to_list() == [None]
