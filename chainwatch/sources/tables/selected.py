"""Some rows of a table as one of their own, with what receipts say of each transaction."""

from __future__ import annotations

import re
from collections.abc import Mapping

import polars as pl

from chainwatch.addresses.diagnose import quoted
from chainwatch.errors import DumpError
from chainwatch.sources.tables.shape import Part
from chainwatch.sources.transfer_dump.table import TextTable

RECEIPT = {"receipt_status": "status", "receipt_contract_address": "contract_address"}
"""What receipts say of a transaction, by the column that other tables have for it."""

_PADDED = r"^0[xX]0{24}([0-9a-fA-F]{40})$"
_ADDRESSES = ("sender", "receiver", "contract")


class SelectedTable(TextTable):
    """Rows of a table that belong to one part of its kind.

    Parameters
    ----------
    table : TextTable
        The whole.
    part : Part
        Which rows.
    receipts : TextTable, optional
        Receipts of the same transactions: their columns are added under the names of ``RECEIPT``.
    padded, rooted, inherits : bool
        As of a :class:`Shape`.
    """

    def __init__(
        self, table: TextTable, part: Part, receipts: TextTable | None = None, *,
        padded: bool = False, rooted: bool = False, inherits: bool = False,
    ) -> None:  # fmt: skip
        super().__init__(table.data, table.name)
        self.part, self.receipts, self.padded = part, receipts, padded
        self.rooted, self.inherits = rooted, inherits

    def names(self) -> list[str]:
        """Return the names of the columns, those of the receipts among them."""
        return [*super().names(), *(RECEIPT if self.receipts is not None else ())]

    def rows(self, columns: Mapping[str, str]) -> pl.DataFrame:
        """Return the rows of the part, as :meth:`TextTable.rows` does."""
        added = {
            ours: column
            for ours, column in columns.items()
            if self.receipts is not None and column in RECEIPT
        }
        own = {ours: column for ours, column in columns.items() if ours not in added}
        named = {column: ours for ours, column in own.items()}
        filters = dict.fromkeys([*self.part.keep, *self.part.drop])
        extra = {f"_{k}": one for k, one in enumerate(filters) if one not in named}
        place = {**named, **{one: ours for ours, one in extra.items()}}
        read = super().rows({**own, **extra})
        chosen = pl.lit(True)
        for column, words in self.part.keep.items():
            chosen &= pl.col(place[column]).is_in(list(words))
        for column, words in self.part.drop.items():
            chosen &= ~pl.col(place[column]).is_in(list(words))
        if self.inherits and {"txid", "trace_path", "result"} <= {*own}:
            read = _inherited(read)
        rows = read.filter(chosen).drop(list(extra))
        if self.padded:
            rows = rows.with_columns(
                pl.col(ours).str.replace(_PADDED, "0x$1") for ours in _ADDRESSES if ours in own
            )
        if self.rooted and "trace_path" in own:
            rows = rows.with_columns(pl.col("trace_path").str.replace(r"^0(?:\.|$)", ""))
        return self._with_receipts(rows, added).select("line", *columns)

    def _with_receipts(self, rows: pl.DataFrame, added: Mapping[str, str]) -> pl.DataFrame:
        """Return rows with what the receipt of their transaction says; nothing where there is none.

        Raises
        ------
        DumpError
            If a transaction has two receipts, or no transaction of the table has one.
        """
        if self.receipts is None or not added:
            return rows
        wanted = {ours: RECEIPT[column] for ours, column in added.items()}
        said = self.receipts.rows({"txid": "transaction_hash", **wanted})
        said = said.with_columns(pl.col("txid").str.to_lowercase().alias("_txid"))
        twice = said.filter(pl.col("_txid").is_duplicated())
        if twice.height:
            raise DumpError(
                f"transaction {quoted(twice['txid'][0])} has two receipts",
                where=f"{self.receipts.name} line {twice['line'][1]:,}",
                remedy="give the receipts of one export",
            )
        key = rows.with_columns(pl.col("txid").str.to_lowercase().alias("_txid"))
        if rows.height and key.join(said, on="_txid", how="semi").is_empty():
            raise DumpError(
                f"no receipt in {self.receipts.name} is of a transaction of this table, which has"
                f" {rows.height:,}",
                where=self.name,
                remedy="give the receipts of the same export, or leave them out",
            )
        both = key.join(
            said.select("_txid", *wanted), on="_txid", how="left", maintain_order="left"
        )
        return both.with_columns(pl.col(list(wanted)).fill_null("")).drop("_txid")


def _inherited(rows: pl.DataFrame) -> pl.DataFrame:
    """Return rows of calls in which one inside a call that failed has failed as well."""
    failed: dict[str, set[tuple[str, ...]]] = {}
    for txid, path in rows.filter(pl.col("result") != "").select("txid", "trace_path").iter_rows():
        failed.setdefault(txid.lower(), set()).add(_place(path))
    if not failed:
        return rows
    told = [
        said or _around(_place(path), failed.get(txid.lower(), set()))
        for txid, path, said in rows.select("txid", "trace_path", "result").iter_rows()
    ]
    return rows.with_columns(pl.Series("result", told, pl.String))


def _place(path: str) -> tuple[str, ...]:
    """Return the place of a call, from the root on; that of the root is empty."""
    return tuple(re.findall(r"\d+", path))


def _around(place: tuple[str, ...], failed: set[tuple[str, ...]]) -> str:
    """Return that a call around one failed; nothing where none did."""
    around = any(place[:depth] in failed for depth in range(len(place)))
    return "a call around it failed" if around else ""
