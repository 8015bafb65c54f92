"""A span knows what was read before it; ties are bounded only where all orders are tried."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import polars as pl
import pytest

from chainwatch.addresses.assets import native
from chainwatch.errors import ConservationError
from chainwatch.heuristics.poisoning import poisoning
from chainwatch.ledger.ledger import Ledger
from chainwatch.tracing.counterparties import counterparties
from chainwatch.tracing.custody.hosted import hosted
from chainwatch.tracing.policies import fifo
from chainwatch.tracing.trace import trace
from chainwatch.units import LARGEST_AMOUNT

DAY = 60 * 24


def follow(desk: Any, ledger: Ledger, **more: Any) -> Any:
    return trace(ledger, [desk.account("s")], policy=fifo, asset=desk.asset, **more)


class TestSpan:
    def test_what_was_held_is_an_origin_and_stays_held(self, desk: Any) -> None:
        ledger = desk.paid([("a", "s", 100, 0), ("s", "x", 60, 11 * DAY)], read="s")
        got = follow(desk, ledger.between("2023-06-05", None))
        assert got.origins.select("kind", "amount").rows() == [("held before the span", 100)]
        assert desk.ends(got) == {("unspent", "s"): 40, ("not read", "x"): 60}

    def test_what_was_not_read_is_told_from_what_was(self, desk: Any) -> None:
        rows = [("a", "s", 50, 0), ("s", "x", 20, 1), ("s", "x", 90, 11 * DAY)]
        got = follow(desk, desk.paid(rows, read="s").between("2023-06-05", None))
        kinds = dict(got.origins.group_by("kind").agg(pl.col("amount").sum()).iter_rows())
        assert kinds == {"opening, not read": 40, "held before the span": 50}

    def test_a_balance_on_the_way_keeps_its_older_lots(self, desk: Any) -> None:
        rows = [("c", "m", 100, 0), ("s", "m", 50, 10 * DAY), ("m", "x", 50, 11 * DAY)]
        ledger = desk.paid(rows, read="sm")
        for one in (ledger, ledger.between("2023-06-05", None)):
            assert desk.ends(follow(desk, one)) == {("unspent", "m"): 50}

    def test_a_lure_stays_a_lure(self, desk: Any) -> None:
        genuine, lure = (b"\x10" + name.rjust(18, b".") + b"\xab\xcd" for name in (b"g", b"l"))
        ledger = desk.paid([("g", "s", 1_000_000, 0), ("l", "s", 50_000, 10 * DAY)], read="s")
        senders = pl.Series("sender", [genuine, lure])
        tables = dict(ledger.frames) | {
            "transfers": ledger.frames["transfers"].with_columns(senders)
        }
        span = Ledger.from_tables(tables).between("2023-06-05", None)
        found = counterparties(span, [desk.account("s")], asset=desk.asset, trifle=100_000)
        assert (found.poisoning.height, found.total("in")) == (1, 0)


def test_trifles_add_up_to_no_payment(desk: Any) -> None:
    """Each is judged alone: eleven lures are eleven lures."""
    paid = [("g", "s", 10**9, 0)] + [("l", "s", 100_000, place) for place in range(1, 12)]
    ledger = desk.paid(paid, read="s")
    transfers = ledger.frames["transfers"].with_columns(
        pl.Series("sender", [row[:1] + row[-18:] + b"\xab\xcd"
                             for row in ledger.frames["transfers"]["sender"]])
    )  # fmt: skip
    one = Ledger.from_tables(dict(ledger.frames) | {"transfers": transfers})
    direct = counterparties(one, [desk.account("s")], asset=desk.asset, trifle=100_000)
    assert (direct.poisoning.height, direct.total("in")) == (11, 10**9)
    assert follow(desk, one, poisoning=poisoning(100_000)).origins["amount"].to_list() == [10**9]


class TestTies:
    def test_separate_ties_are_tried_in_every_combination(self, desk: Any) -> None:
        rows = []
        for place, m in enumerate("mn"):
            pair = [("s", m, 10, 9 * place), ("c", m, 10, 9 * place)]
            rows += pair[:: 1 if place else -1]
            rows += [(m, "e", 10, 9 * place + 1), (m, "x", 10, 9 * place + 2)]
        tags = desk.tags(("e", "E"), chain=desk.asset.chain)
        got = follow(desk, desk.paid(rows, read="smn"), stop=tags)
        found = {row[0]: (int(row[2]), int(row[3])) for row in got.bounds.iter_rows()}
        assert found == {"hosted service": (0, 20), "not read": (0, 20)}
        assert (got.orders, got.bounded) == (4, True)

    def test_many_ties_are_not_called_bounded(self, desk: Any) -> None:
        rows = []
        for place in range(7):
            rows += [("s", "m", 10, 9 * place), ("c", "m", 10, 9 * place)]
            rows += [("m", "e", 10, 9 * place + 1), ("m", "x", 10, 9 * place + 2)]
        got = follow(desk, desk.paid(rows, read="sm"))
        assert not got.bounded
        assert "not bounded: 14 ties, 9 orders tried" in repr(got)


def test_value_after_the_last_row_of_a_section_is_not_read(desk: Any) -> None:
    ledger = desk.paid([("q", "x", 7, 0), ("a", "s", 9, 1), ("s", "x", 9, DAY)], read="sx")
    times = ledger.frames["transfers"]["time"]
    until = pl.Series("to_time", [times[2], times[0] + timedelta(hours=1)])
    tables = dict(ledger.frames) | {"coverage": ledger.frames["coverage"].with_columns(until)}
    assert desk.ends(follow(desk, Ledger.from_tables(tables))) == {("not read", "x"): 9}


class TestContested:
    def test_all_verbs_agree(self, desk: Any) -> None:
        tags = desk.tags(("x", "Z"), ("x", "A"), chain=desk.asset.chain)
        ledger = desk.paid([("a", "s", 9), ("s", "x", 9)], read="s")
        (end,) = follow(desk, ledger, stop=tags).ends.iter_rows(named=True)
        assert (end["reason"], end["service"], end["certainty"]) == (
            "hosted service", None, "contested",
        )  # fmt: skip
        assert "A wallet by list, Z wallet by list" in end["detail"]
        found = counterparties(ledger, [desk.account("s")], asset=desk.asset, tags=tags).frame
        assert found.filter(pl.col("direction") == "out").select("service", "label").rows() == [
            (None, "A or Z (contested)")
        ]
        assert hosted(ledger, tags, asset=desk.asset).frame.height == 0

    def test_a_tag_that_no_longer_holds_contests_nothing(self, desk: Any) -> None:
        old, new = {"last_day": date(2020, 1, 1)}, {"first_day": date(2021, 1, 1)}
        tags = desk.tags(
            ("x", "A", "exchange", old), ("x", "B", "exchange", new), chain=desk.asset.chain
        )
        ledger = desk.paid([("a", "s", 9), ("s", "x", 9)], read="s")
        (end,) = follow(desk, ledger, stop=tags).ends.iter_rows(named=True)
        assert (end["service"], end["certainty"]) == ("B", "probable")
        assert "other tags" not in end["detail"]


class TestCustody:
    def test_what_strangers_send_later_undoes_nothing(self, desk: Any) -> None:
        rows = [("s", "d", 100, 1), ("d", "h", 60, 2), ("d", "h", 40, 3), ("q", "d", 50, 9000)]
        tags = desk.tags(("h", "H"), chain=desk.asset.chain)
        (row,) = hosted(desk.paid(rows, read="d"), tags, asset=desk.asset).frame.iter_rows(
            named=True
        )
        assert "50 TOK came in after the last payment and is unswept" in row["evidence"]

    @pytest.mark.parametrize(("stranger", "found"), [("z", 0), ("h", 2)])
    def test_one_wallet_that_pays_elsewhere_is_not_hosted(
        self, desk: Any, stranger: str, found: int
    ) -> None:
        txs = [
            {"id": "1", "ins": [], "outs": [("a", 100)]},
            {"id": "2", "ins": [], "outs": [("b", 100)]},
            {"id": "3", "ins": [], "outs": [("b", 100)]},
            {"id": "4", "ins": [("2", 0)], "outs": [(stranger, 100)]},
            {"id": "5", "ins": [("1", 0), ("3", 0)], "outs": [("h", 200)]},
            {"id": "6", "ins": [], "outs": [("a", 100), ("b", 100)]},
            {"id": "7", "ins": [("6", 0), ("6", 1)], "outs": [("h", 200)]},
        ]
        got = hosted(desk.coins(txs), desk.tags(("h", "X")), asset=native("btc-regtest"))
        assert got.frame.height == found


def test_a_sum_beyond_38_digits_is_refused(desk: Any) -> None:
    rows = [(name, "s", LARGEST_AMOUNT) for name in "ab"]
    direct = counterparties(desk.paid(rows, read="s"), [desk.account("s")], asset=desk.asset)
    with pytest.raises(ConservationError, match="exceeds 38 digits"):
        direct.by("direction")
    with pytest.raises(ConservationError, match="exceeds 38 digits"):
        follow(desk, desk.paid(rows, read="s"))


class TestUnreadSubject:
    """What a subject received beyond what others' histories show is in no figure: it is said."""

    ROWS = (("x", "s", 5), ("s", "k", 5))

    def test_more_may_have_come_in(self, desk: Any) -> None:
        got = follow(desk, desk.paid(self.ROWS, read="xk"))
        assert got.unread == {desk.account("s")}
        said = "Of 1 of 1 address of the subjects the history was not read"
        assert said in str(got.findings(got.subjects)[0].headline)
        assert said in repr(got)

    def test_no_bound_is_above(self, desk: Any) -> None:
        bounds = follow(desk, desk.paid(self.ROWS, read="xk")).open_bounds()
        assert bounds.rows() == [("unspent", None, 5, None)]
        read = follow(desk, desk.paid(self.ROWS, read="xks")).open_bounds()
        assert read.rows() == [("unspent", None, 5, 5)]

    def test_a_history_that_was_read_is_not_spoken_of(self, desk: Any) -> None:
        got = follow(desk, desk.paid(self.ROWS, read="s"))
        assert got.unread == frozenset()
        assert "more may have come in" not in str(got.findings(got.subjects)[0].headline)

    def test_orders_that_change_the_ends_are_said(self, desk: Any) -> None:
        rows = [("s", "m", 5, 2), ("m", "e", 5, 2), ("k", "m", 5, 1), ("z", "s", 5, 0)]
        tags = desk.tags(("e", "E"), chain=desk.asset.chain)
        ledger = desk.paid([*rows[::-1], ("m", "q", 5, 3)], read="smekqz")
        got = trace(ledger, [desk.account("s")], policy="lifo", asset=desk.asset, stop=tags)
        assert len(got.others) == 1
        assert "The amounts are those of one order." in str(got.findings(got.subjects)[0].headline)
