"""Text from strangers made safe to show: nothing hidden, nothing that acts on a terminal."""

from __future__ import annotations

import unicodedata

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
    return f"‹U+{ord(character):04X}›" if hidden else character


def clipped(text: object, limit: int) -> str:
    """Return a text made visible, and cut where it is longer than ``limit`` characters.

    Examples
    --------
    >>> clipped("a\\x1b[2Jb", 80), clipped("abcdef", 3)
    ('a‹U+001B›[2Jb', 'abc...')
    """
    whole = str(text)
    return visible(whole[:limit]) + ("..." if len(whole) > limit else "")
