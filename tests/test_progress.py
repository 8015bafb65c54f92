"""Progress: in a notebook one line that is written over, in a terminal a sign, else nothing."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from chainwatch.ingest.protocol import Batch, Reader
from chainwatch.ingest.pull import pull
from chainwatch.progress import announce, announce_by, watched


class Publisher:
    """What a notebook's kernel sends to the page."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, str, bool]] = []

    def publish(self, data: dict[str, str], *, transient: dict[str, str], update: bool) -> None:
        self.sent.append((data["text/plain"], transient["display_id"], update))


@pytest.fixture
def notebook(monkeypatch: pytest.MonkeyPatch) -> Publisher:
    publisher = Publisher()
    shell = SimpleNamespace(kernel=object(), display_pub=publisher)
    module: Any = ModuleType("IPython")
    module.get_ipython = lambda: shell
    monkeypatch.setitem(sys.modules, "IPython", module)
    return publisher


def test_a_notebook_shows_one_line(notebook: Publisher) -> None:
    with watched("pull") as tell:
        assert tell is not None
        tell("commit 1\x1b[2J")
    texts = [text for text, _, _ in notebook.sent]
    assert (texts[0], texts[-1]) == ("pull", "")
    assert texts[1].startswith("pull: commit 1")
    assert not any("\x1b" in text for text in texts)
    assert len({name for _, name, _ in notebook.sent}) == 1
    assert [update for _, _, update in notebook.sent] == [False, True, True]


def test_the_line_goes_after_an_error_too(notebook: Publisher) -> None:
    with pytest.raises(ZeroDivisionError), watched("pull"):
        raise ZeroDivisionError
    assert notebook.sent[-1][0] == ""


def test_a_shell_without_a_page_is_no_notebook(
    notebook: Publisher, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.modules["IPython"], "get_ipython", lambda: None)
    with watched("pull") as tell:
        assert tell is None


class Nothing:
    name, chain = "nothing", "bip122:0f9188f13cb7b2c71f2a335e3a4fc328"

    def batches(self, reader: Reader) -> Iterator[Batch]:
        yield Batch({}, (), "nothing")


def test_a_pull_shows_itself_unless_told_not_to(notebook: Publisher, tmp_path: Path) -> None:
    pull(tmp_path / "a", Nothing(), progress=False)
    assert notebook.sent == []
    pull(tmp_path / "b", Nothing())
    assert notebook.sent[0][0] == "pull from nothing"


def test_scripts_are_told_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pull(tmp_path, Nothing())
    assert capsys.readouterr() == ("", "")


def test_what_takes_long_is_announced_where_somebody_looks(
    notebook: Publisher, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with watched("pull"):
        announce("compiling")
    assert "pull: compiling" in [text for text, _, _ in notebook.sent]
    announce("compiling \x1b[2J")
    assert capsys.readouterr().err.startswith("compiling ")
    monkeypatch.delitem(sys.modules, "IPython")
    announce("compiling")
    assert capsys.readouterr().err == ""
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    announce("compiling")
    assert capsys.readouterr().err == "compiling\n"


def test_a_program_that_always_speaks_tells_it(monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    monkeypatch.setattr("chainwatch.progress._otherwise", [])
    announce_by(said.append)
    announce("compiling")
    assert said == ["compiling"]
