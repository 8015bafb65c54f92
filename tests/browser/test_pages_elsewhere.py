"""The same page where it must stand as well: in a notebook's frame, with 2,000 nodes, in a case."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from interactive_pages import count, details, find

from benchmarks.interactive import made_up
from chainwatch import figures
from chainwatch.privacy.edition import WORKING, Edition
from chainwatch.privacy.roles import roles_of

MEGABYTES = 3
SECONDS = 2
PATIENCE = 15
"""How many times as long a machine that does much else may take: benchmarks publish the time."""


def test_a_trace_shows_itself_in_a_notebook(otter_world: Any, opened: Any, tmp_path: Path) -> None:
    trace, _, _ = otter_world
    html = trace._repr_html_()
    assert html.startswith("<pre")
    assert len(html) < 700_000
    path = tmp_path / "notebook.html"
    path.write_text(f"<!doctype html><meta charset=utf-8><title>n</title><body>{html}", "utf-8")
    page = opened(path)
    frame = page.frame_locator("iframe")
    frame.locator("body[data-drawn]").wait_for()
    assert page.locator("iframe").get_attribute("sandbox") == "allow-scripts allow-downloads"
    frame.locator("#search").fill("unspent")
    frame.locator("#search").press("Enter")
    frame.locator("#details").wait_for()
    assert "unspent" in frame.locator("#details").inner_text()
    assert "disclosure" in frame.locator("#edition").inner_text()


def test_two_thousand_nodes_are_small_and_drawn_soon(
    opened: Any, bokeh: None, tmp_path: Path
) -> None:
    trace = made_up(2_600)
    edition = Edition(WORKING, b"k" * 32, roles_of([trace]))
    path = figures.interactive(trace).save(tmp_path / "many.html", edition)
    assert path.stat().st_size < MEGABYTES * 1_000_000
    page = opened(path)
    body = page.locator("body[data-drawn]")
    body.wait_for()
    assert int(body.get_attribute("data-drawn")) < SECONDS * PATIENCE * 1000
    assert count(page)[0] >= 2_000
    page.click("#nearer")
    find(page, "service 3")
    assert "hosted service" in details(page)


@pytest.mark.parametrize("steps", [0, 5_000])
def test_what_is_empty_or_large_shows_its_print_alone(steps: int) -> None:
    trace = made_up(steps) if steps else made_up(1)
    html = trace._repr_html_()
    assert "<pre" in html
    assert "<iframe" not in html
