"""One writer at a time: the lock of a ledger."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from chainwatch.atomic import InUse, held
from chainwatch.errors import LedgerLocked

LOCK = "writer.lock"


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold the lock of a ledger; the system gives it up if the process dies.

    Raises
    ------
    LedgerLocked
        At once, if somebody else holds it, or has just taken the folder away again.
    InputError
        If the file system knows no locks.
    """
    with ExitStack() as stack:
        try:
            stack.enter_context(held(folder / LOCK))
        except InUse as holder:
            raise LedgerLocked(
                f"another writer holds the ledger{holder}",
                where=str(folder),
                remedy="wait until it has finished, or stop it; reading is possible meanwhile",
            ) from holder
        yield
