"""Esplora's JSON to checked values: types, ranges and hashes; nothing it says twice may differ.

A transaction is put together again from its parts and must hash to its id, so a server cannot
alter anything that the id covers. What its inputs spend is not covered: that is the server's word,
held against the fee it states, against the address text it gives, and against the transaction
that made the output wherever that one is read too.
"""

from __future__ import annotations

from binascii import Error as NotHex
from binascii import unhexlify
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated, Any, TypeVar

import msgspec
from msgspec import Meta, Struct

from chainwatch.addresses import canonical
from chainwatch.addresses.scripts import Classified, classify, script_of
from chainwatch.addresses.unlocking import Unlock
from chainwatch.bitcoin.consensus import Tx
from chainwatch.bitcoin.extension import as_stated
from chainwatch.bitcoin.hashes import double_sha256, hash_from_hex
from chainwatch.bitcoin.merkle import LIAR
from chainwatch.bitcoin.serialize import signed_version, transaction_bytes
from chainwatch.bitcoin.spent import NOT_KNOWN, SpentOutput
from chainwatch.chains.base import Chain
from chainwatch.chains.catalogue import consensus_of
from chainwatch.errors import AddressError, SourceError
from chainwatch.sanitize import clipped

Count = Annotated[int, Meta(ge=0, lt=2**53)]
"""A number that counts something; larger ones are no count."""

Height = Annotated[int, Meta(ge=0, lt=2**31)]
"""A height; there is room for no larger one in a transaction number."""

_U32 = Annotated[int, Meta(ge=0, lt=2**32)]
_I32 = Annotated[int, Meta(ge=-(2**31), lt=2**32)]
_Amount = Annotated[int, Meta(ge=0, le=2**63 - 1)]
_Hash = Annotated[str, Meta(pattern="^[0-9a-f]{64}$")]

_NO_TXID = bytes(32)
_NO_OUTPUT = 0xFFFFFFFF
_T = TypeVar("_T")


class Script(Struct):
    """An output: of a transaction, or one that an input spends."""

    scriptpubkey: str
    value: _Amount
    scriptpubkey_address: str | None = None


class Spend(Struct):
    """An input."""

    txid: _Hash
    vout: _U32
    sequence: _U32
    is_coinbase: bool = False
    scriptsig: str | None = None
    witness: list[str] | None = None
    prevout: Script | None = None


class Status(Struct):
    """Where a transaction stands in the chain."""

    confirmed: bool
    block_height: Height | None = None
    block_hash: _Hash | None = None
    block_time: Count | None = None


class Transaction(Struct):
    """A transaction."""

    txid: _Hash
    version: _I32
    locktime: _U32
    vin: list[Spend]
    vout: list[Script]
    size: Count
    weight: Count
    fee: _Amount
    status: Status


class Stats(Struct):
    """What an address or script has received and spent."""

    tx_count: Count
    funded_txo_sum: Count = 0
    spent_txo_sum: Count = 0


class History(Struct):
    """An address or script: confirmed and waiting."""

    chain_stats: Stats
    mempool_stats: Stats


class BlockInfo(Struct):
    """A block."""

    id: _Hash
    height: Height
    tx_count: Count
    size: Count | None = None


class Proof(Struct):
    """A Merkle proof."""

    block_height: Height
    merkle: list[_Hash]
    pos: Count


@dataclass(frozen=True, slots=True)
class Prevout:
    """What an input spends, as the server says."""

    value: int
    script: bytes
    found: Classified


@dataclass(frozen=True, slots=True)
class Read:
    """A transaction that hashes to its id, what its inputs spend, and where it is said to stand."""

    tx: Tx
    spent: tuple[Prevout | None, ...]
    coinbase: bool
    height: int | None
    block: bytes | None

    @property
    def spends(self) -> list[SpentOutput]:
        """What its inputs spend, for rows of ``inputs``."""
        return [
            SpentOutput(item.value, item.found.kind, item.found.address) if item else NOT_KNOWN
            for item in self.spent
        ]


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
            f"the answer has not the form of Esplora's: {clipped(bad, 200)}", where=where,
            remedy="check that the address is that of an Esplora API of this chain",
        ) from None  # fmt: skip


def from_hex(text: str, where: str) -> bytes:
    """Return the bytes of hexadecimal text; else refuse it unrepeated, as it may hold a key."""
    try:
        return unhexlify(text)
    except (NotHex, ValueError):
        raise SourceError(
            f"a text of {len(text):,} characters is not hexadecimal", where=where,
            remedy="check that the address is that of an Esplora API; if it is, ask another server",
        ) from None  # fmt: skip


def wire_hash(text: str) -> bytes:
    """Return a hash in wire order from its shown form, whose digits were counted already.

    Raises
    ------
    ValueError
        If it is none.
    """
    found = hash_from_hex(text)
    if found is None:
        raise ValueError("not 64 hexadecimal digits")
    return found


def read_transaction(given: Transaction, chain: Chain, where: str) -> Read:
    """Return a transaction of which everything is checked that can be.

    Raises
    ------
    SourceError
        If it does not hash to its id, or two things that are said of it do not agree.
    """
    where = f"{where}, transaction {given.txid}"
    tx = as_stated(_whole(given, where), given.size, chain)
    if tx.txid != wire_hash(given.txid):
        raise SourceError(
            "the parts of the transaction do not hash to its id", where=where, remedy=LIAR
        )
    if (tx.size, tx.weight) != (given.size, given.weight):
        raise SourceError("its size is not the one that is stated", where=where, remedy=LIAR)
    origins = [(txid, n) == (_NO_TXID, _NO_OUTPUT) for txid, n, _ in tx.inputs]
    coinbase = origins == [True]
    if any(origins) != coinbase or [part.is_coinbase for part in given.vin] != origins:
        raise SourceError("an input is a coinbase out of place", where=where, remedy=LIAR)
    _check_values((value for value, _ in tx.outputs), chain, where)
    spent = tuple(_prevout(part, chain, where) for part in given.vin)
    _check_spent(given, spent, coinbase, chain, where)
    for part in given.vout:
        _classified(part, chain, where)
    at = given.status
    if at.confirmed and (at.block_height is None or at.block_hash is None):
        raise SourceError(
            "a confirmed transaction comes without its block", where=where,
            remedy="ask a server that says in which block it stands",
        )  # fmt: skip
    return Read(
        tx, spent, coinbase,
        at.block_height if at.confirmed else None,
        wire_hash(at.block_hash) if at.confirmed and at.block_hash else None,
    )  # fmt: skip


def _check_values(values: Iterable[int], chain: Chain, where: str) -> int:
    total, supply = 0, consensus_of(chain).supply
    for value in values:
        total += value
        if total > supply:
            raise SourceError(
                "the amounts are more than the supply", where=where,
                remedy="check the chain; if it is right, ask another server",
            )  # fmt: skip
    return total


def _check_spent(
    given: Transaction, spent: tuple[Prevout | None, ...], coinbase: bool, chain: Chain, where: str
) -> None:
    if coinbase:
        if spent != (None,):
            raise SourceError("a coinbase spends something", where=where, remedy=LIAR)
        return
    known = [item.value for item in spent if item is not None]
    total = _check_values(known, chain, where)
    paid = sum(part.value for part in given.vout)
    if len(known) == len(spent) and total - paid != given.fee:
        raise SourceError("inputs, outputs and fee do not add up", where=where, remedy=LIAR)


def _prevout(given: Spend, chain: Chain, where: str) -> Prevout | None:
    if given.prevout is None:
        return None
    script, found = _classified(given.prevout, chain, where)
    return Prevout(given.prevout.value, script, found)


def _classified(given: Script, chain: Chain, where: str) -> tuple[bytes, Classified]:
    """Return a script and what it is; the text that the server gives must be of that address."""
    script = from_hex(given.scriptpubkey, where)
    found = classify(script, chain.forms)
    if given.scriptpubkey_address:
        try:
            named = canonical.parse(given.scriptpubkey_address, chain)
            # Servers write programs out as addresses that are nobody's.
            same = named == found.address or script_of(named) == script
        except AddressError:
            same = False
        if not same:
            raise SourceError(
                f"{clipped(given.scriptpubkey_address, 100)!r} is not the address of the script "
                "beside it",
                where=where,
                remedy="check the chain; if it is right, ask another server",
            )
    return script, found


def _whole(given: Transaction, where: str) -> Tx:
    """Put a transaction together from its parts and hash it, with and without witnesses."""
    inputs = [
        (wire_hash(part.txid), part.vout, from_hex(part.scriptsig or "", where), part.sequence)
        for part in given.vin
    ]
    outputs = [(part.value, from_hex(part.scriptpubkey, where)) for part in given.vout]
    if not inputs or not outputs or len({part[:2] for part in inputs}) != len(inputs):
        raise SourceError(
            "a transaction has no input or output, or spends one twice", where=where, remedy=LIAR
        )
    stacks = [[from_hex(item, where) for item in part.witness or ()] for part in given.vin]
    stripped = whole = transaction_bytes(given.version, inputs, outputs, given.locktime)
    if any(stacks):
        whole = transaction_bytes(given.version, inputs, outputs, given.locktime, stacks)
    spends = [(txid, n, sequence) for txid, n, _, sequence in inputs]
    return Tx(
        double_sha256(stripped), double_sha256(whole) if any(stacks) else None,
        signed_version(given.version), given.locktime, spends, outputs, len(whole), len(stripped),
        tuple(Unlock(script, tuple(stack)) for (_, _, script, _), stack in zip(
            inputs, stacks, strict=True
        )),
    )  # fmt: skip
