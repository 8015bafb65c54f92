"""What a reader's eye would see of the pages of a PDF, by machine: ink, margins, last lines."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from matplotlib.image import imread
from numpy.typing import NDArray

DPI = 50
MARGIN_MM = 16
"""The margin is 18 mm; two are left to the edges of letters."""
BODY_MM = (20, 18)
"""Head and foot of a page, which every page has: the body lies between."""


class Look(NamedTuple):
    """A page: which, whether it lies on its side, and where its ink is."""

    number: int
    wide: bool
    ink: NDArray[np.bool_]

    def filled(self) -> float:
        """Return down to which part of the room between head and foot there is ink."""
        top, foot = (round(mm / 25.4 * DPI) for mm in BODY_MM)
        rows = np.flatnonzero(self.ink[top:-foot].any(axis=1))
        return float(rows[-1] + 1) / (len(self.ink) - top - foot) if len(rows) else 0.0

    def in_margins(self) -> bool:
        """Return whether nothing is printed in the margins at the sides."""
        side = round(MARGIN_MM / 25.4 * DPI)
        return not (self.ink[:, :side].any() or self.ink[:, -side:].any())


def looks(pdf: bytes, folder: Path) -> list[Look]:
    """Return the pages of a PDF as poppler draws them."""
    program = os.environ.get("CHAINWATCH_PDFTOPPM")
    if not program:
        pytest.skip("CHAINWATCH_PDFTOPPM is not set")
    (folder / "looked.pdf").write_bytes(pdf)
    command = [program, "-r", str(DPI), "-png", str(folder / "looked.pdf"), str(folder / "look")]
    subprocess.run(command, check=True, capture_output=True, timeout=120)
    return list(_looks(folder))


def _looks(folder: Path) -> Iterator[Look]:
    for path in sorted(folder.glob("look-*.png")):
        ink = imread(path)[..., :3].min(axis=2) < 0.75
        number = int(re.sub(r"\D", "", path.stem))
        yield Look(number, ink.shape[1] > ink.shape[0], ink)


def ends_of_parts(pages: list[Look]) -> set[int]:
    """Return the pages behind which the paper is turned, and the last: these may be short."""
    turned = {one.number for one, after in pairwise(pages) if one.wide != after.wide}
    return {*turned, pages[-1].number}
