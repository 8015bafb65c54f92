"""JoinMarket: takers and makers, one equal output each, and their change."""

from __future__ import annotations

import narwhals.stable.v2 as nw

from chainwatch.completion import names_of
from chainwatch.heuristics.coinjoin.parties import most_parties
from chainwatch.heuristics.rule import decide, rule


@rule(on="transactions", refs=("graphsense-heuristics", "coinjoin-analysis", "joinmarket2015"))
def joinmarket_mix(
    min_equal: int = 3, most_rows: int = 100, most_ratio: int = 4, most_share: int = 34
) -> nw.Expr:
    """Each party takes one equal output and at most one change; nothing else is paid.

    A taker pays makers for lending their coins to a mix. So one amount alone is repeated, at
    least half of the outputs have it, every output has an address of its own, and there are as
    many input addresses as equal outputs. Where all inputs were read, as many groups of input
    addresses must also hold the amount. Where they were not, the kinds of the addresses must
    agree: a payer of many pays to kinds of wallets that are not his own.

    Parameters
    ----------
    min_equal : int
        Fewest equal outputs.
    most_rows : int
        Most inputs, and most outputs.
    most_ratio : int
        Most inputs for one output.
    most_share : int
        Percent of the inputs that one address may have.

    Returns
    -------
    true, false or null
        Null where the outputs fit and too little is known of the inputs, or where their amounts
        prove neither.

    Fails when
    ----------
    Two parties mix, or one of them sweeps so that no output is unequal: *no*. Somebody pays three
    the same amount, with coins of as many addresses that hold it and of his payees' kind: *yes*.

    References
    ----------
    GraphSense, ``heuristics_service.py``, and the filters of crocs-muni/coinjoin-analysis. Both
    take inputs' scripts for parties; that each can have paid is asked here besides. No published
    figure of precision is known.
    """
    equal, paid, spent = nw.col("equal_outputs"), nw.col("payments"), nw.col("input_count")
    shape = (
        (nw.col("op_returns") == 0)
        & (equal >= min_equal)
        & (2 * equal >= paid)
        & (paid > equal)
        & (nw.col("repeated_values") == 1)
        & (nw.col("output_addresses") == nw.col("output_count"))
        & (nw.col("output_count") <= most_rows)
        & (spent <= most_rows)
        & (spent <= most_ratio * nw.col("output_count"))
        & ~(100 * nw.col("inputs_of_one") > most_share * spent)
    )
    read = nw.col("inputs_unread") == 0
    paid_in = read & (nw.col("funded_each") >= equal)
    alike = ~read & (nw.col("input_addresses") >= equal) & (nw.col("foreign_outputs") == 0)
    possible = (most_parties() >= equal) & (nw.col("fundable_each") >= equal)
    return decide(shape & possible & (paid_in | alike), shape & possible)


def __dir__() -> list[str]:
    """Return what this module is for, for completion."""
    return names_of(__name__)
