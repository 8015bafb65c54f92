"""Writes one small dump of each kind of coin table, all of the same six blocks of regtest.

The shapes are those that the makers of such dumps document; the chain is made up.
"""

from __future__ import annotations

import csv
import io
import json
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl

Rows = list[dict[str, Any]]
Tables = dict[str, Rows]
"""Rows by the name of the file that holds them; the first is that of transactions."""


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


def plain(blocks: Rows, txs: Rows) -> Tables:
    """As bitcoin-etl writes them."""
    return {"coin_etl_transactions.json": txs, "coin_etl_blocks.json": blocks}


def bigquery_json(blocks: Rows, txs: Rows) -> Tables:
    """Numbers wider than 53 bits are texts in BigQuery's JSON, and times are in words."""
    quoted = [{**nested(tx, str, text), "block_number": str(tx["block_number"])} for tx in txs]
    below = [
        {**one, "timestamp": text(one["timestamp"]), "number": str(one["number"])} for one in blocks
    ]
    return {"coin_bigquery_transactions.json": quoted, "coin_bigquery_blocks.json": below}


def bigquery_parquet(blocks: Rows, txs: Rows) -> Tables:
    return {
        "coin_bigquery_transactions.parquet": [nested(tx, Decimal, moment) for tx in txs],
        "coin_bigquery_blocks.parquet": [
            {**one, "timestamp": moment(one["timestamp"])} for one in blocks
        ],
    }


def aws(blocks: Rows, txs: Rows) -> Tables:
    """Amounts are doubles of whole coins."""
    rows = [
        {**nested(tx, lambda value: value / 10**8, moment), "index": tx.get("index", k),
         "date": "2011-02-02", "last_modified": moment(1_700_000_000)}
        for k, tx in enumerate(txs)
    ]  # fmt: skip
    return {"coin_aws_transactions.parquet": rows, "coin_aws_blocks.json": blocks}


def blockchair(blocks: Rows, txs: Rows) -> Tables:
    """Four tables; an output stands where it is made and where it is spent."""
    outputs = {(tx["hash"], one["index"]): one for tx in txs for one in tx["outputs"]}
    return {
        "coin_blockchair_transactions.tsv": [
            {"block_id": tx["block_number"], "hash": tx["hash"],
             "time": text(tx["block_timestamp"])[:-4], "size": tx["size"],
             "weight": 4 * tx["virtual_size"], "version": tx["version"],
             "lock_time": tx["lock_time"],
             "is_coinbase": int(tx["is_coinbase"]), "has_witness": 0,
             "input_count": len(tx["inputs"]), "output_count": len(tx["outputs"])}
            for tx in txs
        ],
        "coin_blockchair_outputs.tsv": [
            {"block_id": tx["block_number"], "transaction_hash": tx["hash"], "index": one["index"],
             "value": one["value"], "script_hex": one["script_hex"]}
            for tx in txs for one in tx["outputs"]
        ],
        "coin_blockchair_inputs.tsv": [
            {"transaction_hash": one["spent_transaction_hash"], "index": one["spent_output_index"],
             "value": outputs[one["spent_transaction_hash"], one["spent_output_index"]]["value"],
             "recipient": "", "type": "nonstandard", "spending_transaction_hash": tx["hash"],
             "spending_index": one["index"], "spending_sequence": one["sequence"],
             "spending_signature_hex": one["script_hex"]}
            for tx in txs for one in tx["inputs"]
        ],
        "coin_blockchair_blocks.tsv": [
            {"id": one["number"], "hash": one["hash"], "time": text(one["timestamp"])[:-4],
             "size": one["size"], "version": one["version"], "merkle_root": one["merkle_root"],
             "nonce": int(one["nonce"], 16), "bits": int(one["bits"], 16),
             "coinbase_data_hex": one["coinbase_param"],
             "transaction_count": one["transaction_count"]}
            for one in blocks
        ],
    }  # fmt: skip


FORMS: dict[str, tuple[str, Callable[[Rows, Rows], Tables]]] = {
    "bitcoin-etl": ("bitcoin-etl transactions", plain),
    "BigQuery JSON": ("bitcoin-etl transactions", bigquery_json),
    "BigQuery Parquet": ("bitcoin-etl transactions", bigquery_parquet),
    "AWS": ("AWS btc transactions", aws),
    "Blockchair": ("Blockchair bitcoin transactions", blockchair),
}
"""Every form of dump: the kind that it is read as, and what writes it of bitcoin-etl's rows."""


def content(name: str, rows: Rows) -> bytes:
    """Return the bytes of a table in the format that its name says."""
    if name.endswith(".parquet"):
        out = io.BytesIO()
        pl.DataFrame(rows, infer_schema_length=None).write_parquet(out)
        return out.getvalue()
    if name.endswith(".tsv"):
        told = io.StringIO(newline="")
        writer = csv.DictWriter(told, list(rows[0]), delimiter="\t", lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
        return told.getvalue().encode()
    return "".join(json.dumps(row) + "\n" for row in rows).encode()


def write(folder: Path, form: str, blocks: Rows, txs: Rows) -> list[Path]:
    """Write the tables of a form; return their paths, that of transactions first."""
    paths = []
    for name, rows in FORMS[form][1](blocks, txs).items():
        paths.append(folder / name)
        paths[-1].write_bytes(content(name, rows))
    return paths


def recorded() -> tuple[Rows, Rows]:
    """Return blocks and transactions of the chain that the dumps in this folder are of."""
    import regtest_chain
    from module_of import module_of

    exported = module_of("sources/bitcoin_etl/test_bitcoin_etl").exported
    blocks, txs = exported(regtest_chain.Chain().grow(5).blocks)
    return blocks, txs


if __name__ == "__main__":
    here = Path(__file__).parent
    sys.path.insert(0, str(here.parent))
    for one in FORMS:
        write(Path(sys.argv[1]) if len(sys.argv) > 1 else here, one, *recorded())
