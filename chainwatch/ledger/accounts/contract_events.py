"""Events of contracts of which a ledger keeps the logs, a line each: whose, its text, since when.

Every log of a chain would multiply the size of a ledger for what a case needs of a few. So only
logs of these events are kept, of whatever contract: anybody's contract may log them, and who reads
them asks whose contract it is. A line that is added has the next edition: what was read by an
earlier one has no logs of its event, and does not claim to.

References
----------
Circle, evm-cctp-contracts, both versions; Across, V3SpokePoolInterface.sol; LayerZero, IOFT.sol;
THORChain, THORChain_Router.sol; Safe, safe-smart-account: OwnerManager.sol and Safe.sol;
Tornado, tornado-anonymity-mining: RewardSwap.sol.
"""

from __future__ import annotations

from functools import cache
from typing import Any, NamedTuple

import polars as pl

LOGS = "logs"
"""Kind of the units of coverage that tell that the logs of these events were read; their names
begin so, and then tell the edition."""

SAFE = "safe"
"""Accounts with several owners: who they are, and how many must sign."""


TORNADO = "tornado"
"""Pools that reward deposits: what was paid for the points that one earned."""


class ContractEvent(NamedTuple):
    """An event: whose it is, its text as it is hashed, and the edition that has it first.

    Whether a value is a topic or stands in the data is no part of the text: contracts of different
    age may tell one event either way.
    """

    of: str
    text: str
    since: int = 1

    @property
    def topic(self) -> bytes:
        """The Keccak-256 of its text: the first topic of its logs."""
        return _topic(self.text)


_TAIL = "uint32,uint32,uint32"

CCTP_SENT = ContractEvent("cctp", "MessageSent(bytes)")
CCTP_RECEIVED = ContractEvent("cctp", "MessageReceived(address,uint32,uint64,bytes32,bytes)")
CCTP_RECEIVED_V2 = ContractEvent(
    "cctp", "MessageReceived(address,uint32,bytes32,bytes32,uint32,bytes)"
)
ACROSS_SENT = ContractEvent(
    "across",
    "FundsDeposited(bytes32,bytes32,uint256,uint256,uint256,uint256,"
    f"{_TAIL},bytes32,bytes32,bytes32,bytes)",
)
ACROSS_SENT_BEFORE = ContractEvent(
    "across",
    "V3FundsDeposited(address,address,uint256,uint256,uint256,uint32,"
    f"{_TAIL},address,address,address,bytes)",
)
ACROSS_FILLED = ContractEvent(
    "across",
    "FilledRelay(bytes32,bytes32,uint256,uint256,uint256,uint256,uint256,uint32,uint32,"
    "bytes32,bytes32,bytes32,bytes32,bytes32,(bytes32,bytes32,uint256,uint8))",
)
ACROSS_FILLED_BEFORE = ContractEvent(
    "across",
    "FilledV3Relay(address,address,uint256,uint256,uint256,uint256,uint32,uint32,uint32,"
    "address,address,address,address,bytes,(address,bytes,uint256,uint8))",
)
OFT_SENT = ContractEvent("layerzero", "OFTSent(bytes32,uint32,address,uint256,uint256)")
OFT_RECEIVED = ContractEvent("layerzero", "OFTReceived(bytes32,uint32,address,uint256)")
THORCHAIN_OUT = ContractEvent("thorchain", "TransferOut(address,address,address,uint256,string)")
SAFE_SETUP = ContractEvent(SAFE, "SafeSetup(address,address[],uint256,address,address)")
OWNER_ADDED = ContractEvent(SAFE, "AddedOwner(address)")
OWNER_REMOVED = ContractEvent(SAFE, "RemovedOwner(address)")
THRESHOLD_CHANGED = ContractEvent(SAFE, "ChangedThreshold(uint256)")
POINTS_SWAPPED = ContractEvent(TORNADO, "Swap(address,uint256,uint256)", since=2)

CONTRACT_EVENTS = (
    CCTP_SENT,
    CCTP_RECEIVED,
    CCTP_RECEIVED_V2,
    ACROSS_SENT,
    ACROSS_SENT_BEFORE,
    ACROSS_FILLED,
    ACROSS_FILLED_BEFORE,
    OFT_SENT,
    OFT_RECEIVED,
    THORCHAIN_OUT,
    SAFE_SETUP,
    OWNER_ADDED,
    OWNER_REMOVED,
    THRESHOLD_CHANGED,
    POINTS_SWAPPED,
)
"""The events. Those of bridges are read by ``tracing/crossings/messages/layouts.py``. Safe's owners
stand in the data up to version 1.3.0 and are a topic from 1.4.0 on; the first owners stand in its
setup, which versions before 1.3.0 do not log. Points are read by
``tracing/mixers/rewards/logged_claims.py``."""

EDITION = max(event.since for event in CONTRACT_EVENTS)
"""The edition of this list, which units of coverage name."""


@cache
def _topic(text: str) -> bytes:
    from eth_hash.auto import keccak

    hashed: Any = keccak(text.encode())
    return bytes(hashed)


def kept_topics() -> frozenset[bytes]:
    """Return the first topics of all events that are kept."""
    return frozenset(event.topic for event in CONTRACT_EVENTS)


def events_of(*whose: str) -> tuple[ContractEvent, ...]:
    """Return the events of bridges or accounts by their names; of all, if none is named."""
    return tuple(event for event in CONTRACT_EVENTS if not whose or event.of in whose)


def logs_unit(block: str) -> str:
    """Return the name of the unit that tells that the logs of a block were read, by its hash."""
    return f"{LOGS}/{EDITION}/{block}"


def edition_of() -> pl.Expr:
    """Return the edition that a unit of coverage of the kind :data:`LOGS` names."""
    return pl.col("unit").str.split("/").list.get(1).cast(pl.Int64)
