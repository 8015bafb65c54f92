"""``trace``: follow value from subjects to where it ends, under a named policy."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

import polars as pl

from chainwatch.addresses import parse
from chainwatch.assets import Asset, native
from chainwatch.chains import chain as find_chain
from chainwatch.errors import TraceError
from chainwatch.ledger.ledger import Ledger
from chainwatch.provenance import recorded
from chainwatch.rules import Rule
from chainwatch.tracing.accounts import AccountWalk, movements, other_order, tied
from chainwatch.tracing.coins import Coins, CoinWalk, reads_on
from chainwatch.tracing.ends import Owners, Stops, joint_transactions, stops
from chainwatch.tracing.policies import Policy
from chainwatch.tracing.trace import ENDS, ORIGINS, OVERLAPS, ROW_KEY, STEPS, Trace, bounds

Subjects = pl.DataFrame | Sequence[str] | Sequence[bytes] | str


@recorded
def trace(
    ledger: Ledger,
    subjects: Subjects,
    *,
    policy: Policy,
    stop: object = None,
    clusters: Owners | None = None,
    asset: Asset | None = None,
    chain: str | None = None,
    poisoning: Rule | None = None,
    max_hops: int | None = None,
    min_amount: int = 0,
) -> Trace:
    """Follow what subjects receive, forward, until every branch ends for a named reason.

    On coin chains traced value moves from output to output; on account chains from balance to
    balance. A subject is an address, or with ``clusters`` all addresses of its cluster. What it
    receives from outside is an origin; what it receives already traced from another subject
    stays with the first and is listed as an overlap.

    Parameters
    ----------
    ledger : Ledger
        Its span is what is followed; nothing outside it is guessed.
    subjects : frame with ``chain`` and ``address``, or addresses
        Texts need ``chain``, unless ``asset`` names it.
    policy : function
        One of :mod:`chainwatch.tracing.policies`.
    stop : tags, hosted addresses, rules, or a list of them
        Where value ends: services, mixes.
    clusters : Clusters, optional
        Widens subjects and tagged services to their clusters.
    asset : Asset, optional
        Needed on account chains; native coins otherwise.
    chain : str, optional
        Alias or CAIP-2 id.
    poisoning : Rule, optional
        On transfers: *yes* never makes an edge.
    max_hops : int, optional
        End after so many hops.
    min_amount : int
        End below so many base units.

    Returns
    -------
    Trace
        Origins, steps and ends; the ends add up to the origins exactly, or it raises.

    Raises
    ------
    TraceError
        If the subjects are not of one chain, or a needed argument is missing.

    Fails when
    ----------
    A stop is missing: value is then followed through a service that mixes the coins of all its
    customers, and what comes out is not the subject's. A cluster is wrong: strangers become
    subjects. A policy is chosen after its answer was seen.
    """
    asset, seeds = _seeds(subjects, asset, chain)
    at = stops(stop, clusters)
    widened = _widen(seeds, asset.chain, clusters)
    walk = _coins if find_chain(asset.chain).family == "utxo" else _accounts
    result = walk(ledger, asset, widened, policy, at, poisoning, max_hops, min_amount)
    result.check()
    return result


def _seeds(
    subjects: Subjects, asset: Asset | None, chain: str | None
) -> tuple[Asset, tuple[bytes, ...]]:
    if isinstance(subjects, pl.DataFrame):
        chains = subjects["chain"].unique().to_list()
        if chain or asset:
            only = asset.chain if asset else find_chain(chain or "").id
            chains = [only] if only in chains else []
        if len(chains) != 1:
            raise TraceError(
                f"subjects are on {len(chains)} chains",
                remedy="pass chain= or asset=, and subjects that are on it",
            )
        rows = subjects.filter(pl.col("chain") == chains[0])["address"].unique().sort().to_list()
        return asset or native(chains[0]), tuple(rows)
    if not (chain or asset):
        raise TraceError("the chain of the subjects is not clear", remedy="pass chain='btc'")
    found = asset or native(chain or "")
    listed: Iterable[str | bytes] = [subjects] if isinstance(subjects, str) else subjects
    parsed = {parse(item, found.chain) if isinstance(item, str) else item for item in listed}
    return found, tuple(sorted(parsed))


def _widen(seeds: tuple[bytes, ...], chain: str, clusters: Owners | None) -> dict[bytes, bytes]:
    """Return every address of a subject with the address the subject is called by."""
    if not seeds:
        raise TraceError("there is no subject to trace", remedy="check the tags or addresses given")
    of = {address: address for address in seeds}
    if clusters is None:
        return of
    frame = clusters.frame.filter(pl.col("chain") == chain)
    called: dict[bytes, bytes] = {}
    cluster_of = dict(frame.select("address", "cluster").iter_rows())
    for address in seeds:
        called.setdefault(cluster_of.get(address, address), address)
    of = {address: called[cluster_of.get(address, address)] for address in seeds}
    for address, cluster in cluster_of.items():
        if cluster in called:
            of[address] = called[cluster]
    return of


def _numbered(widened: dict[bytes, bytes]) -> tuple[tuple[bytes, ...], dict[bytes, int]]:
    subjects = tuple(sorted(set(widened.values())))
    number = {subject: index for index, subject in enumerate(subjects)}
    return subjects, {address: number[subject] for address, subject in widened.items()}


def _coins(
    ledger: Ledger,
    asset: Asset,
    widened: dict[bytes, bytes],
    policy: Policy,
    at: Stops,
    poisoning: Rule | None,
    max_hops: int | None,
    min_amount: int,
) -> Trace:
    if poisoning is not None:
        raise TraceError("poisoning is a matter of account chains", remedy="leave it out")
    subjects, of = _numbered(widened)
    walk = CoinWalk(
        asset.chain,
        Coins.read(ledger, asset.chain),
        subjects,
        of,
        policy,
        at,
        joint_transactions(ledger, at.rules, [asset.chain]),
        max_hops,
        min_amount,
        reads_on(ledger, asset.chain),
    )
    walk.run()
    return _result(asset, policy, walk)


def _accounts(
    ledger: Ledger,
    asset: Asset,
    widened: dict[bytes, bytes],
    policy: Policy,
    at: Stops,
    poisoning: Rule | None,
    max_hops: int | None,
    min_amount: int,
) -> Trace:
    subjects, of = _numbered(widened)
    rows = movements(ledger, asset, poisoning).with_row_index("n")
    ties = tied(rows)
    read = _histories(ledger, asset) | frozenset(of)

    def walk(ordered: pl.DataFrame) -> Trace:
        one = AccountWalk(asset, subjects, of, read, policy, at, max_hops, min_amount)
        one.run(ordered.iter_rows(named=True))
        return _result(asset, policy, one)

    first = walk(rows)
    other = walk(other_order(rows)) if ties else first
    return replace(first, ties=ties, bounds=bounds(first.ends, other.ends))


def _histories(ledger: Ledger, asset: Asset) -> frozenset[bytes]:
    rows = ledger.coverage.filter(
        (pl.col("chain") == asset.chain)
        & (pl.col("kind") == "address")
        & (pl.col("contract").is_null() | (pl.col("contract") == asset.contract))
    )
    return frozenset(rows.select("address").collect()["address"].drop_nulls().to_list())


def _result(asset: Asset, policy: Policy, walk: CoinWalk | AccountWalk) -> Trace:
    def frame(rows: list[dict[str, Any]], schema: dict[str, Any]) -> pl.DataFrame:
        return pl.DataFrame(rows, schema=schema, orient="row").sort(ROW_KEY, maintain_order=True)

    ends = frame(walk.ends, ENDS)
    return Trace(
        asset,
        getattr(policy, "__name__", str(policy)),
        frame(walk.origins, ORIGINS),
        frame(walk.steps, STEPS),
        ends,
        frame(walk.overlaps, OVERLAPS),
        bounds(ends, ends),
    )
