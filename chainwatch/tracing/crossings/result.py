"""``Crossings``: deposits at bridges, what became of each, and how often that is chance."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from fractions import Fraction
from typing import Any

import polars as pl

from chainwatch.addresses.assets import Asset
from chainwatch.attribution.tags import Tags
from chainwatch.chains.catalogue import chain as find_chain
from chainwatch.errors import InputError
from chainwatch.results.result import Finding, Result
from chainwatch.results.roles import Roles, parties_of
from chainwatch.results.table import Rows
from chainwatch.tracing.crossings.chance import Control
from chainwatch.tracing.crossings.tables import (
    BY_AMOUNT,
    CONTROLS,
    CROSSED,
    DEPOSITS,
    NOT_MATCHED,
    PAYOUTS,
)
from chainwatch.units import counted

A_LEAD = (
    "A match by amount and time is a lead and no proof: it is one where nothing else that was read"
    " fits, and the control says how often that happens by chance."
)
"""Said wherever such a match is shown."""

INNOCENT = (
    "Whoever uses the same bridge has nothing to do with others who do.",
    "Who is paid on the other side need not be who paid: a bridge pays whom it is told to.",
)
"""What could innocently explain a crossing."""

ASSET = ("chain", "contract", "symbol", "decimals")
"""What of a row makes its asset."""

NO_BRIDGE_BESIDE = (
    "Only addresses that are named as the bridge's were looked at, and only assets that were named."
)


@dataclass(frozen=True, repr=False, eq=False)
class Crossings(Result):
    """What became of deposits at bridges.

    Attributes
    ----------
    frame : polars.DataFrame
        Rows in ``DEPOSITS``: every deposit of the span, matched or not.
    payouts : polars.DataFrame
        Rows in ``PAYOUTS``: those that answer them, by the number of the deposit.
    controls : polars.DataFrame
        Rows in ``CONTROLS``: one per bridge and group of assets.
    bridges : Tags
        Who is a bridge.
    within, fee_at_most : timedelta, Fraction
        The caps of the rule of amount and time.
    limits : tuple of str
        What was not looked at.
    """

    frame: pl.DataFrame
    payouts: pl.DataFrame
    controls: pl.DataFrame
    bridges: Tags
    within: timedelta
    fee_at_most: Fraction
    limits: tuple[str, ...] = field(default=())

    def tables(self) -> Mapping[str, Rows]:
        """Return the tables that make up the content digest."""
        return {
            DEPOSITS.name: DEPOSITS.rows(self.frame),
            PAYOUTS.name: PAYOUTS.rows(self.payouts),
            CONTROLS.name: CONTROLS.rows(self.controls),
        }

    def words(self) -> Mapping[str, Any]:
        """Return its caps and limits, which are digested as well."""
        return {
            "within_seconds": int(self.within.total_seconds()),
            "fee_at_most": str(self.fee_at_most),
            "limits": list(self.limits),
        }

    def control(self, bridge: str, assets: str) -> Control:
        """Return the control of a bridge and a group of assets.

        Raises
        ------
        InputError
            If there is none.
        """
        rows = self.controls.filter(bridge=bridge, assets=assets)
        if rows.is_empty():
            raise InputError(
                f"no control of {bridge[:60]!r} with {assets[:60]!r}",
                remedy="take both from a row of .controls",
            )
        row = rows.row(0, named=True)
        return control_of(row)

    @property
    def chance(self) -> Control:
        """The control of all bridges and assets together."""
        return sum(map(control_of, self.controls.iter_rows(named=True)), Control())

    @property
    def leads(self) -> int:
        """How many deposits are matched by amount and time alone."""
        return self.frame.filter(evidence=BY_AMOUNT).height

    def findings(self, subjects: pl.DataFrame) -> Sequence[Finding]:
        """Return what became of the deposits."""
        return tuple(crossings_findings(self))

    def roles(self) -> Roles:
        """Return that addresses of bridges are a service's."""
        known = self.bridges.frame.select("chain", "address")
        return Roles(alone=parties_of(known))

    def lines(self) -> Sequence[str]:
        """Return what became of deposits, counted, and how often a match is chance; a line each."""
        return [*self._counts(), *self._controls(), *self.limits]

    def _counts(self) -> Iterator[str]:
        kinds = Counter(self.frame.select("result", "evidence", "reason").iter_rows())
        for (result, evidence, reason), count in sorted(kinds.items(), key=_by_count):
            why = f" ({evidence})" if evidence else f": {reason}"
            yield f"{count:,} {result}{why}"

    def _controls(self) -> Iterator[str]:
        for row in self.controls.iter_rows(named=True):
            yield f"{row['bridge']}, {row['assets']}: {control_of(row).said()}"
        if self.leads:
            yield A_LEAD

    def __repr__(self) -> str:
        deposits = counted(self.frame.height, "deposit", "deposits")
        return "\n".join([f"Crossings({deposits})", *(f"  {line}" for line in self.lines())])


def _by_count(item: tuple[tuple[Any, ...], int]) -> tuple[int, tuple[str, ...]]:
    return -item[1], tuple(str(one) for one in item[0])


def control_of(row: Mapping[str, Any]) -> Control:
    """Return the control that a row of ``CONTROLS`` tells."""
    names = ("tries", "tries_matched", "tries_unmatched", "cases", "matches", "unmatched")
    return Control(*(row[name] for name in names))


def crossings_findings(found: Crossings) -> Iterator[Finding]:
    """Yield what became of deposits at bridges: what is said of all, then a table for each asset.

    Amounts of two assets stand in no table together: each is told in coins of its own.
    """
    crossed = found.frame.filter(result=CROSSED)
    proven, leads = crossed.filter(pl.col("evidence") != BY_AMOUNT).height, found.leads
    open_ = found.frame.filter(result=NOT_MATCHED).height
    deposits = counted(found.frame.height, "deposit", "deposits")
    text = [
        f"A payout was named where both sides bear one identifier; or else where it alone fits by"
        f" amount (at most {_percent(found.fee_at_most)} less) and time (within {found.within}),"
        " fits no other deposit, and everything was read that could be either.",
        *found._controls(),
        *found.limits,
        NO_BRIDGE_BESIDE,
    ]
    head = (
        f"Of {deposits} at bridges {proven:,} crossed by an identifier, {leads:,} by amount and"
        f" time alone, which is a lead; of {open_:,} it is not said what became of them."
    )
    yield Finding("Crossings at bridges", tuple(text), None, None, INNOCENT, head)
    rows = DEPOSITS.pick(
        "chain", "bridge", "time", "txid", "amount", "payer", "result", "evidence", "reason",
        name="deposits_at_bridges",
    )  # fmt: skip
    for mine in found.frame.partition_by("chain", "contract", maintain_order=True):
        asset = Asset(*mine.select(ASSET).row(0))
        told = f"Deposits of {asset.symbol} on {find_chain(asset.chain).alias}"
        yield Finding(told, (), rows.rows(mine.select(rows.names)), asset)


def _percent(share: Fraction) -> str:
    return f"{float(100 * share):g} %"
