"""Blocks of sales, channels and anchors between owners who are known, read from their bytes."""

from __future__ import annotations

import polars as pl
import pytest

import chainwatch as cw
from chainwatch.ledger.features import transactions
from chainwatch.simulate.owners.simulation import simulate_owners
from chainwatch.sources.block_files import BlockFiles


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """Return what is true of a simulated chain, and the ledger that is read of it."""
    folder = tmp_path_factory.mktemp("owners")
    made = simulate_owners(11, part="fit", blocks=80)
    made.write(folder)
    cw.pull(folder / "ledger", BlockFiles(folder / "blocks.dat", chain="btc-regtest"))
    return made, cw.open_ledger(folder / "ledger")


@pytest.fixture(scope="module")
def judged(world):
    """Return the default links with kind and protocol of their transaction and both owners."""
    made, ledger = world
    links = pl.DataFrame(cw.co_spends(ledger).frame)
    owner = made.inputs.select("txid", "address", "owner").unique(["txid", "address"])
    ends = [owner.rename({"address": side, "owner": f"owner_{side}"}) for side in "ab"]
    found = links.join(ends[0], on=["txid", "a"]).join(ends[1], on=["txid", "b"])
    return found.join(made.transactions.select("txid", "kind", "protocol"), on="txid")


def test_no_seller_is_joined_to_a_buyer_or_to_another_seller(judged):
    sales = judged.filter((pl.col("kind") == "token sale") & (pl.col("protocol") == "offer"))
    differ = pl.col("owner_a") != pl.col("owner_b")
    between = sales.filter(differ)
    assert between.height > 10
    assert between["veto"].null_count() == between.height
    assert "partial_signing" in set(between["rule"]) <= {"partial_signing", "several_keys"}
    own = sales.filter(~differ & (pl.col("rule") == "co_spend"))
    assert own.height
    assert own["veto"].eq(False).all(), "what the buyer spends beside it stays his"


def test_sales_signed_in_full_are_not_told(judged):
    full = judged.filter((pl.col("kind") == "token sale") & (pl.col("protocol") != "offer"))
    assert full.filter(pl.col("owner_a") != pl.col("owner_b"))["rule"].unique().to_list() == [
        "co_spend"
    ]


def test_what_anybody_may_spend_joins_nobody(world, judged):
    made, _ = world
    anyone = made.addresses.filter(pl.col("owner").is_null())["address"].implode()
    at = judged.filter(pl.col("a").is_in(anyone) | pl.col("b").is_in(anyone))
    assert at.height
    assert set(at["veto"]) == {True}


def test_what_two_own_together_joins_neither(world):
    made, ledger = world
    channels = made.addresses.filter(pl.col("holders").list.len() > 1)["address"].implode()
    links = pl.DataFrame(cw.co_spends(ledger).frame)
    at = links.filter(pl.col("a").is_in(channels) | pl.col("b").is_in(channels))
    assert not at.filter(~pl.col("veto") & (pl.col("rule") != "co_spend")).height
    shown = ledger.inputs.filter(pl.col("quorum") == "2-of-2").select("tx").unique().collect()
    said = transactions(ledger).join(shown, on="tx", how="semi")
    assert shown.height
    assert said["spends_two_of_two"].all()
