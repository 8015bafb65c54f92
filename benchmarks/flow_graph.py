"""A flow graph from its flows to its file: layout, boxes, lines and texts.

``python -m benchmarks.flow_graph [NODES]`` makes flows between that many parties: each is paid by
one before it, and one in ten flows leads anywhere, also back. All of them are drawn with either
layout engine, and the forty largest as by default. A graph is drawn once before it is measured;
times are of the processor.
"""

from __future__ import annotations

import argparse
import random
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl

from chainwatch.figures.graph.graph_drawing import draw_graph
from chainwatch.figures.layout import ENGINES
from chainwatch.figures.selection import FLOW_COLUMNS
from chainwatch.figures.style import ROLES, save

START = datetime(2024, 1, 1, tzinfo=UTC)
LETTERS = "023456789acdefghjklmnpqrstuvwxyz"


def flows(nodes: int, seed: int = 1) -> pl.DataFrame:
    """Return flows by which all parties hang together, and a tenth more."""
    draw = random.Random(seed)  # noqa: S311 - the same picture each time, and no secret
    name = ["bc1q" + "".join(draw.choice(LETTERS) for _ in range(38)) for _ in range(nodes)]
    role = [draw.choice(sorted(ROLES)) for _ in range(nodes)]
    pairs = {(draw.randint(n // 4, n // 2), n) for n in range(1, nodes)}
    while len(pairs) < nodes + nodes // 10:
        one, other = draw.sample(range(nodes), 2)
        pairs.add((one, other))
    came = [10**12] + [0] * (nodes - 1)
    rows = []
    for a, b in sorted(pairs, key=lambda pair: (pair[1], pair[0])):
        amount = came[a] * draw.randint(10, 500) // 1000 + 1
        came[b] += amount
        days = (START + timedelta(days=a), START + timedelta(days=a + b % 90))
        rows.append((name[a], name[b], name[a], name[b], role[a], role[b], amount,
                     False, False, 1, *days))  # fmt: skip
    return pl.DataFrame(rows, schema=dict(FLOW_COLUMNS), orient="row")


def measured(nodes: int) -> Iterator[str]:
    """Yield a line for each engine: what drawing takes, and what writing the file takes besides."""
    frame = flows(nodes)
    for engine, top in [*((one, frame.height) for one in sorted(ENGINES)), ("dot", 40)]:
        with tempfile.TemporaryDirectory() as folder:
            for number in range(2):
                begun = time.process_time()
                ax = draw_graph(frame, symbol="BTC", decimals=8, top=top, engine=engine)
                drawn = time.process_time()
                save(ax, Path(folder) / f"{number}.svg")
                written = time.process_time()
        yield (
            f"{nodes} nodes, {top} of {frame.height} flows, {engine}: drawn in"
            f" {drawn - begun:.2f} s of processor time, written as SVG in {written - drawn:.2f} s"
        )


def main() -> None:
    """Measure a graph of three hundred parties, or of another number."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("nodes", nargs="?", type=int, default=300)
    for line in measured(asked.parse_args().nodes):
        print(line, flush=True)  # noqa: T201 - what a benchmark is for


if __name__ == "__main__":
    main()
