"""The index says what the tables say, grows as they grow, and is thrown away where it cannot."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from chainwatch.errors import LedgerError, LedgerLocked
from chainwatch.ledger import schema
from chainwatch.ledger.checks.check import check
from chainwatch.ledger.index import growing
from chainwatch.ledger.index.build import STORED
from chainwatch.ledger.index.index import Index, build_index, open_index
from chainwatch.ledger.index.verify import check_index
from chainwatch.ledger.ledger import Ledger, open_ledger
from chainwatch.ledger.lookup.lookup import address_summary
from chainwatch.ledger.storage import delta
from chainwatch.ledger.storage.lock import locked
from chainwatch.ledger.storage.store import Store
from chainwatch.ledger.storage.writer import open_writer

Tables = dict[str, pl.DataFrame]
REGTEST = "btc-regtest"


def part(tables: Tables, first: int, last: int) -> Tables:
    """Return the rows of heights from ``first`` to ``last``."""
    height = pl.col("tx") // 2**schema.POSITION_BITS
    return {
        name: rows.filter((pl.col("height") if "height" in rows.columns else height)
                          .is_between(first, last))
        for name, rows in tables.items()
    }  # fmt: skip


def commit(folder: Path, tables: Tables) -> Ledger:
    with open_writer(Store.create(folder)) as writer:
        writer.commit(tables, source="test", chain=tables["blocks"]["chain"][0], what="blocks")
    return open_ledger(folder)


def assert_equal(ours: Index, theirs: Index) -> None:
    for name in STORED:
        assert ours.columns[name].dtype == theirs.columns[name].dtype
        assert np.array_equal(ours.columns[name], theirs.columns[name]), name


def grown(tmp_path: Path, tables: Tables, *spans: tuple[int, int]) -> tuple[Index, Index]:
    """Return the index after committing spans one by one, and that of all of them at once."""
    for first, last in spans:
        ledger = commit(tmp_path / "grown", part(tables, first, last))
        (index,) = build_index(ledger)
        check_index(index, ledger)
    (anew,) = build_index(ledger, anew=True)
    return index, anew


def test_it_gives_the_rows_of_the_tables(otter_case: Any) -> None:
    ledger = Ledger.from_tables(
        {table.name: otter_case.ledger.table(table.name).collect() for table in schema.TABLES}
    )
    (index,) = build_index(ledger)
    check_index(index, ledger)
    assert f"{ledger.transactions.collect().height:,} transactions" in repr(index)


@pytest.mark.parametrize("cuts", [[1], [2], [0, 1, 2], []])
def test_grown_is_the_same_as_built_anew(tmp_path: Path, tables: Tables, cuts: list[int]) -> None:
    bounds = [-1, *cuts, 3]
    spans = [(a + 1, b) for a, b in pairwise(bounds)]
    assert_equal(*grown(tmp_path, tables, *spans))


def test_growing_reads_only_what_is_new(
    tmp_path: Path, tables: Tables, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[int] = []
    whole = growing.rows_of
    monkeypatch.setattr(
        growing, "rows_of",
        lambda ledger, begin, end: seen.append(begin) or whole(ledger, begin, end),
    )  # fmt: skip
    grown(tmp_path, tables, (0, 1), (2, 3))
    assert seen == [0, schema.pack_tx(1, 0) + 1, 0]


@pytest.mark.parametrize("portion", [1, 2, 3])
def test_reading_in_portions_changes_nothing(
    tables: Tables, monkeypatch: pytest.MonkeyPatch, portion: int
) -> None:
    ledger = Ledger.from_tables(tables)
    (whole,) = build_index(ledger)
    monkeypatch.setattr(growing, "PORTION", portion)
    (made,) = build_index(ledger)
    assert_equal(whole, made)
    check_index(made, ledger)


def test_blocks_out_of_order_are_indexed_anew(tmp_path: Path, tables: Tables) -> None:
    assert_equal(*grown(tmp_path, tables, (0, 0), (2, 3), (1, 1)))


def test_blocks_that_were_replaced_are_indexed_anew(tmp_path: Path, tables: Tables) -> None:
    ledger = commit(tmp_path / "l", tables)
    (before,) = build_index(ledger)
    with open_writer(Store.open(tmp_path / "l")) as writer:
        writer.forget(REGTEST, 3, source="test", what="a reorganisation")
        other = part(tables, 3, 3)
        other["outputs"] = other["outputs"].with_columns(
            pl.lit(b"\x03" + bytes(20)).alias("address")
        )
        writer.commit(other, source="test", chain=tables["blocks"]["chain"][0], what="block 3")
    ledger = open_ledger(tmp_path / "l")
    (after,) = build_index(ledger)
    check_index(after, ledger)
    assert after.touching(b"\x03" + bytes(20))[0].height == 2
    assert before.touching(b"\x03" + bytes(20))[0].height == 0


def test_files_that_were_merged_change_nothing(tmp_path: Path, tables: Tables) -> None:
    ledger = commit(tmp_path / "l", part(tables, 0, 1))
    build_index(ledger)
    with open_writer(Store.open(tmp_path / "l")) as writer:
        writer.compact()
    ledger = commit(tmp_path / "l", part(tables, 2, 3))
    (index,) = build_index(ledger)
    (anew,) = build_index(ledger, anew=True)
    assert_equal(index, anew)


def test_it_belongs_to_one_commit(tmp_path: Path, tables: Tables) -> None:
    first = commit(tmp_path / "l", part(tables, 0, 1))
    build_index(first)
    second = commit(tmp_path / "l", part(tables, 2, 3))
    assert open_index(second, REGTEST) is None
    assert open_index(first, REGTEST) is not None
    build_index(second, keep=1)
    assert open_index(first, REGTEST) is None


def test_a_txid_that_was_used_twice(tables: Tables) -> None:
    rows = tables["transactions"]
    again = rows["txid"].to_list()
    again[1] = again[0]
    tables["transactions"] = rows.with_columns(pl.Series("txid", again, pl.Binary))
    (index,) = build_index(Ledger.from_tables(tables))
    assert index.numbers_of(again[0]) == [0, schema.pack_tx(1, 0)]
    assert index.numbers_of(bytes(32)) == []


def test_what_is_not_in_the_ledger_is_kept(tables: Tables) -> None:
    late = part(tables, 3, 3)
    ledger = Ledger.from_tables(late)
    (index,) = build_index(ledger)
    check_index(index, ledger)
    _, inputs, _ = index.transaction(schema.pack_tx(3, 1))
    assert inputs["prev_txid"].to_list() == late["inputs"]["prev_txid"].to_list()
    assert inputs["prev_tx"].to_list() == [schema.pack_tx(2, 1)] * 2


def test_it_appears_whole_or_not_at_all(
    tmp_path: Path, tables: Tables, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger = commit(tmp_path / "l", tables)

    def stop(point: str) -> None:
        if point == "before index":
            raise KeyboardInterrupt

    monkeypatch.setattr(delta, "fault", stop)
    with pytest.raises(KeyboardInterrupt):
        build_index(ledger)
    assert open_index(ledger, REGTEST) is None


def test_damage_is_seen(tmp_path: Path, tables: Tables) -> None:
    ledger = commit(tmp_path / "l", tables)
    build_index(ledger)
    folder = tmp_path / "l/index/1/btc-regtest"
    for name in ("tx_id.npy", "index.json"):
        kept = (folder / name).read_bytes()
        for bad in (b"", kept[: len(kept) // 2], b"\x80" + kept[1:]):
            (folder / name).write_bytes(bad)
            with pytest.raises(LedgerError, match="build it again"):
                open_index(ledger, REGTEST)
        (folder / name).write_bytes(kept)
    shutil.copy(folder / "in_n.npy", folder / "out_n.npy")
    with pytest.raises(LedgerError, match="another make"):
        open_index(ledger, REGTEST)


def test_what_dead_builders_left_is_swept(
    tmp_path: Path, tables: Tables, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger = commit(tmp_path / "l", tables)
    with monkeypatch.context() as patch:
        patch.setattr(delta, "fault", lambda point: 1 / 0 if point == "before index" else None)
        with pytest.raises(ZeroDivisionError):
            build_index(ledger)
    (tmp_path / "l/index/.9.4711.new").mkdir()
    build_index(ledger)
    names = {item.name for item in (tmp_path / "l/index").iterdir()}
    assert names == {"1", "writer.lock"}


def test_two_builders_do_not_meet(tmp_path: Path, tables: Tables) -> None:
    ledger = commit(tmp_path / "l", tables)
    build_index(ledger)
    with locked(tmp_path / "l/index"), pytest.raises(LedgerLocked):
        build_index(ledger)


def test_a_number_that_leads_nowhere_is_a_sentence(tmp_path: Path, tables: Tables) -> None:
    ledger = commit(tmp_path / "l", tables)
    build_index(ledger)
    path = tmp_path / "l/index/1/btc-regtest/addr_out.npy"
    rows = np.load(path)
    np.save(path, np.full_like(rows, 2**31))
    address = next(item for item in tables["outputs"]["address"] if item)
    with pytest.raises(LedgerError, match=r"the index is damaged .*chainwatch index"):
        address_summary(ledger, address, REGTEST)


def test_the_check_of_the_ledger_looks_at_its_index(tmp_path: Path, tables: Tables) -> None:
    ledger = commit(tmp_path / "l", tables)
    assert "index" not in check(ledger).frame["name"]
    build_index(ledger)
    row = check(ledger).frame.filter(name="index").row(0, named=True)
    assert (row["checked"], row["failed"]) == (tables["transactions"].height, 0)
    path = tmp_path / "l/index/1/btc-regtest/out_val.npy"
    values = np.load(path)
    values[0] ^= 1
    np.save(path, values)
    with pytest.raises(LedgerError, match="outputs of the index are not those of the tables"):
        check(ledger)


@pytest.mark.parametrize("name", ["out_val", "out_addr", "in_prev_tx", "addr_order", "addr_out",
                                  "addr_rank",
                                  "out_spender", "tx_id", "id_order"])  # fmt: skip
def test_the_check_finds_a_wrong_number(tables: Tables, name: str) -> None:
    ledger = Ledger.from_tables(tables)
    (index,) = build_index(ledger)
    columns = dict(index.columns)
    columns[name] = columns[name].copy()
    columns[name][[0, -1]] = columns[name][[-1, 0]]
    if np.array_equal(columns[name], index.columns[name]):
        columns[name].flat[0] = 0
    with pytest.raises(LedgerError):
        check_index(Index(index.chain, index.commit, columns), ledger)


def test_tables_that_do_not_fit_together(
    tables: Tables, frame: Callable[[str, list[dict[str, object]]], pl.DataFrame]
) -> None:
    lacking = {**tables, "transactions": tables["transactions"].head(2)}
    with pytest.raises(LedgerError, match="belongs to no transaction"):
        build_index(Ledger.from_tables(lacking))


def test_numbers_do_not_leave_it(tables: Tables) -> None:
    (index,) = build_index(Ledger.from_tables(tables))
    for rows in index.transaction(schema.pack_tx(2, 1)):
        for name in rows.columns:
            stated = {**schema.TRANSACTIONS.schema, **schema.INPUTS.schema, "spender": pl.Int64}
            assert rows.schema[name] == stated[name]
