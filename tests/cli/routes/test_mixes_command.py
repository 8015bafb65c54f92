"""``chainwatch mixes``: what the library says of the mixes of a ledger, and of one transaction."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl

import chainwatch as cw

Run = Callable[..., tuple[int, str, str]]


def test_the_mixes_of_a_ledger_and_the_interpretations_of_one(
    run: Run, otter_case: Any, working: None
) -> None:
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


def test_which_transactions_are_mixes_is_withheld_where_somebody_is_masked(
    run: Run, otter_case: Any, tmp_path: Path
) -> None:
    where = ("--ledger", otter_case.ledger.store.path)
    found = cw.anonymity_sets(otter_case.ledger)
    status, out, err = run("mixes", *where, "--csv", tmp_path / "mixed.csv")
    assert (status, err) == (0, "")
    assert out.splitlines()[0] == repr(found)
    for txid in found.frame["txid"].unique():
        assert txid[::-1].hex() not in out
        assert txid.hex() not in out
    mixes = found.frame.filter("is_mix")
    for (protocols,), rows in mixes.group_by("protocols"):
        many, values = rows["tx"].n_unique(), rows.unique(["tx", "value"]).height
        assert f"{many} mix{'es' if many > 1 else ''} ({protocols}), {values} value" in out
    rows = pl.read_csv(tmp_path / "mixed.csv", infer_schema=False)
    assert rows.height == found.frame.height
    assert set(rows["txid"]) == {txid[::-1].hex() for txid in found.frame["txid"]}
    assert run("mixes", *where, "--csv", tmp_path / "mixed.csv")[0] == 1
    status, _, err = run("mixes", rows["txid"][0], *where, "--csv", tmp_path / "one.csv")
    assert status == 1
    assert "leave one of them out" in err
