"""Transfers of an account chain from somebody's table: an explorer's export, a dump of a query."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import polars as pl

from chainwatch.addresses import canonical
from chainwatch.addresses.assets import made_or_burnt
from chainwatch.errors import DumpError, InputError
from chainwatch.ingest.protocol import Batch, Reader
from chainwatch.ingest.source_file import FileRead, answer, later_than_read, read_time
from chainwatch.ledger import schema
from chainwatch.results.provenance import digest_json
from chainwatch.sources.parameters import Argument, OnlyInPython
from chainwatch.sources.transfer_dump.amounts import amounts
from chainwatch.sources.transfer_dump.apart import Apart, set_apart
from chainwatch.sources.transfer_dump.cells import payers_in_words, words_beside
from chainwatch.sources.transfer_dump.identity import certain_order, each_once, new_to
from chainwatch.sources.transfer_dump.mapping import DumpMapping, TagMapping
from chainwatch.sources.transfer_dump.places import read_placed
from chainwatch.sources.transfer_dump.table import LARGEST_DUMP, TextTable
from chainwatch.units import counted


class TransferDump:
    """One table of transfers as a source; it is read whole or not at all.

    Parameters
    ----------
    path : path
        A CSV file, or JSON: an object a line, or one list of objects.
    mapping : DumpMapping
        Which column holds what.
    acquired : datetime, optional
        When the file was obtained (a naive time means UTC); now, if not given.

    Examples
    --------
    chainwatch pull transfers export.csv --mapping columns.toml --ledger ledger

    Fails when
    ----------
    Two equal transfers of one transaction stand in two sections that each report only one of
    them, without a log index: they count as one. A table that leaves transfers out does not say
    so: coverage of its sections has ``complete`` null. A decimal comma before three digits reads
    as thousands.
    """

    def __init__(
        self, path: Annotated[str | Path, Argument()], mapping: DumpMapping, *,
        acquired: Annotated[datetime | None, OnlyInPython()] = None,
    ) -> None:  # fmt: skip
        self.path = Path(path)
        self.mapping = mapping
        self.acquired = read_time(acquired)

    def __repr__(self) -> str:
        return f"TransferDump({self.path.name!r}, source={self.mapping.source!r})"

    @property
    def name(self) -> str:
        """Name of the source, as the mapping gives it."""
        return self.mapping.source

    @property
    def chain(self) -> str:
        """CAIP-2 id of the chain."""
        return self.mapping.chain

    def look(self) -> None:
        """Open the file, and refuse one that is no table.

        Raises
        ------
        DumpError, InputError
            If it is neither text nor Parquet, or cannot be read as such.
        """
        TextTable(self._bytes(), self.path.name).names()

    def batches(self, reader: Reader) -> Iterator[Batch]:
        """Yield the whole table as one batch.

        Raises
        ------
        DumpError, AddressError
            For the first line that does not fit; nothing is yielded then.
        """
        data = self._bytes()
        table = TextTable(data, self.path.name)
        yield read_dump(reader, table, file_of(data, self.path, self.acquired), self.mapping)

    def _bytes(self) -> bytes:
        return table_bytes(self.path)


def file_of(data: bytes, path: Path, acquired: datetime) -> FileRead:
    """Return what is kept of a file whose bytes were read."""
    return FileRead(path.name, hashlib.sha256(data).digest(), len(data), acquired)


def read_dump(
    reader: Reader,
    table: TextTable,
    file: FileRead,
    mapping: DumpMapping,
    others: Sequence[DumpMapping] = (),
) -> Batch:
    """Return the transfers of a table, whole, with coverage and notes.

    Parameters
    ----------
    reader : Reader
        The ledger it is read into.
    table : TextTable
        The table.
    file : FileRead
        The file it is of.
    mapping : DumpMapping
        Which column holds what.
    others : sequence of DumpMapping
        By what mappings the rows of the same file are read, this one among them, where they are
        several.

    Raises
    ------
    DumpError, AddressError
        For the first line that does not fit.
    """
    name = file.name
    rows, every, mapping, said = read_placed(table, mapping)
    cells, apart = set_apart(every, mapping, name)
    _check_blocks(cells, name)
    _check_decimals(cells, reader, mapping, name)
    once, repeated = each_once(_dated(cells, reader, mapping), mapping, name)
    transfers, held = new_to(reader, _shaped(once, mapping), mapping, name)
    _check_mapping(reader, file, (mapping, *others))
    part = f":{mapping.kind}" if len(others) > 1 else ""
    coverage, unspanned = _coverage(cells, apart, file, mapping, part)
    notes = (*said, *apart.notes(mapping), *repeated, *held, *unspanned, *_undated(transfers))
    notes += words_beside(rows, mapping, name) + payers_in_words(rows, mapping)
    notes += later_than_read(transfers["time"], file)
    tables = {
        "transfers": transfers,
        "coverage": coverage,
        "answers": answer(file, mapping.source),
    }
    if mapping.tags:
        tables["tags"] = _tags(cells, mapping, mapping.tags, name)
    what = f"{name}: {transfers.height:,} transfers"
    return Batch(tables, tuple(coverage["unit"]), what, notes=notes)


def table_bytes(path: Path) -> bytes:
    """Return what stands in the file of a table.

    Raises
    ------
    InputError
        If there is no such file.
    DumpError
        If it is too large.
    """
    if not path.is_file():
        raise InputError("there is no such file", where=str(path), remedy="check the path")
    if path.stat().st_size > LARGEST_DUMP:
        raise DumpError(
            f"the table is larger than {LARGEST_DUMP:,} bytes",
            where=path.name,
            remedy="divide it, each part with its line of column names",
        )
    return path.read_bytes()


def _part(mapping: DumpMapping) -> str:
    """Return what names a reading of a table beside its bytes: how its columns were read."""
    return digest_json(mapping.model_dump(mode="json"))[:16]


def _check_mapping(reader: Reader, file: FileRead, mappings: Sequence[DumpMapping]) -> None:
    """Refuse a table that was read before in another way: what that left would stay."""
    unit = f"dump/{file.digest.hex()}/"
    before = reader.scan("coverage").filter(
        pl.col("chain") == mappings[0].chain, pl.col("kind") == "dump",
        pl.col("unit").str.starts_with(unit),
    )  # fmt: skip
    parts = tuple(f"/{_part(mapping)}" for mapping in mappings)
    if any(not one.endswith(parts) for one in before.select("unit").collect()["unit"]):
        raise DumpError(
            "this table was read before with another mapping, and what it gave stays in the ledger",
            where=file.name,
            remedy="pull it into a new ledger, with the mapping that is right",
        )


def _check_blocks(cells: pl.DataFrame, name: str) -> None:
    """Refuse a transaction with two times, heights or positions, and heights against time."""
    for column, value in (
        ("time", pl.col("time").dt.truncate("1ms")),
        ("height", pl.col("height")),
        ("position", pl.col("position")),
    ):
        odd = cells.filter(value.min().over("txid") != value.max().over("txid")).sort("line")
        if odd.height:
            first = odd.row(0, named=True)
            same = odd.filter(
                pl.col("txid") == first["txid"], pl.col(column).ne_missing(first[column])
            )
            raise DumpError(
                f"transaction {first['txid'].hex()} has one {column} here and another in line "
                f"{same['line'][0]:,}",
                where=f"{name} line {first['line']:,}",
                remedy="find out which is right and correct the table",
            )
    blocks = cells.drop_nulls(["height", "time"]).sort("height", "time", "line")
    back = blocks.filter(pl.col("time") < pl.col("time").shift(1))
    twice = blocks.filter(pl.col("time").n_unique().over("height") > 1)
    if back.height or twice.height:
        raise DumpError(
            "the heights do not fit the times: a higher block is older, or one has two times",
            where=f"{name} line {(twice if twice.height else back)['line'][0]:,}",
            remedy="correct the columns of height and time in the mapping",
        )


def _check_decimals(cells: pl.DataFrame, reader: Reader, mapping: DumpMapping, name: str) -> None:
    """Refuse whole tokens that were multiplied by other decimals than the ledger's rows agree on.

    Of amounts in base units decimals are for display alone: the ledger says that they disagree.
    """
    if mapping.amount_unit != "whole" or mapping.is_native:
        return
    mine = cells.lazy().select("line", "contract", "decimals").drop_nulls()
    held = reader.scan("transfers").filter(pl.col("chain") == mapping.chain)
    known = held.select("contract", pl.col("decimals").alias("known")).drop_nulls().unique()
    odd = mine.join(known, on="contract").filter(pl.col("decimals") != pl.col("known"))
    found = odd.sort("line", "known").collect()
    if found.height:
        line, contract, decimals, other = found.row(0)
        raise DumpError(
            f"whole tokens of contract {canonical.text(contract, mapping.chain)} are read with"
            f" {decimals} decimals, and rows of the ledger state {other}: sums would mix the two",
            where=f"{name} line {line:,}",
            remedy="find out which is right; if the ledger is wrong, pull into a new one",
        )


def _dated(cells: pl.DataFrame, reader: Reader, mapping: DumpMapping) -> pl.DataFrame:
    """Return the rows with the time of their block, where another row or the ledger knows it."""
    here = cells.filter(pl.col("time").is_null())
    if not here.height:
        return cells
    heights = here.select("height").unique().lazy()
    mine = pl.col("chain") == mapping.chain
    known = [cells.lazy().select("height", "time")]
    known += [reader.scan(one).filter(mine).select("height", "time") for one in _DATED]
    times = pl.concat(known).drop_nulls().join(heights, on="height", how="semi")
    one = times.group_by("height").agg(pl.col("time").min().alias("known")).collect()
    return cells.join(one, on="height", how="left", maintain_order="left").with_columns(
        pl.coalesce("time", "known").alias("time")
    ).drop("known")  # fmt: skip


_DATED = ("blocks", "transfers")


def _shaped(kept: pl.DataFrame, mapping: DumpMapping) -> pl.DataFrame:
    amount, wider = amounts(kept["units"])
    number = pl.col("height") * (1 << schema.POSITION_BITS) + pl.col("position")
    made = kept.with_columns(
        amount,
        wider,
        number.alias("tx"),
        pl.lit(mapping.chain).alias("chain"),
        made_or_burnt(pl.lit(mapping.kind)).alias("kind"),
        _signed(mapping).alias("signed"),
    )
    uncertain = (~certain_order(made, mapping)).alias("order_uncertain")
    return made.with_columns(uncertain).select(
        pl.col(name).cast(dtype) for name, dtype in schema.TRANSFERS.schema.items()
    )


def _signed(mapping: DumpMapping) -> pl.Expr:
    """Tell which transfers their sender signed: who pays the coin by a transaction signed it.

    A call inside a transaction is nobody's signature, and of several payments in one that no place
    tells apart it is not known which is the transaction's own: these are null.
    """
    if mapping.kind != "native":
        return pl.lit(None, pl.Boolean)
    outermost = pl.col("trace_path").fill_null("") == ""
    alone = pl.len().over("txid", outermost) == 1
    return pl.when(outermost & alone).then(pl.lit(True))


def _undated(transfers: pl.DataFrame) -> tuple[str, ...]:
    count = transfers["time"].null_count()
    have = counted(count, "transfer has", "transfers have")
    each = "it is" if count == 1 else "they are"
    return (f"{have} a height and no time: {each} in no span of time",) if count else ()


def _coverage(
    cells: pl.DataFrame, apart: Apart, file: FileRead, mapping: DumpMapping, part: str
) -> tuple[pl.DataFrame, tuple[str, ...]]:
    """Return units for the table, each section and token in it, and what is set apart; and notes.

    A section speaks of the tokens that it lists, from its first row to its last of any token, also
    of rows set apart. One without any time speaks of no span, and so of nothing.
    """
    times = pl.col("time").min().alias("from_time"), pl.col("time").max().alias("to_time")
    every = pl.concat([one.select("section", "time") for one in (cells, apart.rows)])
    listing = cells["section"].drop_nulls().unique().implode()
    spans = every.filter(pl.col("section").is_in(listing)).group_by("section").agg(times)
    timeless = spans.filter(pl.col("from_time").is_null()).height
    listed = cells.select("section", "contract").unique()
    dated = spans.drop_nulls("from_time")
    sections = dated.join(listed, on="section").sort("section", "contract").to_dicts()
    whole = cells.select(pl.lit(None).alias("section"), pl.lit(None).alias("contract"), *times)
    kind = "native" if mapping.is_native else "address"
    unit = f"dump/{file.digest.hex()}"

    def place(row: dict[str, Any]) -> str:
        parts = (row["section"], row["contract"])
        shown = [canonical.text(part, mapping.chain) for part in parts if part]
        return "/".join([unit, _part(mapping), *shown])

    common = {"chain": mapping.chain, "source": mapping.source, "answer": file.digest}
    rows = [
        {
            "kind": kind if row["section"] else "dump",
            "unit": place(row), "address": row["section"], "contract": row["contract"],
            "from_time": row["from_time"], "to_time": row["to_time"], **common,
        }
        for row in [whole.row(0, named=True), *sections]
    ]  # fmt: skip
    rows += [{**one, **common} for one in apart.units(unit + part, mapping)]
    whose = counted(timeless, "section has", "sections have")
    histories = "its history does" if timeless == 1 else "their histories do"
    note = f"{whose} no time in any row: {histories} not count as read"
    return schema.COVERAGE.conform(
        pl.DataFrame(rows, schema=schema.COVERAGE.schema, orient="row")
    ), (note,) if timeless else ()


def _tags(cells: pl.DataFrame, mapping: DumpMapping, tags: TagMapping, name: str) -> pl.DataFrame:
    """Return one undated tag for each address and name tag that stand side by side."""
    sides = (("sender", "sender_tag"), ("receiver", "receiver_tag"))
    pairs = pl.concat(
        cells.select(pl.col(side).alias("address"), pl.col(tag).alias("label"))
        for side, tag in sides
    )
    pairs = pairs.drop_nulls().unique().sort("address", "label")
    rows = [
        {
            "chain": mapping.chain, "address": address, "label": label, "concept": tags.concept,
            "actor": _actor(label, tags.actor), "source": tags.source,
            "confidence": tags.confidence, "level": tags.level, "pack": name,
        }
        for address, label in pairs.iter_rows()
    ]  # fmt: skip
    return pl.DataFrame(rows, schema=schema.TAGS.schema, orient="row")


def _actor(label: str, pattern: str | None) -> str | None:
    found = re.search(pattern, label) if pattern else None
    return (found[1] or "").lower() or None if found else None
