"""The default veto on simulated owners, whose mixes and owners are known: what it must not miss."""

from __future__ import annotations

import polars as pl
import pytest

import chainwatch as cw
from chainwatch.heuristics.coinjoin import JOINT
from chainwatch.heuristics.rule import VERDICT
from chainwatch.simulate.owners.simulation import simulate_owners
from chainwatch.sources.block_files import BlockFiles

EQUAL = ("joinmarket", "wasabi1.0", "wasabi1.1", "wasabi2", "whirlpool")
"""Protocols that give several owners the same amount; Stonewall's two are doubted."""


@pytest.fixture(scope="module", params=[False, True], ids=["honest", "adversarial"])
def judged(request, tmp_path_factory):
    """Return each transaction of several input addresses with its truth and the verdict."""
    folder = tmp_path_factory.mktemp("owners")
    made = simulate_owners(7, part="fit", blocks=80, adversarial=request.param)
    made.write(folder)
    cw.pull(folder / "ledger", BlockFiles(folder / "blocks.dat", chain="btc-regtest"))
    ledger = cw.open_ledger(folder / "ledger")
    several = (
        ledger.inputs.group_by("tx").agg(pl.col("address").n_unique()).filter(pl.col("address") > 1)
    )
    said = cw.ask(ledger, JOINT).frame.join(several.collect(), on="tx", how="semi")
    return pl.DataFrame(said).select("txid", VERDICT).join(made.transactions, on="txid")


def test_no_mix_of_equal_outputs_joins_its_owners(judged):
    mixes = judged.filter(pl.col("protocol").is_in(EQUAL) & pl.col("joint"))
    assert mixes["protocol"].n_unique() >= 4
    assert not mixes.filter(~pl.col(VERDICT)).height


def test_a_stonewall_of_two_owners_is_doubted(judged):
    walls = judged.filter((pl.col("protocol") == "stonewall_x2") & pl.col("joint"))
    assert walls.height
    assert walls[VERDICT].is_null().all()


def test_who_prepares_coins_for_a_mix_is_hardly_ever_taken_for_one(judged):
    """He is doubted where his coins would fit a mix: strangers can give theirs his shape."""
    alone = judged.filter((pl.col("protocol") == "whirlpool") & ~pl.col("joint"))
    assert alone.height
    assert alone.filter(pl.col(VERDICT)).height / alone.height < 0.1


def test_plain_payments_are_no_mix(judged):
    plain = judged.filter(pl.col("kind").is_in(["payment", "consolidation", "purchase"]))
    plain = plain.filter(~pl.col("joint") & pl.col("trick").is_null())
    assert plain.height > 100
    assert (~plain[VERDICT]).all()


def test_a_batch_of_one_payer_is_never_called_a_mix(judged):
    """It may be doubted: equal payments from several addresses look like one."""
    batches = judged.filter(pl.col("kind") == "batch", pl.col("trick").is_null())
    assert batches.height
    assert not batches.filter(pl.col(VERDICT)).height
