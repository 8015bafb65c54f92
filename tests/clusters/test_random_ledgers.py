"""500 random ledgers: joining, ``why``, ``cut`` and ``fragility`` against a slow search."""

from __future__ import annotations

from itertools import pairwise
from math import inf

import polars as pl
import pytest
from link_worlds import World, joined, pairs_of, splitting, strongest, world

from chainwatch.clusters.apart import keep_apart
from chainwatch.clusters.cluster import Clusters, cluster
from chainwatch.clusters.forest import PAIR
from chainwatch.heuristics.links import LINKS, Links
from chainwatch.results import result

WORLDS = 500
SHARE = 25
"""Each test below looks at this many ledgers; together they are all."""


@pytest.fixture(autouse=True)
def _without_versions(monkeypatch):
    """Rows are compared here, one by one; looking up versions would take long."""
    monkeypatch.setattr(result, "software", dict)


class Tagging:
    def __init__(self, hand, actors):
        rows = [(hand.chain, hand.letter(name), actor, "a label")
                for name, named in actors.items() for actor in named]  # fmt: skip
        schema = {"chain": pl.String, "address": pl.Binary, "actor": pl.String, "label": pl.String}
        self.frame = pl.DataFrame(rows, schema=schema, orient="row")


def links_of(hand, made: World) -> Links:
    rows = []
    for edge in made.edges:
        chain, a, b, tx, txid, when, *_ = hand.row(edge.a, edge.b, edge.tx or 0, edge.rate)
        if edge.tx is None:
            tx = txid = when = None
        rows.append((chain, a, b, tx, txid, when, edge.rule, edge.rate, edge.veto, "read"))
    return Links(pl.DataFrame(rows, schema=LINKS.schema, orient="row"))


def clusters_of(hand, made: World, links: Links | None = None) -> Clusters:
    tags = Tagging(hand, made.actors)
    pairs = [(hand.chain, hand.letter(a), hand.chain, hand.letter(b)) for a, b in made.pairs]
    return cluster(links or links_of(hand, made), tags=tags, large=3,
                   apart=keep_apart(pairs, tags=tags))  # fmt: skip


def same(one: Clusters, other: Clusters) -> bool:
    """Tell whether two results hold the same rows in the same order in every table."""
    return all(
        left.frame.equals(right.frame)
        for left, right in zip(one.tables().values(), other.tables().values(), strict=True)
    )


@pytest.mark.parametrize("start", range(0, WORLDS, SHARE))
def test_they_agree_with_a_slow_search(hand, start):
    for seed in range(start, start + SHARE):
        made = world(seed)
        clusters = clusters_of(hand, made)
        groups, refused = joined(made)
        assert hand.groups(clusters) == groups, seed
        assert {
            (hand.name(row["a"]), hand.name(row["b"]), row["tx"], row["rule"],
             row["reason"] == PAIR)
            for row in clusters.refused.iter_rows(named=True)
        } == refused, seed  # fmt: skip
        check_why(hand, made, clusters, groups)
        check_fragility(hand, made, clusters, groups)
        check_cut(hand, made, clusters, seed)


def check_why(hand, made: World, clusters: Clusters, groups) -> None:
    """Every pair is joined or not; of two pairs the path is walked and weighed."""
    pairs = sorted(pairs_of(groups))
    for a, b in pairs[:: max(1, len(pairs) // 2)][:2]:
        why = clusters.why(hand.letter(a), hand.letter(b))
        assert why.joined
        steps = [(hand.name(one), hand.name(two)) for one, two in why.frame.select("a", "b").rows()]
        assert [steps[0][0], steps[-1][1]] == [a, b]
        assert [two for _, two in steps[:-1]] == [one for one, _ in steps[1:]]
        given = {(edge.a, edge.b, edge.tx, edge.rate, edge.rule) for edge in made.joining}
        for (one, two), row in zip(steps, why.frame.iter_rows(named=True), strict=True):
            step = (*sorted((one, two)), row["tx"], row["confidence"], row["rule"])
            assert step in given
        rates = [-inf if rate is None else rate for rate in why.frame["confidence"]]
        measured = [rate for rate in why.frame["confidence"] if rate is not None]
        weakest = None if why.weakest is None else why.frame["confidence"][why.weakest - 1]
        assert weakest == min(measured, default=None)
        if not made.pairs and not made.actors:
            assert min(rates) == strongest(made.joining, a, b)
        if None in why.frame["confidence"]:
            assert why.bound is None
        else:
            assert why.bound == pytest.approx(max(0, 1 - sum(1 - rate for rate in rates)))
    names = sorted({name for edge in made.joining for name in (edge.a, edge.b)})
    apart = [pair for pair in pairwise(names) if pair not in set(pairs)]
    for a, b in apart[:1]:
        assert not clusters.why(hand.letter(a), hand.letter(b)).joined


def check_fragility(hand, made: World, clusters: Clusters, groups) -> None:
    for group in groups:
        fragile = clusters.fragility(hand.letter(max(group)))
        assert fragile.addresses == len(group)
        found = {}
        for row in fragile.frame.iter_rows(named=True):
            sizes = fragile.parts.filter(pl.col("evidence") == row["evidence"])["addresses"]
            if row["tx"] is None:
                (piece,) = {
                    edge.piece for edge in made.joining
                    if edge.tx is None and edge.a == hand.name(row["a"])
                    and len(splitting(group, made.joining).get(edge.piece, ())) == row["parts"]
                    and splitting(group, made.joining)[edge.piece] == sizes.to_list()
                } - set(found) or {None}  # fmt: skip
            else:
                piece = ("tx", row["tx"])
            found[piece] = sizes.to_list()
            assert (row["parts"], row["largest"]) == (len(sizes), sizes[0])
            assert row["split_off"] == len(group) - sizes[0]
        assert found == splitting(group, made.joining)


def check_cut(hand, made: World, clusters: Clusters, seed: int) -> None:
    """What is left is what joining everything else from nothing gives, in every table."""
    links = clusters.links
    txs = sorted({edge.tx for edge in made.edges if edge.tx is not None})
    ways = [({"tx": hand.txid(txs[seed % len(txs)])}, made.actors)]
    if seed % 3 == 0:
        ways.append(({"rule": made.edges[seed % len(made.edges)].rule}, made.actors))
    tags = sorted({actor for actors in made.actors.values() for actor in actors})
    if tags:
        left = {name: tuple(one for one in actors if one != tags[0])
                for name, actors in made.actors.items()}  # fmt: skip
        ways.append(({"tag": tags[0]}, {name: actors for name, actors in left.items() if actors}))
    for cut, actors in ways:
        kept = links
        if "tx" in cut:
            kept = links.without([cut["tx"]])
        if "rule" in cut:
            kept = links.without(rules=[cut["rule"]])
        again = clusters_of(hand, World(made.edges, actors, made.pairs), kept)
        assert same(clusters.cut(**cut), again), (seed, cut)


@pytest.mark.parametrize("seed", range(40))
def test_appending_is_joining_anew(hand, seed):
    """Commit by commit, or all at once: the same rows in every table."""
    made = world(seed)
    whole = links_of(hand, made)
    bounds = sorted({0, seed % 5, whole.frame.height // 2, whole.frame.height})
    clusters = clusters_of(hand, made, Links(LINKS.empty()))
    for end in bounds[1:]:
        clusters = clusters.update(Links(whole.frame[:end]))
        assert same(clusters, clusters_of(hand, made, Links(whole.frame[:end])))
    assert same(clusters, clusters_of(hand, made))
    assert same(
        clusters.update(Links(LINKS.empty())), clusters_of(hand, made, Links(LINKS.empty()))
    )
