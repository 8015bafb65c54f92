"""The folder that a pull makes for its ledger, and takes away again where nothing came of it."""

from __future__ import annotations

import shutil
from contextlib import suppress
from pathlib import Path

from chainwatch.errors import LedgerError, LedgerLocked
from chainwatch.ledger import schema
from chainwatch.ledger.storage.checksums import LIST
from chainwatch.ledger.storage.lock import LOCK, locked
from chainwatch.ledger.storage.store import DRAFT, MARKER, Store


def missing(folder: Path) -> list[Path]:
    """Return the folders that will have to be made, the innermost first."""
    return [item for item in (folder, *folder.parents) if not item.exists()]


def unmake(made: list[Path]) -> None:
    """Remove the folder of a ledger that nothing was committed to, and the empty ones above it.

    Only who holds its lock may: another process may be about to write into it.
    """
    if not made or not made[0].is_dir():
        return
    try:
        with locked(made[0]):
            if _committed(made[0]):
                return
            _take_away(made[0])
    except LedgerLocked:
        return
    for folder in made:
        if not folder.is_dir() or any(folder.iterdir()):
            return
        folder.rmdir()


def _take_away(folder: Path) -> None:
    """Remove what a ledger consists of; what somebody else has put there stays."""
    names = [table.name for table in (*schema.TABLES, schema.COMMITS)]
    for name in (*names, "index"):
        shutil.rmtree(folder / name, ignore_errors=True)
    for name in (MARKER, DRAFT, LIST, LOCK):
        # Where a file that is open cannot be removed, the lock is left, and harms nobody.
        with suppress(PermissionError):
            (folder / name).unlink(missing_ok=True)


def _committed(folder: Path) -> bool:
    """Tell whether another process has committed to a ledger meanwhile."""
    try:
        return Store.open(folder).head() is not None
    except LedgerError:  # it was not even made whole
        return False
