"""Payments of the price of an advertisement, shortly before it appears, and what chance covers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import polars as pl

from chainwatch.typologies.bursts import HOUR
from chainwatch.typologies.facts import ADVERTISEMENT, NO_FACTS
from chainwatch.typologies.flows import SECOND, Flows, Rows
from chainwatch.typologies.outside.coverage import (
    Box,
    Chance,
    Coverage,
    coverers,
    of_known_payers,
)
from chainwatch.typologies.outside.worth import lacking_prices
from chainwatch.typologies.typology import Lacking, NotJudged

SHORT = "sites whose advertisements cannot be moved in the time read, so that chance is not told"
SERVED = "payments by services, whose customers pay for advertisements"

MINUTE = 60 * SECOND


class Advertiser(NamedTuple):
    """A party whose payments cover advertisements of a site, which, and what chance does."""

    party: int
    rows: Rows
    ads: pl.DataFrame
    chance: Chance


def advertisers(
    flows: Flows, least: int, minutes: int, per_mille: int, shifts: int
) -> Iterator[Advertiser | Lacking | NotJudged]:
    """Yield who covers so many advertisements of a site, more than chance gives to anybody.

    Times are moved by days and hours: some who advertise each day at one hour are moved apart.
    """
    facts = NO_FACTS if flows.facts is None else flows.facts
    rows = facts.of_kind(ADVERTISEMENT)
    for currency in sorted(rows["currency"].drop_nulls().unique()):
        if missing := list(lacking_prices(flows, currency, 0)):
            yield from missing
            return
    among = of_known_payers(flows)
    among[among] = ~flows.services[flows.payer[among]]
    if count := int((of_known_payers(flows) & ~among).sum()):
        yield NotJudged(SERVED, count)
    short, box = 0, Box(minutes * MINUTE, per_mille)
    for _, some in rows.group_by("place", maintain_order=True):
        found = Coverage.of(flows, "payer", some, box, shifts, among, jitter=_jitter(box.span))
        told = inside(flows, some, box.span)
        short += not found.shifts
        for party, left, chance in coverers(found, least, greedy=False):
            mine, ads = found.rows_of(party, left)
            yield Advertiser(party, mine, told[ads], chance)
    if short:
        yield NotJudged(SHORT, short)


def inside(flows: Flows, ads: pl.DataFrame, span: int) -> pl.DataFrame:
    """Return the advertisements that appeared in the time read, as coverage counts them."""
    if not len(flows):
        return ads.clear()
    first, last = int(flows.clock[0]), int(flows.clock[-1])
    micros = pl.col("time").dt.epoch("us")
    return ads.filter((micros >= first) & (micros <= last + span))


def _jitter(span: int) -> tuple[int, ...]:
    """Return what is added to days: twice to six times the span, either way, and three hours at
    most."""
    most = 3 * HOUR
    return tuple(sign * min(times * span, most) for times in (2, 4, 6) for sign in (1, -1))


__all__ = ["SERVED", "SHORT", "Advertiser", "advertisers", "inside"]
