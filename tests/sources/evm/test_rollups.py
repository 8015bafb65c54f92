"""Chains that pay for a second one: receipts as the OP stack documents them, worked by hand."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest
from evm_chain import BASE as BASE_FEE
from evm_chain import GAS, MINER, PRICE, Call, Chain, Node, Tx, address

from chainwatch.addresses import canonical
from chainwatch.chains.catalogue import chain as chain_of
from chainwatch.errors import SourceError
from chainwatch.ingest.pull import pull
from chainwatch.ledger.checks.check import check
from chainwatch.ledger.ledger import Ledger, open_ledger
from chainwatch.ledger.lookup.lookup import address_summary
from chainwatch.sources.evm.source import EvmBlocks

BASE_VAULT = "0x4200000000000000000000000000000000000019"
DATA_VAULT = "0x420000000000000000000000000000000000001a"
NOBODY = "0x" + "00" * 20
SYSTEM, ANN, BOB, BRIDGE = 0xDEAD, 1, 2, 9
ETHER = 10**18


def deposit(sender: int, receiver: int, value: int, mint: int | None, **more: Any) -> Tx:
    """Return a transaction from the chain below: it has no price, and no chain."""
    told: dict[str, Any] = {
        "type": "0x7e", "gasPrice": "0x0", "chainId": "0x0", "sourceHash": "0x" + "5a" * 32,
        "nonce": hex(mint or 0),
    }  # fmt: skip
    if mint is not None:
        told["mint"] = hex(mint)
    failed = more.pop("failed", False)
    call = Call(address(sender), address(receiver), value, error="reverted" if failed else None)
    return Tx(call, failed=failed, more=told, receipt={"effectiveGasPrice": "0x0", **more})


def paid(sender: int, receiver: int, value: int, data_fee: int | None, **receipt: Any) -> Tx:
    """Return a payment with what it pays for its place on the chain below."""
    told = {} if data_fee is None else {"l1Fee": hex(data_fee)}
    return Tx(Call(address(sender), address(receiver), value),
              receipt={**told, "l1GasPrice": "0x9", "blobGasUsed": "0x64", "blobGasPrice": "0x5",
                       **receipt})  # fmt: skip


def busy() -> Chain:
    chain = Chain(chain_id=8453).add()
    chain.add(deposit(SYSTEM, SYSTEM, 0, None), deposit(ANN, BOB, 3 * ETHER, 5 * ETHER),
              paid(ANN, BOB, ETHER, 777))  # fmt: skip
    failing = deposit(BOB, BRIDGE, 9 * ETHER, 2 * ETHER, failed=True)
    return chain.add(deposit(SYSTEM, SYSTEM, 1, None, failed=True), failing, paid(BOB, ANN, 5, 0))


def read(folder: Path, chain: Chain, name: str = "base") -> Ledger:
    source = EvmBlocks("https://n.example", chain=name, per_second=1e9,
                       transport=Node(chain).transport)  # fmt: skip
    pull(folder, source, progress=False)
    return open_ledger(folder)


def held(ledger: Ledger) -> dict[str, int]:
    """Return what each address has of what moved."""
    sums: dict[str, int] = defaultdict(int)
    for row in ledger.transfers.collect().rows(named=True):
        if row["success"] and row["contract"] is None:
            sums["0x" + row["sender"][1:].hex()] -= int(row["amount"])
            sums["0x" + row["receiver"][1:].hex()] += int(row["amount"])
    return {who: much for who, much in sums.items() if much}


def test_what_everybody_has_adds_up(tmp_path: Path) -> None:
    """Two payments with fees: nothing is burnt, and blobs, which it has not, cost nothing."""
    ledger = read(tmp_path / "l", busy())
    base, tip = GAS * BASE_FEE, GAS * (PRICE - BASE_FEE)
    assert held(ledger) == {
        NOBODY: -7 * ETHER,
        address(ANN): 5 * ETHER - 3 * ETHER - ETHER - base - tip - 777 + 5,
        address(BOB): 3 * ETHER + ETHER + 2 * ETHER - base - tip - 5,
        MINER: 2 * tip, BASE_VAULT: 2 * base, DATA_VAULT: 777,
    }  # fmt: skip
    assert check(ledger).ok
    kinds = {*ledger.transfers.collect()["kind"]}
    assert kinds == {"native", "fee", "deposit"}


def test_coins_from_below_stay_where_their_transaction_fails(tmp_path: Path) -> None:
    rows = read(tmp_path / "l", busy()).transfers.collect()
    minted = rows.filter(kind="deposit").sort("amount")
    assert minted["amount"].to_list() == [2 * ETHER, 5 * ETHER]
    assert minted["success"].to_list() == [True, True]
    failed = rows.filter(kind="native", success=False).sort("amount")
    assert failed["amount"].to_list() == [1, 9 * ETHER]


def test_look_ups_know_the_deposit(tmp_path: Path) -> None:
    ledger = read(tmp_path / "l", busy())
    found = address_summary(ledger, canonical.parse(address(BOB), "base"), "base")
    [coin] = found.totals.rows(named=True)
    assert int(coin["received"]) == 6 * ETHER


@pytest.mark.parametrize(
    ("receipt", "words"),
    [({"l1Fee": "x"}, "l1Fee"), ({"operatorFeeScalar": "0x5"}, "operator takes a fee"),
     ({"operatorFeeConstant": "0x5"}, "operator takes a fee")],
)  # fmt: skip
def test_a_fee_that_cannot_be_read_is_refused(
    tmp_path: Path, receipt: dict[str, str], words: str
) -> None:
    with pytest.raises(SourceError, match=words):
        read(tmp_path / "l", Chain(chain_id=8453).add().add(paid(ANN, BOB, 1, 7, **receipt)))


def test_a_receipt_without_its_fee_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="l1Fee"):
        read(tmp_path / "l", Chain(chain_id=8453).add().add(paid(ANN, BOB, 1, None)))
    free = {"operatorFeeScalar": "0x0", "operatorFeeConstant": "0x0"}
    chain = Chain(chain_id=8453).add().add(paid(ANN, BOB, 1, 7, **free))
    assert held(read(tmp_path / "m", chain))[DATA_VAULT] == 7


@pytest.mark.parametrize("name", ["op", "arbitrum", "bnb"])
def test_where_fees_are_not_known_payments_are_read(tmp_path: Path, name: str) -> None:
    chain = Chain(chain_id=int(chain_of(name).id.partition(":")[2])).add()
    ledger = read(tmp_path / "l", chain.add(paid(ANN, BOB, 5, None)), name)
    assert ledger.transfers.collect()["kind"].to_list() == ["native"]
    found = address_summary(ledger, canonical.parse(address(BOB), name), name)
    assert found.totals["balance"].to_list() == [None]
    assert found.coverage[:2] == (
        "every transfer of a token in blocks 0 to 1 was read",
        "no block tells all that moved the coin",
    )
