"""Write docs/key-sets.md and the rates of rules on keys that change: how often they are right.

Usage: ``python tools/key_sets.py rates`` measures the rules on the *fit* part of the simulators and
puts their rates into heuristics/rates.json; ``python tools/key_sets.py judge`` judges rules and
rates on the *test* part, keeps what was counted in docs/figures/key-sets.json and writes the page;
``python tools/key_sets.py page`` writes it anew from what was counted. Rules and rates are fixed
before the second is run.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import polars as pl

from chainwatch.evaluate.calibration import CALIBRATION, Calibration, calibrate
from chainwatch.evaluate.evaluation import (
    RECIPE_RATES,
    RULE_RATES,
    WRONG_KINDS,
    Evaluation,
    World,
    evaluate,
)
from chainwatch.evaluate.link_rates import wrong_links
from chainwatch.evaluate.simulated_signers import (
    every_key_rule,
    key_terms,
    key_worlds,
    links_by_keys,
    simulated_safe_worlds,
    simulated_signer_worlds,
)
from chainwatch.heuristics.rates import MEASURED
from chainwatch.simulate.owners.parts import PARTS

ROOT = Path(__file__).parent.parent
RATES = ROOT / "chainwatch" / "heuristics" / "rates.json"
PAGE = ROOT / "docs" / "key-sets.md"
COUNTED = ROOT / "docs" / "figures" / "key-sets.json"

WORLDS = 8
"""Chains of each kind: of coins and with Safes, honest and adversarial."""

EVERY = "every rule"

HEAD = """\
# How often keys that change are of one holder

Who holds which keys is known here because it is simulated
([decision 57](decisions/0057-keys-that-change.md)): {worlds} chains of the *test* part, half of
coins and half with Safes, half of each honest and half adversarial. On coins people and firms with
wallets of several keys replace keys that were lost; beside them customers share a co-signer,
clients a trustee who holds two keys of three, partners have several ventures, and buyers, sellers
and a market meet in escrow; among the adversarial wallets are sold key by key, and shops give
addresses of their customers' keys. On accounts people hand a Safe to another key of theirs; firms
change their keeper, services open Safes for customers, Safes are sold, and among the adversarial
they are robbed, and strangers named as owners. **Every figure is conditional on the simulator**:
it says how a rule behaves where people behave so, and nothing of how many do. Caps were chosen on
the *fit* part, which shares neither seeds nor time with it.

What several hold together is an owner by itself: a link between two scripts is right where the same
holders control both. A share says how many of how many links; its interval (Wilson, 95 %) counts
owners, weighed by their links, as cases. What a rule leaves undecided or refuses joins nobody. The
page is written by `tools/key_sets.py`; `chainwatch evaluate keys` prints the same of fewer chains.
"""

READING = """
## What to take from it

* `key_set_change` errs where a wallet is sold and its keys are replaced one by one: nothing on the
  chain tells that from the keys of one person. It asks that the new set is new and that nothing
  goes back: without that it joined partners' ventures and clients of one trustee as well.
* It finds few of the changes of who uses a co-signer: of two shared keys one is the service's and
  does not count, and the link is refused.
* One key in common never links. In three real blocks (`tests/golden/test_shared_keys.py`) thousands
  of pairs of multisigs share one key, nearly all of them a co-signer's, and none shares two.
* A Safe of one key is its keeper's for a while. Who takes his place may be himself, a buyer, the
  next keeper of the firm, or a robber: `safe_key_change` and `safe_owner` are leads, off by
  default, and of several owners nothing is said at all.
* {default}
"""


def worlds(part: Literal["fit", "test"]) -> Iterator[World]:
    """Yield the chains of a part."""
    return key_worlds(PARTS[part].seeds[:WORLDS], part)


def write_rates() -> None:
    """Measure every rule on the fit part, and put its rate beside those of other rules."""
    found = evaluate(worlds("fit"), {EVERY: every_key_rule})
    basis = (
        f"simulated signers and Safes, fit part: {WORLDS} honest and {WORLDS} adversarial chains;"
        " conditional on the simulator"
    )
    said = json.loads(RATES.read_text("utf-8"))["rules"]
    for rule, made in key_terms().items():
        share = wrong_links(found.rules, rule)
        right = share.of - share.count
        said[rule] = {"right": right, "of": share.of, "cases": share.cases, "basis": basis,
                      "made": made}  # fmt: skip
    RATES.write_text(json.dumps({"rules": said}, indent=2, sort_keys=True) + "\n", "utf-8")


def judge() -> None:
    """Judge the rules on the test part, keep what was counted and write the page."""
    links = []

    def remembering() -> Iterator[World]:
        for world in worlds("test"):
            links.append((links_by_keys(world.ledger), world.truth))
            yield world

    keep(evaluate(remembering(), {EVERY: every_key_rule}), calibrate(links), again())
    write_page()


def again() -> pl.DataFrame:
    """Return what the rules did on the first chain of coins and the first with Safes."""
    seeds = PARTS["test"].seeds[:1]
    makers = (simulated_signer_worlds, simulated_safe_worlds)
    chosen = (world for make in makers for world in make(seeds, part="test"))
    return evaluate(chosen, {EVERY: every_key_rule}).rules


def keep(found: Evaluation, stated: Calibration, alone: pl.DataFrame) -> None:
    """Keep what was counted, a row a line."""
    frames = {"recipes": found.frame, "rules": found.rules, "wrong": found.wrong,
              "calibration": stated.frame, "first_rules": alone}  # fmt: skip
    told = [
        f'"{name}": [\n' + ",\n".join(json.dumps(list(row)) for row in frame.rows()) + "\n]"
        for name, frame in frames.items()
    ]
    text = ",\n".join([*told, f'"basis": {json.dumps(stated.basis)}'])
    COUNTED.write_text(f"{{\n{text}\n}}\n", "utf-8")


def counted() -> tuple[Evaluation, Calibration, pl.DataFrame]:
    """Return what was counted on all chains, and of the rules on the first ones alone."""
    said = json.loads(COUNTED.read_text("utf-8"))
    found = Evaluation(
        RECIPE_RATES.frame(said["recipes"]), RULE_RATES.frame(said["rules"]),
        WRONG_KINDS.frame(said["wrong"]),
    )  # fmt: skip
    stated = Calibration(CALIBRATION.frame(said["calibration"]), said["basis"])
    return found, stated, RULE_RATES.frame(said["first_rules"])


def page(found: Evaluation, stated: Calibration) -> str:
    """Return the page of what was counted."""
    head = HEAD.format(worlds=4 * WORLDS)
    return "\n".join([head, *_rules(found), *_stated(stated)]) + READING.format(default=_default())


def _default() -> str:
    """Return which rules are shown to be right nine times in ten, and that none joins by itself."""
    least = {rule: MEASURED.at_least(rule, made) or 0.0 for rule, made in key_terms().items()}
    told = ", ".join(f"`{rule}` {100 * share:.1f} %" for rule, share in least.items())
    return (
        "By the lower end of the interval on the *fit* part, adversarial chains included:\n"
        f"  {told}.\n"
        "  None joins by default. `Recipe(key_sets=True)` joins by the first, as `--key-sets` does"
        " at\n  the command line."
    )


def _rules(found: Evaluation) -> Iterator[str]:
    yield "## Rules\n"
    yield (
        "| world | rule | links that join two owners | undecided: right, wrong | refused: right,"
        " wrong |"
    )
    yield "|---|---|---|---|---|"
    for row in found.rules.iter_rows(named=True):
        share = found.wrong_links(row["rule"], basis=row["basis"], recipe=row["recipe"])
        yield (
            f"| {row['basis']} | {row['rule']} | {share} |"
            f" {row['undecided_right']:,}, {row['undecided_wrong']:,} |"
            f" {row['refused_right']:,}, {row['refused_wrong']:,} |"
        )
    yield "\n## In what they err\n"
    yield "| world | rule | what the transaction is | links that join two owners |"
    yield "|---|---|---|---|"
    for row in found.wrong.iter_rows(named=True):
        yield f"| {row['basis']} | {row['rule']} | {row['kind']} | {row['links']:,} |"
    yield ""


def _stated(stated: Calibration) -> Iterator[str]:
    yield "## Confidences\n"
    yield "| rule | stated | right |"
    yield "|---|---|---|"
    for rule, said, share in stated.observed():
        yield f"| {rule} | {'none' if said is None else f'{said:.4f}'} | {share} |"
    outside = ", ".join(stated.outside()) or "none"
    yield f"\nStated confidences outside the interval of what came true: {outside}.\n"


def write_page() -> None:
    """Write the page from what was counted."""
    found, stated, _ = counted()
    PAGE.write_text(page(found, stated), "utf-8")


if __name__ == "__main__":
    {"rates": write_rates, "judge": judge, "page": write_page}[sys.argv[1]]()
