"""Where a trace stops at equal outputs, and where it must not: what a party can have brought."""

from __future__ import annotations

from typing import Any

import pytest

from chainwatch.heuristics.co_spend import co_spends
from chainwatch.heuristics.coinjoin import equal_outputs
from chainwatch.tracing.policies import fifo
from chainwatch.tracing.trace import trace

COIN = 100_000_000


def ended(desk: Any, others: tuple[int, int], *, one_each: bool = False) -> dict[Any, int]:
    """Return the ends of 31 coins of ``a`` that are spent beside two coins of others."""
    txs = [
        {"id": "in", "ins": [], "outs": [("a", 31 * COIN)]},
        {"id": "o", "ins": [], "outs": [("x", others[0]), ("y", others[1])]},
        {
            "id": "t",
            "ins": [("in", 0), ("o", 0), ("o", 1)],
            "outs": [("p", 10 * COIN), ("q", 10 * COIN), ("r", 10 * COIN), ("s", COIN)],
        },
    ]
    rule = equal_outputs(one_each=one_each)
    followed = trace(desk.coins(txs), [desk.coin("a")], policy=fifo, stop=rule, chain="btc-regtest")
    return desk.ends(followed)


def test_two_inputs_of_dust_hide_nothing(desk: Any) -> None:
    """One alone can have brought 10: it is no mix, and what it paid is followed."""
    assert ended(desk, (COIN // 100, COIN // 100)) == {
        ("unspent", "p"): 10 * COIN,
        ("unspent", "q"): 10 * COIN,
        ("unspent", "r"): 10 * COIN,
        ("unspent", "s"): COIN,
    }


@pytest.mark.parametrize(
    ("others", "one_each", "reason"),
    [
        ((11 * COIN, 11 * COIN), False, "mixer"),
        ((11 * COIN, COIN // 100), False, "undecided mixer"),  # a party may take several
        ((6 * COIN, 6 * COIN), False, "undecided mixer"),  # both together may be a second
        ((11 * COIN, COIN // 100), True, "unspent"),  # unless the protocol forbids it
        ((6 * COIN, 5 * COIN), True, "unspent"),
    ],
)
def test_a_mix_a_doubt_and_none(
    desk: Any, others: tuple[int, int], one_each: bool, reason: str
) -> None:
    assert {why for why, _ in ended(desk, others, one_each=one_each)} == {reason}


def test_what_is_no_mix_joins_and_what_may_be_one_does_not(desk: Any) -> None:
    paid = [("p", 10 * COIN), ("q", 10 * COIN), ("r", 10 * COIN)]
    for second, joins in ((COIN // 100, 1), (11 * COIN, 0)):
        coins = [{"id": "in", "ins": [], "outs": [("a", 31 * COIN), ("x", second)]}]
        ledger = desk.coins([*coins, {"id": "t", "ins": [("in", 0), ("in", 1)], "outs": paid}])
        assert co_spends(ledger).counts()["joining"] == joins
