"""Fetching on account chains: a trace grows from one address; its bounds hold the full answer."""

from __future__ import annotations

from pathlib import Path
from random import Random
from typing import Any

import httpx2
import polars as pl
import pytest
from account_histories import chances, history
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from tron_grid import TronGridServer, served
from tron_world import ZERO, World, account, base58, moved

from chainwatch.addresses.assets import Asset
from chainwatch.chains.tron import TRON
from chainwatch.ingest.pull import pull
from chainwatch.ledger import schema
from chainwatch.ledger.ledger import Ledger, open_ledger
from chainwatch.ledger.storage.store import Store
from chainwatch.net.policy import use_network
from chainwatch.sources.tron.source import TronGrid
from chainwatch.tracing.fetch import Fetched
from chainwatch.tracing.policies import Policy, clean_first, fifo, haircut, lifo, seniority
from chainwatch.tracing.trace import trace

TABLES = {table.name: table for table in schema.TABLES}
KEPT = ("transfers", "stakes", "coverage")


def canonical(name: str) -> bytes:
    return b"\x11" + bytes.fromhex(named(name))[1:]


def named(name: str) -> str:
    return ZERO if name == "0" else account(name)


TOKEN = Asset(TRON.id, canonical("coin"), "TOK", 6)


def world_of(rows: list[tuple[Any, ...]]) -> World:
    """Return a chain in which people move a token, each transfer in a block of its own."""
    world = World()
    for sender, receiver, amount, *_ in rows:
        log = moved("coin", "x", "y", amount)
        log["topics"][1:] = [named(one)[2:].rjust(64, "0") for one in (sender, receiver)]
        world.call("payer", "coin", logs=[log])
    return world


class Empty:
    """A ledger without rows."""

    def scan(self, table: str) -> pl.LazyFrame:
        return TABLES[table].empty().lazy()


def source(server: TronGridServer, addresses: list[bytes]) -> TronGrid:
    """Return a source that asks a server without a socket."""

    def handle(request: httpx2.Request) -> httpx2.Response:
        target = request.url.raw_path.decode()
        status, value = server.answer(request.method, target, request.content, None)
        return httpx2.Response(status, json=value)

    return TronGrid(
        "https://grid.example", addresses, per_second=1e9, transport=httpx2.MockTransport(handle)
    )


def read(server: TronGridServer, names: list[str]) -> Ledger:
    """Return a ledger of the histories of some, in the order in which they are asked for."""
    parts: dict[str, list[pl.DataFrame]] = {name: [TABLES[name].empty()] for name in KEPT}
    for name in names:
        for batch in source(server, [canonical(name)]).batches(Empty()):
            for table in KEPT:
                parts[table] += [batch.tables[table]] if table in batch.tables else []
    made = {name: pl.concat(frames).unique(TABLES[name].key, maintain_order=True)
            for name, frames in parts.items()}  # fmt: skip
    return Ledger.from_tables(made)


def totals(found: Any) -> dict[tuple[str, str | None], int]:
    rows = found.ends.group_by("reason", "service").agg(pl.col("amount").sum())
    return {(reason, service): int(amount) for reason, service, amount in rows.iter_rows()}


@pytest.mark.parametrize(
    ("policy", "least"),
    [*((one, 0) for one in (fifo, lifo, haircut, seniority, clean_first)), (fifo, 3), (lifo, 3)],
)
@given(chance=chances(), data=st.data())
@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_bounds_of_what_is_open_hold_the_full_answer(
    policy: Policy, least: int, chance: Random, data: st.DataObject, tmp_path_factory: Any
) -> None:
    """Whichever histories were read so far, in whatever order: the full trace is in the bounds."""
    rows = history(chance, transfers=10, ties=False)
    people = sorted({one for row in rows for one in row[:2]} - {"0"})
    seed = data.draw(st.sampled_from(people))
    order = data.draw(st.permutations([one for one in people if one != seed]))
    read_so_far = [seed, *order[: data.draw(st.integers(0, len(order)))]]
    server = TronGridServer(world_of(rows))
    with use_network(log_file=tmp_path_factory.getbasetemp() / "log"):
        partial, whole = read(server, read_so_far), read(server, people)
    assume(partial.transfers.collect().height)
    asked: dict[str, Any] = {
        "policy": policy,
        "asset": TOKEN,
        "poisoning": None,
        "min_amount": least,
    }
    open_, full = (trace(one, canonical(seed), **asked) for one in (partial, whole))
    # What comes back from a history that was not read counts as received anew.
    assert open_.amount >= full.amount
    lacking = open_.ends.filter(pl.col("reason").is_in(["not read", "threshold"]))["amount"].sum()
    bounds = open_.open_bounds()
    known = {(reason, service): (low, high) for reason, service, low, high in bounds.iter_rows()}
    answer = totals(full)
    for kind in known.keys() | answer.keys():
        low, high = known.get(kind, (0, lacking + open_.steps.height))
        assert low <= answer.get(kind, 0) <= high, kind


def test_a_ledger_grows_from_one_address(tmp_path: Path) -> None:
    rows = [("m", "a", 10, 1), ("a", "b", 6, 2), ("a", "c", 4, 3), ("b", "d", 5, 4),
            ("c", "d", 4, 5), ("d", "e", 9, 6), ("zed", "yul", 7, 7)]  # fmt: skip
    server = TronGridServer(world_of(rows))
    Store.create(tmp_path / "l")
    with use_network(log_file=tmp_path / "log"), served(server) as url:
        found = trace(
            open_ledger(tmp_path / "l"), base58(account("a")), policy=fifo, chain="tron",
            asset=TOKEN, fetch=lambda addresses: TronGrid(url, addresses), budget=200,
        )  # fmt: skip
        pull(tmp_path / "m", TronGrid(url, [base58(account(one)) for one in "abcde"]))
    assert isinstance(found.fetched, Fetched)
    assert {one[1:].lstrip(b".") for one in found.fetched.asked} == {b"a", b"b", b"c", b"d", b"e"}
    ends = {(reason, address[1:].lstrip(b".")): int(amount) for reason, address, amount
            in found.ends.select("reason", "address", "amount").iter_rows()}  # fmt: skip
    assert ends == {("unspent", b"b"): 1, ("unspent", b"e"): 9}
    assert found.fetched.left.is_empty()
    whole = trace(open_ledger(tmp_path / "m"), base58(account("a")), policy=fifo, asset=TOKEN)
    assert whole.digest == found.digest


def test_a_budget_is_kept_and_what_is_left_is_named(tmp_path: Path) -> None:
    rows = [("m", "a", 10, 1), ("a", "b", 6, 2), ("a", "c", 4, 3), ("b", "d", 5, 4)]
    server = TronGridServer(world_of(rows))
    Store.create(tmp_path / "l")
    with use_network(log_file=tmp_path / "log"), served(server) as url:
        found = trace(
            open_ledger(tmp_path / "l"), base58(account("a")), policy=fifo, chain="tron",
            asset=TOKEN, fetch=lambda addresses: TronGrid(url, addresses), budget=9,
        )  # fmt: skip
    assert isinstance(found.fetched, Fetched)
    assert found.fetched.requests <= 9
    assert set(found.fetched.left["why"]) == {"budget spent"}
    assert found.amount == sum(map(int, found.ends["amount"])) == 10
