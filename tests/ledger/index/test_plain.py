"""What an index tells of transactions, plain ones and others, is what the tables tell of them."""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256
from random import Random
from typing import Any

import numpy as np
import polars as pl
import pytest
from link_ledgers import random_ledger

from chainwatch.addresses.scripts import script_of
from chainwatch.chains.bitcoin_cash import BITCOIN_CASH
from chainwatch.ledger import features
from chainwatch.ledger.among import among
from chainwatch.ledger.index.index import build_index
from chainwatch.ledger.index.plain import is_plain, plain_features
from chainwatch.ledger.index.repeated import is_told, repeated_features
from chainwatch.ledger.joint.protocols import STANDARD, WASABI_BASE, WASABI_COORDINATORS
from chainwatch.ledger.ledger import Ledger

_NOT_HELD = {"txid", "wtxid", "block", "position", "time", "locktime", "size", "weight",
             "spends_two_of_two"}  # fmt: skip
"""Columns of the ledger's transactions that an index is not asked for."""


def check(ledger: Ledger) -> tuple[int, int]:
    """Compare all transactions that are told of; return how many are plain, and how many not."""
    (index,) = build_index(ledger)
    places = np.arange(len(index.columns["tx_number"]), dtype=np.uint32)
    plain, told = is_plain(index, places), is_told(index, places)
    theirs = features.transactions(ledger)
    assert not (plain & ~told).any()  # who asks for the latter is told of the former as well
    compare(plain_features(index, places[plain]), theirs, _NOT_HELD)
    compare(repeated_features(index, places[told]), theirs, _NOT_HELD | {"whirlpool_descent"})
    return int(plain.sum()), int((told & ~plain).sum())


def compare(ours: pl.DataFrame, theirs: pl.DataFrame, lacking: set[str]) -> None:
    """Compare features of an index with those of the tables."""
    assert set(theirs.columns) - set(ours.columns) == lacking
    theirs = theirs.filter(pl.col("tx").is_in(ours["tx"].implode()))
    for name in ours.columns:
        assert ours[name].dtype == theirs[name].dtype, name
        assert ours[name].equals(theirs[name]), (name, ours[name], theirs[name])


@pytest.mark.parametrize("start", range(0, 60, 20))
def test_random_ledgers(start: int, real_ledger: Callable[..., Ledger]) -> None:
    counts = [check(random_ledger(real_ledger, seed)) for seed in range(start, start + 20)]
    assert sum(plain for plain, _ in counts) > 200
    assert sum(others for _, others in counts) > 20


def large_ones(make: Callable[..., Ledger], seed: int, alias: str) -> Ledger:
    """Return transactions of many inputs and outputs, of amounts that protocols of mixes use."""
    rng = Random(seed)  # noqa: S311 - the same each time
    values = [*STANDARD, *(WASABI_BASE << power for power in range(8)), 100_001, 1_000_010]
    values += [rng.randrange(1, 20_000_000) for _ in range(300)]
    coordinators = [script_of(address) for address in WASABI_COORDINATORS]
    rows: list[tuple[bytes, Any, Any]] = []
    for n in range(30):
        scripts = [
            script_of(bytes([kind]) + sha256(f"{seed} {n} {k}".encode()).digest()[:size])
            for k in range(40)
            for kind, size in [rng.choice([(1, 20), (2, 20), (3, 20), (4, 32), (5, 32)])]
        ]
        count = rng.choice([1, 5, 8, 30])
        paid = rng.sample(sorted(set(values)), count)
        if n % 3 == 0:
            paid.sort(reverse=True)
        outs = [(value, rng.choice([*scripts, *coordinators])) for value in paid]
        spent = [(rng.choice(values), rng.choice(scripts)) for _ in range(rng.choice([1, 5, 12]))]
        rows.append((sha256(f"{seed} {n}".encode()).digest(), spent if n else None, outs))
    return make(rows, alias)


@pytest.mark.parametrize("alias", ["btc", "ltc", "bch"])
def test_large_ones(alias: str, real_ledger: Callable[..., Ledger]) -> None:
    assert sum(check(large_ones(real_ledger, seed, alias))[0] for seed in range(4)) > 60


def test_what_is_not_plain(small_ledger: Callable[[str], Ledger]) -> None:
    ledger = small_ledger("""
        plain: A=60_000 B=50_000 -> C=100_000 D=9_000
        twice: A=60_000 B=50_000 -> C=50_000 D=50_000
        trifles: A=60_000 B=50_000 -> C=546 D=546
        data: A=60_000 B=50_000 -> C=100_000 data=0
        nameless: A=60_000 B=50_000 -> pk:C=100_000
        unread: A=60_000 ? -> C=100_000 D=9_000
        huge: A=3_000_000_000_000_000 B=1 -> C=5
    """)
    (index,) = build_index(ledger)
    places = np.arange(7, dtype=np.uint32)
    assert is_plain(index, places).tolist() == [True, False, False, False, False, True, False]
    assert is_told(index, places).tolist() == [True, True, True, True, False, True, False]


@pytest.mark.parametrize(("alias", "told"), [("bch", False), ("btc", True)])
def test_data_may_mark_a_fusion_where_wallets_do_that(
    alias: str, told: bool, real_ledger: Callable[..., Ledger]
) -> None:
    payee = script_of(bytes([1]) + bytes(20))
    note = (0, b"\x6a" + BITCOIN_CASH.fusion + b"\x20" + bytes(32))
    ledger = real_ledger([(b"\x07" * 32, [(9_000, payee)], [(8_000, payee), note])], alias)
    (index,) = build_index(ledger)
    assert is_told(index, np.arange(1, dtype=np.uint32)).tolist() == [told]
    check(ledger)


@pytest.mark.parametrize("seed", range(12))
def test_features_of_some_are_those_of_all(seed: int, real_ledger: Callable[..., Ledger]) -> None:
    """Looking at some transactions alone changes nothing of what is said of them."""
    ledger = random_ledger(real_ledger, seed)
    whole = features.transactions(ledger)
    some = whole["tx"].sample(12, seed=seed).sort()
    narrowed = among(ledger, {whole["chain"][0]: some})
    expected = whole.filter(pl.col("tx").is_in(some.implode()))
    assert features.transactions(narrowed).equals(expected)
    assert narrowed.history.transactions.collect().height == whole.height
