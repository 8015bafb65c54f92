"""The schema: its list is complete, its keys are columns, and it refuses what does not fit."""

from __future__ import annotations

from datetime import UTC, datetime

import polars as pl
import pytest

from chainwatch.errors import LedgerError
from chainwatch.ledger import schema

EVERY = [*schema.TABLES, schema.COMMITS]


def price() -> pl.DataFrame:
    return pl.DataFrame(
        {
            "chain": ["bip122:000000000019d6689c085ae165831e93"],
            "contract": [None],
            "currency": ["EUR"],
            "granularity": ["day"],
            "time": [datetime(2023, 6, 1, tzinfo=UTC)],
            "price": ["25000"],
            "source": ["test"],
        }
    )


def test_the_list_of_tables_is_complete() -> None:
    written = {value for value in vars(schema).values() if isinstance(value, schema.Table)}
    assert written == set(EVERY)
    names = [table.name for table in EVERY]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("table", EVERY, ids=lambda table: table.name)
def test_keys_are_columns_and_columns_are_told(table: schema.Table) -> None:
    names = [column.name for column in table.columns]
    assert len(set(names)) == len(names)
    assert set(table.key) <= set(names)
    assert table.meaning.endswith(".")
    assert all(column.meaning for column in table.columns)


@pytest.mark.parametrize("table", EVERY, ids=lambda table: table.name)
def test_no_column_is_unsigned_or_a_float(table: schema.Table) -> None:
    kept = (pl.Int64, pl.String, pl.Binary, pl.Boolean, pl.Date, schema.TIME, pl.Decimal)
    assert [name for name, dtype in table.schema.items() if dtype not in kept] == []


@pytest.mark.parametrize("table", EVERY, ids=lambda table: table.name)
def test_an_empty_frame_conforms(table: schema.Table) -> None:
    assert table.conform(table.empty()).schema == pl.Schema(table.schema)


def test_commits_hold_a_version_of_every_table() -> None:
    versions = [name for name in schema.COMMITS.schema if name.endswith("_version")]
    assert versions == [f"{table.name}_version" for table in schema.TABLES]


def test_conform_orders_and_casts_without_loss() -> None:
    given = price().select(pl.col("source"), pl.exclude("source"))
    made = schema.PRICES.conform(given)
    assert made.columns == list(schema.PRICES.schema)
    assert made["contract"].dtype == pl.Binary


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"extra": pl.lit(1)}, "extra"),
        ({"source": pl.lit(None, pl.String)}, "source"),
        ({"price": pl.lit(25_000)}, "price"),
        ({"price": pl.lit(0.1 + 0.2)}, "price"),
        ({"time": pl.lit("yesterday")}, "time"),
        ({"time": pl.lit(datetime(2023, 6, 1))}, "time"),  # noqa: DTZ001 the zone is the point
    ],
)
def test_conform_refuses(change: dict[str, pl.Expr], told: str) -> None:
    with pytest.raises(LedgerError, match=told):
        schema.PRICES.conform(price().with_columns(**change))


def test_conform_refuses_a_missing_column() -> None:
    with pytest.raises(LedgerError, match="chain"):
        schema.PRICES.conform(price().drop("chain"))


@pytest.mark.parametrize("value", [2**63, -(2**63) - 1])
def test_conform_refuses_an_integer_beyond_64_bits(value: int) -> None:
    rows = pl.DataFrame({name: [None] for name in schema.OUTPUT_KEYS.schema}).with_columns(
        k=pl.Series([value], dtype=pl.Int128)
    )
    with pytest.raises(LedgerError, match="k"):
        schema.OUTPUT_KEYS.conform(rows)


def test_numbers_of_transactions_are_ordered_like_the_chain() -> None:
    assert schema.pack_tx(1, 0) > schema.pack_tx(0, 2**24 - 1)
    assert schema.pack_tx(850_000, 3) >> schema.POSITION_BITS == 850_000
