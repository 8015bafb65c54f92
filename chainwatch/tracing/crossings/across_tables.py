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

FOLLOWED, LEAD, AGAIN, TOO_FAR = (
    "followed",
    "a lead that was not asked for",
    "followed already",
    "beyond the number of crossings",
)
"""What was done with a payout that is known."""

CROSSED_EDGES = Table(
    "crossings_followed",
    ("crossing", "side", "chain", "contract", "txid", "n"),
    "Two rows per crossing, one for each side: the deposit into which traced value went, and the"
    " payout that answers it. Amounts of both are of other chains and are never added up.",
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
        Column.amount("traced", "how much of what was paid in is traced; null of what is paid out"),
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
        Column.count("begins", "subjects, or payouts that it follows"),
        Column.amount("amount", "what came in, or was paid out"),
        Column.flag("partial", "is a deposit behind it traced in part, or a payout of several"),
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
