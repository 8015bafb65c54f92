"""Which results rest on a tag: those that name it, those that were given it, and who cannot say."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from chainwatch.attribution.tags import Tags
from chainwatch.errors import ArgumentError, expect
from chainwatch.results.provenance import Record
from chainwatch.results.result import Result, recorded
from chainwatch.results.table import Column, Privacy, Rows, Table
from chainwatch.units import counted

NAMES, GIVEN, UNKNOWN = "names it", "was given it", "not known"

USES = Table(
    "uses",
    ("place", "table", "how"),
    "Results that rest on tags, or may.",
    (
        Column("place", pl.Int64, Privacy.NUMBER, "which of the results, from 0"),
        Column("result", pl.String, Privacy.WORD, "what made it, or a finding's heading"),
        Column("digest", pl.String, Privacy.DIGEST, "digest of its content"),
        Column.word("how", "whether it names the tag, was given it, or does not tell"),
        Column.word("table", "which of its tables names it"),
        Column("rows", pl.Int64, Privacy.COUNT, "rows that name it"),
        Column("at", pl.Int64, Privacy.COUNT, "of these, rows in which its address stands too"),
    ),
)

_NAMES = (Privacy.NAME, Privacy.SERVICE)
_SENTENCES = (Privacy.TEXT, Privacy.WORD, Privacy.KIND)
_SHORTEST = 4
"""Characters of a name that is looked for within texts: shorter ones stand in any sentence."""


@dataclass(frozen=True, repr=False, eq=False)
class TagUses(Result):
    """Which results rest on tags; made by :func:`findings_using`.

    Attributes
    ----------
    frame : polars.DataFrame
        Rows of ``USES``: of each result the tables that name the tag, or one row that says that it
        was given the tag, or that it does not tell what it was made of.
    """

    frame: pl.DataFrame

    def tables(self) -> Mapping[str, Rows]:
        """Return the table that the content digest is of."""
        return {"uses": USES.rows(self.frame)}

    def places(self, *how: str) -> list[int]:
        """Return which of the results, by how they rest on the tag; any way where none is named."""
        rows = self.frame.filter(pl.col("how").is_in(how)) if how else self.frame
        return sorted(set(rows["place"].to_list()))

    def __repr__(self) -> str:
        naming = counted(len(self.places(NAMES)), "result names", "results name")
        given, unknown = len(self.places(GIVEN)), len(self.places(UNKNOWN))
        return f"TagUses({naming} it, {given} given it, {unknown} not known)"


@recorded
def findings_using(tag: Tags, results: Sequence[Result]) -> TagUses:
    """Tell which results rest on tags, before or after they are withdrawn.

    A result *names* a tag where a row of it has its label or its actor. It *was given* the tag
    where what it was made of (its lineage) holds the tags that ``tag`` was taken from, or these
    were made of the same file: whether it decided anything there is not told by a row, as where a
    tag kept two owners apart. Of a result without lineage that does not name it nothing is known.

    Parameters
    ----------
    tag : Tags
        The tags, such as ``tags.where(label=...)``; those that were withdrawn count too.
    results : sequence of Result
        The results, such as traces, exposures and clusters; of a case
        ``[one for one, _ in case.results]``.

    Returns
    -------
    TagUses

    Fails when
    ----------
    Another tag gives the same name to the same or to another address: the result names that name.
    ``at`` counts the rows in which the tag's own address stands; where a tag was spread over a
    cluster, or parties are added up, it does not.
    """
    expect(tag, Tags, "the tags", "pass tags, such as tags.where(label=...)")
    expect(results, Sequence, "the results", "pass a list of results")
    rows = []
    ancestry = {*_contents(tag.record), tag.digest}
    for place, one in enumerate(results):
        if not isinstance(one, Result):
            raise ArgumentError(f"number {place} of the results is a {type(one).__name__}",
                                remedy="pass what chainwatch's verbs return")  # fmt: skip
        found: list[_Said] = list(_naming(tag, one))
        if not found:
            found = list(_given(one, ancestry))
        rows += [(place, one.called, one.digest, *said) for said in found]
    return TagUses(USES.frame(rows).sort("place", "table", "how", nulls_last=True))


_Said = tuple[str, str | None, int, int]
"""How a result rests on a tag, which of its tables says so, in how many rows, how many at it."""


def _given(one: Result, ancestry: set[str]) -> Iterator[_Said]:
    if one.record is None:
        yield UNKNOWN, None, 0, 0
    elif ancestry.intersection(_contents(one.record)):
        yield GIVEN, None, 0, 0


def _contents(record: Record | None) -> Iterator[str]:
    """Yield the digests of a result and of all that it was made of."""
    if record is not None:
        yield record.content
        yield from _in(record.params)
        for before in record.inputs:
            yield from _contents(before)


def _in(value: Any) -> Iterator[str]:
    """Yield the digests among parameters: of what was made by hand no record is left."""
    if isinstance(value, str) and value.startswith("sha256:"):
        yield value.removeprefix("sha256:")
    elif isinstance(value, Mapping):
        for one in value.values():
            yield from _in(one)
    elif isinstance(value, list):
        for one in value:
            yield from _in(one)


def _naming(tag: Tags, one: Result) -> Iterator[tuple[str, str, int, int]]:
    """Yield the tables of a result whose rows name a tag: how, which, how many, at its address."""
    known = pl.concat(
        [frame.select("address", "label", "actor") for frame in (tag.frame, tag.gone)]
    )
    names = sorted({*known["label"], *known["actor"].drop_nulls()})
    addresses = known["address"].unique().to_list()
    for name, rows in one.tables().items():
        named = _where(rows, names)
        if named.any():
            frame = pl.DataFrame(rows.frame).filter(named)
            declared = (one for one in rows.table.columns if one.privacy is Privacy.PARTY)
            parties = [party.name for party in declared if party.name in frame.columns]
            at = [pl.col(party).is_in(addresses) for party in parties]
            there = frame.filter(pl.any_horizontal(at)).height if at else 0
            yield NAMES, name, frame.height, there


def _where(rows: Rows, names: Sequence[str]) -> pl.Series:
    """Return of each row whether a name stands in it: alone, or within a text."""
    found = pl.repeat(False, rows.frame.height, eager=True)
    long = [name for name in names if len(name) >= _SHORTEST]
    for column in rows.table.columns:
        if column.name not in rows.frame.columns or column.dtype != pl.String:
            continue
        said = rows.frame[column.name]
        if column.privacy in _NAMES:
            found = found | said.is_in(names).fill_null(False)
        elif column.privacy in _SENTENCES and long and said.null_count() < said.len():
            found = found | said.str.contains_any(long).fill_null(False)
    return found
