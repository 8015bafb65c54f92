"""Links: every reason to think that two addresses have one owner, kept with its veto."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from html import escape

import polars as pl

from chainwatch.ledger.schema import TIME
from chainwatch.provenance import Record

LINK_SCHEMA: dict[str, pl.DataType | type[pl.DataType]] = {
    "chain": pl.String,
    "a": pl.Binary,
    "b": pl.Binary,
    "tx": pl.Int64,
    "txid": pl.Binary,
    "time": TIME,
    "rule": pl.String,
    "confidence": pl.Float64,
    "veto": pl.Boolean,
}
"""One row per pair of addresses and transaction. ``confidence`` is null until a measured rate
stands behind it. ``veto``: false joins, true was refused, null is undecided and joins nothing."""

LINK_KEY = ("chain", "tx", "a", "b", "rule")


@dataclass(frozen=True)
class Links:
    """Pairs of addresses that a rule links through a transaction; none is ever dropped.

    Attributes
    ----------
    frame : polars.DataFrame
        Rows in ``LINK_SCHEMA``, sorted by ``LINK_KEY``.
    """

    frame: pl.DataFrame
    record: Record | None = None

    def tables(self) -> Mapping[str, tuple[pl.DataFrame, tuple[str, ...]]]:
        """Return the tables that make up the content digest."""
        return {"links": (self.frame, LINK_KEY)}

    @property
    def joining(self) -> pl.DataFrame:
        """The links that no veto stops."""
        return self.frame.filter(~pl.col("veto"))

    @property
    def contested(self) -> pl.DataFrame:
        """The links that a veto refused, or could not decide."""
        return self.frame.filter(pl.col("veto").is_null() | pl.col("veto"))

    def __add__(self, other: Links) -> Links:
        """Return the links of both, each once; the lineage of both is kept."""
        both = pl.concat([self.frame, other.frame]).unique().sort(LINK_KEY)
        records = tuple(part.record for part in (self, other) if part.record)
        joined = Links(both)
        if not records:
            return joined
        from chainwatch.provenance import digest_result, software

        return Links(both, Record("links +", {}, records, digest_result(joined), software()))

    def counts(self) -> dict[str, int]:
        """Return how many links join, were refused, and are undecided."""
        return {
            "joining": self.joining.height,
            "refused": self.frame.filter(pl.col("veto")).height,
            "undecided": self.frame["veto"].null_count(),
        }

    def lineage(self) -> str:
        """Return how these links came about."""
        return self.record.tree() if self.record else "links made by hand"

    def __repr__(self) -> str:
        counts = self.counts()
        return (
            f"Links({counts['joining']} join, {counts['refused']} refused,"
            f" {counts['undecided']} undecided)"
        )

    def _repr_html_(self) -> str:
        rules = ", ".join(sorted(self.frame["rule"].unique().to_list()))
        return f"<p><b>{escape(repr(self))}</b><br>{escape(rules)}</p>"
