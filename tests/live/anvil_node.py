"""A development node of Ethereum as a process on loopback, asked with nothing of chainwatch.

``CHAINWATCH_ANVIL`` names the folder into which npm installed ``@foundry-rs/anvil``; without it
the tests that need it skip and say so. The node is ended by whoever started it.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from evm_contracts import (
    BATCH_SENDER,
    CALLS_AND_GOES_ON,
    COUNTERFEIT,
    CREATES,
    ENDS,
    ERC20,
    SENDS_AND_FAILS,
    deployed,
)

MINER = "0x" + "c0" * 20
PAY, HELD = "0xa9059cbb", "0x70a08231"


def word(value: int | str) -> str:
    return f"{value:064x}" if isinstance(value, int) else value[2:].lower().rjust(64, "0")


def selector(signature: str) -> str:
    from eth_hash.auto import keccak

    return "0x" + keccak(signature.encode())[:4].hex()


@dataclass
class Anvil:
    """A running node."""

    port: int
    process: subprocess.Popen[bytes]
    mines: bool = True

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def __call__(self, method: str, *params: Any) -> Any:
        body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).encode()
        request = urllib.request.Request(self.url, body, {"content-type": "application/json"})  # noqa: S310
        with urllib.request.urlopen(request, timeout=30) as reply:  # noqa: S310
            answer = json.loads(reply.read())
        assert "error" not in answer, (method, answer["error"])
        return answer["result"]

    @property
    def height(self) -> int:
        return int(self("eth_blockNumber"), 16)

    def send(self, sender: str, to: str | None, data: str = "0x", value: int = 0) -> str:
        """Send a transaction, whether it will fail or not; return its id."""
        tx = {"from": sender, "data": data, "value": hex(value), "gas": hex(2_000_000)}
        name = str(self("eth_sendTransaction", tx | ({"to": to} if to else {})))
        while self.mines and self("eth_getTransactionReceipt", name) is None:
            time.sleep(0.01)  # it is mined a moment later
        return name

    def deploy(self, sender: str, code: str) -> str:
        receipt = self("eth_getTransactionReceipt", self.send(sender, None, code))
        assert receipt["status"] == "0x1"
        return str(receipt["contractAddress"])

    def coins(self, address: str, height: int) -> int:
        return int(self("eth_getBalance", address, hex(height)), 16)

    def tokens(self, token: str, address: str, height: int) -> int:
        call = {"to": token, "data": HELD + word(address)}
        return int(self("eth_call", call, hex(height)), 16)


@contextmanager
def running(folder: Path, *more: str) -> Iterator[Anvil]:
    """Start a node, and end it: ``folder`` keeps its words, ``more`` are options of its own."""
    place = os.environ.get("CHAINWATCH_ANVIL")
    if not place:
        pytest.skip("CHAINWATCH_ANVIL is not set: this test needs a development node")
    found = sorted(Path(place).glob("node_modules/@foundry-rs/anvil-*/bin/anvil"))
    if not found:
        pytest.fail(f"CHAINWATCH_ANVIL names no folder with @foundry-rs/anvil: {place}")
    words = folder / "stdout.txt"
    with words.open("wb") as log:
        # It takes a port that is free and says which: one that was free a moment ago may not be.
        command = [str(found[0]), "--port", "0", "--host", "127.0.0.1", *more]
        process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT)
    try:
        yield Anvil(_port(process, words), process)
    finally:
        process.terminate()
        process.wait(10)


def _port(process: subprocess.Popen[bytes], words: Path) -> int:
    """Return the port at which the node listens, once it does."""
    for _ in range(600):
        if said := re.search(r"^Listening on 127\.0\.0\.1:(\d+)$", words.read_text(), re.MULTILINE):
            return int(said[1])
        assert process.poll() is None, f"anvil ended: {words.read_text()[-500:]}"
        time.sleep(0.1)
    pytest.fail("anvil did not listen within 60 s")


def busy(node: Anvil, people: list[str]) -> tuple[str, str]:
    """Let everything happen that moves coins and tokens; return a token and a counterfeit."""
    a, b, c, d, e = people[:5]
    token = node.deploy(a, ERC20)
    fake, fails, goes_on, batch, ends, creates = (
        node.deploy(b, deployed(code))
        for code in (COUNTERFEIT, SENDS_AND_FAILS, CALLS_AND_GOES_ON, BATCH_SENDER, ENDS, CREATES)
    )
    node.send(a, token, PAY + word(b) + word(5_000))
    node.send(b, token, PAY + word(c) + word(1_234))
    node.send(c, token, PAY + word(d) + word(10**20))  # more than there is: it fails
    node.send(a, token, selector("split(address,address)") + word(c) + word(d), 10**18 + 1)
    node.send(c, fails, "0x" + word(d), 777)
    node.send(c, goes_on, "0x" + word(fails) + word(d), 888)
    node.send(d, batch, "0x" + word(a) + word(b) + word("0x" + "ab" * 20), 10_000)
    node.send(d, ends, "0x" + word(e), 4_321)
    node.send(e, creates, "0x", 55)
    node.send(e, fake, "0x" + word(a) + word(b) + word(10**15))
    node.send(e, fake, "0x" + word(a) + word(b) + word(2**255))
    node.mines = False
    node("evm_setAutomine", False)
    for k in range(6):
        node.send(people[k], people[9 - k], "0x", 10**15 + k)
    node.send(b, token, PAY + word(e) + word(66))
    node("evm_mine")
    node("evm_setAutomine", True)
    node.mines = True
    node("evm_mine")
    return token, fake
