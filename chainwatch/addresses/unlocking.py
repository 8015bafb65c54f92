"""What the unlocking part of an input says: how its signatures bind, and whom it pays out for.

An input unlocks an output with a script and, since BIP 141, a witness. Both are read by form
alone, without the output that is spent, so that every source answers alike: a block that stands
alone says as much as a whole chain. Nothing is executed. What the form does not settle is left
unsaid; what a miner can forge is named as *revealed*, never as read.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

from chainwatch.addresses.bip32 import hash160
from chainwatch.chains.base import Forms

ALL, NONE, SINGLE, DEFAULT, ANYONECANPAY = "ALL", "NONE", "SINGLE", "DEFAULT", "|ANYONECANPAY"

FLAGS = tuple(
    sorted([DEFAULT, *(base + more for base in (ALL, NONE, SINGLE) for more in ("", ANYONECANPAY))])
)
"""The names of signature flags, in the order in which an input states several."""

UNSIGNED = "UNSIGNED"
"""What stands for the flags of an input that was read whole and holds no signature: nothing binds
it to the transaction, and it shows no key. Where it was not read whole, flags are null."""

OPEN_FLAGS = f"NONE|SINGLE|ANYONECANPAY|{UNSIGNED}"
"""Pattern of the flags that leave inputs or outputs open, in a text of several."""

_BASES = {2: NONE, 3: SINGLE}
_SCHNORR, _TAPSCRIPT, _ANNEX = 64, 0xC0, 0x50
_P2PKH, _P2SH, _P2WPKH, _P2WSH = b"\x01", b"\x02", b"\x03", b"\x04"
_HASHES: Mapping[bytes, Callable[[bytes], bytes]] = {
    _P2PKH: hash160,
    _P2SH: hash160,
    _P2WPKH: hash160,
    _P2WSH: lambda script: hashlib.sha256(script).digest(),
}
_PROGRAMS = {22: b"\x00\x14", 34: b"\x00\x20"}
_CHECKS = frozenset((0xAC, 0xAD, 0xAE, 0xAF, 0xBA))
"""OP_CHECKSIG, OP_CHECKMULTISIG, their VERIFY forms, and OP_CHECKSIGADD of BIP 342."""


class Unlock(NamedTuple):
    """What unlocks an output: the script of the input, and the items of its witness.

    ``whole`` is false where it is not known whether there is a witness.
    """

    script: bytes = b""
    witness: tuple[bytes, ...] = ()
    whole: bool = True


def signature_flags(unlock: Unlock, *, forms: Forms = Forms.WITNESS) -> str | None:
    """Return the distinct flags of an input's signatures, sorted, by commas.

    A flag says which parts of the transaction a signature binds. ``ALL`` and ``DEFAULT`` bind every
    input and output; ``NONE`` and ``SINGLE`` leave outputs open, ``ANYONECANPAY`` other inputs: who
    signs so need not know with whom he spends.

    Parameters
    ----------
    unlock : Unlock
        Script and witness of the input.
    forms : Forms
        What has a meaning on the chain. Where signatures bear a fork id one in a script may be of
        Schnorr, of 65 bytes.

    Returns
    -------
    str or None
        Such as ``"ALL"`` or ``"ALL,SINGLE|ANYONECANPAY"``; None where no signature was seen.

    Fails when
    ----------
    Data in the form of a signature stands beside a script that checks another: its flag is listed
    as well. A bare output of a form that nobody uses asks for data after the signature: none is
    seen. Signatures of before BIP 66 whose lengths are written in several bytes are not seen. On
    chains with a fork id a Schnorr signature that begins like an uncompressed key, one in 85, is
    not seen where several keys sign.

    References
    ----------
    BIP 66 (form of a signature), BIP 141 and 143 (witness), BIP 341 and 342 (taproot).
    """
    found = set(_flags(unlock, forms=forms))
    return ",".join(sorted(found)) or None


def binding(unlock: Unlock, *, forms: Forms = Forms.WITNESS) -> str | None:
    """Return the flags of an input's signatures, or that there is none: :data:`UNSIGNED`.

    Parameters
    ----------
    unlock : Unlock
        Script and witness of the input.
    forms : Forms
        As in :func:`signature_flags`.

    Returns
    -------
    str or None
        None where no signature was seen and the witness is not known.

    Fails when
    ----------
    As :func:`signature_flags`: a signature whose form is not seen is called none. An input that
    asks for something else than a signature (the preimage of a hash) is unsigned whoever made it.
    """
    unseen = UNSIGNED if unlock.whole else None
    return signature_flags(unlock, forms=forms) or unseen


def revealed_address(unlock: Unlock, *, forms: Forms = Forms.WITNESS) -> bytes | None:
    """Return the canonical address that an unlocking names, where it names one.

    The key of P2PKH and P2WPKH, the redeem script of P2SH and the witness script of P2WSH stand in
    the open when they are spent, and hash to the address. A taproot key path names nothing.

    Parameters
    ----------
    unlock : Unlock
        Script and witness of the input.
    forms : Forms
        As in :func:`signature_flags`.

    Returns
    -------
    bytes or None
        None where the form is none of these, or carries no signature.

    Fails when
    ----------
    Forms are alike: a redeem script of 33 bytes that begins like a key is taken for the key
    (P2PKH instead of P2SH), and a script path of taproot with a leaf version that nobody uses can
    imitate P2WPKH. Both need a miner's hand. On chains with tokens P2SH names nothing: 20 and 32
    bytes of hash look alike. An output that pays to a bare key or to bare keys is
    spent by signatures alone and names nothing.

    References
    ----------
    BIP 16, BIP 141, BIP 341.
    """
    found = _named(unlock, forms=forms)
    if found is None:
        return None
    kind, data, program = found
    if program:
        return _P2SH + hash160(program)
    # With tokens came P2SH of 32 bytes: the form does not tell which of the two hashes it was.
    if kind == _P2SH and forms & Forms.TOKENS:
        return None
    return kind + _HASHES[kind](data)


def quorum(unlock: Unlock, *, forms: Forms = Forms.WITNESS) -> str | None:
    """Return how many of how many keys an output asks for, where what unlocks it shows that.

    Parameters
    ----------
    unlock : Unlock
        Script and witness of the input.
    forms : Forms
        As in :func:`signature_flags`.

    Returns
    -------
    str or None
        Such as ``"2-of-3"``, and ``"1-of-1"`` of a key; ``"other"`` of a script that is no plain
        multisig, and of a taproot script that checks more than one signature; None where no key
        and no script shows itself.

    Fails when
    ----------
    As in :func:`revealed_address`. Taproot's key path shows one key for the keys of many, its
    script path one of several scripts, and a bare multisig is spent by signatures alone: where one
    signature is all that shows, all are None.

    References
    ----------
    BIP 11, BIP 16, BIP 141, BIP 342.
    """
    items = without_annex(unlock.witness)
    if not unlock.script and items and _is_taproot(items):
        several = len(items) > 1 and _check_count(items[-2], tapscript=True) > 1
        return "other" if several else None
    found = _named(unlock, forms=forms)
    if found is None:
        return None
    kind, data, _ = found
    if kind in (_P2PKH, _P2WPKH):
        return "1-of-1"
    asked = plain_multisig(data)
    return f"{asked.required}-of-{len(asked.keys)}" if asked else "other"


class Multisig(NamedTuple):
    """Keys as they stand in a script, and how many of them must sign."""

    required: int
    keys: tuple[bytes, ...]


def multisig_keys(unlock: Unlock, *, forms: Forms = Forms.WITNESS) -> Multisig | None:
    """Return the keys of the plain multisig that stood behind a hash, where unlocking shows it.

    Parameters
    ----------
    unlock : Unlock
        Script and witness of the input.
    forms : Forms
        As in :func:`signature_flags`.

    Returns
    -------
    Multisig or None
        Its ``quorum`` is their number. None of a key alone, of a script that asks for anything
        else, and where no script shows itself: a bare multisig names its keys in the output.

    Fails when
    ----------
    As in :func:`revealed_address`. Data in the form of a key is listed as one.
    """
    found = _named(unlock, forms=forms)
    return None if found is None or found[0] in (_P2PKH, _P2WPKH) else plain_multisig(found[1])


def _named(unlock: Unlock, *, forms: Forms) -> tuple[bytes, bytes, bytes] | None:
    """Return kind and key or script that shows itself, and the program it is nested in or b""."""
    script, witness, _ = unlock
    if not witness:
        return _of_script(script, forms=forms)
    if not script:
        return None if _is_taproot(without_annex(witness)) else _of_witness(witness)
    program = _nested(script)
    inner = _of_witness(witness) if program is not None else None
    # The script commits to the program, and the program must be that of the witness.
    if inner is None or _HASHES[inner[0]](inner[1]) != program:
        return None
    return inner[0], inner[1], script[1:]


def _flags(unlock: Unlock, *, forms: Forms) -> Iterator[str]:
    script, witness, _ = unlock
    if witness and not script:
        items = without_annex(witness)
        if _is_taproot(items):
            yield from _taproot_flags(items)
            return
    if witness:
        if not script or _nested(script) is not None:
            yield from _witness_flags(witness)
        return
    yield from _script_flags(script, forms=forms)


def without_annex(witness: Sequence[bytes]) -> tuple[bytes, ...]:
    """Return the items of a witness without the annex of BIP 341, if there is one."""
    items = tuple(witness)
    return items[:-1] if len(items) > 1 and items[-1][:1] == bytes((_ANNEX,)) else items


def _is_taproot(items: Sequence[bytes]) -> bool:
    """Tell a key path or a script path of tapscript from a witness of version 0."""
    if len(items) == 1:
        return len(items[0]) in (_SCHNORR, _SCHNORR + 1)
    last = items[-1]
    size = len(last) - 33
    return 0 <= size <= 32 * 128 and size % 32 == 0 and last[0] & 0xFE == _TAPSCRIPT


def _taproot_flags(items: Sequence[bytes]) -> Iterator[str]:
    # A leaf that checks no signature has none, whatever its data looks like; one with an opcode
    # that is reserved for later succeeds unread.
    if len(items) > 1 and not _checks(items[-2], tapscript=True):
        return
    for item in items if len(items) == 1 else items[:-2]:
        if len(item) == _SCHNORR:
            yield DEFAULT
        elif len(item) == _SCHNORR + 1 and item[-1] & 0x7F in (1, 2, 3):
            yield _name(item[-1])


def _witness_flags(items: Sequence[bytes]) -> Iterator[str]:
    """Yield the flags of a witness of version 0: before its last item, the key or the script."""
    if len(items) > 1 and (_is_key(items[-1]) or _checks(items[-1])):
        yield from (_name(item[-1]) for item in items[:-1] if _is_der(item))


def _script_flags(script: bytes, *, forms: Forms) -> Iterator[str]:
    pushes = [data for _, data in operations(script)]
    last = pushes[-1] if pushes else None
    short = bool(forms & Forms.FORK_ID)
    key = last is not None and _is_key(last)
    # What comes last is a signature, a key or the script: one that checks no signature has none.
    if last is not None and not (key or _is_signature(last, short=short) or _checks(last)):
        return
    for place, item in enumerate(pushes):
        if item is None:
            continue
        # Before a key alone stands its signature, which may begin as a long key does.
        apart = (place == 0 and len(pushes) == 2 and key) or not _is_key(item)
        if _is_der(item) or (short and apart and _is_schnorr(item)):
            yield _name(item[-1])


def _is_signature(item: bytes, *, short: bool) -> bool:
    return _is_der(item) or (short and len(item) == _SCHNORR + 1)


def _is_schnorr(item: bytes) -> bool:
    """Tell whether data has the size of a Schnorr signature with a flag of a fork id."""
    return len(item) == _SCHNORR + 1 and item[-1] & 0x40 > 0 and item[-1] & 0x1F in (1, 2, 3)


def _name(flag: int) -> str:
    """Return what a flag means by consensus: all but 2 and 3 bind every output."""
    return _BASES.get(flag & 0x1F, ALL) + (ANYONECANPAY if flag & 0x80 else "")


def _is_der(item: bytes) -> bool:
    """Tell whether data has the form of an ECDSA signature and its flag.

    Padding and signs are not judged: before BIP 66 they were free.
    """
    size = len(item)
    if size < 9 or item[0] != 0x30 or item[1] != size - 3 or item[2] != 2:
        return False
    one = item[3]
    if not 1 <= one <= size - 8 or item[4 + one] != 2:
        return False
    return item[5 + one] >= 1 and one + item[5 + one] + 7 == size


def _is_key(item: bytes) -> bool:
    """Tell whether data has the form of a public key."""
    return (len(item) == 33 and item[0] in (2, 3)) or (len(item) == 65 and item[0] in (4, 6, 7))


def operations(script: bytes) -> Iterator[tuple[int, bytes | None]]:
    """Yield each opcode of a script, with what it pushes; ``(-1, None)`` where it is cut off.

    Numbers that an opcode stands for are no data.
    """
    at = 0
    while at < len(script):
        code = script[at]
        at += 1
        if code > 0x4E:
            yield code, None
            continue
        size = code
        if code > 0x4B:
            width = 1 << code - 0x4C
            if at + width > len(script):
                yield -1, None
                return
            size = int.from_bytes(script[at : at + width], "little")
            at += width
        if at + size > len(script):
            yield -1, None
            return
        yield code, script[at : at + size]
        at += size


def _checks(script: bytes, *, tapscript: bool = False) -> bool:
    """Tell whether a script checks a signature."""
    return _check_count(script, tapscript=tapscript) > 0


def _check_count(script: bytes, *, tapscript: bool = False) -> int:
    """Return how often a script checks signatures; 0 of one that is cut off or succeeds unread."""
    found = 0
    for code, _ in operations(script):
        if code < 0 or (tapscript and _is_success(code)):
            return 0
        found += code in _CHECKS
    return found


def _is_success(code: int) -> bool:
    """Tell whether an opcode of tapscript makes the script succeed unread (BIP 342)."""
    if code in (80, 98) or 126 <= code <= 129 or 131 <= code <= 134 or 137 <= code <= 138:
        return True
    return 141 <= code <= 142 or 149 <= code <= 153 or 187 <= code <= 254


def _nested(script: bytes) -> bytes | None:
    """Return the program that a script does nothing but push, if it is of version 0."""
    if len(script) - 1 in _PROGRAMS and script[0] == len(script) - 1:
        return script[3:] if script[1:3] == _PROGRAMS[len(script) - 1] else None
    return None


def plain_multisig(script: bytes) -> Multisig | None:
    """Return the keys of a script that asks for signatures of keys and for nothing else."""
    found = list(operations(script))
    codes, keys = [code for code, _ in found], tuple(data or b"" for _, data in found[1:-2])
    if len(found) < 4 or codes[-1] != 0xAE or not all(map(_is_key, keys)):
        return None
    needed, count = codes[0] - 0x50, codes[-2] - 0x50
    return Multisig(needed, keys) if 1 <= needed <= count == len(keys) <= 16 else None


def _of_script(script: bytes, *, forms: Forms) -> tuple[bytes, bytes, bytes] | None:
    pushes = []
    for code, data in operations(script):
        if data is None and not 0x4F <= code <= 0x60:
            return None  # what unlocks P2SH only pushes, and cut-off scripts unlock nothing
        pushes.append(data or b"")
    short = bool(forms & Forms.FORK_ID)
    signed = [_is_signature(item, short=short) for item in pushes]
    # Bare keys are spent by signatures alone, whose bytes may read like a script.
    if not any(signed[:-1]) or (signed[-1] and not _is_key(pushes[-1])):
        return None
    if len(pushes) == 2 and _is_key(pushes[1]):
        return _P2PKH, pushes[1], b""
    return (_P2SH, pushes[-1], b"") if _checks(pushes[-1]) else None


def _of_witness(witness: Sequence[bytes]) -> tuple[bytes, bytes, bytes] | None:
    if len(witness) < 2:
        return None
    last = witness[-1]
    if len(witness) == 2 and len(last) == 33 and _is_key(last) and _is_der(witness[0]):
        return _P2WPKH, last, b""
    if any(map(_is_der, witness[:-1])) and _checks(last):
        return _P2WSH, last, b""
    return None
