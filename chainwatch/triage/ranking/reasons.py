"""Why somebody is looked at: what tags say of him, who pays him, whom he pays, what he does.

Buying is no reason. Who pays a seller of goods or a market is never looked at for it, however
often; what comes back from one whom he paid is a refund, and a single payout may be one too.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import polars as pl
from numpy.typing import NDArray

from chainwatch.triage.people import Judged, marked
from chainwatch.triage.ranking.dangers import Dangers, Said
from chainwatch.triage.ranking.weights import FULL
from chainwatch.typologies.flows import NOBODY, Flows
from chainwatch.typologies.typology import Typology

NAMED, PAID_BY, PAYS, ALERT = "named", "paid by", "pays", "alert"

SERVICE = "services, which deal with everybody"
BUYER = "paid sellers or markets, and got no more back than that"
ONE_PAYOUT = "had too few payouts of a seller or a market to tell them from refunds"
UNTOLD = "paid a danger, and may be small donors: no role of theirs was given"
PEOPLE = "are likely consumers, donors or victims"
TRIFLE = "were paid a trifle of what a danger paid out"
UNSEEN = "are named by tags, and no payment of theirs was read"

LEFT = (SERVICE, BUYER, ONE_PAYOUT, TRIFLE, PEOPLE, UNTOLD)

LEAST = 100
"""What somebody got from a dangerous party counts from a hundredth of what that paid out in all."""

FEWEST = 3
"""Payouts of sellers and markets to one party, at least: fewer may be refunds to a new address."""


@dataclass(frozen=True)
class Reason:
    """Why a party is looked at: the kind, the danger, with whom, and the payments of it."""

    party: int
    kind: str
    other: int
    concept: str
    substance: str | None
    danger: int
    evidence: int
    source: str | None
    rows: NDArray[np.int64] = field(repr=False)


@dataclass(frozen=True)
class Reasons:
    """All reasons, and who was left out, by why."""

    listed: tuple[Reason, ...]
    left_out: Mapping[str, int]


def reasons_of(dangers: Dangers, people: Judged | None, typologies: Sequence[Typology]) -> Reasons:
    """Return why parties are looked at.

    Parameters
    ----------
    dangers : Dangers
        Whom tags call a danger, in the payments.
    people : Judged or None
        Owners who are, or may be, likely consumers, donors or victims: none is listed. Of whom
        nobody told, he is left out where he only pays: he may be a small donor.
    typologies : sequence of Typology
        Shapes that are looked for among those who have another reason; a shape alone is none.
    """
    flows = dangers.flows
    hidden = marked(flows, None if people is None else people.masked)
    left: dict[str, set[int]] = {
        why: set() for why in (SERVICE, BUYER, ONE_PAYOUT, TRIFLE, PEOPLE, UNTOLD)
    }
    every = list(_paying(dangers, left))
    told_of = marked(flows, None if people is None else people.judged)
    paying = [one for one in every if told_of[one.party]]
    left[UNTOLD] = {one.party for one in every} - {one.party for one in paying}
    told = [*_named(dangers), *_paid(dangers, left), *paying]
    shown = [one for one in told if not hidden[one.party]]
    left[PEOPLE] = {one.party for one in told if hidden[one.party]}
    shown += _alerts(flows, dangers, typologies, {one.party for one in shown})
    counts = {why: len(parties) for why, parties in left.items()}
    return Reasons(tuple(sorted(shown, key=_order)), {**counts, UNSEEN: _unseen(dangers)})


def _order(one: Reason) -> tuple[object, ...]:
    return one.party, -one.danger, one.kind, one.concept, one.other


def _named(dangers: Dangers) -> Iterator[Reason]:
    """Yield that tags name a party, with what it was paid while they do, or else what it paid."""
    flows = dangers.flows
    sides = ((dangers.paying, flows.payer), (dangers.paid, flows.payee))
    found = {
        party for named, who in sides for party in np.unique(who[named & (who != NOBODY)]).tolist()
    }
    paid = dangers.paid
    for party in sorted(found):
        own = flows.into.of(party)
        rows = own[paid[own]]
        out = flows.out_of.of(party)
        every = np.sort(np.concatenate([rows, out[dangers.paying[out]]]))
        said = dangers.said(party, every)
        if said is not None:
            # What came in; what went on is the same money again.
            yield _reason(dangers, party, NAMED, NOBODY, said, rows if len(rows) else every)


def _paid(dangers: Dangers, left: dict[str, set[int]]) -> Iterator[Reason]:
    """Yield who is paid by dangerous parties, and is neither a service nor refunded."""
    flows = dangers.flows
    paying = dangers.paying & (flows.payer != NOBODY) & ~dangers.services[flows.payer]
    sold = _bought(dangers)
    for party, pairs in _pairs(flows, paying, flows.payee, flows.payer).items():
        if dangers.services[party]:
            left[SERVICE].add(party)
            continue
        sellers = {other: rows for other, rows in pairs.items() if not _feeds(dangers, other, rows)}
        got = sum(flows.total(rows) for rows in sellers.values())
        counted = set(pairs)
        if sellers:
            # What a buyer gets back is no income, and one payout may be a refund to a new address.
            if sold.get(party, 0) >= got:
                left[BUYER].add(party)
                counted -= set(sellers)
            elif sum(map(len, sellers.values())) < FEWEST:
                left[ONE_PAYOUT].add(party)
                counted -= set(sellers)
        large = {one for one in counted if _large(flows, one, pairs[one])}
        if counted - large:
            left[TRIFLE].add(party)
        yield from _with(dangers, party, PAID_BY, {one: pairs[one] for one in sorted(large)})


def _large(flows: Flows, payer: int, rows: NDArray[np.int64]) -> bool:
    """Tell whether payments are more than a trifle of what their payer paid out in all."""
    return LEAST * flows.total(rows) >= flows.total(flows.out_of.of(payer))


def _paying(dangers: Dangers, left: dict[str, set[int]]) -> Iterator[Reason]:
    """Yield who pays parties whom to pay is itself a concern, and is no service."""
    flows = dangers.flows
    paid = dangers.feeding & (flows.payer != NOBODY) & ~dangers.services[flows.payee]
    for party, pairs in _pairs(flows, paid, flows.payer, flows.payee).items():
        if dangers.services[party]:
            left[SERVICE].add(party)
            continue
        yield from _with(dangers, party, PAYS, pairs)


def _feeds(dangers: Dangers, other: int, rows: NDArray[np.int64]) -> bool:
    said = dangers.said(other, rows)
    return said is not None and said.payers


def _bought(dangers: Dangers) -> dict[int, int]:
    """Return what each party paid to sellers and markets: whom to pay is no concern."""
    flows = dangers.flows
    rows = dangers.paid & ~dangers.feeding & (flows.payer != NOBODY)
    return {
        party: sum(flows.total(one) for one in pairs.values())
        for party, pairs in _pairs(flows, rows, flows.payer, flows.payee).items()
    }


def _pairs(
    flows: Flows, which: NDArray[np.bool_], who: NDArray[np.int32], other: NDArray[np.int32]
) -> dict[int, dict[int, NDArray[np.int64]]]:
    """Return some payments by who is looked at, then by the other side, in order."""
    rows = np.flatnonzero(which)
    grouped = (
        pl.DataFrame({"who": who[rows], "other": other[rows], "row": rows})
        .group_by("who", "other")
        .agg("row")
        .sort("who", "other")
    )
    found: dict[int, dict[int, NDArray[np.int64]]] = {}
    for one, with_whom, listed in grouped.iter_rows():
        found.setdefault(one, {})[with_whom] = np.sort(np.array(listed, np.int64))
    return found


def _with(
    dangers: Dangers, party: int, kind: str, pairs: Mapping[int, NDArray[np.int64]]
) -> Iterator[Reason]:
    for other, rows in pairs.items():
        said = dangers.said(other, rows)
        if said is not None:
            yield _reason(dangers, party, kind, other, said, rows)


def _reason(
    dangers: Dangers, party: int, kind: str, other: int, said: Said, rows: NDArray[np.int64]
) -> Reason:
    danger = said.danger * dangers.weights.relations[kind] // FULL
    return Reason(
        party, kind, other, said.concept, said.substance, danger, said.evidence, said.source, rows
    )


def _alerts(
    flows: Flows, dangers: Dangers, typologies: Sequence[Typology], among: set[int]
) -> Iterator[Reason]:
    """Yield the shapes in the payments of those who have another reason."""
    weights = dangers.weights
    for one in typologies:
        for claim in one.find(flows).claims:
            if claim.party in among:
                evidence = weights.open_alert if claim.unknown else weights.alert
                yield Reason(
                    claim.party, ALERT, NOBODY, one.name, None, weights.alert_danger, evidence,
                    None, claim.counted(),
                )  # fmt: skip


def _unseen(dangers: Dangers) -> int:
    """Return how many dangerous addresses neither pay nor are paid in what was read."""
    flows = dangers.flows
    if flows.tags is None:
        return 0
    here = flows.tags.frame.filter(pl.col("chain") == flows.asset.chain)
    return here["address"].n_unique() - dangers.met(here)
