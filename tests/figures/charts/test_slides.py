"""Charts of a case of usual size can be read on a slide, and what has too many rows is refused."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from matplotlib.axes import Axes

import chainwatch as cw
from chainwatch import figures


@pytest.fixture(scope="module")
def drawn(
    ranged: cw.TraceRange, exposed: Mapping[str, cw.Exposure], joined: cw.Clusters,
    read: cw.WhatWasRead,
) -> dict[str, Any]:  # fmt: skip
    of = joined.frame["cluster"].value_counts(sort=True)["cluster"][0]
    members = joined.frame.filter(pl.col("cluster") == of)["address"]
    fifo = ranged.traces["fifo"]
    return {
        "activity_map": lambda: figures.activity_map(fifo),
        "cluster_evidence": lambda: figures.cluster_evidence(joined.why(members[0], members[1])),
        "coverage_chart": lambda: figures.coverage_chart(read),
        "exposure_bars": lambda: figures.exposure_bars(exposed["fifo"]),
        "timeline": lambda: figures.timeline(fifo),
    }


@pytest.mark.parametrize(
    "name", ["activity_map", "cluster_evidence", "coverage_chart", "exposure_bars", "timeline"]
)
def test_it_can_be_read_on_a_slide(name: str, drawn: dict[str, Any], tmp_path: Path) -> None:
    ax: Axes = drawn[name]()
    figures.save(ax, tmp_path / "one.svg", size="slide")
    assert (tmp_path / "one.svg").stat().st_size > 5_000
