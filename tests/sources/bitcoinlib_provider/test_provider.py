"""bitcoinlib kept to a folder and one endpoint: what it says is proven, and it reaches no further.

A small explorer on loopback answers as Esplora and as Blockbook do, from blocks made for the test;
the same blocks read from a file say what the rows must be.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import ModuleType
from typing import Any
from urllib.parse import parse_qs, urlsplit

import polars as pl
import pytest

from chainwatch.addresses import canonical
from chainwatch.addresses.scripts import classify
from chainwatch.bitcoin.block import parse_block
from chainwatch.bitcoin.inclusion import listed_block
from chainwatch.chains.catalogue import CHAINS
from chainwatch.chains.catalogue import chain as chain_of
from chainwatch.errors import BlockError, ChainError, InputError, NetworkRefused, SourceError
from chainwatch.ingest.pull import pull
from chainwatch.ledger.checks.check import check
from chainwatch.ledger.ledger import open_ledger
from chainwatch.ledger.lookup.lookup import address_summary
from chainwatch.ledger.storage.store import table_named
from chainwatch.net.client import Client
from chainwatch.net.policy import use_network
from chainwatch.results.provenance import digest_frame
from chainwatch.sources.bitcoinlib_provider.requests import PROVIDERS, Questions
from chainwatch.sources.bitcoinlib_provider.source import (
    BitcoinlibProvider,
    _client,
    confined,
)
from chainwatch.sources.block_files import BlockFiles

REGTEST = chain_of("btc-regtest")
KEY = bytes.fromhex("0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798")
ROOT = Path(__file__).resolve().parents[2]


class Explorer:
    """What an explorer knows of some blocks, in the two forms that are read."""

    def __init__(self, raws: Sequence[bytes], alias: str = "btc-regtest", start: int = 0) -> None:
        self.chain, self.raws, self.start = chain_of(alias), list(raws), start
        self.blocks = [parse_block(raw, self.chain, name="made") for raw in raws]
        self.txs = {tx.txid: (start + h, k, tx) for h, block in enumerate(self.blocks)
                    for k, tx in enumerate(block.txs)}  # fmt: skip
        self.asked: list[str] = []
        self.change: Callable[[str, Any], Any] = lambda path, value: value
        self.page = 25
        self.block_page = 1

    def raw(self, txid: bytes) -> bytes:
        """Find the bytes of a transaction: they begin where the ones before it end."""
        height, k, _ = self.txs[txid]
        block, data = self.blocks[height - self.start], self.raws[height - self.start]
        at = len(data) - sum(tx.size for tx in block.txs) + sum(tx.size for tx in block.txs[:k])
        return data[at : at + block.txs[k].size]

    def related(self, text: str) -> list[bytes]:
        """Return newest first what pays or spends an address, keys taken for addresses too."""
        address = canonical.parse(text, self.chain)
        found = []
        for txid, (_, k, tx) in self.txs.items():
            spent = [self.spent(i) for i in tx.inputs] if k else []
            if any(self.owner(o[1]) == address for o in [*tx.outputs, *filter(None, spent)]):
                found.append(txid)
        return found[::-1]

    def owner(self, script: bytes) -> bytes | None:
        """Return an address even for a key alone, as some explorers do."""
        from chainwatch.addresses.bip32 import hash160

        found = classify(script)
        return b"\x01" + hash160(found.keys[0]) if found.kind == "p2pk" else found.address

    def spent(self, item: tuple[bytes, int, int]) -> tuple[int, bytes] | None:
        return self.txs[item[0]][2].outputs[item[1]] if item[0] in self.txs else None

    def shown(self, script: bytes) -> dict[str, Any]:
        owner = self.owner(script)
        named = {"scriptpubkey_address": canonical.text(owner, self.chain)} if owner else {}
        return {"scriptpubkey": script.hex(), **named}

    def names(self) -> list[str]:
        return [block.hash[::-1].hex() for block in self.blocks]

    def esplora(self, path: str, query: dict[str, list[str]]) -> Any:
        parts = path.split("/")
        if path == "blocks/tip/height":
            return self.start + len(self.blocks) - 1
        if parts[0] == "block-height":
            return self.blocks[int(parts[1]) - self.start].hash[::-1].hex()
        if parts[0] == "block":
            raw = self.raws[self.names().index(parts[1])]
            return raw if parts[2] == "raw" else raw[:80].hex()
        if parts[0] == "tx":
            return self.raw(bytes.fromhex(parts[1])[::-1]).hex()
        found = self.related(parts[1])
        if len(parts) == 2:
            return {"chain_stats": {"tx_count": len(found)}}
        after = bytes.fromhex(parts[-1])[::-1] if len(parts[-1]) == 64 else None
        at = found.index(after) + 1 if after else 0
        pending = [] if after else [{"txid": "ff" * 32, "status": {"confirmed": False}}]
        return pending + [self.esplora_tx(txid) for txid in found[at : at + self.page]]

    def esplora_tx(self, txid: bytes) -> dict[str, Any]:
        height, k, tx = self.txs[txid]
        spends = []
        for prev, n, sequence in tx.inputs:
            known = self.spent((prev, n, sequence))
            prevout = {"value": known[0], **self.shown(known[1])} if known else None
            spends.append({
                "txid": prev[::-1].hex(), "vout": n, "prevout": prevout, "scriptsig": "",
                "is_coinbase": k == 0, "sequence": sequence,
            })  # fmt: skip
        return {
            "txid": txid[::-1].hex(), "version": tx.version, "locktime": tx.locktime,
            "vin": spends, "vout": [{"value": v, **self.shown(s)} for v, s in tx.outputs],
            "size": tx.size, "weight": 3 * tx.stripped + tx.size, "fee": 0,
            "status": {"confirmed": True, "block_height": height,
                       "block_time": self.blocks[height - self.start].header.time},
        }  # fmt: skip

    def blockbook(self, path: str, query: dict[str, list[str]]) -> Any:
        parts = path.split("/")
        if path == "status":
            return {"blockbook": {"bestHeight": self.start + len(self.blocks) - 1}}
        if parts[0] == "tx":
            return self.blockbook_tx(bytes.fromhex(parts[1])[::-1])
        page = int(query.get("page", ["1"])[0])
        if parts[0] == "block":
            named = len(parts[1]) == 64
            height = self.names().index(parts[1]) + self.start if named else int(parts[1])
            if height < self.start:  # it is asked which chain this is
                return {"hash": self.chain.genesis[::-1].hex() if not height else "00" * 32}
            return self.blockbook_block(height, page)
        found = self.related(parts[1])
        if query["details"] == ["basic"]:
            return {"txs": len(found)}
        part = found[(page - 1) * self.page : page * self.page]
        return {"page": page, "totalPages": -(-len(found) // self.page) or 1, "txs": len(found),
                "transactions": [self.blockbook_tx(txid) for txid in part]}  # fmt: skip

    def blockbook_tx(self, txid: bytes) -> dict[str, Any]:
        height, _, tx = self.txs[txid]
        return {
            "txid": txid[::-1].hex(), "hex": self.raw(txid).hex(), "confirmations": 1,
            "blockHeight": height, "blockTime": self.blocks[height - self.start].header.time,
            "valueIn": "0", "value": str(sum(v for v, _ in tx.outputs)), "fees": "0",
            "vin": [{} for _ in tx.inputs], "vout": [{} for _ in tx.outputs],
        }  # fmt: skip

    def blockbook_block(self, height: int, page: int) -> dict[str, Any]:
        block = self.blocks[height - self.start]
        size = self.block_page
        part = block.txs[(page - 1) * size : page * size]
        return {
            "hash": block.hash[::-1].hex(), "previousBlockHash": block.header.parent[::-1].hex(),
            "height": height, "confirmations": 1, "time": block.header.time,
            "version": block.header.version,
            "merkleRoot": block.header.merkle_root[::-1].hex(), "nonce": str(block.header.nonce),
            "bits": f"{block.header.bits:08x}", "txCount": len(block.txs), "page": page,
            "totalPages": -(-len(block.txs) // size),
            "txs": [{"txid": tx.txid[::-1].hex()} for tx in part],
        }  # fmt: skip

    def answer(self, target: str) -> bytes:
        self.asked.append(target)
        parts = urlsplit(target)
        kind, _, path = parts.path.lstrip("/").partition("/")
        value = getattr(self, kind)(path, parse_qs(parts.query))
        value = self.change(path, value)
        if isinstance(value, bytes):
            return value
        return value.encode() if isinstance(value, str) else json.dumps(value).encode()


@pytest.fixture
def serve() -> Iterator[Callable[[Explorer], str]]:
    """Return what puts an explorer on a port of loopback and gives its address."""
    servers = []

    def start(explorer: Explorer) -> str:
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                body = explorer.answer(self.path)
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        servers.append(server)
        return f"http://127.0.0.1:{server.server_port}"

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.fixture
def blocks(maker: ModuleType) -> list[bytes]:
    """Return a chain with a payment to a key alone, whose hash is an address too."""
    chain = maker.Chain().grow(11)
    txid, n, value = chain.coins.pop(0)
    chain.add([maker.spend([(txid, n)], [(value - 10, b"\x21" + KEY + b"\xac")])])
    return chain.grow(2).blocks


def subject(maker: ModuleType, number: int) -> str:
    return canonical.text(classify(maker.p2pkh(number)).address or b"", REGTEST)


class Empty:
    """A ledger that holds nothing."""

    def scan(self, table: str) -> pl.LazyFrame:
        return table_named(table).empty().lazy()


def source(url: str, provider: str, who: Sequence[str], **how: Any) -> BitcoinlibProvider:
    base = "blockbook" if provider == "blockbook" else "esplora"
    given = {"chain": "btc-regtest", "own": True} | how
    return BitcoinlibProvider(f"{url}/{base}", provider, addresses=who, **given)


@pytest.mark.parametrize("provider", list(PROVIDERS))
@pytest.mark.parametrize("number", [0, 1, 9])
def test_rows_are_those_of_the_blocks(
    provider: str, number: int, blocks: list[bytes], maker: ModuleType,
    serve: Callable[[Explorer], str], put: Callable[..., Path], tmp_path: Path,
) -> None:  # fmt: skip
    explorer = Explorer(blocks)
    explorer.page = 25 if provider != "blockbook" else 2
    who = subject(maker, number)
    report = pull(tmp_path / "asked", source(serve(explorer), provider, [who]))
    assert report.units == 1
    pull(tmp_path / "whole", BlockFiles(put("b.dat", maker.framed(*blocks)), chain="btc-regtest"))
    ours, whole = open_ledger(tmp_path / "asked"), open_ledger(tmp_path / "whole")
    keys = {"transactions": ["tx"], "outputs": ["tx", "n"], "output_keys": ["tx", "n", "k"],
            "inputs": ["tx", "n"]}  # fmt: skip
    txids = explorer.related(who)
    assert ours.transactions.collect().height == len(txids) > 0
    for name, key in keys.items():
        numbers = whole.transactions.filter(pl.col("txid").is_in(txids)).select("tx")
        wanted = whole.table(name).join(numbers, on="tx", how="semi").collect()
        found = ours.table(name).collect()
        if name == "inputs":  # where the spent transaction lies is what the source cannot know
            wanted, found = wanted.drop("prev_tx"), found.drop("prev_tx")
        assert digest_frame(found, key) == digest_frame(wanted, key), name


@pytest.mark.parametrize("provider", list(PROVIDERS))
def test_pages_are_joined(
    provider: str, maker: ModuleType, serve: Callable[[Explorer], str], tmp_path: Path
) -> None:
    chain = maker.Chain()
    for _ in range(60):
        chain.add()
    raws = chain.blocks
    one = maker.p2pkh(77)
    for txid, n, value in list(chain.coins)[:60]:
        chain.add([maker.spend([(txid, n)], [(value - 5, one)])])
    explorer = Explorer(raws)
    explorer.page = 25
    report = pull(tmp_path / "l", source(serve(explorer), provider, [subject(maker, 77)]))
    rows = open_ledger(tmp_path / "l").transactions.collect()
    assert rows.height == 61  # its own coinbase too
    assert report.units == 1


def test_a_key_alone_gets_no_address(
    blocks: list[bytes], serve: Callable[[Explorer], str], tmp_path: Path
) -> None:
    """The provider lists it under the hash of the key; the row is kept, and as what it is."""
    explorer = Explorer(blocks)
    who = canonical.text(explorer.owner(b"\x21" + KEY + b"\xac") or b"", REGTEST)
    for provider in ("blockstream", "blockbook"):
        pull(tmp_path / provider, source(serve(explorer), provider, [who]))
        outputs = open_ledger(tmp_path / provider).outputs.collect()
        paid = outputs.filter(pl.col("script_kind") == "p2pk")
        assert paid["address"].to_list() == [None]
        assert open_ledger(tmp_path / provider).output_keys.collect()["key"].to_list() == [KEY]


def test_answers_and_coverage(
    blocks: list[bytes], maker: ModuleType, serve: Callable[[Explorer], str], tmp_path: Path
) -> None:
    explorer = Explorer(blocks)
    who = subject(maker, 1)
    asked = source(serve(explorer), "blockbook", [who, who, subject(maker, 9)])
    report = pull(tmp_path / "l", asked)
    ledger = open_ledger(tmp_path / "l")
    covered = ledger.coverage.collect()
    tip = explorer.blocks[-1].hash
    address = canonical.parse(who, REGTEST)
    assert f"address/{address.hex()}/{tip[::-1].hex()}" in covered["unit"].to_list()
    assert covered["block"].to_list() == [tip] * 2
    assert report.tip == tip
    answers = ledger.answers.collect()
    assert set(covered["answer"]) <= set(answers["digest"])
    assert answers["host"].unique().to_list() == ["127.0.0.1"]
    assert answers["body"].null_count() == 0
    before = len(explorer.asked)
    again = pull(tmp_path / "l", asked)
    assert (again.commits, again.skipped) == (0, 2)
    assert len(explorer.asked) - before <= 10  # the tip alone was asked for


def test_nothing_is_asked_that_nobody_needs(
    blocks: list[bytes], maker: ModuleType, serve: Callable[[Explorer], str], tmp_path: Path
) -> None:
    explorer = Explorer(blocks)
    pull(
        tmp_path / "l", source(serve(explorer), "blockstream", [subject(maker, 1)], prevouts=False)
    )
    assert not [path for path in explorer.asked if "outspend" in path or path.endswith("/hex")]


def lie(path_part: str, **changes: Any) -> Callable[[str, Any], Any]:
    """Return a change of the answers to some questions: a dict's fields set to other values."""

    def change(path: str, value: Any) -> Any:
        if path_part in path and isinstance(value, dict):
            return value | changes
        return value

    return change


def in_txs(**changes: Any) -> Callable[[str, Any], Any]:
    """Return a change of every transaction of a history."""

    def change(path: str, value: Any) -> Any:
        if isinstance(value, dict) and "transactions" in value:
            return value | {"transactions": [tx | changes for tx in value["transactions"]]}
        if isinstance(value, list):
            return [tx | changes if len(tx) > 2 else tx for tx in value]
        return value

    return change


FAULTS = {
    "another root": ("blockbook", lie("block/", merkleRoot="11" * 32)),
    "another hash": ("blockbook", lie("block/", hash="11" * 32)),
    "another time": ("blockbook", lie("block/", time=7)),
    "a time out of range": ("blockbook", lie("block/", time=2**40)),
    "no number": ("blockbook", lie("block/", version="x")),
    "a float": ("blockbook", lie("block/", nonce=0.5)),
    "another height": ("blockbook", lie("block/", height=3)),
    "no transactions": ("blockbook", lie("block/", txs=[])),
    "too few": ("blockbook", lie("address/", txs=99)),
    "a count that is none": ("blockbook", lie("address/", txs="two")),
    "too many": ("blockbook", lie("address/", txs=10**6)),
    "endless pages": ("blockbook", lie("address/", totalPages=10**9)),
    "no height": ("blockbook", lie("status", blockbook={"bestHeight": None})),
    "cut bytes": ("blockbook", in_txs(hex="0200")),
    "bytes of another": ("blockbook", in_txs(hex="02000000" + "01" + "22" * 32 + "00000000" + "00"
                         + "ffffffff" + "01" + "0100000000000000" + "00" + "00000000")),
    "another block": ("blockbook", in_txs(blockHeight=2)),
    "a negative height": ("blockbook", in_txs(blockHeight=-7)),
    "amounts that differ": ("blockstream", in_txs(vout=[{"value": 5, "scriptpubkey": "51"}])),
    "an id that is a path": ("blockstream", in_txs(txid="../../tx")),
    "an id not there": ("blockstream", in_txs(txid="22" * 32)),
    "many outputs": ("blockstream", in_txs(vout=[{"value": 5, "scriptpubkey": "51"}] * 102)),
    "cut block": ("blockstream", lambda p, v: v[:-1] if isinstance(v, bytes) else v),
    "another block's bytes": ("blockstream", lambda p, v: v[:90] if isinstance(v, bytes) else v),
    "half a history": ("mempool", lambda p, v: v[:1] if isinstance(v, list) else v),
    "no list": ("mempool", lambda p, v: {} if isinstance(v, list) else v),
    "prevout of another": ("mempool", lambda p, v: "0200" if p.endswith("/hex") else v),
    "no JSON": ("blockbook", lambda p, v: "<html>" if "address" in p else v),
}  # fmt: skip


@pytest.mark.parametrize("fault", list(FAULTS))
def test_a_lie_is_an_error_and_no_row(
    fault: str, blocks: list[bytes], maker: ModuleType, serve: Callable[[Explorer], str]
) -> None:
    provider, change = FAULTS[fault]
    explorer = Explorer(blocks)
    explorer.change = change
    with pytest.raises((SourceError, BlockError)) as caught:
        next(source(serve(explorer), provider, [subject(maker, 12)]).batches(Empty()))
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 600


@pytest.mark.parametrize("provider", list(PROVIDERS))
def test_nothing_that_writes_can_be_reached(
    provider: str, serve: Callable[[Explorer], str], blocks: list[bytes]
) -> None:
    explorer = Explorer(blocks)
    confined()
    questions = Questions(
        Client(serve(explorer), source="test", own=True), PROVIDERS[provider][1]
    )  # fmt: skip
    client = _client(provider, "regtest", questions)
    original = type(client)
    deeds = [
        lambda: client.sendrawtransaction("00"),
        lambda: original.sendrawtransaction(client, "00"),
        lambda: client.request("sendtx/00"),
        lambda: client.request("tx", method="post", post_data="00"),
        lambda: client.request("../admin"),
        lambda: client.request("address/x?y"),
        lambda: client.request("//elsewhere.example/"),
        lambda: client.request("block-height/1\n"),
        lambda: original.request(client, "", method="get"),
    ]
    for deed in deeds:
        with pytest.raises(Exception, match=r"chainwatch|url provided"):
            deed()
    assert explorer.asked == []


def test_redirects_lead_nowhere(blocks: list[bytes], maker: ModuleType, tmp_path: Path) -> None:
    import httpx2

    def away(request: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(302, headers={"location": "http://elsewhere.example/"})

    asked = source("http://127.0.0.1:9", "blockbook", [subject(maker, 1)],
                   transport=httpx2.MockTransport(away))  # fmt: skip
    with pytest.raises(NetworkRefused):
        pull(tmp_path / "l", asked)


def test_offline_opens_no_socket(
    maker: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    confined()
    monkeypatch.setattr(socket, "socket", None)
    monkeypatch.setattr(socket, "getaddrinfo", None)
    asked = BitcoinlibProvider("https://explorer.example/api", addresses=[subject(maker, 1)],
                               chain="btc-regtest")  # fmt: skip
    with use_network(offline=True), pytest.raises(NetworkRefused):
        pull(tmp_path / "l", asked)
    with use_network(only_hosts=["other.example"]), pytest.raises(NetworkRefused):
        pull(tmp_path / "l", asked)


def test_strangers_are_logged_and_keys_are_not(
    blocks: list[bytes], maker: ModuleType, tmp_path: Path
) -> None:
    import httpx2

    explorer = Explorer(blocks)
    seen = []

    def reply(request: httpx2.Request) -> httpx2.Response:
        seen.append(request.headers.get("api-key"))
        return httpx2.Response(200, content=explorer.answer(request.url.raw_path.decode()))

    who = subject(maker, 1)
    asked = source("https://explorer.example", "blockbook", [who], own=False, api_key="sesame",
                   transport=httpx2.MockTransport(reply), per_second=1e6)  # fmt: skip
    log = tmp_path / "log.jsonl"
    with use_network(log_file=log):
        pull(tmp_path / "l", asked)
    lines = [json.loads(line) for line in log.read_text("utf-8").splitlines()]
    assert len(lines) == len(seen) == len(explorer.asked)
    assert {line["host"] for line in lines} == {"explorer.example"}
    assert {line["source"] for line in lines} == {"bitcoinlib"}
    assert any(who in line["asked"] for line in lines)
    assert set(seen) == {"sesame"}
    answers = open_ledger(tmp_path / "l").answers.collect()
    for text in (log.read_text("utf-8"), repr(asked), str(answers["request"].to_list())):
        assert "sesame" not in text


def test_refused_before_anything_is_asked() -> None:
    with pytest.raises(ChainError, match="bitcoinlib knows no"):
        BitcoinlibProvider("http://127.0.0.1", chain="eth")
    for provider in ("bitcoind", "blockchair", ""):
        with pytest.raises(InputError, match="not read through bitcoinlib"):
            BitcoinlibProvider("http://127.0.0.1", provider)
    with pytest.raises(InputError):
        BitcoinlibProvider("http://127.0.0.1", addresses=["bc1qnonsense"])
    assert [item.alias for item in CHAINS if item.bitcoinlib] == [
        "btc", "btc-testnet", "btc-testnet4", "btc-signet", "btc-regtest", "ltc", "doge",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("chain", "version", "fits"),
    [("doge", 0x620102, True), ("doge", 0x620002, False), ("ltc", 0x620102, False)],
)
def test_another_block_bears_the_work_of_a_merge_mined_one(
    chain: str, version: int, fits: bool, maker: ModuleType
) -> None:
    top = maker.header(bytes(32), b"\x11" * 32, 7, version=version, bits=0x1A00FFFF, proven=False)
    stated = {
        "height": 9, "version": version, "time": 7, "bits": 0x1A00FFFF, "prev_block": "00" * 32,
        "merkle_root": "11" * 32, "nonce": int.from_bytes(top[76:], "little"),
        "block_hash": maker.sha256d(top)[::-1].hex(), "txs": ["11" * 32],
    }  # fmt: skip
    if fits:
        assert listed_block(stated, 9, chain_of(chain)).hash == maker.sha256d(top)
    else:
        with pytest.raises(BlockError, match="proof of work"):
            listed_block(stated, 9, chain_of(chain))


MISREAD = {
    "966e8c2b5eb5e842bac97782412162f39e91fccb44a1bfde5ceb7c89e79a37eb": ("574200.raw", 574_200),
    "e4ee9f4ceb86ada2b4afb7fe73a857f89bb8c72760686183a8fc1b76b2d9b04b": ("629999.raw", 629_999),
    "56aaa371b2045bcdf013475e251607af85ec6bbddd63aa9ee34f2f9775206276": ("629999.raw", 629_999),
}
"""Real transactions of which bitcoinlib computes another id than theirs, and their blocks."""


@pytest.mark.parametrize("txid", list(MISREAD))
def test_an_id_that_bitcoinlib_gets_wrong(
    txid: str, real_data: Path, serve: Callable[[Explorer], str]
) -> None:
    name, height = MISREAD[txid]
    explorer = Explorer([(real_data / "bitcoin" / "blocks" / name).read_bytes()], "btc", height)
    explorer.block_page = 1_000
    tx = explorer.txs[bytes.fromhex(txid)[::-1]][2]
    who = next(filter(None, (classify(script).address for _, script in tx.outputs)))
    asked = BitcoinlibProvider(
        f"{serve(explorer)}/blockbook", "blockbook", addresses=[who], own=True, prevouts=False
    )
    rows = next(asked.batches(Empty())).tables["transactions"]
    assert tx.txid in rows["txid"].to_list()
    assert sorted(rows["txid"]) == sorted(explorer.related(canonical.text(who, "btc")))


CONFINE = """
import json, os, sys
writes, net = [], []
def hear(event, arguments):
    if event == "open":
        mode, flags = arguments[1], arguments[2]
        if flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_TRUNC) or \
                set(mode or "") & set("wax+"):
            writes.append(str(arguments[0]))
    elif event in ("os.mkdir", "os.rename", "os.remove", "sqlite3.connect"):
        writes.append(str(arguments[0]))
    elif event.split(".")[0] in ("socket", "urllib", "http"):
        net.append(event + " " + str(arguments[-1]))
import chainwatch.sources.bitcoinlib_provider.source as ours
import logging, tempfile, urllib3, warnings
tempfile.gettempdir()  # it tries the folder out by writing to it
sys.addaudithook(hear)
kept = list(warnings.filters), os.environ.copy(), list(logging.getLogger().handlers)
home = ours.confined()
assert (list(warnings.filters), os.environ.copy(), list(logging.getLogger().handlers)) == kept
assert ours.confined() == home
import bitcoinlib.keys, bitcoinlib.main
logging.getLogger("bitcoinlib.services.baseclient").error("an address")
try:
    from bitcoinlib.services.services import Service
    Service(network="bitcoin")
except Exception as error:
    print(type(error).__name__, file=sys.stderr)
else:
    raise SystemExit("a default provider was found")
print(json.dumps([str(home), writes, net, sorted(os.listdir(home))]))
"""


def run(code: str, home: Path, **more: str) -> subprocess.CompletedProcess[str]:
    kept = {name: os.environ[name] for name in ("PATH", "TMPDIR") if name in os.environ}
    surroundings = kept | {"HOME": str(home), "PYTHONPATH": str(ROOT), **more}
    return subprocess.run(
        [sys.executable, "-B", "-c", code], env=surroundings, capture_output=True, text=True,
        cwd=home, check=False,
    )  # fmt: skip


def test_it_writes_in_its_folder_alone_and_calls_nobody(tmp_path: Path) -> None:
    done = run(CONFINE, tmp_path)
    assert done.returncode == 0, done.stderr
    home, writes, net, listed = json.loads(done.stdout.splitlines()[-1])
    # pycryptodome asks a program of the system how wide Python's pointers are, without its errors.
    writes = [path for path in writes if path != "/dev/null"]
    assert [path for path in writes if not path.startswith(home)] == []
    # urllib3 looks whether the machine has IPv6 by binding a socket to itself; nothing is sent.
    assert [event for event in net if not event.startswith(("socket.__new__", "socket.bind"))] == []
    assert [event for event in net if "bind" in event and "::1" not in event] == []
    assert listed == ["config.ini", "database", "install.log", "networks.json", "providers.json"]
    assert list(tmp_path.iterdir()) == []
    assert not Path(home).exists()  # removed at exit
    assert "an address" not in done.stderr


def test_a_bitcoinlib_that_was_free_is_refused(tmp_path: Path) -> None:
    code = (
        "import bitcoinlib\nimport chainwatch.sources.bitcoinlib_provider.source as o\no.confined()"
    )
    done = run(code, tmp_path, BCL_DATA_DIR=str(tmp_path / "free"))
    assert "SourceError: bitcoinlib was imported before" in done.stderr


def test_another_folder_is_refused(tmp_path: Path) -> None:
    code = (
        "import chainwatch.sources.bitcoinlib_provider.source as o\n"
        "o.confined('a')\no.confined('b')"
    )
    done = run(code, tmp_path)
    assert "SourceError: bitcoinlib is confined to another folder" in done.stderr
    assert (tmp_path / "a" / "install.log").read_text("utf-8") == "confined by chainwatch\n"


def test_another_encoding_is_one_sentence(tmp_path: Path) -> None:
    code = "import chainwatch.sources.bitcoinlib_provider.source as o\no.confined()"
    done = run(code, tmp_path, LC_ALL="POSIX", PYTHONCOERCECLOCALE="0", PYTHONUTF8="0")
    assert "MissingExtra: bitcoinlib cannot start (OSError); it needs UTF-8" in done.stderr


@pytest.mark.parametrize("provider", list(PROVIDERS))
def test_a_reorganisation_between_pulls(
    provider: str, branches: tuple[list[bytes], list[bytes]], maker: ModuleType,
    serve: Callable[[Explorer], str], tmp_path: Path,
) -> None:  # fmt: skip
    who = [subject(maker, 200)]
    urls = [serve(Explorer(blocks)) for blocks in branches]
    pull(tmp_path / "l", source(urls[0], provider, who))
    report = pull(tmp_path / "l", source(urls[1], provider, who))
    assert any("the chain was reorganised" in note for note in report.notes)
    ledger = open_ledger(tmp_path / "l")
    assert ledger.transactions.collect()["height"].to_list() == [10]
    assert address_summary(ledger, who[0], "btc-regtest").totals["received"].to_list() == [1_000]
    assert check(ledger).ok
    with pytest.raises(SourceError, match="differs from the ledger's, and is lower"):
        pull(tmp_path / "l", source(urls[0], provider, who))


@pytest.mark.parametrize("provider", list(PROVIDERS))
def test_what_the_ledger_holds_must_be_listed(
    provider: str, branches: tuple[list[bytes], list[bytes]], maker: ModuleType,
    serve: Callable[[Explorer], str], tmp_path: Path,
) -> None:  # fmt: skip
    who, blocks = subject(maker, 200), branches[1]
    pull(tmp_path / "l", source(serve(Explorer(blocks[:-1])), provider, [who]))
    explorer = Explorer(blocks)
    explorer.related = lambda text: []  # type: ignore[method-assign]
    report = pull(tmp_path / "l", source(serve(explorer), provider, [who]))
    assert any("1 transaction of it that the server does not list" in n for n in report.notes)
    assert not address_summary(open_ledger(tmp_path / "l"), who, "btc-regtest").complete


@pytest.mark.parametrize("provider", list(PROVIDERS))
def test_a_reorganisation_during_a_pull(
    provider: str, branches: tuple[list[bytes], list[bytes]], maker: ModuleType,
    serve: Callable[[Explorer], str], tmp_path: Path,
) -> None:  # fmt: skip
    """The chain changes when the second history is asked for: all is of the new branch."""
    first, second = subject(maker, 200), subject(maker, 3)
    explorer, other = Explorer(branches[0]), Explorer(branches[1])

    def switch(path: str, value: Any) -> Any:
        if second in path and explorer.raws != other.raws:
            explorer.raws, explorer.blocks, explorer.txs = other.raws, other.blocks, other.txs
        return value

    explorer.change = switch
    pull(tmp_path / "l", source(serve(explorer), provider, [first, second]))
    pull(tmp_path / "m", source(serve(other), provider, [first, second]))
    ledger, fresh = open_ledger(tmp_path / "l"), open_ledger(tmp_path / "m")
    for table in ("transactions", "inputs", "outputs"):
        assert ledger.digest(table) == fresh.digest(table)


def test_a_provider_of_another_chain_is_refused(
    blocks: list[bytes], maker: ModuleType, serve: Callable[[Explorer], str], tmp_path: Path
) -> None:
    explorer = Explorer(blocks)
    explorer.change = lambda path, value: "11" * 32 if path == "block-height/0" else value
    with pytest.raises(ChainError, match="the server is not of Bitcoin regtest"):
        pull(tmp_path / "l", source(serve(explorer), "blockstream", [subject(maker, 1)]))
