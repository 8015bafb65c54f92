"""Lists of TronGrid walked to their end, page by page, and held to what they say.

A list is walked by the fingerprint of each page, in the order of time. No page says how many rows
there are in all, and a server may cap its pages in silence; so of a list that filled a page the end
is asked for once more, by time: it must be what was there before, and goes on from there if it is
not the end.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import msgspec

from chainwatch.errors import SourceError
from chainwatch.net.client import Answer
from chainwatch.sources.tron.fields import LIAR, Page, typed
from chainwatch.sources.tron.server import Server

PAGE = 200
"""Rows of a page: the most that TronGrid gives."""

MOST_PAGES = 100_000
"""Pages of one list; a longer one is no list."""

Asked = dict[str, str | int]
Key = tuple[object, int]
Name = Callable[[dict[str, Any]], object]


@dataclass
class Listed:
    """The rows of a list, and how it ended.

    Attributes
    ----------
    rows : dict
        In the order of time, each once: by what names it, and which it is of those alike.
    cut : bool
        There are more than were wanted.
    where, answer : str, bytes
        Of the last page, for errors and coverage.
    short : int
        Pages that were shorter than asked for although more followed.
    told : dict
        In which answer each row first stood.
    """

    rows: dict[Key, dict[str, Any]] = field(default_factory=dict)
    told: dict[Key, bytes] = field(default_factory=dict)
    cut: bool = False
    where: str = ""
    answer: bytes = b""
    short: int = 0

    @property
    def last(self) -> int:
        """Time of the last row, in milliseconds; zero where there is none."""
        return time_of(self.rows[next(reversed(self.rows))], self.where) if self.rows else 0


def whole_row(row: dict[str, Any]) -> object:
    """Return what names a row that has no id of its own: all that it says."""
    return msgspec.json.encode(row, order="deterministic")


def time_of(row: object, where: str) -> int:
    """Return when a row happened, in milliseconds.

    Raises
    ------
    SourceError
        If it is no object, or has no time.
    """
    when = row.get("block_timestamp") if isinstance(row, dict) else None
    if isinstance(when, bool) or not isinstance(when, int) or when < 0:
        raise SourceError("a row of the list has no time", where=where, remedy=LIAR)
    return when


def read_list(server: Server, path: str, asked: Asked, most: int, name: Name) -> Listed:
    """Return a list in the order of time, walked to its end or to so many rows.

    Parameters
    ----------
    server : Server
        Whom to ask.
    path, asked : str, dict
        What is asked for, beside order and page.
    most : int
        Rows after which it is cut.
    name : callable
        What names a row of the list.

    Raises
    ------
    SourceError
        If a page is none, the list never ends, runs against time, or says two things.
    """
    asked = {**asked, "limit": PAGE, "order_by": "block_timestamp,asc"}
    found = Listed()
    while True:
        before, end = len(found.rows), {k for k, row in found.rows.items()
                                        if time_of(row, found.where) == found.last}  # fmt: skip
        seen, full = _pass(server, path, asked, most, name, found)
        if found.cut:
            return found
        if before and not end <= seen:
            raise SourceError("the list says two things of its end", where=found.where, remedy=LIAR)
        if not full or len(found.rows) == before:
            return found
        asked["min_timestamp"] = found.last


def _pass(
    server: Server, path: str, asked: Asked, most: int, name: Name, found: Listed
) -> tuple[set[Key], bool]:
    """Walk the pages of a list once; return which rows they hold, and whether one was full."""
    seen: set[Key] = set()
    alike: Counter[object] = Counter()
    full, latest = False, 0
    for page, answer in _pages(server, path, asked):
        found.where, found.answer = server.where(answer), answer.digest
        for row in page.data:
            when = time_of(row, found.where)
            if when < latest:
                raise SourceError("the list runs against time", where=found.where, remedy=LIAR)
            latest, what = when, name(row)
            # What has an id is one, however often it stands there; of what has none each counts.
            key = (what, alike[what] if isinstance(what, bytes) else 0)
            alike[what] += 1
            if found.rows.get(key, row) != row:
                raise SourceError(
                    "the list says two things of one transaction", where=found.where, remedy=LIAR
                )
            if key not in found.rows and len(found.rows) >= most:
                found.cut = True
                return seen, full
            found.rows[key] = row
            found.told.setdefault(key, answer.digest)
            seen.add(key)
        more = page.meta.fingerprint is not None
        found.short += more and len(page.data) < PAGE
        full = full or more or len(page.data) >= PAGE
    return seen, full


def _pages(server: Server, path: str, asked: Asked) -> Iterator[tuple[Page, Answer]]:
    """Yield the pages of a list."""
    marks: set[str] = set()
    before: list[Any] = []
    for _ in range(MOST_PAGES):
        answer = server.noted(server.client.get(path, asked))
        page = typed(answer.value, Page, server.where(answer))
        if not page.success or len(page.data) > PAGE:
            raise SourceError(
                f"a page of {len(page.data):,} rows where {PAGE} at most were asked for, or no"
                " success",
                where=server.where(answer), remedy=LIAR,
            )  # fmt: skip
        mark = page.meta.fingerprint
        if (mark is not None and mark in marks) or (page.data and page.data == before):
            raise SourceError("a page comes twice", where=server.where(answer), remedy=LIAR)
        yield page, answer
        if mark is None or not page.data:
            return
        marks.add(mark)
        before, asked = page.data, {**asked, "fingerprint": mark}
    raise SourceError("the pages of the list never end", where=server.name, remedy=LIAR)
