"""A table for people: addresses and ids as text, times to the second, amounts in coins too."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import polars as pl

from chainwatch.addresses.assets import Asset
from chainwatch.chains.catalogue import chain as chain_of
from chainwatch.errors import InputError
from chainwatch.results.table import Privacy, Rows
from chainwatch.results.text_frame import alias_of, as_text
from chainwatch.sanitize import visible
from chainwatch.units import MOST_DECIMALS, to_text, whole

_NAMES = (Privacy.PARTY, Privacy.CONTRACT, Privacy.TXID)
_TEXTS = frozenset(
    {Privacy.TEXT, Privacy.STRANGER, Privacy.NAME, Privacy.SERVICE, Privacy.WORD, Privacy.KIND}
)


def plain_frame(
    tables: Mapping[str, Rows], name: str, asset: Asset | None, chain: str = ""
) -> pl.DataFrame:
    """Return a table of a result as texts for people; nobody is masked in it.

    Parameters
    ----------
    tables : mapping
        The tables of the result.
    name : str
        Which; the first, where nothing is said.
    asset : Asset or None
        What the amounts are of. Each is given in base units, and again as ``<name>_coins`` where
        the decimals are known: of this asset, or else of the native coin, where a row is of a coin
        chain or names no token. One that is wider than 38 digits stands in hexadecimal in the
        column ``<name>_hex``.
    chain : str
        CAIP-2 id of the chain of the rows, where no column and no asset says it.

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
    chains = [item or chain for item in chains_of(frame, asset)]
    columns: dict[str, Any] = {}
    for column in frame.columns:
        privacy = table[column].privacy
        if privacy is Privacy.BEHIND:  # it is there for editions, and would name parties in bytes
            continue
        columns[column] = _told(frame[column], chains, privacy)
        if privacy is Privacy.AMOUNT:
            coins = _coins(frame, column, chains, asset)
            if asset is not None or any(coins):
                columns[f"{column}_coins"] = pl.Series(coins, dtype=pl.String)
    return pl.DataFrame(columns)


def _coins(
    frame: pl.DataFrame, column: str, chains: Sequence[str], asset: Asset | None
) -> list[str | None]:
    """Return amounts in coins; None where nothing was read or the decimals are not known."""
    places = [asset.decimals] * frame.height if asset else _decimals(frame, chains)
    nothing = [None] * frame.height
    wider = frame[f"{column}_hex"].to_list() if f"{column}_hex" in frame.columns else nothing
    amounts = (whole(*cells) for cells in zip(frame[column].to_list(), wider, strict=True))
    return [
        None if amount is None or known is None else to_text(amount, known)
        for amount, known in zip(amounts, places, strict=True)
    ]


def _decimals(frame: pl.DataFrame, chains: Sequence[str]) -> list[int | None]:
    """Return the decimals of each row: of its coin, or what is said beside its token.

    On account chains a row is of the coin only where it could name a token and names none.
    """
    nothing = [None] * frame.height
    named = "contract" in frame.columns
    tokens = frame["contract"].to_list() if named else nothing
    said = frame["decimals"].to_list() if "decimals" in frame.columns else nothing
    found: list[int | None] = []
    for chain, token, stated in zip(chains, tokens, said, strict=True):
        if token is not None or not chain:
            found.append(stated if stated is not None and 0 <= stated <= MOST_DECIMALS else None)
            continue
        network = chain_of(chain)
        found.append(network.decimals if network.family == "utxo" or named else None)
    return found


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
        return pl.Series(series.name, [item and alias_of(item) for item in series], pl.String)
    if isinstance(series.dtype, pl.Datetime):
        times = [value and _second(value) for value in series.to_list()]
        return pl.Series(series.name, times, pl.String)
    if series.dtype == pl.String and privacy in _TEXTS:
        return pl.Series(series.name, [item and visible(item) for item in series], pl.String)
    return series


def _binary(value: bytes, chain: str, privacy: Privacy) -> str:
    if not chain or privacy not in _NAMES:
        return value.hex()
    return as_text(value, chain, an_id=privacy is Privacy.TXID)


def _second(value: datetime) -> str:
    return f"{value:%Y-%m-%d %H:%M:%S}"
