"""What was touched is found, and a hostile bag does nothing: no link followed, nothing written."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import bagit
import pytest

import chainwatch as cw
from chainwatch.case.bundle import bag as module
from chainwatch.case.bundle.bag import MANIFESTS, TAG_MANIFESTS
from chainwatch.case.bundle.bundle import Bundle
from chainwatch.case.bundle.check import verify_bundle
from chainwatch.case.bundle.replay import replay
from chainwatch.case.seal import LOG, MANIFEST, RUN, SEAL
from chainwatch.errors import CaseError, OutputExists
from chainwatch.results.provenance import digest_bytes


@pytest.fixture
def copied(bundles: dict[str, Bundle], tmp_path: Path) -> Path:
    return Path(shutil.copytree(bundles["working"].folder, tmp_path / "bag"))


def bagged_again(bag: Path) -> None:
    """Make manifests of what lies there now, as somebody who knows the format would."""
    found = bagit.Bag(str(bag))
    found.save(manifests=True)


def test_one_byte_of_any_file(copied: Path) -> None:
    files = sorted(path for path in copied.rglob("*") if path.is_file())
    some = [*files[:: max(1, len(files) // 40)], *(copied / name for name in TAG_MANIFESTS)]
    for path in some:
        before = path.read_bytes()
        if not before:
            continue
        data = bytearray(before)
        data[len(data) // 2] ^= 1
        path.write_bytes(data)
        with pytest.raises(CaseError):
            verify_bundle(copied)
        path.write_bytes(before)
    verify_bundle(copied)


def edited(bag: Path, name: str, change: Callable[[bytes], bytes]) -> None:
    """Change a file of the edition and make the bag again, seal and all but what cannot be."""
    path = bag / "data" / "edition" / name
    path.write_bytes(change(path.read_bytes()))
    bagged_again(bag)


@pytest.mark.parametrize(
    ("name", "change"),
    [
        (LOG, lambda data: b"\n".join([*data.split(b"\n")[:-3], b""])),
        (LOG, lambda data: data.replace(b"add", b"odd", 1)),
        ("figures/flow.png", lambda data: data[:-1] + bytes([data[-1] ^ 1])),
        (RUN, lambda data: data.replace(b"2024-09-27", b"2023-09-27", 1)),
    ],
)
def test_an_edition_touched_and_bagged_again(
    copied: Path, name: str, change: Callable[[bytes], bytes]
) -> None:
    edited(copied, name, change)
    with pytest.raises(CaseError, match=r"changed after sealing") as caught:
        verify_bundle(copied)
    assert name in str(caught.value)


def test_a_figure_swapped_for_another(copied: Path) -> None:
    folder = copied / "data" / "edition" / "figures"
    one, other = sorted(folder.glob("*.png"))[:2]
    spare = folder / "spare"
    one.rename(spare)
    other.rename(one)
    spare.rename(other)
    with pytest.raises(CaseError, match=r"figures/.* was changed"):
        verify_bundle(copied)


def test_a_wrong_time_sealed_and_bagged_again(copied: Path) -> None:
    edition = copied / "data" / "edition"
    run = json.loads((edition / RUN).read_bytes())
    first = sorted(run["times"])[0]
    run["times"][first] = "2030-01-01T00:00:00+00:00"
    (edition / RUN).write_text(json.dumps(run))
    seal = {name: digest_bytes((edition / name).read_bytes()) for name in (MANIFEST, RUN)}
    (edition / SEAL).write_text(json.dumps(seal))
    about = copied / "data" / "bundle.json"
    said = json.loads(about.read_bytes())
    said["seal"] = digest_bytes((edition / SEAL).read_bytes())
    about.write_text(json.dumps(said))
    bagged_again(copied)
    with pytest.raises(CaseError, match="a timestamp is wrong"):
        verify_bundle(copied)


def test_a_file_of_the_extract_touched_and_bagged_again_is_found_by_replay(copied: Path) -> None:
    file = copied / "data" / "extract" / "files" / "tags.csv"
    file.write_bytes(file.read_bytes().replace(b"Exchange 1", b"Exchange 2"))
    bagged_again(copied)
    verify_bundle(copied)  # the bag is whole, and the edition as it was sealed
    with pytest.raises(CaseError, match="changed since the case read it"):
        replay(copied)


@pytest.mark.parametrize("what", ["file", "folder", "pipe"])
def test_links_and_pipes(copied: Path, tmp_path: Path, what: str) -> None:
    place = copied / "data" / "edition" / "x"
    if what == "pipe":
        os.mkfifo(place)
    else:
        place.symlink_to("/etc/hostname" if what == "file" else "/etc")
    with pytest.raises(CaseError, match=r"the bag holds (a link|what is no file)"):
        verify_bundle(copied)


@pytest.mark.parametrize(
    "name", ["../outside", "/etc/hostname", "data/../../outside", "data/C:x", "data\\x", "~/x"]
)
def test_names_that_leave_the_bag(copied: Path, name: str) -> None:
    for manifest in MANIFESTS:
        size = 64 if "256" in manifest else 128
        with (copied / manifest).open("a") as file:
            file.write(f"{'0' * size}  {name}\n")
    with pytest.raises(CaseError, match="names what is no file of the bag"):
        verify_bundle(copied)


def test_what_no_bundle_holds(copied: Path) -> None:
    (copied / "fetch.txt").write_text("http://example.com/x 5 data/x\n")
    with pytest.raises(CaseError, match=r"holds what no bundle holds at .*fetch\.txt"):
        verify_bundle(copied)


@pytest.mark.parametrize("name", ["bagit.txt", "bag-info.txt", *MANIFESTS, *TAG_MANIFESTS])
def test_a_list_is_missing_or_cut(copied: Path, name: str) -> None:
    data = (copied / name).read_bytes()
    (copied / name).write_bytes(data[: len(data) // 2])
    with pytest.raises(CaseError):
        verify_bundle(copied)
    (copied / name).unlink()
    with pytest.raises(CaseError):
        cw.verify(copied) if name == "bagit.txt" else verify_bundle(copied)


def test_a_payload_that_was_cut(copied: Path) -> None:
    (copied / "data" / "edition" / "report.pdf").unlink()
    with pytest.raises(CaseError, match=r"report\.pdf is missing in the bag"):
        verify_bundle(copied)


def test_folders_in_folders(copied: Path) -> None:
    deep = copied / "data"
    for _ in range(80):
        deep /= "d"
    deep.mkdir(parents=True)
    with pytest.raises(CaseError, match="more than 64 deep"):
        verify_bundle(copied)


def test_absurd_sizes(copied: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LARGEST_LIST", 100)
    with pytest.raises(CaseError, match="a list of the bag is larger"):
        verify_bundle(copied)
    monkeypatch.setattr(module, "MOST_FILES", 3)
    with pytest.raises(CaseError, match="more than 3 files"):
        verify_bundle(copied)


def test_a_seal_of_another_edition_in_what_a_bundle_says(copied: Path) -> None:
    about = copied / "data" / "bundle.json"
    about.write_text(json.dumps({**json.loads(about.read_bytes()), "seal": "0" * 64}))
    bagged_again(copied)
    with pytest.raises(CaseError, match="the bundle says two things of its seal"):
        verify_bundle(copied)


def test_it_says_who_is_expected(copied: Path, bundles: dict[str, Bundle]) -> None:
    digest = bundles["working"].digest
    nobody = cw.verify(copied)
    assert not nobody.matched
    assert not nobody.edition.matched, "the bag's own seal is none that is kept"
    assert "that was expected" not in repr(nobody)
    assert cw.verify(copied, digest).edition.matched
    assert "the bundle that was expected" in repr(cw.verify(copied, f"sha256:{digest}"))
    (copied / "data" / "README.txt").write_text("another")
    bagged_again(copied)
    with pytest.raises(CaseError, match="this is another bundle"):
        cw.verify(copied, digest)


def test_a_disclosure_is_not_replayed_and_says_so(bundles: dict[str, Bundle]) -> None:
    bag = bundles["disclosure"].folder
    assert "a disclosure holds no extract" in repr(cw.verify(bag))
    with pytest.raises(CaseError, match=r"a disclosure holds no extract.*verify works on it"):
        replay(bag)
    assert not (bag / "data" / "extract").exists()


def test_nothing_is_overwritten_or_half_written(small_run: Path, tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    with pytest.raises(OutputExists):
        cw.bundle(small_run, tmp_path / "there")
    for more in ({"edition": "working"}, {"tlp": "PURPLE"}, {"edition": "other"}):
        with pytest.raises(CaseError):
            cw.bundle(small_run, tmp_path / "new", **more)
    with pytest.raises(CaseError, match=r"larger than a bundle carries"):
        cw.bundle(
            small_run, tmp_path / "new", edition="working", reason="r", authority="a",
            data=small_run.parent / "data", largest=10,
        )  # fmt: skip
    assert [item.name for item in tmp_path.iterdir()] == ["there"]


def test_every_file_that_differs_is_named(copied: Path) -> None:
    longer, other, gone = sorted((copied / "data" / "edition").rglob("*.csv"))[:3]
    longer.write_bytes(longer.read_bytes() + b"\n")
    with pytest.raises(CaseError) as caught:
        verify_bundle(copied)
    name = longer.relative_to(copied).as_posix()
    assert caught.value.what == f"{name} was changed since the bag was made"
    data = other.read_bytes()
    other.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    gone.unlink()
    (copied / "data" / "zzz").write_bytes(b"more")
    (copied / "bag-info.txt").write_bytes(b"Bagging-Date: 2020-01-01\n")
    with pytest.raises(CaseError) as caught:
        verify_bundle(copied)
    second, third = (one.relative_to(copied).as_posix() for one in (other, gone))
    assert caught.value.what == (
        f"bag-info.txt was changed since the bag was made, {name} was changed since the bag was"
        f" made, {second} was changed since the bag was made, {third} is missing in the bag,"
        " data/zzz was added after the bag was made"
    )


def test_of_very_many_files_some_are_named(copied: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_NAMED", 2)
    for path in sorted((copied / "data" / "edition").rglob("*.csv"))[:4]:
        path.write_bytes(b"")
    with pytest.raises(CaseError, match=r"made and 2 more files differ at ") as caught:
        verify_bundle(copied)
    assert caught.value.what.count("was changed") == 2
