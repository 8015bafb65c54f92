"""Fitting and testing share nothing, and nobody takes one for the other by accident."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from dataclasses import fields, replace

import pytest

from chainwatch.errors import ArgumentError, OutputExists
from chainwatch.simulate.owners.events import EVENTS
from chainwatch.simulate.owners.parts import BLOCK_SECONDS, FIT, MOST_BLOCKS, TEST
from chainwatch.simulate.owners.population import Events, Population
from chainwatch.simulate.owners.simulation import simulate_owners
from chainwatch.simulate.owners.software import SOFTWARE

DIGEST = """
import hashlib
from chainwatch.simulate.owners.simulation import simulate_owners
made = simulate_owners(1, part="fit", blocks=4, per_block=30, adversarial=True)
frames = (made.addresses, made.transactions, made.inputs, made.outputs)
print(hashlib.sha256(made.blocks).hexdigest())
print(hashlib.sha256(repr([frame.rows() for frame in frames]).encode()).hexdigest())
"""

PINNED = [
    "f95b340512be9b5dccd8da97ef7419a178a953e4ed9a78a1a4f75488a6e85526",
    "f8839a45a0c03ad0ba6e36de3baf68f1093939d5fabf1fc44314d2bb98542eae",
]


def small(seed=1, part="fit", **more):
    return simulate_owners(seed, part=part, **{"blocks": 2, "per_block": 10, **more})


@pytest.mark.parametrize("hash_seed", ["0", "17"])
def test_the_same_bytes_in_every_process(hash_seed):
    surroundings = {**os.environ, "PYTHONHASHSEED": hash_seed}
    told = subprocess.run(
        [sys.executable, "-c", DIGEST], env=surroundings, capture_output=True, text=True, check=True
    )
    assert told.stdout.split() == PINNED


def test_seeds_and_moments_are_of_one_part():
    assert not set(FIT.seeds) & set(TEST.seeds)
    assert FIT.start + MOST_BLOCKS * BLOCK_SECONDS < TEST.start
    fit, test = small(0), small(1_000, "test")
    assert fit.transactions["time"].max() < test.transactions["time"][1]
    assert fit.addresses.join(test.addresses, on="address").height == 0, "two parts share a key"


@pytest.mark.parametrize(
    ("seed", "part", "said"),
    [
        (1_000, "fit", "seed 1000 is none of the part fit .* 0 to 999"),
        (3, "test", "seed 3 is none of the part test .* 1000 to 1999"),
        (-1, "fit", "seed -1"),
        (3, "validation", "no part .* fit or test"),
        (3, None, "no part"),
        (True, "fit", "seed is True"),
        ("3", "fit", "seed is a text"),
    ],
)
def test_a_seed_of_the_other_part_is_refused(seed, part, said):
    with pytest.raises(ArgumentError, match=said.replace(" .* ", ".*")):
        small(seed, part)


def test_the_part_must_be_said():
    with pytest.raises(TypeError, match="part"):
        simulate_owners(3)


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"blocks": 0}, "blocks is out of range"),
        ({"blocks": MOST_BLOCKS}, "blocks is out of range"),
        ({"per_block": 501}, "per_block is out of range"),
        ({"per_block": 2.5}, "per_block is a fraction"),
    ],
)
def test_sizes_are_bounded(more, said):
    with pytest.raises(ArgumentError, match=said):
        small(**more)


def test_modes_and_seeds_differ():
    made = [small(), small(2), small(adversarial=True)]
    assert len({hashlib.sha256(each.blocks).hexdigest() for each in made}) == 3


def test_every_event_has_a_weight_and_every_software_a_share():
    assert sorted(EVENTS) == sorted(each.name for each in fields(Events))
    assert sorted(dict(Population().software)) == sorted(SOFTWARE)


@pytest.mark.parametrize(
    "wrong",
    [{"people": 99}, {"exchanges": 0}, {"events": Events(payment=-1)},
     {"events": Events(**{each.name: 0 for each in fields(Events)})}],
)  # fmt: skip
def test_a_world_that_cannot_be_is_refused(wrong):
    with pytest.raises(ArgumentError):
        replace(Population(), **wrong)


def test_shares_are_parameters():
    kinds = (
        small(population=Population().only("payjoin"), per_block=30)
        .transactions["kind"]
        .unique()
        .to_list()
    )
    assert sorted(kinds) == ["batch", "coinbase", "payjoin", "sale of mined coins"]


def test_a_block_of_sales_alone():
    sales = Population(traders=100).only("token_mint", "token_sale", "token_sweep")
    kinds = small(population=sales, blocks=3, per_block=60).transactions["kind"].value_counts()
    counts = dict(kinds.iter_rows())
    assert counts["token sale"] > 20
    assert "payment" not in counts


def test_what_never_happens_is_refused():
    with pytest.raises(ArgumentError, match=r"called 'token_sales'.*token_sale,"):
        Population().only("token_sales")
    with pytest.raises(ArgumentError, match="all nought"):
        Population().only("imitation")


def test_hostile_people_only_add_tricks():
    honest, hostile = Population().events, Population().hostile().events
    assert hostile.payjoin >= 12 * honest.payjoin
    assert all(getattr(honest, name) == 0 for name in ("fake_change", "imitation", "unequal_mix"))
    assert all(getattr(hostile, each.name) >= getattr(honest, each.name) for each in fields(Events))


def test_what_is_written_is_the_tables_and_nothing_is_overwritten(tmp_path):
    made = small()
    place = made.write(tmp_path / "new")
    assert (place / "blocks.dat").read_bytes() == made.blocks
    lines = (place / "addresses.csv").read_text().splitlines()
    assert len(lines) == made.addresses.height + 1
    assert lines[0] == "address,owner,holders,wallet,role,from_height,to_height"
    with pytest.raises(OutputExists):
        made.write(place)
