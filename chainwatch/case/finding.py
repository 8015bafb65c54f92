"""A finding: a table that answers a question of the case, with the words that go beside it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from html import escape

import polars as pl

from chainwatch.assets import Asset
from chainwatch.legible import visible
from chainwatch.provenance import Record, Result, digest_result


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

    def __repr__(self) -> str:
        return f"Finding({self.title!r}, {self.frame.height} rows)"

    def _repr_html_(self) -> str:
        title, words = (escape(visible(item)) for item in (self.title, " ".join(self.text)))
        return f"<p><b>{title}</b><br>{words}</p>"


def same(one: Result, other: Result, content: str) -> bool:
    """Tell whether two results say the same, ``content`` being the digest of the other.

    A figure has no tables and is known by its record.
    """
    if type(one) is not type(other):
        return False
    if isinstance(one, Finding) and isinstance(other, Finding):
        said = [(item.title, item.text, item.headline) for item in (one, other)]
        return said[0] == said[1] and digest_result(one) == content
    if not one.tables():
        return one is other or (one.record is not None and one.record == other.record)
    return digest_result(one) == content
