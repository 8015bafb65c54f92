"""Which parties tags call a danger to the public, how great, and on whose word."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from chainwatch.attribution.contact import substances_of
from chainwatch.attribution.taxonomy import BRIDGING, HOLDING, MIXING
from chainwatch.triage.ranking.weights import FULL, Weights
from chainwatch.triage.tagged import MARKETS, TaggedParties
from chainwatch.typologies.flows import Flows


class Said(NamedTuple):
    """What one tag says of a danger.

    ``first`` and ``last`` are the days between which it holds, ``evidence`` the confidence of its
    publisher, per mille; ``payers`` tells whether paying such a party is itself a concern.
    """

    concept: str
    substance: str | None
    danger: int
    payers: bool
    evidence: int
    source: str
    first: date | None
    last: date | None

    def holds(self, days: Sequence[date]) -> bool:
        """Tell whether it holds on any of some days."""
        return any(
            (self.first is None or self.first <= day) and (self.last is None or day <= self.last)
            for day in days
        )

    def pull(self, weights: Weights) -> int:
        """Return what it brings to a score: more tags of an address never lower it."""
        parts = weights.parts
        return parts["danger"] * self.danger + parts["evidence"] * self.evidence


def dangerous(tags: pl.DataFrame, weights: Weights) -> pl.DataFrame:
    """Return the tags that name a danger, with its weight as their ``level``.

    Where an address has several, the most dangerous then speaks of it, not the one that is worded
    most surely; how sure it is counts as evidence.
    """
    told = [_told(concept, context, weights) for concept, context in _each(tags)]
    found = tags.with_columns(
        pl.Series("danger", [0 if one is None else one[1] for one in told], pl.Int64)
    ).filter(pl.col("danger") > 0)
    return found.with_columns(pl.col("danger").alias("level")).drop("danger")


def _each(tags: pl.DataFrame) -> Iterable[tuple[str | None, str | None]]:
    return zip(tags["concept"].to_list(), tags["context"].to_list(), strict=True)


def _told(
    concept: str | None, context: str | None, weights: Weights
) -> tuple[str | None, int, bool] | None:
    """Return the substance that counts, the danger, and whether payers are a concern."""
    found = weights.danger(concept)
    if found is None:
        return None
    _, danger = found
    sold = [
        (one[1].weight, name)
        for name in substances_of(context)
        if (one := weights.of_substance(name)) is not None and one[1].weight > danger.weight
    ]
    if not sold:
        return None, danger.weight, danger.payers
    weight, name = max(sold)
    return name, weight, danger.payers


@dataclass(frozen=True)
class Dangers:
    """Dangers by party, and which parties hold the money of many.

    Attributes
    ----------
    flows : Flows
        Payments, with the names of dangerous parties alone.
    tags : polars.DataFrame
        All tags, as their publishers have them.
    weights : Weights
        What counts.
    """

    flows: Flows
    tags: pl.DataFrame
    weights: Weights

    @cached_property
    def tagged(self) -> TaggedParties:
        """All tags by the parties of the payments."""
        return TaggedParties(self.flows, self.tags)

    @property
    def services(self) -> NDArray[np.bool_]:
        """Which parties any tag calls a service, on whatever day; markets are not among them."""
        return self.tagged.services

    @cached_property
    def holders(self) -> NDArray[np.bool_]:
        """Which of the services hold accounts of customers: mixers, pools and bridges do not."""
        held = self.tagged.called(HOLDING, but=MARKETS)
        return held & ~self.tagged.called((*MIXING, *BRIDGING))

    @cached_property
    def _said(self) -> Mapping[int, tuple[Said, ...]]:
        """What tags say of a danger, by party, what brings most to a score first."""
        found: dict[int, list[Said]] = {}
        for row in self.tagged.rows.iter_rows(named=True):
            told = _told(row["concept"], row["context"], self.weights)
            if told is not None:
                found.setdefault(row["party"], []).append(_said_by(row, told))
        return {
            party: tuple(sorted(said, key=lambda one: _order(one, self.weights)))
            for party, said in found.items()
        }

    def said(self, party: int, rows: NDArray[np.int64]) -> Said | None:
        """Return what tags say of a party on days of some payments: what brings most to a score."""
        if not len(rows):
            return None
        days = pl.Series(self.flows.time[rows]).cast(pl.Datetime("us")).dt.date().unique()
        each = days.sort().to_list()
        return next((one for one in self._said.get(party, ()) if one.holds(each)), None)

    def met(self, tags: pl.DataFrame) -> int:
        """Return how many addresses of some tags are of a party that pays or is paid."""
        seen = self.tagged.rows.select("address").unique()
        return tags.select("address").unique().join(seen, on="address", how="semi").height

    @cached_property
    def paying(self) -> NDArray[np.bool_]:
        """Which payments are made by a dangerous party, by what tags say of that day."""
        return self.flows.payer_name >= 0

    @cached_property
    def paid(self) -> NDArray[np.bool_]:
        """Which payments are made to a dangerous party, by what tags say of that day."""
        return self.flows.payee_name >= 0

    @cached_property
    def feeding(self) -> NDArray[np.bool_]:
        """Which payments are to a party whom to pay is itself a concern."""
        kinds = []
        for one in self.flows.names:
            found = self.weights.danger(one.concept)
            kinds.append(found is not None and found[1].payers)
        told: NDArray[np.bool_] = np.array([*kinds, False], np.bool_)[self.flows.payee_name]
        return told


def _said_by(row: Mapping[str, Any], told: tuple[str | None, int, bool]) -> Said:
    substance, danger, payers = told
    return Said(
        row["concept"], substance, danger, payers, min(FULL, 10 * row["level"]), row["source"],
        row["first_day"], row["last_day"],
    )  # fmt: skip


def _order(one: Said, weights: Weights) -> tuple[object, ...]:
    return -one.pull(weights), -one.danger, one.concept, one.source, str(one.first), str(one.last)
