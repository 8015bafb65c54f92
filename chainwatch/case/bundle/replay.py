"""``replay``: every result of a bundle computed again, and the first that differs named."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from html import escape
from itertools import zip_longest
from pathlib import Path
from typing import Any

from chainwatch.case.bundle.bag import PAYLOAD
from chainwatch.case.bundle.check import verify_bundle
from chainwatch.case.bundle.contents import (
    BY_ANNEX,
    BY_EXTRACT,
    EDITION,
    EXTRACT,
    KINDS,
    MASK_KEY,
    About,
    read_about,
)
from chainwatch.case.bundle.desk import data_of, ledger_of
from chainwatch.case.bundle.extract import FILES, TABLES, check_input, restored_ledger
from chainwatch.case.bundle.rework import read_again, rework
from chainwatch.case.origin import INPUTS
from chainwatch.case.recipes.rerun import RERUN, Rerun
from chainwatch.case.recipes.steps import Say
from chainwatch.case.seal import LOG, MANIFEST, facts_in, versions
from chainwatch.errors import CaseError
from chainwatch.ledger.ledger import Ledger
from chainwatch.privacy.edition import DISCLOSURE, Edition
from chainwatch.privacy.mask_key import read_mask_key, recipient_key
from chainwatch.results.provenance import digest_bytes
from chainwatch.sanitize import visible
from chainwatch.units import counted


@dataclass(frozen=True)
class Replayed:
    """What came of computing a bundle again.

    Attributes
    ----------
    folder : Path
        The bundle.
    results, files : int
        How many results, and files of the edition, have the digests that the bundle gives.
    difference : str
        The first that differs, in a sentence; nothing where all are the same.
    inputs_read : bool
        Whether the input files were read again. If not, it was computed from the ledger that was
        carried: that this holds what the files say, whose digests the bundle gives, is not known.
    """

    folder: Path
    results: int
    files: int
    difference: str = ""
    inputs_read: bool = False

    @property
    def same(self) -> bool:
        """Whether every result and every file is the same."""
        return not self.difference

    def __repr__(self) -> str:
        if self.difference:
            return f"Replayed({self.difference})"
        return (
            f"Replayed({counted(self.results, 'result has', 'results have')} the digest that the"
            f" bundle gives, and {counted(self.files, 'file is', 'files are')} the same to the"
            f" byte; {READ_AGAIN if self.inputs_read else NOT_READ_AGAIN})"
        )

    def _repr_html_(self) -> str:
        return f"<p>{escape(repr(self))}</p>"


def replay(
    bag: str | Path, *, annex: str | Path | None = None, run: str | Path | None = None,
    data: str | Path | None = None, say: Say | None = None,
) -> Replayed:  # fmt: skip
    """Compute every result of a bundle again, and compare.

    The bundle is verified first. Then the case is computed in a folder that is removed afterwards,
    and the digest of every result is compared in the order of the case, then the log, then every
    file. No server is asked.

    Parameters
    ----------
    bag : path
        A working bundle; or a disclosure, with its opened annex and what its case was run with.
    annex : path, optional
        Of a disclosure: the annex that was opened, or the key in it.
    run, data : path, optional
        Of a disclosure: the folder of the run, whose ledger is read, and the data of its case.
    say : function, optional
        Told in one line what is done.

    Returns
    -------
    Replayed
        With the first difference, if there is one.

    Raises
    ------
    CaseError
        If the bundle does not verify, or there is nothing from which it could be computed.

    Fails when
    ----------
    Another version of a library writes other bytes for the same result: it is then said which
    versions differ, and the digests of the results alone are the same.
    """
    folder, tell = Path(bag), say or (lambda _: None)
    verify_bundle(folder)
    about = read_about(folder)
    opened = about.replay == BY_ANNEX and annex is not None and run is not None
    if about.replay != BY_EXTRACT and not opened:
        raise CaseError(
            f"this bundle cannot be replayed: {KINDS[about.replay]}", where=str(folder),
            remedy=OPEN_IT if about.replay == BY_ANNEX else "chainwatch verify works on it",
        )  # fmt: skip
    edition = folder / PAYLOAD / EDITION
    with tempfile.TemporaryDirectory(prefix="chainwatch-replay-") as name:
        again = Path(name) / EDITION
        if annex is not None and run is not None and opened:
            given = Path(data) if data is not None else None
            _made_at_the_desk(edition, about, Path(annex), Path(run), given, again, tell)
        else:
            _made_again(folder / PAYLOAD / EXTRACT, about, Path(name), again, tell)
        carried = about.carries == "files" and not opened
        return replace(compared(folder, edition, again), inputs_read=carried)


READ_AGAIN = "the input files were read again"
NOT_READ_AGAIN = (
    "the input files were not read again: that the ledger of the extract holds what they say is"
    " not known"
)

OPEN_IT = (
    "chainwatch verify works on it; to replay it, give --annex with the opened annex and --run with"
    " the folder of the run"
)


def _made_at_the_desk(
    edition: Path, about: About, annex: Path, run: Path, data: Path | None, place: Path, say: Say
) -> None:
    """Make a disclosure again with the key of its annex, if it was made of this run."""
    rerun, told = Rerun.read(run / RERUN), facts_in(edition / INPUTS)
    key = _opened(read_mask_key(annex / MASK_KEY if annex.is_dir() else annex), rerun, about, told)
    seal = Edition(DISCLOSURE, key).digest
    files = [(one.size, seal(one.sha256) if one.sha256 else None) for one in rerun.inputs]
    if sorted(files, key=str) != sorted(
        ((n["bytes"], n["digest"]) for n in told["files"]), key=str
    ):
        raise CaseError("the bundle was made of other files than this run read", where=str(run))
    base = data_of(run, data)
    for one in rerun.inputs:
        if one.of != "source":
            check_input(one, base)
    rework(
        rerun, base, ledger_of(run, rerun, data), place, mask_key=key, edition=about.edition,
        tlp=about.tlp.removeprefix("TLP:"), say=say,
    )  # fmt: skip


def _opened(key: bytes, rerun: Rerun, about: About, told: Mapping[str, Any]) -> bytes:
    """Return the key of a disclosure's pseudonyms: that of the annex, or its recipient's own."""
    content = digest_bytes(rerun.text.encode())
    for one in (key, recipient_key(key, about.recipient)):
        if Edition(DISCLOSURE, one).digest(content) == told["case_file"]:
            return one
    raise CaseError(
        "this annex does not open the bundle, or the run is of another case file",
        remedy="give the annex and the folder of the run from which it was made",
    )


def _made_again(extract: Path, about: About, room: Path, place: Path, say: Say) -> None:
    rerun, files = Rerun.read(extract / RERUN), extract / FILES
    base = files if files.is_dir() else room
    for one in rerun.inputs:
        if one.of != "source" or about.carries == "files":
            check_input(one, files)
    ledger = _ledger(extract, about, rerun, base, room / "ledger", say)
    rework(
        rerun, base, ledger, place, mask_key=read_mask_key(extract / MASK_KEY),
        edition=about.edition, tlp=about.tlp.removeprefix("TLP:"), say=say,
    )  # fmt: skip


def _ledger(extract: Path, about: About, rerun: Rerun, base: Path, place: Path, say: Say) -> Ledger:
    if about.carries != "files":
        say("making the ledger of the extract")
        return restored_ledger(extract / TABLES, place, about.ledger)
    ledger = read_again(rerun, base, place, say=say)
    for name, digest in sorted(about.ledger.items()):
        if ledger.digest(name) != digest:
            raise CaseError(f"read again, the table {name} of the ledger is another")
    return ledger


def compared(bag: Path, given: Path, made: Path) -> Replayed:
    """Return how an edition that was made again differs from the one that was given."""
    first, second = (_shaped(folder / MANIFEST) for folder in (given, made))
    results = len(first["results"])
    if odd := _first_result(first, second):
        return Replayed(bag, 0, 0, f"{odd}{_other_versions(first)}")
    names = [row["path"] for row in first["files"]]
    for name in sorted({*names, *(row["path"] for row in second["files"])}, key=_order):
        if odd := _differs(given / name, made / name, name):
            return Replayed(bag, results, 0, f"{odd}{_other_versions(first)}")
    if odd := _differs(given / MANIFEST, made / MANIFEST, MANIFEST):
        return Replayed(bag, results, len(names), f"{odd}{_other_versions(first)}")
    return Replayed(bag, results, len(names) + 1)


def _shaped(path: Path) -> dict[str, Any]:
    """Return a manifest that lists results and files, each with what is compared of it."""
    found = facts_in(path)
    wanted = {"results": ("what", "content"), "files": ("path",)}
    for name, keys in wanted.items():
        rows = found.get(name)
        if not isinstance(rows, list) or not all(
            isinstance(row, dict) and all(isinstance(row.get(key), str) for key in keys)
            for row in rows
        ):
            raise CaseError(
                f"the manifest lists no {name}", where=str(path),
                remedy="compare with the copy that was sealed",
            )  # fmt: skip
    return found


def _order(name: str) -> tuple[bool, str]:
    return name != LOG, name  # the log first: it says what was done


def _first_result(first: Mapping[str, Any], second: Mapping[str, Any]) -> str:
    """Return in words which result is the first that differs."""
    pairs = zip_longest(first["results"], second["results"])
    for number, (one, other) in enumerate(pairs, 1):
        if one is None:
            return f"result {number} ({visible(other['what'])}) is made now and was not given"
        called = f"result {number} ({visible(one['what'])})"
        if other is None:
            return f"{called} is not made again"
        if (one["what"], one["content"]) != (other["what"], other["content"]):
            return f"{called} is another: {one['content']} was given, {other['content']} is made"
    return ""


def _differs(given: Path, made: Path, name: str) -> str:
    if not made.is_file() or not given.is_file():
        return f"the file {name} is {'not made again' if given.is_file() else 'made now alone'}"
    one, other = (digest_bytes(path.read_bytes()) for path in (given, made))
    if one == other:
        return ""
    return f"the file {name} is another: sha256:{one} was given, sha256:{other} is made"


def _other_versions(manifest: Mapping[str, Any]) -> str:
    """Return which versions differ from those that the bundle was made with."""
    given = manifest.get("versions")
    return "; ".join(["", *_changed(given if isinstance(given, Mapping) else {})])


def _changed(given: Mapping[str, str]) -> Iterator[str]:
    here = versions()
    for name in sorted({*given, *here}):
        was, now = given.get(name, "absent"), here.get(name, "absent")
        if was != now:
            yield f"{name} was {visible(str(was))} and is {now}"


__all__ = ["Replayed", "compared", "replay"]
