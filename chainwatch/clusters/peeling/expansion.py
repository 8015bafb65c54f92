"""``peel_links``: what the peel chains of clusters reach, as links that rest on these clusters."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import polars as pl

from chainwatch.addresses.keyless import without_key
from chainwatch.clusters.cluster import Clusters
from chainwatch.clusters.peeling.facts import TX, Facts, read_facts
from chainwatch.clusters.peeling.habits import CLUSTER, Habits, habits_of
from chainwatch.clusters.peeling.steps import NEXT, steps_back, steps_forward
from chainwatch.errors import InputError, expect
from chainwatch.heuristics.change.links import as_links
from chainwatch.heuristics.coinjoin import JOINT
from chainwatch.heuristics.link_rules import PEEL
from chainwatch.heuristics.links import Links
from chainwatch.heuristics.predicted import Ground, keys
from chainwatch.heuristics.rates import MEASURED, Rates, made_by
from chainwatch.heuristics.rule import Rule
from chainwatch.ledger.ledger import Ledger
from chainwatch.results.result import recorded

_AT = [*CLUSTER, "tx"]


@recorded
def peel_links(
    ledger: Ledger, clusters: Clusters, *, unless: Rule | None = JOINT, back: bool = False,
    most_hops: int | None = None, waiting: bool = True, rates: Rates = MEASURED,
) -> Links:  # fmt: skip
    """Link what the peel chains of clusters go through: add them to the links of the clusters.

    From every transaction that a cluster pays, its chain is followed on, and back, by the habits of
    that cluster alone, until there is no way, several, or ways of which too little was read. Each
    step links the payer of a transaction with the output by which the chain goes on.

    Parameters
    ----------
    ledger : Ledger
        Coin chains.
    clusters : Clusters
        Whose chains are followed. The links rest on all that joined these: where some of it is cut,
        they are undecided.
    unless : Rule or None
        Transactions that strangers may have built take no part, and nothing goes on through them.
    back : bool
        Follow back as well: it errs more, as who pays by like software looks, from behind, like
        the cluster itself.
    most_hops : int or None
        Payments of the rest from a transaction of the cluster on, at most; None: till none is new.
    waiting : bool
        As :func:`chainwatch.clusters.peeling.validation.peel_steps` takes it.
    rates : Rates
        What confidences rest on.

    Returns
    -------
    Links
        Under the rule ``peel chain``, one row per transaction and pair of addresses.

    Raises
    ------
    InputError
        If no step is allowed.

    Fails when
    ----------
    As :func:`chainwatch.clusters.peeling.validation.peel_steps`, and each step leads on to others:
    one wrong step takes a stranger's whole chain along.

    References
    ----------
    Kappos et al., How to Peel a Million, USENIX Security 2022 (expansion).
    """
    expect(ledger, Ledger, "ledger", "open it first: open_ledger('ledger')")
    expect(clusters, Clusters, "clusters", "pass what cluster(links) returns")
    expect(back, bool, "back", "pass True or False")
    if most_hops is not None and most_hops < 1:
        raise InputError(f"{most_hops} hops", remedy="give 1 or more, or None")
    expect(waiting, bool, "waiting", "pass True or False")
    pairs = _steps(read_facts(ledger, unless), clusters, most_hops, back=back, waiting=waiting)
    vetoes = pairs.select(TX).unique().with_columns(pl.lit(False).alias("veto"))
    made = as_links(pairs, vetoes, rates.column(made=made_by(unless)))
    decided = frozenset(pairs["txid"])
    ground = Ground(keys(clusters.links.joining), keys(clusters.refused), decided)
    return Links(made, ground=ground)


def _steps(
    facts: Facts, clusters: Clusters, most: int | None, *, back: bool, waiting: bool
) -> pl.DataFrame:
    """Return the steps of the chains of clusters, as candidates for links."""
    habits = habits_of(facts, clusters.frame)
    on = partial(steps_forward, facts, habits, apart=False, waiting=waiting)
    hops = [_walked(habits, on, most, forward=True)]
    if back:
        before = partial(steps_back, facts, habits, apart=False)
        hops.append(_walked(habits, before, most, forward=False))
    return _pairs(pl.concat(hops).unique(), facts)


def _walked(
    habits: Habits, step: Callable[[pl.DataFrame], pl.DataFrame], most: int | None, *, forward: bool
) -> pl.DataFrame:
    """Return every step from the transactions of clusters on: ``chain, tx, n, address``.

    ``tx`` is the transaction one of whose outputs goes on, whichever way one came.
    """
    at, seen, found, hops = habits.own, habits.own, [], 0
    while at.height and (most is None or hops < most):
        taken = step(at).filter(pl.col("outcome") == NEXT)
        place = pl.col("tx") if forward else pl.col("other")
        found.append(taken.select("chain", "n", "address", tx=place))
        at = taken.select(*CLUSTER, tx="other").unique().join(seen, on=_AT, how="anti")
        seen, hops = pl.concat([seen, at]), hops + 1
    empty = habits.own.clear().select("chain", n="tx", address=pl.lit(b""), tx="tx")
    return pl.concat([empty, *found], how="vertical_relaxed").select("chain", "tx", "n", "address")


def _pairs(hops: pl.DataFrame, facts: Facts) -> pl.DataFrame:
    """Return steps as candidates for links: of two addresses with keys that are not one already."""
    payers = facts.txs.select(*TX, "txid", "time", "basis", first_input="payer")
    found = hops.join(payers, on=TX).filter(
        pl.col("address").is_not_null()
        & pl.col("first_input").is_not_null()
        & ~without_key().fill_null(True)
        & (pl.col("address") != pl.col("first_input"))
    )
    return found.with_columns(pl.lit(PEEL).alias("rule"), pl.lit(True).alias("sure"))
