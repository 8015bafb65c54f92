"""What a PDF says: its streams unpacked, and its text, whatever fonts it is set in.

A font's letters are numbers that a table of the file turns into text. Which font sets which letters
is not worked out: every text is read by every table of the file. By a wrong one it is gibberish, in
which nothing is found by chance.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator
from typing import NamedTuple

_STREAM = re.compile(rb">>\s{0,16}stream\r?\n")
_NUMBER = re.compile(rb"\d\s{1,8}obj\b")
_LONGEST_HEAD = 4000
"""Bytes of the dictionary of a stream: what is longer is not read, and said."""
_PICTURES = (b"DCTDecode", b"JPXDecode", b"CCITTFaxDecode", b"JBIG2Decode")
# A string that nothing closes ends where the next begins: what was looked at is never looked at
# again, so that the time is that of one reading whatever the file holds.
_STRING = re.compile(rb"\((?P<text>(?:\\.|[^\\()]|\((?:\\.|[^()\\])*\))*)(?:\)|(?=\()|\\?\Z)"
                     rb"|<(?P<hex>[0-9A-Fa-f\s]+)>", re.DOTALL)  # fmt: skip
_ESCAPE = re.compile(rb"\\([0-7]{1,3}|\r\n|.)", re.DOTALL)
_ESCAPED = {b"n": b"\n", b"r": b"\r", b"t": b"\t", b"b": b"\b", b"f": b"\f",
            b"\n": b"", b"\r": b"", b"\r\n": b""}  # fmt: skip
_HEX = re.compile(rb"<([0-9A-Fa-f\s]*)>")
_FILTER = re.compile(rb"/Filter\s*(\[[^\]]*\]|/\w+)")
_SHORT = {b"Fl": b"FlateDecode", b"DCT": b"DCTDecode"}
_OPERATORS = re.compile(rb"\bT[jJ]\b")


class PdfPart(NamedTuple):
    """A part of a PDF: where it stands, its bytes, and why they could not be read, if so."""

    place: str
    data: bytes
    why: str = ""
    attached: bool = False


class _Stream(NamedTuple):
    """Where the bytes of a stream stand, and its dictionary; none where it is too long."""

    head: bytes
    start: int
    end: int


def _streams(data: bytes) -> Iterator[_Stream]:
    """Yield the streams, each byte looked at a fixed number of times."""
    at = 0
    while found := _STREAM.search(data, at):
        end = data.find(b"endstream", found.end())
        if end < 0:
            end = len(data)  # a reader that mends files shows it all the same
        # The dictionary begins behind the number of the object, which stands right before it.
        before = data[max(at, found.start() - _LONGEST_HEAD) : found.start()]
        begun = list(_NUMBER.finditer(before))
        head = before[begun[-1].end() :] if begun else b""
        yield _Stream(head, found.end(), end)
        at = end


_TYPE = re.compile(rb"(/Subtype\s*/\w+)#2[Ff](?=\w)")
"""The slash in the type of a file that is embedded, such as text/csv: no packing hides in it."""


def pdf_parts(data: bytes, most: int) -> Iterator[PdfPart]:
    """Yield the streams of a PDF unpacked, its notes, and what its pages say without white space.

    Parameters
    ----------
    data : bytes
        The file.
    most : int
        Bytes to which a stream is unpacked.
    """
    if b"/Encrypt" in data:
        yield PdfPart("", b"", "the PDF is encrypted")
        return
    streams, between, at = [], [], 0
    for number, found in enumerate(_streams(data), 1):
        between.append(data[at : found.start])
        at = found.end
        made, why = _unpacked(found.head, data[found.start : found.end], most)
        place = f"stream {number}"
        if why:
            yield PdfPart(place, b"", why)
        elif made is not None:
            yield PdfPart(place, made, attached=b"/EmbeddedFile" in found.head)
            streams.append((place, made))
            if b"/ObjStm" in found.head:
                notes = b"\n".join(_strings(made))
                yield PdfPart(f"notes in {place}", notes.replace(b"\0", b""))
    around = b"\n".join(_strings(b"".join([*between, data[at:]])))
    yield PdfPart("its notes", around)
    yield PdfPart("its notes", around.replace(b"\0", b""))  # they may be in UTF-16
    tables = [table for _, made in streams if (table := _letters(made))]
    for place, made in streams:
        if _OPERATORS.search(made):
            said = b"".join(_strings(made))
            yield PdfPart(f"text of {place}", _squeezed(said))
            for table in tables:
                yield PdfPart(f"text of {place}", _squeezed(_read(said, table)))


def _unpacked(head: bytes, data: bytes, most: int) -> tuple[bytes | None, str]:
    """Return what a stream holds, or why it could not be read.

    A dictionary may name its packing elsewhere, or be none: what unpacks all the same is read.
    """
    filters, why = _packing(head)
    if filters == [b"FlateDecode"] or why or data[:1] == b"\x78":
        packed = zlib.decompressobj()
        try:
            made = packed.decompress(data, most)
        except zlib.error:
            made = b""
        if made and packed.unconsumed_tail:
            return None, f"a stream is longer than {most:,} bytes"
        if made and not filters and packed.eof:
            return made, ""
        if filters == [b"FlateDecode"] and not why:
            return (made, "") if made or packed.eof else (None, "a stream cannot be unpacked")
    return (None, why) if why else (data, "")


def _packing(head: bytes) -> tuple[list[bytes], str]:
    """Return the filters that a dictionary names, and why they are none that are read."""
    if not head:
        return [], "a stream has a dictionary that is too long, or none"
    named = [_SHORT.get(one, one) for part in _FILTER.findall(head)
             for one in re.findall(rb"/(\w+)", part)]  # fmt: skip
    if b"#" in _TYPE.sub(rb"\1", head) or (not named and b"/Filter" in head):
        return [], "a stream names its packing in a way that is not read"
    rows = re.search(rb"/Predictor\s*(?:[2-9]|1\d)", head)
    if rows and not re.search(rb"/XRef\b|/Image\b", head):
        return named, "a stream is packed in a way that is not read"
    if len(named) > 1 or (named and named[0] not in (b"FlateDecode", *_PICTURES)):
        return named, "a stream is packed in a way that is not read"
    return named, ""


def _strings(content: bytes) -> Iterator[bytes]:
    """Yield the strings that a page shows, in their order."""
    for found in _STRING.finditer(content):
        if found["hex"] is not None:
            yield _bytes(found["hex"])
        else:
            yield _ESCAPE.sub(_character, found["text"])


def _character(found: re.Match[bytes]) -> bytes:
    said = found[1]
    if said[:1].isdigit():
        return bytes((int(said, 8) & 0xFF,))
    return _ESCAPED.get(said, said)


def _bytes(digits: bytes) -> bytes:
    text = b"".join(digits.split())
    return bytes.fromhex((text + b"0" * (len(text) % 2)).decode("ascii"))


def _letters(stream: bytes) -> dict[int, bytes]:
    """Return a table of a font, number to text in UTF-8; empty if the stream is none."""
    found: dict[int, bytes] = {}
    for part in _between(stream, b"beginbfchar", b"endbfchar"):
        words = [_bytes(one) for one in _HEX.findall(part)]
        for code, said in zip(words[::2], words[1::2], strict=False):
            found[int.from_bytes(code, "big")] = _utf8(said)
    for part in _between(stream, b"beginbfrange", b"endbfrange"):
        words = [_bytes(one) for one in _HEX.findall(part)]
        for first, last, said in zip(words[::3], words[1::3], words[2::3], strict=False):
            start, end = (int.from_bytes(one, "big") for one in (first, last))
            base = int.from_bytes(said, "big")
            for place in range(min(end - start + 1, 1 << 16)):
                found[start + place] = _utf8((base + place).to_bytes(len(said) + 1, "big")[1:])
    return found


def _between(data: bytes, begin: bytes, end: bytes) -> Iterator[bytes]:
    at = 0
    while (start := data.find(begin, at)) >= 0 and (at := data.find(end, start)) >= 0:
        yield data[start + len(begin) : at]


def _utf8(said: bytes) -> bytes:
    return said.decode("utf-16-be", errors="replace").encode()


def _read(said: bytes, table: dict[int, bytes]) -> bytes:
    """Return a text by a table of two-byte numbers."""
    codes = (int.from_bytes(said[place : place + 2], "big") for place in range(0, len(said), 2))
    return b"".join(table.get(code, b"\xff") for code in codes)


def _squeezed(text: bytes) -> bytes:
    return b"".join(text.split())
