"""How the command line speaks: lines that strangers cannot misuse, how far it is, when stopped."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from chainwatch.sanitize import isolated, turns

if TYPE_CHECKING:
    import polars as pl

    from chainwatch.results.result import Result


class Interrupted(Exception):
    """Ctrl-C was pressed; the text says what is kept."""


@contextmanager
def interruptible(said: str = "") -> Iterator[None]:
    """Turn Ctrl-C into an error that says what is kept: the parser would swallow it in silence."""
    try:
        yield
    except KeyboardInterrupt as stop:
        raise Interrupted(said or str(stop) or "interrupted") from None


def say(line: str = "", names: Iterable[str] = ()) -> None:
    """Print a line; what strangers wrote can do nothing to the terminal.

    The ``names`` that strangers gave are set apart as wholes, with the digits in them.
    """
    sys.stdout.write(isolated(line, names) + "\n")


def show(result: object, names: Iterable[str] = ()) -> None:
    """Print a result of the library on as many lines as it takes."""
    for line in repr(result).split("\n"):
        say(line, names)


def names_in(results: Iterable[Result]) -> frozenset[str]:
    """Return the names that results give to addresses and that run from right to left."""
    return frozenset(name for one in results for name, _ in one.names() if turns(name))


def report_of(edition: Path) -> Path:
    """Return the report of a written edition: the PDF, or the page where typst is not there."""
    pdf = edition / "report.pdf"
    return pdf if pdf.is_file() else edition / "report.html"


def why_no_pdf(edition: Path) -> str:
    """Return why an edition has no PDF and what to do, as it was noted; empty where it has one."""
    noted = edition / "report.pdf.missing.txt"
    said = noted.read_text(encoding="utf-8").strip() if noted.is_file() else ""
    return said and f"There is no PDF: {said}"


def note(line: str) -> None:
    """Tell on stderr what is being done."""
    sys.stderr.write(f"· {isolated(line)}\n")
    sys.stderr.flush()


def write_csv(path: Path | None, rows: pl.DataFrame, *, replace: bool) -> None:
    """Write a table as CSV where a file is named."""
    if path:
        from chainwatch.atomic import write_new
        from chainwatch.case.exports.tables import csv_bytes

        write_new(path, csv_bytes(rows), replace=replace)


def check_named(path: Path | None, *, replace: bool) -> None:
    """Refuse a file that is named and exists, before the work for it begins."""
    if path:
        from chainwatch.atomic import check_new

        check_new(path, replace=replace)


def list_rows(
    found: Result, table: str, told: Callable[[dict[str, Any]], str], *, most: int,
    names: frozenset[str], more: str, masked: tuple[str, str],
) -> None:  # fmt: skip
    """Print the rows of a table that the edition of the desk lists, a line each; count the others.

    Parameters
    ----------
    found : Result
        What was found.
    table : str
        The name of the table.
    told : callable
        A row, as the edition shows it, in one line.
    most : int
        Rows that are printed.
    names : frozenset of str
        Names that tags give.
    more : str
        What further rows are called.
    masked : tuple of str
        What one row of a masked party, and several, are called.
    """
    from chainwatch.results.mask import shown_tables
    from chainwatch.units import counted

    _, tables = shown_tables(found)
    rows = [row for row in tables[table].to_dicts() if row.get("summed") is None]
    for row in rows[:most]:
        say(told(row), names)
    if (left := len(rows) - most) > 0:
        say(f"  and {left:,} more{more}")
    if hidden := found.tables()[table].frame.height - len(rows):
        say(counted(hidden, *masked))
