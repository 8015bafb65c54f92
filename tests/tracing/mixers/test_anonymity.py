"""Among how many the outputs of small mixes hide, and what their users gave away afterwards."""

from __future__ import annotations

import polars as pl
import pytest

import chainwatch as cw
from chainwatch.errors import ArgumentError, TraceError
from chainwatch.heuristics.coinjoin import equal_outputs
from chainwatch.tracing.mixers.post_mix import (
    AGAIN,
    BEFORE,
    FUNDS,
    OTHER_CHANGE,
    TOGETHER,
    WITH_CHANGE,
)

MIX = """
    mix: A=1001000 B=1001000 C=1001000 D=1501000 -> V=1000000 W=1000000 X=1000000 Y=1000000 E=500000
"""
OTHER = """
    more: F=1001000 G=1001000 H=1001000 I=1701000 -> P=1000000 Q=1000000 R=1000000 S=1000000 J=70000
"""


def found(small_ledger, text, **more):
    return cw.anonymity_sets(small_ledger(text), **more)


def sets(result, name="mix", txid=None):
    rows = result.frame if txid is None else result.frame.filter(txid=txid(name))
    return rows["set_after"].to_list()


def errors(result):
    return [
        (row["kind"], row["outputs"], row["undecided"])
        for row in result.errors.iter_rows(named=True)
    ]


def test_an_output_hides_among_those_who_can_have_paid_for_it(small_ledger, working):
    result = found(small_ledger, MIX)
    assert result.frame["n"].to_list() == [0, 1, 2, 3]
    row = result.frame.row(0, named=True)
    assert (row["equal"], row["parties_least"], row["parties_most"]) == (4, 4, 4)
    assert sets(result) == [4] * 4
    assert result.errors.is_empty()
    assert "paid for by 4 parties, sets of 4" in result.lines()["values of mixes"][0]


def test_who_brings_too_little_is_no_party(small_ledger):
    """Four are paid; two hold enough, and the dust of two more makes one at most."""
    text = "mix: A=2001000 B=2001000 C=500 D=500 -> V=1000000 W=1000000 X=1000000 Y=1000000"
    row = found(small_ledger, text).frame.row(0, named=True)
    assert (row["equal"], row["parties_least"], row["parties_most"]) == (4, 2, 2)


def test_inputs_that_were_not_read_may_be_parties(small_ledger):
    text = "mix: A=1001000 B=1001000 C=1001000 ? -> V=1000000 W=1000000 X=1000000 Y=1000000"
    row = found(small_ledger, text).frame.row(0, named=True)
    assert (row["parties_least"], row["parties_most"]) == (3, 4)


def test_known_owners_are_one_party(small_ledger):
    text = "pay: A=5 B=5 -> Z=9" + MIX
    ledger = small_ledger(text)
    clusters = cw.cluster(cw.co_spends(ledger))
    result = cw.anonymity_sets(ledger, clusters=clusters)
    assert result.frame["parties_most"].unique().to_list() == [3]
    assert sets(result) == [3] * 4


def test_outputs_of_one_mix_spent_together_are_of_one_owner(small_ledger, txid):
    result = found(small_ledger, MIX + "both: mix/0 mix/2 -> K=1999000")
    assert errors(result) == [(TOGETHER, "0,2", False)]
    assert sets(result) == [3] * 4
    assert result.errors["evidence_txid"].to_list() == [txid("both")]
    row = result.errors.row(0, named=True)
    assert (row["set_before"], row["set_after"]) == (4, 3)


def test_change_spent_with_a_mixed_output_tells_whose_it_is(small_ledger):
    result = found(small_ledger, MIX + "back: mix/1 mix/4 -> K=1499000")
    assert errors(result) == [(WITH_CHANGE, "1", False)]
    # Of unknown protocols a party may have two: who is known may be behind the others as well.
    named = result.frame["protocols"][0]
    assert sets(result) == ([3, 1, 3, 3] if "JoinMarket" in named else [4, 1, 4, 4])


def test_lines_name_transactions_in_the_working_edition_alone(small_ledger, txid, request):
    text = MIX + OTHER + "both: mix/0 mix/2 -> K=1999000\nalso: more/0 more/1 -> L=1999000"
    result = found(small_ledger, text)
    ids = [txid(name)[::-1].hex() for name in ("mix", "more", "both", "also")]
    told = result.lines()
    assert told["errors"] == [f"{TOGETHER}: 2 times; ids are withheld"]
    (values,) = told["values of mixes"]
    assert values.startswith("2 mixes (")
    assert values.endswith("), 2 values; ids are withheld")
    assert not [one for one in ids for line in (values, *told["errors"]) if one in line]
    request.getfixturevalue("working")
    clear = result.lines()
    assert [len(clear[name]) for name in ("values of mixes", "errors")] == [2, 2]
    lines = "\n".join((*clear["values of mixes"], *clear["errors"]))
    assert all(one in lines for one in ids)


def test_errors_add_up(small_ledger):
    text = MIX + "both: mix/0 mix/2 -> K=1999000\nback: mix/1 mix/4 -> L=1499000"
    result = found(small_ledger, text)
    assert [kind for kind, *_ in errors(result)] == [TOGETHER, WITH_CHANGE]
    assert result.frame["set_after"][1] == 1
    assert max(sets(result)) == 3


def test_change_of_another_mix(small_ledger, txid):
    result = found(small_ledger, MIX + OTHER + "back: mix/1 more/4 -> K=1069000")
    assert errors(result) == [(OTHER_CHANGE, "1", False)]
    assert sets(result, "mix", txid) == [4] * 4


def test_an_address_that_is_known_from_elsewhere(small_ledger):
    text = "old: Z=5000 -> W=4000" + MIX.replace("V=", "A=") + "new: N=900 -> X=800"
    result = found(small_ledger, text)
    assert errors(result) == [(FUNDS, "0", False), (BEFORE, "1", False), (AGAIN, "2", False)]
    assert result.frame["set_after"][0] == 1
    assert result.frame["errors"].to_list() == [FUNDS, BEFORE, AGAIN, None]


def test_what_may_be_a_mix_itself_shows_nothing(small_ledger):
    """Two mixed outputs enter a further mix: whose they are is not told by that."""
    again = "mix2: mix/0 mix/1 A=1001000 B=1001000 -> K=990000 L=990000 M=990000 N=990000"
    result = found(small_ledger, MIX + again)
    first = result.frame.filter(pl.col("value") == 1_000_000)
    assert first["set_after"].to_list() == [4] * 4
    assert not [row for row in errors(result) if row[0] == TOGETHER and not row[2]]


def test_a_doubtful_mix_as_evidence_is_undecided(small_ledger):
    """Two equal outputs of two who can have paid: it may be a mix of two, or one payer."""
    text = MIX + "even: mix/0 mix/1 -> K=900000 L=900000 M=199000"
    result = found(small_ledger, text)
    assert (TOGETHER, "0,1", True) in errors(result)
    assert result.frame.filter(pl.col("value") == 1_000_000)["set_after"].to_list() == [4] * 4


def test_what_is_signed_in_part_joins_nobody(small_ledger):
    ledger = small_ledger(MIX + "sale: mix/0 mix/2 -> K=1999000")
    frames = dict(ledger.frames)
    last = pl.col("tx") == frames["inputs"]["tx"].max()
    flags = pl.when(last & (pl.col("n") == 0)).then(pl.lit("SINGLE|ANYONECANPAY"))
    frames["inputs"] = frames["inputs"].with_columns(flags.otherwise("sighash").alias("sighash"))
    result = cw.anonymity_sets(cw.Ledger.from_tables(frames))
    assert errors(result) == [(TOGETHER, "0,2", True)]
    assert sets(result) == [4] * 4


def test_two_outputs_to_one_address_are_of_one_payee(small_ledger):
    result = found(small_ledger, MIX.replace("W=", "V="))
    assert result.frame["equal"].unique().to_list() == [3]


def test_a_lead_enters_no_cluster(small_ledger, named):
    ledger = small_ledger(MIX + "back: mix/1 mix/4 -> K=1499000")
    before = cw.cluster(cw.co_spends(ledger)).digest
    result = cw.anonymity_sets(ledger)
    assert result.errors.height
    assert cw.cluster(cw.co_spends(ledger)).digest == before
    assert not hasattr(result, "links")


def test_where_a_trace_forks(desk, small_ledger, named):
    ledger = small_ledger(MIX + OTHER + "both: mix/0 mix/2 -> K=1999000")
    trace = cw.trace(ledger, named("A"), policy="fifo", stop=[equal_outputs()])
    result = cw.anonymity_sets(ledger, trace=trace)
    assert result.frame["tx"].n_unique() == 1
    row = result.forks.row(0, named=True)
    ended = trace.ends.filter(reason="mixer")["amount"].sum()
    assert (int(row["amount"]), row["outputs"]) == (int(ended), 4)
    assert (row["set_least"], row["set_most"]) == (3, 3)
    backward = cw.trace(
        ledger, named("K"), policy="fifo", stop=[equal_outputs()], direction="backward"
    )
    back = cw.anonymity_sets(ledger, trace=backward).forks.row(0, named=True)
    assert (int(back["amount"]), back["txid"]) == (1_999_000, row["txid"])
    titles = [finding.title for finding in result.findings(pl.DataFrame())]
    assert titles == ["Mixes that value entered", "Errors of users of mixes"]


def test_a_span_narrows_which_mixes_are_told_and_not_what_came_after(small_ledger):
    ledger = small_ledger(MIX + "both: mix/0 mix/2 -> K=1999000")
    day = ledger.between(None, "2023-06-01T01:30")
    assert sets(cw.anonymity_sets(day)) == [3] * 4


def test_wrong_arguments_are_refused(small_ledger, desk):
    with pytest.raises(ArgumentError, match="open it first"):
        cw.anonymity_sets("ledger")
    with pytest.raises(ArgumentError, match="found is"):
        found(small_ledger, MIX, found=5)
    paid = cw.trace(desk.paid([("a", "b", 5)]), desk.account("a"), policy="fifo", asset=desk.asset)
    with pytest.raises(TraceError, match="followed no coins"):
        found(small_ledger, MIX, trace=paid)


def test_no_mix_has_no_rows(small_ledger):
    result = found(small_ledger, "pay: A=5000 -> B=4000")
    assert result.frame.is_empty()
    assert result.lines() == {"values of mixes": [], "errors": []}
    assert repr(result) == (
        "AnonymitySets(0 mixes, 0 perhaps, 0 mixed outputs, 0 errors of their users)"
    )
