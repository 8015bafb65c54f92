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

_STREAM = re.compile(rb"<<(?P<head>(?:(?!endobj).){0,4000}?)>>\s*stream\r?\n(?P<data>.*?)endstream",
                     re.DOTALL)  # fmt: skip
_PICTURES = (b"DCTDecode", b"JPXDecode", b"CCITTFaxDecode", b"JBIG2Decode")
_STRING = re.compile(rb"\((?P<text>(?:\\.|[^\\()]|\([^()]*\))*)\)|<(?P<hex>[0-9A-Fa-f\s]+)>",
                     re.DOTALL)  # fmt: skip
_ESCAPE = re.compile(rb"\\([0-7]{1,3}|\r\n|.)", re.DOTALL)
_ESCAPED = {b"n": b"\n", b"r": b"\r", b"t": b"\t", b"b": b"\b", b"f": b"\f",
            b"\n": b"", b"\r": b"", b"\r\n": b""}  # fmt: skip
_SINGLE = re.compile(rb"beginbfchar(.*?)endbfchar", re.DOTALL)
_RANGE = re.compile(rb"beginbfrange(.*?)endbfrange", re.DOTALL)
_HEX = re.compile(rb"<([0-9A-Fa-f\s]*)>")
_OPERATORS = re.compile(rb"\bT[jJ]\b")


class PdfPart(NamedTuple):
    """A part of a PDF: where it stands, its bytes, and why they could not be read, if so."""

    place: str
    data: bytes
    why: str = ""


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
    streams = []
    for number, found in enumerate(_STREAM.finditer(data), 1):
        made, why = _unpacked(found["head"], found["data"], most)
        place = f"stream {number}"
        if why:
            yield PdfPart(place, b"", why)
        elif made is not None:
            yield PdfPart(place, made)
            streams.append((place, made))
            if b"/ObjStm" in found["head"]:
                notes = b"\n".join(_strings(made))
                yield PdfPart(f"notes in {place}", notes.replace(b"\0", b""))
    around = b"\n".join(_strings(_STREAM.sub(b"", data)))
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
    filters = re.findall(rb"/(\w+Decode)\b", head)
    if any(one in _PICTURES for one in filters):
        return None, ""
    if not filters:
        return data, ""
    if filters != [b"FlateDecode"]:
        return None, "a stream is packed in a way that is not read"
    packed = zlib.decompressobj()
    try:
        made = packed.decompress(data, most)
    except zlib.error:
        return None, "a stream cannot be unpacked"
    if packed.unconsumed_tail:
        return None, f"a stream is longer than {most:,} bytes"
    return made, ""


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
    for part in _SINGLE.findall(stream):
        words = [_bytes(one) for one in _HEX.findall(part)]
        for code, said in zip(words[::2], words[1::2], strict=False):
            found[int.from_bytes(code, "big")] = _utf8(said)
    for part in _RANGE.findall(stream):
        words = [_bytes(one) for one in _HEX.findall(part)]
        for first, last, said in zip(words[::3], words[1::3], words[2::3], strict=False):
            start, end = (int.from_bytes(one, "big") for one in (first, last))
            base = int.from_bytes(said, "big")
            for place in range(min(end - start + 1, 1 << 16)):
                found[start + place] = _utf8((base + place).to_bytes(len(said) + 1, "big")[1:])
    return found


def _utf8(said: bytes) -> bytes:
    return said.decode("utf-16-be", errors="replace").encode()


def _read(said: bytes, table: dict[int, bytes]) -> bytes:
    """Return a text by a table of two-byte numbers."""
    codes = (int.from_bytes(said[place : place + 2], "big") for place in range(0, len(said), 2))
    return b"".join(table.get(code, b"\xff") for code in codes)


def _squeezed(text: bytes) -> bytes:
    return b"".join(text.split())
