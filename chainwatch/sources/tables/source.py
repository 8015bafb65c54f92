"""A table whose header is known as a source: what it is, is told by its columns, and said."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from decimal import Decimal
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import polars as pl

from chainwatch.addresses.diagnose import quoted
from chainwatch.chains.base import Chain
from chainwatch.chains.catalogue import chain as chain_of
from chainwatch.errors import DumpError, InputError
from chainwatch.ingest.protocol import Batch, Reader
from chainwatch.ingest.source_file import FileRead, answer, read_time
from chainwatch.sources.parameters import Argument, OnlyInPython
from chainwatch.sources.tables.choose import choose
from chainwatch.sources.tables.coins import coin_batches
from chainwatch.sources.tables.logs import log_batch
from chainwatch.sources.tables.selected import RECEIPT, SelectedTable
from chainwatch.sources.tables.shape import NO_TRANSFERS, Part, Shape, find
from chainwatch.sources.transfer_dump.mapping import DumpMapping, TimeUnit
from chainwatch.sources.transfer_dump.parquet_rows import is_parquet, parquet_schema
from chainwatch.sources.transfer_dump.source import file_of, read_dump, table_bytes
from chainwatch.sources.transfer_dump.table import TextTable


class Chosen(NamedTuple):
    """What a table turned out to be: its kind, its chain, and the mapping of each of its parts."""

    shape: Shape
    chain: Chain
    parts: tuple[tuple[Part, DumpMapping], ...]


class KnownTable:
    """A table of a kind that is known, as a source; it is read whole or not at all.

    Parameters
    ----------
    path : path
        CSV, TSV, JSON (an object a line, or one list), or Parquet.
    chain : str, optional
        Chain of the table; needed where neither its kind nor a column says it.
    shape : str, optional
        Name of its kind, where the header fits several.
    decimals : mapping of str to int, optional
        Decimals of each token contract, where amounts are whole tokens and no column says them.
    history_of : str, optional
        The address whose history the table is: explorers export one address at a time.
    receipts : path, optional
        Receipts of the same export, which say of transactions whether they took effect.
    blocks, inputs, outputs : path, optional
        Of a coin chain: further tables of the same dump.
    acquired : datetime, optional
        When the files were obtained (a naive time means UTC); now, if not given.

    Examples
    --------
    chainwatch pull table token_transfers.csv --chain eth --ledger ledger

    Notes
    -----
    Known are the tables of ethereum-etl and bitcoin-etl, of BigQuery's public data sets, of AWS's
    public blockchain data, of cryo and Blockchair, and what Etherscan, Blockscout and Tronscan
    export. A table that is nearly one of them is refused with the column that is missing and the
    closest that is there.

    Fails when
    ----------
    Somebody gave a table the header of another kind. What each kind of table leaves out is said
    with each pull. A transaction that pays nothing stands in the ledger with amount zero and is
    no payment; calls inside transactions that pay nothing are left out of traces, and of the
    internal transactions of Blockscout. A table of logs does not say of which blocks it has all of
    them: where it has none, nothing is known.
    """

    def __init__(
        self, path: Annotated[str | Path, Argument()], *, chain: Chain | str | None = None,
        shape: str | None = None, decimals: Mapping[str, int] | None = None,
        history_of: str | None = None, receipts: str | Path | None = None,
        blocks: str | Path | None = None, inputs: str | Path | None = None,
        outputs: str | Path | None = None,
        acquired: Annotated[datetime | None, OnlyInPython()] = None,
    ) -> None:  # fmt: skip
        self.path = Path(path)
        self.given = chain_of(chain) if chain is not None else None
        self.shape = shape
        self.decimals = _numbers(decimals or {})
        self.history_of = history_of
        self.receipts = Path(receipts) if receipts is not None else None
        beside = {"blocks": blocks, "inputs": inputs, "outputs": outputs}
        self.beside = {name: Path(one) for name, one in beside.items() if one is not None}
        self.acquired = read_time(acquired)

    def __repr__(self) -> str:
        return f"KnownTable({self.path.name!r})"

    @property
    def name(self) -> str:
        """Name of the source: the kind of the table."""
        return self.chosen.shape.name

    @property
    def chain(self) -> str:
        """CAIP-2 id of the chain."""
        return self.chosen.chain.id

    def look(self) -> None:
        """Open each file, and refuse one that is no table, or of no kind that is known.

        Raises
        ------
        DumpError, InputError
            As :attr:`chosen`.
        """
        _ = self.chosen
        for path in filter(None, (self.receipts, *self.beside.values())):
            TextTable(table_bytes(path), path.name).names()

    @cached_property
    def chosen(self) -> Chosen:
        """What the table is, by its header.

        Raises
        ------
        DumpError
            If its kind, its chain or what its mapping needs is not known.
        """
        table = TextTable(table_bytes(self.path), self.path.name)
        shape = choose(table.names(), table.name, self.shape)
        if self.receipts is not None and "result" not in {*shape.columns, *shape.may}:
            raise DumpError(
                f"receipts say nothing of {shape.name!r}", where=table.name,
                remedy="give them with transactions",
            )  # fmt: skip
        chain = self._chain_of(shape, table)
        if not shape.parts:
            return Chosen(shape, chain, ())
        extra = list(RECEIPT) if self.receipts is not None else []
        header = [*table.names(), *(one for one in extra if one not in table.names())]
        parts = tuple((part, self._mapping(shape, part, chain, table, header))
                      for part in shape.parts)  # fmt: skip
        return Chosen(shape, chain, parts)

    def _chain_of(self, shape: Shape, table: TextTable) -> Chain:
        """Return the chain that is given, or that the table says; refuse what they disagree on."""
        said = chain_of(shape.chain) if shape.chain else None
        if shape.chain_id:
            column = find(shape.chain_id, table.names()) or ""
            numbers = table.rows({"chain_id": column})["chain_id"].unique().sort().to_list()
            if len(numbers) > 1:
                shown = ", ".join(quoted(one) for one in numbers[:5])
                raise DumpError(
                    f"the table is of several chains: {shown}", where=table.name,
                    remedy="divide it, a table for each chain",
                )  # fmt: skip
            said = chain_of(f"eip155:{numbers[0]}") if numbers else None
        if self.given is not None and said is not None and self.given != said:
            raise DumpError(
                f"the table is of {said.name}, not of {self.given.name}", where=table.name,
                remedy=f"read it as {said.alias}",
            )  # fmt: skip
        found = self.given or said
        if found is None:
            raise DumpError(
                f"the table is {shape.name!r}, and nothing in it says of which chain",
                where=table.name, remedy="name the chain",
            )  # fmt: skip
        return found

    def _mapping(
        self, shape: Shape, part: Part, chain: Chain, table: TextTable, header: list[str]
    ) -> DumpMapping:
        """Return the mapping of a part of the table."""
        may = {ours: found for ours, one in shape.may.items() if (found := find(one, header))}
        given: dict[str, Any] = {
            ours: _found(one, header) for ours, one in shape.columns.items()
        } | may
        given |= shape.fixed
        if "result" not in given:
            given = {key: one for key, one in given.items() if key not in ("success", "failure")}
        if "time" in given and "time_unit" not in shape.fixed:
            given["time_unit"] = _time_unit(table, given["time"])
        if _is_double(table, given["amount"]):
            given["amount_unit"] = "double"
        if part.kind.startswith("erc") and self.decimals:
            given["decimals"] = self.decimals
        if part.kind in ("native", "internal"):
            given.pop("decimals", None)
        if self.history_of is not None:
            given["history_of"] = self.history_of
        source = {"chain": chain.id, "kind": part.kind, "source": shape.name}
        try:
            return DumpMapping.of({**given, **source}, where=table.name)
        except DumpError as error:
            if "whole tokens need decimals" in error.what:
                raise DumpError(
                    f"the table is {shape.name!r}, whose amounts are whole tokens without decimals",
                    where=table.name,
                    remedy="give the decimals of each contract, as CONTRACT=NUMBER",
                ) from None
            raise

    def batches(self, reader: Reader) -> Iterator[Batch]:
        """Yield one batch for each kind of transfer in the table; of coins one per block.

        Raises
        ------
        DumpError, AddressError
            For the first line that does not fit; nothing is yielded then.
        """
        chosen = self.chosen
        told = (f"{self.path.name} is read as {chosen.shape.name!r}", *chosen.shape.lacks)
        if chosen.shape.coins:
            yield from coin_batches(self.path, chosen.shape, chosen.chain, self.beside, told,
                                    reader, self.acquired)  # fmt: skip
            return
        if self.beside:
            raise InputError(
                f"a table of {chosen.shape.name!r} needs no {', '.join(self.beside)}",
                where=self.path.name, remedy="leave them out",
            )  # fmt: skip
        data = table_bytes(self.path)
        file = file_of(data, self.path, self.acquired)
        table = TextTable(data, self.path.name)
        if chosen.shape.logs:
            if self.decimals or self.history_of is not None:
                raise InputError(
                    "logs have neither decimals nor one whose history they are",
                    where=self.path.name, remedy="leave them out",
                )  # fmt: skip
            yield self._told(log_batch(table, chosen.shape, chosen.chain, file), told, None)
            return
        receipts = self._receipts(table)
        mappings = [mapping for _, mapping in chosen.parts]
        made: list[Batch] = []
        for part, mapping in chosen.parts:
            rows = SelectedTable(
                table, part, receipts, padded=chosen.shape.padded, rooted=chosen.shape.rooted,
                inherits=chosen.shape.inherits,
            )  # fmt: skip
            made.append(self._read(reader, rows, file, mapping, mappings))
        for batch in made:
            yield self._told(batch, told, receipts)

    def _read(
        self, reader: Reader, rows: SelectedTable, file: FileRead, mapping: DumpMapping,
        mappings: list[DumpMapping],
    ) -> Batch:  # fmt: skip
        """Return the rows of a part; where none is a transfer, the remedy is that of the table."""
        try:
            return read_dump(reader, rows, file, mapping, mappings)
        except DumpError as error:
            if error.what.startswith("no row of the table is a transfer"):
                remedy = self.chosen.shape.without_transfers or NO_TRANSFERS
                raise DumpError(error.what, where=error.where, remedy=remedy) from None
            raise

    def _receipts(self, table: TextTable) -> TextTable | None:
        if self.receipts is None:
            return None
        if "receipt_status" in table.names():
            raise DumpError(
                "the table says itself which transactions took effect", where=table.name,
                remedy="leave the receipts out",
            )  # fmt: skip
        return TextTable(table_bytes(self.receipts), self.receipts.name)

    def _told(self, batch: Batch, told: tuple[str, ...], receipts: TextTable | None) -> Batch:
        tables = dict(batch.tables)
        if receipts is not None:
            file = file_of(receipts.data, Path(receipts.name), self.acquired)
            tables["answers"] = pl.concat([tables["answers"], answer(file, self.name)])
        return Batch(tables, batch.units, batch.what, notes=(*told, *batch.notes))


def _numbers(decimals: Mapping[str, Any]) -> dict[str, int]:
    """Return decimals by contract as numbers.

    Raises
    ------
    InputError
        If one is no number from 0 to 255.
    """
    for contract, number in decimals.items():
        text = str(number)
        if not (text.isascii() and text.isdigit() and len(text) <= 3 and int(text) <= 255):
            raise InputError(
                f"{quoted(text)} is no count of decimals (0 to 255)", where=quoted(contract),
                remedy="write CONTRACT=NUMBER",
            )  # fmt: skip
    return {contract: int(number) for contract, number in decimals.items()}


def _found(column: str | tuple[str, ...], header: list[str]) -> str | tuple[str, ...]:
    """Return the names in a header that a column of a shape means; they were looked for before."""
    if isinstance(column, tuple):
        return tuple(find(one, header) or one for one in column)
    return find(column, header) or column


_NUMBER = re.compile(r"[0-9]{1,20}(\.[0-9]{1,20})?([eE]\+?[0-9]{1,2})?")
"""A number as query engines write one that passed through a double: 1700000000.0, 1.5475968E9."""

_DIGITS: dict[int, TimeUnit] = {10: "s", 13: "ms", 16: "us"}


def _time_unit(table: TextTable, column: str) -> TimeUnit:
    """Return how a table writes its times: by the digits of the first that is there."""
    texts = table.rows({"time": column})["time"]
    first = next((text for text in texts if text), "")
    if _NUMBER.fullmatch(first):
        first = f"{int(Decimal(first))}"
    return _DIGITS.get(len(first), "s") if first.isascii() and first.isdigit() else "iso"


def _is_double(table: TextTable, column: str | tuple[str, ...]) -> bool:
    if not is_parquet(table.data) or not isinstance(column, str):
        return False
    return parquet_schema(table.data, table.name)[column].is_float()
