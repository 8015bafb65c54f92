"""Ledgers for rules on change, written by hand as ``conftest`` says, with what wallets leave.

A line ``! pay version=1 locktime=9 sequence=0 hours=200`` changes a transaction: its version, its
locktime, the sequence of its inputs, or the hours after the start at which its block was found. All
blocks from the first to the last are read whole, unless ``gaps`` says otherwise.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from hashlib import sha256

import polars as pl
from rule_cases import Case

from chainwatch.heuristics import change
from chainwatch.ledger.ledger import Ledger
from chainwatch.ledger.schema import BLOCKS, COVERAGE

START = datetime(2023, 6, 1, tzinfo=UTC)

Reader = Callable[[str], Ledger]


TWO = "pay: A=90 -> B=50 C=30\nnext: pay/0 -> D=40"
BOTH = "pay: A=90 -> B=50 C=30\nnext: pay/0 pay/1 -> data=0"

CASES = {
    "address_reuse": Case(
        change.address_reuse(), "pay: A=90 -> A=50 B=30", "pay: A=90 -> B=50 C=30"
    ),
    "address_type": Case(
        change.address_type(), "pay: A=90 -> B=50 C=30 data=0", "pay: A=90 pk:K=50 -> B=50 C=30"
    ),
    "optimal_change": Case(
        change.optimal_change(), "pay: A=90 B=80 -> C=100 D=60", "pay: A=90 B=80 -> C=85 D=81"
    ),
    "power_of_ten": Case(
        change.power_of_ten(), "pay: A=9000000 -> B=5000000 C=3999000",
        "pay: A=9000000 -> B=5000000 C=3000000",
    ),
    "fresh_address": Case(
        change.fresh_address(), "one: A=90 -> B=80\ntwo: C=70 -> B=50 D=10", "pay: A=90 -> A=80"
    ),
    "locktime": Case(
        change.locktime(), f"{TWO}\n! next locktime=5", f"{BOTH}\n! next locktime=5"
    ),
    "fixed_fee": Case(
        change.fixed_fee(),
        "pay: A=9000 -> B=5000 C=3000\nnext: pay/0 -> D=4000\nthird: pay/1 -> E=2500",
        "pay: A=9000 -> B=5000 C=3000\nnext: pay/0 pay/1 -> data=0",
    ),
    "peeling_chain": Case(
        change.peeling_chain(),
        "pay: A=90 -> B=50 C=30\nnext: pay/0 -> D=30 E=10\nlast: pay/1 -> F=20",
        "pay: A=90 B=10 -> C=50 D=30",
    ),
    "legacy": Case(
        change.legacy(), "pay: A=90 B=80 -> A=100 D=60", "pay: A=90 B=80 -> A=100 B=60"
    ),
    "one_time_change": Case(
        change.one_time_change(wait_days=0), "old: X=60 -> C=50\npay: A=90 -> C=50 D=30",
        "pay: A=90 -> A=80",
    ),
    "same_version": Case(
        change.same_version(), f"{TWO}\n! next version=1", f"{BOTH}\n! next version=1"
    ),
    "same_sequence": Case(
        change.same_sequence(), f"{TWO}\n! next sequence=9", f"{BOTH}\n! next sequence=9"
    ),
    "same_order": Case(
        change.same_order(), "pay: A=90 -> B=30 C=50\nnext: pay/0 -> D=20 E=5",
        "pay: A=90 -> B=30 C=50\nnext: pay/1 pay/0 -> data=0",
    ),
    "unnecessary_input": Case(
        change.unnecessary_input(), "pay: A=90 B=80 -> C=100 D=60", "new: coinbase -> A=50"
    ),
    "spent": Case(change.spent(), TWO, "pay: A=90 -> B=50"),
}  # fmt: skip
"""Every rule on outputs."""

AHEAD = {
    "fixed_fee", "locktime", "one_time_change", "peeling_chain", "same_order", "same_sequence",
    "same_version", "spent",
}  # fmt: skip
"""Rules whose answer may change as the chain grows."""


def ledger_with(read: Reader, text: str, *, gaps: tuple[int, ...] = ()) -> Ledger:
    """Return a ledger written by hand of which whole blocks were read.

    Parameters
    ----------
    read : callable
        The fixture ``small_ledger``.
    text : str
        Transactions, and lines that change them.
    gaps : tuple of int
        Heights of blocks that were not read whole; transactions stand at 1, 2, ...
    """
    lines = text.strip().splitlines()
    made = read("\n".join(line for line in lines if not line.strip().startswith("!")))
    frames = dict(made.frames or {})
    for line in lines:
        if line.strip().startswith("!"):
            _change(frames, *line.strip("! ").split())
    heights = frames["transactions"].select("height", "time", "chain")
    return Ledger.from_tables(frames | read_whole(heights, gaps))


def _change(frames: dict[str, pl.DataFrame], name: str, *items: str) -> None:
    txs = frames["transactions"]
    own = pl.col("txid") == sha256(f"transaction {name}".encode()).digest()
    (tx,) = txs.filter(own)["tx"]
    for key, _, value in (item.partition("=") for item in items):
        table, column = ("inputs", key) if key == "sequence" else ("transactions", key)
        new = pl.lit(int(value))
        if key == "hours":
            column, new = "time", pl.lit(START + timedelta(hours=int(value)))
        kind = frames[table].schema[column]
        told = pl.when(pl.col("tx") == tx).then(new.cast(kind)).otherwise(column).alias(column)
        frames[table] = frames[table].with_columns(told)


def read_whole(heights: pl.DataFrame, gaps: tuple[int, ...]) -> dict[str, pl.DataFrame]:
    """Return blocks and coverage of every height from 0 on; the test's blocks share one hash."""
    times = dict(heights.select("height", "time").iter_rows())
    chain, own = heights["chain"][0], bytes(32)
    blocks, units = [], []
    for height in range(max(times) + 1):
        if height in gaps:
            continue
        block = {"chain": chain, "height": height, "hash": own, "parent": own,
                 "time": times.get(height, START), "tx_count": 1, "size": 300}  # fmt: skip
        unit = {"chain": chain, "unit": f"block/{height}", "kind": "block", "height": height,
                "block": own, "complete": True, "source": "a test", "answer": own}  # fmt: skip
        blocks.append({name: block.get(name) for name in BLOCKS.schema})
        units.append({name: unit.get(name) for name in COVERAGE.schema})
    return {
        "blocks": pl.DataFrame(blocks, schema=BLOCKS.schema),
        "coverage": pl.DataFrame(units, schema=COVERAGE.schema),
    }
