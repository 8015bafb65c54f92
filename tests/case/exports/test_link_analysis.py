"""What link-analysis programs load: the grammar of their heads, whole ends, and the case's sums."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path

import polars as pl
import pytest
from worded_case import Words, worded_case

import chainwatch as cw
from chainwatch.case.exports import i2, maltego, neo4j
from chainwatch.case.exports.catalogue import write_exports
from chainwatch.case.exports.shown.network import network_of
from chainwatch.case.exports.shown.network_tables import amount_column
from chainwatch.units import AMOUNT

EDITIONS = ("disclosure", "working")
FORMATS = ("i2", "maltego", "neo4j")
PROPERTY = re.compile(
    r"[A-Za-z_]\w*:(int|long|float|double|boolean|byte|short|char|string|point|date|localtime"
    r"|time|localdatetime|datetime|duration)(\[\])?\Z"
)
"""A property as neo4j-admin reads it; among those of ours are no arrays and no float."""
WHOLE = re.compile(r"-?[0-9]+\Z")

Row = dict[str, str]


def rows(path: Path) -> list[Row]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, strict=True))


def written(case: cw.Case, edition: str, folder: Path) -> Path:
    write_exports(case.shown(edition), folder, FORMATS)
    return folder


@pytest.fixture(scope="module")
def case() -> cw.Case:
    return worded_case(Words())


@pytest.fixture(params=EDITIONS)
def folder(case: cw.Case, request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    return written(case, request.param, tmp_path)


@pytest.fixture(scope="module")
def total(case: cw.Case) -> Callable[[str, str], int]:
    """Return what a table of the case adds up to, in an edition."""

    def of(edition: str, table: str) -> int:
        return sum(map(int, case.view(edition).tables[table]["amount"].drop_nulls()))

    return of


def test_the_heads_for_neo4j_are_of_its_grammar(folder: Path) -> None:
    nodes, edges = (
        list(rows(folder / "neo4j" / f"{name}.csv")[0]) for name in ("nodes", "relationships")
    )
    assert nodes.count(":ID") == nodes.count(":LABEL") == 1
    assert [edges.count(name) for name in (":START_ID", ":END_ID", ":TYPE")] == [1, 1, 1]
    for head in {*nodes, *edges} - {":ID", ":LABEL", ":START_ID", ":END_ID", ":TYPE"}:
        assert PROPERTY.match(head), head
    kinds = {head.partition(":")[::2] for head in edges}
    assert ("amount", "long") in kinds
    assert {name for name, kind in kinds if kind in ("float", "double")} == set()


def test_every_end_of_a_relationship_is_a_node(folder: Path) -> None:
    ids = [row[":ID"] for row in rows(folder / "neo4j" / "nodes.csv")]
    assert len(ids) == len(set(ids)) > 8
    for row in rows(folder / "neo4j" / "relationships.csv"):
        assert {row[":START_ID"], row[":END_ID"]} <= set(ids)
    known = {row["Identity"] for row in rows(folder / "i2" / "entities.csv")}
    assert known == set(ids)
    for row in rows(folder / "i2" / "links.csv"):
        assert {row["End 1 Identity"], row["End 2 Identity"]} <= known
    one = {row["Address"] or row["Other"] for row in rows(folder / "maltego" / "entities.csv")}
    assert len(one) == len(ids)
    for row in rows(folder / "maltego" / "links.csv"):
        for end in ("Source", "Target"):
            said = [row[f"{end} Address"], row[f"{end} Other"]]
            assert [bool(item) for item in said].count(True) == 1
            assert "".join(said) in one


def test_typed_cells_are_of_their_types(folder: Path) -> None:
    found = set[str]()
    for name in ("nodes", "relationships"):
        for row in rows(folder / "neo4j" / f"{name}.csv"):
            for head, cell in row.items():
                kind = head.partition(":")[2]
                found |= {kind} if cell else set()
                if cell and kind in ("long", "int"):
                    assert WHOLE.match(cell)
                if cell and kind == "datetime":
                    assert datetime.fromisoformat(cell).utcoffset() is not None
                if cell and kind == "boolean":
                    assert cell in ("true", "false")
    assert found >= {"long", "int", "boolean", "datetime", "string"}


@pytest.mark.parametrize("edition", EDITIONS)
def test_amounts_read_back_are_those_of_the_case(
    case: cw.Case, total: Callable[[str, str], int], edition: str, tmp_path: Path
) -> None:
    folder = written(case, edition, tmp_path)
    read = {
        "i2": [
            (row["Link Type"], row["Table"], row["Amount"], row["Coins"])
            for row in rows(folder / "i2" / "links.csv")
        ],
        "maltego": [
            (row["Type"], row["Table"], row["Amount"], row["Coins"])
            for row in rows(folder / "maltego" / "links.csv")
        ],
        "neo4j": [
            (row[":TYPE"], row["table:string"], row["amount:long"], row["coins:string"])
            for row in rows(folder / "neo4j" / "relationships.csv")
        ],
    }
    for name, listed in read.items():
        for kind, table in (("PAID", "steps"), ("ENDS_AT", "ends")):
            found = sum(int(one[2]) for one in listed if one[:2] == (kind, table))
            assert found == total(edition, table) > 10**8, name
        for _, _, units, coins in listed:
            assert pl.Series([coins]).str.to_decimal(scale=6)[0] * 10**6 == int(units)


def test_rows_that_look_alike_stay_apart(tmp_path: Path) -> None:
    """Two payments of a masked party are rounded to the same words: they are still two."""
    paid = (("giver>kelp:90000001", 1), ("kelp>amy:30000003", 10), ("kelp>amy:30000004", 11))
    case = worded_case(Words(), paid)
    steps = [row for row in network_of(case.shown()).relations if row.type == "PAID"]
    assert sum(row.amount or 0 for row in steps) == sum(
        map(int, case.view("disclosure").tables["steps"]["amount"])
    )
    assert len(steps) == case.view("disclosure").tables["steps"].height


def test_times_are_exact_or_a_month(folder: Path) -> None:
    exact = coarse = 0
    for row in rows(folder / "i2" / "links.csv"):
        assert bool(row["Date"]) == bool(row["Time"]) != bool(row["Month"])
        if row["Date"]:
            datetime.fromisoformat(f"{row['Date']}T{row['Time']}")
            exact += 1
        else:
            assert re.fullmatch(r"\d{4}-\d\d", row["Month"])
            coarse += 1
    assert exact
    assert bool(coarse) == any(
        row["Type"] == "masked party" for row in rows(folder / "i2" / "entities.csv")
    )


def test_whoever_is_masked_is_no_address(case: cw.Case, tmp_path: Path) -> None:
    folder = written(case, "disclosure", tmp_path)
    for row in rows(folder / "neo4j" / "nodes.csv"):
        if row["kind:string"] in ("masked party", "several parties"):
            assert row["address:string"] == ""
            assert row["role:string"] == "bystander"
    shown = {row["Address"] for row in rows(folder / "maltego" / "entities.csv")} - {""}
    assert shown == {row["address:string"] for row in rows(folder / "neo4j" / "nodes.csv")} - {""}
    for row in rows(folder / "maltego" / "links.csv"):
        assert not row["Source Address"].startswith("masked")


def columns_told(path: Path, of: str) -> Iterator[str]:
    for row in rows(path):
        if row["file"] == of and " > " not in row["column"]:
            yield row["column"]


def test_every_column_is_assigned(folder: Path) -> None:
    for place, told in ((i2.FOLDER, "import_specification"), (maltego.FOLDER, "mapping")):
        for file in ("entities.csv", "links.csv"):
            head = next(csv.reader([(folder / place / file).read_text().splitlines()[0]]))
            assert list(columns_told(folder / place / f"{told}.csv", file)) == head


def test_the_command_for_neo4j_names_the_files(folder: Path) -> None:
    told = (folder / neo4j.FOLDER / "import.txt").read_text("utf-8")
    for option in ("--nodes=", "--relationships="):
        name = re.search(rf"{option}(\S+)", told)
        assert name is not None
        assert (folder / neo4j.FOLDER / name[1]).is_file()


@pytest.mark.parametrize(
    ("amounts", "dtype"),
    [
        ([5, None, 2**63 - 1], pl.Int64),
        ([5, None, 2**63], AMOUNT),
        ([5, None, 10**38 - 1], AMOUNT),
        ([5, None, 10**38], pl.String),
    ],
    ids=["64 bits", "beyond", "38 digits", "wider"],
)
def test_amounts_of_any_size_are_exact(amounts: list[int | None], dtype: pl.DataType) -> None:
    found = amount_column(amounts)
    assert found.dtype == dtype
    assert [None if one is None else int(one) for one in found.to_list()] == amounts


def test_amounts_that_no_long_holds_are_digits(tmp_path: Path) -> None:
    wide = 10**30 + 7
    paid = ((f"giver>kelp:{wide}", 1), (f"kelp>shop1:{wide}", 2))
    folder = written(worded_case(Words(), paid), "working", tmp_path)
    found = rows(folder / "neo4j" / "relationships.csv")
    assert {row["amount:string"] for row in found} == {str(wide)}


def test_one_address_on_two_chains_is_two_entities(tmp_path: Path) -> None:
    """In Maltego a text of one type is one entity; on two chains it need not be one owner's."""
    entities = pl.DataFrame(
        [
            {"id": "eth:0xA", "kind": "address", "address": "0xA"},
            {"id": "bsc:0xA", "kind": "address", "address": "0xA"},
            {"id": "eth:0xB", "kind": "address", "address": "0xB"},
        ]
    )
    told = maltego.apart(entities)
    assert told.select("address", "other").rows() == [
        (None, "eth:0xA"), (None, "bsc:0xA"), ("0xB", None),
    ]  # fmt: skip


def test_the_same_bytes_again(case: cw.Case, tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        written(worded_case(Words()) if name == "two" else case, "disclosure", tmp_path / name)
    files = [path for path in sorted((tmp_path / "one").rglob("*")) if path.is_file()]
    assert len(files) == 9
    for path in files:
        other = tmp_path / "two" / path.relative_to(tmp_path / "one")
        assert path.read_bytes() == other.read_bytes()
