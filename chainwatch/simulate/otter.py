"""The case Otter: a small crypto market whose every owner is known, as blocks, truth and tags.

The story
---------
Everything here is made up: the chain is regtest, the keys belong to nobody, the names are roles.

From June to September 2023 the market *Otter* sells through escrow. Buyers fund themselves at two
exchanges, *Northbank* and *Harbour*, and pay each order to an address of its own; the market pools
these, keeps five per cent, and pays its two vendors and the refunds in batches. Vendor *Kelp*
brings the payouts together and peels them off, hop by hop, to deposit addresses at both exchanges
and to the donation campaign *Lantern*; once Kelp mixes with nine strangers and sends most of the
mixed coin to the campaign as well. Vendor *Reed* sells at the same market and saves at the same
Northbank, and never paid the campaign. *Lantern* publishes one address, shows later donors a fresh
one each, pools twice, cashes a part out at Harbour and keeps the rest; what came after the second
pooling lies unspent at addresses that nothing on the chain joins to it.

Around them live people who do nothing wrong, some in ways that mislead: a shop paid at its
exchange's address, a key that is sold, a PayJoin, a custodian, a dust attack, an honest split that
looks like a CoinJoin (:mod:`chainwatch.simulate.traps`).

The totals of the story are computed from the truth: ``otter().summary()``, ``otter().story()``.
They say how a method does on this case, under the assumptions of this simulator, and no more.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

import polars as pl

from chainwatch.simulate import crimes as crime
from chainwatch.simulate import economy as honest
from chainwatch.simulate import published, tables, traps, vendors
from chainwatch.simulate.production import production
from chainwatch.simulate.world import World

SEED = 15
BUYERS, DONORS, WORKERS = 80, 22, 16


@dataclass(frozen=True)
class Otter:
    """The simulated case.

    Attributes
    ----------
    seed : int
        What it was made from; the same seed gives the same bytes everywhere.
    blocks : bytes
        All blocks from genesis on, framed as in a node's block file.
    truth : polars.DataFrame
        One row per address and owner (two for the key that is sold): ``address`` (canonical
        bytes), ``text``, ``owner``, ``wallet``, ``role``, ``customer`` (for whom a custodian holds
        it), ``from_height``, ``to_height`` (null: always), ``note``.
    payments : polars.DataFrame
        One row per payment between owners: ``txid`` (wire order), ``n`` (its output; null where no
        single output is the payment), ``height``, ``time``, ``from_owner``, ``to_owner`` (null:
        burnt), ``amount`` (satoshi), ``purpose``, ``beneficiary`` (a custodian's customer).
    coins : polars.DataFrame
        One row per output: ``txid``, ``n``, ``height``, ``time``, ``value``, ``address``,
        ``script_kind``, ``owner``, ``wallet``, ``purpose`` (``change`` for change), ``spent_by``
        (txid, null: unspent).
    tags : dict of str to str
        TagPack YAML by file name: the few tags that an investigator would start with.
    """

    seed: int
    blocks: bytes = field(repr=False)
    truth: pl.DataFrame = field(repr=False)
    payments: pl.DataFrame = field(repr=False)
    coins: pl.DataFrame = field(repr=False)
    tags: dict[str, str] = field(repr=False)

    def summary(self) -> dict[str, Any]:
        """Return the ground-truth totals of the story in satoshi, computed from the tables."""
        return tables.summary(self.truth, self.payments, self.coins)

    def story(self) -> str:
        """Return the totals as sentences."""
        return tables.story(self.summary())

    def write(self, folder: str | Path) -> Path:
        """Write ``blocks.dat``, ``truth.csv``, ``payments.csv``, ``coins.csv`` and ``tags/``.

        Beside them ``statement.csv`` and its mapping: what an exchange produced of one customer.

        Raises
        ------
        OutputExists
            If the folder exists and is not empty.
        """
        data = {"blocks.dat": self.blocks}
        for name in ("truth", "payments", "coins"):
            data[f"{name}.csv"] = tables.csv(getattr(self, name))
        packs = {f"tags/{name}": text.encode() for name, text in self.tags.items()}
        stated = production(self.payments, self.coins, "Harbour", crime.KELP)
        return tables.write_files(folder, data | packs | stated)


def otter(seed: int = SEED) -> Otter:
    """Simulate the case; the same seed gives the same bytes on every platform and Python.

    Raises
    ------
    ConservationError
        If a seed leads to a wallet that cannot pay what its role asks for.
    """
    world = World(seed, Random(seed))  # noqa: S311 - a simulation, not a secret
    economy = honest.build(world, BUYERS, DONORS, WORKERS)
    crimes = crime.build(economy)
    vendors.schedule(crimes)
    traps.schedule(crimes)
    world.run(economy.pool)
    return Otter(
        seed=seed,
        blocks=b"".join(world.chain),
        truth=tables.truth(world),
        payments=tables.payments(world),
        coins=tables.coins(world),
        tags=published.packs(crimes),
    )
