"""Real TRC-20 transfers of twenty listed addresses, counted again without our reader."""

from __future__ import annotations

import hashlib
import json
import os
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest

from chainwatch.addresses import canonical
from chainwatch.ingest.pull import PullReport, pull
from chainwatch.ledger.ledger import Ledger, open_ledger
from chainwatch.sources.transfer_dump.mapping import DumpMapping
from chainwatch.sources.transfer_dump.source import TransferDump

USDT = "TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t"
ALIKE = ["tx_id", "token_id", "from_address", "to_address", "quant"]
MAPPING = DumpMapping.of({
    "chain": "tron", "kind": "trc20", "source": "an explorer's transfers", "txid": "tx_id",
    "time": "timestamp", "time_unit": "ms", "sender": "from_address", "receiver": "to_address",
    "amount": "quant", "contract": "token_id", "symbol": "token_abbr",
    "decimals": "token_decimal", "status": "status", "result": "contract_return",
    "section": "wallet",
    "tags": {"sender": "from_tag", "receiver": "to_tag", "source": "an explorer's name tags",
             "concept": "exchange", "actor": r"^(.*?)(?:-Hot)?(?: \d+)?$"},
})  # fmt: skip


@pytest.fixture(scope="module")
def path() -> Path:
    found = os.environ.get("CHAINWATCH_DATA")
    if not found:
        pytest.skip("real transfers are looked for in CHAINWATCH_DATA, which is not set")
    return Path(found) / "tron" / "listed_wallet_transfers.csv"


@pytest.fixture(scope="module")
def raw(path: Path) -> pl.DataFrame:
    return pl.read_csv(path, infer_schema=False)


@pytest.fixture(scope="module")
def pulled(path: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Ledger, PullReport]:
    folder = tmp_path_factory.mktemp("tron") / "ledger"
    report = pull(folder, TransferDump(path, MAPPING, acquired=datetime(2024, 1, 2, tzinfo=UTC)))
    return open_ledger(folder), report


def test_repeats_drop(pulled: tuple[Ledger, PullReport], raw: pl.DataFrame) -> None:
    """4,232 rows, 19 of them a transfer that a second wallet's history has too."""
    ledger, report = pulled
    assert raw.height == 4_232
    counts = raw.group_by(*ALIKE, "wallet").len().group_by(ALIKE).agg(pl.col("len").max())
    assert counts["len"].sum() == ledger.transfers.collect().height == 4_213
    assert report.notes == ("19 rows repeat a transfer that another section reports",)
    repeated = ledger.transfers.filter(pl.col("sections") > 1).collect()
    assert repeated["sections"].to_list() == [2] * 19


def test_usdt(pulled: tuple[Ledger, PullReport], raw: pl.DataFrame) -> None:
    ledger, _ = pulled
    usdt = ledger.transfers.filter(pl.col("contract") == canonical.parse(USDT, "tron")).collect()
    theirs = raw.filter(token_id=USDT)
    assert (theirs.height, usdt.height) == (4_196, 4_177)
    assert theirs.filter(quant="0").height == 123
    once = theirs.unique(ALIKE).select(pl.col("quant").cast(pl.Decimal(38, 0)))
    assert usdt["amount"].sum() == once["quant"].sum()
    assert usdt.filter(amount=0).height == once.filter(quant=0).height


def test_every_row_is_there(pulled: tuple[Ledger, PullReport], raw: pl.DataFrame) -> None:
    ledger, _ = pulled
    rows = ledger.transfers.collect()
    ours = set(zip(
        rows["txid"].bin.encode("hex"), rows["time"].dt.epoch("ms"),
        canonical.text_series(rows["contract"], "tron"),
        canonical.text_series(rows["sender"], "tron"),
        canonical.text_series(rows["receiver"], "tron"),
        (str(int(amount)) for amount in rows["amount"]),
        rows["symbol"], rows["decimals"].cast(pl.String), rows["status"], strict=True,
    ))  # fmt: skip
    columns = ["tx_id", "timestamp", "token_id", "from_address", "to_address", "quant",
               "token_abbr", "token_decimal", "status"]  # fmt: skip
    theirs = raw.select(columns).with_columns(pl.col("timestamp").cast(pl.Int64)).rows()
    assert ours == set(theirs)
    assert rows["success"].all()
    assert rows["order_uncertain"].all()
    assert rows["tx"].null_count() == rows.height


def test_coverage_and_tags(
    pulled: tuple[Ledger, PullReport], raw: pl.DataFrame, path: Path
) -> None:
    ledger, _ = pulled
    coverage = ledger.coverage.collect()
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    told = json.dumps(MAPPING.model_dump(mode="json"), sort_keys=True, separators=(",", ":"))
    part = hashlib.sha256(told.encode()).hexdigest()[:16]
    wallets = sorted(raw["wallet"].unique())
    listed = raw.select("wallet", "token_id").unique().rows()
    assert sorted(coverage["unit"]) == sorted(
        f"dump/{digest}/{part}{place}"
        for place in ("", *(f"/{wallet}/{token}" for wallet, token in listed))
    )
    assert len(listed) == 46
    assert len(wallets) == 20
    pairs = pl.concat([
        raw.select("from_address", "from_tag").rename({"from_address": "a", "from_tag": "t"}),
        raw.select("to_address", "to_tag").rename({"to_address": "a", "to_tag": "t"}),
    ]).drop_nulls().filter(pl.col("t") != "").unique()  # fmt: skip
    tags = ledger.tags.collect()
    named = canonical.text_series(tags["address"], "tron")
    assert set(zip(named, tags["label"], strict=True)) == set(pairs.rows())
    actors = set(tags["actor"])
    assert {"binance", "huobi", "okex", "kucoin", "gate", "ftx"} <= actors
    assert not any(actor[-1].isdigit() for actor in actors)


def test_a_second_pull_adds_nothing(pulled: tuple[Ledger, PullReport], path: Path) -> None:
    ledger, _ = pulled
    assert ledger.store is not None
    report = pull(ledger.store, TransferDump(path, MAPPING))
    assert (report.commits, report.skipped) == (0, 47)
