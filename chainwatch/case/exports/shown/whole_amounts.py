"""Tables whose amounts are all that was moved: a line each, and where their rows say by what.

An amount of any other table is a part of a payment, or nobody says that it is all of it. A table
may list a payment once for each of several reasons, such as the routes that it is part of: it is
one payment all the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from chainwatch.results.table import Table
from chainwatch.tracing.actions.watch import MOVES
from chainwatch.tracing.direct_tables import PAYMENTS, WIDE
from chainwatch.tracing.paths.tables import HOPS
from chainwatch.tracing.trace_tables import UNKNOWN


class Told(NamedTuple):
    """Which columns of a table say by what, where and when something was moved.

    Attributes
    ----------
    txid, place, time : str
        Columns of the transaction, of the place in it or in its block, and of its time.
    of_a_log : bool
        Whether the place is, on account chains, that of a log: no place of a transfer in its block.
    listed : tuple of str
        For what a payment is listed: it stands once for each of these, and is one.
    """

    txid: str = "txid"
    place: str = "n"
    time: str = "time"
    of_a_log: bool = False
    listed: tuple[str, ...] = ()


PLAIN = Told()
"""As most tables have it."""

WHOLE: tuple[tuple[Table, Told], ...] = (
    (PAYMENTS, PLAIN),
    (WIDE, PLAIN),
    (UNKNOWN, PLAIN),
    (HOPS, Told(listed=("route",))),
    (MOVES, Told("by_txid", "by_n", "by_time", of_a_log=True, listed=("txid", "n"))),
)
"""The tables whose amounts are whole, and what their rows say it by."""

_TOLD: Mapping[str, tuple[Table, Told]] = {table.name: (table, told) for table, told in WHOLE}


def whole_amounts(table: Table) -> Told | None:
    """Return how a table tells what was moved, all of it; None where it tells something else."""
    found = _TOLD.get(table.name)
    return found[1] if found is not None and found[0] == table else None
