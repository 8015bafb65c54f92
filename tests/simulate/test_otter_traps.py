"""The case holds the traps that it promises: what breaks shared spending, change and custody."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

import polars as pl
import pytest

from chainwatch.simulate.vendors import DENOMINATION


def outs(case, txid):
    return case.coins.filter(pl.col("txid") == txid).to_dicts()


def test_one_coinjoin_and_kelp_is_in_it(case, spends):
    found = []
    for txid, coins in spends.items():
        value, count = Counter(out["value"] for out in outs(case, txid)).most_common(1)[0]
        owners = {coin["owner"] for coin in coins}
        if len(owners) >= 5 and count >= 5:
            found.append((txid, value, count, owners))
    ((txid, value, count, owners),) = found
    assert (value, count, len(owners)) == (DENOMINATION, 10, 10)
    assert "Kelp" in owners
    equal = [out["owner"] for out in outs(case, txid) if out["value"] == value]
    assert sorted(equal) == sorted(owners)


def test_only_coinjoin_and_payjoin_have_several_owners(case, spends):
    joint = {txid for txid, coins in spends.items() if len({coin["owner"] for coin in coins}) > 1}
    purposes = case.payments.filter(pl.col("txid").is_in(list(joint)))
    assert len(joint) == 2
    assert set(purposes["purpose"]) == {"coinjoin fee", "payjoin purchase"}


def test_payjoin_receiver_is_among_the_spenders(case, spends):
    (paid,) = case.payments.filter(purpose="payjoin purchase").to_dicts()
    owners = [coin["owner"] for coin in spends[paid["txid"]]]
    assert sorted(owners) == sorted([paid["from_owner"], paid["to_owner"]])
    values = [out["value"] for out in outs(case, paid["txid"])]
    assert paid["amount"] not in values


def sweeps(case, spends, exchange):
    return [
        coins
        for coins in spends.values()
        if {c["wallet"] for c in coins} == {f"{exchange} deposits"}
    ]


def test_harbour_never_spends_two_deposit_addresses_together(case, spends):
    harbour, northbank = (sweeps(case, spends, name) for name in ("Harbour", "Northbank"))
    assert len(harbour) > 20
    assert max(len(coins) for coins in harbour) == 1
    assert max(len({c["address"] for c in coins}) for coins in northbank) > 3


def test_kelp_and_the_campaign_bank_at_harbour(case):
    held = case.truth.filter(pl.col("wallet") == "Harbour deposits")
    assert {"Kelp", "Lantern", "Quay"} <= set(held["customer"])


def test_deposit_addresses_have_one_customer_each(case):
    held = case.truth.filter(pl.col("wallet").str.ends_with(" deposits"))
    held = held.filter(pl.col("role") == "exchange")
    assert held["customer"].null_count() == 0
    assert not held.select("owner", "customer").is_duplicated().any()


def test_withdrawals_are_batched(case, txs):
    batches = case.payments.filter(purpose="withdrawal").group_by("txid").len()
    assert 10 <= batches["len"].max() <= 25


def test_kelp_peels_one_coin_through_a_chain(case, spends):
    """Five payments in a row, each one input and two outputs, each from the last one's change."""
    hops = [
        txid
        for txid, coins in spends.items()
        if len(coins) == 1 and coins[0]["owner"] == "Kelp" and len(outs(case, txid)) == 2
    ]
    longest = length = 0
    for before, hop in pairwise(hops):
        length = length + 1 if spends[hop][0]["txid"] == before else 0
        longest = max(longest, length)
    assert longest == 4


def test_campaign_pools_and_keeps(case, spends):
    pools = [coins for coins in spends.values() if coins[0]["wallet"] == "Lantern wallet"]
    assert max(len({coin["address"] for coin in coins}) for coins in pools) > 5
    totals = case.summary()["campaign"]
    assert totals["kept"] > 0
    assert totals["cashed_out"] > 0
    assert totals["donors"] > 20


def test_dust_is_spent_with_other_coins(case, spends):
    bait = case.payments.filter(purpose="dust")
    assert {"Kelp", "Reed", "Lantern"} <= set(bait["to_owner"])
    ids = set(bait.select("txid", "n").iter_rows())
    for victim in ("Kelp", "Reed", "Lantern"):
        assert any(
            coins[0]["owner"] == victim
            and len(coins) > 1
            and ids & {(c["txid"], c["n"]) for c in coins}
            for coins in spends.values()
        ), victim


def test_lookalike_coinjoin_has_one_owner(case, spends):
    found = [
        txid
        for txid, coins in spends.items()
        if [o["value"] for o in outs(case, txid)].count(1_000_000) == 4
        and {o["owner"] for o in outs(case, txid)} == {"Maple"}
    ]
    (txid,) = found
    assert {coin["owner"] for coin in spends[txid]} == {"Maple"}
    assert len(spends[txid]) == 4


@pytest.mark.parametrize(
    ("owner", "holds"),
    [
        ("Alder", lambda change, paid: True),
        ("Birch", lambda change, paid: change > paid),
        ("Cedar", lambda change, paid: change % 100_000 == 0 and paid % 1_000 != 0),
    ],
)
def test_wallet_habits(case, spends, owner, holds):
    mine = [txid for txid, coins in spends.items() if coins[0]["owner"] == owner]
    assert len(mine) >= 5
    for txid in mine:
        change = [o["value"] for o in outs(case, txid) if o["owner"] == owner]
        paid = [o["value"] for o in outs(case, txid) if o["owner"] != owner]
        assert holds(change[0], paid[0])
    if owner == "Alder":
        assert case.truth.filter(pl.col("owner") == owner).height == 1


def test_self_transfers_data_and_bare_scripts_exist(case, spends):
    moved = [t for t, coins in spends.items() if coins[0]["owner"] == "Elm" and len(coins) == 1]
    assert all(len(outs(case, txid)) == 1 for txid in moved)
    assert len(moved) == 3
    burnt = case.payments.filter(purpose="burnt")
    assert sorted(burnt["amount"]) == [0, 12_345]
    assert burnt["to_owner"].null_count() == 2
    bare = case.coins.filter(pl.col("script_kind").is_in(["multisig", "p2pk"]))
    assert {"Trio", "Larch", "Pool"} <= set(bare["owner"].drop_nulls())


def test_imported_key_is_spent_with_own_coins(case, spends):
    bought = case.truth.filter(owner="Ivy").drop_nulls("from_height")["address"][0]
    used = [c for c in spends.values() if bought in {coin["address"] for coin in c}]
    owners = [{coin["owner"] for coin in coins} for coins in used]
    assert {"Hazel"} in owners
    last = used[-1]
    assert {coin["owner"] for coin in last} == {"Ivy"}
    assert len({coin["address"] for coin in last}) > 1


def test_custodian_pays_from_coins_of_several_customers(case, spends):
    customers = dict(case.truth.filter(owner="Wren").select("address", "customer").iter_rows())
    mixed = [
        {customers[coin["address"]] for coin in coins} - {None}
        for coins in spends.values()
        if coins[0]["owner"] == "Wren"
    ]
    assert max(len(names) for names in mixed) > 1


def test_miner_and_hot_wallets_use_one_address(case):
    for wallet in ("Pool wallet", "Northbank hot wallet", "Harbour hot wallet", "Reed wallet"):
        assert case.truth.filter(wallet=wallet).height == 1
    assert case.coins.filter(owner="Pool", script_kind="p2pk").height == 3
