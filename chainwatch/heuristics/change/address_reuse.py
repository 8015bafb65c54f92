"""Change that goes back to an address it came from."""

from __future__ import annotations

import narwhals.stable.v2 as nw

from chainwatch.completion import names_of
from chainwatch.heuristics.change.candidates import among_payments
from chainwatch.heuristics.rule import rule


@rule(on="outputs", refs=("blocksci2020",))
def address_reuse() -> nw.Expr:
    """The output goes to an address that the transaction spends from.

    Some wallets, and services with one address, send change back to where it came from. That is as
    sure as change gets, and joins nothing new: both ends are the same address.

    Returns
    -------
    true, false or null
        Null where an input was not read, or has no address, and none of the others is the
        output's.

    Fails when
    ----------
    Somebody pays himself; or in a PayJoin or a mix, where one party's address is both.

    References
    ----------
    BlockSci ``address_reuse`` (Kalodner et al., USENIX Security 2020), GraphSense
    ``direct_change``.
    """
    return among_payments(nw.col("to_input"))


def __dir__() -> list[str]:
    """Return what this module is for, for completion."""
    return names_of(__name__)
