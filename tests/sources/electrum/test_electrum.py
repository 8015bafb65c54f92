"""An Electrum server that misbehaves or lies: proven rows or a clear error, never a wrong row."""

from __future__ import annotations

import hashlib
import json
import socket
import socketserver
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import polars as pl
import pytest
import stamina

from chainwatch.bitcoin.block import parse_block
from chainwatch.chains.catalogue import chain as chain_of
from chainwatch.errors import ChainError, ChainwatchError, InputError, NetworkRefused, SourceError
from chainwatch.ingest.protocol import Batch
from chainwatch.ingest.pull import pull
from chainwatch.ledger import schema
from chainwatch.ledger.checks.check import check
from chainwatch.ledger.ledger import Ledger, open_ledger
from chainwatch.ledger.lookup.lookup import address_summary
from chainwatch.net.policy import use_network
from chainwatch.results.provenance import digest_frame
from chainwatch.sources.block_files import BlockFiles
from chainwatch.sources.electrum import history, wire
from chainwatch.sources.electrum.source import Electrum

CHAIN = "btc-regtest"
TABLES = {table.name: table for table in schema.TABLES}
ROWS = ("transactions", "inputs", "outputs", "output_keys", "input_keys")


class Reply:
    """What the server is about to answer; a test alters it."""

    def __init__(self, method: str, params: list[Any], message: dict[str, Any]) -> None:
        self.method, self.params, self.message = method, params, message
        self.line: bytes | None = None
        self.cut: int | None = None
        self.sleep = 0.0
        self.before = b""

    @property
    def result(self) -> Any:
        return self.message.get("result")

    @result.setter
    def result(self, value: Any) -> None:
        self.message["result"] = value

    def bytes(self) -> bytes:
        return self.line if self.line is not None else json.dumps(self.message).encode() + b"\n"


Spoil = Callable[[Reply], None]


class FakeElectrum:
    """An index of made blocks, behind the line protocol."""

    def __init__(self, blocks: list[bytes], maker: ModuleType) -> None:
        self.maker = maker
        self.spoil: Spoil = lambda reply: None
        self.asked: list[str] = []
        self.host, self.port = "127.0.0.1", 0
        self.replace(blocks)

    def replace(self, blocks: list[bytes]) -> None:
        """Index a chain."""
        self.blocks = blocks
        self.raws: dict[str, str] = {}
        self.places: dict[str, tuple[int, int]] = {}
        self.histories: dict[str, list[dict[str, Any]]] = {}
        self.ids: list[list[bytes]] = []
        scripts: dict[tuple[bytes, int], bytes] = {}
        for height, raw in enumerate(blocks):
            block = parse_block(raw, chain_of(CHAIN), name="made")
            self.ids.append([tx.txid for tx in block.txs])
            offset = 81
            for position, tx in enumerate(block.txs):
                txid = tx.txid[::-1].hex()
                self.raws[txid] = raw[offset : offset + tx.size].hex()
                offset += tx.size
                self.places[txid] = height, position
                touched = [scripts[t, n] for t, n, _ in tx.inputs if (t, n) in scripts]
                for n, (_, script) in enumerate(tx.outputs):
                    scripts[tx.txid, n] = script
                    touched.append(script)
                if height:
                    for script in dict.fromkeys(touched):
                        item = {"tx_hash": txid, "height": height}
                        self.histories.setdefault(scripthash(script), []).append(item)
        self.scripts = list(dict.fromkeys(scripts.values()))

    def answer(self, method: str, params: list[Any]) -> Any:
        name = method.removeprefix("blockchain.")
        if name == "server.version":
            return ["made 1.0", "1.4"]
        if name == "server.features":
            return {"genesis_hash": self.maker.sha256d(self.blocks[0][:80])[::-1].hex()}
        if name == "headers.subscribe":
            return {"height": len(self.blocks) - 1, "hex": self.blocks[-1][:80].hex()}
        if name == "block.header":
            return self.blocks[params[0]][:80].hex()
        if name == "scripthash.get_history":
            return self.histories.get(params[0], [])
        if name == "transaction.get":
            return self.raws[params[0]]
        if name == "transaction.get_merkle":
            height, position = self.places[params[0]]
            branch = [h[::-1].hex() for h in self.branch(height, position)]
            return {"block_height": height, "merkle": branch, "pos": position}
        raise KeyError(method)

    def branch(self, height: int, position: int) -> list[bytes]:
        level, found = list(self.ids[height]), []
        while len(level) > 1:
            level += level[-1:] * (len(level) % 2)
            found.append(level[position ^ 1])
            pairs = zip(level[::2], level[1::2], strict=True)
            level, position = [self.maker.sha256d(a + b) for a, b in pairs], position // 2
        return found


def scripthash(script: bytes) -> str:
    return hashlib.sha256(script).digest()[::-1].hex()


def handler_of(server: FakeElectrum) -> type[socketserver.StreamRequestHandler]:
    class Handler(socketserver.StreamRequestHandler):
        disable_nagle_algorithm = True

        def handle(self) -> None:
            try:
                while line := self.rfile.readline():
                    if not self.give(json.loads(line)):
                        return
            except (ConnectionError, TimeoutError):
                return

        def give(self, asked: dict[str, Any]) -> bool:
            method, params = asked["method"], asked["params"]
            message: dict[str, Any] = {"jsonrpc": "2.0", "id": asked["id"]}
            try:
                message["result"] = server.answer(method, params)
            except (KeyError, IndexError):
                message["error"] = {"code": 1, "message": "no such thing"}
            reply = Reply(method, params, message)
            server.asked.append(method)
            server.spoil(reply)
            time.sleep(reply.sleep)
            data = reply.before + reply.bytes()
            if reply.cut is None:
                self.wfile.write(data)
                return True
            self.wfile.write(data[: reply.cut])
            self.wfile.flush()
            linger = struct.pack("ii", 1, 0)
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            return False

    return Handler


class Quiet(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True

    def handle_error(self, *_: object) -> None:
        """A client that went away is no news."""


@contextmanager
def served(server: FakeElectrum) -> Iterator[FakeElectrum]:
    with Quiet((server.host, 0), handler_of(server)) as listener:
        server.port = listener.server_address[1]
        thread = threading.Thread(target=listener.serve_forever, args=(0.01,))
        thread.start()
        with stamina.set_testing(True, attempts=3, cap=True):
            yield server
        listener.shutdown()
        thread.join()


@pytest.fixture
def server(short_chain: list[bytes], maker: ModuleType) -> Iterator[FakeElectrum]:
    with served(FakeElectrum(short_chain, maker)) as made:
        yield made


def electrum(server: FakeElectrum, **options: Any) -> Electrum:
    given = {"chain": CHAIN, "timeout": 5.0, "scripts": server.scripts, **options}
    return Electrum(server.host, server.port, **given)


class Empty:
    """A ledger without rows."""

    def scan(self, table: str) -> pl.LazyFrame:
        return TABLES[table].empty().lazy()


def seen(batch: Batch) -> dict[str, str]:
    """Digest the rows of a batch, but for the times of answers."""
    tables = {name: frame for name, frame in batch.tables.items() if name != "answers"}
    return {name: digest_frame(frame, TABLES[name].key) for name, frame in tables.items()}


def gathered(source: Electrum) -> tuple[list[dict[str, str]], ChainwatchError | None]:
    """Return the rows that come, and the error that ends them."""
    got = []
    try:
        for batch in source.batches(Empty()):
            got.append(seen(batch))
    except ChainwatchError as error:
        return got, error
    return got, None


@pytest.fixture(scope="module")
def expected(short_chain: list[bytes], maker: ModuleType) -> list[dict[str, str]]:
    with served(FakeElectrum(short_chain, maker)) as made:
        return gathered(electrum(made))[0]


def pulled(folder: Path, source: Any) -> Ledger:
    pull(folder, source)
    return open_ledger(folder)


def latest(folder: Path) -> Ledger:
    return open_ledger(folder / "ledger")


# Right rows ----------------------------------------------------------------------------------


def test_rows_are_those_of_the_blocks(
    server: FakeElectrum, maker: ModuleType, put: Callable[..., Path], tmp_path: Path
) -> None:
    blocks = BlockFiles(put("blocks.dat", maker.framed(*server.blocks)), CHAIN)
    whole, found = pulled(tmp_path / "a", blocks), pulled(tmp_path / "b", electrum(server))
    for name in ROWS:
        above = whole.table(name).filter(pl.col("tx") > 0).collect()
        assert found.table(name).sort("tx").collect().equals(above.sort("tx"))
    assert found.inputs.collect()["value"].null_count() == 0
    check(found).raise_for_failures()


def test_addresses_and_scripts_are_the_same_units(server: FakeElectrum, tmp_path: Path) -> None:
    script = server.maker.p2pkh(1)
    address = b"\x01" + script[3:23]
    first = electrum(server, scripts=[], addresses=[address])
    assert electrum(server, scripts=[script]).targets == first.targets
    ledger = pulled(tmp_path / "ledger", first)
    again = pull(tmp_path / "ledger", electrum(server, scripts=[script, b"\x52"]))
    assert (again.units, again.skipped) == (1, 1)
    before, after = (set(item.coverage.collect()["kind"]) for item in (ledger, latest(tmp_path)))
    assert (before, after) == ({"address", "transaction"}, {"address", "transaction", "script"})


def test_a_new_tip_fetches_only_what_is_new(
    server: FakeElectrum, maker: ModuleType, tmp_path: Path
) -> None:
    blocks = server.blocks
    server.replace(blocks[:8])
    pull(tmp_path / "ledger", electrum(server))
    server.replace(blocks)
    server.asked.clear()
    report = pull(tmp_path / "ledger", electrum(server))
    new = sum(len(ids) for ids in server.ids[8:])
    assert report.rows("transactions") == new
    assert server.asked.count("blockchain.transaction.get_merkle") == new
    fresh = pulled(tmp_path / "fresh", electrum(server))
    for name in ROWS:
        assert open_ledger(tmp_path / "ledger").digest(name) == fresh.digest(name)


def test_what_waits_in_the_pool_is_left_out(server: FakeElectrum, tmp_path: Path) -> None:
    def waiting(reply: Reply) -> None:
        if reply.method.endswith("get_history"):
            reply.result = [*reply.result, {"tx_hash": "ab" * 32, "height": 0, "fee": 1},
                            {"tx_hash": "cd" * 32, "height": -1, "fee": 1},
                            {"tx_hash": "ef" * 32, "height": 99}]  # fmt: skip

    plain = pulled(tmp_path / "a", electrum(server))
    server.spoil = waiting
    found = pulled(tmp_path / "b", electrum(server))
    assert [found.digest(name) for name in ROWS] == [plain.digest(name) for name in ROWS]


def test_a_history_that_is_too_long_is_listed_as_incomplete(
    server: FakeElectrum, tmp_path: Path
) -> None:
    script = server.scripts[2]

    def refuse(reply: Reply) -> None:
        if reply.params[:1] == [scripthash(script)]:
            reply.message = {"id": reply.message["id"],
                             "error": {"code": 1, "message": "history too large"}}  # fmt: skip

    server.spoil = refuse
    report = pull(tmp_path / "ledger", electrum(server))
    assert any("history too large" in note for note in report.notes)
    covered = open_ledger(tmp_path / "ledger").coverage.collect()
    assert covered.filter(~pl.col("complete"))["unit"].str.ends_with("/refused").to_list() == [True]
    server.spoil = lambda reply: None
    report = pull(tmp_path / "ledger", electrum(server))
    assert report.units == 1 + report.rows("transactions")
    unit = covered.filter(~pl.col("complete"))["unit"][0].removesuffix("/refused")
    assert latest(tmp_path).coverage.filter(unit=unit).collect()["complete"].to_list() == [True]
    short = pull(tmp_path / "other", electrum(server, scripts=[script], max_transactions=1))
    assert any("more than max_transactions, 1" in note for note in short.notes)


def test_padding_changes_no_digest(server: FakeElectrum, expected: list[dict[str, str]]) -> None:
    def pad(reply: Reply) -> None:
        reply.line = json.dumps(reply.message).encode()[:-1] + b"   }  \n"

    server.spoil = pad
    assert gathered(electrum(server)) == (expected, None)


def test_notices_between_answers_are_passed_over(
    server: FakeElectrum, expected: list[dict[str, str]]
) -> None:
    notice = b'{"jsonrpc": "2.0", "method": "blockchain.headers.subscribe", "params": [{}]}\n'
    server.spoil = lambda reply: vars(reply).update(before=notice)
    assert gathered(electrum(server)) == (expected, None)


# Faults --------------------------------------------------------------------------------------


def put_in(**fields: Any) -> Spoil:
    return lambda reply: vars(reply).update(fields)


def result(value: Any) -> Spoil:
    return lambda reply: setattr(reply, "result", value)


def message(**fields: Any) -> Spoil:
    return lambda reply: reply.message.update(fields)


HEALED: dict[str, Spoil] = {
    "a reset at once": put_in(cut=0),
    "a reset in the middle": put_in(cut=20),
    "silence": put_in(sleep=1.0),
}
"""What another connection mends."""

REFUSED: dict[str, Spoil] = {
    "garbage": put_in(line=bytes([*range(128, 256), 10])),
    "an empty line": put_in(line=b"\n"),
    "half a line": lambda reply: put_in(line=reply.bytes()[:20] + b"\n")(reply),
    "html": put_in(line=b"<html></html>\n"),
    "deep": put_in(line=b"[" * 50_000 + b"\n"),
    "a list": put_in(line=b"[]\n"),
    "a number": put_in(line=b"7\n"),
    "a huge number": put_in(line=b"9" * 5_000 + b"\n"),
    "another id": message(id=4),
    "an id of text": lambda reply: message(id=str(reply.message["id"]))(reply),
    "an id of true": message(id=True),
    "no id": message(id=None),
    "an error": message(error={"code": -32603, "message": "internal error"}),
    "an error of no form": message(error="broken"),
    "null": result(None),
    "true": result(True),
    "minus one": result(-1),
    "10^30": result(10**30),
    "text": result("zz"),
    "blanks": result(" 00" * 80),
    "an object": result({}),
    "a list of lists": result([[]]),
    "numbers": result([1]),
    "zeros": result("00" * 80),
}  # fmt: skip
"""What is refused with a clear error."""

MOMENTS = ("blockchain.headers.subscribe", "blockchain.block.header", "blockchain.transaction.get",
           "blockchain.scripthash.get_history", "blockchain.transaction.get_merkle")  # fmt: skip


def once(server: FakeElectrum, method: str, spoil: Spoil, nth: int = 2, *, on: bool = True) -> None:
    """Spoil the nth answer to a method, and those that follow if ``on``."""
    count = 0

    def watch(reply: Reply) -> None:
        nonlocal count
        if reply.method == method:
            count += 1
            if count == nth or (on and count > nth):
                spoil(reply)

    server.spoil = watch


@pytest.mark.fault
@pytest.mark.parametrize("fault", HEALED)
def test_what_passes_is_asked_again(
    server: FakeElectrum, fault: str, expected: list[dict[str, str]]
) -> None:
    for method in ("server.version", *MOMENTS):
        once(server, method, HEALED[fault], 1, on=False)
        timeout = 0.5 if fault == "silence" else 5.0
        assert gathered(electrum(server, timeout=timeout)) == (expected, None)


@pytest.mark.fault
@pytest.mark.parametrize("fault", REFUSED)
def test_what_is_wrong_is_refused(
    server: FakeElectrum, fault: str, expected: list[dict[str, str]]
) -> None:
    for method in MOMENTS:
        once(server, method, REFUSED[fault], 1 if method.endswith("subscribe") else 2)
        got, error = gathered(electrum(server))
        assert error is not None, method
        assert str(error).endswith(".")
        assert got == expected[: len(got)]


def test_a_line_without_end_is_cut_off(
    server: FakeElectrum, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wire, "LONGEST_LINE", 100_000)
    server.spoil = put_in(line=b"9" * 300_000)
    with pytest.raises(SourceError, match="longer than 100,000 bytes"):
        list(electrum(server).batches(Empty()))


def test_notices_without_end_are_cut_off(
    server: FakeElectrum, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wire, "_MOST_NOTICES", 50)
    notice = b'{"method": "x", "params": []}\n'
    server.spoil = put_in(line=notice * 100)
    with pytest.raises(SourceError, match="more than 50 notices and no answer"):
        list(electrum(server).batches(Empty()))


# Lies ----------------------------------------------------------------------------------------


def lied_to(server: FakeElectrum, method: str, lie: Spoil, words: str) -> None:
    once(server, f"blockchain.{method}", lie, 1)
    with pytest.raises(SourceError, match=words):
        list(electrum(server).batches(Empty()))


def test_a_transaction_that_is_another(server: FakeElectrum) -> None:
    other = next(iter(server.raws.values()))
    lied_to(server, "transaction.get", result(other), "does not hash to its id")


def test_a_transaction_with_another_amount(server: FakeElectrum) -> None:
    def richer(reply: Reply) -> None:
        raw = bytearray.fromhex(reply.result)
        raw[-20] ^= 1
        reply.result = raw.hex()

    lied_to(server, "transaction.get", richer, "does not hash to its id|cannot be read")


def test_what_is_spent_is_proven_too(server: FakeElectrum) -> None:
    """The transaction before stands in no history that is asked for, yet its bytes are hashed."""
    spends = [raw for height, ids in enumerate(server.ids) for raw in ids[1:] if height]
    script = parse_block(server.blocks[-1], chain_of(CHAIN), name="x").txs[-1].outputs[0][1]
    own = {item["tx_hash"] for item in server.histories[scripthash(script)]}
    other = next(iter(server.raws.values()))

    def lie(reply: Reply) -> None:
        if reply.method.endswith("transaction.get") and reply.params[0] not in own:
            reply.result = other

    assert spends
    server.spoil = lie
    with pytest.raises(SourceError, match="does not hash to its id"):
        list(electrum(server, scripts=[script]).batches(Empty()))


def test_a_proof_of_another_branch(server: FakeElectrum) -> None:
    def lie(reply: Reply) -> None:
        reply.result["merkle"] = ["ab" * 32, *reply.result["merkle"][1:]]

    lied_to(server, "transaction.get_merkle", lie, "does not lead to the root|proves nothing")


def test_a_proof_of_another_place(server: FakeElectrum) -> None:
    def lie(reply: Reply) -> None:
        if reply.result["merkle"]:
            reply.result["pos"] ^= 1

    lied_to(server, "transaction.get_merkle", lie, "does not lead to the root|repeated place")


def test_a_proof_of_another_block(server: FakeElectrum) -> None:
    lie = lambda reply: reply.result.update(block_height=reply.result["block_height"] + 1)  # noqa: E731
    lied_to(server, "transaction.get_merkle", lie, "the proof is of another block")


def test_a_proof_with_a_negative_place(server: FakeElectrum) -> None:
    lie = lambda reply: reply.result.update(pos=-1)  # noqa: E731
    lied_to(server, "transaction.get_merkle", lie, "proves nothing")


def test_a_header_without_work(server: FakeElectrum) -> None:
    def lie(reply: Reply) -> None:
        header = server.maker.header(bytes(32), bytes(32), 1_700_000_000, proven=False)
        reply.result = header.hex()

    lied_to(server, "block.header", lie, "lacks the proof of work")


def test_a_history_with_one_transaction_twice(server: FakeElectrum) -> None:
    lie = lambda reply: setattr(reply, "result", reply.result * 2)  # noqa: E731
    lied_to(server, "scripthash.get_history", lie, "history cannot be")


@pytest.mark.parametrize("height", [-2, 2**31, 10**30, "5", 1.5, None, True])
def test_a_history_with_a_height_that_is_none(server: FakeElectrum, height: Any) -> None:
    lie = result([{"tx_hash": "ab" * 32, "height": height}])
    lied_to(server, "scripthash.get_history", lie, "history cannot be|of the right type")


def test_another_chain(server: FakeElectrum) -> None:
    with pytest.raises(ChainError, match="not of Bitcoin: it names the genesis block 0f9188"):
        list(electrum(server, chain="btc").batches(Empty()))


def test_a_server_without_features_shows_its_first_block(
    server: FakeElectrum, expected: list[dict[str, str]], maker: ModuleType
) -> None:
    def none(reply: Reply) -> None:
        if reply.method == "server.features":
            error = {"code": -32601, "message": "unknown method"}
            reply.message = {"id": reply.message["id"], "error": error}

    server.spoil = none
    assert gathered(electrum(server)) == (expected, None)
    other = maker.Chain(blocks=[maker.block_of(bytes(32), 0, [maker.coinbase(0, [(1, b"\x51")])])])
    server.replace(other.grow(3).blocks)
    with pytest.raises(ChainError, match=r"not of .*: it is of .*its genesis block is"):
        list(electrum(server).batches(Empty()))


# Reorganisations -----------------------------------------------------------------------------


def branch(maker: ModuleType, blocks: list[bytes], height: int, count: int) -> list[bytes]:
    made = maker.Chain(blocks=list(blocks[: height + 1]))
    for _ in range(count):
        made.add(tail=b"\x00fork")
    return list(made.blocks)


def same_rows(first: Ledger, second: Ledger) -> bool:
    return [first.digest(name) for name in ROWS] == [second.digest(name) for name in ROWS]


@pytest.mark.fault
def test_a_reorganisation_of_depth_6(
    server: FakeElectrum, maker: ModuleType, tmp_path: Path
) -> None:
    before = pulled(tmp_path / "ledger", electrum(server))
    old = before.digests()
    server.replace(branch(maker, server.blocks, 5, 8))
    report = pull(tmp_path / "ledger", electrum(server))
    assert any("reorganised" in note for note in report.notes)
    after = open_ledger(tmp_path / "ledger")
    assert same_rows(after, pulled(tmp_path / "fresh", electrum(server)))
    assert after.as_of(before.commit.number).digests() == old  # type: ignore[union-attr]


def test_what_the_ledger_holds_must_be_listed(
    server: FakeElectrum, maker: ModuleType, tmp_path: Path
) -> None:
    """A server that leaves out what another has proven has no whole history."""
    pull(tmp_path / "ledger", electrum(server))
    chain = maker.Chain(blocks=list(server.blocks))
    chain.add()
    server.replace(chain.blocks)
    server.histories = {}
    report = pull(tmp_path / "ledger", electrum(server))
    assert any("transactions of it that the server does not list" in n for n in report.notes)
    ledger = open_ledger(tmp_path / "ledger")
    last = ledger.coverage.filter(pl.col("height") == len(chain.blocks) - 1).collect()
    paid = ledger.transactions.filter(pl.col("height") > 0).select("tx").collect()
    assert paid.height
    partial = last.filter(pl.col("unit").str.contains("/partial/0", literal=True))
    assert partial.height == len(report.notes)
    assert not partial["complete"].any()
    address = partial["address"].drop_nulls()[0]
    assert not address_summary(ledger, address, CHAIN).complete


def test_a_tip_that_the_ledger_has_at_another_height_is_refused(
    server: FakeElectrum, tmp_path: Path
) -> None:
    """Believed, it would make every honest chain seem lower than the ledger."""
    before = pulled(tmp_path / "ledger", electrum(server)).digests()

    def higher(reply: Reply) -> None:
        if reply.method == "blockchain.headers.subscribe":
            reply.message["result"]["height"] += 900

    server.spoil = higher
    with pytest.raises(SourceError, match=r"states height 9\d\d of a block that stands at"):
        pull(tmp_path / "ledger", electrum(server))
    assert open_ledger(tmp_path / "ledger").digests() == before


def test_a_branch_that_is_lower_replaces_nothing(
    server: FakeElectrum, maker: ModuleType, tmp_path: Path
) -> None:
    """Histories hold no headers: the work of what would be replaced cannot be added up."""
    before = pulled(tmp_path / "ledger", electrum(server)).digests()
    server.replace(branch(maker, server.blocks, 5, 1))
    with pytest.raises(SourceError, match="differs from the ledger's, and is lower"):
        pull(tmp_path / "ledger", electrum(server))
    assert open_ledger(tmp_path / "ledger").digests() == before


@pytest.mark.fault
@pytest.mark.parametrize("nth", [1, 3, 9])
def test_a_reorganisation_during_a_pull(
    server: FakeElectrum, maker: ModuleType, tmp_path: Path, nth: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """Histories read before it are given up and read again."""
    monkeypatch.setattr(history, "_TRANSACTIONS", 3)
    fork = branch(maker, server.blocks, 5, 8)
    once(server, "blockchain.transaction.get_merkle", lambda reply: server.replace(fork), nth,
         on=False)  # fmt: skip
    scripts = list(server.scripts)
    ledger = pulled(tmp_path / "ledger", electrum(server, scripts=scripts))
    assert same_rows(ledger, pulled(tmp_path / "fresh", electrum(server, scripts=scripts)))


def test_a_server_that_never_settles(server: FakeElectrum, maker: ModuleType) -> None:
    sides = [server.blocks, branch(maker, server.blocks, 5, 6)]

    def flap(reply: Reply) -> None:
        if reply.method == "blockchain.scripthash.get_history":
            sides.reverse()
            server.replace(sides[0])

    server.spoil = flap
    with pytest.raises(SourceError, match="was reorganised 5 times while it was read"):
        list(electrum(server, scripts=[b"\x51"]).batches(Empty()))


# Manners -------------------------------------------------------------------------------------


def test_third_parties_are_logged_and_one_s_own_are_not(
    server: FakeElectrum, tmp_path: Path
) -> None:
    log = tmp_path / "log.jsonl"
    with use_network(log_file=log):
        list(electrum(server).batches(Empty()))
    assert not log.exists()
    with use_network(log_file=log), pytest.raises(NetworkRefused, match="a private address"):
        list(electrum(server, own=False).batches(Empty()))


def test_offline(server: FakeElectrum) -> None:
    with use_network(offline=True), pytest.raises(NetworkRefused, match="offline"):
        list(electrum(server).batches(Empty()))
    assert server.asked == []


def test_one_that_listens_to_nobody() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with (
        stamina.set_testing(True, attempts=2, cap=True),
        pytest.raises(SourceError, match="reaches no"),
    ):
        list(Electrum("127.0.0.1", port, scripts=[b"\x51"], chain=CHAIN).batches(Empty()))


@pytest.mark.parametrize("text", ["", "ab", "zz" * 32, "ab:" * 31])
def test_fingerprints_that_are_none(text: str) -> None:
    with pytest.raises(InputError, match="64 hexadecimal digits"):
        Electrum("127.0.0.1", 1, fingerprint=text, chain=CHAIN)


@pytest.mark.parametrize(("host", "port"), [("", 1), ("x", 0), ("x", 65_536)])
def test_servers_that_are_none(host: str, port: int) -> None:
    with pytest.raises(InputError, match="a name and a port"):
        Electrum(host, port, chain=CHAIN)
