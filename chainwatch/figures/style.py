"""What all figures share: roles that survive a greyscale print, safe text, and identical files."""

from __future__ import annotations

import functools
import hashlib
import io
import re
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast
from xml.sax.saxutils import escape

from chainwatch.atomic import check_new, write_new
from chainwatch.errors import InputError
from chainwatch.figures.typefaces import FONT, families, register, set_width
from chainwatch.sanitize import WRITTEN_OUT, breakable, visible

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

PNG_DPI = 150
SVG_SALT = "chainwatch"
"""Fixed salt of the identifiers inside an SVG file; without it they differ from run to run."""


@dataclass(frozen=True)
class Sheet:
    """What a figure is printed on or shown on.

    Attributes
    ----------
    name : str
        What people call it.
    width, height : float
        Room for a figure, in inches.
    smallest : float
        No text may be smaller than this, in points, as it lies there.
    turns : bool
        Whether it may be turned, as paper may.
    grows : bool
        Whether a figure is made larger to fill it, as it is on a screen.
    """

    name: str
    width: float
    height: float
    smallest: float
    turns: bool
    grows: bool


SHEETS: Mapping[str, Sheet] = {
    "a4": Sheet("a page of A4", 10.7, 7.3, 6.0, turns=True, grows=False),
    "slide": Sheet("a slide of 16:9", 12.3, 6.7, 9.0, turns=False, grows=True),
}
"""A4 less margins of half an inch, and a slide of 13.3 by 7.5 inches less the same."""


@dataclass(frozen=True)
class Role:
    """How a node of some role is drawn: letter, colour, hatch and outline, each enough alone."""

    letter: str
    meaning: str
    colour: str
    hatch: str
    line: str = "-"


ROLES: Mapping[str, Role] = {
    "subject": Role("S", "subject", "#D55E00", ""),
    "finding": Role("F", "finding", "#CC79A7", "////"),
    "service": Role("H", "hosted service", "#0072B2", "...."),
    "mixer": Role("M", "mixer", "#000000", ""),
    "bystander": Role("?", "not identified", "#BBBBBB", ""),
    "undecided": Role("C", "custody undecided", "#FFFFFF", "....", "-."),
    "unread": Role("N", "not followed on", "#FFFFFF", "", "--"),
    "unspent": Role("U", "unspent", "#009E73", "||||"),
    "burnt": Role("X", "burnt or fee", "#F0E442", "xxxx"),
    "origin": Role("O", "origin", "#56B4E9", "----"),
}
"""Every role of a node. Colours are those of Okabe and Ito, told apart in colour blindness."""

SETTINGS: Mapping[str, Any] = {
    "font.family": [FONT],
    "svg.fonttype": "path",
    "svg.hashsalt": SVG_SALT,
    "text.usetex": False,
    "text.parse_math": False,
    "text.hinting": "none",
    "hatch.linewidth": 0.6,
    "path.simplify": False,
}
"""Settings under which figures are drawn and written, whatever the user's own are."""


def settings() -> AbstractContextManager[None]:
    """Put `SETTINGS` in force for the length of a ``with`` block."""
    import matplotlib

    register()
    return matplotlib.rc_context(cast(Any, dict(SETTINGS)))


_UNIT = re.compile(rf"{WRITTEN_OUT.pattern}|.", re.DOTALL)
_REMARK = re.compile(r"(.*?)( \([a-z, -]{1,45}\))?", re.DOTALL)


def remarked(name: str) -> tuple[str, str]:
    """Return a name, and the remark of ours in brackets behind it; empty where there is none."""
    found = _REMARK.fullmatch(name)
    return (found[1], found[2] or "") if found else (name, "")


def shorten(text: str, characters: int) -> str:
    """Cut a text in the middle, where addresses differ least: ``bc1q4k…9x2f``.

    A character that is written by its number counts as one and stays whole.
    """
    units = _UNIT.findall(text)
    if len(units) <= characters:
        return text
    tail = max((characters - 1) * 2 // 5, 0)
    head = max(characters - 1 - tail, 0)
    return "".join([*units[:head], "…", *units[len(units) - tail :]])


NARROWEST = 6
"""No letter is narrower than this part of the size of its typeface; an ``i`` is a quarter."""


@functools.lru_cache(maxsize=4096)
def text_width(text: str, size: float, *, bold: bool = False) -> float:
    """Return the width of a line in points."""
    from matplotlib.font_manager import FontProperties
    from matplotlib.textpath import text_to_path

    register()
    font = FontProperties(family=families(text), size=size, weight="bold" if bold else "normal")
    width, _, _ = text_to_path.get_text_width_height_descent(text, font, ismath=False)
    return float(width)


def fit(text: str, width: float, size: float, *, bold: bool = False) -> str:
    """Shorten a line until it is no wider than ``width`` points: a phrase at a word, else inside.

    A phrase keeps three words at least. A remark of ours in brackets at the end of a name says what
    is not known of it: it stays whole where there is room for it, and the name is shortened.
    """
    most = int(NARROWEST * width / size) + 8
    if len(text) > 2 * most:  # of thousands of letters the first and last are all that can fit
        text = text[:most] + text[-most:]
    if _surely_fits(text, width, size, bold) or text_width(text, size, bold=bold) <= width:
        return text
    name, remark = remarked(text)
    left = width - text_width(remark, size, bold=bold)
    if remark and left >= text_width("m…m", size, bold=bold):
        return fit(name, left, size, bold=bold) + remark
    low, high = 1, len(_UNIT.findall(text))
    words = text.split(" ")
    for kept in range(len(words) - 1, 2 if not text.endswith(")") else len(words), -1):
        phrase = f"{' '.join(words[:kept]).rstrip(',;')} …"
        if text_width(phrase, size, bold=bold) <= width:
            return phrase
    while low < high:
        half = (low + high + 1) // 2
        wide = text_width(shorten(text, half), size, bold=bold) > width
        low, high = (low, half - 1) if wide else (half, high)
    return shorten(text, low)


def _surely_fits(text: str, width: float, size: float, bold: bool) -> bool:
    """Return whether a text fits by its letters alone: set together they are no wider."""
    return not bold and set_width(text.rstrip(), size) <= width


def wrap(text: str, width: float, size: float, *, lines: int, bold: bool = False) -> list[str]:
    """Break a text into lines of at most ``width`` points; the rest is marked by an ellipsis."""
    rows = [""]
    for piece in breakable(" ".join(text.split())):
        row = rows[-1] + piece
        if (
            _surely_fits(row, width, size, bold)
            or text_width(row.rstrip(), size, bold=bold) <= width
        ):
            rows[-1] = row
        else:
            rows.append(fit(piece.rstrip(), width, size, bold=bold) + " " * piece.endswith(" "))
        if len(rows) > lines + 1:
            break
    rows = [row.rstrip() for row in rows if row.strip()]
    if len(rows) > lines:
        last = breakable(rows[lines - 1])
        while len(last) > 1 and text_width(_open(last), size, bold=bold) > width:
            last.pop()
        last = [fit(_open(last), width, size, bold=bold)] if len(last) == 1 else [_open(last)]
        rows = [*rows[: lines - 1], *last]
    return rows


def _open(pieces: list[str]) -> str:
    return f"{''.join(pieces).rstrip()} …"


def new_axes(width: float, height: float) -> Axes:
    """Return the Axes of a new figure that they fill, in inches; pyplot is not involved."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), facecolor="white")
    FigureCanvasAgg(figure)
    return figure.add_axes((0.0, 0.0, 1.0, 1.0))


def sheet(size: str) -> Sheet:
    """Return what a size stands for.

    Raises
    ------
    InputError
        If there is no such size.
    """
    if size not in SHEETS:
        raise InputError(f"no size {size!r}", remedy=f"write one of {', '.join(SHEETS)}")
    return SHEETS[size]


def scale_on(figure: Figure, on: Sheet) -> float:
    """Return by how much a figure is made larger or smaller to lie on a sheet, whichever way."""
    wide, high = (float(side) for side in figure.get_size_inches())
    ways = [(on.width, on.height), *([(on.height, on.width)] if on.turns else [])]
    scale = max(min(width / wide, height / high) for width, height in ways)
    return scale if on.grows else min(scale, 1.0)


def smallest_text(figure: Figure) -> float:
    """Return the size of the smallest text of a figure, in points; infinite where it has none."""
    sizes = [float(text.get_fontsize()) for ax in figure.axes for text in ax.texts
             if text.get_text().strip()]  # fmt: skip
    return min(sizes, default=float("inf"))


def readable_on(figure: Figure, on: Sheet) -> bool:
    """Return whether the smallest text of a figure is large enough once it lies on a sheet."""
    return smallest_text(figure) * scale_on(figure, on) >= on.smallest - 1e-6


def _scale(figure: Figure, size: str) -> float:
    if not size:
        return 1.0
    on = sheet(size)
    scale = scale_on(figure, on)
    if not readable_on(figure, on):
        raise InputError(
            f"on {on.name} the smallest text of this figure would be"
            f" {smallest_text(figure) * scale:.1f} points high; {on.smallest:g} is the least that"
            " can be read",
            remedy="draw less (a smaller top), or save it without a size",
        )
    return scale


def save_one(
    figure: Figure, path: Path | str, *, size: str = "", replace: bool = False
) -> str:  # fmt: skip
    """Write a figure as the one file that its name asks for; return its SHA-256.

    Raises
    ------
    InputError
        If the name ends neither in ``.png`` nor in ``.svg``.
    OutputExists
        If the file exists and may not be replaced.
    """
    path = Path(path)
    if path.suffix not in {".png", ".svg"}:
        raise InputError(
            f"a figure cannot be written as {path.suffix or 'a file without a suffix'}",
            where=str(path),
            remedy="name it .svg for print, or .png",
        )
    scale = _scale(figure, size)
    if path.suffix == ".png":
        return _written(path, _png(figure, scale), replace=replace)
    data = _svg(figure, _name(figure), _alt(figure), scale)
    return _written(path, data, replace=replace)


def _written(path: Path, data: bytes, *, replace: bool) -> str:
    """Write a file, and say in a sentence where it cannot be written."""
    try:
        return write_new(path, data, replace=replace)
    except PermissionError as error:
        raise InputError(
            "the figure cannot be written into this folder", where=str(path),
            remedy="name a folder that you may write to",
        ) from error  # fmt: skip


def save(ax: Axes, path: Path | str, *, size: str = "", replace: bool = False) -> str:
    """Write what is drawn on an Axes as SVG or PNG; return the SHA-256 of the file.

    The same drawing gives the same bytes, whatever settings of matplotlib the user has.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
        What ``figures.path(...)``, ``figures.rates(...)`` and their like returned.
    path : Path or str
        The file, ``.svg`` or ``.png``.
    size : {"a4", "slide"}, optional
        Give the file the size at which it fits on a page of A4, either way up, or on a slide of
        16:9. Default: the size at which it was drawn.
    replace : bool
        Put it in the place of a file of that name.

    Raises
    ------
    InputError
        If the name ends neither in ``.png`` nor in ``.svg``; if there is no such size, or the
        smallest text could not be read at it.
    OutputExists
        If the file exists and may not be replaced.
    """
    return save_one(cast("Figure", ax.get_figure(root=True)), path, size=size, replace=replace)


def save_figure(
    figure: Figure, stem: Path | str, *, title: str = "", alt: str = "", replace: bool = False
) -> dict[str, str]:
    """Write a figure as PNG (150 dpi) and SVG, the same bytes on each run.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
        What is to be written; it is not changed.
    stem : Path or str
        Path of the files without their suffix.
    title, alt : str
        Name and description inside the SVG, read out by screen readers. Default: what the
        drawing function left with `describe`.
    replace : bool
        Put them in the place of files of these names.

    Returns
    -------
    dict of str to str
        SHA-256 of each file by suffix: ``{".png": …, ".svg": …}``.

    Raises
    ------
    OutputExists
        If either file exists and may not be replaced; then neither is written.
    """
    stem = Path(stem)
    paths = {suffix: stem.with_name(stem.name + suffix) for suffix in (".png", ".svg")}
    for path in paths.values():
        check_new(path, replace=replace)
    alt = alt or _alt(figure)
    data = {".png": _png(figure), ".svg": _svg(figure, title or _name(figure), alt)}
    return {suffix: _written(paths[suffix], data[suffix], replace=replace) for suffix in paths}


def svg_text(figure: Figure) -> str:
    """Return a figure as SVG for a notebook or page, with its description for screen readers.

    It is never wider than the place where it stands.
    """
    text = _svg(figure, _name(figure), _alt(figure)).decode()
    return text[text.index("<svg ") :].replace(
        "<svg ", "<svg style='max-width: 100%; height: auto' ", 1
    )


def describe(ax: Axes, name: str, words: str) -> None:
    """Say what a drawing is called and what it shows, to those who cannot see it."""
    ax.set_label(words)
    figure = ax.get_figure(root=True)
    if figure is not None and figure.axes == [ax]:
        figure.set_label(name)


def _name(figure: Figure) -> str:
    label = str(figure.get_label())
    return label if label.strip() else "Figure"


def _alt(figure: Figure) -> str:
    return next((str(axes.get_label()) for axes in figure.axes), "")


def _png(figure: Figure, scale: float = 1.0) -> bytes:
    buffer = io.BytesIO()
    with settings():
        figure.savefig(
            buffer, format="png", dpi=PNG_DPI * scale, metadata={"Software": None},
            pil_kwargs={"dpi": (PNG_DPI, PNG_DPI)},
        )  # fmt: skip
    return buffer.getvalue()


_SIDE = re.compile(r'\b(width|height)="([0-9.]+)pt"')


def _svg(figure: Figure, title: str, alt: str, scale: float = 1.0) -> bytes:
    buffer = io.BytesIO()
    nothing = {"Date": None, "Creator": None, "Format": None, "Type": None}
    with settings():
        figure.savefig(buffer, format="svg", metadata=nothing)
    head, tag, rest = buffer.getvalue().decode().partition("<svg ")
    attributes, close, body = rest.partition(">")
    if scale != 1.0:  # what is drawn keeps its own units: only the size of the whole changes
        attributes = _SIDE.sub(lambda m: f'{m[1]}="{float(m[2]) * scale:.4f}pt"', attributes)
    # Two figures may stand in one page, where no two elements may share an id.
    own = f"figure-{hashlib.sha256(f'{title} {alt} {body}'.encode()).hexdigest()[:12]}"
    spoken = (
        f"\n <title id='{own}-title'>{escape(visible(title))}</title>"
        f"\n <desc id='{own}-desc'>{escape(visible(alt))}</desc>"
    )
    named = f" role='img' aria-labelledby='{own}-title {own}-desc'"
    return f"{head}{tag}{attributes}{named}{close}{spoken}{body}".encode()
