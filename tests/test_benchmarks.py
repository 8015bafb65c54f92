"""The benchmark of owners runs from nothing to its last line, and what it compares is the same."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from benchmarks import owners, owners_chain, owners_peers

ROOT = Path(__file__).parent.parent
COUNT = 3_000


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """Run it as people do, and return its folder and what it printed."""
    folder = tmp_path_factory.mktemp("owners")
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.owners", str(folder), str(COUNT)],
        cwd=ROOT, capture_output=True, text=True, check=False,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return folder, done.stdout


def test_it_measures_and_names_the_peers_that_are_missing(told: tuple[Path, str]) -> None:
    _, printed = told
    assert re.search(r"3,000 transactions: index: cpu \d+\.\d+, peak", printed)
    line = next(line for line in printed.splitlines() if ": owners:" in line)
    numbers = {name.strip(): float(value.replace(",", ""))
               for name, value in re.findall(r"([a-z ]+) ([\d.,]+)(?:,|$)", line)}  # fmt: skip
    assert numbers["indexed"] == 1
    assert numbers["joining"] > COUNT / 5
    assert numbers["largest"] > 100
    for peer in ("graphsense-clustering", "scipy"):
        line = next(line for line in printed.splitlines() if peer in line)
        assert "same partition True" in line or "missing" in line


def test_it_keeps_what_it_made(told: tuple[Path, str]) -> None:
    folder, _ = told
    ledger = folder / str(COUNT) / "ledger"
    before = {path: path.stat().st_mtime_ns for path in ledger.rglob("*")}
    assert owners.prepare(folder, COUNT) == (ledger, None)
    assert {path: path.stat().st_mtime_ns for path in ledger.rglob("*")} == before


def test_a_chain_is_always_the_same_and_consistent() -> None:
    made, again = owners_chain.grow(COUNT), owners_chain.grow(COUNT)
    for name in ("in_ptr", "in_out", "out_ptr", "out_addr", "out_value"):
        assert np.array_equal(getattr(made, name), getattr(again, name))
    assert len(set(made.in_out.tolist())) == len(made.in_out)  # nothing is spent twice
    owner = np.repeat(np.arange(COUNT), np.diff(made.in_ptr))
    assert (made.out_ptr[owner] > made.in_out).all()  # and only what was there before
    brought = np.bincount(owner, made.out_value[made.in_out].astype(float), COUNT)
    paid = np.add.reduceat(made.out_value, made.out_ptr[:-1])
    mined = np.diff(made.in_ptr) == 0
    assert (paid[~mined] <= brought[~mined]).all()


def test_partitions_are_told_apart_whatever_their_labels() -> None:
    one = np.array([0, 0, 2, 2, 4])
    assert owners.checksum(one) == owners.checksum(np.array([7, 7, 1, 1, 3]))
    assert owners.checksum(one) == owners_peers.partition(one)
    assert owners.checksum(one) != owners.checksum(np.array([0, 0, 2, 3, 4]))
