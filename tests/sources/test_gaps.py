"""What a node left between blocks when it broke off: passed over, noted, and never a wrong row."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from undo_data import records_of

from chainwatch.bitcoin.frames import MOST_TRIES, Gap, block_frames
from chainwatch.chains.catalogue import chain as chain_of
from chainwatch.cli.ledger import _coverage_lines
from chainwatch.errors import BlockError
from chainwatch.ingest.pull import pull
from chainwatch.ledger.checks.check import check
from chainwatch.ledger.ledger import Ledger, open_ledger
from chainwatch.sources.block_files import BlockFiles
from chainwatch.sources.node_folder.files import unmasked
from chainwatch.sources.node_folder.source import NodeFolder

THEN = datetime(2024, 1, 2, tzinfo=UTC)
REGTEST = chain_of("btc-regtest")
KEY = bytes.fromhex("a1b2c3d4e5f60718")
CHAIN_DATA = ("blocks", "transactions", "inputs", "outputs", "output_keys", "input_keys")
AT = 5
"""Number of the block before which something stands."""

Junk = Callable[[ModuleType, Sequence[bytes]], bytes]
JUNK: dict[str, Junk] = {
    "zeros": lambda m, blocks: bytes(8),
    "one zero": lambda m, blocks: b"\0",
    "many zeros": lambda m, blocks: bytes((1 << 20) + 3),
    "junk": lambda m, blocks: bytes(range(1, 256)) * 3,
    "a magic alone": lambda m, blocks: m.MAGIC,
    "magic after magic": lambda m, blocks: m.MAGIC * 9,
    "a length of nothing": lambda m, blocks: m.MAGIC + bytes(4),
    "a length past the end": lambda m, blocks: m.MAGIC + b"\xff\xff\xff\x01" + blocks[2][:200],
    "a length past the next magic": lambda m, blocks: m.framed(blocks[2])[:150],
    "a header without work": lambda m, blocks: m.framed(unworked(m, blocks[2])) + b"!",
    "one without work, of a length past the next magic":
        lambda m, blocks: m.framed(unworked(m, blocks[2]))[:150],
    "the end of an older block": lambda m, blocks: blocks[4][90:],
    "half a magic before the magic": lambda m, blocks: m.MAGIC[:2],
    "the frame of another network": lambda m, blocks: m.framed(blocks[2], magic=b"abcd"),
}  # fmt: skip


def unworked(maker: ModuleType, raw: bytes) -> bytes:
    """Return a block whose header claims more work than it has."""
    return raw[:72] + (0x1D00FFFF).to_bytes(4, "little") + raw[76:]


def written(
    maker: ModuleType, folder: Path, blocks: Sequence[bytes], junk: bytes, *, key: bytes,
    undo: bytes = b"",
) -> NodeFolder:  # fmt: skip
    """Write the folder of a node that broke off before one block, and before its undo data."""
    place = folder / "blocks"
    place.mkdir(parents=True, exist_ok=True)
    (place / "xor.dat").write_bytes(key)
    records = list(records_of(maker, blocks).values())
    parts = {
        "blk00000.dat": (maker.framed(*blocks[:AT]), junk, maker.framed(*blocks[AT:])),
        "rev00000.dat": (b"".join(records[: AT - 1]), undo, b"".join(records[AT - 1 :])),
    }
    for name, (below, between, above) in parts.items():
        data = unmasked(below + between + above, key, 0)
        if not between.strip(b"\0"):  # no mask lies over what was never written
            data = data[: len(below)] + between + data[len(below) + len(between) :]
        (place / name).write_bytes(data + bytes(50))
    return NodeFolder(folder, chain="btc-regtest", acquired=THEN)


def plain(maker: ModuleType, blocks: Sequence[bytes], folder: Path) -> dict[str, str]:
    """Return the digests of the same blocks without anything between them."""
    path = folder / "plain.dat"
    path.write_bytes(maker.framed(*blocks))
    pull(folder / "plain", BlockFiles(path, "btc-regtest", acquired=THEN))
    return digests(open_ledger(folder / "plain"))


def digests(ledger: Ledger) -> dict[str, str]:
    found = ledger.digests()
    return {name: found[name] for name in CHAIN_DATA}


def gaps_of(ledger: Ledger) -> list[tuple[str, bool]]:
    rows = ledger.coverage.filter(kind="gap").sort("unit")
    return rows.select("unit", "complete").collect().rows()


@pytest.mark.parametrize("kind", JUNK)
@pytest.mark.parametrize("key", [KEY, bytes(8)], ids=["masked", "plain"])
def test_a_node_folder_reads_on_behind_what_is_no_block(
    kind: str, key: bytes, maker: ModuleType, short_chain: list[bytes], tmp_path: Path
) -> None:
    junk = JUNK[kind](maker, short_chain)
    source = written(maker, tmp_path / "node", short_chain, junk, key=key)
    report = pull(tmp_path / "l", source)
    ledger = open_ledger(tmp_path / "l")
    at = len(maker.framed(*short_chain[:AT]))
    size = f"{len(junk):,} byte{'s' * (len(junk) > 1)}"
    note = f"blk00000.dat: {size} from byte {at:,} on belong to nothing and were passed over"
    assert report.notes == (note,)
    assert report.unread_inputs == 0
    assert digests(ledger) == plain(maker, short_chain, tmp_path)
    assert gaps_of(ledger) == [(f"gap/blk00000.dat/{at}/{len(junk)}", False)]
    assert check(ledger).ok
    again = pull(tmp_path / "l", source)
    assert (again.commits, again.notes) == (0, (note,))


@pytest.mark.parametrize("kind", JUNK)
def test_a_file_of_blocks_reads_on_too(
    kind: str, maker: ModuleType, short_chain: list[bytes], tmp_path: Path
) -> None:
    junk, path = JUNK[kind](maker, short_chain), tmp_path / "blk.dat"
    below = maker.framed(*short_chain[:AT])
    path.write_bytes(below + junk + maker.framed(*short_chain[AT:]) + bytes(9))
    source = BlockFiles(path, "btc-regtest", acquired=THEN)
    report = pull(tmp_path / "l", source)
    ledger = open_ledger(tmp_path / "l")
    assert (report.units, len(report.notes)) == (len(short_chain) + 1, 1)
    assert digests(ledger) == plain(maker, short_chain, tmp_path)
    assert gaps_of(ledger) == [(f"gap/blk.dat/{len(below)}/{len(junk)}", False)]
    assert pull(tmp_path / "l", source).commits == 0


@pytest.mark.parametrize("place", ["first", "last"])
def test_a_gap_may_be_at_either_end(
    place: str, maker: ModuleType, short_chain: list[bytes], tmp_path: Path
) -> None:
    """Behind the last block it is what an older, longer writing left."""
    frames, path = maker.framed(*short_chain), tmp_path / "blk.dat"
    path.write_bytes(bytes(8) + frames if place == "first" else frames + b"left behind")
    pull(tmp_path / "l", BlockFiles(path, "btc-regtest"))
    ledger = open_ledger(tmp_path / "l")
    assert digests(ledger) == plain(maker, short_chain, tmp_path)
    where = "0/8" if place == "first" else f"{len(frames)}/11"
    assert gaps_of(ledger) == [(f"gap/blk.dat/{where}", False)]


def test_an_older_copy_of_a_block_behind_a_gap_is_that_block(
    maker: ModuleType, short_chain: list[bytes], tmp_path: Path
) -> None:
    """A node that restarts from an older state writes again what lies further on already."""
    junk = short_chain[3][100:] + maker.framed(short_chain[4], short_chain[5])
    report = pull(tmp_path / "l", written(maker, tmp_path / "n", short_chain, junk, key=KEY))
    assert digests(open_ledger(tmp_path / "l")) == plain(maker, short_chain, tmp_path)
    assert report.notes[0].startswith(f"blk00000.dat: {len(short_chain[3]) - 100} bytes from")


UNDO_JUNK: dict[str, Junk] = {
    "zeros": lambda m, blocks: bytes(8),
    "junk": lambda m, blocks: b"left behind",
    "a record of no block here": lambda m, blocks: m.framed(b"\x00") + bytes(32) + b"x",
    "one cut off": lambda m, blocks: m.framed(bytes(500))[:80],
}


@pytest.mark.parametrize("kind", UNDO_JUNK)
def test_undo_data_is_found_again_by_its_checksum(
    kind: str, maker: ModuleType, short_chain: list[bytes], tmp_path: Path
) -> None:
    junk = UNDO_JUNK[kind](maker, short_chain)
    source = written(maker, tmp_path / "n", short_chain, bytes(3), key=KEY, undo=junk)
    report = pull(tmp_path / "l", source)
    ledger = open_ledger(tmp_path / "l")
    assert report.unread_inputs == 0
    assert digests(ledger) == plain(maker, short_chain, tmp_path)
    assert [unit.split("/")[1] for unit, _ in gaps_of(ledger)] == ["blk00000.dat", "rev00000.dat"]
    assert any(f"rev00000.dat: {len(junk)} bytes from byte" in note for note in report.notes)


def test_blocks_lost_in_a_gap_are_missed(
    maker: ModuleType, short_chain: list[bytes], tmp_path: Path
) -> None:
    """The undo data of a block that nothing is left of shows that the node had it."""
    source = written(maker, tmp_path / "n", short_chain, b"", key=bytes(8))
    path = tmp_path / "n" / "blocks" / "blk00000.dat"
    data, at = path.read_bytes(), len(maker.framed(*short_chain[:AT]))
    path.write_bytes(data[:at] + bytes(90) + data[at + 90 :])
    report = pull(tmp_path / "l", source)
    size = len(maker.framed(short_chain[AT]))
    assert f"blk00000.dat: {size} bytes from byte {at:,} on belong to nothing" in report.notes[1]
    assert report.notes[0].startswith("rev00000.dat: ")
    assert report.notes[0].endswith("passed over: the undo data of a block that was not read")
    heights = open_ledger(tmp_path / "l").blocks.collect()["height"]
    assert {*heights} == {*range(len(short_chain))} - {AT}


def test_a_merge_mined_block_behind_a_gap_must_be_whole(
    maker: ModuleType, short_chain: list[bytes], tmp_path: Path
) -> None:
    """Its own header has no work, so anybody could write one."""
    doge, path = chain_of("doge"), tmp_path / "blk.dat"
    header = bytearray(short_chain[1][:80])
    header[:4] = (0x00620104).to_bytes(4, "little")
    path.write_bytes(b"junk" + maker.framed(bytes(header) + short_chain[1][80:], magic=doge.magic))
    with path.open("rb") as handle, pytest.raises(BlockError, match="no block of Dogecoin"):
        list(block_frames(path.name, handle, doge, remedy="none").frames([]))


def test_a_file_made_to_be_slow_is_given_up(maker: ModuleType, tmp_path: Path) -> None:
    path = tmp_path / "blk.dat"
    path.write_bytes(maker.MAGIC * (MOST_TRIES + 2))
    with pytest.raises(BlockError, match="100,000 frames begin that are none"):
        pull(tmp_path / "l", BlockFiles(path, "btc-regtest"))


@given(data=st.data())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_frames_and_gaps_make_up_the_file(
    data: st.DataObject, maker: ModuleType, short_chain: list[bytes], tmp_path: Path
) -> None:
    """Whatever stands between blocks: every block is found, and every other byte is in a gap."""
    pieces = st.one_of(st.binary(max_size=40), st.just(b"\0"), st.just(maker.MAGIC))
    junk = st.lists(pieces, max_size=3).map(b"".join)
    out, expected = b"", []
    for raw in short_chain:
        out += data.draw(junk)
        expected.append(len(out) + 8)
        out += maker.framed(raw)
    path, gaps = tmp_path / "blk.dat", []
    path.write_bytes(out)
    with path.open("rb") as handle:
        found = list(block_frames(path.name, handle, REGTEST, remedy="none").frames(gaps))
    assert [frame.offset for frame in found] == expected
    spans = [(frame.offset - 8, frame.size + 8) for frame in found] + [gap[:2] for gap in gaps]
    assert sum(size for _, size in spans) == len(out)
    ends = {at + size for at, size in spans}
    assert all(at in ends for at, _ in spans if at)
    assert all(isinstance(gap, Gap) and gap.size > 0 for gap in gaps)


TEXTS = {
    "hexadecimal": ("{hex}", "hexadecimal digits as text.*xxd -r -p"),
    "hexadecimal on lines": ("{hex}\r\n{hex}\r\n", "hexadecimal digits as text"),
    "hexadecimal in quotes": ('"{hex}"\n', "hexadecimal digits as text"),
    "JSON": ('{{"hash": "00", "tx": []}}', "is JSON, not the bytes of a block"),
    "a list in JSON": ("[1, 2]", "is JSON"),
    "a page": ("<!DOCTYPE html><html><body>404</body></html>", "is a web page"),
    "words": ("Block not found\n", "is text, not blocks"),
}


@pytest.mark.parametrize("kind", TEXTS)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-be"])
def test_a_text_is_called_a_text(
    kind: str, encoding: str, short_chain: list[bytes], tmp_path: Path
) -> None:
    form, words = TEXTS[kind]
    path = tmp_path / "block.raw"
    path.write_bytes(form.format(hex=short_chain[1].hex()).encode(encoding))
    with pytest.raises(BlockError, match=words) as caught:
        pull(tmp_path / "l", BlockFiles(path, "btc-regtest"))
    assert "at block.raw byte 0;" in str(caught.value)


@pytest.mark.parametrize(
    ("start", "words"),
    [(b"\x1f\x8b\x08\x00", "gzip"), (b"\xfd7zXZ\x00", "xz"), (b"PK\x03\x04", "zip"),
     (b"BZh9", "bzip2"), (b"\x28\xb5\x2f\xfd", "zstd")],
)  # fmt: skip
def test_a_packed_file_is_to_be_unpacked(start: bytes, words: str, tmp_path: Path) -> None:
    path = tmp_path / "block.raw"
    path.write_bytes(start + bytes(range(256)))
    with pytest.raises(BlockError, match=rf"is compressed \({words}\).*unpack it"):
        pull(tmp_path / "l", BlockFiles(path, "btc-regtest"))


def test_coverage_names_the_file_of_a_gap(
    maker: ModuleType, short_chain: list[bytes], tmp_path: Path
) -> None:
    pull(tmp_path / "l", written(maker, tmp_path / "n", short_chain, b"junk", key=KEY))
    ledger = open_ledger(tmp_path / "l")
    row = ledger.coverage.filter(kind="gap").collect().row(0, named=True)
    held = ledger.answers.filter(pl.col("digest") == row["answer"]).collect()
    assert held["request"].to_list() == ["blk00000.dat"]
    assert (row["source"], row["height"], row["block"]) == ("node_folder", None, None)
    said, at = list(_coverage_lines(ledger)), len(maker.framed(*short_chain[:AT]))
    assert said == [
        f"  read by block from node_folder: {len(short_chain)} (whole), up to height 11",
        f"  blk00000.dat: 4 bytes from byte {at:,} on belong to nothing and were passed over"
        " by node_folder",
    ]
