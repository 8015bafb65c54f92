"""CashFusion: coins of many owners cut into many amounts, marked by their wallet."""

from __future__ import annotations

import narwhals.stable.v2 as nw

from chainwatch.completion import names_of
from chainwatch.heuristics.coinjoin.parties import most_parties
from chainwatch.heuristics.rule import decide, rule


@rule(on="transactions", refs=("cashfusion",))
def cash_fusion(least: int = 10_000) -> nw.Expr:
    """A transaction that carries the mark of a fusion of coins, on a chain whose wallets fuse.

    Parties bring many coins and take many, of amounts that are all different, so that no rule of
    equal outputs sees it. Which chains have it, and the mark, are facts of the chain.

    Parameters
    ----------
    least : int
        Smallest output, in base units.

    Returns
    -------
    true, false or null
        Null where the mark is there and it is not known whether several addresses spend.

    Fails when
    ----------
    Somebody writes the mark into a payment of his own: *yes*, and his links are lost.

    References
    ----------
    Electron Cash, ``fusion.py``: version 1, the mark ``FUZ`` and the number of the session in the
    first output, no output below 10,000.
    """
    marked = nw.col("fusion") & (nw.col("version") == 1) & (nw.col("output_min") >= least)
    return decide(marked & (nw.col("input_addresses") >= 2), marked & (most_parties() >= 2))


def __dir__() -> list[str]:
    """Return what this module is for, for completion."""
    return names_of(__name__)
