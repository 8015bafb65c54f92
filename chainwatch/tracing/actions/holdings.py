"""What the chain shows at an end: nothing at a service, a coin or a balance in one's own wallet."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple

import polars as pl

from chainwatch.addresses.assets import Asset
from chainwatch.chains.catalogue import chain as find_chain
from chainwatch.ledger.ledger import Ledger
from chainwatch.ledger.lookup.lookup import address_summary
from chainwatch.ledger.lookup.summaries import AddressSummary
from chainwatch.ledger.output_status import block_text
from chainwatch.tracing.ends.doubts import UNKNOWN_WAY
from chainwatch.tracing.stops import ONE_DESTINATION, TAGGED, UNSPENT
from chainwatch.tracing.walks.transfer_order import Reading, histories, read_until
from chainwatch.tracing.walks.utxo_graph import Coins
from chainwatch.units import LARGEST_AMOUNT, whole

AT_SERVICE = "not observable on chain: the service knows"
BEYOND = "not followed: whether it is still there was not asked"
PASSED_ON = "passed on to that service alone, as far as read: open this end to follow it there"
NO_BALANCE = "balance not read"


class Holding(NamedTuple):
    """What is held at an end, up to which block or moment that is known, and in words.

    ``amount`` is all of the coin or balance, traced or not; None where it was not read.
    """

    amount: int | None
    as_of: int | None
    as_of_time: datetime | None
    told: str


class Holdings:
    """What a ledger shows at the ends of a trace of one asset; without one, what the trace says."""

    def __init__(self, ledger: Ledger | None, asset: Asset) -> None:
        self.ledger, self.asset = ledger, asset
        coins = find_chain(asset.chain).family == "utxo"
        self.coins = Coins.read(ledger.history, asset.chain) if ledger and coins else None
        self.on_coins = coins
        self.read: Mapping[bytes, tuple[Reading, ...]] = (
            histories(ledger, asset) if ledger and not coins else {}
        )
        self._balances: dict[bytes, int | None] = {}

    def at(self, end: Mapping[str, Any]) -> Holding:
        """Return what is held at an end of a trace, a row of its ends."""
        if end["reason"] == TAGGED:
            return Holding(None, None, None, BEYOND)
        if end["reason"] == ONE_DESTINATION:
            return Holding(None, None, None, PASSED_ON)
        if end["reason"] != UNSPENT:
            return Holding(None, None, None, AT_SERVICE)
        return self._coin(end) if self.on_coins else self._balance(end)

    def _coin(self, end: Mapping[str, Any]) -> Holding:
        height, time = end["as_of"], end["as_of_time"]
        told = f"unspent as of {block_text(height, time)}"
        return Holding(self._value(end), height, time, told)

    def _value(self, end: Mapping[str, Any]) -> int | None:
        tx = self.coins.tx_of(end["tx"]) if self.coins else None
        if self.coins is None or tx is None or self.coins.txid(tx) != end["txid"]:
            return None
        return next((one.value for one in self.coins.made(tx) if one.n == end["n"]), None)

    def _balance(self, end: Mapping[str, Any]) -> Holding:
        amount, time = self._amount(end["address"]), end["as_of_time"]
        if amount is None or self.ledger is None:
            since = "" if time is None else f"; held as of {_second(time)}"
            return Holding(None, None, time, f"{NO_BALANCE}{since}")
        until = read_until(self.read.get(end["address"], ()), end["time"])
        bounds = [one for one in (until, self.ledger.end) if one is not None]
        until = min(bounds, default=None)
        doubt = " (it moves without transfers)" if end["certainty"] == UNKNOWN_WAY else ""
        as_of = "the end of what was read" if until is None else _second(until)
        fits = abs(amount) <= LARGEST_AMOUNT
        much = "" if fits else f" of {self.asset.shown(amount)}, too wide for a column,"
        return Holding(amount if fits else None, None, until, f"balance{much} as of {as_of}{doubt}")

    def _amount(self, address: bytes) -> int | None:
        """Return the balance of an address, where all of its history was read."""
        if self.ledger is None:
            return None
        if address not in self._balances:
            found = address_summary(self.ledger, address, self.asset.chain)
            self._balances[address] = _of_asset(found, self.asset)
        return self._balances[address]


def _of_asset(found: AddressSummary, asset: Asset) -> int | None:
    mine = pl.col("contract").eq_missing(pl.lit(asset.contract, pl.Binary))
    rows = found.totals.filter(mine).select("balance", "balance_hex").rows()
    return whole(*rows[0]) if rows else None


def _second(time: datetime) -> str:
    return f"{time:%Y-%m-%d %H:%M:%S} UTC"
