"""What stays at the desk: data of a run, its ledger as it was read, whom names stand for."""

from __future__ import annotations

import os
from pathlib import Path

import polars as pl

from chainwatch.addresses.canonical import parse
from chainwatch.case.bundle.contents import MASK_KEY
from chainwatch.case.bundle.extract import pinned_ledger
from chainwatch.case.file.model import DATA_VARIABLE
from chainwatch.case.recipes.rerun import Rerun
from chainwatch.case.recipes.run import ANNEX, DATA, LEDGER
from chainwatch.errors import CaseError
from chainwatch.ledger.ledger import Ledger
from chainwatch.privacy.edition import DISCLOSURE, Edition
from chainwatch.privacy.mask_key import read_mask_key, recipient_key


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


def recipient_annex(run: str | Path, recipient: str) -> pl.DataFrame:
    """Return whom the pseudonyms of one recipient's bundle stand for: for the desk alone.

    Parameters
    ----------
    run : path
        Folder of the run, with its annex.
    recipient : str
        For whom the bundle was made.

    Returns
    -------
    polars.DataFrame
        ``chain, pseudonym`` (the recipient's), ``of_the_case`` (that of the annex), ``address``.

    Raises
    ------
    InputError
        If the annex has no key.
    """
    annex = Path(run) / ANNEX
    theirs = Edition(DISCLOSURE, recipient_key(read_mask_key(annex / MASK_KEY), recipient))
    rows = pl.read_parquet(annex / "pseudonyms.parquet").select("chain", "pseudonym", "address")
    made = [
        (chain, theirs.pseudonym(chain, parse(address, chain)), pseudonym, address)
        for chain, pseudonym, address in rows.iter_rows()
    ]
    names = ("chain", "pseudonym", "of_the_case", "address")
    return pl.DataFrame(made, schema=dict.fromkeys(names, pl.String), orient="row")
