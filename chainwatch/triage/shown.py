"""The tables of a result as an edition shows them: text for people, masked where it must be."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, Protocol

import polars as pl

from chainwatch.addresses import text, txid_text
from chainwatch.errors import InputError
from chainwatch.triage.privacy import DISCLOSURE, FEWEST, Edition, Party, band, coarse

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
        "actors",
        "service",
        "note",
        "source",
        "pack",
        "reason",
        "timing",
    }
)
"""Texts that may name an address or a source that names it: withheld in a masked row, but for
those in ``_KEPT``."""

_KEPT = frozenset({"service", "reason", "label"})
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

    A row in which a party is masked loses its transaction id and place, its free text and the
    last digits of its amounts, times and counts; and masked rows are sorted by what is shown, so
    that the order tells nothing.

    Raises
    ------
    InputError
        If a table has a binary column that this module does not know how to show.
    """
    return {
        name: _pooled(
            _shown(frame, _chains(result, frame), edition), frame, edition, _chains(result, frame)
        )
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


def _shown(frame: pl.DataFrame, chains: Sequence[str], edition: Edition) -> pl.DataFrame:
    names = _party_columns(frame)
    masked = _masked(frame, names, chains, edition)
    columns = {name: _column(name, frame[name], chains, masked, edition) for name in frame.columns}
    out = pl.DataFrame(columns, schema={name: _dtype(frame[name]) for name in frame.columns})
    return out.sort(out.columns, nulls_last=True) if edition.name == DISCLOSURE else out


def _masked(
    frame: pl.DataFrame, names: Sequence[str], chains: Sequence[str], edition: Edition
) -> list[bool]:
    """Return for each row whether it names a masked party, or a transaction of one."""
    if not names and "txid" not in frame.columns:
        return [False] * frame.height
    ids = frame["txid"].to_list() if "txid" in frame.columns else [None] * frame.height
    parties_of = frame.select(names).rows() if names else [()] * frame.height
    return [
        any(edition.masks(chain, party) for party in row) or (chain, txid) in edition.withheld
        for chain, row, txid in zip(chains, parties_of, ids, strict=True)
    ]


def transactions_of_masked(results: Iterable[Tabled], edition: Edition) -> frozenset[Party]:
    """Return the transactions that stand in any row beside a party whom the edition masks."""
    found: set[Party] = set()
    for result in results:
        for frame, _ in result.tables().values():
            names = _party_columns(frame)
            if names and "txid" in frame.columns:
                chains = _chains(result, frame)
                masked = _masked(frame, names, chains, edition)
                ids = zip(chains, frame["txid"].to_list(), masked, strict=True)
                found |= {(chain, txid) for chain, txid, hide in ids if hide and txid is not None}
    return frozenset(found)


def _dtype(series: pl.Series) -> pl.DataType | type[pl.DataType]:
    if series.dtype in (pl.Binary, pl.Date) or isinstance(series.dtype, pl.Datetime):
        return pl.String
    if series.name in _COUNTS:
        return pl.String
    return series.dtype


def _column(
    name: str, series: pl.Series, chains: Sequence[str], masked: Sequence[bool], edition: Edition
) -> list[Any]:
    cells = zip(series.to_list(), chains, masked, strict=True)
    if series.dtype == pl.Binary:
        return [_binary(name, value, chain, hide, edition) for value, chain, hide in cells]
    return [_cell(name, value, hide) for value, _, hide in cells]


def _binary(name: str, value: bytes | None, chain: str, hide: bool, edition: Edition) -> str | None:
    if value is None:
        return None
    if name in _OPEN:
        return text(value, chain)
    if name in PARTIES:
        return edition.name_of(chain, value)
    if name in TXIDS:
        return "withheld" if hide else txid_text(value, chain)
    raise InputError(
        f"column {name} holds bytes that no edition knows how to show",
        remedy="name it among the parties or transaction ids",
    )


def _cell(name: str, value: object, hide: bool) -> object:
    if isinstance(value, datetime):
        return (
            f"{value:%Y-%m}"
            if hide
            else f"{value:%Y-%m-%dT%H:%M:%S.%f}".rstrip("0").rstrip(".") + "Z"
        )
    if hasattr(value, "isoformat"):
        return value.isoformat()
    if name in _COUNTS and value is not None:
        return band(int(str(value))) if hide else str(value)
    if not hide or value is None:
        return value
    if name in PLACES:
        return None
    if name in FREE_TEXT and name not in _KEPT:
        return "withheld"
    return _blurred(value)


def _blurred(value: object) -> object:
    if isinstance(value, bool):
        return value
    if isinstance(value, Decimal):
        return Decimal(coarse(int(value)))
    return coarse(value) if isinstance(value, int) else value


def _pooled(
    shown: pl.DataFrame, frame: pl.DataFrame, edition: Edition, chains: Sequence[str]
) -> pl.DataFrame:
    """Replace the pseudonyms of too few masked counterparties of one subject by one word."""
    key = ["subject", "direction"]
    if edition.name != DISCLOSURE or not {*key, "counterparty"} <= set(frame.columns):
        return shown
    hidden = pl.col("counterparty").str.starts_with("masked-")
    few = hidden & (pl.col("counterparty").filter(hidden).n_unique().over(key) < FEWEST)
    word = f"masked (one of fewer than {FEWEST})"
    return shown.with_columns(
        pl.when(few).then(pl.lit(word)).otherwise("counterparty").alias("counterparty")
    ).sort(shown.columns, nulls_last=True)
