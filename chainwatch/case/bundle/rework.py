"""A case made again from what was kept of its run: the same results, in one edition."""

from __future__ import annotations

import tomllib
from pathlib import Path

from chainwatch.case.case import Case
from chainwatch.case.file.model import CaseFile, parse_case
from chainwatch.case.file.source_tables import LedgerTable, servers_of
from chainwatch.case.origin import Origin
from chainwatch.case.recipes.rerun import Rerun
from chainwatch.case.recipes.run import compute
from chainwatch.case.recipes.sources import Leave, Reading, read_sources
from chainwatch.case.recipes.steps import Say
from chainwatch.errors import CaseError
from chainwatch.ledger.ledger import Ledger
from chainwatch.privacy.edition import WORKING
from chainwatch.privacy.leave import Leave as Opening


def config_of(rerun: Rerun) -> CaseFile:
    """Return the case file of a run."""
    return parse_case(tomllib.loads(rerun.text), where="the case file", text=rerun.text)


def rework(
    rerun: Rerun, base: Path, ledger: Ledger, place: Path, *, mask_key: bytes, edition: str,
    tlp: str = "", say: Say,
) -> Case:  # fmt: skip
    """Compute a case anew and write one edition of it; nobody is asked for anything.

    Parameters
    ----------
    rerun : Rerun
        What was kept of the run.
    base : path
        Folder in which the files lie that the case file names.
    ledger : Ledger
        What was read of the chain.
    place : path
        Folder to write; it must not exist.
    mask_key : bytes
        Secret of the pseudonyms.
    edition : str
        ``disclosure`` or ``working``.
    tlp : str
        Its marking; that of the case file, if not given.
    say : function
        Told in one line what is done.
    """
    config = config_of(rerun)
    leaves = tuple(Opening(why, whose) for why, whose in rerun.leaves)
    with Leave().in_force():
        case = compute(
            config, base, Reading(ledger, rerun.notes, rerun.asked), mask_key=mask_key,
            acquired=rerun.acquired, tell=say, opened=lambda: leaves,
        )  # fmt: skip
    case.origin = Origin(rerun.text, rerun.inputs)
    case.tlp = tlp or case.tlp
    head = config.case
    if edition == WORKING:
        case.write(
            place, edition=edition, reason=head.working_reason, authority=head.working_authority
        )
    else:
        case.write(place, edition=edition)
    return case


def check_files_suffice(rerun: Rerun) -> None:
    """Refuse to carry input files where reading them again would not give the same ledger.

    Raises
    ------
    CaseError
        If a source is a server or a ledger, or nobody said when the files were obtained.
    """
    sources = config_of(rerun).sources
    remedy = "leave out --files: the ledger is carried then"
    if any(True for _ in servers_of(sources)):
        raise CaseError("a server was asked, whose answers are in the ledger alone", remedy=remedy)
    if any(isinstance(one, LedgerTable) for one in sources):
        raise CaseError("the case names a ledger, which is no input file", remedy=remedy)
    if rerun.acquired is None:
        raise CaseError(
            "nobody said when the files were obtained: reading them again gives other times",
            remedy=f"run the case with --acquired TIME, or {remedy}",
        )


def read_again(rerun: Rerun, base: Path, place: Path, *, say: Say) -> Ledger:
    """Return the ledger of a case, read again from its input files."""
    tables = config_of(rerun).sources
    ledger, _ = read_sources(
        tables, base, place, leave=Leave(), acquired=rerun.acquired, say=say
    )  # fmt: skip
    return ledger
