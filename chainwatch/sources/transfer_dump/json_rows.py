"""Rows of a table written as JSON: an object a line, or one list of objects; every value as text.

Numbers stay as they are written, so that no amount passes through a float; what query engines quote
as text (BigQuery writes 64-bit integers so) and what they leave out where it is null reads alike.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from chainwatch.addresses.diagnose import quoted
from chainwatch.errors import DumpError

_SPACE = " \t\r\n"


def is_json(text: str) -> bool:
    """Tell whether a table is JSON: no CSV of transfers begins with a bracket."""
    return text[:4096].lstrip(_SPACE)[:1] in ("{", "[")


def json_rows(text: str, columns: Mapping[str, str], name: str) -> Iterator[tuple[int | str, ...]]:
    """Yield the line of each row and the texts of some of its values; one that is null is empty.

    Parameters
    ----------
    text : str
        The file.
    columns : mapping of str to str
        Our name of a column to its key in the file.
    name : str
        Name of the file, for error messages.

    Raises
    ------
    DumpError
        If the file is no such JSON, a key stands twice in a row, no row has a key that is wanted,
        or a value is no text, number, truth value or null.
    """
    seen: dict[str, None] = {}
    rows = 0
    for line, row in objects(text, name):
        rows += 1
        seen.update(dict.fromkeys(row))
        values = {ours: _flat(row.get(key), ours) for ours, key in columns.items()}
        yield (line, *(_text_of(values[ours], key, line, name) for ours, key in columns.items()))
    missing = [key for key in columns.values() if key not in seen]
    if rows and missing:
        has = ", ".join(quoted(key) for key in list(seen)[:30])
        raise DumpError(
            f"the table has no columns {quoted(missing[0])}",
            where=name,
            remedy=f"correct the mapping; the columns are {has or 'none'}",
        )


def keys_of(text: str, name: str) -> list[str]:
    """Return the keys that any row has, in their order.

    Raises
    ------
    DumpError
        If the file is no JSON of rows.
    """
    seen: dict[str, None] = {}
    for _, row in objects(text, name):
        seen.update(dict.fromkeys(row))
    return list(seen)


def objects(
    text: str, name: str, *, floats: Callable[[str], Any] = str
) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield each row of a JSON file with its line; whole numbers are texts.

    Parameters
    ----------
    text, name : str
        The file and its name.
    floats : callable
        What is made of the text of a number with a point or an exponent.

    Raises
    ------
    DumpError
        If the file is no JSON of rows.
    """
    decoder = json.JSONDecoder(
        object_pairs_hook=_pairs, parse_float=floats, parse_int=str, parse_constant=_no_number
    )
    place, line, listed = _after(text, 0), 1, False
    line += text.count("\n", 0, place)
    if text.startswith("[", place):
        listed, place = True, _after(text, place + 1)
    while place < len(text) and not (listed and text[place] == "]"):
        try:
            row, end = decoder.raw_decode(text, place)
        except (ValueError, RecursionError) as error:
            raise _damaged(name, line, str(getattr(error, "msg", error))) from None
        if not isinstance(row, dict):
            raise _damaged(name, line, "a row is no object")
        yield line, row
        after = _after(text, end)
        if listed and text[after : after + 1] not in (",", "]"):
            raise _damaged(name, line, "the list is cut off")
        if not listed and after < len(text) and "\n" not in text[end:after]:
            raise _damaged(name, line, "more than one row in a line")
        after = _after(text, after + 1) if text[after : after + 1] == "," and listed else after
        line += text.count("\n", place, after)
        place = after
    if listed and (place >= len(text) or _after(text, place + 1) < len(text)):
        raise _damaged(name, line, "the list is cut off, or something stands behind it")


def _after(text: str, place: int) -> int:
    """Return the place of the next character that is no white space."""
    while place < len(text) and text[place] in _SPACE:
        place += 1
    return place


def _pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    row = dict(pairs)
    if len(row) < len(pairs):
        raise ValueError("a key stands twice in one row")
    return row


def _no_number(text: str) -> str:
    raise ValueError(f"{text} is no number")


def _flat(value: object, ours: str) -> object:
    """Return the place of a call, which some write as a list, as one text."""
    if ours == "trace_path" and isinstance(value, list):
        return ".".join(value) if all(isinstance(one, str) for one in value) else value
    return value


def _text_of(value: object, key: str, line: int, name: str) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        if any("\ud800" <= letter <= "\udfff" for letter in value):
            raise _damaged(name, line, "half of a character")
        return value
    raise DumpError(
        "the value is a list or a table, not one text or number",
        where=f"{name} line {line:,}, column {quoted(key)}",
        remedy="flatten the table, or name another column",
    )


def _damaged(name: str, line: int, why: str) -> DumpError:
    return DumpError(
        f"the row is no JSON ({quoted(why)})",
        where=f"{name} line {line:,}",
        remedy="export the table again: an object a line, or one list of objects",
    )
