"""The compiled reading of undo data against the plain one: same verdicts, same rows, same words."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from types import ModuleType
from typing import Any

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from chainwatch.addresses.scripts import classify
from chainwatch.bitcoin.block_batch import RawBlock, check_blocks
from chainwatch.bitcoin.undo import checksum
from chainwatch.bitcoin.undo_batch import RawUndo, check_undo
from chainwatch.chains.base import Chain
from chainwatch.chains.catalogue import chain, consensus_of
from chainwatch.errors import BlockError
from chainwatch.ingest.rows.blocks import frames_of_blocks
from chainwatch.ingest.source_file import FileRead
from chainwatch.kernels import block_columns

REGTEST = chain("btc-regtest")
EVERY_FORM = replace(
    REGTEST, consensus=replace(consensus_of(REGTEST), tokens=True, extension_blocks=True)
)
FILE = FileRead("blk00000.dat", bytes(32), 9, datetime(2024, 1, 1, 12, tzinfo=UTC))
Pairs = Sequence[tuple[bytes, bytes]]


def rows(
    pairs: Pairs, *, compiled: bool, bad_sums: Sequence[int] = (), network: Chain = REGTEST
) -> dict[str, pl.DataFrame] | str:
    """Return the rows of blocks with their undo data, or the error."""
    raw = [RawBlock(data, "blk", 100 * k) for k, (data, _) in enumerate(pairs)]
    checked = check_blocks(raw, network, compiled=compiled)
    undo = [
        RawUndo(data, bytes(32) if k in bad_sums else checksum(whole[4:36], data), f"rev byte {k}")
        for k, (whole, data) in enumerate(pairs)
    ]
    try:
        known = check_undo(checked, undo)
    except BlockError as error:
        return str(error)
    return frames_of_blocks(known, range(len(pairs)), [FILE] * len(pairs), source="test")


def assert_alike(pairs: Pairs, **how: Any) -> dict[str, pl.DataFrame] | str:
    fast, plain = (rows(pairs, compiled=way, **how) for way in (True, False))
    if isinstance(fast, str) or isinstance(plain, str):
        assert fast == plain
        return fast
    assert list(fast) == list(plain)
    for name, frame in plain.items():
        assert fast[name].schema == frame.schema, name
        assert fast[name].equals(frame, null_equal=True), name
    return fast


def test_rows_are_those_of_the_plain_reading(made: ModuleType) -> None:
    found = assert_alike(made.with_undo(), network=EVERY_FORM)
    assert not isinstance(found, str)
    inputs = found["inputs"]
    assert inputs.height > 30
    assert inputs["value"].null_count() == inputs["script_kind"].null_count() == 0
    assert set(inputs["script_kind"]) == set(block_columns.KINDS)  # all kinds were compared
    assert 0 < inputs["address"].null_count() < inputs.height


def test_what_tokens_stood_before(made: ModuleType) -> None:
    scripts = [head + lock for head in (*made.TOKENS, *made.NO_TOKENS) for lock in made.SCRIPTS]
    spend = made.transaction([(b"\x01" * 32, k) for k in range(len(scripts))], [(1, b"\x51")])
    pairs = [(made.block([spend]), made.undo_of([[(7, 5, script) for script in scripts]]))]
    for network in (REGTEST, EVERY_FORM):
        found = assert_alike(pairs, network=network)
        assert not isinstance(found, str)
        inputs = found["inputs"].sort("n")
        wanted = [classify(script, network.forms) for script in scripts]
        assert inputs["script_kind"].to_list() == [each.kind for each in wanted]
        assert inputs["address"].to_list() == [each.address for each in wanted]
    assert {each.tokens for each in wanted} == {True, False}


def test_undo_data_of_a_block_with_an_extension_block(made: ModuleType) -> None:
    """What belongs to the extension block follows what was spent; coins from there bear a bit."""
    first = made.transaction([(b"\x01" * 32, 0)], [(4, b"\x59\x20" + bytes(32))])
    last = made.hogex([(b"\x02" * 32, 0), (b"\x03" * 32, 0)], [(9, b"\x58\x20" + bytes(32))])
    spent = [[(1 << 30, 5, made.SCRIPTS[0])], [(8, 6, b"\x58\x20" + bytes(32)), (9, 4, b"\x51")]]
    undo = made.undo_of(spent)
    extended = made.block([first, last], tail=b"\x01mweb")
    plain = made.block([first, (last[1], last[1])])
    for tail in (b"", b"\x00", b"undo of the extension block"):
        found = assert_alike([(extended, undo + tail)], network=EVERY_FORM)
        assert not isinstance(found, str)
        assert found["inputs"]["value"].to_list() == [5, 6, 4]
        assert found["inputs"]["script_kind"].to_list()[1] == "mweb_hogaddr"
        told = assert_alike([(plain, undo + tail)], network=EVERY_FORM)
        assert isinstance(told, str) == bool(tail)


def broken(made: ModuleType, pairs: Pairs, count: int) -> list[Pairs]:
    """Return blocks with undo data of which a few bytes are changed, cut out, put in or cut off."""
    pick, spoiled = random.Random(6), []  # noqa: S311  # the same each time
    for _ in range(count):
        block, undo = pick.choice(pairs[1:])
        data = bytearray(undo)
        place = pick.choice([pick.randrange(min(len(data), 12)), pick.randrange(len(data))])
        kind = pick.randrange(5)
        if kind == 0:
            data[place] ^= 1 << pick.randrange(8)
        elif kind == 1:
            data[place] = pick.choice([0, 1, 4, 5, 0x80, 0xFC, 0xFD, 0xFE, 0xFF])
        elif kind == 2:
            del data[place : place + pick.randrange(1, 9)]
        elif kind == 3:
            put = [b"\x00", b"\xfd\xff\xff", b"\xff" * 9, b"\xff" * 12, b"\x80" * 9 + b"\x01"]
            data[place:place] = pick.choice(put)
        else:
            del data[place:]
        spoiled.append([(block, bytes(data))])
    return spoiled


def test_broken_undo_data_is_refused_in_the_same_words(made: ModuleType) -> None:
    seen = set()
    good = made.with_undo()
    for pairs in (*broken(made, good, 2_000), [(good[1][0], good[2][1])]):
        found = assert_alike(pairs)
        if isinstance(found, str):
            words = found.split(" at rev")[0].split()
            seen.add(" ".join(word for word in words if not word[0].isdigit() and len(word) < 64))
    said = {
        block_columns.SENTENCES[code]
        for code in range(block_columns.UNDO_SHORT, block_columns.UNDO_TOO_MUCH)
    }
    kinds = {" ".join(word for word in words.split() if word[0] != "{") for words in said}
    assert kinds <= seen
    assert "a public key of the undo data is no point of the curve" in seen


def paying(made: ModuleType, values: Sequence[int], paid: int) -> Pairs:
    spend = made.transaction([(b"\x07" * 32, k) for k in range(len(values))], [(paid, b"\x51")])
    return [(made.block([spend]), made.undo_of([[(5, value, b"\x51") for value in values]]))]


def test_amounts_at_the_edge(made: ModuleType) -> None:
    supply = 21 * 10**14
    for values, paid, words in (
        ((supply,), supply, None),
        ((supply - 1,), supply, "pays more than its undo data lets it"),
        ((supply + 1,), 1, "an amount of the undo data is outside the supply"),
        ((2**63,), 1, "a number of the undo data is longer than any can be"),
        ((10**30,), 1, "a number of the undo data is longer than any can be"),
        ((1844 * 10**16,), 1, "an amount of the undo data is outside the supply"),
        ((supply, 1), 1, "spends more than the supply"),
        ((supply, supply, supply), 1, "spends more than the supply"),
        ((0,), 0, None),
        ((0,), 1, "pays more"),
    ):
        found = assert_alike(paying(made, values, paid))
        assert isinstance(found, str) == (words is not None)
        assert words is None or words in found


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 2**64 - 1))
def test_any_number_is_an_amount_or_refused(made: ModuleType, number: int) -> None:
    spend = made.transaction([(b"\x07" * 32, 0)], [(0, b"\x51")])
    undo = b"\x01\x01\x00" + made.varint(number) + b"\x06"
    assert_alike([(made.block([spend]), undo)])


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=120), st.integers(1, 3))
def test_hostile_undo_data(made: ModuleType, data: bytes, inputs: int) -> None:
    """It is read or refused, and nothing else."""
    spend = made.transaction([(b"\x07" * 32, k) for k in range(inputs)], [(0, b"\x51")])
    for front in (b"", b"\x01" + bytes([inputs])):
        assert_alike([(made.block([spend]), front + data)])


def test_the_first_record_that_fails_is_named(made: ModuleType) -> None:
    """Whether a checksum, a key, a length or a sum is wrong, what comes first is told."""
    good = made.with_undo()[1]
    key = made.transaction([(b"\x07" * 32, 0)], [(1, b"\x51")])
    off = (made.block([key]), made.undo_of([[(5, 9, made.OFF_CURVE)]]))
    both = (made.block([key]), made.undo_of([[(5, 9, made.OFF_CURVE)]]) + b"\x00")
    cut, poor = (good[0], good[1][:-1]), paying(made, [4], 5)[0]
    for pairs, sums, words in (
        ([good, cut, off], [0], "checksum at rev byte 0"),
        ([good, cut, off], [2], "at rev byte 1"),
        ([good, off, cut], [2], "no point of the curve at rev byte 1"),
        ([good, both, cut], [], "no point of the curve at rev byte 1"),
        ([good, poor, off], [], "lets it at rev byte 1"),
        ([good, poor, off], [1], "checksum at rev byte 1"),
        ([good, good, off], [], "no point of the curve at rev byte 2"),
    ):
        found = assert_alike(pairs, bad_sums=sums)
        assert words in found
        assert "run the same command again" in found


PROBE = """
import conftest as made
import test_undo_kernel as tests
pairs = made.with_undo()
accepted = sum(not isinstance(tests.rows(pairs, compiled=True), str) for _ in range(2))
for spoiled in tests.broken(made, pairs, 800):
    accepted += not isinstance(tests.rows(spoiled, compiled=True), str)
for block, undo in pairs[1:3]:
    for size in range(len(undo)):
        accepted += not isinstance(tests.rows([(block, undo[:size])], compiled=True), str)
print("accepted", accepted)
"""


def test_no_byte_is_read_out_of_bounds(probed: Callable[[str], int]) -> None:
    """With numba's own bounds checks compiled in, hostile bytes never trip one."""
    assert probed(PROBE) >= 2
