"""Co-spending in ledgers that a reader can check by eye."""

from __future__ import annotations

import hashlib

import polars as pl
import pytest

from chainwatch.addresses.canonical import text
from chainwatch.addresses.scripts import classify
from chainwatch.clusters.cluster import cluster
from chainwatch.errors import ArgumentError, RuleError
from chainwatch.heuristics.co_spend import co_spends
from chainwatch.heuristics.coinjoin import equal_outputs
from chainwatch.heuristics.links import LINK_KEY, LINKS
from chainwatch.heuristics.poisoning import zero_value
from chainwatch.heuristics.rates import MEASURED
from chainwatch.ledger.features import transactions
from chainwatch.ledger.ledger import Ledger

MIX = "-> X=80000 Y=80000 Z=80000"


@pytest.fixture
def letters(named):
    """Return links as ``{(transaction's place, {addresses})}`` in letters, with their vetoes."""
    of = {named(letter): letter for letter in "ABCDEFGHPQ"}

    def read(links):
        rows = links.frame.select("tx", "a", "b", "veto").iter_rows()
        return {(tx >> 24, frozenset({of[a], of[b]}), veto) for tx, a, b, veto in rows}

    return read


def link(tx, pair, veto=False):
    return tx, frozenset(pair), veto


def test_inputs_of_one_transaction_are_linked(small_ledger, letters):
    links = co_spends(small_ledger("t: A=60000 B=50000 -> C=100000"))
    assert letters(links) == {link(1, "AB")}


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (("ledger",), r"ledger is a text; open it first: open_ledger"),
        (
            (None, equal_outputs),
            r"unless is the rule equal_outputs before it was called; call it: ",
        ),
        ((None, "mix"), "unless is a text; pass a rule"),
    ],
)
def test_what_is_no_ledger_or_rule_is_refused(small_ledger, given, words):
    ledger = given[0] or small_ledger("t: A=60000 -> C=50000")
    with pytest.raises(ArgumentError, match=words):
        co_spends(ledger, unless=given[1] if len(given) > 1 else None)


def test_a_count_of_outputs_is_a_number():
    for wrong in ("3", 3.0, True):
        with pytest.raises(ArgumentError, match="parameter min_equal of rule equal_outputs is"):
            equal_outputs(min_equal=wrong)


def test_one_input_links_nothing(small_ledger):
    assert co_spends(small_ledger("t: A=60000 -> B=50000 C=9000")).frame.is_empty()


def test_outputs_are_not_linked(small_ledger, letters):
    ledger = small_ledger("t: A=60000 B=60000 -> C=50000 D=50000 A=9000")
    links = co_spends(ledger, unless=None)
    assert letters(links) == {link(1, "AB")}


def test_an_address_that_stands_twice_is_one(small_ledger, letters):
    links = co_spends(small_ledger("t: A=6000 A=6000 B=6000 B=6000 -> C=20000"))
    assert letters(links) == {link(1, "AB")}
    assert co_spends(small_ledger("t: A=6000 A=6000 -> C=9000")).frame.is_empty()


def test_links_hang_on_the_smallest_address(small_ledger, named):
    frame = co_spends(small_ledger("t: A=6000 B=6000 C=6000 D=6000 -> E=20000")).frame
    everyone = sorted(named(letter) for letter in "ABCD")
    assert frame["a"].to_list() == [everyone[0]] * 3
    assert frame["b"].to_list() == everyone[1:]


@pytest.mark.parametrize("inputs", ["A=60000 pk:K=5000", "pk:J=6000 pk:K=5000", "ms:J=9 ms:J=9",
                                    "A=60000 ?", "? ?", "A=60000 ms:K=5000 ?"])  # fmt: skip
def test_no_address_links_nothing(small_ledger, inputs):
    assert co_spends(small_ledger(f"t: {inputs} -> C=1000")).frame.is_empty()


def _hash160(data):
    return hashlib.new("ripemd160", hashlib.sha256(data).digest()).digest()


_GENERATOR = bytes.fromhex("0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798")
"""The public key of the secret 1 (SEC 2)."""

OPEN = {
    "pay-to-anchor": bytes.fromhex("51024e73"),
    "a later version": b"\x52\x20" + bytes(32),
    "version 1 of another size": b"\x51\x14" + bytes(20),
    "p2sh of OP_1": b"\xa9\x14" + _hash160(b"\x51") + b"\x87",
    "p2sh of nothing": b"\xa9\x14" + _hash160(b"") + b"\x87",
    "p2wsh of OP_1": b"\x00\x20" + hashlib.sha256(b"\x51").digest(),
    "p2wsh of nothing": b"\x00\x20" + hashlib.sha256(b"").digest(),
    "p2sh of an anchor": b"\xa9\x14" + _hash160(bytes.fromhex("51024e73")) + b"\x87",
    "p2wsh of DROP 1": b"\x00\x20" + hashlib.sha256(b"\x75\x51").digest(),
    "p2wsh of OP_2": b"\x00\x20" + hashlib.sha256(b"\x52").digest(),
    "p2wsh of 1 CSV": b"\x00\x20" + hashlib.sha256(b"\x51\xb2").digest(),
    "p2sh-p2wsh of OP_1": b"\xa9\x14"
    + _hash160(b"\x00\x20" + hashlib.sha256(b"\x51").digest())
    + b"\x87",
    "p2pkh of the secret 1": b"\x76\xa9\x14" + _hash160(_GENERATOR) + b"\x88\xac",
    "p2wpkh of the secret 1": b"\x00\x14" + _hash160(_GENERATOR),
    "nested p2wpkh of the secret 1": b"\xa9\x14"
    + _hash160(b"\x00\x14" + _hash160(_GENERATOR))
    + b"\x87",
    "p2tr of the secret 1": b"\x51\x20" + _GENERATOR[1:],
}
"""Outputs that anybody may spend."""


def _wallet(letter):
    return b"\x00\x14" + letter.encode() * 20


def _spending(real_ledger, *inputs):
    """Return a ledger of one transaction for each list of scripts that it spends."""
    return real_ledger([
        (bytes([k]) * 32, [(240, script) for script in scripts], [(1, _wallet("Z"))])
        for k, scripts in enumerate(inputs, 1)
    ])  # fmt: skip


@pytest.mark.parametrize("name", OPEN)
def test_what_asks_for_no_key_joins_nobody(name, real_ledger):
    script, (a, b, c) = OPEN[name], map(_wallet, "ABC")
    ledger = _spending(real_ledger, [script, a], [b, script, c], [script, script], [script])
    links = co_spends(ledger)
    assert links.counts() == {"joining": 1, "refused": 0, "undecided": 0, "without_key": 2}
    assert "2 to no key" in repr(links)
    owners = cluster(links)
    one, two, three, open_ = (classify(each).address for each in (a, b, c, script))
    assert owners.frame["address"].sort().to_list() == [two, three]
    assert str(owners.why(text(one, "btc"), text(two, "btc"))) == (
        f"Nothing joins {text(one, 'btc')} and {text(two, 'btc')}. Links at them that join nothing:"
        " 0 refused, 0 undecided, 2 to addresses that ask for no key."
    )
    assert set(links.contested["rule"]) == {"no_key"}
    kept = {x for pair in links.contested.select("a", "b").rows() for x in pair}
    assert kept == {one, two, open_}


def test_an_anchor_beside_a_mix_is_of_no_weight(real_ledger):
    anchor, (a, b, c) = OPEN["pay-to-anchor"], map(_wallet, "ABC")
    rows = [(90_000, script) for script in (a, b, c, anchor)]
    paid = [(80_000, _wallet(letter)) for letter in "XYZ"]
    links = co_spends(real_ledger([(bytes(32), rows, paid)]))
    assert links.counts() == {"joining": 0, "refused": 2, "undecided": 0, "without_key": 1}
    assert set(links.frame["veto"]) == {True}


def test_nameless_inputs_do_not_stop_the_others(small_ledger, letters):
    links = co_spends(small_ledger("t: A=6000 pk:K=5000 ? B=5000 -> C=1000"))
    assert letters(links) == {link(1, "AB")}


def test_a_coinbase_links_nothing(small_ledger):
    assert co_spends(small_ledger("t: coinbase -> A=5000 B=5000")).frame.is_empty()


def test_op_return_beside_makes_no_difference(small_ledger, letters):
    links = co_spends(small_ledger("t: A=60000 B=50000 -> data=0 C=100000"))
    assert letters(links) == {link(1, "AB")}


def test_each_transaction_gives_its_own_link(small_ledger, letters):
    links = co_spends(
        small_ledger("""
        one: A=60000 B=50000 -> C=100000
        two: B=60000 A=50000 -> C=100000
    """)
    )
    assert letters(links) == {link(1, "AB"), link(2, "AB")}


def test_an_input_read_later_links(small_ledger, letters):
    links = co_spends(
        small_ledger("""
        coins: Q=90000 -> A=40000 B=40000
        spend: coins/0 coins/1 -> C=70000
    """)
    )
    assert letters(links) == {link(2, "AB")}


@pytest.mark.parametrize(
    ("inputs", "veto"),
    [
        ("A=90000 B=90000 C=90000", True),
        ("A=90000 B=90000 ?", None),
        ("A=90000 B=90000 pk:K=90000", None),
        ("A=90000 B=90000 ms:K=90000", None),
        ("A=90000 B=190000", None),
        ("A=290000 B=3000", False),
    ],
)
def test_veto_yes_unknown_no(small_ledger, letters, inputs, veto):
    """All links are kept; yes refuses, unknown stops too and is counted apart, no joins."""
    links = co_spends(small_ledger(f"mix: {inputs} {MIX}"), unless=equal_outputs())
    assert {found for *_, found in letters(links)} == {veto}
    counts = links.counts()
    assert [counts["joining"], counts["refused"], counts["undecided"]] == [
        links.frame.height if veto is wanted else 0 for wanted in (False, True, None)
    ]
    assert links.joining.height + links.contested.height == links.frame.height


def test_the_veto_is_of_its_own_transaction(small_ledger, letters):
    links = co_spends(
        small_ledger(f"""
            mix: A=90000 B=90000 C=90000 {MIX}
            pay: A=90000 B=90000 C=90000 -> D=260000
        """),
        unless=equal_outputs(),
    )
    vetoes = {(tx, veto) for tx, _, veto in letters(links)}
    assert vetoes == {(1, True), (2, False)}


def test_a_negated_veto_stays_unknown(small_ledger, letters):
    ledger = small_ledger(f"mix: A=90000 B=90000 ? {MIX}")
    assert co_spends(ledger, unless=~equal_outputs()).counts()["undecided"] == 1


def test_a_veto_on_other_features_is_refused(small_ledger):
    with pytest.raises(RuleError, match="reads transfers"):
        co_spends(small_ledger("t: A=6 B=5 -> C=1"), unless=zero_value())


def test_the_same_bytes_on_two_chains_are_two_addresses(small_ledger):
    one = small_ledger("t: A=60000 B=50000 -> C=100000")
    other = {name: frame.with_columns(pl.lit("bip122:000000000019d6689c085ae165831e93")
                                      .alias("chain"))
             for name, frame in one.frames.items()}  # fmt: skip
    both = Ledger.from_tables(
        {name: pl.concat([frame, other[name]]) for name, frame in one.frames.items()}
    )
    frame = co_spends(both).frame
    assert frame.height == 2
    assert frame["chain"].n_unique() == 2


def test_an_empty_ledger_gives_no_links():
    for veto in (None, equal_outputs()):
        frame = co_spends(Ledger(), unless=veto).frame
        assert frame.height == 0
        assert dict(frame.schema) == LINKS.schema


def test_rows_carry_their_transaction(small_ledger, txid):
    row = co_spends(small_ledger("t: A=60000 B=50000 -> C=100000")).frame.row(0, named=True)
    assert (row["txid"], row["rule"]) == (txid("t"), "co_spend")
    assert row["confidence"] == MEASURED.confidence("co_spend")
    assert row["time"].isoformat() == "2023-06-01T01:00:00+00:00"


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_rows_in_another_order_give_the_same_links(otter_case, seed):
    ledger = otter_case.ledger
    tables = {name: ledger.table(name).collect() for name in ("transactions", "inputs", "outputs")}
    mixed = Ledger.from_tables(
        {name: rows.sample(fraction=1, shuffle=True, seed=seed) for name, rows in tables.items()}
    )
    expected = co_spends(ledger, unless=equal_outputs())
    found = co_spends(mixed, unless=equal_outputs())
    assert found.frame.equals(expected.frame)
    assert found.record.content == expected.record.content
    assert expected.frame.equals(expected.frame.sort(LINK_KEY))


def test_the_lineage_names_the_veto(otter_case):
    links = co_spends(otter_case.ledger, unless=equal_outputs(min_equal=4))
    assert "unless=equal_outputs(min_equal=4, one_each=False)" in links.lineage()


def test_links_join_what_all_pairs_would(otter_case):
    """Each transaction's links connect all its input addresses, and no others."""
    ledger = otter_case.ledger
    links = co_spends(ledger).frame
    spent = (
        ledger.inputs.filter(pl.col("address").is_not_null())
        .group_by("tx")
        .agg(pl.col("address").unique().sort())
        .filter(pl.col("address").list.len() > 1)
        .sort("tx")
        .collect()
    )
    linked = (
        links.group_by("tx")
        .agg(pl.concat([pl.col("a"), pl.col("b")]).unique().sort().alias("address"))
        .sort("tx")
    )
    assert linked.equals(spent)
    assert links.height == spent["address"].list.len().sum() - spent.height
    assert set(links["tx"]) <= set(transactions(ledger)["tx"])


def test_unless_somebody_says_otherwise_mixes_and_what_may_be_one_join_nobody(small_ledger):
    ledger = small_ledger(
        "mix: A=90000 B=90000 C=90000 -> X=80000 Y=80000 Z=80000\n"
        "two: D=90000 E=95000 -> V=80000 W=80000 D=7000 E=9000\n"
        "own: F=90000 G=90000 -> H=170000"
    )
    assert co_spends(ledger).counts() == {
        "joining": 1, "refused": 2, "undecided": 1, "without_key": 0,
    }  # fmt: skip
    assert co_spends(ledger, unless=None).counts()["joining"] == 4
