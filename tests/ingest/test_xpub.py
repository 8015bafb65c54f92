"""Addresses of seized keys: the published vectors, a second implementation, and what is refused.

The second implementation is a few lines of textbook arithmetic that start from the *private* key,
so it shares no step with ours but the curve.
"""

from __future__ import annotations

import copy
import hashlib
import hmac
import json
import pickle
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest
from Crypto.Hash import RIPEMD160
from hypothesis import given, settings
from hypothesis import strategies as st

from chainwatch.addresses import canonical
from chainwatch.addresses.bip32 import ExtendedKey, address_of, child_of, point_of
from chainwatch.addresses.codecs import base58check_decode, base58check_encode
from chainwatch.chains.catalogue import chain as chain_of
from chainwatch.errors import InputError
from chainwatch.ingest.xpub import KINDS, addresses_of_xpub
from chainwatch.ledger.ledger import Ledger

# Published with BIP 84 and BIP 86, and for the same words in use everywhere (BIP 44); BIP 49 gives
# its own for a test network.
BIP44 = (
    "xpub6BosfCnifzxcFwrSzQiqu2DBVTshkCXacvNsWGYJVVhhawA7d4R5WSWGFNbi8Aw6ZRc1brxMyWMzG3DSSSSoekkudhU"
    "d9yLb6qx39T9nMdj"
)
BIP49 = (
    "upub5EFU65HtV5TeiSHmZZm7FUffBGy8UKeqp7vw43jYbvZPpoVsgU93oac7Wk3u6moKegAEWtGNF8DehrnHtv21XXEMYRU"
    "ocHqguyjknFHYfgY"
)
BIP84 = (
    "zpub6rFR7y4Q2AijBEqTUquhVz398htDFrtymD9xYYfG1m4wAcvPhXNfE3EfH1r1ADqtfSdVCToUG868RvUUkgDKf31mGDt"
    "KsAYz2oz2AGutZYs"
)
BIP86 = (
    "xpub6BgBgsespWvERF3LHQu6CnqdvfEvtMcQjYrcRzx53QJjSxarj2afYWcLteoGVky7D3UKDP9QyrLprQ3VCECoY49yfdD"
    "EHGCtMMj92pReUsQ"
)
PUBLISHED = [
    (BIP44, "btc", "p2pkh", "0/0", "1LqBGSKuX5yYUonjxT5qGfpUsXKYYWeabA"),
    (BIP49, "btc-testnet", "p2sh-p2wpkh", "0/0", "2Mww8dCYPUpKHofjgcXcBCEGmniw9CoaiD2"),
    (BIP84, "btc", "p2wpkh", "0/0", "bc1qcr8te4kr609gcawutmrza0j4xv80jy8z306fyu"),
    (BIP84, "btc", "p2wpkh", "0/1", "bc1qnjg0jd8228aq7egyzacy8cys3knf9xvrerkf9g"),
    (BIP84, "btc", "p2wpkh", "1/0", "bc1q8c6fshw2dlwun7ekn9qwf37cu2rn755upcp6el"),
    (BIP86, "btc", "p2tr", "0/0",
     "bc1p5cyxnuxmeuwuvkwfem96lqzszd02n6xdcjrs20cac6yqjjwudpxqkedrcr"),
    (BIP86, "btc", "p2tr", "0/1",
     "bc1p4qhjn9zdvkux4e44uhx8tc55attvtyu358kutcqkudyccelu0was9fqzwh"),
    (BIP86, "btc", "p2tr", "1/0",
     "bc1p3qkhfews2uk44qtvauqyr2ttdsw7svhkl9nkm9s9c3x4ax5h60wqwruhk7"),
]  # fmt: skip

# BIP 32, vectors 1 and 2: a key, a child number that is not hardened, the child.
BIP32 = [
    ("xpub68Gmy5EdvgibQVfPdqkBBCHxA5htiqg55crXYuXoQRKfDBFA1WEjWgP6LHhwBZeNK1VTsfTFUHCdrfp1bgwQ9xv5sk"
     "i8PX9rL2dZXvgGDnw", 1,
     "xpub6ASuArnXKPbfEwhqN6e3mwBcDTgzisQN1wXN9BJcM47sSikHjJf3UFHKkNAWbWMiGj7Wf5uMash7SyYq527Hqck2Ax"
     "YysAA7xmALppuCkwQ"),
    ("xpub661MyMwAqRbcFW31YEwpkMuc5THy2PSt5bDMsktWQcFF8syAmRUapSCGu8ED9W6oDMSgv6Zz8idoc4a6mr8BDzTJY4"
     "7LJhkJ8UB7WEGuduB", 0,
     "xpub69H7F5d8KSRgmmdJg2KhpAK8SR3DjMwAdkxj3ZuxV27CprR9LgpeyGmXUbC6wb7ERfvrnKZjXoUmmDznezpbZb7ap6"
     "r1D3tgFxHmwMkQTPH"),
]  # fmt: skip

# A reference in affine coordinates, from the definition of the curve.
P = 2**256 - 2**32 - 977
N = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
GENERATOR = (
    0x79BE667EF9DCBBAC55A06295CE870B07029BFCDB2DCE28D959F2815B16F81798,
    0x483ADA7726A3C4655DA4FBFC0E1108A8FD17B448A68554199C47D08FFB10D4B8,
)
Spot = tuple[int, int] | None


def plus(a: Spot, b: Spot) -> Spot:
    if a is None or b is None:
        return a or b
    if a[0] == b[0] and (a[1] + b[1]) % P == 0:
        return None
    if a == b:
        slope = 3 * a[0] * a[0] * pow(2 * a[1], -1, P)
    else:
        slope = (b[1] - a[1]) * pow(b[0] - a[0], -1, P)
    x = (slope * slope - a[0] - b[0]) % P
    return x, (slope * (a[0] - x) - a[1]) % P


def times(number: int, spot: Spot = GENERATOR) -> Spot:
    total: Spot = None
    while number:
        if number & 1:
            total = plus(total, spot)
        spot, number = plus(spot, spot), number >> 1
    return total


def public(secret: int) -> bytes:
    spot = times(secret)
    assert spot
    return bytes([2 + spot[1] % 2]) + spot[0].to_bytes(32)


def private_child(secret: int, code: bytes, number: int) -> tuple[int, bytes]:
    data = public(secret) if number < 2**31 else b"\x00" + secret.to_bytes(32)
    made = hmac.new(code, data + number.to_bytes(4), "sha512").digest()
    return (int.from_bytes(made[:32]) + secret) % N, made[32:]


def hash160(data: bytes) -> bytes:
    return RIPEMD160.new(hashlib.sha256(data).digest()).digest()


def script_address(secret: int, kind: str) -> bytes:
    key = public(secret)
    if kind == "p2pkh":
        return b"\x01" + hash160(key)
    if kind == "p2sh-p2wpkh":
        return b"\x02" + hash160(b"\x00\x14" + hash160(key))
    if kind == "p2wpkh":
        return b"\x03" + hash160(key)
    tag = hashlib.sha256(b"TapTweak").digest() * 2
    even = secret if key[0] == 2 else N - secret
    tweak = int.from_bytes(hashlib.sha256(tag + key[1:]).digest())
    return b"\x05" + public((even + tweak) % N)[1:]


def written(version: int, secret: int, code: bytes, depth: int, number: int, parent: bytes) -> str:
    return base58check_encode(
        version.to_bytes(4) + bytes([depth]) + parent + number.to_bytes(4) + code + public(secret)
    )


def changed(text: str, start: int, data: bytes) -> str:
    """Return a key with other bytes at one place, and a checksum that fits."""
    raw = bytearray(base58check_decode(text))
    raw[start : start + len(data)] = data
    return base58check_encode(bytes(raw))


@pytest.mark.parametrize(("key", "chain", "kind", "path", "text"), PUBLISHED)
def test_published_addresses(key: str, chain: str, kind: str, path: str, text: str) -> None:
    found = addresses_of_xpub(key, gap=2, chain=chain, kinds=[kind]).frame
    row = found.filter(path=path).row(0, named=True)
    assert row["text"] == text
    assert row["address"] == canonical.parse(text, chain)
    assert (row["chain"], row["kind"]) == (chain_of(chain).id, kind)
    assert (row["change"], row["index"]) == (path[0] == "1", int(path[2:]))


@pytest.mark.parametrize(("parent", "number", "child"), BIP32)
def test_published_children(parent: str, number: int, child: str) -> None:
    raw, wanted = base58check_decode(parent), base58check_decode(child)
    point, code = child_of(point_of(raw[45:]), raw[13:45], number)
    assert (point, code) == (point_of(wanted[45:]), wanted[13:45])


@given(
    seed=st.binary(min_size=16, max_size=64), kind=st.sampled_from(KINDS),
    branch=st.integers(0, 2**31 - 1),
)  # fmt: skip
@settings(max_examples=12, deadline=None)
def test_the_second_implementation_agrees(seed: bytes, kind: str, branch: int) -> None:
    made = hmac.new(b"Bitcoin seed", seed, "sha512").digest()
    secret, code = int.from_bytes(made[:32]), made[32:]
    parent = hash160(public(secret))[:4]
    account, account_code = private_child(secret, code, 2**31)
    key = written(0x0488B21E, account, account_code, 1, 2**31, parent)
    below, below_code = private_child(account, account_code, branch)
    wanted = [script_address(private_child(below, below_code, n)[0], kind) for n in range(2)]
    found = addresses_of_xpub(key, gap=2, kinds=[kind], branches=[branch]).frame
    assert found["address"].to_list() == wanted
    assert ExtendedKey(key).fingerprint == hash160(public(account))[:4].hex()


@pytest.mark.parametrize("even", [2, 3])
def test_keys_of_either_sign(even: int) -> None:
    secret = next(n for n in range(1, 99) if public(n)[0] == even)
    for kind in KINDS:
        assert address_of(point_of(public(secret)), kind) == script_address(secret, kind)


@pytest.mark.parametrize(
    ("version", "chain", "kind"),
    [
        (0x0488B21E, "btc", "p2pkh"), (0x049D7CB2, "btc", "p2sh-p2wpkh"),
        (0x04B24746, "btc", "p2wpkh"), (0x043587CF, "btc-regtest", "p2pkh"),
        (0x044A5262, "btc-signet", "p2sh-p2wpkh"), (0x045F1CF6, "btc-testnet", "p2wpkh"),
        (0x019DA462, "ltc", "p2pkh"), (0x01B26EF6, "ltc", "p2sh-p2wpkh"),
        (0x02FACAFD, "doge", "p2pkh"), (0x0488B21E, "doge", "p2pkh"),
        (0x04B24746, "ltc", "p2wpkh"),
    ],
)  # fmt: skip
def test_the_version_names_the_script_type(version: int, chain: str, kind: str) -> None:
    key = changed(BIP84, 0, version.to_bytes(4))
    found = addresses_of_xpub(key, gap=1, chain=chain).frame
    assert found["kind"].unique().to_list() == [kind]
    assert found["text"].to_list() == canonical.text_series(found["address"], chain).to_list()
    assert ExtendedKey(key).form == key[:4]


def listed(*used: tuple[str, int]) -> Callable[[bytes], bool]:
    """Return what says that the addresses at some places of the BIP 84 key were paid."""
    frame = addresses_of_xpub(BIP84, gap=60).frame
    paths = [f"{branch}/{index}" for branch, index in used]
    paid = set(frame.filter(pl.col("path").is_in(paths))["address"])
    assert len(paid) == len(used)
    return paid.__contains__


@pytest.mark.parametrize(
    ("used", "receive", "change"),
    [
        ([], 5, 5),
        ([("0", 0)], 6, 5),
        ([("0", 4)], 10, 5),
        ([("0", 5)], 5, 5),  # one beyond the gap is not found
        ([("0", 4), ("0", 9), ("0", 14)], 20, 5),
        ([("0", 4), ("0", 10)], 10, 5),
        ([("1", 3)], 5, 9),
        ([("0", index) for index in range(50)], 55, 5),
    ],
)
def test_a_branch_ends_at_its_gap(used: list[tuple[str, int]], receive: int, change: int) -> None:
    asked: list[bytes] = []
    paid = listed(*used)

    def look_up(address: bytes) -> bool:
        asked.append(address)
        return paid(address)

    frame = addresses_of_xpub(BIP84, gap=5, used=look_up).frame
    assert frame.filter(~pl.col("change"))["index"].to_list() == list(range(receive))
    assert frame.filter(pl.col("change"))["index"].to_list() == list(range(change))
    assert frame["used"].to_list() == [paid(address) for address in frame["address"]]
    assert set(frame["address"]) <= set(asked)


def test_a_ledger_says_what_was_used(real_ledger: Callable[..., Ledger]) -> None:
    from chainwatch.addresses.scripts import script_of

    frame = addresses_of_xpub(BIP84, gap=9).frame
    paid = frame.filter(pl.col("path").is_in(["0/3", "1/0"]))["address"].to_list()
    txid = hashlib.sha256(b"one").digest()
    ledger = real_ledger([(txid, None, [(7, script_of(address)) for address in paid])])
    found = addresses_of_xpub(BIP84, gap=4, used=ledger).frame
    assert found.filter("used")["path"].to_list() == ["0/3", "1/0"]
    assert found.filter(~pl.col("change")).height == 8
    assert found.filter(pl.col("change")).height == 5
    elsewhere = real_ledger([(txid, None, [(7, script_of(paid[0]))])], "ltc")
    assert not addresses_of_xpub(BIP84, gap=4, used=elsewhere).frame["used"].any()


def test_without_a_ledger_nothing_is_said_of_use() -> None:
    frame = addresses_of_xpub(BIP84).frame
    assert frame.height == 40
    assert frame["used"].null_count() == 40


@pytest.mark.parametrize(
    ("path", "said"),
    [("/0/*", "no branch for change is named: addresses that got its change are not covered"),
     ("/1/*", "only a branch for change is named: addresses for receiving are not covered"),
     ("/<0;1>/*", "")],
)  # fmt: skip
def test_a_descriptor_of_one_branch_says_what_it_lacks(path: str, said: str) -> None:
    found = addresses_of_xpub(f"wpkh({BIP44}{path})", gap=2)
    assert found.lacks == said
    assert repr(found).endswith(f"gap 2; {said})" if said else "gap 2)")


def test_a_branch_key_is_not_guessed_at() -> None:
    account = base58check_decode(BIP84)
    point, code = child_of(point_of(account[45:]), account[13:45], 1)
    body = bytes([2 + point[1] % 2]) + point[0].to_bytes(32)
    branch = base58check_encode(account[:4] + b"\x04abcd" + (1).to_bytes(4) + code + body)
    with pytest.raises(InputError, match=r"branches=\(\)"):
        addresses_of_xpub(branch)
    found = addresses_of_xpub(branch, gap=2, branches=()).frame
    whole = addresses_of_xpub(BIP84, gap=2).frame.filter("change")
    assert found["address"].to_list() == whole["address"].to_list()
    assert found["path"].to_list() == ["0", "1"]
    assert found["change"].all()
    assert addresses_of_xpub(branch, gap=1, branches=(0, 1)).frame.height == 2


SECRET = 0x1234567890ABCDEF << 128 | 77
CODE = hashlib.sha256(b"code").digest()


def private(version: int) -> str:
    head = version.to_bytes(4) + bytes([3]) + b"abcd" + (2**31).to_bytes(4)
    return base58check_encode(head + CODE + b"\x00" + SECRET.to_bytes(32))


PRIVATE = [
    private(0x0488ADE4), private(0x049D7878), private(0x04B2430C), private(0x04358394),
    private(0x044A4E28), private(0x045F18BC), private(0x019D9CFE), private(0x01B26792),
    private(0x02FAC398),
    private(0x0488ADE4)[:-1] + "1", "  " + private(0x0488ADE4), private(0x0488ADE4) * 90,
    private(0x0488B21E),  # the version of a public key over a private one
    base58check_encode(b"\x80" + SECRET.to_bytes(32) + b"\x01"),
    base58check_encode(b"\x80" + SECRET.to_bytes(32)),
]  # fmt: skip


@pytest.mark.parametrize("text", PRIVATE)
def test_private_keys_are_refused_and_not_repeated(
    text: str, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(InputError, match="private key") as caught:
        addresses_of_xpub(text)
    seen = f"{caught.value!r} {caught.value} {caught.value.__cause__} {caplog.text}"
    assert text.strip()[4:24] not in seen
    assert caught.value.__cause__ is None


def test_the_words_of_a_seed_are_refused_as_what_spends_the_coins() -> None:
    for count in (12, 24):
        with pytest.raises(InputError, match="words as a wallet's seed has") as caught:
            addresses_of_xpub(("abandon " * count).strip())
        assert "abandon" not in str(caught.value)


REFUSED = {
    "one letter": BIP84[:50] + ("a" if BIP84[50] != "a" else "b") + BIP84[51:],
    "a part": BIP84[:-5],
    "nothing": "",
    "a space": f"{BIP84} ",
    "an address": "bc1qcr8te4kr609gcawutmrza0j4xv80jy8z306fyu",
    "ten thousand characters": "x" * 10_000,
    "zeros": "1" * 111,
    "no ASCII": "xpub" + "é" * 107,
    "words": "abandon " * 11 + "about",
    "an unknown version": changed(BIP84, 0, b"\x01\x02\x03\x04"),
    "several signers": changed(BIP84, 0, bytes.fromhex("02aa7ed3")),
    "several signers, nested": changed(BIP84, 0, bytes.fromhex("0295b43f")),
    "a first key with a parent": changed(BIP84, 4, b"\x00abcd" + bytes(4)),
    "a first key with a number": changed(BIP84, 4, b"\x00" + bytes(7) + b"\x01"),
    "the deepest key": changed(BIP84, 4, b"\xff"),
    "one above the deepest": changed(BIP84, 4, b"\xfe"),
    "no sign": changed(BIP84, 45, b"\x05"),
    "an uncompressed key": changed(BIP84, 45, b"\x04"),
    "off the curve": changed(BIP84, 46, (5).to_bytes(32)),
    "beyond the field": changed(BIP84, 46, b"\xff" * 32),
}


@pytest.mark.parametrize("fault", list(REFUSED))
def test_what_is_no_key_is_one_sentence(fault: str) -> None:
    text = REFUSED[fault]
    with pytest.raises(InputError) as caught:
        addresses_of_xpub(text)
    assert len(str(caught.value)) < 300
    assert not text[4:] or text[4:24] not in str(caught.value)


@pytest.mark.parametrize("value", [None, 5, b"xpub", ["xpub"]])
def test_other_types_are_no_key(value: object) -> None:
    with pytest.raises(InputError, match="is no extended key"):
        addresses_of_xpub(value)  # type: ignore[arg-type]  # what a caller may get wrong


@pytest.mark.parametrize(
    ("key", "chain"),
    [(BIP84, "btc-testnet"), (BIP49, "btc"), (BIP84, "eth"), (BIP84, "tron"),
     (changed(BIP84, 0, bytes.fromhex("019da462")), "btc"),
     (changed(BIP84, 0, bytes.fromhex("02facafd")), "ltc"),
     (BIP84, "doge"), (BIP84, "nonsense")],
)  # fmt: skip
def test_another_chain_is_refused(key: str, chain: str) -> None:
    with pytest.raises(InputError):
        addresses_of_xpub(key, chain=chain)


@pytest.mark.parametrize(
    "how",
    [{"gap": 0}, {"gap": -1}, {"gap": 10**9}, {"gap": 2.5}, {"gap": True}, {"kinds": []},
     {"kinds": ["p2wsh"]}, {"branches": [-1]}, {"branches": [2**31]}, {"branches": ["0"]}],
)  # fmt: skip
def test_nonsense_is_refused(how: dict[str, object]) -> None:
    with pytest.raises(InputError):
        addresses_of_xpub(BIP84, **how)  # type: ignore[arg-type]  # what a caller may get wrong


def test_a_wallet_without_end_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("chainwatch.ingest.xpub.MOST_ADDRESSES", 30)
    with pytest.raises(InputError, match="more than 30 addresses"):
        addresses_of_xpub(BIP84, gap=5, used=lambda address: True)


def test_the_key_is_shown_nowhere() -> None:
    key = ExtendedKey(BIP84)
    result = addresses_of_xpub(BIP84, gap=1)
    same = addresses_of_xpub(key, gap=1)
    assert result.record == same.record
    assert result.record is not None
    assert result.record.step == "addresses_of_xpub"
    assert result.record.params["key"] == "ExtendedKey(zpub, fingerprint fd13aac9, depth 3)"
    shown = " ".join([
        repr(key), str(key), f"{key}", repr(result), result.record.tree(),
        json.dumps(result.record.as_dict()), repr(result.frame),
        result.frame.drop("address").write_json(),
    ])  # fmt: skip
    raw = base58check_decode(BIP84)
    for secret in (BIP84[4:20], BIP84[-12:], raw[13:45].hex(), raw[46:].hex()):
        assert secret not in shown
    for copied in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(InputError, match="not copied"):
            copied(key)
    assert not hasattr(key, "__dict__")


def test_the_curve_lets_nothing_nest_deeper() -> None:
    """Its package would, and an answer nested as deep would then end the process."""
    code = (
        "import sys; before = sys.getrecursionlimit();"
        "from chainwatch.addresses.bip32 import _curve, point_of;"
        "point_of(bytes.fromhex('0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798'));"
        "assert 'py_ecc' in sys.modules; print(sys.getrecursionlimit() - before)"
    )
    root = Path(__file__).resolve().parents[2]
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=root
    )
    assert done.stdout == "0\n"
