"""What the issuer of a token did to addresses, as far as it was read, in words."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

import polars as pl

from chainwatch.addresses.assets import Asset
from chainwatch.addresses.canonical import txid_text
from chainwatch.ledger.ledger import Ledger

FREEZE, UNFREEZE, DESTROY = "freeze", "unfreeze", "destroy"
"""Actions of :data:`chainwatch.ledger.account_schema.FREEZES`."""

NOT_READ = "not read"
NO_ISSUER = "nobody can freeze it: a native coin has no issuer"
NOT_AMONG = "no event of it among those read of this token; whether these are all is not known"

_DONE = {FREEZE: "frozen", UNFREEZE: "freed again", DESTROY: "what it held was destroyed"}


class Event(NamedTuple):
    """What an issuer did to an address."""

    action: str
    time: datetime
    txid: bytes


@dataclass(frozen=True)
class Freezes:
    """What was read of what the issuer of one asset did.

    Attributes
    ----------
    asset : Asset
        The token; a native coin has no issuer.
    read : bool
        Whether any event of the token was read.
    events : mapping
        Events by address, in order.
    """

    asset: Asset
    read: bool = False
    events: Mapping[bytes, tuple[Event, ...]] = field(default_factory=dict)

    @classmethod
    def of(cls, ledger: Ledger | None, asset: Asset) -> Freezes:
        """Read the events of a token, whatever the span of the ledger; of none, nothing is read."""
        if ledger is None or asset.contract is None:
            return cls(asset)
        mine = (pl.col("chain") == asset.chain) & (pl.col("contract") == asset.contract)
        rows = (
            ledger.history.freezes.filter(mine)
            .select("address", "action", "time", "txid", "tx", "log_index")
            .collect()
            .sort("time", "tx", "log_index", "txid", nulls_last=True)
        )
        found: dict[bytes, tuple[Event, ...]] = {}
        for address, *event in rows.select("address", "action", "time", "txid").iter_rows():
            found[address] = (*found.get(address, ()), Event(*event))
        return cls(asset, not rows.is_empty(), found)

    def frozen(self) -> frozenset[bytes]:
        """Return the addresses that are frozen as far as was read."""
        return frozenset(one for one in self.events if self._standing(one) == FREEZE)

    def _standing(self, address: bytes) -> str | None:
        """Return whether an address was last frozen or freed; destroying changes neither."""
        said = [one.action for one in self.events[address] if one.action != DESTROY]
        return said[-1] if said else None

    def destroyed(self, address: bytes | None, since: datetime | None) -> Event | None:
        """Return the first event after a moment by which what an address holds was destroyed."""
        done = self.events.get(address, ()) if address is not None else ()
        after = (one for one in done if since is None or one.time > since)
        return next((one for one in after if one.action == DESTROY), None)

    def told(self, address: bytes | None) -> str:
        """Return in words what the issuer did to an address, in order; or that it was not read."""
        if self.asset.contract is None:
            return NO_ISSUER
        done = self.events.get(address, ()) if address is not None else ()
        if not done:
            return NOT_AMONG if self.read else NOT_READ
        return "; ".join(self._said(done))

    def _said(self, done: Iterable[Event]) -> Iterable[str]:
        for one in done:
            where = txid_text(one.txid, self.asset.chain)
            what = _DONE.get(one.action, one.action)
            yield f"{what} on {one.time:%Y-%m-%d %H:%M:%S} UTC by {where}"
