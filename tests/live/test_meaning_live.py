"""A real node's swaps, wrapped coins, batches and user operations, followed to the last unit."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import stamina
from evm_contracts import (
    BATCH_SENDER,
    CALLS_AND_GOES_ON,
    ERC20,
    SMART_ACCOUNT,
    WRAPS,
    deployed,
    entry_point,
    token_pool,
)
from explorer_site import ExplorerSite, served
from module_of import module_of

from chainwatch.addresses import canonical
from chainwatch.addresses.assets import Asset, native
from chainwatch.attribution.tags import Tags, make_tags
from chainwatch.chains.base import ENTRY_POINTS
from chainwatch.chains.ethereum import ETHEREUM
from chainwatch.ingest.pull import pull
from chainwatch.ledger.ledger import Ledger, open_ledger
from chainwatch.ledger.schema import TAGS
from chainwatch.sources.evm.source import EvmBlocks
from chainwatch.sources.explorer.source import Explorer
from chainwatch.tracing.meaning.changes import net_changes
from chainwatch.tracing.meaning.meanings import Meanings, meanings
from chainwatch.tracing.meaning.through_swaps import trace_through_swaps

node_of, told_of = module_of("live/anvil_node"), module_of("live/anvil_told")
WRAPPED, ENTRY = ETHEREUM.wrapped[0], ENTRY_POINTS[1]
THIEF, FRIEND, PAYEE, MASTER = (f"0x{name * 20}" for name in ("7a", "7b", "7c", "7d"))
BATCH = [f"0x{name * 20}" for name in ("8a", "8b", "8c")]
STOLEN, SWAPPED, WRAPPED_SO, UNWRAPPED, OPERATED, REFUND = 10**18, 5_000, 700, 200, 6_000, 44


def at(text: str) -> bytes:
    return canonical.parse(text, ETHEREUM)


@dataclass
class World:
    """What was made on the chain, and the ledger that the source read of it."""

    node: Any
    pool: str
    router: str
    account: str
    bundler: str
    token: str
    ledger: Ledger

    @property
    def tags(self) -> Tags:
        row = {
            "chain": ETHEREUM.id, "address": at(self.pool), "label": "Dex pool", "actor": "Dex",
            "concept": "defi_dex", "source": "a list", "confidence": "service_data", "level": 50,
            "pack": "test", "definer": False,
        }  # fmt: skip
        return make_tags(pl.DataFrame([row], schema=TAGS.schema, orient="row"))

    @property
    def asset(self) -> Asset:
        return Asset(ETHEREUM.id, at(self.token), "TUSD", 6)

    def meanings(self) -> Meanings:
        return meanings(self.ledger, self.tags)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Yield a chain of id 1 on which a thief swaps, wraps, pays many and uses a smart account."""
    folder = tmp_path_factory.mktemp("anvil")
    with node_of.running(folder, "--chain-id", "1") as node:
        word = node_of.word
        node("anvil_setCoinbase", node_of.MINER)
        node("anvil_autoImpersonateAccount", True)
        node("anvil_setCode", WRAPPED, "0x" + WRAPS)
        node("anvil_setCode", ENTRY, "0x" + entry_point())
        node("anvil_setBalance", ENTRY, hex(10**6))
        maker, victim, bundler = node("eth_accounts")[:3]
        token = node.deploy(maker, ERC20)
        pool, router, batch, account = (
            node.deploy(maker, deployed(code))
            for code in (token_pool(token), CALLS_AND_GOES_ON, BATCH_SENDER, SMART_ACCOUNT)
        )
        node.send(maker, token, node_of.PAY + word(pool) + word(10**12))
        node.send(victim, THIEF, "0x", STOLEN)
        node.send(THIEF, router, "0x" + word(pool) + word(THIEF), SWAPPED)
        node.send(THIEF, token, node_of.PAY + word(FRIEND) + word(1_234))
        node.send(THIEF, WRAPPED, "0x", WRAPPED_SO)
        node.send(THIEF, WRAPPED, node_of.selector("withdraw(uint256)") + word(UNWRAPPED))
        node.send(THIEF, batch, "0x" + "".join(word(one) for one in BATCH), 3_000)
        node.send(THIEF, account, "0x", OPERATED)
        told = (account, PAYEE, OPERATED, MASTER, REFUND)
        node.send(bundler, ENTRY, "0x" + "".join(word(one) for one in told))
        place = folder / "ledger"
        pull(place, EvmBlocks(node.url, chain="eth"), progress=False)
        yield World(node, pool, router, account, bundler, token, open_ledger(place))


def told(world: World, kind: str) -> list[tuple[Any, ...]]:
    rows = world.meanings().frame.filter(meaning=kind).sort("tx", "row")
    return rows.select("side", "sender", "receiver", "contract", pl.col("amount").cast(int)).rows()


def test_a_swap_by_a_router_is_one_swap(world: World) -> None:
    thief, pool, token = at(THIEF), at(world.pool), at(world.token)
    assert told(world, "swap") == [
        ("gave", thief, pool, None, SWAPPED), ("got", pool, thief, token, SWAPPED),
    ]  # fmt: skip
    passed = world.meanings().passed.filter(pl.col("contract").is_null())
    assert at(world.router) in {*passed["address"]}


def test_wrapped_coins_are_one_for_one(world: World) -> None:
    thief, coin, nobody = at(THIEF), at(WRAPPED), at("0x" + "00" * 20)
    assert told(world, "wrap") == [
        ("gave", thief, coin, None, WRAPPED_SO), ("got", nobody, thief, coin, WRAPPED_SO),
    ]  # fmt: skip
    assert told(world, "unwrap") == [
        ("gave", thief, nobody, coin, UNWRAPPED), ("got", coin, thief, None, UNWRAPPED),
    ]  # fmt: skip


def test_a_batch_has_one_payer(world: World) -> None:
    expected = [("paid", at(THIEF), at(one), None, 1_000) for one in BATCH]
    assert sorted(told(world, "batch")) == sorted(expected)


def test_a_user_operation_is_its_accounts(world: World) -> None:
    assert told(world, "user operation") == [
        ("paid", at(world.account), at(PAYEE), None, OPERATED)
    ]  # fmt: skip
    assert told(world, "gas of a user operation") == [
        ("paid", at(ENTRY), at(world.bundler), None, REFUND)
    ]  # fmt: skip


def test_net_changes_are_what_the_node_says(world: World) -> None:
    """Of every address, block by block: what it held after less what it held before, fees apart."""
    found = net_changes(world.ledger)
    assert not found.frame["change"].null_count()
    coins = found.frame.filter(pl.col("contract").is_null())
    checked = 0
    for row in coins.iter_rows(named=True):
        height, address = row["tx"] >> 24, "0x" + row["address"][1:].hex()
        if address in ("0x" + "00" * 20, node_of.MINER):
            continue  # what is burnt the node does not hold, and blocks pay the other
        before, after = (world.node.coins(address, at_) for at_ in (height - 1, height))
        assert after - before == int(row["change"]) - int(row["fee"]), (height, address)
        checked += 1
    assert checked > 20


def test_what_was_stolen_is_followed_through_all_of_it(world: World) -> None:
    found = trace_through_swaps(
        world.ledger, [THIEF], asset=native("eth"), policy="fifo", through=world.meanings(),
        assets=[world.asset],
    )  # fmt: skip
    names = ("contract", "came", "swapped_in", "swapped_out", "ended")
    rows = {row[0]: tuple(map(int, row[1:])) for row in found.frame.select(names).iter_rows()}
    coin, token = found.traces[0], found.of(world.asset)
    assert rows == {
        None: (STOLEN, UNWRAPPED, SWAPPED + WRAPPED_SO, STOLEN + UNWRAPPED - SWAPPED - WRAPPED_SO),
        at(WRAPPED): (0, WRAPPED_SO, UNWRAPPED, WRAPPED_SO - UNWRAPPED),
        at(world.token): (0, SWAPPED, 0, SWAPPED),
    }  # fmt: skip
    ends = {(row["address"], row["reason"]): int(row["amount"]) for row in token.ends.iter_rows(
        named=True)}  # fmt: skip
    assert {address for address, _ in ends} == {at(THIEF), at(FRIEND)}
    assert sum(much for (address, _), much in ends.items() if address == at(FRIEND)) == 1_234
    reached = coin.ends.group_by("address").agg(pl.col("amount").cast(int).sum())
    by = dict(reached.iter_rows())
    assert {by[at(one)] for one in BATCH} == {1_000}
    assert by[at(PAYEE)] == OPERATED
    steps = {(row["source"], row["target"]) for row in coin.steps.iter_rows(named=True)}
    assert (at(world.account), at(PAYEE)) in steps
    parties = {address for step in steps for address in step}
    assert parties.isdisjoint({at(world.router), at(world.bundler)})


def test_what_a_friend_got_is_followed_back_to_whom_it_was_stolen_from(world: World) -> None:
    found = trace_through_swaps(
        world.ledger, [FRIEND], asset=world.asset, policy="fifo", through=world.meanings(),
        direction="backward",
    )  # fmt: skip
    names = ("contract", "came", "swapped_in", "swapped_out")
    rows = {row[0]: tuple(map(int, row[1:])) for row in found.frame.select(names).iter_rows()}
    assert rows == {at(world.token): (1_234, 0, 1_234), None: (0, 1_234, 0)}
    steps = found.of(None).steps.select("source", "target", "amount").iter_rows()
    victim = at(world.node("eth_accounts")[1])
    assert (victim, at(THIEF), 1_234) in {(one, other, int(much)) for one, other, much in steps}


@pytest.fixture(scope="module")
def explorer(world: World) -> Iterator[str]:
    """Yield the address of an explorer that tells of the chain of the node."""
    chain = told_of.Chain.read(world.node, (world.token,))
    site = ExplorerSite(told_of.ToldWorld(chain), most=25)
    with stamina.set_testing(True, attempts=3), served(site) as url:
        yield url


def by_address(url: str, folder: Path, whose: list[str]) -> Ledger:
    pull(folder, Explorer(url + "/v2/api", whose, api="etherscan"), progress=False)
    return open_ledger(folder)


def test_by_one_history_alone_a_swap_is_undecided(
    world: World, explorer: str, tmp_path: Path
) -> None:
    """That the router gave the pool what it got stands in the history of the router."""
    found = meanings(by_address(explorer, tmp_path / "l", [THIEF]), world.tags)
    swaps = found.frame.filter(meaning="swap")
    assert swaps.select("side", "certainty").rows() == [
        ("gave", "undecided"), ("got", "undecided"),
    ]  # fmt: skip
    assert swaps["receiver"].to_list() == [at(world.router), at(THIEF)]


def test_by_the_histories_of_all_who_took_part_it_is_that_of_blocks(
    world: World, explorer: str, tmp_path: Path
) -> None:
    ledger = by_address(explorer, tmp_path / "l", [THIEF, world.router, world.pool])
    found = meanings(ledger, world.tags)
    columns = ("txid", "side", "sender", "receiver", "contract", "amount")
    swaps, blocks = (
        one.frame.filter(meaning="swap").select(columns) for one in (found, world.meanings())
    )
    assert swaps.equals(blocks)
    followed = trace_through_swaps(ledger, [THIEF], asset=native("eth"), policy="fifo",
                                   through=found, assets=[world.asset])  # fmt: skip
    assert followed.of(world.asset).amount == SWAPPED


def test_without_calls_nothing_is_decided(world: World, tmp_path: Path) -> None:
    pull(tmp_path / "l", EvmBlocks(world.node.url, chain="eth", tracer="none"), progress=False)
    found = meanings(open_ledger(tmp_path / "l"), world.tags)
    dealt = found.frame.filter(pl.col("basis").is_in(["tag", "list"]))
    assert {*dealt["certainty"]} == {"undecided"}
