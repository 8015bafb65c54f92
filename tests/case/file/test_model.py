"""A case file: every key is known, and what does not fit is named."""

from __future__ import annotations

import copy
from importlib import resources
from pathlib import Path
from typing import Any

import pytest

from chainwatch.case.file.model import data_folder, load_case, parse_case
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
        (
            "surprise",
            1,
            "unknown key 'surprise' in the case file at my.toml; the keys there are case",
        ),
        (
            "follow",
            {"polcy": "fifo"},
            "unknown key 'polcy' in [follow] at my.toml; perhaps 'policy'",
        ),
        ("case.colour", "red", "unknown key 'colour' in [case]"),
        ("case.name", "../x", "'name' in [case] is '../x'"),
        ("case.name", "A" * 100, "write small letters and digits, - and _"),
        ("case.editions", ["secret"], '"disclosure" or "working"'),
        ("sources", [], "[sources] is []"),
        ("tags", {"path": "x"}, "write [[tags]], in two brackets"),
        ("sources.0.paths", "b.dat", 'write a list, such as ["one"]'),
        (
            "sources.0.kind",
            "oracle",
            '[[sources]] number 1 is of no kind known at my.toml; write kind = "tr',
        ),
        (
            "sources.0.height",
            "high",
            "'height' in [[sources]] number 1 is 'high' at my.toml; write a whole",
        ),
        (
            "follow",
            {"policy": "magic"},
            "'policy' in [follow] is 'magic' at my.toml; write \"fifo\"",
        ),
        (
            "follow",
            {"min_share": 1001},
            "'min_share' in [follow] is 1001 at my.toml; it should be less than",
        ),
        ("follow", {"trifle": -1}, "'trifle' in [follow] is -1"),
        ("subjects.concept", "vendor", "[subjects] does not fit: give addresses"),
        ("subjects.column", "wallet", "subjects"),
        ("subjects", {"chain": "btc"}, "subjects"),
        ("asset", {"chain": "tron", "contract": "T", "symbol": "U", "decimals": 39}, "decimals"),
        (
            "dates",
            [{"day": "yesterday", "name": "x"}],
            "'day' in [[dates]] number 1 is 'yesterday'",
        ),
        ("dates", [{"day": "7.3.2022", "name": "x"}], "write a day as 2022-03-07"),
        ("case", {"name": "x"}, "[case] lacks 'title'"),
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
    assert "Input should" not in said


def test_what_a_stranger_wrote_is_shown_short() -> None:
    for table in (changed("case.name", "A" * 9999), changed("case." + "k" * 9999, 1)):
        with pytest.raises(CaseError) as caught:
            parse_case(table, where="my.toml")
        assert len(str(caught.value)) < 400


def test_of_a_mapping_the_key_is_named() -> None:
    mapping = {"chain": "tron", "kind": "trc20", "snder": "from"}
    table = changed("sources", [{"kind": "transfers", "path": "t.csv", "mapping": mapping}])
    with pytest.raises(CaseError) as caught:
        parse_case(table, where="my.toml")
    assert str(caught.value) == (
        "unknown key 'snder' in [sources.mapping] number 1 at my.toml; perhaps 'sender' is meant."
    )


@pytest.mark.parametrize("text", ["[case", "= 1", "a = 1\na = 2", "\x00"])
def test_what_is_no_toml(tmp_path: Path, text: str) -> None:
    (tmp_path / "x.toml").write_text(text)
    with pytest.raises(CaseError, match="cannot be read") as caught:
        load_case(tmp_path / "x.toml")
    assert "x.toml" in str(caught.value)


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "bytes.toml").write_bytes(b"\xff\xfe")
    for name, said in (
        ("bytes.toml", "the case file cannot be read: it is no text in UTF-8"),
        ("missing.toml", "there is no such case file"),
        (".", "this is a folder, not a case file"),
    ):
        with pytest.raises(CaseError) as caught:
            load_case(tmp_path / name)
        assert str(caught.value).startswith(f"{said} at {tmp_path / name}"), name
        assert str(caught.value).count(str(tmp_path)) == 1, name
        assert "Errno" not in str(caught.value)


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
