"""A block is read to the byte, or refused with a sentence; never anything between."""

from __future__ import annotations

import hashlib
import tracemalloc
from types import ModuleType

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chainwatch.bitcoin.block import parse_block
from chainwatch.bitcoin.consensus import check_work, target_of, work_of
from chainwatch.bitcoin.header import Header
from chainwatch.chains.catalogue import chain, consensus_of
from chainwatch.errors import BlockError, ChainError

REGTEST = chain("btc-regtest")
HUGE = b"\xff" + (2**63).to_bytes(8, "little")


def read(data: bytes):
    return parse_block(data, REGTEST, name="a.raw")


@pytest.fixture(scope="module")
def witnessed(maker: ModuleType) -> bytes:
    """Return a block of a coinbase and two spends, one with a witness."""
    return two_spends(maker)


def two_spends(m: ModuleType, **how: object) -> bytes:
    plain = m.spend([(b"\x01" * 32, 0)], [(700, m.p2pkh(1)), (5, b"\x6a\x01\x02")])
    with_witness = m.spend([(b"\x02" * 32, 1)], [(900, m.p2pkh(2))], witness=[b"sig", b"key"])
    txs = [plain, with_witness]
    outputs = [(50 * m.COIN, m.p2pkh(3)), (0, m.commitment_to(txs))]
    first = m.coinbase(7, outputs, witness=[bytes(32)])
    return m.block_of(b"\x09" * 32, 7, [first, *txs], **how)


def alone(m: ModuleType, *txs: object, first: object = None, **how: object) -> bytes:
    first = first or m.coinbase(7, [(50 * m.COIN, m.p2pkh(3))])
    return m.block_of(b"\x09" * 32, 7, [first, *txs], **how)


def test_fields(maker: ModuleType, witnessed: bytes) -> None:
    block = read(witnessed)
    assert block.header.parent == b"\x09" * 32
    assert block.hash == hashlib.sha256(hashlib.sha256(witnessed[:80]).digest()).digest()
    assert (block.header.time, block.header.bits, block.size) == (
        maker.START + 4200,
        maker.EASY,
        len(witnessed),
    )
    assert block.claimed_height == 7
    origin, plain, spent = block.txs
    assert origin.inputs == [(bytes(32), 0xFFFFFFFF, 0xFFFFFFFD)]
    assert plain.wtxid is None
    assert plain.outputs == [(700, maker.p2pkh(1)), (5, b"\x6a\x01\x02")]
    assert plain.size == plain.stripped
    assert spent.inputs == [(b"\x02" * 32, 1, 0xFFFFFFFD)]
    assert spent.wtxid not in (None, spent.txid)
    assert spent.size - spent.stripped == 2 + 1 + 4 + 4  # marker, flag, count, two items of three


def test_a_cut_at_every_offset_is_refused(witnessed: bytes) -> None:
    for length in range(len(witnessed)):
        with pytest.raises(BlockError):
            read(witnessed[:length])


def test_what_is_left_over_is_refused(witnessed: bytes) -> None:
    with pytest.raises(BlockError, match=r"1 bytes follow .* a\.raw byte"):
        read(witnessed + b"\0")


def bad_blocks(m: ModuleType) -> dict[str, tuple[bytes, str]]:
    """Return blocks with one defect each, and a word of the sentence that must name it."""
    good = alone(m)
    count_at = 80
    inputs_at, script_at = 85, 122
    outputs_at = len(good) - 4 - 34 - 1
    other = m.spend([(b"\x01" * 32, 0)], [(5, m.p2pkh(1))])
    twice = m.spend([(b"\x01" * 32, 0)] * 2, [(5, m.p2pkh(1))])
    with_witness = m.spend([(b"\x02" * 32, 1)], [(900, m.p2pkh(2))], witness=[b"x"])
    empty_witness = m.Made(
        with_witness.stripped[:4] + b"\0\1" + with_witness.stripped[4:-4] + b"\0" + bytes(4),
        with_witness.stripped,
    )
    flagged = m.Made(with_witness.raw[:5] + b"\2" + with_witness.raw[6:], with_witness.stripped)
    value = (50 * m.COIN, m.p2pkh(3))
    half = 11_000_000 * m.COIN
    committed = (0, m.commitment_to([other]))
    return {
        "no transactions": (good[:80] + b"\0", "no coinbase"),
        "transaction count": (good[:count_at] + HUGE + good[count_at + 1 :], "cannot fit"),
        "input count": (good[:inputs_at] + HUGE + good[inputs_at + 1 :], "cannot fit"),
        "script length": (good[:script_at] + HUGE + good[script_at + 1 :], "cannot fit"),
        "output count": (good[:outputs_at] + HUGE + good[outputs_at + 1 :], "cannot fit"),
        "witness count": (
            alone(m, m.Made(with_witness.raw[:-7] + HUGE + with_witness.raw[-6:], b"")),
            "cannot fit",
        ),
        "long form of a count": (
            good[:count_at] + b"\xfd\1\0" + good[count_at + 1 :], "longer than it need be",
        ),
        "negative value": (alone(m, m.spend([(b"\1" * 32, 0)], [(-1, b"")])), "outside the supply"),
        "value above the supply": (
            alone(m, m.spend([(b"\1" * 32, 0)], [(21_000_001 * m.COIN, b"")])),
            "outside the supply",
        ),
        "sum above the supply": (
            alone(m, m.spend([(b"\1" * 32, 0)], [(half, b"")] * 2)), "more than the supply",
        ),
        "no outputs": (alone(m, m.spend([(b"\1" * 32, 0)], [], script=bytes(30))), "no outputs"),
        "no inputs": (alone(m, m.spend([], [(1, bytes(50))] * 2)), "no inputs"),
        "an output spent twice": (alone(m, twice), "spends an output twice"),
        "merkle root": (alone(m, root=bytes(32)), "merkle root"),
        "no proof of work": (alone(m, proven=False), "proof of work"),
        "too easy": (alone(m, bits=0x2100FFFF), "difficulty"),
        "no target": (alone(m, bits=0x20000000), "difficulty"),
        "negative target": (alone(m, bits=0x20FFFFFF), "difficulty"),
        "no coinbase": (m.block_of(bytes(32), 7, [other]), "coinbase out of place"),
        "two coinbases": (alone(m, m.coinbase(8, [value])), "coinbase out of place"),
        "short coinbase": (
            alone(m, first=m.spend([(bytes(32), 0xFFFFFFFF)], [value], script=b"\x57")),
            "legal form",
        ),
        "long coinbase": (alone(m, first=m.coinbase(7, [value], tail=b"x" * 100)), "legal form"),
        "witness form without witness": (alone(m, empty_witness), "no witness"),
        "unknown form": (alone(m, flagged), "not supported"),
        "witness without commitment": (alone(m, with_witness), "does not commit"),
        "witness of another commitment": (
            alone(m, with_witness, first=m.coinbase(7, [value, committed], witness=[bytes(32)])),
            "do not hash to the commitment",
        ),
        "short reserved value": (
            alone(m, with_witness, first=m.coinbase(
                7, [value, (0, m.commitment_to([with_witness]))], witness=[bytes(31)])),
            "does not commit",
        ),
    }  # fmt: skip


def test_every_defect_is_named(maker: ModuleType) -> None:
    for defect, (data, word) in bad_blocks(maker).items():
        with pytest.raises(BlockError, match=word) as caught:
            read(data)
        assert "a.raw byte " in str(caught.value), defect
        assert caught.value.remedy, defect


def test_repeated_leaves_keep_the_root_and_are_refused(maker: ModuleType) -> None:
    """CVE-2012-2459: [a, b, c] and [a, b, c, c] have one root."""
    first = maker.coinbase(7, [(50 * maker.COIN, maker.p2pkh(3))])
    b, c = (maker.spend([(bytes([k]) * 32, 0)], [(5, maker.p2pkh(1))]) for k in (1, 2))
    honest = maker.block_of(bytes(32), 7, [first, b, c])
    copied = honest[:80] + b"\4" + honest[81:] + c.raw
    assert maker.root_of([tx.txid for tx in (first, b, c, c)]) == read(honest).header.merkle_root
    with pytest.raises(BlockError, match="repeated"):
        read(copied)


def test_a_hostile_count_allocates_nothing(maker: ModuleType) -> None:
    """Counts of 2^63 are refused before anything of their size is made."""
    tracemalloc.start()
    try:
        for defect, (data, _) in bad_blocks(maker).items():
            if "count" in defect or "length" in defect:
                with pytest.raises(BlockError):
                    read(data)
        assert tracemalloc.get_traced_memory()[1] < 1_000_000
    finally:
        tracemalloc.stop()


@settings(max_examples=300, deadline=None)
@given(data=st.data())
def test_any_damage_is_refused_in_words(witnessed: bytes, data: st.DataObject) -> None:
    """Beyond the header one flipped bit is always found; in it, proof of work alone decides."""
    place = data.draw(st.integers(0, len(witnessed) - 1))
    bit = data.draw(st.integers(0, 7))
    cut = data.draw(st.none() | st.integers(0, len(witnessed)))
    damaged = bytearray(witnessed)
    damaged[place] ^= 1 << bit
    damaged = bytes(damaged[:cut])
    if place >= 80 or len(damaged) != len(witnessed) or 36 <= place < 68:
        with pytest.raises(BlockError):
            read(damaged)
        return
    try:
        block = read(damaged)
    except BlockError:
        return
    assert int.from_bytes(block.hash, "little") <= target_of(block.header.bits)
    assert [tx.txid for tx in block.txs] == [tx.txid for tx in read(witnessed).txs]


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=400))
def test_any_bytes_are_refused_in_words(data: bytes) -> None:
    with pytest.raises(BlockError):
        read(data)


@pytest.mark.parametrize(
    ("script", "version", "height"),
    [
        (bytes.fromhex("0390d00300"), 2, 250_000),
        (bytes.fromhex("0390d00300"), 1, None),
        (bytes.fromhex("5151"), 4, 1),
        (bytes.fromhex("6000"), 4, 16),
        (bytes.fromhex("0111"), 4, 17),
        (bytes.fromhex("02800000"), 4, 128),
        (bytes.fromhex("018000"), 4, None),  # minus zero
        (bytes.fromhex("03100000"), 4, None),  # longer than it need be
        (bytes.fromhex("03a0d0"), 4, None),  # cut off
        (bytes.fromhex("4c0390d003"), 4, None),  # pushed in another way
        (bytes.fromhex("0001"), 4, None),
    ],
)
def test_claimed_height(maker: ModuleType, script: bytes, version: int, height: int | None) -> None:
    first = maker.spend([(bytes(32), 0xFFFFFFFF)], [(1, b"")], script=script)
    assert read(maker.block_of(bytes(32), 1, [first], version=version)).claimed_height == height


def test_targets() -> None:
    """Values of Bitcoin's genesis block and of regtest; difficulty 1 is 2^32 hashes and a few."""
    assert target_of(0x1D00FFFF) == 0xFFFF << 208
    assert target_of(0x207FFFFF) == 0x7FFFFF << 232
    assert target_of(0x01800000) == target_of(0x04923456) == target_of(0xFF123456) == 0
    assert target_of(0x03123456) == 0x123456
    assert target_of(0x02123456) == 0x1234
    assert work_of(0x1D00FFFF) == 0x100010001


def test_scrypt_proves_the_genesis_of_litecoin(maker: ModuleType) -> None:
    """Header as every Litecoin node carries it; its double SHA-256 alone would prove nothing."""
    root = "97ddfbbae6be97fd6cdf3e7ca13232a3afff2353e29badfab7f73011edd4ced9"
    top = (1).to_bytes(4, "little") + bytes(32) + bytes.fromhex(root)[::-1]
    for number in (1_317_972_665, 0x1E0FFFF0, 2_084_524_493):
        top += number.to_bytes(4, "little")
    litecoin = chain("ltc")
    assert maker.sha256d(top) == litecoin.genesis
    check_work(Header.parse(top), consensus_of(litecoin))


def test_a_chain_without_blocks_of_this_kind() -> None:
    with pytest.raises(ChainError, match="no block files"):
        parse_block(b"", chain("tron"), name="x")
