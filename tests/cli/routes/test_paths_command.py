"""``chainwatch paths``: the routes of the library, and what it says of each payment."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest

import chainwatch as cw

Run = Callable[..., tuple[int, str, str]]
KELP = "bcrt1qtt0weclr7m06nekgm7u55a4pspg6f8qlajfqh0"


@pytest.fixture
def asked(otter_case: Any) -> tuple[object, ...]:
    folder = otter_case.ledger.store.path
    return ("--ledger", folder, "--tags", folder.parent / "case" / "tags")


def test_it_prints_the_routes_that_the_library_finds(
    run: Run, otter_case: Any, asked: tuple[object, ...], tmp_path: Path
) -> None:
    files = ("--csv", tmp_path / "h.csv", "--picture", tmp_path / "routes.svg")
    status, out, err = run("paths", KELP, "harbour", *asked, "--count", 2, "--by", "hops", *files)
    assert (status, err) == (0, "")
    tags = otter_case.tags
    found = cw.paths(
        otter_case.ledger, KELP, tags.where(actor="harbour"), k=2, by="hops", tags=tags
    )
    assert out.startswith(repr(found))
    assert out.count("Route ") == found.routes.height == 2
    rows = pl.read_csv(tmp_path / "h.csv", infer_schema=False)
    assert rows["txid"].to_list() == found.plain("hops")["txid"].to_list()
    assert "Route 2: " in (tmp_path / "routes.svg").read_text("utf-8")
    assert run("paths", KELP, "harbour", *asked, *files)[0] == 1, "files that are there stay"


def test_owners_allow_steps_of_control(run: Run, asked: tuple[object, ...]) -> None:
    status, out, _ = run("paths", KELP, "lantern", *asked)
    assert (status, "No route was found among what was read" in out) == (0, True)
    status, out, _ = run("paths", KELP, "lantern", *asked, "--clusters", "--stop", asked[-1])
    assert (status, "3 hops" in out) == (0, True)
    assert "Looking forward from the source ended at: hosted service" in out


def test_what_does_not_fit_is_said(run: Run, asked: tuple[object, ...]) -> None:
    status, _, err = run("paths", KELP, "nobody", *asked)
    assert (status, "no tag calls anybody so" in err) == (1, True)
    status, _, err = run("paths", KELP, "kelp", *asked)
    assert (status, "source and target are one party" in err) == (1, True)
    status, _, err = run("paths", KELP, "harbour", *asked, "--by", "luck")
    assert (status, "write one of value, hops, time, weakest" in err) == (1, True)


def test_an_output_is_an_end_by_itself(
    run: Run, otter_case: Any, asked: tuple[object, ...]
) -> None:
    first = cw.paths(otter_case.ledger, KELP, otter_case.tags.where(actor="harbour"), by="hops")
    row = first.plain("hops").row(0, named=True)
    paid = f"{row['txid']}:{row['n']}"
    status, out, err = run("paths", KELP, paid, *asked)
    assert (status, err) == (0, "")
    assert out.startswith(repr(cw.paths(otter_case.ledger, KELP, paid, tags=otter_case.tags)))
    assert "1. 1 hop, " in out
    status, _, err = run("paths", f"{'0' * 64}:0", "harbour", *asked)
    assert (status, "check the id, or pull it into the ledger first" in err) == (1, True)
