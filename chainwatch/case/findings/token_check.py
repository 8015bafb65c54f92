"""Is the token that a case names the one that was read? Checked before anything is computed."""

from __future__ import annotations

import polars as pl

from chainwatch.addresses.assets import Asset
from chainwatch.addresses.canonical import text
from chainwatch.errors import CaseError, InputError
from chainwatch.ledger.decimals import check_decimals
from chainwatch.ledger.ledger import Ledger
from chainwatch.results.result import Finding
from chainwatch.sanitize import visible
from chainwatch.units import counted

MOST = 5
"""Contracts that an error names."""


def check_token(ledger: Ledger, asset: Asset) -> Finding | None:
    """Return a note where the rows call the token otherwise than the case does, or nothing.

    Raises
    ------
    CaseError
        If no transfer of the contract was read, or its rows state other decimals.
    """
    rows = ledger.transfers.filter(asset.of_transfers())
    found = rows.select("symbol").unique().collect()
    if not found.height:
        raise _absent(ledger, asset)
    contract = text(asset.contract, asset.chain) if asset.contract else asset.symbol
    try:
        doubt = check_decimals(ledger, asset)
    except InputError as error:
        raise CaseError(error.what, where="[asset] decimals", remedy=error.remedy) from None
    symbols = sorted(found["symbol"].drop_nulls().unique().to_list())
    notes = []
    if [item for item in symbols if item != asset.symbol]:
        names = ", ".join(repr(visible(item)) for item in symbols)
        notes.append(
            f"The case calls the token {asset.symbol!r}; the rows of its contract {contract} call"
            f" it {names}. The contract decides, a symbol is not a token."
        )
    if doubt:
        notes.append(doubt)
    return Finding("The token", tuple(notes), headline=" ".join(notes)) if notes else None


def _absent(ledger: Ledger, asset: Asset) -> CaseError:
    """Return what to say where the contract does not occur."""
    other = (
        ledger.transfers.filter(pl.col("chain") == asset.chain)
        .group_by("contract", "symbol")
        .agg(pl.len().alias("rows"))
        .sort(["rows", "contract", "symbol"], descending=[True, False, False])
        .head(MOST)
        .collect()
    )
    held = "; ".join(
        f"{text(contract, asset.chain) if contract else 'the native coin'}"
        f" ({visible(symbol or 'no symbol')[:20]}, {counted(count, 'row', 'rows')})"
        for contract, symbol, count in other.iter_rows()
    )
    what = f"the coin {asset.symbol}"
    if asset.contract:
        what = f"contract {text(asset.contract, asset.chain)}"
    return CaseError(
        f"no transfer of {what} was read; the table holds"
        f" {held or f'no transfer on {asset.chain}'}",
        where="[asset] contract",
        remedy="name one of these contracts, or read another file",
    )
