"""Simulated owners of accounts: value is conserved, truth is whole, and parts never meet."""

from __future__ import annotations

from random import Random
from typing import Any

import polars as pl
import pytest

from chainwatch.addresses.assets import ZERO
from chainwatch.errors import ArgumentError, ConservationError
from chainwatch.ledger.checks.check import check
from chainwatch.simulate.holders.simulation import SimulatedHolders, simulate_holders
from chainwatch.simulate.holders.world import HolderChain
from chainwatch.simulate.services.world import DEPOSIT

SMALL: dict[str, Any] = {"days": 20, "people": 20}


@pytest.fixture(scope="module", params=["eth", "tron"])
def made(request: pytest.FixtureRequest) -> SimulatedHolders:
    return simulate_holders(3, part="fit", network=request.param, **SMALL)


def test_the_same_seed_gives_the_same_chain(made: SimulatedHolders) -> None:
    again = simulate_holders(3, part="fit", network=made.network, **SMALL)  # type: ignore[arg-type]
    assert all(again.tables[name].equals(rows) for name, rows in made.tables.items())
    other = simulate_holders(4, part="fit", network=made.network, **SMALL)  # type: ignore[arg-type]
    assert not other.tables["transfers"].equals(made.tables["transfers"])
    hostile = simulate_holders(3, part="fit", adversarial=True, **SMALL)
    assert "bait" in hostile.kinds["kind"].to_list()


def test_its_ledger_is_in_order(made: SimulatedHolders) -> None:
    report = check(made.ledger())
    assert report.ok, report


def test_tokens_are_conserved(made: SimulatedHolders) -> None:
    """Nobody but whoever brings tokens from outside, or gives them away, pays what he has not."""
    outside = made.truth.filter(pl.col("kind").is_in(["outside", "airdrop"]))["address"]
    held: dict[tuple[bytes, bytes], int] = {}
    tokens = (
        made.tables["transfers"].filter(pl.col("contract").is_not_null()).sort("tx", "log_index")
    )
    columns = ("contract", "sender", "receiver", "amount")
    for contract, sender, receiver, amount in tokens.select(columns).iter_rows():
        left = held[contract, sender] = held.get((contract, sender), 0) - int(amount)
        held[contract, receiver] = held.get((contract, receiver), 0) + int(amount)
        assert left >= 0 or sender in set(outside)


def test_everybody_is_known(made: SimulatedHolders) -> None:
    rows = made.tables["transfers"]
    known = set(made.truth["address"]) | ZERO
    assert known >= {*rows["sender"], *rows["receiver"]}
    assert set(made.kinds["txid"]) >= set(rows["txid"])
    deposits = made.truth.filter(role=DEPOSIT)
    owned = deposits.join(made.owners, on="address")
    assert (owned["owner"] == owned["customer"]).all()
    assert (owned["owner"] != owned["holder"]).all()
    strangers = made.truth.filter(kind="outside")
    assert strangers["holder"].n_unique() == strangers.height


def test_people_have_several_wallets_and_share_their_accounts(made: SimulatedHolders) -> None:
    wallets = made.truth.filter(kind="person").group_by("holder").len()["len"]
    assert set(wallets) == {1, 2, 3, 4}
    paid = made.tables["transfers"].join(
        made.kinds.filter(kind="own deposit"), on="txid", how="semi"
    )
    by = paid.group_by("receiver").agg(pl.col("sender").n_unique())["sender"]
    assert (by > 1).any()


def test_what_only_one_network_has() -> None:
    eth = simulate_holders(0, part="fit")
    tron = simulate_holders(0, part="fit", network="tron")
    assert eth.tables["stakes"].is_empty()
    assert set(tron.tables["stakes"]["kind"]) == {"activate", "owner_key", "owner_share"}
    kinds = set(eth.tables["approvals"]["kind"])
    assert kinds >= {"approval", "creation", "user_operation", "paymaster"}
    assert set(tron.tables["approvals"]["kind"]) == {"approval", "creation"}
    whole = set(eth.kinds["kind"])
    assert whole >= {"wages", "rent", "first gas", "airdrop", "selling an airdrop", "phishing"}


def test_parts_share_no_time_and_a_slip_is_refused() -> None:
    fit = simulate_holders(0, part="fit", **SMALL).tables["transfers"]["time"]
    test = simulate_holders(1_000, part="test", **SMALL).tables["transfers"]["time"]
    assert fit.max() < test.min()  # type: ignore[operator]
    with pytest.raises(ArgumentError, match="none of the part"):
        simulate_holders(0, part="test")
    with pytest.raises(ArgumentError, match="show no owners"):
        simulate_holders(0, part="fit", days=1)
    with pytest.raises(ArgumentError, match="network"):
        simulate_holders(0, part="fit", network="btc")  # type: ignore[arg-type]


def test_an_overdraft_is_a_defect() -> None:

    chain = HolderChain("x", Random(0), 0)  # noqa: S311 - nothing is drawn
    one, two = chain.wallet("a", "person"), chain.wallet("b", "person")
    with pytest.raises(ConservationError, match="does not hold"):
        chain.pay(one, two, 1)
    with pytest.raises(ConservationError, match="does not hold"):
        chain.drop(one, [two], 1)
