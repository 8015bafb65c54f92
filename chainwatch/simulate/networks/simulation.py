"""``simulate_vendor_links``: two hundred vendors, and who of them pays a network."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from typing import Literal

import numpy as np
import polars as pl

from chainwatch.simulate.networks import population, vendors
from chainwatch.simulate.networks.ground import Ground, Numbers
from chainwatch.simulate.networks.population import UNTAGGED, UNTAGGED_PROCESSOR
from chainwatch.simulate.owners.parts import part_of

CHAIN = "eip155:31337"
"""The chain that development nodes run."""

NETWORK, SECOND = "network", 1_000_000


@dataclass(frozen=True, eq=False)
class SimulatedLinks:
    """Payments of half a year, with the vendors, the network, tags and the truth.

    Nobody's balance is kept: people pay what they like. Amounts, times and who pays whom are all
    that there is.

    Attributes
    ----------
    part, seed : str, int
        What it was made of.
    roles : tuple of str
        What each party is, by its number.
    payer, payee, amount, time : array of int64
        Payments in order of time; parties by number, base units, microseconds since 1970.
    vendors, network : array of int64
        Numbers of the vendors, and of the collectors of the network, which tags name.
    services : mapping of int to str
        The services that tags name, by number, with their concept.
    truth : polars.DataFrame
        ``vendor, kind, linked, hops, percent`` of each vendor; the last two of a linked one.
    """

    part: str
    seed: int
    roles: tuple[str, ...]
    payer: Numbers
    payee: Numbers
    amount: Numbers
    time: Numbers
    vendors: Numbers
    network: Numbers
    services: dict[int, str]
    truth: pl.DataFrame
    adversarial: bool

    @property
    def parties(self) -> pl.Series:
        """The ids of all parties, by number: 20 bytes, which sort as the numbers do."""
        return pl.Series("party", [party_id(n) for n in range(len(self.roles))], pl.Binary)

    @property
    def frame(self) -> pl.DataFrame:
        """The payments as rows: ``payer, payee, amount, time, rank, txid``."""
        ids = self.parties
        return pl.DataFrame({
            "payer": ids.gather(self.payer), "payee": ids.gather(self.payee),
            "amount": self.amount, "time": pl.Series(self.time).cast(pl.Datetime("us", "UTC")),
            "rank": np.arange(len(self.time)),
        })  # fmt: skip


def party_id(number: int) -> bytes:
    """Return the id of a party: its number, then what makes it look like an address."""
    return number.to_bytes(4, "big") + sha256(number.to_bytes(4, "big")).digest()[:16]


def simulate_vendor_links(
    seed: int, *, part: Literal["fit", "test"], adversarial: bool = False
) -> SimulatedLinks:
    """Simulate half a year of payments of some forty thousand people, and two hundred vendors.

    Twenty vendors pay a network of collectors straight or by one or two go-betweens, in parts and
    with delays. The others share an exchange with it, or a payment processor, which tags name or do
    not; claim the same airdrop; buy from its supporters and sell to them; buy from a linked vendor;
    or have nothing in common with it.

    Parameters
    ----------
    seed : int
        One of its part.
    part : str
        ``fit`` to choose numbers by, ``test`` to judge on.
    adversarial : bool
        Whether eight vendors share a payment agent that no tag names and nobody else uses, so that
        nothing on the chain tells it from a go-between.

    Raises
    ------
    ArgumentError
        If the seed is none of the part.
    """
    begin = part_of(part, seed).start * SECOND
    ground = Ground(np.random.default_rng([seed, 63]))
    there = population.places(ground)
    sellers = ground.add(sum(count for _, count in vendors.KINDS[adversarial]), "vendor")
    of = vendors.kinds(sellers, adversarial=adversarial)
    scale = population.live(ground, there)
    population.trade(ground, there)
    population.drop(ground, there, of[vendors.AIRDROP])
    population.network(ground, there, scale)
    one = vendors.life(ground, there, sellers)
    vendors.traps(ground, there, one, of)
    if adversarial:
        vendors.agent(ground, there, one, of[vendors.AGENT])
    made = vendors.links(ground, there, one, of[vendors.LINKED])
    payer, payee, amount, time = ground.columns()
    tagged = np.delete(there.exchanges, UNTAGGED), np.delete(there.processors, UNTAGGED_PROCESSOR)
    services = {
        int(n): concept
        for concept, many in (
            ("exchange", tagged[0]), ("payment_processor", tagged[1]), ("dark_market", there.market)
        )
        for n in many
    }  # fmt: skip
    return SimulatedLinks(
        part, seed, tuple(ground.roles), payer, payee, amount, time + begin, sellers,
        there.collectors, services, _truth(of, made), adversarial,
    )  # fmt: skip


def _truth(of: dict[str, Numbers], made: vendors.Links) -> pl.DataFrame:
    every = pl.concat(
        pl.DataFrame({"vendor": some, "kind": pl.Series([kind] * len(some))})
        for kind, some in of.items()
    )
    how = pl.DataFrame({"vendor": made.vendor, "hops": made.hops, "percent": made.percent})
    linked = (pl.col("kind") == vendors.LINKED).alias("linked")
    return every.with_columns(linked).join(how, on="vendor", how="left", maintain_order="left")
