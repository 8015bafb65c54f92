"""Paths in the evidence forest: hung on its roots once, then climbed from both ends."""

from __future__ import annotations

from functools import cached_property
from typing import Any, Protocol

import polars as pl
from numpy.typing import NDArray

from chainwatch.clusters.numbering import number, place_of
from chainwatch.heuristics.links import BOTH_ENDS, with_chain_b
from chainwatch.kernels.graphs.components import Numbers, Trees, trees, way


class Grove(Protocol):
    """A forest of links whose addresses have numbers."""

    def ends(self) -> tuple[Numbers, Numbers, int]:
        """Return the numbers of the two ends of each link, and how many addresses there are."""
        ...

    def number_of(self, chain: str, address: bytes) -> int | None:
        """Return the number of an address; None where no link joins it."""
        ...

    def steps(self, rows: NDArray[Any]) -> pl.DataFrame:
        """Return some of the links in ``BOTH_ENDS``."""
        ...


class FrameGrove:
    """A forest in a frame, as clusters hold it."""

    def __init__(self, forest: pl.DataFrame) -> None:
        self._links = with_chain_b(forest)
        self._numbered = number(self._links)

    def ends(self) -> tuple[Numbers, Numbers, int]:
        """Return the numbers of the two ends of each link, and how many addresses there are."""
        return self._numbered.a, self._numbered.b, self._numbered.places.height

    def number_of(self, chain: str, address: bytes) -> int | None:
        """Return the number of an address; None where no link joins it."""
        return place_of(self._numbered.places, chain, address)

    def steps(self, rows: NDArray[Any]) -> pl.DataFrame:
        """Return some of the links in ``BOTH_ENDS``."""
        return self._links[rows].select(BOTH_ENDS.names)


class Paths:
    """The paths of a forest; what they need is made when the first one is asked for."""

    def __init__(self, grove: Grove) -> None:
        self._grove = grove

    @cached_property
    def _ends(self) -> tuple[Numbers, Numbers, int]:
        return self._grove.ends()

    @cached_property
    def _trees(self) -> Trees:
        return trees(*self._ends)

    def between(self, chain: str, a: bytes, chain_b: str, b: bytes) -> pl.DataFrame:
        """Return the links from one address to another in walking order, in ``BOTH_ENDS``."""
        here = self._grove.number_of(chain, a)
        there = self._grove.number_of(chain_b, b)
        if here is None or there is None:
            return BOTH_ENDS.empty()
        found = way(self._trees, here, there)
        if found is None:
            return BOTH_ENDS.empty()
        rows, passed = found
        turned = pl.Series(self._ends[0][rows] != passed[:-1])
        swap = {"a": "b", "b": "a", "chain": "chain_b", "chain_b": "chain"}
        return self._grove.steps(rows).with_columns(
            pl.when(turned).then(pl.col(other)).otherwise(pl.col(name)).alias(name)
            for name, other in swap.items()
        )
