"""The tables of pools: withdrawals, what reveals some, what was read, and what fits no amount."""

from __future__ import annotations

import polars as pl

from chainwatch.results.table import CHAIN, CONTRACT, TIME, TXID, Column, Privacy, Table

_POOL = Column.party("pool", "address of the pool")
_TIME = Column("time", TIME, Privacy.TIME, "time of its block", nullable=True)

WITHDRAWALS = Table(
    "withdrawals",
    ("chain", "pool", "txid"),
    "One row per withdrawal, with the deposits of which it can be. Bounds differ where nothing"
    " tells which of two came first.",
    (
        CHAIN,
        _POOL,
        TXID,
        _TIME,
        Column.party("recipient", "who got what is left of a fee; null where that is not clear"),
        Column.party("relayer", "who got the fee; null where there is none"),
        Column.party("signer", "who signed; null where that was not read"),
        Column.count("deposits_before", "deposits of the pool that came before"),
        Column.count("deposits_perhaps", "deposits of which nothing tells whether they did"),
        Column.number("set_least", "fewest of them still there; null where too few were read"),
        Column.number("set_most", "most of them still there; null where too few were read"),
        Column.number("unread", "deposits that must have come before and were not read"),
        Column.number("candidates", "fewest deposits that a reveal ties it to; null without one"),
    ),
)

REVEALS = Table(
    "reveals",
    ("chain", "pool", "txid", "rule"),
    "What ties a withdrawal to some deposits: worth one over the candidates, and a lead.",
    (
        CHAIN,
        _POOL,
        TXID,
        Column.kind("rule", "by which rule"),
        Column.count("candidates", "deposits that it ties the withdrawal to"),
        Column.count("depositors", "who made them"),
    ),
)

CANDIDATES = Table(
    "candidates",
    ("chain", "pool", "txid", "rule", "deposit"),
    "The deposits that a reveal ties a withdrawal to.",
    (
        CHAIN,
        _POOL,
        TXID,
        Column.kind("rule", "by which rule"),
        Column("deposit", pl.Binary, Privacy.TXID, "transaction of the deposit"),
        Column.party("depositor", "who signed it, or who sent it where that was not read"),
        Column.flag("signed", "was it read who signed it"),
        _TIME,
    ),
)

ODD = Table(
    "odd_amounts",
    ("chain", "pool", "txid", "direction", "party", "amount"),
    "What a pool got or gave that is not its amount: no deposit, no withdrawal, and never matched.",
    (
        CHAIN,
        _POOL,
        TXID,
        _TIME,
        Column.kind("direction", "in or out, as the pool sees it"),
        Column.party("party", "who paid it, or who was paid"),
        Column.amount("amount", "how much"),
    ),
)

POOLS = Table(
    "pools",
    ("chain", "pool"),
    "One row per pool that was asked about, with what was read of it.",
    (
        CHAIN,
        _POOL,
        CONTRACT,
        Column.number("decimals", "of what it takes"),
        Column.amount("amount", "how much it takes and gives"),
        Column.number("points", "what a deposit earns for each block; null where that is not said"),
        Column.count("deposits", "deposits that were read"),
        Column.count("withdrawals", "withdrawals that were read, several of one transaction each"),
        Column.count("odd", "transfers of another amount"),
        Column.flag("whole", "do sources claim to have told all up to its last withdrawal"),
    ),
)

UNREAD = Table(
    "unread_spans",
    ("chain", "pool", "begins", "ends"),
    "Spans of a pool's history that no source claims to have told.",
    (
        CHAIN,
        _POOL,
        Column("begins", TIME, Privacy.SPAN, "its start; null is that of the chain", nullable=True),
        Column("ends", TIME, Privacy.SPAN, "its end; null where it has none", nullable=True),
    ),
)

MINED = Table(
    "mining_claims",
    ("chain", "txid"),
    "Claims of rewards for deposits, and what each fits: a pair of a deposit and a withdrawal that"
    " are as many blocks apart as its points are at the rate of their pool.",
    (
        CHAIN,
        TXID,
        Column.party("recipient", "who was paid for the points"),
        Column.count("points", "how many"),
        Column.flag("own", "were pairs of the recipient alone looked at, who paid in or was paid"),
        Column.count("pairs", "pairs that it fits; it reveals something where that is one"),
        Column.party("pool", "the pool of the one pair"),
        Column("deposit", pl.Binary, Privacy.TXID, "its deposit", nullable=True),
        Column("withdrawal", pl.Binary, Privacy.TXID, "its withdrawal", nullable=True),
        Column.count("moves", "how often it was moved by some blocks"),
        Column.count("moves_matched", "how often one pair alone fitted then: by chance"),
    ),
)
