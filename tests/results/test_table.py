"""A table declares of every column what it may give away."""

from __future__ import annotations

from typing import Any

import polars as pl
import pytest

from chainwatch.errors import InputError
from chainwatch.ledger import schema
from chainwatch.results.table import CHAIN, TXID, Column, Privacy, Rows, Table

PAID = Table(
    "paid",
    ("txid",),
    "Payments.",
    (CHAIN, TXID, Column.party("to", "who"), Column.amount("sum", "a")),
)


def test_a_column_without_a_class_cannot_be_declared() -> None:
    untold: Any = Column
    with pytest.raises(TypeError):
        untold("label", pl.String)
    with pytest.raises(InputError, match="'label' is declared without a privacy class; say what"):
        untold("label", pl.String, "the name that a source gives", "label")


def test_a_frame_may_lack_columns_and_have_no_others() -> None:
    frame = pl.DataFrame({"chain": ["x"], "to": [b"a"]})
    assert PAID.rows(frame) == Rows(frame, PAID)
    with pytest.raises(InputError, match="column 'why' of table 'paid' is not declared"):
        PAID.rows(frame.with_columns(why=pl.lit("because")))


def test_a_table_without_a_key_is_ordered_by_all_columns() -> None:
    frame = PAID.empty().select("sum", "to")
    assert PAID.rows(frame).key == ("txid",)
    assert PAID.pick("sum", "to", name="sums").rows(frame).key == ("sum", "to")


def test_picked_columns_keep_their_declaration() -> None:
    picked = PAID.pick("to", "chain", name="payees").plus(Column.amount("rest", "what is left"))
    assert picked.names == ["to", "chain", "rest"]
    assert picked["to"] is PAID["to"]
    assert (picked.name, picked.meaning) == ("payees", PAID.meaning)
    with pytest.raises(InputError, match="'nobody'"):
        PAID.pick("nobody")


@pytest.mark.parametrize("table", [*schema.TABLES, schema.COMMITS], ids=lambda table: table.name)
def test_every_address_and_id_of_a_ledger_is_declared_as_one(table: Table) -> None:
    """Bytes are a party, a contract, an id, a digest, or a text that anybody may have written."""
    shown = {Privacy.PARTY, Privacy.CONTRACT, Privacy.TXID, Privacy.DIGEST, Privacy.TEXT,
             Privacy.STRANGER}  # fmt: skip
    for column in table.columns:
        if column.dtype == pl.Binary:
            assert column.privacy in shown, column.name
        if column.name in ("address", "sender", "receiver"):
            assert column.privacy is Privacy.PARTY
