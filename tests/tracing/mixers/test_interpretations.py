"""Interpretations of transactions of a ledger: what was read, what was not, and what is linked."""

from __future__ import annotations

import csv
import json
from collections import defaultdict
from fractions import Fraction
from hashlib import sha256

import pytest

import chainwatch as cw
from chainwatch.addresses import canonical
from chainwatch.addresses.scripts import script_of
from chainwatch.errors import ArgumentError, InputError, LedgerError, TraceError
from chainwatch.tracing.mixers.valued_rows import BETWEEN, COLLECTED, WITHOUT, ValuedRows

REGTEST = "btc-regtest"


MIX = sha256(b"transaction mix").digest()


def of(ledger, line, **more):
    return cw.interpretations(ledger(f"mix: {line}"), MIX, **more)


FIVE = "A=1003 B=1002 C=1001 D=1000 E=1000 -> V=1000 W=1000 X=1000 Y=1000 Z=1000"


def test_five_equal_outputs_have_1496_interpretations(small_ledger):
    found = of(small_ledger, FIVE)
    assert found.count == 1_496
    assert found.matrix() == ((512,) * 5,) * 5
    assert round(found.entropy, 4) == 10.5469
    assert found.always == ()
    share = found.frame.select("linked", "of").unique().row(0)
    assert Fraction(*map(int, share)) == Fraction(512, 1496)


def test_both_ways_are_shown_and_the_larger_number_counts(small_ledger):
    taker = "A=1000000 B=1100000 C=1199000 -> V=1000000 W=1000000 X=1000000 B=102000 C=196000"
    found = of(small_ledger, taker)
    without, between = found.runs.iter_rows(named=True)
    assert (without["way"], between["way"]) == (WITHOUT, BETWEEN)
    assert (without["taken"], between["taken"]) == (False, True)
    assert int(without["interpretations"]) < int(between["interpretations"]) == found.count
    assert (between["received"], between["paid"]) == (5_000, 1_000 + 2 * 5_000)
    assert without["received"] == 0
    assert found.matrix(way=WITHOUT) != found.matrix()
    only = of(small_ledger, taker, fees_between=0)
    assert only.runs.height == 1
    assert only.count == int(without["interpretations"])
    with pytest.raises(TraceError, match="it was not counted so"):
        only.matrix(way=BETWEEN)


def test_a_fee_of_ones_own_is_taken_as_it_is_given(small_ledger):
    found = of(small_ledger, "A=11 B=10 -> X=11 Y=10", fees_between=1)
    assert found.count == 3
    assert of(small_ledger, "A=11 B=10 -> X=11 Y=10").count == 2


def test_inputs_of_one_address_are_of_one_party(small_ledger):
    line = "A=5 A=10 B=5 -> X=5 Y=10 Z=5"
    merged, apart = of(small_ledger, line), of(small_ledger, line, merge_addresses=False)
    assert merged.count == 3
    assert apart.count > merged.count
    assert merged.matrix() == ((2, 2, 2), (3, 3, 1), (2, 2, 2))
    assert merged.frame.filter(input=1)["together"].unique().to_list() == [0]


def test_a_coin_that_anybody_can_spend_is_of_no_party(small_ledger, real_ledger):
    anchor = bytes.fromhex("51024e73")
    key = script_of(b"\x03" + bytes(20))
    rows = [(bytes(32), [(5, anchor), (5, anchor), (10, key)], [(10, key), (10, key)])]
    groups = cw.interpretations(real_ledger(rows, REGTEST), bytes(32)).frame["together"]
    assert groups.n_unique() == 3


def test_a_link_in_every_interpretation(small_ledger):
    found = of(small_ledger, "A=100 B=7 -> X=90 Y=7 Z=9")
    assert found.always == ((0, 0), (0, 2), (1, 1))
    assert found.frame.filter(input=1, output=1)["linked"].to_list() == ["2"]


def test_rows_without_a_value_are_left_out(small_ledger):
    found = of(small_ledger, "A=10 B=10 -> data=0 X=10 Y=10")
    assert found.count == 3
    assert found.left_out == 1
    assert set(found.frame["output"]) == {1, 2}


def test_what_is_burnt_is_an_output_like_others(small_ledger):
    assert of(small_ledger, "A=10 B=10 -> data=10 X=10").count == 3


def test_an_input_that_was_not_read_makes_it_unknown(small_ledger):
    found = of(small_ledger, "A=10 ? ? -> X=10 Y=10")
    assert found.count is None
    assert found.entropy is None
    assert found.unknown == "2 inputs were not read"
    assert found.always == ()
    assert found.frame["linked"].null_count() == found.frame.height == 6
    assert "unknown (2 inputs were not read)" in repr(found)
    with pytest.raises(TraceError, match="2 inputs were not read"):
        found.matrix()


def test_rows_that_are_missing_were_not_read(small_ledger):
    whole = small_ledger("mix: A=10 B=10 -> X=10 Y=10")
    frames = dict(whole.frames)
    for table, word in (("inputs", "input"), ("outputs", "output")):
        part = frames | {table: frames[table].head(1)}
        found = cw.interpretations(cw.Ledger.from_tables(part), MIX)
        assert found.unknown == f"1 {word} was not read"


def test_beyond_the_limit_it_is_unknown_and_what_arithmetic_shows_stays(small_ledger):
    line = "A=100 B=7 -> X=90 Y=7 Z=9"
    found = of(small_ledger, line, limit=20)
    assert found.count is None
    assert found.unknown == "it takes more than 20 steps of work"
    # X and Z need more than others bring; that Y is of the other is not shown so.
    assert found.always == ((0, 0), (0, 2))
    assert set(found.always) <= set(of(small_ledger, line).always)


def test_where_the_wider_way_is_unknown_so_is_the_answer(small_ledger):
    line = "A=1000000 B=1100000 C=1199000 -> V=1000000 W=1000000 X=1000000 B=102000 C=196000"
    both = of(small_ledger, line)
    narrow, wide = both.runs["work"]
    assert narrow < wide
    found = of(small_ledger, line, limit=narrow)
    assert found.runs["interpretations"].null_count() == 1
    assert found.count is None
    assert found.matrix(way=WITHOUT) == both.matrix(way=WITHOUT)


def test_the_same_input_has_the_same_digest(small_ledger):
    assert of(small_ledger, FIVE).digest == of(small_ledger, FIVE).digest
    assert of(small_ledger, FIVE).digest != of(small_ledger, FIVE, fees_between=0).digest
    assert "interpretations" in of(small_ledger, FIVE).lineage()


def test_a_stated_division_is_tried(small_ledger):
    found = of(small_ledger, "A=12 B=10 A=5 -> X=10 Y=10 Z=5 data=0")
    assert found.allows([([0, 2], [0, 2]), ([1], [1])])
    assert found.objections([([0, 2], [0]), ([1], [1])]) == (
        "output 2 stands in 0 parts, and not in one",
        "party 1 pays 0.00000007 rBTC for nothing",
    )
    assert found.objections([([0], [0]), ([1, 2], [1, 2])]) == (
        "input 2 is apart from another of its address",
        "input 0 is apart from another of its address",
    )
    assert found.objections([([1], [0, 1]), ([0, 2], [2])])[0] == (
        "party 1 takes 0.0000001 rBTC more than it brings"
    )
    assert found.objections([([], [0]), ([0, 1, 2], [1, 2])])[0] == "party 1 brings nothing"


def test_a_division_of_what_is_not_there_or_was_not_read_is_none(small_ledger):
    whole = of(small_ledger, "A=12 B=10 -> X=10 Y=10 data=0")
    assert whole.allows([([0], [0]), ([1], [1])])
    told = whole.objections([([0, 9], [0]), ([1], [1, 2])])
    assert told == (
        "input 9 is none of the transaction that has a value",
        "output 2 is none of the transaction that has a value",
    )
    partly = of(small_ledger, "A=12 ? -> X=10 Y=10")
    assert partly.objections([([0], [0]), ([1], [1])])[0] == "input 1 was not read"


def test_what_has_no_interpretation_is_refused(small_ledger, desk):
    with pytest.raises(TraceError, match="makes new coins"):
        of(small_ledger, "coinbase -> X=50")
    paid = desk.paid([("a", "b", 5)])
    with pytest.raises(TraceError, match="one payer"):
        cw.interpretations(paid, desk.txid("transfer 0"))
    with pytest.raises(LedgerError, match="no such transaction"):
        cw.interpretations(small_ledger("t: A=5 -> X=5"), bytes(32))
    with pytest.raises(InputError, match="at least 1"):
        of(small_ledger, FIVE, limit=0)
    with pytest.raises(InputError, match="fees between participants at least 0"):
        of(small_ledger, FIVE, fees_between=-1)
    for name in ("fees_between", "limit", "seconds"):
        for wrong in (1.5, True, "1"):
            with pytest.raises(ArgumentError, match=f"{name} is "):
                of(small_ledger, FIVE, **{name: wrong})
    with pytest.raises(ArgumentError, match="open it first"):
        cw.interpretations("ledger", bytes(32))


def test_a_case_takes_it(small_ledger, tmp_path):
    found = of(small_ledger, FIVE)
    case = cw.Case("mix", "What links?", mask_key=bytes(16)).add(found)
    case.write(tmp_path / "out")
    page = (tmp_path / "out" / "report.html").read_text("utf-8")
    assert "1,496 interpretations" in page
    assert "no chance that two rows are of one owner" in page.replace("\n", " ")


@pytest.fixture(scope="module")
def wasabi(real_data, real_ledger):
    """Return the mixes of real Wasabi 2 wallets, each with the places of every wallet's rows."""
    folder = real_data / "bitcoin" / "wallet_truth"
    with (folder / "wasabi2_a_owners.csv").open(newline="") as handle:
        owner = {row["address"]: row["wallet"] for row in csv.DictReader(handle)}
    lines = (folder / "wasabi2_a_txs.jsonl").read_text().splitlines()
    mixes = [tx for tx in map(json.loads, lines) if len(tx["in"]) > 6]
    rows, truth = [], {}
    for tx in mixes:
        spent = [
            (coin["value"], script_of(canonical.parse(coin["address"], REGTEST)))
            for coin in tx["in"]
        ]
        paid = [(out["value"], bytes.fromhex(out["script"])) for out in tx["out"]]
        txid = bytes.fromhex(tx["txid"])[::-1]
        rows.append((txid, spent, paid))
        parties = defaultdict(lambda: ([], []))
        for side, key in enumerate(("in", "out")):
            for n, row in enumerate(tx[key]):
                parties[owner.get(row.get("address"), "coordinator")][side].append(n)
        truth[txid] = parties
    return real_ledger(rows, REGTEST), truth


def test_of_real_wallets_the_truth_is_an_interpretation_or_nothing_is_said(wasabi):
    ledger, truth = wasabi
    assert len(truth) == 6
    for txid, parties in truth.items():
        found = cw.interpretations(ledger, txid, limit=100_000)
        assert found.allows(parties.values())
        owner = {(side, n): name for name, both in parties.items() for side in (0, 1)
                 for n in both[side]}  # fmt: skip
        assert all(owner[0, i] == owner[1, o] for i, o in found.always)
        assert found.count is not None or "steps of work" in found.unknown


def test_of_real_wallets_no_party_takes_what_another_paid_for(wasabi):
    ledger, truth = wasabi
    for txid, parties in truth.items():
        (a_in, a_out), (b_in, b_out), *rest = parties.values()
        found = cw.interpretations(ledger, txid, limit=1)
        assert any("more than it brings" in why for why in found.objections(
            [(a_in, [*a_out, *b_out]), (b_in, []), *rest]
        ))  # fmt: skip


def mixed(parties: int, fee: int) -> str:
    """Return a mix in which all pay for a coordinator's output together."""
    ins = [f"P{k}={100_000 + fee}" for k in range(parties)]
    outs = [f"Q{k}=100000" for k in range(parties)]
    return " ".join([*ins, "->", *outs, f"C={parties * fee}"])


def test_an_output_that_all_pay_for_is_of_no_party(small_ledger):
    found = of(small_ledger, mixed(10, 30), fees_between=0)
    assert found.way == COLLECTED
    assert found.runs["collected"].to_list() == ["", "10"]
    truth = [([k], [k]) for k in range(10)]
    assert found.allows([*truth, ([], [10])])
    assert not found.allows([*truth, ([], [9, 10])])
    assert not found.allows([*truth[:9], ([9], [9, 10])])
    # Without it one party must hold the 300 that all paid: by their amounts all are one.
    assert found.runs["interpretations"][0] == "1"
    assert found.count == 9_085_194_458 + 1
    assert {row[0] for row in found.matrix()[10:]} == {1}


def test_nine_parties_pay_for_no_output_together(small_ledger):
    found = of(small_ledger, mixed(9, 30), fees_between=0)
    assert found.runs["way"].to_list() == [WITHOUT]


def test_participants_are_no_more_than_equal_outputs_and_addresses(small_ledger):
    ledger = small_ledger("mix: A=10 A=10 B=10 -> X=10 Y=10 Z=10")
    found = cw.show(ledger, MIX)
    rows = ValuedRows.of(found, (3, 3), merge=True)
    assert rows.participants() == 2
    assert rows.usual_fee() == 0  # 10 * 0.5 % is less than one unit
