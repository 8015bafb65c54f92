"""Cluster evidence: each link with its transaction, and what would split off without it."""

from __future__ import annotations

from typing import Any

import polars as pl
import pytest
from matplotlib.patches import Rectangle

import chainwatch as cw
from chainwatch import figures
from chainwatch.addresses.canonical import text, txid_text
from chainwatch.errors import ArgumentError, InputError
from chainwatch.figures.evidence import cluster_evidence as module
from chainwatch.figures.evidence.of_subjects import cluster_figures
from chainwatch.privacy.edition import DISCLOSURE, Edition


@pytest.fixture(scope="module")
def walked(joined: Any) -> tuple[cw.Explanation, cw.Fragility]:
    """Return the longest of a few paths in the largest cluster, and on what that rests."""
    sizes = joined.frame.group_by("cluster").len().sort("len", "cluster")
    largest = sizes["cluster"][-1]
    whys = [joined.why(largest, one) for one in joined.members(largest)[1:40]]
    return max(whys, key=lambda one: one.length), joined.fragility(largest)


def texts(ax: Any) -> list[str]:
    return [item.get_text() for item in ax.texts]


def test_each_link_stands_with_rule_transaction_and_confidence(walked: Any, working: None) -> None:
    why, fragile = walked
    assert why.length > 1
    said = texts(figures.cluster_evidence(why, fragility=fragile, top=99))
    for row in why.frame.iter_rows(named=True):
        assert any(txid_text(row["txid"], row["chain"]) in one for one in said)
        assert any(one.startswith(f"{row['step']}. {row['rule']}, confidence") for one in said)
    assert sum("(weakest link)" in one for one in said) == 1
    assert {text(why.a, why.chain), text(why.b, why.chain)} <= set(said)


def test_what_hangs_on_a_link_is_what_cut_leaves(walked: Any, joined: Any, working: None) -> None:
    """Fragility says how many split off; joining everything else anew says the same."""
    why, fragile = walked
    hangs = module._hanging(fragile, Edition("working", bytes(32)))
    row = why.frame.row(0, named=True)
    left = joined.cut(tx=txid_text(row["txid"], row["chain"]))
    members = joined.members(why.a)
    sizes = [len(set(left.members(one)) & set(members)) for one in members]
    expected = len(members) - max(sizes)
    found = hangs.get((row["chain"], row["tx"]))
    assert (found.split if found else 0) == expected
    said = texts(figures.cluster_evidence(why, fragility=fragile, top=99))
    words = f"without it {expected} of {len(members)} addresses split off"
    assert (words in said) == bool(expected)


def test_a_bar_is_as_long_as_what_splits_off(walked: Any, working: None) -> None:
    why, fragile = walked
    ax = figures.cluster_evidence(why, fragility=fragile, top=99)
    crossed = {round(one.get_width(), 3) for one in ax.patches
               if isinstance(one, Rectangle) and one.get_hatch() == module.SPLIT}  # fmt: skip
    for row in fragile.frame.iter_rows(named=True):
        assert round(module.BAR * row["split_off"] / fragile.addresses, 3) in crossed


def test_a_long_path_is_folded_and_counted(walked: Any, working: None) -> None:
    why, fragile = walked
    row = why.frame.row(0, named=True)
    rows = pl.concat([why.frame[:1].with_columns(step=pl.lit(n, pl.Int64)) for n in range(1, 41)])
    from dataclasses import replace

    ax = figures.cluster_evidence(replace(why, frame=rows), fragility=fragile)
    assert "36 more links" in texts(ax)
    assert 72 * ax.figure.get_size_inches()[1] <= 390.0
    assert row["rule"] in " ".join(texts(ax))


def test_bystanders_are_masked(walked: Any) -> None:
    """Nobody of the cluster is a subject here: no address, no transaction, no day is said."""
    why, fragile = walked
    edition = Edition(DISCLOSURE, bytes(32))
    ax = figures.cluster_evidence(why, fragility=fragile, edition=edition)
    said = " ".join([*texts(ax), module.evidence_text(why, fragility=fragile)])
    for row in why.frame.iter_rows(named=True):
        drawn = " ".join(texts(ax))
        assert txid_text(row["txid"], row["chain"]) not in drawn
        assert text(row["a"], row["chain"]) not in drawn
        assert f"{row['time']:%Y-%m-%d}" not in drawn
    assert "in a transaction that is withheld" in said


def test_nothing_joins(joined: Any, working: None) -> None:
    one, other = joined.frame.unique("cluster", maintain_order=True)["address"][:2]
    why = joined.why(one, other)
    ax = figures.cluster_evidence(why)
    assert "Nothing joins the two addresses" in texts(ax)
    assert not [item for item in ax.patches if isinstance(item, Rectangle)]
    same = joined.why(one, one)
    assert "The two are the same address." in texts(figures.cluster_evidence(same))


def test_a_case_draws_the_largest_cluster_of_a_subject(joined: Any, otter_case: Any) -> None:
    vendors = otter_case.tags.where(concept="vendor").addresses()
    (one,) = cluster_figures(joined, vendors, "Of x.")
    assert one.kind == "cluster_evidence"
    assert joined.of(one.of.a) == joined.of(one.of.b)
    assert one.of.a in set(vendors["address"])
    nobody = pl.DataFrame({"chain": [vendors["chain"][0]], "address": [b"\0" * 21]})
    assert cluster_figures(joined, nobody) == []


def test_arguments_that_do_not_fit(walked: Any, ranged: Any) -> None:
    with pytest.raises(InputError, match="top is 1"):
        figures.cluster_evidence(walked[0], top=1)
    with pytest.raises(ArgumentError, match=r"pass what clusters.why"):
        figures.cluster_evidence(ranged)
    with pytest.raises(ArgumentError, match=r"pass what clusters.fragility"):
        figures.cluster_evidence(walked[0], fragility=ranged)
