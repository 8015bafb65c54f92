"""``read_profiles``: what markets show of sellers, read from a table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl

from chainwatch.addresses.canonical import parse
from chainwatch.addresses.diagnose import quoted
from chainwatch.attribution.asset_codes import network_of
from chainwatch.attribution.files.tag_fields import day_of_text
from chainwatch.attribution.rejections import Rejection, rejected_frame
from chainwatch.chains.catalogue import chain as chain_of
from chainwatch.errors import AddressError, DumpError, TagError, expect
from chainwatch.packed import file_bytes
from chainwatch.sources.transfer_dump.table import column_names, read_table
from chainwatch.triage.identity.keys import contact_of, fingerprint_of

COLUMNS = (
    "market", "handle", "fingerprint", "contact", "proven", "sales", "first_day", "last_day",
    "chain", "address", "source",
)  # fmt: skip
"""What a table can say of a profile; ``market`` and ``handle`` it must. Several contacts and
addresses stand between semicolons; ``proven`` is yes or no."""

LARGEST = 512
"""Characters of a name: what is longer is none."""

_YES, _NO = ("yes", "true", "1"), ("no", "false", "0")


@dataclass(frozen=True)
class Profile:
    """What one row says of a seller on a market."""

    market: str
    handle: str
    fingerprint: str | None = None
    contacts: tuple[str, ...] = ()
    proven: bool | None = None
    sales: int | None = None
    first: date | None = None
    last: date | None = None
    addresses: tuple[tuple[str, bytes], ...] = ()
    source: str = ""


@dataclass(frozen=True)
class Profiles:
    """Profiles as they were read, and the rows that were not taken, each with its reason."""

    listed: tuple[Profile, ...]
    rejected: pl.DataFrame = field(default_factory=rejected_frame)

    def __repr__(self) -> str:
        return f"Profiles({len(self.listed):,} read, {self.rejected.height:,} rows not taken)"


def read_profiles(
    path: str | Path, *, source: str, columns: Mapping[str, str] | None = None
) -> Profiles:
    """Read profiles of sellers from a table: market, handle, key, contacts, addresses.

    Parameters
    ----------
    path : path
        CSV, TSV, JSON or Parquet, perhaps as ``.gz``, with the columns of ``COLUMNS``.
    source : str
        Who collected them, where no column says it.
    columns : mapping of str to str, optional
        What is said to the name of the column that says it.

    Returns
    -------
    Profiles
        Rows with something that is not what it should be are rejected with the reason.

    Raises
    ------
    TagError
        If the file is no table, or has no column for market or handle.
    """
    expect(path, (str, Path), "the path", "name a file")
    place = Path(path)
    if not place.is_file():
        raise TagError("there is no such file", where=quoted(place.name), remedy="check the path")
    if not source.strip():
        raise TagError("profiles without their source", remedy="say who collected them")
    listed, notes = [], []
    for row in _rows(place, columns or {}).iter_rows(named=True):
        try:
            listed.append(_profile(row, source))
        except (TagError, AddressError) as error:
            where = f"line {row['line']:,}"
            notes.append(Rejection(place.name, where, quoted(row["handle"]), str(error)))
    return Profiles(tuple(listed), rejected_frame(notes))


def _rows(place: Path, columns: Mapping[str, str]) -> pl.DataFrame:
    if unknown := sorted(set(columns) - set(COLUMNS)):
        what = f"a profile has no field {unknown[0]!r}"
        raise TagError(what, remedy=f"name one of {', '.join(COLUMNS)}")
    try:
        data = file_bytes(place, place.name, TagError)
        header = column_names(data, place.name)
        wanted = {name: columns.get(name, name) for name in COLUMNS}
        there = {name: column for name, column in wanted.items() if column in header}
        missing = [
            name for name in COLUMNS
            if name not in there and (name in columns or name in ("market", "handle"))
        ]  # fmt: skip
        if missing:
            raise TagError(
                f"no column {quoted(wanted[missing[0]])} for {missing[0]}",
                where=quoted(place.name),
                remedy="name it, as columns={'handle': 'username'}",
            )
        return read_table(data, there, place.name)
    except DumpError as error:
        raise TagError(error.what, where=error.where, remedy=error.remedy) from None


def _profile(row: Mapping[str, Any], source: str) -> Profile:
    market, handle = (_name(row, what) for what in ("market", "handle"))
    said = _text(row, "fingerprint")
    first, last = (_day(row, name) for name in ("first_day", "last_day"))
    if first and last and last < first:
        raise TagError("it ends before it begins", remedy="check first_day and last_day")
    return Profile(
        market, handle, fingerprint_of(said) if said else None,
        tuple(sorted({contact_of(one) for one in _several(row, "contact")})),
        _flag(row, "proven"), _number(row, "sales"), first, last,
        tuple(sorted({_address(row, one) for one in _several(row, "address")})),
        _text(row, "source") or source,
    )  # fmt: skip


def _text(row: Mapping[str, Any], name: str) -> str | None:
    return (row.get(name) or "").strip() or None


def _several(row: Mapping[str, Any], name: str) -> list[str]:
    parts = (part.strip() for part in (_text(row, name) or "").split(";"))
    return [part for part in parts if part]


def _name(row: Mapping[str, Any], name: str) -> str:
    text = _text(row, name)
    if text is None or len(text) > LARGEST:
        raise TagError(f"no {name}, or one that is none", remedy="a profile has both names")
    return text


def _day(row: Mapping[str, Any], name: str) -> date | None:
    text = _text(row, name)
    day = day_of_text(text) if text else None
    if text and day is None:
        raise TagError(f"{name} {quoted(text)!r} is no date", remedy="write it as 2024-01-31")
    return day


def _flag(row: Mapping[str, Any], name: str) -> bool | None:
    text = (_text(row, name) or "").casefold()
    if text and text not in (*_YES, *_NO):
        raise TagError(f"{name} is neither yes nor no", remedy="write yes or no, or nothing")
    return None if not text else text in _YES


def _number(row: Mapping[str, Any], name: str) -> int | None:
    text = _text(row, name)
    if text is not None and not (text.isdecimal() and len(text) < 19):
        raise TagError(f"{name} is no whole number", remedy="write it in digits, or leave it out")
    return None if text is None else int(text)


def _address(row: Mapping[str, Any], text: str) -> tuple[str, bytes]:
    alias, reason = network_of(_text(row, "chain") or "", text)
    if alias is None:
        raise TagError(reason)
    return chain_of(alias).id, parse(text, alias)


__all__ = ["COLUMNS", "Profile", "Profiles", "read_profiles"]
