"""A table declares of every column what it may give away."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import polars as pl
import pytest

from chainwatch.addresses.canonical import text
from chainwatch.chains.catalogue import chain as chain_of
from chainwatch.errors import InputError
from chainwatch.ledger import schema
from chainwatch.privacy.edition import DISCLOSURE, Edition
from chainwatch.privacy.mask_tables import mask_table
from chainwatch.results.roles import SUBJECT
from chainwatch.results.table import CHAIN, TIME, TXID, Column, Privacy, Rows, Table, holds
from chainwatch.units import AMOUNT

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


TYPES = (
    pl.Boolean, pl.Int64, pl.UInt8, pl.Float64, AMOUNT, pl.String, pl.Binary, pl.Date, TIME,
    pl.Time, pl.Duration("us"), pl.List(pl.Binary), pl.Struct({"a": pl.String}), pl.Categorical(),
    pl.Enum(["a"]), pl.Object, pl.Null,
)  # fmt: skip
SECRET: dict[object, object] = {
    pl.Int64: 1_234_567, pl.UInt8: 123, AMOUNT: Decimal(1_234_567), pl.String: "Jane, 1234567",
    pl.Binary: bytes(range(32)), pl.Date: date(2022, 3, 7),
    TIME: datetime(2022, 3, 7, 12, 30, tzinfo=UTC),
}  # fmt: skip
OPEN = {Privacy.SIDE, Privacy.KIND, Privacy.WORD, Privacy.FLAG, Privacy.CONTRACT}
"""Classes whose values are shown as they are: whoever declares one says that it gives nothing."""


@pytest.mark.parametrize("privacy", list(Privacy))
def test_a_class_shows_no_value_of_a_masked_row_in_any_type_that_it_admits(
    privacy: Privacy,
) -> None:
    masked, subject = b"\x03" + bytes([7]) * 20, b"\x03" + bytes([8]) * 20
    chain = chain_of("btc").id
    edition = Edition(DISCLOSURE, bytes(16), {(chain, subject): SUBJECT})
    admitted = [dtype for dtype in TYPES if holds(privacy, dtype)]
    assert admitted
    for dtype in (one for one in admitted if one in SECRET and privacy not in OPEN):
        secret = masked if privacy is Privacy.PARTY else SECRET[dtype]
        secret = masked.hex() if privacy is Privacy.BEHIND else secret
        table = Table("t", (), "One.", (
            CHAIN, Column.party("who", "one"), Column.party("me", "two"),
            Column("cell", dtype, privacy, "a cell"),
        ))  # fmt: skip
        frame = pl.DataFrame([(chain, masked, subject, secret)], schema=table.schema, orient="row")
        shown = mask_table(table.rows(frame), [chain], edition).frame
        told = str(shown.get_columns())
        for form in ("1234567", "1,234,567", "Jane", "2022-03-07", bytes(range(32)).hex(), "123"):
            assert form not in told, (privacy, dtype, told)
        assert text(masked, "btc") not in told


@pytest.mark.parametrize("privacy", list(Privacy))
def test_a_type_that_a_class_cannot_mask_is_refused(privacy: Privacy) -> None:
    for dtype in TYPES:
        if holds(privacy, dtype):
            Column("cell", dtype, privacy, "a cell")
        else:
            with pytest.raises(InputError, match="does not know how to mask"):
                Column("cell", dtype, privacy, "a cell")
    table = Table("t", (), "One.", (Column.text("note", "a text"),))
    with pytest.raises(InputError, match=r"'note' of table 't' holds List\(String\)"):
        table.rows(pl.DataFrame({"note": [["a"]]}))


def test_a_column_is_declared_once() -> None:
    with pytest.raises(InputError, match="declares a column twice"):
        Table("t", (), "Twice.", (TXID, TXID))


def test_parties_without_a_chain_are_refused() -> None:
    table = Table("t", (), "One.", (Column.party("who", "one"),))
    rows = table.rows(pl.DataFrame({"who": [b"\x03" + bytes(20)]}))
    with pytest.raises(InputError, match="names parties and not their chain"):
        mask_table(rows, [""], Edition(DISCLOSURE, bytes(16)))
