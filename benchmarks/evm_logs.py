"""Logs of an EVM node to columns, against ``web3.eth.get_logs`` on the same bytes.

``python -m benchmarks.evm_logs [COUNT]`` makes so many logs of transfers, answers with them from
memory, and prints how many logs a second each way takes; no network is used. What both read is
compared value by value: who logged, event, parties, amount, place. CPU seconds, the best of three;
imports apart.
"""

from __future__ import annotations

import json
import random
import sys
import time
from collections.abc import Callable
from typing import Any

import polars as pl
from web3 import Web3
from web3.providers import BaseProvider

from benchmarks import peak
from chainwatch.chains.ethereum import ETHEREUM
from chainwatch.sources.evm.fields import Log, decoded
from chainwatch.sources.evm.logs import log_columns, read_logs

COUNT = 20_000
PER_BLOCK = 250
TRANSFER = "0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef"

Row = tuple[str, str, str, str, int, int, int]
"""Contract, transaction, sender, receiver, amount, height and place of a log."""


def made(count: int) -> bytes:
    """Return the answer of a node: logs of transfers, one block after the other."""
    draw = random.Random(11)  # noqa: S311  # made-up rows
    people = [f"{draw.getrandbits(160):040x}" for _ in range(2_000)]
    logs = []
    for number in range(count):
        height, place = divmod(number, PER_BLOCK)
        logs.append({
            "address": "0x" + people[draw.randrange(50)],
            "topics": [TRANSFER, *("0x" + "0" * 24 + draw.choice(people) for _ in range(2))],
            "data": f"0x{draw.getrandbits(70):064x}", "blockNumber": hex(17_000_000 + height),
            "transactionHash": f"0x{number // 2 + 1:064x}", "transactionIndex": hex(place // 2),
            "blockHash": f"0x{height + 1:064x}", "logIndex": hex(place), "removed": False,
        })  # fmt: skip
    return json.dumps({"jsonrpc": "2.0", "id": 0, "result": logs}).encode()


class InMemory(BaseProvider):
    """A provider of web3 that decodes bytes from memory, as its own over HTTP does."""

    def __init__(self, body: bytes) -> None:
        super().__init__()
        self._body = body

    def make_request(self, method: Any, params: Any) -> Any:
        """Return the answer to every question."""
        return json.loads(self._body)


def by_web3(body: bytes) -> list[Any]:
    """Return the logs as web3 gives them."""
    return list(Web3(InMemory(body)).eth.get_logs({"fromBlock": 0, "toBlock": 1}))


def by_columns(body: bytes) -> pl.DataFrame:
    """Return the logs as columns: the step that both ways share, up to exact amounts."""
    return log_columns(_logs(body), "memory")


def by_rows(body: bytes) -> pl.DataFrame:
    """Return the transfers that they make, as the ledger keeps them."""
    columns = log_columns(_logs(body), "memory")
    return read_logs(columns, ETHEREUM, {}, {}).transfers


def _logs(body: bytes) -> list[Log]:
    import msgspec

    raw = msgspec.json.decode(body, type=dict[str, msgspec.Raw])
    return decoded(raw["result"], list[Log], "memory")


def of_web3(logs: list[Any]) -> list[Row]:
    """Return what web3 read, in one form."""
    return [
        (one["address"].lower(), one["transactionHash"].to_0x_hex(),
         *("0x" + bytes(one["topics"][k])[12:].hex() for k in (1, 2)),
         int.from_bytes(one["data"], "big"), one["blockNumber"], one["logIndex"])
        for one in logs
    ]  # type: ignore[misc]  # fmt: skip


def of_rows(frame: pl.DataFrame) -> list[Row]:
    """Return what was read in columns, in the same form."""
    return [
        ("0x" + row["contract"][1:].hex(), "0x" + row["txid"].hex(),
         "0x" + row["sender"][1:].hex(), "0x" + row["receiver"][1:].hex(),
         int(row["amount"]), row["height"], row["log_index"])
        for row in frame.rows(named=True)
    ]  # fmt: skip


def best(work: Callable[[bytes], Any], body: bytes) -> tuple[float, Any]:
    """Return the least CPU seconds of three runs, and what the last gave."""
    seconds, found = [], None
    for _ in range(3):
        begun = time.process_time()
        found = work(body)
        seconds.append(time.process_time() - begun)
    return min(seconds), found


def main(count: int) -> None:
    """Measure, compare, and print."""
    body = made(count)
    theirs, logs = best(by_web3, body)
    columns, _ = best(by_columns, body)
    ours, rows = best(by_rows, body)
    wanted = sorted(of_web3(logs))
    found = sorted(of_rows(rows))
    differ = sum(one != other for one, other in zip(wanted, found, strict=True))
    size = len(body) / 1e6
    print(f"{count:,} logs, {size:,.1f} MB, {differ:,} differ, peak {peak():,.0f} MB")  # noqa: T201
    for name, seconds in (("web3", theirs), ("columns", columns), ("transfers", ours)):
        rate = f"{count / seconds:,.0f} logs/s, {theirs / seconds:,.1f}x"
        print(f"{name}: {seconds:.3f} s, {rate}")  # noqa: T201


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else COUNT)
