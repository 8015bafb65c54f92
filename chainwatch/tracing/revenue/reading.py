"""Whether every payment to addresses was read: if not, what was counted is the least there was."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import NamedTuple

import polars as pl

from chainwatch.addresses.assets import Asset
from chainwatch.chains.catalogue import chain as find_chain
from chainwatch.ledger.balances import Balances, histories
from chainwatch.ledger.ledger import Ledger
from chainwatch.ledger.output_status import OutputStatus, day_text
from chainwatch.results.table import Column, Table
from chainwatch.tracing.walks.account_graph import Transfers
from chainwatch.units import counted

NO_COINS = "neither a whole history nor every block from the first on was read"
NOT_BEGUN = "the history was not read"
"""Why it is not known of an address that every payment to it was read."""


RECEIVER, SOURCE = "receiver", "source"

PARTLY_READ = Table(
    "partly_read",
    ("side", "address"),
    "Addresses of which not every payment is known to have been read, by the method named: what"
    " counts there is the least, and what a source had beyond may have come here as well.",
    (
        Column.word("side", f"{RECEIVER}: payments to it count; {SOURCE}: its value is followed"),
        Column.party("address", "the address"),
        Column.text("why", "why payments may be missing"),
    ),
)


class HowFar(NamedTuple):
    """How far payments to some addresses were read.

    Attributes
    ----------
    addresses : int
        How many were asked about.
    lacking : mapping of bytes to str
        Those of which payments may be missing, and why that is so.
    as_of : datetime or None
        Up to when all payments to the others are known, the earliest; None is all that was read.
    """

    addresses: int
    lacking: Mapping[bytes, str]
    as_of: datetime | None

    def said(self) -> str:
        """Return in words how far they were read."""
        until = "" if self.as_of is None else f", up to {day_text(self.as_of)}"
        if not self.lacking:
            whose = "the address" if self.addresses == 1 else "each of the addresses"
            return f"Every payment to {whose} was read{until}."
        of = counted(self.addresses, "address", "addresses")
        why = "; ".join(
            f"of {sum(one == told for one in self.lacking.values())}, {told}"
            for told in sorted(set(self.lacking.values()))
        )
        return (
            f"Of {len(self.lacking)} of {of} not every payment is known to have been read ({why}):"
            " more may have been paid there, and what is counted is the least. They are listed in"
            f" the table {PARTLY_READ.name}."
        )


def how_far(ledger: Ledger, asset: Asset, addresses: Collection[bytes]) -> HowFar:
    """Return how far the payments to addresses were read.

    Parameters
    ----------
    ledger : Ledger
        Its history is asked, whatever the start of its span.
    asset : Asset
        What was paid.
    addresses : collection of bytes
        Canonical addresses of its chain.

    Fails when
    ----------
    A source claims to hold all transactions of an address and does not.
    """
    coins = find_chain(asset.chain).family == "utxo"
    lacking, known = (_coins if coins else _accounts)(ledger, asset, sorted(addresses))
    return HowFar(len(addresses), lacking, min(known, default=None))


def partly_read(receivers: HowFar, sources: HowFar | None) -> pl.DataFrame:
    """Return the addresses of which payments may be missing, in the rows of :data:`PARTLY_READ`."""
    sides = ((RECEIVER, receivers), (SOURCE, sources))
    return PARTLY_READ.frame(
        (side, address, why)
        for side, read in sides
        if read is not None
        for address, why in sorted(read.lacking.items())
    )


Told = tuple[dict[bytes, str], list[datetime]]


def _coins(ledger: Ledger, asset: Asset, addresses: list[bytes]) -> Told:
    status = OutputStatus.read(ledger, asset.chain)
    rows = status.read_until(pl.Series(addresses, dtype=pl.Binary))
    without = rows.filter(pl.col("top").is_null())["address"]
    return dict.fromkeys(without, NO_COINS), rows["until"].drop_nulls().to_list()


def _accounts(ledger: Ledger, asset: Asset, addresses: list[bytes]) -> Told:
    moves = Transfers.read(ledger, asset, None).moves()
    balances = Balances.read(ledger, asset, moves)
    held = {one: balances.every_transfer(one) for one in addresses}
    begun = histories(ledger, asset)
    lacking = {
        one: told.why if one in begun else NOT_BEGUN for one, told in held.items() if told.why
    }
    return lacking, [told.as_of for told in held.values() if not told.why and told.as_of]
