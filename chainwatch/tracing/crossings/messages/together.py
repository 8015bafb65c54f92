"""Messages of a table and of ledgers, each once; and where no ledger can have them.

A ledger keeps what was logged. A table of somebody's own that says the same, or less, adds nothing:
told twice, a message would look like two, and two that name one deposit leave it open.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import polars as pl

from chainwatch.chains.catalogue import chain as find_chain
from chainwatch.ledger.accounts.log_readings import log_runs
from chainwatch.ledger.ledger import Ledger
from chainwatch.ledger.schema import POSITION_BITS
from chainwatch.tracing.crossings.messages.identifiers import (
    CCTP,
    CCTP_ALIKE,
    MESSAGES,
    SCHEMES,
    SENT,
)
from chainwatch.tracing.crossings.messages.layouts import BRIDGING
from chainwatch.tracing.crossings.messages.logs import KINDS

Row = dict[str, Any]
_SAID = ("receiver", "amount", "bridge", "token", "terms")
_UNNAMED = SCHEMES[-1].name
_NONCE = 64
"""Hexadecimal digits of a nonce of version 2 of CCTP."""


def together(given: pl.DataFrame, logged: pl.DataFrame) -> pl.DataFrame:
    """Return the messages of a table and of ledgers, in :data:`identifiers.MESSAGES`.

    Parameters
    ----------
    given : polars.DataFrame
        Of a table. A row that names no scheme is of that of the ledgers' message with its id, at
        its place. A nonce that it names for what a ledger knows without one is that message's.
    logged : polars.DataFrame
        Of ledgers.
    """
    if given.is_empty() or logged.is_empty():
        return pl.concat([logged, given])
    held = list(logged.iter_rows(named=True))
    nonces = _by_transaction(held)
    rows = [_with_nonce(row, nonces) or row for row in _beyond(given, held)]
    kept = [row for row in held if not row.get("named")]
    known = [{name: row[name] for name in MESSAGES} for row in (*kept, *rows)]
    return pl.DataFrame(known, schema=MESSAGES, orient="row").unique(maintain_order=True)


def rests_on_table(given: pl.DataFrame, logged: pl.DataFrame) -> bool:
    """Tell whether a table says more than ledgers do, by rows that state no terms."""
    rows = _beyond(given, list(logged.iter_rows(named=True)))
    return any(row["terms"] is None for row in rows)


def _beyond(given: pl.DataFrame, held: list[Row]) -> list[Row]:
    """Return the rows of a table that say more than messages of ledgers, each under its scheme."""
    named, told, rows = _schemes(given, held), _by_place(held), []
    for row in given.iter_rows(named=True):
        if row["scheme"] == _UNNAMED:
            row["scheme"] = named.get(row["id"], _UNNAMED)
        if not any(_says_as_much(one, row) for one in told.get(_place(row), ())):
            rows.append(row)
    return rows


def _place(row: Row) -> tuple[Any, ...]:
    return tuple(row[name] for name in ("scheme", "id", "side", "chain", "txid"))


def _by_place(held: list[Row]) -> dict[tuple[Any, ...], list[Row]]:
    found: dict[tuple[Any, ...], list[Row]] = {}
    for row in held:
        found.setdefault(_place(row), []).append(row)
    return found


def _by_transaction(held: list[Row]) -> dict[tuple[str, bytes], list[Row]]:
    """Return what was sent without a nonce by chain and transaction."""
    found: dict[tuple[str, bytes], list[Row]] = {}
    for row in held:
        if row["scheme"] == CCTP_ALIKE and row["side"] == SENT:
            found.setdefault((row["chain"], row["txid"]), []).append(row)
    return found


def _schemes(given: pl.DataFrame, held: list[Row]) -> dict[str, str]:
    """Return the scheme of each id of rows without one, where a ledger has it at their place."""
    at: dict[tuple[Any, ...], set[str]] = {}
    for row in held:
        at.setdefault(_place(row)[1:], set()).add(row["scheme"])
    found: dict[str, set[str]] = {}
    for row in given.filter(scheme=_UNNAMED).iter_rows(named=True):
        found.setdefault(row["id"], set()).update(at.get(_place(row)[1:], ()))
    return {id_: next(iter(schemes)) for id_, schemes in found.items() if len(schemes) == 1}


def _says_as_much(one: Row, row: Row) -> bool:
    """Tell whether a message of a ledger says all that a row of a table does."""
    return all(row[name] is None or row[name] == one[name] for name in _SAID)


def _with_nonce(row: Row, nonces: Mapping[tuple[str, bytes], list[Row]]) -> Row | None:
    """Return a row that names the nonce of a message which a ledger has without one.

    The message of the ledger is marked: the nonce tells it from another that says the same.
    """
    if row["scheme"] != CCTP or row["side"] != SENT or len(row["id"]) != _NONCE:
        return None
    fit = [
        one for one in nonces.get((row["chain"], row["txid"]), ())
        if all(row[name] is None or row[name] == one[name] for name in ("amount", "bridge"))
    ]  # fmt: skip
    if len(fit) != 1:
        return None
    fit[0]["named"] = True
    lacking = (name for name in (*_SAID, "other", "due", "whom") if row[name] is None)
    return {**row, **{name: fit[0][name] for name in lacking}}


def unlogged(
    ledgers: Mapping[str, Ledger], addresses: pl.DataFrame, paid: pl.DataFrame
) -> Iterator[tuple[str, int, int]]:
    """Yield of each chain how many payments of how many lie where no logs were read.

    Of a chain of which no logs were read at all, that is said without a payment there too: a bridge
    that pays from elsewhere is told by its logs alone.

    Parameters
    ----------
    ledgers : mapping of str to Ledger
        By chain.
    addresses : polars.DataFrame
        Of bridges.
    paid : polars.DataFrame
        ``chain, tx`` of payments to and from them; without a number of its transaction nobody
        knows where one lies.
    """
    for chain, ledger in sorted(ledgers.items()):
        rows = paid.filter(chain=chain)
        if find_chain(chain).family not in KINDS or addresses.filter(chain=chain).is_empty():
            continue
        runs = log_runs(ledger, chain, BRIDGING)
        height = pl.col("tx") // (1 << POSITION_BITS)
        inside = pl.any_horizontal(
            pl.lit(False), *(height.is_between(run.first, run.last) for run in runs)
        )
        missing = rows.filter(~inside.fill_null(False)).height
        if missing or (not runs and not paid.is_empty()):
            yield chain, missing, rows.height
