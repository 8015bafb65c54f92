"""What Bor itself logs of its coin: each call that pays, and who got the tip of each transaction.

The client adds these logs, under the address of the contract of the coin; the filter of the block
covers them. The contract has events of the same name of its own: they name another token.

References
----------
https://github.com/0xPolygon/bor: core/bor_fee_log.go, core/evm.go (``Transfer``),
core/state_transition.go (``AddFeeTransferLog``).
"""

from __future__ import annotations

from collections import Counter
from typing import NamedTuple

from chainwatch.sources.evm import events
from chainwatch.sources.evm.fields import Receipt, address_of, hex_bytes, quantity
from chainwatch.sources.evm.traces import Call, effective

COIN = "0x0000000000000000000000000000000000001010"
"""The contract of the coin: what comes from the chain below is paid out of what it holds."""

_WORDS = "(address,address,address,uint256,uint256,uint256,uint256,uint256)"
PAID, TIPPED = f"LogTransfer{_WORDS}", f"LogFeeTransfer{_WORDS}"
"""The coin moved by a call, and by a fee: token, payer, payee, amount, and both balances."""

_LENGTH = 5 * 32


class CoinLog(NamedTuple):
    """The coin moved, as a log tells it: from whom, to whom, how much, and the log's number."""

    payer: bytes
    payee: bytes
    amount: int
    number: int


def coin_logs(receipt: Receipt, event: str, where: str) -> list[CoinLog]:
    """Return what the client logged of the coin in a transaction, in order.

    Parameters
    ----------
    receipt : Receipt
        Of the transaction.
    event : str
        :data:`PAID` or :data:`TIPPED`.
    where : str
        Who was asked what.

    Raises
    ------
    SourceError
        If such a log has other words than the client writes.
    """
    named, found = [f"0x{events.topic(event)}", _word(COIN)], []
    for log in receipt.logs:
        first = [topic.lower() for topic in log.topics[:2]]
        if log.address.lower() != COIN or first != named or len(log.topics) != 4:
            continue
        payer, payee = (address_of(f"0x{text[26:]}", "topic", where) for text in log.topics[2:])
        words = hex_bytes(log.data, _LENGTH, "data of a log of the coin", where)
        amount = int.from_bytes(words[:32], "big")
        found.append(CoinLog(payer, payee, amount, quantity(log.log_index, "logIndex", where)))
    return found


def tell_the_same(root: Call, receipt: Receipt, where: str) -> bool:
    """Return whether the calls of a transaction that paid are those that were logged.

    A contract that destroys itself pays without a log; a call that failed has left none.
    """
    traced = Counter(
        (address_of(call.sender, "from", where), address_of(call.receiver, "to", where), call.value)
        for call in effective(root)
        if call.value and call.kind in ("call", "create")
    )
    return traced == Counter(log[:3] for log in coin_logs(receipt, PAID, where))


def _word(address: str) -> str:
    return f"0x{address[2:]:0>64}"
