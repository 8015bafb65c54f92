"""What comes from the chain below: by a transaction that nobody sent, the last one of its block.

At later heights it stands in the block as a transaction of type 0x7f. Below them it is in no hash
of the block: nodes list it beside, under an id made of the block's height and hash, and a node
that was not there when it came has lost it. Whether one came is seen from the state: the contract
that takes states counts them.

References
----------
https://github.com/0xPolygon/bor: core/types/bor_receipt.go, core/types/state_sync_tx.go,
consensus/bor/bor.go (``CommitStates``); https://github.com/0xPolygon/genesis-contracts:
StateReceiver.sol, MRC20.sol; PIP-74 (https://github.com/0xPolygon/Polygon-Improvement-Proposals).
"""

from __future__ import annotations

from typing import Any

import msgspec

from chainwatch.chains.base import Chain
from chainwatch.sources.evm import events
from chainwatch.sources.evm.bor.coin_logs import COIN, PAID, coin_logs
from chainwatch.sources.evm.fees import NOBODY, Moved
from chainwatch.sources.evm.fields import Block, Receipt, address_of, hash_of, quantity, wrong
from chainwatch.sources.evm.traces import Call

LISTED = "0x7f"
"""Type of the transaction where it stands in the block."""

RECEIVER = "0x0000000000000000000000000000000000001001"
"""The contract that takes states, and hands each to whom it is for."""

SYSTEM = "0xfffffffffffffffffffffffffffffffffffffffe"
"""Who calls it: no account."""

COUNT = "0x5407ca67"
"""Selector of ``lastStateId()``."""

UNTRACED = Call("call", f"0x{0:040x}", f"0x{0:040x}", 0, failed=False)
"""Stands for the calls of such a transaction where no node tells them."""

_PREFIX = b"matic-bor-receipt-"
_PAYER = {events.TRANSFER: 1, events.TRANSFER_SINGLE: 2, events.TRANSFER_BATCH: 2}


def beside_id(height: int, block: bytes) -> str:
    """Return the id of the transaction of a block where it stands beside it."""
    from eth_hash.auto import keccak

    return "0x" + keccak(_PREFIX + height.to_bytes(8, "big") + block).hex()


def place_of(block: Block, chain: Chain, where: str) -> int | None:
    """Return the place of the transaction that brings states; None where there is none.

    Raises
    ------
    SourceError
        If one stands before another transaction.
    """
    bor = chain.moves.bor if chain.moves else None
    if bor is None or not block.transactions:
        return None
    last = len(block.transactions) - 1
    if any(tx.type == LISTED for tx in block.transactions[:last]):
        raise wrong("what came from the chain below does not stand last in its block", where)
    tx = block.transactions[last]
    return last if tx.type == LISTED or stands_beside(block, where) else None


def stands_beside(block: Block, where: str) -> bool:
    """Return whether the last transaction is in no hash of the block: a node lists it beside."""
    height = quantity(block.number, "number", where)
    own = beside_id(height, hash_of(block.hash, "hash", where))
    return bool(block.transactions) and block.transactions[-1].hash.lower() == own


def deposits(receipt: Receipt, where: str) -> list[Moved]:
    """Return what of the coin came from the chain below: what its contract paid, each by its log.

    ``path`` is the number of the log.
    """
    coin = address_of(COIN, "contract of the coin", where)
    return [
        Moved("deposit", log.payer, log.payee, log.amount, f"log {log.number}")
        for log in coin_logs(receipt, PAID, where)
        if log.payer == coin
    ]


def is_traced(root: Call) -> bool:
    """Return whether calls are those of states that came; some nodes trace an empty call."""
    return (root.sender.lower(), (root.receiver or "").lower()) == (SYSTEM, RECEIVER)


def each_state(root: Call) -> list[Call]:
    """Return the calls that hand over states: nodes put one more call around them."""
    inside = all(call.sender.lower() == SYSTEM for call in root.calls)
    return root.calls if root.calls and inside and is_traced(root) else [root]


def only_brings(receipt: Receipt, where: str) -> bool:
    """Return whether logs tell all that moved: coins from their contract, tokens made anew.

    Where contracts that were told of a state sent on what they hold, only calls tell by whom.
    """
    coin = address_of(COIN, "contract of the coin", where)
    if any(log.payer != coin for log in coin_logs(receipt, PAID, where)):
        return False
    topics = {f"0x{events.topic(event)}": place for event, place in _PAYER.items()}
    for log in receipt.logs:
        place = topics.get(log.topics[0].lower()) if log.topics else None
        if place is not None and log.address.lower() != COIN and len(log.topics) > place:
            payer = address_of(f"0x{log.topics[place][26:]}", "topic", where)
            if payer != NOBODY:
                return False
    return True


def count_calls(height: int) -> list[tuple[str, list[Any]]]:
    """Return the questions of how many states had come after a block, and before it."""
    asked = {"to": RECEIVER, "data": COUNT}
    return [("eth_call", [asked, hex(at)]) for at in (height, height - 1)]


def counted(raw: bytes) -> int | None:
    """Return how many states had come, as an answer says; None where it is no number."""
    try:
        data = bytes.fromhex(msgspec.json.decode(raw, type=str)[2:])
    except (msgspec.DecodeError, ValueError):
        return None
    return int.from_bytes(data, "big") if len(data) == 32 else None
