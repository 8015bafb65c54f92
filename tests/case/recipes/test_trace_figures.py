"""A case draws its charts in both editions: range, times, sums, exposure, evidence, coverage."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from chainwatch.case.seal import verify
from chainwatch.figures.case_figures import HEADINGS

NAMES = ("range", "timeline", "sum_check")
CHARTS = ("exposure", "cluster_evidence", "coverage")


@pytest.mark.parametrize("edition", ["disclosure", "working"])
def test_they_stand_in_each_edition(demo_case: Any, edition: str) -> None:
    folder: Path = demo_case.folder / edition
    page = (folder / "report.html").read_text("utf-8")
    for name in (*NAMES, *CHARTS):
        assert (folder / "figures" / f"{name}.svg").is_file()
        assert (folder / "figures" / f"{name}.png").is_file()
        assert HEADINGS[name] in page
    assert "A range across methods is no confidence interval" in page
    assert "Both sides run to the same line" in page
    assert "Exposure is no knowledge" in page
    assert "What was not read is unknown, and stands in no total" in page
    verify(folder)
    # What has no flows has no graph either.
    assert [one.name for one in (folder / "graph").iterdir()] == ["flow.graphml"]


def test_the_disclosure_rounds_and_tells_months(demo_case: Any) -> None:
    said = {
        edition: " ".join(
            (demo_case.folder / edition / "figures" / f"{name}.svg").read_text("utf-8")
            for name in NAMES
        )
        for edition in ("disclosure", "working")
    }
    assert "≈" in said["disclosure"]
    assert "≈" not in said["working"]
    assert "A bar is a month" in said["disclosure"]
    # The day of the last block that was read is said on the first page too, and is nobody's.
    paid = said["disclosure"].replace("up to block 288 (2023-09-30)", "")
    assert paid != said["disclosure"]
    assert not re.search(r"2023-\d\d-\d\d", paid)
    assert re.search(r"2023-\d\d-\d\d", said["working"])


def test_the_charts_keep_to_their_edition(demo_case: Any) -> None:
    said = {
        (edition, name): (demo_case.folder / edition / "figures" / f"{name}.svg").read_text("utf-8")
        for edition in ("disclosure", "working")
        for name in CHARTS
    }
    assert "≈" in said["disclosure", "exposure"]
    assert "≈" not in said["working", "exposure"]
    assert "in a transaction that is withheld" in said["disclosure", "cluster_evidence"]
    assert re.search(r"in [0-9a-f]{64} ", said["working", "cluster_evidence"])
    for edition in ("disclosure", "working"):
        assert "up to block 288 (2023-09-30)" in said[edition, "coverage"]
        assert "289 blocks in 1 run" in said[edition, "coverage"]
