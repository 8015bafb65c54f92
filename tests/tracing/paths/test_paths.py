"""Worked routes: what each number is, where a route stops, and what is said of the unread."""

from __future__ import annotations

from typing import Any

import polars as pl
import pytest

import chainwatch as cw
from chainwatch.addresses.assets import native
from chainwatch.errors import TraceError
from chainwatch.heuristics.coinjoin import equal_outputs
from chainwatch.heuristics.poisoning import poisoning
from chainwatch.tracing.paths import ranking, transfer_graph
from chainwatch.tracing.paths.search import BUDGET

BTC, COIN = "btc-regtest", 100_000_000


def between(desk: Any, ledger: Any, source: str = "A", target: str = "B", **more: Any) -> cw.Paths:
    """Return the routes between two parties that are called by a letter."""
    coins = any(one.family == "utxo" for one in ledger.chains)
    make = desk.coin if coins else desk.account
    given = {"chain": BTC} if coins else {"asset": desk.asset}
    return cw.paths(ledger, [make(source)], [make(target)], **given, **more)


def routes(found: cw.Paths) -> list[str]:
    """Return the parties of each route by their letters."""
    told = []
    for number in found.routes["route"]:
        rows = found.route(number)
        parties = [rows["source"][0], *rows["target"]]
        told.append("".join(one[1:].decode().lstrip(".") for one in parties))
    return told


def column(found: cw.Paths, name: str) -> list[Any]:
    return [int(one) if name in {"amount", "flow"} and one is not None else one
            for one in found.routes[name]]  # fmt: skip


TWO_WAYS = [
    {"id": "a", "ins": [], "outs": [("A", 100), ("X", 50)]},
    {"id": "b", "ins": [("a", 0), ("a", 1)], "outs": [("C", 100), ("D", 40)]},
    {"id": "c", "ins": [("b", 0)], "outs": [("B", 30), ("E", 60)]},
    {"id": "d", "ins": [("b", 1), ("c", 1)], "outs": [("B", 90)]},
]
"""A and X pay C and D (10 are the fee); C pays B and E; D and E pay B together."""


def test_flow_is_the_haircut_and_the_smallest_amount_only_a_bound(desk: Any) -> None:
    found = between(desk, desk.coins(TWO_WAYS))
    assert routes(found) == ["ACEB", "ADB", "ACB"]
    # 100 of 150 went in: C has 66.67 of A's, of which E gets 60/100 = 40, and B 40 * 90/100.
    assert column(found, "flow") == [36, 24, 20]
    assert column(found, "amount") == [60, 40, 30]
    assert found.arriving == 80
    assert not found.arriving_at_least
    assert found.complete


def test_all_routes_together_carry_what_a_trace_by_the_haircut_carries(desk: Any) -> None:
    ledger = desk.coins(TWO_WAYS)
    services = desk.tags(("B", "Bank"))
    traced = cw.trace(ledger, [desk.coin("A")], chain=BTC, policy="haircut", stop=services)
    arrived = sum(map(int, traced.ends.filter(address=desk.coin("B"))["amount"]))
    assert abs(between(desk, ledger, stop=services).arriving - arrived) <= traced.steps.height


def test_each_ranking_has_its_own_first(desk: Any) -> None:
    ledger = desk.coins([
        {"id": "a", "ins": [], "outs": [("A", 100), ("A", 30)]},
        {"id": "x", "ins": [], "outs": [("X", 400)], "height": 1},
        {"id": "b", "ins": [("a", 0)], "outs": [("C", 100)], "height": 2},
        {"id": "c", "ins": [("b", 0)], "outs": [("D", 100)], "height": 3},
        {"id": "d", "ins": [("c", 0)], "outs": [("B", 100)], "height": 4},
        {"id": "e", "ins": [("a", 1), ("x", 0)], "outs": [("E", 430)], "height": 4},
        {"id": "f", "ins": [("e", 0)], "outs": [("B", 10), ("F", 420)], "height": 40},
    ])  # fmt: skip
    assert routes(between(desk, ledger, by="value"))[0] == "ACDB"
    assert routes(between(desk, ledger, by="hops"))[0] == "AEB"
    assert routes(between(desk, ledger, by="time"))[0] == "ACDB"
    assert routes(between(desk, ledger, by="weakest"))[0] == "ACDB"
    short = between(desk, ledger, by="value", max_hops=2)
    assert routes(short) == ["AEB"]
    assert short.answer().endswith("; only routes of at most 2 payments were looked for.")
    assert "proven for every route of at most 2 payments among what was read" in short.cuts_told


def test_a_route_never_goes_on_through_a_tagged_exchange(desk: Any) -> None:
    for source, make in ((desk.coins(TWO_WAYS), desk.coin), (accounts(desk), desk.account)):
        tags = desk.tags(
            ("C", "Bank"), chain=native("btc-regtest" if make is desk.coin else "eth").chain
        )
        found = between(desk, source, stop=tags)
        assert all("C" not in one for one in routes(found))
        told = found.limits.filter(reason="hosted service")
        assert set(told["service"]) == {"Bank"}
        assert routes(between(desk, source, tags=tags)) == routes(found)
        assert any("C" in one for one in routes(between(desk, source, tags=tags, stop=[])))
        ends = between(desk, source, target="C", stop=tags)
        assert routes(ends)[0] == "AC", "the exchange itself can be reached"


def accounts(desk: Any, **more: Any) -> Any:
    return desk.paid(
        [("A", "C", 100), ("Z", "C", 100), ("C", "B", 50), ("C", "D", 150), ("D", "B", 150)],
        read="ABCDZ", **more,
    )  # fmt: skip


def test_balances_share_as_the_haircut_says(desk: Any) -> None:
    found = between(desk, accounts(desk))
    assert routes(found) == ["ACDB", "ACB"]
    assert column(found, "flow") == [75, 25]
    assert (found.arriving, found.arriving_at_least) == (100, False)


def test_a_transfer_follows_only_what_is_not_later(desk: Any) -> None:
    ledger = desk.paid([("C", "B", 50, 1), ("A", "C", 100, 2)], read="ABC")
    found = between(desk, ledger)
    assert routes(found) == []
    assert found.answer() == "No route was found among what was read."
    assert found.cuts.is_empty()


def test_of_one_time_both_orders_are_answered(desk: Any) -> None:
    ledger = desk.paid([("A", "C", 100, 1), ("C", "B", 60, 1), ("A", "D", 5, 2), ("D", "B", 5, 3)],
                       read="ABCD")  # fmt: skip
    found = between(desk, ledger, by="hops", k=1)
    assert routes(found) == ["ACB", "ADB"]
    assert column(found, "order") == ["some order", "every order"]
    assert column(found, "flow") == [None, 5]
    assert "nobody knows, and 1 holds in every order" in found.answer()
    # Where a position in the block tells the order, nothing is open.
    placed = desk.paid([("A", "C", 100, 1), ("C", "B", 60, 1)], read="ABC", placed=True)
    assert column(between(desk, placed), "order") == ["every order"]


def test_a_balance_that_was_emptied_passes_nothing_on(desk: Any) -> None:
    ledger = desk.paid(
        [("A", "C", 100), ("C", "D", 100), ("D", "C", 100), ("C", "B", 100)], read="ABCD"
    )
    assert routes(between(desk, ledger)) == ["ACDCB", "ACB"]
    assert column(between(desk, ledger), "flow") == [100, 0]
    assert routes(between(desk, ledger, by="hops")) == ["ACB", "ACDCB"]


def test_an_unread_history_is_a_named_limit_and_no_flow(desk: Any) -> None:
    ledger = desk.paid([("A", "C", 100), ("C", "B", 50)], read="AB")
    found = between(desk, ledger)
    assert (column(found, "flow"), column(found, "amount")) == ([None], [50])
    assert found.arriving_at_least
    told = found.unread
    assert [
        (one[1:].decode().lstrip("."), side)
        for one, side in told.select("address", "side").iter_rows()
    ] == [("C", "source")]
    nothing = between(desk, desk.paid([("A", "C", 9), ("D", "B", 9)], read="A"))
    assert nothing.answer().startswith("No route was found among what was read; ")
    assert "not read, behind which a route may lead on" in nothing.answer()


UNREAD_INPUT = [
    {"id": "a", "ins": [], "outs": [("A", 100)]},
    {"id": "b", "ins": [("a", 0), ("?",)], "outs": [("B", 120)]},
]


def test_an_unread_input_leaves_the_flow_open_and_the_route_there(desk: Any) -> None:
    found = between(desk, desk.coins(UNREAD_INPUT))
    assert (routes(found), column(found, "flow")) == (["AB"], [None])
    assert "not all of what entered a payment was read" in found.routes["flow_unknown"][0]
    # The source leads on and on, so that the target is looked at to its end.
    far = [{"id": f"s{n}", "ins": [(f"s{n - 1}", 0)] if n else [], "outs": [("SUVWXYZ"[n], 9)]}
           for n in range(7)]  # fmt: skip
    back = between(desk, desk.coins([*far, *UNREAD_INPUT]), source="S")
    assert back.unread.filter(side="target")["reason"].to_list() == ["not read"]
    assert back.answer().endswith("1 place was not read, behind which a route may lead on.")


def test_lures_make_no_edge(desk: Any) -> None:
    """``cxx`` ends like ``dxx``, whom A pays, and sends A a trifle: no money of his goes on."""
    ledger = desk.paid([("A", "dxx", 500), ("cxx", "A", 1), ("A", "B", 90)], read=["A", "B"])
    every = between(desk, ledger, source="cxx")
    real = between(desk, ledger, source="cxx", poisoning=poisoning(at_most=1))
    assert (routes(every), routes(real)) == (["cxxAB"], [])
    paid = between(desk, ledger, poisoning=poisoning(at_most=1))
    assert routes(paid) == ["AB"]


def test_a_mix_is_a_fork_that_is_told(desk: Any) -> None:
    outs = [(f"{who}0", 10 * COIN) for who in "VWX"]
    ledger = desk.coins([
        *({"id": who, "ins": [], "outs": [(who, 11 * COIN)]} for who in "ACD"),
        {"id": "mix", "ins": [(who, 0) for who in "ACD"], "outs": [*outs, ("Y", COIN)]},
        {"id": "b", "ins": [("mix", 0)], "outs": [("B", 9 * COIN)]},
    ])  # fmt: skip
    through = between(desk, ledger)
    assert routes(through) == ["AV0B"]
    first, second = through.route(1)["otherwise"]
    assert first.startswith("3 outputs got this same amount: if strangers mixed their coins here")
    assert "same amount" not in second
    assert "1 goes through a transaction in which strangers may have mixed" in through.answer()
    assert next(through.told()) == "Route 1, through what may be a mix of strangers:"
    plain = between(desk, desk.coins(TWO_WAYS))
    assert "mix" not in "\n".join([repr(plain), *plain.told()])
    found = between(desk, ledger, stop=equal_outputs())
    assert routes(found) == []
    told = found.limits.filter(pl.col("reason").is_in(["mixer", "undecided mixer"]))
    assert "which of its 4 outputs a coin became is not on the chain" in told["detail"][0]


def test_the_budget_ends_a_hub_and_says_what_was_not_tried(desk: Any) -> None:
    many = [(f"p{n}", 1) for n in range(300)]
    ledger = desk.coins([
        {"id": "a", "ins": [], "outs": [("A", 400)]},
        {"id": "b", "ins": [("a", 0)], "outs": [("H", 400)]},
        {"id": "hub", "ins": [("b", 0)], "outs": [*many, ("C", 50)]},
        {"id": "x", "ins": [], "outs": [("X", 500)]},
        {"id": "big", "ins": [("x", 0), ("hub", 300)], "outs": [*many, ("E", 150)]},
        {"id": "e", "ins": [("big", 300)], "outs": [("B", 140)]},
    ])  # fmt: skip
    found = between(desk, ledger, budget=50)
    assert (found.complete, found.routes.height) == (False, 0)
    assert set(found.untried["side"]) == {"source", "target"}
    assert sorted(map(int, found.untried["amount"])) == [150, 400]
    assert found.untried["edges"].sum() > 600
    assert set(found.untried["reason"]) == {BUDGET}
    assert "the budget of 50 edges ended the search, and 2 places were not tried" in found.answer()
    whole = between(desk, ledger)
    assert (whole.complete, routes(whole)) == (True, ["AHCEB"])
    # A hub that both sides reach is passed without being opened.
    near = between(desk, ledger, target="C", budget=5)
    assert (routes(near), near.complete) == (["AHC"], False)
    assert "proven for the routes within the budget alone" in near.cuts_told


def test_cuts_are_those_that_every_route_needs(desk: Any) -> None:
    found = between(desk, desk.coins(TWO_WAYS))
    assert found.cuts["txid"].to_list() == [desk.txid("b")]
    assert found.cuts_told == (
        "One transaction ends all routes if it is rejected, proven for every route among what was"
        " read."
    )
    apart = desk.paid([("A", "C", 1), ("A", "D", 1), ("C", "B", 1), ("D", "B", 1)], read="ABCD")
    found = between(desk, apart)
    assert found.cuts["cut"].n_unique() == 4
    assert "No fewer than 2 transactions end all routes" in found.cuts_told
    many = desk.paid([("A", "B", 1)] * 4, read="AB")
    assert between(desk, many).cuts_told.startswith("More than 3 transactions")


def test_who_is_asked_must_be_two_parties_of_one_chain(desk: Any) -> None:
    ledger = desk.coins(TWO_WAYS)
    with pytest.raises(TraceError, match=r"belongs to both; give two parties\.$"):
        between(desk, ledger, target="A")
    with pytest.raises(TraceError, match="give two parties, or leave out clusters if"):
        between(desk, ledger, "C", "D", clusters=OneOwner(native(BTC).chain, desk))
    here, there = (pl.DataFrame({"chain": [native(one).chain], "address": [desk.coin(who)]})
                   for one, who in ((BTC, "A"), ("btc", "B")))  # fmt: skip
    with pytest.raises(TraceError, match=r"different chains, .* no crossing between them was read"):
        cw.paths(ledger, here, there)
    with pytest.raises(TraceError, match="there is no ranking 'luck'"):
        between(desk, ledger, by="luck")
    for wrong in ({"k": 0}, {"budget": 0}, {"max_hops": 0}):
        with pytest.raises(TraceError):
            between(desk, ledger, **wrong)


def test_names_at_both_ends_are_attribution_by_themselves(desk: Any) -> None:
    ledger = desk.coins(TWO_WAYS)
    tags = desk.tags(("A", "Thief", "perpetrator", {"level": 40}), ("B", "Bank"))
    found = between(desk, ledger, tags=tags)
    assert set(found.routes.select("source_tag", "target_tag", "attribution").iter_rows()) == {
        ("Thief", "Bank", 5)
    }
    one = between(desk, ledger, tags=desk.tags(("B", "Bank")))
    assert one.routes["attribution"].null_count() == 3


def test_the_edition_masks_who_stands_between(desk: Any, working: None) -> None:
    found = between(desk, desk.coins(TWO_WAYS))
    assert "masks" not in "\n".join(found.told())
    cw.set_edition("disclosure")
    assert "Route 1:" in (told := "\n".join(found.told()))
    assert "a payment between parties whom this edition masks" in told
    assert found.digest == between(desk, desk.coins(TWO_WAYS)).digest


def test_what_a_masked_party_was_paid_is_rounded_wherever_it_is_said(
    desk: Any, working: None
) -> None:
    """The bound of a route is one payment, here that from one masked party to another."""
    moved = [("A", "cxx", 70_123), ("cxx", "dxx", 50_017), ("dxx", "B", 60_321)]
    coins = desk.coins([
        {"id": "a", "ins": [], "outs": [("A", 70_123)]},
        {"id": "b", "ins": [("a", 0)], "outs": [("C", 70_123)]},
        {"id": "c", "ins": [("b", 0)], "outs": [("D", 50_017), ("E", 20_106)]},
        {"id": "d", "ins": [("c", 0)], "outs": [("B", 50_017)]},
    ])  # fmt: skip
    for ledger in (desk.paid(moved, read="A"), coins):
        cw.set_edition("working", reason="a test", authority="a court")
        found = between(desk, ledger)
        exact = found.asset.shown(50_017)
        assert f"at most {exact};" in repr(found)
        assert exact in "\n".join(found.told())
        cw.set_edition("disclosure")
        assert f"at most ≈ {found.asset.shown(50_000)};" in repr(found)
        said = "\n".join([repr(found), *found.told(), found._repr_html_() or ""])
        assert exact not in said
    assert "\\x" not in repr(found.route(1)) + repr(found.unread) + repr(found.untried)
    assert found.arriving == 50_017
    assert "is an amount that this edition withholds." in said


def test_a_span_ends_routes_at_what_lies_outside(desk: Any) -> None:
    ledger = desk.coins([
        {"id": "a", "ins": [], "outs": [("A", 100)]},
        {"id": "b", "ins": [("a", 0)], "outs": [("C", 100)]},
        {"id": "c", "ins": [("b", 0)], "outs": [("B", 100)]},
    ])  # fmt: skip
    assert routes(between(desk, ledger)) == ["ACB"]
    times = ledger.transactions.select("time").collect()["time"].sort()
    early, late = ledger.between(None, times[2]), ledger.between(times[2], None)
    assert routes(between(desk, early)) == []
    assert between(desk, early).limits["reason"].to_list() == ["made before the span"]
    assert routes(between(desk, late)) == []
    assert between(desk, late).limits["reason"].to_list() == ["spent outside the span"]


class OneOwner:
    """C and D are one owner's, and nobody says why."""

    def __init__(self, chain: str, desk: Any) -> None:
        rows = [(chain, desk.coin(one), desk.coin("C")) for one in "CD"]
        schema = {"chain": pl.String, "address": pl.Binary, "cluster": pl.Binary}
        self.frame = pl.DataFrame(rows, schema=schema, orient="row")


def owned(desk: Any, chain: str, height: int) -> cw.Paths:
    """Return routes from A, who pays C, to B, whom D pays in a block of some height."""
    ledger = desk.coins([
        {"id": "a", "ins": [], "outs": [("A", 100), ("D", 70)], "height": 0},
        {"id": "b", "ins": [("a", 0)], "outs": [("C", 100)], "height": 2},
        {"id": "c", "ins": [("a", 1)], "outs": [("B", 70)], "height": height},
    ], chain=cw.chain(chain).id)  # fmt: skip
    one = OneOwner(cw.chain(chain).id, desk)
    return cw.paths(ledger, [desk.coin("A")], [desk.coin("B")], chain=chain, clusters=one)


def test_a_step_of_control_follows_what_the_owner_was_paid_before(desk: Any) -> None:
    found = owned(desk, BTC, 3)
    assert routes(found) == ["ACB"]
    assert found.hops["step"].to_list() == ["begins", "control"]
    assert found.hops["source"].to_list() == [desk.coin("A"), desk.coin("D")]
    assert (column(found, "flow"), column(found, "amount")) == ([None], [70])
    # Clusters that do not say why are claimed, and not measured.
    assert (column(found, "owners"), column(found, "control")) == ([1], [None])
    assert "which do not say why" in found.hops["evidence"][1]
    assert routes(owned(desk, BTC, 1)) == [], "nobody pays on what comes later"


def test_in_a_block_without_an_order_a_step_of_control_is_open(desk: Any) -> None:
    assert column(owned(desk, BTC, 2), "order") == ["every order"]
    assert column(owned(desk, "bch-regtest", 2), "order") == ["some order"]
    assert column(owned(desk, "bch-regtest", 3), "order") == ["every order"]


def test_a_transfer_of_unknown_effect_is_told(desk: Any) -> None:
    ledger = desk.paid([("A", "B", 100)], read="AB", asset=native("eth"))
    found = cw.paths(ledger, [desk.account("A")], [desk.account("B")], asset=native("eth"))
    assert found.routes.height == 1
    assert "it is not known whether it took effect" in found.doubts[0]
    assert found.doubts[0] in repr(found)


def test_too_many_transfers_of_one_time_are_refused_in_words(
    desk: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transfer_graph, "MOST_PAIRS", 10)
    many = [*(("A", "C", 5, 1) for _ in range(4)), *(("C", "B", 5, 1) for _ in range(4))]
    with pytest.raises(TraceError, match="each may come before the other"):
        between(desk, desk.paid(many, read="ABC"))
    monkeypatch.undo()
    monkeypatch.setattr(ranking, "MOST_BEGINNINGS", 3)
    with pytest.raises(TraceError, match="limit max_hops, look at a shorter span"):
        between(desk, desk.paid(many, read="ABC"))


def test_every_transaction_of_a_chain_ends_it_and_a_peel_chain_has_a_number(desk: Any) -> None:
    chain = [{"id": "0", "ins": [], "outs": [("A", 10_000)]}]
    chain += [
        {"id": f"{n}", "ins": [(f"{n - 1}", 0)],
         "outs": [("B" if n == 30 else f"n{n}", 10_000 - 10 * n), (f"z{n}", 10)]}
        for n in range(1, 31)
    ]  # fmt: skip
    found = between(desk, desk.coins(chain))
    assert found.cuts["cut"].n_unique() == 30
    assert found.cuts_told.startswith("Each of 30 transactions ends all routes")
    assert found.hops["peel"].to_list() == [1] * 30
    assert column(found, "flow") == column(found, "amount") == [9_700]


def test_ways_without_number_are_ranked_without_trying_them(desk: Any) -> None:
    """Forty layers of two coins each are a million million routes."""
    layers = [
        {"id": "0", "ins": [], "outs": [("A", 1000)]},
        {"id": "1", "ins": [("0", 0)], "outs": [("x1", 600), ("y1", 400)]},
        *({"id": f"{n}", "ins": [(f"{n - 1}", 0), (f"{n - 1}", 1)],
           "outs": [(f"x{n}", 600), (f"y{n}", 400)] if n < 40 else [("B", 1000)]}
          for n in range(2, 41)),
    ]  # fmt: skip
    ledger = desk.coins(layers)
    for by in ("value", "hops", "time", "weakest"):
        found = between(desk, ledger, by=by, k=5)
        assert (found.routes.height, found.arriving) == (5, 1000)
    best = between(desk, ledger, k=2).hops
    assert best.filter(route=1)["n"].to_list() == [0] * 40
    assert best.filter(route=2)["n"].sum() == 1


def test_a_coin_of_nothing_is_no_payment(desk: Any) -> None:
    """An output of 0 pays nobody: neither the target, nor on the way, nor from the source."""
    plain = [
        {"id": "a", "ins": [], "outs": [("A", 100), ("X", 100)]},
        {"id": "b", "ins": [("a", 0)], "outs": [("B", 0), ("C", 100)]},
        {"id": "c", "ins": [("b", 1)], "outs": [("D", 100)]},
        {"id": "d", "ins": [("c", 0)], "outs": [("B", 100)]},
    ]
    for by in ranking.RANKINGS:
        assert routes(between(desk, desk.coins(plain), by=by)) == ["ACDB"]
    on_the_way = [
        *plain[:1],
        {"id": "b", "ins": [("a", 0)], "outs": [("C", 0), ("E", 100)]},
        {"id": "c", "ins": [("b", 0), ("a", 1)], "outs": [("B", 100)]},
    ]
    assert routes(between(desk, desk.coins(on_the_way))) == []
    from_the_source = [
        {"id": "a", "ins": [], "outs": [("A", 0), ("X", 100)]},
        {"id": "b", "ins": [("a", 0), ("a", 1)], "outs": [("B", 100)]},
    ]
    found = between(desk, desk.coins(from_the_source))
    assert (routes(found), found.arriving) == ([], 0)


def test_more_sets_than_are_listed_are_said_to_be_more(desk: Any) -> None:
    ways = [("A", "C", 1), ("A", "D", 1)]
    ways += [(a, b, 1) for a, b in zip("CEFGHD", "EFGHBI", strict=True)]
    ways += [("I", "J", 1), ("J", "K", 1), ("K", "B", 1)]
    found = between(desk, desk.paid(ways, read="ABCDEFGHIJK"))
    assert found.cuts["cut"].n_unique() == 20
    assert "more than 20 sets, of which these are listed, of so many do" in found.cuts_told
