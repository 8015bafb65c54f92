"""What every source owes: schema, determinism, coverage, digests, and nothing read twice."""

from __future__ import annotations

import hashlib
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import evm_chain
import httpx2
import polars as pl
import pytest
import regtest_chain
import stamina
from module_of import module_of

from chainwatch.addresses import canonical
from chainwatch.addresses.scripts import classify
from chainwatch.chains.bitcoin import BITCOIN_REGTEST
from chainwatch.chains.tron import TRON
from chainwatch.errors import NetworkRefused
from chainwatch.ingest.protocol import Batch, Source
from chainwatch.ingest.pull import pull
from chainwatch.ledger import schema
from chainwatch.ledger.accounts.contract_events import LOGS, logs_unit
from chainwatch.ledger.checks.check import check
from chainwatch.ledger.ledger import Ledger, open_ledger
from chainwatch.ledger.lookup.lookup import address_summary
from chainwatch.net.policy import use_network
from chainwatch.results.provenance import digest_frame
from chainwatch.simulate.blocks import GENESIS, assemble, framed
from chainwatch.simulate.transactions import Lock
from chainwatch.sources.bitcoin_core.rest import BitcoinRest
from chainwatch.sources.bitcoin_core.rpc import BitcoinRpc
from chainwatch.sources.bitcoin_etl.source import EtlJson
from chainwatch.sources.bitcoinlib_provider.source import BitcoinlibProvider
from chainwatch.sources.block_files import BlockFiles
from chainwatch.sources.electrum.source import Electrum
from chainwatch.sources.esplora.source import Esplora
from chainwatch.sources.evm.source import EvmBlocks
from chainwatch.sources.explorer.source import Explorer
from chainwatch.sources.node_folder.source import NodeFolder
from chainwatch.sources.prices.server import PriceServer
from chainwatch.sources.prices.source import PriceTable
from chainwatch.sources.tables.source import KnownTable
from chainwatch.sources.transfer_dump.mapping import DumpMapping
from chainwatch.sources.transfer_dump.source import TransferDump
from chainwatch.sources.tron.node import TronNode
from chainwatch.sources.tron.source import TronGrid

THEN = datetime(2024, 1, 2, tzinfo=UTC)
TABLES = {table.name: table for table in schema.TABLES}
REGTEST = "btc-regtest"
Blocks = list[bytes] | None
"""What a source is given to read; a chain of twelve blocks where nothing is said."""

Made = tuple[Source, Path | None]
"""A source, and the file it reads if it reads one."""


@cache
def maker() -> ModuleType:
    return regtest_chain


@cache
def chain() -> list[bytes]:
    blocks: list[bytes] = maker().Chain().grow(11).blocks
    return blocks


def forked() -> tuple[list[bytes], list[bytes]]:
    """Return two branches: the second is longer, and makes the payments of the first later."""
    make = maker()
    base = make.Chain().grow(8)
    (first, n, value), (other, m, rest) = base.coins[:2]
    pay = make.spend([(first, n)], [(1_000, make.p2pkh(1)), (value - 1_000, make.p2pkh(12))])
    move = make.spend([(other, m)], [(rest - 5, make.p2pkh(12))], witness=[b"sig"])
    one, two = (make.Chain(list(base.blocks), list(base.coins)) for _ in range(2))
    one.add([pay])
    one.add([move])
    two.add([move], tail=b"\0two")
    two.add(tail=b"\0two")
    two.add([pay], tail=b"\0two")
    return one.blocks, two.blocks


def two_addresses() -> list[bytes]:
    return [classify(maker().p2pkh(number)).address or b"" for number in (1, 12)]


def block_files(folder: Path, _: ExitStack, blocks: Blocks = None) -> Made:
    path = folder / "blk00000.dat"
    path.write_bytes(maker().framed(*blocks) if blocks else simulated())
    return BlockFiles(path, REGTEST, acquired=THEN), path


def simulated() -> bytes:
    parent, frames = BITCOIN_REGTEST.genesis, framed(GENESIS)
    for height in range(1, 9):
        miner = Lock("p2pkh", b"\x76\xa9\x14" + bytes([height]) * 20 + b"\x88\xac")
        block, _ = assemble(parent, height, 1_700_000_000 + 600 * height, miner, ())
        parent, frames = block.hash, frames + framed(block.raw)
    return frames


def transfer_dump(folder: Path, _: ExitStack) -> Made:
    a, b, token = (canonical.text(b"\x11" + bytes([k]) * 20, TRON) for k in range(3))
    lines = ["wallet,id,time,from,to,amount,token"]
    lines += [f"{a},{k:064x},{1_700_000_000 + k},{a},{b},{k},{token}" for k in range(1, 9)]
    path = folder / "dump.csv"
    path.write_text("\n".join(lines) + "\n")
    mapping = DumpMapping.of({
        "chain": "tron", "kind": "trc20", "source": "an explorer", "txid": "id", "time": "time",
        "time_unit": "s", "sender": "from", "receiver": "to", "amount": "amount",
        "contract": "token", "section": "wallet",
    })  # fmt: skip
    return TransferDump(path, mapping, acquired=THEN), path


def price_table(folder: Path, _: ExitStack) -> Made:
    path = folder / "prices.csv"
    days = "".join(f"2023-06-0{k},EUR,{k}.5\n" for k in range(1, 9))
    path.write_text(f"time,currency,price\n{days}")
    return PriceTable(path, REGTEST, publisher="a bank", acquired=THEN), path


def known_table(folder: Path, _: ExitStack) -> Made:
    path = folder / "traces.csv"
    path.write_bytes(module_of("recorded/make").content("etl_traces.csv"))
    return KnownTable(path, chain="eth", acquired=THEN), path


def node_folder(folder: Path, _: ExitStack, blocks: Blocks = None) -> Made:
    node = module_of("sources/node_folder/test_node_folder").Node(
        maker(), folder / "node", [blocks or chain()], tail=0
    )
    node.write()
    source = NodeFolder(folder / "node", chain=REGTEST, acquired=THEN)
    return source, folder / "node" / "blocks" / "blk00000.dat"


def etl_json(folder: Path, _: ExitStack, blocks: Blocks = None) -> Made:
    tests = module_of("sources/bitcoin_etl/test_bitcoin_etl")
    paths = folder / "transactions.json", folder / "blocks.json"
    for path, rows in zip(paths, reversed(tests.exported(blocks or chain())), strict=True):
        path.write_text(tests.lines(rows))
    return EtlJson(*paths, chain=REGTEST, acquired=THEN), paths[0]


def esplora(_: Path, __: ExitStack, blocks: Blocks = None) -> Made:
    site = module_of("sources/esplora/test_esplora").Site(
        module_of("live/esplora_server"), maker(), blocks or chain()
    )
    return Esplora(
        "https://explorer.example/api", two_addresses(), chain=REGTEST, span=(0, 4),
        per_second=1e9, transport=httpx2.MockTransport(site.handle),
    ), None  # fmt: skip


def electrum(_: Path, servers: ExitStack, blocks: Blocks = None) -> Made:
    tests = module_of("sources/electrum/test_electrum")
    server = servers.enter_context(tests.served(tests.FakeElectrum(blocks or chain(), maker())))
    given = {"chain": REGTEST, "addresses": two_addresses(), "timeout": 5.0}
    return Electrum(server.host, server.port, **given), None


def bitcoin_rpc(_: Path, servers: ExitStack, blocks: Blocks = None) -> Made:
    tests = module_of("sources/bitcoin_core/test_rpc")
    node = servers.enter_context(tests.served(tests.FakeNode(blocks or chain(), maker())))
    return BitcoinRpc(node.url, chain=REGTEST, timeout=5.0), None


def bitcoin_rest(_: Path, servers: ExitStack, blocks: Blocks = None) -> Made:
    tests = module_of("sources/bitcoin_core/test_rpc")
    node = servers.enter_context(tests.served(tests.FakeNode(blocks or chain(), maker())))
    return BitcoinRest(node.url, chain=REGTEST, timeout=5.0), None


def evm_blocks(_: Path, __: ExitStack) -> Made:
    node = evm_chain.Node(evm_chain.small())
    return EvmBlocks(
        "https://node.example", chain="eth-dev", per_second=1e9, transport=node.transport,
    ), None  # fmt: skip


def bitcoinlib_provider(_: Path, __: ExitStack, blocks: Blocks = None) -> Made:
    explorer = module_of("sources/bitcoinlib_provider/test_provider").Explorer(blocks or chain())

    def handle(request: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(200, content=explorer.answer(request.url.raw_path.decode()))

    return BitcoinlibProvider(
        "https://explorer.example/esplora", "blockstream", chain=REGTEST,
        addresses=two_addresses(), per_second=1e9, transport=httpx2.MockTransport(handle),
    ), None  # fmt: skip


def tron_node(_: Path, servers: ExitStack) -> Made:
    grid, tests = module_of("tron_grid"), module_of("sources/tron/test_trongrid")
    url = servers.enter_context(grid.served(grid.TronGridServer(tests.busy())))
    return TronNode(url, timeout=5.0), None


def trongrid(_: Path, servers: ExitStack) -> Made:
    grid, tests = module_of("tron_grid"), module_of("sources/tron/test_trongrid")
    url = servers.enter_context(grid.served(grid.TronGridServer(tests.busy())))
    return TronGrid(url, [tests.of("ann"), tests.of("bob")], timeout=5.0), None


def price_server(_: Path, servers: ExitStack) -> Made:
    site = module_of("price_site")
    url = servers.enter_context(site.served(site.PriceSite(int(THEN.timestamp()))))
    return PriceServer(
        url, "bitcoin", REGTEST, "EUR", "2023-06-01", "2023-06-04", granularity="hour", now=THEN
    ), None


def explorer(_: Path, servers: ExitStack) -> Made:
    site, tests = module_of("explorer_site"), module_of("sources/explorer/test_explorer")
    url = servers.enter_context(site.served(site.ExplorerSite(tests.busy())))
    return Explorer(f"{url}/v2/api", [site.account("ann"), site.account("bob")], timeout=5.0), None


SOURCES: dict[str, Callable[..., Made]] = {
    "BitcoinRest": bitcoin_rest,
    "BitcoinRpc": bitcoin_rpc,
    "BitcoinlibProvider": bitcoinlib_provider,
    "BlockFiles": block_files,
    "Electrum": electrum,
    "Esplora": esplora,
    "EtlJson": etl_json,
    "EvmBlocks": evm_blocks,
    "Explorer": explorer,
    "KnownTable": known_table,
    "NodeFolder": node_folder,
    "PriceServer": price_server,
    "PriceTable": price_table,
    "TransferDump": transfer_dump,
    "TronGrid": trongrid,
    "TronNode": tron_node,
}
"""Every source, written out: its maker gives the source and the file it reads."""

BLIND = {
    "EvmBlocks": "it reads other blocks: tests/sources/evm/test_walk.py has branches of them",
    "KnownTable": "a table of transfers names no blocks, so no branch can be told",
    "PriceServer": "prices are of no block",
    "PriceTable": "prices are of no block",
    "Explorer": "it reads up to a block with many above it, and no list bears a branch",
    "TransferDump": "a table of transfers names no blocks, so no branch can be told",
    "TronGrid": "it reads up to a block that the network calls final",
    "TronNode": "it reads up to a block that the network calls final",
}
"""Sources that cannot be shown Bitcoin's branches, and why; every other follows one here."""

FILES = ("BlockFiles", "EtlJson", "KnownTable", "NodeFolder", "PriceTable", "TransferDump")
SERVERS = tuple(sorted(set(SOURCES) - set(FILES)))


class Empty:
    """A ledger without rows."""

    def scan(self, table: str) -> pl.LazyFrame:
        return TABLES[table].empty().lazy()


@pytest.fixture
def made(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Made]:
    """Return a source of the class that the test is run for."""
    folder = tmp_path / "given"
    folder.mkdir()
    with ExitStack() as servers, stamina.set_testing(True, attempts=3, cap=True):
        yield SOURCES[request.param](folder, servers)


every = pytest.mark.parametrize("made", SOURCES, indirect=True)
of_files = pytest.mark.parametrize("made", FILES, indirect=True)
of_servers = pytest.mark.parametrize("made", SERVERS, indirect=True)


def batches(source: Source) -> list[Batch]:
    return [batch for batch in source.batches(Empty()) if batch.units]


def untimed(name: str, frame: pl.DataFrame, source: Source) -> pl.DataFrame:
    """Return rows without what differs from run to run: the time at which a server answered."""
    asked = name == "answers" and "acquired" not in vars(source)
    return frame.drop("time") if asked else frame


def digests(ledger: Ledger, source: Source) -> dict[str, str]:
    return {
        name: digest_frame(untimed(name, ledger.table(name).collect(), source), table.key)
        for name, table in TABLES.items()
    }


def test_the_list_is_complete() -> None:
    """A class in the folder that has ``batches`` is a source, and stands above."""
    import importlib
    import pkgutil

    from chainwatch import sources

    found = set()
    for module in pkgutil.walk_packages(sources.__path__, "chainwatch.sources."):
        for name, item in vars(importlib.import_module(module.name)).items():
            if isinstance(item, type) and hasattr(item, "batches") and item is not Source:
                found.add(name)
    assert found == set(SOURCES)


@every
def test_batches_conform(made: Made) -> None:
    found = batches(made[0])
    assert found
    for batch in found:
        for name, frame in batch.tables.items():
            assert TABLES[name].conform(frame).equals(frame)
            assert not frame.select(TABLES[name].key).is_duplicated().any()
        assert batch.rows > 0
        assert batch.what


@every
def test_batches_are_deterministic(made: Made) -> None:
    source, _ = made
    first, second = (
        [
            (batch.units, batch.what, batch.tip, batch.notes,
             {name: digest_frame(untimed(name, frame, source), TABLES[name].key)
              for name, frame in batch.tables.items()})
            for batch in batches(source)
        ]
        for _ in range(2)
    )  # fmt: skip
    assert first == second


@every
def test_each_batch_covers_its_units(made: Made) -> None:
    source, _ = made
    seen: set[str] = set()
    for batch in batches(source):
        rows = batch.tables["coverage"]
        assert sorted(rows["unit"]) == sorted(batch.units)
        assert set(rows["source"]) == {source.name}
        assert set(rows["chain"]) == {source.chain}
        assert seen.isdisjoint(batch.units)
        seen.update(batch.units)


@every
def test_units_are_named_alike_by_every_source(made: Made) -> None:
    """So that a unit read from one source is not read again from another."""
    source, _ = made
    for batch in batches(source):
        for row in batch.tables["coverage"].rows(named=True):
            block = canonical.txid_text(row["block"], row["chain"]) if row["block"] else ""
            kind = row["kind"]
            if kind in ("block", "internal"):
                assert row["unit"] == f"{kind}/{block}"
            elif kind == LOGS:
                assert row["unit"] == logs_unit(block)
            elif kind == "address" and not row["unit"].startswith("dump/"):
                assert row["unit"] == f"address/{row['address'].hex()}/{block}"
            else:
                assert row["unit"].partition("/")[0] in (
                    "dump", "prices", "script", "transaction"
                )  # fmt: skip


@every
def test_what_is_declared_unknown_is_null_or_absent(made: Made) -> None:
    source, _ = made
    for name in getattr(source, "unknown", ()):
        table, _, column = name.partition(".")
        for batch in batches(source):
            if table in batch.tables:
                frame = batch.tables[table]
                assert frame[column].null_count() == frame.height


@of_files
def test_answers_hold_the_digest_of_the_file(made: Made) -> None:
    source, path = made
    assert path is not None
    digest = hashlib.sha256(path.read_bytes()).digest()
    for batch in batches(source):
        mine = pl.col("request") == path.name
        answer = batch.tables["answers"].filter(mine).row(0, named=True)
        assert answer["digest"] == digest
        assert answer["size"] == path.stat().st_size
        assert (answer["source"], answer["time"]) == (source.name, THEN)
        assert set(batch.tables["coverage"]["answer"]) == {digest}


@of_servers
def test_answers_hold_the_digest_of_what_came(made: Made) -> None:
    source, _ = made
    begun = datetime.now(UTC)
    given: set[bytes] = set()
    for batch in batches(source):
        for answer in batch.tables["answers"].rows(named=True):
            assert answer["source"] == source.name
            assert answer["host"]
            assert answer["request"]
            assert begun <= answer["time"] <= datetime.now(UTC)
            if answer["body"] is not None:
                assert hashlib.sha256(answer["body"]).digest() == answer["digest"]
                assert len(answer["body"]) == answer["size"]
            given.add(answer["digest"])
        assert set(batch.tables["coverage"]["answer"]) <= given


@every
def test_a_second_pull_adds_nothing(made: Made, tmp_path: Path) -> None:
    source, _ = made
    first = pull(tmp_path / "l", source)
    before = open_ledger(tmp_path / "l").digests()
    second = pull(tmp_path / "l", source)
    assert (second.commits, second.units) == (0, 0)
    assert 0 < second.skipped <= first.units
    # A transaction of a history is a unit too, and is not asked for again.
    assert second.skipped == first.units or isinstance(source, (Electrum, Esplora))
    assert open_ledger(tmp_path / "l").digests() == before


@every
def test_commits_leave_no_trace_in_the_content(made: Made, tmp_path: Path) -> None:
    source, _ = made
    pull(tmp_path / "a", source)
    pull(tmp_path / "b", source, batch_rows=1)
    one, two = (digests(open_ledger(tmp_path / name), source) for name in ("a", "b"))
    assert one == two


@of_files
def test_no_folder_is_told(made: Made, tmp_path: Path) -> None:
    """Where a file lies on the desk is nobody's business: name only, also in errors."""
    source, path = made
    assert path is not None
    assert str(tmp_path) not in repr(source)
    path.write_bytes(path.read_bytes()[:20])
    with pytest.raises(ValueError, match=path.name) as caught:
        list(source.batches(Empty()))
    assert str(tmp_path) not in str(caught.value)


@of_servers
def test_offline_nothing_is_asked(made: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    """No socket is opened and no name looked up; nor is a host asked that was not named."""

    def opened(*_: Any, **__: Any) -> Any:
        raise AssertionError("a socket was opened")

    source, _ = made
    monkeypatch.setattr(socket, "socket", opened)
    monkeypatch.setattr(socket, "getaddrinfo", opened)
    with use_network(offline=True), pytest.raises(NetworkRefused, match="offline"):
        list(source.batches(Empty()))
    with use_network(only_hosts=["other.example"]), pytest.raises(NetworkRefused, match="named"):
        list(source.batches(Empty()))


@of_servers
def test_no_subject_is_shown(made: Made) -> None:
    for address in two_addresses():
        assert canonical.text(address, REGTEST) not in repr(made[0])


CHAIN_DATA = ("transactions", "inputs", "outputs", "output_keys", "input_keys")


@pytest.mark.parametrize("name", sorted(set(SOURCES) - set(BLIND)))
def test_a_reorganisation_is_followed(name: str, tmp_path: Path) -> None:
    """The ledger is then that of a fresh pull of the new branch, what addresses hold included."""
    with ExitStack() as servers, stamina.set_testing(True, attempts=3, cap=True):
        one, two = (
            SOURCES[name](_folder(tmp_path, f"{k}"), servers, blocks)[0]
            for k, blocks in enumerate(forked())
        )
        pull(tmp_path / "l", one)
        before = open_ledger(tmp_path / "l")
        pull(tmp_path / "l", two)
        pull(tmp_path / "fresh", two)
    ledger, fresh = open_ledger(tmp_path / "l"), open_ledger(tmp_path / "fresh")
    for table in ("blocks", *CHAIN_DATA):
        assert ledger.digest(table) == fresh.digest(table), table
    assert any(before.digest(table) != fresh.digest(table) for table in CHAIN_DATA)
    covered = (
        item.coverage.select("unit", "height", "block", "complete").sort("unit").collect()
        for item in (ledger, fresh)
    )
    assert next(covered).equals(next(covered))
    for address in two_addresses():
        found, wanted = (address_summary(item, address, REGTEST) for item in (ledger, fresh))
        assert found.totals.equals(wanted.totals)
        assert (found.complete, found.balance) == (wanted.complete, wanted.balance)
    assert check(ledger).ok


def _folder(place: Path, name: str) -> Path:
    made = place / name
    made.mkdir()
    return made
