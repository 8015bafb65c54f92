"""A pull into a large ledger finds what is spent by the list of outpoints, with the same rows."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import polars as pl
import pytest

from chainwatch.chains.bitcoin import BITCOIN_REGTEST
from chainwatch.ingest.protocol import Batch, Reader
from chainwatch.ingest.pull import pull
from chainwatch.ledger.outpoints import outpoints
from chainwatch.ledger.storage.store import Store
from chainwatch.sources.block_files import BlockFiles


@pytest.fixture
def blocks(maker: ModuleType, tmp_path: Path) -> Path:
    path = tmp_path / "blk.dat"
    path.write_bytes(maker.framed(*maker.Chain().grow(140).blocks))
    return path


def inputs(folder: Path) -> pl.DataFrame:
    return Store.open(folder).scan("inputs").collect().sort("tx", "n")


def pulled(folder: Path, source: BlockFiles) -> pl.DataFrame:
    pull(folder, source, batch_rows=60)
    return inputs(folder)


def test_the_rows_are_those_of_a_search(
    tmp_path: Path, blocks: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = []
    for name, large in (("listed", 0), ("searched", 1 << 60)):
        monkeypatch.setattr(outpoints, "LARGE", large)
        found.append(pulled(tmp_path / name, BlockFiles(blocks, BITCOIN_REGTEST)))
        assert (tmp_path / name / "index").exists() == (not large)
    assert found[0].equals(found[1])
    assert found[0].height > 100
    assert not found[0]["prev_tx"].null_count()


@pytest.mark.parametrize(("files", "step"), [("records.bin", 48), ("*.run", 16), ("*.run", 0)])
def test_damage_in_the_middle_of_a_pull_changes_no_row(
    files: str, step: int, tmp_path: Path, blocks: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Records without their heads, keys without their beginnings, and runs that end too early."""
    monkeypatch.setattr(outpoints, "LARGE", 0)
    damaged = []

    class Damaging(BlockFiles):
        def batches(self, reader: Reader) -> Iterator[Batch]:
            for batch in super().batches(reader):
                for path in (tmp_path / "b").rglob(files):
                    data = bytearray(path.read_bytes())
                    if step:
                        data[::step] = bytes(len(data[::step]))
                    path.write_bytes(data if step else data[:-1])
                    damaged.append(len(data))
                yield batch

    whole = pulled(tmp_path / "a", BlockFiles(blocks, BITCOIN_REGTEST))
    assert pulled(tmp_path / "b", Damaging(blocks, BITCOIN_REGTEST)).equals(whole)
    assert any(damaged)
