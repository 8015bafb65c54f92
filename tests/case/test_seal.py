"""A sealed case: whatever is touched is named, and nothing outside of it is trusted."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from chainwatch.case.log import Log
from chainwatch.case.seal import LOG, MANIFEST, RUN, SEAL, pretty, verify, write_seal
from chainwatch.errors import CaseError
from chainwatch.results.provenance import digest_bytes


@pytest.fixture
def sealed(tmp_path: Path) -> Path:
    folder = tmp_path / "case"
    (folder / "tables").mkdir(parents=True)
    (folder / "tables" / "a.csv").write_text("x\n1\n")
    log = Log()
    for what in ("one", "two"):
        log.append("me", what, "because", "0" * 64)
    (folder / LOG).write_bytes(log.lines())
    times = {one.digest(): f"2024-01-0{one.number}T00:00:00+00:00" for one in log.entries}
    run = {"times": times, "finished": "2024-01-03T00:00:00+00:00"}
    write_seal(folder, {"case": "c", "log": log.head()}, run)
    return folder


def test_what_was_sealed_verifies(sealed: Path) -> None:
    found = verify(sealed)
    assert (found.files, found.entries) == (2, 2)
    assert found.seal == digest_bytes((sealed / SEAL).read_bytes())
    assert "2 files and 2 log entries are as this seal says" in repr(found)
    assert "compare it with a copy kept elsewhere" in repr(found)
    assert "<p>" in found._repr_html_()


@pytest.mark.parametrize("name", ["tables/a.csv", LOG, MANIFEST, RUN])
def test_one_byte(sealed: Path, name: str) -> None:
    data = bytearray((sealed / name).read_bytes())
    data[len(data) // 2] ^= 1
    (sealed / name).write_bytes(data)
    with pytest.raises(CaseError, match="changed after sealing") as caught:
        verify(sealed)
    assert name in str(caught.value)


def change(folder: Path, name: str, edit: Callable[[dict], None]) -> None:
    """Edit a JSON file and seal the manifest again, as somebody who knows the format would."""
    value = json.loads((folder / name).read_bytes())
    edit(value)
    (folder / name).write_bytes(pretty(value))
    seal = {item: digest_bytes((folder / item).read_bytes()) for item in (MANIFEST, RUN)}
    (folder / SEAL).write_bytes(pretty(seal))


def test_a_forgery_sealed_anew_is_told_by_the_seal_alone(sealed: Path) -> None:
    kept = verify(sealed).seal
    assert "it is the seal that was expected" in repr(verify(sealed, seal=f"sha256:{kept.upper()}"))
    change(sealed, MANIFEST, lambda manifest: manifest.update(case="another"))
    assert verify(sealed).seal != kept
    with pytest.raises(CaseError, match="this is another seal"):
        verify(sealed, seal=kept)


@pytest.mark.parametrize("name", ["x", "tables/x"])
def test_an_empty_folder_added(sealed: Path, name: str) -> None:
    (sealed / name).mkdir()
    with pytest.raises(CaseError, match="a folder was added after sealing") as caught:
        verify(sealed)
    assert name in str(caught.value)


def test_the_manifest_hides_no_characters() -> None:
    said = pretty({"title\u202e": ["a\u202eb\x1b", {"n": 5, "none": None}], "q": "one\ntwo"})
    assert "\u202e" not in said.decode()
    found = json.loads(said)
    assert found == {
        "title‹U+202E›": ["a‹U+202E›b‹U+001B›", {"n": 5, "none": None}],
        "q": "one\ntwo",
    }


def test_a_file_added(sealed: Path) -> None:
    (sealed / "tables" / "b.csv").write_text("x")
    with pytest.raises(CaseError, match="added after sealing") as caught:
        verify(sealed)
    assert "b.csv" in str(caught.value)


def test_a_file_removed_or_renamed(sealed: Path) -> None:
    (sealed / "tables" / "a.csv").rename(sealed / "tables" / "b.csv")
    with pytest.raises(CaseError, match="missing") as caught:
        verify(sealed)
    assert "a.csv" in str(caught.value)


@pytest.mark.parametrize(
    "path", ["../outside", "/etc/hostname", "a/../../outside", "C:\\x", "..\\x"]
)
def test_paths_that_leave_the_case(sealed: Path, path: str) -> None:
    (sealed.parent / "outside").write_text("x")
    row = {"path": path, "bytes": 1, "sha256": digest_bytes(b"x")}
    change(sealed, MANIFEST, lambda manifest: manifest["files"].append(row))
    with pytest.raises(CaseError, match="outside the case"):
        verify(sealed)


@pytest.mark.parametrize("what", ["file", "folder", "dangling"])
def test_links(sealed: Path, what: str) -> None:
    outside = sealed.parent / "outside"
    if what == "file":
        shutil.move(sealed / "tables" / "a.csv", outside)
        (sealed / "tables" / "a.csv").symlink_to(outside)
    elif what == "folder":
        shutil.move(sealed / "tables", outside)
        (sealed / "tables").symlink_to(outside)
    else:
        (sealed / "x").symlink_to("nowhere")
    with pytest.raises(CaseError, match="holds a link"):
        verify(sealed)


def test_a_log_sealed_anew_with_an_entry_less(sealed: Path) -> None:
    lines = (sealed / LOG).read_bytes().splitlines(keepends=True)
    (sealed / LOG).write_bytes(lines[0])
    digest = digest_bytes(lines[0])

    def edit(manifest: dict) -> None:
        for row in manifest["files"]:
            if row["path"] == LOG:
                row["sha256"] = digest

    change(sealed, MANIFEST, edit)
    with pytest.raises(CaseError, match="the log is not the one that was sealed"):
        verify(sealed)


@pytest.mark.parametrize(
    "edit",
    [
        lambda manifest: manifest.pop("files"),
        lambda manifest: manifest.update(files=[{"path": 1}]),
        lambda manifest: manifest.update(files=5),
        lambda manifest: manifest.update(files=[]),
    ],
)
def test_a_manifest_of_another_shape(sealed: Path, edit: Callable[[dict], None]) -> None:
    change(sealed, MANIFEST, edit)
    with pytest.raises(CaseError, match="manifest"):
        verify(sealed)


@pytest.mark.parametrize("data", [b"", b"[]", b"\xff", b"[" * 100_000])
def test_a_seal_that_is_none(sealed: Path, data: bytes) -> None:
    (sealed / SEAL).write_bytes(data)
    with pytest.raises(CaseError, match="not a sealed case"):
        verify(sealed)


def test_nothing_here(tmp_path: Path) -> None:
    for place in (tmp_path, tmp_path / "missing"):
        with pytest.raises(CaseError, match="no sealed case is here"):
            verify(place)


def test_the_seal_covers_the_times_of_the_run(sealed: Path) -> None:
    before = (sealed / SEAL).read_bytes()
    change(sealed, RUN, lambda run: run.update(started="another"))
    assert (sealed / SEAL).read_bytes() != before
    assert "times" not in (sealed / MANIFEST).read_text()


@pytest.mark.parametrize(
    ("edit", "said"),
    [
        (lambda times: times.update(dict.fromkeys(times, "2024-01-04T00:00:00+00:00")), "after"),
        (lambda times: times.update({sorted(times)[0]: "noon"}), "has no time"),
        (lambda times: times.update({sorted(times)[0]: "2024-01-01T00:00:00"}), "has no time"),
        (lambda times: times.update({"f" * 64: "2024-01-01T00:00:00+00:00"}), "of no entry"),
        (lambda times: times.pop(sorted(times)[0]), "has no time"),
    ],
)
def test_a_wrong_timestamp_sealed_anew(
    sealed: Path, edit: Callable[[dict], object], said: str
) -> None:
    change(sealed, RUN, lambda run: edit(run["times"]))
    with pytest.raises(CaseError, match=f"a timestamp is wrong: .*{said}"):
        verify(sealed)


def test_times_that_were_swapped(sealed: Path) -> None:
    def swap(run: dict) -> None:
        (one, first), (other, second) = run["times"].items()
        run["times"] = {one: second, other: first}

    change(sealed, RUN, swap)
    with pytest.raises(CaseError, match="before that of its parent"):
        verify(sealed)


def test_a_case_of_another_format(sealed: Path) -> None:
    change(sealed, MANIFEST, lambda manifest: manifest.update(format=1))
    with pytest.raises(CaseError, match="another version"):
        verify(sealed)
