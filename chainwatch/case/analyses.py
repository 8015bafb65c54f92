"""Analyses that a case file may ask for beyond its recipe: a line each, a verb that finds a result.

What such a verb returns declares its own tables, findings and roles, so that an analysis reaches
the report, both editions and the digests by its line alone.
"""

from __future__ import annotations

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
        If another analysis has the name.
    """
    if name in analysis_names():
        raise CaseError(f"there is an analysis {name!r} already", remedy="give it another name")
    _known.append(Analysis(name, target, sentence))


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
