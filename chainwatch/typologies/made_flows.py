"""Flows out of a frame of payments: of account chains, of simulated money, of a test."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from chainwatch.addresses.assets import Asset
from chainwatch.errors import InputError
from chainwatch.ledger.schema import TIME
from chainwatch.typologies.flows import OWN, Flows, Name, Unlocked
from chainwatch.typologies.lists import NOBODY, amounts_of
from chainwatch.units import AMOUNT


def everything_read(party: bytes) -> str:
    """Say of any party that all of its history was read: of payments that are made up."""
    return ""


PAYMENT: dict[str, pl.DataType | type[pl.DataType]] = {
    "payer": pl.Binary, "payee": pl.Binary, "amount": AMOUNT, "time": TIME, "tx": pl.Int64,
    "txid": pl.Binary, "place": pl.Int64, "rank": pl.Int64, "agreed": pl.Boolean,
    "payer_name": pl.Int32, "payee_name": pl.Int32, "quorum": pl.String,
    "keys": pl.List(pl.Binary),
}  # fmt: skip
"""Columns of which :func:`make_flows` makes payments; all but the first four may be missing."""


def make_flows(
    rows: pl.DataFrame, asset: Asset, *, names: Sequence[Name] = (),
    reading: Callable[[bytes], str] = everything_read, left: Mapping[str, int] | None = None,
    **made_of: Any,
) -> Flows:  # fmt: skip
    """Return payments of a frame as flows.

    Parameters
    ----------
    rows : polars.DataFrame
        ``payer, payee, amount, time`` of each payment, and what else :data:`PAYMENT` names: owners
        by their ids, a null payer is not known; ``rank`` tells payments of one time apart that have
        an order, the smaller first; names are places in ``names``; ``quorum`` and ``keys`` are what
        unlocked the coins. Rows of a payer to himself are left out and counted.
    asset : Asset
        What was paid.
    names, reading, left
        As of :class:`Flows`.
    **made_of
        ``prices, ledger, tags, clusters, facts`` of :class:`Flows`.

    Raises
    ------
    InputError
        If a payment has no payee, no time, or an amount that is not above zero.
    """
    defaults: dict[str, Any] = {"agreed": True, "payer_name": NOBODY, "payee_name": NOBODY}
    full = rows.with_columns(
        pl.lit(defaults.get(name)).cast(dtype).alias(name)
        for name, dtype in PAYMENT.items()
        if name not in rows.columns
    ).select(pl.col(name).cast(dtype) for name, dtype in PAYMENT.items())
    if full.select("payee", "amount", "time").null_count().sum_horizontal().item() or (
        full.filter(pl.col("amount") <= 0).height
    ):
        raise InputError(
            "a payment lacks its payee, its time, or an amount above zero",
            remedy="leave such rows out, and count them",
        )
    own = pl.col("payer").eq(pl.col("payee")).fill_null(value=False)
    kept = full.filter(~own).sort("time", "rank", "tx", "txid", "place", "payer", "payee", "amount")
    gone = {OWN: full.height - kept.height, **(left or {})}
    return _made(kept, asset, tuple(names), reading, gone, made_of)


def _made(
    rows: pl.DataFrame, asset: Asset, names: tuple[Name, ...], reading: Callable[[bytes], str],
    left: Mapping[str, int], made_of: dict[str, Any],
) -> Flows:  # fmt: skip
    sides = rows["payer"].drop_nulls().alias("party"), rows["payee"].alias("party")
    parties = pl.concat(sides).unique().sort()
    numbered = parties.to_frame().with_row_index("number")
    payer, payee = (
        rows.select(party=side).join(numbered, on="party", how="left", maintain_order="left")
        ["number"].cast(pl.Int32).fill_null(NOBODY).to_numpy().copy()
        for side in ("payer", "payee")
    )  # fmt: skip
    time = rows["time"].dt.epoch("us").to_numpy().copy()
    ids = rows["txid"]
    numbers = {
        name: rows[name].fill_null(-1).to_numpy().copy()
        for name in ("tx", "place", "payer_name", "payee_name")
    }
    return Flows(
        asset, parties, payer, payee, amounts_of(rows["amount"]), time, time, _ranks(rows),
        numbers["tx"], numbers["place"], _deeds(rows), rows["agreed"].to_numpy().copy(),
        numbers["payer_name"], numbers["payee_name"], names,
        lambda some: ids.gather(pl.Series(some)), reading, np.zeros(len(parties), np.int64),
        np.zeros(len(parties), np.bool_), left, unlocking=lambda: unlocked_of(rows), **made_of,
    )  # fmt: skip


def unlocked_of(rows: pl.DataFrame) -> Unlocked | None:
    """Return what rows of payments, in order, say by their ``quorum`` and ``keys``."""
    quorums = tuple(rows["quorum"].drop_nulls().unique().sort())
    if not quorums:
        return None
    places = rows["quorum"].replace_strict(
        quorums, range(len(quorums)), default=NOBODY, return_dtype=pl.Int32
    )
    keys = rows["keys"]
    return Unlocked(
        places.fill_null(NOBODY).to_numpy().copy(), quorums,
        lambda some: [frozenset(one or ()) for one in keys.gather(pl.Series(some)).to_list()],
    )  # fmt: skip


def _deeds(rows: pl.DataFrame) -> NDArray[np.int64]:
    """Return a number for each transaction; a payment without an id is one by itself."""
    numbered = rows.with_row_index("row").select(
        pl.when(pl.col("txid").is_null()).then(-1 - pl.col("row").cast(pl.Int64))
        .otherwise(pl.col("txid").rank("dense").cast(pl.Int64))
    )  # fmt: skip
    return numbered.to_series().to_numpy().copy()


def _ranks(rows: pl.DataFrame) -> NDArray[np.int64]:
    """Return of sorted payments what order holds: of one time those without a rank have one."""
    loose = pl.col("rank").is_null().any().over("time")
    known = pl.when(~loose).then("rank")
    changed = rows.select(
        (pl.col("time") != pl.col("time").shift(1)).fill_null(value=True)
        | known.ne_missing(known.shift(1))
    ).to_series()
    return changed.cast(pl.Int64).cum_sum().to_numpy().copy()


__all__ = ["PAYMENT", "everything_read", "make_flows", "unlocked_of"]
