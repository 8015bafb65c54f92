"""Links to the one output that is left, with what is refused, undecided, and no link at all."""

from __future__ import annotations

import json
from hashlib import sha256

import change_cases
import pytest

from chainwatch.errors import ArgumentError, InputError, RuleError
from chainwatch.heuristics import change
from chainwatch.heuristics.coinjoin import equal_outputs
from chainwatch.heuristics.links import LINKS
from chainwatch.heuristics.rates import Rates
from chainwatch.ledger.ledger import Ledger

ROUND = ~change.power_of_ten(1)  # in these ledgers change is what ends in 0
FRESH = change.fresh_address()


@pytest.fixture
def links(small_ledger, named):
    """Return what asks for links: pairs of names with the veto."""
    back = {named(letter): letter for letter in "ABCDEFGHPXYZ"}

    def ask(text: str, rule=ROUND, gaps=(), **more):
        ledger = change_cases.ledger_with(small_ledger, text, gaps=gaps)
        frame = change.change_links(ledger, rule, **more).frame
        rows = frame.select("a", "b", "veto").iter_rows()
        return {("".join(sorted((back[a], back[b]))), veto) for a, b, veto in rows}

    return ask


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("t: A=90 -> B=50 P=33", {("AB", False)}),
        ("t: A=90 -> B=50 P=33 data=0", {("AB", False)}),
        ("t: A=90 -> B=50 P=30", set()),
        ("t: A=90 -> B=55 P=33", set()),
        # One payment, whatever lies beside: there is no change.
        ("t: A=90 -> B=50", set()),
        ("t: A=90 -> B=50 data=0", set()),
        # Back to an input: nothing new is joined.
        ("t: A=90 -> A=50 P=33", set()),
        ("t: A=90 ? -> B=50 P=33", {("AB", False)}),
        # No address, no link.
        ("t: A=90 -> pk:K=50 P=33", set()),
        ("t: pk:K=90 -> B=50 P=33", set()),
        ("t: ? -> B=50 P=33", set()),
        ("t: coinbase -> B=50 P=33", set()),
    ],
)
def test_one_output_is_left(links, text, expected):
    assert links(text) == expected


@pytest.mark.parametrize(
    ("text", "gaps", "expected"),
    [
        # C was seen before, of B it is not known.
        ("o: X=9 -> C=5\nt: A=90 -> B=50 C=30", (0,), {("AB", None)}),
        ("o: X=9 -> C=5\nt: A=90 -> B=50 C=30", (), {("AB", False)}),
        # B cannot be ruled out, and K may not be either.
        ("t: A=90 -> B=50 pk:K=30", (), {("AB", None)}),
        # Either may be new.
        ("t: A=90 -> B=50 C=30", (0,), set()),
    ],
)
def test_an_unknown_output_makes_it_unknown(links, text, gaps, expected):
    assert links(text, FRESH, gaps) == expected


MIX = "mix: A=90000 B=90000 {c} -> X=70000 Y=71111 Z=71111 P=71111"


@pytest.mark.parametrize(
    ("third", "veto"), [("C=90000", True), ("?", None), ("pk:K=90000", None), ("C=9", None)]
)
def test_mixes_are_vetoed_as_in_co_spends(links, third, veto):
    found = links(MIX.format(c=third), unless=equal_outputs())
    assert {answer for _, answer in found} == {veto}
    assert {answer for _, answer in links(MIX.format(c=third), unless=None)} == {False}


def test_an_anchor_is_nobodys_change(real_ledger):
    """Whoever spends an anchor needs no key: what is left is the payment."""
    p2wpkh, anchor = b"\x00\x14" + sha256(b"a").digest()[:20], b"\x51\x02\x4e\x73"
    rows = [(bytes(32), [(9000, p2wpkh)], [(5000, p2wpkh[:-1] + b"z"), (240, anchor)])]
    assert change.change_links(real_ledger(rows), ~change.address_reuse()).frame.is_empty()
    assert change.change_links(real_ledger(rows), change.optimal_change()).frame.is_empty()


def test_the_link_is_to_the_smallest_input_address(small_ledger, named):
    ledger = change_cases.ledger_with(small_ledger, "t: A=90 B=90 C=90 -> D=50 P=33")
    (row,) = change.change_links(ledger, ROUND, unless=None).frame.to_dicts()
    first = min(map(named, "ABC"))
    assert {row["a"], row["b"]} == {first, named("D")}
    assert (row["rule"], row["confidence"]) == (f"change: {ROUND}", None)


def test_name_and_rates(small_ledger, tmp_path):
    path = tmp_path / "rates.json"
    path.write_text(
        json.dumps({"rules": {"mine": {"right": 80, "of": 100, "cases": 100, "basis": "a test"}}})
    )
    ledger = change_cases.ledger_with(small_ledger, "t: A=90 -> B=50 P=33")
    links = change.change_links(ledger, ROUND, name="mine", rates=Rates(path))
    assert links.frame.select("rule", "confidence").rows() == [("mine", 0.8)]
    assert Rates(path).identity()["rates"] in links.lineage()
    assert str(ROUND) in links.lineage()


def test_what_cannot_be_asked(small_ledger):
    ledger = small_ledger("t: A=90 -> B=50 P=33")
    with pytest.raises(RuleError, match="reads transactions"):
        change.change_links(ledger, equal_outputs())
    with pytest.raises(RuleError, match="reads outputs"):
        change.change_links(ledger, ROUND, unless=ROUND)
    with pytest.raises(InputError, match="cannot be called"):
        change.change_links(ledger, ROUND, name=" ")
    with pytest.raises(ArgumentError):
        change.change_links(ledger, "fresh")
    with pytest.raises(ArgumentError):
        change.change_links("ledger", ROUND)


def test_an_empty_ledger_gives_no_links():
    frame = change.change_links(Ledger(), ROUND).frame
    assert frame.is_empty()
    assert dict(frame.schema) == LINKS.schema
