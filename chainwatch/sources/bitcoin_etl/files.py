"""Files of JSON rows, a row a line or one list of rows: where each row lies, and its bytes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO

import msgspec

from chainwatch.errors import DumpError, InputError

LONGEST_ROW = 256_000_000
"""Bytes of one row; a transaction of 4 MB is some 20 MB of JSON."""

LARGEST_LIST = 1_000_000_000
"""Bytes of a file that is one JSON list, which is read whole."""

_SPACE = b" \t\r\n"
_MARK = b"\xef\xbb\xbf"  # of UTF-8, as some editors write it


class _Owner(msgspec.Struct):
    block_hash: str


def paths_of(paths: str | Path | Iterable[str | Path]) -> tuple[Path, ...]:
    """Return one path or several as paths.

    Raises
    ------
    InputError
        If one of them is no file, or there is none.
    """
    several = [paths] if isinstance(paths, (str, Path)) else list(paths)
    found = tuple(Path(path) for path in several)
    for path in found:
        if not path.is_file():
            raise InputError("there is no such file", where=path.name, remedy="check the path")
    if not found:
        raise InputError(
            "no file was given", remedy="an export has a file of blocks and one of transactions"
        )
    return found


def raw_rows(path: Path) -> Iterator[tuple[int, bytes]]:
    """Yield the JSON of each row with its place in the file.

    Raises
    ------
    DumpError
        If a row is too long, or a list is cut off or too large.
    """
    with path.open("rb") as handle:
        start = handle.read(64).removeprefix(_MARK).lstrip(_SPACE)
        if start.startswith(b"["):
            yield from _list(path, handle)
            return
        handle.seek(len(_MARK) if _marked(handle) else 0)
        offset = handle.tell()
        while line := handle.readline(LONGEST_ROW + 1):
            if len(line) > LONGEST_ROW:
                raise DumpError(
                    f"a row of more than {LONGEST_ROW:,} bytes", where=_at(path, offset),
                    remedy="write a row a line; no row of a block or transaction is that long",
                )  # fmt: skip
            if line.strip(_SPACE):
                yield offset, line
            offset += len(line)


def _marked(handle: BinaryIO) -> bool:
    handle.seek(0)
    return handle.read(3) == _MARK


def _list(path: Path, handle: BinaryIO) -> Iterator[tuple[int, bytes]]:
    handle.seek(0)
    data = handle.read(LARGEST_LIST + 1)
    if len(data) > LARGEST_LIST:
        raise DumpError(
            f"a list of more than {LARGEST_LIST:,} bytes", where=path.name,
            remedy="write a row a line, which is read in pieces",
        )  # fmt: skip
    at = len(_MARK) if data.startswith(_MARK) else 0
    try:
        rows = msgspec.json.decode(memoryview(data)[at:], type=list[msgspec.Raw])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise DumpError(
            "the list is no JSON, or is cut off", where=path.name,
            remedy="export it again, or write a row a line",
        ) from None  # fmt: skip
    for row in rows:
        raw = bytes(row)
        at = data.index(raw, at)
        yield at, raw
        at += len(raw)


def owner_of(raw: bytes, path: Path, offset: int) -> str:
    """Return the hash of the block that a row of transactions belongs to.

    Raises
    ------
    DumpError
        If the row does not say so.
    """
    try:
        return msgspec.json.decode(raw, type=_Owner).block_hash
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise DumpError(
            "no row of a transaction of bitcoin-etl", where=_at(path, offset),
            remedy="give an export that is whole; a last line is cut off where copying stopped",
        ) from None  # fmt: skip


def _at(path: Path, offset: int) -> str:
    return f"{path.name} byte {offset:,}"
