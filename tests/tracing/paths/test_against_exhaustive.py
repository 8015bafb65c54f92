"""On 500 random ledgers the best routes are those that trying every route finds, in its order."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from dataclasses import replace
from fractions import Fraction
from itertools import product
from math import floor
from types import SimpleNamespace
from typing import Any, NamedTuple

import polars as pl
import pytest
from plain_routes import Paid, PlainRoute, in_order, routes_of_coins, routes_of_transfers
from plain_routes import smallest_cuts as smallest_cuts_of

from chainwatch.addresses.assets import native
from chainwatch.ledger.ledger import Ledger
from chainwatch.tracing.paths.cuts import smallest_cuts
from chainwatch.tracing.paths.parties import Output, Parties
from chainwatch.tracing.paths.paths import Looked, _among_coins, _among_transfers, ranked
from chainwatch.tracing.paths.ranking import RANKINGS, Route
from chainwatch.tracing.paths.search import BUDGET as BUDGET_ENDED
from chainwatch.tracing.paths.totals import arriving
from chainwatch.tracing.stops import Dated, End, Stops
from chainwatch.tracing.walks.account_graph import Transfers
from chainwatch.tracing.walks.utxo_graph import Coins

WORLDS, A_LEDGER = 250, 25
NAMES = "ABCDEFGH"
BUDGET = 100_000


class Owned:
    """Owners with a confidence of each pair, as clusters say it."""

    def __init__(self, chain: str, owner: Mapping[bytes, str], seed: int) -> None:
        rows = [(chain, one, whose.encode()) for one, whose in sorted(owner.items())]
        schema = {"chain": pl.String, "address": pl.Binary, "cluster": pl.Binary}
        self.frame = pl.DataFrame(rows, schema=schema, orient="row")
        self.seed = seed

    def sure(self, a: bytes, b: bytes) -> float:
        """Return how sure a pair is: one of a few numbers, so that some are alike."""
        return 1.0 if a == b else (hash_of(a, b, self.seed) % 4 + 6) / 10

    def why(self, a: bytes, b: bytes, chain: str) -> Any:
        frame = pl.DataFrame({"confidence": [self.sure(a, b)]})
        return SimpleNamespace(joined=True, length=1, frame=frame)


def hash_of(a: bytes, b: bytes, seed: int) -> int:
    return sum(min(a, b)[-4:]) * 31 + sum(max(a, b)[-4:]) + seed


class World(NamedTuple):
    """One random world: its rows, who is asked of whom, and what stops."""

    number: int
    rows: list[Any]
    stops: frozenset[str]
    owner: dict[str, str] | None
    max_hops: int | None
    read: frozenset[str] = frozenset()

    def name(self, letter: str) -> str:
        return f"{letter}{self.number}"


def coin_world(number: int) -> World:
    """Return transactions that spend one to three coins of few parties and make as many."""
    dice = random.Random(number)  # noqa: S311 - worlds, not secrets
    names = [f"{letter}{number}" for letter in NAMES]
    txs: list[dict[str, Any]] = []
    unspent: list[tuple[str, int, int]] = []
    for at in range(dice.randint(5, 9)):
        ins = [unspent.pop(dice.randrange(len(unspent)))
               for _ in range(min(len(unspent), dice.randint(0 if at < 2 else 1, 3)))]  # fmt: skip
        paid = sum(value for _, _, value in ins) or 100 * dice.randint(1, 5)
        cuts = sorted(dice.randint(0, paid) for _ in range(dice.randint(1, 3)))
        values = [b - a for a, b in zip([0, *cuts[:-1]], cuts, strict=True)]
        outs = [(dice.choice(names[:6] if at else names[:1]), value) for value in values]
        spent: list[tuple[Any, ...]] = [(name, n) for name, n, _ in ins]
        if spent and dice.random() < 0.1:
            spent.append(("?",))
        txs.append({"id": f"{number}/{at}", "ins": spent, "outs": outs})
        unspent += [(txs[-1]["id"], n, value) for n, value in enumerate(values)]
    return World(number, txs, *terms(dice, names))


def terms(dice: random.Random, names: list[str]) -> tuple[Any, ...]:
    """Return who stops, who owns whom and how many hops are asked, for some worlds."""
    stopped = frozenset(one for one in names[2:5] if dice.random() < 0.1)
    owner = (
        {one: dice.choice("vw") + one[1:] for one in names[2:6]} if dice.random() < 0.5 else None
    )
    return stopped, owner, dice.choice([None, None, None, 2, 3])


def account_world(number: int) -> World:
    """Return payments among few parties; some bear one minute and have no place in it."""
    dice = random.Random(10_000 + number)  # noqa: S311 - as above
    names = [f"{letter}{number}" for letter in NAMES]
    minute, paid = number * 100, []
    for at in range(dice.randint(13, 17)):
        minute += dice.choice([0, 1, 1])
        sender, receiver = (f"{dice.choice(some)}{number}" for some in ("AACDECDEB", "BCDECDEBA"))
        tx = f"{number}/{at if not at or dice.random() < 0.8 else at - 1}"
        paid.append(Paid(sender, receiver, dice.randint(1, 50), minute, tx, dice.random() < 0.5))
    stopped, owner, hops = terms(dice, names)
    read = frozenset(one for one in names if dice.random() < 0.85)
    return World(number, paid, stopped, owner, hops, read)


def stops_at(chain: str, addresses: list[bytes]) -> Stops:
    end = (Dated(None, None, End("hosted service", "a test", "an exchange")),)
    return Stops({(chain, one): end for one in addresses})


def parties(world: World, asset: Any, address: Any) -> Parties:
    """Return the parties of a world: from A to B, with what stops and who owns whom."""
    source, target = ({address(world.name(letter)): address(world.name(letter))} for letter in "AB")
    owned = {address(one): whose for one, whose in (world.owner or {}).items()}
    clusters = Owned(asset.chain, owned, world.number) if world.owner else None
    at = stops_at(asset.chain, [address(one) for one in world.stops])
    return Parties(asset, source, target, at, clusters, None, world.max_hops)


def expected(
    world: World, routes: Any, address: Any, asked: Parties, *, between: Any = None, **more: Any
) -> list[PlainRoute]:
    def sure(a: str, b: str) -> float:
        return asked.clusters.sure(address(a), address(b))  # type: ignore[union-attr]

    ends = between or [{world.name("A")}, {world.name("B")}]
    return routes(
        world.rows, *ends, stops=world.stops, owner=world.owner,
        sure=sure, max_hops=world.max_hops or 99, **more,
    )  # fmt: skip


def compare(found: list[Route], wanted: list[PlainRoute], named: Any, asked: Parties) -> None:
    """Require the same routes in the same order, and of each the same numbers."""
    told = [tuple(named(move) for move in one.moves) for one in found]
    assert told == [one.moves for one in wanted]
    for one, other in zip(found, wanted, strict=True):
        assert one.flow == other.flow
        assert (one.amount, one.open) == (other.amount, other.open)
        assert one.sure(asked.sure) == pytest.approx(other.sure, abs=0)


def with_certain(wanted: list[PlainRoute], by: str, k: int) -> list[PlainRoute]:
    """Return the k best; where one rests on an open order, the k best of every order as well."""
    first = in_order(wanted, by)[:k]
    if not any(one.open for one in first):
        return first
    sure = in_order([one for one in wanted if not one.open], by)[:k]
    return [*first, *(one for one in sure if one not in first)]


def coin_ledgers(desk: Any) -> Iterator[tuple[Ledger, list[World], int]]:
    """Yield ledgers of many worlds, which have nothing in common, each with its first place."""
    for begin in range(0, WORLDS, A_LEDGER):
        worlds = [coin_world(number) for number in range(begin, begin + A_LEDGER)]
        yield desk.coins([tx for world in worlds for tx in world.rows]), worlds, begin


def test_routes_over_coins_are_those_of_an_exhaustive_search(desk: Any) -> None:
    met, asset = 0, native("btc-regtest")
    for ledger, worlds, _ in coin_ledgers(desk):
        for world in worlds:
            asked = parties(world, asset, desk.coin)
            wanted = expected(world, routes_of_coins, desk.coin, asked)
            looked = _among_coins(ledger, asked, BUDGET)
            check(looked, wanted, named_coins(desk, looked, world), asked)
            met += len(wanted)
    assert met > 500, "the worlds are too poor to tell anything"


def test_routes_between_single_outputs_are_those_of_an_exhaustive_search(desk: Any) -> None:
    """Either end may be outputs alone, of anybody, beside a party or in place of it."""
    met = dict.fromkeys(product((True, False), repeat=2), 0)
    for ledger, worlds, _ in coin_ledgers(desk):
        coins = Coins.read(ledger, native("btc-regtest").chain)
        for world in worlds:
            dice = random.Random(20_000 + world.number)  # noqa: S311 - as above
            ends = [some_outputs(dice, world, side) for side in (1, -1)]
            ends[1] -= ends[0]
            parted = [not one or dice.random() < 0.2 for one in ends]
            given = parties(world, native("btc-regtest"), desk.coin)
            asked = replace(
                given,
                source=given.source if parted[0] else {}, target=given.target if parted[1] else {},
                outputs=tuple(outputs_of(desk, coins, world, one) for one in ends),
            )  # fmt: skip
            names = [{world.name(one)} if parts else set()
                     for one, parts in zip("AB", parted, strict=True)]  # fmt: skip
            wanted = expected(
                world, routes_of_coins, desk.coin, asked, between=names, leaving=ends[0],
                reached=ends[1],
            )  # fmt: skip
            looked = _among_coins(ledger, asked, BUDGET)
            check(looked, wanted, named_coins(desk, looked, world), asked)
            met[bool(ends[0]), bool(ends[1])] += len(wanted)
    assert all(met[kind] > 100 for kind in met if any(kind)), f"too few routes: {met}"


def some_outputs(dice: random.Random, world: World, side: int) -> frozenset[tuple[int, int]]:
    """Return no output of a world, or a few that pay something, mostly among the first or last."""
    paying = [(at, n) for at, tx in enumerate(world.rows)
              for n, (_, value) in enumerate(tx["outs"]) if value]  # fmt: skip
    near = paying[::side][: dice.choice([6, 6, 99])]
    return frozenset(dice.sample(near, dice.choice([0, 1, 2, 3])))


def outputs_of(
    desk: Any, coins: Coins, world: World, some: frozenset[tuple[int, int]]
) -> tuple[Output, ...]:
    found = []
    for at, n in sorted(some):
        txid = desk.txid(world.rows[at]["id"])
        (tx,) = coins.numbers_of(txid)
        found.append(Output(tx, n, txid, desk.coin(world.rows[at]["outs"][n][0])))
    return tuple(found)


def named_coins(desk: Any, looked: Looked, world: World) -> Any:
    """Return what tells a coin of a world by the place of its transaction and its own."""
    made = looked.telling.ground.made  # type: ignore[attr-defined]
    place = {desk.txid(tx["id"]): at for at, tx in enumerate(world.rows)}

    def named(move: int) -> tuple[int, int]:
        tx = int(made["out_ptr"].searchsorted(move, side="right")) - 1
        return place[made["tx_id"][tx].tobytes()], int(made["out_n"][move])

    return named


def check(looked: Looked, wanted: list[PlainRoute], named: Any, asked: Parties) -> None:
    """Compare every ranking, by the best few and by all."""
    assert looked.searched.complete
    known = [one.flow for one in wanted if one.flow is not None]
    assert arriving(looked.graph).amount == floor(sum(known, Fraction(0)))
    for by in RANKINGS:
        for k in (1, 3, len(wanted) + 1):
            compare(ranked(looked.graph, by, k, asked), with_certain(wanted, by, k), named, asked)


def test_routes_over_transfers_are_those_of_an_exhaustive_search(desk: Any) -> None:
    met, ties = 0, 0
    for begin in range(0, WORLDS, A_LEDGER):
        worlds = [account_world(number) for number in range(begin, begin + A_LEDGER)]
        ledger = account_ledger(desk, worlds)
        rows = Transfers.read(ledger, desk.asset, None).whole.rows
        for world in worlds:
            listed = in_index_order(world, rows, desk)
            world = world._replace(rows=[paid for _, paid in listed])  # noqa: PLW2901
            name = {place: (number, 0) for number, (place, _) in enumerate(listed)}
            asked = parties(world, desk.asset, desk.account)
            wanted = expected(world, routes_of_transfers, desk.account, asked, read=world.read)
            check(_among_transfers(ledger, asked, BUDGET, "hops"), wanted, name.__getitem__, asked)
            met += len(wanted)
            ties += sum(one.open for one in wanted)
    assert met > 600, "the worlds are too poor to tell anything"
    assert ties > 100, "too few of them rest on an open order"


def account_ledger(desk: Any, worlds: list[World]) -> Ledger:
    rows = [
        (one.sender, one.receiver, one.amount, one.minute,
         {"txid": desk.txid(one.tx), "order_uncertain": not one.placed, "log_index": at})
        for world in worlds for at, one in enumerate(world.rows)
    ]  # fmt: skip
    read = [one for world in worlds for one in sorted(world.read)]
    return desk.paid(rows, read=read)


def in_index_order(world: World, rows: pl.DataFrame, desk: Any) -> list[tuple[int, Paid]]:
    """Return the payments of a world with their places, in the order in which they stand."""
    known = {(desk.txid(one.tx), desk.account(one.sender), desk.account(one.receiver), one.amount):
             one for one in world.rows}  # fmt: skip
    names = ("txid", "sender", "receiver", "amount")
    found = []
    for place, (txid, sender, receiver, amount) in enumerate(rows.select(names).iter_rows()):
        one = known.get((txid, sender, receiver, int(amount)))
        if one is not None:
            found.append((place, one))
    assert len(found) == len(world.rows)
    return found


def test_a_budget_finds_no_other_routes_and_says_whether_these_are_all(desk: Any) -> None:
    ended = found_some = 0
    for ledger, worlds, _ in coin_ledgers(desk):
        for world in worlds[::4]:
            asked = parties(world, native("btc-regtest"), desk.coin)
            every = all_moves(_among_coins(ledger, asked, BUDGET), asked)
            for budget in (1, 6, 14):
                looked = _among_coins(ledger, asked, budget)
                told = all_moves(looked, asked)
                assert told <= every
                assert looked.searched.visited <= budget
                if looked.searched.complete:
                    assert told == every
                else:
                    ended, found_some = ended + 1, found_some + bool(told)
                    assert any(one.end.reason == BUDGET_ENDED for one in looked.limits)
    for begin in range(0, WORLDS, A_LEDGER):
        worlds = [account_world(number) for number in range(begin, begin + A_LEDGER)]
        ledger = account_ledger(desk, worlds)
        for world in worlds[::4]:
            asked = parties(world, desk.asset, desk.account)
            every = all_moves(_among_transfers(ledger, asked, BUDGET, "hops"), asked)
            for budget in (1, 5, 9):
                looked = _among_transfers(ledger, asked, budget, "hops")
                told = all_moves(looked, asked)
                assert told <= every
                if looked.searched.complete:
                    assert told == every
                else:
                    ended, found_some = ended + 1, found_some + bool(told)
                    assert any(one.end.reason == BUDGET_ENDED for one in looked.limits)
    assert min(ended, found_some) > 30, "the budgets are too large to tell anything"


def all_moves(looked: Looked, asked: Parties) -> set[tuple[int, ...]]:
    return {one.moves for one in ranked(looked.graph, "hops", 10_000, asked)}


def test_cuts_are_those_of_trying_every_set(desk: Any) -> None:
    met = 0
    for ledger, worlds, _ in coin_ledgers(desk):
        for world in worlds:
            asked = parties(world, native("btc-regtest"), desk.coin)
            wanted = expected(world, routes_of_coins, desk.coin, asked)
            looked = _among_coins(ledger, asked, BUDGET)
            coins = looked.telling.ground.coins  # type: ignore[attr-defined]
            place = {desk.txid(tx["id"]): at for at, tx in enumerate(world.rows)}
            found = smallest_cuts(looked.graph)
            told = {frozenset(place[coins.txid(tx)] for tx in one) for one in found.sets}
            assert told == smallest_cuts_of(wanted)
            assert found.more == bool(wanted and not told)
            met += len(told)
    for begin in range(0, WORLDS, A_LEDGER):
        worlds = [account_world(number) for number in range(begin, begin + A_LEDGER)]
        ledger = account_ledger(desk, worlds)
        rows = Transfers.read(ledger, desk.asset, None).whole.rows
        for world in worlds:
            listed = [paid for _, paid in in_index_order(world, rows, desk)]
            asked = parties(world, desk.asset, desk.account)
            wanted = expected(
                world._replace(rows=listed), routes_of_transfers, desk.account, asked,
                read=world.read,
            )  # fmt: skip
            looked = _among_transfers(ledger, asked, BUDGET, "hops")
            found, moves = smallest_cuts(looked.graph), looked.graph.movements()
            told = {frozenset(rows["txid"][moves[one]] for one in some) for some in found.sets}
            assert told == {frozenset(map(desk.txid, some)) for some in smallest_cuts_of(wanted)}
            assert found.more == bool(wanted and not told)
            met += len(told)
    assert met > 300, "the worlds are too poor to tell anything"
