"""Who signed with whom: sales, unread flags and revealed addresses, written by hand."""

from __future__ import annotations

import polars as pl
import pytest

from chainwatch.addresses.scripts import script_of
from chainwatch.chains.catalogue import chain
from chainwatch.clusters.cluster import cluster
from chainwatch.errors import ArgumentError, InputError
from chainwatch.heuristics.change import power_of_ten
from chainwatch.heuristics.co_spend import co_spends
from chainwatch.heuristics.link_rules import SEVERAL_KEYS
from chainwatch.heuristics.rule import VERDICT, apply
from chainwatch.ledger.features import outputs, transactions
from chainwatch.ledger.ledger import Ledger
from chainwatch.ledger.schema import OUTPUT_KEYS

SALE = "SINGLE|ANYONECANPAY"
HIDDEN = b"\x00\x20" + bytes(32), b"\xa9\x14" + bytes(20) + b"\x87", b"\x51\x20" + bytes(32)
"""Outputs that do not say what they ask for: P2WSH, P2SH, taproot."""

CO, PARTIAL, UNREAD = "co_spend", "partial_signing", "co_spend_unread_flags"


@pytest.fixture
def signed(real_ledger, named):
    """Return a ledger of transactions, each a text such as ``A=ALL B=SINGLE B=?``."""

    def make(*lines, alias="btc-regtest"):
        return real_ledger(
            [
                (bytes([k]) * 32, [_coin(named, one) for one in line.split()], [(1, b"\x51")])
                for k, line in enumerate(lines, 1)
            ],
            alias,
        )

    return make


def _coin(named, token):
    name, _, flags = token.partition("=")
    return 1000, script_of(named(name)), None, None if flags == "?" else flags


@pytest.fixture
def told(named):
    """Return links as ``{"AB": (rule, veto)}``; letters of a pair in the order of the alphabet."""
    of = {named(letter): letter for letter in "ABCDEFGH"}

    def read(links):
        rows = links.frame.select("a", "b", "rule", "veto").iter_rows()
        return {"".join(sorted(of[a] + of[b])): (rule, veto) for a, b, rule, veto in rows}

    return read


def groups(links, named):
    of = {named(letter): letter for letter in "ABCDEFGH"}
    rows = cluster(links).frame.group_by("chain", "cluster").agg("address")["address"]
    return {"".join(sorted(of[one] for one in group)) for group in rows}


def test_seller_and_buyer_of_a_sale_stay_apart(signed, told):
    assert told(co_spends(signed(f"A={SALE} B=ALL"))) == {"AB": (PARTIAL, None)}


def test_a_block_of_sales_joins_buyers_to_themselves_alone(signed, named):
    ledger = signed(
        f"A={SALE} B=ALL C=ALL",
        f"D={SALE} E={SALE} F=DEFAULT G=ALL",
        f"H={SALE} F=ALL",
        f"A={SALE} H={SALE}",
    )
    links = co_spends(ledger)
    assert groups(links, named) == {"BC", "FG"}
    assert links.counts()["refused"] == 0
    assert links.counts_apart()["partly_signed"] == links.counts()["undecided"] == 5
    assert "5 to inputs signed in part or not at all" in repr(links)
    assert "5 to inputs signed in part or not at all" in repr(cluster(links))


@pytest.mark.parametrize(
    "flags", ["NONE", "SINGLE", "ALL|ANYONECANPAY", "NONE|ANYONECANPAY", SALE, f"ALL,{SALE}"]
)
def test_each_flag_that_leaves_room_stands_alone(signed, told, flags):
    assert told(co_spends(signed(f"A={flags} B=ALL C=ALL,DEFAULT"))) in (
        {"BC": (CO, False), "AB": (PARTIAL, None)},
        {"BC": (CO, False), "AC": (PARTIAL, None)},
    )


def test_inputs_that_are_all_signed_in_part_are_no_group(signed, named):
    links = co_spends(signed("A=ALL|ANYONECANPAY B=ALL|ANYONECANPAY C=ALL|ANYONECANPAY"))
    assert links.counts() == {"joining": 0, "refused": 0, "undecided": 2, "without_key": 0}


def test_an_address_that_also_signs_the_whole_is_of_the_group(signed, told):
    assert told(co_spends(signed(f"A={SALE} A=ALL B=ALL"))) == {"AB": (CO, False)}


def test_unread_flags_join_under_a_name_of_their_own(signed, told):
    links = co_spends(signed("A=? B=? C=ALL"))
    assert {rule for rule, _ in told(links).values()} == {UNREAD}
    assert links.counts()["joining"] == links.counts_apart()["flags_unread"] == 2


def test_unread_flags_beside_a_sale_decide_nothing(signed, told):
    for how in ("by_height", "join", "undecided"):
        found = told(co_spends(signed(f"A={SALE} B=? C=ALL"), unread_flags=how))
        assert {veto for _, veto in found.values()} == {None}
        assert {rule for rule, _ in found.values()} == {PARTIAL, UNREAD}


def test_from_the_first_sales_on_unread_flags_are_undecided(signed):
    first = chain("btc").token_sales
    ledger = _at(signed("A=? B=?", "A=ALL B=ALL", alias="btc"), first - 2)
    assert co_spends(ledger).frame["veto"].to_list() == [False, False]
    later = _at(ledger, 1)
    assert co_spends(later).frame.select("rule", "veto").rows() == [(UNREAD, None), (CO, False)]
    assert co_spends(later, unread_flags="join").counts()["joining"] == 2
    assert co_spends(ledger, unread_flags="undecided").counts()["undecided"] == 1


def _at(ledger, more):
    """Return the ledger with its blocks so many heights higher."""
    tables = {
        name: rows.with_columns(
            [pl.col("tx") + (more << 24)]
            + ([pl.col("height") + more] if "height" in rows.columns else [])
        )
        for name, rows in ledger.frames.items()
        if name in ("transactions", "inputs", "outputs")
    }
    return Ledger.from_tables(tables)


def test_where_no_sales_are_known_unread_flags_join(signed):
    assert chain("bch").token_sales is None
    assert chain("ltc").token_sales == 2_424_429
    assert co_spends(_at(signed("A=? B=?", alias="bch"), 900_000)).counts()["joining"] == 1


def test_a_word_without_meaning_is_refused(signed):
    with pytest.raises(InputError, match="choose among by_height, join, undecided"):
        co_spends(signed("A=ALL B=ALL"), unread_flags="sometimes")
    with pytest.raises(ArgumentError, match="revealed is a text"):
        co_spends(signed("A=ALL B=ALL"), revealed="no")


def revealing(ledger, named, *letters):
    names = [named(letter) for letter in letters]
    tables = {name: ledger.frames[name] for name in ("transactions", "inputs", "outputs")}
    return Ledger.from_tables(tables | {"inputs": tables["inputs"].with_columns(
        pl.when(pl.col("address").is_in(names)).then(pl.lit("revealed"))
        .otherwise(pl.lit("read")).alias("address_basis"))})  # fmt: skip


def test_links_say_whether_an_address_is_only_revealed(signed, named):
    ledger = revealing(signed("A=ALL B=ALL", "A=ALL C=ALL", "B=ALL C=ALL"), named, "C")
    links = co_spends(ledger)
    assert links.frame.sort("tx")["basis"].to_list() == ["read", "revealed", "revealed"]
    assert links.counts_apart()["revealed"] == 2
    assert groups(links, named) == {"ABC"}
    assert groups(co_spends(ledger, revealed=False), named) == {"AB"}


def test_why_says_that_a_step_rests_on_a_revealed_address(signed, named):
    links = co_spends(revealing(signed("A=ALL B=ALL"), named, "B"))
    row = links.frame.row(0, named=True)
    why = cluster(links).why(row["a"], row["b"], chain="btc-regtest")
    assert "an address of it is only revealed" in str(why)


def test_a_mix_is_refused_whatever_its_flags_leave_open(signed, real_ledger, named):
    paid = [(80_000, script_of(named(name))) for name in "FGH"]
    spent = [(90_000, script_of(named(name)), None, SALE) for name in "ABC"]
    assert co_spends(real_ledger([(bytes(32), spent, paid)])).counts()["refused"] == 2


@pytest.fixture
def shared(real_ledger, named):
    """Return a ledger of one transaction of inputs such as ``A=2-of-2``."""

    def make(line):
        coins = [
            (9, script_of(named(name)), None, "ALL", None if of == "?" else of)
            for name, _, of in (one.partition("=") for one in line.split())
        ]
        return real_ledger([(bytes(32), coins, [(1, b"\x51")])])

    return make


@pytest.mark.parametrize("of", ["2-of-2", "3-of-3", "2-of-3", "15-of-15", "11-of-15", "other"])
def test_an_output_of_several_keys_is_linked_and_undecided(shared, told, of):
    links = co_spends(shared(f"A={of} B=1-of-1 C=1-of-2"))
    assert set(told(links).values()) == {(CO, False), (SEVERAL_KEYS, None)}
    assert told(links)["BC"] == (CO, False)
    assert links.counts_apart()["shared_keys"] == 1
    assert "1 to outputs of several keys" in repr(links)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("A=2-of-2", True),
        ("A=2-of-2 B=?", True),
        ("A=1-of-1 B=2-of-3", False),
        ("A=other", False),
        ("A=?", False),  # a key
    ],
)
def test_a_transaction_says_whether_it_spends_a_two_of_two(shared, line, said):
    assert transactions(shared(line))["spends_two_of_two"].to_list() == [said]


def test_no_rule_on_change_answers_where_a_two_of_two_is_spent(shared):
    assert outputs(shared("A=2-of-2"))["shared"].to_list() == [True]
    for of in ("3-of-3", "2-of-3", "other"):
        assert outputs(shared(f"A={of}"))["shared"].to_list() == [True]
    assert outputs(shared("A=1-of-2"))["shared"].to_list() == [False]


@pytest.mark.parametrize(
    ("script", "flags", "quorum", "said"),
    [
        (HIDDEN[0], "ALL", None, True),
        (HIDDEN[1], "ALL", None, True),
        (HIDDEN[0], "ALL", "1-of-1", False),
        (HIDDEN[1], "ALL", "2-of-2", True),
        (HIDDEN[2], "DEFAULT", None, False),  # of taproot: one key is shown for the keys of two
        (None, None, None, True),
        (None, "ALL", None, False),
    ],
)
def test_no_rule_on_change_answers_where_the_script_was_not_read(
    real_ledger, script, flags, quorum, said
):
    value = None if script is None else 5_000_000
    spent = [(value, script, None, flags, quorum)]
    paid = [(3_000_000, script_of(b"\x03" + bytes(20))), (1_990_123, b"\x00\x14" + b"\1" * 20)]
    ledger = real_ledger([(bytes(32), spent, paid)])
    assert outputs(ledger)["shared"].to_list() == [said] * 2
    verdicts = apply(outputs(ledger), power_of_ten())[VERDICT].to_list()
    assert verdicts == ([None, None] if said else [False, True])


def test_what_hides_its_script_may_be_a_two_of_two(real_ledger):
    rows = [(bytes([k]) * 32, [(9, one)], [(1, b"\x51")]) for k, one in enumerate(HIDDEN)]
    unread = [(b"u" * 32, [(None, None)], [(1, b"\x51")])]
    coinbase = [(b"c" * 32, None, [(1, b"\x51")])]
    said = transactions(real_ledger(rows + unread + coinbase))["spends_two_of_two"].to_list()
    assert said == [None, None, None, None, False]


def test_a_bare_two_of_two_shows_its_keys_where_it_was_read(small_ledger):
    ledger = small_ledger("t: A=9 -> B=8")
    spent = ledger.frames["inputs"].with_columns(
        prev_tx=pl.lit(5), address=pl.lit(None, pl.Binary), script_kind=pl.lit("multisig")
    )
    keys = pl.DataFrame(
        [(spent["chain"][0], 5, 0, k, 2, bytes([k])) for k in (2, 3)],
        schema=OUTPUT_KEYS.schema,
        orient="row",
    )
    tables = {name: ledger.frames[name] for name in ("transactions", "outputs")}
    made = Ledger.from_tables(tables | {"inputs": spent, "output_keys": keys})
    assert transactions(made)["spends_two_of_two"].to_list() == [True]
