"""Change is no round amount."""

from __future__ import annotations

import narwhals.stable.v2 as nw

from chainwatch.completion import names_of
from chainwatch.errors import RuleError
from chainwatch.heuristics.change.candidates import among_payments
from chainwatch.heuristics.rule import rule


@rule(on="outputs", refs=("blocksci2020",))
def power_of_ten(digits: int = 6) -> nw.Expr:
    """The amount does not end in so many zeros, counted in base units.

    People pay round amounts; what is left over is round by chance alone.

    Parameters
    ----------
    digits : int
        Zeros at the end of a round amount; 6 is 0.01 of a coin with eight decimals.

    Returns
    -------
    true or false
        Null only of outputs that may belong to several.

    Raises
    ------
    RuleError
        If ``digits`` is not 1 to 18.

    Fails when
    ----------
    Prices are set in another currency: nothing is round. A wallet splits a round coin into two
    round parts: change is ruled out.

    References
    ----------
    BlockSci ``power_of_ten_value``, with 6 digits (Kalodner et al., USENIX Security 2020).
    """
    if not 1 <= digits <= 18:
        raise RuleError(f"{digits} zeros at the end of an amount", remedy="give 1 to 18")
    return among_payments(nw.col("value") % 10**digits != 0)


def __dir__() -> list[str]:
    """Return what this module is for, for completion."""
    return names_of(__name__)
