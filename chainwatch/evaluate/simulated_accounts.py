"""Account chains whose owners are known because they were simulated."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Literal

import polars as pl

from chainwatch.evaluate.evaluation import World
from chainwatch.evaluate.truth import Truth
from chainwatch.ledger.ledger import Ledger
from chainwatch.ledger.schema import TAGS
from chainwatch.simulate.holders.simulation import SimulatedHolders, simulate_holders

HONEST, HOSTILE = "simulated account owners, honest", "simulated account owners, adversarial"
"""What figures measured here are conditional on."""


def truth_of_accounts(made: SimulatedHolders) -> Truth:
    """Return who owns what: of a deposit address, whose account it is."""
    kind = HOSTILE if made.adversarial else HONEST
    here = pl.lit(made.chain).alias("chain")
    return Truth(
        made.owners.select(here, "address", "owner"),
        f"{kind} ({made.part} part)",
        made.kinds.select(here, "txid", "kind"),
    )


def tagged_ledger(made: SimulatedHolders) -> Ledger:
    """Return a simulated chain as a ledger that keeps tags on the hot wallets that tags name."""
    rows = [
        {
            "chain": made.chain, "address": address, "label": f"{name} hot wallet", "actor": name,
            "concept": concept, "source": "simulated", "confidence": "service_data", "level": 50,
            "pack": "simulated", "definer": False,
        }
        for name, address in made.wallets.items() for concept in ("exchange", "hot_wallet")
    ]  # fmt: skip
    tags = pl.DataFrame(rows, schema=TAGS.schema, orient="row")
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
