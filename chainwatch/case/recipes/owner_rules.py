"""Owners as a case file asks for them by ``[owners]``, on its coin chains."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from chainwatch.attribution.tags import Tags
from chainwatch.case.file.model import inside
from chainwatch.case.file.owner_keys import NONE, OwnerKeys
from chainwatch.change_models.file import read_change_model
from chainwatch.clusters.apart import Apart, keep_apart
from chainwatch.clusters.cluster import Clusters, cluster
from chainwatch.clusters.peeling.expansion import peel_links
from chainwatch.clusters.recipe import DEFAULT, WITH_CHANGE, Recipe, owners
from chainwatch.heuristics.coinjoin import JOINT
from chainwatch.heuristics.rule import Rule
from chainwatch.heuristics.statements import stated_links
from chainwatch.heuristics.written import rule_written
from chainwatch.ledger.ledger import Ledger

RECIPES = {
    "co_spends": replace(DEFAULT, one_key=False), "default": DEFAULT, "with_change": WITH_CHANGE,
}  # fmt: skip
"""What ``recipe`` names."""


def recipe_of(keys: OwnerKeys, base: Path, unless: Rule = JOINT) -> Recipe:
    """Return the recipe that ``[owners]`` says.

    Parameters
    ----------
    keys : OwnerKeys
        The table.
    base : path
        The data folder, where a model of change lies.
    unless : Rule
        What joins nobody where the table does not say it.
    """
    named = RECIPES[keys.recipe]
    change = named.change
    if keys.change is not None:
        change = rule_written(keys.change, on="outputs")
    elif keys.change_model is not None:
        change = read_change_model(inside(base, keys.change_model)).rule()
    given: Rule | None = unless
    if keys.unless is not None:
        given = None if keys.unless == NONE else rule_written(keys.unless, on="transactions")
    return replace(
        named, change=change, unless=given, unread_flags=keys.unread_flags, revealed=keys.revealed,
        one_key=named.one_key if keys.one_key is None else keys.one_key, key_sets=keys.key_sets,
        most_rounds=keys.most_rounds,
    )  # fmt: skip


def owners_of(
    keys: OwnerKeys, ledger: Ledger, chain: str, tags: Tags, base: Path, unless: Rule = JOINT
) -> Clusters:
    """Return who is taken to hold which addresses, without the evidence that is rejected."""
    recipe, apart = recipe_of(keys, base, unless), _apart(keys, chain, tags)
    made = owners(ledger, recipe=recipe, tags=tags, apart=apart)
    links = made.links
    if keys.peel:
        links += peel_links(ledger, made, unless=recipe.unless)
    for one in keys.stated:
        pair = (chain, one.a, chain, one.b)
        links += stated_links([pair], rule=one.rule, confidence=one.confidence)
    if keys.peel or keys.stated or keys.large != LARGE:
        made = cluster(links, tags=tags, apart=apart, large=keys.large)
    for txid in keys.without_tx:
        made = made.cut(tx=txid)
    for name in keys.without_rule:
        made = made.cut(rule=name)
    return made


LARGE = OwnerKeys.model_fields["large"].default
"""What :func:`chainwatch.owners` takes for large groups."""


def _apart(keys: OwnerKeys, chain: str, tags: Tags) -> Apart | None:
    """Return the pairs that must not be joined, each with its reason."""
    found: Apart | None = None
    given: list[dict[str, Any]] = [
        {"pairs": [(chain, one.a, chain, one.b)], "reason": one.why} for one in keys.apart
    ]
    if keys.apart_by_tags:
        given.append({"tags": tags})
    for one in given:
        made = keep_apart(**one)
        found = made if found is None else found + made
    return found


__all__ = ["RECIPES", "owners_of", "recipe_of"]
