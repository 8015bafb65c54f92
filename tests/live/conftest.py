"""Real servers on loopback: a regtest node with a chain of its own, and an Electrum server on it.

``CHAINWATCH_BITCOIND`` names the folder with ``bitcoind``, ``CHAINWATCH_ELECTRUMX`` a virtual
environment with ``electrumx_server``; without them these tests skip and say so. Every process
that is started here is ended here.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from types import ModuleType
from typing import Any

import polars as pl
import pytest
from module_of import module_of

from chainwatch.addresses.codecs import base58check_encode
from chainwatch.ledger import schema
from chainwatch.ledger.ledger import Ledger
from chainwatch.net.policy import use_network
from chainwatch.results.provenance import digest_frame

START = 1_700_000_000
COIN = 10**8
USER, PASSWORD = "investigator", "correct horse battery staple"
LIST = 122
"""Height of the chain that the session shares."""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def rpcauth(user: str, password: str) -> str:
    salt = hashlib.sha256(user.encode()).hexdigest()[:32]
    return f"{user}:{salt}${hmac.new(salt.encode(), password.encode(), 'sha256').hexdigest()}"


class Refused(Exception):
    """The node's own error."""


@dataclass
class Regtest:
    """A running node, and what a test needs to reach it."""

    folder: Path
    port: int
    process: subprocess.Popen[bytes]
    user: str = USER
    password: str = PASSWORD

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def cookie(self) -> Path:
        return self.folder / "regtest" / ".cookie"

    def __call__(self, method: str, *params: Any) -> Any:
        """Ask the node, with nothing of chainwatch in between."""
        body = json.dumps({"id": 1, "method": method, "params": params}).encode()
        token = base64.b64encode(self.cookie.read_bytes()).decode()
        request = urllib.request.Request(self.url, body, {"Authorization": f"Basic {token}"})  # noqa: S310
        try:
            with urllib.request.urlopen(request, timeout=60) as reply:  # noqa: S310
                answer = json.loads(reply.read(), parse_float=Decimal)
        except urllib.error.HTTPError as error:
            with error:
                answer = json.loads(error.read() or b'{"error": "no body"}')
        if answer.get("error"):
            raise Refused(f"{method}: {answer['error']}")
        return answer["result"]

    @property
    def height(self) -> int:
        return int(self("getblockcount"))

    def raw_blocks(self) -> list[bytes]:
        """Return the bytes of every block of the best chain."""
        hashes = [self("getblockhash", height) for height in range(self.height + 1)]
        return [bytes.fromhex(self("getblock", name, 0)) for name in hashes]

    def scripts(self) -> list[bytes]:
        """Return every output script of the best chain, as the node lists them."""
        found: dict[bytes, None] = {}
        for height in range(self.height + 1):
            for tx in self("getblock", self("getblockhash", height), 2)["tx"]:
                for output in tx["vout"]:
                    found[bytes.fromhex(output["scriptPubKey"]["hex"])] = None
        return list(found)

    def mine(self, descriptor: str = "raw(51)", txs: Sequence[str] = ()) -> str:
        """Mine one block that pays a descriptor, ten minutes after the last."""
        self("setmocktime", START + 600 * (self.height + 1))
        info = self("getdescriptorinfo", descriptor)
        made = self("generateblock", f"{descriptor}#{info['checksum']}", list(txs))
        return str(made["hash"])

    def reorganise(self, depth: int) -> None:
        """Replace the last blocks by one more of others."""
        top = self.height
        self("invalidateblock", self("getblockhash", top - depth + 1))
        for k in range(depth + 1):
            self.mine(f"raw(51{k + 1:02x})")


def started(program: str, folder: Path, *options: str) -> Regtest:
    folder.mkdir(parents=True, exist_ok=True)
    port = free_port()
    command = [
        program, "-regtest", f"-datadir={folder}", f"-rpcport={port}", "-rpcbind=127.0.0.1",
        "-rpcallowip=127.0.0.1", f"-rpcauth={rpcauth(USER, PASSWORD)}", "-server=1", "-rest=1",
        "-listen=0", "-dnsseed=0", "-txindex=1", "-dbcache=16", "-maxmempool=5", *options,
    ]  # fmt: skip
    log = (folder / "stdout.txt").open("wb")
    with log:
        process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT)
    node = Regtest(folder, port, process)
    for _ in range(300):
        if process.poll() is not None:
            pytest.fail(f"bitcoind ended: {(folder / 'stdout.txt').read_text()[-500:]}")
        try:
            node("getblockchaininfo")
            return node
        except (OSError, Refused, ValueError):
            time.sleep(0.1)
    process.kill()
    pytest.fail("bitcoind did not answer within 30 s")


def ended(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(30)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait(30)


@pytest.fixture(scope="session")
def bitcoind_program() -> str:
    place = os.environ.get("CHAINWATCH_BITCOIND")
    if not place:
        pytest.skip("CHAINWATCH_BITCOIND is not set: this test needs a real node")
    program = Path(place) / "bitcoind"
    if not program.is_file():
        pytest.fail(f"CHAINWATCH_BITCOIND names no folder with bitcoind: {place}")
    return str(program)


@pytest.fixture(scope="session")
def new_node(
    bitcoind_program: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[..., Regtest]]:
    """Return a maker of nodes that a test may do with as it likes; they hold only genesis."""
    made: list[Regtest] = []

    def start(*options: str, folder: Path | None = None) -> Regtest:
        place = folder or tmp_path_factory.mktemp("node")
        made.append(started(bitcoind_program, place, *options))
        return made[-1]

    yield start
    for node in made:
        if node.process.poll() is None:
            ended(node.process)


@pytest.fixture(scope="session")
def bitcoind(new_node: Callable[..., Regtest]) -> Regtest:
    """Return a node with the chain of 122 blocks that the session shares: change nothing of it."""
    node = new_node()
    write_chain(node, LIST)
    return node


@pytest.fixture(autouse=True)
def _only_loopback(tmp_path: Path) -> Iterator[None]:
    """Nothing that is tested here may ask anybody but this machine."""
    with use_network(only_hosts=["127.0.0.1", "localhost"], log_file=tmp_path / "asked.jsonl"):
        yield


COIN_TABLES = (
    schema.BLOCKS, schema.TRANSACTIONS, schema.INPUTS, schema.INPUT_KEYS, schema.OUTPUTS,
    schema.OUTPUT_KEYS,
)  # fmt: skip
"""All that a ledger keeps of a chain of coins."""


def digests_by_column(ledger: Ledger, genesis: bool = True) -> dict[str, str]:
    """Return the digest of every column of the chain's tables, each beside the key of its table."""
    found = {}
    for table in COIN_TABLES:
        rows = ledger.table(table.name).collect()
        if not genesis:
            rows = rows.filter((pl.col("tx") if "tx" in rows.columns else pl.col("height")) > 0)
        for column in table.schema:
            names = list(dict.fromkeys([*table.key, column]))
            found[f"{table.name}.{column}"] = digest_frame(rows.select(names), table.key)
    return found


@pytest.fixture(scope="session")
def by_column() -> Callable[..., dict[str, str]]:
    """Return what digests a ledger column by column."""
    return digests_by_column


# The chain ----------------------------------------------------------------------------------


class Wallet:
    """Keys that are the same in every run, and the coins they hold."""

    def __init__(self, node: Regtest) -> None:
        self.node = node
        self.next = 1
        self.coins: dict[str, list[tuple[str, int, int, int]]] = {}  # txid, n, value, ripe at
        self.scripts: dict[str, bytes] = {}
        self.made: dict[str, bytes] = {}

    def wif(self, name: str) -> str:
        return base58check_encode(b"\xef" + hashlib.sha256(name.encode()).digest() + b"\x01")

    def descriptor(self, kind: str, name: str) -> str:
        """Return a descriptor with its private key: of one key, or of a 1-of-2 multisig."""
        key, other = self.wif(name), self.wif(f"{name}, second")
        forms = {
            "p2wpkh": f"wpkh({key})", "p2sh": f"sh(wpkh({key}))", "p2pkh": f"pkh({key})",
            "p2pk": f"pk({key})", "p2tr": f"tr({key})", "multisig": f"multi(1,{key},{other})",
            "p2wsh": f"wsh(multi(2,{key},{other}))",
        }  # fmt: skip
        return forms[kind]

    def script(self, descriptor: str) -> bytes:
        """Return the output script of a descriptor, worked out by the node."""
        if descriptor not in self.scripts:
            public = self.node("getdescriptorinfo", descriptor)["descriptor"]
            self.scripts[descriptor] = self._script(public)
        return self.scripts[descriptor]

    def _script(self, public: str) -> bytes:
        body = public.partition("#")[0]
        if body.startswith("pk("):
            key = bytes.fromhex(body[3:-1])
            return bytes([len(key)]) + key + b"\xac"
        if body.startswith("multi("):
            required, *keys = body[6:-1].split(",")
            pushed = b"".join(bytes([len(k) // 2]) + bytes.fromhex(k) for k in keys)
            return bytes([0x50 + int(required)]) + pushed + bytes([0x50 + len(keys)]) + b"\xae"
        address = self.node("deriveaddresses", public)[0]
        return bytes.fromhex(self.node("validateaddress", address)["scriptPubKey"])

    def can_pay(self, owner: str) -> bool:
        """Tell whether a large coin is there that is no young coinbase."""
        coins = self.coins.get(owner, ())
        return any(ripe <= self.next and value > 7 * COIN for _, _, value, ripe in coins)

    def _coin(self, owner: str) -> tuple[str, int, int]:
        ripe = [coin for coin in self.coins[owner] if coin[3] <= self.next]
        coin = max(ripe, key=lambda coin: coin[2])
        self.coins[owner].remove(coin)
        return coin[:3]

    def mine(self, descriptor: str, txs: Sequence[str] = ()) -> None:
        name = self.node.mine(descriptor, txs)
        first = self.node("getblock", name, 2)["tx"][0]
        value = int(first["vout"][0]["value"] * COIN)
        self.coins.setdefault(descriptor, []).append((first["txid"], 0, value, self.next + 100))
        self.next += 1

    def pay(self, owners: Sequence[str], outputs: Sequence[tuple[str | bytes, int]]) -> str:
        """Spend the largest coin of each owner; an output goes to a descriptor or is a script.

        What is left goes back to the first owner, but for a fee of 1,000.
        """
        spent = [self._coin(owner) for owner in owners]
        left = sum(value for _, _, value in spent) - sum(value for _, value in outputs) - 1_000
        paid = [*outputs, (owners[0], left)]
        scripts = [to if isinstance(to, bytes) else self.script(to) for to, _ in paid]
        raw = unsigned(spent, [(v, s) for (_, v), s in zip(paid, scripts, strict=True)])
        psbt = psbt_of(raw, [self.made.get(txid) for txid, _, _ in spent], len(paid))
        done = self.node("descriptorprocesspsbt", psbt, list(dict.fromkeys(owners)))
        assert done["complete"], done
        txid = self.node("decoderawtransaction", done["hex"])["txid"]
        self.made[txid] = bytes.fromhex(done["hex"])
        for n, (to, value) in enumerate(paid):
            if isinstance(to, str):
                self.coins.setdefault(to, []).append((txid, n, value, 0))
        return str(done["hex"])


def unsigned(spent: Sequence[tuple[str, int, int]], paid: Sequence[tuple[int, bytes]]) -> bytes:
    inputs = b"".join(
        bytes.fromhex(txid)[::-1] + n.to_bytes(4, "little") + b"\0\xfd\xff\xff\xff"
        for txid, n, _ in spent
    )
    outputs = b"".join(
        value.to_bytes(8, "little") + bytes([len(script)]) + script for value, script in paid
    )
    counts = bytes([len(spent)]), bytes([len(paid)])
    return b"\x02\0\0\0" + counts[0] + inputs + counts[1] + outputs + bytes(4)


def psbt_of(raw: bytes, spent: Sequence[bytes | None], outputs: int) -> str:
    """Return a transaction to be signed, with what it spends that is in no block yet (BIP174)."""
    parts = [b"psbt\xff", b"\x01\x00", sized(raw), b"\0"]
    for made in spent:
        parts += [b"\x01\x00" + sized(made) if made else b"", b"\0"]
    return base64.b64encode(b"".join(parts) + b"\0" * outputs).decode()


def sized(data: bytes) -> bytes:
    size = bytes([len(data)]) if len(data) < 0xFD else b"\xfd" + len(data).to_bytes(2, "little")
    return size + data


KINDS = ("p2wpkh", "p2sh", "p2pkh", "p2pk", "p2tr", "multisig", "p2wsh")


def write_chain(node: Regtest, height: int) -> None:
    """Mine the same chain in every run: coinbases of every kind, then spends of every kind."""
    wallet = Wallet(node)
    owners = [wallet.descriptor(kind, f"owner {kind}") for kind in KINDS]
    for k in range(min(height, 101)):
        wallet.mine(owners[k % len(owners)])
    for k in range(101, height):
        wallet.mine(owners[(k // 3) % len(owners)], made_txs(wallet, owners, k))


def made_txs(wallet: Wallet, owners: list[str], k: int) -> list[str]:
    """Return the transactions of one block, some of which spend others of it."""
    ripe = [owner for owner in owners if wallet.can_pay(owner)]
    one, other = ripe[k % len(ripe)], ripe[(k + 1) % len(ripe)]
    shop = wallet.descriptor("p2wpkh", "a shop that uses one address")
    note = b"\x6a\x0ethe %3d. note." % k
    new = wallet.descriptor(KINDS[(k + 2) % len(KINDS)], f"new at {k}")
    first = wallet.pay([one], [(new, 5 * COIN + k), (shop, COIN), (note, 0)])
    second = wallet.pay([new, other], [(shop, 2 * COIN), (b"\x51", 700 + k)])
    third = wallet.pay([shop], [(owners[(k + 1) % len(owners)], 40_000_000)])
    return [first, second, third]


# The Electrum server ------------------------------------------------------------------------


@dataclass
class ElectrumX:
    """A running Electrum server."""

    port: int
    tls_port: int | None
    certificate: Path | None
    process: subprocess.Popen[bytes]
    log: Path
    host: str = "127.0.0.1"


@pytest.fixture(scope="session")
def electrumx_program() -> str:
    place = os.environ.get("CHAINWATCH_ELECTRUMX")
    if not place:
        pytest.skip("CHAINWATCH_ELECTRUMX is not set: this test needs a real Electrum server")
    program = Path(place) / "bin" / "electrumx_server"
    if not program.is_file():
        pytest.fail(f"CHAINWATCH_ELECTRUMX names no environment with electrumx_server: {place}")
    return str(program)


@pytest.fixture(scope="session")
def new_electrumx(
    electrumx_program: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[..., ElectrumX]]:
    """Return a maker of Electrum servers on a node; each has caught up when it is returned."""
    made: list[ElectrumX] = []

    def start(node: Regtest, **settings: str) -> ElectrumX:
        made.append(electrumx_on(electrumx_program, node, tmp_path_factory, settings))
        return made[-1]

    yield start
    for server in made:
        ended(server.process)


@pytest.fixture(scope="session")
def electrumx(bitcoind: Regtest, new_electrumx: Callable[..., ElectrumX]) -> ElectrumX:
    """Return an Electrum server on the node that the session shares."""
    return new_electrumx(bitcoind)


def certificate_in(folder: Path) -> Path | None:
    """Make a certificate for 127.0.0.1 that signs itself; None without openssl."""
    program = shutil.which("openssl")
    if program is None:
        return None
    command = [
        program, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "30", "-subj",
        "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1",
        "-keyout", str(folder / "key.pem"), "-out", str(folder / "cert.pem"),
    ]  # fmt: skip
    subprocess.run(command, check=True, capture_output=True)
    return folder / "cert.pem"


def electrumx_on(
    program: str, node: Regtest, factory: pytest.TempPathFactory, settings: dict[str, str]
) -> ElectrumX:
    folder = factory.mktemp("electrumx")
    port, tls_port, rpc_port = free_port(), free_port(), free_port()
    certificate = certificate_in(folder)
    listens = [f"tcp://127.0.0.1:{port}", f"rpc://127.0.0.1:{rpc_port}"]
    environment = {
        "COIN": "Bitcoin", "NET": "regtest", "DB_DIRECTORY": str(folder), "DB_ENGINE": "leveldb",
        "DAEMON_URL": f"http://{USER}:{PASSWORD.replace(' ', '%20')}@127.0.0.1:{node.port}/",
        "PEER_DISCOVERY": "off", "PEER_ANNOUNCE": "", "COST_SOFT_LIMIT": "0",
        "COST_HARD_LIMIT": "0", "ALLOW_ROOT": "1", "CACHE_MB": "50",
        "DAEMON_POLL_INTERVAL_BLOCKS": "200", "PATH": os.environ.get("PATH", ""),
    }  # fmt: skip
    if certificate is not None:
        listens.append(f"ssl://127.0.0.1:{tls_port}")
        environment |= {"SSL_CERTFILE": str(certificate), "SSL_KEYFILE": str(folder / "key.pem")}
    environment |= {"SERVICES": ",".join(listens), **settings}
    log = folder / "log.txt"
    with log.open("wb") as handle:
        process = subprocess.Popen(
            [program], env=environment, stdout=handle, stderr=subprocess.STDOUT, cwd=folder
        )
    server = ElectrumX(port, tls_port if certificate else None, certificate, process, log)
    await_height(server, node.height)
    return server


def await_height(server: ElectrumX, height: int) -> None:
    """Wait until a server has read the chain of its node up to a height."""
    found = None
    for _ in range(300):
        if server.process.poll() is not None:
            pytest.fail(f"electrumx ended: {server.log.read_text()[-800:]}")
        found = tip_of(server)
        if found == height:
            return
        time.sleep(0.1)
    pytest.fail(f"electrumx stays at {found}: {server.log.read_text()[-800:]}")


def tip_of(server: ElectrumX) -> int | None:
    asked = [("server.version", ["test", "1.4"]), ("blockchain.headers.subscribe", [])]
    try:
        with socket.create_connection((server.host, server.port), 5) as line:
            reader = line.makefile("rb")
            for number, (method, params) in enumerate(asked):
                request = {"jsonrpc": "2.0", "id": number, "method": method, "params": params}
                line.sendall(json.dumps(request).encode() + b"\n")
                answer = json.loads(reader.readline() or b"{}")
            reader.close()
    except (OSError, ValueError):
        return None
    return int(answer["result"]["height"]) if "result" in answer else None


# Esplora --------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def explorers() -> ModuleType:
    """Return the module with the small server."""
    return module_of("live/esplora_server")


@pytest.fixture(scope="session")
def url(explorers: ModuleType, bitcoind: Regtest) -> Iterator[str]:
    with explorers.serving(explorers.NodeExplorer(bitcoind)) as base:
        yield base
