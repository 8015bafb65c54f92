"""``chainwatch roles``: what the library says, why, and nobody's address on the screen."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest

import chainwatch as cw
from chainwatch.addresses.canonical import text
from chainwatch.cli import roles as command
from chainwatch.privacy.people.roles import FEW
from chainwatch.privacy.people.size import SMALL_WORTH

Run = Callable[..., tuple[int, str, str]]
KELP = "bcrt1qtt0weclr7m06nekgm7u55a4pspg6f8qlajfqh0"
SMALL = 10_000_000


@pytest.fixture
def asked(otter_case: Any) -> tuple[Any, ...]:
    folder: Path = otter_case.ledger.store.path.parent / "case" / "tags"
    return ("roles", KELP, "--ledger", otter_case.ledger.store.path, "--tags", folder,
            "--clusters")  # fmt: skip


def test_it_says_what_the_library_says(
    run: Run, otter_case: Any, asked: tuple[Any, ...], tmp_path: Path
) -> None:
    ledger = otter_case.ledger
    found = cw.roles(ledger, KELP, tags=otter_case.tags, clusters=cw.owners(ledger), small=SMALL)
    one = found.frame.filter(role="likely consumer")["address"][0]
    shown = text(one, found.asset.chain)
    status, out, err = run(*asked, "--small", SMALL, "--why", shown, "--csv", tmp_path / "p.csv")
    assert status == 0, err
    assert all(line in out for line in repr(found).splitlines())
    assert "Role: likely consumer" in out
    assert "paid a vendor or a market seldom and little" in out
    assert shown not in out
    rows = pl.read_csv(tmp_path / "p.csv", infer_schema=False)
    assert rows.height == found.frame.height
    assert (command.FEW, command.WORTH) == (FEW, SMALL_WORTH)


def test_without_a_measure_it_says_so(run: Run, asked: tuple[Any, ...]) -> None:
    status, out, _ = run(*asked)
    assert status == 0
    assert "not stated, so that nobody is called a likely consumer or a small donor" in out
    assert "likely consumer, masked" not in out
    assert "no role of a subject" in run(*asked, "--role", "victim")[2]
