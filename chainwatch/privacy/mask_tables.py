"""A table as an edition shows it: text for people, each column by its privacy class.

In the disclosure edition a row in which a party has a pseudonym loses its transaction id and
place, its free text and the last digits of its amounts, times and counts, and is marked *rounded*.
Rows in which a party is just ``masked``, and rows of their transactions, are added up
(:mod:`chainwatch.privacy.aggregate`). Rows that name masked parties alone are left out, for they
concern nobody of the case; and rows are sorted by what is shown, so that the order tells nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any, NamedTuple

import polars as pl

from chainwatch.addresses.canonical import text, txid_text
from chainwatch.errors import InputError
from chainwatch.privacy.aggregate import Part, as_decimal, sums
from chainwatch.privacy.edition import DISCLOSURE, WITHHELD, Edition, band, coarse, moment, month
from chainwatch.privacy.mask_rows import Hidden, asset_of, columns_of, hidden_rows, judged
from chainwatch.results.plain import chains_of
from chainwatch.results.result import Result
from chainwatch.results.table import Column, DataType, Privacy, Rows
from chainwatch.units import WIDE, places_of

ROUNDED = "rounded"
"""Column that says whether amounts and times of a row were made coarse."""

SUMMED = "summed"
"""Column that says how many rows a row adds up, as a band; nothing where it is one row."""

ADDED = {
    ROUNDED: Column.flag(ROUNDED, "whether the edition made amounts and times of the row coarse"),
    SUMMED: Column.word(SUMMED, "how many rows the row adds up, as a band; null where it is one"),
}
"""How the columns are declared that the disclosure edition adds."""

_SUMMABLE = (Privacy.AMOUNT, Privacy.COUNT, Privacy.TALLY)
_OWN_WORDS = frozenset({Privacy.SIDE, Privacy.KIND, Privacy.WORD})
_OF_SERVICES = frozenset({Privacy.SERVICE, Privacy.NAME})


class Masked(NamedTuple):
    """A table as an edition shows it, and how many of its rows name masked parties alone."""

    frame: pl.DataFrame
    left_out: int


def mask_table(rows: Rows, chains: Sequence[str], edition: Edition) -> Masked:
    """Return a table for an edition, amounts as integers, the rest as text.

    Parameters
    ----------
    rows : Rows
        The table with its declaration.
    chains : sequence of str
        The chain of each row.
    edition : Edition
        Who is shown.

    Raises
    ------
    InputError
        If a column is not declared, or holds bytes that its class does not know how to show.
    """
    if "" in chains and columns_of(rows, Privacy.PARTY):
        raise InputError(
            f"table {rows.table.name!r} names parties and not their chain, so that no edition knows"
            " whom to show",
            remedy="give it a column 'chain', or its result an asset",
        )
    hidden = hidden_rows(rows, chains, edition)
    shown = [
        rows.table[name]
        for name in rows.frame.columns
        if rows.table[name].privacy is not Privacy.BEHIND
    ]
    out = pl.DataFrame(
        {one.name: _column(one, rows.frame[one.name], chains, hidden, edition) for one in shown},
        schema={one.name: _dtype(one, rows.frame.schema[one.name]) for one in shown},
    )
    if edition.name != DISCLOSURE:
        return Masked(out, 0)
    if judged(rows):
        rounded = [row.party or row.transaction for row in hidden]
        out = out.with_columns(
            pl.Series(ROUNDED, rounded, dtype=pl.Boolean),
            pl.lit(None, dtype=pl.String).alias(SUMMED),
        )
    single = [not row.everybody and not row.summed for row in hidden]
    kept = out.filter(pl.Series(single, dtype=pl.Boolean))
    if any(row.summed for row in hidden):
        kept = pl.concat([kept, _sums(rows, out, hidden, edition.rounded)])
    left_out = sum(row.everybody for row in hidden)
    # Where nobody can stand behind a row, its place tells nothing of anybody.
    return Masked(_as_shown(kept, rows.table.order) if judged(rows) else kept, left_out)


def _as_shown(frame: pl.DataFrame, order: Sequence[str]) -> pl.DataFrame:
    """Return rows sorted by what is shown, so that their order tells no more."""
    first = [name.removeprefix("-") for name in order]
    down = [name.startswith("-") for name in order]
    rest = [name for name in frame.columns if name not in first]
    return frame.sort([*first, *rest], descending=[*down, *[False] * len(rest)], nulls_last=True)


def mask_tables(result: Result, edition: Edition) -> dict[str, Masked]:
    """Return every table of a result for an edition, by its name."""
    asset = asset_of(result)
    return {
        name: mask_table(rows, chains_of(rows.frame, asset), edition)
        for name, rows in result.tables().items()
    }


def _sums(
    rows: Rows, out: pl.DataFrame, hidden: Sequence[Hidden], rounded: frozenset[int]
) -> pl.DataFrame:
    """Return the rows of a table that are not shown by themselves, added up.

    No sum is told exactly that the edition rounds elsewhere.
    """
    added, amounts = columns_of(rows, *_SUMMABLE), columns_of(rows, Privacy.AMOUNT)
    parts = [
        Part(cells, {name: None if row[name] is None else int(row[name]) for name in added}, who)
        for cells, row, (*_, who) in zip(
            out.drop(ROUNDED, SUMMED).iter_rows(named=True),
            rows.frame.iter_rows(named=True),
            hidden,
            strict=True,
        )
        if who
    ]
    found = sums(
        parts,
        columns_of(rows, Privacy.PARTY),
        columns_of(rows, Privacy.SIDE),
        columns_of(rows, Privacy.KIND, Privacy.SERVICE),
        lambda some: any(sum(one.exact[name] or 0 for one in some) in rounded for name in amounts),
    )
    told = [
        {name: _told_sum(rows, name, value) for name, value in one.cells.items()}
        | {ROUNDED: one.rounded, SUMMED: one.rows}
        for one in found
    ]
    return pl.DataFrame(told, schema=out.schema, orient="row")


def _told_sum(rows: Rows, name: str, value: Any) -> Any:
    if value is None or not isinstance(value, int) or isinstance(value, bool):
        return value
    if rows.table[name].privacy is Privacy.COUNT:
        return band(value)
    return as_decimal(value) if rows.frame.schema[name].is_decimal() else value


def _dtype(column: Column, dtype: pl.DataType) -> DataType:
    if dtype in (pl.Binary, pl.Date) or isinstance(dtype, pl.Datetime):
        return pl.String
    return pl.String if column.privacy is Privacy.COUNT else dtype


def _column(
    column: Column, series: pl.Series, chains: Sequence[str], hidden: Sequence[Hidden],
    edition: Edition,
) -> list[Any]:  # fmt: skip
    if edition.name == DISCLOSURE and column.privacy is Privacy.STRANGER:
        return [WITHHELD] * len(series)
    if edition.name == DISCLOSURE and column.privacy is Privacy.ELSEWHERE:
        return [None] * len(series)  # the row says nothing of who stands in that transaction
    if edition.name == DISCLOSURE and column.privacy is Privacy.SPAN:
        return [None if value is None else f"{value:%Y-%m}" for value in series]
    if column.privacy is Privacy.DIGEST:
        return [None if value is None else edition.digest(_hex(value)) for value in series]
    cells = zip(series.to_list(), chains, hidden, strict=True)
    if series.dtype == pl.Binary:
        return [_binary(column, value, chain, row, edition) for value, chain, row in cells]
    return [_cell(column.privacy, value, row) for value, _, row in cells]


def _hex(value: bytes | str) -> str:
    return value.hex() if isinstance(value, bytes) else value


def _binary(
    column: Column, value: bytes | None, chain: str, hidden: Hidden, edition: Edition
) -> str | None:
    if value is None:
        return None
    hide = hidden.party or hidden.transaction
    match column.privacy:
        case Privacy.PARTY:
            return edition.name_of(chain, value)
        case Privacy.CONTRACT:
            return text(value, chain)
        case Privacy.TXID:
            return WITHHELD if hide else txid_text(value, chain)
        case Privacy.TEXT | Privacy.STRANGER:
            return WITHHELD if hide else value.hex()
    raise InputError(
        f"column {column.name!r} holds bytes, and its class {column.privacy} knows none",
        remedy="declare it as a party, a contract, a transaction id or a text",
    )


def _cell(privacy: Privacy, value: object, hidden: Hidden) -> object:
    hide = hidden.party or hidden.transaction
    if isinstance(value, datetime):
        return month(value) if hide else moment(value)
    if isinstance(value, date):
        return _day(privacy, value, hide=hide)
    if privacy is Privacy.COUNT and value is not None:
        return band(int(str(value))) if hide else str(value)
    if not hide or value is None or privacy is Privacy.FLAG:
        return value
    if privacy is Privacy.PLACE:
        return None
    if isinstance(value, str):
        stays = privacy in _OWN_WORDS or (privacy in _OF_SERVICES and not hidden.party)
        return value if stays else WITHHELD
    return _blurred(value)


def _day(privacy: Privacy, value: date, *, hide: bool) -> str:
    if not hide:
        return value.isoformat()
    return f"{value:%Y-%m}" if privacy in (Privacy.TIME, Privacy.SPAN) else WITHHELD


def _blurred(value: object) -> object:
    if isinstance(value, Decimal):
        places = places_of(value)
        return Decimal(coarse(int(value.scaleb(places, WIDE)))).scaleb(-places, WIDE)
    return coarse(int(str(value)))
