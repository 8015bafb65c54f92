"""Every table and column of a ledger, with type, unit and meaning: read this first.

A table is append-only. ``chain`` is the CAIP-2 id. An ``address`` is its canonical bytes (kind
byte, then payload; see :mod:`chainwatch.addresses.canonical`), never text. Null means *unknown or
not read* and never equals another null. Amounts are base units.
"""

from __future__ import annotations

import polars as pl

from chainwatch.ledger.account_schema import APPROVALS as APPROVALS
from chainwatch.ledger.account_schema import CONTRACT_LOGS as CONTRACT_LOGS
from chainwatch.ledger.account_schema import FREEZES as FREEZES
from chainwatch.ledger.account_schema import STAKES as STAKES
from chainwatch.ledger.account_schema import TRANSFERS as TRANSFERS
from chainwatch.results.table import CHAIN as CHAIN
from chainwatch.results.table import TIME as TIME
from chainwatch.results.table import Column as Column
from chainwatch.results.table import Privacy as Privacy
from chainwatch.results.table import Table as Table
from chainwatch.units import AMOUNT as AMOUNT

POSITION_BITS = 24
"""``tx = height << 24 | position``: room for 16.7 million transactions in a block."""


def pack_tx(height: int, position: int) -> int:
    """Return the transaction number of a place in the chain: stable for ever."""
    return height << POSITION_BITS | position


_TX = Column("tx", pl.Int64, Privacy.PLACE, "transaction number, height << 24 | position")
_OUT = Column("n", pl.Int64, Privacy.PLACE, "place of the output in its transaction, from 0")
_IN = Column("n", pl.Int64, Privacy.PLACE, "place of the input in its transaction, from 0")

READ, REVEALED, DISPUTED = "read", "revealed", "disputed"
"""How the address of an input is known: its output was read or stated; only what unlocks it names
it; it was read, and what unlocks it names another."""

BLOCKS = Table(
    "blocks",
    ("chain", "height", "hash"),
    "One row per block read; identity is the hash. What a chain's blocks do not have, or a source"
    " does not tell, is null.",
    (
        CHAIN,
        Column("height", pl.Int64, Privacy.PLACE, "distance from the genesis block"),
        Column("hash", pl.Binary, Privacy.TXID, "block hash, 32 bytes in wire order"),
        Column(
            "parent", pl.Binary, Privacy.TXID, "hash of the block before, wire order", nullable=True
        ),
        Column(
            "time",
            TIME,
            Privacy.TIME,
            "time in the header: the miner's claim, may run backwards by 2 h",
        ),
        Column("version", pl.Int64, Privacy.NUMBER, "version field of the header", nullable=True),
        Column(
            "merkle_root", pl.Binary, Privacy.TXID, "root over the txids, wire order", nullable=True
        ),
        Column("bits", pl.Int64, Privacy.NUMBER, "compact difficulty target", nullable=True),
        Column("nonce", pl.Int64, Privacy.NUMBER, "proof-of-work nonce", nullable=True),
        Column("tx_count", pl.Int64, Privacy.NUMBER, "transactions in the block"),
        Column(
            "size",
            pl.Int64,
            Privacy.NUMBER,
            "serialised size with witnesses; null where it is not said",
            "bytes",
            nullable=True,
        ),
        Column("coinbase", pl.Binary, Privacy.TEXT, "script of the coinbase input", nullable=True),
    ),
)

TRANSACTIONS = Table(
    "transactions",
    ("chain", "tx"),
    "One row per transaction. Fees stand in the features: they depend on what else was read.",
    (
        CHAIN,
        _TX,
        Column("txid", pl.Binary, Privacy.TXID, "transaction id, 32 bytes in wire order"),
        Column(
            "wtxid",
            pl.Binary,
            Privacy.TXID,
            "id over the witness form; null without witness",
            nullable=True,
        ),
        Column("block", pl.Binary, Privacy.TXID, "hash of its block, wire order"),
        Column("height", pl.Int64, Privacy.PLACE, "height of its block"),
        Column("position", pl.Int64, Privacy.PLACE, "place in the block, from 0"),
        Column("time", TIME, Privacy.TIME, "time of its block"),
        Column("version", pl.Int64, Privacy.NUMBER, "version field, as a signed 32-bit integer"),
        Column("locktime", pl.Int64, Privacy.NUMBER, "nLockTime"),
        Column("size", pl.Int64, Privacy.NUMBER, "serialised size with witnesses", "bytes"),
        Column("weight", pl.Int64, Privacy.NUMBER, "3 x stripped size + size", "weight units"),
        Column("input_count", pl.Int64, Privacy.NUMBER, "inputs; 0 for a coinbase"),
        Column("output_count", pl.Int64, Privacy.NUMBER, "outputs"),
        Column("output_value", pl.Int64, Privacy.AMOUNT, "sum of the outputs", "base units"),
        Column("coinbase", pl.Boolean, Privacy.FLAG, "true for the origin of new coins"),
    ),
)

INPUTS = Table(
    "inputs",
    ("chain", "tx", "n"),
    "One row per input. A coinbase has none.",
    (
        CHAIN,
        _TX,
        _IN,
        Column("prev_txid", pl.Binary, Privacy.TXID, "txid of the output it spends, wire order"),
        Column("prev_n", pl.Int64, Privacy.PLACE, "place of the output it spends"),
        Column("prev_tx", pl.Int64, Privacy.PLACE, "number of that transaction", nullable=True),
        Column("value", pl.Int64, Privacy.AMOUNT, "value it spends", "base units", nullable=True),
        Column(
            "address", pl.Binary, Privacy.PARTY, "address of the output it spends", nullable=True
        ),
        Column.text("script_kind", "kind of the output it spends"),
        Column("sequence", pl.Int64, Privacy.NUMBER, "nSequence"),
        Column(
            "sighash",
            pl.String,
            Privacy.TEXT,
            "distinct flags of its signatures, sorted, by commas (ALL, SINGLE|ANYONECANPAY, ...);"
            " UNSIGNED where all that unlocks it was read and holds none; else null",
            nullable=True,
        ),
        Column(
            "address_basis",
            pl.String,
            Privacy.WORD,
            "read: the output was read or stated; revealed: only the unlocking script names it;"
            " disputed: it was read, and the unlocking script names another; else null",
            nullable=True,
        ),
        Column(
            "quorum",
            pl.String,
            Privacy.TEXT,
            "signatures and keys that its key or script asks for (1-of-1, 2-of-2, ...), other of a"
            " script that is no plain multisig; null where none showed itself",
            nullable=True,
        ),
    ),
)

OUTPUTS = Table(
    "outputs",
    ("chain", "tx", "n"),
    "One row per output.",
    (
        CHAIN,
        _TX,
        _OUT,
        Column("value", pl.Int64, Privacy.AMOUNT, "value", "base units"),
        Column(
            "script_kind",
            pl.String,
            Privacy.TEXT,
            "p2pkh, p2sh, p2sh32, p2wpkh, p2wsh, p2tr, p2a, witness_unknown, p2pk, multisig,"
            " null_data (its value is burnt), mweb_pegin, mweb_hogaddr (into extension blocks, and"
            " all that lies there) or nonstandard",
        ),
        Column(
            "address",
            pl.Binary,
            Privacy.PARTY,
            "canonical address; null where there is none",
            nullable=True,
        ),
        Column(
            "script",
            pl.Binary,
            Privacy.TEXT,
            "whole script, kept where address is null or tokens stand before what locks it",
            nullable=True,
        ),
        Column(
            "spendable",
            pl.Boolean,
            Privacy.FLAG,
            "false for OP_RETURN, genesis, superseded coinbases",
        ),
    ),
)

_KEYS = (
    Column("k", pl.Int64, Privacy.PLACE, "place of the key in the script, from 0"),
    Column("required", pl.Int64, Privacy.NUMBER, "signatures that the script asks for"),
    Column("key", pl.Binary, Privacy.TEXT, "public key as it stands in the script"),
)

OUTPUT_KEYS = Table(
    "output_keys",
    ("chain", "tx", "n", "k"),
    "Public keys of outputs without an address (P2PK, bare multisig); one owner is not assumed.",
    (CHAIN, _TX, _OUT, *_KEYS),
)

INPUT_KEYS = Table(
    "input_keys",
    ("chain", "tx", "n", "k"),
    "Public keys of the plain multisig behind a hash that an input unlocks (P2SH, P2WSH), where"
    " they showed themselves; one owner is not assumed. What else unlocks an input has no row.",
    (CHAIN, _TX, _IN, *_KEYS),
)

COVERAGE = Table(
    "coverage",
    ("chain", "unit"),
    "What has been read, from whom: one row per unit of reading (a block, a history, a dump).",
    (
        CHAIN,
        Column(
            "unit",
            pl.String,
            Privacy.TEXT,
            "block/<hash>, part/<hash>, internal/<hash>, logs/<edition>/<hash>,"
            " address/<canonical bytes>/<tip>,"
            " script/<sha256>/<tip>, transaction/<block>/<txid>,"
            " dump/<sha256>/<part>[/<address>[/<contract>]]"
            " (of a block without its parent dump/<sha256>/<hash>/<rest of its header>),"
            " dump/<sha256>[:<kind>]/apart/<why>[/<paid or got>/<address>[/<contract>]] or, of a"
            " file what gave no block, gap/<file>/<first byte>/<bytes>, and so damaged/, cut/ and"
            " unplaced/, address/<canonical bytes>/<tip>/unread/<paid, got or token>/[<contract>]"
            " (of what a list tells and cannot be read),"
            " prices/<publisher>/<asset>/<contract>/<currency>/<span>/<first>/<until>,"
            " budget/<address>/<turn>/<readings of it by then>; hashes as shown",
        ),
        Column(
            "kind",
            pl.String,
            Privacy.KIND,
            "block, part (a block of which a transaction may be lacking), internal (the calls in"
            " it), logs (of its contracts, of all events that an edition lists), address,"
            " native (an address in its coin alone), script, transaction, dump,"
            " apart (rows of a dump, or of a list of an address, that are no transfer); of a file"
            " gap (bytes of no block),"
            " damaged (a block that fails a check), cut (one that the file ends within) or unplaced"
            " (one whose height nothing says); prices (of a table or server: nothing of the chain);"
            " budget (an address that a trace would have asked for when its budget of requests was"
            " spent)",
        ),
        Column(
            "height", pl.Int64, Privacy.PLACE, "height of the block, or of the tip", nullable=True
        ),
        Column(
            "block",
            pl.Binary,
            Privacy.TXID,
            "hash of the block; of a history, of the tip then",
            nullable=True,
        ),
        Column(
            "address",
            pl.Binary,
            Privacy.PARTY,
            "address whose history was read, that rows set apart name, or that a budget left",
            nullable=True,
        ),
        Column(
            "contract",
            pl.Binary,
            Privacy.CONTRACT,
            "only this token was read; null is any asset",
            nullable=True,
        ),
        Column("from_time", TIME, Privacy.TIME, "first moment the unit speaks of", nullable=True),
        Column("to_time", TIME, Privacy.TIME, "last moment the unit speaks of", nullable=True),
        Column(
            "complete",
            pl.Boolean,
            Privacy.FLAG,
            "the source claims all of it; null where it does not say; of a budget that it no longer"
            " leaves the address",
            nullable=True,
        ),
        Column(
            "apart",
            pl.Int64,
            Privacy.NUMBER,
            "rows of the dump that were set apart for this reason",
            nullable=True,
        ),
        Column(
            "amount",
            AMOUNT,
            Privacy.AMOUNT,
            "what rows set apart moved; null where that cannot be read",
            "base units",
            nullable=True,
        ),
        Column("source", pl.String, Privacy.TEXT, "source, as it names itself"),
        Column(
            "answer", pl.Binary, Privacy.DIGEST,
            "digest of the raw bytes in answers; empty where nothing was asked",
        ),
    ),
)  # fmt: skip

ANSWERS = Table(
    "answers",
    ("digest", "request"),
    "Each raw reply or file that was read, so that what was read can be shown.",
    (
        Column("digest", pl.Binary, Privacy.DIGEST, "SHA-256 of the raw bytes"),
        Column("source", pl.String, Privacy.TEXT, "source, as it names itself"),
        Column(
            "request",
            pl.String,
            Privacy.TEXT,
            "what was asked for; a file's name without its folder",
        ),
        Column(
            "host", pl.String, Privacy.TEXT, "host that answered; null for a file", nullable=True
        ),
        Column("time", TIME, Privacy.TIME, "time of acquisition: evidence, and digested"),
        Column("size", pl.Int64, Privacy.NUMBER, "raw size", "bytes"),
        Column(
            "body", pl.Binary, Privacy.STRANGER, "the raw bytes where they are kept", nullable=True
        ),
    ),
)

TAGS = Table(
    "tags",
    ("chain", "address", "label", "concept", "source", "pack", "first_day", "last_day"),
    "Attributions: who says that an address is what. One row per concept.",
    (
        CHAIN,
        Column("address", pl.Binary, Privacy.PARTY, "canonical address"),
        Column("label", pl.String, Privacy.NAME, "name the source gives"),
        Column(
            "concept", pl.String, Privacy.WORD, "concept id (exchange, vendor, ...)", nullable=True
        ),
        Column(
            "actor",
            pl.String,
            Privacy.NAME,
            "id of the actor, one for all its wallets",
            nullable=True,
        ),
        Column("source", pl.String, Privacy.TEXT, "where it was published"),
        Column(
            "confidence", pl.String, Privacy.WORD, "TagPack level, e.g. authority_data, unknown"
        ),
        Column("level", pl.Int64, Privacy.NUMBER, "the same as a number", "0 to 100"),
        Column(
            "first_day", pl.Date, Privacy.TEXT, "first valid day; null is undated", nullable=True
        ),
        Column(
            "last_day",
            pl.Date,
            Privacy.TEXT,
            "last valid day; null is open or undated",
            nullable=True,
        ),
        Column("as_of", pl.Date, Privacy.TEXT, "day on which the source said so", nullable=True),
        Column("pack", pl.String, Privacy.TEXT, "file it came from"),
        Column.flag(
            "definer",
            "does the source offer it for the whole cluster of the address; null where it says"
            " nothing",
        ),
        Column.text("context", "anything else the source says, verbatim"),
    ),
)

DAY, HOUR = "day", "hour"
"""How long a price holds for; the finest that is there is the one that counts."""

PRICES = Table(
    "prices",
    ("chain", "contract", "currency", "granularity", "time", "source"),
    "What one whole coin or token cost, by day or hour. A transfer has the price of the very hour,"
    " or else of the very day, in which it lies; never that of another.",
    (
        CHAIN,
        Column(
            "contract",
            pl.Binary,
            Privacy.CONTRACT,
            "token contract; null for the native asset",
            nullable=True,
        ),
        Column("currency", pl.String, Privacy.WORD, "ISO 4217 code, in capitals"),
        Column("granularity", pl.String, Privacy.WORD, "day or hour: how long it holds for"),
        Column("time", TIME, Privacy.TIME, "start of the day or hour (UTC) that it holds for"),
        Column(
            "price",
            pl.String,
            Privacy.TEXT,
            "price of one whole coin, exact: digits, and a point where need be",
            "currency",
        ),
        Column("source", pl.String, Privacy.TEXT, "who published it"),
    ),
)

TABLES: tuple[Table, ...] = (
    BLOCKS,
    TRANSACTIONS,
    INPUTS,
    OUTPUTS,
    OUTPUT_KEYS,
    INPUT_KEYS,
    TRANSFERS,
    APPROVALS,
    FREEZES,
    STAKES,
    CONTRACT_LOGS,
    COVERAGE,
    ANSWERS,
    TAGS,
    PRICES,
)
"""All tables, written out; a test proves the list complete."""

COMMITS = Table(
    "commits",
    ("commit",),
    "One row per commit, written last: the Delta version of every table makes it atomic.",
    (
        Column("commit", pl.Int64, Privacy.NUMBER, "number of the commit, from 1"),
        Column("parent", pl.Int64, Privacy.NUMBER, "commit it builds on; 0 for the first"),
        Column("source", pl.String, Privacy.TEXT, "source, as it names itself"),
        Column("chain", pl.String, Privacy.SIDE, "chain that was read"),
        Column("what", pl.String, Privacy.TEXT, "span or addresses, in words"),
        Column("tip", pl.Binary, Privacy.TXID, "hash of the highest block read", nullable=True),
        Column("rows", pl.Int64, Privacy.NUMBER, "rows appended"),
        *(
            Column(
                f"{table.name}_version", pl.Int64, Privacy.NUMBER, f"Delta version of {table.name}"
            )
            for table in TABLES
        ),
    ),
)
