"""The tables of crossings: deposits at bridges, the payouts that answer them, and their control."""

from __future__ import annotations

import polars as pl

from chainwatch.results.table import CHAIN, CONTRACT, TX, TXID, WHEN, Column, N, Privacy, Table

CROSSED, GIVEN_BACK, SAME_CHAIN, NOT_MATCHED = (
    "crossed",
    "given back",
    "paid out on its own chain",
    "not matched",
)
RESULTS = (CROSSED, GIVEN_BACK, SAME_CHAIN, NOT_MATCHED)

BY_AMOUNT = "amount and time"
"""Evidence of a match by amount and time: a lead, and no proof."""

NO_OTHER_SIDE = "no address of the bridge is named on another chain, in what stands for its asset"
UNKNOWN = "its amount or its time is not known"
PAYER_UNREAD = "who paid it was not read: it may be the bridge's own"
MAYBE_BACK = "it may have been given back: the bridge paid who had paid it, within the caps"
"""Why the rule of amount and time is not asked of a deposit."""

BRIDGE = Column("bridge", pl.String, Privacy.SERVICE, "the bridge, as tags or the caller name it")
NUMBER = Column("crossing", pl.Int64, Privacy.PLACE, "number of the deposit, from 0")
TIME_OR_NULL = Column(WHEN.name, WHEN.dtype, WHEN.privacy, WHEN.meaning, nullable=True)
SYMBOL = Column.text("symbol", "symbol of the asset as it was named; display only")
DECIMALS = Column.number("decimals", "decimals of the asset as it was named; display only")

DEPOSITS = Table(
    "crossings",
    ("crossing",),
    "One row per deposit at a bridge: what became of it, by what evidence, or why that is not said."
    " A match by amount and time is a lead.",
    (
        NUMBER,
        CHAIN,
        BRIDGE,
        TIME_OR_NULL,
        TXID,
        N,
        TX,
        CONTRACT,
        SYMBOL,
        DECIMALS,
        Column.amount("amount", "what was paid to the bridge"),
        Column.party("payer", "who paid it, where that is one"),
        Column.party("address", "the address of the bridge"),
        Column.kind("result", ", ".join(RESULTS)),
        Column.kind("evidence", "memo, identifier, or amount and time; null where not matched"),
        Column.kind("reason", "why it is not matched"),
        Column.number("candidates", "payouts that fit it by amount and time; null if not asked"),
        Column.number("moves", "how often it was moved in time, to where everything was read"),
        Column.number("moves_matched", "of these those at which it found one payout alone"),
    ),
)

PAYOUTS = Table(
    "crossing_payouts",
    ("crossing", "chain", "contract", "txid", "n"),
    "One row per payout that answers a deposit.",
    (
        NUMBER,
        CHAIN,
        BRIDGE,
        TIME_OR_NULL,
        TXID,
        N,
        TX,
        CONTRACT,
        SYMBOL,
        DECIMALS,
        Column.amount("amount", "what was paid out"),
        Column.party("receiver", "who was paid"),
        Column.party("address", "who paid: an address of the bridge, or the contract of the token"),
        Column.kind("result", ", ".join(RESULTS[:-1])),
        Column.kind("evidence", "memo, identifier, or amount and time"),
        Column.text("identifier", "the identifier that both sides bear"),
    ),
)

CONTROLS = Table(
    "crossing_controls",
    ("bridge", "assets"),
    "How often a deposit finds a payout by chance: each is moved in time, by one to three days.",
    (
        BRIDGE,
        Column("assets", pl.String, Privacy.SIDE, "what stands for one another, and where"),
        Column.count("deposits", "deposits of the span"),
        Column.count("by_identifier", "of these those that an identifier explains"),
        Column.count("matches", "of the others those matched by amount and time"),
        Column.count("unmatched", "of the others those that nothing fits"),
        Column.count("tries", "moves in time, to where everything was read"),
        Column.count("tries_matched", "of these those that found one payout alone"),
        Column.count("tries_unmatched", "of these those that found nothing"),
        Column.count("cases", "deposits behind the last two: independent cases"),
        Column.number("false_low", "least false matches that the control allows at 95 %"),
        Column.number("false_high", "most false matches that the control allows at 95 %"),
    ),
)
