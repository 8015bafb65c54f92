"""The rows that bitcoin-etl exports, as typed values, and the block that they prove.

The fields of a transaction (without its witnesses) hash to its txid, the txids to the merkle
root, the fields of a block and its parent to the block's hash. So nothing of an export need be
believed: an amount that went through a floating-point number shows.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import replace

import msgspec

from chainwatch.addresses.canonical import parse
from chainwatch.addresses.scripts import classify, script_of
from chainwatch.addresses.unlocking import Unlock
from chainwatch.bitcoin.auxpow import check_own_work
from chainwatch.bitcoin.consensus import FieldError, Tx
from chainwatch.bitcoin.extension import as_stated
from chainwatch.bitcoin.hashes import HASH_SIZE, double_sha256, hash_from_hex
from chainwatch.bitcoin.header import NO_PARENT, Header
from chainwatch.bitcoin.serialize import Input, signed_version, transaction_bytes
from chainwatch.bitcoin.spent import NOT_KNOWN, SpentOutput
from chainwatch.chains.base import Chain, Consensus
from chainwatch.chains.catalogue import consensus_of
from chainwatch.errors import AddressError, DumpError

AGAIN = "export the block again; amounts that were floating-point numbers on the way are lost"
"""What helps where a row is damaged."""

_SEQUENCES = (0xFFFFFFFF, 0xFFFFFFFE, 0xFFFFFFFD, 0)
"""What a coinbase may carry, most common first: the export leaves its input out."""

_KEYED = {"pubkey": "p2pk", "multisig": "multisig"}
"""What names keys and has no address. ``nonstandard`` is not among them: bitcoin-etl writes it,
with an address of its own making, wherever the node gave no address, as nodes from version 22 on
do for every output."""


class EtlBlock(msgspec.Struct, frozen=True):
    """One row of ``blocks``."""

    hash: str
    number: int
    size: int
    version: int
    merkle_root: str
    timestamp: int
    nonce: str
    bits: str
    coinbase_param: str
    transaction_count: int


class EtlInput(msgspec.Struct, frozen=True):
    """One input; what it spends is null unless the export was enriched."""

    index: int
    spent_transaction_hash: str
    spent_output_index: int
    script_hex: str
    sequence: int
    type: str | None = None
    addresses: tuple[str, ...] | None = None
    value: int | None = None


class EtlOutput(msgspec.Struct, frozen=True):
    """One output."""

    index: int
    script_hex: str
    value: int


class EtlTransaction(msgspec.Struct, frozen=True):
    """One row of ``transactions``; older nodes leave out the sizes, some exports the index."""

    hash: str
    block_hash: str
    block_number: int
    block_timestamp: int
    version: int
    lock_time: int
    is_coinbase: bool
    inputs: tuple[EtlInput, ...]
    outputs: tuple[EtlOutput, ...]
    index: int | None = None
    size: int | None = None
    virtual_size: int | None = None


def number_of(digits: str, what: str) -> int:
    """Return a 32-bit number from its hexadecimal digits, as ``nonce`` and ``bits`` are given.

    Raises
    ------
    FieldError
        If it is none.
    """
    if not 1 <= len(digits) <= 8 or not (digits.isascii() and digits.isalnum()):
        raise FieldError(f"{what} is no 32-bit number", 0)
    return int(digits, 16)


def wire(text: str) -> bytes:
    """Return a hash in wire order.

    Raises
    ------
    ValueError
        If it is not 64 hexadecimal digits in lower case.
    """
    found = hash_from_hex(text)
    if found is None or text != text.lower():
        raise ValueError("not 64 hexadecimal digits in lower case")
    return found


def proven_header(row: EtlBlock, parents: Sequence[bytes], rules: Consensus) -> Header:
    """Return the header of the fields and the parent with which they hash to the block's hash.

    An export does not name the parent, so each block one lower is tried. Without any, the parent
    is ``NO_PARENT`` and the header stands unproven.

    Raises
    ------
    FieldError
        If there are candidates and none fits, or the proof of work is missing.
    """
    bits, nonce = number_of(row.bits, "bits"), number_of(row.nonce, "the nonce")
    name, root, version = wire(row.hash), wire(row.merkle_root), signed_version(row.version)
    for parent in parents:
        header = Header.of(version, parent, root, row.timestamp, bits, nonce)
        if header.hash == name:
            check_own_work(header, rules)
            return header
    if parents:
        raise FieldError("its fields and the block below do not hash to its own hash", 0)
    unlinked = Header.of(version, bytes(HASH_SIZE), root, row.timestamp, bits, nonce)
    return replace(unlinked, hash=name, parent=NO_PARENT)


def proven_transaction(row: EtlTransaction, script: bytes, chain: Chain) -> tuple[Tx, bool]:
    """Return a transaction, and whether its fields hash to its txid.

    Only those of a coinbase may not: its sequence number is not exported.

    Parameters
    ----------
    row : EtlTransaction
        The row.
    script : bytes
        Script of the block's coinbase input.
    chain : Chain
        Its chain.

    Raises
    ------
    FieldError
        If the fields are out of range or of another transaction.
    """
    if row.is_coinbase:
        forms = [[(bytes(32), 0xFFFFFFFF, script, sequence)] for sequence in _SEQUENCES]
    else:
        forms = [[
            (wire(item.spent_transaction_hash), item.spent_output_index,
             bytes.fromhex(item.script_hex), item.sequence)
            for item in row.inputs
        ]]  # fmt: skip
    outputs = [(item.value, bytes.fromhex(item.script_hex)) for item in row.outputs]
    _check_outputs(row, outputs, consensus_of(chain))
    txid, body = wire(row.hash), [_stripped(row, form, outputs) for form in forms]
    fit = next((k for k, raw in enumerate(body) if double_sha256(raw) == txid), None)
    if fit is None and not row.is_coinbase:
        raise FieldError(f"the fields of transaction {row.hash} do not hash to its id", 0)
    inputs = [(prev, n, sequence) for prev, n, _, sequence in forms[fit or 0]]
    stripped = len(body[0])
    # The exports hold no witnesses: what unlocks is read as far as scripts say it.
    unlocks = tuple(Unlock(script, whole=False) for _, _, script, _ in forms[0])
    tx = Tx(
        txid,
        None,
        signed_version(row.version),
        row.lock_time,
        inputs,
        outputs,
        stripped,
        stripped,
        unlocks,
    )
    return _sized(tx, row, chain), fit is not None


def _check_outputs(row: EtlTransaction, outputs: list[tuple[int, bytes]], rules: Consensus) -> None:
    places = [[item.index for item in items] for items in (row.inputs, row.outputs)]
    if any(found != list(range(len(found))) for found in places):
        raise FieldError(f"inputs or outputs of transaction {row.hash} are missing", 0)
    if not outputs or not all(0 <= value <= rules.supply for value, _ in outputs):
        raise FieldError(f"an amount of transaction {row.hash} is outside the supply", 0)
    if bool(row.inputs) == row.is_coinbase:
        raise FieldError(f"transaction {row.hash} is a coinbase by half", 0)


def _stripped(
    row: EtlTransaction, inputs: Sequence[Input], outputs: list[tuple[int, bytes]]
) -> bytes:
    """Return a transaction as its txid is taken over it: without witnesses."""
    try:
        return transaction_bytes(row.version, inputs, outputs, row.lock_time)
    except struct.error:
        raise FieldError(f"a number of transaction {row.hash} is out of range", 0) from None


def _sized(tx: Tx, row: EtlTransaction, chain: Chain) -> Tx:
    """Return a transaction with the size that is stated of it."""
    size = tx.stripped if row.size is None else row.size
    if size < tx.stripped:
        raise FieldError(f"transaction {row.hash} is larger than its size", 0)
    marked = as_stated(tx, size, chain)
    made = marked if marked.extended else tx._replace(size=size)
    if row.virtual_size is not None and row.virtual_size != (made.weight + 3) // 4:
        raise FieldError(f"the sizes of transaction {row.hash} do not fit its content", 0)
    return made


def spent_of(item: EtlInput, chain: Chain) -> SpentOutput:
    """Return what an input spends, as an enriched export states it: all of it, or nothing.

    Keys have no address, though an export writes one: see ``outputs.address`` of the ledger. An
    address that is missing otherwise is not said, rather than none: then the value alone would
    read as that of an output without an address, and the whole is left to what is read elsewhere.

    Raises
    ------
    FieldError
        If the address is none of the chain, or the value no amount.
    """
    if item.value is None:
        return NOT_KNOWN
    if not 0 <= item.value < 2**63:
        raise FieldError("an input spends what no amount is", 0)
    if item.type in _KEYED:
        return SpentOutput(item.value, _KEYED[item.type])
    addresses = item.addresses or ()
    if item.type == "nonstandard" or len(addresses) != 1:
        return NOT_KNOWN
    try:
        address = parse(addresses[0], chain)
    except AddressError as error:
        raise FieldError(error.what, 0) from None
    return SpentOutput(item.value, classify(script_of(address)).kind, address)


def decoded(raw: bytes, kind: type[EtlBlock] | type[EtlTransaction], where: str) -> object:
    """Return a row from its JSON.

    Raises
    ------
    DumpError
        If it is no JSON, or lacks what a row has; numbers must be integers.
    """
    try:
        return msgspec.json.decode(raw, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise DumpError(
            f"no row of bitcoin-etl: {ascii(str(error))[1:-1][:200]}", where=where, remedy=AGAIN
        ) from None
