"""The benchmark of owners runs from nothing to its last line, and what it compares is the same."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from benchmarks import owners, owners_chain, owners_peers, paths

ROOT = Path(__file__).parent.parent
COUNT = 3_000


def printed_by(name: str, folder: Path, *more: str) -> str:
    """Run a benchmark as people do, and return what it printed."""
    done = subprocess.run(
        [sys.executable, "-m", f"benchmarks.{name}", str(folder), str(COUNT), *more],
        cwd=ROOT, capture_output=True, text=True, check=False,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """Run that of owners, and return its folder and what it printed."""
    folder = tmp_path_factory.mktemp("owners")
    return folder, printed_by("owners", folder)


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


def test_traces_of_a_size_are_found_and_measured(told: tuple[Path, str]) -> None:
    printed = printed_by("trace", told[0], "--size", "40", "--about", "4", "--subjects", "3")
    assert re.fullmatch(
        r"3,000 transactions: fifo: 3 subjects, 40±4 visited: walk \d+\.\d+ ms, \d+\.\d µs a"
        r" transaction; trace \d+\.\d ms, with digest \d+\.\d ms\n",
        printed,
    )


def test_scans_are_measured_beside_others_and_compared(told: tuple[Path, str]) -> None:
    lines = printed_by("taint", told[0]).splitlines()
    ways = [line.split(": ")[1] for line in lines if line.startswith("3,000 transactions: ")]
    assert ways == ["gather", "blended", "screened", "oldest", "reached", "taint", "scipy",
                    "networkx"]  # fmt: skip
    (said,) = [line for line in lines if line.startswith("3,000 transactions: networkx")]
    assert float(said.rsplit("relative difference ", 1)[1]) < 1e-9


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


def test_account_chains_of_ten_times_the_length_are_pulled_whole(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.accounts_memory", str(tmp_path / "b"), "--blocks", "3",
         "--rows", "20"],
        cwd=ROOT, capture_output=True, text=True, check=False,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    rows = [int(re.sub(r"\D", "", found)) for found in re.findall(r"[\d,]+ transf", done.stdout)]
    assert rows == [3 * 175, 30 * 175, 20, 200]


def test_routes_through_a_hub_are_found_to_the_end_of_a_side() -> None:
    told = list(paths.measured(300))
    assert len(told) == 8
    for line in told:
        assert re.search(r"300 ways, by \w+: cpu \d+\.\d+ s, \d[\d,]* edges, 3 routes", line)
        assert line.endswith("to its end True")
