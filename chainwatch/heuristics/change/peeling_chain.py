"""Change goes on through a chain of payments, each from one coin to two."""

from __future__ import annotations

import narwhals.stable.v2 as nw

from chainwatch.completion import names_of
from chainwatch.heuristics.change.candidates import all_of, among_payments, once_spent
from chainwatch.heuristics.rule import rule


@rule(on="outputs", refs=("blocksci2020", "meiklejohn2013"), looks_ahead=True)
def peeling_chain() -> nw.Expr:
    """The transaction is part of a peeling chain, and the output is unspent or carries it on.

    A chain pays from one coin to two, one of which is spent in the same way, and so on. Of a
    transaction that is in none the rule names nothing: it rules out every output.

    Returns
    -------
    true, false or null
        Null where it is not known whether the output is spent, or the transactions before and
        after were not read, so that it is not known whether there is a chain.

    Fails when
    ----------
    The payee spends in the same shape, as most payments are from one coin to two: then nothing is
    ruled out, or, where the change lies still and is called unspent, neither. The remainder need
    not be the larger output, and the rule does not say so.

    References
    ----------
    BlockSci ``peeling_chain`` (Kalodner et al., USENIX Security 2020); the shape is from Meiklejohn
    et al., IMC 2013.
    """
    goes_on = (nw.col("spender_input_count") == 1) & (nw.col("spender_output_count") == 2)
    return among_payments(all_of(nw.col("peels"), once_spent(goes_on)))


def __dir__() -> list[str]:
    """Return what this module is for, for completion."""
    return names_of(__name__)
