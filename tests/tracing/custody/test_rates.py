"""Rates of rules for deposit addresses: counted, kept, and said on the page as counted."""

from __future__ import annotations

import runpy
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from chainwatch.errors import InputError
from chainwatch.simulate.services.simulation import simulate_services
from chainwatch.tracing.custody.rates import (
    ALL,
    MANY,
    ONE_DESTINATION,
    PROBABLE,
    CustodyRates,
    custody_rates,
    known_custody,
)

ROOT = Path(__file__).parents[3]
HONEST, HOSTILE = (f"simulated services, {kind} (test part)" for kind in ("honest", "adversarial"))


@pytest.fixture(scope="module")
def tool() -> dict[str, Any]:
    return runpy.run_path(str(ROOT / "tools" / "custody.py"))["page"].__globals__


@pytest.fixture(scope="module")
def found(tool: dict[str, Any]) -> CustodyRates:
    return tool["counted"]()[0]


def test_the_page_says_what_was_counted(tool: dict[str, Any], found: CustodyRates) -> None:
    assert tool["PAGE"].read_text("utf-8") == tool["page"](found), "run: tools/custody.py page"


def test_the_first_chain_counts_as_it_was_counted(tool: dict[str, Any]) -> None:
    assert tool["first"]().digest == tool["counted"]()[1].digest, "run: tools/custody.py judge"


def test_what_is_kept_is_what_was_counted(tool: dict[str, Any], tmp_path: Path) -> None:
    both = tool["counted"]()
    before, tool["COUNTED"] = tool["COUNTED"], tmp_path / "counted.json"
    try:
        tool["keep"](*both)
        assert [one.digest for one in tool["counted"]()] == [one.digest for one in both]
    finally:
        tool["COUNTED"] = before


def test_on_honest_chains_no_twin_is_called_a_deposit_address(found: CustodyRates) -> None:
    wrong = found.share("wrong", basis=HONEST, rule=PROBABLE)
    assert wrong.count == 0
    assert wrong.of > 500
    assert wrong.interval is not None
    assert wrong.interval.high < 0.01
    assert found.share("twins_called", basis=HONEST, rule=ONE_DESTINATION).rate == 1
    assert (found.share("twins_called", basis=HONEST, rule=MANY).rate or 0) > 0.1


def test_where_the_chain_shows_nothing_custody_stays_undecided(found: CustodyRates) -> None:
    """One service pays gas as it pays everybody, and sweeps one by one."""
    for basis in (HONEST, HOSTILE):
        assert found.share("found", basis=basis, rule=PROBABLE, service="cedar").count == 0
        assert (found.share("found", basis=basis, rule=PROBABLE, service="birch").rate or 0) > 0.9


def test_the_default_errs_on_two_kinds_alone(found: CustodyRates) -> None:
    wrong = found.twins.filter(pl.col("probable") > 0)
    assert wrong.select("basis", "kind").rows() == [
        (HOSTILE, "ring"), (HOSTILE, "unnamed processor")
    ]  # fmt: skip


def test_small_worlds_add_up() -> None:
    made = [
        known_custody(simulate_services(seed, part="fit", days=12, people=40)) for seed in (0, 1)
    ]
    both, single = custody_rates(made), [custody_rates([one]) for one in made]
    numbers = ("called", "wrong", "deposits", "found", "twins", "twins_called")
    for rule in both.frame["rule"].unique():
        for name in numbers:
            parts = [int(one.frame.filter(rule=rule, service=ALL)[name][0]) for one in single]
            assert int(both.frame.filter(rule=rule, service=ALL)[name][0]) == sum(parts), (
                rule,
                name,
            )
    assert "called deposit addresses that are not" in repr(both)


def test_what_was_not_measured_is_refused(found: CustodyRates) -> None:
    with pytest.raises(InputError, match="was measured on"):
        found.share("wrong", basis="nowhere", rule=PROBABLE)
    with pytest.raises(InputError, match="ask for one of"):
        found.share("right", basis=HONEST, rule=PROBABLE)
    with pytest.raises(InputError, match="no world"):
        custody_rates([])
