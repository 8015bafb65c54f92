"""Transfers of an account chain from somebody's table: an explorer's export, a dump of a query.

Such tables name neither height nor log index. A transfer is then what its transaction, contract,
parties and amount say, as often as that section of the table has it which has it most often:
the two histories of a payer and a payee report one transfer twice, one history reports two equal
transfers twice. Their order within a moment is not known and is flagged so.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import polars as pl

from chainwatch.addresses import canonical
from chainwatch.addresses.assets import NATIVE_KINDS
from chainwatch.errors import DumpError, InputError
from chainwatch.ingest.protocol import Batch, Reader
from chainwatch.ingest.source_file import FileRead, answer, read_time
from chainwatch.ledger import schema
from chainwatch.sources.parameters import Argument, OnlyInPython
from chainwatch.sources.transfer_dump.cells import amounts, read_cells
from chainwatch.sources.transfer_dump.mapping import DumpMapping, TagMapping
from chainwatch.sources.transfer_dump.table import LARGEST_DUMP, read_table

_ALIKE = ["txid", "contract", "sender", "receiver", "units"]
_SAID = ["status", "success", "symbol", "decimals"]


class TransferDump:
    """One table of transfers as a source; it is read whole or not at all.

    Parameters
    ----------
    path : path
        A CSV file.
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
    them: they count as one. A table that leaves transfers out does not say so: coverage of its
    sections has ``complete`` null.
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

    def batches(self, reader: Reader) -> Iterator[Batch]:
        """Yield the whole table as one batch.

        Raises
        ------
        DumpError, AddressError
            For the first line that does not fit; nothing is yielded then.
        """
        data = self._bytes()
        name = self.path.name
        file = FileRead(name, hashlib.sha256(data).digest(), len(data), self.acquired)
        cells = read_cells(read_table(data, self.mapping.columns(), name), self.mapping, name)
        _check_times(cells, name)
        transfers, notes = _transfers(cells, self.mapping)
        _check_held(transfers, reader, name)
        coverage = _coverage(cells, file, self.mapping)
        tables = {
            "transfers": transfers,
            "coverage": coverage,
            "answers": answer(file, self.name),
        }
        if self.mapping.tags:
            tables["tags"] = _tags(cells, self.mapping, self.mapping.tags, name)
        what = f"{name}: {transfers.height:,} transfers"
        yield Batch(tables, tuple(coverage["unit"]), what, notes=notes)

    def _bytes(self) -> bytes:
        if not self.path.is_file():
            raise InputError("there is no such file", where=str(self.path), remedy="check the path")
        if self.path.stat().st_size > LARGEST_DUMP:
            raise DumpError(
                f"the table is larger than {LARGEST_DUMP:,} bytes",
                where=self.path.name,
                remedy="divide it, each part with its line of column names",
            )
        return self.path.read_bytes()


def _check_times(cells: pl.DataFrame, name: str) -> None:
    """Refuse a transaction with two times: all its transfers stand in one block."""
    moment = pl.col("time").dt.truncate("1ms")
    odd = cells.filter(moment.min().over("txid") != moment.max().over("txid")).sort("line")
    if odd.height:
        first = odd.row(0, named=True)
        same = odd.filter(pl.col("txid") == first["txid"], pl.col("time") != first["time"])
        raise DumpError(
            f"transaction {first['txid'].hex()} has one time here and another in line "
            f"{same['line'][0]:,}",
            where=f"{name} line {first['line']:,}",
            remedy="find out which is right and correct the table",
        )


def _transfers(cells: pl.DataFrame, mapping: DumpMapping) -> tuple[pl.DataFrame, tuple[str, ...]]:
    """Return each transfer once, and what was found about repeats."""
    inside = [*_ALIKE, "section"]
    ranked = cells.sort(*inside, *_SAID, "line").with_columns(
        pl.int_range(pl.len()).over(inside).alias("occurrence"),
        pl.len().over(inside).alias("count"),
        pl.col("section").n_unique().over(_ALIKE).alias("sections"),
        pl.col("time").min().over("txid"),
    )
    most = ranked.filter(pl.col("count") == pl.col("count").max().over(_ALIKE))
    section = pl.col("section")
    kept = most.filter(section.is_null() | (section == section.min().over(_ALIKE)))
    return _shaped(_settled(ranked, kept), mapping), _notes(ranked, kept)


def _settled(ranked: pl.DataFrame, kept: pl.DataFrame) -> pl.DataFrame:
    """Return transfers with what any section says of their success; refuse contradictions.

    Among as many alike as are kept, as many took effect as the section says that says most, and
    as many failed.
    """
    success, both = pl.col("success"), ["section", *_ALIKE]
    said = ranked.group_by(both).agg(
        success.sum().alias("good"), (~success).sum().alias("bad"), pl.col("line").min()
    )
    most = said.group_by(_ALIKE).agg(pl.col("good", "bad").max(), pl.col("line").min())
    rows = kept.join(most, on=_ALIKE, how="left", nulls_equal=True, suffix="_said")
    count = pl.col("occurrence").max().over(_ALIKE) + 1
    odd = rows.filter(pl.col("good") + pl.col("bad") > count).sort("line_said")
    if odd.height:
        raise DumpError(
            f"transfer {odd['txid'][0].hex()} took effect in one section and failed in another",
            where=f"line {odd['line_said'][0]:,} and others",
            remedy="find out which is right and correct the table",
        )
    place, bad = pl.col("occurrence"), pl.col("bad")
    told = pl.when(place < bad).then(False).when(place < bad + pl.col("good")).then(True)
    silent = pl.col("good") + bad == 0
    return rows.with_columns(pl.when(silent).then("success").otherwise(told).alias("success"))


def _check_held(transfers: pl.DataFrame, reader: Reader, name: str) -> None:
    """Refuse a table that says of transfers in the ledger what was not said of them before.

    What was committed stays, so a later word could not change it: the order of reading would.
    """
    key = list(schema.TRANSFERS.key)
    held = reader.scan("transfers").select(*key, pl.col("success").alias("before"))
    same = transfers.lazy().join(held, on=key, how="inner", nulls_equal=True).collect()
    now, before = pl.col("success"), pl.col("before")
    odd = same.filter(now.is_not_null() & now.ne_missing(before)).sort("txid", "occurrence")
    if odd.height:
        known = odd["before"][0] is not None
        was = "contradicts the ledger on" if known else "says what the ledger does not of"
        raise DumpError(
            f"the table {was} whether {odd.height:,} transfers took effect",
            where=f"{name}, transaction {odd['txid'][0].hex()}",
            remedy="find out which table is right and read only that one into a new ledger"
            if known
            else "read this table first, into a new ledger",
        )


def _shaped(kept: pl.DataFrame, mapping: DumpMapping) -> pl.DataFrame:
    amount, wider = amounts(kept["units"])
    absent = ("log_index", "trace_path", "tx", "token_id", "signed")
    return kept.with_columns(
        amount,
        wider,
        pl.lit(mapping.chain).alias("chain"),
        pl.lit(mapping.kind).alias("kind"),
        pl.lit(True).alias("order_uncertain"),
        *(pl.lit(None).alias(name) for name in absent),
    ).select(pl.col(name).cast(dtype) for name, dtype in schema.TRANSFERS.schema.items())


def _notes(ranked: pl.DataFrame, kept: pl.DataFrame) -> tuple[str, ...]:
    notes = []
    if repeats := ranked.height - kept.height:
        notes.append(f"{repeats:,} rows repeat a transfer that another section reports")
    same = [*_ALIKE, "occurrence"]
    for name in _SAID:
        odd = ranked.group_by(same).agg(pl.col(name).n_unique()).filter(pl.col(name) > 1).height
        if odd:
            notes.append(
                f"{odd:,} transfers have another {name} in another section; kept is that of the "
                "section with most repeats, then of the smallest address"
            )
    return tuple(notes)


def _coverage(cells: pl.DataFrame, file: FileRead, mapping: DumpMapping) -> pl.DataFrame:
    """Return a unit for the table and one for each section and token that occurs in it.

    A section speaks of the tokens that it lists, from its first row to its last of any token.
    """
    times = pl.col("time").min().alias("from_time"), pl.col("time").max().alias("to_time")
    spans = cells.drop_nulls("section").group_by("section").agg(times)
    listed = cells.select("section", "contract").unique()
    sections = spans.join(listed, on="section").sort("section", "contract").to_dicts()
    whole = cells.select(pl.lit(None).alias("section"), pl.lit(None).alias("contract"), *times)
    kind = "native" if mapping.kind in NATIVE_KINDS else "address"
    unit = f"dump/{file.digest.hex()}/0"

    def place(row: dict[str, Any]) -> str:
        parts = (row["section"], row["contract"])
        return "/".join([unit, *(canonical.text(part, mapping.chain) for part in parts if part)])

    rows = [
        {
            "chain": mapping.chain, "kind": kind if row["section"] else "dump",
            "unit": place(row), "address": row["section"], "contract": row["contract"],
            "from_time": row["from_time"], "to_time": row["to_time"],
            "source": mapping.source, "answer": file.digest,
        }
        for row in [whole.row(0, named=True), *sections]
    ]  # fmt: skip
    return pl.DataFrame(rows, schema=schema.COVERAGE.schema, orient="row")


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
            "confidence": tags.confidence, "level": tags.level, "pack": name, "definer": False,
        }
        for address, label in pairs.iter_rows()
    ]  # fmt: skip
    return pl.DataFrame(rows, schema=schema.TAGS.schema, orient="row")


def _actor(label: str, pattern: str | None) -> str | None:
    found = re.search(pattern, label) if pattern else None
    return (found[1] or "").lower() or None if found else None
