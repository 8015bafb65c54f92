"""Change that is smaller than every input."""

from __future__ import annotations

import narwhals.stable.v2 as nw

from chainwatch.completion import names_of
from chainwatch.heuristics.change.candidates import among_payments, smaller_than_inputs
from chainwatch.heuristics.rule import rule


@rule(on="outputs", refs=("blocksci2020",))
def optimal_change() -> nw.Expr:
    """The output is smaller than every input.

    Were the change larger than an input, that input would not have been needed. With one input
    every output is smaller, and nothing is ruled out.

    Returns
    -------
    true, false or null
        Null where the output is smaller than all inputs that were read, and some were not.

    Fails when
    ----------
    A wallet spends more coins than it needs, to tidy up or for its privacy; or a payee adds an
    input of his own (PayJoin).

    References
    ----------
    BlockSci ``optimal_change`` (Kalodner et al., USENIX Security 2020).
    """
    return among_payments(smaller_than_inputs())


def __dir__() -> list[str]:
    """Return what this module is for, for completion."""
    return names_of(__name__)
