"""``chainwatch mixes``: what the library says of the mixes of a ledger, and of one transaction."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import polars as pl

import chainwatch as cw

Run = Callable[..., tuple[int, str, str]]


def test_the_mixes_of_a_ledger_and_the_interpretations_of_one(run: Run, otter_case: Any) -> None:
    where = ("--ledger", otter_case.ledger.store.path)
    status, out, err = run("mixes", *where)
    assert (status, err) == (0, "")
    found = cw.anonymity_sets(otter_case.ledger)
    mixed = found.frame.filter(pl.col("is_mix"))["txid"][0][::-1].hex()
    assert out.splitlines()[0] == repr(found)
    told = next(line for line in found.lines()["values of mixes"] if line.startswith(mixed))
    assert told in out
    assert set(found.lines()["errors"][:20]) <= set(out.splitlines())
    status, out, err = run("mixes", mixed, *where)
    assert (status, err) == (0, "")
    asked = cw.interpretations(otter_case.ledger, mixed)
    assert asked.count is not None
    assert out.splitlines()[: len(asked.lines())] == asked.lines()
    by_fees = cw.slots(otter_case.ledger, mixed)
    assert ("as a mix of JoinMarket" in out) == bool(by_fees.solutions)
    assert f": {asked.count:,}\n" in out
    assert (
        "unknown (it takes more than 1 steps of work)"
        in run("mixes", mixed, *where, "--limit", "1")[1]
    )
