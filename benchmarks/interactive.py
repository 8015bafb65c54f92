"""An interactive figure of many nodes: how long it takes to make, how large it is, when drawn.

``python -m benchmarks.interactive [PARTIES]`` makes up a trace of as many, writes the page of the
working edition, which shows all of it, and opens it in headless Chromium, five times. Parties at
services are drawn as the service, so that 2,600 parties make some 2,000 nodes. The time is that at
which the page marks its first whole picture, counted by the browser from the moment at which it
began to load; the program is the one that CHAINWATCH_CHROMIUM names.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import statistics
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl

from chainwatch.addresses.assets import native
from chainwatch.figures.interactive_page.view import interactive
from chainwatch.privacy.edition import WORKING, Edition
from chainwatch.privacy.roles import roles_of
from chainwatch.tracing.result import Trace
from chainwatch.tracing.stops import HOSTED, UNSPENT
from chainwatch.tracing.trace_tables import ENDS, ORIGINS, OVERLAPS, STEPS, SUBJECTS

START, BTC = datetime(2024, 1, 1, tzinfo=UTC), native("btc")
WAYS = 3
"""Whom each party pays."""
SERVICES = 13
COIN = 10**8
OPTIONS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
    "--disable-background-networking", "--disable-component-update",
)  # fmt: skip


def address(number: int) -> bytes:
    """Return the address of a party that is made up."""
    return b"\x01" + hashlib.sha256(b"party %d" % number).digest()[:20]


def made_up(parties: int, came: int = 1_000_000 * COIN) -> Trace:
    """Return a trace in which each party pays a few of those that come after it.

    Every third of those who pay nobody is paid at one of some services, the others keep it.
    """
    held = [came, *[0] * (parties - 1)]
    origin = {"subject": address(0), "tx": 0, "txid": b"\x01" * 32, "n": 0, "time": START}
    arrived = [origin, *[{}] * (parties - 1)]
    steps, ends = [], []
    for party in range(parties):
        first = party * WAYS + 1
        after = range(first, min(first + WAYS, parties))
        place = {"subject": address(0), "tx": party + 1, "time": START + timedelta(hours=7 * party),
                 "txid": hashlib.sha256(b"payment %d" % party).digest()}  # fmt: skip
        for n, target in enumerate(after):
            part = held[party] // len(after)
            amount = part if n else held[party] - part * (len(after) - 1)
            held[target], arrived[target] = amount, {**place, "n": n}
            steps.append({**arrived[target], "source": address(party), "target": address(target),
                          "amount": amount, "hop": 1 + party.bit_length() // 2})  # fmt: skip
        if not after:
            service = f"service {party // 3 % SERVICES}" if party % 3 == 0 else None
            ends.append({**arrived[party], "address": address(party), "amount": held[party],
                         "reason": HOSTED if service else UNSPENT, "service": service,
                         "certainty": "confirmed" if service else None, "hop": 8})  # fmt: skip
    kinds = {"address": address(0), "amount": came, "kind": "received"}
    tables: dict[str, Any] = {
        name: pl.DataFrame(rows, schema=dict(table.schema), orient="row")
        for name, table, rows in (
            ("origins", ORIGINS, [{**origin, **kinds}]), ("steps", STEPS, steps),
            ("ends", ENDS, ends),
            ("subjects", SUBJECTS, [{"subject": address(0), "address": address(0)}]),
        )
    }  # fmt: skip
    trace = Trace(BTC, "fifo", overlaps=OVERLAPS.empty(), **tables)
    trace.check()
    return trace


def drawn_after(page: Path, times: int) -> list[int]:
    """Return at which millisecond the page says it was drawn, each time in a new browser."""
    from playwright.sync_api import sync_playwright

    found: list[int] = []
    with sync_playwright() as play:
        for _ in range(times):
            browser = play.chromium.launch(
                executable_path=os.environ["CHAINWATCH_CHROMIUM"], args=[*OPTIONS]
            )
            opened = browser.new_page(viewport={"width": 1280, "height": 800})
            opened.goto(page.as_uri())
            body = opened.locator("body[data-drawn]")
            body.wait_for(timeout=60_000)
            found.append(int(body.get_attribute("data-drawn") or ""))
            browser.close()
    return found


def main(argv: list[str] | None = None) -> dict[str, Any]:
    """Print what was measured, and return it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("parties", nargs="?", type=int, default=2_600)
    parser.add_argument("--times", type=int, default=5)
    parser.add_argument("--keep", type=Path, help="write the page here")
    given = parser.parse_args(argv)
    trace = made_up(given.parties)
    edition = Edition(WORKING, b"benchmark" * 4, roles_of([trace]))
    with tempfile.TemporaryDirectory() as folder:
        path = given.keep or Path(folder) / "interactive.html"
        began = time.process_time()
        shown = interactive(trace).shown(edition)
        path.write_text(shown.html(), encoding="utf-8")
        spent = time.process_time() - began
        size = path.stat().st_size
        seen = len(shown.data["nodes"])
        moves = len(shown.data["moves"])
        times = drawn_after(path, given.times)
    print(  # noqa: T201
        f"{seen:,} nodes, {moves:,} flows: made in {spent:.2f} s of the processor,"
        f" {size / 1e6:.2f} MB, drawn after {statistics.median(times):,.0f} ms"
        f" ({min(times):,} to {max(times):,})"
    )
    return {"nodes": seen, "size": size, "drawn": times}


if __name__ == "__main__":
    main()
