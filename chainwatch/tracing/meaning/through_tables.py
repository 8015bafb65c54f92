"""The tables of a trace through swaps: assets, what was swapped, and origins, steps and ends."""

from __future__ import annotations

from chainwatch.results.table import CHAIN, CONTRACT, TX, TXID, WHEN, Column, Privacy, Table
from chainwatch.tracing.meaning.tables import MEANINGS
from chainwatch.tracing.trace_tables import ENDS, ORIGINS, STEPS

_OF = (CHAIN, CONTRACT, Column.number("decimals", "decimals of the asset, as it is shown"))

ASSETS = Table(
    "assets",
    ("chain", "contract"),
    """One row per asset that value was followed in. What came in from outside and by swaps adds up
to what was swapped and what ended otherwise, to the last unit; units of two assets are never added.
""",
    (
        *_OF,
        Column.amount("came", "what came in from outside; of assets reached by swaps nothing"),
        Column.amount("swapped_in", "what was got for traced value of other assets"),
        Column.amount("swapped_out", "what was given for other assets and is followed there"),
        Column.amount("ended", "what ended otherwise"),
    ),
)

SWAPS = Table(
    "swaps",
    ("txid", "part", "side", "row", "subject"),
    """Where value goes on in another asset: for each swap and subject what was given, and what was
got for it. ``traced`` is the part of ``amount`` that is the subject's: of what was got the same
share, rounded down over all of it together.
""",
    (
        CHAIN,
        TXID,
        MEANINGS["part"],
        MEANINGS["row"],
        TX,
        WHEN,
        MEANINGS["meaning"],
        MEANINGS["certainty"],
        MEANINGS["basis"],
        Column("side", MEANINGS["side"].dtype, Privacy.KIND, "gave or got"),
        Column.party("subject", "whose value it is"),
        MEANINGS["sender"],
        MEANINGS["receiver"],
        CONTRACT,
        Column.number("decimals", "decimals of the asset, as it is shown"),
        Column.amount("amount", "what was given or got, all of it"),
        Column.amount("traced", "what of it is the subject's"),
    ),
)


def _of_assets(table: Table) -> Table:
    """Return a table of a trace with the asset of each row."""
    return Table(
        table.name, ("chain", "contract", *table.key), table.meaning, (*_OF, *table.columns),
        order=table.order,
    )  # fmt: skip


ORIGINS_OF, STEPS_OF, ENDS_OF = (_of_assets(one) for one in (ORIGINS, STEPS, ENDS))
