"""Prices into a ledger: a table of prices of the assets of one chain, kept beside its transfers."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Annotated

import polars as pl

from chainwatch.addresses import canonical
from chainwatch.chains.base import Chain
from chainwatch.chains.catalogue import chain as chain_of
from chainwatch.errors import InputError, PriceError
from chainwatch.ingest.protocol import Batch, Reader
from chainwatch.ingest.source_file import FileRead, answer, later_than_read, read_time
from chainwatch.ledger import schema
from chainwatch.ledger.prices import Prices
from chainwatch.packed import file_bytes
from chainwatch.results.provenance import digest_json
from chainwatch.sources.parameters import Argument, OnlyInPython
from chainwatch.sources.prices.held import check_held
from chainwatch.sources.prices.read import Granularity, Said, price_table
from chainwatch.sources.transfer_dump.mapping import TimeUnit
from chainwatch.units import counted


class PriceTable:
    """One table of prices as a source; it is read whole or not at all.

    Parameters
    ----------
    path : path
        CSV, TSV or JSON (each may be packed as .gz), or Parquet.
    chain : str
        Chain whose coin or token the prices are of. Where the table has a column ``chain``, the
        rows of other chains are left out, and counted.
    contract : str, optional
        The token that all prices are of; else a column ``contract`` says it, and an empty cell is
        the chain's own coin. Without either, all are of that coin.
    currency : str, optional
        ISO 4217 code of all prices; else a column ``currency`` says it.
    granularity : str, optional
        How long each price holds for; else a column of that name says it, and a time that is a day
        alone (2023-06-01) is a day's.
    publisher : str, optional
        Who published them; else a column ``source`` says it.
    columns : mapping of str to str, optional
        What is said (chain, contract, currency, granularity, time, price, source) to the name of
        its column.
    time_unit : str
        How times are written, as in a mapping of transfers.
    acquired : datetime, optional
        When the file was obtained (a naive time means UTC); now, if not given.

    Examples
    --------
    chainwatch pull prices btc_eur.csv --chain btc --currency EUR --publisher ECB --ledger ledger

    Fails when
    ----------
    A feed writes the price at the end of a day under the day's name, or the day of another time
    zone: a table does not say so. A price is of whole coins, and of trade in one place.
    """

    def __init__(
        self, path: Annotated[str | Path, Argument()], chain: Chain | str, *,
        contract: str | None = None, currency: str | None = None,
        granularity: Granularity | None = None, publisher: str | None = None,
        columns: Mapping[str, str] | None = None, time_unit: TimeUnit = "iso",
        acquired: Annotated[datetime | None, OnlyInPython()] = None,
    ) -> None:  # fmt: skip
        self.path = Path(path)
        self._chain = chain_of(chain)
        token = canonical.parse(contract, self._chain) if contract is not None else None
        self.said = Said(None, token, currency, granularity, publisher, time_unit)
        self.columns = dict(columns or {})
        self.acquired = read_time(acquired)

    def __repr__(self) -> str:
        return f"PriceTable({self.path.name!r}, chain={self._chain.alias!r})"

    @property
    def name(self) -> str:
        """Name of the source: who published the prices, where that is said for all."""
        return self.said.source or "table of prices"

    @property
    def chain(self) -> str:
        """CAIP-2 id of the chain."""
        return self._chain.id

    def look(self) -> None:
        """Open the file, and refuse one that is no table of prices.

        Raises
        ------
        PriceError
            For the first row that does not fit.
        """
        self._table()

    def _table(self) -> Prices:
        """Return the prices of the file."""
        name = self.path.name
        if not self.path.is_file():
            raise InputError("there is no such file", where=str(self.path), remedy="check the path")
        data = file_bytes(self.path, name, PriceError)
        return price_table(data, self.said, self.columns, name, chain=self.chain)

    def batches(self, reader: Reader) -> Iterator[Batch]:
        """Yield the whole table as one batch.

        Raises
        ------
        PriceError
            For the first row that does not fit; nothing is yielded then.
        """
        prices, name = self._table(), self.path.name
        raw = self.path.read_bytes()
        file = FileRead(name, hashlib.sha256(raw).digest(), len(raw), self.acquired)
        rows = prices.frame
        mine = rows.filter(pl.col("chain") == self.chain)
        check_held(mine, reader, name)
        unit = f"dump/{file.digest.hex()}/prices/{self._part()}"
        notes = prices.notes
        if others := rows.height - mine.height:
            notes += (f"{counted(others, 'price', 'prices')} of other chains left out",)
        notes += later_than_read(mine["time"], file)
        coverage = pl.DataFrame(
            [{"chain": self.chain, "unit": unit, "kind": "prices", "source": self.name,
              "answer": file.digest}],
            schema=schema.COVERAGE.schema, orient="row",
        )  # fmt: skip
        tables = {"prices": mine, "coverage": coverage, "answers": answer(file, self.name)}
        yield Batch(
            tables, (unit,), f"{name}: {counted(mine.height, 'price', 'prices')}", notes=notes
        )

    def _part(self) -> str:
        contract = self.said.contract.hex() if self.said.contract else None
        said = {**self.said._asdict(), "contract": contract, "columns": self.columns}
        return digest_json(said)[:16]
