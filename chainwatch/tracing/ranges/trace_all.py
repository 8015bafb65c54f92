"""``trace_all``: follow the same subjects under every policy that has a meaning there.

Which part of a mixed balance a payment is made of is not on the chain. Whoever shows one policy
alone shows one of several answers; this verb shows them all, and what they have in common.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import polars as pl

from chainwatch.addresses.assets import Asset
from chainwatch.attribution.resolve import Owners
from chainwatch.heuristics.rule import Rule
from chainwatch.ledger.ledger import Ledger
from chainwatch.results.result import recorded
from chainwatch.tracing.arguments import policies_for, policy_for
from chainwatch.tracing.ends.holders import NAMELESS
from chainwatch.tracing.fetch import Fetched, MakeSource
from chainwatch.tracing.policies import Policy, poison
from chainwatch.tracing.ranges.range_result import (
    BY_KIND,
    COMMON,
    DESTINATIONS,
    KIND,
    PLACE,
    TraceRange,
)
from chainwatch.tracing.result import Trace
from chainwatch.tracing.subjects import Subjects, subjects_of
from chainwatch.tracing.trace import trace
from chainwatch.tracing.walks.passage import Through
from chainwatch.units import exact_sum


@recorded
def trace_all(
    ledger: Ledger, subjects: Subjects, *, direction: str = "forward", stop: object = None,
    clusters: Owners | None = None, asset: Asset | None = None, chain: str | None = None,
    poisoning: Rule | None = None, max_hops: int | None = None, max_age: timedelta | None = None,
    min_amount: int = 0, spread_unstated: bool = False, fetch: MakeSource | None = None,
    budget: int = 100, through: Through | None = None,
) -> TraceRange:  # fmt: skip
    """Follow subjects under every policy that has a meaning there, and lay the answers together.

    That is a range across methods and no confidence interval: nobody drew the policies at random.

    Parameters
    ----------
    ledger, subjects, direction, stop, clusters, asset, chain, poisoning
        As :func:`chainwatch.trace` takes them; policies are those of the chain.
    max_hops, max_age, min_amount, spread_unstated, fetch, budget, through
        As :func:`chainwatch.trace` takes them. What poison reaches is read once, and then each
        policy follows the same ledger; every policy is told the same of contracts and pools.

    Returns
    -------
    TraceRange
        The trace under each policy; amounts at every destination, and what they have in common.

    Raises
    ------
    TraceError, AddressError, ConservationError
        As :func:`chainwatch.trace` does.

    Fails when
    ----------
    A branch was cut off by a limit: it is cut elsewhere under each policy, and what lies behind
    looks as if they agreed on nothing. They agree on what is wrong in all: a missing stop. Of
    transfers that bear one time more orders are possible than were followed: the range says so.

    References
    ----------
    Tironsakkul, Maarek, Eross and Just, "Probing the Mystery of Cryptocurrency Theft", 2019.
    """
    given: dict[str, Any] = {
        "direction": direction, "stop": stop, "clusters": clusters, "asset": asset, "chain": chain,
        "poisoning": poisoning, "max_hops": max_hops, "max_age": max_age, "min_amount": min_amount,
        "spread_unstated": spread_unstated, "through": through,
    }  # fmt: skip
    of = subjects_of(subjects, asset, chain, ledger).asset
    policy_for("fifo", of.chain, direction)  # refuses a wrong direction
    policies = policies_for(of.chain, direction)
    got = _got(ledger, subjects, fetch, budget, given)
    ledger = got.ledger if got else ledger
    traces = {one.name: trace(ledger, subjects, policy=one, **given) for one in policies}
    at, every = destinations(traces), over_orders(traces, policies)
    kinds = by_kind(at, policies, every)
    return TraceRange(of, traces, at, kinds, direction=direction, fetched=got, every=every)


def _got(
    ledger: Ledger, subjects: Subjects, fetch: MakeSource | None, budget: int,
    given: dict[str, Any],
) -> Fetched | None:  # fmt: skip
    """Fetch what poison reaches, for it reaches whatever any policy does; return what was asked."""
    if fetch is None:
        return None
    widest = trace(ledger, subjects, policy=poison, fetch=fetch, budget=budget, **given)
    return widest.fetched if isinstance(widest.fetched, Fetched) else None


def destinations(traces: dict[str, Trace]) -> pl.DataFrame:
    """Return the amount at each destination under each policy, with who paid it there."""
    parts = [
        _at(found).select(pl.lit(name).alias("policy"), *PLACE, "amount", "payers")
        for name, found in traces.items()
    ]
    rows = pl.concat(parts).group_by("policy", *PLACE)
    payers = pl.col("payers").explode().drop_nulls().unique().sort()
    summed = rows.agg(exact_sum("amount"), payers.bin.encode("hex").str.join(",").alias("behind"))
    return summed.filter(pl.col("amount") > 0).select(DESTINATIONS.names).sort(DESTINATIONS.key)


def _at(found: Trace) -> pl.DataFrame:
    """Return the ends of a trace by destination, each with the payers of its transaction.

    A destination is an address; where there is none, as for fees, the place itself. Reach of
    several subjects is told for each, in full: of one place it is counted once.
    """
    payers = found.steps.group_by("txid", "subject").agg(pl.col("source").unique().alias("payers"))
    rows = found.ends.join(payers, on=["txid", "subject"], how="left", maintain_order="left")
    if not found.conserves:
        same = ["reason", "service", "address", "txid", "n"]
        rows = rows.group_by(same).agg(pl.col("amount").max(), pl.col("payers").explode())
    held = pl.col("address").is_not_null()
    return rows.with_columns(
        pl.when(held).then(None).otherwise(pl.col(name)).alias(name) for name in ("txid", "n")
    )


def over_orders(traces: dict[str, Trace], policies: Sequence[Policy]) -> pl.DataFrame:
    """Return the destinations in every order that tells, under each policy that is compared.

    Nothing where the order of transfers is not open. ``policy`` is that and the number of the
    order; the first is that of the trace itself.
    """
    among = [traces[one.name] for one in policies if one.conserves and one.follows]
    ways = {
        f"{one.policy}, order {place}": way
        for one in among
        for place, way in enumerate((one, *one.others), start=1)
    }
    return DESTINATIONS.empty() if len(ways) == len(among) else destinations(ways)


def by_kind(at: pl.DataFrame, policies: Sequence[Policy], every: pl.DataFrame) -> pl.DataFrame:
    """Return the sums of destinations by reason and service, and what all have in common.

    Every kind has a row for every policy, also of nothing, and one that is called :data:`COMMON`:
    the least amount at each destination under the policies that conserve value and follow it,
    added up. ``every`` are the destinations of :func:`over_orders`: where it has any, the least is
    taken over the orders of transfers too, and kinds have rows that one of these alone leads to.
    """
    names = [*(one.name for one in policies), COMMON]
    compared = [one.name for one in policies if one.conserves and one.follows]
    ways = every["policy"].unique().to_list()
    common = least(at, compared) if every.is_empty() else least(every, ways)
    paid = pl.when(pl.col("behind") == "").then(pl.lit(NAMELESS.hex())).otherwise("behind")
    holder = pl.coalesce(pl.col("address").bin.encode("hex"), paid)
    rows = pl.concat([at, common.select(at.columns)]).with_columns(behind=holder)
    who = pl.col("behind").str.split(",").explode().unique().sort().str.join(",")
    sums = rows.group_by(*KIND, "policy").agg(exact_sum("amount"), who)
    told = (
        pl.concat([at.select(KIND), every.select(KIND)])
        .unique()
        .join(pl.DataFrame({"policy": names}), how="cross")
        .join(sums, on=[*KIND, "policy"], how="left", nulls_equal=True)
        .with_columns(pl.col("amount").fill_null(0), pl.col("behind").fill_null(""))
    )
    place = pl.col("policy").replace_strict(dict(zip(names, range(len(names)), strict=True)))
    highest = told.filter(pl.col("policy") != COMMON).group_by(KIND)
    ranked = told.join(highest.agg(pl.col("amount").max().alias("most")), on=KIND, nulls_equal=True)
    return ranked.sort("most", *KIND, place, descending=[True, *[False] * (len(KIND) + 1)]).select(
        BY_KIND.names
    )


def least(at: pl.DataFrame, names: Sequence[str]) -> pl.DataFrame:
    """Return the destinations that value reaches under each of several policies, the least of it.

    Of whoever paid it there, those are named under whose policy it is the least.
    """
    rows = at.filter(pl.col("policy").is_in(list(names))).sort("amount", "policy")
    found = rows.group_by(PLACE, maintain_order=True).agg(
        pl.col("amount").first(), pl.col("behind").first(), pl.len().alias("under")
    )
    return found.filter(pl.col("under") == len(names)).with_columns(policy=pl.lit(COMMON))
