"""An age limit as an end of its own; and subjects that are stops themselves, asked backward."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from coin_chains import coin_chains
from hypothesis import given, settings
from hypothesis import strategies as st

from chainwatch.errors import ArgumentError, TraceError
from chainwatch.tracing.arguments import policies_for
from chainwatch.tracing.trace import trace
from chainwatch.units import total

CHAIN = "btc-regtest"
MINUTE = timedelta(minutes=1)


def tx(name: str, ins: list[Any], *outs: Any) -> dict[str, Any]:
    return {"id": name, "ins": ins, "outs": list(outs)}


COINS = [
    tx("in", [], ("a", 9)), tx("one", [("in", 0)], ("x", 9)), tx("two", [("one", 0)], ("y", 9)),
    tx("three", [("two", 0)], ("z", 9)),
]  # fmt: skip
"""A coin moves on every ten minutes."""

MOVES = [("o", "a", 9, 0), ("a", "x", 9, 10), ("x", "y", 9, 20), ("y", "z", 9, 30)]
"""The same on balances."""


def coins(desk: Any, txs: list[Any], who: str = "a", **more: Any) -> Any:
    more = {"policy": "fifo", **more}
    return trace(desk.coins(txs), [desk.coin(one) for one in who], chain=CHAIN, **more)


def balances(desk: Any, moves: list[Any], who: str = "a", **more: Any) -> Any:
    read = "".join(sorted({name for row in moves for name in row[:2]}))
    more = {"policy": "fifo", **more}
    ledger = desk.paid(moves, read=read)
    return trace(ledger, [desk.account(one) for one in who], asset=desk.asset, **more)


class TestAge:
    @pytest.mark.parametrize(
        ("age", "reason", "where"),
        [(9, "age limit", "x"), (10, "age limit", "y"), (29, "age limit", "z"),
         (30, "unspent", "z")],
    )  # fmt: skip
    def test_on_coins_and_on_balances(self, desk: Any, age: int, reason: str, where: str) -> None:
        """Value that came in at minute 0 is followed to payments of its age, and no further."""
        for got in (
            coins(desk, COINS, max_age=age * MINUTE), balances(desk, MOVES, max_age=age * MINUTE),
        ):  # fmt: skip
            assert desk.ends(got) == {(reason, where): 9}

    @pytest.mark.parametrize(("age", "where"), [(9, "y"), (10, "x"), (19, "x"), (20, "a")])
    def test_backward_it_counts_before(self, desk: Any, age: int, where: str) -> None:
        """z got it at minute 30: on coins its payers' coins were made 10, 20 and 30 before."""
        got = coins(desk, COINS, "z", max_age=age * MINUTE, direction="backward")
        assert [(reason, name) for reason, name in desk.ends(got)] == [("age limit", where)]
        assert got.ends["detail"][0] == f"more than {age * 60:,} seconds before it came in"

    def test_backward_on_balances(self, desk: Any) -> None:
        got = balances(desk, MOVES, "z", max_age=5 * MINUTE, direction="backward")
        assert desk.ends(got) == {("age limit", "x"): 9}
        got = balances(desk, MOVES, "z", max_age=15 * MINUTE, direction="backward")
        assert desk.ends(got) == {("age limit", "a"): 9}

    def test_only_what_is_old_ends_and_the_rest_goes_on(self, desk: Any) -> None:
        """3 came in at the start and 4 later; both go out together, and on together."""
        txs = [
            tx("old", [], ("a", 3)), tx("new", [], ("a", 4)),
            tx("out", [("old", 0), ("new", 0)], ("x", 7)), tx("on", [("out", 0)], ("y", 7)),
        ]  # fmt: skip
        got = coins(desk, txs, max_age=15 * MINUTE)
        assert desk.ends(got) == {("age limit", "x"): 3, ("age limit", "y"): 4}
        assert coins(desk, txs, max_age=20 * MINUTE).ends["amount"].to_list() == [3, 4]
        moves = [("o", "a", 3, 0), ("o", "a", 4, 10), ("a", "x", 7, 20), ("x", "y", 7, 25)]
        assert desk.ends(balances(desk, moves, max_age=15 * MINUTE)) == {
            ("age limit", "x"): 3, ("unspent", "y"): 4,
        }  # fmt: skip

    def test_a_stop_speaks_before_the_age(self, desk: Any) -> None:
        tags = desk.tags(("x", "shop"))
        got = coins(desk, COINS, max_age=MINUTE, stop=tags)
        assert desk.ends(got) == {("hosted service", "x"): 9}

    def test_what_was_held_is_as_old_as_the_span(self, desk: Any) -> None:
        ledger = desk.paid(MOVES, read="oaxyz").between("2023-06-01T00:05:00", None)
        got = trace(ledger, desk.account("a"), asset=desk.asset, policy="fifo", max_age=10 * MINUTE)
        assert desk.ends(got) == {("age limit", "y"): 9}

    def test_it_says_so_in_days(self, desk: Any) -> None:
        moves = [("o", "a", 9, 0), ("a", "x", 9, 60 * 24 * 9)]
        got = balances(desk, moves, max_age=timedelta(days=8))
        assert got.ends["detail"].to_list() == ["more than 8 days after it came in"]
        assert "not followed further (age limit)" in got.findings(got.subjects)[0].headline

    def test_what_is_no_age_is_refused(self, desk: Any) -> None:
        with pytest.raises(TraceError, match="give a time above nothing"):
            coins(desk, COINS, max_age=timedelta(0))
        with pytest.raises(ArgumentError, match="pass a timedelta"):
            coins(desk, COINS, max_age=3)

    @settings(max_examples=25)
    @given(txs=coin_chains(unread=True), age=st.integers(1, 60))
    def test_ends_add_up(self, desk: Any, txs: Any, age: int) -> None:
        """On random chains; where nothing is too old, the trace is the one without a limit."""
        for policy in policies_for(CHAIN):
            whole = coins(desk, txs, policy=policy)
            got = coins(desk, txs, policy=policy, max_age=age * MINUTE)
            got.check()
            if policy.conserves and "age limit" not in set(got.ends["reason"]):
                assert got.digest == whole.digest
            if policy.conserves:
                assert total(got.ends["amount"]) == got.amount


class TestOwnStops:
    """A subject that is itself a stop: who paid it is asked; what it paid itself is the service's.

    On coins and on balances alike.
    """

    TAGGED = ("s", "harbour")

    def both(self, desk: Any, txs: list[Any], moves: list[Any], **more: Any) -> tuple[Any, Any]:
        one = coins(desk, txs, "s", direction="backward", stop=desk.tags(self.TAGGED), **more)
        tags = desk.tags(self.TAGGED, chain=desk.asset.chain)
        two = balances(desk, moves, "s", direction="backward", stop=tags, **more)
        return one, two

    @pytest.mark.parametrize("policy", [one.name for one in policies_for("btc", "backward")])
    def test_who_paid_it_is_asked(self, desk: Any, policy: str) -> None:
        txs = [tx("in", [], ("a", 9)), tx("pay", [("in", 0)], ("s", 9))]
        moves = [("0", "a", 9), ("a", "s", 9)]
        for got in self.both(desk, txs, moves, policy=policy):
            assert got.amount == 9
            assert [row[0] for row in desk.ends(got)] == ["newly made"]

    def test_so_it_is_where_it_spent_what_it_got(self, desk: Any) -> None:
        txs = [
            tx("in", [], ("a", 9)), tx("pay", [("in", 0)], ("s", 9)),
            tx("on", [("pay", 0)], ("x", 9)),
        ]  # fmt: skip
        moves = [("0", "a", 9), ("a", "s", 9), ("s", "x", 9)]
        for got in self.both(desk, txs, moves):
            assert got.amount == 9
            assert [row[0] for row in desk.ends(got)] == ["newly made"]

    def test_what_it_paid_itself_by_way_of_another_is_the_services(self, desk: Any) -> None:
        txs = [
            tx("in", [], ("a", 9)), tx("pay", [("in", 0)], ("s", 9)),
            tx("out", [("pay", 0)], ("x", 9)), tx("back", [("out", 0)], ("s", 9)),
        ]  # fmt: skip
        moves = [("0", "a", 9), ("a", "s", 9), ("s", "x", 9), ("x", "s", 9)]
        for got in self.both(desk, txs, moves):
            assert got.amount == 18
            ends = desk.ends(got)
            assert sorted((reason, amount) for (reason, _), amount in ends.items()) == [
                ("hosted service", 9), ("newly made", 9),
            ]  # fmt: skip
            assert ends["hosted service", "s"] == 9

    def test_a_chosen_output_at_a_service_is_asked_too(self, desk: Any) -> None:
        txs = [tx("in", [], ("a", 9)), tx("pay", [("in", 0)], ("s", 9))]
        place = f"{desk.txid('pay')[::-1].hex()}:0"
        got = trace(
            desk.coins(txs), place, policy="fifo", chain=CHAIN, direction="backward",
            stop=desk.tags(self.TAGGED),
        )  # fmt: skip
        assert [row[0] for row in desk.ends(got)] == ["newly made"]

    def test_forward_both_end_at_once(self, desk: Any) -> None:
        """What it was paid is its customers': nothing behind it is anybody's that is known."""
        txs = [tx("in", [], ("s", 9)), tx("on", [("in", 0)], ("x", 9))]
        one = coins(desk, txs, "s", stop=desk.tags(self.TAGGED))
        tags = desk.tags(self.TAGGED, chain=desk.asset.chain)
        two = balances(desk, [("0", "s", 9), ("s", "x", 9)], "s", stop=tags)
        for got in (one, two):
            assert desk.ends(got) == {("hosted service", "s"): 9}


class TestSelfTransfers:
    MOVES = (("o", "a", 9), ("a", "a", 4), ("a", "x", 9))

    def place(self, desk: Any, at: int, n: int | None = 0) -> str:
        txid = desk.txid(f"transfer {at}").hex()
        return f"0x{txid}" + ("" if n is None else f":{n}")

    @pytest.mark.parametrize("n", [0, None])
    def test_a_chosen_one_is_refused_with_a_sentence(self, desk: Any, n: int | None) -> None:
        ledger = desk.paid(self.MOVES, read="oax")
        with pytest.raises(TraceError, match="is of an address to itself: it moves nothing"):
            trace(ledger, self.place(desk, 1, n), policy="fifo", asset=desk.asset)

    def test_others_are_followed(self, desk: Any) -> None:
        ledger = desk.paid(self.MOVES, read="oax")
        got = trace(ledger, self.place(desk, 2), policy="fifo", asset=desk.asset)
        assert desk.ends(got) == {("unspent", "x"): 9}
