"""What a change model reads of an output: small whole numbers, and null where it is not known.

Universal features look at a transaction alone; consistent ones hold the transaction beside the one
that spends the output. Of an output that is not spent the latter are null, as nobody knows them.
How many inputs the spender has, or whether there is one, is left out: a label says that its change
was spent together with other coins, so that a model would learn how labels are made. So is the
order of inputs and outputs: a spender with one of each has nothing to order, and shows it.
"""

from __future__ import annotations

from typing import NamedTuple

import narwhals.stable.v2 as nw
import numpy as np
import polars as pl
from numpy.typing import NDArray

from chainwatch.heuristics.change.candidates import smaller_than_inputs

UNKNOWN = -1
"""What stands for null in arrays of features."""

TOP = 14
"""Largest value of a feature: four bits hold it, and 15 for null."""

_BITS = 4

_NULL = nw.lit(None, dtype=nw.Int64)


class Feature(NamedTuple):
    """A feature: its name, what it says, and whether it is of the transaction that spends."""

    name: str
    meaning: str
    of_spender: bool


UNIVERSAL = (
    Feature("smaller_than_inputs", "1: the output is smaller than every input", False),
    Feature("fresh", "1: its address was never seen before", False),
    Feature("others_fresh", "other outputs to new addresses, 2 and more as 2", False),
    Feature("zeros", "zeros at the end of the amount in base units, 8 and more as 8", False),
    Feature("smallest", "1: no other payment of the transaction is smaller", False),
    Feature("kind_agrees", "1: all inputs are of its kind of script", False),
    Feature("last", "1: it is the last output", False),
    Feature("inputs", "inputs of the transaction, 3 and more as 3", False),
)

CONSISTENT = (
    Feature("version_agrees", "1: the spender has the same version", True),
    Feature(
        "locktime_agrees", "1: the spender has a locktime where this one has, or neither", True
    ),
    Feature("sequence_agrees", "1: the inputs of both have the same sequences", True),
    Feature("fee_agrees", "1: both pay the same fee in whole base units per virtual byte", True),
)

FEATURES = (*UNIVERSAL, *CONSISTENT)
"""All features, in the order in which trees number them."""

NAMES = tuple(one.name for one in FEATURES)


def expressions() -> dict[str, nw.Expr]:
    """Return each feature as an expression over the features of outputs, by its name."""
    return {**_universal(), **_consistent()}


def _universal() -> dict[str, nw.Expr]:
    kinds, alike = nw.col("input_kinds"), nw.col("script_kind") == nw.col("input_kind")
    others = nw.col("fresh_outputs") - nw.col("fresh").cast(nw.Int64)
    value = nw.col("value")
    zeros = sum(((value % 10**digits == 0).cast(nw.Int64) for digits in range(2, 9)),
                (value % 10 == 0).cast(nw.Int64))  # fmt: skip
    return {
        "smaller_than_inputs": smaller_than_inputs().cast(nw.Int64),
        "fresh": nw.col("fresh").cast(nw.Int64),
        "others_fresh": _at_most(
            nw.when(nw.col("payment") & (nw.col("fresh_unknown") == 0)).then(others), 2
        ),
        "zeros": zeros,
        "smallest": (value == nw.col("output_min")).cast(nw.Int64),
        "kind_agrees": nw.when((kinds >= 2) | ((kinds == 1) & ~alike))
        .then(nw.lit(0, dtype=nw.Int64))
        .when((kinds == 1) & alike & (nw.col("kinds_unread") == 0))
        .then(nw.lit(1, dtype=nw.Int64))
        .otherwise(_NULL),
        "last": (nw.col("n") == nw.col("output_count") - 1).cast(nw.Int64),
        "inputs": _at_most(nw.col("input_count"), 3),
    }


def _consistent() -> dict[str, nw.Expr]:
    low = nw.col("sequence_low") == nw.col("spender_sequence_low")
    high = nw.col("sequence_high") == nw.col("spender_sequence_high")
    fee, other = nw.col("fee_rate") // 1000, nw.col("spender_fee_rate") // 1000
    tests = {
        "version_agrees": nw.col("version") == nw.col("spender_version"),
        "locktime_agrees": (nw.col("locktime") > 0) == (nw.col("spender_locktime") > 0),
        "sequence_agrees": low & high,
        "fee_agrees": fee == other,
    }
    return {name: _once_spent(test.cast(nw.Int64)) for name, test in tests.items()}


def _once_spent(value: nw.Expr) -> nw.Expr:
    return nw.when(nw.col("spent")).then(value).otherwise(_NULL)


def _at_most(value: nw.Expr, top: int) -> nw.Expr:
    return nw.when(value > top).then(nw.lit(top, dtype=nw.Int64)).otherwise(value)


def packed() -> nw.Expr:
    """Return all features of an output as one whole number: four bits each, 15 for null."""
    total = nw.lit(0, dtype=nw.Int64)
    for place, (_, value) in enumerate(sorted(expressions().items(), key=_number)):
        total = total + value.fill_null(TOP + 1) * (1 << (_BITS * place))
    return total


def _number(item: tuple[str, nw.Expr]) -> int:
    return NAMES.index(item[0])


def unpacked(codes: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return packed features as an array, a row per number and a column per feature."""
    shifts = np.arange(len(FEATURES), dtype=np.int64) * _BITS
    values = (codes[:, None] >> shifts) & (TOP + 1)
    return np.where(values == TOP + 1, UNKNOWN, values)


def array_of(examples: pl.DataFrame) -> NDArray[np.int64]:
    """Return the feature columns of a frame as an array, ``UNKNOWN`` for null."""
    return examples.select(pl.col(NAMES).fill_null(UNKNOWN)).to_numpy().astype(np.int64)
