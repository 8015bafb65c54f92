"""JSON-RPC and REST of a node that misbehaves: right rows or a clear error, never a wrong row."""

from __future__ import annotations

import base64
import hashlib
import json
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import ModuleType
from typing import Any

import httpx2
import polars as pl
import pytest
import stamina

from chainwatch.bitcoin.json_fields import base_units, bytes_of
from chainwatch.chains.catalogue import chain as chain_of
from chainwatch.errors import ChainError, ChainwatchError, InputError, NoAnswer, SourceError
from chainwatch.ingest.protocol import Batch, Reader
from chainwatch.ingest.pull import pull
from chainwatch.ingest.sync import follow
from chainwatch.ledger import schema
from chainwatch.ledger.ledger import open_ledger
from chainwatch.ledger.storage.store import Store
from chainwatch.ledger.storage.writer import open_writer
from chainwatch.net.policy import use_network
from chainwatch.results.provenance import digest_frame
from chainwatch.sources.bitcoin_core import walk
from chainwatch.sources.bitcoin_core.rest import BitcoinRest
from chainwatch.sources.bitcoin_core.rpc import BitcoinRpc

CHAIN = "btc-regtest"
TABLES = {table.name: table for table in schema.TABLES}
PASSWORD = "s3cret passphrase"  # noqa: S105

TWO = base64.b64encode(b"__cookie__:two").decode()

Spoil = Callable[["Reply"], None]


class Reply:
    """What a node is about to answer; a test alters it."""

    def __init__(self, method: str, value: Any) -> None:
        self.method, self.value = method, value
        self.status, self.headers = 200, {}  # type: tuple[int, dict[str, str]]
        self.body: bytes | None = None
        self.cut: int | None = None
        self.sleep = 0.0

    def bytes(self) -> bytes:
        if self.body is not None:
            return self.body
        return self.value if isinstance(self.value, bytes) else json.dumps(self.value).encode()


class Said(Exception):
    """Code and words with which a node refuses one call."""


class FakeNode:
    """A node with made blocks, over HTTP on loopback."""

    def __init__(self, blocks: list[bytes], maker: ModuleType) -> None:
        self.blocks, self.hash = list(blocks), lambda raw: maker.sha256d(raw[:80])[::-1].hex()
        self.known = {self.hash(raw): raw for raw in blocks}
        self.spoil: Spoil = lambda reply: None
        self.asked: list[str] = []
        self.info: dict[str, Any] = {}
        self.prevouts: Callable[[str], Any] = lambda name: {"tx": []}
        self.index: dict[str, str] = {}
        self.missing: dict[str, str] = {}
        self.takes: Callable[[str, list[Any]], tuple[int, str] | None] = lambda method, params: None
        self.logins: list[str | None] = []
        self.forms: set[tuple[str, ...]] = set()
        self.url = ""

    def replace(self, blocks: list[bytes]) -> None:
        """Let another branch be the best chain; the blocks of the old one stay known."""
        self.blocks = list(blocks)
        self.known |= {self.hash(raw): raw for raw in blocks}

    def chain_info(self) -> dict[str, Any]:
        top = len(self.blocks) - 1
        return {"blocks": top, "headers": top, "bestblockhash": self.hash(self.blocks[-1]),
                "pruned": False, **self.info}  # fmt: skip

    def answer(self, method: str, params: list[Any]) -> Any:
        if method == "getblockchaininfo":
            return self.chain_info()
        if method == "getblockhash":
            return self.hash(self.blocks[params[0]])
        if method == "getblockheader":
            return self.known[params[0]][:80].hex()
        if method == "getblock":
            if params[0] in self.missing:
                raise Said(-1, f"Block {self.missing[params[0]]}")
            return self.known[params[0]].hex() if params[1] == 0 else self.prevouts(params[0])
        if method == "getrawtransaction":
            return self.index[params[0]]
        raise KeyError(method)

    def rpc(self, calls: list[dict[str, Any]]) -> Reply:
        answers = []
        for call in calls:
            item: dict[str, Any] = {"id": call["id"], "jsonrpc": "2.0"}
            self.forms.add((call["method"], *map(repr, call["params"][1:])))
            try:
                if refusal := self.takes(call["method"], call["params"]):
                    raise Said(*refusal)
                item["result"] = self.answer(call["method"], call["params"])
            except Said as refused:
                item["error"] = {"code": refused.args[0], "message": refused.args[1]}
            except (KeyError, IndexError):
                item["error"] = {"code": -5, "message": "not found"}
            answers.append(item)
        return Reply(calls[0]["method"], answers)

    def rest(self, path: str) -> Reply:
        kind, *rest = path.removeprefix("/rest/").partition(".")[0].split("/")
        if kind == "chaininfo":
            return Reply(kind, self.chain_info())
        if kind == "blockhashbyheight":
            return Reply(kind, bytes.fromhex(self.hash(self.blocks[int(rest[0])]))[::-1])
        if kind == "headers":
            at = next(k for k, raw in enumerate(self.blocks) if self.hash(raw) == rest[1])
            return Reply(kind, b"".join(b[:80] for b in self.blocks[at : at + int(rest[0])]))
        if kind == "block" and rest[0] in self.missing:
            reply = Reply(kind, f"{rest[0]} {self.missing[rest[0]]}".encode())
            reply.status = 404
            return reply
        if path.endswith(".json"):
            return Reply("prevouts", self.prevouts(rest[0]))
        return Reply(kind, self.known[rest[0]])


def handler_of(node: FakeNode) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_POST(self) -> None:
            calls = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            node.logins.append(self.headers.get("Authorization"))
            self.give(node.rpc(calls))

        def do_GET(self) -> None:
            self.give(node.rest(self.path))

        def give(self, reply: Reply) -> None:
            node.asked.append(reply.method)
            node.spoil(reply)
            time.sleep(reply.sleep)
            body = reply.bytes()
            self.send_response(reply.status)
            for name, value in reply.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if reply.cut is None:
                self.wfile.write(body)
                return
            self.wfile.write(body[: reply.cut])
            self.wfile.flush()
            # The connection ends in a reset, in the middle of the answer.
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.close_connection = True

        def log_message(self, *_: object) -> None:
            pass

        def handle(self) -> None:
            try:
                super().handle()
            except (ConnectionError, TimeoutError):
                self.close_connection = True

    return Handler


class Quiet(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_: object) -> None:
        """A client that went away is no news."""


@contextmanager
def served(node: FakeNode) -> Iterator[FakeNode]:
    with Quiet(("127.0.0.1", 0), handler_of(node)) as server:
        node.url = f"http://127.0.0.1:{server.server_address[1]}"
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        with stamina.set_testing(True, attempts=3, cap=True):
            yield node
        server.shutdown()
        thread.join()


@pytest.fixture
def node(short_chain: list[bytes], maker: ModuleType) -> Iterator[FakeNode]:
    with served(FakeNode(short_chain, maker)) as made:
        yield made


class Empty:
    """A ledger without rows."""

    def scan(self, table: str) -> pl.LazyFrame:
        return TABLES[table].empty().lazy()


def rpc(node: FakeNode, **options: Any) -> BitcoinRpc:
    return BitcoinRpc(node.url, **{"chain": CHAIN, "timeout": 5.0, **options})


def rest(node: FakeNode, **options: Any) -> BitcoinRest:
    return BitcoinRest(node.url, **{"chain": CHAIN, "timeout": 5.0, **options})


KINDS: dict[str, Callable[..., Any]] = {"rpc": rpc, "rest": rest}


def seen(batch: Batch) -> dict[str, str]:
    """Digest a batch, but for the times and hosts of answers."""
    return {
        name: digest_frame(frame, TABLES[name].key)
        for name, frame in batch.tables.items()
        if name != "answers"
    }


def read(source: Any, reader: Reader | None = None) -> Iterator[dict[str, str]]:
    for batch in source.batches(reader or Empty()):
        if batch.units:
            yield seen(batch)


# Faults --------------------------------------------------------------------------------------


def swap(value: Any) -> Spoil:
    """Put one value in the place of each result."""

    def spoil(reply: Reply) -> None:
        if isinstance(reply.value, list):
            reply.value = [{**item, "result": value} for item in reply.value]
        else:
            reply.body = json.dumps(value).encode()

    return spoil


def hexed(change: Callable[[bytes], bytes]) -> Spoil:
    """Alter the bytes that the first result is of."""

    def spoil(reply: Reply) -> None:
        if isinstance(reply.value, bytes):
            reply.value = change(reply.value)
        elif isinstance(reply.value, list) and isinstance(reply.value[0].get("result"), str):
            data = bytes.fromhex(reply.value[0]["result"])
            reply.value[0]["result"] = change(data).hex()
        else:
            reply.body = change(reply.bytes())

    return spoil


def flip(at: int) -> Callable[[bytes], bytes]:
    return lambda data: (
        data[: at % len(data)] + bytes([data[at % len(data)] ^ 1]) + data[at % len(data) + 1 :]
    )


def put(**fields: Any) -> Spoil:
    return lambda reply: vars(reply).update(fields)


def body(text: bytes) -> Spoil:
    return put(body=text)


def items(change: Callable[[list[Any]], Any]) -> Spoil:
    """Alter the list of a batch; where there is none, send nonsense."""

    def spoil(reply: Reply) -> None:
        if isinstance(reply.value, list):
            reply.value = change(reply.value)
        else:
            reply.body = b"[]"

    return spoil


def failing(code: int, message: str) -> Spoil:
    error = {"code": code, "message": message}
    return items(lambda value: [{"id": item["id"], "error": error} for item in value])


HEALED: dict[str, Spoil] = {
    "429": put(status=429, headers={"Retry-After": "0"}),
    "429 without a time": put(status=429),
    "500": put(status=500, body=b"oops"),
    "502": put(status=502, body=b"<html>bad gateway</html>"),
    "503": put(status=503, body=b"Work queue depth exceeded"),
    "reset at once": put(cut=0),
    "reset in the middle": put(cut=30),
    "silence": put(sleep=1.0),
}
"""What another attempt mends."""

REFUSED: dict[str, Spoil] = {
    "400": put(status=400),
    "401": put(status=401),
    "403": put(status=403),
    "404": put(status=404),
    "405": put(status=405),
    "a redirect": put(status=302, headers={"Location": "http://127.0.0.1:1/"}),
    "nothing": body(b""),
    "half": lambda reply: put(body=reply.bytes()[: len(reply.bytes()) // 2])(reply),
    "html": body(b"<html><body>login</body></html>"),
    "garbage": body(bytes(range(256))),
    "deep": body(b"[" * 100_000),
    "NaN": body(b"NaN"),
    "a huge number": body(b"1" * 5_000),
    "a huge exponent": body(b"1e999999999999"),
    "two values": lambda reply: put(body=reply.bytes() + b"{}")(reply),
    "null": body(b"null"),
    "an error": body(b'{"error": {"code": -28, "message": "Loading block index"}}'),
    "no items": items(lambda value: []),
    "an item too few": items(lambda value: value[:-1]),
    "an item too many": items(lambda value: [*value, value[0]]),
    "one id twice": items(lambda value: [{**item, "id": 0} for item in [*value, value[0]]]),
    "other ids": items(lambda value: [{**item, "id": item["id"] + 7} for item in value]),
    "ids as text": items(lambda value: [{**item, "id": str(item["id"])} for item in value]),
    "ids as floats": items(lambda value: [{**item, "id": item["id"] + 0.5} for item in value]),
    "numbers as items": items(lambda value: [1 for _ in value]),
    "warming up": failing(-28, "Loading block index"),
    "an error of no form": items(lambda value: [{**item, "error": "bad"} for item in value]),
    "pruned": failing(-1, "Block not available (pruned data)"),
    "a result of null": swap(None),
    "a result of true": swap(True),
    "a result of -1": swap(-1),
    "a result of 10^30": swap(10**30),
    "a result of text": swap("zz"),
    "a result with blanks": swap("00 " * 32),
    "a result of a list": swap([[]]),
    "a result of an object": swap({}),
    "a shorter result": hexed(lambda data: data[:-1]),
    "a longer result": hexed(lambda data: data + b"\0"),
    "one bit": hexed(flip(40)),
    "the last bit": hexed(flip(-1)),
    "a result of zeros": hexed(lambda data: bytes(len(data))),
}  # fmt: skip
"""What is refused with a clear error."""

MOMENTS = {"rpc": ("getblockchaininfo", "getblockhash", "getblock"),
           "rest": ("chaininfo", "blockhashbyheight", "block")}  # fmt: skip


def once(node: FakeNode, method: str, nth: int, spoil: Spoil, *, always: bool = False) -> None:
    """Spoil the nth answer to a method, or all from it on."""
    count = 0

    def watch(reply: Reply) -> None:
        nonlocal count
        if reply.method == method:
            count += 1
            if count == nth or (always and count > nth):
                spoil(reply)

    node.spoil = watch


@pytest.fixture(scope="module")
def expected(short_chain: list[bytes], maker: ModuleType) -> dict[str, list[dict[str, str]]]:
    with served(FakeNode(short_chain, maker)) as node:
        return {kind: list(read(make(node))) for kind, make in KINDS.items()}


@pytest.mark.fault
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("fault", HEALED)
def test_what_passes_is_tried_again(
    node: FakeNode, kind: str, fault: str, expected: dict[str, list[dict[str, str]]]
) -> None:
    for method in MOMENTS[kind]:
        once(node, method, 1, HEALED[fault])
        options = {"timeout": 0.5} if fault == "silence" else {}
        assert list(read(KINDS[kind](node, **options))) == expected[kind]


@pytest.mark.fault
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("fault", REFUSED)
def test_what_is_wrong_is_refused(
    node: FakeNode, kind: str, fault: str, expected: dict[str, list[dict[str, str]]]
) -> None:
    """At each moment: rows that came before the fault are right, and the same call goes on."""
    for method in MOMENTS[kind]:
        once(node, method, 2, REFUSED[fault], always=True)
        got, error = gathered(KINDS[kind](node, **({"batch": 2} if kind == "rpc" else {})))
        assert got == expected[kind][: len(got)]
        if error is None:
            # An answer may say more than is read of it: where the tip is, in other words.
            assert method in ("getblockchaininfo", "chaininfo")
            assert got == expected[kind]
        else:
            assert str(error).endswith(".")
            assert "127.0.0.1" in str(error) or kind in str(error)


def gathered(source: Any) -> tuple[list[dict[str, str]], ChainwatchError | None]:
    """Return the rows that come, and the error that ends them."""
    got = []
    try:
        for rows in read(source):
            got.append(rows)
    except ChainwatchError as error:
        return got, error
    return got, None


@pytest.mark.parametrize("kind", KINDS)
def test_a_repeated_block_is_refused(
    node: FakeNode, kind: str, expected: dict[str, list[dict[str, str]]]
) -> None:
    node.known[node.hash(node.blocks[4])] = node.blocks[3]
    got, error = gathered(KINDS[kind](node))
    assert got == expected[kind][:4]
    assert "the node says 4" in str(error)


@pytest.mark.parametrize("kind", KINDS)
def test_another_block_of_the_height_is_refused(
    node: FakeNode, kind: str, maker: ModuleType
) -> None:
    node.known[node.hash(node.blocks[4])] = branch(maker, node.blocks, 3, 1)[4]
    with pytest.raises(SourceError, match=r"was asked for block .* and sent"):
        list(read(KINDS[kind](node)))


@pytest.mark.parametrize("kind", KINDS)
def test_a_chain_that_does_not_link_is_refused(
    node: FakeNode, kind: str, maker: ModuleType
) -> None:
    other = maker.Chain()
    for _ in range(11):
        other.add(tail=b"\x00other")
    node.replace([*node.blocks[:6], *other.blocks[6:]])
    with pytest.raises(SourceError, match="does not link to its parent, and so it is each time"):
        list(read(KINDS[kind](node)))


def test_silence_is_no_answer(node: FakeNode) -> None:
    node.spoil = put(cut=0)
    with pytest.raises(NoAnswer, match="broke off"):
        list(read(rpc(node)))


# Reorganisations -----------------------------------------------------------------------------


def branch(maker: ModuleType, blocks: list[bytes], height: int, count: int) -> list[bytes]:
    """Return the blocks up to a height and others above it."""
    made = maker.Chain(blocks=list(blocks[: height + 1]))
    for _ in range(count):
        made.add(tail=b"\x00fork")
    return list(made.blocks)


def all_tables(folder: Path) -> dict[str, str]:
    digests = open_ledger(folder).digests()
    return {name: digests[name] for name in ("blocks", "transactions", "inputs", "outputs")}


@pytest.mark.fault
@pytest.mark.parametrize("kind", KINDS)
def test_a_reorganisation_of_depth_6_during_a_pull(
    node: FakeNode, kind: str, maker: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It comes between two questions for hashes, so that a block does not link to the last."""
    monkeypatch.setattr(walk, "_WINDOW", 9)
    fork = branch(maker, node.blocks, 3, 10)
    method = MOMENTS[kind][2]

    def reorganise(reply: Reply) -> None:
        if node.asked.count(method) == (5 if kind == "rpc" else 9):
            node.replace(fork)

    node.spoil = reorganise
    options = {"batch": 2} if kind == "rpc" else {}
    report = pull(tmp_path / "ledger", KINDS[kind](node, **options))
    assert report.tip == maker.sha256d(fork[-1][:80])
    assert any("what had been read of height 4 and above" in note for note in report.notes)
    node.spoil = lambda reply: None
    pull(tmp_path / "fresh", KINDS[kind](node))
    assert all_tables(tmp_path / "ledger") == all_tables(tmp_path / "fresh")


def test_a_node_that_cannot_decide_is_given_up(node: FakeNode, maker: ModuleType) -> None:
    """Each time that it is asked where it stands, it stands on the other of two branches."""
    sides = [node.blocks, branch(maker, node.blocks, 3, 8)]

    def flap(reply: Reply) -> None:
        if reply.method == "getblockchaininfo":
            sides.reverse()
            node.replace(sides[0])

    node.spoil = flap
    with pytest.raises(SourceError, match="was reorganised, and so it is each time"):
        list(rpc(node).batches(Empty()))


# What a node may be --------------------------------------------------------------------------


def test_the_wrong_network(node: FakeNode) -> None:
    with pytest.raises(
        ChainError,
        match=r"Bitcoin regtest \(btc-regtest\): its genesis block is 0f9188",
    ):
        list(read(rpc(node, chain="btc")))


def test_a_pruned_node(node: FakeNode) -> None:
    node.info = {"pruned": True, "pruneheight": 5}
    with pytest.raises(
        SourceError, match="pruned and has no blocks below height 5 at bitcoin_rpc; read"
    ):
        list(read(rpc(node)))
    node.prevouts = lambda name: prevouts_json(node, name)
    assert len(list(read(rpc(node, span=(5, None))))) == 7


def test_a_node_still_syncing_says_so(node: FakeNode, tmp_path: Path) -> None:
    node.info = {"headers": 900}
    report = pull(tmp_path / "ledger", rpc(node))
    assert any("it has 11 of 900 blocks" in note for note in report.notes)


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ("401", "asks for a user and a password, and none was given"),
        ("403", "lets nobody in from here"),
        ("404", "no node's JSON-RPC"),
        ("warming up", "is starting and answers nothing yet"),
        ("pruned", "pruned and lacks this block"),
    ],
)
def test_refusals_say_what_to_do(node: FakeNode, fault: str, words: str) -> None:
    node.spoil = REFUSED[fault]
    with pytest.raises(SourceError, match=f"{words}.*;"):
        list(read(rpc(node)))


# Nodes of other versions ---------------------------------------------------------------------

OLD = {
    "dogecoind 1.14": (-1, "JSON value is not a boolean as expected"),
    "before Core 0.12": (-1, "value is type int, expected bool"),
    "a newer type check": (-3, "JSON value of type number is not of expected type bool"),
}


def truth_values_only(refusal: tuple[int, str]) -> Callable[[str, list[Any]], Any]:
    """Return what a node answers whose ``getblock`` takes a truth value and nothing else."""

    def takes(method: str, params: list[Any]) -> tuple[int, str] | None:
        return refusal if method == "getblock" and type(params[1]) is not bool else None

    return takes


@pytest.mark.parametrize("kind", OLD)
def test_a_node_that_takes_truth_values_only(
    node: FakeNode, kind: str, expected: dict[str, list[dict[str, str]]]
) -> None:
    """It is asked once with a number, and from then on as it wants to be."""
    node.takes = truth_values_only(OLD[kind])
    source = rpc(node, batch=4)
    assert list(read(source)) == expected["rpc"]
    assert node.asked.count("getblock") == 1 + 3
    assert {form for form in node.forms if form[0] == "getblock"} == {
        ("getblock", "0"),
        ("getblock", "False"),
    }
    batches = [batch for batch in rpc(node, span=(0, 2)).batches(Empty()) if batch.tables]
    assert batches[1].tables["answers"]["request"].to_list() == [
        f"getblock {node.hash(node.blocks[1])} false"
    ]


def test_a_node_that_refuses_every_form_is_told_of_in_its_own_words(node: FakeNode) -> None:
    node.takes = lambda method, params: (-3, "bool? no") if method == "getblock" else None
    with pytest.raises(SourceError, match=r"refuses and says 'bool\? no'"):
        list(read(rpc(node)))
    assert node.asked.count("getblock") == 2


def indexed(node: FakeNode) -> None:
    """Give the node an index of all its transactions."""
    from chainwatch.bitcoin.block import parse_block

    for raw in node.blocks:
        at = 81  # behind the header and the count
        for tx in parse_block(raw, chain_of(CHAIN), name="made").txs:
            node.index[tx.txid[::-1].hex()] = raw[at : at + tx.size].hex()
            at += tx.size


def only_three_details(method: str, params: list[Any]) -> tuple[int, str] | None:
    beyond = method == "getblock" and params[1] > 2
    return (-8, "Verbosity must be in range from 0 to 2") if beyond else None


@pytest.mark.parametrize(
    "takes", [truth_values_only(OLD["dogecoind 1.14"]), only_three_details], ids=["doge", "range"]
)
def test_an_old_node_is_asked_for_each_transaction(
    node: FakeNode, tmp_path: Path, takes: Callable[[str, list[Any]], Any]
) -> None:
    """It says nothing of what a block spends; its index does, without a word on the form."""
    node.prevouts = lambda name: prevouts_json(node, name)
    pull(tmp_path / "new", rpc(node, span=(6, None)))
    indexed(node)
    node.takes = takes
    node.forms.clear()
    report = pull(tmp_path / "old", rpc(node, span=(6, None)))
    assert report.unread_inputs == 0
    columns = ["tx", "n", "value", "address", "script_kind"]
    old, new = (
        open_ledger(tmp_path / name).inputs.collect().sort("tx", "n").select(columns)
        for name in ("old", "new")
    )
    assert old.equals(new)
    assert old.height > 0
    assert ("getrawtransaction",) in node.forms
    assert not any(form[0] == "getrawtransaction" and form[1:] for form in node.forms)


# Blocks that a node does not have ------------------------------------------------------------

NOT_YET = "not available (not fully downloaded)"
LACKS: dict[str, dict[str, str]] = {
    "a snapshot": {"rpc": NOT_YET, "rest": NOT_YET},
    "a snapshot before 26": {"rpc": "not found on disk", "rest": "not found"},
    "pruned": dict.fromkeys(KINDS, "not available (pruned data)"),
}


def lacking(node: FakeNode, heights: range, words: str) -> None:
    node.missing = {node.hash(node.blocks[height]): words for height in heights}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("reason", LACKS)
def test_what_a_node_lacks_is_named_and_the_rest_is_kept(
    node: FakeNode, kind: str, reason: str, tmp_path: Path
) -> None:
    """A node on a snapshot of height 8 that has filled in blocks up to 3."""
    lacking(node, range(4, 9), LACKS[reason][kind])
    with pytest.raises(SourceError) as caught:
        pull(tmp_path / "ledger", KINDS[kind](node))
    said = str(caught.value)
    verb = "has pruned it" if reason == "pruned" else "has not downloaded it yet"
    assert f"does not have block 4: it {verb} at bitcoin_{kind}" in said
    assert "read from height 9 on (--span 9:), or" in said
    assert said.endswith("the blocks below are kept.")
    assert caught.value.passing == (reason != "pruned")
    ledger = open_ledger(tmp_path / "ledger")
    assert ledger.blocks.collect()["height"].sort().to_list() == [0, 1, 2, 3]
    node.prevouts = lambda name: prevouts_json(node, name)
    assert pull(tmp_path / "ledger", KINDS[kind](node, span=(9, None))).units == 3
    node.missing = {}
    assert pull(tmp_path / "ledger", KINDS[kind](node)).units == 5


@pytest.mark.parametrize(
    ("span", "words"),
    [((4, 9), "yet at bitcoin_rpc; wait"), ((2, 11), r"on \(--span 9:11\), or wait"),
     ((5, 6), "yet at bitcoin_rpc; wait")],
)  # fmt: skip
def test_the_advice_for_a_gap_keeps_the_end_of_the_span(
    node: FakeNode, span: tuple[int, int], words: str
) -> None:
    lacking(node, range(4, 9), NOT_YET)
    node.prevouts = lambda name: prevouts_json(node, name)
    with pytest.raises(SourceError, match=f"does not have block {max(4, span[0])}: .*{words}"):
        list(read(rpc(node, span=span)))


def test_a_block_that_a_node_cannot_read_is_not_waited_for(node: FakeNode) -> None:
    refusal = (-32603, "Can't read block from disk")
    node.takes = lambda method, params: refusal if method == "getblock" else None
    with pytest.raises(SourceError, match=r"block 0: it cannot read it .*see its log") as caught:
        list(read(rpc(node)))
    assert not caught.value.passing


@pytest.mark.parametrize("kind", KINDS)
def test_a_node_that_prunes_while_it_is_followed(node: FakeNode, kind: str, tmp_path: Path) -> None:
    """What the ledger holds is not asked for again, so it need not be there any more."""
    pull(tmp_path / "ledger", KINDS[kind](node, span=(0, 8)))
    lacking(node, range(6), "not available (pruned data)")
    node.info = {"pruned": True, "pruneheight": 6}
    assert pull(tmp_path / "ledger", KINDS[kind](node)).units == 4
    with pytest.raises(SourceError, match=r"below height 6 .*read from height 6 on \(--span 6:\)"):
        pull(tmp_path / "fresh", KINDS[kind](node))


@pytest.mark.parametrize("span", [(-1, 3), (4, 4), (5, 2)])
def test_empty_spans(span: tuple[int, int]) -> None:
    with pytest.raises(InputError, match="there are no blocks from height"):
        BitcoinRpc("http://127.0.0.1:1", span=span)


# Passwords -----------------------------------------------------------------------------------


def test_passwords_come_from_where_they_are_kept(
    node: FakeNode, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cookie = tmp_path / ".cookie"
    cookie.write_text(f"__cookie__:{PASSWORD}")
    monkeypatch.setenv("NODE_PASSWORD", PASSWORD)
    for options in (
        {"cookie": cookie},
        {"user": "__cookie__", "password": PASSWORD},
        {"user": "__cookie__", "password": "env:NODE_PASSWORD"},
    ):
        source = rpc(node, span=(0, 1), **options)
        list(read(source))
        assert PASSWORD not in f"{source!r}{vars(source)}{vars(source._rpc)}"
    assert len(set(node.logins)) == 1
    assert node.logins[0] is not None


def test_a_cookie_is_read_anew(node: FakeNode, tmp_path: Path) -> None:
    cookie = tmp_path / ".cookie"
    source = rpc(node, cookie=cookie, span=(0, 1))
    with pytest.raises(SourceError, match=r"cookie file cannot be read.* at \.cookie;"):
        list(read(source))
    for password in ("one", "two"):
        cookie.write_text(f"__cookie__:{password}")
        list(read(source))
    assert len(set(node.logins)) == 2


def test_a_password_that_is_nowhere(node: FakeNode, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_SUCH", raising=False)
    with pytest.raises(InputError, match="no password in the environment variable NO_SUCH"):
        list(read(rpc(node, user="x", password="env:NO_SUCH")))  # noqa: S106


def test_a_password_does_not_cross_the_internet_in_clear() -> None:
    with pytest.raises(InputError, match="cross the network in clear"):
        BitcoinRpc("http://node.example:8332", user="x", password=PASSWORD)


@pytest.mark.parametrize("fault", REFUSED)
def test_no_error_shows_the_password(node: FakeNode, fault: str) -> None:
    def echo(reply: Reply) -> None:
        REFUSED[fault](reply)
        reply.body = (reply.body or b"") + PASSWORD.encode() if reply.status >= 400 else reply.body

    node.spoil = echo
    with pytest.raises(ChainwatchError) as caught:
        list(read(rpc(node, user="x", password=PASSWORD)))
    assert PASSWORD not in str(caught.value)


# What inputs spend ---------------------------------------------------------------------------


def prevouts_json(node: FakeNode, name: str, **change: Any) -> Any:
    """Return what ``getblock 3`` says, worked out from the blocks that the fake has."""
    from chainwatch.bitcoin.block import parse_block

    made = {}
    for raw in node.known.values():
        for tx in parse_block(raw, chain_of(CHAIN), name="made").txs:
            made[tx.txid] = tx.outputs
    listed = []
    for tx in parse_block(node.known[name], chain_of(CHAIN), name="made").txs:
        spends = []
        for txid, n, _ in tx.inputs:
            if txid not in made:
                continue
            value, script = made[txid][n]
            out = {"value": value / 10**8, "scriptPubKey": {"hex": script.hex()}, **change}
            spends.append({"txid": txid[::-1].hex(), "vout": n, "prevout": out})
        listed.append({"vin": spends})
    return {"tx": listed}


def inputs_from(node: FakeNode, **change: Any) -> pl.DataFrame:
    node.prevouts = lambda name: prevouts_json(node, name, **change)
    frames = [
        batch.tables["inputs"]
        for batch in rpc(node, span=(6, None)).batches(Empty())
        if "inputs" in batch.tables
    ]
    return pl.concat(frames)


def test_prevouts_of_the_node(node: FakeNode, tmp_path: Path) -> None:
    pull(tmp_path / "ledger", rpc(node))
    whole = open_ledger(tmp_path / "ledger").inputs.collect().sort("tx", "n")
    found = inputs_from(node).sort("tx", "n")
    columns = ["tx", "n", "value", "address", "script_kind"]
    assert found.select(columns).equals(whole.filter(pl.col("tx") >= 6 << 24).select(columns))
    assert found["value"].null_count() == 0 < found.height


@pytest.mark.parametrize(
    "change",
    [
        {"value": 0.000000001},
        {"value": -1},
        {"value": 21_000_001},
        {"value": 1e300},
        {"value": "1.0"},
        {"value": True},
        {"value": None},
        {"value": 0},
        {"scriptPubKey": {"hex": "zz"}},
        {"scriptPubKey": {"hex": "5 1"}},
        {"scriptPubKey": {}},
        {"scriptPubKey": None},
    ],
)
def test_prevouts_that_cannot_be(node: FakeNode, change: dict[str, Any]) -> None:
    with pytest.raises(SourceError):
        inputs_from(node, **change)


def test_prevouts_of_another_block(node: FakeNode) -> None:
    wrong = node.hash(node.blocks[7])
    node.prevouts = lambda name: prevouts_json(node, wrong)
    with pytest.raises(SourceError, match="lists other inputs than the block has"):
        list(read(rpc(node, span=(8, None))))


def without_prevouts(node: FakeNode) -> Callable[[str], Any]:
    """Return what a node before Core 23 answers: inputs without what they spend."""

    def bare(name: str) -> Any:
        answer = prevouts_json(node, name)
        for tx in answer["tx"]:
            for item in tx["vin"]:
                del item["prevout"]
        return answer

    return bare


@pytest.mark.parametrize("kind", KINDS)
def test_a_node_without_index_leaves_them_unread_and_says_so(
    node: FakeNode, kind: str, tmp_path: Path
) -> None:
    node.prevouts = without_prevouts(node)
    report = pull(tmp_path / "ledger", KINDS[kind](node, span=(6, None)))
    assert 0 < report.unread_inputs <= report.rows("inputs")
    assert [note for note in report.notes if "stays unread" in note] == [KINDS[kind](node).unread]
    assert ("txindex=1" in str(report.notes)) == (kind == "rpc")


def test_one_refusal_costs_no_other_answer(node: FakeNode, tmp_path: Path) -> None:
    """One transaction is not in the node's index; all others are had, in later blocks too."""
    node.prevouts = without_prevouts(node)
    indexed(node)
    whole = pull(tmp_path / "whole", rpc(node, span=(6, None)))
    assert (whole.unread_inputs, [n for n in whole.notes if "unread" in n]) == (0, [])
    expected = open_ledger(tmp_path / "whole").inputs.collect().sort("tx", "n")
    lost = expected["prev_txid"][0]
    del node.index[lost[::-1].hex()]
    report = pull(tmp_path / "ledger", rpc(node, span=(6, None)))
    found = open_ledger(tmp_path / "ledger").inputs.collect().sort("tx", "n")
    known = pl.col("prev_txid") != lost
    assert found.filter(known).equals(expected.filter(known))
    assert report.unread_inputs == found["value"].null_count() == found.filter(~known).height > 0
    assert BitcoinRpc.unread in report.notes


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("keep", [True, False])
def test_the_word_of_the_node_is_kept(node: FakeNode, kind: str, keep: bool) -> None:
    """What inputs spend is proven by nothing: the answer that says it can be looked at again."""
    node.prevouts = lambda name: prevouts_json(node, name)
    batches = list(KINDS[kind](node, span=(6, 7), keep_raw=keep).batches(Empty()))
    answers = next(batch.tables["answers"] for batch in batches if "answers" in batch.tables)
    name = node.hash(node.blocks[6])
    asked = {"rpc": f"getblock {name} 3", "rest": f"GET /rest/block/{name}.json"}[kind]
    (row,) = answers.filter(pl.col("request") == asked).iter_rows(named=True)
    if not keep:
        assert row["body"] is None
        return
    assert hashlib.sha256(row["body"]).digest() == row["digest"]
    said = json.loads(row["body"])
    assert (said[0]["result"] if kind == "rpc" else said) == prevouts_json(node, name)


# Disclosure ----------------------------------------------------------------------------------


def test_the_log_names_every_subject(tmp_path: Path, short_chain: list[bytes]) -> None:
    ids = [f"{number:064x}" for number in range(500)]

    def answer(request: httpx2.Request) -> httpx2.Response:
        calls = json.loads(request.read())
        return httpx2.Response(200, json=[{"id": call["id"], "result": 1} for call in calls])

    source = BitcoinRpc(
        "https://node.example", chain=CHAIN, own=False, transport=httpx2.MockTransport(answer)
    )
    with use_network(log_file=tmp_path / "log"):
        source._rpc.ask([("getrawtransaction", [name, False]) for name in ids])
        source._rpc.ask([("getblockhash", [height]) for height in (7, 8)])
        source._rpc.ask([("getblock", [ids[0], 0])])
    told = [json.loads(line)["asked"] for line in (tmp_path / "log").read_text().splitlines()]
    assert told[0].startswith(f"POST / getrawtransaction x 500: {ids[0]} False, {ids[1]}")
    words = " ".join(told[:-2]).replace(",", "").split()
    assert [word for word in words if len(word) == 64] == ids
    assert told[-2:] == ["POST / getblockhash x 2: 7, 8", f"POST / getblock {ids[0]} 0"]


@pytest.mark.parametrize("kind", [BitcoinRpc, BitcoinRest])
def test_a_pace_of_nothing_is_refused(kind: Any) -> None:
    with pytest.raises(InputError, match="no pace"):
        kind("http://127.0.0.1:1", per_second=0)


def test_the_nodes_own_words_show_no_password(node: FakeNode) -> None:
    node.spoil = failing(-1, f"user x, password {PASSWORD}")
    with pytest.raises(SourceError, match="the node refuses and says") as caught:
        list(read(rpc(node, user="x", password=PASSWORD)))
    assert PASSWORD not in str(caught.value)


@pytest.mark.parametrize(
    ("amount", "units"),
    [(Decimal("0.00000001"), 1), (Decimal("20999999.9769"), 2_099_999_997_690_000), (1, 10**8),
     (Decimal("0E-8"), 0), (Decimal("1.10"), 110_000_000),
     (Decimal("0.12345678" + "0" * 80), 12_345_678)],
)  # fmt: skip
def test_base_units(amount: int | Decimal, units: int) -> None:
    assert base_units(amount, chain_of("btc"), "here") == units


@pytest.mark.parametrize(
    "amount",
    [Decimal("NaN"), Decimal("Infinity"), Decimal("1e-9"), -1,
     Decimal("0.12345678000000000000000000000000000001"), Decimal("0.12345678" + "0" * 80 + "1"),
     Decimal("1e999999"), Decimal("1e-999999")],
)  # fmt: skip
def test_amounts_that_are_none(amount: int | Decimal) -> None:
    with pytest.raises(SourceError, match="amount that cannot be"):
        base_units(amount, chain_of("btc"), "here")


def test_hexadecimal_text() -> None:
    assert bytes_of("00Ff", "here") == b"\x00\xff"
    for wrong in ("0", "0x00", " 00", "0０", "00\n", None, 5, "-1"):  # noqa: RUF001
        with pytest.raises(SourceError, match="no hexadecimal text"):
            bytes_of(wrong, "here")


# Following -----------------------------------------------------------------------------------


def test_following_outlasts_silence(node: FakeNode, tmp_path: Path) -> None:
    lines: list[str] = []
    node.spoil = lambda reply: put(cut=0)(reply) if len(node.asked) <= 4 else None

    def stop() -> bool:
        return len(node.asked) > 20

    reports = list(
        follow(tmp_path / "ledger", lambda: rpc(node), every=0, stop=stop, progress=lines.append)
    )
    assert [report.rows("blocks") for report in reports] == [12, *[0] * (len(reports) - 1)]
    assert any("Asked again in 2 s." in line for line in lines)


def test_following_gives_up_at_what_does_not_pass(node: FakeNode, tmp_path: Path) -> None:
    node.spoil = REFUSED["401"]
    with pytest.raises(SourceError, match="a user and a password"):
        next(follow(tmp_path / "ledger", lambda: rpc(node), every=0))


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Let no time pass between two pulls, and return the pauses that there would have been."""
    made: list[float] = []
    monkeypatch.setattr("chainwatch.ingest.sync._waited", lambda s, _: made.append(s))
    return made


def once_more(
    node: FakeNode, folder: Path, make: Callable[[], Any], mend: Callable[[], Any]
) -> str:
    """Follow past one failure, which is mended once it was reported; return what was said of it."""
    lines: list[str] = []

    def progress(line: str) -> None:
        lines.append(line)
        if "Asked again" in line:
            mend()

    report = next(follow(folder, make, every=0, progress=progress, patience=3))
    assert report.rows("blocks") == len(node.blocks)
    return next(line for line in lines if "Asked again" in line)


def test_following_outlasts_another_writer(
    node: FakeNode, tmp_path: Path, pauses: list[float]
) -> None:
    store = Store.create(tmp_path / "ledger")
    writer = open_writer(store)
    writer.__enter__()
    said = once_more(node, store.path, lambda: rpc(node), lambda: writer.__exit__(None, None, None))
    assert "another writer holds the ledger" in said
    assert pauses == [2.0]


def test_following_outlasts_a_node_that_starts_again(
    node: FakeNode, tmp_path: Path, pauses: list[float]
) -> None:
    """It stops and takes its cookie away; it answers before the new one is written."""
    cookie = tmp_path / ".cookie"

    def refuse(reply: Reply) -> None:
        if node.logins[-1] is None or not node.logins[-1].endswith(TWO):
            reply.status = 401

    node.spoil = refuse
    made = lambda: rpc(node, cookie=cookie)  # noqa: E731
    said = once_more(node, tmp_path / "a", made, lambda: cookie.write_text("__cookie__:two"))
    assert "cookie file cannot be read" in said
    cookie.write_text("__cookie__:one")
    said = once_more(node, tmp_path / "b", made, lambda: cookie.write_text("__cookie__:two"))
    assert "refuses the user or password" in said
    node.spoil = failing(-28, "Loading block index")
    said = once_more(node, tmp_path / "c", made, lambda: setattr(node, "spoil", lambda reply: None))
    assert "is starting" in said


def test_following_outlasts_a_node_that_cannot_decide(
    node: FakeNode, tmp_path: Path, maker: ModuleType, pauses: list[float],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr(walk, "MOST_FORKS", 2)
    whole, sides = node.blocks, [node.blocks, branch(maker, node.blocks, 3, 8)]

    def flap(reply: Reply) -> None:
        if reply.method == "getblockchaininfo":
            sides.reverse()
            node.replace(sides[0])

    def settle() -> None:
        node.spoil = lambda reply: None
        node.replace(whole)

    node.spoil = flap
    failed = []
    reports = follow(
        tmp_path / "ledger", lambda: rpc(node), every=0,
        progress=lambda line: (failed.append(line), settle()) if "Asked again" in line else None,
    )  # fmt: skip
    next(reports)
    read = open_ledger(tmp_path / "ledger").blocks.collect()
    assert read["height"].sort().to_list() == list(range(len(whole)))
    assert "was reorganised, and so it is each time" in failed[0]


def test_following_waits_for_a_node_that_fills_its_blocks_in(
    node: FakeNode, tmp_path: Path, pauses: list[float]
) -> None:
    """It gets on at each pull, so its patience does not end however long that takes."""
    lacking(node, range(2, 9), NOT_YET)
    lines: list[str] = []

    def progress(line: str) -> None:
        if "Asked again" in line:
            lines.append(line)
            node.missing.pop(next(iter(node.missing)))

    report = next(follow(tmp_path / "l", lambda: rpc(node), every=0, progress=progress, patience=2))
    assert len(lines) == 7
    assert all(f"does not have block {at}:" in line for at, line in enumerate(lines, 2))
    assert pauses == [2.0] * 7
    assert report.tip is not None
    assert open_ledger(tmp_path / "l").blocks.collect().height == 12


def test_following_has_an_end_to_its_patience(
    node: FakeNode, tmp_path: Path, pauses: list[float]
) -> None:
    node.spoil = failing(-28, "Loading block index")
    with pytest.raises(SourceError, match="is starting"):
        next(follow(tmp_path / "ledger", lambda: rpc(node), every=0, patience=3))
    assert pauses == [2.0, 4.0]
