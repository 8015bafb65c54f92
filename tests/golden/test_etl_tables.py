"""The tables that ethereum-etl made of mainnet blocks: every row, by plain reading."""

from __future__ import annotations

import csv
import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

import chainwatch as cw
from chainwatch.addresses import canonical
from chainwatch.errors import DumpError


def rows(path: Path) -> list[dict[str, Any]]:
    if path.suffix == ".json":
        return [json.loads(line) for line in path.read_text().splitlines() if line.strip()]
    with path.open(newline="") as file:
        return [{key: value or None for key, value in row.items()} for row in csv.DictReader(file)]


def whole(folder: Path, stem: str) -> list[Path]:
    return [path for path in sorted(folder.rglob(f"expected_{stem}.*")) if rows(path)]


def movements(folder: Path) -> Counter[tuple[Any, ...]]:
    found: Counter[tuple[Any, ...]] = Counter()
    for row in cw.open_ledger(folder).transfers.collect().iter_rows(named=True):
        sides = [canonical.text(row[one], row["chain"]).lower() for one in ("sender", "receiver")]
        amount = int(row["amount"]) if row["amount_hex"] is None else int(row["amount_hex"], 16)
        found[f"0x{row['txid'].hex()}", row["height"], row["log_index"], row["trace_path"], *sides,
              amount] += 1  # fmt: skip
    return found


def pulled(tmp_path: Path, path: Path) -> Counter[tuple[Any, ...]]:
    cw.pull(tmp_path / "ledger", cw.KnownTable(path, chain="eth"))
    return movements(tmp_path / "ledger")


def test_transactions(tmp_path: Path, real_data: Path) -> None:
    paths = whole(real_data / "ethereum" / "etl", "transactions")
    assert len(paths) >= 5
    for number, path in enumerate(paths):
        wanted = Counter(
            (row["hash"], int(row["block_number"]), None, None, row["from_address"],
             row["to_address"] or row.get("receipt_contract_address"), int(row["value"]))
            for row in rows(path) if row["to_address"] or row.get("receipt_contract_address")
        )  # fmt: skip
        assert pulled(tmp_path / str(number), path) == wanted


def test_token_transfers(tmp_path: Path, real_data: Path) -> None:
    paths = whole(real_data / "ethereum" / "etl", "token_transfers")
    assert len(paths) >= 2
    for number, path in enumerate(paths):
        wanted = Counter(
            (row["transaction_hash"], int(row["block_number"]), int(row["log_index"]), None,
             row["from_address"], row["to_address"], int(row["value"]))
            for row in rows(path)
        )  # fmt: skip
        assert pulled(tmp_path / str(number), path) == wanted


def test_traces(tmp_path: Path, real_data: Path) -> None:
    paths = whole(real_data / "ethereum" / "etl", "traces")
    assert len(paths) >= 6
    read = 0
    for number, path in enumerate(paths):
        moves = [
            row for row in rows(path)
            if row["transaction_hash"] and row["call_type"] in (None, "call")
            and (not row["trace_address"] or row["value"] not in (None, "0"))
        ]  # fmt: skip
        if not moves:  # the genesis block: no row has a transaction
            with pytest.raises(DumpError, match="no transaction"):
                pulled(tmp_path / str(number), path)
            continue
        wanted = Counter(
            (row["transaction_hash"], int(row["block_number"]), None,
             (row["trace_address"] or "").replace(",", ".") or None, row["from_address"],
             row["to_address"], int(row["value"] or 0))
            for row in moves
        )  # fmt: skip
        assert pulled(tmp_path / str(number), path) == wanted
        read += len(moves)
    assert read >= 11
