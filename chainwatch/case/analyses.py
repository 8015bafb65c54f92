"""Analyses that a case file may ask for beyond its recipe: a line each, a verb that finds a result.

What such a verb returns declares its own tables, findings and roles, so that an analysis reaches
the report, both editions and the digests by its line alone.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module

import polars as pl

from chainwatch.attribution.hits import TagHits, hits
from chainwatch.attribution.tags import Tags
from chainwatch.errors import CaseError
from chainwatch.ledger.ledger import Ledger
from chainwatch.results.result import Result

Verb = Callable[[Ledger, pl.DataFrame, Tags], Result]
"""``verb(ledger, subjects, tags)``; subjects are ``chain, address``."""


@dataclass(frozen=True)
class Analysis:
    """A line of the catalogue.

    Attributes
    ----------
    name : str
        What a case file writes in ``analyses``.
    target : str or callable
        ``module:verb``, loaded on use, or the verb itself.
    sentence : str
        What it finds.
    """

    name: str
    target: str | Verb
    sentence: str

    def verb(self) -> Verb:
        """Return what computes it."""
        if not isinstance(self.target, str):
            return self.target
        module, _, name = self.target.partition(":")
        found: Verb = getattr(import_module(module), name)
        return found


ANALYSES: tuple[Analysis, ...] = (
    Analysis(
        "tag-hits",
        "chainwatch.case.analyses:tag_hits",
        "Every payment of the ledger to or from a tagged address, and what its date allows to say.",
    ),
)
"""Those that chainwatch brings, written out, by name."""

_NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")


def _place(line: Analysis) -> str:
    """Return where a line leads; a notebook's cell that runs again leads to the same place."""
    if isinstance(line.target, str):
        return line.target
    return f"{line.target.__module__}:{line.target.__qualname__}"


_known: list[Analysis] = list(ANALYSES)


def tag_hits(ledger: Ledger, subjects: pl.DataFrame, tags: Tags) -> TagHits:
    """Return every payment to or from a tagged address, whoever the subjects are."""
    return hits(ledger, tags)


def register(name: str, target: str | Verb, sentence: str) -> None:
    """Let case files ask for one more analysis.

    Parameters
    ----------
    name : str
        What a case file writes in ``analyses``.
    target : str or callable
        ``module:verb``, or a verb of ledger, subjects and tags that returns a `Result`.
    sentence : str
        What it finds; the note beside it in the log.

    Raises
    ------
    CaseError
        If another analysis has the name, or the name or sentence is none.
    """
    made = Analysis(name, target, sentence)
    if not _NAME.fullmatch(name) or not sentence.strip():
        raise CaseError(
            f"{name!r} is no name of an analysis, or nothing says what it is",
            remedy="write small letters, digits and -, and a sentence",
        )
    same = [one for one in _known if one.name == name]
    if same and _place(same[0]) != _place(made):
        raise CaseError(f"there is an analysis {name!r} already", remedy="give it another name")
    _known[:] = [*(one for one in _known if one.name != name), made]


def analysis_names() -> list[str]:
    """Return the names of all analyses, sorted."""
    return sorted(item.name for item in _known)


def analysis(name: str) -> Analysis:
    """Return an analysis by its name.

    Raises
    ------
    CaseError
        If there is none.
    """
    for item in _known:
        if item.name == name:
            return item
    known = " or ".join(f'"{item}"' for item in analysis_names())
    raise CaseError(f"there is no analysis {name!r}", remedy=f"write {known}")
