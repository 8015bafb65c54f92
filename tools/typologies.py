"""Write docs/typologies.md: what each typology asks, its twin, and how often it is right.

Usage: ``python tools/typologies.py judge`` asks them on the *test* part of the simulator, keeps
what was counted in docs/figures/typologies.json and writes the page; ``python tools/typologies.py
page`` writes it anew from what was counted.
"""

from __future__ import annotations

import inspect
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl

from chainwatch.simulate.campaigns.simulation import SimulatedCampaigns, simulate_campaigns
from chainwatch.simulate.owners.parts import TEST
from chainwatch.typologies.catalogue import TYPOLOGIES
from chainwatch.typologies.facts import TABLES
from chainwatch.typologies.rates import (
    BY_CAMPAIGN,
    TYPOLOGY_RATES,
    TypologyRates,
    per_thousand,
    typology_rates,
)
from chainwatch.typologies.typology import PLAIN, Typology

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "typologies.md"
COUNTED = ROOT / "docs" / "figures" / "typologies.json"

WORLDS, UNSEEN = 12, 200
"""Towns of each kind, honest and adversarial, and the first of their seeds: those before it were
judged before the last numbers and the last conditions were chosen."""

HEAD = """\
# Typologies: what they ask, and how often they are right

A typology is a question to the payments of one asset ([decision
61](decisions/0061-typologies.md), [decision 67](decisions/0067-typologies-of-crimes.md)).
`cw.alerts` asks them; `help(cw.typologies.fan_in)` says of each its numbers and when it fails. A
claim is a reason to look and no proof of anything, and each stands beside the innocent business
with the same payments: its *twin*. A shared service never links its customers: none of them stands
in a claim because he pays where another pays.

Who does what is known here because it is simulated: {worlds} towns of the *test* part, half of them
honest, half adversarial, each of 240 days with some 2,500 owners, among them people, employers,
shops, exchanges and markets. Every kind of campaign and of its twins is run twice in a town.
**Every figure is conditional on this project's own simulator**, in which clusters and tags are
right, twins are as frequent as crimes, and whoever wrote the crimes wrote the typologies too. On a
real chain crime is far rarer, so that of real alerts far fewer are right, and habits are others. Do
not write these figures beside a real alert. What carries over is which twins raise alerts, and
which habits evade.

* The numbers of typologies were chosen on the *fit* part, which shares no seed and no day with this
  one. *New habits* are variants of campaigns that no town of the fit part has.
* *Precision*: of the parties with an alert those whose doing it is; the interval counts campaigns,
  not parties. *Recall*: of the campaigns that show it those with an alert on one of their parties.
* *Innocent* are those who take part in no crime, those who run a twin among them.
* *Weak* says of itself who in either kind of towns is wrong more often than right and alerts on
  the innocent, or alerts on half or more of a lawful twin; and whose plain twin is known otherwise.
* `night_amounts` is told here that the towns' clocks show UTC. Elsewhere it asks for a time zone.
* In adversarial towns every crime takes twice as long, or pays a little less each time, or hides
  among payments to and from people and shops.
* `peel_chain` reads a whole ledger and is not measured here, `dormant_reactivation` is shown by no
  campaign: a town does not last a year.

A share says how many of how many, with its interval (Wilson, 95 %). The page is written by
`tools/typologies.py`; `chainwatch evaluate typologies` prints the same of fewer towns.
"""


def worlds(count: int) -> Iterator[SimulatedCampaigns]:
    """Yield towns of the test part that chose nothing: honest, then adversarial."""
    for hostile in (False, True):
        for seed in TEST.seeds[UNSEEN : UNSEEN + count]:
            yield simulate_campaigns(seed, part="test", adversarial=hostile)


def first() -> TypologyRates:
    """Return the rates of the first town alone: a test counts them again."""
    return typology_rates([next(worlds(1))])


def judge() -> None:
    """Ask typologies on the test part, keep what was counted and write the page."""
    keep(typology_rates(worlds(WORLDS)), first())
    write_page()


def keep(found: TypologyRates, alone: TypologyRates) -> None:
    """Keep what was counted, a row a line."""
    told = [
        f'"{name}": [\n' + ",\n".join(json.dumps(list(row)) for row in rows) + "\n]"
        for name, rows in (
            ("rates", found.frame.rows()), ("campaigns", found.campaigns.rows()),
            ("first_rates", alone.frame.rows()), ("first_campaigns", alone.campaigns.rows()),
        )
    ]  # fmt: skip
    COUNTED.write_text("{\n" + ",\n".join(told) + "\n}\n", "utf-8")


def counted() -> tuple[TypologyRates, TypologyRates]:
    """Return what was counted on all towns, and on the first alone."""
    said: dict[str, Any] = json.loads(COUNTED.read_text("utf-8"))
    return tuple(  # type: ignore[return-value]  # two of them
        TypologyRates(
            TYPOLOGY_RATES.frame(said[f"{which}rates"]),
            BY_CAMPAIGN.frame(said[f"{which}campaigns"]),
        )
        for which in ("", "first_")
    )


def page(found: TypologyRates) -> str:
    """Return the page of what was counted."""
    parts = (_asked(), _facts(), _rates(found), _twins(found))
    return "\n".join([HEAD.format(worlds=2 * WORLDS), *(line for one in parts for line in one)])


def _asked() -> Iterator[str]:
    yield "## What they ask\n"
    family = ""
    for make in sorted(TYPOLOGIES, key=lambda one: (_family(one), one.__name__)):
        if _family(make) != family:
            yield from [""] if family else []
            family = _family(make)
            yield f"### {family.replace('_', ' ').capitalize()}\n"
        one = make()
        yield f"* **`{one.name}`**{_marks(one)}. {one.doc.split(chr(10) + chr(10))[0]}".replace(
            "\n", " "
        )
        yield f"  *Twin*: {one.benign} *Fails when*: {_fails(one)}"
    yield ""


def _facts() -> Iterator[str]:
    yield "## Facts from outside\n"
    yield "`cw.make_facts(...)` takes them as frames; `cw.read_facts(folder)` and `chainwatch"
    yield "alerts --facts FOLDER` read `reviews.csv`, `listings.csv`, `closures.csv` and"
    yield "`published.csv`. Either way a price is given in whole units of its currency,"
    yield "such as `49.90` with `EUR`, and is kept exactly.\n"
    yield "| table | column | what it says |"
    yield "|---|---|---|"
    for table in TABLES:
        for column in table.columns:
            yield f"| {table.name} | {column.name} | {column.meaning} |"
    yield ""


def _family(make: Any) -> str:
    return str(make.__module__.split(".")[2])


def _marks(one: Typology) -> str:
    said = [] if one.strength == PLAIN else [one.strength]
    said += [f"FATF: {one.fatf.replace('_', ' ')}"]
    said += [f"needs {', '.join(one.needs)}"] if one.needs else []
    return f" ({'; '.join(said)})"


def _fails(one: Typology) -> str:
    doc = inspect.cleandoc(one.doc)
    section = doc.split("Fails when\n----------\n")[1]
    return section.split("\n\n")[0].replace("\n", " ")


def _rates(found: TypologyRates) -> Iterator[str]:
    for basis in found.frame["basis"].unique().sort(descending=True):
        yield f"## How often they are right: {basis}\n"
        yield "| typology | precision | recall, known habits | recall, new habits | innocent |"
        yield "|---|---|---|---|---|"
        for row in found.frame.filter(basis=basis).iter_rows(named=True):
            of = {"basis": basis, "typology": row["typology"]}
            if row["lacking"]:
                yield f"| {row['typology']} | not observable here | - | - | - |"
                continue
            shares = [str(found.share(name, **of)) for name in
                      ("right", "found_known", "found_new")]  # fmt: skip
            weak = "" if row["strength"] == PLAIN else f" ({row['strength']})"
            said = per_thousand(found.share("bothered", **of)).replace(" innocent parties", "")
            yield f"| {row['typology']}{weak} | {' | '.join(shares)} | {said} |"
        yield ""


def _twins(found: TypologyRates) -> Iterator[str]:
    """Yield, by campaign and variant, which are found or bothered, of both kinds of towns."""
    rows = (
        found.campaigns.group_by("typology", "campaign", "variant", "crime", "shows", "unseen")
        .agg(
            *(
                pl.col(name)
                .filter(pl.col("basis").str.contains(kind))
                .sum()
                .alias(f"{kind} {name}")
                for kind in ("honest", "adversarial")
                for name in ("alerted", "campaigns")
            )
        )
        .sort("typology", "shows", "campaign", "variant", descending=[False, True, False, False])
    )
    yield "## By campaign\n"
    yield "Of so many campaigns with an alert so many, honest and adversarial. *Due* are those that"
    yield "the typology should find; an alert on another crime is neither right nor on an innocent"
    yield "party; *lawful* are twins and bystanders.\n"
    yield "| typology | campaign | habits | it is | honest | adversarial |"
    yield "|---|---|---|---|---|---|"
    for row in rows.iter_rows(named=True):
        is_ = "due" if row["shows"] else "another crime" if row["crime"] else "lawful"
        new = ", new" if row["unseen"] else ""
        honest, hostile = (
            f"{row[f'{kind} alerted']:,} of {row[f'{kind} campaigns']:,}"
            if row[f"{kind} campaigns"] else "-"
            for kind in ("honest", "adversarial")
        )  # fmt: skip
        yield (
            f"| {row['typology']} | {row['campaign']} | {row['variant']}{new} | {is_} | {honest} |"
            f" {hostile} |"
        )


def write_page() -> None:
    """Write the page from what was counted."""
    PAGE.write_text(page(counted()[0]).rstrip("\n") + "\n", "utf-8")


if __name__ == "__main__":
    {"judge": judge, "page": write_page}[sys.argv[1]]()
