"""Paths in the evidence forest: hung on its roots once, then climbed from both ends."""

from __future__ import annotations

from functools import cached_property

import polars as pl

from chainwatch.clusters.numbering import Numbered, number, place_of
from chainwatch.heuristics.links import BOTH_ENDS, with_chain_b
from chainwatch.kernels.components import Trees, trees, way


class Paths:
    """The paths of a forest of links; what they need is made when the first one is asked for."""

    def __init__(self, forest: pl.DataFrame) -> None:
        self._links = forest

    @cached_property
    def _numbered(self) -> Numbered:
        return number(with_chain_b(self._links))

    @cached_property
    def _trees(self) -> Trees:
        return trees(self._numbered.a, self._numbered.b, self._numbered.places.height)

    def between(self, chain: str, a: bytes, chain_b: str, b: bytes) -> pl.DataFrame:
        """Return the links from one address to another in walking order, in ``BOTH_ENDS``."""
        places, starts, _ = self._numbered
        here, there = place_of(places, chain, a), place_of(places, chain_b, b)
        if here is None or there is None:
            return BOTH_ENDS.empty()
        found = way(self._trees, here, there)
        if found is None:
            return BOTH_ENDS.empty()
        rows, passed = found
        steps = with_chain_b(self._links[rows]).select(BOTH_ENDS.names)
        turned = pl.Series(starts[rows] != passed[:-1])
        swap = {"a": "b", "b": "a", "chain": "chain_b", "chain_b": "chain"}
        return steps.with_columns(
            pl.when(turned).then(pl.col(other)).otherwise(pl.col(name)).alias(name)
            for name, other in swap.items()
        )
