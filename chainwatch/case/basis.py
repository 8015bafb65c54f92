"""What a case rests on: when its data was acquired, and up to which block of which day."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

import polars as pl

from chainwatch.chains.catalogue import chain
from chainwatch.ledger.coverage import coverage
from chainwatch.ledger.ledger import Ledger


class Reached(NamedTuple):
    """How far a chain was read: its name, the highest block, and when it or the last transfer was.

    The height is null where transfers were read that do not say in which block they stand.
    """

    chain: str
    height: int | None
    time: datetime | None


@dataclass(frozen=True)
class Basis:
    """When the first and the last of the data was acquired, and how far each chain was read."""

    first: datetime | None = None
    last: datetime | None = None
    reached: tuple[Reached, ...] = ()

    def facts(self) -> tuple[tuple[str, str], ...]:
        """Return it in words, as pairs of name and value."""
        return (
            ("Data acquired", self._acquired()),
            *((f"Read up to ({one.chain})", _so_far(one)) for one in self.reached),
        )

    def _acquired(self) -> str:
        if self.first is None or self.last is None:
            return "not stated"
        days = [f"{time:%Y-%m-%d %H:%M} UTC" for time in (self.first, self.last)]
        return days[0] if days[0] == days[1] else f"{days[0]} to {days[1]}"


def _so_far(one: Reached) -> str:
    when = "at an unknown time" if one.time is None else f"{one.time:%Y-%m-%d %H:%M:%S} UTC"
    if one.height is None:
        return f"the last transfer read, {when}; its block is not stated in what was read"
    return f"block {one.height:,} ({when}), the highest read; what came later is unknown"


def basis_of(ledger: Ledger) -> Basis:
    """Return what a case that was computed from a ledger rests on."""
    times = ledger.answers.select(
        pl.col("time").min().alias("first"), pl.col("time").max().alias("last")
    ).collect()
    rows = coverage(ledger).select("chain", "last_height", "last_time").sort("chain")
    reached = (Reached(chain(name).alias, *rest) for name, *rest in rows.iter_rows())
    first, last = times.row(0)
    return Basis(first, last, tuple(reached))
