"""The sources of a case file: several in one ledger, a ledger as it is, and servers by leave."""

from __future__ import annotations

import hashlib
import json
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import regtest_chain
import stamina
from module_of import module_of

from chainwatch.addresses import canonical
from chainwatch.addresses.scripts import classify
from chainwatch.case.recipes.run import run_case
from chainwatch.errors import CaseError, InputError, NetworkRefused
from chainwatch.ingest.protocol import Batch, Reader
from chainwatch.ingest.pull import pull
from chainwatch.ledger.ledger import open_ledger
from chainwatch.net.policy import use_network
from chainwatch.sources import catalogue, register
from chainwatch.sources.block_files import BlockFiles

CHAIN = "btc-regtest"

HEAD = """
[case]
name = "mixed"
title = "A case of many sources"
question = "Where to?"
[subjects]
chain = "btc-regtest"
addresses = ["SUBJECT"]
"""

BLOCKS = f'[[sources]]\nkind = "block-files"\npaths = ["b.dat"]\nchain = "{CHAIN}"\n'

TRANSFERS = """
[[sources]]
kind = "transfers"
path = "t.csv"
[sources.mapping]
chain = "tron"
kind = "trc20"
source = "a small file"
txid = "tx"
time = "time"
time_unit = "s"
sender = "from"
receiver = "to"
amount = "amount"
contract = "token"
"""

Serve = Callable[[], Any]


def subject(number: int = 1) -> str:
    return canonical.text(classify(regtest_chain.p2pkh(number)).address or b"", CHAIN)


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a data folder with a chain of twelve blocks and a table of one transfer."""
    monkeypatch.delenv("CHAINWATCH_DATA", raising=False)
    folder = tmp_path / "data"
    folder.mkdir()
    (folder / "b.dat").write_bytes(regtest_chain.framed(*chain()))
    a, b, token = (canonical.text(b"\x11" + bytes([k]) * 20, "tron") for k in range(3))
    row = f"{1:064x},1700000000,{a},{b},5,{token}"
    (folder / "t.csv").write_text(f"tx,time,from,to,amount,token\n{row}\n")
    return folder


def chain() -> list[bytes]:
    blocks: list[bytes] = regtest_chain.Chain().grow(11).blocks
    return blocks


def case_of(data: Path, *sources: str) -> Path:
    (data / "mixed.toml").write_text(HEAD.replace("SUBJECT", subject()) + "\n".join(sources))
    return data / "mixed.toml"


def files_of(folder: Path) -> dict[str, tuple[int, str]]:
    return {
        item.relative_to(folder).as_posix(): (
            item.stat().st_mtime_ns, hashlib.sha256(item.read_bytes()).hexdigest()
        )
        for item in sorted(folder.rglob("*")) if item.is_file()
    }  # fmt: skip


@contextmanager
def electrum() -> Iterator[Any]:
    tests = module_of("sources/electrum/test_electrum")
    with (
        tests.served(tests.FakeElectrum(chain(), regtest_chain)) as server,
        stamina.set_testing(True, attempts=2, cap=True),
    ):
        yield server


def electrum_table(port: int, *more: str) -> str:
    lines = ['[[sources]]\nkind = "electrum"\nhost = "127.0.0.1"', f"port = {port}"]
    return "\n".join([*lines, f'chain = "{CHAIN}"', *more]) + "\n"


def test_several_sources_in_one_ledger(data: Path, tmp_path: Path) -> None:
    said: list[str] = []
    case = case_of(data, BLOCKS, TRANSFERS)
    report = run_case(case, tmp_path / "out", say=said.append)
    assert said[:2] == ["reading b.dat", "reading t.csv"]
    assert len(report.pulls) == 2
    ledger = open_ledger(tmp_path / "out" / "ledger")
    assert ledger.blocks.collect().height == 12
    assert ledger.transfers.collect()["amount"].to_list() == [5]
    assert {found.id for found in ledger.chains} >= {"tron:0x2b6653dc"}
    assert not (tmp_path / "out.disclosures.jsonl").exists()


def test_a_ledger_is_used_as_it_is(data: Path, tmp_path: Path) -> None:
    pull(data / "books" / "l", BlockFiles(data / "b.dat", CHAIN))
    before = files_of(data / "books")
    case = case_of(data, '[[sources]]\nkind = "ledger"\npath = "books/l"\n')
    said: list[str] = []
    report = run_case(case, tmp_path / "out", say=said.append)
    assert said[0] == "opening books/l"
    assert report.pulls == ()
    assert files_of(data / "books") == before
    assert not (tmp_path / "out" / "ledger").exists()
    for path, fault in (
        ("../l", "inside the data folder"),
        ("nowhere", "no file or folder 'nowhere'"),
    ):
        case = case_of(data, f'[[sources]]\nkind = "ledger"\npath = "{path}"\n')
        with pytest.raises(Exception, match=fault):
            run_case(case, tmp_path / "two")
    assert not (data / "nowhere").exists()


@pytest.mark.parametrize(
    "table",
    [
        BLOCKS.replace("b.dat", "../b.dat"),
        TRANSFERS.replace("t.csv", "/etc/hostname"),
        '[[sources]]\nkind = "node-folder"\npath = "/root"\n',
        '[[sources]]\nkind = "etl"\ntransactions = ["b.dat"]\nblocks = ["../../x"]\n',
        '[[sources]]\nkind = "rpc"\ncookie = "../.cookie"\n',
        '[[sources]]\nkind = "electrum"\nhost = "127.0.0.1"\nport = 1\naddresses_file = "../x"\n',
        '[[sources]]\nkind = "electrum"\nhost = "127.0.0.1"\nport = 1\nxpub_file = "/x"\n',
    ],
)
def test_no_path_leads_out_of_the_data_folder(data: Path, tmp_path: Path, table: str) -> None:
    case = case_of(data, table)
    with pytest.raises(InputError, match="inside the data folder"):
        run_case(case, tmp_path / "out", only_hosts=["127.0.0.1"])
    assert not (tmp_path / "out").exists()


SERVERS = {
    'kind = "electrum"\nhost = "E.example."\nport = 50002': "e.example:50002 (electrum)",
    'kind = "esplora"\nurl = "https://e.example/api"\nspan = "5:9"': "e.example:443 (esplora)",
    'kind = "rest"\nurl = "http://[2001:db8::1]:80"': "[2001:db8::1]:80 (rest)",
    'kind = "rpc"': "127.0.0.1:8332 (rpc)",
    'kind = "bitcoinlib"\nendpoint_url = "https://e.example"\naddresses = ["x"]\n'
    'api_key = "env:CHAINWATCH_SECRET_K"': (
        "e.example:443 (bitcoinlib, with env:CHAINWATCH_SECRET_K)"
    ),
}


@pytest.mark.parametrize(("table", "host"), SERVERS.items())
def test_nobody_is_asked_without_leave(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, table: str, host: str
) -> None:
    """The error names who would be asked, what they would be sent, and how to allow it."""

    def opened(*_: Any, **__: Any) -> Any:
        raise AssertionError("a socket was opened")

    monkeypatch.setattr(socket, "socket", opened)
    monkeypatch.setattr(socket, "getaddrinfo", opened)
    case = case_of(data, BLOCKS, f"[[sources]]\n{table}\n")
    name = host.partition(" ")[0]
    for given in ({}, {"only_hosts": ["other.example"]}, {"only_hosts": ["other.example", "b"]}):
        with pytest.raises(CaseError) as caught:
            run_case(case, tmp_path / "out", **given)
        assert f"would ask {host}, for which it has no leave" in str(caught.value)
        assert f"--only-hosts {name}" in str(caught.value)
        assert ("--online" in str(caught.value)) == (not given)
    assert sorted(item.name for item in tmp_path.iterdir()) == ["data"]


def test_a_private_host_must_be_named(data: Path, tmp_path: Path) -> None:
    """A stranger's case file points at no machine of one's own network, whatever is allowed."""
    for table in (
        'kind = "rest"\nurl = "http://192.168.1.1"',
        'kind = "rest"\nurl = "http://localhost:8332"',
        'kind = "rest"\nurl = "http://e.example"\nown = true',
    ):
        with pytest.raises(CaseError, match="no leave"):
            run_case(case_of(data, f"[[sources]]\n{table}\n"), tmp_path / "out", online=True)


def test_a_host_that_was_named_is_asked(data: Path, tmp_path: Path) -> None:
    (data / "seized.txt").write_text(f"{subject(12)}  # another\n")
    with electrum() as server:
        more = [f'addresses = ["{subject()}"]', 'addresses_file = "seized.txt"']
        case = case_of(data, electrum_table(server.port, *more))
        report = run_case(case, tmp_path / "out", only_hosts=[f"127.0.0.1:{server.port}"])
    ledger = open_ledger(tmp_path / "out" / "ledger")
    assert ledger.coverage.collect()["address"].drop_nulls().n_unique() == 2
    assert len(report.pulls) == 1
    assert not (tmp_path / "out.disclosures.jsonl").exists()  # one's own machine is no third party


def test_what_third_parties_are_asked_stands_beside_the_folder(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("93.184.216.34", 50001))]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)

    def unreachable(*_: Any, **__: Any) -> Any:
        raise OSError(113, "No route to host")

    monkeypatch.setattr(socket, "create_connection", unreachable)
    table = electrum_table(50001, f'addresses = ["{subject()}"]').replace("127.0.0.1", "e.example")
    for at, given in enumerate(({"online": True}, {"only_hosts": "e.example"})):
        with (
            pytest.raises(InputError, match="No route to host"),
            stamina.set_testing(True, attempts=1),
        ):
            run_case(case_of(data, table), tmp_path / f"out{at}", **given)
        lines = (tmp_path / f"out{at}.disclosures.jsonl").read_text().splitlines()
        assert {json.loads(line)["host"] for line in lines} == {"e.example"}
        assert not (tmp_path / f"out{at}").exists()


def test_nothing_to_read_is_an_error(data: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="nothing to read was named; give addresses or scripts"):
        run_case(case_of(data, electrum_table(1)), tmp_path / "out", only_hosts=["127.0.0.1"])


class Talker:
    """A source that asks somebody and does not say whom.

    Parameters
    ----------
    host : str
        Somebody.
    """

    name, chain = "talker", "bip122:0f9188f13cb7b2c71f2a335e3a4fc328"

    def __init__(self, host: str) -> None:
        self.host = host

    def batches(self, reader: Reader) -> Iterator[Batch]:
        """Ask without having said so."""
        from chainwatch.net.policy import network

        network().permit(self.host, 80, "x", self.name, look_up=False)
        yield from ()


def test_a_source_that_does_not_say_whom_it_asks(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is held to the leave all the same: the policy is in force while it reads."""
    monkeypatch.setattr(catalogue, "REGISTERED", {})
    register("talker", Talker, "Ask somebody.")
    case = case_of(data, BLOCKS, '[[sources]]\nkind = "talker"\nhost = "e.example"\n')
    with pytest.raises(CaseError) as caught:
        run_case(case, tmp_path / "out")
    assert str(caught.value) == (
        "talker was about to ask e.example:80, and a case file asks nobody without leave; if it "
        "may be asked, name it with --only-hosts HOST."
    )
    with pytest.raises(NetworkRefused, match="not among the hosts named"):
        run_case(case, tmp_path / "out", only_hosts=["other.example"])
    run_case(case, tmp_path / "out", only_hosts=["e.example"])
    with use_network(offline=True), pytest.raises(NetworkRefused, match="offline"):
        run_case(case, tmp_path / "two", only_hosts=["e.example"])
