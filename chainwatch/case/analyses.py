"""Analyses that a case file may ask for beyond its recipe: a line each, a verb that finds a result.

What such a verb returns declares its own tables, findings and roles, so that an analysis reaches
the report, both editions and the digests by its line alone.
"""

from __future__ import annotations

from collections.abc import Callable

import polars as pl

from chainwatch.attribution.hits import TagHits, hits
from chainwatch.attribution.tags import Tags
from chainwatch.case.registry import Line, Registry
from chainwatch.ledger.ledger import Ledger
from chainwatch.results.result import Result
from chainwatch.tracing.meaning.meanings import Meanings, meanings

Verb = Callable[[Ledger, pl.DataFrame, Tags], Result]
"""``verb(ledger, subjects, tags)``; subjects are ``chain, address``."""

ANALYSES: tuple[Line, ...] = (
    Line(
        "meanings",
        "chainwatch.case.analyses:what_transactions_mean",
        "What transactions of an account chain mean: who paid whom behind contracts, and swaps.",
    ),
    Line(
        "tag-hits",
        "chainwatch.case.analyses:tag_hits",
        "Every payment of the ledger to or from a tagged address, and what its date allows to say.",
    ),
)
"""Those that chainwatch brings, written out, by name."""

registry = Registry("an analysis", ANALYSES)


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
        If another analysis has the name, or name or sentence are none.
    """
    registry.register(name, target, sentence)


def tag_hits(ledger: Ledger, subjects: pl.DataFrame, tags: Tags) -> TagHits:
    """Return every payment to or from a tagged address, whoever the subjects are."""
    return hits(ledger, tags)


def what_transactions_mean(ledger: Ledger, subjects: pl.DataFrame, tags: Tags) -> Meanings:
    """Return what the transactions of an account chain mean, whoever the subjects are."""
    return meanings(ledger, tags)
