"""What of a batch is new to the ledger: a row that is there already is not stored again.

Two units of reading may report one row: a block after some of its transactions, two addresses that
pay each other. The first report is kept. Reports that contradict each other are an error: a ledger
never holds two stories of one place in the chain.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from chainwatch.addresses.assets import made_or_burnt
from chainwatch.errors import InputError
from chainwatch.ingest.told_again import told_already
from chainwatch.ledger import schema

if TYPE_CHECKING:
    from chainwatch.ingest.protocol import Reader

_TABLES = {table.name: table for table in schema.TABLES}

_SAME = {
    "blocks": ("parent", "time"),
    "transactions": ("txid", "block", "time"),
    "inputs": ("prev_txid", "prev_n"),
    "outputs": ("value", "script_kind", "address"),
    "output_keys": ("key",),
    "input_keys": ("key",),
    "contract_logs": ("contract", "topic0", "topic1", "topic2", "topic3", "data"),
    "prices": ("price",),
}
"""Columns in which two reports of one row must not differ."""

_STATED = {"inputs": ("value", "address", "script_kind")}
"""Columns in which they must not differ where both know the value."""

_KNOWN = {"transfers": ("time", "height", "success")}
"""Columns in which they must not differ where both know them."""


def new_rows(name: str, frame: pl.DataFrame, reader: Reader) -> pl.DataFrame:
    """Return the rows that neither the ledger nor an earlier row of the frame holds.

    Raises
    ------
    InputError
        If the ledger, or the frame, holds a row of the same key that says otherwise.
    """
    table = _TABLES[name]
    key = list(table.key)
    given = table.conform(frame)
    if name == schema.TRANSFERS.name:  # whoever tells it, what comes from nobody is made
        given = given.with_columns(made_or_burnt(pl.col("kind")).alias("kind"))
    rows = given.unique(key, keep="first", maintain_order=True)
    if rows.height < given.height:
        _check_same(name, given, rows)
    if name == schema.TRANSFERS.name:
        rows = told_already(rows, reader.scan(name))
    held = _near(rows, reader.scan(name)).join(
        rows.lazy().select(key), on=key, how="semi", nulls_equal=True
    )
    columns = [*key, *_SAME.get(name, ()), *_STATED.get(name, ()), *_KNOWN.get(name, ())]
    known = held.select(columns).collect(engine="streaming")
    if not known.height:
        return rows
    _check_same(name, rows, known)
    return rows.join(known.select(key), on=key, how="anti", nulls_equal=True)


def _near(rows: pl.DataFrame, held: pl.LazyFrame) -> pl.LazyFrame:
    """Leave out the parts of the chain that the rows do not touch: most files are then not read."""
    place = next((name for name in ("tx", "height") if name in rows.columns), None)
    if place is None or rows[place].has_nulls():
        return held
    inside = pl.col(place).is_between(rows[place].min(), rows[place].max())
    # A row whose place nobody told before may be one of these.
    return held.filter(pl.col(place).is_null() | inside)


def _check_same(name: str, rows: pl.DataFrame, known: pl.DataFrame) -> None:
    key, stated, known_too = list(_TABLES[name].key), _STATED.get(name, ()), _KNOWN.get(name, ())
    both = rows.join(known, on=key, how="inner", nulls_equal=True, suffix="_held").sort(key)
    for column in (*_SAME.get(name, ()), *stated, *known_too):
        differ = ~pl.col(column).eq_missing(pl.col(f"{column}_held"))
        if column in stated:
            differ &= pl.all_horizontal(pl.col("value", "value_held").is_not_null())
        if column in known_too:
            differ &= pl.all_horizontal(pl.col(column, f"{column}_held").is_not_null())
        for row in both.filter(differ).head(1).iter_rows(named=True):
            raise InputError(
                f"{name} has {column} {_shown(row[column])}, but "
                f"{_shown(row[f'{column}_held'])} was read there before",
                where=_place(row),
                remedy="find out which source is right, and read only that one into a new ledger",
            )


def _shown(value: object) -> str:
    if isinstance(value, bytes):
        return value.hex()
    return f"{value:%Y-%m-%d %H:%M:%S.%f}" if hasattr(value, "strftime") else str(value)


def _place(row: dict[str, object]) -> str:
    number, txid = row.get("tx"), row.get("txid")
    if isinstance(number, int):
        height, position = divmod(number, 1 << schema.POSITION_BITS)
        return f"height {height:,}, transaction {position:,}"
    if isinstance(txid, bytes):
        return f"transaction {txid.hex()}"
    return f"height {row.get('height')}"
