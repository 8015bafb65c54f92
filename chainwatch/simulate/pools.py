"""Pools in which everybody pays one amount, with what users do and whose each withdrawal is.

People pay into pools from one address and take out to another. Most are careful: a fresh address,
paid by a relayer. Others take out to the address that paid, sign the withdrawal themselves at a
price of gas of their own, deal with both addresses outside, or use several pools alike. And some
do what only looks so: they take out to another user, or trade with one. What is known of each
withdrawal is who made it and which deposit it took.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from random import Random
from typing import Any, NamedTuple

import polars as pl

from chainwatch.addresses.assets import Asset, native
from chainwatch.chains.catalogue import chain as chain_of
from chainwatch.ledger.ledger import Ledger
from chainwatch.ledger.schema import TRANSFERS, pack_tx

START = datetime(2020, 6, 1, tzinfo=UTC)
ETHER = 10**18
AMOUNTS = (ETHER // 10, ETHER, 10 * ETHER)

CAREFUL, REUSES, SIGNS, DEALS, ALIKE, GIVES, TRADES = (
    "careful", "reuses the address", "signs at a price of its own", "deals with both addresses",
    "uses several pools alike", "takes out to another user", "trades with another user",
)  # fmt: skip
HABITS: tuple[tuple[str, int], ...] = (
    (CAREFUL, 40), (REUSES, 15), (SIGNS, 8), (DEALS, 12), (ALIKE, 5), (GIVES, 10), (TRADES, 10),
)  # fmt: skip
"""What people do, and how many of a hundred do it."""

TRUTH = {
    "txid": pl.Binary, "deposit": pl.Binary, "depositor": pl.Binary, "recipient": pl.Binary,
    "habit": pl.String,
}  # fmt: skip
"""Of each withdrawal the deposit that it took, who made both, and what that person does."""


class SimulatedPools(NamedTuple):
    """A ledger with pools, and what is true of them.

    Attributes
    ----------
    ledger : Ledger
        Transfers of the coin, with fees.
    pools : tuple
        Address, asset and amount of each pool.
    gas_prices : polars.DataFrame
        ``txid, gas_price``: no ledger holds them.
    truth : polars.DataFrame
        Columns of ``TRUTH``.
    """

    ledger: Ledger
    pools: tuple[tuple[bytes, Asset, int], ...]
    gas_prices: pl.DataFrame
    truth: pl.DataFrame


@dataclass
class _World:
    rng: Random
    asset: Asset
    rows: list[dict[str, Any]] = field(default_factory=list)
    prices: list[tuple[bytes, int]] = field(default_factory=list)
    users: list[tuple[bytes, bytes]] = field(default_factory=list)
    """Addresses that paid in, each with the one to which was taken out."""
    made: int = 0

    def name(self, what: str) -> bytes:
        """Return an address that nobody had before."""
        self.made += 1
        return b"\x10" + sha256(f"{what} {self.made}".encode()).digest()[:20]

    def pay(
        self, when: float, signer: bytes, moves: list[tuple[bytes, bytes, int, str]], price: int
    ) -> bytes:
        """Put a transaction into the ledger: what moves in it, and the fee."""
        self.made += 1
        txid = sha256(f"transaction {self.made}".encode()).digest()
        for place, (sender, receiver, amount, kind) in enumerate(moves):
            self._row(txid, when, (sender, receiver, amount, kind), place)
        self._row(txid, when, (signer, b"\x10" + bytes(20), 21_000 * price, "fee"), len(moves))
        self.prices.append((txid, price))
        return txid

    def _row(
        self, txid: bytes, when: float, move: tuple[bytes, bytes, int, str], place: int
    ) -> None:
        sender, receiver, amount, kind = move
        height = 10_000_000 + int(when * 240)
        self.rows.append({
            "chain": self.asset.chain, "txid": txid, "kind": kind, "log_index": None,
            "trace_path": str(place), "occurrence": 0, "height": height,
            "tx": pack_tx(height, self.made % (1 << 20)), "time": START + timedelta(hours=when),
            "contract": None, "sender": sender, "receiver": receiver, "amount": amount,
            "success": True, "order_uncertain": False, "sections": 1, "signed": True,
        })  # fmt: skip


def simulate_pools(seed: int, *, people: int = 60, days: int = 40) -> SimulatedPools:
    """Simulate people who use three pools of ether.

    Parameters
    ----------
    seed : int
        The same gives the same pools.
    people : int
        How many use them; each has one habit.
    days : int
        Over how many days they pay in.
    """
    world = _World(Random(f"pools {seed}"), native(chain_of("eth").id))  # noqa: S311 - a fixed seed
    pools = tuple((world.name("pool"), world.asset, amount) for amount in AMOUNTS)
    kinds = [habit for habit, weight in HABITS for _ in range(weight)]
    truth = [
        row
        for _ in range(people)
        for row in _person(world, pools, world.rng.choice(kinds), world.rng.uniform(0, days * 24))
    ]
    rows = pl.DataFrame(
        [{name: row.get(name) for name in TRANSFERS.schema} for row in world.rows],
        schema=TRANSFERS.schema, orient="row",
    )  # fmt: skip
    return SimulatedPools(
        Ledger.from_tables({"transfers": rows}),
        pools,
        pl.DataFrame(world.prices, schema={"txid": pl.Binary, "gas_price": pl.Int64}, orient="row"),
        pl.DataFrame(truth, schema=TRUTH, orient="row"),
    )


def _person(
    world: _World, pools: tuple[tuple[bytes, Asset, int], ...], habit: str, when: float
) -> Iterator[tuple[bytes, bytes, bytes, bytes, str]]:
    """Let somebody pay in and take out, and yield what is true of each withdrawal."""
    rng, payer = world.rng, world.name("payer")
    taker = payer if habit == REUSES else world.name("taker")
    another = rng.choice(world.users) if world.users else (payer, taker)
    world.users.append((payer, taker))
    if habit == GIVES:
        taker = another[0]
    chosen = [rng.choice(pools)]
    if habit == ALIKE:
        chosen = [pool for pool in pools for _ in range(rng.randint(2, 4))]
    price = rng.randint(10**10, 10**11) if habit == SIGNS else 10**9 * rng.choice((20, 30, 40, 50))
    paid = []
    for place, (pool, _, amount) in enumerate(chosen):
        at = when + place / 60
        paid.append(world.pay(at, payer, [(payer, pool, amount, "native")], price))
    partner = {DEALS: taker, TRADES: another[1]}.get(habit)
    for k in range(rng.randint(3, 5) if partner else 0):
        world.pay(when + k, payer, [(payer, partner or taker, 10**15, "native")], 10**9 * 30)
    later = when + rng.uniform(2, 24 * 20)
    for place, ((pool, _, amount), deposit) in enumerate(zip(chosen, paid, strict=True)):
        at = later + place / 60
        txid = _take(world, (pool, amount), taker, at, own=habit == SIGNS, price=price)
        yield txid, deposit, payer, taker, habit


def _take(
    world: _World, pool: tuple[bytes, int], taker: bytes, when: float, *, own: bool, price: int
) -> bytes:
    """Take an amount out of a pool, signed by oneself, or by a relayer for a fee."""
    address, amount = pool
    if own:
        return world.pay(when, taker, [(address, taker, amount, "internal")], price)
    relayer, fee = _relayer(world.rng.randrange(3)), amount // 250
    moves = [
        (address, taker, amount - fee, "internal"), (address, relayer, fee, "internal"),
    ]  # fmt: skip
    return world.pay(when, relayer, moves, 10**9 * world.rng.choice((20, 30, 40, 50)))


def _relayer(number: int) -> bytes:
    return b"\x10" + sha256(f"relayer {number}".encode()).digest()[:20]
