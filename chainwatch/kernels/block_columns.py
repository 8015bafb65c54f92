"""Columns and failure codes that compiled loops and their callers share, as plain numbers.

Compiled code knows no names: a table of the loops is a matrix of int64, one row per thing, and
these are its columns. Offsets are bytes of the joined data; a range ends before its ``_END``.
"""

from __future__ import annotations

HEADER_SIZE = 80

SMALLEST_TX, SMALLEST_INPUT, SMALLEST_OUTPUT = 60, 41, 9
"""Bytes that each needs at least: what bounds a count before it is believed."""

(
    BLOCK_BEGIN, BLOCK_END, BLOCK_TX, BLOCK_SCRIPT, BLOCK_SCRIPT_END, BLOCK_COMMITMENT,
    BLOCK_NONCE, BLOCK_WITNESSED, BLOCK_EXTENDED, BLOCK_COLUMNS,
) = range(10)  # fmt: skip
"""A block: its bytes, first transaction (a row), coinbase script, the 32 bytes by which it commits
to the witnesses and the 32 bytes beside them (-1 where there are none), any witness at all, an
extension block behind it."""

(
    TX_START, TX_BODY, TX_BODY_END, TX_END, TX_WITNESSED, TX_EXTENDED, TX_VERSION, TX_LOCKTIME,
    TX_VALUE, TX_FIRST_IN, TX_FIRST_OUT, TX_COLUMNS,
) = range(12)  # fmt: skip
"""A transaction: its bytes; inputs and outputs without what surrounds them; whether witnesses or
the marks of an extension block do; sum of the outputs."""

(
    IN_TX, IN_AT, IN_N, IN_SEQUENCE, IN_SCRIPT, IN_SCRIPT_END, IN_WITNESS, IN_COLUMNS,
) = range(8)  # fmt: skip
"""An input: its transaction (a row), where its outpoint stands, output spent, nSequence, script,
and where its witness begins (-1 without one)."""

OUT_TX, OUT_VALUE, OUT_SCRIPT, OUT_LOCK, OUT_SCRIPT_END, OUT_KIND, OUT_COLUMNS = range(7)
"""An output: its transaction (a row), value, script, where what locks it begins (behind tokens, if
it carries any), and kind of that."""

COIN_VALUE, COIN_SCRIPT, COIN_SCRIPT_END, COIN_KIND, COIN_COLUMNS = range(5)
"""What an input spent, as undo data says: value, script, and its kind. The node leaves out what
the commonest forms have in common: then the script begins where it would if it stood there whole.
Tokens before it are passed over.
"""

KINDS = (
    "nonstandard", "p2pkh", "p2sh", "p2wpkh", "p2wsh", "p2tr", "witness_unknown", "p2sh32", "p2pk",
    "multisig", "null_data", "nonstandard", "p2a", "mweb_hogaddr", "mweb_pegin",
)  # fmt: skip
"""Names of the kinds; 1 to 7 are the kind bytes of addresses, ``OVERSIZED`` can never be spent."""

NONSTANDARD, P2PK, MULTISIG, NULL_DATA, OVERSIZED, P2A, POOL, ENTRY = 0, 8, 9, 10, 11, 12, 13, 14
"""Kinds that are not the kind bytes of addresses; ``P2A`` is a witness program with a name."""

WITH_KEYS, HALF_KEY = 15, 16
"""These two stay inside, and the caller settles what they are: ``HALF_KEY`` is a public key of
which undo data keeps one coordinate."""

WITNESS, TOKENS, EXTENSION, FORK_ID = 1, 2, 4, 8
"""Forms that a chain gives a meaning, as in :class:`chainwatch.chains.base.Forms`."""

EXTENDED_FLAG = 0x08
"""Flag of the transaction that ends in an extension block."""

MARKS = 3
"""Bytes by which it is larger."""

(
    SHORT, LONG_FORM, BAD_FORM, NO_ROOM_TXS, NO_ROOM_INPUTS, NO_ROOM_OUTPUTS, NO_ROOM_BYTES,
    NO_ROOM_ITEMS, BAD_INPUTS, BAD_VALUE, BAD_OUTPUTS, NO_WITNESS, LEFT_OVER, BAD_COINBASE,
    NO_COINBASE, REPEATED, BAD_ROOT, NO_COMMITMENT, BAD_COMMITMENT, WITNESSES, OUT_OF_PLACE,
    WITHIN,
) = range(1, 23)  # fmt: skip

(
    UNDO_SHORT, UNDO_NO_ROOM, UNDO_LONG, UNDO_BAD_VALUE, UNDO_CUT, UNDO_LEFT_OVER, UNDO_OTHER,
    UNDO_TOO_MUCH, UNDO_TOO_LITTLE,
) = range(23, 32)  # fmt: skip

SENTENCES = {
    SHORT: "the block ends in the middle of a field",
    LONG_FORM: "a count is written longer than it need be",
    BAD_FORM: "a transaction has no inputs, or a form that is not supported",
    NO_ROOM_TXS: "{0:,} transactions cannot fit into the bytes that are left",
    NO_ROOM_INPUTS: "{0:,} inputs cannot fit into the bytes that are left",
    NO_ROOM_OUTPUTS: "{0:,} outputs cannot fit into the bytes that are left",
    NO_ROOM_BYTES: "{0:,} bytes cannot fit into the bytes that are left",
    NO_ROOM_ITEMS: "{0:,} witness items cannot fit into the bytes that are left",
    BAD_INPUTS: "a transaction has no input or spends an output twice",
    BAD_VALUE: "an output of {1:,} base units is outside the supply",
    BAD_OUTPUTS: "a transaction has no outputs or pays more than the supply",
    NO_WITNESS: "a transaction has the form with witnesses and no witness",
    LEFT_OVER: "{0:,} bytes follow the last transaction",
    BAD_COINBASE: "transaction {0} is a coinbase out of place",
    NO_COINBASE: "the block has no coinbase of a legal form",
    REPEATED: "transactions are repeated so as to keep the merkle root",
    BAD_ROOT: "the transactions do not hash to the merkle root",
    NO_COMMITMENT: "the coinbase does not commit to the witnesses",
    BAD_COMMITMENT: "the witnesses do not hash to the commitment of the coinbase",
    WITNESSES: "a transaction has witnesses, which this chain does not have",
    OUT_OF_PLACE: "a transaction ends in an extension block, and is not the last of several",
    WITHIN: "a transaction carries a part of an extension block, which no block has",
    UNDO_SHORT: "the undo data ends in the middle of a field",
    UNDO_NO_ROOM: "{0:,} entries cannot fit into the undo data",
    UNDO_LONG: "a number of the undo data is longer than any can be",
    UNDO_BAD_VALUE: "an amount of the undo data is outside the supply",
    UNDO_CUT: "the undo data ends in the middle of a script",
    UNDO_LEFT_OVER: "{0:,} bytes follow the undo data",
    UNDO_OTHER: "the undo data is not of the block that it belongs to",
    UNDO_TOO_MUCH: "transaction {2} spends more than the supply",
    UNDO_TOO_LITTLE: "transaction {2} pays more than its undo data lets it",
}
"""What each code says, with the number noted, without a sign {0} and with one {1}, or with the id
of the transaction whose row it is {2}."""
