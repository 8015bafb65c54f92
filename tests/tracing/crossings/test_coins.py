"""Bridges between coins and accounts: clocks, unread inputs, refunds, memos, one trace."""

from __future__ import annotations

from typing import Any

import polars as pl
import pytest

import chainwatch as cw
from chainwatch.addresses.assets import Asset, native
from chainwatch.addresses.canonical import text, txid_text
from chainwatch.chains.catalogue import chain as chain_of
from chainwatch.tracing.crossings.matching import NONE_FITS, NOT_READ
from chainwatch.tracing.crossings.messages.by_identifier import BY_MEMO, CONTRADICTS
from chainwatch.tracing.crossings.tables import (
    BY_AMOUNT,
    CROSSED,
    GIVEN_BACK,
    MAYBE_BACK,
    NOT_MATCHED,
)

BTC = chain_of("btc-regtest").id
COIN = native("btc-regtest")


@pytest.fixture
def wrapped(sea: Any) -> Asset:
    """A token that stands for the coin, with as many decimals."""
    return Asset(sea.here.chain, sea.here.contract, "rBTC", 8)


@pytest.fixture
def ask(sea: Any, desk: Any, wrapped: Asset) -> Any:
    """Return what becomes of a coin that is paid to a vault at 70 minutes."""

    def crossings(
        paid: list[tuple[str, int, float]], *, beside: Any = (), later: Any = (), blocks: int = 60,
        **more: Any,
    ) -> cw.Crossings:  # fmt: skip
        coins = desk.coins([
            {"id": "mined", "ins": [], "outs": [("ann", 50_000)]},
            *({"id": f"block {n}", "ins": [], "outs": [("miner", 1)]} for n in range(6)),
            {"id": "in", "ins": [("mined", 0)], "outs": [
                ("vault", 9_000), ("ann", 40_000), *beside]},
            *({"id": f"later {n}", "ins": [], "outs": [("miner", 1)]} for n in range(3)),
            *later,
            *({"id": f"last {n}", "ins": [], "outs": [("miner", 1)]} for n in range(blocks)),
        ])  # fmt: skip
        tokens = sea.ledger([
            sea.paid(wrapped, "vault", who, amount, minute) for who, amount, minute in paid
        ], read=[("vault", "")])  # fmt: skip
        vaults = {"thor": {"eth": [sea.account("vault")], "btc-regtest": [desk.coin("vault")]}}
        given = {"bridges": vaults, "assets": [(wrapped, COIN)]}
        return cw.crossings([tokens, coins], **(given | more))

    return crossings


def test_a_coin_and_the_token_that_stands_for_it(sea: Any, desk: Any, ask: Any) -> None:
    found = ask([("bob", 8_990, 75)])
    assert sea.told(found) == [(CROSSED, BY_AMOUNT)]
    assert found.frame["payer"].to_list() == [desk.coin("ann")]
    assert found.payouts["receiver"].to_list() == [sea.account("bob")]


@pytest.mark.parametrize(("minute", "fits"), [(-50, True), (-51, False), (310, True), (311, False)])
def test_the_clock_of_a_block_may_be_two_hours_wrong_either_way(
    sea: Any, ask: Any, minute: float, *, fits: bool
) -> None:
    """The coin was paid at 70 minutes by the word of its miner: from -50 to 70 + 120 + 120."""
    told = sea.told(ask([("bob", 8_990, minute)]))
    assert told == ([(CROSSED, BY_AMOUNT)] if fits else [(NOT_MATCHED, NONE_FITS)])


def test_paid_out_in_coins(sea: Any, desk: Any, wrapped: Asset) -> None:
    coins = desk.coins([
        {"id": "mined", "ins": [], "outs": [("vault", 50_000)]},
        *({"id": f"block {n}", "ins": [], "outs": [("miner", 1)]} for n in range(40)),
        {"id": "out", "ins": [("mined", 0)], "outs": [("bob", 8_990), ("vault", 41_000)]},
        *({"id": f"last {n}", "ins": [], "outs": [("miner", 1)]} for n in range(60)),
    ])  # fmt: skip
    tokens = sea.ledger([sea.paid(wrapped, "ann", "vault", 9_000, 400)], read=[("vault", "")])
    vaults = {"thor": {"eth": [sea.account("vault")], "btc-regtest": [desk.coin("vault")]}}
    given: dict[str, Any] = {"bridges": vaults, "assets": [(wrapped, COIN)]}
    found = cw.crossings([tokens, coins], **given)
    assert sea.told(found) == [(CROSSED, BY_AMOUNT)]
    assert found.payouts["receiver"].to_list() == [desk.coin("bob")]


def test_an_input_that_was_not_read_may_be_the_vaults(sea: Any, desk: Any, wrapped: Asset) -> None:
    """In the time of a payout somebody pays from what was not read: it may be another payout."""
    for paid_by, told in (("?", NOT_READ), ("mined", NONE_FITS)):
        coins = desk.coins([
            {"id": "mined", "ins": [], "outs": [("eve", 50_000)]},
            *({"id": f"block {n}", "ins": [], "outs": [("miner", 1)]} for n in range(40)),
            {"id": "out", "ins": [("?",) if paid_by == "?" else ("mined", 0)],
             "outs": [("bob", 8_990)]},
            *({"id": f"last {n}", "ins": [], "outs": [("miner", 1)]} for n in range(60)),
        ])  # fmt: skip
        tokens = sea.ledger([sea.paid(wrapped, "ann", "vault", 9_000, 400)], read=[("vault", "")])
        vaults = {"thor": {"eth": [sea.account("vault")], "btc-regtest": [desk.coin("vault")]}}
        given: dict[str, Any] = {"bridges": vaults, "assets": [(wrapped, COIN)]}
        assert sea.told(cw.crossings([tokens, coins], **given)) == [(NOT_MATCHED, told)]


def test_blocks_that_end_before_the_payout_may_come(sea: Any, desk: Any, wrapped: Asset) -> None:
    for blocks, told in ((24, NONE_FITS), (23, NOT_READ)):
        coins = desk.coins([
            *({"id": f"block {n}", "ins": [], "outs": [("miner", 1)]} for n in range(blocks + 1))
        ])  # fmt: skip
        tokens = sea.ledger([sea.paid(wrapped, "ann", "vault", 9_000, 0)], read=[("vault", "")])
        vaults = {"thor": {"eth": [sea.account("vault")], "btc-regtest": [desk.coin("vault")]}}
        given: dict[str, Any] = {"bridges": vaults, "assets": [(wrapped, COIN)]}
        assert sea.told(cw.crossings([tokens, coins], **given)) == [(NOT_MATCHED, told)]


def test_what_may_have_been_given_back_is_no_crossing(sea: Any, ask: Any) -> None:
    back = {"id": "back", "ins": [("in", 0)], "outs": [("ann", 8_950)]}
    found = ask([("bob", 8_990, 75)], later=[back])
    assert sea.told(found) == [(NOT_MATCHED, MAYBE_BACK)]
    other = {"id": "back", "ins": [("in", 0)], "outs": [("ann", 4_000), ("vault", 4_900)]}
    assert sea.told(ask([("bob", 8_990, 75)], later=[other])) == [(CROSSED, BY_AMOUNT)]


def test_given_back_on_an_account_chain(sea: Any) -> None:
    rows = [
        sea.paid(sea.here, "ann", "pool", 1_000_000, 0),
        sea.paid(sea.there, "pool", "bob", 995_000, 10),
        sea.paid(sea.here, "pool", "ann", 1_000_000, 20),
    ]
    assert sea.told(sea.crossings(sea.ledger(rows))) == [(NOT_MATCHED, MAYBE_BACK)]
    late = [*rows[:2], sea.paid(sea.here, "pool", "ann", 1_000_000, 121)]
    assert sea.told(sea.crossings(sea.ledger(late))) == [(CROSSED, BY_AMOUNT)]


def memo(words: str) -> tuple[str, int, str]:
    return f"\x6a{chr(len(words))}{words}", 0, "null_data"


def test_a_memo_that_asks_to_pay_another_contradicts_a_match(sea: Any, ask: Any) -> None:
    words = "=:ETH.RBTC:{}"
    right = memo(words.format(text(sea.account("bob"), "eth")))
    assert sea.told(ask([("bob", 8_990, 75)], beside=[right])) == [(CROSSED, BY_AMOUNT)]
    wrong = memo(words.format(text(sea.account("eve"), "eth")))
    assert sea.told(ask([("bob", 8_990, 75)], beside=[wrong])) == [(NOT_MATCHED, CONTRADICTS)]
    name = memo(words.format("a.name"))
    assert sea.told(ask([("bob", 8_990, 75)], beside=[name])) == [(CROSSED, BY_AMOUNT)]


def test_a_trace_from_coins_to_accounts_and_what_was_given_back(
    sea: Any, desk: Any, ask: Any, wrapped: Asset
) -> None:
    """A thief's coin crosses by a message; another comes back to him, and is followed there."""
    back = {"id": "back", "ins": [("in", 0)], "outs": [
        ("ann", 500), memo(f"REFUND:{txid_text(desk.txid('in'), BTC)}")]}  # fmt: skip
    tokens = sea.ledger([sea.paid(wrapped, "vault", "bob", 8_000, 75, "out")], read=[
        ("vault", ""), ("bob", "")])  # fmt: skip
    coins = desk.coins([
        {"id": "mined", "ins": [], "outs": [("victim", 9_500)]},
        *({"id": f"block {n}", "ins": [], "outs": [("miner", 1)]} for n in range(5)),
        {"id": "theft", "ins": [("mined", 0)], "outs": [("thief", 9_300)]},
        {"id": "in", "ins": [("theft", 0)], "outs": [("vault", 9_000)]},
        back,
    ])  # fmt: skip
    vaults = {"thor": {"eth": [sea.account("vault")], "btc-regtest": [desk.coin("vault")]}}
    said = pl.DataFrame([
        {"chain": "eth", "txid": sea.txid("out"), "id": txid_text(desk.txid("in"), BTC),
         "side": "received", "scheme": "thorchain"}
    ])  # fmt: skip
    found = cw.crossings([tokens, coins], bridges=vaults, assets=[COIN, wrapped], messages=said)
    assert sea.told(found) == [(CROSSED, BY_MEMO)]
    assert sorted(found.payouts["result"]) == [CROSSED, GIVEN_BACK]
    way = cw.trace_across(
        [tokens, coins], [desk.coin("thief")], found, policy="fifo", chain="btc-regtest"
    )
    ends = [
        (leg, int(amount), reason)
        for leg, amount, reason in way.ends.select("leg", "amount", "reason").iter_rows()
    ]
    assert ends == [
        (0, 9_000, "bridge"), (0, 300, "fee"), (1, 500, "unspent"), (2, 8_000, "unspent")
    ]  # fmt: skip
    assert [leg.asset for leg in way.legs] == [COIN, COIN, wrapped]
    assert "500" not in way.findings(way.followed())[0].headline
