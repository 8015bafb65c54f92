"""The recipes that are measured beside each other, by the names that tables and figures use."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from chainwatch.clusters.cluster import Clusters, cluster
from chainwatch.evaluate.evaluation import Recipe
from chainwatch.evaluate.peers import graphsense_style, plain_multi_input
from chainwatch.heuristics.co_spend import co_spends
from chainwatch.ledger.ledger import Ledger


def default(ledger: Ledger) -> Clusters:
    """Return owners as this package makes them where nothing else is asked for."""
    return cluster(co_spends(ledger))


RECIPES: Mapping[str, Recipe] = MappingProxyType({
    "default": default,
    "plain multi-input": plain_multi_input,
    "GraphSense-style": graphsense_style,
})  # fmt: skip
"""What ``chainwatch evaluate`` measures."""
