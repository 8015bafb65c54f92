"""One row per transaction: sums, bounds and what is unknown, worked out by hand."""

from __future__ import annotations

from decimal import Decimal

import polars as pl
import pytest

from chainwatch.ledger.features import transactions
from chainwatch.ledger.ledger import Ledger

PARTS = ("transactions", "inputs", "outputs", "output_keys")

COLUMNS = [
    "inputs_unread", "input_value", "fee", "input_addresses", "inputs_nameless",
    "output_addresses", "equal_outputs", "equal_value",
]  # fmt: skip

CASES = {
    "coinbase -> A=5000": (0, None, None, 0, 0, 1, 1, 5000),
    "A=6000 B=4000 -> C=9900": (0, 10000, 100, 2, 0, 1, 1, 9900),
    "A=6000 A=4000 -> A=9900": (0, 10000, 100, 1, 0, 1, 1, 9900),
    "A=6000 ? -> C=9900": (1, None, None, 1, 0, 1, 1, 9900),
    "? ? -> C=9900": (2, None, None, 0, 0, 1, 1, 9900),
    "pk:A=6000 ms:B=4000 -> pk:C=9900": (0, 10000, 100, 0, 2, 0, 1, 9900),
    "A=9000 -> data=1000 C=8000": (0, 9000, 0, 1, 0, 1, 1, 8000),
    "A=9000 -> data=9000": (0, 9000, 0, 1, 0, 0, 0, None),
    "A=9000 -> C=2730 D=2730 E=3000": (0, 9000, 540, 1, 0, 3, 1, 3000),
    "A=9000 -> C=2730": (0, 9000, 6270, 1, 0, 1, 0, None),
    # Two values twice each: the larger speaks.
    "A=99000 -> C=3000 D=3000 E=8000 F=8000": (0, 99000, 77000, 1, 0, 4, 2, 8000),
    "A=99000 -> C=8000 D=8000 E=3000 F=3000": (0, 99000, 77000, 1, 0, 4, 2, 8000),
    # An address that is paid twice is one payee.
    "A=99000 -> C=8000 C=8000 D=3000 E=3000": (0, 99000, 77000, 1, 0, 3, 2, 3000),
}


@pytest.mark.parametrize("line", CASES)
def test_row(small_ledger, line):
    row = transactions(small_ledger(f"t: {line}")).select(COLUMNS).row(0)
    assert row == CASES[line]
    assert not any(isinstance(value, float) for value in row)


def test_an_empty_ledger_gives_the_same_columns(small_ledger):
    full, empty = transactions(small_ledger("t: A=6000 -> B=5900")), transactions(Ledger())
    assert empty.height == 0
    assert empty.schema == full.schema


def test_inputs_without_rows_are_unread(small_ledger):
    """A ledger that lacks the rows of inputs must not say that it read them."""
    ledger = small_ledger("t: A=90000 B=90000 C=90000 -> X=80000 Y=80000 Z=80000")
    bare = Ledger.from_tables({**ledger.frames, "inputs": ledger.frames["inputs"].clear()})
    assert transactions(bare).select("inputs_unread", "input_value").row(0) == (3, None)


def test_what_is_read_later_is_filled_in(small_ledger):
    ledger = small_ledger("""
        first: A=9000 -> B=4000 C=4500
        then: first/0 first/1 -> D=8000
    """)
    row = transactions(ledger).select(COLUMNS).row(1)
    assert row == (0, 8500, 500, 2, 0, 1, 1, 8000)


def test_sums_do_not_wrap():
    top = 2**62
    chain = "bip122:0f9188f13cb7b2c71f2a335e3a4fc328"
    small = {"chain": [chain], "tx": [7]}
    moment = pl.Series([0]).cast(pl.Datetime("us", "UTC"))
    transaction = pl.DataFrame({
        **small, "txid": [bytes(32)], "wtxid": [None], "block": [bytes(32)], "height": [0],
        "position": [7], "time": moment, "version": [1], "locktime": [0], "size": [1],
        "weight": [4], "input_count": [3], "output_count": [0], "output_value": [0],
        "coinbase": [False],
    })  # fmt: skip
    inputs = pl.DataFrame({
        "chain": [chain] * 3, "tx": [7] * 3, "n": [0, 1, 2], "prev_txid": [bytes(32)] * 3,
        "prev_n": [0, 1, 2], "prev_tx": [1, 2, 3], "value": [top] * 3, "address": [None] * 3,
        "script_kind": ["p2pk"] * 3, "sequence": [0] * 3, "sighash": [None] * 3,
        "address_basis": [None] * 3, "quorum": [None] * 3,
    })  # fmt: skip
    ledger = Ledger.from_tables({"transactions": transaction, "inputs": inputs})
    assert transactions(ledger)["fee"].to_list() == [Decimal(3 * top)]


def test_rows_in_another_order_give_the_same_table(otter_case):
    ledger = otter_case.ledger
    tables = {name: ledger.table(name).collect() for name in PARTS}
    mixed = {name: rows.sample(fraction=1, shuffle=True, seed=7) for name, rows in tables.items()}
    assert transactions(Ledger.from_tables(mixed)).equals(transactions(ledger))
