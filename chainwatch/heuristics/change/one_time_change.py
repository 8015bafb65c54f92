"""The only new address of a transaction, if nobody pays it again for a while."""

from __future__ import annotations

import narwhals.stable.v2 as nw

from chainwatch.completion import names_of
from chainwatch.errors import RuleError
from chainwatch.heuristics.change.candidates import all_of, among_payments, only_one
from chainwatch.heuristics.rule import rule


@rule(on="outputs", refs=("meiklejohn2013",), looks_ahead=True)
def one_time_change(wait_days: int = 7) -> nw.Expr:
    """The output alone goes to a new address that nobody pays again; none goes to an input.

    A change address is used once. That it stays so is seen only after some time: whoever is paid
    again within it was a payee with a new address.

    Parameters
    ----------
    wait_days : int
        Days after the transaction in which no other payment may reach the address; 0 waits for
        nothing.

    Returns
    -------
    true, false or null
        Null where not all that came before was read, or not all that came in the days after: an
        output of the last days of a chain is not decided.

    Raises
    ------
    RuleError
        If ``wait_days`` is negative.

    Fails when
    ----------
    The payee's address is new and the change goes to a used one: the payment is taken for the
    change. Unrefined, the rule joined several services into one (Meiklejohn et al.). Later receipts
    from games of chance, which the authors leave out by hand, count here as any others.

    References
    ----------
    Meiklejohn et al., IMC 2013, heuristic 2 with its refinement by time; they put its errors at
    13 % unrefined, at 0.28 % after a day and at 0.17 % after a week, by what dice games pay out.
    """
    if wait_days < 0:
        raise RuleError(f"{wait_days} days to wait", remedy="give 0 or more")
    wait = wait_days * 86_400
    waited = (
        nw.when(nw.col("quiet_for") >= wait)
        .then(nw.lit(True))
        .when(nw.col("paid_again_after") < wait)
        .then(nw.lit(False))
        .otherwise(nw.lit(None, dtype=nw.Boolean))
    )
    alone = only_one("fresh_outputs", "fresh_unknown")
    return among_payments(all_of(nw.col("fresh"), alone, ~nw.col("to_self"), waited))


def __dir__() -> list[str]:
    """Return what this module is for, for completion."""
    return names_of(__name__)
