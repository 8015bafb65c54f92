"""What bytes are: text, something packed that can be opened, or nothing that is known.

Told by how they begin and by what they hold, never by a name alone: whatever is no text and was not
opened is said.
"""

from __future__ import annotations

import bz2
import io
import lzma
import re
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from typing import NamedTuple

ZIP, GZ, BZ2, XZ = b"PK\x03\x04", b"\x1f\x8b\x08", b"BZh", b"\xfd7zXZ\0"
PNG, JPEG = b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff"
_FONTS = (b"OTTO", b"\0\1\0\0", b"true", b"ttcf", b"wOFF", b"wOF2")

_UNOPENED = {
    b"7z\xbc\xaf\x27\x1c": "7z", b"Rar!": "RAR", b"\x28\xb5\x2f\xfd": "zstd", b"Obj\1": "Avro",
    b"ARROW1": "Arrow", b"\x04\x22\x4d\x18": "LZ4", b"MZ": "a program", b"\x7fELF": "a program",
    b"SQLite format 3": "SQLite", b"\xd0\xcf\x11\xe0": "an old office file",
    b"\x1f\x9d": "compress",
    b"LZIP": "lzip", b"\x5d\0\0": "LZMA", b"%!PS": "PostScript", b"{\\rtf": "RTF",
    b"GIF8": "GIF", b"II*\0": "TIFF", b"MM\0*": "TIFF", b"MSCF": "CAB", b"begin ": "uuencode",
    b"=ybegin": "yEnc",
}  # fmt: skip
"""How files begin that are not opened (GIF and TIFF pack their notes too)."""

FAULTS = (zipfile.BadZipFile, tarfile.TarError, zlib.error, lzma.LZMAError, OSError, EOFError,
          RuntimeError, NotImplementedError, ValueError)  # fmt: skip
"""What packed files that are damaged raise."""

_CONTROLS = bytes(one for one in range(32) if one not in b"\t\n\v\f\r\x1b") + b"\x7f"
_FEW = 100
"""A text has at most one control character in so many."""


class Member(NamedTuple):
    """A member of something packed; no bytes where it could not be read, and why."""

    name: str
    data: bytes | None
    why: str = ""


def text_of(data: bytes) -> str | None:
    """Return a text in UTF-8, or in UTF-16 of which most letters are those of Europe; else None."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        ways = ["utf-16"]
    elif b"\0" in data:
        ways = ["utf-16-le", "utf-16-be"]
    else:
        ways = ["utf-8-sig"]
    for way in ways:
        try:
            said = data.decode(way)
        except UnicodeDecodeError:
            continue
        if way == "utf-8-sig":
            odd = len(data) - len(data.translate(None, _CONTROLS))
            return said if odd * _FEW <= len(data) else None
        # Any bytes are letters of some script in UTF-16: packed bytes are not taken for a text.
        plain = len(re.findall("[\t\n\r -\u07ff\u2000-\u206f]", said))
        if plain * 10 >= len(said) * 9 and "\0" not in said:
            return said
    return None


def unopened(data: bytes) -> str:
    """Return why bytes that are neither text nor opened were not read; empty of an empty file."""
    for start, name in _UNOPENED.items():
        if data.startswith(start):
            return f"it is {name}, which is not opened"
    return "it is no text in UTF-8 or UTF-16, and of no kind that is opened"


def is_font(data: bytes) -> bool:
    """Tell whether bytes begin as fonts do."""
    return data.startswith(_FONTS)


def is_unopened(data: bytes) -> bool:
    """Tell whether bytes begin as something that is not opened."""
    return data.startswith(tuple(_UNOPENED))


def is_packed(data: bytes) -> bool:
    """Tell whether bytes begin, or of a zip end, as something that :func:`members` opens."""
    return (
        data.startswith((ZIP, b"PK\x05\x06", GZ, XZ))
        or bool(re.match(rb"BZh[1-9](?:1AY&SY|\x17rE8P\x90)", data))
        or data[257:262] == b"ustar"
        or _is_zlib(data)
        or data.rfind(b"PK\x05\x06", -(1 << 16) - 22) >= 0
    )


def _is_zlib(data: bytes) -> bool:
    if len(data) < 8 or data[0] != 0x78 or int.from_bytes(data[:2], "big") % 31:
        return False
    try:
        return bool(zlib.decompressobj().decompress(data, 1))
    except zlib.error:
        return False


def members(data: bytes, most: int) -> Iterator[Member]:
    """Yield what something packed holds, and whatever stands before, between and behind it.

    Parameters
    ----------
    data : bytes
        The packed bytes.
    most : int
        Bytes to which a member is unpacked.
    """
    if data.startswith(GZ):
        yield from _streamed(data, zlib.decompressobj(wbits=31), most)
    elif data.startswith(BZ2):
        yield from _streamed(data, bz2.BZ2Decompressor(), most)
    elif data.startswith(XZ):
        yield from _streamed(data, lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=1 << 28), most)
    elif _is_zlib(data):
        yield from _streamed(data, zlib.decompressobj(), most)
    elif data[257:262] == b"ustar":
        yield from _tarred(data, most)
    else:
        yield from _zipped(data, most)


def _streamed(data: bytes, stream: object, most: int) -> Iterator[Member]:
    made = stream.decompress(data, most + 1)  # type: ignore[attr-defined]  # three of one manner
    if len(made) > most:
        yield _limited("unpacked", made, most)
        return
    if not stream.eof:  # type: ignore[attr-defined]
        raise EOFError
    yield _limited(_suffix_in(made), made, most)
    rest = stream.unused_data  # type: ignore[attr-defined]
    if rest.strip(b"\0"):  # further parts of the same kind are opened in their turn
        yield Member("behind its end", rest.lstrip(b"\0"))


def _zipped(data: bytes, most: int) -> Iterator[Member]:
    with zipfile.ZipFile(io.BytesIO(data)) as packed:
        at = 0
        for one in sorted(packed.infolist(), key=lambda one: one.header_offset):
            # What no list of members names is read as a file of its own.
            if data[at : one.header_offset].strip(b"\0"):
                yield Member("between its members", data[at : one.header_offset])
            if one.flag_bits & 1:
                yield Member(one.filename, None, "it is encrypted")
            elif not one.is_dir():
                with packed.open(one) as member:
                    yield _limited(one.filename, member.read(most + 1), most)
            at = max(at, _end_of(data, one))
        if data[at : packed.start_dir].strip(b"\0"):
            yield Member("between its members", data[at : packed.start_dir])
        for one in packed.infolist():
            if one.comment or one.extra:
                yield Member("note of a member.txt", one.comment)
        yield Member("comment", packed.comment)


def _end_of(data: bytes, one: zipfile.ZipInfo) -> int:
    """Return where a member ends: behind its head, its bytes and what describes them."""
    name, extra = (
        int.from_bytes(data[one.header_offset + at : one.header_offset + at + 2], "little")
        for at in (26, 28)
    )
    end = one.header_offset + 30 + name + extra + one.compress_size
    if one.flag_bits & 8:
        end += 16 if data[end : end + 4] == b"PK\x07\x08" else 12
    return end


def _tarred(data: bytes, most: int) -> Iterator[Member]:
    with tarfile.open(fileobj=io.BytesIO(data), mode="r:") as archive:
        for entry in archive:
            held = archive.extractfile(entry) if entry.isfile() else None
            yield _limited(entry.name, b"" if held is None else held.read(most + 1), most)
        if (rest := data[archive.offset :]).strip(b"\0"):
            yield Member("behind its end", rest.lstrip(b"\0"))


def _limited(name: str, data: bytes, most: int) -> Member:
    if len(data) > most:
        return Member(name, None, f"it is longer than {most:,} bytes")
    return Member(name, data)


def _suffix_in(data: bytes) -> str:
    """Return how a file without a name is to be read: by how its content begins."""
    start = data[:256].lstrip()
    if start[:1] in (b"{", b"["):
        return "unpacked.json"
    return "unpacked.html" if start[:1] == b"<" else "unpacked"


def behind_picture(data: bytes) -> bytes | None:
    """Return what stands behind the end of a PNG or JPEG; None where it has no end."""
    if data.startswith(PNG):
        at = len(PNG)
        while at + 12 <= len(data):
            kind = data[at + 4 : at + 8]
            at += 12 + int.from_bytes(data[at : at + 4], "big")
            if kind == b"IEND":
                return data[at:]
        return None
    at = 2
    while data[at : at + 1] == b"\xff" and (mark := data[at + 1 : at + 2]):
        if mark == b"\xd9":
            return data[at + 2 :]
        at += 2 + int.from_bytes(data[at + 2 : at + 4], "big")
        if mark == b"\xda":  # drawn bytes until a mark that is neither a zero nor a restart
            found = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]").search(data, at)
            at = len(data) if found is None else found.start()
    return None
