"""PayJoin: a payment to which the payee adds a coin, so that it looks like any other."""

from __future__ import annotations

import narwhals.stable.v2 as nw

from chainwatch.completion import names_of
from chainwatch.heuristics.coinjoin.parties import most_parties
from chainwatch.heuristics.rule import decide, rule


@rule(on="transactions", refs=("bip78", "payjoin2021"))
def payjoin_suspicion() -> nw.Expr:
    """Two outputs, and an input that neither of them needed: a payee may have added it.

    A wallet takes no more coins than it needs, so where the largest output and the fee could be
    paid without the smallest input, somebody else may have brought that (*unnecessary input
    heuristic 2*). Wallets that tidy up their coins do the same. So it is never *yes*, and no part
    of what stops merges unless somebody says otherwise: it would stop honest ones everywhere.

    Returns
    -------
    false or null
        Null where the smallest input was not needed, or where values that were not read decide.

    Fails when
    ----------
    A wallet consolidates: *unknown*. A PayJoin in which every coin is needed: *no*.

    References
    ----------
    Gould's gist on the unnecessary input heuristic; Ghesmati et al., HCII 2021; BIP 78.
    """
    two = (nw.col("payments") == 2) & (nw.col("input_count") >= 2) & (most_parties() >= 2)
    without = nw.col("input_value") - nw.col("input_min")
    unneeded = without >= nw.col("output_max") + nw.col("fee")
    return decide(nw.lit(False), two & unneeded)


def __dir__() -> list[str]:
    """Return what this module is for, for completion."""
    return names_of(__name__)
