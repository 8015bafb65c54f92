"""``link_rates``: how often the link test is right, on simulated vendors whose links are known."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import sqrt
from typing import ClassVar, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from chainwatch.evaluate.measured import KNOWN_FROM, Counts, Measured, judged_by_basis
from chainwatch.evaluate.shares import Share
from chainwatch.results.result import Result, recorded
from chainwatch.results.table import Column, Rows, Table
from chainwatch.simulate.networks.simulation import SimulatedLinks
from chainwatch.simulate.owners.parts import basis_of
from chainwatch.triage.link_test.connection import Connection
from chainwatch.triage.link_test.discovery import statistics
from chainwatch.triage.link_test.explanations import CATALOGUE, LIKELY
from chainwatch.triage.link_test.judged import (
    AT_CROWD,
    LINK,
    NO_ROUTE,
    NOT_TESTABLE,
    Ground,
    Judged,
    Terms,
    ground_of,
    judged,
)
from chainwatch.triage.link_test.simulated import flows_of_simulated

LEVELS = {0.05: "p05", 0.01: "p01", 0.001: "p001"}
"""Levels at which p-values are counted, and the columns that count them."""

LINK_WORLDS = Table(
    "link_worlds",
    ("basis", "seed"),
    "One row per simulated world: who was called, and rightly.",
    (
        KNOWN_FROM,
        Column.count("seed", "what it was made of"),
        Column.count("vendors", "vendors, each tested"),
        Column.count("linked", "of these those with a link"),
        Column.count("found", "of these those that were called"),
        Column.count("wrong", "vendors without a link that were called"),
        Column.count("not_testable", "vendors with a link of whom nothing could be said"),
    ),
)

LINK_KINDS = Table(
    "link_kinds",
    ("basis", "kind"),
    "One row per kind of vendor: what the test says of it.",
    (
        KNOWN_FROM,
        Column.kind("kind", "what the vendors have in common with the network"),
        Column.count("worlds", "independent worlds"),
        Column.count("vendors", "vendors of the kind"),
        Column.count("called", "called consistent with a link"),
        Column.count("explained", "of these those with an innocent explanation that is likely"),
        Column.count("no_route", "of whom no route was found"),
        Column.count("not_testable", "of whom nothing could be said"),
        Column.count("p05", "of a p-value of 0.05 or less, however small the share"),
        Column.count("p01", "of 0.01 or less"),
        Column.count("p001", "of 0.001 or less"),
    ),
)


class Bounded(NamedTuple):
    """A mean over worlds, and the bounds of its interval."""

    mean: float
    low: float
    high: float


@dataclass(frozen=True, repr=False, eq=False)
class LinkRates(Measured, Result):
    """How often the link test is right; every figure is conditional on its basis.

    Attributes
    ----------
    frame, worlds : polars.DataFrame
        Rows in :data:`LINK_KINDS` and :data:`LINK_WORLDS`.
    rate : float
        The false discovery rate that was asked for.
    """

    frame: pl.DataFrame
    worlds: pl.DataFrame
    rate: float = 0.05

    table: ClassVar[Table] = LINK_KINDS
    shares: ClassVar[Mapping[str, Counts]] = {"called": ("vendors", "worlds")}
    measured: ClassVar[str] = "{kind!r} on {basis!r}"

    def tables(self) -> Mapping[str, Rows]:
        """Return the tables that make up the content digest."""
        return {**super().tables(), LINK_WORLDS.name: LINK_WORLDS.rows(self.worlds)}

    def of(self, basis: str) -> pl.DataFrame:
        """Return the worlds of a basis."""
        return self.worlds.filter(basis=basis)

    def false_proportion(self, basis: str) -> Bounded:
        """Return the mean over worlds of the false among the called; ``high`` bounds it at 95 %.

        The bound is one-sided, and the larger of two: Student's over worlds, which knows nothing
        where none is false, and what is left by the exact bound of Poisson on false ones per world,
        each of them among the fewest that were called in any.

        Fails when
        ----------
        A single world is far worse than all that were looked at: fifty cannot exclude what one in
        fifty does.
        """
        rows = self.of(basis)
        called = (rows["found"] + rows["wrong"]).to_numpy()
        false = rows["wrong"].to_numpy() / np.maximum(called, 1)
        count, mean = len(false), float(false.mean())
        if count < 2:
            return Bounded(mean, 0.0, 1.0)
        student = mean + float(statistics().t.ppf(0.95, count - 1)) * float(
            false.std(ddof=1)
        ) / sqrt(count)
        most = float(statistics().chi2.ppf(0.95, 2 * (int(rows["wrong"].sum()) + 1))) / 2 / count
        poisson = most / max(1, int(called.min()))
        return Bounded(mean, 0.0, min(1.0, max(student, poisson)))

    def found_of(self, basis: str) -> Bounded:
        """Return the mean number of links found in a world, with Student's interval of 95 %."""
        found = self.of(basis)["found"].to_numpy()
        mean = float(found.mean())
        if len(found) < 2:
            return Bounded(mean, 0.0, float(self.of(basis)["linked"].max()))  # type: ignore[arg-type]
        reach = (
            float(statistics().t.ppf(0.975, len(found) - 1))
            * float(found.std(ddof=1))
            / sqrt(len(found))
        )
        return Bounded(mean, mean - reach, mean + reach)

    def power(self, basis: str) -> Share:
        """Return how many of all links are found; worlds count as cases."""
        rows = self.of(basis)
        return Share(int(rows["found"].sum()), int(rows["linked"].sum()), rows.height)

    def lines(self) -> Sequence[str]:
        """Return what was measured, a line each, every figure with its numbers and interval."""
        return [
            line for basis in self.worlds["basis"].unique().sort() for line in self._told(basis)
        ]

    def _told(self, basis: str) -> Iterator[str]:
        rows, false, found = self.of(basis), self.false_proportion(basis), self.found_of(basis)
        linked, worst = int(rows["linked"][0]), int(rows["found"].to_numpy().min())
        every = int(rows["vendors"][0])
        yield f"{basis} ({rows.height} worlds of {every} vendors, {linked} linked):"
        yield (
            f"    false among the called: {100 * false.mean:.2f} % on average, at most"
            f" {100 * false.high:.2f} %; {100 * self.rate:.0f} % was asked for"
        )
        yield (
            f"    links found in a world: {found.mean:.2f} of {linked}, 95 % interval"
            f" {found.low:.2f} to {found.high:.2f}; {worst} in the worst;"
            f" {int(rows['not_testable'].sum())} not testable in all"
        )
        for row in self.frame.filter(basis=basis).iter_rows(named=True):
            share = self.share_of("called", basis=basis, kind=row["kind"])
            also = f", {row['explained']:,} of them explained" if row["called"] else ""
            yield f"    {row['kind']}: called {share}{also}"


class Judgement(NamedTuple):
    """What was said in one world: its row in ``LINK_WORLDS``, and its vendors by kind."""

    world: tuple[object, ...]
    vendors: pl.DataFrame


@recorded
def link_rates(worlds: Iterable[SimulatedLinks], terms: Terms | None = None) -> LinkRates:
    """Judge the link test on simulated vendors whose links are known.

    Parameters
    ----------
    worlds : iterable of SimulatedLinks
        They may be made as they are asked for.
    terms : Terms, optional
        On what terms; those of :func:`chainwatch.link_test` where nothing is said.

    Returns
    -------
    LinkRates
        What was counted, by world and by kind of vendor.

    Raises
    ------
    InputError
        If there is no world.
    """
    on = terms or Terms()
    found = judged_by_basis(
        worlds, lambda one: basis_of("vendors", one), lambda one, _: judge(one, on), "links"
    )
    rows = [(basis, *one.world) for basis, many in found for one in many]
    kinds = pl.concat(
        by_kind(pl.concat(one.vendors for one in many)).with_columns(
            pl.lit(basis).alias("basis"), pl.lit(len(many)).alias("worlds")
        )
        for basis, many in found
    )
    frame = LINK_KINDS.conform(kinds.select(LINK_KINDS.names)).sort(LINK_KINDS.key)
    return LinkRates(frame, LINK_WORLDS.frame(rows).sort(LINK_WORLDS.key), float(on.rate))


class Ordinary(NamedTuple):
    """Ordinary wallets of a vendor's size that were tested as if they were vendors.

    ``called`` are consistent with a link; ``p05``, ``p01`` and ``p001`` have p-values of 0.05, 0.01
    and 0.001 or less, however small their share.
    """

    wallets: int
    called: int
    p05: int
    p01: int
    p001: int


def ordinary(made: SimulatedLinks, terms: Terms, count: int = 200) -> Ordinary:
    """Test wallets like those that vendors are compared with: none is more than it should be.

    They are of as many payments as vendors, and lie evenly among all such; supporters may be among
    them, and the vendors of the world are among the wallets beside.
    """
    flows = flows_of_simulated(made)
    sizes = flows.out_of.sizes
    low, high = sizes[made.vendors].min(), sizes[made.vendors].max()
    people = np.array([role == "person" for role in made.roles])
    fit = np.flatnonzero(people & (sizes >= low) & (sizes <= high))
    some = fit[:: max(1, len(fit) // count)][:count]
    _, said = _said(made, some, terms)
    chance = np.array(_chances(said))
    called = sum(one.verdict == LINK for one in said)
    return Ordinary(len(some), called, *(int((chance <= level).sum()) for level in LEVELS))


def _said(
    made: SimulatedLinks, vendors: NDArray[np.int64], terms: Terms
) -> tuple[Ground, tuple[Judged, ...]]:
    """Return what the link test says of some parties of a world, and what it rests on."""
    flows = flows_of_simulated(made)
    network = np.zeros(len(flows.parties), np.bool_)
    network[made.network] = True
    ground = ground_of(flows, vendors, network, terms)
    return ground, judged(ground, vendors.tolist(), terms)


def _chances(said: Iterable[Judged]) -> list[float]:
    """Return p-values before it is asked whether a share is worth calling."""
    return [max(one.p_matched or 0.0, one.p_drawn or 0.0) if one.drawn else 1.0 for one in said]


def judge(made: SimulatedLinks, terms: Terms) -> Judgement:
    """Return what the link test says of all vendors of a world."""
    ground, said = _said(made, made.truth["vendor"].to_numpy(), terms)
    vendors = made.truth.select("kind", "linked").with_columns(
        pl.Series("verdict", [one.verdict for one in said]), pl.Series("p", _chances(said)),
        pl.Series("explained", [one.verdict == LINK and _explained(ground, one) for one in said]),
    )  # fmt: skip
    linked, called = pl.col("linked"), pl.col("verdict") == LINK
    counts = vendors.select(
        linked.sum().alias("linked"), (linked & called).sum().alias("found"),
        (~linked & called).sum().alias("wrong"),
        (linked & (pl.col("verdict") == NOT_TESTABLE)).sum().alias("not_testable"),
    )  # fmt: skip
    return Judgement((made.seed, vendors.height, *counts.row(0)), vendors)


def _explained(ground: Ground, one: Judged) -> bool:
    """Tell whether an innocent explanation of a vendor's link is likely."""
    link = Connection(ground, one.party or 0)
    return any(ask(link).answer == LIKELY for _, ask in CATALOGUE)


def by_kind(vendors: pl.DataFrame) -> pl.DataFrame:
    """Return what was said of vendors, by kind."""
    verdict = pl.col("verdict")
    return vendors.group_by("kind").agg(
        pl.len().alias("vendors"), (verdict == LINK).sum().alias("called"),
        pl.col("explained").sum(), verdict.is_in([NO_ROUTE, AT_CROWD]).sum().alias("no_route"),
        (verdict == NOT_TESTABLE).sum().alias("not_testable"),
        *((pl.col("p") <= level).sum().alias(name) for level, name in LEVELS.items()),
    )  # fmt: skip


def added(one: LinkRates, other: LinkRates) -> LinkRates:
    """Return the rates of the worlds of both, which share none."""
    key = pl.col(*LINK_KINDS.key)
    kinds = (
        pl.concat([one.frame, other.frame])
        .group_by(key)
        .agg(pl.all().exclude(*LINK_KINDS.key).sum())
    )
    worlds = pl.concat([one.worlds, other.worlds]).sort(LINK_WORLDS.key)
    frame = LINK_KINDS.conform(kinds.select(LINK_KINDS.names)).sort(LINK_KINDS.key)
    return LinkRates(frame, worlds, one.rate)


__all__ = [
    "LINK_KINDS",
    "LINK_WORLDS",
    "Bounded",
    "Judgement",
    "LinkRates",
    "Ordinary",
    "added",
    "by_kind",
    "judge",
    "link_rates",
    "ordinary",
]
