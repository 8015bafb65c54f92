"""Wasabi 2 (WabiSabi): many outputs of standard amounts, sorted, several for a party."""

from __future__ import annotations

import narwhals.stable.v2 as nw

from chainwatch.completion import names_of
from chainwatch.errors import RuleError
from chainwatch.heuristics.rule import decide, rule
from chainwatch.ledger.joint.shape import FEW


@rule(on="transactions", refs=("coinjoin-analysis", "graphsense-heuristics"))
def wasabi2_mix(
    min_inputs: int = 50,
    min_standard: int = 80,
    min_repeated: int = 0,
    least: int = 0,
    min_outputs: int = 5,
) -> nw.Expr:
    """Most outputs are of standard amounts, and inputs and outputs are sorted, the largest first.

    Parties take several outputs, of powers of two or three and a few more amounts. It began at
    height 741,213. The first coordinator closed in June 2024; for those after it GraphSense asks
    for 20 inputs, three repeated amounts and 5,000 satoshi: ``wasabi2_mix(20, 80, 3, 5_000)``.

    Parameters
    ----------
    min_inputs : int
        Fewest inputs, at least 5: the order of fewer means nothing.
    min_standard : int
        More than so many percent of the outputs are of standard amounts.
    min_repeated : int
        Fewest amounts that several outputs have.
    least : int
        Smallest output, in satoshi.
    min_outputs : int
        Fewest outputs, at least 5.

    Returns
    -------
    true, false or null
        Null where the outputs fit and the order or the kind of inputs was not read.

    Raises
    ------
    RuleError
        If a least number of inputs or outputs is below 5.

    Fails when
    ----------
    Few take part, or they are not sorted: *no*. Somebody imitates it alone: *yes*.

    References
    ----------
    crocs-muni/coinjoin-analysis (Svenda et al., PETS 2026); GraphSense, ``heuristics_service.py``.
    The amounts are in :mod:`chainwatch.ledger.joint.protocols`. No precision is published.
    """
    _check(min_inputs, min_outputs)
    spent, paid = nw.col("input_count"), nw.col("output_count")
    shape = (
        (spent >= min_inputs)
        & (paid >= min_outputs)
        & (100 * nw.col("outputs_standard") > min_standard * paid)
        & (nw.col("output_rises") == 0)
        & (nw.col("outputs_p2wpkh") + nw.col("outputs_p2tr") == paid)
        & (nw.col("repeated_values") >= min_repeated)
        & (nw.col("output_min") >= least)
    )
    own = nw.col("inputs_p2wpkh") + nw.col("inputs_p2tr")
    fits = shape & (nw.col("input_rises") == 0)
    return decide(fits & (own == spent), fits & (own == nw.col("inputs_named")))


def _check(*least: int) -> None:
    if min(least) < FEW:
        raise RuleError(
            f"the order of {min(least)} amounts means nothing", remedy=f"give {FEW} or more"
        )


def __dir__() -> list[str]:
    """Return what this module is for, for completion."""
    return names_of(__name__)
