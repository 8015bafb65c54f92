"""The case is the same bytes for ever: pinned digests, any hash seed, files as they are written."""

from __future__ import annotations

import csv
import hashlib
import os
import subprocess
import sys

import pytest

from chainwatch.errors import ConservationError, OutputExists
from chainwatch.simulate.otter import otter

GOLDEN = {
    "blocks.dat": "fedf1ed566409563680054447af2ad5005cd2e67525c878236ac1aeeec893ce6",
    "coins.csv": "1980fa50ea9a033b8068f9e8bee4a3d91484d2a1e11ff0713f92fe4a620deca5",
    "payments.csv": "4a012411b6c7864a2060a5ca2b795c110e08e0400cfef670d804fa01b692b280",
    "statement.csv": "d1dcfd1a622ec1ca04dd95fbad3ff3d3ae4bd2e672491d45fca058f3fb92c830",
    "statement.toml": "fec27eca3fdbd1915be5a2a93121e35a7db42feb00cb1a767c8d1f59c9037245",
    "tags/campaign.yaml": "aa083c8eced4603847d00dd54f27fb5fe474484351e83cd1af8d3599557ca055",
    "tags/exchanges.yaml": "4135ec3f3b872341b925b4ab9800b4641ad7de2ad18526382d424d82ecd47b0c",
    "tags/market.yaml": "0154ced2e002253da0b4e5560ea8c409a3e35df30072a1d27b506a13982f5ff3",
    "truth.csv": "371649532e653b3fd701bcf548ecfa204e007d804e9bd57e4d4a2ef2eabca2b5",
}

DIGEST = """
import hashlib
from chainwatch.simulate.otter import otter
case = otter(3)
print(hashlib.sha256(case.blocks).hexdigest())
print(hashlib.sha256(repr(case.truth.rows() + case.payments.rows()).encode()).hexdigest())
"""


def test_bytes_are_pinned(case, tmp_path):
    place = case.write(tmp_path / "otter")
    found = {
        path.relative_to(place).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(place.rglob("*"))
        if path.is_file()
    }
    assert found == GOLDEN


def test_order_of_hashes_has_no_influence():
    seen = {
        subprocess.run(
            [sys.executable, "-c", DIGEST],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(seen) == 1


def test_same_seed_same_bytes_other_seed_other_bytes(case):
    again, other = otter(), otter(16)
    assert again.blocks == case.blocks
    assert again.truth.equals(case.truth)
    assert other.blocks != case.blocks
    assert not set(other.truth["address"]) & set(case.truth["address"])


@pytest.mark.parametrize("seed", range(1, 7))
def test_other_seeds_tell_the_same_story(seed):
    try:
        kelp = otter(seed).summary()["vendors"]["Kelp"]
    except ConservationError as error:  # pragma: no cover - would be a fault of the calendar
        pytest.fail(str(error))
    assert kelp["sent_to_campaign"] > 0
    assert all(kelp["sent_to_exchanges"].values())


def test_written_tables_can_be_read_back(case, tmp_path):
    place = case.write(tmp_path / "otter")
    assert (place / "blocks.dat").read_bytes() == case.blocks
    with (place / "truth.csv").open(newline="") as lines:
        truth = list(csv.DictReader(lines))
    assert [row["address"] for row in truth] == case.truth["text"].to_list()
    with (place / "payments.csv").open(newline="") as lines:
        paid = list(csv.DictReader(lines))
    assert [int(row["amount"]) for row in paid] == case.payments["amount"].to_list()
    assert bytes.fromhex(paid[0]["txid"])[::-1] == case.payments["txid"][0]
    assert paid[0]["time"] == "2023-06-01T01:03:01Z"


def test_writing_over_something_is_refused(case, tmp_path):
    case.write(tmp_path / "otter")
    with pytest.raises(OutputExists, match="not empty"):
        case.write(tmp_path / "otter")
