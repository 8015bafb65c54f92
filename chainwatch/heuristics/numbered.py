"""What links that are numbers answer, in place of their frame."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import polars as pl


class Columns(Protocol):
    """Links as numbers; see :class:`chainwatch.heuristics.link_columns.LinkColumns`."""

    @property
    def chain(self) -> str:
        """CAIP-2 id of the chain that all of them are of."""
        ...

    def counts(self) -> dict[str, int]:
        """Return how many links join, were refused, are undecided, and lead to no key."""
        ...

    def counts_apart(self) -> dict[str, int]:
        """Return how many links there are of each kind that summaries count apart."""
        ...

    def rules_found(self) -> list[str]:
        """Return the rules that link anything, sorted."""
        ...

    def vetoed(self, *, joining: bool) -> pl.DataFrame:
        """Return the links that no veto stops, or the others: rows in ``BOTH_ENDS``."""
        ...

    def contested_at(self, ends: Sequence[tuple[str, bytes]]) -> pl.DataFrame:
        """Return the contested links that touch one of some addresses: rows in ``BOTH_ENDS``."""
        ...

    def digest(self) -> str:
        """Return the digest of their frame."""
        ...
