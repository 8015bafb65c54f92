"""The issuer of a token is asked about wallets that nobody hosts, and told no more than that."""

from __future__ import annotations

from typing import Any

import pytest

import chainwatch as cw
from chainwatch.addresses.canonical import text, txid_text

MOVES = [("o", "v", 90), ("v", "s", 30), ("v", "w", 20), ("o", "w", 5), ("v", "x", 7)]
"""v pays the shop, a wallet w that holds 5 beside, and x whose history was not read; 33 stay."""


def requests(desk: Any, read: str = "ovw", policy: str = "fifo", **more: Any) -> dict[str, str]:
    tags = desk.tags(("s", "shop"), chain=desk.asset.chain)
    ledger = desk.paid(MOVES, read=read)
    found = cw.trace(ledger, desk.account("v"), policy=policy, stop=tags, asset=desk.asset, **more)
    return cw.action_sheet(found, tags=tags, ledger=ledger).requests()


def test_it_lists_balance_and_what_was_followed(desk: Any) -> None:
    asked = requests(desk)
    assert list(asked) == ["shop", "issuer of TOK"]
    said = asked["issuer of TOK"]
    rows = [line for line in said.splitlines() if line.startswith("| 0x")]
    assert len(rows) == 2
    mine = next(row for row in rows if text(desk.account("w"), desk.asset.chain) in row)
    assert "25 TOK (25 base units)" in mine
    assert "20 TOK (20 base units)" in mine
    assert "as of" in said
    assert "not read" in mine  # no event of the issuer was read
    assert text(desk.asset.contract, desk.asset.chain) in said


def test_it_is_told_no_service_no_payment_and_nobody_else(desk: Any) -> None:
    said = requests(desk)["issuer of TOK"]
    for name in "osx":
        assert text(desk.account(name), desk.asset.chain) not in said
    for place in range(len(MOVES)):
        assert txid_text(desk.txid(f"transfer {place}"), desk.asset.chain) not in said
    assert "shop" not in said


def test_a_service_is_told_nothing_of_these_wallets(desk: Any) -> None:
    said = requests(desk)["shop"]
    assert text(desk.account("w"), desk.asset.chain) not in said


@pytest.mark.parametrize("more", [{"direction": "backward"}])
def test_backward_nobody_is_asked_to_hold_anything_back(desk: Any, more: Any) -> None:
    assert "issuer of TOK" not in requests(desk, **more)


def test_a_native_coin_has_no_issuer(desk: Any) -> None:
    txs = [{"id": "in", "ins": [], "outs": [("a", 9)]}]
    found = cw.trace(desk.coins(txs), desk.coin("a"), policy="fifo", chain="btc-regtest")
    assert cw.action_sheet(found).requests() == {}


def test_without_a_ledger_the_balance_is_not_read(desk: Any) -> None:
    found = cw.trace(
        desk.paid(MOVES, read="ovw"), desk.account("v"), policy="fifo", asset=desk.asset
    )
    said = cw.action_sheet(found).requests()["issuer of TOK"]
    assert said.count("| not read |") >= 2
