"""Output descriptors: published vectors, the same keys by another way, and what is refused."""

from __future__ import annotations

import copy
import hashlib
import json
import pickle
from collections.abc import Callable
from pathlib import Path

import pytest
from Crypto.Hash import RIPEMD160
from hypothesis import given, settings
from hypothesis import strategies as st

from chainwatch.addresses import canonical
from chainwatch.addresses.bip32 import ExtendedKey, child_of, compressed, point_of
from chainwatch.addresses.codecs import base58check_decode, base58check_encode
from chainwatch.addresses.descriptors import Descriptor, checksum, key_of
from chainwatch.errors import InputError
from chainwatch.ingest.xpub import addresses_of_xpub
from chainwatch.sources.subjects import Subjects, read_keys

BIP84 = (  # of the words that BIP 84 gives, written as BIP 380 wants it: xpub
    "xpub6CatWdiZiodmUeTDp8LT5or8nmbKNcuyvz7WyksVFkKB4RHwCD3XyuvPEbvqAQY3rAPshWcMLoP2fMFMKHPJ4ZeZXYVU"
    "hLv1VMrjPC7PW6V"
)
BIP86 = (
    "xpub6BgBgsespWvERF3LHQu6CnqdvfEvtMcQjYrcRzx53QJjSxarj2afYWcLteoGVky7D3UKDP9QyrLprQ3VCECoY49yfdD"
    "EHGCtMMj92pReUsQ"
)
BIP44 = (
    "xpub6BosfCnifzxcFwrSzQiqu2DBVTshkCXacvNsWGYJVVhhawA7d4R5WSWGFNbi8Aw6ZRc1brxMyWMzG3DSSSSoekkudhU"
    "d9yLb6qx39T9nMdj"
)
KEYS = (BIP44, BIP84, BIP86)
BIP67 = [  # lists of keys and the address of two of them in their order
    (("02ff12471208c14bd580709cb2358d98975247d8765f92bc25eab3b2763ed605f8",
      "02fe6f0a5a297eb38c391581c4413e084773ea23954d93f7753db7dc0adc188b2f"),
     "39bgKC7RFbpoCRbtD5KEdkYKtNyhpsNa3Z"),
    (("02632b12f4ac5b1d1b72b2a3b508c19172de44f6f46bcee50ba33f3f9291e47ed0",
      "027735a29bae7780a9755fae7a1c4374c656ac6a69ea9f3697fda61bb99a4f3e77",
      "02e2cc6bd5f45edd43bebe7cb9b675f0ce9ed3efe613b177588290ad188d11b404"),
     "3CKHTjBKxCARLzwABMu9yD85kvtm7WnMfH"),
]  # fmt: skip


def hash160(data: bytes) -> bytes:
    return RIPEMD160.new(hashlib.sha256(data).digest()).digest()


def child(key: str, *numbers: int) -> bytes:
    """Return the public key at a path below an extended one."""
    raw = base58check_decode(key)
    point, code = point_of(raw[45:]), raw[13:45]
    for number in numbers:
        point, code = child_of(point, code, number)
    return compressed(point)


def versioned(key: str, version: str) -> str:
    return base58check_encode(bytes.fromhex(version) + base58check_decode(key)[4:])


def texts(descriptor: str, *, gap: int = 2, chain: str = "btc", **how: object) -> dict[str, str]:
    frame = addresses_of_xpub(descriptor, gap=gap, chain=chain, **how).frame
    return dict(frame.select("path", "text").iter_rows())


def test_published_checksum() -> None:
    """BIP 380."""
    assert checksum("raw(deadbeef)") == "89f8spxm"


@pytest.mark.parametrize(
    ("descriptor", "path", "text"),
    [
        (f"wpkh({BIP84}/0/*)", "0/1", "bc1qnjg0jd8228aq7egyzacy8cys3knf9xvrerkf9g"),
        (f"wpkh([73c5da0a/84'/0'/0']{BIP84}/<0;1>/*)", "1/0",
         "bc1q8c6fshw2dlwun7ekn9qwf37cu2rn755upcp6el"),
        (f"tr([73c5da0a/86h/0h/0h]{BIP86}/<0;1>/*)", "0/0",
         "bc1p5cyxnuxmeuwuvkwfem96lqzszd02n6xdcjrs20cac6yqjjwudpxqkedrcr"),
        (f"tr({BIP86}/1/*)", "1/0",
         "bc1p3qkhfews2uk44qtvauqyr2ttdsw7svhkl9nkm9s9c3x4ax5h60wqwruhk7"),
        (f"pkh([73c5da0a/44H/0H/0H]{BIP44}/0/*)", "0/0", "1LqBGSKuX5yYUonjxT5qGfpUsXKYYWeabA"),
    ],
)  # fmt: skip
def test_published_addresses(descriptor: str, path: str, text: str) -> None:
    """BIP 84, 86, and 44; with the checksum and without."""
    assert texts(descriptor)[path] == text
    assert texts(f"{descriptor}#{checksum(descriptor)}")[path] == text


@pytest.mark.parametrize(("keys", "text"), BIP67)
def test_published_keys_in_order(keys: tuple[str, ...], text: str) -> None:
    """BIP 67, in whichever order they are given; fixed keys have one address."""
    for listed in (keys, keys[::-1]):
        found = texts(f"sh(sortedmulti(2,{','.join(listed)}))")
        assert list(found.values()) == [text]
    plain = texts(f"sh(multi(2,{','.join(sorted(keys))}))")
    assert list(plain.values()) == [text]
    assert list(texts(f"sh(multi(2,{','.join(sorted(keys)[::-1])}))").values()) != [text]


@pytest.mark.parametrize("form", ["sh({})", "wsh({})", "sh(wsh({}))"])
@pytest.mark.parametrize("name", ["multi", "sortedmulti"])
def test_several_signers(form: str, name: str) -> None:
    """The script of BIP 11 over the keys of one number, made here from the definition."""
    inner = f"{name}(2,{','.join(f'[73c5da0a/48h/0h/0h/2h]{key}/<0;1>/*' for key in KEYS)})"
    found = texts(form.format(inner))
    for path in ("0/0", "0/1", "1/1"):
        keys = [child(key, *map(int, path.split("/"))) for key in KEYS]
        if name == "sortedmulti":
            keys.sort()
        script = b"\x52" + b"".join(b"\x21" + key for key in keys) + b"\x53\xae"
        program = b"\x00\x20" + hashlib.sha256(script).digest()
        raw = {"sh({})": b"\x02" + hash160(script), "wsh({})": b"\x04" + program[2:],
               "sh(wsh({}))": b"\x02" + hash160(program)}[form]  # fmt: skip
        assert found[path] == canonical.text(raw, "btc")


def test_more_than_sixteen_signers() -> None:
    """Numbers above sixteen are pushed as bytes."""
    keys = [child(BIP84, n) for n in range(17)]
    found = texts(f"wsh(multi(1,{','.join(key.hex() for key in keys)}))")
    script = b"\x51" + b"".join(b"\x21" + key for key in keys) + b"\x01\x11\xae"
    wanted = canonical.text(b"\x04" + hashlib.sha256(script).digest(), "btc")
    assert list(found.values()) == [wanted]


def test_nested_segwit() -> None:
    found = texts(f"sh(wpkh({BIP84}/0/*))")
    wanted = b"\x02" + hash160(b"\x00\x14" + hash160(child(BIP84, 0, 1)))
    assert found["0/1"] == canonical.text(wanted, "btc")


@pytest.mark.parametrize(
    ("origin", "kind"),
    [("84'/0'/0'", "p2wpkh"), ("84h/0h/0h", "p2wpkh"), ("49H/0H/0H", "p2sh-p2wpkh"),
     ("86'/0'/0'", "p2tr"), ("44'/0'/0'", "p2pkh"), ("84/0/0", "p2pkh"), ("7'", "p2pkh")],
)  # fmt: skip
def test_the_origin_of_a_key_names_the_script_type(origin: str, kind: str) -> None:
    """Wallets write xpub whatever the type; a version that says more than xpub is believed."""
    found = addresses_of_xpub(f"[73c5da0a/{origin}]{BIP84}", gap=1)
    plain = addresses_of_xpub(BIP84, gap=1, kinds=[kind])
    assert found.frame.equals(plain.frame)
    assert found.key == plain.key
    zpub = versioned(BIP84, "04b24746")
    assert addresses_of_xpub(f"[73c5da0a/{origin}]{zpub}", gap=1).frame["kind"][0] == "p2wpkh"


def test_a_key_with_a_path_is_followed_there() -> None:
    assert texts(f"[73c5da0a/84'/0'/0']{BIP84}/0/*") == texts(f"wpkh({BIP84}/0/*)")
    assert set(texts(f"[73c5da0a/84'/0'/0']{BIP84}/<0;1>/*")) == {"0/0", "0/1", "1/0", "1/1"}
    kinds = ["p2pkh", "p2wpkh"]
    assert addresses_of_xpub(f"{BIP84}/0/*", gap=1, kinds=kinds).frame["kind"].to_list() == kinds


def test_one_address_alone() -> None:
    found = addresses_of_xpub(f"wpkh({child(BIP84, 0, 1).hex()})", used=lambda address: True)
    assert found.frame["text"].to_list() == ["bc1qnjg0jd8228aq7egyzacy8cys3knf9xvrerkf9g"]
    assert found.frame["used"].to_list() == [True]


def test_uncompressed_keys_have_the_oldest_addresses_only() -> None:
    x, y = point_of(child(BIP84, 0, 0))
    key = b"\x04" + x.to_bytes(32) + y.to_bytes(32)
    wanted = canonical.text(b"\x01" + hash160(key), "btc")
    assert list(texts(f"pkh({key.hex()})").values()) == [wanted]
    with pytest.raises(InputError, match="no such address"):
        key_of(f"wpkh({key.hex()})")


def test_change_and_gap_go_by_branch() -> None:
    paid = {addresses_of_xpub(f"wpkh({BIP84}/0/*)", gap=4).frame["address"][3]}
    frame = addresses_of_xpub(
        f"wpkh({BIP84}/<0;1>/*)", gap=4, used=lambda address: address in paid
    ).frame
    assert frame.filter("change")["path"].to_list() == [f"1/{n}" for n in range(4)]
    assert frame.filter(~frame["change"])["index"].to_list() == list(range(8))


def test_a_key_without_alternatives_may_stand_first() -> None:
    one = texts(f"wsh(multi(1,{BIP84}/0/*,{BIP86}/<0;1>/*))")
    other = texts(f"wsh(multi(1,{BIP86}/<0;1>/*,{BIP84}/0/*))")
    assert len(set(one.values())) == len(one) == len(other)


def test_other_chains() -> None:
    tpub = versioned(BIP84, "043587cf")
    assert texts(f"wpkh({tpub}/0/*)", chain="btc-testnet")["0/0"].startswith("tb1q")
    assert texts(f"sh(multi(1,{BIP84}/0/*,{BIP86}/0/*))", chain="doge")["0/0"][0] in "9A"
    with pytest.raises(InputError, match="of a test network, not of Bitcoin"):
        texts(f"wpkh({tpub}/0/*)")
    with pytest.raises(InputError, match="Dogecoin has no addresses of the type p2wpkh"):
        texts(f"wpkh({BIP84}/0/*)", chain="doge")


ZPUB_OF_SEVERAL = versioned(BIP84, "02aa7ed3")
XPRV = base58check_encode(
    bytes.fromhex("0488ade4") + bytes([3]) + b"abcd" + bytes(4) + bytes(32) + b"\0" + b"\7" * 32
)
WIF = base58check_encode(b"\x80" + b"\x07" * 32 + b"\x01")
REFUSED = {
    "another checksum": (f"wpkh({BIP84}/0/*)#qqqqqqqq", "checksum of the descriptor does not fit"),
    "half a checksum": (f"wpkh({BIP84}/0/*)#{checksum(f'wpkh({BIP84}/0/*)')[:4]}", "does not fit"),
    "a hardened step": (f"wpkh({BIP84}/0h/*)", "hardened step below an extended public key"),
    "a hardened star": (f"wpkh({BIP84}/0/*')", "hardened step"),
    "a private key": (f"wpkh({XPRV}/0/*)", "private key"),
    "a private key of one address": (f"wpkh({WIF})", "private key"),
    "no star": (f"wpkh([73c5da0a/84h/0h/0h]{BIP84})", "does not say which .*/<0;1>/\\*"),
    "miniscript": (f"wsh(and_v(v:pk({BIP84}/0/*),older(9)))", "form wsh\\(and_v\\) are not read"),
    "a key alone": (f"pk({BIP84}/0/*)", "form pk are not read"),
    "all types": (f"combo({BIP84}/0/*)", "form combo are not read"),
    "bare signers": (f"multi(1,{BIP84}/0/*)", "form multi are not read"),
    "a tree": (f"tr({BIP84}/0/*,pk({BIP84}/0/*))", "tr with a tree of scripts are not read"),
    "an address": ("addr(bc1qcr8te4kr609gcawutmrza0j4xv80jy8z306fyu)", "form addr are not read"),
    "taproot signers": (f"tr(sortedmulti_a(1,{BIP84}/0/*))", "tr with a tree|does not end|no key"),
    "wsh in wsh": (f"wsh(wsh(multi(1,{BIP84}/0/*)))", "form wsh\\(wsh\\) are not read"),
    "an open bracket": (f"wpkh({BIP84}/0/*", "does not end where it should"),
    "something behind": (f"wpkh({BIP84}/0/*)x", "does not end where it should"),
    "an origin of words": (f"wpkh([home/84h]{BIP84}/0/*)", "is not where it came from"),
    "an open origin": (f"wpkh([73c5da0a/84h{BIP84}/0/*)", "no key where one belongs"),
    "a step of letters": (f"wpkh({BIP84}/a/*)", "is no number"),
    "a step too large": (f"wpkh({BIP84}/4294967296/*)", "is no number"),
    "two stars": (f"wpkh({BIP84}/*/*)", "is no number"),
    "two lists": (f"wpkh({BIP84}/<0;1>/<2;3>/*)", "two lists of alternatives"),
    "lists of other lengths": (f"wsh(multi(1,{BIP84}/<0;1>/*,{BIP86}/<0;1;2>/*))", "alternatives"),
    "more signers than keys": (f"wsh(multi(3,{BIP84}/0/*,{BIP86}/0/*))", "cannot be"),
    "no signers": (f"wsh(multi(0,{BIP84}/0/*))", "cannot be"),
    "sixteen in sh": (f"sh(multi(1,{','.join([BIP84 + '/0/*'] * 16)}))", "up to 15 keys"),
    "a path below a point": (f"wpkh({child(BIP84, 0).hex()}/0/*)", "path stands below a key"),
    "a point off the curve": (f"wpkh(02{5:064x})", "no public key"),
    "a point alone": (f"[73c5da0a/84h]{child(BIP84, 0).hex()}", "public key alone names no"),
    "one of several by its origin": (f"[73c5da0a/48h/0h/0h/2h]{BIP84}", "several that sign"),
    "one of several by its version": (f"wpkh({ZPUB_OF_SEVERAL}/0/*)", "output descriptor"),
    "an accent": (f"wpkh({BIP84}/0/*é)", "character that none has"),
    "curly quotes": (f"wpkh([73c5da0a/84’/0’/0’]{BIP84}/0/*)", "character that none has"),  # noqa: RUF001
    "a letter of the key": (f"wpkh({BIP84[:30]}z{BIP84[31:]}/0/*)", "no extended key"),
    "no end": (f"wpkh({'[' * 9000})", "characters are no descriptor"),
}  # fmt: skip


@pytest.mark.parametrize("fault", REFUSED)
def test_what_is_refused_is_one_sentence_and_shows_no_key(fault: str) -> None:
    text, words = REFUSED[fault]
    with pytest.raises(InputError, match=words) as caught:
        addresses_of_xpub(text)
    said = str(caught.value)
    assert said.endswith(".")
    assert len(said) < 300
    for secret in (BIP84[4:24], BIP86[4:24], XPRV[4:24], WIF[4:24], child(BIP84, 0).hex()[:20]):
        assert secret not in said


def test_kinds_and_branches_that_contradict_it() -> None:
    with pytest.raises(InputError, match="names the script type p2wpkh, and another"):
        texts(f"wpkh({BIP84}/0/*)", kinds=["p2pkh"])
    with pytest.raises(InputError, match="names its branches, and others"):
        texts(f"wpkh({BIP84}/0/*)", branches=[1])
    found = texts(f"wpkh({BIP84})", branches=[0, 1])
    assert found == texts(f"wpkh({BIP84}/<0;1>/*)")


def test_several_of_a_kind_may_have_versions_of_their_own() -> None:
    other = texts(f"wsh(sortedmulti(1,{ZPUB_OF_SEVERAL}/0/*))")
    assert other == texts(f"wsh(sortedmulti(1,{BIP84}/0/*))")


@given(place=st.integers(0, 130), letter=st.sampled_from("0123456789abcdefghij/*()<;>"))
@settings(max_examples=60)
def test_no_other_letter_passes_the_checksum(place: int, letter: str) -> None:
    whole = f"wpkh({BIP84}/<0;1>/*)"
    whole += f"#{checksum(whole)}"
    at = place % len(whole)
    changed = whole[:at] + letter + whole[at + 1 :]
    if changed == whole:
        return
    with pytest.raises(InputError):
        key_of(changed)


def test_it_is_shown_nowhere() -> None:
    found = key_of(f"wsh(sortedmulti(1,{BIP84}/0/*,{BIP86}/0/*))")
    assert isinstance(found, Descriptor)
    prints = "+".join(ExtendedKey(key).fingerprint for key in (BIP84, BIP86))
    assert repr(found) == f"Descriptor(wsh(sortedmulti), fingerprint {prints})"
    result = addresses_of_xpub(found, gap=1)
    assert result.record is not None
    assert result.record.params["key"] == repr(found)
    assert BIP84[4:24] not in f"{result!r}{result.record.tree()}{result.record.as_dict()}"
    for copied in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(InputError, match="not copied"):
            copied(found)
    assert not hasattr(found, "__dict__")


# Files ---------------------------------------------------------------------------------------

PLAIN = f"wpkh([73c5da0a/84h/0h/0h]{BIP84}/<0;1>/*)"
FILES: dict[str, Callable[[str], bytes]] = {
    "plain": lambda text: text.encode(),
    "BOM": lambda text: text.encode("utf-8-sig"),
    "CRLF": lambda text: f"\r\n{text}\r\n".encode(),
    "BOM and CRLF": lambda text: f"{text}\r\n".encode("utf-8-sig"),
    "a remark": lambda text: f"# seized on Monday\n{text}\n".encode(),
    "blanks": lambda text: f"  {text}\t\n\n".encode(),
}


@pytest.mark.parametrize("form", FILES)
@pytest.mark.parametrize("text", [PLAIN, f"{PLAIN}#{checksum(PLAIN)}", BIP84])
def test_files_as_editors_write_them(form: str, text: str, tmp_path: Path) -> None:
    path = tmp_path / "key.txt"
    path.write_bytes(FILES[form](text))
    (key,) = read_keys(path)
    found = addresses_of_xpub(key, gap=1)
    assert found.frame.equals(addresses_of_xpub(text, gap=1).frame)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (PLAIN.encode("utf-16"), "is text in UTF-16 at key.txt; save it as UTF-8"),
        (PLAIN.encode("utf-16-be"), "is text in UTF-16"),
        (f"{PLAIN}\nseized on Monday\n".encode(), "at key.txt line 2"),
        (f"# two\n\n{PLAIN}\n{PLAIN[:-1]}x\n".encode(), "at key.txt line 4"),
        (b'{"desc": "wpkh()"}', "at key.txt"),
        (b'{"descriptors": []}', "holds no extended key"),
        (b'{"descriptors": [{"desc": 5}]}', "holds no extended key"),
        (b"[" * 9_000 + b"]", "holds no extended key"),
        (b'{"descriptors": }', "holds no extended key"),
        (b"\n# nothing\n", "holds no extended key"),
        (b"#" * 1_000_001, "longer than 1,000,000 bytes"),
        (b"\xff\xd8\xff\xe0", "holds no extended key"),
    ],
)  # fmt: skip
def test_files_that_hold_no_key(data: bytes, words: str, tmp_path: Path) -> None:
    path = tmp_path / "key.txt"
    path.write_bytes(data)
    with pytest.raises(InputError, match=words):
        read_keys(path)


def test_a_file_may_hold_a_line_for_each_branch(tmp_path: Path) -> None:
    """Bitcoin Core and Sparrow export a descriptor for receiving and another for change."""
    both = f"wpkh({BIP84}/<0;1>/*)"
    each = [f"wpkh({BIP84}/{branch}/*)" for branch in (0, 1)]
    path = tmp_path / "key.txt"
    path.write_text("\n".join([*each, each[0]]))
    keys = read_keys(path)
    assert len(keys) == 2, "the third repeats the first"
    wanted, derived = Subjects.of(None, None, keys, gap=3).wanted(tmp_path / "none", "btc")
    assert len(derived) == 2
    assert wanted == addresses_of_xpub(both, gap=3).frame["address"].to_list()


def test_keys_of_two_wallets_are_read_from_one_file(tmp_path: Path) -> None:
    path = tmp_path / "key.txt"
    path.write_text(f"{BIP84}\n{PLAIN}\n")
    wanted, derived = Subjects.of(None, None, read_keys(path), gap=2).wanted(
        tmp_path / "none", "btc"
    )
    assert len(derived) == 2
    alone = [addresses_of_xpub(key, gap=2).frame["address"].to_list() for key in (BIP84, PLAIN)]
    assert set(wanted) == {*alone[0], *alone[1]}


def test_what_bitcoin_core_lists_is_read(tmp_path: Path) -> None:
    listed = [
        {"desc": f"wpkh({BIP84}/{branch}/*)", "active": True, "internal": bool(branch)}
        for branch in (0, 1)
    ]
    path = tmp_path / "key.json"
    path.write_text(json.dumps({"wallet_name": "w", "descriptors": listed}, indent=2))
    wanted, _ = Subjects.of(None, None, read_keys(path), gap=3).wanted(tmp_path / "none", "btc")
    both = addresses_of_xpub(f"wpkh({BIP84}/<0;1>/*)", gap=3)
    assert wanted == both.frame["address"].to_list()
