"""Keys of multisigs behind a hash, as inputs show them: the same by both ways of reading blocks."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from types import ModuleType

import polars as pl
import pytest

from chainwatch.addresses.unlocking import Unlock, multisig_keys
from chainwatch.bitcoin.block_batch import RawBlock, check_blocks
from chainwatch.chains.base import Forms
from chainwatch.chains.catalogue import chain
from chainwatch.ingest.rows.blocks import frames_of_blocks
from chainwatch.ingest.source_file import FileRead

SIGNED = bytes.fromhex("3045022100") + b"\x11" * 32 + b"\x02\x20" + b"\x22" * 32 + b"\x01"
KEYS = [bytes([2 + n % 2]) + bytes([n]) * 32 for n in range(16)]
LONG = b"\x04" + b"\x09" * 64


def script(required: int, *keys: bytes, pushed: bytes = b"") -> bytes:
    """Return a multisig; ``pushed`` stands before the length of each key."""
    body = b"".join(pushed + bytes([len(key)]) + key for key in keys)
    return bytes([0x50 + required]) + body + bytes([0x50 + len(keys)]) + b"\xae"


def push(item: bytes) -> bytes:
    if len(item) > 255:
        return b"\x4d" + len(item).to_bytes(2, "little") + item
    return (b"\x4c" if len(item) > 75 else b"") + bytes([len(item)]) + item


SCRIPTS = {
    "two of three": (script(2, *KEYS[:3]), (2, KEYS[:3])),
    "one of one": (script(1, KEYS[0]), (1, KEYS[:1])),
    "fifteen of sixteen": (script(15, *KEYS), (15, KEYS)),
    "a long key": (script(2, KEYS[0], LONG, KEYS[1]), (2, [KEYS[0], LONG, KEYS[1]])),
    "the same key twice": (script(1, KEYS[4], KEYS[4]), (1, [KEYS[4], KEYS[4]])),
    "keys pushed by two bytes": (script(2, *KEYS[:2], pushed=b"\x4c"), (2, KEYS[:2])),
    "more than there are": (b"\x54" + script(2, *KEYS[:3])[1:], None),
    "and something else": (script(2, *KEYS[:2]) + b"\x75\x51", None),
    "one signature": (push(KEYS[0]) + b"\xac", None),
}  # fmt: skip


@pytest.mark.parametrize("name", SCRIPTS)
def test_keys_show_themselves_behind_every_hash(name: str) -> None:
    asked, expected = SCRIPTS[name]
    nested = b"\x00\x20" + hashlib.sha256(asked).digest()
    for unlock in (
        Unlock(b"\0" + push(SIGNED) + push(asked)),
        Unlock(b"", (b"", SIGNED, asked)),
        Unlock(push(nested), (b"", SIGNED, asked)),
    ):
        found = multisig_keys(unlock)
        assert (None if found is None else (found.required, list(found.keys))) == expected


def test_a_key_alone_bare_keys_and_a_foreign_program_show_no_multisig() -> None:
    for unlock in (
        Unlock(push(SIGNED) + push(KEYS[0])),
        Unlock(b"", (SIGNED, KEYS[0])),
        Unlock(b"\0" + push(SIGNED)),
        Unlock(b"", (b"\x77" * 64,)),
        Unlock(push(b"\x00\x20" + bytes(32)), (b"", SIGNED, SCRIPTS["two of three"][0])),
    ):
        assert multisig_keys(unlock) is None


def test_on_chains_with_tokens_keys_show_themselves_though_no_address_does() -> None:
    asked, (required, keys) = SCRIPTS["two of three"]
    unlock = Unlock(b"\0" + push(SIGNED) + push(asked))
    assert multisig_keys(unlock, forms=Forms.FORK_ID | Forms.TOKENS) == (required, tuple(keys))


def test_both_ways_of_reading_a_block_keep_the_same_keys(made: ModuleType) -> None:
    spent, txs, expected = [(b"\x01" * 32, 0), (b"\x02" * 32, 1)], [], []
    for asked, told in SCRIPTS.values():
        legacy = b"\0" + push(SIGNED) + push(asked)
        nested = push(b"\x00\x20" + hashlib.sha256(asked).digest())
        txs += [
            made.transaction(spent, [(5, b"\x51")], script=legacy),
            made.transaction(spent, [(5, b"\x51")], script=b"", witness=[b"", SIGNED, asked]),
            made.transaction(spent, [(5, b"\x51")], script=nested, witness=[b"", SIGNED, asked]),
        ]
        expected += 3 * [told]
    raw = [RawBlock(made.block(txs), "file", 0)]
    file = FileRead("file", bytes(32), 9, datetime(2024, 1, 1, tzinfo=UTC))
    ours, theirs = (
        frames_of_blocks(
            check_blocks(raw, chain("btc-regtest"), compiled=way), [3], [file], source="test"
        )["input_keys"]
        for way in (True, False)
    )
    assert ours.equals(theirs)
    rows = [
        (position, n, k, told[0], key)
        for position, told in enumerate(expected, 1)
        if told
        for n in range(2)
        for k, key in enumerate(told[1])
    ]
    placed = theirs.select(pl.col("tx") & 0xFFFFFF, "n", "k", "required", "key")
    assert placed.rows() == rows
