"""Heights come from links, then coinbases, then the user; at a fork one branch is kept."""

from __future__ import annotations

import pytest

from chainwatch.bitcoin.header_tree import BlockLink, place, trusted_claim
from chainwatch.chains.bitcoin import BITCOIN
from chainwatch.chains.catalogue import chain
from chainwatch.errors import BlockError

REGTEST = chain("btc-regtest")
EASY, HARDER = 0x207FFFFF, 0x201FFFFF


def name(text: str) -> bytes:
    return text.encode().ljust(32, b".")


def headers(*rows: tuple, bits: int = EASY) -> dict[bytes, BlockLink]:
    """Return headers of (name, parent, keyword values) rows."""
    made = {}
    for own, parent, *values in rows:
        held = {"bits": bits, "where": f"f byte {own}"} | (values[0] if values else {})
        block, above = (x if isinstance(x, bytes) else name(x) for x in (own, parent))
        made[block] = BlockLink(block, above, **held)
    return made


def heights(*rows: tuple, **how: object) -> dict[str, int]:
    placed = place(headers(*rows), REGTEST, **how)
    return {own.rstrip(b".").decode(): height for own, height in placed.heights.items()}


def test_links_from_genesis_in_any_order() -> None:
    found = place(headers(("c", "b"), ("b", "a"), ("a", REGTEST.genesis),
                          (REGTEST.genesis, bytes(32))), REGTEST)  # fmt: skip
    assert list(found.heights.values()) == [0, 1, 2, 3]
    assert list(found.heights) == [REGTEST.genesis, name("a"), name("b"), name("c")]


def test_links_from_the_ledger_above_and_below() -> None:
    assert heights(("b", "a"), ("a", "x", {"height": 9})) == {"b": 10}
    assert heights(("b", "a", {"height": 9}), ("a", "x")) == {"a": 8}


def test_coinbases_say_it_where_nothing_else_does() -> None:
    assert heights(("b", "a"), ("a", "x", {"claimed": 300})) == {"a": 300, "b": 301}


def test_the_user_says_it_where_nothing_else_does() -> None:
    assert heights(("b", "a"), ("a", "x"), height=5) == {"a": 5, "b": 6}


@pytest.mark.parametrize(
    ("rows", "how", "words"),
    [
        ([("b", "a"), ("a", "x")], {}, "nothing read says the height.*state the height"),
        ([("b", "a", {"claimed": 9}), ("a", "x", {"claimed": 9})], {}, "its coinbase.*its coinb"),
        ([("b", "a", {"claimed": 9}), ("a", "x", {"height": 3})], {}, "4 by .* 9 by its coinbase"),
        ([("a", "x", {"claimed": 9})], {"height": 8}, "8 by the height given.* 9 by its coinbase"),
        ([("b", "a"), ("a", "x", {"height": 7})], {"height": 9}, "by the ledger.*height given"),
        ([("a", "x"), ("b", "y")], {"height": 1}, "one height is given for 2 runs"),
        ([("a", "x", {"claimed": 9}), ("b", "y", {"claimed": 9})], {}, "both claim height 9"),
        ([("a", "x", {"claimed": 9}), ("b", "y", {"height": 9})], {}, "both claim height 9"),
    ],
)
def test_contradictions_are_named(rows: list, how: dict, words: str) -> None:
    with pytest.raises(BlockError, match=words):
        heights(*rows, **how)


def test_the_longer_branch_is_kept() -> None:
    rows = [("a", "x", {"claimed": 5}), ("b", "a"), ("c", "b"), ("B", "a")]
    found = place(headers(*rows), REGTEST)
    assert list(found.heights.values()) == [5, 6, 7]
    assert found.stale == (name("B"),)


def test_work_outweighs_length() -> None:
    rows = [("a", "x", {"claimed": 5}), ("b", "a"), ("c", "b"), ("B", "a", {"bits": HARDER})]
    found = place(headers(*rows), REGTEST)
    assert set(found.stale) == {name("b"), name("c")}
    assert found.heights[name("B")] == 6


def test_siblings_over_an_unread_parent_are_a_fork() -> None:
    found = place(headers(("a", "x", {"claimed": 5}), ("A", "x", {"claimed": 5})), REGTEST)
    assert len(found.heights) == len(found.stale) == 1


def test_a_tie_goes_to_the_ledger_then_to_the_smallest_hash() -> None:
    tie = [("b", "a"), ("B", "a"), ("a", "x", {"claimed": 5})]
    found = place(headers(*tie), REGTEST)
    smallest = min(name("b"), name("B"), key=lambda own: own[::-1])
    assert smallest in found.heights
    other = "b" if smallest == name("B") else "B"
    held = [(own, up, {"height": 6} if own == other else how[0] if how else {})
            for own, up, *how in tie]  # fmt: skip
    assert place(headers(*held), REGTEST).stale == (smallest,)


def test_a_resumed_choice_is_the_first_choice() -> None:
    """Whatever part of the chosen branch the ledger holds, the same branch is chosen again."""
    rows = [("a", "x", {"claimed": 5}), ("b", "a"), ("c", "b"), ("d", "c"), ("B", "a"), ("C", "B"),
            ("D", "C"), ("E", "b"), ("F", "E")]  # fmt: skip
    first = place(headers(*rows), REGTEST)
    chosen = list(first.heights)
    for count in range(len(chosen) + 1):
        part = [
            (own, up, {"height": first.heights[name(own)]} if name(own) in chosen[:count]
             else (how[0] if how else {}))
            for own, up, *how in rows
        ]  # fmt: skip
        again = place(headers(*part), REGTEST)
        assert again.stale == first.stale
        assert list(again.heights) == chosen[count:]


def test_a_branch_that_replaces_the_ledger_says_from_where_on() -> None:
    rows = [("a", "x", {"height": 5}), ("b", "a", {"height": 6}), ("B", "a"), ("C", "B")]
    found = place(headers(*rows), REGTEST)
    assert found.left == 6
    assert found.heights == {name("B"): 6, name("C"): 7}
    assert place(headers(*rows[:3]), REGTEST).left is None  # with as much work, the ledger stays


@pytest.mark.parametrize(
    ("version", "time", "claimed", "trusted"),
    [
        (2, 1_364_140_204, 227_931, 227_931),
        (2, 1_364_140_204, 227_930, None),
        (1, 1_400_000_000, 300_000, None),
        (2, 1_340_000_000, 1_983_702, None),  # a coinbase of 2012 that reads as a height
        (4, 1_700_000_000, None, None),
    ],
)
def test_when_a_coinbase_is_believed(
    version: int, time: int, claimed: int | None, trusted: int | None
) -> None:
    assert trusted_claim(BITCOIN, version, time, claimed) == trusted
