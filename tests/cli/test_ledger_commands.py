"""``chainwatch status``, ``check`` and ``show``: what a ledger holds, in words."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import regtest_chain

import chainwatch as cw
from chainwatch.addresses import canonical
from chainwatch.ingest.pull import pull
from chainwatch.ledger import schema
from chainwatch.ledger.lookup.lookup import address_summary
from chainwatch.ledger.storage.store import Store
from chainwatch.ledger.storage.writer import open_writer
from chainwatch.sources.block_files import BlockFiles
from chainwatch.units import to_text

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def otter(otter_case: Any, tmp_path: Path) -> Path:
    """Return a copy of the ledger of the simulated case."""
    shutil.copytree(otter_case.ledger.store.path, tmp_path / "l")
    return tmp_path / "l"


def test_status(run: Run, otter: Path, otter_case: Any) -> None:
    status, out, err = run("status", "--ledger", otter)
    assert (status, err) == (0, "")
    blocks = otter_case.ledger.blocks.collect()
    top = blocks.sort("height").row(-1, named=True)
    assert f"{blocks.height:,} blocks" in out
    assert f"blocks 0 to {top['height']:,}, tip {top['hash'][::-1].hex()}" in out
    assert f"read by block from block_files: {blocks.height:,} (whole)" in out
    assert "commits: " in out
    assert "(btc-regtest)" in out


def test_status_names_a_single_block_as_one(run: Run, tmp_path: Path) -> None:
    (tmp_path / "genesis.raw").write_bytes(regtest_chain.genesis())
    pull(tmp_path / "l", BlockFiles(tmp_path / "genesis.raw", "btc-regtest"))
    status, out, _ = run("status", "--ledger", tmp_path / "l")
    assert status == 0
    assert "\n  block 0, tip 0f9188f1" in out
    assert "blocks 0 to 0" not in out


def test_status_says_what_was_not_read(run: Run, otter_case: Any, tmp_path: Path) -> None:
    files = otter_case.otter.write(tmp_path / "case")
    raw = (files / "blocks.dat").read_bytes()
    at, parts = 0, []
    while at < len(raw):
        size = 8 + int.from_bytes(raw[at + 4 : at + 8], "little")
        parts.append(raw[at : at + size])
        at += size
    (tmp_path / "late.dat").write_bytes(b"".join(parts[-30:]))
    first = len(parts) - 30
    pull(tmp_path / "m", BlockFiles(tmp_path / "late.dat", "btc-regtest", height=first))
    status, out, _ = run("status", "--ledger", "m")
    assert status == 0
    assert f"earlier blocks: {first:,}" in out
    assert "what they spend was not read: their value is unknown" in out


def test_status_of_an_empty_ledger(run: Run, tmp_path: Path) -> None:
    Store.create(tmp_path / "e")
    status, out, _ = run("status", "--ledger", "e")
    assert status == 0
    assert "commits: 0" in out


def test_check(run: Run, otter: Path) -> None:
    status, out, err = run("check", "--ledger", otter)
    assert (status, err) == (0, "")
    assert "reward" in out
    assert "0 failed" in out
    assert "nothing failed" in out


def test_a_check_that_fails(run: Run, tmp_path: Path) -> None:
    key = {"chain": "bip122:0f9188f13cb7b2c71f2a335e3a4fc328", "tx": schema.pack_tx(5, 0)}
    row = {**key, "txid": b"a" * 32, "block": b"b" * 32, "height": 5, "position": 0,
           "time": 0, "version": 1, "locktime": 0, "size": 1, "weight": 4, "input_count": 0,
           "output_count": 1, "output_value": 7, "coinbase": True}  # fmt: skip
    out = {**key, "n": 0, "value": 8, "script_kind": "nonstandard", "spendable": True}
    with open_writer(Store.create(tmp_path / "w")) as writer:
        tables = {
            "transactions": pl.DataFrame([row], schema_overrides=schema.TRANSACTIONS.schema),
            "outputs": pl.DataFrame([out], schema_overrides=schema.OUTPUTS.schema),
        }
        wanted = {"transactions": schema.TRANSACTIONS, "outputs": schema.OUTPUTS}
        whole = {
            name: pl.DataFrame(frame.to_dicts(), schema=wanted[name].schema)
            for name, frame in tables.items()
        }
        writer.commit(whole, source="s", chain=key["chain"], what="one", tip=None)
    status, said, err = run("check", "--ledger", "w")
    assert status == 1
    assert "1 failed" in said
    assert "1 check of the ledger failed" in err


def test_showing_an_address(run: Run, otter: Path, otter_case: Any) -> None:
    outputs = otter_case.ledger.outputs.collect()
    address = outputs["address"].drop_nulls().mode().sort()[0]
    text = canonical.text(address, "btc-regtest")
    status, out, err = run("show", text, "--ledger", otter)
    assert (status, err) == (0, "")
    summary = address_summary(otter_case.ledger, address, "btc-regtest")
    assert text in out
    assert f"transactions    {summary.transactions:,}" in out
    others = set(summary.counterparties["counterparty"].drop_nulls())
    assert others
    shown = (canonical.text(item, "btc-regtest") for item in others - {address})
    assert not any(other in out for other in shown)


def test_showing_the_history_of_an_address(run: Run, otter: Path, otter_case: Any) -> None:
    address = otter_case.ledger.outputs.collect()["address"].drop_nulls().mode().sort()[0]
    text = canonical.text(address, "btc-regtest")
    status, out, _ = run("show", text, "--ledger", otter, "--history")
    assert status == 0
    history = address_summary(otter_case.ledger, address, "btc-regtest").history
    listed = [line.split()[-1] for line in out.splitlines() if line.startswith("  20")]
    latest = history.sort("time", "tx", "txid")["txid"].tail(20)
    assert listed == [txid[::-1].hex() for txid in latest]
    assert (f"and {history.height - 20:,} earlier rows" in out) == (history.height > 20)


def test_building_the_index(run: Run, otter: Path) -> None:
    status, out, err = run("index", "--ledger", otter)
    assert (status, err) == (0, "")
    assert "Index(btc-regtest, commit" in out
    status, out, _ = run("check", "--ledger", otter)
    assert status == 0
    assert "the index for look-ups says what the tables say" in out


def test_showing_a_transaction(run: Run, otter: Path, otter_case: Any) -> None:
    row = otter_case.ledger.transactions.collect().sort("tx").row(-1, named=True)
    text = row["txid"][::-1].hex()
    status, out, _ = run("show", text, "--ledger", otter, "--chain", "btc-regtest")
    assert status == 0
    assert text in out
    assert f"{row['height']:,}" in out


def test_a_transaction_lists_who_paid_who_was_paid_and_where_it_went(
    run: Run, otter: Path, otter_case: Any
) -> None:
    ledger = otter_case.ledger
    several = ledger.transactions.filter(pl.col("input_count") > 1).collect().sort("tx")
    ids = dict(ledger.transactions.select("tx", "txid").collect().iter_rows())
    for row in (several.row(0, named=True), several.row(-1, named=True)):
        status, out, _ = run("show", row["txid"][::-1].hex(), "--ledger", otter, "--history")
        assert status == 0
        paid, made = (line.splitlines() for line in out.split("inputs\n")[1].split("outputs\n"))
        assert made.pop() == (
            "a transaction has no history: --history lists the payments of an address"
        )
        found = cw.show(ledger, row["tx"])
        assert (len(paid), len(made)) == (row["input_count"], row["output_count"])
        for line, spent in zip(paid, found.inputs.iter_rows(named=True), strict=True):
            assert f"spends {spent['prev_txid'][::-1].hex()}:{spent['prev_n']}" in line
            assert f" {to_text(spent['value'], 8)} rBTC" in line
        for line, output in zip(made, found.outputs.iter_rows(named=True), strict=True):
            if output["address"] is not None:
                assert canonical.text(output["address"], "btc-regtest") in line
            spenders = ledger.inputs.filter(
                (pl.col("prev_tx") == row["tx"]) & (pl.col("prev_n") == output["n"])
            ).collect()
            if spenders.height:
                assert line.endswith(f"spent by {ids[spenders['tx'][0]][::-1].hex()}")
            else:
                assert line.endswith("unspent as of block 288 (2023-09-30), by blocks")


def test_what_was_not_read_of_a_transaction_is_said(
    run: Run, tmp_path: Path, otter_case: Any
) -> None:
    blocks = (otter_case.otter.write(tmp_path / "made") / "blocks.dat").read_bytes()
    frames = blocks.split(regtest_chain.MAGIC)
    (tmp_path / "some.dat").write_bytes(regtest_chain.MAGIC.join([b"", *frames[150:160]]))
    pull(tmp_path / "l", BlockFiles(tmp_path / "some.dat", chain="btc-regtest"))
    ledger = cw.open_ledger(tmp_path / "l")
    strays = ledger.inputs.filter(pl.col("value").is_null()).select("tx").collect()
    found = cw.show(ledger, strays["tx"][0])
    _, out, _ = run("show", found.text, "--ledger", "l")
    said = r"\d  \w+ \(as its unlocking says\) +not read +spends [0-9a-f]{64}:\d"
    assert re.search(said, out)
    first = ledger.transactions.filter(pl.col("coinbase")).head(1).collect()["txid"][0]
    _, out, _ = run("show", first[::-1].hex(), "--ledger", "l")
    assert "new coins" in out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("status", "--ledger", "none"), "none"),
        (("check", "--ledger", "none"), "none"),
        (("show", "x", "--ledger", "none"), "none"),
        (("show", "nonsense", "--ledger", "l"), "nonsense"),
        (("show", "ab" * 32, "--ledger", "l"), "ab" * 32),
        (("show", "x", "--ledger", "l", "--chain", "moon"), "unknown chain 'moon'"),
    ],
)
def test_what_is_wrong_is_one_sentence(
    run: Run, otter: Path, arguments: tuple[str, ...], said: str
) -> None:
    status, out, err = run(*arguments)
    assert (status, out) == (1, "")
    assert said in err
    assert err.startswith("chainwatch: ")
    assert err.count("\n") == 1


@pytest.mark.parametrize("name", ["status", "check", "index", "show"])
def test_help_has_an_example(run: Run, name: str) -> None:
    assert f"Example: chainwatch {name}" in " ".join(run(name, "--help")[1].split())


@pytest.mark.parametrize("command", [("status",), ("show", "A"), ("check",)])
def test_a_damaged_table_is_one_sentence(command: tuple[str, ...], run: Run, otter: Path) -> None:
    for path in (otter / "inputs").rglob("*.parquet"):
        path.write_bytes(path.read_bytes()[:500])
    for path in (otter / "outputs").rglob("*.parquet"):
        path.write_bytes(path.read_bytes()[:500])
    text = canonical.text(b"\x03" + bytes(20), "btc-regtest")
    words = [text if word == "A" else word for word in command]
    status, _, err = run(*words, "--ledger", otter)
    assert status == 1
    assert len(err.splitlines()) == 1
    assert "chainwatch check" in err or "not as they were written" in err
    assert "Traceback" not in err
