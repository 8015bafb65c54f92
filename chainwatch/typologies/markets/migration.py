"""Migration: whom a market paid that closed, another market pays soon after, and never before."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import polars as pl

from chainwatch.typologies import facts as facts_file
from chainwatch.typologies.bursts import DAY
from chainwatch.typologies.facts import NO_FACTS
from chainwatch.typologies.flows import Flows, Rows
from chainwatch.typologies.markets import sides as sides_file
from chainwatch.typologies.markets.sides import at_name, deeds, paid_by
from chainwatch.typologies.typology import Answer, Claim, typology


@typology(
    fatf="source_of_funds",
    benign="Somebody was paid by several markets at once all the time: he need not have moved.",
    needs=("tags", "closures"),
    refs=("nadini2021",),
    rests_on=(sides_file, facts_file),
)
def migration(
    flows: Flows, before: int = 3, after: int = 3, days: int = 60, market: str = "dark_market"
) -> Iterator[Answer]:
    """A market closes, and a party that it paid is paid by another that never paid it before.

    Parameters
    ----------
    before : int
        Transactions in which the market that closed paid it in the days before, at least.
    after : int
        Transactions in which the other market pays it in the days after, at least.
    days : int
        How many days before and after the closure count; payouts on its own day count before it.
    market : str
        Whom tags name a market: a concept of the taxonomy, narrower ones count.

    Fails when
    ----------
    He uses a new wallet at the new market, as the careful do; he sold at both under two wallets; a
    name of the closures is not that of the tags; buyers who are refunded by both.

    References
    ----------
    Nadini et al., Scientific Reports 2021, for users who move when a market closes. The numbers are
    of practice, and no source measured them.
    """
    facts, out = NO_FACTS if flows.facts is None else flows.facts, paid_by(flows, market)
    rows = np.flatnonzero(out)
    actors = np.array([one or "" for one in at_name(flows, "payer", rows)], object)
    closed = facts.closures.with_columns(pl.col("time").dt.epoch("us").alias("micros"))
    for name, when in closed.select("market", "micros").iter_rows():
        theirs = rows[actors == name]
        late = theirs[(flows.clock[theirs] <= when + DAY)
                      & (flows.clock[theirs] >= when - days * DAY)]  # fmt: skip
        for party in np.unique(flows.payee[late]).tolist():
            mine = late[flows.payee[late] == party]
            if deeds(flows, mine) < before:
                continue
            others = rows[(flows.payee[rows] == party) & (actors != name) & (actors != "")]
            yield from _moved(flows, party, mine, others, when, after, days)


def _moved(
    flows: Flows, party: int, mine: Rows, others: Rows, when: int, after: int, days: int
) -> Iterator[Claim]:
    """Yield what other markets pay that never paid the party before."""
    actors = np.array(at_name(flows, "payer", others), object)
    for name in sorted(set(actors.tolist())):
        theirs = others[actors == name]
        clock = flows.clock[theirs]
        soon = theirs[(clock > when) & (clock <= when + days * DAY)]
        if (clock <= when).any() or deeds(flows, soon) < after:
            continue
        yield Claim(
            party,
            f"a market that closed had paid it {len(mine)} times within {days} days, and another"
            f" that never did pays it {len(soon)} times within {days} days after",
            {"before": mine, "after": soon},
            unknown=flows.lacking(party),
        )
