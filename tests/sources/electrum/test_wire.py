"""The line to an Electrum server: one pace for a host, TLS with strangers, nothing left open."""

from __future__ import annotations

import math
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
import stamina
from module_of import module_of

from chainwatch.errors import ChainwatchError, InputError, NoAnswer, SourceError
from chainwatch.net import rate_limit, tls
from chainwatch.net.policy import use_network
from chainwatch.sources.electrum import wire as wire_module
from chainwatch.sources.electrum.messages import Question
from chainwatch.sources.electrum.source import Electrum
from chainwatch.sources.electrum.wire import ElectrumWire

CHAIN = "btc-regtest"
TIP = Question("blockchain.headers.subscribe")


made = module_of("sources/electrum/test_electrum")
electrum: Callable[..., Electrum] = made.electrum


@pytest.fixture
def server(short_chain: list[bytes], maker: ModuleType) -> Iterator[Any]:
    with made.served(made.FakeElectrum(short_chain, maker)) as running:
        yield running


def wire(port: int, **options: Any) -> ElectrumWire:
    given = {"source": "test", "own": True, "timeout": 5.0, "attempts": 1, **options}
    return ElectrumWire("127.0.0.1", port, **given)


# The pace ------------------------------------------------------------------------------------


def test_two_sources_keep_one_pace_with_a_host(
    server: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    slept: list[float] = []
    clock = SimpleNamespace(monotonic=lambda: 0.0, sleep=slept.append)
    monkeypatch.setattr(rate_limit, "time", clock)
    monkeypatch.setattr(rate_limit, "_paces", {})
    for _ in range(2):
        with wire(server.port, per_second=50) as line:
            line.ask([TIP])  # two questions: the version comes before it
    assert slept == pytest.approx([1 / 50, 2 / 50, 3 / 50])


@pytest.mark.parametrize("rate", [0, -1, math.nan])
def test_paces_that_are_none(rate: float) -> None:
    with pytest.raises(InputError, match="is no pace; give a number above 0"):
        Electrum("127.0.0.1", 1, chain=CHAIN, per_second=rate)


# TLS -----------------------------------------------------------------------------------------


@contextmanager
def listening() -> Iterator[tuple[int, list[bytes]]]:
    """Yield a port that hangs up after the first byte, and the bytes that came."""
    got: list[bytes] = []

    def accept() -> None:
        while True:
            line, _ = listener.accept()
            with line:
                first = line.recv(1)
                if not first:
                    return
                got.append(first)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=accept)
        thread.start()
        port = listener.getsockname()[1]
        try:
            yield port, got
        finally:
            socket.create_connection(("127.0.0.1", port)).close()
            thread.join()


TLS, CLEAR = b"\x16", b"{"
"""The first byte of a handshake, and that of a question in JSON."""


@pytest.mark.parametrize(
    ("options", "first"),
    [
        ({"own": False}, TLS),
        ({"own": False, "tls": True}, TLS),
        ({"own": False, "tls": False}, CLEAR),
        ({"own": True}, CLEAR),
        ({"own": True, "tls": True}, TLS),
        ({"own": True, "fingerprint": "ab" * 32}, TLS),
        ({}, CLEAR),
    ],
)
def test_strangers_are_asked_under_tls(options: dict[str, Any], first: bytes) -> None:
    """One's own host is not, unless asked for; the host alone tells that it is one's own."""
    with listening() as (port, got), use_network(allow_private=True):
        source = Electrum("127.0.0.1", port, chain=CHAIN, attempts=1, timeout=5, **options)
        with pytest.raises(NoAnswer):
            list(source.batches(made.Empty()))
    assert got == [first]


def test_a_fingerprint_and_no_tls() -> None:
    with pytest.raises(InputError, match=r"shows no certificate.*leave out one of the two"):
        Electrum("example.org", 50001, chain=CHAIN, tls=False, fingerprint="ab" * 32)


def test_a_port_without_tls_is_named(server: Any) -> None:
    with pytest.raises(NoAnswer, match=r"no TLS connection.*the port is the one for TLS"):
        list(electrum(server, tls=True, attempts=1, timeout=1).batches(made.Empty()))


# What is opened is closed --------------------------------------------------------------------


class Gone(socket.socket):
    """A connection whose other end went away before anything was asked of it."""

    def getpeername(self) -> Any:
        raise OSError(107, "Transport endpoint is not connected")


def opened_as(kind: type[socket.socket], monkeypatch: pytest.MonkeyPatch) -> list[socket.socket]:
    """Make the first connection one of a kind; return all, as they are opened."""
    lines: list[socket.socket] = []
    make = socket.create_connection

    def create(*given: Any, **more: Any) -> socket.socket:
        line = make(*given, **more)
        lines.append(line if lines else kind(fileno=line.detach()))
        return lines[-1]

    monkeypatch.setattr(socket, "create_connection", create)
    return lines


def test_a_server_that_is_gone_at_once_is_asked_again(
    server: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = opened_as(Gone, monkeypatch)
    with wire(server.port, attempts=2) as line:
        assert line.ask([TIP])[0].value["height"] == len(server.blocks) - 1
    assert [item.fileno() for item in opened] == [-1, -1]


def test_a_server_that_is_gone_is_no_answer(server: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    opened = opened_as(Gone, monkeypatch)
    line = wire(server.port)
    with (
        stamina.set_testing(True, attempts=1, cap=True),
        pytest.raises(NoAnswer, match=r"broke off \(Transport endpoint is not connected\)"),
    ):
        line.ask([TIP])
    assert [item.fileno() for item in opened] == [-1]


@pytest.mark.parametrize("how", ["no TLS", "no context", "another certificate"])
def test_a_connection_that_comes_to_nothing_is_closed(
    how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = opened_as(socket.socket, monkeypatch)
    under: list[SimpleNamespace] = []

    def refuse(fingerprint: str | None) -> Any:
        if how == "no context":
            raise MemoryError
        closed = SimpleNamespace(shut=False)
        closed.close = lambda: setattr(closed, "shut", True)
        closed.getpeercert = lambda **_: b"of somebody else"
        under.append(closed)
        return SimpleNamespace(wrap_socket=lambda *_, **__: closed)

    if how != "no TLS":
        monkeypatch.setattr(tls, "_context", refuse)
    with listening() as (port, _), wire(port, fingerprint="ab" * 32) as line:
        with pytest.raises((SourceError, MemoryError)):
            line.ask([TIP])
        assert [item.fileno() for item in opened] == [-1]
        assert [one.shut for one in under] == [True] * (how == "another certificate")


# Remedies ------------------------------------------------------------------------------------


def test_every_refusal_says_what_can_be_done(server: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wire_module, "_MOST_NOTICES", 5)
    monkeypatch.setattr(wire_module, "LONGEST_LINE", 70_000)
    notice = b'{"method": "x", "params": []}\n'
    faults: dict[str, tuple[str, Any]] = {
        "a height that is none": (TIP.method, lambda reply: reply.result.update(height=-1)),
        "notices and no answer": (TIP.method, made.put_in(line=notice * 9)),
        "the answer is longer than": (TIP.method, made.put_in(line=b"9" * 300_000)),
        "history is no list": ("blockchain.scripthash.get_history", made.result({})),
        "which version": ("server.version", made.result([])),
    }
    for words, (method, spoil) in faults.items():
        made.once(server, method, spoil, 1)
        with pytest.raises(SourceError, match=words) as caught:
            list(electrum(server).batches(made.Empty()))
        assert caught.value.remedy, words
        assert caught.value.where, words


def test_every_wrong_parameter_says_what_is_right() -> None:
    wrong: list[dict[str, Any]] = [
        {"scripts": [b""]}, {"scripts": [b"\x51" * 10_001]}, {"max_transactions": 0},
        {"per_second": 0}, {"fingerprint": "ab"}, {"fingerprint": "ab" * 32, "tls": False},
    ]  # fmt: skip
    for options in wrong:
        with pytest.raises(InputError) as caught:
            Electrum("127.0.0.1", 1, chain=CHAIN, **options)
        assert caught.value.remedy, options


def test_a_server_that_cannot_be_reached_says_what_to_check() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with (
        stamina.set_testing(True, attempts=1, cap=True),
        pytest.raises(ChainwatchError, match="check that it runs and that the port is right"),
    ):
        wire(port).ask([TIP])
