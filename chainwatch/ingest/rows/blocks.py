"""Checked blocks as rows of a ledger: of their transactions, of themselves, and of their files."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from chainwatch.bitcoin.block import Block, BlockSummary
from chainwatch.bitcoin.block_batch import CheckedBlocks
from chainwatch.bitcoin.header import NO_PARENT
from chainwatch.bitcoin.inclusion import PlacedTx
from chainwatch.bitcoin.spent import SpentOutput
from chainwatch.chains.base import Chain
from chainwatch.ingest.rows.columns import compiled_rows
from chainwatch.ingest.rows.evidence import block_unit
from chainwatch.ingest.rows.frames import frame_of
from chainwatch.ingest.rows.transactions import TransactionRows
from chainwatch.ingest.source_file import FileRead, answer
from chainwatch.kernels.parse import Parsed
from chainwatch.ledger import schema

Frames = dict[str, pl.DataFrame]
"""Rows by table name, in the columns of the schema."""


class BlockRows:
    """Rows of several blocks of one chain, collected until they are worth a frame."""

    def __init__(self, chain: Chain, *, source: str) -> None:
        self.chain, self.source = chain, source
        self._transactions = TransactionRows(chain)
        self._blocks: list[BlockSummary] = []
        self._heights: list[int] = []
        self._answers: list[bytes] = []
        self._units: list[str | None] = []

    def add(
        self, block: Block, height: int, answer: bytes,
        spent: Sequence[Sequence[SpentOutput]] | None = None, *, unit: str | None = None,
    ) -> None:  # fmt: skip
        """Add a block.

        Parameters
        ----------
        block : Block
            One that passed its checks; without a parent, it gets no row in ``blocks``.
        height : int
            Its height.
        answer : bytes
            Digest of what it was read from, as in ``answers``.
        spent : sequence of sequences, optional
            What each input spends, for each transaction but the coinbase. Without it that is left
            null, to be resolved when the rows are committed.
        unit : str, optional
            Unit of coverage, if it is not the whole block.
        """
        for position, tx in enumerate(block.txs):
            known = spent[position - 1] if spent and position else None
            self._transactions.add(PlacedTx(tx, block.header, height, position), known)
        self._blocks.append(block.summary)
        self._heights.append(height)
        self._answers.append(answer)
        self._units.append(unit)

    def frames(self) -> Frames:
        """Return the rows by table name, in the columns of the schema."""
        places = list(zip(self._blocks, self._heights, strict=True))
        whole = [(block, at) for block, at in places if block.header.parent != NO_PARENT]
        return {
            "blocks": _blocks(whole, self.chain),
            **self._transactions.frames(),
            "coverage": _coverage(places, self._answers, self._units, self.chain, self.source),
        }


def block_rows(
    block: Block, height: int, chain: Chain, file: FileRead, *, source: str,
    spent: Sequence[Sequence[SpentOutput]] | None = None,
) -> Frames:  # fmt: skip
    """Return the rows of one block, of its unit of coverage and of the file it stands in.

    What the inputs spend, unless it is given, is left null: it is resolved when the rows are
    committed.
    """
    rows = BlockRows(chain, source=source)
    rows.add(block, height, file.digest, spent)
    return {**rows.frames(), "answers": answer(file, source)}


def frames_of_blocks(
    checked: CheckedBlocks, heights: Sequence[int], files: Sequence[FileRead], *, source: str
) -> Frames:
    """Return the rows of blocks, of their units of coverage and of the files they stand in.

    Parameters
    ----------
    checked : CheckedBlocks
        What :func:`check_blocks` gave, or :func:`chainwatch.bitcoin.undo_batch.check_undo` made
        of it.
    heights : sequence of int
        Height of each block.
    files : sequence of FileRead
        File of each block.
    source : str
        Source, as coverage and answers list it.

    Returns
    -------
    dict of str to polars.DataFrame
        By table, in the columns of the schema. Without undo data, what the inputs spend is null:
        it is resolved when the rows are committed.
    """
    chain, parsed = checked.chain, checked.parsed
    if isinstance(parsed, Parsed):
        places = list(zip(checked.summaries, heights, strict=True))
        digests = [file.digest for file in files]
        frames = {
            "blocks": _blocks(places, chain),
            **compiled_rows(parsed, places, chain, checked.coins),
            "coverage": _coverage(places, digests, [None] * len(places), chain, source),
        }
    else:
        rows = BlockRows(chain, source=source)
        known = checked.spent or [None] * len(parsed)
        for block, height, file, spent in zip(parsed, heights, files, known, strict=True):
            rows.add(block, height, file.digest, spent)
        frames = rows.frames()
    each = {(file.name, file.digest): file for file in files}.values()
    answers = [answer(file, source) for file in each] or [schema.ANSWERS.empty()]
    return {**frames, "answers": pl.concat(answers)}


def _blocks(places: Sequence[tuple[BlockSummary, int]], chain: Chain) -> pl.DataFrame:
    """Return the rows of ``blocks``, of blocks at their heights."""
    headers = [block.header for block, _ in places]
    columns = {
        "height": [height for _, height in places],
        "hash": [header.hash for header in headers],
        "parent": [header.parent for header in headers],
        "time": [header.time for header in headers],
        "version": [header.version for header in headers],
        "merkle_root": [header.merkle_root for header in headers],
        "bits": [header.bits for header in headers],
        "nonce": [header.nonce for header in headers],
        "tx_count": [block.tx_count for block, _ in places],
        "size": [block.size for block, _ in places],
        "coinbase": [block.coinbase for block, _ in places],
    }
    return frame_of(schema.BLOCKS, columns, chain.id)


def _coverage(
    places: Sequence[tuple[BlockSummary, int]], answers: Sequence[bytes],
    units: Sequence[str | None], chain: Chain, source: str,
) -> pl.DataFrame:  # fmt: skip
    """Return the unit of reading that each block is, or that is given for it."""
    hashes = [block.hash for block, _ in places]
    times = [block.header.time for block, _ in places]
    columns = {
        "unit": [u or block_unit(name) for u, name in zip(units, hashes, strict=True)],
        "kind": ["dump" if unit else "block" for unit in units],
        "height": [height for _, height in places],
        "block": hashes,
        "from_time": times,
        "to_time": times,
        "complete": [True] * len(places),
        "source": [source] * len(places),
        "answer": list(answers),
    }
    return frame_of(schema.COVERAGE, columns, chain.id)
