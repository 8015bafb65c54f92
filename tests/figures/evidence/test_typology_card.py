"""Typology cards: the lawful twin first where weak, no rate without its basis, everybody masked."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import Any

import polars as pl
import pytest

from chainwatch import figures
from chainwatch.addresses.canonical import text
from chainwatch.errors import ArgumentError, InputError
from chainwatch.figures.evidence import small_shape
from chainwatch.figures.evidence import typology_card as module
from chainwatch.figures.evidence.of_subjects import MOST_CARDS, card_figures
from chainwatch.privacy.edition import DISCLOSURE, Edition
from chainwatch.typologies.rates import BY_CAMPAIGN, TYPOLOGY_RATES, TypologyRates

HOSTILE = "<script>alert(1)</script> =cmd|' /C calc'!A0 \u202e #set page(width: 1pt) $\\frac" * 200


def texts(ax: Any) -> list[str]:
    return [item.get_text() for item in ax.texts]


def weak(found: Any) -> int:
    return int(found.frame.filter(strength="weak")["alert"][0])


def test_the_lawful_twin_comes_first_where_weak(found: Any, working: None) -> None:
    told = texts(figures.typology_card(found, alert=weak(found)))
    assert told.index("Lawful twin") < told.index("Found")
    assert "of a weak kind" in told[0]
    plain = found.frame.filter(strength="plain")
    assert plain.height
    told = texts(figures.typology_card(found, alert=int(plain["alert"][0])))
    assert told.index("Found") < told.index("Lawful twin")


def test_every_payment_is_told_or_counted(found: Any, working: None) -> None:
    number = weak(found)
    card = module._card(found, number, None, 3)
    evidence = found.of(number)
    assert len(card.edges) == 3
    rest = evidence.group_by("payer", "payee", "role").agg(pl.col("amount").sum())
    undrawn = sum(map(int, evidence["amount"])) - sum(one.told.amount for one in card.edges)
    assert f"{rest.height - 3} smaller arrows not drawn" in card.more
    assert found.asset.shown(undrawn) in card.more
    said = " ".join(texts(figures.typology_card(found, alert=number, top=99)))
    for row in evidence.iter_rows(named=True):
        assert text(row["payer"], found.asset.chain) in said
        assert found.asset.shown(int(row["amount"])) in said


def test_masked_parties_are_not_drawn(found: Any) -> None:
    number = weak(found)
    ax = figures.typology_card(found, alert=number, edition=Edition(DISCLOSURE, bytes(32)))
    said = " ".join(texts(ax))
    for row in found.of(number).iter_rows(named=True):
        assert text(row["payer"], found.asset.chain) not in said
        assert found.asset.shown(int(row["amount"])) not in said
        assert f"{row['time']:%Y-%m-%d}" not in said
    assert "None of its payments may be drawn in this edition" in said
    assert found.frame.filter(alert=number)["why"][0] not in said


def test_beside_a_subject_others_have_one_name_and_rounded_amounts(found: Any) -> None:
    number = weak(found)
    row = found.frame.filter(alert=number).row(0, named=True)
    chain = found.asset.chain
    payers = found.of(number)["payer"].drop_nulls().to_list()
    bare = Edition(DISCLOSURE, bytes(32), {(chain, row["entity"]): "subject"})
    pooled = frozenset(bare.pseudonym(chain, one) for one in payers)
    ax = figures.typology_card(found, alert=number, edition=replace(bare, pooled=pooled))
    said = texts(ax)
    assert f"{text(row['entity'], chain)} (whose doing it is)" in said
    assert "masked (one or more others)" in said
    assert any(one.startswith(("A to B: ≈ ", "B to A: ≈ ")) for one in said)
    assert not [one for one in payers if text(one, chain) in " ".join(said)]


def test_no_rate_stands_without_its_basis(found: Any, working: None) -> None:
    number = weak(found)
    kind = found.frame.filter(alert=number)["typology"][0]
    without = " ".join(texts(figures.typology_card(found, alert=number)))
    assert "How often such alerts are right on real chains is not known" in without
    counted = {"basis": "simulated towns, honest", "typology": kind, "strength": "weak",
               "worlds": 24, "alerted": 15, "right": 10, "cases": 15, "innocent": 28_302,
               "bothered": 5}  # fmt: skip
    row = [counted.get(name, 0) for name in TYPOLOGY_RATES.names]
    rates = TypologyRates(TYPOLOGY_RATES.frame([row]), BY_CAMPAIGN.empty())
    said = " ".join(texts(figures.typology_card(found, alert=number, rates=rates)))
    assert "10 of 15" in said
    assert "95 % interval" in said
    assert "simulated towns, honest" in said
    assert "of this alert it says nothing" in said


def test_what_was_not_read_is_said(found: Any, working: None) -> None:
    number = weak(found)
    lacking = found.frame.with_columns(verdict=pl.lit("open"), unknown=pl.lit("two histories"))
    said = " ".join(texts(figures.typology_card(replace(found, frame=lacking), alert=number)))
    assert "it rests on what was not read: two histories" in said


def test_a_hostile_text_is_harmless(found: Any, working: None, tmp_path: Any) -> None:
    number = weak(found)
    made = replace(found, frame=found.frame.with_columns(why=pl.lit(HOSTILE)))
    ax = figures.typology_card(made, alert=number)
    assert "\u202e" not in " ".join(texts(ax))
    figures.save(ax, tmp_path / "card.svg")
    assert b"<script" not in (tmp_path / "card.svg").read_bytes()
    assert 72 * ax.figure.get_size_inches()[1] <= 420.0


def test_a_case_draws_cards_of_subjects_alone_and_counts_the_rest(found: Any) -> None:
    chain = found.asset.chain
    entities = found.frame["entity"].unique(maintain_order=True)
    subjects = pl.DataFrame({"chain": [chain] * len(entities), "address": entities})
    cards = list(card_figures(found, subjects))
    assert len(cards) == MOST_CARDS < found.frame.height
    assert all(f"of {found.frame.height} alerts on subjects" in one.name for one in cards)
    strengths = [found.frame.filter(alert=one.how["alert"])["strength"][0] for one in cards]
    assert strengths == sorted(strengths), "plain ones first"
    assert list(card_figures(found, subjects.clear())) == []


def test_arrows_of_a_pair_lie_apart_and_a_loop_is_drawn() -> None:
    from chainwatch.figures import style

    shape = small_shape.Shape(
        ("a", "b"),
        (small_shape.Arrow(0, 1, 5), small_shape.Arrow(1, 0, 3), small_shape.Arrow(0, 0, 1)),
        frozenset({0}),
    )
    ax = style.new_axes(4.0, 3.0)
    ax.set_xlim(0, 288)
    ax.set_ylim(0, 216)
    small_shape.draw_shape(ax, shape, 0.0, 0.0, 288.0, 216.0)
    numbers = {item.get_text(): item.get_position() for item in ax.texts}
    assert {"1", "2", "3", "A", "B"} <= set(numbers)
    places = [numbers[one] for one in ("1", "2", "3")]
    assert all(abs(p[0] - q[0]) + abs(p[1] - q[1]) > 6 for p, q in pairwise(places))
    assert small_shape.Shape(tuple(map(str, range(28))), (), frozenset()).letters()[-2:] == [
        "AA",
        "AB",
    ]


def test_arguments_that_do_not_fit(found: Any, ranged: Any) -> None:
    with pytest.raises(InputError, match="no alert 99"):
        figures.typology_card(found, alert=99)
    with pytest.raises(ArgumentError, match="pass what alerts"):
        figures.typology_card(ranged)
