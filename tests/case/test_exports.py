"""Exports: exact, harmless in a spreadsheet, the same bytes again, and readable by others."""

from __future__ import annotations

import csv
import inspect
import io
import os
import subprocess
import sys
from datetime import UTC, datetime
from decimal import Decimal
from importlib import resources
from pathlib import Path

import networkx as nx
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from chainwatch.case import exports
from chainwatch.case.exports.catalogue import EXPORTS, registry
from chainwatch.case.exports.graphml import graphml_bytes, write_graphml
from chainwatch.case.exports.tables import csv_bytes, distinct, guarded, parquet_bytes, write_tables
from chainwatch.case.registry import Line
from chainwatch.errors import CaseError, InputError, OutputExists
from chainwatch.figures.selection import FLOW_COLUMNS
from chainwatch.results.provenance import digest_bytes, digest_frame
from chainwatch.units import AMOUNT

LARGEST = 10**38 - 1
FRAME = pl.DataFrame(
    {
        "label": ['=HYPERLINK("http://x")', "-5", "plain, with comma", None, ""],
        "change": [-5, 0, 7, None, 2**62],
        "amount": [LARGEST, 0, -1, None, 10**18],
        "time": [datetime(2023, 6, 1, 12, 0, 0, 250_000, tzinfo=UTC), None, None, None, None],
        "key": [b"\x00\xff", b"", None, None, None],
        "sure": [True, False, None, None, None],
        "rules": [["a", "=b"], [], None, None, None],
    },
    schema_overrides={"amount": AMOUNT, "time": pl.Datetime("us", "UTC")},
)


def cells(frame: pl.DataFrame) -> list[list[str]]:
    return list(csv.reader(io.StringIO(csv_bytes(frame).decode(), newline="")))


def test_a_table_in_csv_is_exact() -> None:
    head, first, second, third, fourth, fifth = cells(FRAME)
    assert head == FRAME.columns
    assert first == [
        '\'=HYPERLINK("http://x")',
        "-5",
        str(LARGEST),
        "2023-06-01T12:00:00.250Z",
        "00ff",
        "true",
        '["a","=b"]',
    ]
    assert second == ["'-5", "0", "0", "", "", "false", "[]"]
    assert third[:3] == ["plain, with comma", "7", "-1"]
    assert fourth == [""] * 7
    assert fifth[1:3] == [str(2**62), str(10**18)]


def test_null_and_empty_text_differ_in_csv() -> None:
    frame = pl.DataFrame({"a": [None, ""], "b": [1, 2]}, schema_overrides={"a": pl.String})
    assert csv_bytes(frame) == b'a,b\n,1\n"",2\n'


@pytest.mark.parametrize(
    ("text", "safe"),
    [
        ("=1+1", "'=1+1"),
        ("+1", "'+1"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("-2+3", "'-2+3"),
        ("\t=1", " '=1"),
        ("\r\n=1", "  '=1"),
        ("  =1", "  '=1"),
        ("\uff1d1", "'\uff1d1"),
        ("a;=cmd|' /C calc'!A0", "a;'=cmd|' /C calc'!A0"),
        ("a\n-b", "a '-b"),
        ("\x1b]0;x\x07", "‹U+001B›]0;x‹U+0007›"),
        ("\u202egnp.exe", "‹U+202E›gnp.exe"),
        ("well-known = fine", "well-known = fine"),
        ("bc1q-x", "bc1q-x"),
    ],
)
def test_no_text_is_taken_for_a_formula(text: str, safe: str) -> None:
    assert guarded(text) == safe


@given(st.text(max_size=30))
def test_no_guarded_text_starts_a_formula_or_holds_a_control_character(text: str) -> None:
    safe = guarded(text)
    assert not safe.lstrip().startswith(("=", "+", "-", "@"))
    assert safe.isprintable() or "\xa0" in safe or all(c.isprintable() or c.isspace() for c in safe)


@given(st.lists(st.text(max_size=12).filter(lambda text: "\x00" not in text), max_size=6))
def test_csv_keeps_one_row_per_row(values: list[str]) -> None:
    frame = pl.DataFrame(
        {"text": values, "n": range(len(values))}, schema_overrides={"text": pl.String}
    )
    read = cells(frame)
    assert [row[1] for row in read[1:]] == [str(n) for n in range(len(values))]
    assert [row[0] for row in read[1:]] == [guarded(text) for text in values]


def test_headings_are_guarded_too() -> None:
    assert csv_bytes(pl.DataFrame({"=x": [1]})).startswith(b"'=x\n")
    alike = pl.DataFrame({"=x": [1], "'=x": [2]})
    assert csv_bytes(alike) == b"'=x (2),'=x\n1,2\n"


def test_parquet_holds_what_was_given() -> None:
    assert_frame_equal(pl.read_parquet(io.BytesIO(parquet_bytes(FRAME))), FRAME)


def test_the_manifest_describes_the_files(tmp_path: Path) -> None:
    rows = write_tables({"members": FRAME, "02_ends": FRAME[:2]}, tmp_path / "tables")
    assert [row.name for row in rows] == [
        "02_ends.csv", "02_ends.parquet", "members.csv", "members.parquet",
    ]  # fmt: skip
    for row in rows:
        data = (tmp_path / "tables" / row.name).read_bytes()
        assert (row.bytes, row.sha256) == (len(data), digest_bytes(data))
    assert rows[-1].content == digest_frame(FRAME)
    assert rows[-1].as_dict()["rows"] == 5


@pytest.mark.parametrize("name", ["../x", "a/b", "", ".hidden", "A", "nul\n", "x" * 200])
def test_a_table_name_is_no_path(tmp_path: Path, name: str) -> None:
    with pytest.raises(CaseError, match="is no table name"):
        write_tables({name: FRAME}, tmp_path)
    assert not list(tmp_path.iterdir())


def test_nothing_is_written_over_or_in_part(tmp_path: Path) -> None:
    (tmp_path / "b.parquet").write_bytes(b"mine")
    with pytest.raises(OutputExists):
        write_tables({"a": FRAME, "b": FRAME}, tmp_path)
    assert [item.name for item in tmp_path.iterdir()] == ["b.parquet"]


SCRIPT = """
import sys, hashlib, polars as pl
from chainwatch.case.exports.tables import csv_bytes, parquet_bytes
from chainwatch.case.exports.graphml import graphml_bytes
n = 300_000
frame = pl.DataFrame({"a": range(n), "b": ["x%d" % (i * 7919 % 1000) for i in range(n)]})
flows = pl.read_parquet(sys.argv[1]).sample(fraction=1.0, shuffle=True, seed=int(sys.argv[2]))
for data in (csv_bytes(frame), parquet_bytes(frame), graphml_bytes(flows)):
    print(hashlib.sha256(data).hexdigest())
"""


def flows(amounts: list[int | None]) -> pl.DataFrame:
    rows = [
        (
            f"n{number}",
            f"n{(number + 1) % 4}",
            "\x01<b>&\u202e" if number == 0 else None,
            "=x",
            "subject",
            "service",
            amount,
            number == 1,
            False,
            number,
            datetime(2023, 6, 1, tzinfo=UTC),
            None,
        )
        for number, amount in enumerate(amounts)
    ]
    return pl.DataFrame(rows, schema=dict(FLOW_COLUMNS), orient="row")


def test_same_bytes_in_another_process(tmp_path: Path) -> None:
    flows([1, 2, 3, 4, 5]).write_parquet(tmp_path / "flows.parquet")
    said = [
        subprocess.run(
            [sys.executable, "-c", SCRIPT, str(tmp_path / "flows.parquet"), seed],
            env={**os.environ, "PYTHONHASHSEED": seed, "POLARS_MAX_THREADS": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    ]
    assert said[0] == said[1]
    assert len(said[0].split()) == 3


def test_graphml_reads_back_exactly(tmp_path: Path) -> None:
    rows = write_graphml(flows([2**63 - 1, 7, None, 0]), tmp_path / "flows.graphml")
    assert rows[0].rows == 4
    graph = nx.read_graphml(tmp_path / "flows.graphml", force_multigraph=True)
    assert graph.is_directed()
    assert sorted(graph) == ["n0", "n1", "n2", "n3"]
    assert graph.nodes["n0"] == {"label": "‹U+0001›<b>&‹U+202E›", "role": "subject"}
    found = {(a, b): data for a, b, data in graph.edges(data=True)}
    assert found["n0", "n1"]["amount"] == 2**63 - 1
    assert found["n1", "n2"]["coarse"] is True
    assert "amount" not in found["n2", "n3"]
    assert found["n3", "n0"] == {
        "amount": 0, "coarse": False, "count": 3, "first": "2023-06-01T00:00:00Z",
    }  # fmt: skip
    with pytest.raises(OutputExists):
        write_graphml(flows([1]), tmp_path / "flows.graphml")


def test_amounts_beyond_63_bits_are_digits_in_graphml() -> None:
    graph = nx.read_graphml(io.BytesIO(graphml_bytes(flows([LARGEST, 5]))), force_multigraph=True)
    assert sorted(data["amount"] for *_, data in graph.edges(data=True)) == ["5", str(LARGEST)]


def test_two_parallel_flows_stay_two() -> None:
    twice = pl.concat([flows([5]), flows([6])])
    graph = nx.read_graphml(io.BytesIO(graphml_bytes(twice)), force_multigraph=True)
    assert sorted(data["amount"] for *_, data in graph.edges(data=True)) == [5, 6]


def test_graphml_needs_a_flow_frame() -> None:
    with pytest.raises(InputError, match="lacks the columns amount"):
        graphml_bytes(flows([1]).drop("amount"))


@pytest.mark.parametrize("other", ["a\tb", "a\u00a0b"])
def test_names_that_become_equal_are_numbered(other: str) -> None:
    clash = pl.concat([flows([1]).with_columns(source=pl.lit(name)) for name in (other, "a b")])
    found = graphml_bytes(clash)
    graph = nx.read_graphml(io.BytesIO(found), force_multigraph=True)
    assert sorted(source for source, _ in graph.edges()) == ["a b", "a b (2)"]
    assert graphml_bytes(clash.reverse()) == found


def test_numbers_do_not_clash_in_turn() -> None:
    names = ["a b", "a\tb", "a\u00a0b", "a b (2)"]
    assert distinct(names) == distinct(names[::-1])
    assert sorted(distinct(names).values()) == ["a b", "a b (2)", "a b (3)", "a b (4)"]
    assert (distinct(names)["a b"], distinct(names)["a b (2)"]) == ("a b", "a b (2)")


def test_every_format_is_listed() -> None:
    modules = {
        Path(item.name).stem
        for item in resources.files(exports).iterdir()
        if item.name.endswith(".py") and item.name not in ("__init__.py", "catalogue.py")
    }
    names = [export.name for export in EXPORTS]
    packs = {"tagpack", "actorpack"}  # a pack is written of tags or actors, not of a case
    told = {"goaml_settings"}  # what an export must be told
    assert {*(name.replace("-", "_") for name in names), *packs, *told} == modules
    assert names == sorted(names) == registry.names()


@pytest.mark.parametrize("export", EXPORTS, ids=lambda export: export.name)
def test_the_text_of_the_catalogue_leads_to_its_writer(export: Line) -> None:
    module = export.name.replace("-", "_")
    assert str(export.target) == f"{exports.__name__}.{module}:export_{module}"
    assert list(inspect.signature(export.load()).parameters) == ["case", "folder"]


def test_a_decimal_stays_an_integer() -> None:
    frame = pl.DataFrame({"a": [Decimal(10) ** 20]}, schema={"a": AMOUNT})
    assert csv_bytes(frame) == b"a\n100000000000000000000\n"
