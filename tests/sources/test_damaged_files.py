"""Files with a damaged or cut-off part: all else is read, and the part is told everywhere."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

from chainwatch.bitcoin.frames import UNREAD
from chainwatch.cli.ledger import _coverage_lines
from chainwatch.errors import BlockError, ForeignBlock
from chainwatch.ingest.gaps import MOST_NOTED
from chainwatch.ingest.pull import pull
from chainwatch.ledger.checks.check import check
from chainwatch.ledger.coverage import unread
from chainwatch.ledger.ledger import Ledger, open_ledger
from chainwatch.ledger.unread.unread_parts import KINDS, unread_parts
from chainwatch.sources.block_files import BlockFiles

AT = 3
"""Number of the block that is damaged."""


def source(*paths: Path) -> BlockFiles:
    return BlockFiles(paths, "btc-regtest")


def flipped(raw: bytes, at: int) -> bytes:
    return raw[:at] + bytes([raw[at] ^ 1]) + raw[at + 1 :]


def heights(ledger: Ledger) -> list[int]:
    return sorted(ledger.blocks.collect()["height"])


def parts_row(ledger: Ledger) -> dict[str, object]:
    (row,) = check(ledger).frame.filter(name="parts of files").rows(named=True)
    return row


@pytest.fixture
def damaged(short_chain: list[bytes], maker: ModuleType, put: Callable[..., Path]) -> Path:
    """One block whose transactions do not hash to its header, amid sound ones."""
    bad = flipped(short_chain[AT], len(short_chain[AT]) - 1)
    return put("blk.dat", maker.framed(*short_chain[:AT], bad, *short_chain[AT + 1 :]))


def test_a_damaged_block_is_told_and_the_others_are_read(
    damaged: Path, short_chain: list[bytes], maker: ModuleType, tmp_path: Path
) -> None:
    report = pull(tmp_path / "l", source(damaged))
    ledger = open_ledger(tmp_path / "l")
    at, size = len(maker.framed(*short_chain[:AT])), len(maker.framed(short_chain[AT]))
    part = f"blk.dat: {size} bytes from byte {at:,} on are a damaged block and were not read"
    assert len(report.notes) == 1
    assert report.notes[0].startswith(f"{part}: the transactions do not hash to the merkle root")
    assert f"at blk.dat byte {at + 8 + 80:,}" in report.notes[0]
    assert heights(ledger) == [*range(AT), *range(AT + 1, len(short_chain))]
    row = parts_row(ledger)
    assert (row["checked"], row["failed"], row["unread"]) == (0, 0, 1)
    assert row["note"] == f"{size} bytes in 1 part of files gave no block: {part}"
    assert f"  {part} by block_files" in _coverage_lines(ledger)
    facts = {fact["what"]: fact for fact in unread(ledger).rows(named=True)}
    assert facts["gaps"]["count"] == 1
    assert facts["parts of files"]["count"] == 1
    assert facts["parts of files"]["note"].startswith(f"{size} bytes ")
    again = pull(tmp_path / "l", source(damaged))
    assert (again.commits, again.notes) == (0, report.notes)


def test_a_part_is_mended_by_a_better_copy(
    damaged: Path, short_chain: list[bytes], put: Callable[..., Path], tmp_path: Path
) -> None:
    """Its header says which block stood there; what was wrong with the first file stays told."""
    pull(tmp_path / "l", source(damaged))
    pull(tmp_path / "l", source(put("better.raw", short_chain[AT])))
    ledger = open_ledger(tmp_path / "l")
    assert heights(ledger) == [*range(len(short_chain))]
    assert [part.mended for part in unread_parts(ledger, ledger.chains[0])] == [True]
    row = parts_row(ledger)
    assert (row["checked"], row["unread"], row["note"]) == (1, 0, "each block was read since")
    assert "parts of files" not in unread(ledger)["what"].to_list()
    assert list(_coverage_lines(ledger))[-1].endswith("but the block was read from elsewhere")


def test_blocks_hang_on_the_header_of_a_damaged_one(
    maker: ModuleType, put: Callable[..., Path], tmp_path: Path
) -> None:
    """Where coinbases state no height, nothing else says where the blocks above it stand."""
    blocks = old_chain(maker)
    bad = flipped(blocks[2], len(blocks[2]) - 1)
    pull(tmp_path / "l", source(put("a.dat", maker.framed(*blocks[:2], bad, *blocks[3:]))))
    assert heights(open_ledger(tmp_path / "l")) == [0, 1, 3, 4, 5]


def test_blocks_above_a_lost_one_are_left_out_and_named(
    maker: ModuleType, put: Callable[..., Path], tmp_path: Path
) -> None:
    """Without any header in between, a block that states no height is not placed by guessing."""
    blocks = old_chain(maker)
    path = put("a.dat", maker.framed(*blocks[:2]) + bytes(20) + maker.framed(*blocks[3:]))
    report = pull(tmp_path / "l", source(path))
    ledger = open_ledger(tmp_path / "l")
    assert heights(ledger) == [0, 1]
    kinds = [part.kind for part in unread_parts(ledger, ledger.chains[0])]
    assert kinds == ["gap", "unplaced", "unplaced", "unplaced"]
    assert "hangs on nothing read" in report.notes[-1]
    pull(tmp_path / "l", source(path, put("lost.raw", blocks[2])))
    ledger = open_ledger(tmp_path / "l")
    assert heights(ledger) == [0, 1, 2, 3, 4, 5]
    assert [part.mended for part in unread_parts(ledger, ledger.chains[0])] == [False, *[True] * 3]


def old_chain(maker: ModuleType) -> list[bytes]:
    """Six blocks of version 1, whose coinbases state no height."""
    chain = maker.Chain()
    for _ in range(5):
        chain.add(version=1)
    return chain.blocks


def test_a_header_alone_is_never_the_top_of_a_branch(
    maker: ModuleType, put: Callable[..., Path], tmp_path: Path
) -> None:
    """A longer branch whose last block nobody can read replaces nothing."""
    first = maker.Chain().grow(6).blocks
    longer = maker.Chain()
    longer.add(tail=b"\x00other")
    other = longer.grow(6).blocks
    kept = pull(tmp_path / "l", source(put("a.dat", maker.framed(*first))))
    bad = flipped(other[-1], len(other[-1]) - 1)
    pull(tmp_path / "l", source(put("b.dat", maker.framed(*other[:-1], bad))))
    assert open_ledger(tmp_path / "l").blocks.collect()["hash"].to_list()[-1] == kept.tip


def test_a_file_that_ends_in_a_block_anywhere(
    short_chain: list[bytes], maker: ModuleType, put: Callable[..., Path], tmp_path: Path
) -> None:
    """Everything before is read; the rest is told byte for byte, whatever is left of it."""
    frame, whole = maker.framed(*short_chain[:3]), maker.framed(*short_chain[:2])
    for length in (*range(len(whole) + 1, len(whole) + 100, 9), len(frame) - 1):
        folder = tmp_path / f"l{length}"
        report = pull(folder, source(put("cut.dat", frame[:length])))
        ledger = open_ledger(folder)
        (part,) = unread_parts(ledger, ledger.chains[0])
        assert heights(ledger) == [0, 1]
        assert part[:4] == ("cut.dat", len(whole), length - len(whole), "cut")
        missing = f"the file ends {len(frame) - length} bytes too early"
        expected = missing if length - len(whole) >= 8 else "the file ends in it"
        assert report.notes[0].endswith(expected), report.notes


def test_a_file_without_a_sound_block_is_refused(
    short_chain: list[bytes], maker: ModuleType, put: Callable[..., Path], tmp_path: Path
) -> None:
    """That is no damage but the wrong file, or the wrong chain; nothing beside it is read."""
    bad = [flipped(raw, len(raw) - 1) for raw in short_chain[1:3]]
    good = put("good.dat", maker.framed(*short_chain))
    with pytest.raises(BlockError, match=r"merkle root at bad\.dat byte 88"):
        pull(tmp_path / "l", source(good, put("bad.dat", maker.framed(*bad))))
    assert not (tmp_path / "l").exists()


def test_the_compiled_loops_set_the_same_blocks_apart(
    damaged: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = pull(tmp_path / "plain", source(damaged))
    monkeypatch.setattr("chainwatch.bitcoin.block_batch.COMPILED_FROM", 0)
    compiled = pull(tmp_path / "compiled", source(damaged))
    assert compiled.notes == plain.notes
    ours, theirs = (open_ledger(tmp_path / name).digests() for name in ("plain", "compiled"))
    assert {**ours, "answers": ""} == {**theirs, "answers": ""}


def test_notes_of_very_many_parts_are_summed_up(
    short_chain: list[bytes], maker: ModuleType, put: Callable[..., Path], tmp_path: Path
) -> None:
    bad = flipped(short_chain[1], len(short_chain[1]) - 1)
    data = maker.framed(short_chain[0], *[bad] * (MOST_NOTED + 3))
    report = pull(tmp_path / "l", source(put("many.dat", data)))
    size = 3 * len(maker.framed(bad))
    assert len(report.notes) == MOST_NOTED + 1
    assert report.notes[-1] == (
        f"3 more parts of files, {size:,} bytes, gave no block; coverage names each"
    )
    ledger = open_ledger(tmp_path / "l")
    assert len(unread_parts(ledger, ledger.chains[0])) == MOST_NOTED + 3


def test_every_kind_of_part_has_its_words() -> None:
    assert set(KINDS) == set(UNREAD)


def test_a_foreign_block_that_links_to_nothing_is_a_part(
    short_chain: list[bytes], maker: ModuleType, put: Callable[..., Path], tmp_path: Path
) -> None:
    """One that was slipped in refuses no file; one in the chain itself says that it is another."""
    loose = maker.Chain()
    loose.add(tail=b"\x00loose")
    witnessed = maker.spend([(bytes(32), 5)], [(7, maker.p2pkh(9))], witness=[b"sig", b"key"])
    loose.add([witnessed])
    plain = short_chain[:4]
    path = put("slipped.dat", maker.framed(*plain, loose.blocks[-1]))
    pull(tmp_path / "l", BlockFiles(path, "bch-regtest"))
    ledger = open_ledger(tmp_path / "l")
    assert heights(ledger) == [0, 1, 2, 3]
    assert [part.kind for part in unread_parts(ledger, ledger.chains[0])] == ["damaged"]
    both = put("both.dat", maker.framed(*plain, *loose.blocks[1:]))
    with pytest.raises(ForeignBlock, match=r"a transaction has witnesses.*of Bitcoin regtest"):
        pull(tmp_path / "l2", BlockFiles(both, "bch-regtest"))
