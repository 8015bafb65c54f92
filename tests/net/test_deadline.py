"""Answers that never end over HTTP: each exchange has its time, whatever trickles in."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from chainwatch.errors import NoAnswer, SourceError
from chainwatch.net import response
from chainwatch.net.client import Client

Serve = Callable[[Callable[[socket.socket], None]], int]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Return what serves one connection after the other on loopback, until the test ends."""
    listening = socket.create_server(("127.0.0.1", 0))
    over = threading.Event()

    def start(answer: Callable[[socket.socket], None]) -> int:
        def loop() -> None:
            while not over.is_set():
                try:
                    line, _ = listening.accept()
                    with line:
                        line.recv(65_536)
                        while not over.is_set():
                            answer(line)
                except OSError:
                    continue

        threading.Thread(target=loop, daemon=True).start()
        return int(listening.getsockname()[1])

    yield start
    over.set()
    listening.close()


def interim(line: socket.socket) -> None:
    line.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
    time.sleep(0.01)


def trickle(line: socket.socket) -> None:
    line.sendall(b"HTTP/1.1 200 OK\r\nx: ")
    while True:  # until the client has gone
        line.sendall(b"a")
        time.sleep(0.01)


@pytest.mark.parametrize("answer", [interim, trickle])
def test_headers_without_end_are_ended(
    serve: Serve, answer: Callable[[socket.socket], None]
) -> None:
    client = Client(
        f"http://127.0.0.1:{serve(answer)}", source="test", own=True, timeout=0.1, attempts=1
    )
    began = time.monotonic()
    with client, pytest.raises(NoAnswer, match=r"broke off|in time"):
        client.get("/")
    assert time.monotonic() - began < 5


def test_many_small_values_are_refused_before_they_are_made(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(response, "MOST_VALUES", 9)
    assert response.value_of(b"[1, 2, 3, 4, 5, 6, 7, 8]", "json", "here") == [*range(1, 9)]
    for body in (b"[" + b"[]," * 5 + b"[]]", b'{"a":{"b":{}},"c":[1,2,3,4,5,6]}'):
        with pytest.raises(SourceError, match="more than 9 values at here; check"):
            response.value_of(body, "json", "here")
