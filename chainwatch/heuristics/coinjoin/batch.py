"""Batch payouts: one payer, many payees, among whom some are paid alike."""

from __future__ import annotations

import narwhals.stable.v2 as nw

from chainwatch.completion import names_of
from chainwatch.heuristics.rule import decide, rule


@rule(on="transactions", refs=("blocksci2020", "dumplings"))
def batch_payout(min_equal: int = 3, spare: int = 1, min_foreign: int = 2) -> nw.Expr:
    """One payer pays many, and some of them the same amount.

    Arithmetic proves it where at most one party can have brought the equal amounts. Two more signs
    raise the doubt and prove nothing. In a mix that gives each party one equal output and his
    change, no more outputs are unequal than equal, but for the coordinator's; a payer of many pays
    mostly other amounts. And in a mix everybody is paid to a wallet like the one that he spends
    from; a payer pays to whatever wallets others have.

    Parameters
    ----------
    min_equal : int
        Fewest equal outputs; with fewer there is nothing to take for a mix.
    spare : int
        Unequal outputs beyond one for each equal one: the coordinator's fee.
    min_foreign : int
        Fewest outputs of a kind of script that no input has, as far as inputs are named. One may
        be what a party of a mix pays to somebody else with it (JoinMarket).

    Returns
    -------
    true, false or null
        True where one party alone can have funded it; null where a sign of a payer is seen.

    Fails when
    ----------
    A mix pays parties several unequal outputs (Wasabi 2, Wasabi 1.1, transactions that somebody
    padded): *unknown*, so that the rules of these protocols must say *yes*. A payer pays few
    others, all with his own kind of wallet: *no*.

    References
    ----------
    The bound of one change for an equal output is in Dumplings' rule for other mixes, in
    GraphSense's for JoinMarket (equal outputs are at least half) and in that of Schnoering and
    Vazirgiannis 2023 for Wasabi 1.0. Seen on mainnet: seven transactions of block 629999 pay 23 to
    100 wallets of two or three kinds from one kind, in five of them the same 0.0114571 bitcoin
    five to nine times.
    """
    equal = nw.col("equal_outputs")
    several = equal >= min_equal
    others = nw.col("payments") - equal > equal + spare
    foreign = nw.col("foreign_outputs") >= min_foreign
    return decide(several & (nw.col("fundable") < 2), several & (others | foreign))


def __dir__() -> list[str]:
    """Return what this module is for, for completion."""
    return names_of(__name__)
