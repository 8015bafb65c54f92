"""What all rules on change have in common: what cannot be change, and what waits to be spent.

A rule answers *true* of an output that it cannot rule out as change, *false* of one that it rules
out, and null where what decides was not read. So rules that agree are joined with ``&``.
"""

from __future__ import annotations

import narwhals.stable.v2 as nw

from chainwatch.completion import names_of


def among_payments(test: nw.Expr) -> nw.Expr:
    """Return the test, of outputs that can be change at all.

    Data, what anybody may spend, and new coins are nobody's change. Where the inputs say that the
    outputs may belong to several (:mod:`chainwatch.ledger.output_features.shared`), no rule knows.
    """
    candidate = nw.col("payment") & ~nw.col("coinbase")
    return (
        nw.when(~candidate)
        .then(nw.lit(False))
        .when(candidate & ~nw.col("shared"))
        .then(test)
        .otherwise(nw.lit(None, dtype=nw.Boolean))
    )


def once_spent(test: nw.Expr) -> nw.Expr:
    """Return a test of the transaction that spends an output; an unspent one is not ruled out.

    Where it is not known whether the output is spent, nothing is.
    """
    return (
        nw.when(nw.col("spent"))
        .then(test)
        .when(~nw.col("spent"))
        .then(nw.lit(True))
        .otherwise(nw.lit(None, dtype=nw.Boolean))
    )


def all_of(*tests: nw.Expr) -> nw.Expr:
    """Return whether all tests hold; one that fails decides, whatever is unknown of the others."""
    first, *others = tests
    for other in others:
        first = first & other
    return first


def smaller_than_inputs() -> nw.Expr:
    """Return whether an output is smaller than every input; null where an unread one decides."""
    return (
        nw.when(nw.col("value") >= nw.col("input_min"))
        .then(nw.lit(False))
        .when((nw.col("inputs_unread") == 0) & (nw.col("value") < nw.col("input_min")))
        .then(nw.lit(True))
        .otherwise(nw.lit(None, dtype=nw.Boolean))
    )


def only_one(count: str, unknown: str) -> nw.Expr:
    """Return whether just one output of a transaction passes a test; null where others may."""
    return (
        nw.when(nw.col(count) > 1)
        .then(nw.lit(False))
        .when(nw.col(unknown) == 0)
        .then(nw.col(count) == 1)
        .otherwise(nw.lit(None, dtype=nw.Boolean))
    )


def __dir__() -> list[str]:
    """Return what this module is for, for completion."""
    return names_of(__name__)
