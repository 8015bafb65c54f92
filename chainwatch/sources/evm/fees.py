"""Fees, burnt fees, rewards and withdrawals: how the coin moves beside payments.

A transaction that failed moves nothing and pays its fee all the same. The base fee and the fee for
blobs are burnt; the rest goes to who made the block. What a block by proof of work made goes to who
made it and, for uncles, to who made those.

References
----------
EIP-1559, EIP-4844, EIP-4895; Ethereum Yellow Paper, section 11.3 (rewards); OP Stack specification
(https://specs.optimism.io), execution engine and deposits.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from chainwatch.addresses.canonical import Kind
from chainwatch.chains.base import CoinMoves, Rollup
from chainwatch.sources.evm.fields import (
    DEPOSIT,
    Block,
    Header,
    Receipt,
    Transaction,
    address_of,
    quantity,
    wrong,
)

NOBODY = bytes([Kind.EVM]) + bytes(20)
"""The zero address: whence new coins come, and where burnt ones go."""

_GWEI = 10**9
_GENERATIONS = 7
"""An uncle is a child of one of the six blocks before the parent: less than this far below."""


@dataclass(frozen=True)
class Moved:
    """The coin moved by the protocol: of what kind, between whom, how much, and its place."""

    kind: str
    sender: bytes
    receiver: bytes
    amount: int
    path: str | None = None


def fee_of(
    tx: Transaction, receipt: Receipt, block: Block, where: str, rollup: Rollup | None = None
) -> Iterator[Moved]:
    """Yield what a transaction pays to who made its block, and what of its fee is burnt.

    On a chain that pays for a second one nothing is burnt (:class:`chainwatch.chains.base.Rollup`).
    """
    payer = address_of(tx.sender, "from", where)
    if rollup is not None and tx.type == DEPOSIT:
        minted = quantity(tx.mint or "0x0", "mint", where)
        if minted:
            yield Moved("deposit", NOBODY, payer, minted, "mint")
        return
    gas = quantity(receipt.gas_used, "gasUsed", where)
    price = quantity(receipt.price or tx.price, "effectiveGasPrice", where)
    base = quantity(block.base_fee or "0x0", "baseFeePerGas", where)
    if price < base:
        raise wrong(f"the price of gas ({price}) is below the base fee ({base})", where)
    tip = gas * (price - base)
    if tip:
        yield Moved("fee", payer, address_of(block.miner, "miner", where), tip)
    if rollup is not None:
        yield from _rollup_fees(gas * base, payer, receipt, rollup, where)
    elif burnt := gas * base + _blobs(receipt, where):
        yield Moved("fee_burnt", payer, NOBODY, burnt)


def _blobs(receipt: Receipt, where: str) -> int:
    if receipt.blob_gas is None or receipt.blob_price is None:
        return 0
    blobs = quantity(receipt.blob_gas, "blobGasUsed", where)
    return blobs * quantity(receipt.blob_price, "blobGasPrice", where)


def _rollup_fees(
    base: int, payer: bytes, receipt: Receipt, rollup: Rollup, where: str
) -> Iterator[Moved]:
    """Yield the base fee, and the fee for the place on the chain below."""
    for text, name in ((receipt.operator_scalar, "operatorFeeScalar"),
                       (receipt.operator_constant, "operatorFeeConstant")):  # fmt: skip
        if quantity(text or "0x0", name, where):
            raise wrong(f"the chain's operator takes a fee ({name}), which cannot be read", where)
    data = quantity(receipt.data_fee, "l1Fee", where)
    for amount, vault in ((base, rollup.base_fees), (data, rollup.data_fees)):
        if amount:
            yield Moved("fee", payer, address_of(vault, "fee vault", where), amount)


def rewards_of(
    block: Block, uncles: Sequence[Header], moves: CoinMoves, where: str
) -> Iterator[Moved]:
    """Yield what a block by proof of work made, for its maker and those of its uncles."""
    height = quantity(block.number, "number", where)
    made = moves.reward(height)
    if not height or not made or not quantity(block.difficulty, "difficulty", where):
        return
    own = made + made // 32 * len(uncles)
    yield Moved("reward", NOBODY, address_of(block.miner, "miner", where), own, "block")
    for place, uncle in enumerate(uncles):
        deep = height - quantity(uncle.number, "number of an uncle", where)
        if not 1 <= deep < _GENERATIONS:
            raise wrong(f"an uncle stands {deep} blocks below", where)
        receiver = address_of(uncle.miner, "miner of an uncle", where)
        yield Moved("reward", NOBODY, receiver, made * (8 - deep) // 8, f"uncle {place}")


def withdrawals_of(block: Block, where: str) -> Iterator[Moved]:
    """Yield what validators withdraw, each under its number."""
    for one in block.withdrawals or ():
        number = quantity(one.index, "index of a withdrawal", where)
        amount = quantity(one.amount, "amount of a withdrawal", where) * _GWEI
        receiver = address_of(one.address, "address of a withdrawal", where)
        if amount:
            yield Moved("withdrawal", NOBODY, receiver, amount, str(number))
