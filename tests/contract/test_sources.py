"""What every source owes: schema, determinism, coverage, digests, and nothing read twice."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest

from chainwatch import addresses
from chainwatch.chains import BITCOIN_REGTEST, TRON
from chainwatch.ledger import schema
from chainwatch.ledger.ledger import open_ledger
from chainwatch.provenance import digest_frame
from chainwatch.simulate.blocks import GENESIS, assemble, framed
from chainwatch.simulate.transactions import Lock
from chainwatch.sources.base import Batch, Source, pull
from chainwatch.sources.block_files import BlockFiles
from chainwatch.sources.dump_mapping import DumpMapping
from chainwatch.sources.dumps import TransferDump

THEN = datetime(2024, 1, 2, tzinfo=UTC)
TABLES = {table.name: table for table in schema.TABLES}


def block_files(folder: Path) -> tuple[Source, Path]:
    parent, frames = BITCOIN_REGTEST.genesis, framed(GENESIS)
    for height in range(1, 9):
        miner = Lock("p2pkh", b"\x76\xa9\x14" + bytes([height]) * 20 + b"\x88\xac")
        block, _ = assemble(parent, height, 1_700_000_000 + 600 * height, miner, ())
        parent, frames = block.hash, frames + framed(block.raw)
    path = folder / "blk00000.dat"
    path.write_bytes(frames)
    return BlockFiles(path, "btc-regtest", acquired=THEN), path


def transfer_dump(folder: Path) -> tuple[Source, Path]:
    a, b, token = (addresses.text(b"\x11" + bytes([k]) * 20, TRON) for k in range(3))
    lines = ["wallet,id,time,from,to,amount,token"]
    lines += [f"{a},{k:064x},{1_700_000_000 + k},{a},{b},{k},{token}" for k in range(1, 9)]
    path = folder / "dump.csv"
    path.write_text("\n".join(lines) + "\n")
    mapping = DumpMapping.of({
        "chain": "tron", "kind": "trc20", "source": "an explorer", "txid": "id", "time": "time",
        "time_unit": "s", "sender": "from", "receiver": "to", "amount": "amount",
        "contract": "token", "section": "wallet",
    })  # fmt: skip
    return TransferDump(path, mapping, acquired=THEN), path


SOURCES: dict[str, Callable[[Path], tuple[Source, Path]]] = {
    "BlockFiles": block_files,
    "TransferDump": transfer_dump,
}
"""Every source, written out: its maker gives the source and the file it reads."""


class Empty:
    """A ledger without rows."""

    def scan(self, table: str) -> pl.LazyFrame:
        return TABLES[table].empty().lazy()


@pytest.fixture(params=SOURCES)
def made(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Source, Path]:
    return SOURCES[request.param](tmp_path)


def batches(source: Source) -> list[Batch]:
    return [batch for batch in source.batches(Empty()) if batch.units]


def test_the_list_is_complete() -> None:
    """A class in the folder that has ``batches`` is a source, and stands above."""
    import importlib
    import pkgutil

    from chainwatch import sources

    found = set()
    for module in pkgutil.iter_modules(sources.__path__, "chainwatch.sources."):
        for name, item in vars(importlib.import_module(module.name)).items():
            if isinstance(item, type) and hasattr(item, "batches") and item is not Source:
                found.add(name)
    assert found == set(SOURCES)


def test_batches_conform(made: tuple[Source, Path]) -> None:
    for batch in batches(made[0]):
        for name, frame in batch.tables.items():
            assert TABLES[name].conform(frame).equals(frame)
            assert not frame.select(TABLES[name].key).is_duplicated().any()
        assert batch.rows > 0
        assert batch.what


def test_batches_are_deterministic(made: tuple[Source, Path]) -> None:
    first, second = (
        [
            (batch.units, batch.what, batch.tip, batch.notes,
             {name: digest_frame(frame, TABLES[name].key) for name, frame in batch.tables.items()})
            for batch in batches(made[0])
        ]
        for _ in range(2)
    )  # fmt: skip
    assert first == second


def test_each_batch_covers_its_units(made: tuple[Source, Path]) -> None:
    source, _ = made
    seen: set[str] = set()
    for batch in batches(source):
        rows = batch.tables["coverage"]
        assert sorted(rows["unit"]) == sorted(batch.units)
        assert set(rows["source"]) == {source.name}
        assert set(rows["chain"]) == {source.chain}
        assert seen.isdisjoint(batch.units)
        seen.update(batch.units)


def test_answers_hold_the_digest_of_the_bytes(made: tuple[Source, Path]) -> None:
    source, path = made
    digest = hashlib.sha256(path.read_bytes()).digest()
    for batch in batches(source):
        answer = batch.tables["answers"].row(0, named=True)
        assert answer["digest"] == digest
        assert (answer["request"], answer["size"]) == (path.name, path.stat().st_size)
        assert (answer["source"], answer["time"]) == (source.name, THEN)
        assert set(batch.tables["coverage"]["answer"]) == {digest}


def test_a_second_pull_adds_nothing(made: tuple[Source, Path], tmp_path: Path) -> None:
    source, _ = made
    first = pull(tmp_path / "l", source)
    digests = open_ledger(tmp_path / "l").digests()
    second = pull(tmp_path / "l", source)
    assert (second.commits, second.units, second.skipped) == (0, 0, first.units)
    assert open_ledger(tmp_path / "l").digests() == digests


def test_commits_leave_no_trace_in_the_content(made: tuple[Source, Path], tmp_path: Path) -> None:
    source, _ = made
    pull(tmp_path / "a", source)
    pull(tmp_path / "b", source, batch_rows=1)
    assert open_ledger(tmp_path / "a").digests() == open_ledger(tmp_path / "b").digests()


def test_no_folder_is_told(made: tuple[Source, Path], tmp_path: Path) -> None:
    """Where a file lies on the desk is nobody's business: name only, also in errors."""
    source, path = made
    assert str(tmp_path) not in repr(source)
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(ValueError, match=path.name) as caught:
        list(source.batches(Empty()))
    assert str(tmp_path) not in str(caught.value)
