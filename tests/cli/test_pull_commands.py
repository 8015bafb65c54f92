"""``chainwatch pull``: each source through the command, against servers on loopback."""

from __future__ import annotations

import functools
import importlib
import json
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import regtest_chain
import stamina
from module_of import module_of

from chainwatch.addresses import canonical
from chainwatch.addresses.bip32 import ExtendedKey
from chainwatch.addresses.codecs import base58check_decode, base58check_encode
from chainwatch.addresses.scripts import classify
from chainwatch.errors import SourceError
from chainwatch.ingest.xpub import addresses_of_xpub
from chainwatch.ledger.ledger import open_ledger
from chainwatch.sources.catalogue import ENTRIES

CHAIN = "btc-regtest"
XPUB = (
    "xpub6BosfCnifzxcFwrSzQiqu2DBVTshkCXacvNsWGYJVVhhawA7d4R5WSWGFNbi8Aw6ZRc1brxMyWMzG3DSSSSoekkudhU"
    "d9yLb6qx39T9nMdj"
)
"""Published with BIP 44's words, which are in use everywhere."""

TPUB = base58check_encode(bytes.fromhex("043587cf") + base58check_decode(XPUB)[4:])
"""The same key as test networks write it."""

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def maker() -> ModuleType:
    return regtest_chain


@pytest.fixture(scope="module")
def chain(maker: ModuleType) -> list[bytes]:
    blocks: list[bytes] = maker.Chain().grow(11).blocks
    return blocks


@pytest.fixture
def node(chain: list[bytes], maker: ModuleType) -> Iterator[Any]:
    tests = module_of("sources/bitcoin_core/test_rpc")
    with tests.served(tests.FakeNode(chain, maker)) as made:
        yield made


@pytest.fixture
def server(chain: list[bytes], maker: ModuleType) -> Iterator[Any]:
    tests = module_of("sources/electrum/test_electrum")
    with tests.served(tests.FakeElectrum(chain, maker)) as made:
        yield made


@pytest.fixture
def explorer(chain: list[bytes], maker: ModuleType) -> Iterator[str]:
    """Serve Esplora's interface on loopback; give the address of it."""
    with explored(chain, maker) as url:
        yield url


class explored:  # noqa: N801 - used as a function
    """An explorer of blocks, while the block of code runs."""

    def __init__(self, blocks: list[bytes], maker: ModuleType) -> None:
        pages = module_of("live/esplora_server")
        told = module_of("sources/esplora/test_esplora").told_block
        site = pages.Explorer([told(raw, n, maker.sha256d) for n, raw in enumerate(blocks)], [])

        seen: list[str | None] = []

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                seen.append(self.headers.get("X-Key"))
                try:
                    value, status = site.answer(self.path.removeprefix("/api")), 200
                except pages.NotFound:
                    value, status = "not found", 404
                body = (value if isinstance(value, str) else json.dumps(value)).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        self.seen = seen
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.01,))

    def __enter__(self) -> str:
        self.thread.start()
        return f"http://127.0.0.1:{self.server.server_port}/api"

    def __exit__(self, *_: object) -> None:
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


def subject(maker: ModuleType, number: int) -> str:
    return canonical.text(classify(maker.p2pkh(number)).address or b"", CHAIN)


def sentence(err: str) -> str:
    assert err.count("\n") == 1, err
    assert err.startswith("chainwatch: ")
    assert err.endswith(".\n")
    return err


def coverage(folder: Path) -> set[tuple[str, str]]:
    rows = open_ledger(folder).coverage.select("kind", "source").unique().collect()
    return set(rows.iter_rows())


def test_rpc_and_rest(run: Run, node: Any, tmp_path: Path) -> None:
    (tmp_path / ".cookie").write_text("__cookie__:secret")
    given = ("--ledger", "a", "--chain", CHAIN)
    status, out, err = run("pull", "rpc", node.url, "--cookie", ".cookie", "--span", "0:5", *given)
    assert (status, err) == (0, "")
    assert "nothing failed" in out
    assert open_ledger(tmp_path / "a").blocks.collect().height == 5
    status, out, _ = run("pull", "rest", node.url, "--ledger", "b", "--chain", CHAIN)
    assert status == 0
    assert open_ledger(tmp_path / "b").blocks.collect().height == 12
    run("pull", "rpc", node.url, "--span", "5:", *given)
    for table in ("blocks", "transactions", "inputs", "outputs"):
        one, two = (open_ledger(tmp_path / name).digest(table) for name in ("a", "b"))
        assert one == two


def test_passwords_come_from_their_place(
    run: Run, node: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NODE_PASSWORD", "s3cret")
    given = ("pull", "rpc", node.url, "--ledger", "l", "--chain", CHAIN, "--user", "me")
    assert run(*given, "--password", "env:NODE_PASSWORD")[0] == 0
    assert node.logins[0] is not None
    status, _, err = run(*given, "--password", "s3cret")
    assert status == 1
    assert "never the secret itself" in sentence(err)
    assert "s3cret" not in err
    status, _, err = run("pull", "rpc", "http://me:s3cret@127.0.0.1:1", "--ledger", "l")
    assert status == 1
    assert "stands in the address" in sentence(err)
    assert "s3cret" not in err


def test_addresses_from_esplora(run: Run, explorer: str, maker: ModuleType, tmp_path: Path) -> None:
    (tmp_path / "seized.txt").write_text(f"# two\n{subject(maker, 1)}  # the shop\n\n")
    given = ("--ledger", "l", "--chain", CHAIN)
    status, out, err = run(
        "pull", "esplora", explorer, subject(maker, 12), "--addresses-file", "seized.txt", *given
    )
    assert (status, err) == (0, "")
    assert "nothing failed" in out
    assert ("address", "esplora") in coverage(tmp_path / "l")
    held = open_ledger(tmp_path / "l").coverage.collect()["address"].drop_nulls()
    assert held.n_unique() == 2
    assert not (tmp_path / "l.disclosures.jsonl").exists()  # one's own machine is no third party
    assert run("pull", "esplora", explorer, "--span", "2:4", *given)[0] == 0
    assert open_ledger(tmp_path / "l").blocks.collect()["height"].sort().to_list() == [2, 3]


def test_a_key_in_a_header(
    run: Run, chain: list[bytes], maker: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EXPLORER_KEY", "k3y")
    given = (subject(maker, 1), "--ledger", "l", "--chain", CHAIN)
    site = explored(chain, maker)
    with site as url:
        status, out, err = run("pull", "esplora", url, *given, "--header", "X-Key=env:EXPLORER_KEY")
        assert status == 0
        assert set(site.seen) == {"k3y"}
        assert "k3y" not in out + err
        status, _, err = run("pull", "esplora", url, *given, "--header", "X-Key=k3y")
    assert status == 1
    assert "k3y" not in sentence(err)


def test_addresses_from_electrum(run: Run, server: Any, maker: ModuleType, tmp_path: Path) -> None:
    status, out, err = run(
        "pull", "electrum", f"127.0.0.1:{server.port}", subject(maker, 1), "--ledger", "l",
        "--chain", CHAIN,
    )  # fmt: skip
    assert (status, err) == (0, "")
    assert coverage(tmp_path / "l") == {("address", "electrum"), ("transaction", "electrum")}
    assert "nothing failed" in out


def test_a_seized_key(run: Run, maker: ModuleType, tmp_path: Path) -> None:
    """It is followed until a whole gap was never paid, and is never shown."""
    found = addresses_of_xpub(ExtendedKey(TPUB), chain=CHAIN, gap=6, branches=[0])
    paid = found.frame["address"].to_list()
    one, two = paid[2], paid[4]  # the second lies beyond the first gap of three
    made = maker.Chain()
    for address in (one, two):
        made.grow(4)
        txid, n, value = made.coins.pop(0)
        script = b"\x76\xa9\x14" + address[1:] + b"\x88\xac"
        made.add([maker.spend([(txid, n)], [(value - 10, script)])])
    (tmp_path / "key.txt").write_text(TPUB + "\n")
    with explored(made.blocks, maker) as url:
        status, out, err = run(
            "pull", "esplora", url, "--xpub-file", "key.txt", "--gap", "3", "--branch", "0",
            "--ledger", "l", "--chain", CHAIN,
        )  # fmt: skip
    assert (status, err) == (0, "")
    assert "2 of them used" in out
    assert TPUB[8:30] not in out
    outputs = set(open_ledger(tmp_path / "l").outputs.collect()["address"])
    assert {one, two} <= outputs
    read = open_ledger(tmp_path / "l").coverage.collect()["address"].drop_nulls().n_unique()
    assert read == 8  # up to the third unused one after the last


def test_a_key_from_a_prompt(
    run: Run, explorer: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    asked: list[dict[str, Any]] = []

    def prompt(_: str, **how: Any) -> str:
        asked.append(how)
        return TPUB

    monkeypatch.setattr("typer.prompt", prompt)
    given = ("--xpub", "--gap", "2", "--ledger", "l", "--chain", CHAIN)
    assert run("pull", "esplora", explorer, *given)[0] == 0
    assert asked[0]["hide_input"] is True
    assert open_ledger(tmp_path / "l").coverage.collect().height == 4


def test_folders_and_exports(
    run: Run, chain: list[bytes], maker: ModuleType, tmp_path: Path
) -> None:
    module_of("sources/node_folder/test_node_folder").Node(
        maker, tmp_path / "node", [chain]
    ).write()
    assert run("pull", "node-folder", "node", "--ledger", "a", "--chain", CHAIN)[0] == 0
    tests = module_of("sources/bitcoin_etl/test_bitcoin_etl")
    for name, rows in zip(("b.json", "t.json"), tests.exported(chain), strict=True):
        (tmp_path / name).write_text(tests.lines(rows))
    status, _, err = run(
        "pull", "--offline", "etl", "--transactions", "t.json", "--blocks", "b.json",
        "--ledger", "b", "--chain", CHAIN,
    )  # fmt: skip
    assert (status, err) == (0, "")
    one, two = (open_ledger(tmp_path / name).digest("outputs") for name in ("a", "b"))
    assert one == two


MAPPING = """
chain = "tron"
kind = "trc20"
source = "an explorer"
txid = "id"
time = "time"
time_unit = "s"
sender = "from"
receiver = "to"
amount = "amount"
contract = "token"
"""


def test_a_table_of_transfers(run: Run, tmp_path: Path) -> None:
    a, b, token = (canonical.text(b"\x11" + bytes([k]) * 20, "tron") for k in range(3))
    row = f"{1:064x},1700000000,{a},{b},5,{token}"
    (tmp_path / "t.csv").write_text(f"id,time,from,to,amount,token\n{row}\n")
    (tmp_path / "m.toml").write_text(MAPPING)
    given = ("pull", "transfers", "t.csv", "--ledger", "l", "--mapping")
    status, out, err = run(*given, "m.toml")
    assert (status, err) == (0, "")
    assert "nothing failed" in out
    assert open_ledger(tmp_path / "l").transfers.collect()["amount"].to_list() == [5]
    (tmp_path / "m.toml").write_text(MAPPING.replace("txid", "tx_id"))
    for file, said in (("none.toml", "mapping cannot be read at none.toml"), ("m.toml", "txid")):
        status, _, err = run(*given, file)
        assert status == 1
        assert said in sentence(err)


def test_a_provider_through_bitcoinlib(
    run: Run, explorer: str, maker: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Its options reach it, its key from the place that is named, and the addresses of a file."""
    given: dict[str, Any] = {}
    source = importlib.import_module("chainwatch.sources.bitcoinlib_provider.source")

    @functools.wraps(source.BitcoinlibProvider.__init__)
    def made(_: Any, **options: Any) -> Any:
        given.update(options)
        raise SourceError("made", remedy="no more")

    monkeypatch.setattr(source.BitcoinlibProvider, "__init__", made)
    monkeypatch.setenv("EXPLORER_KEY", "k3y")
    (tmp_path / "seized.txt").write_text(subject(maker, 1))
    command = ("pull", "bitcoinlib", "https://e.example", "--chain", CHAIN, "--ledger", "l")
    status, _, err = run(
        *command, "--provider", "blockbook", "--addresses-file", "seized.txt", "--no-prevouts",
        "--own", "--api-key", "env:EXPLORER_KEY",
    )  # fmt: skip
    assert (status, err) == (1, "chainwatch: made; no more.\n")
    assert given == {
        "endpoint_url": "https://e.example", "provider": "blockbook", "chain": CHAIN,
        "own": True, "prevouts": False, "api_key": "k3y",
        "addresses": [classify(maker.p2pkh(1)).address],
    }  # fmt: skip
    assert run(*command, "--provider", "nobody")[0] == 2
    status, _, err = run(*command, subject(maker, 1), "--api-key", "k3y")
    assert "--api-key takes the place of a secret" in sentence(err)
    assert "k3y" not in err


def test_following(run: Run, node: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    pauses = []

    def stopped(seconds: float, _: Any) -> bool:
        pauses.append(seconds)
        if len(pauses) == 3:
            raise KeyboardInterrupt
        return False

    monkeypatch.setattr("chainwatch.ingest.sync._waited", stopped)
    status, out, err = run("pull", "rest", node.url, "--follow", "--ledger", "l", "--chain", CHAIN)
    assert status == 130
    assert "added 12 blocks" in out
    assert err.startswith("\nchainwatch: interrupted")
    assert pauses == [30.0] * 3
    assert out.count("pull from") == 1  # a pull that adds nothing is not told


def test_a_server_that_fails_is_told_of(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who follows a tip without watching learns that it is not reached."""

    def stopped(seconds: float, _: Any) -> bool:
        raise KeyboardInterrupt

    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
    monkeypatch.setattr("chainwatch.ingest.sync._waited", stopped)
    with stamina.set_testing(True, attempts=1):
        url = f"http://127.0.0.1:{port}"
        status, _, err = run("pull", "rest", url, "--follow", "--ledger", "l", "--chain", CHAIN)
    assert status == 130
    assert "cannot be reached" in err
    assert "Asked again in 60 s." in err


OPTIONS: dict[str, tuple[str, tuple[str, ...], dict[str, Any]]] = {
    "esplora": (
        "esplora.source.Esplora", ("https://e.example/api", "A", "--max-transactions", "7"),
        {"max_transactions": 7, "per_second": 2.0, "span": None},
    ),
    "a span": ("esplora.source.Esplora", ("https://e.example", "--span", "5:9"), {"span": (5, 9)}),
    "electrum": (
        "electrum.source.Electrum", ("e.example:50002", "A", "--max-transactions", "8"),
        {"max_transactions": 8, "tls": None, "per_second": 2.0},
    ),
    "a script": (
        "electrum.source.Electrum", ("e.example:1", "--script", "5151", "--keep-raw"),
        {"scripts": [b"QQ"], "keep_raw": True, "addresses": [], "host": "e.example", "port": 1},
    ),
    "plain": ("electrum.source.Electrum", ("e.example:50001", "A", "--plain"), {"tls": False}),
    "tls": ("electrum.source.Electrum", ("127.0.0.1:50002", "A", "--tls"), {"tls": True}),
    "rpc": ("bitcoin_core.rpc.BitcoinRpc", ("http://e.example",), {"per_second": 2.0}),
    "rest": ("bitcoin_core.rest.BitcoinRest", ("http://e.example",), {"per_second": 2.0}),
}  # fmt: skip


@pytest.mark.parametrize("name", OPTIONS)
def test_options_reach_the_source(
    run: Run, name: str, maker: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    place, arguments, expected = OPTIONS[name]
    module, _, cls = place.rpartition(".")
    source = getattr(importlib.import_module(f"chainwatch.sources.{module}"), cls)
    given: dict[str, Any] = {}

    @functools.wraps(source.__init__)
    def made(_: Any, **options: Any) -> Any:
        given.update(options)
        raise SourceError("made", remedy="no more")

    monkeypatch.setattr(source, "__init__", made)
    command = {"Esplora": "esplora", "Electrum": "electrum", "BitcoinRpc": "rpc",
               "BitcoinRest": "rest"}[place.rpartition(".")[2]]  # fmt: skip
    texts = [subject(maker, 1) if text == "A" else text for text in arguments]
    status, _, err = run(
        "pull", command, *texts, "--ledger", "l", "--chain", CHAIN, "--per-second", "2"
    )
    assert (status, err) == (1, "chainwatch: made; no more.\n")
    assert {key: given.get(key) for key in expected} == expected


NETWORKED = {
    "esplora": ("esplora", "https://explorer.example/api", "ADDRESS"),
    "electrum": ("electrum", "explorer.example:50002", "ADDRESS", "--tls"),
    "rpc": ("rpc", "http://127.0.0.1:18443"),
    "rest": ("rest", "http://127.0.0.1:18443"),
}


@pytest.mark.parametrize("name", NETWORKED)
def test_no_socket_is_opened(
    run: Run, name: str, maker: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def opened(*_: Any, **__: Any) -> Any:
        raise AssertionError("a socket was opened")

    monkeypatch.setattr(socket, "socket", opened)
    monkeypatch.setattr(socket, "getaddrinfo", opened)
    given = [subject(maker, 1) if word == "ADDRESS" else word for word in NETWORKED[name]]
    given += ["--ledger", "l", "--chain", CHAIN]
    for before, after, said in (
        ([], ["--offline"], "offline"),
        (["--offline"], [], "offline"),
        ([], ["--only-hosts", "other.example,b.example"], "not among the hosts named"),
        (["--only-hosts", "other.example"], [], "not among the hosts named"),
        (["--only-hosts", "a.example"], ["--only-hosts", "explorer.example,127.0.0.1"], "offline"),
    ):
        status, out, err = run("pull", *before, *given, *after)
        assert (status, out) == (1, "")
        assert said in sentence(err)
    assert not (tmp_path / "l.disclosures.jsonl").exists()


def test_what_is_asked_of_others_is_logged_beside_the_ledger(
    run: Run, maker: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The line is there before the server is."""
    found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("93.184.216.34", 50001))]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)

    def unreachable(*_: Any, **__: Any) -> Any:
        raise OSError(113, "No route to host")

    monkeypatch.setattr(socket, "create_connection", unreachable)
    status, _, err = run(
        "pull", "electrum", "explorer.example:50001", subject(maker, 1), "--ledger", "cases/l",
        "--chain", CHAIN,
    )  # fmt: skip
    assert status == 1
    assert "No route to host" in sentence(err)
    lines = (tmp_path / "cases" / "l.disclosures.jsonl").read_text().splitlines()
    assert lines
    assert {json.loads(line)["host"] for line in lines} == {"explorer.example"}


WRONG = {
    "no addresses": (("electrum", "a.example:1"), "nothing to read was named"),
    "nothing": (("esplora", "https://a.example"), "nothing to read was named"),
    "no port": (("electrum", "a.example", "x"), "is no HOST:PORT"),
    "a port too high": (("electrum", "a.example:70000", "x"), "is no HOST:PORT"),
    "no span": (("rest", "http://127.0.0.1:1", "--span", "7"), "is no span"),
    "a negative span": (("rest", "http://127.0.0.1:1", "--span=-7:9"), "is no span"),
    "an empty span": (("rest", "http://127.0.0.1:1", "--span", "9:9"), "is empty"),
    "no host": (("rest", "http://127.0.0.1:1", "--only-hosts", ","), "names no host"),
    "no list": (("electrum", "a.example:1", "--addresses-file", "none"), "cannot be read"),
    "an empty list": (("electrum", "a.example:1", "--addresses-file", "empty"), "is empty at"),
    "no text": (("electrum", "a.example:1", "--addresses-file", "bytes"), "no text in UTF-8"),
    "no key": (("electrum", "a.example:1", "--xpub-file", "none"), "cannot be read"),
    "a key of bytes": (("electrum", "a.example:1", "--xpub-file", "bytes"), "no extended key"),
    "two keys": (("electrum", "a.example:1", "--xpub", "--xpub-file", "x"), "both given"),
    "a cookie and a user": (("rpc", "--cookie", "c", "--user", "u"), "a cookie and a password"),
    "no folder": (("node-folder", "none"), "none"),
    "no script": (("electrum", "a.example:1", "--script", "xyz"), "no bytes in hexadecimal"),
    "no header": (("esplora", "https://a.example", "x", "--header", "X"), "--header takes NAME="),
    "no export": (("etl", "--transactions", "none", "--blocks", "none"), "none"),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_is_one_sentence(run: Run, name: str, tmp_path: Path) -> None:
    (tmp_path / "empty").write_text("# nothing\n\n")
    (tmp_path / "bytes").write_bytes(b"\xfe\xed\x80")
    arguments, said = WRONG[name]
    status, out, err = run("pull", *arguments, "--ledger", "l")
    assert (status, out) == (1, "")
    assert said in sentence(err)


def test_a_wrong_address_and_a_private_key(run: Run, tmp_path: Path) -> None:
    status, _, err = run("pull", "electrum", "a.example:1", "nonsense", "--ledger", "l")
    assert status == 1
    assert "nonsense" in sentence(err)
    private = "xprv" + TPUB[4:]
    (tmp_path / "key").write_text(private)
    status, _, err = run("pull", "electrum", "a.example:1", "--xpub-file", "key", "--ledger", "l")
    assert status == 1
    assert "private key" in sentence(err)
    assert private[5:20] not in err


@pytest.mark.parametrize("name", [line.name for line in ENTRIES])
def test_help_has_an_example(run: Run, name: str) -> None:
    status, out, _ = run("pull", name, "--help")
    assert status == 0
    assert f"Example: chainwatch pull {name}" in " ".join(out.split())


def test_progress_is_for_terminals(
    run: Run, node: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from chainwatch.progress import watched

    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    with watched("pull\x1b[2J") as line:
        assert line is not None
        line("commit 1\x1b[2J [red]")
    assert "\x1b[2J" not in capsys.readouterr().err
    monkeypatch.setattr(sys.stderr, "isatty", lambda: False, raising=False)
    with watched("pull") as none:
        assert none is None
