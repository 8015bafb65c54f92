"""The one output that is new and smaller than every input."""

from __future__ import annotations

import narwhals.stable.v2 as nw

from chainwatch.completion import names_of
from chainwatch.heuristics.change.candidates import (
    all_of,
    among_payments,
    only_one,
    smaller_than_inputs,
)
from chainwatch.heuristics.rule import rule


@rule(on="outputs", refs=("blocksci2020",))
def legacy() -> nw.Expr:
    """The output alone goes to a new address and is smaller than every input, beside others.

    BlockSci asks as well that the transaction is no CoinJoin: here that is what ``unless=`` of
    :func:`chainwatch.heuristics.change.links.change_links` is for, since it can answer *unknown*.

    Returns
    -------
    true, false or null
        Null where an unread input, or an address of unknown past, decides for this or another
        output.

    Fails when
    ----------
    As :func:`~chainwatch.heuristics.change.fresh_address.fresh_address` and
    :func:`~chainwatch.heuristics.change.optimal_change.optimal_change`: a new payee beside change
    that is larger than an input is taken for the change.

    References
    ----------
    BlockSci ``legacy`` (Kalodner et al., USENIX Security 2020).
    """
    own = all_of(nw.col("fresh"), smaller_than_inputs(), nw.col("payments") > 1)
    return among_payments(all_of(own, only_one("small_fresh_outputs", "small_fresh_unknown")))


def __dir__() -> list[str]:
    """Return what this module is for, for completion."""
    return names_of(__name__)
