"""``paths``: whether and how the money of one party reached another, by the best routes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

import polars as pl

from chainwatch.addresses.assets import Asset
from chainwatch.attribution.resolve import Owners, Sayings, clustered, statements_of
from chainwatch.attribution.tags import Tags
from chainwatch.chains.catalogue import chain as find_chain
from chainwatch.errors import TraceError
from chainwatch.heuristics.rule import Rule
from chainwatch.ledger.balances import histories
from chainwatch.ledger.ledger import Ledger
from chainwatch.ledger.unread.effect import effect_told
from chainwatch.ledger.unread.rows_apart import may_have_paid
from chainwatch.results.result import recorded
from chainwatch.tracing.arguments import check
from chainwatch.tracing.asked import too_wide
from chainwatch.tracing.paths import coin_graph, transfer_graph
from chainwatch.tracing.paths.coins import CoinGround
from chainwatch.tracing.paths.cuts import MOST, Cuts, smallest_cuts
from chainwatch.tracing.paths.graph import RouteGraph
from chainwatch.tracing.paths.parties import Parties, parties_of
from chainwatch.tracing.paths.payments import CoinTelling, TransferTelling
from chainwatch.tracing.paths.ranking import RANKINGS, TIME, VALUE, Route, best
from chainwatch.tracing.paths.result import Paths
from chainwatch.tracing.paths.search import SIDES, Limit, Searched, search
from chainwatch.tracing.paths.tables import CONTROL, CUTS, FLOW, HOPS, LIMITS, PARTIES, ROUTES
from chainwatch.tracing.paths.told import Teller, Telling
from chainwatch.tracing.paths.totals import arriving
from chainwatch.tracing.paths.transfers import TransferGround
from chainwatch.tracing.stops import Mixes, stops
from chainwatch.tracing.subjects import Subjects
from chainwatch.tracing.walks.account_graph import Transfers
from chainwatch.tracing.walks.utxo_graph import Coins
from chainwatch.units import counted

BUDGET = 200_000
"""Edges that are looked at where nothing else is said."""


class Looked(NamedTuple):
    """What a search between two parties found: the graph, how far it went, and where it ended."""

    graph: RouteGraph
    searched: Searched
    limits: list[Limit]
    telling: Telling
    doubts: tuple[str, ...] = ()


@recorded
def paths(
    ledger: Ledger, source: Subjects, target: Subjects, *, k: int = 3, by: str = VALUE,
    stop: object = None, clusters: Owners | None = None, tags: Tags | None = None,
    asset: Asset | None = None, chain: str | None = None, poisoning: Rule | None = None,
    max_hops: int | None = None, budget: int = BUDGET, spread_unstated: bool = False,
) -> Paths:  # fmt: skip
    """Find the best routes by which money of one party reached another.

    A route follows coins through the transactions that spend them, transfers only to what is not
    later, and with ``clusters`` also goes on from one owner's other coins: a step of control, told
    apart. Both ends are looked at in turn, what opens into least first: a hub is met late.

    Parameters
    ----------
    ledger : Ledger
        Its span is looked at.
    source, target : frame with ``chain`` and ``address``, tags, or addresses, ``TXID:N``, ``TXID``
        ``source``: who paid; ``target``: who may have been reached; an output is meant alone.
    k, by : int, str
        ``k``: how many; ``by``: *value* under the haircut, *hops*, *time*, or *weakest* step.
    stop, clusters, tags : as :func:`chainwatch.trace` and others take them, optional
        ``stop``: where no route goes on, else at services; ``clusters``: owners; ``tags``: names.
    asset, chain, poisoning, spread_unstated : Asset, str, Rule, bool, optional
        As :func:`chainwatch.trace` takes them.
    max_hops, budget : int
        ``max_hops``: the most payments of a route, its first and last with them; ``budget``: edges
        that are looked at: inputs and outputs, transfers, owners' coins.

    Returns
    -------
    Paths
        Routes, their payments, what ends them all, and where looking ended.

    Raises
    ------
    TraceError, AddressError, ArgumentError
        If the parties are on two chains or are one, or an output was not read or something else
        cannot be used.

    Fails when
    ----------
    A stop is missing: a route through a service that is not tagged joins strangers. A cluster is
    wrong: a step of control leads to another's coins. Money went over another chain or none: no
    route is no proof that nothing was paid.

    References
    ----------
    Reid and Harrigan, "An Analysis of Anonymity in the Bitcoin System", 2013; Möser, Böhme and
    Breuker, "Towards Risk Scoring of Bitcoin Transactions", 2014 (haircut).
    """
    check(ledger=ledger, clusters=clusters, poisoning=poisoning, tags=tags)
    check(max_hops=max_hops, budget=budget, spread_unstated=spread_unstated)
    _check(k, by, budget, max_hops)
    of, first, last = parties_of(ledger, source, target, asset, chain, clusters)
    stop = tags.services() if stop is None and tags is not None else stop
    at = stops(stop, clusters, of.chain, spread_unstated=spread_unstated)
    outputs = (first.outputs, last.outputs)
    parties = Parties(of, first.whose, last.whose, at, clusters, poisoning, max_hops, outputs)
    looked = _looked(ledger, parties, budget, by)
    return _result(parties, looked, _sayings(tags, parties, spread_unstated), k, by, budget)


def _check(k: int, by: str, budget: int, max_hops: int | None) -> None:
    if by not in RANKINGS:
        raise TraceError(
            f"there is no ranking {str(by)[:40]!r}", remedy=f"write one of {', '.join(RANKINGS)}"
        )
    for number, what in ((k, "routes"), (budget, "edges")):
        if isinstance(number, bool) or not isinstance(number, int) or number < 1:
            raise TraceError(f"{number!r} {what}", remedy="give a whole number of at least 1")
    if max_hops is not None and max_hops < 1:
        raise TraceError(f"at most {max_hops} hops", remedy="one hop is the least that can be made")


def _sayings(tags: Tags | None, parties: Parties, spread_unstated: bool) -> Sayings:
    """Return what tags say of the addresses of both ends; of the address itself it comes first."""
    if tags is None:
        return {}
    chain = parties.asset.chain
    said = statements_of(tags.frame, chain)
    return clustered(said, parties.clusters, chain, spread_unstated=spread_unstated) | said


def _looked(ledger: Ledger, parties: Parties, budget: int, by: str) -> Looked:
    if find_chain(parties.asset.chain).family == "utxo":
        return _among_coins(ledger, parties, budget)
    return _among_transfers(ledger, parties, budget, by)


def _among_coins(ledger: Ledger, parties: Parties, budget: int) -> Looked:
    if parties.poisoning is not None:
        raise TraceError("poisoning is a matter of account chains", remedy="leave it out")
    coins = Coins.read(ledger, parties.asset.chain)
    mixes = Mixes(ledger, parties.stops.rules, parties.asset.chain, coins.ready.index)
    ground = CoinGround(coins, parties, mixes)
    searched = search(ground, budget)
    left = [one for side, item in searched.left for one in ground.left(side, item)]
    graph = coin_graph.graph_of(ground)
    return Looked(graph, searched, [*ground.limits.values(), *left], CoinTelling(ground))


def _among_transfers(ledger: Ledger, parties: Parties, budget: int, by: str) -> Looked:
    if parties.stops.rules:
        raise TraceError("rules on mixes are a matter of coin chains", remedy="leave them out")
    transfers = Transfers.read(ledger, parties.asset, parties.poisoning)
    read = histories(ledger, parties.asset)
    apart = may_have_paid(ledger, parties.asset, transfers.whole.wide)
    ground = TransferGround(transfers, parties, read, apart)
    searched = search(ground, budget)
    left = [one for side, item in searched.left for one in ground.left(side, item)]
    graph = transfer_graph.graph_of(ground)
    _refuse_timeless(graph, ground, by)
    told = [*ground.limits.values(), *left]
    return Looked(graph, searched, told, TransferTelling(ground), _doubts(graph, ground))


def _doubts(graph: RouteGraph, ground: TransferGround) -> tuple[str, ...]:
    """Return what is not known of transfers between those who stand on routes, in sentences."""
    whole, asset = ground.transfers.whole, ground.parties.asset
    moves = sorted({edge.move for edge in graph.edges if edge.move >= 0})
    paid = whole.rows.select("sender", "receiver")[moves]
    payers, payees = (pl.col(side).is_in(paid[side].unique().implode()) for side in paid.columns)
    found = (
        effect_told(whole.unsure.filter(payers & payees), asset),
        too_wide(whole.wide.filter(payers), asset),
    )
    return tuple(one for one in found if one)


def _refuse_timeless(graph: RouteGraph, ground: TransferGround, by: str) -> None:
    places = {edge.move for edge in graph.edges if edge.move >= 0}
    if by == TIME and ground.transfers.whole.rows["time"].gather(sorted(places)).null_count():
        raise TraceError(
            "transfers between the two have a height and no time, so that routes cannot be ranked"
            " by time",
            remedy="rank by value, hops or weakest, or read a table that gives their times first",
        )


def ranked(graph: RouteGraph, by: str, k: int, parties: Parties) -> list[Route]:
    """Return the k best routes; where one rests on an open order, the k best of every order too."""
    found = best(graph, by, k, parties.sure)
    if not any(one.open for one in found):
        return found
    sure = best(graph.kept(lambda edge: not edge.open), by, k, parties.sure)
    known = {one.moves for one in found}
    return [*found, *(one for one in sure if one.moves not in known)]


def _result(
    parties: Parties, looked: Looked, sayings: Sayings, k: int, by: str, budget: int
) -> Paths:
    graph, complete = looked.graph, bool(looked.searched.complete)
    routes, total = ranked(graph, by, k, parties), arriving(graph)
    found = smallest_cuts(graph)
    coins = find_chain(parties.asset.chain).family == "utxo"
    teller = Teller(parties, looked.telling, sayings, by, _COINS if coins else _BALANCES)
    listed, hops = teller.rows(routes)
    return Paths(
        parties.asset,
        ROUTES.conform(pl.DataFrame(listed, schema=ROUTES.schema)),
        HOPS.conform(pl.DataFrame(hops, schema=HOPS.schema)),
        _cuts(found, looked),
        _limits(looked.limits),
        _parties(parties),
        by, k, budget, looked.searched.visited, complete,
        cuts_in_words(found, complete=complete, max_hops=parties.max_hops),
        total.amount, total.at_least or not complete, looked.doubts,
        parties.max_hops,
    )  # fmt: skip


_COINS = {
    FLOW: "spends the very coin that was paid before",
    CONTROL: "spends other coins of whoever was paid before: ",
}
_BALANCES = {
    FLOW: "paid by the address that was paid before, and not earlier",
    CONTROL: "paid by another address of whoever was paid before: ",
}


def cuts_in_words(found: Cuts, *, complete: bool, max_hops: int | None = None) -> str:
    """Return in a sentence what ends every route, and for which routes that is proven."""
    short = "" if max_hops is None else f" of at most {counted(max_hops, 'payment', 'payments')}"
    of = f"every route{short} among what was read"
    of = of if complete else f"the routes{short} within the budget alone"
    if found.gave_up:
        return "Which transactions end every route took too long to find; none is named."
    if found.more:
        return (
            f"More than {MOST} transactions would have to be rejected to end all routes, proven for"
            f" {of}."
        )
    if not found.sets:
        return ""
    size = len(found.sets[0])
    many = counted(len(found.sets), "transaction", "transactions")
    if size == 1:
        said = f"Each of {many}" if len(found.sets) > 1 else "One transaction"
        said += " ends all routes if it is rejected"
    else:
        sets = counted(len(found.sets), "set", "sets")
        sets = f"more than {sets}, of which these are listed," if found.unlisted else sets
        said = f"No fewer than {size} transactions end all routes if rejected: {sets} of so many do"
    return f"{said}, proven for {of}."


def _cuts(found: Cuts, looked: Looked) -> pl.DataFrame:
    moves = looked.graph.movements()
    rows: list[dict[str, Any]] = []
    for number, labels in enumerate(found.sets, 1):
        for member, label in enumerate(labels, 1):
            one = looked.telling.payment(moves[label], None, None)
            rows.append({
                "cut": number, "member": member, "tx": one.tx, "txid": one.txid, "time": one.time,
                "source": one.source, "target": one.target,
            })  # fmt: skip
    return CUTS.conform(pl.DataFrame(rows, schema=CUTS.schema))


def _limits(limits: Iterable[Limit]) -> pl.DataFrame:
    rows: list[dict[str, Any]] = []
    for one in limits:
        end = one.end
        rows.append({
            "side": SIDES[one.side], "reason": end.reason, "address": one.address, "tx": one.tx,
            "txid": one.txid, "n": one.n, "time": one.time, "amount": one.amount,
            "edges": one.edges, "service": end.service, "detail": end.detail,
        })  # fmt: skip
    frame = pl.DataFrame(rows, schema=LIMITS.schema)
    return frame.sort("side", "reason", "tx", "txid", "n", "address", "detail")


def _parties(parties: Parties) -> pl.DataFrame:
    rows: list[tuple[Any, ...]] = []
    ends = (parties.source, parties.target)
    for side, whose, outputs in zip(SIDES, ends, parties.outputs, strict=True):
        rows += [(side, given, one, None, None) for one, given in whose.items()]
        rows += [(side, one.called, one.called, one.txid, one.n) for one in outputs]
    frame = pl.DataFrame(list(dict.fromkeys(rows)), schema=PARTIES.schema, orient="row")
    return frame.sort("side", "given", "address", "txid", "n")
