"""Who stands in a transaction is asked of the ledger, whether or not a table names them."""

from __future__ import annotations

import polars as pl
import pytest

from chainwatch.addresses.assets import native
from chainwatch.ledger import schema
from chainwatch.ledger.ledger import Ledger
from chainwatch.privacy.edition import DISCLOSURE
from chainwatch.privacy.mask_rows import parties
from chainwatch.privacy.masked_view import UNNAMED, masked_view, parties_by_transaction
from chainwatch.tracing.policies import fifo
from chainwatch.tracing.trace import trace

Tables = dict[str, pl.DataFrame]
KEY = bytes(32)


def paid(tables: Tables) -> tuple[bytes, bytes, bytes]:
    """Return who is paid in a transaction, who pays in it, and its id."""
    split = schema.pack_tx(2, 1)
    subject = tables["outputs"].filter(pl.col("tx") == split)["address"][0]
    payer = tables["inputs"].filter(pl.col("tx") == split)["address"][0]
    txid = tables["transactions"].filter(pl.col("tx") == split)["txid"][0]
    return subject, payer, txid


def test_an_origin_paid_by_somebody_named_nowhere_is_withheld(tables: Tables) -> None:
    subject, payer, txid = paid(tables)
    ledger = Ledger.from_tables(tables)
    found = trace(ledger, [subject], policy=fifo)
    assert txid in found.origins["txid"].to_list()
    named = {who for _, who in parties(found)}
    assert payer not in named, "no table names who paid"
    beside = parties_by_transaction(ledger, [found])
    chain = native("btc-regtest").chain
    assert {subject, payer} <= beside[chain, txid]
    shown = masked_view([found], DISCLOSURE, KEY, beside).tables["origins"]
    assert txid[::-1].hex() not in shown["txid"].to_list()
    assert shown["summed"].null_count() == 0, "no row of a masked payer is listed by itself"


@pytest.mark.parametrize("made", [True, False])
def test_who_pays_by_an_input_without_an_address_is_masked(tables: Tables, made: bool) -> None:
    subject, payer, txid = paid(tables)
    blank = pl.when(pl.col("address") == pl.lit(payer)).then(None)
    unread = [] if made else [blank.otherwise(pl.col("value")).alias("value")]
    tables["inputs"] = tables["inputs"].with_columns(
        blank.otherwise(pl.col("address")).alias("address"), *unread
    )
    if not made:
        tables["outputs"] = tables["outputs"].filter(pl.col("tx") != schema.pack_tx(1, 0))
    ledger = Ledger.from_tables(tables)
    found = trace(ledger, [subject], policy=fifo)
    beside = parties_by_transaction(ledger, [found])
    assert UNNAMED in beside[native("btc-regtest").chain, txid]


def test_nobody_pays_in_a_coinbase(tables: Tables) -> None:
    ledger = Ledger.from_tables(tables)
    miner = tables["inputs"]["address"][0]
    beside = parties_by_transaction(ledger, [trace(ledger, [miner], policy=fifo)])
    first = tables["transactions"].filter(pl.col("coinbase"))["txid"].to_list()
    assert not [1 for (_, txid), who in beside.items() if txid in first and UNNAMED in who]
