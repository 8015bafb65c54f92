"""Fees, burnt fees, rewards and withdrawals: how the coin moves beside payments.

A transaction that failed moves nothing and pays its fee all the same. The base fee and the fee for
blobs are burnt; the rest goes to who made the block. What a block by proof of work made goes to who
made it and, for uncles, to who made those.

References
----------
EIP-1559, EIP-4844, EIP-4895; Ethereum Yellow Paper, section 11.3 (rewards).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from chainwatch.addresses.canonical import Kind
from chainwatch.chains.base import CoinMoves
from chainwatch.sources.evm.fields import (
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


def fee_of(tx: Transaction, receipt: Receipt, block: Block, where: str) -> Iterator[Moved]:
    """Yield what a transaction pays to who made its block, and what of its fee is burnt."""
    gas = quantity(receipt.gas_used, "gasUsed", where)
    price = quantity(receipt.price or tx.price, "effectiveGasPrice", where)
    base = quantity(block.base_fee or "0x0", "baseFeePerGas", where)
    payer = address_of(tx.sender, "from", where)
    burnt = gas * base
    if receipt.blob_gas is not None and receipt.blob_price is not None:
        blobs = quantity(receipt.blob_gas, "blobGasUsed", where)
        burnt += blobs * quantity(receipt.blob_price, "blobGasPrice", where)
    if price < base:
        raise wrong(f"the price of gas ({price}) is below the base fee ({base})", where)
    tip = gas * (price - base)
    if tip:
        yield Moved("fee", payer, address_of(block.miner, "miner", where), tip)
    if burnt:
        yield Moved("fee_burnt", payer, NOBODY, burnt)


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
