"""Write the figures of docs/public-health.md: how early alarms come, and how often for nothing.

Usage: ``python tools/health.py judge [FIRST COUNT]`` judges markets of the *test* part of the
simulator, all of them or some, and keeps what came of each in docs/figures/health.json;
``python tools/health.py page`` writes the page from what is kept. Numbers of the method were chosen
on the *fit* part before. What is noisy comes out otherwise each time: its noise is kept nowhere.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from chainwatch.simulate.health.markets import simulate_market
from chainwatch.simulate.owners.parts import TEST
from chainwatch.triage.health.warning_rates import (
    ANY,
    WAYS,
    Outcome,
    WarningRates,
    outcomes,
    rates_of,
    told,
)

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "public-health.md"
COUNTED = ROOT / "docs" / "figures" / "health.json"

MARKETS = 50
BEGIN, END = "<!-- figures: tools/health.py -->", "<!-- end of figures -->"


def judge(first: int = 0, count: int = MARKETS) -> None:
    """Judge some markets of the test part, keep what came of each, and write the page."""
    kept = counted() if COUNTED.exists() else {}
    for seed in TEST.seeds[first : first + count]:
        kept[seed] = outcomes(simulate_market(seed, part="test"), WAYS)
        keep(kept)
    write_page()


def keep(kept: dict[int, dict[str, Outcome]]) -> None:
    """Keep what came of each market, a market a line."""
    lines = [f'"{seed}": {json.dumps(kept[seed])}' for seed in sorted(kept)]
    COUNTED.write_text("{\n" + ",\n".join(lines) + "\n}\n", "utf-8")


def counted() -> dict[int, dict[str, Outcome]]:
    """Return what came of each market, by its seed."""
    said: dict[str, Any] = json.loads(COUNTED.read_text("utf-8"))
    return {
        int(seed): {name: Outcome(tuple(new), tuple(before), false, weeks)
                    for name, (new, before, false, weeks) in ways.items()}
        for seed, ways in said.items()
    }  # fmt: skip


def rates(kept: dict[int, dict[str, Outcome]]) -> WarningRates:
    """Return the rates of all markets that are kept."""
    return rates_of({name: [kept[seed][name] for seed in sorted(kept)] for name in WAYS})


def table(found: WarningRates) -> Iterator[str]:
    """Yield the lines of the table."""
    row = found.frame.row(0, named=True)
    yield (
        f"On {row['markets']} markets, in which {row['harms']} dangerous substances began and were"
        " reported by others:\n"
    )
    heads = ("what is watched", "dangerous substance", "median lead, weeks", "before the report",
             "later", "missed")  # fmt: skip
    yield f"| {' | '.join(heads)} | false alarms a year |"
    yield "|---|---|---|---|---|---|---|"
    for one in found.frame.to_dicts():
        lead = f"{told(one['lead'])} ({told(one['lead_low'])} to {told(one['lead_high'])})"
        span = f"{one['per_year_low'] or 0:.2f} to {one['per_year_high'] or 0:.2f}"
        false = f"{one['per_year']:.2f} ({span})" if one["harm"] == ANY else ""
        way = f"**{one['way']}**" if one["harm"] == ANY else one["way"]
        yield (
            f"| {way} | {one['harm']} | {lead} | {one['warned']} of {one['harms']} |"
            f" {one['later']} | {one['missed']} | {false} |"
        )


def page(found: WarningRates, text: str) -> str:
    """Return a page with the figures in their place."""
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    return "\n".join([before + BEGIN, "", *table(found), "", END + after])


def write_page() -> None:
    """Write the figures into the page."""
    PAGE.write_text(page(rates(counted()), PAGE.read_text("utf-8")), "utf-8")


if __name__ == "__main__":
    what, *numbers = sys.argv[1:]
    {"judge": judge, "page": write_page}[what](*map(int, numbers))
