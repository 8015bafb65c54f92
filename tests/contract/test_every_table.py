"""What every kind of table whose header is known owes: a recorded dump, and a telling refusal."""

from __future__ import annotations

from fnmatch import fnmatchcase
from pathlib import Path

import pytest
from module_of import module_of

from chainwatch.attribution.statements.mapping import KNOWN, known_mapping
from chainwatch.errors import DumpError
from chainwatch.sources.tables.choose import choose
from chainwatch.sources.tables.known import SHAPES
from chainwatch.sources.tables.shape import Shape, find
from chainwatch.sources.transfer_dump.source import table_bytes
from chainwatch.sources.transfer_dump.table import column_names

RECORDED = Path(__file__).parents[1] / "recorded"
BESIDE = (
    "etl_receipts", "coin_etl_blocks", "coin_aws_blocks", "coin_bigquery_blocks",
    "coin_blockchair_blocks", "coin_blockchair_inputs", "coin_blockchair_outputs",
)  # fmt: skip
"""Tables that are read beside one of a kind and are none by themselves."""

DUMPS = {path.name: path for path in sorted(RECORDED.iterdir())
         if path.suffix in (".csv", ".tsv", ".json", ".parquet")}  # fmt: skip
TABLES = [name for name, path in DUMPS.items()
          if path.stem not in BESIDE and not name.startswith("statement_")]  # fmt: skip
STATEMENTS = [name for name in DUMPS if name.startswith("statement_")]


def header(name: str) -> list[str]:
    return column_names(table_bytes(DUMPS[name]), name)


def test_every_kind_of_table_has_a_recorded_dump() -> None:
    assert {choose(header(name), name).name for name in TABLES} == {one.name for one in SHAPES}


def test_every_known_export_of_an_exchange_has_a_recorded_statement() -> None:
    assert {known_mapping(header(name), name)[0] for name in STATEMENTS} == {*KNOWN}


def test_nothing_recorded_is_left_over() -> None:
    written = {*module_of("recorded/make").TABLES}
    for _, tables in module_of("recorded/make_coins").FORMS.values():
        written |= {*tables(*module_of("recorded/make_coins").recorded())}
    assert written == {*DUMPS}


def one_of_each() -> list[tuple[str, Shape]]:
    found = {}
    for name in TABLES:
        shape = choose(header(name), name)
        found.setdefault(shape.name, (name, shape))
    return [*found.values()]


@pytest.mark.parametrize(("name", "shape"), one_of_each(), ids=lambda one: getattr(one, "name", ""))
def test_a_wrong_header_names_each_missing_column_and_the_closest(name: str, shape: Shape) -> None:
    columns = header(name)
    for needed in shape.needs():
        there = find(needed, columns)
        assert there is not None
        wrong = [f"{one}{one[-1]}" if one == there else one for one in columns]
        if any(fnmatchcase(f"{there}{there[-1]}", one) for one in needed.split("|")):
            continue  # a pattern that takes any ending
        with pytest.raises(DumpError) as raised:
            choose(wrong, name, shape.name)
        said = str(raised.value)
        assert f"nearly {shape.name!r}, and lacks the column" in said
        assert needed.split("|")[0] in said
        assert f"(the closest is '{there}{there[-1]}')" in said
