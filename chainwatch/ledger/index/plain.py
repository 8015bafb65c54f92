"""Plain transactions, and their features as an index alone tells them.

A transaction is plain where no amount is paid twice, nothing is written as data, and every output
has an address. Of such a one nobody can have funded equal outputs, and what is left are counts,
sums and bounds: no table needs to be read for it. Nearly all are plain.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from chainwatch.kernels.graphs.groups import repeated
from chainwatch.ledger.index.build import KINDS, NONE
from chainwatch.ledger.index.index import Index
from chainwatch.ledger.joint.funding import DUST
from chainwatch.ledger.joint.protocols import (
    STANDARD,
    WASABI_BASE,
    WASABI_COORDINATORS,
    WASABI_LEVELS,
    WASABI_TOLERANCE,
)
from chainwatch.ledger.joint.shape import FEW, KINDS_OF_WALLETS, PASSING, foreign_outputs
from chainwatch.ledger.schema import POSITION_BITS
from chainwatch.units import AMOUNT

Array = NDArray[Any]

_FAR = np.iinfo(np.int64).max
_LARGEST = 2**40
"""Base units. Inputs of which one holds more are summed from the tables, where nothing overflows:
twenty times what there is of bitcoin would have to be spent by one transaction."""


def is_plain(index: Index, places: Array) -> NDArray[np.bool_]:
    """Tell of transactions, by their places in an index, whether they are plain."""
    made = index.columns
    if len(places) * _PART < len(made["tx_number"]):
        return _few_plain(made, places)
    found = ~repeated(made["out_ptr"], made["out_val"], -1, places)
    odd = (made["out_addr"] == NONE) | (made["out_kind"] == KINDS.index("null_data"))
    for begin, column in ((made["out_ptr"], odd), (made["in_ptr"], made["in_val"] > _LARGEST)):
        before = np.zeros(len(column) + 1, np.int64)
        np.cumsum(column, out=before[1:])
        ends = begin[places.astype(np.int64) + 1]
        found &= before[ends] == before[begin[places]]
    return found


_PART = 64
"""Of so many transactions, looking at one alone takes less than looking at all."""


def _few_plain(made: Any, places: Array) -> NDArray[np.bool_]:
    outs = Side(made, "out", places)
    values = made["out_val"][outs.rows]
    alike = repeated(outs.begin, values, -1, np.arange(outs.count, dtype=np.uint32))
    kinds, addresses = made["out_kind"][outs.rows], made["out_addr"][outs.rows]
    odd = outs.tally((addresses == NONE) | (kinds == KINDS.index("null_data")))
    found: NDArray[np.bool_] = ~alike & (odd == 0) & fits(made, places)
    return found


def fits(made: Any, places: Array) -> NDArray[np.bool_]:
    """Tell of transactions, by their places, whether what their inputs hold can be summed here."""
    ins = Side(made, "in", places)
    found: NDArray[np.bool_] = ins.tally(made["in_val"][ins.rows] > _LARGEST) == 0
    return found


def plain_features(index: Index, places: Array) -> pl.DataFrame:
    """Return the features of plain transactions, by their places in an index.

    They are those of :func:`chainwatch.ledger.features.transactions`, without what an index does
    not hold of a transaction (its ids, size, locktime and block).

    Parameters
    ----------
    index : Index
        Of the chain and commit that is looked at.
    places : array
        In rising order.
    """
    made = index.columns
    columns = {
        "chain": pl.repeat(index.chain.id, len(places), eager=True),
        "tx": made["tx_number"][places],
        "height": made["tx_number"][places] >> POSITION_BITS,
        "version": made["tx_version"][places].astype(np.int64),
        "input_count": made["tx_inputs"][places].astype(np.int64),
        "output_count": made["tx_outputs"][places].astype(np.int64),
        "output_value": made["tx_value"][places],
        "coinbase": made["tx_coinbase"][places] != 0,
        **_of_inputs(index, Side(made, "in", places)),
        **_of_outputs(index, Side(made, "out", places)),
    }
    frame = pl.DataFrame(columns).with_columns(**_trivial())
    frame = frame.with_columns(
        inputs_unread=pl.col("input_count") - pl.col("inputs_read"),
        foreign_outputs=foreign_outputs(),
    )
    whole = ~pl.col("coinbase") & (pl.col("inputs_unread") == 0)
    known = pl.when(whole & pl.col("has_inputs")).then(pl.col("read_value").cast(AMOUNT))
    few = pl.min_horizontal("input_count", "output_count") < FEW
    silent = few | ~pl.col("has_outputs")
    read = pl.col("inputs_read") == pl.col("input_count")
    return frame.with_columns(
        known.alias("input_value"),
        (known - pl.col("output_value").cast(AMOUNT)).alias("fee"),
        pl.when(~silent).then("output_rises").alias("output_rises"),
        pl.when(~silent & read & pl.col("has_inputs")).then("input_rises").alias("input_rises"),
    ).drop("read_value", "inputs_read", "has_inputs", "has_outputs", *PASSING)


class Side:
    """The inputs or outputs of some transactions, one transaction after the other."""

    def __init__(self, made: Any, side: str, places: Array) -> None:
        begin = made[f"{side}_ptr"]
        first, end = begin[places], begin[places.astype(np.int64) + 1]
        self.sizes = end - first
        self.count = len(places)
        self.begin = np.zeros(self.count + 1, np.int64)
        np.cumsum(self.sizes, out=self.begin[1:])
        self.rows = np.arange(self.begin[-1]) + np.repeat(first - self.begin[:-1], self.sizes)
        self.owner = np.repeat(np.arange(self.count), self.sizes)

    def tally(self, test: Array) -> Array:
        """Return how many rows of each transaction pass a test."""
        return np.bincount(self.owner[test], minlength=self.count)

    def tallies(self, side: str, codes: Array, of: list[int]) -> dict[str, Array]:
        """Return how many rows of each transaction have which code, kind by kind of wallet."""
        place = np.full(256, len(of), np.int64)
        place[of] = np.arange(len(of))
        cells = self.owner * (len(of) + 1) + place[codes]
        counts = np.bincount(cells, minlength=self.count * (len(of) + 1))
        table = counts.reshape(self.count, len(of) + 1)
        return {f"{side}_{kind}": table[:, k].copy() for k, kind in enumerate(KINDS_OF_WALLETS)}

    def most(self, values: Array, test: Array, sign: int = 1) -> pl.Series:
        """Return the largest value of the rows that pass, or the smallest; null without one."""
        found = np.full(self.count, -_FAR, np.int64)
        kept = sign * values[test]
        filled = np.flatnonzero(self.tally(test))
        if len(filled):
            starts = np.flatnonzero(np.diff(self.owner[test], prepend=-1))
            found[filled] = np.maximum.reduceat(kept, starts)
        return pl.Series(sign * found).set(pl.Series(found == -_FAR), None)

    def different(self, ids: Array) -> Array:
        """Return how many different numbers there are, none not counted."""
        named = ids != NONE
        pairs = self.owner[named] << 32 | ids[named]
        pairs.sort()  # np.unique hashes, which takes ten times as long
        first = np.ones(len(pairs), np.bool_)
        first[1:] = pairs[1:] != pairs[:-1]
        return np.bincount(pairs[first] >> 32, minlength=self.count)

    def rises(self, values: Array) -> Array:
        """Return how often a value is larger than the one before it."""
        up = np.zeros(len(values), np.bool_)
        up[1:] = (values[1:] > values[:-1]) & (self.owner[1:] == self.owner[:-1])
        return self.tally(up)


def _of_inputs(index: Index, side: Side) -> dict[str, Any]:
    made = index.columns
    values, ids = made["in_val"][side.rows], made["in_addr"][side.rows]
    read, named = values >= 0, ids != NONE
    first = np.zeros(len(ids), np.uint8)
    first[named] = made["addr_bytes"][made["addr_ptr"][ids[named]]]
    sums = np.zeros(len(values) + 1, np.int64)
    np.cumsum(np.where(read, values, 0), out=sums[1:])
    total = sums[side.begin[1:]] - sums[side.begin[:-1]]
    return {
        "has_inputs": side.sizes > 0,
        "inputs_read": side.tally(read),
        "read_value": total,
        "input_addresses": side.different(ids),
        "inputs_nameless": side.tally(read & ~named),
        "inputs_named": side.tally(named),
        "input_min": side.most(values, read, -1),
        "input_max": side.most(values, read),
        "input_rises": side.rises(values),
        **side.tallies("inputs", first, list(KINDS_OF_WALLETS.values())),
    }


def _of_outputs(index: Index, side: Side) -> dict[str, Any]:
    made = index.columns
    values, ids = made["out_val"][side.rows], made["out_addr"][side.rows]
    kinds, spendable = made["out_kind"][side.rows], made["out_spendable"][side.rows] != 0
    paid = spendable & (values > DUST)
    coordinators = [index.number_of(address) for address in WASABI_COORDINATORS]
    ours = [one for one in coordinators if one is not None]
    above = side.tally(paid)
    return {
        "has_outputs": side.sizes > 0,
        "output_addresses": side.different(ids),
        "payments": side.tally(spendable),
        "output_min": side.most(values, spendable, -1),
        "output_max": side.most(values, spendable),
        "outputs_standard": side.tally(_among(values, STANDARD)),
        "coordinator_outputs": side.tally(_among(ids, ours)),
        "outputs_denominated": side.tally(_among(values, index.chain.denominations)),
        "equal_outputs": (above > 0).astype(np.int64),
        "equal_value": side.most(values, paid),
        "single_values": above,
        "output_rises": side.rises(values),
        **_levels(side, values, spendable),
        **side.tallies("outputs", kinds, [KINDS.index(kind) for kind in KINDS_OF_WALLETS]),
    }


def _among(values: Array, wanted: Sequence[int]) -> NDArray[np.bool_]:
    """Tell which values are some of a few; np.isin sorts all of them for that."""
    known = np.array(sorted(wanted), np.int64)
    if not len(known):
        return np.zeros(len(values), np.bool_)
    place = np.minimum(np.searchsorted(known, values), len(known) - 1)
    found: NDArray[np.bool_] = known[place] == values
    return found


def _levels(side: Side, values: Array, spendable: Array) -> dict[str, Any]:
    """Return how many outputs share a level of Wasabi 1.1 with another, and most at one."""
    rows = np.flatnonzero(spendable & (values >= WASABI_BASE - WASABI_TOLERANCE))
    large, level = values[rows], np.full(len(rows), -1, np.int64)
    for power in reversed(range(WASABI_LEVELS)):  # of two that are near, the lower counts
        doubled = 1 << power
        near = np.abs(large - WASABI_BASE * doubled) <= WASABI_TOLERANCE * doubled
        level[near] = power
    cells = side.owner[rows[level >= 0]] * WASABI_LEVELS + level[level >= 0]
    found, counts = np.unique(cells, return_counts=True)
    several = counts > 1
    owner, counts = found[several] // WASABI_LEVELS, counts[several]
    outputs, most = (np.zeros(side.count, np.int64) for _ in range(2))
    np.add.at(outputs, owner, counts)
    np.maximum.at(most, owner, counts)
    return {"level_outputs": outputs, "level_most": most}


def _trivial() -> dict[str, pl.Expr]:
    """Return the features that are the same of every plain transaction."""
    none = ("op_returns", "repeated_values", "funded_each", "fundable_each", "fundable",
            "premix_outputs", "premix_fees")  # fmt: skip
    unknown = ("inputs_equal", "inputs_above", "inputs_of_one")
    return {
        **{name: pl.lit(0, pl.Int64) for name in none},
        **{name: pl.lit(None, pl.Int64) for name in unknown},
        "fusion": pl.lit(False), "whirlpool_descent": pl.lit(False),
    }  # fmt: skip
