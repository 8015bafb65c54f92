"""What lies in bundles of both editions: what belongs there, masked, the same bytes each time."""

from __future__ import annotations

import json
from pathlib import Path

import bagit
import pytest
from small_case import MADE, OTHERS, SUBJECT

import chainwatch as cw
from chainwatch.case.bundle.bundle import Bundle, bundle
from chainwatch.case.bundle.check import verify_bundle
from chainwatch.errors import CaseError


def contents(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*") if path.is_file()
    }  # fmt: skip


def test_both_verify_also_by_another_tool(bundles: dict[str, Bundle]) -> None:
    for edition, made in bundles.items():
        found = verify_bundle(made.folder)
        assert found.about.edition == edition
        assert found.digest == made.digest
        assert bagit.Bag(str(made.folder)).is_valid()


def test_the_same_bytes_each_time(
    bundles: dict[str, Bundle], small_run: Path, tmp_path: Path
) -> None:
    again = bundle(
        small_run, tmp_path / "bag", edition="working", reason="another", authority="another",
        data=small_run.parent / "data", made=MADE,
    )  # fmt: skip
    one, other = contents(bundles["working"].folder), contents(again.folder)
    assert [name for name in one if one[name] != other.get(name)] == []
    assert set(one) == set(other)


def test_a_disclosure_gives_nobody_away(bundles: dict[str, Bundle], small_run: Path) -> None:
    files = contents(bundles["disclosure"].folder)
    told = json.loads(files["data/edition/case.json"])
    assert told["subjects"]["addresses"] == [SUBJECT]
    assert not [name for name in files if "extract" in name or name.endswith("case.toml")]
    assert not [name for name, data in files.items() for one in OTHERS if one.encode() in data]
    found = cw.leaks(
        bundles["disclosure"].folder, working=small_run / "working", annex=small_run / "annex"
    )
    assert found.frame.height == 0, repr(found)
    inputs = json.loads(files["data/edition/inputs.json"])
    assert inputs["case_file"].startswith("hmac-sha256:")
    assert {one["path"] for one in inputs["files"]} == {"input 1", "input 2"}


def test_a_working_bundle_holds_what_it_takes(bundles: dict[str, Bundle]) -> None:
    files = contents(bundles["working"].folder)
    assert files["data/edition/case.toml"] == files["data/extract/rerun/case.toml"]
    assert files["data/edition/case.toml"].startswith(b"# Who asked")
    assert "data/extract/files/tags.csv" in files
    assert "data/extract/files/transfers.csv" not in files, "the ledger is carried in its place"
    assert b"\npolars==" in files["data/environment.txt"]


def test_the_schedule_stands_in_both(bundles: dict[str, Bundle]) -> None:
    for made in bundles.values():
        files = contents(made.folder)
        told = json.loads(files["data/edition/unused.json"])
        assert told["planned"][0]["what"] == "hypothesis: The money goes to one exchange."
        assert told["departures"] == []
        assert (
            b"Written down before: The money goes to one exchange."
            in (files["data/edition/report.html"])
        )


def test_an_edition_by_itself_is_bundled_and_never_replayed(
    small_run: Path, tmp_path: Path
) -> None:
    made = cw.bundle(small_run / "disclosure", tmp_path / "bag")
    assert "made without a case file" in repr(cw.verify(made.folder))
    with pytest.raises(CaseError, match="nothing to replay"):
        cw.replay(made.folder)
    with pytest.raises(CaseError, match="by itself can be given no other marking"):
        cw.bundle(small_run / "disclosure", tmp_path / "other", tlp="CLEAR")
    with pytest.raises(CaseError, match="this is the disclosure edition, not the working"):
        cw.bundle(small_run / "disclosure", tmp_path / "other", edition="working", reason="r",
                  authority="a")  # fmt: skip
