"""Stonewall: a payment in the shape of a small mix, by one owner or by two."""

from __future__ import annotations

import narwhals.stable.v2 as nw

from chainwatch.completion import names_of
from chainwatch.heuristics.coinjoin.parties import most_parties
from chainwatch.heuristics.rule import decide, rule


@rule(on="transactions", refs=("graphsense-heuristics",))
def stonewall_shape(dust: int = 5_000) -> nw.Expr:
    """Three or four outputs, of which just two are alike: Samourai's Stonewall, or a split.

    One owner writes a payment so that it looks like a mix of two; with Stonewallx2 it is one of
    two. The shape is the same by design, so it is never *yes*.

    Parameters
    ----------
    dust : int
        Satoshi. Equal outputs up to this value do not count.

    Returns
    -------
    false or null
        Null where the shape fits and two or more addresses can have spent.

    Fails when
    ----------
    Two people are paid the same amount at once: their payer's links are lost.

    References
    ----------
    GraphSense, ``heuristics_service.py``, which uses it to exclude mixes.
    """
    paid = nw.col("payments")
    shape = (
        (paid >= 3)
        & (paid <= 4)
        & (nw.col("equal_outputs") == 2)
        & (nw.col("repeated_values") == 1)
        & (nw.col("equal_value") > dust)
        & (nw.col("output_addresses") == paid)
    )
    return decide(nw.lit(False), shape & (most_parties() >= 2))


def __dir__() -> list[str]:
    """Return what this module is for, for completion."""
    return names_of(__name__)
