"""What a bundle is made from at the desk: the data of a run, and its ledger as it was read."""

from __future__ import annotations

import os
from pathlib import Path

from chainwatch.case.bundle.extract import pinned_ledger
from chainwatch.case.file.model import DATA_VARIABLE
from chainwatch.case.recipes.rerun import Rerun
from chainwatch.case.recipes.run import DATA, LEDGER
from chainwatch.errors import CaseError
from chainwatch.ledger.ledger import Ledger


def data_of(run: Path, given: Path | None) -> Path:
    """Return the folder of the data that a case was run with.

    Parameters
    ----------
    run : path
        Folder of the run.
    given : path or None
        The folder; else ``data`` in that of the run, else what ``CHAINWATCH_DATA`` names.

    Raises
    ------
    CaseError
        If there is none.
    """
    beside, named = run / DATA, os.environ.get(DATA_VARIABLE)
    found = given or (beside if beside.is_dir() or not named else Path(named))
    if not found.is_dir():
        raise CaseError(
            "the files that the case read are needed, and nobody said where they are",
            where=str(found), remedy="pass --data with the folder that the case was run with",
        )  # fmt: skip
    return found


def ledger_of(run: Path, rerun: Rerun, given: Path | None) -> Ledger:
    """Return the ledger of a run as of the commit that its case read."""
    place = data_of(run, given) / rerun.outside if rerun.outside else run / LEDGER
    return pinned_ledger(place, rerun)
