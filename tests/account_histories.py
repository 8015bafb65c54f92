"""Random small histories of accounts for the laws of tracing: ties, lures, spans, gaps."""

from __future__ import annotations

from datetime import datetime, timedelta
from random import Random
from typing import Any

import polars as pl
from hypothesis import strategies as st

from chainwatch.ledger import schema
from chainwatch.ledger.ledger import Ledger

NAMES = ("a", "b", "c", "d", "s", "0", "pp.........xxxx", "qq.........xxxx")
"""Of two the addresses look alike; ``s`` is a service, ``0`` the zero address."""

_OFTEN = (*"abc" * 3, *NAMES)

TRIFLE = 2


@st.composite
def chances(draw: st.DrawFn) -> Random:
    """Draw a source of chance: of many small choices it makes lively histories."""
    return Random(draw(st.integers(0, 2**32 - 1)))  # noqa: S311 - the same each time


def history(
    chance: Random, *, largest: int = 9, transfers: int = 40, ties: bool = True
) -> list[tuple[Any, ...]]:
    """Return transfers for ``desk.paid``, in order; some bear the time of the one before."""
    minute, rows = 0, []
    for place in range(chance.randint(transfers // 3, transfers)):
        minute += chance.choice([1] * 9 + [0] if ties else [1])
        sender, receiver = (chance.choice(_OFTEN) for _ in range(2))
        rows.append((sender, receiver, chance.randint(0 if place else 1, largest), minute))
    return rows


def read_of(chance: Random) -> tuple[str, int | None]:
    """Return whose history was read, and up to which minute; None is to the end."""
    gaps = chance.sample("abcds0", chance.choice([0, 0, 1, 2]))
    return "".join(sorted(set("abcds0") - {*gaps})), chance.choice([None, None, None, 5])


def cut_short(ledger: Ledger, until: datetime | None) -> Ledger:
    """Return a ledger of which every history was read up to a time."""
    to_time = pl.lit(until, ledger.frames["coverage"]["to_time"].dtype)
    coverage = ledger.frames["coverage"].with_columns(to_time=to_time)
    return Ledger.from_tables({**ledger.frames, "coverage": coverage})


def with_rows_apart(ledger: Ledger, address: bytes, contract: bytes, amount: int) -> Ledger:
    """Return a ledger of which a row was set apart by which an address may have paid."""
    (chain,) = (one.id for one in ledger.chains)
    unit = {
        "chain": chain, "unit": f"dump/{'0' * 64}/apart/creation/paid/{address.hex()}",
        "kind": "apart", "source": "test", "address": address, "answer": bytes(32),
        "contract": contract, "apart": 1, "amount": amount,
    }  # fmt: skip
    more = pl.DataFrame([unit], schema=schema.COVERAGE.schema, orient="row")
    coverage = pl.concat([ledger.frames["coverage"], more])
    return Ledger.from_tables({**ledger.frames, "coverage": coverage})


def minutes(start: datetime, minute: int | None) -> datetime | None:
    """Return a time so many minutes after a start."""
    return None if minute is None else start + timedelta(minutes=minute)
