"""Wallets of several keys, on coins and as Safes, whose holders are known: they were simulated."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

import polars as pl

from chainwatch.chains.catalogue import chain
from chainwatch.clusters.cluster import Clusters, cluster
from chainwatch.evaluate.evaluation import World
from chainwatch.evaluate.simulated import REGTEST
from chainwatch.evaluate.truth import Truth
from chainwatch.heuristics.accounts.account_links import account_links
from chainwatch.heuristics.accounts.safe import safe_key_change, safe_owner
from chainwatch.heuristics.keys.key_set_change import key_set_changes, terms
from chainwatch.heuristics.link_rules import KEY_SET_CHANGE
from chainwatch.heuristics.links import Links
from chainwatch.ingest.pull import pull
from chainwatch.ledger.ledger import Ledger, open_ledger
from chainwatch.simulate.signers.simulation import (
    SimulatedSigners,
    simulate_safes,
    simulate_signers,
)
from chainwatch.sources.block_files import BlockFiles

HONEST, HOSTILE = "simulated signers, honest", "simulated signers, adversarial"
SAFES, ROBBED_SAFES = "simulated Safes, honest", "simulated Safes, adversarial"
"""What figures measured here are conditional on."""

SAFE_RULES = (safe_key_change(), safe_owner())
"""Rules on the owners of Safes."""


def truth_of_signers(made: SimulatedSigners) -> Truth:
    """Return who holds what; what several hold together is an owner by itself."""
    here = pl.lit(chain(REGTEST).id).alias("chain")
    basis = f"{HOSTILE if made.adversarial else HONEST} ({made.part} part)"
    owners = made.addresses.select(here, "address", "owner").drop_nulls("owner")
    return Truth(owners, basis, made.transactions.select(here, "txid", "kind"))


def simulated_signer_worlds(
    seeds: Iterable[int],
    *,
    part: Literal["fit", "test"],
    adversarial: bool = False,
    blocks: int = 60,
    per_block: int = 20,
) -> Iterator[World]:
    """Yield a world for each seed; its ledger is gone when the next one is asked for.

    Parameters
    ----------
    seeds, part : iterable of int, str
        Seeds of the part: ``fit`` to measure rates by, ``test`` to judge them on.
    adversarial, blocks, per_block
        As :func:`chainwatch.simulate.signers.simulation.simulate_signers` takes them.

    Raises
    ------
    ArgumentError
        If a seed is not of the part.
    """
    for seed in seeds:
        made = simulate_signers(
            seed, part=part, adversarial=adversarial, blocks=blocks, per_block=per_block
        )
        with TemporaryDirectory(prefix="chainwatch-signers-") as folder:
            place = made.write(Path(folder) / "chain")
            pull(place / "ledger", BlockFiles(place / "blocks.dat", REGTEST))
            ledger = open_ledger(place / "ledger")
            yield World(f"{part} seed {seed}", ledger, truth_of_signers(made))


def simulated_safe_worlds(
    seeds: Iterable[int],
    *,
    part: Literal["fit", "test"],
    adversarial: bool = False,
    events: int = 500,
) -> Iterator[World]:
    """Yield a chain of accounts with Safes for each seed.

    Parameters
    ----------
    seeds, part : iterable of int, str
        As for :func:`simulated_signer_worlds`.
    adversarial, events
        As :func:`chainwatch.simulate.signers.simulation.simulate_safes` takes them.

    Raises
    ------
    ArgumentError
        If a seed is not of the part.
    """
    for seed in seeds:
        made = simulate_safes(seed, part=part, adversarial=adversarial, events=events)
        here = pl.lit(made.chain).alias("chain")
        truth = Truth(
            made.owners.select(here, "address", "owner"),
            f"{ROBBED_SAFES if adversarial else SAFES} ({part} part)",
            made.kinds.select(here, "txid", "kind"),
        )
        yield World(f"{part} Safes, seed {seed}", made.ledger(), truth)


def key_worlds(seeds: Sequence[int], part: Literal["fit", "test"]) -> Iterator[World]:
    """Yield chains whose keys change: of coins, honest then adversarial, and then with Safes."""
    for hostile in (False, True):
        yield from simulated_signer_worlds(seeds, part=part, adversarial=hostile)
    for hostile in (False, True):
        yield from simulated_safe_worlds(seeds, part=part, adversarial=hostile)


def links_by_keys(ledger: Ledger) -> Links:
    """Return the links of every rule on keys that change, on coins and on accounts."""
    return key_set_changes(ledger) + account_links(ledger, rules=SAFE_RULES)


def every_key_rule(ledger: Ledger) -> Clusters:
    """Return what these rules would join together: nobody's recipe, made for the links alone."""
    return cluster(links_by_keys(ledger))


def key_terms() -> dict[str, str]:
    """Return on what terms the links of each of these rules are made, as their rates say it."""
    return {KEY_SET_CHANGE: terms()} | {rule.name: rule.made() for rule in SAFE_RULES}
