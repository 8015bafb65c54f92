"""``typology_rates``: how often typologies are right, and whom they miss, where all is known."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar, NamedTuple

import polars as pl

from chainwatch.evaluate.measured import KNOWN_FROM, Counts, Measured, judged_by_basis
from chainwatch.evaluate.shares import Share, cases_of
from chainwatch.results.result import Result, recorded
from chainwatch.results.table import Column, Rows, Table
from chainwatch.simulate.campaigns.simulation import SimulatedCampaigns
from chainwatch.simulate.owners.parts import basis_of
from chainwatch.typologies.catalogue import DEFAULT
from chainwatch.typologies.facts import make_facts
from chainwatch.typologies.flows import Flows, Name
from chainwatch.typologies.made_flows import make_flows
from chainwatch.typologies.trafficking.night_amounts import night_amounts
from chainwatch.typologies.typology import Typology

_TYPOLOGY = Column.kind("typology", "the typology, by its name")

TYPOLOGY_RATES = Table(
    "typology_rates",
    ("basis", "typology"),
    "One row per typology: on whom it raises alerts, and which campaigns it finds.",
    (
        KNOWN_FROM,
        _TYPOLOGY,
        Column.kind("strength", "plain or weak, as it says of itself"),
        Column.count("worlds", "independent chains"),
        Column.count("lacking", "of these those that do not have what it needs"),
        Column.count("alerted", "parties on whom it raises an alert"),
        Column.count("right", "of these those whose doing it is"),
        Column.count("other", "of these those who run another campaign of crime"),
        Column.count("cases", "independent cases behind those alerted: campaigns, or parties"),
        Column.count("innocent", "parties who run no crime, and whose doing it is not"),
        Column.count("bothered", "of these those on whom it raises an alert"),
        Column.count("known", "campaigns that show it, by habits that the fit part has"),
        Column.count("found_known", "of these those found by an alert on one of their parties"),
        Column.count("new", "campaigns that show it, by habits that only the test part has"),
        Column.count("found_new", "of these those found"),
    ),
)

BY_CAMPAIGN = Table(
    "by_campaign",
    ("basis", "typology", "campaign", "variant"),
    "One row per typology, kind of campaign and variant on which it raises an alert, or should.",
    (
        KNOWN_FROM,
        _TYPOLOGY,
        Column.kind("campaign", "what is run; bystander is who runs nothing, by what he is"),
        Column.kind("variant", "by which habits"),
        Column.flag("crime", "whether it is a crime"),
        Column.flag("shows", "whether it is right to claim it"),
        Column.flag("unseen", "whether only the test part has the variant"),
        Column.count("campaigns", "how many were run; of bystanders how many parties there are"),
        Column.count("alerted", "of these those on a party of which it raises an alert"),
    ),
)

BYSTANDER = "bystander"

IN_TOWNS = tuple(night_amounts(zone="UTC") if one.name == "night_amounts" else one
                 for one in DEFAULT)  # fmt: skip
"""All typologies, with what is known of simulated towns: their clocks show UTC."""


@dataclass(frozen=True, repr=False, eq=False)
class TypologyRates(Measured, Result):
    """How often typologies are right; every figure is conditional on its basis.

    Attributes
    ----------
    frame : polars.DataFrame
        Rows in :data:`TYPOLOGY_RATES`.
    campaigns : polars.DataFrame
        Rows in :data:`BY_CAMPAIGN`.
    """

    frame: pl.DataFrame
    campaigns: pl.DataFrame

    table: ClassVar[Table] = TYPOLOGY_RATES
    shares: ClassVar[Mapping[str, Counts]] = {
        "right": ("alerted", "cases"), "bothered": ("innocent", None),
        "found_known": ("known", None), "found_new": ("new", None),
    }  # fmt: skip
    measured: ClassVar[str] = "{typology!r} was measured on {basis!r}"

    def tables(self) -> Mapping[str, Rows]:
        """Return both tables."""
        return {**super().tables(), "by_campaign": BY_CAMPAIGN.rows(self.campaigns)}

    def share(self, name: str, *, basis: str, typology: str) -> Share:
        """Return a measured share: ``right`` of those alerted, ``bothered`` of the innocent, or
        ``found_known`` and ``found_new`` of the campaigns.

        Raises
        ------
        InputError
            If nothing of that name was measured.
        """
        return self.share_of(name, basis=basis, typology=typology)

    def lines(self) -> Sequence[str]:
        """Return what was measured, a line each, every figure with its numbers and interval."""
        return list(self._lines())

    def _lines(self) -> Iterator[str]:
        for row in self.frame.iter_rows(named=True):
            of = {"basis": row["basis"], "typology": row["typology"]}
            weak = "" if row["strength"] == "plain" else f" ({row['strength']})"
            yield f"{row['typology']}{weak}, {row['basis']} ({row['worlds']} worlds):"
            if row["lacking"]:
                yield f"    not observable on {row['lacking']} of them"
            yield f"    precision, of alerted parties: {self.share('right', **of)}"
            yield f"    recall, of campaigns of known habits: {self.share('found_known', **of)}"
            if row["new"]:
                yield f"    recall, of campaigns of new habits: {self.share('found_new', **of)}"
            yield f"    alerts: {per_thousand(self.share('bothered', **of))}"


def per_thousand(share: Share) -> str:
    """Say how many alerts there are on a thousand innocent parties, with the interval."""
    if share.interval is None:
        return "no innocent parties"
    low, high = (1_000 * one for one in share.interval)
    said = f"{1_000 * share.count / share.of:.2f} of 1,000 innocent parties ({share.count:,} of"
    if not share.count:
        return f"{said} {share.of:,}, at most {high:.2f})"
    return f"{said} {share.of:,}, 95 % interval {low:.2f} to {high:.2f})"


class _Party(NamedTuple):
    """Somebody: what he is, the campaign that is his, and whether he takes part in a crime."""

    kind: str
    campaign: int | None
    crime: bool


class _World(NamedTuple):
    """What typologies claim in one chain, and what is true there.

    ``claimed`` is by typology whom it names, None where it lacks what it needs; ``true`` by
    typology the parties whose doing it is, each with the campaign; ``due`` the campaigns that it
    should find.
    """

    claimed: dict[str, set[bytes] | None]
    true: dict[str, dict[bytes, int]]
    due: dict[str, set[int]]
    parties: dict[bytes, _Party]
    world: SimulatedCampaigns


@recorded
def typology_rates(
    worlds: Iterable[SimulatedCampaigns], typologies: Sequence[Typology] = IN_TOWNS
) -> TypologyRates:
    """Count on whom typologies raise alerts, and which campaigns they find: precision and recall.

    An alert is right on a party whose doing it is. A party counts once, however many alerts there
    are on it; the cases behind an interval are campaigns, since the parties of one are alike. A
    campaign is found by an alert on one of its parties.

    Parameters
    ----------
    worlds : iterable of SimulatedCampaigns
        Taken one after the other; those of one basis are added up.
    typologies : sequence of Typology
        Which, with their numbers; all as a rule, by the clock of the towns.

    Raises
    ------
    InputError
        If there is no world.

    Fails when
    ----------
    Numbers were chosen on these worlds. Real crimes and real business differ from simulated ones,
    and crimes are far rarer among them: of real alerts fewer are right. Typologies that read a
    whole ledger, such as ``peel_chain``, lack it here.
    """
    judged = judged_by_basis(
        worlds, partial(basis_of, "campaigns"), lambda one, _: _judge(one, typologies),
        "typologies",
    )  # fmt: skip
    rates = [_rates(basis, one, each) for basis, each in judged for one in typologies]
    campaigns = [
        row for basis, each in judged for one in typologies for row in _campaigns(basis, one, each)
    ]
    return TypologyRates(
        TYPOLOGY_RATES.frame(rates), BY_CAMPAIGN.frame(campaigns).sort(BY_CAMPAIGN.key)
    )


def campaign_flows(world: SimulatedCampaigns) -> Flows:
    """Return the payments of simulated campaigns as typologies read them, with all facts."""
    return make_flows(
        world.payments, world.asset, names=[Name(*one) for one in world.names],
        prices=world.prices,
        facts=make_facts(
            reviews=world.reviews, listings=world.listings, closures=world.closures,
            published=world.published,
        ),
    )  # fmt: skip


def _judge(world: SimulatedCampaigns, typologies: Sequence[Typology]) -> _World:
    flows = campaign_flows(world)
    claimed: dict[str, set[bytes] | None] = {}
    for one in typologies:
        found = one.find(flows)
        parties = {flows.parties[claim.party] for claim in found.claims}
        claimed[one.name] = None if found.lacking else parties
    true: dict[str, dict[bytes, int]] = {}
    due: dict[str, set[int]] = {}
    for campaign, typology, party, missed in world.truth.iter_rows():
        true.setdefault(typology, {})[party] = campaign
        if missed:
            due.setdefault(typology, set()).add(campaign)
    parties_ = {party: _Party(*told) for party, *told in world.entities.iter_rows()}
    return _World(claimed, true, due, parties_, world)


def _rates(basis: str, one: Typology, worlds: Sequence[_World]) -> tuple[object, ...]:
    counts: Counter[str] = Counter()
    cases: list[tuple[int, object]] = []
    for place, made in enumerate(worlds):
        claimed, true = made.claimed[one.name], made.true.get(one.name, {})
        counts["lacking"] += claimed is None
        guilty = {party for party, of in made.parties.items() if of.crime}
        innocent = made.parties.keys() - guilty - true.keys()
        alerted = claimed or set()
        counts["right"] += len(alerted & true.keys())
        counts["other"] += len((alerted & guilty) - true.keys())
        counts["innocent"] += len(innocent)
        counts["bothered"] += len(alerted & innocent)
        cases += [(place, _case(made, party)) for party in alerted]
        for number in made.due.get(one.name, ()):
            name = "new" if made.world.campaigns[number].new else "known"
            counts[name] += 1
            counts[f"found_{name}"] += any(true.get(party) == number for party in alerted)
    return (
        basis, one.name, one.strength, len(worlds), counts["lacking"], len(cases), counts["right"],
        counts["other"], cases_of(cases) if cases else 0, counts["innocent"], counts["bothered"],
        counts["known"], counts["found_known"], counts["new"], counts["found_new"],
    )  # fmt: skip


def _case(made: _World, party: bytes) -> object:
    """Return whose case a party is: the campaign's, or its own."""
    campaign = made.parties[party].campaign
    return party if campaign is None else campaign


def _campaigns(basis: str, one: Typology, worlds: Sequence[_World]) -> Iterator[tuple[Any, ...]]:
    """Yield, by kind and variant, how many campaigns there are, and how many are alerted."""
    run: Counter[tuple[Any, ...]] = Counter()
    met: Counter[tuple[Any, ...]] = Counter()
    shown: set[tuple[Any, ...]] = set()
    for made in worlds:
        alerted = made.claimed[one.name] or set()
        numbers = {made.parties[party].campaign for party in alerted}
        for each in made.world.campaigns:
            key = (each.kind, each.variant, each.crime, each.new)
            run[key] += 1
            met[key] += each.number in numbers
            if each.number in made.due.get(one.name, ()):
                shown.add(key)
        for party, of in made.parties.items():
            if of.campaign is None:
                key = (BYSTANDER, of.kind, False, False)
                run[key] += 1
                met[key] += party in alerted
    for key, count in run.items():
        if met[key] or key in shown:
            kind, variant, crime, new = key
            yield (basis, one.name, kind, variant, crime, key in shown, new, count, met[key])


__all__ = ["BY_CAMPAIGN", "IN_TOWNS", "TYPOLOGY_RATES", "TypologyRates", "campaign_flows",
           "per_thousand", "typology_rates"]  # fmt: skip
