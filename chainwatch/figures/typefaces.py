"""The typefaces of figures and PDF reports: where they are, what they can draw, how wide it is.

Latin, Greek, Cyrillic, Arabic and Hebrew are drawn with the typeface that comes with matplotlib,
Chinese, Japanese and Korean with one that comes as a package. Typefaces of the system are never
used: the same case must be the same bytes on every machine.
"""

from __future__ import annotations

import functools
import importlib.util
import unicodedata
from pathlib import Path
from typing import TYPE_CHECKING

from chainwatch.sanitize import visible_character, written_out

if TYPE_CHECKING:
    from matplotlib.ft2font import FT2Font

FONT = "DejaVu Sans"
"""The typeface of figures and PDF reports: it comes with matplotlib, so it is always there."""

EAST_ASIAN_PACKAGE = "noto-cjk-sans-otc"
EAST_ASIAN = {"JP": "Noto Sans CJK JP", "KR": "Noto Sans CJK KR", "SC": "Noto Sans CJK SC"}
"""The faces of one file: all draw everything, each in the forms that its readers are used to."""

LONGEST_TEXT = 2_000
"""Characters of a text that are looked at; a longer one is shortened in the middle first."""

MISSING_FACE = (
    "Letters written as ‹U+4E2D› are Chinese, Japanese or Korean, and no typeface for them is"
    " installed: run pip install 'chainwatch[typefaces]'."
)


@functools.cache
def font_folder() -> Path:
    """Return the folder of the typefaces that come with matplotlib."""
    import matplotlib

    return Path(matplotlib.get_data_path()) / "fonts" / "ttf"


@functools.cache
def east_asian_file() -> Path | None:
    """Return the file for Chinese, Japanese and Korean; nothing where it is not installed."""
    found = importlib.util.find_spec(EAST_ASIAN_PACKAGE.replace("-", "_"))
    if found is None or found.origin is None:
        return None
    return next(iter(sorted(Path(found.origin).parent.glob("*.ttc"))), None)


def folders() -> list[Path]:
    """Return the folders of all typefaces that are there."""
    file = east_asian_file()
    return [font_folder(), *([file.parent] if file else [])]


def families(text: str = "") -> list[str]:
    """Return the typefaces for a text, the first that has a letter draws it.

    Kana ask for Japanese forms, Hangul for Korean ones, all else is given those of the mainland.
    """
    return [FONT, EAST_ASIAN[_region(text)]] if east_asian_file() else [FONT]


def _region(text: str) -> str:
    if text.isascii():
        return "SC"
    if any("\u3040" <= char <= "\u30ff" for char in text):
        return "JP"
    return "KR" if any("\uac00" <= char <= "\ud7a3" for char in text) else "SC"


@functools.cache
def register() -> None:
    """Make the typeface for Chinese, Japanese and Korean known to matplotlib, once."""
    from dataclasses import replace

    from matplotlib.font_manager import fontManager

    file = east_asian_file()
    if file is None:
        return
    known = {id(entry) for entry in fontManager.ttflist}
    fontManager.addfont(str(file))
    added = [entry for entry in fontManager.ttflist if id(entry) not in known]
    # It has no bold face: the regular one stands for it, without a warning for each label.
    fontManager.ttflist += [replace(entry, weight=700) for entry in added]


@functools.cache
def glyphs() -> frozenset[int]:
    """Return the characters that figures and reports can draw, upright and in bold."""
    from matplotlib.ft2font import FT2Font

    regular, bold = (
        set(FT2Font(str(font_folder() / name)).get_charmap())
        for name in ("DejaVuSans.ttf", "DejaVuSans-Bold.ttf")
    )
    file = east_asian_file()
    further = set(FT2Font(str(file)).get_charmap()) if file else set[int]()
    return frozenset((regular & bold) | further)


def printable(text: str, *, keep: str = "", limit: int = LONGEST_TEXT) -> str:
    """Return a text that can be drawn and that reads as what it is.

    Characters without a glyph are written as ``‹U+1F600›``, invisible ones as in
    `chainwatch.sanitize.visible`; of a run of combining marks the first is drawn, and the second
    where the letters run from right to left: those carry two. Texts over ``limit`` are shortened
    in the middle.
    """
    if len(text) > limit:
        text = f"{text[: limit // 2]}…{text[-(limit // 2) :]}"
    drawn, known, marks = list[str](), glyphs(), 0
    for char in unicodedata.normalize("NFC", text):
        marks = marks + 1 if unicodedata.combining(char) else 0
        most = 2 if "\u0591" <= char <= "\u065f" else 1
        lone = marks > most or (marks > 0 and not drawn)
        drawable = (ord(char) in known and not lone) or char in keep
        shown = visible_character(char, keep)
        drawn.append(shown if drawable or shown != char else written_out(char))
    return "".join(drawn)


def unreadable(text: str) -> bool:
    """Return whether a text holds letters that are missing for want of the package alone."""
    return east_asian_file() is None and any(_east_asian(char) for char in text)


def _east_asian(char: str) -> bool:
    return unicodedata.east_asian_width(char) in "WF" and unicodedata.category(char)[0] == "L"


@functools.lru_cache(maxsize=65536)
def _advance(char: str, mono: bool) -> float:
    """Return the width of a character in multiples of the size of the type."""
    from matplotlib.ft2font import LoadFlags

    if _east_asian(char):
        return 1.0
    for file in _in_turn(mono):
        face, known = _face(file)
        if ord(char) in known:
            glyph = face.load_char(ord(char), LoadFlags.NO_HINTING)
            return float(glyph.linearHoriAdvance) / 65536 / 100
    return 1.0  # nothing draws it: no text is set before what cannot be drawn is written out


@functools.cache
def _in_turn(mono: bool) -> tuple[Path, ...]:
    """Return the files of the typefaces for a text, in the order in which they are asked."""
    names = (*(["DejaVuSansMono.ttf"] if mono else []), "DejaVuSans.ttf")
    east_asian = east_asian_file()
    return (*(font_folder() / name for name in names), *([east_asian] if east_asian else []))


@functools.cache
def _face(file: Path) -> tuple[FT2Font, frozenset[int]]:
    """Return a typeface, and the characters that it draws."""
    from matplotlib.ft2font import FT2Font

    face = FT2Font(str(file))
    face.set_size(100, 72)
    return face, frozenset(face.get_charmap())


def set_width(text: str, size: float, *, mono: bool = False) -> float:
    """Return how wide a text is set, in points; letters that join are no wider than this."""
    return size * sum(_advance(char, mono) for char in text)
