"""Balances followed backward, case by case: where what was received came from, counted by hand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl
import pytest

from chainwatch.addresses.canonical import txid_text
from chainwatch.errors import TraceError
from chainwatch.heuristics.poisoning import poisoning
from chainwatch.tracing.policies import fifo, haircut, lifo, poison, seniority
from chainwatch.tracing.result import Trace
from chainwatch.tracing.trace import trace

ROOT = Path(__file__).parents[3]


def follow(desk: Any, rows: Any, who: str = "a", read: str = "abcdx", **more: Any) -> Trace:
    ledger = desk.paid(rows, read=read) if isinstance(rows, list) else rows
    asked = {"policy": fifo, "asset": desk.asset, "direction": "backward", **more}
    return trace(ledger, [desk.account(name) for name in who], **asked)


def chosen(desk: Any, place: int) -> str:
    return f"{txid_text(desk.txid(f'transfer {place}'), desk.asset.chain)}:0"


def kinds(found: Trace) -> dict[str, int]:
    rows = found.origins.group_by("kind").agg(pl.col("amount").sum())
    return {kind: int(amount) for kind, amount in rows.iter_rows()}


class TestOneBalance:
    """x gets 5 from p, 3 from q, 2 from r, and pays a 4, b 4: who paid what b got?"""

    ROWS = (("p", "x", 5), ("q", "x", 3), ("r", "x", 2), ("x", "a", 4), ("x", "b", 4))

    CAME = (
        (fifo, {"p": 1, "q": 3}),
        (lifo, {"p": 3, "q": 1}),
        (haircut, {"p": 2, "q": 2}),
        (poison, {"p": 5, "q": 3, "r": 2}),
    )

    def test_the_page_says_the_same(self) -> None:
        names = " | ".join(f"`{policy.name}`" for policy, _ in self.CAME)
        told = (", ".join(f"{who} {n}" for who, n in came.items()) for _, came in self.CAME)
        page = (ROOT / "docs" / "policies.md").read_text("utf-8")
        assert f"| {names} |\n|---|---|---|---|\n| {' | '.join(told)} |\n" in page

    @pytest.mark.parametrize(("policy", "came"), CAME)
    def test_each_policy_divides_the_other_way(self, desk: Any, policy: Any, came: Any) -> None:
        """The exact haircut is 0.8 of r, 1.2 of q and 2 of p: rounded down one after another."""
        got = follow(desk, list(self.ROWS), "b", policy=policy)
        assert desk.ends(got) == {("not read", name): amount for name, amount in came.items()}

    def test_steps_are_as_money_moved_and_hops_count_from_the_subject(self, desk: Any) -> None:
        got = follow(desk, list(self.ROWS), "b")
        names = {desk.account(name): name for name in "pqrxab"}
        rows = got.steps.sort("hop", "amount").select("source", "target", "amount", "hop").rows()
        assert [(names[a], names[b], int(c), d) for a, b, c, d in rows] == [
            ("x", "b", 4, 1), ("p", "x", 1, 2), ("q", "x", 3, 2),
        ]  # fmt: skip
        (origin,) = got.origins.iter_rows(named=True)
        assert (origin["kind"], int(origin["amount"])) == ("received", 4)
        assert origin["paid_by"] == desk.account("x")


def test_a_policy_that_prefers_one_kind_of_lot_refuses(desk: Any) -> None:
    with pytest.raises(TraceError, match="cannot be followed backward"):
        follow(desk, [("p", "a", 5)], policy=seniority)


class TestEnds:
    def test_a_payer_whose_history_was_not_read(self, desk: Any) -> None:
        got = follow(desk, [("p", "a", 5)])
        assert desk.ends(got) == {("not read", "p"): 5}
        (finding,) = got.findings(got.followed())
        assert finding.title == "Where the value comes from"
        said = "Followed backward by FIFO, it is consistent with: 5 TOK from addresses whose"
        assert said in str(finding.headline)

    def test_a_payer_whose_history_was_not_read_so_far(self, desk: Any) -> None:
        ledger = desk.paid([("p", "x", 5), ("x", "a", 5)], read="ax")
        until = ledger.frames["transfers"]["time"][0]
        coverage = ledger.frames["coverage"].with_columns(to_time=pl.lit(until))
        got = follow(desk, type(ledger).from_tables({**ledger.frames, "coverage": coverage}))
        assert got.ends.select("reason", "basis").rows() == [("not read", "history cut short")]

    def test_a_service(self, desk: Any) -> None:
        shop = desk.tags(("x", "shop"), chain=desk.asset.chain)
        got = follow(desk, [("p", "x", 5), ("x", "a", 5)], stop=shop)
        assert desk.ends(got) == {("hosted service", "x"): 5}
        (finding,) = got.findings(got.followed())
        assert "5 TOK paid by shop" in str(finding.headline)

    def test_a_subject_that_is_a_service_is_asked_who_paid_it(self, desk: Any) -> None:
        shop = desk.tags(("a", "shop"), chain=desk.asset.chain)
        got = follow(desk, [("p", "x", 5), ("x", "a", 5), ("a", "c", 2)], stop=shop)
        assert desk.ends(got) == {("not read", "p"): 5}

    def test_what_was_minted(self, desk: Any) -> None:
        got = follow(desk, [("0", "x", 5), ("x", "a", 5)], read="ax0")
        assert [reason for reason, _ in desk.ends(got)] == ["newly made"]
        (finding,) = got.findings(got.followed())
        assert "5 TOK newly made" in str(finding.headline)

    def test_what_a_payer_held_before_all_that_was_read(self, desk: Any) -> None:
        got = follow(desk, [("p", "x", 2), ("x", "a", 5)])
        assert desk.ends(got) == {("not read", "x"): 3, ("not read", "p"): 2}
        (finding,) = got.findings(got.followed())
        said = "3 TOK in 1 balance of which it was not read how that had come in"
        assert said in str(finding.headline)

    def test_what_a_subject_pays_beyond_what_was_read_is_named(self, desk: Any) -> None:
        got = follow(desk, [("p", "a", 5), ("a", "x", 7)])
        assert kinds(got) == {"received": 5, "opening, not read": 2}
        assert desk.ends(got) == {("not read", "p"): 5, ("not read", "a"): 2}

    @pytest.mark.parametrize(("hops", "where"), [(1, "c"), (2, "b"), (3, "p")])
    def test_hops(self, desk: Any, hops: int, where: str) -> None:
        rows = [("p", "b", 9), ("b", "c", 9), ("c", "a", 9)]
        got = follow(desk, rows, max_hops=hops, read="abcp")
        assert desk.ends(got) == {("hop limit", where): 9}

    def test_a_least_amount(self, desk: Any) -> None:
        rows = [("p", "x", 2), ("q", "x", 7), ("x", "a", 9)]
        got = follow(desk, rows, min_amount=3, read="axpq")
        assert desk.ends(got) == {("threshold", "p"): 2, ("not read", "q"): 7}
        assert got.ends.filter(reason="not read")["basis"].to_list() == ["held before"]

    def test_a_lure_paid_nothing(self, desk: Any) -> None:
        rows = [("o", "x", 100), ("pp.........xxxx", "x", 50), ("qq.........xxxx", "x", 1)]
        rows.append(("x", "a", 151))
        got = follow(desk, rows, poisoning=poisoning(5))
        assert desk.ends(got) == {
            ("not read", "o"): 100, ("not read", "pp.........xxxx"): 50, ("lure", "x"): 1,
        }  # fmt: skip


class TestSpan:
    ROWS = (("p", "a", 4), ("q", "a", 3), ("a", "x", 5), ("r", "a", 6))

    def test_what_was_held_when_the_span_begins_came_before_it(self, desk: Any) -> None:
        ledger = desk.paid(list(self.ROWS), read="ax").between("2023-06-01T00:02", None)
        got = follow(desk, ledger)
        assert kinds(got) == {"received": 6, "held before the span": 7}
        assert desk.ends(got) == {("made before the span", "a"): 7, ("not read", "r"): 6}

    def test_what_came_after_it_is_not_looked_at(self, desk: Any) -> None:
        ledger = desk.paid(list(self.ROWS), read="ax").between(None, "2023-06-01T00:01")
        assert desk.ends(follow(desk, ledger)) == {("not read", "p"): 4}

    def test_an_opening_is_told_from_what_was_read(self, desk: Any) -> None:
        """x held 2 that were not read, then got 4; a was paid 6 of it."""
        rows = [("p", "x", 4), ("x", "a", 6)]
        got = follow(desk, desk.paid(rows, read="ax").between("2023-06-01T00:01", None))
        assert desk.ends(got) == {("made before the span", "x"): 4, ("not read", "x"): 2}


class TestSubjects:
    def test_two_that_pay_each_other(self, desk: Any) -> None:
        got = follow(desk, [("p", "a", 5), ("a", "b", 5), ("b", "x", 5)], "ab")
        assert kinds(got) == {"received": 5}
        assert got.overlaps.select("amount").to_series().to_list() == [5]
        assert desk.ends(got) == {("not read", "p"): 5}

    def test_what_comes_round_is_counted_once(self, desk: Any) -> None:
        rows = [("p", "a", 5), ("a", "x", 5), ("x", "a", 5)]
        got = follow(desk, rows)
        assert (got.amount, desk.ends(got)) == (5, {("not read", "p"): 5})

    def test_a_transfer_by_itself(self, desk: Any) -> None:
        rows = [("p", "x", 5), ("x", "c", 3), ("q", "x", 4), ("x", "c", 6)]
        asked = {"policy": fifo, "asset": desk.asset, "direction": "backward"}
        got = trace(desk.paid(rows, read="xc"), chosen(desk, 3), **asked)
        assert kinds(got) == {"chosen": 6}
        assert desk.ends(got) == {("not read", "p"): 2, ("not read", "q"): 4}

    def test_balances_are_those_of_the_way_there(self, desk: Any) -> None:
        rows = [("p", "a", 5), ("a", "x", 7), ("q", "a", 4), ("a", "x", 1)]
        ledger = desk.paid(rows, read="ax").between("2023-06-01T00:02", None)
        ways = [follow(desk, ledger, direction=way).balances for way in ("forward", "backward")]
        assert ways[0].equals(ways[1])
        assert ways[0].height == 1


def test_the_order_of_one_time_is_bounded_backward_too(desk: Any) -> None:
    rows = [("o", "x", 4, 0), ("p", "x", 4, 1), ("x", "a", 4, 1)]
    shop = desk.tags(("o", "O"), ("p", "P"), chain=desk.asset.chain)
    got = follow(desk, rows, stop=shop, policy=lifo)
    found = {row[1]: (int(row[2]), int(row[3])) for row in got.bounds.iter_rows()}
    assert found == {"O": (0, 4), "P": (0, 4)}
