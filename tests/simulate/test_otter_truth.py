"""The truth of the case is complete, agrees with the blocks, and adds up for every owner."""

from __future__ import annotations

from collections import Counter, defaultdict

import polars as pl
import yaml

from chainwatch.addresses.canonical import parse
from chainwatch.addresses.scripts import classify
from chainwatch.simulate.vendors import DENOMINATION


def outs(case, txid):
    return case.coins.filter(pl.col("txid") == txid).to_dicts()


def test_coins_are_the_outputs_of_the_blocks(case, txs):
    told = {
        (row["txid"], row["n"]): (row["value"], row["script_kind"], row["address"])
        for row in case.coins.iter_rows(named=True)
    }
    read = {}
    for tx in txs.values():
        for n, (value, script) in enumerate(tx.outputs):
            found = classify(script)
            read[tx.txid, n] = (value, found.kind, found.address)
    assert told == read


def test_spent_by_is_what_the_blocks_say(case, txs):
    read = {(spent.txid, spent.n): tx.txid for tx in txs.values() for spent in tx.inputs}
    for row in case.coins.iter_rows(named=True):
        assert row["spent_by"] == read.get((row["txid"], row["n"]))


def test_every_address_has_one_owner_but_the_sold_key(case):
    used = set(case.coins["address"].drop_nulls())
    assert set(case.truth["address"]) == used
    twice = [address for address, count in Counter(case.truth["address"]).items() if count > 1]
    assert len(twice) == 1
    rows = case.truth.filter(pl.col("address") == twice[0]).sort("from_height", nulls_last=False)
    assert rows["owner"].to_list() == ["Hazel", "Ivy"]
    assert rows["to_height"][0] + 1 == rows["from_height"][1]
    others = case.truth.filter(pl.col("address") != twice[0])
    assert others["from_height"].null_count() == others["to_height"].null_count() == others.height


def test_owner_of_each_coin_agrees_with_the_truth(case):
    joined = case.coins.drop_nulls("address").join(case.truth, on="address", suffix="_true")
    at = joined.filter(
        pl.col("height") >= pl.col("from_height").fill_null(0),
        pl.col("height") <= pl.col("to_height").fill_null(10**9),
    )
    assert at.height == case.coins["address"].drop_nulls().len()
    assert (at["owner"] == at["owner_true"]).all()


def test_text_and_bytes_of_addresses_agree(case):
    for row in case.truth.iter_rows(named=True):
        assert parse(row["text"], "btc-regtest") == row["address"]


def test_payments_explain_every_owner_of_every_transaction(case, spends):
    """What an owner puts in, less what comes back and is paid on, is its part of the fee."""
    paid = defaultdict(list)
    for row in case.payments.iter_rows(named=True):
        paid[row["txid"]].append(row)
    for txid, coins in spends.items():
        net: dict[str | None, int] = defaultdict(int)
        for coin in coins:
            net[coin["owner"]] += coin["value"]
        for out in outs(case, txid):
            net[out["owner"]] -= out["value"]
        for row in paid[txid]:
            net[row["from_owner"]] -= row["amount"]
            net[row["to_owner"]] += row["amount"]
        payers = [owner for owner, left in net.items() if left]
        fee = sum(coin["value"] for coin in coins) - sum(o["value"] for o in outs(case, txid))
        assert len(payers) == 1, "one owner bears the whole fee"
        assert net[payers[0]] == fee > 0
    assert set(paid) <= set(spends)


def test_summary_adds_up(case):
    totals = case.summary()
    for vendor in totals["vendors"].values():
        out = vendor["sent_to_campaign"] + sum(vendor["sent_to_exchanges"].values())
        out += vendor["sent_elsewhere"] + vendor["kept"] + vendor["miner_fees"]
        assert vendor["received"] == out
        assert vendor["miner_fees"] > 0
    campaign = totals["campaign"]
    assert campaign["received"] == campaign["received_from_kelp"] + campaign["received_from_others"]
    assert campaign["received_from_kelp"] == totals["vendors"]["Kelp"]["sent_to_campaign"]


def test_story_of_the_vendors(case):
    kelp, reed = (case.summary()["vendors"][name] for name in ("Kelp", "Reed"))
    assert kelp["sent_to_campaign"] > 0
    assert all(kelp["sent_to_exchanges"].values())
    assert kelp["through_coinjoin"] == DENOMINATION
    assert kelp["kept"] > 0
    assert reed["sent_to_campaign"] == reed["through_coinjoin"] == 0
    assert reed["sent_to_exchanges"]["Northbank"] > 0
    assert "Kelp" in case.story()


def test_reed_never_meets_the_campaign(case, spends):
    """Innocent twin: no coin of Reed reaches the campaign even through other people's hands."""
    pairs = set(case.payments.select("from_owner", "to_owner").iter_rows())
    assert ("Reed", "Lantern") not in pairs
    assert ("Lantern", "Reed") not in pairs
    hands = {payee for payer, payee in pairs if payer == "Reed"}
    assert hands == {"Northbank", "Loom"}


def test_tags_are_few_and_true(case):
    assert sorted(case.tags) == ["campaign.yaml", "exchanges.yaml", "market.yaml"]
    owners = {row["text"]: row["owner"] for row in case.truth.iter_rows(named=True)}
    tagged = {}
    for text in case.tags.values():
        pack = yaml.safe_load(text)
        assert pack["network"] == "btc-regtest"
        for tag in pack["tags"]:
            tagged[tag["actor"]] = owners[tag["address"]].lower()
    assert set(tagged) == {"kelp", "reed", "lantern", "northbank", "harbour"}
    assert all(actor == owner for actor, owner in tagged.items())
