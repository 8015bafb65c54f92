"""Claims of rewards for deposits as the contract that pays for them logged it, where that was read.

Tornado's contract logs whom it paid for how many points. Who takes points out through a relayer
pays him in points too, in the same transaction: both together are what was taken out.
"""

from __future__ import annotations

from typing import NamedTuple

import polars as pl

from chainwatch.addresses.canonical import parse
from chainwatch.chains.base import Chain
from chainwatch.chains.catalogue import chain as find_chain
from chainwatch.errors import InputError
from chainwatch.ledger.accounts.contract_events import POINTS_SWAPPED
from chainwatch.ledger.accounts.log_readings import log_runs
from chainwatch.ledger.ledger import Ledger
from chainwatch.tracing.mixers.given_tables import LARGEST, Claim
from chainwatch.units import counted

WORD = 32
"""Bytes of a value in a log."""

KIND = b"\x10"
"""First byte of a canonical address of an EVM chain."""


class LoggedClaims(NamedTuple):
    """What a contract logged of claims, and in sentences what of it is not known."""

    claims: tuple[Claim, ...]
    notes: tuple[str, ...]


def claims_logged(ledger: Ledger, contract: str | bytes, chain: str) -> LoggedClaims:
    """Return the claims that a contract logged, one of each transaction.

    Parameters
    ----------
    ledger : Ledger
        Its whole history is read, whatever its span.
    contract : str or bytes
        What pays for points. Anybody's contract may log the same: name the right one.
    chain : str
        CAIP-2 id of an EVM chain.

    Raises
    ------
    InputError, AddressError
        If the chain has no such contracts, or the address is none of it.

    Fails when
    ----------
    A relayer was paid in points for booking a reward: that looks like a claim of his.
    """
    network = find_chain(chain)
    if network.family != "evm":
        raise InputError(
            f"no contract on {network.name} logs claims as Tornado's does",
            remedy="pass the claims as a table",
        )
    at = parse(contract, network) if isinstance(contract, str) else contract
    kept = ledger.history.chain_only(network).contract_logs
    mine = (pl.col("contract") == at) & (pl.col("topic0") == POINTS_SWAPPED.topic)
    rows = kept.filter(mine).select("txid", "height", "topic1", "data", "log_index")
    found: dict[bytes, Claim] = {}
    odd = 0
    for txid, height, topic, data, _ in (
        rows.sort("height", "txid", "log_index").collect().iter_rows()
    ):
        said = _read(data if topic is None else topic + data)
        if said is None:
            odd += 1
            continue
        who, points = said
        first = found.get(txid, Claim(network.id, txid, who, 0, height))
        found[txid] = first._replace(points=first.points + points)
    return LoggedClaims(tuple(found.values()), tuple(_notes(ledger, network, odd)))


def _read(words: bytes) -> tuple[bytes, int] | None:
    """Return who was paid for how many points; None where the log says no such thing."""
    if len(words) != 3 * WORD:
        return None
    who, points = words[:WORD], int.from_bytes(words[WORD : 2 * WORD], "big")
    return None if any(who[:12]) or not 0 < points <= LARGEST else (KIND + who[12:], points)


def _notes(ledger: Ledger, network: Chain, odd: int) -> list[str]:
    """Return where logs of claims were not read, and how many are no claims."""
    said = []
    if not log_runs(ledger, network.id, [POINTS_SWAPPED]):
        said.append(
            "Of no block is it known that all logs of claims were read: others than those that were"
            " may have been made."
        )
    if odd:
        said.append(
            f"{counted(odd, 'log of the contract is', 'logs of the contract are')} no claim:"
            " it may be another contract."
        )
    return said
