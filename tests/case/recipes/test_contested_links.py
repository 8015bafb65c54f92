"""What a case says of links that join nobody, and of those that need a look of their own."""

from __future__ import annotations

import chainwatch as cw
from chainwatch.addresses.scripts import script_of
from chainwatch.case.recipes import utxo
from chainwatch.heuristics.link_rules import OF_ALL


def test_links_that_need_a_look_of_their_own_are_counted(real_ledger, named):
    coins = [(9, script_of(named(name)), None, flags) for name, flags in
             (("A", "SINGLE|ANYONECANPAY"), ("B", "ALL"), ("C", None))]  # fmt: skip
    links = cw.co_spends(real_ledger([(bytes(32), coins, [(1, b"\x51")])], "btc-regtest"))
    said = " ".join(utxo._contested(links).text)
    assert (
        "Of all links, 1 lead to inputs signed in part or not at all, 1 rest on signatures whose"
        " flags were not read. Those to" in said
    )


def test_every_count_that_stands_apart_has_words():
    assert list(utxo._LED) == list(OF_ALL)


def test_where_there_are_none_nothing_is_said(small_ledger):
    links = cw.co_spends(small_ledger("t: A=9 B=9 -> C=17"))
    assert "Of all links" not in " ".join(utxo._contested(links).text)
