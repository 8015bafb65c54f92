"""The data dictionary of a case: every table and column, with type, unit, meaning, class and key.

It is made of the declarations that the tables are masked by, so it cannot say less or other than
what the edition knew. It leaves as ``data_dictionary.csv``, a row per column; as
``datapackage.json``, a Tabular Data Package by which other programs read the CSV files in their
types; and in the metadata of each Parquet file, so that a file that is passed on alone still says
what it holds.

References
----------
Frictionless Data, *Tabular Data Package* and *Table Schema*, version 1.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import polars as pl

from chainwatch.addresses.assets import Asset
from chainwatch.privacy.edition import DISCLOSURE
from chainwatch.privacy.mask_tables import ADDED
from chainwatch.privacy.masked_view import Declared, MaskedView
from chainwatch.results.provenance import canonical_json, digest_bytes
from chainwatch.results.table import Column, Privacy
from chainwatch.sanitize import visible

DICTIONARY, PACKAGE = "data_dictionary.csv", "datapackage.json"

PARQUET_KEY = "chainwatch"
"""Under which the metadata of a Parquet file says what the file holds, as JSON."""

SHOWN: Mapping[Privacy, str] = {
    Privacy.PARTY: "an address, or the pseudonym of somebody who is masked",
    Privacy.CONTRACT: "as it is",
    Privacy.TXID: "withheld where the row or its transaction leads to somebody masked",
    Privacy.PLACE: "left out of masked rows",
    Privacy.ELSEWHERE: "left out always",
    Privacy.SIDE: "as it is",
    Privacy.KIND: "as it is",
    Privacy.WORD: "as it is",
    Privacy.SERVICE: "withheld beside a masked party",
    Privacy.NAME: "withheld beside a masked party",
    Privacy.TEXT: "withheld in masked rows",
    Privacy.STRANGER: "withheld always",
    Privacy.AMOUNT: "exact, or one digit in masked rows",
    Privacy.COUNT: "exact, or a band such as 6-20 in masked rows",
    Privacy.TALLY: "exact, or one digit in masked rows",
    Privacy.NUMBER: "exact, or one digit in masked rows",
    Privacy.FLAG: "as it is",
    Privacy.TIME: "exact, or the month in masked rows",
    Privacy.SPAN: "the month",
    Privacy.DIGEST: "keyed, so that it cannot be guessed from a small table",
    Privacy.BEHIND: "never",
}
"""What the disclosure edition shows of each privacy class."""

COLUMNS = {
    "table": pl.String, "table_meaning": pl.String, "position": pl.Int64, "column": pl.String,
    "type": pl.String, "parquet_type": pl.String, "unit": pl.String, "meaning": pl.String,
    "key": pl.Int64, "nullable": pl.Boolean, "privacy": pl.String, "shown": pl.String,
}  # fmt: skip
"""Columns of the dictionary; ``key`` is the place of a column in the key of its table."""


class ColumnEntry(NamedTuple):
    """A column as the dictionary tells of it; see ``COLUMNS``."""

    table: str
    table_meaning: str
    position: int
    column: str
    type: str
    parquet_type: str
    unit: str | None
    meaning: str
    key: int | None
    nullable: bool
    privacy: str
    shown: str


def column_entries(
    view: MaskedView, headings: Mapping[str, Mapping[str, str]]
) -> dict[str, list[ColumnEntry]]:
    """Return the entries of each table, by its name.

    Parameters
    ----------
    view : MaskedView
        The case as an edition shows it.
    headings : mapping of str to mapping
        For each table, how its columns are headed in CSV.
    """
    return {
        name: [
            _entry(view, name, position, column, headings[name])
            for position, column in enumerate(view.tables[name].columns, 1)
        ]
        for name in sorted(view.tables)
    }


def dictionary_frame(entries: Mapping[str, list[ColumnEntry]]) -> pl.DataFrame:
    """Return all entries as a table."""
    rows = [entry for each in entries.values() for entry in each]
    return pl.DataFrame(rows, schema=COLUMNS, orient="row")


def parquet_note(name: str, entries: list[ColumnEntry]) -> dict[str, str]:
    """Return what the metadata of a Parquet file says of its table."""
    meaning = entries[0].table_meaning if entries else ""
    columns = {
        entry.column: {
            "meaning": entry.meaning, "privacy": entry.privacy, "shown": entry.shown,
            "type": entry.type, "unit": entry.unit,
        }
        for entry in entries
    }  # fmt: skip
    told = {"columns": columns, "key": _key(entries), "meaning": meaning, "table": name}
    return {PARQUET_KEY: canonical_json(told).decode()}


def data_package(
    entries: Mapping[str, list[ColumnEntry]], files: Mapping[str, bytes], edition: str
) -> dict[str, Any]:
    """Return the descriptor of a Tabular Data Package.

    Parameters
    ----------
    entries : mapping of str to list of ColumnEntry
        Of each table.
    files : mapping of str to bytes
        The CSV file of each table.
    edition : str
        Name of the edition.
    """
    return {
        "profile": "tabular-data-package",
        "name": f"chainwatch-{edition}",
        "description": (
            "Tables of a case, one resource each. Amounts are whole numbers in base units. A text"
            " that a spreadsheet would take for a formula has an apostrophe before it. Beside each"
            " CSV file stands the same table as Parquet, in which every text is as it was."
        ),
        "resources": [_resource(name, entries[name], files[name]) for name in sorted(entries)],
    }


def _resource(name: str, entries: list[ColumnEntry], data: bytes) -> dict[str, Any]:
    return {
        "profile": "tabular-data-resource",
        "name": name,
        "path": f"tables/{name}.csv",
        "description": entries[0].table_meaning if entries else "",
        "format": "csv",
        "mediatype": "text/csv",
        "encoding": "utf-8",
        "bytes": len(data),
        "hash": f"sha256:{digest_bytes(data)}",
        "dialect": {"delimiter": ",", "quoteChar": '"', "doubleQuote": True, "header": True,
                    "lineTerminator": "\n"},
        "schema": {"fields": [_field(entry) for entry in entries], "missingValues": [""]},
    }  # fmt: skip


def _field(entry: ColumnEntry) -> dict[str, Any]:
    """Return a column as Table Schema describes it; what that has no word for stands under ours.

    An edition leaves out or pools rows, so a key of the table need not be one of its rows here.
    """
    said = {
        "name": entry.column,
        "type": entry.type,
        "description": entry.meaning,
        "privacy": entry.privacy,
        "shown": entry.shown,
    }
    given = {"unit": entry.unit, "keyPosition": entry.key}
    return said | {name: value for name, value in given.items() if value is not None}


def _entry(
    view: MaskedView, name: str, position: int, column: str, headings: Mapping[str, str]
) -> ColumnEntry:
    said = view.declared[name]
    told = ADDED[column] if column in ADDED and column not in said.table.names else None
    declared = told or said.table[column]
    dtype = view.tables[name].schema[column]
    masked = view.edition.name == DISCLOSURE
    key = said.table.key
    return ColumnEntry(
        name, _words(view, said.table.meaning), position, headings[column], field_type(dtype),
        str(dtype), _unit(view, declared, said), _words(view, declared.meaning),
        key.index(column) + 1 if column in key else None,
        declared.nullable or declared.privacy in (Privacy.PLACE, Privacy.ELSEWHERE),
        declared.privacy.value, SHOWN[declared.privacy] if masked else "as it is",
    )  # fmt: skip


def _words(view: MaskedView, text: str) -> str:
    return visible(view.text.text(text))


def _unit(view: MaskedView, column: Column, said: Declared) -> str | None:
    """Return the unit of a column: of amounts, what one whole coin is in it; of times, the zone."""
    if column.privacy in (Privacy.TIME, Privacy.SPAN):
        return "UTC, ISO 8601"
    if column.privacy is Privacy.AMOUNT and said.asset is not None:
        return _words(view, base_units(said.asset))
    return column.unit or None


def base_units(asset: Asset) -> str:
    """Return what amounts of an asset are in, in words.

    Examples
    --------
    >>> from chainwatch.addresses.assets import native
    >>> base_units(native("btc"))
    'base units: 1 BTC is 10^8'
    """
    return f"base units: 1 {asset.symbol} is 10^{asset.decimals}"


def field_type(dtype: pl.DataType) -> str:
    """Return the type of a column of CSV by the names of Table Schema."""
    if dtype == pl.Boolean:
        return "boolean"
    if dtype.is_integer() or (isinstance(dtype, pl.Decimal) and not dtype.scale):
        return "integer"
    if dtype.is_numeric():
        return "number"
    return "array" if dtype.is_nested() else "string"


def _key(entries: list[ColumnEntry]) -> list[str]:
    keyed = sorted((entry.key, entry.column) for entry in entries if entry.key is not None)
    return [column for _, column in keyed]
