"""Pages opened in the system's Chromium, driven by Playwright: what they ask for fails the test."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import chainwatch as cw
from chainwatch import figures
from chainwatch.heuristics import co_spend

OPTIONS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
    "--disable-background-networking", "--disable-component-update",
)  # fmt: skip
PATIENCE = 300_000
"""Milliseconds after which a page that does not answer fails its test."""

Open = Callable[..., Any]


@pytest.fixture(scope="session")
def chromium() -> Iterator[Any]:
    """Return a browser for the whole session."""
    program = os.environ.get("CHAINWATCH_CHROMIUM")
    if not program:
        pytest.skip("CHAINWATCH_CHROMIUM is not set: this test needs a browser")
    playwright = pytest.importorskip("playwright.sync_api", reason="CHAINWATCH_CHROMIUM: no driver")
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=program, args=[*OPTIONS])
        yield browser
        browser.close()


@pytest.fixture
def opened(chromium: Any) -> Iterator[Open]:
    """Return what opens a file in a tab of its own; no request but for files may leave it."""
    contexts, asked, wrong = [], [], []

    def open_(path: Path, *, width: int = 1280, height: int = 800, before: str = "") -> Any:
        context = chromium.new_context(
            viewport={"width": width, "height": height}, accept_downloads=True
        )
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(PATIENCE)
        if before:
            page.add_init_script(before)
        page.on("request", lambda request: asked.append(request.url))
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("dialog", lambda dialog: wrong.append(dialog.message))
        page.on(
            "console",
            lambda told: wrong.append(told.text) if told.type in ("error", "warning") else None,
        )
        page.goto(path.as_uri())
        return page

    yield open_
    for context in contexts:
        context.close()
    assert [url for url in asked if not url.startswith(("file:", "blob:", "about:"))] == []
    assert wrong == []


@pytest.fixture(scope="session")
def bokeh() -> None:
    """Skip where bokeh is not installed."""
    pytest.importorskip("bokeh", reason="bokeh is not installed")


@pytest.fixture(scope="session")
def otter_world(otter_case: Any, bokeh: None) -> tuple[Any, Any, Any]:
    """Return trace, clusters and tags of the made-up case."""
    tags = otter_case.tags
    clusters = cw.cluster(co_spend.co_spends(otter_case.ledger), tags=tags)
    vendors = tags.where(concept="vendor").addresses()
    trace = cw.trace(
        otter_case.ledger, vendors, policy="fifo", clusters=clusters, stop=tags.services()
    )
    return trace, clusters, tags


@pytest.fixture(scope="session")
def editions(
    otter_case: Any, otter_world: tuple[Any, Any, Any], tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Any]:
    """Return the page of each edition as a file, and the case that they are of."""
    trace, clusters, tags = otter_world
    case = cw.Case("otter", question="Whom does the money reach?", mask_key=b"k" * 32)
    case.add(clusters, trace, tags)
    case.look_beside(otter_case.ledger)
    folder = tmp_path_factory.mktemp("pages")
    figure = figures.interactive(
        trace, clusters, tags, title="Otter: main routes", data=case.basis.facts()
    )
    pages = {
        name: figure.save(folder / f"{name}.html", case.edition(name))
        for name in ("working", "disclosure")
    }
    case.trials.stop()  # it hears of nothing that later tests try
    return {**pages, "case": case, "figure": figure}


@pytest.fixture
def working(opened: Open, editions: dict[str, Any]) -> Any:
    """Return the page of the working edition, drawn."""
    page = opened(editions["working"])
    page.locator("body[data-drawn]").wait_for()
    return page


@pytest.fixture
def disclosure(opened: Open, editions: dict[str, Any]) -> Any:
    """Return the page of the disclosure edition, drawn."""
    page = opened(editions["disclosure"])
    page.locator("body[data-drawn]").wait_for()
    return page
