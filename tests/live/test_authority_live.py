"""A real node's tokens: who let them move, told from its logs and calls."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from evm_contracts import FORWARDS, LOGS, TRANSFER, deployed
from module_of import module_of

from chainwatch.addresses import canonical
from chainwatch.addresses.assets import Asset
from chainwatch.heuristics.poisoning import poisoning
from chainwatch.ingest.pull import pull
from chainwatch.ledger import features
from chainwatch.ledger.ledger import Ledger, open_ledger
from chainwatch.sources.evm.source import EvmBlocks
from chainwatch.tracing.counterparties import counterparties
from chainwatch.tracing.policies import fifo
from chainwatch.tracing.trace import trace

node_of = module_of("live/anvil_node")
APPROVAL = "8c5be1e5ebec7d5bd14f71427d1e84f3dd0314c0f7b2291e5b200ac8c7c3b925"
LURE, PULLED, OWN, BY_CONTRACT, SECOND = 10**6, 20, 30, 40, 50


@dataclass
class World:
    """A node, people, and a token whose word is all that there is."""

    node: Any
    people: list[str]
    token: str

    def says(self, sender: str, event: str, one: str, other: str, amount: int) -> str:
        return str(self.node.send(sender, self.token, told(event, one, other, amount)))

    def asset(self) -> Asset:
        return Asset("eip155:31337", canonical.parse(self.token, "eth-dev"), "T", 0)


def told(event: str, one: str, other: str, amount: int) -> str:
    word = node_of.word
    return "0x" + event + word(one) + word(other) + word(amount)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Yield a chain on which tokens moved with leave, without, and by a contract's own call."""
    with node_of.running(tmp_path_factory.mktemp("anvil")) as node:
        people = node("eth_accounts")
        maker, victim, look_alike, attacker, owner, spender = people[:6]
        token, router = node.deploy(maker, deployed(LOGS)), node.deploy(maker, deployed(FORWARDS))
        made = World(node, people, token)
        made.says(attacker, TRANSFER, victim, look_alike, LURE)
        made.says(owner, APPROVAL, owner, spender, PULLED)
        made.says(spender, TRANSFER, owner, spender, PULLED)
        made.says(look_alike, TRANSFER, look_alike, maker, OWN)
        node.send(maker, router, "0x" + node_of.word(token) + told(
            TRANSFER, router, victim, BY_CONTRACT)[2:])  # fmt: skip
        made.says(attacker, TRANSFER, victim, attacker, SECOND)
        yield made


def read(world: World, folder: Path, first: int = 0, **more: Any) -> Ledger:
    pull(folder, EvmBlocks(world.node.url, chain="eth-dev", span=(first, None), **more),
         progress=False)  # fmt: skip
    return open_ledger(folder)


def signed(world: World, ledger: Ledger) -> dict[int, bool | None]:
    rows = features.transfers(ledger, world.asset())
    return dict(zip(rows["amount"].to_list(), rows["signed"].to_list(), strict=True))


def test_who_let_tokens_move(world: World, tmp_path: Path) -> None:
    found = signed(world, read(world, tmp_path / "l"))
    assert found == {
        LURE: False, PULLED: None, OWN: True, BY_CONTRACT: None, SECOND: False,
    }  # fmt: skip


def test_both_ways_of_tracing_tell_the_same(world: World, tmp_path: Path) -> None:
    flat, nested = (read(world, tmp_path / way, tracer=way) for way in ("trace_block", "debug"))
    assert flat.digest("approvals") == nested.digest("approvals")
    assert signed(world, flat) == signed(world, nested)


def test_a_part_of_the_history_says_nothing(world: World, tmp_path: Path) -> None:
    """From the second block on: the one that made the contract was not read."""
    found = signed(world, read(world, tmp_path / "l", first=2))
    assert found == {
        LURE: None, PULLED: None, OWN: True, BY_CONTRACT: None, SECOND: None,
    }  # fmt: skip
    without = signed(world, read(world, tmp_path / "m", tracer="none"))
    assert without == found


def test_no_edge_and_no_payment_is_made_of_what_nobody_let_move(
    world: World, tmp_path: Path
) -> None:
    """The victim paid nobody, as a trace and a list of payments tell it."""
    ledger, asset = read(world, tmp_path / "l"), world.asset()
    victim = canonical.parse(world.people[1], "eth-dev")
    found = counterparties(ledger, [victim], asset=asset)
    assert sorted(found.poisoning["amount"].to_list()) == [SECOND, LURE]
    assert {*found.poisoning["why"]} == {"unsigned()"}
    assert found.total("out") == 0
    followed = trace(ledger, [victim], asset=asset, policy=fifo, poisoning=poisoning(0))
    assert followed.steps.filter(pl.col("source") == victim).is_empty()
    in_part = read(world, tmp_path / "m", first=2)
    kept = counterparties(in_part, [victim], asset=asset)
    assert kept.total("out") == LURE + SECOND
    assert kept.unsaid == 3
