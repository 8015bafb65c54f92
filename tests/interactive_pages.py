"""What tests read of an interactive page, and how they do what people do in it."""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any

TXID = "[0-9a-f]{64}"

_PLACE = """(name) => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const id = data.nodes.findIndex((node) => node.name === name);
  const view = Bokeh.index.roots.find((one) => one.model.renderers.length > 4);
  const marks = view.model.renderers.find((one) => one.data_source.data.id !== undefined);
  const at = [...marks.data_source.data.id].indexOf(id);
  const {x, y} = marks.data_source.data;
  const box = document.getElementById("figure").getBoundingClientRect();
  const {x_scale, y_scale} = view.frame;
  return [box.left + x_scale.compute(x[at]), box.top + y_scale.compute(y[at])];
}"""


def find(page: Any, words: str) -> None:
    """Search for something and take the first that is found."""
    page.fill("#search", words)
    page.locator("#found button").first.wait_for()
    page.press("#search", "Enter")
    page.locator("#details").wait_for()


def details(page: Any) -> str:
    """Return what the panel says of what is chosen."""
    return str(page.locator("#details").inner_text())


def seen(page: Any) -> str:
    """Return what the page says that it shows."""
    return str(page.locator("#seen").inner_text())


def count(page: Any) -> tuple[int, int]:
    """Return how many nodes and flows are in sight."""
    found = re.match(r"([\d,]+) nodes?, ([\d,]+) flows?", seen(page))
    assert found, seen(page)
    return int(found[1].replace(",", "")), int(found[2].replace(",", ""))


def told(page: Any) -> str:
    """Return what was last said to a screen reader."""
    return str(page.locator("#live").inner_text())


def rows_of(page: Any) -> dict[str, int]:
    """Return the amount of each flow in the table, in base units, by its key."""
    if page.locator("#show-table").get_attribute("aria-expanded") != "true":
        page.click("#show-table")
    found = page.locator("#table tr[data-flow]").evaluate_all(
        "(rows) => rows.map((row) => [row.dataset.flow, row.children[4].textContent])"
    )
    return {
        key: int(Decimal(re.sub(r"[^\d.]", "", said.split(" r")[0])) * 10**8) for key, said in found
    }


def until(page: Any, fits: Callable[[], bool], frames: int = 300) -> None:
    """Wait for something frame by frame; a page's policy forbids the driver's own way."""
    for _ in range(frames):
        if fits():
            return
        page.evaluate("() => new Promise(requestAnimationFrame)")
    raise AssertionError("the page did not come to what was waited for")


def place_of(page: Any, name: str) -> tuple[float, float]:
    """Return where in the window the node of a name stands."""
    x, y = page.evaluate(_PLACE, name)
    return float(x), float(y)
