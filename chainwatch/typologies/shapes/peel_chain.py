"""Peel chain: one large coin is spent again and again, and a small part leaves it each time."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import polars as pl

from chainwatch.clusters.peeling import chains as chains_file
from chainwatch.clusters.peeling.chains import Shape, peel_chains
from chainwatch.typologies.flows import Flows
from chainwatch.typologies.lists import NOBODY
from chainwatch.typologies.shapes.left_out import SERVICES
from chainwatch.typologies.typology import Answer, Claim, Lacking, NotJudged, typology


@typology(
    fatf="patterns",
    benign="A wallet or an exchange pays its customers one by one out of one large coin.",
    needs=("coin chain",),
    refs=("meiklejohn2013", "fatf2020"),
    rests_on=(chains_file,),
)
def peel_chain(flows: Flows, hops: int = 5, percent: int = 20, days: int = 7) -> Iterator[Answer]:
    """One coin is spent hop by hop, each time a small part is paid and the rest goes on.

    The chains are those of ``cw.peel_chains``; the evidence are the small parts. Those of a
    service are left out, and counted.

    Parameters
    ----------
    hops : int
        Transactions of a chain, at least.
    percent : int
        The small part is at most so many percent of what a transaction pays.
    days : int
        Between two transactions lie at most so many days.

    Fails when
    ----------
    The larger output is the payment, so that the chain leads to a stranger. Any wallet that pays
    from one large coin has this shape.

    References
    ----------
    Meiklejohn et al., IMC 2013, for the shape. The numbers are of practice.
    """
    if flows.ledger is None:
        yield Lacking("the ledger that the payments are from")
        return
    found = peel_chains(flows.ledger.chain_only(flows.asset.chain), tags=flows.tags,
                        shape=Shape(hops, percent, days))  # fmt: skip
    rows = _rows(flows, found.peels)
    ends = {start: told for start, *told in found.frame.select("start_tx", "hops", "end").rows()}
    services = 0
    for start, some in rows.group_by("start_tx", maintain_order=True):
        peels = some["row"].to_numpy().astype(np.int64)
        payer = int(flows.payer[peels[0]])
        if payer == NOBODY:
            continue
        if flows.services[payer]:
            services += 1
            continue
        hops_, end = ends[start[0]]
        yield Claim(
            payer,
            f"{hops_} small parts left one coin, a transaction each; {end}",
            {"peel": peels},
        )
    if services:
        yield NotJudged(SERVICES, services)


def _rows(flows: Flows, peels: pl.DataFrame) -> pl.DataFrame:
    """Return the payments that small parts are: ``start_tx, row``, in order."""
    wanted = np.flatnonzero(np.isin(flows.tx, peels["tx"].unique().to_numpy()))
    here = pl.DataFrame({"tx": flows.tx[wanted], "n": flows.place[wanted], "row": wanted})
    return peels.select("start_tx", "hop", "tx", "n").join(here, on=["tx", "n"]).sort(
        "start_tx", "hop"
    )  # fmt: skip
