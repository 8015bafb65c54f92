"""Every route between two parties, found by trying all of them: what quick code is compared with.

Nothing here knows an index, a graph or a budget. A route is a tuple of movements; what is said of
it is computed from the rows of the ledger, movement by movement.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from fractions import Fraction
from itertools import combinations
from typing import Any, NamedTuple

Move = tuple[int, int]
"""An output, by its transaction's place in the list and its own; or a transfer, and 0."""

Sure = Callable[[str, str], float]


class PlainRoute(NamedTuple):
    """A route and what is said of it; ``txs`` are the transactions without which it is not."""

    moves: tuple[Move, ...]
    first: int
    last: int
    amount: int
    flow: Fraction | None
    sure: float
    open: bool
    txs: tuple[Any, ...]


def in_order(routes: Sequence[PlainRoute], by: str) -> list[PlainRoute]:
    """Return routes in the order of a ranking."""
    keys: dict[str, Callable[[PlainRoute], tuple[Any, ...]]] = {
        "hops": lambda r: (len(r.moves), r.last - r.first),
        "time": lambda r: (r.last - r.first, len(r.moves)),
        "value": lambda r: (
            (0, -r.flow, len(r.moves)) if r.flow else (1, len(r.moves), r.last - r.first)
        ),
        "weakest": lambda r: (-r.sure, -r.amount, len(r.moves), r.last - r.first),
    }
    return sorted(routes, key=lambda r: (*keys[by](r), r.moves))


def smallest_cuts(routes: Sequence[PlainRoute], most: int = 3) -> set[frozenset[Any]]:
    """Return the smallest sets of transactions that every route needs one of."""
    txs = sorted({tx for route in routes for tx in route.txs})
    for size in range(1, most + 1):
        found = {
            frozenset(some)
            for some in combinations(txs, size)
            if all(not set(some).isdisjoint(route.txs) for route in routes)
        }
        if found:
            return found
    return set()


def routes_of_coins(
    txs: Sequence[dict[str, Any]],
    source: set[str],
    target: set[str],
    *,
    stops: frozenset[str] = frozenset(),
    owner: Mapping[str, str] | None = None,
    sure: Sure = lambda a, b: 1.0,
    max_hops: int = 99,
    leaving: frozenset[Move] = frozenset(),
    reached: frozenset[Move] = frozenset(),
) -> list[PlainRoute]:
    """Return all routes over coins; a transaction is ``{"id", "ins", "outs"}``, one a minute.

    An input is ``(id, n)``, or ``("?",)`` where nothing of it was read. A coin of 0 is no payment.
    Beside the coins of both parties, ``leaving`` are coins of the source and ``reached`` of the
    target, each for itself.
    """
    place = {tx["id"]: at for at, tx in enumerate(txs)}
    spender = {
        (place[i[0]], i[1]): at for at, tx in enumerate(txs) for i in tx["ins"] if i[0] != "?"
    }
    who = {(at, n): out[0] for at, tx in enumerate(txs) for n, out in enumerate(tx["outs"])}
    value = {(at, n): out[1] for at, tx in enumerate(txs) for n, out in enumerate(tx["outs"])}
    spent = {at: [(place[i[0]], i[1]) if i[0] != "?" else None for i in tx["ins"]]
             for at, tx in enumerate(txs)}  # fmt: skip
    held = {**(owner or {})}

    def total(at: int) -> int | None:
        ins = spent[at]
        return None if None in ins else sum(value[coin] for coin in ins if coin is not None)

    def passes(coin: Move) -> bool:
        end = who[coin] in source | target or coin in leaving | reached
        return value[coin] > 0 and not end and who[coin] not in stops

    def onward(coin: Move) -> Iterator[tuple[int, bool, int | None, float]]:
        if coin in spender:
            yield spender[coin], False, None, 1.0
        if owner is None:
            return
        mine = held.get(who[coin], who[coin])
        for at in range(coin[0] + 1, len(txs)):
            others = [c for c in spent[at] if c is not None and passes(c)
                      and held.get(who[c], who[c]) == mine]  # fmt: skip
            if others and spender.get(coin) != at:
                best = max(sure(who[coin], who[c]) for c in others)
                yield at, True, sum(value[c] for c in others), best

    found: list[PlainRoute] = []

    def walk(at: int, moves: tuple[Move, ...], told: PlainRoute) -> None:
        if len(moves) == max_hops:
            return
        for n in range(len(txs[at]["outs"])):
            coin = (at, n)
            whole = total(at)
            share = None if whole is None else Fraction(value[coin], whole or 1)
            flow = None if told.flow is None or share is None else told.flow * share
            now = told._replace(
                moves=(*moves, coin), last=at, amount=min(told.amount, value[coin]), flow=flow,
                txs=(*told.txs, at),
            )  # fmt: skip
            if who[coin] in target or coin in reached:
                found.extend([now] if value[coin] else [])
            elif passes(coin):
                for then, control, most, best in onward(coin):
                    after = now
                    if control:
                        least = now.amount if most is None else min(now.amount, most)
                        after = now._replace(flow=None, amount=least, sure=min(now.sure, best))
                    walk(then, now.moves, after)

    for at in range(len(txs)):
        paid = [coin for coin in spent[at]
                if coin and (who[coin] in source or coin in leaving) and value[coin]]  # fmt: skip
        if paid:
            amount = sum(value[coin] for coin in paid)
            walk(at, (), PlainRoute((), at, at, amount, Fraction(amount), 1.0, False, ()))
    return found


class Paid(NamedTuple):
    """A transfer: who pays whom how much, when, in which transaction, whether it has a place."""

    sender: str
    receiver: str
    amount: int
    minute: int
    tx: str
    placed: bool


def routes_of_transfers(
    paid: Sequence[Paid],
    source: set[str],
    target: set[str],
    *,
    read: frozenset[str],
    stops: frozenset[str] = frozenset(),
    owner: Mapping[str, str] | None = None,
    sure: Sure = lambda a, b: 1.0,
    max_hops: int = 99,
) -> list[PlainRoute]:
    """Return all routes over transfers, which stand in the order of the ledger.

    Of two of one minute of which one has no place, each may come first.
    """
    held = {**(owner or {})}

    def tied(i: int, j: int) -> bool:
        return (
            i != j and paid[i].minute == paid[j].minute and not (paid[i].placed and paid[j].placed)
        )

    def share(i: int, j: int) -> Fraction | None:
        """Return what part of arrival i payment j takes, by going through the balance."""
        who = paid[i].receiver
        mine = [at for at, one in enumerate(paid)
                if who in (one.sender, one.receiver) and one.sender != one.receiver]  # fmt: skip
        near = [at for at in mine if i <= at <= j]
        if who not in read or any(tied(at, other) for at in near for other in mine):
            return None
        sums, balance = [], 0
        for at in mine:
            balance += paid[at].amount if paid[at].receiver == who else -paid[at].amount
            sums.append(balance)
        balance, lot = max(0, -min(sums)), Fraction(0)
        for at in mine:
            one = paid[at]
            if one.receiver == who:
                balance += one.amount
                lot = Fraction(1) if at == i else lot
            else:
                taken = lot * one.amount / balance
                if at == j:
                    return taken
                lot, balance = lot - taken, balance - one.amount
        raise AssertionError("the payment was not met")

    found: list[PlainRoute] = []

    def walk(i: int, told: PlainRoute) -> None:
        if paid[i].receiver in target:
            found.append(told)
            return
        if paid[i].receiver in source | stops or len(told.moves) == max_hops:
            return
        here = paid[i].receiver
        for j, one in enumerate(paid):
            same = one.sender == here
            mine = owner is not None and held.get(one.sender) == held.get(here) is not None
            ends = one.sender in source | target or one.receiver in source
            if (j, 0) in told.moves or ends or one.sender == one.receiver or not (same or mine):
                continue
            open_ = tied(i, j)
            if not open_ and j <= i:
                continue
            part = share(i, j) if same and not open_ else None
            walk(j, told._replace(
                moves=(*told.moves, (j, 0)), last=one.minute, amount=min(told.amount, one.amount),
                flow=None if told.flow is None or part is None else told.flow * part,
                sure=told.sure if same else min(told.sure, sure(here, one.sender)),
                open=told.open or open_, txs=(*told.txs, one.tx),
            ))  # fmt: skip

    for i, one in enumerate(paid):
        if one.sender in source and one.receiver not in source:
            begun = PlainRoute(((i, 0),), one.minute, one.minute, one.amount,
                               Fraction(one.amount), 1.0, False, (one.tx,))  # fmt: skip
            walk(i, begun)
    return found
