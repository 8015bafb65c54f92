"""One writer at a time: the lock of a ledger."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

from chainwatch.errors import LedgerLocked


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold the lock of a ledger; the system gives it up if the process dies.

    Raises
    ------
    LedgerLocked
        At once, if somebody else holds it.
    """
    with (folder / LOCK).open("a+b") as handle:
        try:
            _take(handle)
            _check_there(handle, folder / LOCK)
        except OSError as error:
            raise LedgerLocked(
                f"another writer holds the ledger{_holder(handle)}",
                where=str(folder),
                remedy="wait until it has finished, or stop it; reading is possible meanwhile",
            ) from error
        handle.truncate(0)
        handle.write(f"{os.getpid()} {datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}".encode())
        handle.flush()
        yield


def _take(handle: BinaryIO) -> None:
    if sys.platform == "win32":
        import msvcrt

        # A byte beyond the text, so that others can still read who holds the lock.
        handle.seek(1 << 20)
        msvcrt.locking(handle.fileno(), msvcrt.LK_NBLCK, 1)
    else:
        import fcntl

        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)


def _check_there(handle: BinaryIO, path: Path) -> None:
    """Refuse a lock whose file is gone: a pull that wrote nothing removed the folder it made."""
    if os.fstat(handle.fileno()).st_ino != path.stat().st_ino:
        raise FileNotFoundError


def _holder(handle: BinaryIO) -> str:
    handle.seek(0)
    found = re.fullmatch(rb"(\d{1,10}) ([0-9TZ:-]{20})", handle.read(64))
    return f" (process {int(found[1])}, since {found[2].decode()})" if found else ""


LOCK = "writer.lock"
