"""A small case on a token, run once, and bundles of it: change nothing in them, copy them."""

from __future__ import annotations

from pathlib import Path

import pytest
from small_case import ACQUIRED, KEY, MADE, write_data

from chainwatch.case.bundle.bundle import Bundle, bundle
from chainwatch.case.recipes.run import run_case


@pytest.fixture(scope="session")
def small_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run; its data lies beside it in ``data``."""
    room = tmp_path_factory.mktemp("small")
    file, data = write_data(room / "data"), room / "data"
    return run_case(file, room / "run", data=data, mask_key=KEY, acquired=ACQUIRED).folder


@pytest.fixture(scope="session")
def bundles(small_run: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Bundle]:
    """One bundle of each edition."""
    room = tmp_path_factory.mktemp("bundles")
    return {
        "disclosure": bundle(small_run, room / "disclosure", made=MADE),
        "working": bundle(
            small_run, room / "working", edition="working", reason="to be rerun",
            authority="a court", data=small_run.parent / "data", made=MADE,
        ),
    }  # fmt: skip
