"""Write docs/evaluation.md, its figures and heuristics/rates.json: how often rules are right.

Usage: ``python tools/evaluation.py rates`` measures rules on the *fit* part of the simulator and
writes the rates; ``python tools/evaluation.py judge`` judges recipes and rates on the *test* part,
keeps what was counted in docs/figures/evaluation.json and writes the page. Rules, recipes and rates
are fixed before the second is run. ``python tools/evaluation.py page`` writes page and figures anew
from what was counted: a test holds them to it.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from itertools import chain
from pathlib import Path
from typing import Literal, cast

import polars as pl
from matplotlib.figure import Figure

from chainwatch.evaluate.calibration import CALIBRATION, Calibration, calibrate
from chainwatch.evaluate.evaluation import (
    RECIPE_RATES,
    RULE_RATES,
    WRONG_KINDS,
    Evaluation,
    World,
    evaluate,
)
from chainwatch.evaluate.every_rule import every_link, every_rule, terms
from chainwatch.evaluate.link_rates import wrong_links
from chainwatch.evaluate.recipes import RECIPES
from chainwatch.evaluate.simulated import simulated_worlds
from chainwatch.figures import rates, reliability
from chainwatch.figures.style import svg_text
from chainwatch.heuristics.link_rules import OF_ACCOUNTS
from chainwatch.simulate.owners.parts import PARTS

ROOT = Path(__file__).parent.parent
RATES = ROOT / "chainwatch" / "heuristics" / "rates.json"
PAGE = ROOT / "docs" / "evaluation.md"
FIGURES = ROOT / "docs" / "figures"
COUNTED = FIGURES / "evaluation.json"

WORLDS, BLOCKS = 6, 80
"""Chains of each kind, honest and adversarial, and their blocks."""

HEAD = """\
# How often rules and recipes are right

Owners are known here because they are simulated (decision 28): {worlds} chains of {blocks} busy
blocks, half of them honest, half adversarial, of the *test* part of the simulator. No rule, recipe
or rate was made by looking at them; rates come from the *fit* part, which shares neither seeds nor
time with it. **Every figure is conditional on the simulator**: it says how a rule behaves where
people behave so, and nothing of how many do. What agrees with lists of real transactions stands in
[coinjoins.md](coinjoins.md).

Links of one owner are right or wrong together, so an interval (Wilson, 95 %) counts owners, weighed
by their links, as its cases; without an error its upper end is three over the cases. Owners merged,
pairs and V-measure have no interval: a wrong join takes two owners at least, and one can make many
wrong pairs, so that their parts are no cases of their own. How many owners are merged is no rate
either: it grows with every transaction, and so with the length of a chain. It is a count on these
chains, of {blocks} blocks each, to compare recipes by. The recipes of other tools are given what
their tools lack, the reading of signatures: links to inputs that are signed in part join in none of
them. The page is written by `tools/evaluation.py`; `chainwatch evaluate` prints the same of fewer
chains.
"""


def worlds(part: Literal["fit", "test"]) -> Iterator[World]:
    """Yield the chains of a part: honest, then adversarial."""
    seeds = PARTS[part].seeds[:WORLDS]
    return chain.from_iterable(
        simulated_worlds(seeds, part=part, adversarial=hostile, blocks=BLOCKS)
        for hostile in (False, True)
    )


def write_rates() -> None:
    """Measure every rule on the fit part, honest and adversarial chains together."""
    found = evaluate(worlds("fit"), {"every rule": every_rule})
    basis = (
        f"simulated owners, fit part: {WORLDS} honest and {WORLDS} adversarial chains of"
        f" {BLOCKS} busy blocks; conditional on the simulator"
    )
    kept = json.loads(RATES.read_text("utf-8"))["rules"]
    said = {name: rate for name, rate in kept.items() if name in OF_ACCOUNTS}
    for rule in found.rules["rule"].unique().sort():
        share = wrong_links(found.rules, rule)
        if share.of:
            said[rule] = {"right": share.of - share.count, "of": share.of, "cases": share.cases,
                          "basis": basis, "made": terms().get(rule, "")}  # fmt: skip
    RATES.write_text(json.dumps({"rules": said}, indent=2, sort_keys=True) + "\n", "utf-8")


def tell(found: Evaluation) -> Iterator[str]:
    """Yield the tables of the page."""
    yield "## Recipes\n"
    yield (
        "| world | recipe | owners merged with another, a count | pairs joined that are"
        " right | pairs of an owner found | V-measure | largest cluster: addresses, owners |"
    )
    yield "|---|---|---|---|---|---|---|"
    for row in found.frame.iter_rows(named=True):
        of = {"basis": row["basis"], "recipe": row["recipe"]}
        shares = [found.share(name, **of) for name in ("pairs_right", "pairs_found")]
        told = [f"{one.count:,} of {one.of:,} ({100 * (one.rate or 0):.2f} %)" for one in shares]
        merged = found.share("owners_merged", **of)
        yield (
            f"| {row['basis']} | {row['recipe']} | {merged.count:,} of {merged.of:,} |"
            f" {' | '.join(told)} | {row['v_measure']:.4f} | {row['largest']:,},"
            f" {row['largest_owners']:,} |"
        )
    yield "\n## Rules of the recipes\n"
    yield "| world | recipe | rule | links that join two owners | undecided: right, wrong |"
    yield "|---|---|---|---|---|"
    for row in found.rules.iter_rows(named=True):
        share = found.wrong_links(row["rule"], basis=row["basis"], recipe=row["recipe"])
        yield (
            f"| {row['basis']} | {row['recipe']} | {row['rule']} | {share} |"
            f" {row['undecided_right']:,}, {row['undecided_wrong']:,} |"
        )
    yield "\n## In what the default recipe errs\n"
    yield "| world | rule | what the transaction is | links that join two owners |"
    yield "|---|---|---|---|"
    for row in found.wrong.filter(recipe="default").iter_rows(named=True):
        yield f"| {row['basis']} | {row['rule']} | {row['kind']} | {row['links']:,} |"
    noise = found.frame.select(pl.col("alarms").sum(), pl.col("clusters").sum()).row(0)
    yield f"\nAlarms: {noise[0]:,} on {noise[1]:,} clusters of all recipes, without tags.\n"


def judge() -> None:
    """Judge recipes and rates on the test part, and keep what was counted."""
    links = []

    def remembering() -> Iterator[World]:
        for world in worlds("test"):
            links.append((every_link(world.ledger), world.truth))
            yield world

    keep(evaluate(remembering(), RECIPES), calibrate(links))


def keep(found: Evaluation, alone: Calibration) -> None:
    """Keep what was counted, a row a line."""
    frames = {"recipes": found.frame, "rules": found.rules, "wrong": found.wrong,
              "calibration": alone.frame}  # fmt: skip
    told = [
        f'"{name}": [\n' + ",\n".join(json.dumps(list(row)) for row in frame.rows()) + "\n]"
        for name, frame in frames.items()
    ]
    text = ",\n".join([*told, f'"basis": {json.dumps(alone.basis)}'])
    COUNTED.parent.mkdir(exist_ok=True)
    COUNTED.write_text(f"{{\n{text}\n}}\n", "utf-8")


def counted() -> tuple[Evaluation, Calibration]:
    """Return what was counted on the test part when it was last judged."""
    said = json.loads(COUNTED.read_text("utf-8"))
    found = Evaluation(
        RECIPE_RATES.frame(said["recipes"]), RULE_RATES.frame(said["rules"]),
        WRONG_KINDS.frame(said["wrong"]),
    )  # fmt: skip
    return found, Calibration(CALIBRATION.frame(said["calibration"]), said["basis"])


def page(found: Evaluation, alone: Calibration) -> str:
    """Return the page of what was counted."""
    lines = [HEAD.format(worlds=2 * WORLDS, blocks=BLOCKS), *tell(found), "## Confidences\n"]
    lines += ["| rule | stated | right |", "|---|---|---|"]
    for rule, stated, share in alone.observed():
        lines.append(f"| {rule} | {'none' if stated is None else f'{stated:.4f}'} | {share} |")
    outside = ", ".join(alone.outside()) or "none"
    lines.append(f"\nStated confidences outside the interval of what came true: {outside}.\n")
    lines.append("![Links that join two owners, by rule](figures/rates.svg)\n")
    lines.append("![Stated confidence and what came true, by rule](figures/reliability.svg)")
    return "\n".join(lines) + "\n"


def figures(found: Evaluation, alone: Calibration) -> Mapping[str, str]:
    """Return the figures of the page as SVG, by the names of their files."""
    drawn = {"rates": rates(found), "reliability": reliability(alone)}
    return {
        f"{name}.svg": svg_text(cast(Figure, ax.get_figure(root=True))) + "\n"
        for name, ax in drawn.items()
    }


def write_page() -> None:
    """Write the page and its figures from what was counted."""
    found, alone = counted()
    PAGE.write_text(page(found, alone), "utf-8")
    for name, text in figures(found, alone).items():
        (FIGURES / name).write_text(text, "utf-8")


if __name__ == "__main__":
    if sys.argv[1] == "judge":
        judge()
    {"rates": write_rates, "page": write_page, "judge": write_page}[sys.argv[1]]()
