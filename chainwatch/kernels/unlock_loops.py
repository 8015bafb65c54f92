"""What unlocks inputs, by form, compiled: as :mod:`chainwatch.addresses.unlocking` reads it.

The bytes were walked over before, so every length lies within them.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from chainwatch.kernels import block_columns as at
from chainwatch.kernels.hashing.ripemd_loops import ripemd160_of_32
from chainwatch.kernels.hashing.sha256_loops import STATE, absorb, begin, finish
from chainwatch.kernels.jit import bare, compiled
from chainwatch.kernels.parse_loops import four_at, two_at

# Bits of flags, in the order of unlocking.FLAGS.
_ALL, _ALL_ANY, _DEFAULT, _NONE, _NONE_ANY, _SINGLE, _SINGLE_ANY = 1, 2, 4, 8, 16, 32, 64

# Kinds of addresses; a nested one is P2SH whose script pushes a program.
_P2PKH, _P2SH, _P2WPKH, _P2WSH = 1, 2, 3, 4

OTHER = 0xFFFF
"""Quorum of a script that is no plain multisig."""


@bare
def flag_bit(flag: int) -> int:
    """Return the bit of a flag by what it means."""
    base = flag & 0x1F
    alone = flag & 0x80 != 0
    if base == 2:
        return _NONE_ANY if alone else _NONE
    if base == 3:
        return _SINGLE_ANY if alone else _SINGLE
    return _ALL_ANY if alone else _ALL


@bare
def is_der(data: Any, p: int, size: int) -> bool:
    """Tell whether data has the form of an ECDSA signature and its flag."""
    if size < 9 or data[p] != 0x30 or data[p + 1] != size - 3 or data[p + 2] != 2:
        return False
    one = int(data[p + 3])
    if one < 1 or one > size - 8 or data[p + 4 + one] != 2:
        return False
    two = int(data[p + 5 + one])
    return bool(two >= 1 and one + two + 7 == size)


@bare
def is_key(data: Any, p: int, size: int) -> bool:
    """Tell whether data has the form of a public key."""
    if size == 33:
        return bool(data[p] == 2 or data[p] == 3)
    return bool(size == 65 and (data[p] == 4 or data[p] == 6 or data[p] == 7))


@bare
def number(data: Any, p: int) -> tuple[int, int]:
    """Return a compact number that was checked before, and the place after it."""
    first = int(data[p])
    if first < 0xFD:
        return first, p + 1
    if first == 0xFD:
        return int(two_at(data, p + 1)), p + 3
    return int(four_at(data, p + 1)), p + 5


@bare
def push_at(data: Any, p: int, end: int) -> tuple[int, int, int]:
    """Return opcode, start and end of what it pushes; start -1 without data, opcode -1 if cut."""
    code = int(data[p])
    p += 1
    if code > 0x4E:
        return code, -1, p
    size = code
    if code > 0x4B:
        width = 1 << (code - 0x4C)
        if p + width > end:
            return -1, -1, end
        size = int(data[p])
        if width == 2:
            size = int(two_at(data, p))
        elif width == 4:
            size = int(four_at(data, p))
        p += width
    if size > end - p:
        return -1, -1, end
    return code, p, p + size


@bare
def checks(data: Any, p: int, end: int, tapscript: bool) -> int:
    """Return how often a script checks signatures; 0 of one that is cut off or succeeds unread."""
    found = 0
    while p < end:
        code, _, p = push_at(data, p, end)
        if code < 0 or (tapscript and is_success(code)):
            return 0
        if 0xAC <= code <= 0xAF or code == 0xBA:
            found += 1
    return found


@bare
def is_success(code: int) -> bool:
    """Tell whether an opcode of tapscript makes the script succeed unread."""
    if code == 80 or code == 98 or 126 <= code <= 129 or 131 <= code <= 134:
        return True
    if 137 <= code <= 138 or 141 <= code <= 142:
        return True
    return 149 <= code <= 153 or 187 <= code <= 254


@bare
def script_flags(data: Any, p: int, end: int, forms: int) -> int:
    """Return the flags of what a script pushes."""
    count, start, after = 0, -1, p
    first = p
    while p < end:
        _, start, p = push_at(data, p, end)
        after = p
        count += 1
    fork = forms & at.FORK_ID != 0
    key = False
    if start >= 0:
        size = after - start
        key = is_key(data, start, size)
        signs = is_der(data, start, size) or (fork and size == 65)
        # What comes last is a signature, a key or the script: one that checks none has none.
        if not key and not signs and checks(data, start, after, False) == 0:
            return 0
    bits, place, p = 0, 0, first
    while p < end:
        _, start, after = push_at(data, p, end)
        size = after - start
        if start >= 0 and size > 0:
            last = int(data[after - 1])
            short = fork and size == 65 and last & 0x40 != 0 and 1 <= last & 0x1F <= 3
            # Before a key alone stands its signature, which may begin as a long key does.
            apart = (place == 0 and count == 2 and key) or not is_key(data, start, size)
            if is_der(data, start, size) or (short and apart):
                bits |= flag_bit(last)
        p = after
        place += 1
    return bits


@bare
def nested(data: Any, p: int, end: int) -> bool:
    """Tell whether a script does nothing but push a program of version 0."""
    size = end - p
    if (size != 23 and size != 35) or data[p] != size - 1:
        return False
    return bool(data[p + 1] == 0 and data[p + 2] == size - 3)


@bare
def script_reveals(data: Any, p: int, end: int, forms: int, found: Any) -> None:
    """Note kind and bytes of what a script of pushes names."""
    count, signed, start, after = 0, False, -1, -1
    signs = False  # what was pushed last
    while p < end:
        code, s, p = push_at(data, p, end)
        if code < 0 or (s < 0 and not 0x4F <= code <= 0x60):
            return
        signed |= signs
        start, after = s, p
        size = p - s
        signs = s >= 0 and (is_der(data, s, size) or (forms & at.FORK_ID != 0 and size == 65))
        count += 1
    if start < 0 or not signed or (signs and not is_key(data, start, after - start)):
        return
    if count == 2 and is_key(data, start, after - start):
        found[0], found[1], found[2] = _P2PKH, start, after
    elif count > 1 and checks(data, start, after, False):
        found[0], found[1], found[2] = _P2SH, start, after


@bare
def witness_at(data: Any, p: int, found: Any, plain: bool) -> int:
    """Return the flags of a witness and note what it names; ``plain`` allows no taproot.

    The last number noted says whether a script of taproot checks more than one signature.
    """
    count, first = number(data, p)
    if count == 0:
        return 0
    # The last two items, with and without an annex, decide what the others are.
    p = first
    s0 = e0 = s1 = e1 = s2 = e2 = p
    for _ in range(count):
        s0, e0, s1, e1 = s1, e1, s2, e2
        size, s2 = number(data, p)
        e2 = s2 + size
        p = e2
    kept, last, after, before, before_end = count, s2, e2, s1, e1
    if not plain:
        if count > 1 and e2 > s2 and data[s2] == 0x50:
            kept, last, after, before, before_end = count - 1, s1, e1, s0, e0
        size = after - last
        if kept == 1:
            if size == 64 or size == 65:
                return schnorr_bit(data, last, size)
        elif size >= 33 and size <= 4129 and (size - 33) % 32 == 0 and data[last] & 0xFE == 0xC0:
            checked = checks(data, before, before_end, True)
            if checked == 0:
                return 0
            found[3] = checked > 1
            return items_flags(data, first, kept - 2, True)
    if count < 2:
        return 0
    key = is_key(data, s2, e2 - s2)
    if not key and not checks(data, s2, e2, False):
        return 0
    bits = items_flags(data, first, count - 1, False)
    if bits and count == 2 and key and e2 - s2 == 33:
        found[0], found[1], found[2] = _P2WPKH, s2, e2
    elif bits and checks(data, s2, e2, False):
        found[0], found[1], found[2] = _P2WSH, s2, e2
    return bits


@bare
def schnorr_bit(data: Any, p: int, size: int) -> int:
    """Return the bit of a Schnorr signature of taproot; 0 of anything else."""
    if size == 64:
        return _DEFAULT
    if size == 65 and 1 <= data[p + 64] & 0x7F <= 3:
        return flag_bit(int(data[p + 64]))
    return 0


@bare
def items_flags(data: Any, p: int, count: int, schnorr: bool) -> int:
    """Return the flags of the signatures among the first items of a witness."""
    bits = 0
    for _ in range(count):
        size, p = number(data, p)
        if schnorr:
            bits |= schnorr_bit(data, p, size)
        elif is_der(data, p, size):
            bits |= flag_bit(int(data[p + size - 1]))
        p += size
    return bits


@bare
def quorum(data: Any, kind: int, p: int, end: int) -> int:
    """Return how many of how many keys what was found asks for: 256 times the one and the other.

    That is ``OTHER`` of a script that is no plain multisig.
    """
    if kind in (_P2PKH, _P2WPKH):
        return 257
    first, _, p = push_at(data, p, end)
    needed, keys = first - 0x50, 0
    while p < end:
        _, start, after = push_at(data, p, end)
        if start < 0 or not is_key(data, start, after - start):
            break
        keys, p = keys + 1, after
    if end - p != 2 or data[p] - 0x50 != keys or data[p + 1] != 0xAE:
        return OTHER
    return needed * 256 + keys if 1 <= needed <= keys <= 16 else OTHER


@compiled
def read_unlocks(
    data: Any, spans: Any, forms: int, flags: Any, kinds: Any, quorums: Any, scripts: Any,
    hashes: Any, way: Any,
) -> None:  # fmt: skip
    """Write the flags, the kind of the address, its quorum and its hash of each input.

    ``spans`` has a row per input: start and end of its script, and where its witness begins or
    -1; ``hashes`` has room for 32 bytes each; ``scripts`` for start and end of the plain multisig
    that was found, and keeps what it holds where there is none.
    """
    state, buffer = np.empty(STATE, np.uint32), np.empty(128, np.uint8)
    digest, words = np.empty(32, np.uint8), np.empty(16, np.uint32)
    found = np.zeros(4, np.int64)
    for row in range(spans.shape[0]):
        p, end, witness = spans[row, 0], spans[row, 1], spans[row, 2]
        found[0] = found[3] = 0
        wrapped = False
        bits = 0
        if witness < 0 or data[witness] == 0:
            bits = script_flags(data, p, end, forms)
            script_reveals(data, p, end, forms, found)
        elif p == end:
            bits = witness_at(data, witness, found, False)
        elif nested(data, p, end):
            wrapped = True
            bits = witness_at(data, witness, found, True)
        flags[row] = bits
        kind = found[0]
        if kind:
            start, after = found[1], found[2]
            begin(state)
            held = absorb(state, buffer, 0, data, start, after, way)
            finish(state, buffer, held, after - start, hashes[row], way)
            if kind != _P2WSH:
                digest[:] = hashes[row]
                ripemd160_of_32(digest, 0, words, hashes[row], 0)
            if wrapped:
                kind = committed(data, p, end, hashes[row], kind)
                if kind:
                    begin(state)
                    held = absorb(state, buffer, 0, data, p + 1, end, way)
                    finish(state, buffer, held, end - p - 1, digest, way)
                    ripemd160_of_32(digest, 0, words, hashes[row], 0)
        if found[3]:
            quorums[row] = OTHER
        elif kind:
            quorums[row] = quorum(data, found[0], found[1], found[2])
            if found[0] not in (_P2PKH, _P2WPKH) and quorums[row] != OTHER:
                scripts[row, 0], scripts[row, 1] = found[1], found[2]
        # With tokens came P2SH of 32 bytes: the form does not tell which of the two it was.
        unsaid = kind == _P2SH and not wrapped and forms & at.TOKENS != 0
        kinds[row] = 0 if unsaid else kind


@bare
def committed(data: Any, p: int, end: int, digest: Any, kind: int) -> int:
    """Return P2SH if the program that a script pushes is the digest, else nothing."""
    size = 32 if kind == _P2WSH else 20
    if end - p - 3 != size:
        return 0
    for k in range(size):
        if data[p + 3 + k] != digest[k]:
            return 0
    return _P2SH
