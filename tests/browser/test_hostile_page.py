"""Names that try to act, to hide or to burst a page: nothing runs, nothing is asked."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from interactive_pages import count, details, find, rows_of

from benchmarks.interactive import made_up
from chainwatch import figures
from chainwatch.privacy.edition import WORKING, Edition
from chainwatch.privacy.roles import roles_of
from chainwatch.sanitize import visible

HOSTILE = (
    "<script>window.owned = 1; alert(1)</script>",
    "</script><script>window.owned = 2</script>",
    '<img src="https://evil.invalid/x" onerror="window.owned = 3">',
    '"><svg onload="window.owned = 4">',
    "<!--<script>",
    "]]>\u2028\u2029 window.owned = 5",
    '=HYPERLINK("https://evil.invalid")',
    "=cmd|' /C calc'!A0",
    "\u202egnp.exe\u202c \u2066\u200b",
    "$$\\require{html}\\href{javascript:window.owned=6}{x}$$",
    "שוק 300 بازار",
    "x" * 10_000,
    "{{owned}} #set page() ${window.owned=7} %s",
)


@pytest.fixture(scope="module")
def trace() -> Any:
    """Return a trace whose services bear the names of an attacker."""
    made = made_up(200)
    names = {f"service {n}": name for n, name in enumerate(HOSTILE)}
    details = pl.when(pl.int_range(pl.len()) % 7 == 0).then(pl.lit(HOSTILE[2]))
    return replace(
        made, ends=made.ends.with_columns(pl.col("service").replace(names), detail=details)
    )


def test_nothing_of_a_name_is_done(trace: Any, opened: Any, bokeh: None, tmp_path: Path) -> None:
    edition = Edition(WORKING, b"k" * 32, roles_of([trace]))
    title = HOSTILE[1] + HOSTILE[2] + HOSTILE[9]
    figure = figures.interactive(trace, title=title, data=((HOSTILE[0], HOSTILE[2]),))
    path = figure.save(tmp_path / "hostile.html", edition)
    page = opened(path)
    page.locator("body[data-drawn]").wait_for()
    assert page.title() == title
    assert count(page)[0] > 100
    for name in HOSTILE:
        find(page, visible(name)[:14].strip())
        assert "hosted service" in details(page)
    page.keyboard.press("Escape")
    rows_of(page)
    rows_text = page.locator("#table").inner_text()
    page.click("#show-table")
    assert page.evaluate("window.owned") is None
    assert page.locator("#details img, #legend img, #table img, svg[onload]").count() == 0
    assert page.evaluate("document.documentElement.scrollWidth") <= 1280
    assert page.locator("#side").bounding_box()["width"] <= 345
    legend = page.locator("#legend").inner_text()
    assert page.locator("#legend dd").first.bounding_box()["width"] > 120
    assert "שוק 300 بازار" in rows_text
    assert "<script>window.owned = 1; alert(1)</script>" in legend
    assert "‹U+202E›gnp.exe" in page.locator("#legend").inner_text()
    with page.expect_download() as saved:
        page.click("#save-csv")
    saved.value.save_as(tmp_path / "flows.csv")
    text = (tmp_path / "flows.csv").read_text("utf-8")
    assert "'=HYPERLINK" in text
    assert "'=cmd" in text
    assert not any(line.startswith(("=", "+", "-", "@")) for line in text.splitlines())
    with page.expect_download() as saved:
        page.click("#save-svg")
    saved.value.save_as(tmp_path / "flows.svg")
    drawn = (tmp_path / "flows.svg").read_text("utf-8")
    assert "<script" not in drawn
    assert "<img" not in drawn


def test_data_cannot_leave_its_element(trace: Any, bokeh: None) -> None:
    edition = Edition(WORKING, b"k" * 32, roles_of([trace]))
    html = figures.interactive(trace, title=HOSTILE[1]).shown(edition).html()
    inner = html.partition('id="data">')[2].partition("</script>")[0]
    assert inner.startswith("{")
    assert inner.endswith("}")
    assert not set("<>&\u2028\u2029") & set(inner)
    assert html.count("<script") == 3
