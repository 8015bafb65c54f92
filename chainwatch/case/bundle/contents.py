"""What lies in a bundle, by name, and what it says of itself."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from chainwatch.case.bundle.bag import PAYLOAD
from chainwatch.case.seal import pretty
from chainwatch.errors import CaseError

FORMAT = 1
ABOUT, LOCK, README, EDITION, EXTRACT = (
    "bundle.json", "environment.txt", "README.txt", "edition", "extract",
)  # fmt: skip
REPORT = "report.pdf"
MASK_KEY = "mask_key.txt"

BY_EXTRACT, BY_ANNEX, NEVER = "extract", "annex", "none"
"""What a bundle is replayed from: itself, its opened annex and the data, or nothing at all."""

KINDS = {
    BY_EXTRACT: "it holds what its case is computed from",
    BY_ANNEX: "a disclosure holds no extract: to replay it takes its opened annex and the data",
    NEVER: "its case was made without a case file, so that there is nothing to replay",
}


@dataclass(frozen=True)
class About:
    """What a bundle says of itself.

    Attributes
    ----------
    case, edition, tlp, recipient : str
        Name of the case, its edition, its marking, and for whom it was made.
    replay : str
        What it is replayed from: ``extract``, ``annex`` or ``none``.
    carries : str
        ``ledger`` or ``files``, where it has an extract.
    ledger : mapping of str to str
        Content digest of each table of the ledger, where it has an extract.
    seal : str
        SHA-256 of the seal of the edition.
    log : str
        The head of the log of the edition.
    made : str
        When it was made.
    """

    case: str
    edition: str
    tlp: str
    recipient: str
    replay: str
    carries: str
    seal: str
    log: str
    made: str
    ledger: dict[str, str] = field(default_factory=dict)

    def data(self) -> bytes:
        """Return it as it is written."""
        return pretty({"format": FORMAT, **asdict(self)})


def read_about(bag: Path) -> About:
    """Return what a bundle says of itself.

    Raises
    ------
    CaseError
        If it says nothing, or in a format that is not known.
    """
    path = bag / PAYLOAD / ABOUT
    try:
        facts: dict[str, Any] = json.loads(path.read_bytes())
        if facts.pop("format") != FORMAT:
            raise CaseError(
                "another version of chainwatch made this bundle", where=str(path),
                remedy="use that version",
            )  # fmt: skip
        ledger = {str(name): str(digest) for name, digest in facts.pop("ledger").items()}
        made = About(**{name: str(value) for name, value in facts.items()}, ledger=ledger)
    except CaseError:
        raise
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise CaseError(
            "this bag is no bundle of a case", where=str(path), remedy="name a bundle"
        ) from error
    if made.replay not in KINDS:
        raise CaseError("this bag is no bundle of a case", where=str(path), remedy="name a bundle")
    return made


TOLD = """\
A bundle of a case, made by chainwatch. {marking}

bag-info.txt         what it is, and for whom
data/edition/        the case: report, tables, figures, exports, manifest, log and seal
data/bundle.json     what the bundle says of itself
data/environment.txt every package of the Python that made it
{extract}
Check it, offline:    chainwatch verify BAG
Compute it again:     chainwatch replay BAG
                      ({replay})
"""


def readme(about: About) -> bytes:
    """Return what a reader of the folder needs to know."""
    extract = (
        "data/extract/        restricted: the case file, what it reads, and the mask key\n"
        if about.replay == BY_EXTRACT
        else ""
    )
    return TOLD.format(marking=about.tlp, extract=extract, replay=KINDS[about.replay]).encode()
