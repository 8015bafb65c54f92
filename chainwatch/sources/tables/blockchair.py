"""Blockchair's dumps of a coin chain (four tables) as the rows that bitcoin-etl writes.

An output stands in two tables: where it is made and, with what unlocks it, where it is spent. No
column has the place of a transaction in its block: that is the order of the file, and proven.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from chainwatch.errors import DumpError
from chainwatch.sources.tables.coin_cells import seconds, whole
from chainwatch.sources.transfer_dump.source import table_bytes
from chainwatch.sources.transfer_dump.table import TextTable

_TX = ("block_id", "hash", "time", "size", "weight", "version", "lock_time", "is_coinbase")
_OUTPUTS = ("transaction_hash", "index", "value", "script_hex")
_INPUTS = (
    "transaction_hash", "index", "value", "recipient", "type", "spending_transaction_hash",
    "spending_index", "spending_sequence", "spending_signature_hex",
)  # fmt: skip
_BLOCKS = (
    "id", "hash", "time", "size", "version", "merkle_root", "nonce", "bits", "coinbase_data_hex",
    "transaction_count",
)  # fmt: skip

Row = dict[str, Any]


def blockchair_rows(path: Path, files: Mapping[str, Path]) -> tuple[list[Row], list[Row]]:
    """Return transactions and blocks as bitcoin-etl writes them.

    Parameters
    ----------
    path : Path
        Table of transactions.
    files : mapping of str to Path
        Tables ``blocks``, ``inputs`` and ``outputs``.

    Raises
    ------
    DumpError
        If a column is missing, a cell is none, or a row is of a transaction or block that is not
        there.
    """
    blocks = [_block(row, files["blocks"].name) for row in _read(files["blocks"], _BLOCKS)]
    hashes = {row["number"]: row["hash"] for row in blocks}
    made: dict[str, Row] = {}
    for row in _read(path, _TX):
        where = f"{path.name} line {row['line']:,}"
        if row["hash"] in made:
            raise DumpError("a transaction stands there twice", where=where, remedy=_ONE)
        made[row["hash"]] = _transaction(row, hashes, where)
    for row in _read(files["outputs"], _OUTPUTS):
        where = f"{files['outputs'].name} line {row['line']:,}"
        _of(made, row["transaction_hash"], where)["outputs"].append(
            {"index": whole(row["index"], where, "index"), "script_hex": row["script_hex"],
             "value": whole(row["value"], where, "value")}
        )  # fmt: skip
    for row in _read(files["inputs"], _INPUTS):
        where = f"{files['inputs'].name} line {row['line']:,}"
        _of(made, row["spending_transaction_hash"], where)["inputs"].append(_input(row, where))
    for tx in made.values():
        tx["inputs"].sort(key=lambda item: item["index"])
        tx["outputs"].sort(key=lambda item: item["index"])
    return list(made.values()), blocks


_ONE = "give the tables of one day of one dump"


def _read(path: Path, columns: tuple[str, ...]) -> list[Row]:
    table = TextTable(table_bytes(path), path.name)
    return table.rows({one: one for one in columns}).rows(named=True)


def _of(made: Mapping[str, Row], txid: str, where: str) -> Row:
    if txid not in made:
        raise DumpError("a row of a transaction that is not there", where=where, remedy=_ONE)
    return made[txid]


def _block(row: Row, name: str) -> Row:
    where = f"{name} line {row['line']:,}"
    return {
        "hash": row["hash"], "number": whole(row["id"], where, "id"),
        "size": whole(row["size"], where, "size"),
        "version": whole(row["version"], where, "version"), "merkle_root": row["merkle_root"],
        "timestamp": seconds(row["time"], where),
        "nonce": f"{whole(row['nonce'], where, 'nonce'):x}",
        "bits": f"{whole(row['bits'], where, 'bits'):x}",
        "coinbase_param": row["coinbase_data_hex"],
        "transaction_count": whole(row["transaction_count"], where, "transaction_count"),
    }  # fmt: skip


def _transaction(row: Row, hashes: Mapping[int, str], where: str) -> Row:
    height = whole(row["block_id"], where, "block_id")
    if height not in hashes:
        raise DumpError("a transaction of a block that is not there", where=where, remedy=_ONE)
    return {
        "hash": row["hash"], "block_hash": hashes[height], "block_number": height,
        "block_timestamp": seconds(row["time"], where),
        "version": whole(row["version"], where, "version"),
        "lock_time": whole(row["lock_time"], where, "lock_time"),
        "is_coinbase": row["is_coinbase"] in ("1", "true"), "inputs": [], "outputs": [],
        "size": whole(row["size"], where, "size"),
        "virtual_size": (whole(row["weight"], where, "weight") + 3) // 4,
    }  # fmt: skip


def _input(row: Row, where: str) -> Row:
    return {
        "index": whole(row["spending_index"], where, "spending_index"),
        "spent_transaction_hash": row["transaction_hash"],
        "spent_output_index": whole(row["index"], where, "index"),
        "script_hex": row["spending_signature_hex"],
        "sequence": whole(row["spending_sequence"], where, "spending_sequence"),
        "type": row["type"], "addresses": [row["recipient"]] if row["recipient"] else [],
        "value": whole(row["value"], where, "value"),
    }  # fmt: skip
