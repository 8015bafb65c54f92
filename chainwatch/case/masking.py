"""What an edition of a case shows: its roles, transactions withheld, pseudonyms given up."""

from __future__ import annotations

from collections.abc import Container, Sequence
from dataclasses import replace

import polars as pl

from chainwatch.case.roles import roles_of
from chainwatch.figures.traced import FlowFigure
from chainwatch.provenance import Result
from chainwatch.tracing.trace import Trace
from chainwatch.triage.alike import singled_out, standing
from chainwatch.triage.privacy import DISCLOSURE, POOLED, Edition
from chainwatch.triage.shown import shown_tables, transactions_of_masked


def edition_of(results: Sequence[Result], name: str, key: bytes) -> Edition:
    """Return an edition with all that the results of a case say about who may be shown."""
    plain = Edition(name, key, roles_of(results))
    if name != DISCLOSURE:
        return plain
    masked = replace(plain, withheld=transactions_of_masked(results, plain))
    flows = _flows(results, masked)
    passing = {
        masked.pseudonym(result.asset.chain, item)
        for result in results
        if isinstance(result, Trace)
        for item in result.steps["source"].drop_nulls().unique().to_list()
    }
    for frame in flows.values():
        passing |= {item for item in frame["source"].to_list() if item.startswith(POOLED)}
    return replace(masked, pooled=singled_out(tables_of(results, masked) | flows, passing))


def standing_in(results: Sequence[Result], edition: Edition) -> frozenset[str]:
    """Return the pseudonyms that stand in the tables and figures of an edition."""
    return standing(tables_of(results, edition) | _flows(results, edition))


def _flows(results: Sequence[Result], edition: Edition) -> dict[str, pl.DataFrame]:
    return {
        f"flows {number}": result.flows(edition)
        for number, result in enumerate(results)
        if isinstance(result, FlowFigure)
    }


def tables_of(results: Sequence[Result], edition: Edition) -> dict[str, pl.DataFrame]:
    """Return every table of every result, as the edition shows it, under a name of its own."""
    found: dict[str, pl.DataFrame] = {}
    for result in results:
        for name, frame in shown_tables(result, edition).items():
            found[_free(name, found)] = frame
    return found


def rows_of(results: Sequence[Result]) -> dict[str, int]:
    """Return the number of rows of every table, none left out, under the same names."""
    found: dict[str, int] = {}
    for result in results:
        for name, (frame, _) in result.tables().items():
            found[_free(name, found)] = frame.height
    return found


def _free(name: str, taken: Container[str]) -> str:
    """Return a table's name, numbered where another result has one of that name."""
    number, free = 1, name
    while free in taken:
        number += 1
        free = f"{name}_{number}"
    return free
