"""A ledger that looks at some transactions only: their rows are read once, and held.

A rule is often asked of a small part of a chain. What is known stays the whole: ``history`` is
that of the ledger it was made of.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

import polars as pl

from chainwatch.ledger.ledger import Ledger
from chainwatch.ledger.prevouts import is_resolved, resolve


@dataclass(frozen=True, repr=False, eq=False)
class Among(Ledger):
    """Some transactions of coin chains, within the span of a ledger; made by :func:`among`.

    Attributes
    ----------
    numbers : mapping of str to Series
        By chain, the numbers of the transactions.
    """

    numbers: Mapping[str, pl.Series] = field(default_factory=dict)

    def _read(self, name: str) -> pl.DataFrame:
        parts = [
            self._whole(name).filter(
                (pl.col("chain") == chain) & pl.col("tx").is_in(these.implode())
            )
            for chain, these in self.numbers.items()
        ]
        return pl.concat([self._whole(name).head(0), *parts]).collect()

    @cached_property
    def _transactions(self) -> pl.DataFrame:
        return self._read("transactions")

    @cached_property
    def _outputs(self) -> pl.DataFrame:
        return self._read("outputs")

    @cached_property
    def _inputs(self) -> pl.DataFrame:
        rows = self._read("inputs")
        if is_resolved(rows):
            return rows
        whole = map(self._whole, ("transactions", "outputs"))
        return resolve(rows.lazy(), *whole).collect()

    @property
    def transactions(self) -> pl.LazyFrame:
        """The transactions looked at, in the span."""
        return self._spanned(self._transactions.lazy())

    @property
    def inputs(self) -> pl.LazyFrame:
        """Their inputs, with all that is known of what they spend."""
        return self._of_span(self._inputs.lazy())

    @property
    def outputs(self) -> pl.LazyFrame:
        """Their outputs."""
        return self._of_span(self._outputs.lazy())

    @property
    def output_keys(self) -> pl.LazyFrame:
        """The keys of all outputs in the span: those that are spent are others' outputs."""
        return self.wider.output_keys

    @property
    def wider(self) -> Ledger:
        """The ledger of whose transactions these are some, with its span."""
        return Ledger(self.store, self.commit, self.frames, self.start, self.end, self.chain)

    @property
    def history(self) -> Ledger:
        """What was ever read, of all transactions."""
        return self.wider.history


def among(ledger: Ledger, numbers: Mapping[str, pl.Series]) -> Among:
    """Look at some transactions of a ledger only, given by their numbers on each chain."""
    return Among(
        ledger.store, ledger.commit, ledger.frames, ledger.start, ledger.end, ledger.chain,
        numbers=numbers,
    )  # fmt: skip
