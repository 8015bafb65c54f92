"""No input was unneeded, if the output is the change."""

from __future__ import annotations

import narwhals.stable.v2 as nw

from chainwatch.completion import names_of
from chainwatch.heuristics.change.candidates import among_payments, smaller_than_inputs
from chainwatch.heuristics.rule import rule


@rule(on="outputs", refs=("gould2019", "payjoin2021"))
def unnecessary_input() -> nw.Expr:
    """With two payments and several inputs, every input was needed if this output is the change.

    Had the others been enough for the other output and the fee, the wallet would not have added the
    smallest input (*unnecessary input heuristic 1*). Where it was unneeded whichever output is the
    change (*heuristic 2*), a wallet tidies up or a payee added it: then it is *unknown*, where
    :func:`~chainwatch.heuristics.change.optimal_change.optimal_change` rules out both. Of other
    transactions nothing is ruled out.

    Returns
    -------
    true, false or null
        Null also where an input that was not read decides.

    Fails when
    ----------
    A wallet adds inputs for its privacy, or to tidy up, and its change still ends below the
    smallest of them.

    References
    ----------
    Gould's gist on the unnecessary input heuristic; Ghesmati et al., HCII 2021. That the other
    output and the fee could be paid without the smallest input is the same as that this output is
    not smaller than it, since inputs are outputs and fee.
    """
    asked = (nw.col("payments") == 2) & (nw.col("input_count") >= 2)
    unneeded = nw.col("output_min") >= nw.col("input_min")
    return among_payments(
        nw.when(~asked)
        .then(nw.lit(True))
        .when(asked & ~unneeded)
        .then(smaller_than_inputs())
        .otherwise(nw.lit(None, dtype=nw.Boolean))
    )


def __dir__() -> list[str]:
    """Return what this module is for, for completion."""
    return names_of(__name__)
