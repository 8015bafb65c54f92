"""One trace over several chains: each crossing an edge, each leg even, and nothing added across."""

from __future__ import annotations

from typing import Any

import polars as pl
import pytest

import chainwatch as cw
from chainwatch.addresses.assets import Asset, native
from chainwatch.addresses.canonical import text
from chainwatch.tracing.crossings.across import NOT_ANSWERED, NOT_LOOKED_AT
from chainwatch.tracing.crossings.across_result import PAID_IN, PAID_OUT
from chainwatch.tracing.crossings.across_tables import (
    AGAIN,
    FOLLOWED,
    LEAD,
    NO_LEDGER,
    OUTSIDE,
    TOO_FAR,
)
from chainwatch.tracing.crossings.matching import NONE_FITS, SEVERAL


def rows_there_and_back(sea: Any) -> list[Any]:
    """A thief pays a bridge; its payout moves on, goes back over the bridge, and is cashed."""
    return [
        sea.paid(sea.here, "victim", "thief", 1_000_000, 0, "theft"),
        sea.paid(sea.here, "thief", "pool", 1_000_000, 5, "in"),
        sea.paid(sea.there, "pool", "mule", 995_000, 15, "out"),
        sea.paid(sea.there, "mule", "friend", 300_000, 200, "gift"),
        sea.paid(sea.there, "mule", "pool", 695_000, 300, "back"),
        sea.paid(sea.here, "pool", "fence", 690_000, 310, "home"),
        sea.paid(sea.here, "fence", "cex", 690_000, 400, "cash"),
    ]


@pytest.fixture
def follow(sea: Any) -> Any:
    def ask(rows: list[Any], *, read: Any = (), given: Any = None, **more: Any) -> cw.TraceAcross:
        names = [("pool", ""), *((name, "") for name in ("thief", "mule", "fence", *read))]
        ledger = sea.ledger(rows, read=names)
        found = sea.crossings(ledger, **(given or {}))
        asked = {"policy": "fifo", "asset": sea.here, "leads": True,
                 "stop": [sea.tags(("cex", "cex", {"concept": "exchange"}))]}  # fmt: skip
        return cw.trace_across(ledger, [sea.account("thief")], found, **(asked | more))

    return ask


def ends(found: cw.TraceAcross) -> list[tuple[int, int, str, str | None, str | None]]:
    columns = ("leg", "amount", "reason", "service", "crossing")
    return [
        (leg, int(amount), *rest) for leg, amount, *rest in found.ends.select(columns).iter_rows()
    ]


def test_there_and_back(sea: Any, follow: Any) -> None:
    found = follow(rows_there_and_back(sea))
    assert ends(found) == [
        (0, 1_000_000, "bridge", "hop", FOLLOWED),
        (1, 695_000, "bridge", "hop", FOLLOWED),
        (1, 300_000, "not read", None, None),
        (2, 690_000, "hosted service", "cex", None),
    ]
    assert [leg.amount for leg in found.legs] == [1_000_000, 995_000, 690_000]
    assert found.legs_told["chain"].to_list() == [sea.here.chain, sea.there.chain, sea.here.chain]
    assert found.legs_told["crossings"].to_list() == [0, 1, 2]
    assert found.legs_told["lead"].to_list() == [False, True, True]
    sides = found.frame.select("crossing", "side", "leg", "amount", "traced", "done")
    told = [(*row[:3], int(row[3]), row[4] and int(row[4]), row[5]) for row in sides.iter_rows()]
    assert told == [
        (1, PAID_IN, 0, 1_000_000, 1_000_000, FOLLOWED), (1, PAID_OUT, 1, 995_000, None, FOLLOWED),
        (2, PAID_IN, 1, 695_000, 695_000, FOLLOWED), (2, PAID_OUT, 2, 690_000, None, FOLLOWED),
    ]  # fmt: skip


def test_what_comes_back_to_a_subject_is_said_to_be_no_more_money(sea: Any, follow: Any) -> None:
    rows = [
        *rows_there_and_back(sea)[:3],
        sea.paid(sea.there, "mule", "pool", 995_000, 300, "back"),
        sea.paid(sea.here, "pool", "thief", 990_000, 310, "home"),
        sea.paid(sea.here, "thief", "cex", 990_000, 400, "cash"),
    ]
    found = follow(rows)
    assert [leg.amount for leg in found.legs] == [1_990_000, 995_000, 990_000]
    assert found.came_back == 990_000
    said = "that crossed a bridge in this very trace"
    assert f"holds 0.99 USD {said}" in repr(found)
    assert f"holds value {said}" in " ".join(found.findings(pl.DataFrame())[0].text)
    assert follow(rows, max_crossings=1).came_back == 990_000
    assert follow(rows, leads=False).came_back == 0
    once = follow(rows_there_and_back(sea))
    assert once.came_back == 0
    assert "this very trace" not in repr(once)


def test_each_crossing_is_an_edge_between_two_chains(sea: Any, follow: Any, working: None) -> None:
    graph = follow(rows_there_and_back(sea)).to_networkx()
    names = {name: text(sea.account(name), "eth") for name in ("pool", "mule", "fence")}
    assert {(source, target) for source, target, _ in graph.edges} == {
        (f"eth:{names['pool']}", f"base:{names['mule']}"),
        (f"base:{names['pool']}", f"eth:{names['fence']}"),
    }


def test_a_match_by_amount_is_followed_only_where_leads_are_asked_for(
    sea: Any, follow: Any
) -> None:
    found = follow(rows_there_and_back(sea), leads=False)
    assert ends(found) == [(0, 1_000_000, "bridge", "hop", LEAD)]
    assert found.frame["done"].to_list() == [LEAD, LEAD]
    assert found.frame["leg"].to_list() == [0, None]
    assert "is a lead and no proof" in repr(found)


def test_a_limit_of_crossings(sea: Any, follow: Any) -> None:
    assert ends(follow(rows_there_and_back(sea), max_crossings=0)) == [
        (0, 1_000_000, "bridge", "hop", TOO_FAR)
    ]
    assert ends(follow(rows_there_and_back(sea), max_crossings=1))[1:] == [
        (1, 695_000, "bridge", "hop", TOO_FAR), (1, 300_000, "not read", None, None),
    ]  # fmt: skip


def test_an_open_deposit_stays_an_end_with_its_reason(sea: Any, follow: Any) -> None:
    rows = rows_there_and_back(sea)
    assert ends(follow(rows[:2])) == [(0, 1_000_000, "bridge", "hop", NONE_FITS)]
    twice = sea.paid(sea.there, "pool", "other", 995_000, 16, "out too")
    assert ends(follow([*rows[:3], twice])) == [(0, 1_000_000, "bridge", "hop", SEVERAL)]


def test_an_end_that_no_crossing_knows_is_named_so(sea: Any) -> None:
    rows = rows_there_and_back(sea)
    ledger = sea.ledger(rows, read=[("pool", ""), ("thief", "")])
    none = sea.crossings(ledger.between("2023-07-01", None))
    found = cw.trace_across(ledger, [sea.account("thief")], none, policy="fifo", asset=sea.here)
    assert ends(found) == [(0, 1_000_000, "bridge", "hop", NOT_LOOKED_AT)]


def test_part_of_a_deposit_marks_what_lies_behind(sea: Any, follow: Any) -> None:
    """The thief's money is a tenth of what somebody pays in: the payout is followed whole."""
    rows = [
        sea.paid(sea.here, "victim", "thief", 100_000, 0, "theft"),
        sea.paid(sea.here, "thief", "trader", 100_000, 1, "mixed"),
        sea.paid(sea.here, "other", "trader", 900_000, 2, "own"),
        sea.paid(sea.here, "trader", "pool", 1_000_000, 5, "in"),
        sea.paid(sea.there, "pool", "mule", 995_000, 15, "out"),
    ]
    found = follow(rows, read=("trader",))
    row = found.frame.row(0, named=True)
    assert (int(row["traced"]), int(row["amount"])) == (100_000, 1_000_000)
    assert found.legs_told["partial"].to_list() == [False, True]
    assert found.legs[1].amount == 995_000
    assert "upper bounds" in repr(found)
    assert any("upper bounds" in line for line in found.findings(found.followed())[0].text)


def test_a_bridge_that_other_tags_call_an_exchange_is_crossed_all_the_same(
    sea: Any, follow: Any
) -> None:
    more = {"concept": "exchange", "confidence": "authority_data", "level": 100}
    found = follow(rows_there_and_back(sea)[:3], stop=[sea.tags(("pool", "Hopex", more))])
    assert ends(found) == [
        (0, 1_000_000, "hosted service", "Hopex", FOLLOWED), (1, 995_000, "unspent", None, None)
    ]  # fmt: skip


def test_a_payout_straight_to_a_service_ends_there(sea: Any, follow: Any) -> None:
    rows = rows_there_and_back(sea)[:2]
    found = follow([*rows, sea.paid(sea.there, "pool", "cex", 995_000, 15, "out")])
    assert ends(found)[1:] == [(1, 995_000, "hosted service", "cex", None)]


def test_a_payout_is_followed_once(sea: Any, follow: Any) -> None:
    """Two deposits whose identifiers name one payout, as a relayer pays both at once."""
    rows = [
        sea.paid(sea.here, "victim", "thief", 1_000, 0, "theft"),
        sea.paid(sea.here, "thief", "pool", 400, 5, "in"),
        sea.paid(sea.here, "thief", "pool", 600, 6, "in too"),
        sea.paid(sea.there, "pool", "mule", 990, 15, "out"),
    ]
    said = pl.DataFrame(
        {"chain": chain, "txid": sea.txid(tx), "id": id_, "side": side}
        for chain, tx, id_, side in [
            ("eth", "in", "1", "sent"), ("eth", "in too", "2", "sent"),
            ("base", "out", "1", "received"), ("base", "out", "2", "received"),
        ]
    )  # fmt: skip
    found = follow(rows, given={"messages": said}, leads=False)
    assert ends(found)[:2] == [
        (0, 600, "bridge", "hop", AGAIN), (0, 400, "bridge", "hop", FOLLOWED)
    ]  # fmt: skip
    assert [leg.amount for leg in found.legs] == [1_000, 990]
    assert found.legs_told["partial"].to_list() == [False, True]  # others may have paid in too
    strangers = [rows[0], rows[1], rows[2]._replace(sender="stranger"), rows[3]]
    found = follow(strangers, given={"messages": said}, leads=False)
    assert found.legs_told["partial"].to_list() == [False, True]


class TestBackward:
    """From where money was cashed to where it came from: over the same crossings, from behind."""

    def test_there_and_back(self, sea: Any) -> None:
        rows = rows_there_and_back(sea)
        names = [(name, "") for name in ("pool", "thief", "mule", "fence", "cex")]
        ledger = sea.ledger(rows, read=names)
        found = cw.trace_across(
            ledger, [sea.account("cex")], sea.crossings(ledger), policy="fifo", asset=sea.here,
            leads=True, direction="backward",
        )  # fmt: skip
        assert ends(found) == [
            (0, 690_000, "bridge", "hop", FOLLOWED),
            (1, 695_000, "bridge", "hop", FOLLOWED),
            (2, 1_000_000, "not read", None, None),
        ]
        assert found.legs_told["partial"].to_list() == [False, False, True]  # 300,000 were given
        sides = found.frame.select("crossing", "side", "leg", "traced").rows()
        assert [(*row[:3], row[3] and int(row[3])) for row in sides] == [
            (1, PAID_IN, 1, None), (1, PAID_OUT, 0, 690_000),
            (2, PAID_IN, 2, None), (2, PAID_OUT, 1, 695_000),
        ]  # fmt: skip
        assert "695" in repr(found)
        assert "1 deposit, over 2 crossings" in repr(found)
        assert "Value was followed backward" in found.findings(found.followed())[0].text[0]

    def test_a_payout_that_answers_no_known_deposit(self, sea: Any) -> None:
        rows = [
            sea.paid(sea.there, "pool", "mule", 995_000, 15, "out"),
            sea.paid(sea.there, "mule", "cex", 995_000, 200, "cash"),
        ]
        ledger = sea.ledger(rows, read=[("pool", ""), ("mule", ""), ("cex", "")])
        asked = {"policy": "fifo", "asset": sea.there, "direction": "backward"}
        found = cw.trace_across(ledger, [sea.account("cex")], sea.crossings(ledger), **asked)
        assert ends(found) == [(0, 995_000, "bridge", "hop", NOT_ANSWERED)]

    def test_from_coins_that_a_vault_paid_out(self, sea: Any, desk: Any) -> None:
        """Two payouts in one transaction, of which one is the subject's: the coin is one."""
        coin = native("btc-regtest")
        wrapped = Asset(sea.here.chain, sea.here.contract, "rBTC", 8)
        coins = desk.coins([
            {"id": "mined", "ins": [], "outs": [("vault", 50_000)]},
            *({"id": f"block {n}", "ins": [], "outs": [("miner", 1)]} for n in range(40)),
            {"id": "out", "ins": [("mined", 0)], "outs": [
                ("bob", 8_990), ("cid", 500), ("vault", 40_000)]},
            {"id": "on", "ins": [("out", 0)], "outs": [("cex", 8_900)]},
        ])  # fmt: skip
        tokens = sea.ledger([
            sea.paid(wrapped, "victim", "thief", 9_000, 10, "theft"),
            sea.paid(wrapped, "thief", "vault", 9_000, 400, "in"),
        ], read=[("vault", ""), ("thief", "")])  # fmt: skip
        vaults = {"thor": {"eth": [sea.account("vault")], "btc-regtest": [desk.coin("vault")]}}
        said = pl.DataFrame({
            "chain": ["eth", "btc-regtest"], "txid": [sea.txid("in"), desk.txid("out")],
            "id": ["7", "7"], "side": ["sent", "received"], "amount": [None, 8_990],
        })  # fmt: skip
        found = cw.crossings([coins, tokens], bridges=vaults, assets=[coin, wrapped], messages=said)
        way = cw.trace_across(
            [coins, tokens], [desk.coin("cex")], found, policy="fifo", chain="btc-regtest",
            direction="backward",
        )  # fmt: skip
        assert ends(way) == [
            (0, 8_900, "bridge", "thor", FOLLOWED), (1, 9_000, "not read", None, None)
        ]  # fmt: skip
        paid = way.frame.filter(side=PAID_OUT).row(0, named=True)
        assert (int(paid["traced"]), int(paid["amount"])) == (8_900, 8_990)
        assert way.legs_told["partial"].to_list() == [False, True]  # of the payout a fee was paid


def test_a_payout_of_two_deposits_is_counted_once(sea: Any) -> None:
    rows = [
        sea.paid(sea.here, "victim", "thief", 2_000, 0, "theft"),
        sea.paid(sea.here, "thief", "pool", 1_000, 5, "in"),
        sea.paid(sea.here, "thief", "pool", 500, 7, "in too"),
        sea.paid(sea.there, "pool", "mule", 1_400, 15, "out"),
    ]
    said = pl.DataFrame(
        {"chain": chain, "txid": sea.txid(tx), "id": id_, "side": side}
        for chain, tx, id_, side in [
            ("eth", "in", "1", "sent"), ("eth", "in too", "2", "sent"),
            ("base", "out", "1", "received"), ("base", "out", "2", "received"),
        ]
    )  # fmt: skip
    ledger = sea.ledger(rows, read=[("pool", ""), ("thief", ""), ("mule", "")])
    known = sea.crossings(ledger, messages=said)
    found = cw.trace_across(ledger, [sea.account("thief")], known, policy="fifo", asset=sea.here)
    assert sorted(found.frame.filter(side=PAID_OUT)["done"]) == [FOLLOWED, AGAIN]
    assert [leg.amount for leg in found.legs] == [2_000, 1_400]


def test_a_payout_outside_the_span_is_an_end_with_its_reason(sea: Any) -> None:
    rows = rows_there_and_back(sea)[:3]
    ledger = sea.ledger(rows, read=[("pool", ""), ("thief", "")]).between(None, "2023-06-01T00:10")
    found = cw.trace_across(
        ledger, [sea.account("thief")], sea.crossings(ledger), policy="fifo", asset=sea.here,
        leads=True,
    )  # fmt: skip
    assert ends(found) == [(0, 1_000_000, "bridge", "hop", OUTSIDE)]


def test_a_chain_of_which_no_ledger_is_given(sea: Any) -> None:
    rows = rows_there_and_back(sea)[:3]
    ledger = sea.ledger(rows, read=[("pool", ""), ("thief", "")])
    found = cw.trace_across(
        ledger.chain_only("eth"), [sea.account("thief")], sea.crossings(ledger), policy="fifo",
        asset=sea.here, leads=True,
    )  # fmt: skip
    assert ends(found) == [(0, 1_000_000, "bridge", "hop", NO_LEDGER)]


def test_two_ledgers(sea: Any) -> None:
    rows = rows_there_and_back(sea)
    names = [(name, "") for name in ("pool", "thief", "mule", "fence")]
    both = [
        sea.ledger([row for row in rows if row.asset.chain == chain],
                   read=[(name, chain) for name, _ in names])
        for chain in (sea.here.chain, sea.there.chain)
    ]  # fmt: skip
    asked = {"policy": "fifo", "asset": sea.here, "leads": True}
    found = cw.trace_across(both, [sea.account("thief")], sea.crossings(both), **asked)
    one = sea.ledger(rows, read=names)
    same = cw.trace_across(one, [sea.account("thief")], sea.crossings(one), **asked)
    assert found.legs_told.equals(same.legs_told)
    assert found.ends.equals(same.ends)


def test_a_report_tells_it_masked(sea: Any, follow: Any, tmp_path: Any) -> None:
    found = follow(rows_there_and_back(sea))
    case = cw.Case("ferry", "Where did it go?", mask_key=bytes(16)).add(found)
    case.write(tmp_path / "out")
    page = (tmp_path / "out" / "report.html").read_text("utf-8")
    assert "2 rest on amount and time alone and are leads" in page
    assert text(sea.account("mule"), "base") not in page
    told = (tmp_path / "out" / "tables" / "crossings_followed.csv").read_text("utf-8")
    assert text(sea.account("mule"), "base") not in told
    assert text(sea.account("pool"), "eth") in told
