"""What is kept of a run so that it can be made again: case file, inputs, and what was read."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from chainwatch.case.inputs import Input, check_name
from chainwatch.errors import CaseError
from chainwatch.ledger.ledger import Ledger
from chainwatch.results.provenance import canonical_json, digest_bytes, digest_json

RERUN = "rerun"
"""The folder of a run in which it is kept: for the desk alone."""

CASE_FILE, FACTS = "case.toml", "rerun.json"


@dataclass(frozen=True)
class Rerun:
    """What a run was made with, beside its data.

    Attributes
    ----------
    text : str
        The case file.
    inputs : tuple of Input
        Files that were read.
    acquired : datetime or None
        When files were said to be obtained.
    notes : tuple of str
        What the sources had to say when they were read.
    outside : str
        Path of the ledger below the data folder, where the case file names one.
    commit : int
        The commit of the ledger that the case read; 0 before the first.
    identity : str
        Digest of what was read of it.
    leaves : tuple of (reason, authority)
        Why the working edition had been opened at the desk.
    asked : tuple of (whom, what)
        Whom sources asked.
    """

    text: str
    inputs: tuple[Input, ...]
    acquired: datetime | None
    notes: tuple[str, ...]
    outside: str
    commit: int
    identity: str
    leaves: tuple[tuple[str, str], ...] = ()
    asked: tuple[tuple[str, str], ...] = ()

    def write(self, folder: Path) -> None:
        """Write it into a folder that it makes."""
        folder.mkdir()
        (folder / CASE_FILE).write_bytes(self.text.encode())
        (folder / FACTS).write_bytes(canonical_json(self._facts()) + b"\n")

    def _facts(self) -> dict[str, Any]:
        return {
            "case_file": digest_bytes(self.text.encode()),
            "inputs": [one._asdict() for one in self.inputs],
            "acquired": self.acquired.isoformat() if self.acquired else None,
            "notes": list(self.notes),
            "leaves": [list(one) for one in self.leaves],
            "asked": [list(one) for one in self.asked],
            "ledger": {
                "outside": self.outside, "commit": self.commit, "identity": self.identity
            },
        }  # fmt: skip

    @classmethod
    def read(cls, folder: Path) -> Rerun:
        """Read it back.

        Raises
        ------
        CaseError
            If nothing of the kind is there, it was changed, or it names a file outside the data.
        """
        where, remedy = str(folder), "run the case again with chainwatch run"
        try:
            text = (folder / CASE_FILE).read_bytes().decode()
            facts = json.loads((folder / FACTS).read_bytes())
            made = cls(
                text,
                tuple(Input(str(n["path"]), int(n["size"]), str(n["sha256"]), str(n["of"]))
                      for n in facts["inputs"]),
                datetime.fromisoformat(facts["acquired"]) if facts["acquired"] else None,
                tuple(map(str, facts["notes"])),
                str(facts["ledger"]["outside"]), int(facts["ledger"]["commit"]),
                str(facts["ledger"]["identity"]),
                tuple((str(why), str(whose)) for why, whose in facts["leaves"]),
                tuple((str(whom), str(what)) for whom, what in facts["asked"]),
            )  # fmt: skip
        except (OSError, ValueError, TypeError, KeyError, RecursionError) as error:
            raise CaseError(
                "nothing here says how the case was run", where=where, remedy=remedy
            ) from error
        if digest_bytes(text.encode()) != facts["case_file"]:
            raise CaseError(
                "the case file that was kept was changed since", where=where, remedy=remedy
            )
        for one in made.inputs:
            check_name(one.path, where)
        if made.outside not in ("", "."):  # the data folder itself may be the ledger
            check_name(made.outside, where)
        return made


def identity_of(ledger: Ledger) -> str:
    """Return the digest of what a ledger says was read."""
    return digest_json(ledger.identity())
