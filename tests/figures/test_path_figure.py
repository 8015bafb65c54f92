"""The picture of why two addresses are one owner: evidence at each link, the weakest marked."""

from __future__ import annotations

from datetime import UTC, datetime

import polars as pl
import pytest

from chainwatch import figures
from chainwatch.chains.catalogue import chain
from chainwatch.clusters.cluster import cluster
from chainwatch.errors import ArgumentError, InputError, OutputExists
from chainwatch.figures import path_figure
from chainwatch.figures.style import save_figure
from chainwatch.heuristics.links import LINKS, Links
from chainwatch.results.mask import show_by

CHAIN = chain("btc-regtest").id
TIME = datetime(2023, 6, 1, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _nobody_registered():
    before = show_by(None)
    yield
    show_by(before)


def address(number: int) -> bytes:
    return b"\x03" + number.to_bytes(20, "big")


def why(rates, far: int | None = None):
    rows = [
        (CHAIN, address(n), address(n + 1), n + 1, (n + 1).to_bytes(32, "big"), TIME, "co_spend",
         rate, False, "read")
        for n, rate in enumerate(rates)
    ]  # fmt: skip
    links = Links(pl.DataFrame(rows, schema=LINKS.schema, orient="row"))
    return cluster(links).why(address(0), address(len(rates) if far is None else far))


def texts(ax) -> list[str]:
    return [item.get_text() for item in ax.texts]


def thick(ax) -> list[int]:
    """Return the places of the lines that are drawn as the weakest link is."""
    lines = [line for line in ax.lines if len(line.get_xdata()) == 2]
    return [place for place, line in enumerate(lines)
            if line.get_linewidth() == 3.0 and line.get_linestyle() != "-"]  # fmt: skip


def test_each_link_has_its_evidence_and_the_weakest_is_marked():
    ax = figures.path(why([0.9, 0.5, 0.95]))
    told = texts(ax)
    assert "1. co_spend in withheld (2023-06; confidence 0.900)" in told
    assert "weakest link: 2. co_spend in withheld (2023-06; confidence 0.500)" in told
    assert "In at least 0.350 of such cases all 3 links are right" in (" ".join(told))
    assert thick(ax) == [1]


def test_it_is_told_without_colour():
    """A greyscale print shows all of it: nothing is drawn in any other colour than black."""
    ax = figures.path(why([0.9, 0.5]))
    assert {line.get_color() for line in ax.lines} <= {path_figure.INK, "white"}


def test_it_is_drawn_on_given_axes_and_returned():
    from chainwatch.figures.style import new_axes

    ax = new_axes(6, 4)
    assert figures.path(why([0.9]), ax) is ax


def test_a_long_path_is_drawn_by_its_ends_and_its_weakest_link():
    ax = figures.path(why([0.5 if n == 29 else 0.9 for n in range(60)]))
    told = texts(ax)
    assert "17 more links" in told
    assert "18 more links" in told
    assert len(thick(ax)) == 1
    assert any(item.startswith("weakest link: 30. ") for item in told)
    assert sum("co_spend in" in item for item in told) == path_figure.SHOWN + 1


def test_bystanders_are_not_shown():
    explanation = why([0.9, 0.5, None])
    ax = figures.path(explanation)
    told = " ".join([*texts(ax), ax.get_label()])
    assert "another address (1 of 2)" in told
    assert (2).to_bytes(32, "big").hex() not in told
    assert "How often all 3 links are right together is not known: of 1 link" in told


@pytest.mark.parametrize(("far", "words"), [(0, "One address"), (9, "Nothing joins the two")])
def test_without_a_path_it_says_so(far, words):
    ax = figures.path(why([0.9], far))
    assert texts(ax)[0].startswith(words)
    assert ax.get_label().startswith(words)


def test_the_same_bytes_each_time(tmp_path):
    written = [
        save_figure(figures.path(why([0.9, None])).figure, tmp_path / name) for name in ("a", "b")
    ]
    assert written[0] == written[1]


def test_another_thing_is_named():
    with pytest.raises(ArgumentError, match="explanation is a text"):
        figures.path("why")


def test_a_drawing_is_saved_by_its_axes(tmp_path):
    ax = figures.path(why([0.9, None]))
    figures.save(ax, tmp_path / "why.svg")
    assert (tmp_path / "why.svg").read_bytes().startswith(b"<?xml")
    with pytest.raises(OutputExists, match=r"why\.svg"):
        figures.save(ax, tmp_path / "why.svg")
    with pytest.raises(InputError, match=r"cannot be written as \.jpg"):
        figures.save(ax, tmp_path / "why.jpg")
