"""Every table and key of a TOML file is found on the line on which TOML's own reader meets it."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainwatch.case.file.lines import Place, Written

ROOT = Path(__file__).resolve().parents[3]
FILES = (*sorted((ROOT / "examples").glob("*.toml")), ROOT / "chainwatch" / "otter.toml",
         ROOT / "pyproject.toml")  # fmt: skip

HARD = '''# a comment = 1
"quoted key" = 1
a.'b c'.d = """
[no.table]
no = "key" \\""" still inside """ # behind
e = [ # a list
  "x = 1", # with a comment ]
  { f = 1, g = "]" },
  [2],
]
h = \'\'\'
[[no.list]]
\'\'\'\'
[t]
i = "# no comment" # one
  [[t.list]]
  j = 1
  [t.list.sub]
  k.l = 2
  [[t.list]]
  [[t.list.deep]]
  m = """one line"""
  [[t.list.deep]]
[ "x" . y ]
z = 1
'''


def found(table: Any, place: Place) -> bool:
    for part in place:
        try:
            table = table[part]
        except (KeyError, IndexError, TypeError):
            return False
    return True


def places(table: Any, place: Place = ()) -> Iterator[Place]:
    """Yield the place of every table and key; what is inside of a list of values has none."""
    if isinstance(table, dict):
        for name, value in table.items():
            yield (*place, name)
            yield from places(value, (*place, name))
    elif isinstance(table, list) and table and all(isinstance(one, dict) for one in table):
        for number, one in enumerate(table):
            yield (*place, number)
            yield from places(one, (*place, number))


def check(text: str, *, whole: bool) -> None:
    """Compare with TOML's own reader: before its line a place is not there, and then it is."""
    table, lines = tomllib.loads(text), text.split("\n")
    told = Written("x", text).lines
    for place, number in told.items():
        assert found(table, place), place
        assert not found(tomllib.loads("\n".join(lines[: number - 1])), place), place
    listed = set(places(table))
    assert set(told) <= listed
    if whole:  # no table is written inside of a value
        assert set(told) == listed


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_files_of_ours(path: Path) -> None:
    check(path.read_text(encoding="utf-8"), whole=path.name != "pyproject.toml")


def test_what_looks_like_a_table_or_a_key_and_is_none() -> None:
    check(HARD, whole=False)
    told = Written("x", HARD).lines
    assert told["t", "list", 0, "sub", "k", "l"] == 19
    assert told["t", "list", 1, "deep", 1] == 23
    assert told["x", "y", "z"] == 25
    assert not any("no" in place for place in told)


def test_a_place_without_a_line_is_told_by_what_holds_it() -> None:
    written = Written("my.toml", "[a]\nb = [1, 2]\n[[c]]\n[[c]]\nd = 1\n")
    assert written.at("a", "b", 1) == "my.toml line 2"
    assert written.at("c", 1, "missing") == "my.toml line 4"
    assert written.at("nowhere") == "my.toml"
    assert Written("my.toml").at("a") == "my.toml"


NAMES = st.text("ab-_1", min_size=1, max_size=3) | st.sampled_from(['"x.y"', "'[z]'", '"\\""'])
VALUES = st.sampled_from([
    "1", '"="', "'#'", '"""\n[a]\nb = 1\n"""', "'''\n''''", "[\n 1, # ]\n '[a]',\n]", '{ a = "}" }',
    '"\\"" # "', "[[1],\n[2]]", '"""x\\"""y"""', "2023-06-01",
])  # fmt: skip
STATEMENTS = st.tuples(st.lists(NAMES, min_size=1, max_size=2), VALUES)
HEADERS = st.tuples(st.booleans(), st.lists(NAMES, min_size=1, max_size=3))


@given(st.lists(st.one_of(STATEMENTS, HEADERS, st.sampled_from(["", "# a = 1", "  # [b]"]))))
def test_whatever_toml_reads(parts: list[Any]) -> None:
    text = ""
    for part in parts:
        if isinstance(part, str):
            more = part
        elif isinstance(part[0], bool):
            inner = ".".join(part[1])
            more = f"[[{inner}]]" if part[0] else f" [ {inner} ] # c"
        else:
            more = f"{' . '.join(part[0])} = {part[1]}"
        try:
            tomllib.loads(text + more + "\n")
        except tomllib.TOMLDecodeError:
            continue  # a name twice, or a list where a table is
        text += more + "\n"
    table, lines = tomllib.loads(text), text.split("\n")
    for place, number in Written("x", text).lines.items():
        # A quoted name is told as it is written, without its escapes.
        if not any("\\" in str(part) for part in place):
            assert found(table, place)
            assert not found(tomllib.loads("\n".join(lines[: number - 1])), place)
