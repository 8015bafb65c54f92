"""Inputs that were read whole and hold no signature: they show no key, and join nobody."""

from __future__ import annotations

import hashlib

import polars as pl
import pytest

import chainwatch as cw
from chainwatch.addresses.bip32 import hash160
from chainwatch.addresses.canonical import Kind
from chainwatch.addresses.scripts import script_of
from chainwatch.addresses.unlocking import UNSIGNED
from chainwatch.chains.catalogue import chain
from chainwatch.heuristics.keys.same_key import same_key
from chainwatch.heuristics.link_rules import PARTIAL
from chainwatch.ledger.index.index import build_index

HIDDEN = [b"\xa9\x14" + hash160(bytes([n])) + b"\x87" for n in range(3)]
"""Scripts that ask for the preimage of a hash: ``OP_HASH160 <hash> OP_EQUAL``."""

PROGRAMS = [b"\x00\x14" + hashlib.sha256(bytes([n])).digest()[:20] for n in range(3)]
"""Witness programs, which mean nothing where there is no segregated witness."""


def p2sh(script: bytes) -> bytes:
    return script_of(bytes((Kind.P2SH,)) + hash160(script))


@pytest.fixture
def unlocked(tmp_path, maker):
    """Return a ledger of a block in which scripts behind hashes are spent by pushes alone."""

    def make(alias, scripts, preimages):
        built = maker.Chain()
        for _ in range(3):
            built.add()
        txid, n, value = built.coins[0]
        each = value // len(scripts) - 1000
        pay = maker.spend([(txid, n)], [(each, p2sh(script)) for script in scripts])
        built.add([pay])
        unlocks = [
            b"".join(maker.sized(item) for item in (*before, script))
            for before, script in zip(preimages, scripts, strict=True)
        ]
        spent = b"".join(
            pay.txid + place.to_bytes(4, "little") + maker.sized(unlock) + b"\xff" * 4
            for place, unlock in enumerate(unlocks)
        )
        left = (len(scripts) * each - 5000).to_bytes(8, "little")
        raw = b"\x01\0\0\0" + bytes([len(scripts)]) + spent + b"\x01" + left
        raw += maker.sized(maker.p2pkh(99)) + bytes(4)
        built.add([maker.Made(raw, raw)])
        file = tmp_path / "b.dat"
        file.write_bytes(maker.framed(*built.blocks, magic=chain(alias).magic))
        cw.pull(tmp_path / "ledger", cw.BlockFiles(file, chain=alias))
        return cw.open_ledger(tmp_path / "ledger")

    return make


@pytest.mark.parametrize(
    ("alias", "scripts", "preimages"),
    [
        ("btc-regtest", HIDDEN, [(bytes([n]),) for n in range(3)]),
        ("bch-regtest", PROGRAMS, [()] * 3),
    ],
)
def test_what_no_signature_unlocks_joins_nobody(unlocked, alias, scripts, preimages):
    ledger = unlocked(alias, scripts, preimages)
    assert ledger.inputs.collect()["sighash"].to_list()[-3:] == [UNSIGNED] * 3
    for unread_flags in ("by_height", "join", "undecided"):
        links = cw.co_spends(ledger, unread_flags=unread_flags).frame
        assert links.select("rule", "veto").rows() == [(PARTIAL, None)] * 2
    assert cw.owners(ledger).frame.is_empty()


def test_by_an_index_it_is_the_same(unlocked):
    ledger = unlocked("btc-regtest", HIDDEN, [(bytes([n]),) for n in range(3)])
    before = cw.co_spends(ledger).frame
    build_index(ledger)
    again = cw.co_spends(ledger)
    assert again.columns is not None
    assert again.frame.equals(before)


@pytest.mark.parametrize(("alias", "count"), [("btc", 1), ("ltc", 1), ("bch", 0), ("doge", 0)])
def test_one_key_is_nested_only_where_a_program_locks(real_ledger, alias, count):
    key = hash160(b"a key")
    paid = [(5, script_of(bytes((Kind.P2PKH,)) + key)), (6, p2sh(b"\x00\x14" + key))]
    ledger = real_ledger([(b"\1" * 32, None, paid)], alias)
    assert same_key(ledger).frame.height == count


def test_one_signature_of_an_address_binds_it(real_ledger, named):
    """An address that signs the whole with one input is bound, whatever its others hold."""
    spent = [
        (5, script_of(named("A")), None, "ALL"), (5, script_of(named("A")), None, UNSIGNED),
        (5, script_of(named("B")), None, "ALL"),
    ]  # fmt: skip
    links = cw.co_spends(real_ledger([(b"\1" * 32, spent, [(1, b"\x51")])]))
    assert links.frame["veto"].to_list() == [False]
    assert links.frame.filter(pl.col("rule") == PARTIAL).is_empty()
