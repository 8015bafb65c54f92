"""An honest and an adversarial world once per session, and their blocks by another reader."""

from __future__ import annotations

from typing import Any, NamedTuple

import pytest

from chainwatch.ingest.pull import pull
from chainwatch.ledger.ledger import Ledger, open_ledger
from chainwatch.simulate.owners.simulation import SimulatedOwners, simulate_owners
from chainwatch.sources.block_files import BlockFiles


class Lived(NamedTuple):
    """A world, its transactions as read, and the ledger that an investigator has of it."""

    truth: SimulatedOwners
    txs: dict[bytes, Any]
    order: list[bytes]
    ledger: Ledger


def lived(truth: SimulatedOwners, reading: Any, folder: Any) -> Lived:
    place = truth.write(folder / "truth")
    pull(folder / "ledger", BlockFiles(place / "blocks.dat", chain="btc-regtest"))
    txs = [tx for block in reading(truth.blocks) for tx in block.txs]
    found = {tx.txid: tx for tx in txs}
    return Lived(truth, found, [tx.txid for tx in txs], open_ledger(folder / "ledger"))


@pytest.fixture(scope="session")
def honest(reading: Any, tmp_path_factory: pytest.TempPathFactory) -> Lived:
    made = simulate_owners(7, part="fit", blocks=110)
    return lived(made, reading, tmp_path_factory.mktemp("honest"))


@pytest.fixture(scope="session")
def hostile(reading: Any, tmp_path_factory: pytest.TempPathFactory) -> Lived:
    made = simulate_owners(1_007, part="test", blocks=60, adversarial=True)
    return lived(made, reading, tmp_path_factory.mktemp("hostile"))


@pytest.fixture(params=["honest", "hostile"])
def world(request: pytest.FixtureRequest) -> Lived:
    """Either world."""
    return request.getfixturevalue(request.param)
