"""What the inputs of real blocks say of themselves: whose they were, and how they are signed."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

import chainwatch as cw
from chainwatch.sources.block_files import BlockFiles

BLOCKS = {
    "250000": (493, 1),
    "277647": (732, 0),
    "300025": (1427, 3),
    "363703": (3042, 0),
    "574200": (5054, 26),
    "629999": (6285, 0),
}
"""Inputs, and those of them that name nobody: keys and multisigs without an address."""


@pytest.mark.parametrize("name", BLOCKS)
def test_lone_blocks_name_who_spends(name: str, real_data: Path, tmp_path: Path) -> None:
    cw.pull(tmp_path / "ledger", BlockFiles(real_data / f"bitcoin/blocks/{name}.raw"))
    ledger = cw.open_ledger(tmp_path / "ledger")
    inputs = ledger.inputs.collect()
    assert (inputs.height, inputs["address"].null_count()) == BLOCKS[name]
    assert inputs["sighash"].null_count() == 0
    assert cw.check(ledger).ok, "an output of the block is never denied by what unlocks it"
    # Before markets for tokens nobody signed in part beside others.
    open_ = inputs.filter(pl.col("sighash").str.contains("NONE|SINGLE|ANYONECANPAY"))
    assert open_.height == (1 if name == "574200" else 0)
    links = cw.co_spends(ledger)
    assert links.counts()["joining"] > 0
    assert links.counts_apart()["partly_signed"] == 0
    assert links.counts_apart()["revealed"] > 0
    fewer = cw.co_spends(ledger, revealed=False)
    assert fewer.counts_apart()["revealed"] == 0
    assert len(fewer.frame) < len(links.frame)
