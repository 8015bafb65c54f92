"""Vendor by reviews: whose receipts cover the sales that are reviewed, more than chance does."""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from chainwatch.typologies import facts as facts_file
from chainwatch.typologies.bursts import DAY
from chainwatch.typologies.facts import NO_FACTS
from chainwatch.typologies.flows import Flows
from chainwatch.typologies.outside import coverage as coverage_file
from chainwatch.typologies.outside import worth as worth_file
from chainwatch.typologies.outside.coverage import Box, Coverage, coverers
from chainwatch.typologies.outside.worth import lacking_prices
from chainwatch.typologies.shapes.left_out import services_left_out
from chainwatch.typologies.typology import Answer, Claim, NotJudged, typology

BUSY = "parties paid so often that they would cover the reviews of anybody"
SHORT = "vendors whose reviews cannot be moved in the time read, so that chance is not told"


@typology(
    fatf="source_of_funds",
    benign="A shop with the same prices is paid when somebody happens to review.",
    needs=("reviews",),
    refs=("chen2021",),
    rests_on=(coverage_file, worth_file, facts_file),
)
def vendor_by_reviews(
    flows: Flows, reviews: int = 10, days: int = 14, per_mille: int = 30, of_all: int = 30,
    shifts: int = 39, busy: int = 20,
) -> Iterator[Answer]:  # fmt: skip
    """What a party is paid covers the reviews of a vendor: a payment of the price before each.

    A review is covered by a payment of its price, more or less, in the days before it. The party
    that covers most is taken, what it covers is taken out, and the rest is asked again. **The
    control** asks the same with all reviews moved in time, round and round in what was read: what
    the best of all parties then covers is what chance gives. A claim is made only on who covers
    more than in any of these, and says both numbers: where trade is even, 39 shifts let chance
    claim anything of a vendor once in forty at most.

    Parameters
    ----------
    reviews : int
        Reviews that are covered, at least.
    days : int
        A payment is made at most so many days before its review.
    per_mille : int
        It is of the price, or at most so many thousandths more or less.
    of_all : int
        So many percent of the reviews of the vendor are covered by the first party, at least.
    shifts : int
        How often the reviews are moved; where the time that was read does not allow it, nothing
        is judged, and the vendor is counted.
    busy : int
        A party with so many payments for each review is left out: it would cover anything.

    Fails when
    ----------
    The vendor is paid out in sums of several sales, or into a new address each time; prices are so
    common and sales so many that moved reviews fit as well: then nothing is claimed. Reviews are
    forged, or of sales that were paid in another coin. Trade grew or fell much in what was read:
    reviews that are moved to where little was paid meet less than chance would give.

    References
    ----------
    Chen et al., 2021, for the match of reviews with payments and the maximum coverage, as its
    abstract tells them: the body was not read, *open*. The control and the numbers are ours.
    """
    facts = NO_FACTS if flows.facts is None else flows.facts
    for currency in sorted(facts.reviews["currency"].drop_nulls().unique()):
        if missing := list(lacking_prices(flows, currency, 0)):
            yield from missing
            return
    yield from services_left_out(flows, flows.services)
    short = crowded = 0
    for (vendor,), some in facts.reviews.group_by("vendor", maintain_order=True):
        often = flows.into.sizes > busy * some.height
        crowded = max(crowded, int((often & ~flows.services).sum()))
        among = ~(often | flows.services)[flows.payee]
        found = Coverage.of(flows, "payee", some, Box(days * DAY, per_mille), shifts, among)
        short += not found.shifts
        yield from _claims(flows, found, some, str(vendor), reviews, of_all)
    if short:
        yield NotJudged(SHORT, short)
    if crowded:
        yield NotJudged(BUSY, crowded)


def _claims(
    flows: Flows, found: Coverage, some: pl.DataFrame, vendor: str, least: int, of_all: int
) -> Iterator[Claim]:
    for turn, (party, left, chance) in enumerate(coverers(found, least, greedy=True)):
        rows, covered = found.rows_of(party, left)
        if not turn and 100 * len(covered) < of_all * some.height:
            return
        yield Claim(
            party,
            f"payments to it are of the price of {len(covered)} of {int(left.sum())} reviews of one"
            f" vendor, in the days before each; of the same reviews moved in time {chance.tries}"
            f" ways the best of all parties covers {chance.most} at most",
            {"sale": rows},
            unknown=flows.lacking(party),
        )


__all__ = ["BUSY", "SHORT", "vendor_by_reviews"]
