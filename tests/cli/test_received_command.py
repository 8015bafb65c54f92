"""``chainwatch received``: what the library counts, by every method, on screen and as data."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest

import chainwatch as cw
from chainwatch.addresses.canonical import text
from chainwatch.errors import TraceError

Run = Callable[..., tuple[int, str, str]]
KELP = "bcrt1qtt0weclr7m06nekgm7u55a4pspg6f8qlajfqh0"


@pytest.fixture
def tag_files(otter_case: Any) -> Path:
    folder: Path = otter_case.ledger.store.path.parent / "case" / "tags"
    return folder


def library(otter_case: Any, whom: Any = KELP, **more: Any) -> cw.Received:
    given = {"method": "DD-OW", "services": otter_case.tags.services(), **more}
    return cw.received(otter_case.ledger, whom, chain="btc-regtest", **given)


def test_it_prints_what_the_library_counts(
    run: Run, otter_case: Any, tag_files: Path, tmp_path: Path
) -> None:
    paid = cw.trace(otter_case.ledger, KELP, policy="fifo", direction="backward")
    payer = text(paid.steps["source"].drop_nulls()[0], "btc-regtest")
    asked = ("received", KELP, "--ledger", otter_case.ledger.store.path, "--tags", tag_files)
    status, out, err = run(
        *asked, "--method", "DD-OW", "--source", payer, "--csv", tmp_path / "m.csv"
    )
    assert (status, err) == (0, "")
    found = library(otter_case, sources=[payer])
    assert out.startswith(repr(found))
    assert str(found.findings(pl.DataFrame())[0].headline) in out
    low, high = found.from_sources or (0, 0)
    assert 0 < low <= high <= found.turnover
    assert "A range across methods of counting is no confidence interval" in out
    rows = pl.read_csv(tmp_path / "m.csv", infer_schema=False)
    assert rows["method"].to_list() == found.frame["method"].to_list()
    assert list(map(int, rows["turnover"])) == list(map(int, found.frame["turnover"]))
    status, _, err = run(*asked, "--method", "DD", "--csv", tmp_path / "m.csv")
    assert (status, "exists" in err) == (1, True)


def test_without_a_source_it_says_what_one_is_for_and_nothing_twice(
    run: Run, otter_case: Any, tag_files: Path
) -> None:
    """Tags say who is a service; they are no sources, and none is said to be lacking."""
    asked = ("received", KELP, "--ledger", otter_case.ledger.store.path, "--method", "DD")
    for more in ((), ("--tags", tag_files)):
        status, out, err = run(*asked, *more)
        assert (status, err) == (0, "")
        assert "no sources were named" not in out
        assert "where it came from was not asked" in out
        assert "With --source ADDRESS" in out
        lines = [line.strip() for line in out.splitlines() if line.strip()]
        assert len(set(lines)) == len(lines)
        assert out.count("is no confidence interval") == 1
        assert out.count("MICA-DC") == 1


def test_as_data(run: Run, otter_case: Any, tag_files: Path) -> None:
    asked = ("received", KELP, "--ledger", otter_case.ledger.store.path, "--tags", tag_files)
    status, out, err = run(*asked, "--method", "DD-OW", "--clusters", "--json")
    assert (status, err) == (0, "")
    found = library(
        otter_case, clusters=cw.cluster(cw.co_spends(otter_case.ledger)),
        with_change=cw.owners(otter_case.ledger),
    )  # fmt: skip
    told = json.loads(out)
    assert (told["digest"], told["method"]) == (found.digest, "DD-OW")
    rows = {row["method"]: row for row in told["received_by_method"]}
    assert rows.keys() == set(found.frame["method"])
    assert {name for name in rows if name.startswith("MI")}
    for name, turnover in found.frame.select("method", "turnover").iter_rows():
        assert int(rows[name]["turnover"]) == int(turnover)
    assert len(told["partly_read"]) == found.partly_read.height


def test_a_name_that_tags_give(run: Run, otter_case: Any, tag_files: Path) -> None:
    actor = otter_case.tags.services().frame["actor"].drop_nulls()[0]
    asked = ("received", actor, "--ledger", otter_case.ledger.store.path, "--tags", tag_files)
    status, out, err = run(*asked, "--method", "DD")
    assert (status, err) == (0, "")
    assert out.startswith(
        repr(library(otter_case, otter_case.tags.where(actor=actor), method="DD"))
    )
    status, _, err = run("received", "nobody at all", *asked[2:], "--method", "DD")
    assert (status, "no tag calls anybody so" in err) == (1, True)


def test_a_method_must_be_chosen(run: Run, otter_case: Any) -> None:
    status, _, err = run("received", KELP, "--ledger", otter_case.ledger.store.path)
    assert (status, "no method of counting was named" in err) == (1, True)
    with pytest.raises(TraceError):
        library(otter_case, method=None)
