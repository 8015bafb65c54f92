"""What can be counted of the mixes in which a trace ends: the verbs of one mix, for each."""

from __future__ import annotations

from typing import Any

import pytest

import chainwatch as cw
from chainwatch.errors import ArgumentError, InputError, TraceError
from chainwatch.heuristics.coinjoin import equal_outputs
from chainwatch.heuristics.coinjoin.detectors import DETECTORS
from chainwatch.ledger.ledger import Ledger
from chainwatch.results.roles import NOBODY
from chainwatch.tracing.mixers.met import NOT_ASKED

TEXT = """
    come: coinbase -> K=900000
    cut: come/0 -> K=500000 K=390000
    small: cut/1 A=390000 C=390000 -> V=385000 W=385000 X=385000
    large: cut/0 D=490000 E=500000 F=490000 -> P=480000 Q=480000 R=480000 S=480000 M=15000
    other: G=100000 H=100000 I=100000 -> T=95000 U=95000 J=95000
    late: K=70 -> L=60
"""


@pytest.fixture(scope="module")
def ledger(small_ledger: Any) -> Ledger:
    made: Ledger = small_ledger(TEXT)
    return made


@pytest.fixture(scope="module")
def trace(ledger: Ledger, named: Any) -> cw.Trace:
    return cw.trace(ledger, [named("K")], policy="fifo", stop=equal_outputs(), chain="btc-regtest")


def test_only_mixes_that_value_ended_in_the_most_first(
    ledger: Ledger, trace: cw.Trace, txid: Any
) -> None:
    found = cw.mixes_met(ledger, trace)
    assert found.frame["txid"].to_list() == [txid("large"), txid("small")]
    assert found.frame["amount"].to_list() == [500_000, 390_000]
    assert found.frame["outputs"].to_list() == [4, 3]
    ended = trace.ends.filter(reason="mixer")["amount"].sum()
    assert found.frame["amount"].sum() == ended
    assert found.elsewhere == 0


def test_each_is_counted_as_the_verb_of_one_counts_it(
    ledger: Ledger, trace: cw.Trace, txid: Any
) -> None:
    found = cw.mixes_met(ledger, trace)
    for row in found.frame.iter_rows(named=True):
        one = cw.interpretations(ledger, row["txid"])
        assert (int(row["interpretations"]), row["always"]) == (one.count, len(one.always))
        mine = found.links.filter(mix=row["mix"])
        assert mine.select(one.frame.drop("way").columns).equals(
            one.frame.filter(way=one.way).drop("way")
        )
        assert mine["txid"].unique().to_list() == [row["txid"]]
    alone = cw.anonymity_sets(ledger, trace=trace)
    assert found.sets.digest == alone.digest


def test_without_a_trace_all_that_were_read(ledger: Ledger, txid: Any) -> None:
    found = cw.mixes_met(ledger)
    assert set(found.frame["txid"]) == {txid("small"), txid("large"), txid("other")}
    assert found.frame["amount"].null_count() == 3
    assert "3 transactions may have mixed the coins of several" in found.findings(NOBODY)[0].text[0]


def test_what_is_not_counted_is_unknown_and_says_why(ledger: Ledger, trace: cw.Trace) -> None:
    found = cw.mixes_met(ledger, trace, most=1)
    assert found.frame["interpretations"].null_count() == 1
    assert found.frame["unknown"].to_list() == [None, NOT_ASKED]
    assert found.links["mix"].unique().to_list() == [1]
    few = cw.mixes_met(ledger, trace, limit=1)
    assert few.frame["interpretations"].null_count() == 2
    assert all("more than 1 steps" in why for why in few.frame["unknown"])
    assert "could be counted of 0" in few.findings(NOBODY)[0].text[0]


def test_value_that_ended_at_what_no_detector_finds_is_told(
    ledger: Ledger, trace: cw.Trace
) -> None:
    wide = {"many alike": equal_outputs(min_equal=4)}
    found = cw.mixes_met(ledger, trace, detectors=wide)
    assert found.frame["amount"].to_list() == [500_000]
    assert found.elsewhere == 390_000
    assert any("0.0039 rBTC more ended" in line for line in found.findings(NOBODY)[0].text)
    whole = cw.mixes_met(ledger, trace, detectors={**wide, "stop": equal_outputs()})
    assert (whole.frame.height, whole.elsewhere) == (2, 0)
    assert "stop" not in DETECTORS


def test_it_prints_and_lists_itself(ledger: Ledger, trace: cw.Trace, working: None) -> None:
    found = cw.mixes_met(ledger, trace)
    assert repr(found) == "MixesMet(2 mixes, interpretations counted of 2)"
    lines = list(found.lines())
    assert len(lines) == 2
    assert lines[0].endswith(f"interpretations {found.frame['interpretations'][0]}, sets of 4 to 4")


def test_what_cannot_be_asked(ledger: Ledger, trace: cw.Trace, small_ledger: Any) -> None:
    with pytest.raises(InputError, match="give 0 or more"):
        cw.mixes_met(ledger, trace, most=-1)
    with pytest.raises(ArgumentError, match=r"pass what cw\.trace returned"):
        cw.mixes_met(ledger, "trace")  # type: ignore[arg-type]
    with pytest.raises(TraceError, match="0 coin chains"):
        cw.mixes_met(Ledger.from_tables({}))
