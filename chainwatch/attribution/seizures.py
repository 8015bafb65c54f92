"""Seizure orders as tags: what was ordered of addresses, until when, and what became of it.

An order expires, or it turns into a forfeiture. Both are statements of their own: the order says
until when it holds, and the forfeiture since when, as far as the list tells.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import polars as pl

from chainwatch.addresses.canonical import parse
from chainwatch.attribution.asset_codes import network_of
from chainwatch.attribution.context import with_keys
from chainwatch.attribution.files.tag_fields import day_of_text
from chainwatch.attribution.rejections import Rejection, quoted, rejected_frame
from chainwatch.attribution.tags import Tags, make_tags
from chainwatch.attribution.taxonomy import level
from chainwatch.attribution.validity import day_of
from chainwatch.attribution.withdrawal import WITHDRAWN
from chainwatch.chains.base import Chain
from chainwatch.chains.catalogue import chain as chain_of
from chainwatch.errors import AddressError, DumpError, TagError, expect
from chainwatch.ledger.schema import TAGS
from chainwatch.packed import file_bytes
from chainwatch.results.result import recorded
from chainwatch.sources.transfer_dump.table import column_names, read_table

SEIZED, FORFEITED = "seizure_order", "forfeiture"

CONFIDENCE = "authority_data"
"""TagPack level of a published order."""

COLUMNS = (
    "address", "order", "chain", "updated", "first_day", "valid_until", "forfeited_by",
    "forfeited_on",
)  # fmt: skip
"""What a column can say: the address and the order must be there, and the chain unless it is given.

``updated`` is the day of the order's last version, ``first_day`` the day from which it holds,
``valid_until`` the last day on which it does; ``forfeited_by`` names the order of forfeiture, and
``forfeited_on`` its day.
"""


@recorded
def read_seizures(
    path: str | Path,
    *,
    publisher: str,
    as_of: date | str,
    columns: Mapping[str, str] | None = None,
    chain: Chain | str | None = None,
) -> Tags:
    """Read a list of seizure orders, an address a line, as it stood on a day.

    Parameters
    ----------
    path : path
        A table (CSV, TSV, JSON or Parquet, perhaps as ``.gz``) with the columns of ``COLUMNS``.
    publisher : str
        Whose orders they are: the ``source`` of every tag.
    as_of : datetime.date or str
        Day of the list: by then each forfeiture in it had been ordered, and an order of which no
        ``updated`` is stated had been made; before that, where it had expired or was forfeited by
        then. A line with an ``updated`` or ``forfeited_on`` after that day is rejected.
    columns : mapping of str to str, optional
        What is said, one of ``COLUMNS``, to the name of the column that says it.
    chain : Chain or str, optional
        Chain of all, where no column says it.

    Returns
    -------
    Tags
        An order is a tag of the concept ``seizure_order``: undated unless ``first_day`` is stated,
        with the last valid day where one is. A forfeiture is a tag of the concept ``forfeiture``.
        Where its day is stated the order is withdrawn on it, and speaks of the days before: what
        stood while it did is found with ``as_of``. Both name the orders in labels and contexts.

    Raises
    ------
    TagError
        If the file is no table, a column is not there, or ``as_of`` is no day.

    Fails when
    ----------
    The day of a forfeiture is not stated, as in lists that name only its order: the forfeiture is
    undated, and the order it came of has no last day.
    """
    expect(path, (str, Path), "the path", "name a file")
    place = Path(path)
    if not place.is_file():
        raise TagError("there is no such file", where=quoted(place.name), remedy="check the path")
    if not publisher.strip():
        raise TagError("orders without their publisher", remedy="say whose they are")
    network = chain_of(chain).alias if chain is not None else None
    return _read(place, _List(place.name, publisher, day_of(as_of), network), columns or {})


def _read(place: Path, listed: _List, columns: Mapping[str, str]) -> Tags:
    try:
        data = file_bytes(place, place.name, TagError)
        named = _places(column_names(data, place.name), columns, listed)
        rows = read_table(data, named, place.name)
    except DumpError as error:
        raise TagError(error.what, where=error.where, remedy=error.remedy) from None
    tags, gone, rejected = [], [], []
    for row in rows.iter_rows(named=True):
        try:
            stand, ended = listed.tags(row)
            tags += stand
            gone += ended
        except (AddressError, TagError) as error:
            where = f"line {row['line']:,}"
            rejected.append(Rejection(place.name, where, row["address"] or "", str(error)))
    return make_tags(
        pl.DataFrame(tags, schema=TAGS.schema, orient="row"),
        rejected_frame(rejected),
        pl.DataFrame(gone, schema=WITHDRAWN.schema, orient="row"),
    )


def _places(header: list[str], columns: Mapping[str, str], listed: _List) -> dict[str, str]:
    """Return the column of the file for each of our names that has one."""
    if unknown := sorted(set(columns) - set(COLUMNS)):
        what = f"an order has no field {unknown[0]!r}"
        raise TagError(what, remedy=f"name one of {', '.join(COLUMNS)}")
    named = {name: columns.get(name, name) for name in COLUMNS}
    found = {name: column for name, column in named.items() if column in header}
    needed = ["address", "order", *columns, *(["chain"] if listed.network is None else [])]
    if missing := [name for name in needed if name not in found]:
        there = ", ".join(quoted(one, 40) for one in header[:30]) or "none"
        raise TagError(
            f"no column says the {missing[0]}; the columns are {there}", where=quoted(listed.name),
            remedy=f"name it, as columns={{{missing[0]!r}: '...'}}",
        )  # fmt: skip
    return found


class _List:
    """A list of orders: its name, whose it is, its day, and the chain of what states none."""

    def __init__(self, name: str, publisher: str, day: date, network: str | None) -> None:
        self.name, self.publisher, self.day, self.network = name, publisher, day, network

    def tags(self, row: Mapping[str, Any]) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
        """Return the tags of one line that stand, and that of an order that was forfeited.

        Raises
        ------
        TagError, AddressError
            If a field says what it cannot.
        """
        order, forfeited = _text(row, "order"), _text(row, "forfeited_by")
        if order is None:
            raise TagError("no order is stated", remedy="an order has a number or a name")
        place = self._address(row)
        seized = self._tag(place, f"seizure order {order}", SEIZED, {"order": order}) | {
            "first_day": _day(row, "first_day"), "last_day": _day(row, "valid_until"),
        }  # fmt: skip
        updated, on = _day(row, "updated"), _day(row, "forfeited_on")
        self._check_not_after({"updated": updated, "forfeited_on": on})
        _check_days(seized["first_day"], seized["last_day"], on)
        # What expired by the day of the list had been made by its last day.
        seized["as_of"] = updated or min(self.day, seized["last_day"] or self.day)
        if not (forfeited or on):
            return [seized], []
        name = f"forfeiture order {forfeited}" if forfeited else f"forfeiture of order {order}"
        said = {"order": order, **({"forfeited_by": forfeited} if forfeited else {})}
        taken = self._tag(place, name, FORFEITED, said) | {"first_day": on}
        if on is None or (seized["last_day"] is not None and seized["last_day"] < on):
            return [seized, taken], []
        if seized["first_day"] == on:
            return [taken], []  # it held on no whole day, and the forfeiture names it
        # What stood until then is kept as it was said, and as it is known to have ended. It had
        # been made by the day before, however late its last version or the list is.
        before = on - timedelta(days=1)
        gone = {
            "as_of": min(seized["as_of"], before),
            "withdrawn_on": on, "withdrawn_by": self.publisher, "why": name,
        }  # fmt: skip
        return [seized | {"last_day": before, "as_of": on}, taken], [seized | gone]

    def _check_not_after(self, days: Mapping[str, date | None]) -> None:
        for name, day in days.items():
            if day is not None and day > self.day:
                what = f"{name} {day} is after {self.day}, the day of the list"
                raise TagError(what, remedy="check it, and the as_of of the list")

    def _address(self, row: Mapping[str, Any]) -> dict[str, Any]:
        text = _text(row, "address") or ""
        alias, reason = network_of(_text(row, "chain") or self.network or "", text)
        if alias is None:
            raise TagError(reason)
        return {"chain": chain_of(alias).id, "address": parse(text, alias)}

    def _tag(
        self, place: Mapping[str, Any], label: str, concept: str, said: Mapping[str, Any]
    ) -> dict[str, Any]:
        return {
            **place, "label": f"{label}, {self.publisher}", "concept": concept,
            "source": self.publisher, "confidence": CONFIDENCE, "level": level(CONFIDENCE),
            "first_day": None, "last_day": None, "as_of": self.day, "pack": self.name,
            "definer": None, "context": with_keys(None, said),
        }  # fmt: skip


def _check_days(first: date | None, last: date | None, forfeited: date | None) -> None:
    if first is not None and any(end is not None and end < first for end in (last, forfeited)):
        raise TagError("the order ends before it begins", remedy="check its days")


def _text(row: Mapping[str, Any], name: str) -> str | None:
    value = row.get(name)
    return value.strip() or None if isinstance(value, str) else None


def _day(row: Mapping[str, Any], name: str) -> date | None:
    said = _text(row, name)
    day = None if said is None else day_of_text(said)
    if said is not None and day is None:
        what = f"{name} {quoted(said, 40)!r} is no date"
        raise TagError(what, remedy="write it as 2024-09-27")
    return day
