"""Payments for advertisements: of the very price of each, minutes before it appears."""

from __future__ import annotations

from collections.abc import Iterator

from chainwatch.typologies import facts as facts_file
from chainwatch.typologies.flows import Flows
from chainwatch.typologies.outside import coverage as coverage_file
from chainwatch.typologies.outside import worth as worth_file
from chainwatch.typologies.trafficking import ads as ads_file
from chainwatch.typologies.trafficking.ads import Advertiser, advertisers
from chainwatch.typologies.typology import Answer, Claim, typology


@typology(
    fatf="senders_recipients",
    benign="Somebody pays a site of the same prices for something else when others advertise.",
    needs=("advertisements",),
    refs=("portnoff2017",),
    rests_on=(ads_file, coverage_file, worth_file, facts_file),
)
def ad_payments(
    flows: Flows, ads: int = 5, minutes: int = 30, per_mille: int = 5, shifts: int = 39
) -> Iterator[Answer]:
    """A party pays the price of advertisements in the minutes before these appear.

    It ties a wallet to advertisements, and says nothing of what these are for. **The control** asks
    the same with all times moved: what then the best of all parties covers is what chance gives,
    and only who covers more is claimed. Payments by services are left out: their customers are
    never told apart, and never tied to each other.

    Parameters
    ----------
    ads : int
        Advertisements of one site that are covered, at least.
    minutes : int
        A payment is made at most so many minutes before the advertisement appears.
    per_mille : int
        It is of the price, or at most so many thousandths more or less.
    shifts : int
        How often times are moved; where the time that was read does not allow it, nothing is
        judged, and the site is counted.

    Fails when
    ----------
    Advertisements appear when somebody has looked at them; they are paid out of a balance at the
    site; a payment waits for its block for longer than the minutes; many advertise at one hour;
    trade grew or fell much in what was read, so that moved times meet less than chance would give.

    References
    ----------
    Portnoff et al., KDD 2017, for advertisements tied to wallets by time and price. The control and
    the numbers are ours.
    """
    for one in advertisers(flows, ads, minutes, per_mille, shifts):
        if not isinstance(one, Advertiser):
            yield one
            continue
        yield Claim(
            one.party,
            f"it paid the price of {one.ads.height} advertisements within {minutes} minutes before"
            f" they appeared; of the same moved in time {one.chance.tries} ways the best of all"
            f" parties pays {one.chance.most} at most",
            {"price": one.rows},
            unknown=flows.lacking(one.party),
        )
