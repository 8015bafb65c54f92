"""Tokens whose balances move without transfers: followed as a lead, and called unknown."""

from __future__ import annotations

from typing import Any

import pytest

from chainwatch.addresses.assets import Asset, native, token
from chainwatch.ledger.ledger import Ledger
from chainwatch.tracing.ends.doubts import UNKNOWN_WAY, doubt_of
from chainwatch.tracing.stops import NOT_READ
from chainwatch.tracing.trace import trace

WETH = token("eth", "0xC02aaA39b223FE8D0A0e5C4F27eAD9083C756Cc2", "WETH", 0)
STETH = token("eth", "0xae7ab96520DE3A18E5e111B5EaAb095312D7fE84", "stETH", 0)
USDT = token("eth", "0xdAC17F958D2ee523a2206206994597C13D831ec7", "USDT", 0)
UNWRAPPED = (("w", "v", 10), ("v", "s", 10), ("b", "s", 10), ("s", "m", 10))
"""Between the second and the third s unwraps its ten, which is no transfer: m is paid b's."""


def ways(ledger: Ledger, asset: Asset, who: bytes) -> dict[str, list[tuple[object, ...]]]:
    ends = trace(ledger, who, policy="fifo", asset=asset).ends
    return {
        reason: [(row["hop"], int(row["amount"]), row["certainty"])
                 for row in ends.filter(reason=reason).iter_rows(named=True)]
        for reason in ends["reason"].unique()
    }  # fmt: skip


@pytest.mark.parametrize("asset", [WETH, STETH], ids=str)
def test_what_goes_on_through_a_balance_is_unknown(desk: Any, asset: Asset) -> None:
    ledger = desk.paid(UNWRAPPED, read="vs", asset=asset)
    assert ways(ledger, asset, desk.account("v")) == {NOT_READ: [(2, 10, UNKNOWN_WAY)]}
    found = trace(ledger, desk.account("v"), policy="fifo", asset=asset)
    assert "move without transfers" in found.ends["detail"][0]
    assert f"10 {asset.symbol}  not read (unknown)" in repr(found)
    (finding,) = found.findings(found.followed())
    assert "which is not known" in finding.headline
    assert any(asset.symbol in said and "https://" in said for said in finding.text)


def test_the_subjects_own_payment_is_known(desk: Any) -> None:
    ledger = desk.paid(UNWRAPPED[:2], read="v", asset=WETH)
    assert ways(ledger, WETH, desk.account("v")) == {NOT_READ: [(1, 10, None)]}


def test_what_is_held_is_unknown(desk: Any) -> None:
    ledger = desk.paid(UNWRAPPED[:1], read="v", asset=WETH)
    assert ways(ledger, WETH, desk.account("v")) == {NOT_READ: [(0, 10, UNKNOWN_WAY)]}


def test_what_an_issuer_can_destroy_is_not_called_unspent(desk: Any) -> None:
    ledger = desk.paid(UNWRAPPED[:1], read="v", asset=USDT)
    assert ways(ledger, USDT, desk.account("v")) == {NOT_READ: [(0, 10, None)]}
    ends = trace(ledger, desk.account("v"), policy="fifo", asset=USDT).ends
    assert "the issuer can destroy" in ends["detail"][0]


def test_an_issuer_that_may_destroy_is_said_and_changes_no_payment(desk: Any) -> None:
    ledger = desk.paid(UNWRAPPED, read="vs", asset=USDT)
    assert ways(ledger, USDT, desk.account("v")) == {NOT_READ: [(2, 10, None)]}
    found = trace(ledger, desk.account("v"), policy="fifo", asset=USDT)
    assert "DestroyedBlackFunds" in repr(found)


@pytest.mark.parametrize("asset", [native("eth"), native("tron")], ids=str)
def test_a_coin_that_pays_fees_is_doubted(desk: Any, asset: Asset) -> None:
    found = trace(desk.paid(UNWRAPPED, read="vs"), desk.account("v"), policy="fifo",
                  asset=desk.asset)  # fmt: skip
    assert doubt_of(desk.asset, found.ends) is None
    assert "fees" in str(doubt_of(asset, found.ends))
