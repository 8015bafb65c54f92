"""Vendor income: somebody lives of what a market pays out to him, week by week, and cashes it."""

from __future__ import annotations

from collections.abc import Iterator

from chainwatch.typologies import services as services_file
from chainwatch.typologies.bursts import part_of
from chainwatch.typologies.flows import Flows
from chainwatch.typologies.markets import sides as sides_file
from chainwatch.typologies.markets.sides import often, paid_by, paid_to, weeks
from chainwatch.typologies.services import to_account
from chainwatch.typologies.typology import WEAK, Answer, Claim, typology


@typology(
    fatf="source_of_funds",
    benign="A market pays its staff by the week, and they change their wages at an exchange.",
    needs=("tags",),
    strength=WEAK,
    refs=("fatf2020",),
    rests_on=(sides_file, services_file),
)
def vendor_income(
    flows: Flows, payouts: int = 6, active_weeks: int = 4, of_all: int = 50, paid_in: int = 20,
    cashed: int = 50, market: str = "dark_market",
) -> Iterator[Answer]:  # fmt: skip
    """Most of what a party is paid comes out of markets, over weeks, and most of that is cashed.

    A market's payouts are those of whoever tags call so. **It is weak**: what a payout is for no
    chain shows, and wages of a market's staff, or of a lawful seller there, look the same.
    Services are left out: the market itself moves its money so. Nothing is said of others whom
    the market paid.

    Parameters
    ----------
    payouts : int
        Payments out of markets, at least.
    active_weeks : int
        Different weeks in which these stand, at least.
    of_all : int
        So many percent of all that the party was ever paid are payouts, at least.
    paid_in : int
        It paid markets at most so many percent of what they paid out to it.
    cashed : int
        It paid services that are no market, or its accounts there, so many percent of the payouts,
        at least. An account is known by paying its service alone.
    market : str
        Whom tags name a market: a concept of the taxonomy, narrower ones count.

    Fails when
    ----------
    A vendor is paid into a new address each time, and no cluster joins them; a market pays its
    staff; a buyer speculates with what he holds there; tags name a market that sells lawful goods.

    References
    ----------
    FATF, Virtual Assets Red Flag Indicators, September 2020, for darknet markets as a source of
    funds. That vendors are paid out in regular sums is of practice, and no source measured it.
    """
    out, back = paid_by(flows, market), paid_to(flows, market)
    account = to_account(flows) & ~flows.named("payee", market)
    for party in often(flows, flows.payee, out, payouts):
        came, went = flows.into.of(party), flows.out_of.of(party)
        paid = came[out[came]]
        sum_ = flows.total(paid)
        taken = went[account[went]]
        if (
            weeks(flows, paid) >= active_weeks
            and part_of(sum_, flows.total(came), of_all)
            and 100 * flows.total(went[back[went]]) <= paid_in * sum_
            and part_of(flows.total(taken), sum_, cashed)
        ):
            yield Claim(
                party,
                f"as a market pays its staff: a market paid it out {len(paid)} times in"
                f" {weeks(flows, paid)} weeks, and it paid services, or accounts there, in"
                f" {len(taken)} payments",
                {"payout": paid, "cash-out": taken},
                ("payout",),
                flows.lacking(party),
            )
