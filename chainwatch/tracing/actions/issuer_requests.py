"""A request to the issuer of a token: which of its tokens lie in wallets that nobody hosts.

The issuer alone can hold them back there. It is told each address, what it held as of when, how
much of that was followed, and what was read of its own freezes; not how it came there, nor whose.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import polars as pl

from chainwatch.addresses.assets import Asset
from chainwatch.addresses.canonical import text
from chainwatch.chains.catalogue import chain as find_chain
from chainwatch.tracing.actions.requests import BY_ORDER, cell
from chainwatch.tracing.stops import UNSPENT
from chainwatch.units import exact_sum

_HEAD = ("address", "balance", "as of", "of which followed", "freezes as far as read")


def issuer_request(
    rows: pl.DataFrame,
    asset: Asset,
    policy: str,
    *,
    conserves: bool,
    backward: bool,
    order_open: str = "",
) -> dict[str, str]:
    """Return the request to the issuer as Markdown, by whom it goes to; none for a native coin.

    Parameters
    ----------
    rows : polars.DataFrame
        In the columns of :data:`chainwatch.tracing.actions.sheet.ACTIONS`; those that are unspent
        and at no service lie in wallets of their own.
    asset : Asset
        What was followed.
    policy : str
        By which method.
    conserves, backward : bool
        As the trace says of itself: backward nothing lies there any more.
    order_open : str
        A sentence that the order of transfers is open, if it is: amounts hang on it.
    """
    held = rows.filter((pl.col("reason") == UNSPENT) & pl.col("service").is_null())
    if asset.contract is None or backward or held.is_empty():
        return {}
    to = f"issuer of {asset.symbol}"
    wallets = _wallets(held, conserves=conserves)
    hangs = f" {order_open} {BY_ORDER}" if order_open else ""
    return {to: "\n".join(_lines(to, wallets, asset, policy, hangs))}


def _wallets(rows: pl.DataFrame, *, conserves: bool) -> pl.DataFrame:
    """Return each address once; of reach the largest amount."""
    amount = exact_sum("amount") if conserves else pl.col("amount").max()
    same = ("held", "as_of", "as_of_time", "freeze")
    return (
        rows.group_by("address")
        .agg(amount.alias("amount"), *(pl.col(name).first() for name in same))
        .sort("address")
    )


def _lines(to: str, rows: pl.DataFrame, asset: Asset, policy: str, hangs: str) -> Iterator[str]:
    network, contract = find_chain(asset.chain), asset.contract
    yield f"# Request to hold back tokens: {cell(to)}"
    yield ""
    yield "From: [authority, officer, reference]  "
    yield f"To: {cell(to)}, contract {text(contract, asset.chain) if contract else ''}  "
    yield "Legal basis: [freezing order or letter of request]"
    yield ""
    yield f"Network: {network.name} ({network.id})."
    yield ""
    yield (
        f"Value was followed to the wallets below by the method {cell(policy)}; no service is"
        f" known to keep them.{hangs} Please say whether they can be frozen, freeze them as the"
        " legal basis above provides, and say when that is done."
    )
    yield ""
    yield f"| {' | '.join(_HEAD)} |"
    yield f"|{' --- |' * len(_HEAD)}"
    for row in rows.iter_rows(named=True):
        yield f"| {' | '.join(_cells(row, asset))} |"
    yield ""


def _cells(row: Mapping[str, Any], asset: Asset) -> Iterator[str]:
    yield text(row["address"], asset.chain)
    held, height, time = row["held"], row["as_of"], row["as_of_time"]
    yield "not read" if held is None else _amount(int(held), asset)
    moment = "" if time is None else f"{time:%Y-%m-%d %H:%M:%S} UTC"
    block = "" if height is None else f"block {height:,}"
    yield ", ".join(filter(None, (block, moment))) or "the end of what was read"
    yield _amount(int(row["amount"]), asset)
    yield cell(row["freeze"] or "not read")


def _amount(amount: int, asset: Asset) -> str:
    return f"{cell(asset.shown(amount))} ({amount} base units)"
