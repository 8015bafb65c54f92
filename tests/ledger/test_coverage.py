"""Coverage: runs of linked blocks, what is missing between them, and unread amounts by name."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainwatch.chains.catalogue import chain
from chainwatch.ledger import coverage, schema
from chainwatch.ledger.coverage import histories
from chainwatch.ledger.ledger import Ledger
from chainwatch.ledger.lookup.lookup import address_summary

Tables = dict[str, pl.DataFrame]
Rows = Callable[[str, list[dict[str, object]]], pl.DataFrame]
REGTEST, TRON = chain("btc-regtest").id, chain("tron").id


def blocks(*rows: tuple[int, str, str]) -> Ledger:
    """Return a ledger of blocks given as height, hash and parent."""
    kept: dict[str, object] = {
        "chain": REGTEST, "time": datetime(2023, 6, 1, tzinfo=UTC), "version": 1,
        "merkle_root": b"", "bits": 1, "nonce": 1, "tx_count": 0, "size": 80,
    }  # fmt: skip
    whole = [
        {**kept, "height": height, "hash": own.encode(), "parent": parent.encode()}
        for height, own, parent in rows
    ]
    names = {name: [row.get(name) for row in whole] for name in schema.BLOCKS.schema}
    frame = pl.DataFrame(names, schema=schema.BLOCKS.schema)
    units: list[dict[str, object]] = [
        {"chain": REGTEST, "unit": f"block/{own}", "kind": "block", "height": height,
         "block": own.encode(), "complete": True, "source": "test", "answer": b"d"}
        for height, own, _ in rows
    ]  # fmt: skip
    read = pl.DataFrame(units, schema=schema.COVERAGE.schema, orient="row")
    return Ledger.from_tables({"blocks": frame, "coverage": read})


def runs(ledger: Ledger) -> list[tuple[object, ...]]:
    return coverage.spans(ledger, "btc-regtest").rows()


def facts(ledger: Ledger) -> dict[tuple[str, str], tuple[int | None, int | None]]:
    return {
        (what, network): (count, amount)
        for what, network, count, amount, _ in coverage.unread(ledger).rows()
    }


# -- spans


def test_an_honest_chain_is_one_run(tables: Tables) -> None:
    ledger = Ledger.from_tables(tables)
    (row,) = coverage.spans(ledger, "btc-regtest").to_dicts()
    assert (row["from_height"], row["to_height"], row["blocks"]) == (0, 3, 4)
    assert row["first_hash"] == tables["blocks"].filter(height=0)["hash"][0]
    assert row["last_hash"] == tables["blocks"].filter(height=3)["hash"][0]
    assert coverage.spans(ledger, "btc").height == 0
    assert coverage.spans(ledger.between("2023-06-01T02:00", None), "btc-regtest").height == 1


def test_a_gap_ends_a_run() -> None:
    ledger = blocks((7, "g", "f"), (5, "e", "d"), (2, "b", "a"), (3, "c", "b"))
    assert runs(ledger) == [(2, 3, b"b", b"c", 2), (5, 5, b"e", b"e", 1), (7, 7, b"g", b"g", 1)]


def test_heights_that_follow_are_no_run_unless_linked() -> None:
    ledger = blocks((1, "a", "0"), (2, "b", "not a"), (3, "c", "b"))
    assert runs(ledger) == [(1, 1, b"a", b"a", 1), (2, 3, b"b", b"c", 2)]


def test_two_branches_are_two_runs() -> None:
    ledger = blocks((1, "a", "0"), (2, "b", "a"), (2, "x", "a"), (3, "y", "x"))
    assert sorted(row[4] for row in runs(ledger)) == [2, 2]
    assert facts(ledger)["gaps", REGTEST] == (0, 0)


def test_a_short_branch_beside_a_long_one_is_no_gap() -> None:
    main = [(height, f"m{height}", f"m{height - 1}") for height in range(1, 5)]
    ledger = blocks(*main, (2, "side", "unseen"), (5, "e", "also unseen"))
    assert facts(ledger)["gaps", REGTEST] == (0, 0)


@given(st.sets(st.integers(0, 40), max_size=25), st.randoms(use_true_random=False))
def test_runs_hold_every_block_once(heights: set[int], order: object) -> None:
    rows = [(height, f"h{height}", f"h{height - 1}") for height in sorted(heights)]
    order.shuffle(rows)  # type: ignore[attr-defined]  # a random.Random
    found = coverage.spans(blocks(*rows), "btc-regtest")
    held = [
        height
        for first, last in found.select("from_height", "to_height").rows()
        for height in range(first, last + 1)
    ]
    assert held == sorted(heights)
    assert found["blocks"].sum() == len(heights)
    missing = max(heights) - min(heights) + 1 - len(heights) if heights else 0
    if heights:
        assert facts(blocks(*rows))["gaps", REGTEST][0] == missing
        assert facts(blocks(*rows))["earlier blocks", REGTEST][0] == min(heights)


# -- what is unread


def test_nothing_unread_is_said_too(tables: Tables) -> None:
    stated = facts(Ledger.from_tables(tables))
    assert stated == {
        ("inputs", REGTEST): (0, 0),
        ("gaps", REGTEST): (0, 0),
        ("earlier blocks", REGTEST): (0, 0),
        ("later blocks", REGTEST): (None, None),
        ("outputs not known to be spent or not", REGTEST): (0, 0),
        ("addresses read wholly", REGTEST): (0, None),
        ("addresses read in part", REGTEST): (0, None),
    }


def test_an_unread_input_has_an_unknown_amount(tables: Tables) -> None:
    nothing = {name: pl.lit(None) for name in ("prev_tx", "value", "address", "script_kind")}
    tables["inputs"] = tables["inputs"].with_columns(**nothing)
    assert facts(Ledger.from_tables(tables))["inputs", REGTEST] == (0, 0)
    tables["outputs"] = tables["outputs"].filter(pl.col("tx") < schema.pack_tx(2, 0))
    ledger = Ledger.from_tables(tables)
    assert facts(ledger)["inputs", REGTEST] == (2, None)
    assert facts(ledger.between("2023-06-01", "2023-06-01T01:00"))["inputs", REGTEST] == (2, None)


def test_addresses_by_what_their_source_claims(frame: Rows) -> None:
    claims = [("a", True), ("b", True), ("b", None), ("c", False), ("d", None), ("a", True)]
    rows: list[dict[str, object]] = [
        {"chain": TRON, "unit": f"dump/{at}", "kind": "address", "address": name.encode(),
         "complete": complete, "source": "test", "answer": b"d"}
        for at, (name, complete) in enumerate(claims)
    ]  # fmt: skip
    stated = facts(Ledger.from_tables({"coverage": frame("coverage", rows)}))
    assert stated["addresses read wholly", TRON] == (1, None)
    assert stated["addresses read in part", TRON] == (3, None)


def test_the_reading_up_to_the_highest_tip_speaks(frame: Rows) -> None:
    claims = [("a", 5, False), ("a", 9, True), ("b", 5, True), ("b", 9, False), ("c", 9, False),
              ("c", 9, True), ("d", None, True), ("d", 3, False)]  # fmt: skip
    rows: list[dict[str, object]] = [
        {"chain": REGTEST, "unit": f"address/{at}", "kind": "address", "address": name.encode(),
         "height": height, "complete": complete, "source": "test", "answer": b"d"}
        for at, (name, height, complete) in enumerate(claims)
    ]  # fmt: skip
    stated = facts(Ledger.from_tables({"coverage": frame("coverage", rows)}))
    assert stated["addresses read wholly", REGTEST] == (2, None)
    assert stated["addresses read in part", REGTEST] == (2, None)


@pytest.mark.parametrize(
    ("readings", "whole"),
    [
        ([("tip", True)], True),
        ([("tip", True), ("tip/newest/9", False)], True),
        ([("tip", True), ("tip/refused", False)], True),
        ([("tip", True), ("tip/partial/9", False)], False),
        ([("tip/partial/9", False), ("tip", True)], False),
    ],
)
def test_what_a_server_counts_against_it_is_heard(
    frame: Rows, readings: list[tuple[str, bool]], whole: bool
) -> None:
    """Status and look-up go by one rule."""
    mine = b"\x01" + b"a" * 20
    rows: list[dict[str, object]] = [
        {"chain": REGTEST, "unit": f"address/{mine.hex()}/{unit}", "kind": "address",
         "address": mine, "height": 9, "complete": complete, "source": "test", "answer": b"d"}
        for unit, complete in readings
    ]  # fmt: skip
    ledger = Ledger.from_tables({"coverage": frame("coverage", rows)})
    assert histories(ledger)["whole"].to_list() == [whole]
    assert facts(ledger)["addresses read wholly", REGTEST] == (int(whole), None)
    assert address_summary(ledger, mine, "btc-regtest").complete is whole


@pytest.mark.parametrize(("amount", "stated"), [(5, (0, 0)), (None, (1, None))])
def test_a_transfer_too_wide_has_an_unknown_amount(
    frame: Rows, amount: int | None, stated: tuple[int, int | None]
) -> None:
    moved: dict[str, object] = {
        "chain": TRON, "txid": b"t", "kind": "trc20", "occurrence": 0, "sender": b"a",
        "receiver": b"b", "time": datetime(2023, 6, 1, tzinfo=UTC), "amount": amount,
        "amount_hex": None if amount else hex(10**40), "order_uncertain": True, "sections": 1,
    }  # fmt: skip
    ledger = Ledger.from_tables({"transfers": frame("transfers", [moved])})
    assert facts(ledger)["transfer amounts", TRON] == stated
