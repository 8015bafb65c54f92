"""What became of an end since it was traced, as a later look at the ledger tells it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

import polars as pl

from chainwatch.addresses.assets import Asset
from chainwatch.addresses.silent_moves import silent_moves
from chainwatch.ledger.accounts.authority import with_authority
from chainwatch.ledger.ledger import Ledger
from chainwatch.ledger.output_status import AsOf
from chainwatch.ledger.schema import POSITION_BITS
from chainwatch.ledger.unread.rows_apart import MayHaveMoved, may_have_paid
from chainwatch.tracing.walks.transfer_order import Reading, covered, histories, read_until
from chainwatch.tracing.walks.utxo_graph import Coin, Coins

STILL, MOVED, UNKNOWN = "still unspent", "moved", "not known"
STATUSES: tuple[str, ...] = (STILL, MOVED, UNKNOWN)
"""What is known of an end now, written out."""


class Payment(NamedTuple):
    """Where an end went: an output of the transaction that spends a coin, or a later transfer."""

    txid: bytes
    n: int | None
    time: datetime | None
    to: bytes | None
    amount: int | None
    amount_hex: str | None = None


class Found(NamedTuple):
    """What is known of an end: a status, as of when, in words, and the payments since."""

    status: str
    told: str
    as_of: int | None = None
    as_of_time: datetime | None = None
    payments: Sequence[Payment] = ()


class LaterCoins:
    """Ends on a coin chain: whether an input spends the output, or up to which block none does."""

    def __init__(self, ledger: Ledger, asset: Asset) -> None:
        self.coins = Coins.read(ledger.history, asset.chain)

    def of(self, end: Mapping[str, Any]) -> Found:
        """Return what is known of the output of an end."""
        coin = self._coin(end)
        if coin is None:
            return Found(UNKNOWN, "this ledger does not hold the transaction that made it")
        tx = coin.tx or 0  # one that was found here was read where it was made
        spender = self.coins.spender(tx, coin.n)
        if spender is not None:
            return self._spent(spender)
        if (by := self.coins.misplaced(tx, coin.n)) is not None:
            height = by >> POSITION_BITS
            return Found(UNKNOWN, f"spent at height {height:,}, before it was made: run check")
        known = self.coins.unspent(coin)
        if not isinstance(known, AsOf):
            return Found(UNKNOWN, f"no spender was read: {known}")
        if end["as_of"] is not None and known.height < end["as_of"]:
            told = f"this ledger reads up to {known} only: the trace knew more"
            return Found(UNKNOWN, told, known.height, known.time)
        return Found(STILL, f"unspent as of {known}", known.height, known.time)

    def _coin(self, end: Mapping[str, Any]) -> Coin | None:
        """Return the output, wherever a reorganisation put the transaction; None without it."""
        here = self.coins.numbers_of(end["txid"])
        same = [tx for tx in here if self.coins.number(tx) == end["tx"]]
        for tx in same or here[:1]:
            return next((one for one in self.coins.made(tx) if one.n == end["n"]), None)
        return None

    def _spent(self, tx: int) -> Found:
        time, txid = self.coins.time(tx), self.coins.txid(tx)
        paid = [Payment(txid, one.n, time, one.address, one.value) for one in self.coins.made(tx)]
        lacking = self.coins.lacking(tx)
        rest = f"; of the transaction {lacking} were read" if lacking else ""
        return Found(MOVED, f"spent at height {self.coins.height(tx):,}{rest}", payments=paid)


class LaterBalances:
    """Ends in the balances of accounts: what the address paid since, and how far it was read.

    Which part of a balance a later payment is made of is for a new trace to say. Payments that
    stand among the steps of the trace were known to it.
    """

    def __init__(
        self, ledger: Ledger, asset: Asset, ends: pl.DataFrame, steps: pl.DataFrame
    ) -> None:
        self.known = set(steps.select("source", "txid").iter_rows())
        self.read: Mapping[bytes, tuple[Reading, ...]] = histories(ledger.history, asset)
        self.apart: Mapping[bytes, MayHaveMoved] = may_have_paid(ledger, asset)
        self.silent = silent_moves(asset.chain, asset.contract)
        self.paid = _payments(ledger, asset, ends["address"])

    def of(self, end: Mapping[str, Any]) -> Found:
        """Return what is known of the balance of an end."""
        since, address = end["as_of_time"], end["address"]
        paid = [one for one in self.paid.get(address, []) if (address, one.txid) not in self.known]
        undated = [one for one in paid if one.time is None]
        later = [one for one in paid if one.time is not None and _after(one.time, end)]
        until = read_until(self.read.get(address, ()), since or end["time"])
        if later and since is not None:
            return Found(MOVED, _many(later), None, until, later)
        if later:
            told = f"{_many(later)} after it came in; up to when the trace knew is not told"
            return Found(UNKNOWN, told, None, until, later)
        if undated:
            return Found(UNKNOWN, f"{_many(undated)} at a time that was not read", None, until)
        return self._silent(end, until) or Found(STILL, _held(until), None, until)

    def _silent(self, end: Mapping[str, Any], until: datetime | None) -> Found | None:
        """Return why nobody knows, where no later payment was read and yet one is possible."""
        since, address = end["as_of_time"], end["address"]
        readings = self.read.get(address, ())
        if not readings or not covered(readings, since or end["time"]):
            return Found(UNKNOWN, "the history of this address was not read since")
        if since is not None and until is not None and until <= since:
            return Found(UNKNOWN, f"its history was read no further: {_held(until)}", None, until)
        moved = self.apart.get(address)
        if moved is not None and not _before(moved, end):
            return Found(UNKNOWN, "rows that were set apart may have paid it", None, until)
        if self.silent is not None and self.silent.any_time:
            return Found(UNKNOWN, self.silent.caveat, None, until)
        return None


def _after(time: datetime, end: Mapping[str, Any]) -> bool:
    """Tell whether a payment came after what the trace knew.

    The end of a span is not in it, the end of what was read of a history is.
    """
    since = end["as_of_time"]
    if since is None:
        return bool(end["time"] is None or time > end["time"])
    spanned = str(end["detail"]).startswith("held at the end of")
    return bool(time >= since if spanned else time > since)


def _before(moved: MayHaveMoved, end: Mapping[str, Any]) -> bool:
    """Tell whether rows set apart were known to the trace, as far as that can be told."""
    return False if moved.first is None else not _after(moved.first, end)


def _payments(ledger: Ledger, asset: Asset, addresses: pl.Series) -> dict[bytes, list[Payment]]:
    """Return what addresses paid of an asset, in order; what failed or moved nothing is none."""
    from_one = pl.col("sender").is_in(addresses.drop_nulls().unique().implode())
    real = pl.col("success").ne_missing(False) & (pl.col("amount") > 0).fill_null(True)
    elsewhere = pl.col("sender") != pl.col("receiver")
    paid = ledger.history.transfers.filter(asset.of_transfers() & from_one & real & elsewhere)
    rows = (
        with_authority(ledger, paid.collect())
        .filter(pl.col("signed").ne_missing(False))
        .select("sender", "txid", "log_index", "time", "receiver", "amount", "amount_hex")
        .sort("time", "txid", "log_index", "receiver", "amount", nulls_last=True)
    )
    found: dict[bytes, list[Payment]] = {}
    for sender, *payment in rows.iter_rows():
        found.setdefault(sender, []).append(Payment(*payment))
    return found


def _many(paid: Iterable[Payment]) -> str:
    listed = list(paid)
    return f"{len(listed):,} {'payment' if len(listed) == 1 else 'payments'} of this address"


def _held(until: datetime | None) -> str:
    if until is None:
        return "no payment of this address up to the end of what was read"
    return f"no payment of this address up to {until:%Y-%m-%d %H:%M:%S} UTC"
