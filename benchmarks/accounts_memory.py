"""Pulls of account chains of ten times the length: from a node of EVM, and from a table.

``python -m benchmarks.accounts_memory FOLDER [--blocks N] [--rows N]`` starts a made-up node on
loopback in a process of its own, pulls N blocks of it and ten times as many, and then tables of
token transfers as ethereum-etl writes them, of N rows and ten times as many. Each pull runs in a
fresh process; memory is the peak of anonymous pages, with what the process held before.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import shutil
import subprocess
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from benchmarks.owners import anonymous, watched
from chainwatch.ingest.protocol import Source
from chainwatch.ingest.pull import pull
from chainwatch.net.policy import use_network
from chainwatch.sources.evm.source import EvmBlocks
from chainwatch.sources.tables.source import KnownTable

PAYMENTS, ACCOUNTS = 50, 20_000
"""Transactions of a block, every second of them a transfer of a token; who takes part in all."""

GAS = 21_000
TRANSFER = "0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef"
TOKEN = f"0x{0x70:040x}"
HEAD = "token_address,from_address,to_address,value,transaction_hash,log_index,block_number\n"


def digest(*parts: object) -> str:
    """Return 32 bytes that name something made up."""
    return "0x" + hashlib.sha256(repr(parts).encode()).hexdigest()


def account(number: int) -> str:
    """Return the address of one of those who take part."""
    return f"0x{number % ACCOUNTS + 4096:040x}"


def block(height: int) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Return a block and its receipts as a node gives them."""
    own = digest("block", height)
    at = {"blockHash": own, "blockNumber": hex(height)}
    listed, receipts = [], []
    for place in range(PAYMENTS):
        who, whom = account(height * 31 + place), account(height * 17 + 7 * place + 1)
        name, token, here = digest(height, place), place % 2, {"transactionIndex": hex(place), **at}
        listed.append({
            "hash": name, "from": who, "to": TOKEN if token else whom, "nonce": "0x0",
            "value": hex(0 if token else 10**15 + place), "gasPrice": "0x5", "type": "0x2",
            "chainId": "0x7a69", "input": "0x", **here,
        })  # fmt: skip
        logs = [{
            "address": TOKEN, "topics": [TRANSFER, *(f"0x{one[2:]:0>64}" for one in (who, whom))],
            "data": f"0x{height + place + 1:064x}", "logIndex": hex(place // 2),
            "transactionHash": name, "removed": False, **here,
        }]  # fmt: skip
        receipts.append({
            "transactionHash": name, "from": who, "gasUsed": hex(GAS), "status": "0x1",
            "cumulativeGasUsed": hex(GAS * (place + 1)), "effectiveGasPrice": "0x5",
            "contractAddress": None, "logs": logs if token else [], **here,
        })  # fmt: skip
    made = {
        "number": hex(height), "hash": own, "parentHash": digest("block", height - 1),
        "miner": account(0), "timestamp": hex(1_700_000_000 + 12 * height),
        "gasUsed": hex(GAS * PAYMENTS), "baseFeePerGas": "0x3", "difficulty": "0x0",
        "size": "0x300", "uncles": [], "transactions": listed, "withdrawals": [],
        "blobGasUsed": "0x0",
    }  # fmt: skip
    return made, receipts


def reply(asked: dict[str, Any], tip: int) -> dict[str, Any]:
    """Return the answer to one question."""
    method, params = asked["method"], asked["params"]
    result: Any = None
    if method == "eth_chainId":
        result = "0x7a69"
    elif method == "eth_blockNumber":
        result = hex(tip)
    elif method in ("eth_getBlockByNumber", "eth_getBlockReceipts"):
        made = block(int(params[0], 16))
        result = made[method == "eth_getBlockReceipts"]
        if method == "eth_getBlockByNumber" and not params[1]:
            result = {**made[0], "transactions": [one["hash"] for one in made[0]["transactions"]]}
    else:
        error = {"code": -32601, "message": f"the method {method} does not exist"}
        return {"jsonrpc": "2.0", "id": asked["id"], "error": error}
    return {"jsonrpc": "2.0", "id": asked["id"], "result": result}


def serve(tip: int) -> None:
    """Answer on loopback until the process ends; print the port."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
            many = isinstance(asked, list)
            said = [reply(one, tip) for one in (asked if many else [asked])]
            body = json.dumps(said if many else said[0]).encode()
            self.send_response(200)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    print(server.server_port, flush=True)  # noqa: T201
    server.serve_forever()


def table(path: Path, rows: int) -> None:
    """Write token transfers as ethereum-etl does."""
    with path.open("w") as file:
        file.write(HEAD)
        for n in range(rows):
            height, place = divmod(n, 100)
            file.write(f"{TOKEN},{account(n * 31)},{account(n * 17 + 1)},{n + 1},"
                       f"{digest(height, place)},{place},{17_000_000 + height}\n")  # fmt: skip


def measure(folder: Path, source: Source) -> None:
    """Pull into a new ledger and print one JSON line."""
    shutil.rmtree(folder, ignore_errors=True)
    before, begun, cpu = anonymous(), time.perf_counter(), time.process_time()
    with watched() as most, use_network(log_file=folder.with_suffix(".log")):
        report = pull(folder, source, progress=False)
    found = {
        "wall": time.perf_counter() - begun, "cpu": time.process_time() - cpu, "before": before,
        "peak": most[0], "rows": report.rows("transfers"), "commits": report.commits,
    }  # fmt: skip
    print(json.dumps(found))  # noqa: T201


def _fresh(what: str, *arguments: object) -> None:
    command = [sys.executable, "-m", "benchmarks.accounts_memory", *map(str, arguments)]
    done = subprocess.run(  # noqa: S603  # a command of our own
        command, capture_output=True, text=True, check=True
    )
    found = json.loads(done.stdout.splitlines()[-1])
    print(  # noqa: T201
        f"{what:>20} {found['rows']:10,} transfers {found['commits']:3} commits"
        f" {found['wall']:7.1f} s {found['cpu']:7.1f} s CPU"
        f" {found['before']:5,.0f} MB before {found['peak']:6,.0f} MB peak",
        flush=True,
    )


def main(folder: Path, blocks: int, rows: int) -> None:
    """Measure both lengths of both kinds and print a table."""
    folder.mkdir(parents=True, exist_ok=True)
    serving = [sys.executable, "-m", "benchmarks.accounts_memory", str(folder), "--serve",
               str(10 * blocks + 1)]  # fmt: skip
    with subprocess.Popen(serving, stdout=subprocess.PIPE, text=True) as node:  # noqa: S603
        try:
            port = node.stdout.readline().strip() if node.stdout else ""
            for factor in (1, 10):
                count = blocks * factor
                _fresh(f"{count:,} blocks", folder, "--pull", port, "--blocks", count)
        finally:
            node.terminate()
    for factor in (1, 10):
        _fresh(f"{rows * factor:,} rows", folder, "--table", "--rows", rows * factor)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--blocks", type=int, default=1_000)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--serve", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--pull", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--table", action="store_true", help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.serve:
        serve(chosen.serve)
    elif chosen.pull:
        url = f"http://127.0.0.1:{chosen.pull}"
        span = (1, 1 + chosen.blocks)
        measure(chosen.folder / "blocks", EvmBlocks(url, chain="eth-dev", span=span,
                                                    tracer="none", names=False))  # fmt: skip
    elif chosen.table:
        written = chosen.folder / "token_transfers.csv"
        table(written, chosen.rows)
        measure(chosen.folder / "rows", KnownTable(written, chain="eth"))
    else:
        main(chosen.folder, chosen.blocks, chosen.rows)
