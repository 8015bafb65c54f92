"""Flow frames written by hand or drawn by lot, for the tests of flow figures."""

from __future__ import annotations

import random
from datetime import UTC, datetime
from importlib.util import find_spec

import polars as pl
import pytest

from chainwatch.figures import style
from chainwatch.figures.selection import FLOW_COLUMNS

HAS_DOT = find_spec("pygraphviz") is not None
ENGINES = [
    pytest.param(
        "dot", marks=pytest.mark.skipif(not HAS_DOT, reason="pygraphviz is not installed")
    ),
    "own",
]
HOSTILE = [
    "<script>alert(1)</script>",
    "$x_{2}$ \\frac{1}{0} $",
    "\u202egnp.exe",
    "y" * 10_000,
    "two\nlines\x1b[31m",
    "猫😀\U0001fae0",
    "",
    "\u200f\u05d0\u05d1 \u0627\u0644",
]


def frame(
    flows: list[tuple[str, str, int | None]],
    roles: dict[str, str] | None = None,
    labels: dict[str, str] | None = None,
    coarse: bool = False,
) -> pl.DataFrame:
    """Return a flow frame; a node without role is a bystander."""
    roles, labels = roles or {}, labels or {}
    rows = [
        (
            source,
            target,
            labels.get(source, source),
            labels.get(target, target),
            roles.get(source, "bystander"),
            roles.get(target, "bystander"),
            amount,
            coarse,
            False,
            1 + number % 3,
            datetime(2023, 6, 1, tzinfo=UTC),
            datetime(2023, 6, 2 + number % 20, tzinfo=UTC),
        )
        for number, (source, target, amount) in enumerate(flows)
    ]
    return pl.DataFrame(rows, schema=dict(FLOW_COLUMNS), orient="row")


def trace(edges: int, nodes: int, seed: int = 1) -> pl.DataFrame:
    """Return a random frame with addresses as labels, all roles, cycles and flows to itself."""
    draw = random.Random(seed)  # noqa: S311 - a fixed picture, no secret
    letters = "023456789acdefghjklmnpqrstuvwxyz"
    labels = {
        f"n{node}": "bc1q" + "".join(draw.choice(letters) for _ in range(38))
        for node in range(nodes)
    }
    roles = {name: draw.choice(sorted(style.ROLES)) for name in labels}
    pairs: dict[tuple[str, str], int] = {}
    while len(pairs) < edges:
        source = draw.randrange(nodes)
        target = min(nodes - 1, source + draw.randrange(0, 6)) if draw.random() < 0.95 else 0
        pairs[f"n{source}", f"n{target}"] = int(10 ** draw.uniform(3, 9))
    return frame([(*pair, amount) for pair, amount in pairs.items()], roles, labels)


def chain(hops: int) -> pl.DataFrame:
    """Return a peeling chain: at each hop a payment leaves and the rest moves on."""
    flows: list[tuple[str, str, int | None]] = []
    for hop in range(hops):
        flows += [(f"c{hop}", f"p{hop}", 10**7), (f"c{hop}", f"c{hop + 1}", 10**9 - hop * 10**7)]
    return frame(flows, {"c0": "subject"})


FIGURES = {
    "3 flows": (frame([("a", "b", 5), ("a", "c", 3), ("b", "d", 5)], {"a": "subject"}), 40),
    "12 flows": (trace(12, 8), 40),
    "40 of 300 flows": (trace(300, 120, seed=2), 40),
    "chain of 20 hops": (chain(20), 40),
    "fan of 40": (frame([("s", f"bc1q{n:038d}", 10**6 + n) for n in range(40)]), 40),
    "hostile": (
        frame(
            [(f"n{n}", f"n{n + 1}", 100 - n) for n in range(len(HOSTILE) - 1)],
            labels={f"n{n}": text for n, text in enumerate(HOSTILE)},
        ),
        40,
    ),
    "only to itself": (frame([("a", "a", 5)]), 40),
    "nothing": (frame([]), 40),
}
