"""Links as numbers of an index: what a chain of millions of transactions is linked and joined by.

A link has the place of its transaction and the ranks of its two addresses in the index that it was
made of, at the commit of that index. Numbers never leave a result: :meth:`LinkColumns.frame` turns
rows of them into links as everybody reads them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from chainwatch.heuristics.link_rules import APART, NO_KEY
from chainwatch.heuristics.links import BOTH_ENDS, LINKS, Links
from chainwatch.ledger.index.bytes import ids_at, ranked_at
from chainwatch.ledger.index.index import Index
from chainwatch.ledger.schema import READ, REVEALED
from chainwatch.results.deferred import Deferred
from chainwatch.results.provenance import PIECE, Pieces, digest_columns, encoded
from chainwatch.results.table import TIME
from chainwatch.results.text_frame import text_frame


@dataclass(frozen=True, eq=False, repr=False)
class LinkColumns:
    """Links of one chain, sorted by transaction, ranks and rule.

    Attributes
    ----------
    index : Index
        What the numbers are of.
    tx, a, b : arrays
        The place of the transaction, and the ranks of the smaller and the larger address.
    rule : array
        The place of the rule in ``rules``.
    veto : array
        1 for refused, 0 for joining, -1 for undecided.
    shown : array
        1 where the link rests on an address that is only revealed.
    rules : tuple of str
        Names of rules; no two of one name.
    confidences : tuple of float or None
        The measured rate of each rule.
    """

    index: Index
    tx: NDArray[np.uint32]
    a: NDArray[np.uint32]
    b: NDArray[np.uint32]
    rule: NDArray[np.uint8]
    veto: NDArray[np.int8]
    shown: NDArray[np.uint8]
    rules: tuple[str, ...]
    confidences: tuple[float | None, ...]

    def __post_init__(self) -> None:
        # What is put off rests on these: nobody may change them.
        for column in (self.tx, self.a, self.b, self.rule, self.veto, self.shown):
            column.setflags(write=False)

    @property
    def height(self) -> int:
        """How many links there are."""
        return len(self.tx)

    def frame(self, rows: NDArray[Any] | slice = slice(None)) -> pl.DataFrame:
        """Return links in ``LINKS``."""
        return pl.DataFrame([self.column(name, rows) for name in LINKS.names])

    @property
    def chain(self) -> str:
        """CAIP-2 id of the chain that all of them are of."""
        return self.index.chain.id

    def links(self) -> Links:
        """Return them as links, whose frame is made when it is first read."""
        later: Any = Deferred(lambda: text_frame(self.frame()))
        return Links(later, columns=self)

    def counts(self) -> dict[str, int]:
        """Return how many links join, were refused, are undecided, and lead to no key."""
        open_ = self._open()
        return {
            "joining": int((self.veto == 0).sum()),
            "refused": int(((self.veto == 1) & ~open_).sum()),
            "undecided": int((self.veto < 0).sum()),
            "without_key": int(open_.sum()),
        }

    def _open(self) -> NDArray[np.bool_]:
        return self.rule == self.rules.index(NO_KEY) if NO_KEY in self.rules else self.rule < 0

    def rules_found(self) -> list[str]:
        """Return the rules that link anything, sorted."""
        return sorted(self.rules[code] for code in np.unique(self.rule).tolist())

    def counts_apart(self) -> dict[str, int]:
        """Return how many links there are of each kind that summaries count apart."""
        counts = np.bincount(self.rule, minlength=len(self.rules)).tolist()
        found = dict(zip(self.rules, counts, strict=True))
        apart = {name: int(found.get(rule, 0)) for name, rule in APART.items()}
        return apart | {"revealed": int((self.shown != 0).sum())}

    def vetoed(self, *, joining: bool) -> pl.DataFrame:
        """Return the links that no veto stops, or the others: rows in ``BOTH_ENDS``."""
        return self.both_ends(np.flatnonzero((self.veto == 0) == joining))

    def contested_at(self, ends: Sequence[tuple[str, bytes]]) -> pl.DataFrame:
        """Return the contested links that touch one of some addresses: rows in ``BOTH_ENDS``."""
        ranks = [self.index.rank_of(address) for chain, address in ends if chain == self.chain]
        rows = self._contested
        touched = np.zeros(len(rows), np.bool_)
        for rank in ranks:
            if rank is not None:
                touched |= (self.a[rows] == rank) | (self.b[rows] == rank)
        return self.both_ends(rows[touched])

    @cached_property
    def _contested(self) -> NDArray[np.intp]:
        return np.flatnonzero(self.veto != 0)

    def both_ends(self, rows: NDArray[Any] | slice = slice(None)) -> pl.DataFrame:
        """Return links in ``BOTH_ENDS``."""
        return self.frame(rows).with_columns(chain_b="chain").select(BOTH_ENDS.names)

    def column(self, name: str, rows: NDArray[Any] | slice = slice(None)) -> pl.Series:
        """Return one column of some links."""
        return self._ways[name](rows).alias(name)

    @property
    def _ways(self) -> Mapping[str, Callable[[Any], pl.Series]]:
        made = self.index.columns
        return {
            "chain": lambda rows: pl.repeat(self.index.chain.id, len(self.tx[rows]), eager=True),
            "a": lambda rows: ranked_at(made, self.a[rows]),
            "b": lambda rows: ranked_at(made, self.b[rows]),
            "tx": lambda rows: pl.Series(made["tx_number"][self.tx[rows]]),
            "txid": lambda rows: ids_at(made, self.tx[rows]),
            "time": lambda rows: pl.Series(made["tx_time"][self.tx[rows]]).cast(TIME),
            "rule": lambda rows: pl.Series(self.rules, dtype=pl.String).gather(self.rule[rows]),
            "confidence": lambda rows: pl.Series(self.confidences, dtype=pl.Float64).gather(
                self.rule[rows]
            ),
            "veto": lambda rows: _answers(self.veto[rows]),
            "basis": lambda rows: pl.Series((READ, REVEALED)).gather(self.shown[rows]),
        }

    def in_forest_order(self, rows: NDArray[Any]) -> NDArray[np.int64]:
        """Return the order in which links join: the surest first, then as they stand."""
        known = np.array([-np.inf if one is None else one for one in self.confidences])
        if len({self.confidences[code] for code in np.unique(self.rule[rows]).tolist()}) < 2:
            return np.arange(len(rows))
        return np.argsort(-known[self.rule[rows]], kind="stable")

    def digest(self, rows: NDArray[Any] | None = None) -> str:
        """Return the digest of links as that of their frame, without making it.

        Parameters
        ----------
        rows : array, optional
            Some of them, in the order of the key; all, if not given.
        """
        height = self.height if rows is None else len(rows)

        def pieces(name: str) -> Iterator[pl.Series]:
            for start in range(0, height, PIECE):
                part = slice(start, min(start + PIECE, height))
                yield encoded(self.column(name, part if rows is None else rows[part]))

        sources: dict[str, Pieces] = {name: partial(pieces, name) for name in LINKS.names}
        return digest_columns(height, sources)


def _answers(codes: NDArray[np.int8]) -> pl.Series:
    """Return true, false or null for 1, 0 and -1."""
    known = pl.Series(codes)
    return (known == 1).set(known < 0, None)
