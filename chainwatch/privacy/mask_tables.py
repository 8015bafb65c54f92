"""The tables of a result as an edition shows them: text for people, masked where it must be."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

import polars as pl

from chainwatch.addresses.canonical import text, txid_text
from chainwatch.errors import InputError
from chainwatch.privacy.aggregate import Part, as_decimal, sums
from chainwatch.privacy.columns import (
    ADDED,
    BEHIND,
    COUNTS,
    OF_SERVICES,
    OPEN,
    OWN_WORDS,
    PARTIES,
    PLACES,
    ROUNDED,
    SPANS,
    STRANGERS_TEXT,
    SUMMED,
    TXIDS,
)
from chainwatch.privacy.edition import DISCLOSURE, WITHHELD, Edition, band, coarse, moment, month
from chainwatch.privacy.mask_rows import (
    Hidden,
    Tabled,
    chains_of,
    hidden_rows,
    judged,
    party_columns,
)


def shown_tables(result: Tabled, edition: Edition) -> dict[str, pl.DataFrame]:
    """Return the tables of a result for an edition, amounts as integers, the rest as text.

    In the disclosure edition a row in which a party has a pseudonym loses its transaction id and
    place, its free text and the last digits of its amounts, times and counts, and is marked
    *rounded*. Rows in which a party is just ``masked``, and rows of their transactions, are added
    up (`summed.sums`). Rows that name masked parties alone are left out, for they concern nobody
    of the case; and rows are sorted by what is shown, so that the order tells nothing.

    Raises
    ------
    InputError
        If a table has a binary column that this module does not know how to show.
    """
    return {
        name: _shown(name, frame, chains_of(result, frame), edition)
        for name, (frame, _) in result.tables().items()
    }


def _shown(
    table: str, frame: pl.DataFrame, chains: Sequence[str], edition: Edition
) -> pl.DataFrame:
    hidden = hidden_rows(frame, chains, edition)
    names = [name for name in frame.columns if name != BEHIND]
    columns = {name: _column(table, name, frame[name], chains, hidden, edition) for name in names}
    out = pl.DataFrame(columns, schema={name: _dtype(frame[name]) for name in names})
    if edition.name != DISCLOSURE:
        return out
    if judged(frame):
        rounded = [row.party or row.transaction for row in hidden]
        out = out.with_columns(
            pl.Series(ROUNDED, rounded, dtype=pl.Boolean),
            pl.lit(None, dtype=pl.String).alias(SUMMED),
        )
    single = [not row.everybody and not row.summed for row in hidden]
    kept = out.filter(pl.Series(single, dtype=pl.Boolean))
    if any(row.summed for row in hidden):
        kept = pl.concat([kept, _sums(frame, out, hidden)])
    return kept.sort(kept.columns, nulls_last=True)


def _sums(frame: pl.DataFrame, out: pl.DataFrame, hidden: Sequence[Hidden]) -> pl.DataFrame:
    """Return the rows of a table that are not shown by themselves, added up."""
    added = [name for name, dtype in frame.schema.items() if dtype.is_decimal() or name in ADDED]
    parts = [
        Part(cells, {name: None if row[name] is None else int(row[name]) for name in added}, who)
        for cells, row, (*_, who) in zip(
            out.drop(ROUNDED, SUMMED).iter_rows(named=True),
            frame.iter_rows(named=True),
            hidden,
            strict=True,
        )
        if who
    ]
    rows = [
        {name: _added(name, value, frame.schema) for name, value in found.cells.items()}
        | {ROUNDED: found.rounded, SUMMED: found.rows}
        for found in sums(parts, party_columns(frame))
    ]
    return pl.DataFrame(rows, schema=out.schema, orient="row")


def _added(name: str, value: Any, schema: pl.Schema) -> Any:
    if value is None or not isinstance(value, int) or isinstance(value, bool):
        return value
    if name in COUNTS:
        return band(value)
    return as_decimal(value) if schema[name].is_decimal() else value


def _dtype(series: pl.Series) -> pl.DataType | type[pl.DataType]:
    if series.dtype in (pl.Binary, pl.Date) or isinstance(series.dtype, pl.Datetime):
        return pl.String
    if series.name in COUNTS:
        return pl.String
    return series.dtype


def _column(
    table: str,
    name: str,
    series: pl.Series,
    chains: Sequence[str],
    hidden: Sequence[Hidden],
    edition: Edition,
) -> list[Any]:
    cells = zip(series.to_list(), chains, hidden, strict=True)
    if series.dtype == pl.Binary:
        return [_binary(name, value, chain, row, edition) for value, chain, row in cells]
    if edition.name == DISCLOSURE and table.startswith("rejected") and name in STRANGERS_TEXT:
        return [WITHHELD] * len(series)
    if edition.name == DISCLOSURE and name in SPANS:
        return [month(value) if isinstance(value, datetime) else value for value, _, _ in cells]
    if name == "sha256":
        return [value and edition.digest(value) for value, _, _ in cells]
    return [_cell(name, value, row) for value, _, row in cells]


def _binary(
    name: str, value: bytes | None, chain: str, hidden: Hidden, edition: Edition
) -> str | None:
    if value is None:
        return None
    if name in OPEN:
        return text(value, chain)
    if name in PARTIES:
        return edition.name_of(chain, value)
    if name in TXIDS:
        return WITHHELD if hidden.party or hidden.transaction else txid_text(value, chain)
    raise InputError(
        f"column {name} holds bytes that no edition knows how to show",
        remedy="name it among the parties or transaction ids",
    )


def _cell(name: str, value: object, hidden: Hidden) -> object:
    hide = hidden.party or hidden.transaction
    if isinstance(value, datetime):
        return month(value) if hide else moment(value)
    if hasattr(value, "isoformat"):
        return value.isoformat()
    if name in COUNTS and value is not None:
        return band(int(str(value))) if hide else str(value)
    if not hide or value is None:
        return value
    if name in PLACES:
        return None
    if isinstance(value, str):
        stays = name in OWN_WORDS or (name in OF_SERVICES and not hidden.party)
        return value if stays else WITHHELD
    return _blurred(value)


def _blurred(value: object) -> object:
    if isinstance(value, bool):
        return value
    if isinstance(value, Decimal):
        return Decimal(coarse(int(value)))
    return coarse(value) if isinstance(value, int) else value
