"""The JSON Schema of a case file: shipped as it is made, and it says what the model says."""

from __future__ import annotations

import copy
import json
import sys
import tomllib
from importlib import resources
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from chainwatch.case.file.model import parse_case
from chainwatch.case.file.schema import case_schema, schema_text
from chainwatch.case.file.source_tables import kinds
from chainwatch.cli import app
from chainwatch.errors import CaseError
from chainwatch.tracing.policies import POLICIES

ROOT = Path(__file__).resolve().parents[3]
EXAMPLES = (*sorted((ROOT / "examples").glob("*.toml")), ROOT / "chainwatch" / "otter.toml")

LEAST: dict[str, Any] = {
    "case": {"name": "x", "title": "X", "question": "Who?"},
    "sources": [{"kind": "block-files", "paths": ["b.dat"], "chain": "btc"}],
    "subjects": {"chain": "btc", "addresses": ["bc1q"]},
}


def plain(table: object) -> Any:
    """Return TOML as JSON has it: days become texts."""
    return json.loads(json.dumps(table, default=str))


def fits(table: object) -> bool:
    return Draft202012Validator(case_schema()).is_valid(plain(table))


def test_the_shipped_schema_is_that_of_the_catalogue() -> None:
    shipped = resources.files("chainwatch.case.file").joinpath("case.schema.json")
    assert shipped.read_text(encoding="utf-8") == schema_text(), "run: python tools/case_schema.py"
    Draft202012Validator.check_schema(case_schema())


def test_every_kind_is_in_it() -> None:
    mapping = case_schema()["properties"]["sources"]["items"]["discriminator"]["mapping"]
    assert sorted(mapping) == kinds()
    policies = case_schema()["$defs"]["Follow"]["properties"]["policy"]["enum"]
    assert policies == [policy.name for policy in POLICIES]


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_examples_fit_it(path: Path) -> None:
    table = tomllib.loads(path.read_text(encoding="utf-8"))
    assert list(Draft202012Validator(case_schema()).iter_errors(plain(table))) == []


@pytest.mark.parametrize(
    "source",
    [
        {"kind": "blocks", "paths": ["b.dat"]},
        {"kind": "block-files"},
        {"kind": "block-files", "paths": []},
        {"kind": "block-files", "paths": "b.dat"},
        {"kind": "block-files", "paths": ["b.dat"], "height": -1},
        {"kind": "block-files", "paths": ["b.dat"], "heigth": 1},
        {"kind": "block-files", "paths": ["b.dat"], "acquired": "2024-01-01"},
        {"kind": "rpc", "password": "s3cret"},
        {"kind": "rpc", "span": "7"},
        {"kind": "esplora", "url": "https://e.example", "headers": {"X": "env:HOME"}},
        {"kind": "electrum", "host": "e.example", "port": "1"},
        {"kind": "electrum", "host": "e.example", "port": 1, "scripts": ["xyz"]},
        {"kind": "ledger"},
    ],
)
def test_both_refuse_the_same(source: dict[str, Any]) -> None:
    table = copy.deepcopy(LEAST)
    assert fits(table)
    parse_case(table, where="x")
    table["sources"] = [source]
    assert not fits(table)
    with pytest.raises(CaseError):
        parse_case(table, where="x")


def test_toml_has_no_null() -> None:
    assert '"null"' not in schema_text()
    assert ": null" not in schema_text()


def test_the_command(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys, "argv", ["chainwatch", "schema"])
    monkeypatch.setattr(app, "announce_by", lambda tell: None)
    app.main()
    assert json.loads(capsys.readouterr().out) == case_schema()
