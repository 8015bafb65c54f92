"""Labels made of a simulated chain, and a model fitted to them: each made once."""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec

import polars as pl
import pytest

from chainwatch.chains.catalogue import chain
from chainwatch.change_models.features import NAMES
from chainwatch.change_models.labels import EXAMPLES, LABELS, LEFT_OUT, ChangeLabels
from chainwatch.clusters.cluster import cluster
from chainwatch.heuristics.links import LINKS, Links

CHAIN = chain("btc-regtest").id


def made_up(owners: int, *, first: int = 0, unlike: Callable[[int], bool] = lambda _: True):
    """Return labels of so many owners, three transactions each, change and payment as they differ.

    Of an owner of whom ``unlike`` says no, payments have all the features of change.
    """
    rows = []
    for owner in range(first, first + owners):
        base = b"\x03" + owner.to_bytes(20, "big")
        for each in range(3):
            tx = (owner * 3 + each + 1) << 24
            for n, is_change in enumerate((each % 2 == 0, each % 2 == 1)):
                like = is_change or not unlike(owner)
                told = dict.fromkeys(NAMES, int(like)) | {"last": n, "zeros": 0 if like else 5}
                rows.append((CHAIN, tx, n, base, is_change, *told.values()))
    base = cluster(Links(LINKS.empty()))
    return ChangeLabels(LABELS.empty(), EXAMPLES.frame(rows), LEFT_OUT.empty(), base)


@pytest.fixture(scope="session")
def fitting() -> None:
    """Skip where nothing can be fitted."""
    if find_spec("sklearn") is None:
        pytest.skip("scikit-learn is not installed")


@pytest.fixture(scope="session")
def labels() -> Callable[..., ChangeLabels]:
    return made_up


@pytest.fixture(scope="session")
def example() -> Callable[..., pl.DataFrame]:
    """Return what makes one row of features, all of them 0 but for those that are named."""

    def make(**said: int | None) -> pl.DataFrame:
        told = dict.fromkeys(NAMES, 0) | said
        return pl.DataFrame([list(told.values())], schema=dict.fromkeys(NAMES, pl.Int64),
                            orient="row")  # fmt: skip

    return make
