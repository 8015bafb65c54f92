"""From when to when every payment to and from the addresses of a bridge was read.

A match is the only one only where all that could have been another was read.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import polars as pl

from chainwatch.addresses.assets import Asset
from chainwatch.chains.catalogue import chain as find_chain
from chainwatch.ledger.balances import (
    Reading,
    covered,
    histories,
    in_order,
    read_until,
    readings_of_blocks,
)
from chainwatch.ledger.ledger import Ledger
from chainwatch.ledger.output_status import OutputStatus


@dataclass(frozen=True)
class ReadSpans:
    """When some addresses of one asset were read wholly.

    Attributes
    ----------
    readings : sequence of tuples of Reading
        Of each address, in the order of their start; those that are alike once.
    open_times : sequence of datetime
        When there was a transaction with an input of which nothing was read: it may be theirs.
    """

    readings: Sequence[tuple[Reading, ...]]
    open_times: Sequence[datetime] = ()
    _known: dict[tuple[datetime, datetime], bool] = field(default_factory=dict, compare=False)

    def hold(self, first: datetime, last: datetime) -> bool:
        """Tell whether every payment of all addresses was read from one moment to another."""
        key = (first, last)
        if key not in self._known:
            self._known[key] = self._hold(first, last)
        return self._known[key]

    def _hold(self, first: datetime, last: datetime) -> bool:
        place = bisect_left(self.open_times, first)
        if place < len(self.open_times) and self.open_times[place] <= last:
            return False
        return all(_reaches(of, first, last) for of in self.readings)


def _reaches(readings: Sequence[Reading], first: datetime, last: datetime) -> bool:
    if not covered(readings, first):
        return False
    until = read_until(readings, first)
    return until is None or last <= until


def read_spans(
    ledger: Ledger, asset: Asset, addresses: Collection[bytes], open_inputs: Mapping[str, pl.Series]
) -> ReadSpans:
    """Return when the payments of addresses in an asset were read.

    Fails when
    ----------
    A source claims to hold all of an address and does not.
    """
    whole = ledger.history
    if find_chain(asset.chain).family == "utxo":
        times = open_inputs[asset.chain].drop_nulls().to_list()
        return ReadSpans(_once(_coins(whole, asset.chain, sorted(addresses))), times)
    blocks = readings_of_blocks(whole, asset.chain, coin=asset.contract is None)
    own = histories(whole, asset, claimed=True)
    return ReadSpans(_once(own.get(one, in_order(blocks)) for one in sorted(addresses)))


def _once(readings: Iterable[tuple[Reading, ...]]) -> list[tuple[Reading, ...]]:
    return list(dict.fromkeys(readings))


def _coins(ledger: Ledger, chain: str, addresses: list[bytes]) -> list[tuple[Reading, ...]]:
    status = OutputStatus.read(ledger, chain)
    runs = status.blocks.frame.with_columns(run=pl.Series(status.blocks.run))
    spans = runs.group_by("run").agg(
        pl.col("height").min().alias("from"), pl.col("time").min().alias("begun"),
        pl.col("time").max().alias("ended"),
    ).sort("run")  # fmt: skip
    blocks = [
        (begun if height else None, ended)
        for height, begun, ended in spans.select("from", "begun", "ended").iter_rows()
        if ended is not None
    ]
    tips = status.read_until(pl.Series(addresses, dtype=pl.Binary))
    return [
        in_order([*blocks, *([(None, until)] if top is not None and until is not None else [])])
        for top, until in tips.select("top", "until").iter_rows()
    ]
