"""Write docs/account-owners.md and rates of rules on accounts: how often they are right.

Usage: ``python tools/account_owners.py rates`` measures the rules on the *fit* part of the
simulator and puts their rates into heuristics/rates.json; ``python tools/account_owners.py judge``
judges rules and rates on the *test* part, keeps what was counted in
docs/figures/account-owners.json and writes the page; ``python tools/account_owners.py page`` writes
it anew from what was counted. Rules and rates are fixed before the second is run.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from itertools import islice
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
from chainwatch.heuristics.accounts.catalogue import ACCOUNT_RULES
from chainwatch.simulate.owners.parts import PARTS
from chainwatch.tracing.custody.account_rules import (
    account_worlds,
    every_account_rule,
    links_by_every_rule,
)

ROOT = Path(__file__).parent.parent
RATES = ROOT / "chainwatch" / "heuristics" / "rates.json"
PAGE = ROOT / "docs" / "account-owners.md"
COUNTED = ROOT / "docs" / "figures" / "account-owners.json"

WORLDS = 6
"""Chains of each kind and network: honest and adversarial, Ethereum and Tron."""

EVERY = "every rule"

HEAD = """\
# How often rules on accounts are right

Whose an account is, is known here because it is simulated
([decision 50](decisions/0050-owners-on-account-chains.md)): {worlds} chains of the *test* part,
half of them honest, half adversarial, half like Ethereum and half like Tron, of 60 people with one
to four wallets each. They deposit at exchanges that sweep in different ways, and do what looks like
one owner and is none: they pay rent and each other into others' accounts, are paid wages straight
into theirs, pay desks and shops, sell an airdrop, give each other gas, and are robbed by
drainers. **Every figure is conditional on the simulator**: it says how a rule behaves where
people behave so, and nothing of how many do. Caps were chosen on the *fit* part, which shares
neither seeds nor time with it.

A link to a deposit address is right where the account is the payer's. A share says how many of
how many links; its interval (Wilson, 95 %) counts owners, weighed by their links, as cases. What
a rule leaves undecided or refuses joins nobody. The page is written by `tools/account_owners.py`;
`chainwatch evaluate accounts` prints the same of fewer chains.
"""

READING = """
## What to take from it

* Few of these rules are what co-spending is on coins. `cw.owners` joins none of them unless its
  recipe says so: `WITH_ACCOUNTS`, as the command line, joins those that are shown to be right nine
  times in ten, by the lower end of the interval of their rate on the *fit* part, adversarial chains
  included, and leaves the others undecided. Today none is; `LEADS` (`--leads`) joins all.
* Rules on deposit addresses err where somebody pays another's account again and again, and, but
  for `deposit_reuse_known`, where somebody cashes out from a wallet of his own: whoever pays him
  looks like a customer. `deposit_reuse_known` rests on custody that `cw.hosted` calls probable.
* An attacker who pays into somebody's account twice, with no trifle, looks like its customer.
* A buyer who pays for what was given away on the chain leaves links undecided; one who pays in
  cash does not, and is joined with the sellers.
* First gas and activations come from friends too. Exchanges and sellers of gas are refused by the
  cap.
* Leave to move tokens (`self_authorization`) and keys that may sign (`permission_key`) are off by
  default: drainers and robbers of few victims pass the cap.
"""


def worlds(part: Literal["fit", "test"], count: int = WORLDS) -> Iterator[World]:
    """Yield the chains of a part: honest, then adversarial, each of both networks."""
    return account_worlds(PARTS[part].seeds[:count], part)


def write_rates() -> None:
    """Measure every rule on the fit part, and put its rate beside those of other rules."""
    found = evaluate(worlds("fit"), {EVERY: every_account_rule})
    basis = (
        f"simulated account owners, fit part: {2 * WORLDS} honest and {2 * WORLDS} adversarial"
        " chains; conditional on the simulator"
    )
    said = json.loads(RATES.read_text("utf-8"))["rules"]
    for make in ACCOUNT_RULES:
        rule = make()
        share = wrong_links(found.rules, rule.name)
        if share.of:
            right = share.of - share.count
            said[rule.name] = {"right": right, "of": share.of, "cases": share.cases,
                               "basis": basis, "made": rule.made()}  # fmt: skip
    RATES.write_text(json.dumps({"rules": said}, indent=2, sort_keys=True) + "\n", "utf-8")


def first() -> Evaluation:
    """Return what is counted on the first chain alone: a test counts it again."""
    return evaluate(islice(worlds("test"), 1), {EVERY: every_account_rule})


def judge() -> None:
    """Judge the rules on the test part, keep what was counted and write the page."""
    links = []

    def remembering() -> Iterator[World]:
        for world in worlds("test"):
            links.append((links_by_every_rule(world.ledger), world.truth))
            yield world

    keep(evaluate(remembering(), {EVERY: every_account_rule}), calibrate(links), first())
    write_page()


def keep(found: Evaluation, stated: Calibration, alone: Evaluation) -> None:
    """Keep what was counted, a row a line."""
    frames = {"recipes": found.frame, "rules": found.rules, "wrong": found.wrong,
              "calibration": stated.frame, "first_rules": alone.rules}  # fmt: skip
    told = [
        f'"{name}": [\n' + ",\n".join(json.dumps(list(row)) for row in frame.rows()) + "\n]"
        for name, frame in frames.items()
    ]
    text = ",\n".join([*told, f'"basis": {json.dumps(stated.basis)}'])
    COUNTED.write_text(f"{{\n{text}\n}}\n", "utf-8")


def counted() -> tuple[Evaluation, Calibration, pl.DataFrame]:
    """Return what was counted on all chains, and of the rules on the first alone."""
    said = json.loads(COUNTED.read_text("utf-8"))
    found = Evaluation(
        RECIPE_RATES.frame(said["recipes"]), RULE_RATES.frame(said["rules"]),
        WRONG_KINDS.frame(said["wrong"]),
    )  # fmt: skip
    stated = Calibration(CALIBRATION.frame(said["calibration"]), said["basis"])
    return found, stated, RULE_RATES.frame(said["first_rules"])


def page(found: Evaluation, stated: Calibration) -> str:
    """Return the page of what was counted."""
    return "\n".join([HEAD.format(worlds=4 * WORLDS), *_rules(found), *_stated(stated)]) + READING


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
    yield "\n## All of them together\n"
    yield "| world | owners merged with another | pairs joined that are right | pairs found |"
    yield "|---|---|---|---|"
    for row in found.frame.iter_rows(named=True):
        of = {"basis": row["basis"], "recipe": row["recipe"]}
        shares = [found.share(name, **of) for name in ("owners_merged", "pairs_right",
                                                       "pairs_found")]  # fmt: skip
        told = [f"{one.count:,} of {one.of:,} ({100 * (one.rate or 0):.2f} %)" for one in shares]
        yield f"| {row['basis']} | {' | '.join(told)} |"
    yield ""


def _stated(stated: Calibration) -> Iterator[str]:
    yield "## Confidences\n"
    yield "| rule | stated | right |"
    yield "|---|---|---|"
    for rule, said, share in stated.observed():
        yield f"| {rule} | {'none' if said is None else f'{said:.4f}'} | {share} |"
    outside = ", ".join(stated.outside()) or "none"
    yield f"\nStated confidences outside the interval of what came true: {outside}."


def write_page() -> None:
    """Write the page from what was counted."""
    found, stated, _ = counted()
    PAGE.write_text(page(found, stated), "utf-8")


if __name__ == "__main__":
    {"rates": write_rates, "judge": judge, "page": write_page}[sys.argv[1]]()
