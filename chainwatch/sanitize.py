"""Text from strangers made safe to show: nothing hidden, nothing that acts on its neighbours.

A name in Arabic or Hebrew runs from right to left, and without help the amount and the brackets
that follow it are drawn as if they were part of it. Such a name is *isolated* for the
bidirectional algorithm (Unicode Standard Annex 9): between two marks in a terminal, a figure and
the PDF, in a ``bdi`` element in a page.
"""

from __future__ import annotations

import codecs
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from html import escape

HIDDEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
"""Categories of characters that draw nothing, act on their neighbours or have no meaning."""

BLANKS = frozenset(
    [0x034F, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x2800, 0x3164, 0xFFA0, *range(0xFE00, 0xFE10)]
)
"""Letters and marks that draw nothing although their category does not say so."""


def visible(text: str, *, keep: str = "") -> str:
    """Return a text with invisible and control characters written out as ``‹U+202E›``.

    Terminal escapes, direction overrides, zero-width characters and lone surrogates can make a
    text read as something else. Line breaks, tabs and blanks of other widths become spaces,
    unless they are in ``keep``.
    """
    return "".join(visible_character(character, keep) for character in text)


def visible_character(character: str, keep: str = "") -> str:
    """Return one character as :func:`visible` writes it."""
    if character in keep:
        return character
    category = unicodedata.category(character)
    if category == "Zs" or character in "\t\n\r":
        return " "
    hidden = category in HIDDEN or ord(character) in BLANKS
    return written_out(character) if hidden else character


def written_out(character: str) -> str:
    """Return a character by its number, as ``‹U+202E›``."""
    return f"‹U+{ord(character):04X}›"


def _halves_written_out(error: UnicodeError) -> tuple[str | bytes, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    said = "".join(map(written_out, error.object[error.start : error.end]))
    return said.encode("utf-8"), error.end


HALVES = "chainwatch.halves"
"""For ``encode``: writes halves of characters, which UTF-8 cannot hold, by their number.

Examples
--------
>>> "a\ud800".encode("utf-8", HALVES).decode()
'a‹U+D800›'
"""

codecs.register_error(HALVES, _halves_written_out)

WRITTEN_OUT = re.compile(r"‹U\+[0-9A-F]{4,6}›")
"""A character that is written by its number: it never breaks, and reads from left to right."""


def breakable(text: str) -> list[str]:
    """Return a text in the pieces between which a line may break, blanks at their ends.

    Examples
    --------
    >>> breakable("to ‹U+9ED1›‹U+5E02› 5")
    ['to ', '‹U+9ED1›', '‹U+5E02› ', '5']
    """
    return re.findall(rf"{WRITTEN_OUT.pattern} *|(?:(?!{WRITTEN_OUT.pattern})[^ ])+ *|^ +", text)


def preformatted(text: str) -> str:
    """Return a text as HTML for a notebook: its lines are kept, and wrapped where they are long."""
    return f'<pre style="white-space: pre-wrap; overflow-wrap: anywhere">{escape(text)}</pre>'


def distinct(names: Iterable[str], said: Callable[[str], str] = visible) -> dict[str, str]:
    """Return each name made harmless, with a number where another one has become the same."""
    found: dict[str, str] = {}
    whole = sorted(set(names), key=lambda name: (said(name) != name, name))
    taken: set[str] = set()
    for name in whole:
        number, free = 1, said(name)
        while free in taken:
            number += 1
            free = f"{said(name)} ({number})"
        taken.add(free)
        found[name] = free
    return found


def clipped(text: object, limit: int) -> str:
    """Return a text made visible, and cut where it is longer than ``limit`` characters.

    Examples
    --------
    >>> clipped("a\\x1b[2Jb", 80), clipped("abcdef", 3)
    ('a‹U+001B›[2Jb', 'abc...')
    """
    whole = str(text)
    return visible(whole[:limit]) + ("..." if len(whole) > limit else "")


ISOLATE, END_OF_ISOLATE = "\u2068", "\u2069"
"""Marks around a text whose direction is its own: *first strong isolate* and its end."""

FORWARD, END_OF_FORWARD = "\u2066", "\u2069"
"""Marks around what reads from left to right wherever it stands, and the end of it."""

_FIRM = re.compile(
    r"(?<![0-9A-Za-z])[0-9]+(?:[-+][0-9]+)+(?:[T ][0-9]{2}:[0-9]{2}(?::[0-9]{2})?Z?)?"
    rf"|{WRITTEN_OUT.pattern}(?: *{WRITTEN_OUT.pattern})*"
)
"""Dates, numbers joined by hyphens, and characters that are written by their number: between words
from right to left the algorithm would turn their parts round, 2023-06-20 into 20-06-2023."""

_OPENING = {")": "(", "]": "[", "}": "{"}


@cache
def _direction(character: str) -> str:
    """Return ``R`` or ``L`` for a character that has a direction, and nothing for another."""
    kind = unicodedata.bidirectional(character)
    return "R" if kind in {"R", "AL", "AN"} else "L" if kind == "L" else ""


def turns(text: str) -> bool:
    """Return whether a text holds a character that runs from right to left."""
    return not text.isascii() and any(_direction(character) == "R" for character in text)


def direction(text: str, names: Iterable[str] = ()) -> str:
    """Return ``rtl`` for a paragraph of which most words run from right to left, else ``ltr``.

    Its first letter does not decide, for a sentence of ours may begin with a stranger's name, and
    ``names`` that are known do not count, unless there is nothing else.
    """
    if not turns(text):
        return "ltr"
    rest = text
    for name in sorted(filter(turns, names), key=len, reverse=True):
        rest = rest.replace(name, " ")
    words = rest.split() if any(map(_word_side, rest.split())) else text.split()
    sides = [_word_side(word) for word in words]
    return "rtl" if sides.count("R") > sides.count("L") else "ltr"


def _word_side(word: str) -> str:
    return next((side for side in map(_direction, word) if side), "")


def passages(text: str, names: Iterable[str] = ()) -> Iterator[tuple[str, bool]]:
    """Yield a text in pieces, each with whether it must be isolated.

    Where one of the ``names`` stands it is a piece as a whole, with its digits and brackets; of
    the rest each run from right to left is one.
    """
    if not turns(text):
        yield text, False
        return
    known = sorted({name for name in names if turns(name)}, key=lambda name: (-len(name), name))
    found = re.split(f"({'|'.join(map(re.escape, known))})", text) if known else [text]
    for place, part in enumerate(found):
        if place % 2:
            yield part, True
        elif part:
            yield from _runs(part)


def _runs(text: str) -> Iterator[tuple[str, bool]]:
    """Yield the runs from right to left of a text, and what stands between them."""
    done = 0
    while (start := next((n for n in range(done, len(text)) if _right(text, n)), None)) is not None:
        end = start
        for at in range(start, len(text)):
            side = _direction(text[at])
            if side == "L" or text[at] == "\n":
                break
            if (
                side == "R"
                or (at == end and unicodedata.combining(text[at]))
                or _closes(text, start, at)
            ):
                end = at + 1
        if start > done:
            yield text[done:start], False
        yield text[start:end], True
        done = end
    if done < len(text):
        yield text[done:], False


def _right(text: str, at: int) -> bool:
    return _direction(text[at]) == "R"


def _closes(text: str, start: int, at: int) -> bool:
    """Return whether a bracket closes one that was opened within the run."""
    opening, run = _OPENING.get(text[at]), text[start:at]
    return opening is not None and run.count(opening) > run.count(text[at])


def firm(text: str) -> Iterator[tuple[str, bool]]:
    """Yield a text in pieces, each with whether it reads from left to right wherever it stands."""
    done = 0
    for found in _FIRM.finditer(text):
        if found.start() > done:
            yield text[done : found.start()], False
        yield found[0], True
        done = found.end()
    if done < len(text):
        yield text[done:], False


def turned(text: str) -> str:
    """Return a text from right to left, visible already, whose dates stay in their order.

    Examples
    --------
    >>> turned("\u05e9 2023-06-20").encode("unicode_escape")
    b'\\\\u05e9 \\\\u20662023-06-20\\\\u2069'
    """
    return "".join(
        f"{FORWARD}{part}{END_OF_FORWARD}" if kept else part for part, kept in firm(text)
    )


def apart(text: str) -> str:
    """Return one text of a stranger, visible already, isolated where it runs from right to left."""
    return f"{ISOLATE}{turned(text)}{END_OF_ISOLATE}" if turns(text) else text


def isolated(text: str, names: Iterable[str] = ()) -> str:
    """Return a text made visible whose runs from right to left move nothing that stands beside.

    Examples
    --------
    >>> isolated("\u05e9\u05d5\u05e7 300 USDT").encode("unicode_escape")
    b'\\\\u2068\\\\u05e9\\\\u05d5\\\\u05e7\\\\u2069 300 USDT'
    """
    return "".join(
        apart(visible(part)) if turned else visible(part) for part, turned in passages(text, names)
    )
