"""What a case was made from, as an edition may tell it: its case file, and its input files."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path

from chainwatch.case.inputs import Input
from chainwatch.case.seal import pretty
from chainwatch.privacy.edition import WORKING
from chainwatch.privacy.masked_view import MaskedView
from chainwatch.results.provenance import digest_bytes

INPUTS = "inputs.json"
CASE_TOML, CASE_JSON = "case.toml", "case.json"
OF_THE_DESK = ("editions", "working_reason", "working_authority")


@dataclass(frozen=True)
class Origin:
    """The text of a case file, and the files that were read by it."""

    text: str
    inputs: tuple[Input, ...]

    def write(self, folder: Path, view: MaskedView) -> None:
        """Write both into an edition.

        The working edition holds the case file to the byte. The disclosure holds what TOML reads of
        it, without comments and with what is masked taken out: it can be read and not be run.
        Digests are keyed there, so that nobody tries files in turn, and input files bear numbers
        for names.
        """
        if view.edition.name == WORKING:
            (folder / CASE_TOML).write_bytes(self.text.encode())
        else:
            told = view.text.plain(tomllib.loads(self.text))
            # That there is a working edition, and why, is no part of what is disclosed.
            told["case"] = {k: v for k, v in told["case"].items() if k not in OF_THE_DESK}
            (folder / CASE_JSON).write_bytes(pretty(_dated(told)))
        files = [
            {
                "path": one.path,
                "bytes": one.size,
                "digest": view.edition.digest(one.sha256) if one.sha256 else None,
            }
            for one in self.inputs
        ]
        if view.edition.name != WORKING:
            # A name may tell whose file it is. Their order would tell of names: digests give it.
            files.sort(key=lambda one: (str(one["digest"]), one["bytes"]))
            for number, one in enumerate(files, 1):
                one["path"] = f"input {number}"
        case_file = view.edition.digest(digest_bytes(self.text.encode()))
        (folder / INPUTS).write_bytes(pretty({"case_file": case_file, "files": files}))


def _dated(value: object) -> object:
    """Return plain data with days and times of TOML as text."""
    if isinstance(value, dict):
        return {key: _dated(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_dated(item) for item in value]
    return value if value is None or isinstance(value, (str, int, float)) else str(value)
