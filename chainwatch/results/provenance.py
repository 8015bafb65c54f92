"""How a result came about: records, content digests, and the decorator that keeps both."""

from __future__ import annotations

import functools
import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from importlib.metadata import version
from typing import Any

import polars as pl

from chainwatch.errors import InputError
from chainwatch.results.deferred import Deferring
from chainwatch.sanitize import HALVES

Pieces = Callable[[], Iterator[pl.Series]]
"""Gives a column in pieces, one after the other, each time that it is called."""

PIECE = 1 << 18
"""Rows that are hashed at a time."""


@dataclass(frozen=True)
class Record(Deferring):
    """One step: what was called, with what, on what, and the digest of what came out.

    Digests are those of the moment of the step; they are computed when they are first read.

    Attributes
    ----------
    step : str
        Name of the public verb.
    params : dict
        Plain parameters, rules and policies by their text.
    inputs : tuple of Record
        Records of the results it was given.
    content : str
        SHA-256 of the result's tables; run times are no part of it.
    software : dict
        Versions of chainwatch and polars.
    """

    step: str
    params: Mapping[str, Any]
    inputs: tuple[Record, ...]
    content: str
    software: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.put_off()

    def as_dict(self) -> dict[str, Any]:
        """Return the record with its inputs as plain data."""
        return {
            "step": self.step,
            "params": dict(self.params),
            "inputs": [record.as_dict() for record in self.inputs],
            "content": self.content,
            "software": dict(self.software),
        }

    def tree(self, indent: int = 0) -> str:
        """Return the lineage as an indented text, the latest step first."""
        given = ", ".join(f"{key}={value}" for key, value in self.params.items())
        line = f"{'  ' * indent}{self.step}({given})  sha256:{self.content[:16]}"
        return "\n".join([line, *(record.tree(indent + 1) for record in self.inputs)])


def software() -> dict[str, str]:
    """Return the versions on which a content digest can depend."""
    return {name: _version(name) for name in ("chainwatch", "polars")}


@functools.cache
def _version(name: str) -> str:
    return version(name)  # it reads a file each time


def encoded(series: pl.Series) -> pl.Series:
    """Return a column in the form in which it is hashed: 64-bit integers, or bytes.

    Raises
    ------
    InputError
        If it holds Python objects.
    """
    whole = _as_integers(series)
    return _as_bytes(series) if whole is None else whole


def _parts(column: pl.Series) -> tuple[Callable[[], bytes], ...]:
    """Return what is hashed of a column, in turn: validity, then values that no two columns share.

    Of a column in pieces, the first of all pieces comes first, then the second of all. Small
    results are mostly overhead: whole columns and empty ones pass by what treats nulls.
    """
    count, whole = column.len(), not column.null_count()

    def validity() -> bytes:
        if whole or column.null_count() == count:
            return (b"\x01" if whole else b"\x00") * count
        return column.is_not_null().cast(pl.UInt8).to_numpy().tobytes()

    def numbers() -> bytes:
        filled = column if whole else column.fill_null(0)
        return filled.to_numpy().astype("<i8", copy=False).tobytes()

    def sizes() -> bytes:
        if column.null_count() == count:
            return bytes(8 * count)
        lengths = column.bin.size()
        return (lengths if whole else lengths.fill_null(0)).to_numpy().astype("<i8").tobytes()

    def values() -> bytes:
        if column.null_count() == count:
            return b""
        filled = column if whole else column.drop_nulls()
        joined = filled.cast(pl.List(pl.UInt8)).explode()
        # Nothing at all is a null there.
        return (joined.drop_nulls() if joined.null_count() else joined).to_numpy().tobytes()

    return (validity, numbers) if column.dtype == pl.Int64 else (validity, sizes, values)


def _as_integers(series: pl.Series) -> pl.Series | None:
    """Return a column as 64-bit integers where that is exact, whatever type holds them."""
    if series.dtype == pl.Boolean:
        return series.cast(pl.Int64)
    if series.dtype.is_integer():
        whole = series.cast(pl.Int64, strict=False)
        return whole if whole.null_count() == series.null_count() else None
    if isinstance(series.dtype, pl.Datetime):
        if series.dtype.time_unit == "us":
            return series.to_physical()
        fits = series.dtype.time_unit != "ns" or (series.dt.epoch("ns") % 1000 == 0).all()
        return series.dt.epoch("us") if fits else None
    return None


def _as_bytes(series: pl.Series) -> pl.Series:
    """Return a column as bytes: binary as it is, all else as its exact text."""
    kind = series.dtype
    if kind == pl.Object:
        raise InputError(
            f"column {series.name!r} holds Python objects, which have no content to digest"
        )
    if series.null_count() == series.len():
        return pl.Series(series.name, [], dtype=pl.Binary).extend_constant(None, series.len())
    if kind == pl.Binary:
        return series
    if isinstance(kind, pl.Datetime):
        series = series.dt.epoch("ns")
    if isinstance(kind, (pl.Datetime, pl.Decimal, pl.String, pl.Categorical, pl.Enum)) or (
        kind.is_integer()
    ):
        return series.cast(pl.String).cast(pl.Binary)
    texts = [None if value is None else _text(value).encode() for value in series.to_list()]
    return pl.Series(texts, dtype=pl.Binary)


def _text(value: object) -> str:
    if isinstance(value, (date, datetime)):
        return value.isoformat()
    # Minus zero sorts as zero and so must read as zero.
    return repr(value + 0.0) if isinstance(value, float) else str(value)


def digest_frame(frame: pl.DataFrame, key: Iterable[str] = ()) -> str:
    """Return the SHA-256 of a table's rows, whatever their order and however they are stored.

    Rows are sorted by ``key`` and then by all other columns in order of name; each column is
    hashed under its name with its validity and its values in a fixed encoding. Types that hold
    the same integers (``Int32``, ``Int64``) give the same digest.

    Parameters
    ----------
    frame : polars.DataFrame
        The rows.
    key : iterable of str
        Columns to sort by first.

    Returns
    -------
    str
        64 hexadecimal digits.

    Raises
    ------
    InputError
        If a column holds Python objects.
    """
    first = list(key)
    order = first + sorted(set(frame.columns).difference(first))
    rows = frame
    if order and not in_order(frame, order):
        rows = frame.sort(order, nulls_last=False, maintain_order=True)
    sources = {name: _in_pieces(encoded(rows[name])) for name in rows.columns}
    return digest_columns(frame.height, sources)


def in_order(frame: pl.DataFrame, order: Sequence[str]) -> bool:
    """Tell whether rows stand in the order in which sorting by these columns would put them."""
    if frame.height < 2:
        return True
    alike = pl.repeat(True, frame.height - 1, eager=True)
    for name in order:
        column = frame[name]
        if column.dtype == pl.Object or column.dtype.is_nested():
            return False
        one, two = column.head(-1), column.slice(1)
        falls = one > two
        if column.null_count():
            # Nulls come first: a value before a null is out of order.
            falls = (falls | (one.is_not_null() & two.is_null())).fill_null(False)
        if (alike & falls).any():
            return False
        alike = alike & one.eq_missing(two)
        if not alike.any():
            return True
    return True


def _in_pieces(column: pl.Series) -> Pieces:
    return lambda: (column.slice(start, PIECE) for start in range(0, column.len(), PIECE))


def digest_columns(height: int, columns: Mapping[str, Pieces]) -> str:
    """Return the digest of a table whose columns come in pieces, already in the order of its key.

    Parameters
    ----------
    height : int
        How many rows there are.
    columns : mapping
        For each column what gives its pieces, :func:`encoded`, from the first row to the last,
        each time anew: a column is gone through more than once.
    """
    sha = hashlib.sha256(f"{height}".encode())
    for name in sorted(columns):
        sha.update(b"\x00" + digest_bytes(name.encode()).encode())
        # A column without rows has its empty parts all the same, and they hash to nothing.
        for turn in range(3):
            for piece in columns[name]():
                parts = _parts(piece)
                if turn < len(parts):
                    sha.update(parts[turn]())
    return sha.hexdigest()


def digest_bytes(data: bytes) -> str:
    """Return the SHA-256 of bytes as hexadecimal text."""
    return hashlib.sha256(data).hexdigest()


def digest_json(value: object) -> str:
    """Return the SHA-256 of plain data, independent of the order of its keys."""
    return digest_bytes(canonical_json(value))


def canonical_json(value: object) -> bytes:
    """Return plain data as JSON bytes with sorted keys and no spaces.

    Half a character, which a name of a file may hold and UTF-8 cannot, is written by its number.
    """
    told = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return told.encode("utf-8", HALVES)
