"""Dash's CoinJoin: coins of fixed amounts change hands, without a fee."""

from __future__ import annotations

import narwhals.stable.v2 as nw

from chainwatch.completion import names_of
from chainwatch.heuristics.coinjoin.parties import most_parties
from chainwatch.heuristics.rule import decide, rule


@rule(on="transactions", refs=("dash-core",))
def denominated_mix(min_outputs: int = 3) -> nw.Expr:
    """As many inputs as outputs, all of the amounts by which the chain's wallets mix, and no fee.

    The wallet of each party first cuts its coins into these amounts, in a transaction that pays a
    fee and has one owner: it is *no*. Which chains have such amounts is a fact of the chain. None
    of the catalogue has, since Dash is not among them: of these it is always *no*.

    Parameters
    ----------
    min_outputs : int
        Fewest outputs: three take part, with one each at least.

    Returns
    -------
    true, false or null
        Null where the outputs fit and inputs that were not read decide.

    Fails when
    ----------
    Somebody moves coins of these amounts to himself and a miner takes it without a fee: *yes*.

    References
    ----------
    Dash Core, ``coinjoin/common.h`` and ``coinjoin.cpp``: amounts, at least three parties, fee 0.
    """
    spent, paid = nw.col("input_count"), nw.col("output_count")
    shape = (
        (spent == paid)
        & (paid >= min_outputs)
        & (nw.col("outputs_denominated") == paid)
        & (nw.col("output_addresses") == paid)
    )
    free = nw.col("fee") == 0
    several = nw.col("input_addresses") >= 2
    return decide(shape & free & several, shape & free & (most_parties() >= 2))


def __dir__() -> list[str]:
    """Return what this module is for, for completion."""
    return names_of(__name__)
