"""``chainwatch resolve``: a name asked of a node on loopback, and nobody where it imitates."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx2
import pytest
from module_of import module_of

from chainwatch.ingest.pull import pull
from chainwatch.sources.tables.source import KnownTable

names = module_of("sources/evm/test_names")
Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def url() -> Iterator[str]:
    node = names.NamingNode()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            answer = node.handle(httpx2.Request("POST", "http://node/", content=body)).content
            self.send_response(200)
            self.send_header("content-length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()
    thread.join()


def test_a_name_and_the_block_as_of_which(run: Run, url: str, tmp_path: Path) -> None:
    status, said, told = run("resolve", "vitalik.eth", "--node", url, "--ledger", tmp_path / "l")
    assert status == 0, told
    assert f"vitalik.eth names {names.WHO}" in said
    assert "as of block 2 (0x" in said


def test_what_is_refused_says_why(run: Run, url: str, tmp_path: Path) -> None:
    place = ("--node", url, "--ledger", tmp_path / "l")
    for more, words in (
        (("vit\u0430lik.eth",), "no name of ENS"), (("nobody.eth",), "names no address"),
        (("vitalik.eth", "--offline"), "offline"),
    ):  # fmt: skip
        status, said, told = run("resolve", *more, *place)
        assert status == 1
        assert not said
        assert words in told


@pytest.fixture
def evm_ledger(tmp_path: Path) -> Path:
    """Return a ledger of a few transfers of the address that a name names."""
    header = "token_address,from_address,to_address,value,transaction_hash,log_index,block_number"
    coin, other, txid = "0x" + "7e" * 20, "0x" + "ab" * 20, "0x" + "01" * 32
    row = f"{coin},{names.WHO},{other},5,{txid},0,7"
    (tmp_path / "dump.csv").write_text(f"{header}\n{row}\n")
    pull(tmp_path / "ledger", KnownTable(tmp_path / "dump.csv", chain="eth"), progress=False)
    return tmp_path / "ledger"


def test_a_name_in_place_of_an_address_asks_nobody(run: Run, evm_ledger: Path) -> None:
    """It is said what it is and how it becomes an address; no disclosure is logged."""
    for name, words in (
        ("vitalik.eth", "'vitalik.eth' is an ENS name, and no address"),
        ("pay.Vitalik.ETH", "is an ENS name"),
        ("vit\u0430lik.eth", r"'vit\u0430lik.eth' is an ENS name"),
        ("vitalik.xyz", "'vitalik.xyz' is a name, perhaps of ENS, and no address"),
    ):
        for command in (
            ("show", name),
            ("pull", "explorer", "http://127.0.0.1:1", name),
            ("trace", name, "--policy", "fifo", "--chain", "eth", "--asset", "native"),
            ("received", name, "--chain", "eth", "--asset", "native"),
        ):
            status, said, told = run(*command, "--ledger", evm_ledger)
            assert (status, said) == (1, "")
            assert words in " ".join(told.split())
            assert "`chainwatch resolve NAME --node URL`" in " ".join(told.split())
    assert not list(evm_ledger.parent.glob("*.disclosures.jsonl"))


def test_a_name_is_looked_up_where_a_node_is_named(run: Run, url: str, evm_ledger: Path) -> None:
    place = ("--ledger", evm_ledger)
    status, said, told = run("show", "vitalik.eth", "--names-node", url, *place)
    assert status == 0, told
    assert names.WHO in said
    assert f"vitalik.eth names {names.WHO} as of block 2" in " ".join(told.split())
    assert run("show", names.WHO, *place)[1] == said
    nobody = "http://127.0.0.1:1"
    assert run("show", names.WHO, "--names-node", nobody, *place)[1] == said  # nothing is asked
    assert run("show", "vitalik.eth", "--names-node", nobody, *place)[0] == 1


def test_a_history_is_read_of_whom_a_name_names(run: Run, url: str, tmp_path: Path) -> None:
    """The explorer is not there: what it was asked of stands in the log, after the name."""
    asked = ("pull", "explorer", "http://127.0.0.1:1/api", "vitalik.eth", "--api", "compatible")
    status, _, told = run(*asked, "--names-node", url, "--ledger", tmp_path / "l")
    assert status == 1
    assert f"vitalik.eth names {names.WHO}" in " ".join(told.split())
    place = ("--offline", "--names-node", url, "--ledger", tmp_path / "m")
    status, said, told = run(*asked, *place)
    assert (status, said) == (1, "")
    assert "offline" in told
