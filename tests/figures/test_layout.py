"""Layered layout: both engines keep cells apart, on the page, and in the same place each run."""

from __future__ import annotations

from importlib.util import find_spec

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chainwatch.errors import InputError, MissingExtra
from chainwatch.figures import layout
from chainwatch.figures.layout import Layers, Link, layers, place

HAS_DOT = find_spec("pygraphviz") is not None
ENGINES = [
    pytest.param(
        "dot", marks=pytest.mark.skipif(not HAS_DOT, reason="pygraphviz is not installed")
    ),
    "own",
]

LINKS = st.lists(
    st.builds(Link, st.integers(0, 11), st.integers(0, 11), st.integers(1, 10**9)), max_size=25
)


def check_layers(links: list[Link], plan: Layers) -> None:
    for link, route, back in zip(links, plan.routes, plan.backward, strict=True):
        if link.source == link.target:
            assert route == ()
            assert not back
            continue
        ends = (link.target, link.source) if back else (link.source, link.target)
        assert (route[0], route[-1]) == ends
        columns = [plan.column[cell] for cell in route]
        assert columns == list(range(columns[0], columns[0] + len(route)))
        assert all(cell >= plan.nodes for cell in route[1:-1])


@pytest.mark.parametrize("engine", ENGINES)
@settings(deadline=None, max_examples=60)
@given(links=LINKS)
def test_every_link_runs_through_neighbouring_columns(engine: str, links: list[Link]) -> None:
    plan = layers(12, links, engine)
    check_layers(links, plan)
    assert layers(12, links, engine) == plan


@pytest.mark.parametrize("engine", ENGINES)
@settings(deadline=None, max_examples=60)
@given(links=LINKS, tall=st.floats(0.5, 30.0))
def test_cells_of_a_column_neither_overlap_nor_leave_the_page(
    engine: str, links: list[Link], tall: float
) -> None:
    plan = layers(12, links, engine)
    heights = [tall + cell % 5 for cell in range(len(plan.column))]
    room = (tall + 8.0) * len(plan.column)
    centre = place(plan, heights, room, gap=2.0, engine=engine)
    for column in range(plan.columns):
        cells = sorted(
            (cell for cell, at in enumerate(plan.column) if at == column), key=lambda c: centre[c]
        )
        floor = 0.0
        for cell in cells:
            assert centre[cell] - heights[cell] / 2 >= floor - 1e-6
            floor = centre[cell] + heights[cell] / 2 + 2.0
        assert floor - 2.0 <= room + 1e-6


@pytest.mark.parametrize("engine", ENGINES)
def test_a_chain_is_one_node_per_column(engine: str) -> None:
    plan = layers(4, [Link(0, 1), Link(1, 2), Link(2, 3), Link(0, 3)], engine)
    assert plan.column[:4] == (0, 1, 2, 3)
    assert plan.routes[3] == (0, 4, 5, 3)


@pytest.mark.parametrize("engine", ENGINES)
def test_the_light_link_of_a_cycle_runs_back(engine: str) -> None:
    links = [Link(0, 1, 100), Link(1, 2, 90), Link(2, 0, 5)]
    assert layers(3, links, engine).backward == (False, False, True)


def test_an_overfull_column_is_refused() -> None:
    plan = layers(3, [Link(0, 1), Link(0, 2)], "own")
    with pytest.raises(InputError, match="2 flows side by side need 25 points, there are 20"):
        place(plan, [10.0, 10.0, 10.0], 20.0, gap=5.0, engine="own")


def test_an_unknown_engine_is_refused() -> None:
    with pytest.raises(InputError, match="no layout engine 'neato'"):
        layout.engine_name("neato")


def test_without_pygraphviz_the_own_engine_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(layout, "find_spec", lambda name: None)
    assert layout.engine_name() == "own"
    with pytest.raises(MissingExtra, match=r"pip install 'chainwatch\[layout\]'"):
        layout.engine_name("dot")
