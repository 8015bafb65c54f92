"""What of a server's chain a ledger holds already, and whether the server still stands by it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

import polars as pl

from chainwatch.bitcoin.hashes import hash_text
from chainwatch.bitcoin.merkle import LIAR
from chainwatch.errors import SourceError
from chainwatch.ingest.known_history import KnownHistory
from chainwatch.ingest.reorg import Known, Moved
from chainwatch.ingest.rows.evidence import block_unit, transaction_unit
from chainwatch.ingest.targets import Target
from chainwatch.sources.esplora.fields import Read
from chainwatch.sources.esplora.history import Earlier
from chainwatch.sources.esplora.server import BestBlock, Server

_CUT = re.compile(r"/(newest|largest)/(\d{1,18})")


@dataclass
class Run:
    """One reading of a server: whom, what is known, as of which tip, and what was read before.

    Attributes
    ----------
    server, known, tip
        The server, the ledger beside it, and the block as of which is read.
    units : set of str
        Units of reading that the ledger has, or that were yielded.
    held : dict of str to Held
        What the ledger held of each history when the reading began, by the key of its target.
    seen : dict of bytes to set
        Of blocks just read, the transactions that concern a target.
    """

    server: Server
    known: Known
    tip: BestBlock
    units: set[str]
    held: dict[str, KnownHistory] = field(default_factory=dict)
    seen: dict[bytes, set[tuple[bytes, int]]] = field(default_factory=dict)


def check_tip(server: Server, tip: BestBlock) -> None:
    """Let nothing be written that was read before a reorganisation.

    Raises
    ------
    Moved
        If the tip is no longer in the best chain.
    """
    if server.hash_at(tip.height) != tip.hash:
        raise Moved


def behind(known: Known, tip: BestBlock) -> tuple[str, ...]:
    """Return what is to be said where a server has not yet the blocks of the ledger."""
    highest = max(known.highest(None, 1), default=-1)
    if highest <= tip.height:
        return ()
    return (
        f"the server's chain ends at height {tip.height:,}, below the ledger's {highest:,}:"
        " it is behind",
    )


def unread(run: Run, reads: Sequence[Read]) -> list[Read]:
    """Return the transactions that the ledger lacks.

    Raises
    ------
    SourceError
        If one is said to stand in a block that was read whole, and does not.
    """
    whole = [read for read in reads if block_unit(read.block or b"") in run.units]
    places = _places(run.known, whole)
    for read in whole:
        inside = run.seen.get(read.block or b"", ())
        if (read.tx.txid, read.block, read.height) not in places and (
            (read.tx.txid, read.height) not in inside
        ):
            raise SourceError(
                f"transaction {hash_text(read.tx.txid)} is said to stand in block "
                f"{hash_text(read.block or b'')} at height {read.height:,}, which was read whole "
                "and does not hold it",
                where=run.server.name,
                remedy=LIAR,
            )
    left = (read for read in reads if block_unit(read.block or b"") not in run.units)
    return [r for r in left if transaction_unit(r.block or b"", r.tx.txid) not in run.units]


def _places(known: Known, reads: Sequence[Read]) -> set[tuple[bytes, bytes, int]]:
    """Return those of some transactions that the ledger holds, with block and height."""
    if not reads:
        return set()
    wanted = pl.LazyFrame({"txid": [read.tx.txid for read in reads]}, schema={"txid": pl.Binary})
    heights = sorted({read.height or 0 for read in reads})
    mine = known.reader.scan("transactions").filter(
        (pl.col("chain") == known.node.network.id) & pl.col("height").is_in(heights)
    )
    found = mine.join(wanted, on="txid", how="semi").select("txid", "block", "height")
    return set(found.collect().rows())


def earlier_reading(known: Known, target: Target) -> Earlier:
    """Return how far the ledger has a whole history, and the newest part of one that was cut."""
    mine = known.reader.scan("coverage").filter(
        (pl.col("chain") == known.node.network.id)
        & pl.col("unit").str.starts_with(f"{target.key}/")
        & pl.col("height").is_not_null()
    )
    rows = mine.select("unit", "height", "complete").sort("height").collect().rows()
    whole = max((height for _, height, complete in rows if complete), default=-1)
    newest, count, by_size = -1, 0, False
    for unit, height, _ in rows:
        if cut := _CUT.search(unit):
            newest, count, by_size = height, int(cut[2]), cut[1] == "largest"
    return Earlier(whole, newest, count, by_size=by_size)
