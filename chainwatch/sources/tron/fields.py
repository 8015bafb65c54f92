"""Tron's JSON to checked values: the answers of TronGrid and of a node (java-tron), in one form.

Addresses come in base58, as 42 hexadecimal digits that begin with 41, or in events as 40; amounts
are signed 64-bit integers. A node gives a transaction and what came of it in two answers, TronGrid
in one: both become one :class:`Told`, of which rows are made in one place.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, TypeVar

import msgspec
from msgspec import Meta, Struct

from chainwatch.addresses import canonical
from chainwatch.addresses.canonical import Kind
from chainwatch.chains.base import Chain
from chainwatch.errors import AddressError, SourceError
from chainwatch.sanitize import clipped

LIAR = "ask another server; if it stays, tell its operator"

Count = Annotated[int, Meta(ge=0, le=2**63 - 1)]
"""An amount or a number of things: Tron counts in signed 64-bit integers."""

Height = Annotated[int, Meta(ge=0, lt=2**38)]
"""A height; there is room for no larger one in a transaction number."""

Hash = Annotated[str, Meta(pattern="^[0-9a-fA-F]{64}$")]
Millis = Annotated[int, Meta(ge=0, lt=2**53)]

Resources = Mapping[str, int] | None
"""Amounts by the name of a resource; null where nothing is said."""

_LONGEST_SYMBOL = 100
_MOST_DECIMALS = 38
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_BARE = re.compile(r"(?:0[xX])?([0-9a-fA-F]{40})")
_T = TypeVar("_T")


class Parameter(Struct):
    """What a contract of a transaction is told; its fields differ by the type."""

    value: dict[str, Any]


class Contract(Struct):
    """What a transaction does; there is one in each."""

    type: str
    parameter: Parameter


class RawData(Struct):
    """The signed part of a transaction."""

    contract: Annotated[list[Contract], Meta(min_length=1, max_length=1)]


class Ret(Struct):
    """How a transaction ended."""

    contractRet: str | None = None  # noqa: N815 - the name on the wire
    fee: Count = 0


class CallValue(Struct):
    """What a call between contracts moved; without a token it is TRX."""

    callValue: Count = 0  # noqa: N815 - the name on the wire
    tokenId: str | None = None  # noqa: N815 - the name on the wire


class Internal(Struct):
    """A call between contracts, as a node tells it."""

    hash: Hash
    caller_address: str
    callValueInfo: list[CallValue]  # noqa: N815 - the name on the wire
    transferTo_address: str = ""  # noqa: N815 - the name on the wire
    note: str = ""
    rejected: bool = False


class InternalData(Struct):
    """What TronGrid says of a call between contracts in the list of transactions."""

    call_value: dict[str, Count | str | None] | None = None
    note: str = ""
    rejected: bool = False


class InlineInternal(Struct):
    """A call between contracts, as TronGrid tells it with the transaction it is of."""

    internal_tx_id: Hash
    from_address: str
    data: InternalData
    to_address: str = ""


class ListedInternal(Struct):
    """A call between contracts, as TronGrid lists it among transactions."""

    internal_tx_id: Hash
    tx_id: Hash
    from_address: str
    block_timestamp: Millis
    data: InternalData
    to_address: str = ""


class ListedTransaction(Struct):
    """A transaction as TronGrid lists it, with what came of it."""

    txID: Hash  # noqa: N815 - the name on the wire
    raw_data: RawData
    block_timestamp: Millis
    blockNumber: Height | None = None  # noqa: N815 - the name on the wire
    ret: list[Ret] = []
    raw_data_hex: str | None = None
    net_usage: Count = 0
    net_fee: Count = 0
    energy_usage: Count = 0
    energy_fee: Count = 0
    energy_usage_total: Count = 0
    withdraw_amount: Count | None = None
    unfreeze_amount: Count | None = None
    withdraw_expire_amount: Count | None = None
    cancel_unfreezeV2_amount: dict[str, Count] | list[dict[str, Any]] | None = None  # noqa: N815
    contract_address: str | None = None
    internal_transactions: list[dict[str, Any]] | None = None


class TokenInfo(Struct):
    """A token as TronGrid describes it: what its contract says of itself may be anything."""

    address: str | None = None
    symbol: Any = None
    decimals: Any = None

    def shown(self) -> tuple[str | None, int | None, bool]:
        """Return symbol and decimals, and whether one cannot be right: then neither is taken."""
        odd = not (self.symbol is None or _is_symbol(self.symbol))
        odd |= not (self.decimals is None or _is_decimals(self.decimals))
        return (None, None, True) if odd else (self.symbol, self.decimals, False)


def _is_symbol(said: object) -> bool:
    return isinstance(said, str) and len(said) <= _LONGEST_SYMBOL


def _is_decimals(said: object) -> bool:
    """Tell whether decimals are a number with which a whole token fits a column of amounts."""
    return isinstance(said, int) and not isinstance(said, bool) and 0 <= said <= _MOST_DECIMALS


class ListedToken(Struct):
    """A movement of, or authority over, tokens as TronGrid lists it: without height and place."""

    transaction_id: Hash
    block_timestamp: Millis
    to: str
    type: str
    from_: str = msgspec.field(name="from")
    token_info: TokenInfo | None = None
    value: str | None = None

    @property
    def info(self) -> TokenInfo:
        """What is said of the token; nothing where it is not registered."""
        return self.token_info or TokenInfo()


class PageMeta(Struct):
    """What TronGrid says of a page."""

    fingerprint: str | None = None
    page_size: int | None = None


class Page(Struct):
    """A page of TronGrid."""

    data: list[Any]
    success: bool
    meta: PageMeta


class HeaderData(Struct):
    """The signed part of a block's header."""

    timestamp: Millis = 0
    number: Height = 0
    parentHash: Hash = "0" * 64  # noqa: N815 - the name on the wire
    version: int = 0


class BlockHeader(Struct):
    """A block's header."""

    raw_data: HeaderData


class BlockTransaction(Struct):
    """A transaction in a block, as a node tells it."""

    txID: Hash  # noqa: N815 - the name on the wire
    raw_data: RawData
    ret: list[Ret] = []
    raw_data_hex: str | None = None


class Block(Struct):
    """A block, as a node tells it."""

    blockID: Hash  # noqa: N815 - the name on the wire
    block_header: BlockHeader
    transactions: list[BlockTransaction] = []


class Receipt(Struct):
    """What a transaction used and burnt."""

    net_usage: Count = 0
    net_fee: Count = 0
    energy_usage: Count = 0
    energy_fee: Count = 0
    origin_energy_usage: Count = 0
    energy_usage_total: Count = 0
    result: str | None = None


class Log(Struct):
    """An event that a contract logged."""

    address: str
    topics: list[Hash] = []
    data: str = ""


class Info(Struct):
    """What came of a transaction, as a node tells it."""

    id: Hash
    blockNumber: Height = 0  # noqa: N815 - the name on the wire
    blockTimeStamp: Millis = 0  # noqa: N815 - the name on the wire
    fee: Count = 0
    receipt: Receipt = msgspec.field(default_factory=Receipt)
    result: str | None = None
    contract_address: str | None = None
    log: list[Log] = []
    internal_transactions: list[Internal] | None = None
    withdraw_amount: Count | None = None
    unfreeze_amount: Count | None = None
    withdraw_expire_amount: Count | None = None
    cancel_unfreezeV2_amount: dict[str, Count] | list[dict[str, Any]] | None = None  # noqa: N815


@dataclass(frozen=True, slots=True)
class Told:
    """A transaction and what came of it, whoever told it.

    Attributes
    ----------
    txid, height, position, time
        Its id and place; what the source does not say is null.
    kind : str
        Type of what it does, as the chain calls it.
    value : mapping
        What that is told.
    success : bool
        It took effect; the fee is paid all the same.
    fee : int
        TRX burnt, all in all.
    energy, bandwidth : int
        Units of its payer's resources that it used.
    withdrawn, unfrozen, expired : int or None
        TRX that came into the balance: rewards; staked in the first way; staked in the second
        and waited for. None is not said.
    cancelled : mapping of str to int or None
        What waited and was staked again, by resource.
    created : bytes or None
        Address of the contract, where it made or called one.
    inside : tuple of Internal
        What happened inside of it.
    """

    txid: bytes
    height: int | None
    position: int | None
    time: datetime
    kind: str
    value: Mapping[str, Any]
    success: bool
    fee: int
    energy: int = 0
    bandwidth: int = 0
    withdrawn: int | None = None
    unfrozen: int | None = None
    expired: int | None = None
    cancelled: Mapping[str, int] | None = None
    created: bytes | None = None
    inside: tuple[Internal, ...] = ()


def typed(value: Any, kind: type[_T], where: str) -> _T:
    """Return parsed JSON as one of the classes above.

    Raises
    ------
    SourceError
        If a field is missing, of another type or out of range; the sentence names it.
    """
    try:
        return msgspec.convert(value, kind, strict=True)
    except (msgspec.ValidationError, RecursionError, OverflowError) as bad:
        raise SourceError(
            f"the answer has not the form of Tron's: {clipped(bad, 200)}", where=where,
            remedy="check that the address is that of TronGrid, or of a node of Tron",
        ) from None  # fmt: skip


def address(text: object, chain: Chain, where: str) -> bytes:
    """Return an address in any of the forms of Tron's answers.

    Raises
    ------
    SourceError
        If it is none.
    """
    if isinstance(text, str):
        if bare := _BARE.fullmatch(text):
            return bytes((Kind.TRON,)) + bytes.fromhex(bare[1])
        try:
            return canonical.parse(text, chain)
        except AddressError:
            pass
    raise SourceError(
        f"{clipped(text, 60)!r} is no address of {chain.name}", where=where, remedy=LIAR
    )


def amount(value: Mapping[str, Any], name: str, where: str) -> int:
    """Return an amount that a transaction names; what is left out is zero.

    Raises
    ------
    SourceError
        If it is no whole number of 63 bits.
    """
    found = value.get(name, 0)
    if isinstance(found, bool) or not isinstance(found, int) or not 0 <= found < 2**63:
        raise SourceError(
            f"{name} is {clipped(found, 60)!r}, and no amount", where=where, remedy=LIAR
        )
    return found


def moment(millis: int, where: str, latest: datetime | None = None) -> datetime:
    """Return a time; refuse one after the block up to which is read.

    Raises
    ------
    SourceError
        If it lies in the future of that block, or where no time can.
    """
    try:
        found = _EPOCH + timedelta(milliseconds=millis)
    except OverflowError:
        found = None
    if found is None or (latest is not None and found > latest):
        until = f", after {latest:%Y-%m-%d %H:%M:%S} UTC" if latest else ""
        raise SourceError(f"a time of {millis:,} ms{until}", where=where, remedy=LIAR)
    return found


def check_id(txid: str, raw: str | None, where: str) -> None:
    """Hold the id of a transaction to its signed bytes, where they are given.

    Raises
    ------
    SourceError
        If they do not hash to it.
    """
    if raw is None:
        return
    try:
        data = bytes.fromhex(raw)
    except ValueError:
        data = b""
    if hashlib.sha256(data).hexdigest() != txid.lower():
        raise SourceError(
            "the bytes of the transaction do not hash to its id", where=where, remedy=LIAR
        )


def cancelled(value: dict[str, int] | list[dict[str, Any]] | None, where: str) -> Resources:
    """Return amounts by resource: an object, or a list of pairs of key and value."""
    if value is None:
        return None
    if isinstance(value, dict):
        return value
    return {str(one.get("key")): amount(one, "value", where) for one in value}
