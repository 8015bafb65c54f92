"""Each real file is read once, whatever paths lead to it and in whatever order they are given."""

from __future__ import annotations

from datetime import date
from itertools import permutations
from pathlib import Path
from types import SimpleNamespace

import pytest
from account_chains import Accounts

import chainwatch as cw
from chainwatch.attribution.files.readers import READ_ALREADY
from chainwatch.case.file.model import TagFiles
from chainwatch.case.recipes.tags import tags_of_case

LIST = "an authority"


def pack(folder: Path, actor: str, day: str, number: int = 1, name: str = "p.yaml") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_text(
        "title: T\ncreator: C\nsource: x\nlabel: L\nnetwork: ETH\nconcepts: [exchange]\n"
        f"lastmod: {day}\nactor: {actor}\ntags:\n- address: '0x{number:040x}'\n"
    )
    return path


@pytest.fixture
def folders(tmp_path: Path) -> Path:
    pack(tmp_path / "a", "a", "2024-01-01")
    pack(tmp_path / "b", "b", "2024-02-01")
    pack(tmp_path, "z", "2024-03-01", 3, "z.yaml")
    return tmp_path


def test_the_order_of_the_tables_of_a_case_decides_nothing(folders: Path) -> None:
    ledger = Accounts().ledger([("a>b:1", 0)])
    tables = [TagFiles(path="a/p.yaml"), TagFiles(path="b/p.yaml"),
              TagFiles(path="z.yaml", chain="eth")]  # fmt: skip
    found = [
        tags_of_case(SimpleNamespace(tags=order), folders, ledger)  # type: ignore[arg-type]
        for order in permutations(tables)
    ]
    assert sorted(found[0].frame["pack"]) == ["a/p.yaml", "b/p.yaml", "z.yaml"]
    assert all(one.frame.equals(found[0].frame) for one in found)
    assert all(one.rejected.is_empty() for one in found)


def test_a_file_and_its_folder_are_one_file(folders: Path) -> None:
    paths = [folders, folders / "a", folders / "a" / "p.yaml"]
    for order in permutations(paths):
        read = cw.read_tags(order)
        assert sorted(read.frame["pack"]) == ["a/p.yaml", "b/p.yaml", "z.yaml"]
    alone = cw.read_tags(paths[1:])
    assert alone.frame["pack"].to_list() == ["p.yaml"]


@pytest.mark.parametrize("name", ["0.yaml", "q.yaml"])
def test_a_link_to_a_file_is_no_second_file(folders: Path, name: str) -> None:
    (folders / "a" / name).symlink_to(folders / "a" / "p.yaml")
    read = cw.read_tags(folders / "a")
    assert read.frame["pack"].to_list() == ["p.yaml"]
    assert read.rejected.rows() == [(name, "", "", f"file not read: {READ_ALREADY}")]
    pair = [folders / "a" / name, folders / "a" / "p.yaml"]
    for order in (pair, pair[::-1]):
        assert cw.read_tags(order).frame["pack"].to_list() == ["p.yaml"]


def test_a_list_of_sanctions_is_counted_once(tmp_path: Path) -> None:
    inner = tmp_path / "lists"
    inner.mkdir()
    file = inner / "addresses_ETH.txt"
    file.write_text(f"0x{1:040x}\n")
    (inner / "again_ETH.txt").symlink_to(file)
    for order in permutations([tmp_path, inner, file]):
        read = cw.read_sanctions(order, publisher=LIST, as_of="2024-01-01")
        assert read.frame["pack"].to_list() == ["lists/addresses_ETH.txt"]


def test_a_list_of_orders_is_counted_once(tmp_path: Path) -> None:
    file = tmp_path / "orders.csv"
    file.write_text(f"address,order\n0x{1:040x},O1\n")
    (tmp_path / "again.csv").symlink_to(file)
    tables = [TagFiles(path=name, kind="seizures", publisher=LIST, as_of=date(2024, 1, 1),
                       chain="eth")
              for name in ("again.csv", "orders.csv")]  # fmt: skip
    ledger = Accounts().ledger([("a>b:1", 0)])
    for order in (tables, tables[::-1]):
        read = tags_of_case(SimpleNamespace(tags=order), tmp_path, ledger)  # type: ignore[arg-type]
        assert read.frame["pack"].to_list() == ["orders.csv"]
