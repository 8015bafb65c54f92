"""Cases that were worked once for all tests here: the simulated one, and the real one on Tron."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import pytest

from chainwatch.case.recipes.run import RunReport, run_case
from chainwatch.cli.demo import run_demo

ROOT = Path(__file__).resolve().parents[2]


class Worked(NamedTuple):
    """The folder of a case, and the lines that were printed."""

    folder: Path
    lines: list[str]


@pytest.fixture(scope="session")
def demo_case(tmp_path_factory: pytest.TempPathFactory) -> Worked:
    """The demo; change nothing in its folder, copy it."""
    folder = tmp_path_factory.mktemp("demo") / "otter"
    return Worked(folder, list(run_demo(folder, say=lambda _: None)))


@pytest.fixture(scope="session")
def tron_case(real_data: Path, tmp_path_factory: pytest.TempPathFactory) -> RunReport:
    """The case of ASO 15/22 on the real data."""
    return run_case(
        ROOT / "examples" / "tron_15_22.toml",
        tmp_path_factory.mktemp("tron") / "case",
        data=real_data,
        mask_key=bytes(range(32)),
        acquired=datetime(2024, 9, 27, tzinfo=UTC),
    )
