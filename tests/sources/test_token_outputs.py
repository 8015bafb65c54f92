"""Outputs that carry tokens beside coins: what follows the tokens locks them."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import polars as pl
import pytest

import chainwatch as cw
from chainwatch.addresses.canonical import text
from chainwatch.ledger.ledger import Ledger

TOKENS = b"\xef" + b"\x22" * 32 + b"\x10\x07"
SCRIPT32 = hashlib.sha256(hashlib.sha256(b"a script").digest()).digest()
CASH = "bch-regtest"


def key(maker: ModuleType, number: int) -> bytes:
    return b"\x01" + bytes(maker.p2pkh(number)[3:23])


@pytest.fixture
def ledger(maker: ModuleType, put: Callable, tmp_path: Path) -> Ledger:
    """Return a chain in which tokens are paid to a key and to a long script, and both move on."""
    chain = maker.Chain()
    chain.add()
    txid, n, value = chain.coins[0]
    held = [(1_000, TOKENS + maker.p2pkh(5)), (5_000, b"\xaa\x20" + SCRIPT32 + b"\x87")]
    paid = maker.spend([(txid, n)], [*held, (value - 6_000, maker.p2pkh(6))])
    chain.add([paid])
    chain.add([maker.spend([(paid.txid, 0), (paid.txid, 1)], [(5_900, maker.p2pkh(9))])])
    path = put("blk00000.dat", maker.framed(*chain.blocks))
    cw.pull(tmp_path / "ledger", cw.BlockFiles(path, chain=CASH))
    return cw.open_ledger(tmp_path / "ledger")


def test_what_follows_the_tokens_locks_the_output(ledger: Ledger, maker: ModuleType) -> None:
    rows = ledger.outputs.filter(pl.col("value") < 6_000).sort("tx", "n").collect()
    assert rows.select("script_kind", "address", "script").rows() == [
        ("p2pkh", key(maker, 5), TOKENS + maker.p2pkh(5)),
        ("p2sh32", b"\x07" + SCRIPT32, None),
        ("p2pkh", key(maker, 9), None),
    ]
    spent = ledger.inputs.filter(pl.col("value") < 6_000).sort("n").collect()
    assert spent["address"].to_list() == [key(maker, 5), b"\x07" + SCRIPT32]
    assert cw.check(ledger).ok


def test_its_coins_are_shown_joined_and_followed(ledger: Ledger, maker: ModuleType) -> None:
    holder = text(key(maker, 5), CASH)
    assert holder.startswith("bchreg:q")
    assert "0.00001 rBCH" in repr(cw.show(ledger, holder))
    linked = cw.co_spends(ledger).frame.select("a", "b").rows()
    assert linked == [(key(maker, 5), b"\x07" + SCRIPT32)]
    found = cw.trace(ledger, [key(maker, 5)], policy="fifo", chain=CASH)
    assert set(found.ends["address"]) == {key(maker, 9)}
    assert int(found.amount) == 1_000
