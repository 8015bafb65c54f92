"""Tables of logs: what contracts logged of the events that a ledger keeps, word for word.

Transfers of tokens are among the logs of an export too; they are read from its table of transfers,
where it says what they move.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

import polars as pl

from chainwatch.addresses.canonical import Kind
from chainwatch.addresses.diagnose import quoted
from chainwatch.chains.base import Chain
from chainwatch.errors import DumpError
from chainwatch.ingest.protocol import Batch
from chainwatch.ingest.rows.evidence import coverage_frame
from chainwatch.ingest.source_file import FileRead, answer, later_than_read
from chainwatch.ledger import schema
from chainwatch.ledger.accounts.contract_events import EDITION, LOGS, kept_topics
from chainwatch.sources.tables.coin_cells import seconds, whole
from chainwatch.sources.tables.nested import nested_rows
from chainwatch.sources.tables.shape import Shape, find
from chainwatch.sources.transfer_dump.json_rows import is_json
from chainwatch.sources.transfer_dump.parquet_rows import is_parquet
from chainwatch.sources.transfer_dump.table import TextTable, text_of
from chainwatch.units import counted

_HEX = re.compile(r"(?:0x)?((?:[0-9a-fA-F]{2})*)")
_MOST = {"position": 1 << schema.POSITION_BITS, "log_index": 1 << 31, "height": 1 << 38}
_TOPICS = ("topic0", "topic1", "topic2", "topic3")


def log_batch(table: TextTable, shape: Shape, chain: Chain, file: FileRead) -> Batch:
    """Return the logs of a table that a ledger keeps.

    Parameters
    ----------
    table : TextTable
        The table.
    shape : Shape
        Its kind.
    chain : Chain
        Its chain.
    file : FileRead
        The file it is of.

    Raises
    ------
    DumpError
        For the first row that is no log of the chain; a row of another event is not looked at.
    """
    if chain.family != "evm":
        raise DumpError(
            f"logs of this form are of EVM chains, and {chain.name} is none", where=table.name,
            remedy="name the chain of the table",
        )  # fmt: skip
    kept, rows, every = kept_topics(), [], 0
    for line, row in _rows(table, shape):
        every += 1
        where = f"{table.name} row {line:,}"
        topics = _topics(row, where)
        if topics and topics[0] in kept:
            rows.append(_row(row, topics, chain, where))
    frame = pl.DataFrame(rows, schema=schema.CONTRACT_LOGS.schema, orient="row")
    undated = frame["time"].null_count()
    notes = [
        f"{frame.height:,} of {counted(every, 'log is', 'logs are')} of events that ledgers keep:"
        " of bridges, and of owners of accounts"
    ]
    if undated:
        notes.append(f"{counted(undated, 'log has', 'logs have')} a height and no time")
    tables = {
        "contract_logs": frame, "coverage": _coverage(frame, chain, shape.name, file),
        "answers": answer(file, shape.name),
    }  # fmt: skip
    what = f"{table.name}: {frame.height:,} logs"
    return Batch(tables, tuple(tables["coverage"]["unit"]), what,
                 notes=(*notes, *later_than_read(frame["time"], file)))  # fmt: skip


def _coverage(frame: pl.DataFrame, chain: Chain, source: str, file: FileRead) -> pl.DataFrame:
    """Return the unit of the file: it does not say that it holds every log of any block."""
    unit = f"dump/{file.digest.hex()}/{LOGS}/{EDITION}"
    return coverage_frame([
        {"chain": chain.id, "unit": unit, "kind": "dump", "from_time": frame["time"].min(),
         "to_time": frame["time"].max(), "source": source, "answer": file.digest}
    ])  # fmt: skip


def _rows(table: TextTable, shape: Shape) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield rows under our names, each with its number; cells as the file has them."""
    header = table.names()
    said = {**shape.columns, **shape.may}
    columns = {ours: there for ours, one in said.items() if (there := find(str(one), header))}
    flat = not is_parquet(table.data) and not is_json(text_of(table.data, table.name))
    if flat:
        for row in table.rows(columns).iter_rows(named=True):
            yield row["line"], row
        return
    for line, row in enumerate(nested_rows(table.data, table.name), start=1):
        yield line, {ours: row.get(column) for ours, column in columns.items()}


def _topics(row: Mapping[str, Any], where: str) -> list[bytes]:
    """Return the topics of a log: a list, one text with commas, or a column for each."""
    cells: Any
    if "topics" not in row:
        cells = [row.get(name) for name in _TOPICS]
    elif isinstance(row["topics"], str):
        cells = re.sub(r"[\[\]'\" ]", "", row["topics"]).split(",")
    else:
        cells = row["topics"] if row["topics"] is not None else []
        if not isinstance(cells, list):
            raise _no_log("topics is no list of topics", where)
    given = [one for one in cells if one is not None and one != ""]
    if len(given) > len(_TOPICS):
        raise _no_log("a log has more than four topics", where)
    return [_bytes(one, 32, where, "topics") for one in given]


def _row(row: Mapping[str, Any], topics: list[bytes], chain: Chain, where: str) -> dict[str, Any]:
    numbers = {name: _number(row[name], where, name) for name in _MOST}
    said = dict.fromkeys(_TOPICS[1:]) | dict(zip(_TOPICS, topics, strict=False))
    time = row.get("time")
    return {
        "chain": chain.id,
        "txid": _bytes(row["txid"], 32, where, "transaction_hash"),
        "log_index": numbers["log_index"],
        "tx": schema.pack_tx(numbers["height"], numbers["position"]),
        "height": numbers["height"],
        "time": None if time in (None, "") else _moment(time, where),
        "contract": bytes([Kind.EVM]) + _bytes(row["contract"], 20, where, "address"),
        "data": _bytes(row["data"], None, where, "data"),
        **said,
    }


def _moment(value: Any, where: str) -> datetime:
    return datetime.fromtimestamp(seconds(value, where), UTC)


def _number(value: Any, where: str, name: str) -> int:
    found = whole(value, where, name)
    if not 0 <= found < _MOST[name]:
        raise _no_log(f"{found} is no {name.replace('_', ' ')}", where)
    return found


def _bytes(value: Any, size: int | None, where: str, column: str) -> bytes:
    """Return bytes that stand there as such, or in hexadecimal."""
    if isinstance(value, str):
        found = _HEX.fullmatch(value)
        value = None if found is None else bytes.fromhex(found[1])
    elif value is None and size is None:
        value = b""
    if not isinstance(value, bytes) or (size is not None and len(value) != size):
        what = "bytes" if size is None else f"{size} bytes"
        raise _no_log(f"the cell holds no {what} in hexadecimal", f"{where}, {quoted(column)}")
    return value


def _no_log(what: str, where: str) -> DumpError:
    return DumpError(what, where=where, remedy="export the logs again, whole and as they are")
