"""``chainwatch evaluate``: how often rules and recipes are right where owners are known."""

from __future__ import annotations

import json
from collections.abc import Sequence
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from chainwatch.cli.options import ReplaceOption
from chainwatch.cli.output import check_named, interruptible, say, show
from chainwatch.errors import InputError

if TYPE_CHECKING:
    from chainwatch.results.result import Result


def add_to(app: typer.Typer) -> None:
    """Add the command of this module."""
    app.command()(evaluate)


def evaluate(
    worlds: Annotated[
        int, typer.Option(help="Simulated chains of each kind, honest and adversarial.", min=1)
    ] = 2,
    blocks: Annotated[int, typer.Option(help="Blocks of each in which something happens.")] = 100,
    fit: Annotated[
        bool,
        typer.Option("--fit", help="On the seeds that rates are made from, not on the others."),
    ] = False,
    custody: Annotated[
        bool,
        typer.Option("--custody", help="Judge rules for deposit addresses of services instead."),
    ] = False,
    change: Annotated[
        bool, typer.Option("--change", help="Judge rules on change beside each other instead.")
    ] = False,
    change_model: Annotated[
        Path | None, typer.Option("--change-model", help="With --change: judge this model as well.")
    ] = None,
    bridges: Annotated[
        bool, typer.Option("--bridges", help="Judge matches of deposits at bridges instead.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the numbers as JSON.")] = False,
    picture: Annotated[
        Path | None, typer.Option("--picture", help="Also draw them: an .svg or .png file.")
    ] = None,
    replace: ReplaceOption = False,
) -> None:
    """Measure recipes for owners on simulated chains, and print every figure with its numbers.

    The figures are conditional on the simulator. Rates are never made from the chains that are
    used by default.

    Example: chainwatch evaluate --worlds 1 --blocks 20 --picture rates.svg
    """
    from chainwatch.evaluate.evaluation import evaluate as measure
    from chainwatch.evaluate.recipes import RECIPES
    from chainwatch.evaluate.simulated import simulated_worlds
    from chainwatch.simulate.owners.parts import PARTS

    part: Literal["fit", "test"] = "fit" if fit else "test"
    seeds = PARTS[part].seeds
    if worlds > len(seeds):
        raise InputError(f"there are {len(seeds):,} seeds to {part}", remedy="ask for fewer worlds")
    check_named(picture, replace=replace)
    if custody or bridges:
        if custody and bridges:
            raise InputError("--custody and --bridges", remedy="give one of them")
        judge = _custody if custody else _bridges
        judge(seeds[:worlds], part, as_json=as_json, picture=picture)
        return
    if change or change_model:
        _change(seeds[:worlds], part, blocks, change_model, as_json=as_json, picture=picture)
        return
    with interruptible():
        made = (
            simulated_worlds(seeds[:worlds], part=part, adversarial=hostile, blocks=blocks)
            for hostile in (False, True)
        )
        found = measure(chain.from_iterable(made), RECIPES)
        if picture:
            from chainwatch.figures import rates, save

            save(rates(found), picture, replace=replace)
    _tell(found, as_json=as_json)


def _tell(found: Result, *, as_json: bool) -> None:
    """Print what was measured, as text or as JSON with its digest."""
    if as_json:
        tables = {name: rows.frame.to_dicts() for name, rows in found.tables().items()}
        say(json.dumps({"digest": found.digest, **tables}, indent=2))
    else:
        show(found)


def _change(
    seeds: Sequence[int], part: Literal["fit", "test"], blocks: int, model: Path | None, *,
    as_json: bool, picture: Path | None,
) -> None:  # fmt: skip
    """Print how often rules on change are right and what they find, a fitted one beside them."""
    from chainwatch.clusters.recipe import WITH_CHANGE
    from chainwatch.evaluate.every_rule import change_rules
    from chainwatch.evaluate.simulated import simulated_worlds
    from chainwatch.trained.file import read_change_model
    from chainwatch.trained.rates import change_rates

    if picture:
        raise InputError("rates of change have no picture", remedy="leave --picture out")
    rules = {str(rule): rule for rule in change_rules()}
    if WITH_CHANGE.change is not None:
        rules = {"with change": WITH_CHANGE.change} | rules
    if model:
        fitted = read_change_model(model).rule()
        rules = {str(fitted): fitted} | rules
    with interruptible():
        made = (
            simulated_worlds(seeds, part=part, adversarial=hostile, blocks=blocks)
            for hostile in (False, True)
        )
        found = change_rates(chain.from_iterable(made), rules)
    _tell(found, as_json=as_json)


def _custody(
    seeds: Sequence[int], part: Literal["fit", "test"], *, as_json: bool, picture: Path | None
) -> None:
    """Print how often rules for deposit addresses are right on simulated services."""
    from chainwatch.simulate.services.simulation import simulate_services
    from chainwatch.tracing.custody.rates import custody_rates, known_custody

    if picture:
        raise InputError("rates of custody have no picture", remedy="leave --picture out")
    with interruptible():
        found = custody_rates(
            known_custody(simulate_services(seed, part=part, adversarial=hostile))
            for hostile in (False, True)
            for seed in seeds
        )
    _tell(found, as_json=as_json)


def _bridges(
    seeds: Sequence[int], part: Literal["fit", "test"], *, as_json: bool, picture: Path | None
) -> None:
    """Print how often matches of deposits at simulated bridges are right."""
    from chainwatch.simulate.bridges.simulation import simulate_bridges
    from chainwatch.tracing.crossings.rates import crossing_rates

    if picture:
        raise InputError("rates of crossings have no picture", remedy="leave --picture out")
    with interruptible():
        found = crossing_rates(
            simulate_bridges(seed, part=part, adversarial=hostile)
            for hostile in (False, True)
            for seed in seeds
        )
    _tell(found, as_json=as_json)
