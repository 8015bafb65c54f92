"""Rows that are no transfer, or cannot be read as one: set apart, counted, and named with a sum.

A row is set apart for what it is, never for being damaged: an amount, an address or a time that
cannot be read refuses the whole table. Of the rows set apart every amount is read too, so that what
they moved is named.
"""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from chainwatch.addresses import canonical
from chainwatch.chains.catalogue import chain as chain_of
from chainwatch.errors import DumpError
from chainwatch.ledger.coverage import APART
from chainwatch.sources.transfer_dump.mapping import DumpMapping
from chainwatch.units import counted, to_text

_MOST_NAMED = 5


@dataclass(frozen=True)
class Apart:
    """Rows set apart.

    Attributes
    ----------
    rows : polars.DataFrame
        As read, with ``why``: a key of ``APART``.
    """

    rows: pl.DataFrame

    def counts(self) -> dict[str, int]:
        """Return how many rows each reason sets apart."""
        found = dict(self.rows.group_by("why").len().iter_rows())
        return {why: int(found[why]) for why in APART if why in found}

    def notes(self, mapping: DumpMapping) -> tuple[str, ...]:
        """Return a sentence for each reason, with what the rows moved."""
        return tuple(
            f"{counted(count, 'row is', 'rows are')} set apart ({APART[why]});"
            f" {_moved(self.rows.filter(why=why), mapping)}"
            for why, count in self.counts().items()
        )


def set_apart(cells: pl.DataFrame, mapping: DumpMapping, name: str) -> tuple[pl.DataFrame, Apart]:
    """Return the rows that are transfers, and those that are not.

    Parameters
    ----------
    cells : polars.DataFrame
        As :func:`chainwatch.sources.transfer_dump.cells.read_cells` gives.
    mapping : DumpMapping
        Says what the table is of.
    name : str
        Name of the file, for error messages.

    Raises
    ------
    DumpError
        If no row is a transfer: then the mapping names the wrong columns.
    """
    # A contract that is created is paid what its creation sends.
    paid = pl.coalesce("receiver", "created")
    why = (
        pl.when(pl.col("txid").is_null()).then(pl.lit("transaction"))
        .when(pl.col("sender").is_null()).then(pl.lit("payer"))
        .when(paid.is_null()).then(pl.lit("creation"))
        .when(pl.col("units").is_null()).then(pl.lit("decimals"))
    )  # fmt: skip
    judged = cells.with_columns(paid.alias("receiver"), why.alias("why"))
    kept = judged.filter(pl.col("why").is_null()).drop("why")
    apart = Apart(judged.filter(pl.col("why").is_not_null()))
    if cells.height and not kept.height:
        raise DumpError(
            f"no row of the table is a transfer: {'; '.join(apart.notes(mapping))}",
            where=f"{name} line {cells['line'][0]:,} and on",
            remedy="name the right columns in the mapping",
        )
    return kept, apart


def _moved(rows: pl.DataFrame, mapping: DumpMapping) -> str:
    """Return what rows set apart moved, in words; of tokens without decimals, which they are."""
    contracts = rows["contract"].drop_nulls().unique().sort()
    if contracts.len():
        shown = [canonical.text(one, mapping.chain) for one in contracts[:_MOST_NAMED]]
        if more := contracts.len() - len(shown):
            shown.append(f"{more:,} more")
        return f"what they moved of {', '.join(shown)} is unknown"
    effective = rows.filter(pl.col("success").ne_missing(False))["units"].drop_nulls()
    total, chain = sum(map(int, effective)), chain_of(mapping.chain)
    if not total:
        return "nothing was moved so"
    amount = f"{to_text(total, chain.decimals, group=True)} {chain.symbol}"
    return f"{amount} moved so and stand in no transfer"
