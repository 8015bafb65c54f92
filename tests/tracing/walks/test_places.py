"""Where transfers stand: by height and log index, also without a time; and what then is unknown."""

from __future__ import annotations

from datetime import date
from typing import Any

import polars as pl
import pytest

from chainwatch.addresses.assets import native
from chainwatch.errors import TraceError
from chainwatch.ledger.schema import pack_tx
from chainwatch.tracing.counterparties import counterparties
from chainwatch.tracing.custody.hosted import hosted
from chainwatch.tracing.exposure import exposure
from chainwatch.tracing.stops import HOSTED, NOT_READ
from chainwatch.tracing.trace import trace
from chainwatch.tracing.walks.transfer_order import (
    movements,
    near_in_time,
    other_orders,
    tied,
)


def at(height: int | None, log: int | None = None, **more: Any) -> dict[str, Any]:
    """Return what places a transfer: a block and a log, and no time."""
    sure = height is not None and log is not None
    return {"height": height, "log_index": log, "time": None, "order_uncertain": not sure, **more}


def paid(*rows: tuple[str, str, int, dict[str, Any]]) -> list[tuple[Any, ...]]:
    return [(sender, receiver, amount, None, how) for sender, receiver, amount, how in rows]


def amounts(ledger: Any, asset: Any) -> list[int]:
    return [int(one) for one in movements(ledger, asset, None)["amount"]]


class TestOrder:
    def test_is_by_height_then_log_where_there_is_no_time(self, desk: Any) -> None:
        rows = paid(("a", "b", 3, at(7, 9)), ("a", "b", 1, at(6, 50)), ("a", "b", 2, at(7, 3)))
        ledger = desk.paid(rows)
        assert amounts(ledger, desk.asset) == [1, 2, 3]
        assert tied(near_in_time(movements(ledger, desk.asset, None))) == 0

    def test_is_by_height_where_only_some_have_a_time(self, desk: Any) -> None:
        rows = [*paid(("a", "b", 2, at(7, 1))), ("a", "b", 1, 500, {"height": 6, "log_index": 0})]
        assert amounts(desk.paid(rows), desk.asset) == [1, 2]

    def test_log_index_orders_one_moment(self, desk: Any) -> None:
        rows = [("a", "b", 2, 5, {"log_index": 9}), ("c", "b", 1, 5, {"log_index": 4})]
        assert amounts(desk.paid(rows), desk.asset) == [1, 2]

    def test_one_block_without_log_index_is_a_tie(self, desk: Any) -> None:
        rows = paid(("a", "b", 1, at(7)), ("b", "c", 1, at(7)))
        ledger = desk.paid(rows, read="ab")
        assert tied(near_in_time(movements(ledger, desk.asset, None))) == 2
        assert trace(ledger, desk.account("a"), policy="fifo", asset=desk.asset).orders == 2

    def test_height_alone_and_time_alone_cannot_be_ordered(self, desk: Any) -> None:
        ledger = desk.paid([*paid(("a", "b", 1, at(7, 1))), ("b", "c", 1, 5)])
        with pytest.raises(TraceError, match=r"1 transfer has a height and no time, and 1 a time"):
            movements(ledger, desk.asset, None)


class TestCalls:
    """a pays a contract 500 by a transaction, which passes on 300 and 200 in it."""

    COIN = native("eth")

    def listed(self, desk: Any, known: bool, *paths: str | None) -> Any:
        """Return a ledger that lists of an explorer make: calls without place in the block."""
        own = {"txid": desk.txid("own"), "order_uncertain": not known}
        own |= {"tx": pack_tx(7, 4) if known else None, "height": 7}
        call = own | {"kind": "internal", "tx": None, "order_uncertain": True}
        calls = [call | {"trace_path": path, "occurrence": n} for n, path in enumerate(paths)]
        rows = [("o", "a", 500, 0, {"tx": pack_tx(6, 0), "height": 6}), ("a", "x", 500, 1, own)]
        rows += [("x", "b", 300, 1, calls[0]), ("x", "c", 200, 1, calls[1])]
        return desk.paid(rows, read="abcx", placed=False, asset=self.COIN)

    @pytest.mark.parametrize("known", [True, False])
    @pytest.mark.parametrize("paths", [("0", "1"), (None, None)])
    def test_come_after_what_their_transaction_pays(
        self, desk: Any, known: bool, paths: tuple[str | None, ...]
    ) -> None:
        ledger = self.listed(desk, known, *paths)
        found = trace(ledger, [desk.account("a")], policy="fifo", asset=self.COIN)
        for one in (found, *found.others):
            assert desk.ends(one) == {("not read", "b"): 300, ("not read", "c"): 200}

    def test_are_placed_by_their_transaction_and_number(self, desk: Any) -> None:
        rows = movements(self.listed(desk, True, "0", "1"), self.COIN, None)
        assert rows["order_uncertain"].to_list() == [True, False, False, False]
        assert rows["tx"].drop_nulls().unique().sort().to_list() == [pack_tx(6, 0), pack_tx(7, 4)]
        rows = movements(self.listed(desk, True, None, None), self.COIN, None)
        assert rows["order_uncertain"].to_list() == [True, False, True, True]

    def test_stay_behind_it_in_every_order(self) -> None:
        near = pl.DataFrame(
            {"moment": [1] * 4, "at": range(4), "sender": [b"a", b"x", b"x", b"o"],
             "receiver": [b"x", b"b", b"c", b"x"], "after": [None, 0, 0, None],
             "order_uncertain": [True] * 4}
        )  # fmt: skip
        others, every = other_orders(near, {b"x"})
        orders = [[change.get(n, n) for n in range(4)] for change in others]
        assert every
        assert len(orders) == 7, "of 24 these and the first have both calls behind the payment"
        assert all(order.index(0) < min(order.index(1), order.index(2)) for order in orders)

    def test_stay_behind_it_where_not_every_order_is_tried(self) -> None:
        near = pl.DataFrame(
            {"moment": [1] * 6, "at": range(6), "sender": [b"o", b"a", b"x", b"x", b"x", b"x"],
             "receiver": [b"x"] * 6, "after": [None, None, 1, 1, 1, 1],
             "order_uncertain": [True] * 6}
        )  # fmt: skip
        others, every = other_orders(near, {b"x"})
        turned = [others[0].get(n, n) for n in range(6)]
        assert not every
        assert sorted(turned) == list(range(6))
        assert turned == [1, 5, 4, 3, 2, 0]


class TestATraceWithoutTimes:
    ROWS = paid(("x", "a", 10, at(5, 0)), ("a", "b", 10, at(6, 0)), ("b", "c", 10, at(7, 0)))

    def test_follows_by_height(self, desk: Any) -> None:
        found = trace(desk.paid(self.ROWS, read="ab"), desk.account("a"), policy="fifo",
                      asset=desk.asset)  # fmt: skip
        assert desk.ends(found) == {(NOT_READ, "c"): 10}
        assert found.steps["time"].null_count() == 2
        assert found.steps["hop"].to_list() == [1, 2] or set(found.steps["hop"]) == {1, 2}

    def test_says_that_a_reading_may_not_reach_a_payment(self, desk: Any) -> None:
        ledger = desk.paid(self.ROWS, read="ab")
        first = ledger.frames["coverage"].with_columns(from_time=date(2023, 1, 1))
        ledger.frames["coverage"] = first.cast(dict(ledger.frames["coverage"].schema))
        found = trace(ledger, desk.account("a"), policy="fifo", asset=desk.asset)
        assert desk.ends(found) == {(NOT_READ, "b"): 10}
        assert "time of this payment is not known" in found.ends["detail"][0]

    def test_a_dated_tag_may_not_have_held(self, desk: Any) -> None:
        ledger = desk.paid(self.ROWS, read="ab")
        eth = desk.asset.chain
        for days, words in (({}, False), ({"first_day": date(2023, 1, 1)}, True)):
            tags = desk.tags(("b", "shop", "exchange", days), chain=eth)
            found = trace(ledger, desk.account("a"), policy="fifo", asset=desk.asset, stop=tags)
            assert desk.ends(found) == {(HOSTED, "b"): 10}
            assert ("day of the payment is not known" in found.ends["detail"][0]) is words
            reached = exposure(found, tags)
            assert reached.frame.height == (0 if words else 1)

    def test_a_span_is_refused(self, desk: Any) -> None:
        ledger = desk.paid(self.ROWS, read="ab").between("2023-01-01", None)
        for verb in (
            lambda: trace(ledger, desk.account("a"), policy="fifo", asset=desk.asset),
            lambda: counterparties(ledger, desk.account("a"), asset=desk.asset),
        ):
            with pytest.raises(TraceError, match="of 3 transfers of TOK the height is known"):
                verb()

    def test_counterparties_and_custody_have_all(self, desk: Any) -> None:
        ledger = desk.paid(self.ROWS, read="ab")
        tags = desk.tags(("c", "shop"), ("x", "shop"), chain=desk.asset.chain)
        direct = counterparties(ledger, desk.account("b"), asset=desk.asset, tags=tags)
        assert (direct.total("in"), direct.total("out")) == (10, 10)
        assert direct.frame["service"].to_list().count("shop") == 1
        at_shop = hosted(ledger, tags, asset=desk.asset)
        assert desk.account("b") in at_shop.few["address"].to_list()
