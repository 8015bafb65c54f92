"""Where a rule begins and ends: heights are rules of their own, so that they are seen and moved."""

from __future__ import annotations

import narwhals.stable.v2 as nw

from chainwatch.completion import names_of
from chainwatch.heuristics.rule import rule


@rule(on="transactions", refs=("dumplings",))
def since(height: int) -> nw.Expr:
    """The transaction is in a block of this height or above; ``~since(height)`` is below it.

    Parameters
    ----------
    height : int
        Height of the first block.

    Fails when
    ----------
    Heights of one chain are used on another: they count the blocks of the chain that was read.

    References
    ----------
    A detector's start is a fact about its protocol; Dumplings keeps its own in ``Constants.cs``.
    """
    return nw.col("height") >= height


def __dir__() -> list[str]:
    """Return what this module is for, for completion."""
    return names_of(__name__)
