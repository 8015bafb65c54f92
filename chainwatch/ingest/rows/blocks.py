"""Checked blocks as rows of a ledger."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from chainwatch.bitcoin.block_batch import CheckedBlocks
from chainwatch.ingest.rows.columns import block_frames
from chainwatch.ingest.rows.transactions import block_rows
from chainwatch.ingest.source_file import FileRead
from chainwatch.kernels.parse import Parsed


def frames_of_blocks(
    checked: CheckedBlocks, heights: Sequence[int], files: Sequence[FileRead], *, source: str
) -> dict[str, pl.DataFrame]:
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
        return block_frames(parsed, checked.heads, heights, files, chain, source, checked.coins)
    known = checked.spent or [None] * len(parsed)
    each = [
        block_rows(block, height, chain, file, source=source, spent=coins)
        for block, height, file, coins in zip(parsed, heights, files, known, strict=True)
    ]
    frames = {name: pl.concat([rows[name] for rows in each]) for name in each[0]} if each else {}
    if each:
        frames["answers"] = frames["answers"].unique(["digest", "request"], maintain_order=True)
    return frames
