"""What unlocks an input says who signed what, and whose address it was: form by form."""

from __future__ import annotations

import hashlib

import pytest

from chainwatch.addresses.unlocking import (
    UNSIGNED,
    Unlock,
    binding,
    quorum,
    revealed_address,
    signature_flags,
)
from chainwatch.chains.base import Forms

KEY = b"\x02" + bytes(range(32))
LONG_KEY = b"\x04" + bytes(range(64))
CHECK = b"\x21" + KEY + b"\xac"
MULTISIG = b"\x52" + 2 * (b"\x21" + KEY) + b"\x52\xae"
LEAF = b"\x20" + bytes(32) + b"\xac"
CONTROL = b"\xc1" + b"\x09" * 32


def der(flag: int, size: int = 32) -> bytes:
    body = 2 * (b"\x02" + bytes([size]) + b"\x11" * size)
    return b"\x30" + bytes([len(body)]) + body + bytes([flag])


def push(*items: bytes) -> bytes:
    return b"".join(
        (b"\x4c" if len(item) > 75 else b"") + bytes([len(item)]) + item for item in items
    )


def hash160(data: bytes) -> bytes:
    return hashlib.new("ripemd160", hashlib.sha256(data).digest()).digest()


P2PKH = b"\x01" + hash160(KEY)
NESTED = b"\x00\x14" + hash160(KEY)
NESTED_SCRIPT = b"\x00\x20" + hashlib.sha256(MULTISIG).digest()

FORMS = {
    "p2pk": (Unlock(push(der(1))), "ALL", None),
    "bare multisig": (Unlock(b"\0" + push(der(1), der(0x83))), "ALL,SINGLE|ANYONECANPAY", None),
    "p2pkh": (Unlock(push(der(1), KEY)), "ALL", P2PKH),
    "p2pkh, long key": (Unlock(push(der(2), LONG_KEY)), "NONE", b"\x01" + hash160(LONG_KEY)),
    "p2sh": (Unlock(b"\0" + push(der(0x81), MULTISIG)), "ALL|ANYONECANPAY",
             b"\x02" + hash160(MULTISIG)),
    "p2wpkh": (Unlock(b"", (der(3), KEY)), "SINGLE", b"\x03" + hash160(KEY)),
    "p2wsh": (Unlock(b"", (b"", der(1), der(1), MULTISIG)), "ALL",
              b"\x04" + hashlib.sha256(MULTISIG).digest()),
    "nested p2wpkh": (Unlock(push(NESTED), (der(1), KEY)), "ALL", b"\x02" + hash160(NESTED)),
    "nested p2wsh": (Unlock(push(NESTED_SCRIPT), (b"", der(0x82), MULTISIG)), "NONE|ANYONECANPAY",
                     b"\x02" + hash160(NESTED_SCRIPT)),
    "taproot key path": (Unlock(b"", (b"\x77" * 64,)), "DEFAULT", None),
    "taproot key path, flag": (Unlock(b"", (b"\x77" * 64 + b"\x83",)), "SINGLE|ANYONECANPAY", None),
    "taproot key path, annex": (Unlock(b"", (b"\x77" * 64, b"\x50aa")), "DEFAULT", None),
    "taproot script path": (Unlock(b"", (b"\x77" * 64 + b"\x01", LEAF, CONTROL)), "ALL", None),
    "taproot script path, annex": (Unlock(b"", (b"\x77" * 64, LEAF, CONTROL, b"\x50")),
                                   "DEFAULT", None),
}  # fmt: skip


@pytest.mark.parametrize("form", FORMS)
def test_each_form(form: str) -> None:
    unlock, flags, address = FORMS[form]
    assert signature_flags(unlock) == flags
    assert revealed_address(unlock) == address


QUORUMS = {
    "p2pk": None, "bare multisig": None, "p2pkh": "1-of-1", "p2pkh, long key": "1-of-1",
    "p2sh": "2-of-2", "p2wpkh": "1-of-1", "p2wsh": "2-of-2", "nested p2wpkh": "1-of-1",
    "nested p2wsh": "2-of-2",
}  # fmt: skip


@pytest.mark.parametrize("form", FORMS)
def test_the_quorum_of_each_form(form: str) -> None:
    assert quorum(FORMS[form][0]) == QUORUMS.get(form)


BOTH_SIGN = LEAF[:-1] + b"\xad" + LEAF
ADDED_UP = LEAF + LEAF[:-1] + b"\xba\x52\x9c"


@pytest.mark.parametrize("leaf", [BOTH_SIGN, ADDED_UP])
def test_a_taproot_script_that_checks_several_signatures_is_of_several_keys(leaf: bytes) -> None:
    signed = (b"\x77" * 64, b"\x78" * 64, leaf, CONTROL)
    assert quorum(Unlock(b"", signed)) == "other"
    assert quorum(Unlock(b"", (*signed, b"\x50"))) == "other"
    assert quorum(Unlock(b"", (b"\x77" * 64, LEAF, CONTROL))) is None
    assert quorum(Unlock(b"", (b"\x77" * 64, leaf + b"\xbb", CONTROL))) is None


KEYS = b"\x21" + KEY + b"\x41" + LONG_KEY + b"\x21" + KEY
SCRIPTS = {
    b"\x52" + KEYS + b"\x53\xae": "2-of-3",
    b"\x53" + KEYS + b"\x53\xae": "3-of-3",
    b"\x54" + KEYS + b"\x53\xae": "other",
    b"\x52" + KEYS + b"\x52\xae": "other",
    b"\x52" + KEYS + b"\x53\xaf\x51": "other",
    MULTISIG + b"\x75\x51": "other",
    CHECK: "other",
}


@pytest.mark.parametrize("script", SCRIPTS)
def test_only_a_plain_multisig_has_a_quorum(script: bytes) -> None:
    assert quorum(Unlock(b"", (b"", der(1), script))) == SCRIPTS[script]
    assert quorum(Unlock(b"\0" + push(der(1), script))) == SCRIPTS[script]
    tokens = Forms.FORK_ID | Forms.TOKENS
    assert quorum(Unlock(b"\0" + push(der(1), script)), forms=tokens) == SCRIPTS[script]


SILENT = {
    "nothing": Unlock(),
    "a preimage": Unlock(push(b"secret", b"\xa9\x14" + bytes(20) + b"\x87")),
    "a preimage in the form of a signature": Unlock(
        push(der(1, size=1), b"\xa9\x14" + bytes(20) + b"\x87")
    ),
    "the same beside an empty script": Unlock(push(der(1)) + b"\0"),
    "a hash lock of taproot": Unlock(
        b"", (b"\x77" * 64, b"\xa8\x20" + bytes(32) + b"\x87", CONTROL)
    ),
    "an opcode reserved for later": Unlock(b"", (b"\x77" * 64, LEAF + b"\xbb", CONTROL)),
    "a leaf version nobody uses": Unlock(b"", (b"\x77" * 64, LEAF, b"\xc2" + b"\x09" * 32)),
    "a flag that taproot does not know": Unlock(b"", (b"\x77" * 64 + b"\x04",)),
    "a flag stated where none may be": Unlock(b"", (b"\x77" * 64 + b"\0",)),
    "data of the right size": Unlock(push(b"\x30" * 71)),
    "a script cut off": Unlock(b"\x4c"),
}  # fmt: skip


@pytest.mark.parametrize("form", SILENT)
def test_without_a_signature_nothing_is_said(form: str) -> None:
    assert signature_flags(SILENT[form]) is None
    assert revealed_address(SILENT[form]) is None


def test_a_program_that_the_witness_does_not_hash_to_names_nothing() -> None:
    other = b"\x00\x14" + bytes(20)
    assert revealed_address(Unlock(push(other), (der(1), KEY))) is None
    assert signature_flags(Unlock(push(other), (der(1), KEY))) == "ALL"


def test_signatures_that_read_like_a_script_are_no_redeem_script() -> None:
    """A bare multisig is spent by signatures alone; their bytes may be any."""
    like = der(1)[:-8] + b"\xac" + der(1)[-7:]
    assert revealed_address(Unlock(b"\0" + push(der(1), like))) is None
    assert signature_flags(Unlock(b"\0" + push(der(1), like))) == "ALL"
    assert revealed_address(Unlock(push(like))) is None


def test_a_redeem_script_that_imitates_a_key_is_taken_for_the_key() -> None:
    """The form does not tell; the basis does, and an output that is read later denies it."""
    imitation = b"\x02\xac" + bytes(31)
    assert revealed_address(Unlock(push(der(1), imitation))) == b"\x01" + hash160(imitation)


def test_signatures_of_before_bip_66() -> None:
    """Padding and signs were free then."""
    assert signature_flags(Unlock(push(der(1, size=36), KEY))) == "ALL"


def test_schnorr_in_scripts_only_with_a_fork_id() -> None:
    unlock = Unlock(push(b"\x77" * 64 + b"\xc1", KEY))
    assert signature_flags(unlock) is None
    assert revealed_address(unlock) is None
    assert signature_flags(unlock, forms=Forms.FORK_ID) == "ALL|ANYONECANPAY"
    assert revealed_address(unlock, forms=Forms.FORK_ID) == P2PKH
    # An uncompressed key is no signature, whatever its last byte is.
    key = LONG_KEY[:-1] + b"\x41"
    assert signature_flags(Unlock(push(der(3), key)), forms=Forms.FORK_ID) == "SINGLE"


@pytest.mark.parametrize("first", [2, 4, 6, 7])
@pytest.mark.parametrize("key", [KEY, LONG_KEY])
def test_what_stands_before_a_key_alone_is_its_signature(first: int, key: bytes) -> None:
    """A Schnorr signature may begin with any byte, so as a long key does."""
    signature = bytes([first]) + b"\x77" * 63 + b"\x41"
    unlock = Unlock(push(signature, key))
    assert signature_flags(unlock, forms=Forms.FORK_ID) == "ALL"
    assert signature_flags(unlock) is None


def test_with_tokens_a_redeem_script_does_not_tell_which_hash_it_was() -> None:
    unlock = Unlock(b"\0" + push(der(1), MULTISIG))
    assert revealed_address(unlock, forms=Forms.FORK_ID | Forms.TOKENS) is None
    assert revealed_address(unlock, forms=Forms.FORK_ID) == b"\x02" + hash160(MULTISIG)


def test_what_flags_mean_is_what_consensus_reads() -> None:
    """Before any rule of form, any byte was a flag: all but 2 and 3 bind every output."""
    assert signature_flags(Unlock(push(der(0), KEY))) == "ALL"
    assert signature_flags(Unlock(push(der(0x50), KEY))) == "ALL"
    assert signature_flags(Unlock(push(der(0x43), KEY))) == "SINGLE"
    assert signature_flags(Unlock(push(der(0xE2), KEY))) == "NONE|ANYONECANPAY"


@pytest.mark.parametrize("form", SILENT)
def test_what_was_read_whole_and_holds_no_signature_is_unsigned(form):
    """Where the witness is not known nobody knows."""
    assert binding(SILENT[form]) == UNSIGNED
    assert binding(SILENT[form]._replace(whole=False)) is None


def test_a_signature_is_told_whether_or_not_the_witness_is_known():
    unlock = Unlock(push(der(1), KEY), whole=False)
    assert binding(unlock) == signature_flags(unlock) == "ALL"
