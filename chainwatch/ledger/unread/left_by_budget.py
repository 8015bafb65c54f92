"""Addresses that a budget of requests left unread: the ledger says so, for every later trace.

A trace that fetches stops asking when its budget is spent. What it would have asked for next is
recorded in ``coverage`` as a unit of a kind of its own, ``budget/<address>/<turn>/<readings>``, so
that any trace of that commit, with fetching or without, tells the same ends. A unit never goes
away; it stands as long as no later turn of its address takes it back and the ledger has no more
readings of the address than it had then. Decided here alone.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

import polars as pl

from chainwatch.ledger import schema
from chainwatch.ledger.ledger import Ledger
from chainwatch.ledger.unread.rows_apart import KIND as APART_KIND

KIND = "budget"
"""Kind of the units of coverage that tell that a budget was spent before an address was asked for,
or, where they are complete, that this holds no longer."""

SOURCE = "trace"
"""Who says so: no server, but the trace that asked."""


def readings() -> pl.Expr:
    """Return the condition of a unit of coverage that something was read by it."""
    return ~pl.col("kind").is_in([APART_KIND, KIND])


class _Said(NamedTuple):
    """What is known of one address: how many turns, readings now, and whether a turn stands."""

    turns: int
    readings: int
    stands: bool


def left_by_budget(ledger: Ledger, chain: str) -> frozenset[bytes]:
    """Return the addresses that were to be asked for next when a budget of requests was spent.

    Parameters
    ----------
    ledger : Ledger
        Its whole history counts, whatever its span.
    chain : str
        CAIP-2 id.

    Returns
    -------
    frozenset of bytes
        Those that were not read since, and of which no later trace takes it back.
    """
    key = (KIND, ledger.commit and ledger.commit.number, chain)
    found = ledger.kept(key, lambda: _said(ledger, chain))
    return frozenset(address for address, said in found.items() if said.stands)


def budget_units(
    ledger: Ledger, chain: str, left: Collection[bytes], settled: Collection[bytes]
) -> pl.DataFrame:
    """Return the units of coverage that say what a budget left, and what it did not.

    Parameters
    ----------
    ledger : Ledger
        As of the last commit.
    chain : str
        CAIP-2 id.
    left : collection of bytes
        Addresses that would have been asked for next when the budget was spent.
    settled : collection of bytes
        Addresses that were asked for, or that are left for another reason: where an earlier trace
        called them left by its budget, that holds no longer.

    Returns
    -------
    polars.DataFrame
        In the columns of ``coverage``; no rows where the ledger says all of it already.
    """
    known = _said(ledger, chain, left)
    stands = {address for address, said in known.items() if said.stands}
    rows = [
        _unit(chain, address, known.get(address, _Said(0, 0, stands=False)), back=back)
        for whom, back in ((set(left) - stands, False), (stands.intersection(settled), True))
        for address in sorted(whom)
    ]
    return pl.DataFrame(rows, schema=schema.COVERAGE.schema, orient="row")


def _unit(chain: str, address: bytes, said: _Said, *, back: bool) -> dict[str, object]:
    return {
        "chain": chain,
        "unit": f"{KIND}/{address.hex()}/{said.turns}/{said.readings}",
        "kind": KIND,
        "address": address,
        "complete": back,
        "source": SOURCE,
        "answer": b"",
    }


def _said(ledger: Ledger, chain: str, also: Collection[bytes] = ()) -> dict[bytes, _Said]:
    """Return what is known of every address that a budget left at any time, and of some others."""
    rows = ledger.history.coverage.filter(
        (pl.col("chain") == chain) & pl.col("address").is_not_null()
    )
    parts = pl.col("unit").str.split("/")
    turn, then = (parts.list.get(n).cast(pl.Int64) for n in (2, 3))
    told = (
        rows.filter(pl.col("kind") == KIND)
        .select("address", "complete", turn=turn, then=then)
        .sort("address", "turn")
        .collect()
    )
    whom = pl.Series([*told["address"].unique(), *also], dtype=pl.Binary).unique()
    read = rows.filter(readings() & pl.col("address").is_in(whom.implode()))
    counts = dict(read.group_by("address").len().collect().iter_rows()) if whom.len() else {}
    found = {one: _Said(0, counts.get(one, 0), stands=False) for one in whom.to_list()}
    for address, back, number, held in told.iter_rows():
        now = counts.get(address, 0)
        found[address] = _Said(number + 1, now, stands=not back and now == held)
    return found
