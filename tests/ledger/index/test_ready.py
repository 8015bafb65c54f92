"""Where the index of a trace is kept: in the folder, or in memory, and what is said of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from chainwatch.ingest.pull import pull
from chainwatch.ledger.index import ready as module
from chainwatch.ledger.index.index import build_index, has_index
from chainwatch.ledger.index.ready import IN_MEMORY, ready
from chainwatch.ledger.ledger import Ledger, open_ledger
from chainwatch.sources.block_files import BlockFiles

CHAIN = "btc-regtest"


@pytest.fixture
def folder(otter_case: Any, tmp_path: Path) -> Path:
    (tmp_path / "b.dat").write_bytes(otter_case.otter.blocks)
    pull(tmp_path / "ledger", BlockFiles(tmp_path / "b.dat", CHAIN), progress=False)
    return tmp_path / "ledger"


def columns(ledger: Ledger) -> dict[str, list[Any]]:
    return {name: one.tolist() for name, one in ready(ledger, CHAIN).index.columns.items()}


def test_a_small_ledger_is_left_as_it_is(folder: Path) -> None:
    ledger = open_ledger(folder)
    assert ready(ledger, CHAIN) is ready(ledger.between(None, None), CHAIN)
    assert not has_index(folder)


def test_a_large_one_keeps_it(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = columns(open_ledger(folder))
    monkeypatch.setattr(module, "LARGE", 1)
    assert columns(open_ledger(folder)) == expected
    assert has_index(folder)


def test_what_cannot_be_kept_is_said(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(_: Ledger) -> None:
        raise PermissionError(13, "denied")

    told: list[str] = []
    expected = columns(open_ledger(folder))
    monkeypatch.setattr(module, "LARGE", 1)
    monkeypatch.setattr(module, "build_index", refused)
    monkeypatch.setattr(module, "announce", told.append)
    assert columns(open_ledger(folder)) == expected
    assert told == [IN_MEMORY]
    assert not has_index(folder)


def test_an_index_that_is_there_is_opened(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    build_index(open_ledger(folder))
    monkeypatch.setattr(module, "build_index", None)
    monkeypatch.setattr(module, "columns_of", None)
    assert ready(open_ledger(folder), CHAIN).index.commit == 1
