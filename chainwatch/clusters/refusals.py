"""Refused links between two sides: direct ones, and claims of transactions that held both."""

from __future__ import annotations

import polars as pl

from chainwatch.clusters.forest import CLAIM, REFUSED
from chainwatch.clusters.numbering import PLACE
from chainwatch.heuristics.links import with_chain_b


def refused_between(
    refused: pl.DataFrame, one: pl.DataFrame, other: pl.DataFrame
) -> pl.DataFrame:  # fmt: skip
    """Return the links that would have joined two sides, had nothing kept them apart.

    They lead from one to the other, or from either to an input of one transaction, all of whose
    links fell together.

    Parameters
    ----------
    refused : polars.DataFrame
        Rows in ``REFUSED``.
    one, other : polars.DataFrame
        ``chain, address`` of the two sides.
    """
    rows = with_chain_b(refused)
    parts = [
        rows.join(left, left_on=["chain", "a"], right_on=PLACE, how="semi").join(
            right, left_on=["chain_b", "b"], right_on=PLACE, how="semi"
        )
        for left, right in ((one, other), (other, one))
    ]
    parts.append(_through_claims(rows, one, other))
    found = pl.concat(parts).unique().sort([*REFUSED.key, "chain_b"])
    return found if (found["chain"] != found["chain_b"]).any() else found.drop("chain_b")


def _through_claims(
    refused: pl.DataFrame, one: pl.DataFrame, other: pl.DataFrame
) -> pl.DataFrame:  # fmt: skip
    """Return the links of claims that fell as a whole and held addresses of two sides."""
    claim = ["chain", "tx"]
    fell = refused.filter((pl.col("reason") == CLAIM).any().over(claim))
    touching = [
        pl.concat([
            fell.join(side, left_on=["chain", end], right_on=["chain", "address"], how="semi")
            for end in ("a", "b")
        ])
        for side in (one, other)
    ]  # fmt: skip
    both = touching[0].join(touching[1], on=claim, how="semi")
    return pl.concat([both, touching[1].join(touching[0], on=claim, how="semi")])
