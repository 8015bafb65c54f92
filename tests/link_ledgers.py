"""Random ledgers for links: few addresses, values that repeat, inputs not read or nameless."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from hashlib import sha256
from random import Random
from typing import Any

import polars as pl

from chainwatch.addresses.scripts import script_of
from chainwatch.ledger import schema
from chainwatch.ledger.ledger import Ledger

START = datetime(2023, 6, 1, tzinfo=UTC)
"""Time of the block at height 0; one block an hour."""

TRANSACTIONS = 40
_QUORA = ("1-of-1", "1-of-1", "1-of-1", "1-of-1", None, None, "2-of-2", "2-of-3")
_FLAGS = ("ALL", "ALL", "ALL", "DEFAULT", None, "SINGLE|ANYONECANPAY", "ALL,NONE", "NONE")
ANCHOR = bytes.fromhex("51024e73")
OPEN = bytes.fromhex("a914da1745e9b549bd0bfa1a569971c77eba30cd5a4b87")
"""Scripts that ask for no key: pay-to-anchor, and P2SH of OP_1."""


def random_ledger(make: Callable[..., Ledger], seed: int, alias: str = "btc") -> Ledger:
    """Return a ledger in memory, always the same of one seed.

    Parameters
    ----------
    make : callable
        The fixture ``real_ledger``.
    seed : int
        Which.
    alias : str
        Its chain.
    """
    rng = Random(seed)  # noqa: S311 - the same each time
    scripts = [_script(rng, seed, n) for n in range(rng.choice([8, 15, 40]))]
    values = [1_000, 50_000, 50_000, 70_000, 123_456]
    rows: list[tuple[bytes, Any, Any]] = []
    for n in range(TRANSACTIONS):
        txid = sha256(f"{seed} {n}".encode()).digest()
        spent = None
        if n:
            spent = [_input(rng, rows, scripts) for _ in range(rng.choice([1, 1, 2, 2, 3, 5, 9]))]
        paid = [
            (rng.choice([*values, rng.randrange(3_000, 90_000)]), rng.choice(scripts))
            for _ in range(rng.choice([1, 2, 2, 3, 5, 6]))
        ]
        rows.append((txid, spent, paid))
    ledger = make(rows, alias)
    assert ledger.frames is not None
    return Ledger(frames={**ledger.frames, "inputs": _signed(rng, ledger.frames["inputs"])})


def _signed(rng: Random, inputs: pl.DataFrame) -> pl.DataFrame:
    """Return inputs with flags, and with addresses that only what unlocks them names.

    In some transactions all sign alike, in others each as he likes, one address in several ways.
    """
    alike = {tx: rng.choice(_FLAGS) for tx in inputs["tx"].unique().sort()}
    known = [one for one in inputs["address"].unique().sort().to_list() if one]
    flags, addresses, bases = [], [], []
    for tx, address, value in inputs.select("tx", "address", "value").rows():
        flags.append(alike[tx] if rng.random() < 0.7 else rng.choice(_FLAGS))
        named = address or (rng.choice(known) if value is None and rng.random() < 0.5 else None)
        addresses.append(named)
        shown = address is None or rng.random() < 0.1
        bases.append(None if named is None else schema.REVEALED if shown else schema.READ)
    return inputs.with_columns(
        pl.Series("sighash", flags, pl.String),
        pl.Series("address", addresses, pl.Binary),
        pl.Series("address_basis", bases, pl.String),
        pl.Series("quorum", [rng.choice(_QUORA) for _ in flags], pl.String),
    )


def _script(rng: Random, seed: int, n: int) -> bytes:
    draw = rng.random()
    if draw < 0.05:
        return rng.choice([ANCHOR, OPEN])
    if draw < 0.12:
        return b"\x21\x02" + sha256(f"key {seed} {n}".encode()).digest() + b"\xac"
    kind = rng.choice([1, 2, 3, 4, 5])
    size = 32 if kind in (4, 5) else 20
    return script_of(bytes([kind]) + sha256(f"{seed} {n}".encode()).digest()[:size])


def _input(rng: Random, rows: Any, scripts: list[bytes]) -> tuple[Any, ...]:
    """Return an input: read, not read, or left to the ledger to find."""
    draw = rng.random()
    if draw < 0.1:
        return (None, None)
    if draw < 0.3:
        txid, _, paid = rng.choice(rows)
        return (None, None, (txid, rng.randrange(len(paid) + 1)))
    return (rng.choice([50_000, 70_000, rng.randrange(1_000, 90_000)]), rng.choice(scripts))
