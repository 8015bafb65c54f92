"""What falls where something must stay apart: whole claims, whatever the bytes."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import polars as pl
import pytest
from conftest import Written, ledger_of

import chainwatch as cw
from chainwatch.addresses.bip32 import hash160
from chainwatch.addresses.canonical import Kind
from chainwatch.addresses.scripts import script_of
from chainwatch.clusters import forest, standing
from chainwatch.clusters.apart import ACTORS, Apart, keep_apart
from chainwatch.clusters.cluster import cluster
from chainwatch.clusters.forest import CLAIM, PAIR
from chainwatch.clusters.recipe import Recipe
from chainwatch.heuristics import change
from chainwatch.heuristics.co_spend import co_spends
from chainwatch.heuristics.keys.same_key import same_key
from chainwatch.heuristics.statements import stated_links

CHAIN = "btc-regtest"


@pytest.fixture
def apart(hand):
    return lambda a, b: keep_apart([(hand.chain, hand.letter(a), hand.chain, hand.letter(b))])


def test_what_rests_on_a_claim_falls_with_it(hand, apart):
    """Transaction 1 spends A and B, and its change is E: whose, if they are two owners'?"""
    rows = [*hand.links("A-B 1 0.5").frame.rows(), *hand.links("A-E 1 0.9\nE-F 2 0.5").frame.rows()]
    rows[1] = (*rows[1][:6], "change: a rule", *rows[1][7:])
    clusters = cluster(hand.of(rows), apart=apart("A", "B"))
    assert hand.groups(clusters) == {frozenset("EF")}
    told = clusters.refused.select("rule", "reason").rows()
    assert sorted(told) == [("change: a rule", CLAIM), ("co_spend", PAIR)]
    assert hand.groups(cluster(hand.of(rows))) == {frozenset("ABEF")}


def test_a_claim_does_not_fall_for_the_sake_of_what_rests_on_it(hand, apart):
    """That E is the change may be wrong; that A and B signed together stays, weaker as it is."""
    rows = [*hand.links("A-B 1 0.5").frame.rows(), *hand.links("A-E 1 0.9").frame.rows()]
    rows[1] = (*rows[1][:6], "change: a rule", *rows[1][7:])
    clusters = cluster(hand.of(rows), apart=apart("B", "E"))
    assert hand.groups(clusters) == {frozenset("AB")}
    assert clusters.refused["rule"].to_list() == ["change: a rule"]


def test_change_of_inputs_that_must_stay_apart_joins_nobody(small_ledger, named):
    ledger = small_ledger("t: A=5000 B=6000 -> D=7000 E=3900")
    stated = keep_apart([(CHAIN, named("A"), CHAIN, named("B"))])
    recipe = Recipe(change=change.optimal_change())
    assert cw.owners(ledger, recipe=recipe, apart=stated).frame.is_empty()
    links = co_spends(ledger) + cw.change_links(ledger, change.optimal_change())
    assert cluster(links, apart=stated).frame.is_empty()
    assert cluster(links).frame.height == 3


@pytest.mark.parametrize("ends", [(0, 1), (0, 2), (1, 2)])
def test_one_key_in_three_forms_is_one_claim(ends):
    held = hash160(b"\2" + b"k" * 32)
    forms = [bytes((Kind.P2PKH,)) + held, bytes((Kind.P2WPKH,)) + held,
             bytes((Kind.P2SH,)) + hash160(b"\0\x14" + held)]  # fmt: skip
    paid = [(5, script_of(form)) for form in forms]
    ledger = ledger_of([Written(b"\1" * 32, None, paid)], "btc")
    one, other = (forms[end] for end in ends)
    assert cw.owners(ledger).frame.height == 3
    assert cw.owners(ledger, apart=keep_apart([("btc", one, "btc", other)])).frame.is_empty()
    assert same_key(ledger).frame.height == 2


@pytest.mark.parametrize("bytes_", list(permutations("ABC")))
def test_equal_statements_that_exclude_each_other_both_fall(hand, bytes_):
    """x is y and y is z, says somebody, and x is not z: nobody knows to whom y belongs."""
    x, y, z = bytes_
    place = {name: (hand.chain, hand.letter(name)) for name in "ABCDEF"}
    links = stated_links([(*place[x], *place[y]), (*place[y], *place[z]), (*place[z], *place["D"]),
                          (*place["E"], *place["F"])])  # fmt: skip
    stated = keep_apart([(*place[x], *place[z])])
    clusters = cluster(links, apart=stated)
    assert hand.groups(clusters) == {frozenset((z, "D")), frozenset("EF")}
    assert set(clusters.refused["reason"]) == {PAIR}
    surer = links + stated_links([(*place[x], *place[y])], rule="register", confidence=0.9)
    assert frozenset((x, y)) in hand.groups(cluster(surer, apart=stated))


def test_each_link_is_looked_at_once_however_many_are_refused(hand, monkeypatch):
    """Every transaction spends an address of both of two actors: none of them makes a pass more."""
    height, passes, looked = 600, [], []
    joining, look = forest.join_in_order, standing._Sides.against

    def counted(*args, **more):
        passes.append(len(args[0]))
        return joining(*args, **more)

    monkeypatch.setattr(forest, "join_in_order", counted)

    def weighed(self, groups):
        looked.append(len(groups))
        return look(self, groups)

    monkeypatch.setattr(standing._Sides, "against", weighed)
    rows = [row for n in range(height) for row in (
        hand.row("A", f"m{n:04}", n + 1, 0.9), hand.row("A", "Z", n + 1, 0.9))]  # fmt: skip
    actors = [(hand.chain, hand.letter("A"), "ann"), (hand.chain, hand.letter("Z"), "bob")]
    apart = Apart(actors=pl.DataFrame(actors, schema=ACTORS.schema, orient="row"))
    clusters = cluster(hand.of(rows), apart=apart)
    assert clusters.refused.height == 2 * height
    assert clusters.frame.is_empty()
    assert passes == [2 * height, 0]
    assert len(looked) == height
    assert np.sum(looked) == 3 * height
