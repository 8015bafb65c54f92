"""Letters that look like others: what a text would be in plain letters, and what stands in it.

An address that was copied from a page or a chat may hold letters of another script that look like
its own, letters of another width, or characters that draw nothing. Whoever put them there may have
wanted it to be read as an address that it is not; so may a word processor.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from types import MappingProxyType

_CYRILLIC = (
    "\u0430a\u0441c\u0435e\u043eo\u0440p\u0445x\u0443y\u0456i\u0458j\u0455s\u04bbh\u0501d\u051bq"
    "\u051dw\u04cfl\u0410A\u0412B\u0421C\u0415E\u041dH\u0406I\u0408J\u041aK\u041cM\u041eO\u0420P"
    "\u0405S\u0422T\u0425X\u0423Y\u04aeY\u051aQ\u051cW\u04c0I\u04173"
)
_GREEK = (
    "\u03b1a\u03bfo\u03c1p\u03bdv\u03b9i\u03bak\u03c5u\u03c7x\u0391A\u0392B\u0395E\u0396Z\u0397H"
    "\u0399I\u039aK\u039cM\u039dN\u039fO\u03a1P\u03a4T\u03a5Y\u03a7X"
)
_OTHER = "\u0131i\u0261g\u0578n\u057du\u0585o\u0566q"  # dotless i, script g, and Armenian


def _pairs(written: str) -> Iterator[tuple[str, str]]:
    return zip(written[::2], written[1::2], strict=True)


LOOK_ALIKES: MappingProxyType[str, str] = MappingProxyType(
    {strange: plain for script in (_CYRILLIC, _GREEK, _OTHER) for strange, plain in _pairs(script)}
)
"""Letters of other scripts, each with the plain letter or digit that it looks like."""

_DRAWS_NOTHING = frozenset({"Cc", "Cf", "Zs", "Zl", "Zp", "Mn", "Me"})
"""Categories of characters that draw nothing by themselves."""


def plain_character(character: str) -> str | None:
    """Return what a character looks like in plain letters: nothing, a letter, or None if neither.

    Examples
    --------
    >>> plain_character("\\u0441"), plain_character("\\uff11"), plain_character("\\u200b")
    ('c', '1', '')
    """
    if character.isascii() and character.isprintable():
        return character
    if character in LOOK_ALIKES:
        return LOOK_ALIKES[character]
    if unicodedata.category(character) in _DRAWS_NOTHING:
        return ""
    wide = unicodedata.normalize("NFKC", character)
    return wide if wide.isascii() and wide.isprintable() and wide != character else None


def plain_letters(text: str) -> str | None:
    """Return a text as a hurried reader sees it, in plain letters; None where it shows others."""
    if text.isascii() and text.isprintable():
        return text
    found = [plain_character(one) for one in text]
    return None if None in found else "".join(one for one in found if one)


def strange_characters(text: str) -> Iterator[str]:
    """Yield in words each character of a text that is not plain, with its place from 1.

    Examples
    --------
    >>> list(strange_characters("1A\\u0430\\u200b"))
    ["CYRILLIC SMALL LETTER A (U+0430), which looks like 'a', in place 3", \
'ZERO WIDTH SPACE (U+200B), which draws nothing, in place 4']
    """
    for place, one in enumerate(text, 1):
        if one.isascii() and one.isprintable():
            continue
        name = unicodedata.name(one, "a control character" if ord(one) < 0xA0 else "a character")
        plain = plain_character(one)
        looks = "" if plain is None else f", which looks like {plain!a}"
        drawn = ", which draws nothing" if plain == "" else looks
        yield f"{name} (U+{ord(one):04X}){drawn}, in place {place}"
