"""What keys do not hinder: rows of two editions that are the same once pseudonyms are taken out.

Keys protect against joining by name alone. Two recipients of one case hold the same rows, with
the same amounts and times where these are shown; a row that no other row looks like is a name of
its own, and so is the number of rows that are alike.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from pathlib import Path
from typing import NamedTuple

from chainwatch.privacy.edition import POOLED

_PSEUDONYM = re.compile(rf"\b{POOLED}-[a-z2-7]{{10}}\b")


class Joining(NamedTuple):
    """How many masked parties stand in tables under a pseudonym, and how many in a row of its own.

    ``alone`` of them stand in a row that is like no other of its table without pseudonyms.
    """

    masked: int
    alone: int

    def said(self) -> str:
        """Return it as a sentence for whoever hands the edition out; nothing where none stand."""
        if not self.masked:
            return ""
        return (
            f"{self.alone:,} of {self.masked:,} masked parties stand in a row that is like no"
            " other: whoever holds two editions of this case can join them by it, whatever the"
            " keys"
        )


def joining(edition: Path) -> Joining:
    """Count, in the CSV tables of an edition, the masked parties whom a row singles out."""
    masked: set[str] = set()
    alone: set[str] = set()
    for path in sorted(edition.rglob("*.csv")):
        rows: defaultdict[str, list[set[str]]] = defaultdict(list)
        for line in path.read_text("utf-8", errors="replace").split("\n"):
            rows[_PSEUDONYM.sub("", line)].append(set(_PSEUDONYM.findall(line)))
        for same in rows.values():
            masked |= set().union(*same)
            alone |= _told_apart(same)
    return Joining(len(masked), len(alone))


def _told_apart(same: list[set[str]]) -> set[str]:
    """Return whom rows that are alike tell apart: by being alone, or by how many there are."""
    if len(same) == 1:
        return same[0]
    often = Counter(party for row in same for party in row)
    alike = Counter(often.values())
    return {party for party, count in often.items() if alike[count] == 1}


__all__ = ["Joining", "joining"]
