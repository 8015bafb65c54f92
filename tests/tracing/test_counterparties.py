"""Direct counterparties: every payment on its side, and what is set apart from them."""

from __future__ import annotations

from datetime import date
from typing import Any

import polars as pl
import pytest

from chainwatch.addresses.assets import native
from chainwatch.errors import TraceError
from chainwatch.tracing.counterparties import Counterparties, counterparties
from chainwatch.tracing.trace import trace


def direct(desk: Any, rows: list[Any], who: str = "ab", **more: Any) -> Counterparties:
    subjects = [desk.account(name) for name in who]
    return counterparties(desk.paid(rows, read=who), subjects, asset=desk.asset, **more)


def test_both_directions_and_their_totals(desk: Any) -> None:
    got = direct(desk, [("o", "a", 5), ("a", "p", 3), ("p", "q", 9)])
    assert (got.total("in"), got.total("out")) == (5, 3)
    assert got.frame["direction"].to_list() == ["in", "out"]


def test_a_payment_between_two_subjects_stands_on_both_sides(desk: Any) -> None:
    got = direct(desk, [("a", "b", 5)])
    assert (got.total("in"), got.total("out")) == (5, 5)
    assert got.frame["other_subject"].to_list() == [True, True]
    assert got.frame.select("subject", "counterparty").rows() == [
        (desk.account("a"), desk.account("b")),
        (desk.account("b"), desk.account("a")),
    ]


def test_a_payment_to_oneself_stands_apart(desk: Any) -> None:
    got = direct(desk, [("a", "a", 5), ("o", "a", 1)])
    assert (got.total("in"), got.total("out")) == (1, 0)
    assert got.own.select("subject", "amount").rows() == [(desk.account("a"), 5)]


def test_failed_and_unknown_amounts_stand_apart(desk: Any) -> None:
    rows = [("o", "a", 5), ("o", "a", 7, None, {"success": False})]
    got = direct(desk, [*rows, ("o", "a", None, None, {"amount_hex": "0x" + "f" * 64})])
    assert got.total("in") == 5
    assert got.failed["amount"].to_list() == [7]
    assert got.wide["amount_hex"].to_list() == ["0x" + "f" * 64]


def test_lures_stand_apart_with_the_rule_that_says_so(desk: Any) -> None:
    rows = [("pp.........xxxx", "a", 50), ("qq.........xxxx", "a", 2), ("a", "qq.........xxxx", 0)]
    got = direct(desk, rows, trifle=2)
    assert got.total("in") == 50
    assert got.total("out") == 0
    why = ["look_alike(at_most=2, head=0, tail=4)", "zero_value()"]
    assert got.poisoning["why"].to_list() == why
    assert got.poisoning["imitates"].to_list() == [desk.account("pp.........xxxx")] * 2
    assert direct(desk, rows, trifle=1).total("in") == 52


def test_one_is_said_of_one(desk: Any) -> None:
    lure = ("a", "qq.........xxxx", 0)
    assert repr(direct(desk, [("o", "a", 1), lure])).startswith("Counterparties(1 subject, ")
    assert " 1 poisoning attempt apart" in repr(direct(desk, [("o", "a", 1), lure]))
    two = direct(desk, [("o", "a", 1), ("o", "b", 1), lure, lure])
    assert repr(two).startswith("Counterparties(2 subjects, ")
    assert " 2 poisoning attempts apart" in repr(two)


def test_nothing_is_lost_or_counted_twice(desk: Any) -> None:
    rows = [("o", "a", 1), ("a", "b", 2), ("b", "b", 3), ("b", "p", 4), ("a", "p", 0)]
    got = direct(desk, [*rows, ("p", "a", None), ("p", "q", 6)])
    seen = [*got.frame["txid"].unique(), *got.poisoning["txid"]]
    seen += [*got.failed["txid"], *got.own["txid"], *got.wide["txid"]]
    assert sorted(seen) == sorted(desk.txid(f"transfer {i}") for i in range(6))


class TestNames:
    def test_the_most_confident_tag_that_holds_names_a_counterparty(self, desk: Any) -> None:
        later = {"level": 60, "first_day": date(2023, 6, 2)}
        tags = desk.tags(("p", "old"), ("p", "new", "exchange", later), chain=desk.asset.chain)
        got = direct(desk, [("a", "p", 1), ("a", "p", 2, 24 * 60), ("a", "q", 3)], tags=tags)
        assert got.frame.sort("amount")["service"].to_list() == ["old", "new", None]

    def test_several_tags_do_not_repeat_a_payment(self, desk: Any) -> None:
        tags = desk.tags(("p", "x"), ("p", "y"), ("p", "x", "sanction"), chain=desk.asset.chain)
        got = direct(desk, [("a", "p", 1)], tags=tags)
        assert got.frame.height == 1

    def test_sums_by_service_and_month(self, desk: Any) -> None:
        tags = desk.tags(("p", "shop"), chain=desk.asset.chain)
        rows = [("a", "p", 1), ("a", "p", 2), ("a", "q", 4, 31 * 24 * 60)]
        got = direct(desk, rows, tags=tags)
        assert got.by("service").select("service", "payments", "amount").rows() == [
            ("shop", 2, 3), (None, 1, 4),
        ]  # fmt: skip
        assert got.by("month")["month"].to_list() == ["2023-06", "2023-07"]


def test_subjects_of_another_chain_are_refused(desk: Any) -> None:
    ledger = desk.paid([("o", "a", 1)])
    elsewhere = pl.DataFrame({"chain": ["tron:0x2b6653dc"], "address": [desk.account("a")]})
    with pytest.raises(TraceError, match="no subject is on eth: they are on tron"):
        counterparties(ledger, elsewhere, asset=desk.asset)


def test_the_html_is_escaped(desk: Any) -> None:
    got = direct(desk, [("o", "a", 1)])
    assert got._repr_html_().startswith("<pre style=")
    assert ">Counterparties(" in got._repr_html_()


class TestEffectThatNoSourceStates:
    COIN = native("eth")

    def rows(self, **more: Any) -> list[Any]:
        return [("o", "a", 5, None, more), ("o", "a", 0, None, more), ("a", "a", 2, None, more),
                ("a", "p", 3, None, more), ("o", "a", 9, None, {"success": False})]  # fmt: skip

    def found(self, desk: Any, **more: Any) -> Counterparties:
        ledger = desk.paid(self.rows(**more), asset=self.COIN)
        return counterparties(ledger, [desk.account("a")], asset=self.COIN)

    def test_of_how_many_and_how_much_it_is_not_known(self, desk: Any) -> None:
        got = self.found(desk, success=None)
        told = got.effect_doubt
        assert told.startswith("Of 2 transfers, 0.000000000000000008 ETH in all, it is not known")
        assert told in repr(got)
        assert (got.total("in"), got.total("out")) == (5, 3)
        said = {one.title: one for one in got.findings(pl.DataFrame())}
        failed = said["Transfers said to be without effect"]
        assert failed.text == ("1 transfer is said to have failed and stands in no total.", told)
        assert failed.headline == told
        assert told in said["Direct counterparties by service"].text

    def test_where_it_is_stated_nothing_is_said(self, desk: Any) -> None:
        got = self.found(desk, success=True)
        assert got.effect_doubt == ""
        titles = [one.title for one in got.findings(pl.DataFrame())]
        assert "Transfers without effect" in titles

    def test_the_log_of_a_token_exists_only_where_it_took_effect(self, desk: Any) -> None:
        assert direct(desk, [("o", "a", 5)]).effect_doubt == ""

    def test_a_trace_says_it_of_what_it_touches(self, desk: Any) -> None:
        ledger = desk.paid(
            [("o", "a", 5), ("a", "p", 3), ("x", "y", 70), ("o", "a", 1, None, {"success": True})],
            asset=self.COIN,
        )
        got = trace(ledger, desk.account("a"), asset=self.COIN, policy="fifo")
        told = "Of 2 transfers, 0.000000000000000008 ETH in all, it is not known whether they took"
        assert got.effect_doubt.startswith(told)
        assert told in repr(got)
        finding = got.findings(pl.DataFrame())[0]
        assert got.effect_doubt in finding.text
        assert finding.headline.endswith(got.effect_doubt)
        one = desk.paid([("o", "a", 5)], asset=self.COIN)
        said = trace(one, desk.account("a"), asset=self.COIN, policy="fifo").effect_doubt
        assert "Of 1 transfer, " in said
        assert said.endswith("whether it took effect: no source says so. It counts as if it had.")
        token = desk.paid([("o", "a", 5)])
        assert trace(token, desk.account("a"), asset=desk.asset, policy="fifo").effect_doubt == ""
