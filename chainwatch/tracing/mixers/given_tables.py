"""What no ledger holds of pools and the caller gives: prices of gas, and claims of rewards."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import polars as pl

from chainwatch.addresses.canonical import parse, parse_txid
from chainwatch.chains.base import Chain
from chainwatch.chains.catalogue import chain as find_chain
from chainwatch.errors import InputError, refuse

LARGEST = 2**63 - 1
"""Largest number of points or price of gas that is read: far above any that was ever paid."""

GAS_PRICES = ("txid", "gas_price")
CLAIMS = ("txid", "recipient", "points")
"""Columns that are needed. Both may have ``chain``, claims ``height`` too."""


class Claim(NamedTuple):
    """A taking out of what deposits earned, by what its transaction says in clear.

    Attributes
    ----------
    chain : str
        CAIP-2 id.
    txid, recipient : bytes
        Its transaction, and who was paid for the points.
    points : int
        How many, with what of them paid a relayer.
    height : int or None
        Of its block; None where it is not said.
    """

    chain: str
    txid: bytes
    recipient: bytes
    points: int
    height: int | None


def gas_prices_of(given: pl.DataFrame | None, chains: Sequence[str]) -> dict[bytes, int] | None:
    """Return prices of gas by transaction, in base units; None where none were given.

    Parameters
    ----------
    given : polars.DataFrame, optional
        ``txid`` (text, or bytes as the ledger keeps them), ``gas_price``; ``chain`` where the pools
        are of several.
    chains : sequence of str
        CAIP-2 ids of the chains of the pools.

    Raises
    ------
    ArgumentError, InputError, AddressError, ChainError
        Naming the first row that does not fit, or the column that is missing.
    """
    if given is None:
        return None
    found: dict[bytes, int] = {}
    for where, row, network in _rows(given, "prices of gas", GAS_PRICES, chains):
        txid, price = _txid(row, network), _whole(row["gas_price"], "price of gas", where)
        if found.setdefault(txid, price) != price:
            raise InputError(
                "a transaction with two prices of gas",
                where=where,
                remedy="leave the wrong one out",
            )
    return found


def claims_of(given: pl.DataFrame | None, chains: Sequence[str]) -> list[Claim] | None:
    """Return claims of rewards, each transaction once; None where none were given.

    Parameters
    ----------
    given : polars.DataFrame, optional
        ``txid`` and ``recipient`` (text, or bytes as the ledger keeps them), ``points``: whole;
        ``height`` of the block where it is known, ``chain`` where the pools are of several.
    chains : sequence of str
        CAIP-2 ids of the chains of the pools.

    Raises
    ------
    ArgumentError, InputError, AddressError, ChainError
        As :func:`gas_prices_of`; and where a transaction stands there twice.
    """
    if given is None:
        return None
    found: dict[bytes, Claim] = {}
    for where, row, network in _rows(given, "claims", CLAIMS, chains):
        who, at = row["recipient"], row.get("height")
        one = Claim(
            network.id, _txid(row, network), parse(who, network) if isinstance(who, str) else who,
            _whole(row["points"], "number of points", where),
            None if at is None or at == "" else _whole(at, "height", where),
        )  # fmt: skip
        if not isinstance(one.recipient, bytes):
            raise InputError("a claim without a recipient", where=where, remedy="leave the row out")
        if found.setdefault(one.txid, one) != one:
            raise InputError(
                "a transaction with two claims: which points are of one deposit is not known",
                where=where, remedy="leave both out",
            )  # fmt: skip
    return list(found.values())


def _rows(
    given: object, what: str, needed: Sequence[str], chains: Sequence[str]
) -> Iterator[tuple[str, Mapping[str, Any], Chain]]:
    """Yield each row with its place in words and its chain."""
    if not isinstance(given, pl.DataFrame):
        refuse(given, what, f"pass a frame with {' and '.join(needed)}")
    lacking = [name for name in needed if name not in given.columns]
    if lacking:
        raise InputError(
            f"the table of {what} has no column {lacking[0]!r}",
            remedy=f"it needs {', '.join(needed)}",
        )
    alone = chains[0] if len(set(chains)) == 1 else None
    for place, row in enumerate(given.iter_rows(named=True), start=1):
        where, said = f"row {place} of the table of {what}", row.get("chain") or alone
        if said is None:
            raise InputError(
                "a row that does not say its chain, where the pools are of several",
                where=where, remedy="give the table a column 'chain'",
            )  # fmt: skip
        yield where, row, find_chain(said)


def _txid(row: Mapping[str, Any], network: Chain) -> bytes:
    said = row["txid"]
    return said if isinstance(said, bytes) else parse_txid(str(said), network)


def _whole(value: Any, what: str, where: str) -> int:
    """Return a whole number above nothing."""
    try:
        found = 0 if isinstance(value, (float, bool)) else int(value)
    except (TypeError, ValueError):
        found = 0
    if not 0 < found <= LARGEST:
        raise InputError(
            f"{str(value)[:40]!r} is no {what}", where=where, remedy="write a whole number above 0"
        )
    return found
