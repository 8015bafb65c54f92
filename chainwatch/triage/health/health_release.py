"""``health_release``: noisy counts of payments to sellers, by substance, channel, region and week.

It is for those who plan prevention and care, and tells what is sold and not who buys. Whether any
one owner paid at all changes the chance of any release by no more than ``exp(epsilon)``. What is
released is paid for out of a budget before it is computed.

The answer cannot be computed again to the byte: noise that could be drawn again could be taken off
again. The answer itself is kept instead, in the ledger of releases, and is read from there.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from importlib.metadata import version
from pathlib import Path
from typing import Any, cast

import polars as pl

from chainwatch.addresses.assets import Asset, native
from chainwatch.attribution.contact import substances_of
from chainwatch.attribution.resolve import Framed
from chainwatch.attribution.validity import day_of
from chainwatch.chains.catalogue import chain as chain_of
from chainwatch.clusters.recipe import owners
from chainwatch.errors import InputError, expect
from chainwatch.ledger.ledger import Ledger
from chainwatch.progress import announce
from chainwatch.results.provenance import Record, software
from chainwatch.results.result import content_of, with_record
from chainwatch.triage.health.budget import Number, exact
from chainwatch.triage.health.cells import Grid, checked_dimensions, keys
from chainwatch.triage.health.noise import (
    Noise,
    bounded,
    noise_of_grid,
    noise_of_keys,
    noisy_grid,
    noisy_keys,
)
from chainwatch.triage.health.noisy_counts import HealthRelease, Terms, cells_of
from chainwatch.triage.health.releases import (
    ANSWER,
    RELEASE,
    checked,
    keep_answer,
    sound_entries,
    spend,
)
from chainwatch.triage.health.seller_payments import (
    DIMENSIONS,
    seller_payments,
    weeks_between,
)
from chainwatch.triage.health.unread_weeks import unread_weeks
from chainwatch.typologies.alerts import flows_of
from chainwatch.units import counted


def health_release(
    ledger: Ledger, tags: Framed, *, releases: str | Path, epsilon: Number, since: date | str,
    until: date | str, who: str, why: str, delta: Number = 0, contributions: int = 4,
    by: Sequence[str] = DIMENSIONS, regions: Sequence[str] = (), clusters: Framed | None = None,
    asset: Asset | None = None,
) -> HealthRelease:  # fmt: skip
    """Release noisy counts of payments to tagged sellers of substances, out of a privacy budget.

    Of each owner who pays, at most ``contributions`` payments count, drawn at random; OpenDP counts
    them and adds discrete Laplace noise. Amounts of money are not released.

    Parameters
    ----------
    ledger, tags : Ledger, Tags
        Payments, and who sells what, as the context of tags says; see ``docs/tags.md``.
    releases : path
        The ledger of releases, which :func:`set_privacy_budget` began.
    epsilon, delta : str, int, float or Decimal
        What it costs. With a ``delta`` of 0 every cell of a grid that is known before has a count.
        Above 0, cells are those that tags bring, and are told where the noisy count is large.
    since, until : datetime.date or str
        The whole weeks from Monday to Sunday between these days are counted.
    who, why : str
        Who asks, and what for; both are kept.
    contributions : int
        Most payments of one owner that count; one that stands in two cells counts twice.
    by, regions : sequence of str
        Some of ``substance, channel, region, week``; regions told apart, others are *elsewhere*.
    clusters : Clusters, optional
        Owners by the default recipe, where they were made before; else they are made here.
    asset : Asset, optional
        What is paid with; the coin, where the ledger is of one chain.

    Raises
    ------
    ReleaseRefused
        If the budget has less left, or there is none: before anything is computed.
    InputError, MissingExtra
        If it has no meaning, a week was not read whole, or OpenDP is not installed.

    Fails when
    ----------
    A person pays from many clusters: each is protected by itself. Many pay through one service: it
    counts as one. Tags and clusters are taken as they are, and untagged sellers are in no count.

    References
    ----------
    Ghosh, Roughgarden and Sundararajan, Universally Utility-Maximizing Privacy Mechanisms, 2009.
    Korolova et al., Releasing Search Queries and Clicks Privately, 2009 (thresholds).
    """
    expect(ledger, Ledger, "ledger", "open it first: open_ledger('ledger')")
    expect(tags, Framed, "tags", "pass tags, as read_tags returns them")
    expect(clusters, (Framed, type(None)), "clusters", "pass owners, as owners(...) returns them")
    what = asset_of(ledger, asset)
    terms = _terms(by, regions, since, until, contributions, epsilon, delta)
    signed = (checked(who, "who"), checked(why, "why"))
    return _released(ledger, tags, clusters, what, terms, Path(releases), signed,
                     (day_of(since), day_of(until)))  # fmt: skip


def _released(
    ledger: Ledger, tags: Framed, clusters: Framed | None, what: Asset, terms: Terms,
    releases: Path, signed: tuple[str, str], period: tuple[date, date],
) -> HealthRelease:  # fmt: skip
    noise = _noise(terms)
    sold = tags.frame.filter(pl.col("chain") == what.chain)["context"].unique().to_list()
    if not any(map(substances_of, sold)):
        announce("no tag on this chain says what its seller sells: every count will be noise alone")
    check_read(ledger, what.chain, terms.weeks)
    asked = {**terms.said(), "chain": what.chain, "asset": str(what), "opendp": version("opendp")}
    asked["owners"] = "by the default recipe" if clusters is None else "as they were given"
    cost = (terms.epsilon, terms.delta)
    paid = spend(releases, what.chain, period, cost, signed, asked)
    # From here on it is spent, whatever happens.
    units = owners(ledger) if clusters is None else clusters
    flows = flows_of(ledger, what, units, tags)
    answer = _answer(seller_payments(flows, tags, units, terms.weeks), terms, noise)
    told = {**_said_of(answer, noise), "symbol": what.symbol}
    head = keep_answer(releases, paid, told)
    made = HealthRelease(
        cells_of(told, terms), what.chain, what.symbol, terms, noise, paid.number, head
    )
    return with_record(made, _record(made))


def read_health_release(
    releases: str | Path, entry: int, *, head: str | None = None
) -> HealthRelease:
    """Return a release as it was made, out of the ledger that keeps it; this costs nothing.

    Parameters
    ----------
    releases : path
        The ledger of releases.
    entry : int
        Number of the entry that paid for it.
    head : str, optional
        A head that was noted earlier.

    Raises
    ------
    InputError
        If there is no such release, or the file was changed, cut or removed.
    """
    entries = sound_entries(Path(releases), head)
    paid = [one for one in entries if one.kind == RELEASE and one.number == entry]
    told = [one for one in entries if one.kind == ANSWER and one.said["release"] == entry]
    if not paid or not told:
        raise InputError(
            f"no answer of a release {entry} is kept here", where=str(releases),
            remedy="look at read_releases(...)",
        )  # fmt: skip
    said, answer = paid[0].said, told[0].said
    first = date.fromisoformat(said["weeks"][0])
    weeks = tuple(first + timedelta(weeks=n) for n in range(said["weeks"][1]))
    terms = Terms(
        tuple(said["by"]), tuple(said["regions"]), weeks, said["contributions"],
        exact(said["epsilon"], "epsilon"), exact(said["delta"], "delta", zero=True),
    )  # fmt: skip
    noise = Noise(float(answer["scale"]), int(answer["threshold"]))
    made = HealthRelease(
        cells_of(answer, terms), said["chain"], answer["symbol"], terms, noise, entry,
        told[0].digest(),
    )  # fmt: skip
    return with_record(made, _record(made))


def asset_of(ledger: Ledger, asset: Asset | None) -> Asset:
    """Return what is paid with, if it is clear.

    Raises
    ------
    InputError
        If the ledger is of several chains and no asset is named.
    """
    expect(asset, (Asset, type(None)), "asset", "name one: native('eth') or token(...)")
    if asset is None and len(ledger.chains) != 1:
        raise InputError(
            f"the ledger is of {len(ledger.chains)} chains, and no asset is named",
            remedy="pass asset=native('btc'), or token(...)",
        )
    return native(ledger.chains[0].id) if asset is None else asset


def check_read(ledger: Ledger, chain: str, weeks: Sequence[date]) -> None:
    """Refuse weeks that were not read whole: before, after, or in a hole of what was read.

    Such a week would look like one in which nothing was sold. Where no blocks were read, but
    histories of addresses, how far they reach is a matter of each.

    Raises
    ------
    InputError
        Naming the first of them, and why.
    """
    lacking = unread_weeks(ledger, chain, weeks)
    if lacking:
        first, why = lacking[0]
        raise InputError(
            f"{counted(len(lacking), 'week', 'weeks')} of {len(weeks)} on"
            f" {chain_of(chain).name} were not read whole, the first from {first} on: {why}",
            remedy="ask for weeks that were read, or pull the others first",
        )


def _terms(
    by: Sequence[str], regions: Sequence[str], since: date | str, until: date | str,
    contributions: int, epsilon: Number, delta: Number,
) -> Terms:  # fmt: skip
    expect(contributions, int, "contributions", "give a whole number, such as 4")
    if not 1 <= contributions <= 10_000:
        raise InputError(f"{contributions} contributions", remedy="give 1 to 10,000")
    cost = exact(delta, "delta", zero=True)
    if cost >= 1:
        raise InputError("delta is 1 or more, which protects nobody", remedy="write '1e-6'")
    if cost and regions:
        raise InputError(
            "regions are named, and with a delta they are those that tags say",
            remedy="leave delta out, which counts every cell, or leave regions out",
        )
    weeks = weeks_between(day_of(since), day_of(until))
    return Terms(
        checked_dimensions(by), tuple(regions), weeks, contributions, exact(epsilon, "epsilon"),
        cost,
    )  # fmt: skip


def _noise(terms: Terms) -> Noise:
    if terms.delta:
        return noise_of_keys(terms.contributions, terms.epsilon, terms.delta)
    cells = Grid.of(terms.by, terms.regions, terms.weeks).size
    return noise_of_grid(cells, terms.contributions, terms.epsilon)


def _answer(rows: pl.DataFrame, terms: Terms, noise: Noise) -> list[int] | dict[str, int]:
    """Return noisy counts; the rows behind them go no further."""
    once = rows.select("payer", "payment", *terms.by).unique()
    kept = bounded(once, terms.contributions)
    if terms.delta:
        return noisy_keys(keys(kept, terms.by).to_list(), terms.contributions, noise)
    grid = Grid.of(terms.by, terms.regions, terms.weeks)
    codes = grid.codes(kept).to_list()
    return noisy_grid(codes, grid.size, terms.contributions, terms.epsilon)


def _said_of(answer: list[int] | dict[str, int], noise: Noise) -> dict[str, Any]:
    """Return noisy counts as they are kept."""
    return {"counts": answer, "scale": repr(noise.scale), "threshold": noise.threshold}


def _record(made: HealthRelease) -> Record:
    """Return how it came about, in public facts alone.

    Digests of ledger, tags and clusters are not in it: whoever guesses what was counted could try
    guesses against them, and noise would hide nothing.
    """
    params = {**made.words(), "opendp": version("opendp"), "head": made.head}
    return Record("health_release", params, (), cast(Any, content_of(made)), software())


__all__ = ["asset_of", "check_read", "health_release", "read_health_release"]
