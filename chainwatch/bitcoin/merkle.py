"""That a transaction stands at its place in a block: a Merkle branch against a header's root.

A header costs its maker the work that it shows, and commits to every transaction of its block.
That the block is one of the best chain, and its height, are the word of whoever sends it.
"""

from __future__ import annotations

from collections.abc import Sequence

from chainwatch.bitcoin.consensus import FieldError, check_work
from chainwatch.bitcoin.hashes import double_sha256
from chainwatch.bitcoin.header import HEADER_SIZE, Header
from chainwatch.chains.base import Chain
from chainwatch.chains.catalogue import consensus_of
from chainwatch.errors import SourceError
from chainwatch.ledger.schema import POSITION_BITS

_INNER = 64
"""Bytes of two hashes: a transaction of this size could pass for an inner node of the tree."""

LIAR = "ask another server: this one is wrong or lies"
"""What to do about an answer that contradicts itself."""


def read_header(data: bytes, chain: Chain, where: str) -> Header:
    """Return a header whose proof of work holds.

    Raises
    ------
    SourceError
        If it is not 80 bytes, or lacks the work that it claims.
    """
    if len(data) != HEADER_SIZE:
        raise SourceError(f"{len(data):,} bytes are no block header", where=where, remedy=LIAR)
    header = Header.parse(data)
    try:
        check_work(header, consensus_of(chain))
    except FieldError as bad:
        raise SourceError(bad.what, where=where, remedy=LIAR) from None
    return header


def check_branch(
    txid: bytes, stripped: int, branch: Sequence[bytes], position: int, root: bytes, where: str
) -> None:
    """Refuse a Merkle branch that does not lead from a transaction at a position to a root.

    Parameters
    ----------
    txid : bytes
        Wire order.
    stripped : int
        Size of the transaction without witnesses, in bytes.
    branch : sequence of bytes
        Hashes beside the way up, lowest first, wire order.
    position : int
        Place of the transaction in its block.
    root : bytes
        Merkle root of the header.
    where : str
        Who said it, for the error.

    Raises
    ------
    SourceError
        If it proves another transaction, another place, or a place that exists only because the
        last hash of an odd row is repeated.

    References
    ----------
    CVE-2012-2459 (repeated hashes), CVE-2017-12842 (a transaction that is an inner node).
    """
    fits = len(branch) <= POSITION_BITS and 0 <= position < 1 << len(branch)
    if stripped == _INNER or not fits:
        raise SourceError(
            "the Merkle proof has a form that proves nothing", where=where, remedy=LIAR
        )
    node, at = txid, position
    for beside in branch:
        if at & 1 and beside == node:
            raise SourceError("the Merkle proof is of a repeated place", where=where, remedy=LIAR)
        node = double_sha256(beside + node if at & 1 else node + beside)
        at >>= 1
    if node != root:
        raise SourceError(
            "the Merkle proof does not lead to the root of the block",
            where=where,
            remedy=LIAR,
        )
