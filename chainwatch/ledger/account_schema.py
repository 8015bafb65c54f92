"""Tables of account chains: transfers, authority over tokens, freezes by issuers, stakes, logs."""

from __future__ import annotations

import polars as pl

from chainwatch.results.table import CHAIN, TIME, Column, Privacy, Table
from chainwatch.units import AMOUNT

TRANSFERS = Table(
    "transfers",
    (
        "chain",
        "txid",
        "kind",
        "log_index",
        "trace_path",
        "contract",
        "sender",
        "receiver",
        "amount",
        "amount_hex",
        "token_id",
        "occurrence",
    ),
    "One row per movement on an account chain: native, internal or token.",
    (
        CHAIN,
        Column(
            "txid",
            pl.Binary,
            Privacy.TXID,
            "transaction id, big-endian as shown; of rewards and withdrawals the hash of the block",
        ),
        Column(
            "kind",
            pl.String,
            Privacy.KIND,
            "native, internal, fee, fee_burnt, reward, withdrawal, deposit (from the chain below);"
            " erc20, erc721, erc1155, trc20, with _mint or _burn where one side is the zero"
            " address; wrap, unwrap, destroy",
        ),
        Column(
            "log_index",
            pl.Int64,
            Privacy.PLACE,
            "place of the log in its block, or in its transaction where the source counts so",
            nullable=True,
        ),
        Column(
            "trace_path",
            pl.String,
            Privacy.PLACE,
            "place of the call, e.g. '0.2.1'; of a withdrawal its number; of a reward its reason",
            nullable=True,
        ),
        Column(
            "occurrence",
            pl.Int64,
            Privacy.PLACE,
            "0, 1, ... among transfers alike in all that identifies",
        ),
        Column(
            "tx",
            pl.Int64,
            Privacy.PLACE,
            "transaction number; null where height or place in the block is unknown",
            nullable=True,
        ),
        Column(
            "height",
            pl.Int64,
            Privacy.PLACE,
            "height of its block; null where the source knows none",
            nullable=True,
        ),
        Column(
            "time",
            TIME,
            Privacy.TIME,
            "time of the block, or as the source states it; null where only the height is known",
            nullable=True,
        ),
        Column(
            "contract",
            pl.Binary,
            Privacy.CONTRACT,
            "token contract; null for the native asset",
            nullable=True,
        ),
        Column("token_id", pl.String, Privacy.TEXT, "id of a unique token", nullable=True),
        Column("sender", pl.Binary, Privacy.PARTY, "paying address"),
        Column("receiver", pl.Binary, Privacy.PARTY, "receiving address"),
        Column(
            "amount",
            AMOUNT,
            Privacy.AMOUNT,
            "amount; null where wider than 38 digits",
            "base units",
            nullable=True,
        ),
        Column(
            "amount_hex",
            pl.String,
            Privacy.TEXT,
            "the exact amount where it is wider",
            nullable=True,
        ),
        Column(
            "symbol",
            pl.String,
            Privacy.TEXT,
            "symbol the source shows; display only",
            nullable=True,
        ),
        Column(
            "decimals",
            pl.Int64,
            Privacy.NUMBER,
            "decimals the source shows; display only",
            nullable=True,
        ),
        Column(
            "success",
            pl.Boolean,
            Privacy.FLAG,
            "did it take effect; null where not said",
            nullable=True,
        ),
        Column(
            "status", pl.String, Privacy.TEXT, "status word of the source, verbatim", nullable=True
        ),
        Column(
            "order_uncertain",
            pl.Boolean,
            Privacy.FLAG,
            "true where its place in its block is not known",
        ),
        Column(
            "sections",
            pl.Int64,
            Privacy.NUMBER,
            "sections of the source that report it (an audit of repeats)",
        ),
        Column(
            "signed",
            pl.Boolean,
            Privacy.FLAG,
            "did the sender sign it or give authority for it, as its source tells; what all that"
            " was read adds is decided in ledger/accounts/authority.py; null where it is not known",
            nullable=True,
        ),
    ),
)


_LOG = Column(
    "log_index",
    pl.Int64,
    Privacy.PLACE,
    "place of the log in its block; of a delegation its place in the list of its transaction; of"
    " what traces tell a number in its transaction",
)


_TOKEN = Column("contract", pl.Binary, Privacy.CONTRACT, "token contract")


_AT = Column(
    "tx",
    pl.Int64,
    Privacy.PLACE,
    "transaction number; null where the height is unknown",
    nullable=True,
)


_WIDE = (
    Column(
        "amount",
        AMOUNT,
        Privacy.AMOUNT,
        "amount; null where wider than 38 digits or not stated",
        "base units",
        nullable=True,
    ),
    Column(
        "amount_hex", pl.String, Privacy.TEXT, "the exact amount where it is wider", nullable=True
    ),
)


APPROVALS = Table(
    "approvals",
    ("chain", "txid", "log_index", "kind"),
    "Authority that an owner of tokens gave to another to move them, or took back.",
    (
        CHAIN,
        Column("txid", pl.Binary, Privacy.TXID, "transaction id, big-endian as shown"),
        _LOG,
        Column(
            "kind",
            pl.String,
            Privacy.KIND,
            "approval, approval_for_all, permit, authorization_used, operator, operator_sent"
            " (ERC-777: who moved it); user_operation"
            " (ERC-4337: of an account to its bundler), paymaster (who pays for it), delegation"
            " (EIP-7702: of an account to the code it runs); of traces: creation (owner made the"
            " contract), call (owner, who paid tokens, called their contract)",
        ),
        _AT,
        Column("time", TIME, Privacy.TIME, "time of the block"),
        _TOKEN,
        Column("owner", pl.Binary, Privacy.PARTY, "who gives it"),
        Column("spender", pl.Binary, Privacy.PARTY, "who may move the tokens"),
        *_WIDE,
        Column("token_id", pl.String, Privacy.TEXT, "id of a unique token", nullable=True),
        Column("granted", pl.Boolean, Privacy.FLAG, "false where it was taken back", nullable=True),
    ),
)


FREEZES = Table(
    "freezes",
    ("chain", "txid", "log_index", "address"),
    "What the issuer of a token did to an address: froze it, freed it, destroyed what it held.",
    (
        CHAIN,
        Column("txid", pl.Binary, Privacy.TXID, "transaction id, big-endian as shown"),
        _LOG,
        _AT,
        Column("time", TIME, Privacy.TIME, "time of the block"),
        _TOKEN,
        Column("address", pl.Binary, Privacy.PARTY, "the address concerned"),
        Column("action", pl.String, Privacy.KIND, "freeze, unfreeze or destroy"),
        *_WIDE,
    ),
)


STAKES = Table(
    "stakes",
    ("chain", "txid", "kind", "n"),
    "What accounts did with their own coin and resources beside paying (Tron): staked, unstaked,"
    " voted, lent and used.",
    (
        CHAIN,
        Column("txid", pl.Binary, Privacy.TXID, "transaction id, big-endian as shown"),
        Column(
            "kind",
            pl.String,
            Privacy.KIND,
            "stake, unstake, withdraw (what was unstaked and has waited long enough), sweep (the"
            " same, of itself beside another action), restake (what waited is staked again), vote,"
            " lend, recall, activate, use, or other; owner_key, active_key (who may sign for it"
            " alone from then on: for everything, or for some), owner_share, active_share (with"
            " others)",
        ),
        Column(
            "n",
            pl.Int64,
            Privacy.PLACE,
            "0, 1, ... among those of the kind in a transaction; of"
            " what a contract did inside of it a number out of its hash",
        ),
        _AT,
        Column(
            "height",
            pl.Int64,
            Privacy.PLACE,
            "height of its block; null where the source knows none",
            nullable=True,
        ),
        Column("time", TIME, Privacy.TIME, "time of the block"),
        Column("address", pl.Binary, Privacy.PARTY, "whose coin and resources they are"),
        Column(
            "other",
            pl.Binary,
            Privacy.PARTY,
            "who is voted for, to whom it is lent, who is activated, who may sign; else null",
            nullable=True,
        ),
        Column(
            "resource",
            pl.String,
            Privacy.WORD,
            "bandwidth, energy or tron_power; null where it is of none",
            nullable=True,
        ),
        Column(
            "amount",
            AMOUNT,
            Privacy.AMOUNT,
            "how much; null where it was not stated",
            "base units; votes of a vote, units of the resource of a use, weight of a key",
            nullable=True,
        ),
        Column(
            "moved",
            AMOUNT,
            Privacy.AMOUNT,
            "what it adds to the balance that can be spent; null where that is not known",
            "base units",
            nullable=True,
        ),
        Column(
            "success",
            pl.Boolean,
            Privacy.FLAG,
            "did it take effect; null where not said",
            nullable=True,
        ),
        Column(
            "contract_type",
            pl.String,
            Privacy.TEXT,
            "what the chain or its note calls it, verbatim",
        ),
    ),
)


CONTRACT_LOGS = Table(
    "contract_logs",
    ("chain", "txid", "log_index"),
    "What contracts logged, word for word, of the events that are listed in"
    " ledger/accounts/contract_events.py and of no other. Anybody's contract may log what it likes:"
    " a row says that this contract logged it, and no more. Where it was read tell the units of"
    " coverage of the kind *logs*; elsewhere that there is no row says nothing.",
    (
        CHAIN,
        Column("txid", pl.Binary, Privacy.TXID, "transaction id, big-endian as shown"),
        Column(
            "log_index",
            pl.Int64,
            Privacy.PLACE,
            "place of the log in its block; on Tron in its transaction",
        ),
        _AT,
        Column(
            "height",
            pl.Int64,
            Privacy.PLACE,
            "height of its block; null where the source knows none",
            nullable=True,
        ),
        Column(
            "time",
            TIME,
            Privacy.TIME,
            "time of the block; null where only the height is known",
            nullable=True,
        ),
        Column("contract", pl.Binary, Privacy.CONTRACT, "contract that logged it"),
        Column("topic0", pl.Binary, Privacy.TEXT, "hash of the event's text, 32 bytes"),
        *(
            Column(
                f"topic{n}",
                pl.Binary,
                Privacy.TEXT,
                "what the contract put there, 32 bytes; null where the log has fewer topics",
                nullable=True,
            )
            for n in (1, 2, 3)
        ),
        Column(
            "data", pl.Binary, Privacy.TEXT, "the rest of the log; of no bytes where it is none"
        ),
    ),
)
