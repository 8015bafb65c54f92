"""``chainwatch resolve``: a name asked of a node on loopback, and nobody where it imitates."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx2
import pytest
from module_of import module_of

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
