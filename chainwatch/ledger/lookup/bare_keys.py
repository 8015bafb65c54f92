"""Coins paid to the bare key of an address (P2PK): named beside it, and in no total of it.

Whoever holds the key of an address can spend what was paid to the key itself. A ledger keeps such
an output without an address, for nobody wrote one: it is neither the address's nor nothing.
"""

from __future__ import annotations

import polars as pl

from chainwatch.addresses.canonical import Kind
from chainwatch.ledger.ledger import Ledger
from chainwatch.ledger.lookup.finder import Finder
from chainwatch.ledger.lookup.paid import outputs_with_status
from chainwatch.ledger.lookup.summaries import BARE, STATUS
from chainwatch.ledger.output_status import OutputStatus


def bare_key_coins(
    ledger: Ledger, address: bytes, known: OutputStatus, rows: Finder
) -> pl.DataFrame:
    """Return the outputs in the span that pay the bare key of an address.

    Parameters
    ----------
    ledger : Ledger
        Looks at one chain.
    address : bytes
        Canonical bytes. Of P2PKH and P2WPKH the address is a hash of one key; of others nothing
        is found.
    known : OutputStatus
        What was read of the chain.
    rows : Finder
        Where to look for spenders.

    Returns
    -------
    polars.DataFrame
        Rows of :data:`chainwatch.ledger.lookup.summaries.BARE`, in the order of the chain.
    """
    kind = Kind(address[0])
    if kind not in (Kind.P2PKH, Kind.P2WPKH):
        return BARE.empty()
    places = rows.bare_keys(address[1:], compressed=kind is Kind.P2WPKH).iter_rows()
    made = [_row(ledger, tx, n, known, rows) for tx, n in places]
    return pl.DataFrame([row for row in made if row], schema=BARE.schema, orient="row")


def _row(
    ledger: Ledger, number: int, n: int, known: OutputStatus, rows: Finder
) -> tuple[object, ...] | None:
    """Return one output with what is known of it; nothing of one outside the span."""
    txid, time = rows.transaction(number)[0].select("txid", "time").row(0)
    early = ledger.start is not None and time < ledger.start
    if early or (ledger.end is not None and time >= ledger.end):
        return None
    outs = outputs_with_status(ledger, number, rows, known).filter(pl.col("n") == n)
    value, *said = outs.select("value", *STATUS.names).row(0)
    return (ledger.chain, number, txid, n, time, value, *said)
