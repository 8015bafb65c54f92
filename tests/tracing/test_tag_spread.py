"""A tag speaks of its address, and of a cluster only where its publisher says so or is asked to."""

from __future__ import annotations

from datetime import date
from typing import Any, NamedTuple

import pytest

from chainwatch.addresses.assets import native
from chainwatch.attribution.naming import one_spelling, same
from chainwatch.attribution.resolve import clustered, rivals, statements_of
from chainwatch.clusters.cluster import cluster
from chainwatch.heuristics.co_spend import co_spends
from chainwatch.heuristics.coinjoin import equal_outputs
from chainwatch.privacy.edition import WORKING, Edition
from chainwatch.privacy.flows import flows
from chainwatch.privacy.roles import roles_of
from chainwatch.results.roles import NOBODY
from chainwatch.tracing.custody.hosted import hosted
from chainwatch.tracing.exposure import exposure
from chainwatch.tracing.policies import fifo
from chainwatch.tracing.trace import trace

CHAIN = "bip122:0f9188f13cb7b2c71f2a335e3a4fc328"
COIN = native("btc-regtest")
DAY = date(2023, 6, 1)


class Found(NamedTuple):
    ends: dict[tuple[str, str | None], int]
    reached: list[tuple[str, str]]
    role: str | None
    trace: Any
    exposure: Any
    drawn: set[str]


def followed(desk: Any, definer: bool | None, *, ask: bool = False) -> Found:
    """S pays E; D and E are swept together; D is tagged."""
    txs = [
        {"id": "in", "ins": [], "outs": [("s", 10), ("d", 5)]},
        {"id": "pay", "ins": [("in", 0)], "outs": [("e", 10)]},
        {"id": "sweep", "ins": [("in", 1), ("pay", 0)], "outs": [("x", 15)]},
    ]
    ledger = desk.coins(txs)
    owners = cluster(co_spends(ledger))
    tags = desk.tags(("d", "shop", "exchange", {"definer": definer}))
    got = trace(ledger, [desk.coin("s")], policy=fifo, chain=CHAIN, stop=tags, clusters=owners,
                spread_unstated=ask)  # fmt: skip
    seen = exposure(got, tags, clusters=owners, spread_unstated=ask)
    roles = roles_of([tags, owners, got, seen])
    drawn = flows(got, Edition(WORKING, bytes(16)), owners, tags)
    return Found(
        desk.ends(got),
        list(seen.frame.select("actor", "basis").iter_rows()),
        roles.get((CHAIN, desk.coin("e"))),
        got,
        seen,
        {*drawn["source_label"], *drawn["target_label"]},
    )


@pytest.mark.parametrize(("definer", "ask"), [(False, False), (False, True), (None, False)])
def test_a_tag_for_one_address_ends_nothing_at_another(
    desk: Any, definer: bool | None, ask: bool
) -> None:
    found = followed(desk, definer, ask=ask)
    assert found.ends == {("unspent", "x"): 10}
    assert (found.reached, found.role) == ([], None)
    assert "shop wallet" not in found.drawn, "the figure calls no cluster by it either"


@pytest.mark.parametrize(("definer", "ask"), [(True, False), (None, True)])
def test_a_tag_for_the_cluster_does(desk: Any, definer: bool | None, ask: bool) -> None:
    found = followed(desk, definer, ask=ask)
    assert found.ends == {("hosted service", "e"): 10}
    assert found.reached == [("shop", "cluster of a tagged address")]
    assert found.role == "service"


def test_what_nothing_is_said_of_is_counted_and_the_request_recorded(desk: Any) -> None:
    silent, asked, said = (
        followed(desk, definer, ask=ask)
        for definer, ask in ((None, False), (None, True), (True, False))
    )
    assert [found.trace.asked.unstated for found in (silent, asked, said)] == [1, 1, 0]
    assert [found.exposure.unstated for found in (silent, asked, said)] == [1, 1, 0]
    words = "1 tag of a clustered address does not say whether the whole cluster is meant: it was"
    for found, done in ((silent, "not taken to be."), (asked, "taken to be, as was asked.")):
        for result in (found.trace, found.exposure):
            assert f"{words} {done}" in repr(result)
            (finding,) = result.findings(NOBODY)
            assert f"{words} {done}" in " ".join(finding.text)
    assert asked.trace.record.params["spread_unstated"] is True
    assert asked.exposure.record.params["spread_unstated"] is True
    assert "does not say" not in repr(said.trace)


def test_a_victims_tag_keeps_a_cluster_masked_whatever_it_says(desk: Any) -> None:
    owners = cluster(co_spends(desk.coins([
        {"id": "in", "ins": [], "outs": [("d", 5), ("e", 5)]},
        {"id": "sweep", "ins": [("in", 0), ("in", 1)], "outs": [("x", 10)]},
    ])))  # fmt: skip
    tags = desk.tags(("e", "shop"), ("d", "her", "victim", {"definer": False}))
    assert roles_of([tags, owners]).get((CHAIN, desk.coin("d"))) is None


class TestNames:
    """A label contradicts no actor, and capitals and white space make no two of one."""

    def said(self, desk: Any, *rows: tuple[Any, ...]) -> Any:
        return statements_of(desk.tags(*rows).frame, CHAIN)[desk.coin("x")]

    def test_a_label_beside_an_actor_is_one_service(self, desk: Any) -> None:
        label = {"actor": None, "label": "Binance 9", "source": "other"}
        said = self.said(desk, ("x", "binance", "exchange", {"label": "Binance 9"}),
                         ("x", "", "exchange", label))  # fmt: skip
        assert rivals(said, DAY) == ("binance",)
        assert {one.actor for one in said} == {"binance"}, "the label is the actor's"

    def test_another_label_beside_an_actor_contests_nothing(self, desk: Any) -> None:
        label = {"actor": None, "label": "a hot wallet", "source": "other"}
        said = self.said(desk, ("x", "binance"), ("x", "", "exchange", label))
        assert rivals(said, DAY) == ("binance",)

    def test_two_labels_do_where_no_actor_is_stated(self, desk: Any) -> None:
        rows = [("x", "", "exchange", {"actor": None, "label": name}) for name in ("one", "two")]
        assert rivals(self.said(desk, *rows), DAY) == ("one", "two")

    def test_capitals_and_white_space_make_no_two(self, desk: Any) -> None:
        rows = [("x", name, "exchange", {"source": name}) for name in ("Bin  Ance", "bin ance ")]
        said = self.said(desk, *rows)
        assert rivals(said, DAY) == ("Bin  Ance",)
        assert desk.tags(*rows).conflicts().is_empty()
        assert same("Straße") == same("STRASSE")
        assert one_spelling(["b", "B", "c"]) == {"b": "B", "B": "B", "c": "c"}

    def test_nor_do_they_over_a_cluster_or_two_sets_of_tags(self, desk: Any) -> None:
        coins = [{"id": "in", "ins": [], "outs": [("x", 5), ("y", 5)]},
                 {"id": "sweep", "ins": [("in", 0), ("in", 1)], "outs": [("z", 10)]}]  # fmt: skip
        label = {"actor": None, "label": "hot 2"}
        for other in (("y", "SHOP"), ("y", "", "exchange", label)):
            tags = desk.tags(("x", "shop"), other)
            owners = cluster(co_spends(desk.coins(coins)), tags=tags)
            assert owners.alarms.is_empty()
            assert owners.collapses.is_empty()
            spread = clustered(statements_of(tags.frame, CHAIN), owners, CHAIN)
            assert {same(rows[0].actor) for rows in spread.values()} == {"shop"}

    def test_a_deposit_address_and_a_tag_spell_their_service_alike(self, desk: Any) -> None:
        ledger = desk.coins([
            {"id": "in", "ins": [], "outs": [("s", 9)]},
            {"id": "pay", "ins": [("in", 0)], "outs": [("d", 5), ("h", 4)]},
            {"id": "sweep", "ins": [("pay", 0)], "outs": [("h", 5)]},
            {"id": "more", "ins": [], "outs": [("d", 1)]},
            {"id": "again", "ins": [("more", 0)], "outs": [("h", 1)]},
        ])  # fmt: skip
        at = hosted(ledger, desk.tags(("h", "Shop")), asset=COIN)
        got = trace(ledger, [desk.coin("s")], policy=fifo, chain=CHAIN,
                    stop=[desk.tags(("h", "SHOP")), at])  # fmt: skip
        assert set(got.ends["service"]) == {"SHOP"}
        assert set(got.ends["basis"]) == {"tagged address", "one destination"}


def test_an_end_is_worded_by_how_it_came_about(desk: Any) -> None:
    """A tag of little confidence is a tag: who pays a hot wallet pays no deposit address."""
    ledger = desk.coins([
        {"id": "in", "ins": [], "outs": [("s", 12)]},
        {"id": "pay", "ins": [("in", 0)], "outs": [("h", 3), ("d", 4), ("c", 5)]},
        {"id": "sweep", "ins": [("pay", 1)], "outs": [("h", 4)]},
        {"id": "more", "ins": [], "outs": [("d", 1)]},
        {"id": "again", "ins": [("more", 0)], "outs": [("h", 1)]},
        {"id": "join", "ins": [("pay", 2), ("in2", 0, 1, "g")], "outs": [("x", 6)]},
    ])  # fmt: skip
    tags = desk.tags(("h", "binance"), ("g", "kraken", "exchange", {"level": 60}))
    at = hosted(ledger, tags, asset=COIN)
    got = trace(ledger, [desk.coin("s")], policy=fifo, chain=CHAIN, stop=[tags, at],
                clusters=cluster(co_spends(ledger)))  # fmt: skip
    (finding,) = got.findings(NOBODY)
    assert "paid to binance (probable)" in finding.headline
    assert (
        "paid to a wallet that pays nobody but binance (custody undecided, can be opened)"
        in finding.headline
    )
    assert (
        "paid to an address that co-spending joins to a tagged one of kraken (probable)"
        in finding.headline
    )
    assert finding.frame.select("service", "basis").sort("basis").rows() == [
        ("kraken", "cluster of a tagged address"),
        ("binance", "one destination"),
        ("binance", "tagged address"),
    ]


class TestSilence:
    """That nothing was found says little where nothing was asked."""

    TXS = (
        {"id": "in", "ins": [], "outs": [("s", 9)]},
        {"id": "pay", "ins": [("in", 0)], "outs": [("d", 9)]},
    )

    def told(self, desk: Any, stop: Any) -> str:
        got = trace(desk.coins(list(self.TXS)), [desk.coin("s")], policy=fifo, chain=CHAIN,
                    stop=stop)  # fmt: skip
        (finding,) = got.findings(NOBODY)
        return " ".join(finding.text)

    def test_of_tags(self, desk: Any) -> None:
        assert "No tags were given to stop at" in self.told(desk, None)
        assert "names an address of this chain" in self.told(desk, desk.tags())
        said = self.told(desk, desk.tags(("x", "shop")))
        assert "The tags to stop at name 1 address of this chain" in said

    def test_of_rules(self, desk: Any) -> None:
        assert "No rule on mixes was given" in self.told(desk, None)
        assert "1 transaction was judged" in self.told(desk, equal_outputs())  # the other made it

    def test_of_exposure(self, desk: Any) -> None:
        got = trace(desk.coins(list(self.TXS)), [desk.coin("s")], policy=fifo, chain=CHAIN)
        for tags, words in (
            (desk.tags(), "No tags were given"),
            (desk.tags(("x", "shop")), "No tagged party was reached, of 1 address tagged."),
            (desk.tags(("x", "shop"), chain="eip155:1"), "No tags were given on bip122:"),
        ):
            (finding,) = exposure(got, tags).findings(NOBODY)
            assert words in finding.headline
