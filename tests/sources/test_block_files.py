"""Files of blocks to a ledger: framing, resolution, and nothing of a bad file."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType

import polars as pl
import pytest

from chainwatch.errors import BlockError, ChainError, InputError
from chainwatch.ingest.pull import pull
from chainwatch.ledger import schema
from chainwatch.ledger.checks.check import check
from chainwatch.ledger.ledger import Ledger, open_ledger
from chainwatch.sources.block_files import BlockFiles

THEN = datetime(2024, 1, 2, tzinfo=UTC)


def source(*paths: Path, **how: object) -> BlockFiles:
    return BlockFiles(paths, "btc-regtest", acquired=THEN, **how)


def ledger_of(folder: Path, *paths: Path, **how: object) -> Ledger:
    pull(folder, source(*paths), **how)
    return open_ledger(folder)


@pytest.fixture
def whole(short_chain: list[bytes], maker: ModuleType, put: Callable) -> Path:
    return put("blk.dat", maker.framed(*short_chain))


def test_rows(whole: Path, short_chain: list[bytes], maker: ModuleType, tmp_path: Path) -> None:
    report = pull(tmp_path / "l", source(whole))
    ledger = open_ledger(tmp_path / "l")
    blocks = ledger.blocks.collect().sort("height")
    assert blocks["height"].to_list() == list(range(12))
    assert blocks["hash"].to_list() == [maker.sha256d(raw[:80]) for raw in short_chain]
    assert report.tip == blocks["hash"][-1]
    assert report.unread_inputs == 0
    assert (report.commits, report.units, report.rows("blocks")) == (1, 12, 12)
    outputs = ledger.outputs.collect().sort("tx", "n")
    assert not outputs["spendable"][0]  # the genesis coinbase
    burnt = outputs.filter(script_kind="null_data")
    assert burnt.height > 0
    assert not burnt["spendable"].any()
    inputs = ledger.inputs.collect()
    coinbases = ledger.transactions.filter("coinbase").select("tx")
    assert inputs.lazy().join(coinbases, on="tx").collect().height == 0
    assert check(ledger).ok
    unit = ledger.coverage.sort("height").first().collect().row(0, named=True)
    assert unit["unit"] == f"block/{short_chain and blocks['hash'][0][::-1].hex()}"
    answer = ledger.answers.collect().row(0, named=True)
    assert answer["request"] == "blk.dat"
    assert answer["time"] == THEN
    assert answer["body"] is None
    assert unit["answer"] == answer["digest"]


def test_digests_do_not_depend_on_commits_order_or_padding(
    whole: Path, short_chain: list[bytes], maker: ModuleType, put: Callable, tmp_path: Path
) -> None:
    first = ledger_of(tmp_path / "a", whole).digests()
    assert ledger_of(tmp_path / "b", whole, batch_rows=1).digests() == first
    backwards = put("back.dat", maker.framed(*reversed(short_chain)) + bytes(100))
    bare = [put(f"{k}.raw", raw) for k, raw in enumerate(short_chain)]
    for folder, paths in (("c", [backwards]), ("d", bare[::-1])):
        found = ledger_of(tmp_path / folder, *paths, batch_rows=7).digests()
        chain_data = set(first) - {"coverage", "answers"}
        assert {name: found[name] for name in chain_data} == {n: first[n] for n in chain_data}


def test_a_second_pull_adds_nothing(whole: Path, tmp_path: Path) -> None:
    before = ledger_of(tmp_path / "l", whole).digests()
    later = BlockFiles(whole, "btc-regtest", acquired=datetime(2030, 1, 1, tzinfo=UTC))
    report = pull(tmp_path / "l", later)
    assert (report.commits, report.units, report.skipped) == (0, 0, 12)
    assert open_ledger(tmp_path / "l").digests() == before
    assert "12 units had been read before" in repr(report)


def test_files_that_overlap_are_read_once(
    short_chain: list[bytes], maker: ModuleType, put: Callable, tmp_path: Path
) -> None:
    low = put("low.dat", maker.framed(*short_chain[:8]))
    high = put("high.dat", maker.framed(*short_chain[5:]))
    pull(tmp_path / "l", source(low))
    report = pull(tmp_path / "l", source(high))
    assert (report.units, report.skipped) == (4, 3)
    assert report.unread_inputs == 0
    ledger = open_ledger(tmp_path / "l")
    assert check(ledger).ok
    assert ledger.answers.collect().height == 2


def test_blocks_out_of_the_middle(
    short_chain: list[bytes], maker: ModuleType, put: Callable, tmp_path: Path
) -> None:
    """What they spend is partly unread: null, counted, and never guessed."""
    report = pull(tmp_path / "l", source(put("mid.dat", maker.framed(*short_chain[6:]))))
    assert 0 < report.unread_inputs < report.rows("inputs")
    inputs = open_ledger(tmp_path / "l").inputs.collect()
    unread = inputs.filter(pl.col("prev_tx").is_null())
    assert unread.height == report.unread_inputs
    for column in ("value", "address", "script_kind"):
        assert unread[column].null_count() == unread.height


def test_a_fork_in_the_input(maker: ModuleType, put: Callable, tmp_path: Path) -> None:
    chain = maker.Chain().grow(5)
    other = maker.Chain(list(chain.blocks[:4]))
    stale = other.add(tail=b"\x00other")
    path = put("fork.dat", maker.framed(stale, *chain.blocks))
    report = pull(tmp_path / "l", source(path))
    assert report.rows("blocks") == 6
    assert report.notes == (
        f"block {maker.sha256d(stale[:80])[::-1].hex()} is stale: another branch has more work",
    )
    again = pull(tmp_path / "l", source(path))
    assert (again.commits, again.notes) == (0, report.notes)


def reorganised(maker: ModuleType) -> tuple[list[bytes], list[bytes]]:
    """Return a chain, and one that leaves it after its fourth block and has more work."""
    chain = maker.Chain().grow(4)
    other = maker.Chain(list(chain.blocks[:4]))
    for _ in range(3):
        other.add(tail=b"\x00other")
    return chain.blocks, other.blocks


def test_a_reorganisation_is_followed(maker: ModuleType, put: Callable, tmp_path: Path) -> None:
    """What the ledger holds from the fork on makes way; blocks of two branches are never mixed."""
    lost, won = reorganised(maker)
    ledger_of(tmp_path / "l", put("a.dat", maker.framed(*lost)))
    path = put("b.dat", maker.framed(*won))
    report = pull(tmp_path / "l", source(path))
    ledger = open_ledger(tmp_path / "l")
    assert check(ledger).ok
    assert (report.units, report.tip) == (3, maker.sha256d(won[-1][:80]))
    found, anew = ledger.digests(), ledger_of(tmp_path / "anew", path).digests()
    for name in ("blocks", "transactions", "inputs", "outputs", "output_keys", "input_keys"):
        assert found[name] == anew[name]
    assert pull(tmp_path / "l", source(path)).commits == 0
    again = pull(tmp_path / "l", source(put("c.dat", maker.framed(*lost))))
    assert again.commits == 0
    assert again.notes == (
        f"block {maker.sha256d(lost[-1][:80])[::-1].hex()} is stale: another branch has more work",
    )


def test_a_reorganisation_leaves_out_nothing_that_it_does_not_replace(
    maker: ModuleType, put: Callable, tmp_path: Path
) -> None:
    lost, won = reorganised(maker)
    apart = maker.Chain().grow(12).blocks[10:]
    assert maker.sha256d(apart[0][:80]) not in map(maker.sha256d, won)
    low = ledger_of(tmp_path / "l", put("a.dat", maker.framed(*lost)))
    assert low.digests() != ledger_of(tmp_path / "l", put("z.dat", maker.framed(*apart))).digests()
    before = open_ledger(tmp_path / "l").digests()
    other = put("b.dat", maker.framed(*won))
    with pytest.raises(BlockError, match=r"holds at height 10, links to neither.*that block"):
        pull(tmp_path / "l", source(other))
    assert open_ledger(tmp_path / "l").digests() == before


def bad_files(m: ModuleType, good: list[bytes]) -> dict[str, tuple[bytes, str]]:
    """Return files with one defect each and no sound block."""
    last = bytearray(good[-1])
    last[-1] ^= 1
    return {
        "empty": (b"", "0 bytes are no block"),
        "zeros": (bytes(50), "50 bytes are no block"),
        "cut in its only block": (m.framed(good[1])[:-3], "the file ends 3 bytes too early"),
        "cut in its only frame": (m.MAGIC + b"\1", "ends within a frame"),
        "cut in the magic": (m.MAGIC[:2], "0 bytes are no|2 bytes are no|ends within a frame"),
        "a frame of 4 GB": (m.MAGIC + b"\xff" * 4, "4,294,967,295 bytes are no length"),
        "a frame too short": (m.MAGIC + b"\x50\0\0\0" + bytes(80), "80 bytes are no"),
        "a flipped bit": (m.framed(bytes(last)), "merkle root|commitment"),
        "another chain": (m.framed(*good, magic=bytes.fromhex("fbc0b6db")), "blocks of Litecoin"),
        "two bare blocks": (good[0] + good[1], "bytes follow"),
        "too large": (good[0] + bytes(32_000_001), "no block"),
    }  # fmt: skip


def test_nothing_of_a_bad_file_is_read(
    short_chain: list[bytes], maker: ModuleType, put: Callable, tmp_path: Path
) -> None:
    """Not even the good file beside it, with a commit for every block."""
    good = put("good.dat", maker.framed(*short_chain))
    for number, (defect, (data, words)) in enumerate(bad_files(maker, short_chain).items()):
        folder = tmp_path / f"l{number}"
        bad = put("bad.dat", data)
        with pytest.raises(BlockError, match=words) as caught:
            pull(folder, source(good, bad), batch_rows=1)
        assert "bad.dat byte " in str(caught.value), defect
        assert not folder.exists(), "a ledger without a commit is left behind"


def test_a_file_cut_in_its_first_block_is_refused(
    short_chain: list[bytes], maker: ModuleType, put: Callable
) -> None:
    frame = maker.framed(short_chain[0])
    nothing = open_empty()
    for length in range(1, len(frame)):
        with pytest.raises(BlockError):
            list(source(put("cut.dat", frame[:length])).batches(nothing))


class open_empty:  # noqa: N801  # reads as what it stands for
    """A ledger without rows, in memory."""

    def scan(self, table: str) -> pl.LazyFrame:
        return next(t for t in schema.TABLES if t.name == table).empty().lazy()


def test_the_file_may_not_change_between_the_passes(
    short_chain: list[bytes], maker: ModuleType, put: Callable
) -> None:
    path = put("a.dat", maker.framed(*short_chain))
    batches = source(path).batches(open_empty())
    next(batches)
    other = maker.Chain()
    other.add(tail=b"\x00xxxx")
    path.write_bytes(maker.framed(other.blocks[1], *short_chain))
    with pytest.raises(BlockError):
        list(batches)


def test_bitcoin_blocks_without_their_witnesses_are_refused(maker: ModuleType) -> None:
    """A stripped block links and hashes, but its sizes and witness ids would be wrong."""
    headers = {b"h": type("H", (), {"where": "s.raw byte 0"})()}
    files = BlockFiles((), "btc")
    files._check_witnessed([b"h"], {b"h": 481_823}, headers)
    with pytest.raises(BlockError, match=r"without the witnesses.* s\.raw byte 0"):
        files._check_witnessed([b"h"], {b"h": 481_824}, headers)


def test_arguments(put: Callable, short_chain: list[bytes], tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        pull(tmp_path / "l", source(tmp_path / "none.dat"))
    with pytest.raises(InputError, match="below the genesis"):
        source(height=-1)
    with pytest.raises(ChainError, match="no block files"):
        BlockFiles((), "eth")
    with pytest.raises(BlockError, match=r"0 by genesis, but at 3 by the height given"):
        pull(tmp_path / "l", source(put("g.raw", short_chain[0]), height=3))


def test_raw_bytes_are_kept_on_request(whole: Path, tmp_path: Path) -> None:
    pull(tmp_path / "l", source(whole, keep_raw=True))
    answer = open_ledger(tmp_path / "l").answers.collect().row(0, named=True)
    assert answer["body"] == whole.read_bytes()
    assert answer["size"] == len(answer["body"])


def test_the_compiled_loops_give_the_same_ledger(
    put: Callable[..., Path], maker: ModuleType, short_chain: list[bytes], tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """In groups of several blocks, and one by one, as small files are read."""
    paths = [
        put("a.dat", maker.framed(*short_chain[:7])),
        put("b.dat", maker.framed(*short_chain[7:])),
    ]
    source = BlockFiles(paths, "btc-regtest", acquired=THEN)
    pull(tmp_path / "plain", source)
    monkeypatch.setattr("chainwatch.bitcoin.block_batch.COMPILED_FROM", 0)
    for size in (1_500, 8_000_000):
        monkeypatch.setattr("chainwatch.sources.block_files.GROUP_BYTES", size)
        monkeypatch.setattr("chainwatch.bitcoin.framing.GROUP_BYTES", size)
        report = pull(tmp_path / f"compiled{size}", source)
        assert report.units == len(short_chain)
        whole = open_ledger(tmp_path / "plain").digests()
        assert open_ledger(tmp_path / f"compiled{size}").digests() == whole


def test_all_that_is_wrong_is_told(
    put: Callable[..., Path], maker: ModuleType, short_chain: list[bytes], tmp_path: Path
) -> None:
    """A damaged block, and what stands behind the last one."""
    data = bytearray(maker.framed(*short_chain))
    data[8 + 100] ^= 1
    path = put("x.dat", bytes(data) + b"rubbish!")
    report = pull(tmp_path / "l", BlockFiles(path, "btc-regtest"))
    first = len(maker.framed(short_chain[0]))
    assert [note.split(":")[1] for note in sorted(report.notes)] == [
        f" {first} bytes from byte 0 on are a damaged block and were not read",
        f" 8 bytes from byte {len(data):,} on belong to nothing and were passed over",
    ]


def test_masked_files_are_named_as_such(put: Callable, maker: ModuleType, tmp_path: Path) -> None:
    path = put("blk00000.dat", maker.framed(*maker.Chain().grow(2).blocks))
    (path.parent / "xor.dat").write_bytes(bytes(8))
    pull(tmp_path / "plain", BlockFiles(path, "btc-regtest"))
    (path.parent / "xor.dat").write_bytes(b"k" * 8)
    with pytest.raises(InputError, match=r"masked its block files .*chainwatch pull node-folder"):
        pull(tmp_path / "masked", BlockFiles(path, "btc-regtest"))
