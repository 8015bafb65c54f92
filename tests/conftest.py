"""What tests of several layers share: the simulated case as a ledger, and where real data lies."""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple

import pytest

from chainwatch.attribution.tags import Tags, read_tags
from chainwatch.ledger.ledger import Ledger, open_ledger
from chainwatch.simulate.otter import Otter, otter
from chainwatch.sources.base import pull
from chainwatch.sources.block_files import BlockFiles


class OtterCase(NamedTuple):
    """The simulated case: its truth, and the ledger and tags that an investigator has of it."""

    otter: Otter
    ledger: Ledger
    tags: Tags


@pytest.fixture(scope="session")
def otter_case(tmp_path_factory: pytest.TempPathFactory) -> OtterCase:
    """Simulate the case once, write it out and read it in again as an investigator would.

    It is shared by the whole session: change nothing of it. A test that pulls more makes a ledger
    of its own.
    """
    folder = tmp_path_factory.mktemp("otter")
    case = otter()
    files = case.write(folder / "case")
    pull(folder / "ledger", BlockFiles(files / "blocks.dat", chain="btc-regtest"))
    return OtterCase(case, open_ledger(folder / "ledger"), read_tags(files / "tags"))


@pytest.fixture(scope="session")
def real_data() -> Path:
    """Return the folder of real chain data; skip, saying so, where there is none."""
    place = os.environ.get("CHAINWATCH_DATA")
    if not place:
        pytest.skip("CHAINWATCH_DATA is not set: this test needs real chain data")
    if not Path(place).is_dir():
        pytest.fail(f"CHAINWATCH_DATA names no folder: {place}")
    return Path(place)
