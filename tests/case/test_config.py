"""A case file: every key is known, and what does not fit is named."""

from __future__ import annotations

import copy
from importlib import resources
from pathlib import Path
from typing import Any

import pytest

from chainwatch.case.config import data_folder, load_case, parse_case
from chainwatch.errors import CaseError, InputError

ROOT = Path(__file__).resolve().parents[2]

LEAST: dict[str, Any] = {
    "case": {"name": "x", "title": "X", "question": "Who?"},
    "sources": [{"kind": "blocks", "paths": ["b.dat"], "chain": "btc"}],
    "subjects": {"chain": "btc", "addresses": ["bc1q"]},
}


def changed(path: str, value: object) -> dict[str, Any]:
    table = copy.deepcopy(LEAST)
    *above, last = path.split(".")
    place: Any = table
    for key in above:
        place = place[int(key)] if key.isdigit() else place[key]
    place[last] = value
    return table


def test_the_least_case() -> None:
    found = parse_case(LEAST, where="x.toml")
    assert found.case.editions == ("disclosure",)
    assert found.follow.policy == "fifo"


@pytest.mark.parametrize("path", sorted((ROOT / "examples").glob("*.toml")), ids=lambda p: p.name)
def test_examples_fit(path: Path) -> None:
    assert load_case(path).case.name == path.stem


def test_the_demo_fits() -> None:
    with resources.as_file(resources.files("chainwatch").joinpath("otter.toml")) as path:
        assert load_case(path).case.name == "otter"


@pytest.mark.parametrize(
    ("path", "value", "named"),
    [
        ("surprise", 1, "surprise"),
        ("case.colour", "red", "case.colour"),
        ("case.name", "../x", "case.name"),
        ("case.name", "A" * 100, "case.name"),
        ("case.editions", ["secret"], "case.editions"),
        ("sources", [], "sources"),
        ("sources.0.kind", "oracle", "sources.0"),
        ("sources.0.height", "high", "height"),
        ("follow", {"policy": "magic"}, "follow.policy"),
        ("follow", {"min_share": 1001}, "follow.min_share"),
        ("follow", {"trifle": -1}, "follow.trifle"),
        ("subjects.concept", "vendor", "subjects"),
        ("subjects.column", "wallet", "subjects"),
        ("subjects", {"chain": "btc"}, "subjects"),
        ("asset", {"chain": "tron", "contract": "T", "symbol": "U", "decimals": 39}, "decimals"),
        ("dates", [{"day": "yesterday", "name": "x"}], "dates.0.day"),
    ],
)
def test_what_does_not_fit_is_named(path: str, value: object, named: str) -> None:
    with pytest.raises(CaseError) as caught:
        parse_case(changed(path, value), where="my.toml")
    said = str(caught.value)
    assert named in said
    assert "my.toml" in said
    assert "\n" not in said
    assert "pydantic" not in said


@pytest.mark.parametrize("text", ["[case", "= 1", "a = 1\na = 2", "\x00"])
def test_what_is_no_toml(tmp_path: Path, text: str) -> None:
    (tmp_path / "x.toml").write_text(text)
    with pytest.raises(CaseError, match="cannot be read") as caught:
        load_case(tmp_path / "x.toml")
    assert "x.toml" in str(caught.value)


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "bytes.toml").write_bytes(b"\xff\xfe")
    for name in ("bytes.toml", "missing.toml", "."):
        with pytest.raises(CaseError, match="cannot be read"):
            load_case(tmp_path / name)


def test_where_the_data_lie(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    case = tmp_path / "cases" / "x.toml"
    (tmp_path / "cases").mkdir()
    (tmp_path / "data").mkdir()
    monkeypatch.delenv("CHAINWATCH_DATA", raising=False)
    assert data_folder(None, case) == tmp_path / "cases"
    monkeypatch.setenv("CHAINWATCH_DATA", str(tmp_path / "data"))
    assert data_folder(None, case) == tmp_path / "data"
    assert data_folder(tmp_path, case) == tmp_path
    with pytest.raises(InputError, match="--data FOLDER"):
        data_folder(tmp_path / "missing", case)
