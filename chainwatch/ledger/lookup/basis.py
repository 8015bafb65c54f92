"""What an answer rests on: the sources of its data, when it was acquired, and how far it goes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

import polars as pl

from chainwatch.addresses.canonical import txid_text
from chainwatch.chains.base import Chain
from chainwatch.ledger.coverage import coverage, read_to
from chainwatch.ledger.ledger import Ledger
from chainwatch.ledger.output_status import BY_BLOCKS


class Reached(NamedTuple):
    """How far a chain was read, in words: its short name, and blocks with their dates."""

    chain: str
    words: str


class Tip(NamedTuple):
    """The block up to which a chain was read whole, and its hash as explorers show it."""

    chain: str
    height: int
    hash: str


@dataclass(frozen=True)
class Basis:
    """When the first and the last of the data was acquired, and how far each chain was read.

    Where nobody said when files were obtained, ``stated`` is false: the times are then those at
    which they were read. ``sources`` are those that coverage names; ``tips`` the blocks up to which
    chains were read whole.
    """

    first: datetime | None = None
    last: datetime | None = None
    reached: tuple[Reached, ...] = ()
    stated: bool = True
    sources: tuple[str, ...] = ()
    tips: tuple[Tip, ...] = ()

    def facts(self) -> tuple[tuple[str, str], ...]:
        """Return it in words, as pairs of name and value."""
        return (
            ("Data acquired", self._acquired()),
            *((f"Read up to ({one.chain})", one.words) for one in self.reached),
            *((f"Hash of block {one.height} ({one.chain})", one.hash) for one in self.tips),
        )

    def _acquired(self) -> str:
        if self.first is None or self.last is None:
            return "not stated"
        times = [f"{time:%Y-%m-%d %H:%M} UTC" for time in (self.first, self.last)]
        span = times[0] if times[0] == times[1] else f"{times[0]} to {times[1]}"
        return span if self.stated else f"not stated; read {span}"


def basis_of(ledger: Ledger, *, stated: bool = True) -> Basis:
    """Return what a case that was computed from a ledger rests on.

    ``stated`` is false where it was left open when files of it were obtained.
    """
    first, last = (
        ledger.answers.select(
            pl.col("time").min().alias("first"), pl.col("time").max().alias("last")
        )
        .collect()
        .row(0)
    )
    chains = sorted(ledger.chains, key=lambda one: one.alias)
    reached = (Reached(one.alias, _so_far(ledger, one)) for one in chains)
    sources = ledger.coverage.select(pl.col("source").unique().sort()).collect()["source"]
    tips = (tip for one in chains for tip in _tips(ledger, one))
    return Basis(first, last, tuple(reached), stated, tuple(sources.drop_nulls()), tuple(tips))


def _tips(ledger: Ledger, chain: Chain) -> Iterator[Tip]:
    """Yield the block up to which a chain was read whole, by whose hash anybody can look it up.

    Where only histories were read, the highest block is one with somebody's transaction: it is not
    named.
    """
    if chain.family != "utxo":
        return
    for one in read_to(ledger, chain):
        if one.by == BY_BLOCKS and one.block is not None:
            yield Tip(chain.alias, one.height, txid_text(one.block, chain))


def _so_far(ledger: Ledger, chain: Chain) -> str:
    if chain.family == "utxo":
        tips = " or ".join(map(str, read_to(ledger, chain)))
        return f"{tips}; what came later is unknown" if tips else "no block was read whole"
    row = coverage(ledger.chain_only(chain)).row(0, named=True)
    height, time = row["last_height"], row["last_time"]
    when = "at an unknown time" if time is None else f"{time:%Y-%m-%d %H:%M:%S} UTC"
    where = "its block is not stated in what was read" if height is None else f"block {height:,}"
    return f"the last transfer read, {when}, {where}; what came later is unknown"
