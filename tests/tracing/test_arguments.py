"""What the verbs of tracing are given: the wrong thing is named, with what to pass instead."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from chainwatch.addresses.assets import native, token
from chainwatch.errors import ArgumentError, ChainwatchError, TraceError
from chainwatch.heuristics.coinjoin import equal_outputs
from chainwatch.ledger.ledger import Ledger
from chainwatch.tracing.arguments import policies_for
from chainwatch.tracing.counterparties import counterparties
from chainwatch.tracing.custody.hosted import hosted
from chainwatch.tracing.exposure import exposure
from chainwatch.tracing.policies import POLICIES, fifo
from chainwatch.tracing.trace import trace

COIN = native("btc-regtest")


@pytest.fixture
def given(desk: Any) -> dict[str, Any]:
    """Return a ledger of one coin chain, tags, a subject and its trace."""
    ledger = desk.coins([{"id": "in", "ins": [], "outs": [("a", 5)]}])
    tags = desk.tags(("shop", "shop"))
    followed = trace(ledger, desk.coin("a"), policy=fifo)
    return {"ledger": ledger, "tags": tags, "who": desk.coin("a"), "trace": followed}


Call = Callable[[dict[str, Any]], object]

WRONG: list[tuple[Call, str]] = [
    (lambda g: trace("ledger", g["who"], policy=fifo), "ledger is a text; open it first"),
    (
        lambda g: trace(g["ledger"], g["who"], policy=3),
        "policy is a whole number; pass one of fifo",
    ),
    (lambda g: trace(g["ledger"], g["who"], policy=fifo, asset="BTC"), "asset is a text; pass nat"),
    (lambda g: trace(g["ledger"], g["who"], policy=fifo, max_hops="3"), "max_hops is a text"),
    (lambda g: trace(g["ledger"], g["who"], policy=fifo, max_hops=True), "max_hops is True"),
    (lambda g: trace(g["ledger"], g["who"], policy=fifo, min_amount=0.5), "give whole base units"),
    (
        lambda g: trace(g["ledger"], g["who"], policy=fifo, clusters=g["tags"]),
        "clusters is of type Tags; pass clusters as cluster",
    ),
    (
        lambda g: trace(g["ledger"], g["who"], policy=fifo, stop=equal_outputs),
        r"stop is the rule equal_outputs before it was called; call it: equal_outputs\(\)",
    ),
    (lambda g: trace(g["ledger"], g["who"], policy=fifo, poisoning="x"), "poisoning is a text"),
    (lambda g: trace(g["ledger"], g["ledger"], policy=fifo), r"subjects is of type Ledger.*addr"),
    (lambda g: trace(g["ledger"], [3], policy=fifo), "a subject is a whole number"),
    (lambda g: hosted(g["ledger"], g["tags"], asset="BTC"), "asset is a text"),
    (lambda g: hosted(g["tags"], g["tags"], asset=COIN), "ledger is of type Tags"),
    (lambda g: hosted(g["ledger"], g["ledger"], asset=COIN), "services is of type Ledger"),
    (lambda g: hosted(g["ledger"], g["tags"], asset=COIN, min_share=0.98), "min_share is a frac"),
    (lambda g: counterparties(g["ledger"], g["who"], asset="USDT"), "asset is a text"),
    (lambda g: counterparties("l", g["who"], asset=COIN), "ledger is a text"),
    (lambda g: counterparties(g["ledger"], g["who"], asset=COIN, tags=COIN), "tags is of type As"),
    (lambda g: counterparties(g["ledger"], g["who"], asset=COIN, trifle="1"), "trifle is a text"),
    (lambda g: exposure(g["tags"], g["trace"]), r"trace is of type Tags; pass a trace, then tags"),
    (lambda g: exposure(g["trace"], g["trace"]), "tags is of type Trace"),
    (lambda g: exposure(g["trace"], g["tags"], clusters=g["tags"]), "clusters is of type Tags"),
    (lambda g: token("eth", "0x" + 40 * "0", "X", "6"), "decimals is a text"),
]


@pytest.mark.parametrize(("call", "words"), WRONG, ids=[words[:30] for _, words in WRONG])
def test_the_wrong_thing_is_named(given: dict[str, Any], call: Call, words: str) -> None:
    with pytest.raises(ArgumentError, match=words) as caught:
        call(given)
    assert isinstance(caught.value, ChainwatchError)
    assert isinstance(caught.value, TypeError)
    assert caught.value.remedy


def test_what_was_passed_is_not_repeated(given: dict[str, Any]) -> None:
    with pytest.raises(ArgumentError) as caught:
        trace(given["ledger"], given["who"], policy=fifo, asset="a secret")  # type: ignore[arg-type]
    assert "secret" not in str(caught.value)


def test_a_policy_may_be_named(given: dict[str, Any]) -> None:
    for policy in policies_for(COIN.chain):
        called = trace(given["ledger"], given["who"], policy=policy)
        named = trace(given["ledger"], given["who"], policy=policy.name)
        assert named.record == called.record
    with pytest.raises(TraceError, match="there is no policy 'filo'; write one of fifo, lifo"):
        trace(given["ledger"], given["who"], policy="filo")


def test_a_policy_must_be_chosen(given: dict[str, Any]) -> None:
    with pytest.raises(TraceError, match=r"no policy was chosen: .* write policy= one of fifo"):
        trace(given["ledger"], given["who"])


@pytest.mark.parametrize("policy", [one for one in POLICIES if one.coins])
def test_a_policy_without_meaning_on_coins_is_refused(given: dict[str, Any], policy: Any) -> None:
    with pytest.raises(TraceError, match=f"{policy.name} has no meaning on coins: .* one of fifo"):
        trace(given["ledger"], given["who"], policy=policy)


@pytest.mark.parametrize("policy", [one for one in POLICIES if one.accounts])
def test_a_policy_without_meaning_on_balances_is_refused(desk: Any, policy: Any) -> None:
    ledger = desk.paid([("o", "a", 1)])
    with pytest.raises(TraceError, match=f"{policy.name} has no meaning on balances: "):
        trace(ledger, [desk.account("a")], policy=policy, asset=desk.asset)


def test_the_only_chain_of_a_ledger_is_meant(desk: Any, given: dict[str, Any]) -> None:
    assert given["trace"].asset == COIN
    assert given["trace"].amount == 5
    coins = given["ledger"].frames
    transfers = desk.paid([("o", "a", 1)]).frames["transfers"]
    two = Ledger.from_tables({**coins, "transfers": transfers})
    with pytest.raises(TraceError, match="not clear: btc-regtest, eth were read; pass chain="):
        trace(two, given["who"], policy=fifo)
    assert trace(two, given["who"], policy=fifo, chain="btc-regtest").amount == 5
    with pytest.raises(
        TraceError, match="the chain of the subjects is not clear; pass chain='btc'"
    ):
        trace(Ledger.from_tables({}), given["who"], policy=fifo)
