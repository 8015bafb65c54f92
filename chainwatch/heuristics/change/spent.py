"""Outputs that were spent, for what waits to be."""

from __future__ import annotations

import narwhals.stable.v2 as nw

from chainwatch.completion import names_of
from chainwatch.heuristics.change.candidates import among_payments
from chainwatch.heuristics.rule import rule


@rule(on="outputs", refs=("blocksci2020",), looks_ahead=True)
def spent() -> nw.Expr:
    """The output is spent.

    Rules on the transaction that spends an output cannot rule out an unspent one. Joined to them
    with ``&``, this one does.

    Returns
    -------
    true, false or null
        Null where it is not known; false is as of what was read.

    Fails when
    ----------
    Change lies unspent: it is ruled out, and what is left may be the payment.

    References
    ----------
    BlockSci ``spent`` (Kalodner et al., USENIX Security 2020).
    """
    return among_payments(nw.col("spent"))


def __dir__() -> list[str]:
    """Return what this module is for, for completion."""
    return names_of(__name__)
