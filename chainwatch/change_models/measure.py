"""Labels split by owner: to fit by, to choose the threshold by, and to measure on.

An owner is a cluster by shared spending. All its transactions are in one part, for a wallet is
recognised by its habits: split by transaction, a model would be measured on owners that it knows.
The threshold is chosen on owners that nothing was fitted to, and measured on yet others, as a rate
is too good on what it was chosen by.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from hashlib import sha256

import numpy as np
import polars as pl

from chainwatch.change_models.labels import ChangeLabels
from chainwatch.change_models.trees import Thresholds
from chainwatch.change_models.trees import Values as Scores
from chainwatch.errors import InputError, expect
from chainwatch.evaluate.shares import Share
from chainwatch.results.table import Column, Table
from chainwatch.units import counted

FIT, CHOOSE, HELD_OUT = "fit", "choose", "held out"

TENTHS = {FIT: range(6), CHOOSE: range(6, 8), HELD_OUT: range(8, 10)}
"""Which tenths of all owners are in which part."""

CALLED, FOUND, MISSED, NAMED, WRONG = (
    "payments called change",
    "change called change",
    "change ruled out",
    "transactions of which one output is named",
    "of these, the payment is named",
)
"""What is counted in each part."""

MEASURED = Table(
    "measured",
    ("part", "what"),
    "One row per part of the labels and thing that was counted there.",
    (
        Column.kind("part", "fit: fitted to; choose: the threshold was chosen by it; held out"),
        Column.kind("what", "what was counted"),
        Column.count("count", "how many"),
        Column.count("of", "of how many"),
        Column.count("owners", "clusters that these are of"),
        Column.number("squares", "sum over clusters of the square of how many are of each"),
    ),
)

_OWNER = ["set", "chain", "base"]
_TX = ["set", "chain", "tx"]


def pooled(labels: Sequence[ChangeLabels]) -> pl.DataFrame:
    """Return the examples of several sets of labels: with ``set`` and ``part``, in one order.

    Sets are ordered by their digests, so that nothing depends on the order in which they are given.

    Raises
    ------
    InputError
        If a set or a labelled transaction is given twice: it would count twice.
    """
    for one in labels:
        expect(one, ChangeLabels, "labels", "pass what change_labels(ledger) returns")
    ordered = sorted(labels, key=lambda one: one.digest)
    digests = [one.digest for one in ordered]
    if len(set(digests)) < len(digests):
        raise InputError("two sets of labels are the same", remedy="pass each once")
    if not ordered:
        raise InputError("there are no labels to fit to", remedy="make some: change_labels(ledger)")
    ids = pl.concat(one.frame.select("chain", "txid") for one in ordered)
    if ids.is_duplicated().any():
        raise InputError(
            f"{counted(ids.height - ids.n_unique(), 'transaction is', 'transactions are')} labelled"
            " in two sets",
            remedy="label ledgers that do not overlap, or one that holds both",
        )
    parts = [one.examples.with_columns(pl.lit(n).alias("set")) for n, one in enumerate(ordered)]
    rows = pl.concat(parts).sort(*_TX, "n")
    owners = rows.select(_OWNER).unique()
    tenths = [tenth(chain, base) for chain, base in owners.select("chain", "base").iter_rows()]
    named = {at: part for part, held in TENTHS.items() for at in held}
    said = pl.Series("part", [named[one] for one in tenths], pl.String)
    return rows.join(owners.with_columns(said), on=_OWNER, maintain_order="left")


def tenth(chain: str, base: bytes) -> int:
    """Return the tenth of all owners that one is in: by a digest, the same in every run."""
    return sha256(chain.encode() + b"\x00" + base).digest()[0] * 10 // 256


def thresholds(
    payments: Scores, change: Scores, false_positives: float, false_negatives: float
) -> Thresholds:
    """Return the score that few enough payments reach, and the one that little change misses.

    Parameters
    ----------
    payments, change : arrays of int64
        Scores of outputs that nothing was fitted to; some of each.
    false_positives : float
        Share of the payments that may reach the first. Where the largest score is reached too
        often, the first is one more, and nothing is ever called change.
    false_negatives : float
        Share of the change that may stay below the second, which is never above the first.
    """
    reached = int(np.sort(payments)[::-1][_of(payments, false_positives)]) + 1
    missed = int(np.sort(change)[_of(change, false_negatives)])
    return Thresholds(reached, min(missed, reached))


def _of(scores: Scores, rate: float) -> int:
    """Return how many of some scores a rate below one allows, counted exactly."""
    return int(Fraction(repr(float(rate))) * len(scores))


def counted_parts(rows: pl.DataFrame, chosen: Thresholds) -> pl.DataFrame:
    """Return what is right and wrong in each part at some thresholds: rows in ``MEASURED``.

    Parameters
    ----------
    rows : polars.DataFrame
        Examples with ``set``, ``part`` and ``score``; both outputs of each transaction.
    chosen : Thresholds
        By which an output is called change, or ruled out.
    """
    called, out = pl.col("score") >= chosen.at_least, pl.col("score") < chosen.below
    rows = rows.with_columns(called.alias("hit"), out.alias("out"))
    named = (pl.col("hit").sum() + pl.col("out").sum() == 2) & (pl.col("hit").sum() == 1)
    change, payments = (rows.filter(is_change=one) for one in (True, False))
    each = rows.with_columns(named.over(_TX).alias("named")).filter("is_change")
    found = {
        CALLED: payments,
        FOUND: change,
        MISSED: change.with_columns(pl.col("out").alias("hit")),
        NAMED: each.with_columns(pl.col("named").alias("hit")),
        WRONG: each.filter("named").with_columns(~pl.col("hit")),
    }
    return MEASURED.frame(
        (part, what, *_counts(these.filter(part=part)))
        for part in TENTHS
        for what, these in found.items()
    )


def _counts(rows: pl.DataFrame) -> tuple[int, int, int, int]:
    """Return how many rows hit, of how many, of how many owners, and the sum of their squares."""
    sizes = rows.group_by(_OWNER).len()["len"].cast(pl.Int64)
    return int(rows["hit"].sum()), rows.height, sizes.len(), int((sizes**2).sum() or 0)


def shares(measured: pl.DataFrame) -> Iterator[tuple[str, str, Share]]:
    """Yield each part, what was counted, and the share, whose interval counts owners."""
    for part, what, count, of, _, squares in measured.select(MEASURED.names).iter_rows():
        yield part, what, Share.of_owners(count, of, squares)
