"""Both sides of known crossings, found by the payment that a trace reaches, in either direction."""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Iterator, Mapping
from typing import Any, NamedTuple

import polars as pl

from chainwatch.addresses.assets import Asset
from chainwatch.chains.catalogue import chain as find_chain
from chainwatch.tracing.crossings.result import ASSET, Crossings
from chainwatch.tracing.result import Trace
from chainwatch.tracing.stops import BRIDGE

Row = Mapping[str, Any]
Key = tuple[str, bytes | None, bytes, int]
"""What calls a payment: chain, contract, transaction and place in it."""


def key_of(row: Row) -> Key:
    """Return what calls a deposit or payout."""
    return row["chain"], row["contract"], row["txid"], row["n"]


def asset_of(row: Row) -> Asset:
    """Return what a deposit or payout is of."""
    return Asset(*(row[name] for name in ASSET))


class Pairs(NamedTuple):
    """Deposits with the payouts that answer them, by the side that a trace reaches first.

    Attributes
    ----------
    back : bool
        Whether that is the payout.
    found : dict
        By what calls the near payment, pairs of a deposit and a payout; of a deposit that is open
        one pair without a payout.
    shared : Counter
        By what calls the far payment, with how many near ones it is paired.
    """

    back: bool
    found: dict[Key, list[tuple[Row, Row | None]]]
    shared: Counter[Key]

    @classmethod
    def read(cls, crossings: Crossings, *, back: bool) -> Pairs:
        """Return what crossings know, ready to be asked."""
        deposits = {row["crossing"]: row for row in crossings.frame.iter_rows(named=True)}
        found: dict[Key, list[tuple[Row, Row | None]]] = {}
        shared: Counter[Key] = Counter()
        open_ = dict(deposits)
        for paid in crossings.payouts.iter_rows(named=True):
            deposit = deposits[paid["crossing"]]
            open_.pop(paid["crossing"], None)
            near, far = (paid, deposit) if back else (deposit, paid)
            found.setdefault(key_of(near), []).append((deposit, paid))
            shared[key_of(far)] += 1
        for deposit in open_.values() if not back else ():
            found[key_of(deposit)] = [(deposit, None)]
        return cls(back, found, shared)


def reached(found: Trace, known: Container[Key]) -> Iterator[tuple[int, Key, int]]:
    """Yield the payments by which a leg reaches bridges: row of the end, key, and traced amount.

    A payment that crossings know counts whatever else tags call the address. Followed backward over
    coins, an end is the coin of the bridge; what it paid out is told by the step in which that coin
    was spent.
    """
    asset = found.asset
    columns = ("reason", "tx", "txid", "n", "amount", "subject")
    spent = _spent(found) if found.direction == "backward" else {}
    coins = find_chain(asset.chain).family == "utxo"
    for place, (reason, tx, txid, n, amount, subject) in enumerate(
        found.ends.select(columns).iter_rows()
    ):
        if coins and found.direction == "backward":
            paid = spent.get((tx, n, subject), [])
        else:
            paid = [(txid, n, int(amount))]
        for out, at, part in paid:
            key = (asset.chain, asset.contract, out, at)
            if reason == BRIDGE or key in known:
                yield place, key, part


def _spent(found: Trace) -> dict[tuple[int, int, bytes], list[tuple[bytes, int, int]]]:
    """Return by coin and subject the outputs that it paid, with how much of them is traced."""
    told: dict[tuple[int, int, bytes], list[tuple[bytes, int, int]]] = {}
    rows = found.steps.filter(pl.col("source_tx").is_not_null())
    columns = ("source_tx", "source_n", "subject", "txid", "n", "amount")
    for tx, n, subject, txid, at, amount in rows.select(columns).iter_rows():
        told.setdefault((tx, n, subject), []).append((txid, at, int(amount)))
    return told
