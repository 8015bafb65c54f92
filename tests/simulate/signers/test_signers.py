"""Simulated wallets of several keys: read as any chain is, truth whole, parts that never meet."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

import chainwatch as cw
from chainwatch.errors import ArgumentError
from chainwatch.ledger.checks.check import check
from chainwatch.ledger.ledger import Ledger
from chainwatch.simulate.signers.groups import set_lock
from chainwatch.simulate.signers.simulation import (
    SimulatedSafes,
    SimulatedSigners,
    simulate_safes,
    simulate_signers,
)
from chainwatch.simulate.transactions import public_key
from chainwatch.sources.block_files import BlockFiles


@pytest.fixture(scope="module", params=[False, True], ids=["honest", "adversarial"])
def made(request: pytest.FixtureRequest) -> SimulatedSigners:
    return simulate_signers(3, part="fit", adversarial=request.param, blocks=20)


@pytest.fixture(scope="module")
def ledger(made: SimulatedSigners, tmp_path_factory: pytest.TempPathFactory) -> Ledger:
    place = made.write(tmp_path_factory.mktemp("signers") / "chain")
    cw.pull(place / "ledger", BlockFiles(place / "blocks.dat", "btc-regtest"))
    return cw.open_ledger(place / "ledger")


@pytest.fixture(scope="module", params=[False, True], ids=["honest", "adversarial"])
def safes(request: pytest.FixtureRequest) -> SimulatedSafes:
    return simulate_safes(3, part="fit", adversarial=request.param)


def test_the_same_seed_gives_the_same_bytes(made: SimulatedSigners) -> None:
    again = simulate_signers(3, part="fit", adversarial=made.adversarial, blocks=20)
    assert again.blocks == made.blocks
    assert again.addresses.equals(made.addresses)
    other = simulate_signers(4, part="fit", adversarial=made.adversarial, blocks=20)
    assert other.blocks != made.blocks


def test_it_is_a_chain_and_shows_the_keys_that_it_was_made_with(
    made: SimulatedSigners, ledger: Ledger
) -> None:
    assert check(ledger).ok
    spent = ledger.inputs.collect()
    assert set(spent["quorum"]) >= {"1-of-1", "2-of-3", "3-of-5"}
    rows = ledger.input_keys.join(spent.lazy(), on=["chain", "tx", "n"]).collect()
    told = rows.group_by("tx", "n").agg(pl.len(), pl.col("required", "quorum", "address").first())
    asked = pl.format("{}-of-{}", "required", "len")
    assert (told.select(asked).to_series() == told["quorum"]).all()
    several = spent.filter(~pl.col("quorum").is_in(["1-of-1"]))
    assert told.height == several.height
    for _, group in rows.sort("k").group_by("tx", "n"):
        required, keys = group["required"][0], group["key"].to_list()
        form = "p2sh_multisig" if group["address"][0][0] == 2 else "p2wsh"
        assert set_lock(form, required, keys).address == group["address"][0]


def test_everybody_is_known(made: SimulatedSigners, ledger: Ledger) -> None:
    known = set(made.addresses["address"])
    assert known >= set(ledger.outputs.collect()["address"].drop_nulls())
    assert made.addresses["owner"].null_count() == 0
    kinds = set(made.transactions["kind"])
    assert kinds >= {"payment", "key change", "to another client", "escrow", "release"}
    assert ("bait" in kinds) == made.adversarial
    sold = made.addresses.filter(pl.col("owner").str.starts_with("buyer-"))
    assert bool(sold.height) == made.adversarial


def test_safes_are_a_ledger_in_order(safes: SimulatedSafes) -> None:
    ledger = safes.ledger()
    report = check(ledger)
    assert report.ok, report
    again = simulate_safes(3, part="fit", adversarial=safes.adversarial)
    assert all(again.tables[name].equals(rows) for name, rows in safes.tables.items())
    logs = ledger.contract_logs.collect()
    assert logs["topic0"].n_unique() == 3  # nobody changes how many must sign
    assert set(safes.kinds["txid"]) >= set(logs["txid"])
    rows = ledger.transfers.collect()
    assert set(safes.owners["address"]) >= {*rows["sender"], *rows["receiver"]} - {
        b"\x10" + bytes(20)
    }
    kinds = set(safes.kinds["kind"])
    assert kinds >= {"setup", "own key", "next keeper", "opened by a service", "in a group"}
    assert ("robbed" in kinds) == ("framed" in kinds) == safes.adversarial
    shared = safes.owners.group_by("address").len().filter(pl.col("len") > 1)
    assert shared.height, "a Safe that was sold has had two owners"


def test_parts_share_no_time_and_a_slip_is_refused() -> None:
    fit = simulate_signers(0, part="fit", blocks=1).transactions["time"]
    test = simulate_signers(1_000, part="test", blocks=1).transactions["time"]
    assert fit.max() < test.sort()[1]  # type: ignore[operator]  # the genesis block is of all
    for simulate in (simulate_signers, simulate_safes):
        with pytest.raises(ArgumentError, match="none of the part"):
            simulate(0, part="test")
    with pytest.raises(ArgumentError, match="blocks is out of range"):
        simulate_signers(0, part="fit", blocks=0)
    with pytest.raises(ArgumentError, match="events is out of range"):
        simulate_safes(0, part="fit", events=0)


def test_a_lock_of_several_keys_asks_for_so_many() -> None:
    keys = [public_key("test", n) for n in range(5)]
    one, other = (set_lock("p2wsh", required, keys) for required in (2, 3))
    assert one.address != other.address
    assert set_lock("p2sh_multisig", 2, keys).redeem == one.redeem


def test_files_are_written_once(made: SimulatedSigners, tmp_path: Path) -> None:
    place = made.write(tmp_path / "chain")
    assert {path.name for path in place.iterdir()} == {
        "blocks.dat", "addresses.csv", "transactions.csv"
    }  # fmt: skip
