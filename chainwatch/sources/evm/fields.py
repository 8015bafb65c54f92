"""A node's JSON of Ethereum's kind to checked values: hexadecimal numbers, hashes, addresses.

Answers are decoded once, straight from their bytes into these structures; whatever else they hold
is passed over. A value that is not of its form is refused, with the digest of the answer.
"""

from __future__ import annotations

import hashlib
import re
import sys
import threading
from collections.abc import Sequence
from typing import TypeVar

import msgspec
import polars as pl
from msgspec import Struct, field

from chainwatch.addresses.canonical import Kind
from chainwatch.errors import SourceError
from chainwatch.sanitize import clipped

ANOTHER_NODE = "ask another node, or this one again"

DEPOSIT = "0x7e"
"""Type of a transaction that comes from the chain below (OP stack)."""

DEEPEST = 6_000
"""Frames that an answer may nest: 1,024 calls, each an object in a list, and room above."""

_nesting = threading.Lock()
_QUANTITY = re.compile(r"0x[0-9a-fA-F]{1,64}")
_KIND = bytes([Kind.EVM])
_T = TypeVar("_T")


class Contradiction(SourceError):
    """An answer that is not of its form, or that others of the same block contradict."""


class Log(Struct, gc=False):
    """An event that a contract logged."""

    address: str
    topics: list[str]
    data: str
    log_index: str = field(name="logIndex")
    tx_index: str = field(name="transactionIndex")
    tx_hash: str = field(name="transactionHash")
    block_hash: str = field(name="blockHash")
    block_number: str = field(name="blockNumber")
    removed: bool = False


class Receipt(Struct):
    """What became of a transaction."""

    tx_hash: str = field(name="transactionHash")
    tx_index: str = field(name="transactionIndex")
    block_hash: str = field(name="blockHash")
    gas_used: str = field(name="gasUsed")
    cumulative: str = field(name="cumulativeGasUsed")
    logs: list[Log]
    status: str | None = None
    created: str | None = field(name="contractAddress", default=None)
    price: str | None = field(name="effectiveGasPrice", default=None)
    blob_gas: str | None = field(name="blobGasUsed", default=None)
    blob_price: str | None = field(name="blobGasPrice", default=None)
    data_fee: str | None = field(name="l1Fee", default=None)
    operator_scalar: str | None = field(name="operatorFeeScalar", default=None)
    operator_constant: str | None = field(name="operatorFeeConstant", default=None)


class Authorization(Struct):
    """What an account signs to have its code set (EIP-7702)."""

    chain: str = field(name="chainId")
    address: str
    nonce: str
    r: str
    s: str
    parity: str = field(name="yParity")


class Transaction(Struct):
    """A transaction as it stands in its block."""

    hash: str
    tx_index: str = field(name="transactionIndex")
    block_hash: str = field(name="blockHash")
    sender: str = field(name="from")
    value: str
    receiver: str | None = field(name="to", default=None)
    price: str | None = field(name="gasPrice", default=None)
    chain: str | None = field(name="chainId", default=None)
    authorizations: list[Authorization] | None = field(name="authorizationList", default=None)
    type: str | None = None
    mint: str | None = None


class Withdrawal(Struct):
    """What a validator withdraws; ``amount`` in thousand millions of base units."""

    index: str
    address: str
    amount: str


class Block(Struct):
    """A block with its transactions, or their ids."""

    number: str
    hash: str
    parent: str = field(name="parentHash")
    time: str = field(name="timestamp")
    miner: str
    gas_used: str = field(name="gasUsed")
    difficulty: str = "0x0"
    size: str = "0x0"
    base_fee: str | None = field(name="baseFeePerGas", default=None)
    transactions: list[Transaction] = field(default_factory=list)
    uncles: list[str] = field(default_factory=list)
    withdrawals: list[Withdrawal] | None = None
    blob_gas: str | None = field(name="blobGasUsed", default=None)
    bloom: str | None = field(name="logsBloom", default=None)


class Header(Struct):
    """What tells a block, or an uncle, from others."""

    number: str
    hash: str
    parent: str = field(name="parentHash")
    miner: str


def decoded(raw: bytes | msgspec.Raw, form: type[_T], where: str) -> _T:
    """Return a part of an answer in its form.

    Raises
    ------
    SourceError
        If it is not of that form; the digest of the part is named.
    """
    try:
        try:
            return msgspec.json.decode(raw, type=form)
        except RecursionError:
            return _deeply(raw, form)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise wrong(f"the answer is not of its form: {error}", where, bytes(raw)) from None


def _deeply(raw: bytes | msgspec.Raw, form: type[_T]) -> _T:
    """Decode what nests as deep as calls can; one at a time, for the limit is the process's."""
    with _nesting:
        before = sys.getrecursionlimit()
        sys.setrecursionlimit(max(before, DEEPEST))
        try:
            return msgspec.json.decode(raw, type=form)
        finally:
            sys.setrecursionlimit(before)


def wrong(what: str, where: str, raw: bytes | None = None) -> Contradiction:
    """Return the refusal of an answer, with the SHA-256 of its bytes where they are at hand."""
    told = "" if raw is None else f" (answer with SHA-256 {hashlib.sha256(raw).hexdigest()})"
    return Contradiction(f"{what}{told}", where=where, remedy=ANOTHER_NODE)


def quantity(text: str | None, what: str, where: str) -> int:
    """Return a hexadecimal number; ``what`` is its name in a refusal."""
    if text is None or not _QUANTITY.fullmatch(text):
        raise wrong(f"{what} {_quoted(text)} is no hexadecimal number", where)
    return int(text, 16)


def hex_bytes(text: str | None, size: int, what: str, where: str) -> bytes:
    """Return so many bytes, written as ``0x`` and hexadecimal digits."""
    try:
        found = bytes.fromhex(text[2:]) if text is not None and text.startswith("0x") else b""
    except ValueError:
        found = b""
    # White space between digits is passed over by Python, and is none of a hash.
    if text is not None and len(found) == size and len(text) == 2 + 2 * size:
        return found
    raise wrong(f"{what} {_quoted(text)} is not 0x and {2 * size} hexadecimal digits", where)


def hash_of(text: str | None, what: str, where: str) -> bytes:
    """Return the 32 bytes of a hash."""
    return hex_bytes(text, 32, what, where)


def address_of(text: str | None, what: str, where: str) -> bytes:
    """Return the canonical address of twenty bytes in hexadecimal."""
    return _KIND + hex_bytes(text, 20, what, where)


def bytes_column(
    texts: Sequence[str | None], size: int, what: str, where: str, *, kind: str = ""
) -> pl.Series:
    """Return many texts as bytes of one size at once; null stays null.

    ``kind`` are hexadecimal digits that stand before each.
    """
    column = pl.Series(what, texts, pl.String)
    right = column.str.starts_with("0x") & (column.str.len_bytes() == 2 + 2 * size)
    try:
        if right.all():
            digits = pl.lit(kind) + pl.col(what).str.slice(2)
            return column.to_frame().select(digits.str.decode("hex")).to_series().alias(what)
    except pl.exceptions.PolarsError:
        pass
    for text in texts:
        if text is not None:
            hex_bytes(text, size, what, where)
    raise wrong(f"{what} is not 0x and {2 * size} hexadecimal digits", where)


def addresses_column(texts: Sequence[str | None], what: str, where: str) -> pl.Series:
    """Return canonical addresses of many texts at once; null stays null."""
    return bytes_column(texts, 20, what, where, kind=f"{Kind.EVM:02x}")


def _quoted(text: str | None) -> str:
    return "that is missing" if text is None else repr(clipped(text, 80))
