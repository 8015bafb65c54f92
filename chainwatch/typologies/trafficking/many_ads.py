"""Many advertisements of one wallet in many places: who advertises others, and not himself."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import polars as pl

from chainwatch.typologies import facts as facts_file
from chainwatch.typologies.bursts import DAY
from chainwatch.typologies.flows import Flows
from chainwatch.typologies.outside import coverage as coverage_file
from chainwatch.typologies.outside import worth as worth_file
from chainwatch.typologies.trafficking import ads as ads_file
from chainwatch.typologies.trafficking.ads import Advertiser, advertisers
from chainwatch.typologies.typology import WEAK, Answer, Claim, typology


@typology(
    fatf="senders_recipients",
    benign="An agency advertises jobs or rooms in many towns.",
    needs=("advertisements",),
    strength=WEAK,
    refs=("portnoff2017",),
    rests_on=(ads_file, coverage_file, worth_file, facts_file),
)
def many_ads(
    flows: Flows, ads: int = 8, regions: int = 3, days: int = 14, minutes: int = 30,
    per_mille: int = 5, shifts: int = 39,
) -> Iterator[Answer]:  # fmt: skip
    """One wallet pays, within days, for advertisements in more places than one person works in.

    Advertisements and the control are those of ``ad_payments``. Places are the regions that the
    advertisements name; those that name none count for no place. **It is weak**: agencies advertise
    so too, and what is advertised nothing here reads.

    Parameters
    ----------
    ads : int
        Advertisements that the wallet pays for within the days, at least.
    regions : int
        Different regions that these name, at least.
    days : int
        How long a window lasts, from one advertisement on, both ends included.
    minutes : int
        A payment is made at most so many minutes before the advertisement appears.
    per_mille : int
        It is of the price, or at most so many thousandths more or less.
    shifts : int
        How often times are moved for the control.

    Fails when
    ----------
    An agency advertises for many lawfully; somebody travels; each advertised person has a wallet.

    References
    ----------
    Portnoff et al., KDD 2017, for many advertisements of one wallet. The numbers are of practice,
    and no source measured them.
    """
    for one in advertisers(flows, ads, minutes, per_mille, shifts):
        if not isinstance(one, Advertiser):
            yield one
            continue
        best = _densest(one.ads.sort("time", "listing"), days * DAY)
        places = best["region"].drop_nulls().n_unique()
        if best.height >= ads and places >= regions:
            yield Claim(
                one.party,
                f"as agencies advertise: within {days} days it paid for {best.height}"
                f" advertisements in {places} regions; of those of the site moved in time"
                f" {one.chance.tries} ways the best of all parties pays {one.chance.most} at most",
                {"price": one.rows},
                unknown=flows.lacking(one.party),
            )


def _densest(ads: pl.DataFrame, span: int) -> pl.DataFrame:
    """Return the advertisements of the window that names most regions, and holds most; the first
    of several."""
    clock = ads["time"].dt.epoch("us").to_numpy()
    ends = np.searchsorted(clock, clock + span, side="right").tolist()
    windows = [ads[begin:end] for begin, end in enumerate(ends)]
    return max(windows, key=lambda one: (one["region"].drop_nulls().n_unique(), one.height))
