"""Fees on a chain that runs Bor: the base fee to an account by height, the tip to whom a log names.

``miner`` of the header names nobody. Who gets the tip is who sealed the block, and at later heights
an account that the chain's rules name instead: asking who sealed it would be wrong there. The log
of the fee names who got it at every height, with the amount; where it is missing although a tip was
to be paid, or says otherwise than the receipt, the fee is unknown.

References
----------
https://github.com/0xPolygon/bor: core/state_transition.go (``execute``), core/evm.go
(``NewEVMBlockContext``), params/config.go (``CalculateBurntContract``).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from chainwatch.chains.base import Bor
from chainwatch.sources.evm.bor.coin_logs import TIPPED, coin_logs
from chainwatch.sources.evm.fees import Moved
from chainwatch.sources.evm.fields import Block, Receipt, Transaction, address_of, quantity


class Fees(NamedTuple):
    """The fees of a block, by the place of their transaction.

    ``untold`` is why some are not among them, None where every fee is told. ``untipped`` says that
    a base fee came without a tip: then no log tells that anything was paid.
    """

    by_place: dict[int, list[Moved]]
    untold: str | None = None
    untipped: bool = False


class Fee(NamedTuple):
    """What a transaction paid: the part that goes to the account of base fees, and the tip."""

    payer: bytes
    base: int
    tip: int
    account: bytes | None
    maker: bytes | None


def fees_by_place(
    block: Block, receipts: Sequence[Receipt], signed: int, bor: Bor, where: str
) -> Fees:
    """Return the fees of the transactions of a block, and why some are not among them.

    Parameters
    ----------
    block, receipts : Block, sequence of Receipt
        The block, with a receipt for each transaction.
    signed : int
        How many of its transactions, from the first on, somebody sent.
    bor : Bor
        The facts of its chain.
    where : str
        Who was asked what.
    """
    made: dict[int, Fee] = {}
    reason = None
    for place, tx in enumerate(block.transactions[:signed]):
        fee = _fee(tx, receipts[place], block, bor, where)
        if isinstance(fee, str):
            reason = fee
        else:
            made[place] = fee
    if len({fee.maker for fee in made.values() if fee.tip}) > 1:
        return Fees({}, "the logs of fees name several who made one block")
    untipped = any(fee.base and not fee.tip for fee in made.values())
    return Fees({place: _moves(fee) for place, fee in made.items()}, reason, untipped)


def _fee(tx: Transaction, receipt: Receipt, block: Block, bor: Bor, where: str) -> Fee | str:
    """Return the fee of a transaction, or why it is not told."""
    gas = quantity(receipt.gas_used, "gasUsed", where)
    price = quantity(receipt.price or tx.price, "effectiveGasPrice", where)
    base = quantity(block.base_fee or "0x0", "baseFeePerGas", where)
    account = bor.base_fee_account(quantity(block.number, "number", where))
    if price < base:
        return "a transaction paid less than the base fee, and whether it paid is not told"
    if base and account is None:
        return "who gets the base fee is not known here"
    payer, tip = address_of(tx.sender, "from", where), gas * (price - base)
    logged = coin_logs(receipt, TIPPED, where)
    if [(log.payer, log.amount) for log in logged] != ([(payer, tip)] if tip else []):
        return "the log of a fee is missing, or says otherwise than the receipt"
    receiver = address_of(account, "account of base fees", where) if account else None
    return Fee(payer, gas * base, tip, receiver, logged[0].payee if tip else None)


def _moves(fee: Fee) -> list[Moved]:
    """Return what is paid to each: once to one who gets both parts."""
    paid: dict[bytes, int] = {}
    for receiver, amount in ((fee.maker, fee.tip), (fee.account, fee.base)):
        if receiver is not None and amount:
            paid[receiver] = paid.get(receiver, 0) + amount
    return [Moved("fee", fee.payer, receiver, amount) for receiver, amount in paid.items()]
