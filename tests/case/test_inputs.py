"""Which files count as read: those that were opened or named, by names that lead nowhere else."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import chainwatch as cw
from chainwatch.case.bundle.extract import carry_files, check_input
from chainwatch.case.file.model import inside
from chainwatch.case.inputs import Input, Noted, check_name, inputs_of, noted_files
from chainwatch.case.origin import INPUTS, Origin
from chainwatch.case.recipes.rerun import FACTS, Rerun
from chainwatch.errors import CaseError
from chainwatch.results.provenance import digest_bytes

PACK = "title: t\ncreator: c\ntags:\n- address: 1BoatSLRHtKNngkdXEeobR76b53LETtpyT\n  label: x\n"
LEAVE = ["../secret", "/etc/hostname", "a/../../b", "..", "C:\\x", "..\\x", "", "."]


@pytest.fixture
def base(tmp_path: Path) -> Path:
    found = tmp_path / "data"
    (found / "packs").mkdir(parents=True)
    (found / "packs" / "one.txt").write_text("1BoatSLRHtKNngkdXEeobR76b53LETtpyT\n")
    (found / "packs" / "letter to the prosecutor.docx").write_text("private")
    (found / "named.csv").write_text("a\n")
    return found


def read(base: Path, *names: str) -> Noted:
    """Open files below a folder that a case file names, as readers do."""
    with noted_files() as noted:
        for name in ("packs", "named.csv"):
            inside(base, name)
        for name in names:
            (base / name).read_bytes()
    return noted


def paths(noted: Noted, base: Path) -> list[str]:
    return [one.path for one in inputs_of(Noted(), noted, base)]


def test_what_lies_beside_in_a_folder_does_not_count(base: Path) -> None:
    (base / "other.txt").write_text("opened, and in no folder that the case names")
    noted = read(base, "packs/one.txt", "other.txt")
    assert paths(noted, base) == ["named.csv", "packs/one.txt"]
    (base / "packs" / "letter to the prosecutor.docx").read_bytes()  # after it was over
    assert paths(noted, base) == ["named.csv", "packs/one.txt"]
    assert paths(read(base), base) == ["named.csv"]


def test_readers_of_tags_are_heard(base: Path) -> None:
    with noted_files() as noted:
        cw.read_tags(inside(base, "packs"), chain="btc", kind="list")
    assert paths(noted, base) == ["packs/one.txt"]


def test_what_a_pack_includes_counts(base: Path) -> None:
    (base / "packs" / "main.yaml").write_text("tags: !include parts.yaml\n")
    (base / "packs" / "parts.yaml").write_text(PACK)
    (base / "packs" / "other.yaml").write_text(PACK)
    with noted_files() as noted:
        path = inside(base, "packs/main.yaml")
        path.read_bytes()
        (base / "packs" / "parts.yaml").read_bytes()
    assert paths(noted, base) == ["packs/main.yaml", "packs/parts.yaml"]


def test_block_files_count_that_other_processes_read(base: Path) -> None:
    (base / "packs" / "blk00000.dat").write_bytes(b"x")
    assert paths(read(base), base) == ["named.csv", "packs/blk00000.dat"]


def test_links(base: Path, tmp_path: Path) -> None:
    """One inside the folder bears the name by which it is read; one that leads out is refused."""
    (base / "packs" / "link.txt").symlink_to("one.txt")
    assert paths(read(base, "packs/link.txt"), base)[1:] == ["packs/link.txt", "packs/one.txt"]
    (tmp_path / "home_x").mkdir()
    (tmp_path / "home_x" / "secret").write_text("private")
    (base / "packs" / "out.txt").symlink_to(tmp_path / "home_x" / "secret")
    assert "packs/out.txt" not in paths(read(base, "packs/one.txt"), base), "nobody opened it"
    with pytest.raises(CaseError, match="a link that leads out of the data folder"):
        paths(read(base, "packs/out.txt"), base)


@pytest.mark.parametrize("name", LEAVE)
def test_names_that_lead_out_are_refused_wherever_they_are_read(
    base: Path, tmp_path: Path, name: str
) -> None:
    (tmp_path / "secret").write_text("private")
    one = Input(name, 7, digest_bytes(b"private"))
    with pytest.raises(CaseError, match="outside the data folder"):
        check_name(name, "here")
    with pytest.raises(CaseError, match="outside the data folder"):
        check_input(one, base)
    with pytest.raises(CaseError, match="outside the data folder"):
        carry_files([one], base, tmp_path / "extract" / "files", largest=100)
    assert not (tmp_path / "extract").exists()
    Rerun("", (), None, (), "", 0, "").write(tmp_path / "rerun")
    facts = json.loads((tmp_path / "rerun" / FACTS).read_bytes())
    facts["inputs"] = [one._asdict()]
    (tmp_path / "rerun" / FACTS).write_text(json.dumps(facts))
    with pytest.raises(CaseError, match="outside the data folder"):
        Rerun.read(tmp_path / "rerun")


def test_a_link_in_an_extract_is_not_followed_out(base: Path, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("private")
    (base / "x.csv").symlink_to(tmp_path / "secret")
    with pytest.raises(CaseError, match="a link that leads out"):
        check_input(Input("x.csv", 7, digest_bytes(b"private")), base)


def test_a_disclosure_numbers_its_files_and_names_none(tmp_path: Path) -> None:
    case = cw.Case("c", "Whom?", mask_key=bytes(16))
    files = (Input("statement of a witness.csv", 5, "1" * 64), Input("b.csv", 6, "2" * 64))
    origin = Origin("[case]\nname = 'c'\n", files)
    origin.write(tmp_path, case.view("disclosure"))
    told = json.loads((tmp_path / INPUTS).read_bytes())["files"]
    assert [one["path"] for one in told] == ["input 1", "input 2"]
    assert sorted(one["bytes"] for one in told) == [5, 6]
    assert told == sorted(told, key=lambda one: one["digest"]), "no order of names"
    assert b"witness" not in (tmp_path / INPUTS).read_bytes()
