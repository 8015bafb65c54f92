"""What an edition of a case shows: its roles, transactions withheld, pseudonyms given up."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Container, Mapping, Sequence
from dataclasses import replace
from typing import Protocol, runtime_checkable

import polars as pl

from chainwatch.ledger.ledger import Ledger
from chainwatch.privacy.anonymity_sets import singled_out, standing
from chainwatch.privacy.edition import DISCLOSURE, POOLED, Edition, Party
from chainwatch.privacy.mask_rows import parties, rows_left_out, transactions_of_masked
from chainwatch.privacy.mask_tables import shown_tables
from chainwatch.privacy.roles import roles_of
from chainwatch.results.provenance import Result
from chainwatch.tracing.result import Trace


@runtime_checkable
class Drawn(Protocol):
    """A result that is drawn: it can say the flows that an edition shows."""

    def flows(self, edition: Edition) -> pl.DataFrame:
        """Return the flows between entities as an edition shows them."""
        ...


Standing = Mapping[Party, frozenset[bytes]]
"""Who stands in a transaction, by chain and id."""


def beside(ledger: Ledger, results: Sequence[Result]) -> Standing:
    """Return who of a case stands in each transaction of its results, as far as the ledger says.

    A table names payer and payee; the change of the same transaction may be of somebody whom
    another table names, and who is masked.
    """
    ids = {
        txid
        for result in results
        for frame, _ in result.tables().values()
        if "txid" in frame.columns
        for txid in frame["txid"].drop_nulls().to_list()
    }
    known = {address for result in results for _, address in parties(result)}
    told = ledger.transactions.filter(pl.col("txid").is_in(list(ids)))
    key = ["chain", "tx"]
    sides = [
        told.select(*key, "txid").join(side.select(*key, "address"), on=key)
        for side in (ledger.inputs, ledger.outputs)
    ]
    moved = ledger.transfers.filter(pl.col("txid").is_in(list(ids)))
    sides += [
        moved.select("chain", "txid", pl.col(end).alias("address"))
        for end in ("sender", "receiver")
    ]
    rows = pl.concat([side.select("chain", "txid", "address") for side in sides])
    found: defaultdict[Party, set[bytes]] = defaultdict(set)
    kept = rows.filter(pl.col("address").is_in(list(known))).unique().collect()
    for chain, txid, address in kept.iter_rows():
        found[chain, txid].add(address)
    return {place: frozenset(who) for place, who in sorted(found.items())}


def edition_of(
    results: Sequence[Result], name: str, key: bytes, standing: Standing | None = None
) -> Edition:
    """Return an edition with all that the results of a case say about who may be shown.

    Parameters
    ----------
    results : sequence of Result
        All of the case.
    name : str
        ``disclosure`` or ``working``.
    key : bytes
        Secret of the pseudonyms.
    standing : mapping, optional
        What `beside` says.
    """
    plain = Edition(name, key, roles_of(results))
    if name != DISCLOSURE:
        return plain
    masked = replace(plain, withheld=_withheld(results, plain, standing or {}))
    flows = _flows(results, masked)
    passing = {
        masked.pseudonym(result.asset.chain, item)
        for result in results
        if isinstance(result, Trace)
        for item in result.steps["source"].drop_nulls().unique().to_list()
    }
    for frame in flows.values():
        passing |= {item for item in frame["source"].to_list() if item.startswith(POOLED)}
    return replace(masked, pooled=singled_out(tables_of(results, masked) | flows, passing))


def _withheld(
    results: Sequence[Result], edition: Edition, standing: Standing
) -> dict[Party, frozenset[bytes]]:
    """Return the transactions in which a masked party of the case stands, and these parties."""
    found = transactions_of_masked(results, edition)
    for (chain, txid), who in standing.items():
        masked = frozenset(item for item in who if edition.masks(chain, item))
        if masked:
            found[chain, txid] = found.get((chain, txid), frozenset()) | masked
    return found


def standing_in(results: Sequence[Result], edition: Edition) -> frozenset[str]:
    """Return the pseudonyms that stand in the tables and figures of an edition."""
    return standing(tables_of(results, edition) | _flows(results, edition))


def _flows(results: Sequence[Result], edition: Edition) -> dict[str, pl.DataFrame]:
    return {
        f"flows {number}": result.flows(edition)
        for number, result in enumerate(results)
        if isinstance(result, Drawn)
    }


def tables_of(results: Sequence[Result], edition: Edition) -> dict[str, pl.DataFrame]:
    """Return every table of every result, as the edition shows it, under a name of its own."""
    found: dict[str, pl.DataFrame] = {}
    for result in results:
        for name, frame in shown_tables(result, edition).items():
            found[_free(name, found)] = frame
    return found


def left_out_of(results: Sequence[Result], edition: Edition) -> dict[str, int]:
    """Return how many rows of each table name masked parties alone, under the same names."""
    found: dict[str, int] = {}
    for result in results:
        for name, count in rows_left_out(result, edition).items():
            found[_free(name, found)] = count
    return {name: count for name, count in found.items() if count}


def _free(name: str, taken: Container[str]) -> str:
    """Return a table's name, numbered where another result has one of that name."""
    number, free = 1, name
    while free in taken:
        number += 1
        free = f"{name}_{number}"
    return free
