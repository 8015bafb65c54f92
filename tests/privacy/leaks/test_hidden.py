"""What is hidden on purpose: found, or named as not searched, and within a time that is linear."""

from __future__ import annotations

import base64
import bz2
import gzip
import hashlib
import io
import json
import lzma
import quopri
import tarfile
import time
import zipfile
import zlib
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chainwatch.addresses.canonical import text
from chainwatch.chains.catalogue import chain as chain_of
from chainwatch.privacy.leaks.forms import BEGINNING, SHORTENED, TRANSACTION, Needle, whole_texts
from chainwatch.privacy.leaks.leaks import searched
from chainwatch.privacy.leaks.packing import text_of
from chainwatch.privacy.leaks.result import Leaks
from chainwatch.privacy.leaks.search import Search
from chainwatch.privacy.leaks.secrets import Secrets

BTC, ETH = (chain_of(name).id for name in ("btc", "eth"))
PROGRAM = b"\x03" + hashlib.sha256(b"program").digest()[:20]
ACCOUNT = b"\x10" + hashlib.sha256(b"account").digest()[:20]
TXID = hashlib.sha256(b"transaction").digest()
WORD, ETHER, ID = text(PROGRAM, BTC), text(ACCOUNT, ETH), TXID.hex()
SECRETS = Secrets(frozenset({(BTC, PROGRAM), (ETH, ACCOUNT)}), frozenset({(BTC, TXID)}), b"k" * 32)
SAID = b"paid " + WORD.encode() + b" twice\n"
PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
JPEG = b"\xff\xd8\xff\xe0\x00\x04ab\xff\xda\x00\x02drawn\xff\x00\xff\xd0on\xff\xd9"


def within(folder: Path, name: str, data: bytes) -> Leaks:
    (folder / name).write_bytes(data)
    return searched(folder, SECRETS)


def zipped(data: bytes, name: str = "a.txt") -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as made:
        made.writestr(name, data)
    return held.getvalue()


def tarred(data: bytes, mode: str) -> bytes:
    held = io.BytesIO()
    with tarfile.open(fileobj=held, mode=mode) as made:  # type: ignore[call-overload]  # a mode by name
        entry = tarfile.TarInfo("a.txt")
        entry.size = len(data)
        made.addfile(entry, io.BytesIO(data))
    return held.getvalue()


OPENED = {
    "bz2": bz2.compress(SAID),
    "two bz2": bz2.compress(b"x") + bz2.compress(SAID),
    "xz": lzma.compress(SAID),
    "zlib": zlib.compress(SAID),
    "tar": tarred(SAID, "w"),
    "tar.gz": tarred(SAID, "w:gz"),
    "tar.bz2": tarred(SAID, "w:bz2"),
    "tar.xz": tarred(SAID, "w:xz"),
    "gz behind a tar": tarred(b"x", "w") + gzip.compress(SAID),
    "gz behind a gz": gzip.compress(b"x") + gzip.compress(SAID),
    "zip behind other bytes": b"stub" + bytes(9) + zipped(SAID),
    "zip before a zip": zipped(SAID) + zipped(b"x"),
    "zip behind a png": PNG + zipped(SAID),
    "zip behind a jpeg": JPEG + zipped(SAID),
}


@pytest.mark.parametrize("kind", OPENED)
def test_what_is_packed_is_opened_whatever_its_name(kind: str, tmp_path: Path) -> None:
    assert not within(tmp_path, "a", OPENED[kind]).frame.is_empty()


def test_gz_in_a_cell_and_bytes_kept_as_numbers_are_read(tmp_path: Path) -> None:
    for cell in (pl.Series([gzip.compress(SAID)]), pl.Series([WORD.encode("utf-16")]),
                 pl.Series([list(PROGRAM)], dtype=pl.List(pl.UInt8))):  # fmt: skip
        held = io.BytesIO()
        pl.DataFrame({"t": cell}).write_parquet(held)
        assert not within(tmp_path, "a.parquet", held.getvalue()).frame.is_empty()


def encrypted(data: bytes) -> bytes:
    """Return a zip of which the list of members says that they are encrypted."""
    made = bytearray(zipped(data))
    made[made.rindex(b"PK\x01\x02") + 8] |= 1
    return bytes(made)


RANDOM = b"".join(hashlib.sha256(bytes((one,))).digest() for one in range(9))
UNOPENED = {
    "7z": (b"7z\xbc\xaf\x27\x1c" + RANDOM, "7z"),
    "rar": (b"Rar!\x1a\x07\x01\x00" + RANDOM, "RAR"),
    "zstd": (b"\x28\xb5\x2f\xfd" + RANDOM, "zstd"),
    "avro": (b"Obj\x01" + RANDOM, "Avro"),
    "arrow": (b"ARROW1\0\0" + RANDOM, "Arrow"),
    "sqlite": (b"SQLite format 3\0" + RANDOM, "SQLite"),
    "rtf": (b"{\\rtf1 nothing}", "RTF"),
    "program before a zip": (b"MZ" + RANDOM + zipped(b"x"), "a program"),
    "anything": (RANDOM, "of no kind that is opened"),
    "anything that says it is UTF-16": (b"\xff\xfe" + RANDOM, "of no kind that is opened"),
    "latin 1": ("Zürich".encode("latin-1"), "of no kind that is opened"),
    "behind a png": (PNG + RANDOM, "of no kind that is opened"),
    "behind a jpeg": (JPEG + b"Rar!" + RANDOM, "RAR"),
    "jpeg without an end": (JPEG[:-2], "a picture without an end"),
    "encrypted zip": (encrypted(SAID), "encrypted"),
    "cut bz2": (bz2.compress(SAID)[:-4], "cannot be unpacked"),
    "cut xz": (lzma.compress(SAID)[:-4], "cannot be unpacked"),
}


@pytest.mark.parametrize("kind", UNOPENED)
def test_what_was_not_opened_is_named_and_nothing_is_clean(kind: str, tmp_path: Path) -> None:
    data, why = UNOPENED[kind]
    found = within(tmp_path, "a.csv", data)
    assert any(why in one for one in found.unread["why"]), found
    assert not found.clean


def test_pictures_and_fonts_are_searched_as_bytes_and_that_is_said(tmp_path: Path) -> None:
    for name, data in {"a.png": PNG, "a.jpg": JPEG, "a.otf": b"OTTO" + bytes(30)}.items():
        within(tmp_path, name, data)
    found = searched(tmp_path, SECRETS)
    assert found.clean
    assert found.as_bytes == 3
    assert "searched as bytes alone: 3 pictures and fonts" in repr(found)
    assert not within(tmp_path, "b.otf", b"OTTO" + bytes(30) + SAID).frame.is_empty()


def escaped(way: str, said: str = WORD) -> str:
    return "".join(way % ord(one) for one in said)


HALVES = WORD[:21], WORD[21:]
TEXTS: dict[str, bytes] = {
    **{f"U+{one:04X}": chr(one).join(HALVES).encode()
       for one in (*range(0x200B, 0x2010), 0x2060, 0xAD, 0xFEFF, 0x2009, 0xA0)},
    "groups of four": " ".join(WORD[at : at + 4] for at in range(0, len(WORD), 4)).encode(),
    "dashes": "-".join(WORD[at : at + 8] for at in range(0, len(WORD), 8)).encode(),
    "wrapped": "\r\n    ".join(HALVES).encode(),
    "bytes with colons": ":".join(f"{one:02x}" for one in PROGRAM[1:]).encode(),
    "percent signs": escaped("%%%02x").encode(),
    "escapes": escaped("\\u%04x").encode(),
    "escapes of bytes": escaped("\\x%02x").encode(),
    "entities": escaped("&#%d;").encode(),
    "entity that is not seen": "&#8203;".join(HALVES).encode(),
    "escape that is not seen": "\\u200b".join(HALVES).encode(),
    "utf-16": f"a,{' '.join(HALVES)}".encode("utf-16"),
    "utf-16, big": f"a,{' '.join(HALVES)}".encode("utf-16-be"),
    "base64 wrapped": b"\n".join(
        base64.b64encode(b"hello" * 8 + WORD.encode())[at : at + 30] for at in range(0, 130, 30)
    ),
    "quoted-printable": quopri.encodestring(b"x" * 60 + WORD.encode()),
    "marks in a text": f"{HALVES[0]}<b>{HALVES[1]}".encode(),
    "a comment": f"{HALVES[0]}<!-- > -->{HALVES[1]}".encode(),
    "neighbouring cells": ",".join(HALVES).encode(),
    "json within json": json.dumps({"a": json.dumps({"b": escaped("\\u%04x")})}).encode(),
}  # fmt: skip


@pytest.mark.parametrize("way", TEXTS)
def test_a_text_is_found_however_it_is_parted_or_escaped(way: str, tmp_path: Path) -> None:
    found = within(tmp_path, "a.txt", b"note: " * ("utf-16" not in way) + TEXTS[way])
    forms = set(found.frame["form"]) - {"beginning of its text"}
    assert forms, found
    assert WORD not in repr(found) + str(found.frame.rows())


def test_parts_of_a_mail_are_read(tmp_path: Path) -> None:
    head = b"MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=B\n\n--B\n"
    for way, coded in (
        (b"base64", base64.encodebytes(gzip.compress(SAID))),
        (b"quoted-printable", quopri.encodestring(b"x" * 60 + SAID)),
    ):
        part = b"Content-Transfer-Encoding: " + way + b"\n\n" + coded + b"\n--B--\n"
        assert not within(tmp_path, "a.txt", head + part).frame.is_empty()


def test_a_text_that_stands_there_once_is_told_once(tmp_path: Path) -> None:
    found = within(tmp_path, "a.txt", f"a b & c\\u0041 %41\n{WORD}\n".encode())
    assert set(found.frame["place"]) == {"line 2"}
    both = within(tmp_path, "a.txt", f"{WORD}\n{' '.join(HALVES)}\n".encode())
    assert {"line 1", "without white space"} <= set(both.frame["place"])


SHORT = {
    f"{name}, {first} and {last}, {sign}": f"see {word[:first]}{sign}{word[-last:]}, and"
    for name, word in {"id": ID, "id turned": TXID[::-1].hex(), "0x": "0x" + ID, "btc": WORD,
                       "eth": ETHER}.items()
    for first, last in ((6, 4), (8, 6), (8, 8), (9, 7), (12, 8))
    for sign in ("…", "...", "..", "-", " ... ", "&hellip;")
}  # fmt: skip


@pytest.mark.parametrize("way", SHORT)
def test_shortened_texts_are_found_in_any_cut(way: str, tmp_path: Path) -> None:
    found = within(tmp_path, "a.txt", SHORT[way].encode())
    assert SHORTENED in set(found.frame["form"]), found
    assert (TRANSACTION in set(found.frame["kind"])) == way.startswith(("id", "0x"))


def test_a_shortened_text_of_somebody_else_is_none(tmp_path: Path) -> None:
    other = hashlib.sha256(b"other").hexdigest()
    said = [f"{ID[:8]}…{other[-8:]}", f"{other[:8]}…{ID[-8:]}", f"{ID[:5]}-{ID[-4:]}",
            f"{ID[:8]}9…{ID[-8:]}", f"x{ID[:8]}…{ID[-8:]}", f"{ETHER[:4]}-{ETHER[-4:]}",
            other[:16], ID[:15], "2023-04-10", f"{ETHER[:15]}"]  # fmt: skip
    found = within(tmp_path, "a.txt", "\n".join(said).encode())
    assert found.clean, found


@pytest.mark.parametrize("word", [ID, TXID[::-1].hex(), WORD, ETHER])
def test_a_beginning_alone_is_found(word: str, tmp_path: Path) -> None:
    found = within(tmp_path, "a.txt", f"see {word[:16]}, and".encode())
    assert set(found.frame["form"]) == {"beginning of its text"}
    whole = within(tmp_path, "a.txt", f"see {word}, and".encode())
    assert "beginning of its text" not in set(whole.frame["form"])


@settings(max_examples=60, deadline=None)
@given(st.integers(6, 40), st.integers(4, 20), st.sampled_from(["…", "...", "--", "_"]))
def test_any_cut_is_found(first: int, last: int, sign: str) -> None:
    every = Search([], whole_texts(SECRETS))
    said = f"a {ID[:first]}{sign}{ID[-last:]} b".encode()
    hits = {(hit.needle.who, hit.start) for hit in every.in_bytes(said)}
    assert len(hits) == (1 if first + last < len(ID) else 0)


PACKED = zlib.compress(SAID)


def pdf(head: bytes, data: bytes = PACKED) -> bytes:
    return (
        b"%PDF-1.5\n1 0 obj<<" + head + b"/Length 9>>\nstream\n" + data + b"\nendstream\nendobj\n"
    )


@pytest.mark.parametrize("head", [
    b"/Filter/FlateDecode", b"/Filter 5 0 R", b"/Filter/Fl", b"/X(1 0 obj)/Filter[/FlateDecode]",
    b"/X(" + b"y" * 5_000 + b")/Filter/FlateDecode", b"/Type/EmbeddedFile/Filter/FlateDecode",
])  # fmt: skip
def test_streams_are_read_however_their_packing_is_named(head: bytes, tmp_path: Path) -> None:
    assert not within(tmp_path, "a.pdf", pdf(head)).frame.is_empty()
    assert not within(tmp_path, "a.pdf", b"\n" + pdf(head)).frame.is_empty()


@pytest.mark.parametrize("head", [
    b"/Filter 5 0 R", b"/Filter/LZWDecode", b"/X(" + b"y" * 5_000 + b")", b"/Fi#6cter/LZWDecode",
    b"/Filter[/ASCII85Decode/FlateDecode]", b"/Filter/FlateDecode/DecodeParms<</Predictor 12>>",
])  # fmt: skip
def test_streams_that_cannot_be_decoded_are_named(head: bytes, tmp_path: Path) -> None:
    data = PACKED if b"Predictor" in head else RANDOM
    found = within(tmp_path, "a.pdf", pdf(head, data))
    assert "stream 1" in set(found.unread["place"])
    assert not found.clean


def test_a_file_attached_to_a_pdf_is_opened(tmp_path: Path) -> None:
    held = pdf(b"/Type/EmbeddedFile/Filter/FlateDecode", zlib.compress(zipped(SAID)))
    assert not within(tmp_path, "a.pdf", held).frame.is_empty()


def test_the_type_of_an_attached_file_hides_nothing(tmp_path: Path) -> None:
    held = pdf(
        b"/Type/EmbeddedFile/Subtype/application#2Fzip/Filter/FlateDecode",
        zlib.compress(zipped(SAID)),
    )
    assert not within(tmp_path, "a.pdf", held).frame.is_empty()


@pytest.mark.parametrize("title", [
    b"<FEFF" + WORD.encode("utf-16-be").hex().encode() + b">",
    b"(" + b"".join(b"\\%03o" % one for one in WORD.encode()) + b")",
    b"(" + b"".join(b"\\000%c" % one for one in WORD.encode()) + b")",
    b"(of (somebody (called " + WORD[:20].encode() + b"\\\n" + WORD[20:].encode() + b")))",
])  # fmt: skip
def test_titles_are_read(title: bytes, tmp_path: Path) -> None:
    held = pdf(b"") + b"2 0 obj<</Title" + title + b">>endobj"
    assert not within(tmp_path, "a.pdf", held).frame.is_empty()


HOSTILE = {
    "a.pdf": b"%PDF-1.4\n" + b"<<" * 100_000,
    "b.pdf": b"%PDF-1.4\n(" + b"\\(" * 100_000 + b"\\",
    "c.pdf": b"%PDF-1.4\n" + b">>stream\n" * 20_000,
    "a.html": b"<" * 300_000,
    "b.html": b"<!--" * 100_000,
    "a.txt": b"a1b2:" * 60_000,
    "a.csv": (WORD.encode() + b",1\n") * 4_000,
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_files_take_a_time_that_is_linear(name: str, tmp_path: Path) -> None:
    begun = time.process_time()
    within(tmp_path, name, HOSTILE[name])
    assert time.process_time() - begun < 4


@given(st.binary(min_size=200, max_size=400))
def test_packed_bytes_are_no_text(data: bytes) -> None:
    packed = zlib.compress(data)
    if len(set(data)) > 60:
        assert text_of(packed) is None
        assert text_of(b"\xff\xfe" + packed) is None


def test_a_beginning_that_several_share_names_nobody() -> None:
    one, two, alone = (
        Needle(data, "masked address", BEGINNING, who, True)
        for data, who in ((b"0x2e2e2e2e2e2e2e", "a"), (b"0x2e2e2e2e2e2e2e", "b"),
                          (b"0x3f3f3f3f3f3f3f", "a"))
    )  # fmt: skip
    found = Search([one, two, alone]).in_bytes(b"0x2e2e2e2e2e2e2e99 0x3f3f3f3f3f3f3f77")
    assert [hit.needle.data for hit in found] == [alone.data]
