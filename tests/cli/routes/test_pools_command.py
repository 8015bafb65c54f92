"""``chainwatch pools``: what is read of pools, and of which deposits each withdrawal can be."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

import chainwatch as cw
from chainwatch.addresses.assets import native
from chainwatch.addresses.canonical import text, txid_text
from chainwatch.ledger import schema
from chainwatch.ledger.accounts.contract_events import POINTS_SWAPPED
from chainwatch.simulate.pools import SimulatedPools, simulate_pools

Run = Callable[..., tuple[int, str, str]]
COIN = native("eth")
START = datetime(2021, 1, 1, tzinfo=UTC)


def at(name: str) -> bytes:
    return b"\x10" + name.encode().rjust(20, b".")


def told(name: str) -> str:
    return text(at(name), "eth")


def txid(number: int) -> bytes:
    return bytes([number + 1]) * 32


MOVES = (
    ("a", "pool", 100), ("b", "pool", 100), ("a", "pool", 100), ("pool", "a", 100),
    ("pool", "x", 100), ("c", "alone", 7), ("alone", "y", 7), ("d", "pool", 99),
)  # fmt: skip
"""Of the pool of a hundred: three deposits, two withdrawals, one to who had paid in twice; of the
pool of seven a deposit and a withdrawal; and what is of another amount."""


def ledger_of(
    moves: Any, *, until: datetime | None = START + timedelta(days=9), logs: Any = ()
) -> cw.Ledger:
    rows = [
        {"chain": COIN.chain, "txid": txid(n), "kind": "internal", "trace_path": "0",
         "occurrence": 0, "height": 100 * n, "time": START + timedelta(hours=n), "sections": 1,
         "tx": schema.pack_tx(100 * n, 0), "sender": at(sender), "receiver": at(receiver),
         "amount": amount, "success": True, "order_uncertain": False}
        for n, (sender, receiver, amount) in enumerate(moves)
    ]  # fmt: skip
    covered = [
        {"chain": COIN.chain, "unit": "pool", "kind": "address", "address": at("pool"),
         "complete": True, "source": "test", "answer": bytes(32), "to_time": until}
    ]  # fmt: skip
    return cw.Ledger.from_tables({
        name: pl.DataFrame([{column: row.get(column) for column in table.schema} for row in of],
                           schema=table.schema, orient="row")
        for name, table, of in (("transfers", schema.TRANSFERS, rows),
                                ("coverage", schema.COVERAGE, covered),
                                ("contract_logs", schema.CONTRACT_LOGS, logs))
    })  # fmt: skip


POOLS = (f"{told('pool')}=0.0000000000000001", f"{told('alone')}=0.000000000000000007")
WHERE = ("--ledger", "l")
RATE = ("--rate", f"{told('pool')}=4")


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> None:
    """The command is what is tried here: whatever folder is named, the ledger is this one."""
    ledger = ledger_of(MOVES)
    monkeypatch.setattr(cw, "open_ledger", lambda _: ledger)


def test_each_withdrawal_has_its_deposits_and_what_ties_it_to_some(
    run: Run, opened: None, working: None
) -> None:
    status, out, err = run("pools", *POOLS, *WHERE)
    assert (status, err) == (0, "")
    lines = out.splitlines()
    assert lines[:3] == [
        f"pool {told('pool')} of 0.0000000000000001 ETH: 3 deposits, 2 withdrawals",
        "    no source claims to have told it from 2021-01-10 00:00:00 on",
        "    1 transfer of another amount apart",
    ]
    assert lines[3:5] == [
        f"pool {told('alone')} of 0.000000000000000007 ETH: 1 deposit, 1 withdrawal; one deposit,"
        " which nothing hides",
        "    no source claims to have told it from the beginning on",
    ]
    taken = txid_text(txid(3), "eth")
    place = lines.index(f"2021-01-01 03:00:00  {taken} from {told('pool')} to {told('a')}")
    first, second = (f"{txid_text(txid(n), 'eth')} by {told('a')}" for n in (0, 2))
    assert lines[place + 1 : place + 3] == [
        "    can be of each of 3 deposits before it, of which 3 were still there",
        f"    address match, 1/2: {first}, {second}",
    ]
    other = f"{txid_text(txid(4), 'eth')} from {told('pool')} to {told('x')}"
    place = next(n for n, line in enumerate(lines) if line.endswith(other))
    assert lines[place + 1].endswith("of which 2 were still there")
    found = cw.pool_withdrawals(
        ledger_of(MOVES),
        [cw.MixingPool(at("pool"), COIN, 100), cw.MixingPool(at("alone"), COIN, 7)],
    )
    assert out.endswith(repr(found) + "\n")
    assert "Of 1 pool no source claims to have told the whole history" in out


def test_who_is_tied_to_whom_is_withheld_where_somebody_is_masked(
    run: Run, opened: None, tmp_path: Path
) -> None:
    status, out, err = run("pools", *POOLS, *WHERE, "--csv", tmp_path / "taken.csv")
    assert (status, err) == (0, "")
    assert "address match: ties 1 withdrawal, worth 1/2 each; ids are withheld" in out
    assert "    no source claims to have told it from 2021-01 on" in out
    for name in ("a", "b", "c", "x", "y"):
        assert told(name) not in out
    for n in range(len(MOVES)):
        assert txid(n).hex() not in out
    rows = pl.read_csv(tmp_path / "taken.csv", infer_schema=False)
    assert set(rows["recipient"]) == {told("a"), told("x"), told("y")}
    assert run("pools", *POOLS, *WHERE, "--csv", tmp_path / "taken.csv")[0] == 1


def test_tables_of_prices_and_claims_are_read(
    run: Run, opened: None, working: None, tmp_path: Path
) -> None:
    gas, claims = tmp_path / "gas.csv", tmp_path / "claims.csv"
    price = "\n".join(f"{txid_text(txid(n), 'eth')},{7 if n in (1, 4) else 9}" for n in range(7))
    gas.write_text(f"txid,gas_price\n{price}\n", "utf-8")
    claims.write_text(
        "txid,recipient,points,height\n"
        f"{txid_text(bytes(31) + b'9', 'eth')},{told('q')},{400 * 4},\n", "utf-8"
    )  # fmt: skip
    asked = ("pools", *POOLS, *WHERE, "--gas-prices", gas, "--claims", claims)
    status, _, err = run(*asked)
    assert status == 1
    assert "--claims without --rate" in err
    status, out, err = run(*asked, "--rate", f"{told('pool')}=4")
    assert (status, err) == (0, "")
    tie = f"    claim of rewards, 1/1: {txid_text(txid(0), 'eth')} by {told('a')}"
    assert tie in out.splitlines()
    assert "Of 1 claim of rewards 1 fits one pair" in out
    assert "The price of gas was not read" not in out
    pl.read_csv(claims, infer_schema=False).write_parquet(tmp_path / "claims.parquet")
    again = run(*asked[:-1], tmp_path / "claims.parquet", "--rate", f"{told('pool')}=4")
    assert again[1] == out


def test_claims_are_read_from_the_logs_of_the_contract_that_pays_for_them(
    run: Run, monkeypatch: pytest.MonkeyPatch, working: None
) -> None:
    log = {"chain": COIN.chain, "txid": b"9" * 32, "log_index": 0, "height": 900,
           "contract": at("swap"), "topic0": POINTS_SWAPPED.topic,
           "topic1": bytes(12) + at("q")[1:],
           "data": (400 * 4).to_bytes(32, "big") + bytes(32)}  # fmt: skip
    ledger = ledger_of(MOVES, logs=[log])
    monkeypatch.setattr(cw, "open_ledger", lambda _: ledger)
    status, out, err = run("pools", *POOLS, *WHERE, *RATE, "--rewards", told("swap"))
    assert (status, err) == (0, "")
    assert f"    claim of rewards, 1/1: {txid_text(txid(0), 'eth')} by {told('a')}" in out
    assert "Of 1 claim of rewards 1 fits one pair" in out
    other = run("pools", *POOLS, *WHERE, *RATE, "--rewards", told("other"))[1]
    assert "Of 0 claims of rewards" in other


def test_where_deposits_are_missing_it_says_how_many(
    run: Run, monkeypatch: pytest.MonkeyPatch, working: None
) -> None:
    ledger = ledger_of([("a", "pool", 100), ("pool", "x", 100), ("pool", "y", 100)], until=None)
    monkeypatch.setattr(cw, "open_ledger", lambda _: ledger)
    out = run("pools", POOLS[0], *WHERE)[1]
    assert "    of how many deposits it can be is unknown: 1 deposit before it was not read" in out
    assert "no source claims to have told it" not in out


def test_many_withdrawals_are_cut_short_those_tied_to_few_first(
    run: Run, monkeypatch: pytest.MonkeyPatch, working: None
) -> None:
    made: SimulatedPools = simulate_pools(0)
    monkeypatch.setattr(cw, "open_ledger", lambda _: made.ledger)
    named = [f"{text(address, 'eth')}={amount / 10**18:g}" for address, _, amount in made.pools]
    status, out, err = run("pools", *named, *WHERE)
    assert (status, err) == (0, "")
    assert f"  and {made.truth.height - 20:,} more withdrawals" in out
    worth = [line for line in out.splitlines() if line.startswith("    ") and ", 1/" in line]
    assert worth[0].partition(", 1/")[2].startswith("1: ")
    assert out.splitlines()[0].startswith(f"pool {text(made.pools[0][0], 'eth')} of 0.1 ETH:")


def test_a_pool_of_a_token_is_named_with_its_contract(
    run: Run, opened: None, working: None
) -> None:
    token = told("token")
    status, out, _ = run("pools", f"{told('pool')}=100,{token},TOK,6", *WHERE)
    assert status == 0
    assert (
        out.splitlines()[0] == f"pool {told('pool')} of 100 of {token}: 0 deposits, 0 withdrawals"
    )


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["pool"], "'pool' names no pool; write ADDRESS=AMOUNT"),
        ([f"{told('pool')}="], "names no pool"),
        ([f"{told('pool')}=1,TOK"], "write --asset native"),
        ([f"{told('pool')}=1e3"], "is not an amount"),
        ([POOLS[0], POOLS[0]], "a pool stands there twice"),
        ([POOLS[0], "--rate", told("pool")], "names no rate; write --rate ADDRESS=POINTS"),
        ([POOLS[0], "--rate", f"{told('x')}=4"], "none of the pools"),
        ([POOLS[0], "--claims", "nowhere.csv", *RATE], "there is no file of claims"),
        ([POOLS[0], "--rewards", told("swap")], "--rewards without --rate"),
        ([POOLS[0], "--claims", "c.csv", "--rewards", told("swap")], "--claims and --rewards"),
        ([POOLS[0], "--gas-prices", "nowhere.csv"], "there is no file of gas prices"),
    ],
)
def test_what_does_not_fit_is_said(run: Run, opened: None, words: list[str], said: str) -> None:
    status, _, err = run("pools", *words, *WHERE)
    assert status == 1
    assert said in err


def test_a_ledger_of_several_chains_needs_one_named(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cw, "open_ledger", lambda _: cw.Ledger.from_tables({}))
    status, _, err = run("pools", POOLS[0], *WHERE)
    assert status == 1
    assert "name it with --chain" in err
