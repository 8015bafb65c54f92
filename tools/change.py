"""Write docs/change.md: how often rules on change, a fitted model and peel chains are right.

Usage: ``python tools/change.py judge`` fits a model to the *fit* part of the simulator, judges it
and all rules on the *test* part, keeps what was counted in docs/figures/change.json and writes the
page; ``python tools/change.py page`` writes it anew from what was counted: a test holds it to that.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Any, Literal

import polars as pl

from chainwatch.change_models.labels import change_labels
from chainwatch.change_models.measure import MEASURED, shares
from chainwatch.change_models.model import ChangeModel
from chainwatch.change_models.rates import CHANGE_RATES, ChangeRates, change_rates
from chainwatch.change_models.training import change_model
from chainwatch.clusters.cluster import cluster
from chainwatch.clusters.peeling.expansion import peel_links
from chainwatch.clusters.peeling.validation import PeelSteps, peel_steps
from chainwatch.clusters.recipe import WITH_CHANGE
from chainwatch.evaluate.evaluation import World
from chainwatch.evaluate.every_rule import change_rules
from chainwatch.evaluate.link_rates import LINK_RATES, link_rates, wrong_links
from chainwatch.evaluate.peel_rates import PEEL_RATES, PeelRates, peel_rates
from chainwatch.evaluate.simulated import simulated_worlds
from chainwatch.evaluate.truth import Truth
from chainwatch.heuristics.co_spend import co_spends
from chainwatch.heuristics.link_rules import PEEL
from chainwatch.heuristics.rule import Rule
from chainwatch.simulate.owners.parts import PARTS

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "change.md"
COUNTED = ROOT / "docs" / "figures" / "change.json"

FITTED, JUDGED, BLOCKS = 12, 6, 80
"""Chains of each kind to fit to and to judge on, and their busy blocks."""

MODEL, RECIPE = "fitted model", "all rules of the recipe with change"

HEAD = """\
# How often rules on change are right, and what they find

Owners are known here because they are simulated (decision 28): {judged} chains of {blocks} busy
blocks of the *test* part, half of them honest, half adversarial. No rule, model or recipe was made
by looking at them. **Every figure is conditional on the simulator**: it says how a rule behaves
where people behave so, and nothing of how many do. Mixes are vetoed throughout.

*Wrong* is the share of the links that join two owners, *found* the share of the transactions with
an output that goes back to its payer in which a rule links one such output. Intervals (Wilson,
95 %) count owners, weighed by their links or transactions; without an error the upper end is three
over that number. The page is written by `tools/change.py`; `chainwatch evaluate change` prints
the rules beside each other on fewer chains.

## The model

A random forest ([decision 55](decisions/0055-a-trained-change-model.md)) fitted to labels by shared
spending of {fitted} chains of the *fit* part. It is measured twice: on labelled owners that it was
not fitted to, and below on the test part, where everybody's change is known, with a label or not.
"""


READING = """
## What to take from it

* The model finds ten times or more of the change that the recipe of strict rules finds, and errs
  about as often. That is on owners made by one simulator, to whose labels it was fitted; elsewhere
  it has to be fitted and measured anew.
* Of the labelled owners held out more payments were called change than the one in a thousand that
  was asked for on those it was chosen by, and the interval is wide: a few hundred labels cannot
  hold a rate of one in a thousand. What keeps links right is that the other output must be ruled
  out too.
* `power_of_ten` alone does well here where people are honest, for the simulated pay round amounts.
  It errs far more often where some pay so that payment and change change places.
* Steps of peel chains that land in their cluster confirm it. Those that land elsewhere are wrong
  too often to join by; going back, more often still.
"""


def worlds(part: Literal["fit", "test"], count: int) -> Iterator[World]:
    """Yield the chains of a part: honest, then adversarial."""
    seeds = PARTS[part].seeds[:count]
    return chain.from_iterable(
        simulated_worlds(seeds, part=part, adversarial=hostile, blocks=BLOCKS)
        for hostile in (False, True)
    )


def fitted() -> ChangeModel:
    """Return a model fitted to the labels of the fit part."""
    return change_model([change_labels(world.ledger) for world in worlds("fit", FITTED)])


def judge() -> None:
    """Fit, judge on the test part, and keep what was counted."""
    model = fitted()
    steps: list[tuple[PeelSteps, Truth]] = []
    links: list[tuple[Any, ...]] = []

    def remembering() -> Iterator[World]:
        for world in worlds("test", JUDGED):
            owners = cluster(co_spends(world.ledger))
            steps.append((peel_steps(world.ledger, owners), world.truth))
            for name, back in (("forward", False), ("forward and back", True)):
                made = peel_links(world.ledger, owners, back=back)
                told = link_rates(made, world.truth).filter(rule=PEEL)
                links.extend((world.truth.basis, name, *row[1:]) for row in told.iter_rows())
            yield world

    found = change_rates(remembering(), rules(model))
    keep(model, found, peel_rates(steps), links)


def rules(model: ChangeModel) -> dict[str, Rule]:
    """Return the rules that are judged, by the names of the page."""
    named = {f"`{rule}`": rule for rule in change_rules()}
    if WITH_CHANGE.change is not None:
        named = {RECIPE: WITH_CHANGE.change} | named
    return {MODEL: model.rule()} | named


def keep(
    model: ChangeModel, found: ChangeRates, peels: PeelRates, links: list[tuple[Any, ...]]
) -> None:
    """Keep what was counted, a row a line."""
    frames = {"measured": model.frame, "rates": found.frame, "peels": peels.frame}
    tables = {name: list(map(list, frame.rows())) for name, frame in frames.items()}
    tables["peel_links"] = [list(row) for row in links]
    told = [
        f'"{name}": [\n' + ",\n".join(json.dumps(row) for row in rows) + "\n]"
        for name, rows in tables.items()
    ]
    said = {"model": model.digest, "thresholds": model.chosen._asdict(), "terms": model.terms}
    COUNTED.write_text("{\n" + ",\n".join([*told, json.dumps(said)[1:-1]]) + "\n}\n", "utf-8")


def counted() -> dict[str, Any]:
    """Return what was counted when it was last judged."""
    said: dict[str, Any] = json.loads(COUNTED.read_text("utf-8"))
    return said


def page(said: dict[str, Any]) -> str:
    """Return the page of what was counted."""
    lines = [HEAD.format(judged=2 * JUDGED, fitted=2 * FITTED, blocks=BLOCKS)]
    lines += [*_model(said), *_rates(said), *_peels(said)]
    return "\n".join(lines) + "\n" + READING


def _model(said: dict[str, Any]) -> Iterator[str]:
    terms, chosen = said["terms"], said["thresholds"]
    most = terms["growth"]["trees"] * 10_000
    yield (
        f"{terms['growth']['trees']} trees by {terms['fitted_by']}. An output is called change from"
        f" a score of {chosen['at_least']:,} of {most:,} on, and ruled out below"
        f" {chosen['below']:,}, so that of the owners whom the two were chosen by at most"
        f" {100 * terms['false_positive_rate']:g} % of payments are called change and"
        f" {100 * terms['false_negative_rate']:g} % of change are ruled out.\n"
    )
    yield "| labels | what | how often |"
    yield "|---|---|---|"
    for part, what, share in shares(MEASURED.frame(said["measured"])):
        yield f"| {part} | {what} | {share} |"


def _rates(said: dict[str, Any]) -> Iterator[str]:
    found = ChangeRates(CHANGE_RATES.frame(said["rates"]), {})
    yield "\n## Rules beside each other\n"
    yield "| world | rule | wrong | found |"
    yield "|---|---|---|---|"
    for basis, rule in found.frame.select("basis", "rule").iter_rows():
        yield f"| {basis} | {rule} | {found.wrong(rule, basis)} | {found.found(rule, basis)} |"


def _peels(said: dict[str, Any]) -> Iterator[str]:
    found = PeelRates(PEEL_RATES.frame(said["peels"]))
    yield "\n## Peel chains by habit\n"
    yield (
        "Steps from the transactions of clusters by shared spending, each asked for without what it"
        " leads to; and where they land: in the *same* cluster, in an*other*, or at an address that"
        " nothing joins (*alone*).\n"
    )
    yield "| world | direction | lands | leads to another owner |"
    yield "|---|---|---|---|"
    for basis, direction, lands in found.frame.select("basis", "direction", "lands").iter_rows():
        share = found.wrong(basis, direction, lands)
        yield f"| {basis} | {direction} | {lands} | {share} |"
    yield "\nLinks that expand the clusters along their chains, hop by hop:\n"
    yield "| world | followed | links that join two owners |"
    yield "|---|---|---|"
    schema = {"basis": pl.String, "followed": pl.String, **LINK_RATES.schema}
    schema.pop("rule")
    rows = pl.DataFrame(said["peel_links"], schema=schema, orient="row")
    for (basis, followed), part in rows.group_by("basis", "followed", maintain_order=True):
        share = wrong_links(part.with_columns(pl.lit(PEEL).alias("rule")), PEEL)
        yield f"| {basis} | {followed} | {share} |"


if __name__ == "__main__":
    if sys.argv[1] == "judge":
        judge()
    PAGE.write_text(page(counted()), "utf-8")
