"""What a report says of value that ends *not read* is true of how each such end came about."""

from __future__ import annotations

from datetime import date
from typing import Any

import polars as pl
import pytest

from chainwatch.addresses.assets import native
from chainwatch.ledger.ledger import Ledger
from chainwatch.tracing.end_words import in_words
from chainwatch.tracing.stops import BASES, NOT_READ
from chainwatch.tracing.trace import trace

PAID = [("x", "a", 10), ("a", "b", 10)]


def headline(followed: Any) -> str:
    """Return what the first page says, and hold the frame's print to the same."""
    (finding,) = followed.findings(pl.DataFrame())
    bases = followed.ends.filter(reason=NOT_READ)["basis"].drop_nulls().unique().to_list()
    assert all(f"not read ({basis})" in repr(followed) for basis in bases)
    said: str = finding.headline
    return said.partition("consistent with: ")[2]


def coins(desk: Any, ledger: Ledger) -> str:
    return headline(trace(ledger, [desk.coin("a")], policy="fifo", chain="btc-regtest"))


def accounts(desk: Any, ledger: Ledger) -> str:
    return headline(trace(ledger, desk.account("a"), policy="fifo", asset=desk.asset))


MORE = (
    "Of 1 of 1 address of the subjects the history was not read, or not from its beginning: more"
    " may have come in."
)


def test_of_a_coin_whose_later_blocks_are_unread_nobody_says_that_it_was_sent_on(
    desk: Any,
) -> None:
    ledger = desk.coins([{"id": "in", "ins": [], "outs": [("a", 5), ("a", 3)]}])
    bare = Ledger.from_tables({
        name: frame for name, frame in ledger.frames.items() if name != "coverage"
    })  # fmt: skip
    assert coins(desk, bare) == (
        "0.00000008 rBTC in 2 coins of which it was not read whether spent or still unspent."
        f" {MORE}"
    )
    assert "unspent in 2 coins as of block 0" in coins(desk, ledger), "the same coins, known"


def test_a_coin_spent_beside_an_unread_input_is_said_to_be_spent(desk: Any) -> None:
    spent = {"id": "out", "ins": [("in", 0), ("?",)], "outs": [("y", 9)]}
    ledger = desk.coins([{"id": "in", "ins": [], "outs": [("a", 5)]}, spent])
    assert coins(desk, ledger) == (
        "0.00000005 rBTC spent together with inputs that were not read, and not followed behind"
        " them."
    )


def test_a_coin_that_is_spent_before_it_is_made_is_a_matter_for_check(desk: Any) -> None:
    ledger = desk.coins([
        {"id": "out", "ins": [("in", 0, 5, "a")], "outs": [("y", 5)]},
        {"id": "in", "ins": [], "outs": [("a", 5)]},
    ])  # fmt: skip
    assert "5 rBTC in 1 coin that the ledger spends before they are made: run check" in coins(
        desk, ledger
    )


@pytest.mark.parametrize(
    ("read", "until", "said"),
    [
        ("a", None, "10 TOK sent on to addresses whose history was not read."),
        ("ab", date(2023, 1, 1), "10 TOK sent on to addresses whose history was not read up to"),
        ("", None, "10 TOK sent on to addresses whose history was not read."),
    ],
)
def test_a_balance_sent_on(desk: Any, read: str, until: date | None, said: str) -> None:
    ledger = desk.paid(PAID, read=read)
    schema = dict(ledger.frames["coverage"].schema)
    cut = pl.when(pl.col("address") == desk.account("b")).then(pl.lit(until)).alias("to_time")
    ledger.frames["coverage"] = ledger.frames["coverage"].with_columns(cut.cast(schema["to_time"]))
    assert accounts(desk, ledger).startswith(said)


def test_what_is_left_of_an_unread_balance_is_neither_sent_on_nor_held(desk: Any) -> None:
    assert accounts(desk, desk.paid([("x", "a", 10), ("a", "b", 4)])) == (
        "6 TOK of which it was not read whether it was paid on or is still held; 4 TOK sent on to"
        f" addresses whose history was not read. {MORE}"
    )


@pytest.mark.parametrize("back", [False, True])
@pytest.mark.parametrize("basis", [None, *BASES])
def test_each_basis_makes_a_sentence(basis: str | None, back: bool) -> None:
    row = {"reason": NOT_READ, "service": None, "certainty": None, "basis": basis}
    row |= {"amount": 7, "ends": 2}
    said = in_words(row, native("btc"), " then", balances=False, back=back)
    assert not (back and "sent on" in said)
    assert said.startswith("0.00000007 BTC ")
    assert "{" not in said
