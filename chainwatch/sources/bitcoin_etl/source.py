"""Exports of bitcoin-etl (JSON) as a source, proven field by field.

An export is read twice: once to list which rows belong to which block, then block by block, by
height, so that memory grows with the number of blocks and not with their size.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Annotated, cast

import polars as pl

from chainwatch.bitcoin.block import Block
from chainwatch.bitcoin.consensus import FieldError, Tx, check_shape, merkle_root
from chainwatch.bitcoin.hashes import hash_text
from chainwatch.bitcoin.header import NO_PARENT, Header
from chainwatch.bitcoin.spent import SpentOutput
from chainwatch.chains.base import Chain
from chainwatch.chains.catalogue import chain as chain_of
from chainwatch.chains.catalogue import consensus_of
from chainwatch.errors import DumpError, InputError
from chainwatch.ingest.protocol import Batch, Reader, read_units
from chainwatch.ingest.rows.blocks import BlockRows
from chainwatch.ingest.source_file import FileRead, answer, file_digest, read_time
from chainwatch.sources.bitcoin_etl.fields import (
    AGAIN,
    EtlBlock,
    EtlTransaction,
    decoded,
    proven_transaction,
    spent_of,
    wire,
)
from chainwatch.sources.bitcoin_etl.files import owner_of, paths_of, raw_rows
from chainwatch.sources.bitcoin_etl.order import check_size, ordered
from chainwatch.sources.parameters import OnlyInPython

_ONE = "give the files of one export"


@dataclass(frozen=True, slots=True)
class _Rows:
    """Consecutive rows of one block in one file."""

    file: int
    offset: int
    size: int


@dataclass
class _Export:
    """What the first pass lists: blocks by hash, and the rows of each."""

    blocks: dict[str, EtlBlock] = field(default_factory=dict)
    rows: dict[str, list[_Rows]] = field(default_factory=dict)


class EtlJson:
    """Files that bitcoin-etl exported, as a source.

    Parameters
    ----------
    transactions, blocks : path or iterable of paths
        What ``export_blocks_and_transactions`` writes: a row a line, or one list of rows.
    chain : str or Chain
        Alias or CAIP-2 id.
    acquired : datetime, optional
        When the files were obtained (a naive time means UTC); now, if not given.

    Examples
    --------
    chainwatch pull etl --transactions transactions.json --blocks blocks.json --ledger ledger

    Notes
    -----
    The position of a transaction is its ``index``, or its place in the file; the merkle root
    proves either. The parent of a block is the block below it, in the export or in the ledger,
    with which it hashes to its own hash. Of the lowest block neither may be there: then it has no
    row in ``blocks``, and its unit of coverage is that of a dump, so that another source may still
    bring the whole block. The unit keeps the other fields of the header: when any source brings
    the block below, they prove that it is the parent.

    Fails when
    ----------
    What an input spends is the word of the export, where it was enriched, until the transaction
    that it spends is read. Where it gives a value and no address (nodes from version 22 on name
    none in the form that bitcoin-etl reads), nothing is known of what is spent. A block without a
    parent is checked against the merkle root that the export states, and its height is the word
    of the export.
    """

    name = "etl_json"
    unknown: tuple[str, ...] = (
        "transactions.wtxid",
        "inputs.sighash",
        "inputs.quorum",
        "input_keys.key",
    )
    """Columns that it cannot know, or not of every row: witnesses are not exported, and only some
    signatures and keys stand in scripts."""

    def __init__(
        self, transactions: str | Path | Iterable[str | Path],
        blocks: str | Path | Iterable[str | Path], *, chain: str | Chain = "btc",
        acquired: Annotated[datetime | None, OnlyInPython()] = None,
    ) -> None:  # fmt: skip
        self.transactions, self.blocks = paths_of(transactions), paths_of(blocks)
        self.network = chain_of(chain)
        self.rules = consensus_of(self.network)
        self.acquired = read_time(acquired)
        self.evidence: tuple[Path, ...] = (*self.transactions, *self.blocks)
        """The files that rows are evidence of: those that were given, where these were made of
        them."""

    def __repr__(self) -> str:
        names = ", ".join(repr(path.name) for path in (*self.transactions, *self.blocks))
        return f"EtlJson({names}, chain={self.network.alias!r})"

    @property
    def chain(self) -> str:
        """CAIP-2 id of the chain."""
        return self.network.id

    def look(self) -> None:
        """Open each file as far as its first row, and refuse one that is no export.

        Raises
        ------
        DumpError
            If the row is none of a block, or of a transaction.
        """
        for path in self.blocks:
            for offset, raw in islice(raw_rows(path), 1):
                decoded(raw, EtlBlock, f"{path.name} byte {offset:,}")
        for path in self.transactions:
            for offset, raw in islice(raw_rows(path), 1):
                owner_of(raw, path, offset)

    def batches(self, reader: Reader) -> Iterator[Batch]:
        """Yield one batch per block, lowest first.

        A branch with more work than the ledger's is followed: what the ledger holds from the fork
        on is left out first. Headers are checked before anything is yielded.

        Raises
        ------
        InputError
            If the ledger has transactions of another branch from a source that can be asked anew.
        DumpError
            If a row is damaged, rows of a block are missing, or fields do not hash to the ids
            and hashes beside them.
        """
        export = self._listed()
        files = [
            FileRead(name, digest, size, self.acquired)
            for name, digest, size in map(file_digest, self.evidence)
        ]
        order = ordered(export.blocks.values(), reader, self.network, self._names())
        if order.placed.left is not None:
            what = f"blocks from {order.placed.left:,} on, replaced by a branch with more work"
            yield Batch({}, (), what, notes=(_reorganised(order.placed.left),),
                        stale=order.placed.left)  # fmt: skip
            order = ordered(export.blocks.values(), reader, self.network, self._names())
        if order.placed.stale:
            notes = tuple(map(_beside, order.placed.stale))
            yield Batch({}, (), "blocks beside the best chain", notes=notes)
        units = read_units(reader, self.chain)
        for row, header in order.blocks:
            where = f"block {row.number:,} of {self._names()}"
            try:
                yield self._batch(row, export.rows.get(row.hash, []), header, files, units)
            except InputError:
                raise
            except (FieldError, ValueError, struct.error) as bad:
                what = bad.what if isinstance(bad, FieldError) else "no row of a block"
                raise DumpError(what, where=where, remedy=AGAIN) from None

    def _names(self) -> str:
        return ", ".join(ascii(path.name)[1:-1] for path in self.transactions)

    def _listed(self) -> _Export:
        """First pass: which rows belong to which block."""
        export = _Export()
        for path in self.blocks:
            for offset, raw in raw_rows(path):
                row = cast(EtlBlock, decoded(raw, EtlBlock, f"{path.name} byte {offset:,}"))
                if export.blocks.setdefault(row.hash, row) != row:
                    raise DumpError(f"block {row.number:,} stands there twice, differently",
                                    where=f"{path.name} byte {offset:,}", remedy=_ONE)  # fmt: skip
        for number, path in enumerate(self.transactions):
            for offset, raw in raw_rows(path):
                owner = owner_of(raw, path, offset)
                if owner not in export.blocks:
                    raise DumpError(
                        "a transaction of a block that is not among the blocks",
                        where=f"{path.name} byte {offset:,}",
                        remedy="give the file of blocks of the same export",
                    )
                export.rows.setdefault(owner, []).append(_Rows(number, offset, len(raw)))
        return export

    def _batch(
        self, row: EtlBlock, rows: list[_Rows], header: Header,
        files: list[FileRead], units: set[str],
    ) -> Batch:  # fmt: skip
        used = sorted({item.file for item in rows}) or [0]
        unit = f"block/{row.hash}"
        if unit in units:
            return Batch({}, (unit,), f"block {row.number:,}")
        if header.parent == NO_PARENT:
            # What later proves the parent, whoever brings it: see WholeBlocks.
            beside = header.beside_parent().hex()
            unit = f"dump/{files[used[0]].digest.hex()}/{row.hash}/{beside}"
            if unit in units:
                return Batch({}, (unit,), f"block {row.number:,}")
        txs, spent, unproven = self._transactions(row, rows)
        collected = BlockRows(self.network, source=self.name)
        collected.add(
            Block(header, row.size, txs), row.number, files[used[0]].digest, spent,
            unit=None if header.parent != NO_PARENT else unit,
        )  # fmt: skip
        read = [*(files[number] for number in used), *files[len(self.transactions) :]]
        answers = pl.concat([answer(file, self.name) for file in read])
        notes = tuple(_notes(row, parentless=header.parent == NO_PARENT, unproven=unproven))
        return Batch({**collected.frames(), "answers": answers}, (unit,), f"block {row.number:,}",
                     tip=wire(row.hash), notes=notes)  # fmt: skip

    def _transactions(
        self, row: EtlBlock, rows: list[_Rows]
    ) -> tuple[list[Tx], list[list[SpentOutput]], bool]:
        """Return the transactions of a block in their order, and what they spend."""
        found = self._in_order(row, rows)
        script = bytes.fromhex(row.coinbase_param)
        pairs = [proven_transaction(item, script, self.network) for item in found]
        txs = [tx for tx, _ in pairs]
        check_shape(txs)
        if merkle_root([tx.txid for tx in txs]) != wire(row.merkle_root):
            raise FieldError("the transactions, in this order, do not hash to the merkle root", 0)
        if self.network.hrp and any(item.size is None for item in found):
            raise FieldError("the size of a transaction is missing", 0)
        check_size(row, txs, self.rules)
        spent = [[spent_of(each, self.network) for each in item.inputs] for item in found[1:]]
        return txs, spent, not all(proven for _, proven in pairs)

    def _in_order(self, row: EtlBlock, rows: list[_Rows]) -> list[EtlTransaction]:
        by_id: dict[str, EtlTransaction] = {}
        for item in rows:
            path = self.transactions[item.file]
            where = f"{path.name} byte {item.offset:,}"
            with path.open("rb") as handle:
                handle.seek(item.offset)
                raw = handle.read(item.size)
            tx = cast(EtlTransaction, decoded(raw, EtlTransaction, where))
            if by_id.setdefault(tx.hash, tx) != tx:
                raise DumpError(f"transaction {tx.hash} stands there twice, differently",
                                where=where, remedy=_ONE)  # fmt: skip
            if (tx.block_number, tx.block_timestamp) != (row.number, row.timestamp):
                raise DumpError("height or time of a transaction are not those of its block",
                                where=where, remedy=AGAIN)  # fmt: skip
        found = list(by_id.values())
        if len(found) != row.transaction_count:
            raise FieldError(
                f"{len(found):,} of {row.transaction_count:,} transactions are there", 0
            )
        if all(tx.index is not None for tx in found):
            found.sort(key=lambda tx: tx.index or 0)
        else:
            found.sort(key=lambda tx: (not tx.is_coinbase, tx.index or 0))
        return found


def _reorganised(height: int) -> str:
    return (
        f"the chain was reorganised: what had been read of height {height:,} and above is left "
        "out from here on; earlier commits keep it"
    )


def _beside(block: bytes) -> str:
    return f"block {hash_text(block)} was left out: another branch has as much work or more"


def _notes(row: EtlBlock, *, parentless: bool, unproven: bool) -> Iterator[str]:
    if parentless:
        yield f"the parent of block {row.number:,} is not there: the block itself is left out"
    if unproven:
        yield f"the coinbase of block {row.number:,} does not hash to its id as exported"
