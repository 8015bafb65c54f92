"""Account chains whose owners are known because they were simulated."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Literal

import polars as pl

from chainwatch.evaluate.evaluation import World
from chainwatch.evaluate.simulated import tags_on_wallets
from chainwatch.evaluate.truth import Truth
from chainwatch.ledger.ledger import Ledger
from chainwatch.simulate.holders.simulation import SimulatedHolders, simulate_holders
from chainwatch.simulate.owners.parts import basis_of, kind_of

OWNERS = "account owners"
HONEST = kind_of(OWNERS, adversarial=False)


def truth_of_accounts(made: SimulatedHolders) -> Truth:
    """Return who owns what: of a deposit address, whose account it is."""
    here = pl.lit(made.chain).alias("chain")
    return Truth(
        made.owners.select(here, "address", "owner"),
        basis_of(OWNERS, made),
        made.kinds.select(here, "txid", "kind"),
    )


def tagged_ledger(made: SimulatedHolders) -> Ledger:
    """Return a simulated chain as a ledger that keeps tags on the hot wallets that tags name."""
    tags = tags_on_wallets(made.chain, made.wallets)
    ledger = made.ledger()
    return Ledger.from_tables({**(ledger.frames or {}), "tags": tags})


def simulated_account_worlds(
    seeds: Iterable[int],
    *,
    part: Literal["fit", "test"],
    adversarial: bool = False,
    network: Literal["eth", "tron"] = "eth",
    days: int = 60,
    people: int = 60,
) -> Iterator[World]:
    """Yield a world for each seed, with the tags on its services in its ledger.

    Parameters
    ----------
    seeds, part : iterable of int, str
        Seeds of the part: ``fit`` to measure rates by, ``test`` to judge them on.
    adversarial, network, days, people
        As :func:`chainwatch.simulate.holders.simulation.simulate_holders` takes them.

    Raises
    ------
    ArgumentError
        If a seed is not of the part.
    """
    for seed in seeds:
        made = simulate_holders(
            seed, part=part, adversarial=adversarial, network=network, days=days, people=people
        )
        name = f"{part} {network} seed {seed}"
        yield World(name, tagged_ledger(made), truth_of_accounts(made))
