"""Worlds whose owners are known because they were simulated, read as any chain is."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

import polars as pl

from chainwatch.chains.catalogue import chain
from chainwatch.evaluate.evaluation import World
from chainwatch.evaluate.truth import Truth
from chainwatch.ingest.pull import pull
from chainwatch.ledger.ledger import open_ledger
from chainwatch.ledger.schema import TAGS
from chainwatch.simulate.owners.parts import basis_of
from chainwatch.simulate.owners.simulation import SimulatedOwners, simulate_owners
from chainwatch.sources.block_files import BlockFiles

REGTEST = "btc-regtest"


def truth_of(made: SimulatedOwners) -> Truth:
    """Return who owns what in a simulated chain; what anybody may spend is nobody's."""
    owned = made.addresses.filter(pl.col("owner").is_not_null())
    here = pl.lit(chain(REGTEST).id).alias("chain")
    named = owned.select(here, "address", "owner")
    said = pl.concat_str("kind", "protocol", separator=": ", ignore_nulls=True)
    kinds = made.transactions.select(here, "txid", said.alias("kind"))
    return Truth(named, basis_of("owners", made), kinds)


def tags_on_wallets(chain: str, wallets: Mapping[str, bytes]) -> pl.DataFrame:
    """Return tags on the hot wallets that tags name in a simulated chain, in the ledger's columns.

    Parameters
    ----------
    chain : str
        CAIP-2 id.
    wallets : mapping of str to bytes
        The wallet of each service, by its name.
    """
    rows = [
        {
            "chain": chain, "address": address, "label": f"{name} hot wallet", "actor": name,
            "concept": concept, "source": "simulated", "confidence": "service_data", "level": 50,
            "pack": "simulated", "definer": False,
        }
        for name, address in wallets.items() for concept in ("exchange", "hot_wallet")
    ]  # fmt: skip
    return pl.DataFrame(rows, schema=TAGS.schema, orient="row")


def simulated_worlds(
    seeds: Iterable[int],
    *,
    part: Literal["fit", "test"],
    adversarial: bool = False,
    blocks: int = 300,
    per_block: int = 40,
) -> Iterator[World]:
    """Yield a world for each seed; its ledger is gone when the next one is asked for.

    The chain is written as block files and read by the ordinary source, so that what no reader
    sees no rule sees.

    Parameters
    ----------
    seeds : iterable of int
        Seeds of the part.
    part : str
        ``fit`` to measure rates by, ``test`` to judge them on; see
        :func:`chainwatch.simulate.owners.simulation.simulate_owners`.
    adversarial : bool
        Whether many try to mislead.
    blocks, per_block : int
        How long the chain is, and how much happens in a block.

    Raises
    ------
    ArgumentError
        If a seed is not of the part.
    """
    for seed in seeds:
        made = simulate_owners(
            seed, part=part, adversarial=adversarial, blocks=blocks, per_block=per_block
        )
        with TemporaryDirectory(prefix="chainwatch-owners-") as folder:
            place = made.write(Path(folder) / "chain")
            pull(place / "ledger", BlockFiles(place / "blocks.dat", REGTEST))
            yield World(f"{part} seed {seed}", open_ledger(place / "ledger"), truth_of(made))
