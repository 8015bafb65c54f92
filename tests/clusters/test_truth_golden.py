"""Co-spending against known owners: who is wrongly joined and why, and how much is found.

The owners are those of a simulation and of wallets on a test network. The counts say how the rule
does there, under what was assumed there, and no more.
"""

from __future__ import annotations

import csv
import itertools
import json
from collections import defaultdict

import polars as pl
import pytest

import chainwatch as cw
from chainwatch.addresses import canonical
from chainwatch.addresses.scripts import script_of
from chainwatch.clusters.cluster import Clusters, cluster
from chainwatch.heuristics.co_spend import co_spends
from chainwatch.heuristics.coinjoin import equal_outputs, wasabi2_mix

REGTEST = "btc-regtest"


def groups(clusters: Clusters) -> list[list[bytes]]:
    parts = clusters.frame.group_by("chain", "cluster").agg("address").sort("cluster")
    return parts["address"].to_list()


def pairs(clusters: Clusters):
    """Yield every pair of addresses that a cluster joins."""
    for group in groups(clusters):
        yield from itertools.combinations(group, 2)


def false_and_all(clusters: Clusters, owners: dict[bytes, set[str]]) -> tuple[int, int]:
    """Return how many joined pairs share no owner, of how many."""
    joined = list(pairs(clusters))
    return sum(not owners[a] & owners[b] for a, b in joined), len(joined)


@pytest.fixture(scope="module")
def owners(otter_case):
    found = defaultdict(set)
    for address, owner in otter_case.otter.truth.select("address", "owner").iter_rows():
        found[address].add(owner)
    return dict(found)


@pytest.fixture(scope="module")
def guarded(otter_case) -> Clusters:
    return cluster(co_spends(otter_case.ledger, unless=equal_outputs()), tags=otter_case.tags)


@pytest.fixture(scope="module")
def unguarded(otter_case) -> Clusters:
    return cluster(co_spends(otter_case.ledger, unless=None))


def mixed(clusters: Clusters, owners) -> list[set[str]]:
    """Return the owners of each cluster that has several."""
    found = [set().union(*(owners[address] for address in group)) for group in groups(clusters)]
    return sorted((parties for parties in found if len(parties) > 1), key=sorted)


def test_every_wrong_merge_of_the_case_has_a_known_cause(guarded, owners):
    assert mixed(guarded, owners) == [
        {"Fir", "Loom"},  # a PayJoin: payer and payee sign together
        {"Hazel", "Ivy"},  # a sold key: the address is of both, one after the other
    ]
    assert false_and_all(guarded, owners) == (1, 1215)


def test_a_custodian_is_one_owner_and_its_customers_are_not(otter_case, guarded):
    """Whoever keeps coins for others spends them together: the cluster is not one customer.

    By custodian: pairs joined across customers, of all pairs joined among customers' addresses.
    """
    held = otter_case.otter.truth.filter(pl.col("customer").is_not_null())
    keeper = dict(held.select("address", "owner").iter_rows())
    customer = dict(held.select("address", "customer").iter_rows())
    found = defaultdict(lambda: [0, 0])
    for a, b in pairs(guarded):
        if a in customer and b in customer:
            assert keeper[a] == keeper[b]
            found[keeper[a]][0] += customer[a] != customer[b]
            found[keeper[a]][1] += 1
    assert found == {"Otter": [474, 475], "Northbank": [136, 136], "Wren": [3, 3]}


def test_without_the_veto_the_coinjoin_merges_ten_owners(unguarded, guarded, owners):
    makers = {f"maker-{number}" for number in range(1, 10)}
    assert mixed(unguarded, owners) == [
        {"Fir", "Loom"},
        {"Hazel", "Ivy"},
        {"Kelp"} | makers,
    ]
    assert false_and_all(unguarded, owners) == (55, 1276)


def test_the_veto_costs_the_links_of_an_honest_split(unguarded, guarded, owners):
    """Maple's even split looks like a CoinJoin: her links are lost, and they are the only ones."""
    kept = set(map(frozenset, pairs(guarded)))
    lost = {frozenset(pair) for pair in pairs(unguarded)} - kept
    right = [pair for pair in lost if len(set.intersection(*(owners[a] for a in pair))) == 1]
    whose = sorted({owner for pair in right for address in pair for owner in owners[address]})
    assert whose == ["Kelp", "Maple"]
    assert len(lost) - len(right) == 54


RECALL = {
    # owner: (pairs of its addresses that were joined, pairs of addresses it ever spent from)
    "Kelp": (91, 300),
    "Lantern": (210, 231),
    "Otter": (508, 18336),
    "Northbank": (136, 153),
    "Forge": (48, 153),
    "Kiln": (84, 210),
}


def test_how_much_of_each_owner_is_found(otter_case, guarded, owners):
    """Addresses that were never spent from cannot be joined by spending: they do not count."""
    spent = set(otter_case.ledger.inputs.collect()["address"].drop_nulls())
    joined = defaultdict(int)
    for a, b in pairs(guarded):
        for owner in owners[a] & owners[b]:
            joined[owner] += 1
    known = defaultdict(int)
    for address, names in owners.items():
        for owner in names:
            known[owner] += address in spent
    found = {name: (joined[name], known[name] * (known[name] - 1) // 2) for name in RECALL}
    assert found == RECALL


def test_no_alarm_in_the_case(guarded):
    """Its tags name one address for each actor, and no cluster is large."""
    assert guarded.alarms.is_empty()
    assert guarded.collapses.is_empty()


@pytest.fixture(scope="module")
def wasabi(real_data, real_ledger):
    """Return the ledger of real Wasabi 2 wallets on a test network, and whose each address is."""
    folder = real_data / "bitcoin" / "wallet_truth"
    with (folder / "wasabi2_a_owners.csv").open(newline="") as handle:
        owner = {
            canonical.parse(row["address"], REGTEST): row["wallet"]
            for row in csv.DictReader(handle)
        }
    rows = []
    for line in (folder / "wasabi2_a_txs.jsonl").read_text().splitlines():
        item = json.loads(line)
        spent = None
        if "coinbase" not in item["in"][0]:
            spent = [
                (coin["value"], script_of(canonical.parse(coin["address"], REGTEST)))
                for coin in item["in"]
            ]
        paid = [(out["value"], bytes.fromhex(out["script"])) for out in item["out"]]
        rows.append((bytes.fromhex(item["txid"])[::-1], spent, paid))
    return real_ledger(rows, REGTEST), owner


def wallets(clusters: Clusters, owner) -> tuple[int, int]:
    return false_and_all(clusters, defaultdict(set, {item: {name} for item, name in owner.items()}))


def test_the_veto_makes_no_wrong_merge_of_real_wallets(wasabi):
    """0 false of 0 joined: every transaction that spends several addresses there is a mix.

    It shows that the veto stops all six; whether it lets honest ones through cannot be tested.
    """
    ledger, owner = wasabi
    links = co_spends(ledger, unless=equal_outputs())
    assert links.counts() == {
        "joining": 0, "refused": 139, "undecided": 0, "without_key": 0,
    }  # fmt: skip
    assert links.contested["tx"].n_unique() == 6
    assert wallets(cluster(links), owner) == (0, 0)


def test_the_default_makes_no_wrong_merge_of_real_wallets_either(wasabi):
    """The mixes lie at low heights and are small: the floors are moved, and nothing else."""
    ledger, owner = wasabi
    links = co_spends(ledger)
    counts = links.counts()
    assert (counts["joining"], counts["refused"] + counts["undecided"]) == (0, 139)
    assert wallets(cluster(links), owner) == (0, 0)
    open_ = cw.mixes(ledger, {"Wasabi 2": wasabi2_mix(min_inputs=10)})
    assert open_.counts() == {"mixes": 6, "perhaps": 0, "none": 329}


def test_without_the_veto_real_wallets_are_merged(wasabi):
    ledger, owner = wasabi
    clusters = cluster(co_spends(ledger, unless=None))
    assert wallets(clusters, owner) == (1617, 1813)
    assert clusters.sizes().height == 6
