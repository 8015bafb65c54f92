"""``chainwatch link-test``: what it prints, what it keeps back, and how it fails."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from chainwatch.simulate.otter import otter

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def case(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    from chainwatch.ingest.pull import pull
    from chainwatch.sources.block_files import BlockFiles

    folder = tmp_path_factory.mktemp("otter")
    files = otter().write(folder / "case")
    pull(folder / "ledger", BlockFiles(files / "blocks.dat", chain="btc-regtest"))
    return {"--ledger": folder / "ledger", "--tags": files / "tags"}


def words(case: dict[str, Any], *more: Any) -> list[Any]:
    return ["link-test", *more, *(one for pair in case.items() for one in pair)]


def test_vendors_of_a_concept_are_tested_each(
    run: Run, case: dict[str, Any], tmp_path: Path
) -> None:
    file = tmp_path / "tests.csv"
    status, said, _ = run(*words(case, "vendor", "Lantern campaign", "--clusters", "--csv", file))
    assert status == 0
    assert "Of 2 vendors, payments of 0 consistent with a link to the network" in said
    assert "no pattern" in said
    assert "belongs" not in said
    kept = pl.read_csv(file)
    assert kept["verdict"].to_list() == ["no route found", "consistent with chance"]
    status, _, told = run(*words(case, "vendor", "Lantern campaign", "--csv", file))
    assert status == 1
    assert "exists" in told


def test_what_cannot_be_asked_is_told_in_a_sentence(run: Run, case: dict[str, Any]) -> None:
    status, _, said = run(*words(case, "vendor", "Lantern campaign", "--rate", "2"))
    assert (status, "between 0 and 1" in said) == (1, True)
    status, _, said = run(*words(case, "vendor", "vendor"))
    assert (status, "are of the network" in said) == (1, True)


def test_the_rates_are_printed_of_fewer_worlds(run: Run) -> None:
    status, said, _ = run("evaluate", "links", "--worlds", 1, "--fit")
    assert status == 0
    assert "false among the called" in said
    assert said.count("links found in a world") == 2, "honest and adversarial"
