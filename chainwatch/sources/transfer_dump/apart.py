"""Rows that are no transfer, or cannot be read as one: set apart, counted, and named with a sum.

A row is set apart for what it is, never for being damaged: an amount, an address or a time that
cannot be read refuses the whole table. Of the rows set apart every amount is read too, so that what
they moved is named.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import polars as pl

from chainwatch.addresses import canonical
from chainwatch.chains.catalogue import chain as chain_of
from chainwatch.errors import DumpError
from chainwatch.ledger.unread.rows_apart import APART, GOT, KIND, PAID, exact
from chainwatch.sources.transfer_dump.amounts import amounts
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
    stated : mapping of bytes to int
        Decimals that other rows of the table state of a contract.
    """

    rows: pl.DataFrame
    stated: Mapping[bytes, int] = field(default_factory=dict)

    def counts(self) -> dict[str, int]:
        """Return how many rows each reason sets apart."""
        found = dict(self.rows.group_by("why").len().iter_rows())
        return {why: int(found[why]) for why in APART if why in found}

    def units(self, dump: str, mapping: DumpMapping) -> Iterator[dict[str, Any]]:
        """Yield units of coverage: each reason, and each party and asset that may have moved.

        Parameters
        ----------
        dump : str
            First parts of the unit of the table.
        mapping : DumpMapping
            Names the chain.
        """
        moved = self._moved()
        counts = self.counts()
        for why in counts:
            unit, mine = f"{dump}/{KIND}/{why}", moved.filter(why=why)
            native = not mine["contract"].drop_nulls().len()
            total = exact(mine["amount"]) if native else None
            yield {"kind": KIND, "unit": unit, "apart": counts[why], "amount": total}
        sides = [
            moved.with_columns(pl.lit(way).alias("way"), pl.col(side).alias("address"))
            for way, side in ((PAID, "sender"), (GOT, "receiver"))
        ]
        keys = ("why", "way", "address", "contract")
        parties = pl.concat(sides).filter(pl.col("address").is_not_null())
        for key, rows in parties.sort(keys, nulls_last=False).group_by(keys, maintain_order=True):
            why, way, *named = key
            shown = [canonical.text(one, mapping.chain) for one in named if one]
            timeless = rows["time"].null_count()
            yield {
                "kind": KIND, "unit": "/".join([dump, KIND, str(why), str(way), *shown]),
                "address": named[0], "contract": named[1], "apart": rows.height,
                "amount": exact(rows["amount"]), "to_time": rows["time"].max(),
                "from_time": None if timeless else rows["time"].min(),
            }  # fmt: skip

    def _moved(self) -> pl.DataFrame:
        """Return what rows moved, once where several sections list it, with its amount or null."""
        what = ["why", "txid", "time", "height", "contract", "token_id", "sender", "receiver",
                "units", "log_index", "trace_path"]  # fmt: skip
        moves = pl.col("success").ne_missing(False) & pl.col("units").ne_missing("0")
        between = pl.col("sender").ne_missing(pl.col("receiver"))
        place = pl.int_range(pl.len()).over(*what, "section")
        rows = self.rows.filter(moves & between).with_columns(place.alias("occurrence"))
        once = rows.unique([*what, "occurrence"], maintain_order=True)
        amount, _ = amounts(once["units"].fill_null("0"))
        unread = pl.col("units").is_null()
        return once.with_columns(pl.when(~unread).then(amount).alias("amount"))

    def notes(self, mapping: DumpMapping) -> tuple[str, ...]:
        """Return a sentence for each reason, with what the rows moved."""
        return tuple(
            f"{counted(count, 'row is', 'rows are')} set apart ({APART[why]});"
            f" {_moved(self.rows.filter(why=why), mapping)}{self._remedy(why, mapping)}"
            for why, count in self.counts().items()
        )

    def _remedy(self, why: str, mapping: DumpMapping) -> str:
        """Return how rows without decimals can be read, where other rows state them.

        They are not converted unasked: that a cell is empty may be what tells two tokens apart.
        """
        if why != "decimals":
            return ""
        lacking = self.rows.filter(why=why)["contract"].drop_nulls().unique().sort()
        known = [
            f"{canonical.text(one, mapping.chain)} = {self.stated[one]}"
            for one in lacking
            if one in self.stated
        ]
        more = f" and {len(known) - _MOST_NAMED:,} more" if len(known) > _MOST_NAMED else ""
        shown = ", ".join(known[:_MOST_NAMED])
        return (
            f"; other rows state the decimals: to read these so too, write into the mapping as"
            f" decimals {shown}{more}"
            if known
            else ""
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
        If no row is a transfer: then the mapping names the wrong columns, or the table leaves out
        in which transaction each row is.
    """
    # A contract that is created is paid what its creation sends.
    paid = pl.coalesce("receiver", "created")
    unread = "rounded" if mapping.amount_unit == "double" else "decimals"
    why = (
        pl.when(pl.col("txid").is_null() & pl.col("sender").is_null()).then(pl.lit("transaction"))
        .when(pl.col("txid").is_null()).then(pl.lit("id"))
        .when(pl.col("sender").is_null()).then(pl.lit("payer"))
        .when(paid.is_null()).then(pl.lit("creation"))
        .when(pl.col("units").is_null()).then(pl.lit(unread))
    )  # fmt: skip
    judged = cells.with_columns(paid.alias("receiver"), why.alias("why"))
    kept = judged.filter(pl.col("why").is_null()).drop("why")
    stated = cells.select("contract", "decimals").drop_nulls().unique().iter_rows()
    apart = Apart(judged.filter(pl.col("why").is_not_null()), dict(stated))
    if cells.height and not kept.height:
        raise DumpError(
            f"no row of the table is a transfer: {'; '.join(apart.notes(mapping))}",
            where=f"{name} line {cells['line'][0]:,} and on",
            remedy=_NO_IDS if apart.counts().keys() == {"id"} else _NO_TRANSFER,
        )
    return kept, apart


_NO_TRANSFER = "name the right columns in the mapping"
_NO_IDS = (
    "give a table that names the transaction of each row; if this one does, name its column as txid"
    " in the mapping"
)


def _moved(rows: pl.DataFrame, mapping: DumpMapping) -> str:
    """Return what rows set apart moved, in words; of tokens without decimals, which they are."""
    contracts = rows["contract"].drop_nulls().unique().sort()
    if contracts.len():
        shown = [canonical.text(one, mapping.chain) for one in contracts[:_MOST_NAMED]]
        if more := contracts.len() - len(shown):
            shown.append(f"{more:,} more")
        return f"what they moved of {', '.join(shown)} is unknown"
    if rows["units"].null_count():
        return "what they moved is unknown"
    effective = rows.filter(pl.col("success").ne_missing(False))["units"].drop_nulls()
    total, chain = sum(map(int, effective)), chain_of(mapping.chain)
    if not total:
        return "nothing was moved so"
    amount = f"{to_text(total, chain.decimals, group=True)} {chain.symbol}"
    return f"{amount} moved so and stand in no transfer"
