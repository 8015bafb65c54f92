"""What a ledger reads of simulated signatures, with the outputs they spend and without."""

from __future__ import annotations

import polars as pl
import pytest

from chainwatch.addresses.unlocking import UNSIGNED
from chainwatch.ingest.pull import pull
from chainwatch.ledger.ledger import open_ledger
from chainwatch.sources.block_files import BlockFiles

SHOWN = ("p2pkh", "p2sh", "p2wpkh", "p2wsh")
"""Kinds of output whose unlocking names the address."""


def inputs_read(ledger):
    ids = ledger.transactions.select("tx", "txid")
    return ledger.inputs.join(ids, on="tx").select(
        "txid", "n", "address", "address_basis", "sighash"
    )


@pytest.fixture(scope="module")
def lone(hostile, tmp_path_factory):
    """Return inputs of the last third of the blocks alone, beside the truth of them."""
    folder = tmp_path_factory.mktemp("lone")
    data, frames = hostile.truth.blocks, []
    while data:
        size = 8 + int.from_bytes(data[4:8], "little")
        frames.append(data[:size])
        data = data[size:]
    (folder / "blocks.dat").write_bytes(b"".join(frames[-20:]))
    first = len(frames) - 20
    pull(
        folder / "ledger",
        BlockFiles(folder / "blocks.dat", chain="btc-regtest", height=first),
    )
    kinds = hostile.truth.outputs.select(
        "script_kind", "height", prev_txid="txid", prev_n="n"
    ).with_columns(lone=pl.col("height") < first)
    told = hostile.truth.inputs.filter(pl.col("height") >= first)
    told = told.join(kinds.drop("height"), on=["prev_txid", "prev_n"])
    read = inputs_read(open_ledger(folder / "ledger")).collect()
    return told.join(read, on=["txid", "n"], suffix="_read", how="left").filter("lone")


def test_flags_are_read_as_they_were_written(world):
    read = inputs_read(world.ledger).collect()
    both = world.truth.inputs.join(read, on=["txid", "n"], suffix="_read")
    assert both.height == world.truth.inputs.height
    signed = both.filter(pl.col("sighash").is_not_null())
    assert signed["sighash"].equals(signed["sighash_read"].alias("sighash"))
    assert signed["sighash"].n_unique() == 4
    unsigned = both.filter(pl.col("sighash").is_null())
    assert unsigned["sighash_read"].null_count() == 0, "blocks hold all that unlocks"
    silent = unsigned.filter(pl.col("sighash_read") != UNSIGNED)
    forged = world.truth.transactions.filter(trick="forged_key")
    assert silent.join(forged, on="txid", how="anti").height == 0


def test_lone_blocks_name_who_spends_and_forgers_name_others(lone):
    assert lone.height > 300
    named = lone.filter(pl.col("script_kind").is_in(SHOWN))
    assert named["address_read"].equals(named["address"].alias("address_read"))
    assert set(named["address_basis"]) == {"revealed"}
    rest = lone.filter(~pl.col("script_kind").is_in(SHOWN))
    wrong = rest.filter(pl.col("address_read").is_not_null())
    assert set(wrong["script_kind"]) == {"p2tr"}
    assert (wrong["sighash"].is_null()).all(), "only a forged key names somebody"
