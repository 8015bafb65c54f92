"""The first payments of Bitcoin, followed to the end of what is read: blocks 0 to 438 of 2009.

The 50 bitcoin that block 9 made were paid on in blocks 170 to 248, each time from one coin and
without a fee, so that every policy must say the same. The amounts are those that any explorer of
the chain shows.
"""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

import chainwatch as cw
from chainwatch.tracing.arguments import policies_for
from chainwatch.tracing.result import Trace

BLOCK_9 = "0437cd7f8525ceed2324359c2d0ba26006d92d856a9c20fa0241106ee5a597c9"
TO_FINNEY = "f4184fc596403b9d638783cf57adfe4c75c605f6356fbc91338530e9831e9e16"
IN_181 = "a16f3ce4dd5deb92d98ef5cf8afeaf0775ebca408f708b2146c4fb42b41e14be"
IN_182 = "591e91f809d716912ca1d4a9295e70c3e78bab077683f79350f101da64588073"
IN_183 = "12b5633bad1f9c167d523ad1aa1947b2732a865bf5414eab2f9e5ae5d5c191ba"
IN_187 = "4385fcf8b14497d0659adccfe06ae7e38e0b5dc95ff8a13d7c62035994a0cd79"
IN_221 = "298ca2045d174f8a158961806ffc4ef96fad02d71a6b84d9fa0491813a776160"
IN_248 = "828ef3b079f9c23829c56fe86e85b4a69d9e06e5b54ea597eef5fb3ffef509fe"

COIN = 100_000_000

STEPS = {
    (TO_FINNEY, 0, 10, 1), (TO_FINNEY, 1, 40, 1), (IN_181, 0, 10, 2), (IN_181, 1, 30, 2),
    (IN_182, 0, 1, 3), (IN_182, 1, 29, 3), (IN_183, 0, 1, 4), (IN_183, 1, 28, 4),
    (IN_187, 0, 1, 5), (IN_221, 0, 1, 4), (IN_248, 0, 10, 5), (IN_248, 1, 18, 5),
}  # fmt: skip
"""Transaction, output, bitcoin that moved there, and the how manieth payment it is."""

LIE = {(TO_FINNEY, 0): 10, (IN_181, 0): 10, (IN_187, 0): 1, (IN_221, 0): 1, (IN_248, 0): 10,
       (IN_248, 1): 18}  # fmt: skip
"""Where all 50 lie at block 438."""


@pytest.fixture(scope="module")
def blocks(real_data: Path) -> list[bytes]:
    raw, found, at = (real_data / "bitcoin" / "blocks" / "0-438.dat").read_bytes(), [], 0
    while at < len(raw):
        end = at + 8 + int.from_bytes(raw[at + 4 : at + 8], "little")
        found.append(raw[at:end])
        at = end
    return found


def pulled(folder: Path, blocks: list[bytes], height: int = 0) -> cw.Ledger:
    """Read blocks, the first of which stands at a height: none of that time says its own."""
    path = folder / f"{height}.dat"
    path.write_bytes(b"".join(blocks))
    cw.pull(folder / "ledger", cw.BlockFiles(path, chain="btc", height=height), progress=False)
    return cw.open_ledger(folder / "ledger")


@pytest.fixture(scope="module")
def ledger(blocks: list[bytes], tmp_path_factory: pytest.TempPathFactory) -> cw.Ledger:
    return pulled(tmp_path_factory.mktemp("first"), blocks)


def lie(trace: Trace) -> dict[tuple[str, int], int]:
    """Return where value lies unspent, in bitcoin."""
    rows = trace.ends.filter(reason="unspent").select("txid", "n", "amount").iter_rows()
    return {(txid[::-1].hex(), n): int(amount) // COIN for txid, n, amount in rows}


@pytest.mark.parametrize("policy", policies_for("btc"), ids=lambda one: one.name)
def test_the_coin_of_block_9_by_every_policy(ledger: cw.Ledger, policy: object) -> None:
    found = cw.trace(ledger, f"{BLOCK_9}:0", policy=policy)  # type: ignore[arg-type]  # one of them
    steps = {
        (txid[::-1].hex(), n, int(amount) // COIN, hop)
        for txid, n, amount, hop in found.steps.select("txid", "n", "amount", "hop").iter_rows()
    }
    assert steps == STEPS
    assert lie(found) == LIE
    assert found.ends.height == len(LIE)
    assert found.amount == 50 * COIN
    assert set(found.ends["as_of"]) == {438}


@pytest.mark.parametrize("policy", policies_for("btc", "backward"), ids=lambda one: one.name)
def test_backward_each_of_them_comes_from_block_9(ledger: cw.Ledger, policy: object) -> None:
    for (txid, n), amount in LIE.items():
        found = cw.trace(
            ledger, f"{txid}:{n}", policy=policy, direction="backward",  # type: ignore[arg-type]  # one of them
        )  # fmt: skip
        (end,) = found.ends.iter_rows(named=True)
        assert (end["reason"], end["txid"][::-1].hex()) == ("newly made", BLOCK_9)
        assert found.amount == amount * COIN
        assert int(end["amount"]) == (amount if found.conserves else 50) * COIN


def test_read_up_to_block_200_the_rest_is_unspent_as_of_then(
    blocks: list[bytes], tmp_path: Path
) -> None:
    found = cw.trace(pulled(tmp_path, blocks[:201]), f"{BLOCK_9}:0", policy="haircut")
    assert lie(found) == {
        (TO_FINNEY, 0): 10, (IN_181, 0): 10, (IN_182, 0): 1, (IN_183, 1): 28, (IN_187, 0): 1,
    }  # fmt: skip
    assert set(found.ends["as_of"]) == {200}


def test_without_block_183_its_coin_is_unspent_as_of_the_block_before(
    blocks: list[bytes], tmp_path: Path
) -> None:
    """29 were paid in 182; nothing says what became of them, though a later block was read."""
    pulled(tmp_path, blocks[:183])
    found = cw.trace(pulled(tmp_path, blocks[184:], 184), f"{BLOCK_9}:0", policy="fifo")
    assert lie(found) == {(TO_FINNEY, 0): 10, (IN_181, 0): 10, (IN_182, 1): 29, (IN_221, 0): 1}
    as_of = dict(found.ends.select("amount", "as_of").unique().iter_rows())
    assert as_of[29 * COIN] == 182
    assert found.amount == 50 * COIN


def test_finney_was_paid_ten_of_it_and_nothing_else_that_was_read(ledger: cw.Ledger) -> None:
    """His key's address received once; what came of it lies there at block 438."""
    (row,) = (
        cw.trace(ledger, f"{TO_FINNEY}:0", policy="lifo")
        .plain("ends").filter(pl.col("reason") == "unspent").iter_rows(named=True)
    )  # fmt: skip
    assert row["amount_coins"] == "10"
    assert "unspent as of block 438" in row["detail"]
