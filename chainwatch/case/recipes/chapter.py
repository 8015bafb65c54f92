"""A case, or one of its parts: what a recipe adds is headed by the part where there are several."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import polars as pl

from chainwatch.case.case import Case
from chainwatch.case.recipes.steps import Say
from chainwatch.results.headed import headed
from chainwatch.results.result import Finding, Result
from chainwatch.units import counted


@dataclass(frozen=True)
class Chapter:
    """What one recipe adds to a case.

    Attributes
    ----------
    case : Case
        The case.
    subjects : polars.DataFrame
        Whose value the part follows: ``chain, address``.
    called : str
        How headings call the part; nothing in a case of one.
    base : path
        The data folder.
    tell : callable
        Told in one line what is being done.
    """

    case: Case
    subjects: pl.DataFrame
    called: str = ""
    base: Path = Path()
    tell: Say = field(default=lambda line: None, repr=False)
    _named: set[str] = field(default_factory=set, repr=False)

    @property
    def title(self) -> str:
        """Heading of the case, with the part where there are several."""
        return f"{self.case.title}: {self.called}" if self.called else self.case.title

    def add(self, *results: Result, note: str = "") -> None:
        """Add results; in a part of several each under headings that name it."""
        if not self.called:
            self.case.add(*results, note=note)
            return
        for result in results:
            self._headed(result, note)

    def _headed(self, result: Result, note: str) -> None:
        if isinstance(result, Finding):
            self._named.add(result.name)
            self.case.add(headed(result, self.called), note=note)
            return
        for finding in result.findings(self.subjects):
            if finding.name not in self._named:
                self.case.add(headed(finding, self.called))
        self.case.add(result, note=note, silent=True)

    def share(self, *results: Result, note: str = "") -> None:
        """Add results that are of the whole case: alike in all parts, they stand there once."""
        self.case.add(*results, note=note)


def following(subjects: pl.DataFrame) -> str:
    """Return what is told while the value of subjects is followed."""
    return f"following {counted(subjects.height, 'subject', 'subjects')}"


PART_STEPS = 3
"""Steps of one part of a case: who owns or holds what, one policy, every policy."""
