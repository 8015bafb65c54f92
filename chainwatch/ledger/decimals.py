"""The decimals of a contract: what all rows that state any agree on. Decided here alone.

A table may state the decimals of a token in some rows and not in others, or differently in two.
They are of the contract and not of a transfer: what its rows agree on holds for all of them,
whoever's they are, whenever, and whether they took effect. Where they disagree nobody knows what a
base unit is worth: amounts are then in base units, and that is said.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import NamedTuple

import polars as pl

from chainwatch.addresses.assets import Asset
from chainwatch.addresses.canonical import text
from chainwatch.errors import InputError
from chainwatch.ledger.ledger import Ledger
from chainwatch.units import MOST_DECIMALS

Contract = tuple[str, bytes]
"""CAIP-2 id of the chain, and canonical address of the contract."""


class Stated(NamedTuple):
    """What the rows of a contract state: ``all`` different numbers, in order."""

    all: tuple[int, ...]

    @property
    def decimals(self) -> int | None:
        """The one number that they agree on; None where there is none that can be shown."""
        usable = len(self.all) == 1 and 0 <= self.all[0] <= MOST_DECIMALS
        return self.all[0] if usable else None

    @property
    def doubt(self) -> str:
        """Why amounts are in base units although decimals are stated; empty where they are not."""
        if self.decimals is not None or not self.all:
            return ""
        said = " and ".join(map(str, self.all))
        if len(self.all) > 1:
            return f"its rows state {said} decimals, so that its amounts are in base units"
        return f"its rows state {said} decimals, too many: its amounts are in base units"


SILENT = Stated(())
"""No row states any."""


def stated(ledger: Ledger) -> Mapping[Contract, Stated]:
    """Return what is stated of each contract of which any row states decimals.

    The whole ledger is asked, whatever the span that is looked at; once for a commit.
    """
    whole = ledger.history
    key = ("decimals", whole.commit and whole.commit.number, whole.chain)
    return whole.kept(key, lambda: _read(whole))


def _read(ledger: Ledger) -> dict[Contract, Stated]:
    said = ledger.transfers.filter(
        pl.col("contract").is_not_null() & pl.col("decimals").is_not_null()
    )
    each = said.select("chain", "contract", "decimals").unique().collect()
    found: dict[Contract, tuple[int, ...]] = {}
    for chain, contract, decimals in each.sort("chain", "contract", "decimals").iter_rows():
        found[chain, contract] = (*found.get((chain, contract), ()), decimals)
    return {contract: Stated(numbers) for contract, numbers in found.items()}


def with_decimals(ledger: Ledger, rows: pl.DataFrame) -> pl.DataFrame:
    """Return rows of transfers, each with the decimals of its contract in place of its own.

    Parameters
    ----------
    ledger : Ledger
        Whose rows decide.
    rows : polars.DataFrame
        With ``chain`` and ``contract``; ``decimals`` are written anew, or added at the end.

    Returns
    -------
    polars.DataFrame
        ``decimals`` is null of the native coin, and where the rows of a contract state none,
        disagree, or state more than can be shown.
    """
    known = stated(ledger)
    pairs = zip(rows["chain"].to_list(), rows["contract"].to_list(), strict=True)
    decided = [
        None if contract is None else known.get((chain, contract), SILENT).decimals
        for chain, contract in pairs
    ]
    return rows.with_columns(pl.Series("decimals", decided, dtype=pl.Int64))


def doubts(ledger: Ledger, chain: str, contracts: Collection[bytes | None]) -> Iterator[str]:
    """Yield for each contract whose stated decimals cannot be used a sentence that says so."""
    known = stated(ledger)
    for contract in sorted(filter(None, set(contracts))):
        if doubt := known.get((chain, contract), SILENT).doubt:
            yield f"contract {text(contract, chain)}: {doubt}"


def check_decimals(ledger: Ledger, asset: Asset) -> str:
    """Return a sentence where rows of an asset's contract disagree on its decimals; else nothing.

    Who names an asset says with how many decimals it is shown: where rows disagree that decides,
    and the sentence says so. Where they agree on another number, one of the two is wrong.

    Raises
    ------
    InputError
        If all rows that state decimals state another number: every amount would be shown wrongly.
    """
    if asset.contract is None:
        return ""
    found = stated(ledger).get((asset.chain, asset.contract), SILENT).all
    if not found or found == (asset.decimals,):
        return ""
    contract, said = text(asset.contract, asset.chain), " and ".join(map(str, found))
    if asset.decimals not in found:
        raise InputError(
            f"the asset has {asset.decimals} decimals, and the rows of contract {contract} state"
            f" {said}",
            where=f"decimals of {asset.symbol!r}",
            remedy=f"name the asset with {found[0]} decimals, or correct the column of the file",
        )
    return (
        f"The rows of contract {contract} state {said} decimals; amounts are shown with"
        f" {asset.decimals}, as whoever named the asset says."
    )
