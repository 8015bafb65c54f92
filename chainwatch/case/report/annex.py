"""What lets a reader check a report by hand: every step, and whom the nodes of a figure are."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import polars as pl

from chainwatch.case.report.elements import Section, TableBlock
from chainwatch.case.report.printed_table import printed_table
from chainwatch.privacy.edition import DISCLOSURE, Edition
from chainwatch.privacy.flows import MORE
from chainwatch.privacy.mask_tables import ROUNDED, SUMMED
from chainwatch.results.result import Result
from chainwatch.units import counted

STEP_COLUMNS = {
    "hop": "hop", "time": "time", "txid": "transaction", "amount": "amount", "source": "from",
    "target": "to", "subject": "subject", "chosen_by": "chosen by", "why": "why", SUMMED: SUMMED,
    ROUNDED: ROUNDED,
}  # fmt: skip

IN_FULL = (
    "Every movement of traced value from one address to the next: look the transaction up in any"
    " copy of the chain, and compare day, amount and addresses. Hops count from the subject."
)
COARSE = (
    "Every movement of traced value as this edition shows it: steps that lead to a masked party are"
    " without their transaction, to the month and to one digit, or added up. The working edition"
    " has them in full."
)


def steps_annex(
    results: list[Result], shown: tuple[Mapping[str, pl.DataFrame], ...],
    files: tuple[Mapping[str, str], ...], edition: Edition,
) -> Iterator[Section]:  # fmt: skip
    """Yield a section with all steps of each trace, as the edition shows them.

    Parameters
    ----------
    results : list of Result
        All of a case.
    shown : tuple of mapping
        Their tables as the edition shows them.
    files : tuple of mapping
        The names of these tables' files.
    edition : Edition
        Says whether the steps are shown in full.
    """
    for result, tables, names in zip(results, shown, files, strict=True):
        steps = tables.get("steps")
        if steps is None or not steps.height or not {"hop", "source"} <= set(steps.columns):
            continue
        one = (steps["subject"] == steps["source"]).all() or steps["subject"].n_unique() == 1
        wanted = [name for name in STEP_COLUMNS if name in steps.columns]
        order = [name for name in ("hop", "time", "txid") if name in steps.columns]
        rows = steps.sort(order, nulls_last=True, maintain_order=True).select(wanted)
        rows = (rows.drop("subject") if one else rows).rename(
            {name: title for name, title in STEP_COLUMNS.items() if name in wanted}, strict=False
        )
        asset = getattr(result, "asset", None)
        table = printed_table("Steps", names["steps"], rows, asset, most=None)
        told = COARSE if edition.name == DISCLOSURE else IN_FULL
        yield Section("Annex: every step", (told,), (table,), key=names["steps"], wide=True)


def figure_key(drawing: Any, clusters: str = "", ends: str = "") -> TableBlock | None:
    """Return the table that says whom each mark in a figure stands for; None if it has no marks.

    Parameters
    ----------
    drawing : object
        What is drawn, as the edition shows it.
    clusters : str
        The name of the case's file of clusters; empty where it has none.
    ends : str
        The name of its file of the ends of the trace that is drawn; empty where it has none.
    """
    nodes = drawing.key() if hasattr(drawing, "key") else ()
    if not nodes:
        return None
    several = any(one.addresses is not None and one.addresses > 1 for one in nodes)
    where = f"; tables/{clusters} has all" if clusters else ""
    called = " Where there are several addresses, the one by which they are called stands here"
    shortened = any(MORE in one.address for one in nodes)
    all_ends = f" Addresses that are only counted stand in tables/{ends}." if ends else ""
    return TableBlock(
        caption=f"Whom the marks of the figure stand for ({counted(len(nodes), 'node', 'nodes')})",
        columns=("mark", "name in the figure", "address", "addresses", "role", "amount"),
        rows=tuple(
            (
                one.mark,
                "" if one.label == one.address else one.label,
                one.address,
                "" if one.addresses is None else f"{one.addresses:,}",
                one.role,
                one.amount,
            )
            for one in nodes
        ),
        align=("left", "left", "left", "right", "left", "right"),
        note="Amount: the larger of what came in and what went out."
        + (f"{called}{where}." if several else "")
        + (all_ends if shortened else ""),
    )
