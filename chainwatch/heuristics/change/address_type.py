"""Change of the kind that all inputs are of."""

from __future__ import annotations

import narwhals.stable.v2 as nw

from chainwatch.completion import names_of
from chainwatch.heuristics.change.candidates import among_payments
from chainwatch.heuristics.rule import rule


@rule(on="outputs", refs=("blocksci2020",))
def address_type() -> nw.Expr:
    """The inputs are all of one kind of script, and the output is of that kind.

    A wallet makes addresses of one kind, so change is of the kind of what is spent. Where inputs
    are of several kinds the rule names nothing: it rules out every output.

    Returns
    -------
    true, false or null
        Null where the kind of an input was not read and those that were are all the output's.

    Fails when
    ----------
    Payer and payee use the same kind, as most do: then nothing is ruled out. A wallet changes its
    kind, or chooses the payee's for its change (Bitcoin Core does since 2022): change is ruled out.

    References
    ----------
    BlockSci ``address_type`` (Kalodner et al., USENIX Security 2020).
    """
    kinds, alike = nw.col("input_kinds"), nw.col("script_kind") == nw.col("input_kind")
    return among_payments(
        nw.when(kinds >= 2)
        .then(nw.lit(False))
        .when((kinds == 1) & ~alike)
        .then(nw.lit(False))
        .when((kinds == 1) & alike & (nw.col("kinds_unread") == 0))
        .then(nw.lit(True))
        .otherwise(nw.lit(None, dtype=nw.Boolean))
    )


def __dir__() -> list[str]:
    """Return what this module is for, for completion."""
    return names_of(__name__)
