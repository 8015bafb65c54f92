"""What a ledger holds of a history, whoever it was read from: what a server lists is held to it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import polars as pl

from chainwatch.ingest.reorg import Known
from chainwatch.ingest.targets import Target
from chainwatch.ledger.schema import POSITION_BITS
from chainwatch.units import counted

_MADE = {"txid": pl.Binary, "n": pl.Int64, "value": pl.Int64, "height": pl.Int64}


@dataclass(frozen=True)
class KnownHistory:
    """What a ledger holds of one history.

    Attributes
    ----------
    made : polars.DataFrame
        ``txid``, ``n``, ``value``, ``height`` of each output that pays it.
    spent : polars.DataFrame
        ``txid``, ``value``, ``height`` of each input that spends one of these.
    """

    made: pl.DataFrame
    spent: pl.DataFrame

    def up_to(self, height: int) -> KnownHistory:
        """Return what stands up to a height."""
        low = pl.col("height") <= height
        return KnownHistory(self.made.filter(low), self.spent.filter(low))

    def txids(self) -> set[bytes]:
        """Return the ids of its transactions."""
        return {*self.made["txid"], *self.spent["txid"]}


NOTHING = KnownHistory(pl.DataFrame(schema=_MADE), pl.DataFrame(schema=_MADE))
"""A ledger that has no transaction of a history."""


def unlisted(name: str, held: KnownHistory, listed: Collection[bytes], tip: int) -> list[str]:
    """Return in words that a server leaves out transactions which the ledger holds up to a tip.

    The first block is left aside: few servers list what it pays, and nobody can spend it.
    """
    inside = held.up_to(tip)
    coined = pl.col("height") > 0
    missing = KnownHistory(inside.made.filter(coined), inside.spent).txids().difference(listed)
    if not missing:
        return []
    what = (
        counted(len(missing), "transaction", "transactions")
        + " of it that the server does not list"
    )
    return [f"{name}: the ledger holds {what}: ask another server"]


def held_histories(known: Known, targets: Sequence[Target]) -> dict[str, KnownHistory]:
    """Return what the ledger holds of each history: outputs that pay it, and what spends those.

    All of it hashes to ids, so it rests on no source's word.
    """
    if not targets:
        return {}
    mine = pl.col("chain") == known.node.network.id
    scan, lists = known.reader.scan, ({t.address for t in targets}, {t.script for t in targets})
    addresses, scripts = (sorted(item for item in group if item is not None) for group in lists)
    paying = pl.col("address").is_in(addresses) | pl.col("script").is_in(scripts)
    outputs = scan("outputs").filter(mine & paying)
    own = outputs.select("tx", "n", "value", "address", "script").collect()
    ids = scan("transactions").filter(mine).select("tx", "txid")
    made = own.join(_ids(ids, own), on="tx")
    found = made.lazy().rename({"txid": "prev_txid", "n": "prev_n"}).drop("tx")
    spends = scan("inputs").filter(mine).select("tx", "prev_txid", "prev_n")
    spent = spends.join(found, on=["prev_txid", "prev_n"]).collect()
    spent = spent.join(_ids(ids, spent), on="tx").unique(["prev_txid", "prev_n"])
    height = (pl.col("tx") // (1 << POSITION_BITS)).alias("height")
    made, spent = (frame.with_columns(height) for frame in (made.unique(["txid", "n"]), spent))
    return {target.key: _of(target, made, spent) for target in targets}


def _ids(ids: pl.LazyFrame, frame: pl.DataFrame) -> pl.DataFrame:
    return ids.join(frame.lazy().select("tx").unique(), on="tx", how="semi").collect()


def _of(target: Target, made: pl.DataFrame, spent: pl.DataFrame) -> KnownHistory:
    name = "script" if target.address is None else "address"
    mine = pl.col(name) == (target.script if target.address is None else target.address)
    return KnownHistory(made.filter(mine), spent.filter(mine))
