"""The blocks of an export in their chain: which are to be read, and what of a ledger is stale.

Headers are checked before any transaction is read. An export whose branch has more work than the
ledger's is followed: what the ledger holds beside it is given up first. Nothing is followed by its
word: where the fork itself is not in the export, that is an error, which says what to do.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from dataclasses import dataclass

import polars as pl

from chainwatch.bitcoin.auxpow import is_merged
from chainwatch.bitcoin.consensus import FieldError, Tx, claimed_height_of
from chainwatch.bitcoin.hashes import hash_text
from chainwatch.bitcoin.header import NO_PARENT, Header
from chainwatch.bitcoin.header_tree import BlockLink, Placement, place, trusted_claim
from chainwatch.bitcoin.serialize import block_size
from chainwatch.chains.base import Chain, Consensus
from chainwatch.chains.catalogue import consensus_of
from chainwatch.errors import DumpError, InputError
from chainwatch.ingest.protocol import Reader
from chainwatch.ingest.reorg import check_replaced, ledger_headers
from chainwatch.sources.bitcoin_etl.fields import AGAIN, EtlBlock, proven_header, wire

_LOWER = (
    "the chain was reorganised there, or a field is wrong: export from a lower height on, so that "
    "the export has the blocks in which it forks from the ledger; else export the block again"
)


@dataclass(frozen=True)
class Order:
    """The blocks of an export that are in the best chain, lowest first, with their headers.

    ``placed`` names what is stale, in the export and in the ledger.
    """

    blocks: list[tuple[EtlBlock, Header]]
    placed: Placement


def ordered(rows: Iterable[EtlBlock], reader: Reader, chain: Chain, name: str) -> Order:
    """Return the blocks of an export in their chain.

    Parameters
    ----------
    rows : iterable of EtlBlock
        The blocks that it lists.
    reader : Reader
        The ledger beside it.
    chain : Chain
        Their chain.
    name : str
        Name of the export, for errors.

    Raises
    ------
    DumpError
        If fields do not hash to the hash beside them, or a block rests on none of those that the
        export and the ledger have below it.
    BlockError
        If two blocks claim one height and do not link, or a reorganisation would leave out blocks
        of the ledger that have no part in it.
    InputError
        If the ledger has transactions of another branch from a source that can be asked anew.
    """
    listed = sorted(rows, key=lambda row: (row.number, row.hash))
    headers, rules = ledger_headers(reader, chain.id), consensus_of(chain)
    below: dict[int, set[bytes]] = {-1: {bytes(32)}, 0: {chain.genesis}}
    for held in headers.values():
        below.setdefault(held.height or 0, set()).add(held.hash)
    exported = {row.number for row in listed}
    proven = {}
    for row in listed:
        where = f"block {row.number:,} of {name}"
        try:
            _check_height(row, chain, rules)
            below.setdefault(row.number, set()).add(wire(row.hash))
            parents = sorted(below.get(row.number - 1, ()))
            proven[row.hash] = header = proven_header(row, parents, rules)
        except (FieldError, ValueError, struct.error) as bad:
            what = bad.what if isinstance(bad, FieldError) else "no row of a block"
            unforked = row.number - 1 in below and row.number - 1 not in exported
            remedy = _LOWER if unforked and row.number else AGAIN
            raise DumpError(what, where=where, remedy=remedy) from None
        hashed = wire(row.hash)
        if hashed not in headers:
            # Without its parent a block is the root of a tree of its own.
            parent = header.parent if header.parent != NO_PARENT else b"of " + hashed
            headers[hashed] = BlockLink(hashed, parent, header.bits, where, claimed=row.number)
    placed, mine = place(headers, chain), {wire(row.hash): row.number for row in listed}
    if placed.left is not None:
        check_replaced(headers, mine, placed.left)
    _check_held(placed, mine, reader, chain)
    best = [row for row in listed if wire(row.hash) not in placed.stale]
    return Order([(row, proven[row.hash]) for row in best], placed)


def _check_height(row: EtlBlock, chain: Chain, rules: Consensus) -> None:
    if not (0 <= row.number < 2**31 and 0 < row.size < 2**31):
        raise FieldError("its height or size is no number of a block", 0)
    script = bytes.fromhex(row.coinbase_param)
    claimed = claimed_height_of(script) if row.version >= 2 and script else None
    claim = trusted_claim(chain, row.version, row.timestamp, claimed)
    first = wire(row.hash) == chain.genesis
    if claim not in (None, row.number) or first != (row.number == 0):
        raise FieldError(f"the block is not at height {row.number:,}", 0)


def _check_held(placed: Placement, heights: dict[bytes, int], reader: Reader, chain: Chain) -> None:
    """Refuse to mix branches where the ledger holds single transactions of the other one."""
    best = {name: at for name, at in heights.items() if name not in placed.stale}
    mine = pl.LazyFrame(
        {"height": list(best.values()), "best": list(best)},
        schema={"height": pl.Int64, "best": pl.Binary},
    )
    held = [
        reader.scan(table).filter(pl.col("chain") == chain.id).select("height", "block")
        for table in ("coverage", "transactions")
    ]
    both = pl.concat(held).join(mine, on="height").filter(pl.col("block") != pl.col("best"))
    if placed.left is not None:
        both = both.filter(pl.col("height") < placed.left)
    for height, block, other in both.sort("height").head(1).collect().iter_rows():
        raise InputError(
            f"the ledger has transactions of block {hash_text(block)} at height {height:,}, where"
            f" the export has block {hash_text(other)}: the chain was reorganised",
            where=f"height {height:,}",
            remedy="pull again from the source that those came from, which gives up what is stale,"
            " and then read the export",
        )


def check_size(row: EtlBlock, txs: list[Tx], rules: Consensus) -> None:
    """Refuse sizes that do not add up; proofs of merged mining and extension blocks add to them.

    Neither is exported.

    Raises
    ------
    FieldError
        If they do not.
    """
    if is_merged(row.version, rules):
        return
    beside = txs[-1].extended and row.size > block_size(txs)
    if block_size(txs) != row.size and not beside:
        raise FieldError("the sizes of its transactions do not add up to its own", 0)
