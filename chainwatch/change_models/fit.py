"""The one module that fits: a random forest of scikit-learn, turned into trees of whole numbers.

One thread, a fixed seed and rows in a fixed order, so that the same rows give the same trees by
the same version of scikit-learn. What is fitted is handed on as numbers: nothing that predicts
needs the library.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import version
from math import floor
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from chainwatch.change_models.trees import LEAF, WHOLE, Trees, Values, rows_of
from chainwatch.errors import extra


class Growth(NamedTuple):
    """How a forest is grown.

    Attributes
    ----------
    trees : int
        How many.
    depth : int
        Questions on the way to a leaf, at most.
    smallest_leaf : int
        Rows of a leaf, at least: a leaf of few would say what single owners did.
    seed : int
        What chance begins with.
    """

    trees: int = 100
    depth: int = 8
    smallest_leaf: int = 5
    seed: int = 0

    def identity(self) -> Mapping[str, int]:
        """Return how it is grown, by name, as it stands in the record of a model."""
        return self._asdict()


def fitted_by() -> str:
    """Return the library that fits, with its version."""
    _library()
    return f"scikit-learn {version('scikit-learn')}"


def grow(values: Values, is_change: NDArray[np.bool_], growth: Growth) -> Trees:
    """Return a random forest fitted to outputs whose every feature is known.

    Parameters
    ----------
    values : array of int64, outputs x features
        Features in their order, none of them unknown.
    is_change : array of bool, outputs
        What each is.
    growth : Growth
        How it is grown.

    Raises
    ------
    MissingExtra
        If scikit-learn is not installed.

    References
    ----------
    Breiman, Random Forests, Machine Learning 45 (2001); scikit-learn's ``RandomForestClassifier``.
    """
    forest = _library().RandomForestClassifier(
        n_estimators=growth.trees, max_depth=growth.depth, min_samples_leaf=growth.smallest_leaf,
        max_features="sqrt", bootstrap=True, random_state=growth.seed, n_jobs=1,
    )  # fmt: skip
    forest.fit(values.astype(np.float32), is_change)
    place = list(forest.classes_).index(True)
    return Trees(rows_of([_numbers(one.tree_, place) for one in forest.estimators_]))


def _library() -> Any:
    with extra("learn", "scikit-learn"):
        from sklearn import ensemble
    return ensemble


def _numbers(tree: Any, change: int) -> list[tuple[int, int, int, int, int]]:
    """Return the nodes of one tree as whole numbers; features are whole, so no threshold moves."""
    rows = []
    for node in range(tree.node_count):
        low, high = int(tree.children_left[node]), int(tree.children_right[node])
        leaf = low == high
        share = int(np.rint(float(tree.value[node][0][change]) * WHOLE))
        if leaf:
            rows.append((LEAF, 0, LEAF, LEAF, share))
        else:
            at_most = floor(float(tree.threshold[node]))
            rows.append((int(tree.feature[node]), at_most, low, high, share))
    return rows
