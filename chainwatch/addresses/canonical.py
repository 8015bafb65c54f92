"""Addresses and transaction ids as bytes: the one place where text becomes identity and back.

The canonical bytes of an address are one kind byte and its payload. Together with the chain they
are its identity; text is derived. White space, a wrong chain, a wrong checksum or a lost capital is
an error with a sentence, never mended in silence.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from enum import IntEnum
from typing import Any

import polars as pl

from chainwatch.addresses.codecs import (
    base58check_decode,
    base58check_encode,
    cashaddr_decode,
    cashaddr_encode,
    eip55_decode,
    eip55_encode,
    segwit_decode,
    segwit_encode,
)
from chainwatch.addresses.diagnose import explain, not_a_txid, quoted
from chainwatch.chains.base import Chain
from chainwatch.chains.catalogue import all_chains
from chainwatch.chains.catalogue import chain as chain_of
from chainwatch.errors import AddressError


class Kind(IntEnum):
    """First byte of a canonical address: what its payload is."""

    P2PKH = 1
    P2SH = 2
    P2WPKH = 3
    P2WSH = 4
    P2TR = 5
    WITNESS_UNKNOWN = 6
    """Payload: the witness version, then the program."""
    P2SH32 = 7
    """Payload: double SHA-256 of the script (Bitcoin Cash)."""
    EVM = 16
    TRON = 17
    """Payload: 20 bytes, without the 0x41 that its text encodes."""


_SIZES = dict.fromkeys((Kind.P2PKH, Kind.P2SH, Kind.P2WPKH, Kind.EVM, Kind.TRON), 20)
_SIZES |= {Kind.P2WSH: 32, Kind.P2TR: 32, Kind.P2SH32: 32}
_WITNESS = {Kind.P2WPKH: 0, Kind.P2WSH: 0, Kind.P2TR: 1}
_CASH_TYPES = (Kind.P2PKH, Kind.P2SH, Kind.P2PKH, Kind.P2SH)
"""By type; the last two say that the wallet knows tokens, and name the same addresses."""
_LONGEST_BASE58 = 36  # characters of an address; a CashAddr without its prefix has 42
_TRON_PREFIX = 0x41
_EVM_TEXT = re.compile(r"0[xX]([0-9a-fA-F]{40})")
_TRON_HEX = re.compile(r"41([0-9a-fA-F]{40})")
_TXID = re.compile(r"(0[xX])?([0-9a-fA-F]{64})")


def kind_of(address: bytes) -> Kind:
    """Return the kind of a canonical address and prove its form.

    Raises
    ------
    AddressError
        If the kind byte is unknown or the payload does not fit it.
    """
    try:
        kind = Kind(address[0])
    except (IndexError, ValueError):
        raise AddressError(f"bytes {_hex(address)} are not an address") from None
    size = len(address) - 1
    if kind is Kind.WITNESS_UNKNOWN:
        fits = 3 <= size <= 41 and 1 <= address[1] <= 16 and (address[1], size) != (1, 33)
    else:
        fits = size == _SIZES[kind]
    if not fits:
        raise AddressError(f"bytes {_hex(address)} are not an address of kind {kind.name}")
    return kind


def witness_address(version: int, program: bytes) -> bytes | None:
    """Return the canonical address of a witness program, or None where version 0 forbids it."""
    if version == 0:
        kind = {20: b"\x03", 32: b"\x04"}.get(len(program))
        return kind + program if kind else None
    if version == 1 and len(program) == 32:
        return b"\x05" + program
    return bytes((Kind.WITNESS_UNKNOWN, version)) + program


def parse(text: str, chain: Chain | str) -> bytes:
    """Return the canonical bytes of an address as people write it.

    Parameters
    ----------
    text : str
        Bitcoin-like: base58check, bech32 or bech32m; Bitcoin Cash: CashAddr with or without its
        prefix, or base58check. EVM: ``0x`` and 40 hex digits; mixed case must be EIP-55. Tron:
        base58check, or 42 hex digits that begin with 41.
    chain : Chain or str
        Chain, alias or CAIP-2 id.

    Returns
    -------
    bytes
        Kind byte and payload.

    Raises
    ------
    AddressError
        If the text is no address of that chain; the sentence says what it is instead, if known.

    Examples
    --------
    >>> parse("1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa", "btc").hex()
    '0162e907b15cbf27d5425399ebf6f0fb50ebb88f18'
    """
    target = chain_of(chain)
    if not isinstance(text, str):
        raise AddressError(f"a value of type {type(text).__name__} is not an address")
    try:
        return _READERS[target.family](text, target)
    except AddressError as error:
        raise explain(text, target, chains_of, error) from None


def text(address: bytes, chain: Chain | str) -> str:
    """Return the canonical text of an address: lower-case bech32, CashAddr, EIP-55, base58check.

    Raises
    ------
    AddressError
        If the bytes are no canonical address, or are of a kind that the chain does not write.
    """
    target = chain_of(chain)
    kind, payload = kind_of(address), address[1:]
    if kind is Kind.EVM and target.family == "evm":
        return eip55_encode(payload)
    if kind is Kind.TRON and target.family == "tron":
        return base58check_encode(bytes((_TRON_PREFIX,)) + payload)
    if target.cashaddr and kind is Kind.P2SH32:
        return cashaddr_encode(target.cashaddr, _CASH_TYPES.index(Kind.P2SH), payload)
    if target.cashaddr and kind in _CASH_TYPES:
        return cashaddr_encode(target.cashaddr, _CASH_TYPES.index(kind), payload)
    if kind is Kind.P2PKH and target.p2pkh is not None:
        return base58check_encode(bytes((target.p2pkh,)) + payload)
    if kind is Kind.P2SH and target.p2sh is not None:
        return base58check_encode(bytes((target.p2sh,)) + payload)
    if target.hrp and kind in _WITNESS:
        return segwit_encode(target.hrp, _WITNESS[kind], payload)
    if target.hrp and kind is Kind.WITNESS_UNKNOWN:
        return segwit_encode(target.hrp, payload[0], payload[1:])
    raise AddressError(f"an address of kind {kind.name} has no text on {target.name}")


def chains_of(text: str) -> tuple[Chain, ...]:
    """Return the chains whose addresses are written like this text, in the order of the catalogue.

    More than one is common: test networks share prefixes, and old forms of Litecoin and Bitcoin
    Cash look like Bitcoin. An empty tuple means that it is an address of none of them.
    """
    return tuple(item for item in all_chains() if _reads(text, item))


def parse_txid(text: str, chain: Chain | str) -> bytes:
    """Return the 32 bytes of a transaction id in wire order: reversed for Bitcoin-like chains.

    Raises
    ------
    AddressError
        If the text is no transaction id, or is written as on another family of chains.
    """
    target = chain_of(chain)
    found = _TXID.fullmatch(text) if isinstance(text, str) else None
    if found is None:
        raise not_a_txid(text, target, chains_of)
    if found[1] and target.family == "utxo":
        raise AddressError(
            f"{quoted(text)} begins with 0x: a transaction id of an EVM chain, not of"
            f" {target.name}",
            remedy="name the chain: eth; or leave out 0x if it is not",
        )
    raw = bytes.fromhex(found[2])
    return raw[::-1] if target.family == "utxo" else raw


def txid_text(txid: bytes, chain: Chain | str) -> str:
    """Return a transaction id as explorers show it: reversed for Bitcoin-like, ``0x`` for EVM."""
    target = chain_of(chain)
    if len(txid) != 32:
        raise AddressError(f"bytes {_hex(txid)} are not a transaction id of 32 bytes")
    if target.family == "utxo":
        return txid[::-1].hex()
    return f"0x{txid.hex()}" if target.family == "evm" else txid.hex()


def parse_series(series: pl.Series, chain: Chain | str) -> pl.Series:
    """Return the canonical bytes of a column of texts; nulls stay null, each value is read once.

    Raises
    ------
    AddressError
        For the first row that is no address of the chain; the sentence names the row.
    """
    return _by_unique(series, pl.String, pl.Binary, parse, chain_of(chain))


def text_series(series: pl.Series, chain: Chain | str) -> pl.Series:
    """Return the canonical texts of a column of addresses; nulls stay null."""
    return _by_unique(series, pl.Binary, pl.String, text, chain_of(chain))


def _by_unique(
    series: pl.Series,
    given: type[pl.DataType],
    made: type[pl.DataType],
    convert: Callable[[Any, Chain], Any],
    target: Chain,
) -> pl.Series:
    if series.dtype not in (given, pl.Null):
        raise AddressError(
            f"a column of type {series.dtype} holds no addresses", remedy=f"give {given.__name__}"
        )
    column = series.cast(given)
    values = column.unique(maintain_order=True).drop_nulls()
    results = []
    for value in values:
        try:
            results.append(convert(value, target))
        except AddressError as error:
            row = f"row {(column.index_of(value) or 0) + 1} of column {quoted(series.name)}"
            raise AddressError(error.what, where=row, remedy=error.remedy) from None
    mapping = pl.DataFrame({"given": values, "made": pl.Series(results, dtype=made)})
    joined = (
        column.rename("given")
        .to_frame()
        .join(mapping, on="given", how="left", maintain_order="left")
    )
    return joined["made"].rename(series.name)


def _reads(text: str, target: Chain) -> bool:
    try:
        _READERS[target.family](text, target)
    except AddressError:
        return False
    return True


def _read_utxo(text: str, target: Chain) -> bytes:
    if target.hrp and text[: len(target.hrp) + 1].lower() == f"{target.hrp}1":
        try:
            return _read_witness(text, target.hrp)
        except AddressError as error:
            # Base58 may begin with the same letters; the checksum tells which of the two it is.
            try:
                return _read_base58(text, target)
            except AddressError:
                raise error from None
    if target.cashaddr and (":" in text or len(text) > _LONGEST_BASE58):
        return _read_cash(text, target.cashaddr)
    return _read_base58(text, target)


def _read_base58(text: str, target: Chain) -> bytes:
    data = base58check_decode(text)
    if len(data) != 21:
        raise AddressError(f"it encodes {len(data)} bytes where an address has 21")
    version = data[0]
    if version == target.p2pkh:
        return bytes((Kind.P2PKH,)) + data[1:]
    if version in (target.p2sh, target.old_p2sh):
        return bytes((Kind.P2SH,)) + data[1:]
    raise AddressError(f"its version byte 0x{version:02x} is of another chain")


def _read_witness(text: str, hrp: str) -> bytes:
    prefix, version, program = segwit_decode(text)
    address = witness_address(version, program)
    if prefix != hrp or address is None:
        raise AddressError(f"its prefix is {prefix!a}, not {hrp!r}")
    return address


def _read_cash(text: str, prefix: str) -> bytes:
    number, payload = cashaddr_decode(text, prefix)
    kind = _CASH_TYPES[number] if number < len(_CASH_TYPES) else None
    if kind is Kind.P2SH and len(payload) == _SIZES[Kind.P2SH32]:
        kind = Kind.P2SH32
    if kind is None or len(payload) != _SIZES[kind]:
        raise AddressError(f"CashAddr type {number} with {len(payload)} bytes is not supported")
    return bytes((kind,)) + payload


def _read_evm(text: str, target: Chain) -> bytes:
    found = _EVM_TEXT.fullmatch(text)
    if found is None:
        raise AddressError("it is not 0x and 40 hexadecimal digits")
    return bytes((Kind.EVM,)) + eip55_decode(found[1])


def _read_tron(text: str, target: Chain) -> bytes:
    if found := _TRON_HEX.fullmatch(text):
        return bytes((Kind.TRON,)) + bytes.fromhex(found[1])
    data = base58check_decode(text)
    if len(data) != 21 or data[0] != _TRON_PREFIX:
        raise AddressError(f"it encodes {len(data)} bytes that begin with 0x{data[:1].hex()}")
    return bytes((Kind.TRON,)) + data[1:]


_READERS: dict[str, Callable[[str, Chain], bytes]] = {
    "utxo": _read_utxo, "evm": _read_evm, "tron": _read_tron,
}  # fmt: skip


def _hex(data: bytes) -> str:
    return f"{data[:24].hex()}..." if len(data) > 24 else data.hex() or "(none)"
