"""One real chain read by blocks, by address and from a dump: the same, column by column.

The node's answers are told to explorers and tables by code that knows nothing of chainwatch
(``anvil_told``), with every column that each of them has. Compared is what both sides know: a
column that one of them leaves out is named here, kind by kind, and nothing else is left aside.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import stamina
from evm_contracts import (
    BATCH_SENDER,
    DELEGATES,
    OWNER_ADDED,
    OWNER_AS_TOPIC,
    OWNER_IN_DATA,
    WRAPS,
    deployed,
)
from explorer_site import ExplorerSite, served
from module_of import module_of

from chainwatch.ingest.pull import pull
from chainwatch.ledger import schema
from chainwatch.ledger.accounts.log_readings import log_runs
from chainwatch.ledger.ledger import Ledger, open_ledger
from chainwatch.results.provenance import digest_frame
from chainwatch.sources.evm.source import EvmBlocks
from chainwatch.sources.explorer.source import Explorer
from chainwatch.sources.tables.source import KnownTable

node_of, told_of = module_of("live/anvil_node"), module_of("live/anvil_told")
WRAPPED = "0xC02aaA39b223FE8D0A0e5C4F27eAD9083C756Cc2"
TOKENS = ("erc20", "erc20_mint", "erc20_burn")
WRAPS_KINDS = ("wrap", "unwrap")


@dataclass
class Read:
    """One chain, and how each way of reading it is begun."""

    folder: Path
    node: Any
    site: ExplorerSite
    url: str
    people: list[str]
    tables: dict[str, Path]

    def blocks(self, folder: Path) -> Ledger:
        pull(folder, EvmBlocks(self.node.url, chain="eth", batch=7), progress=False)
        return open_ledger(folder)

    def explorer(self, folder: Path, api: str) -> Ledger:
        path = "/v2/api" if api == "etherscan" else "/api"
        source = Explorer(self.url + path, self.people, api=api)  # type: ignore[arg-type]  # one of them
        pull(folder, source, progress=False)
        return open_ledger(folder)

    def dump(self, folder: Path) -> Ledger:
        receipts = self.tables["receipts"]
        for name in ("transactions", "token_transfers", "traces"):
            more = {"receipts": receipts} if name == "transactions" else {}
            pull(folder, KnownTable(self.tables[name], chain="eth", **more), progress=False)  # type: ignore[arg-type]  # a path
        return open_ledger(folder)


@pytest.fixture(scope="module")
def read(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Read]:
    """Yield a chain of id 1 on which coins were wrapped too, and servers that tell of it."""
    folder = tmp_path_factory.mktemp("anvil")
    with node_of.running(folder, "--chain-id", "1") as node, stamina.set_testing(True, attempts=3):
        node("anvil_setCoinbase", node_of.MINER)
        people = node("eth_accounts")
        node("anvil_setCode", WRAPPED, "0x" + WRAPS)
        token, _ = node_of.busy(node, people)
        wrap_and_delegate(node, people)
        add_owners(node, people)
        chain = told_of.Chain.read(node, (token,))
        site = ExplorerSite(told_of.ToldWorld(chain), most=25)
        with served(site) as url:
            yield Read(folder, node, site, url, chain.everybody(), told_of.dump(chain, folder))


def wrap_and_delegate(node: Any, people: list[str]) -> None:
    word, (a, b, c) = node_of.word, people[:3]
    node.send(a, WRAPPED, "0x", 10**18 + 7)
    node.send(a, WRAPPED, node_of.selector("withdraw(uint256)") + word(10**17))
    batch, proxy = node.deploy(b, deployed(BATCH_SENDER)), node.deploy(b, deployed(DELEGATES))
    node.send(c, proxy, "0x" + word(batch) + word(a) + word(b) + word("0x" + "cd" * 20), 9_000)


def add_owners(node: Any, people: list[str]) -> None:
    for code, owner in ((OWNER_IN_DATA, people[3]), (OWNER_AS_TOPIC, people[4])):
        node.send(people[0], node.deploy(people[0], deployed(code)), "0x" + node_of.word(owner))


@pytest.fixture(scope="module")
def by_blocks(read: Read) -> Ledger:
    return read.blocks(read.folder / "blocks")


NOBODY_SAYS = {"status", "sections"}
NATIVE, INSIDE, TOKEN = ("native",), ("internal",), TOKENS
UNKNOWN: dict[str, dict[tuple[str, ...], set[str]]] = {
    "etherscan": {
        NATIVE: set(),
        # It names no place of such a transaction in its block, and so no order.
        INSIDE: {"tx", "order_uncertain"},
        # It names no place of a log: equal ones of a transaction are counted, not told apart.
        TOKEN: {"log_index", "occurrence", "order_uncertain", "signed"},
    },
    "blockscout": {
        NATIVE: set(),
        INSIDE: {"trace_path", "occurrence", "order_uncertain"},
        (*TOKENS, *WRAPS_KINDS): {"tx", "order_uncertain", "signed"},
    },
    "dump": {
        NATIVE: set(),
        INSIDE: set(),
        TOKEN: {"success", "signed", "symbol", "decimals", "tx"},
    },
}  # fmt: skip
UNKNOWN["compatible"] = UNKNOWN["etherscan"]
"""What each way of reading does not know of transfers of each kind."""


def same(one: Ledger, other: Ledger, unknown: dict[tuple[str, ...], set[str]]) -> None:
    """Hold two ledgers to one another, kinds and columns that both know."""
    for kinds, left_out in unknown.items():
        columns = [name for name in schema.TRANSFERS.schema if name not in left_out | NOBODY_SAYS]
        rows = [
            ledger.transfers.filter(pl.col("kind").is_in(kinds)).select(columns).sort(columns)
            .collect() for ledger in (one, other)
        ]  # fmt: skip
        assert rows[0].height
        differ = [name for name in columns if not rows[0][name].equals(rows[1][name])]
        assert not differ, (kinds, differ, rows)
        assert digest_frame(rows[0], columns) == digest_frame(rows[1], columns)


WAYS: dict[str, Callable[[Read, Path], Ledger]] = {
    "etherscan": lambda read, folder: read.explorer(folder, "etherscan"),
    "compatible": lambda read, folder: read.explorer(folder, "compatible"),
    "blockscout": lambda read, folder: read.explorer(folder, "blockscout"),
    "dump": lambda read, folder: read.dump(folder),
}


def test_everything_happened(by_blocks: Ledger) -> None:
    rows = by_blocks.transfers.collect()
    assert {*rows["kind"]} == {
        "native", "internal", "fee", "fee_burnt", "erc20", "erc20_mint", *WRAPS_KINDS,
    }  # fmt: skip
    assert {*rows.filter(kind="internal")["success"]} == {True, False}
    assert rows.filter(pl.col("amount_hex").is_not_null()).height == 1


@pytest.fixture(scope="module", params=WAYS)
def another(read: Read, request: pytest.FixtureRequest) -> tuple[str, Ledger]:
    """Return a way of reading, and what it read; servers refuse the first questions."""
    read.site.refuse = 2
    return request.param, WAYS[request.param](read, read.folder / request.param)


def test_each_way_tells_the_same(by_blocks: Ledger, another: tuple[str, Ledger]) -> None:
    way, ledger = another
    same(by_blocks, ledger, UNKNOWN[way])


def test_no_kind_stands_in_one_alone(by_blocks: Ledger, another: tuple[str, Ledger]) -> None:
    """What only blocks tell are fees, and of wrapped coins what no list and no dump has."""
    way, ledger = another
    kinds, told = ({*one.transfers.collect()["kind"]} for one in (ledger, by_blocks))
    assert told - kinds == {"fee", "fee_burnt"} | ({*WRAPS_KINDS} if way != "blockscout" else set())
    assert not kinds - told


@pytest.mark.parametrize("way", WAYS)
def test_what_is_read_twice_stands_once(
    read: Read, by_blocks: Ledger, tmp_path: Path, way: str
) -> None:
    """Blocks first, then the same chain another way: nothing is new."""
    shutil.copytree(read.folder / "blocks", tmp_path / "l")
    again = WAYS[way](read, tmp_path / "l")
    assert len({*again.coverage.collect()["source"]}) > 1
    assert again.digest("transfers") == by_blocks.digest("transfers")


def test_logs_of_contracts_are_the_same_from_a_table(
    read: Read, by_blocks: Ledger, tmp_path: Path
) -> None:
    """Blocks tell their time as well, and of which blocks that is all."""
    kept = by_blocks.contract_logs.collect().sort("tx", "log_index")
    owners = [bytes.fromhex(node_of.word(one)) for one in read.node("eth_accounts")[3:5]]
    assert kept.select("topic1", "data").rows() == [(None, owners[0]), (owners[1], b"")]
    assert {*kept["topic0"]} == {bytes.fromhex(OWNER_ADDED)}
    [run] = log_runs(by_blocks, "eip155:1")
    assert run.first == 0
    table = KnownTable(read.tables["logs"], chain="eth")
    pull(tmp_path / "dump", table, progress=False)
    dump = open_ledger(tmp_path / "dump")
    rows = dump.contract_logs.collect().sort("tx", "log_index")
    assert rows.drop("time").equals(kept.drop("time"))
    assert log_runs(dump, "eip155:1") == ()
    shutil.copytree(read.folder / "blocks", tmp_path / "l")
    pull(tmp_path / "l", table, progress=False)
    assert open_ledger(tmp_path / "l").digest("contract_logs") == by_blocks.digest("contract_logs")
