"""Tables of coin chains as rows of bitcoin-etl, whose reader proves them field by field.

Whatever form a table gives its numbers in (texts, decimals, doubles of whole coins), what is made
of them must hash to the id of the transaction, the ids to the Merkle root, the header to the hash
of the block. A double of coins is taken for the one number of satoshi that it names, and for none
where it names none.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import polars as pl

from chainwatch.chains.base import COIN, Chain
from chainwatch.errors import DumpError
from chainwatch.ingest.protocol import Batch, Reader
from chainwatch.sources.bitcoin_etl.source import EtlJson
from chainwatch.sources.tables.blockchair import blockchair_rows
from chainwatch.sources.tables.coin_cells import (
    block_of,
    seconds,
    texts_of,
    whole,
)
from chainwatch.sources.tables.nested import nested_rows
from chainwatch.sources.tables.shape import Shape
from chainwatch.sources.transfer_dump.source import table_bytes


def coin_batches(
    path: Path, shape: Shape, chain: Chain, beside: Mapping[str, Path], told: tuple[str, ...],
    reader: Reader, acquired: datetime,
) -> Iterator[Batch]:  # fmt: skip
    """Yield the blocks of a table of a coin chain, lowest first, as bitcoin-etl's reader does.

    Parameters
    ----------
    path : Path
        Table of transactions.
    shape : Shape
        Its kind.
    chain : Chain
        Its chain.
    beside : mapping of str to Path
        Further tables of the dump, by the names in ``shape.beside``.
    told : tuple of str
        What is said with the first batch.
    reader : Reader
        The ledger.
    acquired : datetime
        When the files were obtained.

    Raises
    ------
    DumpError
        If a further table is missing, a row is damaged, or anything does not hash to its id.
    """
    missing = [one for one in shape.beside if one not in beside]
    if missing:
        raise DumpError(
            f"the table is {shape.name!r}, and its {' and '.join(missing)} are not given",
            where=path.name, remedy="give them from the same dump: without them nothing is proven",
        )  # fmt: skip
    files = {name: beside[name] for name in shape.beside}
    with tempfile.TemporaryDirectory() as folder:
        if "outputs" in files:
            rows, blocks = blockchair_rows(path, files)
        else:
            rows = [_transaction(row, path.name, n) for n, row in _rows_of(path)]
            blocks = [
                block_of(row, files["blocks"].name, n) for n, row in _rows_of(files["blocks"])
            ]
        made = EtlJson(
            _written(Path(folder) / "transactions", path.name, rows),
            _written(Path(folder) / "blocks", files["blocks"].name, blocks),
            chain=chain, acquired=acquired,
        )  # fmt: skip
        made.evidence = (path, *files.values())
        for batch in made.batches(reader):
            yield Batch(_named(batch, shape.name), batch.units, batch.what, batch.tip,
                        (*told, *batch.notes), batch.stale)  # fmt: skip
            told = ()


def _named(batch: Batch, name: str) -> dict[str, Any]:
    """Return the tables of a batch with the kind of the table as their source."""
    source = pl.lit(name).alias("source")
    return {
        table: rows.with_columns(source) if "source" in rows.columns else rows
        for table, rows in batch.tables.items()
    }


def _written(folder: Path, name: str, rows: list[dict[str, Any]]) -> Path:
    folder.mkdir()
    path = folder / name
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def _rows_of(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    yield from enumerate(nested_rows(table_bytes(path), path.name), 1)


def _transaction(row: Mapping[str, Any], name: str, number: int) -> dict[str, Any]:
    """Return a row of transactions as bitcoin-etl writes it."""
    where = f"{name} row {number:,}"
    coinbase = row.get("is_coinbase") in (True, "true")
    made = {
        "hash": texts_of(row, "hash", where), "block_hash": texts_of(row, "block_hash", where),
        "block_number": whole(row.get("block_number"), where, "block_number"),
        "block_timestamp": seconds(row.get("block_timestamp"), where),
        "version": whole(row.get("version"), where, "version"),
        "lock_time": whole(row.get("lock_time"), where, "lock_time"),
        "is_coinbase": coinbase,
        "inputs": [] if coinbase else [_input(one, where) for one in _listed(row, "inputs", where)],
        "outputs": [_output(one, where) for one in _listed(row, "outputs", where)],
    }  # fmt: skip
    for one in ("index", "size", "virtual_size"):
        if row.get(one) is not None:
            made[one] = whole(row[one], where, one)
    return made


def _listed(row: Mapping[str, Any], column: str, where: str) -> list[Mapping[str, Any]]:
    found = row.get(column)
    if not isinstance(found, list) or not all(isinstance(one, Mapping) for one in found):
        raise DumpError(
            f"{column} is no list of tables", where=where,
            remedy="export the table with its nested columns: JSON or Parquet, not CSV",
        )  # fmt: skip
    return found


def _input(item: Mapping[str, Any], where: str) -> dict[str, Any]:
    made = {
        "index": whole(item.get("index"), where, "index"),
        "spent_transaction_hash": texts_of(item, "spent_transaction_hash", where),
        "spent_output_index": whole(item.get("spent_output_index"), where, "spent_output_index"),
        "script_hex": item.get("script_hex") or "",
        "sequence": whole(item.get("sequence"), where, "sequence"),
        "type": item.get("type"),
    }
    if item.get("value") is not None:
        made["value"] = satoshi(item["value"], where)
    one = item.get("address")
    made["addresses"] = item.get("addresses") or ([one] if one else [])
    return made


def _output(item: Mapping[str, Any], where: str) -> dict[str, Any]:
    return {
        "index": whole(item.get("index"), where, "index"),
        "script_hex": item.get("script_hex") or "",
        "value": satoshi(item.get("value"), where),
    }


def satoshi(value: Any, where: str) -> int:
    """Return an amount in satoshi: a whole number, or a double of coins that names one exactly.

    Raises
    ------
    DumpError
        If it is neither: no number of satoshi has this double.
    """
    if not isinstance(value, float):
        return whole(value, where, "value")
    found = round(value * COIN) if abs(value) < 2**53 / COIN else -1
    if found < 0 or found / COIN != value:
        raise DumpError(
            f"{value!r} is the double of no amount in satoshi", where=where,
            remedy="get the amounts as whole numbers",
        )  # fmt: skip
    return found
