"""Assets whose balances move without transfers: listed by contract, each with its source."""

from __future__ import annotations

import pytest

from chainwatch.addresses.canonical import parse, text
from chainwatch.addresses.silent_moves import SILENT, Mover, SilentMoves, silent_moves
from chainwatch.chains.catalogue import chain


@pytest.mark.parametrize("one", SILENT, ids=lambda one: f"{one.chain} {one.name}")
def test_each_is_found_by_its_contract(one: SilentMoves) -> None:
    network = chain(one.chain)
    contract = None if one.contract is None else parse(one.contract, network)
    assert contract is None or text(contract, network) == one.contract
    assert silent_moves(network.id, contract) is one
    assert one.source.startswith("https://")
    assert one.caveat.startswith(f"balances of {one.name} move without transfers: ")


def test_who_moves_decides_what_is_known() -> None:
    known = {(one.chain, one.name): one for one in SILENT}
    assert known["eth", "WETH"].mover is Mover.HOLDER
    assert known["tron", "WTRX"].mover is Mover.HOLDER
    assert known["tron", "stUSDT"].any_time
    grow = [one.name for one in SILENT if "interest" in one.how]
    assert grow == ["aUSDC", "aUSDT", "aDAI", "aWETH", "aEthUSDC", "aEthUSDT", "aEthDAI",
                    "aEthWETH", "aEthWBTC"]  # fmt: skip
    named = [one.name for one in SILENT if one.any_time and one.name not in grow]
    assert named == ["WETH", "stETH", "AMPL", "OUSD", "eETH", "WTRX", "stUSDT"]
    assert not known["tron", "USDT"].any_time


def test_a_contract_is_of_one_chain() -> None:
    weth = parse("0xC02aaA39b223FE8D0A0e5C4F27eAD9083C756Cc2", "eth")
    assert silent_moves("eip155:10", weth) is None
    assert silent_moves(chain("eth").id, parse("0x" + "01" * 20, "eth")) is None
    assert silent_moves(chain("btc").id, None) is None
