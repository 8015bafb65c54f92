"""``crossing_rates``: how often matches at bridges are right, where every payout is known."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from fractions import Fraction
from functools import partial
from typing import ClassVar

import polars as pl

from chainwatch.evaluate.measured import KNOWN_FROM, Counts, Measured, judged_by_basis
from chainwatch.evaluate.shares import Share
from chainwatch.results.result import Result, recorded
from chainwatch.results.table import Column, Table
from chainwatch.simulate.bridges.simulation import SimulatedBridges
from chainwatch.simulate.owners.parts import basis_of
from chainwatch.tracing.crossings.chance import Control
from chainwatch.tracing.crossings.crossings import FEE, WITHIN, crossings
from chainwatch.tracing.crossings.messages.by_identifier import BY_ID
from chainwatch.tracing.crossings.tables import BY_AMOUNT

FIRST_THAT_FITS = "first that fits"
"""The rule of published matchers, for comparison: the earliest payout within the caps, whatever
else fits and whoever else claims it."""

CROSSING_RATES = Table(
    "crossing_rates",
    ("basis", "rule"),
    "One row per rule: how many deposits it matches, and how many of them to a payout that is not"
    " theirs.",
    (
        KNOWN_FROM,
        Column.kind("rule", "by what a payout is matched"),
        Column.count("worlds", "independent chains"),
        Column.count("matched", "deposits that it matches"),
        Column.count("wrong", "of these those matched to another payout than theirs"),
        Column.count("answered", "deposits that one payout alone answers, however late or dear"),
        Column.count("found", "of these those matched to it"),
        Column.number("false_low", "least wrong ones that the control of chance allows at 95 %"),
        Column.number("false_high", "most wrong ones that it allows"),
    ),
)


@dataclass(frozen=True, repr=False, eq=False)
class CrossingRates(Measured, Result):
    """How often matches at bridges are right; every figure is conditional on its basis.

    Attributes
    ----------
    frame : polars.DataFrame
        Rows in :data:`CROSSING_RATES`.
    controls : mapping of str to Control
        By basis, what the control of chance says of the rule of amount and time.
    """

    frame: pl.DataFrame
    controls: Mapping[str, Control]

    table: ClassVar[Table] = CROSSING_RATES
    shares: ClassVar[Mapping[str, Counts]] = {
        "wrong": ("matched", None), "found": ("answered", None),
    }  # fmt: skip
    measured: ClassVar[str] = "{rule!r} was measured on {basis!r}"

    def share(self, name: str, *, basis: str, rule: str) -> Share:
        """Return a measured share: ``wrong`` of those matched, or ``found`` of those answered.

        Raises
        ------
        InputError
            If nothing of that name was measured.
        """
        return self.share_of(name, basis=basis, rule=rule)

    def lines(self) -> Sequence[str]:
        """Return what was measured, a line each, every figure with its numbers and interval."""
        return list(self._lines())

    def _lines(self) -> Iterator[str]:
        for row in self.frame.iter_rows(named=True):
            of = {"basis": row["basis"], "rule": row["rule"]}
            yield f"{row['rule']}, {row['basis']} ({row['worlds']} worlds):"
            yield f"    matched to a payout that is not theirs: {self.share('wrong', **of)}"
            yield f"    deposits whose one payout was found: {self.share('found', **of)}"
            if row["rule"] == BY_AMOUNT:
                yield f"    the control says: {self.controls[row['basis']].said()}"


@recorded
def crossing_rates(
    worlds: Iterable[SimulatedBridges], *, within: timedelta = WITHIN, fee_at_most: Fraction = FEE
) -> CrossingRates:
    """Count what each rule matches, and what of it is wrong.

    Parameters
    ----------
    worlds : iterable of SimulatedBridges
        Taken one after the other; those of one basis are added up.
    within, fee_at_most : timedelta, Fraction
        The caps.

    Raises
    ------
    InputError
        If there is no world.

    Fails when
    ----------
    The worlds were looked at while caps were chosen. Real bridges differ from simulated ones: what
    carries over is that the control tells how often matches are wrong, and not how often that is.
    """
    judged = judged_by_basis(
        worlds, partial(basis_of, "bridges"), lambda one, _: _by_rules(one, within, fee_at_most),
        "crossings",
    )  # fmt: skip
    controls = {basis: sum((one for _, one in each), Control()) for basis, each in judged}
    rows = [
        row
        for basis, each in judged
        for row in _rates(basis, [matched for matched, _ in each], controls[basis])
    ]
    return CrossingRates(CROSSING_RATES.frame(rows), controls)


def _by_rules(
    world: SimulatedBridges, within: timedelta, fee: Fraction
) -> tuple[pl.DataFrame, Control]:
    """Return the truth beside the payout that each rule names, and the control."""
    ledger = world.ledger()
    ask = partial(crossings, ledger, bridges=world.bridges, assets=[world.assets], within=within,
                  fee_at_most=fee)  # fmt: skip
    alone, told = ask(), ask(messages=world.messages())
    rows = world.truth
    for rule, found in ((BY_AMOUNT, alone), (BY_ID, told)):
        named = found.frame.filter(evidence=rule).select("crossing", "chain", "txid")
        paid = found.payouts.select("crossing", pl.col("txid").alias(rule))
        mine = named.join(paid, on="crossing").drop("crossing")
        rows = rows.join(mine, on=["chain", "txid"], how="left", maintain_order="left")
    first = _first_that_fit(world, within, fee)
    return rows.with_columns(pl.Series(FIRST_THAT_FITS, first, pl.Binary)), alone.chance


def _first_that_fit(
    world: SimulatedBridges, within: timedelta, fee: Fraction
) -> list[bytes | None]:
    """Return for each deposit the earliest payout within the caps."""
    rows = world.transfers.sort("time", "tx")
    out = list(rows.filter(sender=world.pool).select("chain", "time", "amount", "txid").iter_rows())
    into = rows.filter(receiver=world.pool).select("chain", "txid", "time", "amount")
    known = {(chain, txid): (time, int(amount)) for chain, txid, time, amount in into.iter_rows()}
    found: list[bytes | None] = []
    for key in world.truth.select("chain", "txid").iter_rows():
        (time, amount), least = known[key], known[key][1] * (1 - fee)
        fit = (
            txid for chain, when, paid, txid in out
            if chain != key[0] and time <= when <= time + within and least <= paid <= amount
        )  # fmt: skip
        found.append(next(fit, None))
    return found


def _rates(
    basis: str, worlds: Sequence[pl.DataFrame], control: Control
) -> Iterator[tuple[object, ...]]:
    rows = pl.concat(worlds)
    own = pl.col("payout_txid")
    answered = rows.filter(own.is_not_null())
    for rule in (BY_ID, BY_AMOUNT, FIRST_THAT_FITS):
        matched = rows.filter(pl.col(rule).is_not_null())
        span = control.interval if rule == BY_AMOUNT else None
        yield (
            basis, rule, len(worlds), matched.height,
            matched.filter(pl.col(rule).ne_missing(own)).height,
            answered.height, answered.filter(pl.col(rule) == own).height,
            span and span[0], span and span[1],
        )  # fmt: skip
