"""The tables of a result as an edition shows them: text for people, masked where it must be."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple, Protocol

import polars as pl

from chainwatch.addresses import text, txid_text
from chainwatch.errors import InputError
from chainwatch.triage.privacy import (
    DISCLOSURE,
    WITHHELD,
    Edition,
    Party,
    band,
    coarse,
    moment,
    month,
)

PARTIES = frozenset(
    {
        "address",
        "a",
        "b",
        "cluster",
        "source",
        "target",
        "subject",
        "other",
        "counterparty",
        "sender",
        "receiver",
        "paid_by",
        "contract",
    }
)
"""Columns that hold canonical addresses, written out: a new one must be added here to be shown."""

TXIDS = frozenset({"txid", "block", "prev_txid"})
PLACES = frozenset({"tx", "n", "height", "source_tx", "source_n", "log_index", "occurrence", "row"})
"""Columns that lead to a transaction as surely as its id."""

FREE_TEXT = frozenset(
    {
        "detail",
        "evidence",
        "context",
        "labels",
        "label",
        "actor",
        "actors",
        "service",
        "note",
        "source",
        "pack",
        "timing",
    }
)
"""Texts that may say who somebody is: withheld in a row in which a party is masked."""

OF_SERVICES = frozenset({"service", "label", "actor"})
"""Those that stay where only the transaction is withheld: they speak of a party who is shown."""

STRANGERS_TEXT = frozenset({"text", "reason"})
"""Columns of what was read and not taken: anything may stand there."""

SPANS = frozenset({"first", "last"})
"""Times of one payment out of several that a row adds up: always given to the month."""

ROUNDED = "rounded"
"""Column that says whether amounts and times of a row were made coarse."""

_OPEN = frozenset({"contract"})  # the contract of a token is nobody's wallet
_COUNTS = frozenset({"payments", "sweeps", "receipts", "count", "ends", "counterparties"})


class Tabled(Protocol):
    """Any result: it can list its tables."""

    def tables(self) -> Mapping[str, tuple[pl.DataFrame, tuple[str, ...]]]: ...


def parties(result: Tabled) -> set[Party]:
    """Return every address that stands in a result's tables."""
    found: set[Party] = set()
    for frame, _ in result.tables().values():
        names = _party_columns(frame)
        chains = _chains(result, frame)
        for name in names:
            found |= {
                (chain, item)
                for chain, item in zip(chains, frame[name].to_list(), strict=True)
                if item is not None
            }
    return found


def shown_tables(result: Tabled, edition: Edition) -> dict[str, pl.DataFrame]:
    """Return the tables of a result for an edition, amounts as integers, the rest as text.

    In the disclosure edition a row in which a party is masked loses its transaction id and place,
    its free text and the last digits of its amounts, times and counts, and is marked *rounded*;
    rows that name masked parties alone are left out, for they concern nobody of the case; and
    rows are sorted by what is shown, so that the order tells nothing.

    Raises
    ------
    InputError
        If a table has a binary column that this module does not know how to show.
    """
    return {
        name: _shown(name, frame, _chains(result, frame), edition)
        for name, (frame, _) in result.tables().items()
    }


def _party_columns(frame: pl.DataFrame) -> list[str]:
    return [
        name for name in frame.columns if name in PARTIES - _OPEN and frame[name].dtype == pl.Binary
    ]


def _chains(result: Tabled, frame: pl.DataFrame) -> Sequence[str]:
    if "chain" in frame.columns:
        return frame["chain"].to_list()
    asset = getattr(result, "asset", None)
    return [asset.chain if asset else ""] * frame.height


class Hidden(NamedTuple):
    """What is masked in a row: a party, all its parties, or a transaction of a masked party."""

    party: bool
    everybody: bool
    transaction: bool


NOTHING = Hidden(False, False, False)


def _shown(
    table: str, frame: pl.DataFrame, chains: Sequence[str], edition: Edition
) -> pl.DataFrame:
    hidden = _hidden(frame, chains, edition)
    columns = {
        name: _column(table, name, frame[name], chains, hidden, edition) for name in frame.columns
    }
    out = pl.DataFrame(columns, schema={name: _dtype(frame[name]) for name in frame.columns})
    if edition.name != DISCLOSURE:
        return out
    if _party_columns(frame):
        rounded = [row.party or row.transaction for row in hidden]
        out = out.with_columns(pl.Series(ROUNDED, rounded, dtype=pl.Boolean))
    kept = out.filter(pl.Series([not row.everybody for row in hidden], dtype=pl.Boolean))
    return kept.sort(kept.columns, nulls_last=True)


def _hidden(frame: pl.DataFrame, chains: Sequence[str], edition: Edition) -> list[Hidden]:
    names = _party_columns(frame)
    if edition.name != DISCLOSURE or (not names and "txid" not in frame.columns):
        return [NOTHING] * frame.height
    ids = frame["txid"].to_list() if "txid" in frame.columns else [None] * frame.height
    rows = frame.select(names).rows() if names else [()] * frame.height
    return [
        _row_hidden(edition, chain, row, txid)
        for chain, row, txid in zip(chains, rows, ids, strict=True)
    ]


def _row_hidden(
    edition: Edition, chain: str, row: Sequence[bytes | None], txid: bytes | None
) -> Hidden:
    masked = [edition.masks(chain, party) for party in row if party is not None]
    withheld = (chain, txid) in edition.withheld
    return Hidden(any(masked), bool(masked) and all(masked), withheld)


def transactions_of_masked(results: Iterable[Tabled], edition: Edition) -> frozenset[Party]:
    """Return the transactions that stand in any row beside a party whom the edition masks."""
    found: set[Party] = set()
    for result in results:
        for frame, _ in result.tables().values():
            names = _party_columns(frame)
            if names and "txid" in frame.columns:
                chains = _chains(result, frame)
                hidden = _hidden(frame, chains, edition)
                ids = zip(chains, frame["txid"].to_list(), hidden, strict=True)
                found |= {(chain, txid) for chain, txid, row in ids if row.party and txid}
    return frozenset(found)


def _dtype(series: pl.Series) -> pl.DataType | type[pl.DataType]:
    if series.dtype in (pl.Binary, pl.Date) or isinstance(series.dtype, pl.Datetime):
        return pl.String
    if series.name in _COUNTS:
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
    if name in _OPEN:
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
    if name in _COUNTS and value is not None:
        return band(int(str(value))) if hide else str(value)
    if not hide or value is None:
        return value
    if name in PLACES:
        return None
    if name in FREE_TEXT:
        return value if name in OF_SERVICES and not hidden.party else WITHHELD
    return _blurred(value)


def _blurred(value: object) -> object:
    if isinstance(value, bool):
        return value
    if isinstance(value, Decimal):
        return Decimal(coarse(int(value)))
    return coarse(value) if isinstance(value, int) else value
