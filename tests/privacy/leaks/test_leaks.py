"""The leak test: a secret planted in any form, in any kind of file, is found and never repeated."""

from __future__ import annotations

import base64
import gzip
import hashlib
import hmac
import io
import json
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import chainwatch as cw
from chainwatch.addresses.bip32 import hash160
from chainwatch.addresses.canonical import text
from chainwatch.addresses.codecs import base58check_encode, keccak
from chainwatch.addresses.scripts import script_of
from chainwatch.chains.catalogue import chain as chain_of
from chainwatch.errors import InputError
from chainwatch.packed import MAX_BYTES
from chainwatch.privacy.edition import DISCLOSURE, Edition
from chainwatch.privacy.leaks import artefacts, forms
from chainwatch.privacy.leaks.forms import (
    ADDRESS,
    DERIVED_KEY,
    EXTENDED_KEY,
    MASK_KEY,
    PRIVATE_KEY,
    TRANSACTION,
    Needle,
    needles,
)
from chainwatch.privacy.leaks.leaks import searched
from chainwatch.privacy.leaks.search import Search
from chainwatch.privacy.leaks.secrets import Secrets

KEY = hashlib.sha256(b"key").digest()
BODY = hashlib.sha256(b"body").digest()
PUBLIC = b"\x02" + BODY
"""A public key; which curve it lies on no hash asks."""
LONG_PUBLIC = b"\x04" + BODY + BODY[::-1]
BTC, BCH, ETH, TRON = (chain_of(name).id for name in ("btc", "bch", "eth", "tron"))
KEYHASH = hash160(PUBLIC)
P2PKH, P2SH, P2WPKH, P2WSH, P2TR = (
    b"\x01" + KEYHASH, b"\x02" + hash160(b"s"), b"\x03" + KEYHASH, b"\x04" + BODY,
    b"\x05" + BODY[::-1],
)  # fmt: skip
ACCOUNT, TRON_ACCOUNT = b"\x10" + keccak(LONG_PUBLIC[1:])[-20:], b"\x11" + KEYHASH
TXID = hashlib.sha256(b"transaction").digest()
XPUB = ("xpub661MyMwAqRbcFtXgS5sYJABqqG9YLmC4Q1Rdap9gSE8NqtwybGhePY2gZ29ESFjqJoCu1Rupje8Yt"
        "GqsefD265TMg7usUDFdp6W1EGMcet8")  # fmt: skip
"""The root key of the first test vector of BIP 32."""
OTHER = text(b"\x01" + hash160(b"other"), "btc")


def secrets(*parties: tuple[str, bytes]) -> Secrets:
    return Secrets(frozenset(parties), frozenset({(BTC, TXID)}), KEY)


def hex_topic(address: bytes) -> str:
    return address[1:].rjust(32, b"\0").hex()


FORMS: dict[str, tuple[tuple[str, bytes], bytes]] = {
    "base58": ((BTC, P2PKH), text(P2PKH, BTC).encode()),
    "base58 in lower case": ((BTC, P2PKH), text(P2PKH, BTC).lower().encode()),
    "base58 of a script": ((BTC, P2SH), text(P2SH, BTC).encode()),
    "bech32": ((BTC, P2WPKH), text(P2WPKH, BTC).encode()),
    "bech32 in capitals": ((BTC, P2WPKH), text(P2WPKH, BTC).upper().encode()),
    "bech32 of a script": ((BTC, P2WSH), text(P2WSH, BTC).encode()),
    "bech32m": ((BTC, P2TR), text(P2TR, BTC).encode()),
    "another address of the key": ((BTC, P2PKH), text(P2WPKH, BTC).encode()),
    "a nested address of the key": (
        (BTC, P2WPKH), text(b"\x02" + hash160(b"\x00\x14" + KEYHASH), BTC).encode(),
    ),
    "cashaddr": ((BCH, P2PKH), text(P2PKH, BCH).encode()),
    "cashaddr without prefix": ((BCH, P2PKH), text(P2PKH, BCH).partition(":")[2].encode()),
    "base58 of a cashaddr": ((BCH, P2PKH), base58check_encode(b"\x00" + KEYHASH).encode()),
    "shortened": ((BTC, P2PKH), f"{text(P2PKH, BTC)[:6]}…{text(P2PKH, BTC)[-6:]}".encode()),
    "shortened account": (
        (ETH, ACCOUNT), f"{text(ACCOUNT, ETH)[:6]}...{text(ACCOUNT, ETH)[-4:]}".encode(),
    ),
    "script": ((BTC, P2PKH), script_of(P2PKH).hex().encode()),
    "script of a program": ((BTC, P2TR), script_of(P2TR).hex().encode()),
    "hash160": ((BTC, P2WPKH), KEYHASH.hex().encode()),
    "script hash of Electrum": (
        (BTC, P2WPKH), hashlib.sha256(script_of(P2WPKH)).digest()[::-1].hex().encode(),
    ),
    "public key": ((BTC, P2WPKH), PUBLIC.hex().encode()),
    "public key in a script": ((BTC, P2PKH), b"21" + PUBLIC.hex().encode() + b"ac"),
    "checksummed": ((ETH, ACCOUNT), text(ACCOUNT, ETH).encode()),
    "lower case": ((ETH, ACCOUNT), text(ACCOUNT, ETH).lower().encode()),
    "capitals": ((ETH, ACCOUNT), ACCOUNT[1:].hex().upper().encode()),
    "topic": ((ETH, ACCOUNT), hex_topic(ACCOUNT).encode()),
    "calldata": ((ETH, ACCOUNT), b"0xa9059cbb" + hex_topic(ACCOUNT).encode() + b"f" * 64),
    "public key of an account": ((ETH, ACCOUNT), LONG_PUBLIC.hex().encode()),
    "tron base58": ((TRON, TRON_ACCOUNT), text(TRON_ACCOUNT, TRON).encode()),
    "tron hexadecimal": ((TRON, TRON_ACCOUNT), b"41" + KEYHASH.hex().encode()),
    "tron as an account": ((TRON, TRON_ACCOUNT), b"0x" + KEYHASH.hex().encode()),
    "bytes": ((BTC, P2PKH), KEYHASH),
    "base64": ((BTC, P2PKH), base64.b64encode(KEYHASH)),
    "base64 behind one byte": ((BTC, P2PKH), base64.b64encode(b"\x11" + KEYHASH + b"\x22")),
    "base64 behind two": ((BTC, P2PKH), base64.b64encode(b"\x01\x02" + KEYHASH)),
    "base64 of the text": ((TRON, TRON_ACCOUNT), base64.b64encode(
        b"x" + text(TRON_ACCOUNT, TRON).encode())),
}  # fmt: skip


@pytest.mark.parametrize("form", FORMS)
def test_every_form_of_an_address_is_found(form: str, tmp_path: Path) -> None:
    party, planted = FORMS[form]
    (tmp_path / "a.csv").write_bytes(b"one,two\n1," + OTHER.encode() + b"\n2," + planted + b"\n")
    found = searched(tmp_path, secrets(party))
    assert set(found.frame["kind"]) == {ADDRESS}
    assert set(found.frame["who"]) == {Edition(DISCLOSURE, KEY).pseudonym(*party)}
    if planted.isascii():
        assert set(found.frame["place"]) == {"line 3"}
        assert planted.decode() not in repr(found) + str(found.frame.rows())
    (tmp_path / "a.csv").write_bytes(b"one,two\n1," + OTHER.encode() + b"\n")
    assert searched(tmp_path, secrets(party)).clean


SEAL = hmac.digest(KEY, BTC.encode() + b"\0" + P2PKH, "sha256")
OTHERS: dict[str, tuple[str, bytes]] = {
    "id": (TRANSACTION, TXID.hex().encode()),
    "id turned round": (TRANSACTION, b"0x" + TXID[::-1].hex().upper().encode()),
    "id in bytes": (TRANSACTION, TXID[::-1]),
    "id in base64": (TRANSACTION, base64.b64encode(b"x" + TXID)),
    "key": (MASK_KEY, KEY.hex().encode()),
    "key in bytes": (MASK_KEY, KEY),
    "key in base64": (MASK_KEY, base64.urlsafe_b64encode(KEY)),
    "seal": (DERIVED_KEY, SEAL.hex().encode()),
    "extended key": (EXTENDED_KEY, XPUB.encode()),
    "private key": (PRIVATE_KEY, base58check_encode(b"\x80" + BODY + b"\x01").encode()),
    "private key, long": (PRIVATE_KEY, base58check_encode(b"\xef" + BODY).encode()),
}  # fmt: skip


@pytest.mark.parametrize("form", OTHERS)
def test_transactions_and_keys_are_found(form: str, tmp_path: Path) -> None:
    kind, planted = OTHERS[form]
    (tmp_path / "a.txt").write_bytes(b"here: " + planted + b" and on")
    found = searched(tmp_path, secrets((BTC, P2PKH)))
    assert kind in set(found.frame["kind"])
    said = repr(found) + str(found.frame.rows())
    assert planted.decode("latin1") not in said
    assert KEY.hex() not in said


def test_a_pseudonym_is_no_leak(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text(Edition(DISCLOSURE, KEY).pseudonym(BTC, P2PKH))
    assert searched(tmp_path, secrets((BTC, P2PKH))).clean


def test_keys_that_do_not_check_are_none(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text(XPUB[:-1] + "9\n" + "5" * 51 + "\n" + "02" * 33)
    assert searched(tmp_path, secrets((BTC, P2PKH))).clean


WORD = text(TRON_ACCOUNT, "tron")


def png(*notes: tuple[bytes, bytes]) -> bytes:
    def chunk(kind: bytes, body: bytes) -> bytes:
        return (
            struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        )

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0))
    rows = chunk(b"IDAT", zlib.compress(b"\0\0"))
    return (
        b"\x89PNG\r\n\x1a\n"
        + head
        + b"".join(chunk(*one) for one in notes)
        + rows
        + chunk(b"IEND", b"")
    )


def pdf(*streams: tuple[bytes, bytes]) -> bytes:
    body = b"".join(
        b"%d 0 obj\n<< /Length %d%s >>\nstream\n%s\nendstream\nendobj\n"
        % (number, len(data), head, data)
        for number, (head, data) in enumerate(streams, 1)
    )
    return b"%PDF-1.7\n" + body


FLATE = b" /Filter /FlateDecode"


def pdf_of_glyphs(said: str, *, literal: bool) -> bytes:
    """Return a page set in a font whose letters are numbers, in two pieces of one line."""
    letters = sorted(set(said))
    table = b"beginbfchar\n" + b"".join(
        b"<%04X> <%04X>\n" % (place, ord(one)) for place, one in enumerate(letters, 5)
    ) + b"endbfchar"  # fmt: skip
    codes = [struct.pack(">H", letters.index(one) + 5) for one in said]
    halves = [b"".join(codes[:9]), b"".join(codes[9:])]
    if literal:
        shown = b" ".join(
            b"(" + b"".join(b"\\%03o" % one for one in half) + b")" for half in halves
        )
    else:
        shown = b" -3 ".join(b"<" + half.hex().encode() + b">" for half in halves)
    page = b"BT /F0 9 Tf [" + shown + b"] TJ ET"
    return pdf((FLATE, zlib.compress(page)), (FLATE, zlib.compress(table)))


def zipped(name: str, data: bytes) -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as made:
        made.writestr(name, data)
    return held.getvalue()


def tarred(name: str, data: bytes) -> bytes:
    held = io.BytesIO()
    with tarfile.open(fileobj=held, mode="w:gz") as made:
        entry = tarfile.TarInfo(name)
        entry.size = len(data)
        made.addfile(entry, io.BytesIO(data))
    return held.getvalue()


def parquet(**columns: pl.Series) -> bytes:
    held = io.BytesIO()
    pl.DataFrame(columns).write_parquet(held, compression="zstd")
    return held.getvalue()


def notebook(**output: object) -> bytes:
    return json.dumps({"cells": [{"source": ["x"], "outputs": [output]}]}).encode()


def escaped(word: str) -> str:
    return "".join(f"\\u{ord(one):04x}" for one in word)


SPLIT = f"{WORD[:11]}</tspan>\n<tspan>{WORD[11:]}"
PAGE = f"<p>{''.join(f'&#{ord(one)};' for one in WORD)}</p>"
PICTURE = png((b"tEXt", b"Title\0" + WORD.encode()))
ARTEFACTS: dict[str, tuple[str, bytes, str]] = {
    "csv": ("t.csv", f"a\n{WORD}\n".encode(), "line 2"),
    "utf-16": ("t.csv", f"a\n{WORD}\n".encode("utf-16"), "without zeros"),
    "json": ("t.json", json.dumps({"a": [1, {"b": WORD}]}).encode(), "line 1"),
    "json, escaped": ("t.json", f'{{"a": "{escaped(WORD)}"}}'.encode(), "its texts"),
    "lines of json": ("t.jsonl", f'{{}}\n{{"a": "{escaped(WORD)}"}}\n'.encode(), "its texts"),
    "html": ("t.html", f"<b>{WORD}</b>".encode(), "line 1"),
    "html, split": ("t.html", f"<b>{SPLIT}</b>".encode(), "text of the page"),
    "html, entities": ("t.html", PAGE.encode(), "text of the page"),
    "svg, split": ("t.svg", f"<svg><tspan>{SPLIT}</tspan></svg>".encode(), "text of the page"),
    "picture within a page": (
        "t.html", b"<img src='data:image/png;base64," + base64.b64encode(
            png((b"zTXt", b"Title\0\0" + zlib.compress(WORD.encode())))) + b"'>",
        "embedded 1: note zTXt",
    ),
    "png, tEXt": ("t.png", PICTURE, "note tEXt"),
    "png, zTXt": ("t.png", png((b"zTXt", b"Title\0\0" + zlib.compress(WORD.encode()))),
                  "note zTXt"),
    "png, iTXt": ("t.png", png((b"iTXt", b"Title\0\1\0\0\0" + zlib.compress(WORD.encode()))),
                  "note iTXt"),
    "png, behind its end": ("t.png", png() + WORD.encode(), "behind its end"),
    "pdf, plain": ("t.pdf", pdf((b"", b"BT (" + WORD.encode() + b") Tj ET")), "stream 1"),
    "pdf, packed": ("t.pdf", pdf((FLATE, zlib.compress(WORD.encode()))), "stream 1"),
    "pdf, glyphs": ("t.pdf", pdf_of_glyphs(WORD, literal=False), "text of stream 1"),
    "pdf, escaped glyphs": ("t.pdf", pdf_of_glyphs(WORD, literal=True), "text of stream 1"),
    "pdf, notes": (
        "t.pdf", pdf((b"", b"x")) + b"<< /Title <FEFF" + WORD.encode("utf-16-be").hex().encode()
        + b"> >>", "its notes",
    ),
    "pdf, packed notes": (
        "t.pdf", pdf((b" /Type /ObjStm" + FLATE, zlib.compress(
            b"<< /Author <FEFF" + WORD.encode("utf-16-be").hex().encode() + b"> >>"))),
        "notes in stream 1",
    ),
    "parquet, text": ("t.parquet", parquet(a=pl.Series(["x", None, WORD])), "column a, row 3"),
    "parquet, bytes": ("t.parquet", parquet(a=pl.Series([b"x", TRON_ACCOUNT])), "column a, row 2"),
    "parquet, list": ("t.parquet", parquet(a=pl.Series([["x"], ["y", WORD]])), "column a, row 2"),
    "parquet, struct": ("t.parquet", parquet(a=pl.Series([{"b": TRON_ACCOUNT}])),
                        "column a, row 1"),
    "parquet, category": ("t.parquet", parquet(a=pl.Series([WORD], dtype=pl.Categorical)),
                          "column a, row 1"),
    "zip": ("t.zip", zipped("in.csv", WORD.encode() * 9), "in.csv"),
    "zip in a zip": ("t.zip", zipped("in.zip", zipped("deep.json",
                     f'["{escaped(WORD)}"]'.encode())), "in.zip: deep.json: its texts"),
    "name of a member": ("t.zip", zipped(f"{WORD}.csv", b"nothing"), "name of a member"),
    "gz": ("t.json.gz", gzip.compress(f'["{escaped(WORD)}"]'.encode()), "unpacked.json"),
    "second part of a gz": ("t.csv.gz", gzip.compress(b"x") + gzip.compress(WORD.encode()),
                            "unpacked"),
    "tar.gz": ("t.tar.gz", tarred("in.csv", WORD.encode()), "in.csv"),
    "notebook, printed": (
        "t.ipynb", notebook(output_type="stream", text=[WORD[:5], WORD[5:]]), "its texts",
    ),
    "notebook, page": (
        "t.ipynb", notebook(data={"text/html": [f"<b>{WORD[:5]}</b>", WORD[5:]]}),
        "cell 1, text/html",
    ),
    "notebook, picture": (
        "t.ipynb", notebook(data={"image/png": base64.b64encode(PICTURE).decode()}),
        "cell 1, image/png",
    ),
    "name of a file": (f"of {WORD}.txt", b"nothing", "its name"),
}  # fmt: skip


@pytest.mark.parametrize("kind", ARTEFACTS)
def test_a_leak_is_found_in_every_kind_of_file(kind: str, tmp_path: Path) -> None:
    name, data, place = ARTEFACTS[kind]
    (tmp_path / name).write_bytes(data)
    found = searched(tmp_path, secrets((TRON, TRON_ACCOUNT)))
    assert any(place in one for one in found.frame["place"]), found
    assert set(found.frame["kind"]) == {ADDRESS}
    assert WORD not in repr(found) + str(found.frame.rows()) + str(found.unread.rows())
    assert searched(tmp_path, secrets((BTC, P2TR))).frame.is_empty()


UNREADABLE: dict[str, tuple[str, bytes, str]] = {
    "cut parquet": ("t.parquet", b"PAR1" + bytes(40), "no whole Parquet file"),
    "cut gz": ("t.gz", gzip.compress(b"x" * 999)[:-12], "cannot be unpacked"),
    "broken zip": ("t.zip", zipped("a", b"x")[:-9], "cannot be unpacked"),
    "no json": ("t.json", b"{", "it is no JSON"),
    "deep json": ("t.json", b"[" * 99_999, "it is no JSON"),
    "encrypted pdf": ("t.pdf", pdf((b"", b"x")) + b"/Encrypt 3 0 R", "encrypted"),
    "packed otherwise": ("t.pdf", pdf((b" /Filter /LZWDecode", b"x")), "not read"),
    "damaged pdf": ("t.pdf", pdf((FLATE, b"xxxx")), "cannot be unpacked"),
}


@pytest.mark.parametrize("kind", UNREADABLE)
def test_what_cannot_be_read_is_said_and_nothing_is_clean(kind: str, tmp_path: Path) -> None:
    name, data, why = UNREADABLE[kind]
    (tmp_path / name).write_bytes(data)
    found = searched(tmp_path, secrets((BTC, P2PKH)))
    assert found.frame.is_empty()
    assert why in found.unread["why"][0]
    assert not found.clean
    assert "not searched: t." in repr(found)


def test_nothing_is_unpacked_for_ever(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(artefacts, "MAX_BYTES", 1_000)
    packed = zipped("a", bytes(5_000))
    for _ in range(artefacts.DEEPEST + 1):
        packed = zipped("in.zip", packed)
    (tmp_path / "deep.zip").write_bytes(packed)
    (tmp_path / "long.gz").write_bytes(gzip.compress(bytes(1_001)))
    (tmp_path / "long.zip").write_bytes(zipped("a", bytes(1_001)))
    (tmp_path / "long.bin").write_bytes(bytes(1_001))
    (tmp_path / "link").symlink_to("/dev/zero")
    found = searched(tmp_path, secrets((BTC, P2PKH)))
    assert dict(found.unread.select("file", "why").iter_rows()) == {
        "deep.zip": "it is packed more than 5 times", "link": "it is no file of its own, but a link"
        " or a device", "long.bin": "it is longer than 1,000 bytes",
        "long.gz": "it is longer than 1,000 bytes", "long.zip": "it is longer than 1,000 bytes",
    }  # fmt: skip
    assert MAX_BYTES > 1_000


def slow(data: bytes, listed: list[Needle]) -> set[tuple[bytes, int]]:
    """Find needles one at a time, at every place."""
    lower = data.lower()
    return {
        (one.data, place)
        for one in listed
        for place in range(len(data))
        if (lower if one.folded else data).startswith(one.data, place)
    }


letters = st.binary(max_size=40).map(lambda raw: bytes(b"abAB"[one % 4] for one in raw))


@settings(max_examples=60)
@given(st.lists(st.tuples(letters, st.booleans()), max_size=6), st.data())
def test_one_pass_finds_what_looking_at_every_place_finds(
    words: list[tuple[bytes, bool]], drawn: st.DataObject
) -> None:
    listed = [
        Needle(word.lower() if folded else word, "k", "f", "w", folded)
        for word, folded in words if len(word) >= 8
    ]  # fmt: skip
    parts = st.one_of(letters, st.sampled_from([one.data for one in listed] or [b""]))
    data = b"".join(drawn.draw(st.lists(parts, max_size=5)))
    found = {(needle.data, start) for needle, start in Search(listed).in_bytes(data)}
    assert found == slow(data, listed)


@settings(max_examples=60)
@given(st.binary(max_size=7), st.binary(min_size=20, max_size=33), st.binary(max_size=7))
def test_base64_of_anything_around_it_holds_one_of_its_forms(
    before: bytes, data: bytes, after: bytes
) -> None:
    for coded in (base64.b64encode, base64.urlsafe_b64encode):
        assert any(one in coded(before + data + after) for one in forms._base64(data))


def test_needles_of_a_few_bytes_are_none() -> None:
    anchor = (BTC, b"\x06\x01\x4e\x73")
    assert all(len(one.data) >= 8 for one in needles(secrets(anchor)))
    assert {one.form for one in needles(Secrets(frozenset({anchor})))} <= {
        "text", "base64", "shortened text"
    }  # fmt: skip


def test_bytes_that_are_mostly_zeros_are_looked_for_as_text_alone(tmp_path: Path) -> None:
    nobody = b"\x10" + bytes(19) + b"\x01"
    asked = Secrets(frozenset({(ETH, nobody)}), frozenset({(ETH, bytes(31) + b"\x01")}))
    (tmp_path / "font.bin").write_bytes(bytes(64) + b"\x01" + bytes(64))
    assert searched(tmp_path, asked).frame.is_empty()
    (tmp_path / "a.txt").write_text(f"{text(nobody, ETH)} {1:064x}")
    assert set(searched(tmp_path, asked).frame["kind"]) == {ADDRESS, TRANSACTION}


@pytest.fixture
def written(tmp_path: Path) -> Callable[..., Path]:
    """Return a writer of a working edition and an annex that mask one address."""

    def write(address: str = text(P2PKH, BTC), txid: str = TXID[::-1].hex()) -> Path:
        for name in ("disclosure", "working/masked", "annex"):
            (tmp_path / name).mkdir(parents=True, exist_ok=True)
        (tmp_path / "annex" / "mask_key.txt").write_text(KEY.hex())
        (tmp_path / "annex" / "pseudonyms.csv").write_text(
            f"chain,pseudonym,shown,address\n{BTC},masked-x,masked-x,{address}\n"
        )
        masked = tmp_path / "working" / "masked"
        (masked / "masked_parties.csv").write_text(f"chain,address\n{BTC},{address}\n")
        (masked / "withheld_transactions.csv").write_text(f"chain,txid\n{BTC},{txid}\n")
        (tmp_path / "disclosure" / "a.txt").write_text(f"{text(P2PKH, BTC)} {TXID.hex()}")
        return tmp_path

    return write


def test_whom_to_look_for_by_working_edition_annex_and_key(written: Callable[..., Path]) -> None:
    case = written()
    place = case / "disclosure"
    whole = cw.leaks(case)
    asked = [(DERIVED_KEY, 1), (MASK_KEY, 1), (ADDRESS, 1), (TRANSACTION, 1)]
    assert whole.searched.select("kind", "number").rows() == asked
    assert set(whole.frame["kind"]) == {ADDRESS, TRANSACTION}
    assert not whole.unasked()
    by_working = cw.leaks(place, working=case / "working")
    assert set(by_working.frame["who"]) == {"masked party 1", "withheld transaction 1"}
    assert by_working.unasked() == (DERIVED_KEY, MASK_KEY)
    assert not by_working.clean
    by_annex = cw.leaks(place, annex=case / "annex")
    assert set(by_annex.frame["kind"]) == {ADDRESS}
    assert by_annex.unasked() == (TRANSACTION,)
    by_key = cw.leaks(place, key_file=case / "annex" / "mask_key.txt")
    assert by_key.frame.is_empty()
    assert "not looked for: masked address" in repr(by_key)


def test_what_is_refused(written: Callable[..., Path]) -> None:
    case = written()
    with pytest.raises(InputError, match="nothing says whom to look for"):
        cw.leaks(case / "disclosure")
    with pytest.raises(InputError, match="no such file or folder"):
        cw.leaks(case / "nowhere", working=case / "working")
    with pytest.raises(InputError, match="the mask key is missing"):
        cw.leaks(case / "disclosure", key_file=case / "nowhere")
    with pytest.raises(InputError, match="list of who is masked cannot be read"):
        cw.leaks(case / "disclosure", working=case / "disclosure")
    nobody = "1SecretOfSomebody"
    with pytest.raises(InputError, match=r"has no chain and address.*line 2") as caught:
        cw.leaks(written(address=nobody))
    assert nobody not in str(caught.value)
    (case / "annex" / "mask_key.txt").write_text("zz")
    with pytest.raises(InputError, match="the mask key cannot be read"):
        cw.leaks(written() / "disclosure", key_file=case / "annex" / "pseudonyms.csv")
