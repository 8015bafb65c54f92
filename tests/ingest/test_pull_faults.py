"""A pull from a node that meets a full disk or is killed, anywhere, ends in the right ledger."""

from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import ModuleType

import pytest

from chainwatch.ingest.pull import pull
from chainwatch.ledger.checks.check import check
from chainwatch.ledger.ledger import open_ledger
from chainwatch.ledger.storage import delta
from chainwatch.sources.bitcoin_core.rest import BitcoinRest

pytestmark = pytest.mark.fault

BLOCKS, ROWS = 24, 40  # a commit for every few blocks
PLACES = range(1, 82, 4)
"""At which of the fault points that a pull passes it is stopped."""

WORKER = """
import json, os, signal, sys, warnings
warnings.simplefilter("ignore")
import deltalake
from chainwatch.ledger.storage import delta, writer
from chainwatch.ingest.pull import pull
from chainwatch.sources.bitcoin_core.rest import BitcoinRest

for line in iter(sys.stdin.readline, ""):
    folder, url, rows, place = json.loads(line)
    child = os.fork()
    if not child:
        passed = 0
        def fault(point):
            global passed
            passed += 1
            if passed == place:
                os.kill(os.getpid(), signal.SIGKILL)
        delta.fault = fault
        pull(folder, BitcoinRest(url, chain="btc-regtest"), batch_rows=rows)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    print(status, flush=True)
"""


@pytest.fixture(scope="module")
def node(maker: ModuleType) -> Iterator[str]:
    """Serve a made chain over the REST interface of a node, on loopback."""
    blocks = maker.Chain().grow(BLOCKS).blocks
    names = [maker.sha256d(raw[:80])[::-1].hex() for raw in blocks]
    top = len(blocks) - 1
    info = {"blocks": top, "headers": top, "bestblockhash": names[-1], "pruned": False}

    class Rest(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            what, *rest = self.path.removeprefix("/rest/").partition(".")[0].split("/")
            if what == "chaininfo":
                body = json.dumps(info).encode()
            elif what == "blockhashbyheight":
                body = bytes.fromhex(names[int(rest[0])])[::-1]
            elif what == "headers":
                first = names.index(rest[1])
                body = b"".join(raw[:80] for raw in blocks[first : first + int(rest[0])])
            else:
                body = blocks[names.index(rest[0])]
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Rest)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def pulled(folder: Path, url: str) -> dict[str, str]:
    pull(folder, BitcoinRest(url, chain="btc-regtest"), batch_rows=ROWS)
    ledger = open_ledger(folder)
    check(ledger).raise_for_failures()
    return {name: digest for name, digest in ledger.digests().items() if name != "answers"}


@pytest.fixture(scope="module")
def whole(node: str, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    return pulled(tmp_path_factory.mktemp("whole") / "ledger", node)


@pytest.mark.parametrize("place", PLACES)
def test_a_full_disk(
    node: str, whole: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: int
) -> None:
    passed: list[str] = []

    def full(point: str) -> None:
        passed.append(point)
        if len(passed) == place:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(delta, "fault", full)
        with pytest.raises(OSError, match="No space left"):
            pulled(tmp_path / "ledger", node)
    assert len(passed) == place
    if (tmp_path / "ledger").exists() and open_ledger(tmp_path / "ledger").commit is not None:
        check(open_ledger(tmp_path / "ledger")).raise_for_failures()
    assert pulled(tmp_path / "ledger", node) == whole


@pytest.fixture(scope="module")
def worker() -> Iterator[subprocess.Popen[str]]:
    made = subprocess.Popen(
        [sys.executable, "-c", WORKER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    yield made
    made.kill()
    made.communicate()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")
@pytest.mark.parametrize("place", PLACES)
def test_killed(
    node: str, whole: dict[str, str], worker: subprocess.Popen[str], tmp_path: Path, place: int
) -> None:
    assert worker.stdin is not None
    assert worker.stdout is not None
    worker.stdin.write(json.dumps([str(tmp_path / "ledger"), node, ROWS, place]) + "\n")
    worker.stdin.flush()
    status = int(worker.stdout.readline())
    assert os.WIFSIGNALED(status)
    assert os.WTERMSIG(status) == signal.SIGKILL
    assert pulled(tmp_path / "ledger", node) == whole
