"""Every policy side by side: the sums are those of the traces, and poison is no part of a range."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest

import chainwatch as cw
from chainwatch.errors import ConservationError, TraceError
from chainwatch.results.result import Finding
from chainwatch.tracing.arguments import policies_for
from chainwatch.tracing.ranges.range_result import COMMON, KIND, PLACE, TraceRange
from chainwatch.tracing.ranges.trace_all import trace_all
from chainwatch.units import total

MIXED = [
    {"id": "paid", "ins": [], "outs": [("dirty", 5)]},
    {"id": "own", "ins": [], "outs": [("float", 10)]},
    {"id": "mix", "ins": [("paid", 0), ("own", 0)], "outs": [("north", 6), ("south", 8)]},
]
"""5 of a subject and 10 of somebody else make 6, 8 and a fee of 1."""

NORTH_SOUTH_FEE = {
    "fifo": (5, 0, 0),
    "lifo": (0, 4, 1),
    "haircut": (2, 2, 1),
    "poison": (6, 8, 1),
    "seniority": (5, 0, 0),
    "clean_first": (0, 4, 1),
    "taint_in_highest_out": (0, 5, 0),
}
"""By hand. Haircut: of 6 a third, of 14 four and two thirds, and all that is left to the fee."""

ACCOUNTS = [("A", "S", 5), ("B", "S", 10), ("S", "N", 6), ("S", "O", 8)]


def slow(found: TraceRange) -> dict[tuple[Any, ...], int]:
    """Add up the ends of each trace, row by row, by policy and destination."""
    sums: dict[tuple[Any, ...], int] = {}
    for name, one in found.traces.items():
        seen = set()
        for row in one.ends.iter_rows(named=True):
            place = (row["txid"], row["n"])
            if not one.conserves:  # reach of one place is counted once
                if (row["reason"], row["address"], *place) in seen:
                    continue
                seen.add((row["reason"], row["address"], *place))
            key = (name, row["reason"], row["service"], row["address"])
            key += place if row["address"] is None else (None, None)
            sums[key] = sums.get(key, 0) + int(row["amount"])
    return {key: amount for key, amount in sums.items() if amount}


def test_each_policy_by_hand(desk: Any) -> None:
    found = trace_all(desk.coins(MIXED), [desk.coin("dirty")], chain="btc-regtest")
    rows = found.frame
    of = {
        name: tuple(
            int(rows.filter(pl.col("address").eq_missing(at))[name].item())
            for at in (desk.coin("north"), desk.coin("south"), None)
        )
        for name in found.traces
    }
    assert of == NORTH_SOUTH_FEE


def test_low_and_high_leave_out_poison(desk: Any) -> None:
    found = trace_all(desk.coins(MIXED), [desk.coin("dirty")], chain="btc-regtest")
    assert found.compared == tuple(name for name in NORTH_SOUTH_FEE if name != "poison")
    rows = {row["address"]: row for row in found.frame.iter_rows(named=True)}
    spans = {
        name: (int(rows[at]["low"]), int(rows[at]["high"]))
        for name, at in (("n", desk.coin("north")), ("s", desk.coin("south")), ("fee", None))
    }
    assert spans == {"n": (0, 5), "s": (0, 5), "fee": (0, 1)}


def test_the_worked_example_of_the_page_on_policies(desk: Any) -> None:
    """Of 3, 2 and 5 the first is traced; outputs of 2, 6 and 2: see ``docs/policies.md``."""
    txs = [
        *({"id": name, "ins": [], "outs": [(name, value)]} for name, value in
          (("dirty", 3), ("two", 2), ("five", 5))),
        {"id": "mix", "ins": [("dirty", 0), ("two", 0), ("five", 0)],
         "outs": [("a", 2), ("b", 6), ("c", 2)]},
    ]  # fmt: skip
    found = trace_all(desk.coins(txs), [desk.coin("dirty")], chain="btc-regtest")
    rows = {row["address"]: row for row in found.frame.iter_rows(named=True)}
    spans = [(rows[desk.coin(name)]["low"], rows[desk.coin(name)]["high"]) for name in "abc"]
    assert spans == [(0, 2), (1, 3), (0, 2)]
    assert found.in_all == 1


def test_methods_agree_on_a_kind_and_not_on_a_place(desk: Any) -> None:
    """All but nothing is unspent under each, and at no address do all find any of it."""
    found = trace_all(desk.coins(MIXED), [desk.coin("dirty")], chain="btc-regtest")
    row = found.summary().filter(reason="unspent").row(0, named=True)
    assert (row["low"], row["high"], row["in_all"]) == (4, 5, 0)
    assert found.in_all == 0


def test_what_all_have_in_common_is_the_least_at_each_destination(desk: Any) -> None:
    """12 to one place: 10 are not the subject's, so that at least 2 are, whatever the method."""
    txs = [*MIXED[:2], {**MIXED[2], "outs": [("north", 12), ("south", 3)]}]
    found = trace_all(desk.coins(txs), [desk.coin("dirty")], chain="btc-regtest")
    assert found.frame.filter(address=desk.coin("north"))["low"].to_list() == [2]
    assert found.in_all == 2 == total(found.frame["low"])


def test_sums_are_those_of_the_traces(otter_case: Any) -> None:
    tags = otter_case.tags
    found = trace_all(
        otter_case.ledger, tags.where(concept="vendor").addresses(), stop=tags.services()
    )
    told = {row[:-1]: int(row[-1]) for row in
            found.destinations.select("policy", *PLACE, "amount").iter_rows()}  # fmt: skip
    assert told == slow(found)
    by_kind: dict[tuple[Any, ...], int] = {}
    for (policy, *kind, _, _, _), amount in told.items():
        by_kind[policy, *kind] = by_kind.get((policy, *kind), 0) + amount
    rows = found.kinds.filter(pl.col("policy") != COMMON).select("policy", *KIND, "amount")
    assert {row[:-1]: int(row[-1]) for row in rows.iter_rows() if row[-1]} == by_kind
    found.check()
    assert found.in_all == total(found.frame["low"])


def test_a_low_is_never_above_what_a_method_says_nor_a_high_below(otter_case: Any) -> None:
    tags = otter_case.tags
    found = trace_all(otter_case.ledger, tags.where(concept="vendor").addresses())
    for row in (*found.frame.iter_rows(named=True), *found.summary().iter_rows(named=True)):
        among = [row[name] for name in found.compared]
        assert (row["low"], row["high"]) == (min(among), max(among))
        assert row.get("in_all", 0) <= row["low"]


def test_reach_of_one_place_from_two_subjects_is_counted_once(desk: Any) -> None:
    found = trace_all(
        desk.coins(MIXED), [desk.coin("dirty"), desk.coin("float")], chain="btc-regtest"
    )
    assert found.traces["poison"].ends.height == 6
    reached = found.destinations.filter(policy="poison")
    assert total(reached["amount"]) == 15


@pytest.mark.parametrize("direction", ["forward", "backward"])
def test_each_policy_that_has_a_meaning_is_asked(desk: Any, direction: str) -> None:
    at = "north" if direction == "backward" else "dirty"
    found = trace_all(desk.coins(MIXED), [desk.coin(at)], chain="btc-regtest", direction=direction)
    fit = [one.name for one in policies_for("btc-regtest", direction)]
    assert list(found.traces) == fit
    assert {one.direction for one in found.traces.values()} == {direction}
    assert (len(fit) == 4) is (direction == "backward")


def test_lowest_balance_stands_apart(desk: Any) -> None:
    """Under it the 6 that were paid leave all 5 where they came in: no other method says so."""
    found = trace_all(
        desk.paid(ACCOUNTS[1:3] + ACCOUNTS[:1], read="S"), [desk.account("S")], asset=desk.asset
    )
    assert "lowest_balance" in found.traces
    assert "lowest_balance" not in found.compared
    assert "taint_in_highest_out" not in found.traces
    told = " ".join(found.findings(pl.DataFrame())[0].text)
    assert "lowest_balance stands apart: it says what is still where it came in" in told


def test_every_sentence_with_a_range_says_that_it_is_no_interval(desk: Any) -> None:
    found = trace_all(desk.coins(MIXED), [desk.coin("dirty")], chain="btc-regtest")
    (finding,) = found.findings(pl.DataFrame())
    for said in (finding.headline, *finding.text[:3], repr(found), str(trace_all.__doc__)):
        assert "no confidence interval" in " ".join(said.split())
    assert "0 rBTC (lifo, clean_first, taint_in_highest_out) to" not in finding.text[1]
    assert finding.text[1].startswith(
        "Across these methods, which is no confidence interval: 0.00000004 rBTC (lifo, haircut,"
        " clean_first) to 0.00000005 rBTC (fifo, seniority, taint_in_highest_out) unspent; "
    )
    assert "poison stands apart: it tells reach, not value" in finding.text[3]


def test_what_came_back_is_told_as_such(desk: Any) -> None:
    """The subject pays 5 of 15 away, and gets 5 back that are its own under some methods only."""
    txs = [
        *MIXED[:2],
        {**MIXED[2], "outs": [("north", 5), ("south", 10)]},
        {"id": "back", "ins": [("mix", 0)], "outs": [("dirty", 5)]},
    ]
    found = trace_all(desk.coins(txs), [desk.coin("dirty")], chain="btc-regtest")
    assert len(set(found.came_in.values())) > 1
    assert "come in, for some" not in repr(found)
    assert "came in, for some of it comes back to the subjects" in repr(found)
    found.check()


def test_nothing_that_comes_in_is_nothing_everywhere(desk: Any) -> None:
    found = trace_all(desk.coins(MIXED), [desk.coin("nobody")], chain="btc-regtest")
    assert (found.in_all, found.frame.height, found.summary().height) == (0, 0, 0)
    assert "nothing ends" in found.findings(pl.DataFrame())[0].text[1]


def test_a_lost_unit_is_refused(desk: Any) -> None:
    found = trace_all(desk.coins(MIXED), [desk.coin("dirty")], chain="btc-regtest")
    less = found.destinations.filter(~((pl.col("policy") == "fifo") & (pl.col("amount") == 5)))
    with pytest.raises(ConservationError, match="under fifo add up to 0, what came in to 5"):
        TraceRange(found.asset, found.traces, less, found.kinds).check()


def test_a_wrong_direction_is_refused_before_anything_is_followed(desk: Any) -> None:
    with pytest.raises(TraceError, match="there is no direction 'up'"):
        trace_all(desk.coins(MIXED), [desk.coin("dirty")], chain="btc-regtest", direction="up")


def test_its_digest_is_of_the_traces_too(desk: Any) -> None:
    ledger = desk.coins(MIXED)
    found = trace_all(ledger, [desk.coin("dirty")], chain="btc-regtest")
    again = trace_all(ledger, [desk.coin("dirty")], chain="btc-regtest")
    assert found.digest == again.digest
    one = found.traces["fifo"]
    short = cw.trace(ledger, [desk.coin("dirty")], policy="fifo", chain="btc-regtest", max_hops=1)
    other = TraceRange(found.asset, {**found.traces, "fifo": short}, found.destinations,
                       found.kinds)  # fmt: skip
    assert (one.digest == short.digest) is (found.digest == other.digest)
    assert "trace_all(" in found.lineage()


def test_disclosure_rounds_what_few_masked_hold_in_table_and_sentence(
    desk: Any, tmp_path: Path
) -> None:
    """Each policy has a crowd of its own: one stranger alone is never told to the last unit."""
    txs = [
        {"id": "paid", "ins": [], "outs": [("dirty", 51_234_567)]},
        {"id": "own", "ins": [], "outs": [("float", 41_234_567)]},
        {"id": "mix", "ins": [("paid", 0), ("own", 0)],
         "outs": [("shop", 17_654_321), ("south", 74_814_813)]},
    ]  # fmt: skip
    ledger = desk.coins(txs)
    tags = desk.tags(("shop", "harbour"))
    found = trace_all(ledger, [desk.coin("dirty")], chain="btc-regtest", stop=tags)
    case = cw.Case("range", "Which method?", mask_key=bytes(16)).add(found)
    case.look_beside(ledger)
    folder = case.write(tmp_path / "disclosure")
    page = (folder / "report.html").read_text("utf-8")
    table = pl.read_csv(folder / "tables" / "policies_by_kind.csv", infer_schema=False)
    came = found.traces["fifo"].amount  # what came in is said anyway
    amounts = {int(one) for one in found.kinds.filter(reason="unspent")["amount"]} - {0, came}
    exact = {told for one in amounts for told in (str(one), found.asset.shown(one, symbol=False))}
    assert len(amounts) > 2
    shown = page + "".join(path.read_text("utf-8") for path in folder.glob("tables/*.csv"))
    assert not [one for one in exact if one in shown]
    assert "≈ 0.7 rBTC" in page
    assert set(table.filter(service="harbour")["rounded"]) == {"false"}
    assert "17654321" in table["amount"].to_list()
    assert "What depends on the method" in page
    manifest = json.loads((folder / "manifest.json").read_text("utf-8"))
    assert manifest["results"][0]["what"] == "trace_all"


def test_a_finding_is_a_finding(desk: Any) -> None:
    found = trace_all(desk.coins(MIXED), [desk.coin("dirty")], chain="btc-regtest")
    (one,) = found.findings(pl.DataFrame())
    assert isinstance(one, Finding)
    assert one.frame.height == found.kinds.height == 2 * (len(found.traces) + 1)
    assert one.innocent


class TestOrders:
    """m gets 5 of s in the minute in which it pays 5 to e: which was first decides what e gets."""

    EARLIER = (
        ("z", "s", 5, 0), ("k", "m", 5, 1), ("m", "e", 5, 2), ("s", "m", 5, 2), ("m", "q", 5, 3)
    )  # fmt: skip

    @pytest.mark.parametrize("order", [(0, 1, 2, 3, 4), (0, 1, 3, 2, 4)])
    def test_ranges_and_the_least_are_over_orders(self, desk: Any, order: Any) -> None:
        ledger = desk.paid([self.EARLIER[at] for at in order], read="smekqz")
        tags = desk.tags(("e", "E"), chain=desk.asset.chain)
        found = trace_all(ledger, [desk.account("s")], asset=desk.asset, stop=tags)
        told = found.summary().filter(pl.col("high") > 0)
        told = told.select("reason", "service", "low", "high", "in_all").rows()
        assert sorted(told) == [("hosted service", "E", 0, 5, 0), ("unspent", None, 0, 5, 0)]
        assert found.in_all == 0
        by_place = {
            row[:2]: row[2:] for row in found.frame.select(*KIND, "low", "high").iter_rows()
        }
        assert by_place["hosted service", "E"] == (0, 5)
        finding = found.findings(found.kinds)[0]
        assert "at least 0 TOK end at the same places" in finding.headline
        assert "their order is not known" in finding.headline
        assert "0 TOK to 5 TOK E (hosted service)" in " ".join(finding.text)
        assert "their order is not known" in repr(found)
        found.check()

    def test_nothing_is_said_where_orders_change_nothing(self, desk: Any) -> None:
        ledger = desk.paid([("z", "s", 5, 0), ("s", "m", 5, 1), ("k", "w", 5, 1)], read="smwkz")
        found = trace_all(ledger, [desk.account("s")], asset=desk.asset)
        assert found.every.is_empty()
        assert "order" not in repr(found)
