"""``chainwatch evaluate``: how often rules, recipes and matches are right where truth is known."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, NamedTuple, cast

import typer

from chainwatch.cli.options import ReplaceOption
from chainwatch.cli.output import check_named, interruptible, say, show
from chainwatch.errors import InputError

if TYPE_CHECKING:
    from chainwatch.evaluate.evaluation import Evaluation, World
    from chainwatch.results.result import Result


class Asked(NamedTuple):
    """What is measured on: seeds of one part, blocks of each chain, and a fitted model."""

    seeds: tuple[int, ...]
    part: Literal["fit", "test"]
    blocks: int
    model: Path | None

    def each(self) -> Iterator[tuple[int, bool]]:
        """Yield every seed, honest first and adversarial then."""
        yield from ((seed, hostile) for hostile in (False, True) for seed in self.seeds)

    def owners(self) -> Iterator[World]:
        """Yield simulated chains of coins, honest first and adversarial then."""
        from chainwatch.evaluate.simulated import simulated_worlds

        yield from chain.from_iterable(
            simulated_worlds(self.seeds, part=self.part, adversarial=hostile, blocks=self.blocks)
            for hostile in (False, True)
        )


def add_to(app: typer.Typer) -> None:
    """Add the command of this module."""
    app.command()(evaluate)


def evaluate(
    what: Annotated[
        str,
        typer.Argument(
            metavar="[WHAT]",
            help="owners, accounts, change, keys, custody, bridges, meanings, typologies, links"
            " or health.",
        ),
    ] = "owners",
    worlds: Annotated[
        int, typer.Option(help="Simulated chains of each kind, honest and adversarial.", min=1)
    ] = 2,
    blocks: Annotated[
        int, typer.Option(help="Blocks of each chain of coins in which something happens.")
    ] = 100,
    fit: Annotated[
        bool,
        typer.Option("--fit", help="On the seeds that rates are made from, not on the others."),
    ] = False,
    change_model: Annotated[
        Path | None, typer.Option("--change-model", help="With change: judge this model as well.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the numbers as JSON.")] = False,
    picture: Annotated[
        Path | None,
        typer.Option(
            "--picture", help="With owners, accounts or keys: an .svg or .png file to draw."
        ),
    ] = None,
    replace: ReplaceOption = False,
) -> None:
    """Measure rules on simulated chains where all is known, and print every figure with its counts.

    Recipes for owners; rules on accounts; on change; on keys that change, of multisigs and Safes;
    for deposit addresses (custody); matches of deposits at bridges; what transactions of accounts
    mean; typologies, on whom they raise alerts and which campaigns they find; links of vendors to a
    network; early warning of new substances (health). The figures are conditional on the
    simulators. Rates are never made from the chains that are used by default.

    Example: chainwatch evaluate owners --worlds 1 --blocks 20 --picture rates.svg
    """
    from chainwatch.simulate.owners.parts import PARTS

    judge = _judge(what, pictured=picture is not None, with_model=change_model is not None)
    part: Literal["fit", "test"] = "fit" if fit else "test"
    seeds = PARTS[part].seeds
    if worlds > len(seeds):
        raise InputError(f"there are {len(seeds):,} seeds to {part}", remedy="ask for fewer worlds")
    check_named(picture, replace=replace)
    with interruptible():
        found = judge(Asked(tuple(seeds[:worlds]), part, blocks, change_model))
        if picture:
            _draw(found, picture, replace=replace)
    _tell(found, as_json=as_json)


def _judge(what: str, *, pictured: bool, with_model: bool) -> Callable[[Asked], Result]:
    """Return what measures, if it can do what is asked of it."""
    judge = JUDGES.get(what)
    if judge is None:
        raise InputError(f"nothing measures {what!r}", remedy=f"ask for {', '.join(JUDGES)}")
    if pictured and what not in ("owners", "accounts", "keys"):
        raise InputError(f"rates of {what} have no picture", remedy="leave --picture out")
    if with_model and what != "change":
        raise InputError(f"{what} uses no model of change", remedy="leave --change-model out")
    return judge


def _draw(found: Result, picture: Path, *, replace: bool) -> None:
    """Draw the rates of recipes for owners; nothing else is drawn (:func:`_judge`)."""
    from chainwatch.figures import rates, save

    save(rates(cast("Evaluation", found)), picture, replace=replace)


def _tell(found: Result, *, as_json: bool) -> None:
    """Print what was measured, as text or as JSON with its digest."""
    if as_json:
        tables = {name: rows.frame.to_dicts() for name, rows in found.tables().items()}
        say(json.dumps({"digest": found.digest, **tables}, indent=2))
    else:
        show(found)


def _owners(asked: Asked) -> Evaluation:
    """Return how often the links and clusters of recipes for owners are right."""
    from chainwatch.evaluate.evaluation import evaluate as measure
    from chainwatch.evaluate.recipes import RECIPES

    return measure(asked.owners(), RECIPES)


def _accounts(asked: Asked) -> Evaluation:
    """Return how often the links of rules on accounts are right."""
    from chainwatch.evaluate.evaluation import evaluate as measure
    from chainwatch.tracing.custody.account_rules import account_worlds, every_account_rule

    return measure(account_worlds(asked.seeds, asked.part), {"every rule": every_account_rule})


def _keys(asked: Asked) -> Evaluation:
    """Return how often the links of rules on keys that change are right."""
    from chainwatch.evaluate.evaluation import evaluate as measure
    from chainwatch.evaluate.simulated_signers import every_key_rule, key_worlds

    return measure(key_worlds(asked.seeds, asked.part), {"every rule": every_key_rule})


def _change(asked: Asked) -> Result:
    """Return how often rules on change are right and what they find, a fitted one beside them."""
    from chainwatch.change_models.file import read_change_model
    from chainwatch.change_models.rates import change_rates
    from chainwatch.clusters.recipe import WITH_CHANGE
    from chainwatch.evaluate.every_rule import change_rules

    rules = {str(rule): rule for rule in change_rules()}
    if WITH_CHANGE.change is not None:
        rules = {"with change": WITH_CHANGE.change} | rules
    if asked.model:
        fitted = read_change_model(asked.model).rule()
        rules = {str(fitted): fitted} | rules
    return change_rates(asked.owners(), rules)


def _custody(asked: Asked) -> Result:
    """Return how often rules for deposit addresses are right on simulated services."""
    from chainwatch.simulate.services.simulation import simulate_services
    from chainwatch.tracing.custody.rates import custody_rates, known_custody

    return custody_rates(
        known_custody(simulate_services(seed, part=asked.part, adversarial=hostile))
        for seed, hostile in asked.each()
    )


def _bridges(asked: Asked) -> Result:
    """Return how often matches of deposits at simulated bridges are right."""
    from chainwatch.simulate.bridges.simulation import simulate_bridges
    from chainwatch.tracing.crossings.rates import crossing_rates

    return crossing_rates(
        simulate_bridges(seed, part=asked.part, adversarial=hostile)
        for seed, hostile in asked.each()
    )


def _meanings(asked: Asked) -> Result:
    """Return how often what transactions of accounts are said to mean is right."""
    from chainwatch.simulate.swaps.simulation import simulate_swaps
    from chainwatch.tracing.meaning.rates import meaning_rates

    return meaning_rates(
        simulate_swaps(seed, part=asked.part, adversarial=hostile) for seed, hostile in asked.each()
    )


def _typologies(asked: Asked) -> Result:
    """Return how often typologies are right on simulated campaigns, and which these find."""
    from chainwatch.simulate.campaigns.simulation import simulate_campaigns
    from chainwatch.typologies.rates import typology_rates

    return typology_rates(
        simulate_campaigns(seed, part=asked.part, adversarial=hostile)
        for seed, hostile in asked.each()
    )


def _links(asked: Asked) -> Result:
    """Return how often links of simulated vendors to a network are found, and wrongly said."""
    from chainwatch.simulate.networks.simulation import simulate_vendor_links
    from chainwatch.triage.link_test.rates import link_rates

    return link_rates(
        simulate_vendor_links(seed, part=asked.part, adversarial=hostile)
        for seed, hostile in asked.each()
    )


def _health(asked: Asked) -> Result:
    """Return how early alarms come on simulated markets, and how often for nothing."""
    from chainwatch.simulate.health.markets import simulate_market
    from chainwatch.triage.health.warning_rates import warning_rates

    return warning_rates(simulate_market(seed, part=asked.part) for seed in asked.seeds)


JUDGES: dict[str, Callable[[Asked], Result]] = {
    "owners": _owners,
    "accounts": _accounts,
    "change": _change,
    "keys": _keys,
    "custody": _custody,
    "bridges": _bridges,
    "meanings": _meanings,
    "typologies": _typologies,
    "links": _links,
    "health": _health,
}
"""What measures, by the word for it on the command line."""
