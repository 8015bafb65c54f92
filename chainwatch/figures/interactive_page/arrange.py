"""Where the nodes of an interactive figure stand: columns from left to right, and rows in them.

The places are computed here and not in the page, so that they are the same in every browser. What
is opened in the page takes the place of what it stood in, and pushes others of its column aside.
"""

from __future__ import annotations

from collections.abc import Sequence

from chainwatch.figures.layout import Link, engine_name, layers, place

MANY = 300
"""Nodes from which on the own engine arranges: dot would take minutes."""

NODE, PASSAGE, GAP = 0.7, 0.05, 0.3
"""Rows that a node and a band that passes by take, and the least distance of two of them."""

SPARE = 1.05
"""Height of the drawing, by that of its fullest column."""

TENTHS = 10
"""Rows are given to a tenth: what is finer than that is not seen, and floats print differently."""


def arrange(nodes: int, links: Sequence[Link], engine: str | None = None) -> list[tuple[int, int]]:
    """Return column and row of each node, rows in tenths and counted from above.

    Parameters
    ----------
    nodes : int
        How many there are.
    links : sequence of Link
        Flows between them, in a fixed order.
    engine : {"dot", "own"}, optional
        Default: dot where it is installed and there are no more than `MANY` nodes.
    """
    if not nodes:
        return []
    chosen = engine_name(engine) if engine or nodes <= MANY else "own"
    plan = layers(nodes, links, chosen)
    heights = [NODE if cell < nodes else PASSAGE for cell in range(len(plan.column))]
    needed = [0.0] * plan.columns
    for cell, column in enumerate(plan.column):
        needed[column] += heights[cell] + GAP
    height = max(needed) * SPARE
    centres = place(plan, heights, height, gap=GAP, engine=chosen)
    return [(plan.column[node], round((height - centres[node]) * TENTHS)) for node in range(nodes)]
