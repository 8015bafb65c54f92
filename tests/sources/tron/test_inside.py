"""What contracts do inside transactions by instructions of their own: bound and lent, not paid."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import stamina
from tron_grid import TronGridServer, served
from tron_world import World, account, base58

import chainwatch as cw
from chainwatch.addresses import canonical
from chainwatch.addresses.assets import native
from chainwatch.ingest.pull_report import PullReport
from chainwatch.sources.tron.inside import note_of
from chainwatch.tracing.policies import poison

TRX = 10**6
NAMES = ("renter", "user", "ann")


@pytest.fixture(autouse=True)
def quick() -> Iterator[None]:
    with stamina.set_testing(True, attempts=2, cap=True):
        yield


def of(name: str) -> bytes:
    return canonical.parse(base58(account(name)), "tron")


def renting() -> World:
    """A contract that stakes, lends energy to a user, takes it back, and is paid for it."""
    world = World()
    world.mint("renter", 1_000 * TRX)
    world.mint("user", 10 * TRX)
    world.mint("ann", 50 * TRX)
    world.act("ann", "renter", ("freezeBalanceV2ForEnergy", "renter", 900 * TRX, -900 * TRX))
    world.act("ann", "renter", ("delegateResourceOfEnergy", "user", 800 * TRX, 0))
    world.act("ann", "renter", ("unDelegateResourceOfEnergy", "user", 300 * TRX, 0),
              ("delegateResourceOfBandwidth", "ann", 5 * TRX, 0))  # fmt: skip
    world.act("ann", "renter", ("freezeForEnergy", "user", 7 * TRX, -7 * TRX))
    world.act("ann", "renter", ("unfreezeForEnergy", "user", 7 * TRX, 7 * TRX))
    world.act(
        "ann", "renter", ("unfreezeBalanceV2ForEnergy", "renter", 20 * TRX, 0),
        ("withdrawExpireUnfreezeWhileUnfreezing", "renter", 3 * TRX, 3 * TRX),
    )  # fmt: skip
    world.act("ann", "renter", ("withdrawExpireUnfreeze", "renter", 4 * TRX, 4 * TRX))
    world.act("ann", "renter", ("cancelAllUnfreezeV2", "renter", 0, 0),
              ("withdrawExpireUnfreezeWhileCanceling", "renter", TRX, TRX))  # fmt: skip
    world.act("ann", "renter", ("voteWitness", "", 0, 0),
              ("withdrawReward", "renter", 2 * TRX, 2 * TRX))  # fmt: skip
    world.act("ann", "renter", ("delegateResourceOfEnergy", "user", TRX, 0, "rejected"))
    world.act("ann", "renter", ("freezeBalanceV2ForEnergy", "renter", TRX, -TRX), ok=False)
    world.call("ann", "renter", passed=[("renter", "ann", 2 * TRX)])
    world.pay("user", "ann", TRX)
    return world


def read(folder: Path, world: World, way: str) -> tuple[cw.Ledger, PullReport]:
    with served(TronGridServer(world)) as url:
        source: Any = cw.TronNode(url) if way == "node" else cw.TronGrid(url, map(of, NAMES))
        report = cw.pull(folder, source)
    return cw.open_ledger(folder), report


STAKED = [
    ("lend", "renter", "ann", "bandwidth", 5, 0, True),
    ("lend", "renter", "user", "energy", 1, 0, False),
    ("lend", "renter", "user", "energy", 7, 0, True),
    ("lend", "renter", "user", "energy", 800, 0, True),
    ("recall", "renter", "user", "energy", 7, 0, True),
    ("recall", "renter", "user", "energy", 300, 0, True),
    ("restake", "renter", None, None, None, 0, True),
    ("stake", "renter", None, "energy", 1, 0, False),
    ("stake", "renter", None, "energy", 7, -7, True),
    ("stake", "renter", None, "energy", 900, -900, True),
    ("sweep", "renter", None, None, 1, 1, True),
    ("sweep", "renter", None, None, 3, 3, True),
    ("unstake", "renter", None, "energy", 7, 7, True),
    ("unstake", "renter", None, "energy", 20, 0, True),
    ("withdraw", "renter", None, None, 4, 4, True),
]


def staked(ledger: cw.Ledger) -> list[tuple[Any, ...]]:
    names = {of(name): name for name in NAMES} | {None: None}
    rows = ledger.stakes.filter(pl.col("kind") != "use").collect()
    return sorted((
        (row["kind"], names[row["address"]], names[row["other"]], row["resource"],
         row["amount"] and int(row["amount"]) // TRX, int(row["moved"]) // TRX, row["success"])
        for row in rows.iter_rows(named=True)
    ), key=lambda one: (one[0], str(one[2]), str(one[3]), one[4] or 0))  # fmt: skip


@pytest.mark.parametrize("way", ["node", "grid"])
def test_what_is_bound_and_lent_is_not_paid(tmp_path: Path, way: str) -> None:
    world = renting()
    ledger, report = read(tmp_path / "l", world, way)
    assert staked(ledger) == sorted(STAKED, key=lambda o: (o[0], str(o[2]), str(o[3]), o[4] or 0))
    inside = ledger.transfers.filter(kind="internal").collect()
    assert inside.select("sender", "receiver", "amount").rows() == [
        (of("renter"), of("ann"), 2 * TRX)
    ]
    rewards = ledger.transfers.filter(kind="reward").collect()
    assert rewards.select("receiver", "amount").rows() == [(of("renter"), 2 * TRX)]
    assert not any("leaves something out" in str(note) for note in report.notes)


@pytest.mark.parametrize("way", ["node", "grid"])
def test_payments_and_stakes_add_up_to_what_can_be_spent(tmp_path: Path, way: str) -> None:
    world = renting()
    ledger, _ = read(tmp_path / "l", world, way)
    coin = ledger.transfers.filter(
        pl.col("contract").is_null() & pl.col("success").ne_missing(False)
    ).collect()
    for name in NAMES:
        got = coin.filter(receiver=of(name))["amount"].sum() or 0
        spent = coin.filter(sender=of(name))["amount"].sum() or 0
        moved = ledger.stakes.filter(address=of(name)).collect()["moved"].sum() or 0
        assert int(got) - int(spent) + int(moved) == world.spendable[account(name)], name


@pytest.mark.parametrize("way", ["node", "grid"])
def test_nobody_who_rents_energy_is_reached(tmp_path: Path, way: str) -> None:
    ledger, _ = read(tmp_path / "l", renting(), way)
    followed = cw.trace(ledger, [of("renter")], policy=poison, asset=native("tron"))
    assert of("user") not in {*followed.steps["target"], *followed.ends["address"]}


def test_a_node_and_histories_give_the_same_facts(tmp_path: Path) -> None:
    world = renting()
    with served(TronGridServer(world)) as url:
        cw.pull(tmp_path / "l", cw.TronGrid(url, [of("user")]))
        one = staked(cw.open_ledger(tmp_path / "l"))
        cw.pull(tmp_path / "l", cw.TronGrid(url, [of("renter"), of("ann")]))
    both = cw.open_ledger(tmp_path / "l")
    lent = {("lend", "renter", "user", "energy"), ("recall", "renter", "user", "energy")}
    bound = {(kind, "renter", None, "energy") for kind in ("stake", "unstake")}
    assert {row[:4] for row in one} == lent | bound
    node, _ = read(tmp_path / "node", world, "node")
    key = ["chain", "txid", "kind", "n", "address", "other", "amount", "moved", "contract_type"]
    assert both.stakes.select(key).collect().sort(key).equals(
        node.stakes.select(key).collect().sort(key)
    )  # fmt: skip


@pytest.mark.parametrize("way", ["node", "grid"])
def test_of_a_note_that_is_not_known_nothing_is_known(tmp_path: Path, way: str) -> None:
    world = World()
    world.mint("renter", 100 * TRX)
    world.mint("ann", 50 * TRX)
    world.act("ann", "renter", ("brandNewThing", "user", 5 * TRX, 0))
    ledger, report = read(tmp_path / "l", world, way)
    assert ledger.transfers.filter(kind="internal").collect().height == 0
    rows = ledger.stakes.filter(kind="other").collect()
    assert {*rows["address"]} == {of("renter"), of("user")}
    assert rows["moved"].null_count() == 2
    assert any("of a kind that is not known: what they moved" in str(one) for one in report.notes)


def test_a_contract_that_ends_in_its_own_favour_leaves_its_coin_to_nobody(tmp_path: Path) -> None:
    world = World()
    world.mint("renter", 100 * TRX)
    world.mint("ann", 50 * TRX)
    world.act("ann", "renter", ("suicide", "renter", 100 * TRX, -100 * TRX))
    ledger, _ = read(tmp_path / "l", world, "node")
    rows = ledger.transfers.filter(kind="internal").collect()
    assert rows.select("receiver", "amount").rows() == [(b"\x11" + bytes(20), 100 * TRX)]


@pytest.mark.parametrize(
    ("sent", "read_as"),
    [("63616c6c", "call"), ("call", "call"), ("", ""), ("zz", "zz"), ("ffff", "ffff")],
)
def test_a_note_in_hexadecimal_or_plain(sent: str, read_as: str) -> None:
    assert note_of(sent) == read_as


def followed(ledger: cw.Ledger) -> dict[tuple[str, str], int]:
    """Return how much of what ann received ended at whom, and why."""
    names = {of(name): name for name in ("ann", "shop", "bob", "cyd")}
    found = cw.trace(ledger, [of("ann")], policy="fifo", asset=native("tron"))
    ended: dict[tuple[str, str], int] = {}
    for whose, reason, amount in found.ends.select("address", "reason", "amount").iter_rows():
        key = (names.get(whose, "nobody"), reason)
        ended[key] = ended.get(key, 0) + int(amount) // TRX
    return ended


def passing_on() -> World:
    """Ann pays a contract, which pays bob and cyd inside of the same transaction; bob pays on."""
    world = World()
    world.mint("ann", 10 * TRX)
    world.call("ann", "shop", sent=5 * TRX, passed=[("shop", "bob", 3 * TRX),
                                                    ("shop", "cyd", 2 * TRX)])  # fmt: skip
    world.pay("bob", "cyd", TRX)
    world._block("the last")
    return world


def test_whole_blocks_of_a_node_are_readings_of_trx(tmp_path: Path) -> None:
    """Every payment of every address was read, and where nothing is paid on it is still there."""
    ledger, _ = read(tmp_path / "l", passing_on(), "node")
    ended = followed(ledger)
    assert ("bob", "not read") not in ended
    assert sum(much for (whose, _), much in ended.items() if whose == "cyd") == 3
    assert sum(much for (whose, _), much in ended.items() if whose == "bob") == 2
    assert sum(ended.values()) == 10


def test_a_block_in_which_an_unknown_amount_moved_is_no_reading_of_trx(tmp_path: Path) -> None:
    from chainwatch.ledger.block_readings import block_runs

    world = passing_on()
    whole, _ = read(tmp_path / "whole", world, "node")
    [run] = block_runs(whole, "tron:0x2b6653dc", coin=True)
    last = run.last
    world.act("ann", "shop", ("brandNewThing", "bob", TRX, 0))
    world._block("and one more")
    ledger, _ = read(tmp_path / "l", world, "node")
    runs = block_runs(ledger, "tron:0x2b6653dc", coin=True)
    assert [(one.first, one.last) for one in runs] == [(0, last), (last + 2, last + 2)]
    tokens = block_runs(ledger, "tron:0x2b6653dc", coin=False)
    assert [(one.first, one.last) for one in tokens] == [(0, last + 2)]
