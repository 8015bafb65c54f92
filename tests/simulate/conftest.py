"""The case once per session, and an independent reader of its blocks: slow, plain, not ours."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from chainwatch.simulate.otter import Otter, otter


@dataclass(frozen=True)
class In:
    txid: bytes
    n: int
    sequence: int


@dataclass(frozen=True)
class Tx:
    txid: bytes
    wtxid: bytes
    height: int
    version: int
    locktime: int
    inputs: tuple[In, ...]
    outputs: tuple[tuple[int, bytes], ...]
    scripts: tuple[bytes, ...]
    witnesses: tuple[tuple[bytes, ...], ...]


@dataclass(frozen=True)
class ReadBlock:
    height: int
    header: bytes
    hash: bytes
    txs: tuple[Tx, ...]


def double(data: bytes) -> bytes:
    return hashlib.sha256(hashlib.sha256(data).digest()).digest()


class Bytes:
    """A cursor over bytes."""

    def __init__(self, data: bytes) -> None:
        self.data, self.at = data, 0

    def take(self, count: int) -> bytes:
        part = self.data[self.at : self.at + count]
        assert len(part) == count, "bytes end too early"
        self.at += count
        return part

    def number(self, count: int) -> int:
        return int.from_bytes(self.take(count), "little")

    def compact(self) -> int:
        first = self.number(1)
        return first if first < 0xFD else self.number({0xFD: 2, 0xFE: 4, 0xFF: 8}[first])

    def sized(self) -> bytes:
        return self.take(self.compact())


def read_tx(data: Bytes, height: int) -> Tx:
    start = data.at
    version = data.number(4)
    witnessed = data.data[data.at : data.at + 2] == b"\x00\x01"
    data.take(2 if witnessed else 0)
    body = data.at
    inputs, scripts = [], []
    for _ in range(data.compact()):
        txid, n = data.take(32), data.number(4)
        scripts.append(data.sized())
        inputs.append(In(txid, n, data.number(4)))
    outputs = tuple((data.number(8), data.sized()) for _ in range(data.compact()))
    stripped = data.data[start : start + 4] + data.data[body : data.at]
    stacks: tuple[tuple[bytes, ...], ...] = ((),) * len(inputs)
    if witnessed:
        stacks = tuple(tuple(data.sized() for _ in range(data.compact())) for _ in inputs)
        assert any(stacks), "a witness transaction without witness"
    locktime = data.number(4)
    stripped += locktime.to_bytes(4, "little")
    return Tx(
        double(stripped), double(data.data[start : data.at]), height, version, locktime,
        tuple(inputs), outputs, tuple(scripts), stacks,
    )  # fmt: skip


def read_chain(raw: bytes) -> list[ReadBlock]:
    data, blocks = Bytes(raw), []
    while data.at < len(raw):
        assert data.take(4) == bytes.fromhex("fabfb5da")
        size = data.number(4)
        end = data.at + size
        header = data.take(80)
        txs = tuple(read_tx(data, len(blocks)) for _ in range(data.compact()))
        assert data.at == end, "a block is longer or shorter than its frame says"
        blocks.append(ReadBlock(len(blocks), header, double(header), txs))
    return blocks


@pytest.fixture(scope="session")
def reading() -> Callable[[bytes], list[ReadBlock]]:
    """Return the independent reader of blocks."""
    return read_chain


@pytest.fixture(scope="session")
def case() -> Otter:
    return otter()


@pytest.fixture(scope="session")
def chain(case: Otter) -> list[ReadBlock]:
    return read_chain(case.blocks)


@pytest.fixture(scope="session")
def txs(chain: list[ReadBlock]) -> dict[bytes, Tx]:
    return {tx.txid: tx for block in chain for tx in block.txs}


@pytest.fixture(scope="session")
def made(case: Otter) -> dict[tuple[bytes, int], dict[str, Any]]:
    """Every output's row of the truth."""
    return {(row["txid"], row["n"]): row for row in case.coins.iter_rows(named=True)}


@pytest.fixture(scope="session")
def spends(
    txs: dict[bytes, Tx], made: dict[tuple[bytes, int], dict[str, Any]]
) -> dict[bytes, list[dict[str, Any]]]:
    """Every spending transaction with the rows of the coins it spends."""
    return {
        txid: [made[spent.txid, spent.n] for spent in tx.inputs]
        for txid, tx in txs.items()
        if tx.inputs[0].txid != bytes(32)
    }
