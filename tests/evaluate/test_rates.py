"""Rates of links and clusters, against plain counting over every pair."""

from __future__ import annotations

from itertools import combinations
from random import Random

import polars as pl
import pytest

from chainwatch.chains.catalogue import chain
from chainwatch.clusters.cluster import cluster
from chainwatch.errors import InputError
from chainwatch.evaluate.cluster_rates import cluster_rates
from chainwatch.evaluate.link_rates import link_rates, wrong_links
from chainwatch.evaluate.shares import Share
from chainwatch.evaluate.truth import Truth
from chainwatch.heuristics.statements import stated_links


def test_each_rule_has_its_right_and_wrong_links(owners):
    found = link_rates(
        owners.links("""
            A-B co_spend
            A-D co_spend
            B-E co_spend ?
            A-C co_spend ?
            A-D change
            D-E change
            A-Z change
            B-D sale !
            A-B sale !
        """),
        owners.truth("north:ABC south:DE"),
    )
    by_rule = {row["rule"]: row for row in found.iter_rows(named=True)}
    assert by_rule["co_spend"] == {
        "rule": "co_spend", "joined_right": 1, "joined_wrong": 1, "undecided_right": 1,
        "undecided_wrong": 1, "refused_right": 0, "refused_wrong": 0, "untestable": 0,
        "owners": 2, "owners_wrong": 2, "squares": 4,
    }  # fmt: skip
    assert by_rule["change"]["untestable"] == 1
    assert (by_rule["sale"]["refused_right"], by_rule["sale"]["refused_wrong"]) == (1, 1)
    assert wrong_links(found, "co_spend") == Share(1, 2, 1)
    assert wrong_links(found, "sale") == Share(0, 0, 0)


def test_an_owner_is_one_case_however_many_links_he_has(owners):
    wide = "\n".join(f"{a}-{b} co_spend" for a, b in combinations("ABCDEFGH", 2))
    found = link_rates(
        owners.links(wide + "\nX-Y co_spend"), owners.truth("north:ABCDEFGH south:X east:Y")
    )
    assert found.row(0, named=True)["joined_right"] == 28
    assert wrong_links(found, "co_spend") == Share(1, 29, 1)


def test_a_key_that_was_sold_decides_nothing(owners):
    sold = owners.truth("north:ABC south:CD")
    judged = sold.judge(owners.links("A-C r\nC-D r\nA-B r\nA-D r").both_ends)
    assert judged["right"].to_list() == [None, None, True, False]
    assert link_rates(owners.links("C-Z r"), sold).row(0, named=True)["untestable"] == 1
    assert owners.truth("north:AC south:C east:E").judge(owners.links("C-E r").both_ends)[
        "right"
    ].to_list() == [False]


@pytest.mark.parametrize("seed", range(40))
def test_clusters_are_counted_as_pairs_are(owners, seed):
    rng = Random(seed)  # noqa: S311 - a test, not a secret
    names = [f"{n:02}" for n in range(rng.randrange(2, 14))]
    owner = {name: f"owner {rng.randrange(5)}" for name in names}
    group = {name: min(n for n in names if int(n) % rng_mod == int(name) % rng_mod)
             for rng_mod in [rng.randrange(1, 8)] for name in names}  # fmt: skip
    known = pl.DataFrame(
        [(owners.chain, owners.key(name), owner[name]) for name in names],
        orient="row",
        schema={"chain": pl.String, "address": pl.Binary, "owner": pl.String},
    )
    sizes = {g: sum(h == g for h in group.values()) for g in group.values()}
    rows = [
        (owners.chain, owners.key(n), owners.key(group[n])) for n in names if sizes[group[n]] > 1
    ]
    frame = pl.DataFrame(rows, orient="row", schema={
        "chain": pl.String, "address": pl.Binary, "cluster": pl.Binary})  # fmt: skip
    found = cluster_rates(frame, Truth(known, "random"))

    pairs = list(combinations(names, 2))
    same_owner = {pair for pair in pairs if owner[pair[0]] == owner[pair[1]]}
    together = {pair for pair in pairs if group[pair[0]] == group[pair[1]]}
    assert found.pairs_found == Share(len(same_owner & together), len(same_owner))
    assert found.pairs_right == Share(len(same_owner & together), len(together))
    owners_of = {g: {owner[n] for n in names if group[n] == g} for g in group.values()}
    groups_of = {o: {group[n] for n in names if owner[n] == o} for o in owner.values()}
    merged = {o for found_owners in owners_of.values() if len(found_owners) > 1
              for o in found_owners}  # fmt: skip
    assert found.owners_merged == Share(len(merged), len(groups_of))
    assert found.false_merges == sum(len(one) - 1 for one in owners_of.values())
    assert found.missed_merges == sum(len(one) - 1 for one in groups_of.values())
    several = [o for o in groups_of if sum(owner[n] == o for n in names) > 1]
    assert found.owners_whole == Share(sum(len(groups_of[o]) == 1 for o in several), len(several))
    assert found.largest == max(sizes.values())
    precision = sum(
        sum(owner[m] == owner[n] for m in names if group[m] == group[n]) / sizes[group[n]]
        for n in names
    )
    assert found.b_cubed_precision == pytest.approx(precision / len(names), abs=1e-12)
    recall = sum(
        sum(group[m] == group[n] for m in names if owner[m] == owner[n])
        / sum(owner[m] == owner[n] for m in names)
        for n in names
    )
    assert found.b_cubed_recall == pytest.approx(recall / len(names), abs=1e-12)


def test_clusters_of_a_perfect_rule(owners):
    joined = cluster(owners.links("A-B r\nB-C r\nD-E r"))
    found = cluster_rates(joined.frame, owners.truth("north:ABC south:DE west:F"))
    assert found.owners_merged == Share(0, 3)
    assert found.owners_whole == Share(2, 2)
    assert (found.v_measure, found.b_cubed_precision, found.b_cubed_recall) == (1.0, 1.0, 1.0)
    assert (found.largest, found.largest_owners) == (3, 1)


def test_truth_that_is_none_is_refused(owners):
    frame = pl.DataFrame(
        {"chain": [owners.chain], "address": [owners.key("A")], "owner": [None]},
        schema={"chain": pl.String, "address": pl.Binary, "owner": pl.String},
    )
    with pytest.raises(InputError, match="'owner' of the truth holds a null"):
        Truth(frame, "by hand")
    with pytest.raises(InputError, match="'owner' of the truth is missing"):
        Truth(frame.drop("owner"), "by hand")


def test_owners_of_two_chains_are_judged_as_owners(owners):
    """Who joins addresses of two chains wrongly merges two owners; who leaves them misses one."""
    btc, ltc = owners.chain, chain("ltc").id
    rows = [(btc, owners.key("A"), "north"), (ltc, owners.key("B"), "north"),
            (btc, owners.key("C"), "south"), (ltc, owners.key("D"), "west")]  # fmt: skip
    schema = {"chain": pl.String, "address": pl.Binary, "owner": pl.String}
    truth = Truth(pl.DataFrame(rows, schema=schema, orient="row"), "written by hand")

    def rates(*pairs):
        stated = [(btc, owners.key(a), ltc, owners.key(b)) for a, b in pairs]
        return cluster_rates(cluster(stated_links(stated)), truth)

    right, wrong, none = rates("AB"), rates("AB", "CD"), rates()
    assert (right.pairs_found, right.owners_whole, right.v_measure) == (Share(1, 1), Share(1, 1), 1)
    assert (right.false_merges, right.missed_merges) == (0, 0)
    assert (wrong.false_merges, wrong.pairs_right, wrong.largest) == (1, Share(1, 2), 2)
    assert wrong.owners_merged.count == 2
    assert (none.missed_merges, none.pairs_found) == (1, Share(0, 1))
