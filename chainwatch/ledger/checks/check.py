"""Conservation and referential checks: does what was read add up, and how much could not be judged.

Each check of :mod:`chainwatch.ledger.checks.invariants` gives one verdict per transaction, block or
row: it holds, it fails, or it is *unread*. The whole history is checked, whatever the ledger's
span.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from html import escape

import polars as pl

from chainwatch.chains.catalogue import all_chains
from chainwatch.errors import ConservationError, LedgerError
from chainwatch.ledger.checks.invariants import CHECKS, Check
from chainwatch.ledger.checks.tokens import token_verdicts
from chainwatch.ledger.index.index import open_index
from chainwatch.ledger.index.verify import check_index
from chainwatch.ledger.ledger import Ledger
from chainwatch.ledger.schema import POSITION_BITS
from chainwatch.ledger.storage.checksums import changed_files
from chainwatch.ledger.unread.unread_parts import parts_by_chain, parts_note
from chainwatch.results.result import Result, recorded
from chainwatch.results.table import CHAIN, Column, Rows, Table
from chainwatch.units import counted

MOST_NAMED = 5
"""Parts of files that a note names one by one; the others are counted."""

VERDICTS = Table(
    "checks",
    ("name", "chain"),
    "One row per check and chain.",
    (
        Column.word("name", "the check"),
        CHAIN,
        Column.number("checked", "verdicts that could be given"),
        Column.number("failed", "verdicts against it"),
        Column.number("unread", "verdicts that could not be given"),
        Column.text("note", "where it failed first, or why it could not be judged"),
    ),
)


@dataclass(frozen=True, repr=False, eq=False)
class CheckReport(Result):
    """What the checks found.

    Attributes
    ----------
    frame : polars.DataFrame
        One row per check and chain: ``name, chain, checked, failed, unread, note``. ``checked``
        counts the verdicts that could be given, ``unread`` those that could not.
    """

    frame: pl.DataFrame

    @property
    def ok(self) -> bool:
        """True if nothing failed; what is unread is not judged."""
        return self.frame["failed"].sum() == 0

    def tables(self) -> Mapping[str, Rows]:
        """Return the tables of this result."""
        return {"checks": VERDICTS.rows(self.frame)}

    def raise_for_failures(self) -> None:
        """Raise if a check failed.

        Raises
        ------
        ConservationError
            Naming the first check that failed and where.
        """
        failures = self.frame.filter(pl.col("failed") > 0)
        if failures.height:
            first = failures.row(0, named=True)
            raise ConservationError(
                f"{counted(failures.height, 'check', 'checks')} of the ledger failed; of"
                f" {counted(first['checked'], 'verdict', 'verdicts')} of the check"
                f" {first['name']!r}, {counted(first['failed'], 'is', 'are')} against it",
                where=f"{first['chain']}: {first['note']}",
                remedy="read the source again; if it stays, the source or chainwatch is wrong",
            )

    def __repr__(self) -> str:
        failed = self.frame.filter(pl.col("failed") > 0).height
        unread = int(self.frame["unread"].sum())
        verdict = "nothing failed" if self.ok else f"{failed} failed"
        checks = counted(self.frame.height, "check", "checks")
        return f"CheckReport({checks}, {verdict}, {counted(unread, 'verdict', 'verdicts')} unread)"

    def _repr_html_(self) -> str:
        head = "".join(f"<th>{name}</th>" for name in VERDICTS.names)
        rows = "".join(
            "<tr>" + "".join(f"<td>{escape(str(value))}</td>" for value in row) + "</tr>"
            for row in self.frame.iter_rows()
        )
        return f"<table><tr>{head}</tr>{rows}</table>"


@recorded
def check(ledger: Ledger) -> CheckReport:
    """Check that value is conserved and that every reference holds.

    Parameters
    ----------
    ledger : Ledger
        Its whole history is checked.

    Returns
    -------
    CheckReport
        One row per check and chain; see :data:`chainwatch.ledger.checks.invariants.CHECKS`; of a
        ledger on disk, one for its files; one where files of blocks had parts that gave none; and
        one on tokens of account chains of which all was read of some address.

    Raises
    ------
    LedgerError
        If a file is not as it was written, or the index for look-ups says something else.
    """
    whole = ledger.history
    files = _files(whole)
    found = pl.concat([_report(item, whole) for item in CHECKS])
    parts = _parts(whole)
    tokens = _tokens(whole)
    rows = [files, found.sort("chain", maintain_order=True), *tokens, *parts, *_indexes(whole)]
    return CheckReport(pl.concat(rows))


def _tokens(ledger: Ledger) -> Iterator[pl.DataFrame]:
    """Yield whether transfers of tokens add up; unread are those that do not, and it is said why.

    No source need be wrong for that, so it is no failure of the ledger.
    """
    read = ledger.transfers.select("chain").unique().collect()["chain"].to_list()
    for chain in sorted((one for one in all_chains() if one.id in read), key=lambda one: one.id):
        if (row := token_verdicts(ledger, chain)) is not None:
            yield pl.DataFrame([row], schema=VERDICTS.schema, orient="row")


def _parts(ledger: Ledger) -> Iterator[pl.DataFrame]:
    """Yield what of files gave no block, chain by chain; mended is what was read from elsewhere."""
    for chain, parts in parts_by_chain(ledger).items():
        left = [part for part in parts if not part.mended]
        note = parts_note(left, most=MOST_NAMED) if left else "each block was read since"
        row = ("parts of files", chain, len(parts) - len(left), 0, len(left), note)
        yield pl.DataFrame([row], schema=VERDICTS.schema, orient="row")


def _indexes(ledger: Ledger) -> Iterator[pl.DataFrame]:
    """Yield the verdict on each index that there is: all of its rows are held to the tables."""
    for chain in ledger.chains if ledger.store is not None else ():
        made = open_index(ledger, chain)
        if made is not None:
            check_index(made, ledger)
            note = "the index for look-ups says what the tables say"
            row = ("index", chain.id, len(made.columns["tx_number"]), 0, 0, note)
            yield pl.DataFrame([row], schema=VERDICTS.schema, orient="row")


def _files(ledger: Ledger) -> pl.DataFrame:
    """Return the verdict on the files of a ledger; no row for one in memory."""
    rows: list[tuple[str, str, int, int, int, str]] = []
    if ledger.store is not None and ledger.commit is not None:
        found = changed_files(ledger.store.path, ledger.commit.versions)
        if found.changed:
            raise LedgerError(
                f"{len(found.changed):,} files of the ledger are not as they were written",
                where=str(ledger.store.path / found.changed[0]),
                remedy="restore the ledger from a copy, or read its sources into a new one",
            )
        asserts = "every file has the SHA-256 that was noted when it was written"
        if found.unlisted:
            asserts = (
                f"of {found.same + found.unlisted:,} files {found.unlisted:,} have no digest that"
                " was noted when they were written; the others are as they were"
            )
        rows.append(("files", "every chain", found.same, 0, found.unlisted, asserts))
    return pl.DataFrame(rows, schema=VERDICTS.schema, orient="row")


def _report(item: Check, ledger: Ledger) -> pl.DataFrame:
    holds = pl.col("holds")
    counted = (
        item.verdicts(ledger)
        .group_by("chain")
        .agg(
            holds.count().cast(pl.Int64).alias("checked"),
            (~holds).sum().cast(pl.Int64).alias("failed"),
            holds.null_count().cast(pl.Int64).alias("unread"),
            pl.col("at").filter(~holds).min().alias("first"),
        )
        .collect()
    )
    notes = [_note(item, first) for first in counted["first"]]
    return counted.select(
        pl.lit(item.name).alias("name"),
        "chain",
        "checked",
        "failed",
        "unread",
        pl.Series("note", notes, dtype=pl.String),
    )


def _note(item: Check, first: int | None) -> str:
    if first is None:
        return item.asserts
    place = f"height {first}"
    if item.at == "tx":
        place = f"height {first >> POSITION_BITS}, position {first % (1 << POSITION_BITS)}"
    return f"{item.asserts}; the first that fails is at {place}"
