"""A request to preserve records, one per service, with the least that it needs to find them.

A service is told its own addresses, and of each payment there the transaction, the place, the time
and the amount. Whose value it is, where else it went, and how it came there is no part of it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

import polars as pl

from chainwatch.addresses.assets import Asset
from chainwatch.addresses.canonical import text, txid_text
from chainwatch.chains.catalogue import chain as find_chain
from chainwatch.sanitize import visible
from chainwatch.tracing.stops import OPEN_CUSTODY
from chainwatch.units import exact_sum

_HEAD = ("time (UTC)", "address", "transaction", "n", "amount", "how it is yours")

_ASKED = (
    "the records of each account that {booked}, by its transaction and n: of the"
    " account to which the address was given, or, where the address is a wallet of your own, of the"
    " account that you {wrote}: holder, documents of identity, contact, log-ins",
    "what these accounts were paid and what they paid out since, and to where",
    "what is left in them, and whether it can be held back",
)
"""Asked of whatever address: a tag of a service seldom says whether an address was given to a
customer or is a wallet of the service, and a wallet of the service was given to no account."""

_BOOKED = {
    False: {"booked": "a payment below was credited to", "wrote": "credited"},
    True: {"booked": "a payment below was made for", "wrote": "charged"},
}

BY_ORDER = "The amounts are those of one order; by another they may be less, or nothing."

YOU_ALONE = "it pays you alone; whether you hold its keys or a customer does is asked"


def request_texts(
    rows: pl.DataFrame,
    asset: Asset,
    policy: str,
    *,
    conserves: bool,
    backward: bool,
    order_open: str = "",
) -> dict[str, str]:
    """Return the request to each service as Markdown, by the name of the service.

    Parameters
    ----------
    rows : polars.DataFrame
        In the columns of :data:`chainwatch.tracing.actions.sheet.ACTIONS`; rows without a service
        have nobody to be sent to.
    asset : Asset
        What was followed.
    policy : str
        By which method.
    conserves, backward : bool
        As the trace says of itself.
    order_open : str
        A sentence that the order of transfers is open, if it is: amounts hang on it.
    """
    named = rows.filter(pl.col("service").is_not_null())
    how = _how(policy, conserves=conserves, backward=backward)
    how += f" {order_open} {BY_ORDER}" if order_open else ""
    return {
        str(service): "\n".join(
            _lines(str(service), mine, asset, how, conserves=conserves, backward=backward)
        )
        for (service,), mine in named.sort("service").group_by("service", maintain_order=True)
    }


def _lines(
    service: str, rows: pl.DataFrame, asset: Asset, how: str, *, conserves: bool, backward: bool
) -> Iterator[str]:
    contact = rows["contact"][0]
    network = find_chain(asset.chain)
    yield f"# Request to preserve records: {cell(service)}"
    yield ""
    yield "From: [authority, officer, reference]  "
    yield f"To: {cell(service)} (contact category: {cell(contact)})  "
    yield "Legal basis: [preservation order or letter of request]"
    yield ""
    yield f"Network: {network.name} ({network.id}). Asset: {cell(str(asset))}."
    yield ""
    yield f"{how} Please preserve, and disclose as the legal basis above provides:"
    yield ""
    asked = [one.format(**_BOOKED[backward]) for one in _ASKED]
    yield from (f"* {one};" for one in asked[:-1])
    yield f"* {asked[-1]}."
    yield ""
    yield f"| {' | '.join(_HEAD)} |"
    yield f"|{' --- |' * len(_HEAD)}"
    for row in _payments(rows, conserves=conserves).iter_rows(named=True):
        yield f"| {' | '.join(_cells(row, asset))} |"
    yield ""


def _how(policy: str, *, conserves: bool, backward: bool) -> str:
    way = "from" if backward else "to"
    told = f"Value was followed {way} the addresses below by the method {policy}."
    if conserves:
        return f"{told} An amount is the part of the payment that was followed, no more than it."
    return (
        f"{told} It tells reach: amounts are what was reached, in full, and nobody's share; they"
        " are not to be added up."
    )


def _payments(rows: pl.DataFrame, *, conserves: bool) -> pl.DataFrame:
    """Return each payment once, whoever's value it holds; of reach the largest amount."""
    amount = exact_sum("amount") if conserves else pl.col("amount").max()
    return (
        rows.group_by("time", "txid", "n", "address", "certainty", "basis")
        .agg(amount.alias("amount"))
        .sort("time", "txid", "n", "address", nulls_last=True)
    )


def _cells(row: Mapping[str, Any], asset: Asset) -> Iterator[str]:
    time: datetime | None = row["time"]
    yield "not read" if time is None else f"{time:%Y-%m-%d %H:%M:%S}"
    yield text(row["address"], asset.chain)
    yield txid_text(row["txid"], asset.chain)
    yield str(row["n"])
    yield f"{cell(asset.shown(int(row['amount'])))} ({int(row['amount'])} base units)"
    open_ = row["certainty"] == OPEN_CUSTODY
    yield YOU_ALONE if open_ else ", ".join(filter(None, (row["basis"], row["certainty"])))


def cell(said: str) -> str:
    """Return a stranger's text so that it is one line of Markdown and nothing else."""
    marks = {ord(mark): f"\\{mark}" for mark in "\\`*_{}[]<>#|!"}
    return visible(said).translate(marks)
