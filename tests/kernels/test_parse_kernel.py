"""The compiled reading of blocks against the plain one: same verdicts, same rows, same words."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chainwatch.bitcoin.block_batch import CheckedBlocks, RawBlock, check_blocks
from chainwatch.chains.base import Chain
from chainwatch.chains.catalogue import chain, consensus_of
from chainwatch.errors import BlockError
from chainwatch.ingest.rows.blocks import frames_of_blocks
from chainwatch.ingest.source_file import FileRead
from chainwatch.kernels import block_columns
from chainwatch.kernels.parse import Parsed, available, parse_blocks
from chainwatch.kernels.sha256 import ways

REGTEST = chain("btc-regtest")
NOON = datetime(2024, 1, 1, 12, tzinfo=UTC)


def verdict(blocks: Sequence[bytes], name: str | Chain, *, compiled: bool) -> CheckedBlocks | str:
    raw = [RawBlock(data, f"file {k}", 100 * k) for k, data in enumerate(blocks)]
    try:
        return check_blocks(raw, chain(name), compiled=compiled)
    except BlockError as error:
        return str(error)


def rows(checked: CheckedBlocks, heights: Sequence[int]) -> dict[str, pl.DataFrame]:
    files = [FileRead(f"file {k % 2}", bytes([k % 2]) * 32, 9, NOON) for k in range(len(heights))]
    return frames_of_blocks(checked, heights, files, source="test")


def assert_alike(blocks: Sequence[bytes], heights: Sequence[int], alias: str) -> None:
    fast, plain = (verdict(blocks, alias, compiled=way) for way in (True, False))
    if isinstance(fast, str) or isinstance(plain, str):
        assert fast == plain
        return
    assert fast.summaries == plain.summaries
    assert [head.claimed_height for head in fast.summaries] == [
        head.claimed_height for head in plain.summaries
    ]
    ours, theirs = rows(fast, heights), rows(plain, heights)
    assert list(ours) == list(theirs)
    for name, frame in theirs.items():
        assert ours[name].schema == frame.schema, name
        assert ours[name].equals(frame, null_equal=True), name


def test_rows_are_those_of_the_plain_parser(blocks: list[bytes]) -> None:
    assert_alike(blocks, [5, 4, 9, 100, 3, 2], "btc-regtest")
    fast = verdict(blocks, "btc-regtest", compiled=True)
    assert isinstance(fast, CheckedBlocks)
    kinds = set(rows(fast, range(6))["outputs"]["script_kind"])
    assert kinds == set(block_columns.KINDS)  # all kinds were compared


def test_no_blocks_give_no_rows() -> None:
    checked = check_blocks([], REGTEST, compiled=True)
    frames = rows(checked, [])
    assert {frame.height for frame in frames.values()} == {0}


def test_coinbases_that_nobody_can_spend(blocks: list[bytes], real_data: Path) -> None:
    raw = (real_data / "bitcoin/blocks/0-438.dat").read_bytes()
    assert_alike([raw[8:293]], [0], "btc")
    spendable = rows(check_blocks([RawBlock(raw[8:293], "x")], chain("btc")), [0])["outputs"]
    assert spendable["spendable"].to_list() == [False]
    assert_alike([raw[8:293]], [91_722], "btc")


def test_broken_blocks_are_refused_in_the_same_words(made: ModuleType, blocks: list[bytes]) -> None:
    seen = set()
    for data in made.broken(blocks, 3_000):
        fast, plain = (verdict([data], "btc-regtest", compiled=way) for way in (True, False))
        if isinstance(fast, str) or isinstance(plain, str):
            assert fast == plain, data.hex()
            seen.add(" ".join(w for w in str(fast).split(" at ")[0].split() if not w[0].isdigit()))
        else:
            assert fast.summaries == plain.summaries
    assert len(seen) >= 14, seen


@pytest.mark.parametrize("flag", range(10))
@pytest.mark.parametrize("height", [None, 0])
def test_flags_of_transactions(flag: int, height: int | None, made: ModuleType) -> None:
    """Only a chain with extension blocks has transactions that reach into one."""
    network = replace(REGTEST, consensus=replace(consensus_of(REGTEST), extension_height=height))
    raw, plain_form = made.transaction([(b"\x01" * 32, 0)], [(5, b"\x51")], witness=[b"x"])
    data = made.block([(raw[:5] + bytes([flag]) + raw[6:], plain_form)])
    fast, plain = (verdict([data], network, compiled=way) for way in (True, False))
    assert isinstance(fast, str) == isinstance(plain, str) == (flag != 1)
    assert fast == plain or flag == 1
    assert ("MimbleWimble" in str(fast)) == (bool(flag & 8) and height is not None)


def test_the_first_block_that_fails_is_named(made: ModuleType, blocks: list[bytes]) -> None:
    late = bytearray(blocks[1])
    late[40] ^= 1  # neither proof of work nor root
    cut, tail = blocks[2][:-3], blocks[2] + b"\x00"
    for order in ([blocks[0], tail, bytes(late)], [cut, tail], [bytes(late), cut], [b"", cut]):
        fast, plain = (verdict(order, "btc-regtest", compiled=way) for way in (True, False))
        assert isinstance(fast, str)
        assert fast == plain


def test_what_ties_a_block_together(made: ModuleType) -> None:
    spend = made.transaction([(b"\x01" * 32, 0)], [(5, b"\x51")], witness=[b"x"])
    plain = made.transaction([(b"\x02" * 32, 0)], [(5, b"\x51")])
    twice = made.transaction([(b"\x03" * 32, k % 15) for k in range(16)], [(5, b"\x51")])
    origin = made.transaction([(bytes(32), 0xFFFFFFFF)], [(5, b"\x51")])
    for txs in ([spend], [plain, spend, plain], [plain], [twice], [origin], [plain, plain, plain]):
        for commit in (True, False):
            assert_alike([made.block(txs, commit=commit)], [7], "btc-regtest")


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.integers(0, 10**15) | st.integers(-5, 21 * 10**14 + 5),
            st.binary(max_size=70)
            | st.tuples(
                st.sampled_from(
                    [b"\x76\xa9\x14", b"\xa9\x14", b"\x00\x14", b"\x51\x20", b"\x52\x28"]
                ),
                st.binary(min_size=18, max_size=41),
                st.sampled_from([b"", b"\x87", b"\x88\xac", b"\xae"]),
            ).map(b"".join),
        ),
        max_size=6,
    ),
    st.integers(0, 12),
    st.booleans(),
)
def test_any_scripts_and_values(
    made: ModuleType, paid: list[tuple[int, bytes]], spent: int, witnessed: bool
) -> None:
    witness = [b"a" * 32] if witnessed else []
    tx = made.transaction([(b"\x09" * 32, n) for n in range(spent)], paid, witness=witness)
    assert_alike([made.block([tx])], [7], "btc-regtest")
    columns = verdict([made.block([tx])], "btc-regtest", compiled=True)
    assert isinstance(columns, (str, CheckedBlocks))


def test_chains_without_witnesses_have_no_witness_addresses(blocks: list[bytes]) -> None:
    kinds = {
        witness: set(
            parse_blocks(blocks, supply=21 * 10**14, witness=witness).columns["out_kind"].tolist()
        )
        for witness in (True, False)
    }
    assert kinds[True] - kinds[False] == {3, 4, 5, 6}


def test_real_blocks(real_data: Path) -> None:
    heights = (250_000, 300_025, 363_703, 574_200, 629_999)
    folder = real_data / "bitcoin/blocks"
    data = [(folder / f"{height}.raw").read_bytes() for height in heights]
    assert_alike(data, heights, "btc")
    supply = 21_000_000 * 10**8
    columns = [parse_blocks(data, supply=supply, witness=True, way=way).columns for way in ways()]
    for other in columns[1:]:
        assert all(np.array_equal(columns[0][name], other[name]) for name in columns[0])


PROBE = """
import conftest as made
from chainwatch.kernels.parse import parse_blocks
blocks = made.honest()
accepted = 0
cut = [data[:k] for data in blocks[:3] for k in range(80, len(data))]
for data in [*blocks, *made.broken(blocks, 1500, seed=8), *cut]:
    accepted += parse_blocks([data], supply=21 * 10**14, witness=True).failure is None
print("accepted", accepted)
"""


def test_no_byte_is_read_out_of_bounds(probed: Callable[[str], int]) -> None:
    """With numba's own bounds checks compiled in, hostile bytes never trip one."""
    assert probed(PROBE) >= 6


def test_numba_is_there() -> None:
    assert available()


def test_without_numba_the_plain_parser_reads(
    blocks: list[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("chainwatch.bitcoin.block_batch.COMPILED_FROM", 0)
    raw = [RawBlock(data, "x") for data in blocks]
    assert isinstance(check_blocks(raw, REGTEST).parsed, Parsed)
    monkeypatch.setattr("chainwatch.bitcoin.block_batch.available", lambda: False)
    checked = check_blocks(raw, REGTEST)
    assert type(checked.parsed).__name__ == "tuple"
