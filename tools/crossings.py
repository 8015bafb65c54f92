"""Write docs/crossings.md: how often matches at bridges are right on simulated chains.

Usage: ``python tools/crossings.py judge`` judges the rules on the *test* part of the simulator,
keeps what was counted in docs/figures/crossings.json and writes the page; ``python
tools/crossings.py page`` writes it anew from what was counted.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from chainwatch.simulate.bridges.simulation import SimulatedBridges, simulate_bridges
from chainwatch.simulate.owners.parts import TEST
from chainwatch.tracing.crossings.chance import Control
from chainwatch.tracing.crossings.rates import CROSSING_RATES, CrossingRates, crossing_rates
from chainwatch.tracing.crossings.tables import BY_AMOUNT

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "crossings.md"
COUNTED = ROOT / "docs" / "figures" / "crossings.json"

WORLDS = 12
"""Pairs of chains of each kind, honest and adversarial."""

HEAD = """\
# How often matches at bridges are right

Which payout answers a deposit is known here because it is simulated ([decision
53](decisions/0053-crossings-between-chains.md)): {worlds} pairs of account chains of the *test*
part, half of them honest, half adversarial, each with a bridge that pays from a pool on either
side, ten days, a thousand deposits, four of ten of round amounts. Some are answered late, dearly,
in a batch or never; and the bridge answers deposits of a third chain that nobody reads. In
adversarial pairs payouts are split, and deposits are shadowed by others of the same amount.
**Every figure is conditional on the simulator**: how often matches are wrong depends on how many
use a bridge and on what they pay. What carries over to a real ledger is the control, which is
made of that ledger.

* *identifier* is what both sides bear, where both are read. **Copies are not simulated**: in no
  pair does anybody have the bridge's contract log the identifier of a deposit that is not
  answered so. What is held against them is in the tests, and has no rate here.
* *amount and time* is the rule of `cw.crossings`: the only payout that fits within two hours and
  one percent, which fits no other deposit, where all was read that could be either.
* *first that fits* takes the earliest payout within the same caps, as published matchers do,
  whatever else fits. It is in no verb and stands here for comparison.

A share says how many of how many, with its interval (Wilson, 95 %). *By the control* is how many
wrong matches moved deposits let expect, and the least and most at 95 %. The page is written by
`tools/crossings.py`; `chainwatch evaluate bridges` prints the same of fewer chains.
"""


def worlds(count: int) -> Iterator[SimulatedBridges]:
    """Yield the first chains of the test part: honest, then adversarial."""
    for hostile in (False, True):
        for seed in TEST.seeds[:count]:
            yield simulate_bridges(seed, part="test", adversarial=hostile)


def first() -> CrossingRates:
    """Return the rates of the first pair of chains alone: a test counts them again."""
    return crossing_rates([next(worlds(1))])


def judge() -> None:
    """Judge the rules on the test part, keep what was counted and write the page."""
    keep(crossing_rates(worlds(WORLDS)), first())
    write_page()


def keep(found: CrossingRates, alone: CrossingRates) -> None:
    """Keep what was counted, a row a line."""
    told = [
        f'"{name}": [\n' + ",\n".join(json.dumps(list(row)) for row in rows) + "\n]"
        for name, rows in (
            ("rates", found.frame.rows()), ("controls", _controls(found)),
            ("first_rates", alone.frame.rows()), ("first_controls", _controls(alone)),
        )
    ]  # fmt: skip
    COUNTED.write_text("{\n" + ",\n".join(told) + "\n}\n", "utf-8")


def _controls(found: CrossingRates) -> list[tuple[Any, ...]]:
    return [
        (basis, one.tries, one.matched, one.none, one.cases, one.matches, one.unmatched)
        for basis, one in sorted(found.controls.items())
    ]


def counted() -> tuple[CrossingRates, CrossingRates]:
    """Return what was counted on all chains, and on the first pair alone."""
    said: dict[str, Any] = json.loads(COUNTED.read_text("utf-8"))
    return tuple(  # type: ignore[return-value]  # two of them
        CrossingRates(
            CROSSING_RATES.frame(said[f"{which}rates"]),
            {basis: Control(*numbers) for basis, *numbers in said[f"{which}controls"]},
        )
        for which in ("", "first_")
    )


def page(found: CrossingRates) -> str:
    """Return the page of what was counted."""
    return "\n".join([HEAD.format(worlds=2 * WORLDS), *_rates(found)])


def _rates(found: CrossingRates) -> Iterator[str]:
    for basis in found.frame["basis"].unique().sort():
        yield f"## {basis[0].upper()}{basis[1:]}\n"
        yield "| rule | matched to another payout | one payout found | by the control |"
        yield "|---|---|---|---|"
        for row in found.frame.filter(basis=basis).iter_rows(named=True):
            of = {"basis": basis, "rule": row["rule"]}
            shares = [str(found.share(name, **of)) for name in ("wrong", "found")]
            said = _by_control(row, found.controls[basis]) if row["rule"] == BY_AMOUNT else "-"
            yield f"| {row['rule']} | {shares[0]} | {shares[1]} | {said} |"
        yield ""
        chance = found.controls[basis].by_chance
        yield f"A deposit that is moved finds one payout alone in {chance}."
        yield ""


def _by_control(row: dict[str, Any], control: Control) -> str:
    if control.expected is None or row["false_low"] is None:
        return "not testable"
    return f"{control.expected:.1f}, {row['false_low']:,} to {row['false_high']:,}"


def write_page() -> None:
    """Write the page from what was counted."""
    PAGE.write_text(page(counted()[0]).rstrip("\n") + "\n", "utf-8")


if __name__ == "__main__":
    {"judge": judge, "page": write_page}[sys.argv[1]]()
