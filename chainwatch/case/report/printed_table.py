"""A table of a case as it is printed: which rows, in what order, and what is said of the rest."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection
from decimal import Decimal
from typing import NamedTuple

import polars as pl

from chainwatch.addresses.assets import Asset
from chainwatch.case.report.elements import TableBlock
from chainwatch.chains.catalogue import chain
from chainwatch.privacy.mask_tables import ROUNDED
from chainwatch.units import WIDE, places_of

MOST_ROWS = 60
"""Rows of a table that the report prints; the files hold all. The annex of steps is not cut."""

ALIKE = "rows_alike"
"""Heading of the count where rows read the same, as those of masked parties often do."""

IN_TIME = ("month", "time", "hop")
"""Columns by which a table that is printed whole is sorted, where it begins with one."""


class Cut(NamedTuple):
    """Rows to be printed, how many rows of the table are not, and whether the largest are."""

    frame: pl.DataFrame
    left: int
    by_amount: bool


def printed_table(
    title: str,
    file: str,
    frame: pl.DataFrame,
    asset: Asset | None,
    counts: Collection[str] = (),
    most: int | None = MOST_ROWS,
) -> TableBlock:
    """Return a table as it is printed.

    One that is longer than ``most`` rows is sorted by amount before it is cut, and says how many
    rows and how much is left out, and in which file the whole is.

    Parameters
    ----------
    title : str
        Its caption.
    file : str
        Name of its files, without suffix.
    frame : polars.DataFrame
        The table as the edition shows it.
    asset : Asset or None
        The unit of its amounts.
    counts : collection of str
        Columns of numbers that are written as texts.
    most : int or None
        Rows that are printed; None: all.
    """
    frame = _with_wide(frame, asset)
    alike = _read_alike(frame, asset)
    cut = _cut(alike, most)
    rounded = cut.frame[ROUNDED].to_list() if ROUNDED in frame.columns else [False] * len(cut.frame)
    hidden = {ROUNDED, *(name for name in cut.frame.columns if _says_nothing(cut.frame, name))}
    columns = [column for column in cut.frame.columns if column not in hidden]
    rows = tuple(
        tuple(_text(*cell, asset, hide) for cell in zip(columns, row, strict=True))
        for row, hide in zip(cut.frame.select(columns).iter_rows(), rounded, strict=True)
    )
    numbers = {ALIKE, *counts}
    return TableBlock(
        caption=f"{title} ({frame.height:,} {'row' if frame.height == 1 else 'rows'})",
        columns=tuple(_headed(column) for column in columns),
        rows=rows,
        align=tuple(
            "right" if column in numbers or cut.frame.schema[column].is_numeric() else "left"
            for column in columns
        ),
        note=_note(frame, cut, file, asset),
        file=file,
    )


def _headed(column: str) -> str:
    """Return the heading of a column."""
    if column.endswith("_hex"):
        return f"{column.removesuffix('_hex')} where wider than 38 digits"
    return column.replace("_", " ")


def _with_wide(frame: pl.DataFrame, asset: Asset | None) -> pl.DataFrame:
    """Return a table in which amounts too wide for a number stand as they are read in coins."""
    for name in [one for one in frame.columns if one.endswith("_hex")]:
        if frame[name].is_null().all():
            frame = frame.drop(name)
            continue
        told = [None if cell is None else _wide(cell, asset) for cell in frame[name]]
        frame = frame.with_columns(pl.Series(name, told, pl.String))
    return frame


def _wide(cell: str, asset: Asset | None) -> str:
    """Return an amount in hexadecimal as it is read; one that an edition withholds as it is."""
    if re.fullmatch(r"(0x)?[0-9a-fA-F]+", cell) is None:
        return cell
    amount = int(cell, 16)
    return asset.shown(amount) if asset else f"{amount:,}"


def _says_nothing(frame: pl.DataFrame, name: str) -> bool:
    """Return whether all cells of a column are empty; an amount that is null is *unknown*."""
    if name == ALIKE:
        return bool((frame[name] == 1).all())
    return name != "amount" and frame.height > 0 and frame[name].is_null().all()


def _read_alike(frame: pl.DataFrame, asset: Asset | None) -> pl.DataFrame:
    """Return the rows, those that read the same once, with their number."""
    texts = [
        tuple(_text(*cell, asset, False) for cell in zip(frame.columns, row, strict=True))
        for row in frame.iter_rows()
    ]
    times = Counter(texts)
    first = {text: place for place, text in reversed(list(enumerate(texts)))}
    counted = pl.Series(ALIKE, [times[text] for text in texts], dtype=pl.Int64)
    return frame.with_columns(counted)[sorted(first.values())]


def _cut(frame: pl.DataFrame, most: int | None) -> Cut:
    first = frame.columns[0]
    if most is None or frame.height <= most:
        timed = first in IN_TIME
        shown = frame.sort(first, nulls_last=True, maintain_order=True) if timed else frame
        return Cut(shown, 0, False)
    by_amount = "amount" in frame.columns
    if by_amount:
        frame = frame.sort("amount", descending=True, nulls_last=True, maintain_order=True)
    return Cut(frame.head(most), int(frame[ALIKE].tail(-most).sum()), by_amount)


def _note(frame: pl.DataFrame, cut: Cut, file: str, asset: Asset | None) -> str:
    whole = f"tables/{file}.csv and .parquet"
    if not cut.left:
        return f"Files: {whole}, with amounts in base units."
    rest = f"{cut.left:,} further {'row is' if cut.left == 1 else 'rows are'} not printed here"
    which = "the first rows are"
    if cut.by_amount:
        which = "the largest amounts are"
        rest += _amount_left(frame, cut, asset)
    return f"Cut: {which} printed; {rest}. The whole table, in base units: {whole}."


def _amount_left(frame: pl.DataFrame, cut: Cut, asset: Asset | None) -> str:
    """Return what the rows that are not printed add up to, as far as it is known."""
    weights = cut.frame[ALIKE].to_list()
    everything = frame["amount"].to_list()
    printed = cut.frame["amount"].to_list()
    known = sum(int(item) for item in everything if item is not None)
    known -= sum(
        int(item) * n for item, n in zip(printed, weights, strict=True) if item is not None
    )
    unknown = sum(item is None for item in everything) - sum(
        n for item, n in zip(printed, weights, strict=True) if item is None
    )
    about = "≈ " if ROUNDED in frame.columns and frame[ROUNDED].any() else ""
    said = f", of {about}{_text('amount', Decimal(known), asset, False)} together"
    return said + (f" and {unknown:,} of unknown amount" if unknown else "")


def _text(column: str, value: object, asset: Asset | None, rounded: bool) -> str:
    if value is None:
        return "unknown" if column == "amount" else ""
    if isinstance(value, Decimal) and places_of(value):
        # A share, a ratio, or worth in a currency: no amount of what was followed.
        number = f"{value.normalize(WIDE):f}"
        return f"≈ {number}" if rounded and value else number
    if isinstance(value, Decimal):
        number = asset.shown(int(value)) if asset else f"{int(value):,}"
        return f"≈ {number}" if rounded and value else number
    if isinstance(value, bool):
        return "yes" if value else "no"
    if column == "chain":
        return chain(str(value)).alias
    if isinstance(value, str) and len(value) == len("2022-03-07T00:00:00Z") and value[-1] == "Z":
        return value.replace("T", " ").removesuffix("Z")
    return str(value)
