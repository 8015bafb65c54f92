"""``mix_leads``: spends that use outputs of mixes of the same times, as leads to one owner."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction
from heapq import nsmallest
from itertools import permutations
from typing import Any

import polars as pl

from chainwatch.errors import InputError, expect
from chainwatch.ledger.ledger import Ledger
from chainwatch.results.result import Result, recorded
from chainwatch.results.table import CHAIN, Column, Privacy, Rows, Table
from chainwatch.tracing.mixers.anonymity import AnonymitySets
from chainwatch.units import counted

LEADS = Table(
    "mix_leads",
    ("chain", "tx", "other_tx"),
    "Pairs of spends of outputs of several mixes, the nearest first: how far on average the time of"
    " a mix of the one lies from the nearest of the other. A lead, and no link.",
    (
        CHAIN,
        Column.place("tx", "number of the one spend"),
        Column("txid", pl.Binary, Privacy.TXID, "its id"),
        Column.place("other_tx", "number of the other spend"),
        Column("other_txid", pl.Binary, Privacy.TXID, "its id"),
        Column.count("mixes", "mixes whose outputs the one spends"),
        Column.count("other_mixes", "mixes whose outputs the other spends"),
        Column.count("shared", "mixes whose outputs both spend"),
        Column.number("seconds", "sum of the distances in time; divide it by ``mixes``"),
    ),
)


@dataclass(frozen=True, repr=False, eq=False)
class MixLeads(Result):
    """Spends whose mixes are of the same times, the nearest pairs first.

    Attributes
    ----------
    frame : polars.DataFrame
        Rows in :data:`LEADS`.
    compared : int
        Pairs that were compared.
    spends : int
        Spends of outputs of several mixes.
    """

    frame: pl.DataFrame
    compared: int
    spends: int

    def tables(self) -> Mapping[str, Rows]:
        """Return the tables that make up the content digest."""
        return {"mix_leads": LEADS.rows(self.frame)}

    def words(self) -> Mapping[str, Any]:
        """Return how many were compared: the nearest of many pairs are near by chance."""
        return {"compared": self.compared, "spends": self.spends}

    def __repr__(self) -> str:
        pairs, spends = self.frame.height, counted(self.spends, "spend", "spends")
        return (
            f"MixLeads({counted(pairs, 'pair', 'pairs')} of {spends}, nearest first;"
            f" {self.compared:,} compared. Leads: the nearest of many are near by chance as well)"
        )


@recorded
def mix_leads(
    ledger: Ledger, sets: AnonymitySets, *, most: int = 100, fewest_mixes: int = 2
) -> MixLeads:
    """Compare the times of the mixes whose outputs spends use.

    Whoever mixes coins in turn and spends them together shows when he mixed. Two spends of one
    owner then rest on mixes of like times.

    Parameters
    ----------
    ledger : Ledger
        What was read; spends of all times count.
    sets : AnonymitySets
        The mixes.
    most : int
        Pairs to list.
    fewest_mixes : int
        Fewest mixes whose outputs a spend uses, at least 2.

    Returns
    -------
    MixLeads
        The nearest pairs, in whole seconds. Spends that are or may be mixes are left out.

    Raises
    ------
    ArgumentError, InputError
        If an argument is of another kind, or a bound is too small.

    Fails when
    ----------
    Many mix at the same times, as they do: the nearest pairs of strangers are near too.

    References
    ----------
    One-sided Chamfer distance between times of mixes, J. Cybersecur. Priv. 2025.
    """
    expect(ledger, Ledger, "ledger", "open it first: open_ledger('ledger')")
    expect(sets, AnonymitySets, "sets", "pass what cw.anonymity_sets returned")
    if most < 1 or fewest_mixes < 2:
        raise InputError("there is nothing to compare", remedy="list a pair, of two mixes each")
    spends = _spends(ledger, sets, fewest_mixes)
    rows = nsmallest(most, _rows(spends), key=_nearest)
    sizes = [len(mine) for mine in spends.values()]
    return MixLeads(LEADS.frame(rows), sum(size * (size - 1) for size in sizes), sum(sizes))


def _nearest(row: tuple[Any, ...]) -> tuple[Fraction, str, int, int]:
    """Return the mean distance of a row, exactly, and what orders those of one distance."""
    return Fraction(row[8], row[5]), row[0], row[1], row[3]


Spend = tuple[int, bytes, Mapping[int, datetime]]
"""A spend: its number, its id, and the mixes whose outputs it uses with their times."""


def _spends(ledger: Ledger, sets: AnonymitySets, fewest: int) -> dict[str, list[Spend]]:
    """Return by chain the spends of outputs of several mixes, mixes themselves left out."""
    mixed = sets.frame.select("chain", prev_tx="tx", prev_n="n", mixed_at="time")
    ids = ledger.history.transactions.select("chain", "tx", "txid")
    rows = (
        ledger.history.inputs.select("chain", "tx", "prev_tx", "prev_n")
        .join(mixed.lazy(), on=["chain", "prev_tx", "prev_n"], how="inner")
        .join(sets.frame.select("chain", "tx").unique().lazy(), on=["chain", "tx"], how="anti")
        .join(ids, on=["chain", "tx"], how="left")
        .sort("chain", "tx", "prev_tx", "prev_n")
        .collect()
    )
    found: dict[str, list[Spend]] = {}
    for (chain, tx, txid), part in rows.group_by(["chain", "tx", "txid"], maintain_order=True):
        times = dict(part.select("prev_tx", "mixed_at").iter_rows())
        if len(times) >= fewest:
            spend = (int(str(tx)), txid if isinstance(txid, bytes) else b"", times)
            found.setdefault(str(chain), []).append(spend)
    return found


def _rows(spends: Mapping[str, Sequence[Spend]]) -> Iterator[tuple[Any, ...]]:
    for chain, mine in spends.items():
        for (tx, txid, times), (other, other_txid, others) in permutations(mine, 2):
            yield (
                chain, tx, txid, other, other_txid, len(times), len(others),
                len(set(times) & set(others)),
                sum(min(_apart(when, one) for one in others.values()) for when in times.values()),
            )  # fmt: skip


def _apart(a: datetime, b: datetime) -> int:
    """Return the whole seconds between two times."""
    between = a - b if a > b else b - a
    return between.days * 86_400 + between.seconds
