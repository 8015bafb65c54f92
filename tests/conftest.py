"""What tests of several layers share: the simulated case, real data, and ledgers written by hand.

A ledger written by hand is one line per transaction, in the order of the chain::

    pay: A=60_000 B=50_000 -> C=100_000 A=9_000
    mix: A=60_000 ? pk:K=50_000 pay/0 -> D=70_000 data=0

A capital names an address, ``pk:K`` a P2PK output and ``ms:K`` a bare multisig of a key, ``data``
an OP_RETURN, ``?`` an input that was not read, ``pay/0`` the first output of ``pay``, left to the
ledger to find; ``coinbase`` on the left has no inputs.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

import polars as pl
import pytest
import regtest_chain
import skips
from hypothesis import settings

from chainwatch.addresses.scripts import classify, script_of
from chainwatch.attribution.tags import Tags, read_tags
from chainwatch.chains.catalogue import chain as chain_of
from chainwatch.ingest.pull import pull
from chainwatch.ledger import schema
from chainwatch.ledger.ledger import Ledger, open_ledger
from chainwatch.net.policy import use_network
from chainwatch.privacy import session
from chainwatch.results import noticed
from chainwatch.simulate.otter import Otter, otter
from chainwatch.sources.block_files import BlockFiles

# The same examples in every run, and no clock: a loaded machine is no defect.
settings.register_profile("same", derandomize=True, deadline=None, database=None)
settings.load_profile("same")

START = datetime(2023, 6, 1, tzinfo=UTC)


def _skipped(config: pytest.Config) -> list[str]:
    """Return the reasons of all skips of a run, those of its workers included."""
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    found = reporter.stats.get("skipped", []) if reporter else []
    return [item.longrepr[2] if isinstance(item.longrepr, tuple) else str(item.longrepr)
            for item in found]  # fmt: skip


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    """Say how many tests did not run, and how to have them run."""
    lines, strange = skips.told(_skipped(config))
    lines += [f"skipped for a reason that tests/skips.py does not accept: {why}" for why in strange]
    if lines:
        terminalreporter.section("not run")
    for line in lines:
        terminalreporter.write_line(line)


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Fail a run in which a test fell silent for a reason that nobody accepted."""
    if skips.told(_skipped(session.config))[1] and exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


class OtterCase(NamedTuple):
    """The simulated case: its truth, and the ledger and tags that an investigator has of it."""

    otter: Otter
    ledger: Ledger
    tags: Tags


@pytest.fixture(scope="session", autouse=True)
def disclosures(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Keep the log of what tests ask out of the user's own folder."""
    log = tmp_path_factory.mktemp("asked") / "disclosures.jsonl"
    with use_network(log_file=log):
        yield log


@pytest.fixture(scope="module", autouse=True)
def heard_by_nobody_later() -> Iterator[None]:
    """Let no case that a file of tests leaves open hear of what the next one tries."""
    yield
    for one in list(noticed._watchers):
        noticed.stop(one)


@pytest.fixture
def working(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Open the working edition at a desk of the test's own: its reason stands in no other log."""
    monkeypatch.setattr(session, "_desk", session.Desk())
    before = session.show_by(session._desk)
    session.set_edition("working", reason="a test", authority="a court")
    yield
    session.show_by(before)


@pytest.fixture(scope="session")
def otter_case(tmp_path_factory: pytest.TempPathFactory) -> OtterCase:
    """Simulate the case once, write it out and read it in again as an investigator would.

    It is shared by the whole session: change nothing of it. A test that pulls more makes a ledger
    of its own.
    """
    folder = tmp_path_factory.mktemp("otter")
    case = otter()
    files = case.write(folder / "case")
    pull(folder / "ledger", BlockFiles(files / "blocks.dat", chain="btc-regtest"))
    return OtterCase(case, open_ledger(folder / "ledger"), read_tags(files / "tags"))


@pytest.fixture(scope="session")
def real_data() -> Path:
    """Return the folder of real chain data; skip, saying so, where there is none."""
    place = os.environ.get("CHAINWATCH_DATA")
    if not place:
        pytest.skip("CHAINWATCH_DATA is not set: this test needs real chain data")
    if not Path(place).is_dir():
        pytest.fail(f"CHAINWATCH_DATA names no folder: {place}")
    return Path(place)


class Spent(NamedTuple):
    """An input: what it spends where that was read, where it lies where that matters, its flags."""

    value: int | None
    script: bytes | None
    origin: tuple[bytes, int] | None = None
    sighash: str | None = "ALL"
    quorum: str | None = None


class Written(NamedTuple):
    """A transaction written by hand; ``inputs`` None is a coinbase."""

    txid: bytes
    inputs: list[Spent] | None
    outputs: list[tuple[int, bytes]]


def ledger_of(transactions: Iterable[Written], alias: str = "btc-regtest") -> Ledger:
    """Return a ledger in memory with one transaction an hour, each in a block of its own."""
    rows: dict[str, list[dict[str, Any]]] = {"transactions": [], "inputs": [], "outputs": []}
    for height, made in enumerate(transactions, 1):
        key = {"chain": chain_of(alias).id, "tx": schema.pack_tx(height, 1)}
        rows["outputs"] += [key | _output(n, *out) for n, out in enumerate(made.outputs)]
        rows["inputs"] += [key | _input(made.txid, n, i) for n, i in enumerate(made.inputs or [])]
        rows["transactions"].append(key | {
            "txid": made.txid, "block": bytes(32), "height": height, "position": 1,
            "time": START + timedelta(hours=height), "version": 2, "locktime": 0, "size": 200,
            "weight": 800, "input_count": len(made.inputs or []),
            "output_count": len(made.outputs), "output_value": sum(v for v, _ in made.outputs),
            "coinbase": made.inputs is None,
        })  # fmt: skip
    tables = {table.name: table for table in schema.TABLES}
    return Ledger.from_tables({
        name: pl.DataFrame(
            [{column: row.get(column) for column in tables[name].schema} for row in items],
            schema=tables[name].schema,
        )
        for name, items in rows.items()
    })  # fmt: skip


def _output(n: int, value: int, script: bytes) -> dict[str, Any]:
    found = classify(script)
    return {
        "n": n, "value": value, "script_kind": found.kind, "address": found.address,
        "script": None if found.address else script, "spendable": found.spendable,
    }  # fmt: skip


def _input(txid: bytes, n: int, spent: Spent) -> dict[str, Any]:
    found = classify(spent.script) if spent.script is not None else None
    prev, place = spent.origin or (sha256(txid + bytes([n % 256, n // 256])).digest(), 0)
    return {
        "n": n, "prev_txid": prev, "prev_n": place, "value": spent.value,
        "address": found.address if found else None, "script_kind": found.kind if found else None,
        "sequence": 0xFFFFFFFD, "sighash": spent.sighash, "quorum": spent.quorum,
        "address_basis": "read" if found and found.address else None,
    }  # fmt: skip


def address_named(name: str) -> bytes:
    """Return the P2WPKH address that a capital stands for."""
    return b"\x03" + sha256(name.encode()).digest()[:20]


def txid_named(name: str) -> bytes:
    """Return the id of a transaction written by hand."""
    return sha256(f"transaction {name}".encode()).digest()


def _script(name: str) -> bytes:
    kind, _, key = name.rpartition(":")
    if name == "data":
        return b"\x6a\x04note"
    push = b"\x21\x02" + sha256(key.encode()).digest()
    scripts = {"pk": push + b"\xac", "ms": b"\x51" + push + b"\x51\xae"}
    return scripts[kind] if kind else script_of(address_named(name))


def _spent(token: str) -> Spent:
    name, _, value = token.partition("=")
    if value:
        return Spent(int(value), _script(name))
    made, _, n = name.partition("/")
    return Spent(None, None, (txid_named(made), int(n)) if n else None)


def _line(line: str) -> Written:
    name, _, rest = line.partition(":")
    left, _, right = rest.partition("->")
    paid = [token.partition("=") for token in right.split()]
    spent = None if left.split() == ["coinbase"] else [_spent(token) for token in left.split()]
    return Written(
        txid_named(name.strip()), spent, [(int(value), _script(who)) for who, _, value in paid]
    )


@pytest.fixture(scope="session")
def small_ledger() -> Callable[..., Ledger]:
    """Return a reader of ledgers written by hand, as the first lines of this file say."""

    def read(text: str, alias: str = "btc-regtest") -> Ledger:
        return ledger_of((_line(line) for line in text.strip().splitlines()), alias)

    return read


@pytest.fixture(scope="session")
def real_ledger() -> Callable[..., Ledger]:
    """Return a maker of ledgers: of ``(txid, [(value, script)] or None, [(value, script)])``."""

    def make(rows: Iterable[tuple[bytes, Any, Any]], alias: str = "btc") -> Ledger:
        return ledger_of(
            (
                Written(txid, None if spent is None else [Spent(*item) for item in spent], paid)
                for txid, spent, paid in rows
            ),
            alias,
        )

    return make


@pytest.fixture(scope="session")
def named() -> Callable[[str], bytes]:
    """Return what turns the name of an address into its bytes."""
    return address_named


@pytest.fixture(scope="session")
def txid() -> Callable[[str], bytes]:
    """Return what turns the name of a transaction into its id."""
    return txid_named


@pytest.fixture(scope="session")
def maker() -> ModuleType:
    """Return the module that makes blocks for tests."""
    return regtest_chain


@pytest.fixture(scope="session")
def short_chain() -> list[bytes]:
    """Return genesis and eleven blocks, some with spends and witnesses."""
    return regtest_chain.Chain().grow(11).blocks


@pytest.fixture
def put(tmp_path: Path) -> Callable[..., Path]:
    """Return a writer of files: ``put(name, data)`` gives the path."""

    def write(name: str, data: bytes) -> Path:
        path = tmp_path / name
        path.write_bytes(data)
        return path

    return write


@pytest.fixture
def branches() -> tuple[list[bytes], list[bytes]]:
    """Return two branches above height 8; the second is longer and pays one block later."""
    base = regtest_chain.Chain().grow(8)
    txid, n, value = base.coins[0]
    pay = regtest_chain.spend(
        [(txid, n)], [(1_000, regtest_chain.p2pkh(200)), (value - 1_000, regtest_chain.p2pkh(9))]
    )
    one, two = (regtest_chain.Chain(list(base.blocks), list(base.coins)) for _ in range(2))
    one.add([pay])
    one.add()
    two.add(tail=b"\0two")
    two.add([pay], tail=b"\0two")
    two.add(tail=b"\0two")
    return one.blocks, two.blocks
