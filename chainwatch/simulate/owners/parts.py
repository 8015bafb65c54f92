"""Two parts of the simulated worlds that never meet: one to fit by, one to test on.

They share no seed and no moment: every chain of the test part begins after all of the fit part have
ended. A seed belongs to one part, and whoever simulates must name both; a slip is refused.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from chainwatch.errors import ArgumentError, expect

BLOCK_SECONDS = 3 * 3_600
"""Blocks lie three hours apart, so that a few hundred of them reach over weeks."""

MOST_BLOCKS = 4_000
"""Longest simulated chain: 500 days, well within the two years between the parts."""


@dataclass(frozen=True)
class Part:
    """A part: its name, its seeds, and when its chains begin (Unix seconds)."""

    name: str
    seeds: range
    start: int


FIT = Part("fit", range(1_000), 1_640_995_200)  # 2022-01-01 00:00 UTC
TEST = Part("test", range(1_000, 2_000), 1_704_067_200)  # 2024-01-01 00:00 UTC

PARTS = {part.name: part for part in (FIT, TEST)}
"""All parts by name."""


class Simulated(Protocol):
    """A simulated world: its part, and whether many try to mislead in it."""

    @property
    def part(self) -> str: ...

    @property
    def adversarial(self) -> bool: ...


def kind_of(what: str, *, adversarial: bool) -> str:
    """Return of which kind simulated worlds are, in words."""
    return f"simulated {what}, {'adversarial' if adversarial else 'honest'}"


def basis_of(what: str, made: Simulated) -> str:
    """Return what figures that are measured on a simulated world are conditional on."""
    return f"{kind_of(what, adversarial=made.adversarial)} ({made.part} part)"


def part_of(name: object, seed: object) -> Part:
    """Return the part of this name, if the seed is one of its own.

    Raises
    ------
    ArgumentError
        If there is no such part, or the seed belongs to another.
    """
    expect(seed, int, "seed", "pass a whole number")
    part = PARTS.get(name) if isinstance(name, str) else None
    if part is None:
        raise ArgumentError("part names no part of the simulated worlds", remedy="fit or test")
    if seed not in part.seeds:
        raise ArgumentError(
            f"seed {seed} is none of the part {part.name}",
            remedy=f"its seeds are {part.seeds.start} to {part.seeds.stop - 1}",
        )
    return part
