"""Whatever writes a file or folder treats one that exists in one way: refused, or replaced."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl
import pytest

import chainwatch as cw
from chainwatch import figures
from chainwatch.attribution.actors import ACTORS, Actors
from chainwatch.case.case import Case
from chainwatch.case.exports.actorpack import write_actorpack
from chainwatch.case.exports.graphml import write_graphml
from chainwatch.case.exports.tables import write_tables
from chainwatch.case.exports.tagpack import write_tagpack
from chainwatch.errors import OutputExists
from chainwatch.tracing.policies import fifo

Write = Callable[..., object]


@pytest.fixture(scope="module")
def writers(otter_case) -> dict[str, tuple[str, Write]]:
    """Return what writes, and the name that it takes."""
    ledger, tags = otter_case.ledger, otter_case.tags
    vendor = tags.where(label="Kelp (vendor at Otter)").addresses()
    trace = cw.trace(ledger, vendor, policy=fifo, stop=[tags.where(concept="service")])
    flow = figures.flow(trace)
    case = Case("x", "?", mask_key=bytes(32), clock=lambda: datetime(2023, 10, 1, tzinfo=UTC))
    case.add(trace, flow)
    rows_of_flows = case.view("working").drawn[0].flows
    one = ("kelp", "kelp.example", "Kelp", date(2024, 1, 2), None, "x.yaml")
    actors = Actors(ACTORS.frame([one]))
    rows = {"rows": pl.DataFrame({"a": [1]})}
    return {
        "graph of a result": ("x.graphml", trace.to_graphml),
        "flow figure": ("x.svg", flow.save),
        "figure": ("x.png", lambda path, **how: figures.save(flow.plot(), path, **how)),
        "graph": ("x.graphml", lambda path, **how: write_graphml(rows_of_flows, path, **how)),
        "tables": ("rows.csv", lambda path, **how: write_tables(rows, path.parent, **how)),
        "tags": ("x.yaml", lambda path, **how: write_tagpack(tags, path, "t", "c", **how)),
        "actors": ("x.yaml", lambda path, **how: write_actorpack(actors, path, "t", "c", **how)),
        "case": ("case", case.write),
        "annex": ("annex", case.write_annex),
    }


KINDS = ("graph of a result", "flow figure", "figure", "graph", "tables", "tags", "actors", "case",
         "annex")  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_what_exists_is_refused_or_replaced(
    kind: str, writers: dict[str, tuple[str, Write]], tmp_path: Path
) -> None:
    name, write = writers[kind]
    path = tmp_path / name
    write(path)
    before = path.stat().st_ino
    with pytest.raises(OutputExists, match=r"pass replace=True \(--replace on the command line"):
        write(path)
    assert path.stat().st_ino == before
    write(path, replace=True)
    assert path.stat().st_ino != before
    assert not [item for item in tmp_path.iterdir() if item.name.startswith(".")]


@pytest.mark.parametrize("kind", ["case", "annex"])
def test_a_folder_that_is_none_of_ours_is_never_replaced(
    kind: str, writers: dict[str, tuple[str, Write]], tmp_path: Path
) -> None:
    """Nor is one in which somebody put something, or changed it."""
    name, write = writers[kind]
    path = tmp_path / name
    write(path)
    (path / "notes.txt").write_text("mine")
    with pytest.raises(OutputExists, match="holds no earlier run"):
        write(path, replace=True)
    assert (path / "notes.txt").read_text() == "mine"
