"""``simulate_signers``, ``simulate_safes``: chains of coins and accounts whose keys change.

What is made
------------
People, firms and their neighbours (:mod:`~chainwatch.simulate.signers.coins`) live on a chain of
regtest; who holds which script is written down as it happens. What several hold together is an
owner by itself, named after them. The chain is block files like any node's, and is read the
ordinary way. On a chain of accounts (:mod:`~chainwatch.simulate.signers.safes`) they have Safes,
and the tables of a ledger are written straight away.

What it cannot say
------------------
How many wallets behave so: every share is an assumption. Keys are hashes and no signature verifies.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Literal

import polars as pl

from chainwatch.errors import ArgumentError, expect
from chainwatch.ledger.ledger import Ledger
from chainwatch.simulate.owners import truth
from chainwatch.simulate.owners.parts import part_of
from chainwatch.simulate.owners.world import World
from chainwatch.simulate.signers.coins import Life, live
from chainwatch.simulate.signers.safes import SafeChain, SafeLife, all_read
from chainwatch.simulate.signers.safes import live as live_with_safes
from chainwatch.simulate.tables import csv, write_files

MOST = 500
"""Blocks, and things that happen in one, at most."""


@dataclass(frozen=True)
class SimulatedSigners:
    """A simulated chain of wallets of several keys, with who holds what.

    Attributes
    ----------
    seed, part, adversarial
        What it was made from.
    blocks : bytes
        All blocks from genesis on, framed as in a node's block file.
    addresses, transactions : polars.DataFrame
        As :class:`chainwatch.simulate.owners.simulation.SimulatedOwners` has them.
    """

    seed: int
    part: str
    adversarial: bool
    blocks: bytes = field(repr=False)
    addresses: pl.DataFrame = field(repr=False)
    transactions: pl.DataFrame = field(repr=False)

    def write(self, folder: str | Path) -> Path:
        """Write ``blocks.dat``, to be read as block files, and each table as CSV.

        Raises
        ------
        OutputExists
            If the folder exists and is not empty.
        """
        flat = self.addresses.with_columns(pl.col("holders").list.join(" & "))
        data = {"blocks.dat": self.blocks, "addresses.csv": csv(flat),
                "transactions.csv": csv(self.transactions)}  # fmt: skip
        return write_files(folder, data)


def simulate_signers(
    seed: int,
    *,
    part: Literal["fit", "test"],
    adversarial: bool = False,
    blocks: int = 60,
    per_block: int = 20,
) -> SimulatedSigners:
    """Simulate wallets of several keys: a chain, and who holds each of its addresses.

    Parameters
    ----------
    seed : int
        Of the part: 0 to 999 to fit by, 1000 to 1999 to test on.
    part : str
        ``fit`` or ``test``.
    adversarial : bool
        Wallets are sold key by key, and shops give addresses of their customers' keys.
    blocks, per_block : int
        Blocks in which something happens, and how much happens in each.

    Raises
    ------
    ArgumentError
        If the seed is of another part, or a number is out of range.

    Examples
    --------
    >>> made = simulate_signers(3, part="fit", blocks=2, per_block=5)
    >>> made.addresses["owner"].null_count()
    0
    """
    place = part_of(part, seed)
    for name, value in (("blocks", blocks), ("per_block", per_block)):
        expect(value, int, name, "pass a whole number")
        if not 1 <= value <= MOST:
            raise ArgumentError(f"{name} is out of range", remedy=f"pass 1 to {MOST}")
    label = f"signers/{place.name}/{seed}/{'hostile' if adversarial else 'honest'}"
    world = World(label, Random(label), place.start)  # noqa: S311 - a simulation, not a secret
    live(Life(world, adversarial), blocks, per_block)
    return SimulatedSigners(
        seed, place.name, adversarial, b"".join(world.chain), truth.addresses(world),
        truth.transactions(world),
    )  # fmt: skip


@dataclass(frozen=True)
class SimulatedSafes:
    """A simulated chain of accounts with Safes, and who holds what.

    Attributes
    ----------
    seed, part, adversarial, chain
        What it was made from, and its CAIP-2 id.
    tables : dict of str to polars.DataFrame
        Tables of a ledger, in which all was read.
    owners : polars.DataFrame
        ``address, owner``; of a Safe that changed hands all who ever had it.
    kinds : polars.DataFrame
        ``txid, kind``: what each transaction is.
    """

    seed: int
    part: str
    adversarial: bool
    chain: str
    tables: dict[str, pl.DataFrame] = field(repr=False)
    owners: pl.DataFrame = field(repr=False)
    kinds: pl.DataFrame = field(repr=False)

    def ledger(self) -> Ledger:
        """Return it as a ledger in which every block and history was read."""
        return Ledger.from_tables(self.tables)


def simulate_safes(
    seed: int, *, part: Literal["fit", "test"], adversarial: bool = False, events: int = 500
) -> SimulatedSafes:
    """Simulate Safes: a chain of accounts, and who holds each address.

    Parameters
    ----------
    seed : int
        Of the part: 0 to 999 to fit by, 1000 to 1999 to test on.
    part : str
        ``fit`` or ``test``.
    adversarial : bool
        Safes are robbed, and strangers are named as owners.
    events : int
        How much happens.

    Raises
    ------
    ArgumentError
        If the seed is of another part, or the number is out of range.
    """
    place = part_of(part, seed)
    expect(events, int, "events", "pass a whole number")
    if not 1 <= events <= 10 * MOST:
        raise ArgumentError("events is out of range", remedy=f"pass 1 to {10 * MOST}")
    label = f"safes {place.name} {seed} {'hostile' if adversarial else 'honest'}"
    chain = SafeChain(label, Random(label), place.start)  # noqa: S311 - a simulation, not a secret
    life = SafeLife(chain, adversarial)
    live_with_safes(life, events)
    owners = {address: [one.holder] for address, one in chain.truth.items()} | life.used
    rows = [(address, owner) for address, each in owners.items() for owner in dict.fromkeys(each)]
    return SimulatedSafes(
        seed, place.name, adversarial, chain.id, all_read(chain),
        pl.DataFrame(rows, schema={"address": pl.Binary, "owner": pl.String}, orient="row"),
        pl.DataFrame({"txid": list(chain.told), "kind": list(chain.told.values())}),
    )  # fmt: skip
