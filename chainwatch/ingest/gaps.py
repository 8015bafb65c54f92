"""What of a file was read and belongs to nothing: noted in the report of a pull and in coverage."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

import polars as pl

from chainwatch.bitcoin.frames import Gap, told
from chainwatch.chains.base import Chain
from chainwatch.ingest.protocol import Batch
from chainwatch.ingest.rows.evidence import coverage_frame
from chainwatch.ingest.source_file import FileRead, answer, safe_name

Gaps = Iterable[tuple[str, Gap]]
"""Gaps, each with the name of its file."""


def gap_unit(name: str, gap: Gap) -> str:
    """Return the unit of reading that a gap is: its file, its first byte, its length."""
    return f"gap/{safe_name(name)}/{gap.offset}/{gap.size}"


def gap_notes(gaps: Gaps) -> tuple[str, ...]:
    """Return what a reader must know of gaps, one sentence each."""
    return tuple(told(safe_name(name), gap) for name, gap in gaps)


def gap_batch(
    gaps: Sequence[tuple[str, Gap]], files: Iterable[FileRead], chain: Chain, *, source: str
) -> Batch:
    """Return the units of gaps, with the files that they lie in.

    Parameters
    ----------
    gaps : sequence of (str, Gap)
        Those that the ledger does not know yet, see :func:`new_gaps`.
    files : iterable of FileRead
        Their files at least.
    chain : Chain
        Chain of the files.
    source : str
        Source, as coverage lists it.
    """
    digests = {file.name: file for file in files}
    rows = [
        {
            "chain": chain.id, "unit": gap_unit(name, gap), "kind": "gap", "complete": False,
            "source": source, "answer": digests[name].digest,
        }
        for name, gap in gaps
    ]  # fmt: skip
    named = {name for name, _ in gaps}
    answers = [answer(file, source) for file in digests.values() if file.name in named]
    return Batch(
        {"coverage": coverage_frame(rows), "answers": pl.concat(answers)},
        tuple(gap_unit(name, gap) for name, gap in gaps),
        f"gaps in {', '.join(sorted(map(safe_name, named)))}",
    )


def new_gaps(gaps: Gaps, read: Collection[str]) -> list[tuple[str, Gap]]:
    """Return the gaps that a ledger with these units does not know yet, each once."""
    return [(name, gap) for name, gap in dict.fromkeys(gaps) if gap_unit(name, gap) not in read]
