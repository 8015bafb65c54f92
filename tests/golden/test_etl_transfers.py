"""Real exports of ethereum-etl, blocks 17,173,049 and 17,173,050: every transfer, and no other."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from chainwatch.addresses.assets import kinds_of
from chainwatch.ingest.pull import pull
from chainwatch.ledger.ledger import Ledger, open_ledger
from chainwatch.sources.transfer_dump.mapping import DumpMapping
from chainwatch.sources.transfer_dump.source import TransferDump

PAID = {"chain": "eth", "source": "ethereum-etl", "height": "block_number",
        "sender": "from_address", "receiver": "to_address", "amount": "value"}  # fmt: skip
TOKENS = PAID | {"kind": "erc20", "txid": "transaction_hash", "log_index": "log_index",
                 "contract": "token_address"}  # fmt: skip
COINS = PAID | {"kind": "native", "txid": "hash", "position": "transaction_index",
                "time": "block_timestamp", "time_unit": "s"}  # fmt: skip


@pytest.fixture(scope="module")
def folder(real_data: Path) -> Path:
    return real_data / "ethereum" / "etl" / "test_stream" / "blocks_17173049_17173050"


def amount_of(row: dict[str, Any]) -> int:
    return int(row["amount_hex"], 16) if row["amount"] is None else int(row["amount"])


def rows_of(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines() if line.strip()]


@pytest.fixture(scope="module")
def ledger(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Ledger:
    place = tmp_path_factory.mktemp("etl") / "ledger"
    report = pull(place, TransferDump(folder / "expected_transactions.json", DumpMapping.of(COINS)))
    assert [note for note in report.notes if "1 row is set apart (no receiver" in note]
    pull(place, TransferDump(folder / "expected_token_transfers.json", DumpMapping.of(TOKENS)))
    return open_ledger(place)


def test_every_token_transfer_stands_by_its_log(ledger: Ledger, folder: Path) -> None:
    theirs = rows_of(folder / "expected_token_transfers.json")
    rows = ledger.transfers.filter(pl.col("kind").is_in(kinds_of("erc20"))).collect()
    assert rows.height == len(theirs) == 291
    nobody = "0x" + "00" * 20
    for kind, side in (("erc20_mint", "from_address"), ("erc20_burn", "to_address")):
        named = sum(row[side] == nobody for row in theirs)
        assert rows.filter(kind=kind).height == named > 0
    ours = {(row["height"], row["log_index"], amount_of(row))
            for row in rows.iter_rows(named=True)}  # fmt: skip
    assert ours == {(row["block_number"], row["log_index"], int(row["value"])) for row in theirs}
    assert not rows["order_uncertain"].any()


def test_its_time_is_that_of_the_block_in_the_other_table(ledger: Ledger, folder: Path) -> None:
    times = {row["block_number"]: row["block_timestamp"]
             for row in rows_of(folder / "expected_transactions.json")}  # fmt: skip
    rows = ledger.transfers.filter(pl.col("kind").is_in(kinds_of("erc20"))).collect()
    assert set(rows.select("height", rows["time"].dt.epoch("s")).iter_rows()) == set(times.items())


def test_every_payment_of_the_coin_but_the_creation(ledger: Ledger, folder: Path) -> None:
    theirs = [row for row in rows_of(folder / "expected_transactions.json") if row["to_address"]]
    rows = ledger.transfers.filter(kind="native").collect()
    assert rows.height == len(theirs) == 297
    assert sum(map(int, rows["amount"])) == sum(int(row["value"]) for row in theirs)
    places = sorted(row["block_number"] << 24 | row["transaction_index"] for row in theirs)
    assert rows["tx"].sort().to_list() == places
