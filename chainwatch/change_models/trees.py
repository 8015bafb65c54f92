"""Decision trees as whole numbers, and what they say of an output of which something is unknown.

A tree asks of each output whether a feature is at most a number, and ends at a leaf with a share
of ten thousand: how much of what it was fitted on was change there. The score of an output is the
sum over all trees. Where a feature is unknown, a tree goes both ways, so that the score is known
between two bounds, and no value is put in place of what nobody read.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from chainwatch.change_models.features import FEATURES, TOP, UNKNOWN
from chainwatch.errors import InputError
from chainwatch.results.provenance import digest_frame
from chainwatch.results.table import Column, Table

WHOLE = 10_000
"""The share of a leaf that held change alone."""

LEAF = -1
"""What stands for the feature of a leaf."""

MOST_NODES = 1_000_000
"""Nodes of all trees together: a file with more is refused before it is evaluated."""

Values = NDArray[np.int64]

TREES = Table(
    "trees",
    ("tree", "node"),
    "One row per node of each tree; a tree begins at its node 0.",
    (
        Column.number("tree", "0, 1, ..."),
        Column.number("node", "0, 1, ... within the tree; its branches have larger numbers"),
        Column.number("feature", "number of the feature that is asked; -1 at a leaf"),
        Column.number("at_most", "the first branch is taken where the feature is at most this"),
        Column.number("low", "node of the first branch; -1 at a leaf"),
        Column.number("high", "node of the other branch; -1 at a leaf"),
        Column.number("share", "change among what it was fitted on there, in ten thousandths"),
    ),
)


class Bounds(NamedTuple):
    """Scores between two bounds, a row each: equal where all that was asked is known.

    ``votes_low`` and ``votes_high`` count the trees whose leaf held more change than payments.
    """

    low: Values
    high: Values
    votes_low: Values
    votes_high: Values


class Thresholds(NamedTuple):
    """From which score on an output is called change, and below which it is ruled out as change.

    Between the two nobody knows.
    """

    at_least: int
    below: int

    def identity(self) -> Mapping[str, int]:
        """Return both by name, as they stand in the record of a result."""
        return self._asdict()


@dataclass(frozen=True)
class Trees:
    """Trees of one forest.

    Attributes
    ----------
    nodes : polars.DataFrame
        Rows in ``TREES``, by tree and node.

    Raises
    ------
    InputError
        If the rows are no trees: a branch leads nowhere or back, a feature or share is none.
    """

    nodes: pl.DataFrame

    def __post_init__(self) -> None:
        fault = fault_of(self.nodes)
        if fault:
            raise InputError(
                f"the trees of a change model are no trees: {fault}",
                remedy="take the file as it was written, or fit the model anew",
            )

    def identity(self) -> Mapping[str, str]:
        """Return the digest of the nodes, as it stands in the record of a result."""
        return {"trees": f"sha256:{digest_frame(self.nodes, TREES.key)}"}

    @property
    def count(self) -> int:
        """How many trees there are."""
        return int(self.nodes["tree"].n_unique())

    @property
    def most(self) -> int:
        """The largest score: every tree is sure."""
        return self.count * WHOLE

    def bounds(self, values: Values) -> Bounds:
        """Return the scores of outputs.

        Parameters
        ----------
        values : array of int64, outputs x features
            Features in their order, ``UNKNOWN`` where nobody knows one.
        """
        low, high, votes_low, votes_high = (np.zeros(len(values), np.int64) for _ in range(4))
        for _, tree in self.nodes.group_by("tree", maintain_order=True):
            below, above = _walk(tree.select(TREES.names[2:]).to_numpy(), values)
            low, high = low + below, high + above
            votes_low = votes_low + (2 * below > WHOLE)
            votes_high = votes_high + (2 * above > WHOLE)
        return Bounds(low, high, votes_low, votes_high)


def _walk(nodes: Values, values: Values) -> tuple[Values, Values]:
    """Return the smallest and largest share that one tree can give each output."""
    feature, at_most, first, other, share = nodes.T
    low = np.full(len(values), WHOLE, np.int64)
    high = np.zeros(len(values), np.int64)
    waiting = [(0, np.arange(len(values)))]
    while waiting:
        node, rows = waiting.pop()
        if not len(rows):
            continue
        asked = feature[node]
        if asked == LEAF:
            low[rows] = np.minimum(low[rows], share[node])
            high[rows] = np.maximum(high[rows], share[node])
            continue
        seen = values[rows, asked]
        unknown = seen == UNKNOWN
        waiting.append((first[node], rows[unknown | (seen <= at_most[node])]))
        waiting.append((other[node], rows[unknown | (seen > at_most[node])]))
    return low, high


def fault_of(nodes: pl.DataFrame) -> str:
    """Return why rows are no trees, in a few words; nothing where they are."""
    if dict(nodes.schema) != TREES.schema:
        return f"they have the columns {', '.join(TREES.names)} and their types"
    if nodes.is_empty():
        return "there is none"
    if nodes.height > MOST_NODES:
        return f"they have more than {MOST_NODES:,} nodes"
    if nodes.null_count().sum_horizontal()[0]:
        return "a number is missing"
    if not nodes.select("tree", "node").equals(_numbered(nodes)):
        return "trees and nodes are not numbered 0, 1, ..."
    return _fault_of_branches(nodes)


def _numbered(nodes: pl.DataFrame) -> pl.DataFrame:
    """Return the numbers that trees and nodes must have, in the order of the rows."""
    sizes = nodes.group_by("tree", maintain_order=True).len()["len"].to_list()
    pairs = [(tree, node) for tree, size in enumerate(sizes) for node in range(size)]
    return pl.DataFrame(pairs, schema={"tree": pl.Int64, "node": pl.Int64}, orient="row")


def _fault_of_branches(nodes: pl.DataFrame) -> str:
    """Return what is wrong with features, branches and shares; nothing where all is well."""
    leaf = pl.col("feature") == LEAF
    size = pl.len().over("tree")
    leads = [(pl.col(name) > pl.col("node")) & (pl.col(name) < size) for name in ("low", "high")]
    ends = [pl.col(name) == LEAF for name in ("low", "high")]
    apart = pl.col("low") != pl.col("high")
    branches = pl.when(leaf).then(ends[0] & ends[1]).otherwise(leads[0] & leads[1] & apart)
    tests = {
        "a node asks for a feature that there is not": pl.col("feature").is_between(
            LEAF, len(FEATURES) - 1
        ),
        "a branch leads to no node behind it": branches,
        "a node asks for a number that no feature has": pl.col("at_most").is_between(0, TOP),
        "a share is none": pl.col("share").is_between(0, WHOLE),
    }
    for said, test in tests.items():
        if not nodes.select(test.all()).item():
            return said
    return _fault_of_reach(nodes)


def _fault_of_reach(nodes: pl.DataFrame) -> str:
    """Return whether a node is reached from several, or from none: then a walk may not end soon."""
    inner = nodes.filter(pl.col("feature") != LEAF)
    reached = pl.concat([inner.select("tree", node=side) for side in ("low", "high")])
    others = nodes.filter(pl.col("node") > 0).select("tree", "node")
    if reached.sort("tree", "node").equals(others):
        return ""
    return "a node is reached from several others, or from none"


def rows_of(trees: Sequence[Sequence[Sequence[int]]]) -> pl.DataFrame:
    """Return trees given as rows ``feature, at_most, low, high, share`` in ``TREES``."""
    return TREES.frame(
        (tree, node, *row) for tree, nodes in enumerate(trees) for node, row in enumerate(nodes)
    )
