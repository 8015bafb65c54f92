"""Exposure where orders are open, backward, and at parties behind which nothing is followed."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

import pytest

from chainwatch.tracing.exposure import Exposure, exposure
from chainwatch.tracing.trace import trace

EARLIER = [("z", "s", 5, 0), ("k", "m", 5, 1), ("m", "e", 5, 2), ("s", "m", 5, 2), ("m", "q", 5, 3)]
LATER = [EARLIER[at] for at in (0, 1, 3, 2, 4)]


def found(desk: Any, rows: Any, *tags: Any, policy: str = "lifo", **more: Any) -> Exposure:
    """Follow from s under a policy, with stops at the tags, and look whom it reached."""
    told = desk.tags(*tags, chain=desk.asset.chain)
    ledger = desk.paid(rows, read="smekqzE")
    way = trace(ledger, [desk.account("s")], policy=policy, asset=desk.asset, stop=told, **more)
    return exposure(way, told)


def headline(one: Exposure) -> str:
    return str(one.findings(one.frame)[0].headline)


class TestOrders:
    """m gets 5 of s in the minute in which it pays 5 to e: which was first decides what e gets."""

    @pytest.mark.parametrize("rows", [EARLIER, LATER])
    def test_who_may_be_reached_is_named_with_both_bounds(self, desk: Any, rows: Any) -> None:
        one = found(desk, rows, ("e", "E"))
        assert one.frame["actor"].to_list() == ["E"]
        assert one.by_order.drop("subject").rows() == [("E", 0, 5, 0, 5)]
        assert "between 0 TOK and 5 TOK, by the order of transfers" in headline(one)
        assert "No tagged party" not in headline(one)
        assert {actor for actor, _ in one.names()} == {"E"}
        assert "2 orders of them can be" in " ".join(map(str, one.findings(one.frame)[0].text))
        assert "between 0 TOK and 5 TOK" in repr(one)

    def test_both_orders_of_the_rows_say_the_same(self, desk: Any) -> None:
        one, other = (found(desk, rows, ("e", "E")) for rows in (EARLIER, LATER))
        assert one.by_order.equals(other.by_order)

    def test_an_order_that_changes_nothing_is_not_spoken_of(self, desk: Any) -> None:
        one = found(desk, LATER, ("e", "E"), policy="fifo")
        assert (one.by_order.height, one.order_open) == (0, "")
        assert headline(one) == "No tagged party was reached, of 1 address tagged."

    def test_orders_not_all_tried_rule_nobody_out(self, desk: Any) -> None:
        rows = [("z", "s", 90, 0)]
        for _ in range(5):
            rows += [("s", "m", 5, 9), ("k", "m", 5, 9)]
        one = found(desk, [*rows, ("m", "q", 5, 10)], ("e", "E"))
        assert "No tagged party was reached" not in headline(one)
        assert "others may give other amounts" in headline(one)


class TestStayed:
    def test_what_ends_at_a_tagged_scam_and_a_mixer_stayed_there(self, desk: Any) -> None:
        rows = [("z", "s", 9), ("s", "m", 4), ("s", "k", 5)]
        one = found(desk, rows, ("m", "Camp", "scam"), ("k", "Torn", "mixing_service"))
        assert one.frame.select("actor", "arrived", "stayed").rows() == [
            ("Camp", 4, 4), ("Torn", 5, 5)
        ]  # fmt: skip
        assert "4 TOK ended there" in headline(one)
        assert "5 TOK ended there" in headline(one)
        assert "the rest did" not in " ".join(map(str, one.findings(one.frame)[0].text))

    def test_a_coin_that_enters_a_joint_transaction_went_on(self, desk: Any) -> None:
        rows = [("z", "s", 9), ("s", "m", 4), ("m", "q", 3)]
        told = desk.tags(("m", "Camp", "scam"), chain=desk.asset.chain)
        way = trace(
            desk.paid(rows, read="smqz"), [desk.account("s")], policy="fifo", asset=desk.asset
        )
        assert exposure(way, told).frame.select("arrived", "stayed").rows() == [(4, 1)]


def test_backward_it_is_who_paid(desk: Any) -> None:
    rows = [("z", "E", 9), ("E", "m", 9), ("m", "s", 9), ("s", "q", 9)]
    one = found(desk, rows, ("E", "Exch"), ("q", "After"), policy="fifo", direction="backward")
    columns = ("actor", "arrived", "stayed", "arrivals", "hops")
    assert one.frame.select(columns).rows() == [("Exch", 9, 9, 1, 2)]
    assert "9 TOK is consistent with having come from Exch" in headline(one)
    assert one.findings(one.frame)[0].title == "Tagged parties that the value came from"


def test_backward_on_coins_it_is_who_paid(desk: Any) -> None:
    txs = [
        {"id": "in", "ins": [], "outs": [("e", 9)]},
        {"id": "out", "ins": [("in", 0)], "outs": [("m", 9)]},
        {"id": "on", "ins": [("out", 0)], "outs": [("s", 9)]},
    ]
    tags = desk.tags(("e", "Exch"))
    way = trace(
        desk.coins(txs), [desk.coin("s")], policy="fifo", chain="btc-regtest", stop=tags,
        direction="backward",
    )  # fmt: skip
    assert exposure(way, tags).frame.select("actor", "arrived", "hops").rows() == [("Exch", 9, 2)]


class TestJurisdiction:
    ROWS = (("z", "s", 9), ("s", "m", 9))

    def place(self, desk: Any, *tags: Any) -> list[Any]:
        one = found(desk, list(self.ROWS), *tags, policy="fifo")
        return one.categories["jurisdiction"].to_list()

    def at(self, name: str, **more: Any) -> dict[str, Any]:
        return {"context": json.dumps({"jurisdiction": name}), **more}

    def test_another_actors_rumour_gives_none(self, desk: Any) -> None:
        sure = {"confidence": "forensic", "level": 80}
        alder, birch = ("m", "Alder", "exchange", sure), ("m", "Birch", "exchange", self.at("KP"))
        assert self.place(desk, alder, birch) == [None]
        assert self.place(desk, birch, alder) == [None]

    def test_of_two_of_one_confidence_both_are_said(self, desk: Any) -> None:
        us, sc = (self.at(name, source=name) for name in ("US", "SC"))
        said = [("m", "Alder", "exchange", one) for one in (us, sc)]
        assert self.place(desk, *said) == self.place(desk, *said[::-1]) == ["SC or US"]

    def test_the_surest_speaks(self, desk: Any) -> None:
        sure = ("m", "Alder", "exchange", self.at("US", level=80, source="court"))
        assert self.place(desk, ("m", "Alder", "exchange", self.at("SC")), sure) == ["US"]

    def test_only_tags_of_the_day_speak(self, desk: Any) -> None:
        old = self.at("SC", last_day=date(2020, 1, 1), level=80, source="old")
        both = [("m", "Alder", "exchange", one) for one in (old, self.at("US"))]
        assert self.place(desk, *both) == ["US"]

    def test_another_address_of_the_actor_tells_it(self, desk: Any) -> None:
        tags = [("m", "Alder"), ("k", "Alder", "exchange", self.at("US"))]
        assert self.place(desk, *tags) == ["US"]

    def test_both_actors_of_a_contested_address_are_asked(self, desk: Any) -> None:
        tags = [
            ("m", who, "exchange", self.at(at)) for who, at in (("Alder", "US"), ("Birch", "SC"))
        ]
        assert self.place(desk, *tags) == ["SC or US"]
