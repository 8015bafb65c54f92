"""Figures of a trace in a case: drawn by the edition of the case, whatever the desk shows."""

from __future__ import annotations

from typing import Any

import polars as pl
import pytest

import chainwatch as cw
from chainwatch import figures
from chainwatch.attribution.tags import make_tags
from chainwatch.errors import InputError
from chainwatch.figures import case_figures
from chainwatch.figures.bars import shown_by, shown_edition
from chainwatch.figures.case_figures import CAPTIONS, case_figure, trace_figures
from chainwatch.figures.charts.exposure_bars import exposure_text
from chainwatch.ledger.schema import TAGS
from chainwatch.privacy.edition import DISCLOSURE, WORKING, Edition
from chainwatch.privacy.roles import roles_of
from chainwatch.units import total

KEY = bytes(32)


@pytest.fixture(scope="module")
def ranged(otter_case: Any) -> cw.TraceRange:
    tags = otter_case.tags
    reed = tags.where(actor="reed").addresses()
    return cw.trace_all(otter_case.ledger, reed, stop=tags.services())


def texts(ax: Any) -> list[str]:
    return [one.get_text() for one in ax.texts]


def test_a_case_draws_range_timeline_and_sum(ranged: cw.TraceRange) -> None:
    made = trace_figures(ranged.traces["fifo"], ranged)
    assert [one.kind for one in made] == ["range", "timeline", "sum_check"]
    assert [one.kind for one in trace_figures(ranged.traces["poison"], ranged)] == [
        "range", "timeline"
    ]  # fmt: skip
    assert len({one.digest for one in made}) == 3
    assert made[1].digest != case_figure(ranged.traces["lifo"], kind="timeline").digest


def test_what_ended_with_a_service_stands_under_its_name_whoever_lists_the_address(
    otter_case: Any, ranged: cw.TraceRange
) -> None:
    """An order or two of an authority name the addresses: they were paid nothing."""
    trace, tags = ranged.traces["fifo"], otter_case.tags
    where = trace.ends.filter(pl.col("address").is_not_null()).select("address").unique()
    one = {
        **dict.fromkeys(TAGS.schema), "chain": trace.asset.chain, "source": "court",
        "confidence": "override", "level": 100, "pack": "orders",
    }  # fmt: skip
    rows = [
        one | {"address": address, "label": label, "concept": concept}
        for (address,) in where.iter_rows()
        for label, concept in (("order 1", "seizure_order"), ("order 2", "forfeiture"))
    ]
    listed = make_tags(pl.concat([tags.frame, pl.DataFrame(rows, schema=TAGS.schema)]))
    found = case_figures._received(trace, listed)
    hosted = trace.ends.drop_nulls(["service", "address"])
    assert not hosted.is_empty()
    sums = {
        name: total(found.categories.filter(pl.col("entity") == name)["amount"])
        for name in hosted["service"].unique()
    }
    assert sums == {
        name: total(hosted.filter(pl.col("service") == name)["amount"]) for name in sums
    }
    assert total(found.categories["amount"]) == trace.amount
    with shown_by(Edition(WORKING, KEY)):
        said = exposure_text(found)
    assert "(listed: order 1; order 2)" in said
    assert "contested" not in said
    assert "; order 1 or" not in said


@pytest.mark.parametrize("name", [DISCLOSURE, WORKING])
def test_an_edition_draws_what_it_may_say(ranged: cw.TraceRange, name: str) -> None:
    """The desk shows the disclosure edition here: a case in the working edition masks nobody."""
    trace = ranged.traces["haircut"]
    edition = Edition(name, KEY, roles=roles_of([trace, ranged]))
    for one in trace_figures(trace, ranged):
        (drawing,) = one.drawings()
        shown = drawing.shown(edition)
        ax = shown.plot()
        said = " ".join([*texts(ax), shown.alt])
        assert ("≈" in said) == (name == DISCLOSURE), one.kind
        assert shown.caption == CAPTIONS[one.kind]
        assert ax.get_label() == shown.alt
        assert shown.flows.is_empty()
        assert not shown.has_flows
        rounded = [
            row["amount"] for row in trace.summary().iter_rows(named=True)
            if row["reason"] == "unspent"
        ]  # fmt: skip
        if one.kind == "sum_check":
            assert (trace.asset.shown(int(rounded[0])) in said) == (name == WORKING)
        if one.kind == "timeline":
            assert ("A bar is a month" in said) == (name == DISCLOSURE)
    assert shown_edition().name == DISCLOSURE, "the desk is as it was"


def test_the_desk_and_a_case_of_its_edition_draw_the_same(ranged: cw.TraceRange) -> None:
    trace = ranged.traces["haircut"]
    edition = Edition(DISCLOSURE, KEY, roles=roles_of([trace]))
    drawing = case_figure(trace, kind="sum_check").shown(edition)
    assert texts(drawing.plot()) == texts(figures.sum_check(trace))


def test_a_figure_that_there_is_not(ranged: cw.TraceRange) -> None:
    for of, kind in ((ranged, "sum_check"), (ranged.traces["fifo"], "range"), (ranged, "pie")):
        with pytest.raises(InputError, match=rf"no figure '{kind}' of a .* draw .*range|timeline"):
            case_figure(of, kind=kind)
