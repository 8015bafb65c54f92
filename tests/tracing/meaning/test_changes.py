"""Net changes of balances: exact, nothing where nothing changed, null where not all was read."""

from __future__ import annotations

from collections import defaultdict
from random import Random
from typing import Any

import pytest

from chainwatch.tracing.meaning.changes import NetChanges, net_changes
from chainwatch.tracing.meaning.reading import CALLS_UNREAD, LOGS_UNREAD, TOO_WIDE


def rows(kit: Any, found: NetChanges) -> dict[tuple[str, str], tuple[int | None, int | None]]:
    return {
        (kit.name(row["address"]), kit.name(row["contract"]) or "ETH"): (
            None if row["change"] is None else int(row["change"]),
            None if row["fee"] is None else int(row["fee"]),
        )
        for row in found.frame.iter_rows(named=True)
    }


def test_what_passes_on_does_not_change_and_fees_stand_apart(kit: Any) -> None:
    chain = kit.chain()
    chain.tx("a", ("a", "r", "X", 100), ("r", "p", "X", 100), ("p", "a", "Y", 50), fee=3)
    assert rows(kit, net_changes(chain.ledger())) == {
        ("a", "X"): (-100, None), ("p", "X"): (100, None), ("p", "Y"): (-50, None),
        ("a", "Y"): (50, None), ("a", "ETH"): (0, 3), ("miner", "ETH"): (0, -3),
    }  # fmt: skip


def test_without_calls_no_change_of_the_coin_is_known(kit: Any) -> None:
    chain = kit.chain()
    chain.tx("a", ("a", "r", "X", 100))
    found = net_changes(chain.ledger(calls=False))
    assert rows(kit, found) == {
        ("a", "X"): (-100, None), ("r", "X"): (100, None), ("a", "ETH"): (None, None),
        ("r", "ETH"): (None, None),
    }  # fmt: skip
    assert {*found.frame["unknown"].drop_nulls()} == {CALLS_UNREAD}
    assert f"2: {CALLS_UNREAD}" in repr(found)


def test_of_a_history_of_one_address_the_others_are_unknown(kit: Any) -> None:
    chain = kit.chain()
    chain.tx("a", ("a", "r", "X", 100))
    found = net_changes(chain.ledger(whole=False, of=["a"]))
    assert rows(kit, found) == {
        ("a", "X"): (-100, None), ("r", "X"): (None, None), ("r", "ETH"): (None, None),
    }  # fmt: skip
    assert {*found.frame["unknown"].drop_nulls()} == {CALLS_UNREAD, LOGS_UNREAD}


def test_an_amount_wider_than_columns_is_no_silent_zero(kit: Any) -> None:
    chain = kit.chain()
    wide = {"amount": None, "amount_hex": hex(2**200)}
    chain.tx("a", ("a", "c", "X", 9, wide), ("a", "c", "Y", 1))
    found = net_changes(chain.ledger())
    told = rows(kit, found)
    assert told["a", "X"] == told["c", "X"] == (None, None)
    assert told["c", "Y"] == (1, None)
    assert {*found.frame["unknown"].drop_nulls()} == {TOO_WIDE}


def test_a_sum_wider_than_columns_is_said(kit: Any) -> None:
    chain = kit.chain()
    largest = 10**38 - 1
    chain.tx("a", ("a", "c", "X", largest), ("a", "c", "X", largest))
    found = net_changes(chain.ledger())
    assert rows(kit, found)["c", "X"] == (None, None)
    assert {*found.frame["unknown"].drop_nulls()} == {"the sum is wider than 38 digits"}


def test_a_payment_that_may_have_failed_leaves_the_coin_open(kit: Any) -> None:
    chain = kit.chain()
    chain.tx("a", ("a", "c", "ETH", 9, {"success": None}), ("a", "c", "X", 1))
    told = rows(kit, net_changes(chain.ledger()))
    assert told["a", "ETH"] == told["c", "ETH"] == (None, None)
    assert told["c", "X"] == (1, None)


def test_tokens_with_ids_are_assets_of_their_own(kit: Any) -> None:
    chain = kit.chain()
    chain.tx("a", ("a", "b", "N", 1, {"token_id": "7"}), ("b", "a", "N", 1, {"token_id": "8"}))
    found = net_changes(chain.ledger()).frame
    told = {(kit.name(a), i): int(c) for a, i, c in found.select(
        "address", "token_id", "change").iter_rows()}  # fmt: skip
    assert told == {("a", "7"): -1, ("a", "8"): 1, ("b", "7"): 1, ("b", "8"): -1}


def test_rows_of_one_transaction_are_one_however_their_place_is_told(kit: Any) -> None:
    """Lists of explorers tell the place of the transaction, and none of the calls inside of it."""
    chain = kit.chain()
    chain.tx("a", ("a", "r", "ETH", 9), ("r", "c", "ETH", 9, {"tx": None, "height": None}))
    chain.tx("b", ("b", "d", "ETH", 5))
    assert rows(kit, net_changes(chain.ledger())) == {
        ("a", "ETH"): (-9, None), ("c", "ETH"): (9, None), ("b", "ETH"): (-5, None),
        ("d", "ETH"): (5, None),
    }  # fmt: skip


@pytest.mark.parametrize("seed", range(8))
def test_changes_are_what_a_plain_sum_says(kit: Any, seed: int) -> None:
    """A plain reference: every movement added up by transaction, address and asset."""
    chance, chain, plain = Random(seed), kit.chain(), {}  # noqa: S311 - the same each time
    for _ in range(20):
        moves = [
            (chance.choice("abcr"), chance.choice("abcr"), chance.choice(["X", "Y", "ETH"]),
             chance.randint(1, 9))
            for _ in range(chance.randint(1, 6))
        ]  # fmt: skip
        net: dict[tuple[str, str], int] = defaultdict(int)
        for sender, receiver, asset, amount in moves:
            net[sender, asset] -= amount
            net[receiver, asset] += amount
        plain[chain.tx("a", *moves)] = {at: amount for at, amount in net.items() if amount}
    found = net_changes(chain.ledger())
    assert not found.frame["change"].null_count()
    for txid, expected in plain.items():
        mine = NetChanges(found.frame.filter(txid=txid), found.chain)
        assert {at: change for at, (change, _) in rows(kit, mine).items()} == expected
