"""Symbols that look like another's: told by the contract, never by the symbol alone."""

from __future__ import annotations

import pytest

from chainwatch.addresses.assets import token
from chainwatch.addresses.canonical import parse
from chainwatch.addresses.symbols import STABLECOINS, looks_like, shape
from chainwatch.chains.catalogue import chain

ETH = chain("eth").id
USDT = STABLECOINS[ETH]["USDT"]
ASSET = token("eth", USDT, "USDT", 6)
OTHER = parse("0x" + "44" * 20, "eth")


@pytest.mark.parametrize(
    "symbol",
    ["USDT", "usdt", " USDT ", "US\u200bDT", "USD\u0422", "\uff35\uff33\uff24\uff34", "USD\u20ae"],
)
def test_one_shape(symbol: str) -> None:
    assert shape(symbol) == "USDT"
    assert looks_like(symbol, OTHER, ASSET)


@pytest.mark.parametrize("symbol", ["USDT2", "USD", "", None, "TUSD"])
def test_another_shape(symbol: str | None) -> None:
    assert not looks_like(symbol, OTHER, ASSET)


def test_the_coins_and_a_listed_stablecoins_symbol_are_known_too() -> None:
    assert looks_like("ETH", OTHER, ASSET)
    assert looks_like("USDC", OTHER, ASSET)
    assert not looks_like("USDC", parse(STABLECOINS[ETH]["USDC"], "eth"), ASSET)


def test_the_asset_and_the_coin_are_no_look_alikes() -> None:
    assert not looks_like("USDT", ASSET.contract, ASSET)
    assert not looks_like("ETH", None, ASSET)


def test_every_listed_contract_is_an_address_of_its_chain() -> None:
    for name, listed in STABLECOINS.items():
        assert chain(name).id == name
        assert all(parse(text, name) for text in listed.values())
