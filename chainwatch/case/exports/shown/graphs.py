"""What is drawn of a case as graphs, in the folder ``graph``: the same files for each format."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import polars as pl

from chainwatch.addresses.assets import Asset
from chainwatch.atomic import write_new
from chainwatch.case.exports.shown.case import ShownCase

FOLDER = "graph"

AsBytes = Callable[[pl.DataFrame, Asset | None, str], bytes]
"""Writes flows, what their amounts are of, and what is left out, in a format."""


def write_graphs(case: ShownCase, folder: Path, ending: str, as_bytes: AsBytes) -> None:
    """Write the flows behind every figure of a case; a figure of sums alone has none.

    Parameters
    ----------
    case : ShownCase
        What is shown.
    folder : Path
        Of the case.
    ending : str
        How the names of the files end, without the dot.
    as_bytes : callable
        The format.
    """
    for one in case.view.drawn:
        if not getattr(one.drawing, "has_flows", True):
            continue
        (folder / FOLDER).mkdir(exist_ok=True)
        told = getattr(one.drawing, "left_out", "")
        data = as_bytes(one.flows, one.asset, told)
        write_new(folder / FOLDER / f"{one.stem}.{ending}", data)
