"""The command line as it is called, for all tests of it."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import stamina

from chainwatch.cli import app
from chainwatch.privacy import session

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Run:
    """Call the command line as the installed command does; status, stdout, stderr."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("CHAINWATCH_DATA", raising=False)
    # Whether loops are compiled now or were before depends on which test came first.
    monkeypatch.setattr(app, "announce_by", lambda tell: None)

    def called(*arguments: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["chainwatch", *map(str, arguments)])
        desk = session._desk
        kept = desk.edition, [*desk.leaves]
        try:
            with stamina.set_testing(True, attempts=2, cap=True):
                app.main()
            status = 0
        except SystemExit as stop:
            status = int(stop.code or 0)
        finally:  # as with a process of its own
            desk.edition, desk.leaves[:] = kept
        said = capsys.readouterr()
        return status, said.out, said.err

    return called
