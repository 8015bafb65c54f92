"""Lists of explorers walked to their end, whatever they cap in silence.

Etherscan gives the first rows of a range of blocks, 10,000 at most and often fewer than asked for.
A list is therefore walked by blocks: what follows is asked for from the last block that was seen,
and from the one after it, until nothing comes. Rows of one block that fill a page are walked by
page, by as many as the server gives. Blockscout says where the next page begins.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import msgspec

from chainwatch.errors import SourceError
from chainwatch.net.client import Answer, Client
from chainwatch.sources.explorer.fields import LIAR, Place, Row

PAGE = 1_000
"""Rows of a page of Etherscan: what every plan of it gives."""

WINDOW = 10_000
"""Rows that can be reached by page in one range of blocks."""

MOST_PAGES = 100_000

Note = Callable[[Answer], Answer]
Key = tuple[bytes, int]


@dataclass
class Listed:
    """Rows of a list in the order of blocks, each once; ``cut`` where there are more.

    Rows have no id of their own: they are known by all that they say but what counts up with each
    new block, and by which they are of those alike. ``again`` counts items of batches of tokens
    that came once more: a batch may move one id twice; nothing tells that from a repetition.
    """

    rows: dict[Key, dict[str, Any]] = field(default_factory=dict)
    again: int = 0
    cut: bool = False
    where: str = ""
    answer: bytes = b""


def _name(row: Row) -> bytes:
    told = {name: value for name, value in row.items() if name != "confirmations"}
    return msgspec.json.encode(told, order="deterministic")


def _of_batches(row: Row) -> bool:
    token = row.get("token")
    return isinstance(token, dict) and token.get("type") == "ERC-1155"


def _checked(rows: object, where: str) -> list[dict[str, Any]]:
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise SourceError("the list is no list of objects", where=where, remedy=LIAR)
    return rows


def result_of(answer: Answer, where: str) -> Any:
    """Return what Etherscan answers; its refusals were heard before (see :mod:`server`)."""
    value = answer.value
    if not isinstance(value, dict) or "result" not in value:
        raise SourceError(
            "the answer has not the form of Etherscan's", where=where,
            remedy="check that the address is that of an API like Etherscan's",
        )  # fmt: skip
    return value["result"]


def by_blocks(
    client: Client, note: Note, path: str, asked: dict[str, str | int], span: tuple[int, int],
    most: int, at: Callable[[Answer], Place],
) -> Listed:  # fmt: skip
    """Return a list of Etherscan over a span of blocks, both included."""
    found, first, page, size, largest = Listed(), span[0], 1, PAGE, 0
    for _ in range(MOST_PAGES):
        answer = note(client.get(path, {
            **asked, "startblock": first, "endblock": span[1], "page": page, "offset": size,
            "sort": "asc",
        }))  # fmt: skip
        place = at(answer)
        found.where, found.answer = place.where, answer.digest
        rows = _checked(result_of(answer, place.where), place.where)
        if len(rows) > size:
            raise place.wrong(f"a page of {len(rows):,} rows where {size:,} were asked for")
        new, last = _take(found, rows, first, span[1], place, most, fresh=page == 1)
        if found.cut or (page == 1 and not rows):
            return found
        largest = max(largest, len(rows))
        if new and last > first:
            first, page, size = last, 1, PAGE  # this block may go on
        elif rows and last == first and (len(rows) >= size if page > 1 else len(rows) >= largest):
            size = len(rows)  # one block fills the page, and the server gives so many
            page += 1
            if page * size > WINDOW:
                raise place.wrong(f"block {first:,} has more rows than the server lets be reached")
        else:
            first, page, size = last + 1, 1, PAGE
        if first > span[1]:
            return found
    raise SourceError("the pages of the list never end", where=client.host, remedy=LIAR)


def _take(
    found: Listed, rows: list[dict[str, Any]], first: int, last: int, at: Place, most: int, *,
    fresh: bool,
) -> tuple[bool, int]:  # fmt: skip
    """Add rows; return whether one is new, and the last block of them."""
    before, height = len(found.rows), first
    alike: Counter[bytes] = Counter()
    if not fresh:  # a page that follows another of the same blocks counts on from it
        alike.update(name for name, _ in found.rows)
    for row in rows:
        here = at.height(row, "blockNumber")
        if not height <= here <= last:
            raise at.wrong(
                f"a row of block {here:,} out of order, or of the span that was asked for"
            )
        height, name = here, _name(row)
        key = (name, alike[name])
        alike[name] += 1
        if key not in found.rows and len(found.rows) >= most:
            found.cut = True
            return True, height
        found.rows[key] = row
    return len(found.rows) > before, height


def by_marks(
    client: Client, note: Note, path: str, most: int, at: Callable[[Answer], Place],
    kept: Callable[[Row, Place], bool],
) -> Listed:  # fmt: skip
    """Return a list of Blockscout, newest first, by where each page says that the next begins."""
    found, marks, asked = Listed(), set(), dict[str, str | int]()
    alike: Counter[bytes] = Counter()
    for _ in range(MOST_PAGES):
        answer = note(client.get(path, asked))
        place, value = at(answer), answer.value
        found.where, found.answer = place.where, answer.digest
        if not isinstance(value, dict):
            raise place.wrong("the page is no object")
        for row in _checked(value.get("items"), place.where):
            name = _name(row)
            if alike[name] and _of_batches(row):  # anybody may send such a batch to anybody
                found.again += 1
                continue
            if alike[name]:
                raise place.wrong("a row comes twice")
            alike[name] += 1
            if not kept(row, place):
                continue
            if len(found.rows) >= most:
                found.cut = True
                return found
            found.rows[name, 0] = row
        mark = value.get("next_page_params")
        if mark is None:
            return found
        if not isinstance(mark, dict) or _name(mark) in marks:
            raise place.wrong("the next page is none, or comes again")
        marks.add(_name(mark))
        asked = {str(name): _plain(one) for name, one in mark.items() if one is not None}
    raise SourceError("the pages of the list never end", where=client.host, remedy=LIAR)


def _plain(value: object) -> str | int:
    if isinstance(value, bool):
        return str(value).lower()
    return value if isinstance(value, str | int) else str(value)
