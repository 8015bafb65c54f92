"""Spends whose mixes are of the same times: leads, the nearest first, in whole seconds."""

from __future__ import annotations

import pytest

import chainwatch as cw
from chainwatch.errors import ArgumentError, InputError

FOUR = "V{k}=1000000 W{k}=1000000 X{k}=1000000 Y{k}=1000000"
MIXES = "\n".join(
    f"m{k}: A{k}=1001000 B{k}=1001000 C{k}=1001000 D{k}=1001000 -> {FOUR.format(k=k)}"
    for k in range(4)
)
"""Four mixes, one an hour."""


def leads(small_ledger, text, **more):
    ledger = small_ledger(text)
    return cw.mix_leads(ledger, cw.anonymity_sets(ledger), **more)


def test_the_nearest_spends_come_first_and_each_direction_has_its_own_distance(small_ledger, txid):
    spends = (
        "\none: m0/0 m1/0 -> P=1999000\ntwo: m0/1 m1/1 -> Q=1999000\nfar: m2/0 m3/0 -> R=1999000"
    )
    found = leads(small_ledger, MIXES + spends)
    assert (found.spends, found.compared, found.frame.height) == (3, 6, 6)
    first = found.frame.row(0, named=True)
    assert (first["txid"], first["other_txid"]) == (txid("one"), txid("two"))
    assert (first["seconds"], first["mixes"], first["shared"]) == (0, 2, 2)
    last = found.frame.row(5, named=True)
    # From mixes of hours 0 and 1 the nearest of hours 2 and 3 lies two hours and one away.
    assert (last["seconds"], last["mixes"], last["shared"]) == (3 * 3_600, 2, 0)


def test_one_sided(small_ledger, txid):
    spends = "\none: m0/0 m1/0 -> P=1999000\nall: m0/1 m1/1 m3/1 -> Q=2999000"
    found = leads(small_ledger, MIXES + spends)
    told = {row["txid"]: row["seconds"] for row in found.frame.iter_rows(named=True)}
    assert told == {txid("one"): 0, txid("all"): 2 * 3_600}


def test_spends_of_one_mix_and_mixes_are_left_out(small_ledger):
    spends = (
        "\nsame: m0/0 m0/1 -> P=1999000"
        "\nagain: m0/2 m1/2 m2/2 m3/2 -> P=999000 Q=999000 R=999000 S=999000"
        "\none: m0/3 m1/3 -> T=1999000"
    )
    found = leads(small_ledger, MIXES + spends)
    assert (found.spends, found.frame.height) == (1, 0)


def test_they_are_leads_and_the_list_is_bounded(small_ledger):
    spends = "\none: m0/0 m1/0 -> P=1999000\ntwo: m0/1 m1/1 -> Q=1999000"
    found = leads(small_ledger, MIXES + spends, most=1)
    assert (found.frame.height, found.compared) == (1, 2)
    assert "near by chance" in repr(found)
    with pytest.raises(InputError, match="nothing to compare"):
        leads(small_ledger, MIXES, fewest_mixes=1)
    with pytest.raises(ArgumentError, match="sets is"):
        cw.mix_leads(small_ledger(MIXES), 5)
