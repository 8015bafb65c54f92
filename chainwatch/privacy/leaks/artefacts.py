"""What the files of a folder say, in every form in which they can be read.

A file is read as its bytes, and once more as what it is: tables column by column, pages without
their marks, pictures by their notes, packed files by their members, notebooks by their outputs.
Everything read is hostile: nothing is unpacked beyond a limit, and what was not read is said.
"""

from __future__ import annotations

import base64
import binascii
import html
import io
import json
import re
import struct
import tarfile
import zipfile
import zlib
from bisect import bisect_right
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

import polars as pl

from chainwatch.packed import MAX_BYTES
from chainwatch.privacy.leaks.pdf import pdf_parts

DEEPEST = 5
"""Packed files within packed files."""

_MARKS = re.compile(rb"<[^>]*>|\s")
_DATA_URI = re.compile(rb"base64,([A-Za-z0-9+/=\s]{16,})")
_PNG = b"\x89PNG\r\n\x1a\n"
_PAGES = (".html", ".htm", ".svg", ".xml", ".graphml", ".xhtml", ".md")
_NOTES = (b"tEXt", b"zTXt", b"iTXt", b"eXIf", b"iCCP")


class Piece(NamedTuple):
    """Something that a file says: the file, where in it, and the bytes.

    ``ends`` are where each row of a column ends, so that a place can be told by its row. ``why`` is
    why it could not be read; then there are no bytes.
    """

    file: str
    place: str
    data: bytes
    ends: tuple[int, ...] = ()
    why: str = ""

    def where(self, start: int) -> str:
        """Return the place of a byte in words."""
        if self.ends:
            row = bisect_right(self.ends, start) + 1
            return f"{self.place}, row {row}"
        if self.place:
            return self.place
        line = self.data.count(b"\n", 0, start) + 1
        return f"line {line}" if _is_text(self.data) else "bytes"


def pieces(folder: Path) -> Iterator[Piece]:
    """Yield everything that the files of a folder say, and their names.

    Parameters
    ----------
    folder : Path
        The folder, or one file.
    """
    root = folder if folder.is_dir() else folder.parent
    for path in sorted(folder.rglob("*")) if folder.is_dir() else [folder]:
        name = path.relative_to(root).as_posix()
        yield Piece(name, "its name", name.encode("utf-8", "surrogateescape"))
        if path.is_symlink() or not (path.is_file() or path.is_dir()):
            yield Piece(name, "", b"", why="it is no file of its own, but a link or a device")
        elif path.is_file():
            if path.stat().st_size > MAX_BYTES:
                yield Piece(name, "", b"", why=f"it is longer than {MAX_BYTES:,} bytes")
            else:
                yield from _file(name, "", path.read_bytes(), 0)


def _file(file: str, member: str, data: bytes, deep: int) -> Iterator[Piece]:
    """Yield what a file or a member of one says."""
    inside = f"{member}: " if member else ""
    yield Piece(file, member, data)
    if b"\0" in data:  # UTF-16, and texts with a zero behind each letter
        yield Piece(file, f"{inside}without zeros", data.replace(b"\0", b""))
    kind = PurePosixPath(member or file).suffix.lower()
    for one in _read_as(kind, file, inside, data, deep):
        yield one._replace(file=file)


def _read_as(kind: str, file: str, inside: str, data: bytes, deep: int) -> Iterator[Piece]:
    if data.startswith(b"PAR1"):
        yield from _table(file, inside, data)
    elif data.startswith(b"%PDF"):
        for part in pdf_parts(data, MAX_BYTES):
            yield Piece(file, f"{inside}{part.place}", part.data, why=part.why)
    elif data.startswith(_PNG):
        yield from _picture(file, inside, data)
    elif data.startswith((b"PK\x03\x04", b"\x1f\x8b")) or kind == ".tar":
        yield from _members(file, inside, data, deep)
    elif kind in (".json", ".ipynb", ".geojson", ".jsonl", ".ndjson"):
        yield from _json(file, inside, data, deep)
    elif kind in _PAGES:
        yield from _page(file, inside, data, deep)


def _page(file: str, inside: str, data: bytes, deep: int) -> Iterator[Piece]:
    """Yield a page without its marks, its characters as they are read, and what it embeds."""
    bare = _MARKS.sub(b"", data)
    yield Piece(file, f"{inside}text of the page", bare)
    if b"&" in bare:
        read = html.unescape(bare.decode("utf-8", "replace")).encode()
        yield Piece(file, f"{inside}text of the page", read)
    if b"%" in data:
        from urllib.parse import unquote_to_bytes

        yield Piece(file, f"{inside}its addresses of pages", unquote_to_bytes(data))
    for number, found in enumerate(_DATA_URI.findall(data), 1):
        yield from _coded(file, f"{inside}embedded {number}", found, deep)


def _coded(file: str, place: str, coded: bytes, deep: int) -> Iterator[Piece]:
    """Yield what stands in base64."""
    try:
        made = base64.b64decode(b"".join(coded.split()) + b"==")
    except (binascii.Error, ValueError):
        yield Piece(file, place, b"", why="its base64 is damaged")
        return
    yield from _nested(file, place, made, deep)


def _nested(file: str, member: str, data: bytes, deep: int) -> Iterator[Piece]:
    if deep >= DEEPEST:
        yield Piece(file, member, b"", why=f"it is packed more than {DEEPEST} times")
    else:
        yield from _file(file, member, data, deep + 1)


def _json(file: str, inside: str, data: bytes, deep: int) -> Iterator[Piece]:
    """Yield the strings of JSON as they are read, lists of them joined, and what they hold."""
    said: list[str] = []
    try:
        text = data.decode("utf-8-sig")
        lines = [text] if _is_one(text) else text.splitlines()
        parsed = [json.loads(line) for line in lines if line.strip()]
        for one in parsed:
            said.extend(_texts(one))
    except (ValueError, RecursionError):
        yield Piece(file, inside.rstrip(": "), b"", why="it is no JSON")
        return
    yield Piece(file, f"{inside}its texts", "\n".join(said).encode("utf-8", "replace"))
    for number, one in enumerate(parsed, 1):
        yield from _outputs(file, inside, one, deep, number)


def _is_one(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


def _texts(value: Any) -> Iterator[str]:
    """Yield every string; a list of strings, as notebooks keep lines, is one."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, item in value.items():
            yield key
            yield from _texts(item)
    elif isinstance(value, list):
        if value and all(isinstance(item, str) for item in value):
            yield "".join(value)
        for item in value:
            yield from _texts(item)


def _outputs(file: str, inside: str, book: Any, deep: int, number: int) -> Iterator[Piece]:
    """Yield what the cells of a notebook show: pages and pictures, as files of their own."""
    cells = book.get("cells") if isinstance(book, dict) else None
    for place, cell in enumerate(cells if isinstance(cells, list) else [], 1):
        outputs = cell.get("outputs") if isinstance(cell, dict) else None
        for output in outputs if isinstance(outputs, list) else []:
            data = output.get("data") if isinstance(output, dict) else None
            for kind, shown in (data if isinstance(data, dict) else {}).items():
                parts = shown if isinstance(shown, list) else [shown]
                text = "".join(item for item in parts if isinstance(item, str))
                where = f"{inside}cell {place}, {kind}"
                if kind.startswith("image/") and kind != "image/svg+xml":
                    yield from _coded(file, where, text.encode(), deep)
                elif kind in ("text/html", "image/svg+xml"):
                    yield from _page(file, f"{where}: ", text.encode(), deep)


def _table(file: str, inside: str, data: bytes) -> Iterator[Piece]:
    """Yield the columns of a Parquet file."""
    try:
        frame = pl.read_parquet(io.BytesIO(data))
    except (pl.exceptions.PolarsError, OSError):
        yield Piece(file, inside.rstrip(": "), b"", why="it is no whole Parquet file")
        return
    for column in frame.iter_columns():
        yield from _column(file, f"{inside}column {column.name}", column)


def _column(file: str, place: str, column: pl.Series) -> Iterator[Piece]:
    if column.dtype == pl.Binary:
        cells = [cell or b"" for cell in column.to_list()]
    elif column.dtype == pl.String or isinstance(column.dtype, (pl.Categorical, pl.Enum)):
        cells = [(cell or "").encode() for cell in column.cast(pl.String).to_list()]
    elif column.dtype.is_nested():
        cells = [_nested_bytes(cell) for cell in column.to_list()]
    else:
        return  # numbers and times
    joined, ends, at = b"\n".join(cells), [], 0
    for cell in cells:
        at += len(cell) + 1
        ends.append(at)
    yield Piece(file, place, joined, tuple(ends))


def _nested_bytes(value: Any) -> bytes:
    """Return the texts and bytes of a nested cell."""
    if isinstance(value, bytes):
        return value
    if isinstance(value, str):
        return value.encode()
    if isinstance(value, dict):
        return b"\n".join(map(_nested_bytes, value.values()))
    return b"\n".join(map(_nested_bytes, value)) if isinstance(value, (list, pl.Series)) else b""


def _picture(file: str, inside: str, data: bytes) -> Iterator[Piece]:
    """Yield the notes of a PNG file."""
    at = len(_PNG)
    while at + 8 <= len(data):
        size, kind = struct.unpack(">I4s", data[at : at + 8])
        body = data[at + 8 : at + 8 + size]
        if kind in _NOTES:
            note = f"{inside}note {kind.decode()}"
            yield Piece(file, note, body)
            packed = _inflated(body)
            if packed is not None:
                yield Piece(file, note, packed)
        at += 12 + size
    trailing = data.rpartition(b"IEND")[2][4:]
    if trailing:
        yield Piece(file, f"{inside}behind its end", trailing)


def _inflated(body: bytes) -> bytes | None:
    """Return what a note of a PNG holds packed: it begins behind a zero byte."""
    for found in re.finditer(b"\x78[\x01\x5e\x9c\xda]", body):
        try:
            return zlib.decompressobj().decompress(body[found.start() :], MAX_BYTES)
        except zlib.error:
            continue
    return None


def _members(file: str, inside: str, data: bytes, deep: int) -> Iterator[Piece]:
    """Yield the members of a packed file."""
    try:
        for name, member in _unpacked(data):
            place = f"{inside}{name}"
            yield Piece(file, f"{inside}name of a member", name.encode("utf-8", "replace"))
            if member is None:
                yield Piece(file, place, b"", why=f"it is longer than {MAX_BYTES:,} bytes")
            else:
                yield from _nested(file, place, member, deep)
    except (zipfile.BadZipFile, tarfile.TarError, zlib.error, OSError, EOFError, RuntimeError,
            NotImplementedError, ValueError):  # fmt: skip
        yield Piece(file, inside.rstrip(": "), b"", why="it cannot be unpacked")


def _unpacked(data: bytes) -> Iterator[tuple[str, bytes | None]]:
    """Yield name and bytes of each member; None instead of more than ``MAX_BYTES``."""
    if data.startswith(b"PK"):
        with zipfile.ZipFile(io.BytesIO(data)) as packed:
            for one in packed.infolist():
                if not one.is_dir():
                    with packed.open(one) as member:
                        yield one.filename, _limited(member.read(MAX_BYTES + 1))
            yield "comment", packed.comment
        return
    if data.startswith(b"\x1f\x8b"):
        stream = zlib.decompressobj(wbits=31)
        made = stream.decompress(data, MAX_BYTES + 1)
        if len(made) <= MAX_BYTES and not stream.eof:
            raise EOFError
        if stream.unused_data.startswith(b"\x1f\x8b"):
            yield from _unpacked(stream.unused_data)
        yield _suffix_in(made), _limited(made)
        return
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        for entry in archive:
            held = archive.extractfile(entry) if entry.isfile() else None
            yield entry.name, b"" if held is None else _limited(held.read(MAX_BYTES + 1))


def _suffix_in(data: bytes) -> str:
    """Return how a file without a name is to be read: by how its content begins."""
    if data[257:262] == b"ustar":
        return "unpacked.tar"
    start = data[:256].lstrip()
    if start[:1] in (b"{", b"["):
        return "unpacked.json"
    return "unpacked.html" if start[:1] == b"<" else "unpacked"


def _limited(data: bytes) -> bytes | None:
    return data if len(data) <= MAX_BYTES else None


def _is_text(data: bytes) -> bool:
    return b"\0" not in data[:4096]
