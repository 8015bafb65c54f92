"""The tables of what transactions mean: net changes, meanings, contracts passed through, pools."""

from __future__ import annotations

from chainwatch.ledger.schema import TRANSFERS
from chainwatch.results.table import CHAIN, CONTRACT, SERVICE, TX, TXID, WHEN, Column, Table

_DECIMALS = Column.number("decimals", "decimals of its contract, as all rows of it agree")
_BASIS = Column.kind("basis", "by what it is known: tag, trade, list, net change, user operation")
_CERTAINTY = Column.word("certainty", "confirmed, probable or undecided")

NET_CHANGES = Table(
    "net_changes",
    ("chain", "txid", "address", "contract", "token_id"),
    "One row per transaction, address and asset: by how much it changed what the address holds.",
    (
        CHAIN,
        TXID,
        TX,
        WHEN,
        Column.party("address", "whose balance"),
        CONTRACT,
        TRANSFERS["token_id"],
        Column.amount(
            "change",
            "what came less what went, fees apart; null where not all of it was read",
        ),
        Column.amount(
            "fee",
            "what it paid of the fee of the transaction, or less than nothing where it got it; null"
            " where fees were not read, or the asset is none that pays fees",
        ),
        Column.word("unknown", "what is not known of the change; null where all was read"),
        _DECIMALS,
    ),
)

MEANINGS = Table(
    "meanings",
    ("chain", "txid", "part", "row"),
    """One row per payment of each meaning of a transaction. ``side`` is

- *paid*, by ``sender`` to ``receiver``;
- *gave*, to a pool, and *got*, out of one: rows of one ``part`` belong together;
- *paid* without a receiver, or without a sender: one of several who can have paid, or been paid.
""",
    (
        CHAIN,
        TXID,
        Column.place("part", "which meaning of the transaction"),
        Column.place("row", "which payment of it"),
        TX,
        WHEN,
        Column.kind("meaning", "what it means"),
        _CERTAINTY,
        _BASIS,
        Column.kind("side", "paid, gave or got"),
        Column.party("sender", "who paid; null where it is undecided who"),
        Column.party("receiver", "who was paid; null where it is undecided whom"),
        CONTRACT,
        TRANSFERS["token_id"],
        Column.amount("amount", "how much"),
        _DECIMALS,
        Column.count("passed", "contracts that it passed through, which are no parties"),
        Column.party("sent_by", "who sent the transaction; null where it is not known"),
        Column.text("detail", "what more is known, or why it is undecided"),
    ),
)

BY_MEANING = Table(
    "by_meaning",
    ("meaning", "certainty", "basis"),
    "How many transactions, or parts of them, mean what, and how that is known.",
    (
        MEANINGS["meaning"],
        MEANINGS["certainty"],
        MEANINGS["basis"],
        Column.count("count", "how many"),
    ),
    order=("-count",),
)

PASSED = Table(
    "passed",
    ("chain", "txid", "part", "contract", "token_id", "address"),
    "Contracts through which the payments of a meaning passed: they hold nothing of it afterwards.",
    (
        CHAIN,
        TXID,
        Column.place("part", "which meaning of the transaction"),
        CONTRACT,
        TRANSFERS["token_id"],
        Column.party("address", "the contract"),
        Column.flag("is_contract", "whether it is seen to be one; null where nothing shows it"),
    ),
)

POOLS = Table(
    "pools",
    ("chain", "address"),
    "DeFi pools, and how each is known to be one.",
    (
        CHAIN,
        Column.party("address", "the pool"),
        Column.kind("kind", "exchange, lending, staking or wrapped coin"),
        _CERTAINTY,
        _BASIS,
        SERVICE,
        Column.count("traders", "initiators who swapped with it or got receipts of it"),
        Column.text("detail", "what more is known"),
    ),
)
