"""The simulated theft: its bytes, its chain, and the thief's books."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

import polars as pl
import pytest

from chainwatch.errors import ConservationError
from chainwatch.simulate.theft import SAVINGS, Theft, _Books, theft
from chainwatch.simulate.transactions import Lock, Output, Transaction


@pytest.fixture(scope="module")
def made() -> Theft:
    return theft()


def test_the_same_seed_gives_the_same_bytes(made: Theft) -> None:
    assert theft().blocks == made.blocks
    assert theft(40).blocks != made.blocks
    told = hashlib.sha256(made.blocks).hexdigest()
    assert told == "7a297ed735e6385c8dcbe944b8c79e6aa62bc4483dec6b748b6fa25b28790a86"


def test_the_books_add_up_to_what_was_stolen(made: Theft) -> None:
    books = made.books()
    assert sum(books.values()) == made.amount == made.loot["amount"].sum()
    assert books == {
        "Harbour": 138_000_000, "Helper": 57_000_000, "Kiln": 20_000_000,
        "Northbank": 161_999_602, "Thief": 122_868_823, "coinjoin maker": 108_000,
        "miners": 20_871,
    }  # fmt: skip


def test_the_victim_lost_all_and_the_thief_added_his_savings(made: Theft) -> None:
    (taken,) = made.payments.filter(purpose="theft").iter_rows(named=True)
    assert (taken["from_owner"], taken["to_owner"]) == ("Victim", "Thief")
    assert taken["amount"] == made.amount
    assert made.coins.filter(owner="Victim")["spent_by"].null_count() == 0
    first = made.payments.filter(purpose="deposit", beneficiary="Thief").row(0, named=True)
    of_loot = made.loot.filter(txid=first["txid"], n=first["n"])["amount"].item()
    # His savings, less the fee for bringing both together, went out with it.
    assert 0 < SAVINGS + 2_000 - (first["amount"] - of_loot) < 5_000


def test_loot_lies_in_coins_that_hold_as_much(made: Theft) -> None:
    coins = made.coins.select("txid", "n", "value", "spent_by", coin_owner="owner")
    rows = made.loot.filter(pl.col("n") >= 0).join(coins, on=["txid", "n"], how="left")
    assert (rows["amount"] <= rows["value"]).all()
    assert (rows["owner"] == rows["coin_owner"]).all()
    kept = rows.filter(owner="Thief")
    assert kept["spent_by"].null_count() == kept.height > 0


def test_an_independent_reader_reads_the_chain(
    made: Theft, reading: Callable[[bytes], list[Any]]
) -> None:
    chain = reading(made.blocks)
    ids = {tx.txid for block in chain for tx in block.txs}
    assert {*made.payments["txid"]} <= ids
    (mix,) = [tx for block in chain for tx in block.txs if tx.txid == made.mix]
    values = [value for value, _ in mix.outputs]
    assert values.count(10_000_000) == 10


def test_books_that_do_not_add_up_are_refused() -> None:
    paid = Transaction((), (Output(5, Lock("p2wpkh", b""), "payment"),))
    with pytest.raises(ConservationError, match="books"):
        _Books().write(paid, {0: 6})
    with pytest.raises(ConservationError, match="books"):
        _Books().write(paid, {0: 5})
