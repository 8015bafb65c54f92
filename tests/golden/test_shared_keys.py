"""What keys the multisigs of real blocks share: one with thousands, the key of a co-signer."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

import chainwatch as cw
from chainwatch.sources.block_files import BlockFiles

BLOCKS = {"363703": (154, 1), "574200": (582, 17), "629999": (1_727, 5)}
"""Multisigs that show their keys in each, and how many keys stand in several of them."""


@pytest.fixture(scope="module")
def shown(real_data: Path, tmp_path_factory: pytest.TempPathFactory) -> pl.DataFrame:
    """Return the keys that inputs of three blocks show: ``block, address, quorum, key``."""
    frames = []
    for name in BLOCKS:
        folder = tmp_path_factory.mktemp("block") / "ledger"
        cw.pull(folder, BlockFiles(real_data / f"bitcoin/blocks/{name}.raw"))
        ledger = cw.open_ledger(folder)
        whose = ledger.inputs.select("tx", "n", "address", "quorum")
        rows = ledger.input_keys.join(whose, on=["tx", "n"]).collect()
        asked = pl.format("{}-of-{}", "required", pl.len().over("tx", "n"))
        assert (rows.select(asked).to_series() == rows["quorum"]).all()
        frames.append(rows.select("address", "quorum", "key", block=pl.lit(name)).unique())
        assert cw.key_set_changes(ledger).frame.is_empty()
    return pl.concat(frames)


def test_every_address_has_one_set_of_keys(shown: pl.DataFrame) -> None:
    each = shown.group_by("address").agg(pl.col("quorum").n_unique())
    assert each["quorum"].max() == 1
    for name, (addresses, shared) in BLOCKS.items():
        rows = shown.filter(block=name)
        keys = rows.group_by("key").agg(pl.col("address").n_unique().alias("sets"))
        assert rows["address"].n_unique() == addresses
        assert keys.filter(pl.col("sets") > 1).height == shared


def test_strangers_share_one_key_and_nobody_two(shown: pl.DataFrame) -> None:
    keys = shown.select("address", "quorum", "key").unique()
    both = keys.join(keys, on="key").filter(pl.col("address") < pl.col("address_right"))
    pairs = both.group_by("address", "address_right").agg(
        pl.len().alias("shared"), pl.col("quorum", "quorum_right").first()
    )
    assert pairs["shared"].value_counts().rows() == [(1, 8_252)]
    cosigned = pairs.filter(quorum="2-of-2", quorum_right="2-of-2")
    assert cosigned.height == 8_227
    most = keys.group_by("key").agg(pl.col("address").n_unique().alias("sets"))["sets"].max()
    assert most == 120
