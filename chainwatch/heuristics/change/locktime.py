"""Change is spent by a wallet that sets locktimes, or by one that does not."""

from __future__ import annotations

import narwhals.stable.v2 as nw

from chainwatch.completion import names_of
from chainwatch.heuristics.change.candidates import among_payments, once_spent
from chainwatch.heuristics.rule import rule


@rule(on="outputs", refs=("blocksci2020",), looks_ahead=True)
def locktime() -> nw.Expr:
    """The output is unspent, or spent with a locktime if and only if this transaction has one.

    Some wallets set the locktime to the height of the chain, to keep miners from taking fees of
    blocks that are already found; others never set it.

    Returns
    -------
    true, false or null
        Null where it is not known whether the output is spent.

    Fails when
    ----------
    Payer and payee use wallets of one kind: nothing is ruled out. A wallet was updated, or its keys
    moved to another: change is ruled out.

    References
    ----------
    BlockSci ``locktime`` (Kalodner et al., USENIX Security 2020).
    """
    alike = (nw.col("locktime") > 0) == (nw.col("spender_locktime") > 0)
    return among_payments(once_spent(alike))


def __dir__() -> list[str]:
    """Return what this module is for, for completion."""
    return names_of(__name__)
