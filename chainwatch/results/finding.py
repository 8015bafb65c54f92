"""A finding: a table that answers a question of the case, with the words that go beside it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from html import escape

import polars as pl

from chainwatch.addresses.assets import Asset
from chainwatch.results.provenance import Record
from chainwatch.sanitize import visible


@dataclass(frozen=True)
class Finding:
    """One section of a report.

    Attributes
    ----------
    title : str
        Heading.
    text : tuple of str
        Paragraphs: what the table shows, how it was computed, what it does not show.
    frame : polars.DataFrame
        Rows, with addresses and transaction ids as canonical bytes: the edition shows or masks
        them. Empty where the text is all.
    asset : Asset or None
        Says on which chain the addresses are and in what unit the amounts.
    headline : str
        One sentence for the summary on the first page.
    innocent : tuple of str
        What could innocently explain it.
    name : str
        Name of the table's files.
    """

    title: str
    text: tuple[str, ...] = ()
    frame: pl.DataFrame = field(default_factory=pl.DataFrame)
    asset: Asset | None = None
    innocent: tuple[str, ...] = ()
    name: str = ""
    headline: str = ""
    record: Record | None = None

    def tables(self) -> Mapping[str, tuple[pl.DataFrame, tuple[str, ...]]]:
        """Return the table that makes up the content digest, under a file name."""
        return {self.name: (self.frame, tuple(self.frame.columns))} if self.name else {}

    def words(self) -> Mapping[str, object]:
        """Return what is said beside the table: it is digested as well."""
        return {
            "title": self.title,
            "text": list(self.text),
            "headline": self.headline,
            "innocent": list(self.innocent),
        }

    def __repr__(self) -> str:
        return f"Finding({self.title!r}, {self.frame.height} rows)"

    def _repr_html_(self) -> str:
        title, words = (escape(visible(item)) for item in (self.title, " ".join(self.text)))
        return f"<p><b>{title}</b><br>{words}</p>"
