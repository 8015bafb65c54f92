"""The tables of a trace across chains: its crossings, its legs, and where each leg ends."""

from __future__ import annotations

import polars as pl

from chainwatch.results.table import (
    BEHIND,
    CHAIN,
    CONTRACT,
    SERVICE,
    TX,
    TXID,
    Column,
    N,
    Privacy,
    Table,
)
from chainwatch.tracing.crossings.tables import BRIDGE, DECIMALS, SYMBOL, TIME_OR_NULL
from chainwatch.tracing.trace_tables import ENDS

LEG = Column("leg", pl.Int64, Privacy.PLACE, "number of the trace on one chain, from 0")

FOLLOWED, LEAD, AGAIN, TOO_FAR, NAMELESS, NO_LEDGER, OUTSIDE = (
    "followed",
    "a lead that was not asked for",
    "followed already",
    "beyond the number of crossings",
    "of an unknown amount, or to nobody with an address",
    "on a chain of which no ledger was given",
    "outside the span that is looked at",
)
"""What was done with the other side of a crossing that is known."""

CROSSED_EDGES = Table(
    "crossings_followed",
    ("crossing", "side", "chain", "contract", "txid", "n"),
    "Two rows per crossing, one for each side: the deposit into which traced value went, and the"
    " payout that answers it; backward the payout from which it came, and the deposit. Amounts of"
    " both are of other chains and are never added up.",
    (
        Column("crossing", pl.Int64, Privacy.PLACE, "number of the crossing, from 1"),
        Column("side", pl.String, Privacy.SIDE, "paid in, or paid out"),
        LEG,
        CHAIN,
        BRIDGE,
        TIME_OR_NULL,
        TXID,
        N,
        TX,
        CONTRACT,
        SYMBOL,
        DECIMALS,
        Column.party("source", "the address of the bridge that was paid; of what was paid in"),
        Column.party("target", "who was paid; of what was paid out"),
        Column.amount("amount", "the whole payment"),
        Column.amount("traced", "how much of it is traced; null on the side behind the crossing"),
        Column.kind("evidence", "memo, identifier, or amount and time"),
        Column.number("moves", "how often the deposit was moved in time as a control"),
        Column.number("moves_matched", "of these those at which it found one payout alone"),
        Column.kind("done", "followed, or why not"),
    ),
)

LEGS = Table(
    "legs",
    ("leg",),
    "One row per trace on one chain, in one asset.",
    (
        LEG,
        CHAIN,
        CONTRACT,
        SYMBOL,
        DECIMALS,
        Column.number("crossings", "crossings between the subjects and this leg"),
        Column.count("begins", "subjects, or other sides of crossings that it follows"),
        Column.amount("amount", "what came in, or was paid on the other side"),
        Column.flag("partial", "is a payment before it traced in part, or is it of several"),
        Column.flag("lead", "does it rest on a match by amount and time, here or before"),
        BEHIND,
    ),
)

LEG_ENDS = Table(
    "ends_by_leg",
    ("leg", "reason", "service", "certainty", "crossing"),
    "Where the value of each leg ends. Legs are of other assets or begin where another ended: they"
    " are never added up.",
    (
        LEG,
        CHAIN,
        CONTRACT,
        SYMBOL,
        DECIMALS,
        ENDS["reason"],
        SERVICE,
        ENDS["certainty"],
        Column.kind("crossing", "at a bridge: what became of it, or why that is not known"),
        ENDS["amount"],
        Column.count("ends", "places at which it ends so"),
        BEHIND,
    ),
)
