"""Laws that every trace of coins keeps, on random chains, and the index against dictionaries."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import polars as pl
import pytest
from coin_chains import coin_chains, coins_of
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from plain_coins import PlainCoins

from chainwatch.addresses.canonical import txid_text
from chainwatch.ledger.ledger import Ledger
from chainwatch.tracing import trace as module
from chainwatch.tracing.arguments import policies_for
from chainwatch.tracing.policies import Policy, fifo, haircut, lifo, poison
from chainwatch.tracing.result import Trace
from chainwatch.tracing.stops import LATER, NOT_READ, UNSPENT
from chainwatch.tracing.trace import trace

CHAIN, START = "btc-regtest", datetime(2023, 6, 1, tzinfo=UTC)
POLICIES = policies_for(CHAIN)
WAYS = [(one, "forward") for one in POLICIES]
WAYS += [(one, "backward") for one in POLICIES if not one.backward]

every_way = pytest.mark.parametrize(
    ("policy", "direction"), WAYS, ids=[f"{one.name}-{way}" for one, way in WAYS]
)


def named(place: tuple[str, int], desk: Any) -> str:
    """Return an output as people write it."""
    return f"{txid_text(desk.txid(place[0]), CHAIN)}:{place[1]}"


def into(found: Trace, desk: Any, place: tuple[str, int]) -> int:
    """Return how much of what is traced reached an output."""
    here = (pl.col("txid") == desk.txid(place[0])) & (pl.col("n") == place[1])
    return sum(map(int, found.steps.filter(here)["amount"]))


def out_of(found: Trace, desk: Any, place: tuple[str, int], txs: list[dict[str, Any]]) -> int:
    """Return how much of what is traced back came from an output."""
    number = dict(zip((tx["id"] for tx in txs), _numbers(txs), strict=True))[place[0]]
    here = (pl.col("source_tx") == number) & (pl.col("source_n") == place[1])
    return sum(map(int, found.steps.filter(here)["amount"]))


def _numbers(txs: list[dict[str, Any]]) -> list[int]:
    seen: Counter[int] = Counter()
    numbers = []
    for tx in txs:
        numbers.append(tx["height"] << 24 | seen[tx["height"]])
        seen[tx["height"]] += 1
    return numbers


@every_way
@given(txs=coin_chains(), data=st.data())
@settings(max_examples=46, deadline=None)
def test_the_index_answers_as_dictionaries_do(
    desk: Any, policy: Policy, direction: str, txs: list[dict[str, Any]], data: st.DataObject
) -> None:
    """Five hundred ledgers in all, with spans, stops, limits, and outputs chosen themselves."""
    ledger: Ledger = desk.coins(txs)
    last = txs[-1]["height"]
    first, end = (data.draw(st.one_of(st.none(), st.integers(0, last + 1))) for _ in range(2))
    if first is not None and end is not None and first >= end:
        first = None
    bounds = [
        None if height is None else START + timedelta(minutes=10 * height)
        for height in (first, end)
    ]
    places = [one for one in coins_of(txs) if _inside(one, txs, first, end)]
    who: list[Any] = [desk.coin("a"), desk.coin("b")]
    if places:
        who.append(named(data.draw(st.sampled_from(places)), desk))
    asked: dict[str, Any] = {
        "policy": policy, "direction": direction, "chain": CHAIN,
        "stop": desk.tags(("s", "shop")),
        "max_hops": data.draw(st.sampled_from([None, 1, 3])),
        "min_amount": data.draw(st.sampled_from([0, 2])),
    }  # fmt: skip
    spanned = ledger.between(*bounds)
    fast = trace(spanned, who, **asked)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "Coins", PlainCoins)
        slow = trace(spanned, who, **asked)
    for name, (rows, _) in fast.tables().items():
        assert rows.equals(slow.tables()[name][0]), name


def _inside(
    place: tuple[str, int], txs: list[dict[str, Any]], first: int | None, end: int | None
) -> bool:
    height = next(tx["height"] for tx in txs if tx["id"] == place[0])
    return (first is None or first <= height) and (end is None or height < end)


@pytest.mark.parametrize("policy", [fifo, lifo])
@given(txs=coin_chains(unread=False), data=st.data())
@settings(max_examples=40, deadline=None)
def test_an_amount_between_two_coins_is_the_same_from_either_end(
    desk: Any, policy: Policy, txs: list[dict[str, Any]], data: st.DataObject
) -> None:
    places = coins_of(txs)
    first, second = (data.draw(st.sampled_from(places)) for _ in range(2))
    assume(first != second)
    ledger = desk.coins(txs)
    there = trace(ledger, named(first, desk), policy=policy, chain=CHAIN)
    back = trace(ledger, named(second, desk), policy=policy, direction="backward", chain=CHAIN)
    assert into(there, desk, second) == out_of(back, desk, first, txs)


@pytest.mark.parametrize("policy", [fifo, lifo])
@given(txs=coin_chains(unread=False), data=st.data())
@settings(max_examples=25, deadline=None)
def test_parts_of_a_seed_add_up_to_the_whole(
    desk: Any, policy: Policy, txs: list[dict[str, Any]], data: st.DataObject
) -> None:
    """Of outputs that do not descend from one another: what each brings is what both bring."""
    ledger, tx = desk.coins(txs), data.draw(st.sampled_from(txs))
    parts = [one for one in coins_of(txs) if one[0] == tx["id"]]
    assume(parts)
    apart = [trace(ledger, named(one, desk), policy=policy, chain=CHAIN) for one in parts]
    both = trace(ledger, [named(one, desk) for one in parts], policy=policy, chain=CHAIN)
    key = ["txid", "n", "reason"]
    assert _sums(both.ends, key) == sum((_sums(one.ends, key) for one in apart), Counter())


def _sums(rows: pl.DataFrame, key: list[str]) -> Counter[tuple[Any, ...]]:
    found: Counter[tuple[Any, ...]] = Counter()
    for *names, amount in rows.select(*key, "amount").iter_rows():
        found[tuple(names)] += int(amount)
    return found


@every_way
@given(txs=coin_chains(), data=st.data())
@settings(max_examples=8, deadline=None)
def test_poison_reaches_whatever_another_does(
    desk: Any, policy: Policy, direction: str, txs: list[dict[str, Any]], data: st.DataObject
) -> None:
    ledger, places = desk.coins(txs), coins_of(txs)
    who = named(data.draw(st.sampled_from(places)), desk)
    asked: dict[str, Any] = {"direction": direction, "chain": CHAIN}
    one = trace(ledger, who, policy=policy, **asked)
    all_of_it = trace(ledger, who, policy=poison, **asked)
    place = ["txid", "n"]
    assert set(one.steps.select(place).rows()) <= set(all_of_it.steps.select(place).rows())
    assert set(one.ends.select(place).rows()) <= set(all_of_it.ends.select(place).rows())


@pytest.mark.parametrize("policy", POLICIES, ids=lambda policy: policy.name)
@given(txs=coin_chains(unread=False), data=st.data())
@settings(max_examples=12, deadline=None)
def test_what_comes_later_changes_no_step_before_it(
    desk: Any, policy: Policy, txs: list[dict[str, Any]], data: st.DataObject
) -> None:
    """A trace of the chain up to a block has the steps of that of the whole chain up to there."""
    places, height = coins_of(txs), data.draw(st.integers(0, txs[-1]["height"]))
    places = [one for one in places if _inside(one, txs, None, height + 1)]
    who = named(data.draw(st.sampled_from(places)), desk)
    early = trace(
        desk.coins([tx for tx in txs if tx["height"] <= height]), who, policy=policy, chain=CHAIN
    )
    late = trace(desk.coins(txs), who, policy=policy, chain=CHAIN)
    upto = pl.col("tx") < (height + 1) << 24
    assert early.steps.equals(late.steps.filter(upto))
    key = ["txid", "n", "reason"]
    gone = _sums(early.ends, key) - _sums(late.ends, key)
    assert {reason for *_, reason in gone} <= {UNSPENT}


@given(txs=coin_chains(unread=False, largest=2**62), data=st.data())
@settings(max_examples=20, deadline=None)
def test_amounts_of_the_largest_sums_are_exact(
    desk: Any, txs: list[dict[str, Any]], data: st.DataObject
) -> None:
    """Beyond 2^53 nothing that passed through a floating-point number would add up."""
    places = coins_of(txs)
    who = named(data.draw(st.sampled_from(places)), desk)
    found = trace(desk.coins(txs), who, policy=haircut, chain=CHAIN)
    assert sum(map(int, found.ends["amount"])) == found.amount


def test_a_theft_by_hand(desk: Any) -> None:
    """The thief's 6 of 10 inputs: three hops, a fee, and each end counted on fingers."""
    txs = [
        {"id": "loot", "ins": [], "outs": [("v", 6)]},
        {"id": "own", "ins": [], "outs": [("t", 4)]},
        {"id": "mix", "ins": [("own", 0), ("loot", 0)], "outs": [("x", 5), ("t", 4)]},
        {"id": "pay", "ins": [("mix", 0)], "outs": [("s", 3), ("x", 2)]},
    ]
    who = named(("loot", 0), desk)

    def follow(policy: Policy) -> dict[tuple[str, str | None], int]:
        found = trace(
            desk.coins(txs), who, policy=policy, chain=CHAIN, stop=desk.tags(("s", "shop"))
        )
        return desk.ends(found)

    assert follow(fifo) == {("unspent", "x"): 1, ("unspent", "t"): 4, ("fee", None): 1}
    assert follow(lifo) == {("hosted service", "s"): 3, ("unspent", "x"): 2, ("unspent", "t"): 1}
    # Of 5, 9 and 10 paid: 3, 5 and 6. Of x's 3 in 5: 1 and 3.
    assert follow(haircut) == {
        ("hosted service", "s"): 1, ("unspent", "x"): 2, ("unspent", "t"): 2, ("fee", None): 1
    }  # fmt: skip


def test_where_a_payment_came_from_by_hand(desk: Any) -> None:
    txs = [
        {"id": "loot", "ins": [], "outs": [("v", 6)]},
        {"id": "own", "ins": [], "outs": [("t", 4)]},
        {"id": "mix", "ins": [("own", 0), ("loot", 0)], "outs": [("x", 5), ("t", 4)]},
        {"id": "pay", "ins": [("mix", 0)], "outs": [("s", 3), ("x", 2)]},
    ]
    found = trace(desk.coins(txs), desk.coin("s"), policy=fifo, direction="backward", chain=CHAIN)
    # The first 3 of x's 5 are the first 3 of the inputs: all of it is t's own coin.
    assert found.ends.select("reason", "txid", "n", "amount").rows() == [
        ("newly made", desk.txid("own"), -1, 3)
    ]
    assert found.steps.sort("hop").select("amount", "hop").rows() == [(3, 1), (3, 2)]
    assert found.origins.select("kind", "txid", "n", "amount").rows() == [
        ("received", desk.txid("pay"), 0, 3)
    ]


@pytest.mark.parametrize(
    ("who", "direction", "reason"),
    [(("t", 0), "forward", LATER), (("u", 0), "backward", NOT_READ)],
)
def test_where_reading_ends(desk: Any, who: Any, direction: str, reason: str) -> None:
    txs = [
        {"id": "t", "ins": [], "outs": [("a", 5)]},
        {"id": "u", "ins": [("old", 0, 7, "b"), ("t", 0)], "outs": [("c", 12)]},
    ]
    ledger = desk.coins(txs)
    if direction == "forward":
        ledger = ledger.between(None, START + timedelta(minutes=10))
    found = trace(ledger, named(who, desk), policy=fifo, direction=direction, chain=CHAIN)
    assert reason in found.ends["reason"].to_list()
