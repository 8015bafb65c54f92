"""Change is spent by a wallet that pays the same fee by size."""

from __future__ import annotations

import narwhals.stable.v2 as nw

from chainwatch.completion import names_of
from chainwatch.heuristics.change.candidates import among_payments, once_spent
from chainwatch.heuristics.rule import rule


@rule(on="outputs", refs=("blocksci2020",), looks_ahead=True)
def fixed_fee() -> nw.Expr:
    """The output is unspent, or spent at the same fee per 1,000 virtual bytes, rounded down.

    Some wallets always pay the same fee by size. Of all others the fee follows the market, and the
    rule rules out nearly everything that is spent.

    Returns
    -------
    true, false or null
        Null where it is not known whether the output is spent, or an input of either transaction
        was not read, so that its fee is not known.

    Fails when
    ----------
    The wallet follows the market: its change is ruled out. Combine it only where the fee of a
    wallet is known to be fixed.

    References
    ----------
    BlockSci ``fixed_fee`` (Kalodner et al., USENIX Security 2020).
    """
    return among_payments(once_spent(nw.col("fee_rate") == nw.col("spender_fee_rate")))


def __dir__() -> list[str]:
    """Return what this module is for, for completion."""
    return names_of(__name__)
