"""The walks against a reference that moves every base unit by itself, one list element each.

The reference knows nothing of lots: an output or balance is a list of labels, one for each base
unit, oldest first. It is slow, short and written for these tests alone.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chainwatch.tracing.policies import (
    Policy,
    clean_first,
    fifo,
    lifo,
    seniority,
    taint_in_highest_out,
)
from chainwatch.tracing.result import Trace
from chainwatch.tracing.trace import trace
from chainwatch.units import total

SUBJECTS, SERVICE, NAMES = "ab", "s", "abcdes"
Table = Counter[tuple[Any, ...]]


Take = Callable[[list[Any]], int]


def _first(pool: list[Any], *, labelled: bool) -> int:
    """Return the place of the first unit of a kind, or of the first of all."""
    label = [unit[0] if isinstance(unit, tuple) else unit for unit in pool]
    return next((place for place, one in enumerate(label) if bool(one) is labelled), 0)


UNITS: dict[Policy, Take] = {
    fifo: lambda pool: 0,
    lifo: lambda pool: -1,
    seniority: lambda pool: _first(pool, labelled=True),
    taint_in_highest_out: lambda pool: _first(pool, labelled=True),
    clean_first: lambda pool: _first(pool, labelled=False),
}
"""Which unit of a pool is paid next, by policy."""

BY_SIZE = {clean_first: 1, taint_in_highest_out: -1}
"""Whether the outputs of a coin transaction are met by their size: the smallest first, or last."""

on_coins = pytest.mark.parametrize("policy", UNITS, ids=lambda policy: policy.name)
on_balances = pytest.mark.parametrize(
    "policy", [one for one in UNITS if not one.accounts], ids=lambda policy: policy.name
)


@st.composite
def chains(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Draw a small chain: coinbases, spends of up to three coins, zeros, burns and fees."""
    free: list[tuple[str, int, int]] = []
    txs = []
    for place in range(draw(st.integers(1, 9))):
        count = draw(st.integers(0, min(3, len(free))))
        spent = [free.pop(draw(st.integers(0, len(free) - 1))) for _ in range(count)]
        left = sum(value for _, _, value in spent) if spent else draw(st.integers(1, 8))
        outs = []
        for _ in range(draw(st.integers(1, 4))):
            value = draw(st.integers(0, left))
            left -= value
            kind = draw(st.sampled_from(["p2pkh"] * 6 + ["null_data", "p2pk"]))
            outs.append((draw(st.sampled_from(NAMES)), value, kind))
        name = f"t{place}"
        txs.append({"id": name, "ins": [(who, n) for who, n, _ in spent], "outs": outs})
        free += [(name, n, out[1]) for n, out in enumerate(outs) if out[2] != "null_data"]
    return txs


def coins_by_units(txs: list[dict[str, Any]], policy: Policy) -> tuple[Table, Table, Table]:
    """Return origins, steps and ends of a chain, unit by unit."""
    take, by_size = UNITS[policy], BY_SIZE.get(policy, 0)
    origins, steps, ends = Counter(), Counter(), Counter()
    held: dict[tuple[str, int], list[str | None]] = {}
    spent_by = {place: tx["id"] for tx in txs for place in tx["ins"]}
    for tx in txs:
        pool = [(label, i) for i, place in enumerate(tx["ins"]) for label in held.pop(tuple(place))]
        coinbase, paid_out = not tx["ins"], {}
        for n in sorted(range(len(tx["outs"])), key=lambda n: by_size * tx["outs"][n][1]):
            value = tx["outs"][n][1]
            paid_out[n] = [(None, 0) if coinbase else pool.pop(take(pool)) for _ in range(value)]
        for n, (name, _, kind) in enumerate(tx["outs"]):
            units = paid_out[n]
            for label, i in units:
                if label:
                    steps[label, i, tx["id"], n] += 1
            labels: list[str | None] = [label for label, _ in units]
            paid = name if kind == "p2pkh" else None
            if paid is not None and paid in SUBJECTS:
                origins[paid, tx["id"], n] += labels.count(None)
                labels = [label or paid for label in labels]
            if kind == "null_data" or paid == SERVICE or (tx["id"], n) not in spent_by:
                why = "burnt" if kind == "null_data" else "hosted service"
                why = why if kind == "null_data" or paid == SERVICE else "unspent"
                for label in labels:
                    if label:
                        ends[label, tx["id"], n, why] += 1
                labels = [None] * len(labels)
            held[tx["id"], n] = labels
        for label, _ in pool:
            if label:
                ends[label, tx["id"], -1, "fee"] += 1
    return +origins, +steps, +ends


def table(rows: pl.DataFrame, keys: list[str]) -> Table:
    found: Table = Counter()
    for *key, amount in rows.select(*keys, "amount").iter_rows():
        found[tuple(key)] += int(amount)
    return +found


def traced(desk: Any, ledger: Any, services: Any, **more: Any) -> Trace:
    policy = more.pop("policy", fifo)
    return trace(ledger, list(more.pop("who")), policy=policy, stop=services, **more)


@on_coins
@given(txs=chains())
@settings(max_examples=60, deadline=None)
def test_coins_move_as_single_units_do(
    desk: Any, policy: Policy, txs: list[dict[str, Any]]
) -> None:
    services = desk.tags((SERVICE, "shop"))
    got = traced(
        desk, desk.coins(txs), services, who=map(desk.coin, SUBJECTS), chain="btc-regtest",
        policy=policy,
    )  # fmt: skip
    origins, steps, ends = coins_by_units(txs, policy)
    name = {desk.coin(one): one for one in SUBJECTS}
    ids = {desk.txid(tx["id"]): tx["id"] for tx in txs}

    def named(found: Table) -> Table:
        return Counter(
            {
                tuple(name.get(part, ids.get(part, part)) for part in key): amount
                for key, amount in found.items()
            }
        )

    assert named(table(got.origins, ["subject", "txid", "n"])) == origins
    assert named(table(got.ends, ["subject", "txid", "n", "reason"])) == ends
    inputs = {(tx["id"], tuple(place)): i for tx in txs for i, place in enumerate(tx["ins"])}
    numbers = {place << 24: tx["id"] for place, tx in enumerate(txs)}
    moved: Table = Counter()
    columns = ("subject", "source_tx", "source_n", "txid", "n", "amount")
    for who, source, source_n, txid, n, amount in got.steps.select(columns).iter_rows():
        i = inputs[ids[txid], (numbers[source], source_n)]
        moved[name[who], i, ids[txid], n] += int(amount)
    assert moved == steps
    assert got.amount == total(got.ends["amount"])


transfers = st.lists(
    st.tuples(st.sampled_from(NAMES), st.sampled_from(NAMES), st.integers(0, 6)), max_size=14
)
histories = st.sets(st.sampled_from(NAMES)).map(lambda found: "".join(sorted(found)))


def accounts_by_units(
    rows: list[tuple[str, str, int]], read: str, policy: Policy
) -> tuple[Table, Table, Table, Table]:
    """Return origins, openings, steps and ends of balances, unit by unit."""
    take = UNITS[policy]
    origins, openings, steps, ends = Counter(), Counter(), Counter(), Counter()
    kept = set(read) | set(SUBJECTS)
    queue: dict[str, list[str | None]] = {name: [] for name in kept}
    for name in kept:  # the fewest units at the start with which every payment can be made
        while not _can_pay(rows, name, len(queue[name])):
            mine = name if name in SUBJECTS else None
            queue[name].append(mine)
            openings[name, "opening, not read"] += 1 if mine else 0
    for place, (sender, receiver, amount) in enumerate(rows):
        if sender == receiver:
            continue
        held = queue.get(sender, [])
        units = [held.pop(take(held)) if sender in kept else None for _ in range(amount)]
        for label in units:
            if label:
                steps[label, place] += 1
        if receiver in SUBJECTS:
            origins[receiver, place] += units.count(None)
            units = [label or receiver for label in units]
        if receiver == SERVICE or receiver not in kept:
            for label in units:
                if label:
                    ends[label, receiver] += 1
            units = [None] * amount
        if receiver in kept:
            queue[receiver] += units
    for name, units in queue.items():
        for label in units:
            if label:
                ends[label, name] += 1
    return +origins, +openings, +steps, +ends


def _can_pay(rows: list[tuple[str, str, int]], name: str, start: int) -> bool:
    balance = start
    for sender, receiver, amount in rows:
        if sender == receiver:
            continue
        balance += amount * ((receiver == name) - (sender == name))
        if balance < 0:
            return False
    return True


@on_balances
@given(rows=transfers, read=histories)
@settings(max_examples=80, deadline=None)
def test_balances_move_as_single_units_do(
    desk: Any, policy: Policy, rows: list[tuple[str, str, int]], read: str
) -> None:
    services = desk.tags((SERVICE, "shop"), chain=desk.asset.chain)
    got = traced(
        desk, desk.paid(rows, read=read), services, who=map(desk.account, SUBJECTS),
        asset=desk.asset, policy=policy,
    )  # fmt: skip
    origins, openings, steps, ends = accounts_by_units(rows, read, policy)
    name = {desk.account(one): one for one in NAMES}
    place = {desk.txid(f"transfer {i}"): i for i in range(len(rows))}

    def named(found: Table) -> Table:
        return Counter(
            {tuple(name.get(p, place.get(p, p)) for p in key): v for key, v in found.items()}
        )

    received = got.origins.filter(pl.col("kind") == "received")
    opened = got.origins.filter(pl.col("kind") != "received")
    assert named(table(received, ["subject", "txid"])) == origins
    assert named(table(opened, ["address", "kind"])) == openings
    assert named(table(got.steps, ["subject", "txid"])) == steps
    assert named(table(got.ends, ["subject", "address"])) == ends
    assert got.amount == total(got.ends["amount"])


@given(txs=chains(), order=st.randoms(use_true_random=False))
@settings(max_examples=30, deadline=None)
def test_the_order_of_rows_decides_nothing_on_coins(
    desk: Any, txs: list[dict[str, Any]], order: Any
) -> None:
    ledger = desk.coins(txs)
    mixed = type(ledger).from_tables(
        {
            name: rows.sample(fraction=1, shuffle=True, seed=order.randrange(99))
            for name, rows in ledger.frames.items()
        }
    )
    services = desk.tags((SERVICE, "shop"))
    who = [desk.coin(name) for name in SUBJECTS]
    first, second = (
        traced(desk, one, services, who=whom, chain="btc-regtest")
        for one, whom in ((ledger, who), (mixed, who[::-1]))
    )
    assert first.record.content == second.record.content


@given(rows=transfers, read=histories, order=st.randoms(use_true_random=False))
@settings(max_examples=30, deadline=None)
def test_the_order_of_rows_decides_nothing_on_balances(
    desk: Any, rows: list[tuple[str, str, int]], read: str, order: Any
) -> None:
    """Also where all transfers bear one time."""
    ledger = desk.paid([(*row, place // 3) for place, row in enumerate(rows)], read=read)
    mixed = type(ledger).from_tables(
        {
            name: part.sample(fraction=1, shuffle=True, seed=order.randrange(99))
            for name, part in ledger.frames.items()
        }
    )
    who = [desk.account(name) for name in SUBJECTS]
    first, second = (traced(desk, one, None, who=who, asset=desk.asset) for one in (ledger, mixed))
    assert first.record.content == second.record.content


@given(one=chains(), other=chains())
@settings(max_examples=30, deadline=None)
def test_coins_that_never_meet_add_up(
    desk: Any, one: list[dict[str, Any]], other: list[dict[str, Any]]
) -> None:
    apart = [
        {
            "id": f"x{tx['id']}",
            "ins": [(f"x{who}", n) for who, n in tx["ins"]],
            "outs": [(name.upper(), *rest) for name, *rest in tx["outs"]],
        }
        for tx in other
    ]
    follow: Callable[..., Trace] = lambda txs, who: traced(  # noqa: E731
        desk, desk.coins(txs), desk.tags((SERVICE, "shop"), ("S", "shop")),
        who=map(desk.coin, who), chain="btc-regtest",
    )  # fmt: skip
    both, first, second = (
        follow([*one, *apart], "abAB"), follow(one, "ab"), follow(apart, "AB")
    )  # fmt: skip
    key = ["subject", "txid", "n", "reason"]
    assert table(both.ends, key) == table(first.ends, key) + table(second.ends, key)
    step = ["subject", "source", "target", "txid", "n"]
    assert table(both.steps, step) == table(first.steps, step) + table(second.steps, step)


@given(one=transfers, other=transfers)
@settings(max_examples=30, deadline=None)
def test_balances_that_never_meet_add_up(
    desk: Any, one: list[tuple[str, str, int]], other: list[tuple[str, str, int]]
) -> None:
    apart = [(a.upper(), b.upper(), amount) for a, b, amount in other]
    read = NAMES + NAMES.upper()
    both = traced(
        desk, desk.paid([*one, *apart], read=read), None,
        who=map(desk.account, "abAB"), asset=desk.asset,
    )  # fmt: skip
    first = traced(
        desk, desk.paid(one, read=read), None, who=map(desk.account, "ab"), asset=desk.asset
    )
    second = traced(
        desk, desk.paid(apart, read=read), None, who=map(desk.account, "AB"), asset=desk.asset
    )
    key = ["subject", "address", "reason"]
    assert table(both.ends, key) == table(first.ends, key) + table(second.ends, key)
