"""Coins that go into extension blocks and come out: who is joined, and where following ends."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import extension_chain
import polars as pl
import pytest
from extension_chain import FEE, PAID_IN, PAID_OUT, Extended

import chainwatch as cw
from chainwatch.addresses.scripts import classify
from chainwatch.chains.catalogue import chain
from chainwatch.heuristics.coinjoin import equal_outputs
from chainwatch.ledger.ledger import Ledger
from chainwatch.tracing.stops import POOL, REASONS


@pytest.fixture(scope="module")
def made() -> Extended:
    return extension_chain.chain()


@pytest.fixture
def ledger(made: Extended, maker: ModuleType, put: Callable, tmp_path: Path) -> Ledger:
    path = put("blk00000.dat", maker.framed(*made.blocks))
    cw.pull(tmp_path / "ledger", cw.BlockFiles(path, chain="ltc-regtest"))
    return cw.open_ledger(tmp_path / "ledger")


def address(script: bytes) -> bytes:
    found = classify(script).address
    assert found is not None
    return found


def test_the_blocks_are_of_the_network(made: Extended, maker: ModuleType) -> None:
    assert maker.sha256d(made.blocks[0][:80]) == chain("ltc-regtest").genesis


def test_every_transaction_has_the_id_of_its_plain_form(ledger: Ledger, made: Extended) -> None:
    rows = ledger.transactions.collect()
    for tx in (*made.moved_in, *made.ends):
        row = rows.row(by_predicate=pl.col("txid") == tx.txid, named=True)
        assert row["size"] == len(tx.raw)
        if tx in made.ends:
            assert (row["wtxid"], row["weight"]) == (None, 4 * len(tx.stripped))
    assert ledger.blocks.collect().sort("height")["size"].to_list() == list(map(len, made.blocks))
    assert cw.check(ledger).ok


def test_outputs_into_extension_blocks_have_a_kind_and_no_address(ledger: Ledger) -> None:
    odd = ledger.outputs.filter(pl.col("script_kind").str.starts_with("mweb")).collect()
    assert odd.sort("tx")["script_kind"].to_list() == ["mweb_pegin"] * 2 + ["mweb_hogaddr"] * 2
    assert odd["address"].null_count() == odd.height
    assert set(odd["spendable"]) == {True}


def test_it_joins_no_owners(ledger: Ledger) -> None:
    assert cw.co_spends(ledger, unless=None).frame.is_empty()


def test_what_goes_in_ends_there_with_its_amount(ledger: Ledger, made: Extended) -> None:
    assert POOL in REASONS
    for payer, amount in zip(made.payers, PAID_IN, strict=True):
        for stop in (None, equal_outputs()):
            found = cw.trace(
                ledger, [address(payer)], policy="fifo", chain="ltc-regtest", stop=stop
            )
            ends = dict(found.ends.group_by("reason").agg(pl.col("amount").sum()).iter_rows())
            assert ends[POOL] == amount
            assert ends["fee"] == FEE
            assert sum(ends.values()) == 50 * extension_chain.COIN
            assert set(found.ends.filter(pl.col("reason") == POOL)["address"]) == {None}


def test_what_comes_out_begins_anew(ledger: Ledger, made: Extended) -> None:
    found = cw.trace(ledger, [address(made.payee)], policy="fifo", chain="ltc-regtest")
    assert found.origins["amount"].to_list() == [PAID_OUT]
    assert found.ends["amount"].to_list() == [PAID_OUT]


def test_the_same_block_is_refused_where_there_are_no_extension_blocks(
    made: Extended, maker: ModuleType, put: Callable, tmp_path: Path
) -> None:
    path = put("alone.raw", made.blocks[-1])
    with pytest.raises(cw.errors.BlockError, match="read it as ltc-regtest"):
        cw.pull(tmp_path / "l", cw.BlockFiles(path, chain="doge-regtest", height=5))
