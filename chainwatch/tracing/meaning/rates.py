"""``meaning_rates``: how often what transactions are said to mean is right, where all is known."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import ClassVar, NamedTuple

import polars as pl

from chainwatch.evaluate.measured import KNOWN_FROM, Counts, Measured, judged_by_basis
from chainwatch.evaluate.shares import Share, cases_of
from chainwatch.results.result import Result, recorded
from chainwatch.results.table import Column, Table
from chainwatch.simulate.owners.parts import basis_of
from chainwatch.simulate.swaps.simulation import SimulatedSwaps
from chainwatch.simulate.swaps.world import MEANINGS, SWAP, UNWRAP, WRAP, Truth
from chainwatch.tracing.meaning.kinds import CARRYING, Meaning
from chainwatch.tracing.meaning.meanings import meanings
from chainwatch.tracing.meaning.pools import MIN_TRADERS, UNDECIDED

MEANING_RATES = Table(
    "meaning_rates",
    ("basis", "meaning"),
    "One row per meaning: how often it was said, and how often it was true. A batch counts once for"
    " each who was paid.",
    (
        KNOWN_FROM,
        Column.kind("meaning", "what is said"),
        Column.count("worlds", "independent chains"),
        Column.count("said", "payments, swaps and deposits that are said, and not undecided"),
        Column.count("wrong", "of these those of which another is true"),
        Column.count("said_cases", "independent people behind them"),
        Column.count("true", "payments, swaps and deposits that there are"),
        Column.count("found", "of these those that are said"),
        Column.count("true_cases", "independent people behind them"),
    ),
)

Told = tuple[object, ...]
"""What is said of something, so that it is true or not: meaning, who, whom, and exact amounts."""


class _Judged(NamedTuple):
    """What was said and what is true in one chain, each with whom it is of."""

    said: Mapping[Told, object]
    true: Mapping[Told, object]


@dataclass(frozen=True, repr=False, eq=False)
class MeaningRates(Measured, Result):
    """How often meanings are right; every figure is conditional on its basis.

    Attributes
    ----------
    frame : polars.DataFrame
        Rows in :data:`MEANING_RATES`.
    """

    frame: pl.DataFrame

    table: ClassVar[Table] = MEANING_RATES
    shares: ClassVar[Mapping[str, Counts]] = {
        "wrong": ("said", "said_cases"), "found": ("true", "true_cases"),
    }  # fmt: skip
    measured: ClassVar[str] = "{meaning!r} was measured on {basis!r}"

    def share(self, name: str, *, basis: str, meaning: str) -> Share:
        """Return a measured share: ``wrong`` of what is said, or ``found`` of what is true.

        Raises
        ------
        InputError
            If nothing of that name was measured.
        """
        return self.share_of(name, basis=basis, meaning=meaning)

    def lines(self) -> Sequence[str]:
        """Return what was measured, a line each, every figure with its numbers and interval."""
        found = []
        for basis, meaning, worlds in self.frame.select("basis", "meaning", "worlds").iter_rows():
            wrong, hit = (
                self.share(name, basis=basis, meaning=meaning) for name in ("wrong", "found")
            )
            found += [f"{meaning}, {basis} ({worlds} worlds):", f"    said and not true: {wrong}",
                      f"    true and said: {hit}"]  # fmt: skip
        return found


@recorded
def meaning_rates(
    worlds: Iterable[SimulatedSwaps], *, min_traders: int = MIN_TRADERS
) -> MeaningRates:
    """Count how often what is said of transactions is true, and what is true is said.

    Pools are found by trade alone: no tag names them. A swap is right where who gave, who got, both
    assets and both amounts are; a payment where payer, payee, asset and amount are.

    Parameters
    ----------
    worlds : iterable of SimulatedSwaps
        Taken one after the other; those of one basis are added up.
    min_traders : int
        As :func:`chainwatch.tracing.meaning.meanings.meanings` has it.

    Returns
    -------
    MeaningRates
        People are the independent cases: what one does is right or wrong for one reason.

    Raises
    ------
    InputError
        If there is no world.

    Fails when
    ----------
    The worlds were looked at while a rule was chosen: the figures are then too good.
    """
    judged = judged_by_basis(
        worlds, partial(basis_of, "swaps"), lambda one, _: _judged(one, min_traders), "meanings"
    )
    rows = (row for basis, each in judged for row in _rates(basis, each))
    return MeaningRates(MEANING_RATES.frame(rows))


def _judged(world: SimulatedSwaps, min_traders: int) -> _Judged:
    found = meanings(world.ledger(), min_traders=min_traders)
    said = {
        told: told[2]
        for each in found.meant
        for one in each.meanings
        if one.certainty != UNDECIDED and one.kind in MEANINGS
        for told in _said(each.transaction.txid, one)
    }
    return _Judged(said, {_true(one): one.payer for one in world.truth})


def _said(txid: bytes, one: Meaning) -> Iterator[Told]:
    if one.kind in CARRYING:
        gave, got = one.paid[0], one.got[0]
        paid, back = (sum(pay.amount for pay in side) for side in (one.paid, one.got))
        yield (one.kind, txid, gave.payer, gave.asset[0], paid, got.payee, got.asset[0], back)
    elif one.got:
        yield one.kind, txid, one.paid[0].payer, one.paid[0].payee
    else:
        for pay in one.paid:
            yield one.kind, txid, pay.payer, pay.payee, pay.asset[0], pay.amount


def _true(one: Truth) -> Told:
    if one.meaning in (SWAP, WRAP, UNWRAP):
        return (one.meaning, one.txid, one.payer, one.asset, one.amount, one.receiver,
                one.got_asset, one.got)  # fmt: skip
    if one.receiver is not None or one.meaning in _DEPOSITS:
        return one.meaning, one.txid, one.payer, one.payee
    return one.meaning, one.txid, one.payer, one.payee, one.asset, one.amount


_DEPOSITS = ("liquidity added", "deposited for a receipt")


def _rates(basis: str, worlds: Sequence[_Judged]) -> Iterator[tuple[object, ...]]:
    for meaning in MEANINGS:
        said = [(n, t, who) for n, one in enumerate(worlds) for t, who in one.said.items()
                if t[0] == meaning]  # fmt: skip
        true = [(n, t, who) for n, one in enumerate(worlds) for t, who in one.true.items()
                if t[0] == meaning]  # fmt: skip
        wrong = sum(t not in worlds[n].true for n, t, _ in said)
        found = sum(t in worlds[n].said for n, t, _ in true)
        cases = [cases_of((n, who) for n, _, who in these) for these in (said, true)]
        yield (
            basis, meaning, len(worlds), len(said), wrong, cases[0], len(true), found, cases[1],
        )  # fmt: skip
