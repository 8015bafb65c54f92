"""Clusters by the numbers of an index are those of the frames, in every table and every answer."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from itertools import combinations
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import polars as pl
import pytest
from link_ledgers import random_ledger

from chainwatch.clusters.apart import keep_apart
from chainwatch.clusters.cluster import Clusters, cluster
from chainwatch.heuristics.co_spend import co_spends
from chainwatch.heuristics.co_spend_columns import Signing, co_spend_columns
from chainwatch.heuristics.coinjoin import JOINT
from chainwatch.heuristics.links import Links
from chainwatch.heuristics.rates import MEASURED, Rates
from chainwatch.ledger.index.index import build_index
from chainwatch.ledger.ledger import Ledger

LEDGERS = 30


def numbered(ledger: Ledger, rates: Rates = MEASURED) -> Links:
    (index,) = build_index(ledger)
    return co_spend_columns(ledger, index, JOINT, Signing(), rates).links()


class Tagging:
    """Tags that name some addresses."""

    def __init__(self, links: Links, seed: int) -> None:
        rng = Random(seed)  # noqa: S311 - the same each time
        chain, ends = links.frame["chain"][0], sorted({*links.frame["a"], *links.frame["b"]})
        picked = rng.sample(ends, min(5, len(ends)))
        rows = [(chain, address, rng.choice(["one", "two", None]), "a label") for address in picked]
        rows.append((chain, b"\x03" + bytes(20), "one", "of no link"))
        schema = {"chain": pl.String, "address": pl.Binary, "actor": pl.String, "label": pl.String}
        self.frame = pl.DataFrame(rows, schema=schema, orient="row")


def terms(links: Links, seed: int) -> dict[str, Any]:
    """Return on what terms to join: of some ledgers none, of others tags, pairs, or both."""
    tags = Tagging(links, seed) if seed % 3 else None
    asked: dict[str, Any] = {"large": 3, "tags": tags}
    if seed % 2:
        pairs = [
            (chain, a, chain, b) for chain, a, b in links.joining.select("chain", "a", "b").rows()
        ]
        asked["apart"] = keep_apart(pairs[:: max(1, len(pairs) // 3)], tags=tags)
    return asked


def same_tables(ours: Clusters, theirs: Clusters) -> None:
    for name, rows in theirs.tables().items():
        assert ours.tables()[name].frame.equals(rows.frame), name
        assert ours.tables()[name].frame.schema == rows.frame.schema, name


@pytest.mark.parametrize("seed", range(LEDGERS))
def test_they_are_those_of_the_frames(seed: int, real_ledger: Callable[..., Ledger]) -> None:
    ledger = random_ledger(real_ledger, seed)
    plain = co_spends(ledger)
    asked = terms(plain, seed)
    ours, theirs = cluster(numbered(ledger), **asked), cluster(plain, **asked)
    assert ours.columns is not None
    assert theirs.columns is None
    assert ours.digest == theirs.digest  # of columns, before a frame is made
    assert ours.deferred("forest")
    assert repr(ours) == repr(theirs)
    assert ours.sizes().equals(theirs.sizes())
    assert ours.record is not None
    assert theirs.record is not None
    assert ours.record.content == theirs.record.content
    check_answers(ours, theirs, ledger)
    same_tables(ours, theirs)


def check_answers(ours: Clusters, theirs: Clusters, ledger: Ledger) -> None:
    """Of every address its cluster and members, and why of pairs in one cluster and in two."""
    addresses = sorted({*ledger.outputs.collect()["address"].drop_nulls(), b"\x03" + bytes(20)})
    chain = ledger.chains[0].alias
    for address in addresses:
        assert ours.of(address, chain) == theirs.of(address, chain)
        assert ours.members(address, chain) == theirs.members(address, chain)
    for a, b in list(combinations(addresses, 2))[::9]:
        one, other = ours.why(a, b, chain), theirs.why(a, b, chain)
        assert one.digest == other.digest
        assert one.frame.equals(other.frame)
        assert str(one) == str(other)


@pytest.mark.parametrize("seed", range(6))
def test_what_is_made_of_them_is_the_same(seed: int, real_ledger: Callable[..., Ledger]) -> None:
    ledger = random_ledger(real_ledger, seed)
    ours, theirs = cluster(numbered(ledger)), cluster(co_spends(ledger))
    txid = theirs.forest["txid"][0]
    same_tables(ours.cut(tx=txid), theirs.cut(tx=txid))
    same_tables(ours.at(0.5, unmeasured=True), theirs)
    largest = theirs.sizes()["cluster"][0]
    assert ours.fragility(largest).digest == theirs.fragility(largest).digest
    assert ours.graph(ledger, largest).digest == theirs.graph(ledger, largest).digest
    assert ours.plain().equals(theirs.plain())
    assert ours.plain(largest).equals(theirs.plain(largest))


@pytest.mark.parametrize("seed", range(6))
def test_a_commit_more_is_joining_anew(seed: int, real_ledger: Callable[..., Ledger]) -> None:
    """What was joined of the first blocks and brought up to date is what is joined of all."""
    ledger = random_ledger(real_ledger, seed)
    assert ledger.frames is not None
    early = Ledger(frames={
        name: rows.filter(pl.col("tx") < 20 << 24) for name, rows in ledger.frames.items()
    })  # fmt: skip
    whole = cluster(numbered(ledger))
    for before in (numbered(early), co_spends(early)):
        for after in (numbered(ledger), co_spends(ledger)):
            grown = cluster(before).update(after)
            same_tables(grown, whole)
            assert grown.digest == whole.digest


def test_a_measured_rate_stands_in_them(real_ledger: Callable[..., Ledger], tmp_path: Path) -> None:
    said = {"co_spend": {"right": 90, "of": 100, "cases": 100, "basis": "a test"}}
    (tmp_path / "rates.json").write_text(json.dumps({"rules": said}), encoding="utf-8")
    rates = Rates(tmp_path / "rates.json")
    ledger = random_ledger(real_ledger, 4)
    ours, theirs = numbered(ledger, rates), co_spends(ledger, rates=rates)
    assert ours.digest == theirs.digest
    assert ours.frame.equals(theirs.frame)
    assert set(ours.joining["confidence"]) == {0.9, None}  # unread flags have a rate of their own
    same_tables(cluster(ours), cluster(theirs))
    assert ours.at_least(0.9).frame.equals(theirs.at_least(0.9).frame)


def test_the_surest_links_join_first(real_ledger: Callable[..., Ledger]) -> None:
    """Columns may hold rules of several rates: here every third link is of a surer one."""
    ledger = random_ledger(real_ledger, 3)
    columns: Any = numbered(ledger).columns
    rule = (np.arange(columns.height) % 3 == 0).astype(np.uint8)
    for surer, other in ((0.9, 0.5), (0.9, None), (None, None)):
        made = replace(
            columns, rule=rule.copy(), rules=("one", "two"), confidences=(other, surer)
        ).links()  # fmt: skip
        theirs = cluster(Links(made.frame))
        ours = cluster(replace(made))
        assert ours.columns is not None
        assert ours.digest == theirs.digest
        same_tables(ours, theirs)


def test_links_of_other_kinds_join_as_before(real_ledger: Callable[..., Ledger]) -> None:
    ledger = random_ledger(real_ledger, 3)
    ours = numbered(ledger)
    both = ours + co_spends(ledger).without(rules=["no_key"])
    assert both.columns is None
    same_tables(cluster(both), cluster(co_spends(ledger)))


def test_nobody_can_change_what_is_put_off(real_ledger: Callable[..., Ledger]) -> None:
    links: Any = numbered(random_ledger(real_ledger, 3)).columns
    for name in ("tx", "a", "b", "rule", "veto", "shown"):
        with pytest.raises(ValueError, match="read-only"):
            getattr(links, name)[0] = 1
