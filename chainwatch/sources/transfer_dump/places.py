"""The place of a log or a call in a table whose mapping names none: read where that is safe.

It alone tells two equal transfers of one transaction from one that is listed twice. A column is
taken by its name, the one that query engines and explorers give it, and only if every cell is a
place and no place stands for two different transfers. Taken or not, the pull says so.
"""

from __future__ import annotations

import re
from typing import NamedTuple

import polars as pl

from chainwatch.addresses.diagnose import quoted
from chainwatch.errors import DumpError
from chainwatch.sources.transfer_dump.cells import PLACES, read_cells
from chainwatch.sources.transfer_dump.identity import two_at_one_place
from chainwatch.sources.transfer_dump.mapping import DumpMapping
from chainwatch.sources.transfer_dump.table import TextTable

_SPELLED = {
    "log_index": ("logindex", "evtindex", "eventindex", "eventlogindex", "logposition"),
    "trace_path": ("traceaddress", "tracepath"),
}
"""Names of such columns without capitals and what stands between words."""


class Reading(NamedTuple):
    """A table: its rows as text and as values, the mapping that was used, and notes on it."""

    rows: pl.DataFrame
    cells: pl.DataFrame
    mapping: DumpMapping
    notes: tuple[str, ...]


def read_placed(table: TextTable, mapping: DumpMapping) -> Reading:
    """Read a table, with the place of each transfer where it has one that the mapping lacks.

    Parameters
    ----------
    table : TextTable
        The table.
    mapping : DumpMapping
        Says which column holds what.

    Raises
    ------
    DumpError, AddressError
        For the first line that does not fit.
    """
    ours = "trace_path" if mapping.is_native else "log_index"
    name = table.name
    offered = _offered(table, mapping, ours)
    notes: tuple[str, ...] = ()
    if len(offered) > 1:
        shown = ", ".join(quoted(column) for column in offered)
        notes = (
            f"the columns {shown} may each be the {ours} that the mapping lacks: none is read",
        )
    elif offered:
        wider = mapping.model_copy(update={ours: offered[0]})
        rows = table.rows(wider.columns())
        why = _unfit(rows[ours], ours)
        if not why:
            cells = read_cells(rows, wider, name)
            if not two_at_one_place(cells, wider).height:
                told = f"the column {quoted(offered[0])} is read as {ours}, which the mapping lacks"
                return Reading(rows, cells, wider, (told,))
            why = "two different transfers of one transaction share it"
        notes = (f"the column {quoted(offered[0])} is not read as {ours}: {why}",)
    rows = table.rows(mapping.columns())
    return Reading(rows, read_cells(rows, mapping, name), mapping, notes)


def _offered(table: TextTable, mapping: DumpMapping, ours: str) -> list[str]:
    """Return the columns whose name says that they are a place, where the mapping has none."""
    if mapping.log_index is not None or mapping.trace_path is not None:
        return []
    used = set(mapping.columns().values())
    return [
        column
        for column in dict.fromkeys(table.names())
        if column not in used and re.sub(r"[\W_]", "", column).lower() in _SPELLED[ours]
    ]


def _unfit(texts: pl.Series, ours: str) -> str:
    """Return why cells are no places, or an empty text."""
    for text in texts.unique(maintain_order=True):
        try:
            PLACES[ours](text)
        except DumpError as error:
            return error.what
    return "" if (texts != "").any() else "it is empty"
