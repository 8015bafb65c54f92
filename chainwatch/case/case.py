"""A case: results in the order in which they were found, why, and the files that leave the desk."""

from __future__ import annotations

import secrets
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl

from chainwatch.case.document import document
from chainwatch.case.exports import EXPORTS
from chainwatch.case.exports.graphml import write_graphml
from chainwatch.case.exports.tables import write_tables
from chainwatch.case.finding import Finding
from chainwatch.case.log import Log
from chainwatch.case.report import render_html, render_pdf
from chainwatch.case.roles import roles_of, sealed
from chainwatch.case.seal import LOG, write_seal
from chainwatch.errors import CaseError, OutputExists
from chainwatch.figures.traced import FlowFigure
from chainwatch.provenance import Result, digest_result
from chainwatch.triage.desk import opened
from chainwatch.triage.privacy import DISCLOSURE, Edition, Party, annex
from chainwatch.triage.shown import parties, shown_tables, transactions_of_masked

NOTHING = "0" * 64
"""Content digest of an act that adds no result."""

Clock = Callable[[], datetime]


def now() -> datetime:
    """Return the time; tests and the demo give a case another clock."""
    return datetime.now(UTC)


def new_mask_key() -> bytes:
    """Return a new secret for pseudonyms."""
    return secrets.token_bytes(32)


@dataclass
class Case:
    """An append-only log of results, and the files that an opposing expert reruns.

    A case computes nothing: results are made by verbs and added with the reason for them.

    Parameters
    ----------
    name : str
        Short name, used for files.
    question : str
        What the case asks.
    title : str
        Heading of the report.
    investigator : str
        Who works on it; written into the log.
    mask_key : bytes, optional
        Secret for pseudonyms, at least 16 bytes. Made at random where none is given; with the
        same key the same bytes are written again.
    statements : tuple of str
        What others state and the case takes as given, quoted with its source.

    Examples
    --------
    >>> case = Case("otter", question="Whom does this vendor's money reach?")
    >>> case
    Case('otter', 0 results)
    """

    name: str
    question: str
    title: str = ""
    investigator: str = "not stated"
    mask_key: bytes = field(default_factory=new_mask_key, repr=False)
    statements: tuple[str, ...] = ()
    clock: Clock = field(default=now, repr=False)
    log: Log = field(default_factory=lambda: Log([]), repr=False)
    results: list[tuple[Result, str]] = field(default_factory=list, repr=False)
    times: list[str] = field(default_factory=list, repr=False)
    desk_reasons: int = field(default=0, repr=False)

    def add(self, *results: Result, note: str = "") -> Case:
        """Add results, with the reason why; nothing is ever taken out again."""
        self._note_desk()
        for result in results:
            step = result.record.step if result.record else type(result).__name__.lower()
            what = f"add {step}" + (f": {result.title}" if isinstance(result, Finding) else "")
            self._log(what, note, digest_result(result))
            self.results.append((result, note))
        return self

    def __post_init__(self) -> None:
        self._note_desk()

    def _note_desk(self) -> None:
        """Write into the log why the working edition was opened since the last look."""
        for reason in opened()[self.desk_reasons :]:
            self._log("open the working edition at the desk", reason, NOTHING)
            self.desk_reasons += 1

    def _log(self, what: str, why: str, content: str) -> None:
        self.log.append(self.investigator, what, why, content)
        self.times.append(self.clock().isoformat())

    def edition(self, name: str) -> Edition:
        """Return an edition with the roles that the added results give."""
        results = [result for result, _ in self.results]
        plain = Edition(name, self.mask_key, roles_of(results))
        return replace(plain, withheld=transactions_of_masked(results, plain))

    def parties(self) -> set[Party]:
        """Return every address that stands in any result."""
        return set().union(*(parties(result) for result, _ in self.results))

    def write(self, folder: str | Path, *, edition: str = DISCLOSURE, reason: str = "") -> Path:
        """Write one edition of the case: report, tables, graph, figures, manifest, log, seal.

        Parameters
        ----------
        folder : path
            A folder that does not exist yet. It appears when all is written, or not at all.
        edition : str
            ``disclosure`` (default) masks everyone but subjects, findings and services;
            ``working`` masks nobody and needs a reason, which goes into the log.
        reason : str
            Why the working edition is needed.

        Returns
        -------
        Path
            The folder.

        Raises
        ------
        OutputExists
            If the folder exists.
        CaseError
            If a working edition is asked for without a reason.
        """
        target = Path(folder)
        shown = self.edition(edition)
        self._open(shown, reason)
        return _whole(target, lambda place: self._fill(place, shown))

    def write_annex(self, folder: str | Path) -> Path:
        """Write the key to the pseudonyms: for the court alone, kept apart from the disclosure."""
        shown = self.edition(DISCLOSURE)

        def fill(place: Path) -> None:
            key = annex(shown, self.parties())
            write_tables({"pseudonyms": key}, place)
            (place / "mask_key.txt").write_text(self.mask_key.hex() + "\n", encoding="ascii")

        return _whole(Path(folder), fill)

    def _open(self, edition: Edition, reason: str) -> None:
        if edition.name != DISCLOSURE:
            if not reason.strip():
                raise CaseError(
                    "the working edition masks nobody and was asked for without a reason",
                    remedy="pass reason='...'",
                )
            self._log("write the working edition", reason, NOTHING)

    def _fill(self, folder: Path, edition: Edition) -> None:
        tables = self._tables(edition)
        write_tables(tables, folder / "tables")
        figures = self._figures(folder, edition)
        doc = document(self, edition, figures)
        (folder / "report.html").write_bytes(render_html(doc, folder))
        (folder / "report.pdf").write_bytes(render_pdf(doc, folder))
        (folder / LOG).write_bytes(self.log.told(edition.seal).lines())
        write_seal(folder, self._manifest(edition), {"times": self.times})

    def _tables(self, edition: Edition) -> dict[str, pl.DataFrame]:
        """Return every table of every result under a name of its own."""
        found: dict[str, pl.DataFrame] = {}
        for result, _ in self.results:
            for name, frame in shown_tables(result, edition).items():
                copies = [key for key in found if key == name or key.startswith(f"{name}_again")]
                found[f"{name}_again_{len(copies)}" if copies else name] = frame
        return found

    def _figures(self, folder: Path, edition: Edition) -> dict[int, str]:
        from chainwatch.figures.style import save_figure

        (folder / "figures").mkdir()
        (folder / "graph").mkdir()
        drawn: dict[int, str] = {}
        for number, (result, _) in enumerate(self.results):
            if isinstance(result, FlowFigure):
                stem = f"flow_{len(drawn) + 1}" if drawn else "flow"
                drawing = result.plot(edition).get_figure(root=True)
                if drawing is None:
                    raise CaseError("a figure lost its drawing")
                save_figure(drawing, folder / "figures" / stem)
                write_graphml(result.flows(edition), folder / "graph" / f"{stem}.graphml")
                drawn[number] = stem
        return drawn

    def _manifest(self, edition: Edition) -> dict[str, Any]:
        return {
            "case": self.name,
            "title": self.title,
            "question": self.question,
            "edition": edition.name,
            "log": self.log.told(edition.seal).head(),
            "statements": list(self.statements),
            "exports": sorted(EXPORTS),
            "results": [
                {"note": note, **sealed(result.record.as_dict(), edition)}
                for result, note in self.results
                if result.record
            ],
        }

    def __repr__(self) -> str:
        return f"Case({self.name!r}, {len(self.results)} results)"


def _whole(target: Path, fill: Callable[[Path], None]) -> Path:
    """Fill a folder beside the target and put it in place at the end, or leave nothing."""
    if target.exists():
        raise OutputExists(
            "the output folder exists", where=str(target), remedy="name another one, or remove it"
        )
    target.parent.mkdir(parents=True, exist_ok=True)
    place = Path(tempfile.mkdtemp(prefix=f".{target.name}-", dir=target.parent))
    try:
        fill(place)
        place.chmod(0o755)
        place.rename(target)
    except BaseException:
        shutil.rmtree(place, ignore_errors=True)
        raise
    return target
