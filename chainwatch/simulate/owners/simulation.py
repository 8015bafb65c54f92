"""Simulated owners: a chain whose every address has a known owner, to measure rules on.

What is made
------------
People, shops, charities, employers, exchanges and miners with many kinds of wallet software live
for some weeks on a chain of regtest: they pay, consolidate, deposit, mix by every protocol that a
detector knows, sell tokens with partial signatures, open and close channels, sell keys, and some
mislead on purpose. The truth is written down as it happens. The chain is block files like any
node's, and is read the ordinary way.

What it cannot say
------------------
Every share is an assumption (:mod:`~chainwatch.simulate.owners.population`). An error rate that is
measured here is conditional on this simulator and is no rate of a real chain. CashFusion and Dash's
mixes have chains of their own and are not made.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import accumulate
from pathlib import Path
from random import Random
from typing import Literal

import polars as pl

from chainwatch.errors import ArgumentError, expect
from chainwatch.simulate.owners import truth
from chainwatch.simulate.owners.events import EVENTS
from chainwatch.simulate.owners.parts import MOST_BLOCKS, Part, part_of
from chainwatch.simulate.owners.payments import hand_over_keys
from chainwatch.simulate.owners.population import Population
from chainwatch.simulate.owners.society import (
    SETTLING,
    WARM_UP,
    Society,
    pay_out,
    settle,
    sweep,
    warm_up,
)
from chainwatch.simulate.owners.world import World
from chainwatch.simulate.tables import csv, write_files
from chainwatch.simulate.wallets import Wallet

SWEEP_EVERY = 8
"""Blocks between two days on which an exchange brings its deposits in."""

MOST_PER_BLOCK = 500
"""Things that happen in a block at most."""

SELL_EVERY = 5
"""Blocks between two sales of a miner."""


@dataclass(frozen=True)
class SimulatedOwners:
    """A simulated chain with its owners.

    Attributes
    ----------
    seed, part, adversarial
        What it was made from; the same gives the same bytes on every platform and Python.
    population : Population
        The assumptions.
    blocks : bytes
        All blocks of a chain of regtest from genesis on, framed as in a node's block file.
    addresses : polars.DataFrame
        One row per address and holder: ``address`` (canonical bytes), ``owner`` (null where anybody
        may spend), ``holders`` (list: two owners where both must sign; their ``owner`` is then an
        entity of its own, ``"a & b"``), ``wallet``, ``role``, ``from_height``, ``to_height`` (both
        included; null: always). Only a key that was sold has several rows.
    transactions : polars.DataFrame
        One row each, coinbases too: ``txid`` (wire order), ``height``, ``time``, ``kind``
        (``payment``, ``batch``, ``consolidation``, ``coinjoin``, ``payjoin``, ``token sale``, ...),
        ``protocol`` (of mixes, channels and sales), ``joint`` (inputs of several owners), ``trick``
        (what is meant to mislead, or misleads by its form), ``payer`` (null where joint).
    inputs : polars.DataFrame
        ``txid``, ``n``, ``prev_txid``, ``prev_n``, ``height``, ``address``, ``owner`` (who held it
        then), ``wallet``, ``sighash`` (as ledgers name the flag; null without a signature).
    outputs : polars.DataFrame
        ``txid``, ``n``, ``height``, ``value``, ``address``, ``script_kind``, ``owner``,
        ``wallet``, ``purpose``, ``change`` (what a spender gives back to himself), ``spent_by``
        (txid; null: unspent).
    """

    seed: int
    part: str
    adversarial: bool
    population: Population
    blocks: bytes = field(repr=False)
    addresses: pl.DataFrame = field(repr=False)
    transactions: pl.DataFrame = field(repr=False)
    inputs: pl.DataFrame = field(repr=False)
    outputs: pl.DataFrame = field(repr=False)

    def write(self, folder: str | Path) -> Path:
        """Write ``blocks.dat``, to be read as block files, and each table as CSV.

        Raises
        ------
        OutputExists
            If the folder exists and is not empty.
        """
        data = {"blocks.dat": self.blocks}
        for name in ("addresses", "transactions", "inputs", "outputs"):
            frame = getattr(self, name)
            flat = [pl.col(each).list.join(" & ") for each in frame.columns if each == "holders"]
            data[f"{name}.csv"] = csv(frame.with_columns(flat))
        return write_files(folder, data)


def simulate_owners(
    seed: int,
    *,
    part: Literal["fit", "test"],
    blocks: int = 300,
    per_block: int = 40,
    adversarial: bool = False,
    population: Population | None = None,
) -> SimulatedOwners:
    """Simulate owners: a chain and the truth about each of its addresses and transactions.

    Parameters
    ----------
    seed : int
        Of the part: 0 to 999 to fit by, 1000 to 1999 to test on.
    part : str
        ``fit`` or ``test``; they share no seed and no time, and it must be said which is meant.
    blocks : int
        Blocks in which something happens, three hours apart; others come before them.
    per_block : int
        Things that happen in each block.
    adversarial : bool
        Many try to mislead: :meth:`Population.hostile`.
    population : Population, optional
        Who lives there and what happens how often; its defaults are assumptions.

    Returns
    -------
    SimulatedOwners
        About 0.9 transactions for each thing that happens.

    Raises
    ------
    ArgumentError
        If the seed is of another part, or a number is out of range.

    Fails when
    ----------
    A rate that is measured on it is taken for one of a real chain: it is conditional on the
    assumptions. Signatures do not verify and keys are hashes, so nothing that checks them works.

    Examples
    --------
    >>> made = simulate_owners(3, part="fit", blocks=12, per_block=10)
    >>> made.transactions.filter(kind="coinjoin", joint=False).height
    0
    """
    place = part_of(part, seed)
    _check("blocks", blocks, MOST_BLOCKS - WARM_UP - SETTLING)
    _check("per_block", per_block, MOST_PER_BLOCK)
    people = population or Population()
    people = people.hostile() if adversarial else people
    world = _world(place, seed, adversarial)
    society = settle(world, people)
    warm_up(society)
    _live(society, blocks, per_block)
    return SimulatedOwners(
        seed, place.name, adversarial, people, b"".join(world.chain), truth.addresses(world),
        truth.transactions(world), truth.inputs(world), truth.outputs(world),
    )  # fmt: skip


def _world(part: Part, seed: int, adversarial: bool) -> World:
    label = f"owners/{part.name}/{seed}/{'hostile' if adversarial else 'honest'}"
    return World(label, Random(label), part.start)  # noqa: S311 - a simulation, not a secret


def _check(name: str, value: int, most: int) -> None:
    expect(value, int, name, "pass a whole number")
    if not 1 <= value <= most:
        raise ArgumentError(f"{name} is out of range", remedy=f"pass 1 to {most}")


def _live(society: Society, blocks: int, per_block: int) -> None:
    """Let things happen block by block, each drawn by its weight."""
    world = society.world
    names = list(EVENTS)
    sums = list(accumulate(getattr(society.population.events, name) for name in names))
    for block in range(blocks):
        hand_over_keys(society)
        for _ in range(per_block):
            drawn = world.rng.randrange(sums[-1])
            EVENTS[names[next(n for n, up_to in enumerate(sums) if drawn < up_to)]](society)
        _custodians(society, block)
        world.mine(society.pools[block % len(society.pools)])


def _custodians(society: Society, block: int) -> None:
    """Exchanges pay out with every block and sweep on their days; miners sell."""
    for place, exchange in enumerate(society.exchanges):
        if (block + place) % SWEEP_EVERY == 0:
            sweep(society, exchange)
        pay_out(society, exchange)
    if block % SELL_EVERY == 0:
        for pool in society.pools:
            _sell_rewards(society, pool)


def _sell_rewards(society: Society, pool: Wallet) -> None:
    world = society.world
    coins = world.spendable(pool)
    if coins:
        to = world.lock(society.pick(society.exchanges).hot)
        world.gather(pool, coins[:40], to, "sale of mined coins", purpose="sale of mined coins")
