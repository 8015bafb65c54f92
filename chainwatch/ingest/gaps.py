"""Parts of files that gave no block: noted in the report of a pull, and units of coverage."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

import polars as pl

from chainwatch.bitcoin.frames import UNREAD, WRITING, Gap
from chainwatch.chains.base import Chain
from chainwatch.ingest.protocol import Batch
from chainwatch.ingest.rows.evidence import coverage_frame
from chainwatch.ingest.source_file import FileRead, answer, safe_name
from chainwatch.ledger.unread.unread_parts import KINDS, bytes_of

Gaps = Iterable[tuple[str, Gap]]
"""Gaps, each with the name of its file."""


MOST_NOTED = 100
"""Gaps that a report of a pull tells one by one; a damaged file may have any number."""


_WRITING = "are what the node was still writing, as is normal at the end of its last files"


def told(name: str, gap: Gap) -> str:
    """Return what a reader must know of a gap, in one sentence: file, place, bytes, and why."""
    words = _WRITING if gap.kind == WRITING else KINDS[gap.kind]
    why = f": {gap.why}" if gap.why else ""
    return f"{bytes_of(safe_name(name), gap.offset, gap.size)} {words}{why}"


def gap_unit(name: str, gap: Gap) -> str:
    """Return the unit of reading that a gap is: its kind, its file, its first byte, its length."""
    return f"{gap.kind}/{safe_name(name)}/{gap.offset}/{gap.size}"


def gap_notes(gaps: Gaps) -> tuple[str, ...]:
    """Return what a reader must know of gaps: one sentence each, and one for all beyond a few."""
    several = list(dict.fromkeys(gaps))
    rest = several[MOST_NOTED:]
    said = tuple(told(name, gap) for name, gap in several[:MOST_NOTED])
    if not rest:
        return said
    size = sum(gap.size for _, gap in rest)
    more = f"{len(rest):,} more part{'s' * (len(rest) > 1)} of files"
    return (*said, f"{more}, {size:,} bytes, gave no block; coverage names each")


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
            "chain": chain.id, "unit": gap_unit(name, gap), "kind": gap.kind, "block": gap.block,
            "complete": False, "source": source, "answer": digests[name].digest,
        }
        for name, gap in gaps
    ]  # fmt: skip
    named = {name for name, _ in gaps}
    answers = [answer(file, source) for file in digests.values() if file.name in named]
    return Batch(
        {"coverage": coverage_frame(rows), "answers": pl.concat(answers)},
        tuple(gap_unit(name, gap) for name, gap in gaps),
        f"unread parts of {', '.join(sorted(map(safe_name, named)))}",
    )


def new_gaps(gaps: Gaps, read: Collection[str]) -> list[tuple[str, Gap]]:
    """Return the gaps that a ledger with these units does not know yet, each once.

    What a node was writing is none to keep: the next pull reads it.
    """
    kept = (item for item in dict.fromkeys(gaps) if item[1].kind in UNREAD)
    return [(name, gap) for name, gap in kept if gap_unit(name, gap) not in read]
