"""What was compiled of files of tags is what they say, or it is refused or made anew."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

import chainwatch as cw
from chainwatch.addresses import canonical
from chainwatch.attribution.files import compiled, readers
from chainwatch.errors import TagError
from chainwatch.results.result import digest_result

ONE, TWO, THREE = (canonical.text(b"\x01" + bytes(19) + bytes([n]), "btc") for n in (1, 2, 3))
HEAD = "title: T\ncreator: C\nlabel: L\nsource: S\ncurrency: BTC\ncategory: market\n"
PACK = f"{HEAD}tags:\n- address: {TWO}\n- address: {ONE}\n- address: nothing\n"


@pytest.fixture
def said(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    lines: list[str] = []
    monkeypatch.setattr(compiled, "announce", lines.append)
    return lines


@pytest.fixture
def parsed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Note each file that is parsed."""
    names: list[str] = []
    for kind, read in readers._READ.items():

        def noted(path, name, root, said, included, read=read):
            names.append(name)
            return read(path, name, root, said, included)

        monkeypatch.setitem(readers._READ, kind, noted)
    return names


def packed(tmp_path: Path, text: str = PACK, name: str = "pack.yaml") -> Path:
    path = tmp_path / name
    path.write_text(text)
    return path


def folders(tmp_path: Path) -> list[str]:
    return sorted(one.name for one in (tmp_path / "kept").iterdir())


FILES: dict[str, Callable[[Path], Path]] = {
    "tagpack": packed,
    "table": lambda tmp: packed(tmp, f"address,label\n{ONE},a\nnothing,b\n", "labels.csv"),
    "list": lambda tmp: packed(tmp, f"{ONE}\n{TWO}\nnothing\n", "some_XBT.txt"),
    "feed": lambda tmp: packed(
        tmp, json.dumps({"Event": {"Attribute": [{"type": "btc", "value": ONE}]}}), "event.json"
    ),
}


@pytest.mark.parametrize("kind", FILES)
def test_it_says_what_the_file_says_and_the_file_is_parsed_once(
    tmp_path: Path, kind: str, parsed: list[str]
) -> None:
    path = FILES[kind](tmp_path)
    plain = cw.read_tags(path, chain="btc")
    for _ in range(3):
        read = cw.read_tags(path, chain="btc", compiled=tmp_path / "kept")
        assert read.frame.equals(plain.frame)
        assert read.rejected.equals(plain.rejected)
        assert digest_result(read) == digest_result(plain)
    assert len(parsed) == 2, "once without, once to compile it"


def test_a_folder_of_packs(tmp_path: Path, parsed: list[str]) -> None:
    packs = tmp_path / "packs"
    (packs / "sub").mkdir(parents=True)
    packed(packs)
    packed(packs / "sub", PACK.replace(ONE, THREE))
    plain = cw.read_tags(packs)
    for _ in range(2):
        assert cw.read_tags(packs, compiled=tmp_path / "kept").frame.equals(plain.frame)
    assert parsed == ["pack.yaml", "sub/pack.yaml"] * 2


def test_a_pack_that_changed_is_compiled_anew_and_that_is_said(
    tmp_path: Path, said: list[str]
) -> None:
    path = packed(tmp_path)
    cw.read_tags(path, compiled=tmp_path / "kept")
    assert said == []
    packed(tmp_path, PACK.replace(ONE, THREE))
    read = cw.read_tags(path, compiled=tmp_path / "kept")
    assert read.of(THREE, "btc").height == 1
    assert said == ["pack.yaml changed since it was compiled: it is compiled anew"]
    assert len(folders(tmp_path)) == 2


def test_a_pack_is_compiled_anew_for_another_reader(
    tmp_path: Path, parsed: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = packed(tmp_path)
    cw.read_tags(path, compiled=tmp_path / "kept")
    cw.read_tags(path, chain="btc", compiled=tmp_path / "kept")
    monkeypatch.setattr(compiled, "FORMAT", compiled.FORMAT + 1)
    cw.read_tags(path, compiled=tmp_path / "kept")
    monkeypatch.setattr(compiled, "TREE", "another tree")
    cw.read_tags(path, compiled=tmp_path / "kept")
    assert len(parsed) == len(folders(tmp_path)) == 4


def test_an_included_header_that_changed_is_seen(tmp_path: Path, parsed: list[str]) -> None:
    packs = tmp_path / "packs"
    packs.mkdir()
    header = packed(packs, HEAD, "header.yaml")
    packed(packs, f"header: !include header.yaml\ntags:\n- address: {ONE}\n")
    for _ in range(2):
        cw.read_tags(packs, compiled=tmp_path / "kept")
    assert len(parsed) == 1
    header.write_text(HEAD.replace("label: L", "label: M"))
    for _ in range(2):
        read = cw.read_tags(packs, compiled=tmp_path / "kept")
        assert read.frame["label"].to_list() == ["M"]
    assert len(parsed) == 2
    assert len(folders(tmp_path)) == 1


@pytest.mark.parametrize("name", ["tags.parquet", "rejected.parquet", "compiled.json"])
@pytest.mark.parametrize("deed", ["one byte", "cut off", "empty", "gone"])
def test_what_was_changed_is_refused(tmp_path: Path, name: str, deed: str) -> None:
    path = packed(tmp_path)
    plain = cw.read_tags(path, compiled=tmp_path / "kept")
    (folder,) = (tmp_path / "kept").iterdir()
    file = folder / name
    data = bytearray(file.read_bytes())
    if deed == "gone":
        file.unlink()
    else:
        data[len(data) // 2] ^= 1
        kept = {"one byte": data, "cut off": data[:-5], "empty": b""}[deed]
        file.write_bytes(bytes(kept))
    with pytest.raises(TagError, match=r"changed or is damaged at pack-\w{16}; remove this folder"):
        cw.read_tags(path, compiled=tmp_path / "kept")
    shutil.rmtree(folder)
    assert cw.read_tags(path, compiled=tmp_path / "kept").frame.equals(plain.frame)


def test_what_is_compiled_of_another_file_is_refused(tmp_path: Path) -> None:
    path = packed(tmp_path)
    cw.read_tags(path, compiled=tmp_path / "kept")
    (first,) = (tmp_path / "kept").iterdir()
    other = packed(tmp_path, PACK.replace(ONE, THREE), "pack.yaml")
    cw.read_tags(other, compiled=tmp_path / "kept")
    (second,) = set((tmp_path / "kept").iterdir()) - {first}
    shutil.rmtree(second)
    shutil.copytree(first, second)
    with pytest.raises(TagError, match="changed or is damaged"):
        cw.read_tags(other, compiled=tmp_path / "kept")


def test_a_pack_that_breaks_the_format_is_never_kept(tmp_path: Path) -> None:
    path = packed(tmp_path, PACK.replace("market", "markets"))
    for _ in range(2):
        with pytest.raises(TagError, match="no concept 'markets'"):
            cw.read_tags(path, compiled=tmp_path / "kept")
    assert not (tmp_path / "kept").exists()


def test_where_nothing_can_be_kept_the_tags_are_read_all_the_same(
    tmp_path: Path, said: list[str]
) -> None:
    path = packed(tmp_path)
    kept = packed(tmp_path, "a file", "kept")
    read = cw.read_tags(path, compiled=kept)
    assert read.frame.equals(cw.read_tags(path).frame)
    assert said[0].startswith("what was compiled cannot be kept: ")


def test_a_file_that_changes_while_it_is_read_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = packed(tmp_path)
    whole = readers._READ["tagpack"]

    def slow(*given):
        frames = whole(*given)
        packed(tmp_path, PACK.replace(ONE, THREE))
        return frames

    monkeypatch.setitem(readers._READ, "tagpack", slow)
    with pytest.raises(TagError, match=r"changed while it was read at pack\.yaml; read it again"):
        cw.read_tags(path, compiled=tmp_path / "kept")


def test_no_name_of_a_file_leads_out_of_the_folder(tmp_path: Path) -> None:
    for name in ("a b;c.yaml", "пак.yaml", "...yaml", "x" * 120 + ".yaml"):
        path = packed(tmp_path, PACK, name)
        cw.read_tags(path, compiled=tmp_path / "kept")
    assert all(len(one) < 80 and one.isascii() for one in folders(tmp_path))
    assert len(folders(tmp_path)) == 4
