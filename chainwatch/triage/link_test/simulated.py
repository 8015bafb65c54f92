"""Simulated vendors as flows: what the link test reads, without a ledger between."""

from __future__ import annotations

import numpy as np
import polars as pl

from chainwatch.addresses.assets import native
from chainwatch.simulate.networks.simulation import SimulatedLinks
from chainwatch.typologies.flows import Flows, Name
from chainwatch.typologies.lists import NOBODY
from chainwatch.typologies.made_flows import everything_read


def flows_of_simulated(made: SimulatedLinks) -> Flows:
    """Return simulated payments as flows, as :func:`make_flows` makes them of their frame.

    Parties have their numbers already, and payments their order: nothing is looked up or sorted.
    """
    count, rows = len(made.roles), len(made.time)
    concepts = sorted(set(made.services.values()))
    names = tuple(Name(None, concept) for concept in concepts)
    of = np.full(count, NOBODY, np.int32)
    for number, concept in made.services.items():
        of[number] = concepts.index(concept)
    payer, payee = made.payer.astype(np.int32), made.payee.astype(np.int32)
    nothing, nobody = np.full(rows, -1, np.int64), np.zeros(count, np.int64)
    place = np.arange(rows, dtype=np.int64)
    ids = pl.Series("txid", [None], pl.Binary)
    return Flows(
        native("eth-dev"), made.parties, payer, payee, made.amount, made.time, made.time, place,
        nothing, nothing, place, np.ones(rows, np.bool_), of[payer], of[payee], names,
        lambda some: ids.gather(np.zeros(len(some), np.int64)), everything_read, nobody,
        np.zeros(count, np.bool_),
    )  # fmt: skip
