"""A file that was read: its row of ``answers``, so that what was read can be shown."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from io import BufferedReader
from pathlib import Path

import polars as pl

from chainwatch.errors import InputError
from chainwatch.ledger import schema
from chainwatch.units import counted

AHEAD = timedelta(hours=2)
"""How far the clock of a block may run ahead."""


@dataclass(frozen=True)
class FileRead:
    """Name without folder, SHA-256, size in bytes, time of acquisition, and bytes if kept."""

    name: str
    digest: bytes
    size: int
    acquired: datetime
    body: bytes | None = None


def read_time(acquired: datetime | None) -> datetime:
    """Return a time of acquisition in UTC: now, if none is given; a naive one means UTC."""
    if acquired is None:
        return datetime.now(UTC)
    return acquired.replace(tzinfo=UTC) if acquired.tzinfo is None else acquired.astimezone(UTC)


def answer(file: FileRead, source: str) -> pl.DataFrame:
    """Return the row of ``answers`` of a file."""
    row = {
        "digest": file.digest, "source": source, "request": safe_name(file.name), "host": None,
        "time": file.acquired, "size": file.size, "body": file.body,
    }  # fmt: skip
    return pl.DataFrame([row], schema=schema.ANSWERS.schema, orient="row")


def later_than_read(times: pl.Series, file: FileRead) -> tuple[str, ...]:
    """Return in words that rows are later than the file was obtained: no chain had them then.

    A miner's clock may run two hours ahead. Nothing is said of a row without a time.
    """
    late = times.filter(times > file.acquired + AHEAD)
    if not late.len():
        return ()
    count = counted(late.len(), "row is", "rows are")
    last: datetime = late.max()  # type: ignore[assignment]  # a column of times
    return (
        f"{count} of a time after the file was obtained ({file.acquired:%Y-%m-%d %H:%M}), up to"
        f" {last:%Y-%m-%d %H:%M}: the times are wrong, or when it was obtained"
        f" (SHA-256 {file.digest.hex()})",
    )


def safe_name(name: str) -> str:
    """Return a file name as valid text: bytes that are no UTF-8 are written out."""
    return name.encode("utf-8", "backslashreplace").decode()


def file_digest(path: Path) -> tuple[str, bytes, int]:
    """Return name, SHA-256 and size of a file as it stands now.

    Raises
    ------
    InputError
        If it is there no more.
    """
    with opened(path) as handle:
        digest = hashlib.file_digest(handle, "sha256").digest()
        return path.name, digest, handle.tell()


def opened(path: Path) -> BufferedReader:
    """Open a file that was listed before.

    Raises
    ------
    InputError
        If it is there no more.
    """
    try:
        return path.open("rb")
    except FileNotFoundError:
        raise InputError(
            "the file is gone since it was listed",
            where=path.name,
            remedy="run the same command again; where a node prunes its folder, stop it before",
        ) from None
