"""Parts of files that gave no block, and which of their blocks were read from elsewhere since.

A file of a node may be damaged, cut off, or hold bytes that are no block. What can be read of it is
read; each other part is a unit of coverage, so that no total hides it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import polars as pl

from chainwatch.chains.base import Chain
from chainwatch.ledger.ledger import Ledger

KINDS: Mapping[str, str] = {
    "gap": "belong to nothing and were passed over",
    "damaged": "are a damaged block and were not read",
    "cut": "are the beginning of a frame and were not read",
    "unplaced": "are a block that was not read, for nothing says its height",
}
"""What is said of a part, by its kind in coverage."""


class UnreadPart(NamedTuple):
    """A part of a file: its name, first byte, bytes, kind, who read it, and if it was mended.

    ``mended`` tells that the block which stood there was read from elsewhere.
    """

    file: str
    offset: int
    size: int
    kind: str
    source: str
    mended: bool

    def __str__(self) -> str:
        return f"{bytes_of(self.file, self.offset, self.size)} {KINDS[self.kind]}"


def bytes_of(file: str, offset: int, size: int) -> str:
    """Return a part of a file in words: its name, its bytes, and where they begin."""
    return f"{file}: {size:,} byte{'' if size == 1 else 's'} from byte {offset:,} on"


def unread_parts(ledger: Ledger, chain: Chain) -> list[UnreadPart]:
    """Return the parts of files of a chain that gave no block, by file and place.

    Parameters
    ----------
    ledger : Ledger
        Its whole history counts, whatever its span.
    chain : Chain
        Chain of the files.
    """
    return parts_by_chain(ledger).get(chain.id, [])


def parts_by_chain(ledger: Ledger) -> dict[str, list[UnreadPart]]:
    """Return the parts of files that gave no block, by CAIP-2 id of their chain.

    Parameters
    ----------
    ledger : Ledger
        Its whole history counts, whatever its span.
    """
    coverage, same = ledger.history.coverage, ["chain", "block"]
    whole = coverage.filter(kind="block", complete=True).select(*same, mended=pl.lit(True))
    rows = (
        coverage.filter(pl.col("kind").is_in(list(KINDS)))
        .select(*same, "unit", "kind", "source")
        .join(whole, on=same, how="left")
        .with_columns(pl.col("mended").fill_null(value=False))
        .collect()
    )
    found: dict[str, list[UnreadPart]] = {}
    for row in rows.sort("chain").iter_rows(named=True):
        place = _place(row["unit"], row["kind"])
        part = UnreadPart(*place, row["kind"], row["source"], row["mended"])
        found.setdefault(row["chain"], []).append(part)
    return {chain: sorted(parts) for chain, parts in found.items()}


def _place(unit: str, kind: str) -> tuple[str, int, int]:
    """Return file, first byte and bytes out of a unit; see the schema for its form."""
    name, offset, size = unit.removeprefix(f"{kind}/").rsplit("/", 2)
    return name, int(offset), int(size)


def parts_note(parts: list[UnreadPart], *, most: int) -> str:
    """Return what is to be known of parts in one line: their bytes, then the first of them."""
    size = sum(part.size for part in parts)
    head = f"{size:,} bytes in {len(parts):,} part{'s' * (len(parts) != 1)} of files gave no block"
    listed = "; ".join(map(str, parts[:most]))
    rest = f"; and {len(parts) - most:,} more" if len(parts) > most else ""
    return f"{head}: {listed}{rest}" if parts else head
