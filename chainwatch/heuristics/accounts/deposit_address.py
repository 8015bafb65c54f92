"""The published rules for deposit addresses on account chains, side by side: Victor's, and one used
in production. They ask how an address forwards what it gets, and not whose keys it has.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import NamedTuple, Protocol

import polars as pl

from chainwatch.units import sums

MAX_HOURS = 12
"""Hours between a deposit and its sweep: 3,200 blocks of 13 seconds, as Tutela has it."""

MAX_SENDERS = 20
"""Who is paid by more is no one customer's deposit address: a practice, measured with the rest."""

MATCHED = 2
"""Deposits that were passed on whole: one shows nothing."""


class Forwarding(Protocol):
    """Payments and receipts of the addresses that may be deposit addresses."""

    @property
    def sent(self) -> pl.DataFrame:
        """One row per payment: ``address, service, amount, time``."""
        ...

    @property
    def got(self) -> pl.DataFrame:
        """One row per receipt: ``address, amount, time, by_service``."""
        ...

    @property
    def payers(self) -> pl.DataFrame:
        """Who paid whom: ``address, payer``, services and crowds left out."""
        ...


class Times(NamedTuple):
    """How far apart a deposit and its sweep may lie, and what may be left of it, in base units."""

    hours: int
    left: int
    senders: int


def victor(flows: Forwarding, at_most: Times) -> pl.DataFrame:
    """Return by address and service how many payments match one deposit before them.

    See :func:`matches`.

    Returns
    -------
    polars.DataFrame
        ``address, service, matched``.
    """
    return (
        matches(flows, at_most)
        .group_by("address", "service")
        .agg(pl.len().cast(pl.Int64).alias("matched"))
        .sort("address", "service")
    )


def matches(flows: Forwarding, at_most: Times, *, before: bool = False) -> pl.DataFrame:
    """Return the payments to services that pass on one deposit before them.

    A payment matches the latest deposit of at most ``at_most.left`` more, at most
    ``at_most.hours`` before it, that no earlier payment matches: what came in once was swept once.
    What services pay out is no deposit, to whomever it goes. An address with more
    senders than ``at_most.senders`` is left out, and so is what has no time. With ``before`` a
    deposit of the same moment is none: where no place in a block is told, it may have come later.

    Returns
    -------
    polars.DataFrame
        ``address, service, deposit``: the last is the place of the deposit among ``flows.got``.

    Fails when
    ----------
    A customer pays somebody else's deposit address (a merchant, an OTC desk): it is one all the
    same, and tells nothing of who the customer is. Somebody passes on from a wallet of his own
    payment by payment. A customer of one exchange withdraws straight to his deposit address at
    another: that is not counted. Payments of one time are taken in the order of the ledger.

    References
    ----------
    Victor, FC 2020; Tutela's port of it (3,200 blocks). Exact amounts of tokens, and the caps on
    senders and matched payments, are ours.
    """
    crowd = flows.payers.group_by("address").len().filter(pl.col("len") > at_most.senders)
    sent = flows.sent.filter(pl.col("service").is_not_null(), pl.col("time").is_not_null())
    sent = sent.join(crowd, on="address", how="anti", maintain_order="left")
    came = flows.got.with_row_index("deposit").filter(
        ~pl.col("by_service"), pl.col("time").is_not_null()
    )
    came = came.join(sent, on="address", how="semi", maintain_order="left")
    found = _in_turn(
        sent.sort("time", maintain_order=True).select("address", "service", "amount", "time"),
        came.sort("time", "deposit").select("address", "deposit", "amount", "time"),
        at_most,
        before=before,
    )
    schema = {"address": pl.Binary, "service": pl.String, "deposit": pl.UInt32}
    return pl.DataFrame(found, schema=schema, orient="row")


def _in_turn(
    sent: pl.DataFrame, came: pl.DataFrame, at_most: Times, *, before: bool
) -> list[tuple[bytes, str, int]]:
    """Return each payment with the latest deposit that fits it and no earlier payment took."""
    waiting: dict[bytes, list[tuple[int, int | None, datetime]]] = {}
    for address, place, much, when in came.reverse().iter_rows():  # the next one stands last
        waiting.setdefault(address, []).append((place, much, when))
    free: dict[bytes, _Free] = {}
    found = []
    for address, service, amount, time in sent.iter_rows():
        if amount is None or address not in waiting:
            continue
        mine = free.setdefault(address, _Free(at_most.left))
        until = time - timedelta(microseconds=1) if before else time
        while waiting[address] and waiting[address][-1][2] <= until:
            mine.add(*waiting[address].pop())
        deposit = mine.take(int(amount), time - timedelta(hours=at_most.hours))
        if deposit is not None:
            found.append((address, service, deposit))
    return found


class _Free:
    """Deposits of one address that no payment took, the latest last: by amount, if all must go."""

    def __init__(self, left: int) -> None:
        self._left = left
        self._by: dict[int | None, list[tuple[int, int, datetime]]] = {}

    def add(self, deposit: int, amount: int | None, time: datetime) -> None:
        """Add a deposit, later than all before it."""
        if amount is not None:
            key = None if self._left else int(amount)
            self._by.setdefault(key, []).append((deposit, int(amount), time))

    def take(self, amount: int, since: datetime) -> int | None:
        """Take the latest deposit that fits a payment, if one came in since a time."""
        rows = self._by.get(None if self._left else amount, [])
        for at in range(len(rows) - 1, -1, -1):
            deposit, much, time = rows[at]
            if time < since:
                return None
            if 0 <= much - amount <= self._left:
                del rows[at]
                return deposit
        return None


def production(flows: Forwarding) -> pl.DataFrame:
    """Return the addresses of which the production rule says that they are deposit addresses.

    The first payment to a service was made within a day of the first deposit ever, every payment
    until an hour after the last one went to that one service, and between 0.9 and 1.1 of what had
    come in by then was sent on.

    Returns
    -------
    polars.DataFrame
        ``address, service``.

    Fails when
    ----------
    A wallet of somebody's own cashes out at one service within a day. Gas is paid out of the native
    coin, and is in no transfer: a share of it falls short.

    References
    ----------
    An open recipe that labels 17 chains; no error rate of it is published.
    """
    end = pl.col("time") <= pl.col("last") + timedelta(hours=1)
    paid = flows.sent.filter(pl.col("service").is_not_null())
    span = paid.group_by("address").agg(
        pl.col("service").n_unique().alias("services"), pl.col("service").first(),
        pl.col("time").min().alias("first"), pl.col("time").max().alias("last"),
    ).filter(pl.col("services") == 1)  # fmt: skip
    out = (
        flows.sent.drop("service").join(span, on="address").filter(end)
        .group_by("address")
        .agg(pl.len().alias("payments"))
    )  # fmt: skip
    to_it = paid.group_by("address").agg(pl.len().alias("served"))
    got = flows.got.join(span.select("address", "last"), on="address").filter(end)
    begun = got.group_by("address").agg(pl.col("time").min().alias("begun"))
    on, came = _totals(paid), _totals(got)
    rows = span.join(out, on="address").join(to_it, on="address").join(begun, on="address")
    soon = rows.filter(
        pl.col("payments") == pl.col("served"),
        pl.col("first") - pl.col("begun") <= timedelta(days=1),
    )
    kept = [
        (row["address"], row["service"])
        for row in soon.sort("address").iter_rows(named=True)
        if came[row["address"]] * 9 <= on[row["address"]] * 10 <= came[row["address"]] * 11
    ]
    return pl.DataFrame(kept, schema={"address": pl.Binary, "service": pl.String}, orient="row")


def _totals(rows: pl.DataFrame) -> dict[bytes, int]:
    """Return the sum of known amounts by address, exact however wide it is."""
    known = rows.filter(pl.col("amount").is_not_null())
    wide = known.with_columns(amount_hex=pl.lit(None, pl.String))
    none = dict.fromkeys(rows["address"].to_list(), 0)
    return none | {address: much or 0 for (address,), much in sums(wide, ["address"]).items()}
