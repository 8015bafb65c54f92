"""Read tables of tags (CSV): a column is named for what it says, or by its own name."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping
from pathlib import Path

import polars as pl

from chainwatch.attribution.contact import CHANNEL, SUBSTANCE, in_context
from chainwatch.attribution.files.safe_yaml import MAX_FIELD, Fields, Items, Node, Text
from chainwatch.attribution.files.tag_fields import TAG_FIELDS
from chainwatch.attribution.files.tagpack import PackRows, most_unfolded
from chainwatch.attribution.rejections import Rejection, quoted, rejected_frame
from chainwatch.attribution.taxonomy import broader
from chainwatch.errors import TagError
from chainwatch.ledger.schema import TAGS
from chainwatch.packed import file_bytes, stem_of

IN_CONTEXT = (CHANNEL, SUBSTANCE)
"""What a column can hold beside them: it stands in the context of a tag."""

FIELDS = ("address", *sorted(TAG_FIELDS), *IN_CONTEXT)
"""What a column can hold: the fields of a tag in a TagPack, and what its context says."""

ALSO = {
    "chain": "network",
    "concept": "concepts",
    "as_of": "lastmod",
    "definer": "is_cluster_definer",
}
"""The same fields by the names that they have in a ledger."""

_LOWER = frozenset({"category", "abuse", "concepts", "confidence", "tag_type", CHANNEL})
"""Fields that hold ids of ours: few of them have capitals."""

_SEVERAL = frozenset({"concepts", *IN_CONTEXT})
"""Fields that hold several, with a semicolon or a bar between."""

_SEPARATORS = ",;\t"


def read_tag_table(
    path: Path, *, name: str, network: str | None = None, columns: Mapping[str, str] | None = None
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return the tags of a table and the rows not taken, each with its reason.

    Parameters
    ----------
    path : Path
        CSV in UTF-8 with one line of column names; separated by the one of comma, semicolon and
        tabulator that this line holds most of. ``.gz`` is unpacked.
    name : str
        What to call it in rows and errors.
    network : str, optional
        Chain of rows that state none.
    columns : mapping, optional
        Field of a tag (``address``, ``label``, ``concept``, ..; see ``FIELDS`` and ``ALSO``) to the
        name of its column. A field that is not among them is in the column of its own name, if
        there is one; other columns are not read.

    Returns
    -------
    tuple of polars.DataFrame
        Rows of ``schema.TAGS``, and the rejections. What no column says stays unsaid, but for the
        label, which is then the file's name, and the source, which says that nobody stated one.

    Raises
    ------
    TagError
        If the file is no table, a column is not there, or none holds the addresses.
    """
    text = _text(path, name)
    rows = _rows(text, name)
    line, header = next(rows, (1, []))
    places = _places(
        [cell.strip() for cell in header], columns or {}, f"{quoted(name)} line {line}"
    )
    unsaid = {
        "label": Text(quoted(stem_of(path)), line),
        "source": Text(f"table {name}, publisher not stated", line),
    }
    pack = PackRows(name, network, most_unfolded(len(text)))
    for number, (line, row) in enumerate(rows, 1):
        if any(cell.strip() for cell in row):
            _take(pack, number, line, row, places, unsaid)
    return pl.DataFrame(pack.rows, TAGS.schema, orient="row"), rejected_frame(pack.rejected)


def _take(
    pack: PackRows, number: int, line: int, row: list[str], places: Mapping[str, int],
    unsaid: Mapping[str, Node],
) -> None:  # fmt: skip
    """Add the rows of one line; a line that says what no tag can is set apart with the reason."""
    said = row[places["address"]] if places["address"] < len(row) else ""
    try:
        fields = {
            name: _cell(name, row[at], line) for name, at in places.items() if row[at].strip()
        }
        pack.take(number, Fields(_with_context(fields, line), line), dict(unsaid))
    except IndexError:
        reason = f"the row has {len(row)} cells, fewer than the line of column names"
        pack.reject(Rejection(pack.name, f"line {line}", said, reason))
    except TagError as error:
        if pack.full:
            raise
        reason = "; ".join(part for part in (error.what, error.remedy) if part)
        pack.reject(Rejection(pack.name, f"line {line}", said, reason))


def _with_context(fields: dict[str, Node], line: int) -> dict[str, Node]:
    """Return the fields of a tag, with what its context must say in its context."""
    told = {name: fields.pop(name) for name in IN_CONTEXT if name in fields}
    if not told:
        return fields
    words = [
        [item.value for item in node.values if isinstance(item, Text)]
        if isinstance(node := told.get(name), Items)
        else []
        for name in IN_CONTEXT
    ]
    said = fields.get("context")
    context = in_context(said.value if isinstance(said, Text) else None, *words)
    return {**fields, "context": Text(context, line)}


def _cell(name: str, cell: str, line: int) -> Node:
    value = cell.strip()[:MAX_FIELD]
    if name in _SEVERAL:
        parts = [part.strip() for part in value.replace("|", ";").split(";")]
        return Items([Text(_id(name, part), line) for part in parts if part], line)
    return Text(_id(name, value), line)


def _id(name: str, value: str) -> str:
    """Return an id of ours in small letters, unless it is one with capitals; else the text."""
    return value.lower() if name in _LOWER and value not in broader() else value


def _places(header: list[str], columns: Mapping[str, str], where: str) -> dict[str, int]:
    """Return the place of the column of each field."""
    asked = {ALSO.get(name, name): column for name, column in columns.items()}
    if unknown := sorted(set(asked) - set(FIELDS)):
        raise TagError(
            f"a tag has no field {unknown[0]!r}",
            remedy=f"name one of {', '.join((*FIELDS, *ALSO))}",
        )
    named = {ALSO.get(name, name): name for name in header if ALSO.get(name, name) in FIELDS}
    wanted = {**named, **asked}
    there = ", ".join(quoted(name, 40) for name in header) or "none"
    if "address" not in wanted:
        raise TagError(
            f"no column is said to hold the addresses; the columns are {there}",
            where=where,
            remedy="name it, as columns={'address': 'addr'} or --column address=addr",
        )
    for column in wanted.values():
        if header.count(column) != 1:
            many = "stands there twice" if column in header else f"is not there, but {there}"
            raise TagError(
                f"the column {quoted(column, 40)!r} {many}",
                where=where,
                remedy="name a column as the first line of the file has it",
            )
    return {name: header.index(column) for name, column in wanted.items()}


def _rows(text: str, name: str) -> Iterator[tuple[int, list[str]]]:
    """Yield the cells of each line that holds any, with its number."""
    head = text.lstrip("\r\n").partition("\n")[0]
    separator = max(_SEPARATORS, key=head.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    line = 1
    try:
        for row in reader:
            if row:
                yield line, row
            line = reader.line_num + 1
    except csv.Error as error:
        raise TagError(
            f"not readable as a table: {quoted(error)}",
            where=f"{quoted(name)} line {line}",
            remedy="export it again; a cell that holds a quote or a line break must be quoted",
        ) from error


def _text(path: Path, name: str) -> str:
    try:
        text = file_bytes(path, name, TagError).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        remedy = "save it as UTF-8"
        raise TagError("a table that is not UTF-8", where=quoted(name), remedy=remedy) from error
    if "\x00" in text:
        remedy = "save it as UTF-8; it may be UTF-16"
        raise TagError("a NUL byte in a table", where=quoted(name), remedy=remedy)
    return text
