"""What a transaction looks like, worked out by hand; and whom a lone block cannot hide."""

from __future__ import annotations

from itertools import product

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainwatch.heuristics.coinjoin import JOINT, cash_fusion, denominated_mix, equal_outputs
from chainwatch.heuristics.rule import VERDICT, apply
from chainwatch.ledger.features import transactions
from chainwatch.ledger.ledger import Ledger

COUNTS = {
    "A=9 B=9 -> X=5 Y=8 data=0": {"payments": 2, "op_returns": 1, "output_min": 5, "output_max": 8,
                                  "inputs_named": 2, "inputs_p2wpkh": 2, "outputs_p2wpkh": 2},
    "A=9 pk:K=7 ? -> data=3": {"payments": 0, "output_min": None, "output_max": None,
                               "inputs_named": 1, "input_min": 7, "input_max": 9},
    "? ? -> X=5": {"inputs_named": 0, "input_min": None, "input_max": None, "foreign_outputs": 1},
    "coinbase -> X=5 Y=5": {"inputs_named": 0, "payments": 2, "foreign_outputs": 2},
    "A=9000 -> X=3000 Y=3000 Z=4000": {"repeated_values": 1, "single_values": 1, "inputs_equal": 0,
                                       "inputs_above": 1, "inputs_of_one": 1},
    "A=3000 A=3000 B=9000 ? -> X=3000 Y=3000": {"inputs_equal": 2, "inputs_above": 1,
                                                "inputs_of_one": 2, "repeated_values": 1},
    "A=9000 -> X=3000 Y=4000": {"inputs_equal": None, "inputs_of_one": None, "single_values": 2},
    "A=9000 -> X=8192 Y=8193 Z=5000 W=4096": {"outputs_standard": 2},
    # Three near 0.1, two near 0.2, one alone near 0.4.
    "A=99 -> U=9500000 V=10000000 W=10500000 X=19000000 Y=21000000 Z=40000000": {
        "level_outputs": 5, "level_most": 3},
    "A=99 -> U=9499999 V=10500001 W=18999999 X=21000001": {"level_outputs": 0, "level_most": 0},
}  # fmt: skip


@pytest.mark.parametrize("line", COUNTS)
def test_counts(small_ledger, line):
    row = transactions(small_ledger(f"t: {line}")).row(0, named=True)
    assert {name: row[name] for name in COUNTS[line]} == COUNTS[line]


ORDERS = {
    "A=5 B=4 C=3 D=2 E=1 -> V=5 W=5 X=3 Y=2 Z=1": (0, 0),
    "A=5 B=4 C=5 D=2 E=3 -> V=5 W=5 X=6 Y=2 Z=1": (2, 1),
    "A=5 B=4 ? D=2 E=1 -> V=5 W=5 X=3 Y=2 Z=1": (None, 0),
    "A=5 B=4 C=3 D=2 -> V=5 W=5 X=3 Y=2 Z=1": (None, None),
    "A=5 B=4 C=3 D=2 E=1 -> V=5 W=5 X=3 Y=2": (None, None),
}


@pytest.mark.parametrize("line", ORDERS)
def test_the_order_of_amounts(small_ledger, line):
    ledger = small_ledger(f"t: {line}")
    mixed = Ledger.from_tables({
        name: rows.sample(fraction=1, shuffle=True, seed=4) for name, rows in ledger.frames.items()
    })  # fmt: skip
    for one in (ledger, mixed):
        row = transactions(one).select("input_rises", "output_rises").row(0)
        assert row == ORDERS[line]


def test_outputs_of_kinds_that_no_input_has(real_ledger):
    key, nested, old = b"\x00\x14" + b"\1" * 20, b"\xa9\x14" + b"\2" * 20 + b"\x87", (
        b"\x76\xa9\x14" + b"\3" * 20 + b"\x88\xac"
    )  # fmt: skip
    cases = (
        ([key], [key, nested, old], 2), ([key, old], [key, nested, old], 1), ([nested], [key], 1),
        ([key], [key, key], 0), ([key, None], [nested, nested], 2),
    )  # fmt: skip
    for spent, paid, expected in cases:
        ledger = real_ledger([(bytes(32), [(9, one) for one in spent], [(4, one) for one in paid])])
        assert transactions(ledger)["foreign_outputs"].to_list() == [expected]


@pytest.mark.parametrize("rule", [cash_fusion(), denominated_mix()])
def test_what_only_some_chains_do_is_no_on_others(small_ledger, rule):
    """The amounts of Dash and the mark of Bitcoin Cash, on Bitcoin."""
    ledger = small_ledger(
        "fuse: A=90000 B=70000 -> data=0 X=60000 Y=50000 Z=40000\n"
        "mix: A=100001 B=100001 C=100001 -> X=100001 Y=100001 Z=100001"
    )
    marked = ledger.frames["outputs"].with_columns(
        pl.when(pl.col("script_kind") == "null_data")
        .then(pl.lit(b"\x6a\x04FUZ\0\x20" + bytes(32)))
        .otherwise("script")
        .alias("script")
    )
    older = ledger.frames["transactions"].with_columns(version=pl.lit(1, pl.Int64))
    one = Ledger.from_tables({**ledger.frames, "outputs": marked, "transactions": older})
    assert apply(transactions(one), rule)[VERDICT].to_list() == [False, False]


AMOUNTS = st.sampled_from([2_000, 9_000, 45_000, 80_000, 90_000, 170_000])


@given(
    brought=st.lists(st.tuples(st.sampled_from("ABCD"), AMOUNTS), min_size=1, max_size=5),
    hidden=st.lists(st.booleans(), min_size=5, max_size=5),
    equal=st.integers(2, 4),
)
def test_amounts_that_are_hidden_never_turn_an_answer_round(small_ledger, brought, hidden, equal):
    """Who spent is known, as in a lone block, and of some inputs not how much."""
    paid = " ".join(f"{name}=80000" for name in "WXYZ"[:equal])
    spent = " ".join(f"{name}={amount}" for name, amount in brought)
    ledger = small_ledger(f"t: {spent} -> {paid} P=7000")
    dark = pl.Series(hidden[: len(brought)])
    value = pl.when(dark).then(None).otherwise("value").alias("value")
    less = Ledger.from_tables(
        {**ledger.frames, "inputs": ledger.frames["inputs"].with_columns(value)}
    )
    full, part = (apply(transactions(one), equal_outputs())[VERDICT][0] for one in (ledger, less))
    assert part is None or part == full
    if apply(transactions(ledger), JOINT)[VERDICT][0] is not False:
        assert apply(transactions(less), JOINT)[VERDICT][0] is not False


def test_an_address_that_brings_more_than_was_read_is_one_party(small_ledger):
    """Three equal outputs, of which one address alone can be the payer, whatever it brings."""
    for first, second in product(("A=90000", "A=1"), repeat=2):
        ledger = small_ledger(f"t: {first} {second} -> X=80000 Y=80000 Z=80000")
        half = pl.when(pl.col("n") == 0).then("value").alias("value")
        dark = Ledger.from_tables(
            {**ledger.frames, "inputs": ledger.frames["inputs"].with_columns(half)}
        )
        assert apply(transactions(dark), equal_outputs())[VERDICT].to_list() == [False]
