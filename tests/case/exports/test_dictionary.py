"""The data dictionary: every column of every table, and other people's readers agree with it."""

from __future__ import annotations

import csv
import hashlib
import json
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pyarrow.parquet
import pytest

from chainwatch.case.exports.dictionary import COLUMNS, SHOWN, field_type
from chainwatch.results.table import Privacy

EDITIONS = ("disclosure", "working")

Rows = list[dict[str, str]]


def entries(folder: Path) -> Rows:
    with (folder / "data_dictionary.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def package(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "datapackage.json").read_bytes())
    return found


@pytest.mark.parametrize("edition", EDITIONS)
def test_every_column_of_every_table_is_told_of(demo_case, edition: str) -> None:
    folder = demo_case.folder / edition
    told: dict[str, list[str]] = {}
    for row in entries(folder):
        assert list(row) == list(COLUMNS)
        assert all(row[name] for name in ("meaning", "table_meaning", "privacy", "shown")), row
        told.setdefault(row["table"], []).append(row["column"])
    heads = {}
    for path in sorted((folder / "tables").glob("*.csv")):
        with path.open(encoding="utf-8", newline="") as file:
            heads[path.stem] = next(csv.reader(file))
    assert told == heads


def test_the_types_are_those_that_another_reader_finds(demo_case) -> None:
    folder = demo_case.folder / "disclosure"
    for row in entries(folder):
        path = folder / "tables" / f"{row['table']}.parquet"
        read = pyarrow.parquet.read_schema(path).field(row["column"]).type
        wanted = {
            "integer": pyarrow.types.is_integer(read)
            or (pyarrow.types.is_decimal(read) and read.scale == 0),
            "number": pyarrow.types.is_floating(read) or pyarrow.types.is_decimal(read),
            "boolean": pyarrow.types.is_boolean(read),
            "string": pyarrow.types.is_large_string(read) or pyarrow.types.is_null(read),
            "array": pyarrow.types.is_nested(read),
        }
        assert wanted[row["type"]], (row, read)


def value(text: str, kind: str) -> Any:
    """Read a cell of CSV as Table Schema says, without any library of ours."""
    if text == "":
        return None
    if kind == "boolean":
        return {"true": True, "false": False}[text]
    return int(text) if kind == "integer" else text


@pytest.mark.parametrize(("edition", "cells"), [("disclosure", 400), ("working", 1500)])
def test_csv_read_by_the_package_is_the_parquet_file(demo_case, edition: str, cells: int) -> None:
    folder = demo_case.folder / edition
    compared = 0
    for resource in package(folder)["resources"]:
        data = (folder / resource["path"]).read_bytes()
        assert resource["hash"] == "sha256:" + hashlib.sha256(data).hexdigest()
        assert resource["bytes"] == len(data)
        fields = resource["schema"]["fields"]
        head, *rows = csv.reader(data.decode(resource["encoding"]).splitlines(keepends=True))
        assert head == [field["name"] for field in fields]
        frame = pl.read_parquet((folder / resource["path"]).with_suffix(".parquet"))
        assert len(rows) == frame.height
        for place, field in enumerate(fields):
            if field["type"] not in ("integer", "boolean"):
                continue
            read = [value(row[place], field["type"]) for row in rows]
            whole = frame.to_series(place).to_list()
            assert read == [None if one is None else type(read[n])(one)
                            for n, one in enumerate(whole)]  # fmt: skip
            compared += len(read)
    assert compared > cells


def test_amounts_add_up_to_the_same_for_other_readers(demo_case) -> None:
    """Whoever sums a column of CSV or Parquet as its type says has our sum to the last unit."""
    folder, working = (demo_case.folder / name for name in EDITIONS)
    for place in (folder, working):
        for row in entries(place):
            if row["privacy"] != "amount":
                continue
            path = place / "tables" / row["table"]
            ours = pl.read_parquet(f"{path}.parquet")[row["column"]].drop_nulls().to_list()
            header = next(csv.reader([Path(f"{path}.csv").read_text().splitlines()[0]]))
            columns = ", ".join(
                f"'{name}': '{'DECIMAL(38,0)' if name == row['column'] else 'VARCHAR'}'"
                for name in header
            )
            found = duckdb.sql(
                f"select sum(\"{row['column']}\") from read_csv('{path}.csv',"  # noqa: S608
                f" columns={{{columns}}}, header=true, quote='\"', escape='\"')"
            ).fetchall()
            other = duckdb.sql(
                f"select sum(\"{row['column']}\") from '{path}.parquet'"  # noqa: S608
            ).fetchall()
            assert found == other == [(sum(ours) if ours else None,)], row


def test_a_parquet_file_that_is_passed_on_alone_says_what_it_holds(demo_case) -> None:
    folder = demo_case.folder / "disclosure"
    path = folder / "tables" / "ends.parquet"
    note = json.loads(pyarrow.parquet.read_metadata(path).metadata[b"chainwatch"])
    told = {row["column"]: row for row in entries(folder) if row["table"] == "ends"}
    assert note["table"] == "ends"
    assert set(note["columns"]) == set(told)
    for name, column in note["columns"].items():
        assert column["meaning"] == told[name]["meaning"]
        assert (column["unit"] or "") == told[name]["unit"]
    assert note["columns"]["amount"]["unit"] == "base units: 1 rBTC is 10^8"
    keyed = sorted((int(row["key"]), name) for name, row in told.items() if row["key"])
    assert note["key"] == [name for _, name in keyed]
    assert note["key"]


def test_the_working_edition_says_that_nothing_is_masked(demo_case) -> None:
    working = entries(demo_case.folder / "working")
    assert {row["shown"] for row in working} == {"as it is"}
    masked = {row["privacy"]: row["shown"] for row in entries(demo_case.folder / "disclosure")}
    assert masked["amount"] == "exact, or one digit in masked rows"
    assert not {row["column"] for row in working} & {"rounded", "summed"}


def test_every_privacy_class_says_what_is_shown_of_it() -> None:
    assert set(SHOWN) == set(Privacy)
    assert len(set(SHOWN.values()) - {""}) > 8


def test_the_descriptor_is_a_tabular_data_package(demo_case) -> None:
    """The rules of the standard that a program checks before it opens anything."""
    found = package(demo_case.folder / "disclosure")
    assert found["profile"] == "tabular-data-package"
    names = [resource["name"] for resource in found["resources"]]
    assert len(names) == len(set(names)) > 20
    for resource in found["resources"]:
        assert resource["profile"] == "tabular-data-resource"
        assert set(resource["name"]) <= set("abcdefghijklmnopqrstuvwxyz0123456789-._/")
        assert not resource["path"].startswith("/")
        assert ".." not in resource["path"]
        fields = resource["schema"]["fields"]
        assert fields
        assert len({field["name"] for field in fields}) == len(fields)
        assert {field["type"] for field in fields} <= {
            "integer", "number", "boolean", "string", "array",
        }  # fmt: skip


@pytest.mark.parametrize(
    ("dtype", "kind"),
    [
        (pl.Int64(), "integer"),
        (pl.Decimal(38, 0), "integer"),
        (pl.Decimal(38, 4), "number"),
        (pl.Float64(), "number"),
        (pl.Boolean(), "boolean"),
        (pl.String(), "string"),
        (pl.List(pl.String()), "array"),
    ],
    ids=str,
)
def test_types_have_the_names_of_table_schema(dtype: pl.DataType, kind: str) -> None:
    assert field_type(dtype) == kind
