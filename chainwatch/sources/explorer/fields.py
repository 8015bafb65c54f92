"""Rows of explorers to checked movements: Etherscan's texts and Blockscout's objects, one form.

Whoever lists it, a movement becomes one :class:`Moved`, of which rows are made in one place.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from chainwatch.addresses import canonical
from chainwatch.addresses.canonical import Kind
from chainwatch.chains.base import Chain
from chainwatch.errors import AddressError, SourceError
from chainwatch.ledger.schema import POSITION_BITS
from chainwatch.sanitize import clipped

LIAR = "ask another server; if it stays, tell its operator"
LARGEST_WORD = 2**256 - 1
LONGEST_SYMBOL = 100
LARGEST_DECIMALS = 38
"""More than the digits that an amount can have are none: a token says so only to mislead."""
ZERO = bytes((Kind.EVM,)) + bytes(20)
_STILL = ("delegatecall", "callcode", "staticcall")
"""Calls that move nothing: what they state as their value is that of the call around them."""

_NUMBER = re.compile(r"[0-9]{1,78}")
_HEX = re.compile(r"0[xX][0-9a-fA-F]{1,64}")
_NOTHING = (None, "", "0x")
"""What stands for an amount that is not told."""

_HASH = re.compile(r"0x[0-9a-fA-F]{64}")
_TRACE = re.compile(r"[0-9]+(?:[_.][0-9]+)*")

Row = Mapping[str, Any]


class OddToken(Exception):
    """A movement of tokens that is set apart: of a kind of its own, not named, or of no amount.

    Anybody may send a token of his own. Where the contract is known, so is the token of which a
    movement is lacking, and who sent it.
    """

    contract: bytes | None = None
    sender: bytes | None = None

    @classmethod
    def without_amount(cls, contract: bytes, sender: bytes) -> OddToken:
        """Return that a movement of a token says no amount."""
        found = cls("without an amount")
        found.contract, found.sender = contract, sender
        return found


@dataclass(frozen=True, slots=True)
class Moved:
    """A movement as an explorer lists it; what it does not say is null.

    Attributes
    ----------
    kind : str
        native, internal, erc20, erc721 or erc1155.
    txid, height, position, time
        Its transaction and where that stands.
    log_index, trace_path
        Its place there.
    contract, token_id, symbol, decimals
        The token.
    sender, receiver, amount, success
        What moved, and whether it took effect.
    odd : bool
        The token says something of itself that cannot be right.
    """

    kind: str
    txid: bytes
    height: int
    position: int | None
    time: datetime
    sender: bytes
    receiver: bytes
    amount: int
    success: bool | None = True
    log_index: int | None = None
    trace_path: str | None = None
    contract: bytes | None = None
    token_id: str | None = None
    symbol: str | None = None
    decimals: int | None = None
    odd: bool = False


@dataclass(frozen=True)
class Place:
    """What fields are read of: the chain, and where they stand for errors."""

    chain: Chain
    where: str

    def wrong(self, what: str) -> SourceError:
        """Return the error that says what is wrong here."""
        return SourceError(what, where=self.where, remedy=LIAR)

    def number(self, row: Row, name: str, most: int = LARGEST_WORD) -> int:
        """Return a whole number, as digits, in hexadecimal behind 0x, or as a number."""
        value = row.get(name)
        if isinstance(value, str) and _NUMBER.fullmatch(value):
            value = int(value)
        elif isinstance(value, str) and _HEX.fullmatch(value):
            value = int(value, 16)
        if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= most:
            raise self.wrong(
                f"{name} is {clipped(value, 60)!r}, and no whole number that it can be"
            )
        return value

    def hash(self, row: Row, *names: str) -> bytes:
        """Return a hash; of several names the first that is there."""
        value = next((row[name] for name in names if name in row), None)
        if not isinstance(value, str) or not _HASH.fullmatch(value):
            raise self.wrong(f"{names[0]} is {clipped(value, 80)!r}, and no hash")
        return bytes.fromhex(value[2:])

    def address(self, value: object, name: str) -> bytes:
        """Return an address, as text or as an object with its ``hash``."""
        text = value.get("hash") if isinstance(value, Mapping) else value
        try:
            return canonical.parse(str(text), self.chain)
        except AddressError:
            raise self.wrong(f"{name} is {clipped(text, 60)!r}, and no address") from None

    def height(self, row: Row, *names: str) -> int:
        """Return a height; of several names the first that is there."""
        name = next((one for one in names if one in row), names[0])
        return self.number(row, name, 2**38 - 1)

    def position(self, row: Row, name: str) -> int | None:
        """Return the place of a transaction in its block; null where it is not said."""
        if row.get(name) in (None, ""):
            return None
        return self.number(row, name, 2**POSITION_BITS - 1)

    def seconds(self, row: Row, name: str, latest: datetime) -> datetime:
        """Return a time in seconds; refuse one after the block up to which is read."""
        when = self.number(row, name, 2**40)
        return self._not_after(datetime.fromtimestamp(when, UTC), latest)

    def moment(self, row: Row, name: str, latest: datetime) -> datetime:
        """Return a time as ISO 8601 writes it; refuse one after the block up to which is read."""
        try:
            found = datetime.fromisoformat(str(row.get(name)))
        except ValueError:
            raise self.wrong(f"{name} is {clipped(row.get(name), 60)!r}, and no time") from None
        if found.tzinfo is None:
            raise self.wrong(f"{name} has no zone")
        return self._not_after(found.astimezone(UTC), latest)

    def _not_after(self, found: datetime, latest: datetime) -> datetime:
        if found > latest:
            raise self.wrong(f"a time of {found:%Y-%m-%d %H:%M:%S} UTC, after the block read to")
        return found

    def path(self, value: object) -> str | None:
        """Return the place of a call as traces write it; null where it is not said."""
        if value in (None, ""):
            return None
        if not isinstance(value, str) or not _TRACE.fullmatch(value):
            raise self.wrong(f"{clipped(value, 60)!r} is no place of a call")
        return value.replace("_", ".")

    def token(self, symbol: object, decimals: object) -> dict[str, Any]:
        """Return what a token says of itself; what cannot be right is left out, and flagged."""
        word = symbol if isinstance(symbol, str) and symbol else None
        text = str(decimals) if decimals not in (None, "") else ""
        number = int(text) if _NUMBER.fullmatch(text) else None
        odd = len(word or "") > LONGEST_SYMBOL or (number or 0) > LARGEST_DECIMALS
        if odd:
            return {"symbol": None, "decimals": None, "odd": True}
        return {"symbol": word, "decimals": number}


def _success(row: Row, at: Place) -> bool | None:
    """Return whether Etherscan says that a row took effect; null where it says nothing of it."""
    told = []
    for name, good in (("isError", "0"), ("txreceipt_status", "1")):
        value = row.get(name)
        if value in (None, ""):  # blocks before Byzantium have no status
            continue
        if value not in ("0", "1"):
            raise at.wrong(f"{name} is {clipped(value, 20)!r}")
        told.append(value == good)
    if len(set(told)) > 1:
        raise at.wrong("isError and txreceipt_status contradict each other")
    return told[0] if told else None


def _still(row: Row, at: Place) -> bool:
    """Return whether a call inside a transaction moves nothing."""
    return str(row.get("type", "")).lower() in _STILL or at.number(row, "value") == 0


def etherscan(action: str, row: Row, at: Place, latest: datetime) -> Moved | None:
    """Return a movement of Etherscan's lists; None where the row moves nothing."""
    common: dict[str, Any] = {
        "txid": at.hash(row, "hash", "transactionHash"), "height": at.height(row, "blockNumber"),
        "position": at.position(row, "transactionIndex"),
        "time": at.seconds(row, "timeStamp", latest), "sender": at.address(row.get("from"), "from"),
    }  # fmt: skip
    to = row.get("to") or row.get("contractAddress")
    if action in ("txlist", "txlistinternal"):
        inside = action == "txlistinternal"
        success = _success(row, at)
        if not to or (inside and _still(row, at)):
            return None  # a creation that failed, or a call that came to nothing
        return Moved(
            kind="internal" if inside else "native", receiver=at.address(to, "to"),
            amount=at.number(row, "value"), success=success,
            trace_path=at.path(row.get("traceId") or row.get("index")) if inside else None,
            **common,
        )  # fmt: skip
    kind, value = _TOKENS[action]
    many = kind != "erc721"
    contract = at.address(row.get("contractAddress"), "contractAddress")
    if many and row.get(value) in _NOTHING:
        raise OddToken.without_amount(contract, common["sender"])
    return Moved(
        kind=kind, receiver=at.address(row.get("to"), "to"),
        amount=at.number(row, value) if many else 1,
        token_id=None if kind == "erc20" else str(at.number(row, "tokenID")),
        contract=contract,
        log_index=at.number(row, "logIndex", 2**40) if row.get("logIndex") else None,
        **at.token(row.get("tokenSymbol"), row.get("tokenDecimal")), **common,
    )  # fmt: skip


_TOKENS = {
    "tokentx": ("erc20", "value"), "tokennfttx": ("erc721", "value"),
    "token1155tx": ("erc1155", "tokenValue"),
}  # fmt: skip

ACTIONS = ("txlist", "txlistinternal", *_TOKENS)
"""Lists of Etherscan that make up the history of an account."""


def blockscout(kind: str, row: Row, at: Place, latest: datetime) -> Moved | None:
    """Return a movement of Blockscout's lists; None where the row moves nothing."""
    common: dict[str, Any] = {
        "txid": at.hash(row, "transaction_hash", "tx_hash", "hash"),
        "height": at.height(row, "block_number", "block"),
        "time": at.moment(row, "timestamp", latest), "sender": at.address(row.get("from"), "from"),
    }  # fmt: skip
    to = row.get("to") or row.get("created_contract")
    if kind == "token-transfers":
        return _blockscout_token(row, at, common)
    if not to:
        return None
    receiver, amount = at.address(to, "to"), at.number(row, "value")
    if kind == "transactions":
        status = row.get("status")
        if status not in ("ok", "error", None):
            raise at.wrong(f"status is {clipped(status, 20)!r}")
        return Moved(
            kind="native", receiver=receiver, amount=amount, position=at.position(row, "position"),
            success=None if status is None else status == "ok", **common,
        )  # fmt: skip
    success = row.get("success")
    if not isinstance(success, bool):
        raise at.wrong("a call does not say whether it took effect")
    if _still(row, at):
        return None
    return Moved(
        kind="internal", receiver=receiver, amount=amount, success=success,
        position=at.position(row, "transaction_index"), **common,
    )  # fmt: skip


def _blockscout_token(row: Row, at: Place, common: dict[str, Any]) -> Moved:
    token, total = row.get("token"), row.get("total")
    if token is None:
        raise OddToken("of a token that is not named")
    if not isinstance(token, Mapping) or not (total is None or isinstance(total, Mapping)):
        raise at.wrong("the token of a movement, or its amount, is no object")
    kind = str(token.get("type", "")).replace("-", "").lower()
    if kind not in ("erc20", "erc721", "erc1155"):
        raise OddToken(f"{clipped(token.get('type'), 30)!r} is no kind of token that is known")
    contract = at.address(token.get("address_hash") or token.get("address"), "token")
    if total is None or (kind != "erc721" and total.get("value") in _NOTHING):
        raise OddToken.without_amount(contract, common["sender"])
    return Moved(
        kind=kind, receiver=at.address(row.get("to"), "to"), position=None,
        amount=1 if kind == "erc721" else at.number(total, "value"),
        token_id=None if kind == "erc20" else str(at.number(total, "token_id")),
        contract=contract, log_index=at.number(row, "log_index", 2**40),
        **at.token(token.get("symbol"), token.get("decimals")), **common,
    )  # fmt: skip


LISTS = ("transactions", "internal-transactions", "token-transfers")
"""Lists of Blockscout that make up the history of an account."""
