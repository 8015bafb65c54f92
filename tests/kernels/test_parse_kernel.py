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

from chainwatch.addresses.scripts import classify
from chainwatch.bitcoin.block_batch import CheckedBlocks, RawBlock, check_blocks
from chainwatch.bitcoin.consensus import MARKS
from chainwatch.bitcoin.extension import FLAG
from chainwatch.bitcoin.hashes import double_sha256 as sha256d
from chainwatch.chains.base import Chain, Forms
from chainwatch.chains.catalogue import chain, consensus_of
from chainwatch.errors import BlockError
from chainwatch.ingest.rows.blocks import frames_of_blocks
from chainwatch.ingest.source_file import FileRead
from chainwatch.kernels import block_columns
from chainwatch.kernels.hashing.sha256 import ways
from chainwatch.kernels.parse import Parsed, parse_blocks
from chainwatch.kernels.run import available

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


def knowing(*forms: Forms) -> Chain:
    """Return regtest with these forms: those of other chains, whose work is too hard here."""
    known = Forms.PLAIN
    for form in forms:
        known |= form
    rules = replace(
        consensus_of(REGTEST), tokens=bool(known & Forms.TOKENS),
        extension_blocks=bool(known & Forms.EXTENSION),
    )  # fmt: skip
    return replace(REGTEST, hrp="bcrt" if known & Forms.WITNESS else None, consensus=rules)


CHAINS = [
    knowing(), knowing(Forms.WITNESS), knowing(Forms.TOKENS), knowing(Forms.EXTENSION),
    knowing(Forms.WITNESS, Forms.EXTENSION), knowing(*Forms),
]  # fmt: skip


def test_forms_of_columns_are_those_of_chains() -> None:
    for form in Forms:
        assert getattr(block_columns, str(form.name)) == form
    assert (block_columns.MARKS, block_columns.EXTENDED_FLAG) == (MARKS, FLAG)


def test_rows_are_those_of_the_plain_parser(blocks: list[bytes]) -> None:
    kinds = set()
    for network in CHAINS:
        if network.hrp:
            assert_alike(blocks, [5, 4, 9, 100, 3, 2], network)
            fast = verdict(blocks, network, compiled=True)
            assert isinstance(fast, CheckedBlocks)
            kinds |= set(rows(fast, range(6))["outputs"]["script_kind"])
        else:
            assert_alike(blocks[-1:], [2], network)
    assert kinds == set(block_columns.KINDS)  # all kinds were compared


@pytest.mark.parametrize("network", CHAINS, ids=lambda item: repr(item.forms))
def test_tokens_before_what_locks_an_output(network: Chain, made: ModuleType) -> None:
    paid = [(9, head + lock) for head in (*made.TOKENS, *made.NO_TOKENS) for lock in made.SCRIPTS]
    data = made.block([made.transaction([(b"\x01" * 32, 0)], paid)])
    assert_alike([data], [3], network)
    checked = verdict([data], network, compiled=True)
    assert isinstance(checked, CheckedBlocks)
    frames = rows(checked, [3])
    found = frames["outputs"].filter(pl.col("tx") & 1 == 1).sort("n")
    size, good = len(made.SCRIPTS), len(made.TOKENS) * len(made.SCRIPTS)
    locks = [classify(lock, network.forms) for lock in made.SCRIPTS]
    if not network.forms & Forms.TOKENS:
        assert found["address"].null_count() == found.height
        return
    for begin in range(0, good, size):
        part = found[begin : begin + size]
        assert part["script_kind"].to_list() == [lock.kind for lock in locks]
        assert part["address"].to_list() == [lock.address for lock in locks]
    assert found["script"].to_list() == [script for _, script in paid]
    assert set(found[good:]["script_kind"]) == {"nonstandard"}
    keys = frames["output_keys"].filter(pl.col("tx") & 1 == 1)
    assert keys.height == len(made.TOKENS) * sum(len(lock.keys) for lock in locks)


def ending(made: ModuleType, *, at: int = -1, tail: bytes = b"\x01mweb", **how: bytes) -> bytes:
    """Return a block with the transaction that ends in an extension block at a place."""
    spend = made.transaction([(b"\x01" * 32, 0)], [(5, b"\x59\x20" + bytes(32))], witness=[b"x"])
    last = made.hogex([(b"\x02" * 32, 0), (sha256d(spend[1]), 0)], [(7, made.SCRIPTS[20])], **how)
    txs = [spend, made.transaction([(b"\x03" * 32, 0)], [(1, b"\x51")])]
    txs.insert(len(txs) if at < 0 else at, last)
    return bytes(made.block(txs, tail=tail))


@pytest.mark.parametrize("network", CHAINS, ids=lambda item: repr(item.forms))
def test_a_block_that_ends_in_an_extension_block(network: Chain, made: ModuleType) -> None:
    mark, spoilt = b"\x01" + bytes(200), b"\x02" + bytes(200)
    good = {"tail": mark}, {"tail": b"\x00"}, {"tail": b"\x01"}
    bad = ({"tail": spoilt}, {"tail": b""}, {"tail": b"\x00\x00"}, {"at": 0}, {"at": 1})
    for how in (*good, *bad):
        data = ending(made, **how)
        assert_alike([data], [3], network)
        accepted = not isinstance(verdict([data], network, compiled=True), str)
        both = Forms.WITNESS | Forms.EXTENSION
        assert accepted == (network.forms & both == both and how in good), how
    for data in made.broken([ending(made, tail=mark[:9])], 400):
        fast, plain = (verdict([data], network, compiled=way) for way in (True, False))
        assert fast == plain or not isinstance(fast, str), data.hex()
        assert isinstance(fast, str) == isinstance(plain, str)


def test_what_is_read_of_it(made: ModuleType) -> None:
    network, data = knowing(*Forms), ending(made, tail=b"\x01" + bytes(200))
    checked = verdict([data], network, compiled=True)
    assert isinstance(checked, CheckedBlocks)
    frames = rows(checked, [3])
    last = frames["transactions"].sort("tx").row(-1, named=True)
    _, plain = made.hogex(
        [(b"\x02" * 32, 0), (frames["transactions"].sort("tx")["txid"][1], 0)],
        [(7, made.SCRIPTS[20])],
    )
    assert last["txid"] == sha256d(plain)
    assert last["wtxid"] is None
    assert (last["size"], last["weight"]) == (len(plain) + 3, 4 * len(plain))
    assert frames["blocks"]["size"].to_list() == [len(data)]
    paid = frames["outputs"].sort("tx", "n").select("script_kind", "address", "script").rows()
    assert paid[-1] == ("mweb_hogaddr", None, made.SCRIPTS[20])
    assert "mweb_pegin" in {kind for kind, _, _ in paid}


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
@pytest.mark.parametrize("network", CHAINS, ids=lambda item: repr(item.forms))
def test_flags_of_transactions(flag: int, network: Chain, made: ModuleType) -> None:
    """Witnesses belong to chains that have them, parts of extension blocks to no block at all."""
    raw, plain_form = made.transaction([(b"\x01" * 32, 0)], [(5, b"\x51")], witness=[b"x"])
    data = made.block([(raw[:5] + bytes([flag]) + raw[6:], plain_form)])
    if not network.hrp:  # the coinbase must not have any either
        data = made.block([(plain_form[:4] + bytes([0, flag]) + plain_form[4:], plain_form)])
    fast, plain = (verdict([data], network, compiled=way) for way in (True, False))
    good = flag == 1 and network.hrp is not None
    assert isinstance(fast, str) == isinstance(plain, str) == (not good)
    assert fast == plain or good
    extended = flag == 8 and bool(network.forms & Forms.EXTENSION)
    assert ("a part of an extension block" in str(fast)) == extended
    assert ("which this chain does not have" in str(fast)) == (flag == 1 and network.hrp is None)


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
        form: set(
            parse_blocks(blocks[-1:], supply=21 * 10**14, forms=form).columns["out_kind"].tolist()
        )
        for form in (Forms.WITNESS, Forms.PLAIN)
    }
    program = block_columns.P2A
    assert kinds[Forms.WITNESS] - kinds[Forms.PLAIN] == {3, 4, 5, 6, program}


def test_real_blocks(real_data: Path) -> None:
    heights = (250_000, 300_025, 363_703, 574_200, 629_999)
    folder = real_data / "bitcoin/blocks"
    data = [(folder / f"{height}.raw").read_bytes() for height in heights]
    assert_alike(data, heights, "btc")
    supply = 21_000_000 * 10**8
    columns = [
        parse_blocks(data, supply=supply, forms=Forms.WITNESS, way=way).columns for way in ways()
    ]
    for other in columns[1:]:
        assert all(np.array_equal(columns[0][name], other[name]) for name in columns[0])


PROBE = """
import conftest as made
from chainwatch.chains.base import Forms
from chainwatch.kernels.parse import parse_blocks
blocks = made.honest()
blocks.append(made.block([
    made.transaction([(b"1" * 32, 0)], [(1, t + s) for t in made.TOKENS for s in made.SCRIPTS]),
    made.hogex([(b"2" * 32, 0)], [(7, made.SCRIPTS[20])]),
], tail=b"\\x01" + bytes(9)))
accepted = 0
cut = [data[:k] for data in blocks[:3] for k in range(80, len(data))]
for data in [*blocks, *made.broken(blocks, 1500, seed=8), *cut]:
    accepted += parse_blocks([data], supply=21 * 10**14, forms=Forms(7)).failure is None
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
