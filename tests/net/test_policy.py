"""No connection without leave: offline, hosts that were not named, private addresses, the log."""

from __future__ import annotations

import json
import socket
import stat
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import Future
from contextvars import copy_context
from pathlib import Path
from typing import TypeVar

import pytest

from chainwatch.errors import NetworkRefused, NoAnswer
from chainwatch.net.audit_log import LONGEST_ASKED, DisclosureLog
from chainwatch.net.policy import (
    Network,
    is_own_host,
    is_private,
    network,
    use_network,
)

PUBLIC = "93.184.216.34"
T = TypeVar("T")


def nowhere(host: str, port: int) -> tuple[str, ...]:
    raise AssertionError(f"{host} was looked up")


def at(*addresses: str):  # type: ignore[no-untyped-def]
    return lambda host, port: addresses


def lines(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


@pytest.mark.parametrize(
    "address",
    ["127.0.0.1", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1",
     "0.0.0.1", "255.255.255.255", "224.0.0.1", "240.0.0.1", "::1", "::", "fe80::1%eth0", "fec0::1",
     "fc00::1", "ff02::1", "::ffff:10.0.0.1", "::ffff:127.0.0.1", "2002:a00:1::1",
     "64:ff9b::a9fe:a9fe", "2001:db8::1"],
)  # fmt: skip
def test_private_addresses(address: str, tmp_path: Path) -> None:
    assert is_private(address)
    with (
        use_network(log_file=tmp_path / "log", resolve=at(address)) as policy,
        pytest.raises(NetworkRefused, match="a private address; say own=True"),
    ):
        policy.permit("explorer.example", 443, "GET /", "esplora")
    assert not (tmp_path / "log").exists()


@pytest.mark.parametrize("address", [PUBLIC, "8.8.8.8", "2606:4700::1111", "::ffff:8.8.8.8"])
def test_public_addresses(address: str) -> None:
    assert not is_private(address)


@pytest.mark.parametrize(
    ("host", "own"),
    [("127.0.0.1", True), ("[::1]", True), ("LOCALHOST.", True), ("10.1.2.3", True),
     ("node.localhost", True), ("explorer.example", False), (PUBLIC, False)],
)  # fmt: skip
def test_own_hosts(host: str, own: bool) -> None:
    assert is_own_host(host) is own


def test_one_private_address_among_public_ones_is_enough(tmp_path: Path) -> None:
    with (
        use_network(log_file=tmp_path / "log", resolve=at(PUBLIC, "10.0.0.1")) as policy,
        pytest.raises(NetworkRefused, match=r"which is at 10\.0\.0\.1"),
    ):
        policy.permit("explorer.example", 443, "GET /", "esplora")


def test_offline_refuses_before_a_name_is_looked_up(tmp_path: Path) -> None:
    with use_network(offline=True, log_file=tmp_path / "log", resolve=nowhere):
        for host in ("explorer.example", "127.0.0.1", "localhost"):
            with pytest.raises(NetworkRefused, match="chainwatch is offline"):
                network().permit(host, 443, "GET /", "esplora", own=True)
    assert not (tmp_path / "log").exists()


def test_only_hosts(tmp_path: Path) -> None:
    with use_network(
        only_hosts=["explorer.example", "node.example:8332"], log_file=tmp_path / "log",
        resolve=at(PUBLIC),
    ) as policy:  # fmt: skip
        assert policy.permit("Explorer.Example.", 443, "q", "esplora") == (PUBLIC,)
        assert policy.permit("node.example", 8332, "q", "esplora") == (PUBLIC,)
        for host, port in (("node.example", 80), ("evil.example", 443), ("a.explorer.example", 1)):
            with pytest.raises(NetworkRefused, match="not among the hosts named"):
                policy.permit(host, port, "q", "esplora")


def test_limits_only_tighten_inside() -> None:
    before = network()
    with use_network(offline=True), use_network(offline=False) as inner:
        assert inner.offline
    with use_network(only_hosts=["a", "b"]), use_network(only_hosts=["b", "c"]) as inner:
        assert inner.only_hosts == ("b",)
        with use_network(only_hosts=["z"]) as none:
            assert none.offline
    with use_network(only_hosts=[]) as all_hosts:
        assert not all_hosts.offline
    assert network() == before


def test_leave_for_ones_own_host_and_for_private_ones(tmp_path: Path) -> None:
    with use_network(log_file=tmp_path / "log", resolve=at("10.0.0.1")) as policy:
        assert policy.permit("node.lan", 8332, "q", "rpc", own=True) == ("10.0.0.1",)
    with use_network(allow_private=True, log_file=tmp_path / "log", resolve=at("10.0.0.1")) as p:
        assert p.permit("node.lan", 8332, "q", "rpc") == ("10.0.0.1",)
    assert not (tmp_path / "log").exists()  # one's own machine is no third party


def test_known_addresses_are_judged_again_and_not_looked_up(tmp_path: Path) -> None:
    with use_network(log_file=tmp_path / "log", resolve=nowhere) as policy:
        assert policy.permit("explorer.example", 443, "q", "s", known=[PUBLIC]) == (PUBLIC,)
        with pytest.raises(NetworkRefused, match="private"):
            policy.permit("explorer.example", 443, "q", "s", known=["10.0.0.1"])


def test_the_log_says_who_was_asked_what_and_when(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "log.jsonl"
    with use_network(log_file=path, resolve=at(PUBLIC)) as policy:
        policy.permit("explorer.example", 443, "GET /address/bc1q\n\x1b[2J", "esplora")
        policy.permit("explorer.example", 443, "x" * 5_000, "esplora")
    first, *rest = lines(path)
    assert list(first) == ["time", "host", "port", "asked", "source"]
    assert (first["host"], first["port"], first["source"]) == ("explorer.example", 443, "esplora")
    assert first["asked"] == "GET /address/bc1q ‹U+001B›[2J"
    assert str(first["time"]).endswith("+00:00")
    told = [str(line["asked"]) for line in rest]
    assert max(map(len, told)) <= LONGEST_ASKED
    assert told[0].endswith("x ...")
    assert told[-1].startswith("... x")
    assert "".join(told).count("x") == 5_000
    if sys.platform != "win32":
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_long_question_is_logged_whole(tmp_path: Path) -> None:
    ids = [f"{number:064x}" for number in range(500)]
    with use_network(log_file=tmp_path / "log", resolve=at(PUBLIC)) as policy:
        policy.permit("node.example", 443, f"POST / getrawtransaction x 500: {' '.join(ids)}", "r")
    told = [str(line["asked"]) for line in lines(tmp_path / "log")]
    assert max(map(len, told)) <= LONGEST_ASKED
    assert [word for words in told for word in words.split() if len(word) == 64] == ids


def test_without_a_log_nothing_is_asked(tmp_path: Path) -> None:
    (tmp_path / "log").mkdir()
    with (
        use_network(log_file=tmp_path / "log", resolve=at(PUBLIC)) as policy,
        pytest.raises(NetworkRefused, match="disclosure log cannot be written"),
    ):
        policy.permit("explorer.example", 443, "q", "esplora")


def test_the_log_has_a_place_of_its_own() -> None:
    assert DisclosureLog().file.name == "disclosures.jsonl"


@pytest.mark.parametrize("found", [(), None])
def test_a_name_without_address(found: tuple[str, ...] | None) -> None:
    def resolve(host: str, port: int) -> tuple[str, ...]:
        if found is None:
            raise socket.gaierror(-2, "unknown")
        return found

    with use_network(resolve=resolve) as policy, pytest.raises(NoAnswer, match="no address of"):
        policy.permit("explorer.example", 443, "q", "esplora")


def accept(server: socket.socket) -> None:
    server.accept()[0].close()


def test_connect_goes_to_the_address_that_was_judged() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        thread = threading.Thread(target=accept, args=(server,), daemon=True)
        thread.start()
        with use_network(resolve=at("127.0.0.1")) as policy:
            with policy.connect("node.lan", port, "hello", "electrum", own=True) as line:
                assert line.getpeername() == ("127.0.0.1", port)
            with pytest.raises(NetworkRefused):
                policy.connect("node.lan", port, "hello", "electrum")
        thread.join()
    with use_network() as policy, pytest.raises(NoAnswer, match="reaches no server"):
        policy.connect("127.0.0.1", port, "hello", "electrum", own=True, timeout=2)


OFFLINE = """
import sys
heard = []
sys.addaudithook(lambda event, _: heard.append(event) if event.startswith("socket.") else None)
from chainwatch.errors import NetworkRefused
from chainwatch.ingest.pull import pull
from chainwatch.sources.esplora.source import Esplora
from chainwatch.net.client import Client
from chainwatch.net.policy import network, use_network
with use_network(offline=True):
    for url in ("https://explorer.example/api", "http://127.0.0.1:3000"):
        for deed in (
            lambda: pull(sys.argv[1], Esplora(url, ["1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa"])),
            lambda: Client(url, source="x", own=True).get("/"),
            lambda: network().connect("127.0.0.1", 1, "hello", "electrum", own=True),
        ):
            try:
                deed()
            except NetworkRefused:
                continue
            raise SystemExit("it was let through")
print([event for event in heard if event != "socket.gethostname"])
"""


def test_offline_opens_no_socket(tmp_path: Path) -> None:
    command = [sys.executable, "-c", OFFLINE, str(tmp_path / "ledger")]
    made = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (made.stdout.strip(), made.returncode) == ("[]", 0), made.stderr


# Threads -----------------------------------------------------------------------------------------


def in_thread(deed: Callable[[], T]) -> T:
    """Run a deed in a thread of its own, which begins with an empty context."""
    made: Future[T] = Future()

    def run() -> None:
        try:
            made.set_result(deed())
        except BaseException as error:  # noqa: BLE001  # it is raised again where it is asked for
            made.set_exception(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    return made.result()


def ask(address: str = PUBLIC) -> tuple[str, ...]:
    return network().permit(address, 443, "GET /", "esplora")


def test_each_of_two_threads_has_its_own_log(tmp_path: Path) -> None:
    """The other thread opens its block later and closes it later: the logs stay apart."""
    begun, opened, asked = threading.Event(), threading.Event(), threading.Event()

    def first() -> None:
        with use_network(log_file=tmp_path / "a"):
            begun.set()
            opened.wait(10)
            network().permit(PUBLIC, 443, "address A", "esplora")
        asked.set()

    def second() -> None:
        begun.wait(10)
        with use_network(log_file=tmp_path / "b"):
            opened.set()
            asked.wait(10)
            network().permit(PUBLIC, 443, "address B", "esplora")

    threads = [threading.Thread(target=deed) for deed in (first, second)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [line["asked"] for line in lines(tmp_path / "a")] == ["address A"]
    assert [line["asked"] for line in lines(tmp_path / "b")] == ["address B"]


def test_a_thread_started_inside_is_under_the_same_limits_and_log(tmp_path: Path) -> None:
    with use_network(log_file=tmp_path / "log"):
        assert in_thread(ask) == (PUBLIC,)
        assert len(lines(tmp_path / "log")) == 1
        with use_network(offline=True), pytest.raises(NetworkRefused, match="offline"):
            in_thread(ask)
        with use_network(only_hosts=["a.example"]), pytest.raises(NetworkRefused, match="named"):
            in_thread(ask)

    def wide_open() -> None:
        with use_network(offline=False, only_hosts=[PUBLIC], log_file=tmp_path / "log"):
            ask()

    with use_network(offline=True), pytest.raises(NetworkRefused, match="offline"):
        in_thread(wide_open)
    with use_network(only_hosts=["a.example"]), pytest.raises(NetworkRefused, match="offline"):
        in_thread(wide_open)


def test_limits_of_a_thread_hold_in_the_others_until_its_block_ends(tmp_path: Path) -> None:
    opened, done = threading.Event(), threading.Event()

    def strict() -> None:
        with use_network(offline=True):
            opened.set()
            done.wait(10)

    with use_network(log_file=tmp_path / "log") as policy:
        thread = threading.Thread(target=strict)
        thread.start()
        opened.wait(10)
        for leave in (policy, Network()):
            with pytest.raises(NetworkRefused, match="offline"):
                leave.permit(PUBLIC, 443, "GET /", "esplora")
        done.set()
        thread.join()
        assert ask() == (PUBLIC,)


def test_what_one_thread_may_another_may_not(tmp_path: Path) -> None:
    """Leave for private addresses is not taken over from a thread that is not the main one."""
    opened, done = threading.Event(), threading.Event()

    def lenient() -> None:
        with use_network(allow_private=True, log_file=tmp_path / "a"):
            opened.set()
            done.wait(10)

    def other() -> None:
        with use_network(log_file=tmp_path / "b"):
            ask("10.0.0.1")

    thread = threading.Thread(target=lenient)
    thread.start()
    opened.wait(10)
    try:
        with pytest.raises(NetworkRefused, match="private"):
            in_thread(other)
        with pytest.raises(NetworkRefused, match="private"):
            ask("10.0.0.1")
        with pytest.raises(NetworkRefused, match="several policies are in force"):
            in_thread(ask)
    finally:
        done.set()
        thread.join()


def test_a_copy_of_the_context_takes_the_policy_along(tmp_path: Path) -> None:
    def case(log: Path) -> None:
        with use_network(log_file=log):
            copied = copy_context()
            in_thread(lambda: copied.run(ask))

    in_thread(lambda: case(tmp_path / "a"))
    assert len(lines(tmp_path / "a")) == 1
    with use_network(offline=True):
        copied = copy_context()
    with pytest.raises(NetworkRefused, match="offline"):  # also after the end of the block
        in_thread(lambda: copied.run(ask))


def test_blocks_that_end_out_of_order() -> None:
    before = network()
    outer, inner = use_network(offline=True), use_network(allow_private=True)
    outer.__enter__()
    inner.__enter__()
    outer.__exit__(None, None, None)
    assert network().offline
    inner.__exit__(None, None, None)
    assert network() == before
