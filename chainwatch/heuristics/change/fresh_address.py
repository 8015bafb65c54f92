"""Change goes to an address that was never seen before."""

from __future__ import annotations

import narwhals.stable.v2 as nw

from chainwatch.completion import names_of
from chainwatch.heuristics.change.candidates import among_payments
from chainwatch.heuristics.rule import rule


@rule(on="outputs", refs=("blocksci2020", "androulaki2013"))
def fresh_address() -> nw.Expr:
    """The address does not appear on the chain before the transaction.

    Wallets make a new address for their change. Where the payee uses his again, only the change is
    new (*shadow address*).

    Returns
    -------
    true, false or null
        Null where the address was not seen before and not all that came before was read. A lone
        block, or a ledger of single histories, rules out what it has seen and names nothing.

    Fails when
    ----------
    The payee gives out a new address for every payment, as most wallets do today: nothing is ruled
    out. The payer uses his change address again: it is ruled out.

    References
    ----------
    BlockSci ``client_change_address_behavior`` (Kalodner et al., USENIX Security 2020); Androulaki
    et al., FC 2013.
    """
    return among_payments(nw.col("fresh"))


def __dir__() -> list[str]:
    """Return what this module is for, for completion."""
    return names_of(__name__)
