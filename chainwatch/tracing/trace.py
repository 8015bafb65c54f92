"""``trace``: follow value from subjects to where it ends, under a named policy.

On coin chains traced value moves from output to output; on account chains from balance to balance.
The ends add up to the origins exactly, or an error is raised.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from dataclasses import replace
from datetime import timedelta
from functools import partial
from types import MappingProxyType
from typing import Any, NamedTuple

import polars as pl

from chainwatch.addresses.assets import Asset
from chainwatch.attribution.resolve import Owners
from chainwatch.chains.catalogue import chain as find_chain
from chainwatch.errors import ConservationError, TraceError
from chainwatch.heuristics.poisoning import trifle_of
from chainwatch.heuristics.rule import Rule
from chainwatch.ledger.balances import Balances, Reading, histories
from chainwatch.ledger.decimals import check_decimals
from chainwatch.ledger.ledger import Ledger
from chainwatch.ledger.unread.effect import effect_told
from chainwatch.ledger.unread.rows_apart import may_have_paid
from chainwatch.results.result import recorded
from chainwatch.results.table import Table
from chainwatch.tracing.arguments import check, check_through, policy_for
from chainwatch.tracing.balances import Lots
from chainwatch.tracing.chosen import Chosen, chosen_outputs, chosen_transfers
from chainwatch.tracing.ends.bounds import bounds
from chainwatch.tracing.ends.by_budget import told_by_budget
from chainwatch.tracing.ends.doubts import as_known, doubted
from chainwatch.tracing.fetch import MakeSource, fetched
from chainwatch.tracing.policies import Policy
from chainwatch.tracing.result import Trace
from chainwatch.tracing.stops import Mixes, Stops, stops
from chainwatch.tracing.subjects import Named, Subjects, subjects_of, widened
from chainwatch.tracing.trace_tables import (
    BALANCES,
    ENDS,
    ORIGINS,
    OVERLAPS,
    ROW_KEY,
    STEPS,
    SUBJECTS,
    UNKNOWN,
)
from chainwatch.tracing.walks.account import AccountWalk
from chainwatch.tracing.walks.account_back import BackwardAccountWalk
from chainwatch.tracing.walks.account_graph import Transfers
from chainwatch.tracing.walks.base import Walk
from chainwatch.tracing.walks.coin_walks import Make, follow
from chainwatch.tracing.walks.compiled import CompiledWalk
from chainwatch.tracing.walks.passage import AS_IT_STANDS, MoveKey, Place, Through
from chainwatch.tracing.walks.utxo import CoinWalk
from chainwatch.tracing.walks.utxo_graph import Coins
from chainwatch.units import LARGEST_AMOUNT

Walked = CoinWalk | CompiledWalk | AccountWalk
"""A walk that has been made."""

NOTHING_CARRIED: Mapping[MoveKey, Lots] = MappingProxyType({})


@recorded
def trace(
    ledger: Ledger, subjects: Subjects, *, policy: Policy | str | None = None,
    direction: str = "forward", stop: object = None, clusters: Owners | None = None,
    asset: Asset | None = None, chain: str | None = None, poisoning: Rule | None = None,
    max_hops: int | None = None, max_age: timedelta | None = None, min_amount: int = 0,
    spread_unstated: bool = False, fetch: MakeSource | None = None, budget: int = 100,
    through: Through | None = None,
) -> Trace:  # fmt: skip
    """Follow what subjects receive until every branch ends for a named reason.

    An origin is what a subject receives from outside, or spends without its coming in having been
    read; what was traced from another before stays with that one, and is listed.

    Parameters
    ----------
    ledger : Ledger
        Its span is followed; what was held at its start is known from the history.
    subjects : frame with ``chain`` and ``address``, tags, or one or several subjects
        Addresses; ``TXID:N`` and ``TXID`` for outputs and transfers.
    policy, direction : Policy or str, str
        ``policy``: how balances are divided; there is no default. ``direction``: forward from the
        subjects, or backward to the sources.
    stop : tags, hosted addresses, rules, or a list of them
        Where value ends: services, and on coin chains mixes; see :func:`stops.stops`.
    clusters, asset, chain : Clusters, Asset, str, optional
        ``clusters``: widens subjects to theirs, and services whose publisher says it of these.
        ``asset``: which; needed on account chains. ``chain``: an alias or CAIP-2 id.
    poisoning, max_hops, max_age, min_amount : Rule, int, timedelta, int
        ``poisoning``: a rule whose *yes* makes no edge; ``max_hops``: payments, one after another,
        beyond which nothing is followed, on coin chains each by the transaction that spends the
        coin paid before; ``max_age``: time after which nothing is followed; ``min_amount``: base
        units below which nothing is followed.
    spread_unstated, fetch, budget : bool, callable, int
        ``spread_unstated``: widen a service also where the publisher does not say; ``fetch``: what
        makes the source of what is lacking, as ``lambda them: cw.Esplora(url, them)``; ``budget``:
        the most requests to it.
    through : Meanings, optional
        On account chains: contracts that pass value on are then no parties, and swaps and pools end
        it for reasons of their own.

    Raises
    ------
    TraceError, AddressError, ConservationError
        If it is not clear what to follow, or the data pays out more than there is.

    Fails when
    ----------
    A stop is missing or a cluster wrong: strangers become subjects. Value comes back from an end.
    A subject's own history was not read: more may have come in, as ``unread`` tells.
    """
    check(ledger=ledger, clusters=clusters, poisoning=poisoning, max_hops=max_hops, budget=budget)
    check(min_amount=min_amount, spread_unstated=spread_unstated, max_age=max_age, through=through)
    of = subjects_of(subjects, asset, chain, ledger)
    at = stops(stop, clusters, of.asset.chain, spread_unstated=spread_unstated)
    given = {"max_hops": max_hops, "max_age": max_age, "min_amount": min_amount,
             "back": direction == "backward"}  # fmt: skip
    walk = walk_of(of, clusters, policy_for(policy, of.asset.chain, direction), at, given)
    check_through(through, of.asset, fetching=fetch is not None)
    follow = partial(_followed, walk=walk, chosen=of.chosen, poisoning=poisoning, through=through)
    return follow(ledger) if fetch is None else _fetching(ledger, follow, fetch, budget)


def _fetching(
    ledger: Ledger, follow: Callable[[Ledger], Trace], fetch: MakeSource, budget: int
) -> Trace:
    got = fetched(ledger, follow, fetch, budget)
    return replace(follow(got.ledger), fetched=got)


def _followed(
    ledger: Ledger, walk: Walk, chosen: Sequence[Chosen], poisoning: Rule | None,
    through: Through | None,
) -> Trace:  # fmt: skip
    _check(walk, poisoning)
    if find_chain(walk.asset.chain).family == "utxo":
        return _checked(_coins(ledger, walk, chosen), walk)
    return along(ledger, walk, chosen, poisoning, through).trace


def _checked(way: Trace, walk: Walk) -> Trace:
    given = {"max_hops": walk.max_hops is not None, "max_age": walk.max_age is not None,
             "min_amount": walk.min_amount > 0}  # fmt: skip
    limits = tuple(name for name, is_given in given.items() if is_given)
    result = replace(way, direction="backward" if walk.back else "forward", limits=limits)
    result.check()
    return result


def walk_of(
    of: Named, clusters: Owners | None, policy: Policy, at: Stops, limits: Mapping[str, Any]
) -> Walk:
    """Return a walk that has not begun."""
    whose = widened(of.addresses, of.asset.chain, clusters)
    listed = tuple(sorted(set(whose.values())))
    number = {subject: index for index, subject in enumerate(listed)}
    numbered = {address: number[subject] for address, subject in whose.items()}
    whom: dict[str, Any] = {"subjects": listed, "subject_of": numbered}
    return Walk(asset=of.asset, policy=policy, stops=at, **whom, **limits)


def _with_chosen(walk: Walk, named: Mapping[tuple[Any, int], bytes]) -> Walk:
    """Return a walk that follows what was chosen as well, by the names of its subjects."""
    listed = tuple(sorted({*walk.subjects, *named.values()}))
    number = {subject: index for index, subject in enumerate(listed)}
    return replace(
        walk,
        subjects=listed,
        subject_of={one: number[walk.subjects[n]] for one, n in walk.subject_of.items()},
        chosen={place: number[subject] for place, subject in named.items()},
    )


def _check(walk: Walk, poisoning: Rule | None) -> None:
    hops, least = walk.max_hops, walk.min_amount
    if hops is not None and hops < 1:
        raise TraceError(f"at most {hops} hops", remedy="one hop is the least that can be made")
    if walk.max_age is not None and walk.max_age <= timedelta(0):
        raise TraceError(f"an age of at most {walk.max_age}", remedy="give a time above nothing")
    if least < 0:
        raise TraceError(f"a least amount of {least}", remedy="give base units, 0 for all")
    if poisoning is not None and find_chain(walk.asset.chain).family == "utxo":
        raise TraceError("poisoning is a matter of account chains", remedy="leave it out")


def _given(walk: Walk) -> list[dict[str, Any]]:
    """Return what every walk is given: one for all subjects, or where reach is told one for each.

    Reach of one subject through another's coins is reach as well: the first must not hide it.
    """
    names = ("asset", "policy", "stops", "back", "max_hops", "max_age", "min_amount")
    shared = {name: getattr(walk, name) for name in names}
    if walk.policy.conserves or len(walk.subjects) < 2:
        every = {name: getattr(walk, name) for name in ("subjects", "subject_of", "chosen")}
        return [{**shared, **every}]
    return [
        {
            **shared,
            "subjects": (subject,),
            "subject_of": {a: 0 for a, whose in walk.subject_of.items() if whose == number},
            "chosen": {place: 0 for place, whose in walk.chosen.items() if whose == number},
        }
        for number, subject in enumerate(walk.subjects)
    ]


def _coins(ledger: Ledger, walk: Walk, chosen: Sequence[Chosen]) -> Trace:
    network = walk.asset.chain
    graph = Coins.read(ledger, network)
    walk = _with_chosen(walk, chosen_outputs(chosen, graph, ledger, network))
    index = getattr(getattr(graph, "ready", None), "index", None)
    mixes = Mixes(ledger, walk.stops.rules, network, index)

    def make(given: dict[str, Any]) -> Make:
        return lambda joint: CoinWalk(**given, coins=graph, joint=joint)

    walks = [follow(make(given), mixes) for given in _given(walk)]
    asked = replace(walk.stops.asked, judged=mixes.judged if walk.stops.rules else None)
    unread = frozenset(one for one in walk.subject_of if graph.history_of(one) is None)
    found = _result(walks)
    ends = told_by_budget(found.ends, ledger, network)
    if ends is not found.ends:
        found = replace(found, ends=ends, bounds=bounds(ends))
    return replace(found, asked=asked, unread=unread)


class Along(NamedTuple):
    """A trace of balances, and the lots that came to movements whose meaning ends it; marks tell
    the subjects by their numbers."""

    trace: Trace
    subjects: tuple[bytes, ...]
    given: Mapping[MoveKey, Lots]


def along(
    ledger: Ledger, walk: Walk, chosen: Sequence[Chosen], poisoning: Rule | None,
    through: Through | None = None, carried: Mapping[MoveKey, Lots] = NOTHING_CARRIED,
) -> Along:  # fmt: skip
    """Follow balances of one asset, with what other assets bring into it by swaps.

    Parameters
    ----------
    ledger, walk, chosen, poisoning : Ledger, Walk, sequence of Chosen, Rule or None
        What is followed, in a walk that has not begun.
    through : Meanings, optional
        What transactions mean.
    carried : mapping of MoveKey to Lots
        Lots that movements bring from other assets, as long as each of them.
    """
    _refuse_rules(walk.stops)
    standing = {*walk.subject_of, *walk.subjects, *(c.txid for c in chosen if c.n is not None)}
    passage = AS_IT_STANDS if through is None else through.passage(walk.asset, walk.stops, standing)
    transfers = Transfers.read(ledger, walk.asset, poisoning, passage)
    wide = transfers.whole.wide
    named = chosen_transfers(chosen, transfers.spanned(), walk.asset, wide)
    walk = _with_chosen(walk, named)
    read, known_of = _histories(ledger, walk.asset, transfers)
    apart = may_have_paid(ledger, walk.asset, wide)
    until = "what was read" if ledger.end is None else "the span"
    walked = BackwardAccountWalk if walk.back else AccountWalk
    of = transfers.whole.placed.of
    brought = {of[key]: lots for key, lots in carried.items() if key in of}
    transfers.check_carried(brought)
    came: list[dict[Place, Lots]] = []

    def follow(ordered: Transfers) -> Trace:
        walks = [
            walked(**given, transfers=ordered, read=read, until=until, apart=apart, carried=brought)
            for given in _given(walk)
        ]
        for one in walks:
            one.run()
        came.append(walks[0].given)
        found = _result(walks)
        known = as_known(found.ends, known_of)
        return replace(found, ends=told_by_budget(known, ledger, walk.asset.chain))

    first = _looked_at(follow(transfers), transfers)
    bounded = _bounded(first, follow, transfers, read.keys() | walk.subject_of.keys())
    found = replace(
        bounded,
        ties=transfers.ties(),
        unread=frozenset(one for one in walk.subject_of if not _from_the_first(read.get(one, ()))),
        unknown=_near(_before(wide, ledger), first).select(UNKNOWN.names),
        effect_doubt=effect_told(_near(_before(transfers.whole.unsure, ledger), first), walk.asset),
        decimals_doubt=check_decimals(ledger, walk.asset),
        asked=replace(walk.stops.asked, trifle=trifle_of(poisoning)),
    )
    given = {key: came[0][place] for key, place in of.items() if place in came[0]}
    return Along(_checked(found, walk), walk.subjects, given)


def _bounded(
    first: Trace, follow: Callable[[Transfers], Trace], transfers: Transfers, kept: Set[bytes]
) -> Trace:
    """Return a trace with what other orders of transfers that bear one time say of it."""
    others, all_tried = transfers.other_orders(kept)
    ends = [first.ends]
    differing: list[Trace] = []
    for rearranged in others:
        other = follow(rearranged)
        other.check()
        ends.append(other.ends)
        if not any(_alike(other, one) for one in (first, *differing)):
            differing.append(other)
    return replace(
        first, bounds=bounds(*ends), orders=len(ends), bounded=all_tried, others=tuple(differing)
    )


def _from_the_first(readings: Sequence[Reading]) -> bool:
    """Tell whether a history was read, and from its beginning."""
    return any(first is None for first, _ in readings)


def _alike(one: Trace, other: Trace) -> bool:
    """Tell whether two orders lead the same amounts along the same steps to the same ends."""

    def rows(frame: pl.DataFrame, *names: str) -> pl.DataFrame:
        told = frame.select("subject", *names, "txid", "amount", "hop")
        return told.sort(told.columns)

    places, ways = ("address", "reason", "service", "certainty", "basis"), ("source", "target")
    same_ends = rows(one.ends, *places).equals(rows(other.ends, *places))
    return same_ends and rows(one.steps, *ways).equals(rows(other.steps, *ways))


def _histories(
    ledger: Ledger, asset: Asset, transfers: Transfers
) -> tuple[Mapping[bytes, Sequence[Reading]], Balances]:
    """Return whose history was read, and what is known of balances: made once for all spans that
    have no end."""
    key = (ledger.commit and ledger.commit.number, ledger.chain, asset)
    read = ledger.kept(("histories", *key), lambda: histories(ledger, asset))

    def known() -> Balances:
        return Balances.read(ledger, asset, transfers.moves())

    return read, ledger.kept(("balances", *key), known) if ledger.end is None else known()


def _before(rows: pl.DataFrame, ledger: Ledger) -> pl.DataFrame:
    return rows if ledger.end is None else rows.filter(pl.col("time") < ledger.end)


def _looked_at(followed: Trace, transfers: Transfers) -> Trace:
    """Name at each step an earlier partner of the payer whom the receiver looks like; and doubt."""
    alike = transfers.whole.told

    def told(frame: pl.DataFrame, table: Table) -> pl.DataFrame:
        kept = frame.drop("imitates", "doubt", strict=False)
        joined = kept.join(alike, on=["txid", "n"], how="left", maintain_order="left")
        return joined.select(table.names)

    return replace(
        followed, steps=told(followed.steps, STEPS), origins=told(followed.origins, ORIGINS)
    )


def _refuse_rules(at: Stops) -> None:
    if at.rules:
        raise TraceError(
            f"{at.rules[0]} cannot stop a trace of balances",
            remedy="rules on joint transactions are a matter of coin chains",
        )


def _near(rows: pl.DataFrame, trace: Trace) -> pl.DataFrame:
    """Return the transfers that touch an address value was traced through."""
    columns = (trace.subjects["address"], trace.steps["source"], trace.steps["target"])
    touched = pl.concat([column.rename("address") for column in columns]).unique().implode()
    near = pl.col("sender").is_in(touched) | pl.col("receiver").is_in(touched)
    return rows.filter(near)


def _rows(walk: Walked, table: Table) -> pl.DataFrame:
    """Return the rows of one table that a walk left, in their order there."""
    if isinstance(walk, CompiledWalk):
        return walk.frame(table)
    listed: list[dict[str, Any]] = getattr(walk, table.name)
    _fits(row["amount"] for row in listed)
    return pl.DataFrame(listed, schema=table.schema, orient="row")


def _result(made: Sequence[Walked]) -> Trace:
    def frame(table: Table) -> pl.DataFrame:
        rows = pl.concat([_rows(one, table) for one in made])
        return rows.sort(ROW_KEY, maintain_order=True)

    walks = [one.of if isinstance(one, CompiledWalk) else one for one in made]
    first = walks[0]
    ends = doubted(frame(ENDS), first.asset)
    balances = [row for one in walks if isinstance(one, AccountWalk) for row in one.balances()]
    _fits(value for row in balances for value in row.values() if isinstance(value, int))
    whose = {(one.subjects[n], address) for one in walks for address, n in one.subject_of.items()}
    whose |= {(one.subjects[n],) * 2 for one in walks for n in one.chosen.values()}
    return Trace(
        first.asset,
        first.policy.name,
        frame(ORIGINS),
        frame(STEPS),
        ends,
        frame(OVERLAPS),
        bounds(ends),
        conserves=first.policy.conserves,
        subjects=_by_subject(pl.DataFrame([*whose], schema=SUBJECTS.schema, orient="row")),
        balances=_by_subject(pl.DataFrame(balances, schema=BALANCES.schema, orient="row")),
        asked=first.stops.asked,
    )


def _by_subject(rows: pl.DataFrame) -> pl.DataFrame:
    return rows.sort("subject", "address")


def _fits(amounts: Iterable[int]) -> None:
    """Refuse an amount that a column does not hold: polars would make it null."""
    if max(amounts, default=0) > LARGEST_AMOUNT:
        raise ConservationError(
            "a total exceeds 38 digits",
            where="what an address holds, or what ends at one",
            remedy="no token holds as much: look at the largest amounts, or leave the asset out",
        )
