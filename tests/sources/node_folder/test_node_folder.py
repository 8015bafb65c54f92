"""A node's folder to a ledger: masks, many files, stale blocks, undo data, and each fault."""

from __future__ import annotations

import hashlib
import re
import tarfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from undo_data import coin, packed, records_of

from chainwatch.bitcoin.consensus import FieldError
from chainwatch.bitcoin.undo import parse_undo, unpacked_amount
from chainwatch.chains.catalogue import chain as chain_of
from chainwatch.errors import BlockError, ChainError, InputError
from chainwatch.ingest.pull import pull
from chainwatch.ingest.source_file import FileRead
from chainwatch.ledger import schema
from chainwatch.ledger.checks.check import check
from chainwatch.ledger.ledger import Ledger, open_ledger
from chainwatch.ledger.storage.store import Store
from chainwatch.ledger.unread.unread_parts import unread_parts
from chainwatch.results.provenance import digest_frame
from chainwatch.sources.block_files import BlockFiles
from chainwatch.sources.node_folder.digests import FilesRead
from chainwatch.sources.node_folder.files import Masked, unmasked
from chainwatch.sources.node_folder.source import NodeFolder

THEN = datetime(2024, 1, 2, tzinfo=UTC)
KEY = bytes.fromhex("a1b2c3d4e5f60718")
REGTEST = chain_of("btc-regtest")
SUPPLY = 21_000_000 * 10**8
CHAIN_DATA = ("blocks", "transactions", "inputs", "outputs", "output_keys", "input_keys")


@dataclass
class Node:
    """Writes a folder as a node does; ``files`` holds the blocks of each file in their order."""

    maker: ModuleType
    folder: Path
    files: list[list[bytes]]
    key: bytes = KEY
    tail: int = 100
    without_undo: frozenset[bytes] = frozenset()
    order: list[bytes] = field(default_factory=list)  # in which the blocks were connected

    def write(self) -> NodeFolder:
        place = self.folder / "blocks"
        place.mkdir(parents=True, exist_ok=True)
        for old in place.iterdir():
            old.unlink()
        if any(self.key):
            (place / "xor.dat").write_bytes(self.key)
        undo = self.undo()
        for number, blocks in enumerate(self.files):
            framed = self.maker.framed(*blocks)
            ranked = sorted(blocks, key=self.rank)
            rev = b"".join(undo[raw] for raw in dict.fromkeys(ranked) if raw in undo)
            self.put(place / f"blk{number:05}.dat", framed)
            self.put(place / f"rev{number:05}.dat", rev)
        return NodeFolder(self.folder, chain="btc-regtest", acquired=THEN)

    def rank(self, raw: bytes) -> int:
        return self.order.index(raw) if raw in self.order else len(self.order)

    def put(self, path: Path, data: bytes) -> None:
        path.write_bytes(unmasked(data, self.key, 0) + bytes(self.tail))

    def undo(self) -> dict[bytes, bytes]:
        """Return the frame of undo data of each block that was connected."""
        records = records_of(self.maker, [raw for file in self.files for raw in file])
        apart = self.without_undo
        return {raw: record for raw, record in records.items()
                if self.maker.sha256d(raw[:80]) not in apart}  # fmt: skip


@pytest.fixture
def node(maker: ModuleType, tmp_path: Path) -> Callable[..., Node]:
    """Return a maker of nodes on a folder of their own."""

    def make(files: Iterable[Sequence[bytes]], **how: object) -> Node:
        return Node(maker, tmp_path / "node", [list(blocks) for blocks in files], **how)

    return make


class Empty:
    """A ledger without rows."""

    def scan(self, table: str) -> pl.LazyFrame:
        return next(t for t in schema.TABLES if t.name == table).empty().lazy()


def digests(ledger: Ledger) -> dict[str, str]:
    found = ledger.digests()
    return {name: found[name] for name in CHAIN_DATA}


def as_block_files(folder: Path, maker: ModuleType, blocks: Sequence[bytes]) -> Ledger:
    """Read blocks by the source that was there before, into a ledger beside it."""
    path = folder / "plain.dat"
    path.write_bytes(maker.framed(*blocks))
    pull(folder / "plain", BlockFiles(path, "btc-regtest", acquired=THEN))
    return open_ledger(folder / "plain")


LAYOUTS: dict[str, Callable[[list[bytes]], list[list[bytes]]]] = {
    "one file": lambda b: [b],
    "three files": lambda b: [b[:4], b[4:9], b[9:]],
    "out of order": lambda b: [[b[0], b[3], b[1], b[2]], [b[7], b[5], b[4], b[6], b[9]], b[:7:-1]],
    "children before parents": lambda b: [b[::-1][:6], b[::-1][6:]],
    "twice in two files": lambda b: [[*b[:8], b[3]], [b[7], *b[8:]]],
}


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("key", [KEY, bytes(8)])
def test_it_reads_what_block_files_read(
    layout: str, key: bytes, node: Callable[..., Node], short_chain: list[bytes],
    maker: ModuleType, tmp_path: Path,
) -> None:  # fmt: skip
    made = node(LAYOUTS[layout](short_chain), key=key)
    report = pull(tmp_path / "l", made.write())
    ledger = open_ledger(tmp_path / "l")
    assert (report.units, report.unread_inputs, report.notes) == (12, 0, ())
    assert digests(ledger) == digests(as_block_files(tmp_path, maker, short_chain))
    assert check(ledger).ok


PLAIN, COMPILED = 2**62, 0
"""Bytes from which the compiled loops are used: never, and always."""


def rows_of(source: NodeFolder, monkeypatch: pytest.MonkeyPatch, least: int) -> dict:
    """Return all rows that a source gives, by table, read in one of the two ways."""
    monkeypatch.setattr("chainwatch.bitcoin.block_batch.COMPILED_FROM", least)
    batches = [batch for batch in source.batches(Empty()) if batch.tables]
    assert all(list(batch.tables) == list(batches[0].tables) for batch in batches)
    return {name: pl.concat([batch.tables[name] for batch in batches])
            for name in batches[0].tables}  # fmt: skip


def assert_same_rows(source: NodeFolder, monkeypatch: pytest.MonkeyPatch) -> dict:
    fast, plain = (rows_of(source, monkeypatch, least) for least in (COMPILED, PLAIN))
    for name, frame in plain.items():
        assert fast[name].schema == frame.schema, name
        assert digest_frame(fast[name]) == digest_frame(frame), name
        assert fast[name].equals(frame, null_equal=True), name
    return fast


@pytest.mark.parametrize("layout", LAYOUTS)
def test_the_compiled_loops_give_the_same_rows(
    layout: str, node: Callable[..., Node], short_chain: list[bytes],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    source = node(LAYOUTS[layout](short_chain)).write()
    for most in (2, 500):
        monkeypatch.setattr("chainwatch.sources.node_folder.source.PIECE_BLOCKS", most)
        assert assert_same_rows(source, monkeypatch)["inputs"]["value"].null_count() == 0


@pytest.mark.parametrize(
    ("name", "alias", "tip"),
    [("mainnet_0_438_knots29", "btc", 438), ("regtest_knots29", "btc-regtest", 122)],
)
def test_real_folders_give_the_same_rows_both_ways(
    name: str, alias: str, tip: int, real_data: Path, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    with tarfile.open(real_data / "bitcoin" / "datadirs" / f"{name}.tar.xz") as archive:
        archive.extractall(tmp_path, filter="data")
    found = assert_same_rows(NodeFolder(tmp_path, chain=alias, acquired=THEN), monkeypatch)
    assert found["blocks"].height == tip + 1
    assert found["inputs"].height > 5
    assert found["inputs"]["value"].null_count() == 0


def test_both_ways_refuse_damage_in_the_same_words(
    node: Callable[..., Node], short_chain: list[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    made = node([short_chain])
    records = made.undo()
    at = next(k for k, raw in enumerate(short_chain) if k and records[raw][8] == 1)
    parent = short_chain[at][4:36]
    for data in (b"\x00", b"\x01\x01" + coin(1, 5, b"\x51"), b"\x01\xfd", b"\x01\x00\x00"):
        frame = maker_frame(data) + hashlib.sha256(hashlib.sha256(parent + data).digest()).digest()
        made.undo = lambda frame=frame: {**records, short_chain[at]: frame}
        source, said = made.write(), []
        for least in (COMPILED, PLAIN):
            with pytest.raises(BlockError, match=r"rev00000\.dat byte") as caught:
                rows_of(source, monkeypatch, least)
            said.append(str(caught.value))
        assert said[0] == said[1]


def maker_frame(data: bytes) -> bytes:
    return REGTEST.magic + len(data).to_bytes(4, "little") + data


def test_what_inputs_spend_comes_with_the_block(
    node: Callable[..., Node], short_chain: list[bytes]
) -> None:
    """Values, addresses and kinds are there before any earlier transaction is looked at."""
    batches = [b for b in node([short_chain]).write().batches(Empty()) if b.tables]
    inputs = pl.concat([batch.tables["inputs"] for batch in batches])
    assert inputs.height > 5
    for name in ("value", "address", "script_kind"):
        assert inputs[name].null_count() == 0
    assert inputs["prev_tx"].null_count() == inputs.height
    assert set(inputs["script_kind"]) == {"p2pkh"}


def test_a_pruned_folder_begins_in_the_middle(
    node: Callable[..., Node], short_chain: list[bytes], tmp_path: Path
) -> None:
    made = node([[short_chain[0]], short_chain[1:6], short_chain[6:]])
    made.write()
    for name in ("blk00000", "rev00000", "blk00001", "rev00001"):
        (made.folder / "blocks" / f"{name}.dat").unlink()
    report = pull(tmp_path / "l", NodeFolder(made.folder, chain="btc-regtest"))
    ledger = open_ledger(tmp_path / "l")
    assert ledger.blocks.collect().sort("height")["height"].to_list() == list(range(6, 12))
    assert report.unread_inputs == 0
    inputs = ledger.inputs.collect()
    assert inputs["value"].null_count() == 0
    assert inputs["prev_tx"].null_count() > 0


def test_a_second_pull_reads_new_blocks_alone(
    node: Callable[..., Node], short_chain: list[bytes], maker: ModuleType, tmp_path: Path
) -> None:
    made = node([short_chain[:7], short_chain[7:10]])
    assert pull(tmp_path / "l", made.write()).units == 10
    made.files = [short_chain[:7], short_chain[7:]]
    second = pull(tmp_path / "l", made.write())
    assert (second.units, second.skipped, second.commits) == (2, 10, 1)
    third = pull(tmp_path / "l", made.write())
    assert (third.units, third.skipped, third.commits) == (0, 12, 0)
    ledger = open_ledger(tmp_path / "l")
    assert digests(ledger) == digests(as_block_files(tmp_path, maker, short_chain))
    # Of each file as it stood when blocks were read from it: the second was read twice.
    assert sorted(ledger.answers.collect()["request"]) == [
        "blk00000.dat", "blk00001.dat", "blk00001.dat",
        "rev00000.dat", "rev00001.dat", "rev00001.dat",
    ]  # fmt: skip


def forked(maker: ModuleType, shared: int, depth: int, more: int) -> tuple[list[bytes], ...]:
    """Return a chain, and one that leaves it after some blocks and is longer."""
    first = maker.Chain().grow(shared + depth).blocks
    other = maker.Chain(list(first[: shared + 1]))
    for _ in range(depth + more):
        other.add(tail=b"\x00other")
    return first, other.blocks


def test_stale_blocks_are_reported_and_left_out(
    node: Callable[..., Node], maker: ModuleType, tmp_path: Path
) -> None:
    lost, won = forked(maker, 4, 2, 1)
    made = node([won[:6] + lost[5:], won[6:]], order=[*lost, *won[5:]])
    report = pull(tmp_path / "l", made.write())
    hashes = sorted(maker.sha256d(raw[:80]) for raw in lost[5:])
    assert report.notes == tuple(
        f"block {name[::-1].hex()} is stale: another branch has more work" for name in hashes
    )
    assert digests(open_ledger(tmp_path / "l")) == digests(as_block_files(tmp_path, maker, won))


def test_blocks_that_the_node_did_not_connect_are_left_out(
    node: Callable[..., Node], maker: ModuleType, tmp_path: Path
) -> None:
    """More work alone does not make a block the node's: it may be invalid, or come too early."""
    kept, ahead = forked(maker, 4, 2, 2)
    apart = frozenset(maker.sha256d(raw[:80]) for raw in ahead[5:])
    made = node([kept + ahead[5:]], without_undo=apart)
    report = pull(tmp_path / "l", made.write())
    assert report.notes == (
        "4 blocks without undo data left out: stale, or not yet connected by the node",
    )
    assert digests(open_ledger(tmp_path / "l")) == digests(as_block_files(tmp_path, maker, kept))


@pytest.mark.fault
def test_a_reorganisation_of_depth_six_is_followed(
    node: Callable[..., Node], maker: ModuleType, tmp_path: Path
) -> None:
    lost, won = forked(maker, 5, 6, 1)
    pull(tmp_path / "l", node([lost]).write())
    before = open_ledger(tmp_path / "l").digests()
    made = node([lost + won[6:]], order=[*lost, *won[6:]])
    report = pull(tmp_path / "l", made.write())
    ledger = open_ledger(tmp_path / "l")
    assert report.tip == maker.sha256d(won[-1][:80])
    assert digests(ledger) == digests(as_block_files(tmp_path, maker, won))
    assert check(ledger).ok
    assert before["blocks"] != ledger.digests()["blocks"]
    assert pull(tmp_path / "l", made.write()).commits == 0


def test_what_the_node_is_writing_is_left_for_later(
    node: Callable[..., Node], short_chain: list[bytes], maker: ModuleType, tmp_path: Path
) -> None:
    """Cut anywhere, or with zeros where bytes will come; its undo data is not there yet."""
    last = frozenset([maker.sha256d(short_chain[-1][:80])])
    made = node([short_chain[:6], short_chain[6:]], without_undo=last, tail=0)
    source = made.write()
    path = made.folder / "blocks" / "blk00001.dat"
    whole = path.read_bytes()
    begin = len(maker.framed(*short_chain[6:-1]))
    for kept in {*range(begin, begin + 100), len(whole) - 1}:
        for tail in (b"", bytes(len(whole) - kept), bytes(3 * len(whole))):
            path.write_bytes(whole[:kept] + tail)
            units = [unit for batch in source.batches(Empty()) for unit in batch.units]
            assert len(units) == 11
    pull(tmp_path / "l", source)
    made.without_undo = frozenset()
    assert pull(tmp_path / "l", made.write()).units == 1
    ledger = open_ledger(tmp_path / "l")
    assert digests(ledger) == digests(as_block_files(tmp_path, maker, short_chain))


def flipped(path: Path, at: int) -> None:
    data = bytearray(path.read_bytes())
    data[at] ^= 1
    path.write_bytes(data)


Harm = Callable[[Path], object]
FAULTS: dict[str, tuple[Harm, str]] = {
    "a bit of a checksum": (lambda f: flipped(f / "rev00000.dat", -101),
                            r"undo data is damaged.*blk00000.dat at rev00000.dat byte [\d,]+"),
    "a bit of undo data": (lambda f: flipped(f / "rev00000.dat", 8), "rev00000.dat byte 8"),
    "a bit of an undo frame": (lambda f: flipped(f / "rev00000.dat", 0),
                               r"no undo data.*\(rev00000.dat: \d+ bytes from byte 0 on"),
    "a length in a frame": (lambda f: flipped(f / "rev00000.dat", 6),
                            r"no undo data.*\(rev00000.dat: \d+ bytes from byte 0 on"),
    "another key": (lambda f: (f / "xor.dat").write_bytes(bytes(range(8))), "not the key"),
    "no key": (lambda f: (f / "xor.dat").unlink(), "xor.dat is missing"),
    "half a key": (lambda f: (f / "xor.dat").write_bytes(KEY[:4]), "a key has 8 bytes at xor.dat"),
    "no undo file": (lambda f: (f / "rev00000.dat").unlink(), "missing.*at rev00000.dat"),
    "no undo file at all": (lambda f: [(f / f"rev0000{k}.dat").unlink() for k in range(3)],
                            "missing.*at rev00000.dat"),
    "an empty undo file": (lambda f: (f / "rev00000.dat").write_bytes(b""), "has no undo data"),
    "undo of zeros": (lambda f: (f / "rev00000.dat").write_bytes(bytes(99)), "has no undo data"),
    "undo cut off": (lambda f: (f / "rev00000.dat").write_bytes(
        (f / "rev00000.dat").read_bytes()[:-110]), "rev00000.dat byte .*|ends .* early"),
    "a file that is gone": (lambda f: (f / "blk00001.dat").unlink(), "height|link|blk"),
    "a pair that changed places": (lambda f: (f / "rev00002.dat").replace(f / "rev00001.dat"),
                                   "missing from blk00001.dat|missing.*rev"),
    "no files": (lambda f: [path.unlink() for path in f.iterdir()], "no block files of a node"),
}  # fmt: skip


@pytest.mark.fault
@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_an_error_and_never_a_wrong_row(
    fault: str, node: Callable[..., Node], maker: ModuleType, tmp_path: Path
) -> None:
    blocks = maker.Chain().grow(14).blocks
    made = node([blocks[:5], blocks[5:10], blocks[10:]])
    source = made.write()
    harm, words = FAULTS[fault]
    harm(made.folder / "blocks")
    if fault == "a file that is gone":
        # As in a pruned folder: what is left is true and says at which height it is.
        pull(tmp_path / "l", source)
        heights = open_ledger(tmp_path / "l").blocks.collect()["height"].to_list()
        assert sorted(heights) == [*range(5), *range(10, 15)]
        return
    Store.create(tmp_path / "l")  # a ledger that a failed pull made itself would be gone again
    with pytest.raises(InputError, match=words) as caught:
        pull(tmp_path / "l", source)
    assert str(tmp_path) not in str(caught.value)
    blocks_read = open_ledger(tmp_path / "l").blocks.collect()
    assert set(blocks_read["hash"]) <= {maker.sha256d(raw[:80]) for raw in blocks}


Part = tuple[Harm, str, set[int]]
PARTS: dict[str, Part] = {
    "a bit of a block": (lambda f: flipped(f / "blk00001.dat", 250),
                         r"blk00001.dat: \d+ bytes from byte 0 on are a damaged block", {5}),
    "a bit of a header": (lambda f: flipped(f / "blk00001.dat", 8 + 40),
                          r"blk00001.dat: \d+ bytes from byte 0 on are a damaged block", {5}),
    "a file cut off in the middle": (lambda f: (f / "blk00001.dat").write_bytes(
        (f / "blk00001.dat").read_bytes()[:-110]),
        r"blk00001.dat: .* are the beginning of a frame.*: the file ends 10 bytes too early", {9}),
    "the last file cut off": (lambda f: (f / "blk00002.dat").write_bytes(
        (f / "blk00002.dat").read_bytes()[:-110]),
        r"blk00002.dat: .* are what the node was still writing, as is normal", {14}),
    "an empty file": (lambda f: (f / "blk00001.dat").write_bytes(b""),
                      r"blk00001.dat: 0 bytes .*: the file holds no block: it is empty",
                      {5, 6, 7, 8, 9}),
    "a file of zeros": (lambda f: (f / "blk00001.dat").write_bytes(bytes(999)),
                        r"blk00001.dat: 999 bytes .* no block: ", {5, 6, 7, 8, 9}),
    "a file of something else": (lambda f: (f / "blk00001.dat").write_bytes(b"junk" * 99),
                                 r"blk00001.dat: 396 bytes .* holds no block: ", {5, 6, 7, 8, 9}),
}  # fmt: skip


@pytest.mark.fault
@pytest.mark.parametrize("part", PARTS)
def test_a_bad_part_of_a_block_file_is_told_and_all_else_is_read(
    part: str, node: Callable[..., Node], maker: ModuleType, tmp_path: Path
) -> None:
    blocks = maker.Chain().grow(14).blocks
    made = node([blocks[:5], blocks[5:10], blocks[10:]])
    source = made.write()
    harm, words, lost = PARTS[part]
    harm(made.folder / "blocks")
    report = pull(tmp_path / "l", source)
    ledger = open_ledger(tmp_path / "l")
    read = ledger.blocks.collect()
    assert {*read["height"]} == {*range(15)} - lost
    sound = [raw for height, raw in enumerate(blocks) if height not in lost]
    assert {*read["hash"]} == {maker.sha256d(raw[:80]) for raw in sound}
    assert any(re.match(words, note) for note in report.notes), report.notes
    assert check(ledger).ok
    names = {item.file for item in unread_parts(ledger, ledger.chains[0])}
    assert names <= {"blk00001.dat", "rev00001.dat", "rev00002.dat"}
    assert ("blk00001.dat" in names) == (part != "the last file cut off")
    assert pull(tmp_path / "l", source).commits == 0


def test_undo_data_of_a_block_with_other_inputs_is_refused(
    node: Callable[..., Node], maker: ModuleType, short_chain: list[bytes]
) -> None:
    """A checksum that fits is not enough: whoever can write the folder can write checksums."""
    made = node([short_chain])
    records = made.undo()
    raw = next(raw for raw in short_chain[1:] if records[raw][8] == 1)
    parent = raw[4:36]
    for data, words in (
        (b"\x00", "is not of the block"),
        (b"\x01\x01" + coin(1, 5, b"\x51"), "pays more than its undo data"),
        (b"\x01\x01" + coin(1, 5, b"\x51") + b"\0", "bytes follow the undo data"),
        (b"\x01\x01" + coin(1, SUPPLY + 1, b"\x51"), "outside the supply"),
        (b"\x01\xfd", "undo data"),
        (b"\xff" + b"\xff" * 8, "cannot fit"),
    ):
        frame = maker.framed(data) + maker.sha256d(parent + data)
        made.undo = lambda frame=frame: {**records, raw: frame}
        with pytest.raises(BlockError, match=words):
            list(made.write().batches(Empty()))


@pytest.mark.parametrize("form", ["", "blocks", "regtest/blocks", "regtest"])
def test_where_the_blocks_may_lie(
    form: str, node: Callable[..., Node], short_chain: list[bytes], tmp_path: Path
) -> None:
    made = node([short_chain])
    made.write()
    home = tmp_path / "home"
    (home / form).parent.mkdir(parents=True, exist_ok=True)
    target = made.folder if form in ("", "regtest") else made.folder / "blocks"
    if form:
        (home / form).symlink_to(target)
    else:
        home.symlink_to(target)
    source = NodeFolder(home, chain="btc-regtest")
    assert sum(len(batch.units) for batch in source.batches(Empty())) == 12


def test_arguments(node: Callable[..., Node], short_chain: list[bytes], tmp_path: Path) -> None:
    made = node([short_chain])
    made.write()
    with pytest.raises(InputError, match="no such folder at none"):
        list(NodeFolder(tmp_path / "none").batches(Empty()))
    with pytest.raises(BlockError, match=r"holds blocks of Bitcoin regtest,.* not of Bitcoin"):
        list(NodeFolder(made.folder).batches(Empty()))
    with pytest.raises(ChainError, match="no block files"):
        NodeFolder(made.folder, chain="eth")
    with pytest.raises(InputError, match="0 workers"):
        NodeFolder(made.folder, workers=0)
    assert repr(NodeFolder(made.folder, chain="btc-regtest")) == (
        "NodeFolder('node', chain='btc-regtest')"
    )


@pytest.mark.parametrize("threads", [True, False])
def test_several_at_once_give_the_same_ledger_and_the_same_errors(
    node: Callable[..., Node], short_chain: list[bytes], maker: ModuleType, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch, threads: bool,
) -> None:  # fmt: skip
    """Threads with the compiled loops, processes without."""
    monkeypatch.setattr("chainwatch.sources.node_folder.workers.available", lambda: threads)
    monkeypatch.setattr("chainwatch.sources.node_folder.source.PIECE_BLOCKS", 2)
    made = node([short_chain[:6], short_chain[6:]])
    made.write()
    source = NodeFolder(made.folder, chain="btc-regtest", acquired=THEN, workers=2)
    pull(tmp_path / "l", source)
    ledger = open_ledger(tmp_path / "l")
    assert digests(ledger) == digests(as_block_files(tmp_path, maker, short_chain))
    flipped(made.folder / "blocks" / "blk00001.dat", 250)
    several = pull(tmp_path / "several", source)
    alone = pull(tmp_path / "alone", NodeFolder(made.folder, chain="btc-regtest", acquired=THEN))
    assert several.notes == alone.notes
    assert len(alone.notes) == 1
    ours, theirs = (open_ledger(tmp_path / name) for name in ("several", "alone"))
    assert ours.digests() == theirs.digests()
    assert ours.blocks.collect().height == len(short_chain) - 1
    flipped(made.folder / "blocks" / "rev00001.dat", 8)
    with pytest.raises(BlockError, match=r"rev00001\.dat byte"):
        list(source.batches(Empty()))


@given(st.integers(0, 21_000_000 * 10**8))
def test_amounts(value: int) -> None:
    assert unpacked_amount(packed(value)) == value


KEYS = (
    "04678afdb0fe5548271967f1a67130b7105cd6a828e03909a67962e0ea1f61deb649f6bc3f4cef38c4f35504e51ec"
    "112de5c384df7ba0b8d578a4c702b6bf11d5f",
    "0411db93e1dcdb8a016b49840f8c53bc1eb68a382e97b1482ecad7b148a6909a5cb2e0eaddfb84ccf9744464f82e1"
    "60bfa9b8b64f9d4c03f999b8643f656b412a3",
)
"""Of blocks 0 and 9: real points, whose second halves differ in parity."""

SCRIPTS = st.one_of(
    st.binary(max_size=80),
    st.binary(min_size=20, max_size=20).map(lambda data: b"\x76\xa9\x14" + data + b"\x88\xac"),
    st.binary(min_size=20, max_size=20).map(lambda data: b"\xa9\x14" + data + b"\x87"),
    st.binary(min_size=32, max_size=32).map(lambda data: b"\x21\x03" + data + b"\xac"),
    st.sampled_from(KEYS).map(lambda key: b"\x41" + bytes.fromhex(key) + b"\xac"),
)
COINS = st.tuples(st.integers(0, 2**31), st.integers(0, 2 * 10**15), SCRIPTS)


@given(st.lists(st.lists(COINS, max_size=5), max_size=5))
def test_undo_data(spent: list[list[tuple[int, int, bytes]]]) -> None:
    data = bytes([len(spent)])
    for items in spent:
        data += bytes([len(items)]) + b"".join(coin(*item) for item in items)
    assert parse_undo(data, SUPPLY) == [[item[1:] for item in items] for items in spent]


@given(st.binary(max_size=200))
def test_hostile_undo_data(data: bytes) -> None:
    """It is read or refused, and nothing else."""
    try:
        spent = parse_undo(data, SUPPLY)
    except FieldError:
        return
    assert sum(len(items) for items in spent) <= len(data)


def test_a_key_off_the_curve_is_refused() -> None:
    with pytest.raises(FieldError, match="no point of the curve"):
        parse_undo(b"\x01\x01\x00\x00\x04" + (5).to_bytes(32), SUPPLY)


@given(st.binary(max_size=99), st.binary(min_size=8, max_size=8), st.integers(0, 40))
def test_the_mask(data: bytes, key: bytes, offset: int) -> None:
    plain = bytes(byte ^ key[(offset + k) % 8] for k, byte in enumerate(data))
    assert unmasked(data, key, offset) == plain


def test_answers_hold_both_files(node: Callable[..., Node], short_chain: list[bytes]) -> None:
    made = node([short_chain])
    batches = [batch for batch in made.write().batches(Empty()) if batch.tables]
    folder = made.folder / "blocks"
    assert batches[0].tables["answers"].select("request", "digest", "time").rows() == [
        (name, hashlib.sha256((folder / name).read_bytes()).digest(), THEN)
        for name in ("blk00000.dat", "rev00000.dat")
    ]


def test_a_file_is_hashed_once_and_only_before_its_first_block(
    node: Callable[..., Node], short_chain: list[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A pull that is killed early has not hashed the whole folder for nothing."""
    monkeypatch.setattr("chainwatch.sources.node_folder.source.PIECE_BLOCKS", 2)
    hashed: list[str] = []
    whole = FilesRead._hashed

    def noted(self: FilesRead, file: Masked) -> FileRead:
        hashed.append(file.path.name)
        return whole(self, file)

    monkeypatch.setattr(FilesRead, "_hashed", noted)
    source = node([short_chain[:6], short_chain[6:]]).write()
    batches = (batch for batch in source.batches(Empty()) if batch.tables)
    next(batches)
    assert hashed == ["blk00000.dat", "rev00000.dat"]
    assert [batch.notes for batch in batches] == [()] * 5
    assert hashed == ["blk00000.dat", "rev00000.dat", "blk00001.dat", "rev00001.dat"]


def test_a_file_that_the_node_writes_to_is_noted(
    node: Callable[..., Node], short_chain: list[bytes], monkeypatch: pytest.MonkeyPatch,
    maker: ModuleType,
) -> None:  # fmt: skip
    """The digest is of what stood there when its blocks began to be read; who checks must know."""
    monkeypatch.setattr("chainwatch.sources.node_folder.source.PIECE_BLOCKS", 3)
    made = node([short_chain[:6], short_chain[6:]])
    source = made.write()
    path = made.folder / "blocks" / "blk00001.dat"
    before = path.read_bytes()
    seen: list[tuple[str, ...]] = []
    for batch in source.batches(Empty()):
        if batch.tables:
            seen.append(batch.notes)
        if len(seen) == 3:
            more = maker.framed(short_chain[0])
            path.write_bytes(before[:-100] + unmasked(more, KEY, len(before) - 100) + bytes(100))
            digests = set(batch.tables["answers"]["digest"])
    note = "blk00001.dat was written to while it was read: its digest is of the file as it stood"
    assert seen == [(), (), (), (f"{note} before",)]
    assert hashlib.sha256(before).digest() in digests


def test_a_file_that_goes_while_it_is_read(
    node: Callable[..., Node], short_chain: list[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A node that prunes deletes its files."""
    monkeypatch.setattr("chainwatch.sources.node_folder.source.PIECE_BLOCKS", 3)
    made = node([short_chain])
    batches = (batch for batch in made.write().batches(Empty()) if batch.tables)
    next(batches)
    (made.folder / "blocks" / "blk00000.dat").unlink()
    with pytest.raises(InputError, match=r"file is gone.* blk00000\.dat; run the same command"):
        list(batches)


def test_blocks_that_competed_for_one_place(
    node: Callable[..., Node], maker: ModuleType, tmp_path: Path
) -> None:
    """The checksum names the block before alone, so it fits the undo data of both."""
    chain = maker.Chain().grow(4)
    (first, n, value), (second, m, more) = chain.coins[0], chain.coins[1]
    pay = [(value - 10, maker.p2pkh(1))]
    bare = maker.Chain(list(chain.blocks))
    bare.add(tail=b"\x00bare")
    one = maker.Chain(list(chain.blocks))
    one.add([maker.spend([(first, n)], pay)])
    for order in (one.blocks[-1:] + bare.blocks[-1:], bare.blocks[-1:] + one.blocks[-1:]):
        top = maker.Chain(list(one.blocks))
        top.add()
        made = node([chain.blocks + order, top.blocks[-1:]], order=[*chain.blocks, *order])
        pull(tmp_path / f"l{order[0][:40].hex()}", made.write())
        ledger = open_ledger(tmp_path / f"l{order[0][:40].hex()}")
        assert ledger.blocks.collect().sort("height")["hash"][-1] == top.tip
        assert ledger.inputs.filter(pl.col("prev_txid") == first).collect()["value"][0] == value
    other = maker.Chain(list(chain.blocks))
    other.add([maker.spend([(second, m)], [(more - 10, maker.p2pkh(2))])])
    both = node([chain.blocks + one.blocks[-1:] + other.blocks[-1:]])
    with pytest.raises(BlockError, match="cannot be told apart"):
        list(both.write().batches(Empty()))
