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
import zlib
from bisect import bisect_right
from collections.abc import Iterator
from itertools import islice
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

import polars as pl

from chainwatch.packed import MAX_BYTES
from chainwatch.privacy.leaks.packing import (
    FAULTS,
    GZ,
    JPEG,
    PNG,
    XZ,
    ZIP,
    behind_picture,
    is_font,
    is_packed,
    is_unopened,
    members,
    text_of,
    unopened,
)
from chainwatch.privacy.leaks.pdf import pdf_parts
from chainwatch.privacy.leaks.texts import mail_parts, other_forms, without_marks

DEEPEST = 5
"""Packed files within packed files."""

_DATA_URI = re.compile(rb"base64,([A-Za-z0-9+/=\s]{16,})")
_PAGES = (".html", ".htm", ".svg", ".xml", ".graphml", ".xhtml", ".md")
_IN_CELLS = (ZIP, GZ, XZ, b"BZh91AY&SY", b"%PDF-", PNG, JPEG, b"\x28\xb5\x2f\xfd")
_NOTES = (b"tEXt", b"zTXt", b"iTXt", b"eXIf", b"iCCP")


class Piece(NamedTuple):
    """Something that a file says: the file, where in it, and the bytes.

    ``ends`` are where each row of a column ends, so that a place can be told by its row. ``why`` is
    why it could not be read; then there are no bytes. ``again`` is that it is what the piece before
    says in another form; ``as_bytes`` that its letters, if it has any, are drawn.
    """

    file: str
    place: str
    data: bytes
    ends: tuple[int, ...] = ()
    why: str = ""
    again: bool = False
    as_bytes: bool = False

    def where(self, start: int) -> str:
        """Return the place of a byte in words."""
        if self.ends and self.place:
            return f"{self.place}, row {bisect_right(self.ends, start) + 1}"
        if self.place:
            return self.place
        return f"line {bisect_right(self.ends, start) + 1}" if _is_text(self.data) else "bytes"


def _with_lines(piece: Piece) -> Piece:
    """Return a text of a file with where its lines end, looked for once."""
    if piece.place or not _is_text(piece.data):
        return piece
    found = tuple(one.end() for one in re.finditer(rb"\n", piece.data))
    return piece._replace(ends=found)


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
    yield _with_lines(Piece(file, member, data))
    said = text_of(data)
    if said is not None:
        yield from _forms(file, inside, data if b"\0" not in data else said.encode(), said)
    if b"\0" in data:  # texts with a zero behind each letter, whatever else stands among them
        yield Piece(file, f"{inside}without zeros", data.replace(b"\0", b""))
    kind = PurePosixPath(member or file).suffix.lower()
    yield from _read_as(kind, file, inside, data, said, deep)


def _forms(file: str, inside: str, data: bytes, said: str) -> Iterator[Piece]:
    """Yield what a text says in other forms: told of as well only where they say more."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        data = said.encode()
    for form, made in other_forms(data):
        yield Piece(file, f"{inside}{form}", made, again=True)


def _read_as(
    kind: str, file: str, inside: str, data: bytes, said: str | None, deep: int
) -> Iterator[Piece]:
    """Yield what bytes say as what they are; why not, where they are nothing that is known."""
    if data.startswith(b"PAR1"):
        yield from _table(file, inside, data, deep)
    elif b"%PDF-" in data[:1024]:
        for part in pdf_parts(data, MAX_BYTES):
            yield Piece(file, f"{inside}{part.place}", part.data, why=part.why)
            if part.attached:
                yield from _nested(file, f"{inside}{part.place}", part.data, deep)
    elif data.startswith((PNG, JPEG)):
        yield from _picture(file, inside, data, deep)
    elif is_packed(data):
        yield from _members(file, inside, data, deep)
    elif is_font(data):
        yield Piece(file, inside.rstrip(": "), b"", as_bytes=True)
    elif is_unopened(data) or said is None:
        yield Piece(file, inside.rstrip(": "), b"", why=unopened(data))
    elif kind in (".json", ".ipynb", ".geojson", ".jsonl", ".ndjson"):
        yield from _json(file, inside, data, deep)
    elif mailed := mail_parts(kind, data):
        for number, (ending, coded) in enumerate(mailed, 1):
            place = f"{inside}part {number}{ending}"
            yield from _nested(file, place, coded, deep)
    elif kind in _PAGES or "<" in said:
        yield from _page(file, inside, said.encode(), deep)


def _page(file: str, inside: str, data: bytes, deep: int) -> Iterator[Piece]:
    """Yield a page without its marks, its characters as they are read, and what it embeds."""
    bare = without_marks(data)
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


def _table(file: str, inside: str, data: bytes, deep: int) -> Iterator[Piece]:
    """Yield the columns of a Parquet file."""
    try:
        frame = pl.read_parquet(io.BytesIO(data))
    except (pl.exceptions.PolarsError, OSError):
        yield Piece(file, inside.rstrip(": "), b"", why="it is no whole Parquet file")
        return
    for column in frame.iter_columns():
        place = f"{inside}column {column.name}"
        yield from _column(file, place, column)
        if column.dtype == pl.Binary:
            for row, cell in enumerate(column.to_list(), 1):
                if cell and cell.startswith(_IN_CELLS):
                    yield from _nested(file, f"{place}, row {row}", cell, deep)


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
    said = text_of(joined)
    if said is not None:
        yield from _forms(file, f"{place}: ", joined, said)
    elif b"\0" in joined:
        yield Piece(file, f"{place}: without zeros", joined.replace(b"\0", b""))


def _nested_bytes(value: Any) -> bytes:
    """Return the texts and bytes of a nested cell."""
    if isinstance(value, bytes):
        return value
    if isinstance(value, str):
        return value.encode()
    if isinstance(value, dict):
        return b"\n".join(map(_nested_bytes, value.values()))
    if isinstance(value, (list, pl.Series)) and all(
        isinstance(one, int) and 0 <= one < 256 for one in value
    ):
        return bytes(value)  # bytes that are kept as numbers
    return b"\n".join(map(_nested_bytes, value)) if isinstance(value, (list, pl.Series)) else b""


def _picture(file: str, inside: str, data: bytes, deep: int) -> Iterator[Piece]:
    """Yield the notes of a picture, and what stands behind its end; it is searched as bytes."""
    at = len(PNG) if data.startswith(PNG) else len(data)
    while at + 8 <= len(data):
        size, kind = struct.unpack(">I4s", data[at : at + 8])
        body = data[at + 8 : at + 8 + size]
        if kind in _NOTES:
            note = f"{inside}note {kind.decode()}"
            yield Piece(file, note, body)
            packed = _inflated(body)
            if packed is not None:
                yield Piece(file, note, packed)
            elif kind in (b"zTXt", b"iCCP"):
                yield Piece(file, note, b"", why="it cannot be unpacked")
        at += 12 + size
    behind = behind_picture(data)
    if behind is None:
        yield Piece(file, inside.rstrip(": "), b"", why="it is a picture without an end")
    else:
        yield Piece(file, inside.rstrip(": "), b"", as_bytes=True)
        if behind.strip(b"\0\r\n"):
            yield from _nested(file, f"{inside}behind its end", behind, deep)


def _inflated(body: bytes) -> bytes | None:
    """Return what a note of a PNG holds packed: it begins behind a zero byte."""
    view = memoryview(body)
    for found in islice(re.finditer(b"\x78[\x01\x5e\x9c\xda]", body), 16):
        try:
            return zlib.decompressobj().decompress(view[found.start() :], MAX_BYTES)
        except zlib.error:
            continue
    return None


def _members(file: str, inside: str, data: bytes, deep: int) -> Iterator[Piece]:
    """Yield the members of a packed file."""
    try:
        for name, member, why in members(data, MAX_BYTES):
            place = f"{inside}{name}"
            yield Piece(file, f"{inside}name of a member", name.encode("utf-8", "replace"))
            if member is None:
                yield Piece(file, place, b"", why=why)
            else:
                yield from _nested(file, place, member, deep)
    except FAULTS:
        yield Piece(file, inside.rstrip(": "), b"", why="it cannot be unpacked")


def _is_text(data: bytes) -> bool:
    return b"\0" not in data[:4096]
