"""``Passage``: what is known of the meaning of transactions, as a walk over balances asks for it.

Movements through contracts that pass all on are one payment, from who paid to who was paid; and
movements into pools end there, for a reason of their own. What was swapped comes in elsewhere as
lots that other assets were followed in.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol, runtime_checkable

import polars as pl

from chainwatch.addresses.assets import Asset
from chainwatch.tracing.stops import End, Stops
from chainwatch.units import AMOUNT

MoveKey = tuple[bytes, str, int | None, str | None, int]
"""``txid, kind, log_index, trace_path, occurrence``: what identifies a movement of one asset."""

Place = tuple[bytes, int]
"""Transaction, and place of the movement among those of its asset there."""

_KEY = ("txid", "kind", "log_index", "trace_path", "occurrence")


class Rewritten(NamedTuple):
    """A payment that stands in the place of a movement."""

    sender: bytes
    receiver: bytes
    amount: int


@dataclass(frozen=True)
class Passage:
    """What a walk is told of the meaning of transactions, in one asset.

    Attributes
    ----------
    made_by : str
        Digest of what it was made of; empty where there is none.
    flows : sequence of mapping of MoveKey to Rewritten or None
        Movements that meet at contracts which pass all on: each becomes the payment that stands in
        its place, or is left out. Together they move as much from and to everybody else.
    ends, came : mapping of MoveKey to End
        Movements at which following ends, and why: by what they pay, and backward by what they are
        paid with.
    pools : mapping of bytes to End
        Addresses of pools, and why following ends there whatever paid them.
    arriving : frozenset of MoveKey
        Movements that bring what was swapped.
    """

    made_by: str = ""
    flows: Sequence[Mapping[MoveKey, Rewritten | None]] = ()
    ends: Mapping[MoveKey, End] = field(default_factory=dict)
    came: Mapping[MoveKey, End] = field(default_factory=dict)
    pools: Mapping[bytes, End] = field(default_factory=dict)
    arriving: Collection[MoveKey] = frozenset()


AS_IT_STANDS = Passage()
"""Every movement is a payment of its own."""


@runtime_checkable
class Through(Protocol):
    """What transactions mean, of which a walk asks what concerns its asset."""

    @property
    def digest(self) -> str:
        """Say what it is made of."""

    def passage(self, asset: Asset, at: Stops, standing: Collection[bytes]) -> Passage:
        """Return what a walk in an asset that ends at these stops is told.

        ``standing`` are addresses that pass nothing on, and transactions of which one transfer is
        followed for itself.
        """


@dataclass(frozen=True)
class Placed:
    """A passage in the places of one walk.

    Attributes
    ----------
    ends, came : mapping of Place to End
        Where following ends at a movement, and why; and where it does backward.
    pools : mapping of bytes to End
        Addresses at which it ends, and why.
    of : mapping of MoveKey to Place
        Where the movements stand that the passage names.
    """

    ends: Mapping[Place, End] = field(default_factory=dict)
    came: Mapping[Place, End] = field(default_factory=dict)
    pools: Mapping[bytes, End] = field(default_factory=dict)
    of: Mapping[MoveKey, Place] = field(default_factory=dict)

    def end(self, row: Mapping[str, Any], address: bytes, *, back: bool) -> End | None:
        """Return the end at a movement at one of its parties, if its meaning is one."""
        by_move = self.came if back else self.ends
        return by_move.get((row["txid"], row["n"])) or self.pools.get(address)


def passed_on(rows: pl.DataFrame, passage: Passage) -> pl.DataFrame:
    """Return movements with those of a flow replaced by its payments.

    A flow is left as it stands where one of its movements is a lure or is not among the rows.

    Parameters
    ----------
    rows : polars.DataFrame
        Movements of one asset, with the columns of the ledger and ``poison``.
    passage : Passage
        What is known of them.
    """
    told = _instructions(passage)
    if not told.height:
        return rows
    joined = rows.join(told, on=_KEY, how="left", nulls_equal=True, maintain_order="left")
    there = joined.group_by("flow").agg(pl.len().alias("here"), pl.col("poison").any())
    sizes = told.group_by("flow").agg(pl.len().alias("size"))
    whole = there.join(sizes, on="flow").filter(
        (pl.col("here") == pl.col("size")) & ~pl.col("poison")
    )
    here = pl.col("flow").is_in(whole["flow"].implode()).fill_null(False)
    names = ("sender", "receiver", "amount")
    return (
        joined.filter(~(here & pl.col("new_amount").is_null()))
        .with_columns(pl.when(here).then(f"new_{name}").otherwise(name).alias(name)
                      for name in names)
        .select(rows.columns)
    )  # fmt: skip


def _instructions(passage: Passage) -> pl.DataFrame:
    rows = [
        (*key, number, *(new or (None, None, None)))
        for number, flow in enumerate(passage.flows)
        for key, new in flow.items()
    ]
    kinds: dict[str, pl.DataType | type[pl.DataType]] = {
        "txid": pl.Binary, "kind": pl.String, "log_index": pl.Int64, "trace_path": pl.String,
        "occurrence": pl.Int64, "flow": pl.Int64, "new_sender": pl.Binary,
        "new_receiver": pl.Binary, "new_amount": AMOUNT,
    }  # fmt: skip
    return pl.DataFrame(rows, schema=kinds, orient="row")


def placed(rows: pl.DataFrame, passage: Passage) -> Placed:
    """Return a passage in the places of the movements of a walk: ``txid`` and ``n``."""
    named = {*passage.ends, *passage.came, *passage.arriving}
    if not named:
        return Placed(pools=passage.pools)
    ids = pl.Series(sorted({key[0] for key in named}), dtype=pl.Binary).implode()
    near = rows.filter(pl.col("txid").is_in(ids)).select(*_KEY, "n")
    of = {key: (key[0], n) for *parts, n in near.iter_rows() if (key := _key(parts)) in named}
    ends, came = (
        {of[key]: end for key, end in told.items() if key in of}
        for told in (passage.ends, passage.came)
    )
    return Placed(ends, came, passage.pools, of)


def _key(parts: Sequence[object]) -> MoveKey:
    txid, kind, log_index, trace_path, occurrence = parts
    return (txid, kind, log_index, trace_path, occurrence)  # type: ignore[return-value]  # as the schema of the ledger has them
