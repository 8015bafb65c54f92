"""``Leaks``: where artefacts give away somebody who is masked, never by the thing itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from chainwatch.results.result import Finding, Result
from chainwatch.results.table import Column, Privacy, Rows, Table
from chainwatch.units import counted

LEAKS = Table(
    "leaks",
    ("file", "place", "kind", "form", "who"),
    "One row per secret, form and place: what stands in an artefact and should not. *who* is a"
    " pseudonym by the key of the case, or a number where no key was given; a file whose name is"
    " one is called by it.",
    (
        Column("file", pl.String, Privacy.TEXT, "the file, below the folder"),
        Column("place", pl.String, Privacy.TEXT, "where in it: a line, a column and row, a member"),
        Column.word("kind", "what it is, such as masked address"),
        Column.word("form", "in which form, such as payload in hexadecimal"),
        Column("who", pl.String, Privacy.WORD, "whose it is, by a name that tells nothing"),
        Column.count("times", "how often it stands there"),
    ),
)

UNREAD = Table(
    "not_searched",
    ("file", "place", "why"),
    "What could not be read, and so was not searched.",
    (LEAKS["file"], LEAKS["place"], Column.word("why", "why not")),
)

SEARCHED = Table(
    "searched_for",
    ("kind",),
    "What was looked for beside extended and private keys, which are known by their form: how many"
    " of each kind. Null where nothing said which.",
    (
        LEAKS["kind"],
        Column("number", pl.Int64, Privacy.TALLY, "how many", nullable=True),
        Column("forms", pl.Int64, Privacy.TALLY, "forms in which they were looked for"),
    ),
)


@dataclass(frozen=True, repr=False, eq=False)
class Leaks(Result):
    """What artefacts give away, and what of them could not be read.

    Attributes
    ----------
    frame : polars.DataFrame
        Rows in ``LEAKS``.
    unread : polars.DataFrame
        Rows in ``UNREAD``.
    searched : polars.DataFrame
        Rows in ``SEARCHED``.
    files : int
        Files that were looked into.
    size : int
        Bytes that were searched, unpacked and in every form in which they can be read.
    as_bytes : int
        Pictures and fonts among them: these were searched as bytes, and no letters that they draw.
    """

    frame: pl.DataFrame
    unread: pl.DataFrame
    searched: pl.DataFrame
    files: int
    size: int
    as_bytes: int

    @property
    def clean(self) -> bool:
        """Whether everything was read, everything was looked for, and nothing was found."""
        return self.frame.is_empty() and self.unread.is_empty() and not self.unasked()

    def unasked(self) -> tuple[str, ...]:
        """Return the kinds of which nothing said whom to look for."""
        return tuple(self.searched.filter(pl.col("number").is_null())["kind"])

    def tables(self) -> Mapping[str, Rows]:
        """Return the tables that make up the content digest."""
        return {
            "leaks": LEAKS.rows(self.frame),
            "not_searched": UNREAD.rows(self.unread),
            "searched_for": SEARCHED.rows(self.searched),
        }

    def words(self) -> Mapping[str, Any]:
        """Return how much was searched."""
        return {"files": self.files, "size": self.size, "as_bytes": self.as_bytes}

    def findings(self, subjects: pl.DataFrame) -> Sequence[Finding]:
        """Return none: where a disclosure leaks is nothing to disclose."""
        return ()

    def __repr__(self) -> str:
        number = self.frame.height
        said = [
            f"  {row['file']}, {row['place']}: {row['kind']}, {row['form']} ({row['who']})"
            for row in self.frame.head(_MOST).iter_rows(named=True)
        ]
        more = [f"  and {number - _MOST:,} more"] if number > _MOST else []
        unread = [
            f"  not searched: {' '.join(filter(None, (row['file'], row['place'])))}: {row['why']}"
            for row in self.unread.head(_MOST).iter_rows(named=True)
        ]
        unasked = [f"  not looked for: {kind}: nothing said which" for kind in self.unasked()]
        files = counted(self.files, "file", "files")
        head = f"Leaks({counted(number, 'leak', 'leaks')} in {files}, {self.size:,} bytes searched)"
        drawn = [f"  searched as bytes alone: {counted(self.as_bytes, 'picture or font', _DRAWN)}"]
        return "\n".join([head, *said, *more, *unread, *unasked, *drawn[: self.as_bytes]])


_MOST, _DRAWN = 20, "pictures and fonts"
