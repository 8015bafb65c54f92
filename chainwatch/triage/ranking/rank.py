"""``rank``: what to look at first, by danger to the public, with every score open to its parts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time, timedelta
from typing import Any

import numpy as np
import polars as pl

from chainwatch.addresses import canonical
from chainwatch.addresses.assets import Asset
from chainwatch.attribution.resolve import Framed
from chainwatch.attribution.tags import Tags
from chainwatch.completion import names_of
from chainwatch.errors import InputError, expect
from chainwatch.ledger.dates import Moment, moment
from chainwatch.ledger.ledger import Ledger
from chainwatch.privacy.people.result import PeopleRoles
from chainwatch.results.result import Finding, Result, recorded
from chainwatch.results.table import TIME, Rows
from chainwatch.triage.people import Judged, judged_owners
from chainwatch.triage.ranking.dangers import Dangers, dangerous
from chainwatch.triage.ranking.finding import ranking_finding
from chainwatch.triage.ranking.reasons import Reason, Reasons, reasons_of
from chainwatch.triage.ranking.scores import Score, scores_of
from chainwatch.triage.ranking.tables import LEFT_OUT, RANKING, REASONS, WEIGHED
from chainwatch.triage.ranking.weights import Weights
from chainwatch.triage.views import until
from chainwatch.typologies.alerts import asset_in, flows_of
from chainwatch.typologies.flows import NOBODY, Flows
from chainwatch.typologies.typology import Typology
from chainwatch.units import counted


@dataclass(frozen=True, repr=False, eq=False)
class Ranking(Result):
    """Whom to look at first, why, and what decided the order.

    It gives nobody a role: outside the desk whoever is ranked stays masked, unless something else
    of the case shows him.

    Attributes
    ----------
    frame : polars.DataFrame
        Rows in ``RANKING``, the first first.
    reasons : polars.DataFrame
        Rows in ``REASONS``.
    weights : polars.DataFrame
        Rows in ``WEIGHED``.
    left_out : polars.DataFrame
        Rows in ``LEFT_OUT``.
    asset : Asset
        What was paid.
    day : datetime
        The day of the ranking.
    """

    frame: pl.DataFrame
    reasons: pl.DataFrame
    weights: pl.DataFrame
    left_out: pl.DataFrame
    asset: Asset
    day: datetime

    def tables(self) -> Mapping[str, Rows]:
        """Return the tables that make up the content digest."""
        return {
            "ranking": RANKING.rows(self.frame),
            "reasons": REASONS.rows(self.reasons),
            "weights": WEIGHED.rows(self.weights),
            "left_out": LEFT_OUT.rows(self.left_out),
        }

    def words(self) -> Mapping[str, Any]:
        """Return the day of the ranking."""
        return {"day": self.day.isoformat()}

    def findings(self, subjects: pl.DataFrame) -> Sequence[Finding]:
        """Return the order, its parts, and who is not in it."""
        out = int(self.left_out["parties"].sum())
        return (ranking_finding(self.frame, self.reasons.height, out, self.asset),)

    def why(self, entity: bytes | str | int) -> pl.DataFrame:
        """Return the reasons of one of the ranked, the most dangerous first.

        Parameters
        ----------
        entity : bytes, str or int
            An address, as text or canonical bytes, or a place in the order.

        Raises
        ------
        InputError
            If nobody of that address or place is ranked.
        """
        if isinstance(entity, int):
            row = self.frame.filter(pl.col("rank") == entity)
            found = row["entity"][0] if row.height else b""
        else:
            found = canonical.parse(entity, self.asset.chain) if isinstance(entity, str) else entity
        rows = self.reasons.filter(pl.col("entity") == found)
        if rows.is_empty():
            raise InputError(
                "nobody of that address or place is ranked",
                remedy=f"give a place from 1 to {self.frame.height}, or an entity of the ranking",
            )
        return rows.sort("danger", "evidence", descending=True)

    def __repr__(self) -> str:
        out = int(self.left_out["parties"].sum())
        ranked = counted(self.frame.height, "owner", "owners")
        return (
            f"Ranking({ranked} with {counted(self.reasons.height, 'reason', 'reasons')} to look,"
            f" {out:,} left out, in {self.asset.symbol} as of {self.day:%Y-%m-%d})"
        )


@recorded
def rank(
    ledger: Ledger, tags: Tags, asset: Asset | None = None, *,
    clusters: Framed | None = None, people: PeopleRoles | None = None,
    typologies: Sequence[Typology] = (), weights: Weights | None = None, day: Moment | None = None,
) -> Ranking:  # fmt: skip
    """Say what to look at first, by danger to the public.

    Ranked are owners whom tags name a danger, whom such a party pays, and who pay one whom to pay
    is itself a concern (terror, abuse, arms, precursors). Buying is no reason, however often; a
    shared service links nobody; a shape of payments adds to a reason and is none by itself.

    Parameters
    ----------
    ledger : Ledger
        Coin chains and account chains; its whole history is read.
    tags : Tags
        Who is a danger, and who is a service.
    asset : Asset, optional
        What was paid; the coin, where the ledger is of one chain.
    clusters : Clusters, optional
        Owners. Without them each address stands alone.
    people : PeopleRoles, optional
        Who is a likely consumer, a small donor or a victim, or may be one, as
        :func:`chainwatch.roles` tells of the same asset: none of them is ranked, whatever they pay.
        Without it nobody is ranked for what he pays: he may be a small donor.
    typologies : sequence of Typology
        Shapes of payments to look for among those who have a reason.
    weights : Weights, optional
        What counts, and how much; those of this project, where none are given.
    day : str, date or datetime, optional
        What was paid or said after it does not count; the last day read, if not given.

    Returns
    -------
    Ranking
        The order, reasons, weights with their sources, and who was left out.

    Raises
    ------
    InputError
        If it is not clear which asset is meant, or the day is before all payments.

    Fails when
    ----------
    Tags are wrong or missing: a danger that nobody tagged is not seen, and one that a rival tagged
    is. Change that no cluster joins to its owner is a payee of a seller.

    References
    ----------
    Beside each weight stands the instrument that makes the act a concern of the public.
    """
    _expect(ledger, tags, clusters, people)
    counts = weights or Weights()
    what = asset_in(ledger, asset)
    then = _end_of(day)
    # What tags said later was not known on that day.
    known = tags if then is None else tags.as_of(then.date())
    named = replace(known, frame=dangerous(known.frame, counts))
    flows = flows_of(ledger, what, clusters, named)
    return ranking_of(flows, known, counts, judged_owners(people, flows), typologies, then)


def _expect(ledger: object, tags: object, clusters: object, people: object) -> None:
    expect(ledger, Ledger, "ledger", "open it first: open_ledger('ledger')")
    expect(tags, Tags, "tags", "pass tags, as read_tags returns them")
    expect(clusters, (Framed, type(None)), "clusters", "pass clusters, as owners(...) returns them")
    expect(people, (PeopleRoles, type(None)), "people", "pass people, as roles(...) returns them")


def ranking_of(
    flows: Flows, tags: Framed, weights: Weights | None = None,
    people: Judged | None = None, typologies: Sequence[Typology] = (),
    day: datetime | None = None,
) -> Ranking:  # fmt: skip
    """Return the ranking of payments, whatever these were made of.

    ``flows`` name dangerous parties alone, as tags through :func:`dangers.dangerous` do.
    """
    counts = weights or Weights()
    now = _now(flows, day)
    seen = until(flows, now)
    dangers = Dangers(seen, tags.frame, counts)
    reasons = reasons_of(dangers, people, typologies)
    ordered = sorted(scores_of(dangers, reasons.listed, now), key=lambda one: _place(one, counts))
    return Ranking(
        _ranking(seen, ordered, counts), _reasons(seen, ordered), _weights(counts),
        _left_out(reasons), flows.asset, datetime.fromtimestamp(now // 1_000_000, UTC),
    )  # fmt: skip


def _end_of(day: Moment | None) -> datetime | None:
    """Return the last moment of a day, or the moment that is given: a day counts as a whole."""
    then = moment(day)
    if then is None or then.time() != time():
        return then
    return then + timedelta(days=1) - timedelta(microseconds=1)


def _now(flows: Flows, day: datetime | None) -> int:
    now = None if day is None else int(pl.Series([day]).dt.epoch("us").item())
    if not len(flows) or (now is not None and now < int(flows.clock[0])):
        when = "" if day is None else f" until {day:%Y-%m-%d}"
        raise InputError(
            f"no payment of {flows.asset.symbol} was read{when}",
            remedy="read some, or name another asset or day",
        )
    return int(flows.clock[-1]) if now is None else now


def _place(one: Score, weights: Weights) -> tuple[int, ...]:
    low, high = one.bounds(weights)
    return -low, -high, -one.amount, one.party


def _ranking(flows: Flows, ordered: Sequence[Score], weights: Weights) -> pl.DataFrame:
    rows = []
    for place, one in enumerate(ordered, 1):
        low, high = one.bounds(weights)
        rows.append((
            place, flows.parties[one.party], flows.actor(one.party), low, high, one.danger,
            one.evidence, one.value, one.recency, one.reachable, one.amount, len(one.reasons),
            *_span(flows, one.rows), one.unknown or None, _behind(flows, one.party, one.rows),
        ))  # fmt: skip
    return RANKING.frame(rows)


def _reasons(flows: Flows, ordered: Sequence[Score]) -> pl.DataFrame:
    rows = [_reason_row(flows, one) for score in ordered for one in score.reasons]
    return REASONS.frame(rows).sort(REASONS.key, nulls_last=True)


def _reason_row(flows: Flows, one: Reason) -> tuple[Any, ...]:
    other = None if one.other == NOBODY else flows.parties[one.other]
    return (
        flows.parties[one.party], one.kind, one.concept, one.substance, other, one.danger,
        one.evidence, flows.total(one.rows), len(one.rows), *_span(flows, one.rows), one.source,
        _behind(flows, one.party, one.rows),
    )  # fmt: skip


def _span(flows: Flows, rows: np.ndarray[Any, Any]) -> tuple[Any, Any]:
    times = pl.Series(flows.time[rows], dtype=pl.Int64).cast(TIME)
    return times.min(), times.max()


def _behind(flows: Flows, party: int, rows: np.ndarray[Any, Any]) -> str:
    codes = {*flows.payer[rows].tolist(), *flows.payee[rows].tolist()} - {NOBODY, party}
    return ",".join(flows.parties[code].hex() for code in sorted(codes))


def _left_out(reasons: Reasons) -> pl.DataFrame:
    return LEFT_OUT.frame(sorted(reasons.left_out.items()))


def _weights(weights: Weights) -> pl.DataFrame:
    return WEIGHED.frame(list(_weighed(weights))).sort(WEIGHED.key)


def _weighed(weights: Weights) -> Iterator[tuple[str, str, int, bool | None, str]]:
    usual, whose = Weights(), ("a choice of the investigator", "a choice of this project")
    for kind, named in (("danger", weights.dangers), ("substance", weights.substances)):
        for name, one in named.items():
            yield kind, name, one.weight, one.payers, one.source
    for kind, chosen, ours in (
        ("relation", weights.relations, usual.relations), ("part", weights.parts, usual.parts),
    ):  # fmt: skip
        for name, number in chosen.items():
            yield kind, name, number, None, whose[number == ours[name]]
    for name in ("fading", "within", "alert", "open_alert", "alert_danger"):
        number = getattr(weights, name)
        yield "rule", name, number, None, whose[number == getattr(usual, name)]


def __dir__() -> list[str]:
    """Return what this module is for, for completion."""
    return names_of(__name__)


__all__ = ["Ranking", "rank", "ranking_of"]
