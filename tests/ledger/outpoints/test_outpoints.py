"""The list of outpoints: what a search of the tables finds, whatever was committed or damaged."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chainwatch.chains.bitcoin import BITCOIN_REGTEST
from chainwatch.ingest.prevouts import Searched
from chainwatch.ledger import schema
from chainwatch.ledger.outpoints import outpoints
from chainwatch.ledger.outpoints import sorted_runs as runs
from chainwatch.ledger.outpoints.outpoints import Outpoints
from chainwatch.ledger.outpoints.records import NotDense
from chainwatch.ledger.storage import delta
from chainwatch.ledger.storage.store import Store
from chainwatch.ledger.storage.writer import open_writer

CHAIN = BITCOIN_REGTEST.id
PREFIX = b"p" * 8  # strangers can make ids that begin alike

Row = tuple[bytes, list[tuple[int, bytes | None]]]

ids = st.builds(
    lambda head, tail: head + bytes([tail]) * 24,
    st.sampled_from([PREFIX, b"q" * 8, bytes(8), b"\xff" * 8]), st.integers(0, 5),
)  # fmt: skip
payloads = st.one_of(
    st.none(),
    st.binary(min_size=20, max_size=33).map(lambda rest: b"\x01" + rest),
    st.binary(min_size=34, max_size=41).map(lambda rest: b"\x06" + rest),
)
amounts = st.one_of(st.integers(0, 3), st.just(2**62))
txs = st.tuples(ids, st.lists(st.tuples(amounts, payloads), max_size=4))


@pytest.fixture(scope="module", autouse=True)
def _small() -> Iterator[None]:
    """Make everything small enough that every way through is taken."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(outpoints, "LARGE", 0)
        patch.setattr(runs, "_BLOCK", 2)
        patch.setattr(runs, "_PIECE", 4)
        patch.setattr(runs, "_ASKED", 2)
        yield


def tables_of(first: int, found: list[Row]) -> dict[str, pl.DataFrame]:
    """Return transactions and outputs, one transaction a block from a height on."""
    made: dict[str, list[dict]] = {"transactions": [], "outputs": []}
    for height, (txid, outputs) in enumerate(found, first):
        key = {"chain": CHAIN, "tx": schema.pack_tx(height, 0)}
        made["transactions"].append(
            {**key, "txid": txid, "height": height, "output_count": len(outputs)}
        )
        made["outputs"] += [
            {**key, "n": n, "value": value, "script_kind": "p2pkh" if address else "nonstandard",
             "address": address, "spendable": True}
            for n, (value, address) in enumerate(outputs)
        ]  # fmt: skip
    return {
        table.name: pl.DataFrame(made[table.name], schema=table.schema, orient="row")
        for table in (schema.TRANSACTIONS, schema.OUTPUTS)
    }


def commit(store: Store, tables: dict[str, pl.DataFrame], listed: Outpoints | None = None) -> None:
    whole = {
        name: rows.with_columns(pl.lit(b"").alias(column) for column in ("block",) if column
                                in rows.columns)
        for name, rows in tables.items()
    }  # fmt: skip
    whole = {name: _filled(name, rows) for name, rows in whole.items()}
    with open_writer(store) as writer:
        made = writer.commit(whole, source="test", chain=CHAIN, what="some")
    if listed is not None:
        listed.add(whole, made)


def _filled(name: str, rows: pl.DataFrame) -> pl.DataFrame:
    table = {table.name: table for table in schema.TABLES}[name]
    zero = {pl.Int64: 0, pl.Boolean: False, pl.Binary: b""}
    return rows.with_columns(
        pl.col(column.name).fill_null(
            pl.lit(zero.get(column.dtype, 0)).cast(column.dtype, strict=False)
        )
        for column in table.columns
        if not column.nullable
    )


def assert_found(listed: Outpoints | None, store: Store) -> None:
    """Compare every look-up with a search of the tables."""
    assert listed is not None
    slow = Searched(CHAIN, store.scan)
    held = store.scan("transactions").select("txid", "tx").collect()
    asked = pl.Series([*held["txid"], b"?" * 32, PREFIX + bytes(24)], dtype=pl.Binary)
    ours, theirs = listed.transactions(asked), slow.transactions(asked)
    assert ours.select("txid", "tx").sort("tx").equals(theirs.select("txid", "tx").sort("tx"))
    places = ours.select("tx", "at").unique()
    spent = places.join(pl.DataFrame({"n": [0, 1, 2, 3, 9]}), how="cross")
    columns = ["tx", "n", "value", "address", "script_kind"]
    found = [side.outputs(spent).select(columns).sort("tx", "n") for side in (listed, slow)]
    assert found[0].equals(found[1])


@settings(max_examples=20)
@given(st.lists(st.lists(txs, max_size=6), min_size=1, max_size=5), st.integers(0, 5))
def test_it_finds_what_a_search_finds(commits: list[list[Row]], begun: int) -> None:
    """Begun late, grown commit by commit, or made anew: always the same."""
    folder = Path(tempfile.mkdtemp())
    try:
        store, listed, height = Store.create(folder), None, 0
        for number, found in enumerate(commits):
            if number == begun:
                listed = Outpoints.of(store, CHAIN)
            commit(store, tables_of(height, found), listed)
            height += len(found)
        if listed is not None:
            assert_found(listed, store)
        assert_found(Outpoints.of(store, CHAIN), store)
        shutil.rmtree(folder / "index")
        assert_found(Outpoints.of(store, CHAIN), store)
    finally:
        shutil.rmtree(folder)


def some(first: int, count: int) -> list[Row]:
    return [
        (bytes([k]) * 32, [(k, b"\x01" + bytes([k]) * 20), (1, None)])
        for k in range(first, first + count)
    ]


def made_list(folder: Path, commits: int = 5) -> Store:
    store = Store.create(folder)
    for k in range(commits):
        commit(store, tables_of(10 * k, some(10 * k, 10)), Outpoints.of(store, CHAIN))
    return store


def test_runs_stay_few(tmp_path: Path) -> None:
    store = made_list(tmp_path, 20)
    listed = Outpoints.of(store, CHAIN)
    assert listed is not None
    assert len(listed.runs) <= 5
    assert len(list(listed.folder.glob("*.run"))) == len(listed.runs)
    assert sum(run.count for run in listed.runs) == 200


def test_it_catches_up_with_what_others_committed(tmp_path: Path) -> None:
    store = made_list(tmp_path)
    for k in (5, 6):
        commit(store, tables_of(10 * k, some(10 * k, 10)))
    with open_writer(store) as writer:
        writer.compact()
    assert_found(Outpoints.of(store, CHAIN), store)


def test_replaced_blocks_are_not_found(tmp_path: Path) -> None:
    store = made_list(tmp_path)
    with open_writer(store) as writer:
        writer.forget(CHAIN, 20, source="test", what="reorganisation")
    commit(store, tables_of(20, some(100, 5)))
    listed = Outpoints.of(store, CHAIN)
    assert_found(listed, store)
    assert listed is not None
    assert not listed.transactions(pl.Series([bytes([25]) * 32])).height


def test_a_ledger_put_back_to_an_earlier_copy_has_no_later_list(tmp_path: Path) -> None:
    store = made_list(tmp_path / "a", 2)
    shutil.copytree(tmp_path / "a", tmp_path / "b")
    commit(store, tables_of(20, some(20, 10)), Outpoints.of(store, CHAIN))
    shutil.rmtree(tmp_path / "b" / "index")
    shutil.copytree(tmp_path / "a" / "index", tmp_path / "b" / "index")
    older = Store.open(tmp_path / "b")
    assert_found(Outpoints.of(older, CHAIN), older)


def test_the_list_of_another_history_is_not_believed(tmp_path: Path) -> None:
    """A copy that went on otherwise has commits of the same numbers, with other blocks."""
    store = made_list(tmp_path / "a", 2)
    shutil.copytree(tmp_path / "a", tmp_path / "b")
    for folder, first in (("a", 20), ("b", 100)):
        one = Store.open(tmp_path / folder)
        commit(one, tables_of(20, some(first, 10)), Outpoints.of(one, CHAIN))
    shutil.rmtree(tmp_path / "b" / "index")
    shutil.copytree(tmp_path / "a" / "index", tmp_path / "b" / "index")
    other = Store.open(tmp_path / "b")
    assert_found(Outpoints.of(other, CHAIN), other)
    commit(other, tables_of(30, some(120, 10)))
    assert_found(Outpoints.of(other, CHAIN), other)
    assert_found(Outpoints.of(store, CHAIN), store)


@pytest.mark.parametrize("name", ["records.bin", "*.run", "outpoints.json"])
@pytest.mark.parametrize("how", ["gone", "cut"])
def test_damage_is_seen_and_mended(tmp_path: Path, name: str, how: str) -> None:
    store = made_list(tmp_path)
    for path in (tmp_path / "index" / "outpoints" / "btc-regtest").glob(name):
        data = path.read_bytes()
        path.unlink() if how == "gone" else path.write_bytes(data[:-1])
    assert_found(Outpoints.of(store, CHAIN), store)


def test_no_flipped_bit_gives_another_answer(tmp_path: Path) -> None:
    """Every byte of the files: the right answer, or damage that is seen and mended."""
    store = made_list(tmp_path, 2)
    folder = tmp_path / "index" / "outpoints" / "btc-regtest"
    whole = {path: path.read_bytes() for path in [*folder.glob("*.run"), folder / "records.bin"]}
    seen = 0
    for path, data in whole.items():
        for at in range(0, len(data), 7):
            path.write_bytes(data[:at] + bytes([data[at] ^ 1 << at % 8]) + data[at + 1 :])
            listed = Outpoints.of(store, CHAIN)
            assert listed is not None
            try:
                assert_found(listed, store)
            except runs.Damaged:
                seen += 1
            path.write_bytes(data)
    assert seen > 50


def test_joining_runs_gives_no_checksum_to_damaged_keys(tmp_path: Path) -> None:
    """Whatever bit of a key is flipped, whoever joins its run sees it."""
    keys = np.zeros(9, runs.KEY)
    keys["key"], keys["place"] = np.arange(9) * 5, np.arange(9)
    run = runs.Run.write(tmp_path / "1.run", iter([keys]))
    whole = run.path.read_bytes()
    joined = np.concatenate(list(runs.merged(run, run)))
    assert joined["key"].tolist() == sorted([*keys["key"].tolist()] * 2)
    for bit in range(keys.nbytes * 8):
        data = bytearray(whole)
        data[bit // 8] ^= 1 << bit % 8
        run.path.write_bytes(data)
        with pytest.raises(runs.Damaged):
            list(runs.merged(runs.Run.open(run.path, 9), run))


def test_a_list_that_was_damaged_is_made_anew(tmp_path: Path) -> None:
    store = made_list(tmp_path, 2)
    listed = Outpoints.of(store, CHAIN)
    assert listed is not None
    records = listed.folder / "records.bin"
    records.write_bytes(bytes(len(records.read_bytes())))
    with pytest.raises(runs.Damaged):
        assert_found(listed, store)
    listed.renew()
    assert_found(listed, store)


@pytest.mark.parametrize("state", ["[" * 100_000, '{"commit": 1e400}', "[]", "null", ""])
def test_a_state_that_is_none_is_made_anew(tmp_path: Path, state: str) -> None:
    store = made_list(tmp_path, 2)
    (tmp_path / "index" / "outpoints" / "btc-regtest" / "outpoints.json").write_text(state)
    assert_found(Outpoints.of(store, CHAIN), store)


def test_a_death_before_it_was_kept_costs_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = made_list(tmp_path)

    def dies(point: str) -> None:
        if point == "before outpoints":
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(delta, "fault", dies)
        with pytest.raises(KeyboardInterrupt):
            commit(store, tables_of(50, some(50, 10)), Outpoints.of(store, CHAIN))
    assert_found(Outpoints.of(store, CHAIN), store)


def test_missing_outputs_make_no_list(tmp_path: Path) -> None:
    store = Store.create(tmp_path)
    tables = tables_of(0, some(0, 3))
    commit(store, {**tables, "outputs": tables["outputs"].filter(pl.col("n") == 1)})
    with pytest.raises(NotDense):
        Outpoints.of(store, CHAIN)
    assert not (tmp_path / "index" / "outpoints" / "btc-regtest").exists()


def test_a_name_in_the_state_leads_nowhere_else(tmp_path: Path) -> None:
    store = made_list(tmp_path / "ledger")
    state = tmp_path / "ledger" / "index" / "outpoints" / "btc-regtest" / "outpoints.json"
    facts = json.loads(state.read_text())
    facts["runs"][0][0] = "../../../../outside.run"
    state.write_text(json.dumps(facts))
    assert_found(Outpoints.of(store, CHAIN), store)
    assert not (tmp_path / "outside.run").exists()
