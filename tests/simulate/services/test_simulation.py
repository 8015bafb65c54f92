"""Simulated services: amounts add up, the truth is whole, and the parts never meet."""

from __future__ import annotations

from random import Random

import polars as pl
import pytest

from chainwatch.errors import ArgumentError, ConservationError
from chainwatch.simulate.services.simulation import SimulatedServices, simulate_services
from chainwatch.simulate.services.world import NOBODY, Chain

SMALL = {"days": 12, "people": 40}


@pytest.fixture(scope="module")
def made() -> SimulatedServices:
    return simulate_services(3, part="fit", adversarial=True, **SMALL)


def test_the_same_seed_makes_the_same_chain(made: SimulatedServices) -> None:
    again = simulate_services(3, part="fit", adversarial=True, **SMALL)
    assert again.transfers.equals(made.transfers)
    assert again.truth.equals(made.truth)
    other = simulate_services(4, part="fit", adversarial=True, **SMALL)
    assert not set(other.truth["address"]) & set(made.truth["address"])


def test_nobody_pays_what_he_does_not_hold(made: SimulatedServices) -> None:
    """Added up in the order of blocks: the simulation's own balances are not asked."""
    held: dict[bytes, int] = {}
    outside = set(made.truth.filter(role="outside")["address"])
    rows = made.transfers.filter(made.asset.of_transfers()).sort("tx", "log_index")
    for sender, receiver, amount in rows.select("sender", "receiver", "amount").iter_rows():
        held[sender] = held.get(sender, 0) - int(amount)
        held[receiver] = held.get(receiver, 0) + int(amount)
        assert held[sender] >= 0 or sender in outside


def test_every_address_has_one_holder(made: SimulatedServices) -> None:
    assert made.truth["address"].is_unique().all()
    moved = set(made.transfers["sender"]) | set(made.transfers["receiver"])
    assert moved - {NOBODY} <= set(made.truth["address"])
    assert made.transfers.select("txid", "log_index", "kind").is_unique().all()


def test_deposits_are_swept_and_twins_pay_one_service(made: SimulatedServices) -> None:
    token = made.transfers.filter(made.asset.of_transfers()).select("sender", "receiver")
    paid = token.join(made.truth, left_on="sender", right_on="address").join(
        made.truth, left_on="receiver", right_on="address", suffix="_to"
    )
    swept = paid.filter(role="deposit address")
    assert set(swept["role_to"]) == {"hot wallet"}
    assert (swept["holder"] == swept["holder_to"]).all()
    twins = {"cashes out", "merchant", "unnamed processor", "airdrop farm"}
    own = paid.filter(pl.col("kind").is_in(twins))
    assert set(own["kind"]) == twins
    assert set(own["role_to"]) == {"hot wallet"}
    assert own.group_by("sender").agg(pl.col("receiver").n_unique())["receiver"].max() == 1


def test_only_a_service_and_a_bundler_send_what_several_pay(made: SimulatedServices) -> None:
    token = made.transfers.filter(made.asset.of_transfers())
    many = token.group_by("txid").agg(pl.col("sender").n_unique()).filter(pl.col("sender") > 1)
    fees = made.transfers.filter(pl.col("kind") == "fee_burnt").select("txid", by="sender")
    paid = token.drop("kind").join(many.select("txid"), on="txid", how="semi")
    sent = paid.join(fees, on="txid", how="left")
    rows = sent.join(made.truth, left_on="sender", right_on="address").join(
        made.truth, left_on="by", right_on="address", suffix="_by"
    )
    assert rows.height == sent.height
    found = set(rows.select("kind", "kind_by").iter_rows())
    assert found - {("exchange, one transaction", "exchange")} == {
        ("payment processor, one transaction", "payment processor"), ("bundled", "bundler")
    }  # fmt: skip


def test_parts_share_no_time_and_a_slip_is_refused() -> None:
    fit = simulate_services(0, part="fit", **SMALL).transfers["time"]
    test = simulate_services(1_000, part="test", **SMALL).transfers["time"]
    assert fit.max() < test.min()
    with pytest.raises(ArgumentError, match="none of the part"):
        simulate_services(0, part="test")
    with pytest.raises(ArgumentError, match="show no custody"):
        simulate_services(0, part="fit", days=1)


def test_an_overdraft_is_a_defect() -> None:
    chain = Chain("x", Random(0), 0)  # noqa: S311 - nothing is drawn
    one, two = (chain.address("self-held", "a", "a", "person") for _ in range(2))
    with pytest.raises(ConservationError, match="does not hold"):
        chain.pay(one, two, 1)
