"""Pulling: commits by rows or time, one writer, interrupts, and what an input spends."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import ModuleType

import polars as pl
import pytest

from chainwatch.chains.bitcoin import BITCOIN_REGTEST
from chainwatch.chains.tron import TRON
from chainwatch.errors import (
    ArgumentError,
    BlockError,
    InputError,
    LedgerError,
    LedgerLocked,
    NetworkRefused,
    NoAnswer,
    SourceError,
)
from chainwatch.ingest.prevouts import Searched, resolve
from chainwatch.ingest.protocol import Batch, Reader
from chainwatch.ingest.pull import pull
from chainwatch.ledger import schema
from chainwatch.ledger.ledger import open_ledger
from chainwatch.ledger.storage import delta
from chainwatch.ledger.storage.store import Store
from chainwatch.ledger.storage.writer import open_writer

THEN = datetime(2024, 1, 2, tzinfo=UTC)


def rows(table: schema.Table, *given: dict) -> pl.DataFrame:
    """Return rows of a table; columns that are not given are null."""
    return pl.DataFrame(list(given), schema=table.schema, orient="row")


def unit(name: str) -> pl.DataFrame:
    return rows(schema.COVERAGE, {"chain": TRON.id, "unit": name, "kind": "dump", "source": "s",
                                  "answer": b"d"})  # fmt: skip


def transfer(n: int, **how: object) -> dict:
    return {
        "chain": TRON.id, "txid": bytes([n]) * 32, "kind": "trc20", "occurrence": 0, "time": THEN,
        "contract": b"c", "sender": b"a", "receiver": b"b", "amount": 5, "order_uncertain": True,
        "sections": 1, **how,
    }  # fmt: skip


def asked(name: str) -> pl.DataFrame:
    return rows(schema.ANSWERS, {"digest": b"d", "source": "s", "request": name, "time": THEN,
                                 "size": 1})  # fmt: skip


class Some:
    """A source of the batches it is given."""

    name, chain = "some", TRON.id

    def __init__(self, *batches: Batch, fails: BaseException | None = None) -> None:
        self.given, self.fails = batches, fails

    def batches(self, reader: Reader) -> Iterator[Batch]:
        yield from self.given
        if self.fails:
            raise self.fails


def batch(n: int, **how: object) -> Batch:
    tables = {"transfers": rows(schema.TRANSFERS, transfer(n, **how)), "coverage": unit(f"u{n}"),
              "answers": asked("file")}  # fmt: skip
    return Batch(tables, (f"u{n}",), f"part {n}", notes=("a note",))


def test_commits_by_rows(tmp_path: Path) -> None:
    lines: list[str] = []
    report = pull(tmp_path, Some(*map(batch, range(5))), batch_rows=6, progress=lines.append)
    assert lines[:3] == [
        "part 0; 3 rows wait for a commit",
        "part 1; 6 rows wait for a commit",
        "commit 1: part 0 to part 1, 6 rows",
    ]
    assert (report.commits, report.units) == (3, 5)
    assert report.frame.rows() == [("transfers", 5), ("coverage", 5), ("answers", 1)]
    assert report.notes == ("a note",)
    assert Store.open(tmp_path).head().what == "part 4"


def test_commits_by_time(tmp_path: Path) -> None:
    assert pull(tmp_path, Some(*map(batch, range(3))), batch_seconds=0).commits == 3


def test_the_first_answer_is_kept(tmp_path: Path) -> None:
    pull(tmp_path, Some(batch(1)))
    later = batch(2)
    late = later.tables["answers"].with_columns(pl.col("time") + timedelta(days=1))
    pull(tmp_path, Some(Batch({**later.tables, "answers": late}, ("u2",), "part 2")))
    assert open_ledger(tmp_path).answers.collect()["time"].to_list() == [THEN]


def test_a_transfer_of_two_units_is_one_row(tmp_path: Path) -> None:
    again = Batch({**batch(2).tables, "transfers": batch(1).tables["transfers"]}, ("u2",), "two")
    pull(tmp_path / "a", Some(batch(1), again))
    pull(tmp_path / "b", Some(batch(1), again), batch_rows=1)
    for folder in ("a", "b"):
        assert open_ledger(tmp_path / folder).transfers.collect().height == 1


def test_a_transfer_with_two_times_is_refused(tmp_path: Path) -> None:
    pull(tmp_path, Some(batch(1)))
    moved = rows(schema.TRANSFERS, transfer(1, time=THEN + timedelta(seconds=1)))
    later = Batch({**batch(2).tables, "transfers": moved}, ("u2",), "two")
    with pytest.raises(InputError, match=r"has time 2024-01-02 00:00:01.* transaction 0101"):
        pull(tmp_path, Some(later))


def test_a_unit_read_in_part_is_refused(tmp_path: Path) -> None:
    pull(tmp_path, Some(batch(1)))
    both = Batch(batch(2).tables, ("u1", "u2"), "both")
    with pytest.raises(LedgerError, match="both was read in part before at u1"):
        pull(tmp_path, Some(both))


def test_an_interrupt_says_what_is_kept(tmp_path: Path) -> None:
    parts = [batch(k) for k in range(4)]
    with pytest.raises(KeyboardInterrupt, match=r"^interrupted; 2 commits are kept; the same"):
        pull(tmp_path / "a", Some(*parts[:3], fails=KeyboardInterrupt()), batch_rows=4)
    done = pull(tmp_path / "a", Some(*parts), batch_rows=4)
    assert done.skipped == 3, "what was read before the interrupt is kept too"
    pull(tmp_path / "b", Some(*parts))
    assert open_ledger(tmp_path / "a").digests() == open_ledger(tmp_path / "b").digests()


def test_what_made_no_commit_leaves_no_ledger(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    for fails in (KeyboardInterrupt(), InputError("gone"), OSError("full")):
        source = Some(fails=fails)
        with pytest.raises(type(fails)):
            pull(tmp_path / "new" / "deep", source)
        with pytest.raises(type(fails)):
            pull(tmp_path / "there", source)
        assert [item.name for item in tmp_path.iterdir()] == ["there"]
    with pytest.raises(KeyboardInterrupt, match=r"^interrupted; nothing was written$"):
        pull(tmp_path / "new", Some(fails=KeyboardInterrupt()))
    assert Store.open(tmp_path / "there").head() is None, "what was there before stays"


def test_a_folder_that_others_wrote_to_meanwhile_stays(tmp_path: Path) -> None:
    class Raced(Some):
        def batches(self, reader: Reader) -> Iterator[Batch]:
            with pytest.raises(LedgerLocked):
                pull(tmp_path / "l", Some(batch(2)))
            yield from super().batches(reader)

    pull(tmp_path / "l", Raced(batch(1)))
    assert open_ledger(tmp_path / "l").transfers.collect().height == 1


@pytest.mark.parametrize(
    ("store", "source", "words"),
    [
        ("l", "blocks.dat", r"source is a text; pass a source, such as BlockFiles"),
        ("l", Some, "source is the class Some"),
        (open_ledger, Some(), "store is the function open_ledger; name the ledger's folder"),
        (3, Some(), "store is a whole number"),
    ],
)
def test_what_cannot_be_pulled_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, store: object, source: object, words: str
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ArgumentError, match=words):
        pull(store, source)  # type: ignore[arg-type]
    assert not list(tmp_path.iterdir())


def test_an_error_of_the_source_keeps_what_was_committed(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="gone"):
        pull(tmp_path, Some(batch(1), batch(2), fails=InputError("gone")), batch_rows=1)
    assert open_ledger(tmp_path).transfers.collect().height == 2


@pytest.mark.parametrize(
    "fails", [SourceError("429"), NoAnswer("silent"), NetworkRefused("the log is full")]
)
def test_what_a_server_gave_before_it_failed_is_kept(tmp_path: Path, fails: Exception) -> None:
    with pytest.raises(type(fails)):
        pull(tmp_path / "new", Some(batch(1), batch(2), fails=fails))
    assert open_ledger(tmp_path / "new").transfers.collect().height == 2


def test_what_others_put_into_a_new_folder_stays(tmp_path: Path) -> None:
    class Beside(Some):
        def batches(self, reader: Reader) -> Iterator[Batch]:
            (tmp_path / "new" / "notes.txt").write_text("mine")
            raise SourceError("404")
            yield

    with pytest.raises(SourceError):
        pull(tmp_path / "new", Beside())
    assert [item.name for item in (tmp_path / "new").iterdir()] == ["notes.txt"]


def test_what_files_gave_before_they_were_found_damaged_is_not(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="damaged"):
        pull(tmp_path / "new", Some(batch(1), batch(2), fails=InputError("damaged")))
    assert not (tmp_path / "new").exists()


def test_an_interrupt_in_the_first_commit_keeps_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def dies(point: str) -> None:
        if point == "before commits":
            raise KeyboardInterrupt

    monkeypatch.setattr(delta, "fault", dies)
    with pytest.raises(KeyboardInterrupt, match=r"^interrupted; nothing was written$"):
        pull(tmp_path / "new", Some(batch(1)))
    assert not (tmp_path / "new").exists()


RACE = """
import sys, time
from pathlib import Path
from chainwatch.errors import LedgerLocked
from chainwatch.ingest.pull import pull
from chainwatch.sources.block_files import BlockFiles
folder, blocks, at = sys.argv[1:]
source = BlockFiles(blocks, "btc-regtest")
time.sleep(max(0, float(at) - time.time()))
try:
    print("ok", pull(folder, source).commits)
except LedgerLocked:
    print("locked")
"""


def test_two_that_begin_one_ledger_leave_one(maker: ModuleType, tmp_path: Path) -> None:
    """Who comes second is told so, or finds all read; it never takes the first one's away."""
    blocks = tmp_path / "blk.dat"
    blocks.write_bytes(maker.framed(*maker.Chain().grow(5).blocks))
    for number in range(4):
        folder, at = tmp_path / str(number), time.time() + 1.5
        command = [sys.executable, "-c", RACE, str(folder), str(blocks), str(at)]
        both = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in "ab"]
        said = sorted(process.communicate()[0].strip() for process in both)
        assert said in (["locked", "ok 1"], ["ok 0", "ok 1"])
        assert open_ledger(folder).blocks.collect().height == 6


def test_one_writer(tmp_path: Path) -> None:
    store = Store.create(tmp_path)
    with open_writer(store), pytest.raises(LedgerLocked):
        pull(store, Some(batch(1)))
    assert pull(store, Some(batch(1))).commits == 1


def test_reports_escape_what_others_wrote(tmp_path: Path) -> None:
    report = pull(tmp_path, Some(Batch({}, (), "", notes=("<b>\x1b[31m\u202e",))))
    assert "\x1b" not in repr(report)
    assert "\u202e" not in repr(report)
    assert "<b>" not in report._repr_html_()
    assert "&lt;b&gt;" in report._repr_html_()
    assert "added nothing in 0 commits" in repr(report)


def spending(n: int, tx: int, prev: bytes, prev_n: int = 0) -> dict:
    return {"chain": BITCOIN_REGTEST.id, "tx": tx, "n": n, "prev_txid": prev, "prev_n": prev_n,
            "sequence": 0}  # fmt: skip


def made(tx: int, txid: bytes, value: int) -> tuple[dict, dict]:
    base = {"chain": BITCOIN_REGTEST.id, "tx": tx}
    output = {"n": 0, "value": value, "script_kind": "p2pkh", "spendable": True}
    output["address"] = b"\x01" + txid[:20]
    return {**base, "txid": txid}, base | output


def resolved(spends: list[dict], old: list[tuple], new: list[tuple] = ()) -> list[tuple]:
    """Resolve against outputs in the ledger (old) and in the batch itself (new)."""
    sides = []
    for pairs in (old, new):
        txs, outputs = zip(*(made(*pair) for pair in pairs), strict=True) if pairs else ((), ())
        sides.append({"transactions": rows(schema.TRANSACTIONS, *txs),
                      "outputs": rows(schema.OUTPUTS, *outputs)})  # fmt: skip
    held, tables = sides
    tables["inputs"] = rows(schema.INPUTS, *spends)
    found = resolve(tables, Searched(BITCOIN_REGTEST.id, lambda name: held[name].lazy()))
    assert found.columns == list(schema.INPUTS.schema)
    return found.sort("tx", "n").select("prev_tx", "value", "address").rows()


A, B = b"a" * 32, b"b" * 32


def test_spends_of_the_ledger_and_of_the_batch() -> None:
    found = resolved([spending(0, 9, A), spending(1, 9, B), spending(2, 9, b"c" * 32)],
                     [(1, A, 10)], [(8, B, 20)])  # fmt: skip
    assert found == [(1, 10, b"\x01" + A[:20]), (8, 20, b"\x01" + B[:20]), (None, None, None)]


def test_a_txid_used_twice_means_the_latest_before_the_spend() -> None:
    """BIP30: two coinbases with one txid; what spends it between them spends the first."""
    twice = [(1, A, 10), (5, A, 20)]
    assert [row[:2] for row in resolved([spending(0, 3, A), spending(0, 7, A)], twice)] == [
        (1, 10), (5, 20),
    ]  # fmt: skip
    assert [row[:2] for row in resolved([spending(0, 7, A)], twice[:1], twice[1:])] == [(5, 20)]


def test_nothing_spends_what_comes_after_it() -> None:
    assert resolved([spending(0, 3, A)], [(3, A, 1), (4, A, 2)]) == [(None, None, None)]


def test_an_output_that_does_not_exist_is_refused() -> None:
    with pytest.raises(BlockError, match=r"input 0 spends output 1 .* height 0, transaction 9"):
        resolved([spending(0, 9, A, prev_n=1)], [(1, A, 10)])


# Blocks read by several units, and blocks that are given up --------------------------------------


def block_at(height: int, mark: bytes, *, unit: str = "block", value: int = 5) -> Batch:
    """Return a block of one transaction with one output."""
    tx, name = schema.pack_tx(height, 0), mark * 32
    key = {"chain": BITCOIN_REGTEST.id, "tx": tx}
    tables = {
        "transactions": rows(schema.TRANSACTIONS, {
            **key, "txid": name, "block": name, "height": height, "position": 0, "time": THEN,
            "version": 1, "locktime": 0, "size": 100, "weight": 400, "input_count": 0,
            "output_count": 1, "output_value": value, "coinbase": True,
        }),
        "outputs": rows(schema.OUTPUTS, {
            **key, "n": 0, "value": value, "script_kind": "nonstandard", "spendable": True,
        }),
        "coverage": rows(schema.COVERAGE, {
            "chain": BITCOIN_REGTEST.id, "unit": f"{unit}/{name.hex()}", "kind": unit,
            "height": height, "block": name, "source": "s", "answer": b"d",
        }),
    }  # fmt: skip
    return Batch(tables, (f"{unit}/{name.hex()}",), f"block {height}", tip=name)


class Coins(Some):
    chain = BITCOIN_REGTEST.id


@pytest.mark.parametrize("batch_rows", [1, 250_000])
def test_a_reorganisation_is_a_commit_of_its_own(tmp_path: Path, batch_rows: int) -> None:
    """What is stale is given up, waiting or committed; a unit given up may be read again."""
    old = [block_at(height, bytes([height])) for height in range(4)]
    stale = Batch({}, (), "reorganisation", notes=("reorganised",), stale=2)
    new = [block_at(height, bytes([height + 16])) for height in (2, 3)]
    source = Coins(*old, stale, *new, stale, *old[2:])
    report = pull(tmp_path / "a", source, batch_rows=batch_rows)
    assert report.notes == ("reorganised",)
    ledger = open_ledger(tmp_path / "a")
    pull(tmp_path / "b", Coins(*old))
    assert ledger.digests() == open_ledger(tmp_path / "b").digests()
    commits = ledger.store.commits()
    forgets = commits.filter(pl.col("what") == "reorganisation")["commit"].to_list()
    assert len(forgets) == 2
    kept = ledger.as_of(forgets[0]).transactions.collect()
    assert kept["height"].sort().to_list() == [0, 1]
    before = ledger.as_of(forgets[1] - 1).transactions.collect().sort("height")
    assert before["txid"].to_list() == [bytes([k]) * 32 for k in (0, 1, 18, 19)]


def test_a_row_of_two_units_is_stored_once(tmp_path: Path) -> None:
    twice = [block_at(3, b"x"), block_at(3, b"x", unit="address")]
    for folder, size in (("a", 1), ("b", 250_000)):
        pull(tmp_path / folder, Coins(*twice), batch_rows=size)
        ledger = open_ledger(tmp_path / folder)
        assert ledger.transactions.collect().height == ledger.outputs.collect().height == 1
        assert ledger.coverage.collect().height == 2


@pytest.mark.parametrize("batch_rows", [1, 250_000])
def test_two_stories_of_one_place_are_refused(tmp_path: Path, batch_rows: int) -> None:
    differing = Coins(block_at(3, b"x"), block_at(3, b"x", unit="address", value=6))
    with pytest.raises(InputError, match="outputs has value 6, but 5 was read there before at hei"):
        pull(tmp_path / "a", differing, batch_rows=batch_rows)
    other = Coins(block_at(3, b"x"), block_at(3, b"y", unit="address"))
    with pytest.raises(InputError, match="transactions has txid 7979"):
        pull(tmp_path / "b", other, batch_rows=batch_rows)


def spend_at(unit: str, **stated: object) -> Batch:
    """Return one transaction that spends what the ledger lacks, as one source states it."""
    made = block_at(3, b"x", unit=unit)
    spend = {**spending(0, schema.pack_tx(3, 0), b"?" * 32), **stated}
    return Batch({**made.tables, "inputs": rows(schema.INPUTS, spend)}, made.units, "some")


KNOWN = {"value": 7, "address": b"\x01" + b"a" * 20, "script_kind": "p2pkh"}


@pytest.mark.parametrize("lie", [{"value": 8}, {"address": b"\x01" + b"b" * 20},
                                 {"address": None, "script_kind": "p2pk"}])  # fmt: skip
def test_two_stories_of_what_is_spent_are_refused(tmp_path: Path, lie: dict) -> None:
    with pytest.raises(InputError, match=r"inputs has .* was read there before .* a new ledger"):
        pull(tmp_path, Coins(spend_at("block", **(KNOWN | lie)), spend_at("address", **KNOWN)))


def test_who_does_not_know_what_is_spent_contradicts_nobody(tmp_path: Path) -> None:
    pull(tmp_path, Coins(spend_at("block", **KNOWN), spend_at("address")))
    row = open_ledger(tmp_path).inputs.collect().row(0, named=True)
    assert {name: row[name] for name in KNOWN} == KNOWN


def stating(**stated: object) -> dict[str, pl.DataFrame]:
    made = block_at(3, b"x")
    spend = {"chain": BITCOIN_REGTEST.id, "tx": schema.pack_tx(4, 1), "n": 0, "prev_n": 0,
             "prev_txid": b"x" * 32, "sequence": 0, **stated}  # fmt: skip
    return {**made.tables, "inputs": rows(schema.INPUTS, spend)}


def earlier(folder: Path) -> Searched:
    return Searched(BITCOIN_REGTEST.id, Store.create(folder).scan)


def test_what_the_source_states_is_kept_where_nothing_is_known(tmp_path: Path) -> None:
    stated = {"prev_txid": b"?" * 32, "value": 7, "address": b"\x01" + b"a" * 20,
              "script_kind": "p2pkh"}  # fmt: skip
    found = resolve(stating(**stated), earlier(tmp_path)).row(0, named=True)
    assert {name: found[name] for name in stated} == stated
    assert found["prev_tx"] is None


def test_what_the_source_states_is_held_against_what_was_read(tmp_path: Path) -> None:
    held = earlier(tmp_path)
    right = {"value": 5, "script_kind": "nonstandard", "prev_tx": schema.pack_tx(3, 0)}
    assert resolve(stating(**right), held)["prev_tx"].to_list() == [right["prev_tx"]]
    for wrong in ({"value": 6}, {"script_kind": "p2pk"}, {"prev_tx": 7}, {"address": b"a"}):
        with pytest.raises(BlockError, match="input 0 spends is not what that output says at hei"):
            resolve(stating(**(right | wrong)), held)
