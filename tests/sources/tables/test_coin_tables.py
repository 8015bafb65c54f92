"""Tables of coin chains in every form of dump: proven, and the same rows as from block files."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import regtest_chain
from module_of import module_of

import chainwatch as cw
from chainwatch.errors import DumpError
from chainwatch.sources.tables.coins import satoshi

etl = module_of("sources/bitcoin_etl/test_bitcoin_etl")
Rows = list[dict[str, Any]]


@pytest.fixture(scope="module")
def exported() -> tuple[Rows, Rows]:
    """Return blocks and transactions as bitcoin-etl exports them."""
    blocks, transactions = etl.exported(regtest_chain.Chain().grow(11).blocks)
    return blocks, transactions


def moment(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def text(seconds: int) -> str:
    return f"{moment(seconds):%Y-%m-%d %H:%M:%S} UTC"


def nested(row: dict[str, Any], give: Callable[[int], Any], when: Callable[[int], Any]) -> Any:
    def amounts(items: Rows) -> Rows:
        return [
            {**one, "value": give(one["value"])} for one in items if one.get("value") is not None
        ]

    return {**row, "block_timestamp": when(row["block_timestamp"]),
            "inputs": row["inputs"] and [{**one} for one in row["inputs"]],
            "outputs": amounts(row["outputs"])}  # fmt: skip


def written(path: Path, rows: Rows) -> Path:
    if path.suffix == ".parquet":
        pl.DataFrame(rows, infer_schema_length=None).write_parquet(path)
    else:
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def bigquery_json(folder: Path, blocks: Rows, txs: Rows) -> cw.KnownTable:
    """Numbers wider than 53 bits are texts in BigQuery's JSON, and times are in words."""
    quoted = [{**nested(tx, str, text), "block_number": str(tx["block_number"])} for tx in txs]
    below = [
        {**one, "timestamp": text(one["timestamp"]), "number": str(one["number"])} for one in blocks
    ]
    return cw.KnownTable(
        written(folder / "transactions.json", quoted), chain="btc-regtest",
        blocks=written(folder / "blocks.json", below),
    )  # fmt: skip


def bigquery_parquet(folder: Path, blocks: Rows, txs: Rows) -> cw.KnownTable:
    return cw.KnownTable(
        written(folder / "transactions.parquet", [nested(tx, Decimal, moment) for tx in txs]),
        chain="btc-regtest",
        blocks=written(
            folder / "blocks.parquet",
            [{**one, "timestamp": moment(one["timestamp"])} for one in blocks],
        ),
    )


def aws(folder: Path, blocks: Rows, txs: Rows) -> cw.KnownTable:
    """Amounts are doubles of whole coins."""
    rows = [
        {**nested(tx, lambda value: value / 10**8, moment), "index": tx.get("index", k),
         "date": "2011-02-02", "last_modified": moment(1_700_000_000)}
        for k, tx in enumerate(txs)
    ]  # fmt: skip
    return cw.KnownTable(
        written(folder / "transactions.parquet", rows), chain="btc-regtest",
        blocks=written(folder / "blocks.json", blocks),
    )  # fmt: skip


def blockchair(folder: Path, blocks: Rows, txs: Rows) -> cw.KnownTable:
    """Four tables; an output stands where it is made and where it is spent."""
    outputs = {(tx["hash"], one["index"]): one for tx in txs for one in tx["outputs"]}
    tables = {
        "transactions": [
            {"block_id": tx["block_number"], "hash": tx["hash"],
             "time": text(tx["block_timestamp"])[:-4], "size": tx["size"],
             "weight": 4 * tx["virtual_size"], "version": tx["version"],
             "lock_time": tx["lock_time"],
             "is_coinbase": int(tx["is_coinbase"]), "has_witness": 0,
             "input_count": len(tx["inputs"]), "output_count": len(tx["outputs"])}
            for tx in txs
        ],
        "outputs": [
            {"block_id": tx["block_number"], "transaction_hash": tx["hash"], "index": one["index"],
             "value": one["value"], "script_hex": one["script_hex"]}
            for tx in txs for one in tx["outputs"]
        ],
        "inputs": [
            {"transaction_hash": one["spent_transaction_hash"], "index": one["spent_output_index"],
             "value": outputs[one["spent_transaction_hash"], one["spent_output_index"]]["value"],
             "recipient": "", "type": "nonstandard", "spending_transaction_hash": tx["hash"],
             "spending_index": one["index"], "spending_sequence": one["sequence"],
             "spending_signature_hex": one["script_hex"]}
            for tx in txs for one in tx["inputs"]
        ],
        "blocks": [
            {"id": one["number"], "hash": one["hash"], "time": text(one["timestamp"])[:-4],
             "size": one["size"], "version": one["version"], "merkle_root": one["merkle_root"],
             "nonce": int(one["nonce"], 16), "bits": int(one["bits"], 16),
             "coinbase_data_hex": one["coinbase_param"],
             "transaction_count": one["transaction_count"]}
            for one in blocks
        ],
    }  # fmt: skip
    for name, rows in tables.items():
        frame = (
            pl.DataFrame(rows) if rows else pl.DataFrame(schema=dict.fromkeys(_INPUTS, pl.String))
        )
        frame.write_csv(folder / f"{name}.tsv", separator="\t")
    return cw.KnownTable(
        folder / "transactions.tsv", chain="btc-regtest",
        **{name: folder / f"{name}.tsv" for name in ("blocks", "inputs", "outputs")},  # type: ignore[arg-type]
    )  # fmt: skip


_INPUTS = (
    "transaction_hash", "index", "value", "recipient", "type", "spending_transaction_hash",
    "spending_index", "spending_sequence", "spending_signature_hex",
)  # fmt: skip

FORMS = {
    "bitcoin-etl transactions": bigquery_json, "bitcoin-etl transactions ": bigquery_parquet,
    "AWS btc transactions": aws, "Blockchair bitcoin transactions": blockchair,
}  # fmt: skip


@pytest.mark.parametrize("form", FORMS)
def test_every_form_gives_the_rows_of_bitcoin_etl(
    tmp_path: Path, exported: tuple[Rows, Rows], form: str
) -> None:
    blocks, txs = exported
    plain = cw.EtlJson(
        written(tmp_path / "t.json", txs), written(tmp_path / "b.json", blocks), chain="btc-regtest"
    )
    source = FORMS[form](tmp_path, blocks, txs)
    for name, one in (("plain", plain), ("known", source)):
        cw.pull(tmp_path / name, one)
    ours, theirs = (cw.open_ledger(tmp_path / name).digests() for name in ("known", "plain"))
    for table in ("blocks", "transactions", "outputs", "inputs"):
        assert ours[table] == theirs[table], table
    ledger = cw.open_ledger(tmp_path / "known")
    assert set(ledger.coverage.collect()["source"]) == {form.strip()}
    given = {path.name for path in (source.path, *source.beside.values())}
    assert set(ledger.answers.collect()["request"]) == given
    cw.check(ledger).raise_for_failures()


@pytest.mark.parametrize("form", FORMS)
def test_an_amount_that_is_not_the_true_one_is_refused(
    tmp_path: Path, exported: tuple[Rows, Rows], form: str
) -> None:
    blocks, txs = json.loads(json.dumps(exported))
    txs[-1]["outputs"][0]["value"] += 1
    with pytest.raises(DumpError):
        cw.pull(tmp_path / "ledger", FORMS[form](tmp_path, blocks, txs))


def test_blocks_are_asked_for(tmp_path: Path, exported: tuple[Rows, Rows]) -> None:
    path = written(tmp_path / "t.json", exported[1])
    with pytest.raises(DumpError, match="its blocks are not given"):
        cw.pull(tmp_path / "ledger", cw.KnownTable(path, chain="btc-regtest"))


def test_every_satoshi_comes_back_from_its_double() -> None:
    """The largest supply has 2.1e15 satoshi, and doubles are apart by less than half of one."""
    steps = [1, 2, 3, 5, 7, 11, 10**8, 5 * 10**9, 2_099_999_997_690_000]
    for value in [*steps, *(2_099_999_997_690_000 - k for k in range(2_000)), *range(2_000)]:
        assert satoshi(value / 10**8, "x") == value


@pytest.mark.parametrize("value", [0.1 + 0.2, 1e-9, -1.0, 1e300, float("nan"), float("inf")])
def test_a_double_of_no_satoshi_is_refused(value: float) -> None:
    with pytest.raises(DumpError):
        satoshi(value, "x")
