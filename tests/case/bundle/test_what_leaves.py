"""What a bundle gives away beside its edition: names of recipients, packages, keys and rows."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from chainwatch.case.bundle import environment
from chainwatch.case.bundle.bundle import Bundle
from chainwatch.case.bundle.environment import lock_file
from chainwatch.case.bundle.joining import joining
from chainwatch.case.bundle.replay import compared
from chainwatch.errors import CaseError, InputError
from chainwatch.privacy.mask_key import read_mask_key, recipient_key, recipient_name

KEY = bytes(range(32))


@pytest.mark.parametrize(
    ("one", "other"),
    [("Ame\u0301lie", "Am\u00e9lie"), ("  Office  A ", "Office A"), ("Office\u00a0A", "Office A")],
)
def test_names_that_look_the_same_are_one_recipient(one: str, other: str) -> None:
    assert recipient_name(one) == other
    assert recipient_key(KEY, one) == recipient_key(KEY, other)
    assert recipient_key(KEY, other) != recipient_key(KEY, other.lower())


@pytest.mark.parametrize(
    "name", ["a\u200bb", "a\nb", "a\tb", "\u202ea", "a\u3164", "\x00", "\ud800"]
)
def test_a_name_with_what_nobody_sees_is_refused(name: str) -> None:
    for take in (recipient_name, lambda text: recipient_key(KEY, text)):
        with pytest.raises(InputError, match="one that nobody sees"):
            take(name)


def test_a_working_bundle_never_carries_the_key_of_the_case(bundles: dict[str, Bundle]) -> None:
    """From the key of a case the key of every recipient could be made."""
    carried = read_mask_key(bundles["working"].folder / "data/extract/mask_key.txt")
    assert carried == recipient_key(KEY, "")
    assert carried != KEY
    assert recipient_key(carried, "Office A") != recipient_key(KEY, "Office A")
    for path in bundles["working"].folder.rglob("*"):
        if path.is_file():
            assert KEY.hex().encode() not in path.read_bytes(), path


class Installed:
    """A distribution as it lies on some machine."""

    version = "1"

    def __init__(self, name: str, *lines: str, needs: tuple[str, ...] = ()) -> None:
        self.lines, self.requires, self.metadata = lines, list(needs), Metadata(Name=name)

    def read_text(self, _: str) -> str:
        return "".join(f"{line}\n" for line in self.lines)


class Metadata(dict[str, str]):
    """Its facts."""

    def get_all(self, _: str) -> list[str]:
        return ["sign"]


def told(monkeypatch: pytest.MonkeyPatch, edition: str, *found: Installed) -> str:
    monkeypatch.setattr(environment, "distributions", lambda: iter(found))
    return lock_file(edition)


def test_digests_of_packages_tell_nothing_of_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    own = ("a/__init__.py,sha256=x,1", "a/b.so,sha256=y,2")
    machine = (
        "../../../bin/a,sha256=of-the-path-of-python,9", "a-1.dist-info/direct_url.json,sha256=p,9",
        "a-1.dist-info/INSTALLER,sha256=q,4", "_a.pth,sha256=r,20", "a/__pycache__/b.pyc,,",
        "__editable___a_finder.py,sha256=s,20", "a-1.dist-info/RECORD,,",
    )  # fmt: skip
    plain = told(monkeypatch, "working", Installed("a", *own))
    assert plain == told(monkeypatch, "working", Installed("a", *machine, *reversed(own)))
    assert plain != told(monkeypatch, "working", Installed("a", own[0]))
    assert "record" not in told(monkeypatch, "working", Installed("a", *machine)).split("\na==1")[1]


def test_a_disclosure_lists_only_what_chainwatch_depends_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    found = (
        Installed("chainwatch", needs=("b>=1", "signs; extra == 'sign'", "no; extra == 'other'")),
        Installed("B", needs=("c_d[x]",)), Installed("c.d", needs=("far; extra == 'x'",)),
        Installed("far"), Installed("signs"), Installed("no"), Installed("a-tool-of-the-desk"),
    )  # fmt: skip
    lines = told(monkeypatch, "disclosure", *found).splitlines()
    names = [line.split("==")[0] for line in lines if "==" in line]
    assert names == ["b", "c-d", "chainwatch", "far", "signs"]
    assert "a-tool-of-the-desk==1" in told(monkeypatch, "working", *found)


def test_the_environment_of_a_disclosure(bundles: dict[str, Bundle]) -> None:
    listed = (bundles["disclosure"].folder / "data/environment.txt").read_text()
    assert "\nchainwatch==" in listed
    assert "\npolars==" in listed
    assert "\npytest==" not in listed


def test_a_table_that_names_no_history_is_not_said_to_hold_none(
    bundles: dict[str, Bundle],
) -> None:
    page = (bundles["disclosure"].folder / "data/edition/report.html").read_text("utf-8")
    assert "The file does not say whose transfers it holds" in page
    assert "transfers of 0 addresses" not in page


ONE, TWO, THREE = ("masked-aaaaaaaaaa", "masked-bbbbbbbbbb", "masked-cccccccccc")


def test_rows_that_are_like_no_other_are_counted(tmp_path: Path) -> None:
    (tmp_path / "tables").mkdir()
    rows = f"who,amount\n{ONE},5\n{TWO},5\n{THREE},7\nmasked,9\n"
    (tmp_path / "tables" / "steps.csv").write_text(rows)
    found = joining(tmp_path)
    assert found == (3, 1)
    assert found.said().startswith("1 of 3 masked parties stand in a row that is like no other")
    (tmp_path / "tables" / "more.csv").write_text(f'a,b\n"{ONE}, {TWO}",1\n')
    assert joining(tmp_path) == (3, 3)
    (tmp_path / "many").mkdir()
    rows = "".join(f"{who},≈ 3\n" for who in (ONE, ONE, TWO, THREE))
    (tmp_path / "many" / "steps.csv").write_text(rows)
    assert joining(tmp_path / "many") == (3, 1), "of rows that are alike, one party has two"
    (tmp_path / "none").mkdir()
    assert joining(tmp_path / "none").said() == ""


@pytest.mark.parametrize("change", [{"results": None}, {"results": [{}]}, {"files": "x"}])
def test_a_manifest_without_results_is_told(
    bundles: dict[str, Bundle], tmp_path: Path, change: dict[str, object]
) -> None:
    edition = bundles["working"].folder / "data" / "edition"
    other = Path(shutil.copytree(edition, tmp_path / "other"))
    path = other / "manifest.json"
    path.write_text(json.dumps({**json.loads(path.read_bytes()), **change}))
    for pair in ((other, edition), (edition, other)):
        with pytest.raises(CaseError, match="the manifest lists no"):
            compared(tmp_path, *pair)
