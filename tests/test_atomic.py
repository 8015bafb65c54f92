"""Folders appear whole or not at all, and an earlier one is never lost on the way."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from chainwatch import atomic
from chainwatch.atomic import write_whole
from chainwatch.errors import CaseError, InputError, OutputExists


def fill(text: str):
    def write(folder: Path) -> None:
        (folder / "mark").write_text(text)

    return write


def ours(folder: Path) -> bool:
    return (folder / "mark").is_file()


def names(folder: Path) -> list[str]:
    return sorted(item.name for item in folder.iterdir())


def test_it_appears_with_what_is_above_it(tmp_path: Path) -> None:
    write_whole(tmp_path / "a" / "b", fill("1"))
    assert names(tmp_path / "a") == ["b"]
    assert (tmp_path / "a" / "b" / "mark").read_text() == "1"


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
def test_an_error_leaves_nothing(tmp_path: Path, error: type[BaseException]) -> None:
    def fail(folder: Path) -> None:
        (folder / "half").write_text("x")
        raise error

    with pytest.raises(error):
        write_whole(tmp_path / "a" / "b", fail)
    assert names(tmp_path) == []


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
def test_an_error_leaves_the_earlier_folder(tmp_path: Path, error: type[BaseException]) -> None:
    write_whole(tmp_path / "x", fill("1"))

    def fail(_: Path) -> None:
        raise error

    with pytest.raises(error):
        write_whole(tmp_path / "x", fail, ours=ours, replace=True)
    assert names(tmp_path) == ["x"]
    assert (tmp_path / "x" / "mark").read_text() == "1"


def test_a_taken_name_is_refused(tmp_path: Path) -> None:
    write_whole(tmp_path / "x", fill("1"))
    for more in ({}, {"replace": True}, {"ours": ours}):
        with pytest.raises(OutputExists):
            write_whole(tmp_path / "x", fill("2"), **more)
    with pytest.raises(OutputExists, match="--replace"):
        write_whole(tmp_path / "x", fill("2"), ours=ours)
    assert (tmp_path / "x" / "mark").read_text() == "1"


def test_what_is_not_ours_is_never_replaced(tmp_path: Path) -> None:
    (tmp_path / "x").mkdir()
    (tmp_path / "x" / "thesis.tex").write_text("three years")
    (tmp_path / "file").write_text("x")
    write_whole(tmp_path / "real", fill("1"))
    (tmp_path / "link").symlink_to(tmp_path / "real")
    (tmp_path / "dangling").symlink_to("nowhere")
    for name in ("x", "file", "link", "dangling"):
        with pytest.raises(OutputExists):
            write_whole(tmp_path / name, fill("2"), ours=ours, replace=True)
    assert (tmp_path / "x" / "thesis.tex").read_text() == "three years"
    assert (tmp_path / "real" / "mark").read_text() == "1"


def test_replacing(tmp_path: Path) -> None:
    write_whole(tmp_path / "x", fill("1"))
    write_whole(tmp_path / "x", fill("2"), ours=ours, replace=True)
    assert (tmp_path / "x" / "mark").read_text() == "2"
    assert names(tmp_path) == ["x"]


def test_if_the_last_rename_fails_the_earlier_folder_stands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_whole(tmp_path / "x", fill("1"))
    rename = Path.rename

    def fails(self: Path, target: Path) -> Path:
        if self.name.endswith("unfinished"):
            raise OSError(28, "No space left on device", str(self))
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", fails)
    with pytest.raises(OSError, match="No space"):
        write_whole(tmp_path / "x", fill("2"), ours=ours, replace=True)
    assert (tmp_path / "x" / "mark").read_text() == "1"
    assert names(tmp_path) == ["x"]


KILLED = """
import os, sys
from pathlib import Path
from chainwatch.atomic import write_whole
target, when = Path(sys.argv[1]), sys.argv[2]
rename = Path.rename
def die(self, to):
    done = rename(self, to) if when == "between" else None
    os._exit(9)
def fill(folder):
    (folder / "mark").write_text("2")
    if when == "filling":
        os._exit(9)
Path.rename = die
write_whole(target, fill, ours=lambda folder: (folder / "mark").is_file(), replace=True)
"""


@pytest.mark.parametrize("when", ["filling", "before", "between"])
def test_the_next_run_clears_up_after_one_that_was_killed(tmp_path: Path, when: str) -> None:
    write_whole(tmp_path / "x", fill("1"))
    command = [sys.executable, "-c", KILLED, str(tmp_path / "x"), when]
    assert subprocess.run(command, check=False).returncode == 9
    assert len(names(tmp_path)) > 1, "nothing was left to clear up"
    with pytest.raises(OutputExists, match="--replace"):
        write_whole(tmp_path / "x", fill("3"), ours=ours)
    assert (tmp_path / "x" / "mark").read_text() == "1", "the earlier folder is lost"
    write_whole(tmp_path / "x", fill("3"), ours=ours, replace=True)
    assert names(tmp_path) == ["x"]
    assert (tmp_path / "x" / "mark").read_text() == "3"


def test_two_runs_do_not_write_one_folder(tmp_path: Path) -> None:
    def inner(_: Path) -> None:
        with pytest.raises(OutputExists, match=rf"another run .* \(process {os.getpid()}, since 2"):
            write_whole(tmp_path / "x", fill("inner"))
        raise RuntimeError

    with pytest.raises(RuntimeError):
        write_whole(tmp_path / "x", inner)
    write_whole(tmp_path / "x", fill("1"))
    assert names(tmp_path) == ["x"]


def test_a_lock_that_the_run_before_removed_is_no_leave(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who opened the lock before its holder removed it holds a file that nobody else will see."""
    opened = Path.open

    def meanwhile(self: Path, *how: str) -> object:
        handle = opened(self, *how)
        self.unlink()
        return handle

    monkeypatch.setattr(Path, "open", meanwhile)
    with pytest.raises(OutputExists, match="another run"):
        write_whole(tmp_path / "x", fill("1"))
    assert names(tmp_path) == []


@pytest.mark.skipif(os.name == "nt", reason="this system has locks of another kind")
def test_a_file_system_without_locks_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import fcntl

    def refuse(*_: object) -> None:
        raise OSError(37, "No locks available")

    monkeypatch.setattr(fcntl, "flock", refuse)
    with pytest.raises(InputError, match=r"can lock no file \(No locks available\)"):
        write_whole(tmp_path / "x", fill("1"))


def test_a_folder_needs_a_name_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(CaseError, match="cannot be an output folder"):
        write_whole("/", fill("1"))
    monkeypatch.chdir(tmp_path)
    for name in (".", "..", "x/.."):
        with pytest.raises(OutputExists):
            write_whole(name, fill("1"))
    assert atomic.absolute("x") == tmp_path / "x"


@pytest.mark.skipif(os.name == "nt", reason="this system has rights of another kind")
def test_a_parent_that_cannot_be_written(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    root = os.geteuid() == 0
    if root:
        os.seteuid(65_534)  # nobody: root may write everywhere
    try:
        with pytest.raises(OSError, match="denied"):
            write_whole(tmp_path / "x", fill("1"))
    finally:
        if root:
            os.seteuid(0)


def test_a_file_is_written_once_and_whole(tmp_path: Path) -> None:
    path = tmp_path / "new" / "file.txt"
    digest = atomic.write_new(path, b"abc")
    assert digest == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    with pytest.raises(OutputExists, match="exists already"):
        atomic.write_new(path, b"other")
    assert path.read_bytes() == b"abc"
    assert [item.name for item in path.parent.iterdir()] == ["file.txt"]


def test_a_file_is_replaced_where_that_is_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "file.txt"
    atomic.write_new(path, b"old")
    with pytest.raises(OutputExists, match=r"exists already.*pass replace=True \(--replace"):
        atomic.write_new(path, b"new")
    atomic.write_new(path, b"new", replace=True)
    assert path.read_bytes() == b"new"
    assert [item.name for item in tmp_path.iterdir()] == ["file.txt"]
    folder = tmp_path / "folder"
    folder.mkdir()
    with pytest.raises(OutputExists, match="a folder has the name"):
        atomic.write_new(folder, b"new", replace=True)


def test_a_file_system_without_links_gets_the_file_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(source: object, target: object) -> None:
        raise PermissionError("no links here")

    monkeypatch.setattr(atomic.os, "link", refuse)
    atomic.write_new(tmp_path / "a", b"abc")
    with pytest.raises(OutputExists):
        atomic.write_new(tmp_path / "a", b"other")
    assert (tmp_path / "a").read_bytes() == b"abc"
    assert [item.name for item in tmp_path.iterdir()] == ["a"]
