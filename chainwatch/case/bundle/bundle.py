"""``bundle``: a written case as a BagIt bag, made for a recipient, to be checked and run again."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from html import escape
from pathlib import Path
from typing import Any

from chainwatch.atomic import absolute, check_free, write_whole
from chainwatch.case.bundle.bag import PAYLOAD, SIGNED, make_bag
from chainwatch.case.bundle.check import verify_bundle
from chainwatch.case.bundle.contents import (
    ABOUT,
    BY_ANNEX,
    BY_EXTRACT,
    EDITION,
    EXTRACT,
    LOCK,
    MASK_KEY,
    NEVER,
    README,
    About,
    readme,
)
from chainwatch.case.bundle.desk import data_of, ledger_of
from chainwatch.case.bundle.environment import lock_file
from chainwatch.case.bundle.extract import (
    FILES,
    LARGEST,
    TABLES,
    carry_files,
    write_tables_of,
)
from chainwatch.case.bundle.handed_out import note_handed_out
from chainwatch.case.bundle.joining import joining
from chainwatch.case.bundle.rework import check_files_suffice, rework
from chainwatch.case.case import Case
from chainwatch.case.marking import label, marking
from chainwatch.case.recipes.rerun import RERUN, Rerun
from chainwatch.case.recipes.run import ANNEX
from chainwatch.case.recipes.steps import Say
from chainwatch.case.seal import MANIFEST, SEAL, facts_in, verify
from chainwatch.errors import CaseError, ChainwatchError
from chainwatch.ledger.ledger import Ledger
from chainwatch.privacy.edition import DISCLOSURE, WORKING, Edition
from chainwatch.privacy.leave import leave
from chainwatch.privacy.mask_key import read_mask_key, recipient_key, recipient_name
from chainwatch.results.provenance import digest_bytes
from chainwatch.sanitize import visible


@dataclass(frozen=True)
class Bundle:
    """A bundle that was made: its folder, what it says of itself, its digest.

    ``joined`` says how many masked parties can be told by their rows, whatever the key.
    """

    folder: Path
    about: About
    digest: str
    joined: str = ""

    def __repr__(self) -> str:
        whom = f" for {self.about.recipient}" if self.about.recipient else ""
        return visible(
            f"Bundle({self.about.edition} of {self.about.case}{whom}, {self.about.tlp}, in"
            f" {self.folder.name}; sha256:{self.digest}: keep it elsewhere"
            f"{f'; {self.joined}' if self.joined else ''})"
        )

    def _repr_html_(self) -> str:
        return f"<p>{escape(repr(self))}</p>"


@dataclass(frozen=True)
class _Wish:
    """What was asked for, checked."""

    source: Path
    edition: str
    data: Path | None
    recipient: str
    tlp: str
    files: bool
    largest: int
    made: datetime
    say: Say


def bundle(
    folder: str | Path, to: str | Path, *, edition: str = DISCLOSURE, recipient: str = "",
    tlp: str = "", data: str | Path | None = None, files: bool = False, largest: int = LARGEST,
    reason: str = "", authority: str = "", made: datetime | None = None, replace: bool = False,
    say: Say | None = None,
) -> Bundle:  # fmt: skip
    """Make a BagIt bag of one edition of a case.

    Parameters
    ----------
    folder : path
        What ``run_case`` wrote; or an edition by itself, which can then not be replayed.
    to : path
        The bag. It appears when all of it is written, or not at all.
    edition : str
        ``disclosure``; or ``working``, which carries all that its case is computed from.
    recipient : str
        For whom: pseudonyms are then of a key of their own, and the case is computed again.
    tlp : str
        How far it may travel (Traffic Light Protocol 2.0); as the edition says, if not given.
    data : path, optional
        What the case was run with; else ``data`` in ``folder``, else ``CHAINWATCH_DATA``.
    files : bool
        Carry the input files, from which the ledger is read again, in place of the ledger.
    largest : int
        Most bytes of chain data that are carried.
    reason, authority : str
        Why the working edition is handed out, and on whose authority.
    made : datetime, optional
        When it is made; now, if not given. ``replace`` and ``say`` are those of ``run_case``.

    Raises
    ------
    CaseError
        If something is not as the case read it, or too large; then nothing is written.
    OutputExists
        If something is there already.

    Fails when
    ----------
    The data was thrown away after the run: a working bundle, and one for a recipient, need it.
    """
    wish = _Wish(
        Path(folder), edition, Path(data) if data else None, recipient_name(recipient), label(tlp),
        files, largest, made or datetime.now(UTC), say or (lambda _: None),
    )  # fmt: skip
    target = absolute(to)
    check_free(target, _is_bundle, replace=replace)
    given = leave(reason, authority) if edition == WORKING else None
    found: list[About] = []

    def fill(place: Path) -> None:
        found.append(_fill(place, wish))
        why, whose = given or (reason, authority)
        content = digest_bytes((place / SIGNED).read_bytes())
        note_handed_out(wish.source, found[0], content, why, whose, wish.made)

    write_whole(target, fill, ours=_is_bundle, replace=replace)
    told = joining(target / PAYLOAD / EDITION).said()
    return Bundle(target, found[0], digest_bytes((target / SIGNED).read_bytes()), told)


def _is_bundle(folder: Path) -> bool:
    """Tell whether a folder is a bundle and nothing in it was touched."""
    try:
        verify_bundle(folder)
    except ChainwatchError:
        return False
    return True


def _fill(place: Path, wish: _Wish) -> About:
    """Write the payload and turn it into a bag."""
    rerun = Rerun.read(wish.source / RERUN) if (wish.source / RERUN).exists() else None
    ledger = ledger_of(wish.source, rerun, wish.data) if rerun else None
    written = _edition_folder(wish)
    _put_edition(place / EDITION, written, wish, rerun, ledger)
    carried: Mapping[str, str] = {}
    if wish.edition == WORKING and rerun and ledger:
        carried = _put_extract(place / EXTRACT, wish, rerun, ledger)
    manifest = facts_in(place / EDITION / MANIFEST)
    about = About(
        case=str(manifest["case"]), edition=wish.edition, tlp=str(manifest["tlp"]),
        recipient=wish.recipient,
        replay=NEVER if rerun is None else BY_EXTRACT if carried else BY_ANNEX,
        carries=("files" if wish.files else "ledger") if carried else "",
        seal=digest_bytes((place / EDITION / SEAL).read_bytes()), log=str(manifest["log"]),
        made=wish.made.astimezone(UTC).isoformat(timespec="seconds"), ledger=dict(carried),
    )  # fmt: skip
    (place / ABOUT).write_bytes(about.data())
    (place / LOCK).write_text(lock_file(wish.edition), encoding="utf-8")
    (place / README).write_bytes(readme(about))
    make_bag(place, _info(about, manifest))
    return about


def _edition_folder(wish: _Wish) -> Path:
    """Return the edition that was written, proved to be as its seal says."""
    inner = wish.source / wish.edition
    folder = inner if inner.is_dir() else wish.source
    if not (folder / SEAL).is_file():
        raise CaseError(
            f"the {wish.edition} edition of this case was not written", where=str(wish.source),
            remedy="name the folder of a run, and one of its editions with --edition",
        )  # fmt: skip
    verify(folder)
    found = json.loads((folder / MANIFEST).read_bytes())
    if found.get("edition") != wish.edition:
        raise CaseError(
            f"this is the {visible(str(found.get('edition')))} edition, not the {wish.edition}",
            where=str(folder), remedy="name the other one, or say --edition",
        )  # fmt: skip
    return folder


def _put_edition(
    place: Path, written: Path, wish: _Wish, rerun: Rerun | None, ledger: Ledger | None
) -> None:
    """Copy an edition as it is, or make it anew for a recipient or under another marking."""
    marked = json.loads((written / MANIFEST).read_bytes()).get("tlp")
    wanted = marking(wish.tlp, wish.edition) if wish.tlp else marked
    if not wish.recipient and wanted == marked:
        shutil.copytree(written, place)
        return
    if rerun is None or ledger is None:
        raise CaseError(
            "an edition by itself can be given no other marking and no recipient's pseudonyms",
            where=str(written), remedy="name the folder of a run, or write the case anew",
        )  # fmt: skip
    wish.say(f"working the case again for {wish.recipient or wanted}")
    case = rework(
        rerun, data_of(wish.source, wish.data), ledger, place, mask_key=_key(wish),
        edition=wish.edition, tlp=str(wanted).removeprefix("TLP:"), say=wish.say,
    )  # fmt: skip
    _check_same(written, case, wish)


def _key(wish: _Wish) -> bytes:
    """Return the key of the pseudonyms: of the case, or of a recipient's own."""
    key = read_mask_key(wish.source / ANNEX / MASK_KEY)
    return recipient_key(key, wish.recipient) if wish.recipient else key


def _check_same(written: Path, case: Case, wish: _Wish) -> None:
    """Refuse what was computed again with other results than those that were written."""
    seal = Edition(wish.edition, read_mask_key(wish.source / ANNEX / MASK_KEY)).digest
    given = [row["content"] for row in facts_in(written / MANIFEST)["results"]]
    if given != [seal(result.digest) for result, _ in case.results]:
        raise CaseError(
            "the case, computed again, gives other results than were written",
            where=str(wish.source), remedy="run the case again with this version of chainwatch",
        )  # fmt: skip


def _put_extract(place: Path, wish: _Wish, rerun: Rerun, ledger: Ledger) -> Mapping[str, str]:
    """Write all that the case is computed from; return the digests of the ledger's tables."""
    place.mkdir()
    wanted = [one for one in rerun.inputs if wish.files or one.of != "source"]
    if wish.files:
        check_files_suffice(rerun)
    if wanted:
        carry_files(wanted, data_of(wish.source, wish.data), place / FILES, largest=wish.largest)
    digests = write_tables_of(ledger, place / TABLES, largest=wish.largest)
    if wish.files:
        shutil.rmtree(place / TABLES)
    rerun.write(place / RERUN)
    # Never the key of the case, from which that of every recipient could be made.
    key = recipient_key(read_mask_key(wish.source / ANNEX / MASK_KEY), wish.recipient)
    (place / MASK_KEY).write_text(key.hex() + "\n", encoding="ascii")
    return digests


def _info(about: About, manifest: Mapping[str, Any]) -> dict[str, str]:
    """Return what ``bag-info.txt`` says."""
    said = {
        "Bagging-Date": about.made[:10],
        "External-Description": f"{manifest['title'] or about.case}: {about.edition} edition",
        "External-Identifier": str(manifest["number"] or about.case),
        "TLP": about.tlp,
        "Recipient": about.recipient,
    }
    return {name: value for name, value in said.items() if value}


__all__ = ["Bundle", "bundle"]
