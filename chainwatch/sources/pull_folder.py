"""The folder that a pull makes for its ledger, and takes away again where nothing came of it."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from chainwatch.errors import LedgerError, LedgerLocked
from chainwatch.ledger.store import Store
from chainwatch.ledger.writer import locked


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
            # Where a file that is open cannot be removed, the lock is left, and harms nobody.
            shutil.rmtree(made[0], ignore_errors=os.name == "nt")
    except LedgerLocked:
        return
    for folder in made[1:]:
        if not folder.is_dir() or any(folder.iterdir()):
            return
        folder.rmdir()


def _committed(folder: Path) -> bool:
    """Tell whether another process has committed to a ledger meanwhile."""
    try:
        return Store.open(folder).head() is not None
    except LedgerError:  # it was not even made whole
        return False
