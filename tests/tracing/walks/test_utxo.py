"""Coins, case by case: each branch of the walk, and what each says of itself."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import polars as pl
import pytest

from chainwatch.errors import ConservationError, TraceError
from chainwatch.heuristics.coinjoin import equal_outputs
from chainwatch.heuristics.poisoning import poisoning
from chainwatch.tracing.policies import fifo
from chainwatch.tracing.result import Trace
from chainwatch.tracing.trace import trace


def follow(desk: Any, txs: Any, who: str = "a", stop: Any = None, **more: Any) -> Trace:
    ledger = desk.coins(txs) if isinstance(txs, list) else txs
    given = {"policy": fifo, "stop": stop, "chain": "btc-regtest", **more}
    return trace(ledger, [desk.coin(name) for name in who], **given)


def tx(name: str, ins: list[Any], *outs: Any, **more: Any) -> dict[str, Any]:
    return {"id": name, "ins": ins, "outs": list(outs), **more}


def kinds(result: Trace) -> dict[str, int]:
    rows = result.origins.group_by("kind").agg(pl.col("amount").sum())
    return {kind: int(amount) for kind, amount in rows.iter_rows()}


def test_a_coinbase_to_a_subject_is_an_origin(desk: Any) -> None:
    got = follow(desk, [tx("mined", [], ("a", 50))])
    assert desk.ends(got) == {("unspent", "a"): 50}
    assert got.origins["paid_by"].to_list() == [None]


def test_the_subjects_own_fee_is_an_end(desk: Any) -> None:
    got = follow(desk, [tx("in", [], ("a", 50)), tx("out", [("in", 0)], ("x", 44))])
    assert desk.ends(got) == {("fee", None): 6, ("unspent", "x"): 44}
    assert got.ends.filter(pl.col("reason") == "fee")["n"].to_list() == [-1]


def test_a_subject_that_mines_its_own_fee_gets_it_anew(desk: Any) -> None:
    txs = [tx("in", [], ("a", 50)), tx("mined", [], ("a", 6), height=1)]
    got = follow(desk, [*txs, tx("out", [("in", 0)], ("x", 44), height=1)])
    assert got.amount == 56
    assert desk.ends(got) == {("fee", None): 6, ("unspent", "x"): 44, ("unspent", "a"): 6}


def test_change_is_not_received_twice(desk: Any) -> None:
    txs = [tx("in", [], ("a", 50)), tx("out", [("in", 0)], ("x", 20), ("a", 30))]
    got = follow(desk, [*txs, tx("next", [("out", 1)], ("x", 10), ("a", 20))])
    assert got.amount == 50
    assert desk.ends(got) == {("unspent", "x"): 30, ("unspent", "a"): 20}
    assert set(got.ends["hop"]) == {0, 1}, "hops count from where value last left the subject"


def test_fifo_takes_inputs_and_outputs_in_order(desk: Any) -> None:
    txs = [tx("t", [], ("a", 3)), tx("c", [], ("x", 2), ("x", 5))]
    got = follow(
        desk, [*txs, tx("mix", [("t", 0), ("c", 0), ("c", 1)], ("p", 2), ("q", 6), ("r", 2))]
    )
    assert desk.ends(got) == {("unspent", "p"): 2, ("unspent", "q"): 1}


def test_burnt_value_and_nameless_outputs(desk: Any) -> None:
    outs = [("burn", 5, "null_data"), ("key", 7, "p2pk"), ("zero", 0)]
    got = follow(desk, [tx("in", [], ("a", 12)), tx("out", [("in", 0)], *outs)])
    assert desk.ends(got) == {("burnt", None): 5, ("unspent", None): 7}
    assert "OP_RETURN" in got.ends.filter(pl.col("reason") == "burnt")["detail"][0]


def test_a_superseded_coinbase_is_burnt_not_op_return(desk: Any) -> None:
    ledger = desk.coins([tx("in", [], ("a", 12))])
    frames = dict(ledger.frames)
    frames["outputs"] = frames["outputs"].with_columns(spendable=pl.lit(False))
    got = follow(desk, type(ledger).from_tables(frames))
    assert desk.ends(got) == {("burnt", "a"): 12}
    assert got.ends["detail"].to_list() == ["p2pkh output that cannot be spent: no key moves it"]


def test_two_transactions_of_one_txid_are_two_places(desk: Any) -> None:
    """BIP30: the same coinbase twice. The number of the transaction tells them apart."""
    ledger = desk.coins([tx("one", [], ("a", 5)), tx("two", [], ("a", 5))])
    frames = dict(ledger.frames)
    frames["transactions"] = frames["transactions"].with_columns(txid=pl.lit(desk.txid("one")))
    got = follow(desk, type(ledger).from_tables(frames))
    assert got.amount == 10
    assert sorted(got.ends["tx"]) == [0, 1 << 24]


class TestUnread:
    def test_an_unread_input_ends_the_trace_at_the_coin_it_joins(self, desk: Any) -> None:
        txs = [tx("in", [], ("a", 5)), tx("out", [("in", 0), ("?",)], ("x", 9))]
        got = follow(desk, txs)
        assert desk.ends(got) == {("not read", "a"): 5}
        assert got.steps.height == 0

    def test_what_comes_back_from_there_may_be_counted_again(self, desk: Any) -> None:
        txs = [tx("in", [], ("a", 5)), tx("out", [("in", 0), ("?",)], ("x", 2), ("a", 4))]
        got = follow(desk, txs)
        assert kinds(got) == {"received": 5, "received, perhaps again": 4}

    def test_an_unread_input_beside_no_traced_value_hides_nothing(self, desk: Any) -> None:
        got = follow(desk, [tx("in", [("?",)], ("a", 5))])
        assert kinds(got) == {"received": 5}

    def test_a_coin_of_the_subject_that_was_not_read_is_an_opening(self, desk: Any) -> None:
        got = follow(desk, [tx("out", [("before", 3, 8, "a")], ("x", 7))])
        assert kinds(got) == {"opening, not read": 8}
        assert desk.ends(got) == {("unspent", "x"): 7, ("fee", None): 1}
        place = got.origins.row(0, named=True)
        assert (place["txid"], place["n"], place["tx"]) == (desk.txid("before"), 3, None)

    def test_an_opening_beside_an_unread_input_ends_there(self, desk: Any) -> None:
        got = follow(desk, [tx("out", [("before", 3, 8, "a"), ("?",)], ("x", 9))])
        assert desk.ends(got) == {("not read", "a"): 8}
        assert got.ends["txid"].to_list() == [desk.txid("before")]

    def test_an_older_coin_of_a_service_is_its_own(self, desk: Any) -> None:
        got = follow(
            desk, [tx("out", [("before", 3, 8, "a")], ("x", 7))], stop=desk.tags(("a", "s"))
        )
        assert got.origins.is_empty()

    def test_unspent_is_so_as_of_the_last_block_before_a_gap(self, desk: Any) -> None:
        txs = [tx("in", [], ("a", 5)), tx("next", [], ("x", 1)), tx("on", [], ("x", 1), height=7)]
        got = follow(desk, txs)
        assert desk.ends(got) == {("unspent", "a"): 5}
        row = got.ends.row(0, named=True)
        assert (row["as_of"], row["as_of_time"]) == (1, datetime(2023, 6, 1, 0, 10, tzinfo=UTC))
        assert row["detail"] == "unspent as of block 1 (2023-06-01), by blocks"

    def test_blocks_that_do_not_link_leave_a_gap(self, desk: Any) -> None:
        txs = [tx("in", [], ("a", 5)), tx("later", [], ("x", 1))]
        got = follow(desk, desk.coins(txs, unlinked=[1]))
        assert got.ends.select("reason", "as_of").rows() == [("unspent", 0)]


class TestSpan:
    TXS = (
        tx("in", [], ("a", 5)),
        tx("out", [("in", 0)], ("x", 5)),
        tx("on", [("out", 0)], ("y", 5)),
    )

    def test_spent_after_the_span_is_not_unspent(self, desk: Any) -> None:
        ledger = desk.coins(list(self.TXS)).between(None, "2023-06-01T00:20")
        got = follow(desk, ledger)
        assert desk.ends(got) == {("spent outside the span", "x"): 5}
        assert got.ends["detail"].to_list() == ["spent at height 2, outside the span"]

    def test_received_before_the_span_was_held_before_it(self, desk: Any) -> None:
        got = follow(desk, desk.coins(list(self.TXS)).between("2023-06-01T00:10", None))
        assert kinds(got) == {"held before the span": 5}
        assert desk.ends(got) == {("unspent", "y"): 5}

    def test_a_coin_that_rests_over_the_whole_span_stands_in_no_total(self, desk: Any) -> None:
        got = follow(desk, desk.coins(list(self.TXS)).between("2023-06-01T00:10", None), "xy")
        assert got.origins["txid"].to_list() == [desk.txid("out")]


class TestSubjects:
    def test_the_first_taint_wins_and_the_overlap_is_listed(self, desk: Any) -> None:
        txs = [tx("in", [], ("a", 5), ("c", 2)), tx("pay", [("in", 0), ("in", 1)], ("b", 7))]
        got = follow(desk, txs, "ab")
        first, second = desk.coin("a"), desk.coin("b")
        assert got.overlaps.select("subject", "other", "amount").rows() == [(second, first, 5)]
        assert sorted(got.ends.select("subject", "amount").rows()) == [(first, 5), (second, 2)]

    def test_value_that_goes_round_is_counted_once(self, desk: Any) -> None:
        txs = [tx("in", [], ("a", 5)), tx("ab", [("in", 0)], ("b", 5))]
        txs += [tx("ba", [("ab", 0)], ("a", 5)), tx("end", [("ba", 0)], ("x", 5))]
        got = follow(desk, txs, "ab")
        assert got.amount == 5
        assert desk.ends(got) == {("unspent", "x"): 5}
        assert got.overlaps.height == 1, "what comes back to the first subject is its own"

    def test_a_cluster_is_one_subject(self, desk: Any) -> None:
        owners = Clustered([("a", "a"), ("b", "a"), ("x", "x")], desk)
        txs = [tx("in", [], ("a", 5)), tx("ab", [("in", 0)], ("b", 5))]
        got = follow(desk, [*txs, tx("end", [("ab", 0)], ("x", 5))], "b", clusters=owners)
        assert got.origins["subject"].to_list() == [desk.coin("b")]
        assert got.amount == 5
        assert set(got.subjects["address"]) == {desk.coin("a"), desk.coin("b")}

    def test_a_subject_that_never_appears_is_said(self, desk: Any) -> None:
        got = follow(desk, [tx("in", [], ("a", 5))], "ab")
        assert "1 subject received nothing" in repr(got)


class Clustered:
    """Clusters by hand."""

    def __init__(self, rows: list[tuple[str, str]], desk: Any) -> None:
        chain = "bip122:0f9188f13cb7b2c71f2a335e3a4fc328"
        named = [(chain, desk.coin(a), desk.coin(b)) for a, b in rows]
        self.frame = pl.DataFrame(
            named,
            schema={"chain": pl.String, "address": pl.Binary, "cluster": pl.Binary},
            orient="row",
        )


class TestMixes:
    IN = (tx("in", [], ("a", 9_000)), tx("o", [], ("x", 9_000), ("y", 9_000)))
    MIX = tx(
        "mix",
        [("in", 0), ("o", 0), ("o", 1)],
        ("p", 8_000), ("q", 8_000), ("a", 8_000), ("x", 900),
    )  # fmt: skip

    def test_value_ends_before_a_mix(self, desk: Any) -> None:
        got = follow(desk, [*self.IN, self.MIX], stop=equal_outputs(3))
        assert desk.ends(got) == {("mixer", "a"): 9_000, ("unspent", "a"): 8_000}
        assert kinds(got) == {"received": 9_000, "received, perhaps again": 8_000}

    def test_without_the_rule_fifo_goes_through(self, desk: Any) -> None:
        got = follow(desk, [*self.IN, self.MIX])
        assert ("mixer", "a") not in desk.ends(got)

    def test_what_cannot_be_decided_ends_too(self, desk: Any) -> None:
        mix = {**self.MIX, "ins": [("in", 0), ("?",), ("?",)]}
        got = follow(desk, [*self.IN, mix], stop=[equal_outputs(3)])
        assert ("undecided mixer", "a") in desk.ends(got)

    def test_an_older_coin_that_goes_into_a_mix_ends_there(self, desk: Any) -> None:
        mix = {**self.MIX, "ins": [("before", 0, 9_000, "a"), ("o", 0), ("o", 1)]}
        got = follow(desk, [self.IN[1], mix], stop=equal_outputs(3))
        assert kinds(got) == {"opening, not read": 9_000, "received, perhaps again": 8_000}
        assert desk.ends(got) == {("mixer", "a"): 9_000, ("unspent", "a"): 8_000}

    def test_a_rule_that_says_so_speaks_before_one_that_cannot_tell(self, desk: Any) -> None:
        mix = {**self.MIX, "ins": [("in", 0), ("?",), ("?",)]}
        unknown, yes = equal_outputs(3), ~equal_outputs(50)
        for rules in ([unknown, yes], [yes, unknown]):
            got = follow(desk, [*self.IN, mix], stop=rules)
            assert ("mixer", "a") in desk.ends(got)
            assert ("undecided mixer", "a") not in desk.ends(got)


class TestLimits:
    CHAIN = (
        tx("in", [], ("a", 9)),
        tx("one", [("in", 0)], ("x", 9)),
        tx("two", [("one", 0)], ("y", 9)),
        tx("three", [("two", 0)], ("z", 9)),
    )

    @pytest.mark.parametrize(("hops", "where"), [(1, "x"), (2, "y"), (3, "z")])
    def test_hops(self, desk: Any, hops: int, where: str) -> None:
        got = follow(desk, list(self.CHAIN), max_hops=hops)
        assert desk.ends(got) == {("hop limit", where): 9}

    def test_a_subjects_own_change_is_never_cut_off(self, desk: Any) -> None:
        txs = [tx("in", [], ("a", 9)), tx("self", [("in", 0)], ("a", 9))]
        got = follow(desk, [*txs, tx("pay", [("self", 0)], ("x", 9))], max_hops=1, min_amount=10)
        assert desk.ends(got) == {("hop limit", "x"): 9}

    @pytest.mark.parametrize(("least", "reason"), [(9, "unspent"), (10, "threshold")])
    def test_threshold(self, desk: Any, least: int, reason: str) -> None:
        got = follow(desk, list(self.CHAIN), min_amount=least)
        assert {why for why, _ in desk.ends(got)} == {reason}

    def test_what_was_cut_off_stays_in_its_place(self, desk: Any) -> None:
        """A trifle that is not followed is clean, and is still spent in its turn."""
        txs = [tx("in", [], ("a", 9)), tx("c", [], ("x", 4))]
        txs.append(tx("split", [("in", 0)], ("x", 2), ("x", 7)))
        txs.append(tx("join", [("split", 0), ("split", 1), ("c", 0)], ("p", 5), ("q", 8)))
        got = follow(desk, txs, min_amount=3)
        assert desk.ends(got) == {
            ("threshold", "x"): 2, ("unspent", "p"): 3, ("unspent", "q"): 4,
        }  # fmt: skip


def test_data_that_pays_out_more_than_it_has_is_refused(desk: Any) -> None:
    txs = [tx("in", [], ("a", 5)), tx("out", [("in", 0)], ("x", 6))]
    with pytest.raises(
        ConservationError, match=r"exceeds the balance by 1 at transaction [0-9a-f]{64}"
    ):
        follow(desk, txs)


def test_other_chains_of_the_ledger_are_not_seen(desk: Any) -> None:
    here = desk.coins([tx("in", [], ("a", 5))])
    there = desk.coins([tx("in", [], ("a", 70)), tx("x", [("in", 0)], ("x", 70))], chain="btc")
    both = type(here).from_tables(
        {name: pl.concat([here.frames[name], there.frames[name]]) for name in here.frames}
    )
    assert follow(desk, both).record.content == follow(desk, here).record.content


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"max_hops": 0}, "one hop"),
        ({"min_amount": -1}, "base units"),
        ({"poisoning": poisoning(1)}, "account chains"),
        ({"policy": "filo"}, "there is no policy 'filo'; write one of fifo"),
    ],
)
def test_what_makes_no_sense_is_refused(desk: Any, more: dict[str, Any], words: str) -> None:
    with pytest.raises(TraceError, match=words):
        follow(desk, [tx("in", [], ("a", 5))], **more)


@pytest.mark.parametrize(
    "change",
    [
        lambda desk: {"amount": pl.col("amount") - 1},
        lambda desk: {"subject": pl.lit(desk.coin("b"))},
    ],
    ids=["a unit lost", "another subject's"],
)
def test_a_trace_that_does_not_add_up_is_refused(desk: Any, change: Any) -> None:
    """Also where the totals agree and only the subjects do not."""
    got = follow(desk, [tx("in", [], ("a", 5))])
    wrong = replace(got, ends=got.ends.with_columns(**change(desk)))
    with pytest.raises(ConservationError, match="no figure of this trace may be used"):
        wrong.check()
    got.check()
