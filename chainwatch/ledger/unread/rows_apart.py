"""Rows of tables of transfers that were set apart: what they may have moved, and of whom.

Such a row is no payment that can be followed: who paid, who was paid, or how much is not read, or
it is wider than can be added up. But value may have moved by it, so that no balance of an address
that it names is known, and what is called unspent is less by what the address may have paid so.
Decided here alone.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any, NamedTuple

import polars as pl

from chainwatch.addresses.assets import Asset
from chainwatch.chains.base import Chain
from chainwatch.ledger.ledger import Ledger
from chainwatch.units import LARGEST_AMOUNT, whole

KIND = "apart"
"""Kind of the units of coverage that tell of rows set apart."""

APART = {
    "transaction": "no transaction: a reward, or a payment of the protocol",
    "id": "no transaction id: who pays stands there, and not in which transaction",
    "payer": "no payer: a reward, or a payment of the protocol",
    "creation": "no receiver: a contract is created",
    "log": "parties or amounts that make no sense",
    "decimals": "amounts in whole tokens whose decimals are not given",
    "rounded": "amounts that passed through a double and may have lost digits",
}
"""Why a row of a table of transfers, or the log of one, is none; stands in its unit,
``dump/<sha256>/apart/<why>`` or ``block/<hash>/apart/<why>``."""

PAID, GOT = "paid", "got"
"""What an address may have done by such a row; stands behind the reason, before the address."""


class MayHaveMoved(NamedTuple):
    """What rows set apart may have moved.

    ``amount`` is at most what they moved, in base units, for two tables may list one row; None
    where it cannot be read. ``first`` is None where a row has no time.
    """

    rows: int
    amount: int | None
    first: datetime | None


def by_reason(ledger: Ledger, chain: Chain) -> dict[str, MayHaveMoved]:
    """Return what was set apart on a chain, by reason."""
    return _summed(_units(ledger, chain.id).filter(pl.col("address").is_null()), "why")


def may_have_paid(
    ledger: Ledger, asset: Asset, wide: pl.DataFrame | None = None
) -> dict[bytes, MayHaveMoved]:
    """Return what each address may have paid of an asset in rows that were set apart.

    Parameters
    ----------
    ledger : Ledger
        Whose coverage is asked.
    asset : Asset
        Which asset.
    wide : polars.DataFrame, optional
        Transfers that were read and are too wide to add up, ``sender, receiver, time,
        amount_hex``: they are in no balance, and whoever sent them has paid so much.
    """
    mine = pl.col("contract").eq_missing(pl.lit(asset.contract, pl.Binary))
    paid = pl.col("address").is_not_null() & (pl.col("way") == PAID)
    found = _read(_units(ledger, asset.chain).filter(mine & paid), "address")
    if wide is not None:
        sent = wide.filter(pl.col("sender") != pl.col("receiver"))
        for sender, amount, time in sent.select("sender", "amount_hex", "time").iter_rows():
            found.setdefault(sender, []).append((1, whole(None, amount), time))
    return _together(found)


def moved_by_asset(
    ledger: Ledger, chain: Chain, address: bytes
) -> dict[bytes | None, dict[str, MayHaveMoved]]:
    """Return what an address may have paid and got in rows set apart, by contract of the asset."""
    units = _units(ledger, chain.id).filter(pl.col("address") == address)
    found: dict[bytes | None, dict[str, MayHaveMoved]] = {}
    for way in (PAID, GOT):
        for contract, moved in _summed(units.filter(pl.col("way") == way), "contract").items():
            found.setdefault(contract, {})[way] = moved
    return found


def _units(ledger: Ledger, chain: str) -> pl.LazyFrame:
    """Return the units of rows set apart, with reason and way, whatever the span of the ledger."""
    parts = pl.col("unit").str.split("/")
    return ledger.history.coverage.filter(
        (pl.col("chain") == chain) & (pl.col("kind") == KIND)
    ).with_columns(why=parts.list.get(3), way=parts.list.get(4, null_on_oob=True))


Moves = list[tuple[int, int | None, datetime | None]]
"""Of several units how many rows each has, how much they moved, and the time of the first."""


def _summed(units: pl.LazyFrame, key: str) -> dict[Any, MayHaveMoved]:
    return _together(_read(units, key))


def _read(units: pl.LazyFrame, key: str) -> dict[Any, Moves]:
    rows = units.select(key, "apart", "amount", "from_time").sort(key, nulls_last=False).collect()
    found: dict[Any, Moves] = {}
    for name, *moved in rows.iter_rows():
        found.setdefault(name, []).append((moved[0], moved[1], moved[2]))
    return found


def _together(found: dict[Any, Moves]) -> dict[Any, MayHaveMoved]:
    return {
        name: MayHaveMoved(
            sum(count for count, _, _ in moves),
            None
            if any(amount is None for _, amount, _ in moves)
            else sum(int(amount) for _, amount, _ in moves if amount is not None),
            min((one for _, _, one in moves if one), default=None)
            if all(one for _, _, one in moves) else None,
        )
        for name, moves in found.items()
    }  # fmt: skip


def exact(amounts: Iterable[int | None]) -> int | None:
    """Return a sum of amounts; None where one cannot be read, or no column holds the sum."""
    total = 0
    for amount in amounts:
        if amount is None:
            return None
        total += int(amount)
    return total if total <= LARGEST_AMOUNT else None
