"""A small honest chain, and the corner of it that a test breaks."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from hashlib import sha256

import polars as pl
import pytest

from chainwatch.chains.catalogue import chain
from chainwatch.ledger import schema

REGTEST = chain("btc-regtest").id
START = datetime(2023, 6, 1, tzinfo=UTC)
SUBSIDY = 50 * 10**8
Tables = dict[str, pl.DataFrame]
Row = dict[str, object]


def digest(text: str) -> bytes:
    """Return 32 bytes that stand for a hash."""
    return sha256(text.encode()).digest()


def address(text: str) -> bytes:
    """Return the canonical bytes of a P2WPKH address."""
    return b"\x03" + digest(text)[:20]


def _frame(name: str, rows: list[Row]) -> pl.DataFrame:
    table = {item.name: item for item in schema.TABLES}[name]
    whole = [{column: row.get(column) for column in table.schema} for row in rows]
    return table.conform(pl.DataFrame(whole, schema=table.schema))


def block_row(height: int) -> Row:
    """Return a block; each is an hour after the one before it."""
    parent = digest(f"block {height - 1}") if height else bytes(32)
    return {
        "chain": REGTEST, "height": height, "hash": digest(f"block {height}"), "parent": parent,
        "time": START + timedelta(hours=height), "version": 1, "merkle_root": digest("root"),
        "bits": 0x207FFFFF, "nonce": 7, "tx_count": 1, "size": 285, "coinbase": b"\x51",
    }  # fmt: skip


def transaction_row(height: int, position: int, name: str, paid: list[int], spent: int) -> Row:
    """Return a transaction of a block."""
    return {
        "chain": REGTEST, "tx": schema.pack_tx(height, position), "txid": digest(name),
        "block": digest(f"block {height}"), "height": height, "position": position,
        "time": START + timedelta(hours=height), "version": 2, "locktime": 0, "size": 200,
        "weight": 800, "input_count": spent, "output_count": len(paid), "output_value": sum(paid),
        "coinbase": position == 0,
    }  # fmt: skip


def output_rows(tx: int, paid: list[int], name: str) -> list[Row]:
    """Return the outputs of a transaction, each to an address of its own."""
    return [
        {"chain": REGTEST, "tx": tx, "n": n, "value": value, "script_kind": "p2wpkh",
         "address": address(f"{name}:{n}"), "spendable": True}
        for n, value in enumerate(paid)
    ]  # fmt: skip


def input_row(tx: int, n: int, prev: tuple[str, int, int], value: int) -> Row:
    """Return an input that spends output ``prev[2]`` of transaction ``prev[0]``."""
    name, prev_tx, prev_n = prev
    return {
        "chain": REGTEST, "tx": tx, "n": n, "prev_txid": digest(name), "prev_n": prev_n,
        "prev_tx": prev_tx, "value": value, "address": address(f"{name}:{prev_n}"),
        "script_kind": "p2wpkh", "sequence": 0xFFFFFFFD, "address_basis": "read",
    }  # fmt: skip


def _coverage_row(height: int) -> Row:
    own = digest(f"block {height}")
    return {
        "chain": REGTEST, "unit": f"block/{own.hex()}", "kind": "block", "height": height,
        "block": own, "complete": True, "source": "test", "answer": digest(f"raw {height}"),
    }  # fmt: skip


def honest_tables() -> Tables:
    """Return blocks 0 to 3: 50 coins at height 1, split in 2 with a fee of 1000, joined in 3."""
    blocks = [block_row(height) for height in range(4)]
    blocks[2]["tx_count"] = blocks[3]["tx_count"] = 2
    transactions, outputs = [], []
    for height, reward in enumerate([SUBSIDY, SUBSIDY, SUBSIDY + 1000, SUBSIDY + 500]):
        transactions.append(transaction_row(height, 0, f"coinbase {height}", [reward], 0))
        outputs += output_rows(schema.pack_tx(height, 0), [reward], f"coinbase {height}")
    outputs[0]["spendable"] = False
    split, join = schema.pack_tx(2, 1), schema.pack_tx(3, 1)
    halves = [30 * 10**8, 20 * 10**8 - 1000]
    transactions.append(transaction_row(2, 1, "split", halves, 1))
    outputs += output_rows(split, halves, "split")
    transactions.append(transaction_row(3, 1, "join", [SUBSIDY - 1500], 2))
    outputs += output_rows(join, [SUBSIDY - 1500], "join")
    outputs[-1] |= {"address": None, "script_kind": "p2pk", "script": b"\x02\xac"}
    inputs = [
        input_row(split, 0, ("coinbase 1", schema.pack_tx(1, 0), 0), SUBSIDY),
        *(input_row(join, n, ("split", split, n), halves[n]) for n in range(2)),
    ]
    keys: list[Row] = [
        {"chain": REGTEST, "tx": join, "n": 0, "k": 0, "required": 1, "key": b"\x02"}
    ]
    rows: dict[str, list[Row]] = {
        "blocks": blocks, "transactions": transactions, "inputs": inputs, "outputs": outputs,
        "output_keys": keys, "coverage": [_coverage_row(height) for height in range(4)],
    }  # fmt: skip
    return {name: _frame(name, items) for name, items in rows.items()}


@pytest.fixture
def tables() -> Tables:
    """The honest chain."""
    return honest_tables()


@pytest.fixture
def frame() -> Callable[[str, list[Row]], pl.DataFrame]:
    """Make rows of a table; columns that are not given are null."""
    return _frame
