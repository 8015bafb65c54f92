"""Write docs/evaluation.md, its figures and heuristics/rates.json: how often rules are right.

Usage: ``python tools/evaluation.py rates`` measures rules on the *fit* part of the simulator and
writes the rates; ``python tools/evaluation.py page`` judges recipes and rates on the *test* part
and writes the page. Rules, recipes and rates are fixed before the second is run.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Literal

import polars as pl

from chainwatch.evaluate.calibration import calibrate
from chainwatch.evaluate.evaluation import Evaluation, World, evaluate
from chainwatch.evaluate.every_rule import every_link, every_rule
from chainwatch.evaluate.link_rates import wrong_links
from chainwatch.evaluate.recipes import RECIPES
from chainwatch.evaluate.simulated import simulated_worlds
from chainwatch.figures import rates, reliability
from chainwatch.figures.style import svg_text
from chainwatch.simulate.owners.parts import PARTS

ROOT = Path(__file__).parent.parent
RATES = ROOT / "chainwatch" / "heuristics" / "rates.json"
PAGE = ROOT / "docs" / "evaluation.md"
FIGURES = ROOT / "docs" / "figures"

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
by their links, as its cases; without an error its upper end is three over the cases. The recipes of
other tools are given what their tools lack, the reading of signatures: links to inputs that are
signed in part join in none of them. The page is written by `tools/evaluation.py`;
`chainwatch evaluate` prints the same of fewer chains.

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
    said = {}
    for rule in found.rules["rule"].unique().sort():
        share = wrong_links(found.rules, rule)
        if share.of:
            said[rule] = {"right": share.of - share.count, "of": share.of, "cases": share.cases,
                          "basis": basis}  # fmt: skip
    RATES.write_text(json.dumps({"rules": said}, indent=2, sort_keys=True) + "\n", "utf-8")


def tell(found: Evaluation) -> Iterator[str]:
    """Yield the tables of the page."""
    yield "## Recipes\n"
    yield "| world | recipe | owners merged with another | pairs joined that are right |" \
          " pairs of an owner found | V-measure | largest cluster: addresses, owners |"  # fmt: skip
    yield "|---|---|---|---|---|---|---|"
    for row in found.frame.iter_rows(named=True):
        of = {"basis": row["basis"], "recipe": row["recipe"]}
        shares = [found.share(name, **of) for name in ("pairs_right", "pairs_found")]
        told = [f"{one.count:,} of {one.of:,} ({100 * (one.rate or 0):.2f} %)" for one in shares]
        yield (
            f"| {row['basis']} | {row['recipe']} | {found.share('owners_merged', **of)} |"
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


def write_page() -> None:
    """Judge recipes and rates on the test part."""
    links = []

    def remembering() -> Iterator[World]:
        for world in worlds("test"):
            links.append((every_link(world.ledger), world.truth))
            yield world

    found = evaluate(remembering(), RECIPES)
    alone = calibrate(links)
    lines = [HEAD.format(worlds=2 * WORLDS, blocks=BLOCKS), *tell(found), "## Confidences\n"]
    lines += ["| rule | stated | right |", "|---|---|---|"]
    for rule, stated, share in alone.observed():
        lines.append(f"| {rule} | {'none' if stated is None else f'{stated:.4f}'} | {share} |")
    outside = ", ".join(alone.outside()) or "none"
    lines.append(f"\nStated confidences outside the interval of what came true: {outside}.\n")
    lines.append("![Rates](figures/rates.svg)\n\n![Reliability](figures/reliability.svg)")
    PAGE.write_text("\n".join(lines) + "\n", "utf-8")
    FIGURES.mkdir(exist_ok=True)
    for name, ax in (("rates", rates(found)), ("reliability", reliability(alone))):
        (FIGURES / f"{name}.svg").write_text(svg_text(ax.get_figure(root=True)) + "\n", "utf-8")


if __name__ == "__main__":
    {"rates": write_rates, "page": write_page}[sys.argv[1]]()
