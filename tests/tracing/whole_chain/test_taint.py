"""Scans of a whole chain against the scan in Python, against traces, and against fractions."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from typing import Any

import numpy as np
import polars as pl
import pytest
from coin_chains import coin_chains, coins_of
from hypothesis import given, settings
from hypothesis import strategies as st

from chainwatch.addresses.canonical import txid_text
from chainwatch.errors import ConservationError, TraceError
from chainwatch.kernels import taint as kernel
from chainwatch.tracing.policies import Policy, haircut, poison
from chainwatch.tracing.trace import trace
from chainwatch.tracing.whole_chain import taint as module
from chainwatch.tracing.whole_chain.taint import SCREEN, WAYS, Taint, taint

CHAIN, START = "btc-regtest", datetime(2023, 6, 1, tzinfo=UTC)

every_policy = pytest.mark.parametrize("policy", WAYS, ids=lambda policy: policy.name)


def in_python(ledger: Any, who: Any, policy: Policy) -> Taint:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "available", lambda: False)
        return taint(ledger, who, policy=policy, chain=CHAIN)


def same(one: Taint, other: Taint) -> None:
    for name, (rows, _) in one.tables().items():
        assert rows.equals(other.tables()[name][0]), name
    assert one.visited == other.visited


def named(desk: Any, place: tuple[str, int]) -> str:
    return f"{txid_text(desk.txid(place[0]), CHAIN)}:{place[1]}"


@every_policy
@given(txs=coin_chains(), data=st.data())
@settings(max_examples=125, deadline=None)
def test_it_is_what_the_scan_in_python_says(
    desk: Any, policy: Policy, txs: list[dict[str, Any]], data: st.DataObject
) -> None:
    """Five hundred ledgers in all: spans, several subjects, chosen outputs, unread inputs."""
    first = data.draw(st.one_of(st.none(), st.integers(0, txs[-1]["height"])))
    start = None if first is None else START + timedelta(minutes=10 * first)
    who: list[Any] = [desk.coin(name) for name in data.draw(st.sampled_from(["a", "ab", "bde"]))]
    places = coins_of(txs)
    if first is None and places:
        who.append(named(desk, data.draw(st.sampled_from(places))))
    ledger = desk.coins(txs).between(start, None)
    same(taint(ledger, who, policy=policy, chain=CHAIN), in_python(ledger, who, policy))


@every_policy
@given(txs=coin_chains(), data=st.data())
@settings(max_examples=25, deadline=None)
def test_a_trace_of_one_subject_leads_as_much_into_each_output(
    desk: Any, policy: Policy, txs: list[dict[str, Any]], data: st.DataObject
) -> None:
    who = data.draw(st.sampled_from([desk.coin("a"), desk.coin("b")]))
    ledger = desk.coins(txs)
    scanned = taint(ledger, who, policy=policy, chain=CHAIN)
    followed = trace(ledger, who, policy=policy, chain=CHAIN)
    into: Counter[tuple[bytes, int]] = Counter()
    received = followed.origins.filter(pl.col("kind").str.starts_with("received"))
    for rows in (followed.steps, received):
        for txid, n, amount in rows.select("txid", "n", "amount").iter_rows():
            into[txid, n] += int(amount)
    told = scanned.tainted.select("txid", "n", "amount").iter_rows()
    assert {(txid, n): int(amount) for txid, n, amount in told} == dict(into)


@every_policy
@given(txs=coin_chains(unread=False, largest=2**60), data=st.data())
@settings(max_examples=12, deadline=None)
def test_sums_beyond_floating_point_are_exact(
    desk: Any, policy: Policy, txs: list[dict[str, Any]], data: st.DataObject
) -> None:
    who = named(desk, data.draw(st.sampled_from(coins_of(txs))))
    ledger = desk.coins(txs)
    same(taint(ledger, who, policy=policy, chain=CHAIN), in_python(ledger, who, policy))


def shares(txs: list[dict[str, Any]], seed: tuple[str, int]) -> dict[tuple[str, int], Fraction]:
    """Return the haircut without any rounding."""
    held: dict[tuple[str, int], Fraction] = {}
    values = {(tx["id"], n): out[1] for tx in txs for n, out in enumerate(tx["outs"])}
    for tx in txs:
        whole = sum(values[one] for one in tx["ins"])
        traced = sum((held.get(one, Fraction(0)) for one in tx["ins"]), Fraction(0))
        for n, out in enumerate(tx["outs"]):
            part = traced * out[1] / whole if traced else Fraction(0)
            held[tx["id"], n] = Fraction(out[1]) if (tx["id"], n) == seed else part
    return held


@given(txs=coin_chains(unread=False, largest=2**60), data=st.data())
@settings(max_examples=40, deadline=None)
def test_a_screen_is_as_near_as_it_says(
    desk: Any, txs: list[dict[str, Any]], data: st.DataObject
) -> None:
    seed = data.draw(st.sampled_from(coins_of(txs)))
    ledger, exact = desk.coins(txs), shares(txs, seed)
    kept: list[kernel.Scanned] = []
    scan = kernel.scan
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(kernel, "scan", lambda *given: kept.append(scan(*given)) or kept[-1])
        found = taint(ledger, named(desk, seed), policy=SCREEN, chain=CHAIN)
    places = [(tx["id"], n) for tx in txs for n in range(len(tx["outs"]))]
    assert {places[row] for row in kept[0].rows.tolist()} == {k for k, v in exact.items() if v}
    for row, amount in zip(kept[0].rows.tolist(), kept[0].amounts.tolist(), strict=True):
        truth = exact[places[row]]
        assert abs(Fraction(amount) - truth) <= Fraction(found.error) * truth


def test_memory_grows_with_what_is_reached(desk: Any) -> None:
    """A short way through a long chain holds pages of what it reaches alone."""
    quiet = [{"id": f"q{k}", "ins": [], "outs": [("z", 5)] * 40, "height": k} for k in range(400)]
    last = 400
    loot = [
        {"id": "loot", "ins": [], "outs": [("v", 6)], "height": last},
        {"id": "pay", "ins": [("loot", 0)], "outs": [("s", 3), ("x", 2)], "height": last + 1},
    ]
    few = taint(desk.coins([*quiet, *loot]), desk.coin("v"), policy=haircut, chain=CHAIN)
    many = taint(desk.coins([*quiet, *loot]), desk.coin("z"), policy=haircut, chain=CHAIN)
    assert dict(few.totals.select("what", "outputs").iter_rows())["paid on"] == 1
    assert 4 * few.nbytes < many.nbytes
    assert few.visited == 2


def test_it_says_where_value_is(desk: Any) -> None:
    txs = [
        {"id": "loot", "ins": [], "outs": [("v", 6)]},
        {"id": "own", "ins": [], "outs": [("t", 4)]},
        {"id": "mix", "ins": [("own", 0), ("loot", 0)], "outs": [("x", 5), ("t", 4)]},
        {"id": "pay", "ins": [("mix", 0)], "outs": [("s", 3), ("d", 2, "null_data")]},
    ]
    found = taint(desk.coins(txs), desk.coin("v"), policy=haircut, chain=CHAIN)
    assert dict(found.totals.select("what", "amount").iter_rows()) == {
        "came in": 6, "paid on": 9, "unspent": 3, "burnt": 2, "fee": 1, "not read": 0,
    }  # fmt: skip
    assert "every block was read up to block 3" in repr(found)
    assert found.tainted.filter(pl.col("state") == "unspent")["amount"].sum() == 3


def test_what_is_not_known_to_be_unspent_is_not_called_so(desk: Any) -> None:
    txs = [{"id": "t", "ins": [], "outs": [("a", 5)], "height": 7}]
    whole = desk.coins(txs)
    bare = type(whole).from_tables({**whole.frames, "coverage": whole.frames["coverage"].head(0),
                                    "blocks": whole.frames["blocks"].head(0)})  # fmt: skip
    states = [taint(one, desk.coin("a"), policy=poison, chain=CHAIN).tainted["state"].item()
              for one in (whole, bare)]  # fmt: skip
    assert states == ["unspent", "no spender read"]


def test_it_refuses_what_it_cannot_do(desk: Any) -> None:
    txs = [
        {"id": "t", "ins": [], "outs": [("a", 5)]},
        {"id": "u", "ins": [("t", 0)], "outs": [("c", 6)]},
    ]
    ledger = desk.coins(txs)
    for policy in (*WAYS, SCREEN):
        with pytest.raises(ConservationError, match="exceeds the balance by 1"):
            taint(ledger, desk.coin("a"), policy=policy, chain=CHAIN)
    with pytest.raises(TraceError, match="not scanned by seniority"):
        taint(ledger, desk.coin("a"), policy="seniority", chain=CHAIN)
    with pytest.raises(TraceError, match="balances of accounts"):
        taint(ledger, desk.account("a"), policy="fifo", chain="eth")


def test_quotients_of_128_bits_are_exact() -> None:
    from chainwatch.kernels.following.dividing import muldiv

    pick = np.random.default_rng(5)
    for _ in range(5_000):
        c = int(pick.integers(1, 2 ** int(pick.integers(1, 63)), endpoint=True))
        a, b = int(pick.integers(0, c, endpoint=True)), int(pick.integers(0, 2**63 - 1))
        assert muldiv(a, b, c) == a * b // c


@pytest.mark.parametrize("longer", [53, 54, 62, 63])
def test_quotients_are_exact_where_floats_stop_to_be(longer: int) -> None:
    """A guess in floating point is taken only where it can be told by how many it is off."""
    from chainwatch.kernels.following.dividing import muldiv

    pick = np.random.default_rng(longer)
    edge = [2**53 - 1, 2**53, 2**53 + 1]
    for c in [*edge, *map(int, pick.integers(2**52, 2**53 + 2, 2_000))]:
        a, b = int(pick.integers(c // 2, c, endpoint=True)), int(pick.integers(0, 2**longer - 1))
        for one, other in ((a, b), (b, a), (c, 2**longer - 1), (c - 1, 2**longer - 1), (c, c)):
            assert muldiv(one, other, c) == one * other // c


def totals_of(found: Taint) -> dict[str, int]:
    return {what: int(n) for what, n in found.totals.select("what", "amount").iter_rows()}


HALF = 2**62 + 5
conserving = pytest.mark.parametrize("policy", [one for one in WAYS if one.conserves], ids=str)


@conserving
@pytest.mark.parametrize("count", [2, 4], ids=["past the sign", "past zero"])
def test_what_enters_one_transaction_may_exceed_64_bits(
    desk: Any, policy: Policy, count: int
) -> None:
    """In 64 bits two coins of 2^62 and more make less than nothing, and four of 2^62 nothing."""
    value = HALF if count == 2 else 2**62
    txs = [{"id": f"t{k}", "ins": [], "outs": [("a", value)]} for k in range(count)]
    txs += [
        {"id": "j", "ins": [(f"t{k}", 0) for k in range(count)], "outs": [("b", value)]},
        {"id": "k", "ins": [("j", 0)], "outs": [("e", value)]},
    ]
    ledger = desk.coins(txs)
    right = {"came in": count * value, "paid on": (count + 1) * value, "unspent": value,
             "fee": (count - 1) * value, "not read": 0}  # fmt: skip
    chosen = [named(desk, (f"t{k}", 0)) for k in range(count)]
    for who in (desk.coin("a"), chosen):
        found = taint(ledger, who, policy=policy, chain=CHAIN)
        assert totals_of(found) == right
        same(found, in_python(ledger, who, policy))


@conserving
def test_coins_brought_from_outside_may_exceed_64_bits(desk: Any, policy: Policy) -> None:
    """What was made before the span enters as the subject's own coins do, and counts like them."""
    txs = [{"id": f"t{k}", "ins": [], "outs": [("a", 2**62)]} for k in range(4)]
    txs.append({"id": "j", "ins": [(f"t{k}", 0) for k in range(4)], "outs": [("b", 5)]})
    ledger = desk.coins(txs).between(START + timedelta(minutes=35), None)
    found = taint(ledger, desk.coin("a"), policy=policy, chain=CHAIN)
    assert totals_of(found) == {"came in": 2**64, "unspent": 5, "fee": 2**64 - 5, "not read": 0}


@every_policy
def test_sums_over_a_chain_may_exceed_64_bits(desk: Any, policy: Policy) -> None:
    """Three sums of twelve receipts each: what came in, fees, and what ends unread."""
    value, txs = 8 * 10**17, []
    for k in range(12):
        txs += [
            {"id": f"t{k}", "ins": [], "outs": [("a", value), ("a", value), ("a", value)]},
            {"id": f"s{k}", "ins": [(f"t{k}", 0)], "outs": [("b", value - 10**8)]},
            {"id": f"f{k}", "ins": [(f"t{k}", 1)], "outs": [("b", 1)]},
            {"id": f"u{k}", "ins": [(f"t{k}", 2), ("?",)], "outs": [("b", value)]},
        ]
    ledger = desk.coins(txs)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "PlainScan", None)  # the compiled loops hold it themselves
        found = taint(ledger, desk.coin("a"), policy=policy, chain=CHAIN)
    right = {"came in": 36 * value, "paid on": 36 * value, "unspent": 12 * (value - 10**8 + 1),
             "fee": 12 * (10**8 + value - 1), "not read": 12 * value}  # fmt: skip
    kept = right if policy.conserves else {w: right[w] for w in ("paid on", "unspent", "not read")}
    assert totals_of(found) == kept
    same(found, in_python(ledger, desk.coin("a"), policy))


@pytest.mark.parametrize("policy", [*WAYS, SCREEN], ids=str)
@pytest.mark.parametrize("short", [False, True], ids=["enough", "one too few"])
def test_what_is_paid_is_held_against_what_there_is_at_any_size(
    desk: Any, policy: Policy | str, short: bool
) -> None:
    """Coins of the largest amount and more pay for another; one unit less than that does not."""
    most = 2**63 - 1
    coins = [most - 1] if short else [most, most, 1]
    txs: list[dict[str, Any]] = [
        {"id": f"t{k}", "ins": [], "outs": [("a", value)]} for k, value in enumerate(coins)
    ]
    ins = [(f"t{k}", 0) for k in range(len(coins))]
    txs.append({"id": "j", "ins": ins, "outs": [("b", most - 9), ("b", 9)]})
    if short:
        with pytest.raises(ConservationError, match="exceeds the balance by 1"):
            taint(desk.coins(txs), desk.coin("a"), policy=policy, chain=CHAIN)
        return
    found = taint(desk.coins(txs), desk.coin("a"), policy=policy, chain=CHAIN)
    assert totals_of(found) == totals_of(found) | {"unspent": most, "not read": 0}


def test_a_screen_sums_past_64_bits_too(desk: Any) -> None:
    txs: list[dict[str, Any]] = [
        {"id": f"t{k}", "ins": [], "outs": [("a", 2**63 - 1)]} for k in range(3)
    ]
    txs.append({"id": "j", "ins": [*((f"t{k}", 0) for k in range(3)), ("?",)], "outs": [("b", 5)]})
    found = taint(desk.coins(txs), desk.coin("a"), policy=SCREEN, chain=CHAIN)
    truth = 3 * (2**63 - 1)
    assert found.tainted["amount"].to_list() == [2**63 - 1] * 3  # no more than each holds
    for what in ("paid on", "not read"):
        assert abs(totals_of(found)[what] - truth) <= Fraction(found.error) * truth


@pytest.mark.parametrize("policy", [*WAYS, SCREEN], ids=str)
@pytest.mark.parametrize("unread", [("?",), ("old", 0, 3, "z")], ids=["unknown", "known"])
def test_what_ends_in_a_transaction_not_read_whole_is_named(
    desk: Any, policy: Policy | str, unread: tuple[Any, ...]
) -> None:
    """By reach and of a screen as well: all of it, whatever a policy would have passed on."""
    txs = [
        {"id": "t", "ins": [], "outs": [("a", 10)]},
        {"id": "w", "ins": [("t", 0), unread], "outs": [("g", 9)]},
    ]
    found = taint(desk.coins(txs), desk.coin("a"), policy=policy, chain=CHAIN)
    lost = unread == ("?",)
    assert totals_of(found)["not read"] == (10 if lost else 0)
    assert ("unspent" in totals_of(found)) is not lost


@pytest.mark.parametrize("policy", [*WAYS, SCREEN], ids=str)
def test_a_spender_that_stands_before_its_coin_was_read(desk: Any, policy: Policy | str) -> None:
    """It is not followed, as by a trace, and nobody says that no spender was read."""
    txs = [
        {"id": "o", "ins": [], "outs": [("a", 10)], "height": 0},
        {"id": "ch", "ins": [("p", 0, 10, "b")], "outs": [("d", 10)], "height": 1},
        {"id": "p", "ins": [("o", 0)], "outs": [("b", 7), ("q", 3)], "height": 2},
    ]
    found = taint(desk.coins(txs), desk.coin("a"), policy=policy, chain=CHAIN)
    states = dict(found.tainted.select("address", "state").iter_rows())
    assert states[desk.coin("b")] == "spent before it was made"
    assert states[desk.coin("q")] == "unspent"
    assert totals_of(found)["spent before it was made"] == 7
    if policy != SCREEN:
        followed = trace(desk.coins(txs), desk.coin("a"), policy=policy, chain=CHAIN)
        basis = dict(followed.ends.select("address", "basis").iter_rows())
        assert basis[desk.coin("b")] == "spent before it was made"
