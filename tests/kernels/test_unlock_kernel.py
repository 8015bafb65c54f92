"""The compiled reading of what unlocks inputs equals the plain one, on every form and on junk."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chainwatch.addresses.unlocking import (
    Unlock,
    multisig_keys,
    plain_multisig,
    quorum,
    revealed_address,
    signature_flags,
)
from chainwatch.chains.base import Forms
from chainwatch.kernels.hashing.ripemd_loops import ripemd160_of_32
from chainwatch.kernels.unlock import unlocked

KEY = b"\x02" + bytes(range(32))
LONG_KEY = b"\x04" + bytes(range(64))
CHECK = b"\x21" + KEY + b"\xac"
TWO_OF_TWO = b"\x52" + 2 * (b"\x21" + KEY) + b"\x52\xae"
THREE_KEYS = b"\x51" + 2 * (b"\x21" + KEY) + b"\x41" + LONG_KEY + b"\x53\xae"
LEAF = b"\x20" + bytes(32) + b"\xac"


def der(flag: int, one: int = 32, two: int = 32) -> bytes:
    body = b"\x02" + bytes([one]) + b"\x11" * one + b"\x02" + bytes([two]) + b"\x22" * two
    return b"\x30" + bytes([len(body)]) + body + bytes([flag])


def push(item: bytes) -> bytes:
    if len(item) < 0x4C:
        return bytes([len(item)]) + item
    if len(item) < 0x100:
        return b"\x4c" + bytes([len(item)]) + item
    return b"\x4d" + len(item).to_bytes(2, "little") + item


flags = st.sampled_from([0, 1, 2, 3, 4, 0x41, 0x42, 0x80, 0x81, 0x82, 0x83, 0xC1, 0xC3, 0xFF])
ders = st.builds(der, flags, st.integers(1, 33), st.integers(1, 33))
schnorr = st.one_of(
    st.just(b"\x77" * 64),
    flags.map(lambda flag: b"\x77" * 64 + bytes([flag])),
    flags.map(lambda flag: b"\x04" * 64 + bytes([flag])),
)
keys = st.sampled_from(
    [KEY, b"\x03" + KEY[1:], LONG_KEY, b"\x07" + LONG_KEY[1:], b"\x05" + KEY[1:]]
)
scripts = st.sampled_from(
    [
        CHECK,
        TWO_OF_TWO,
        THREE_KEYS,
        TWO_OF_TWO[:-1],
        b"\x53" + TWO_OF_TWO[1:],
        LEAF,
        b"\x51",
        KEY,
        b"\x50" + CHECK,
        b"\x4c",
        b"\x21\x02",
        LEAF + b"\xbb",
        LEAF[:-1] + b"\xad" + LEAF,
        b"\xa9\x14" + bytes(20) + b"\x87",
    ]
)
controls = st.builds(
    lambda first, steps, cut: (bytes([first]) + b"\x09" * (32 + 32 * steps))[: cut or None],
    st.sampled_from([0xC0, 0xC1, 0x02, 0x03, 0x50, 0xC2]), st.integers(0, 3),
    st.sampled_from([0, -1]),
)  # fmt: skip
annex = st.sampled_from([b"\x50", b"\x50" + bytes(5)])
items = st.one_of(ders, schnorr, keys, scripts, controls, annex, st.binary(max_size=80))


def program(item: bytes) -> list[bytes]:
    first = hashlib.sha256(item).digest()
    return [b"\x00\x14" + hashlib.new("ripemd160", first).digest(), b"\x00\x20" + first]


@st.composite
def unlocks(draw: st.DrawFn) -> Unlock:
    pushed = draw(st.lists(items, max_size=4))
    witness = tuple(draw(st.lists(items, max_size=5)))
    form = draw(st.sampled_from(["script", "witness", "nested", "both", "junk"]))
    if form == "script":
        numbers = draw(st.sampled_from([b"", b"\x00", b"\x51", b"\x76"]))
        return Unlock(numbers + b"".join(map(push, pushed)))
    if form == "witness":
        return Unlock(b"", witness)
    if form == "nested":
        inner = draw(st.sampled_from(program(witness[-1] if witness else b"")))
        return Unlock(push(inner), witness)
    if form == "both":
        return Unlock(b"".join(map(push, pushed)), witness)
    return Unlock(draw(st.binary(max_size=60)), witness)


def compact(number: int) -> bytes:
    return bytes([number]) if number < 0xFD else b"\xfd" + number.to_bytes(2, "little")


def laid_out(every: list[Unlock]) -> tuple[np.ndarray, np.ndarray]:
    data, spans = bytearray(b"\0"), []
    for script, witness, _ in every:
        start = len(data)
        data += script
        end, place = len(data), -1
        if witness:
            place = end
            data += compact(len(witness))
            for item in witness:
                data += compact(len(item)) + item
        spans.append((start, end, place))
    return np.frombuffer(bytes(data), np.uint8), np.array(spans, np.int64).reshape(-1, 3)


@pytest.mark.parametrize("forms", [Forms.WITNESS, Forms.FORK_ID, Forms.FORK_ID | Forms.TOKENS])
@settings(max_examples=300)
@given(every=st.lists(unlocks(), max_size=12))
def test_both_ways_read_alike(every: list[Unlock], forms: Forms) -> None:
    data, spans = laid_out(every)
    found = unlocked(data, spans, forms=forms, way="compiled")
    shown = [plain_multisig(data[start:end].tobytes()) for start, end in found.scripts]
    assert shown == [multisig_keys(one, forms=forms) for one in every]
    assert found.quorums.to_list() == [quorum(one, forms=forms) for one in every]
    assert found[0].to_list() == [signature_flags(one, forms=forms) for one in every]
    assert found[1].to_list() == [revealed_address(one, forms=forms) for one in every]


@given(data=st.binary(min_size=32, max_size=32))
def test_ripemd_equals_that_of_the_library(data: bytes) -> None:
    made = np.zeros(24, np.uint8)
    ripemd160_of_32(np.frombuffer(data, np.uint8), 0, np.zeros(16, np.uint32), made, 3)
    assert made[3:23].tobytes() == hashlib.new("ripemd160", data).digest()
    assert not made[:3].any()
    assert not made[23:].any()
