"""A case file of thirty pages and twelve figures, from its results to the sealed folder.

``python -m benchmarks.report [WAYS]`` follows the money of three sources, each through a hub and
WAYS ways to a target (:mod:`benchmarks.paths`), under one policy and under all: of each a flow
figure, a range, a timeline and a check of sums, with every step printed. The traces are made before
anything is measured. Then the case is masked and written: figures, tables, page, PDF with its data,
manifest, seal. Times are of the clock and of the processor.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from pypdf import PdfReader

import chainwatch as cw
from benchmarks.paths import BTC, coin, coins
from chainwatch import figures
from chainwatch.case.case import Case
from chainwatch.figures.case_figures import trace_figures
from chainwatch.ledger.lookup.basis import Basis

WAYS = 56
"""With so many ways the steps of three sources take the report to thirty pages."""


def case_of(ways: int) -> Case:
    """Return a case of three sources with twelve figures."""
    acquired = datetime(2024, 1, 2, tzinfo=UTC)
    case = Case("made", question="How long does it take?", mask_key=bytes(32))
    case.basis = Basis(acquired, acquired)
    for number in range(3):
        ledger = coins(ways + number)
        links = cw.co_spends(ledger)
        followed = cw.trace(ledger, [coin("A")], policy="fifo", chain=BTC.chain)
        every = cw.trace_all(ledger, [coin("A")], chain=BTC.chain)
        case.add(figures.flow(followed, top=40, name=f"source {number}"))
        case.add(followed, every, cw.cluster(links), links)
        for figure in trace_figures(followed, every, f"source {number}"):
            case.add(figure)
    return case


def measured(ways: int) -> Iterator[str]:
    """Yield what it takes to write the case, and what comes out."""
    with tempfile.TemporaryDirectory() as name:
        case_of(2).write(Path(name) / "first")  # what is compiled and loaded once
        case = case_of(ways)
        clock, cpu = time.perf_counter(), time.process_time()
        folder = case.write(Path(name) / "case")
        took = f"{time.perf_counter() - clock:.1f} s, cpu {time.process_time() - cpu:.1f} s"
        pages = len(PdfReader(folder / "report.pdf").pages)
        drawn = len(list((folder / "figures").glob("*.svg")))
        sizes = ", ".join(
            f"{path} {(folder / path).stat().st_size:,}" for path in ("report.pdf", "report.html")
        )
        yield f"{pages} pages, {drawn} figures: {took}; bytes: {sizes}"


def main() -> None:
    """Measure a case of thirty pages, or of another number of ways."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("ways", nargs="?", type=int, default=WAYS)
    for line in measured(asked.parse_args().ways):
        print(line, flush=True)  # noqa: T201 - what a benchmark is for


if __name__ == "__main__":
    main()
