"""A real development node of Ethereum: balances from transfers are the node's, at every block.

The node is asked with nothing of chainwatch in between (see ``anvil_node``).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from module_of import module_of

from chainwatch.addresses import canonical
from chainwatch.addresses.assets import native
from chainwatch.ingest.pull import pull
from chainwatch.ledger.checks.check import check
from chainwatch.ledger.coverage import unread
from chainwatch.ledger.ledger import Ledger, open_ledger
from chainwatch.ledger.lookup.lookup import address_summary
from chainwatch.sources.evm.source import EvmBlocks
from chainwatch.tracing.policies import fifo
from chainwatch.tracing.trace import trace

MINER = "0x" + "c0" * 20
node_of = module_of("live/anvil_node")


@pytest.fixture(scope="module")
def anvil(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    with node_of.running(tmp_path_factory.mktemp("anvil")) as node:
        yield node


@dataclass
class World:
    """What was made on the chain: people, and the token that is real."""

    node: Any
    people: list[str]
    token: str
    counterfeit: str
    ledger: Ledger


@pytest.fixture(scope="module")
def world(anvil: Any, tmp_path_factory: pytest.TempPathFactory) -> World:
    """Return a chain on which everything happens that moves coins and tokens, read whole."""
    anvil("anvil_setCoinbase", MINER)
    people = anvil("eth_accounts")
    token, counterfeit = node_of.busy(anvil, people)
    folder = tmp_path_factory.mktemp("ledger") / "l"
    pull(folder, EvmBlocks(anvil.url, chain="eth-dev", batch=3), progress=False)
    return World(anvil, people, token, counterfeit, open_ledger(folder))


def sums(rows: pl.DataFrame) -> dict[int, dict[str, int]]:
    """Return what each address holds after each block, of what moved alone."""
    held: dict[str, int] = defaultdict(int)
    after: dict[int, dict[str, int]] = {}
    for row in rows.filter(pl.col("success")).sort("height").rows(named=True):
        held["0x" + row["sender"][1:].hex()] -= int(row["amount"])
        held["0x" + row["receiver"][1:].hex()] += int(row["amount"])
        after[row["height"]] = dict(held)
    return after


def test_coins_at_every_block(world: World) -> None:
    """Of every address that the chain names, fees included; what is burnt nobody holds."""
    rows = world.ledger.transfers.filter(pl.col("contract").is_null()).collect()
    burnt = pl.col("kind") == "fee_burnt"
    nobody = pl.lit(b"\x10" + b"\xff" * 20)
    rows = rows.with_columns(pl.when(burnt).then(nobody).otherwise("receiver").alias("receiver"))
    after, held = sums(rows), {}
    named = {address for one in after.values() for address in one} - {"0x" + "ff" * 20}
    assert len(named) == 20
    for height in range(world.node.height + 1):
        held = after.get(height, held)
        for address in named:
            began = world.node.coins(address, 0)
            assert began + held.get(address, 0) == world.node.coins(address, height), (
                address, height,
            )  # fmt: skip


def test_tokens_at_every_block(world: World) -> None:
    token = canonical.parse(world.token, "eth-dev")
    rows = world.ledger.transfers.filter(pl.col("contract") == token).collect()
    after, held = sums(rows), {}
    assert {row["kind"] for row in rows.rows(named=True)} == {"erc20", "erc20_mint"}
    named = {address for one in after.values() for address in one}
    for height in range(world.node.height + 1):
        held = after.get(height, held)
        for address in named - {"0x" + "00" * 20}:
            if height and world.node("eth_getCode", world.token, hex(height)) != "0x":
                there = world.node.tokens(world.token, address, height)
                assert held.get(address, 0) == there, (address, height)


def test_what_is_shown_of_an_address_is_what_the_node_says(world: World) -> None:
    for person in world.people[:5]:
        found = address_summary(world.ledger, canonical.parse(person, "eth-dev"), "eth-dev")
        totals = {row["contract"]: row for row in found.totals.rows(named=True)}
        token = totals.get(canonical.parse(world.token, "eth-dev"))
        if token is not None:
            assert token["balance"] == world.node.tokens(world.token, person, world.node.height)
        coins = totals[None]["received"] - totals[None]["spent"]
        began = world.node.coins(person, 0)
        assert began + int(coins) == world.node.coins(person, world.node.height)


def test_both_ways_of_tracing_give_the_same_ledger(world: World, tmp_path: Path) -> None:
    digests = []
    for tracer in ("trace_block", "debug"):
        source = EvmBlocks(world.node.url, chain="eth-dev", tracer=tracer, batch=50)  # type: ignore[arg-type]  # one of them
        pull(tmp_path / tracer, source, progress=False)
        digests.append(open_ledger(tmp_path / tracer).digest("transfers"))
    assert digests == [world.ledger.digest("transfers")] * 2


def test_failures_move_nothing_and_pay_their_fee(world: World) -> None:
    rows = world.ledger.transfers.collect()
    failed = rows.filter(~pl.col("success"))
    assert {*failed["kind"]} == {"native", "internal"}
    paid = rows.filter(pl.col("kind") == "fee").select("txid").unique()
    lost = failed.filter(pl.col("kind") == "native").select("txid").unique()
    assert lost.join(paid, on="txid", how="anti").is_empty()
    assert lost.height == 2
    # A call that failed inside a transaction that did not: 888 went out and came back.
    caught = failed.filter(pl.col("amount") == 888)
    assert caught["trace_path"].to_list() == ["0", "0.0"]


def test_a_batch_sender_pays_three(world: World) -> None:
    rows = world.ledger.transfers.filter(
        (pl.col("kind") == "internal") & (pl.col("amount") == 1_000)
    ).collect()
    assert rows["trace_path"].to_list() == ["0", "1", "2"]
    assert rows["txid"].n_unique() == 1


def test_a_counterfeit_stands_under_its_own_contract(world: World) -> None:
    fake = canonical.parse(world.counterfeit, "eth-dev")
    rows = world.ledger.transfers.filter(pl.col("contract") == fake).collect()
    assert rows["amount_hex"].drop_nulls().to_list() == [hex(2**255)]
    assert rows["amount"].drop_nulls().to_list() == [10**15]


def test_all_of_it_holds_together(world: World, tmp_path: Path) -> None:
    assert check(world.ledger).ok
    facts = unread(world.ledger)
    internal = facts.filter(pl.col("what") == "internal transfers").row(0, named=True)
    assert (internal["count"], internal["amount"]) == (0, 0)
    again = pull(world.ledger.store.path, EvmBlocks(world.node.url, chain="eth-dev"),  # type: ignore[union-attr]  # it is on disk
                 progress=False)  # fmt: skip
    assert not again.commits


def test_coins_are_followed_through_a_contract(world: World) -> None:
    who = canonical.parse(world.people[0], "eth-dev")
    found = trace(world.ledger, [who], asset=native("eth-dev"), policy=fifo)
    reached = set(found.steps["target"])
    assert canonical.parse(world.people[2], "eth-dev") in reached
    assert canonical.parse(world.people[3], "eth-dev") in reached
    assert {"fee", "burnt"} <= set(found.ends["reason"])
