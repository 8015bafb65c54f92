"""Events of contracts that move tokens, give authority over them or freeze them, and their names.

A topic is the Keccak-256 of the text of the event. What an event says is told by its contract
alone: anybody's contract may log what it likes, of anybody, and its rows are of that contract.

References
----------
ERC-20, ERC-721, ERC-777, ERC-1155, ERC-3009, ERC-4337; WETH9; TetherToken and FiatToken as their
issuers publish them.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from chainwatch.addresses import canonical
from chainwatch.chains.base import Chain

TRANSFER = "Transfer(address,address,uint256)"
TRANSFER_SINGLE = "TransferSingle(address,address,address,uint256,uint256)"
TRANSFER_BATCH = "TransferBatch(address,address,address,uint256[],uint256[])"
APPROVAL = "Approval(address,address,uint256)"
APPROVAL_FOR_ALL = "ApprovalForAll(address,address,bool)"
AUTHORIZATION_USED = "AuthorizationUsed(address,bytes32)"
OPERATOR, REVOKED = "AuthorizedOperator(address,address)", "RevokedOperator(address,address)"
SENT = "Sent(address,address,address,uint256,bytes,bytes)"
DEPOSIT, WITHDRAWAL = "Deposit(address,uint256)", "Withdrawal(address,uint256)"
DESTROYED = "DestroyedBlackFunds(address,uint256)"
USER_OPERATION = "UserOperationEvent(bytes32,address,address,uint256,bool,uint256,uint256)"

FROZEN = {
    "AddedBlackList(address)": "freeze",
    "Blacklisted(address)": "freeze",
    "RemovedBlackList(address)": "unfreeze",
    "UnBlacklisted(address)": "unfreeze",
    DESTROYED: "destroy",
}
"""What an issuer logs of an address, and the word of the table ``freezes`` for it."""


@cache
def topic(event: str) -> str:
    """Return the topic of an event: 64 hexadecimal digits."""
    hashed: Any = _keccak(event.encode())
    return bytes(hashed).hex()


def _keccak(data: bytes) -> bytes:
    from eth_hash.auto import keccak

    return keccak(data)


@cache
def listed(contracts: tuple[str, ...], chain: Chain) -> tuple[bytes, ...]:
    """Return contracts as canonical addresses."""
    return tuple(canonical.parse(text, chain) for text in contracts)
