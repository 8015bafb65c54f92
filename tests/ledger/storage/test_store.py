"""The store: atomic commits, recovery from any interruption, one writer, exact round trips."""

from __future__ import annotations

import errno
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chainwatch.errors import LedgerError, LedgerLocked
from chainwatch.ledger import schema
from chainwatch.ledger.storage import delta, writer
from chainwatch.ledger.storage.lock import locked
from chainwatch.ledger.storage.store import FORMAT, Store
from chainwatch.ledger.storage.writer import open_writer
from chainwatch.results.provenance import digest_frame

LARGEST = 10**38 - 1
Tables = dict[str, pl.DataFrame]


def rows_of(table: schema.Table, rows: list[dict[str, object]]) -> pl.DataFrame:
    whole = [{name: row.get(name) for name in table.schema} for row in rows]
    return pl.DataFrame(whole, schema=table.schema)


def batch(number: int) -> Tables:
    """Return what commit ``number`` of the run adds: from two to three tables."""
    moment = datetime(2023, 6, number, tzinfo=UTC)
    unit = {
        "chain": "tron:0x2b6653dc", "unit": f"dump/{number}", "kind": "dump", "source": "test",
        "answer": bytes([number]),
    }  # fmt: skip
    moved = [
        {"chain": "tron:0x2b6653dc", "txid": bytes([number, n]), "kind": "trc20", "occurrence": 0,
         "time": moment, "sender": b"\x11a", "receiver": b"\x11b", "amount": LARGEST - n,
         "order_uncertain": True, "sections": 1}
        for n in range(3)
    ]  # fmt: skip
    tables = {
        "coverage": rows_of(schema.COVERAGE, [unit]),
        "transfers": rows_of(schema.TRANSFERS, moved),
    }
    if number == 2:
        price = {
            "chain": "x", "currency": "EUR", "granularity": "day", "time": moment, "price": "1",
            "source": "test",
        }  # fmt: skip
        tables["prices"] = rows_of(schema.PRICES, [price])
    return tables


def run(store: Store) -> None:
    """Make the commits of the run of three that are not there yet, as a source resumes."""
    with open_writer(store) as pen:
        done = len(store.commits())
        for number in range(done + 1, 4):
            pen.commit(batch(number), source="test", chain="trx", what=f"part {number}")


def digests(store: Store, commit: int | None = None) -> dict[str, str]:
    return {
        table.name: digest_frame(store.scan(table.name, commit).collect(), table.key)
        for table in schema.TABLES
    }


def interrupt_at(stop: int, act: Callable[[], None]) -> Callable[[str], None]:
    """Return a fault hook that acts at the stop-th point it passes."""
    passed = iter(range(10**6))
    return lambda point: act() if next(passed) == stop else None


def points(path: Path) -> list[str]:
    """Return the fault points of an undisturbed run."""
    seen: list[str] = []
    delta.fault = seen.append
    try:
        run(Store.create(path))
    finally:
        delta.fault = delta._pass
    return seen


@pytest.fixture(autouse=True)
def undisturbed() -> Iterator[None]:
    yield
    delta.fault = delta._pass


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store.create(tmp_path / "ledger")


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[str], dict[str, str]]:
    """The fault points of the undisturbed run and the digests it ends with."""
    path = tmp_path_factory.mktemp("whole") / "ledger"
    return points(path), digests(Store.open(path))


# -- reading as of a commit


def test_logs_are_read_once_for_a_commit_and_again_only_where_a_table_grew(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What stands as of a commit is what each look at it gives, whoever writes in between."""
    run(store)
    read: list[str] = []
    plain = delta.files
    monkeypatch.setattr(
        delta, "files", lambda path, version=None: read.append(path.name) or plain(path, version)
    )
    names = [table.name for table in schema.TABLES]
    first, last = store.at(1), store.at(3)
    seen = {name: first.scan(name).collect() for name in names}
    read.clear()
    assert all(first.scan(name).collect().equals(seen[name]) for name in names)
    assert read == []
    grown = [name for name in names if first.commit.versions[name] != last.commit.versions[name]]
    later = first.later(last.commit)
    after = {name: later.scan(name).collect() for name in names}
    assert sorted(read) == sorted(grown)
    assert 0 < len(grown) < len(names)
    for name, table in zip(names, schema.TABLES, strict=True):
        assert digest_frame(after[name], table.key) == digests(store)[name]
    with open_writer(store) as pen:
        assert pen.latest.commit == store.head()


# -- making and opening


def test_create_makes_every_table_empty_and_may_be_repeated(store: Store) -> None:
    run(store)
    again = Store.create(store.path)
    assert digests(again) == digests(store)
    assert again.scan("transfers").collect().height == 9


def test_before_any_commit_tables_are_empty(store: Store) -> None:
    assert store.head() is None
    for table in schema.TABLES:
        assert store.scan(table.name).collect_schema() == pl.Schema(table.schema)
        assert store.scan(table.name).collect().height == 0


def test_create_refuses_a_folder_with_something_else(tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("dear")
    with pytest.raises(LedgerError, match="not empty"):
        Store.create(tmp_path)
    with pytest.raises(LedgerError, match="a file"):
        Store.create(tmp_path / "letter.txt")
    assert [item.name for item in tmp_path.iterdir()] == ["letter.txt"]


@pytest.mark.parametrize("name", ["a[b", "a|b", "a^b", "a\nb", "100%25", "tab\tname"])
def test_create_refuses_a_name_that_would_be_misread(tmp_path: Path, name: str) -> None:
    with pytest.raises(LedgerError, match="rename the folder"):
        Store.create(tmp_path / name)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["a b", "é日本", "100%", "a#b?c", "{x}*(y)", "a'b&c=d;e"])
def test_folders_with_odd_names_hold_ledgers(tmp_path: Path, name: str) -> None:
    store = Store.create(tmp_path / name)
    run(store)
    with open_writer(store) as pen:
        pen.compact()
    assert store.scan("transfers").collect().height == 9
    assert Store.open(tmp_path / name).scan("transfers", 1).collect().height == 3
    assert [item.name for item in tmp_path.iterdir()] == [name]


def test_open_says_what_is_missing(tmp_path: Path) -> None:
    with pytest.raises(LedgerError, match="no ledger here"):
        Store.open(tmp_path / "nowhere")
    with pytest.raises(LedgerError, match="no ledger here"):
        Store.open(tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("marker", "told"),
    [
        (f'{{"chainwatch ledger": {FORMAT + 1}}}', "install a newer chainwatch"),
        ('{"chainwatch ledger": "1"}', "no number"),
        ('{"chainwatch ledger": true}', "no number"),
        ("[1]", "marks no ledger"),
        ("{", "marks no ledger"),
        ("\x00\xff", "marks no ledger"),
        ("[" * 4096, "marks no ledger"),
        ("", "marks no ledger"),
    ],
)
def test_open_and_create_refuse_a_foreign_marker(store: Store, marker: str, told: str) -> None:
    (store.path / "ledger.json").write_bytes(marker.encode("latin-1"))
    for use in (Store.open, Store.create):
        with pytest.raises(LedgerError, match=told):
            use(store.path)


def test_a_lost_table_is_told_at_once(store: Store) -> None:
    run(store)
    shutil.rmtree(store.path / "prices")
    with pytest.raises(LedgerError, match="lacks the tables prices"):
        Store.open(store.path)


# -- two that begin one ledger


def test_a_ledger_made_while_the_folder_is_judged_is_no_foreign_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The other one is let in at the worst moment: between two looks at the folder."""
    folder = tmp_path / "ledger"
    folder.mkdir()
    looked = Path.iterdir

    def meanwhile(self: Path) -> Iterator[Path]:
        monkeypatch.setattr(Path, "iterdir", looked)
        Store.create(folder)
        return looked(self)

    monkeypatch.setattr(Path, "iterdir", meanwhile)
    run(Store.create(folder))
    assert Store.open(folder).scan("transfers").collect().height == 9


def test_a_folder_is_judged_again_under_its_lock(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "ledger"
    made = Path.mkdir

    def meanwhile(self: Path, *how: object, **more: object) -> None:
        made(self, *how, **more)  # type: ignore[arg-type]
        (self / "letter.txt").write_text("dear")

    monkeypatch.setattr(Path, "mkdir", meanwhile)
    with pytest.raises(LedgerError, match="not empty"):
        Store.create(folder)
    assert [item.name for item in folder.iterdir()] == ["letter.txt"]


def test_a_folder_that_was_taken_away_is_told(store: Store) -> None:
    for left, error in ((True, LedgerError), (False, LedgerLocked)):
        shutil.rmtree(store.path)
        if left:
            store.path.mkdir()
        with pytest.raises(error), open_writer(store):
            pass


def test_a_lock_whose_file_was_removed_is_refused(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = Path.open

    def meanwhile(self: Path, *how: str) -> object:
        handle = opened(self, *how)
        self.unlink()
        return handle

    monkeypatch.setattr(Path, "open", meanwhile)
    with pytest.raises(LedgerLocked), locked(store.path):
        pass


def test_the_holder_of_the_lock_is_named(store: Store) -> None:
    told = rf"process {os.getpid()}, since 2\d{{3}}-"
    with locked(store.path), pytest.raises(LedgerLocked, match=told), locked(store.path):
        pass


BEGIN = """
import sys
from multiprocessing import get_context
from pathlib import Path

def begin(place, rounds, barrier, said):
    import importlib.util
    spec = importlib.util.spec_from_file_location("run_of_three", sys.argv[1])
    tests = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tests)
    from chainwatch.errors import LedgerLocked
    for number in range(rounds):
        barrier.wait(60)
        try:
            tests.run(tests.Store.create(place / str(number)))
            said.put((number, "done"))
        except LedgerLocked:
            said.put((number, "locked"))
        except BaseException as error:
            said.put((number, repr(error)))

if __name__ == "__main__":
    many, rounds = int(sys.argv[3]), int(sys.argv[4])
    context = get_context("spawn")
    barrier, said = context.Barrier(many), context.Queue()
    how = (Path(sys.argv[2]), rounds, barrier, said)
    all_of_them = [context.Process(target=begin, args=how) for _ in range(many)]
    for one in all_of_them:
        one.start()
    for _ in range(many * rounds):
        print(*said.get(timeout=60))
    for one in all_of_them:
        one.join()
"""


@pytest.mark.fault
def test_many_that_begin_one_ledger_at_once_leave_one(
    tmp_path: Path, whole: tuple[list[str], dict[str, str]]
) -> None:
    """Whoever is not refused for the lock finds or makes a whole ledger, thirty times over."""
    script = tmp_path / "begin.py"
    script.write_text(BEGIN)
    many, rounds = 3, 30
    command = [sys.executable, str(script), __file__, str(tmp_path), str(many), str(rounds)]
    told = subprocess.run(command, check=True, capture_output=True, text=True, timeout=120)
    said = [line.split(maxsplit=1) for line in told.stdout.splitlines()]
    assert {words for _, words in said} <= {"done", "locked"}
    for number in map(str, range(rounds)):
        assert (number, "done") in [(place, words) for place, words in said]
        assert digests(Store.open(tmp_path / number)) == whole[1]


# -- commits


def test_commits_are_numbered_and_readable_as_of(store: Store) -> None:
    run(store)
    head = store.head()
    assert head is not None
    assert (head.number, head.parent, head.rows, head.what) == (3, 2, 4, "part 3")
    assert head == store.commit(3)
    assert store.commits()["parent"].to_list() == [0, 1, 2]
    assert [store.scan("transfers", at).collect().height for at in (1, 2, 3)] == [3, 6, 9]
    assert store.scan("prices", 1).collect().height == 0
    assert store.scan("prices", store.commit(2)).collect().height == 1


def test_an_empty_frame_appends_nothing(store: Store) -> None:
    with open_writer(store) as pen:
        made = pen.commit({"tags": schema.TAGS.empty()}, source="s", chain="", what="none")
    assert (made.rows, made.versions["tags"]) == (0, 0)


def test_a_commit_that_does_not_exist(store: Store) -> None:
    with pytest.raises(LedgerError, match="no commit 1"):
        store.scan("tags", 1)
    run(store)
    with pytest.raises(LedgerError, match="1 to 3"):
        store.commit(4)


def twice() -> Tables:
    moved = batch(1)["transfers"]
    return {"coverage": batch(1)["coverage"], "transfers": pl.concat([moved, moved.head(1)])}


@pytest.mark.parametrize(
    ("bad", "told"),
    [
        (lambda: {"blobs": pl.DataFrame()}, "no table 'blobs'"),
        (lambda: {"commits": schema.COMMITS.empty()}, "no table 'commits'"),
        (lambda: {**batch(1), "tags": pl.DataFrame({"x": [1]})}, "table tags"),
        (twice, "2 rows of transfers share a key"),
    ],
)
def test_a_refused_commit_changes_nothing(
    store: Store, bad: Callable[[], Tables], told: str
) -> None:
    with open_writer(store) as pen:
        with pytest.raises(LedgerError, match=told):
            pen.commit(bad(), source="test", chain="trx", what="bad")
        pen.commit(batch(2), source="test", chain="trx", what="good")
    head = store.head()
    assert head is not None
    assert head.number == 1
    assert store.scan("transfers").collect().height == 3


def test_what_was_read_before_is_not_read_in_again(store: Store) -> None:
    run(store)
    with open_writer(store) as pen, pytest.raises(LedgerError, match=r"before at dump/1"):
        pen.commit(batch(1), source="test", chain="trx", what="again")
    assert store.scan("transfers").collect().height == 9


def test_one_commit_or_many_give_the_same_digests(
    tmp_path: Path, whole: tuple[list[str], dict[str, str]]
) -> None:
    store = Store.create(tmp_path / "ledger")
    parts = [batch(number) for number in (3, 1, 2)]
    names = {name for part in parts for name in part}
    joined = {name: pl.concat([part[name] for part in parts if name in part]) for name in names}
    with open_writer(store) as pen:
        pen.commit(joined, source="test", chain="trx", what="all")
    assert digests(store) == whole[1]


def test_a_small_commit_of_every_table_is_quick(store: Store, tables: Tables) -> None:
    tables = {**tables, **{name: batch(2)[name] for name in ("transfers", "prices")}}
    with open_writer(store) as pen:
        begun = time.perf_counter()
        pen.commit(tables, source="test", chain="btc", what="all")
    assert time.perf_counter() - begun < 1
    assert {name: len(store.scan(name).collect()) for name in tables} == {
        name: len(rows) for name, rows in tables.items()
    }


def test_nothing_is_printed(store: Store, capfd: pytest.CaptureFixture[str]) -> None:
    run(store)
    with open_writer(store) as pen:
        pen.compact()
    store.scan("transfers").collect()
    assert capfd.readouterr() == ("", "")


# -- interruption


def test_every_change_passes_fault_points(whole: tuple[list[str], dict[str, str]]) -> None:
    seen = whole[0]
    assert seen[0] == "before ledger.json"
    assert len([point for point in seen if point.startswith("before create")]) == len(
        [*schema.TABLES, schema.COMMITS]
    )
    assert seen[-6:] == [
        "before append coverage", "after append coverage", "before append transfers",
        "after append transfers", "before commits", "after commits",
    ]  # fmt: skip


def stop() -> None:
    raise KeyboardInterrupt


def test_an_error_at_any_point_leaves_nothing_behind(
    tmp_path: Path, whole: tuple[list[str], dict[str, str]]
) -> None:
    for place, point in enumerate(whole[0]):
        path = tmp_path / f"{place}"
        delta.fault = interrupt_at(place, stop)
        with pytest.raises(KeyboardInterrupt):
            run(Store.create(path))
        delta.fault = delta._pass
        run(Store.create(path))
        assert digests(Store.open(path)) == whole[1], point
        assert len(Store.open(path).commits()) == 3, point
        shutil.rmtree(path)


def test_an_error_while_recovering_leaves_nothing_behind(
    store: Store, whole: tuple[list[str], dict[str, str]]
) -> None:
    places = [place for place, point in enumerate(whole[0]) if point.startswith("after append")]
    delta.fault = interrupt_at(places[2] - 12, stop)
    with pytest.raises(KeyboardInterrupt):
        run(store)
    for place in range(2):  # before and after the table is put back
        delta.fault = interrupt_at(place, stop)
        with pytest.raises(KeyboardInterrupt):
            run(store)
    delta.fault = delta._pass
    run(store)
    assert digests(store) == whole[1]


KILLS = """
import importlib.util, os, signal, sys, threading
from pathlib import Path
spec = importlib.util.spec_from_file_location("run_of_three", sys.argv[1])
module = importlib.util.module_from_spec(spec)
spec.loader.exec_module(module)
folder, places = Path(sys.argv[2]), int(sys.argv[3])
# A fork keeps one thread of many, so it must come before polars or Delta start theirs.
assert threading.active_count() == 1
for place in range(places):
    child = os.fork()
    if not child:
        signal.alarm(20)
        kill = lambda: os.kill(os.getpid(), signal.SIGKILL)
        module.delta.fault = module.interrupt_at(place, kill)
        module.run(module.Store.create(folder / str(place)))
        os._exit(0)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL, (place, status)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="this system cannot fork")
def test_a_kill_at_any_point_leaves_nothing_behind(
    tmp_path: Path, whole: tuple[list[str], dict[str, str]]
) -> None:
    given_up = [sys.executable, "-c", KILLS, __file__, str(tmp_path), str(len(whole[0]))]
    subprocess.run(given_up, check=True, timeout=60, env=os.environ | {"POLARS_MAX_THREADS": "1"})
    for place, point in enumerate(whole[0]):
        before = Store.create(tmp_path / f"{place}")
        done = len(before.commits())
        assert before.scan("transfers").collect().height == 3 * done, point
        run(before)
        assert digests(Store.open(before.path)) == whole[1], point


def test_a_full_disk_leaves_the_last_commit(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    with open_writer(store) as pen:
        pen.commit(batch(1), source="test", chain="trx", what="part 1")
        kept = digests(store)
        append = delta.append

        def full(table: object, rows: pl.DataFrame) -> None:
            if "txid" in rows.columns:
                raise OSError(errno.ENOSPC, "No space left on device")
            append(table, rows)  # type: ignore[arg-type]  # what the original takes

        monkeypatch.setattr(delta, "append", full)
        with pytest.raises(OSError, match="No space"):
            pen.commit(batch(2), source="test", chain="trx", what="part 2")
        assert digests(store) == kept
        monkeypatch.setattr(delta, "append", append)
        # The same writer goes on once there is room: what half of the commit left is undone.
        pen.commit(batch(2), source="test", chain="trx", what="part 2")
    assert store.scan("coverage").collect().height == 2
    assert store.scan("transfers").collect().height == 6


def test_readers_see_a_commit_while_a_writer_appends(store: Store) -> None:
    with open_writer(store) as pen:
        pen.commit(batch(1), source="test", chain="trx", what="part 1")
    kept = digests(store)
    early = store.scan("transfers")
    seen: list[dict[str, str]] = []
    delta.fault = lambda point: seen.append(digests(Store.open(store.path)))
    with open_writer(store) as pen:
        pen.commit(batch(2), source="test", chain="trx", what="part 2")
    delta.fault = delta._pass
    assert len(seen) == 8
    assert seen[:-1] == [kept] * 7
    assert seen[-1] == digests(store) != kept
    assert digests(store, 1) == kept
    assert early.collect().height == 3


# -- the lock


def test_a_second_writer_is_refused_at_once(store: Store) -> None:
    with open_writer(store), pytest.raises(LedgerLocked, match=f"process {os.getpid()}, since 20"):
        open_writer(store).__enter__()
    with open_writer(store) as pen:
        pen.commit(batch(1), source="test", chain="trx", what="part 1")


def test_a_writer_that_died_holds_nothing(store: Store) -> None:
    code = (
        "import sys, time; from chainwatch.ledger.storage.store import Store\n"
        "from chainwatch.ledger.storage.writer import open_writer\n"
        "with open_writer(Store.open(sys.argv[1])): print('held', flush=True); time.sleep(60)"
    )
    command = [sys.executable, "-c", code, str(store.path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == b"held\n"
        with pytest.raises(LedgerLocked, match=f"process {other.pid}, "):
            open_writer(store).__enter__()
        other.send_signal(signal.SIGKILL)
    run(store)
    assert len(store.commits()) == 3


def test_a_lock_file_is_not_believed(store: Store) -> None:
    with open_writer(store):
        (store.path / "writer.lock").write_text("\x1b[31m <script>")
        with pytest.raises(LedgerLocked, match="another writer holds the ledger at"):
            open_writer(store).__enter__()


def test_a_writer_ends_with_its_lock(store: Store) -> None:
    with open_writer(store) as pen:
        pass
    for use in (pen.compact, lambda: pen.commit({}, source="s", chain="c", what="w")):
        with pytest.raises(LedgerError, match="given up its lock"):
            use()


# -- damage


def test_a_table_cut_short_is_told(store: Store) -> None:
    run(store)
    (store.path / "transfers" / "_delta_log" / f"{3:020}.json").unlink()
    with pytest.raises(LedgerError, match="at version 3"):
        store.scan("transfers")
    with pytest.raises(LedgerError, match="ends before the last commit"), open_writer(store):
        pass
    assert store.scan("transfers", 2).collect().height == 6


def test_a_log_that_points_out_of_the_folder_is_not_followed(store: Store, tmp_path: Path) -> None:
    run(store)
    secret = tmp_path / "secret.parquet"
    store.scan("transfers").collect().write_parquet(secret)
    log = store.path / "transfers" / "_delta_log" / f"{3:020}.json"
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    for line in lines:
        if "add" in line:
            line["add"]["path"] = "../../secret.parquet"
    log.write_text("\n".join(json.dumps(line) for line in lines))
    with pytest.raises((LedgerError, OSError)):
        store.scan("transfers").collect()


# -- merging files, forgetting blocks, old versions


def files(store: Store, name: str) -> int:
    return len(delta.load(store.path / name).file_uris())


def test_compaction_changes_files_and_no_row(
    store: Store, whole: tuple[list[str], dict[str, str]]
) -> None:
    run(store)
    assert files(store, "transfers") == 3
    with open_writer(store) as pen:
        made = pen.compact()
    assert (made.number, made.rows, files(store, "transfers")) == (4, 0, 1)
    assert digests(store) == whole[1]
    assert store.scan("transfers", 1).collect().height == 3


def test_compaction_comes_by_itself(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer, "COMPACT_EVERY", 3)
    run(store)
    assert store.commits()["what"].to_list() == ["part 1", "part 2", "part 3", "compaction"]
    with open_writer(store) as pen:
        for number in (4, 5):
            pen.commit(batch(number), source="test", chain="trx", what=f"part {number}")
    assert store.commits().height == 6
    assert files(store, "transfers") == 3


def test_interrupted_compaction_changes_nothing(
    store: Store, whole: tuple[list[str], dict[str, str]]
) -> None:
    run(store)
    for place in (0, 6, 11, 12):
        delta.fault = interrupt_at(place, stop)
        with pytest.raises(KeyboardInterrupt), open_writer(store) as pen:
            pen.compact()
        delta.fault = delta._pass
        assert digests(store) == whole[1]
        assert digests(store, 3) == whole[1]
    with open_writer(store) as pen:
        pen.compact()
    assert digests(store) == whole[1]


def test_forgetting_orphaned_blocks_keeps_them_in_older_commits(
    store: Store, tables: Tables
) -> None:
    with open_writer(store) as pen:
        pen.commit({**tables, **batch(1), "coverage": tables["coverage"]},
                   source="test", chain="btc-regtest", what="blocks 0-3")  # fmt: skip
        before = digests(store)
        pen.forget("btc-regtest", 2, source="test", what="reorganisation at 2")
        left = {name: len(store.scan(name).collect()) for name in [*tables, "transfers"]}
        assert left == {
            "blocks": 2, "transactions": 2, "inputs": 0, "outputs": 2, "output_keys": 0,
            "coverage": 2, "transfers": 3,
        }  # fmt: skip
        assert digests(store, 1) == before
        again = {
            name: rows.filter(pl.col("height" if "height" in rows.columns else "tx")
                              >= (2 if "height" in rows.columns else schema.pack_tx(2, 0)))
            for name, rows in tables.items()
        }  # fmt: skip
        pen.commit(again, source="test", chain="btc-regtest", what="blocks 2-3")
    assert digests(store) == before


def test_old_versions_outlive_the_cleaning_of_logs(tmp_path: Path) -> None:
    folder = tmp_path / "prices"
    delta.create(folder, schema.PRICES)
    opened = delta.load(folder)
    long_ago = datetime(2020, 1, 1, tzinfo=UTC).timestamp()
    for _ in range(105):  # past the hundredth, when Delta writes a checkpoint and cleans
        delta.append(opened, batch(2)["prices"])
        for log in (folder / "_delta_log").iterdir():
            os.utime(log, (long_ago, long_ago))
    assert (folder / "_delta_log" / "_last_checkpoint").exists()
    for version in (0, 1, 50, 105):
        assert delta.scan(folder, schema.PRICES, version).collect().height == version


# -- exact round trips

WIDE = schema.Table(
    "wide",
    ("number",),
    "Every type of the schema.",
    tuple(
        schema.Column(name, dtype, privacy, name, nullable=True)
        for name, (dtype, privacy) in {
            "number": (pl.Int64, schema.Privacy.NUMBER),
            "amount": (schema.AMOUNT, schema.Privacy.AMOUNT),
            "price": (pl.Decimal(38, 12), schema.Privacy.NUMBER),
            "raw": (pl.Binary, schema.Privacy.TEXT), "text": (pl.String, schema.Privacy.TEXT),
            "moment": (schema.TIME, schema.Privacy.TIME), "day": (pl.Date, schema.Privacy.TIME),
            "flag": (pl.Boolean, schema.Privacy.FLAG),
        }.items()
    ),
)  # fmt: skip

WIDE_ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "number": st.none() | st.integers(-(2**63), 2**63 - 1),
            "amount": st.none() | st.integers(-LARGEST, LARGEST),
            "price": st.none() | st.integers(-LARGEST, LARGEST),
            "raw": st.none() | st.binary(max_size=40),
            "text": st.none() | st.text(max_size=40),
            "moment": st.none() | st.datetimes(timezones=st.just(UTC)),
            "day": st.none() | st.dates(),
            "flag": st.none() | st.booleans(),
        }
    ),
    max_size=6,
)
EDGE = [
    {"number": 2**63 - 1, "amount": LARGEST, "price": -LARGEST, "raw": b"", "text": "",
     "moment": datetime(1, 1, 1, tzinfo=UTC), "day": date(9999, 12, 31), "flag": False},
    {"number": -(2**63), "amount": -LARGEST, "price": 1, "raw": b"\x00\xff", "text": "\x00é",
     "moment": datetime(9999, 12, 31, 23, 59, 59, 999999, UTC), "day": date(1, 1, 1),
     "flag": True},
    dict.fromkeys(WIDE.schema),
]  # fmt: skip


def wide_frame(rows: list[dict[str, object]]) -> pl.DataFrame:
    def price(units: object) -> Decimal | None:
        return None if units is None else Decimal(units).scaleb(-12)  # type: ignore[arg-type]  # an int

    whole = [
        {**row, "amount": None if row["amount"] is None else Decimal(row["amount"]),
         "price": price(row["price"])}
        for row in rows
    ]  # fmt: skip
    return pl.DataFrame(whole, schema=WIDE.schema)


def round_trip(frame: pl.DataFrame) -> pl.DataFrame:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "wide"
        delta.create(path, WIDE)
        delta.append(delta.load(path), WIDE.conform(frame))
        uris = [path / uri.rsplit("/", 1)[1] for uri in delta.load(path).file_uris()]
        return pl.read_parquet(uris, glob=False) if uris else WIDE.empty()


@settings(max_examples=25, deadline=None)
@given(WIDE_ROWS)
def test_every_type_comes_back_as_it_was(rows: list[dict[str, object]]) -> None:
    frame = wide_frame(rows)
    back = round_trip(frame)
    assert back.schema == pl.Schema(WIDE.schema)
    assert digest_frame(back, ["number"]) == digest_frame(frame, ["number"])
    assert sorted(map(str, back.rows())) == sorted(map(str, frame.rows()))


def test_the_largest_and_smallest_come_back() -> None:
    frame = wide_frame(EDGE)
    assert round_trip(frame).equals(frame)


def test_unsigned_integers_come_back_as_numbers(store: Store) -> None:
    moved = batch(1)["transfers"].with_columns(
        pl.col("occurrence", "sections").cast(pl.UInt32), pl.col("amount").cast(pl.Decimal(38, 0))
    )
    with open_writer(store) as pen:
        pen.commit({"transfers": moved}, source="test", chain="trx", what="unsigned")
    assert store.scan("transfers").collect()["sections"].to_list() == [1, 1, 1]


def test_a_filter_on_wide_amounts_finds_them(store: Store) -> None:
    run(store)
    bound = pl.lit(Decimal(2**64)).cast(schema.AMOUNT)
    assert store.scan("transfers").filter(pl.col("amount") > bound).collect().height == 9
    statistics = delta.load(store.path / "transfers").get_add_actions(flatten=True)
    assert "max.sections" in statistics.column_names
    assert "max.amount" not in statistics.column_names


@pytest.mark.parametrize("there", [True, False])
def test_pyarrow_is_not_needed_and_where_it_is_there_not_used(tmp_path: Path, there: bool) -> None:
    code = (
        f"import sys; there = {there}\n"
        "if not there: sys.modules['pyarrow'] = None\n"
        "from chainwatch.ledger.storage.store import Store\n"
        "from chainwatch.ledger.storage.writer import open_writer\n"
        "from chainwatch.ledger import schema\n"
        "import polars as pl\n"
        "from datetime import datetime, UTC\n"
        "rows = pl.DataFrame({'chain': ['x'], 'contract': [None], 'currency': ['EUR'],"
        " 'granularity': ['day'], 'source': ['s'], 'price': ['1'],"
        " 'time': [datetime(2023, 1, 1, tzinfo=UTC)]})\n"
        "store = Store.create(sys.argv[1])\n"
        "with open_writer(store) as pen:\n"
        " pen.commit({'prices': rows}, source='s', chain='', what='w')\n"
        "with open_writer(store) as pen: pen.compact()\n"
        "print(store.scan('prices').collect().height)\n"
        "assert not there or 'pyarrow' not in sys.modules"
    )
    command = [sys.executable, "-W", "error", "-c", code, str(tmp_path / "ledger")]
    made = subprocess.run(command, check=True, capture_output=True, text=True)
    assert (made.stdout, made.stderr) == ("1\n", "")


def test_a_ledger_of_an_older_schema_is_refused_with_what_to_do(store: Store) -> None:
    (store.path / "ledger.json").write_text('{"chainwatch ledger": 1}\n', encoding="utf-8")
    with pytest.raises(LedgerError, match=r"has format 1, and this chainwatch .* pull again"):
        Store.open(store.path)
    with pytest.raises(LedgerError, match="pull again"):
        Store.create(store.path)
