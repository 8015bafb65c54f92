"""The recipes that are measured beside each other, by the names that tables and figures use."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from chainwatch.clusters.recipe import DEFAULT, WITH_CHANGE
from chainwatch.evaluate.evaluation import Recipe
from chainwatch.evaluate.peers import blocksci_style, graphsense_style, plain_multi_input

RECIPES: Mapping[str, Recipe] = MappingProxyType({
    "default": DEFAULT,
    "with change": WITH_CHANGE,
    "plain multi-input": plain_multi_input,
    "GraphSense-style": graphsense_style,
    "BlockSci-style": blocksci_style,
})  # fmt: skip
"""What ``chainwatch evaluate`` measures."""
