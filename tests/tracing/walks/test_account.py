"""Balances, case by case: each branch of the walk, and what each says of itself."""

from __future__ import annotations

from collections import deque
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import polars as pl
import pytest

from chainwatch.addresses.assets import native
from chainwatch.errors import ConservationError, TraceError
from chainwatch.heuristics.coinjoin import equal_outputs
from chainwatch.heuristics.poisoning import look_alike, poisoning
from chainwatch.tracing.balances import Lot, OldestFirst
from chainwatch.tracing.policies import Policy, fifo
from chainwatch.tracing.result import Trace
from chainwatch.tracing.trace import trace
from chainwatch.tracing.walks.transfer_order import read_until


def follow(
    desk: Any, rows: Any, who: str = "a", read: str = "abcdx", stop: Any = None, **more: Any
) -> Trace:
    ledger = desk.paid(rows, read=read) if isinstance(rows, list) else rows
    given = {"policy": fifo, "stop": stop, "asset": desk.asset, **more}
    return trace(ledger, [desk.account(name) for name in who], **given)


def kinds(result: Trace) -> dict[str, int]:
    rows = result.origins.group_by("kind").agg(pl.col("amount").sum())
    return {kind: int(amount) for kind, amount in rows.iter_rows()}


def shop(desk: Any, *rows: Any) -> Any:
    return desk.tags(*rows, chain=desk.asset.chain)


class TestQueue:
    def test_the_worked_example(self, desk: Any) -> None:
        """+5 clean, +3 traced, +2 clean, then 4, 4: an untraced sender keeps its queue too."""
        rows = [("o", "x", 5), ("a", "x", 3), ("o", "x", 2), ("x", "p", 4), ("x", "q", 4)]
        got = follow(desk, [("o", "a", 3), *rows], read="ax")
        assert desk.ends(got) == {("not read", "q"): 3}

    def test_a_balance_before_what_was_read_is_the_oldest(self, desk: Any) -> None:
        """x pays 8 and was read to receive 5: 3 were there before and were paid first."""
        rows = [("o", "a", 5), ("a", "x", 5), ("x", "p", 4), ("x", "q", 4)]
        got = follow(desk, rows, read="ax")
        assert desk.ends(got) == {("not read", "p"): 1, ("not read", "q"): 4}

    def test_what_was_cut_off_stays_in_its_place(self, desk: Any) -> None:
        rows = [("o", "a", 9), ("a", "x", 2), ("a", "x", 7), ("x", "p", 5)]
        got = follow(desk, rows, read="ax", min_amount=3)
        assert desk.ends(got) == {
            ("threshold", "x"): 2, ("not read", "p"): 3, ("unspent", "x"): 4,
        }  # fmt: skip

    def test_a_payment_to_oneself_moves_nothing(self, desk: Any) -> None:
        rows = [("o", "x", 5), ("a", "x", 3), ("x", "x", 4), ("x", "p", 5), ("x", "q", 3)]
        got = follow(desk, [("o", "a", 3), *rows], read="ax")
        assert desk.ends(got) == {("not read", "q"): 3}
        assert got.steps.filter(pl.col("source") == pl.col("target")).is_empty()

    def test_amounts_of_thirty_digits_are_exact(self, desk: Any) -> None:
        wide = 10**30 + 7
        got = follow(desk, [("o", "a", wide), ("a", "p", wide - 1)], read="a")
        assert desk.ends(got) == {("not read", "p"): wide - 1, ("unspent", "a"): 1}


class TestOpening:
    def test_what_a_subject_pays_beyond_what_was_read_is_named(self, desk: Any) -> None:
        got = follow(desk, [("o", "a", 5), ("a", "p", 7), ("a", "p", 1)], read="a")
        assert kinds(got) == {"received": 5, "opening, not read": 3}
        opened = got.origins.filter(pl.col("kind") == "opening, not read")
        assert opened["amount"].to_list() == [2, 1], "each payment that shows it"
        assert desk.ends(got) == {("not read", "p"): 8}

    def test_what_was_never_read_to_come_in_is_not_said_to_have_come_in(self, desk: Any) -> None:
        got = follow(desk, [("a", "p", 70), ("o", "a", 300), ("a", "p", 300)], read="a")
        (finding,) = got.findings(got.followed())
        came = "300 TOK came in from outside, and 70 TOK was paid of what was not read to come in"
        assert finding.text[0].startswith(came)
        assert str(finding.headline).startswith(came)

    def test_where_nothing_was_read_to_come_in_that_alone_is_said(self, desk: Any) -> None:
        (finding,) = (got := follow(desk, [("a", "p", 70)], read="a")).findings(got.followed())
        assert finding.text[0].startswith("70 TOK was paid of what was not read to come in. ")

    def test_two_subjects_that_pay_each_other(self, desk: Any) -> None:
        got = follow(desk, [("a", "b", 5), ("b", "a", 2), ("a", "p", 2)], "ab", read="ab")
        assert kinds(got) == {"opening, not read": 5}
        assert desk.ends(got) == {("unspent", "b"): 3, ("not read", "p"): 2}
        assert got.overlaps.select("amount").to_series().to_list() == [5]

    def test_an_unread_sender_pays_clean(self, desk: Any) -> None:
        got = follow(desk, [("o", "a", 5), ("a", "p", 5), ("p", "a", 5)], read="a")
        assert kinds(got) == {"received": 10}


class TestUnread:
    def test_a_subject_whose_history_was_not_read_does_not_hold(self, desk: Any) -> None:
        got = follow(desk, [("o", "a", 5)], read="o")
        assert desk.ends(got) == {("not read", "a"): 5}

    def test_a_history_of_another_token_is_none(self, desk: Any) -> None:
        rows = [("o", "a", 5), ("a", "x", 5)]
        ledger = desk.paid(rows, read="ax", read_contract=desk.account("spam"))
        assert desk.ends(follow(desk, ledger)) == {("not read", "x"): 5}
        ledger = desk.paid(rows, read="ax", read_contract=desk.asset.contract)
        assert desk.ends(follow(desk, ledger)) == {("unspent", "x"): 5}

    def test_transfers_of_unknown_amount_are_listed(self, desk: Any) -> None:
        wide = {"amount_hex": hex(2**200)}
        rows = [("o", "a", 5), ("a", "x", None, None, wide), ("p", "q", None, None, wide)]
        got = follow(desk, [*rows, ("a", "x", 5)])
        assert got.unknown["txid"].to_list() == [desk.txid("transfer 1")]
        assert "1 transfer of an amount wider than 38 digits, 1,606,938,044," in repr(got)
        assert desk.ends(got) == {("unspent", "x"): 5}

    def test_the_end_of_a_span_is_said(self, desk: Any) -> None:
        ledger = desk.paid([("o", "a", 5), ("a", "p", 5)], read="a")
        got = follow(desk, ledger.between(None, "2023-06-01T00:01"))
        assert got.ends["detail"].to_list() == ["held at the end of the span"]
        late = follow(desk, ledger.between("2023-06-01T00:01", None))
        assert kinds(late) == {"held before the span": 5}


def test_failed_transfers_and_those_of_zero_move_nothing(desk: Any) -> None:
    rows = [("o", "a", 5), ("a", "x", 3, None, {"success": False}), ("a", "x", 0)]
    got = follow(desk, [*rows, ("a", "x", 1, None, {"success": True})])
    assert desk.ends(got) == {("unspent", "a"): 4, ("unspent", "x"): 1}
    assert got.steps.height == 1


class TestZeroAddress:
    def test_value_sent_to_it_is_burnt(self, desk: Any) -> None:
        got = follow(desk, [("o", "a", 5), ("a", "0", 5)], read="a0")
        assert [reason for reason, _ in desk.ends(got)] == ["burnt"]

    def test_what_it_mints_is_nobodys(self, desk: Any) -> None:
        """Its history was read, and still what it destroyed is not what it makes."""
        got = follow(desk, [("o", "a", 5), ("a", "0", 5), ("0", "b", 9)], "ab", read="ab0")
        assert kinds(got) == {"received": 14}
        assert got.overlaps.is_empty()

    def test_it_is_a_barrier_as_a_subject_too(self, desk: Any) -> None:
        got = follow(desk, [("o", "0", 5), ("0", "b", 5)], "0", read="0b")
        assert [reason for reason, _ in desk.ends(got)] == ["burnt"]
        assert got.amount == 5


class TestServices:
    def test_what_a_service_pays_is_its_own(self, desk: Any) -> None:
        rows = [("o", "a", 5), ("a", "s", 5), ("s", "b", 5), ("s", "p", 3)]
        got = follow(desk, rows, "ab", read="abs", stop=shop(desk, ("s", "shop")))
        assert desk.ends(got) == {("hosted service", "s"): 5, ("unspent", "b"): 5}
        assert got.overlaps.is_empty()

    @pytest.mark.parametrize("concept", ["exchange", "mixing_service", "defi_bridge"])
    def test_a_subject_that_is_a_service_ends_at_once(self, desk: Any, concept: str) -> None:
        """What it pays later is not counted as an opening, whatever kind of service it is."""
        rows = [("o", "a", 5), ("a", "p", 5), ("a", "p", 4)]
        got = follow(desk, rows, stop=shop(desk, ("a", "shop", concept)))
        assert got.amount == 5
        assert got.steps.is_empty()

    def test_a_tag_that_does_not_hold_yet_ends_nothing(self, desk: Any) -> None:
        day = pl.Series(["2023-06-02"]).str.to_date()[0]
        tags = shop(desk, ("x", "shop", "exchange", {"first_day": day}))
        rows = [("o", "a", 9), ("a", "x", 4), ("x", "p", 1), ("a", "x", 5, 24 * 60)]
        got = follow(desk, rows, stop=tags)
        assert desk.ends(got) == {
            ("not read", "p"): 1, ("unspent", "x"): 3, ("hosted service", "x"): 5,
        }  # fmt: skip

    def test_joint_transactions_are_no_matter_of_balances(self, desk: Any) -> None:
        with pytest.raises(TraceError, match="coin chains"):
            follow(desk, [("o", "a", 5)], stop=equal_outputs(3))


class TestLures:
    """A trifle from an address that ends like a partner's: ``yx`` ends like ``x``."""

    TWIN = "qq.........xxxx"
    PARTNER = "pp.........xxxx"

    def rows(self, *more: Any) -> list[Any]:
        return [("o", "a", 100), (self.PARTNER, "a", 50), *more]

    def test_a_lure_makes_no_edge_and_stays_in_the_balance(self, desk: Any) -> None:
        rows = self.rows((self.TWIN, "a", 1), ("a", "p", 151))
        got = follow(desk, rows, read="a", poisoning=poisoning(5))
        assert got.amount == 150, "a lure is no origin"
        assert desk.ends(got) == {("not read", "p"): 150}
        assert desk.account(self.TWIN) not in set(got.steps["source"])
        assert kinds(got) == {"received": 150}, "and no opening is needed for its trifle"

    def test_without_the_rule_it_counts(self, desk: Any) -> None:
        got = follow(desk, self.rows((self.TWIN, "a", 1)), read="a")
        assert got.amount == 151

    def test_traced_value_spent_as_bait_ends_at_the_baiter(self, desk: Any) -> None:
        rows = self.rows(("a", self.TWIN, 1), ("c", "v", 9), (self.PARTNER, "v", 9))
        rows.append((self.TWIN, "v", 1))
        ledger = desk.paid(rows, read="av")
        frames = dict(ledger.frames)
        extra = (
            frames["coverage"]
            .head(1)
            .with_columns(address=pl.lit(desk.account(self.TWIN)), unit=pl.lit("dump/twin"))
        )
        frames["coverage"] = pl.concat([frames["coverage"], extra])
        got = follow(desk, type(ledger).from_tables(frames), poisoning=look_alike(5))
        assert ("lure", "qq.........xxxx") in desk.ends(got)
        assert desk.account("v") not in set(got.steps["target"])


class TestOrder:
    def test_one_time_is_tried_in_both_orders(self, desk: Any) -> None:
        """Whether x pays p out of what a paid it depends on the order within one minute."""
        rows = [("o", "a", 5, 0), ("o", "x", 5, 0), ("a", "x", 5, 1), ("x", "p", 5, 1)]
        got = follow(desk, [*rows, ("x", "s", 5, 2)], read="ax", stop=shop(desk, ("s", "shop")))
        assert got.ties == 4
        assert {row[0]: row[2:] for row in got.bounds.iter_rows()}["hosted service"] == (5, 5)

    def test_bounds_show_what_the_order_decides(self, desk: Any) -> None:
        rows = [("o", "a", 4, 0), ("a", "x", 4, 1), ("o", "x", 4, 1), ("x", "p", 4, 2)]
        got = follow(desk, [*rows], read="ax")
        bounds = {row[0]: (int(row[2]), int(row[3])) for row in got.bounds.iter_rows()}
        assert bounds == {"not read": (0, 4), "unspent": (0, 4)}

    def test_a_known_place_leaves_nothing_open(self, desk: Any) -> None:
        rows = [("o", "a", 4, 0), ("a", "x", 4, 1), ("o", "x", 4, 1), ("x", "p", 4, 2)]
        got = follow(desk, desk.paid(rows, read="ax", placed=True))
        assert got.ties == 0
        assert desk.ends(got) == {("not read", "p"): 4}

    @pytest.mark.parametrize("first", ["tx", "time"])
    def test_the_place_orders_within_one_time(self, desk: Any, first: str) -> None:
        """Transactions of one block bear one time; their number orders them, not their id."""
        paid = [("o", "a"), ("o", "x"), ("a", "x"), ("x", "p")]
        rows = [(*pair, 4, 0, {"txid": bytes([9 - i] * 32)}) for i, pair in enumerate(paid)]
        if first == "time":  # one transfer elsewhere without a place: time orders, then place
            rows.append(("y", "z", 1, 9, {"tx": None, "order_uncertain": True}))
        got = follow(desk, desk.paid(rows, read="ax", placed=True))
        assert desk.ends(got) == {("unspent", "x"): 4}

    def test_calls_are_ordered_by_number(self, desk: Any) -> None:
        coin = native("eth")
        call = {"txid": desk.txid("one"), "tx": 2 << 24, "kind": "internal", "log_index": None}
        rows = [("o", "a", 4, 0), ("o", "x", 4, 0, call | {"trace_path": "0.2"})]
        rows.append(("a", "x", 4, 0, call | {"trace_path": "0.10"}))
        ledger = desk.paid([*rows, ("x", "p", 4, 9)], read="ax", placed=True, asset=coin)
        got = follow(desk, ledger, asset=coin)
        assert desk.ends(got) == {("not read", "x"): 4}, "fees are in no transfer"
        assert sorted(got.steps["n"]) == [1], "its place among the calls of the transaction"

    def test_several_transfers_of_one_transaction_have_places(self, desk: Any) -> None:
        same = {"txid": desk.txid("one")}
        rows = [("o", "a", 9), ("a", "p", 1, 1, same), ("a", "q", 2, 1, same)]
        got = follow(desk, rows, read="a")
        assert sorted(got.steps.select("txid", "n").rows()) == [
            (desk.txid("one"), 0), (desk.txid("one"), 1),
        ]  # fmt: skip


class TestLimits:
    ROWS = (("o", "a", 9), ("a", "b", 9), ("b", "c", 9), ("c", "d", 9))

    @pytest.mark.parametrize(("hops", "where"), [(1, "b"), (2, "c"), (3, "d")])
    def test_hops(self, desk: Any, hops: int, where: str) -> None:
        got = follow(desk, list(self.ROWS), max_hops=hops)
        assert desk.ends(got) == {("hop limit", where): 9}

    def test_a_cycle_ends(self, desk: Any) -> None:
        rows = [("o", "a", 9), *[("a", "b", 9), ("b", "c", 9), ("c", "a", 9)] * 5]
        got = follow(desk, rows, max_hops=3)
        assert got.amount == 9
        assert desk.ends(got) == {("unspent", "a"): 9}
        assert got.steps["hop"].max() == 3


def test_other_assets_and_chains_of_the_ledger_are_not_seen(desk: Any) -> None:
    here = desk.paid([("o", "a", 5)], read="a")
    spam = desk.paid([("o", "a", 70, 1, {"contract": desk.account("spam")})], read="a")
    unique = desk.paid([("o", "a", 1, 2, {"token_id": "7"})], read="a")
    both = type(here).from_tables(
        {
            name: pl.concat([one.frames[name] for one in (here, spam, unique)])
            for name in here.frames
        }
    )
    assert follow(desk, both).record.content == follow(desk, here).record.content


def test_html_of_a_trace_is_escaped(desk: Any) -> None:
    tags = shop(desk, ("x", "<script>"))
    got = follow(desk, [("o", "a", 5), ("a", "x", 5)], stop=tags)
    assert "<script>" not in got._repr_html_()
    assert "&lt;script&gt;" in got._repr_html_()


def test_balances_hold_the_trifles_of_poisoning_apart(desk: Any) -> None:
    rows = [
        ("pp.........xxxx", "a", 50),
        ("qq.........xxxx", "a", 2),
        ("a", "o", 51),
    ]
    ledger = desk.paid(rows, read="a")
    got = trace(ledger, [desk.account("a")], policy=fifo, asset=desk.asset, poisoning=poisoning(2))
    columns = ("before", "received", "trifles", "paid", "bait", "held")
    assert got.balances.select(columns).rows() == [(0, 50, 2, 51, 0, 1)]
    assert got.tables()["balances"][0].height == 1
    uneven = replace(got, balances=got.balances.with_columns(held=pl.col("held") + 1))
    with pytest.raises(ConservationError, match="52 came into the balance, 53 were paid or"):
        uneven.check()


class Counted(deque[Lot]):
    """A queue that counts the lots taken from its ends."""

    taken = 0

    def popleft(self) -> Lot:
        Counted.taken += 1
        return super().popleft()


def counted_fifo() -> OldestFirst:
    """Make a balance whose lots are counted when they are touched."""
    made = OldestFirst()
    made._held = Counted()
    return made


class TestManyLots:
    """A balance of many lots, paid out of one by one."""

    def taken(self, desk: Any, count: int) -> int:
        """Return how many lots are touched while ``count`` payments come in and go out."""
        Counted.taken = 0
        rows = [("a" if place % 2 else "o", "x", 3) for place in range(count)]
        rows += [("x", "p", 2)] * count
        found = follow(desk, rows, policy=Policy(counted_fifo))
        assert found.ends["amount"].sum() == found.origins["amount"].sum() == 3 * (count // 2)
        return Counted.taken

    def test_no_payment_looks_at_lots_that_it_leaves(self, desk: Any) -> None:
        few, many = (self.taken(desk, count) for count in (40, 80))
        assert 40 <= many <= 2 * few + 2


class TestReadUntil:
    def test_readings_that_touch_are_one(self) -> None:
        days = [datetime(2024, 1, day, tzinfo=UTC) for day in range(1, 10)]
        parts = [(days[0], days[2]), (days[1], days[4]), (days[6], days[8])]
        assert read_until(parts, days[0]) == days[4]
        assert read_until(parts, days[6]) == days[8]

    def test_an_open_end_has_no_day(self) -> None:
        day = datetime(2024, 1, 1, tzinfo=UTC)
        assert read_until([(None, day), (day, None)], day) is None
        assert read_until([(None, None)], None) is None
