"""A table for people: addresses and ids as text, times to the second, amounts in coins too."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import polars as pl

from chainwatch.addresses.assets import Asset
from chainwatch.addresses.canonical import text, txid_text
from chainwatch.chains.catalogue import chain as chain_of
from chainwatch.errors import InputError
from chainwatch.results.table import Privacy, Rows
from chainwatch.sanitize import visible
from chainwatch.units import to_text

_ADDRESSES = (Privacy.PARTY, Privacy.CONTRACT)
_TEXTS = frozenset(
    {Privacy.TEXT, Privacy.STRANGER, Privacy.NAME, Privacy.SERVICE, Privacy.WORD, Privacy.KIND}
)


def plain_frame(tables: Mapping[str, Rows], name: str, asset: Asset | None) -> pl.DataFrame:
    """Return a table of a result as texts for people; nobody is masked in it.

    Parameters
    ----------
    tables : mapping
        The tables of the result.
    name : str
        Which; the first, where nothing is said.
    asset : Asset or None
        Says on which chain the addresses are where no column does, and in what coins to tell
        amounts: each is given in base units, and again as ``<name>_coins``.

    Raises
    ------
    InputError
        If the result has no such table.
    """
    if not tables or (name and name not in tables):
        raise InputError(
            f"there is no table {name!r}" if name else "there is no table to show",
            remedy=f"name one of {', '.join(tables)}" if tables else "ask what it was made of",
        )
    frame, table = tables[name or next(iter(tables))]
    chains = chains_of(frame, asset)
    columns: dict[str, Any] = {}
    for column in frame.columns:
        privacy = table[column].privacy
        columns[column] = _told(frame[column], chains, privacy)
        if privacy is Privacy.AMOUNT and asset is not None:
            columns[f"{column}_coins"] = [
                None if value is None else to_text(int(value), asset.decimals)
                for value in frame[column].to_list()
            ]
    return pl.DataFrame(columns)


def chains_of(frame: pl.DataFrame, asset: Asset | None) -> Sequence[str]:
    """Return the chain of each row: as its column says, or that of the asset."""
    if "chain" in frame.columns:
        return frame["chain"].to_list()
    return [asset.chain if asset else ""] * frame.height


def _told(series: pl.Series, chains: Sequence[str], privacy: Privacy) -> pl.Series:
    if series.dtype == pl.Binary:
        values: list[str | None] = [
            None if value is None else _binary(value, chain, privacy)
            for value, chain in zip(series.to_list(), chains, strict=True)
        ]
        return pl.Series(series.name, values, pl.String)
    if series.name == "chain" and series.dtype == pl.String:
        return pl.Series(series.name, [item and chain_of(item).alias for item in series], pl.String)
    if isinstance(series.dtype, pl.Datetime):
        times = [value and _second(value) for value in series.to_list()]
        return pl.Series(series.name, times, pl.String)
    if series.dtype == pl.String and privacy in _TEXTS:
        return pl.Series(series.name, [item and visible(item) for item in series], pl.String)
    return series


def _binary(value: bytes, chain: str, privacy: Privacy) -> str:
    if privacy in _ADDRESSES and chain:
        return text(value, chain)
    if privacy is Privacy.TXID and chain:
        return txid_text(value, chain)
    return value.hex()


def _second(value: datetime) -> str:
    return f"{value:%Y-%m-%d %H:%M:%S}"
