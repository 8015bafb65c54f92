"""The plain parser, for all but bulk: a block or transaction to fields, with every check it bears.

Users need it: what is merge-mined, single or small is read here, and blocks in bulk wherever the
compiled loops cannot be had. Those are held to it, see :mod:`chainwatch.bitcoin.block_batch`.

Nothing is believed: counts are bounded by the bytes that are left before anything is allocated,
the merkle root, the witness commitment and the proof of work are computed again, and amounts
must lie within the chain's supply. What passes is a block that somebody paid to make, which is
not yet the block of the best chain: see :mod:`chainwatch.bitcoin.header_tree`.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

from chainwatch.addresses.unlocking import Unlock
from chainwatch.bitcoin.auxpow import AuxPow, is_merged
from chainwatch.bitcoin.consensus import (
    FieldError,
    Tx,
    check_commitment,
    check_shape,
    check_work,
    claimed_height_of,
    merkle_root,
)
from chainwatch.bitcoin.extension import FLAG, OUT_OF_PLACE, WITHIN, check_rest
from chainwatch.bitcoin.hashes import double_sha256
from chainwatch.bitcoin.header import HEADER_SIZE, Header
from chainwatch.chains.base import Chain, Forms
from chainwatch.chains.catalogue import all_chains, consensus_of, of_genesis, read_as
from chainwatch.errors import BlockError, ForeignBlock

LARGEST_BLOCK = 32_000_000
"""Bytes; Bitcoin's own limit is 4 MB of weight, and related chains allow up to 32 MB."""

# The smallest that each can be, in bytes: what bounds a count before it is believed.
_SMALLEST_TX, _SMALLEST_INPUT, _SMALLEST_OUTPUT = 60, 41, 9
_OF_NONE = "it fits no chain known here: read it again from a node, for it is damaged or of another"

_U32, _I32, _I64 = struct.Struct("<I"), struct.Struct("<i"), struct.Struct("<q")
_LONG = {
    0xFD: (struct.Struct("<H"), 0xFD),
    0xFE: (_U32, 0x10000),
    0xFF: (struct.Struct("<Q"), 2**32),
}
_OUTPOINT = struct.Struct("<32sI")


@dataclass(frozen=True, slots=True)
class BlockSummary:
    """What is kept of a block once it is checked.

    Attributes
    ----------
    header : Header
        Its header.
    size : int
        Bytes of the whole block.
    tx_count : int
        Its transactions.
    coinbase : bytes
        Script of the coinbase's input.
    unchecked_commitment : bool
        It commits to witnesses that it comes without.
    """

    header: Header
    size: int
    tx_count: int
    coinbase: bytes
    unchecked_commitment: bool = False

    @property
    def hash(self) -> bytes:
        """Its hash, wire order."""
        return self.header.hash

    @property
    def claimed_height(self) -> int | None:
        """Height that the coinbase states under BIP34; None before version 2 or if unreadable."""
        return claimed_height_of(self.coinbase) if self.header.version >= 2 else None


@dataclass(frozen=True)
class Block:
    """One block that passed every check that needs no other block."""

    header: Header
    size: int
    txs: list[Tx]
    unchecked_commitment: bool = False

    @property
    def hash(self) -> bytes:
        """Its hash, wire order."""
        return self.header.hash

    @property
    def summary(self) -> BlockSummary:
        """What is kept of it."""
        script, unchecked = self.txs[0].unlocks[0].script, self.unchecked_commitment
        return BlockSummary(self.header, self.size, len(self.txs), script, unchecked)

    @property
    def claimed_height(self) -> int | None:
        """Height that the coinbase states; see :class:`BlockSummary`."""
        return self.summary.claimed_height


def parse_block(data: bytes, chain: Chain, *, name: str, offset: int = 0) -> Block:
    """Read and check one block.

    Parameters
    ----------
    data : bytes
        Exactly one block, without magic and length.
    chain : Chain
        A Bitcoin-like chain.
    name : str
        Name of the file, for error messages.
    offset : int
        Place of the block in the file, in bytes, for error messages.

    Raises
    ------
    BlockError
        If anything is cut off, left over, out of range, or does not hash to what it claims.

    References
    ----------
    BIP34, BIP141 (commitment), BIP144 (serialisation); CVE-2012-2459 (repeated merkle leaves),
    CVE-2018-17144 (an output spent twice in one transaction).
    """
    try:
        return _block(data, chain)
    except FieldError as bad:
        what, position = bad.what, bad.position
    except (IndexError, struct.error):
        what, position = "the block ends in the middle of a field", len(data)
    raise refused(data, chain, what, where=f"{name} byte {offset + position:,}")


def refused(data: bytes, chain: Chain, what: str, *, where: str) -> BlockError:
    """Return the error of a block that is none of a chain; it says of which chain it is.

    Parameters
    ----------
    data : bytes
        The whole block.
    chain : Chain
        What it was read as.
    what, where : str
        What is wrong, and at which place.
    """
    if other := read_as(fitting(data, chain)):
        return ForeignBlock(what, where=where, remedy=other)
    return BlockError(what, where=where, remedy=_OF_NONE)


def fitting(data: bytes, chain: Chain) -> tuple[Chain, ...]:
    """Return the other chains that a block passes every check of: main networks, or else others.

    The targets of test networks are so easy that a block of a main network may pass them as well,
    so these are not named beside it. Of the first block of a chain its hash decides.
    """
    others = tuple(item for item in all_chains() if item.consensus and item != chain)
    name = double_sha256(data[:HEADER_SIZE])
    first = () if name == chain.genesis else of_genesis(name)
    found = tuple(item for item in others if item in first) or tuple(
        item for item in others if _passes(data, item)
    )
    return tuple(item for item in found if item.mainnet) or found


def _passes(data: bytes, chain: Chain) -> bool:
    try:
        _block(data, chain)
    except (FieldError, IndexError, struct.error):
        return False
    return True


def _block(data: bytes, chain: Chain) -> Block:
    rules = consensus_of(chain)
    if not HEADER_SIZE < len(data) <= LARGEST_BLOCK:
        raise FieldError(f"{len(data):,} bytes are no block", 0)
    header = Header.parse(data)
    begin = HEADER_SIZE
    if is_merged(header.version, rules):
        # Another chain's coinbase: its amounts and witnesses are not this one's.
        proof = AuxPow(data, *_transaction(data, HEADER_SIZE, 2**63 - 1, Forms.WITNESS))
        proof.check(header, rules)
        begin = proof.end
    else:
        check_work(header, rules)
    txs = _transactions(data, begin, rules.supply, chain.forms)
    check_shape(txs)
    if merkle_root([tx.txid for tx in txs]) != header.merkle_root:
        raise FieldError("the transactions do not hash to the merkle root", HEADER_SIZE)
    return Block(header, len(data), txs, check_commitment(txs))


def _transactions(data: bytes, begin: int, supply: int, forms: Forms) -> list[Tx]:
    count, position = _count(data, begin, _SMALLEST_TX, "transactions")
    txs: list[Tx] = []
    for k in range(count):
        tx, after = _transaction(data, position, supply, forms)
        if tx.extended and not 0 < k == count - 1:
            raise FieldError(OUT_OF_PLACE, position)
        txs.append(tx)
        position = after
    check_rest(data, position, txs)
    return txs


def _count(data: bytes, position: int, smallest: int, things: str) -> tuple[int, int]:
    """Read a count and refuse one that the bytes left cannot hold."""
    number, after = _number(data, position)
    if number * smallest > len(data) - after:
        raise FieldError(f"{number:,} {things} cannot fit into the bytes that are left", position)
    return number, after


def _number(data: bytes, position: int) -> tuple[int, int]:
    first = data[position]
    if first < 0xFD:
        return first, position + 1
    form, least = _LONG[first]
    number: int = form.unpack_from(data, position + 1)[0]
    if number < least:
        raise FieldError("a count is written longer than it need be", position)
    return number, position + 1 + form.size


def _bytes(data: bytes, position: int) -> tuple[bytes, int]:
    length = data[position]
    if length < 0xFD:
        position += 1
    else:
        length, position = _count(data, position, 1, "bytes")
    after = position + length
    if after > len(data):
        raise FieldError(f"{length:,} bytes cannot fit into the bytes that are left", position)
    return data[position:after], after


def _transaction(data: bytes, start: int, supply: int, forms: Forms) -> tuple[Tx, int]:
    version = _I32.unpack_from(data, start)[0]
    marked = data[start + 4] == 0
    flag = data[start + 5] if marked else 0
    extended = flag == FLAG and bool(forms & Forms.EXTENSION)
    if marked and flag != 1 and not extended:
        raise FieldError("a transaction has no inputs, or a form that is not supported", start + 4)
    if flag == 1 and not forms & Forms.WITNESS:
        raise FieldError("a transaction has witnesses, which this chain does not have", start + 4)
    body = start + 6 if marked else start + 4
    inputs, scripts, position = _inputs(data, body)
    outputs, position = _outputs(data, position, supply)
    stem = data[body:position]
    wtxid: bytes | None = None
    witnesses: list[tuple[bytes, ...]] = [()] * len(inputs)
    if flag == 1:
        witnesses, position = _witnesses(data, position, len(inputs))
    if extended:
        if data[position] != 0:
            raise FieldError(WITHIN, position)
        position += 1
    locktime = _U32.unpack_from(data, position)[0]
    whole = data[start : position + 4]
    stripped = data[start : start + 4] + stem + data[position : position + 4]
    if flag == 1:
        wtxid = double_sha256(whole)
    unlocks = tuple(map(Unlock, scripts, witnesses))
    tx = Tx(double_sha256(stripped), wtxid, version, locktime, inputs, outputs,
            len(whole), len(stripped), unlocks, extended)  # fmt: skip
    return tx, position + 4


def _inputs(data: bytes, position: int) -> tuple[list[tuple[bytes, int, int]], list[bytes], int]:
    count, position = _count(data, position, _SMALLEST_INPUT, "inputs")
    inputs, scripts = [], []
    for _ in range(count):
        txid, n = _OUTPOINT.unpack_from(data, position)
        script, position = _bytes(data, position + 36)
        inputs.append((txid, n, _U32.unpack_from(data, position)[0]))
        position += 4
        scripts.append(script)
    if len({(txid, n) for txid, n, _ in inputs}) != count or not count:
        raise FieldError("a transaction has no input or spends an output twice", position)
    return inputs, scripts, position


def _outputs(data: bytes, position: int, supply: int) -> tuple[list[tuple[int, bytes]], int]:
    count, position = _count(data, position, _SMALLEST_OUTPUT, "outputs")
    outputs, total = [], 0
    for _ in range(count):
        value = _I64.unpack_from(data, position)[0]
        if not 0 <= value <= supply:
            raise FieldError(f"an output of {value:,} base units is outside the supply", position)
        total += value
        script, position = _bytes(data, position + 8)
        outputs.append((value, script))
    if not count > 0 or total > supply:
        raise FieldError("a transaction has no outputs or pays more than the supply", position)
    return outputs, position


def _witnesses(data: bytes, position: int, inputs: int) -> tuple[list[tuple[bytes, ...]], int]:
    """Return the items of the witness of each input."""
    found: list[tuple[bytes, ...]] = []
    start = position
    for _ in range(inputs):
        count, position = _count(data, position, 1, "witness items")
        items = []
        for _ in range(count):
            item, position = _bytes(data, position)
            items.append(item)
        found.append(tuple(items))
    if position == start + inputs:
        raise FieldError("a transaction has the form with witnesses and no witness", start)
    return found, position


NOT_PROVEN = "read the address again, or from another source"
"""What helps where a transaction is not what it is said to be."""


def raw_transaction(data: bytes, chain: Chain, *, where: str) -> Tx:
    """Return one transaction of its bytes, nothing before and nothing after.

    Raises
    ------
    BlockError
        If the bytes are no transaction of the chain.
    """
    try:
        tx, end = _transaction(data, 0, consensus_of(chain).supply, chain.forms)
        if end != len(data):
            raise FieldError(f"{len(data) - end:,} bytes follow it", end)
    except FieldError as bad:
        what = f"the transaction cannot be read: {bad.what}"
    except (IndexError, struct.error):
        what = "the transaction ends in the middle of a field"
    else:
        return tx
    raise BlockError(what, where=where, remedy=NOT_PROVEN)
