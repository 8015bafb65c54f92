"""Safes: whose they are, whose key took whose place, and what of that only looks so."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import polars as pl
import pytest
from account_chains import Accounts
from hypothesis import given, settings
from hypothesis import strategies as st

import chainwatch as cw
from chainwatch.heuristics.accounts.account_links import account_links
from chainwatch.heuristics.accounts.safe import safe_key_change, safe_owner
from chainwatch.ledger.ledger import Ledger

ON = Accounts()
GAS = {"coin": True}
PEOPLE = ("ann", "bob", "cat", "dan")


def did(who: str, minute: int, *, safe: str | None = "safe") -> list[Any]:
    """Return a transaction that somebody sends, named by its minute, in which a Safe pays."""
    rows: list[Any] = [(f"{who}>shop:1", minute, {"coin": True, "id": minute})]
    if safe:
        rows.append((f"{safe}>shop:1", minute, {"id": minute}))
    return rows


def setup(*owners: str, minute: int = 1, needed: int = 1, safe: str = "safe") -> tuple[Any, ...]:
    return ("SafeSetup", safe, (list(owners), needed), minute, {"id": minute})


def swap(old: str, new: str, minute: int, *, safe: str = "safe") -> list[Any]:
    return [(event, safe, who, minute, {"id": minute})
            for event, who in (("RemovedOwner", old), ("AddedOwner", new))]  # fmt: skip


def one(event: str, what: Any, minute: int, **more: Any) -> tuple[Any, ...]:
    return (event, "safe", what, minute, {"id": minute, **more})


EVERYBODY: list[Any] = [("bank>safe:99", 0, GAS)]
BOTH = [*EVERYBODY, *did("ann", 1, safe=None), *did("ann", 3), *did("bob", 5)]
"""Ann sets up and hands over, and Bob uses it."""


def said(ledger: Ledger, rule: Any, **how: Any) -> set[tuple[str, str, bool | None]]:
    return ON.pairs(account_links(ledger, rules=[rule], **how).frame)


def changes(rows: list[Any], logs: list[Any], **how: Any) -> set[tuple[str, str, bool | None]]:
    return said(ON.ledger(rows, logs=logs, **how), safe_key_change())


def owners(rows: list[Any], logs: list[Any], **how: Any) -> set[tuple[str, str, bool | None]]:
    return said(ON.ledger(rows, logs=logs, **how), safe_owner())


def test_a_key_that_takes_the_place_of_the_only_one() -> None:
    assert changes(BOTH, [setup("ann"), *swap("ann", "bob", 3)]) == {("ann", "bob", False)}
    slowly = [setup("ann"), one("AddedOwner", "bob", 3), one("RemovedOwner", "ann", 4)]
    assert changes(BOTH, slowly) == {("ann", "bob", False)}
    back = [*slowly, *swap("bob", "ann", 6)]
    rows = [*BOTH, *did("bob", 6), *did("ann", 7)]
    assert changes(rows, back) == {("ann", "bob", False)}


@pytest.mark.parametrize(
    "logs",
    [
        [setup("ann", "cat"), *swap("ann", "bob", 3)],
        [setup("ann", "cat", needed=2), *swap("ann", "bob", 3)],
        [setup("ann"), one("AddedOwner", "bob", 3)],
        [setup("ann"), one("AddedOwner", "bob", 3), one("AddedOwner", "cat", 4),
         one("RemovedOwner", "ann", 5), one("RemovedOwner", "cat", 6)],
        [setup("ann"), one("AddedOwner", "cat", 2), *swap("ann", "bob", 3),
         one("RemovedOwner", "cat", 4)],
    ],
)  # fmt: skip
def test_several_owners_are_a_group_and_a_third_between_ends_it(logs: list[Any]) -> None:
    assert changes([*BOTH, *did("ann", 2)], logs) == set()


def test_it_is_his_only_where_he_named_the_key_himself_and_who_has_it_used_it() -> None:
    logs = [setup("ann"), *swap("ann", "bob", 3)]
    relayed = [*EVERYBODY, *did("ann", 1), *did("cat", 3), *did("bob", 5)]
    assert changes(relayed, logs) == {("ann", "bob", None)}
    # A Safe of somebody's that names a stranger shows nothing of the stranger.
    framed = [*EVERYBODY, *did("ann", 1), *did("ann", 3), *did("bob", 5, safe=None)]
    assert changes(framed, logs) == {("ann", "bob", None)}
    before = [*EVERYBODY, *did("ann", 1), *did("bob", 2), *did("ann", 3)]
    assert changes(before, logs) == {("ann", "bob", None)}


def test_without_a_setup_owners_are_not_known() -> None:
    assert changes(BOTH, swap("ann", "bob", 3)) == {("ann", "bob", None)}
    assert changes(BOTH, [one("AddedOwner", "bob", 3), one("RemovedOwner", "ann", 4)]) == set()
    late = [*swap("ann", "bob", 3), setup("bob", minute=5)]
    assert changes(BOTH, late) == {("ann", "bob", None)}
    assert owners(BOTH, late) == set()


NONSENSE = {
    "nobody": setup(minute=1),
    "more than there are": setup("ann", needed=2),
    "nobody must": setup("ann", needed=0),
    "twice": setup("ann", "ann"),
    "cut": one("SafeSetup", (["ann"], 1), 1, data=b"\1" * 33),
    "empty": one("SafeSetup", (["ann"], 1), 1, data=b""),
    "a length beyond all": one("SafeSetup", (["ann"], 1), 1, data=b"\xff" * 160),
    "no address": one("SafeSetup", (["ann"], 1), 1, data=bytes(31) + b"\x80" + bytes(31) + b"\1"
                      + bytes(95) + b"\1" + b"\x7f" * 32),
}  # fmt: skip


@pytest.mark.parametrize("name", NONSENSE)
def test_a_setup_that_makes_no_sense_names_nobody(name: str) -> None:
    assert owners(BOTH, [NONSENSE[name]]) == set()
    assert changes(BOTH, [NONSENSE[name], *swap("ann", "bob", 3)]) <= {("ann", "bob", None)}


@pytest.mark.parametrize(
    "logs",
    [
        [one("RemovedOwner", "cat", 2)],
        [one("AddedOwner", "ann", 2)],
        [one("AddedOwner", "", 2, data=b"\1" * 32)],
        [one("AddedOwner", "", 2, data=b"")],
        [one("ChangedThreshold", 2, 2)],
        [one("RemovedOwner", "ann", 2)],
        [setup("ann", minute=2)],
    ],
)
def test_logs_that_contradict_each_other_leave_the_owners_unknown(logs: list[Any]) -> None:
    told = changes([*BOTH, *did("ann", 2)], [setup("ann"), *logs, *swap("ann", "bob", 3)])
    assert told == {("ann", "bob", None)}


def test_an_owner_may_be_a_topic() -> None:
    """Safe 1.4.0 tells owners so."""
    logs = [setup("ann")] + [
        (event, safe, who, minute,
         {**more, "topic1": bytes(12) + ON(who)[1:], "data": b""})
        for event, safe, who, minute, more in swap("ann", "bob", 3)
    ]  # fmt: skip
    assert changes(BOTH, logs) == {("ann", "bob", False)}


def test_where_no_place_is_told_the_order_is_not_known() -> None:
    logs = [setup("ann"), *swap("ann", "bob", 3)]
    unplaced = [(*log[:4], {**log[4], "tx": None}) for log in logs]
    assert changes(BOTH, unplaced) == {("ann", "bob", None)}
    assert owners(BOTH, unplaced) == set()


def test_who_changes_with_many_serves_them() -> None:
    logs, rows = [], list(EVERYBODY)
    for n, who in enumerate(("bob", "cat", "dan")):
        logs += [setup("ann", minute=1 + n, safe=f"safe{n}"),
                 *swap("ann", who, 10 + n, safe=f"safe{n}")]  # fmt: skip
        rows += [*did("ann", 1 + n, safe=None), *did("ann", 10 + n, safe=f"safe{n}"),
                 *did(who, 20 + n, safe=f"safe{n}")]  # fmt: skip
    ledger = ON.ledger(rows, logs=logs)
    assert {veto for *_, veto in said(ledger, safe_key_change(others=2))} == {True}
    assert {veto for *_, veto in said(ledger, safe_key_change(others=3))} == {False}
    twice = [*logs, setup("ann", minute=30, safe="safe9"), *swap("ann", "bob", 31, safe="safe9")]
    rows += [*did("ann", 30, safe=None), *did("ann", 31, safe="safe9"),
             *did("bob", 32, safe="safe9")]  # fmt: skip
    again = ON.ledger(rows, logs=twice)
    assert {veto for *_, veto in said(again, safe_key_change(others=3))} == {False}


def test_one_key_alone_controls_a_safe() -> None:
    assert owners(BOTH, [setup("ann")]) == {("ann", "safe", False)}
    assert owners(BOTH, [setup("ann"), one("ChangedThreshold", 1, 3)]) == {("ann", "safe", False)}
    for group in (setup("ann", "bob"), setup("ann", "bob", needed=2)):
        assert owners(BOTH, [group]) == set()
    # What changed hands is of no one owner for all times.
    sold = owners(BOTH, [setup("ann"), *swap("ann", "bob", 3)])
    assert sold == {("ann", "safe", None), ("bob", "safe", None)}
    joined = owners(BOTH, [setup("ann"), one("AddedOwner", "bob", 3)])
    assert joined == {("ann", "safe", None)}


def test_a_safe_is_of_him_who_used_it() -> None:
    stranger = [*EVERYBODY, *did("cat", 1), *did("ann", 3, safe=None)]
    assert owners(stranger, [setup("ann")]) == {("ann", "safe", None)}
    himself = [*EVERYBODY, *did("ann", 1, safe=None)]
    assert owners(himself, [setup("ann")]) == {("ann", "safe", False)}


def test_logs_must_have_been_read_from_the_setup_on_and_as_long_as_he_was_there() -> None:
    logs = [setup("ann", minute=2), *swap("ann", "bob", 3)]
    rows = [*EVERYBODY, *did("ann", 2, safe=None), *did("ann", 3), *did("bob", 5)]
    assert changes(rows, logs) == {("ann", "bob", False)}
    whole = ON.ledger(rows, logs=logs)
    for height, expected in ((0, False), (2, None), (3, None), (5, False)):
        mine = (pl.col("kind") == "logs") & (pl.col("height") == height)
        less = whole.frames["coverage"].filter(~mine)
        part = Ledger.from_tables({**whole.frames, "coverage": less})
        # From the second block on: the setup is there, and nobody moved before.
        assert said(part, safe_key_change()) == {("ann", "bob", expected)}, height
    earlier = [*rows, ("ann>shop:1", 0, GAS)]
    late = ON.ledger(earlier, logs=logs)
    first = (pl.col("kind") == "logs") & (pl.col("height") == 0)
    part = Ledger.from_tables({
        **late.frames, "coverage": late.frames["coverage"].filter(~first)
    })  # fmt: skip
    assert said(part, safe_key_change()) == {("ann", "bob", None)}
    untimed = ON.ledger([*rows, ("ann>shop:1", 4, {"coin": True, "time": None})], logs=logs)
    assert said(untimed, safe_key_change()) == {("ann", "bob", False)}
    less = untimed.frames["coverage"].filter(~first)
    part = Ledger.from_tables({**untimed.frames, "coverage": less})
    assert said(part, safe_key_change()) == {("ann", "bob", None)}
    assert changes(rows, logs, read=["ann"]) == {("ann", "bob", None)}
    assert owners(rows, logs[:1], logged=False) == {("ann", "safe", None)}


def test_services_and_contracts_are_nobody() -> None:
    rows = [*BOTH, *did("safe0", 2, safe=None)]
    inner = [setup("safe0"), setup("ann", minute=1, safe="safe0"), *swap("safe0", "bob", 3)]
    assert changes(rows, inner) == set()
    logs = [setup("ann"), *swap("ann", "bob", 3)]
    tags = ON.tags(("bob", "shop", "exchange"))
    assert said(ON.ledger(BOTH, logs=logs), safe_key_change(), tags=tags) == set()
    kept = said(ON.ledger(BOTH, logs=logs[:1]), safe_owner(), tags=ON.tags(("safe", "shop")))
    assert kept == set()


def test_why_rests_on_the_transaction_that_named_the_key() -> None:
    slowly = [setup("ann"), one("AddedOwner", "bob", 3), one("RemovedOwner", "ann", 4)]
    ledger = ON.ledger(BOTH, logs=slowly)
    clusters = cw.cluster(account_links(ledger, rules=[safe_key_change()]))
    told = clusters.why(ON("ann"), ON("bob"))
    assert told.frame["txid"].to_list() == [ON.txid(3)]
    assert not clusters.cut(tx=ON.txid(3)).why(ON("ann"), ON("bob"), "eth").joined


OPS = st.lists(
    st.tuples(st.sampled_from(["swap", "add", "remove"]), st.integers(0, 3), st.integers(0, 3)),
    max_size=10,
)


@settings(max_examples=25)
@given(first=st.lists(st.integers(0, 3), min_size=1, max_size=3, unique=True), ops=OPS)
def test_a_safe_that_lives_for_long(first: list[int], ops: list[tuple[str, int, int]]) -> None:
    """What the logs tell is what a Safe that keeps its owners in a list went through."""
    held, logs = [PEOPLE[n] for n in first], [setup(*(PEOPLE[n] for n in first))]
    times = [frozenset(held)]
    for minute, (op, n, m) in enumerate(ops, 2):
        old, new = PEOPLE[n], PEOPLE[m]
        if op == "swap" and old in held and new not in held:
            held[held.index(old)] = new
            logs += swap(old, new, minute)
        elif op == "add" and new not in held:
            held.append(new)
            logs.append(one("AddedOwner", new, minute))
        elif op == "remove" and old in held and len(held) > 1:
            held.remove(old)
            logs.append(one("RemovedOwner", old, minute))
        times.append(frozenset(held))
    expected = set()
    alone = [at for at, group in enumerate(times) if len(group) == 1]
    for begin, end in pairwise(alone):
        one_, other = min(times[begin]), min(times[end])
        if one_ != other and frozenset().union(*times[begin : end + 1]) == {one_, other}:
            expected.add((*sorted((one_, other)), None))
    rows = [*EVERYBODY, *((f"{who}>shop:1", 0, GAS) for who in PEOPLE)]
    found = changes(rows, logs)
    assert {(a, b, None) for a, b, veto in found} == expected
    assert {veto for *_, veto in found} <= {None, True}, "nobody did it himself"
    sole = {(min(group), "safe") for group in times if len(group) == 1}
    assert {(a, b) for a, b, _ in owners(rows, logs)} == {tuple(sorted(pair)) for pair in sole}
