"""Simulated bridges: amounts add up, the truth is what was paid, and the parts never meet."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from random import Random

import polars as pl
import pytest

from chainwatch.errors import ArgumentError, ConservationError
from chainwatch.simulate.bridges.simulation import (
    BATCH,
    DEAR,
    KINDS,
    LATE,
    PAID,
    SHADOW,
    SPLIT,
    TOGETHER,
    UNPAID,
    SimulatedBridges,
    simulate_bridges,
)
from chainwatch.simulate.bridges.world import Shores

TWO_HOURS, BLOCK = timedelta(hours=2), timedelta(seconds=12)


@pytest.fixture(scope="module")
def made() -> SimulatedBridges:
    return simulate_bridges(3, part="fit", adversarial=True, days=6, deposits=400)


def test_the_same_seed_makes_the_same_world(made: SimulatedBridges) -> None:
    again = simulate_bridges(3, part="fit", adversarial=True, days=6, deposits=400)
    assert again.transfers.equals(made.transfers)
    assert again.truth.equals(made.truth)
    other = simulate_bridges(4, part="fit", adversarial=True, days=6, deposits=400)
    assert not set(other.transfers["txid"]) & set(made.transfers["txid"])


def test_every_deposit_is_in_the_truth_once(made: SimulatedBridges) -> None:
    into = made.transfers.filter(receiver=made.pool)
    assert sorted(into["txid"]) == sorted(made.truth["txid"])
    assert made.truth["txid"].is_unique().all()
    assert made.truth["payout_txid"].drop_nulls().is_unique().all()
    assert made.transfers["txid"].is_unique().all()


def test_a_payout_is_what_its_kind_says(made: SimulatedBridges) -> None:
    rows = made.transfers.select("chain", "txid", "time", "amount", "sender")
    both = made.truth.join(rows, on=["chain", "txid"]).join(
        rows, left_on=["payout_chain", "payout_txid"], right_on=["chain", "txid"], suffix="_out"
    )
    for row in both.iter_rows(named=True):
        lag, paid = row["time_out"] - row["time"], int(row["amount"])
        fee = (paid - int(row["amount_out"])) / paid
        assert row["sender_out"] == made.pool
        assert row["chain"] != row["payout_chain"]
        assert (lag > TWO_HOURS) == (row["kind"] == LATE)
        assert lag > -BLOCK
        assert (fee > 0.01) == (row["kind"] == DEAR)
        assert fee >= 0
    assert set(both["kind"]) == {PAID, LATE, DEAR, SHADOW}
    unanswered = made.truth.filter(pl.col("payout_txid").is_null())
    assert set(unanswered["kind"]) == {UNPAID, BATCH, SPLIT}


def test_a_batch_pays_several_by_way_of_one_wallet(made: SimulatedBridges) -> None:
    out = made.transfers.filter(pl.col("sender") == made.pool)
    paid = Counter(out["receiver"])
    wallet, times = paid.most_common(1)[0]
    forwarded = made.transfers.filter(sender=wallet)
    assert forwarded.height == TOGETHER * times
    assert forwarded["amount"].sum() == out.filter(receiver=wallet)["amount"].sum()


def test_nobody_pays_what_he_does_not_hold() -> None:
    shores = Shores("a test", Random(1), 0)  # noqa: S311 - a test
    ann, bob = shores.address(), shores.address()
    shores.mint("eth", ann, 10)
    shores.pay("eth", ann, bob, 10, 0)
    for on, who, amount in (("eth", ann, 1), ("base", bob, 10), ("eth", bob, 0), ("eth", bob, 11)):
        with pytest.raises(ConservationError, match="does not hold"):
            shores.pay(on, who, ann, amount, 0)


def test_an_honest_world_has_no_tricks() -> None:
    honest = simulate_bridges(3, part="fit", days=6, deposits=400)
    assert set(honest.truth["kind"]) == {kind for kind, _ in KINDS[False]}
    assert sum(count for _, count in KINDS[True]) == 1_000 == sum(n for _, n in KINDS[False])


def test_parts_share_no_time_and_a_slip_is_refused(made: SimulatedBridges) -> None:
    test = simulate_bridges(1_000, part="test", days=5, deposits=10)
    assert made.span[1] < test.span[0]
    with pytest.raises(ArgumentError, match="none of the part test"):
        simulate_bridges(3, part="test")
    with pytest.raises(ArgumentError, match="show no crossings"):
        simulate_bridges(3, part="fit", days=2)
