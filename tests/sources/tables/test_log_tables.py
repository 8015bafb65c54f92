"""Tables of logs: every form gives the same rows as the node that tells these logs."""

from __future__ import annotations

import csv
from datetime import timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from module_of import module_of

import chainwatch as cw
from chainwatch.addresses import canonical
from chainwatch.errors import ChainwatchError, DumpError, InputError
from chainwatch.ledger import schema
from chainwatch.ledger.accounts.contract_events import kept_topics
from chainwatch.ledger.accounts.log_readings import log_runs

RECORDED = Path(__file__).parents[2] / "recorded"
made = module_of("recorded/make")
FORMS = sorted(name for name in made.TABLES if "_logs." in name)
DATED = [name for name in FORMS if not name.startswith(("etl", "cryo"))]


def wanted(*, dated: bool) -> list[tuple[Any, ...]]:
    """Return what is kept of the logs that all tables are made of, row by row."""
    rows = []
    for one in made.RAW:
        topics = [bytes.fromhex(topic[2:]) for topic in one.topics]
        if topics and topics[0] in kept_topics():
            rows.append((
                bytes.fromhex(made.TXIDS[one.place][2:]), one.index,
                schema.pack_tx(made.HEIGHT, one.place), made.HEIGHT, made.WHEN if dated else None,
                canonical.parse(one.contract, "eth"), *topics, *[None] * (4 - len(topics)),
                bytes.fromhex(one.data[2:]),
            ))  # fmt: skip
    return rows


def kept(folder: Path) -> list[tuple[Any, ...]]:
    rows = cw.open_ledger(folder).contract_logs.drop("chain").sort("tx", "log_index")
    return rows.collect().rows()


@pytest.mark.parametrize("name", FORMS)
def test_every_form_gives_the_same_logs(tmp_path: Path, name: str) -> None:
    source = cw.KnownTable(RECORDED / name, chain="eth")
    report = cw.pull(tmp_path / "l", source)
    assert kept(tmp_path / "l") == wanted(dated=name in DATED)
    assert len(wanted(dated=True)) == 2
    assert report.notes[0].startswith(f"{name} is read as '")
    assert any(note.startswith("2 of 4 logs are of events that") for note in report.notes)
    undated = any(note == "2 logs have a height and no time" for note in report.notes)
    assert undated == (name not in DATED)
    assert not cw.pull(tmp_path / "l", source).commits
    cw.check(cw.open_ledger(tmp_path / "l")).raise_for_failures()


def test_a_table_claims_no_block(tmp_path: Path) -> None:
    """That a log is not in it says nothing: it may be of one contract, or of an hour."""
    cw.pull(tmp_path / "l", cw.KnownTable(RECORDED / "bigquery_logs.json", chain="eth"))
    ledger = cw.open_ledger(tmp_path / "l")
    [unit] = ledger.coverage.collect().rows(named=True)
    assert (unit["kind"], unit["complete"], unit["block"]) == ("dump", None, None)
    assert unit["from_time"] == unit["to_time"] == made.WHEN
    assert log_runs(ledger, "eip155:1") == ()


def test_tables_of_one_chain_add_nothing_to_each_other(tmp_path: Path) -> None:
    for name in ("bigquery_logs.json", "etl_logs.csv", "aws_logs.parquet", "cryo_logs.parquet"):
        cw.pull(tmp_path / "l", cw.KnownTable(RECORDED / name, chain="eth"))
    assert kept(tmp_path / "l") == wanted(dated=True)


def written(folder: Path, place: int = 1, **cells: str) -> Path:
    """Return the table of ethereum-etl with other cells in one row."""
    lines = (RECORDED / "etl_logs.csv").read_text().splitlines()
    rows = [dict(row) for row in csv.DictReader(lines)]
    rows[place].update(cells)
    path = folder / "etl_logs.csv"
    with path.open("w", newline="") as handle:
        writer = csv.DictWriter(handle, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return path


@pytest.mark.parametrize(
    ("cells", "told"),
    [
        ({"data": "0x123"}, "no bytes in hexadecimal at .* row 3, 'data'"),
        ({"data": "zz"}, "no bytes in hexadecimal"),
        ({"address": "0x12"}, "no 20 bytes in hexadecimal at .*'address'"),
        ({"transaction_hash": ""}, "no 32 bytes in hexadecimal"),
        ({"transaction_index": "-1"}, "-1 is no position"),
        ({"transaction_index": str(1 << 24)}, "is no position"),
        ({"log_index": "1.5"}, "'1.5' is no whole number"),
        ({"block_number": str(1 << 60)}, "is no height"),
        ({"topics": ",".join([made.ADDED] * 5)}, "more than four topics"),
        ({"topics": f"{made.ADDED},0x12"}, "no 32 bytes in hexadecimal"),
    ],
)
def test_what_is_no_log_is_named_with_its_row(
    tmp_path: Path, cells: dict[str, str], told: str
) -> None:
    with pytest.raises(DumpError, match=told):
        cw.pull(tmp_path / "l", cw.KnownTable(written(tmp_path, **cells), chain="eth"))
    assert not (tmp_path / "l").exists()


@pytest.mark.parametrize(
    ("cells", "told"),
    [
        ({"data": "0x" + "07" * 32}, "contract_logs has data"),
        ({"block_number": "17000002"}, "two heights"),
        ({"transaction_index": "9"}, "two positions"),
    ],
)
def test_two_words_on_one_log_are_refused(tmp_path: Path, cells: dict[str, str], told: str) -> None:
    cw.pull(tmp_path / "l", cw.KnownTable(RECORDED / "bigquery_logs.json", chain="eth"))
    before = kept(tmp_path / "l")
    with pytest.raises(InputError, match=told):
        cw.pull(tmp_path / "l", cw.KnownTable(written(tmp_path, **cells), chain="eth"))
    assert kept(tmp_path / "l") == before


def test_a_table_after_the_blocks_that_tell_the_same(tmp_path: Path) -> None:
    """The blocks say more, and what they say stays."""
    evm = module_of("sources/evm/test_contract_logs")
    world, blocks = evm.world(), evm.blocks
    ledger = blocks.read(tmp_path / "l", evm.Node(world))
    before, runs = ledger.digest("contract_logs"), log_runs(ledger, evm.DEV)
    rows = [
        {"log_index": int(log["logIndex"], 16), "transaction_hash": log["transactionHash"],
         "transaction_index": int(log["transactionIndex"], 16),
         "block_number": int(log["blockNumber"], 16), "address": log["address"],
         "data": log["data"], "topics": log["topics"]}
        for block in world.receipts for receipt in block for log in receipt["logs"]
    ]  # fmt: skip
    pl.DataFrame(rows).write_parquet(tmp_path / "t.parquet")
    cw.pull(tmp_path / "l", cw.KnownTable(tmp_path / "t.parquet", chain="eth-dev"))
    grown = cw.open_ledger(tmp_path / "l")
    assert grown.digest("contract_logs") == before
    assert log_runs(grown, evm.DEV) == runs
    cw.pull(tmp_path / "other", cw.KnownTable(tmp_path / "t.parquet", chain="eth-dev"))
    pull = evm.pull(tmp_path / "other", evm.walks.source(evm.Node(world)), progress=False)
    assert pull.commits
    late = cw.open_ledger(tmp_path / "other")
    assert late.contract_logs.drop("time").collect().sort("tx", "log_index").equals(
        grown.contract_logs.drop("time").collect().sort("tx", "log_index"))  # fmt: skip
    assert log_runs(late, evm.DEV) == runs
    cw.check(late).raise_for_failures()


def test_what_does_not_belong_to_logs_is_refused(tmp_path: Path) -> None:
    path = RECORDED / "etl_logs.csv"
    for given, told in (
        ({"chain": "tron"}, "are of EVM chains, and Tron is none"),
        ({"chain": "eth", "history_of": made.A}, "neither decimals nor one whose history"),
        ({"chain": "eth", "decimals": {made.T: 6}}, "neither decimals nor one whose history"),
        ({"chain": "eth", "receipts": RECORDED / "etl_receipts.csv"}, "receipts say nothing"),
        ({}, "nothing in it says of which chain"),
    ):
        with pytest.raises(ChainwatchError, match=told):
            cw.pull(tmp_path / "l", cw.KnownTable(path, **given))  # type: ignore[arg-type]


def test_a_time_after_the_file_was_obtained_is_told(tmp_path: Path) -> None:
    early = made.WHEN - timedelta(hours=3)
    source = cw.KnownTable(RECORDED / "aws_logs.parquet", chain="eth", acquired=early)
    report = cw.pull(tmp_path / "l", source)
    assert any(note.startswith("2 rows are of a time after") for note in report.notes)
